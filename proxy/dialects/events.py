"""Event streams of the smaller endpoints, restored as they arrive. Theory of operation:

* Events whose text comes out as it went in pass with their own bytes; else only their ``data`` line is written anew.
* A text that grows over events has a channel. What a channel still holds goes out in an event of its own before the
  event that ends it, at the latest at the end of the stream.
* The trailer's comment is written once, before the event that ends the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.fields import usage
from proxy.dialects.json_text import InvalidJson
from proxy.dialects.openai_answers import TEXT, put
from proxy.errors import UpstreamError

DONE = "[DONE]"
GROWS = "transcript.text.delta"
"""The one typed event whose text (``delta``) grows; per ``segment_id`` where it has one."""
WHOLE = ("text", "speaker", "revised_prompt")
"""Members of typed events that hold a complete text."""


class EventStream:
    """The frame: a subclass reads one event (``_read``) and says what is still held (``_held``)."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        self._restorers = restorers
        self._trailer: Callable[[], str] | None = trailer
        self._parser = sse.Parser()
        self._usage: dict[str, int] = {}
        self._complete = False

    def _read(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        raise NotImplementedError

    def _held(self) -> bytes:
        raise NotImplementedError

    @property
    def usage(self) -> Mapping[str, int]:
        return self._usage

    @property
    def complete(self) -> bool:
        return self._complete

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when the upstream's line or event is too long to be buffered."""
        try:
            return b"".join([self._event(e) for e in self._parser.feed(chunk)])
        except sse.TooLong:
            raise UpstreamError("the upstream's stream is not readable", code="upstream_unreadable") from None

    def close(self) -> bytes:
        """What no empty line ended is read if it is whole; a torn piece follows after everything that was held."""
        out, torn = b"", b""
        for event in self._parser.close():
            if event.data is None or (event.data != DONE and _tree(event.data) is None):
                torn += event.raw
            else:
                out += self._event(event) + (b"\n" if event.raw.endswith((b"\n", b"\r")) else b"\n\n")
        return out + self._ending() + torn

    def _event(self, event: sse.Event) -> bytes:
        if event.data == DONE:
            self._complete = True
            return self._ending() + event.raw
        tree = _tree(event.data)
        if tree is None:
            return event.raw
        self._usage |= usage(tree)
        return self._read(event, tree)

    def _ending(self) -> bytes:
        """What is held, and the trailer if it was not written yet."""
        held = self._held()
        trailer, self._trailer = self._trailer, None
        return held + (sse.comment(trailer()) if trailer is not None else b"")


class TypedStream(EventStream):
    """Events that say their ``type``: transcripts, images, speech. ``ends`` are the types that end the stream."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str], ends: frozenset[str]) -> None:
        super().__init__(restorers, trailer)
        self._ends = ends
        self._channels: dict[str, TextRestorer] = {}
        self._heads: dict[str, tuple[str, dict[str, Any]]] = {}

    def _read(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        kind = tree.get("type")
        if kind == GROWS:
            return self._grow(event, tree)
        changed = False
        for member in WHOLE:
            changed |= put(tree, member, self._restorers, TEXT)
        out = event.with_data(json_text.serialize(tree).decode()) if changed else event.raw
        if not isinstance(kind, str) or kind not in self._ends:
            return self._held() + out
        self._complete = True
        return self._ending() + out

    def _grow(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        text = tree.get("delta")
        if not isinstance(text, str) or not text:
            return event.raw
        segment = tree.get("segment_id")
        key = segment if isinstance(segment, str) else ""
        if key not in self._channels:
            self._channels[key] = self._restorers(TEXT)
        self._heads[key] = (event.event, {k: v for k, v in tree.items() if k not in {"delta", "logprobs"}})
        tree["delta"] = self._channels[key].feed(text)
        return event.raw if tree["delta"] == text else event.with_data(json_text.serialize(tree).decode())

    def _held(self) -> bytes:
        out = b""
        for key, channel in self._channels.items():
            name, head = self._heads[key]
            if tail := channel.close():
                out += f"event: {name}\n".encode() if name else b""
                out += sse.write(json_text.serialize({**head, "delta": tail}).decode())
        self._channels = {}
        return out


def _tree(data: str | None) -> dict[str, Any] | None:
    """The object of an event, or None for any other event."""
    if data is None or data == DONE:
        return None
    try:
        tree = json_text.loads_answer(data)
    except InvalidJson:
        return None
    return tree if isinstance(tree, dict) else None
