"""Inspection off the event loop: worker processes with deadlines, and a cache of spans.

Rules. A text that could not be judged (worker died, deadline, budget) is ``uninspected``, never clean, and is never
cached.  A worker that overruns is killed: nothing else stops a regular expression or a model.  The cache holds spans
and categories under a keyed hash of tenant, detector digests and text; never the text.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from proxy.attachments import DOCUMENT, gathered, read_document, sober, spread
from proxy.dialects.base import Segment
from proxy.errors import ConfigError
from proxy.inspect_documents import ReadJob, jobs_of
from proxy.ports import Inspected
from proxy.rows import joined, named
from proxy.settings import Limits
from proxy.tasks import spawn
from redaction.coverage import REASONS as LASTING
from redaction.documents import Document
from redaction.joins import Joint, merge
from redaction.pipeline import Pipeline, propagate
from redaction.types import Classification, Finding, Sensitivity, TextResult

JOB_CHARS = 8_000
"""Texts are sent to a worker in jobs of about this many characters, so that a long request shares the pool."""
CHARS_PER_TOKEN = 3
"""A cautious estimate (English has about four characters a token) used for the request's token budget."""
CACHE_ENTRIES = 50_000
RETRY_S = 1.0
"""Pause before a worker that cannot start is tried again."""
LEFT_S = 2.0
"""How long a worker may go on with a text whose app went away: mostly less than a new worker takes to start."""

_NOTHING = Classification(Sensitivity.PUBLIC)


def unjudged(reason: str) -> TextResult:
    """The result for a text that no detector could judge."""
    return TextResult((), Classification(Sensitivity.REGULATED), reason)


def decode(items: Sequence[Any]) -> list[TextResult]:
    """Worker frames back into results."""
    return [
        TextResult(
            tuple(Finding(s, e, label, score, det) for s, e, label, score, det in findings),
            Classification(Sensitivity(level), categories, frozenset(tags)),
            reason,
        )
        for findings, (level, categories, tags), reason in items
    ]


@dataclass(slots=True)
class Job:
    """Some texts of one request and the future of their results."""

    texts: list[str]
    done: asyncio.Future[list[TextResult]]
    patterns_only: bool = False
    left: bool = False
    """Whether the request was given up."""

    async def run(self, worker: Worker) -> list[TextResult]:
        """Raises IncompleteReadError or OSError when the process is gone."""
        return decode(await worker.ask({"texts": self.texts, "patterns_only": self.patterns_only}))

    def settle(self, reason: str) -> None:
        """Nothing is known of the texts."""
        if not self.done.done():
            self.done.set_result([unjudged(reason) for _ in self.texts])


class Worker:
    """One child process. ``ask`` is called by one task at a time."""

    def __init__(self, spec: str, threads: int) -> None:
        self._spec = spec
        self._threads = threads
        self._process: asyncio.subprocess.Process | None = None
        self.digests: Mapping[str, str] = {}

    async def start(self) -> None:
        """Starts the process and waits until its detectors are loaded. Raises ConfigError."""
        await self.stop()  # what is left of one that died
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env |= {"OMP_NUM_THREADS": str(self._threads), "TOKENIZERS_PARALLELISM": "false"}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "proxy.inspect_worker", self._spec,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env, limit=2**26,
        )  # fmt: skip
        try:
            self.digests = (await self._read())["digests"]
        except (asyncio.IncompleteReadError, orjson.JSONDecodeError):
            await self.stop()
            raise ConfigError("an inspection worker could not start; `sealgate models verify` may say why") from None

    async def _read(self) -> Any:
        assert self._process is not None and self._process.stdout is not None
        size = int.from_bytes(await self._process.stdout.readexactly(4), "big")
        return orjson.loads(await self._process.stdout.readexactly(size))

    async def ask(self, frame: Any) -> Any:
        """The answer to one frame. Raises IncompleteReadError or OSError when the process is gone."""
        if self._process is None or self._process.stdin is None or self._process.returncode is not None:
            raise ConnectionResetError
        data = orjson.dumps(frame)
        self._process.stdin.write(len(data).to_bytes(4, "big") + data)
        await self._process.stdin.drain()
        return await self._read()

    async def stop(self) -> None:
        """Kills the process at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            transport = getattr(self._process, "_transport", None)
            if transport is not None:
                transport.close()
            self._process = None

    @property
    def pid(self) -> int | None:
        """None when no process is running."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process is not None else None


