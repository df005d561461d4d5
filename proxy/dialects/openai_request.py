"""The fields of a chat request and what each may hold: one table for the top level, one for a message, one per part.

A field that is not in a table is walked like any unknown JSON. A known field of the wrong JSON type is refused, because
upstreams differ in what they make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import pointers, provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import Tools, as_list, as_object, as_text, bad
from proxy.dialects.walk import Runs, Walk, is_base64, plain

Reader = Callable[[str, Any], None]

ROLES: Mapping[str, str] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool",
    "function": "tool",
}  # fmt: skip
NUMBERS = (
    "temperature", "top_p", "n", "max_tokens", "max_completion_tokens", "seed", "presence_penalty",
    "frequency_penalty", "top_logprobs", "top_k", "min_p", "repetition_penalty",
)  # fmt: skip
FLAGS = ("stream", "logprobs", "parallel_tool_calls", "store")
ENUMS: Mapping[str, frozenset[str]] = {
    "reasoning_effort": frozenset({"none", "minimal", "low", "medium", "high", "xhigh"}),
    "service_tier": frozenset({"auto", "default", "flex", "scale", "priority"}),
    "verbosity": frozenset({"low", "medium", "high"}),
    "prompt_cache_retention": frozenset({"in-memory", "in_memory", "24h"}),
    "user": frozenset(), "safety_identifier": frozenset(), "prompt_cache_key": frozenset(),
}  # fmt: skip
"""Strings, and the words among them that need no look."""
PARTS: Mapping[str, str] = {
    "image_url": "image", "input_image": "image", "input_audio": "audio", "audio_url": "audio", "file": "file",
    "video_url": "video", "input_video": "video",
}  # fmt: skip
"""Parts no detector reads, and the kind of content they are."""
PART_KEYS = frozenset(PARTS) | {"type", "url", "detail", "data", "format", "file_data", "file_id", "filename"}
PART_WORDS = frozenset(PARTS) | {"auto", "low", "high", "wav", "mp3"}


class Request:
    """Reads one tree into ``walk``. Raises BadRequest with the pointer of the field that is wrong."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.walk = Walk()
        self.first_user: str | None = None
        self.said: list[str] = []
        self._tools = Tools(self.walk)
        self._tables: dict[str, dict[str, Reader | None]] = {}
        if not isinstance(tree.get("model"), str) or not tree["model"]:
            raise bad("/model", "a model name", code="missing_model")
        if tree.get("messages") in (None, []):
            raise bad("/messages", "a list with at least one message", code="missing_messages")
        table = self._top(tree)
        self.walk.fields("", "other", tree, table)
        unknown = {key: value for key, value in tree.items() if key not in table}
        self.walk.reaches |= provider_tools.members(tree) | provider_tools.asked(unknown)

    def _top(self, tree: Mapping[str, Any]) -> dict[str, Reader | None]:
        """The readers of those known members that are there."""
        tools = self._tools
        optional: dict[str, Reader] = {
            "tools": tools.definitions,
            "functions": tools.functions,
            "tool_choice": tools.choice,
            "function_call": tools.choice,
            "response_format": tools.response_format,
            "stop": self._stop,
            "prediction": self._prediction,
            "modalities": self._modalities,
            "audio": self._audio,
            "logit_bias": self._logit_bias,
            "stream_options": self._stream_options,
            "web_search_options": self._web_search,
            "metadata": self._object,
        }
        table: dict[str, Reader | None] = {n: _unless_null(read) for n, read in optional.items() if n in tree}
        table |= dict.fromkeys((n for n in NUMBERS if n in tree), _unless_null(self._number))
        table |= dict.fromkeys((n for n in FLAGS if n in tree), _unless_null(_flag))
        table |= {n: self._words(words) for n, words in ENUMS.items() if n in tree}
        return table | {"model": lambda at, node: None, "messages": self._messages}

    def _number(self, at: str, node: Any) -> None:
        if not isinstance(node, Number):
            raise bad(at, "a number")
        self.walk.setting(at, "other", node)

    def _words(self, allowed: frozenset[str], origin: str = "other") -> Reader:
        return _unless_null(lambda at, node: self.walk.enum(at, origin, as_text(at, node), allowed))

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages(self, at: str, node: Any) -> None:
        runs = Runs()
        for i, raw in enumerate(as_list(at, node)):
            message = as_object(f"{at}/{i}", raw)
            role = as_text(f"{at}/{i}/role", message.get("role"))
            origin = ROLES.get(role, "other")
            if origin == "tool":
                origin = self._tools.origin(message)
            table = self._tables.get(origin) or self._tables.setdefault(origin, self._message(origin))
            self.walk.fields(f"{at}/{i}", origin, message, table)
            if role == "user" and self.first_user is None:
                self.first_user = "".join(plain(message.get("content")))
            runs.turn(message.get("content") or "" if role == "assistant" else None)
        runs.turn(None)
        self.said = runs.said

    def _message(self, origin: str) -> dict[str, Reader | None]:
        text = self._words(frozenset(), origin)
        return {
            "role": self._words(frozenset(ROLES)),
            "content": _unless_null(lambda at, node: self._content(at, origin, node)),
            "tool_calls": _unless_null(lambda at, node: self._tools.calls(at, origin, node)),
            "function_call": _unless_null(lambda at, node: self._tools.call(at, origin, node)),
            "tool_call_id": lambda at, node: self._tools.call_id(at, origin, node),
            "audio": _unless_null(lambda at, node: self._reference(at, origin, node)),
            "annotations": None,
            **dict.fromkeys(("name", "refusal", "reasoning_content", "reasoning"), text),
        }

    def _reference(self, at: str, origin: str, node: Any) -> None:
        """An earlier audio answer, by id: nobody here can hear it."""
        self.walk.uninspected.add("content:input_audio")
        self.walk.content.add("audio")
        self.walk.fields(at, origin, as_object(at, node), {"id": None})

    def _content(self, at: str, origin: str, node: Any) -> None:
        if isinstance(node, str):
            self._body(at, origin, node)
            return
        if not isinstance(node, list):
            raise bad(at, "a string or a list of parts")
        for i, part in enumerate(node):
            self._part(f"{at}/{i}", origin, as_object(f"{at}/{i}", part))

    def _body(self, at: str, origin: str, text: str) -> None:
        """Results of tools are often JSON; it is walked inside, so that its escapes hide nothing."""
        if origin.startswith("tool:"):
            self.walk.nested(at, origin, text)
        else:
            self.walk.text(at, origin, text)

    def _part(self, at: str, origin: str, part: dict[str, Any]) -> None:
        kind = as_text(f"{at}/type", part.get("type"))
        if kind in {"text", "refusal"}:
            as_text(f"{at}/{kind}", part.get(kind))
            self.walk.fields(
                at, origin, part,
                {"type": lambda p, v: None, kind: lambda p, v: self._body(p, origin, as_text(p, v))},
            )  # fmt: skip
            return
        if kind == "file" and self._file(at, origin, part):
            return
        self.walk.uninspected.add(f"content:{kind}" if kind in PARTS else "content:unknown")
        self.walk.content.add(PARTS.get(kind, "unknown"))
        self._opaque(at, origin, part)

    def _file(self, at: str, origin: str, part: dict[str, Any]) -> bool:
        """A file that travels with the request is a document; one that is only named is not here to be read."""
        file = part.get("file")
        if not isinstance(file, dict) or file.get("file_id") is not None:
            return False
        data, name = file.get("file_data"), file.get("filename")
        if not isinstance(data, str) or not is_base64(data):
            return False
        known: dict[str, Reader | None] = {
            "file_data": lambda p, v: self.walk.document(p, origin, v, name=name if isinstance(name, str) else ""),
            "filename": None,
        }
        outer: dict[str, Reader | None] = {
            "type": lambda p, v: None,
            "file": lambda p, v: self.walk.fields(p, origin, v, known),
        }
        self.walk.fields(at, origin, part, outer)
        return True

    def _opaque(self, at: str, origin: str, node: Any) -> None:
        """A part that is no text: its strings are still walked, base64 is not."""
        if isinstance(node, str):
            if node not in PART_WORDS:
                self.walk.blob(at, origin, node)
                if provider_tools.is_url(node):
                    self.walk.reaches.add(provider_tools.remote("fetch", node))
        elif isinstance(node, dict):
            for key, value in node.items():
                below = self.walk.at(at, pointers.escape(key))
                if key not in PART_KEYS:
                    self.walk.key(below, origin, key)
                if key == "file_id" and isinstance(value, str):
                    self.walk.references.append(Reference("file", value))
                self._opaque(below, origin, value)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self._opaque(self.walk.at(at, str(i)), origin, value)
        else:
            self.walk.free(at, origin, node)

    # -- other fields -------------------------------------------------------------------------------------------------

    def _stop(self, at: str, node: Any) -> None:
        if not isinstance(node, str) and not (isinstance(node, list) and all(isinstance(s, str) for s in node)):
            raise bad(at, "a string or a list of strings")
        self.walk.free(at, "other", node)

    def _prediction(self, at: str, node: Any) -> None:
        known: dict[str, Reader | None] = {
            "type": self._words(frozenset({"content"})),
            "content": lambda p, v: self._content(p, "other", v),
        }
        self.walk.fields(at, "other", as_object(at, node), known)

    def _modalities(self, at: str, node: Any) -> None:
        for i, word in enumerate(as_list(at, node)):
            self.walk.enum(f"{at}/{i}", "other", as_text(f"{at}/{i}", word), frozenset({"text", "audio"}))
        if "audio" in node:
            self.walk.content.add("audio")

    def _audio(self, at: str, node: Any) -> None:
        self.walk.content.add("audio")
        self.walk.fields(at, "other", as_object(at, node), {"voice": None, "format": None})

    def _stream_options(self, at: str, node: Any) -> None:
        self.walk.fields(at, "other", as_object(at, node), {"include_usage": None, "include_obfuscation": None})

    def _web_search(self, at: str, node: Any) -> None:
        self.walk.reaches.add("web_search")
        self._object(at, node)

    def _logit_bias(self, at: str, node: Any) -> None:
        for key, value in as_object(at, node).items():
            below = self.walk.at(at, pointers.escape(key))
            if not (key.isascii() and key.isdigit() and len(key) <= 6):
                self.walk.key(below, "other", key)
            self.walk.setting(below, "other", value)

    def _object(self, at: str, node: Any) -> None:
        self.walk.fields(at, "other", as_object(at, node), {})


def file_place(pointer: str, tree: Any) -> tuple[str, Callable[[str], Any]]:
    """A file part gives way to a text part; a document in a text place to its text."""
    at = pointer.removesuffix("/file/file_data")
    part = pointers.get(tree, at) if at != pointer and "#" not in pointer else None
    if not isinstance(part, dict) or part.get("type") != "file":
        return pointer, lambda text: f"[file]\n{text}"
    name = part["file"].get("filename")
    head = f"[file {name}]" if isinstance(name, str) else "[file]"
    rest = {key: value for key, value in part.items() if key not in {"type", "file"}}
    return at, lambda text: {"type": "text", "text": f"{head}\n{text}", **rest}


def _unless_null(read: Reader) -> Reader:
    return lambda at, node: None if node is None else read(at, node)


def _flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")
