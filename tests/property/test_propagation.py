"""What is remembered of earlier searches changes nothing: the same findings with a memo as without one, in any order
of requests that share texts and values."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from redaction.joins import joints
from redaction.propagation import Seen, propagate
from redaction.types import Classification, Finding, Sensitivity, TextResult

PUBLIC = Classification(Sensitivity.PUBLIC)
VALUES = (
    "Mark", "MARK", "mark", "McDonald", "mcdonald", "Anna Keller", "anna keller", "ANNA", "12 345 6789 0", "1234567890",
    "jane@example.org", "中村", "Ζεύς", "o-neil", "x", "+49 40 555012345", "d1234567890",
)  # fmt: skip
WORDS = (
    *VALUES, "Mcdonald", "Jane@Example.ORG", "jane%40example.org", "amFuZUBleGFtcGxlLm9yZyBoZXJl", "ΖΕΎΣ", "and", "\n",
    "Ann\u200ba Keller", "123 456-7890", "not_mark", "我是中村先生", "Anna  Keller", "o\u2011neil",
)  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
labels = st.sampled_from(["PERSON", "EMAIL_ADDRESS", "LOCATION"])


class Remembers:
    """A memo whose marks show nothing."""

    def __init__(self) -> None:
        self.held: dict[str, Seen] = {}

    def mark(self, said: str) -> Hashable:
        return ("mark", hash(said), len(said))

    def seen(self, text: str) -> Seen | None:
        return self.held.get(text)

    def note(self, text: str, seen: Seen) -> None:
        self.held[text] = seen


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[list[str], list[TextResult]]]:
    """Requests that repeat texts of one another, each with findings at some of the values in them."""
    pool = draw(st.lists(texts, min_size=1, max_size=5))
    out = []
    for _ in range(draw(st.integers(1, 4))):
        some = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=5))
        results = []
        for text in some:
            places = [(at, at + len(v)) for v in VALUES if (at := text.find(v)) >= 0]
            chosen = draw(st.lists(st.sampled_from(places), max_size=3)) if places else []
            found = tuple(Finding(s, e, draw(labels), draw(st.sampled_from([0.4, 0.9])), "names") for s, e in chosen)
            results.append(TextResult(found, PUBLIC, None))
        out.append((some, results))
    return out


def found(end: int) -> TextResult:
    return TextResult((Finding(0, end, "PERSON", 0.9, "names"),), PUBLIC, None)


ENCODED, SPACED = "amFuZUBleGFtcGxlLm9yZyBoZXJl", "call +49 40 555012345\nor Mark"
LATER = [
    (["Mark", ENCODED, SPACED], [found(4), TextResult((), PUBLIC, None), TextResult((), PUBLIC, None)]),
    (["jane@example.org", ENCODED, SPACED], [found(16), TextResult((), PUBLIC, None), TextResult((), PUBLIC, None)]),
    (["+49 40 555012345", ENCODED, SPACED], [found(16), TextResult((), PUBLIC, None), TextResult((), PUBLIC, None)]),
]
"""Texts that were searched once say in an encoded run, or in another spelling, what is a value only later."""


@settings(deadline=None, database=None, max_examples=200)
@example([(["Mark", "McDonald mcdonald"], [TextResult((Finding(0, 4, "PERSON", 0.9, "names"),), PUBLIC, None)] * 2)])
@example(LATER)
@given(requests())
def test_the_same_findings_with_a_memo_as_without(asked: list[tuple[list[str], list[TextResult]]]) -> None:
    memo = Remembers()
    for some, results in asked:
        rows = joints([("row", 0)] * len(some), some)
        assert propagate(some, results, rows, memo) == propagate(some, results, rows)
        assert propagate(some, results, rows, memo) == propagate(some, results, rows), "also when all of it is known"


@pytest.mark.parametrize(
    ("value", "said"),
    [("FATİH", "Fati\u0307h"), ("Gro&szlig;", "GROSS"), ("M%C3%BC%C3%9Fig", "MÜSSIG"), ("ᾼΙΔΗΣ", "ᾼιδης")],
)
def test_a_value_is_found_in_every_case_in_which_it_is_looked_for(value: str, said: str) -> None:
    """Capitals of some letters are other letters in small: what was found there had no labels, and a request failed."""
    known = TextResult((Finding(0, len(value), "PERSON", 0.9, "names"),), PUBLIC, None)
    _, other = propagate([value, f"and {said} again"], [known, TextResult((), PUBLIC, None)])
    assert [(f.start, f.end, f.label) for f in other.findings] == [(4, 4 + len(said), "PERSON")]
