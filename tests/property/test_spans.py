"""Spans: groups and occurrences against definitions that are slow and plainly right."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from redaction.spans import Occurrences, bounded, fold, resolve, worth
from redaction.types import Finding

FINDING = st.builds(
    lambda a, n, label, score: Finding(a, a + n, label, score, "patterns" if score > 0.8 else "names"),
    st.integers(0, 40),
    st.integers(0, 12),
    st.sampled_from(["PERSON", "CREDIT_CARD", "API_KEY"]),
    st.floats(0, 1),
)
TEXT = st.text(alphabet="aAbB1 .-_é\u0301王ß", max_size=60)


@given(st.lists(FINDING, max_size=12))
def test_groups_cover_what_was_found_and_never_overlap(findings: list[Finding]) -> None:
    groups = resolve(findings)
    covered = {i for f in findings for i in range(f.start, f.end)}
    assert {i for g in groups for i in range(g.start, g.end)} == covered
    assert all(a.end <= b.start for a, b in pairwise(groups))
    assert all(g.label in g.labels for g in groups)


@given(TEXT, st.lists(st.text(alphabet="aAbB1 .-é王", min_size=1, max_size=6), max_size=6))
def test_every_exact_word_bounded_occurrence_is_found_and_every_one_found_is_bounded(
    text: str, values: list[str]
) -> None:
    found = set(Occurrences(values).find(text))
    wanted = {
        (at, at + len(v))
        for v in values
        if worth(v)
        for at in range(len(text))
        if text.startswith(v, at) and bounded(text, at, at + len(v))
    }
    assert wanted <= found
    forms = {fold(form) for v in values for form in (v, v.upper(), v.capitalize())}
    assert all(bounded(text, a, b) and fold(text[a:b]) in forms for a, b in found)


@given(st.lists(st.text(alphabet="ab 1", min_size=2, max_size=5), min_size=1, max_size=4), TEXT, TEXT)
def test_what_stands_around_changes_nothing(values: list[str], before: str, after: str) -> None:
    inner = f"\n{values[0]}\n"
    alone = Occurrences(values).find(inner)
    offset = len(before)
    inside = Occurrences(values).find(before + inner + after)
    if not values[0].isspace():
        assert {(a + offset, b + offset) for a, b in alone if inner[a:b].strip()} <= set(inside)
