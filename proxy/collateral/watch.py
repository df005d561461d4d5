"""What needs attention, and when the next question is due. Pure: a snapshot and a time in, words and names out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from attestation.collateral.examine import REVOKED
from attestation.collateral.index import time_text
from attestation.collateral.nvidia import said
from attestation.collateral.pieces import Entry, Kind, Trust, shown
from attestation.collateral.store import Snapshot

_DAY = dt.timedelta(days=1)
WARN: Mapping[Kind, dt.timedelta] = {
    Kind.INTEL_TCB: 7 * _DAY, Kind.INTEL_QE: 7 * _DAY, Kind.INTEL_PCK_CRL: 7 * _DAY, Kind.INTEL_ROOT_CRL: 7 * _DAY,
    Kind.AMD_CRL: 14 * _DAY, Kind.AMD_KEY: 14 * _DAY, Kind.JWKS: 1 * _DAY,
    Kind.OCSP: _DAY / 4, Kind.RIM: 30 * _DAY,
}  # fmt: skip
"""How long before its end a piece is warned of. Answers of NVIDIA's responder live one day."""
EVERY: Mapping[Kind, dt.timedelta] = {
    Kind.INTEL_TCB: _DAY, Kind.INTEL_QE: _DAY, Kind.INTEL_PCK_CRL: _DAY, Kind.INTEL_ROOT_CRL: _DAY,
    Kind.AMD_CRL: _DAY, Kind.JWKS: 6 * dt.timedelta(hours=1), Kind.AMD_KEY: 30 * _DAY,
    Kind.OCSP: 6 * dt.timedelta(hours=1), Kind.RIM: 7 * _DAY,
}  # fmt: skip
"""How often a piece is asked for again. Services change their keys daily; a manifest may be signed anew."""


OPTIONAL = frozenset({Kind.RIM, Kind.OCSP})
"""Kinds that nothing needs: without, a check is unknown."""


@dataclass(frozen=True, slots=True)
class State:
    """One line of ``status``: ``word`` is ``ok``, ``expiring`` or ``expired``."""

    entry: Entry
    word: str
    note: str

    @property
    def text(self) -> str:
        return f"{shown(self.entry.name)}: {self.note}"


def states(snapshot: Snapshot, now: dt.datetime) -> tuple[State, ...]:
    """Every piece, by name."""
    return tuple(_state(snapshot, snapshot.index.entries[name], now) for name in sorted(snapshot.index.entries))


def _state(snapshot: Snapshot, entry: Entry, now: dt.datetime) -> State:
    end = entry.next_update
    word = said(snapshot.contents[entry.sha256]) if entry.kind is Kind.OCSP else ""
    if end is None:
        return State(entry, "ok", word or "has no end")
    says = f"{word}, " if word else ""
    if not entry.current(now):
        what = "its question is open again" if entry.kind in OPTIONAL else "nothing that needs it is accepted"
        return State(entry, "expired", f"{says}ended {time_text(end)}: {what}")
    if end - now <= WARN.get(entry.kind, dt.timedelta()):
        return State(entry, "expiring", f"{says}ends {time_text(end)}, in {_days(end - now)}")
    unsigned = ", vouched for by TLS only" if entry.trust is Trust.TLS else ""
    return State(entry, "ok", f"{says}ends {time_text(end)}{unsigned}")


def _days(left: dt.timedelta) -> str:
    hours = int(left.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"


def due_at(entry: Entry) -> dt.datetime | None:
    """When ``entry`` should be asked for again; None: never."""
    every = EVERY.get(entry.kind)
    if every is None or (entry.kind is Kind.AMD_KEY and entry.key.startswith("vlek/")):  # only its cloud hands it out
        return None
    if entry.kind is Kind.OCSP and entry.number == REVOKED:  # no other answer would be taken
        return None
    if entry.next_update is not None:
        every = min(every, max((entry.next_update - entry.fetched_at) / 2, dt.timedelta(hours=1)))
    return entry.fetched_at + every
