"""Walks JSON into segments and writes edits back: every string, key and number, JSON inside strings included.

The walker knows nothing of a dialect; a dialect tells it origins and which leaves are protocol, not content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects.base import Segment, Untransformable
from proxy.dialects.json_text import Number, parse_text, serialize_text
from proxy.dialects.pointers import join
from proxy.errors import BadRequest

NESTED_DEPTH = 3
"""JSON in a string in JSON in a string …: deeper ones are inspected as the text they are."""

Edits = Mapping[tuple[str, str], str]


def nested(text: str) -> Any:
    """The document inside a string, or None when it is not a JSON object or array that can be written back."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value = parse_text(text)
    except BadRequest:
        return None
    return value if isinstance(value, (dict, list)) else None


class Walker:
    """Collects segments."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def text(self, pointer: str, origin: str, text: str, depth: int = 0) -> None:
        """A string: its own segment, or the segments of the document it holds."""
        inner = nested(text) if depth < NESTED_DEPTH else None
        if inner is not None:
            self.any(f"{pointer}#", origin, inner, depth + 1)
        elif text:
            self.segments.append(Segment(pointer, origin, text))

    def any(self, pointer: str, origin: str, value: Any, depth: int = 0, *, keys: bool = True) -> None:
        """Everything below ``value``; ``keys=False`` leaves this object's own keys out (they are schema)."""
        if isinstance(value, Number):
            self.segments.append(Segment(pointer, origin, str(value), "number"))
        elif isinstance(value, str):
            self.text(pointer, origin, value, depth)
        elif isinstance(value, dict):
            for key, item in value.items():
                at = join(pointer, key)
                if keys and key:
                    self.segments.append(Segment(at, origin, key, "key"))
                self.any(at, origin, item, depth)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                self.any(join(pointer, i), origin, item, depth)


def rewrite(value: Any, edits: Edits, pointer: str = "", depth: int = 0) -> Any:
    """``value`` with edits applied; unchanged parts are the same objects. Raises Untransformable."""
    if isinstance(value, Number):
        new = edits.get((pointer, "number"))
        if new is not None and new != value:
            raise Untransformable
        return value
    if isinstance(value, str):
        return _text(value, edits, pointer, depth)
    if isinstance(value, dict):
        return _object(value, edits, pointer, depth)
    if isinstance(value, list):
        items = [rewrite(item, edits, join(pointer, i), depth) for i, item in enumerate(value)]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def _text(value: str, edits: Edits, pointer: str, depth: int) -> str:
    new = edits.get((pointer, "text"))
    if new is not None:
        return new if new != value else value
    prefix = f"{pointer}#"
    if depth < NESTED_DEPTH and any(at.startswith(prefix) for at, _ in edits):
        inner = nested(value)
        changed = rewrite(inner, edits, prefix, depth + 1)
        if changed is not inner:
            return serialize_text(changed)
    return value


def _object(value: dict[str, Any], edits: Edits, pointer: str, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    changed = False
    for key, item in value.items():
        at = join(pointer, key)
        name = edits.get((at, "key"), key)
        if name in out:
            raise Untransformable
        out[name] = rewrite(item, edits, at, depth)
        changed = changed or name != key or out[name] is not item
    return out if changed else value
