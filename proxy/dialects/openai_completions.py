"""POST /v1/completions: the legacy endpoint. Nothing here decides, sends or logs.

As in chat, token strings in ``logprobs`` keep their stand-ins: a value has other tokens than its stand-in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import json_text, sse
from proxy.dialects.base import RestorerFactory, TextRestorer
from proxy.dialects.events import EventStream
from proxy.dialects.fields import TOKENS, Fields, answer_object, first_text, unless_null, usage
from proxy.dialects.json_text import Number
from proxy.dialects.openai_answers import TEXT, put
from proxy.dialects.openai_plain import OpenAIPlain
from proxy.dialects.openai_tools import as_object

NUMBERS = (
    "best_of", "frequency_penalty", "logprobs", "max_tokens", "n", "presence_penalty", "seed", "temperature", "top_p",
    "top_k", "min_p", "repetition_penalty",
)  # fmt: skip


class OpenAICompletions(OpenAIPlain):
    """The dialect of /v1/completions."""

    name = "openai.completions"

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        table = fields.table(NUMBERS, ("echo", "stream"))
        table |= {
            "prompt": unless_null(fields.texts),
            "suffix": fields.text("user"),
            "user": fields.text("other"),
            "stop": unless_null(fields.stop),
            "logit_bias": unless_null(fields.logit_bias),
            "stream_options": unless_null(
                lambda at, node: fields.walk.fields(
                    at, "other", as_object(at, node), {"include_usage": None, "include_obfuscation": None}
                )
            ),
        }
        if tree.get("prompt_embeds") is not None:  # tensors instead of text: some servers take them
            fields.walk.uninspected.add(TOKENS)
            fields.walk.content.add("unknown")
        fields.walk.fields("", "other", tree, table)
        return first_text(tree.get("prompt"))

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no completion (broken JSON, an error object)."""
        tree = answer_object(body)
        if not isinstance(tree.get("choices"), list):
            raise ValueError("the answer is no completion")
        changed = False
        for choice in tree["choices"]:
            changed |= isinstance(choice, dict) and put(choice, "text", restorers, TEXT)
        return json_text.serialize(tree) if changed else body, usage(tree)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> CompletionStream:
        """Its ``feed`` raises UpstreamError when a line or event of the upstream is too long to be buffered."""
        return CompletionStream(restorers, trailer)


class CompletionStream(EventStream):
    """One channel per choice. What it still holds goes out in the event that finishes the choice."""

    def __init__(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> None:
        super().__init__(restorers, trailer)
        self._channels: dict[str, TextRestorer] = {}
        self._head: dict[str, Any] = {}

    def _read(self, event: sse.Event, tree: dict[str, Any]) -> bytes:
        choices = tree.get("choices")
        if not isinstance(choices, list):
            return event.raw
        self._head = {k: v for k, v in tree.items() if k not in {"choices", "usage", "obfuscation"}}
        before, changed = b"", False
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                tail, touched = self._choice(_index(choice, position), choice)
                before += tail
                changed |= touched
        return before + (event.with_data(json_text.serialize(tree).decode()) if changed else event.raw)

    def _choice(self, index: str, choice: dict[str, Any]) -> tuple[bytes, bool]:
        """(what goes out before this event, whether the choice changed)."""
        text, ends = choice.get("text"), choice.get("finish_reason") is not None
        if not isinstance(text, str):
            return (self._flush(index) if ends else b"", False)
        if text and index not in self._channels:
            self._channels[index] = self._restorers(TEXT)
        channel = self._channels.get(index)
        if channel is None:
            return b"", False
        choice["text"] = channel.feed(text)
        if ends:
            choice["text"] += self._channels.pop(index).close()
        return b"", bool(choice["text"] != text)

    def _flush(self, index: str) -> bytes:
        channel = self._channels.pop(index, None)
        tail = channel.close() if channel is not None else ""
        if not tail:
            return b""
        choice = {"text": tail, "index": Number(index), "logprobs": None, "finish_reason": None}
        return sse.write(json_text.serialize({**self._head, "choices": [choice]}).decode())

    def _held(self) -> bytes:
        return b"".join([self._flush(index) for index in list(self._channels)])


def _index(choice: dict[str, Any], position: int) -> str:
    index = choice.get("index")
    return (
        index.lexeme
        if isinstance(index, Number) and index.lexeme.isdigit() and len(index.lexeme) < 7
        else str(position)
    )
