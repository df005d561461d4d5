"""A gate that can be killed at chosen moments, over and over, on one ledger.

Run as a script (``python crash_support.py FOLDER UPSTREAM KEY``) it is a driver: it imports the gate once, then forks a
fresh gate for every line ``{"point": …, "after": n, "early": false}`` on stdin, so that a start costs no imports. The
fork answers one line with its address, or the driver says that it died on the way. Only patterns and secrets inspect.

``point`` names the moment at which the gate kills itself with SIGKILL, the ``after``-th time it gets there; None leaves
it to the test. ``early`` plants the bug the tests exist for: a send that does not wait for its record.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POINTS = (
    "before_begin", "before_commit", "in_transaction", "after_commit", "after_begin", "before_send", "after_headers",
    "chunk", "before_finish", "after_finish", "before_recovery", "after_recovery",
)  # fmt: skip
"""Moments in the life of a request, in order; the last two are moments of the start after a crash."""


class Driver:
    """The test's side: starts gates, knows when they are dead."""

    def __init__(self, folder: Path, upstream: str, key: str) -> None:
        self._args = (str(folder), upstream, key)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Driver:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            *self._args,
            env=env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends the driver; it takes the last gate with it."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process is not None and self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), 60)
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def start(self, point: str | None = None, after: int = 1, *, early: bool = False) -> dict[str, Any]:
        """A fresh gate: ``{"url": …, "pid": …, "recovered": n}``, or ``{"died": true}``."""
        return await self._ask({"do": "start", "point": point, "after": after, "early": early})

    async def dead(self) -> None:
        """Returns when the gate is gone (somebody must kill it)."""
        await self._ask({"do": "wait"})


def main(folder: Path, upstream: str, key: str) -> None:
    """The driver's loop. Single-threaded until it forks; each child runs one gate and never returns."""
    from proxy import app

    child = 0
    for line in sys.stdin:
        asked = json.loads(line)
        if child:
            if asked["do"] == "start":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            child = 0
        if asked["do"] == "wait":
            print("{}", flush=True)
            continue
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _be_a_gate(app, settings(folder, upstream, key), asked, writing)
        os.close(writing)
        with os.fdopen(reading) as told:
            print(told.readline().strip() or '{"died": true}', flush=True)
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def settings(folder: Path, upstream: str, key: str) -> Any:
    """One app, one cloud, everything on loopback."""
    from policies.types import Zone
    from proxy.auth import digest
    from proxy.settings import AppConfig, ModelRoute, Settings, UpstreamConfig

    return Settings(
        data=folder / "var",
        policy="builtin:default",
        apps=(AppConfig("crm", "sales", digest(key)),),
        upstreams={"cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=upstream)},
        models={"gpt-4o": ModelRoute((("cloud", "gpt-4o"),))},
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        environment="development",
    )


def _be_a_gate(app: Any, wanted: Any, plan: dict[str, Any], tell: int) -> None:
    code = 1
    try:
        asyncio.run(_serve(app, wanted, plan, tell))
        code = 0
    finally:
        os._exit(code)


def patterns_only(app: Any) -> Any:
    """The gate of ``proxy.app`` without models: patterns and secrets inspect, so that it starts in a second."""
    from proxy.inspect import WorkerPool

    class PatternsOnly(app.Gate):  # type: ignore[misc]  # loaded late, so that the driver imports before it forks
        async def _inspection(self, secret: Any) -> WorkerPool:
            limits = self.settings.limits
            pool = WorkerPool(None, names=False, workers=1, limits=limits, cache_key=secret.purpose("cache"))
            self._stack.push_async_callback(pool.close)
            await pool.start()
            return pool

    return PatternsOnly


async def _serve(app: Any, wanted: Any, plan: dict[str, Any], tell: int) -> None:
    arm(plan)
    async with patterns_only(app)(wanted) as gate:
        ready = {"url": gate.url, "pid": os.getpid(), "recovered": gate.store.recovered}
        os.write(tell, json.dumps(ready).encode() + b"\n")
        await asyncio.Event().wait()


def arm(plan: dict[str, Any]) -> None:
    """Puts the fatal moment into the gate's own classes (of this process, which dies of it)."""
    from proxy.audit.sqlite import SqliteStore
    from proxy.egress import HttpWire

    left = plan["after"]

    def hit(point: str) -> None:
        nonlocal left
        if point == plan["point"]:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(owner: type, name: str, before: str, after: str) -> None:
        original = getattr(owner, name)

        async def waited(self: Any, *args: Any) -> Any:
            hit(before)
            made = await original(self, *args)
            hit(after)
            return made

        def called(self: Any, *args: Any) -> Any:
            hit(before)
            made = original(self, *args)
            hit(after)
            return made

        setattr(owner, name, waited if asyncio.iscoroutinefunction(original) else called)

    around(SqliteStore, "begin", "before_begin", "after_begin")
    around(SqliteStore, "finish", "before_finish", "after_finish")
    around(SqliteStore, "_commit", "before_commit", "after_commit")
    around(SqliteStore, "_recover", "before_recovery", "after_recovery")
    around(HttpWire, "_request", "before_send", "after_headers")
    _watch_transactions(SqliteStore, hit)
    _watch_chunks(HttpWire, hit)
    if plan["early"]:
        _send_before_recording(SqliteStore)


def _watch_transactions(store: Any, hit: Any) -> None:
    opened = store.open

    async def open_(self: Any) -> None:
        await opened(self)
        self._db.set_trace_callback(lambda sql: hit("in_transaction") if sql.startswith("COMMIT") else None)

    store.open = open_


def _watch_chunks(wire: Any, hit: Any) -> None:
    read = wire._chunks

    async def chunks(self: Any, response: Any) -> AsyncIterator[bytes]:
        inner = read(self, response)
        try:
            async for chunk in inner:
                hit("chunk")
                yield chunk
        finally:
            await inner.aclose()

    wire._chunks = chunks


def _send_before_recording(store: Any) -> None:
    from proxy.audit.store import issue

    recorded = store.begin
    late: set[asyncio.Task[Any]] = set()

    async def begin(self: Any, intent: Any, digest: bytes) -> Any:
        async def later() -> None:
            await asyncio.sleep(0.5)
            await recorded(self, intent, digest)

        late.add(asyncio.create_task(later()))
        return issue(10**9 + len(late), intent.common.request_id, intent.upstream, digest)

    store.begin = begin


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
