"""THE DOORS: the only code of this project that connects out. Theory of operation (:mod:`proxy.wires` holds what they
open, and nobody else may import it):

**The data door** carries payloads. It opens once per receipt, for exactly the bytes whose intent is durable. Before it
connects it checks: the receipt is genuine; it was issued for these bytes (method, upstream, path, query, headers,
body); it was not used before; the upstream is in a table fixed at start; method, path, query and headers keep to
:mod:`proxy.upstreams.remote`. A failing check is a bug of this program (Misuse), and nothing leaves.

**The control door** carries questions without content to configured enclaves: few, short, made of configuration and a
nonce, without credentials; all of one attestation over one connection, whose certificate is told. To vendors
(``VendorDoor``) it carries the name of a piece that they publish, and a nonce where they sign one.

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
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import aiohttp
from yarl import URL

from attestation.collateral.pieces import Name
from attestation.providers.base import Ask, Heard, Reply
from policies.types import Requirements, Zone
from proxy.audit.store import genuine
from proxy.collateral.vendors import Published, fits, patience, question
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.lines import Lines
from proxy.outbound import Answer, Outbound, Receipt
from proxy.ports import Candidate, LeaseInfo
from proxy.receipts import Spent
from proxy.settings import Limits, Network, UpstreamConfig
from proxy.upstreams import remote
from proxy.upstreams.lease import Lease
from proxy.upstreams.pinning import PinMismatch, public_tls, seen_tls, spki_sha256
from proxy.upstreams.proofs import proving
from proxy.upstreams.sealed import sealer
from proxy.upstreams.transports import (
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
from proxy.wires import (
    EVIDENCE_S,
    FAILURES,
    IN_DOOR,
    HttpWire,
    asked,
    capped,
    failure,
    plain_session,
    proven_connector,
    refuse_oddities,
)

DIALS_PER_KEY = 2
"""Connections for a renewal, for each machine that may stand behind the name."""
DIAL_S = 5.0
"""For each of them: one machine that lets us wait keeps nobody from the others."""
RECEIPTS_REMEMBERED = 65_536
"""Used receipts that are remembered one by one; whatever is older than all of them is refused."""
VENDOR_S = 30.0


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
        return RemoteTransport(lambda: HttpWire(upstream, limits, proven_connector(upstream, networks, True)))
    if leases is None or upstream.attestation is None:
        raise ConfigError(f"upstreams.{name}.attestation: zone enclave needs a provider and expectations")

    lines = Lines(upstream, networks)

    def pool(lease: Lease) -> aiohttp.TCPConnector:
        """Pinned to the attested key; where only bodies are sealed, TLS is the web's own."""
        if lease.pin is None:
            return proven_connector(upstream, networks, public_tls())
        return lines.pool(lease.epoch, lease.pin)

    def wire(lease: Lease) -> Carrier:
        made = lambda: HttpWire(upstream, limits, pool(lease))  # noqa: E731
        return proving(upstream, made, lease, lambda: leases.doubt(lease), lambda: leases.revoked(lease))

    return EnclaveTransport(name, leases, wire, sealer(upstream), lines)


