"""A soak: mixed requests against a real gate, many of them cut off by their app, and what is left afterwards.

``await soak(folder, count)`` gives a :class:`Report`. Requests run in rounds. After each, the apps hang up, the
stand-ins close idle connections, and the process is measured: whatever a request should have given back is given back
by then. The stand-ins run in the same process and forget what they saw after every round.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import random
import sqlite3
import statistics
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped]  # its types are a package of their own
import soak_requests
from aiohttp import web
from any_upstream import AnyUpstream
from document_files import CANARY
from fake_anthropic import FakeAnthropic
from fake_cloud import FakeCloud
from fake_files import FakeFiles
from fake_gemini import FakeGemini
from fake_ollama import FakeOllama
from fake_openai_more import FakeOpenAIMore
from fake_responses import FakeResponses
from gate_support import KEY, MODELS, SECRET, Plan, World, world
from soak_requests import Shot
from yarl import URL

from policies.types import Zone
from proxy.settings import Limits, ModelRoute, UpstreamConfig

APPS = 16
"""Requests in flight."""
LIMITS = Limits(body_bytes=1_000_000, shutdown_s=5.0)
FORGETS = ("requests", "bodies", "headers", "paths", "violations", "received", "files", "objects", "_peers")
VALUES = (b"anna.berg", SECRET.encode(), CANARY.encode())
ENDINGS = ("whole", "whole", "early", "body", "stream")
"""How an app behaves: reads all; leaves at a random moment, while it sends, or in the middle of the answer."""


@dataclass(slots=True)
class Footprint:
    """What the process holds when nothing runs. ``memory`` is in bytes, of this process and of its children."""

    done: int
    tasks: Counter[str]
    sockets: int
    spools: int
    other_files: int
    threads: int
    """Without those of the event loop's pool, which Python starts one by one up to a handful, and keeps."""
    on_disk: frozenset[str]
    objects: int
    memory: int
    children: int


@dataclass(slots=True)
class Report:
    """``gone`` counts apps that left before an answer began."""

    prints: list[Footprint] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    gone: int = 0
    restarts: int = 0

    def growth(self, name: str) -> float:
        """Units per request over the second half of the rounds: the median slope of all pairs (Theil and Sen), so that
        one round in which the system took memory away says nothing."""
        rest = [(p.done, getattr(p, name)) for p in self.prints[len(self.prints) // 2 :]]
        return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(rest, 2))


class Crowd:
    """The far ends of a soak."""

    def __init__(self) -> None:
        self.endless = FakeCloud(mode="endless", reply=lambda _: "and so on " * 20)
        self.broken = FakeCloud(mode="drop")
        self.claude, self.responses, self.gemini = FakeAnthropic(), FakeResponses(), FakeGemini()
        self.ollama, self.small, self.files, self.api = FakeOllama(), FakeOpenAIMore(), FakeFiles(), AnyUpstream()

    def plan(self) -> Plan:
        cloud, house = Zone.CLOUD, Zone.ONPREM
        table = (
            ("files", cloud, "openai", self.files), ("endless", cloud, "openai", self.endless),
            ("broken", cloud, "openai", self.broken), ("claude", cloud, "anthropic", self.claude),
            ("counts", cloud, "anthropic", self.small), ("responses", cloud, "openai", self.responses),
            ("gemini", cloud, "gemini", self.gemini), ("far", cloud, "ollama", self.ollama),
            ("near", house, "ollama", self.ollama), ("small", cloud, "openai", self.small),
            ("ear", house, "openai", self.small), ("house-files", house, "openai", self.files),
            ("crm", cloud, "http", self.api),
        )  # fmt: skip
        routes = {
            "endless": "endless", "broken": "broken", "claude": "claude", "count": "counts", "gpt": "responses",
            "flash": "gemini", "llama3": "far", "near3": "near", "m": "small", "ear": "ear", "lines": "files",
        }  # fmt: skip
        models = {**MODELS, **{name: ModelRoute(((at, name),)) for name, at in routes.items()}}
        more = {name: UpstreamConfig(name, zone, kind, url=far.url) for name, zone, kind, far in table}
        return Plan(judge=None, limits=LIMITS, models=models, more=more)


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[World, Crowd]]:
    """The gate with a real inspection worker, and all stand-ins."""
    crowd = Crowd()
    async with contextlib.AsyncExitStack() as stack:
        for far in vars(crowd).values():
            await stack.enter_async_context(far)
        w = await stack.enter_async_context(world(folder, crowd.plan()))
        upstreams = w.gate.router._upstreams  # those that hold files come first, the world's own hold none
        first = ("files", "house-files")
        w.gate.router._upstreams = {n: upstreams[n] for n in (*first, *(set(upstreams) - set(first)))}  # type: ignore[misc]  # a test's arrangement
        yield w, crowd


