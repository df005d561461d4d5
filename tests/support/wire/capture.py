"""A socket that notes every byte that reaches it, and a search in those bytes that owes nothing to the gate.

The search undoes each encoding on its own, three deep, and compares what is left of letters and digits, so that a value
that leaves in another spelling is found too.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from wire.tables import to_json

CASE = re.compile(rb"case-(\d+)")
"""A case's number travels in the name of its model (or in its path), which the gate sends on as it is."""


@dataclass(frozen=True)
class Sent:
    """One request as it crossed the socket."""

    raw: bytes
    head: bytes
    body: bytes


@dataclass
class Capture:
    """``async with Capture(answer) as wire``: HTTP/1.1 on loopback. ``answer(target, number of the case)`` is the JSON
    it answers with, or the bytes of a stream of events."""

    answer: Callable[[str, int], Any]
    seen: dict[int, list[Sent]] = field(default_factory=dict)
    lost: list[Sent] = field(default_factory=list)
    """Requests that belong to no case: there must be none."""
    url: str = ""

    async def __aenter__(self) -> Capture:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                raw, body = await _body(reader, head)
                number = self._note(Sent(head + raw, head, body))
                target = head.split(b" ", 2)[1].decode("latin-1")
                said = self.answer(target, number)
                kind, data = (
                    (b"text/event-stream", said) if isinstance(said, bytes) else (b"application/json", to_json(said))
                )
                said_head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (kind, len(data))
                writer.write(said_head + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def _note(self, sent: Sent) -> int:
        found = CASE.search(sent.raw)
        if found is None:
            self.lost.append(sent)
            return -1
        self.seen.setdefault(int(found[1]), []).append(sent)
        return int(found[1])


async def _body(reader: asyncio.StreamReader, head: bytes) -> tuple[bytes, bytes]:
    """The body as it came and as it reads without its chunks."""
    length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
    if length is not None:
        data = await reader.readexactly(int(length[1]))
        return data, data
    raw = body = b""
    if re.search(rb"(?i)\r\ntransfer-encoding:\s*chunked", head):
        while size := await reader.readuntil(b"\r\n"):
            chunk = await reader.readexactly(int(size, 16) + 2)
            raw, body = raw + size + chunk, body + chunk[:-2]
            if int(size, 16) == 0:
                break
    return raw, body


# -- the search ------------------------------------------------------------------------------------------------------

_RUN = re.compile(r"[A-Za-z0-9+/_=-]{12,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[ :]?){6,}")
_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_QUOTED = re.compile(r"=([0-9A-F]{2})")
_LOOKALIKE = str.maketrans("асеорхуі", "aceopxyi")


def _texts(data: bytes) -> Iterator[str]:
    yield data.decode("utf-8", "replace")
    yield data.decode("latin-1")
    if b"\0" in data:
        yield from (data.decode(code, "replace") for code in ("utf-16-le", "utf-16-be"))
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data).decode("utf-8", "replace")


def _undone(text: str) -> Iterator[str]:
    """Other readings of a text, one step deep."""
    if "%" in text or "+" in text:
        yield unquote_plus(text)
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        yield _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text)
        yield re.sub(r"\\+[nrt]", " ", text)
        yield text.replace("\\", "")
    if "=" in text:
        yield _QUOTED.sub(lambda m: chr(int(m[1], 16)), text)
    for run in _RUN.findall(text):
        yield from _decoded(run)
    for run in _HEX.findall(text):
        yield bytes.fromhex(re.sub("[ :]", "", run)[: len(re.sub("[ :]", "", run)) // 2 * 2]).decode("utf-8", "replace")


def _decoded(run: str) -> Iterator[str]:
    plain = run.rstrip("=").translate(str.maketrans("-_", "+/"))
    for skip in range(4):
        part = plain[skip:]
        try:
            data = base64.b64decode(part + "=" * (-len(part) % 4))
        except (binascii.Error, ValueError):
            continue
        yield data.decode("utf-8", "replace")


def squashed(text: str) -> str:
    """Letters and digits only, of one width, alphabet and case; "at" and "dot" as words are signs."""
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(str(unicodedata.digit(c, c)) if c.isdigit() else c for c in plain)
    return "".join(c for c in plain.casefold().translate(_LOOKALIKE) if c.isascii() and c.isalnum())


def readings(data: bytes, depth: int = 3) -> set[str]:
    """What the bytes say, squashed, in every reading."""
    known: set[str] = set()
    level = set(_texts(data))
    for left in range(depth, -1, -1):
        known |= level
        if left:
            level = {t for text in level for t in _undone(text)} - known
    return {squashed(t) for t in known}


def needles(value: str) -> list[str]:
    """What of a value must not be found: all of its letters and digits, with and without "at" and "dot" between."""
    plain = squashed(value)
    spoken = squashed(value.replace("@", " at ").replace(".com", " dot com"))
    return list({plain, spoken})


def found(data: bytes, values: tuple[str, ...]) -> list[str]:
    """The values that the bytes still say."""
    read = readings(data)
    return [v for v in values if any(n in r for n in needles(v) for r in read)]
