"""Worksheets: rows as people see them (shared texts in place, dates as dates), formulas and everything beside. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from redaction.documents.types import Reading
from redaction.documents.xml import Handler, dull

_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show dates and times (ECMA-376 part 1, 18.8.30)."""
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_DATE = re.compile(r"[dmyh]", re.I)
_FLOAT = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d{1,3}")
_PHONETIC = frozenset({"rPh"})


class SharedStrings(Handler):
    """The texts that cells refer to by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.technical: dict[str, None] = {}
        self._used: set[int] = set()
        self._beside: list[str] = []
        self._open: list[str] = []
        self._now: list[str] = []

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self._open.append(tag)
        if tag == "si":
            self._now = []
        self.technical |= {v: None for v in attrs.values() if not dull(v)}

    def end(self, tag: str) -> None:
        self._open.pop()
        if tag == "si":
            self.texts.append("".join(self._now))

    def text(self, data: str) -> None:
        if self._open[-1] == "t" and not _PHONETIC & set(self._open):
            self._now.append(data)
        elif data.strip():
            self._beside.append(data)

    def beside(self, data: str) -> None:
        self._beside.append(data)

    def cell(self, number: str) -> str:
        """The text with this number; the number itself where there is none."""
        at = int(number) if number.isdecimal() and len(number) < 9 else -1
        if not 0 <= at < len(self.texts):
            return number
        self._used.add(at)
        return self.texts[at]

    def unused(self) -> list[str]:
        """Texts that no cell shows (any more), and what stands beside them."""
        return [t for i, t in enumerate(self.texts) if i not in self._used] + self._beside


class Styles(Handler):
    """Which cell styles show a number as a date."""

    def __init__(self) -> None:
        self.since_1904 = False
        self._custom: dict[str, str] = {}
        self._formats: list[str] = []
        self._inside = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag == "numFmt":
            self._custom[attrs.get("numFmtId", "")] = attrs.get("formatCode", "")
        elif tag == "cellXfs":
            self._inside = True
        elif tag == "xf" and self._inside:
            self._formats.append(attrs.get("numFmtId", ""))

    def end(self, tag: str) -> None:
        if tag == "cellXfs":
            self._inside = False

    def shown(self, number: str, style: str) -> str:
        """A number as its style shows it, as far as it matters: dates as ISO dates, no exponents."""
        at = int(style) if style.isdecimal() and len(style) < 6 else -1
        used = self._formats[at] if 0 <= at < len(self._formats) else ""
        if self._is_date(used):
            try:
                epoch = dt.datetime(1904 if self.since_1904 else 1900, 1, 1, tzinfo=dt.UTC)
                days = float(number) if self.since_1904 else float(number) - 2
                shown = (epoch + dt.timedelta(days=days)).replace(tzinfo=None)
                return shown.isoformat(sep=" ", timespec="seconds").removesuffix(" 00:00:00")
            except (ValueError, OverflowError):
                return number
        if _FLOAT.fullmatch(number):
            try:
                return format(Decimal(number), "f")
            except InvalidOperation:
                return number
        return number

    def _is_date(self, used: str) -> bool:
        if used in self._custom:
            return bool(_DATE.search(_LITERAL.sub("", self._custom[used])))
        return used.isdecimal() and len(used) < 4 and int(used) in _DATES


class Sheet(Handler):
    """One worksheet."""

    def __init__(self, shared: SharedStrings, styles: Styles) -> None:
        self._shared = shared
        self._styles = styles
        self._rows: list[str] = []
        self._beside: list[str] = []
        self.technical: dict[str, None] = {}
        self._row: list[str] = []
        self._cell: Mapping[str, str] = {}
        self._open: list[str] = []
        self._text: list[str] = []
        self._value: list[str] = []

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self._flush()
        self._open.append(tag)
        if tag == "c":
            self._cell, self._value = attrs, []
        self.technical |= {v: None for v in attrs.values() if not dull(v)}

    def end(self, tag: str) -> None:
        text = "".join(self._text)
        self._text.clear()
        self._open.pop()
        if tag == "v" or (tag == "t" and "is" in self._open):
            self._value.append(self._read(text) if tag == "v" else text)
        elif text.strip():
            self._beside.append(text.strip())
        if tag == "c":
            self._row.append("".join(self._value))
        elif tag == "row":
            self._rows.append("\t".join(self._row))
            self._row = []

    def _read(self, text: str) -> str:
        kind = self._cell.get("t", "n")
        if kind == "s":
            return self._shared.cell(text)
        return self._styles.shown(text, self._cell.get("s", "")) if kind == "n" else text

    def text(self, data: str) -> None:
        self._text.append(data)

    def beside(self, data: str) -> None:
        self._beside.append(data)

    def _flush(self) -> None:
        """Text beside elements (which no writer leaves there)."""
        text = "".join(self._text).strip()
        self._text.clear()
        if text:
            self._beside.append(text)

    def close(self, reading: Reading) -> None:
        """Hands everything on: rows, then formulas, headers, prompts and the like."""
        rows = [*self._rows, "\t".join(self._row), "".join(self._value) if "c" in self._open else ""]
        reading.prose("\n".join(r for r in rows if r.strip()))
        reading.prose("\n".join(self._beside))
