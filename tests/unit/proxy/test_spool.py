"""What is too large for memory is on disk sealed, comes back whole or not at all, and vanishes with its process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.errors import Misuse
from proxy.spool import CHUNK, TAG, Frames, Spool, SpoolFailed

ROOT = Path(__file__).resolve().parents[3]
CANARY = b"anna.berg@example.com "


def filled(folder: Path, data: bytes, step: int = 10_000) -> Spool:
    spool = Spool(folder)
    for i in range(0, len(data), step):
        spool.write(data[i : i + step])
    spool.seal()
    return spool


def on_disk(spool: Spool) -> bytes:
    return os.pread(spool._file.fileno(), 2**30, 0)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 5 * CHUNK + 7])
def test_what_was_written_is_read_again_and_again(tmp_path: Path, size: int) -> None:
    data = (CANARY * (size // len(CANARY) + 1))[:size]
    with filled(tmp_path / "spool", data) as spool:
        assert b"".join(spool.read()) == data
        assert b"".join(spool.read()) == data
        assert (spool.size, spool.sha256) == (size, hashlib.sha256(data).digest())


def test_the_disk_shows_no_content_and_no_name(tmp_path: Path) -> None:
    with filled(tmp_path / "spool", CANARY * 20_000) as spool:
        assert CANARY.strip() not in on_disk(spool)
        assert list((tmp_path / "spool").iterdir()) == []
        assert (tmp_path / "spool").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("harm", ["flip", "swap", "cut", "shorten"])
def test_what_was_changed_on_disk_is_not_read(tmp_path: Path, harm: str) -> None:
    block = CHUNK + TAG
    with filled(tmp_path / "spool", os.urandom(3 * CHUNK)) as spool:
        at = spool._file.fileno()
        first, second = os.pread(at, block, 0), os.pread(at, block, block)
        if harm == "flip":
            os.pwrite(at, bytes([first[0] ^ 1]), 0)
        elif harm == "swap":
            os.pwrite(at, second + first, 0)
        elif harm == "cut":
            os.ftruncate(at, 2 * block)
        else:
            spool._chunks -= 1
        with pytest.raises(SpoolFailed):
            list(spool.read())


@pytest.mark.parametrize("data", [b"", b"\n", b"a\nb", b"a\n\nb\n", b"x" * 200_000 + b"\n" + b"y" * 70_000])
def test_lines_joined_are_the_file(tmp_path: Path, data: bytes) -> None:
    with filled(tmp_path / "spool", data) as spool:
        assert b"\n".join(spool.lines(2**20)) == data


def test_a_line_beyond_its_limit_is_refused(tmp_path: Path) -> None:
    with filled(tmp_path / "spool", b"x" * 300_000) as spool, pytest.raises(ValueError, match="too long"):
        list(spool.lines(100_000))


def test_frames_come_back_as_they_went_in(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool") as spool:
        frames = Frames(spool)
        given = [b"", b"a", b"\n" * 100_000, CANARY * 9_000, b""]
        for data in given:
            frames.put(data)
        spool.seal()
        assert list(frames) == given


def test_a_spool_is_written_first_and_read_then(tmp_path: Path) -> None:
    with Spool(tmp_path / "spool") as spool:
        with pytest.raises(Misuse):
            list(spool.read())
        spool.seal()
        with pytest.raises(Misuse):
            spool.write(b"x")


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(SpoolFailed):
        Spool(tmp_path / "spool")


KILLED = """
import os, signal, sys
from pathlib import Path
from proxy.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.write(b"anna.berg@example.com " * 50_000)
print(spool.size, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "spool")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == -9 and done.stdout.strip() == "1100000", done.stderr
    assert list((tmp_path / "spool").iterdir()) == []
