"""From what an enclave answered to a lease: pure, so that :mod:`proxy.upstreams.enclave` is about time and order alone.

A lease ends with whatever ends first: its greatest age, the evidence's own end, the approval of the expectations, the
approval of a check that is waived, the age that the expectations allow.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from attestation.expectations import revision
from attestation.providers.base import Presented, Provider
from attestation.providers.prove import Proof, prove
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    AttestationError,
    Check,
    Claims,
    Collateral,
    Evidence,
    Expectations,
    Rejected,
    Status,
    Unpinned,
)
from proxy.ports import Approval, LeaseInfo
from proxy.upstreams.lease import AttestationRefused, Lease

_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_UNRECORDABLE = re.compile(r"[^A-Za-z0-9_.:@/+*#,=\-]+")
_KNOWN = frozenset({Status.PASS, Status.WAIVED, Status.UNKNOWN})
"""``unknown`` is verification's word for what a format leaves open and what it lets pass; it shows in the record. An
unknown check of a provider or of the expectations has been refused by then (``prove``)."""


@dataclass(frozen=True, slots=True)
class Question:
    """One attestation: who was asked with which nonce, when (wall clock, monotonic seconds), under which demands."""

    upstream: str
    epoch: int
    nonce: bytes
    asked: dt.datetime
    started: float
    want: Expectations
    max_age_s: float


@dataclass(frozen=True, slots=True)
class Roots:
    """What evidence may end in."""

    trust: TrustStore
    simulated: SimulatedTrust | None


class Published(Protocol):
    """What vendors publish, offline: :class:`proxy.collateral.job.CollateralJob`."""

    @property
    def revision(self) -> int:
        """Another number when what was proven may be judged otherwise now."""
        ...

    def whole(self, evidence: Evidence) -> Evidence:
        """With what the store has of it and the endpoint did not send. Raises Malformed."""
        ...

    def select(self, evidence: Evidence, now: dt.datetime) -> Collateral:
        """Raises Malformed, or Rejected where something is missing or has ended."""
        ...


class NothingPublished:
    """No store: AMD's revocation is unknown, and what cannot be verified without collateral is refused."""

    revision = 0

    def whole(self, evidence: Evidence) -> Evidence:
        return evidence

    def select(self, _evidence: Evidence, _now: dt.datetime) -> Collateral:
        return NO_COLLATERAL


def whole(presented: Presented, published: Published) -> Presented:
    """Raises Malformed."""
    return replace(presented, pieces=tuple(replace(p, evidence=published.whole(p.evidence)) for p in presented.pieces))


def judge(presented: Presented, want: Expectations, now: dt.datetime, roots: Roots, published: Published) -> Proof:
    """What is proven now. Raises AttestationError."""
    today = now.date()
    waivers = frozenset(name for name, waiver in want.waive.items() if today <= waiver.until)
    accepted = Collateral(waivers=waivers)
    # without a store, what the document brought along counts; with one, the store decides alone
    choose = None if isinstance(published, NothingPublished) else (lambda e: published.select(e, now))
    return prove(presented, want, now, roots.trust, roots.simulated, accepted, choose)


def lease_of(
    provider: Provider, presented: Presented, question: Question, now: dt.datetime, roots: Roots, published: Published
) -> Lease:
    """Raises AttestationError, or AttestationRefused where the evidence is good but no lease can be had of it."""
    want, seen = question.want, published.revision
    presented = whole(presented, published)
    proof = judge(presented, want, now, roots, published)
    if failed := open_checks(proof.checks):
        raise AttestationRefused(question.upstream, failed)
    accepted = _accepted(question.upstream, want, proof)
    fresh = _fresh(presented, proof, question, now)
    if want.max_age_s is not None and fresh is None:  # it can say neither when it was made nor for whom
        raise AttestationRefused(question.upstream, ("max-age",))
    lifetime = _lifetime(question, proof, accepted, fresh)
    if lifetime <= 0:
        raise AttestationRefused(question.upstream, ("certificate_expired",))
    channel = presented.channel
    info = _info(provider, presented, proof, question, accepted)
    key = hashlib.sha256(channel.body.key).hexdigest() if channel.body is not None else ""
    return Lease(
        question.upstream, question.epoch, channel.spki_sha256, proof.claims, question.started,
        question.started + lifetime, replace(info, expires=question.asked + dt.timedelta(seconds=lifetime)),
        channel.body, channel, fresh, revision(want), _names(proof, (channel.spki_sha256 or b"").hex(), key),
        presented, seen,
    )  # fmt: skip


def open_checks(checks: Iterable[Check]) -> tuple[str, ...]:
    """Ids of the checks that failed. No check at all is a failure too: nothing was proven."""
    every = tuple(checks)
    if not every:
        return ("unchecked",)
    return tuple(_code(c.id) for c in every if c.status not in _KNOWN)


def failure_codes(error: AttestationError) -> tuple[str, ...]:
    """Stable ids of what is wrong; whatever follows an id may come from the wire and stays behind."""
    if isinstance(error, Rejected) and error.failures:
        return tuple(dict.fromkeys(_code(f) for f in error.failures))
    return (type(error).__name__.lower(),)


