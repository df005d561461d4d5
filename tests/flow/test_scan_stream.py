"""``sealgate scan`` holds a few lines at a time whatever it reads, and finds what the served gate finds."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gate_support import Plan, pipeline, world
from golden import cases

from proxy.commands.scan import judge
from proxy.dialects.base import Segment
from proxy.inspect import WorkerPool
from proxy.ports import Inspected
from proxy.settings import Limits
from redaction.spans import resolve
from redaction.types import TextResult

SCAN = """
import resource, sys
from pathlib import Path
from proxy.commands import scan
from redaction.pipeline import Pipeline
from redaction.types import Finding

class Mail:
    name, digest = "mail", "1"
    def detect(self, text, /):
        at = text.find("ann@example.org")
        return (Finding(at, at + 15, "EMAIL_ADDRESS", 1.0, "mail"),) if at >= 0 else ()

from proxy.models import store
store.require = lambda data, name: Path()
scan._start = lambda *_: scan._pipeline.append(Pipeline([Mail()], None))
try:
    scan.scan(["--jobs", "1"], standalone_mode=False)
except SystemExit as end:
    assert not end.code
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(peak, file=sys.stderr)
"""


def scanned(lines: int) -> tuple[int, int]:
    """Rows that came out, and the peak of memory in KiB of any process."""
    row = {"id": 1, "text": "Write to ann@example.org about the garden fence.", "more": "x" * 10_000}
    line = json.dumps(row).encode() + b"\n"
    with subprocess.Popen(
        [sys.executable, "-c", SCAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        stdin = process.stdin

        def feed() -> None:
            for _ in range(lines):
                stdin.write(line)
            stdin.close()

        threading.Thread(target=feed, daemon=True).start()
        rows = sum(b'"EMAIL_ADDRESS"' in row for row in process.stdout)
        return rows, int(process.stderr.read().split()[-1])


def test_memory_does_not_grow_with_the_input() -> None:
    """50 MB of lines need no more than 3 MB do, but for the noise of an allocator."""
    few, many = scanned(300), scanned(5_000)
    assert (few[0], many[0]) == (300, 5_000)
    assert many[1] - few[1] < 16 * 1024


def findings(seen: Sequence[Any]) -> list[tuple[int, int, str, float, str]]:
    return [(g.start, g.end, g.label, round(g.score, 4), g.detector) for g in resolve(seen)]


def rows(texts: Sequence[str]) -> list[Any]:
    return [judge(pipeline(), n, json.dumps({"id": n, "text": text}).encode()) for n, text in enumerate(texts)]


def same(row: Any, seen: Inspected) -> bool:
    spans = [(s["start"], s["end"], s["label"], s["score"], s["detector"]) for s in row["spans"]]
    (result,) = seen.results
    return spans == findings(result.findings) and row["content"] == seen.classification.sensitivity.word


async def test_a_worker_process_of_the_gate_finds_what_scan_finds() -> None:
    texts = [case.text for case in cases()]
    pool = WorkerPool(None, names=False, workers=1, limits=Limits(), cache_key=b"k" * 32)
    try:
        await pool.start()
        seen = [await pool.inspect("tenant", (Segment("/text", "user", text),)) for text in texts]
    finally:
        await pool.close()
    different = [n for n, (row, one) in enumerate(zip(rows(texts), seen, strict=True)) if not same(row, one)]
    assert not different and any(result.findings for one in seen for result in one.results)


async def test_a_message_through_the_served_gate_is_seen_as_scan_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [case.text for case in cases() if case.kind in {"identifiers", "secrets"}][:40]
    noted: dict[str, TextResult] = {}
    inspect = WorkerPool.inspect

    async def noting(self: WorkerPool, tenant: str, segments: Sequence[Segment], *more: Any) -> Inspected:
        seen = await inspect(self, tenant, segments, *more)
        noted.update((s.text, result) for s, result in zip(segments, seen.results, strict=True))
        return seen

    monkeypatch.setattr(WorkerPool, "inspect", noting)
    async with world(tmp_path, Plan(judge=None)) as here:
        for text in texts:
            await here.ask(text)
    for text, row in zip(texts, rows(texts), strict=True):
        spans = [(s["start"], s["end"], s["label"], s["score"], s["detector"]) for s in row["spans"]]
        assert spans == findings(noted[text].findings)
