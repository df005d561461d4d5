"""Leases that are looked after beside the requests: renewed while they are used, attested ahead, ended cleanly."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from pathlib import Path

import pytest
from gate_support import RECORD, Plan
from gate_support import world as gate_world
from lease_support import ANY, CLINIC, OTHER, World, world

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from attestation.simulator.snp import Guest
from proxy.errors import AuditUnavailable, Misuse, UpstreamError
from proxy.upstreams.enclave import RENEW_AT, RENEW_SPREAD, TICK_S, AttestationRefused
from proxy.upstreams.members import REFUSED_S

WARM = {"prewarm": True}
COLD = {"prewarm": False}


async def tended(w: World, seconds: float) -> int:
    """Lets so much time pass, a look at the leases every second; how often evidence was asked for."""
    before = len(w.source.nonces)
    for _ in range(int(seconds)):
        w.clock.tick(1)
        w.leases.tend()
        await w.settle()
    return len(w.source.nonces) - before


# --- renewal


async def test_a_lease_that_was_used_is_renewed_without_a_request() -> None:
    w = world(**COLD)
    first = await w.leases.current("sealed", ANY)
    assert await tended(w, 600 * RENEW_AT - 1) == 0
    assert await tended(w, 1) == 1
    (second,) = w.leases.epochs("sealed")
    assert second == first.epoch + 1
    w.clock.tick(170)
    assert (await w.leases.current("sealed", ANY)).epoch == second
    assert len(w.source.nonces) == 2


async def test_a_lease_that_nobody_uses_lapses_and_is_forgotten() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    assert await tended(w, 3600) == 1, "used within its lifetime, so it is renewed once; that one nobody used"
    assert w.leases.epochs("sealed") == set()
    assert w.leases.status() == {"sealed": "unproven"}
    assert (await w.leases.current("sealed", ANY)).epoch == 3


async def test_a_lease_in_use_is_renewed_again_and_again_and_never_waited_for() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    for _ in range(40):
        await tended(w, 100)
        w.source.gate.clear()
        await asyncio.wait_for(w.leases.current("sealed", ANY), 60)
        w.source.gate.set()
        await w.settle()
    assert 8 <= len(w.source.nonces) - 1 <= 10, "4000 seconds, one every 420"


async def test_renewals_are_spread() -> None:
    for chance in (0.0, 0.5, 1.0):
        w = world(**COLD)
        w.leases._jitter = lambda chance=chance: chance
        await w.leases.current("sealed", ANY)
        assert await tended(w, round(600 * (RENEW_AT + RENEW_SPREAD * chance)) - 1) == 0
        assert await tended(w, 1) == 1


async def test_a_renewal_that_takes_its_time_is_not_begun_again() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.source.gate.clear()
    assert await tended(w, 450) == 1
    assert await tended(w, 30) == 0
    w.source.gate.set()


async def test_what_a_request_has_attested_already_is_not_attested_ahead() -> None:
    w = world(**WARM)
    await w.leases.current("sealed", ANY)
    assert await tended(w, 10) == 0


async def test_a_renewal_that_fails_is_tried_again_later_each_time_and_leaves_the_lease() -> None:
    w = world(**COLD)
    first = await w.leases.current("sealed", ANY)
    w.source.fail = UpstreamError("x")
    assert await tended(w, 419) == 0
    at = []
    for second in range(420, 600):
        if await tended(w, 1):
            at.append(second)
    assert at == [420, 425, 435, 455, 485, 515, 545, 575]
    assert w.events.codes() == ["enclave_attested"] + ["enclave_refused"] * len(at)
    assert at[-1] < 600 and first.deadline == 1600.0
    assert await tended(w, 600) == 0, "what has ended is not renewed"
    w.source.fail = None
    assert (await w.leases.current("sealed", ANY)).epoch == 2, "nor does it keep requests from asking"


async def test_a_failed_renewal_keeps_no_request_from_the_machine() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.clock.tick(599)
    w.source.fail = UpstreamError("x", code="key_not_met")
    w.leases.tend()
    await w.settle()
    w.source.fail = None
    w.clock.tick(1)
    assert (await w.leases.current("sealed", ANY)).epoch == 2


async def test_a_renewal_asks_for_the_key_that_the_lease_is_about() -> None:
    w = world(**COLD)
    asked: list[bytes | None] = []
    honest = w.source.fetch_evidence

    async def fetch(upstream: str, asks: object, pin: bytes | None = None) -> object:
        asked.append(pin)
        return await honest(upstream, asks, pin)  # type: ignore[arg-type]

    w.source.fetch_evidence = fetch  # type: ignore[assignment, method-assign]
    lease = await w.leases.current("sealed", ANY)
    w.source.identity = OTHER  # whoever answers now is another one
    await tended(w, 420)
    assert asked == [None, lease.pin]
    assert w.events.seen[-1] == ("enclave_refused", {"upstream": "sealed", "failures": ["key_mismatch"]})
    assert w.leases.epochs("sealed") == {1}, "what it proved is not taken for the one that was asked about"


async def test_what_does_not_hold_any_more_is_not_renewed() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.denied.add(OTHER.pin.hex())
    w.denied.add(w.source.identity.pin.hex())
    assert await tended(w, 599) == 0


async def test_a_renewal_whose_record_fails_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.events.fail = AuditUnavailable("disk full")
    with caplog.at_level(logging.ERROR):
        await tended(w, 420)
    assert "attest-sealed failed: audit_unavailable" in caplog.text
    assert w.leases.epochs("sealed") == {1}, "and nothing that is not on record is used"
    w.events.fail = None
    assert await tended(w, 10) >= 1


async def test_a_fault_of_ours_in_a_renewal_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.source.fail = Misuse("ours")
    with caplog.at_level(logging.ERROR):
        await tended(w, 420)
    assert "internal error: Misuse" in caplog.text and "ours" not in caplog.text


async def test_it_runs_until_it_is_cancelled_and_a_fault_does_not_stop_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    w, looks, pauses = world(**COLD), [], []
    enough = asyncio.Event()

    def tend() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise RuntimeError("secret text")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            enough.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(w.leases, "tend", tend)
    with caplog.at_level(logging.ERROR):
        running = asyncio.ensure_future(w.leases.run(sleep))
        waiting = asyncio.ensure_future(enough.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    assert (len(looks), pauses) == (5, [TICK_S] * 5)
    assert "internal error: RuntimeError" in caplog.text and "secret text" not in caplog.text
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_closing_ends_a_renewal_that_hangs() -> None:
    w = world(**COLD)
    await w.leases.current("sealed", ANY)
    w.source.gate.clear()
    await tended(w, 420)
    running = w.leases._states["sealed"].running
    assert running is not None and not running.done()
    await w.leases.close()
    assert running.cancelled() and w.leases.epochs("sealed") == {1}


# --- ahead of requests


async def test_an_enclave_is_attested_before_anybody_asks() -> None:
    w = world(**WARM)
    assert await tended(w, 1) == 1
    assert w.leases.status() == {"sealed": "ok"}
    await w.leases.current("sealed", ANY)
    assert len(w.source.nonces) == 1
    assert await tended(world(**COLD), 10) == 0


async def test_what_was_attested_ahead_and_never_used_lapses() -> None:
    w = world(**WARM)
    assert await tended(w, 3600) == 1
    assert w.leases.status() == {"sealed": "unproven"}
    w.leases.expect({"clinic": CLINIC})  # another file has changed
    assert await tended(w, 10) == 0


async def test_a_first_request_shares_the_attestation_that_runs_ahead_of_it() -> None:
    w = world(**WARM)
    w.source.gate.clear()
    w.leases.tend()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    w.source.gate.set()
    assert (await waiting).epoch == 1
    assert len(w.source.nonces) == 1


async def test_a_failure_ahead_is_seen_and_the_first_request_asks_for_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    w = world(**WARM)
    w.source.guest = Guest(measurement=bytes(48))
    with caplog.at_level(logging.WARNING):
        assert await tended(w, 3) == 1, "once"
    assert "sealed could not be attested ahead: measurement" in caplog.text
    assert w.leases.status() == {"sealed": "refused"}
    assert w.events.seen == [("enclave_refused", {"upstream": "sealed", "failures": ["measurement"]})]
    assert await w.failures() == ("measurement",)
    assert len(w.source.nonces) == 2
    await w.failures()
    assert len(w.source.nonces) == 2, "from memory, as ever"
    w.source.guest = Guest()
    w.clock.tick(REFUSED_S)
    assert (await w.leases.current("sealed", ANY)).epoch == 1


async def test_a_first_request_that_waits_for_an_attestation_ahead_that_fails_asks_for_itself() -> None:
    w = world(**WARM)
    w.source.gate.clear()
    w.source.fail = UpstreamError("x")
    w.leases.tend()
    waiting = asyncio.ensure_future(w.leases.current("sealed", ANY))
    await w.settle()
    w.source.gate.set()
    with pytest.raises(AttestationRefused):
        await waiting
    assert len(w.source.nonces) == 2


@pytest.mark.parametrize("prewarm", [True, False])
async def test_changed_expectations_are_met_ahead_again(prewarm: bool) -> None:
    w = world(prewarm=prewarm)
    await tended(w, 1)
    await w.leases.current("sealed", ANY)
    asked = len(w.source.nonces)
    w.leases.expect({"clinic": CLINIC})  # the same: nothing to do
    assert await tended(w, 5) == 0
    w.leases.expect({"clinic": dataclasses.replace(CLINIC, minimum_tcb={"snp": 19})})
    assert await tended(w, 5) == (1 if prewarm else 0)
    w.leases.expect({"clinic": dataclasses.replace(CLINIC, minimum_tcb={"snp": 18})})
    w.leases.expect({})
    assert await tended(w, 5) == 0, "without demands nobody is asked"
    assert asked == 1


async def test_an_enclave_that_hangs_holds_up_no_other() -> None:
    from egress_support import enclave

    w = world(more={"twin": enclave("https://127.0.0.1/v1", "twin")}, **WARM)
    w.source.gate.clear()
    w.leases.tend()
    await w.settle()
    assert sorted(w.source.asked) == ["sealed", "twin"]
    w.source.gate.set()
    await w.settle()
    assert w.leases.status() == {"sealed": "ok", "twin": "ok"}


# --- in a gate


async def enclaves(w: object) -> dict[str, str]:
    async with w.http.get(f"{w.gate.admin_url}/readyz") as got:  # type: ignore[attr-defined]
        assert got.status == 200
        return (await got.json())["enclaves"]


@pytest.mark.parametrize("lie", [None, Misbehaviour.WRONG_MEASUREMENT])
async def test_a_gate_attests_its_enclaves_at_the_start_and_shows_what_came_of_it(
    tmp_path: Path, lie: Misbehaviour | None
) -> None:
    async with gate_world(tmp_path, Plan(enclave=SimulatedEnclave(lie), prewarm=True)) as w:
        while (said := (await enclaves(w))["sealed"]) == "unproven":  # a hang is the suite's to end
            await asyncio.sleep(0.02)
        assert said == ("ok" if lie is None else "refused")
        assert w.enclave.attestations == 1
        assert (await w.ask(RECORD)).zone == ("enclave" if lie is None else "onprem")
        assert w.enclave.attestations == (1 if lie is None else 2)


async def test_a_gate_is_ready_while_its_enclave_hangs_and_stops_at_once(tmp_path: Path) -> None:
    class Silent(SimulatedEnclave):
        async def _attest(self, request: object) -> object:  # type: ignore[override]
            self.attestations += 1
            await asyncio.Event().wait()

    async with gate_world(tmp_path, Plan(enclave=Silent(), prewarm=True)) as w:
        assert await enclaves(w) == {"sealed": "unproven"}
        while not w.enclave.attestations:
            await asyncio.sleep(0.02)
        running = w.gate.leases._states["sealed"].running
    assert running.cancelled()
