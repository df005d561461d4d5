"""The processes of a benchmark: an upstream that answers at once, a minimal pass-through, and the gate.

``python -m benchmarks.loopback upstream | dictation | passthrough URL | gate FOLDER URL KEY MODELS``; each prints its
address and serves until stdin closes. The pass-through is the least that an aiohttp proxy can do: read, send on, copy
the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

PATH = "/v1/chat/completions"
TEXT = "Thank you for your message. " * 10
PIECES = 40
POLICY = """
version: 1
name: benchmark
owner: benchmark@example.com
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: cloud}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
  restore: {user: [text]}
  answers: restore-only
  inspection: {fast: fast, "*": full}
rules:
  - {id: tolerant, when: {app: [bench, tolerant]}, answers: tolerant, because: measured}
  - {id: respond, when: {app: respond}, answers: respond, because: measured}
"""
"""Everything may go to the cloud with stand-ins, so that every case takes the whole way through the gate."""
APPS = ("bench", "restore-only", "tolerant", "respond", "fast")
"""Apps of the gate; the key of each but the first ends in its name."""
WORDS = 60
PACE_S = 0.01
STAND_IN = re.compile(r"\b[A-Z_]+_[a-z0-9]{13}\b")


def chunk(delta: dict[str, str], finish: str | None) -> bytes:
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": "gpt-4o"}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({**base, "choices": [choice]}).encode() + b"\n\n"


async def answer(request: web.Request) -> web.StreamResponse:
    """The same answer to everybody, whole or in ``PIECES``."""
    body = json.loads(await request.read())
    if not body.get("stream"):
        message = {"role": "assistant", "content": TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        base = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "gpt-4o"}
        return web.json_response({**base, "choices": [choice], "usage": usage})
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    size = len(TEXT) // PIECES
    for i in range(PIECES):
        await response.write(chunk({"content": TEXT[i * size : (i + 1) * size]}, None))
    await response.write(chunk({}, "stop") + b"data: [DONE]\n\n")
    return response


class Dictation:
    """An answer word by word, at the pace of a fast model; every tenth word is a stand-in of the request. ``GET
    /stamps`` gives the moments (monotonic, the machine's) at which the words of the last answer left."""

    def __init__(self) -> None:
        self._stamps: list[float] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        text = (await request.read()).decode()
        own = STAND_IN.findall(text) or ["nobody"]
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        self._stamps = []
        for i in range(WORDS):
            await asyncio.sleep(PACE_S)
            name = f"{own[i % len(own)]} " if i % 10 == 5 else ""
            self._stamps.append(time.monotonic())
            await response.write(chunk({"content": f"{name}{word(i)} "}, None))
        await response.write(chunk({}, "stop") + b"data: [DONE]\n\n")
        return response

    async def stamps(self, _: web.Request) -> web.Response:
        return web.json_response(self._stamps)


def word(i: int) -> str:
    """The ``i``-th word of an answer: none like it, and a sentence ends after every twelve."""
    return f"word{i:03}" + ("." if i % 12 == 11 else "")


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(handler: Handler, stamps: Handler | None = None) -> None:
    app = web.Application(client_max_size=2**27)
    app.router.add_post(PATH, handler)
    if stamps is not None:
        app.router.add_get("/stamps", stamps)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    await _until_told(f"http://{host}:{port}")
    await runner.cleanup()


async def _until_told(url: str) -> None:
    print(url, flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def passthrough(upstream: str) -> None:
    """Read, send on, copy back."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            headers = {"content-type": request.headers["content-type"]}
            async with session.post(upstream + PATH, data=await request.read(), headers=headers) as got:
                response = web.StreamResponse(status=got.status, headers={"content-type": got.headers["content-type"]})
                await response.prepare(request)
                async for data in got.content.iter_any():
                    await response.write(data)
                await response.write_eof()
                return response

        await serve(forward)


async def gate(folder: Path, upstream: str, key: str, models: str) -> None:
    """The whole gate with every model, its ledger on disk; only the policy and the inspection deadline are our own."""
    from policies.types import Zone
    from proxy.app import Gate
    from proxy.auth import digest
    from proxy.pace import steady
    from proxy.settings import AppConfig, Limits, ModelRoute, Settings, UpstreamConfig

    os.environ["SEALGATE_MODELS"] = models
    (folder / "policy.yaml").write_text(POLICY)
    settings = Settings(
        data=folder / "var",
        policy="policy.yaml",
        apps=tuple(AppConfig(a, "bench", digest(key if a == APPS[0] else f"{key}-{a}")) for a in APPS),
        upstreams={"cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=f"{upstream}/v1")},
        models={"gpt-4o": ModelRoute((("cloud", "gpt-4o"),))},
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        limits=Limits(inspect_deadline_s=300.0),
        environment="development",
    )
    async with Gate(settings, base=folder) as running:
        steady()  # as `sealgate serve` does
        await _until_told(running.url)


def main(role: str, *args: str) -> None:
    """Runs one role until stdin closes."""
    if role == "upstream":
        asyncio.run(serve(answer))
    elif role == "dictation":
        dictation = Dictation()
        asyncio.run(serve(dictation.answer, dictation.stamps))
    elif role == "passthrough":
        asyncio.run(passthrough(*args))
    else:
        asyncio.run(gate(Path(args[0]), *args[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
