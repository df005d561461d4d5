"""PDF: every object of the file, whether a page shows it or not. Pure; no script runs, no image is decoded.

Three readings that check each other: the library's text of each page (which guesses at spaces and lines), the same in
the layout of the page, and what every single byte shown maps to in its font. A byte without a certain character, an
image, many curves, a damaged or superseded object: missing. The library's own word that it repaired something counts
as missing too, since another reader may repair it otherwise.
"""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pypdf import PageObject, PdfReader, apply_configuration
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)  # fmt: skip

from redaction.documents.pdf_text import Shown, member, show
from redaction.documents.text import printable
from redaction.documents.types import Reading, Unreadable
from redaction.documents.xml import read_xml

Nested = Callable[[bytes, str, str], None]

OBJECTS = 10
"""Objects that count as one part of a document."""
_SIZES = (
    "maximum_declared_stream_length", "array_based_stream_maximum_output_length", "lzw_maximum_output_length",
    "run_length_maximum_output_length", "zlib_maximum_output_length", "xmp_maximum_input_length",
)  # fmt: skip
"""Settings of the library that bound the bytes of one stream."""
SHORT = 10
"""Digits of a number that needs no look."""
BENDS = 100
"""Curves and slanted lines of one page or figure from which on they may be letters."""
_HEADER = re.compile(rb"(?<![0-9])\d{1,10}\s+\d{1,5}\s+obj\b")
_COMMENT = re.compile(rb"%++(?!PDF-|EOF)[^\r\n]*")
_BEGIN = re.compile(rb"(?<!end)stream\r?\n")
_TABLE = re.compile(rb"\s++|xref|trailer\b|startxref|%[^\r\n]*+|\d+|[nf]\b")
_TRAILER = re.compile(rb"trailer\b")
_TEXT_OPERATORS = re.compile(rb"\b(?:BT|Tj|TJ)\b")
_TRAILER_PART = re.compile(
    rb"\s++|/(?:Size|Root|Info|Prev|XRefStm)\b|\d{1,10}\b|R\b|<<|>>|/DocChecksum\s*/[0-9A-F]{32}"
    rb"|/ID\s*\[\s*<[0-9A-Fa-f]{,64}>\s*<[0-9A-Fa-f]{,64}>\s*\]"
)
_ID = re.compile(rb"/ID\s*\[(?:[^\]\\]|\\.){,300}\]", re.DOTALL)
_DATE = re.compile(r"D:(?:19|20)\d\d(?:(?:0\d|1[0-2])(?:[0-3]\d(?:[0-2]\d(?:[0-5]\d){,2})?)?)?(?:[Zz+-][\d']{,6})?")
_DATES = frozenset({"/CreationDate", "/ModDate", "/M", "/LastModified", "/SourceModified"})
"""Keys of dates that programs write. Anywhere else a date may be somebody's."""
_ODD_NAME = re.compile(r"[@ ()]|\d{9}|[^\x20-\x7e]")
_ASCII = re.compile(rb"[\x20-\x7e]")
MOSTLY = 0.7
"""Share of plain characters from which on bytes of no one character set are a text that one byte spoils, no digest."""
_UNSAID = frozenset(
    {"/Registry", "/Ordering", "/FontFamily", "/CharSet", "/Producer", "/Creator", "/Lang", "/ID", "/Panose",
     "/PTEX.Fullbanner"}
)  # fmt: skip
"""Strings of machines, not of people."""
_SKIPPED = {
    "/FontFile": "font", "/FontFile2": "font", "/FontFile3": "font", "/ToUnicode": "font", "/Encoding": "font",
    "/CIDToGIDMap": "font", "/CIDSet": "font", "/Function": "function", "/Functions": "function",
    "/Shading": "function", "/TR": "function", "/TR2": "function", "/BG": "function", "/UCR": "function",
    "/DestOutputProfile": "colour",
}  # fmt: skip
"""Keys of streams that shape what is shown and hold no text of their own."""


