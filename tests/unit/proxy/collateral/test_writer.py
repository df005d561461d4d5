"""Writing the store: all or nothing, killed at any moment, by two at once; a damaged store is never written over."""

import concurrent.futures
import os
import shutil
import signal
import warnings
from pathlib import Path

import pytest
from attested import NOW
from published import DAY, TCB_KEY, TRUST, all_pieces, amd_crl, jwks, qe, tcb

from attestation.collateral.pieces import Kind
from attestation.collateral.store import Damaged, Snapshot, read_store
from attestation.trust import VENDORS
from attestation.types import Rejected
from proxy.collateral import writer
from proxy.collateral.writer import take
from proxy.errors import ConfigError


def read(folder) -> Snapshot:
    return read_store(folder, VENDORS, TRUST)


def names(folder) -> set[str]:
    return {p.name for p in (folder / "files").iterdir()}


def test_what_is_taken_is_on_disk_and_only_that(tmp_path):
    got = take(tmp_path, all_pieces(), NOW, VENDORS, TRUST)
    assert read(tmp_path) == got.snapshot
    assert {k for k, _ in got.changed} == {k.value for k in Kind}
    later = NOW + DAY
    again = take(tmp_path, [amd_crl(later), jwks(later)], later, VENDORS, TRUST)
    assert again.changed == (("amd-crl", "Genoa"),)  # the key set is the same, only seen again
    assert read(tmp_path) == again.snapshot
    assert again.snapshot.index.entries[jwks().name].fetched_at == later
    assert names(tmp_path) == {e.sha256 for e in again.snapshot.index.entries.values()}
    assert {p.name for p in tmp_path.iterdir()} == {"files", "index.json", ".lock"}


def test_a_refused_change_changes_nothing(tmp_path):
    take(tmp_path, [amd_crl(), tcb()], NOW, VENDORS, TRUST)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(Rejected):
        take(tmp_path, [qe(), amd_crl(NOW - 2 * DAY)], NOW, VENDORS, TRUST)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_damaged_store_is_not_written_over(tmp_path):
    take(tmp_path, [amd_crl(), tcb()], NOW, VENDORS, TRUST)
    raw = (tmp_path / "index.json").read_bytes()
    (tmp_path / "index.json").write_bytes(raw[:-10])
    with pytest.raises(Damaged):
        take(tmp_path, [amd_crl(NOW + DAY)], NOW + DAY, VENDORS, TRUST)
    assert (tmp_path / "index.json").read_bytes() == raw[:-10]
    (tmp_path / "index.json").unlink()
    with pytest.raises(Damaged):
        take(tmp_path, [amd_crl(NOW + DAY)], NOW + DAY, VENDORS, TRUST)


def test_floors_outlive_a_restart(tmp_path):
    take(tmp_path, [tcb(NOW, tcbEvaluationDataNumber=18)], NOW, VENDORS, TRUST)
    with pytest.raises(Rejected, match="rollback"):
        take(tmp_path, [tcb(NOW + DAY)], NOW + DAY, VENDORS, TRUST)
    assert read(tmp_path).index.floors[Kind.INTEL_TCB, TCB_KEY].number == 18


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be written"):
        take(tmp_path / "file" / "store", [amd_crl()], NOW, VENDORS, TRUST)


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        take(tmp_path, [amd_crl()], NOW, VENDORS, TRUST)
    assert not (tmp_path / "elsewhere").exists()


def child(folder: Path, kill: int, pieces, now) -> bool:
    """Takes ``pieces`` in a process of its own, killed before its step ``kill``. True when it came to its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fork is a copy of this very state; the child only writes files
        pid = os.fork()
    if pid == 0:
        step = 0

        def watched(real):
            def call(*args, **kw):
                nonlocal step
                if step == kill:
                    os.kill(os.getpid(), signal.SIGKILL)
                step += 1
                return real(*args, **kw)

            return call

        for name in ("replace", "fsync", "open", "close", "unlink"):
            setattr(os, name, watched(getattr(os, name)))
        try:
            for group in pieces:
                take(folder, group, now, VENDORS, TRUST)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def test_killed_at_any_step_the_store_is_the_old_one_or_the_new_one(tmp_path):
    later = NOW + DAY
    old = take(tmp_path / "0", [amd_crl(), tcb()], NOW, VENDORS, TRUST).snapshot
    pieces = [amd_crl(later), tcb(later), qe(later)]
    states, ended, step = [], False, 0
    while not ended:
        folder = tmp_path / f"k{step}"
        shutil.copytree(tmp_path / "0", folder)
        ended = child(folder, step, [pieces], later)
        states.append("old" if read(folder) == old else "new")
        took = take(folder, pieces, later, VENDORS, TRUST).snapshot  # nothing is in the way of the next one
        assert names(folder) == {e.sha256 for e in took.index.entries.values()}
        assert {p.name for p in folder.iterdir()} == {"files", "index.json", ".lock"}
        step += 1
    assert set(states) == {"old", "new"}
    assert states == sorted(states, reverse=True)  # once new, always new
    assert len(states) > 15


def test_killed_at_the_very_first_write_the_store_is_empty_or_whole(tmp_path):
    ended, step = False, 0
    while not ended:
        folder = tmp_path / f"k{step}"
        ended = child(folder, step, [[amd_crl(), tcb()]], NOW)
        assert len(read(folder).index.entries) in (0, 2)
        step += 1


def test_two_at_once_lose_nothing(tmp_path):
    """Two processes, ten changes each, of different pieces: everything is there at the end."""
    sets = [[[tcb(key=f"tdx/{i:02x}{j:010x}", fmspc=f"{i:02x}{j:010x}")] for j in range(10)] for i in (1, 2)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(child, tmp_path, -1, pieces, NOW) for pieces in sets]
        while not all(r.done() for r in running):
            read(tmp_path)  # a reader beside them never sees damage
        assert [r.result() for r in running] == [True, True]
    assert len(read(tmp_path).index.entries) == 20


def test_who_waits_too_long_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "LOCK_WAIT_S", 0.05)
    with writer._locked(tmp_path), pytest.raises(ConfigError, match="another process"):
        take(tmp_path, [amd_crl()], NOW, VENDORS, TRUST)


def test_bytes_are_on_disk_before_they_have_their_name(tmp_path, monkeypatch):
    """Killing a process loses no written byte, a power cut does: the order of the calls is what can be seen here."""
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        done.append(("sync", Path(os.readlink(f"/proc/self/fd/{descriptor}")).name))
        fsync(descriptor)

    def named(source: Path, target: Path) -> None:
        assert done[-1] == ("sync", source.name), "on disk, then its name"
        done.append(("name", target.name))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", named)
    take(tmp_path, [amd_crl(), tcb()], NOW, VENDORS, TRUST)
    order = [name for what, name in done if what == "name" or name in {"files", tmp_path.name}]
    assert order[-3:] == ["files", "index.json", tmp_path.name] and order.count("index.json") == 2
