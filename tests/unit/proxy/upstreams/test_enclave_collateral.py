"""Leases and what vendors publish: needed pieces, pieces that are missing, and news that take a lease back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from attested import NOW
from egress_support import Events, HandClock
from fake_vendors import FakeVendors
from lease_support import ANY, Given, World, world
from published import AMD, DAY, INTEL, TRUST, amd_crl, amd_key, pck_crl, qe, root_crl, tcb

from attestation.collateral.pieces import Piece
from attestation.providers.base import Channel, Heard, Presented
from attestation.providers.base import Piece as Evidenced
from attestation.simulator.intel import MRTD
from attestation.simulator.snp import ASK_SERIAL
from attestation.trust import VENDORS
from attestation.types import Collateral, Evidence, Expectations
from proxy.collateral.job import CollateralJob
from proxy.collateral.writer import take
from proxy.egress import VendorDoor
from proxy.upstreams import proof
from proxy.upstreams.enclave import AttestationRefused

CHANNEL = Channel(spki_sha256=b"\7" * 32)
TD = Expectations(
    "clinic", frozenset({"tdx"}), {}, {}, "dpo@clinic.example", NOW.date().replace(year=2028), True,
    registers={"release": {"mrtd": MRTD, "rtmr1": bytes(48), "rtmr2": bytes(48)}},
)  # fmt: skip


def trust_domain(_: Heard, nonce: bytes) -> Presented:
    evidence = Evidence("tdx", INTEL.tdx_quote(nonce))
    return Presented((Evidenced("cpu", evidence, {"report_data": nonce + bytes(32)}),), CHANNEL, True)


def guest(_: Heard, nonce: bytes, *, bare: bool = False) -> Presented:
    evidence = AMD.evidence(nonce)
    if bare:
        evidence = Evidence("snp", evidence.report)
    return Presented((Evidenced("cpu", evidence, {"report_data": nonce + bytes(32)}),), CHANNEL, True)


@dataclass
class Shop:
    """A world with a store of its own."""

    folder: object
    vendors: FakeVendors
    events: Events = field(default_factory=Events)

    def open(self, present, want=None, *pieces: Piece) -> World:
        self.clock = HandClock(NOW)
        if pieces:
            take(self.folder, pieces, NOW, VENDORS, TRUST)
        self.job = CollateralJob(self.folder, VendorDoor(self.vendors.instead), self.clock, VENDORS, TRUST,
                                 on_event=self.events, chain=self.vendors.chain, spread=lambda: 0.0)  # fmt: skip
        self.job.load()
        how = {"want": want} if want is not None else {}
        return world(present=present, simulated=TRUST, published=self.job, clock=self.clock, **how)

    async def news(self, *pieces: Piece) -> None:
        take(self.folder, pieces, self.clock.now(), VENDORS, TRUST)
        await self.job.round()


@pytest.fixture
async def shop(tmp_path):
    async with FakeVendors() as vendors:
        yield Shop(tmp_path, vendors)


async def test_a_guest_needs_its_list_when_there_is_a_store(shop):
    w = shop.open(guest)
    assert await w.failures() == ("collateral.amd-crl",)
    await shop.job.round()
    shop.clock.tick(6)
    lease = await w.leases.current("sealed", ANY)
    assert "crl" not in lease.info.unknown


async def test_without_a_store_revocation_is_on_record_as_unknown():
    lease = await world(present=guest, simulated=TRUST).leases.current("sealed", ANY)
    assert "crl" in lease.info.unknown


async def test_a_domain_of_an_unknown_platform_is_refused_fetched_and_then_proven(shop):
    w = shop.open(trust_domain, TD)
    assert "collateral.intel-tcb" in await w.failures()
    assert shop.vendors.asked == []
    await shop.job.round()
    shop.clock.tick(6)
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.tcb_status == "UpToDate"
    assert lease.info.tee == "tdx"


async def test_a_report_without_its_certificate_is_completed(shop):
    w = shop.open(lambda h, n: guest(h, n, bare=True), None, amd_crl())
    assert await w.failures()
    await shop.job.round()
    shop.clock.tick(6)
    assert (await w.leases.current("sealed", ANY)).claims.chip_id == AMD.chip.chip_id


async def test_each_piece_is_verified_with_its_own_collateral(shop):
    """A statement of another machine beside the enclave's: two platforms, two lists."""

    def both(heard: Heard, nonce: bytes) -> Presented:
        first, second = guest(heard, nonce), trust_domain(heard, nonce)
        return replace(first, pieces=(*first.pieces, replace(second.pieces[0], role="vtpm")))

    w = shop.open(both, None, amd_crl(), tcb(), qe(), pck_crl(), root_crl())
    assert (await w.leases.current("sealed", ANY)).info.tee == "sev-snp"
    missing = Shop(shop.folder / "other", shop.vendors).open(both, None, amd_crl())
    assert "collateral.intel-tcb" in await missing.failures()


async def test_what_an_endpoint_brings_along_does_not_stand_in_for_the_store(shop):
    """It may be signed and current, and yet not the newest: the store alone knows what was seen."""

    def brought(heard: Heard, nonce: bytes) -> Presented:
        return replace(guest(heard, nonce), offered=Collateral(amd_crl=AMD.crl()))

    assert await shop.open(brought).failures() == ("collateral.amd-crl",)
    lease = await world(present=brought, simulated=TRUST).leases.current("sealed", ANY)
    assert "collateral.amd-crl" in lease.info.unknown


