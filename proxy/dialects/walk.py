"""Turns a tree into segments: free-form JSON, documents inside strings, JSON schemas. It decides nothing.

What is not named here as an expected enum or a short number of a known setting becomes a segment; nothing readable is
skipped because its place is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects import json_text, pointers
from proxy.dialects.base import Parsed, Reference, Segment, Untransformable
from proxy.dialects.json_text import InvalidJson, Number
from proxy.errors import BadRequest, Misuse

MAX_NESTED = 3
"""Documents in strings of documents in strings; deeper ones are uninspected."""

SHORT_NUMBER = 6
"""Characters of a number in a known setting that need no look; numbers of records and people are longer."""

MAX_POINTER = 4096
"""Characters of a pointer; keys of megabytes would be copied into the pointer of everything below them."""
MAX_WALK = 32_000_000
"""Characters of all pointers of a request, and 16 more for each place: what a walk may take in memory."""

SCHEMA_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_ONE = frozenset(
    {"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems",
     "unevaluatedProperties", "additionalItems"}
)  # fmt: skip
SCHEMA_NUMBERS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems",
     "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"}
)  # fmt: skip
SCHEMA_TEXTS = frozenset(
    {"title", "description", "default", "const", "enum", "examples", "example", "format", "pattern", "required",
     "$ref", "$schema", "$id", "$anchor", "$comment", "nullable", "readOnly", "writeOnly", "deprecated", "strict",
     "uniqueItems", "dependentRequired", "contentEncoding", "contentMediaType"}
)  # fmt: skip
SCHEMA_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})

_BASE64 = re.compile(r"(?:data:[\w.+-]++/[\w.+-]++;base64,)?[A-Za-z0-9+/_\-\r\n]{64,}+={0,2}[\r\n]*+")
_BASE64_URI = re.compile(
    r"data:[\w.+-]*+(?:/[\w.+-]*+)?(?:;[\w.+-]++=[\w.+-]++)*+;base64,[A-Za-z0-9+/_\-\r\n]*+={0,2}[\r\n]*+"
)
"""Possessive, so that no input makes them slow."""
DOCUMENTS = ("data:", "JVBERi0", "UEsDB")
"""How a text begins that is a document, in base64: its address, a PDF, an Office package."""


def is_base64(text: str) -> bool:
    """Whether a whole text is base64, or a ``data:`` address of it."""
    return _BASE64_URI.fullmatch(text) is not None or _BASE64.fullmatch(text) is not None


@dataclass(slots=True)
class Walk:
    """Collects the segments of one request, in the order of the document."""

    segments: list[Segment] = field(default_factory=list, repr=False)
    uninspected: set[str] = field(default_factory=set)
    content: set[str] = field(default_factory=lambda: {"text"})
    tools: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list, repr=False)
    reaches: set[str] = field(default_factory=set)
    """What the provider would use or fetch on its own (``proxy.dialects.provider_tools``)."""
    left: int = MAX_WALK

    def at(self, pointer: str, token: str) -> str:
        """The pointer of a member or an item. Raises BadRequest when there is too much to walk."""
        made = f"{pointer}/{token}"
        self.left -= len(made) + 16
        if len(made) > MAX_POINTER or self.left < 0:
            raise BadRequest("The JSON body has too many places, or keys that are too long.", code="too_complex")
        return made

    def text(self, pointer: str, origin: str, value: str) -> None:
        if value.startswith(DOCUMENTS) and is_base64(value):
            self.document(pointer, origin, value)
        elif value:
            self.segments.append(Segment(pointer, origin, value))

    def document(self, pointer: str, origin: str, value: str, media_type: str = "", name: str = "") -> None:
        """An attachment in base64: the worker reads it."""
        self.content.add("file")
        self.segments.append(Segment(pointer, origin, value, "document", media_type, name))

    def key(self, pointer: str, origin: str, key: str) -> None:
        if key:
            self.segments.append(Segment(pointer, origin, key, "key"))

    def number(self, pointer: str, origin: str, value: Number) -> None:
        self.segments.append(Segment(pointer, origin, value.lexeme, "number"))

    def enum(self, pointer: str, origin: str, node: Any, allowed: frozenset[str]) -> None:
        """A leaf that needs no look while it holds an expected word; anything else is walked."""
        if not (isinstance(node, str) and node in allowed):
            self.free(pointer, origin, node)

    def setting(self, pointer: str, origin: str, node: Any) -> None:
        """A number that needs no look while it is short; anything else is walked."""
        if not (isinstance(node, Number) and len(node.lexeme) <= SHORT_NUMBER):
            self.free(pointer, origin, node)

    def free(self, pointer: str, origin: str, node: Any, *, inside: int = 0) -> None:
        """Every string, key and number. ``inside`` > 0: within a document in a string, whose strings may hold more."""
        if isinstance(node, str):
            if inside and node.lstrip()[:1] in {"{", "["}:
                self.nested(pointer, origin, node, inside=inside)
            else:
                self.text(pointer, origin, node)
        elif isinstance(node, Number):
            self.number(pointer, origin, node)
        elif isinstance(node, dict):
            for key, value in node.items():
                self.member(pointer, origin, key, value, inside=inside)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self.free(self.at(pointer, str(i)), origin, value, inside=inside)

    def member(self, pointer: str, origin: str, key: str, value: Any, *, inside: int = 0) -> None:
        """A member of a free-form object: its key and its value."""
        at = self.at(pointer, pointers.escape(key))
        self.key(at, origin, key)
        self.free(at, origin, value, inside=inside)

    def fields(
        self, pointer: str, origin: str, node: Mapping[str, Any], known: Mapping[str, Callable[[str, Any], None] | None]
    ) -> None:
        """An object with known members: each goes to its reader (None: no key, but walked); others are free-form."""
        for key, value in node.items():
            if key not in known:
                self.member(pointer, origin, key, value)
                continue
            read = known[key]
            at = self.at(pointer, pointers.escape(key))
            if read is None:
                self.free(at, origin, value)
            else:
                read(at, value)

    def nested(self, pointer: str, origin: str, text: str, *, inside: int = 0) -> None:
        """A string that may hold JSON: walked inside if it does, one text if it does not.

        Text that some parsers would read as JSON and others not, or that is nested too deeply, is uninspected too.
        """
        if text.lstrip()[:1] not in {"{", "[", '"'}:
            self.text(pointer, origin, text)
            return
        try:
            tree = pointers.nested(text)
        except InvalidJson as e:
            if e.reason != "syntax":
                self.uninspected.add("nested:ambiguous")
            self.text(pointer, origin, text)
            return
        if inside >= MAX_NESTED:
            self.uninspected.add("nested:depth")
            self.text(pointer, origin, text)
            return
        self.free(f"{pointer}#", origin, tree, inside=inside + 1)

    def blob(self, pointer: str, origin: str, text: str) -> None:
        """A string of a part that is no text: base64 is the uninspected part itself, the rest is walked."""
        if not is_base64(text):
            self.text(pointer, origin, text)

    def opaque(self, pointer: str, origin: str, text: str) -> None:
        """An id or a signature as providers make them: it looks like a secret, so only strict formats count in it."""
        if text:
            self.segments.append(Segment(pointer, origin, text, "opaque"))

    def signature(self, pointer: str, origin: str, text: str) -> None:
        """What a provider signed, if it has the form; text if not."""
        if _BASE64.fullmatch(text):
            self.opaque(pointer, origin, text)
        else:
            self.text(pointer, origin, text)

    def schema(self, pointer: str, origin: str, node: Any) -> None:
        """A JSON schema: its vocabulary is known; names, texts, defaults, enums and examples are segments."""
        if not isinstance(node, dict):
            self.free(pointer, origin, node)
            return
        for key, value in node.items():
            at = self.at(pointer, pointers.escape(key))
            if key in SCHEMA_MAPS and isinstance(value, dict):
                for name, sub in value.items():
                    below = self.at(at, pointers.escape(name))
                    self.key(below, origin, name)
                    self.schema(below, origin, sub)
            elif key in SCHEMA_LISTS and isinstance(value, list):
                for i, sub in enumerate(value):
                    self.schema(self.at(at, str(i)), origin, sub)
            elif key in SCHEMA_ONE:
                self.schema(at, origin, value)
            else:
                self._keyword(pointer, origin, key, value)

    def _keyword(self, pointer: str, origin: str, key: str, value: Any) -> None:
        at = self.at(pointer, pointers.escape(key))
        if key == "type":
            for i, word in enumerate(value) if isinstance(value, list) else ((None, value),):
                self.enum(at if i is None else f"{at}/{i}", origin, word, SCHEMA_TYPES)
        elif key in SCHEMA_NUMBERS:
            self.setting(at, origin, value)
        elif key in SCHEMA_TEXTS:
            self.free(at, origin, value)
        else:
            self.member(pointer, origin, key, value)


class Runs:
    """What the model said in turns or parts that follow each other, put together: an answer that comes back in pieces
    is still that answer."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self._texts: list[str] = []

    def turn(self, content: Any) -> None:
        """The content of a turn of the model; None for a turn of anybody else, and at the end."""
        if content is not None:
            self._texts += plain(content)
            return
        if len(self._texts) > 1:
            self.said += ["".join(self._texts), "\n".join(self._texts)]
        self._texts = []


