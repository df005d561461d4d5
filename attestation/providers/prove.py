"""Presented -> proven: every piece verified, every binding compared, every failure at once (attestation.md §6.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from attestation.providers.base import Channel, Presented
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Expectations, Malformed, Rejected, Status
from attestation.validate import validate, validate_part
from attestation.verify import verify
from attestation.x509 import check, waived


@dataclass(frozen=True, slots=True)
class Proof:
    """Only :func:`prove` makes one: the keys in ``channel`` are those of the enclave that ``claims`` describe."""

    claims: Claims
    """Of the piece ``cpu``."""
    channel: Channel
    checks: tuple[Check, ...]
    others: tuple[tuple[str, Claims], ...] = field(default=())
    """Role and claims of the other pieces."""
    keys_until: dt.datetime | None = None
    asserted: Mapping[str, str] = field(default_factory=dict)
    """What the provider says beside it, unproven."""

    @property
    def not_after(self) -> dt.datetime:
        ends = [c.not_after for c in (self.claims, *(c for _, c in self.others))]
        return min(*ends, self.keys_until or ends[0], ends[0])


def prove(
    presented: Presented,
    want: Expectations,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
) -> Proof:
    """Raises Malformed or Rejected, the latter with every failure of every piece."""
    own = (waived(c, collateral.waivers) for c in presented.checks)
    checks: list[Check] = [*own, _channel(presented.channel), _roles(presented)]
    if presented.not_after is not None:
        checks.append(check("keys.expired", now < presented.not_after, f"the keys end at {presented.not_after:%FT%TZ}"))
    failures: list[str] = [f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED)]
    claims: list[tuple[str, Claims]] = []
    for piece in presented.pieces:
        try:
            found = verify(piece.evidence, now, trust, simulated, collateral)
            judged = (  # whatever sees a request must be an approved image, the gateway before the model included
                validate_part(found, want, piece.bound)
                if piece.role == "gpu"
                else validate(found, want, now, piece.bound, piece.pinned)
            )
        except Malformed as e:
            failures.append(f"{piece.role}.format: {e}")
        except Rejected as e:
            failures += e.failures
            checks += e.checks
        else:
            checks += (*found.checks, *judged)
            claims.append((piece.role, found))
    if failures:
        raise Rejected(tuple(failures), tuple(checks))
    cpu = next(c for role, c in claims if role == "cpu")
    others = tuple((r, c) for r, c in claims if r != "cpu")
    return Proof(cpu, presented.channel, tuple(checks), others, presented.not_after, presented.asserted)


def _channel(channel: Channel) -> Check:
    """No key, no enclave."""
    return check("channel", channel.spki_sha256 is not None or channel.body is not None, "evidence must name a key")


def _roles(presented: Presented) -> Check:
    one = sum(p.role == "cpu" for p in presented.pieces) == 1
    return check("pieces", one and all(p.bound for p in presented.pieces), "one CPU, and every piece bound")
