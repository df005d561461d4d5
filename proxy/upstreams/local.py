"""The local model as an upstream: llama.cpp in its own process, one answer at a time, a bounded queue before it.

Nothing here connects anywhere: requests and answers travel over pipes. A crash of the process fails the request in
flight and starts a new one; a consumer that goes away stops the generation. No error carries payload text.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from proxy.errors import Busy, ConfigError, UpstreamError
from proxy.outbound import Answer

MAX_TOKENS = 256
"""Upper bound of an answer's length; SmolLM2 makes about 60 tokens a second on one core."""
QUEUE = 8
"""Requests that may wait for the model; the next one is told to come back."""
CANCEL_S = 2.0
"""How long a cancelled generation may take to stop before its process is killed (reading a long prompt cannot stop)."""

PASSED = ("temperature", "top_p", "stop", "seed", "presence_penalty", "frequency_penalty")
REFUSED = ("tools", "functions", "logprobs", "audio", "modalities")


class Unsupported(Exception):
    """The request needs what the local model cannot do; ``str()`` names the field only."""


def options(body: Mapping[str, Any]) -> dict[str, Any]:
    """llama.cpp's arguments for an OpenAI request. Raises Unsupported."""
    for name in REFUSED:
        if body.get(name):
            raise Unsupported(f"The local model does not support '{name}'.")
    if body.get("n") not in (None, 1):
        raise Unsupported("The local model gives one answer: 'n' must be 1.")
    asked = body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS
    out: dict[str, Any] = {k: body[k] for k in PASSED if body.get(k) is not None}
    out["messages"] = [message(m) for m in body["messages"]]
    out["max_tokens"] = max(1, min(int(asked), MAX_TOKENS))
    return out


def message(m: Mapping[str, Any]) -> dict[str, str]:
    """One message as plain text: the template knows system, user and assistant."""
    content = m.get("content")
    if isinstance(content, list):
        if any(p.get("type") not in ("text", "refusal") for p in content):
            raise Unsupported("The local model reads text only.")
        content = "\n".join(p.get("text") or p.get("refusal") or "" for p in content)
    role = {"developer": "system", "tool": "user", "function": "user"}.get(m["role"], m["role"])
    calls = [c["function"] for c in m.get("tool_calls") or () if "function" in c]
    text = content or "\n".join(f"{c.get('name')}({c.get('arguments')})" for c in calls)
    return {"role": role, "content": text}