class WorkerPool:
    """Implements ``ports.Inspector`` with ``workers`` processes that share one queue."""

    def __init__(self, models: Path | None, *, names: bool, workers: int, limits: Limits, cache_key: bytes) -> None:
        spec = orjson.dumps({"models": str(models) if models else None, "names": names}).decode()
        threads = max(1, (os.cpu_count() or 1) // max(1, workers))
        self.workers = [Worker(spec, threads) for _ in range(workers)]
        self._limits = limits
        self._cache_key = cache_key
        self._cache: OrderedDict[bytes, TextResult] = OrderedDict()
        self._queue: asyncio.Queue[Job | ReadJob] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.digests: Mapping[str, str] = {}
        self.restarts = 0

    async def start(self) -> None:
        """Starts every worker. Raises ConfigError when one cannot load its models."""
        await asyncio.gather(*(w.start() for w in self.workers))
        self.digests = dict(self.workers[0].digests)
        self._tasks = [spawn(self._serve(w), f"inspect-{i}") for i, w in enumerate(self.workers)]

    async def close(self) -> None:
        """Stops everything; queued texts come out as uninspected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(w.stop() for w in self.workers))
        while not self._queue.empty():
            self._queue.get_nowait().settle("stopped")

    @property
    def alive(self) -> bool:
        return bool(self._tasks) and all(not t.done() for t in self._tasks)

    async def _serve(self, worker: Worker) -> None:
        while True:
            await self._revive(worker)
            job = await self._queue.get()
            await self._revive(worker)
            if not job.done.done():  # its request may have given up while it waited
                await self._run(worker, job)

    async def _revive(self, worker: Worker) -> None:
        """A worker that was killed or died starts again before it gets work; what waits meanwhile has its deadline."""
        while worker.pid is None:
            try:
                await worker.start()
            except ConfigError:
                await asyncio.sleep(RETRY_S)

    async def _run(self, worker: Worker, job: Job | ReadJob) -> None:
        run: asyncio.Task[Any] = spawn(job.run(worker), "inspect-job")
        try:
            await asyncio.wait({run, job.done}, return_when=asyncio.FIRST_COMPLETED)
            if job.left:  # apps that come and go must not cost the others a worker each time
                await asyncio.wait({run}, timeout=LEFT_S)
            if not run.done():  # deadline or client gone: only a kill stops a native loop
                await self._restart(worker)
                await asyncio.wait({run})
            elif run.cancelled() or run.exception() is not None:
                job.settle("worker_died")
                await self._restart(worker)
            elif not job.done.done():
                job.done.set_result(run.result())
        except asyncio.CancelledError:
            run.cancel()
            await asyncio.wait({run})
            job.settle("stopped")
            raise

    async def _restart(self, worker: Worker) -> None:
        self.restarts += 1
        await worker.stop()

    async def inspect(self, tenant: str, segments: Sequence[Segment]) -> Inspected:
        """See ``ports.Inspector``. Wall time is bounded by ``inspect_deadline_s``, and half as much for reading.

        More texts than ``limits.segments`` are uninspected: joining them alone would hold up other requests.
        """
        if len(segments) > self._limits.segments:
            return Inspected(tuple(unjudged("segments") for _ in segments), _NOTHING, self.digests)
        documents = await self._read(segments)
        texts, places = spread(segments, documents)
        rows = joined(texts)
        near = [*borders_of(rows), *named(texts)]
        full, narrow = texts_of(texts, near)
        seen, narrowly = await asyncio.gather(
            self._results(tenant, full), self._results(tenant, narrow, patterns_only=True)
        )
        found = combined(texts, seen, rows, near, narrowly)
        return together(segments, documents, texts, places, found, self.digests)

    async def _read(self, segments: Sequence[Segment]) -> dict[int, Document]:
        """What the attachments say, by their places."""
        jobs = jobs_of(segments)
        distinct = list({id(job): job for job in jobs.values()}.values())
        for job in distinct:
            self._queue.put_nowait(job)
        await self._collect(distinct, self._limits.inspect_deadline_s / 2)
        return {place: job.done.result() for place, job in jobs.items()}

    async def _results(self, tenant: str, texts: Sequence[str], *, patterns_only: bool = False) -> list[TextResult]:
        """One result per text, from the cache or from workers. What only patterns looked at is cached apart."""
        place = f"patterns:{tenant}" if patterns_only else f"all:{tenant}"
        distinct = list(dict.fromkeys(texts))
        known = {t: r for t in distinct if (r := self._cached(place, t)) is not None}
        missing = [t for t in distinct if t not in known]
        fresh = await self._judge(missing, patterns_only=patterns_only) if missing else {}
        for text, result in fresh.items():
            if result.uninspected is None or result.uninspected in LASTING:
                self._remember(place, text, result)
        return [(known.get(t) or fresh[t]) for t in texts]

    async def _judge(self, texts: list[str], *, patterns_only: bool) -> dict[str, TextResult]:
        budget = self._limits.inspect_tokens * CHARS_PER_TOKEN
        out: dict[str, TextResult] = {}
        jobs: list[Job] = []
        size = JOB_CHARS
        loop = asyncio.get_running_loop()
        for text in texts:
            budget -= len(text)
            if budget < 0:
                out[text] = unjudged("budget")
                continue
            if size + len(text) > JOB_CHARS:
                jobs.append(Job([], loop.create_future(), patterns_only))
                size = 0
            jobs[-1].texts.append(text)
            size += len(text)
        for job in jobs:
            self._queue.put_nowait(job)
        await self._collect(jobs, self._limits.inspect_deadline_s)
        for job in jobs:
            out.update(zip(job.texts, job.done.result(), strict=True))
        return out

    async def _collect(self, jobs: Sequence[Job | ReadJob], timeout_s: float) -> None:
        if not jobs:
            return
        try:
            await asyncio.wait({j.done for j in jobs}, timeout=timeout_s)
        except asyncio.CancelledError:
            for job in jobs:
                job.left = True
            raise
        finally:
            for job in jobs:
                job.settle("deadline")

    def _key(self, place: str, text: str) -> bytes:
        h = hashlib.blake2b(key=self._cache_key, digest_size=16)
        for part in (place, *sorted(self.digests.values()), text):
            data = part.encode()
            h.update(len(data).to_bytes(8, "big"))
            h.update(data)
        return h.digest()

    def _cached(self, place: str, text: str) -> TextResult | None:
        key = self._key(place, text)
        result = self._cache.get(key)
        if result is not None:
            self._cache.move_to_end(key)
        return result

    def _remember(self, place: str, text: str, result: TextResult) -> None:
        self._cache[self._key(place, text)] = result
        while len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)


def borders_of(rows: Sequence[Joint]) -> list[Joint]:
    """Where values may run from one segment of a row into the next."""
    return [near for row in rows for near in row.borders()]


_NARROW = frozenset({"header", "opaque"})
"""Kinds of segments that models do not look at."""
OPAQUE = frozenset({"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "US_SSN"})
"""Labels of formats that do not occur in random letters."""


def _certain(result: TextResult) -> TextResult:
    """What counts in an id or a signature: strict formats, and secrets of known issuers; everything else is chance."""
    kept = [
        f for f in result.findings
        if (f.detector == "patterns" and f.label in OPAQUE) or (f.detector == "secrets" and f.score >= 0.9)
    ]  # fmt: skip
    return replace(result, findings=tuple(kept))


def texts_of(segments: Sequence[Segment], near: Sequence[Joint]) -> tuple[list[str], list[str]]:
    """What everything looks at, and what only patterns do: joints, then ids and signatures."""
    full = [s.text for s in segments if s.kind not in _NARROW]
    return full, [*(joint.text for joint in near), *(s.text for s in segments if s.kind in _NARROW)]


def combined(
    segments: Sequence[Segment],
    seen: Sequence[TextResult],
    rows: Sequence[Joint],
    near: Sequence[Joint],
    narrowly: Sequence[TextResult],
) -> list[TextResult]:
    """What each segment says by itself, with its neighbours, and given the rest of the request. ``seen`` and
    ``narrowly`` are the results of :func:`texts_of`."""
    full, opaque = iter(seen), iter(narrowly[len(near) :])
    results = [sober(s, _certain(next(opaque)) if s.kind in _NARROW else next(full)) for s in segments]
    for joint, result in zip(near, narrowly, strict=False):
        merge(joint, result, results)
    return propagate([s.text for s in segments], results, rows)


def together(
    segments: Sequence[Segment],
    documents: Mapping[int, Document],
    texts: Sequence[Segment],
    places: Sequence[int],
    found: Sequence[TextResult],
    digests: Mapping[str, str],
) -> Inspected:
    """What was found in all texts, as results of the segments."""
    results, attachments = gathered(segments, documents, texts, places, found)
    return Inspected(results, classify_payload(texts, found), digests, attachments)


def inspect_here(pipeline: Pipeline, segments: Sequence[Segment]) -> Inspected:
    """As :meth:`WorkerPool.inspect`, in this process and without limits: for commands and tests."""
    documents = {
        place: read_document(s.text, s.media_type, s.name) for place, s in enumerate(segments) if s.kind == DOCUMENT
    }
    texts, places = spread(segments, documents)
    rows = joined(texts)
    near = [*borders_of(rows), *named(texts)]
    full, narrow = texts_of(texts, near)
    narrowly = pipeline.inspect(narrow, patterns_only=True)
    found = combined(texts, pipeline.inspect(full), rows, near, narrowly)
    return together(segments, documents, texts, places, found, pipeline.digests)


def classify_payload(segments: Sequence[Segment], results: Sequence[TextResult]) -> Classification:
    """The maximum over the segments that are prose or code; keys and numbers say nothing about a topic."""
    level = Sensitivity.PUBLIC
    categories: dict[str, float] = {}
    tags: set[str] = set()
    for segment, result in zip(segments, results, strict=True):
        if segment.kind != "text" or result.uninspected is not None:
            continue
        seen = result.classification
        level = max(level, seen.sensitivity)
        tags |= seen.tags
        for name, score in seen.categories.items():
            categories[name] = max(score, categories.get(name, 0.0))
    return Classification(level, categories, frozenset(tags))
