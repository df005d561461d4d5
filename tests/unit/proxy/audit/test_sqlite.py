from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from audit_support import DIGEST, KEY, damage, intent, now, outcome

from proxy.audit import sqlite
from proxy.audit.query import Filter, query, verify
from proxy.audit.sqlite import SqliteStore
from proxy.errors import AuditUnavailable, ConfigError


def make(folder: Path, key: bytes = KEY) -> SqliteStore:
    return SqliteStore(folder / "ledger.sqlite", key, now)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = make(tmp_path)
    await made.open()
    yield made
    await made.close()


async def refused(folder: Path, key: bytes = KEY) -> str:
    """The one line of a start that is refused."""
    with pytest.raises(ConfigError) as caught:
        await make(folder, key).open()
    assert "\n" not in caught.value.message
    return caught.value.message


def fill_up(store: SqliteStore) -> None:
    """The disk is full: SQLite may not use another page."""
    assert store._db is not None
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    used = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={used}")


def make_room(store: SqliteStore) -> None:
    assert store._db is not None
    store._db.execute("PRAGMA max_page_count=1000000")


async def until_full(store: SqliteStore) -> int:
    """Records until the ledger refuses; how many it took."""
    for n in range(1000):
        try:
            await store.begin(intent(f"fill-{n}"), DIGEST)
        except AuditUnavailable:
            return n
    raise AssertionError("the ledger never filled up")


async def test_the_durability_settings_are_in_force(store: SqliteStore) -> None:
    assert store._db is not None
    assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


async def test_the_files_are_for_their_owner_only(store: SqliteStore, tmp_path: Path) -> None:
    await store.control("started", {})
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert modes == {f"ledger.sqlite{end}": 0o600 for end in ("", "-wal", "-shm", ".lock")}


async def test_concurrent_begins_share_transactions(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    commit = store._commit

    def counted(records: list[dict[str, object]]) -> list[int]:
        batches.append(len(records))
        return commit(records)

    monkeypatch.setattr(store, "_commit", counted)
    await asyncio.gather(*(store.begin(intent(f"req-{i}"), DIGEST) for i in range(64)))
    assert sum(batches) == 64
    assert len(batches) < 32


async def test_a_full_disk_refuses_and_recovers_without_a_gap(store: SqliteStore, tmp_path: Path) -> None:
    fill_up(store)
    written = await until_full(store)
    assert not store.healthy()
    make_room(store)
    await store.begin(intent("after"), DIGEST)
    assert store.healthy()
    records = query(tmp_path / "ledger.sqlite", Filter())
    assert [r["seq"] for r in records] == list(range(1, written + 3))
    assert [r.get("code") for r in records if r["kind"] == "control"] == ["ledger_failed"]
    assert verify(tmp_path / "ledger.sqlite", KEY).problem is None


async def test_an_outcome_that_could_not_be_written_is_kept_counted_and_written_later(
    store: SqliteStore, tmp_path: Path
) -> None:
    receipt = await store.begin(intent(), DIGEST)
    fill_up(store)
    await until_full(store)
    with pytest.raises(AuditUnavailable):
        await store.finish(outcome(receipt.seq))
    assert store.lost_outcomes == 1
    make_room(store)
    await store.control("reload", {})
    outcomes = query(tmp_path / "ledger.sqlite", Filter(kind="outcome"))
    assert [(r["ref_seq"], r["code"]) for r in outcomes] == [(receipt.seq, "ok")]


async def test_a_ledger_that_failed_tries_again_by_itself(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "RETRY_S", 0.01)
    fill_up(store)
    await until_full(store)
    make_room(store)
    async with asyncio.timeout(10):
        while not store.healthy():
            await asyncio.sleep(0.01)


async def test_a_ledger_that_does_not_answer_is_unavailable(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_S", 0.05)
    with closing(sqlite3.connect(store._path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(AuditUnavailable, match="does not answer"):
            await store.begin(intent("late"), DIGEST)
        other.execute("ROLLBACK")
    async with asyncio.timeout(10):
        while not query(store._path, Filter(code="not_sent")):
            await asyncio.sleep(0.01)


async def test_another_process_holding_the_write_lock_is_unavailable(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store._db is not None
    store._db.execute("PRAGMA busy_timeout=10")
    with closing(sqlite3.connect(store._path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AuditUnavailable, match="cannot be written"):
            await store.begin(intent(), DIGEST)
        other.execute("ROLLBACK")
    await store.begin(intent(), DIGEST)


async def test_a_second_gate_on_the_same_ledger_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    assert "another gate uses this ledger" in await refused(tmp_path)
    await store.begin(intent(), DIGEST)  # the first one goes on


async def test_a_second_process_on_the_same_ledger_is_refused(store: SqliteStore, tmp_path: Path) -> None:
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'wb'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    lock = str(tmp_path / "ledger.sqlite.lock")
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code, lock], capture_output=True, check=False
    )
    assert b"BlockingIOError" in ended.stderr


async def test_a_refused_start_leaves_no_lock_behind(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"garbage " * 1000)
    await refused(tmp_path)
    fd = os.open(tmp_path / "ledger.sqlite.lock", os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(fd)


async def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "make `data:` a writable folder" in await refused(tmp_path / "file")
    assert "make `data:` a writable folder" in await refused(tmp_path / "missing")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "make `data:` a writable folder" in await refused(tmp_path)
    finally:
        tmp_path.chmod(0o700)


async def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"garbage " * 1000)
    assert "SQLITE_NOTADB" in await refused(tmp_path)


async def filled(folder: Path) -> Path:
    store = make(folder)
    await store.open()
    for i in range(40):
        await store.begin(intent(f"req-{i}"), DIGEST)
    await store.close()
    return folder / "ledger.sqlite"


async def test_a_torn_file_refuses_to_start(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    message = await refused(tmp_path)
    assert "damaged" in message or "cannot be used" in message


async def test_a_page_overwritten_in_the_middle_refuses_to_start(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(data)
    message = await refused(tmp_path)
    assert "damaged" in message or "cannot be used" in message


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("DELETE FROM records WHERE seq > 30",), "end is missing"),
        (("DELETE FROM records",), "end is missing"),
        (("DELETE FROM head",), "end is missing"),
        (("UPDATE records SET body = CAST('{}' AS BLOB) WHERE seq = 40",), "was changed"),
        (
            ("DELETE FROM records WHERE seq > 30",
             "UPDATE head SET seq = 30, hash = (SELECT hash FROM records WHERE seq = 30)"), "another key",
        ),
        (("PRAGMA user_version=9",), "layout is 9"),
    ],
)  # fmt: skip
async def test_a_ledger_that_was_tampered_with_refuses_to_start(
    tmp_path: Path, statements: tuple[str, ...], words: str
) -> None:
    damage(await filled(tmp_path), *statements)
    assert words in await refused(tmp_path)


async def test_another_key_refuses_to_start(tmp_path: Path) -> None:
    await filled(tmp_path)
    assert "another key" in await refused(tmp_path, b"x" * 32)


async def test_records_can_be_neither_changed_nor_deleted_by_plain_sql(store: SqliteStore) -> None:
    await store.begin(intent(), DIGEST)
    with closing(sqlite3.connect(store._path)) as db:
        for sql in ("DELETE FROM records", "UPDATE records SET app = 'x'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(sql)


async def test_many_open_intents_are_closed_in_several_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH", 7)
    path = await filled(tmp_path)
    again = make(tmp_path)
    await again.open()
    assert again.recovered == 40
    await again.close()
    assert verify(path, KEY).records == 80
    third = make(tmp_path)
    await third.open()
    await third.close()
    assert third.recovered == 0
