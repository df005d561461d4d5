"""THE DOORS: the only code of this project that connects out. Theory of operation:

**The data door** carries payloads. It opens once per receipt, for exactly the bytes whose intent is durable. Before it
connects it checks: the receipt is genuine; it was issued for these bytes (method, upstream, path, query, headers,
body); it was not used before; the upstream is in a table fixed at start; method, path, query and headers keep to
:mod:`proxy.upstreams.remote`. A failing check is a bug of this program (Misuse), and nothing leaves.

**The control door** carries questions without content to configured enclaves: few, short, made of configuration and a
nonce, without credentials; all of one attestation over one connection, whose certificate is told. To vendors
(``VendorDoor``) it carries the name of a piece that they publish.

What holds for both:

* The address is proven on the socket that connects, after name resolution: ``onprem`` must lie in
  ``onprem_networks``; plain ``http`` goes to loopback or to a proven on-premise address only.
* An enclave is reached over TLS 1.3 whose key a lease pins. The key is checked inside the handshake, so a wrong key
  sees no byte of the request. One session per lease epoch: a pooled connection never outlives its pins. Where a lease
  holds a key for bodies, every request is sealed to it (:mod:`proxy.upstreams.sealed`), pinned or not.
* No redirect, no proxy of the environment, no cookies, no compression, no option per request. Credentials are added
  here and exist nowhere else. Answers are bounded in size and silence; their pace is the reader's.
* No payload is sent twice. When the pinned key has changed, no byte was sent, and when the body key has, nobody could
  read it: then the enclave is attested once more (on record) and tried once more.

Whoever calls ``prepare`` enters ``send`` in the same task (see ``EnclaveTransport``).
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import io
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Any

import aiohttp
from yarl import URL

from attestation.collateral.pieces import Name
from attestation.providers.base import Ask, Heard, Reply
from policies.types import Requirements, Zone
from proxy.audit.store import genuine
from proxy.collateral.vendors import Published, patience, question
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.outbound import Answer, Outbound, Receipt, exactly
from proxy.ports import Candidate, LeaseInfo
from proxy.receipts import Spent
from proxy.settings import Limits, Network, UpstreamConfig
from proxy.upstreams import remote
from proxy.upstreams.lease import Lease
from proxy.upstreams.pinning import PinMismatch, pinned_tls, public_tls, seen_tls
from proxy.upstreams.proofs import proving
from proxy.upstreams.sealed import sealer
from proxy.upstreams.transports import (
    Arrived,
    Carried,
    Carrier,
    EnclaveTransport,
    KeyChanged,
    Leases,
    LocalEngine,
    LocalTransport,
    Opened,
    RemoteTransport,
    Sending,
    Transport,
)

IN_DOOR: ContextVar[bool] = ContextVar("IN_DOOR", default=False)
"""True while a door connects; the audit hook of the tests refuses every other connection."""
RECEIPTS_REMEMBERED = 65_536
"""Used receipts that are remembered one by one; whatever is older than all of them is refused."""
CREDENTIAL = {"anthropic": ("x-api-key", ""), "gemini": ("x-goog-api-key", "")}
"""Where a kind of upstream expects its key, and what stands before it; all others take a bearer token."""
PIECES = 256 * 1024
EVIDENCE_S = 30.0
"""For all questions of one attestation, connecting included: several GPUs take their time."""
VENDOR_S = 30.0

_FAILURES = (aiohttp.ClientError, OSError)  # TimeoutError and ssl.SSLError are kinds of OSError


class _AddressRefused(OSError):
    """The address is not where this upstream's zone may be."""


