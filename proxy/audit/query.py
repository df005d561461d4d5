"""Reading the ledger: filters for people, and verification of the whole chain. Opens the file read-only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.audit.canonical import GENESIS, chain, head_mac
from proxy.errors import ConfigError

EQUALS = ("app", "tenant", "action", "zone", "upstream", "kind", "code", "request_id")


@dataclass(frozen=True, slots=True)
class Filter:
    """All given parts must hold. ``since`` and ``until`` are ISO 8601 prefixes, compared as text (UTC)."""

    since: str | None = None
    until: str | None = None
    app: str | None = None
    tenant: str | None = None
    action: str | None = None
    zone: str | None = None
    upstream: str | None = None
    kind: str | None = None
    code: str | None = None
    request_id: str | None = None
    limit: int | None = None


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise ConfigError(f"{path}: there is no ledger here; use --data, or start the gate first")
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def query(path: Path, want: Filter) -> list[dict[str, Any]]:
    """The newest ``limit`` matching records, oldest first, each with its hashes. Raises ConfigError."""
    clauses, values = ["1"], []
    for name in EQUALS:
        if (value := getattr(want, name)) is not None:
            clauses.append(f"{name} = ?")
            values.append(value)
    for name, op in (("since", ">="), ("until", "<")):
        if (value := getattr(want, name)) is not None:
            clauses.append(f"at {op} ?")
            values.append(value)
    sql = f"SELECT body, prev_hash, hash FROM records WHERE {' AND '.join(clauses)} ORDER BY seq DESC LIMIT ?"  # noqa: S608 -- names are constants, values are bound
    try:
        with closing(_open(path)) as db:
            rows = db.execute(sql, (*values, want.limit if want.limit is not None else -1)).fetchall()
    except sqlite3.Error as e:
        raise ConfigError(f"{path}: the ledger cannot be read ({type(e).__name__})") from None
    return [{**json.loads(body), "prev_hash": prev, "hash": own} for body, prev, own in reversed(rows)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. ``problem`` is None for a whole chain; ``head_checked`` needs the audit key."""

    records: int
    head: str
    head_checked: bool
    problem: str | None = None
    seq: int | None = None
    """The first record that does not fit."""


def verify(path: Path, key: bytes | None) -> Verdict:
    """Recomputes the whole chain, and the keyed head when the key is given. Raises ConfigError if unreadable."""
    try:
        with closing(_open(path)) as db:
            count, last, problem, seq = _walk(db)
            head = db.execute("SELECT seq, hash, mac FROM head").fetchone()
    except (sqlite3.Error, ValueError) as e:
        raise ConfigError(f"{path}: the ledger cannot be read ({type(e).__name__})") from None
    if problem is None and (head is None) != (count == 0):
        problem, seq = "the head row is missing or stands alone", count
    if problem is None and head is not None:
        if (head[0], head[1]) != (count, last):
            problem, seq = "the end of the ledger is missing or was replaced", count + 1
        elif key is not None and head[2] != head_mac(key, count, last):
            problem, seq = "the head is not signed with this gate's audit key", count
    return Verdict(count, last, key is not None, problem, seq)


def _walk(db: sqlite3.Connection) -> tuple[int, str, str | None, int | None]:
    last = GENESIS
    count = 0
    for row in _rows(db):
        count += 1
        problem = _fault(row, count, last)
        if problem is not None:
            return count, last, problem, count
        last = row["hash"]
    return count, last, None, None


def _rows(db: sqlite3.Connection) -> Iterator[sqlite3.Row]:
    db.row_factory = sqlite3.Row
    yield from db.execute("SELECT * FROM records ORDER BY seq")


def _fault(row: sqlite3.Row, number: int, last: str) -> str | None:
    if row["seq"] != number:
        return "a record is missing"
    if row["prev_hash"] != last:
        return "its predecessor was changed or removed"
    if chain(last, bytes(row["body"])) != row["hash"]:
        return "the record was changed"
    value = json.loads(row["body"])
    columns = ("seq", "kind", "at", "request_id", "ref_seq", "app", "tenant", "action", "zone", "upstream", "code")
    if any(row[c] != value.get(c) for c in columns):
        return "an index column differs from its record"
    return None
