"""Attacks on leases of several keys: whatever machines, balancers, clocks, ledgers and impatient callers do, no request
reaches a key without a lease that holds, and one that misbehaves takes nothing from those that do not."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import random
import time
from collections.abc import Callable

import pytest
from balanced import Site
from egress_support import Events, enclave
from fake_tls import Identity, hung_up
from lease_support import ANY, CLINIC, OTHER, OWN, Met, pins, refused, world

from attestation.simulator.snp import Guest
from policies.types import Requirements
from proxy import egress
from proxy.errors import AuditUnavailable, SealgateError, UpstreamError
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.members import REFUSED_S, STRANGERS_PER_KEY, Members
from proxy.upstreams.transports import STRANGERS

AGED = Requirements(max_age_s=60)


def odd(certificate: bytes) -> bytes:
    """Of a version that does not exist: TLS takes it, and no library reads its key."""
    at = certificate.index(b"\xa0\x03\x02\x01\x02") + 4
    return certificate[:at] + b"\x07" + certificate[at + 1 :]


async def until(true: Callable[[], bool]) -> None:
    """Only a hang misses the deadline."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


# --- between the check and the bytes


OTHERWISE = dataclasses.replace(CLINIC, vmpl=frozenset({1}))
CHANGES: dict[str, Callable[[Site], None]] = {
    "lease_expired": lambda site: site.clock.tick(600),
    "denied": lambda site: site.denied.add(site.machines[0].identity.pin.hex()),
    "expectations_changed": lambda site: site.leases.expect(
        {"clinic": dataclasses.replace(CLINIC, vmpl=frozenset({1}))}
    ),
    "lease_too_old": lambda site: site.clock.tick(61),
}


@pytest.mark.parametrize("why", CHANGES)
async def test_a_connection_that_takes_its_time_outlives_no_lease(why: str) -> None:
    """The lease is good when the request sets out, and is not when the handshake is over at last."""
    async with Site(1) as site:
        machine = site.machines[0]
        machine.hang_up = True
        await site.send(1)
        await hung_up(site.door)
        site.slow = asyncio.Event()
        before = bytes(machine.received)
        sending = asyncio.ensure_future(site.send(2, AGED))
        await until(lambda: site.dialled[0] == 3)
        CHANGES[why](site)
        site.slow.set()
        with pytest.raises(AttestationRefused, match=why):
            await sending
        assert bytes(machine.received) == before


async def test_a_rule_that_is_tightened_while_a_connection_idles_holds_for_the_next_request() -> None:
    async with Site(1) as site:
        await site.send(1)
        site.clock.tick(100)
        await site.send(2)
        assert site.attestations() == [1] and site.dialled[0] == 2
        await site.send(3, AGED)
        assert site.attestations() == [2] and site.dialled[0] == 4, "neither the old lease nor its connection"


async def test_a_machine_that_slept_does_not_make_evidence_younger() -> None:
    """The monotonic clock stands still while a machine is suspended."""
    w = world()
    old = await w.leases.current("sealed", AGED)
    w.clock.start += dt.timedelta(seconds=59)
    w.leases.check(old, AGED)
    w.clock.start += dt.timedelta(seconds=2)
    with pytest.raises(AttestationRefused, match="lease_too_old"):
        w.leases.check(old, AGED)
    w.leases.check(old, ANY)
    assert (await w.leases.current("sealed", AGED)).epoch == 2


async def test_a_clock_that_is_set_back_a_little_does_not_make_evidence_younger() -> None:
    w = world()
    old = await w.leases.current("sealed", AGED)
    w.clock.tick(61)
    w.clock.start -= dt.timedelta(seconds=59)
    with pytest.raises(AttestationRefused, match="lease_too_old"):
        w.leases.check(old, AGED)


async def test_evidence_that_was_old_when_it_came_ages_while_the_machine_sleeps() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    old = dataclasses.replace(lease, fresh=lease.proved - 50)
    w.leases.check(old, AGED)
    w.clock.start += dt.timedelta(seconds=11)
    with pytest.raises(AttestationRefused, match="lease_too_old"):
        w.leases.check(old, AGED)


