"""The ledger in one SQLite file. Durability, stated per state:

* before ``begin()`` returns, a crash loses the record **and nothing has left**;
* after it returned, the record survives a crash of the process and of the machine (WAL, ``synchronous=FULL``);
* between sending and ``finish()``, a crash leaves an open intent: something may have left. The next start closes it with
  outcome ``unknown``.

One thread writes; whatever waits is committed together, so that concurrent requests share one disk flush. One process
owns the file: a second gate on it would fork the chain and is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from proxy.audit.canonical import GENESIS, canonical, chain, head_mac
from proxy.audit.record import Common, Intent, Outcome, Refusal
from proxy.audit.store import issue
from proxy.errors import AuditUnavailable, ConfigError
from proxy.outbound import Receipt

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT NOT NULL, request_id TEXT, ref_seq INTEGER,
  app TEXT, tenant TEXT, action TEXT, zone TEXT, upstream TEXT, code TEXT,
  body BLOB NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS records_request ON records (request_id);
CREATE INDEX IF NOT EXISTS records_ref ON records (ref_seq) WHERE ref_seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_at ON records (at);
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, hash TEXT, mac TEXT) STRICT;
"""
COLUMNS = ("kind", "at", "request_id", "ref_seq", "app", "tenant", "action", "zone", "upstream", "code")
BATCH = 256
WAIT_S = 10.0
"""How long a request waits for its record to become durable."""


@dataclass(slots=True)
class _Write:
    record: dict[str, Any]
    done: asyncio.Future[int]
    loop: asyncio.AbstractEventLoop


