"""Server-sent events, read and written incrementally (WHATWG HTML §9.2.6). Theory of operation:

* An event ends at an empty line. Each keeps the very bytes it came in, so that what is not touched passes unchanged,
  and the pieces of any chunking add up to the same events.
* A line may end in CR, LF or CRLF. A CR at the end of a chunk waits for the next byte, which belongs to it if it is LF.
* Lines are decoded when they are complete, so that a chunk may cut a character.
* What is buffered is bounded; it never grows with the length of a stream.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LINE_BYTES = 8 * 2**20
MAX_EVENT_BYTES = 16 * 2**20

_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class TooLong(ValueError):
    """A line or an event is longer than is buffered."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it came (``raw``, its empty line included). ``data`` is None where it had no data line."""

    raw: bytes = field(repr=False)
    data: str | None = field(default=None, repr=False)
    event: str = ""
    id: str | None = field(default=None, repr=False)
    retry: int | None = None

    def with_data(self, data: str) -> bytes:
        """The same event carrying other data; every other line, comments included, keeps its bytes."""
        out: list[bytes] = []
        written = False
        for line in _lines(self.raw):
            content = line.rstrip(b"\r\n")
            name = content.removeprefix(_BOM) if not out else content
            if name != b"data" and not name.startswith(b"data:"):
                out.append(line)
            elif not written:
                written = True
                ending = line[len(content) :] or b"\n"
                out += [b"data: " + part.encode("utf-8") + ending for part in data.split("\n")]
        return b"".join(out)


def write(data: str) -> bytes:
    """A plain event."""
    return b"".join(b"data: " + part.encode("utf-8") + b"\n" for part in data.split("\n")) + b"\n"


def comment(text: str) -> bytes:
    """A comment of one line; readers ignore it."""
    return b": " + " ".join(text.splitlines()).encode("utf-8") + b"\n\n"


class Parser:
    """``feed`` returns the events that are complete; ``close`` the rest of the stream as one last event, if any."""

    def __init__(self, *, max_line: int = MAX_LINE_BYTES, max_event: int = MAX_EVENT_BYTES) -> None:
        self._max_line = max_line
        self._max_event = max_event
        self._line = bytearray()
        self._event: list[bytes] = []
        self._size = 0
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Raises TooLong."""
        events: list[Event] = []
        at = 0
        if self._line.endswith(b"\r") and chunk:  # it waited to see whether this chunk begins with its LF
            at = 1 if chunk.startswith(b"\n") else 0
            self._line += chunk[:at]
            self._end_line(events)
        for match in _END.finditer(chunk, at):
            if match[0] == b"\r" and match.end() == len(chunk):
                break
            self._line += chunk[at : match.end()]
            at = match.end()
            self._end_line(events)
        self._line += chunk[at:]
        if len(self._line) > self._max_line:
            raise TooLong("a line of the event stream is too long")
        return events

    def _end_line(self, events: list[Event]) -> None:
        line = bytes(self._line)
        self._line.clear()
        self._size += len(line)
        if len(line) > self._max_line or self._size > self._max_event:
            raise TooLong("an event of the stream is too long")
        self._event.append(line)
        if line.strip(b"\r\n") == b"":
            events.append(self._take())

    def _take(self) -> Event:
        made = _event(self._event, first=not self._started)
        self._started = True
        self._event = []
        self._size = 0
        return made

    def close(self) -> list[Event]:
        """Whatever was not ended by an empty line."""
        if self._line:
            self._event.append(bytes(self._line))
            self._line.clear()
        return [self._take()] if self._event else []


def _lines(raw: bytes) -> list[bytes]:
    """Lines with their endings (bytes.splitlines knows exactly these three)."""
    return raw.splitlines(keepends=True)


def _event(lines: list[bytes], *, first: bool) -> Event:
    data: list[str] = []
    name, ident, retry = "", None, None
    for number, line in enumerate(lines):
        content = line.rstrip(b"\r\n")
        if first and number == 0:
            content = content.removeprefix(_BOM)
        key, _, value = content.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            data.append(value)
        elif key == "event":
            name = value
        elif key == "id" and "\0" not in value:
            ident = value
        elif key == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return Event(b"".join(lines), "\n".join(data) if data else None, name, ident, retry)