async def test_what_was_taken_back_is_told_from_what_has_merely_ended() -> None:
    """Receipts of an answer that outlasts its lease are asked for, unless nobody may talk to the machine any more."""
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.clock.tick(601)
    assert not w.leases.revoked(lease)
    w.denied.add(OWN.pin.hex())
    assert w.leases.revoked(lease)
    w.denied.clear()
    w.leases.expect({"clinic": OTHERWISE})
    assert w.leases.revoked(lease)


async def test_a_lease_that_an_answer_cast_doubt_on_carries_nothing_more() -> None:
    """Not even what was recorded under it already."""
    w = world()
    lease = await w.leases.current("sealed", ANY)
    w.leases.doubt(lease)
    with pytest.raises(AttestationRefused, match="keyset_changed"):
        w.leases.check(lease, ANY)
    w.clock.tick(600)
    fresh = await w.leases.current("sealed", ANY)
    w.leases.doubt(fresh)
    assert set(w.leases._states["sealed"].doubted) == {fresh.epoch}, "forgotten when it has ended"


# --- callers that leave


async def test_a_caller_that_leaves_does_not_take_the_attestation_of_a_met_key_along() -> None:
    """Its connection is the one that is asked; others wait for the same key."""
    async with Site(2, order=itertools.chain([0], itertools.repeat(1))) as site:
        met = site.machines[1]
        met.pause = asyncio.Event()
        first = asyncio.ensure_future(site.send(1))
        await until(lambda: met.attestations == 1)
        second = asyncio.ensure_future(site.send(2))
        await until(lambda: met.connections == 2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        met.pause.set()
        assert await second == b'{"ok":1}'
        assert site.attestations() == [1, 1] and met.requests == [2] and site.named_by_records()
        await until(lambda: len(met._writers) == 1)


# --- machines that take their time


async def test_a_key_that_never_answers_holds_up_no_member() -> None:
    w, hanging = world(), Met(OTHER)
    lease = await w.leases.current("sealed", ANY)
    hanging.source.gate.clear()
    meeting = asyncio.ensure_future(w.leases.met(lease, hanging, ANY, 1))
    await w.settle()
    w.clock.tick(450)
    assert await w.leases.current("sealed", ANY) is lease
    await w.settle()
    assert w.leases.epochs("sealed") == {2}, "renewed"
    w.clock.tick(450)
    w.leases.tend()
    await w.settle()
    assert w.leases.epochs("sealed") == {3}
    w.clock.tick(600)
    assert (await w.leases.current("sealed", ANY)).epoch == 4
    assert len(hanging.source.nonces) == 1 and not meeting.done()
    hanging.source.gate.set()
    assert (await meeting).pin == OTHER.pin
    assert pins(w) == {OWN.pin, OTHER.pin}


async def test_members_are_renewed_one_after_the_other() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, Met(OTHER), ANY, 1)
    w.clock.tick(450)
    w.source.gate.clear()
    for lease in (first, second):
        assert await w.leases.current("sealed", ANY, {lease.epoch}) is lease
        await w.settle()
    assert len(w.source.nonces) == 2
    w.source.gate.set()


async def test_a_request_that_meets_a_key_which_is_being_renewed_waits_for_that() -> None:
    w = world()
    first = await w.leases.current("sealed", ANY)
    await w.leases.met(first, Met(OTHER), ANY, 1)
    w.clock.tick(450)
    w.source.gate.clear()
    w.source.identity = OTHER
    await w.leases.met(first, Met(OTHER), ANY, 2)
    w.leases.tend()
    await w.settle()
    w.clock.tick(150)
    line = Met(OTHER)
    meeting = asyncio.ensure_future(w.leases.met(first, line, ANY, 3))
    await w.settle()
    w.source.gate.set()
    assert (await meeting).epoch == 3 and line.source.nonces == []


async def test_a_proof_that_is_always_too_old_when_it_is_there_is_not_asked_for_without_end() -> None:
    w, line = world(), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    recorded = w.events.seen

    async def slowly(code: str, details: object) -> int:
        w.clock.tick(600 if code == "enclave_attested" else 0)
        if len(recorded) > 20:
            raise AuditUnavailable("it asks on and on")
        return await type(w.events).__call__(w.events, code, details)

    w.leases._on_event = slowly
    with pytest.raises(AttestationRefused, match="lease_expired"):
        await w.leases.met(first, line, ANY, 1)
    assert len(line.source.nonces) == 3


