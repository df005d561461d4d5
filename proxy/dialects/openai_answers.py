"""Chat completions on their way back: a complete JSON answer, or a stream, with values restored channel by channel.

A channel is one growing text: the content, refusal or reasoning of a choice, or the arguments of one tool call. What a
channel's restorer holds back is flushed in a delta of its own before the choice ends. Events that change nothing pass
byte for byte. Token log-probabilities keep the stand-ins (docs/limitations.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.sse import Event, SseParser, comment, data_event

TEXTS = ("content", "refusal", "reasoning_content", "reasoning")


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def usage_of(value: Mapping[str, Any]) -> dict[str, int]:
    """Token counts, where the answer says them."""
    usage = value.get("usage")
    if not isinstance(usage, dict):
        return {}
    names = (("tokens_in", "prompt_tokens"), ("tokens_out", "completion_tokens"))
    return {ours: usage[theirs] for ours, theirs in names if isinstance(usage.get(theirs), int)}


def _whole(restorers: RestorerFactory, place: str, text: str) -> str:
    restorer = restorers(place)
    return restorer.feed(text) + restorer.close()


def _restore_function(restorers: RestorerFactory, function: dict[str, Any]) -> bool:
    """Restores a call's arguments (and its name, should that have been replaced). True when something changed."""
    before = dict(function)
    if isinstance(function.get("name"), str):
        function["name"] = _whole(restorers, "text", function["name"])
    if isinstance(function.get("arguments"), str):
        place = f"tool_args:{function.get('name') or 'unknown'}"
        function["arguments"] = _whole(restorers, place, function["arguments"])
    return function != before


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """A complete answer. Raises ValueError when it is not a JSON object."""
    value = json.loads(body.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    changed = False
    for choice in value.get("choices") or ():
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict):
            changed = _restore_message(restorers, message) or changed
    return (dump(value) if changed else body), usage_of(value)


def _restore_message(restorers: RestorerFactory, message: dict[str, Any]) -> bool:
    changed = False
    for key in TEXTS:
        if isinstance(message.get(key), str):
            new = _whole(restorers, "text", message[key])
            changed = changed or new != message[key]
            message[key] = new
    calls = [c.get("function") for c in message.get("tool_calls") or () if isinstance(c, dict)]
    for function in (*calls, message.get("function_call")):
        if isinstance(function, dict):
            changed = _restore_function(restorers, function) or changed
    return changed


def _named(key: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {key: text}


class _Channel:
    """A restorer, whether it holds something back, and how a delta of it looks."""

    def __init__(self, restorer: TextRestorer, delta: Callable[[str], dict[str, Any]]) -> None:
        self.restorer = restorer
        self.delta = delta


class ChatStream:
    """Implements ``StreamRestorer`` for chat.completion.chunk events."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        self._restorers = restorers
        self._trailer = trailer
        self._parser = SseParser()
        self._channels: dict[tuple[int, str], _Channel] = {}
        self._head: dict[str, Any] = {}
        self._said = False
        self._names: dict[tuple[int, int], str] = {}
        self.usage: Mapping[str, int] = {}
        self.complete = False

    def feed(self, chunk: bytes) -> bytes:
        """Raises ValueError when an event outgrows every bound."""
        return b"".join(self._event(e) for e in self._parser.feed(chunk))

    def close(self) -> bytes:
        last = self._parser.close()
        out = self._event(last) if last is not None else b""
        return out + self._flush(None) + self._say()

    def _say(self) -> bytes:
        if self._said:
            return b""
        self._said = True
        return comment(self._trailer())

    def _event(self, event: Event) -> bytes:
        if event.data is None:
            return event.raw
        if event.data.strip() == "[DONE]":
            self.complete = True
            return self._flush(None) + self._say() + event.raw
        try:
            value = json.loads(event.data)
        except ValueError:
            return event.raw
        if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
            return event.raw
        return self._chunk(event, value)

    def _chunk(self, event: Event, value: dict[str, Any]) -> bytes:
        self._head = {k: v for k, v in value.items() if k not in {"choices", "usage"}}
        self.usage = usage_of(value) or self.usage
        before = b""
        changed = False
        for choice in value["choices"]:
            if not isinstance(choice, dict):
                continue
            index = choice.get("index") if isinstance(choice.get("index"), int) else 0
            delta = choice.get("delta")
            if isinstance(delta, dict):
                changed = self._delta(int(index or 0), delta) or changed
            if choice.get("finish_reason"):
                changed = self._finish(int(index or 0), delta if isinstance(delta, dict) else {}) or changed
                before += self._flush(int(index or 0))
        return before + (data_event(dump(value), event.event) if changed else event.raw)

    def _delta(self, index: int, delta: dict[str, Any]) -> bool:
        changed = False
        for key in TEXTS:
            if isinstance(delta.get(key), str):
                new = self._channel(index, key, "text", _named(key)).restorer.feed(delta[key])
                changed = changed or new != delta[key]
                delta[key] = new
        for call in delta.get("tool_calls") or ():
            if isinstance(call, dict) and isinstance(call.get("function"), dict):
                changed = self._call(index, call) or changed
        if isinstance(delta.get("function_call"), dict):
            changed = (
                self._arguments(index, -1, delta["function_call"], lambda t: {"function_call": {"arguments": t}})
                or changed
            )
        return changed

    def _call(self, index: int, call: dict[str, Any]) -> bool:
        number = call.get("index") if isinstance(call.get("index"), int) else 0

        def delta(text: str) -> dict[str, Any]:
            return {"tool_calls": [{"index": number, "function": {"arguments": text}}]}

        return self._arguments(index, int(number or 0), call["function"], delta)

    def _arguments(
        self, index: int, number: int, function: dict[str, Any], delta: Callable[[str], dict[str, Any]]
    ) -> bool:
        before = dict(function)
        if isinstance(function.get("name"), str):
            function["name"] = _whole(self._restorers, "text", function["name"])
            self._names[index, number] = function["name"]
        if isinstance(function.get("arguments"), str):
            place = f"tool_args:{self._names.get((index, number), 'unknown')}"
            channel = self._channel(index, f"call{number}", place, delta)
            function["arguments"] = channel.restorer.feed(function["arguments"])
        return function != before

    def _channel(self, index: int, key: str, place: str, delta: Callable[[str], dict[str, Any]]) -> _Channel:
        channel = self._channels.get((index, key))
        if channel is None:
            channel = self._channels[index, key] = _Channel(self._restorers(place), delta)
        return channel

    def _finish(self, index: int, delta: dict[str, Any]) -> bool:
        """A last chunk may carry text itself: what is held back follows it there, not before it."""
        changed = False
        for key in TEXTS:
            if isinstance(delta.get(key), str) and (channel := self._channels.pop((index, key), None)) is not None:
                text = channel.restorer.close()
                delta[key] += text
                changed = changed or bool(text)
        for call in delta.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                at = (index, f"call{call.get('index') if isinstance(call.get('index'), int) else 0}")
                if (channel := self._channels.pop(at, None)) is not None:
                    text = channel.restorer.close()
                    function["arguments"] += text
                    changed = changed or bool(text)
        return changed

    def _flush(self, index: int | None) -> bytes:
        """What the channels of a choice (None: all) still hold, each in a delta of its own."""
        out = b""
        for at in [k for k in self._channels if index is None or k[0] == index]:
            channel = self._channels.pop(at)
            if text := channel.restorer.close():
                choice = {"index": at[0], "delta": channel.delta(text), "finish_reason": None}
                out += data_event(dump({**self._head, "choices": [choice]}))
        return out