def plain(content: Any) -> list[str]:
    """The texts of a content: a string, or a list of parts."""
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str)]


Place = Callable[[str, Any], tuple[str, Callable[[str], Any]]]
"""Where a document at a pointer of a tree gives way to its text: the pointer of the node, and the node for a text."""


def render(parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str, place: Place | None = None) -> bytes:
    """The request with ``edits`` applied and ``model`` set; the original bytes where nothing changes.

    Another model alone changes the bytes of its name only. Raises Untransformable, and Misuse for an edit of what is
    no segment.
    """
    known = {(s.pointer, s.kind): s.text for s in parsed.segments}
    if not edits.keys() <= known.keys():
        raise Misuse("an edit of what is no segment")
    wanted = {place: text for place, text in edits.items() if known[place] != text}
    if wanted:
        documents = {at: wanted.pop((at, kind)) for at, kind in list(wanted) if kind == "document"}
        tree = pointers.edit(parsed.tree, wanted)
        for pointer, text in documents.items():
            if place is None:
                raise Untransformable
            at, node = place(pointer, tree)
            tree = pointers.put(tree, at, node(text))
        if model != parsed.model:
            tree = {**tree, "model": model}
        return json_text.serialize(tree)
    if model != parsed.model:
        return json_text.splice_member(parsed.body, "model", model)
    return parsed.body
