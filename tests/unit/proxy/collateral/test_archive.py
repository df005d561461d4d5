"""The tar for sites without a network: the same bytes each time; anything odd refuses the whole."""

import dataclasses
import datetime as dt
import io
import random
import tarfile
import tracemalloc

import pytest
from attested import NOW
from published import DAY, TRUST, all_pieces, amd_crl, jwks, snapshot, tcb

from attestation.collateral.index import decode, encode
from attestation.collateral.pieces import Floor, Index, Kind
from attestation.collateral.store import FILES, INDEX
from attestation.trust import VENDORS
from attestation.types import Malformed, Rejected
from proxy.collateral.archive import pack, unpack
from proxy.collateral.writer import take

STORE = snapshot(*all_pieces())
TAR, _ = pack(STORE, NOW)


def members(raw: bytes = TAR) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


def made(files: dict[str, bytes], change=None, more=(), **how) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=how.pop("mode", "w"), **how) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            if change is not None:
                change(entry)
            archive.addfile(entry, io.BytesIO(data))
        for entry in more:
            archive.addfile(entry, io.BytesIO(b""))
    return out.getvalue()


@pytest.fixture
def tar(tmp_path):
    def write(raw: bytes):
        path = tmp_path / "collateral.tar"
        path.write_bytes(raw)
        return path

    return write


def refused(path) -> str:
    with pytest.raises((Malformed, Rejected)) as e:
        unpack(path, VENDORS, TRUST)
    return str(e.value)


def test_everything_arrives(tar, tmp_path):
    got = take(tmp_path / "site", unpack(tar(TAR), VENDORS, TRUST), NOW, VENDORS, TRUST)
    assert got.snapshot == STORE


def test_the_same_content_gives_the_same_bytes():
    shuffled = list(STORE.index.entries.items())
    random.Random(7).shuffle(shuffled)
    again = dataclasses.replace(STORE, index=Index(dict(shuffled), STORE.index.floors))
    assert pack(again, NOW + dt.timedelta(hours=1))[0] == TAR
    with tarfile.open(fileobj=io.BytesIO(TAR)) as archive:
        assert {(m.uid, m.gid, m.uname, m.mtime, m.mode) for m in archive} == {(0, 0, "", 0, 0o644)}


def test_what_has_ended_stays_at_home_and_is_named():
    later = NOW + 8 * DAY
    raw, left = pack(STORE, later)
    assert left == (jwks().name,)
    assert jwks().name not in decode(members(raw)[INDEX]).entries


def test_floors_do_not_travel(tar):
    """Else an archive could raise them beyond anything that a vendor ever published."""
    assert decode(members()[INDEX]).floors == {}
    index = decode(members()[INDEX])
    forged = Index(index.entries, {(Kind.AMD_CRL, "Genoa"): Floor(10**6, NOW)})
    assert "floors" in refused(tar(made({**members(), INDEX: encode(forged)})))


def test_an_old_archive_does_not_bring_back_what_was_replaced(tar, tmp_path):
    site = tmp_path / "site"
    later = NOW + DAY
    take(site, [amd_crl(later), tcb(later)], later, VENDORS, TRUST)
    before = (site / "index.json").read_bytes()
    with pytest.raises(Rejected, match="rollback"):
        take(site, unpack(tar(TAR), VENDORS, TRUST), later, VENDORS, TRUST)
    assert (site / "index.json").read_bytes() == before


def test_an_archive_of_simulated_pieces_is_refused_in_production(tar):
    with pytest.raises(Rejected):
        unpack(tar(TAR), VENDORS)


@pytest.mark.parametrize(
    "name",
    ["../index.json", "/etc/passwd", "files/../../x", f"{FILES}/{'ab' * 31}", f"./{INDEX}", f"x/{INDEX}", "files/",
     f"{FILES}/{'AB' * 32}", f"{FILES}/{'ab' * 32}\n", "readme.txt"],
)  # fmt: skip
def test_a_file_of_another_name_refuses_the_whole(tar, name):
    assert "no published piece" in refused(tar(made({**members(), name: b"x"})))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
             tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE],
)  # fmt: skip
def test_links_devices_and_the_like_refuse_the_whole(tar, kind):
    odd = tarfile.TarInfo(f"{FILES}/{'ab' * 32}")
    odd.type, odd.linkname = kind, "/etc/passwd"
    assert refused(tar(made(members(), more=[odd])))


def test_nothing_is_written_by_reading(tar, tmp_path):
    odd = tarfile.TarInfo("../escaped")
    refused(tar(made(members(), more=[odd])))
    assert {p.name for p in tmp_path.iterdir()} == {"collateral.tar"}
    assert not (tmp_path.parent / "escaped").exists()


def test_extended_headers_refuse_the_whole(tar):
    assert refused(tar(made(members(), lambda e: e.pax_headers.update(comment="x"), format=tarfile.PAX_FORMAT)))


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_compressed_archives_are_not_opened(tar, mode):
    assert "whole archive" in refused(tar(made(members(), mode=mode)))


def test_bombs_cost_no_memory(tar):
    """A huge file that is sparse on disk, and a header that claims a terabyte."""
    path = tar(TAR)
    with path.open("r+b") as f:
        f.truncate(10 * 2**30)
    huge = tarfile.TarInfo(f"{FILES}/{'ab' * 32}")
    huge.size = 2**40
    lying = huge.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024
    tracemalloc.start()
    try:
        assert "MiB" in refused(path)
        assert refused(tar(lying))
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_zoo_of_tiny_files_is_bounded(tar):
    names = {f"{FILES}/{i:064x}": b"" for i in range(5000)}
    assert "more than" in refused(tar(made({**members(), **names})))


def test_a_file_twice_refuses(tar):
    doubled = io.BytesIO()
    with tarfile.open(fileobj=doubled, mode="w") as archive:
        for name, data in [*members().items(), *members().items()]:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    assert "twice" in refused(tar(doubled.getvalue()))


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 1000, 5000, len(TAR) // 2])
def test_a_truncated_archive_is_refused(tar, cut):
    assert refused(tar(TAR[:cut]))


def test_more_or_fewer_files_than_the_index_names_refuse(tar):
    files = members()
    extra = {**files, f"{FILES}/{'ab' * 32}": b"x"}
    assert "index" in refused(tar(made(extra)))
    name = next(n for n in files if n != INDEX)
    assert "index" in refused(tar(made({n: d for n, d in files.items() if n != name})))
    assert "no index" in refused(tar(made({n: d for n, d in files.items() if n != INDEX})))


def test_changed_content_refuses(tar):
    files = members()
    for name in [n for n in files if n != INDEX]:
        changed = files[name][:-2] + bytes([files[name][-2] ^ 1]) + files[name][-1:]
        assert refused(tar(made({**files, name: changed})))


def test_an_index_that_says_more_than_was_signed_refuses(tar):
    index = decode(members()[INDEX])
    name = tcb().name
    later = dataclasses.replace(index.entries[name], next_update=NOW + 900 * DAY)
    forged = encode(Index({**index.entries, name: later}))
    assert "something else" in refused(tar(made({**members(), INDEX: forged})))


def test_what_is_no_tar_is_refused(tar):
    for raw in (b"", b"x" * 2000, b"\0" * 20480, b"{}"):
        assert refused(tar(raw))
