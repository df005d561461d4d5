"""Numbers that the head of their column names: in rows with separators, tables of HTML, and lists below a heading.

``ssn`` stands once, forty rows above the last number that it speaks of, where no detector looks. So each such cell is
read as ``head: cell``, as it would stand in JSON. Only columns are read whose head holds a word that names numbers of
people, accounts or devices. Pure, linear.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

DETECTOR = "patterns"
"""Who reads the cells."""
Span = tuple[int, int]
Table = list[list[Span]]

LONGEST_HEAD, LONGEST_CELL, DIGITS = 40, 60, 4
"""Characters of a head and of a cell at most; digits of a cell at least."""
SURROUND = " \t\"'*_`\\"
APART = "\n" * 64
"""Between columns, so that the words of one are not near the numbers of another."""
PART = 4_000
"""Characters that a detector is given at once, and one cell."""

_HEAD = compile_pattern(
    r"(?i)(?:^|\PL)(?:a/c|acct|account|iban|konto|cuenta|compte|conto|conta|rekening|rachun|bank|routing|sort|passport|"
    r"reisepa|passeport|pasaporte|passapor|paspoort|paszport|licen[cs]e|führerschein|permis|patente|rijbewijs|prawo|tax|"
    r"steuer|vat|ust|nip|pesel|regon|ssn|sin|social|sozial|sécurité|seguridad|national|identi|ident|ausweis|dni|nie|nif|"
    r"nir|cpf|cnpj|bsn|nino|nhs|insee|codice|curp|rfc|ahv|aadhaar|pan|mrn|medical|patient|pacient|paz|hospital|chart|"
    r"record|insurance|versicher|dob|birth|geburt|naissance|nacimiento|nascita|nascimento|geboorte|urodz|phone|tel|mobil|"
    r"móvil|cell|fax|handy|gsm|whatsapp|contact|card|cc|credit|karte|kredit|tarjeta|carte|carta|cart[aã]o|kaart|karta|"
    r"plate|kennzeichen|matr|targa|kenteken|rejestr|serial|serien|imei|imsi|iccid|vin|device|chassis|policy|police|member|"
    r"employee|personal|customer|client|kunde|case|claim|student|matrikel|loan|legajo|nss|expediente)"
)
"""Beginnings of words that name a number of somebody, in eight languages."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_PLURAL = re.compile(r"(?<=[^\W_]{2})(?<!s)s\b")
_DIGIT = re.compile(r"\d")
_LINE = re.compile(r"[^\r\n]+")
_CELLS = tuple(re.compile(rf'[ ]*("(?:[^"]|"")*"|[^{sign}]*)(?:[{sign}]|$)') for sign in (r"\t", "|", ";", ","))
_SPACED = re.compile(r"([^ \t]+(?: [^ \t]+)*)(?: *\t *| {2,}|$)")
_RULE = frozenset(" \t|:+=-")
_CODE = r"[^\s\d]{0,20}\d\S{0,20}"
_ITEM = re.compile(
    rf"(?:[-*•·][ \t]+|\d{{1,3}}[.)][ \t]+)?((?:[A-Z]{{1,4}} ){{0,2}}{_CODE}(?: (?:{_CODE}|[A-Z]{{1,4}})){{0,5}})"
)
_TITLE = re.compile(r"[^\W\d_][^:;,|]{1,39}")
_ROW = re.compile(r"<(tr|/?table)\b", re.IGNORECASE)
_HTML_CELL = re.compile(r"<t[hd]\b[^<>]{0,200}>(?:\s{0,20}<[a-z][^<>]{0,100}>){0,3}([^<>]{0,200})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\{1,4}[nrt]")


def numbers(text: str, detect: Callable[[str], Iterable[Finding]]) -> Iterator[Finding]:
    """What ``detect`` finds in the cells of columns and lists, once their head stands before each."""
    lines = text if "\n" in text else _ESCAPE.sub(lambda m: m[0][:-1] + ("\t" if m[0][-1] == "t" else "\n"), text)
    if not ("\n" in lines or "<t" in lines) or _HEAD.search(_HUMP.sub(" ", lines)) is None:
        return
    for part, cells in _read(lines):
        at = 0
        for f in sorted(detect(part), key=lambda f: f.start):
            while at < len(cells) and cells[at][1] <= f.start:
                at += 1
            if at < len(cells):
                (first, last, low) = cells[at]
                start, end = max(f.start, first), min(f.end, last)
                if start < end:
                    yield replace(f, start=low + start - first, end=low + end - first)


def _read(text: str) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    """Texts of heads and cells, and for each cell its place there and where it begins in ``text``."""
    said, size, cells = [""], 0, list[tuple[int, int, int]]()
    for head, column in _columns(text):
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


