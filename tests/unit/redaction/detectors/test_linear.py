"""RE2 behind offsets in characters: what ``re`` says, for every alphabet and at every place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redaction.detectors.linear import compile_pattern, loose

SOURCES = (r"\b[a-z0-9]{2,5}\b", r"([0-9])([a-z])?", r"[^\n]{1,3}", r"a*")
PATTERNS = [(compile_pattern(f"(?s){p}"), re.compile(p, re.ASCII | re.DOTALL)) for p in SOURCES]
TEXTS = st.text(alphabet="ab1 9.\r\né\u0301👩\u200d💻ß中\U0001f1e9", max_size=30)


@settings(deadline=None)
@given(TEXTS)
def test_the_places_are_those_of_re(text: str) -> None:
    for ours, theirs in PATTERNS[:3]:
        assert [m.span() for m in ours.finditer(text)] == [m.span() for m in theirs.finditer(text)]


@settings(deadline=None)
@given(TEXTS)
def test_empty_matches_end(text: str) -> None:
    ours, _ = PATTERNS[3]
    found = [m.span() for m in ours.finditer(text)]
    assert found == sorted(set(found))
    assert all(0 <= a <= b <= len(text) for a, b in found)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 30), st.integers(0, 30))
def test_a_part_of_a_text_is_searched_where_it_stands(text: str, pos: int, endpos: int) -> None:
    low, high = min(pos, len(text)), min(endpos, len(text))
    ours, theirs = compile_pattern("[ab1é中]"), re.compile("[ab1é中]")
    assert [m.span() for m in ours.finditer(text, low, high)] == [m.span() for m in theirs.finditer(text, low, high)]


def test_groups_are_told_apart() -> None:
    match = compile_pattern(r"(a)|(b)").search("é b")
    assert match is not None
    assert (match.taken, match.groups, match.group(1), match.group(2), match.span(1)) == (2, 2, "", "b", (-1, -1))


def test_half_a_surrogate_pair_does_not_stop_the_search() -> None:
    assert [m.span() for m in compile_pattern("[0-9]+").finditer("12 \ud83d 34")] == [(0, 2), (5, 7)]


def test_what_re2_cannot_express_is_refused() -> None:
    with pytest.raises(Exception, match=r"invalid perl operator|bad repetition|invalid"):
        compile_pattern(r"(?<!a)b")


def test_a_blank_is_any_white_space_between_words() -> None:
    assert loose(r"a b ?c[ x]d {2}\ e") == r"a\s{1,3}b\s{0,3}c[ x]d {2}\ e"
    found = compile_pattern(loose("my (?:old )?car"))
    assert [m.span() for m in found.finditer("my\r\ncar, my  old\tcar, my    car, mycar")] == [(0, 7), (9, 20)]
