"""Anthropic messages on their way back: a complete message, or a stream of content block events, restored.

One channel per content block. What a channel still holds goes out in a delta of its own before the block stops. Events
whose deltas come out as they went in pass with their own bytes. A thinking block's signature is left alone: it covers
what the provider wrote, and going back the same stand-ins stand there again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.base import JOINED, THOUGHT, RestorerFactory, TextRestorer
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_answers import TEXT, put, tool_place, whole
from proxy.errors import SealgateError, UpstreamError

DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
"""Deltas that grow a channel, and their member."""
ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 503: "overloaded_error",
}  # fmt: skip


def error_body(error: SealgateError, request_id: str) -> bytes:
    """Anthropic's error object, with our stable ``code`` beside its usual members."""
    kind = ERRORS.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    inner = {"type": kind, "message": error.message, "code": error.code}
    return json_text.serialize({"type": "error", "error": inner, "request_id": request_id})


def usage(tree: Any) -> dict[str, int]:
    """``tokens_in`` and ``tokens_out``, where the answer says them."""
    said = tree.get("usage") if isinstance(tree, dict) else None
    if not isinstance(said, dict):
        return {}
    pairs = (("tokens_in", said.get("input_tokens")), ("tokens_out", said.get("output_tokens")))
    return {
        name: int(count.lexeme)
        for name, count in pairs
        if isinstance(count, Number) and count.lexeme.isdigit() and len(count.lexeme) < 16
    }


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """The message with values restored and its usage. Raises ValueError for what is no message."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("content"), list):
        raise ValueError("the answer is no message")
    changed = False
    for block in tree["content"]:
        if isinstance(block, dict):
            changed |= _block(block, restorers)
    return json_text.serialize(tree) if changed else body, usage(tree)


def _block(block: dict[str, Any], restorers: RestorerFactory) -> bool:
    changed = put(block, "text", restorers, f"{JOINED}text") | put(block, "thinking", restorers, f"{JOINED}{THOUGHT}")
    changed |= put(block, "name", restorers, TEXT)
    if isinstance(block.get("input"), (dict, list)):
        text = json_text.serialize_text(block["input"])
        restored = whole(restorers(tool_place(block.get("name"))), text)
        if restored != text:
            block["input"] = json_text.loads_answer(restored)
            changed = True
    citations = block.get("citations")
    for citation in citations if isinstance(citations, list) else ():
        if isinstance(citation, dict):
            changed |= put(citation, "cited_text", restorers, TEXT)
    return changed


class MessageStream:
    """Restores the events of one streaming message. ``trailer()`` is asked once, before ``message_stop``."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        self._restorers = restorers
        self._trailer: Callable[[], str] | None = trailer
        self._parser = sse.Parser()
        self._names: dict[str, str] = {}
        self._channels: dict[str, tuple[str, TextRestorer]] = {}
        self._usage: dict[str, int] = {}
        self._complete = False

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
            if _tree(event.data) is None:
                torn += event.raw
            else:
                out += self._event(event) + (b"\n" if event.raw.endswith((b"\n", b"\r")) else b"\n\n")
        return out + (b"" if self._complete else self._ending()) + torn

    def _event(self, event: sse.Event) -> bytes:
        tree = _tree(event.data)
        if tree is None or self._complete:
            return event.raw
        match tree.get("type"):
            case "message_start":
                self._usage |= usage(tree.get("message"))
                return event.raw
            case "content_block_start":
                return self._start(event, tree)
            case "content_block_delta":
                return self._delta(event, tree)
            case "content_block_stop":
                return self._flush(_index(tree)) + event.raw
            case "message_delta":
                self._usage |= usage(tree)
                return event.raw
            case "message_stop":
                self._complete = True
                return self._ending() + event.raw
        return event.raw

    def _start(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        """A block may begin with text; a tool's name arrives whole."""
        block = tree.get("content_block")
        if not isinstance(block, dict):
            return event.raw
        index = _index(tree)
        changed = put(block, "name", self._restorers, TEXT)
        if isinstance(block.get("name"), str):
            self._names[index] = block["name"]
        for member in ("text", "thinking"):
            if isinstance(block.get(member), str) and block[member]:
                changed |= self._grow(index, f"{member}_delta", block, member)
        return event.with_data(json_text.serialize(tree).decode()) if changed else event.raw

    def _delta(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        delta = tree.get("delta")
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(kind, str):
            return event.raw
        if kind == "citations_delta" and isinstance(delta.get("citation"), dict):
            changed = put(delta["citation"], "cited_text", self._restorers, TEXT)
        elif kind in DELTAS:
            changed = self._grow(_index(tree), kind, delta, DELTAS[kind])
        else:
            changed = False
        return event.with_data(json_text.serialize(tree).decode()) if changed else event.raw

    def _grow(self, index: str, kind: str, holder: dict[str, Any], member: str) -> bool:
        text = holder.get(member)
        if not isinstance(text, str) or not text:
            return False
        known = self._channels.get(index)
        if known is None or known[0] != kind:
            place = f"{JOINED}{THOUGHT if kind == 'thinking_delta' else TEXT}"
            if kind == "input_json_delta":
                place = tool_place(self._names.get(index))
            known = self._channels[index] = (kind, self._restorers(place))
        holder[member] = known[1].feed(text)
        return bool(holder[member] != text)

    def _flush(self, index: str) -> bytes:
        """What the channel of a block still holds, as one delta."""
        kind, channel = self._channels.pop(index, ("", None))
        tail = channel.close() if channel is not None else ""
        if not tail:
            return b""
        delta = {"type": kind, DELTAS[kind]: tail}
        tree = {"type": "content_block_delta", "index": Number(index), "delta": delta}
        return b"event: content_block_delta\n" + sse.write(json_text.serialize(tree).decode())

    def _ending(self) -> bytes:
        tails = b"".join([self._flush(index) for index in list(self._channels)])
        trailer, self._trailer = self._trailer, None
        return tails + (sse.comment(trailer()) if trailer is not None else b"")


def _tree(data: str | None) -> dict[str, Any] | None:
    if data is None:
        return None
    try:
        tree = json_text.loads_answer(data)
    except InvalidJson:
        return None
    return tree if isinstance(tree, dict) else None


def _index(tree: dict[str, Any]) -> str:
    index = tree.get("index")
    return index.lexeme if isinstance(index, Number) and index.lexeme.isdigit() and len(index.lexeme) < 7 else "0"
