"""The ledger in one SQLite file: WAL, ``synchronous=FULL``. What is durable when is stated in ``proxy/audit/store.py``.

One thread writes; whatever waits is committed together, so that concurrent requests share one disk flush. One process
owns the file (an advisory lock beside it): a second gate on it would fork the chain and is refused. The chain's head is
kept under a keyed MAC in the same transaction. Nothing here changes or deletes a record, and triggers refuse it.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.audit.canonical import GENESIS, chain_hash, encode, head_mac
from proxy.audit.record import Intent, Outcome, Refusal, control_json, record_json
from proxy.audit.store import issue
from proxy.errors import AuditUnavailable, ConfigError
from proxy.outbound import Receipt

VERSION = 1
"""``PRAGMA user_version`` of this layout."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
  seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, at TEXT NOT NULL, request_id TEXT, ref_seq INTEGER,
  app TEXT, tenant TEXT, action TEXT, zone TEXT, upstream TEXT, code TEXT,
  body BLOB NOT NULL, prev_hash TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS records_request ON records (request_id);
CREATE INDEX IF NOT EXISTS records_ref ON records (ref_seq) WHERE ref_seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_at ON records (at);
CREATE INDEX IF NOT EXISTS records_intents ON records (seq, request_id) WHERE kind = 'intent';
CREATE TABLE IF NOT EXISTS head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER, hash TEXT, mac TEXT) STRICT;
CREATE TRIGGER IF NOT EXISTS records_stay BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'append-only'); END;
CREATE TRIGGER IF NOT EXISTS records_keep BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'append-only'); END;
"""
COLUMNS = ("kind", "at", "request_id", "ref_seq", "app", "tenant", "action", "zone", "upstream", "code")
INSERT = f"INSERT INTO records (seq, {', '.join(COLUMNS)}, body, prev_hash, hash) VALUES ({', '.join('?' * 14)})"  # noqa: S608 -- constants
OPEN_INTENTS = (
    "SELECT seq, request_id FROM records AS r WHERE kind = 'intent' "
    "AND NOT EXISTS (SELECT 1 FROM records AS o WHERE o.ref_seq = r.seq AND o.kind = 'outcome') ORDER BY seq"
)
BATCH = 256
"""Records of one transaction at most."""
WAIT_S = 10.0
"""How long a request waits for its record to become durable."""
LOCKED_S = 2.0
"""How long a transaction waits when another process holds the file's write lock."""
RETRY_S = 2.0
"""How often a failing ledger is tried again when no request does so."""
CHECKED_BYTES = 64 * 1024 * 1024
"""Up to this size the whole file is checked for damage at start; ``audit verify`` checks any size."""


@dataclass(frozen=True, slots=True)
class _Write:
    record: dict[str, Any]
    done: asyncio.Future[int] | None = None
    """None: nobody waits for it."""


