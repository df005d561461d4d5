"""Streaming chat answers, restored as they arrive. Theory of operation:

* Every place that grows has its own channel: per choice, each text field, and the arguments of each tool call. A
  stand-in may be cut anywhere between deltas of its channel, whatever comes in between.
* An event whose deltas come out of their channels as they went in passes with its own bytes. Else only its ``data``
  line is written anew.
* What a channel still holds goes out when its choice finishes: in the finishing event if it carries that field, else
  in a chunk of its own just before it; at the latest before ``[DONE]`` or at the end of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_answers import (
    OTHER,
    PLACES,
    TEXT,
    TEXT_FIELDS,
    input_place,
    logprobs,
    put,
    tool_place,
    unknown,
    usage,
)  # fmt: skip
from proxy.errors import UpstreamError

DONE = "[DONE]"
Key = tuple[str, ...]
"""Where a channel grows in a delta: ``("content",)``, ``("tool_calls", "0", "arguments")``."""


@dataclass(slots=True)
class _Choice:
    """The open channels of one choice, and the names of its tools as they became known."""

    channels: dict[Key, TextRestorer] = field(default_factory=dict, repr=False)
    names: dict[Key, str] = field(default_factory=dict, repr=False)


class ChatStream:
    """See the module. ``trailer()`` is asked once, when nothing is held any more."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        self._restorers = restorers
        self._trailer: Callable[[], str] | None = trailer
        self._parser = sse.Parser()
        self._choices: dict[int, _Choice] = {}
        self._head: dict[str, Any] = {}
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
            if event.data is None or (event.data != DONE and _chunk(event.data) is None):
                torn += event.raw
            else:
                out += self._event(event) + (b"\n" if event.raw.endswith((b"\n", b"\r")) else b"\n\n")
        return out + (b"" if self._complete else self._ending()) + torn

    def _event(self, event: sse.Event) -> bytes:
        if event.data is None or self._complete:
            return event.raw
        if event.data == DONE:
            self._complete = True
            return self._ending() + event.raw
        tree = _chunk(event.data)
        if tree is None:
            return event.raw
        self._usage |= usage(tree)
        self._head = {k: v for k, v in tree.items() if k not in {"choices", "usage", "obfuscation"}}
        before, changed = b"", False
        for position, choice in enumerate(tree["choices"]):
            if isinstance(choice, dict):
                tail, touched = self._choice(_index(choice, position), choice)
                before += tail
                changed |= touched
        return before + (event.with_data(json_text.serialize(tree).decode()) if changed else event.raw)

    def _choice(self, index: int, choice: dict[str, Any]) -> tuple[bytes, bool]:
        """(what goes out before this event, whether the choice changed)."""
        state = self._choices.setdefault(index, _Choice())
        raw = choice.get("delta")
        delta = raw if isinstance(raw, dict) else {}
        ends = choice.get("finish_reason") is not None
        changed = self._names(state, delta) | logprobs(choice, self._restorers)
        for key, holder, member, place in self._places(state, delta):
            changed |= self._grow(state, key, holder, member, place, ends=ends)
        return (self._flush(index, state) if ends else b"", changed)

    def _places(self, state: _Choice, delta: dict[str, Any]) -> list[tuple[Key, dict[str, Any], str, str]]:
        """Every growing member of a delta, with its place; members that no one knows are text of their own."""
        found: list[tuple[Key, dict[str, Any], str, str]] = [
            ((name,), delta, name, PLACES.get(name, TEXT)) for name in TEXT_FIELDS
        ]
        found += [((name,), delta, name, OTHER) for name in unknown(delta)]
        for where, function in _functions(delta):
            name = function.get("name") or state.names.get(where)
            places = {"arguments": tool_place(name), "input": input_place(name)}
            found += [((*where, member), function, member, place) for member, place in places.items()]
        return found

    def _names(self, state: _Choice, delta: dict[str, Any]) -> bool:
        """Names of tools arrive whole and are restored on the way."""
        changed = False
        for where, function in _functions(delta):
            if isinstance(function.get("name"), str) and function["name"]:
                changed |= put(function, "name", self._restorers, TEXT)
                state.names[where] = function["name"]
        return changed

    def _grow(self, state: _Choice, key: Key, holder: dict[str, Any], member: str, place: str, *, ends: bool) -> bool:
        text = holder.get(member)
        if not isinstance(text, str) or not (text or ends):
            return False
        channel = state.channels.get(key)
        if channel is None:
            channel = state.channels[key] = self._restorers(place)
        holder[member] = channel.feed(text)
        if ends:
            holder[member] += state.channels.pop(key).close()
        return bool(holder[member] != text)

    def _flush(self, index: int, state: _Choice) -> bytes:
        """What the channels of a choice hold, as one chunk; they start anew."""
        delta: dict[str, Any] = {}
        for key, channel in state.channels.items():
            if tail := channel.close():
                _grown(delta, key, tail)
        state.channels = {}
        if not delta:
            return b""
        choice = {"index": index, "delta": delta, "finish_reason": None}
        return sse.write(json_text.serialize({**self._head, "choices": [choice]}).decode())

    def _ending(self) -> bytes:
        tails = b"".join([self._flush(index, state) for index, state in self._choices.items()])
        trailer, self._trailer = self._trailer, None
        return tails + (sse.comment(trailer()) if trailer is not None else b"")


def _functions(delta: dict[str, Any]) -> list[tuple[Key, dict[str, Any]]]:
    """What a delta says of calls: where each grows, and its object."""
    calls = delta.get("tool_calls")
    found: list[tuple[Key, Any]] = [(("function_call",), delta.get("function_call"))]
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            at: Key = ("tool_calls", str(_index(call, position)))
            found += [(at, call.get("function")), ((*at, "custom"), call.get("custom"))]
    return [(where, function) for where, function in found if isinstance(function, dict)]


def _grown(delta: dict[str, Any], key: Key, tail: str) -> None:
    """Puts ``tail`` where ``key`` says, in a delta that is being made."""
    if len(key) == 1:
        delta[key[0]] = tail
    elif key[0] == "function_call":
        delta["function_call"] = {key[1]: tail}
    else:
        holder = "custom" if "custom" in key else "function"
        calls = delta.get("tool_calls")
        if not isinstance(calls, list):  # a text of that name is no call
            calls = delta["tool_calls"] = []
        calls.append({"index": int(key[1]), holder: {key[-1]: tail}})


def _chunk(data: str) -> dict[str, Any] | None:
    """A chat chunk, or None for any other event (errors, extensions of providers)."""
    try:
        tree = json_text.loads_answer(data)
    except InvalidJson:
        return None
    return tree if isinstance(tree, dict) and isinstance(tree.get("choices"), list) else None


def _index(node: dict[str, Any], position: int) -> int:
    index = node.get("index")
    if isinstance(index, Number) and index.lexeme.isdigit() and len(index.lexeme) < 7:
        return int(index.lexeme)
    return position