async def test_closing_ends_the_attestation_of_a_met_key_too() -> None:
    w, hanging = world(), Met(OTHER)
    lease = await w.leases.current("sealed", ANY)
    hanging.source.gate.clear()
    meeting = asyncio.ensure_future(w.leases.met(lease, hanging, ANY, 1))
    await w.settle()
    await w.leases.close()
    with pytest.raises(asyncio.CancelledError):
        await meeting


async def test_of_two_proofs_of_a_key_the_newer_one_counts() -> None:
    w, made = world(), Members(2)
    first = await w.leases.current("sealed", ANY)
    w.clock.tick(600)
    second = await w.leases.current("sealed", ANY)
    made.put(second, 1.0)
    made.put(first, 1.0)
    assert made.epochs() == {2}


async def test_a_connection_that_ended_while_it_waited_is_no_refusal_of_its_key() -> None:
    w, slow, honest = world(), Met(OTHER), Met(Identity())
    lease = await w.leases.current("sealed", ANY)
    slow.source.gate.clear()
    first = asyncio.ensure_future(w.leases.met(lease, slow, ANY, 1))
    await w.settle()
    second = asyncio.ensure_future(w.leases.met(lease, honest, ANY, 2))
    await w.settle()
    honest.close()  # the machine waits for nobody
    slow.source.gate.set()
    await first
    with pytest.raises(AttestationRefused, match="connection_lost"):
        await second
    assert honest.source.nonces == []
    again = Met(honest.identity)
    assert (await w.leases.met(lease, again, ANY, 3)).pin == honest.pin, "at once"


async def test_a_machine_that_takes_connections_and_says_nothing_stops_no_renewal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(egress, "DIAL_S", 1.0)
    async with Site(2, silent={1}, order=itertools.chain([1], itertools.repeat(0))) as site:
        ask = site.leases._states["sealed"].provider.asks(bytes(32))
        heard = await site.control.fetch_evidence("sealed", ask, site.machines[0].identity.pin)
        assert heard.certificate == site.machines[0].identity.certificate
        assert site.dialled[1] == 1


async def test_where_anybody_may_answer_a_slow_one_has_all_the_time_of_an_attestation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(egress, "DIAL_S", 0.01)
    async with Site(1) as site:
        site.slow = asyncio.Event()
        sending = asyncio.ensure_future(site.leases.current("sealed", ANY))
        await until(lambda: site.dialled[0] == 1)
        await asyncio.sleep(0.1)
        site.slow.set()
        assert (await sending).pin == site.machines[0].identity.pin


# --- what others cost


async def test_a_key_that_nobody_can_read_costs_no_lease() -> None:
    """Another machine's certificate says nothing about the one that is proven."""
    async with Site(2, order=itertools.chain([0, 0, 1], itertools.repeat(0))) as site:
        await site.machines[1].rotate(Identity(odd))
        site.machines[0].hang_up = True
        assert await site.send(1) == b'{"ok":1}'
        await hung_up(site.door)
        site.dialled.clear()
        assert await site.send(2) == b'{"ok":1}'
        assert site.dialled == {1: 1, 0: 1} and site.attestations() == [1, 0]
        await hung_up(site.door)
        site.order = itertools.repeat(1)
        with pytest.raises(UpstreamError) as e:
            await site.send(3)
        assert e.value.code == "upstream_untrusted"
        assert site.leases.epochs("sealed") == {1} and not site.machines[1].received
        assert site.events.codes() == ["enclave_attested"]


async def test_a_certificate_that_nobody_can_read_is_evidence_of_nothing() -> None:
    async with Site(1) as site:
        await site.machines[0].rotate(Identity(odd))
        with pytest.raises(AttestationRefused):
            await site.send(1)
        with pytest.raises(AttestationRefused):
            await site.send(2)
        assert site.attestations() == [1], "from memory"
        assert site.events.codes() == ["enclave_refused"]


async def test_a_balancer_that_shows_requests_another_machine_than_questions_costs_few_attestations() -> None:
    """The honest machine proves itself whenever it is asked, and is never met by a request."""
    async with Site(2) as site:
        bad = site.machines[1]
        bad.attested = site.machines[0].identity
        for n in range(100):
            site.order = itertools.chain([0] if not site.leases.epochs("sealed") else [], itertools.repeat(1))
            with pytest.raises(AttestationRefused):
                await site.send(n)
            site.clock.tick(0.1)
        assert site.attestations()[0] <= 10 / REFUSED_S + 1
        assert site.attestations()[1] <= 10 / REFUSED_S + 1
        assert site.sent() == 0


