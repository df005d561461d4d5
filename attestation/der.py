"""The few things of DER that vendor extensions need: lengths in shortest form, sequences, OIDs as bytes.

No types beyond tag, content. :mod:`cryptography` reads certificates; this reads what it hands back unread.
"""

from __future__ import annotations

from attestation.types import Malformed

SEQUENCE, OCTETS, INTEGER, OID = 0x30, 0x04, 0x02, 0x06


def items(content: bytes) -> list[tuple[int, bytes]]:
    """All (tag, content) that follow one another in ``content``. Raises Malformed."""
    out = []
    at = 0
    while at < len(content):
        tag = content[at]
        size, at = _length(content, at + 1)
        part = content[at : at + size]
        if len(part) != size or tag & 0x1F == 0x1F:
            raise Malformed("DER: cut short, or a tag of more than one byte")
        out.append((tag, part))
        at += size
    return out


def one(content: bytes, tag: int) -> bytes:
    """The content of the only item, which has ``tag``. Raises Malformed."""
    found = items(content)
    if len(found) != 1 or found[0][0] != tag:
        raise Malformed("DER: not the one item that belongs here")
    return found[0][1]


def integer(content: bytes) -> int:
    """A non-negative INTEGER's content. Raises Malformed."""
    if not content or content[0] > 0x7F or (len(content) > 1 and content[0] == 0 and content[1] < 0x80):
        raise Malformed("DER: not a non-negative integer in its shortest form")
    return int.from_bytes(content, "big")


def oid(text: str) -> bytes:
    """The content of an OBJECT IDENTIFIER."""
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytearray()
    for number in (first * 40 + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return bytes(out)


def _length(content: bytes, at: int) -> tuple[int, int]:
    if at >= len(content):
        raise Malformed("DER: cut short")
    first = content[at]
    if first < 0x80:
        return first, at + 1
    size = first & 0x7F
    number = int.from_bytes(content[at + 1 : at + 1 + size], "big")
    if not 1 <= size <= 3 or at + 1 + size > len(content) or number < 0x80 or number >> (8 * (size - 1)) == 0:
        raise Malformed("DER: a length is not in its shortest form")
    return number, at + 1 + size
