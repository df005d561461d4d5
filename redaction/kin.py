"""Numbers that resemble their neighbours: where many cells of a column are somebody's numbers, so are the others.

A column without a head has no word to go by, and a digit of one of its numbers may be mistyped; what was found in the
other rows says what it is. Only where they stand is asked, never what they say. Pure, linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from operator import itemgetter

from redaction.detectors.linear import Span
from redaction.detectors.numbers import REFUSED, neutral
from redaction.ruled import plain
from redaction.spans import covered, met
from redaction.tables import Row, lines, rows, value
from redaction.types import GROUPS, Finding

LABELS = (GROUPS["@identifiers"] | GROUPS["@financial"] | {"PHONE_NUMBER"}) - {"IP_ADDRESS", "MAC_ADDRESS", "CRYPTO"}
LEAST, SHARE = 3, 0.34
"""Cells of a column that are found, and of its numbers, at least."""
_FIGURE = re.compile(
    r"\d{1,3}(?:[., ]\d{3})+(?:[.,]\d{1,2})?|\d+[.,]\d{1,2}|"
    r"\d{4}[./\-]\d{1,2}[./\-]\d{1,2}|\d{1,2}[./\-]\d{1,2}[./\-](?:\d\d){1,2}"
)
"""Amounts and dates; ``536-90-4399`` is none."""
_DIGIT = re.compile(r"\d")
_CANDIDATE = re.compile(r"(?<![\w.+])(?:[A-Z]{1,4}[ -]?)?\+?\d(?:[ .\-/]?[\dA-Z]){5,40}(?!\w)")
_BETWEEN = re.compile(r"[,;|/](?= |[\"'])")


class _Known:
    """Findings that are numbers of somebody, by place."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._found = sorted((f for f in findings if f.label in LABELS), key=lambda f: f.start)
        self._starts = [f.start for f in self._found]
        self._ends = list(accumulate((f.end for f in self._found), max))

    def __len__(self) -> int:
        return len(self._found)

    def holds(self, cell: Span) -> bool:
        return covered(*cell, self._starts, self._ends)

    def meets(self, cell: Span) -> bool:
        """Whether a part of it is found."""
        return met(*cell, self._starts, self._ends)

    def label(self, cells: Sequence[Span]) -> str:
        """What most of them are."""
        labels = (self._found[bisect_right(self._starts, end - 1) - 1].label for _, end in cells)
        return max(Counter(labels).items(), key=itemgetter(1))[0]


def numbers(text: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The other numbers of columns in which ``findings`` are most, and of lines or items that hold one each."""
    known = _Known(findings)
    if len(known) < LEAST:
        return
    text = plain(text)
    for table in rows(text):
        for column in _columns(table):
            cells = [cell for raw in column if (cell := value(text, raw)) and not _FIGURE.fullmatch(text, *cell)]
            found = [cell for cell in cells if known.holds(cell)]
            if len(found) >= max(LEAST, SHARE * len(cells)):
                label = known.label(found)
                for cell in _like(text, found, sorted(set(cells) - set(found))):
                    yield from neutral(*cell, label, REFUSED)
    for items in _items(text):
        held = [[cell for cell in item if known.meets(cell)] for item in items]
        found = [cells[0] for cells in held if len(cells) == 1]
        if len(found) < max(LEAST, SHARE * len(items)):
            continue
        rest = [list(set(item) - set(cells)) for item, cells in zip(items, held, strict=True)]
        more = _like(text, found, [cell for cells in rest for cell in cells])
        others = [[cell for cell in cells if cell in more] for cells in rest]
        if not any(some and cells for some, cells in zip(others, held, strict=True)):  # else it is not clear which is
            label = known.label(found)
            for cell in (some[0] for some in others if len(some) == 1):
                yield from neutral(*cell, label, REFUSED)


def _like(text: str, found: Sequence[Span], cells: Sequence[Span]) -> dict[Span, None]:
    """Those of ``cells`` that have about as many digits as what is ``found``."""
    sizes = {_size(text, cell) for cell in found}
    least, most = min(sizes) - 1, max(sizes) + 1
    return {cell: None for cell in cells if least <= _size(text, cell) <= most}


def _items(text: str) -> Iterator[Sequence[Sequence[Span]]]:
    """The numbers of neighbouring lines that have some, and of what commas and the like separate within a line."""
    places = lines(text)
    held = [_candidates(text, *place) for place in places]
    for _, group in groupby(held, key=bool):
        yield [*group]
    for (start, end), cells in zip(places, held, strict=True):
        if len(cells) > LEAST:
            ends = [*(m.start() for m in _BETWEEN.finditer(text, start, end)), end]
            parts = [_candidates(text, low, high) for low, high in pairwise([start, *ends])]
            yield [part for part in parts if part]


def _candidates(text: str, start: int, end: int) -> list[Span]:
    cells = (m.span() for m in _CANDIDATE.finditer(text, start, end))
    return [cell for cell in cells if not _FIGURE.fullmatch(text, *cell)]


def _columns(table: Sequence[Row]) -> Iterator[Row]:
    for number in range(max(map(len, table), default=0)):
        yield [row[number] for row in table if number < len(row)]


def _size(text: str, cell: Span) -> int:
    return len(_DIGIT.findall(text, *cell))
