"""Payloads that are too large for memory, on disk for as long as one request needs them.

A spool is a nameless file (``O_TMPFILE``, or unlinked at once): the kernel removes it when it is closed, also when the
process is killed. Its content is sealed in chunks with AES-256-GCM under a key that is only in memory. The position of
a chunk and whether it is the last are bound to it, so that what is read back is what was written, or nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import TracebackType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.errors import Misuse, Unavailable

CHUNK = 64 * 1024
"""Plain bytes of a chunk."""
TAG = 16


class SpoolFailed(Unavailable):
    code = "spool_failed"


class Spool:
    """Bytes on disk: ``write`` … ``seal``, then read as often as needed. Implements ``outbound.Body``."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 -- closed by ``close``
        except OSError as e:
            raise SpoolFailed(f"No large request can be taken now ({e.strerror}).", retry_after_s=5) from None
        self._aead = AESGCM(secrets.token_bytes(32))
        self._hash = hashlib.sha256()
        self._held = bytearray()
        self._chunks = 0
        self._sealed = False
        self.size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Gives the disk back. Idempotent."""
        self._file.close()

    @property
    def sha256(self) -> bytes:
        """Of everything that was written."""
        return self._hash.digest()

    def write(self, data: bytes) -> None:
        """Raises SpoolFailed when the disk is full."""
        if self._sealed:
            raise Misuse("this spool is sealed")
        self._hash.update(data)
        self._held += data
        self.size += len(data)
        while len(self._held) > CHUNK:  # the last chunk stays in memory until ``seal``
            self._put(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]

    def seal(self) -> None:
        """Nothing more is written."""
        if not self._sealed:
            self._put(bytes(self._held), last=True)
            self._held.clear()
            self._sealed = True

    def _put(self, plain: bytes, *, last: bool) -> None:
        sealed = self._aead.encrypt(_nonce(self._chunks), plain, b"last" if last else b"more")
        try:
            view = memoryview(sealed)
            while view:
                view = view[self._file.write(view) :]
        except OSError as e:
            raise SpoolFailed(f"No large request can be taken now ({e.strerror}).", retry_after_s=5) from None
        self._chunks += 1

    def read(self) -> Iterator[bytes]:
        """The chunks in order. Raises SpoolFailed for what was altered or cut on disk."""
        if not self._sealed:
            raise Misuse("this spool is still being written")
        for i in range(self._chunks):
            last = i == self._chunks - 1
            try:
                sealed = os.pread(self._file.fileno(), CHUNK + TAG, i * (CHUNK + TAG))
                plain = self._aead.decrypt(_nonce(i), sealed, b"last" if last else b"more")
            except (OSError, ValueError, InvalidTag):
                raise SpoolFailed("A large request could not be read back.", retry_after_s=5) from None
            if plain:
                yield plain

    async def chunks(self) -> AsyncIterator[bytes]:
        """As :meth:`read`, for whoever sends it."""
        for chunk in self.read():
            yield chunk

    def lines(self, limit: int) -> Iterator[bytes]:
        """What stands between newlines, the rest after the last one included. ValueError for more than ``limit``."""
        held = b""
        for chunk in self.read():
            *done, held = (held + chunk).split(b"\n")
            yield from done
            if len(held) > limit:
                raise ValueError("a line is too long")
        yield held


class Frames:
    """Byte strings one after the other in a spool."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool

    def put(self, data: bytes) -> None:
        self.spool.write(len(data).to_bytes(8, "big"))
        self.spool.write(data)

    def __iter__(self) -> Iterator[bytes]:
        held = bytearray()
        want = -1
        for chunk in self.spool.read():
            held += chunk
            while len(held) >= (8 if want < 0 else want):
                if want < 0:
                    want = int.from_bytes(held[:8], "big")
                    del held[:8]
                else:
                    yield bytes(held[:want])
                    del held[:want]
                    want = -1


def _nonce(chunk: int) -> bytes:
    return chunk.to_bytes(12, "big")
