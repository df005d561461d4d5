"""The tables: every served path, where text can stand in a request to it, and what must happen there.

A surface names the vendor SDK's request type; its places are read from that type (``wire.shapes``), so a field that a
new release brings is a place without a row, and fails ``tests/contract/test_wire_matrix.py``. ``docs/coverage.md`` is
written from these tables: ``make coverage-doc``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wire.shapes import Place, places

REPLACED = "inspected, replaced"
HOUSE = "not inspected: on premise only"
OWNED = "set by the gate"
FIRST, REST = "\ue001", "\ue002"


@dataclass(frozen=True)
class Row:
    """``path`` is the end of a place's path: ``[*]`` any member of a union, ``**`` at the end whatever is below."""

    path: str
    handling: str = REPLACED
    note: str = ""

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        below = self.path.endswith(".**")
        said = re.escape(self.path.removesuffix(".**")).replace(r"\[\*\]", r"\[[^\]]*\]")
        return re.compile(r"(?:^|.*\.)" + said + (r"(?:[.\[].*)?" if below else ""))

    def covers(self, path: str) -> bool:
        return self.pattern.fullmatch(path) is not None


@dataclass(frozen=True)
class Surface:
    """``base``: members every request has; ``upstream``: the answer of a stand-in; ``plain``: the place where every
    label is tried; ``splits``: requests for one value in two pieces, at :data:`FIRST` and :data:`REST`."""

    name: str
    path: str
    request: Any
    rows: Sequence[Row]
    upstream: Mapping[str, Any]
    plain: str
    back: Sequence[tuple[str, str]]
    """What of an answer is restored: place, how."""
    base: Mapping[str, Any] = field(default_factory=dict)
    sdk: str = ""
    splits: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def places(self) -> tuple[Place, ...]:
        return tuple(places(self.request))

    def row(self, path: str) -> Row | None:
        return next((r for r in self.rows if r.covers(path)), None)

    def body(self, part: Any) -> dict[str, Any]:
        named = str(part.get("model", ""))
        return {**self.base, **part, "model": named if "case-0" in named else "case-0"}

    def one_per_row(self) -> dict[Row, Place]:
        """The first place of each row: where every spelling is tried."""
        out: dict[Row, Place] = {}
        for place in self.places:
            row = self.row(place.path)
            if row is not None and row.handling == REPLACED:
                out.setdefault(row, place)
        return out


def rows(handling: str, *paths: str, note: str = "") -> list[Row]:
    return [Row(path, handling, note) for path in paths]


def _chat_params() -> Any:
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

    return CompletionCreateParamsNonStreaming


def _messages_params() -> Any:
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

    return MessageCreateParamsNonStreaming


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def user(said: str) -> dict[str, str]:
    return {"role": "user", "content": said}


SCHEMA = "as a JSON schema: names and keywords are kept, texts and values are inspected"
ARGUMENTS = "the JSON inside is walked: values, keys, numbers"

CHAT = Surface(
    name="OpenAI chat completions",
    path="/v1/chat/completions",
    sdk="openai `CompletionCreateParams`",
    request=_chat_params(),
    plain="messages[user].content",
    splits={
        "over parts": {"messages": [{"role": "user", "content": [text(f"Note {FIRST}"), text(f"{REST} please")]}]},
        "over messages": {"messages": [user(f"Note {FIRST}"), user(f"{REST} please")]},
        "over a list": {"messages": [user("x")], "stop": [FIRST, REST]},
    },
    rows=(
        Row("model", OWNED, "a configured name, or behind `*` a name without a finding"),
        *rows(HOUSE, "content[image_url].**", "content[input_audio].**", "content[file].**", note="images, sound, files"),
        Row("messages[assistant].audio.**", HOUSE, "an earlier sound answer by id"),
        Row("web_search_options.**", HOUSE, "a tool that the provider runs"),
        *rows(REPLACED, "messages[*].content", "content[text].text", "content[refusal].refusal", "messages[*].name",
              "messages[*].refusal", "messages[function].name"),
        *rows(REPLACED, "function_call.arguments", "function.arguments", "custom.input", note=ARGUMENTS),
        *rows(REPLACED, "messages[assistant].function_call.name", "messages[assistant].tool_calls[*].function.name",
              "messages[assistant].tool_calls[*].custom.name"),
        *rows(REPLACED, "tool_calls[*].id", "messages[tool].tool_call_id", note="ids of a provider's form are kept"),
        *rows(REPLACED, "audio.voice", "audio.voice.id", "moderation.model"),
        *rows(REPLACED, "function_call.name", "tool_choice[*].function.name", "tool_choice[*].custom.name",
              "allowed_tools.tools[].*", "allowed_tools.tools[].*.(key)", "allowed_tools.tools[].(key)"),
        *rows(REPLACED, "functions[].name", "functions[].description", "tools[*].function.name",
              "tools[*].function.description", "tools[*].custom.name", "tools[*].custom.description",
              "format[grammar].grammar.definition"),
        *rows(REPLACED, "parameters.*", "parameters.*.(key)", "parameters.(key)", "json_schema.schema.*",
              "json_schema.schema.*.(key)", "json_schema.schema.(key)", note=SCHEMA),
        *rows(REPLACED, "json_schema.name", "json_schema.description", "logit_bias.(key)", "metadata.*",
              "metadata.(key)", "prediction[content].content", "prompt_cache_key", "safety_identifier", "user",
              "stop", "stop[]"),
    ),
    upstream={
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    },
    back=(
        ("choices[].message.content, .refusal and their stream deltas", "restored"),
        ("choices[].message.tool_calls[].function.arguments and their deltas", "restored, JSON-escaped"),
        ("choices[].logprobs, annotations", "as they came: stand-ins stay"),
        ("usage", "as it came"),
    ),
)  # fmt: skip

