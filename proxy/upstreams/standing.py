"""Whether a lease still holds: asked at every send, of the very lease that the bytes go out under.

Both clocks count: a machine that slept or was set to another time stretches nothing. This module attests nobody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from attestation.expectations import revision
from attestation.providers.base import Presented
from attestation.types import AttestationError, Expectations
from policies.types import Requirements
from proxy.observe import log_fault
from proxy.ports import Clock
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.proof import Published, Roots, failure_codes, judged

CLOCK_SKEW_S = 60.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Why a lease is taken back by what was published since, or until when it is not."""

    why: str | None
    end: dt.datetime | None = None


class Standing:
    """What leases are held to now. ``denied``: chips, measurements and keys (hex) that nobody may use any more."""

    def __init__(self, clock: Clock, roots: Roots, published: Published, denied: Callable[[], frozenset[str]]) -> None:
        self._clock = clock
        self._roots = roots
        self._published = published
        self._denied = denied
        self._expectations: Mapping[str, Expectations] = {}
        self._revisions: Mapping[str, bytes] = {}
        self._judged: dict[str, tuple[int, dict[int, _Verdict]]] = {}
        """By upstream: revision of what is published, and what it means for leases of older ones, by epoch."""

    def expect(self, expectations: Mapping[str, Expectations]) -> frozenset[str]:
        """From now on these count; names of those that changed. Missing and empty ones hold nobody."""
        old = self._revisions
        self._expectations = {name: want for name, want in expectations.items() if usable(name, expectations)}
        self._revisions = {name: revision(want) for name, want in self._expectations.items()}
        return frozenset(name for name, new in self._revisions.items() if old.get(name) != new)

    def expected(self, name: str) -> Expectations | None:
        return self._expectations.get(name)

    def denies(self, lease: Lease) -> bool:
        return bool(lease.names & self._denied())

    def ended(self, lease: Lease) -> bool:
        return self._clock.monotonic() >= lease.deadline or self._clock.now() >= lease.info.expires

    def unfit(self, lease: Lease, want: Requirements) -> str | None:
        """Why ``lease`` does not hold now or does not satisfy ``want``."""
        if self.ended(lease):
            return "lease_expired"
        if self._clock.now() < lease.claims.verified_at - dt.timedelta(seconds=CLOCK_SKEW_S):
            return "clock_set_back"  # the dates that were compared then may not hold now
        if why := self.revoked(lease):
            return why
        if not want.expectations <= {lease.info.expectations}:
            return "expectations_differ"
        if want.max_age_s is not None:
            if lease.fresh is None:
                return "lease_not_fresh"  # its evidence may be as old as it likes
            if self._age(lease, lease.fresh) > want.max_age_s:
                return "lease_too_old"
        return None

    def revoked(self, lease: Lease) -> str | None:
        """Why what was proven does not count any more, ended or not."""
        if lease.revision != self._revisions.get(lease.info.expectations):
            return "expectations_changed"
        return "denied" if self.denies(lease) else self._taken_back(lease)

    def _age(self, lease: Lease, fresh: float) -> float:
        """Seconds since ``fresh``, by the clock that says more."""
        ahead = lease.info.expires - dt.timedelta(seconds=lease.deadline - fresh)  # ``fresh`` on the wall clock
        return max(self._clock.monotonic() - fresh, (self._clock.now() - ahead).total_seconds())

    def hopeless(self, lease: Lease, want: Requirements, lately_s: float) -> str | None:
        """Why, where only the age is wrong and was so when the evidence came, ``lately_s`` ago at most: it would come
        as old again."""
        if want.max_age_s is None or self.unfit(lease, Requirements()) is not None:
            return None
        old = lease.fresh is None or lease.proved - lease.fresh > want.max_age_s
        return self.unfit(lease, want) if old and self._clock.monotonic() - lease.proved < lately_s else None

    def _taken_back(self, lease: Lease) -> str | None:
        """Why what vendors published since ``lease`` was made takes it back: once for each change of that."""
        now = self._published.revision
        if lease.published == now or lease.presented is None:
            return None
        if self._judged.get(lease.upstream, (None,))[0] != now:
            self._judged[lease.upstream] = (now, {})
        seen = self._judged[lease.upstream][1]
        if lease.epoch not in seen:
            seen[lease.epoch] = self._verdict(lease, lease.presented)
        found = seen[lease.epoch]
        return "collateral_ended" if found.end is not None and self._clock.now() >= found.end else found.why

    def _verdict(self, lease: Lease, presented: Presented) -> _Verdict:
        want = self._expectations[lease.info.expectations]  # the same revision: that was compared
        try:
            proof = judged(lease, presented, want, self._clock.now(), self._roots, self._published)
        except AttestationError as e:
            return _Verdict(failure_codes(e)[0])
        except AttestationRefused as e:
            return _Verdict(e.failures[0])
        except Exception as e:  # a bug of ours: what cannot be judged does not hold
            log_fault(e)
            return _Verdict("verifier_failed")
        return _Verdict(None, proof.not_after)


def usable(name: str, expectations: Mapping[str, Expectations]) -> bool:
    """Whether there are expectations of this name that demand anything: no policy means no trust."""
    want = expectations.get(name)
    if want is None or want.name != name:
        return False
    return bool(want.tees and (want.measurements or want.registers or want.unpinned))