class SqliteStore:
    """Implements ``ports.AuditStore``."""

    def __init__(self, path: Path, audit_key: bytes, now: Callable[[], dt.datetime]) -> None:
        self._path = path
        self._key = audit_key
        self._now = now
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._lock: IO[bytes] | None = None
        self._seq = 0
        self._hash = GENESIS
        self._failing = False
        self._unfinished: list[dict[str, Any]] = []
        self.lost_outcomes = 0
        """Outcomes that could not be written when they happened; they are tried again before the next record."""

    async def open(self) -> None:
        """Opens or makes the file, closes open intents. Raises ConfigError with what to do."""
        await asyncio.to_thread(self._open)
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            self._lock = (self._path.with_name(self._path.name + ".lock")).open("wb")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{self._path}: another gate uses this ledger; give each its own `data:` folder"
            ) from None
        except OSError as e:
            raise ConfigError(f"{self._path}: cannot open the ledger ({e.strerror})") from None
        try:
            db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            self._path.chmod(0o600)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(SCHEMA)
            self._db = db
            self._load_head(db)
            self._recover(db)
        except (sqlite3.Error, OSError) as e:
            raise ConfigError(
                f"{self._path}: the ledger cannot be used ({type(e).__name__}); run `sealgate audit verify`, "
                "then move the file away or restore it"
            ) from None

    def _load_head(self, db: sqlite3.Connection) -> None:
        last = db.execute("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        head = db.execute("SELECT seq, hash, mac FROM head").fetchone()
        if last is None and head is None:
            return
        if last is None or head is None or tuple(last) != (head[0], head[1]):
            raise ConfigError(f"{self._path}: the ledger's end is missing; `sealgate audit verify` says where")
        if head[2] != head_mac(self._key, last[0], last[1]):
            raise ConfigError(f"{self._path}: the ledger was written with another key; check `keys:`")
        self._seq, self._hash = last

    def _recover(self, db: sqlite3.Connection) -> None:
        rows = db.execute(
            "SELECT seq, request_id FROM records AS r WHERE kind = 'intent' "
            "AND NOT EXISTS (SELECT 1 FROM records AS o WHERE o.ref_seq = r.seq AND o.kind = 'outcome')"
        ).fetchall()
        if rows:
            self._commit([outcome_json(Outcome(seq, request_id, "unknown")) for seq, request_id in rows])

    async def close(self) -> None:
        """Writes what waits, then closes the file."""
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def healthy(self) -> bool:
        """Whether the last write succeeded."""
        return self._thread is not None and self._thread.is_alive() and not self._failing

    async def begin(self, intent: Intent, out_digest: bytes) -> Receipt:
        """Durable when it returns. Raises AuditUnavailable."""
        seq = await self._write(intent_json(intent))
        return issue(seq, intent.common.request_id, intent.upstream, out_digest)

    async def finish(self, outcome: Outcome) -> None:
        """Raises AuditUnavailable; the outcome is then kept and written before the next record."""
        record = outcome_json(outcome)
        try:
            await self._write(record)
        except AuditUnavailable:
            self.lost_outcomes += 1
            self._unfinished.append(record)
            raise

    async def refuse(self, refusal: Refusal) -> int:
        """The record's seq. Raises AuditUnavailable."""
        return await self._write(refusal_json(refusal))

    async def control(self, code: str, details: Mapping[str, object]) -> int:
        """An event that is no request: start, reload, attestation."""
        return await self._write({"kind": "control", "code": code, "details": dict(details)})

    async def _write(self, record: dict[str, Any]) -> int:
        canonical(record)  # our own bugs surface in the caller, not in the writer
        if self._thread is None or not self._thread.is_alive():
            raise AuditUnavailable("The audit ledger is closed.")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._queue.put(_Write(record, done, loop))
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(done)
        except TimeoutError:
            raise AuditUnavailable("The audit ledger does not answer.", retry_after_s=5) from None

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < BATCH:
                    batch.append(self._queue.get_nowait())
            writes = [w for w in batch if w is not None]
            if writes:
                self._settle(writes)
            if len(writes) < len(batch):
                return

    def _settle(self, writes: Sequence[_Write]) -> None:
        late = self._unfinished[:]
        try:
            seqs = self._commit([*late, *(w.record for w in writes)])[len(late) :]
        except (sqlite3.Error, OSError):
            self._failing = True
            for w in writes:
                error = AuditUnavailable("The audit ledger cannot be written; nothing was sent.", retry_after_s=5)
                w.loop.call_soon_threadsafe(_fail, w.done, error)
            return
        del self._unfinished[: len(late)]
        self._failing = False
        for w, seq in zip(writes, seqs, strict=True):
            w.loop.call_soon_threadsafe(_done, w.done, seq)

    def _commit(self, records: Sequence[dict[str, Any]]) -> list[int]:
        """All or none, in one transaction with the head. Raises sqlite3.Error or OSError."""
        assert self._db is not None
        seq, last = self._seq, self._hash
        seqs = []
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            for record in records:
                seq += 1
                at = self._now().isoformat(timespec="milliseconds")
                body = canonical({**record, "seq": seq, "at": at})
                prev, last = last, chain(last, body)
                row = {**record, "at": at}
                db.execute(
                    f"INSERT INTO records (seq, {', '.join(COLUMNS)}, body, prev_hash, hash) "  # noqa: S608 -- constants
                    f"VALUES (?{', ?' * (len(COLUMNS) + 3)})",
                    (seq, *(row.get(c) for c in COLUMNS), body, prev, last),
                )
                seqs.append(seq)
            mac = head_mac(self._key, seq, last)
            db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", (seq, last, mac))
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._seq, self._hash = seq, last
        return seqs


def _done(future: asyncio.Future[int], seq: int) -> None:
    if not future.done():
        future.set_result(seq)


def _fail(future: asyncio.Future[int], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _common(common: Common) -> dict[str, Any]:
    return {**asdict(common), "rules": list(common.rules)}


def intent_json(intent: Intent) -> dict[str, Any]:
    """An intent as it is recorded."""
    own = asdict(intent)
    del own["common"]
    return {"kind": "intent", **_common(intent.common), **own}


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal as it is recorded."""
    own = asdict(refusal)
    del own["common"]
    return {"kind": "refusal", **_common(refusal.common), **own, "reasons": list(refusal.reasons)}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as it is recorded."""
    return {"kind": "outcome", **asdict(outcome)}


def file_mode(path: Path) -> int:
    """Permission bits, for tests and ``doctor``."""
    return os.stat(path).st_mode & 0o777
