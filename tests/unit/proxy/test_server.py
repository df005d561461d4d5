"""The data plane's handlers with a flow that plays: odd headers, and apps that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer

from proxy.auth import digest, new_key
from proxy.call import Call
from proxy.ports import Reply
from proxy.server import Server
from proxy.settings import AppConfig, Limits, Settings
from proxy.surfaces import CHAT

KEY = new_key()
AUTH = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


@dataclass
class Chunks(AsyncIterator[bytes]):
    """Says one thing, then waits until it is closed."""

    closed: asyncio.Event = field(default_factory=asyncio.Event)
    said: bool = False

    async def __anext__(self) -> bytes:
        if self.said:
            await self.closed.wait()
            raise StopAsyncIteration
        self.said = True
        return b"data: x\n\n"

    async def aclose(self) -> None:
        self.closed.set()


@dataclass
class Playing:
    chunks: Chunks = field(default_factory=Chunks)
    calls: list[Call] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "text/event-stream"})

    async def run(self, call: Call, dialect: Any) -> Reply:
        self.calls.append(call)
        return Reply(200, dict(self.headers), self.chunks, stream=True)


Made = Callable[[Playing], Awaitable[tuple[Server, "TestClient[Any, Any]"]]]


@pytest.fixture
async def made() -> AsyncIterator[Made]:
    clients: list[TestClient[Any, Any]] = []

    async def make(flow: Playing) -> tuple[Server, TestClient[Any, Any]]:
        settings = Settings(
            Path(), "builtin:default", (AppConfig("crm", "sales", digest(KEY)),), {}, {},
            limits=Limits(concurrent_requests=1),
        )  # fmt: skip
        server = Server(settings, flow)  # type: ignore[arg-type]  # plays the flow
        client = TestClient(TestServer(server.application(), handler_cancellation=True))
        await client.start_server()
        clients.append(client)
        return server, client

    yield make
    for client in clients:
        await client.close()


async def test_an_app_that_leaves_mid_stream_closes_the_reply_and_frees_its_place(made: Made) -> None:
    flow = Playing()
    server, client = await made(flow)
    response = await client.post(CHAT, data=b"{}", headers=AUTH)
    assert await response.content.readany() == b"data: x\n\n"
    assert server.gauge.running == 1
    response.close()
    async with asyncio.timeout(10):
        await flow.chunks.closed.wait()
        await server.gauge.empty()


async def test_a_reply_whose_head_cannot_be_sent_is_closed(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(self: web.StreamResponse, request: web.BaseRequest) -> None:
        raise ConnectionResetError

    flow = Playing()
    server, client = await made(flow)
    monkeypatch.setattr(web.StreamResponse, "prepare", gone)
    with pytest.raises(Exception):  # noqa: B017, PT011 -- the connection breaks in one way or another
        await client.post(CHAT, data=b"{}", headers=AUTH)
    assert flow.chunks.closed.is_set()
    assert not flow.chunks.said
    assert server.gauge.running == 0


@pytest.mark.parametrize("value", ["x" * 257, b"\xff".decode("utf-8", "surrogateescape"), "a\x7fb"])
async def test_an_odd_conversation_header_is_a_clear_400(made: Made, value: str) -> None:
    flow = Playing()
    _, client = await made(flow)
    status = await raw(client, f"sealgate-conversation: {value}", KEY)
    assert status == 400
    assert flow.calls == []


async def test_a_key_of_odd_bytes_is_a_401(made: Made) -> None:
    _, client = await made(Playing())
    assert await raw(client, "x: y", b"\xff".decode("utf-8", "surrogateescape")) == 401


async def test_no_path_but_the_served_ones_answers_and_none_without_a_key(made: Made) -> None:
    flow = Playing()
    _, client = await made(flow)
    for method, path in (("GET", CHAT), ("POST", "/v1/files"), ("PUT", "/"), ("GET", "/v1/models/..%2f")):
        async with client.request(method, path) as response:
            assert response.status == 401
        async with client.request(method, path, headers=AUTH) as response:
            assert response.status == 404
    assert flow.calls == []


async def raw(client: TestClient[Any, Any], header: str, key: str) -> int:
    """The status of a chat request with a header no client library would send."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{header}\r\nContent-Length: 2\r\n\r\n"
    writer.write(head.encode("utf-8", "surrogateescape") + b"{}")
    line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])


@dataclass
class Faulty:
    """A flow with a bug, before or in the middle of an answer. Its message holds what must not be seen."""

    early: bool

    async def run(self, call: Call, dialect: Any) -> Reply:
        if self.early:
            raise RuntimeError("payload-canary-7731")

        async def chunks() -> AsyncIterator[bytes]:
            yield b"data: x\n\n"
            raise RuntimeError("payload-canary-7731")

        return Reply(200, {"content-type": "text/event-stream"}, chunks(), stream=True)


@pytest.mark.parametrize("early", [True, False])
async def test_a_bug_of_ours_shows_its_place_in_the_log_and_nothing_of_the_payload(
    made: Made, early: bool, caplog: pytest.LogCaptureFixture
) -> None:
    _, client = await made(Faulty(early))  # type: ignore[arg-type]  # plays the flow's one method
    response = await client.post(CHAT, data=b"{}", headers=AUTH)
    text = await response.text()
    assert response.status == (500 if early else 200)
    assert '"code":"internal_error"' in text and "payload-canary" not in text
    assert "RuntimeError at" in caplog.text and "payload-canary" not in caplog.text


@dataclass
class Flood:
    """An answer that never ends; counts what was handed out."""

    closed: asyncio.Event = field(default_factory=asyncio.Event)
    raw: bool = False

    async def run(self, call: Call, dialect: Any) -> Reply:
        async def chunks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"data: " + b"x" * 65_536 + b"\n\n"
            finally:
                self.closed.set()

        return Reply(200, {"content-type": "text/event-stream"}, chunks(), stream=True, raw=self.raw)


@pytest.mark.parametrize("raw", [False, True])
async def test_an_app_that_does_not_read_is_cut_off(made: Made, raw: bool) -> None:
    flood = Flood(raw=raw)
    server, client = await made(flood)  # type: ignore[arg-type]  # plays the flow's one method
    server._settings = replace(server._settings, limits=replace(server._settings.limits, app_idle_s=0.2))
    response = await client.post(CHAT, data=b"{}", headers=AUTH)
    await asyncio.wait_for(flood.closed.wait(), 20)
    assert server.gauge.running == 0 or await asyncio.wait_for(server.gauge.empty(), 5) is None
    if raw:
        with pytest.raises(ClientError):
            await response.read()
    response.close()


async def test_a_fault_in_the_middle_of_raw_bytes_breaks_the_connection_and_says_nothing(made: Made) -> None:
    @dataclass
    class Broken(Flood):
        async def run(self, call: Call, dialect: Any) -> Reply:
            async def chunks() -> AsyncIterator[bytes]:
                yield b"\x00" * 9
                raise RuntimeError("payload-canary")

            return Reply(200, {"content-type": "audio/mpeg"}, chunks(), stream=True, raw=True)

    _, client = await made(Broken())  # type: ignore[arg-type]  # plays the flow's one method
    response = await client.post(CHAT, data=b"{}", headers=AUTH)
    with pytest.raises(ClientError):
        await response.read()
