"""Inspection off the event loop: worker processes with deadlines, and a cache of spans.

Rules. A text that could not be judged (worker died, deadline, budget) is ``uninspected``, never clean, and is never
cached.  A worker that overruns is killed: nothing else stops a regular expression or a model.  What is remembered are
spans, categories and places under keyed hashes (``proxy.inspect_cache``); never the text.  Long texts are looked at in
windows, which share the workers with the short texts of others (``proxy.inspect_jobs``).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from policies.types import Inspection
from proxy.attachments import spread
from proxy.dialects.base import Segment
from proxy.errors import ConfigError
from proxy.inspect_cache import Shelf, SpanCache
from proxy.inspect_documents import jobs_of
from proxy.inspect_jobs import FORMAL, About, Job, Queue, Waiting, unjudged
from proxy.inspect_process import Digests, Spec, Worker, differ
from proxy.inspect_results import Asked, asked_of, combined, together
from proxy.ports import Inspected
from proxy.settings import Limits, RecognizerConfig
from proxy.tasks import aside, spawn
from redaction.custom import NOTHING, Custom
from redaction.documents import Document
from redaction.pipeline import whole
from redaction.spans import OWN
from redaction.types import Classification, Sensitivity, TextResult
from redaction.windows import LONG, windows

log = logging.getLogger("sealgate")

JOB_CHARS = 4_000
"""Texts are sent to a worker in jobs of about this many characters, so that a long request shares the pool."""
SHORT_CHARS = 8_000
"""What a request may have to be looked at, so that it goes before the jobs of longer ones."""
ASIDE_CHARS, ASIDE_TEXTS = 40_000, 1_000
"""A request with more than that is put together in a thread: the event loop serves others meanwhile."""
CHARS_PER_TOKEN = 3
"""A cautious estimate (English has about four characters a token) used for the request's token budget."""
CACHE_ENTRIES = 200_000
RETRY_S = 1.0
"""Pause before a worker that cannot start is tried again."""
LEFT_S = 2.0
"""How long a worker may go on with a text whose app went away: mostly less than a new worker takes to start."""

