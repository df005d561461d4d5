"""Leases and both doors over real sockets that count: what leaves when a key or a lease has gone in between."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from egress_support import Events, HandClock, chat, enclave, receipt_for
from fake_tls import Identity, TlsPeer, hung_up
from lease_support import CLINIC

from attestation.binding import sealgate_snp_report_data
from attestation.simulator.snp import shared_platform
from attestation.trust import VENDORS
from attestation.wire import encode_sealgate_snp
from policies.types import Requirements, Zone
from proxy.egress import ControlDoor, DataDoor
from proxy.ports import Candidate
from proxy.upstreams.enclave import AttestationRefused, EnclaveLeases

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)
BODY = b'{"model":"m","messages":[{"role":"user","content":"' + b"x" * 1_000_000 + b'"}]}'
HANDSHAKES = 20_000
"""More than a few handshakes and questions take, far less than the body."""


@dataclass
class Relay:
    """Passes bytes between the doors and the peer, and counts those of the doors, encrypted as they are."""

    to: int
    sent: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Relay:
        self.server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.to)
        for pair in ((reader, far_writer, True), (far_reader, writer, False)):
            self.tasks.add(asyncio.ensure_future(self._pump(*pair)))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: bool) -> None:
        try:
            while data := await reader.read(65_536):
                self.sent += len(data) if count else 0
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class World:
    """A peer that proves itself with the identity ``attested``, whichever it serves with."""

    def __init__(self, peer: TlsPeer, port: int) -> None:
        self.peer = peer
        self.attested: Identity | None = None
        peer.answer = self._answer
        config = {"sealed": enclave(f"https://localhost:{port}/v1")}
        self.clock, self.events = HandClock(), Events()
        self.leases = EnclaveLeases(
            config, {"clinic": CLINIC}, ControlDoor(config), self.clock, trust=VENDORS,
            simulated=shared_platform().trust, on_event=self.events,
        )  # fmt: skip
        self.door = DataDoor(config, leases=self.leases)

    def _answer(self, head: bytes) -> bytes:
        if not head.startswith(b"GET /.well-known/attestation?nonce="):
            return b"the whole answer"
        nonce = bytes.fromhex(head.split(b"nonce=")[1][:64].decode())
        spki = (self.attested or self.peer.identity).spki
        return encode_sealgate_snp(shared_platform().evidence(sealgate_snp_report_data(spki, nonce)))

    async def prepare(self) -> None:
        await self.door.prepare(CANDIDATE, Requirements())

    async def send(self) -> bytes:
        out = dataclasses.replace(chat("sealed"), body=BODY)
        async with self.door.send(receipt_for(out), out) as answer:
            return b"".join([c async for c in answer.chunks])


@pytest.fixture
async def relay() -> AsyncIterator[tuple[World, Relay]]:
    async with TlsPeer(Identity()) as peer, Relay(peer.port) as made:
        world = World(peer, made.port)
        yield world, made
        await world.leases.close()
        await world.door.close()


async def test_a_request_to_the_attested_key_leaves(relay: tuple[World, Relay]) -> None:
    world, counter = relay
    await world.prepare()
    assert await world.send() == b"the whole answer"
    assert counter.sent > len(BODY)


async def test_a_key_that_rotates_between_verification_and_send_gets_no_byte(relay: tuple[World, Relay]) -> None:
    world, counter = relay
    await world.prepare()
    world.attested = world.peer.identity  # whoever took over cannot prove its own key
    await world.peer.rotate(Identity())
    await hung_up(world.door)
    world.peer.received.clear()
    with pytest.raises(AttestationRefused) as e:
        await world.send()
    assert e.value.failures == ("binding",)
    assert b"POST" not in world.peer.received, "only the question of the one new attestation came"
    assert counter.sent < HANDSHAKES
    codes = ["enclave_attested", "enclave_key_changed", "enclave_refused", "enclave_refused"]
    assert world.events.codes() == codes, "the one that is there, and the one that is not"


async def test_a_key_that_rotates_while_a_connection_is_pooled_gets_no_byte(relay: tuple[World, Relay]) -> None:
    world, counter = relay
    await world.prepare()
    await world.send()
    before = counter.sent
    await world.prepare()
    world.attested = world.peer.identity
    await world.peer.rotate(Identity())
    await hung_up(world.door)
    world.peer.received.clear()
    with pytest.raises(AttestationRefused):
        await world.send()
    assert b"POST" not in world.peer.received
    assert counter.sent - before < HANDSHAKES


async def test_an_answer_that_runs_when_its_lease_ends_is_finished_and_nothing_new_is_sent(
    relay: tuple[World, Relay],
) -> None:
    world, _ = relay
    world.peer.hold = asyncio.Event()
    await world.prepare()
    out = chat("sealed")
    async with world.door.send(receipt_for(out), out) as answer:
        assert await anext(aiter(answer.chunks)) == b"the whol"
        world.clock.tick(600)
        world.attested = Identity()  # and the enclave cannot prove itself any more
        with pytest.raises(AttestationRefused):
            await world.prepare()
        world.peer.hold.set()
        assert b"".join([c async for c in answer.chunks]) == b"e answer"
    assert world.peer.received.count(b"POST") == 1


async def test_a_lease_that_ends_between_prepare_and_send_opens_nothing(relay: tuple[World, Relay]) -> None:
    world, counter = relay
    await world.prepare()
    before = counter.sent
    world.clock.tick(600)
    with pytest.raises(AttestationRefused, match="lease_expired"):
        await world.send()
    assert counter.sent == before


async def test_expectations_that_change_between_prepare_and_send_open_nothing(relay: tuple[World, Relay]) -> None:
    world, counter = relay
    await world.prepare()
    before = counter.sent
    world.leases.expect({"clinic": dataclasses.replace(CLINIC, vmpl=frozenset({1}))})
    with pytest.raises(AttestationRefused, match="expectations_changed"):
        await world.send()
    assert counter.sent == before
