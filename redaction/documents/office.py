"""Word, Excel and PowerPoint documents: every text node and every telling attribute of every part. Pure.

No part is skipped because nobody thought of it: comments, notes, headers, hidden sheets, tracked changes, properties,
chart data and custom XML are all parts with text in them. What is no XML is read as a document of its own, and what
cannot be (pictures, macros, objects) is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from redaction.documents.package import members
from redaction.documents.sheet import SharedStrings, Sheet, Styles
from redaction.documents.types import Reading, Unreadable
from redaction.documents.xml import Handler, dull, parse

Nested = Callable[[bytes, str, str], None]
"""Reads a document inside this one: its bytes, media type and name."""

MAIN = {
    "wordprocessingml.document.main": "docx",
    "spreadsheetml.sheet.main": "xlsx",
    "presentationml.presentation.main": "pptx",
    "presentationml.slideshow.main": "pptx",
}
RUNS = frozenset({"t", "delText", "instrText", "delInstrText"})
PARAGRAPHS = frozenset({"p", "si", "is"})
BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
ASIDE = {
    "del": "old", "moveFrom": "old", "delText": "old", "ins": "new", "moveTo": "new", "instrText": "code",
    "delInstrText": "code", "rt": "ruby", "rPh": "ruby",
}  # fmt: skip
HUMAN = frozenset(
    {"author", "initials", "descr", "title", "alt", "displayName", "userId", "tooltip", "prompt", "promptTitle",
     "error", "errorTitle", "oddHeader", "userName", "nameText", "string", "alias", "default", "helpText"}
)  # fmt: skip
"""Attributes that hold what people wrote."""
MACHINE = frozenset({"Template", "Application", "AppVersion", "PresentationFormat", "ScaleCrop", "SharedDoc"})
"""Elements of the document's properties in which programs name themselves."""
MARKUP = frozenset({"panose", "panose1", "ContentType", "PartName", "rsid"})
FONTS = frozenset(
    {"宋体", "黑体", "仿宋", "楷体", "等线", "等线 Light", "微软雅黑", "新細明體", "標楷體", "微軟正黑體", "맑은 고딕",
     "돋움", "굴림", "바탕", "ＭＳ ゴシック", "ＭＳ 明朝", "ＭＳ Ｐゴシック", "ＭＳ Ｐ明朝", "游明朝", "游ゴシック",
     "游ゴシック Light", "メイリオ"}
)  # fmt: skip
"""Fonts that Office names in every document, whatever its language: no words in a script that nobody can read."""
_INSIDE = re.compile(r"[A-Za-z0-9_./-]{1,80}\.(?:xml|bin|png|jpeg|jpg|gif|emf|wmf|vml)")
_NUMBERED = re.compile(r"\d+")
_STAMP = re.compile(r"true|false|\d{1,3}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")
"""What a program counted, ticked or timed."""


@dataclass(slots=True)
class _Paragraph:
    """Runs of text and, for each, what it is: shown, ``old`` or ``new`` (tracked), ``code``, ``ruby``, ``hidden``."""

    runs: list[tuple[str, str]] = field(default_factory=list, repr=False)

    def views(self) -> list[str]:
        """What is shown; then, where they differ, the text as it stands, as it was, and each kind on its own."""
        kinds = {k for k, _ in self.runs} - {"shown"}
        wanted = [{"shown", "new"}]
        if kinds:
            wanted += [{"shown", *kinds}, {"shown", "old"}, {"shown", "new", "hidden"}, *({k} for k in sorted(kinds))]
        views = ["".join(t for k, t in self.runs if k in want).strip() for want in wanted]
        return [v for v in dict.fromkeys(views) if v]