_NOTHING = Classification(Sensitivity.PUBLIC)


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
        self._cache = SpanCache(cache_key, CACHE_ENTRIES, limits.cache_bytes)
        self._queue = Queue(workers)
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
                    await worker.renew(replace(worker.spec, full=True), self.digests)
            self.digests = self.workers[0].digests

    async def close(self) -> None:
        """Stops everything; queued texts come out as uninspected."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(w.stop() for w in self.workers))
        self._queue.drain(lambda job: job.settle("stopped"))

    @property
    def alive(self) -> bool:
        return bool(self._tasks) and all(not t.done() for t in self._tasks)

    async def _serve(self, worker: Worker) -> None:
        while True:
            async with worker.busy:
                await self._revive(worker)
            job = await self._queue.get()
            try:
                async with worker.busy:
                    await self._revive(worker)
                    if not job.done.done():  # its request may have given up while it waited
                        await self._run(worker, job)
            finally:
                self._queue.finished(job)

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
        return differ(self.digests, worker.digests)

    async def _run(self, worker: Worker, job: Waiting) -> None:
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
        digests = {**self.digests[inspection.word], **said}
        shelf = self._cache.shelf(tenant, inspection.word, digests.values())
        key = shelf.request(texts)
        found = shelf.results(key)
        if found is None:
            found = await self._found(tenant, texts, inspection, shelf, own)
            shelf.remember_all(key, found)
        made = together(segments, documents, texts, places, found, digests, inspection)
        return replace(made, memo=shelf.apart("guard"))

    async def _found(
        self, tenant: str, texts: Sequence[Segment], inspection: Inspection, shelf: Shelf, own: Custom
    ) -> list[TextResult]:
        """What each text says by itself, with its neighbours, and given the rest of the request."""
        much = _much(texts)
        asked: Asked = await aside(much, asked_of, texts)
        formal = self._cache.shelf(tenant, FORMAL, (*self.digests[FORMAL].values(), *filter(None, (own.digest,))))
        until = asyncio.get_running_loop().time() + self._limits.inspect_deadline_s
        full = self._results(shelf, asked.full, inspection.word, own, until)
        if asked.narrow:
            seen, narrowly = await asyncio.gather(full, self._results(formal, asked.narrow, FORMAL, own, until))
        else:  # a prompt by itself, mostly: two tasks less
            seen, narrowly = await full, list[TextResult]()
        return await aside(much, combined, texts, seen, asked.rows, asked.near, narrowly, shelf)

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
        await self._collect(distinct, asyncio.get_running_loop().time() + self._limits.inspect_deadline_s / 2)
        return {place: job.done.result() for place, job in jobs.items()}

    async def _results(
        self, shelf: Shelf, texts: Sequence[str], depth: str, own: Custom, until: float
    ) -> list[TextResult]:
        """One result per text, remembered or from workers. What was looked at less closely, or for something else, is
        remembered apart."""
        distinct = list(dict.fromkeys(texts))
        known = {t: r for t in distinct if (r := shelf.result(t)) is not None}
        missing = [t for t in distinct if t not in known]
        if missing:
            fresh = await self._judge(missing, depth, own, until)
            for text, result in fresh.items():
                shelf.remember(text, result)
            known |= fresh
        return [known[t] for t in texts]

    async def _judge(self, texts: Sequence[str], depth: str, own: Custom, until: float) -> dict[str, TextResult]:
        budget = self._limits.inspect_tokens * CHARS_PER_TOKEN
        out: dict[str, TextResult] = {}
        apart: list[str] = []
        jobs: list[Job] = []
        size = JOB_CHARS
        long = sum(map(len, texts)) > SHORT_CHARS
        loop = asyncio.get_running_loop()
        for text in texts:
            budget -= len(text)
            if budget < 0:
                out[text] = unjudged("budget")
            elif len(text) > LONG:
                apart.append(text)
            else:
                if size + len(text) > JOB_CHARS:
                    jobs.append(Job([], loop.create_future(), depth, own, long))
                    size = 0
                jobs[-1].texts.append(text)
                size += len(text)
        if apart:
            in_windows = asyncio.gather(*(self._in_windows(text, depth, own, until) for text in apart))
            results, _ = await asyncio.gather(in_windows, self._collect(jobs, until))
            out |= dict(zip(apart, results, strict=True))
        else:
            await self._collect(jobs, until)
        for job in jobs:
            out.update(zip(job.texts, job.done.result(), strict=True))
        return out

    async def _in_windows(self, text: str, depth: str, own: Custom, until: float) -> TextResult:
        """The result of a long text, by whichever workers have time."""
        loop = asyncio.get_running_loop()
        much = len(text) > ASIDE_CHARS
        parts = await aside(much, windows, text)
        jobs = [Job([text[w.low : w.high]], loop.create_future(), depth, own, long=True, part=True) for w in parts]
        await self._collect(jobs, until)
        found = await aside(much, whole, parts, [job.done.result()[0] for job in jobs])
        if depth == FORMAL:
            return found
        about = About(text, found, loop.create_future(), own)
        await self._collect([about], until)
        return about.done.result()[0]

    async def _collect(self, jobs: Sequence[Waiting], until: float) -> None:
        """Puts them into the queue and waits until all are done, or the time is over."""
        if not jobs:
            return
        for job in jobs:
            self._queue.put(job)
        try:
            await asyncio.wait({j.done for j in jobs}, timeout=max(0.0, until - asyncio.get_running_loop().time()))
        except asyncio.CancelledError:
            for job in jobs:
                job.left = True
            raise
        finally:
            for job in jobs:
                job.settle("deadline")


def _much(texts: Sequence[Segment]) -> bool:
    """Whether the texts of a request are many or long."""
    return len(texts) > ASIDE_TEXTS or sum(len(s.text) for s in texts) > ASIDE_CHARS
