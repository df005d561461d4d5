"""Connections that are kept: what was said on them before a request passes for no answer, and nothing goes twice."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from egress_support import enclave
from fake_tls import Identity, TlsPeer

from proxy.errors import UpstreamError
from proxy.lines import Lines
from proxy.outbound import Outbound
from proxy.settings import Limits
from proxy.upstreams.lease import AttestationRefused
from proxy.upstreams.pinning import seen_tls
from proxy.upstreams.transports import HOLDS, Opened
from proxy.wires import STALE, HttpWire, proven_connector

ASK = Outbound("sealed", "POST", "/models", body=b"secret")
Talk = Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def said(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class Peer(TlsPeer):
    """Each connection follows ``talk``."""

    talk: Talk

    def __init__(self) -> None:
        super().__init__(Identity())
        self.go = asyncio.Event()
        self.heard = asyncio.Semaphore(0)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self.talk(self, reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = re.search(rb"content-length: *(\d+)", head.lower())
        self.received += head + await reader.readexactly(int(size[1]) if size else 0)
        self.heard.release()


class World:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.config = enclave(peer.url)
        self.lines = Lines(self.config, ())
        self.pool = self.lines.pool(1, peer.identity.pin)
        self.wire = HttpWire(self.config, Limits(), self.pool)

    async def ask(self, out: Outbound = ASK) -> bytes:
        return await self.whole(await self.wire.open(out))

    async def whole(self, opened: Opened) -> bytes:
        try:
            return b"".join([c async for c in opened.answer.chunks])
        finally:
            await opened.close()

    async def until(self, true: Callable[[], bool]) -> None:
        """Only a hang misses the deadline."""
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end
            await asyncio.sleep(0.005)


@pytest.fixture
async def w() -> AsyncIterator[World]:
    async with Peer() as peer:
        made = World(peer)
        yield made
        await made.wire.close()
        await made.lines.close()


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
async def test_nothing_is_sent_again_where_a_kept_connection_ends(w: World, method: str, reset: bool) -> None:
    """Nor to whom another connection would have met."""

    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        writer.write(said(b"1"))
        await peer.request(reader)
        if reset:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    w.peer.talk = talk
    out = Outbound("sealed", method, "/models", body=b"" if method == "GET" else b"secret")
    assert await w.ask(out) == b"1"
    with pytest.raises(UpstreamError) as e:
        await w.ask(out)
    assert e.value.code == "upstream_error"
    assert (w.peer.connections, w.peer.received.count(method.encode() + b" /v1/models")) == (1, 2)


@pytest.mark.parametrize("when", ["with the answer", "with its end", "later"])
async def test_what_nobody_asked_for_is_not_the_next_answer(w: World, when: str) -> None:
    """Two tenants share the connection."""

    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if peer.connections > 1:
            await peer.request(reader)
            writer.write(said(b"asked for"))
            return
        await peer.request(reader)
        first, foreign = said(b"first"), said(b"somebody else's")
        head = len(first) - 1
        if when == "with its end":
            writer.write(first[:head])
            await peer.go.wait()
            writer.write(first[head:] + foreign)
        elif when == "with the answer":
            writer.write(first + foreign)
        else:
            writer.write(first)
            await peer.go.wait()
            writer.write(foreign)
        await peer.request(reader)

    w.peer.talk = talk
    opened = await w.wire.open(ASK)
    if when == "with its end":
        w.peer.go.set()
    assert await w.whole(opened) == b"first"
    (kept,) = w.pool._given
    if when == "later":
        w.peer.go.set()
        await w.until(lambda: kept.should_close)
    assert await w.ask() == b"asked for"
    assert w.peer.connections == 2 and not kept.is_connected()
    assert w.peer.received.count(b"POST") == 2


@pytest.mark.parametrize(
    "status", [b"101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade", b"600 Odd"]
)
async def test_what_is_no_answer_is_refused_and_its_connection_is_not_kept(w: World, status: bytes) -> None:
    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\n")
        await peer.request(reader)

    w.peer.talk = talk
    with pytest.raises(UpstreamError) as e:
        await w.ask()
    assert e.value.code == "redirect_refused"
    assert w.pool.alive == 0 and w.wire.users == 0


async def test_nothing_that_an_answer_sets_goes_along_with_the_next_request(w: World) -> None:
    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await peer.request(reader)
            writer.write(said(b"1").replace(b"\r\n", b"\r\nset-cookie: tenant=1; path=/\r\n", 1))

    w.peer.talk = talk
    for _ in range(2):
        assert await w.ask() == b"1"
    assert w.peer.received.count(b"POST ") == 2 and b"cookie" not in w.peer.received.lower()


async def test_an_answer_that_is_closed_twice_ends_once(w: World) -> None:
    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        writer.write(said(b"1"))
        await peer.request(reader)

    w.peer.talk = talk
    opened = await w.wire.open(ASK)
    assert w.wire.users == 1
    for _ in range(2):
        await opened.close()
        assert w.wire.users == 0


async def test_connections_to_a_key_are_counted(w: World) -> None:
    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        await peer.go.wait()
        writer.write(said(b"1"))
        await peer.request(reader)

    w.peer.talk = talk
    sending = [asyncio.ensure_future(w.wire.open(ASK)) for _ in range(3)]
    for _ in sending:
        await w.peer.heard.acquire()
    assert w.lines.open_to(1) == 3
    w.peer.go.set()
    for opened in await asyncio.gather(*sending):
        await w.whole(opened)
    w.pool._given[0].close()
    assert w.lines.open_to(1) == 2 and w.lines.open_to(2) == 0


async def test_a_request_gives_up_a_few_connections_and_no_more(w: World) -> None:
    late = asyncio.Event()

    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.request(reader)
        await peer.go.wait()
        writer.write(said(b"1"))
        await late.wait()
        writer.write(b"HTTP/1.1 408 Late\r\ncontent-length: 0\r\n\r\n")
        await peer.request(reader)

    w.peer.talk = talk
    sending = [asyncio.ensure_future(w.wire.open(ASK)) for _ in range(STALE + 1)]
    for _ in sending:
        await w.peer.heard.acquire()
    w.peer.go.set()
    for opened in await asyncio.gather(*sending):
        assert await w.whole(opened) == b"1"
    late.set()
    await w.until(lambda: all(kept.should_close for kept in w.pool._given))
    with pytest.raises(UpstreamError):
        await w.ask()
    assert await w.ask() == b"1", "the last of them, then a new one"
    assert w.peer.connections == STALE + 2


async def test_a_lease_that_has_ended_by_now_sends_nothing_over_any_connection(w: World) -> None:
    async def talk(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await peer.request(reader)
            writer.write(said(b"1"))

    def ended() -> None:
        raise AttestationRefused("sealed", ("denied",))

    w.peer.talk = talk
    unpinned = HttpWire(w.config, Limits(), proven_connector(w.config, (), seen_tls(lambda _: None)))
    for wire in (w.wire, unpinned):
        for kept in (False, True):
            if kept:
                assert await w.whole(await wire.open(ASK)) == b"1"
            before = bytes(w.peer.received)
            token = HOLDS.set(ended)
            with pytest.raises(AttestationRefused):
                await wire.open(ASK)
            HOLDS.reset(token)
            assert bytes(w.peer.received) == before and wire.users == 0
    await unpinned.close()
    await w.wire.close()
    await w.until(lambda: not w.peer._writers)
