"""The local model as an upstream: llama.cpp in its own process, one answer at a time, a bounded queue before it.

Nothing here connects anywhere: requests and answers travel over pipes. A crash of the process fails the request in
flight and starts a new one. A consumer that goes away stops the generation; one that reads slowly holds nobody up. The
process gets none of the gate's environment, so no credential. No error carries payload text.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from proxy.errors import Busy, ConfigError, UpstreamError
from proxy.outbound import Answer
from proxy.tasks import spawn
from proxy.upstreams.local_request import Unsupported, options, parse

QUEUE = 8
"""Requests that may be waiting or answered; the next one is told to come back."""
LOAD_S = 60.0
"""How long a model may take to load."""
SILENCE_S = 60.0
"""Longest silence within an answer (2048 prompt tokens take about 12 s on one core); then its process is killed."""
CANCEL_S = 3.0
"""How long a cancelled generation may take to stop before its process is killed."""
REVIVE_S = 0.1
"""Pause before a new process, so that one which dies at once does not spin."""
PASSED_ENV = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH"})

Frame = Mapping[str, Any]
CRASHED: Frame = {"error": "local_model_crashed"}
FAILED: Frame = {"error": "local_model_failed"}
SENTENCES = {
    "context_length_exceeded": "The request does not fit into the local model's context.",
    "invalid_request": "The local model cannot use these parameters.",
}
"""Errors of a request; every other code is the upstream's fault."""


@dataclass(slots=True)
class _Job:
    """One request. ``frames`` takes what the process says about it; an ``error`` or ``done`` frame is the last."""

    number: int
    arguments: Mapping[str, Any] = field(repr=False)
    frames: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue, repr=False)
    running: bool = False
    ended: bool = False


