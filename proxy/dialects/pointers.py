"""RFC 6901 pointers, continued with ``#`` into strings that hold JSON; and edits of a tree by pointer.

``/a/b#/c`` is member ``c`` of the document in the string at ``/a/b``. So that a ``#`` in a key cannot be taken for that
step, it is written ``~2`` (an addition to the ``~0`` and ``~1`` of RFC 6901 §3; without it two places could share one
pointer and an edit could hit the wrong one). Edits never change a tree in place and never change a JSON type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.base import Untransformable
from proxy.dialects.json_text import NUMBER, Number
from proxy.errors import Misuse

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")

NESTED_DEPTH = 32
"""Levels of a document inside a string."""


def escape(token: str) -> str:
    """One reference token, as it stands in a pointer."""
    if "~" not in token and "/" not in token and "#" not in token:
        return token
    return token.replace("~", "~0").replace("/", "~1").replace("#", "~2")


def unescape(token: str) -> str:
    """The inverse of :func:`escape`, in the order RFC 6901 §4 demands."""
    return token.replace("~2", "#").replace("~1", "/").replace("~0", "~")


def split(pointer: str) -> list[list[str]]:
    """The reference tokens of each level of nesting. Raises ValueError for what is no pointer."""
    levels: list[list[str]] = []
    for level in pointer.split("#"):
        if level and not level.startswith("/"):
            raise ValueError("not a JSON pointer")
        levels.append([unescape(t) for t in level.split("/")[1:]])
    return levels


def nested(text: str) -> Any:
    """The document in a string. Raises json_text.InvalidJson."""
    return json_text.loads(text, max_depth=NESTED_DEPTH)


def get(tree: Any, pointer: str) -> Any:
    """The node at ``pointer``. Raises KeyError if there is none, ValueError for what is no pointer."""
    first, *inner = split(pointer)
    node = _descend(tree, first)
    for level in inner:
        if not isinstance(node, str):
            raise KeyError("no nested document here")
        node = _descend(nested(node), level)
    return node


def _descend(node: Any, tokens: list[str]) -> Any:
    for token in tokens:
        if isinstance(node, dict):
            node = node[token]
        elif isinstance(node, list):
            node = node[_index(token, len(node))]
        else:
            raise KeyError("no such place")
    return node


def _index(token: str, length: int) -> int:
    if not _INDEX.fullmatch(token) or int(token) >= length:
        raise KeyError("no such place")
    return int(token)


def put(tree: Any, pointer: str, node: Any) -> Any:
    """A copy of ``tree`` with ``node`` at ``pointer``. Raises Untransformable for a place inside a string."""
    if "#" in pointer:
        raise Untransformable
    return _put(tree, split(pointer)[0], node)


def _put(tree: Any, tokens: list[str], node: Any) -> Any:
    if not tokens:
        return node
    first, *rest = tokens
    if isinstance(tree, dict) and first in tree:
        return {key: _put(value, rest, node) if key == first else value for key, value in tree.items()}
    if isinstance(tree, list):
        at = _index(first, len(tree))
        return [*tree[:at], _put(tree[at], rest, node), *tree[at + 1 :]]
    raise Misuse("an edit leads nowhere")


@dataclass(slots=True)
class _Plan:
    """What happens at one place and below it."""

    value: str | None = field(default=None, repr=False)
    number: bool = False
    key: str | None = field(default=None, repr=False)
    children: dict[str, _Plan] = field(default_factory=dict, repr=False)
    inner: _Plan | None = field(default=None, repr=False)

    def child(self, token: str) -> _Plan:
        return self.children.setdefault(token, _Plan())


def edit(tree: Any, edits: Mapping[tuple[str, str], str]) -> Any:
    """A copy of ``tree`` with ``edits`` ((pointer, kind) -> new text) applied; what is not edited is shared.

    Raises Untransformable when a number would stop being one or two keys would become one, Misuse when a pointer
    leads nowhere.
    """
    root = _Plan()
    for (pointer, kind), text in edits.items():
        _plan(root, pointer, kind, text)
    return _apply(tree, root)


def _plan(root: _Plan, pointer: str, kind: str, text: str) -> None:
    at = root
    for depth, level in enumerate(split(pointer)):
        if depth:
            at.inner = at.inner or _Plan()
            at = at.inner
        for token in level:
            at = at.child(token)
    if kind == "key":
        at.key = text
    else:
        at.value = text
        at.number = kind == "number"


def _apply(node: Any, plan: _Plan) -> Any:
    if plan.value is not None:
        return _leaf(node, plan.value, number=plan.number)
    if plan.inner is not None:
        if not isinstance(node, str):
            raise Misuse("an edit leads into what is no document")
        return json_text.serialize_text(_apply(nested(node), plan.inner))
    if not plan.children:
        return node
    if isinstance(node, dict):
        return _members(node, plan)
    if isinstance(node, list):
        made = list(node)
        for token, child in plan.children.items():
            at = _index(token, len(made))
            made[at] = _apply(made[at], child)
        return made
    raise Misuse("an edit leads nowhere")


def _leaf(node: Any, text: str, *, number: bool) -> Any:
    if number != isinstance(node, Number) or not isinstance(node, (str, Number)):
        raise Misuse("an edit does not fit its place")
    if not number:
        return text
    if not NUMBER.fullmatch(text):
        raise Untransformable
    return Number(text)


def _members(node: dict[str, Any], plan: _Plan) -> dict[str, Any]:
    if not plan.children.keys() <= node.keys():
        raise Misuse("an edit leads nowhere")
    made: dict[str, Any] = {}
    for key, value in node.items():
        child = plan.children.get(key)
        if child is None:
            made[key] = value
        else:
            made[key if child.key is None else child.key] = _apply(value, child)
    if len(made) != len(node):
        raise Untransformable
    return made
