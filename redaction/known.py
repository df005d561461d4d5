"""The values of a request, found again in any text and any reading of it. Pure.

The search that spreads findings and the leak guard are this one search: what the guard would refuse can be replaced.
Matches are word-bounded and follow the rules of case of ``redaction.spans.Occurrences``; numbers are also found with
other separators between their digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from redaction.escapes import undo
from redaction.spans import EXACT, FEW, FOLDED, Purse, Search, fold, needles
from redaction.views import Reading, readings

DIGITS = 9
"""Numbers of this many digits or more are also compared without separators; a date in figures has eight."""
STEP = 10
"""What undoing one disguise costs (``redaction.spans.WORK``)."""

_NUMBER = re.compile(r"[A-Za-z]{0,2}[^A-Za-z]*")
"""A number may begin with the two letters of a country, as an IBAN does."""
_GROUPED = re.compile(r"\d(?:[ \u00a0.\-/()]{0,3}\d)*")
_GROUP = re.compile(r"\d+")
_NOT_DIGIT = re.compile(r"\D+")
_DIGITS, _NUMERIC = "d", "\0"
"""Before a needle, as ``EXACT`` and ``FOLDED``: the digits of a number; before its form, which is no text's form."""

Labels = dict[str, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """A value at ``[start, end)`` of the text itself, seen in ``view`` (``plain``, ``digits``, a reading's name)."""

    view: str
    start: int
    end: int
    labels: Mapping[str, float] = field(default_factory=dict)


class Place(NamedTuple):
    """Where a needle stands in a text, and the form under which labels of values are noted."""

    view: str
    start: int
    end: int
    needle: str
    form: str


def said(value: str) -> str:
    """A value with its disguises undone, without the blanks that a leading ``+`` becomes: they are not its own."""
    out = value
    for _ in range(2):
        undone = undo(out, flat=True)
        if undone is None:
            break
        out = undone.text
    return out.strip() or value


class Known:
    """``values``: value -> label -> score. What all searches together may cost is bounded: Exhausted."""

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        self.labels: dict[str, Labels] = {}
        """Form -> label -> score."""
        plain = {value: said(value) for value in values}
        digits: set[str] = set()
        for value, labels in values.items():
            for form in {form for v in {value, plain[value]} for form in _forms(v)}:
                better(self.labels.setdefault(form, {}), labels.items())
            if number := _number(value):
                digits.add(number)
                better(self.labels.setdefault(_NUMERIC + number, {}), labels.items())
        self._purse = Purse()
        self._exact, self._folded = needles({*values, *plain.values()})
        self._digits = digits
        self._search = Searches(self._exact, self._folded, digits, self._purse)
        self.needles = frozenset(
            {EXACT + w for w in self._exact} | {FOLDED + w for w in self._folded} | {_DIGITS + d for d in digits}
        )

    def find(self, text: str) -> Iterator[Hit]:
        """Every place, in the text itself first. Raises Exhausted or TooMuch."""
        for place in self._search.places(text, None):
            yield Hit(place.view, place.start, place.end, self.labels[place.form])

    def search(self, some: Collection[str]) -> Searches:
        """For these of the ``needles``; what it costs is paid with what all searches may cost."""
        if len(some) == len(self.needles):
            return self._search
        exact, folded, digits = ([n[1:] for n in some if n[0] == kind] for kind in (EXACT, FOLDED, _DIGITS))
        return Searches(exact, folded, digits, self._purse)


class Searches:
    """Needles in a text, in its numbers and in all its readings."""

    def __init__(self, exact: Iterable[str], folded: Iterable[str], digits: Iterable[str], purse: Purse) -> None:
        self._purse = purse
        self._search = Search(exact, folded, purse)
        self._numbers = _Numbers(digits)

    def places(self, text: str, others: Sequence[Reading] | None) -> Iterator[Place]:
        """``others``: the readings of the text, if they are known. Raises Exhausted or TooMuch."""
        yield from self._in("plain", text)
        yield from self._numbers.find("digits", text)
        for reading in readings(text, flat=True) if others is None else others:
            self._purse.pay(STEP * len(reading.way[-1].pieces))
            for found in (*self._in(reading.name, reading.text), *self._numbers.find(reading.name, reading.text)):
                place = reading.place(found.start, found.end)
                if place is not None and place[0] < place[1]:
                    yield Place(found.view, *place, found.needle, found.form)

    def _in(self, view: str, text: str) -> Iterator[Place]:
        for start, end, needle in self._search.places(text):
            yield Place(view, start, end, needle, fold(text[start:end]))


def better(known: Labels, scores: Iterable[tuple[str, float]]) -> None:
    """Adds labels to ``known``; the best score of each counts."""
    for label, score in scores:
        known[label] = max(score, known.get(label, 0.0))


class _Numbers:
    """Long numbers with other separators, as whole groups of digits."""

    def __init__(self, digits: Iterable[str]) -> None:
        self._known = frozenset(digits)
        self._sizes = sorted({len(d) for d in self._known})

    def find(self, view: str, text: str) -> Iterator[Place]:
        if self._known and not self._none_in(text):
            for run in _GROUPED.finditer(text):
                if run.end() - run.start() >= self._sizes[0]:
                    for start, end, number in self._in_groups(text, *run.span()):
                        yield Place(view, start, end, _DIGITS + number, _NUMERIC + number)

    def _none_in(self, text: str) -> bool:
        """Whether the digits of a text hold none of a few numbers, wherever its groups begin."""
        if len(self._known) > FEW:
            return False
        digits = _NOT_DIGIT.sub("", text)
        return not any(map(digits.__contains__, self._known))

    def _in_groups(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        if self._none_in(text[start:end]):
            return
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        joined = []
        size = 0
        for group in _GROUP.finditer(text, start, end):
            begins[size] = group.start()
            joined.append(group[0])
            size += len(group[0])
            ends[size] = group.end()
        digits = "".join(joined)
        for at, first in begins.items():
            for length in self._sizes:
                number = digits[at : at + length]
                if at + length in ends and number in self._known:
                    yield first, ends[at + length], number


def _forms(value: str) -> set[str]:
    """Folded, as it is found in every case that it may have."""
    if value.isascii():  # in ASCII all of them are one
        return {value.lower()}
    return {fold(w) for w in (value, value.upper(), value.capitalize())}


def _number(value: str) -> str:
    """The digits of a number that is also found with other separators."""
    digits = _NOT_DIGIT.sub("", value) if _NUMBER.fullmatch(value) else ""
    return digits if len(digits) >= DIGITS else ""