class LocalEngine:
    """One model in one process. ``name`` is the model name that answers carry."""

    def __init__(self, model_path: Path, name: str, *, queue: int = QUEUE) -> None:
        self._path = model_path
        self.name = name
        self._queue = queue
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._number = 0
        self.restarts = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Loads the model. Raises ConfigError when the file is missing or llama.cpp is not installed."""
        if not self._path.is_file():
            raise ConfigError(f"the local model is missing ({self._path}); run: sealgate models install")
        threads = max(1, (os.cpu_count() or 2) - 1)  # a busy core makes all-core generation collapse
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env |= {"OMP_NUM_THREADS": str(threads), "GOMP_SPINCOUNT": "1000"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "proxy.upstreams.llama_worker", str(self._path), str(threads),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=env,
        )  # fmt: skip
        try:
            await self._read()
        except asyncio.IncompleteReadError:
            await self._kill()
            raise ConfigError("the local model could not be loaded; `sealgate models verify` may say why") from None

    async def close(self) -> None:
        """Ends the process."""
        await self._kill()

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        getattr(process, "_transport").close()  # noqa: B009 -- asyncio has no public way to close the pipes at once

    async def _read(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        size = int.from_bytes(await self._process.stdout.readexactly(4), "big")
        return orjson.loads(await self._process.stdout.readexactly(size))

    async def _write(self, value: Mapping[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        data = orjson.dumps(value)
        self._process.stdin.write(len(data).to_bytes(4, "big") + data)
        await self._process.stdin.drain()

    async def chat(self, body: bytes) -> Answer:
        """An OpenAI chat answer (JSON or SSE). Raises Busy when the queue is full, UpstreamError when it fails."""
        request = json.loads(body)
        try:
            arguments = options(request)
        except Unsupported as e:
            return _error(400, "unsupported", str(e))
        if self._waiting >= self._queue:
            raise Busy("The local model's queue is full.", code="local_queue_full", retry_after_s=2)
        self._waiting += 1
        pieces = self._pieces(arguments)
        try:
            first = await anext(pieces)
        except BaseException:
            await pieces.aclose()
            raise
        if "error" in first:
            await pieces.aclose()
            text = "The request does not fit into the local model's context."
            return _error(400, first["error"], text)
        if request.get("stream"):
            usage = bool((request.get("stream_options") or {}).get("include_usage"))
            return Answer(200, {"content-type": "text/event-stream"}, self._sse(first, pieces, usage=usage))
        return await self._whole(first, pieces)

    async def _pieces(self, arguments: Mapping[str, Any]) -> AsyncGenerator[Any, None]:
        """Frames of one generation; the last has ``done``. Leaving early stops the model."""
        finished = False
        try:
            async with self._turn:
                try:
                    if not self.alive:
                        self.restarts += 1
                        await self._kill()
                        await self.start()
                    self._number += 1
                    await self._write({"id": self._number, "options": arguments})
                    while not finished:
                        frame = await self._read()
                        finished = "done" in frame or "error" in frame
                        yield frame
                except (asyncio.IncompleteReadError, ConnectionError, ConfigError):
                    finished = True
                    await self._kill()
                    raise UpstreamError("The local model's process ended.", code="local_model_crashed") from None
                finally:
                    if not finished:
                        await asyncio.shield(self._stop(self._number))
        finally:
            self._waiting -= 1

    async def _stop(self, number: int) -> None:
        """Cancels a generation; kills the process when it does not listen."""
        try:
            async with asyncio.timeout(CANCEL_S):
                await self._write({"cancel": number})
                while True:
                    frame = await self._read()
                    if "done" in frame or "error" in frame:
                        return
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, AssertionError):
            await self._kill()

    def _head(self, kind: str) -> dict[str, Any]:
        number = f"chatcmpl-{secrets.token_hex(8)}"
        return {"id": number, "object": kind, "created": int(time.time()), "model": self.name}

    async def _sse(self, first: Any, pieces: AsyncGenerator[Any, None], *, usage: bool) -> AsyncIterator[bytes]:
        head = self._head("chat.completion.chunk")

        def event(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return b"data: " + orjson.dumps(head | {"choices": [choice]}) + b"\n\n"

        async with contextlib.aclosing(pieces):
            yield event({"role": "assistant", "content": ""})
            frame = first
            while "done" not in frame:
                yield event({"content": frame["chunk"]})
                frame = await anext(pieces)
            yield event({}, frame["done"])
            if usage:
                yield b"data: " + orjson.dumps(head | {"choices": [], "usage": _usage(frame)}) + b"\n\n"
            yield b"data: [DONE]\n\n"

    async def _whole(self, first: Any, pieces: AsyncGenerator[Any, None]) -> Answer:
        text: list[str] = []
        frame = first
        async with contextlib.aclosing(pieces):
            while "done" not in frame:
                text.append(frame["chunk"])
                frame = await anext(pieces)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(text)},
            "finish_reason": frame["done"],
        }
        body = self._head("chat.completion") | {"choices": [choice], "usage": _usage(frame)}
        return Answer(200, {"content-type": "application/json"}, _bytes(orjson.dumps(body)))


def _usage(done: Mapping[str, Any]) -> dict[str, int]:
    tokens_in, tokens_out = int(done["tokens_in"]), int(done["tokens_out"])
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _error(status: int, code: str, text: str) -> Answer:
    body = {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": code}}
    return Answer(status, {"content-type": "application/json"}, _bytes(orjson.dumps(body)))


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data
