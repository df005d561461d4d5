"""What a proof makes of a lease: its keys, its end, its age, and whose decision each waiver is."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from egress_support import NOW
from lease_support import ANY, CLINIC, OWN, Given, World, world

from attestation.expectations import revision
from attestation.providers.base import BodyKey, Channel, Heard, Piece, Presented, Seal
from attestation.simulator.intel import MRTD, shared_intel
from attestation.simulator.intel import Guest as TrustDomain
from attestation.simulator.nitro import PCRS, shared_hypervisor
from attestation.simulator.nvidia import evidence as gpu_evidence
from attestation.simulator.nvidia import shared_vendor
from attestation.types import Check, Evidence, Expectations, Source, Status, Unpinned
from policies.types import Requirements
from proxy.upstreams import proof
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.proof import open_checks

BODY = BodyKey(Seal.EHBP, b"\7" * 32, "x25519")
WEB = Channel(OWN.pin)
APPROVED = ("a@b.example", dt.date(2027, 1, 1))
NITRO = Expectations("clinic", frozenset({"nitro"}), {PCRS[0]: "release"}, {}, *APPROVED, True)
SECOND = dt.timedelta(seconds=1)


def nitro(age_s: float = 0, *, channel: Channel = WEB, asked: bool = False) -> Callable[[Heard, bytes], Presented]:
    """Evidence that signs a time ``age_s`` ago, and our nonce only where ``asked``."""

    def present(_: Heard, nonce: bytes) -> Presented:
        signed = {"user_data": b"key"} | ({"nonce": nonce} if asked else {})
        made = shared_hypervisor().evidence(NOW - age_s * SECOND, **signed)
        return Presented((Piece("cpu", made, signed),), channel, asked)

    return present


def nitro_world(
    present: Callable[[Heard, bytes], Presented], want: Expectations = NITRO, max_age_s: float = 600
) -> World:
    return world(want=want, simulated=shared_hypervisor().trust, present=present, max_age_s=max_age_s)


# --- keys


@pytest.mark.parametrize(
    ("channel", "binding", "key"),
    [
        (WEB, "tls_spki", OWN.pin),
        (Channel(body=BODY), "ehbp", hashlib.sha256(BODY.key).digest()),
        (Channel(OWN.pin, BODY), "ehbp", hashlib.sha256(BODY.key).digest()),
        (Channel(body=replace(BODY, seal=Seal.ACI)), "aci", hashlib.sha256(BODY.key).digest()),
    ],
)
async def test_a_lease_carries_the_keys_that_the_evidence_names(channel: Channel, binding: str, key: bytes) -> None:
    lease = await nitro_world(nitro(channel=channel)).leases.current("sealed", ANY)
    assert (lease.pin, lease.body, lease.channel) == (channel.spki_sha256, channel.body, channel)
    assert (lease.info.binding, lease.info.key_sha256, lease.key) == (binding, key.hex(), key)
    assert BODY.key.hex() not in repr(lease) and repr(BODY.key) not in repr(lease)


async def test_a_key_for_bodies_can_be_denied() -> None:
    w = nitro_world(nitro(channel=Channel(OWN.pin, BODY)))
    lease = await w.leases.current("sealed", ANY)
    w.denied.add(hashlib.sha256(BODY.key).hexdigest())
    with pytest.raises(AttestationRefused, match="denied"):
        w.leases.check(lease, ANY)


async def test_no_key_no_lease() -> None:
    assert "channel" in await nitro_world(nitro(channel=Channel())).failures()


# --- age


async def test_evidence_without_nonce_is_as_old_as_the_time_that_it_signs() -> None:
    w = nitro_world(nitro(age_s=100))
    lease = await w.leases.current("sealed", ANY)
    assert lease.fresh == lease.proved - 100 and not lease.info.nonce_bound
    w.leases.check(lease, Requirements(max_age_s=100))
    assert await w.failures(Requirements(max_age_s=99)) == ("lease_too_old",)
    assert len(w.source.nonces) == 1, "asking again would bring the same"
    w.clock.tick(6)
    await w.failures(Requirements(max_age_s=99))
    assert len(w.source.nonces) == 2, "but later it may bring another"


async def test_evidence_with_our_nonce_is_as_old_as_the_question() -> None:
    lease = await nitro_world(nitro(age_s=100, asked=True)).leases.current("sealed", ANY)
    assert lease.fresh == lease.proved and lease.info.nonce_bound


async def test_evidence_of_the_future_is_not_younger_than_now() -> None:
    lease = await nitro_world(nitro(age_s=-30)).leases.current("sealed", ANY)
    assert lease.fresh == lease.proved


def timeless(heard: Heard, nonce: bytes) -> Presented:
    """An SNP report knows no time; here it signs a nonce of nobody."""
    made = world().source.platform.evidence(bytes(32) + b"\1" * 32)
    return Presented((Piece("cpu", made, {"report_data": bytes(32) + b"\1" * 32}),), WEB, False)


async def test_evidence_that_knows_neither_time_nor_nonce_has_no_age_to_compare() -> None:
    w = world(present=timeless)
    lease = await w.leases.current("sealed", ANY)
    assert lease.fresh is None
    for _ in range(2):
        assert await w.failures(Requirements(max_age_s=10**6)) == ("lease_not_fresh",)
    assert len(w.source.nonces) == 1
    assert await world(present=timeless, want=replace(CLINIC, max_age_s=10**6)).failures() == ("max-age",)


async def test_a_part_that_knows_no_time_leaves_the_whole_without_an_age() -> None:
    vendor = shared_vendor()
    gpu = vendor.gpu()

    def present(heard: Heard, nonce: bytes) -> Presented:
        device = Piece("gpu", gpu_evidence(gpu.entry(gpu.report(bytes(32)))), {"nonce": bytes(32)})
        cpu = nitro(age_s=10)(heard, nonce)
        return replace(cpu, pieces=(*cpu.pieces, device))

    trust = replace(shared_hypervisor().trust, more=frozenset({vendor.trust.root}))
    lease = await world(want=NITRO, simulated=trust, present=present).leases.current("sealed", ANY)
    assert lease.fresh is None
    aged = replace(NITRO, max_age_s=10**6)
    assert await world(want=aged, simulated=trust, present=present).failures() == ("max-age",)


async def test_the_age_that_expectations_allow_ends_the_lease() -> None:
    w = nitro_world(nitro(age_s=100), replace(NITRO, max_age_s=250))
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.expires == NOW + 150 * SECOND and lease.deadline == lease.proved + 150
    assert await nitro_world(nitro(age_s=260), replace(NITRO, max_age_s=250)).failures() == ("max-age",)


# --- end


async def test_every_part_of_the_evidence_can_end_the_lease() -> None:
    vendor = shared_vendor()
    gpu = vendor.gpu()

    def present(heard: Heard, nonce: bytes) -> Presented:
        device = Piece("gpu", gpu_evidence(gpu.entry(gpu.report(nonce))), {"nonce": nonce})
        cpu = nitro(asked=True)(heard, nonce)
        return replace(cpu, pieces=(*cpu.pieces, device, device))

    trust = replace(shared_hypervisor().trust, more=frozenset({vendor.trust.root}))
    w = world(want=NITRO, simulated=trust, present=present, max_age_s=10**10)
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.gpus == 2 and lease.info.expires <= lease.claims.not_after
    assert {"reference-values", "revocation"} <= set(lease.info.unknown), "what is not checked is on record"


# --- whose decision


UNPINNED = Unpinned("pilot", "The DPO <dpo@clinic.example>", dt.date(2026, 6, 10))


async def test_any_image_is_accepted_where_somebody_said_so_and_that_is_on_record() -> None:
    want = replace(NITRO, measurements={}, unpinned=UNPINNED)
    w = nitro_world(nitro(asked=True), want, max_age_s=10**10)
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.unpinned is not None and lease.info.image == ""
    assert lease.info.record()["unpinned"] == {"approved_by": "The_DPO_dpo@clinic.example_", "until": "2026-06-10"}
    assert w.events.seen[-1][1]["unpinned"] == lease.info.record()["unpinned"]
    assert lease.info.expires.date() == dt.date(2026, 6, 10), "the lease ends with the decision"
    past = replace(UNPINNED, until=NOW.date() - dt.timedelta(1))
    assert await nitro_world(nitro(asked=True), replace(want, unpinned=past)).failures() == ("measurement",)


async def test_an_approved_image_is_named_even_where_any_would_do() -> None:
    lease = await nitro_world(nitro(asked=True), replace(NITRO, unpinned=UNPINNED)).leases.current("sealed", ANY)
    assert (lease.info.unpinned, lease.info.image) == (None, "release")


def trust_domain(attributes: int) -> Callable[[Heard, bytes], Presented]:
    def present(_: Heard, nonce: bytes) -> Presented:
        quote = shared_intel().tdx_quote(nonce, TrustDomain(attributes=attributes))
        return Presented((Piece("cpu", Evidence("tdx", quote), {"report_data": nonce + bytes(32)}),), WEB, True)

    return present


def tdx_world(attributes: int, **more: object) -> World:
    image = {"release": {"mrtd": MRTD, "rtmr1": bytes(48), "rtmr2": bytes(48)}}
    want = Expectations("clinic", frozenset({"tdx"}), {}, {}, *APPROVED, True, registers=image)
    intel = shared_intel()
    return world(want=replace(want, **more), simulated=intel.trust, present=trust_domain(attributes),
                 collateral=lambda _, now: intel.collateral(now))  # fmt: skip


async def test_expectations_that_name_registers_are_expectations() -> None:
    lease = await tdx_world(1 << 28).leases.current("sealed", ANY)
    assert (lease.info.tee, lease.info.image, lease.info.waived) == ("tdx", "release", {})
    assert lease.info.measurement == MRTD.hex()


async def test_a_waived_check_is_accepted_until_its_day_and_on_record() -> None:
    waiver = {"td.sept-ve": Unpinned("first machines", "dpo@clinic.example", dt.date(2026, 6, 10))}
    assert await tdx_world(0).failures() == ("td.sept-ve",)
    lease = await tdx_world(0, waive=waiver).leases.current("sealed", ANY)
    assert lease.info.record()["waived"] == {"td.sept-ve": {"approved_by": "dpo@clinic.example", "until": "2026-06-10"}}
    past = {"td.sept-ve": replace(waiver["td.sept-ve"], until=NOW.date() - dt.timedelta(1))}
    assert await tdx_world(0, waive=past).failures() == ("td.sept-ve",)


async def test_collateral_of_the_vendor_reaches_verification() -> None:
    w = tdx_world(1 << 28)
    w.leases._published.collateral = lambda *_: shared_intel().collateral(NOW - dt.timedelta(days=400))
    assert await w.failures()


def made(status: Status) -> Check:
    return Check("x", status, Source.VERIFIER, "")


def test_only_what_failed_is_open_and_nothing_checked_is_a_failure() -> None:
    assert open_checks(()) == ("unchecked",)
    assert open_checks((made(Status.PASS), made(Status.WAIVED), made(Status.UNKNOWN))) == ()
    assert open_checks((made(Status.PASS), made(Status.FAIL))) == ("x",)


@pytest.mark.parametrize(("checks", "why"), [((), "unchecked"), ((made(Status.PASS), made(Status.FAIL)), "x")])
async def test_a_proof_that_does_not_say_yes_makes_no_lease(
    monkeypatch: pytest.MonkeyPatch, checks: tuple[Check, ...], why: str
) -> None:
    real = proof.prove
    monkeypatch.setattr(proof, "prove", lambda *given: replace(real(*given), checks=checks))
    assert await nitro_world(nitro(asked=True)).failures() == (why,)


@pytest.mark.parametrize("status", [Status.FAIL, Status.WAIVED])
async def test_a_proof_that_does_not_say_yes_to_news_ends_a_lease(
    monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    given = Given()
    w = world(present=nitro(asked=True), want=NITRO, simulated=shared_hypervisor().trust, published=given)
    lease = await w.leases.current("sealed", ANY)
    given.revision += 1
    w.leases.check(lease, ANY)
    given.revision += 1
    real = proof.prove
    monkeypatch.setattr(proof, "prove", lambda *asked: replace(real(*asked), checks=(made(status),)))
    with pytest.raises(AttestationRefused, match=r"itself: x\Z"):
        w.leases.check(lease, ANY)


async def test_a_waived_check_that_nobody_decided_is_refused() -> None:
    def present(heard: Heard, nonce: bytes) -> Presented:
        return replace(nitro(asked=True)(heard, nonce), checks=(made(Status.WAIVED),))

    assert await nitro_world(present).failures() == ("x",)


async def test_what_a_lease_was_held_to_and_what_can_be_denied_is_named() -> None:
    lease = await tdx_world(1 << 28).leases.current("sealed", ANY)
    assert lease.info.expectations_sha256 == lease.revision.hex()
    assert {MRTD.hex(), OWN.pin.hex(), (b"\x51" * 16).hex()} <= lease.names, "image, key and chip"
    assert bytes(48).hex() not in lease.names, "zeros name nothing"
    assert revision(NITRO) != revision(CLINIC)