MESSAGES = Surface(
    name="Anthropic messages",
    path="/v1/messages",
    sdk="anthropic `MessageCreateParams`",
    request=_messages_params(),
    plain="messages[user].content",
    base={"max_tokens": 9},
    splits={
        "over parts": {"messages": [{"role": "user", "content": [text(f"Note {FIRST}"), text(f"{REST} please")]}]},
        "over messages": {"messages": [user(f"Note {FIRST}"), user(f"{REST} please")]},
        "over a list": {"messages": [user("x")], "stop_sequences": [FIRST, REST]},
    },
    rows=(
        Row("model", OWNED, "a configured name, or behind `*` a name without a finding"),
        *rows(HOUSE, "content[server_tool_use].**", "content[web_search_tool_result].**",
              "content[web_fetch_tool_result].**", "content[code_execution_tool_result].**",
              "content[bash_code_execution_tool_result].**", "content[text_editor_code_execution_tool_result].**",
              "content[tool_search_tool_result].**", "content[tool_reference].**", "content[browser_state].**",
              "container.**", note="what the provider's own tools did"),
        *rows(HOUSE, "content[image].**", "content[document].source[base64].**", "content[document].source[url].**",
              "content[document].source[file].**", "content[document].title", "content[document].context",
              "content[container_upload].**", note="images and binary documents"),
        Row("content[redacted_thinking].data", HOUSE, "encrypted by the provider"),
        *rows(REPLACED, "messages[*].content", "content[text].text", "system", "system[text].text",
              "source[content].content", "source[text].data", "content[thinking].thinking"),
        Row("content[thinking].signature", REPLACED, "base64 is kept: the provider made it"),
        *rows(REPLACED, "citations[*].cited_text", "citations[*].document_title", "citations[*].source",
              "citations[*].title", "citations[*].url", "citations[*].encrypted_index", "content[search_result].source",
              "content[search_result].title"),
        *rows(REPLACED, "content[tool_use].name", "content[tool_use].toolset_name", "content[tool_result].toolset_name",
              "content[tool_result].content", "content[tool_use].input.*", "content[tool_use].input.*.(key)",
              "content[tool_use].input.(key)"),
        *rows(REPLACED, "content[tool_use].id", "content[tool_use].caller[*].tool_id",
              "content[tool_result].tool_use_id", note="ids of a provider's form are kept"),
        *rows(REPLACED, "tools[].name", "tools[].description", "tools[].input_examples[].*",
              "tools[].input_examples[].*.(key)", "tools[].input_examples[].(key)", "tool_choice[tool].name"),
        *rows(REPLACED, "input_schema.*", "input_schema.*.(key)", "input_schema.(key)",
              "input_schema[object].properties.*", "input_schema[object].properties.*.(key)",
              "input_schema[object].properties.(key)", "input_schema[object].required[]", "schema.*",
              "schema.*.(key)", "schema.(key)", note=SCHEMA),
        *rows(REPLACED, "metadata.user_id", "stop_sequences[]", "inference_geo", "user_profile_id", "workspace_id",
              "diagnostics.previous_message_id"),
        Row("tools[*].**", HOUSE, "tools that the provider runs or defines"),
    ),
    upstream={
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": "ok"}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    back=(
        ("content[text].text and text_delta", "restored"),
        ("content[tool_use].input and input_json_delta", "restored, JSON-escaped"),
        ("content[thinking].thinking, signature", "as they came: the signature covers them"),
        ("usage", "as it came"),
    ),
)  # fmt: skip

SURFACES: tuple[Surface, ...] = (CHAT, MESSAGES)
UNTABLED: Mapping[str, str] = {}
"""Served routes whose table is still to come, and why. Empty for a release."""


def answer(target: str) -> Any:
    """What the stand-in upstream says, by path."""
    path = target.partition("?")[0]
    at = next((s for s in SURFACES if path.endswith(s.path.removeprefix("/v1"))), None)
    return at.upstream if at else {"ok": True}
