"""Attacks on the store under a running gate: an old copy of the folder, none at all, clocks that step, two pieces of
one name at once, bytes that make a reader stumble."""

import asyncio
import datetime as dt
import json
import shutil

import pytest
from attested import BINDING, NOW
from egress_support import Events
from published import DAY, INTEL, TCB_KEY, TRUST, all_pieces, amd_crl, answer, jwks, pck_crl, qe, rim, root_crl, tcb

from attestation.collateral.pieces import Kind, Piece
from attestation.collateral.store import read_store
from attestation.simulator.tokens import shared_services
from attestation.trust import VENDORS
from attestation.types import Evidence, Malformed, Rejected
from proxy.collateral import fetch as fetching
from proxy.collateral import job as module
from proxy.collateral.job import CollateralJob
from proxy.collateral.writer import take
from proxy.egress import VendorDoor

QUOTE = Evidence("tdx", INTEL.tdx_quote(BINDING))
LATER = NOW + DAY


@pytest.fixture
def job(vendors, clock, tmp_path):
    made = CollateralJob(tmp_path / "store", VendorDoor(vendors.instead), clock, VENDORS, TRUST, on_event=Events(),
                         chain=vendors.chain, spread=lambda: 0.0)  # fmt: skip
    made.load()
    return made


def current(job, evidence, now):
    try:
        job.select(evidence, now)
    except Rejected as e:
        return set(e.failures)
    return set()


@pytest.mark.parametrize("how", ["old copy", "emptied", "gone", "other pieces"])
async def test_a_folder_that_went_back_is_damage_and_what_was_read_stays(job, vendors, clock, tmp_path, how):
    """A restored backup, a mirror that lags, an emptied volume: floors are gone, and what they keep out could come."""
    store, old = tmp_path / "store", tmp_path / "old"
    take(store, [tcb(), qe(), pck_crl(), root_crl()], NOW, VENDORS, TRUST)
    shutil.copytree(store, old)
    take(store, [tcb(LATER, tcbEvaluationDataNumber=18), qe(LATER, tcbEvaluationDataNumber=18)], LATER, VENDORS, TRUST)
    clock.tick(86_400)
    await job.round()
    seen = job.snapshot
    assert seen.index.floors[Kind.INTEL_TCB, TCB_KEY].number == 18
    shutil.rmtree(store)
    if how == "old copy":
        shutil.copytree(old, store)
    elif how == "emptied":
        store.mkdir()
    elif how == "other pieces":
        take(store, [amd_crl(LATER)], LATER, VENDORS, TRUST)
    vendors.asked.clear()
    for _ in range(3):
        await job.round()
    assert "went back" in str(job.status()["damage"]) and job.snapshot is seen
    assert not vendors.asked and current(job, QUOTE, LATER) == set()
    if how in {"emptied", "gone"}:
        assert not store.exists() or not any(store.iterdir()), "nothing without floors is written in its place"


async def test_a_folder_that_came_back_is_taken_up_again(job, clock, tmp_path):
    store, away = tmp_path / "store", tmp_path / "away"
    take(store, [amd_crl()], NOW, VENDORS, TRUST)
    await job.round()
    store.rename(away)
    await job.round()
    assert job.status()["damage"] is not None
    away.rename(store)
    await job.round()
    assert job.status()["damage"] is None, "the very same folder"
    store.rename(away)
    await job.round()
    away.rename(store)
    take(store, [amd_crl(LATER, number=8)], LATER, VENDORS, TRUST)
    clock.tick(86_400)
    await job.round()
    assert job.status()["damage"] is None
    assert job.snapshot.index.floors[Kind.AMD_CRL, "Genoa"].number == 8


def token(now):
    sim = shared_services()
    return sim.evidence("maa", sim.maa_sgx(now))


async def test_a_clock_that_stepped_and_came_back_keeps_no_key_set_out(job, vendors, clock):
    """A key set is dated by our own clock: asked for under a wrong one, its floor lay years ahead."""
    assert current(job, token(NOW), NOW)
    clock.start = NOW + 900 * DAY
    await job.round()
    assert current(job, token(NOW), clock.now()) == set()
    clock.start = NOW
    assert current(job, token(NOW), NOW), "fetched in the future: it does not count"
    await job.round()
    assert current(job, token(NOW), NOW) == set()
    assert job.status()["failing"] == {} and job.status()["damage"] is None
    [entry] = [e for e in job.snapshot.index.entries.values() if e.kind is Kind.JWKS]
    assert entry.fetched_at == NOW
    assert job.snapshot.index.floors[entry.name].issued == NOW


async def test_what_was_asked_for_under_a_wrong_clock_is_asked_for_again_under_the_right_one(job, vendors, clock):
    """A list that counts for a year would not be looked at before the day that the clock once showed."""
    clock.start = NOW + 200 * DAY
    job._want([(Kind.AMD_CRL, "Genoa")])
    await job.round()
    [entry] = job.snapshot.index.entries.values()
    assert entry.fetched_at == NOW + 200 * DAY
    clock.start = NOW
    vendors.asked.clear()
    await job.round()
    await job.round()
    assert vendors.asked == ["/vcek/v1/Genoa/crl"]
    [entry] = job.snapshot.index.entries.values()
    assert entry.fetched_at == NOW


