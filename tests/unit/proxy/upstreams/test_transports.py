"""One pinned wire per lease epoch: older ones close when idle, once, and no answer is lost on the way."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

import pytest
from egress_support import NOW, chat, receipt_for

from attestation.providers.base import BodyKey, Seal
from attestation.types import Claims
from policies.types import Requirements
from proxy.errors import AuditUnavailable, Misuse
from proxy.outbound import Answer, Outbound
from proxy.ports import LeaseInfo
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.transports import DIALS, HOLDS, STRANGERS, EnclaveTransport, KeyChanged, Opened, Sealer
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
    meets: list[Line] = field(default_factory=list)

    async def open(self, out: Outbound) -> Opened:
        if self.meets:
            raise KeyChanged(self.meets.pop(0))
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
    held: frozenset[int] = frozenset()
    members: dict[bytes, int | Exception] = field(default_factory=dict)
    honest: bool = True
    lost: list[int] = field(default_factory=list)
    replaced: int = 0
    ready: set[int] = field(default_factory=set)

    def epochs(self, upstream: str) -> Collection[int]:
        return self.held

    async def current(self, upstream: str, want: Requirements, ready: Collection[int] = ()) -> Lease:
        self.ready = set(ready)
        return Lease(self.of, self.epoch, self.pin, CLAIMS, 0.0, 600.0, INFO, self.body)

    def check(self, lease: Lease, want: Requirements) -> None:
        return None

    async def met(self, lease: Lease, line: Line, want: Requirements, seq: int) -> Lease:
        found = self.members.get(line.pin, AttestationRefused("sealed", ("binding",)))
        if isinstance(found, Exception):
            raise found
        return Lease(self.of, found, line.pin if self.honest else b"x" * 32, CLAIMS, 0.0, 600.0, INFO, self.body)

    async def replace(self, lease: Lease, want: Requirements, seq: int) -> Lease:
        self.replaced += 1
        return dataclasses.replace(lease, epoch=lease.epoch + 1)

    async def discard(self, lease: Lease, seq: int) -> None:
        self.lost.append(-lease.epoch)


@dataclass
class Line:
    pin: bytes
    closed: int = 0
    alive: bool = True

    def close(self) -> None:
        self.closed += 1


@dataclass
class Kept:
    """Plays ``transports.Lines``."""

    lines: list[Line] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)
    closed: int = 0

    def keep(self, line: Line) -> None:
        self.lines.append(line)

    def open_to(self, epoch: int) -> int:
        return self.open.get(epoch, 0)

    async def close(self) -> None:
        self.closed += 1


@dataclass
class World:
    leases: Leases = field(default_factory=Leases)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    wires: list[Wire] = field(default_factory=list)

    seal: Sealer | None = None
    lines: Kept = field(default_factory=Kept)
    meets: list[Line | None] = field(default_factory=list)
    """Whom the next connections meet, of whatever wire."""
    leased: list[Lease] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transport = EnclaveTransport("sealed", self.leases, self._made, self.seal, self.lines)

    def _made(self, lease: Lease) -> Wire:
        self.leased.append(lease)
        self.wires.append(Wire(self.free, meets=self.meets))
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


async def test_what_is_asked_of_one_connection_is_not_asked_of_the_next_ones() -> None:
    """The same task may turn to another upstream after this one."""
    w = World()
    w.free.set()
    await w.send(1)
    assert HOLDS.get() is None
    w.meets += [Line(bytes([n]) * 32) for n in range(STRANGERS)]
    with pytest.raises(AttestationRefused):
        await w.send(1)
    assert HOLDS.get() is None


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


# --- several machines


async def test_a_connection_that_meets_another_member_is_used_for_it_and_sealed_to_its_key() -> None:
    sealed: list[int] = []
    w = World(Leases(body=BODY), seal=lambda lease, wire: sealed.append(lease.epoch) or wire)
    met = Line(b"q" * 32)
    w.free.set()
    w.meets.append(met)
    w.leases.members = {met.pin: 7}
    await w.send(1)
    assert sealed == [1, 7]
    assert (w.lines.lines, met.closed) == ([met], 0)
    assert [wire.users for wire in w.wires] == [0, 1]


async def test_a_lease_of_another_key_than_the_connections_is_a_fault_of_ours() -> None:
    w = World(Leases(honest=False))
    met = Line(b"q" * 32)
    w.free.set()
    w.meets.append(met)
    w.leases.members = {met.pin: 7}
    with pytest.raises(Misuse):
        await w.send(1)
    assert met.closed == 1 and not w.lines.lines


async def test_strangers_are_hung_up_on_and_after_a_few_the_lease_is_given_up() -> None:
    w = World()
    strangers = [Line(bytes([n]) * 32) for n in range(STRANGERS)]
    w.free.set()
    w.meets += strangers
    with pytest.raises(AttestationRefused, match="binding"):
        await w.send(1)
    assert [line.closed for line in strangers] == [1] * STRANGERS and w.leases.lost == [-1]
    assert not any(wire.users for wire in w.wires) and not w.lines.lines


async def test_between_strangers_a_member_may_be_met() -> None:
    w = World()
    bad, good = Line(b"b" * 32), Line(b"q" * 32)
    w.free.set()
    w.meets += [bad, good]
    w.leases.members = {good.pin: 7}
    await w.send(1)
    assert (bad.closed, good.closed, w.leased[-1].epoch, w.leases.lost) == (1, 0, 7, [])


async def test_a_connection_is_closed_when_its_lease_cannot_be_recorded() -> None:
    w = World()
    met = Line(b"q" * 32)
    w.free.set()
    w.meets.append(met)
    w.leases.members = {met.pin: AuditUnavailable("disk full")}
    with pytest.raises(AuditUnavailable):
        await w.send(1)
    assert met.closed == 1


async def test_a_send_does_not_dial_for_ever() -> None:
    w = World()
    lines = [Line(bytes([n]) * 32) for n in range(20)]
    w.free.set()
    w.meets += lines
    w.leases.members = {line.pin: n + 2 for n, line in enumerate(lines)}
    with pytest.raises(AttestationRefused, match="key_mismatch"):
        await w.send(1)
    assert len(w.meets) == 20 - DIALS and w.leases.lost == [-1 - DIALS]


@pytest.mark.parametrize("times", [1, 2])
async def test_an_enclave_with_another_key_for_bodies_is_asked_once_more_and_then_given_up(times: int) -> None:
    """It says so itself, and no connection shows it."""
    w = World()
    w.free.set()
    w.meets += [None] * times
    if times == 1:
        await w.send(1)
    else:
        with pytest.raises(AttestationRefused, match="key_mismatch"):
            await w.send(1)
    assert w.leases.replaced == 1 and w.leases.lost == ([] if times == 1 else [-2])
    assert [lease.epoch for lease in w.leased] == [1, 2]


async def test_wires_of_leases_that_are_still_given_out_stay_open() -> None:
    w = World()
    w.free.set()
    for epoch in (1, 2, 3):
        await w.send(epoch)
    for wire in w.wires:
        wire.users = 0
    w.leases.held = frozenset({1, 3})
    await (await w.send(3)).close()
    assert [wire.closed for wire in w.wires] == [0, 1, 0]


async def test_leases_with_a_connection_that_nobody_uses_are_asked_for_first() -> None:
    w = World()
    w.leases.held = frozenset({1, 2, 3})
    for epoch in (1, 2, 3):
        await w.send(epoch)
    w.lines.open = {1: 1, 2: 2, 3: 0}
    await w.transport.prepare(Requirements())
    assert w.leases.ready == {2}
    w.free.set()
    await w.transport.close()
    assert w.lines.closed == 1
