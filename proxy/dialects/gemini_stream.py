"""Streams of generateContent: server-sent events, each a whole response whose texts are deltas. Theory of operation:

* One channel per candidate: a run of text parts of one kind (text or thought). What it still holds goes out before a
  part of another kind, at the latest with the chunk that finishes the candidate or at the end of the stream.
* An event whose parts come out as they went in passes with its own bytes. Else only its ``data`` line is written anew.
* Nothing but data is ever added: the official client takes any other line for JSON and fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.gemini_answers import answer_tree, as_dicts, feedback, restore_around, restore_part, said, usage
from proxy.dialects.json_text import Number
from proxy.dialects.openai_answers import tool_place
from proxy.errors import UpstreamError

HEAD = ("modelVersion", "responseId", "createTime")
"""Members that a chunk of our own repeats."""

_TORN = re.compile(r"(?<!\\)(?:\\\\)*+(\\(?:u[0-9a-f]{0,3})?)$")
"""The beginning of an escape at the end of a JSON string."""


class _Leaf:
    """A string inside arguments that grows: restored as it stands in JSON, read and given as plain text."""

    def __init__(self, inner: TextRestorer) -> None:
        self._inner = inner
        self._held = ""

    def feed(self, text: str) -> str:
        return self._plain(self._inner.feed(json_text.serialize_text(text)[1:-1]))

    def close(self) -> str:
        return self._plain(self._inner.close())

    def _plain(self, escaped: str) -> str:
        """The restorer may cut an escape in two; its beginning waits for the rest."""
        escaped = self._held + escaped
        torn = _TORN.search(escaped)
        self._held = torn[1] if torn is not None else ""
        return str(json_text.loads_answer(f'"{escaped.removesuffix(self._held)}"'))


@dataclass(slots=True)
class _Candidate:
    """The open channel of one candidate, and of each argument that still grows (by its JSON path)."""

    number: int
    thought: bool = False
    channel: TextRestorer | None = field(default=None, repr=False)
    arguments: dict[str, _Leaf] = field(default_factory=dict, repr=False)
    name: str | None = field(default=None, repr=False)
    finished: bool = False

    def tail(self) -> str:
        """What the channel of the text holds; it starts anew."""
        channel, self.channel = self.channel, None
        return channel.close() if channel is not None else ""

    def part(self, text: str) -> dict[str, Any]:
        return {"text": text, "thought": True} if self.thought else {"text": text}

    def rest(self) -> list[dict[str, Any]]:
        """Everything that is held, as parts."""
        parts = [self.part(tail)] if (tail := self.tail()) else []
        for path, leaf in self.arguments.items():
            if tail := leaf.close():
                parts.append({"functionCall": {"partialArgs": [{"jsonPath": path, "stringValue": tail}]}})
        self.arguments = {}
        return parts


class GenerateStream:
    """See the module."""

    def __init__(self, restorers: RestorerFactory) -> None:
        self._restorers = restorers
        self._parser = sse.Parser()
        self._candidates: dict[int, _Candidate] = {}
        self._head: dict[str, Any] = {}
        self._usage: dict[str, int] = {}
        self._blocked = False

    @property
    def usage(self) -> Mapping[str, int]:
        return self._usage

    @property
    def complete(self) -> bool:
        """Every candidate that began has its reason to finish, or the prompt was blocked."""
        return self._blocked or (bool(self._candidates) and all(c.finished for c in self._candidates.values()))

    def feed(self, chunk: bytes) -> bytes:
        """Raises UpstreamError when the upstream's line or event is too long to be buffered."""
        try:
            return b"".join([self._event(e) for e in self._parser.feed(chunk)])
        except sse.TooLong:
            raise UpstreamError("the upstream's stream is not readable", code="upstream_unreadable") from None

    def close(self) -> bytes:
        """A last event that no empty line ended is read if it is whole; a torn one follows what was held."""
        out, torn = b"", b""
        for event in self._parser.close():
            if _tree(event.data) is None:
                torn += event.raw
            else:
                out += self._event(event) + (b"\n" if event.raw.endswith((b"\n", b"\r")) else b"\n\n")
        return out + self._ending() + torn

    def _event(self, event: sse.Event) -> bytes:
        tree = _tree(event.data)
        if tree is None:
            return event.raw
        self._usage |= usage(tree)
        self._head = {k: tree[k] for k in HEAD if k in tree}
        changed = feedback(tree, self._restorers)
        blocked = tree.get("promptFeedback")
        self._blocked |= isinstance(blocked, dict) and blocked.get("blockReason") is not None
        for position, candidate in enumerate(as_dicts(tree.get("candidates"))):
            number = _index(candidate, position)
            state = self._candidates.setdefault(number, _Candidate(number))
            changed |= self._candidate(state, candidate) | restore_around(candidate, self._restorers)
        return event.with_data(json_text.serialize(tree).decode()) if changed else event.raw

    def _candidate(self, state: _Candidate, candidate: dict[str, Any]) -> bool:
        raw = candidate.get("content")
        content = raw if isinstance(raw, dict) else {}
        parts = content.get("parts")
        made: list[Any] = []
        changed = False
        for part in parts if isinstance(parts, list) else ():
            changed |= self._part(state, part, made)
        if candidate.get("finishReason") is not None:
            state.finished = True
            changed |= _finish(state, made)
        if changed and made:
            content["parts"] = made
            content.setdefault("role", "model")
            candidate["content"] = content
        return changed

    def _part(self, state: _Candidate, part: Any, made: list[Any]) -> bool:
        """Appends a part to ``made``, behind what was held before it; says whether anything changed."""
        if not isinstance(part, dict):
            made.append(part)
            return False
        text = part.get("text")
        thought = part.get("thought") is True
        changed = False
        if not isinstance(text, str) or thought != state.thought:
            if tail := state.tail():
                made.append(state.part(tail))
                changed = True
            state.thought = thought
        if isinstance(text, str) and text:
            state.channel = state.channel or self._restorers(said(state.number, part))
            part["text"] = state.channel.feed(text)
            changed |= part["text"] != text
        changed |= restore_part(part, self._restorers) | self._arguments(state, part)
        made.append(part)
        return changed

    def _arguments(self, state: _Candidate, part: dict[str, Any]) -> bool:
        """Arguments that are streamed: strings that grow, each under its JSON path."""
        call = part.get("functionCall")
        if not isinstance(call, dict):
            return False
        state.name = call["name"] if isinstance(call.get("name"), str) else state.name
        changed = False
        for argument in as_dicts(call.get("partialArgs")):
            path, text = argument.get("jsonPath"), argument.get("stringValue")
            if not isinstance(path, str) or not isinstance(text, str):
                continue
            leaf = state.arguments.get(path) or _Leaf(self._restorers(tool_place(state.name)))
            state.arguments[path] = leaf
            argument["stringValue"] = leaf.feed(text)
            if argument.get("willContinue") is not True:
                argument["stringValue"] += state.arguments.pop(path).close()
            changed |= argument["stringValue"] != text
        return changed

    def _ending(self) -> bytes:
        """What is still held when the stream ends without a reason to finish."""
        made = [
            {"content": {"parts": parts, "role": "model"}, "index": Number(str(index))}
            for index, state in self._candidates.items()
            if (parts := state.rest())
        ]
        return sse.write(json_text.serialize({"candidates": made, **self._head}).decode()) if made else b""


def _finish(state: _Candidate, made: list[Any]) -> bool:
    """Puts what is held into the last part if it is of the same text, else into one of its own."""
    rest = state.rest()
    if not rest:
        return False
    last = made[-1] if made else None
    if (
        "text" in rest[0]
        and isinstance(last, dict)
        and isinstance(last.get("text"), str)
        and (last.get("thought") is True) == state.thought
    ):
        last["text"] += rest.pop(0)["text"]
    made += rest
    return True


def _tree(data: str | None) -> dict[str, Any] | None:
    """A chunk, or None for any other event (errors, keep-alives)."""
    try:
        return None if data is None else answer_tree(data)
    except ValueError:
        return None


def _index(candidate: dict[str, Any], position: int) -> int:
    index = candidate.get("index")
    if isinstance(index, Number) and index.lexeme.isdigit() and len(index.lexeme) < 7:
        return int(index.lexeme)
    return position
