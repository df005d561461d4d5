"""What the classes of answers cost on the way back: ``python -m benchmarks.answers``, or ``make bench-answers``.

An upstream dictates an answer word by word and notes when each left; the app notes when it could read each. Both read
the machine's monotonic clock, so a delay begins after everything that happens before a request leaves (inspection, the
ledger): it is what the way back adds. A pass-through stands in the same place in the same run, before the same
upstream, and requests alternate. Every tenth word is a stand-in, which the gate restores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import psutil  # type: ignore[import-untyped]  # its types are a package of their own
from rich.console import Console
from rich.table import Table

from benchmarks.latency import ROOT, figure, running
from benchmarks.loopback import APPS, PATH, WORDS, word
from benchmarks.texts import Texts

CLASSES = APPS[1:]
LIMIT_MS = 2.0
"""What ``restore-only`` may add to the first word."""


@dataclass(slots=True)
class Way:
    """One way to the upstream: delays of first words and of all words, in seconds."""

    name: str
    url: str
    key: str
    first: list[float] = field(default_factory=list)
    every: list[float] = field(default_factory=list)


def at(seconds: Sequence[float], share: float) -> float:
    """A percentile in milliseconds (nearest rank)."""
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000


async def read(session: aiohttp.ClientSession, way: Way, body: bytes) -> list[float]:
    """When each word could be read. Raises SystemExit when the answer is not what was dictated."""
    seen: list[float] = []
    said = rest = ""
    headers = {"authorization": f"Bearer {way.key}"}
    async with session.post(way.url + PATH, data=body, headers=headers) as answer:
        if answer.status != 200:
            raise SystemExit(f"benchmark: {way.name} answered {answer.status}: {(await answer.text())[:300]}")
        async for data in answer.content.iter_any():
            now = time.monotonic()
            *events, rest = (rest + data.decode()).split("\n\n")
            for event in events:
                if event.startswith("data: {"):
                    said += json.loads(event[6:])["choices"][0]["delta"].get("content", "")
            while len(seen) < WORDS and word(len(seen)).rstrip(".") in said:
                seen.append(now)
    if len(seen) < WORDS or "EMAIL_" in said:
        raise SystemExit(f"benchmark: the answer of {way.name} is not what was dictated")
    return seen


async def measure(console: Console, models: Path, rounds: int) -> list[Way]:
    """Starts everything and fills the ways."""
    key = "bench-" + secrets.token_hex(12)
    headers = {"content-type": "application/json"}
    texts = Texts(20260501)
    with tempfile.TemporaryDirectory(prefix="sealgate-bench-") as folder:
        async with (
            running("dictation") as (upstream, _),
            running("passthrough", upstream) as (plain, _),
            running("gate", folder, upstream, key, str(models)) as (gate, _),
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=60)) as session,
        ):
            ways = [Way("pass-through", plain, key), *(Way(c, gate, f"{key}-{c}") for c in CLASSES)]
            with console.status("dictating"):
                for n in range(rounds + 2):
                    text = texts.letter(600)
                    for way in ways:
                        body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": text}]}
                        seen = await read(session, way, json.dumps(body).encode())
                        async with session.get(f"{upstream}/stamps") as answer:
                            left = await answer.json()
                        delays = [s - t for s, t in zip(seen, left, strict=True)]
                        if n >= 2:  # two to warm up
                            way.first.append(delays[0])
                            way.every += delays
            return ways


def show(console: Console, ways: Sequence[Way]) -> bool:
    """Prints the table; whether ``restore-only`` keeps its limit."""
    table = Table(title="Delay of words on the way back, milliseconds, p50 / p99", title_justify="left")
    for name in ("answers", "n", "first word", "added", "every word", "added", "ratio p50"):
        table.add_column(name, justify="left" if name == "answers" else "right")
    plain = ways[0]
    for way in ways:
        row = [way.name, str(len(way.first))]
        for mine, theirs in ((way.first, plain.first), (way.every, plain.every)):
            row.append(" / ".join(figure(at(mine, q)) for q in (0.5, 0.99)))
            row.append("" if way is plain else " / ".join(figure(at(mine, q) - at(theirs, q)) for q in (0.5, 0.99)))
        table.add_row(*row, "" if way is plain else f"{at(way.every, 0.5) / at(plain.every, 0.5):.1f}×")
    console.print(table)
    added = at(ways[1].first, 0.5) - at(plain.first, 0.5)
    console.print(f"{ways[1].name} adds {added:.2f} ms to the first word (p50); the limit is {LIMIT_MS:.0f} ms.")
    return added < LIMIT_MS


def main() -> None:
    """Exit code 2 when the limit is not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40, help="answers of each class")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models", help="installed models")
    asked = parser.parse_args()
    console = Console(width=118)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    console.print(
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {load}"
    )
    if not show(console, asyncio.run(measure(console, asked.models.absolute(), asked.rounds))):
        raise SystemExit(2)


if __name__ == "__main__":
    main()
