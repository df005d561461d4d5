"""Which places of an OpenAI body are sealed one by one, and that nothing else says anything (private-ai-gateway
``spec/e2ee-v2.md`` §5; NEAR AI's fields of ``x-encrypt-all-fields``).

These formats leave a body's frame in the clear, so the frame is read strictly: every member is known, and is sealed, a
word of the protocol, a number or a flag. **A body with anything else is refused**; what a format cannot seal (tools
with ACI, stop words, names of users, schemas of answers, token ids) never leaves by omission. Ids of tool calls, which
anybody may choose, are numbered anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attestation.types import AttestationError

MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")
"""What a model's name may be: it stays in the clear."""

PLACES = 6
"""Decimal places of a number that stays in the clear; more of them change no answer."""

_NAMED = frozenset(
    {"tools", "tool_choice", "tool_calls", "tool_call_id", "functions", "function_call", "name", "refusal", "audio",
     "user", "metadata", "suffix", "prediction", "logit_bias", "reasoning", "reasoning_content", "web_search_options",
     "safety_identifier", "prompt_cache_key", "instructions", "input_type"}
)  # fmt: skip
"""Members that the API has and a format cannot seal: an error names them. Any other name is the app's own text."""

Seal = Callable[[str, bytes], Any]
"""Field path and plain bytes -> what stands there instead."""


class Uncovered(AttestationError):
    """A part of the body would leave in the clear. ``place`` is made of the protocol's own names."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place or 'the body'} is not covered by this sealing")
        self.place = place or "body"


@dataclass
class _Run:
    """One body being sealed. ``place`` is what errors may say, ``path`` the field's name in associated data."""

    seal: Seal
    ids: dict[str, str] = field(default_factory=dict, repr=False)


Rule = Callable[[_Run, Any, str, str], Any]


def _flag(_: _Run, value: Any, place: str, __: str) -> Any:
    if value not in (None, False, True):  # 0 and 1 among them
        raise Uncovered(place)
    return value


def _number(most: int) -> Rule:
    """A number up to ``most``, fractions to :data:`PLACES`: any longer one could say anything."""

    def rule(_: _Run, value: Any, place: str, __: str) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if not isinstance(value, (int, float)) or not -most <= value <= most:  # which no NaN is
            raise Uncovered(place)
        return round(value, PLACES) if isinstance(value, float) else value

    return rule


def _never(_: _Run, value: Any, place: str, __: str) -> Any:
    """For members that change what an answer shows in the clear: nothing but absent or off."""
    if value or isinstance(value, str):
        raise Uncovered(place)
    return value


def _model(_: _Run, value: Any, place: str, __: str) -> Any:
    if not isinstance(value, str) or not MODEL.fullmatch(value):
        raise Uncovered(place)
    return value


