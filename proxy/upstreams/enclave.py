"""Leases of enclaves: evidence is fetched, verified, validated and bound to the TLS key that was seen, then trusted
for a while and renewed before it ends (attestation.md §6.3, §6.5).

Rules. Any failure of any class makes the enclave unusable, with its reasons on record. A failed renewal leaves the old
lease until its own end and never beyond. One attestation at a time per upstream; a refusal is remembered for a moment.
Nothing an enclave says about itself without proof is read. This module opens no connection: the control door does.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from attestation.binding import sealgate_snp_report_data
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import AttestationError, Check, Claims, Collateral, Expectations, Rejected, Status
from attestation.validate import validate
from attestation.verify import verify
from attestation.wire import parse_sealgate_snp
from policies.types import Requirements, Zone
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.ports import Clock, LeaseInfo
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.tasks import spawn
from proxy.upstreams.lease import AttestationRefused, Lease

__all__ = ["AttestationRefused", "EnclaveLeases", "EvidenceSource", "Lease"]

PROVIDERS = frozenset({"sealgate-snp"})
RENEW_AT = 0.7
"""Share of a lease's lifetime after which its next use starts a renewal in the background."""
REFUSED_S = 5.0
"""How long a refusal is answered from memory, in seconds."""

Recorder = Callable[[str, Mapping[str, object]], Awaitable[object]]
"""Makes a control record durable: ``AuditStore.control``."""

_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class EvidenceSource(Protocol):
    """The control door."""

    async def fetch_evidence(self, upstream: str, nonce: bytes) -> tuple[bytes, bytes]:
        """The evidence document and the SPKI (DER) seen on its connection. Raises UpstreamError."""
        ...


@dataclass(slots=True)
class _State:
    """What is known about one upstream. ``refused`` counts until ``refused_until`` (monotonic seconds)."""

    config: AttestationConfig
    lease: Lease | None = None
    epoch: int = 0
    running: asyncio.Task[None] | None = None
    refused: tuple[str, ...] = ()
    refused_until: float = 0.0


class EnclaveLeases:
    """Implements ``transports.Leases`` for provider ``sealgate-snp``. ``close`` it at the end.

    ``simulated`` is the root of a software enclave; the demo and tests pass it, no configuration can.
    ``crl`` is the vendor root's revocation list (DER); without one revocation is not known.
    Raises ConfigError for an upstream without attestation, an unknown provider, or expectations that are missing or
    empty: no policy means no trust.
    """

    def __init__(
        self,
        upstreams: Mapping[str, UpstreamConfig],
        expectations: Mapping[str, Expectations],
        source: EvidenceSource,
        clock: Clock,
        *,
        trust: TrustStore,
        simulated: SimulatedTrust | None = None,
        crl: bytes | None = None,
        on_event: Recorder,
    ) -> None:
        self._expectations = expectations
        self._source = source
        self._clock = clock
        self._trust = trust
        self._simulated = simulated
        self._collateral = Collateral(amd_crl=crl)
        self._on_event = on_event
        enclaves = {n: u for n, u in upstreams.items() if u.zone is Zone.ENCLAVE}
        self._states = {n: _State(_attestation(u, expectations)) for n, u in enclaves.items()}

    async def current(self, upstream: str, want: Requirements) -> Lease:
        """A lease that holds now and satisfies ``want``; attests when there is none. Raises AttestationRefused."""
        state = self._known(upstream)
        lease = state.lease
        if lease is None or self._unfit(lease, want):
            self._demands_met(upstream, state, want)
            if self._clock.monotonic() < state.refused_until:
                raise AttestationRefused(upstream, state.refused)
            await asyncio.shield(self._attesting(upstream, state))
            lease = state.lease
            if lease is None:
                raise AttestationRefused(upstream, state.refused or ("lease_expired",))
            self.check(lease, want)
            return lease
        if self._due(lease) and self._clock.monotonic() >= state.refused_until:
            self._attesting(upstream, state)
        return lease

    def check(self, lease: Lease, want: Requirements) -> None:
        """Raises AttestationRefused unless ``lease`` holds now and satisfies ``want``."""
        if why := self._unfit(lease, want):
            raise AttestationRefused(lease.upstream, (why,))

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease:
        """Another lease after ``lease``'s key was gone at connecting, for the intent ``seq``, on record.

        Raises AttestationRefused; AuditUnavailable when the new lease cannot be recorded.
        """
        state = self._known(lease.upstream)
        self._void(state, lease)
        await self._on_event("enclave_key_changed", {"ref_seq": seq, **_details(lease)})
        fresh = await self.current(lease.upstream, want)
        await self._on_event("enclave_lease_replaced", {"ref_seq": seq, **_details(fresh)})
        return fresh

    async def discard(self, lease: Lease, seq: int) -> None:
        """Gives up on ``lease``: its key was not there, right after it was attested."""
        state = self._known(lease.upstream)
        self._void(state, lease)
        self._remember(state, ("key_mismatch",))
        await self._on_event("enclave_refused", {"ref_seq": seq, "failures": ["key_mismatch"], **_details(lease)})

    def status(self) -> Mapping[str, str]:
        """``ok``, ``refused`` or ``unproven`` for each enclave, for the admin listener."""
        return {name: self._word(state) for name, state in self._states.items()}

    async def close(self) -> None:
        """Stops attestations that still run."""
        running = [s.running for s in self._states.values() if s.running is not None]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _known(self, upstream: str) -> _State:
        state = self._states.get(upstream)
        if state is None:
            raise Misuse("this upstream is no enclave")
        return state

    def _unfit(self, lease: Lease, want: Requirements) -> str | None:
        now = self._clock.monotonic()
        if now >= lease.deadline or self._clock.now() >= lease.info.expires:
            return "lease_expired"
        if want.max_age_s is not None and now - lease.proved > want.max_age_s:
            return "lease_too_old"
        if not want.expectations <= {lease.info.expectations}:
            return "expectations_differ"
        return None

    def _demands_met(self, upstream: str, state: _State, want: Requirements) -> None:
        if not want.expectations <= {state.config.expectations}:  # attesting again could not help
            raise AttestationRefused(upstream, ("expectations_differ",))

    def _due(self, lease: Lease) -> bool:
        return self._clock.monotonic() - lease.proved >= RENEW_AT * (lease.deadline - lease.proved)

    def _void(self, state: _State, lease: Lease) -> None:
        """No lease on that key is used again."""
        if state.lease is not None and (state.lease.pin, state.lease.body) == (lease.pin, lease.body):
            state.lease = None

    def _remember(self, state: _State, failures: tuple[str, ...]) -> None:
        state.refused = failures
        state.refused_until = self._clock.monotonic() + REFUSED_S

    def _word(self, state: _State) -> str:
        if state.lease is not None and self._unfit(state.lease, Requirements()) is None:
            return "ok"
        return "refused" if state.refused else "unproven"

    def _attesting(self, upstream: str, state: _State) -> asyncio.Task[None]:
        """The attestation that runs, or a new one. Callers shield it: it outlives whoever asked first."""
        if state.running is None or state.running.done():
            state.running = spawn(self._attest(upstream, state), f"attest-{upstream}")
        return state.running

    async def _attest(self, upstream: str, state: _State) -> None:
        try:
            lease = await self._proved(upstream, state)
        except AttestationError as e:
            failures = failure_codes(e)
        except UpstreamError as e:
            failures = (e.code,)
        except AttestationRefused as e:
            failures = e.failures
        else:
            await self._on_event("enclave_attested", _details(lease))
            state.lease = lease
            state.refused = ()
            state.refused_until = 0.0
            return
        self._remember(state, failures)
        await self._on_event("enclave_refused", {"upstream": upstream, "failures": list(failures)})

    async def _proved(self, upstream: str, state: _State) -> Lease:
        """Raises AttestationError, AttestationRefused or UpstreamError."""
        want = self._expectations[state.config.expectations]
        nonce = secrets.token_bytes(32)
        started = self._clock.monotonic()
        document, spki = await self._source.fetch_evidence(upstream, nonce)
        now = self._clock.now()
        claims = verify(parse_sealgate_snp(document), now, self._trust, self._simulated, self._collateral)
        bound = sealgate_snp_report_data(spki, nonce)  # this key, this question: neither is read from the document
        if failed := open_checks(validate(claims, want, now.date(), bound)):
            raise AttestationRefused(upstream, failed)
        approved = dt.datetime.combine(want.approved_until, dt.time.max, dt.UTC)  # the last moment of its last day
        lifetime = min(state.config.max_age_s, (min(claims.not_after, approved) - now).total_seconds())
        if lifetime <= 0:
            raise AttestationRefused(upstream, ("certificate_expired",))
        state.epoch += 1
        pin = hashlib.sha256(spki).digest()
        info = _info(claims, want.name, pin, now + dt.timedelta(seconds=lifetime))
        return Lease(upstream, state.epoch, pin, claims, started, started + lifetime, info)