async def test_strangers_take_no_lease_away_whose_machine_is_there() -> None:
    async with Site(2, order=iter([0, 0, *[1] * STRANGERS])) as site:
        bad = site.machines[1]
        bad.attested = site.machines[0].identity
        held = site.hold()
        serving = asyncio.ensure_future(site.send(1))
        await until(lambda: site.sent() == 1)
        with pytest.raises(AttestationRefused, match="binding"):
            await site.send(2)
        held.set()
        assert await serving == b'{"ok":1}'
        assert await site.send(3) == b'{"ok":1}'
        assert site.attestations() == [1, 1] and site.leases.status() == {"sealed": "ok"}


async def test_more_machines_than_keys_cost_a_bounded_number_of_attestations() -> None:
    async with Site(9, options={"keys": 8}) as site:
        for machine in site.machines:
            machine.hang_up = True
        for n in range(150):
            with contextlib.suppress(AttestationRefused):
                await site.send(n)
            await hung_up(site.door)
        assert sum(site.attestations()) <= STRANGERS_PER_KEY * 8 + 1
        assert site.named_by_records()
        assert site.sent() == 150, "the machines that are members take what the ninth may not"


async def test_the_same_machine_under_two_names_proves_itself_twice() -> None:
    w = world(more={"twin": enclave("https://127.0.0.1/v1", "twin")})
    one, two = await w.leases.current("sealed", ANY), await w.leases.current("twin", ANY)
    assert one.pin == two.pin and w.source.asked == ["sealed", "twin"]
    w.leases.doubt(one)
    w.leases.check(two, ANY)
    assert w.leases.epochs("twin") == {1} and w.leases.epochs("sealed") == set()


async def test_a_member_that_is_asked_again_is_no_unknown_key() -> None:
    w, line = world(keys=1), Met(OTHER)
    first = await w.leases.current("sealed", ANY)
    for n in range(2 * STRANGERS_PER_KEY):
        w.clock.tick(61)
        assert (await w.leases.met(first, line, AGED, n)).epoch == n + 2


async def test_a_proof_on_one_way_ends_the_row_of_refusals_on_another() -> None:
    w, bad = world(prewarm=False), Met(OTHER)
    bad.source.guest = Guest(measurement=bytes(48))
    first = await w.leases.current("sealed", ANY)
    for pause in (REFUSED_S, 2 * REFUSED_S):
        await refused(w, first, bad)
        w.clock.tick(pause)
    w.clock.tick(600)
    w.source.identity = OTHER
    assert (await w.leases.current("sealed", ANY)).pin == OTHER.pin
    w.clock.tick(600)
    for asked in (3, 4):
        await refused(w, first, bad)
        assert len(bad.source.nonces) == asked
        w.clock.tick(REFUSED_S)


async def test_a_proof_over_a_met_connection_ends_the_row_of_refused_renewals() -> None:
    w = world(prewarm=False)
    first = await w.leases.current("sealed", ANY)

    async def renewals(pauses: list[float]) -> int:
        before = len(w.source.nonces)
        w.clock.tick(450)
        w.source.fail = UpstreamError("x")
        for pause in pauses:
            w.leases.tend()
            await w.settle()
            w.clock.tick(pause)
        return len(w.source.nonces) - before

    assert await renewals([REFUSED_S, 2 * REFUSED_S]) == 2
    w.clock.tick(150)
    await w.leases.met(first, Met(OWN), ANY, 1)
    assert await renewals([REFUSED_S, REFUSED_S]) == 2, "not after a longer pause"


async def test_what_would_come_as_old_again_is_asked_for_where_something_else_is_wrong_too() -> None:
    w = world()
    lease = await w.leases.current("sealed", ANY)
    old = dataclasses.replace(lease, fresh=lease.proved - 100)
    w.leases._states["sealed"].members.put(old, 10.0**9)
    assert await w.failures(AGED) == ("lease_too_old",)
    w.leases.expect({"clinic": dataclasses.replace(CLINIC, minimum_tcb={"snp": 19})})
    assert (await w.leases.current("sealed", AGED)).epoch == 2


