"""Presented -> proven: every piece verified, every binding compared, every failure at once (attestation.md §6.5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from attestation.providers.base import Channel, Presented
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    Check,
    Claims,
    Collateral,
    Expectations,
    Malformed,
    Rejected,
    Source,
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
) -> Proof:
    """Raises Malformed or Rejected, the latter with every failure of every piece."""
    collateral, supplied = _supplied(collateral, presented.offered)
    checks: list[Check] = [*presented.checks, _channel(presented.channel), _roles(presented)]
    failures: list[str] = [f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED)]
    claims: list[tuple[str, Claims]] = []
    for piece in presented.pieces:
        try:
            found = verify(piece.evidence, now, trust, simulated, collateral)
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
            if piece.role == "cpu" and (stale := _stale(presented, found, want)) is not None:
                checks.append(stale)
                failures.append(f"{stale.id}: {stale.detail}")
    if failures:
        raise Rejected(tuple(failures), tuple(checks))
    checks += supplied
    cpu = next(c for role, c in claims if role == "cpu")
    return Proof(cpu, presented.channel, tuple(checks), tuple((r, c) for r, c in claims if r != "cpu"))


def _supplied(own: Collateral, offered: Collateral | None) -> tuple[Collateral, tuple[Check, ...]]:
    """The verifier's own, and only where it has none what the document brought: verification treats that like its own,
    so that it counts signed by the vendor and current. Whether there is a newer one stays unknown, and is said."""
    names = [n for n in ("amd_crl", "intel") if getattr(own, n) is None and getattr(offered, n, None) is not None]
    newest = "came with the document: there may be a newer one"
    found = (Check(f"collateral.{n.replace('_', '-')}", Status.UNKNOWN, Source.PROVIDER, newest) for n in names)
    return replace(own, **{n: getattr(offered, n) for n in names}), tuple(found)


def _stale(presented: Presented, claims: Claims, want: Expectations) -> Check | None:
    """A failed check where a greatest age is demanded of evidence that signs neither our nonce nor a time."""
    if want.max_age_s is None or presented.nonce_bound or claims.signed_at is not None:
        return None
    return check("max-age", False, "the evidence signs neither what was asked nor a time", Source.HARDWARE)


def _channel(channel: Channel) -> Check:
    """No key, no enclave."""
    return check("channel", channel.spki_sha256 is not None or channel.body is not None, "evidence must name a key")


def _roles(presented: Presented) -> Check:
    one = sum(p.role == "cpu" for p in presented.pieces) == 1
    return check("pieces", one and all(p.bound for p in presented.pieces), "one CPU, and every piece bound")
