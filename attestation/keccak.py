"""Keccak-256 as Ethereum has it (the sponge of FIPS 202 with the padding of the competition), for addresses and signed
messages. ``hashlib`` has the standard's padding only.
"""

from __future__ import annotations

_RATE = 136
_MASK = 2**64 - 1
_TURNS = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)
"""Rotations by x, then y (FIPS 202, table 2)."""


def _constants() -> tuple[int, ...]:
    """FIPS 202 §3.2.5: bits of a linear feedback shift register."""
    out, state = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (state & 1) << (2**j - 1)
            state = (state << 1) ^ (0x171 if state & 0x80 else 0)
        out.append(constant)
    return tuple(out)


_ROUNDS = _constants()


def keccak256(data: bytes) -> bytes:
    """32 bytes."""
    return sponge(data, 0x01)


def sponge(data: bytes, domain: int) -> bytes:
    """``domain`` 1 is Keccak-256, 6 is SHA3-256."""
    padded = bytearray(data + bytes((domain,)))
    padded += bytes(-len(padded) % _RATE)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            at = start + 8 * i
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def _permuted(a: list[list[int]]) -> list[list[int]]:
    for constant in _ROUNDS:
        c = [a[x][0] ^ a[x][1] ^ a[x][2] ^ a[x][3] ^ a[x][4] for x in range(5)]
        d = [c[x - 1] ^ _turned(c[(x + 1) % 5], 1) for x in range(5)]
        b = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                b[y][(2 * x + 3 * y) % 5] = _turned(a[x][y] ^ d[x], _TURNS[x][y])
        a = [[b[x][y] ^ (~b[(x + 1) % 5][y] & b[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
        a[0][0] ^= constant
    return a


def _turned(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _MASK
