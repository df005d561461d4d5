"""What a page or figure of a PDF shows: each byte of each shown string, mapped through its font. Pure.

A byte counts as read only where the file says what it means: a ToUnicode entry, a named encoding, a glyph with a
standard name. A font whose maps lie is beyond this (and any) reader that does not draw it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject, NameObject
from pypdf.generic._font import Font  # the library's reading of encodings and ToUnicode maps has no public name

from redaction.documents.text import printable
from redaction.documents.types import Reading

SPACE = -180
"""A move inside a string, in thousandths of the font size, that looks like a space."""
_IDENTITY = frozenset({"/Identity-H", "/Identity-V"})
_STANDARD = frozenset({"/WinAnsiEncoding", "/MacRomanEncoding", "/StandardEncoding"})
_SYMBOLIC = 4
_PAINT = frozenset({b"f", b"F", b"f*", b"S", b"s", b"B", b"B*", b"b", b"b*", b"sh", b"Do"})
_MOVES = frozenset({b"Td", b"TD", b"Tm", b"T*", b"ET"})


def member(node: DictionaryObject, key: str) -> Any:
    """The object that a member is or points to; None for none."""
    return node[key].get_object() if key in node else None


@dataclass(slots=True)
class Shown:
    """``beside`` are texts that replace or describe what is shown; ``bends`` counts curves and slanted lines."""

    text: str = field(default="", repr=False)
    beside: list[str] = field(default_factory=list, repr=False)
    painted: bool = False
    bends: int = 0


class _Letters:
    """One font. Codes without a certain character are missing."""

    def __init__(self, font: DictionaryObject) -> None:
        self._font = Font.from_font_resource(font)
        encoding = member(font, "/Encoding")
        self._wide = member(font, "/Subtype") == "/Type0"
        self._identity = self._wide and encoding in _IDENTITY
        self._mapped = "/ToUnicode" in font
        self._named = self._is_named(font, encoding)

    @staticmethod
    def _is_named(font: DictionaryObject, encoding: Any) -> bool:
        """Whether codes without an entry in ToUnicode have the meaning that their encoding's name says."""
        if encoding in _STANDARD:
            return True
        if isinstance(encoding, DictionaryObject):
            return True
        descriptor = member(font, "/FontDescriptor")
        if not isinstance(descriptor, DictionaryObject):
            return member(font, "/Subtype") in {"/Type1", "/TrueType"} and encoding is None
        return not int(member(descriptor, "/Flags") or 0) & _SYMBOLIC and encoding is None

    def read(self, data: bytes) -> tuple[str, bool]:
        """The text, and whether every code of it has a meaning."""
        if not self._wide:
            return self._narrow(data)
        if not self._identity and not self._mapped:
            name = self._font.encoding
            known = isinstance(name, str) and name != "charmap"
            text = data.decode(str(name), "replace") if known else printable(data)
            return text, known and "\ufffd" not in text
        codes = [data[i : i + 2] for i in range(0, len(data), 2)]
        found = [self._font.character_map.get(c.decode("utf-16-be", "surrogatepass")) for c in codes if len(c) == 2]
        whole = self._mapped and len(data) % 2 == 0 and None not in found
        return "".join(f for f in found if f), whole

    def _narrow(self, data: bytes) -> tuple[str, bool]:
        out, whole = [], True
        table = self._font.encoding if isinstance(self._font.encoding, dict) else {}
        for code in data:
            char = self._font.character_map.get(chr(code)) if self._mapped else None
            if char is None:
                char = table.get(code)
                known = char is not None and not char.startswith("/") and self._named
                whole &= known or code in {9, 10, 13, 32, 160}
            out.append(char or "")
        return "".join(out), whole


class _Screen:
    def __init__(self, resources: DictionaryObject, reading: Reading) -> None:
        fonts = member(resources, "/Font")
        self._fonts = fonts if isinstance(fonts, DictionaryObject) else DictionaryObject()
        self._known: dict[str, _Letters | None] = {}
        self._reading = reading
        self._font: str | None = None
        self._saved: list[str | None] = []
        self._at = (0.0, 0.0)
        self.out: list[str] = []
        self.shown = Shown()

    def run(self, operands: Any, operator: bytes) -> None:
        self._reading.node()
        if operator in {b"Tj", b"'", b'"', b"TJ"}:
            self._show(operands, operator)
        elif operator in _MOVES:
            self.out.append("\n")
        elif operator == b"Tf":
            self._font = str(operands[0])
        elif operator == b"q":
            self._saved.append(self._font)
        elif operator == b"Q" and self._saved:
            self._font = self._saved.pop()
        elif operator in {b"BDC", b"DP"}:
            self.shown.beside += _strings(operands)
        elif operator == b"INLINE IMAGE":
            self._reading.missing("image")
        elif operator in _PAINT:
            self.shown.painted = True
        else:
            self._path(operands, operator)

    def _path(self, operands: Any, operator: bytes) -> None:
        if operator in {b"c", b"v", b"y"}:
            self.shown.bends += 1
        elif operator in {b"m", b"l"} and len(operands) == 2:
            x, y = float(operands[0]), float(operands[1])
            self.shown.bends += operator == b"l" and x != self._at[0] and y != self._at[1]
            self._at = (x, y)

    def _show(self, operands: Any, operator: bytes) -> None:
        if operator in {b"'", b'"'}:
            self.out.append("\n")
        items = operands[0] if operator == b"TJ" else operands[-1:]
        for item in items:
            if isinstance(item, (str, bytes)) and not isinstance(item, NameObject):
                self.out.append(self._read(item if isinstance(item, bytes) else item.encode("latin-1", "replace")))
            elif isinstance(item, (int, float)) and item < SPACE:
                self.out.append(" ")

    def _read(self, data: bytes) -> str:
        letters = self._letters()
        if letters is None:
            self._reading.missing("font")
            return printable(data)
        text, whole = letters.read(data)
        if not whole:
            self._reading.missing("font")
        return text

    def _letters(self) -> _Letters | None:
        if self._font is None:
            return None
        if self._font not in self._known:
            font = member(self._fonts, self._font)
            self._known[self._font] = _Letters(font) if isinstance(font, DictionaryObject) else None
        return self._known[self._font]


def show(stream: Any, resources: Any, pdf: PdfReader, reading: Reading) -> Shown:
    """What ``stream`` (a page's contents, a figure) shows with these resources."""
    content = ContentStream(stream, pdf, "bytes")
    screen = _Screen(resources if isinstance(resources, DictionaryObject) else DictionaryObject(), reading)
    for operands, operator in content.operations:
        screen.run(operands, operator)
    screen.shown.text = _tidy("".join(screen.out))
    return screen.shown


def _strings(operands: Any) -> Iterator[str]:
    waiting = list(operands)
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += list(node.values())
        elif isinstance(node, list):
            waiting += list(node)
        elif isinstance(node, bytes):
            yield node.decode("utf-16" if node[:2] in {b"\xfe\xff", b"\xff\xfe"} else "latin-1", "replace")
        elif isinstance(node, str) and not isinstance(node, NameObject):
            yield node


def _tidy(text: str) -> str:
    return "\n".join(line for raw in text.split("\n") if (line := raw.strip()))
