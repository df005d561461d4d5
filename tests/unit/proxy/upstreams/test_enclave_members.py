"""Leases of several keys without sockets: what a met key costs, how much is remembered, who is held to what."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
from fake_tls import Identity
from lease_support import ANY, CLINIC, OTHER, OWN, Met, pins, refused, world

from attestation.simulator.snp import Guest
from policies.types import Requirements
from proxy.errors import AuditUnavailable, UpstreamError
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.members import REFUSED_MAX_S, REFUSED_S, Allowance, Refusals

KEYS = [Identity() for _ in range(5)]


async def test_a_met_key_is_attested_over_its_own_connection_and_becomes_a_member() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 41)
    assert (second.pin, second.epoch) == (OTHER.pin, 2)
    assert (len(w.source.nonces), len(line.source.nonces)) == (1, 1)
    codes = ["enclave_attested", "enclave_key_changed", "enclave_attested", "enclave_lease_replaced"]
    assert w.events.codes() == codes
    assert [w.events.seen[i][1]["ref_seq"] for i in (1, 3)] == [41, 41]
    assert w.events.seen[3][1]["key_sha256"] == OTHER.pin.hex()
    w.leases.check(first, ANY)
    assert w.leases.epochs("sealed") == {1, 2}


async def test_a_key_that_holds_a_lease_is_used_without_a_question_and_on_record() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 41)
    again = Met(OTHER)
    assert await w.leases.met(first, again, ANY, 42) is second
    assert again.source.nonces == []
    assert w.events.seen[-1][0] == "enclave_lease_replaced" and w.events.seen[-1][1]["ref_seq"] == 42


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"identity": OWN}, "key_mismatch"),
        ({"guest": Guest(measurement=bytes(48))}, "measurement"),
        ({"fail": UpstreamError("x", code="upstream_timeout")}, "upstream_timeout"),
        ({"bound": lambda spki, nonce: bytes(64)}, "binding"),
    ],
)
async def test_a_met_key_that_proves_nothing_of_its_own_is_no_member(change: dict[str, object], why: str) -> None:
    """``key_mismatch``: everything is genuine, and about another machine, certificate included."""
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    for name, value in change.items():
        setattr(line.source, name, value)
    assert why in await refused(w, first, line)
    assert pins(w) == {OWN.pin}
    assert await w.leases.current("sealed", ANY) is first, "the others serve on"
    assert why in await refused(w, first, Met(OTHER)), "from memory"
    assert (len(line.source.nonces), w.events.codes().count("enclave_refused")) == (1, 1)


async def test_a_refused_key_does_not_keep_another_one_out() -> None:
    w, bad = world(), Met(KEYS[0])
    first = await w.leases.current("sealed", ANY)
    bad.source.guest = Guest(measurement=bytes(48))
    assert await refused(w, first, bad)
    assert (await w.leases.met(first, Met(KEYS[1]), ANY, 2)).pin == KEYS[1].pin
    bad.source.guest = Guest()
    w.clock.tick(REFUSED_S)
    assert (await w.leases.met(first, bad, ANY, 3)).pin == KEYS[0].pin


async def test_many_requests_that_meet_one_key_share_one_attestation() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    lines = [Met(OTHER) for _ in range(100)]
    for line in lines:
        line.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.met(first, line, ANY, 1)) for line in lines]
    await w.settle()
    for line in lines:
        line.source.gate.set()
    assert {lease.epoch for lease in await asyncio.gather(*waiting)} == {2}
    assert sum(len(line.source.nonces) for line in lines) == 1


async def test_one_attestation_at_a_time_also_of_different_keys() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    lines = [Met(key) for key in KEYS[:4]]
    for line in lines:
        line.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.met(first, line, ANY, 1)) for line in lines]
    for n in range(1, 5):
        await w.settle()
        assert sum(len(line.source.nonces) for line in lines) == n
        next(line for line in lines if line.source.nonces and not line.source.gate.is_set()).source.gate.set()
    assert {lease.pin for lease in await asyncio.gather(*waiting)} == {key.pin for key in KEYS[:4]}


async def test_a_renewal_that_met_nobody_keeps_no_request_from_attesting_whom_it_meets() -> None:
    w = world(prewarm=False)
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(599)
    w.source.fail = UpstreamError("x", code="key_not_met")
    w.leases.tend()
    await w.settle()
    assert w.events.seen[-1][1]["failures"] == ["key_not_met"]
    w.clock.tick(1)
    assert (await w.leases.met(first, Met(OWN), ANY, 1)).epoch == 2


# --- bounds


async def test_no_more_keys_are_remembered_than_configured_and_who_was_of_no_use_goes_first() -> None:
    w = world(keys=3)
    first = await w.leases.current("sealed", ANY)
    for n, key in enumerate(KEYS[:5]):
        w.clock.tick(1)
        await w.leases.met(first, Met(key), ANY, n)
        w.clock.tick(1)
        await w.leases.current("sealed", ANY, {1})  # the first one stays in use
    assert pins(w) == {OWN.pin, KEYS[3].pin, KEYS[4].pin}


@pytest.mark.parametrize("genuine", [True, False])
async def test_a_peer_with_a_fresh_key_each_time_costs_a_bounded_number_of_attestations(genuine: bool) -> None:
    w = world(keys=4)
    first = await w.leases.current("sealed", ANY)
    asked, why = 0, set()
    for n in range(100):
        line = Met(Identity())
        line.source.guest = Guest() if genuine else Guest(measurement=bytes(48))
        try:
            await w.leases.met(first, line, ANY, n)
        except AttestationRefused as e:
            why |= set(e.failures)
        asked += len(line.source.nonces)
    assert asked == 4 * 4
    assert why == ({"too_many_keys"} if genuine else {"too_many_keys", "measurement"})
    state = w.leases._states["sealed"]
    assert len(state.members.epochs()) <= 4 and len(state.refusals._by_key) <= 20
    w.clock.tick(600)
    line = Met(Identity())
    await w.leases.current("sealed", ANY)
    assert (await w.leases.met(first, line, ANY, 1)).pin == line.pin, "the next window"


def test_refusals_are_remembered_of_a_bounded_number_of_keys_and_longer_each_time() -> None:
    made = Refusals(2)
    for key in (b"a", b"b", b"c"):
        made.note(key, (key.decode(),), 0.0)
    assert [made.why(key, 1.0) for key in (b"a", b"b", b"c")] == [None, ("b",), ("c",)]
    made.note(b"b", ("b",), 0.0)
    made.note(b"d", ("d",), 0.0)
    assert [made.why(key, 1.0) for key in (b"b", b"c", b"d")] == [("b",), None, ("d",)], "who was refused last stays"
    made.note(b"c", ("c",), 0.0)
    now = 0.0
    for pause in (2 * REFUSED_S, 4 * REFUSED_S, REFUSED_MAX_S, REFUSED_MAX_S):
        made.note(b"c", ("c",), now)
        assert made.why(b"c", now + pause - 0.1) and made.why(b"c", now + pause) is None
        now += pause
    made.clear(b"c")
    made.note(b"c", ("c",), now)
    assert made.why(b"c", now + REFUSED_S) is None, "a success begins anew"


def test_a_refusal_without_a_pause_is_seen_and_stops_nobody() -> None:
    made = Refusals(2)
    made.note(b"", ("x",), 5.0, pause=False)
    assert made.last == ("x",) and made.why(b"", 5.0) is None
    made.note(b"", ("x",), 5.0)
    assert made.why(b"", 5.0 + REFUSED_S - 0.1) and made.why(b"", 5.0 + REFUSED_S) is None, "nor makes it longer"


def test_an_allowance_slides() -> None:
    made = Allowance(2, 10.0)
    assert [made.spend(at) for at in (0.0, 5.0, 9.9, 10.0, 14.9, 15.0)] == [True, True, False, True, False, True]


# --- each member is held to its own


async def test_an_age_is_demanded_of_the_member_that_the_bytes_go_to() -> None:
    w, line = world(), Met(OTHER)
    old = await w.leases.current("sealed", ANY)
    w.clock.tick(100)
    young = await w.leases.met(old, line, ANY, 1)
    want = Requirements(max_age_s=60)
    assert await w.leases.current("sealed", want) is young
    with pytest.raises(AttestationRefused, match="lease_too_old"):
        w.leases.check(old, want)
    w.clock.tick(61)
    fresh = await w.leases.met(old, line, want, 2)
    assert (fresh.pin, fresh.epoch, len(line.source.nonces)) == (OTHER.pin, 3, 2), "asked again, over its connection"


async def test_what_is_denied_of_one_member_leaves_the_others() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 1)
    w.denied.add(OTHER.pin.hex())
    assert await w.leases.current("sealed", ANY, {second.epoch}) is first
    with pytest.raises(AttestationRefused, match="denied"):
        w.leases.check(second, ANY)
    assert await refused(w, first, Met(OTHER)) == ("denied",)


async def test_other_expectations_void_every_member() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 1)
    w.leases.expect({"clinic": dataclasses.replace(CLINIC, minimum_tcb={"snp": 19})})
    for lease in (first, second):
        with pytest.raises(AttestationRefused, match="expectations_changed"):
            w.leases.check(lease, ANY)
    third = await w.leases.met(first, Met(OTHER), ANY, 2)
    assert (third.pin, third.epoch) == (OTHER.pin, 3)


async def test_a_request_prefers_a_lease_whose_connections_are_open() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 1)
    assert await w.leases.current("sealed", ANY) is second, "else the newest"
    assert await w.leases.current("sealed", ANY, {first.epoch}) is first


async def test_a_key_that_is_gone_takes_no_other_along() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 1)
    w.leases.gone(second)
    assert w.leases.epochs("sealed") == {first.epoch}
    assert await w.leases.replace(second, ANY, 2) is first, "who is proven already serves instead"


async def test_a_met_key_that_cannot_be_recorded_is_not_used() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    w.events.fail = AuditUnavailable("disk full")
    with pytest.raises(AuditUnavailable):
        await w.leases.met(first, line, ANY, 1)
    assert line.source.nonces == [] and pins(w) == {OWN.pin}
    w.events.fail = None
    await w.leases.met(first, line, ANY, 2)
    w.events.fail = AuditUnavailable("disk full")
    with pytest.raises(AuditUnavailable):
        await w.leases.met(first, line, ANY, 3)


async def test_evidence_that_would_come_as_old_again_is_not_asked_for() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, line, ANY, 1)
    state = w.leases._states["sealed"]
    state.members.put(dataclasses.replace(second, fresh=second.proved - 100), 10.0**9)
    assert await refused(w, first, line, Requirements(max_age_s=60)) == ("lease_too_old",)
    assert len(line.source.nonces) == 1
