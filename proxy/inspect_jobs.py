"""Jobs for inspection workers, and the queue that they wait in: short requests do not wait for long ones.

A job is some texts of one request, the windows of a long text, or the question what a long text is about. Jobs of long
requests are small enough that a worker is soon free again; while both kinds wait, ``ROW`` short jobs go first for each
long one, so that neither kind waits for ever. While prompts come in, long jobs leave one worker to them; when none has
come for a while, they have all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from redaction.coverage import passing
from redaction.custom import NOTHING, Custom
from redaction.types import Classification, Finding, Sensitivity, TextResult

ROW = 8
QUIET_S = 2.0
"""So long after the last prompt long jobs may have all workers; the first prompt that comes then may wait for one."""
FORMAL = "formal"
"""The depth at which joints, ids and signatures are looked at; others are words of ``Inspection``."""


class Asked(Protocol):
    """A worker process: one frame in, one frame out."""

    async def ask(self, frame: Any) -> Any: ...

    async def equip(self, own: Custom) -> None: ...


class Waiting(Protocol):
    """What the queue needs to know of a job."""

    done: asyncio.Future[Any]
    left: bool
    """Whether the request was given up."""
    long: bool
    """Whether it belongs to a long request."""

    @property
    def prompt(self) -> bool:
        """Whether it is the text of a short request, so that others like it may follow."""
        ...

    async def run(self, worker: Asked) -> Any: ...

    def settle(self, reason: str) -> None:
        """Nothing is known of what it was about."""
        ...


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


@dataclass(slots=True, eq=False)
class Job:
    """Some texts of one request and the future of their results. ``part``: they are windows of long texts."""

    texts: list[str] = field(repr=False)
    done: asyncio.Future[list[TextResult]]
    depth: str
    own: Custom = NOTHING
    long: bool = False
    part: bool = False
    left: bool = False

    @property
    def prompt(self) -> bool:
        return not self.long and self.depth != FORMAL

    async def run(self, worker: Asked) -> list[TextResult]:
        """Raises IncompleteReadError or OSError when the process is gone."""
        await worker.equip(self.own)
        frame = {
            "texts": self.texts, "depth": self.depth, "own": self.own.digest, "part": self.part, "long": self.long,
        }  # fmt: skip
        return decode(await worker.ask(frame))

    def settle(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_result([unjudged(reason) for _ in self.texts])


@dataclass(slots=True, eq=False)
class About:
    """What a long text is about, given what was found in it."""

    text: str = field(repr=False)
    found: TextResult
    done: asyncio.Future[list[TextResult]]
    own: Custom = NOTHING
    long: bool = True
    prompt: bool = False
    left: bool = False

    async def run(self, worker: Asked) -> list[TextResult]:
        """Raises IncompleteReadError or OSError when the process is gone."""
        spans = [[f.start, f.end, f.label, f.score, f.detector] for f in self.found.findings]
        await worker.equip(self.own)
        answer = await worker.ask({"about": self.text, "findings": spans, "own": self.own.digest})
        (said,), gone = decode(answer["said"]), frozenset(answer["gone"])
        left = (f for n, f in enumerate(self.found.findings) if n not in gone)
        level = max(said.classification.sensitivity, self.found.classification.sensitivity)
        scores = dict(self.found.classification.categories)
        for name, score in said.classification.categories.items():
            scores[name] = max(score, scores.get(name, 0.0))
        tags = said.classification.tags | self.found.classification.tags
        reason = passing(self.found.uninspected, said.uninspected)
        return [TextResult((*left, *said.findings), Classification(level, scores, tags), reason)]

    def settle(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_result([unjudged(reason)])


def _now() -> float:
    return asyncio.get_running_loop().time()


class Queue:
    """Jobs of all requests. ``get`` is for workers, which say ``finished`` when they are done with one."""

    def __init__(self, workers: int) -> None:
        self._short: deque[Waiting] = deque()
        self._long: deque[Waiting] = deque()
        self._row = 0
        self._held, self._most = 0, max(1, workers - 1)
        self._news = asyncio.Event()
        self._asked = -QUIET_S

    def put(self, job: Waiting) -> None:
        (self._long if job.long else self._short).append(job)
        if job.prompt:
            self._asked = _now()
        self._news.set()

    def back(self, job: Waiting) -> None:
        """It is the next one again: who took it cannot do it."""
        (self._long if job.long else self._short).appendleft(job)
        self._news.set()

    async def get(self) -> Waiting:
        """The next job whose request still waits for it."""
        while (job := self._next()) is None:
            self._news.clear()
            with contextlib.suppress(TimeoutError):  # then it is quiet, and long jobs may have this worker too
                async with asyncio.timeout_at(self._asked + QUIET_S if self._long else None):
                    await self._news.wait()
        self._held += job.long
        return job

    def finished(self, job: Waiting) -> None:
        if job.long:
            self._held -= 1
            self._news.set()

    def _next(self) -> Waiting | None:
        for line in (self._short, self._long):
            while line and line[0].done.done():  # given up while it waited
                line.popleft()
        may = bool(self._long) and (self._held < self._most or _now() >= self._asked + QUIET_S)
        if self._short and (self._row < ROW or not may):
            self._row += may
            return self._short.popleft()
        self._row = 0
        return self._long.popleft() if may else None

    def drain(self, each: Callable[[Waiting], None]) -> None:
        """Empties it."""
        for line in (self._short, self._long):
            while line:
                each(line.popleft())
