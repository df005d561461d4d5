"""Added latency and CPU of the gate beside a minimal pass-through, in the same run: ``python -m benchmarks.latency``.

Both proxies are processes of their own before the same loopback upstream, which answers at once. Requests alternate
between them and between the two depths of inspection, one at a time, so that whatever the machine does meanwhile hits
all. CPU is that of the whole process tree. Every text is new; the cases say where a cache may help. The last table is
another: short prompts while documents are inspected beside them. Figures are relative to the machine and its load.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped]  # its types are a package of their own
from rich.console import Console
from rich.table import Table

from benchmarks.loopback import PATH
from benchmarks.texts import Texts

ROOT = Path(__file__).resolve().parents[1]
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """``bodies`` yields what is sent; every ``unmeasured`` one goes first, to fill the cache."""

    name: str
    rounds: int
    quick: int
    bodies: Callable[[Texts], Iterator[tuple[Body, bool]]]
    first_byte: bool = False


@dataclass(slots=True)
class Target:
    """A proxy under test, and what was measured on it for one case."""

    name: str
    url: str
    key: str
    process: psutil.Process
    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0

    def cpu_now(self) -> float:
        """CPU seconds of the process tree so far."""
        total = 0.0
        for process in (self.process, *self.process.children(recursive=True)):
            used = process.cpu_times()
            total += used.user + used.system
        return total

    def at(self, share: float) -> float:
        """A percentile in milliseconds (nearest rank)."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000


def chat(messages: list[dict[str, str]], **more: Any) -> Body:
    return {"model": "gpt-4o", "messages": messages, **more}


def single(make: Callable[[Texts], str], **more: Any) -> Callable[[Texts], Iterator[tuple[Body, bool]]]:
    """One new user message a request."""

    def bodies(texts: Texts) -> Iterator[tuple[Body, bool]]:
        while True:
            yield chat([{"role": "user", "content": make(texts)}], **more), True

    return bodies


def cold_history(texts: Texts) -> Iterator[tuple[Body, bool]]:
    while True:
        yield chat(texts.history(19)), True


def next_turn(texts: Texts) -> Iterator[tuple[Body, bool]]:
    """A conversation that goes on: 19 messages the gate has seen, then the answer and one new message."""
    while True:
        history = texts.history(19)
        yield chat(history), False
        reply = {"role": "assistant", "content": texts.prose(400)}
        yield chat([*history, reply, {"role": "user", "content": texts.letter(400)}]), True


def long_chat(texts: Texts, turns: int = 51) -> Iterator[tuple[Body, bool]]:
    """A long conversation that goes on: one new message, the rest is known."""
    while True:
        history = texts.history(turns)
        yield chat(history), False
        reply = {"role": "assistant", "content": "Noted."}
        yield chat([*history, reply, {"role": "user", "content": texts.letter(200)}]), True


def resent(texts: Texts, turns: int = 51) -> Iterator[tuple[Body, bool]]:
    """A conversation that is sent again as it is."""
    while True:
        history = texts.history(turns)
        yield chat(history), False
        yield chat(history), True


CASES = (
    Case("300-character prompt", 200, 20, single(lambda t: t.prose(300))),
    Case("1 kB with personal data", 100, 10, single(lambda t: t.letter(1000))),
    Case("20-turn history, cold", 20, 3, cold_history),
    Case("20-turn history, next turn", 20, 3, next_turn),
    Case("51 messages, a new turn of 200", 20, 3, long_chat),
    Case("51 messages, all known", 20, 3, resent),
    Case("100 kB document", 5, 1, single(lambda t: t.letter(100_000))),
    Case("streaming, first byte", 100, 10, single(lambda t: t.prose(300), stream=True), first_byte=True),
)


