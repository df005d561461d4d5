"""One pinned wire per lease epoch: older ones close when idle, once, and no answer is lost on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from egress_support import NOW, chat, receipt_for

from attestation.providers.base import BodyKey, Seal
from attestation.types import Claims
from policies.types import Requirements
from proxy.errors import Misuse
from proxy.outbound import Answer, Outbound
from proxy.ports import LeaseInfo
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.transports import EnclaveTransport, Opened, Sealer
from proxy.upstreams.transports import Wire as AnyWire

OUT = chat("sealed")


async def nothing() -> AsyncIterator[bytes]:
    yield b""


@dataclass
class Wire:
    """Closes only when ``free`` is set; counts its answers."""

    free: asyncio.Event
    users: int = 0
    closed: int = 0
    sealing: asyncio.Event | None = None
    """Set when the request is sealed: until then nothing uses the connection."""

    async def open(self, out: Outbound) -> Opened:
        if self.sealing is not None:
            await self.sealing.wait()
        assert not self.closed
        self.users += 1

        async def close() -> None:
            self.users -= 1

        return Opened(Answer(200, {}, nothing()), close)

    async def close(self) -> None:
        await self.free.wait()
        self.closed += 1


BODY = BodyKey(Seal.EHBP, b"k" * 32, "x25519")
CLAIMS = Claims("snp", b"m", b"r", False, {}, "committed", 0, 0, b"c", b"e", NOW, NOW, ())
INFO = LeaseInfo("snp", "ee", "committed", "clinic", "aa", "bb", NOW + dt.timedelta(minutes=10))


@dataclass
class Leases:
    epoch: int = 1
    pin: bytes | None = b"p" * 32
    body: BodyKey | None = None
    of: str = "sealed"

    async def current(self, upstream: str, want: Requirements) -> Lease:
        return Lease(self.of, self.epoch, self.pin, CLAIMS, 0.0, 600.0, INFO, self.body)

    def check(self, lease: Lease, want: Requirements) -> None:
        return None

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease:
        raise AssertionError

    async def discard(self, lease: Lease, seq: int) -> None:
        raise AssertionError


@dataclass
class World:
    leases: Leases = field(default_factory=Leases)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    wires: list[Wire] = field(default_factory=list)

    seal: Sealer | None = None
    leased: list[Lease] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = EnclaveTransport("sealed", self.leases, self._made, self.seal)

    def _made(self, lease: Lease) -> Wire:
        self.leased.append(lease)
        self.wires.append(Wire(self.free))
        return self.wires[-1]

    async def send(self, epoch: int) -> Opened:
        self.leases.epoch = epoch
        await self.transport.prepare(Requirements())
        return await self.transport.open(receipt_for(OUT), OUT)


async def test_answers_of_older_epochs_that_end_together_close_each_wire_once() -> None:
    w = World()
    first, second, third = await w.send(1), await w.send(2), await w.send(3)
    closing = [asyncio.ensure_future(opened.close()) for opened in (first, second, third)]
    await asyncio.sleep(0)
    w.free.set()
    await asyncio.gather(*closing)
    assert [wire.closed for wire in w.wires] == [1, 1, 0]


async def test_a_wire_that_is_used_again_while_another_closes_stays_open() -> None:
    w = World()
    await w.send(1)
    await w.send(2)
    w.wires[0].users = w.wires[1].users = 0
    newest = asyncio.ensure_future(w.send(3))
    await asyncio.sleep(0)
    older = asyncio.ensure_future(w.send(2))
    await asyncio.sleep(0)
    w.free.set()
    await asyncio.gather(newest, older)
    assert [wire.closed for wire in w.wires if wire.users] == [0, 0]


async def test_a_wire_for_which_a_request_is_being_sealed_stays_open() -> None:
    w = World()
    w.free.set()
    first = await w.send(1)
    w.wires[0].sealing = asyncio.Event()
    sending = asyncio.ensure_future(w.send(1))
    await asyncio.sleep(0)
    await first.close()
    newer = await w.send(2)  # sweeps: the older one has no user yet
    assert not w.wires[0].closed
    w.wires[0].sealing.set()
    await (await sending).close()
    assert [wire.closed for wire in w.wires] == [1, 0]
    await newer.close()


async def test_a_request_that_could_not_be_sealed_holds_nothing_open() -> None:
    w = World()
    w.free.set()
    first = await w.send(1)
    w.wires[0].sealing = asyncio.Event()
    failing = asyncio.ensure_future(w.send(1))
    await asyncio.sleep(0)
    failing.cancel()
    await asyncio.gather(failing, return_exceptions=True)
    await first.close()
    await w.send(2)
    assert [wire.closed for wire in w.wires] == [1, 0]


async def test_a_caller_that_leaves_while_older_wires_close_leaves_no_answer_open() -> None:
    w = World()
    await w.send(1)
    w.wires[0].users = 0
    sending = asyncio.ensure_future(w.send(2))
    for _ in range(5):
        await asyncio.sleep(0)
    assert w.wires[1].users == 1
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert w.wires[1].users == 0


@pytest.mark.parametrize("pin", [None, b"p" * 32])
async def test_where_a_key_for_bodies_is_attested_nothing_leaves_unsealed(pin: bytes | None) -> None:
    w = World(Leases(pin=pin, body=BODY))
    with pytest.raises(AttestationRefused) as e:
        await w.send(1)
    assert e.value.failures == ("unsealed",)
    assert not w.wires, "not even a connection was prepared"


@pytest.mark.parametrize("pin", [None, b"p" * 32])
async def test_a_sealed_wire_stands_between_the_lease_and_the_plain_one(pin: bytes | None) -> None:
    sealed: list[tuple[Lease, AnyWire]] = []
    own = Wire(asyncio.Event())

    def seal(lease: Lease, wire: AnyWire) -> AnyWire:
        sealed.append((lease, wire))
        return own

    w = World(Leases(pin=pin, body=BODY), seal=seal)
    await w.send(1)
    await w.send(1)
    assert [(lease.body, wire) for lease, wire in sealed] == [(BODY, w.wires[0])]
    assert (own.users, w.wires[0].users, w.leased[0].pin) == (2, 0, pin)


async def test_a_lease_of_another_upstream_opens_nothing() -> None:
    w = World(Leases(of="other"))
    with pytest.raises(Misuse):
        await w.send(1)
    assert not w.wires


def test_a_lease_without_a_key_cannot_be_made() -> None:
    with pytest.raises(Misuse):
        Lease("sealed", 1, None, CLAIMS, 0.0, 600.0, INFO)
