"""A gate's process is not held up by housekeeping."""

from __future__ import annotations

import subprocess
import sys

_SAID = """
import gc, sys, weakref
from proxy.pace import MIDDLE, OLD, YOUNG, steady
kept = [[] for _ in range(50_000)]
class Circle:
    pass
gc.disable()
lost = Circle()
lost.me = lost
seen = weakref.ref(lost)
del lost
gc.enable()
steady()
assert seen() is None, "garbage is not kept for ever"
assert gc.get_freeze_count() > 50_000, gc.get_freeze_count()
assert sys.getswitchinterval() < 0.001 and gc.get_threshold() == (YOUNG, MIDDLE, OLD)
gone = {0: 0, 1: 0, 2: 0}
def count(phase, info):
    if phase == "stop":
        gone[info["generation"]] += info["collected"]
gc.callbacks.append(count)
for _ in range(2 * YOUNG):
    circle = []
    circle.append(circle)
assert gone[0] and not gone[2], gone
print("still collected")
"""

_GROWS = """
import gc, sys, collections
from proxy.pace import steady
kept = [[] for _ in range(50_000)]
steady()
alive = collections.deque(maxlen=30_000)  # longer than two searches of the young: they grow old first
class Circle:
    living = most = 0
    def __init__(self):
        self.me = self
        Circle.living += 1
        Circle.most = max(Circle.most, Circle.living)
    def __del__(self):
        Circle.living -= 1
for _ in range(1_500_000):
    alive.append(Circle())
assert Circle.most < 750_000, Circle.most
print("bounded")
"""


def _run(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert not ended.returncode, ended.stderr
    return ended.stdout


def test_what_is_loaded_is_not_searched_again_and_garbage_still_goes() -> None:
    assert _run(_SAID) == "still collected\n"


def test_what_grew_old_and_then_is_garbage_goes_as_well() -> None:
    assert _run(_GROWS) == "bounded\n"


def test_serve_and_its_workers_are_steady() -> None:
    for module in ("proxy.commands.serve", "proxy.inspect_worker"):
        assert _run(f"import {module} as m; print(m.steady.__module__)") == "proxy.pace\n"
