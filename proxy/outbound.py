"""Outbound: exactly what will leave. Receipts and audit records cover its digest; the door sends nothing else."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from proxy.errors import Misuse


class Body(Protocol):
    """Bytes that are too large for memory; they can be read again and again."""

    @property
    def size(self) -> int: ...

    @property
    def sha256(self) -> bytes: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


async def exactly(body: Body) -> AsyncGenerator[bytes, None]:
    """The recorded bytes, or a broken request: the last piece leaves only if all of them are what was recorded."""
    digest, held = hashlib.sha256(), b""
    async for chunk in body.chunks():
        if held:
            yield held
        held = chunk
        digest.update(chunk)
    if not hmac.compare_digest(digest.digest(), body.sha256):
        raise Misuse("these are not the recorded bytes")
    if held:
        yield held


@dataclass(frozen=True, slots=True)
class Outbound:
    """One attempt: method, upstream (configured name), path with leading slash, query, headers, body.

    Headers are those that come from the request (allow-listed, lower-case names); credentials are added at the
    door. ``model`` is the upstream's model name.  Neither body nor headers appear in ``repr``.
    """

    upstream: str
    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    stream: bool = False
    large: Body | None = field(default=None, repr=False)
    """The body instead of ``body``, where it does not fit into memory."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if self.large is None else self.large.size

    def digest(self) -> bytes:
        """SHA-256 over every part, each length-prefixed so that no two requests share an encoding."""
        h = hashlib.sha256(b"sealgate.outbound.v1")
        parts = [self.upstream, self.method, self.path, self.query]
        parts += [x for pair in self.headers for x in pair]
        for part in (*(p.encode() for p in parts), str(len(self.headers)).encode(), self.body):
            h.update(len(part).to_bytes(8, "big"))
            h.update(part)
        if self.large is not None:
            h.update(b"large" + self.large.size.to_bytes(8, "big") + self.large.sha256)
        return h.digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that the intent for exactly this outbound is durable. Only an audit store makes one; single use."""

    seq: int
    request_id: str
    upstream: str
    digest: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the enclave's own receipt or signature says of an answer: ``verified``, ``failed``, ``missing``, or
    ``unchecked`` where the answer was not read to its end."""

    receipt: str
    id_sha256: str | None = None
    """SHA-256 (hex) of the id under which the enclave keeps it."""


Settle = Callable[[], Awaitable[Provenance]]


@dataclass(slots=True)
class Answer:
    """What an upstream answered: status, headers (lower-case names) and the body as it arrives. ``settle`` says, once
    the body was read, what its receipt is worth; it takes seconds at most and raises nothing."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]
    settle: Settle | None = None
