"""Complete chat answers: real values back into text and tool arguments; usage; the error object.

Token strings in ``logprobs`` keep their stand-ins: a value has other tokens and probabilities than its stand-in, and
invented ones would be worse. Audio and annotations are left alone. Nothing changes where nothing was restored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.base import JOINED, THOUGHT, RestorerFactory, TextRestorer
from proxy.dialects.json_text import InvalidJson, Number
from proxy.errors import SealgateError

TEXT_FIELDS = ("content", "refusal", "reasoning_content", "reasoning")
"""Members of a message or delta that are text a person reads."""

TEXT = "text"
PLACES = {"reasoning_content": THOUGHT, "reasoning": THOUGHT}
"""Text fields that are not at the place ``TEXT``."""
OTHER = "other"
"""The place of members that no one knows: nothing is put back, but what is written there may be inspected."""
KNOWN = frozenset({*TEXT_FIELDS, "role", "id", "type", "name", "index", "tool_call_id"})


def tool_place(name: object) -> str:
    """The place of a tool's arguments."""
    return f"tool_args:{name}" if isinstance(name, str) and name else "tool_args:unknown"


def input_place(name: object) -> str:
    """The place of the input of a custom tool: plain text, not JSON."""
    return f"tool_input:{name}" if isinstance(name, str) and name else "tool_input:unknown"


def whole(restorer: TextRestorer, text: str) -> str:
    """A text that is complete."""
    return restorer.feed(text) + restorer.close()


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """The answer with values restored and its usage. Raises ValueError for what is no chat completion."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("choices"), list):
        raise ValueError("the answer is no chat completion")
    changed = False
    for choice in tree["choices"]:
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict):
            changed |= _message(message, restorers) | logprobs(choice, restorers)
    return json_text.serialize(tree) if changed else body, usage(tree)


def _message(message: dict[str, Any], restorers: RestorerFactory) -> bool:
    changed = False
    for key in TEXT_FIELDS:
        changed |= put(message, key, restorers, PLACES.get(key, TEXT))
    for key in unknown(message):
        changed |= put(message, key, restorers, OTHER)
    parts = message.get("content")
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            changed |= put(part, "text", restorers, JOINED) | put(part, "refusal", restorers, JOINED)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            changed |= _call(call.get("function"), restorers) | _call(call.get("custom"), restorers)
    return changed | _call(message.get("function_call"), restorers)


def _call(function: Any, restorers: RestorerFactory) -> bool:
    """The input of a custom tool is plain text, not JSON, and is restored as such."""
    if not isinstance(function, dict):
        return False
    changed = put(function, "name", restorers, TEXT)
    name = function.get("name")
    changed |= put(function, "input", restorers, input_place(name))
    return changed | put(function, "arguments", restorers, tool_place(name))


def put(holder: dict[str, Any], key: str, restorers: RestorerFactory, place: str) -> bool:
    """Restores one complete member in place, if it is text; says whether it changed."""
    text = holder.get(key)
    if not isinstance(text, str) or not text:
        return False
    holder[key] = whole(restorers(place), text)
    return bool(holder[key] != text)


def unknown(message: Mapping[str, Any]) -> list[str]:
    """Members of a message or delta that are text and that this release does not know."""
    return [key for key, value in message.items() if key not in KNOWN and isinstance(value, str)]


def logprobs(choice: dict[str, Any], restorers: RestorerFactory) -> bool:
    """Log-probabilities of tokens are one text, whole: they pass, or become null where what the model wrote must be
    inspected (their tokens would spell it)."""
    if not isinstance(choice.get("logprobs"), dict):
        return False
    text = json_text.serialize_text(choice["logprobs"])
    passed = whole(restorers("logprobs"), text)
    if passed != text:
        choice["logprobs"] = json_text.loads_answer(passed)
    return passed != text


def usage(tree: Mapping[str, Any]) -> dict[str, int]:
    """``tokens_in`` and ``tokens_out``, where the answer says them."""
    said = tree.get("usage")
    if not isinstance(said, dict):
        return {}
    pairs = (("tokens_in", said.get("prompt_tokens")), ("tokens_out", said.get("completion_tokens")))
    return {
        name: int(count.lexeme)
        for name, count in pairs
        if isinstance(count, Number) and count.lexeme.isdigit() and len(count.lexeme) < 16
    }


def error_body(error: SealgateError, request_id: str) -> bytes:
    """OpenAI's error object. ``message`` of a SealgateError never holds payload text."""
    made = {
        "message": error.message,
        "type": _error_type(error.status),
        "param": None,
        "code": error.code,
        "request_id": request_id,
    }
    return json_text.serialize({"error": made})


def _error_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    if status == 403:
        return "permission_error"
    return "invalid_request_error" if status < 500 else "server_error"
