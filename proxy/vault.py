"""The vault: what the gate knows of state that upstreams hold, in one SQLite file beside the ledger. Rules:

* An entry is found by a keyed hash of its kind, principal and id, and sealed with AES-256-GCM under a key of its
  tenant. Kind, principal, expiry and that hash are associated data: a row that was moved, altered or given a longer
  life does not open. It is then as if it were not there, and the log and ``damaged`` say so.
* No id, no name and no value is on disk in clear; what is removed is overwritten (``secure_delete``).
* ``put`` is durable when it returns (WAL, ``synchronous=FULL``). One thread writes, one reads, so that no look-up
  waits for a disk flush. The lock of the ledger keeps a second gate off the same folder.

This module decides nothing: who may use an entry, and for what, is said in ``proxy/state.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import hmac
import logging
import os
import re
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policies.facts import facts_from_json, facts_to_json
from policies.types import Zone
from proxy.errors import ConfigError, Misuse, VaultUnavailable
from proxy.ports import Held, Principal

log = logging.getLogger("sealgate")

VAULT = "vault.sqlite"
"""The vault's file name inside the data directory."""
VERSION = 1
"""``PRAGMA user_version`` of this layout."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  id BLOB PRIMARY KEY, kind TEXT NOT NULL, owner BLOB NOT NULL, anyone BLOB NOT NULL, expires_s INTEGER NOT NULL,
  sealed BLOB NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS entries_owner ON entries (owner, kind);
CREATE INDEX IF NOT EXISTS entries_anyone ON entries (anyone);
CREATE INDEX IF NOT EXISTS entries_expiry ON entries (kind, expires_s);
"""
"""``anyone`` is a keyed hash of the id alone: it tells what somebody else made from what was made elsewhere."""
KEPT: Mapping[str, int] = {"answer": 200_000}
"""Entries of a kind at most; beyond, those that would expire first go."""
SWEEP = 500
"""How many further entries are written before their number is looked at again."""
LOCKED_S = 2.0
NONCE = 12
_KIND = re.compile(r"[a-z_]{1,32}")

T = TypeVar("T")


