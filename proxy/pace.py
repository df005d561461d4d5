"""How a process that is nothing but a gate, or one of its workers, spends its time: nobody waits for housekeeping.

Python searches all that lives for garbage in cycles whenever a quarter more is there; with what a gate holds that took
50 to 200 ms, in which nothing else went on: the slowest one of a hundred prompts waited for that.
"""

from __future__ import annotations

import gc
import sys

SWITCH_S = 0.0005
"""After so long a thread that works on a document lets the event loop go on, which needs to go on some twenty times for
one request; Python's own five milliseconds add up to a tenth of a second."""
YOUNG, MIDDLE, OLD = 20_000, 10, 20
"""Objects after which the youngest are looked through, and how many times that before the older and the oldest are."""


def steady() -> None:
    """Once everything is loaded: what is there is not searched again, the rest seldom, and threads give way soon."""
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
