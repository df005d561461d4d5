"""The processes of a benchmark: an upstream that answers at once, a minimal pass-through, and the gate.

``python -m benchmarks.loopback upstream | passthrough URL | gate FOLDER URL KEY MODELS``; each prints its address and
serves until stdin closes. The pass-through is the least that an aiohttp proxy can do: read, send on, copy the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
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
"""
"""Everything may go to the cloud with stand-ins, so that every case takes the whole way through the gate."""


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


async def serve(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
    app = web.Application(client_max_size=2**27)
    app.router.add_post(PATH, handler)
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
    from proxy.settings import AppConfig, Limits, ModelRoute, Settings, UpstreamConfig

    os.environ["SEALGATE_MODELS"] = models
    (folder / "policy.yaml").write_text(POLICY)
    settings = Settings(
        data=folder / "var",
        policy="policy.yaml",
        apps=(AppConfig("bench", "bench", digest(key)),),
        upstreams={"cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=f"{upstream}/v1")},
        models={"gpt-4o": ModelRoute((("cloud", "gpt-4o"),))},
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        limits=Limits(inspect_deadline_s=300.0),
        environment="development",
    )
    async with Gate(settings, base=folder) as running:
        await _until_told(running.url)


def main(role: str, *args: str) -> None:
    """Runs one role until stdin closes."""
    if role == "upstream":
        asyncio.run(serve(answer))
    elif role == "passthrough":
        asyncio.run(passthrough(*args))
    else:
        asyncio.run(gate(Path(args[0]), *args[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
