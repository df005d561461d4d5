"""Numbers that the head of their column names: in rows with separators, tables of HTML, tuples of SQL, arrays of JSON,
and lists below a heading.

``ssn`` stands once, forty rows above the last number that it speaks of, where no detector looks. So each such cell is
read as ``head: cell``, as it would stand in JSON. Only columns are read whose head holds a word that names numbers of
people, accounts or devices. Pure, linear.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from redaction.detectors.linear import compile_pattern
from redaction.types import Finding

DETECTOR = "patterns"
"""Who reads the cells."""
Span = tuple[int, int]
Row = list[Span]
Table = list[Row]

LONGEST_HEAD, LONGEST_CELL, DIGITS = 40, 60, 4
"""Characters of a head and of a cell at most; digits of a cell at least."""
SURROUND = " \t\n\r\"'*_`\\"
APART = "\n" * 64
"""Between columns, so that the words of one are not near the numbers of another."""
PART = 4_000
"""Characters that a detector is given at once, and one cell; of one row."""
BETWEEN = 80
"""Characters between two tuples or arrays that are rows of one table."""

_WORDS = (
    "a/c|acct|account|iban|konto|cuenta|compte|conto|conta|rekening|rachun|bank|routing|sort|passport|reisepa|passeport|"
    "pasaporte|passapor|paspoort|paszport|licen[cs]e|führerschein|permis|patente|rijbewijs|prawo|tax|steuer|vat|ust|nip|"
    "pesel|regon|ssn|sin|social|sozial|sécurité|seguridad|national|identi|ident|ausweis|dni|nie|nif|nir|cpf|cnpj|bsn|nino|"
    "nhs|insee|codice|curp|rfc|ahv|aadhaar|pan|mrn|medical|patient|pacient|paz|hospital|chart|record|insurance|versicher|"
    "dob|birth|geburt|naissance|nacimiento|nascita|nascimento|geboorte|urodz|phone|tel|mobil|móvil|cell|fax|handy|gsm|"
    "whatsapp|contact|card|cc|credit|karte|kredit|tarjeta|carte|carta|cart[aã]o|kaart|karta|plate|kennzeichen|matr|targa|"
    "kenteken|rejestr|serial|serien|imei|imsi|iccid|vin|device|chassis|policy|police|member|employee|personal|customer|"
    "client|kunde|case|claim|student|matrikel|loan|legajo|nss|expediente"
)
"""Beginnings of words that name a number of somebody, in eight languages."""
_HUMPS = "|".join(word[0].upper() + word[1:] for word in _WORDS.split("|"))
_NAMED = compile_pattern(rf"(?:^|\PL)(?i:{_WORDS})|\p{{Ll}}(?:{_HUMPS})")
_PLURAL = re.compile(r"(?<=[^\W_]{2})(?<!s)s\b")
_DIGIT = re.compile(r"\d")
_LINE = re.compile(r"[^\r\n]+")
_CELLS = tuple(re.compile(rf'[ ]*("(?:[^"]|"")*"|[^{sign}]*)(?:[{sign}]|$)') for sign in (r"\t", "|", ";", ",", "│"))
_SPACED = re.compile(r"([^ \t]+(?: [^ \t]+)*)(?: *\t *| {2,}|$)")
_RULE = frozenset(" \t|:+=-─━┼├┤│┌┐└┘┬┴")
_CODE = r"[^\s\d]{0,20}\d\S{0,20}"
_ITEM = re.compile(
    rf"(?:[-*•·][ \t]+|\d{{1,3}}[.)][ \t]+)?((?:[A-Z]{{1,4}} ){{0,2}}{_CODE}(?: (?:{_CODE}|[A-Z]{{1,4}})){{0,5}})"
)
_TITLE = re.compile(r"[^\W\d_][^:;,|]{1,39}")
_KEY = re.compile(r"([^\W\d_][\w .\-]{1,39})[\"'`\\]{0,3}\s{0,3}[:=]\s{0,3}$")
_ENUMERATION = re.compile(r"[ \t]*[:=]((?:[^\n,;:=]{1,60}[,;]){2,}[^\n,;:=]{1,60})")
_SAYS = re.compile(r"(?<!\w)[^\W\d_]{3,}(?!\w)")
"""A word in what may be a list of numbers: ``account: mail a@b.cd, IBAN DE89 …, card 4111 …`` names each by itself."""
_GROUP = re.compile(r"[\[(]([^\[\](){}]+)[\])]")
_ROW = re.compile(r"<(tr|/?table)\b", re.IGNORECASE)
_HTML_CELL = re.compile(r"<t[hd]\b[^<>]{0,200}>(?:\s{0,20}<[a-z][^<>]{0,100}>){0,3}([^<>]{0,200})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\{1,4}[nrt]")


def numbers(text: str, detect: Callable[[str], Iterable[Finding]]) -> Iterator[Finding]:
    """What ``detect`` finds in the cells of columns and lists, once their head stands before each."""
    if "\n" not in text and "\\" in text:
        text = _ESCAPE.sub(lambda m: m[0][:-1] + ("\t" if m[0][-1] == "t" else "\n"), text)
    named = [m.start() for m in _NAMED.finditer(text)]
    for part, cells in _read(text, _Tables(text, named)) if named else ():
        at = 0
        for f in sorted(detect(part), key=lambda f: f.start):
            while at < len(cells) and cells[at][1] <= f.start:
                at += 1
            if at < len(cells):
                (first, last, low) = cells[at]
                start, end = max(f.start, first), min(f.end, last)
                if start < end:
                    yield replace(f, start=low + start - first, end=low + end - first)


def _read(text: str, tables: _Tables) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
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


def _columns(tables: _Tables) -> Iterator[tuple[str, Sequence[Span]]]:
    """The heads that name numbers, and the cells below them."""
    for table in tables.all():
        width = len(table[0])
        heads = {number: head for number, cell in enumerate(table[0]) if (head := tables.head(cell))}
        columns: dict[int, Row] = {number: [] for number in heads}
        for row in table[1:]:
            for number, cell in enumerate(row):  # in a row of another width, from either side
                for place in {number, number + width - len(row)} & columns.keys():
                    columns[place] += [span] if (span := _value(tables.text, cell)) else []
        yield from ((heads[number], column) for number, column in columns.items())


class _Tables:
    """Those of one text. ``named``: where words begin that name numbers."""

    def __init__(self, text: str, named: Sequence[int]) -> None:
        self.text = text
        self._named = named

    def all(self) -> Iterator[Table]:
        """Rows of cells, the head first."""
        yield from self._in_lines()
        if "<t" in self.text or "<T" in self.text:
            yield from self._html()
        yield from self._groups()
        yield from self._enumerations()

    def names(self, span: Span) -> bool:
        """Whether such a word begins there."""
        at = bisect_left(self._named, max(0, span[0] - 1))
        return at < len(self._named) and self._named[at] < span[1]

    def head(self, span: Span) -> str:
        """The words of a head that names numbers, in the singular; else nothing."""
        if not self.names(span):
            return ""
        said = self.text[slice(*span)]
        said = said.rpartition("(")[2] if ")" not in said else said.partition(")")[0] if "(" not in said else said
        said = said.strip(SURROUND + ":")
        fits = len(said) <= LONGEST_HEAD and not _DIGIT.search(said) and _NAMED.search(said) is not None
        return _PLURAL.sub("", said) if fits else ""

    def _in_lines(self) -> Iterator[Table]:
        """Rows with separators, and lists."""
        lines = [m.span() for m in _LINE.finditer(self.text)]
        at = 0
        while at + 1 < len(lines):
            table = self._table(lines, at) if self.names(lines[at]) else None
            if table is None:
                at += 1
            else:
                at += table[1]
                yield table[0]

    def _table(self, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
        """The table or list whose head is line ``at``, and its lines."""
        if lines[at][1] - lines[at][0] > PART:
            return None
        for cells in (*_CELLS, _SPACED):
            head = _split(self.text, lines[at], cells)
            if len(head) < 2 or not any(map(self.head, head)):
                continue
            rows, n = [head], at + 1
            while n < len(lines) and (row := self._row(lines, n, cells, first=len(rows) == 1)) is not None:
                rows += [row] if row else []
                n += 1
            if len(rows) > 1:
                return rows, n - at
        return self._list(lines, at)

    def _row(self, lines: Sequence[Span], number: int, cells: re.Pattern[str], *, first: bool) -> Row | None:
        """The cells of a line of a table, none of a rule; None where the table has ended. An empty line may stand below
        the head: ``with the columns id, ssn:``"""
        line = lines[number]
        if line[1] - line[0] > PART or self.text.count("\n", lines[number - 1][1], line[0]) > 1 + first:
            return None
        said = self.text[slice(*line)]
        if (first and said.startswith("```")) or (("-" in said or "─" in said) and _RULE.issuperset(said)):
            return []
        row = _split(self.text, line, cells)
        return row if len(row) > 1 else None

    def _list(self, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
        """The numbers that stand one below the other, and the heading above them."""
        title = _trimmed(self.text, lines[at], " \t#*_>:")
        if title[1] - title[0] > LONGEST_HEAD or not _TITLE.fullmatch(self.text, *title) or not self.head(title):
            return None
        rows = [[title]]
        for number in range(at + 1, len(lines)):
            item = _ITEM.fullmatch(self.text, *_trimmed(self.text, lines[number], " \t,;"))
            if item is None or _value(self.text, item.span(1)) is None:
                break
            rows.append([item.span(1)])
        return (rows, len(rows)) if len(rows) > 1 else None

    def _groups(self) -> Iterator[Table]:
        """Tuples of SQL and arrays of JSON, whose first one names what stands in the others, or that a key names."""
        table: Table = []
        end = 0
        for group in _GROUP.finditer(self.text):
            row = _split(self.text, group.span(1), _CELLS[3])
            low = max(end, group.start() - LONGEST_HEAD - 10)
            key = _KEY.search(self.text, low, group.start()) if self.names((low, group.start())) else None
            if key:
                yield [[key.span(1)], *([cell] for cell in row)]
            first = len(row) > 1 and self.names(group.span()) and any(map(self.head, row))
            if first or not table or group.start() - end > BETWEEN:
                if len(table) > 1:
                    yield table
                table = [row] if first else []
            else:
                table.append(row)
            end = group.end()
        if len(table) > 1:
            yield table

    def _enumerations(self) -> Iterator[Table]:
        """``account numbers: 1, 2, 3``"""
        end = 0
        for start in self._named:
            colon = min((at for c in ":=" if (at := self.text.find(c, start, start + LONGEST_HEAD)) >= 0), default=-1)
            if colon < 0 or start < end:
                continue
            found = _ENUMERATION.match(self.text, colon)
            if found and not _split_at(self.text, start, colon):
                end = found.end()
                at = found.start(1)
                values = [(at + m.start(), at + m.end()) for m in re.finditer(r"[^,;]+", self.text[at:end])]
                if not any(_SAYS.search(self.text, *value) for value in values[:-1]):
                    yield [[(start, colon)], *([value] for value in values)]

    def _html(self) -> Iterator[Table]:
        table: Table = []
        marks = [(m.start(), m[1].lower()) for m in _ROW.finditer(self.text)]
        for (start, kind), (end, _) in pairwise([*marks, (len(self.text), "")]):
            if kind != "tr":
                if len(table) > 1:
                    yield table
                table = []
            elif row := [m.span(1) for m in _HTML_CELL.finditer(self.text, start, end)]:
                table.append(row)
        if len(table) > 1:
            yield table


def _split_at(text: str, start: int, end: int) -> bool:
    """Whether what stands there is more than one piece of a sentence."""
    return any(c in text[start:end] for c in ",;\n")


def _value(text: str, cell: Span) -> Span | None:
    """A cell without what surrounds it, if it may be a number."""
    start, end = _trimmed(text, cell, SURROUND)
    said = text[start:end]
    if ")" not in said:
        start += len(said) - len(said.lstrip("( "))
    elif "(" not in said:
        end = start + len(said.rstrip("); "))
    start, end = _trimmed(text, (start, end), SURROUND)
    some = end - start <= LONGEST_CELL and len(_DIGIT.findall(text, start, end)) >= DIGITS
    return (start, end) if some else None


def _trimmed(text: str, span: Span, signs: str) -> Span:
    said = text[slice(*span)]
    start = span[0] + len(said) - len(said.lstrip(signs))
    return start, start + len(said.strip(signs))


def _split(text: str, line: Span, cells: re.Pattern[str]) -> Row:
    start, end = _trimmed(text, line, " " if cells is _SPACED else " |│")
    out = [m.span(1) for m in cells.finditer(text, start, end)]
    return out[:-1] if len(out) > 1 and out[-1] == (end, end) else out
