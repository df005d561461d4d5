"""curl against the gate: no SDK that forgives, only HTTP; its exit codes, and the streams that it prints at once.

Also what only a bare connection shows: who leaves ends the upstream's work, and who does not read stops it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, TOKEN, Plan, World, chat, world
from suites import free_port

from policies.types import Zone
from proxy.settings import Limits, ModelRoute, UpstreamConfig

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")
FAILED = 22
"""curl's exit code for an HTTP error with ``--fail-with-body``."""
WAIT_S = 30


@dataclass(frozen=True)
class Printed:
    code: int
    head: str
    """Everything that curl says about the exchange (``-v``)."""
    body: bytes

    @property
    def text(self) -> str:
        return str(json.loads(self.body)["choices"][0]["message"]["content"])

    @property
    def error(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["error"])

    @property
    def streamed(self) -> str:
        """The text of a whole stream, which must be one in the right order."""
        lines = [line for line in self.body.decode().splitlines() if line.startswith("data: ")]
        assert lines[-1] == "data: [DONE]"
        choices = [c for line in lines[:-1] for c in json.loads(line[6:])["choices"]]
        assert choices[0]["delta"]["role"] == "assistant" and choices[-1]["finish_reason"] == "stop"
        return "".join(c["delta"].get("content") or "" for c in choices)


