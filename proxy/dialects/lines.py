"""Files piece by piece: the lines of a batch, lines of any JSON, blocks of text; and the way back for each.

A line of a batch is an envelope around a request of another dialect, which judges, changes and restores what is inside.
Nothing here decides, sends or logs.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.dialects import json_text, pointers
from proxy.dialects.base import Dialect, Parsed, RestorerFactory, Segment, StreamRestorer
from proxy.dialects.json_text import MAX_DEPTH, InvalidJson
from proxy.dialects.openai_answers import TEXT, error_body, put, whole
from proxy.dialects.walk import Walk
from proxy.errors import BadRequest, SealgateError, UpstreamError

LINE_BYTES = 64 * 1024 * 1024
"""Longest line of a result; a longer one breaks the download off."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a batch: its envelope, and the request inside."""

    tree: dict[str, Any]
    inner: Parsed
    dialect: Dialect


class Piece:
    """What pieces of files have in common: their answers are no answers of an API."""

    name = "lines"
    error_event = ""
    opaque = False

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        return body, {}

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        raise AssertionError("a piece of a file is no stream")

    def error(self, error: SealgateError, request_id: str) -> bytes:
        return error_body(error, request_id)


class Enveloped(Piece):
    """One request of a batch. ``member`` holds the request, and ``dialects`` knows its dialect by the envelope's
    ``url``; the empty url stands for envelopes without one. ``fixed`` are members that need no look while they hold
    this very word."""

    def __init__(self, member: str, dialects: Mapping[str, Dialect], fixed: Mapping[str, str] | None = None) -> None:
        self._member = member
        self._dialects = dialects
        self._fixed = fixed or {}

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest: broken JSON, no request inside, a url that is not served, and what is wrong inside."""
        tree = json_text.parse(body, max_depth=MAX_DEPTH + 2)
        inside, url = tree.get(self._member), tree.get("url", "")
        dialect = self._dialects.get(url) if isinstance(url, str) else None
        if not isinstance(inside, dict) or dialect is None:
            raise BadRequest("A request of the batch has no body, or a url that is not served.", code="invalid_batch")
        inner = dialect.parse(json_text.serialize(inside))
        walk = Walk()
        for key, value in tree.items():
            if key not in {self._member, "url"} and self._fixed.get(key) != value:
                walk.member("", "other", key, value) if key != "custom_id" else walk.free("/custom_id", "other", value)
        lead = f"/{self._member}"
        segments = [replace(s, pointer=lead + s.pointer) for s in inner.segments]
        return Parsed(
            dialect=inner.dialect,
            model=inner.model,
            stream=False,
            body=body,
            tree=Line(tree, inner, dialect),
            segments=(*walk.segments, *segments),
            uninspected=inner.uninspected | walk.uninspected,
            content=inner.content,
            tools=inner.tools,
            first_user=inner.first_user,
            references=inner.references,
            scope="app",
            said=inner.said,
            reaches=inner.reaches,
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """The envelope in one line, with edits inside and out. Raises Untransformable."""
        line: Line = parsed.tree
        lead = f"/{self._member}"
        mine = {(p, k) for p, k in edits if p.startswith(lead + "/")}
        within = {(p[len(lead) :], k): edits[p, k] for p, k in mine}
        known = {(s.pointer, s.kind): s.text for s in parsed.segments}
        around = {place: t for place, t in edits.items() if place not in mine and known[place] != t}
        inner = line.dialect.render(line.inner, within, model)
        if inner == line.inner.body and not around:
            return parsed.body
        tree = pointers.edit(line.tree, around) if around else line.tree
        return json_text.serialize({**tree, self._member: json_text.loads(json_text.decode(inner))})


class Text(Piece):
    """A block of text: one segment."""

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest for what is not UTF-8."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRequest("The file is not UTF-8 text.", code="invalid_encoding") from None
        return Parsed("text", "", False, body, text, (Segment("", "user", text),) if text else (), scope="app")

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        text: str = edits.get(("", "text"), parsed.tree)
        return text.encode()


class Opaque(Piece):
    """Bytes that nobody here can read; whoever uses it says so in the facts."""

    def parse(self, body: bytes) -> Parsed:
        return Parsed("opaque", "", False, body, None, (), scope="app")

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        return parsed.body


# --- the way back


class Lines:
    """A download that is restored line by line, in the memory of one line."""

    def __init__(self, restorers: RestorerFactory, line: Callable[[bytes, RestorerFactory], bytes]) -> None:
        self._restorers = restorers
        self._line = line
        self._parts: list[bytes] = []
        self._size = 0
        self._closed = False

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError for a line that is longer than ``LINE_BYTES``."""
        *done, rest = chunk.split(b"\n")
        out = []
        for part in done:
            out.append(self._restored(b"".join([*self._parts, part])) + b"\n")
            self._parts, self._size = [], 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > LINE_BYTES:
            raise UpstreamError("a line of the file is too long", code="upstream_unreadable")
        return b"".join(out)

    def close(self) -> bytes:
        self._closed = True
        rest, self._parts = b"".join(self._parts), []
        return self._restored(rest)

    def _restored(self, line: bytes) -> bytes:
        if not line.strip():
            return line
        narrow = few(line, self._restorers)
        return self._line(line, narrow) if narrow is not None else line

    @property
    def usage(self) -> Mapping[str, int]:
        return {}

    @property
    def complete(self) -> bool:
        return self._closed


