"""Server-sent events, incremental: bytes in any chunking become events that keep their own bytes.

Follows the WHATWG HTML standard §9.2.6: lines end with CR, LF or CRLF, an empty line ends an event, ``data`` lines join
with LF. Untouched events can be passed on byte for byte with ``raw``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_EVENT = 16 * 1024 * 1024
"""Bytes of one event; an upstream that never ends one is cut off."""

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n|\r\n\r(?!\n)|\n\r(?!\n)")
_LINE = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Event:
    """One event or comment block. ``data`` is None where there is no data line."""

    raw: bytes = field(repr=False)
    data: str | None = field(repr=False)
    event: str = ""


class EventTooLarge(ValueError):
    """An event grew beyond MAX_EVENT."""


class SseParser:
    """``feed`` returns the events that are complete; ``close`` what is left, as bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._looked = 0

    def feed(self, chunk: bytes) -> list[Event]:
        self._buffer += chunk
        events = []
        while (end := self._next_end()) is not None:
            raw = bytes(self._buffer[:end])
            del self._buffer[:end]
            self._looked = 0
            events.append(parse_event(raw))
        if len(self._buffer) > MAX_EVENT:
            raise EventTooLarge
        return events

    def _next_end(self) -> int | None:
        match = _END.search(self._buffer, self._looked)
        if match is None:
            self._looked = max(0, len(self._buffer) - 4)
            return None
        if match.end() == len(self._buffer) and match[0].endswith(b"\r"):
            self._looked = max(0, match.start() - 3)
            return None  # the LF of a CRLF may still come
        return match.end()

    def close(self) -> Event | None:
        """An unfinished last event (an upstream may forget the empty line)."""
        raw = bytes(self._buffer)
        self._buffer.clear()
        return parse_event(raw) if raw else None


def parse_event(raw: bytes) -> Event:
    """Fields of one event block; bad UTF-8 becomes U+FFFD in the parsed view only (``raw`` stays)."""
    data: list[str] = []
    name = ""
    for line in _LINE.split(raw.decode("utf-8", "replace")):
        key, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data" and (colon or line == "data"):
            data.append(value)
        elif key == "event":
            name = value
    return Event(raw, "\n".join(data) if data else None, name)


def comment(text: str) -> bytes:
    """A comment block; clients ignore it."""
    return f": {text}\n\n".encode()


def data_event(json_text: bytes, name: str = "") -> bytes:
    """One data event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json_text + b"\n\n"
