"""Tables and lists whose head may name numbers: rows with separators, HTML, tuples and dumps of SQL, JSON, headings.

Only where they stand: what is in them is read by ``redaction.columns``. Pure, linear.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from redaction.detectors.linear import Span
from redaction.heads import LONGEST_HEAD, SURROUND, naming, words

Row = list[Span]
Table = list[Row]

LONGEST_CELL, DIGITS = 60, 4
"""Characters of a cell at most, and digits at least."""
LABELLED, SENTENCE = 6, 4
"""Digits of an item of a list that has a label of its own, at least; spaces in a heading that is a sentence."""
PART, LINE = 4_000, 20_000
"""Characters that a detector is given at once, and of one row."""
BETWEEN = 80
"""Characters between two tuples or arrays that are rows of one table, and before one in which its key may stand."""
GAP = 3
"""Lines within a table that are no rows of it: sums, comments, marks of a page."""
DUMP = 20_000
"""Characters of the columns of a table of SQL."""

_SHORT = re.compile(r"[A-Z0-9/\-]{6,20}")
"""A cell that is nothing but a code may have few digits."""
_DIGIT = re.compile(r"\d")
LINES = re.compile(r"[^\r\n]+")
CELLS = {
    sign: re.compile(rf'[ ]*("(?:[^"]|"")*"|[^{escaped}]*)(?:[{escaped}]|$)')
    for sign, escaped in ((sign, "\\^" if sign == "^" else sign) for sign in "\t|;,&^~")
}
"""The cells of a line, by what separates them."""
_COMMA = CELLS[","]
_RULED = tuple(CELLS[sign] for sign in "\t|")
_WIKI = re.compile(r"[|!](?![-}|])(?:[^|\[\]{}]{0,80}\|(?!\|))?")
_DOUBLE = re.compile(r"[! ]*([^|!]*)(?:\|\||!!|$)")
"""Heads of wikis."""
SLASHED = re.compile(r"((?:[^/]|(?<! )/|/(?! ))*)(?: / |$)")
_SPACED = re.compile(r"([^ \t]+(?: [^ \t]+)*)(?: *\t *| {2,}|$)")
_RULE = frozenset(" \t|:+=-")
_CODE = r"[^\s\d]{0,20}\d\S{0,36}"
_DAY = r"\d{1,2}[. ]{1,2}[^\W\d_]{3,10}[., ]{1,2}\d{4}|[^\W\d_]{3,10} \d{1,2}, \d{4}"
_ITEM = re.compile(rf"(?:[A-Z]{{1,4}} ){{0,2}}{_CODE}(?: (?:{_CODE}|[A-Z]{{1,4}})){{0,8}}|{_DAY}")
_BULLET = re.compile(r"(?:[-*•·+][ \t]+|\d{1,3}[.)][ \t]+(?![ \t]*[^\W\d_]{3,10} \d{4}))?(?:\[[ xX]?\][ \t]+)?[\"'`]?")
_REMARK = re.compile(r"(?<=[\dA-Za-z])[\"'`]?(?:,?[ \t]+[(\[–—#]|, |[ \t]+-[ \t])")
"""Behind an item: a name, a state."""
_TITLE = re.compile(r"[^\W\d_][^:;,|]{1,79}")
_KEY = re.compile(
    r"([^\W\d_][\w .\-]{1,39})[\"'`\\]{0,3}\]?\s{0,3}(?::?=|:|<-|\b[Ii][Nn]\b)\s{0,3}"
    r"(?:(?:new |\[\])?[A-Za-z][\w.]{0,30}(?:\(\s{0,3})?)?$"
)
"""Before what it names; programs may call something with that."""
_SET = re.compile(r"\{([^\[\](){}:;,]{1,60},[^\[\](){}:;]+)\}")
_AND = r" (?:and|und|et|y|e|i|or|oder|ou|o|en|of) "
_ENUMERATION = re.compile(
    r"([^,;:=\n]{1,40}?)(?:[ \t]*[:=]| (?:are|were|sind|waren|lauten|sont|son|são|sono|są)\b)"
    rf"((?:[^\n,;:=]{{1,60}}[,;]){{2,}}[^\n,;:=]{{1,60}}|[^\n,;:=]{{1,60}}{_AND}[^\n,;:=]{{1,60}}|"
    r"(?:[^\n,;:=/|]{1,60}[/|] ){2,}[^\n,;:=/|]{1,60})"
)
_NEXT = re.compile(rf"[,;]|{_AND}| ?[/|] ")
_SAYS = re.compile(r"(?<!\w)(?<!\d[ -])[^\W\d_]{3,}(?!\w|[\-/]\d| \d{1,2}(?!\d))")
"""A word in what may be a list of numbers: ``account: mail a@b.cd, IBAN DE89 …, card 4111 …`` names each by itself. The
month of a date and the bank within an IBAN do not."""
_GROUP = re.compile(r"[\[(]([^\[\](){}]+)[\])]")
_MAP = re.compile(r"\{(\s{0,40}[\"']?\d{1,7}[\"']?\s{0,3}:[^\[\](){}]+)\}")
_IN_MAP = re.compile(r"\s*[\"']?\d{1,7}[\"']?\s*:\s*(\"[^\"]*\"|'[^']*'|[^,]*)(?:,|$)")
_CREATE = re.compile(r"\bCREATE TABLE\b[^(;]{0,120}?([\w$]+)[`\"\]]{0,2}\s{0,9}\(", re.IGNORECASE)
_COLUMN = re.compile(r"(?:^|[,(])\s*[`\"\[]?([A-Za-z_]\w{0,60})[`\"\]]?\s+[A-Za-z]")
_INSERT = re.compile(r"\bINSERT\b[^(;]{0,120}?\bINTO\b[^(;]{0,120}?([\w$]+)[`\"\]]{0,2}\s{1,9}VALUES?\s", re.IGNORECASE)
_IN_TUPLE = re.compile(r"\s*('(?:[^'\\]|''|\\.)*'|\"[^\"]*\"|[^,]*)(?:,|$)")
_COPY = re.compile(r"\bCOPY\b[^(;\n]{1,120}\(([^)\n]{1,4000})\) FROM STDIN;?[^\n]{0,80}\n", re.IGNORECASE)
_ROW = re.compile(r"<(tr|/?table)\b", re.IGNORECASE)
_HTML_CELL = re.compile(
    r"<t[hd]\b[^<>]{0,200}>(?:\s{0,20}(?:<[a-z][^<>]{0,100}>|&nbsp;|&#160;)){0,6}((?:(?!&nbsp;|&#160;)[^<>]){0,200})",
    re.IGNORECASE,
)


class Tables:
    """Those of one text. ``named``: where words begin that name numbers."""

    def __init__(self, text: str, named: Sequence[int]) -> None:
        self.text = text
        self._named = named

    def all(self) -> Iterator[Table]:
        """Rows of cells, the head first."""
        yield from self._in_lines()
        if "<t" in self.text or "<T" in self.text:
            yield from self._html()
        if "{|" in self.text:
            yield from self._wikis()
        yield from self._groups()
        yield from self._maps()
        yield from self._dumps()
        yield from self._enumerations()

    def names(self, span: Span) -> bool:
        """Whether such a word begins there."""
        at = bisect_left(self._named, max(0, span[0] - 1))
        return at < len(self._named) and self._named[at] < span[1]

    def figures(self, span: Span) -> bool:
        """Whether a digit stands there."""
        return _DIGIT.search(self.text, *span) is not None

    def head(self, span: Span) -> str:
        """The words of a head that names numbers, in the singular; else nothing."""
        return words(self.text[slice(*span)]) if self.names(span) else ""

    def _in_lines(self) -> Iterator[Table]:
        """Rows with separators, and lists."""
        lines = [m.span() for m in LINES.finditer(self.text) if not m[0].isspace()]
        at = 0
        while at < len(lines):
            table = self._table(lines, at) if self.names(lines[at]) else None
            if table is None:
                at += 1
            else:
                at += table[1]
                yield table[0]

    def _table(self, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
        """The table or list whose head is line ``at``, and its lines."""
        if lines[at][1] - lines[at][0] > LINE:
            return None
        line = self.text[slice(*lines[at])]
        for cells in (*((_DOUBLE,) if "||" in line or "!!" in line else ()), *CELLS.values(), _SPACED, SLASHED):
            head = _split(self.text, lines[at], cells)
            if len(head) < 2 or not any(map(self.head, head)):
                continue
            rows, size = self._rows(lines, at, cells, head)
            if len(rows) > 1:
                return rows, size
        return self._list(lines, at) or self._alone(lines[at])

    def _alone(self, line: Span) -> tuple[Table, int] | None:
        """A row whose head stands at its left, without others that have theirs there."""
        rows = (_split(self.text, line, cells) for cells in _RULED)
        row = next((row for row in rows if len(row) > 2 and self.head(row[0])), None)
        return ([row], 1) if row and all(value(self.text, cell) for cell in row[1:]) else None

    def _rows(self, lines: Sequence[Span], at: int, cells: re.Pattern[str], head: Row) -> tuple[Table, int]:
        """The rows of a table and its lines. What stands apart from the rows before must look like one of them."""
        rows, n, end, others = [head], at + 1, at + 1, 0
        while n < len(lines) and others <= GAP:
            row = self._row(lines[n], cells, first=len(rows) == 1)
            apart = others or self.text.count("\n", lines[n - 1][1], lines[n][0]) > 1 + (len(rows) == 1)
            if apart and row and not self.figures(lines[n]):  # the head of another table
                break
            if row is None or (apart and row and not self._alike(lines[at], head, lines[n], row)):
                others += 1
            else:
                rows += [row] if row else []
                others, end = 0, n + 1
            n += 1
        return rows, end - at

    def _row(self, line: Span, cells: re.Pattern[str], *, first: bool) -> Row | None:
        """The cells of a line of a table, none of a rule; None where it is no row."""
        if line[1] - line[0] > LINE:
            return None
        said = self.text[slice(*line)]
        if (first and said.startswith("```")) or _RULE.issuperset(said):
            return []
        if cells is _DOUBLE:
            cells = _DOUBLE if "||" in said else CELLS["|"]
        row = _split(self.text, line, cells)
        return row if len(row) > 1 else None

    def _alike(self, first: Span, head: Row, line: Span, row: Row) -> bool:
        """Whether a row has as many cells as the head, and is no sentence with commas."""
        spaced = ", " in self.text[slice(*line)] and ", " not in self.text[slice(*first)]
        return len(row) == len(head) and not spaced

    def _list(self, lines: Sequence[Span], at: int) -> tuple[Table, int] | None:
        """The numbers that stand one below the other, and the heading above them."""
        title = self._title(lines[at])
        rows, forms = [[title]] if title else [], (False, False)
        for number in range(at + 1, len(lines) if title else 0):
            item, form = self._item(lines[number])
            if item is None or (len(rows) > 1 and form != forms):
                break
            forms = form
            rows.append([item])
        return (rows, len(rows)) if len(rows) > 1 else None

    def _title(self, line: Span) -> Span | None:
        """The words of a heading that name numbers: all of them, or those of a sentence that ends with a colon."""
        title = trimmed(self.text, line, " \t#*_>:-\"'`")
        if not _TITLE.fullmatch(self.text, *title):
            return None
        if self.text.count(" ", *title) < SENTENCE:
            return title if self.head(title) else None
        if self.text[slice(*line)].rstrip(" *_")[-1:] != ":":
            return None
        at = self._named[bisect_left(self._named, title[1]) - 1]
        return naming(self.text, max(title[0], at), title[1], title[0])

    def _item(self, line: Span) -> tuple[Span | None, tuple[bool, bool]]:
        """The number of an item of a list, without what is said of it; its bullets and labels."""
        first, end = trimmed(self.text, line, " \t,;")
        start = _BULLET.match(self.text, first, end).end()  # type: ignore[union-attr]  # it matches nothing as well
        colon = self.text.find(": ", start, min(end, start + LONGEST_HEAD))
        label = colon >= 0 and len(_DIGIT.findall(self.text, start, colon)) < DIGITS
        form = start > first, label
        start = colon + 2 if label else start
        remark = _REMARK.search(self.text, start, end)
        for last in (remark.start(), end) if remark else (end,):
            item = value(self.text, (start, last))
            if item and _ITEM.fullmatch(self.text, *item):
                digits = len(_DIGIT.findall(self.text, *item))
                short = label and digits < LABELLED and _SHORT.fullmatch(self.text, *item) is None
                return None if short else item, form
        return None, form

    def _groups(self) -> Iterator[Table]:
        """Tuples of SQL and arrays of JSON, whose first one names what stands in the others, or that a key names."""
        table: Table = []
        end = low = 0
        for group in _GROUP.finditer(self.text):
            row = _split(self.text, group.span(1), _COMMA)
            if key := self._key(group.start(), low):
                yield [[key], *([cell] for cell in row)]
            named = len(row) > 1 and self.names(group.span()) and any(map(self.head, row))
            if named and any(value(self.text, cell) for cell in row):  # a row may say ``account shut``
                named = not table
            if named or not table or group.start() - end > BETWEEN:
                if table:
                    yield table
                table = [row] if named else []
            else:
                table.append(row)
            low, end = group.span()  # ``df['ssn'] = [``: the key may stand in a group
        if table:
            yield table

    def _key(self, at: int, low: int = 0) -> Span | None:
        """The key whose value begins there, if it may name numbers."""
        low = max(low, at - BETWEEN)
        key = _KEY.search(self.text, low, at) if self.names((low, at)) else None
        return key.span(1) if key else None

    def _maps(self) -> Iterator[Table]:
        """``"ssn": {"0": …, "1": …}``, ``ssn = {…, …}``: a column by the numbers of its rows, and a set."""
        for found in _MAP.finditer(self.text):
            if key := self._key(found.start()):
                yield [[key], *([cell.span(1)] for cell in _IN_MAP.finditer(self.text, *found.span(1)))]
        for found in _SET.finditer(self.text):
            if key := self._key(found.start()):
                yield [[key], *([cell] for cell in _split(self.text, found.span(1), _COMMA))]

    def _dumps(self) -> Iterator[Table]:
        """Rows of SQL whose columns are named where the table is made, or where rows are copied into it."""
        columns = {m[1].lower(): self._created(m.end(), end) for m, end in self._each(_CREATE)}
        for m, end in self._each(_INSERT) if any(columns.values()) else ():
            if head := columns.get(m[1].lower()):
                yield [head, *self._tuples(m.end(), end)]
        for m, end in self._each(_COPY):
            if self.names(m.span(1)):
                last = self.text.find("\n\\.", m.end() - 1, end)
                lines = LINES.finditer(self.text, m.end(), last if last >= 0 else end)
                rows = (_split(self.text, line.span(), CELLS["\t"]) for line in lines if len(line[0]) <= LINE)
                yield [_split(self.text, m.span(1), _COMMA), *rows]

    def _each(self, statement: re.Pattern[str]) -> Iterator[tuple[re.Match[str], int]]:
        """The statements of a kind, and where the next one begins."""
        last = None
        for found in statement.finditer(self.text):
            if last:
                yield last, found.start()
            last = found
        if last:
            yield last, len(self.text)

    def _created(self, at: int, end: int) -> Row:
        """The names of columns, if one of them names numbers."""
        last = self.text.find(";", at, min(end, at + DUMP))
        end = last if last >= 0 else min(end, at + DUMP)
        return [m.span(1) for m in _COLUMN.finditer(self.text, at - 1, end)] if self.names((at, end)) else []

    def _tuples(self, at: int, last: int) -> Iterator[Row]:
        """The tuples of one statement."""
        for group in _GROUP.finditer(self.text, at, last):
            if group.start() - at > BETWEEN or ";" in self.text[at : group.start()]:
                return
            at = group.end()
            row = [m.span(1) for m in _IN_TUPLE.finditer(self.text, *group.span(1))]
            yield row[:-1] if row[-1][0] == row[-1][1] == group.end(1) else row

    def _enumerations(self) -> Iterator[Table]:
        """``account numbers: 1, 2, 3``, ``the account numbers are 1 and 2``"""
        end = 0
        for sign in self._named:
            start = sign + (not self.text[sign].isalpha())  # what stands before a word is none of it
            found = _ENUMERATION.match(self.text, start) if start >= end else None
            if found is None:
                continue
            end = found.end()
            values = list(_between(self.text, _NEXT, *found.span(2)))
            if not any(_SAYS.search(self.text, *cell) for cell in values[:-1]):
                for head in {found.span(1), naming(self.text, *found.span(1), max(0, start - LONGEST_HEAD))}:
                    yield [[head], *([cell] for cell in values)]

    def _html(self) -> Iterator[Table]:
        table: Table = []
        marks = [(m.start(), m[1].lower()) for m in _ROW.finditer(self.text)]
        for (start, kind), (end, _) in pairwise([*marks, (len(self.text), "")]):
            if kind != "tr":
                if table:
                    yield table
                table = []
            elif row := [m.span(1) for m in _HTML_CELL.finditer(self.text, start, end)]:
                table.append(row)
        if table:
            yield table

    def _wikis(self) -> Iterator[Table]:
        """Tables of wikis with a cell in each line."""
        table: Table = []
        for line in LINES.finditer(self.text):
            mark = _WIKI.match(line[0])
            if line[0].startswith(("{|", "|}")):
                if len(table) > 1:
                    yield table
                table = [[]]
            elif line[0].startswith("|-"):
                table += [[]] if table and table[-1] else []
            elif mark and table:
                table[-1].append((line.start() + mark.end(), line.end()))
        if len(table) > 1:
            yield table


def lines(text: str) -> list[Span]:
    """Those that are short enough to be a row."""
    return [m.span() for m in LINES.finditer(text) if len(m[0]) <= LINE and not m[0].isspace()]


def rows(text: str) -> Iterator[Table]:
    """Neighbouring lines with as many separators each, tuples with as many cells, lists; without regard to heads."""
    short = lines(text)
    for sign in "\t|;,":
        if sign in text:
            yield from _neighbours(((line, text.count(sign, *line)) for line in short), text, CELLS[sign])
    yield from _neighbours(((m.span(1), m[1].count(",")) for m in _GROUP.finditer(text)), text, _IN_TUPLE)
    items = [trimmed(text, line, " \t-*•,;") for line in short]
    for listed, some in groupby(items, key=lambda at: bool(value(text, at) and _ITEM.fullmatch(text, *at))):
        if listed:
            yield [[item] for item in some]


def _neighbours(spans: Iterable[tuple[Span, int]], text: str, cells: re.Pattern[str]) -> Iterator[Table]:
    for count, some in groupby(spans, key=itemgetter(1)):
        if count:
            yield [[m.span(1) for m in cells.finditer(text, *span)] for span, _ in some]


def value(text: str, cell: Span) -> Span | None:
    """A cell without what surrounds it, if it may be a number."""
    start, end = trimmed(text, cell, SURROUND)
    said = text[start:end]
    if ")" not in said:
        start += len(said) - len(said.lstrip("( "))
    elif "(" not in said:
        end = start + len(said.rstrip("); "))
    start, end = trimmed(text, (start, end), SURROUND)
    digits = len(_DIGIT.findall(text, start, end)) if end - start <= LONGEST_CELL else 0
    return (start, end) if digits >= DIGITS or (digits > 1 and _SHORT.fullmatch(text, start, end)) else None


def _between(text: str, signs: re.Pattern[str], start: int, end: int) -> Iterator[Span]:
    """What stands between the matches of ``signs``."""
    for found in signs.finditer(text, start, end):
        yield start, found.start()
        start = found.end()
    yield start, end


def trimmed(text: str, span: Span, signs: str) -> Span:
    """A place without ``signs`` at either end."""
    said = text[slice(*span)]
    start = span[0] + len(said) - len(said.lstrip(signs))
    return start, start + len(said.strip(signs))


def _split(text: str, line: Span, cells: re.Pattern[str]) -> Row:
    start, end = trimmed(text, line, " |")
    out = [m.span(1) for m in cells.finditer(text, start, end)]
    return out[:-1] if len(out) > 1 and out[-1] == (end, end) else out