@contextlib.asynccontextmanager
async def running(*args: str) -> AsyncIterator[tuple[str, int]]:
    """A process of ``benchmarks.loopback``: (its address, its id)."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "benchmarks.loopback", *args)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdin is not None and process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        if not url:
            raise SystemExit(f"benchmark: the process '{args[0]}' did not start; its reason is above")
        yield url, process.pid
    finally:
        process.stdin.close()
        await process.wait()


async def send(session: aiohttp.ClientSession, target: Target, data: bytes, *, first_byte: bool) -> float:
    """Seconds until the answer is complete, or until its first byte. Raises SystemExit when it is not a 200."""
    started = time.perf_counter()
    headers = {"authorization": f"Bearer {target.key}"}
    async with session.post(target.url + PATH, data=data, headers=headers) as answer:
        if answer.status != 200:
            raise SystemExit(f"benchmark: {target.name} answered {answer.status}: {(await answer.text())[:300]}")
        await answer.content.readany()
        first = time.perf_counter() - started
        await answer.read()
    return first if first_byte else time.perf_counter() - started


async def measure(case: Case, rounds: int, session: aiohttp.ClientSession, targets: list[Target]) -> None:
    """Fills the targets: ``rounds`` measured requests each, alternating."""
    sources = [case.bodies(Texts(zlib.crc32(f"{case.name} {target.name}".encode()))) for target in targets]
    for target in targets:
        target.seconds, target.cpu = [], 0.0
    while len(targets[0].seconds) < rounds:
        for target, bodies in zip(targets, sources, strict=True):
            body, measured = next(bodies)
            data = json.dumps(body, ensure_ascii=False).encode()
            before = target.cpu_now()
            seconds = await send(session, target, data, first_byte=case.first_byte)
            if measured:
                target.seconds.append(seconds)
                target.cpu += target.cpu_now() - before


def shares(process: psutil.Process) -> list[str]:
    """Proportional memory of each process of a tree."""
    tree = (process, *process.children(recursive=True))
    return [f"{p.memory_full_info().pss / 2**20:.0f}" for p in tree]


def figure(milliseconds: float) -> str:
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.1f}"


def add_row(table: Table, case: Case, plain: Target, gates: list[Target]) -> None:
    n = len(plain.seconds)
    added = [" / ".join(figure(g.at(q) - plain.at(q)) for q in (0.5, 0.99)) for g in gates]
    ratios = [f"{statistics.median(g.seconds) / statistics.median(plain.seconds):.0f}×" for g in gates]
    cpu = [figure(g.cpu / n * 1000) for g in gates]
    columns = [cell for row in zip(added, ratios, cpu, strict=True) for cell in row]
    table.add_row(case.name, str(n), f"{figure(plain.at(0.5))} / {figure(plain.at(0.99))}", *columns)


async def beside(session: aiohttp.ClientSession, gate: Target, rounds: int) -> tuple[int, int]:
    """Fills ``gate`` with short prompts, sent one at a time while 100 kB documents are inspected one after the other.
    How many prompts and documents were answered."""
    texts, documents = Texts(77), 0

    async def write() -> None:
        nonlocal documents
        while True:
            body = json.dumps(chat([{"role": "user", "content": texts.letter(100_000)}])).encode()
            await send(session, gate, body, first_byte=False)
            documents += 1

    gate.seconds = []
    writing = asyncio.ensure_future(write())
    await asyncio.sleep(0.2)
    for _ in range(rounds):
        body = json.dumps(chat([{"role": "user", "content": texts.prose(300)}])).encode()
        gate.seconds.append(await send(session, gate, body, first_byte=False))
        await asyncio.sleep(0.02)
    writing.cancel()
    await asyncio.wait({writing})
    return rounds, documents


async def bench(console: Console, models: Path, *, quick: bool) -> None:
    """Starts everything, measures every case, prints the table."""
    key = "bench-" + secrets.token_hex(12)
    table = Table(title="Milliseconds, p50 / p99", title_justify="left")
    for name in ("case", "n", "pass-through", "full: added", "ratio", "CPU", "fast: added", "ratio", "CPU"):
        table.add_column(name, justify="left" if name == "case" else "right")
    headers = {"content-type": "application/json"}
    with tempfile.TemporaryDirectory(prefix="sealgate-bench-") as folder:
        async with (
            running("upstream") as (upstream, _),
            running("passthrough", upstream) as (plain_url, plain_id),
            running("gate", folder, upstream, key, str(models)) as (gate_url, gate_id),
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=600)) as session,
        ):
            plain = Target("pass-through", plain_url, key, psutil.Process(plain_id))
            gate = psutil.Process(gate_id)
            gates = [Target("full", gate_url, key, gate), Target("fast", gate_url, f"{key}-fast", gate)]
            warm = Case("warm-up", 5, 5, single(lambda t: t.letter(600)))
            await measure(warm, 5, session, [plain, *gates])
            for case in CASES:
                with console.status(case.name):
                    await measure(case, case.quick if quick else case.rounds, session, [plain, *gates])
                add_row(table, case, plain, gates)
            console.print(table)
            for target in gates:
                asked, read = await beside(session, target, 20 if quick else 200)
                console.print(
                    f"{asked} prompts of 300 characters beside {read} documents of 100 kB, {target.name}: "
                    f"{figure(target.at(0.5))} / {figure(target.at(0.99))} ms"
                )
            console.print(f"Memory of the gate's processes (PSS): {', '.join(shares(gate))} MB")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few requests: does it run, roughly how much")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models", help="installed models")
    asked = parser.parse_args()
    if not asked.models.is_dir():
        parser.error(f"{asked.models}: no models there; run: sealgate models install --data var")
    console = Console(width=118)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    console.print(
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {load}"
    )
    asyncio.run(bench(console, asked.models.absolute(), quick=asked.quick))
    console.print(
        "One request at a time, alternating; the upstream answers at once, so all time is the proxies' own.\n"
        "CPU is per request over the whole process tree. It counts in steps of 10 ms.\n"
        "Figures are relative: compare within one run only."
    )


if __name__ == "__main__":
    main()
