"""One pinned wire per lease epoch: older ones close when idle, once, and no answer is lost on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from egress_support import NOW, chat, receipt_for

from attestation.types import Claims
from policies.types import Requirements
from proxy.outbound import Answer, Outbound
from proxy.ports import LeaseInfo
from proxy.upstreams.lease import Lease
from proxy.upstreams.transports import EnclaveTransport, Opened

OUT = chat("sealed")


async def nothing() -> AsyncIterator[bytes]:
    yield b""


@dataclass
class Wire:
    """Closes only when ``free`` is set; counts its answers."""

    free: asyncio.Event
    users: int = 0
    closed: int = 0

    async def open(self, out: Outbound) -> Opened:
        self.users += 1

        async def close() -> None:
            self.users -= 1

        return Opened(Answer(200, {}, nothing()), close)

    async def close(self) -> None:
        await self.free.wait()
        self.closed += 1


@dataclass
class Leases:
    epoch: int = 1

    async def current(self, upstream: str, want: Requirements) -> Lease:
        claims = Claims("snp", b"m", b"r", False, {}, "committed", 0, 0, b"c", b"e", NOW, NOW, ())
        info = LeaseInfo("snp", "ee", "committed", "clinic", "aa", "bb", NOW + dt.timedelta(minutes=10))
        return Lease(upstream, self.epoch, b"p" * 32, claims, 0.0, 600.0, info)

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

    def __post_init__(self) -> None:
        self.transport = EnclaveTransport("sealed", self.leases, self._made)

    def _made(self, pin: bytes) -> Wire:
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