def _columns(text: str) -> Iterator[tuple[str, Sequence[Span]]]:
    """The heads that name numbers, and the cells below them."""
    for table in (*_rows(text), *(_html(text) if "<t" in text.lower() else ())):
        width = len(table[0])
        heads = {number: head for number, cell in enumerate(table[0]) if (head := _head(text, cell))}
        columns: dict[int, list[Span]] = {number: [] for number in heads}
        for row in table[1:]:
            for number, cell in enumerate(row):  # in a row of another width, from either side
                for place in {number, number + width - len(row)} & columns.keys():
                    columns[place] += [span] if (span := _value(text, cell)) else []
        yield from ((heads[number], column) for number, column in columns.items())


def _head(text: str, span: Span) -> str:
    """The words of a head that names numbers, in the singular; else nothing."""
    said = text[slice(*span)].strip(SURROUND)
    if not said or len(said) > LONGEST_HEAD or _DIGIT.search(said) or not _HEAD.search(_HUMP.sub(" ", said)):
        return ""
    return _PLURAL.sub("", said)


def _value(text: str, cell: Span) -> Span | None:
    """A cell without what surrounds it, if it may be a number."""
    start, end = _trimmed(text, cell, SURROUND)
    some = end - start <= LONGEST_CELL and len(_DIGIT.findall(text, start, end)) >= DIGITS
    return (start, end) if some else None


def _rows(text: str) -> Iterator[Table]:
    """Rows with separators and lists, each with its head first."""
    lines = [m.span() for m in _LINE.finditer(text)]
    at = 0
    while at + 1 < len(lines):
        table = _table(text, lines, at)
        if table is None:
            at += 1
        else:
            at += max(1, table[1])
            yield table[0]


def _table(text: str, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
    """The table or list whose head is line ``at``, and its lines."""
    if lines[at][1] - lines[at][0] > PART or not _HEAD.search(_HUMP.sub(" ", text[slice(*lines[at])])):
        return None
    for cells in (*_CELLS, _SPACED):
        head = _split(text, lines[at], cells)
        if len(head) < 2 or not any(_head(text, cell) for cell in head):
            continue
        rows = [head]
        n = at + 1
        while n < len(lines) and (row := _row(text, lines, n, cells)) is not None:
            rows += [row] if row else []
            n += 1
        if len(rows) > 1:
            return rows, n - at
    return _list(text, lines, at)


def _row(text: str, lines: Sequence[Span], number: int, cells: re.Pattern[str]) -> list[Span] | None:
    """The cells of a line of a table, none of a rule; None where the table has ended."""
    line = lines[number]
    if line[1] - line[0] > PART or not _next(text, lines[number - 1], line):
        return None
    said = text[slice(*line)]
    if "-" in said and _RULE.issuperset(said):
        return []
    row = _split(text, line, cells)
    return row if len(row) > 1 else None


def _list(text: str, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
    """The numbers that stand one below the other, and the heading above them."""
    title = _trimmed(text, lines[at], " \t#*_>:")
    if title[1] - title[0] > LONGEST_HEAD or not _TITLE.fullmatch(text, *title) or not _head(text, title):
        return None
    rows = [[title]]
    for line in map(lines.__getitem__, range(at + 1, len(lines))):
        item = _ITEM.fullmatch(text, *_trimmed(text, line, " \t,;"))
        if item is None or _value(text, item.span(1)) is None:
            break
        rows.append([item.span(1)])
    return (rows, len(rows)) if len(rows) > 1 else None


def _trimmed(text: str, span: Span, signs: str) -> Span:
    said = text[slice(*span)]
    start = span[0] + len(said) - len(said.lstrip(signs))
    return start, start + len(said.strip(signs))


def _next(text: str, line: Span, other: Span) -> bool:
    """Whether no empty line stands between two lines."""
    return text.count("\n", line[1], other[0]) <= 1


def _split(text: str, line: Span, cells: re.Pattern[str]) -> list[Span]:
    start, end = _trimmed(text, line, " " if cells is _SPACED else " |")
    out = [m.span(1) for m in cells.finditer(text, start, end)]
    return out[:-1] if len(out) > 1 and out[-1] == (end, end) else out


def _html(text: str) -> Iterator[Table]:
    table: Table = []
    marks = [(m.start(), m[1].lower()) for m in _ROW.finditer(text)]
    for (start, kind), (end, _) in pairwise([*marks, (len(text), "")]):
        if kind != "tr":
            if len(table) > 1:
                yield table
            table = []
        elif row := [m.span(1) for m in _HTML_CELL.finditer(text, start, end)]:
            table.append(row)
    if len(table) > 1:
        yield table
