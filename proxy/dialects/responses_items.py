"""Items of the Responses API: messages, calls, results, reasoning and whatever else a conversation is made of.

Members are read by their name, the same in every kind of item: text, ids, words of the protocol, references to what an
upstream holds, data that nobody reads. A member without a reader is walked like any unknown JSON, its name included; an
item or a part of an unknown kind is walked one way and uninspected.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from proxy.dialects import pointers, provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import CALL_ID, TOOL_NAME, as_list, as_object, as_text, bad
from proxy.dialects.walk import Walk

Reader = Callable[[str, Any], None]
Named = Callable[[str, str, Any], None]
"""As a Reader, with the origin."""

ITEM_ID = re.compile(
    r"(?:msg|rs|fc|fco|resp|conv|ws|fs|ci|ig|ctc|ctco|cu|cco|lsh|lsho|sh|sho|ap|apo|mcp|mcpl|mcpr|mcpa|cmp|ts|tso|item"
    r"|file|vs|cntr|cfile|skill|pmpt|call)[_-]"
    r"(?:(?![0-9a-f]*[0-9]{13})[0-9a-f]{32,64}|(?![A-Za-z0-9]*[0-9]{7})[A-Za-z0-9]{16,64})"
)
"""Ids as providers make them; all others are text."""

ROLES: Mapping[str, str] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool:unknown",
}  # fmt: skip
ITEMS: Mapping[str, str] = {
    **dict.fromkeys(
        ("function_call", "custom_tool_call", "reasoning", "computer_call", "web_search_call", "file_search_call",
         "code_interpreter_call", "image_generation_call", "local_shell_call", "shell_call", "apply_patch_call",
         "mcp_call", "mcp_approval_request", "tool_search_call", "program"),
        "assistant",
    ),
    **dict.fromkeys(("additional_tools", "tool_search_output", "configuration_update"), "system"),
    **dict.fromkeys(("item_reference", "compaction", "compaction_summary", "compaction_trigger"), "other"),
    "message": "", "function_call_output": "", "custom_tool_call_output": "",
    "mcp_list_tools": "tool:mcp", "mcp_approval_response": "user", "program_output": "tool:program",
    "local_shell_call_output": "tool:local_shell", "shell_call_output": "tool:shell",
    "apply_patch_call_output": "tool:apply_patch", "computer_call_output": "tool:computer",
}  # fmt: skip
"""Kind of item -> origin of what it says; empty where the item itself tells."""
RESULTS: Mapping[str, str] = {
    "web_search_call": "tool:web_search", "file_search_call": "tool:file_search",
    "code_interpreter_call": "tool:code_interpreter", "image_generation_call": "tool:image_generation",
}  # fmt: skip
"""Calls that a provider ran itself: origin of the results in the same item."""
TEXTS = frozenset({"input_text", "output_text", "text", "refusal", "summary_text", "reasoning_text"})
MEDIA: Mapping[str, str] = {
    "input_image": "image", "computer_screenshot": "image", "input_file": "file", "input_audio": "audio",
    "input_video": "video",
}  # fmt: skip
"""Parts no detector reads, and the kind of content they are."""
SMALL = frozenset(
    {"logs", "image", "exec", "search", "open_page", "find_in_page", "find", "url", "click", "double_click", "drag",
     "keypress", "move", "screenshot", "scroll", "type", "wait", "timeout", "exit", "direct", "program", "local",
     "container_reference", "create_file", "delete_file", "update_file", "url_citation", "file_citation",
     "container_file_citation", "file_path", "json_schema", "json_object", "compaction"}
)  # fmt: skip
EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max", "auto"})
WORDS: Mapping[str, frozenset[str]] = {
    "type": frozenset(ITEMS) | TEXTS | frozenset(MEDIA) | SMALL,
    "role": frozenset(ROLES),
    "status": frozenset({"in_progress", "completed", "incomplete", "searching", "generating", "interpreting", "calling",
                         "failed"}),
    "phase": frozenset({"commentary", "final_answer"}),
    "execution": frozenset({"server", "client"}),
    "detail": EFFORTS | {"original"},
    "button": frozenset({"left", "right", "wheel", "back", "forward"}),
    "mode": frozenset({"standard", "pro", "implicit", "explicit", "score", "block"}),
    "ttl": frozenset({"30m", "12h", "24h"}),
    "effort": EFFORTS, "verbosity": EFFORTS,
    "generate_summary": frozenset({"auto", "concise", "detailed"}),
    "context": frozenset({"auto", "current_turn", "all_turns"}),
    "context_compression": frozenset({"auto", "enabled", "disabled"}),
    "cyber": frozenset({"standard", "daybreak_blue", "daybreak_red"}),
    "action": frozenset({"generate", "edit", "auto"}),
    "background": frozenset({"transparent", "opaque", "auto"}),
    "output_format": frozenset({"png", "webp", "jpeg", "gif", "svg"}),
    "quality": EFFORTS,
    "size": frozenset({"1024x1024", "1024x1536", "1536x1024", "auto"}),
}  # fmt: skip
"""Words of the protocol that need no look, by the member that holds them."""
IDS = ("id", "call_id", "caller_id", "approval_request_id", "fingerprint", "created_by")
HELD: Mapping[str, str] = {
    "file_id": "file", "container_id": "container", "skill_id": "skill", "comparison_response_id": "response",
    "previous_response_id": "response",
}  # fmt: skip
"""Members that name state an upstream holds, and its kind."""
DATA = ("image_url", "file_url", "file_data", "data", "url", "result", "partial_image_b64")
"""Members that may hold an address or data."""
PLAIN = (
    "name", "namespace", "server_label", "code", "text", "refusal", "filename", "title", "query", "queries",
    "pattern", "command", "commands", "working_directory", "user", "path", "diff", "message", "revised_prompt",
    "reason", "keys", "stdout", "stderr", "logs", "outcome", "exit_code", "timeout_ms", "max_output_length", "x", "y",
    "scroll_x", "caller", "scroll_y", "score", "index", "start_index", "end_index", "actions", "operation",
    "environment", "sources", "pending_safety_checks", "acknowledged_safety_checks", "approve",
    "prompt_cache_breakpoint", "reasoning", "input_audio", "approval", "async", "policy", "prewarm",
    "include_obfuscation", "compact_threshold", "model", "version", "sequence_number", "svg_usage", "input_tokens",
    "output_tokens", "reasoning_tokens", "total_tokens",
)  # fmt: skip
"""Members that hold text, short numbers, or objects made of members of this table."""
AUDIO = frozenset({"mp3", "wav"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{32,}+={0,2}")


class Items:
    """Reads items into ``walk``. Raises BadRequest with the pointer of what is wrong.

    ``definitions`` and ``form`` read tools and text formats (``responses_tools``).
    """

    def __init__(self, walk: Walk, definitions: Reader, form: Reader) -> None:
        self.walk = walk
        self.first_user: str | None = None
        self._definitions = definitions
        self._form = form
        self._called: dict[str, str] = {}
        self._readers = self._table()
        self._media: dict[str, Named] = dict.fromkeys(DATA, self._blob)
        self._media["input_audio"] = lambda at, origin, node: self._fields(at, origin, as_object(at, node), self._media)
        self._quotes: dict[str, Named] = dict.fromkeys(HELD, self.ident)

    def _table(self) -> dict[str, Named]:
        table: dict[str, Named] = dict.fromkeys(PLAIN, self.value)
        table |= dict.fromkeys(IDS, self.ident)
        table |= {name: self._words(words) for name, words in WORDS.items()}
        table |= {name: self.held(kind) for name, kind in HELD.items()}
        table |= dict.fromkeys(DATA, self._data)
        table |= dict.fromkeys(("arguments", "input"), self._inside)
        table |= dict.fromkeys(("output", "outputs", "results"), self._result)
        table |= dict.fromkeys(("content", "summary"), self._content)
        return table | {
            "encrypted_content": self._sealed,
            "error": lambda at, origin, node: self.walk.free(at, origin, node, inside=1),
            "tools": lambda at, origin, node: self._definitions(at, node),
            "format": self._format,
            "annotations": self._quoted,
        }

    # -- items --------------------------------------------------------------------------------------------------------

    def items(self, at: str, node: Any) -> None:
        for i, raw in enumerate(as_list(at, node)):
            self._item(self.walk.at(at, str(i)), as_object(f"{at}/{i}", raw))

    def _item(self, at: str, item: dict[str, Any]) -> None:
        kind = item.get("type")
        if kind is None and ("role" in item or "id" in item):
            kind = "message" if "role" in item else "item_reference"
        kind = as_text(f"{at}/type", kind)
        if kind not in ITEMS:
            self._unknown(at, "other", item)
            return
        origin = self._origin(at, kind, item)
        if kind == "message":
            self._message(at, origin, item)
            return
        self._remember(item)
        named: dict[str, Named] = {}
        if kind == "item_reference":
            named["id"] = self.held("item")
        elif kind == "reasoning" and not item.get("encrypted_content") and not item.get("content"):
            named["id"] = self._stored
        elif kind == "mcp_list_tools":
            named["tools"] = self._listed
        ran = self._tool(item.get("name")) if kind == "mcp_call" else RESULTS.get(kind, origin)
        self._fields(at, origin, item, named, results=ran)

    def _origin(self, at: str, kind: str, item: dict[str, Any]) -> str:
        if kind == "message":
            return ROLES.get(as_text(f"{at}/role", item.get("role")), "other")
        if ITEMS[kind]:
            return ITEMS[kind]
        called = item.get("call_id")
        return self._tool(self._called.get(called, item.get("name")) if isinstance(called, str) else item.get("name"))

    @staticmethod
    def _tool(name: Any) -> str:
        return f"tool:{name}" if isinstance(name, str) and TOOL_NAME.fullmatch(name) else "tool:unknown"

    def _remember(self, item: dict[str, Any]) -> None:
        called, name = item.get("call_id"), item.get("name")
        if (
            isinstance(called, str)
            and isinstance(name, str)
            and item.get("type") in ("function_call", "custom_tool_call")
        ):
            self._called[called] = name

    def _message(self, at: str, origin: str, item: dict[str, Any]) -> None:
        content = item.get("content")
        if not isinstance(content, (str, list)):
            raise bad(f"{at}/content", "a string or a list of parts")
        self._fields(at, origin, item)
        if origin == "user" and self.first_user is None:
            self.first_user = plain(content)

    def _stored(self, at: str, origin: str, node: Any) -> None:
        """Reasoning without its content is looked up by the upstream; an empty summary says nothing of it."""
        if isinstance(node, str):
            self.held("item")(at, origin, node)
        else:
            self.ident(at, origin, node)

    def _listed(self, at: str, origin: str, node: Any) -> None:
        """Tools as a remote server described them."""
        known: dict[str, Reader | None] = {
            "name": None, "description": None, "annotations": None,
            "input_schema": lambda p, v: self.walk.schema(p, origin, v),
        }  # fmt: skip
        for i, tool in enumerate(as_list(at, node)):
            self.walk.fields(self.walk.at(at, str(i)), origin, as_object(f"{at}/{i}", tool), known)

    # -- members ------------------------------------------------------------------------------------------------------

    def _fields(
        self, at: str, origin: str, node: Mapping[str, Any], named: Mapping[str, Named] | None = None, results: str = ""
    ) -> None:
        """An object: each member to the reader of its name. ``results``: origin of what the item's tool answered."""
        readers = self._readers if not named else {**self._readers, **named}

        def bound(name: str, read: Named) -> Reader:
            mine = results if results and name in {"output", "outputs", "results", "error"} else origin
            return lambda p, v: None if v is None else read(p, mine, v)

        self.walk.fields(at, origin, node, {n: bound(n, readers[n]) for n in node if n in readers})

    def value(self, at: str, origin: str, node: Any) -> None:
        """Text, a short number, or objects made of members of the table."""
        if isinstance(node, dict):
            self._fields(at, origin, node)
        elif isinstance(node, list):
            for i, inner in enumerate(node):
                self.value(self.walk.at(at, str(i)), origin, inner)
        elif isinstance(node, str):
            self._body(at, origin, node)
        else:
            self.walk.setting(at, origin, node)

    def _words(self, allowed: frozenset[str]) -> Named:
        def read(at: str, origin: str, node: Any) -> None:
            if not (isinstance(node, str) and node in allowed):
                self.value(at, origin, node)

        return read

    def ident(self, at: str, origin: str, node: Any) -> None:
        if not ITEM_ID.fullmatch(as_text(at, node)) and not CALL_ID.fullmatch(node):
            self.walk.text(at, origin, node)

    def held(self, kind: str) -> Named:
        """An id, or a list of ids, of state that an upstream holds."""

        def read(at: str, origin: str, node: Any) -> None:
            if isinstance(node, list):
                for i, inner in enumerate(node):
                    read(self.walk.at(at, str(i)), origin, inner)
                return
            self.ident(at, origin, node)
            self.walk.references.append(Reference(kind, node))

        return read

    def _body(self, at: str, origin: str, text: str) -> None:
        """Results of tools are often JSON; it is walked inside, so that its escapes hide nothing."""
        if origin.startswith("tool:"):
            self.walk.nested(at, origin, text)
        else:
            self.walk.text(at, origin, text)

    def _inside(self, at: str, origin: str, node: Any) -> None:
        """What a tool is called with: JSON in a string, text, or JSON as it is."""
        if isinstance(node, str):
            self.walk.nested(at, origin, node)
        else:
            self.walk.free(at, origin, node, inside=1)

    def _data(self, at: str, origin: str, node: Any) -> None:
        """An address is text; data that no detector reads is uninspected."""
        if not isinstance(node, str):
            self.walk.free(at, origin, node)
            return
        before = len(self.walk.segments)
        self.walk.blob(at, origin, node)
        if node and len(self.walk.segments) == before:
            self.walk.uninspected.add("content:data")
            self.walk.content.add("unknown")

    def _blob(self, at: str, origin: str, node: Any) -> None:
        """Data of a part that is uninspected as a whole, or an address that the provider fetches."""
        self.walk.blob(at, origin, as_text(at, node))
        if provider_tools.is_url(node):
            self.walk.reaches.add(provider_tools.remote("fetch", node))

    def _quoted(self, at: str, origin: str, node: Any) -> None:
        """What was found or cited: its ids name the source and make nobody look it up."""
        if isinstance(node, list):
            for i, found in enumerate(node):
                self._quoted(self.walk.at(at, str(i)), origin, found)
        else:
            self._fields(at, origin, as_object(at, node), self._quotes)

    def _sealed(self, at: str, origin: str, node: Any) -> None:
        """What a provider encrypted for itself. What reads as text once decoded is no ciphertext."""
        text = as_text(at, node)
        if not _BASE64.fullmatch(text) or _readable(text):
            self.walk.text(at, origin, text)

    def _format(self, at: str, origin: str, node: Any) -> None:
        """Of audio a word, of text an object."""
        if isinstance(node, dict):
            self._form(at, node)
        else:
            self.walk.enum(at, origin, node, AUDIO)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _content(self, at: str, origin: str, node: Any) -> None:
        if isinstance(node, str):
            if node not in WORDS["generate_summary"] or not at.endswith("/summary"):
                self._body(at, origin, node)
            return
        for i, part in enumerate(as_list(at, node)):
            self.part(self.walk.at(at, str(i)), origin, as_object(f"{at}/{i}", part))

    def _result(self, at: str, origin: str, node: Any) -> None:
        """A text, parts, or objects as the tools of a provider make them."""
        if isinstance(node, list):
            for i, inner in enumerate(node):
                self._result(self.walk.at(at, str(i)), origin, inner)
        elif isinstance(node, dict) and "type" in node and node["type"] not in tuple(SMALL):
            self.part(at, origin, node)
        elif isinstance(node, dict):
            self._quoted(at, origin, node)
        else:
            self.value(at, origin, node)

    def part(self, at: str, origin: str, part: dict[str, Any]) -> None:
        kind = as_text(f"{at}/type", part.get("type"))
        if kind in TEXTS:
            member = "refusal" if kind == "refusal" else "text"
            as_text(f"{at}/{member}", part.get(member))
        elif kind in MEDIA:
            self.walk.content.add(MEDIA[kind])
            if any(part.get(name) for name in (*DATA, "input_audio")) or not part.get("file_id"):
                self.walk.uninspected.add(f"content:{kind}")
        else:
            self._unknown(at, origin, part)
            return
        self._fields(at, origin, part, self._media if kind in MEDIA else None)

    def _unknown(self, at: str, origin: str, node: Any) -> None:
        self.walk.uninspected.add("content:unknown")
        self.walk.content.add("unknown")
        self._opaque(at, origin, node)

    def _opaque(self, at: str, origin: str, node: Any) -> None:
        """Something unknown: its strings and keys are walked, base64 is not."""
        if isinstance(node, str):
            self.walk.blob(at, origin, node)
        elif isinstance(node, dict):
            for key, inner in node.items():
                below = self.walk.at(at, pointers.escape(key))
                self.walk.key(below, origin, key)
                self._opaque(below, origin, inner)
        elif isinstance(node, list):
            for i, inner in enumerate(node):
                self._opaque(self.walk.at(at, str(i)), origin, inner)
        elif isinstance(node, Number):
            self.walk.number(at, origin, node)


def plain(content: Any) -> str:
    """The text of a message."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))


def _readable(text: str) -> bool:
    try:
        base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=False).decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    return True
