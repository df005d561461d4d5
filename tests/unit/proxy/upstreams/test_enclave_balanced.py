"""Several machines with keys of their own behind one name, over real sockets that count."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest
from balanced import ASKED, Machine, Site
from fake_tls import Identity, hung_up

from policies.types import Requirements
from proxy import lines
from proxy.errors import UpstreamError
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.transports import STRANGERS

QUESTION_BYTES = 8_000
"""More than handshakes and one question take, encrypted."""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site(3) as made:
        yield made


async def until(site: Site, requests: int) -> None:
    """Waits until so many requests have come, with a deadline that only a hang misses."""
    end = time.monotonic() + 60
    while site.sent() < requests:
        assert time.monotonic() < end, "the requests did not come"
        await asyncio.sleep(0.005)


async def crowd(site: Site, many: int) -> None:
    """``many`` requests at once, each over a connection of its own."""
    held, first = site.hold(), site.sent()
    sending = asyncio.gather(*(site.send(first + n) for n in range(many)))
    waiting = asyncio.ensure_future(until(site, first + many))
    done, _ = await asyncio.wait({sending, waiting}, return_when=asyncio.FIRST_COMPLETED)
    held.set()
    if waiting not in done:
        waiting.cancel()
    assert await sending == [b'{"ok":1}'] * many


async def test_every_machine_is_attested_once_and_takes_requests(site: Site) -> None:
    await crowd(site, 12)
    assert site.attestations() == [1, 1, 1]
    assert sorted(n for m in site.machines for n in m.requests) == list(range(12))
    assert all(m.requests for m in site.machines)
    await crowd(site, 12)
    assert site.attestations() == [1, 1, 1], "nobody who was proven is asked again"
    assert site.events.codes().count("enclave_attested") == 3


async def test_the_records_of_a_request_name_the_machine_that_got_it(site: Site) -> None:
    await crowd(site, 12)
    assert site.named_by_records()
    assert len(set(site.recorded.values())) == 3


async def test_a_key_that_many_requests_meet_at_once_is_attested_once() -> None:
    async with Site(2, order=itertools.chain([0], itertools.repeat(1))) as site:
        await crowd(site, 30)
        assert site.attestations() == [1, 1]
        assert len(site.machines[1].requests) == 30 and site.named_by_records()


async def test_the_key_that_was_met_is_asked_over_the_connection_that_met_it() -> None:
    async with Site(2, order=iter([0, 1])) as site:  # a third connection would fail
        assert await site.send(1) == b'{"ok":1}'
        assert site.dialled == {0: 1, 1: 1}
        assert bytes(site.machines[1].received).index(ASKED) < bytes(site.machines[1].received).index(b"POST ")


async def test_requests_one_after_the_other_stay_on_a_connection_that_is_open(site: Site) -> None:
    for n in range(10):
        await site.send(n)
    assert [len(m.requests) for m in site.machines] == [0, 10, 0], "met after the question; kept from then on"
    assert site.events.codes().count("enclave_lease_replaced") == 1 and site.named_by_records()


async def test_a_machine_that_proves_another_ones_key_gets_no_request(site: Site) -> None:
    """The evidence is genuine and fresh, and names the key of a machine that is a member already."""
    site.machines[1].attested = site.machines[0].identity
    assert await site.send(1) == b'{"ok":1}'
    assert site.machines[1].requests == [] and site.relayed[1] < QUESTION_BYTES
    assert site.attestations() == [1, 1, 1] and site.named_by_records()
    refused = [details["failures"] for code, details in site.events.seen if code == "enclave_refused"]
    assert refused == [["binding"]]


async def test_where_only_strangers_are_met_nothing_is_sent_and_each_is_asked_once() -> None:
    async with Site(2, order=itertools.chain([0], itertools.repeat(1))) as site:
        site.machines[1].attested = site.machines[0].identity
        with pytest.raises(AttestationRefused) as e:
            await site.send(1)
        assert e.value.failures == ("binding",)
        assert site.sent() == 0 and site.dialled[1] == STRANGERS and site.attestations() == [1, 1]
        assert site.leases.status() == {"sealed": "refused"}


@pytest.mark.parametrize("honest", [True, False])
async def test_a_key_that_rotates_between_record_and_send_gets_nothing_before_it_is_attested(honest: bool) -> None:
    async with Site(1) as site:
        machine = site.machines[0]
        await site.send(1)
        await machine.rotate(Identity())
        await hung_up(site.door)
        machine.received.clear()
        site.relayed.clear()
        if not honest:
            machine.attested = Identity()
            with pytest.raises(AttestationRefused):
                await site.send(2)
            assert b"POST" not in machine.received and site.relayed[0] < QUESTION_BYTES
        else:
            await site.send(2)
            assert bytes(machine.received).startswith(ASKED) and machine.requests == [2]
            assert site.recorded[2] == machine.identity.pin.hex()


async def test_a_machine_that_is_denied_gets_nothing_while_the_others_serve(site: Site) -> None:
    await crowd(site, 6)
    site.denied.add(site.machines[1].identity.pin.hex())
    before = list(site.machines[1].requests)
    await crowd(site, 6)
    for n in range(100, 110):
        assert await site.send(n) == b'{"ok":1}'
    assert site.machines[1].requests == before and site.named_by_records()


async def test_a_machine_that_is_denied_between_record_and_send_gets_nothing(site: Site) -> None:
    await site.send(1)
    (served,) = (m for m in site.machines if m.requests)
    site.on_recorded = lambda: site.denied.add(served.identity.pin.hex())
    with pytest.raises(AttestationRefused, match="denied"):
        await site.send(2)
    assert served.requests == [1]


async def test_each_machine_is_held_to_the_age_of_its_own_proof(site: Site) -> None:
    await site.send(1)  # 0 asked, then 1 met
    site.clock.tick(100)
    held = site.hold()
    sending = asyncio.gather(*(site.send(n) for n in (2, 3)))  # the pooled connection, and one that meets 2
    await until(site, 3)
    held.set()
    await sending
    assert site.attestations() == [1, 1, 1]
    site.clock.tick(100)
    for n in range(4, 10):
        await site.send(n, Requirements(max_age_s=150))
    assert [len(m.requests) for m in site.machines] == [0, 2, 7], "the only one that is young enough"
    assert site.attestations() == [1, 1, 1] and site.named_by_records()


async def test_with_one_key_the_machines_take_turns_and_no_request_is_lost() -> None:
    async with Site(2, options={"keys": 1}) as site:
        for n in range(6):
            assert await site.send(n) == b'{"ok":1}'
        assert len(site.leases._states["sealed"].members.epochs()) == 1 and site.named_by_records()


async def test_a_connection_that_waits_and_dies_is_not_used(site: Site) -> None:
    """The evidence's answer ends the connection that it came over."""
    site.machines[1].status = "200 OK\r\nconnection: close"
    assert await site.send(1) == b'{"ok":1}'
    assert site.machines[1].requests == [] and site.machines[2].requests == [1]
    assert site.named_by_records()


