"""Reading a SQLite ledger: filters for people, and rows for verification. Read-only, also while the gate runs.

Opens nothing for writing and changes nothing; every answer is one consistent state of the ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.audit.verify import Head, Verdict, check_chain
from proxy.errors import ConfigError

EQUALS = ("app", "tenant", "action", "zone", "upstream", "kind", "code", "request_id", "ref_seq", "seq")


@dataclass(frozen=True, slots=True)
class Filter:
    """All given parts must hold. ``since`` (from) and ``until`` (before) are ISO 8601 prefixes in UTC."""

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
    ref_seq: int | None = None
    seq: int | None = None
    limit: int | None = None


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """A read transaction. Raises ConfigError when there is no ledger or it cannot be read."""
    if not path.is_file():
        raise ConfigError(f"{path}: there is no ledger here; name the data directory with --data")
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            db.execute("BEGIN")  # rows and head of the same moment, whatever the gate writes meanwhile
            yield db
    except sqlite3.Error as e:
        why = getattr(e, "sqlite_errorname", type(e).__name__)
        raise ConfigError(f"{path}: the ledger cannot be read ({why}); restore it or check the permissions") from None


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
    with _open(path) as db:
        rows = db.execute(sql, (*values, want.limit if want.limit is not None else -1)).fetchall()
    try:
        return [{**json.loads(body), "prev_hash": prev, "hash": own} for body, prev, own in reversed(rows)]
    except ValueError:
        raise ConfigError(f"{path}: the ledger holds what is no record; run `sealgate audit verify`") from None


def verify(path: Path, key: bytes | None) -> Verdict:
    """Recomputes the whole chain, and the keyed head when the key is given. Raises ConfigError if unreadable."""
    with _open(path) as db:
        head = db.execute("SELECT seq, hash, mac FROM head").fetchone()
        rows = db.execute("SELECT * FROM records ORDER BY seq")
        return check_chain(rows, Head(*head) if head is not None else None, key)
