"""A canary in a payload is looked for everywhere the gate may have left it: it is never there, however a request ends.

Searched: stderr and stdout of the whole process tree, log records, the ledger with its -wal, the data directory, files
made meanwhile in the temporary folder, texts of exceptions and answers to other apps; plain, base64, hex, URL-encoded.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import os
import re
import signal
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import aiohttp
import openai
import pytest
from crash_support import Driver
from fake_cloud import FakeCloud
from gate_support import KEY, Judge, Plan, World, chat, world

from attestation.simulator.misbehave import Misbehaviour
from policies.types import Inspection
from proxy.dialects.base import Segment
from proxy.inspect_worker import build
from proxy.ports import Inspected
from proxy.settings import Limits
from redaction.pipeline import Pipeline
from redaction.types import Finding

NAME = "Quintella Vorhausen"
MAIL = "quintella.vorhausen@canary-berry.example"
CARD = "5425 2334 3010 9903"
TOKEN = "ghp_Zq7Canary4vK2mXw9TbRj5LpYs8NcHd3GfAe"
CANARIES = (NAME, "Vorhausen", MAIL, CARD, CARD.replace(" ", ""), TOKEN)
TO_CLOUD = f"{NAME} ({MAIL}) paid with {CARD}."
TO_HOUSE = f"{TO_CLOUD} token = {TOKEN}"


def forms(value: str) -> set[bytes]:
    """A value as it may lie about: plain, JSON, URL, hex, and base64 at any of its three alignments."""
    raw = value.encode()
    out = {raw, raw.lower(), raw.upper(), value.encode("utf-16-le"), raw.hex().encode(), raw.hex().upper().encode()}
    out |= {json.dumps(value)[1:-1].encode(), quote(value).encode(), quote_plus(value).encode()}
    for pad in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * pad + raw)
            out.add(whole[4 if pad else 0 : len(whole) // 4 * 4 - 4])
    return {form for form in out if len(form) >= 6}


FORMS = {canary: forms(canary) for canary in CANARIES}


def found(data: bytes) -> set[str]:
    return {canary for canary, each in FORMS.items() if any(form in data for form in each)}


def files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (p for p in folder.rglob("*") if p.is_file())


class Search:
    """Everything that is looked through at the end."""

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[bytes], logs: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self.data = folder / "var"
        self._captured = captured
        self._logs = logs
        self.errors: list[BaseException] = []

    def dirty(self) -> dict[str, set[str]]:
        """Place -> canaries found there."""
        out, err = self._captured.readouterr()
        formatter = logging.Formatter("%(message)s")
        places = {"stdout": out, "stderr": err, "logs": "\n".join(map(formatter.format, self._logs.records)).encode()}
        places |= {str(path): path.read_bytes() for path in files(self.folder)}
        for error in self.errors:
            places[f"exception {type(error).__name__}"] = repr((error, error.args, getattr(error, "body", ""))).encode()
        return {place: hits for place, data in places.items() if (hits := found(data))}


@pytest.fixture
def search(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Search:  # fmt: skip
    """Temporary files land below ``tmp_path`` too; every logger talks as much as it can."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    caplog.set_level(logging.DEBUG)
    return Search(tmp_path, capfdbinary, caplog)


async def send(w: World, search: Search, text: str, model: str = "gpt-4o", *, stream: bool = False) -> None:
    """Through the SDK, as an app would; whatever it raises is searched too."""
    client = w.sdk(max_retries=0)
    try:
        if not stream:
            await client.chat.completions.create(**chat(text, model))
            return
        async for _ in await client.chat.completions.create(**chat(text, model), stream=True):
            pass
    except (openai.OpenAIError, aiohttp.ClientError) as e:
        search.errors.append(e)