async def test_what_was_dialled_is_closed_with_the_door(site: Site) -> None:
    await crowd(site, 6)
    await site.door.close()
    end = time.monotonic() + 60
    while any(m._writers for m in site.machines):
        assert time.monotonic() < end, "a connection was left open"
        await asyncio.sleep(0.005)


async def test_a_pool_that_dials_for_itself_demands_its_key_inside_the_handshake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever a new release of the HTTP library calls."""
    monkeypatch.delattr(lines._Pool, "_create_connection")
    async with Site(2, order=itertools.chain([0, 1], itertools.repeat(0))) as site:
        assert await site.send(1) == b'{"ok":1}'
        assert [m.requests for m in site.machines] == [[1], []]
        assert site.dialled[1] == 1 and site.attestations() == [2, 0]


# --- the control door, asked for one key


async def test_evidence_of_one_key_is_asked_of_nobody_else(site: Site) -> None:
    ask = site.leases._states["sealed"].provider.asks(bytes(32))
    for n, machine in enumerate(site.machines):
        heard = await site.control.fetch_evidence("sealed", ask, machine.identity.pin)
        assert heard.certificate == machine.identity.certificate
        assert site.attestations() == [1] * (n + 1) + [0] * (2 - n)


async def test_a_key_that_nobody_holds_is_given_up_on_after_a_while(site: Site) -> None:
    ask = site.leases._states["sealed"].provider.asks(bytes(32))
    for asks in (ask, ()):
        site.dialled.clear()
        with pytest.raises(UpstreamError) as e:
            await site.control.fetch_evidence("sealed", asks, bytes(32))
        assert e.value.code == "key_not_met"
        assert site.dialled.total() == 16
    assert not any(m.received for m in site.machines)


async def test_a_certificate_of_one_key_is_looked_for_too(site: Site) -> None:
    heard = await site.control.fetch_evidence("sealed", (), site.machines[2].identity.pin)
    assert heard.certificate == site.machines[2].identity.certificate
    assert not any(m.received for m in site.machines)


async def test_renewal_asks_the_machine_whose_lease_it_is(site: Site) -> None:
    await crowd(site, 12)
    site.clock.tick(450)
    for _ in range(3):
        site.leases.tend()
        running = site.leases._states["sealed"].running
        assert running is not None
        await running
    assert site.attestations() == [2, 2, 2]
    site.clock.tick(200)  # the first leases are over
    await crowd(site, 12)
    assert site.attestations() == [2, 2, 2] and site.named_by_records()


def test_a_machine_counts_what_it_got() -> None:
    machine = Machine()
    machine.received += b'{"number": "000012"}{"number": "000007"}'
    assert machine.requests == [12, 7]
