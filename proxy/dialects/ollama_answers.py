"""Ollama answers: complete ones, and streams of one JSON object per line. Theory of operation of streams:

* Two channels: what the model thinks and what it says. What a channel still holds goes out in a line of its own, before
  the first line of the other channel, before a line with tool calls and before the last line (``done``).
* A line whose texts come out as they went in passes with its own bytes.
* Lines are read when they are complete, so that a chunk may cut a character; what is buffered is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.base import JOINED, THOUGHT, RestorerFactory, TextRestorer
from proxy.dialects.gemini_answers import as_dicts, structure
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_answers import TEXT, put, tool_place
from proxy.dialects.sse import MAX_LINE_BYTES
from proxy.errors import SealgateError, UpstreamError

SAID = ("content", "response")
"""Where a message, or a generate answer itself, holds what the model says."""


def error_body(error: SealgateError, request_id: str) -> bytes:
    """Ollama's error object, with our stable ``code`` and the request id beside it."""
    return json_text.serialize({"error": error.message, "code": error.code, "request_id": request_id})


def usage(tree: Mapping[str, Any]) -> dict[str, int]:
    """``tokens_in`` and ``tokens_out``, where the answer says them."""
    pairs = (("tokens_in", tree.get("prompt_eval_count")), ("tokens_out", tree.get("eval_count")))
    return {
        name: int(count.lexeme)
        for name, count in pairs
        if isinstance(count, Number) and count.lexeme.isdigit() and len(count.lexeme) < 16
    }


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """The answer with values restored and its usage. Raises ValueError for what is no answer."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict) or "error" in tree:
        raise ValueError("the answer is none of this API")
    changed = _calls(tree, restorers)
    for member in (*SAID, "thinking"):
        changed |= put(_holder(tree), member, restorers, THOUGHT if member == "thinking" else TEXT)
    return json_text.serialize(tree) if changed else body, usage(tree)


def _holder(tree: dict[str, Any]) -> dict[str, Any]:
    """The message of a chat answer; a generate answer is its own."""
    message = tree.get("message")
    return message if isinstance(message, dict) else tree


def _calls(tree: dict[str, Any], restorers: RestorerFactory) -> bool:
    changed = False
    for call in as_dicts(_holder(tree).get("tool_calls")):
        function = call.get("function")
        if isinstance(function, dict):
            changed |= put(function, "name", restorers, TEXT)
            changed |= structure(function, "arguments", restorers, tool_place(function.get("name")))
    return changed


class LineStream:
    """See the module. There is no room for a comment in such a stream, so nothing is added to it."""

    def __init__(self, restorers: RestorerFactory) -> None:
        self._restorers = restorers
        self._line = bytearray()
        self._member = ""
        self._channel: TextRestorer | None = None
        self._last: dict[str, Any] = {}
        self._usage: dict[str, int] = {}
        self._complete = False

    @property
    def usage(self) -> Mapping[str, int]:
        return self._usage

    @property
    def complete(self) -> bool:
        """Whether the line that says ``done`` was seen."""
        return self._complete

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when a line of the upstream is too long to be buffered."""
        *ended, rest = chunk.split(b"\n")
        out = b""
        for piece in ended:
            self._grow(piece)
            out += self._read(bytes(self._line) + b"\n")
            self._line.clear()
        self._grow(rest)
        return out

    def _grow(self, piece: bytes) -> None:
        self._line += piece
        if len(self._line) > MAX_LINE_BYTES:
            raise UpstreamError("the upstream's stream is not readable", code="upstream_unreadable")

    def close(self) -> bytes:
        """A last line without its end is read if it is whole; a torn one follows what was held."""
        line, self._line = bytes(self._line), bytearray()
        if _tree(line) is None:
            return self._tail() + line
        out = self._read(line + b"\n").removesuffix(b"\n")
        tail = self._tail()
        return out + b"\n" + tail if tail else out

    def _read(self, line: bytes) -> bytes:
        tree = _tree(line)
        if tree is None:
            return line
        self._last = tree
        self._usage |= usage(tree)
        holder = _holder(tree)
        before, changed = b"", _calls(tree, self._restorers)
        fed: set[str] = set()
        for member in ("thinking", *SAID):
            text = holder.get(member)
            if not isinstance(text, str) or not text:
                continue
            if member != self._member:
                before += self._settle(holder, fed)
                self._member = member
            self._channel = self._channel or self._restorers(JOINED + (THOUGHT if member == "thinking" else TEXT))
            holder[member] = self._channel.feed(text)
            fed.add(member)
            changed |= holder[member] != text
        if tree.get("done") is True or holder.get("tool_calls"):
            before += self._settle(holder, fed)
            self._complete |= tree.get("done") is True
        changed |= "" in fed
        return before + (json_text.serialize(tree) + b"\n" if changed else line)

    def _settle(self, holder: dict[str, Any], fed: set[str]) -> bytes:
        """What the open channel holds: at the end of its own text if this line has any, else a line before it."""
        if self._member not in fed:
            return self._tail()
        channel, self._channel = self._channel, None
        tail = channel.close() if channel is not None else ""
        if tail:
            holder[self._member] += tail
            fed.add("")  # the line changed
        return b""

    def _tail(self) -> bytes:
        """What the open channel holds, as a line like the last one; it starts anew."""
        channel, self._channel = self._channel, None
        tail = channel.close() if channel is not None else ""
        if not tail:
            return b""
        head = {k: self._last[k] for k in ("model", "created_at") if k in self._last}
        if "message" in self._last or self._member == "content":
            made: dict[str, Any] = {"message": {"role": "assistant", "content": "", self._member: tail}}
        else:
            made = {"response": "", self._member: tail}
        return json_text.serialize({**head, **made, "done": False}) + b"\n"


def _tree(line: bytes) -> dict[str, Any] | None:
    """A line of an answer, or None for anything else (errors, torn pieces)."""
    try:
        tree = json_text.loads_answer(line.decode("utf-8"))
    except (InvalidJson, UnicodeDecodeError):
        return None
    return tree if isinstance(tree, dict) and "error" not in tree else None
