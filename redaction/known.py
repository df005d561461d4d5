"""The values of a request, found again in any text and any reading of it. Pure.

The search that spreads findings and the leak guard are this one search: what the guard would refuse can be replaced.
Matches are word-bounded and follow the rules of case of ``redaction.spans.Occurrences``; numbers are also found with
other separators between their digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from redaction.escapes import undo
from redaction.spans import Occurrences, fold
from redaction.views import readings

DIGITS = 9
"""Numbers of this many digits or more are also compared without separators; a date in figures has eight."""
STEP = 10
"""What undoing one disguise costs (``redaction.spans.WORK``)."""

_NUMBER = re.compile(r"[A-Za-z]{0,2}[^A-Za-z]*")
"""A number may begin with the two letters of a country, as an IBAN does."""
_GROUPED = re.compile(r"\d(?:[ \u00a0.\-/()]{0,3}\d)*")
_GROUP = re.compile(r"\d+")
_NOT_DIGIT = re.compile(r"\D+")

Labels = dict[str, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """A value at ``[start, end)`` of the text itself, seen in ``view`` (``plain``, ``digits``, a reading's name)."""

    view: str
    start: int
    end: int
    labels: Mapping[str, float] = field(default_factory=dict)


def said(value: str) -> str:
    """A value with its disguises undone, without the blanks that a leading ``+`` becomes: they are not its own."""
    out = value
    for _ in range(2):
        undone = undo(out, flat=True)
        out = undone.text if undone else out
    return out.strip() or value


class Known:
    """``values``: value -> label -> score. What all searches together may cost is bounded: Exhausted."""

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        self._labels: dict[str, Labels] = {}
        plain = {value: said(value) for value in values}
        for value, labels in values.items():
            for form in {fold(value), fold(value.upper()), fold(plain[value])}:
                better(self._labels.setdefault(form, {}), labels.items())
        self._places = Occurrences({*values, *plain.values()})
        self._numbers = _Numbers(values)

    def find(self, text: str) -> Iterator[Hit]:
        """Every place, in the text itself first. Raises Exhausted or TooMuch."""
        for start, end, labels in self._in(text):
            yield Hit("plain", start, end, labels)
        for start, end, labels in self._numbers.find(text):
            yield Hit("digits", start, end, labels)
        for reading in readings(text, flat=True):
            self._places.pay(STEP * len(reading.way[-1].pieces))
            for start, end, labels in (*self._in(reading.text), *self._numbers.find(reading.text)):
                place = reading.place(start, end)
                if place is not None and place[0] < place[1]:
                    yield Hit(reading.name, *place, labels)

    def _in(self, text: str) -> Iterator[tuple[int, int, Mapping[str, float]]]:
        for start, end in self._places.find(text):
            yield start, end, self._labels[fold(text[start:end])]


def better(known: Labels, scores: Iterable[tuple[str, float]]) -> None:
    """Adds labels to ``known``; the best score of each counts."""
    for label, score in scores:
        known[label] = max(score, known.get(label, 0.0))


class _Numbers:
    """Long numbers with other separators, as whole groups of digits."""

    def __init__(self, values: Mapping[str, Mapping[str, float]]) -> None:
        self._known: dict[str, Labels] = {}
        for value, labels in values.items():
            digits = _NOT_DIGIT.sub("", value) if _NUMBER.fullmatch(value) else ""
            if len(digits) >= DIGITS:
                better(self._known.setdefault(digits, {}), labels.items())
        self._sizes = sorted({len(d) for d in self._known})

    def find(self, text: str) -> Iterator[tuple[int, int, Mapping[str, float]]]:
        if self._known:
            for run in _GROUPED.finditer(text):
                if run.end() - run.start() >= self._sizes[0]:
                    yield from self._in_groups(text, *run.span())

    def _in_groups(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, Mapping[str, float]]]:
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        digits = ""
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
                labels = self._known.get(digits[at : at + length]) if at + length in ends else None
                if labels is not None:
                    yield first, ends[at + length], labels