async def test_two_requests_that_are_told_of_another_key_share_one_new_proof() -> None:
    """The key is the same again: whoever is on the way said so."""
    w = world()
    old = await w.leases.current("sealed", ANY)
    w.clock.tick(1)
    w.source.gate.clear()
    waiting = [asyncio.ensure_future(w.leases.replace(old, ANY, n)) for n in range(2)]
    await w.settle()
    w.source.gate.set()
    assert {lease.epoch for lease in await asyncio.gather(*waiting)} == {2} and len(w.source.nonces) == 2


@pytest.mark.parametrize("how", ["replace", "discard"])
async def test_a_key_that_is_given_up_takes_no_other_lease_along(how: str) -> None:
    w, third = world(), Met(Identity())
    first = await w.leases.current("sealed", ANY)
    second = await w.leases.met(first, Met(OTHER), ANY, 1)
    third.source.gate.clear()
    meeting = asyncio.ensure_future(w.leases.met(first, third, ANY, 2))
    await w.settle()
    w.clock.tick(1)
    if how == "replace":
        replacing = asyncio.ensure_future(w.leases.replace(second, ANY, 3))
        await w.settle()
        third.source.gate.set()
        await replacing
    else:
        third.source.gate.set()
        await w.leases.discard(second, 3)
    await meeting
    assert w.leases.epochs("sealed") == {1, 3}


# --- records that fail


async def test_a_renewal_whose_record_fails_is_not_tried_by_every_request() -> None:
    w = world(prewarm=False)
    await w.leases.current("sealed", ANY)
    w.clock.tick(450)
    w.events.fail = AuditUnavailable("disk full")
    for _ in range(100):
        await w.leases.current("sealed", ANY)
        await w.settle()
    assert len(w.source.nonces) == 2
    for _ in range(20):
        w.clock.tick(1)
        w.leases.tend()
        await w.settle()
    assert len(w.source.nonces) == 2 + 20 / REFUSED_S


class Failing(Events):
    """The record ``at`` (from 0) fails, and all that follow for a while."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    async def __call__(self, code: str, details: object) -> int:
        if len(self.seen) == self.at:
            raise AuditUnavailable("disk full")
        return await super().__call__(code, details)


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("path", ["met", "stranger", "rotated"])
async def test_nothing_leaves_whose_lease_could_not_be_recorded(at: int, path: str) -> None:
    """Whichever record is lost on whichever way to another machine."""
    async with Site(2, order=itertools.chain([0], itertools.repeat(1))) as site:
        events = Failing(at)
        site.events = events
        site.leases._on_event = events
        if path == "stranger":
            site.machines[1].attested = site.machines[0].identity
        sent = 0
        for n in range(3):
            try:
                await site.send(n)
                sent += 1
            except SealgateError:
                pass
            if path == "rotated":
                await site.machines[1].rotate(Identity())
                await hung_up(site.door)
        assert site.sent() == sent and site.named_by_records()
        assert not sent or (path != "stranger" and at > 0)


# --- everything at once


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_happens_requests_go_to_whom_the_records_name_and_to_no_liar(seed: int) -> None:
    dice = random.Random(seed)
    async with Site(5, options={"keys": 3}, order=iter(lambda: dice.randrange(5), -1)) as site:
        liars = site.machines[3:]
        liars[0].attested = site.machines[0].identity
        liars[1].attested = Identity()
        number = itertools.count()

        async def one() -> None:
            with contextlib.suppress(SealgateError):
                await site.send(next(number), Requirements(max_age_s=dice.choice([None, 60.0, 300.0])))

        for _ in range(40):
            match dice.randrange(8):
                case 0:
                    site.clock.tick(dice.choice([1, 30, 200]))
                case 1:
                    await dice.choice(site.machines).rotate(Identity())
                case 2:
                    site.leases.tend()
                case 3:
                    site.denied.clear()
                    site.denied.add(dice.choice(site.machines).identity.pin.hex())
                case 4:
                    leaving = asyncio.ensure_future(one())
                    for _ in range(dice.randrange(60)):
                        await asyncio.sleep(0)
                    leaving.cancel()
                    await asyncio.gather(leaving, return_exceptions=True)
                case _:
                    await asyncio.gather(*(one() for _ in range(dice.choice([1, 1, 4]))))
        assert not any(machine.requests for machine in liars)
        assert site.named_by_records() and site.sent() > 0
