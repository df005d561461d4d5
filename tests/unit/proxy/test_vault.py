"""The vault gives an entry to the principal that made it, unaltered and unexpired, and shows nothing on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from vault_support import CANARY, CRM, DAY, DESK, OTHER, TOKEN, Now, held, purpose

from proxy.errors import ConfigError, Misuse, VaultUnavailable
from proxy.ports import Principal
from proxy.vault import KEPT, SqliteVault

ROOT = Path(__file__).resolve().parents[3]
ID = "resp_canary_0001"


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def vault(tmp_path: Path, now: Now) -> AsyncIterator[SqliteVault]:
    made = SqliteVault(tmp_path / "vault.sqlite", purpose, now)
    await made.open()
    yield made
    await made.close()


def altered(folder: Path, statement: str, *values: object) -> None:
    """What somebody with access to the file does to it."""
    with sqlite3.connect(folder / "vault.sqlite", isolation_level=None) as db:
        assert db.execute(statement, values).rowcount > 0


async def test_what_was_put_comes_back_to_its_principal(vault: SqliteVault) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    assert await vault.get(CRM, "response", [ID, "resp_other"]) == {ID: held()}
    assert await vault.listed(CRM, "response") == [(ID, held())]


@pytest.mark.parametrize("who", [DESK, OTHER, Principal("sales", ""), Principal("salescrm", "")])
async def test_another_app_or_tenant_gets_nothing(vault: SqliteVault, who: Principal) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    assert await vault.get(who, "response", [ID]) == {}
    assert await vault.listed(who, "response") == []
    await vault.forget(who, "response", [ID])
    assert await vault.get(CRM, "response", [ID]) != {}


async def test_another_kind_gets_nothing(vault: SqliteVault) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    await vault.put(CRM, "file", ["file-1"], held(), DAY)
    assert await vault.get(CRM, "file", [ID]) == {}
    assert [id for id, _ in await vault.listed(CRM, "file")] == ["file-1"]


async def test_what_somebody_else_made_is_told_from_what_was_made_elsewhere(vault: SqliteVault) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    assert await vault.foreign(DESK, [ID])
    assert await vault.foreign(OTHER, ["resp_x", ID])
    assert not await vault.foreign(CRM, [ID])
    assert not await vault.foreign(DESK, ["resp_x"])


async def test_expired_is_gone_before_and_after_it_is_removed(vault: SqliteVault, now: Now) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    await vault.put(CRM, "response", ["resp_2"], held(), 2 * DAY)
    now.at += DAY
    assert await vault.get(CRM, "response", [ID]) == {}
    assert [id for id, _ in await vault.listed(CRM, "response")] == ["resp_2"]
    assert await vault.expire() == 1
    assert await vault.expire() == 0


async def test_what_is_put_again_replaces(vault: SqliteVault) -> None:
    await vault.put(CRM, "file", [ID], held(), DAY)
    await vault.put(CRM, "file", [ID], held(scope="app:crm"), DAY)
    assert (await vault.get(CRM, "file", [ID]))[ID].scope == "app:crm"
    assert len(await vault.listed(CRM, "file")) == 1


async def test_what_is_forgotten_is_gone(vault: SqliteVault) -> None:
    await vault.put(CRM, "file", [ID], held(), DAY)
    await vault.forget(CRM, "file", [ID])
    assert await vault.get(CRM, "file", [ID]) == {}


TAMPERED = [
    ("UPDATE entries SET sealed = zeroblob(length(sealed))", ()),
    ("UPDATE entries SET sealed = substr(sealed, 1, 20)", ()),
    ("UPDATE entries SET sealed = x''", ()),
    ("UPDATE entries SET expires_s = expires_s + 1000000", ()),
]


@pytest.mark.parametrize(("statement", "values"), TAMPERED)
async def test_what_was_altered_is_nothing_and_the_log_says_so(
    vault: SqliteVault, tmp_path: Path, caplog: pytest.LogCaptureFixture, statement: str, values: tuple[object, ...]
) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    altered(tmp_path, statement, *values)
    with caplog.at_level(logging.ERROR):
        assert await vault.get(CRM, "response", [ID]) == {}
    assert vault.damaged == 1
    assert "altered" in caplog.text
    assert ID not in caplog.text


async def test_a_row_moved_to_another_principal_does_not_open(vault: SqliteVault, tmp_path: Path) -> None:
    for who, id in ((CRM, ID), (DESK, "resp_mine")):
        await vault.put(who, "response", [id], held(), DAY)
    theirs, mine = vault._row(CRM, "response", ID), vault._row(DESK, "response", "resp_mine")
    altered(
        tmp_path, "UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE id = ?) WHERE id = ?", theirs, mine
    )
    altered(tmp_path, "UPDATE entries SET owner = ? WHERE id = ?", vault._owner(DESK), theirs)
    assert await vault.get(DESK, "response", ["resp_mine"]) == {}
    assert await vault.listed(DESK, "response") == []
    assert vault.damaged == 3


async def test_a_row_that_took_the_place_of_another_does_not_open(vault: SqliteVault, tmp_path: Path) -> None:
    await vault.put(CRM, "response", [ID, "resp_2"], held(), DAY)
    first, second = vault._row(CRM, "response", ID), vault._row(CRM, "response", "resp_2")
    altered(
        tmp_path, "UPDATE entries SET sealed = (SELECT sealed FROM entries WHERE id = ?) WHERE id = ?", first, second
    )
    assert list(await vault.get(CRM, "response", [ID, "resp_2"])) == [ID]
    assert vault.damaged == 1


async def test_another_master_key_opens_nothing(tmp_path: Path, vault: SqliteVault, now: Now) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    await vault.close()
    other = SqliteVault(tmp_path / "vault.sqlite", lambda n, t: purpose(n, t)[::-1], now)
    await other.open()
    assert await other.get(CRM, "response", [ID]) == {}
    await other.close()


async def test_nothing_is_on_disk_in_clear(vault: SqliteVault, tmp_path: Path) -> None:
    await vault.put(CRM, "response", [ID], held(), DAY)
    await vault.put(CRM, "file", ["file-canary"], held(), DAY)
    await vault.forget(CRM, "file", ["file-canary"])
    data = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert len(data) > 4096
    for canary in (ID, CANARY, TOKEN, "file-canary", "canary-name", "first:00", "sales", "health"):
        assert canary.encode() not in data, canary
    assert {oct(p.stat().st_mode & 0o077) for p in tmp_path.iterdir()} == {"0o0"}


async def test_concurrent_writers_and_readers_see_whole_entries(vault: SqliteVault) -> None:
    async def one(i: int) -> None:
        who = (CRM, DESK)[i % 2]
        await vault.put(who, "response", [f"resp_{i}"], held(scope=f"s{i}"), DAY)
        assert (await vault.get(who, "response", [f"resp_{i}"]))[f"resp_{i}"].scope == f"s{i}"

    await asyncio.gather(*(one(i) for i in range(40)))
    assert len(await vault.listed(CRM, "response")) == 20


async def test_remembered_answers_are_bounded(vault: SqliteVault, monkeypatch: pytest.MonkeyPatch, now: Now) -> None:
    monkeypatch.setattr("proxy.vault.SWEEP", 4)
    monkeypatch.setitem(KEPT, "answer", 5)  # type: ignore[arg-type]  # a plain dict behind its type
    for i in range(12):
        now.at += DAY / 24
        await vault.put(CRM, "answer", [f"text {i}"], held(mapping={}), DAY)
    left = [id for id, _ in await vault.listed(CRM, "answer")]
    assert left == [f"text {i}" for i in range(7, 12)]


async def test_a_vault_that_cannot_be_written_says_so(vault: SqliteVault, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "vault.sqlite", isolation_level=None) as db:
        db.execute("DROP TABLE entries")
    with pytest.raises(VaultUnavailable):
        await vault.put(CRM, "response", [ID], held(), DAY)
    await vault.close()
    with pytest.raises(VaultUnavailable):
        await vault.forget(CRM, "response", [ID])


async def test_a_kind_is_a_word_of_ours(vault: SqliteVault) -> None:
    with pytest.raises(Misuse):
        await vault.put(CRM, "anna berg", [ID], held(), DAY)


async def test_an_unusable_file_is_one_line_at_start(tmp_path: Path, now: Now) -> None:
    (tmp_path / "vault.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match="vault"):
        await SqliteVault(tmp_path / "vault.sqlite", purpose, now).open()


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from vault_support import CRM, DAY, Now, held, purpose
from proxy.vault import SqliteVault

async def main():
    vault = SqliteVault(Path(sys.argv[1]), purpose, Now())
    await vault.open()
    for i in range(10):
        await vault.put(CRM, "response", [f"resp_{i}"], held(), DAY)
        print(i, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_was_put_survives_kill_9(tmp_path: Path, now: Now) -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support")))
    at = tmp_path / "vault.sqlite"
    command = [sys.executable, "-c", KILLED, str(at)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(i) for i in range(10)], done.stderr
    vault = SqliteVault(at, purpose, now)
    await vault.open()
    assert len(await vault.listed(CRM, "response")) == 10
    await vault.close()
