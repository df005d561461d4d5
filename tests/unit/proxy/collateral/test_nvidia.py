"""NVIDIA's answers and manifests through the job: asked for, proven before they are kept, renewed, never by junk."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import NOW
from egress_support import Events
from published import GPU, NVIDIA, TRUST, revocation

from attestation.collateral.nvidia import about
from attestation.collateral.pieces import Kind
from attestation.simulator.nvidia import Vendor, evidence
from attestation.simulator.responder import WAYS
from attestation.simulator.rim import DRIVER_ID, VBIOS_ID, Signer
from attestation.trust import VENDORS
from attestation.types import Rejected, Status
from attestation.verify import verify
from attestation.x509 import load_certificate
from proxy.collateral import fetch as fetching
from proxy.collateral import job as module
from proxy.collateral.fetch import fetch, keep
from proxy.collateral.job import CollateralJob
from proxy.collateral.watch import states
from proxy.collateral.writer import take
from proxy.egress import VendorDoor
from proxy.errors import Misuse

HOUR = 3600
WRONG = {"vendor_malformed", "collateral_refused", "collateral_older"}
EVIDENCE = evidence(GPU.entry())
ABOUT = about(EVIDENCE, NOW, VENDORS, TRUST)
OCSP = [n for n in ABOUT.names if n[0] is Kind.OCSP]
RIMS = [n for n in ABOUT.names if n[0] is Kind.RIM]
ISSUERS = ABOUT.issuers
DEVICE = load_certificate(GPU.chain[1])


def judged(job: CollateralJob) -> dict[str, Status]:
    now = job._clock.now()
    found = verify(EVIDENCE, now, VENDORS, TRUST, job.select(EVIDENCE, now))
    return {c.id: c.status for c in found.checks if c.id in ("revocation", "reference-values")}


async def later(job, vendors, clock, seconds: float) -> None:
    clock.tick(seconds)
    vendors.now = clock.now()
    await job.round()


async def test_devices_are_asked_about_once_evidence_of_them_was_met(job, vendors, events):
    assert judged(job) == {"revocation": Status.UNKNOWN, "reference-values": Status.UNKNOWN}
    assert not vendors.asked  # the request waits for nobody
    await job.round()
    assert judged(job) == {"revocation": Status.PASS, "reference-values": Status.PASS}
    assert sorted(vendors.nvidia.asked) == sorted(int(n[1].rpartition("/")[2], 16) for n in OCSP)
    assert set(job.snapshot.index.entries) == {*OCSP, *RIMS}
    assert events.codes() == ["collateral_changed"]


async def test_answers_and_manifests_are_renewed_before_they_end_and_after_a_restart(job, vendors, clock, tmp_path):
    judged(job)
    await job.round()
    again = CollateralJob(tmp_path, VendorDoor(vendors.instead), clock, VENDORS, TRUST, on_event=Events(),
                          spread=lambda: 0.0)  # fmt: skip
    again.load()  # no evidence was met by this one
    vendors.asked.clear()
    await later(again, vendors, clock, 6 * HOUR - 1)
    assert vendors.asked == []
    await later(again, vendors, clock, 1)
    assert vendors.asked == ["/"] * len(OCSP)
    assert min(e.next_update for e in again.snapshot.named(Kind.OCSP)) == clock.now() + dt.timedelta(days=1)
    await later(again, vendors, clock, 7 * 24 * HOUR)
    assert {f"/v1/rim/{name[1]}" for name in RIMS} <= set(vendors.asked)
    assert judged(again) == {"revocation": Status.PASS, "reference-values": Status.PASS}


async def test_an_outage_of_a_day_is_survived_and_no_ended_answer_passes(job, vendors, clock):
    judged(job)
    await job.round()
    vendors.bad = {"/": "down"}
    clock.tick(19 * HOUR)
    await job.round()
    assert judged(job)["revocation"] is Status.PASS
    assert any("in 5 hours" in text for text in job.status()["expiring"])
    assert set(job.status()["failing"].values()) == {"vendor_busy"}
    clock.tick(5 * HOUR + 1)
    await job.round()
    assert judged(job)["revocation"] is Status.UNKNOWN
    assert any("good, ended" in text for text in job.status()["expired"])
    vendors.bad = {}
    await later(job, vendors, clock, 2 * HOUR)
    assert judged(job)["revocation"] is Status.PASS


async def test_a_device_that_is_revoked_meanwhile_is_refused_after_the_next_answer(job, vendors, clock, tmp_path):
    judged(job)
    await job.round()
    vendors.nvidia.revoked = {DEVICE.serial_number}
    await later(job, vendors, clock, 6 * HOUR)
    with pytest.raises(Rejected, match="revoked"):
        judged(job)
    assert any("REVOKED: its devices are refused" in s.note for s in states(job.snapshot, clock.now()))
    vendors.asked.clear()
    vendors.nvidia.revoked = set()
    await later(job, vendors, clock, 6 * HOUR)
    assert vendors.asked == ["/"] * (len(OCSP) - 1)  # what is revoked for good is asked about no more
    assert job.status()["failing"] == {}


@pytest.mark.parametrize("way", WAYS)
async def test_no_wrong_answer_takes_the_place_of_a_good_one(job, vendors, clock, way, tmp_path):
    judged(job)
    await job.round()
    before = {n: job.snapshot.index.entries[n].sha256 for n in OCSP}
    vendors.nvidia.way = way
    await later(job, vendors, clock, 6 * HOUR)
    assert {n: job.snapshot.index.entries[n].sha256 for n in OCSP} == before
    failing = set(job.status()["failing"].values())
    want = {"try later": "vendor_busy", "unauthorized": "vendor_refused"}
    assert failing == {want[way]} if way in want else failing <= WRONG and failing
    assert judged(job)["revocation"] is Status.PASS
    vendors.nvidia.way = ""
    await later(job, vendors, clock, 2 * HOUR)
    assert {n: job.snapshot.index.entries[n].sha256 for n in OCSP}.items().isdisjoint(before.items())


@pytest.mark.parametrize("way", WAYS)
async def test_no_wrong_answer_comes_in_where_there_is_none(vendors, way, tmp_path):
    vendors.nvidia.way = way
    got = await fetch(VendorDoor(vendors.instead), OCSP, NOW, issuers=ISSUERS)
    taken, refused = keep(tmp_path, got.pieces, NOW, VENDORS, TRUST)
    assert not taken
    assert {f.name for f in (*got.failures, *refused)} | set(got.spared) == set(OCSP)


async def test_what_the_responder_does_not_know_is_kept_as_its_word(job, vendors):
    judged(job)
    vendors.nvidia.unknown = {DEVICE.serial_number}
    await job.round()
    assert judged(job)["revocation"] is Status.UNKNOWN
    assert any("not known to NVIDIA, ends" in s.note for s in states(job.snapshot, NOW))


def resigned(vendors, name: str, raw: bytes | None) -> None:
    vendors.nvidia.rims = {k: v for k, v in vendors.nvidia.rims.items() if k != name} | ({name: raw} if raw else {})


@pytest.mark.parametrize("wrong", ["stranger", "ended", "another", "junk", "bit"])
async def test_no_wrong_manifest_takes_the_place_of_a_good_one(job, vendors, clock, wrong):
    judged(job)
    await job.round()
    before = job.snapshot.data((Kind.RIM, DRIVER_ID))
    good = vendors.nvidia.rims[DRIVER_ID]
    bad = {
        "stranger": Signer(Vendor()).rim(), "ended": Signer(NVIDIA, end=NOW).rim(), "junk": b"<html/>",
        "another": vendors.nvidia.rims[VBIOS_ID], "bit": good.replace(b'size="48"', b'size="49"', 1),
    }  # fmt: skip
    resigned(vendors, DRIVER_ID, bad[wrong])
    await later(job, vendors, clock, 7 * 24 * HOUR)
    assert job.snapshot.data((Kind.RIM, DRIVER_ID)) == before
    assert job.status()["failing"] == {f"rim {DRIVER_ID}": "collateral_refused"}
    assert judged(job)["reference-values"] is Status.PASS


async def test_a_manifest_that_is_signed_anew_comes_in(job, vendors, clock):
    judged(job)
    resigned(vendors, DRIVER_ID, Signer(NVIDIA, end=NOW + dt.timedelta(days=20)).rim())
    await job.round()
    assert [t for t in job.status()["expiring"] if DRIVER_ID in t]  # its signer ends in less than 30 days
    resigned(vendors, DRIVER_ID, Signer(NVIDIA).rim())
    await later(job, vendors, clock, 7 * 24 * HOUR)
    assert not [t for t in job.status()["expiring"] if DRIVER_ID in t]


async def test_an_ended_manifest_shows(job, vendors, clock):
    judged(job)
    resigned(vendors, DRIVER_ID, Signer(NVIDIA, end=NOW + dt.timedelta(days=2)).rim())
    await job.round()
    vendors.bad = {"/": "down"}
    await later(job, vendors, clock, 3 * 24 * HOUR)
    assert [t for t in job.status()["expired"] if DRIVER_ID in t]
    assert judged(job)["reference-values"] is Status.UNKNOWN


async def test_nobody_is_asked_about_devices_that_anybody_made_up(job, vendors):
    stranger = evidence(Vendor().gpu().entry())
    job.select(stranger, NOW)
    await job.round()
    assert vendors.asked == []
    assert job.status()["wanted"] == []


async def test_devices_do_not_pile_up(job, vendors, monkeypatch):
    monkeypatch.setattr(module, "ANSWERS", 3)
    judged(job)
    await job.round()
    job.select(evidence(NVIDIA.gpu().entry()), NOW)
    assert job.status()["wanted"] == []
    vendors.asked.clear()
    await job.round()
    assert vendors.asked == []


async def test_an_answer_that_was_imported_is_renewed_with_the_issuer_beside_it(job, vendors, clock, tmp_path):
    take(tmp_path, [revocation()], NOW, VENDORS, TRUST)
    await later(job, vendors, clock, 6 * HOUR)
    assert vendors.asked == ["/"]
    (entry,) = job.snapshot.named(Kind.OCSP)
    assert entry.issued == clock.now()


async def test_answers_that_take_long_are_still_current_when_they_are_kept(job, vendors, clock):
    """The responder dates them at the question, and many questions take longer than clocks may differ."""
    judged(job)
    real = vendors.nvidia.status

    def slow(request: bytes) -> bytes:
        clock.tick(100)
        vendors.nvidia.now = clock.now()
        return real(request)

    vendors.nvidia.status = slow
    await job.round()
    assert judged(job)["revocation"] is Status.PASS


async def test_a_body_that_is_not_the_question_never_leaves(vendors):
    door = VendorDoor(vendors.instead)
    with pytest.raises(Misuse):
        await door.ask(OCSP[0], b"a patient's name")
    with pytest.raises(Misuse):
        await door.ask((Kind.AMD_CRL, "Genoa"), b"a patient's name")
    with pytest.raises(Misuse):
        await door.ask(OCSP[0])
    assert vendors.asked == []


async def test_each_question_has_a_nonce_of_its_own(vendors):
    seen = []
    real = vendors.nvidia.status
    vendors.nvidia.status = lambda request: (seen.append(request), real(request))[1]
    for _ in range(2):
        assert not (await fetch(VendorDoor(vendors.instead), OCSP[:1], NOW, issuers=ISSUERS)).failures
    assert len(set(seen)) == 2


async def test_many_answers_are_kept_in_one_change_and_a_refused_one_keeps_no_other_out(vendors, tmp_path, monkeypatch):
    """Every change reads the whole store."""
    door, changes = VendorDoor(vendors.instead), []
    real = fetching.take
    monkeypatch.setattr(fetching, "take", lambda at, pieces, *a: (changes.append(len(pieces)), real(at, pieces, *a))[1])
    many = about(evidence(*(NVIDIA.gpu().entry() for _ in range(9))), NOW, VENDORS, TRUST)
    names = [n for n in many.names if n[0] is Kind.OCSP]
    got = await fetch(door, names, NOW, issuers=many.issuers)
    taken, refused = keep(tmp_path, got.pieces, NOW, VENDORS, TRUST)
    assert (refused, changes) == ([], [len(names)])
    assert len(names) == 9 + 2
    later = NOW + dt.timedelta(hours=6)
    vendors.now = later
    got = await fetch(door, names, later, issuers=fetching.known_issuers(taken[-1].snapshot, names))
    odd = replace(got.pieces[4], fetched_at=later + dt.timedelta(days=1))  # of our own future: admission refuses it
    changes.clear()
    taken, refused = keep(tmp_path, [*got.pieces[:4], odd, *got.pieces[5:]], later, VENDORS, TRUST)
    assert [f.name for f in refused] == [odd.name]
    assert {n for t in taken for n in t.changed} == {(n[0].value, n[1]) for n in names} - {(odd.kind.value, odd.key)}
    assert len(changes) < len(names)
