"""POST /v1/chat/completions: every place where text can be becomes a segment; unknown fields are walked, not trusted.

Exempt from inspection are protocol leaves only, and only while they hold what the protocol expects there: roles, type
discriminators, booleans, null, short numbers of sampling parameters, enums. Everything else is content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from proxy.dialects.base import Parsed, RestorerFactory, StreamRestorer
from proxy.dialects.json_text import MAX_DEPTH, Number, parse, serialize
from proxy.dialects.openai_answers import ChatStream, restore_answer
from proxy.dialects.pointers import join
from proxy.dialects.walk import Walker, rewrite
from proxy.errors import BadRequest, SealgateError

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
NUMBERS = frozenset(
    {
        "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed", "presence_penalty",
        "frequency_penalty", "top_logprobs",
    }
)  # fmt: skip
NUMBER_LENGTH = 10
"""A sampling parameter longer than this could be an account number in disguise and is inspected."""
ENUMS: Mapping[str, frozenset[str]] = {
    "service_tier": frozenset({"auto", "default", "flex", "scale", "priority"}),
    "reasoning_effort": frozenset({"none", "minimal", "low", "medium", "high", "xhigh"}),
    "verbosity": frozenset({"low", "medium", "high"}),
    "tool_choice": frozenset({"none", "auto", "required"}),
}
SCHEMA_KEYS = frozenset(
    {
        "type", "properties", "items", "required", "enum", "const", "default", "description", "title", "format",
        "additionalProperties", "anyOf", "oneOf", "allOf", "not", "$ref", "$defs", "definitions", "minimum", "maximum",
        "minLength", "maxLength", "pattern", "minItems", "maxItems", "examples", "strict", "schema", "name",
        "nullable", "uniqueItems", "$schema",
    }
)  # fmt: skip
SCHEMA_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
UNREADABLE = {"image_url": "image_url", "input_audio": "input_audio", "file": "file"}


class OpenAIChat:
    """Implements ``Dialect``."""

    name = "openai.chat"

    def __init__(self, max_depth: int = MAX_DEPTH) -> None:
        self._max_depth = max_depth

    def parse(self, body: bytes) -> Parsed:
        tree = parse(body, self._max_depth)
        model = tree.get("model")
        if isinstance(model, Number) or not isinstance(model, str) or not model:
            raise BadRequest("'model' must be a string.", code="missing_model")
        stream = tree.get("stream")
        if stream is not None and not isinstance(stream, bool):
            raise BadRequest("'stream' must be true or false.")
        reader = _Reader()
        reader.read(tree)
        return Parsed(
            dialect=self.name,
            model=model,
            stream=bool(stream),
            body=body,
            tree=tree,
            segments=tuple(reader.walker.segments),
            uninspected=frozenset(reader.uninspected),
            content=frozenset(reader.content),
            tools=frozenset(reader.tools),
            first_user=reader.first_user,
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        tree = rewrite(parsed.tree, edits) if edits else parsed.tree
        if tree["model"] != model:
            tree = {k: model if k == "model" else v for k, v in tree.items()}
        return parsed.body if tree is parsed.tree else serialize(tree)

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        return restore_answer(body, restorers)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return ChatStream(restorers, trailer)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
        kind = kinds.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
        return orjson.dumps(
            {
                "error": {
                    "message": f"{error.message} (request {request_id})",
                    "type": kind,
                    "param": None,
                    "code": error.code,
                    "request_id": request_id,
                }
            }
        )


class _Reader:
    """One pass over a request."""

    def __init__(self) -> None:
        self.walker = Walker()
        self.uninspected: set[str] = set()
        self.content: set[str] = {"text"}
        self.tools: set[str] = set()
        self.first_user = ""
        self._called: dict[str, str] = {}

    def read(self, tree: dict[str, Any]) -> None:
        messages = tree.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("'messages' must be a list with at least one message.", code="missing_messages")
        for key, value in tree.items():
            self._field(key, value)

    def _field(self, key: str, value: Any) -> None:
        at = join("", key)
        match key:
            case "model" | "stream":
                return
            case "messages":
                for i, message in enumerate(value):
                    self._message(join(at, i), message)
            case "tools" | "functions":
                self._tools(at, value)
            case "response_format":
                self._schema(at, value)
            case "stream_options":
                self._booleans(at, value)
            case "modalities" if isinstance(value, list) and set(map(str, value)) <= {"text", "audio"}:
                return
            case "metadata":
                self.walker.any(at, "other", value)
            case _:
                self._other(at, key, value)

    def _other(self, at: str, key: str, value: Any) -> None:
        if value is None or isinstance(value, bool):
            return
        if isinstance(value, Number):
            if key not in NUMBERS or len(value) > NUMBER_LENGTH:
                self.walker.any(at, "other", value)
        elif isinstance(value, str) and value in ENUMS.get(key, frozenset()):
            return
        elif key == "prediction":
            self._content(join(at, "content"), "assistant", value.get("content") if isinstance(value, dict) else value)
            self._rest(at, "other", value, {"type", "content"})
        elif key == "tool_choice":
            self._schema(at, value)
        else:
            known = (
                key in {"stop", "user", "safety_identifier", "prompt_cache_key", "logit_bias"} | NUMBERS | ENUMS.keys()
            )
            if not known:
                self.walker.any("", "other", {key: ""})  # the name of an unknown field is content too
            if key == "web_search_options":
                self.uninspected.add("tool:provider")
            self.walker.any(at, "other", value)

    def _rest(self, at: str, origin: str, value: Any, done: set[str]) -> None:
        """What is left of an object whose ``done`` members were read already."""
        if isinstance(value, dict):
            self.walker.any(at, origin, {k: v for k, v in value.items() if k not in done})

    def _booleans(self, at: str, value: Any) -> None:
        if not isinstance(value, dict) or not all(isinstance(v, bool) for v in value.values()):
            self.walker.any(at, "other", value)
        else:
            self.walker.any(
                at, "other", {k: v for k, v in value.items() if k not in {"include_usage", "include_obfuscation"}}
            )

    def _message(self, at: str, message: Any) -> None:
        if not isinstance(message, dict):
            raise BadRequest(f"{at} must be an object.")
        role = message.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise BadRequest(f"{at}/role must be one of: {', '.join(sorted(ROLES))}.")
        origin = {"developer": "system"}.get(role, role)
        if role in {"tool", "function"}:
            called = self._called.get(str(message.get("tool_call_id")), str(message.get("name") or "unknown"))
            origin = f"tool:{called}"
        self._content(f"{at}/content", origin, message.get("content"))
        if role == "user" and not self.first_user:
            self.first_user = _plain(message.get("content"))
        self._calls(at, message)
        if "audio" in message and message["audio"] is not None:
            self.uninspected.add("content:input_audio")
            self.content.add("input_audio")
        done = {"role", "content", "tool_calls", "function_call"}
        rest = {k: v for k, v in message.items() if k not in done}
        for key in rest.keys() & {"name", "tool_call_id", "refusal", "reasoning_content", "audio"}:
            self.walker.any(join(at, key), origin, rest.pop(key))
        self.walker.any(at, origin, rest)

    def _calls(self, at: str, message: dict[str, Any]) -> None:
        calls = message.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            raise BadRequest(f"{at}/tool_calls must be a list.")
        for i, call in enumerate(calls or ()):
            here = f"{at}/tool_calls/{i}"
            if not isinstance(call, dict):
                raise BadRequest(f"{here} must be an object.")
            function = call.get("function")
            if isinstance(function, dict):
                self._called[str(call.get("id"))] = str(function.get("name"))
                self._function(f"{here}/function", function)
            rest = {k: v for k, v in call.items() if k != "function" or not isinstance(v, dict)}
            if rest.get("type") in {"function", "custom"}:
                del rest["type"]
            self.walker.any(here, "assistant", rest, keys=False)
        if isinstance(message.get("function_call"), dict):
            self._function(f"{at}/function_call", message["function_call"])
        elif message.get("function_call") is not None:
            self.walker.any(f"{at}/function_call", "assistant", message["function_call"])

    def _function(self, at: str, function: dict[str, Any]) -> None:
        self.walker.any(at, "assistant", {k: v for k, v in function.items() if k in {"name", "arguments"}}, keys=False)
        self._rest(at, "assistant", function, {"name", "arguments"})

    def _content(self, at: str, origin: str, content: Any) -> None:
        if content is None:
            return
        if isinstance(content, str) and not isinstance(content, Number):
            self.walker.text(at, origin, content)
            return
        if not isinstance(content, list):
            raise BadRequest(f"{at} must be a string or a list of parts.")
        for i, part in enumerate(content):
            self._part(join(at, i), origin, part)

    def _part(self, at: str, origin: str, part: Any) -> None:
        if not isinstance(part, dict):
            raise BadRequest(f"{at} must be an object.")
        kind = part.get("type")
        if kind in {"text", "refusal"}:
            self.walker.any(at, origin, {k: v for k, v in part.items() if k == kind}, keys=False)
            self._rest(at, origin, part, {"type", str(kind)})
            return
        name = UNREADABLE.get(kind if isinstance(kind, str) else "", "other")
        self.uninspected.add(f"content:{name}")
        self.content.add(name)
        rest = {k: v for k, v in part.items() if k != "type" or name == "other"}
        self.walker.any(at, origin, _without_data(rest), keys=name == "other")

    def _tools(self, at: str, tools: Any) -> None:
        if not isinstance(tools, list):
            raise BadRequest(f"{at} must be a list.")
        if tools:
            self.content.add("tools")
        for i, tool in enumerate(tools):
            here = join(at, i)
            if not isinstance(tool, dict):
                raise BadRequest(f"{here} must be an object.")
            function = tool.get("function", tool) if at == "/tools" else tool
            if at == "/tools" and tool.get("type") not in {"function", "custom"}:
                self.uninspected.add("tool:provider")
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                self.tools.add(function["name"])
            self._schema(here, tool)

    def _schema(self, at: str, value: Any) -> None:
        """JSON Schema and tool definitions: keywords and type names are protocol, everything else is content."""
        if isinstance(value, dict):
            for key, item in value.items():
                here = join(at, key)
                if key not in SCHEMA_KEYS and key not in {"function", "parameters", "json_schema", "custom"}:
                    self.walker.any(at, "system", {key: ""})
                if key == "type" and _type_names(item):
                    continue
                self._schema(here, item)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                self._schema(join(at, i), item)
        else:
            self.walker.any(at, "system", value)


TYPE_WORDS = SCHEMA_TYPES | {"function", "custom", "json_schema", "json_object", "text"}


def _type_names(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return all(isinstance(n, str) and n in TYPE_WORDS for n in names)


def _plain(content: Any) -> str:
    """The text of a message, for the conversation's scope."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))


def _without_data(value: Any) -> Any:
    """Base64 payloads left out: they are uninspected as a whole, not text."""
    if isinstance(value, dict):
        return {k: _without_data(v) for k, v in value.items() if k not in {"data", "file_data"}}
    if isinstance(value, str) and value.startswith("data:"):
        return value.partition(",")[0]
    return value
