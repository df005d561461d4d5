"""Presented -> proven: every piece verified, every binding compared, every failure at once (attestation.md §6.5)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from attestation.providers.base import BESIDE, ENCLAVES, Channel, Piece, Presented
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
    Source,
    Status,
)
from attestation.validate import SKEW_S, validate, validate_part
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
    published: Callable[[Evidence], Collateral] | None = None,
) -> Proof:
    """``published`` gives what vendors publish for each piece, instead of ``collateral`` for all; its waivers stay, and
    what the document brought then does not count. It may raise like verification.

    Raises Malformed or Rejected, the latter with every failure of every piece.
    """
    brought: tuple[Check, ...] = ()
    if published is None:
        collateral, brought = supplied(collateral, presented.offered)
    checks = [*own_checks(presented, now, collateral.waivers), channel_check(presented.channel), roles_check(presented)]
    failures = _failed(checks)
    claims: list[tuple[str, Claims]] = []
    for piece in presented.pieces:
        try:
            own = replace(published(piece.evidence), waivers=collateral.waivers) if published else collateral
            found = verify(piece.evidence, now, trust, simulated, own)
            more = (age_check(piece, found, now), *_stale(presented, piece, found, want))
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
    checks += brought
    cpu = next(c for role, c in claims if role == "cpu")
    others = tuple((r, c) for r, c in claims if r != "cpu")
    return Proof(cpu, presented.channel, tuple(checks), others, presented.not_after, presented.asserted)


def _failed(checks: Iterable[Check]) -> list[str]:
    return [f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED)]


def _judged(piece: Piece, found: Claims, want: Expectations, now: dt.datetime) -> tuple[Check, ...]:
    if piece.role in ENCLAVES:  # whatever sees a request must be an approved image, a gateway before the model too
        return validate(found, want, now, piece.bound, piece.pinned)
    return validate_part(found, want, piece.bound)


def own_checks(presented: Presented, now: dt.datetime, waivers: frozenset[str]) -> list[Check]:
    """The provider's own checks, and the end that its keys have by themselves."""
    checks = [waived(c, waivers) for c in presented.checks]
    end = presented.not_after
    return checks if end is None else [*checks, check("keys.expired", now < end, f"the keys end at {end:%FT%TZ}")]


def supplied(own: Collateral, offered: Collateral | None) -> tuple[Collateral, tuple[Check, ...]]:
    """The verifier's own, and only where it has none what the document brought: verification treats that like its own,
    so that it counts signed by the vendor and current. Whether there is a newer one stays unknown, and is said."""
    names = [n for n in ("amd_crl", "intel") if getattr(own, n) is None and getattr(offered, n, None) is not None]
    newest = "came with the document: there may be a newer one"
    found = (Check(f"collateral.{n.replace('_', '-')}", Status.UNKNOWN, Source.PROVIDER, newest) for n in names)
    return replace(own, **{n: getattr(offered, n) for n in names}), tuple(found)


def _stale(presented: Presented, piece: Piece, claims: Claims, want: Expectations) -> tuple[Check, ...]:
    """A failed check where a greatest age is demanded of evidence that signs neither our nonce nor a time."""
    if piece.role not in ENCLAVES or want.max_age_s is None or presented.nonce_bound or claims.signed_at is not None:
        return ()
    return (check("max-age", False, "the evidence signs neither what was asked nor a time", Source.HARDWARE),)


def age_check(piece: Piece, claims: Claims, now: dt.datetime) -> Check:
    """Evidence that answers no question of ours must say when it was made."""
    if piece.max_age_s is None:
        return check(f"{piece.role}.age", True, "the provider asks for no greatest age")
    if claims.signed_at is None:
        return check(f"{piece.role}.age", False, "the evidence signs no time")
    seconds = (now - claims.signed_at).total_seconds()
    return check(
        f"{piece.role}.age", -SKEW_S <= seconds <= piece.max_age_s, f"{seconds:.0f} s old, at most {piece.max_age_s}"
    )


def channel_check(channel: Channel) -> Check:
    """No key, no enclave."""
    return check("channel", channel.spki_sha256 is not None or channel.body is not None, "evidence must name a key")


def roles_check(presented: Presented) -> Check:
    roles = [p.role for p in presented.pieces]
    known = set(roles) <= ENCLAVES | BESIDE | {"gpu"}
    bound = all(p.bound for p in presented.pieces)
    return check("pieces", known and roles.count("cpu") == 1 and bound, "one CPU, known parts, every piece bound")
