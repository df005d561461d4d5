"""What may come into the store: pieces that count now and are not older than anything seen (§6.6).

All or nothing: one piece that may not come in keeps the others out, and every reason is named. Nothing is written here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from attestation.collateral.examine import examine
from attestation.collateral.index import MAX_ENTRIES, MAX_INDEX_BYTES, encode, time_text
from attestation.collateral.pieces import EVALUATED, SKEW, UNSIGNED, Entry, Floor, Index, Kind, Name, Piece, shown
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Check, Malformed, Rejected
from attestation.x509 import check

WITHOUT_FLOOR = frozenset({Kind.AMD_KEY})
"""A certificate of a key is not taken back by a newer one: the revocation list does that."""
MAX_KEYS = 1024
"""Certificates of keys that are kept at most; whoever needs another one again asks for it again."""


def admit(
    index: Index, pieces: Iterable[Piece], now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None
) -> Index:
    """The index with ``pieces`` in place of what it had under their names, and floors raised. ``now`` is aware.

    Raises Rejected with every failure of every piece.
    """
    entries, floors = dict(index.entries), dict(index.floors)
    failures: list[str] = []
    checks: list[Check] = []
    for piece in pieces:
        try:
            entry = examine(piece, trust, simulated)
        except Malformed as e:
            failures.append(f"{shown(piece.name)}: {e}")
            continue
        except Rejected as e:
            failures += [f"{shown(piece.name)}: {f}" for f in e.failures]
            checks += e.checks
            continue
        found = (*_window(entry, now), *_not_older(entry, index, now))
        checks += found
        failures += [f"{shown(entry.name)}: {c.id}: {c.detail}" for c in found if c.status == "fail"]
        _put(entries, floors, entry, now)
    if failures:
        raise Rejected(tuple(failures), tuple(checks))
    out = Index(_fewer(entries), {n: f for n, f in floors.items() if n[0] not in WITHOUT_FLOOR})
    if max(len(out.entries), len(out.floors)) > MAX_ENTRIES or len(encode(out)) > MAX_INDEX_BYTES:
        raise Rejected((f"the store is full: it holds {MAX_ENTRIES} pieces",))  # more could be written, and never read
    return out


def _fewer(entries: Mapping[Name, Entry]) -> dict[Name, Entry]:
    """Without the keys of reports that were asked for longest ago, where there are too many: evidence names them before
    anybody has judged it, and one machine has a key for every level that it ever had."""
    keys = sorted((e.fetched_at, e.name) for e in entries.values() if e.kind is Kind.AMD_KEY)
    gone = {name for _, name in keys[: max(0, len(keys) - MAX_KEYS)]}
    return {name: e for name, e in entries.items() if name not in gone}


def _put(entries: dict[Name, Entry], floors: dict[Name, Floor], entry: Entry, now: dt.datetime) -> None:
    """Of two pieces of one name that come together the newer one stays."""
    floor, got = floors.get(entry.name), Floor(entry.number or 0, entry.issued)
    if floor is None or entry.kind in WITHOUT_FLOOR or unfounded(entry.kind, floor, now) or not floor.above(got):
        entries[entry.name], floors[entry.name] = entry, got


def _window(entry: Entry, now: dt.datetime) -> tuple[Check, ...]:
    end, fetched, it_is = entry.next_update, time_text(entry.fetched_at), f"it is {time_text(now)}"
    return (
        check("fetched", entry.fetched_at <= now + SKEW, f"fetched {fetched}, {it_is}"),
        check("issued", entry.issued <= now + SKEW, f"issued {time_text(entry.issued)}, {it_is}"),
        check("expired", end is None or now <= end, f"ended {time_text(end) if end else 'never'}"),
    )


def unfounded(kind: Kind, floor: Floor, now: dt.datetime) -> bool:
    """Whether our own clock was wrong when this floor was set: of what nobody signs, the date is when we asked. Else
    one step of the clock would keep every later key set out until that day comes."""
    return kind in UNSIGNED and floor.issued > now + SKEW


def _not_older(entry: Entry, index: Index, now: dt.datetime) -> tuple[Check, ...]:
    """Numbers first: Intel's PCK lists all have number 1, so that their date must be compared as well.

    A platform that was never seen has no floor of its own: the newest evaluation seen of any platform is its floor, or
    an old level could come in under a new name.
    """
    if entry.kind in WITHOUT_FLOOR:
        return ()
    floor = index.floors.get(entry.name)
    if floor is None or unfounded(entry.kind, floor, now):
        if entry.kind not in EVALUATED:
            return ()
        least = index.evaluation
        return (check("rollback", (entry.number or 0) >= least, f"evaluation data {entry.number}, {least} was seen"),)
    newer = not floor.above(Floor(entry.number or 0, entry.issued))
    return (check("rollback", newer, f"number {entry.number or 0} of {time_text(entry.issued)}, "
                  f"number {floor.number} of {time_text(floor.issued)} was seen"),)  # fmt: skip
