"""Whether a body came to its own end. For protocols that cannot say so themselves: a cut between two sealed frames
leaves every frame authentic. Bodies of other kinds (sound, plain text) have no end of their own and cannot be received
this way.
"""

from __future__ import annotations

import re
from typing import Protocol

_JSON_MARK = re.compile(rb'\\[\s\S]|\\|[][{}"]')
_SPACE = b" \t\r\n"


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
