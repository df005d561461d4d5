"""The store's folder, read: an index and files named by their SHA-256. Whatever does not fit together is damage.

    DIR/index.json      what there is, and the floors
    DIR/files/SHA256    one piece each

Reads only below the folder that it is given. Every piece is examined again, signatures included, and must be what the
index says. An empty or missing folder is an empty store; files without their index are a damaged one. Writing is the
shell's business; it replaces the index last, so that a reader sees the old store or the new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from attestation.collateral.examine import examine
from attestation.collateral.index import MAX_INDEX_BYTES, decode
from attestation.collateral.pieces import Entry, Index, Kind, Name, Piece, shown
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import AttestationError, Malformed, Rejected

INDEX, FILES = "index.json", "files"
MAX_FILE_BYTES = 2 * 1024 * 1024
ATTEMPTS = 5
"""Readings before a file that is missing is called missing: a writer may have replaced the index meanwhile."""


class Damaged(AttestationError):
    """The store cannot be used as it is; the message says which part."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store as it was at one moment, in memory."""

    index: Index = field(default_factory=Index)
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """SHA-256 -> bytes."""

    def entry(self, name: Name) -> Entry | None:
        return self.index.entries.get(name)

    def data(self, name: Name) -> bytes | None:
        found = self.entry(name)
        return self.contents[found.sha256] if found is not None else None

    def named(self, kind: Kind, prefix: str = "") -> tuple[Entry, ...]:
        """Entries of ``kind`` whose key begins so, in the order of their keys."""
        found = [e for (k, key), e in self.index.entries.items() if k is kind and key.startswith(prefix)]
        return tuple(sorted(found, key=lambda e: e.key))


def read_store(folder: Path, trust: TrustStore, simulated: SimulatedTrust | None = None) -> Snapshot:
    """Raises Damaged."""
    raw = read_index(folder)
    for attempt in range(ATTEMPTS):
        if raw is None:
            return Snapshot()
        try:
            return _read(folder, raw, trust, simulated)
        except Damaged:
            again = read_index(folder)
            if again == raw or attempt == ATTEMPTS - 1:
                raise
            raw = again
    raise AssertionError("unreachable")


def read_index(folder: Path) -> bytes | None:
    """Bytes of the index; None for an empty store. Raises Damaged where only the index is missing."""
    raw = _bytes(folder / INDEX, MAX_INDEX_BYTES)
    if raw is None and (folder / FILES).is_dir() and any((folder / FILES).iterdir()):
        raw = _bytes(folder / INDEX, MAX_INDEX_BYTES)  # the first writer may have come in between; none removes it
        if raw is None:
            raise Damaged(f"{folder}: {INDEX} is missing, but there are files")
    return raw


def _read(folder: Path, raw: bytes, trust: TrustStore, simulated: SimulatedTrust | None) -> Snapshot:
    try:
        index = decode(raw)
    except Malformed as e:
        raise Damaged(f"{folder / INDEX}: {e}") from None
    contents = {}
    for entry in index.entries.values():
        contents[entry.sha256] = _checked(folder, entry, index, trust, simulated)
    return Snapshot(index, contents)


def _checked(folder: Path, entry: Entry, index: Index, trust: TrustStore, simulated: SimulatedTrust | None) -> bytes:
    where = f"{folder / FILES / entry.sha256}: {shown(entry.name)}"
    data = _bytes(folder / FILES / entry.sha256, MAX_FILE_BYTES)
    if data is None or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Damaged(f"{where}: the file is {'missing' if data is None else 'damaged'}")
    try:
        found = examine(Piece(entry.kind, entry.key, data, entry.fetched_at), trust, simulated)
    except (Malformed, Rejected) as e:
        raise Damaged(f"{where}: {e}") from None
    floor = index.floors.get(entry.name)
    low = floor is not None and (entry.number or 0, entry.issued) < (floor.number, floor.issued)
    if found != entry or low:
        raise Damaged(f"{where}: the index says something else of it")
    return data


def _bytes(file: Path, most: int) -> bytes | None:
    """None where there is no such file. Raises Damaged."""
    try:
        if not file.is_file():
            return None
        with file.open("rb") as f:
            data = f.read(most + 1)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise Damaged(f"{file}: cannot be read ({type(e).__name__})") from None
    if len(data) > most:
        raise Damaged(f"{file}: larger than {most} bytes")
    return data