def _connector(
    upstream: UpstreamConfig, networks: Sequence[Network], tls: ssl.SSLContext | bool
) -> aiohttp.TCPConnector:
    """A pool whose sockets connect to proven addresses only."""
    onprem = upstream.zone is Zone.ONPREM
    plain = remote.base_url(upstream).startswith("http:")

    def proven(address: str) -> bool:
        ip = ipaddress.ip_address(address)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if onprem:
            return any(ip in network for network in networks)
        return not plain or ip.is_loopback

    def connecting(info: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, address = info  # the very address that is connected to next
        if not proven(address[0]):
            raise _AddressRefused("this address is outside the upstream's zone")
        return socket.socket(family, kind, proto)

    return aiohttp.TCPConnector(ssl=tls, socket_factory=connecting, limit=0)


def _session(connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("content-type",),
        headers={"accept-encoding": "identity", "user-agent": "sealgate"},
    )


def _failure(upstream: str, error: BaseException) -> Exception:
    """What went wrong, in our words: a client library's message may quote headers or answers."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        if isinstance(error.certificate_error, PinMismatch):
            return KeyChanged()
        return UpstreamError(f"{upstream} has no certificate that is trusted here", code="upstream_untrusted")
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _AddressRefused):
        return UpstreamError(f"{upstream}: its address is outside its zone", code="address_refused")
    if isinstance(error, TimeoutError):
        return UpstreamError(f"{upstream} did not answer in time", code="upstream_timeout")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamError(f"{upstream} cannot be reached", code="upstream_unreachable")
    return UpstreamError(f"{upstream} broke the connection")


def _refuse_oddities(upstream: str, response: aiohttp.ClientResponse) -> None:
    """Redirects would carry the payload elsewhere; encodings would let a small answer grow without bound."""
    if not 200 <= response.status < 600 or 300 <= response.status < 400:
        raise UpstreamError(f"{upstream} tried to redirect the request", code="redirect_refused")
    if response.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
        raise UpstreamError(f"{upstream} answered in an encoding nobody asked for", code="encoding_refused")


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """A large body is written in pieces, so that the event loop serves others in between."""
    if not body:
        return None
    return body if len(body) <= PIECES else io.BytesIO(body)


def _abort(response: aiohttp.ClientResponse) -> None:
    """Drops the connection at once, unless the answer is complete (then it is back in the pool already)."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


class HttpWire:
    """One pooled session to one upstream, under one TLS context. Implements ``transports.Carrier``."""

    def __init__(
        self, upstream: UpstreamConfig, networks: Sequence[Network], limits: Limits, tls: ssl.SSLContext | bool
    ) -> None:
        self._name = upstream.name
        self._base = remote.base_url(upstream)
        self._key = upstream.key
        self._kind = upstream.kind
        self._cap = limits.answer_bytes
        connect = limits.upstream_connect_s
        timeout = aiohttp.ClientTimeout(
            total=None, connect=connect, sock_connect=connect, sock_read=limits.upstream_idle_s
        )
        self._session = _session(_connector(upstream, networks, tls), timeout)
        self.users = 0

    async def open(self, out: Outbound) -> Opened:
        """Sends. Raises UpstreamError, or KeyChanged when nothing was sent because the pinned key is gone."""
        body = out.body if out.large is None else exactly(out.large)
        arrived = await self.carry(Carried(out.method, out.path, out.query, out.headers, body, out.size))
        answer = Answer(arrived.status, remote.returned(arrived.headers), arrived.chunks)
        return Opened(answer, arrived.close)

    async def carry(self, sent: Carried) -> Arrived:
        """As :meth:`open`, with exactly these headers and bytes, and the answer as it came."""
        self.users += 1
        try:
            response = await self._request(sent)
            try:
                _refuse_oddities(self._name, response)
            except UpstreamError:
                _abort(response)
                raise
        except BaseException:
            self.users -= 1
            raise
        return self._arrived(response)

    async def _request(self, sent: Carried) -> aiohttp.ClientResponse:
        headers = dict(sent.headers)
        if self._key is not None and sent.credential:
            name, prefix = CREDENTIAL.get(self._kind, ("authorization", "Bearer "))
            headers[name] = prefix + self._key.reveal()
        url = URL(self._base + sent.path + (f"?{sent.query}" if sent.query else ""), encoded=True)
        data = _payload(sent.body) if isinstance(sent.body, bytes) else sent.body
        if not isinstance(sent.body, bytes) and sent.size is not None:
            headers["content-length"] = str(sent.size)
        inside = IN_DOOR.set(True)
        try:
            return await self._session.request(sent.method, url, data=data, headers=headers, allow_redirects=False)
        except _FAILURES as e:
            raise _failure(self._name, e) from None
        finally:
            IN_DOOR.reset(inside)

    def _arrived(self, response: aiohttp.ClientResponse) -> Arrived:
        chunks = self._chunks(response)
        running = True

        async def close() -> None:
            nonlocal running
            if running:
                running = False
                self.users -= 1
                _abort(response)
                with contextlib.suppress(RuntimeError):  # another task is reading just now: it sees the abort
                    await chunks.aclose()

        return Arrived(response.status, tuple(response.headers.items()), chunks, close)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > self._cap:
                    raise UpstreamError(f"{self._name} answered more than {self._cap} bytes", code="answer_too_large")
                yield chunk
        except _FAILURES as e:
            raise _failure(self._name, e) from None

    async def close(self) -> None:
        await self._session.close()


class DataDoor:
    """Implements :class:`proxy.ports.Door` over a fixed table of upstreams. ``close`` it at the end.

    ``engines`` maps upstreams of kind ``llama`` to their engine; ``leases`` is needed for zone ``enclave``.
    Raises ConfigError for an upstream that cannot be reached safely.
    """

    def __init__(
        self,
        upstreams: Mapping[str, UpstreamConfig],
        onprem_networks: Sequence[Network] = (),
        limits: Limits | None = None,
        *,
        leases: Leases | None = None,
        engines: Mapping[str, LocalEngine] | None = None,
    ) -> None:
        bounds = limits or Limits()
        made = {n: _transport(c, tuple(onprem_networks), bounds, leases, engines or {}) for n, c in upstreams.items()}
        self._transports: Mapping[str, Transport] = made
        self._spent = Spent(RECEIPTS_REMEMBERED)

    async def prepare(self, candidate: Candidate, want: Requirements) -> LeaseInfo | None:
        """Makes the channel ready. Raises AttestationRefused; Misuse for an unknown upstream."""
        transport = self._known(candidate.upstream)
        return await transport.prepare(want) if isinstance(transport, EnclaveTransport) else None

    def send(self, receipt: Receipt, out: Outbound) -> AbstractAsyncContextManager[Answer]:
        """Sends exactly these bytes, once, on entering. Raises UpstreamError, AttestationRefused or Misuse."""

        async def opening() -> Opened:
            return await self._admit(receipt, out).open(receipt, out)

        return Sending(opening)

    def _admit(self, receipt: Receipt, out: Outbound) -> Transport:
        if not genuine(receipt):
            raise Misuse("no audit record stands behind this send")
        if receipt.upstream != out.upstream or not hmac.compare_digest(receipt.digest, out.digest()):
            raise Misuse("these are not the recorded bytes")
        transport = self._known(out.upstream)
        remote.check(out)
        self._spent.spend(receipt.seq)
        return transport

    def _known(self, upstream: str) -> Transport:
        if upstream not in self._transports:
            raise Misuse("this upstream is not in the table")
        return self._transports[upstream]

    async def close(self) -> None:
        """Drops every connection."""
        for transport in self._transports.values():
            await transport.close()


def _transport(
    upstream: UpstreamConfig, networks: tuple[Network, ...], limits: Limits, leases: Leases | None,
    engines: Mapping[str, LocalEngine],
) -> Transport:  # fmt: skip
    name = upstream.name
    if upstream.kind == "llama":
        if upstream.zone is not Zone.ONPREM or name not in engines:
            raise ConfigError(f"upstreams.{name}: an embedded model is in zone onprem and needs its engine")
        return LocalTransport(name, upstream.model or name, engines[name])
    remote.base_url(upstream)
    if upstream.zone is not Zone.ENCLAVE:
        return RemoteTransport(lambda: HttpWire(upstream, networks, limits, True))
    if leases is None or upstream.attestation is None:
        raise ConfigError(f"upstreams.{name}.attestation: zone enclave needs a provider and expectations")

    def wire(lease: Lease) -> Carrier:
        """Pinned to the attested key; where only bodies are sealed, TLS is the web's own."""
        tls = public_tls() if lease.pin is None else pinned_tls(lease.pin)
        return proving(upstream, lambda: HttpWire(upstream, networks, limits, tls), lease, lambda: leases.doubt(lease))

    return EnclaveTransport(name, leases, wire, sealer(upstream))


class ControlDoor:
    """Questions to configured enclaves that cannot carry payload text. Every call is a fresh connection."""

    def __init__(self, upstreams: Mapping[str, UpstreamConfig], onprem_networks: Sequence[Network] = ()) -> None:
        self._upstreams = {n: c for n, c in upstreams.items() if c.zone is Zone.ENCLAVE and c.attestation}
        self._networks = tuple(onprem_networks)

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask]) -> Heard:
        """The answers, and the certificate of the one connection that they came over.

        Raises UpstreamError: unreachable, late, a redirect, not 200, too large, or the connection was not one.
        """
        config = self._upstreams.get(upstream)
        if config is None:
            raise Misuse("evidence is asked of configured enclaves")
        if problem := remote.asks_problem(asks):
            raise Misuse(problem)
        if not asks:
            return Heard({}, await self._shown(upstream, config))
        seen: list[bytes] = []
        replies: dict[str, Reply] = {}
        timeout = aiohttp.ClientTimeout(total=None)  # of all questions together, not of each
        inside = IN_DOOR.set(True)
        try:
            async with (
                asyncio.timeout(EVIDENCE_S),
                _session(_connector(config, self._networks, seen_tls(seen.append)), timeout) as session,
            ):
                for ask in asks:
                    replies[ask.name] = await _asked(session, remote.origin(config), ask, upstream)
                    if len(seen) != 1:  # another connection: whose key answered before is not known
                        raise UpstreamError(f"{upstream} broke the connection")
        except _FAILURES as e:
            raise _failure(upstream, e) from None
        finally:
            IN_DOOR.reset(inside)
        return Heard(replies, seen[0])

    async def _shown(self, upstream: str, config: UpstreamConfig) -> bytes:
        """The certificate of a connection that ends with its handshake: nothing is said on it."""
        seen: list[bytes] = []

        def enough(certificate: bytes) -> None:
            seen.append(certificate)
            raise PinMismatch("seen, and there is nothing to ask")

        inside = IN_DOOR.set(True)
        try:
            connector = _connector(config, self._networks, seen_tls(enough))
            async with (
                asyncio.timeout(EVIDENCE_S),
                _session(connector, aiohttp.ClientTimeout(total=None)) as session,
                session.head(URL(f"{remote.origin(config)}/"), allow_redirects=False),
            ):
                raise Misuse("a handshake that was to end went on")
        except _FAILURES as e:
            if not seen:  # otherwise that is how it was to end; a further address may have been tried in vain
                raise _failure(upstream, e) from None
        finally:
            IN_DOOR.reset(inside)
        return seen[0]

    async def close(self) -> None:
        """Nothing stays open between two questions."""


