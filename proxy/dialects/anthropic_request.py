"""The fields of an Anthropic messages request and what each may hold; one table per kind of object.

A field that is not in a table is walked like any unknown JSON. A known field of the wrong JSON type is refused. Blocks
that no detector reads (images, binary documents, encrypted thinking, tools that the provider runs) are uninspected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import pointers, provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import TOOL_NAME, as_list, as_object, as_text, bad, ident
from proxy.dialects.walk import Runs, Walk, is_base64, plain

Reader = Callable[[str, Any], None]

NUMBERS = ("max_tokens", "temperature", "top_p", "top_k")
ENUMS: Mapping[str, frozenset[str]] = {
    "service_tier": frozenset({"auto", "standard_only"}),
    "inference_geo": frozenset({"us", "global"}),
}
UNREADABLE: Mapping[str, str] = {"image": "image", "document": "file", "container_upload": "file"}
"""Blocks no detector reads (a document only when its source is no text), and the kind of content they are."""
FIELD = re.compile(r"[a-z]{2,16}(?:_[a-z]{2,16}){0,3}")
"""Keys of blocks as the API spells them need no look."""
CACHE = frozenset({"ephemeral", "5m", "1h"})
CHOICES = frozenset({"auto", "any", "tool", "none"})
MEDIA_TYPES = frozenset({"application/pdf", "text/plain"})


def unless_null(read: Reader) -> Reader:
    return lambda at, node: None if node is None else read(at, node)


class Request:
    """Reads one tree into ``walk``. Raises BadRequest with the pointer of the field that is wrong."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.walk = Walk()
        self.first_user: str | None = None
        self.said: list[str] = []
        self._called: dict[str, str] = {}
        if not isinstance(tree.get("model"), str) or not tree["model"]:
            raise bad("/model", "a model name", code="missing_model")
        if tree.get("messages") in (None, []):
            raise bad("/messages", "a list with at least one message", code="missing_messages")
        table = self._top()
        self.walk.fields("", "other", tree, table)
        self.walk.reaches |= provider_tools.asked({key: value for key, value in tree.items() if key not in table})

    def _top(self) -> dict[str, Reader | None]:
        table: dict[str, Reader | None] = {
            "model": lambda at, node: None,
            "messages": self._messages,
            "system": unless_null(lambda at, node: self._content(at, "system", node)),
            "stream": unless_null(_flag),
            "stop_sequences": unless_null(self._stops),
            "metadata": unless_null(
                lambda at, node: self.walk.fields(at, "other", as_object(at, node), {"user_id": None})
            ),
            "tools": unless_null(self._tools),
            "tool_choice": unless_null(self._choice),
            "thinking": unless_null(self._thinking),
            "cache_control": unless_null(self._cache),
            "mcp_servers": unless_null(self._servers),
            "container": unless_null(self._container),
            "thread": unless_null(self._thread),
        }
        table |= dict.fromkeys(NUMBERS, unless_null(self._number))
        return table | {name: self._words(words) for name, words in ENUMS.items()}

    def _number(self, at: str, node: Any) -> None:
        if not isinstance(node, Number):
            raise bad(at, "a number")
        self.walk.setting(at, "other", node)

    def _words(self, allowed: frozenset[str], origin: str = "other") -> Reader:
        return unless_null(lambda at, node: self.walk.enum(at, origin, as_text(at, node), allowed))

    def _stops(self, at: str, node: Any) -> None:
        for i, word in enumerate(as_list(at, node)):
            self.walk.text(f"{at}/{i}", "other", as_text(f"{at}/{i}", word))

    def _servers(self, at: str, node: Any) -> None:
        """Remote servers that the provider calls itself: clouds of their own."""
        for i, raw in enumerate(as_list(at, node)):
            server = as_object(f"{at}/{i}", raw)
            self.walk.reaches.add(provider_tools.remote("mcp", server.get("url")))
            self.walk.free(f"{at}/{i}", "other", server)

    def _container(self, at: str, node: Any) -> None:
        """Where the provider runs code; one that is named holds what was left in it."""
        self.walk.reaches.add("code_execution")
        named = node.get("id") if isinstance(node, dict) else node
        if isinstance(named, str):
            self.walk.references.append(Reference("container", named))
        self.walk.free(at, "other", node)

    def _thread(self, at: str, node: Any) -> None:
        """A conversation that the provider holds under the id of an answer."""
        held = node.get("previous_message_id") if isinstance(node, dict) else node
        if isinstance(held, str):
            self.walk.references.append(Reference("message", held))
        self.walk.free(at, "other", node)

    def _cache(self, at: str, node: Any) -> None:
        words = self._words(CACHE)
        self.walk.fields(at, "other", as_object(at, node), {"type": words, "ttl": words})

    def _thinking(self, at: str, node: Any) -> None:
        kinds = self._words(frozenset({"enabled", "disabled", "adaptive"}))
        self.walk.fields(at, "other", as_object(at, node), {"type": kinds, "budget_tokens": unless_null(self._number)})

    # -- messages -----------------------------------------------------------------------------------------------------

    def _messages(self, at: str, node: Any) -> None:
        runs = Runs()
        for i, raw in enumerate(as_list(at, node)):
            message = as_object(f"{at}/{i}", raw)
            role = as_text(f"{at}/{i}/role", message.get("role"))
            origin = role if role in {"user", "assistant", "system"} else "other"

            def content(p: str, v: Any, origin: str = origin) -> None:
                self._content(p, origin, v)

            known: dict[str, Reader | None] = {
                "role": self._words(frozenset({"user", "assistant", "system"})),
                "content": content,
            }
            self.walk.fields(f"{at}/{i}", origin, message, known)
            if role == "user" and self.first_user is None:
                self.first_user = "".join(plain(message.get("content")))
            runs.turn(message.get("content") or "" if role == "assistant" else None)
        runs.turn(None)
        self.said = runs.said

    def _content(self, at: str, origin: str, node: Any) -> None:
        if isinstance(node, str):
            self._body(at, origin, node)
            return
        if not isinstance(node, list):
            raise bad(at, "a string or a list of blocks")
        for i, block in enumerate(node):
            self._block(f"{at}/{i}", origin, as_object(f"{at}/{i}", block))

    def _body(self, at: str, origin: str, text: str) -> None:
        """Results of tools are often JSON; it is walked inside, so that its escapes hide nothing."""
        if origin.startswith("tool:"):
            self.walk.nested(at, origin, text)
        else:
            self.walk.text(at, origin, text)

    def _block(self, at: str, origin: str, block: dict[str, Any]) -> None:
        kind = as_text(f"{at}/type", block.get("type"))
        read = {
            "text": self._text_block,
            "tool_use": self._tool_use,
            "tool_result": self._tool_result,
            "thinking": self._thought,
            "document": self._document,
            "search_result": self._search_result,
        }.get(kind)
        if read is not None:
            read(at, origin, block)
            return
        self.walk.uninspected.add(f"content:{kind}" if kind in UNREADABLE else "content:unknown")
        self.walk.content.add(UNREADABLE.get(kind, "unknown"))
        self._opaque(at, origin, block)

    def _common(self) -> dict[str, Reader | None]:
        return {"type": lambda at, node: None, "cache_control": unless_null(self._cache)}

    def _text_block(self, at: str, origin: str, block: dict[str, Any]) -> None:
        known = self._common() | {"text": lambda p, v: self._body(p, origin, as_text(p, v)), "citations": None}
        self.walk.fields(at, origin, block, known)

    def _tool_use(self, at: str, origin: str, block: dict[str, Any]) -> None:
        name = as_text(f"{at}/name", block.get("name"))
        if isinstance(block.get("id"), str):
            self._called[block["id"]] = name
        known = self._common() | {
            "id": lambda p, v: self._id(p, origin, v),
            "name": lambda p, v: self.walk.text(p, origin, as_text(p, v)),
            "input": lambda p, v: self.walk.free(p, origin, v, inside=1),
        }
        self.walk.fields(at, origin, block, known)

    def _id(self, at: str, origin: str, node: Any) -> None:
        if node is not None:
            ident(self.walk, at, origin, as_text(at, node))

    def _tool_result(self, at: str, origin: str, block: dict[str, Any]) -> None:
        name = self._called.get(str(block.get("tool_use_id")), "unknown")
        source = f"tool:{name}" if TOOL_NAME.fullmatch(name) else "tool:unknown"
        known = self._common() | {
            "tool_use_id": lambda p, v: self._id(p, origin, v),
            "content": unless_null(lambda p, v: self._content(p, source, v)),
            "is_error": unless_null(_flag),
        }
        self.walk.fields(at, source, block, known)

    def _thought(self, at: str, origin: str, block: dict[str, Any]) -> None:
        """Its signature is opaque to everybody here, and made by the provider over text that it wrote itself."""
        known = self._common() | {
            "thinking": lambda p, v: self.walk.text(p, origin, as_text(p, v)),
            "signature": lambda p, v: self.walk.signature(p, origin, as_text(p, v)),
        }
        self.walk.fields(at, origin, block, known)

    def _document(self, at: str, origin: str, block: dict[str, Any]) -> None:
        source = block.get("source")
        kind = source.get("type") if isinstance(source, dict) else None
        if isinstance(source, dict) and kind == "base64":
            data = source.get("data")
            if isinstance(data, str) and is_base64(data):
                self._encoded(at, origin, block, str(source.get("media_type", "")))
                return
        if kind not in ("text", "content"):  # which may be anything, also what has no hash
            self.walk.uninspected.add("content:document")
            self.walk.content.add("file")
            self._opaque(at, origin, block)
            return
        words = self._words(frozenset({"text", "content", "text/plain"}))
        inner: dict[str, Reader | None] = {
            "type": words,
            "media_type": words,
            "data": None,
            "content": lambda p, v: self._content(p, origin, v),
        }
        known = self._common() | {"title": None, "context": None, "citations": None}
        known["source"] = lambda p, v: self.walk.fields(p, origin, as_object(p, v), inner)
        self.walk.fields(at, origin, block, known)

    def _encoded(self, at: str, origin: str, block: dict[str, Any], media_type: str) -> None:
        """A document in base64: the worker reads it."""
        title = block.get("title")
        inner: dict[str, Reader | None] = {
            "type": lambda p, v: None,
            "media_type": self._words(MEDIA_TYPES),
            "data": lambda p, v: self.walk.document(p, origin, v, media_type, title if isinstance(title, str) else ""),
        }
        known = self._common() | {"title": None, "context": None, "citations": None}
        known["source"] = lambda p, v: self.walk.fields(p, origin, v, inner)
        self.walk.fields(at, origin, block, known)

    def _search_result(self, at: str, origin: str, block: dict[str, Any]) -> None:
        known = self._common() | {"source": None, "title": None, "citations": None}
        known["content"] = lambda p, v: self._content(p, origin, v)
        self.walk.fields(at, origin, block, known)

    def _opaque(self, at: str, origin: str, node: Any) -> None:
        """A block that is no text: its strings and keys are still walked, base64 is not."""
        if isinstance(node, str):
            self.walk.blob(at, origin, node)
            if provider_tools.is_url(node):
                self.walk.reaches.add(provider_tools.remote("fetch", node))
        elif isinstance(node, dict):
            for key, value in node.items():
                if key == "file_id" and isinstance(value, str):
                    self.walk.references.append(Reference("file", value))
                below = self.walk.at(at, pointers.escape(key))
                if not FIELD.fullmatch(key):
                    self.walk.key(below, origin, key)
                self._opaque(below, origin, value)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self._opaque(f"{at}/{i}", origin, value)
        else:
            self.walk.free(at, origin, node)

    # -- tools --------------------------------------------------------------------------------------------------------

    def _tools(self, at: str, node: Any) -> None:
        for i, raw in enumerate(as_list(at, node)):
            tool = as_object(f"{at}/{i}", raw)
            kind = tool.get("type", "custom")
            own = isinstance(kind, str) and provider_tools.CLIENT.fullmatch(kind) is not None
            if not own:
                self.walk.reaches.add(provider_tools.tool(kind))
            name = as_text(f"{at}/{i}/name", tool.get("name"))
            self.walk.tools.add(name if TOOL_NAME.fullmatch(name) else "unknown")
            known = self._common() | {
                "type": self._words(frozenset({kind}) if own else frozenset(), "system"),
                "name": lambda p, v: self.walk.text(p, "system", v),
                "description": None,
                "strict": None,
                "input_schema": lambda p, v: self.walk.schema(p, "system", v),
            }
            self.walk.fields(f"{at}/{i}", "system", tool, known)

    def _choice(self, at: str, node: Any) -> None:
        known: dict[str, Reader | None] = {
            "type": self._words(CHOICES, "system"),
            "name": None,
            "disable_parallel_tool_use": unless_null(_flag),
        }
        self.walk.fields(at, "system", as_object(at, node), known)


def document_place(pointer: str, tree: Any) -> tuple[str, Callable[[str], Any]]:
    """A document's source gives way to a text source; a document in a text place to its text."""
    at = pointer.removesuffix("/data")
    source = pointers.get(tree, at) if at != pointer and "#" not in pointer else None
    if not isinstance(source, dict) or source.get("type") != "base64":
        return pointer, lambda text: f"[file]\n{text}"
    return at, lambda text: {"type": "text", "media_type": "text/plain", "data": text}


def _flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")
