"""Is this ledger whole? Recomputes every hash and the keyed head. Pure: rows come in, a verdict goes out.

It proves that nothing was changed, removed, inserted or reordered since it was written, and with the audit key also
that the end is the one the gate wrote. It cannot see that a whole older copy, with the head of its time, was put back,
nor anything done by someone who holds the key; see docs/audit.md.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.audit.canonical import GENESIS, chain_hash, head_mac

INDEXED = ("seq", "kind", "at", "request_id", "ref_seq", "app", "tenant", "action", "zone", "upstream", "code")


@dataclass(frozen=True, slots=True)
class Head:
    """What the store says the last record is."""

    seq: int
    hash: str
    mac: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. ``problem`` is None for a whole chain; ``head_checked`` needs the audit key."""

    records: int
    head: str
    head_checked: bool
    problem: str | None = None
    seq: int | None = None
    """The first record that does not fit."""


def check_chain(rows: Iterable[Mapping[str, Any]], head: Head | None, key: bytes | None) -> Verdict:
    """Walks ``rows`` (in order of seq, with ``body``, ``prev_hash``, ``hash`` and the indexed columns) once."""
    last, count = GENESIS, 0
    for row in rows:
        problem = _fault(row, count + 1, last)
        if problem is not None:
            return Verdict(count, last, False, problem, count + 1)
        count, last = count + 1, row["hash"]
    problem = _head_fault(head, count, last, key)
    at = None if problem is None else max(count, head.seq if head is not None else count)
    return Verdict(count, last, key is not None and head is not None and problem is None, problem, at)


def _fault(row: Mapping[str, Any], number: int, last: str) -> str | None:
    if row["seq"] != number:
        return "this record is missing"
    if row["prev_hash"] != last:
        return "it does not follow its predecessor: one of the two was changed, removed or moved"
    if chain_hash(last, bytes(row["body"])) != row["hash"]:
        return "this record was changed"
    try:
        value = json.loads(row["body"])
    except ValueError:
        return "this record is not JSON"
    if not isinstance(value, dict) or any(row[c] != value.get(c) for c in INDEXED):
        return "the columns it is searched by differ from the record"
    return None


def _head_fault(head: Head | None, count: int, last: str, key: bytes | None) -> str | None:
    if head is None:
        return None if count == 0 else "the head is missing"
    if (head.seq, head.hash) != (count, last):
        return "the end of the ledger was removed or replaced"
    if key is not None and not hmac.compare_digest(head.mac, head_mac(key, count, last)):
        return "the head is not signed with this audit key"
    return None
