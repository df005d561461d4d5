"""Patterns with look-around, said for RE2: the same matches as the originals in an engine that has look-around."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from presidio_analyzer import PatternRecognizer, predefined_recognizers

from redaction.detectors.linear import compile_pattern
from redaction.detectors.lookaround import Linear, linear
from redaction.detectors.patterns import SKIPPED

EVAL = Path(__file__).parents[5] / "shared/reference/eval"
BLIND = ("InPanRecognizer", "UsHealthInsuranceMemberIdRecognizer")
"""Their look-ahead sees what stands behind the value, in the first case the whole rest of the text: ours does not."""


def _all() -> list[tuple[str, str]]:
    out = []
    for name, cls in sorted(vars(predefined_recognizers).items()):
        if isinstance(cls, type) and issubclass(cls, PatternRecognizer) and cls is not PatternRecognizer:
            out += [(name, p.regex) for p in getattr(cls, "PATTERNS", ())]
    return [(name, pattern) for name, pattern in out if regex.search(r"\(\?<?[=!]|(?<!\\)\\[1-9]", pattern)]


def _ours() -> list[tuple[str, str, Linear, Any]]:
    forms = [(name, source, linear(source)) for name, source in _all() if name not in SKIPPED]
    return [(name, source, form, compile_pattern(form.pattern)) for name, source, form in forms]


FORMS = _ours()


def spans(form: Linear, pattern: Any, text: str) -> list[tuple[int, int]]:
    found = [s[form.group] for s in pattern.spans(text)]
    return [s for s in found if form.fits(text, *s)]


def original(source: str, text: str) -> list[tuple[int, int]]:
    return [m.span() for m in regex.finditer(source, text, regex.IGNORECASE | regex.DOTALL | regex.MULTILINE)]


def test_every_kind_of_look_around_is_there() -> None:
    assert len(FORMS) >= 30


_SAID = (
    "123-45-67890 123/456/78901 12/345/6789 123 456 789 123-456-789 123-456 B-AB 1234 B AB 123E M-A1 "
    "M12345678 M123A4567 850101-1234567 8501011234567 850101-5234567 AB 12 34 56 C BG123456C KA01AB1234 "
    "KA01AB0000 AB0000 21BH1234AA 21BH0000AA 00A123456B 12A123456B 1234567890 claim claim# prior rx RX- "
    "prescription no authorization referral REF- billing provider tin 12-3456789 number: id "
    "11-22-333333-44 CLM-123456 PA-123456 "
)
_PIECES = _SAID.split()
_TEXTS = st.lists(
    st.sampled_from([*_PIECES, *_PIECES, " ", "  ", "-", "/", ":", "#", ".", "\n", "é", "x", "_", "7", "Ä", "👍"]),
    max_size=12,
).map("".join) | st.lists(st.sampled_from([*_PIECES, "1", "A"]), max_size=8).map(" ".join)


@settings(deadline=None)
@given(_TEXTS)
@example("claim 1234567 claim 1234567")
@example("123/456/78901é")
@example("xM12345678 M12345678")
@example("KA01AB1234é")
@example("1234 1234567890 12")
def test_ours_matches_where_the_original_does(text: str) -> None:
    for name, source, form, pattern in FORMS:
        if name not in BLIND:
            found, wanted = set(spans(form, pattern, text)), set(original(source, text))
            more = found - wanted
            assert all(beside_a_letter_beyond_ascii(text, *s) for s in more), (name, source)
            missed = wanted - found
            rejected = [s[form.group] for s in pattern.spans(text) if not form.fits(text, *s[form.group])]
            within = {s for r in rejected for s in form.within(pattern, text, *r) if form.fits(text, *s)}
            assert missed <= within, (name, source)


def beside_a_letter_beyond_ascii(text: str, start: int, end: int) -> bool:
    """To RE2 a word ends before one: there it finds more."""
    beside = text[max(0, start - 1) : start] + text[end : end + 1]
    return any(c.isalnum() and not c.isascii() for c in beside)


@pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled sets lie beside the checkout, not in it")
@pytest.mark.parametrize("name", ["ids_presidio_tests_pos", "ids_presidio_tests_neg"])
def test_ours_matches_where_the_original_does_on_the_librarys_own_tests(name: str) -> None:
    with gzip.open(EVAL / f"{name}.jsonl.gz", "rt") as rows:
        texts = [json.loads(row)["text"] for row in rows]
    for text in texts:
        for recognizer, source, form, pattern in FORMS:
            ours, theirs = spans(form, pattern, text), original(source, text)
            assert ours == theirs or recognizer in BLIND, (recognizer, source)


@pytest.mark.parametrize(
    "pattern",
    [r"a(?<=b)c", r"(?<!ab)c", r"(a|b)\1", r"([a-z])\1", r"(a)(b)\2", r"(?<!a|b)c"],
)
def test_what_has_another_shape_is_refused_not_guessed_at(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"back-reference|look-|shapes|one character"):
        linear(pattern)


def test_a_pattern_without_look_around_stays_as_it_is() -> None:
    form = linear(r"\b\d{3}\b")
    assert form == Linear(r"(?is)\b\d{3}\b")
    assert form.plain
