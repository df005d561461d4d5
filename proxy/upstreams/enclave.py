"""Leases of enclaves: evidence is fetched, verified, validated and bound to keys of the channel, then trusted for a
while and renewed before it ends (attestation.md §6.3, §6.5). Any provider of :mod:`attestation.providers`.

Rules. Any failure of any class makes the enclave unusable, with its reasons on record. A failed renewal leaves the old
lease until its own end and never beyond. One attestation at a time per upstream; a refusal is remembered, longer each
time. A lease is held to the expectations as they are now, to the age that a rule allows and to the deny-list, at every
send. Both clocks count: a machine that slept or was set to another time stretches nothing. Nothing an enclave says
about itself without proof is read. This module opens no connection: the control door does.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from attestation.expectations import revision
from attestation.providers import registry
from attestation.providers.base import Ask, Heard, Provider
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import AttestationError, Expectations
from policies.types import Requirements, Zone
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.observe import log_fault
from proxy.ports import Clock
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.tasks import spawn
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.proof import NothingPublished, Published, Question, Roots, failure_codes, judge, lease_of

__all__ = ["AttestationRefused", "EnclaveLeases", "EvidenceSource", "Lease"]

RENEW_AT = 0.7
"""Share of a lease's lifetime after which its next use starts a renewal in the background."""
REFUSED_S = 5.0
"""How long a refusal is answered from memory, in seconds; twice as long after each further one in a row ..."""
REFUSED_MAX_S = 30.0
"""... up to this."""
CLOCK_SKEW_S = 60.0
EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""Before this release was made: a clock that says so is wrong, and every date that is compared with it."""

Recorder = Callable[[str, Mapping[str, object]], Awaitable[object]]
"""Makes a control record durable: ``AuditStore.control``."""


class EvidenceSource(Protocol):
    """The control door."""

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask]) -> Heard:
        """The answers, and the certificate of the connection that they came over. Raises UpstreamError."""
        ...


@dataclass(slots=True)
class _State:
    """What is known about one upstream. ``refused`` counts until ``refused_until`` (monotonic seconds)."""

    config: AttestationConfig
    provider: Provider
    lease: Lease | None = None
    epoch: int = 0
    running: asyncio.Task[None] | None = None
    refused: tuple[str, ...] = ()
    refused_until: float = 0.0
    refusals: int = 0
    """In a row."""
    judged: tuple[int, dict[int, str | None]] = field(default_factory=lambda: (0, {}))
    """Revision of what is published, and what it means for leases of older ones, by epoch."""


class EnclaveLeases:
    """Implements ``transports.Leases``. ``close`` it at the end.

    ``simulated`` is the root of a software enclave; the demo and tests pass it, no configuration can.
    ``published`` is what vendors publish; a lease is judged again when that has changed. ``denied`` are chips,
    measurements and keys (hex) that nobody may use any more; it is asked at every send.
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
        published: Published | None = None,
        denied: Callable[[], frozenset[str]] = frozenset,
        on_event: Recorder,
        make: Callable[[str, Mapping[str, Any]], Provider] = registry.make,
    ) -> None:
        self._source = source
        self._clock = clock
        self._roots = Roots(trust, simulated)
        self._published = published or NothingPublished()
        self._denied = denied
        self._on_event = on_event
        enclaves = {n: u for n, u in upstreams.items() if u.zone is Zone.ENCLAVE}
        self._states = {n: _state(u, make) for n, u in enclaves.items()}
        for name, state in self._states.items():
            if not _usable(state.config.expectations, expectations):
                place = f"upstreams.{name}.attestation.expectations"
                text = f"{state.config.expectations!r} is no file that approves an image, or spells out 'unpinned'"
                raise ConfigError(f"{place}: {text}")
        self._expectations: Mapping[str, Expectations] = {}
        self._revisions: Mapping[str, bytes] = {}
        self.expect(expectations)

    def expect(self, expectations: Mapping[str, Expectations]) -> None:
        """From now on these count: what was proven under others is void, running attestations included. Enclaves
        whose expectations are missing or empty are unusable: whoever takes an approval away means it."""
        self._expectations = {name: want for name, want in expectations.items() if _usable(name, expectations)}
        self._revisions = {name: revision(want) for name, want in self._expectations.items()}

    async def current(self, upstream: str, want: Requirements) -> Lease:
        """A lease that holds now and satisfies ``want``; attests when there is none. Raises AttestationRefused."""
        state = self._known(upstream)
        if not want.expectations <= {state.config.expectations}:
            raise AttestationRefused(upstream, ("expectations_differ",))  # attesting could not help
        if state.config.expectations not in self._revisions:
            raise AttestationRefused(upstream, ("expectations_missing",))
        for _ in range(2):  # once more, for the attestation that ran already may have asked too early for us
            lease = state.lease
            if lease is not None and self._unfit(lease, want) is None:
                if self._due(lease) and self._clock.monotonic() >= state.refused_until:
                    self._attesting(upstream, state)
                return lease
            if lease is not None and self._hopeless(lease, want):
                break
            if self._clock.monotonic() < state.refused_until:
                raise AttestationRefused(upstream, state.refused)
            await asyncio.shield(self._attesting(upstream, state))
            if state.lease is None or state.lease is lease:
                raise AttestationRefused(upstream, state.refused or ("lease_expired",))
        if state.lease is None:
            raise AttestationRefused(upstream, ("lease_expired",))
        self.check(state.lease, want)
        return state.lease

    def check(self, lease: Lease, want: Requirements) -> None:
        """Raises AttestationRefused unless ``lease`` holds now and satisfies ``want``."""
        if why := self._unfit(lease, want):
            raise AttestationRefused(lease.upstream, (why,))

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease:
        """Another lease after ``lease``'s key was gone at connecting, for the intent ``seq``, on record.

        Raises AttestationRefused; AuditUnavailable when the new lease cannot be recorded.
        """
        state = self._known(lease.upstream)
        gone = self._clock.monotonic()
        _void(state, lease.key)
        await self._on_event("enclave_key_changed", {"ref_seq": seq, **_details(lease)})
        if state.running is not None and not state.running.done():
            await asyncio.wait({state.running})
            if state.lease is not None and state.lease.proved < gone:  # it had asked before the key was gone
                _void(state, lease.key)
        fresh = await self.current(lease.upstream, want)
        await self._on_event("enclave_lease_replaced", {"ref_seq": seq, **_details(fresh)})
        return fresh

    async def discard(self, lease: Lease, seq: int) -> None:
        """Gives up on ``lease``: its key was not there, right after it was attested."""
        state = self._known(lease.upstream)
        _void(state, lease.key)
        self._remember(state, ("key_mismatch",))
        await self._on_event("enclave_refused", {"ref_seq": seq, "failures": ["key_mismatch"], **_details(lease)})

    def doubt(self, lease: Lease) -> None:
        """The enclave says, and nothing proves, that it has other keys now: no more leaves under ``lease``."""
        state = self._known(lease.upstream)
        if state.lease is not None and state.lease.epoch == lease.epoch:
            state.lease = None
            spawn(_recorded(self._on_event("enclave_keyset_changed", _details(lease))), f"doubt-{lease.upstream}")

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
        now, today = self._clock.monotonic(), self._clock.now()
        if now >= lease.deadline or today >= lease.info.expires:
            return "lease_expired"
        if today < lease.claims.verified_at - dt.timedelta(seconds=CLOCK_SKEW_S):
            return "clock_set_back"  # the dates that were compared then may not hold now
        if lease.revision != self._revisions.get(lease.info.expectations):
            return "expectations_changed"
        if lease.names & self._denied():
            return "denied"
        if why := self._judged(lease):
            return why
        if not want.expectations <= {lease.info.expectations}:
            return "expectations_differ"
        if want.max_age_s is not None:
            if lease.fresh is None:
                return "lease_not_fresh"  # its evidence may be as old as it likes
            if now - lease.fresh > want.max_age_s:
                return "lease_too_old"
        return None

    def _judged(self, lease: Lease) -> str | None:
        """Why what vendors published since ``lease`` was made takes it back: once for each change of that."""
        now = self._published.revision
        if lease.published == now or lease.presented is None:
            return None
        state = self._known(lease.upstream)
        if state.judged[0] != now:
            state.judged = (now, {})
        seen = state.judged[1]
        if lease.epoch not in seen:
            want = self._expectations[lease.info.expectations]  # the same revision: that was compared
            try:
                judge(lease.presented, want, self._clock.now(), self._roots, self._published)
                seen[lease.epoch] = None
            except AttestationError as e:
                seen[lease.epoch] = failure_codes(e)[0]
            except Exception as e:  # a bug of ours: what cannot be judged does not hold
                log_fault(e)
                seen[lease.epoch] = "verifier_failed"
        return seen[lease.epoch]

    def _hopeless(self, lease: Lease, want: Requirements) -> bool:
        """Whether only the age is wrong, and was so when the evidence came just now: it would come as old again."""
        if want.max_age_s is None or self._unfit(lease, Requirements()) is not None:
            return False
        old = lease.fresh is None or lease.proved - lease.fresh > want.max_age_s
        return old and self._clock.monotonic() - lease.proved < REFUSED_S

    def _due(self, lease: Lease) -> bool:
        return self._clock.monotonic() - lease.proved >= RENEW_AT * (lease.deadline - lease.proved)

    def _remember(self, state: _State, failures: tuple[str, ...]) -> None:
        state.refused = failures
        pause = min(REFUSED_S * 2.0 ** min(state.refusals, 8), REFUSED_MAX_S)
        state.refusals += 1
        state.refused_until = self._clock.monotonic() + pause

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
            state.refusals = 0
            return
        self._remember(state, failures)
        await self._on_event("enclave_refused", {"upstream": upstream, "failures": list(failures)})

    async def _proved(self, upstream: str, state: _State) -> Lease:
        """Raises AttestationError, AttestationRefused or UpstreamError."""
        asked, started = self._clock.now(), self._clock.monotonic()
        if asked < EARLIEST:
            raise AttestationRefused(upstream, ("clock_not_sane",))
        nonce = secrets.token_bytes(32)
        heard = await self._source.fetch_evidence(upstream, state.provider.asks(nonce))
        want = self._expectations.get(state.config.expectations)  # as they are now, not when it was asked
        if want is None:
            raise AttestationRefused(upstream, ("expectations_missing",))
        question = Question(upstream, state.epoch + 1, nonce, asked, started, want, state.config.max_age_s)
        try:
            presented, now = state.provider.read(heard, nonce), self._clock.now()
            lease = lease_of(state.provider, presented, question, now, self._roots, self._published)
        except (AttestationError, AttestationRefused, Misuse):
            raise
        except Exception as e:  # a bug of ours in code that reads what strangers send: refused like any bad evidence
            log_fault(e)
            raise AttestationRefused(upstream, ("verifier_failed",)) from None
        if lease.names & self._denied():
            raise AttestationRefused(upstream, ("denied",))
        state.epoch = lease.epoch
        return lease


async def _recorded(event: Awaitable[object]) -> None:
    await event


def _void(state: _State, key: bytes) -> None:
    """No lease on that key is used again."""
    if state.lease is not None and state.lease.key == key:
        state.lease = None


def _state(upstream: UpstreamConfig, make: Callable[[str, Mapping[str, Any]], Provider]) -> _State:
    place = f"upstreams.{upstream.name}.attestation"
    config = upstream.attestation
    if config is None or config.max_age_s <= 0:
        raise ConfigError(f"{place}: zone enclave needs a provider, expectations and a max_age above zero")
    try:
        return _State(config, make(config.provider, config.options))
    except registry.UnknownKind as e:
        raise ConfigError(f"{place}.provider: {e}") from None
    except registry.BadOption as e:
        raise ConfigError(f"{'.'.join((place, *map(str, e.place)))}: {e}") from None


def _usable(name: str, expectations: Mapping[str, Expectations]) -> bool:
    want = expectations.get(name)
    if want is None or want.name != name:
        return False
    return bool(want.tees and (want.measurements or want.registers or want.unpinned))


def _details(lease: Lease) -> dict[str, object]:
    return {"upstream": lease.upstream, **lease.info.record()}
