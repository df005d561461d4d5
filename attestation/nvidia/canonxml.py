"""XML as signed manifests have it, read by expat, and its canonical form (Canonical XML 1.1, without comments).

No document type, no entities but the five, no comments, instructions or CDATA, no ``xml:`` attributes: what is refused
here need not be understood there. The form is inclusive and of a whole document or of one element with all below it;
of 1.1 nothing else is left to do, since its difference to 1.0 is about ``xml:`` attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from attestation.types import Malformed

MAX_DEPTH, MAX_ELEMENTS, MAX_ATTRIBUTES = 16, 4096, 80
XMLNS = "xmlns"


@dataclass(eq=False, slots=True)
class Element:
    """``uri`` and ``local`` are its expanded name; ``scope`` maps each prefix to its namespace (``""``: default)."""

    name: str
    uri: str
    local: str
    scope: Mapping[str, str] = field(repr=False)
    attributes: tuple[tuple[str, str, str, str], ...] = field(repr=False)
    """Namespace, local name, name as written, value."""
    children: list[Element | str] = field(default_factory=list, repr=False)

    def elements(self) -> list[Element]:
        return [c for c in self.children if isinstance(c, Element)]

    def text(self) -> str:
        """Raises Malformed where there is anything but text."""
        if self.elements():
            raise Malformed("the manifest has an element where it should have text")
        return "".join(c for c in self.children if isinstance(c, str))

    def plain(self) -> dict[str, str]:
        """Attributes without a namespace."""
        return {local: value for uri, local, _, value in self.attributes if not uri}

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.elements():
            yield from child.walk()


def parse(raw: bytes, most: int) -> Element:
    """The document element. Raises Malformed."""
    if len(raw) > most:
        raise Malformed(f"the manifest has more than {most} bytes")
    if not raw.startswith(b"<"):  # no mark of another encoding before it either
        raise Malformed("the manifest is not XML in UTF-8")
    reader = _Reader()
    try:
        reader.parser.Parse(raw, True)
    except expat.ExpatError:
        raise Malformed("the manifest is not well-formed XML") from None
    assert reader.root is not None  # or it was not well-formed
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._seen = 0
        self.parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.XmlDeclHandler = self._declared
        for name in ("StartDoctypeDecl", "EntityDecl", "ProcessingInstruction", "Comment", "StartCdataSection",
                     "SkippedEntity", "ExternalEntityRef"):  # fmt: skip
            setattr(parser, f"{name}Handler", _refused)

    def _declared(self, version: str, encoding: str | None, _standalone: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() != "utf-8":
            raise Malformed("the manifest is not XML 1.0 in UTF-8")

    def _start(self, name: str, listed: list[str]) -> None:
        self._seen += 1
        if self._seen > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH or len(listed) > 2 * MAX_ATTRIBUTES:
            raise Malformed("the manifest is too large or too deep")
        scope = dict(self._open[-1].scope) if self._open else {}
        plain = []
        for key, value in zip(listed[::2], listed[1::2], strict=True):
            prefix, colon, local = key.partition(":")
            if prefix == XMLNS:
                _declare(scope, local if colon else "", value)
            else:
                plain.append((key, value))
        attributes = []
        for key, value in plain:
            prefix, local = _split(key)
            attributes.append((_namespace(scope, prefix) if prefix else "", local, key, value))
        if len({(uri, local) for uri, local, _, _ in attributes}) != len(attributes):
            raise Malformed("an element of the manifest has an attribute twice")
        prefix, local = _split(name)
        uri = _namespace(scope, prefix) if prefix else scope.get("", "")
        made = Element(name, uri, local, scope, tuple(sorted(attributes)))
        if self._open:
            self._open[-1].children.append(made)
        else:
            self.root = made
        self._open.append(made)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].children.append(text)


def _refused(*_: object) -> NoReturn:
    raise Malformed("the manifest has a part of XML that is not taken: a document type, an entity, a comment …")


def _declare(scope: dict[str, str], prefix: str, uri: str) -> None:
    if prefix in ("xml", XMLNS) or ":" in prefix or (prefix and not uri):
        raise Malformed("the manifest declares a prefix that cannot be declared")
    scope[prefix] = uri


def _split(name: str) -> tuple[str, str]:
    prefix, colon, local = name.partition(":")
    if not colon:
        return "", prefix
    if not prefix or not local or ":" in local:
        raise Malformed("the manifest has a name that is not taken")
    return prefix, local


def _namespace(scope: Mapping[str, str], prefix: str) -> str:
    if prefix not in scope:  # nor can ``xml`` be declared
        raise Malformed("the manifest uses a prefix that it does not declare")
    return scope[prefix]


def canonical(element: Element, without: Element | None = None) -> bytes:
    """The canonical form of ``element`` and all below it but ``without``, in UTF-8."""
    out: list[str] = []
    _render(element, {}, without, out)
    return "".join(out).encode()


def _render(e: Element, shown: Mapping[str, str], without: Element | None, out: list[str]) -> None:
    fresh = sorted((p, u) for p, u in e.scope.items() if shown.get(p, "") != u)
    out.append(f"<{e.name}")
    out += [f' {XMLNS}{":" if p else ""}{p}="{_quoted(u)}"' for p, u in fresh]
    out += [f' {name}="{_quoted(value)}"' for _, _, name, value in e.attributes]
    out.append(">")
    for child in e.children:
        if isinstance(child, str):
            out.append(_escaped(child))
        elif child is not without:
            _render(child, e.scope, without, out)
    out.append(f"</{e.name}>")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _quoted(text: str) -> str:
    out = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return out.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
