"""Runs the gate's detectors over labelled sets, in this process or in several, and counts.

Every text is judged by itself: every reading of it, then what was found once everywhere. No cache, no other text beside
it, so figures do not depend on the order or on the number of processes. CPU time is each process's own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.inspect_worker import FAST, FULL, chosen
from proxy.models.labelled import Names, label_map, labelled_sets, stem, texts
from proxy.models.leaks import SetFigures, TextCounts, count, figures, labels_of
from redaction.pipeline import Pipeline, propagate
from redaction.types import TextResult

MODES: Mapping[str, Sequence[str]] = {"full": FULL, "fast": FAST}
"""Detectors of each depth of inspection."""
CHUNK_CHARS = 20_000
"""About as much text is judged at once, so that processes end together."""
Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Texts of one set for one depth, with the labels the set knows. Holds text; is sent to a process and forgotten."""

    mode: str
    name: str
    rows: Sequence[Mapping[str, Any]]
    known: frozenset[str] | None


class Judge:
    """Pipelines by depth, built when first used."""

    def __init__(self, models: Path, modes: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> None:
        self._models, self._modes, self._names = models, modes, Names(names)
        self._pipelines: dict[str, Pipeline] = {}

    def pipeline(self, mode: str) -> Pipeline:
        """Without a classifier. Raises ConfigError for models that are not there."""
        if mode not in self._pipelines:
            made = self._pipelines[mode] = Pipeline(chosen(self._models, self._modes[mode]), None)
            made.inspect(["Ann Berg, 1 May 2020, ann@example.org"])  # what is loaded when first used is not timed
        return self._pipelines[mode]

    def result(self, mode: str, text: str) -> TextResult:
        """What the gate does with one text of a request."""
        return propagate([text], self.pipeline(mode).inspect([text]))[0]

    def counts(self, chunk: Chunk) -> list[TextCounts]:
        found = []
        self.pipeline(chunk.mode)
        for row in chunk.rows:
            began = time.process_time()
            result = self.result(chunk.mode, row["text"])
            spent = time.process_time() - began
            found.append(
                count(row, result.findings, self._names, chunk.known, spent, uninspected=bool(result.uninspected))
            )
        return found


def run(
    models: Path,
    folder: Path,
    tick: Tick,
    *,
    sets: Sequence[str] = (),
    modes: Mapping[str, Sequence[str]] = MODES,
    jobs: int = 1,
    limit: int | None = None,
) -> dict[str, list[SetFigures]]:
    """Figures of every labelled set of ``folder`` by depth. ``limit``: about so many texts of a set.

    ``tick`` is told characters. Raises ConfigError when there are no sets, or no models.
    """
    files = labelled_sets(folder, sets)
    work = [chunk for mode in modes for file in files for chunk in _chunks(mode, file, limit)]
    size = [sum(len(row["text"]) for row in chunk.rows) for chunk in work]
    found: dict[tuple[str, str], list[TextCounts]] = {}
    done = 0
    for chunk, chars, counts in zip(work, size, _judged(models, modes, label_map(folder), work, jobs), strict=True):
        found.setdefault((chunk.mode, chunk.name), []).extend(counts)
        done += chars
        tick(done, sum(size))
    return {mode: [figures(stem(f), found[mode, stem(f)]) for f in files] for mode in modes}


def digests(models: Path, modes: Mapping[str, Sequence[str]] = MODES) -> dict[str, dict[str, str]]:
    """Digests of code, data and settings of the detectors of each depth."""
    judge = Judge(models, modes, {})
    return {mode: dict(judge.pipeline(mode).digests) for mode in modes}


def _chunks(mode: str, file: Path, limit: int | None) -> Iterator[Chunk]:
    held = texts(file, limit)
    known, rows, size = labels_of(held), [], 0
    for row in held:
        rows.append(row)
        size += len(row["text"])
        if size >= CHUNK_CHARS:
            yield Chunk(mode, stem(file), rows, known)
            rows, size = [], 0
    if rows or not held:
        yield Chunk(mode, stem(file), rows, known)


def _judged(
    models: Path, modes: Mapping[str, Sequence[str]], names: Mapping[str, str], work: Sequence[Chunk], jobs: int
) -> Iterator[list[TextCounts]]:
    """Counts in the order of ``work``."""
    if jobs == 1:
        judge = Judge(models, modes, names)
        yield from map(judge.counts, work)
        return
    context = multiprocessing.get_context("spawn")  # the progress bar has a thread, which a fork would not survive
    with ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(models, modes, names)) as pool:
        waiting: list[Future[list[TextCounts]]] = [pool.submit(_count, chunk) for chunk in work]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


_held: list[Judge] = []


def _start(models: Path, modes: Mapping[str, Sequence[str]], names: Mapping[str, str]) -> None:
    _held.append(Judge(models, dict(modes), names))


def _count(chunk: Chunk) -> list[TextCounts]:
    return _held[0].counts(chunk)