@pytest.mark.parametrize("make", [jwks])
def test_only_a_floor_of_the_future_is_none(make, tmp_path):
    for ahead, comes in ((60, False), (61, True)):
        folder, seen = tmp_path / str(ahead), NOW + dt.timedelta(seconds=ahead)
        take(folder, [make(seen)], seen, VENDORS, TRUST)
        if comes:
            take(folder, [make(NOW)], NOW, VENDORS, TRUST)
        else:
            with pytest.raises(Rejected, match="rollback"):
                take(folder, [make(NOW)], NOW, VENDORS, TRUST)


@pytest.mark.parametrize("make", [amd_crl, tcb, qe, pck_crl, root_crl, rim])
def test_a_clock_that_is_set_back_brings_nothing_signed_back(make, tmp_path):
    """What a vendor dated is compared with what a vendor dated, whatever our clock says."""
    take(tmp_path, [make(LATER)], LATER, VENDORS, TRUST)
    before = NOW - 2 * DAY
    with pytest.raises(Rejected, match="rollback"):
        take(tmp_path, [make(before)], before, VENDORS, TRUST)


MAKERS = [amd_crl, tcb, qe, pck_crl, root_crl, jwks, rim]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("newest", [0, 1, 2])
def test_of_two_pieces_of_one_name_the_newer_one_stays(make, newest, tmp_path):
    """The older one behind it won, below the floor of the newer: the store could not be read any more."""
    pieces, new = [make(NOW - DAY), make(NOW - 2 * DAY)], make(NOW)
    pieces.insert(newest, new)
    got = take(tmp_path, pieces, NOW, VENDORS, TRUST).snapshot
    assert read_store(tmp_path, VENDORS, TRUST) == got
    [entry] = got.index.entries.values()
    assert entry.fetched_at == NOW and got.contents == {entry.sha256: new.data}


def test_an_older_piece_is_refused_also_beside_a_newer_one(tmp_path):
    take(tmp_path, [tcb(NOW, tcbEvaluationDataNumber=18)], NOW, VENDORS, TRUST)
    with pytest.raises(Rejected, match="rollback"):
        take(tmp_path, [tcb(LATER, tcbEvaluationDataNumber=19), tcb(NOW)], LATER, VENDORS, TRUST)


def odd_name(data: bytes) -> bytes:
    """A revocation list whose issuer's name holds an encoding that no name has."""
    at = data.index(b"\x06\x03\x55\x04")
    return data[: at + 5] + b"\x03" + data[at + 6 :]


def surrogate(piece: Piece) -> Piece:
    body = json.loads(piece.data)
    body["document"] = body["document"].replace('"id":', '"\ud83d":1,"id":', 1)
    return Piece(piece.kind, piece.key, json.dumps(body, sort_keys=True, separators=(",", ":")).encode(), NOW)


ODD = [
    Piece(Kind.AMD_CRL, "Genoa", odd_name(amd_crl().data), NOW),
    Piece(Kind.INTEL_ROOT_CRL, "root", odd_name(root_crl().data), NOW),
    surrogate(tcb()),
    surrogate(qe()),
]


@pytest.mark.parametrize("piece", ODD, ids=lambda p: p.kind.value)
def test_bytes_that_no_reader_takes_are_refused_as_such(piece, tmp_path):
    """They raised errors of the libraries, out of the job, for good."""
    with pytest.raises(Rejected) as e:
        take(tmp_path, [piece], NOW, VENDORS, TRUST)
    assert len(e.value.failures) == 1


async def test_a_vendor_with_odd_bytes_ends_nothing(job, vendors, clock, monkeypatch):
    monkeypatch.setattr(vendors, "_honest", lambda _: __import__("aiohttp").web.Response(body=odd_name(amd_crl().data)))
    job._want([(Kind.AMD_CRL, "Genoa")])
    await job.round()
    assert job.status()["failing"] == {"amd-crl Genoa": "collateral_refused"}


@pytest.mark.parametrize("error", [ValueError, RecursionError, Malformed])
async def test_the_job_survives_a_fault_of_ours(job, vendors, monkeypatch, error, caplog):
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    rounds = asyncio.Event()

    def broken(*_: object) -> None:
        rounds.set()
        raise error("a text out of a vendor's answer")

    with monkeypatch.context() as patch:
        patch.setattr(fetching, "take", broken)
        job._want([(Kind.AMD_CRL, "Genoa")])
        task = asyncio.create_task(job.run())
        await asyncio.wait_for(rounds.wait(), 30)
    try:
        async with asyncio.timeout(30):
            while not job.snapshot.index.entries:
                await asyncio.sleep(0.01)
        assert "a text out of" not in caplog.text
    finally:
        task.cancel()


async def test_a_store_damaged_between_writing_and_reading_is_said_so(job, vendors, monkeypatch, tmp_path):
    real = module.keep

    def kept(folder, *more):
        got = real(folder, *more)
        (folder / "index.json").write_bytes(b"{}")
        return got

    monkeypatch.setattr(module, "keep", kept)
    job._want([(Kind.AMD_CRL, "Genoa")])
    await job.round()
    assert "index.json" in str(job.status()["damage"]) and not job.snapshot.index.entries


def test_all_of_these_are_good_by_themselves(tmp_path):
    take(tmp_path, all_pieces(), NOW, VENDORS, TRUST)
    assert answer(INTEL.qe_identity(NOW, False), Kind.INTEL_QE)
