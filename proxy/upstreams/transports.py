"""How each kind of upstream is spoken to, without the connecting itself: the door hands in what opens a wire.

An enclave has one pinned wire per lease epoch, so that a pooled connection never outlives its pins, and as many leases
as there are machines with keys of their own behind its name.  An embedded engine has no wire.  This module opens no
connection.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

import orjson

from attestation.providers.base import Ask, Heard
from policies.types import Requirements
from proxy.errors import Misuse, UpstreamError
from proxy.outbound import Answer, Outbound, Receipt, Settle
from proxy.ports import LeaseInfo
from proxy.upstreams.lease import AttestationRefused, Lease

DIALS = 8
"""Connections that one send may open until one is to a machine that may have the request ..."""
STRANGERS = 3
"""... and how many of them may meet one that cannot prove itself."""


HOLDS: ContextVar[Callable[[], None] | None] = ContextVar("HOLDS", default=None)
"""Asked when a request is about to go onto a connection; raises AttestationRefused where its lease has ended by now."""


class Line(Protocol):
    """A connection whose TLS handshake is over and on which no byte of a request was sent."""

    @property
    def pin(self) -> bytes:
        """SHA-256 of the key (SPKI) at the other end."""
        ...

    @property
    def alive(self) -> bool: ...

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask]) -> Heard:
        """As the control door, over this very connection. Raises UpstreamError."""
        ...

    def close(self) -> None: ...


class KeyChanged(Exception):
    """A new connection met another TLS key than the lease's, and no byte of a request was sent: ``line`` is that
    connection, and belongs to whoever catches this. Without a line: the enclave says that it has another key to seal to
    now: then nobody could read the request, and by the protocol nobody worked on it.
    """

    def __init__(self, line: Line | None = None) -> None:
        super().__init__()
        self.line = line

    def drop(self) -> None:
        """Closes the connection."""
        if self.line is not None:
            self.line.close()


class Lines(Protocol):
    """Connections to one enclave upstream, whoever they met."""

    def keep(self, line: Line) -> None:
        """For the next wire that is pinned to its key."""
        ...

    def open_to(self, epoch: int) -> int:
        """How many connections of that lease's wire are open."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A running answer. ``close`` is idempotent and drops the connection unless the answer is complete."""

    answer: Answer
    close: Callable[[], Awaitable[None]]


class Wire(Protocol):
    """A pooled session to one upstream. ``users`` counts the answers that still run over it."""

    @property
    def users(self) -> int: ...

    async def open(self, out: Outbound) -> Opened:
        """Raises UpstreamError; KeyChanged when nothing was sent."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Carried:
    """A request as it goes onto the wire: ``body`` whole, or in pieces of ``size`` bytes together (None: chunked).
    ``restored``: the body as the enclave reads it, where its receipts are about that; empty where they are about the
    bytes on the wire."""

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | AsyncIterator[bytes] = field(default=b"", repr=False)
    size: int | None = None
    restored: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An answer as it came, with every header. ``close`` as of :class:`Opened`, ``settle`` as of ``Answer``."""

    status: int
    headers: tuple[tuple[str, str], ...]
    chunks: AsyncIterator[bytes]
    close: Callable[[], Awaitable[None]]
    settle: Settle | None = None


class Carrier(Wire, Protocol):
    """A wire that also carries what others dress for it."""

    async def carry(self, sent: Carried) -> Arrived:
        """Raises as :meth:`open`."""
        ...


Sealer = Callable[[Lease, Carrier], Wire]
"""Wraps a wire so that every body leaves sealed to the lease's ``body`` key, and no answer in the clear is believed."""


class Transport(Protocol):
    """One kind of upstream behind the data door."""

    async def open(self, receipt: Receipt, out: Outbound) -> Opened: ...

    async def close(self) -> None: ...


class LocalEngine(Protocol):
    """An embedded model: zone ``onprem`` without any connection."""

    async def chat(self, body: bytes) -> Answer:
        """Answers POST /chat/completions. Raises Busy or UpstreamError."""
        ...