class Body(Handler):
    """Any part: runs are joined within their paragraph, other text stands on a line of its own."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.human: list[str] = []
        self.technical: dict[str, None] = {}
        self._open: list[str] = []
        self._paragraphs: list[_Paragraph] = [_Paragraph()]
        self._loose: list[str] = []
        self._hidden = False

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self._flush()
        self._open.append(tag)
        if tag in PARAGRAPHS:
            self._paragraphs.append(_Paragraph())
        elif tag == "r":
            self._hidden = False
        elif tag == "vanish":
            self._hidden = attrs.get("val", "1") not in {"0", "false", "off"}
        elif tag in BREAKS and "r" in self._open[-3:]:
            self._run(BREAKS[tag])
        elif tag == "sym":
            self._symbol(attrs.get("char", ""))
        for name, value in attrs.items():
            if name in HUMAN or (name == "name" and tag in {"sheet", "author", "cmAuthor"}):
                self.human.append(value)
            elif not (dull(value) or value in FONTS or _STAMP.fullmatch(value) or name in MARKUP or tag in MARKUP):
                self.technical[value] = None

    def end(self, tag: str) -> None:
        self._flush()
        self._open.pop()
        if tag in PARAGRAPHS:
            self.lines += self._paragraphs.pop().views()

    def text(self, data: str) -> None:
        if self._open[-1] in RUNS:
            self._run(data)
        else:
            self._loose.append(data)

    def beside(self, data: str) -> None:
        self.human.append(data)

    def _symbol(self, code: str) -> None:
        try:
            self._run(chr(int(code, 16) & 0xFF))
        except ValueError:
            return

    def _run(self, data: str) -> None:
        kind = next((ASIDE[t] for t in reversed(self._open) if t in ASIDE), "hidden" if self._hidden else "shown")
        self._paragraphs[-1].runs.append((kind, data))

    def _flush(self) -> None:
        loose = "".join(self._loose).strip()
        self._loose.clear()
        if self._open and self._open[-1] in MACHINE:
            self.technical[loose] = None
        elif loose and not _STAMP.fullmatch(loose):
            self.lines.append(loose)

    def close(self, reading: Reading) -> None:
        """Hands everything on."""
        self.lines += self._paragraphs[0].views()
        reading.prose("\n".join(self.lines))
        reading.prose("\n".join(dict.fromkeys(h for h in self.human if not dull(h) or h.isalpha())))


class _Kinds(Handler):
    def __init__(self) -> None:
        self.kinds: set[str] = set()

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag in {"Override", "Default"}:
            self.kinds.add(attrs.get("ContentType", ""))


class _Links(Handler):
    """The relationships of a part: where it points outside the package."""

    def __init__(self, reading: Reading, technical: dict[str, None]) -> None:
        self._reading = reading
        self._technical = technical

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        if tag != "Relationship":
            return
        if attrs.get("TargetMode") == "External":
            self._technical[attrs.get("Target", "")] = None
            if not attrs.get("Type", "").endswith("/hyperlink"):
                self._reading.missing("external")
        for value in attrs.values():
            if not dull(value) and not _INSIDE.fullmatch(value):
                self._technical[value] = None

    def beside(self, data: str) -> None:
        self._technical[data] = None


def _order(name: str) -> tuple[int, list[int], str]:
    """The document first, its pages in their order, then what belongs to it."""
    main = name.startswith(("word/document", "xl/worksheets/", "ppt/slides/slide"))
    return (0 if main else 1, [int(n) for n in _NUMBERED.findall(name)], name)


def read_office(data: bytes, reading: Reading, nested: Nested) -> str:
    """Reads the whole package and returns its kind. Raises Unreadable for a package as a whole."""
    parts = dict(members(data, reading))
    kind = _kind(parts, reading)
    shared, styles = SharedStrings(), Styles()
    if kind == "xlsx":
        for name, content in parts.items():
            if name.endswith("/sharedStrings.xml"):
                _try(content, shared, reading)
            elif name.endswith("/styles.xml"):
                _try(content, styles, reading)
            elif name.endswith("/workbook.xml"):
                styles.since_1904 = b'date1904="1"' in content or b'date1904="true"' in content
    technical: dict[str, None] = {}
    for name in sorted(parts, key=_order):
        if name.endswith("/sharedStrings.xml") and kind == "xlsx":
            continue
        _part(name, parts[name], reading, nested, technical, Sheet(shared, styles) if "/worksheets/" in name else None)
    reading.prose("\n".join(shared.unused()))
    reading.technical("\n".join([*technical, *shared.technical]))
    return kind


def _kind(parts: Mapping[str, bytes], reading: Reading) -> str:
    kinds = _Kinds()
    if "[Content_Types].xml" not in parts:
        raise Unreadable("archive")
    parse(parts["[Content_Types].xml"], kinds, reading)
    if any("macroEnabled" in k or "vbaProject" in k for k in kinds.kinds):
        reading.missing("macros")
    found = {kind for k in kinds.kinds for word, kind in MAIN.items() if word in k}
    if len(found) != 1:
        raise Unreadable("macros" if "macros" in reading.reasons else "archive")
    return found.pop()


def _part(
    name: str, content: bytes, reading: Reading, nested: Nested, technical: dict[str, None], sheet: Sheet | None
) -> None:
    if name.endswith("/"):
        return
    if name.endswith(".rels"):
        _try(content, _Links(reading, technical), reading)
    elif name.lower().endswith((".xml", ".vml")):
        body = Body()
        _try(content, sheet if sheet is not None else body, reading)
        if sheet is not None:
            sheet.close(reading)
            technical |= sheet.technical
        body.close(reading)
        technical |= body.technical
    elif "vbaProject" in name or "activeX" in name:
        reading.missing("macros")
    elif name.startswith("docProps/thumbnail"):
        reading.missing("thumbnail")
    else:
        nested(content, "", name)


def _try(content: bytes, handler: Handler, reading: Reading) -> None:
    """A part that is not well-formed is missing; what came before its fault is still read."""
    try:
        parse(content, handler, reading)
    except Unreadable as e:
        if e.reason == "budget":
            raise
        reading.missing(e.reason)
