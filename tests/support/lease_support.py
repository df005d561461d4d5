"""Leases without sockets: a far end that plays control door and enclave, a hand-set clock, providers made to order."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from egress_support import Events, HandClock, enclave, upstream
from fake_tls import Identity

from attestation.binding import sealgate_snp_report_data
from attestation.providers import registry
from attestation.providers.base import Ask, Heard, Presented, Provider, Reply
from attestation.simulator.snp import MEASUREMENT, Guest, Platform, shared_platform
from attestation.trust import VENDORS, SimulatedTrust
from attestation.types import NO_COLLATERAL, Collateral, Evidence, Expectations
from attestation.wire import encode_sealgate_snp
from policies.types import Requirements
from proxy.settings import UpstreamConfig
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases
from proxy.upstreams.lease import Lease
from proxy.upstreams.proof import Published

ANY = Requirements()
OWN, OTHER = Identity(), Identity()
CLINIC = Expectations(
    "clinic", frozenset({"sev-snp"}), {MEASUREMENT: "release"}, {"snp": 20}, "a@b.example", dt.date(2027, 1, 1), True
)


@dataclass
class Source:
    """Evidence on demand, or an error, held back while ``gate`` is closed."""

    platform: Platform = field(default_factory=shared_platform)
    identity: Identity = OWN
    bound: Callable[[bytes, bytes], bytes] = sealgate_snp_report_data
    guest: Guest = field(default_factory=Guest)
    change: Callable[[bytes], bytes] = lambda document: document
    fail: Exception | None = None
    nonces: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask], pin: bytes | None = None) -> Heard:
        (ask,) = asks
        nonce = bytes.fromhex(ask.path.partition("?nonce=")[2])
        self.nonces.append(nonce)
        self.asked.append(upstream)
        await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        report_data = self.bound(self.identity.spki, nonce)
        document = self.change(encode_sealgate_snp(self.platform.evidence(report_data, self.guest)))
        return Heard({ask.name: Reply(document)}, self.identity.certificate)


@dataclass(frozen=True)
class StandIn:
    """A provider that presents whatever a test says."""

    present: Callable[[Heard, bytes], Presented]
    kind: str = "stand-in"

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        return (Ask("evidence", f"/evidence?nonce={nonce.hex()}"),)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        return self.present(heard, nonce)


def none(*_: object) -> Collateral:
    return NO_COLLATERAL


@dataclass
class Given:
    """A store that gives whatever a test says; ``revision`` grows when the test says so."""

    collateral: Callable[..., Collateral] = none
    revision: int = 0

    def whole(self, evidence: Evidence) -> Evidence:
        return evidence

    def select(self, evidence: Evidence, now: dt.datetime) -> Collateral:
        return self.collateral(evidence, now)


@dataclass
class World:
    source: Source
    clock: HandClock
    events: Events
    leases: EnclaveLeases
    denied: set[str]

    async def settle(self) -> None:
        """Lets background attestations end."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def failures(self, want: Requirements = ANY, name: str = "sealed") -> tuple[str, ...]:
        with pytest.raises(AttestationRefused) as e:
            await self.leases.current(name, want)
        return e.value.failures


def world(
    *,
    want: Expectations = CLINIC,
    max_age_s: float = 600,
    simulated: SimulatedTrust | None = None,
    trusted: bool = True,
    present: Callable[[Heard, bytes], Presented] | None = None,
    collateral: Callable[..., Collateral] = none,
    published: Published | None = None,
    more: Mapping[str, UpstreamConfig] | None = None,
    clock: HandClock | None = None,
    **options: Any,
) -> World:
    """``options`` are further fields of the upstream's ``attestation``."""
    source, clock, events, denied = Source(), clock or HandClock(), Events(), set[str]()
    config = {
        "sealed": enclave("https://127.0.0.1/v1", max_age_s=max_age_s, **options),
        "cloud": upstream(url="https://a/v1"),
    }

    def make(kind: str, options: Mapping[str, Any]) -> Provider:
        return registry.make(kind, options) if present is None else StandIn(present)

    trust = (simulated or source.platform.trust) if trusted else None
    if published is None and collateral is not none:
        published = Given(collateral)
    leases = EnclaveLeases(
        config | dict(more or {}), {"clinic": want}, source, clock, trust=VENDORS, simulated=trust,
        published=published, denied=lambda: frozenset(denied), on_event=events, make=make, jitter=lambda: 0.0,
    )  # fmt: skip
    return World(source, clock, events, leases, denied)


@dataclass
class Met:
    """A connection that met ``identity``, and answers questions as a control door would."""

    identity: Identity
    source: Source = field(default_factory=Source)
    closed: bool = False

    def __post_init__(self) -> None:
        self.source.identity = self.identity

    @property
    def pin(self) -> bytes:
        return self.identity.pin

    @property
    def alive(self) -> bool:
        return not self.closed

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask]) -> Heard:
        return await self.source.fetch_evidence(upstream, asks)

    def close(self) -> None:
        self.closed = True


async def refused(w: World, lease: Lease, line: Met, want: Requirements = ANY) -> tuple[str, ...]:
    with pytest.raises(AttestationRefused) as e:
        await w.leases.met(lease, line, want, 1)
    return e.value.failures


def pins(w: World) -> set[bytes | None]:
    return {m.lease.pin for m in w.leases._states["sealed"].members}