class Leases(Protocol):
    """Verified bindings of enclaves; :mod:`proxy.upstreams.enclave` says what each method does."""

    async def current(self, upstream: str, want: Requirements, ready: Collection[int] = ()) -> Lease: ...

    def check(self, lease: Lease, want: Requirements) -> None: ...

    def revoked(self, lease: Lease) -> bool: ...

    async def met(self, lease: Lease, line: Line, want: Requirements, seq: int) -> Lease: ...

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease: ...

    async def discard(self, lease: Lease, seq: int) -> None: ...

    def doubt(self, lease: Lease) -> None: ...

    def epochs(self, upstream: str) -> Collection[int]: ...


class RemoteTransport:
    """A cloud or on-premise server: one shared wire, made when first used."""

    def __init__(self, make: Callable[[], Wire]) -> None:
        self._make = make
        self._wire: Wire | None = None

    async def open(self, receipt: Receipt, out: Outbound) -> Opened:
        self._wire = self._wire or self._make()
        return await self._wire.open(out)

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()


@dataclass(frozen=True, slots=True)
class _Prepared:
    lease: Lease
    want: Requirements


_PREPARED: ContextVar[Mapping[str, _Prepared] | None] = ContextVar("_PREPARED", default=None)


class EnclaveTransport:
    """One pinned wire per lease epoch; those of leases that are given out no more close when their last answer ends.

    The lease that ``prepare`` found (and the record names) waits in a context variable for the ``open`` of the same
    task. It is taken once; an ``open`` without it is refused. Where a load balancer leads to another machine, that
    one's lease is used instead, on record, once it has proven itself.
    """

    def __init__(
        self,
        upstream: str,
        leases: Leases,
        make: Callable[[Lease], Carrier],
        seal: Sealer | None,
        lines: Lines,
    ) -> None:
        self._name = upstream
        self._leases = leases
        self._make = make
        self._seal = seal
        self._lines = lines
        self._wires: dict[int, Wire] = {}
        self._opening: Counter[int] = Counter()
        """Requests by epoch that are being sealed: their wire has no user yet."""

    async def prepare(self, want: Requirements) -> LeaseInfo:
        """Attests unless a lease holds already; prefers one whose connections are open. Raises AttestationRefused."""
        lease = await self._leases.current(self._name, want, self._ready())
        _PREPARED.set({**(_PREPARED.get() or {}), self._name: _Prepared(lease, want)})
        return lease.info

    def _ready(self) -> Collection[int]:
        """Epochs whose wires have a connection that nobody uses."""
        return [epoch for epoch, wire in self._wires.items() if self._lines.open_to(epoch) > wire.users]

    async def open(self, receipt: Receipt, out: Outbound) -> Opened:
        """Raises AttestationRefused or UpstreamError. Each key that is new costs one attestation, on record."""
        waiting = dict(_PREPARED.get() or {})
        prepared = waiting.pop(self._name, None)
        _PREPARED.set(waiting)
        if prepared is None:
            raise Misuse("an enclave is prepared before each send, in the same task")
        lease, want = prepared.lease, prepared.want
        strangers, replaced = 0, False
        for _ in range(DIALS):
            self._leases.check(lease, want)  # each time: recording another one took a while
            try:
                return await self._over(lease, want, out)
            except KeyChanged as e:
                line = e.line
            if line is not None:
                try:
                    lease = await self._met(lease, line, want, receipt.seq)
                except AttestationRefused:
                    strangers += 1
                    if strangers == STRANGERS:
                        if not self._lines.open_to(lease.epoch):
                            await self._leases.discard(lease, receipt.seq)
                        raise
            elif replaced:
                break
            else:
                lease, replaced = await self._leases.replace(lease, want, receipt.seq), True
        await self._leases.discard(lease, receipt.seq)
        raise AttestationRefused(self._name, ("key_mismatch",))

    async def _met(self, lease: Lease, line: Line, want: Requirements, seq: int) -> Lease:
        """The lease of whoever is at the other end of ``line``, which serves it from now on."""
        try:
            found = await self._leases.met(lease, line, want, seq)
            if found.pin != line.pin:
                raise Misuse("a connection serves the lease of its own key")
        except BaseException:
            line.close()
            raise
        self._lines.keep(line)
        return found

    async def _over(self, lease: Lease, want: Requirements, out: Outbound) -> Opened:
        wire = self._wires.get(lease.epoch) or self._wire(lease)
        self._wires[lease.epoch] = wire
        self._opening[lease.epoch] += 1
        holds = HOLDS.set(lambda: self._leases.check(lease, want))
        try:
            opened = await wire.open(out)
        finally:
            HOLDS.reset(holds)
            self._opening[lease.epoch] -= 1

        async def close() -> None:
            try:
                await opened.close()
            finally:
                await self._sweep()

        try:
            await self._sweep()
        except BaseException:  # cancelled: the answer would be lost with its connection open
            await opened.close()
            raise
        return Opened(opened.answer, close)

    def _wire(self, lease: Lease) -> Wire:
        """Where evidence names a key for bodies, nothing leaves but sealed to it, whatever the TLS key."""
        if lease.upstream != self._name:
            raise Misuse("a lease holds for its own upstream")
        if lease.body is None and lease.pin is not None:
            return self._make(lease)
        if lease.body is None or self._seal is None:
            raise AttestationRefused(self._name, ("unsealed",))
        return self._seal(lease, self._make(lease))

    async def _sweep(self) -> None:
        """Takes out what is idle before it waits for anything, so that sweeps that overlap share nothing."""
        kept = {max(self._wires, default=0), *self._leases.epochs(self._name)}
        idle = [e for e, wire in self._wires.items() if e not in kept and not (wire.users or self._opening[e])]
        self._opening = +self._opening  # without what is over
        for wire in [self._wires.pop(e) for e in idle]:
            await wire.close()

    async def close(self) -> None:
        while self._wires:
            await self._wires.popitem()[1].close()
        await self._lines.close()