def few(text: bytes, restorers: RestorerFactory) -> RestorerFactory | None:
    """Restorers of the values whose stand-ins can occur in ``text``; None for none. A file may hold thousands of
    values, and a restorer of them all is dear to make for each of its lines."""
    within = getattr(restorers, "within", None)  # not every factory can say it
    if within is None:
        return restorers
    made: RestorerFactory | None = within(text.decode("utf-8", "replace"))
    return made


class Whole(Lines):
    """As ``Lines``, for a document that is one value over many lines."""

    def feed(self, chunk: bytes) -> bytes:
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > LINE_BYTES:
            raise UpstreamError("the file is too long", code="upstream_unreadable")
        return b""


class Plain:
    """A text download."""

    def __init__(self, restorers: RestorerFactory) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._restorer = restorers(TEXT)
        self._closed = False

    def feed(self, chunk: bytes) -> bytes:
        return self._restorer.feed(self._decode(chunk)).encode("utf-8", "surrogateescape")

    def close(self) -> bytes:
        self._closed = True
        rest = self._restorer.feed(self._decode(b"", True)) + self._restorer.close()
        return rest.encode("utf-8", "surrogateescape")

    @property
    def usage(self) -> Mapping[str, int]:
        return {}

    @property
    def complete(self) -> bool:
        return self._closed


def batch_line(dialects: Mapping[str, Dialect], url: str) -> Callable[[bytes, RestorerFactory], bytes]:
    """Restores a line of a batch's results: ``response.body`` (OpenAI) or ``result.message`` (Anthropic) is an answer
    of the dialect of ``url``. Any other line, such as one of the input, is restored wherever it holds text."""

    def restore(line: bytes, restorers: RestorerFactory) -> bytes:
        tree = _tree(line)
        if tree is None:
            return line
        for holder, member in (("response", "body"), ("result", "message")):
            held = tree.get(holder)
            if isinstance(held, dict) and isinstance(held.get(member), dict) and url in dialects:
                changed = put(tree, "custom_id", restorers, TEXT)
                inner = json_text.serialize(held[member])
                try:
                    made, _ = dialects[url].restore(inner, restorers)
                except ValueError:  # an error object, say
                    break
                if made == inner and not changed:
                    return line
                held[member] = json_text.loads_answer(json_text.decode(made))
                return json_text.serialize(tree)
        return any_json(line, restorers)

    return restore


def any_json(document: bytes, restorers: RestorerFactory) -> bytes:
    """Restores every string and key of a document; the document in a string is JSON-escaped there."""
    try:
        tree = json_text.loads_answer(json_text.decode(document))
    except InvalidJson:
        return document
    made = _everywhere(tree, restorers)
    return document if made == tree else json_text.serialize(made)


def _everywhere(node: Any, restorers: RestorerFactory) -> Any:
    if isinstance(node, str):
        nested = node.lstrip()[:1] in {"{", "["}
        return whole(restorers("tool_args:unknown" if nested else TEXT), node)
    if isinstance(node, dict):
        return {whole(restorers(TEXT), k): _everywhere(v, restorers) for k, v in node.items()}
    if isinstance(node, list):
        return [_everywhere(v, restorers) for v in node]
    return node


def _tree(line: bytes) -> dict[str, Any] | None:
    try:
        tree = json_text.loads_answer(json_text.decode(line))
    except InvalidJson:
        return None
    return tree if isinstance(tree, dict) else None
