"""The sweep finds what every pattern finds by itself, and never less when its set fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.detectors.linear import compile_pattern
from redaction.detectors.patterns import PatternDetector
from redaction.detectors.sweep import MARGIN, SETS, Sweep, around_digits

RULES = [rule.form.pattern for rule in PatternDetector().rules]
SWEEP = Sweep(RULES)
ALONE = [compile_pattern(p) for p in RULES]
SAMPLES = [
    "ssn 536-90-4399", "NHS 943 476 5919", "C01X00T47", "MN 2412", "731-530-150", "1EG4TE5MK73", "RCCMNL83S18D969H",
    "Y8063915-Z", "AAASA1111R", "90071523179", "960121-1234567", "A123456780", "T356907", "078 05 1123",
    "\u0130\U0001f600 e\u0301", "\r\n", "and then nothing of note for a while, only words, ", "x" * 70, "-", " ", "_",
]  # fmt: skip


@given(st.lists(st.sampled_from(SAMPLES), max_size=8).map("".join))
def test_every_value_that_a_pattern_finds_by_itself_is_found(text: str) -> None:
    swept = {(n, a, b) for n, a, b in SWEEP.find(text)}
    for number, pattern in enumerate(ALONE):
        for m in pattern.finditer(text):
            if any(c in "0123456789" for c in m.group()) and m.end() - m.start() <= 40:
                assert any(n == number and a <= m.start() and m.end() <= b for n, a, b in swept) or _only_words(m, text)


def _only_words(match: Any, text: str) -> bool:
    """Matches that begin or end far from every digit are not numbers."""
    value = match.group()
    digits = [i for i, c in enumerate(value) if c in "0123456789"]
    return digits[0] > 30 or len(value) - digits[-1] > 30


def test_a_set_that_fails_makes_every_pattern_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def Match(self, _: str) -> list[int]:
            return []  # what RE2 says when it runs out of memory

    sweep = Sweep([r"\d{3}", r"[a-z]\d"])
    monkeypatch.setattr(sweep, "_sets", [Full()])
    assert {n for n, _, _ in sweep.find("a123")} == {0, 1}


def test_long_texts_say_what_short_ones_say() -> None:
    sweep = Sweep([r"\b[a-z]{2}\d\d\b", r"\b\d{4}\b"])
    short = list(sweep.find("ab12 1234 "))
    far = " " * MARGIN * 3
    at = len("1 " * SETS + far)
    assert short == [(n, a - at, b - at) for n, a, b in sweep.find("1 " * SETS + far + "ab12 1234 ")]


def test_offsets_are_those_of_the_text_whatever_lies_between() -> None:
    text = "é" * 300 + " ab12 " + "😀" * 300 + " cd34\r\n" + "x" * 300
    assert [text[a:b] for _, a, b in Sweep([r"\b[a-z]{2}\d\d\b"]).find(text)] == ["ab12", "cd34"]


def test_a_word_that_a_part_cuts_is_no_match() -> None:
    text = "z" * 200 + "1"
    assert list(Sweep([r"\bz+1"]).find(text)) == []


def test_a_value_of_anything_but_white_space_ends_with_its_part() -> None:
    """It went on into the next part, and was dropped as no match of one part; the next one was swallowed with it."""
    sweep = Sweep([r"(?:k|K)://([^\s]+)"], r"[^\n]*://[^\n]*", 1)
    text = "k://one\nk://two\nno part\nK://three"
    assert [text[a:b] for _, a, b in sweep.find(text)] == ["one", "two", "three"]


def test_white_space_that_may_follow_is_no_part_of_a_value() -> None:
    sweep = Sweep([r"[0-9]{3}\s?", r"([0-9]{3})(?:\s|$)"], around_digits(2), (0, 1))
    text = "a 123bcdefgh 456"
    assert {(n, text[a:b]) for n, a, b in sweep.find(text)} >= {(0, "456"), (1, "456")}