class _Process:
    """A running llama_worker and its pipes. ``read`` gives its frames; CRASHED forever once it is gone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._in = process.stdin
        self._out = process.stdout
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self.reading = spawn(self._read(), "local-model-frames")  # one reader: a cancelled consumer tears no frame

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self.reading.done() and self._process.returncode is None

    async def _read(self) -> None:
        try:
            while True:
                size = int.from_bytes(await self._out.readexactly(4), "big")
                self._frames.put_nowait(orjson.loads(await self._out.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            self._frames.put_nowait(CRASHED)

    async def read(self, within_s: float) -> Frame:
        """The next frame; a process that stays silent is killed."""
        try:
            async with asyncio.timeout(within_s):
                return await self._frames.get()
        except TimeoutError:
            self.kill()
            return CRASHED

    def write(self, value: Frame) -> None:
        """Queues one frame; a process that is gone is noticed by ``read``."""
        data = orjson.dumps(value)
        self._in.write(len(data).to_bytes(4, "big") + data)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        self.kill()
        await self._process.wait()
        await asyncio.wait({self.reading})
        getattr(self._process, "_transport").close()  # noqa: B009 -- asyncio has no public way to close the pipes at once


class LocalEngine:
    """One model in one process. ``name`` is the model name that answers carry."""

    def __init__(self, model_path: Path, name: str, *, queue: int = QUEUE) -> None:
        self._path = model_path
        self.name = name
        self._queue = queue
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._process: _Process | None = None
        self._closed = False
        self._number = 0
        self.restarts = 0
        """Processes started after one had died."""

    @property
    def alive(self) -> bool:
        """Whether the model can answer now."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Loads the model. Raises ConfigError when the file is missing, no model, or llama.cpp is not installed."""
        self._closed = False
        async with self._turn:
            await self._launch()

    async def _launch(self) -> None:
        if not self._path.is_file():
            raise ConfigError(f"the local model is missing ({self._path}); run: sealgate models install")
        threads = str(max(1, (os.cpu_count() or 2) - 1))  # with all cores busy, generation collapses
        env = {k: v for k, v in os.environ.items() if k in PASSED_ENV}
        # libgomp's endless spinning ruins a busy machine, no spinning costs 65 % of an idle one
        env |= {"OMP_NUM_THREADS": threads, "GOMP_SPINCOUNT": "1000"}
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-I", "-m", "proxy.upstreams.llama_worker", str(self._path), threads)
        started = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env=env
        )
        process = _Process(started)
        try:
            first = await process.read(LOAD_S)
        except asyncio.CancelledError:
            await process.close()
            raise
        if "ready" not in first:
            await process.close()
            raise ConfigError("the local model could not be loaded; run: sealgate models verify")
        self._process = process
        process.reading.add_done_callback(lambda _: self._died(process))

    def _died(self, process: _Process) -> None:
        if not self._closed and self._process is process:
            spawn(self._revive(), "local-model-restart")

    async def _revive(self) -> None:
        await asyncio.sleep(REVIVE_S)
        async with self._turn:
            with contextlib.suppress(ConfigError):  # the next request tries again, and says so
                await self._living()

    async def _living(self) -> _Process:
        """The process, a new one if it died; call it with the turn. Raises ConfigError."""
        if self._closed:
            raise ConfigError("the local model is closed")
        if self._process is None or not self._process.alive:
            dead, self._process = self._process, None
            if dead is not None:
                await dead.close()
            self.restarts += 1
            await self._launch()
        assert self._process is not None
        return self._process

    async def close(self) -> None:
        """Ends the process; running answers fail. Idempotent."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
        async with self._turn:
            process, self._process = self._process, None
            if process is not None:
                await process.close()

    async def chat(self, body: bytes) -> Answer:
        """An OpenAI chat answer (JSON or SSE); 400 for what the model cannot do. Raises Busy or UpstreamError."""
        try:
            request = parse(body)
            arguments = options(request)
        except Unsupported as e:
            return _error("unsupported", str(e))
        frames = self._frames(arguments)
        try:
            first = await anext(frames)
            if (code := first.get("error")) is not None:
                if code not in SENTENCES:
                    raise UpstreamError("The local model failed.", code=code)
                await frames.aclose()
                return _error(code, SENTENCES[code])
        except BaseException:
            await frames.aclose()
            raise
        if request.get("stream"):
            usage = bool((request.get("stream_options") or {}).get("include_usage"))
            return Answer(200, {"content-type": "text/event-stream"}, self._sse(first, frames, usage=usage))
        return await self._whole(first, frames)

    async def _frames(self, arguments: Mapping[str, Any]) -> AsyncGenerator[Frame, None]:
        """What the process says about one request. Leaving early stops the model."""
        if self._waiting >= self._queue:
            raise Busy("The local model's queue is full.", code="local_queue_full", retry_after_s=2)
        self._number += 1
        self._waiting += 1
        job = _Job(self._number, arguments)
        task = spawn(self._answer(job), "local-model-answer")
        task.add_done_callback(lambda _: self._free(job))
        try:
            while True:
                frame = await job.frames.get()
                yield frame
                if "chunk" not in frame:
                    return
        finally:
            self._leave(job, task)

    def _free(self, job: _Job) -> None:
        """However the task ended, whoever reads gets a last frame and waits no longer."""
        self._waiting -= 1
        if not job.ended:
            job.ended = True
            job.frames.put_nowait(FAILED)

    def _leave(self, job: _Job, task: asyncio.Task[None]) -> None:
        """Nobody reads this answer any more: stop it, or take it out of the queue."""
        if job.ended:
            return
        process = self._process
        if not job.running or process is None:
            task.cancel()
            return
        process.write({"cancel": job.number})
        asyncio.get_running_loop().call_later(CANCEL_S, lambda: None if job.ended else process.kill())

    async def _answer(self, job: _Job) -> None:
        """Waits for its turn and moves one answer from the process to its job, however fast that is read."""
        async with self._turn:
            try:
                process = await self._living()
            except ConfigError:
                job.frames.put_nowait({"error": "local_model_unavailable"})
                return
            job.running = True
            process.write({"id": job.number, "options": job.arguments})
            while not job.ended:
                frame = await process.read(SILENCE_S)
                job.ended = "chunk" not in frame
                job.frames.put_nowait(frame)

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": f"chatcmpl-{secrets.token_hex(8)}",
            "object": kind,
            "created": int(time.time()),
            "model": self.name,
        }

    async def _sse(self, first: Frame, frames: AsyncGenerator[Frame, None], *, usage: bool) -> AsyncIterator[bytes]:
        head = self._head("chat.completion.chunk")

        def event(delta: Mapping[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return b"data: " + orjson.dumps(head | {"choices": [choice]}) + b"\n\n"

        async with contextlib.aclosing(frames):
            yield event({"role": "assistant", "content": ""})
            frame = first
            while "done" not in frame:
                yield event({"content": _text(frame)})
                frame = await anext(frames)
            yield event({}, frame["done"])
            if usage:
                yield b"data: " + orjson.dumps(head | {"choices": [], "usage": _usage(frame)}) + b"\n\n"
            yield b"data: [DONE]\n\n"

    async def _whole(self, first: Frame, frames: AsyncGenerator[Frame, None]) -> Answer:
        text: list[str] = []
        frame = first
        async with contextlib.aclosing(frames):
            while "done" not in frame:
                text.append(_text(frame))
                frame = await anext(frames)
        message = {"role": "assistant", "content": "".join(text)}
        choice = {"index": 0, "message": message, "finish_reason": frame["done"]}
        body = self._head("chat.completion") | {"choices": [choice], "usage": _usage(frame)}
        return Answer(200, {"content-type": "application/json"}, _bytes(orjson.dumps(body)))


def _text(frame: Frame) -> str:
    """The text of a chunk. Raises UpstreamError for an error frame in the middle of an answer."""
    if "chunk" not in frame:
        raise UpstreamError("The local model failed in the middle of its answer.", code=frame["error"])
    return str(frame["chunk"])


def _usage(done: Frame) -> dict[str, int]:
    tokens_in, tokens_out = int(done["tokens_in"]), int(done["tokens_out"])
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def _error(code: str, text: str) -> Answer:
    body = {"error": {"message": text, "type": "invalid_request_error", "param": None, "code": code}}
    return Answer(400, {"content-type": "application/json"}, _bytes(orjson.dumps(body)))


async def _bytes(data: bytes) -> AsyncIterator[bytes]:
    yield data