async def begin(w: World, body: bytes, *options: str, key: str = KEY, path: str = "/chat/completions") -> Any:
    """A curl that posts ``body`` from its standard input."""
    assert CURL is not None
    curl = await asyncio.create_subprocess_exec(
        CURL, "-q", "-svN", "--noproxy", "*", "--fail-with-body", "--max-time", str(WAIT_S), *options,
        "-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json", "--data-binary", "@-",
        f"{w.gate.url}/v1{path}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert curl.stdin is not None
    curl.stdin.write(body)
    curl.stdin.close()
    return curl


async def post(w: World, body: bytes | dict[str, Any], *options: str, **more: Any) -> Printed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    curl = await begin(w, raw, *options, **more)
    out, said = await curl.communicate()
    return Printed(curl.returncode, said.decode(), out)


# -- calls ------------------------------------------------------------------------------------------------------------


VERSIONS: list[tuple[str, ...]] = [(), ("--http1.0",), ("--http2",), ("--compressed",), ("-H", "Expect: 100-continue")]
"""``--http2`` asks for an upgrade, which a server may leave unanswered."""


@pytest.mark.parametrize("options", VERSIONS, ids=" ".join)
async def test_every_way_to_ask_gets_the_whole_answer_and_the_whole_stream(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    async with world(tmp_path) as w:
        whole = await post(w, chat(MAIL), *options)
        assert (whole.code, whole.text) == (0, MAIL)
        stream = await post(w, chat(MAIL, stream=True), *options)
        assert (stream.code, stream.streamed) == (0, MAIL)
        assert ("HTTP/1.1 100 Continue" in stream.head) == ("Expect: 100-continue" in options)
        if options == ("--http1.0",):
            assert "transfer-encoding" not in stream.head.lower() and b"data: " in stream.body
        assert all(ADDRESS.encode() not in b for b in w.cloud.bodies) and not w.cloud.violations


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress,
}  # fmt: skip


@pytest.mark.parametrize("encoding", PACKED)
async def test_a_packed_body_is_read_and_leaves_plain(tmp_path: Path, encoding: str) -> None:
    async with world(tmp_path) as w:
        packed = PACKED[encoding](json.dumps(chat(MAIL)).encode())
        answer = await post(w, packed, "-H", f"Content-Encoding: {encoding}", "--compressed")
        assert (answer.code, answer.text) == (0, MAIL)
        assert w.cloud.requests[0].header("content-encoding") is None
        assert not w.cloud.violations and ADDRESS.encode() not in w.cloud.bodies[0]


async def test_a_body_of_unknown_length_in_chunks_is_read_too(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answer = await post(w, chat(MAIL), "-H", "Transfer-Encoding: chunked")
        assert (answer.code, answer.text) == (0, MAIL)


async def test_a_stream_is_printed_while_the_upstream_still_thinks(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.hold = asyncio.Event()
        body = json.dumps(chat(MAIL + " Thank you very much indeed." * 9, "cloud-only", stream=True)).encode()
        curl = await begin(w, body)
        first = await curl.stdout.readuntil(b"\n\n")  # would wait for ever if the gate did
        assert b"data: " in first and not w.cloud.hold.is_set()
        w.cloud.hold.set()
        rest, _ = await curl.communicate()
        assert curl.returncode == 0
        assert Printed(0, "", first + rest).streamed.startswith(MAIL)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("options", VERSIONS, ids=" ".join)
async def test_a_refusal_is_exit_code_22_with_the_reason(
    tmp_path: Path, options: tuple[str, ...], stream: bool
) -> None:
    async with world(tmp_path) as w:
        answer = await post(w, chat(TOKEN, "cloud-only", stream=stream), *options)
        assert answer.code == FAILED
        assert answer.error["code"] == "policy_refused" and "Credentials stay in the house" in answer.error["message"]
        assert " 403 " in answer.head and "x-should-retry: false" in answer.head.lower()
        assert [r["kind"] for r in w.records()] == ["control", "refusal"] and not w.cloud.requests


async def test_curl_does_not_try_a_refusal_again_but_may_try_what_passes(tmp_path: Path) -> None:
    nowhere = {"gone": UpstreamConfig("gone", Zone.CLOUD, "openai", url=f"http://127.0.0.1:{free_port()}/v1")}
    async with world(tmp_path, Plan(more=nowhere, models={"m": ModelRoute((("gone", "m"),))})) as w:
        refused = await post(w, chat(TOKEN, "m"), "--retry", "3", "--retry-delay", "1")
        assert refused.code == FAILED and len(w.records(kind="refusal")) == 1
        gone = await post(w, chat(HARMLESS, "m"))
        assert gone.code == FAILED and " 503 " in gone.head and "retry-after:" in gone.head.lower()
        assert "No upstream" in gone.error["message"]


async def test_other_errors_have_a_body_too(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(limits=Limits(shutdown_s=5.0, body_bytes=4096))) as w:
        stranger = await post(w, chat(HARMLESS), key="nobody-at-all-00")
        assert (stranger.code, stranger.error["code"]) == (FAILED, "invalid_api_key")
        bad = await post(w, b'{"model": "gpt-4o", "messages"')
        assert bad.code == FAILED and " 400 " in bad.head and bad.error["message"]
        missing = await post(w, chat(HARMLESS), path="/realtime")
        assert missing.code == FAILED and missing.error["message"]
        for options in ((), ("-H", "Expect: 100-continue"), ("-H", "Transfer-Encoding: chunked")):
            large = await post(w, chat("word " * 40_000), *options)
            assert (large.code, large.error["code"]) == (FAILED, "request_too_large"), options
        assert not w.cloud.requests


async def test_what_the_upstream_says_against_a_request_reaches_the_app_in_its_own_words(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        odd = {"type": "function", "function": {"name": "f"}, "unheard_of": 1}
        answer = await post(w, chat(MAIL, "cloud-only", tools=[odd]))
        assert answer.code == FAILED and " 400 " in answer.head
        assert answer.error["type"] == "invalid_request_error" and "unheard_of" in answer.error["message"]
        assert answer.error["param"] == "unheard_of" and len(w.cloud.violations) == 1


async def test_a_stream_that_breaks_says_so_and_has_no_end(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode = "drop"
        answer = await post(w, chat(MAIL * 9, "cloud-only", stream=True))
        assert b"[DONE]" not in answer.body
        *_, last = (line for line in answer.body.decode().splitlines() if line.startswith("data: "))
        assert "error" in json.loads(last[6:])


# -- who leaves, and who does not read --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--http1.0",)], ids=" ".join)
async def test_a_curl_that_is_ended_ends_the_upstreams_stream(tmp_path: Path, options: tuple[str, ...]) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode = "endless"
        curl = await begin(w, json.dumps(chat(MAIL, "cloud-only", stream=True)).encode(), *options)
        await curl.stdout.readuntil(b"\n\n")
        curl.terminate()
        async with asyncio.timeout(WAIT_S):
            await w.cloud.gone.wait()
        await curl.communicate()
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == ["cancelled"]


async def test_who_leaves_while_the_upstream_is_silent_ends_its_work_before_it_speaks(tmp_path: Path) -> None:
    order: list[str] = []

    async def speaks(w: World) -> None:
        """The upstream goes on a second after the app left: in that time the gate must be gone."""
        await left.wait()
        await asyncio.sleep(1)
        order.append("the upstream speaks")
        assert w.cloud.hold is not None
        w.cloud.hold.set()

    async def watches(w: World) -> None:
        await w.cloud.gone.wait()
        order.append("the gate hung up")

    left = asyncio.Event()
    async with world(tmp_path) as w:
        w.cloud.hold = asyncio.Event()
        curl = await begin(w, json.dumps(chat(MAIL * 9, "cloud-only", stream=True)).encode())
        await curl.stdout.readuntil(b"\n\n")
        both = [asyncio.create_task(speaks(w)), asyncio.create_task(watches(w))]
        curl.kill()
        await curl.communicate()
        left.set()
        await asyncio.wait(both, timeout=WAIT_S)
        assert order == ["the gate hung up", "the upstream speaks"]


async def test_a_reader_who_stops_stops_the_upstream_which_goes_on_when_he_does(tmp_path: Path) -> None:
    async def at_rest() -> int:
        """Bytes that the upstream wrote, when no more have come for a while."""
        before = -1
        while before != w.cloud.sent or not before:
            before = w.cloud.sent
            await asyncio.sleep(0.5)
        return before

    async with world(tmp_path) as w:
        w.cloud.mode = "endless"
        body = json.dumps(chat(MAIL + " and so on" * 400, "cloud-only", stream=True)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            slow.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(slow, ("127.0.0.1", int(w.gate.url.rpartition(":")[2])))
            fields = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            await loop.sock_sendall(slow, (head + fields).encode() + body)
            async with asyncio.timeout(WAIT_S):
                stopped = await at_rest()  # what sockets hold; a gate that reads ahead never comes to rest
                got = 0
                while w.cloud.sent == stopped:
                    got += len(await loop.sock_recv(slow, 65536))
                    await asyncio.sleep(0)
        async with asyncio.timeout(WAIT_S):
            await w.cloud.gone.wait()
        assert got > 0