class LocalTransport:
    """The embedded engine. It serves POST /chat/completions and GET /models, nothing else."""

    def __init__(self, upstream: str, model: str, engine: LocalEngine) -> None:
        self._name = upstream
        self._model = model
        self._engine = engine

    async def open(self, receipt: Receipt, out: Outbound) -> Opened:
        """Raises UpstreamError for another path, and what the engine raises."""
        if (out.method, out.path) == ("GET", "/models"):
            return Opened(self._models(), _nothing)
        if (out.method, out.path) != ("POST", "/chat/completions"):
            raise UpstreamError(f"{self._name} does not serve this path", code="path_not_supported")
        answer = await self._engine.chat(out.body)

        async def close() -> None:
            if (aclose := getattr(answer.chunks, "aclose", None)) is not None:
                await aclose()

        return Opened(answer, close)

    def _models(self) -> Answer:
        data = [{"id": self._model, "object": "model", "created": 0, "owned_by": "sealgate"}]
        body = orjson.dumps({"object": "list", "data": data})
        return Answer(200, {"content-type": "application/json"}, _once(body))

    async def close(self) -> None:
        """The engine belongs to whoever made it."""


class Sending(AbstractAsyncContextManager[Answer]):
    """One send: opens on entering, drops the connection on leaving. Leaving twice, or unopened, does nothing."""

    def __init__(self, opening: Callable[[], Awaitable[Opened]]) -> None:
        self._opening: Callable[[], Awaitable[Opened]] | None = opening
        self._opened: Opened | None = None

    async def __aenter__(self) -> Answer:
        if self._opening is None:
            raise Misuse("a send is entered once")
        opening, self._opening = self._opening, None
        self._opened = await opening()
        return self._opened.answer

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()


async def _nothing() -> None:
    return None


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
