"""Context words by position: what a search around each candidate would find."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detectors.around import AFTER, BEFORE, Around, near

WORDS = ("ssn", "social security", "n° tva", "№", "身份证", "id")


def _slowly(text: str, start: int, end: int) -> bool:
    lower = text.lower()
    for word in WORDS:
        at = lower.find(word)
        while at >= 0:
            stop = at + len(word)
            left = at == 0 or not lower[at - 1].isalnum() or at == end
            right = stop == len(text) or not lower[stop].isalnum() or stop == start
            before = stop <= start and at >= start - BEFORE
            after = at >= end and stop <= end + AFTER
            if left and right and (before or after):
                return True
            at = lower.find(word, at + 1)
    return False


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["SSN", "ssn", "x", " ", "1", "é", "social security", " n° TVA ", "№", "身份证", "id", "." * 29]
        ),
        max_size=12,
    ),
    st.integers(0, 80),
    st.integers(0, 12),
)
def test_the_index_says_what_a_search_says(parts: list[str], start: int, size: int) -> None:
    text = "".join(parts)
    start = min(start, len(text))
    end = min(len(text), start + size)
    assert Around(text).near(start, end, WORDS) == near(text, start, end, WORDS) == _slowly(text, start, end)


@pytest.mark.parametrize(("text", "there"), [("my SSN", True), ("lessons", False), ("", False), ("身份证", True)])
def test_a_word_that_is_nowhere_is_near_nothing(text: str, there: bool) -> None:
    assert Around(text).anywhere(WORDS) is there or not there
