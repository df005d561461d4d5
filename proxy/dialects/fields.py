"""Readers of single fields that the smaller dialects share, and what their answers have in common. It decides nothing.

A reader takes the pointer of a field and its node, and raises BadRequest where the JSON type is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from proxy.dialects import json_text, pointers, provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_tools import as_list, as_object, as_text, bad
from proxy.dialects.walk import Walk

Reader = Callable[[str, Any], None]
Table = Mapping[str, Reader | None]

TOKENS = "content:tokens"
"""Token ids: nobody here knows the vocabulary, so nobody can read them."""
MAX_COUNT = 15
"""Digits of a usage number; longer ones are nonsense."""


class Fields:
    """Readers over one walk. ``None`` as a value of an optional field stands for its absence."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    def table(
        self,
        numbers: Iterable[str] = (),
        flags: Iterable[str] = (),
        words: Mapping[str, frozenset[str]] | None = None,
    ) -> dict[str, Reader | None]:
        """Readers of settings by kind: numbers, booleans, and strings with the words that need no look."""
        made: dict[str, Reader | None] = {"model": lambda at, node: None}
        made |= dict.fromkeys(numbers, unless_null(self.number))
        made |= dict.fromkeys(flags, unless_null(flag))
        return made | {name: self.words(allowed) for name, allowed in (words or {}).items()}

    def number(self, at: str, node: Any) -> None:
        if not isinstance(node, Number):
            raise bad(at, "a number")
        self.walk.setting(at, "other", node)

    def words(self, allowed: frozenset[str], origin: str = "other") -> Reader:
        return unless_null(lambda at, node: self.walk.enum(at, origin, as_text(at, node), allowed))

    def text(self, origin: str) -> Reader:
        return self.words(frozenset(), origin)

    def object(self, at: str, node: Any) -> None:
        """An object of which nothing is known."""
        self.walk.fields(at, "other", as_object(at, node), {})

    def stop(self, at: str, node: Any) -> None:
        if not isinstance(node, str) and not (isinstance(node, list) and all(isinstance(s, str) for s in node)):
            raise bad(at, "a string or a list of strings")
        self.walk.free(at, "other", node)

    def logit_bias(self, at: str, node: Any) -> None:
        for key, value in as_object(at, node).items():
            below = self.walk.at(at, pointers.escape(key))
            if not (key.isascii() and key.isdigit() and len(key) <= 6):
                self.walk.key(below, "other", key)
            self.walk.setting(below, "other", value)

    def texts(self, at: str, node: Any) -> None:
        """A text or a list of texts from the user; or token ids, one list or several, which are uninspected."""
        if isinstance(node, str):
            self.walk.text(at, "user", node)
        elif isinstance(node, list) and all(isinstance(item, str) for item in node):
            for i, item in enumerate(node):
                self.walk.text(self.walk.at(at, str(i)), "user", item)
        elif _tokens(node) or (isinstance(node, list) and all(_tokens(item) for item in node)):
            self.walk.uninspected.add(TOKENS)
            self.walk.content.add("unknown")
        else:
            raise bad(at, "a string, a list of strings, or token ids")

    def opaque(self, kind: str, at: str, node: Any, words: frozenset[str] = frozenset()) -> None:
        """A part nobody reads (``kind``: image, audio, …): its strings and keys are still walked, base64 is not."""
        self.walk.uninspected.add(f"content:{kind}")
        self.walk.content.add(kind)
        self._inside(at, node, words)

    def _inside(self, at: str, node: Any, words: frozenset[str]) -> None:
        if isinstance(node, str):
            if node not in words:
                self.walk.blob(at, "user", node)
                if provider_tools.is_url(node):
                    self.walk.reaches.add(provider_tools.remote("fetch", node))
        elif isinstance(node, dict):
            for key, value in node.items():
                below = self.walk.at(at, pointers.escape(key))
                if key not in words:
                    self.walk.key(below, "user", key)
                if key == "file_id" and isinstance(value, str):
                    self.walk.references.append(Reference("file", value))
                self._inside(below, value, words)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self._inside(self.walk.at(at, str(i)), value, words)
        else:
            self.walk.free(at, "user", node)


def _tokens(node: Any) -> bool:
    return isinstance(node, list) and all(isinstance(n, Number) and n.lexeme.isdigit() for n in node)


def unless_null(read: Reader) -> Reader:
    return lambda at, node: None if node is None else read(at, node)


def flag(at: str, node: Any) -> None:
    if not isinstance(node, bool):
        raise bad(at, "true or false")


def parts(at: str, node: Any) -> Iterable[tuple[str, dict[str, Any], str]]:
    """(pointer, part, its type) of a list of typed parts."""
    for i, raw in enumerate(as_list(at, node)):
        part = as_object(f"{at}/{i}", raw)
        yield f"{at}/{i}", part, as_text(f"{at}/{i}/type", part.get("type"))


def first_text(node: Any) -> str:
    """What ties the stand-ins of equal requests together: a text, or the first of several."""
    if isinstance(node, list) and node:
        node = node[0]
    return node if isinstance(node, str) else ""


def answer_object(body: bytes) -> dict[str, Any]:
    """The tree of a complete answer. Raises ValueError for what is no JSON object."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict):
        raise ValueError("the answer is no object")
    return tree


def usage(tree: Mapping[str, Any]) -> dict[str, int]:
    """``tokens_in`` and ``tokens_out``, where the answer says them under either of the vendor's names."""
    said = tree.get("usage")
    if not isinstance(said, dict):
        return {}
    names = {"tokens_in": ("prompt_tokens", "input_tokens"), "tokens_out": ("completion_tokens", "output_tokens")}
    found = {ours: said.get(theirs[0], said.get(theirs[1])) for ours, theirs in names.items()}
    return {
        name: int(count.lexeme)
        for name, count in found.items()
        if isinstance(count, Number) and count.lexeme.isdigit() and len(count.lexeme) <= MAX_COUNT
    }