class SqliteStore:
    """Implements ``ports.AuditStore``. ``now`` gives aware UTC; ``audit_key`` signs the head."""

    def __init__(self, path: Path, audit_key: bytes, now: Callable[[], dt.datetime]) -> None:
        self._path = path
        self._key = audit_key
        self._now = now
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._db: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._seq = 0
        self._hash = GENESIS
        self._failing = False
        self._unfinished: list[dict[str, Any]] = []  # touched by the writer thread only
        self.lost_outcomes = 0
        """Outcomes that could not be written when they happened; they are written before the next record."""
        self.recovered = 0
        """Open intents that the start closed with outcome ``unknown``."""

    async def open(self) -> None:
        """Opens or makes the file, closes open intents. Raises ConfigError, one line that says what to do."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            self._release()
            raise
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        self._take_lock()
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = db = sqlite3.connect(self._path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False)
            self._prepare(db)
            self._load_head(db)
            self._recover(db)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # the file's name must survive a power loss as its records do
            finally:
                os.close(folder)
        except (sqlite3.Error, OSError) as e:
            why = getattr(e, "sqlite_errorname", "") or getattr(e, "strerror", "") or type(e).__name__
            raise ConfigError(
                f"{self._path}: the ledger cannot be used ({why}); free or repair the disk, or restore the file, "
                "or move it away to start a new one"
            ) from None

    def _take_lock(self) -> None:
        try:
            self._lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            why = "another gate uses this ledger; give each its own `data:` folder"
            raise ConfigError(f"{self._path}: {why}") from None
        except OSError as e:
            raise ConfigError(
                f"{self._path}: cannot open the ledger ({e.strerror}); make `data:` a writable folder"
            ) from None

    def _prepare(self, db: sqlite3.Connection) -> None:
        if db.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
            raise ConfigError(f"{self._path}: this file system cannot hold the ledger (no WAL); use a local disk")
        db.execute("PRAGMA synchronous=FULL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise ConfigError(f"{self._path}: the ledger's layout is {version}, this release knows {VERSION}")
        if self._path.stat().st_size <= CHECKED_BYTES and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise ConfigError(f"{self._path}: the ledger is damaged; restore it, or move it away to start a new one")
        db.executescript(f"{SCHEMA} PRAGMA user_version={VERSION};")

    def _load_head(self, db: sqlite3.Connection) -> None:
        last = db.execute("SELECT seq, hash, prev_hash, body FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        head = db.execute("SELECT seq, hash, mac FROM head").fetchone()
        if last is None and head is None:
            return
        if last is None or head is None or tuple(last[:2]) != tuple(head[:2]):
            raise ConfigError(f"{self._path}: the ledger's end is missing; `sealgate audit verify` says where")
        if chain_hash(last[2], last[3]) != last[1]:
            raise ConfigError(f"{self._path}: the ledger's last record was changed; run `sealgate audit verify`")
        if head[2] != head_mac(self._key, last[0], last[1]):
            raise ConfigError(f"{self._path}: the ledger was written with another key; check `keys:`")
        self._seq, self._hash = last[:2]

    def _recover(self, db: sqlite3.Connection) -> None:
        rows = db.execute(OPEN_INTENTS).fetchall()
        for start in range(0, len(rows), BATCH):
            outcomes = [Outcome(seq, request_id, "unknown") for seq, request_id in rows[start : start + BATCH]]
            self._commit([record_json(o) for o in outcomes])
        self.recovered = len(rows)

    async def close(self) -> None:
        """Writes what waits, then closes the file. Records that come later are refused. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(thread.join)
        self._release()

    def _release(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def healthy(self) -> bool:
        """Whether the ledger is open and the last write succeeded."""
        return self._thread is not None and self._thread.is_alive() and not self._failing

    async def begin(self, intent: Intent, out_digest: bytes) -> Receipt:
        """Durable when it returns. Raises AuditUnavailable."""
        done = self._submit(record_json(intent))
        request_id = intent.common.request_id
        try:
            seq = await _durable(done)
        except (AuditUnavailable, asyncio.CancelledError):
            done.add_done_callback(lambda late: self._not_sent(late, request_id))
            raise
        return issue(seq, request_id, intent.upstream, out_digest)

    def _not_sent(self, late: asyncio.Future[int], request_id: str) -> None:
        """The record became durable after its request had given up: nothing left, and the ledger shall say so."""
        if not late.cancelled() and late.exception() is None:
            self._queue.put(_Write(record_json(Outcome(late.result(), request_id, "not_sent"))))

    async def finish(self, outcome: Outcome) -> None:
        """Raises AuditUnavailable; the outcome is then kept and written before the next record."""
        await _durable(self._submit(record_json(outcome)))

    async def refuse(self, refusal: Refusal) -> int:
        """The record's seq. Raises AuditUnavailable."""
        return await _durable(self._submit(record_json(refusal)))

    async def control(self, code: str, details: Mapping[str, object]) -> int:
        """An event that is no request: start, reload, attestation. Raises AuditUnavailable."""
        return await _durable(self._submit(control_json(code, details)))

    def _submit(self, record: dict[str, Any]) -> asyncio.Future[int]:
        if self._thread is None or not self._thread.is_alive() or self._loop is None:
            raise AuditUnavailable("The audit ledger is closed.")
        done: asyncio.Future[int] = self._loop.create_future()
        self._queue.put(_Write(record, done))
        return done

    # -- the writer thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            batch: list[_Write | None] = []
            with contextlib.suppress(queue.Empty):
                batch.append(self._queue.get(timeout=RETRY_S if self._failing else None))
                while len(batch) < BATCH:
                    batch.append(self._queue.get_nowait())
            running = None not in batch
            self._settle([w for w in batch if w is not None])

    def _settle(self, writes: Sequence[_Write]) -> None:
        """Commits what was left over and ``writes``; after a failure the first success records that there was one."""
        late = list(self._unfinished)
        if self._failing:
            late.append(control_json("ledger_failed", {"outcomes": len(self._unfinished)}))
        if not late and not writes:
            return
        try:
            seqs = self._commit([*late, *(w.record for w in writes)])
        except (sqlite3.Error, OSError):
            self._failing = True
            kept = [w.record for w in writes if w.record["kind"] == "outcome"]
            self._unfinished += kept
            self.lost_outcomes += len(kept)
            self._tell(writes, None)
            return
        self._unfinished.clear()
        self._failing = False
        self._tell(writes, seqs[len(late) :])

    def _tell(self, writes: Sequence[_Write], seqs: Sequence[int] | None) -> None:
        waiting = [(w.done, seqs[i] if seqs else None) for i, w in enumerate(writes) if w.done is not None]
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(_answer, waiting)

    def _commit(self, records: Sequence[dict[str, Any]]) -> list[int]:
        """All or none, in one transaction with the head. Raises sqlite3.Error or OSError."""
        assert self._db is not None
        seq, last = self._seq, self._hash
        at = self._now().astimezone(dt.UTC).isoformat(timespec="milliseconds")
        rows = []
        for record in records:
            seq += 1
            row = {**record, "seq": seq, "at": at}
            body = encode(row)
            prev, last = last, chain_hash(last, body)
            rows.append((seq, *(row.get(c) for c in COLUMNS), body, prev, last))
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(INSERT, rows)
            db.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)", (seq, last, head_mac(self._key, seq, last)))
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._seq, self._hash = seq, last
        return list(range(seq - len(rows) + 1, seq + 1))


async def _durable(done: asyncio.Future[int]) -> int:
    """The seq once it is on disk. Raises AuditUnavailable. Giving up does not take the record back."""
    try:
        async with asyncio.timeout(WAIT_S):
            return await asyncio.shield(done)
    except TimeoutError:
        raise AuditUnavailable("The audit ledger does not answer.", retry_after_s=5) from None


def _answer(waiting: Sequence[tuple[asyncio.Future[int], int | None]]) -> None:
    for done, seq in waiting:
        if done.done():
            continue
        if seq is None:
            done.set_exception(AuditUnavailable("The audit ledger cannot be written.", retry_after_s=5))
        else:
            done.set_result(seq)
