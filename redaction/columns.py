"""Numbers that the head of their column names: in rows with separators, tables of HTML, tuples of SQL, arrays of JSON,
and lists below a heading.

``ssn`` stands once, forty rows above the last number that it speaks of, where no detector looks. So each such cell is
read as ``head: cell``, as it would stand in JSON. Only columns are read whose head holds a word that names numbers of
people, accounts or devices. Pure, linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from redaction.detectors.linear import Span
from redaction.escapes import letters
from redaction.heads import NAMED, SURROUND
from redaction.ruled import readings
from redaction.tables import PART, Table, Tables, value
from redaction.types import Finding

DETECTOR = "patterns"
"""Who reads the cells."""
APART = "\n" * 64
"""Between columns, so that the words of one are not near the numbers of another."""
HEADS = 3
"""Rows at the top that may be heads: a group of columns has one of its own above theirs."""

_FIGURE = re.compile(r"\d{1,3}(?:[., ]\d{3})+(?:[.,]\d{1,2})?|\d+[.,]\d{1,2}|(?:19|20)\d\d")
"""An amount, a share or a year, as they stand beside a word in statistics."""
_COUNT = re.compile(rf"{_FIGURE.pattern}|\d{{1,6}}")
_MANY = re.compile(
    r"(?:bank |credit )?(?:accounts|cards|cases|claims|clients|customers|devices|employees|loans|members|patients|"
    r"policyholders|records|students)|kunden|patienten|karten|versicherte|comptes|cartes|clientes|"
    r"pacientes|cuentas|tarjetas|carte|clienti|pazienti|contas|klanten|rekeningen|karty",
    re.IGNORECASE,
)
"""Heads of statistics: how many there are."""


def numbers(text: str, detect: Callable[[str], Iterable[Finding]]) -> Iterator[Finding]:
    """What ``detect`` finds in the cells of columns and lists, once their head stands before each; also where its
    letters are disguised."""
    for said in readings(text):
        yield from _numbers(said, detect)
        if undone := letters(said):
            for f in _numbers(undone.text, detect):
                if place := undone.place(f.start, f.end):
                    yield replace(f, start=place[0], end=place[1])


def _numbers(text: str, detect: Callable[[str], Iterable[Finding]]) -> Iterator[Finding]:
    named = [m.start() for m in NAMED.finditer(text)]
    for part, cells in _read(text, Tables(text, named)) if named else ():
        at = 0
        for f in sorted(detect(part), key=lambda f: f.start):
            while at < len(cells) and cells[at][1] <= f.start:
                at += 1
            if at < len(cells):
                (first, last, low) = cells[at]
                start, end = max(f.start, first), min(f.end, last)
                if start < end:
                    yield Finding(low + start - first, low + end - first, f.label, f.score, f.detector)


def _read(text: str, tables: Tables) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    """Texts of heads and cells, and for each cell its place there and where it begins in ``text``."""
    said, size, cells = [""], 0, list[tuple[int, int, int]]()
    for head, column in _columns(tables):
        said.append(APART)
        size += len(APART)
        for low, high in column:
            said.append(f"{head}: {text[low:high]}\n")
            cells.append((size + len(head) + 2, size + len(said[-1]) - 1, low))
            size += len(said[-1])
            if size > PART:
                yield "".join(said), cells
                said, size, cells = [""], 0, []
    if cells:
        yield "".join(said), cells


def _columns(tables: Tables) -> Iterator[tuple[str, Sequence[Span]]]:
    """The heads that name numbers, and the cells below them or beside them."""
    for table in tables.all():
        yield from _below(tables, table)
        for row in table if len(table[0]) > 2 else ():
            yield from _beside(tables, row)


def _below(tables: Tables, table: Table) -> Iterator[tuple[str, Sequence[Span]]]:
    width = len(table[0])
    columns: dict[int, dict[Span, list[Span]]] = {}
    for n, row in enumerate(table):
        if not n or (n < HEADS and not any(tables.figures(cell) for cell in row)):
            named = [number for number, cell in enumerate(row) if tables.head(cell)]
            for number in named:
                columns.setdefault(number, {})[row[number]] = []
            width = len(row) if named else width
            continue
        for number, cell in enumerate(row):  # in a row of another width, from either side
            for place in {number, number + width - len(row)} & columns.keys():
                if span := value(tables.text, cell):
                    for cells in columns[place].values():
                        cells.append(span)
    for heads in columns.values():
        yield from ((tables.head(at), cells) for at, cells in heads.items() if not _counts(tables.text, at, cells))


def _counts(text: str, head: Span, cells: Sequence[Span]) -> bool:
    """Whether a column says how many there are, and not which."""
    said = _MANY.fullmatch(text[slice(*head)].strip(SURROUND))
    return said is not None and all(_COUNT.fullmatch(text, *cell) for cell in cells)


def _beside(tables: Tables, row: Sequence[Span]) -> Iterator[tuple[str, Sequence[Span]]]:
    """A row whose first cell names what stands in most of the others: a table that lies on its side."""
    head = tables.head(row[0]) if len(row) > 2 else ""
    cells = [span for cell in row[1:] if (span := value(tables.text, cell))] if head else []
    figures = all(_FIGURE.fullmatch(tables.text, *cell) for cell in cells) or _counts(tables.text, row[0], cells)
    if 2 * len(cells) >= len(row) - 1 and not figures:
        yield head, cells
