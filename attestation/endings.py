"""Whether a body came to its own end. For protocols that cannot say so themselves: a cut between two sealed frames
leaves every frame authentic. Bodies of other kinds (sound, plain text) have no end of their own and cannot be received
this way.
"""

from __future__ import annotations

import json
import re
from typing import Any, Protocol

_JSON_MARK = re.compile(rb'\\[\s\S]|\\|[][{}"]')
_SPACE = b" \t\r\n"
MAX_LINE = 32 * 1024 * 1024
"""Longest line or event that is read for its end; a longer one has none."""


class Ending(Protocol):
    """Sees all plaintext, in pieces."""

    def feed(self, data: bytes) -> None: ...

    @property
    def over(self) -> bool: ...


class JsonEnding:
    """One JSON object or array: over when its last bracket is closed and only space follows. Finds cuts only."""

    __slots__ = ("_carry", "_depth", "_done", "_text", "_wrong")

    def __init__(self) -> None:
        self._carry = b""
        self._depth = 0
        self._text = self._done = self._wrong = False

    @property
    def over(self) -> bool:
        return self._done and not self._wrong

    def feed(self, data: bytes) -> None:
        data, self._carry, at = self._carry + data, b"", 0
        if not self._done and self._depth == 0:
            at = len(data) - len(data.lstrip(_SPACE))
            if at < len(data) and data[at] not in b"{[":
                self._wrong = True
        for match in () if self._done else _JSON_MARK.finditer(data, at):
            mark = match.group()
            if mark == b"\\" and self._text:  # the byte that it escapes is in the next piece
                self._carry = mark
            elif mark == b'"':
                self._text = not self._text
            elif not self._text and len(mark) == 1:
                self._depth += 1 if mark in b"{[" else -1
                if self._depth <= 0:
                    self._done, at = True, match.end()
                    break
        if self._done and data[at:].strip(_SPACE):
            self._wrong = True


class SseEnding:
    """A stream of server-sent events: over after one of ``marks`` as a line, with only empty lines behind it."""

    __slots__ = ("_line", "_longest", "_marks", "over")

    def __init__(self, marks: tuple[bytes, ...] = (b"data: [DONE]", b"data:[DONE]")) -> None:
        self._marks = frozenset(marks)
        self._longest = max(len(m) for m in marks) + 2
        self._line = b""
        self.over = False

    def feed(self, data: bytes) -> None:
        *lines, last = data.split(b"\n")
        for line in lines:
            self._end_line(self._line + line[: self._longest])
            self._line = b""
        self._line = (self._line + last)[: self._longest]
        if self._line.strip(b"\r"):
            self.over = self._line in self._marks

    def _end_line(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        if line:
            self.over = line in self._marks


class EventEnding:
    """A stream of server-sent events that ends with an event of one of ``names``, whole, with nothing behind it."""

    __slots__ = ("_line", "_longest", "_marks", "_named", "over")

    def __init__(self, names: tuple[bytes, ...]) -> None:
        self._marks = frozenset(b"event:" + space + name for name in names for space in (b"", b" "))
        self._longest = max(map(len, self._marks)) + 2
        self._line = b""
        self._named = self.over = False

    def feed(self, data: bytes) -> None:
        *lines, last = data.split(b"\n")
        for line in lines:
            self._end_line((self._line + line)[: self._longest].removesuffix(b"\r"))
            self._line = b""
        self._line = (self._line + last)[: self._longest]
        if self._line.strip(b"\r"):
            self.over = False

    def _end_line(self, line: bytes) -> None:
        if not line:  # an event is whole with the empty line behind it
            self.over = self.over or self._named
            self._named = False
            return
        self.over = False
        if line.startswith(b"event:"):
            self._named = line in self._marks


class DoneEnding:
    """Ollama's answers, whole or streamed: one JSON object in each line, over after one that says ``done``, or that an
    error ended it. The first line of a cut stream is a whole document too: so that of an answer must say it as well."""

    __slots__ = ("_ended", "_line", "_long")

    def __init__(self) -> None:
        self._line = bytearray()
        self._ended = self._long = False

    @property
    def over(self) -> bool:
        """The last line may be without its newline."""
        return not self._long and (_done(bytes(self._line)) if self._line.strip(_SPACE) else self._ended)

    def feed(self, data: bytes) -> None:
        *lines, last = data.split(b"\n")
        for line in lines:
            self._line += line
            if self._line.strip(_SPACE):
                self._ended = _done(bytes(self._line))
            self._line.clear()
        self._line += last
        self._long |= len(self._line) > MAX_LINE
        if self._long:
            self._line.clear()


def _done(line: bytes) -> bool:
    if b"done" not in line and b"error" not in line:
        return False
    tree = _object(line)
    return tree.get("done") is True or isinstance(tree.get("error"), str)


class CandidateEnding:
    """Gemini's streams, which have no last mark: over when each of the ``count`` candidates that were asked for has its
    reason to finish, the prompt was blocked, or with an error, and all events are whole. One more could be cut off
    unseen: with one there is no end, and neither with one that is missing."""

    __slots__ = ("_count", "_data", "_ended", "_finished", "_line", "_wrong")

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._line = bytearray()
        self._data: list[bytes] = []
        self._finished: set[int] = set()
        self._ended = self._wrong = False

    @property
    def over(self) -> bool:
        ended = self._ended or len(self._finished) == self._count
        return ended and not self._wrong and not self._data and not self._line.strip(b"\r")

    def feed(self, data: bytes) -> None:
        *lines, last = data.split(b"\n")
        for line in lines:
            self._line += line
            self._end_line(bytes(self._line.removesuffix(b"\r")))
            self._line.clear()
        self._line += last
        if len(self._line) + sum(map(len, self._data)) > MAX_LINE:
            self._wrong = True
            self._line.clear()
            self._data.clear()

    def _end_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:])
        elif not line and self._data:
            self._event(_object(b"\n".join(self._data)))
            self._data.clear()

    def _event(self, tree: dict[str, Any]) -> None:
        feedback, candidates = tree.get("promptFeedback"), tree.get("candidates", [])
        blocked = isinstance(feedback, dict) and isinstance(feedback.get("blockReason"), str)
        if isinstance(tree.get("error"), dict) or blocked:
            self._ended = True
        if not isinstance(candidates, list) or not all(isinstance(c, dict) for c in candidates):
            self._wrong = True
            return
        for candidate in candidates:
            index = candidate.get("index", 0)
            if type(index) is not int or not 0 <= index < self._count:
                self._wrong = True
            elif isinstance(candidate.get("finishReason"), str):
                self._finished.add(index)
            else:
                self._finished.discard(index)


def _object(raw: bytes) -> dict[str, Any]:
    """An authentic piece of an answer; empty where it is no JSON object."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}
