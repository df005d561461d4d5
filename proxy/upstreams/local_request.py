"""From an OpenAI chat request to llama.cpp's arguments, or a clear refusal. Pure; no message shows a value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MAX_TOKENS = 256
"""Upper bound of an answer's length; SmolLM2 makes about 60 tokens a second on one core."""
REFUSED = ("tools", "functions", "logprobs", "top_logprobs", "logit_bias", "audio", "modalities", "prediction")
RANGES = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "user",
    "function": "user",
}


class Unsupported(Exception):
    """The request needs what the local model cannot do, or is malformed; ``str()`` names the field only."""


def parse(body: bytes) -> dict[str, Any]:
    """The request as an object with messages. Raises Unsupported."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Unsupported("The request is not JSON.") from None
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list) or not request["messages"]:
        raise Unsupported("The request needs 'messages', a list with at least one entry.")
    return request


def options(request: Mapping[str, Any]) -> dict[str, Any]:
    """llama.cpp's arguments. Raises Unsupported."""
    for name in REFUSED:
        if request.get(name):
            raise Unsupported(f"The local model does not support '{name}'.")
    if not isinstance(request.get("stream_options") or {}, dict):
        raise Unsupported("'stream_options' must be an object.")
    if request.get("n") not in (None, 1):
        raise Unsupported("The local model gives one answer: 'n' must be 1.")
    if (request.get("response_format") or {"type": "text"}) != {"type": "text"}:
        raise Unsupported("The local model answers in text only: leave out 'response_format'.")
    out: dict[str, Any] = {"messages": [_message(m) for m in request["messages"]], "max_tokens": _max_tokens(request)}
    for name, (low, high) in RANGES.items():
        if (value := request.get(name)) is not None:
            out[name] = _number(name, value, low, high)
    if (seed := request.get("seed")) is not None:
        out["seed"] = _whole("seed", seed) & 0x7FFFFFFF
    if (stop := request.get("stop")) is not None:
        out["stop"] = _stop(stop)
    return out


def _max_tokens(request: Mapping[str, Any]) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        if (value := request.get(name)) is not None:
            if _whole(name, value) < 1:
                raise Unsupported(f"'{name}' must be at least 1.")
            return min(_whole(name, value), MAX_TOKENS)
    return MAX_TOKENS


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise Unsupported(f"'{name}' must be a number from {low:g} to {high:g}.")
    return float(value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unsupported(f"'{name}' must be an integer.")
    return value


def _stop(value: Any) -> list[str]:
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or len(stops) > 4 or not all(isinstance(s, str) and s for s in stops):
        raise Unsupported("'stop' must be a text or up to four texts.")
    return stops


def _message(m: Any) -> dict[str, str]:
    """One message as plain text: the model's template knows system, user and assistant."""
    role = m.get("role") if isinstance(m, dict) else None
    if not isinstance(role, str) or role not in ROLES:
        raise Unsupported("A message has no role that the local model knows.")
    calls = m.get("tool_calls") or []
    if not isinstance(calls, list):
        raise Unsupported("The 'tool_calls' of a message are not a list.")
    text = _content(m.get("content")) or "\n".join(_call(c) for c in calls)
    return {"role": ROLES[role], "content": text}


def _content(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise Unsupported("The 'content' of a message is neither a text nor a list of parts.")
    return "\n".join(_part(p) for p in content)


def _part(part: Any) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    text = part.get(kind) if isinstance(kind, str) and kind in {"text", "refusal"} else None
    if not isinstance(text, str):
        raise Unsupported("The local model reads text only: no images, audio or files.")
    return text


def _call(call: Any) -> str:
    """An earlier tool call of the conversation, as text."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise Unsupported("The local model does not know this kind of tool call.")
    return f"{function.get('name')}({function.get('arguments')})"
