"""A small strict reader of CBOR (RFC 8949) for evidence: Nitro documents and RA-TLS certificates.

Strict: one value and no more, shortest form of every length and number (§4.2.1), no duplicate keys, no floats,
no tags but those asked for, bounded depth. Maps and lists of unknown length are allowed only where asked for: Nitro
payloads have them, and those bytes are signed. No writer here, and no decoding into anything but plain values.
"""

from __future__ import annotations

from dataclasses import dataclass

from attestation.types import Malformed

MAX_DEPTH = 8
Key = int | str

_BREAK = object()
_SIMPLE: dict[int, object] = {20: False, 21: True, 22: None}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tagged value; reading does not interpret it."""

    tag: int
    value: object


def load(raw: bytes, *, indefinite: bool = False, tags: frozenset[int] = frozenset()) -> object:
    """The one value that ``raw`` holds. Raises Malformed."""
    reader = _Reader(raw, indefinite, tags)
    value = reader.value(0)
    if value is _BREAK or reader.at != len(raw):
        raise Malformed("CBOR: bytes after the value")
    return value


class _Reader:
    def __init__(self, raw: bytes, indefinite: bool, tags: frozenset[int]) -> None:
        self._raw = raw
        self._indefinite = indefinite
        self._tags = tags
        self.at = 0

    def _take(self, size: int) -> bytes:
        part = self._raw[self.at : self.at + size]
        if len(part) != size:
            raise Malformed("CBOR: cut short")
        self.at += size
        return part

    def _argument(self, info: int) -> int | None:
        """Length or number of an item, None where its end is marked instead."""
        if info < 24:
            return info
        if info == 31:
            return None
        if info > 27:
            raise Malformed("CBOR: reserved length")
        size = 1 << (info - 24)
        number = int.from_bytes(self._take(size), "big")
        if number < (24 if size == 1 else 1 << (4 * size)):
            raise Malformed("CBOR: a length is not in its shortest form")
        return number

    def value(self, depth: int, *, closing: bool = False) -> object:
        if depth > MAX_DEPTH:
            raise Malformed("CBOR: nested too deeply")
        major, info = divmod(self._take(1)[0], 32)
        if major == 7:
            if info == 31 and closing:
                return _BREAK
            if info in _SIMPLE:
                return _SIMPLE[info]
            raise Malformed("CBOR: this simple value or float is not allowed")
        argument = self._argument(info)
        if argument is None and (major not in (4, 5) or not self._indefinite):
            raise Malformed("CBOR: an item of unknown length is not allowed here")
        return self._item(major, argument, depth)

    def _item(self, major: int, argument: int | None, depth: int) -> object:
        if major == 4:
            return self._list(argument, depth)
        if major == 5:
            return self._map(argument, depth)
        assert argument is not None
        if major < 2:
            return argument if major == 0 else -1 - argument
        if major == 2:
            return self._take(argument)
        if major == 3:
            try:
                return self._take(argument).decode("utf-8")
            except UnicodeDecodeError:
                raise Malformed("CBOR: text is not UTF-8") from None
        if argument not in self._tags:
            raise Malformed("CBOR: this tag is not allowed")
        return Tagged(argument, self.value(depth + 1))

    def _list(self, size: int | None, depth: int) -> list[object]:
        out: list[object] = []
        while size is None or len(out) < size:
            item = self.value(depth + 1, closing=size is None)
            if item is _BREAK:
                break
            out.append(item)
        return out

    def _map(self, size: int | None, depth: int) -> dict[Key, object]:
        out: dict[Key, object] = {}
        while size is None or len(out) < size:
            key = self.value(depth + 1, closing=size is None)
            if key is _BREAK:
                break
            if not isinstance(key, (int, str)) or isinstance(key, bool) or key in out:
                raise Malformed("CBOR: a key is repeated, or neither a number nor text")
            out[key] = self.value(depth + 1)
        return out
