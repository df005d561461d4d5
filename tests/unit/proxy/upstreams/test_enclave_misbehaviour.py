"""Every way the simulated enclave can be wrong, through both doors: unusable, on record, and no byte of the request."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator

import pytest
from egress_support import Events, HandClock, chat, enclave, receipt_for
from lease_support import Given

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import AMD
from attestation.types import Collateral
from policies.types import Requirements, Zone
from proxy import egress
from proxy.egress import ControlDoor, DataDoor
from proxy.ports import Candidate
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)


class World:
    def __init__(self, simulator: SimulatedEnclave) -> None:
        config = {"sealed": enclave(simulator.url)}
        self.events = Events()
        self.leases = EnclaveLeases(
            config,
            {"clinic": simulator.expectations("clinic", dt.date(2027, 1, 1))},
            ControlDoor(config),
            HandClock(),
            trust=AMD,
            simulated=simulator.trust,
            published=Given(lambda *_: Collateral(amd_crl=simulator.crl())),
            on_event=self.events,
        )
        self.door = DataDoor(config, leases=self.leases)

    async def ask(self) -> int:
        await self.door.prepare(CANDIDATE, Requirements())
        out = chat("sealed")
        async with self.door.send(receipt_for(out), out) as answer:
            assert b"".join([c async for c in answer.chunks])
            return answer.status


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatedEnclave]:
    async with SimulatedEnclave() as made:
        yield made


async def test_an_honest_enclave_answers(simulator: SimulatedEnclave) -> None:
    world = World(simulator)
    assert [await world.ask() for _ in range(2)] == [200, 200]
    assert (len(simulator.received), simulator.attestations) == (2, 1)
    await world.door.close()


@pytest.mark.parametrize("how", [m for m in Misbehaviour if m is not Misbehaviour.KEY_ROTATION])
async def test_a_misbehaving_enclave_gets_no_request(
    simulator: SimulatedEnclave, how: Misbehaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how is Misbehaviour.SLOW:
        monkeypatch.setattr(egress, "EVIDENCE_S", 0.05)
    simulator.misbehaviour = how
    world = World(simulator)
    with pytest.raises(AttestationRefused) as e:
        await world.ask()
    assert e.value.failures
    assert not simulator.received
    assert world.events.seen[-1][0] == "enclave_refused"
    assert world.events.seen[-1][1]["failures"] == list(e.value.failures)
    await world.door.close()


async def test_a_key_that_rotates_with_every_attestation_gets_requests_only_where_it_was_proven(
    simulator: SimulatedEnclave,
) -> None:
    simulator.misbehaviour = Misbehaviour.KEY_ROTATION
    first = simulator.pin
    world = World(simulator)
    assert await world.ask() == 200
    (met,) = simulator.bytes_by_key.keys() - {first}
    assert simulator.attestations == 2
    assert met != simulator.pin, "over the very connection that was attested, though its key is an old one"
    assert simulator.bytes_by_key[first] < simulator.bytes_by_key[met]
    assert simulator.bytes_by_key[simulator.pin] == 0
    await world.door.close()
