"""Inspection off the event loop: worker processes with deadlines, and a cache of spans.

Rules. A text that could not be judged (worker died, deadline, budget) is ``uninspected``, never clean, and is never
cached.  A worker that overruns is killed: nothing else stops a regular expression or a model.  The cache holds spans
and categories under a keyed hash of tenant, detector digests and text; never the text.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from policies.types import Inspection
from proxy.attachments import spread
from proxy.dialects.base import Segment
from proxy.errors import ConfigError
from proxy.inspect_documents import ReadJob, jobs_of
from proxy.inspect_process import Digests, Spec, Worker
from proxy.inspect_results import borders_of, combined, texts_of, together
from proxy.ports import Inspected
from proxy.rows import joined, named
from proxy.settings import Limits, RecognizerConfig
from proxy.tasks import spawn
from redaction.coverage import REASONS as LASTING
from redaction.custom import NOTHING, Custom
from redaction.documents import Document
from redaction.spans import OWN
from redaction.types import Classification, Finding, Sensitivity, TextResult

log = logging.getLogger("sealgate")

JOB_CHARS = 8_000
"""Texts are sent to a worker in jobs of about this many characters, so that a long request shares the pool."""
CHARS_PER_TOKEN = 3
"""A cautious estimate (English has about four characters a token) used for the request's token budget."""
CACHE_ENTRIES = 50_000
FORMAL = "formal"
"""The depth at which joints, ids and signatures are looked at; others are words of ``Inspection``."""
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
    depth: str
    own: Custom
    left: bool = False
    """Whether the request was given up."""

    async def run(self, worker: Worker) -> list[TextResult]:
        """Raises IncompleteReadError or OSError when the process is gone."""
        await worker.equip(self.own)
        return decode(await worker.ask({"texts": self.texts, "depth": self.depth, "own": self.own.digest}))

    def settle(self, reason: str) -> None:
        """Nothing is known of the texts."""
        if not self.done.done():
            self.done.set_result([unjudged(reason) for _ in self.texts])


