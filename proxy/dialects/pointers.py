"""RFC 6901 JSON pointers, and their continuation into JSON that is held in a string (after ``#``)."""

from __future__ import annotations

from typing import Any


def escape(step: str) -> str:
    """One reference token (RFC 6901 §3). ``#`` becomes ``~2`` so that it always separates nested documents."""
    return step.replace("~", "~0").replace("/", "~1").replace("#", "~2")


def unescape(token: str) -> str:
    return token.replace("~2", "#").replace("~1", "/").replace("~0", "~")


def join(base: str, step: str | int) -> str:
    return f"{base}/{escape(str(step))}"


def steps(pointer: str) -> list[str]:
    """The unescaped tokens of a pointer without ``#``."""
    return [unescape(t) for t in pointer.split("/")[1:]]


def get(tree: Any, pointer: str) -> Any:
    """The value at a pointer. Raises KeyError, IndexError, ValueError or TypeError where there is none."""
    for step in steps(pointer):
        tree = tree[int(step)] if isinstance(tree, list) else tree[step]
    return tree