class SqliteVault:
    """Implements ``ports.Vault``. ``purpose(name, tenant)`` derives keys; ``now`` gives aware UTC."""

    def __init__(self, path: Path, purpose: Callable[[str, str], bytes], now: Callable[[], dt.datetime]) -> None:
        self._path = path
        self._purpose = purpose
        self._now = now
        self._keys: dict[str, AESGCM] = {}
        self._index = purpose("vault-index", "")
        self._writing = ThreadPoolExecutor(1, "vault-write")
        self._reading = ThreadPoolExecutor(1, "vault-read")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._kinds: set[str] = set()
        self._unswept = 0
        self.damaged = 0
        """Entries that did not open: altered, moved, or sealed under another key."""

    async def open(self) -> None:
        """Opens or makes the file. Raises ConfigError, one line that says what to do."""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            self._writer = db = self._connect()
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA secure_delete=ON")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise ConfigError(f"{self._path}: the vault's layout is {version}, this release knows {VERSION}")
            db.executescript(f"{SCHEMA} PRAGMA user_version={VERSION};")
            self._kinds = {kind for (kind,) in db.execute("SELECT DISTINCT kind FROM entries")}
            self._reader = self._connect()
        except (sqlite3.Error, OSError) as e:
            why = getattr(e, "sqlite_errorname", "") or getattr(e, "strerror", "") or type(e).__name__
            raise ConfigError(
                f"{self._path}: the vault cannot be used ({why}); free or repair the disk, or move the file away: "
                "references to earlier responses and files are then not known any more"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False)

    async def close(self) -> None:
        """Finishes what waits. Idempotent; whatever comes later is refused."""
        await asyncio.to_thread(self._writing.shutdown)
        await asyncio.to_thread(self._reading.shutdown)
        for db in (self._reader, self._writer):
            if db is not None:
                db.close()
        self._reader = self._writer = None

    # -- ports.Vault ----------------------------------------------------------------------------------------------

    async def put(self, who: Principal, kind: str, ids: Sequence[str], held: Held, ttl: dt.timedelta) -> None:
        """See ``ports.Vault``."""
        if not _KIND.fullmatch(kind):
            raise Misuse("not a kind of state")
        expires_s = int((self._now() + ttl).timestamp())
        rows = []
        for id in ids:
            row = self._row(who, kind, id)
            sealed = self._seal(who, kind, row, expires_s, _plain(id, held))
            rows.append((row, kind, self._owner(who), self._hash("anyone", id), expires_s, sealed))
        await self._write(lambda db: self._insert(db, kind, rows))
        self._kinds.add(kind)

    async def get(self, who: Principal, kind: str, ids: Sequence[str]) -> Mapping[str, Held]:
        """See ``ports.Vault``."""
        if kind not in self._kinds or not ids:
            return {}
        wanted = {self._row(who, kind, id): id for id in ids}
        found = await self._select("id", list(wanted))
        opened = ((wanted[row[0]], self._opened(who, kind, row)) for row in found)
        return {id: made[1] for id, made in opened if made is not None and made[0] == id}

    async def foreign(self, who: Principal, ids: Sequence[str]) -> bool:
        """See ``ports.Vault``."""
        owner = self._owner(who)
        found = await self._select("anyone", [self._hash("anyone", id) for id in ids])
        return any(row[3] != owner for row in found)

    async def listed(self, who: Principal, kind: str) -> Sequence[tuple[str, Held]]:
        """See ``ports.Vault``."""
        found = await self._select("owner", [self._owner(who)])
        opened = [self._opened(who, kind, row) for row in found if row[4] == kind]
        return [made for made in opened if made is not None]

    async def forget(self, who: Principal, kind: str, ids: Sequence[str]) -> None:
        """See ``ports.Vault``."""
        rows = [(self._row(who, kind, id),) for id in ids]
        await self._write(lambda db: db.executemany("DELETE FROM entries WHERE id = ?", rows))

    async def expire(self) -> int:
        """Removes what is expired; how many. Raises VaultUnavailable."""
        old = [(kind, int(self._now().timestamp())) for kind in self._kinds]
        delete = "DELETE FROM entries WHERE kind = ? AND expires_s <= ?"
        return await self._write(lambda db: db.executemany(delete, old).rowcount if old else 0)

    # -- rows -------------------------------------------------------------------------------------------------------

    def _hash(self, *parts: str) -> bytes:
        mac = hmac.new(self._index, b"sealgate.vault.v1", hashlib.sha256)
        for part in parts:
            data = part.encode("utf-8", "surrogatepass")
            mac.update(len(data).to_bytes(8, "big"))
            mac.update(data)
        return mac.digest()

    def _row(self, who: Principal, kind: str, id: str) -> bytes:
        return self._hash("entry", kind, who.tenant, who.app, id)

    def _owner(self, who: Principal) -> bytes:
        return self._hash("owner", who.tenant, who.app)

    def _key(self, tenant: str) -> AESGCM:
        if tenant not in self._keys:
            self._keys[tenant] = AESGCM(self._purpose("vault", tenant))
        return self._keys[tenant]

    def _seal(self, who: Principal, kind: str, row: bytes, expires_s: int, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._key(who.tenant).encrypt(nonce, plain, _bound(who, kind, row, expires_s))

    def _opened(self, who: Principal, kind: str, row: tuple[Any, ...]) -> tuple[str, Held] | None:
        id, expires_s, sealed = row[:3]
        if expires_s <= self._now().timestamp():
            return None
        try:
            bound = _bound(who, kind, id, expires_s)
            plain = self._key(who.tenant).decrypt(sealed[:NONCE], sealed[NONCE:], bound)
            return _held(orjson.loads(plain), who)
        except (InvalidTag, ValueError, KeyError, TypeError):
            self.damaged += 1
            log.error("vault: an entry of kind %s was altered or sealed under another key; it is not used", kind)
            return None

    # -- the two threads ----------------------------------------------------------------------------------------------

    def _insert(self, db: sqlite3.Connection, kind: str, rows: Sequence[tuple[Any, ...]]) -> None:
        db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
        if (most := KEPT.get(kind)) is None:
            return
        self._unswept += len(rows)
        if self._unswept >= SWEEP:
            self._unswept = 0
            over = db.execute("SELECT COUNT(*) FROM entries WHERE kind = ?", (kind,)).fetchone()[0] - most
            oldest = "SELECT id FROM entries WHERE kind = ? ORDER BY expires_s LIMIT ?"
            db.execute(f"DELETE FROM entries WHERE id IN ({oldest})", (kind, max(0, over)))  # noqa: S608 -- constants

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction, all or none. Raises VaultUnavailable."""

        def transaction() -> T:
            assert self._writer is not None
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                made = work(self._writer)
                self._writer.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._writer.execute("ROLLBACK")
                raise
            return made

        return await self._run(self._writing, transaction)

    async def _select(self, column: str, values: Sequence[bytes]) -> list[tuple[Any, ...]]:
        """(id, expiry, sealed, owner, kind) of the rows that have one of ``values``; ``column`` is a constant."""
        marks = ", ".join("?" * len(values))
        query = f"SELECT id, expires_s, sealed, owner, kind FROM entries WHERE {column} IN ({marks}) ORDER BY rowid"  # noqa: S608 -- constants

        def select() -> list[tuple[Any, ...]]:
            assert self._reader is not None
            return self._reader.execute(query, values).fetchall()

        return await self._run(self._reading, select)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        except (sqlite3.Error, OSError, RuntimeError):  # RuntimeError: the pool is closed
            raise VaultUnavailable("The vault of responses and files cannot be used.", retry_after_s=5) from None


def _bound(who: Principal, kind: str, row: bytes, expires_s: int) -> bytes:
    """The associated data of an entry."""
    parts = (b"sealgate.vault.v1", kind.encode(), who.tenant.encode(), who.app.encode(), row, b"%d" % expires_s)
    return b"".join(len(p).to_bytes(4, "big") + p for p in parts)


def _plain(id: str, held: Held) -> bytes:
    facts = held.facts
    made = {
        "id": id,
        "upstream": held.upstream,
        "zone": int(held.zone),
        "ceiling": int(held.ceiling),
        "facts": facts_to_json(facts),
        "sensitivity": facts.sensitivity.word,
        "categories": dict(facts.categories),
        "model": facts.model,
        "scope": held.scope,
        "mapping": dict(held.mapping),
        "details": held.details,
        "origins": {token: sorted(origins) for token, origins in held.origins.items()},
    }
    return orjson.dumps(made)


def _held(made: Mapping[str, Any], who: Principal) -> tuple[str, Held]:
    common = {**{k: made[k] for k in ("model", "sensitivity", "categories")}, "app": who.app, "tenant": who.tenant}
    facts = facts_from_json(made["facts"], common)
    held = Held(
        made["upstream"], Zone(made["zone"]), Zone(made["ceiling"]), facts, made["scope"], made["mapping"],
        made["details"], {token: frozenset(origins) for token, origins in made["origins"].items()},
    )  # fmt: skip
    return made["id"], held