class ControlDoor:
    """Questions to configured enclaves that cannot carry payload text. Every call is a fresh connection."""

    def __init__(self, upstreams: Mapping[str, UpstreamConfig], onprem_networks: Sequence[Network] = ()) -> None:
        self._upstreams = {n: c for n, c in upstreams.items() if c.zone is Zone.ENCLAVE and c.attestation}
        self._networks = tuple(onprem_networks)

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask], pin: bytes | None = None) -> Heard:
        """The answers, and the certificate of the one connection that they came over: with ``pin`` one to the holder of
        that key, for which some are opened, and those that meet another key end inside their handshake.

        Raises UpstreamError: unreachable, late, a redirect, not 200, too large, the connection was not one, or
        ``key_not_met``.
        """
        config = self._upstreams.get(upstream)
        if config is None or config.attestation is None:
            raise Misuse("evidence is asked of configured enclaves")
        if problem := remote.asks_problem(asks):
            raise Misuse(problem)
        dials = 1 if pin is None else DIALS_PER_KEY * config.attestation.keys
        inside = IN_DOOR.set(True)
        try:
            async with asyncio.timeout(EVIDENCE_S):
                for _ in range(dials):
                    with contextlib.suppress(KeyChanged):
                        return await self._heard(config, asks, pin)
        except FAILURES as e:
            raise failure(upstream, e) from None
        finally:
            IN_DOOR.reset(inside)
        raise UpstreamError(f"{upstream}: nobody with this key could be met", code="key_not_met")

    async def _heard(self, config: UpstreamConfig, asks: Sequence[Ask], pin: bytes | None) -> Heard:
        """Over a connection of its own. Raises UpstreamError, KeyChanged, or what the library raises at a timeout."""
        seen: list[bytes] = []
        strangers: list[bytes] = []

        def look(certificate: bytes) -> None:
            if pin is not None and spki_sha256(certificate) != pin:
                strangers.append(certificate)
                raise PinMismatch("this is not the key that was asked for")
            seen.append(certificate)
            if not asks:
                raise PinMismatch("seen, and there is nothing to ask")

        connector = proven_connector(config, self._networks, seen_tls(look))
        replies: dict[str, Reply] = {}
        try:
            dial_s = None if pin is None else DIAL_S
            async with plain_session(connector, aiohttp.ClientTimeout(total=None, sock_connect=dial_s)) as session:
                if not asks:  # the certificate says it all: the connection ends with its handshake
                    await session.head(URL(f"{remote.origin(config)}/"), allow_redirects=False)
                    raise Misuse("a handshake that was to end went on")
                for ask in asks:
                    replies[ask.name] = await asked(session, remote.origin(config), ask, config.name)
                    if len(seen) != 1:  # another connection: whose key answered before is not known
                        raise UpstreamError(f"{config.name} broke the connection")
        except FAILURES as e:
            waited = isinstance(e, aiohttp.ConnectionTimeoutError)
            if (strangers or waited) and not seen:  # whatever a further address said
                raise KeyChanged from None
            if asks or not seen:  # otherwise that is how it was to end; a further address may have been tried in vain
                raise failure(config.name, e) from None
        return Heard(replies, seen[0])

    async def close(self) -> None:
        """Nothing stays open between two questions."""


class VendorDoor:
    """Asks vendors for what they publish; the name of a piece decides where. Every call is a fresh connection, whose
    peer the web's certificate authorities name: what comes is examined like anything from anywhere.

    ``instead`` maps a vendor's origin to another one, for tests and the demo; no configuration can.
    """

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        self._instead = dict(instead or {})

    async def ask(self, name: Name, body: bytes = b"") -> Published:
        """``body`` is the question itself where the vendor wants it so. Raises Misuse for any other body, ConfigError
        for a name that nobody can be asked for; UpstreamError: unreachable, late, a redirect, an answer that is too
        large or not 200, ``vendor_busy`` with ``retry_after_s`` where the vendor names it.
        """
        asked = question(name, self._instead)
        if not fits(asked, body):
            raise Misuse("a question to a vendor holds the name of a piece and nothing else")
        headers = {"content-type": asked.sends} if asked.sends else {}
        method, data = ("POST", body) if asked.sends else ("GET", None)
        host = asked.host
        to = UpstreamConfig(host, Zone.CLOUD, "http", asked.base)
        timeout = aiohttp.ClientTimeout(total=VENDOR_S)
        inside = IN_DOOR.set(True)
        try:
            async with (
                plain_session(proven_connector(to, (), True), timeout) as session,
                session.request(
                    method,
                    URL(asked.base + asked.path, encoded=True),
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                refuse_oddities(host, response)
                if response.status in {429, 503}:
                    wait = patience(response.headers.get("retry-after", ""))
                    told = f", {wait} seconds" if wait is not None else ""
                    raise UpstreamError(f"{host} asks for patience{told}", code="vendor_busy", retry_after_s=wait)
                if response.status != 200:
                    raise UpstreamError(f"{host} does not have this piece", code="vendor_refused")
                much = UpstreamError(f"{host} answered more than {asked.max_bytes} bytes", code="answer_too_large")
                body = await capped(response, asked.max_bytes, much)
                return Published(body, response.headers.get(asked.chain, ""))
        except FAILURES as e:
            raise failure(host, e) from None
        finally:
            IN_DOOR.reset(inside)
