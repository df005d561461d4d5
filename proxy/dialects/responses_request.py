"""The top level of a Responses request: one table of its fields. Items are in ``responses_items``, tools in
``responses_tools``.

A field that is not in the table is walked like any unknown JSON. A known field of the wrong JSON type is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.dialects import pointers
from proxy.dialects.json_text import Number
from proxy.dialects.openai_tools import as_list, as_object, as_text, bad
from proxy.dialects.responses_items import Items
from proxy.dialects.responses_tools import ResponseTools
from proxy.dialects.walk import Walk

Reader = Callable[[str, Any], None]

NUMBERS = (
    "temperature", "top_p", "max_output_tokens", "max_tool_calls", "top_logprobs", "presence_penalty",
    "frequency_penalty", "seed", "top_k", "min_p", "repetition_penalty",
)  # fmt: skip
FLAGS = ("stream", "store", "background", "parallel_tool_calls")
ENUMS = {
    "truncation": frozenset({"auto", "disabled"}),
    "service_tier": frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"}),
    "prompt_cache_retention": frozenset({"in_memory", "in-memory", "24h"}),
    "user": frozenset[str](), "safety_identifier": frozenset[str](), "prompt_cache_key": frozenset[str](),
}  # fmt: skip
"""Strings, and the words among them that need no look."""
SETTINGS = (
    "reasoning", "text", "stream_options", "prompt_cache_options", "access_programs", "image", "moderation",
    "context_management", "background_options",
)  # fmt: skip
"""Objects made of members that items have too."""
INCLUDES = frozenset(
    {"file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
     "code_interpreter_call.outputs", "message.input_image.image_url", "computer_call_output.output.image_url",
     "reasoning.encrypted_content", "message.output_text.logprobs"}
)  # fmt: skip
STARTS = ("input", "prompt", "conversation", "previous_response_id")
"""One of these a request must have."""


class Request:
    """Reads one tree into ``walk``. Raises BadRequest with the pointer of the field that is wrong."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.walk = Walk()
        self._text = ""
        self._tools = ResponseTools(self.walk)
        self._items = Items(self.walk, self._tools.definitions, self._tools.form)
        if not isinstance(tree.get("model"), str) or not tree["model"]:
            raise bad("/model", "a model name", code="missing_model")
        if all(tree.get(name) is None for name in STARTS):
            raise bad("/input", "a text or a list of items", code="missing_input")
        self.walk.fields("", "other", tree, self._top())
        self.first_user = self._text or self._items.first_user or ""

    def _top(self) -> dict[str, Reader | None]:
        optional: dict[str, Reader] = {
            "input": self._input,
            "instructions": self._instructions,
            "tools": self._tools.definitions,
            "tool_choice": self._tools.choice,
            "prompt": self._prompt,
            "include": self._include,
            "conversation": self._conversation,
            "previous_response_id": lambda at, node: self._items.held("response")(at, "other", node),
            "metadata": lambda at, node: self.walk.fields(at, "other", as_object(at, node), {}),
        }
        optional |= dict.fromkeys(SETTINGS, self._settings)
        optional |= dict.fromkeys(NUMBERS, self._number)
        optional |= dict.fromkeys(FLAGS, _flag)
        optional |= {name: self._words(words) for name, words in ENUMS.items()}
        table: dict[str, Reader | None] = {name: _unless_null(read) for name, read in optional.items()}
        return table | {"model": lambda at, node: None}

    def _number(self, at: str, node: Any) -> None:
        if not isinstance(node, Number):
            raise bad(at, "a number")
        self.walk.setting(at, "other", node)

    def _words(self, allowed: frozenset[str]) -> Reader:
        return lambda at, node: self.walk.enum(at, "other", as_text(at, node), allowed)

    def _settings(self, at: str, node: Any) -> None:
        if not isinstance(node, (dict, list)):
            raise bad(at, "an object")
        self._items.value(at, "other", node)

    def _input(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            self._text = node
            self.walk.text(at, "user", node)
        elif isinstance(node, list):
            self._items.items(at, node)
        else:
            raise bad(at, "a string or a list of items")

    def _instructions(self, at: str, node: Any) -> None:
        if isinstance(node, list):
            self._items.items(at, node)
        else:
            self.walk.text(at, "system", as_text(at, node))

    def _prompt(self, at: str, node: Any) -> None:
        """A template that the upstream holds, and what the app puts into it."""
        known: dict[str, Reader | None] = {
            "id": lambda p, v: self._items.held("prompt")(p, "other", v),
            "version": None,
            "variables": _unless_null(self._variables),
        }
        self.walk.fields(at, "other", as_object(at, node), known)

    def _variables(self, at: str, node: Any) -> None:
        for name, value in as_object(at, node).items():
            below = self.walk.at(at, pointers.escape(name))
            self.walk.key(below, "user", name)
            if isinstance(value, dict):
                self._items.part(below, "user", value)
            else:
                self.walk.free(below, "user", value)

    def _include(self, at: str, node: Any) -> None:
        for i, word in enumerate(as_list(at, node)):
            self.walk.enum(self.walk.at(at, str(i)), "other", word, INCLUDES)

    def _conversation(self, at: str, node: Any) -> None:
        """By id, or an object that holds it."""
        held = self._items.held("conversation")
        if isinstance(node, str):
            held(at, "other", node)
        else:
            self.walk.fields(at, "other", as_object(at, node), {"id": lambda p, v: held(p, "other", v)})


def _unless_null(read: Reader) -> Reader:
    return lambda at, node: None if node is None else read(at, node)


def _flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")
