"""The data door over real loopback sockets: each check has a test that fails without it."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from egress_support import chat, receipt_for, upstream
from fake_cloud import FakeCloud

from policies.types import Requirements, Zone
from proxy import egress
from proxy.egress import DataDoor
from proxy.errors import ConfigError, Misuse, UpstreamError
from proxy.outbound import Answer, Outbound
from proxy.ports import Candidate
from proxy.settings import Limits, Secret, UpstreamConfig

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
ELSEWHERE = (ipaddress.ip_network("10.0.0.0/8"),)


class Doors:
    """Makes data doors and closes them at the end of the test."""

    def __init__(self) -> None:
        self.made: list[DataDoor] = []

    def __call__(self, *configs: UpstreamConfig, **more: Any) -> DataDoor:
        self.made.append(DataDoor({c.name: c for c in configs}, **more))
        return self.made[-1]


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    made = Doors()
    yield made
    for door in made.made:
        await door.close()


@pytest.fixture
async def cloud() -> AsyncIterator[FakeCloud]:
    async with FakeCloud() as made:
        yield made


async def send(door: DataDoor, out: Outbound) -> tuple[Answer, bytes]:
    async with door.send(receipt_for(out), out) as answer:
        return answer, b"".join([c async for c in answer.chunks])


async def refused(door: DataDoor, out: Outbound) -> UpstreamError:
    with pytest.raises(UpstreamError) as e:
        await send(door, out)
    return e.value


async def test_the_recorded_bytes_arrive_unchanged(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(url=cloud.url))
    out = chat(body=b'{ "model":"m",  "messages":[{"role":"user","content":"h\\u00e9"}] , "temperature":1.0 }')
    answer, body = await send(door, out)
    assert answer.status == 200
    assert json.loads(body)["choices"][0]["message"]["content"] == "hé"
    assert cloud.bodies == [out.body]
    assert not cloud.violations


async def test_credentials_are_added_at_the_door_and_nothing_else_is(doors: Doors, cloud: FakeCloud) -> None:
    await send(doors(upstream(url=cloud.url, key=Secret("sk-secret"))), chat())
    names = {k.lower() for k, _ in cloud.requests[0].headers}
    assert cloud.requests[0].header("authorization") == "Bearer sk-secret"
    assert cloud.requests[0].header("accept-encoding") == "identity"
    allowed = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
    assert names == allowed


async def test_connections_to_one_upstream_are_pooled(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(url=cloud.url))
    for _ in range(3):
        await send(door, chat())
    assert cloud.connections == 1


# --- receipts


async def test_a_forged_receipt_opens_nothing(doors: Doors, cloud: FakeCloud) -> None:
    door, out = doors(upstream(url=cloud.url)), chat()
    forged = dataclasses.replace(receipt_for(out), mac=b"\0" * 32)
    with pytest.raises(Misuse):
        async with door.send(forged, out):
            pass
    assert not cloud.requests


@pytest.mark.parametrize(
    "change",
    [
        {"body": b'{"model":"m","messages":[]}'},
        {"path": "/models"},
        {"query": "a=b"},
        {"headers": (("content-type", "text/plain"),)},
        {"method": "GET"},
    ],
)
async def test_a_receipt_covers_every_part_of_the_request(
    doors: Doors, cloud: FakeCloud, change: dict[str, Any]
) -> None:
    door, out = doors(upstream(url=cloud.url)), chat()
    with pytest.raises(Misuse, match="recorded bytes"):
        async with door.send(receipt_for(out), dataclasses.replace(out, **change)):
            pass
    assert not cloud.requests


async def test_a_receipt_for_one_upstream_does_not_open_another(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream("a", url=cloud.url), upstream("b", url=cloud.url))
    with pytest.raises(Misuse, match="recorded bytes"):
        async with door.send(receipt_for(chat("a")), chat("b")):
            pass
    assert not cloud.requests


async def test_a_receipt_opens_the_door_once_also_while_it_is_open(doors: Doors, cloud: FakeCloud) -> None:
    door, out = doors(upstream(url=cloud.url)), chat()
    receipt = receipt_for(out)
    async with door.send(receipt, out):
        with pytest.raises(Misuse, match="used before"):
            async with door.send(receipt, out):
                pass
    with pytest.raises(Misuse, match="used before"):
        async with door.send(receipt, out):
            pass
    assert len(cloud.requests) == 1


async def test_a_receipt_is_spent_even_when_the_upstream_fails(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "redirect"
    door, out = doors(upstream(url=cloud.url)), chat()
    receipt = receipt_for(out)
    with pytest.raises(UpstreamError):
        async with door.send(receipt, out):
            pass
    with pytest.raises(Misuse, match="used before"):
        async with door.send(receipt, out):
            pass


async def test_one_send_is_entered_once_and_may_be_left_twice(doors: Doors, cloud: FakeCloud) -> None:
    out = chat()
    sending = doors(upstream(url=cloud.url)).send(receipt_for(out), out)
    await sending.__aenter__()
    with pytest.raises(Misuse):
        await sending.__aenter__()
    await sending.__aexit__(None, None, None)
    await sending.__aexit__(None, None, None)


async def test_an_upstream_outside_the_table_is_unknown(doors: Doors, cloud: FakeCloud) -> None:
    door, out = doors(upstream(url=cloud.url)), chat("other")
    with pytest.raises(Misuse, match="table"):
        async with door.send(receipt_for(out), out):
            pass
    with pytest.raises(Misuse, match="table"):
        await door.prepare(Candidate("other", "m", Zone.CLOUD, False), Requirements())


async def test_a_request_that_breaks_the_rules_of_shape_stays_inside(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(url=cloud.url))
    for change in ({"path": "/../admin"}, {"method": "TRACE"}, {"headers": (("cookie", "a=b"),)}):
        out = dataclasses.replace(chat(), **change)
        with pytest.raises(Misuse):
            async with door.send(receipt_for(out), out):
                pass
    assert not cloud.requests


# --- addresses


async def test_an_onprem_upstream_answers_from_its_networks(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(zone=Zone.ONPREM, url=cloud.url), onprem_networks=LOOPBACK)
    assert (await send(door, chat()))[0].status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_onprem_name_that_resolves_elsewhere_is_not_connected_to(
    doors: Doors, cloud: FakeCloud, host: str
) -> None:
    config = upstream(zone=Zone.ONPREM, url=f"http://{host}:{cloud.port}/v1")
    door = doors(config, onprem_networks=ELSEWHERE)
    assert (await refused(door, chat())).code == "address_refused"
    assert not cloud.requests


async def test_without_networks_no_address_is_onprem(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(zone=Zone.ONPREM, url=cloud.url))
    assert (await refused(door, chat())).code == "address_refused"


async def test_a_mapped_ipv4_address_counts_as_what_it_is(doors: Doors, cloud: FakeCloud) -> None:
    config = upstream(zone=Zone.ONPREM, url=f"http://[::ffff:127.0.0.1]:{cloud.port}/v1")
    assert (await refused(doors(config, onprem_networks=ELSEWHERE), chat())).code == "address_refused"
    assert (await send(doors(config, onprem_networks=LOOPBACK), chat()))[0].status == 200


@pytest.mark.parametrize("url", ["http://192.0.2.7/v1", "http://0.0.0.0/v1"])
async def test_plain_http_to_a_cloud_beyond_loopback_is_refused_before_connecting(doors: Doors, url: str) -> None:
    assert (await refused(doors(upstream(url=url)), chat())).code == "address_refused"


async def test_the_networks_do_not_allow_plain_http_to_a_cloud(doors: Doors) -> None:
    door = doors(upstream(url="http://10.9.9.9/v1"), onprem_networks=ELSEWHERE)
    assert (await refused(door, chat())).code == "address_refused"


async def test_proxies_of_the_environment_are_ignored(
    doors: Doors, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeCloud() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        await send(doors(upstream(url=cloud.url)), chat())
        assert not proxy.requests
    assert len(cloud.requests) == 1


# --- answers


async def test_a_redirect_is_refused_and_not_followed(doors: Doors, cloud: FakeCloud) -> None:
    async with FakeCloud() as other:
        cloud.mode, cloud.location = "redirect", f"{other.url}/chat/completions"
        error = await refused(doors(upstream(url=cloud.url)), chat())
        assert error.code == "redirect_refused"
        assert not other.requests


async def test_an_answer_in_an_unasked_encoding_is_refused(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "gzip"
    assert (await refused(doors(upstream(url=cloud.url)), chat())).code == "encoding_refused"


async def test_cookies_are_neither_shown_nor_returned(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "evil_headers"
    door = doors(upstream(url=cloud.url))
    answer, _ = await send(door, chat())
    await send(door, chat())
    assert set(answer.headers) == {"content-type", "x-request-id", "x-ratelimit-limit-requests"}
    assert cloud.requests[1].header("cookie") is None


async def test_an_answer_over_the_cap_is_cut(doors: Doors, cloud: FakeCloud) -> None:
    cloud.reply = lambda _: "x" * 5000
    door = doors(upstream(url=cloud.url), limits=Limits(answer_bytes=4000))
    assert (await refused(door, chat())).code == "answer_too_large"


async def test_an_upstream_error_status_is_an_answer(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode, cloud.status = "error", 503
    answer, _ = await send(doors(upstream(url=cloud.url)), chat())
    assert answer.status == 503


async def test_a_silent_upstream_times_out(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "hang"
    door = doors(upstream(url=cloud.url), limits=Limits(upstream_idle_s=0.05))
    assert (await refused(door, chat())).code == "upstream_timeout"


async def test_an_upstream_that_is_not_there_is_unreachable(doors: Doors, cloud: FakeCloud) -> None:
    await cloud.stop()
    error = await refused(doors(upstream(url=cloud.url)), chat())
    assert error.code == "upstream_unreachable"
    assert error.__cause__ is None
    assert error.__suppress_context__


async def test_an_answer_that_breaks_off_is_an_error_not_an_end(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "drop"
    assert (await refused(doors(upstream(url=cloud.url)), chat())).code == "upstream_error"


async def test_a_stream_arrives_as_it_is_written(doors: Doors, cloud: FakeCloud) -> None:
    cloud.wire_piece = 7
    body = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hello there"}]}'
    answer, raw = await send(doors(upstream(url=cloud.url)), chat(body=body))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert raw.endswith(b"data: [DONE]\n\n")


STREAM = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hello there"}]}'


async def test_leaving_early_closes_the_upstream_at_once(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "endless"
    out = chat(body=STREAM)
    async with doors(upstream(url=cloud.url)).send(receipt_for(out), out) as answer:
        await anext(answer.chunks)
        assert not cloud.gone.is_set()
    async with asyncio.timeout(5):
        await cloud.gone.wait()


async def test_cancelling_the_reader_closes_the_upstream(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode = "hang"
    task = asyncio.ensure_future(send(doors(upstream(url=cloud.url)), chat()))
    await cloud.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        await cloud.gone.wait()


async def test_a_slow_reader_slows_the_upstream(doors: Doors, cloud: FakeCloud) -> None:
    cloud.mode, cloud.reply = "endless", lambda _: "x" * 50_000
    cloud.piece = 50_000
    out = chat(body=STREAM)
    async with doors(upstream(url=cloud.url), limits=Limits(answer_bytes=2**40)).send(receipt_for(out), out) as a:
        await anext(a.chunks)
        before = -1
        while before != cloud.sent < 64 * 2**20:  # until the writer stands still
            before = cloud.sent
            await asyncio.sleep(0.1)
        assert cloud.sent < 64 * 2**20


# --- local engines and configuration


class Engine:
    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.closed = False

    async def chat(self, body: bytes) -> Answer:
        self.bodies.append(body)
        return Answer(200, {"content-type": "application/json"}, self._chunks())

    async def _chunks(self) -> AsyncIterator[bytes]:
        try:
            yield b"{"
            yield b"}"
        finally:
            self.closed = True


async def test_an_embedded_model_needs_a_receipt_too_and_is_closed_at_the_end(doors: Doors) -> None:
    engine = Engine()
    door = doors(upstream("local", Zone.ONPREM, kind="llama", model="smol"), engines={"local": engine})
    out = chat("local")
    async with door.send(receipt_for(out), out) as answer:
        assert await anext(answer.chunks) == b"{"
    assert engine.closed
    assert engine.bodies == [out.body]
    with pytest.raises(Misuse):
        async with door.send(dataclasses.replace(receipt_for(out), mac=b""), out):
            pass
    assert len(engine.bodies) == 1


async def test_an_embedded_model_serves_two_paths(doors: Doors) -> None:
    door = doors(upstream("local", Zone.ONPREM, kind="llama", model="smol"), engines={"local": Engine()})
    _, body = await send(door, Outbound("local", "GET", "/models"))
    assert json.loads(body)["data"][0]["id"] == "smol"
    assert (await refused(door, Outbound("local", "POST", "/embeddings"))).code == "path_not_supported"


@pytest.mark.parametrize(
    "config",
    [
        upstream("local", Zone.CLOUD, kind="llama", model="smol"),
        upstream("other", Zone.ONPREM, kind="llama", model="smol"),
        upstream("sealed", Zone.ENCLAVE, "https://127.0.0.1/v1"),
        upstream(url="ftp://host/v1"),
    ],
)
async def test_an_upstream_that_cannot_be_reached_safely_stops_the_start(config: UpstreamConfig) -> None:
    with pytest.raises(ConfigError):
        DataDoor({config.name: config}, engines={"local": Engine()})


async def test_only_enclaves_have_something_to_attest(doors: Doors, cloud: FakeCloud) -> None:
    door = doors(upstream(url=cloud.url))
    assert await door.prepare(Candidate("cloud", "m", Zone.CLOUD, False), Requirements()) is None


async def test_the_door_says_that_it_is_connecting_and_stops_saying_so(
    doors: Doors, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = egress.aiohttp.ClientSession.request

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.append(egress.IN_DOOR.get())
        return real(*args, **kwargs)

    monkeypatch.setattr(egress.aiohttp.ClientSession, "request", spy)
    await send(doors(upstream(url=cloud.url)), chat())
    assert seen == [True]
    assert egress.IN_DOOR.get() is False