def _text(run: _Run, value: Any, place: str, path: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Uncovered(place)
    try:
        return run.seal(path, value.encode())
    except UnicodeEncodeError:
        raise Uncovered(place) from None


def _content(run: _Run, value: Any, place: str, path: str) -> Any:
    """The whole content. Text that reads like a list would be made a list by the other side: it goes as a part."""
    if value is None:
        return None
    if isinstance(value, str) and _is_list(value):
        value = [{"type": "text", "text": value}]
    return _whole(run, value, place, path) if isinstance(value, list) else _text(run, value, place, path)


def _whole(run: _Run, value: Any, place: str, path: str) -> Any:
    try:
        return run.seal(path, compact(value).encode())
    except (ValueError, RecursionError):  # half a surrogate pair, a number that JSON does not have
        raise Uncovered(place) from None


def _texts(run: _Run, value: Any, place: str, path: str) -> Any:
    """A text, or texts one by one. Numbers of tokens are text too, and cannot be sealed."""
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return [_text(run, v, place, f"{path}.{i}") for i, v in enumerate(value)]
    if not isinstance(value, str):
        raise Uncovered(place)
    return _text(run, value, place, path)


def _id(run: _Run, value: Any, place: str, __: str) -> Any:
    if not isinstance(value, str):
        raise Uncovered(place)
    return run.ids.setdefault(value, f"call_{len(run.ids):024d}")


def _words(*allowed: str) -> Rule:
    def rule(_: _Run, value: Any, place: str, __: str) -> Any:
        if value is not None and (not isinstance(value, str) or value not in allowed):
            raise Uncovered(place)
        return value

    return rule


def _object(members: Mapping[str, Rule]) -> Rule:
    def rule(run: _Run, value: Any, place: str, path: str) -> Any:
        if not isinstance(value, dict):
            raise Uncovered(place)
        dot, out = "." if path else "", {}
        for name, member in value.items():
            known = members.get(name)
            if known is None:
                raise Uncovered(f"{place}{dot}{name if name in _NAMED else '*'}")
            out[name] = known(run, member, f"{place}{dot}{name}", f"{path}{dot}{name}")
        return out

    return rule


def _each(inner: Rule) -> Rule:
    def rule(run: _Run, value: Any, place: str, path: str) -> Any:
        if not isinstance(value, list):
            raise Uncovered(place)
        return [inner(run, v, place, f"{path}.{i}") for i, v in enumerate(value)]

    return rule


def _optional(inner: Rule) -> Rule:
    return lambda run, value, place, path: None if value is None else inner(run, value, place, path)


def _either(words: Rule, other: Rule) -> Rule:
    return lambda run, value, *at: (words if value is None or isinstance(value, str) else other)(run, value, *at)


_TOKENS, _COUNT = 10**8, 10**4
_NUMBERS = {"temperature": 100, "top_p": 1, "top_k": 10**6, "min_p": 1, "n": _COUNT, "best_of": _COUNT,
            "max_tokens": _TOKENS, "max_completion_tokens": _TOKENS, "min_tokens": _TOKENS, "seed": 2**32 - 1,
            "presence_penalty": 100, "frequency_penalty": 100, "repetition_penalty": 100}  # fmt: skip
"""Numbers and the largest of each, either sign."""
_FLAGS = ("stream", "ignore_eos", "parallel_tool_calls", "skip_special_tokens")
_COMMON: Mapping[str, Rule] = {
    "model": _model,
    **{name: _number(most) for name, most in _NUMBERS.items()},
    **dict.fromkeys(_FLAGS, _flag),
    "stream_options": _optional(_object({"include_usage": _flag, "include_obfuscation": _flag})),
    "logprobs": _never,
    "top_logprobs": _never,
    "store": _never,
    "echo": _never,
    "stop": _never,
    "service_tier": _words("auto", "default", "flex", "priority"),
}
_CHAT: Mapping[str, Rule] = {
    **_COMMON,
    "reasoning_effort": _words("none", "minimal", "low", "medium", "high", "xhigh"),
    "verbosity": _words("low", "medium", "high"),
    "modalities": _optional(_each(_words("text"))),
    "response_format": _optional(_object({"type": _words("text", "json_object")})),
    "chat_template_kwargs": _optional(_object({"enable_thinking": _flag, "thinking": _flag})),
}
_ROLE = _words("system", "developer", "user", "assistant", "tool", "function")
_FUNCTION = _object({"name": _text, "arguments": _text})
_CALL = _object({"id": _id, "type": _words("function"), "index": _number(_COUNT), "function": _FUNCTION})
_TOOL = _object({"name": _text, "description": _text, "parameters": _whole, "strict": _flag})
_NEAR_MESSAGE: Mapping[str, Rule] = {
    "role": _ROLE,
    "content": _content,
    **dict.fromkeys(("name", "refusal", "reasoning", "reasoning_content"), _text),
    "audio": _optional(_object({"data": _text})),
    "tool_calls": _optional(_each(_CALL)),
    "tool_call_id": _id,
    "function_call": _optional(_FUNCTION),
}
_NEAR_CHOICE = _object({"type": _words("function"), "function": _object({"name": _text})})
_PROMPT: Mapping[str, Rule] = {**_COMMON, "prompt": _texts}
_INPUT: Mapping[str, Rule] = {"model": _model, "input": _texts, "dimensions": _number(10**6)}

ACI: Mapping[str, Rule] = {
    "/chat/completions": _object({**_CHAT, "messages": _each(_object({"role": _ROLE, "content": _content}))}),
    "/completions": _object(_PROMPT),
    "/embeddings": _object({**_INPUT, "encoding_format": _words("float", "base64")}),
}
"""Path -> what E2EE v2 can seal there; other paths it refuses itself."""
NEAR: Mapping[str, Rule] = {
    "/chat/completions": _object(
        {
            **_CHAT,
            "messages": _each(_object(_NEAR_MESSAGE)),
            "tools": _optional(_each(_object({"type": _words("function"), "function": _TOOL}))),
            "tool_choice": _either(_words("auto", "none", "required"), _NEAR_CHOICE),
            "function_call": _either(_words("auto", "none"), _object({"name": _text})),
        }
    ),
    "/completions": _object(_PROMPT),
    "/embeddings": _object({**_INPUT, "encoding_format": _words("float")}),  # base64 comes back in the clear
}


def seal(table: Mapping[str, Rule], path: str, body: Any, sealing: Seal) -> dict[str, Any]:
    """``body`` with every text sealed by ``sealing(field, plaintext)``. Raises Uncovered; what ``sealing`` raises."""
    rule = table.get(path)
    if rule is None:
        raise Uncovered("path")
    if not isinstance(body, dict) or "model" not in body:
        raise Uncovered("model")
    sealed: dict[str, Any] = rule(_Run(sealing), body, "", "")
    return sealed


def restored(path: str, plaintext: bytes) -> Any:
    """What the other side makes of a field that it opened (``e2ee-v2.md`` §5), as a ``Seal``: receipts are about
    that."""
    text = plaintext.decode()
    if path.startswith("messages.") and path.endswith(".content") and _is_list(text):
        return json.loads(text)
    return text


def compact(value: Any) -> str:
    """As these services write JSON: no space, text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _is_list(text: str) -> bool:
    if not text.lstrip(" \t\r\n").startswith("["):
        return False
    try:
        return isinstance(json.loads(text), list)
    except (ValueError, RecursionError):
        return text.rstrip(" \t\r\n").endswith("]")  # another reader may see a list where we see none