def _code(text: str) -> str:
    head = text.partition(":")[0].strip()
    return head if _CODE.fullmatch(head) else "rejected"


def judged(
    lease: Lease, presented: Presented, want: Expectations, now: dt.datetime, roots: Roots, published: Published
) -> Proof:
    """``lease`` by what is published now. Raises AttestationError, AttestationRefused; ``collateral_changed`` where its
    record would say something else by now."""
    proof = judge(presented, want, now, roots, published)
    if failed := open_checks(proof.checks):
        raise AttestationRefused(lease.upstream, failed)
    said = _said(proof, _accepted(lease.upstream, want, proof))
    if any(getattr(lease.info, name) != value for name, value in said.items()):
        raise AttestationRefused(lease.upstream, ("collateral_changed",))
    return proof


def _accepted(upstream: str, want: Expectations, proof: Proof) -> Mapping[str, Unpinned]:
    """Whose decision each waived check is. One that nobody decided is refused."""
    waived = {c.id for c in proof.checks if c.status is Status.WAIVED}
    known = dict(want.waive) | ({"measurement": want.unpinned} if want.unpinned is not None else {})
    if nobody := waived - set(known):
        raise AttestationRefused(upstream, tuple(sorted(map(_code, nobody))))
    return {name: known[name] for name in sorted(waived)}


def _fresh(presented: Presented, proof: Proof, question: Question, now: dt.datetime) -> float | None:
    if presented.nonce_bound:
        return question.started
    signed = [c.signed_at for c in _all(proof)]
    oldest = min((at for at in signed if at is not None), default=None)
    if oldest is None or None in signed:
        return None
    return question.started - max(0.0, (now - oldest).total_seconds())


def _lifetime(question: Question, proof: Proof, accepted: Mapping[str, Unpinned], fresh: float | None) -> float:
    """Seconds from the question on."""
    days = [question.want.approved_until, *(a.until for a in accepted.values())]
    ends = [proof.not_after, *(dt.datetime.combine(day, dt.time.max, dt.UTC) for day in days)]  # each day to its end
    out = min(question.max_age_s, (min(ends) - question.asked).total_seconds())
    if question.want.max_age_s is None or fresh is None:
        return out
    return min(out, question.want.max_age_s - (question.started - fresh))


def _info(
    provider: Provider, presented: Presented, proof: Proof, question: Question, accepted: Mapping[str, Unpinned]
) -> LeaseInfo:
    claims, want, channel = proof.claims, question.want, presented.channel
    key = hashlib.sha256(channel.body.key).digest() if channel.body is not None else channel.spki_sha256 or b""
    return LeaseInfo(
        tee=_word(claims.tee),
        evidence_sha256=claims.evidence_sha256.hex(),
        expectations=want.name,
        key_sha256=key.hex(),
        measurement=_measurement(claims).hex(),
        expires=question.asked,
        simulated=any(c.simulated for c in _all(proof)),
        provider=provider.kind,
        binding=channel.body.seal.value if channel.body is not None else "tls_spki",
        nonce_bound=presented.nonce_bound,
        image="" if "measurement" in accepted else _word(_image(claims, want)),
        expectations_sha256=revision(want).hex(),
        gpus=sum(role == "gpu" for role, _ in proof.others),
        **_said(proof, accepted),
    )


def _said(proof: Proof, accepted: Mapping[str, Unpinned]) -> dict[str, Any]:
    """What a record says that may be otherwise when something else is published."""
    approvals = {name: Approval(_word(a.approved_by), a.until.isoformat()) for name, a in accepted.items()}
    return {
        "tcb_status": _word(proof.claims.tcb_status),
        "advisories": tuple(sorted({_word(a) for c in _all(proof) for a in c.advisories})),
        "unpinned": approvals.pop("measurement", None),
        "waived": approvals,
        "unknown": tuple(sorted({_code(c.id) for c in proof.checks if c.status is Status.UNKNOWN})),
    }


def _all(proof: Proof) -> tuple[Claims, ...]:
    return (proof.claims, *(c for _, c in proof.others))


def _measurement(claims: Claims) -> bytes:
    """The image in one value; a format that has only registers is named by all of them."""
    named = b"".join(name.encode() + b"=" + value for name, value in sorted(claims.measurements.items()))
    return claims.measurement or hashlib.sha256(named).digest()


def _image(claims: Claims, want: Expectations) -> str:
    for name, registers in want.registers.items():
        if all(claims.measurements.get(n) == v for n, v in registers.items()):
            return name
    return want.measurements.get(claims.measurement, "")


def _names(proof: Proof, *keys: str) -> frozenset[str]:
    """What a deny-list may name, in hex. Zeros name nothing."""
    out = {*keys}
    for claims in _all(proof):
        chip = claims.chip_id if any(claims.chip_id[8:]) else claims.chip_id[:8]  # the newest have 8 bytes, then zeros
        values = (chip, claims.chip_id, claims.measurement, claims.host_data, *claims.measurements.values())
        out |= {v.hex() for v in values if any(v)}
    return frozenset(out - {""})


def _word(text: str) -> str:
    """Without what a record cannot hold: names of people and vendors' words may have white space."""
    return _UNRECORDABLE.sub("_", text)[:80]