async def test_the_search_finds_a_canary_in_every_form(search: Search, capfdbinary: Any) -> None:
    logging.getLogger("anywhere").debug("got %s", MAIL)
    os.write(2, base64.b64encode(b"ab" + NAME.encode()))
    (search.folder / "leak").write_bytes(b"x" + quote_plus(CARD).encode())
    search.errors.append(ValueError(TOKEN))
    dirty = search.dirty()
    assert MAIL in dirty["logs"]
    assert NAME in dirty["stderr"]
    assert CARD in dirty[str(search.folder / "leak")]
    assert TOKEN in dirty["exception ValueError"]


async def test_answers_refusals_and_failures_leave_no_payload_behind(search: Search, tmp_path: Path) -> None:
    async with world(tmp_path, Plan(judge=None, limits=Limits(shutdown_s=5.0, upstream_idle_s=0.5))) as w:
        for stream in (False, True):
            await send(w, search, TO_CLOUD, stream=stream)
            await send(w, search, f"{TO_CLOUD} MRN: 48291734", stream=stream)
            await send(w, search, TO_HOUSE, stream=stream)
            await send(w, search, TO_HOUSE, "cloud-only", stream=stream)  # refused
            await send(w, search, TO_HOUSE, NAME, stream=stream)  # no such model
        for mode in ("error", "redirect", "drop", "gzip", "not_json", "hang"):
            w.cloud.mode = mode
            await send(w, search, TO_CLOUD, "cloud-only")
            await send(w, search, TO_CLOUD, "cloud-only", stream=True)
        assert w.cloud.requests and w.house.requests and w.enclave.received
        assert search.dirty() == {}
        with contextlib.closing(sqlite3.connect(search.data / "ledger.sqlite")) as db:
            assert not found("\n".join(db.iterdump()).encode())
    assert search.errors
    assert search.dirty() == {}


async def test_requests_that_cannot_be_read_leave_no_payload_behind(search: Search, tmp_path: Path) -> None:
    text = json.dumps(TO_HOUSE)
    bodies = (
        f'{{"model": "gpt-4o", "messages": [{{"role": "user", "content": {text}}}',
        f'{{"model": "gpt-4o", "messages": {text}}}',
        f'{{"model": "gpt-4o", {text}: 1, {text}: 2, "messages": []}}',
        f'{{"model": {text}, "messages": [{{"role": {text}, "content": 1}}]}}',
        f'{{"model": "gpt-4o", "messages": [{{"role": "user", "content": "x", {text}: {text}}}]}}',
        f'{{"model": "gpt-4o", "messages": [], "tools": [{{"type": {text}}}], "stop": {{{text}: 1}}}}',
        f"{TO_HOUSE}",
        text,
    )
    async with world(tmp_path) as w:
        w.house.strict = False  # its refusal would name the member, to the app that sent it
        for body in bodies:
            headers = {"content-type": "application/json"}
            async with w.http.post(w.chat_url, data=body.encode(), headers=headers) as answer:
                assert not found(await answer.read())
        for path in (f"/v1/{quote(MAIL)}", f"/v1/chat/completions?user={quote(MAIL)}"):
            async with w.http.post(w.gate.url + path, json=chat("x"), headers={"x-note": MAIL}) as answer:
                assert answer.status in {400, 404}
    assert search.dirty() == {}


MALFORMED = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" + MAIL.encode() + b" \x00: 1\r\n\r\n",
    b"POST /v1/chat/completions " + TOKEN.encode() + b"\r\n\r\n",
    TOKEN.encode() + b"!\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: " + TOKEN.encode() + b"\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n" + TOKEN.encode() + b"\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-encoding: br\r\ncontent-length: 50\r\n\r\n" + b"x" * 50,
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nexpect: " + TOKEN.encode() + b"\r\ncontent-length: 0\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + TOKEN.encode() + b" / HTTP/1.1\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx: " + TOKEN.encode() * 1000 + b"\r\n\r\n",
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + KEY.encode()
    + b"\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + TOKEN.encode() + b"\r\n",
)  # fmt: skip