class Faults(logging.Handler):
    """Notes what the gate logs as a fault of its own."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        self._problems.append(record.getMessage())


class Soak:
    """One run, round by round."""

    def __init__(self, w: World, crowd: Crowd, seed: int) -> None:
        self._w = w
        self._fars = [*vars(crowd).values(), w.cloud, w.house, w.enclave]
        self._outside = [crowd.endless, crowd.broken, crowd.claude, crowd.responses, crowd.gemini, crowd.api, w.cloud]
        self._dice = random.Random(seed)
        self._answers: dict[str, str] = {}
        """Request ids that apps saw in this round, and what they must have on record."""
        self._gone = 0
        self._audited = 0
        self.report = Report()

    async def round(self, size: int) -> None:
        """``size`` requests, ``APPS`` at a time, then peace."""
        shots = iter([soak_requests.draw(self._dice) for _ in range(size)])
        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as apps:
            await asyncio.gather(*(self._app(apps, shots) for _ in range(APPS)))
        await self._peace()
        self._look_at_wire()
        self._audit()
        self.report.prints.append(self._footprint())

    async def _app(self, apps: aiohttp.ClientSession, shots: Iterable[Shot]) -> None:
        for first in shots:
            shot: Shot | None = first
            while shot is not None:
                shot = await self._one(apps, shot)

    async def _one(self, apps: aiohttp.ClientSession, shot: Shot) -> Shot | None:
        """One request, as one kind of app sends it; what follows from its answer."""
        ending = "stream" if shot.endless else self._dice.choice(ENDINGS)
        self.report.sent[shot.kind] += 1
        self.report.endings[ending] += 1
        task = asyncio.ensure_future(self._ask(apps, shot, ending))
        if ending in {"early", "body"}:
            await asyncio.wait({task}, timeout=self._dice.uniform(0, 0.06))
            task.cancel()
        await asyncio.wait({task}, timeout=60)
        if not task.done():
            self.report.problems.append(f"{shot.kind}: no answer within a minute")
            task.cancel()
            await asyncio.wait({task})
        if task.cancelled():
            self._gone += 1
        elif (error := task.exception()) is not None:
            self._broke(shot, ending, error)
        else:
            return task.result()
        return None

    def _broke(self, shot: Shot, ending: str, error: BaseException) -> None:
        """Only an answer that the far end cut, or a body that we cut, may end in an error."""
        if not (isinstance(error, aiohttp.ClientError) and (shot.unrecorded or ending == "body")):
            self.report.problems.append(f"{shot.kind}, {ending}: {type(error).__name__}: {error}")
        self._gone += 1

    async def _ask(self, apps: aiohttp.ClientSession, shot: Shot, ending: str) -> Shot | None:
        data: Any = _halting(shot.body) if ending == "body" and shot.body else shot.body or None
        url = URL(self._w.gate.url + shot.path, encoded=True)
        async with apps.request(shot.method, url, data=data, headers=shot.headers) as answer:
            self._note(shot, answer)
            if ending == "stream":
                for _ in range(self._dice.randrange(1, 9)):
                    if not await answer.content.readany():
                        break
                answer.close()
                return None
            body = await answer.read()
            if (answer.status >= 500 or b"internal_error" in body) and shot.kind != "broken":
                self.report.problems.append(f"{shot.kind}: {answer.status} {body.decode()}")
            return shot.then(body) if shot.then is not None and answer.status == 200 else None

    def _note(self, shot: Shot, answer: aiohttp.ClientResponse) -> None:
        """What must be on record for this answer."""
        self.report.statuses[f"{answer.status}"] += 1
        served = "sealgate-upstream" in answer.headers
        want = "intent" if served else "refusal"
        if shot.unrecorded or answer.status in {400, 404, 429}:
            want = "nothing"
        self._answers[answer.headers["sealgate-request-id"]] = want

    async def _peace(self) -> None:
        """Nothing runs any more: idle connections are closed, every intent has its outcome."""
        gate = self._w.gate
        async with asyncio.timeout(60):
            await gate.server.gauge.empty()
            for _ in range(3):
                for far in self._fars:
                    _hang_up(far)
                await asyncio.sleep(0.05)
            while counted(self._ledger, "intent") > counted(self._ledger, "outcome"):
                await asyncio.sleep(0.02)
        self.report.restarts = gate.workers.restarts

    @property
    def _ledger(self) -> Path:
        return self._w.gate.settings.data / "ledger.sqlite"

    def _look_at_wire(self) -> None:
        """No value went to a stand-in of the cloud; then they forget."""
        for far in self._fars:
            sent = [getattr(r, "body", r) for r in (*getattr(far, "requests", ()), *getattr(far, "bodies", ()))]
            if far in self._outside and any(v in body for body in sent for v in VALUES):
                self.report.problems.append(f"a value went to {type(far).__name__}")
            if violations := getattr(far, "violations", ()):
                self.report.problems.append(f"{type(far).__name__}: {violations[0]}")
            for name in FORGETS:
                with contextlib.suppress(AttributeError):
                    getattr(far, name).clear()

    def _footprint(self) -> Footprint:
        gc.collect()
        me = psutil.Process()
        names = [_link(fd) for fd in os.listdir("/proc/self/fd")]
        sockets = sum(n.startswith("socket:") for n in names)
        folder = self._w.gate.settings.data
        spools = sum(n.startswith(f"{folder}/spool/") for n in names)  # nameless files
        return Footprint(
            done=sum(self.report.sent.values()),
            tasks=Counter(t.get_coro().__qualname__ for t in asyncio.all_tasks()),  # type: ignore[union-attr]  # a coroutine has one
            sockets=sockets,
            spools=spools,
            other_files=len(names) - sockets - spools,
            threads=sum(not t.name.startswith("asyncio_") for t in threading.enumerate()),
            on_disk=frozenset(str(p.relative_to(folder)) for p in folder.rglob("*")),
            objects=len(gc.get_objects()),
            memory=me.memory_info().rss,
            children=sum(c.memory_info().rss for c in me.children(recursive=True)),
        )

    def _audit(self) -> None:
        """Every request of this round has exactly what it must have on record, and the chain holds."""
        with contextlib.closing(sqlite3.connect(self._ledger)) as db:
            select = "SELECT seq, request_id, kind, code, ref_seq FROM records WHERE seq > ?"
            rows = db.execute(select, (self._audited,)).fetchall()
        self._audited = max((seq for seq, *_ in rows), default=self._audited)
        have: dict[str, Counter[str]] = {}
        for _, request_id, kind, code, _ in rows:
            if request_id:
                have.setdefault(request_id, Counter())[kind] += 1
            if kind == "outcome":
                self.report.outcomes[code] += 1
        ended = Counter(ref for _, _, kind, _, ref in rows if kind == "outcome")
        if ended != Counter(seq for seq, _, kind, _, _ in rows if kind == "intent"):
            self.report.problems.append("an intent has no outcome, or more than one")
        self._compare(have)
        if not self._w.intact():
            self.report.problems.append("the ledger does not verify")

    def _compare(self, have: dict[str, Counter[str]]) -> None:
        for request_id, want in self._answers.items():
            got = have.get(request_id, Counter())
            right = {
                "nothing": not got,
                "intent": got["intent"] == 1 and got["outcome"] == 1,
                "refusal": got["refusal"] >= 1 and got["intent"] == got["outcome"],
            }[want]
            if not right:
                self.report.problems.append(f"{want} expected, on record: {dict(got)}")
        unknown = have.keys() - self._answers.keys()
        if len(unknown) > self._gone:
            self.report.problems.append(f"{len(unknown)} requests on record, {self._gone} apps left early")
        self.report.gone += self._gone
        self._answers, self._gone = {}, 0


def counted(ledger: Path, kind: str) -> int:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        return int(db.execute("SELECT count(*) FROM records WHERE kind = ?", (kind,)).fetchone()[0])


def _hang_up(far: Any) -> None:
    runner: web.AppRunner | None = far._runner
    for handler in list(runner.server.connections) if runner is not None and runner.server is not None else ():
        if handler.transport is not None:
            handler.transport.close()


def _link(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


async def _halting(body: bytes) -> AsyncIterator[bytes]:
    """Half of a body, and then nothing."""
    yield body[: len(body) // 2]
    await asyncio.sleep(3600)


async def soak(folder: Path, count: int, rounds: int, seed: int) -> Report:
    """``count`` requests in ``rounds``, of which the first is the warm-up."""
    async with scene(folder) as (w, crowd):
        run = Soak(w, crowd, seed)
        faults = Faults(run.report.problems)
        logging.getLogger("sealgate").addHandler(faults)
        try:
            for _ in range(rounds):
                await run.round(count // rounds)
        finally:
            logging.getLogger("sealgate").removeHandler(faults)
        return run.report
