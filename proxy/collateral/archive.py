"""One tar that carries published pieces to a site without a network: the same content gives the same bytes.

    index.json       as in the store, of what counts now; floors stay at home and are found anew from what was verified
    files/SHA256     one piece each

Plain files of these names, once each, uncompressed and small; anything else refuses the whole. Reading writes nothing:
the pieces go through the store's own rules like any others.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from attestation.collateral.examine import examine
from attestation.collateral.index import MAX_ENTRIES, MAX_INDEX_BYTES, decode, encode
from attestation.collateral.pieces import Entry, Index, Name, Piece, shown
from attestation.collateral.store import FILES, INDEX, MAX_FILE_BYTES, Snapshot
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Malformed

MAX_ARCHIVE_BYTES = 256 * 1024 * 1024
_FILE = re.compile(rf"{FILES}/([0-9a-f]{{64}})")


def pack(snapshot: Snapshot, now: dt.datetime) -> tuple[bytes, tuple[Name, ...]]:
    """The tar of what counts at ``now``, and the names that were left out because they have ended."""
    kept = {name: e for name, e in snapshot.index.entries.items() if e.current(now)}
    files = {INDEX: encode(Index(kept))}
    files |= {f"{FILES}/{digest}": snapshot.contents[digest] for digest in sorted({e.sha256 for e in kept.values()})}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)  # owner, times and mode are the same everywhere
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue(), tuple(sorted(set(snapshot.index.entries) - set(kept)))


def unpack(path: Path, trust: TrustStore, simulated: SimulatedTrust | None = None) -> tuple[Piece, ...]:
    """Every piece in the tar. Raises Malformed, Rejected; OSError where it cannot be read."""
    files = _files(path)
    if INDEX not in files:
        raise Malformed(f"the archive has no {INDEX}")
    index = decode(files.pop(INDEX))
    if index.floors:
        raise Malformed("an archive has no floors")
    named = {f"{FILES}/{e.sha256}" for e in index.entries.values()}
    if named != set(files):
        raise Malformed("the archive's files are not those of its index")
    return tuple(_piece(e, files[f"{FILES}/{e.sha256}"], trust, simulated) for e in index.entries.values())


def _piece(entry: Entry, data: bytes, trust: TrustStore, simulated: SimulatedTrust | None) -> Piece:
    piece = Piece(entry.kind, entry.key, data, entry.fetched_at)
    if examine(piece, trust, simulated) != entry:  # its digest included
        raise Malformed(f"{shown(entry.name)}: the archive's index says something else of it")
    return piece


def _files(path: Path) -> dict[str, bytes]:
    if path.stat().st_size > MAX_ARCHIVE_BYTES:
        raise Malformed(f"an archive has at most {MAX_ARCHIVE_BYTES >> 20} MiB")
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, mode="r:") as archive:  # never compressed
            for name, data in _members(archive):
                if name in found:
                    raise Malformed("the archive holds a file twice")
                found[name] = data
    except (tarfile.TarError, EOFError, UnicodeDecodeError, ValueError):
        raise Malformed("this is no whole archive of published pieces") from None
    return found


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for count, entry in enumerate(archive):
        most = MAX_INDEX_BYTES if entry.name == INDEX else MAX_FILE_BYTES
        plain = entry.type == tarfile.REGTYPE and not entry.pax_headers and not entry.sparse
        if not plain or not (entry.name == INDEX or _FILE.fullmatch(entry.name)) or not 0 <= entry.size <= most:
            raise Malformed("the archive holds something that is no published piece")
        if count > MAX_ENTRIES:
            raise Malformed(f"the archive holds more than {MAX_ENTRIES} files")
        stream = archive.extractfile(entry)
        data = stream.read(entry.size) if stream is not None else b""
        if len(data) != entry.size:
            raise Malformed("the archive is cut short")
        yield entry.name, data
