"""Leases under stress: crowds, clocks, faults, other policies, other upstreams."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import replace

import pytest
from egress_support import NOW, enclave
from lease_support import ANY, CLINIC, OTHER, OWN, world

from attestation.providers import prove as proving
from attestation.providers.base import Heard, Presented
from attestation.simulator.snp import MEASUREMENT, Guest
from policies.types import Requirements
from proxy.errors import Misuse, UpstreamError
from proxy.upstreams import proof
from proxy.upstreams.enclave import EARLIEST, REFUSED_MAX_S, REFUSED_S, AttestationRefused

YEAR = dt.timedelta(days=365)


# --- crowds


async def test_a_thousand_requests_during_a_renewal_start_one_attestation_and_wait_for_nothing() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(500)
    w.source.gate.clear()  # the renewal hangs
    got = await asyncio.gather(*(w.leases.current("sealed", ANY) for _ in range(1000)))
    assert all(lease is first for lease in got)
    assert len(w.source.nonces) == 2
    w.source.gate.set()
    await w.settle()
    assert (await w.leases.current("sealed", ANY)).epoch == 2
    assert len(w.source.nonces) == 2


async def test_a_thousand_requests_without_a_lease_share_one_attestation() -> None:
    w = world()
    w.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.current("sealed", ANY)) for _ in range(1000)]
    await w.settle()
    w.source.gate.set()
    assert {lease.epoch for lease in await asyncio.gather(*waiting)} == {1}
    assert len(w.source.nonces) == 1


async def test_a_thousand_requests_that_lose_their_key_together_cost_one_attestation() -> None:
    w = world()
    old = await w.leases.current("sealed", ANY)
    w.source.identity = OTHER
    w.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.replace(old, ANY, i)) for i in range(1000)]
    await w.settle()
    w.source.gate.set()
    assert {lease.pin for lease in await asyncio.gather(*waiting)} == {OTHER.pin}
    assert len(w.source.nonces) == 2


async def test_a_renewal_that_had_asked_before_the_key_was_gone_does_not_bring_it_back() -> None:
    w = world()
    old = await w.leases.current("sealed", ANY)
    w.clock.tick(500)
    w.source.gate.clear()
    await w.leases.current("sealed", ANY)  # starts a renewal, which hears the old key
    await w.settle()
    w.clock.tick(1)
    replacing = asyncio.ensure_future(w.leases.replace(old, ANY, 7))
    await w.settle()
    w.source.gate.set()
    for _ in range(1000):
        if len(w.source.nonces) < 3:
            await asyncio.sleep(0)
    w.source.identity = OTHER
    await replacing
    assert len(w.source.nonces) == 3, "the renewal's lease was not used"


async def test_a_request_that_needs_a_younger_proof_than_the_one_that_runs_gets_its_own() -> None:
    w = world()
    await w.leases.current("sealed", ANY)
    w.clock.tick(500)
    w.source.gate.clear()
    await w.leases.current("sealed", ANY)
    await w.settle()
    w.clock.tick(70)
    young = asyncio.ensure_future(w.leases.current("sealed", Requirements(max_age_s=60)))
    await w.settle()
    w.source.gate.set()
    lease = await young
    assert (lease.epoch, lease.proved) == (3, w.clock.monotonic())


# --- clocks


@pytest.mark.parametrize("jump", [YEAR, -YEAR, dt.timedelta(hours=1), -dt.timedelta(hours=1)])
async def test_a_clock_that_is_set_ends_every_lease(jump: dt.timedelta) -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.clock.start += jump
    with pytest.raises(AttestationRefused, match="lease_expired" if jump > dt.timedelta() else "clock_set_back"):
        w.leases.check(lease, ANY)
    if w.clock.now() < EARLIEST:
        assert await w.failures() == ("clock_not_sane",)
        assert len(w.source.nonces) == 1
    elif jump == YEAR:
        assert "expectations.approved" in await w.failures()
    else:
        assert (await w.leases.current("sealed", ANY)).epoch == 2


async def test_a_clock_that_is_corrected_a_little_changes_nothing() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.clock.start -= dt.timedelta(seconds=59)
    assert await w.leases.current("sealed", ANY) is lease


async def test_time_that_passes_while_it_is_asked_is_not_given_back() -> None:
    w = world()
    w.source.gate.clear()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    w.clock.tick(25)
    w.source.gate.set()
    lease = await waiting
    assert (lease.proved, lease.deadline) == (w.clock.monotonic() - 25, w.clock.monotonic() + 575)
    assert lease.info.expires == NOW + dt.timedelta(seconds=600)


# --- refusals


async def test_refusals_in_a_row_are_remembered_longer_up_to_a_bound() -> None:
    w = world()
    w.source.fail = UpstreamError("x")
    for n, pause in enumerate([REFUSED_S, 2 * REFUSED_S, 4 * REFUSED_S, REFUSED_MAX_S, REFUSED_MAX_S], 1):
        await w.failures()
        w.clock.tick(pause - 0.1)
        await w.failures()
        assert len(w.source.nonces) == n
        w.clock.tick(0.1)
    w.source.fail = None
    await w.leases.current("sealed", ANY)
    w.source.fail = UpstreamError("x")
    w.clock.tick(600)
    await w.failures()
    w.clock.tick(REFUSED_S)
    await w.failures()
    assert len(w.source.nonces) == 8, "a success begins anew"


async def test_a_failed_renewal_is_not_tried_by_every_request() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(500)
    w.source.fail = UpstreamError("x")
    for _ in range(100):
        assert await w.leases.current("sealed", ANY) is first
        await w.settle()
    assert len(w.source.nonces) == 2
    assert w.leases.status() == {"sealed": "ok"}


@pytest.mark.parametrize("fault", [RuntimeError("secret text"), KeyError("x"), RecursionError(), AssertionError("y")])
@pytest.mark.parametrize("where", ["prove", "validate", "read"])
async def test_a_verifier_that_fails_in_an_unforeseen_way_blocks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: Exception, where: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise fault

    if where == "prove":
        monkeypatch.setattr(proof, "prove", broken)
    elif where == "validate":
        monkeypatch.setattr(proving, "validate", broken)
    w = world(present=broken if where == "read" else None)  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        assert await w.failures() == ("verifier_failed",)
    assert w.events.seen == [("enclave_refused", {"upstream": "sealed", "failures": ["verifier_failed"]})]
    assert "secret text" not in caplog.text and type(fault).__name__ in caplog.text


async def test_a_broken_rule_of_ours_is_never_caught() -> None:
    def broken(heard: Heard, nonce: bytes) -> Presented:
        raise Misuse("ours")

    w = world(present=broken)
    with pytest.raises(Misuse):
        await w.leases.current("sealed", ANY)
    assert w.leases.status() == {"sealed": "unproven"}


# --- other policies


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (replace(CLINIC, minimum_tcb={"snp": 24}), "tcb.minimum"),
        (replace(CLINIC, measurements={bytes(48): "other"}), "measurement"),
        (replace(CLINIC, allow_simulated=False), "simulated"),
        (None, "expectations_missing"),
        (replace(CLINIC, measurements={}), "expectations_missing"),
        (replace(CLINIC, tees=frozenset()), "expectations_missing"),
        (replace(CLINIC, name="other"), "expectations_missing"),
    ],
)
async def test_new_expectations_void_what_was_proven_under_the_old(changed: object, why: str) -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.leases.expect({"clinic": changed} if changed is not None else {})  # type: ignore[dict-item]
    with pytest.raises(AttestationRefused, match="expectations_changed"):
        w.leases.check(lease, ANY)
    assert await w.failures() == (why,)
    assert len(w.source.nonces) == (1 if why == "expectations_missing" else 2), "without demands nobody is asked"
    w.leases.expect({"clinic": CLINIC})
    w.leases.check(lease, ANY)  # the very same demands: the proof stands


async def test_the_same_expectations_read_again_change_nothing() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.leases.expect({"clinic": replace(CLINIC, measurements={MEASUREMENT: "release"})})
    assert await w.leases.current("sealed", ANY) is lease


async def test_expectations_that_change_while_it_is_asked_are_the_ones_that_count() -> None:
    w = world()
    w.source.gate.clear()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    w.leases.expect({"clinic": replace(CLINIC, minimum_tcb={"snp": 24})})
    w.source.gate.set()
    with pytest.raises(AttestationRefused, match=r"tcb\.minimum"):
        await waiting


async def test_expectations_that_are_taken_away_while_it_is_asked_leave_none() -> None:
    w = world()
    w.source.gate.clear()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    w.leases.expect({})
    w.source.gate.set()
    with pytest.raises(AttestationRefused, match="expectations_missing"):
        await waiting


async def test_what_is_denied_is_not_used_and_not_leased_again() -> None:
    for name in ("pin", "measurement"):
        w = world()
        lease = await w.leases.current("sealed", ANY)
        w.denied.add(OWN.pin.hex() if name == "pin" else MEASUREMENT.hex())
        with pytest.raises(AttestationRefused, match="denied"):
            w.leases.check(lease, ANY)
        assert await w.failures() == ("denied",)
        assert w.events.codes() == ["enclave_attested", "enclave_refused"], "no new lease, not even for a moment"
        w.denied.clear()
        w.leases.check(lease, ANY)


# --- other upstreams


async def test_one_upstreams_lease_says_nothing_about_another() -> None:
    w = world(more={"twin": enclave("https://127.0.0.1/v1", "twin")})
    lease = await w.leases.current("sealed", ANY)
    assert w.leases.status() == {"sealed": "ok", "twin": "unproven"}
    w.source.guest = Guest(measurement=bytes(48))
    assert await w.failures(name="twin") == ("measurement",)
    assert await w.leases.current("sealed", ANY) is lease, "and its refusal neither"
    w.source.guest, w.source.identity = Guest(), OTHER
    w.clock.tick(REFUSED_S)
    twin = await w.leases.current("twin", ANY)
    assert (twin.upstream, twin.pin, lease.pin) == ("twin", OTHER.pin, OWN.pin)
    assert w.source.asked == ["sealed", "twin", "twin"]
    await w.leases.discard(twin, 1)
    assert await w.leases.current("sealed", ANY) is lease


async def test_evidence_that_was_asked_for_another_upstream_does_not_fit() -> None:
    w = world(more={"twin": enclave("https://127.0.0.1/v1", "twin")})
    heard: dict[str, Heard] = {}
    honest = w.source.fetch_evidence

    async def crossed(upstream: str, asks: object) -> Heard:
        heard[upstream] = await honest(upstream, asks)  # type: ignore[arg-type]
        return heard["sealed"]

    w.source.fetch_evidence = crossed  # type: ignore[method-assign]
    await w.leases.current("sealed", ANY)
    assert await w.failures(name="twin") == ("binding",)
