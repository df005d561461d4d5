"""Leases: what makes one, what ends one, and that nothing else does."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from typing import Any

import pytest
from egress_support import NOW, Events, HandClock, chat, enclave, receipt_for, upstream
from fake_tls import Identity, TlsPeer, hung_up
from lease_support import ANY, CLINIC, OTHER, OWN, Source, world

from attestation.binding import sealgate_snp_report_data
from attestation.simulator.snp import Guest, shared_platform
from attestation.trust import AMD
from attestation.types import Expectations, Malformed, Rejected
from attestation.wire import encode_sealgate_snp
from policies.types import Requirements, Zone
from proxy.egress import ControlDoor, DataDoor
from proxy.errors import AuditUnavailable, ConfigError, Misuse, UpstreamError
from proxy.ports import Candidate
from proxy.settings import UpstreamConfig
from proxy.upstreams.enclave import (
    REFUSED_S,
    RENEW_AT,
    AttestationRefused,
    EnclaveLeases,
)
from proxy.upstreams.proof import failure_codes, open_checks

OTHER_MEASUREMENT = bytes(48)
PLATFORM = shared_platform()


async def test_genuine_evidence_bound_to_the_seen_key_makes_a_lease() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    assert lease.pin == OWN.pin
    assert lease.info.key_sha256 == OWN.pin.hex()
    assert lease.info.expires == NOW + dt.timedelta(seconds=600)
    assert (lease.info.expectations, lease.info.simulated) == ("clinic", True)
    assert w.events.codes() == ["enclave_attested"]
    assert w.events.seen[0][1]["evidence_sha256"] == lease.info.evidence_sha256
    assert w.leases.status() == {"sealed": "ok"}


async def test_every_attestation_asks_with_a_nonce_of_its_own() -> None:
    w = world()
    await w.leases.current("sealed", ANY)
    w.clock.tick(601)
    await w.leases.current("sealed", ANY)
    assert len(set(w.source.nonces)) == 2
    assert all(len(n) == 32 for n in w.source.nonces)


@pytest.mark.parametrize(
    ("change", "want"),
    [
        ({"bound": lambda spki, nonce: sealgate_snp_report_data(b"another key", nonce)}, "binding"),
        ({"bound": lambda spki, nonce: sealgate_snp_report_data(spki, bytes(32))}, "binding"),
        ({"bound": lambda spki, nonce: bytes(64)}, "binding"),
        ({"guest": Guest(measurement=OTHER_MEASUREMENT)}, "measurement"),
        ({"guest": Guest(vmpl=1)}, "vmpl"),
        ({"change": lambda document: b"not json"}, "malformed"),
        ({"change": lambda document: document.replace(b'"report"', b'"verified": true, "report"')}, "malformed"),
        ({"fail": UpstreamError("x", code="upstream_unreachable")}, "upstream_unreachable"),
        ({"fail": UpstreamError("x", code="evidence_too_large")}, "evidence_too_large"),
    ],
)
async def test_whatever_is_wrong_makes_the_enclave_unusable_on_record(change: dict[str, Any], want: str) -> None:
    w = world()
    for name, value in change.items():
        setattr(w.source, name, value)
    got = await w.failures()
    assert want in got
    assert w.events.seen == [("enclave_refused", {"upstream": "sealed", "failures": list(got)})]
    assert w.leases.status() == {"sealed": "refused"}


async def test_a_simulated_enclave_is_refused_unless_its_root_was_passed_in() -> None:
    assert await world(trusted=False).failures()


async def test_a_simulated_enclave_is_refused_unless_expectations_allow_it() -> None:
    assert "simulated" in await world(want=dataclasses.replace(CLINIC, allow_simulated=False)).failures()


async def test_expectations_that_are_no_longer_approved_refuse() -> None:
    want = dataclasses.replace(CLINIC, approved_until=dt.date(2026, 5, 31))
    assert "expectations.approved" in await world(want=want).failures()


async def test_the_certificate_may_end_a_lease_before_its_age_does() -> None:
    w = world(want=dataclasses.replace(CLINIC, approved_until=dt.date.max), max_age_s=10**10)
    lease = await w.leases.current("sealed", ANY)
    assert lease.info.expires == lease.claims.not_after


async def test_a_lease_does_not_outlive_the_approval_of_its_expectations() -> None:
    w = world(want=dataclasses.replace(CLINIC, approved_until=NOW.date()), max_age_s=10**10)
    lease = await w.leases.current("sealed", ANY)
    w.clock.tick(12 * 3600)  # midnight
    with pytest.raises(AttestationRefused, match="lease_expired"):
        w.leases.check(lease, ANY)
    assert await w.failures() == ("expectations.approved",)
    assert w.events.seen[-1][1]["failures"] == ["expectations.approved"]


# --- time


async def test_a_lease_is_used_until_its_end_and_not_beyond_when_renewal_fails() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    w.source.fail = UpstreamError("x")
    w.clock.tick(599)
    assert await w.leases.current("sealed", ANY) is first
    await w.settle()
    assert w.events.codes() == ["enclave_attested", "enclave_refused"]
    w.clock.tick(1)
    assert await w.failures() == ("upstream_error",)
    with pytest.raises(AttestationRefused, match="lease_expired"):
        w.leases.check(first, ANY)


async def test_a_clock_that_jumped_ends_a_lease_too() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.clock.start += dt.timedelta(hours=1)  # the machine slept: the monotonic clock did not move
    with pytest.raises(AttestationRefused, match="lease_expired"):
        w.leases.check(lease, ANY)
    assert (await w.leases.current("sealed", ANY)).epoch == 2


async def test_a_clock_that_was_set_back_does_not_stretch_a_lease() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.clock.start -= dt.timedelta(hours=1)
    w.clock.tick(600)
    with pytest.raises(AttestationRefused, match="lease_expired"):
        w.leases.check(lease, ANY)


async def test_a_lease_is_renewed_in_the_background_late_in_its_life() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(600 * RENEW_AT - 1)
    await w.leases.current("sealed", ANY)
    await w.settle()
    assert len(w.source.nonces) == 1
    w.clock.tick(1)
    assert await w.leases.current("sealed", ANY) is first, "nobody waits for it"
    await w.settle()
    second = await w.leases.current("sealed", ANY)
    assert second.epoch == first.epoch + 1
    assert second.info.expires > first.info.expires
    w.leases.check(first, ANY)  # what was recorded with the old one may still leave


async def test_a_younger_lease_is_fetched_where_the_decision_demands_it() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(61)
    young = Requirements(max_age_s=60)
    with pytest.raises(AttestationRefused, match="lease_too_old"):
        w.leases.check(first, young)
    assert (await w.leases.current("sealed", young)).epoch == 2
    assert (await w.leases.current("sealed", young)).epoch == 2


async def test_other_expectations_than_the_upstreams_cannot_be_met() -> None:
    w = world()
    lease = await w.leases.current("sealed", Requirements(expectations=frozenset({"clinic"})))
    both = Requirements(expectations=frozenset({"clinic", "bank"}))
    assert await w.failures(both) == ("expectations_differ",)
    with pytest.raises(AttestationRefused):
        w.leases.check(lease, both)
    assert len(w.source.nonces) == 1


async def test_a_refusal_is_remembered_for_a_moment_only() -> None:
    w = world()
    w.source.guest = Guest(measurement=OTHER_MEASUREMENT)
    first = await w.failures()
    w.source.guest = Guest()
    w.clock.tick(REFUSED_S - 0.1)
    assert await w.failures() == first
    assert len(w.source.nonces) == 1
    w.clock.tick(0.1)
    assert (await w.leases.current("sealed", ANY)).epoch == 1


# --- concurrency


async def test_many_requests_share_one_attestation() -> None:
    w = world()
    w.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.current("sealed", ANY)) for _ in range(8)]
    await w.settle()
    w.source.gate.set()
    got = await asyncio.gather(*waiting)
    assert len(w.source.nonces) == 1
    assert len({lease.epoch for lease in got}) == 1


async def test_the_first_to_leave_does_not_take_the_attestation_away() -> None:
    w = world()
    w.source.gate.clear()
    first, second = (asyncio.ensure_future(w.leases.current("sealed", ANY)) for _ in range(2))
    await w.settle()
    first.cancel()
    await w.settle()
    w.source.gate.set()
    assert (await second).epoch == 1


async def test_closing_stops_what_still_runs() -> None:
    w = world()
    w.source.gate.clear()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    await w.leases.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_lease_that_cannot_be_recorded_is_not_granted() -> None:
    w = world()
    w.events.fail = AuditUnavailable("disk full")
    with pytest.raises(AuditUnavailable):
        await w.leases.current("sealed", ANY)
    assert w.leases.status() == {"sealed": "unproven"}


# --- changed keys


async def test_a_changed_key_voids_the_lease_and_attests_again_on_record() -> None:
    w = world()
    old = await w.leases.current("sealed", ANY)
    w.source.identity = OTHER
    fresh = await w.leases.replace(old, ANY, 41)
    assert fresh.pin == OTHER.pin
    codes = ["enclave_attested", "enclave_key_changed", "enclave_attested", "enclave_lease_replaced"]
    assert w.events.codes() == codes
    assert w.events.seen[3][1]["ref_seq"] == 41
    assert await w.leases.replace(old, ANY, 42) is fresh, "the second to notice attests nothing"


async def test_a_doubted_lease_is_not_used_again_and_a_newer_one_stays() -> None:
    w = world()
    old = await w.leases.current("sealed", ANY)
    w.leases.doubt(old)
    fresh = await w.leases.current("sealed", ANY)
    assert fresh.epoch > old.epoch
    w.leases.doubt(old)
    assert await w.leases.current("sealed", ANY) is fresh
    await w.settle()
    assert sorted(w.events.codes()) == ["enclave_attested", "enclave_attested", "enclave_keyset_changed"]


async def test_a_discarded_lease_makes_the_enclave_unusable_for_a_moment() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    await w.leases.discard(lease, 7)
    assert await w.failures() == ("key_mismatch",)
    assert w.events.seen[-1][1]["failures"] == ["key_mismatch"]


# --- configuration and codes


@pytest.mark.parametrize(
    ("config", "expectations"),
    [
        (upstream("sealed", Zone.ENCLAVE, "https://a/v1"), {"clinic": CLINIC}),
        (enclave("https://a/v1"), {}),
        (enclave("https://a/v1"), {"clinic": dataclasses.replace(CLINIC, name="other")}),
        (enclave("https://a/v1"), {"clinic": dataclasses.replace(CLINIC, measurements={})}),
        (enclave("https://a/v1", max_age_s=0), {"clinic": CLINIC}),
        (enclave("https://a/v1", keys=0), {"clinic": CLINIC}),
    ],
)
async def test_without_policy_there_is_no_trust(config: UpstreamConfig, expectations: dict[str, Expectations]) -> None:
    with pytest.raises(ConfigError):
        EnclaveLeases(
            {"sealed": config}, expectations, Source(), HandClock(), trust=AMD, on_event=Events()
        )  # fmt: skip


async def test_an_upstream_that_is_no_enclave_has_no_lease() -> None:
    with pytest.raises(Misuse):
        await world().leases.current("cloud", ANY)


def test_codes_never_carry_what_follows_them() -> None:
    assert failure_codes(Rejected(("chain.root: CN=<script>", "tcb: 3 below 5", "tcb: x"))) == ("chain.root", "tcb")
    assert failure_codes(Rejected(("Some text from the wire",))) == ("rejected",)
    assert failure_codes(Rejected(())) == ("rejected",)
    assert failure_codes(Malformed("field x is y")) == ("malformed",)
    assert open_checks(()) == ("unchecked",)


# --- everything together, over real sockets


async def test_an_attested_enclave_answers_and_another_key_on_its_port_is_attested_first() -> None:
    async with TlsPeer(Identity()) as peer:

        def answer(head: bytes) -> bytes:
            if not head.startswith(b"GET /.well-known/attestation?nonce="):
                return b'{"ok":1}'
            nonce = bytes.fromhex(head.split(b"nonce=")[1][:64].decode())
            return encode_sealgate_snp(PLATFORM.evidence(sealgate_snp_report_data(peer.identity.spki, nonce)))

        peer.answer = answer
        config, events, clock = {"sealed": enclave(peer.url)}, Events(), HandClock()
        leases = EnclaveLeases(
            config, {"clinic": CLINIC}, ControlDoor(config), clock,
            trust=AMD, simulated=PLATFORM.trust, on_event=events,
        )  # fmt: skip
        door = DataDoor(config, leases=leases)
        for _ in range(2):
            info = await door.prepare(Candidate("sealed", "m", Zone.ENCLAVE, False), ANY)
            assert info is not None
            out = chat("sealed")
            async with door.send(receipt_for(out), out) as got:
                assert b"".join([c async for c in got.chunks]) == b'{"ok":1}'
            assert info.expires == NOW + dt.timedelta(minutes=10)
            await peer.rotate(Identity())
            await hung_up(door)
        assert peer.received.count(b"POST ") == 2
        assert events.codes() == [
            "enclave_attested", "enclave_key_changed", "enclave_attested", "enclave_lease_replaced",
        ]  # fmt: skip
        await door.close()
