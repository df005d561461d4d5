"""Leases of enclaves: evidence is fetched, verified, validated and bound to keys of the channel, then trusted for a
while and renewed before it ends (attestation.md §6.3, §6.5). Any provider of :mod:`attestation.providers`.

Rules. Any failure of any class makes the enclave unusable, with its reasons on record. A failed renewal leaves the old
lease until its own end and never beyond. One attestation at a time per upstream, and beside it one of a key that was
met; a refusal is remembered, longer each time. Behind one name several machines may stand, each with its own key and
its own lease; a key that a connection meets is attested over that connection, and what one key proved says nothing
about another. A lease is held to the expectations as they are now, to the age that a rule allows and to the deny-list,
at every send (:mod:`proxy.upstreams.standing`). Nothing an enclave says about itself without proof is read. This module
opens no connection: the doors do.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attestation.providers import registry
from attestation.providers.base import Ask, Heard, Provider
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import AttestationError, Expectations
from policies.types import Requirements, Zone
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.observe import log_fault
from proxy.ports import Clock
from proxy.settings import UpstreamConfig
from proxy.tasks import awaited, loud, spawn
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.members import ANYBODY, REFUSED_MAX_S, REFUSED_S, Known, Member, key_of, known
from proxy.upstreams.proof import NothingPublished, Published, Question, Roots, failure_codes, lease_of
from proxy.upstreams.standing import Standing, usable
from proxy.upstreams.transports import Line

__all__ = ["REFUSED_MAX_S", "REFUSED_S", "AttestationRefused", "EnclaveLeases", "EvidenceSource", "Lease"]

log = logging.getLogger("sealgate")

RENEW_AT = 0.7
"""Share of a lease's lifetime after which it is renewed in the background ..."""
RENEW_SPREAD = 0.1
"""... and up to this much later, so that gates and leases that began together do not ask together."""
TICK_S = 1.0
"""How often leases are looked at."""
TRIES = 3
"""Attestations that one request waits for: the one that runs may have asked too early for it, or another key."""
EARLIEST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""Before this release was made: a clock that says so is wrong, and every date that is compared with it."""
_RENEWAL = b"renewal:"
"""Renewals are refused apart: who could not be met for one may well be met by a request."""

_CHANCE = secrets.SystemRandom().random

Recorder = Callable[[str, Mapping[str, object]], Awaitable[object]]
"""Makes a control record durable: ``AuditStore.control``."""


class EvidenceSource(Protocol):
    """The control door."""

    async def fetch_evidence(self, upstream: str, asks: Sequence[Ask], pin: bytes | None = None) -> Heard:
        """The answers, and the certificate of the connection that they came over; with ``pin`` of who holds that key.
        Raises UpstreamError."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    """One attestation. ``about``: the key that must prove itself; ``slot``: where a refusal is remembered."""

    about: bytes
    ask: Callable[[Sequence[Ask]], Awaitable[Heard]]
    slot: bytes
    ahead: bool = False
    """Nobody waits for it: a refusal keeps no request from asking for itself."""


class EnclaveLeases:
    """Implements ``transports.Leases``. ``run`` it beside the requests and ``close`` it at the end.

    ``simulated`` is the root of a software enclave; the demo and tests pass it, no configuration can.
    ``published`` is what vendors publish; a lease is judged again when that has changed. ``denied`` are chips,
    measurements and keys (hex) that nobody may use any more; it is asked at every send. ``jitter``: 0 to 1.
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
        jitter: Callable[[], float] = _CHANCE,
    ) -> None:
        self._source = source
        self._clock = clock
        self._roots = Roots(trust, simulated)
        self._published = published or NothingPublished()
        self._on_event = on_event
        self._jitter = jitter
        self._standing = Standing(clock, self._roots, self._published, denied)
        enclaves = {n: u for n, u in upstreams.items() if u.zone is Zone.ENCLAVE}
        self._states = {n: known(u, make) for n, u in enclaves.items()}
        for name, state in self._states.items():
            if not usable(state.config.expectations, expectations):
                place = f"upstreams.{name}.attestation.expectations"
                text = f"{state.config.expectations!r} is no file that approves an image, or spells out 'unpinned'"
                raise ConfigError(f"{place}: {text}")
        self.expect(expectations)

    def expect(self, expectations: Mapping[str, Expectations]) -> None:
        """From now on these count: what was proven under others is void, running attestations included. Enclaves
        whose expectations are missing or empty are unusable: whoever takes an approval away means it."""
        changed = self._standing.expect(expectations)
        for state in self._states.values():
            state.cold |= state.config.prewarm and state.config.expectations in changed

    async def current(self, upstream: str, want: Requirements, ready: Collection[int] = ()) -> Lease:
        """A lease that holds now and satisfies ``want``, of the epochs ``ready`` where one does; attests when there is
        none. Raises AttestationRefused."""
        state = self._known(upstream)
        if not want.expectations <= {state.config.expectations}:
            raise AttestationRefused(upstream, ("expectations_differ",))  # attesting could not help
        if self._standing.expected(state.config.expectations) is None:
            raise AttestationRefused(upstream, ("expectations_missing",))
        for _ in range(TRIES):
            if (member := self._best(state, want, ready)) is not None:
                return self._used(state, member)
            for member in state.members:
                if why := self._standing.hopeless(member.lease, want, REFUSED_S):
                    raise AttestationRefused(upstream, (why,))
            if (failures := state.refusals.why(ANYBODY, self._clock.monotonic())) is not None:
                raise AttestationRefused(upstream, failures)
            await asyncio.shield(state.busy or self._attesting(state, self._anybody(state)))
        if (member := self._best(state, want, ready)) is not None:
            return self._used(state, member)
        raise AttestationRefused(upstream, state.refusals.last or ("lease_expired",))

    def check(self, lease: Lease, want: Requirements) -> None:
        """Raises AttestationRefused unless ``lease`` holds now and satisfies ``want``."""
        if lease.epoch in self._known(lease.upstream).doubted:
            raise AttestationRefused(lease.upstream, ("keyset_changed",))
        if why := self._standing.unfit(lease, want):
            raise AttestationRefused(lease.upstream, (why,))

    def revoked(self, lease: Lease) -> bool:
        """Whether ``lease`` was taken back. That it has ended does not count: an answer may outlast it."""
        return self._standing.revoked(lease) is not None

    async def met(self, lease: Lease, line: Line, want: Requirements, seq: int) -> Lease:
        """The lease of whoever is at the other end of ``line``, where ``lease`` was recorded for the intent ``seq``: on
        record, and attested over that very connection unless it holds already.

        Raises AttestationRefused; AuditUnavailable when it cannot be recorded.
        """
        state = self._known(lease.upstream)
        member = await self._member(state, lease, line, want, seq)
        member.used = self._clock.monotonic()
        await self._on_event("enclave_lease_replaced", {"ref_seq": seq, **_details(member.lease)})
        return member.lease

    async def _member(self, state: Known, lease: Lease, line: Line, want: Requirements, seq: int) -> Member:
        told, asked = False, 0
        while (member := self._held(state, line.pin, want)) is None:
            now = self._clock.monotonic()
            if (failures := state.refusals.why(line.pin, now)) is not None:
                raise AttestationRefused(state.name, failures)
            if asked == TRIES:
                raise AttestationRefused(state.name, ("lease_expired",))
            if state.flights:  # about this key or another one: look again when it is over
                await asyncio.wait(state.flights, return_when=asyncio.FIRST_COMPLETED)
            elif not line.alive:  # it waited too long, which is no fault of whoever is there
                raise AttestationRefused(state.name, ("connection_lost",))
            elif not told:
                told = True
                await self._on_event("enclave_key_changed", {"ref_seq": seq, **_details(lease)})
            elif state.members.get(line.pin) is None and not state.strangers.spend(now):
                raise AttestationRefused(state.name, ("too_many_keys",))
            else:
                asked += 1
                job = _Job(line.pin, lambda asks: line.fetch_evidence(state.name, asks), line.pin)
                state.meeting = self._spawned(state, job)
                await asyncio.shield(state.meeting)
        return member

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease:
        """Another lease after ``lease``'s key was gone, for the intent ``seq``, on record.

        Raises AttestationRefused; AuditUnavailable when the new lease cannot be recorded.
        """
        state = self._known(lease.upstream)
        gone = self._clock.monotonic()
        self.gone(lease)
        await self._on_event("enclave_key_changed", {"ref_seq": seq, **_details(lease)})
        if state.flights:
            await asyncio.wait(state.flights)
            state.members.drop(lambda m: m.key == lease.key and m.proved < gone)  # asked before the key was gone
        fresh = await self.current(lease.upstream, want)
        await self._on_event("enclave_lease_replaced", {"ref_seq": seq, **_details(fresh)})
        return fresh

    def gone(self, lease: Lease) -> None:
        """Nobody could be met who holds the key of ``lease``: no lease on it is handed out again."""
        self._known(lease.upstream).members.drop(lambda m: m.key == lease.key)

    async def discard(self, lease: Lease, seq: int) -> None:
        """Gives up on ``lease``: its key was not there. For a while nobody is attested in its place: whoever proves
        itself to our questions, and is never met by a request, would be asked for each."""
        self._known(lease.upstream).members.drop(lambda m: m.epoch == lease.epoch)
        self._note(self._known(lease.upstream), ANYBODY, ("key_mismatch",))
        await self._on_event("enclave_refused", {"ref_seq": seq, "failures": ["key_mismatch"], **_details(lease)})

    def doubt(self, lease: Lease) -> None:
        """The enclave says, and nothing proves, that it has other keys now: no more leaves under ``lease``."""
        state, now = self._known(lease.upstream), self._clock.monotonic()
        state.doubted = {e: end for e, end in state.doubted.items() if end > now} | {lease.epoch: lease.deadline}
        if lease.epoch in state.members.epochs():
            state.members.drop(lambda m: m.epoch == lease.epoch)
            recording = self._on_event("enclave_keyset_changed", _details(lease))
            spawn(awaited(recording), f"doubt-{state.name}").add_done_callback(loud)

    def epochs(self, upstream: str) -> Collection[int]:
        """Of the leases that may be handed out again."""
        return self._known(upstream).members.epochs()

    def status(self) -> Mapping[str, str]:
        """``ok``, ``refused`` or ``unproven`` for each enclave, for the admin listener."""
        return {name: self._word(state) for name, state in self._states.items()}

    async def run(self, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        """Until it is cancelled: looks after the leases beside the requests."""
        while True:
            try:
                self.tend()
            except Exception as e:  # a bug of ours: what is not renewed lapses, and requests attest as they need
                log_fault(e)
            await sleep(TICK_S)

    def tend(self) -> None:
        """Forgets what has ended, attests ahead what nobody has asked for yet, renews what was used lately: one
        attestation per upstream, and waits for none. What nobody used for a lifetime lapses."""
        for state in self._states.values():
            state.members.drop(self._standing.ended)
            if state.busy is not None:
                continue
            cold, state.cold = state.cold, False
            due = (m for m in state.members if self._lately(m) and self._due(state, m))
            if cold and self._best(state, Requirements()) is None:
                self._warm(state)
            elif (member := next(due, None)) is not None:
                self._renew(state, member)

    async def close(self) -> None:
        """Stops attestations that still run."""
        running = [task for state in self._states.values() for task in state.flights]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _known(self, upstream: str) -> Known:
        state = self._states.get(upstream)
        if state is None:
            raise Misuse("this upstream is no enclave")
        return state

    def _best(self, state: Known, want: Requirements, ready: Collection[int] = ()) -> Member | None:
        members = sorted(state.members, key=lambda m: m.lease.epoch not in ready)
        return next((m for m in members if self._standing.unfit(m.lease, want) is None), None)

    def _held(self, state: Known, key: bytes, want: Requirements) -> Member | None:
        """The member of this key, if it may be used. Raises AttestationRefused where asking it again cannot help."""
        member = state.members.get(key)
        if member is None or self._standing.unfit(member.lease, want) is None:
            return member
        if why := self._standing.hopeless(member.lease, want, REFUSED_S):
            raise AttestationRefused(state.name, (why,))
        return None

    def _used(self, state: Known, member: Member) -> Lease:
        member.used = self._clock.monotonic()
        if state.busy is None and self._due(state, member):
            self._renew(state, member)
        return member.lease

    def _lately(self, member: Member) -> bool:
        lifetime = member.lease.deadline - member.lease.proved
        return member.used is not None and self._clock.monotonic() - member.used < lifetime

    def _due(self, state: Known, member: Member) -> bool:
        now = self._clock.monotonic()
        refused = state.refusals.why(_RENEWAL + key_of(member.lease), now) is not None
        return now >= member.renew_at and not refused and self._standing.unfit(member.lease, Requirements()) is None

    def _renew(self, state: Known, member: Member) -> None:
        pin, key = member.lease.pin, key_of(member.lease)
        member.renew_at = self._clock.monotonic() + REFUSED_S  # not at once again, whatever becomes of it
        ask = lambda asks: self._source.fetch_evidence(state.name, asks, pin)  # noqa: E731
        self._attesting(state, _Job(key, ask, _RENEWAL + key))

    def _warm(self, state: Known) -> None:
        if self._standing.expected(state.config.expectations) is not None:
            self._attesting(state, self._anybody(state, ahead=True))

    def _anybody(self, state: Known, *, ahead: bool = False) -> _Job:
        return _Job(ANYBODY, lambda asks: self._source.fetch_evidence(state.name, asks), ANYBODY, ahead)

    def _note(self, state: Known, slot: bytes, failures: tuple[str, ...], *, pause: bool = True) -> None:
        state.refusals.note(slot, failures, self._clock.monotonic(), pause=pause)

    def _word(self, state: Known) -> str:
        if self._best(state, Requirements()) is not None:
            return "ok"
        return "refused" if state.refusals.last else "unproven"

    def _attesting(self, state: Known, job: _Job) -> asyncio.Task[None]:
        """Callers see to it that none runs, and shield it."""
        state.running = self._spawned(state, job)
        return state.running

    def _spawned(self, state: Known, job: _Job) -> asyncio.Task[None]:
        """It outlives whoever asked first. Its faults are told."""
        task = spawn(self._attest(state, job), f"attest-{state.name}")
        task.add_done_callback(loud)
        return task

    async def _attest(self, state: Known, job: _Job) -> None:
        try:
            lease = await self._proved(state, job)
        except AttestationError as e:
            failures = failure_codes(e)
        except UpstreamError as e:
            failures = (e.code,)
        except AttestationRefused as e:
            failures = e.failures
        else:
            await self._on_event("enclave_attested", _details(lease))
            lifetime = lease.deadline - lease.proved
            state.members.put(lease, lease.proved + lifetime * (RENEW_AT + RENEW_SPREAD * self._jitter()))
            for slot in (job.slot, key_of(lease), _RENEWAL + key_of(lease)):
                state.refusals.clear(slot)
            return
        self._note(state, job.slot, failures, pause=not job.ahead)
        if job.ahead:
            log.warning("%s could not be attested ahead: %s", state.name, ", ".join(failures))
        await self._on_event("enclave_refused", {"upstream": state.name, "failures": list(failures)})

    async def _proved(self, state: Known, job: _Job) -> Lease:
        """Raises AttestationError, AttestationRefused or UpstreamError."""
        upstream = state.name
        asked, started = self._clock.now(), self._clock.monotonic()
        if asked < EARLIEST:
            raise AttestationRefused(upstream, ("clock_not_sane",))
        nonce = secrets.token_bytes(32)
        heard = await job.ask(state.provider.asks(nonce))
        want = self._standing.expected(state.config.expectations)  # as they are now, not when it was asked
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
        if job.about not in {ANYBODY, key_of(lease)}:  # it proved another key than the one that is there
            raise AttestationRefused(upstream, ("key_mismatch",))
        if self._standing.denies(lease):
            raise AttestationRefused(upstream, ("denied",))
        state.epoch = lease.epoch
        return lease


def _details(lease: Lease) -> dict[str, object]:
    return {"upstream": lease.upstream, **lease.info.record()}
