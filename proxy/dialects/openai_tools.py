"""Tools in a chat request: definitions, choices, calls of earlier turns, and schemas of structured answers.

Arguments are JSON inside a string and are walked inside it. Tools that the provider runs itself are uninspected: what
they send on is not in this request.
"""

from __future__ import annotations

import re
from typing import Any

from proxy.dialects import provider_tools
from proxy.dialects.walk import Walk
from proxy.errors import BadRequest

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
CALL_ID = re.compile(
    r"(?:(?:call|toolu|fc)_|chatcmpl-tool-)(?![A-Za-z0-9]*(?:[0-9]{7}|A[KS]IA|AIza))[A-Za-z0-9]{16,64}"
)
"""Ids as providers make them (long, without a run of digits) look like secrets; all others are text."""

_CALL_TYPES = frozenset({"function", "custom"})
_CHOICES = frozenset({"none", "auto", "required"})
_CHOICE_TYPES = _CALL_TYPES | {"allowed_tools"}
_FORMATS = frozenset({"text", "json_object", "json_schema", "grammar"})
_GRAMMARS = frozenset({"lark", "regex"})


def bad(pointer: str, expected: str, code: str | None = None) -> BadRequest:
    """A field of the wrong type; ``pointer`` is made of known names and indexes only."""
    return BadRequest(f"{pointer}: expected {expected}.", code=code)


def as_object(at: str, node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):
        raise bad(at, "an object")
    return node


def as_list(at: str, node: Any) -> list[Any]:
    if not isinstance(node, list):
        raise bad(at, "a list")
    return node


def as_text(at: str, node: Any) -> str:
    if not isinstance(node, str):
        raise bad(at, "a string")
    return node


def ident(walk: Walk, at: str, origin: str, value: str) -> None:
    """The id of a call."""
    (walk.opaque if CALL_ID.fullmatch(value) else walk.text)(at, origin, value)


class Tools:
    """Reads everything about tools into a walk. ``called`` maps the id of each earlier call to its tool's name."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.called: dict[str, str] = {}

    # -- definitions --------------------------------------------------------------------------------------------------

    def definitions(self, at: str, node: Any) -> None:
        for i, raw in enumerate(as_list(at, node)):
            tool = as_object(f"{at}/{i}", raw)
            kind = as_text(f"{at}/{i}/type", tool.get("type"))
            if kind == "function":
                as_object(f"{at}/{i}/function", tool.get("function"))
            elif kind != "custom":
                self._walk.reaches.add(provider_tools.tool(kind))
            self._walk.fields(
                f"{at}/{i}", "system", tool,
                {"type": lambda p, v: self._walk.enum(p, "system", v, _CALL_TYPES),
                 "function": self._function, "custom": self._custom},
            )  # fmt: skip

    def functions(self, at: str, node: Any) -> None:
        """The legacy list."""
        for i, raw in enumerate(as_list(at, node)):
            self._function(f"{at}/{i}", raw)

    def _function(self, at: str, node: Any) -> None:
        self._walk.fields(
            at, "system", as_object(at, node),
            {"name": self._defined, "description": None, "strict": None,
             "parameters": lambda p, v: self._walk.schema(p, "system", v)},
        )  # fmt: skip

    def _custom(self, at: str, node: Any) -> None:
        known = {"name": self._defined, "description": None, "format": self._format}
        self._walk.fields(at, "system", as_object(at, node), known)

    def _defined(self, at: str, node: Any) -> None:
        name = as_text(at, node)
        self._walk.tools.add(name if TOOL_NAME.fullmatch(name) else "unknown")
        self._walk.text(at, "system", name)

    # -- choices and formats ------------------------------------------------------------------------------------------

    def choice(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            self._walk.enum(at, "system", node, _CHOICES)
            return
        self._walk.fields(
            at, "system", as_object(at, node),
            {"type": lambda p, v: self._walk.enum(p, "system", v, _CHOICE_TYPES), "name": None,
             "mode": lambda p, v: self._walk.enum(p, "system", v, _CHOICES),
             "function": self.choice, "custom": self.choice, "allowed_tools": self.choice, "tools": self._allowed},
        )  # fmt: skip

    def _allowed(self, at: str, node: Any) -> None:
        for i, tool in enumerate(as_list(at, node)):
            self.choice(f"{at}/{i}", tool)

    def response_format(self, at: str, node: Any) -> None:
        self._format(at, as_object(at, node))

    def _format(self, at: str, node: Any) -> None:
        self._walk.fields(
            at, "system", as_object(at, node),
            {"type": lambda p, v: self._walk.enum(p, "system", v, _FORMATS), "json_schema": self._format,
             "grammar": self._format, "name": None, "description": None, "definition": None, "strict": None,
             "syntax": lambda p, v: self._walk.enum(p, "system", v, _GRAMMARS),
             "schema": lambda p, v: self._walk.schema(p, "system", v)},
        )  # fmt: skip

    # -- calls of earlier turns ---------------------------------------------------------------------------------------

    def calls(self, at: str, origin: str, node: Any) -> None:
        for i, raw in enumerate(as_list(at, node)):
            call = as_object(f"{at}/{i}", raw)
            self._walk.fields(
                f"{at}/{i}", origin, call,
                {"type": lambda p, v: self._walk.enum(p, origin, v, _CALL_TYPES),
                 "id": lambda p, v: self.call_id(p, origin, v),
                 "index": lambda p, v: self._walk.setting(p, origin, v),
                 "function": lambda p, v: self.call(p, origin, v),
                 "custom": lambda p, v: self.call(p, origin, v)},
            )  # fmt: skip
            self._remember(call)

    def _remember(self, call: dict[str, Any]) -> None:
        inner = call.get("function") or call.get("custom") or {}
        name, ident = inner.get("name"), call.get("id")
        if isinstance(ident, str) and isinstance(name, str):
            self.called[ident] = name

    def call(self, at: str, origin: str, node: Any) -> None:
        """One call: a name and arguments (JSON in a string) or input (text that may be JSON)."""

        def inside(pointer: str, value: Any) -> None:
            self._walk.nested(pointer, origin, as_text(pointer, value))

        def name(pointer: str, value: Any) -> None:
            self._walk.text(pointer, origin, as_text(pointer, value))

        self._walk.fields(at, origin, as_object(at, node), {"name": name, "arguments": inside, "input": inside})

    def call_id(self, at: str, origin: str, node: Any) -> None:
        if node is not None:
            ident(self._walk, at, origin, as_text(at, node))

    def origin(self, message: dict[str, Any]) -> str:
        """Whose result a message is: the tool of the call it answers, by id, or the name it gives."""
        name, called = message.get("name"), message.get("tool_call_id")
        if isinstance(called, str) and called in self.called:
            name = self.called[called]
        return f"tool:{name}" if isinstance(name, str) and TOOL_NAME.fullmatch(name) else "tool:unknown"
