"""Connections to an enclave upstream by the key that they met: behind one name may stand several machines.

A connection is dialled without a demand, and after its handshake its key decides which pool it enters: that of the
lease on this very key, or none. Until a lease holds for it, nothing is said on it but questions for evidence. The
pools of leases never dial: if they ever did, their own TLS context demands their key inside the handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

import aiohttp

from attestation.providers.base import Ask, Heard, Reply
from proxy.errors import Misuse, UpstreamError
from proxy.settings import Network, UpstreamConfig
from proxy.upstreams import remote, transports
from proxy.upstreams.pinning import pinned_tls, seen_tls, spki_sha256
from proxy.upstreams.transports import KeyChanged
from proxy.wires import EVIDENCE_S, FAILURES, Pool, asked, dialing, failure, plain_session

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

SPARE = 8
"""Connections that wait for a request; of more, the oldest is closed."""
KEPT_S = 15.0
"""How long one waits: after longer somebody on the way may have forgotten it."""


class Line:
    """Implements ``transports.Line``. Raises PinMismatch for a connection that shows no key."""

    def __init__(self, origin: str, proto: ResponseHandler) -> None:
        tls = proto.transport.get_extra_info("ssl_object") if proto.transport is not None else None
        self.certificate: bytes = (tls.getpeercert(True) if tls is not None else None) or b""
        self.pin = spki_sha256(self.certificate)
        self.proto = proto
        self._origin = origin
        self.kept = 0.0
        """Since when it waits for a request, by the loop's clock."""
        self._asking = self._unwanted = False

    @property
    def alive(self) -> bool:
        return self.proto.is_connected()

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask]) -> Heard:
        """Raises UpstreamError: late, a redirect, not 200, too large, or the connection ended."""
        if problem := remote.asks_problem(asks):
            raise Misuse(problem)
        replies: dict[str, Reply] = {}
        loan = _Loan(self.proto)
        self._asking = True
        try:
            async with asyncio.timeout(EVIDENCE_S), plain_session(loan, aiohttp.ClientTimeout(total=None)) as session:
                for ask in asks:
                    replies[ask.name] = await asked(session, self._origin, ask, upstream)
                loan.give_back()
        except FAILURES as e:
            raise failure(upstream, e) from None
        finally:
            self._asking = False
            if self._unwanted:
                self.proto.close()
        return Heard(replies, self.certificate)

    def close(self) -> None:
        """At once, or when the attestation that runs over it is over: others wait for that."""
        self._unwanted = True
        if not self._asking:
            self.proto.close()


class Lines:
    """Implements ``transports.Lines`` for one upstream: dials, and hands connections to the pools of leases."""

    def __init__(self, upstream: UpstreamConfig, networks: Sequence[Network]) -> None:
        self._upstream = upstream
        self._networks = networks
        self._origin = remote.origin(upstream)
        self._spare: list[Line] = []
        self._pools: dict[int, _Pool] = {}
        self._dialer: _Dialer | None = None

    def pool(self, epoch: int, pin: bytes) -> aiohttp.TCPConnector:
        """For the wire of the lease ``epoch``: nothing but connections to the holder of ``pin``."""
        self._pools = {e: p for e, p in self._pools.items() if not p.closed}
        made = _Pool(self, pin, self._upstream, self._networks)
        self._pools[epoch] = made
        return made

    def keep(self, line: transports.Line) -> None:
        if not isinstance(line, Line):
            raise Misuse("connections of this upstream are made here")
        line.kept = asyncio.get_running_loop().time()
        self._spare = [kept for kept in self._spare if kept.alive] + [line]
        while len(self._spare) > SPARE:
            self._spare.pop(0).close()

    def open_to(self, epoch: int) -> int:
        pool = self._pools.get(epoch)
        return 0 if pool is None else pool.alive

    async def connected(
        self, pin: bytes, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        """A connection to the holder of ``pin``. Raises KeyChanged with the one that met somebody else."""
        for line in [kept for kept in self._spare if kept.pin == pin]:
            self._spare.remove(line)
            if line.alive and asyncio.get_running_loop().time() - line.kept < KEPT_S:
                return line.proto
            line.close()
        line = await self._dialled(req, traces, timeout)
        if not hmac.compare_digest(line.pin, pin):
            raise KeyChanged(line)
        return line.proto

    async def _dialled(self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Line:
        self._dialer = self._dialer or _Dialer(**dialing(self._upstream, self._networks, seen_tls(_readable)))
        for _ in range(transports.STRANGERS):
            # a key that cannot be read says nothing about whoever is proven
            with contextlib.suppress(aiohttp.ClientConnectorCertificateError):
                return Line(self._origin, await self._dialer.connected(req, traces, timeout))
        raise UpstreamError(f"{self._upstream.name} shows no key", code="upstream_untrusted")

    async def close(self) -> None:
        for line in self._spare:
            line.close()
        self._spare = []
        if self._dialer is not None:
            await self._dialer.close()


class _Dialer(aiohttp.TCPConnector):
    """Connects, and pools nothing."""

    async def connected(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        return await self._create_connection(req, traces, timeout)


class _Pool(Pool):
    """A pool of one key."""

    def __init__(self, lines: Lines, pin: bytes, upstream: UpstreamConfig, networks: Sequence[Network]) -> None:
        super().__init__(**dialing(upstream, networks, pinned_tls(pin)))
        self._lines = lines
        self._pin = pin
        self._given: list[ResponseHandler] = []

    @property
    def alive(self) -> int:
        self._given = [proto for proto in self._given if proto.is_connected()]
        return len(self._given)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        proto = await self._lines.connected(self._pin, req, traces, timeout)
        self._given = [known for known in self._given if known.is_connected()] + [proto]
        return proto


class _Loan(aiohttp.BaseConnector):
    """One connection, lent for questions."""

    def __init__(self, proto: ResponseHandler) -> None:
        super().__init__()
        self._lent = proto

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        return self._lent  # never another one: whose key answered before would not be known

    def give_back(self) -> None:
        """Closing does not end the connection from now on."""
        self._conns.clear()


def _readable(certificate: bytes) -> None:
    """Raises PinMismatch inside the handshake for a certificate that shows no key."""
    spki_sha256(certificate)