class WorkerPool:
    """Implements ``ports.Inspector`` with ``workers`` processes that share one queue."""

    def __init__(
        self,
        models: Path | None,
        *,
        names: bool,
        workers: int,
        limits: Limits,
        cache_key: bytes,
        full: bool = True,
        recognizers: tuple[RecognizerConfig, ...] = (),
    ) -> None:
        """``full=False``: nobody needs a full inspection so far, and what only that needs is not loaded."""
        spec = Spec(str(models) if models else None, names, full, recognizers)
        threads = max(1, (os.cpu_count() or 1) // max(1, workers))
        self.workers = [Worker(spec, threads) for _ in range(workers)]
        self._limits = limits
        self._cache_key = cache_key
        self._cache: OrderedDict[bytes, TextResult] = OrderedDict()
        self._queue: asyncio.Queue[Job | ReadJob] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.digests: Digests = {}
        self._own = NOTHING
        self._deepening = asyncio.Lock()
        self.restarts = 0

    def use(self, own: Custom) -> None:
        """What requests are inspected for from now on; those that are under way keep what they began with."""
        self._own = own

    async def start(self) -> None:
        """Starts every worker. Raises ConfigError when one cannot load its models."""
        await asyncio.gather(*(w.start() for w in self.workers))
        self.digests = self.workers[0].digests
        if any(self._other(w) for w in self.workers):
            raise ConfigError("the files of a detector changed while it was loaded; start again")
        self._tasks = [spawn(self._serve(w), f"inspect-{i}") for i, w in enumerate(self.workers)]

    async def deepen(self) -> None:
        """Loads what a full inspection needs, if it is not there: each worker gives way to one that has it.

        Raises ConfigError when its bundles cannot be loaded; then full inspections find nothing inspected.
        """
        async with self._deepening:
            for worker in self.workers:
                if not worker.spec.full:
                    await worker.renew(replace(worker.spec, full=True))
            self.digests = self.workers[0].digests

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
            async with worker.busy:
                await self._revive(worker)
            job = await self._queue.get()
            async with worker.busy:
                await self._revive(worker)
                if not job.done.done():  # its request may have given up while it waited
                    await self._run(worker, job)

    async def _revive(self, worker: Worker) -> None:
        """A worker that was killed or died starts again before it gets work; what waits meanwhile has its deadline."""
        while worker.pid is None:
            try:
                await worker.start()
                if self._other(worker):  # not what is on record: whatever waits is uninspected
                    log.error("the files of a detector changed; nothing is inspected by the new ones until a restart")
                    await worker.stop()
                    await asyncio.sleep(RETRY_S)
            except ConfigError:
                await asyncio.sleep(RETRY_S)

    def _other(self, worker: Worker) -> bool:
        """Whether its detectors are not those whose digests are on record."""
        shared = self.digests.keys() & worker.digests.keys()
        return any(self.digests[depth] != worker.digests[depth] for depth in shared)

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

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        """See ``ports.Inspector``. Wall time is bounded by ``inspect_deadline_s``, and half as much for reading.

        More texts than ``limits.segments`` are uninspected: joining them alone would hold up other requests.
        """
        own = self._own
        said = {OWN: own.digest} if own.digest else {}
        reason = "segments" if len(segments) > self._limits.segments else await self._missing(inspection)
        if reason is not None:
            known = {**self.digests.get(inspection.word, {}), **said}
            return Inspected(tuple(unjudged(reason) for _ in segments), _NOTHING, known, inspection=inspection)
        documents = await self._read(segments)
        texts, places = spread(segments, documents)
        rows = joined(texts)
        near = [*borders_of(rows), *named(texts)]
        full, narrow = texts_of(texts, near)
        seen, narrowly = await asyncio.gather(
            self._results(tenant, full, inspection.word, own), self._results(tenant, narrow, FORMAL, own)
        )
        found = combined(texts, seen, rows, near, narrowly)
        digests = {**self.digests[inspection.word], **said}
        return together(segments, documents, texts, places, found, digests, inspection)

    async def _missing(self, inspection: Inspection) -> str | None:
        """Why nobody can look so closely; None where somebody can."""
        if inspection is Inspection.FULL and not all(w.spec.full for w in self.workers):
            try:
                await asyncio.wait_for(asyncio.shield(spawn(self.deepen(), "deepen")), self._limits.inspect_deadline_s)
            except (ConfigError, TimeoutError):
                return "not_loaded"
        return None

    async def _read(self, segments: Sequence[Segment]) -> dict[int, Document]:
        """What the attachments say, by their places."""
        jobs = jobs_of(segments)
        distinct = list({id(job): job for job in jobs.values()}.values())
        for job in distinct:
            self._queue.put_nowait(job)
        await self._collect(distinct, self._limits.inspect_deadline_s / 2)
        return {place: job.done.result() for place, job in jobs.items()}

    async def _results(self, tenant: str, texts: Sequence[str], depth: str, own: Custom) -> list[TextResult]:
        """One result per text, from the cache or from workers. What was looked at less closely, or for something else,
        is cached apart."""
        place = f"{depth}:{own.digest}:{tenant}"
        distinct = list(dict.fromkeys(texts))
        known = {t: r for t in distinct if (r := self._cached(place, t)) is not None}
        missing = [t for t in distinct if t not in known]
        fresh = await self._judge(missing, depth, own) if missing else {}
        for text, result in fresh.items():
            if result.uninspected is None or result.uninspected in LASTING:
                self._remember(place, text, result)
        return [(known.get(t) or fresh[t]) for t in texts]

    async def _judge(self, texts: list[str], depth: str, own: Custom) -> dict[str, TextResult]:
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
                jobs.append(Job([], loop.create_future(), depth, own))
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
        for part in (place, *sorted(self.digests[place.partition(":")[0]].values()), text):
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