async def test_a_revocation_takes_a_lease_back_at_its_next_check(shop):
    w = shop.open(guest, None, amd_crl())
    lease = await w.leases.current("sealed", ANY)
    shop.clock.tick(60)
    await shop.news(amd_crl(shop.clock.now(), revoked=(ASK_SERIAL,)))
    with pytest.raises(AttestationRefused) as e:
        w.leases.check(lease, ANY)
    assert e.value.failures == ("crl.intermediate",)
    assert await w.failures() == ("crl.intermediate",)
    assert w.leases.status() == {"sealed": "refused"}


async def test_levels_that_sink_take_a_lease_back(shop):
    w = shop.open(trust_domain, TD, tcb(), qe(), pck_crl(), root_crl())
    lease = await w.leases.current("sealed", ANY)
    shop.clock.tick(60)
    at = shop.clock.now()
    await shop.news(tcb(at, tcbStatus="OutOfDate", advisoryIDs=["INTEL-SA-00001"], tcbEvaluationDataNumber=18))
    with pytest.raises(AttestationRefused) as e:
        w.leases.check(lease, ANY)
    assert e.value.failures == ("tcb.status",)


async def test_news_that_are_accepted_need_a_new_lease_whose_record_names_them(shop):
    """Records of requests say what is known of the machine when they leave."""
    advisory = "INTEL-SA-00001"
    want = replace(TD, tcb_allow=frozenset({"SWHardeningNeeded"}), advisories_allow=frozenset({advisory}))
    w = shop.open(trust_domain, want, tcb(), qe(), pck_crl(), root_crl())
    old = await w.leases.current("sealed", ANY)
    shop.clock.tick(60)
    at = shop.clock.now()
    await shop.news(tcb(at, tcbStatus="SWHardeningNeeded", advisoryIDs=[advisory], tcbEvaluationDataNumber=18))
    with pytest.raises(AttestationRefused, match="collateral_changed"):
        w.leases.check(old, ANY)
    fresh = await w.leases.current("sealed", ANY)
    assert (old.info.tcb_status, old.info.advisories) == ("UpToDate", ())
    assert (fresh.info.tcb_status, fresh.info.advisories) == ("SWHardeningNeeded", (advisory,))


async def test_a_lease_ends_with_the_newer_list_that_it_was_judged_by(shop):
    w = shop.open(guest, None, amd_crl())
    lease = await w.leases.current("sealed", ANY)
    shop.clock.tick(60)
    end = shop.clock.now() + DAY / 24 / 60
    newer = replace(amd_crl(), data=AMD.crl(start=NOW - DAY, end=end, number=8))
    await shop.news(newer)
    w.leases.check(lease, ANY)
    shop.clock.tick(59)
    w.leases.check(lease, ANY)
    shop.clock.tick(1)
    with pytest.raises(AttestationRefused, match="collateral_ended"):
        w.leases.check(lease, ANY)


async def test_news_that_change_nothing_leave_a_lease_and_are_judged_once(shop, monkeypatch):
    w = shop.open(guest, None, amd_crl())
    judged = []
    real = proof.judge
    monkeypatch.setattr(proof, "judge", lambda *a: judged.append(1) or real(*a))
    lease = await w.leases.current("sealed", ANY)
    w.leases.check(lease, ANY)
    assert judged == [1] and shop.job.revision > 0, "when it was made"
    shop.clock.tick(60)
    await shop.news(amd_crl(shop.clock.now()))
    for _ in range(5):
        w.leases.check(lease, ANY)
    assert (await w.leases.current("sealed", ANY)).epoch == lease.epoch
    assert judged == [1, 1]
    shop.clock.tick(60)
    await shop.news(amd_crl(shop.clock.now()))
    w.leases.check(lease, ANY)
    assert judged == [1, 1, 1]


async def test_an_outage_of_vendors_leaves_leases_alone(shop):
    w = shop.open(guest, None, amd_crl(), amd_key())
    lease = await w.leases.current("sealed", ANY)
    shop.vendors.bad = {"/": "down"}
    shop.clock.tick(500)
    await shop.job.round()
    w.leases.check(lease, ANY)
    shop.clock.tick(86_400 * 3)
    await shop.job.round()
    assert (await w.leases.current("sealed", ANY)).epoch == lease.epoch + 1


async def test_a_lease_ends_with_the_list_behind_it(shop):
    end = NOW + DAY / 24 / 12  # five minutes
    w = shop.open(guest, None, replace(amd_crl(), data=AMD.crl(start=NOW - DAY, end=end, number=8)))
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.expires == end
    shop.clock.tick(301)
    with pytest.raises(AttestationRefused):
        w.leases.check(lease, ANY)
    assert await w.failures() == ("collateral.amd-crl",)


async def test_a_fault_while_judging_again_refuses(monkeypatch):
    given = Given()
    w = world(present=guest, simulated=TRUST, published=given)
    lease = await w.leases.current("sealed", ANY)
    given.revision = 1
    given.collateral = lambda *_: 1 / 0
    with pytest.raises(AttestationRefused) as e:
        w.leases.check(lease, ANY)
    assert e.value.failures == ("verifier_failed",)
