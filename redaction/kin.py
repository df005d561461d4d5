"""Numbers that resemble their neighbours: where many cells of a column are somebody's numbers, so are the others.

A column without a head has no word to go by, and a digit of one of its numbers may be mistyped; what was found in the
other rows says what it is. Only where they stand is asked, never what they say. Pure, linear.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from redaction.detectors.numbers import REFUSED, neutral
from redaction.spans import covered
from redaction.tables import Row, Span, rows, value
from redaction.types import GROUPS, Finding

LABELS = (GROUPS["@identifiers"] | GROUPS["@financial"] | {"PHONE_NUMBER"}) - {"IP_ADDRESS", "MAC_ADDRESS", "CRYPTO"}
LEAST, SHARE = 3, 0.34
"""Cells of a column that are found, and of its numbers, at least."""
_FIGURE = re.compile(r"\d{1,3}(?:[., ]\d{3})*(?:[.,]\d{1,2})?|\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}")
_DIGIT = re.compile(r"\d")


def numbers(text: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The other numbers of columns in which ``findings`` are most."""
    known = sorted((f for f in findings if f.label in LABELS), key=lambda f: f.start)
    if len(known) < LEAST:
        return
    starts = [f.start for f in known]
    ends = list(accumulate((f.end for f in known), max))
    for table in rows(text):
        for column in _columns(table):
            cells = [cell for raw in column if (cell := value(text, raw)) and not _FIGURE.fullmatch(text, *cell)]
            found = [cell for cell in cells if covered(*cell, starts, ends)]
            if len(found) < max(LEAST, SHARE * len(cells)) or len(found) == len(cells):
                continue
            label = Counter(known[bisect_right(starts, cell[0]) - 1].label for cell in found).most_common(1)[0][0]
            sizes = {_size(text, cell) for cell in found}
            missing = set(cells) - set(found)
            for cell in sorted(missing):
                if min(sizes) - 1 <= _size(text, cell) <= max(sizes) + 1:
                    yield from neutral(*cell, label, REFUSED)


def _columns(table: Sequence[Row]) -> Iterator[Row]:
    for number in range(max(map(len, table), default=0)):
        yield [row[number] for row in table if number < len(row)]


def _size(text: str, cell: Span) -> int:
    return len(_DIGIT.findall(text, *cell))
