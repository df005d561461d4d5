"""Reading the folder: whatever does not fit together is damage, never an empty store."""

import json
import os

import pytest
from attested import NOW, flips
from published import DAY, TRUST, all_pieces, amd_crl, jwks, tcb

from attestation.collateral import store as module
from attestation.collateral.index import _text, encode
from attestation.collateral.pieces import Floor, Index, Kind
from attestation.collateral.store import Damaged, Snapshot, read_store
from attestation.trust import VENDORS
from proxy.collateral.writer import take


@pytest.fixture
def folder(tmp_path):
    take(tmp_path / "store", all_pieces(), NOW, VENDORS, TRUST)
    return tmp_path / "store"


def damage(folder) -> str:
    with pytest.raises(Damaged) as e:
        read_store(folder, VENDORS, TRUST)
    return str(e.value)


def test_an_empty_or_missing_folder_is_an_empty_store(tmp_path):
    assert read_store(tmp_path, VENDORS) == Snapshot()
    assert read_store(tmp_path / "none", VENDORS) == Snapshot()


def test_what_was_written_is_read(folder):
    got = read_store(folder, VENDORS, TRUST)
    assert {e.kind for e in got.index.entries.values()} == set(Kind)
    assert [e.key for e in got.named(Kind.AMD_CRL)] == ["Genoa"]
    assert got.data((Kind.AMD_CRL, "Milan")) is None


def test_simulated_pieces_are_damage_to_a_gate_in_production(folder):
    with pytest.raises(Damaged):
        read_store(folder, VENDORS)


def test_files_without_their_index_are_damage(folder):
    (folder / "index.json").unlink()
    assert "missing" in damage(folder)


def test_a_missing_file_is_damage(folder):
    next((folder / "files").iterdir()).unlink()
    assert "missing" in damage(folder)


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: bytes([b[0] ^ 1]) + b[1:]]
)
def test_a_changed_file_is_damage(folder, change):
    for file in (folder / "files").iterdir():
        data = file.read_bytes()
        file.write_bytes(change(data))
        assert "damaged" in damage(folder)
        file.write_bytes(data)
    read_store(folder, VENDORS, TRUST)


def test_a_changed_index_is_damage(folder):
    raw = (folder / "index.json").read_bytes()
    for i, changed in enumerate(flips(raw)):
        if i % 97 == 0:
            (folder / "index.json").write_bytes(changed)
            damage(folder)
    (folder / "index.json").write_bytes(raw[: len(raw) // 2])
    damage(folder)


def test_a_file_that_is_no_file_is_damage(folder):
    file = next((folder / "files").iterdir())
    file.unlink()
    os.mkfifo(file)  # reading it would wait for ever
    assert "missing" in damage(folder)


def test_a_huge_file_is_not_read_whole(folder):
    file = next((folder / "files").iterdir())
    with file.open("wb") as f:
        f.truncate(8 * 2**30)
    assert "larger" in damage(folder)


def rewrite(folder, change) -> None:
    """An index with a right digest that says something else."""
    import hashlib

    body = json.loads((folder / "index.json").read_bytes())
    del body["sha256"]
    change(body)
    (folder / "index.json").write_bytes(_text({**body, "sha256": hashlib.sha256(_text(body)).hexdigest()}))


@pytest.mark.parametrize(
    ("field", "value"),
    [("next_update", "2030-01-01T00:00:00Z"), ("issued", "2026-11-21T11:00:00Z"), ("number", 99), ("size", 1),
     ("trust", "signed"), ("next_update", None)],
)  # fmt: skip
def test_the_index_cannot_say_more_than_was_signed(folder, field, value):
    def change(body):
        row = next(r for r in body["entries"] if r["kind"] == "intel-tcb")
        row[field] = value

    rewrite(folder, change)
    assert "something else" in damage(folder)


def test_an_index_below_its_own_floor_is_damage(folder):
    got = read_store(folder, VENDORS, TRUST)
    floors = {**got.index.floors, (Kind.AMD_CRL, "Genoa"): Floor(99, NOW)}
    (folder / "index.json").write_bytes(encode(Index(got.index.entries, floors)))
    assert "something else" in damage(folder)


def test_a_reader_that_lost_a_race_reads_again(folder, monkeypatch):
    """The index was replaced and the old file swept between two steps of the reader."""
    old = (folder / "index.json").read_bytes()
    later = NOW + DAY
    take(folder, [amd_crl(later)], later, VENDORS, TRUST)
    real, calls = module.read_index, []

    def racing(where):
        calls.append(where)
        return old if len(calls) == 1 else real(where)

    monkeypatch.setattr(module, "read_index", racing)
    got = read_store(folder, VENDORS, TRUST)
    assert len(calls) == 2
    assert got.index.floors[Kind.AMD_CRL, "Genoa"].issued == NOW


def test_a_reader_that_met_the_first_writer_is_not_fooled(folder, monkeypatch):
    """The index was not there yet, the files were when it looked for them."""
    real, calls = module._bytes, []

    def racing(file, most):
        calls.append(file.name)
        return None if calls == ["index.json"] else real(file, most)

    monkeypatch.setattr(module, "_bytes", racing)
    assert len(read_store(folder, VENDORS, TRUST).index.entries) == len(Kind)


def test_contents_stay_out_of_reprs(folder):
    shown = repr(read_store(folder, VENDORS, TRUST)) + repr(tcb()) + repr(jwks())
    assert "BEGIN CERTIFICATE" not in shown
