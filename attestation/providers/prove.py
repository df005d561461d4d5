"""Presented -> proven: every piece verified, every binding compared, every failure at once (attestation.md §6.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from attestation.providers.base import Channel, Piece, Presented
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
from attestation.validate import SKEW_S, validate, validate_part
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
    failures = _failed(checks)
    claims: list[tuple[str, Claims]] = []
    for piece in presented.pieces:
        try:
            found = verify(piece.evidence, now, trust, simulated, collateral)
            more = (_age(piece, found, now), *_stale(presented, piece, found, want))
            checks += more
            failures += _failed(more)
            judged = _judged(piece, found, want, now)
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
    checks += supplied
    cpu = next(c for role, c in claims if role == "cpu")
    return Proof(cpu, presented.channel, tuple(checks), tuple((r, c) for r, c in claims if r != "cpu"))


def _failed(checks: Iterable[Check]) -> list[str]:
    return [f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED)]


def _judged(piece: Piece, found: Claims, want: Expectations, now: dt.datetime) -> tuple[Check, ...]:
    if piece.role == "cpu":
        return validate(found, want, now, piece.bound)
    return validate_part(found, want, piece.bound)


def _supplied(own: Collateral, offered: Collateral | None) -> tuple[Collateral, tuple[Check, ...]]:
    """The verifier's own, and only where it has none what the document brought: verification treats that like its own,
    so that it counts signed by the vendor and current. Whether there is a newer one stays unknown, and is said."""
    names = [n for n in ("amd_crl", "intel") if getattr(own, n) is None and getattr(offered, n, None) is not None]
    newest = "came with the document: there may be a newer one"
    found = (Check(f"collateral.{n.replace('_', '-')}", Status.UNKNOWN, Source.PROVIDER, newest) for n in names)
    return replace(own, **{n: getattr(offered, n) for n in names}), tuple(found)


def _stale(presented: Presented, piece: Piece, claims: Claims, want: Expectations) -> tuple[Check, ...]:
    """A failed check where a greatest age is demanded of evidence that signs neither our nonce nor a time."""
    if piece.role != "cpu" or want.max_age_s is None or presented.nonce_bound or claims.signed_at is not None:
        return ()
    return (check("max-age", False, "the evidence signs neither what was asked nor a time", Source.HARDWARE),)


def _age(piece: Piece, claims: Claims, now: dt.datetime) -> Check:
    """Evidence that answers no question of ours must say when it was made."""
    if piece.max_age_s is None:
        return check(f"{piece.role}.age", True, "the provider asks for no greatest age")
    if claims.signed_at is None:
        return check(f"{piece.role}.age", False, "the evidence signs no time")
    seconds = (now - claims.signed_at).total_seconds()
    return check(
        f"{piece.role}.age", -SKEW_S <= seconds <= piece.max_age_s, f"{seconds:.0f} s old, at most {piece.max_age_s}"
    )


def _channel(channel: Channel) -> Check:
    """No key, no enclave."""
    return check("channel", channel.spki_sha256 is not None or channel.body is not None, "evidence must name a key")


def _roles(presented: Presented) -> Check:
    one = sum(p.role == "cpu" for p in presented.pieces) == 1
    return check("pieces", one and all(p.bound for p in presented.pieces), "one CPU, and every piece bound")
