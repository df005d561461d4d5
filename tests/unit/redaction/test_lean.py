"""A library is imported without what it needs for things that are not used, and nothing else notices."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from redaction import lean

_CHECK = """
import sys
from redaction.detectors.patterns import PatternDetector
import redaction.transform
heavy = {m.partition(".")[0] for m in sys.modules} & {"spacy", "thinc"}
assert not heavy, heavy
found = PatternDetector().detect("Pay to DE89 3704 0044 0532 0130 00, ann@example.org")
assert {f.label for f in found} == {"IBAN_CODE", "EMAIL_ADDRESS"}, found
import spacy
assert list(spacy.blank("en")("two words"))
"""


def test_patterns_and_transforms_load_no_language_library_and_it_works_afterwards():
    done = subprocess.run([sys.executable, "-c", _CHECK], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_what_stands_for_nothing_can_be_named_and_extended_but_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "needy.py").write_text(
        "import heavyweight.parts\nfrom heavyweight.parts import Thing, registry\n"
        "@registry.makers('x')\ndef make(): ...\nclass Mine(Thing): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    before = list(sys.meta_path)
    with lean.without("heavyweight"):
        import needy  # type: ignore[import-not-found]  # written above
    assert "heavyweight" not in sys.modules and sys.meta_path == before
    for use in (needy.Thing, needy.Mine, needy.Thing.make, needy.heavyweight.parts.load):
        with pytest.raises(RuntimeError, match="without its library"):
            use()
    with pytest.raises(ModuleNotFoundError):
        import heavyweight  # noqa: F401


def test_what_is_loaded_already_stays():
    with lean.without("json"):
        again = importlib.import_module("json")
    assert again is json
