"""Text forms of bytes in which every byte has exactly one spelling (attestation.md §2.1 C3)."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from attestation.types import Malformed

_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def base64_bytes(value: object, name: str, most: int) -> bytes:
    """1 to ``most`` bytes in canonical base64 (RFC 4648 §3.5). Raises Malformed, naming ``name``."""
    if not isinstance(value, str) or not 1 <= len(value) <= most * 4 // 3 + 4:
        raise Malformed(f"{name} must be base64 text of at most {most} bytes")
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{name} is not base64") from None
    if base64.b64encode(raw).decode() != value or len(raw) > most:
        raise Malformed(f"{name} is not canonical base64 of at most {most} bytes")
    return raw


def hex_bytes(value: object, name: str, size: int) -> bytes:
    """``size`` bytes in lower-case hex. Raises Malformed, naming ``name``."""
    if not isinstance(value, str) or len(value) != 2 * size or not _HEX.fullmatch(value):
        raise Malformed(f"{name} must be {2 * size} digits of lower-case hex")
    return bytes.fromhex(value)


def gunzip(raw: bytes, name: str, most: int) -> bytes:
    """The one member of a gzip file, of at most ``most`` bytes unpacked: no more are. Raises Malformed."""
    unpacker = zlib.decompressobj(wbits=31)  # gzip only (RFC 1952), not zlib, not raw
    try:
        out = unpacker.decompress(raw, most + 1)
    except zlib.error:
        raise Malformed(f"{name} is not gzip") from None
    if len(out) > most:
        raise Malformed(f"{name} has more than {most} bytes unpacked")
    if not unpacker.eof or unpacker.unused_data or unpacker.unconsumed_tail:
        raise Malformed(f"{name} is cut, or something follows it")
    return out
