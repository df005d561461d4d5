"""Presented -> proven: every piece verified, every binding compared, every failure at once (attestation.md §6.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from attestation.providers.base import Channel, Presented
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    Check,
    Claims,
    Collateral,
    Evidence,
    Expectations,
    Malformed,
    Rejected,
    Status,
)
from attestation.validate import validate, validate_part
from attestation.verify import verify
from attestation.x509 import check


@dataclass(frozen=True, slots=True)
class Proof:
    """Only :func:`prove` makes one: the keys in ``channel`` are those of the enclave that ``claims`` describe."""

    claims: Claims
    """Of the piece ``cpu``."""
    channel: Channel
    checks: tuple[Check, ...]
    others: tuple[tuple[str, Claims], ...] = field(default=())
    """Role and claims of the other pieces."""

    @property
    def not_after(self) -> dt.datetime:
        return min(c.not_after for c in (self.claims, *(c for _, c in self.others)))


def prove(
    presented: Presented,
    want: Expectations,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
    published: Callable[[Evidence], Collateral] | None = None,
) -> Proof:
    """``published`` gives what vendors publish for each piece, instead of ``collateral`` for all, whose waivers stay.
    It may raise like verification. Raises Malformed or Rejected, the latter with every failure of every piece.
    """
    checks: list[Check] = [*presented.checks, _channel(presented.channel), _roles(presented)]
    failures: list[str] = [f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED)]
    claims: list[tuple[str, Claims]] = []
    for piece in presented.pieces:
        try:
            own = replace(published(piece.evidence), waivers=collateral.waivers) if published else collateral
            found = verify(piece.evidence, now, trust, simulated, own)
            judged = (
                validate(found, want, now, piece.bound)
                if piece.role == "cpu"
                else validate_part(found, want, piece.bound)
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
    return Proof(cpu, presented.channel, tuple(checks), tuple((r, c) for r, c in claims if r != "cpu"))


def _channel(channel: Channel) -> Check:
    """No key, no enclave."""
    return check("channel", channel.spki_sha256 is not None or channel.body is not None, "evidence must name a key")


def _roles(presented: Presented) -> Check:
    one = sum(p.role == "cpu" for p in presented.pieces) == 1
    return check("pieces", one and all(p.bound for p in presented.pieces), "one CPU, and every piece bound")