def open_checks(checks: Iterable[Check]) -> tuple[str, ...]:
    """Ids of the checks that did not pass. No check at all is a failure too: nothing was proven."""
    every = tuple(checks)
    if not every:
        return ("unchecked",)
    return tuple(_code(c.id) for c in every if c.status is not Status.PASS)


def failure_codes(error: AttestationError) -> tuple[str, ...]:
    """Stable ids of what is wrong; whatever follows an id may come from the wire and stays behind."""
    if isinstance(error, Rejected) and error.failures:
        return tuple(dict.fromkeys(_code(f) for f in error.failures))
    return (type(error).__name__.lower(),)


def _code(text: str) -> str:
    head = text.partition(":")[0].strip()
    return head if _CODE.fullmatch(head) else "rejected"


def _attestation(upstream: UpstreamConfig, expectations: Mapping[str, Expectations]) -> AttestationConfig:
    place = f"upstreams.{upstream.name}.attestation"
    config = upstream.attestation
    if config is None or config.provider not in PROVIDERS:
        raise ConfigError(f"{place}.provider: known providers are {', '.join(sorted(PROVIDERS))}")
    want = expectations.get(config.expectations)
    if want is None or want.name != config.expectations:
        raise ConfigError(f"{place}.expectations: no expectations are named {config.expectations!r}")
    if not want.measurements or config.max_age_s <= 0:
        raise ConfigError(f"{place}: needs at least one approved measurement and a max_age above zero")
    return config


def _info(claims: Claims, expectations: str, pin: bytes, expires: dt.datetime) -> LeaseInfo:
    return LeaseInfo(
        tee=claims.tee,
        evidence_sha256=claims.evidence_sha256.hex(),
        tcb_status=claims.tcb_status,
        expectations=expectations,
        key_sha256=pin.hex(),
        measurement=claims.measurement.hex(),
        expires=expires,
        simulated=claims.simulated,
    )


def _details(lease: Lease) -> dict[str, object]:
    info = lease.info
    return {
        "upstream": lease.upstream,
        "tee": info.tee,
        "evidence_sha256": info.evidence_sha256,
        "key_sha256": info.key_sha256,
        "measurement": info.measurement,
        "expectations": info.expectations,
        "expires": info.expires.isoformat(timespec="seconds"),
        "simulated": info.simulated,
    }
