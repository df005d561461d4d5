"""Mutations of JSON documents and of bytes, from a seeded source: what a fuzzer does, small enough to read.

Structure-aware: members are dropped, renamed, doubled, moved, wrapped, crossed with other documents of the corpus.
:data:`CANARY` is planted as a value, a key, inside JSON in a string, or as a number (:data:`NUMBER`).
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

CANARY = "canary7Qz9w"
NUMBER = 902731845562
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2.50, 10**30, "", " ", "user", "assistant", "tool", "text", "\u2028", "é😀", "{", "[]",
    "~1",
    '{"a": "x", "a#": ["y"]}', "data:text/plain;base64,aGVsbG8=", "data:,", "https://x.example/a?b=c", [], {},
    [[]], {"": ""},
    {"type": "text", "text": "x"}, "resp_" + "ab" * 20, "x" * 90,
)  # fmt: skip
Place = tuple[Any, Any]
"""A holder and the key or index in it."""


def places(tree: Any) -> list[Place]:
    """Every member and element of a document."""
    out: list[Place] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        inside = (
            list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
        )
        out += [(node, key) for key, _ in inside]
        waiting += [value for _, value in inside]
    return out


class Mutator:
    """Mutations drawn from ``seed``; ``corpus`` are documents to cross with."""

    def __init__(self, seed: int, corpus: Sequence[Any]) -> None:
        self._dice = random.Random(seed)
        self._corpus = corpus

    def document(self, tree: Any, *, plant: bool = False) -> Any:
        """A changed copy; with ``plant`` the canary is in it once or more."""
        tree = {"": copy.deepcopy(tree)}  # so that the top is a member too
        for _ in range(self._dice.choice((0, 0, 1, 1, 2, 4))):
            self._change(*self._place(tree))
        if plant:
            for _ in range(self._dice.choice((1, 1, 2))):
                self._plant(*self._place(tree))
        return tree[""]

    def _place(self, tree: Any) -> Place:
        return self._dice.choice(places(tree)[1:] or places(tree))

    def _other(self) -> Any:
        """A value, or a piece of another document."""
        if self._dice.random() < 0.5:
            return copy.deepcopy(self._dice.choice(ODD))
        holder, key = self._dice.choice(places(self._dice.choice(self._corpus)) or [([0], 0)])
        return copy.deepcopy(holder[key])

    def _change(self, holder: Any, key: Any) -> None:
        change: Callable[[Any, Any], None] = self._dice.choice(
            (self._drop, self._double, self._wrap, self._say, self._replace, self._replace, self._rename, self._add)
        )
        change(holder, key)

    def _drop(self, holder: Any, key: Any) -> None:
        if len(holder) > 1:
            del holder[key]

    def _double(self, holder: Any, key: Any) -> None:
        if isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[f"{key}2"] = copy.deepcopy(holder[key])

    def _wrap(self, holder: Any, key: Any) -> None:
        holder[key] = [holder[key]] if self._dice.random() < 0.5 else {"text": holder[key]}

    def _say(self, holder: Any, key: Any) -> None:
        holder[key] = json.dumps(holder[key])

    def _replace(self, holder: Any, key: Any) -> None:
        holder[key] = self._other()

    def _name(self) -> str:
        names = [k for _, k in places(self._dice.choice(self._corpus)) if isinstance(k, str)]
        return self._dice.choice((*names, "zzz", "~2", "a#", ""))

    def _rename(self, holder: Any, key: Any) -> None:
        if isinstance(holder, dict) and key:
            holder[self._name()] = holder.pop(key)

    def _add(self, holder: Any, key: Any) -> None:
        node = holder[key]
        if isinstance(node, dict):
            node[self._name()] = self._other()
        elif isinstance(node, list):
            node.append(self._other())

    def _plant(self, holder: Any, key: Any) -> None:
        node = holder[key]
        canary: Any = self._dice.choice(
            (CANARY, CANARY, f"say {CANARY}", NUMBER, {"x": CANARY}, [CANARY], json.dumps({"x": [CANARY], CANARY: 1}),
             json.dumps({"x": json.dumps([CANARY])}), {CANARY: "x"}, {CANARY: {"y": CANARY}})
        )  # fmt: skip
        if isinstance(node, dict) and self._dice.random() < 0.7:
            node[self._dice.choice((CANARY, self._name()))] = canary
        elif isinstance(node, list) and self._dice.random() < 0.5:
            node.append(canary)
        elif isinstance(node, str) and self._dice.random() < 0.5:
            at = self._dice.randrange(len(node) + 1)
            holder[key] = node[:at] + CANARY + node[at:]
        else:
            holder[key] = canary

    def harm(self, data: bytes) -> bytes:
        """Bytes that were flipped, dropped, doubled, put in, or cut off."""
        out = bytearray(data)
        for _ in range(self._dice.choice((1, 1, 2, 5))):
            at = self._dice.randrange(len(out) + 1)
            size = self._dice.choice((1, 1, 3, 20))
            kind = self._dice.randrange(6)
            if kind == 0 and at < len(out):
                out[at] ^= 1 << self._dice.randrange(8)
            elif kind == 1:
                del out[at : at + size]
            elif kind == 2:
                out[at:at] = out[at : at + size]
            elif kind == 3:
                del out[at:]
            else:
                out[at:at] = self._dice.choice(
                    (b"\xff", b"\xef\xbb\xbf", b"\0", b'"', b"\\", b"\\ud83d", b"[" * size, b"{", b"}", b",",
                     b"\n\n", b"\r",
                     b"data: ", b"data: [DONE]\n\n", b"NaN", b"1e999", b"9" * 40, CANARY.encode())
                )  # fmt: skip
        return bytes(out)

    def pieces(self, data: bytes) -> list[bytes]:
        """``data`` cut anywhere."""
        most = self._dice.choice((1, 3, 11, 200))
        out, at = [], 0
        while at < len(data):
            size = self._dice.randint(1, most)
            out.append(data[at : at + size])
            at += size
        return out
