"""Connections by the key that they met: what may be said on them, into whose pool they come, and when they close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from egress_support import chat, enclave
from fake_tls import Identity, TlsPeer

from attestation.providers.base import Ask
from proxy import lines as module
from proxy.errors import Misuse, UpstreamError
from proxy.lines import SPARE, Line, Lines
from proxy.settings import Limits, Secret
from proxy.upstreams.pinning import PinMismatch, spki_sha256
from proxy.upstreams.transports import KeyChanged
from proxy.wires import HttpWire

TWO = (Ask("first", "/a?n=1", max_bytes=1000), Ask("second", "/b/c", post=b'{"n":"2"}', max_bytes=1000))
NOBODY = b"n" * 32


class World:
    def __init__(self, peer: TlsPeer) -> None:
        self.peer = peer
        self.config = enclave(peer.url, key=Secret("sk-secret"))
        self.lines = Lines(self.config, ())

    def wire(self, pin: bytes, epoch: int = 1) -> HttpWire:
        return HttpWire(self.config, Limits(), self.lines.pool(epoch, pin))

    async def met(self) -> Line:
        """A connection that met somebody else than it was for."""
        wire = self.wire(NOBODY, 99)
        with pytest.raises(KeyChanged) as e:
            await wire.open(chat("sealed"))
        await wire.close()
        assert isinstance(e.value.line, Line)
        return e.value.line

    async def gone(self, connections: int) -> None:
        """Waits until the peer sees no more connections than that; only a hang misses the deadline."""
        end = time.monotonic() + 60
        while len(self.peer._writers) > connections:
            assert time.monotonic() < end, "a connection was left open"
            await asyncio.sleep(0.005)


@pytest.fixture
async def w() -> AsyncIterator[World]:
    async with TlsPeer(Identity()) as peer:
        made = World(peer)
        yield made
        await made.lines.close()


async def test_a_connection_says_whose_key_it_met_and_carried_nothing(w: World) -> None:
    line = await w.met()
    assert (line.pin, line.certificate) == (w.peer.identity.pin, w.peer.identity.certificate)
    assert line.alive and not w.peer.received
    line.close()
    await w.gone(0)


async def test_questions_and_requests_share_the_connection(w: World) -> None:
    line = await w.met()
    w.peer.answer = lambda head: head.split(b" ")[1]
    heard = await line.fetch_evidence("sealed", TWO)
    assert {name: reply.body for name, reply in heard.replies.items()} == {"first": b"/a?n=1", "second": b"/b/c"}
    assert heard.certificate == w.peer.identity.certificate
    assert b"sk-secret" not in w.peer.received and b"authorization" not in w.peer.received.lower()
    w.lines.keep(line)
    wire = w.wire(line.pin)
    opened = await wire.open(chat("sealed"))
    assert b"".join([c async for c in opened.answer.chunks]) == b"/v1/chat/completions"
    assert w.peer.connections == 1 and w.lines.open_to(1) == 1
    await opened.close()
    await wire.close()
    await w.gone(0)


async def test_what_is_kept_goes_to_its_own_key_alone(w: World) -> None:
    line = await w.met()
    w.lines.keep(line)
    other = await w.met()  # for nobody: what was kept is not for it
    assert other is not line and line.alive
    other.close()
    wire = w.wire(line.pin)
    opened = await wire.open(chat("sealed"))
    await opened.close()
    assert w.peer.connections == 2 and w.peer.received.count(b"POST ") == 1
    await wire.close()


async def test_without_questions_the_certificate_is_all_that_is_read(w: World) -> None:
    line = await w.met()
    heard = await line.fetch_evidence("sealed", ())
    assert (heard.certificate, heard.replies) == (w.peer.identity.certificate, {})
    assert line.alive and not w.peer.received
    line.close()


async def test_answers_of_two_connections_are_no_evidence(w: World) -> None:
    line = await w.met()
    w.peer.close_after = 1
    with pytest.raises(UpstreamError):
        await line.fetch_evidence("sealed", TWO)
    assert w.peer.connections == 1 and not line.alive


async def test_a_connection_that_died_is_dialled_again(w: World) -> None:
    line = await w.met()
    w.lines.keep(line)
    line.close()
    await w.gone(0)
    wire = w.wire(line.pin)
    opened = await wire.open(chat("sealed"))
    await opened.close()
    assert w.peer.connections == 2
    await wire.close()


async def test_a_connection_that_waited_long_is_dialled_again(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await w.met()
    w.lines.keep(line)
    monkeypatch.setattr(module, "KEPT_S", 0.0)
    wire = w.wire(line.pin)
    opened = await wire.open(chat("sealed"))
    await opened.close()
    assert w.peer.connections == 2 and not line.alive
    await wire.close()


async def test_only_short_questions_are_asked(w: World) -> None:
    line = await w.met()
    with pytest.raises(Misuse):
        await line.fetch_evidence("sealed", (Ask("a", "/a", post=b"x" * 4096),))
    assert not w.peer.received
    line.close()


@pytest.mark.parametrize(
    ("status", "size", "code"),
    [
        ("307 Moved", 1, "redirect_refused"),
        ("503 No", 1, "evidence_unavailable"),
        ("200 OK", 1001, "evidence_too_large"),
    ],
)
async def test_what_is_no_evidence_for_the_control_door_is_none_here(
    w: World, status: str, size: int, code: str
) -> None:
    line = await w.met()
    w.peer.status, w.peer.answer = status, b"x" * size
    with pytest.raises(UpstreamError) as e:
        await line.fetch_evidence("sealed", TWO[:1])
    assert e.value.code == code
    line.close()


async def test_all_questions_together_have_one_deadline(w: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVIDENCE_S", 0.1)
    line = await w.met()
    w.peer.delay_s = 3600.0
    with pytest.raises(UpstreamError) as e:
        await line.fetch_evidence("sealed", TWO)
    assert e.value.code == "upstream_timeout"
    line.close()


async def test_a_connection_that_was_asked_closes_when_it_is_given_up(w: World) -> None:
    line = await w.met()
    await line.fetch_evidence("sealed", TWO)
    line.close()
    assert not line.alive
    await w.gone(0)


async def test_connections_that_ended_take_no_room_among_those_that_wait(w: World) -> None:
    kept = [await w.met() for _ in range(SPARE + 1)]
    for line in kept[:SPARE]:
        w.lines.keep(line)
    kept[-2].close()
    w.lines.keep(kept[-1])
    assert [line.alive for line in kept] == [True] * (SPARE - 1) + [False, True]


async def test_a_connection_that_is_given_up_while_it_is_asked_ends_with_the_questions(w: World) -> None:
    line = await w.met()
    w.peer.pause = asyncio.Event()
    asking = asyncio.ensure_future(line.fetch_evidence("sealed", TWO))
    while not w.peer.received:
        await asyncio.sleep(0.005)
    line.close()
    assert line.alive
    w.peer.pause.set()
    assert set((await asking).replies) == {"first", "second"}
    assert not line.alive
    await w.gone(0)


async def test_a_key_that_nobody_can_read_is_met_a_few_times_and_no_more(w: World) -> None:
    await w.peer.rotate(Identity(lambda der: der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1)))
    wire = w.wire(NOBODY)
    with pytest.raises(UpstreamError) as e:
        await wire.open(chat("sealed"))
    await wire.close()
    assert e.value.code == "upstream_untrusted" and w.peer.connections == 0 and not w.peer.received


def _unknown(certificate: bytes) -> bytes:
    """With a key of a kind that no library knows."""
    return certificate.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d027f"), 1)


@pytest.mark.parametrize("how", ["empty", "garbage", "kind", "version"])
def test_a_key_that_cannot_be_read_is_no_key(how: str) -> None:
    der = Identity().certificate
    changed = {
        "empty": b"",
        "garbage": b"\x30\x03abc",
        "kind": _unknown(der),
        "version": der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07", 1),
    }
    with pytest.raises(PinMismatch):
        spki_sha256(changed[how])


async def test_no_more_than_a_few_connections_wait(w: World) -> None:
    kept = [await w.met() for _ in range(SPARE + 3)]
    for line in kept:
        w.lines.keep(line)
    assert [line.alive for line in kept] == [False] * 3 + [True] * SPARE
    await w.lines.close()
    await w.gone(0)
    assert w.lines._dialer is not None and w.lines._dialer.closed


async def test_connections_of_others_are_not_kept(w: World) -> None:
    with pytest.raises(Misuse):
        w.lines.keep(object())  # type: ignore[arg-type]


async def test_pools_that_are_closed_are_forgotten(w: World) -> None:
    for epoch in range(20):
        wire = w.wire(w.peer.identity.pin, epoch)
        opened = await wire.open(chat("sealed"))
        await opened.close()
        await wire.close()
    assert len(w.lines._pools) == 1 and w.lines.open_to(5) == 0
