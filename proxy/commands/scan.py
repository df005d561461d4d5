"""``sealgate scan``: JSONL texts in, JSONL spans out; offline, in constant memory, by the code the gate inspects with.

Lines are judged in several processes and written in the order in which they came. A line that cannot be read gives a
row with ``error`` and exit code 1 at the end; no line is skipped silently.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import IO, Any

import click
import orjson

from proxy.dialects.base import Segment
from proxy.errors import ConfigError
from redaction.classifier import payload_level
from redaction.custom import NOTHING, Custom
from redaction.pipeline import Pipeline
from redaction.spans import resolve
from redaction.types import Sensitivity

LINE_BYTES = 64 << 20
"""Bytes of the longest line that is read."""
CHUNK_BYTES = 64 << 10
CHUNK_LINES = 64
AHEAD = 3
"""Chunks per process that wait for their turn."""

_DATA = click.option("--data", type=click.Path(path_type=Path), default=Path("var"), help="Where models are.")


@click.command()
@_DATA
@click.option("--in", "source", type=click.File("rb"), default="-", help="JSONL with `id` and `text`; default stdin.")
@click.option(
    "--out", "target", type=click.File("wb"), default="-", help="JSONL with `id` and `spans`; default stdout."
)
@click.option("--policy", "policy_name", help="A policy whose patterns and terms count, too.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes; default one per core.")
def scan(data: Path, source: IO[bytes], target: IO[bytes], policy_name: str | None, jobs: int | None) -> None:
    """What would be found in each text: spans, sensitivity, categories.

    `sensitivity` is that of the text as it stands, values included; `content` is what it is about.
    """
    from proxy.models import store

    own = _own(policy_name) if policy_name else NOTHING
    folder = store.models_dir(data)
    bad = False
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, initializer=_start, initargs=(str(folder), own)) as pool:
        for rows, ok in _ordered(pool, chunks(source), AHEAD * (jobs or os.cpu_count() or 1)):
            target.write(rows)
            bad = bad or not ok
    target.flush()
    sys.exit(1 if bad else 0)


def _ordered(
    pool: ProcessPoolExecutor, work: Iterator[list[tuple[int, bytes]]], ahead: int
) -> Iterator[tuple[bytes, bool]]:
    waiting: deque[Future[tuple[bytes, bool]]] = deque()
    for chunk in work:
        waiting.append(pool.submit(_judge, chunk))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def chunks(source: IO[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines in groups of bounded size; of a line over the limit nothing but its number."""
    held: list[tuple[int, bytes]] = []
    size = number = 0
    while line := source.readline(LINE_BYTES + 1):
        number += 1
        if len(line) > LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = source.readline(LINE_BYTES)
            line = _LONG
        if line is not _LONG and not line.strip():
            continue
        held.append((number, line))
        size += len(line)
        if size >= CHUNK_BYTES or len(held) >= CHUNK_LINES:
            yield held
            held, size = [], 0
    if held:
        yield held


_LONG = b"\x00"
_pipeline: list[Pipeline] = []


def _own(name: str) -> Custom:
    from policies.load import load_file
    from policies.yaml_strict import YamlProblems
    from proxy.policyfile import locate

    try:
        return load_file(locate(name, Path())).detect
    except (YamlProblems, ConfigError) as e:
        raise click.ClickException(str(e)) from None
    except (OSError, UnicodeDecodeError) as e:
        raise click.ClickException(f"{name}: cannot read the policy ({type(e).__name__})") from None


def _start(folder: str, own: Custom) -> None:
    from proxy.inspect_worker import build

    _pipeline.append(build(Path(folder), names=True, own=own))


def _judge(lines: Sequence[tuple[int, bytes]]) -> tuple[bytes, bool]:
    rows = [judge(_pipeline[0], number, line) for number, line in lines]
    return b"".join(orjson.dumps(row) + b"\n" for row in rows), not any("error" in row for row in rows)


def judge(pipeline: Pipeline, number: int, line: bytes) -> dict[str, Any]:
    """The row of one line: what the gate would find in a message that says ``text``."""
    from proxy.inspect_results import inspect_here

    problem, ident, text = _read(line)
    if problem:
        return {"id": ident, "line": number, "error": problem}
    seen = inspect_here(pipeline, (Segment("/text", "user", text),))
    (result,) = seen.results
    content = seen.classification
    level = payload_level(content, result.findings)
    return {
        "id": ident,
        "spans": [
            {"start": g.start, "end": g.end, "label": g.label, "score": round(g.score, 4), "detector": g.detector}
            for g in resolve(result.findings)
        ],
        "sensitivity": (Sensitivity.REGULATED if result.uninspected else level).word,
        "content": content.sensitivity.word,
        "categories": dict(sorted(content.categories.items())),
        "uninspected": result.uninspected,
    }


def _read(line: bytes) -> tuple[str, Any, str]:
    """``(problem, id, text)``."""
    if line is _LONG or line == _LONG:
        return f"the line is longer than {LINE_BYTES} bytes", None, ""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "the line is not JSON", None, ""
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return "the line is no object with a string `text`", None, ""
    if any("\ud800" <= c <= "\udfff" for c in row["text"]):
        return "`text` holds half a surrogate pair", None, ""
    ident = row.get("id")
    return (
        ("", ident, row["text"]) if ident is None or isinstance(ident, str | int) else ("`id` is no string", None, "")
    )
