"""Whatever the text: spans lie in it, stand in order, and do not depend on where windows end."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detectors import student as module
from redaction.detectors.encoder import EncoderDetector
from redaction.detectors.student import LABELS, SURE, StudentDetector
from redaction.detectors.wordview import tokens

WORDS = [
    "Anna",
    "Müller",
    "in",
    "Paris",
    "12.03.2020",
    "O'Neill",
    "👩‍💻",
    "e\u0301",
    "\r\n",
    "@anna_m",
    "№ 12/34",
    "ist",
    "42 years",
    "\u200b",
    "中文",
]
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(WORDS), max_size=120).map(" ".join))


@cache
def detector() -> StudentDetector:
    return StudentDetector()


@cache
def encoder() -> EncoderDetector:
    return EncoderDetector(detector())


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_tokens_are_slices_in_order(text: str) -> None:
    end = 0
    for token in tokens(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end


@pytest.mark.parametrize("made", [detector, encoder])
@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_spans_lie_in_the_text_in_order(made: Callable[[], StudentDetector | EncoderDetector], text: str) -> None:
    end = 0
    for finding in made().detect(text):
        assert end <= finding.start < finding.end <= len(text)
        assert finding.label in LABELS and SURE <= finding.score <= 1.0
        assert not text[finding.start].isspace() and not text[finding.end - 1].isspace()
        end = finding.start + 1


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(1, 40))
def test_windows_of_any_size_give_the_same(text: str, window: int) -> None:
    whole = detector().detect(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WINDOW", window)
        parts = detector().detect(text)
    assert [(f.start, f.end, f.label) for f in parts] == [(f.start, f.end, f.label) for f in whole]
    assert [f.score for f in parts] == pytest.approx([f.score for f in whole], abs=1e-4)
