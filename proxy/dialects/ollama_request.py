"""The fields of Ollama requests and what each may hold: /api/chat, /api/generate, /api/embed.

A field that is not in a table is walked like any unknown JSON. A known field of the wrong JSON type is refused, and so
is one in other letter case: Ollama reads ``Images`` as ``images``, so nothing here may take it for something unknown.
Images and token arrays (``context``) are uninspected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import pointers
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import TOOL_NAME, as_list, as_object, as_text, bad, ident
from proxy.dialects.walk import Runs, Walk
from proxy.errors import BadRequest

Reader = Callable[[str, Any], None]

ORIGINS: Mapping[str, str] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool:unknown"}
OPTIONS = frozenset(
    {"num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "seed", "num_predict", "top_k", "top_p",
     "min_p", "tfs_z", "typical_p", "repeat_last_n", "temperature", "repeat_penalty", "presence_penalty",
     "frequency_penalty", "mirostat", "mirostat_tau", "mirostat_eta", "numa", "low_vram", "f16_kv", "logits_all",
     "vocab_only", "use_mmap", "use_mlock", "embedding_only", "penalize_newline"}
)  # fmt: skip
"""Options that are numbers or flags."""
THINK = frozenset({"low", "medium", "high", "max"})
_DURATION = re.compile(r"-?(?:[0-9]{1,6}(?:\.[0-9]{1,3})?(?:ns|us|µs|ms|s|m|h)){1,3}|-?[0-9]{1,6}")


def fields(walk: Walk, at: str, origin: str, node: Any, known: Mapping[str, Reader | None]) -> None:
    """As ``Walk.fields``; null is as good as nothing. Raises BadRequest for a known field in another letter case."""
    folded = {name.casefold() for name in known}
    for key, value in as_object(at, node).items():
        if key in known:
            read = known[key] or (lambda p, v: walk.free(p, origin, v))
            if value is not None:
                read(walk.at(at, pointers.escape(key)), value)
        elif key.casefold() in folded:
            raise BadRequest(f"{at or '/'}: a field is not spelled in lower case.", code="misspelled_field")
        else:
            walk.member(at, origin, key, value)


class Request:
    """Reads one tree into ``walk``. Raises BadRequest with the pointer of the field that is wrong."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.walk = Walk()
        self.first_user: str | None = None
        self.said: list[str] = []
        self._tree = tree
        if not isinstance(tree.get("model"), str) or not tree["model"]:
            raise bad("/model", "a model name", code="missing_model")

    def chat(self) -> None:
        known = self._common() | {"messages": self._messages, "tools": self._tools}
        fields(self.walk, "", "other", self._tree, known)

    def generate(self) -> None:
        prompt = self._tree.get("prompt")
        self.first_user = prompt if isinstance(prompt, str) else None
        known = self._common() | {
            "prompt": self._text("user"),
            "suffix": self._text("user"),
            "system": self._text("system"),
            "template": self._text("system"),
            "context": self._context,
            "raw": _flag,
            "images": lambda p, v: self._images(p, "user", v),
            **dict.fromkeys(("width", "height", "steps"), self._number),
        }
        fields(self.walk, "", "other", self._tree, known)

    def embed(self) -> None:
        known: dict[str, Reader | None] = {
            "model": lambda p, v: None,
            "input": self._input,
            "truncate": _flag,
            "dimensions": self._number,
            "options": self._options,
            "keep_alive": self._duration,
        }
        fields(self.walk, "", "other", self._tree, known)

    def _common(self) -> dict[str, Reader | None]:
        return {
            "model": lambda p, v: None,
            "stream": _flag,
            "format": self._format,
            "options": self._options,
            "keep_alive": self._duration,
            "think": self._think,
            "logprobs": _flag,
            "top_logprobs": self._number,
            "truncate": _flag,
            "shift": _flag,
        }

    def _text(self, origin: str) -> Reader:
        return lambda p, v: self.walk.text(p, origin, as_text(p, v))

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages(self, at: str, node: Any) -> None:
        runs = Runs()
        for i, raw in enumerate(as_list(at, node)):
            p = self.walk.at(at, str(i))
            message = as_object(p, raw)
            role = as_text(f"{p}/role", message.get("role"))
            origin = ORIGINS.get(role, "other")
            if role == "tool":
                name = message.get("tool_name") or message.get("name")
                origin = f"tool:{name}" if isinstance(name, str) and TOOL_NAME.fullmatch(name) else origin
            fields(self.walk, p, origin, message, self._message(origin))
            if role == "user" and self.first_user is None:
                content = message.get("content")
                self.first_user = content if isinstance(content, str) else None
            runs.turn(message.get("content") or "" if role == "assistant" else None)
        runs.turn(None)
        self.said = runs.said

    def _message(self, origin: str) -> dict[str, Reader | None]:
        text = self._text(origin)
        return {
            "role": lambda p, v: self.walk.enum(p, origin, v, frozenset(ORIGINS)),
            "content": (lambda p, v: self.walk.nested(p, origin, as_text(p, v))) if origin[:5] == "tool:" else text,
            "thinking": text,
            "images": lambda p, v: self._images(p, origin, v),
            "tool_calls": lambda p, v: self._calls(p, origin, v),
            "tool_name": text,
            "name": text,
            "tool_call_id": lambda p, v: self._id(p, origin, v),
        }

    def _id(self, at: str, origin: str, node: Any) -> None:
        ident(self.walk, at, origin, as_text(at, node))

    def _images(self, at: str, origin: str, node: Any) -> None:
        for i, image in enumerate(as_list(at, node)):
            p = self.walk.at(at, str(i))
            self.walk.uninspected.add("content:image")
            self.walk.content.add("image")
            self.walk.blob(p, origin, as_text(p, image))

    def _calls(self, at: str, origin: str, node: Any) -> None:
        walk = self.walk
        function: dict[str, Reader | None] = {
            "index": self._number,
            "name": self._text(origin),
            "description": self._text(origin),
            "arguments": lambda p, v: walk.free(p, origin, as_object(p, v), inside=1),
        }
        known: dict[str, Reader | None] = {
            "id": lambda p, v: self._id(p, origin, v),
            "type": lambda p, v: walk.enum(p, origin, v, frozenset({"function"})),
            "function": lambda p, v: fields(walk, p, origin, v, function),
        }
        for i, call in enumerate(as_list(at, node)):
            fields(walk, walk.at(at, str(i)), origin, call, known)

    # -- tools and settings -------------------------------------------------------------------------------------------

    def _tools(self, at: str, node: Any) -> None:
        walk = self.walk

        def named(p: str, v: Any) -> None:
            walk.tools.add(v if TOOL_NAME.fullmatch(as_text(p, v)) else "unknown")
            walk.text(p, "system", v)

        function: dict[str, Reader | None] = {
            "name": named,
            "description": self._text("system"),
            "parameters": lambda p, v: walk.schema(p, "system", v),
            "strict": _flag,
        }
        known: dict[str, Reader | None] = {
            "type": lambda p, v: walk.enum(p, "system", v, frozenset({"function"})),
            "function": lambda p, v: fields(walk, p, "system", v, function),
            "items": None,
        }
        for i, tool in enumerate(as_list(at, node)):
            fields(walk, walk.at(at, str(i)), "system", tool, known)

    def _format(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            self.walk.enum(at, "system", node, frozenset({"json", ""}))
        else:
            self.walk.schema(at, "system", as_object(at, node))

    def _options(self, at: str, node: Any) -> None:
        known = dict.fromkeys(OPTIONS, self._option) | {"stop": self._stop}
        fields(self.walk, at, "other", node, known)

    def _option(self, at: str, node: Any) -> None:
        if not isinstance(node, bool):
            self._number(at, node)

    def _stop(self, at: str, node: Any) -> None:
        words = node if isinstance(node, list) else [node]
        if not all(isinstance(word, str) for word in words):
            raise bad(at, "a string or a list of strings")
        self.walk.free(at, "other", node)

    def _number(self, at: str, node: Any) -> None:
        if not isinstance(node, Number):
            raise bad(at, "a number")
        self.walk.setting(at, "other", node)

    def _duration(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            if not _DURATION.fullmatch(node):
                self.walk.text(at, "other", node)
        else:
            self._number(at, node)

    def _think(self, at: str, node: Any) -> None:
        if not isinstance(node, bool):
            self.walk.enum(at, "other", as_text(at, node), THINK)

    def _context(self, at: str, node: Any) -> None:
        """Tokens of an earlier conversation: texts that nobody can read here."""
        if not all(isinstance(token, Number) for token in as_list(at, node)):
            raise bad(at, "a list of numbers")
        if node:
            self.walk.uninspected.add("content:tokens")

    def _input(self, at: str, node: Any) -> None:
        texts = [node] if isinstance(node, str) else as_list(at, node)
        if not all(isinstance(text, str) for text in texts):
            raise bad(at, "a string or a list of strings")
        self.walk.free(at, "user", node)


def _flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")