async def _asked(session: aiohttp.ClientSession, origin: str, ask: Ask, upstream: str) -> Reply:
    headers = {} if ask.post is None else {"content-type": "application/json"}
    method, url = "GET" if ask.post is None else "POST", URL(origin + ask.path, encoded=True)
    async with session.request(method, url, data=ask.post, headers=headers, allow_redirects=False) as response:
        _refuse_oddities(upstream, response)
        if response.status != 200:
            raise UpstreamError(f"{upstream} gave no evidence", code="evidence_unavailable")
        much = UpstreamError(f"{upstream} gave too much evidence", code="evidence_too_large")
        body = await _capped(response, ask.max_bytes, much)
        return Reply(body, response.headers.get("content-type", ""))


async def _capped(response: aiohttp.ClientResponse, most: int, much: UpstreamError) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            _abort(response)
            raise much
    return bytes(body)


class VendorDoor:
    """Asks vendors for what they publish; the name of a piece decides where. Every call is a fresh connection, whose
    peer the web's certificate authorities name: what comes is examined like anything from anywhere.

    ``instead`` maps a vendor's origin to another one, for tests and the demo; no configuration can.
    """

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        self._instead = dict(instead or {})

    async def ask(self, name: Name) -> Published:
        """Raises ConfigError for a name that nobody can be asked for; UpstreamError: unreachable, late, a redirect, an
        answer that is too large or not 200, ``vendor_busy`` with ``retry_after_s`` where the vendor names it.
        """
        asked = question(name, self._instead)
        host = asked.host
        to = UpstreamConfig(host, Zone.CLOUD, "http", asked.base)
        timeout = aiohttp.ClientTimeout(total=VENDOR_S)
        inside = IN_DOOR.set(True)
        try:
            async with (
                _session(_connector(to, (), True), timeout) as session,
                session.get(URL(asked.base + asked.path, encoded=True), allow_redirects=False) as response,
            ):
                _refuse_oddities(host, response)
                if response.status in {429, 503}:
                    wait = patience(response.headers.get("retry-after", ""))
                    raise UpstreamError(f"{host} asks for patience", code="vendor_busy", retry_after_s=wait)
                if response.status != 200:
                    raise UpstreamError(f"{host} does not have this piece", code="vendor_refused")
                much = UpstreamError(f"{host} answered more than {asked.max_bytes} bytes", code="answer_too_large")
                body = await _capped(response, asked.max_bytes, much)
                return Published(body, response.headers.get(asked.chain, ""))
        except _FAILURES as e:
            raise _failure(host, e) from None
        finally:
            IN_DOOR.reset(inside)