class _Repairs(logging.Handler):
    """Counts what the library says about the file; the words quote it and go nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


@contextmanager
def _watched() -> Iterator[_Repairs]:
    logger = logging.getLogger("pypdf")
    repairs, before = _Repairs(), (logger.propagate, logger.level)
    logger.addHandler(repairs)
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    try:
        yield repairs
    finally:
        logger.removeHandler(repairs)
        logger.propagate, level = before
        logger.setLevel(level)


def read_pdf(data: bytes, reading: Reading, nested: Nested) -> None:
    """Reads the file. Raises Unreadable."""
    room = min(reading.inflatable, 64 * 1024 * 1024)
    limits: dict[str, Any] = dict.fromkeys(_SIZES, room)
    with _watched() as repairs, apply_configuration(
        **limits, jbig2dec_binary=None, zlib_maximum_recovery_input_length=0, disable_legacy_handling=True,
        stream_parsing_work_maximum_count=reading.limits.nodes,
    ):  # fmt: skip
        try:
            _File(data, reading, nested).read()
        except (PyPdfError, AssertionError, zlib.error):
            raise Unreadable("pdf") from None
        finally:
            if repairs.count:
                reading.missing("repaired")


DIGEST = 32
"""Bytes of the file's identifier (ISO 32000-1 §14.4), a digest: of 1 in 120 the bytes look like letters of some
script. Only what is readable in them is read; longer ones are text."""


class _File:
    def __init__(self, data: bytes, reading: Reading, nested: Nested) -> None:
        self._data = data
        self._reading = reading
        self._nested = nested
        self._pdf = PdfReader(io.BytesIO(data), strict=True)
        if self._pdf.is_encrypted:
            raise Unreadable("encrypted")
        self._roles: dict[int, str] = {}
        self._human: dict[str, None] = {}
        self._technical: dict[str, None] = {}
        self._forms: dict[int, StreamObject] = {}

    def read(self) -> None:
        """Pages first, then what no page shows."""
        objects = list(self._objects())
        self._leftovers()
        for obj in objects:
            self._walk(obj, "", 0)
        self._walk(self._pdf.trailer, "/ID", 0)
        self._pages()
        for obj in objects:
            if isinstance(obj, StreamObject):
                self._stream(obj, self._roles.get(id(obj), ""))
        self._reading.prose("\n".join(self._human))
        self._reading.technical("\n".join(self._technical))

    def _objects(self) -> Iterator[Any]:
        pdf = self._pdf
        places = [(gen, num) for gen, table in pdf.xref.items() for num in table] + [(0, n) for n in pdf.xref_objStm]
        self._reading.part(len(places) // OBJECTS)
        for gen, num in places:
            if not pdf.xref_free_entry.get(gen, {}).get(num, False):
                yield pdf.get_object(IndirectObject(num, gen, pdf))

    def _leftovers(self) -> None:
        """Objects that a later version of the file replaced or dropped are still in its bytes; so are comments."""
        known = {offset for table in self._pdf.xref.values() for offset in table.values()}
        if any(not {m.start(), m.start() - 1} & known for m in _HEADER.finditer(self._data)):
            self._reading.missing("leftover")
        bare = _cut(self._data, _BEGIN, b"endstream")
        self._comments(bare)
        between = _cut(bare, _HEADER, b"endobj")
        inside: list[bytes] = []
        between = _cut(between, _TRAILER, b"startxref", inside)
        self._trailers(b"\n".join(inside))
        if _TABLE.sub(b"", between):
            self._reading.missing("leftover")

    def _trailers(self, data: bytes) -> None:
        """What trailers say beside what every one says: of earlier ones the library keeps no more than that."""
        rest = _TRAILER_PART.sub(b" ", data)
        self._technical[printable(b"\n".join(_ID.findall(rest)))] = None
        if said := _ID.sub(b" ", rest).strip():
            self._human[said.decode("latin-1")] = None

    def _comments(self, data: bytes) -> None:
        comments = [c for c in _COMMENT.findall(data) if sum(b > 127 for b in c) < 4 or len(c) > 16]
        self._reading.technical(printable(b"\n".join(comments)))

    # -- objects ------------------------------------------------------------------------------------------------------

    def _walk(self, node: Any, key: str, depth: int) -> None:
        """Every string, odd name and long number of an object; references are objects of their own."""
        self._reading.node()
        if depth > self._reading.limits.depth:
            raise Unreadable("depth")
        if isinstance(node, DictionaryObject):
            self._dictionary(node, depth)
        elif isinstance(node, ArrayObject):
            self._array(node, key, depth)
        elif isinstance(node, (TextStringObject, ByteStringObject)):
            self._string(node, key)
        elif (isinstance(node, NameObject) and _ODD_NAME.search(node)) or (
            isinstance(node, NumberObject) and len(str(node)) > SHORT
        ):
            self._technical[str(node)] = None

    def _array(self, node: ArrayObject, key: str, depth: int) -> None:
        if len(node) > 1 and node[0] == "/ICCBased":
            self._role(node[1], "colour")
        for item in list.__iter__(node):
            if key in _SKIPPED:
                self._role(item, _SKIPPED[key])
            self._walk(item, key, depth + 1)

    def _dictionary(self, node: DictionaryObject, depth: int) -> None:
        if member(node, "/Type") == "/ExtGState" and "/Font" in node:
            self._reading.missing("font")
        of_file = node is self._pdf.trailer or member(node, "/Type") == "/XRef"
        for name in node:
            if _ODD_NAME.search(name):
                self._technical[str(name)] = None
            value = node.raw_get(name)
            self._roles_of(node, name, value)
            self._walk(value, name if name != "/ID" or of_file else "", depth + 1)  # other things have an /ID, too

    def _roles_of(self, node: DictionaryObject, name: str, value: Any) -> None:
        """What the streams that ``value`` leads to are for."""
        target = value.get_object()
        role = _SKIPPED.get(name) or {"/CharProcs": "glyph", "/XFA": "xml"}.get(name)
        if name == "/Contents" and member(node, "/Type") == "/Page":
            role = "page"
        if role is None:
            return
        if isinstance(target, DictionaryObject) and not isinstance(target, StreamObject):
            targets = list(target.values())
        else:
            targets = list(target) if isinstance(target, ArrayObject) else [target]
        for item in targets:
            self._role(item, role)

    def _role(self, node: Any, role: str) -> None:
        target = node.get_object() if isinstance(node, IndirectObject) else node
        self._roles.setdefault(id(target), role)

    def _string(self, node: Any, key: str) -> None:
        data = bytes(node) if isinstance(node, ByteStringObject) else node.original_bytes
        if isinstance(node, ByteStringObject) or (key == "/ID" and len(data) <= DIGEST):
            self._technical[printable(data)] = None
            if key != "/ID" and len(_ASCII.findall(data)) >= MOSTLY * len(data):
                self._human[data.decode("cp1252", "replace")] = None
        elif key in _UNSAID:
            self._technical[str(node)] = None
        elif key not in _DATES or not _DATE.fullmatch(node):
            self._human[str(node)] = None

    # -- pages --------------------------------------------------------------------------------------------------------

    def _pages(self) -> None:
        pages = self._pdf.pages
        if len(pages) > self._reading.limits.pages:
            raise Unreadable("budget")
        for page in pages:
            contents = page.get_contents()
            if contents is None:
                continue
            self._reading.inflate(len(contents.get_data()))
            shown = show(contents, member(page, "/Resources"), self._pdf, self._reading)
            self._text(shown, page)

    def _text(self, shown: Shown, page: PageObject) -> None:
        self._judge(shown)
        plain = page.extract_text()
        layout = page.extract_text(extraction_mode="layout", layout_mode_strip_rotated=False)
        if shown.painted and not plain.strip() and not shown.text.strip():
            self._reading.missing("page")
        self._views([plain, shown.text, layout])

    def _views(self, views: list[str]) -> None:
        """Each view that says something in another order; spaces do not count."""
        seen: set[str] = set()
        for view in views:
            bare = "".join(view.split())
            if bare not in seen:
                seen.add(bare)
                self._reading.prose(view)

    def _judge(self, shown: Shown) -> None:
        if shown.bends > BENDS:
            self._reading.missing("drawing")
        self._human |= dict.fromkeys(shown.beside)

    # -- streams ------------------------------------------------------------------------------------------------------

    def _stream(self, stream: StreamObject, role: str) -> None:
        if member(stream, "/Subtype") == "/Image":
            self._reading.missing("image")
            return
        self._whole(stream)
        if member(stream, "/Type") in {"/ObjStm", "/XRef"} or role in {"font", "function", "colour"}:
            return
        data = stream.get_data()
        self._reading.inflate(len(data))
        if role == "page":
            self._comments(data)
        elif member(stream, "/Subtype") == "/Form" or member(stream, "/PatternType") == 1 or role == "glyph":
            self._form(stream, role)
        elif member(stream, "/Type") == "/Metadata" or role == "xml":
            read_xml(data, data.decode("utf-8", "replace"), self._reading)
        else:
            if _TEXT_OPERATORS.search(data):
                self._reading.missing("leftover")  # what a page showed once
            self._nested(data, "", "")

    def _whole(self, stream: StreamObject) -> None:
        """What deflate leaves over, or lacks, is seen by some readers only."""
        filters = member(stream, "/Filter")
        first = filters[0] if isinstance(filters, ArrayObject) and filters else filters
        if first not in {"/FlateDecode", "/Fl"}:
            return
        engine = zlib.decompressobj()
        raw = stream._data  # noqa: SLF001 - the library offers no way to the bytes before its filters
        size = len(engine.decompress(raw, self._reading.inflatable + 1))
        self._reading.inflate(size)
        if not engine.eof or engine.unused_data.strip():
            self._reading.missing("damaged")

    def _form(self, form: StreamObject, role: str) -> None:
        """A figure, an annotation's looks, a pattern: whether a page shows it or not."""
        self._comments(form.get_data())
        shown = show(form, member(form, "/Resources"), self._pdf, self._reading)
        if role == "glyph":
            shown.bends = 0
        self._judge(shown)
        self._views([shown.text])


def _cut(data: bytes, begin: re.Pattern[bytes], end: bytes, inside: list[bytes] | None = None) -> bytes:
    """``data`` without what lies between each ``begin`` and the next ``end``, in one pass; ``inside`` takes that."""
    out, at = [], 0
    while (match := begin.search(data, at)) is not None:
        out.append(data[at : match.start()])
        stop = data.find(end, match.end())
        if inside is not None:
            inside.append(data[match.end() : stop if stop >= 0 else len(data)])
        if stop < 0:
            return b"".join(out)
        at = stop + len(end)
    return b"".join([*out, data[at:]])
