"""The few kinds of CBOR that simulated evidence needs, in shortest form. Tests and the demo only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def dump(value: object) -> bytes:
    """Raises TypeError for a kind of value that evidence does not have."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, Mapping):
        return _head(5, len(value)) + b"".join(dump(part) for pair in value.items() for part in pair)
    if isinstance(value, Sequence):
        return _head(4, len(value)) + b"".join(dump(item) for item in value)
    raise TypeError("evidence holds no such value")


def tagged(tag: int, value: object) -> bytes:
    return _head(6, tag) + dump(value)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    size = next(n for n in (1, 2, 4, 8) if number < 1 << (8 * n))
    return bytes((major << 5 | 23 + size.bit_length(),)) + number.to_bytes(size, "big")