@pytest.mark.parametrize("data", MALFORMED, ids=range(len(MALFORMED)))
async def test_bytes_that_are_no_http_leave_no_payload_behind(search: Search, tmp_path: Path, data: bytes) -> None:
    async with world(tmp_path) as w:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(w.gate.url).port)
        writer.write(data)
        answer = await reader.read(65536)
        assert re.match(rb"HTTP/1\.[01] 4\d\d ", answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert json.loads(body.splitlines()[-1])["error"]["request_id"].startswith("req_")
        assert b"aiohttp" not in head.lower() and not found(answer)
        writer.close()
        await writer.wait_closed()
    assert search.dirty() == {}


class Quoting:
    """A detector whose error quotes the text."""

    name = "quoting"
    digest = "0" * 16

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        raise ValueError(f"cannot judge {text!r}")


class Crashing(Judge):
    """A bug in the gate itself, whose error quotes the text."""

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        raise RuntimeError(" ".join(s.text for s in segments)) from ValueError(segments[0].text)


async def test_a_detector_whose_error_quotes_the_text_leaves_no_payload_behind(search: Search, tmp_path: Path) -> None:
    judge = Judge(Pipeline([*build(None, names=False).detectors, Quoting()], None))
    async with world(tmp_path, Plan(judge=judge)) as w:
        await send(w, search, TO_HOUSE)
        assert w.records(kind="intent")
    assert search.dirty() == {}


@pytest.mark.parametrize("stream", [False, True])
async def test_a_bug_whose_error_quotes_the_text_leaves_no_payload_behind(
    search: Search, tmp_path: Path, stream: bool
) -> None:
    async with world(tmp_path, Plan(judge=Crashing())) as w:
        await send(w, search, TO_HOUSE, stream=stream)
    (error,) = search.errors
    assert isinstance(error, openai.InternalServerError)
    assert search.dirty() == {}


async def test_a_bug_in_the_middle_of_an_answer_leaves_no_payload_behind(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Any, chunk: str) -> str:
        raise RuntimeError(TO_HOUSE)

    monkeypatch.setattr("redaction.restore.Restorer.feed", broken)
    async with world(tmp_path) as w:
        await send(w, search, TO_CLOUD)
        await send(w, search, TO_CLOUD, stream=True)
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == ["internal_error"] * 2
    assert search.dirty() == {}


async def test_a_killed_worker_and_a_lying_enclave_leave_no_payload_behind(search: Search, tmp_path: Path) -> None:
    plan = Plan(judge=None, limits=Limits(inspect_deadline_s=0.3, shutdown_s=5.0))
    async with world(tmp_path, plan) as w:
        pid = w.gate.workers.workers[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        await send(w, search, TO_HOUSE)
        w.enclave.misbehaviour = Misbehaviour.TAMPERED_REPORT
        await send(w, search, f"{TO_CLOUD} MRN: 48291734", "sealed-only")
        await w.gate.store.close()
        await send(w, search, TO_HOUSE)
    assert search.dirty() == {}


async def test_an_app_that_leaves_mid_stream_leaves_no_payload_behind(search: Search, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.house.mode = "endless"
        async with w.http.post(w.chat_url, json=chat(TO_HOUSE, stream=True)) as answer:
            await answer.content.readany()
            answer.close()
        async with asyncio.timeout(30):
            await w.house.gone.wait()
        await w.quiet()
    assert search.dirty() == {}


async def test_a_gate_that_is_killed_leaves_no_payload_behind(search: Search, tmp_path: Path) -> None:
    points = ("before_begin", "after_begin", "before_send", "after_headers", "chunk", "before_finish")
    async with FakeCloud() as cloud, Driver(tmp_path, cloud.url, KEY) as driver:
        for point in points:
            gate = await driver.start(point)
            async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as http:
                with contextlib.suppress(aiohttp.ClientError):
                    url = f"{gate['url']}/v1/chat/completions"
                    async with http.post(url, json=chat(TO_CLOUD, stream=True)) as answer:
                        await answer.read()
            await driver.dead()
            assert search.dirty() == {}, point
        assert cloud.requests
        assert (search.data / "ledger.sqlite-wal").is_file()
