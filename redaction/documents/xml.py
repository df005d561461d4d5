"""XML by a streaming parser: no DTD, no entity of its own, nothing outside the text, bounded depth. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat

from redaction.documents.types import Reading, Unreadable

_VOCABULARY = re.compile(
    r"(?:http://(?:schemas\.(?:openxmlformats|microsoft)\.(?:org|com)|purl\.(?:oclc\.)?org|www\.w3\.org|ns\.adobe\.com)"
    r"|urn:schemas-microsoft-com)[A-Za-z0-9/:._#-]*"
)
_DULL = re.compile(
    r"[A-Za-z]{1,24}|[+-]?[\d.]{1,10}(?:pt|in|cm|mm|px|em|%)?|#?[0-9A-Fa-f]{1,8}|\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}"
    r"-[0-9A-Fa-f]{12}\}?|[A-Za-z]{1,12}[-_ ]?\d{1,7}|\$?[A-Z]{1,3}\$?\d{1,7}(?::\$?[A-Z]{1,3}\$?\d{1,7})?"
)
"""Attribute values in which no pattern finds anything: a word, a short number, a colour, an id, a cell."""


def dull(value: str) -> bool:
    """Whether a technical value needs no look: a word of a known vocabulary, or too short to hold anything."""
    return not value or _DULL.fullmatch(value) is not None or _VOCABULARY.fullmatch(value) is not None


class Handler:
    """What a reader of one kind of XML does with its events. Names are local: ``{namespace}p`` is ``p``."""

    def start(self, tag: str, attrs: Mapping[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def text(self, data: str) -> None: ...

    def beside(self, data: str) -> None:
        """A comment, a processing instruction, the address of a namespace that is not well known."""


def parse(data: bytes, handler: Handler, reading: Reading) -> None:
    """Feeds ``handler``. Raises Unreadable: not well-formed, with a DTD, too deep, over budget."""
    depth = 0

    def start(name: str, attrs: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        reading.node()
        if depth > reading.limits.depth:
            raise Unreadable("depth")
        handler.start(local(name), {local(k): v for k, v in attrs.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(local(name))

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    parser.CommentHandler = handler.beside
    parser.ProcessingInstructionHandler = lambda target, data: handler.beside(f"{target} {data}")
    parser.StartNamespaceDeclHandler = lambda prefix, uri: None if dull(uri or "") else handler.beside(uri)
    parser.StartDoctypeDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable("xml") from None


def _refuse(*_: object) -> None:
    raise Unreadable("dtd")


def local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Plain(Handler):
    """Any XML: the text of each element on a line of its own, attributes and comments after it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.beside_: list[str] = []
        self.picture = False
        self._text: list[str] = []

    def start(self, tag: str, attrs: Mapping[str, str]) -> None:
        self._flush()
        self.picture |= tag == "svg"
        self.beside_ += [f"{name}: {value}" for name, value in attrs.items() if not dull(value)]

    def end(self, tag: str) -> None:
        line = self._flush()
        if line:
            self.lines[-1] = f"{tag}: {line}"

    def _flush(self) -> str:
        line = "".join(self._text).strip()
        self._text.clear()
        if line:
            self.lines.append(line)
        return line

    def text(self, data: str) -> None:
        self._text.append(data)

    def beside(self, data: str) -> None:
        self.beside_.append(data)


def read_xml(data: bytes, source: str, reading: Reading) -> None:
    """Its text; attributes and comments; the source. A drawing (SVG) is missing."""
    plain = _Plain()
    try:
        parse(data, plain, reading)
    except Unreadable as e:
        reading.missing(e.reason)
    if plain.picture:
        reading.missing("image")
    reading.prose("\n".join(plain.lines))
    reading.prose("\n".join(plain.beside_))
    reading.technical(source)
