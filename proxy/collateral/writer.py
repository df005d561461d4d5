"""Writes the store's folder: one writer at a time, all of a change or nothing of it, and nothing is lost.

A change is pieces under their digests, each durable under its final name, and then the index in one rename. Killed at
any moment, the folder is the old store or the new one; leftovers are swept by the next writer. A damaged store is never
written over: its floors are what an attacker would like to be rid of.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attestation.collateral.admit import admit
from attestation.collateral.index import encode
from attestation.collateral.pieces import Index, Piece
from attestation.collateral.store import FILES, INDEX, Snapshot, read_index, read_store
from attestation.trust import SimulatedTrust, TrustStore
from proxy.errors import ConfigError

LOCK = ".lock"
LOCK_WAIT_S = 30.0
_TEMPORARY = ".new-"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a change did. ``changed`` are names whose bytes are new; the others were only seen again."""

    snapshot: Snapshot
    changed: tuple[tuple[str, str], ...] = field(default=())


def take(
    folder: Path, pieces: Sequence[Piece], now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None
) -> Taken:
    """Takes ``pieces`` into the store, all or none. Blocks; call it off the event loop.

    Raises Rejected with every reason when one may not come in, Damaged for a store that cannot be read, ConfigError
    where it cannot be written.
    """
    try:
        with _locked(folder):
            before = read_store(folder, trust, simulated)
            index = admit(before.index, pieces, now, trust, simulated)
            contents = {hashlib.sha256(p.data).hexdigest(): p.data for p in pieces}
            _write(folder, index, contents)
    except OSError as e:
        raise ConfigError(f"{folder}: the collateral cannot be written ({e.strerror or type(e).__name__})") from None
    kept = {e.sha256 for e in index.entries.values()}
    every = {digest: data for digest, data in (*before.contents.items(), *contents.items()) if digest in kept}
    old = {name: e.sha256 for name, e in before.index.entries.items()}
    changed = tuple((n[0].value, n[1]) for n, e in sorted(index.entries.items()) if old.get(n) != e.sha256)
    return Taken(Snapshot(index, every), changed)


def _write(folder: Path, index: Index, contents: dict[str, bytes]) -> None:
    files = folder / FILES
    if read_index(folder) is None:  # files without an index would be a damaged store
        replace_file(folder / INDEX, encode(Index()))
    files.mkdir(exist_ok=True)
    kept = {e.sha256 for e in index.entries.values()}
    for digest, data in contents.items():
        if digest in kept:
            replace_file(files / digest, data)
    _sync_folder(files)
    replace_file(folder / INDEX, encode(index))
    _sync_folder(folder)
    _sweep(folder, kept)


def replace_file(target: Path, data: bytes) -> None:
    """``data`` at ``target`` in one step, on disk before it has its name."""
    temporary = target.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path, kept: set[str]) -> None:
    """Removes what the index does not name. A reader that had the old index reads again."""
    for file in (folder / FILES).iterdir():
        if file.name not in kept:
            file.unlink(missing_ok=True)
    for file in folder.glob(f"{_TEMPORARY}*"):
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer at a time, over processes. Raises ConfigError when another one does not finish."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ConfigError(f"{folder}: another process is writing the collateral") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)  # gives the lock back
