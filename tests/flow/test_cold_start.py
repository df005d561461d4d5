"""A cold start with empty caches opens no connection: every model and word list is on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model_support import ROOT, models_or_skip

PROGRAM = """
import sys
attempts = []
def hook(event, args):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and not isinstance(args[1], (str, bytes))):
        attempts.append(event)
        raise OSError("no network in a cold start")
sys.addaudithook(hook)
from pathlib import Path
from proxy.inspect_worker import build
pipeline = build(Path(sys.argv[1]), names=True)
text = "Ada Byron, ada@example.co.uk, +44 20 7946 0018, https://example.org/x, 4111 1111 1111 1111, " \\
       "works at Contoso in Leeds. Patient with chest pain."
(result,) = pipeline.inspect([text])
assert result.uninspected is None, result.uninspected
assert any(f.label == "EMAIL_ADDRESS" for f in result.findings)
assert attempts == [], attempts
print("quiet")
"""


def test_a_cold_start_with_empty_caches_opens_no_connection(tmp_path: Path) -> None:
    models = models_or_skip("rampart", "spacy-en")
    home = {name: str(tmp_path) for name in ("HOME", "XDG_CACHE_HOME", "TLDEXTRACT_CACHE", "HF_HOME", "TMPDIR")}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **home}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(models)],
        env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == "quiet"
