"""Reads a binary structure from its beginning: what is cut short is Malformed. Pure."""

from __future__ import annotations

from typing import Literal

from attestation.types import Malformed


class Cursor:
    """``what`` names the structure in messages; ``order`` is the byte order of its numbers."""

    def __init__(self, raw: bytes, what: str, order: Literal["little", "big"]) -> None:
        self.raw, self.at = raw, 0
        self._what, self._order = what, order

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes. Raises Malformed."""
        part = self.raw[self.at : self.at + size]
        if len(part) != size:
            raise Malformed(f"{self._what} is cut short")
        self.at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), self._order)

    def sized(self, size: int) -> bytes:
        """Bytes behind their own length, a number of ``size`` bytes."""
        return self.take(self.number(size))

    @property
    def more(self) -> bool:
        return self.at < len(self.raw)

    def end(self, what: str) -> None:
        """Raises Malformed where bytes follow."""
        if self.more:
            raise Malformed(f"bytes after {what}")
