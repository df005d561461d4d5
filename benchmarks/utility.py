"""What protection costs in usefulness: ``python -m benchmarks.utility`` asks questions with and without the gate.

A real local model plays the cloud, so that nothing but the gate differs. Questions follow published task forms (bAbI
tasks 1 and 5 of Weston et al. 2015, extraction of contacts, drafting), with people, addresses and numbers drawn from a
fixed seed. An answer counts when it holds the value that was asked for, as an app would see it: restored. The figure
is the share of answers that stay right; what the model cannot do anyway counts on neither side.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import openai
from aiohttp import web
from rich.console import Console
from rich.table import Table

import policies
from policies.types import Zone
from proxy.app import Gate
from proxy.auth import digest, new_key
from proxy.models import store
from proxy.settings import AppConfig, ModelRoute, Settings, UpstreamConfig
from proxy.upstreams.local import LocalEngine

MODEL = "smollm2-135m"
DATA = Path(__file__).resolve().parents[1] / "var"
PEOPLE = (
    "Maria Keller", "John Whitfield", "Pedro Alvarez", "Chloe Dubois", "Lars Nilsson", "Grace Bennett", "Sofia Romano",
    "Daniel Novak", "Emma Thompson", "Hassan Rahimi", "Ingrid Bauer", "Thomas Moreau",
)  # fmt: skip
PLACES = ("kitchen", "garden", "office", "bathroom", "hallway", "bedroom")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``want`` must stand in the answer."""

    task: str
    text: str
    want: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether the answer was right without and with the gate."""

    task: str
    plain: bool
    gated: bool
    redacted: bool


def questions(count: int, seed: int = 7) -> Iterator[Question]:
    """``count`` questions of each task."""
    draw = random.Random(seed)  # a fixed seed, so that two runs ask the same
    for _ in range(count):
        a, b = draw.sample(PEOPLE, 2)
        here, there = draw.sample(PLACES, 2)
        mail, phone = _mail(a), f"+1 212 555 {draw.randrange(1000, 9999)}"
        yield Question("where (bAbI 1)", f"{a} is in the {here}. {b} is in the {there}. Where is {a}?", here)
        yield Question("who gave (bAbI 5)", f"{a} gave the apple to {b}. Who gave the apple?", a)
        yield Question("e-mail", f"{a}'s e-mail address is {mail}. What is {a}'s e-mail address?", mail)
        yield Question("phone", f"{a}'s phone number is {phone}. What is {a}'s phone number?", phone)
        yield Question("rewrite", f"Rewrite as a full sentence: {a}, phone {phone}", phone)
        yield Question("greeting", f"Write one short friendly sentence that greets {a} by full name.", a)


def _mail(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


@contextlib.asynccontextmanager
async def serving(engine: LocalEngine) -> AsyncIterator[str]:
    """The model behind an OpenAI-compatible endpoint on loopback."""

    async def chat(request: web.Request) -> web.Response:
        answer = await engine.chat(await request.read())
        body = b"".join([c async for c in answer.chunks])
        return web.Response(status=answer.status, body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def _settings(folder: Path, url: str, key: str, stand_ins: str) -> Settings:
    text = (Path(policies.__file__).parent / "default.yaml").read_text("utf-8")
    (folder / "policy.yaml").write_text(text.replace("defaults:\n", f"defaults:\n  stand_ins: {stand_ins}\n", 1))
    return Settings(
        data=folder / "var",
        policy=str(folder / "policy.yaml"),
        apps=(AppConfig("bench", "bench", digest(key)),),
        upstreams={"cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=url)},
        models={MODEL: ModelRoute((("cloud", MODEL),))},
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        onprem_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        environment="development",
        workers=1,
    )


async def _ask(client: openai.AsyncOpenAI, question: Question) -> tuple[str, str]:
    raw = await client.chat.completions.with_raw_response.create(
        model=MODEL, messages=[{"role": "user", "content": question.text}], max_tokens=64, temperature=0, seed=1
    )
    return raw.parse().choices[0].message.content or "", raw.headers.get("sealgate-action", "")


async def measure(count: int, stand_ins: str = "plain") -> list[Outcome]:
    """Asks every question twice. Needs the local models."""
    out = []
    async with contextlib.AsyncExitStack() as stack:
        os.environ["SEALGATE_MODELS"] = str(store.models_dir(DATA))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = LocalEngine(store.require(DATA, "smollm2") / "model.gguf", MODEL)
        await engine.start()
        stack.push_async_callback(engine.close)
        url = await stack.enter_async_context(serving(engine))
        key = new_key()
        fixed = folder / "var.keys"  # no secret: two runs draw the same stand-ins
        fixed.write_text("5e" * 32)
        fixed.chmod(0o600)
        gate = await stack.enter_async_context(Gate(_settings(folder, url, key, stand_ins), base=folder))
        plain = openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
        gated = openai.AsyncOpenAI(base_url=f"{gate.url}/v1", api_key=key, max_retries=0)
        stack.push_async_callback(plain.close)
        stack.push_async_callback(gated.close)
        for question in questions(count):
            without, _ = await _ask(plain, question)
            through, action = await _ask(gated, question)
            right, still = (question.want.lower() in text.lower() for text in (without, through))
            out.append(Outcome(question.task, right, still, redacted=action == "redacted"))
    return out


def kept(outcomes: Sequence[Outcome]) -> float:
    """Of the answers that were right without the gate, the share that is right with it."""
    right = [o for o in outcomes if o.plain]
    return sum(o.gated for o in right) / len(right) if right else 0.0


def main() -> None:
    """Prints one row per task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=12, help="questions per task")
    parser.add_argument("--stand-ins", choices=("plain", "realistic"), default="plain")
    given = parser.parse_args()
    outcomes = asyncio.run(measure(given.count, given.stand_ins))
    table = Table(title="Right answers of the same local model")
    for heading in ("task", "n", "without", "with the gate", "of the right ones kept", "redacted"):
        table.add_column(heading, justify="left" if heading == "task" else "right")
    for task in (*dict.fromkeys(o.task for o in outcomes), "all"):
        mine = [o for o in outcomes if task in {o.task, "all"}]
        counts = (sum(o.plain for o in mine), sum(o.gated for o in mine))
        redacted = sum(o.redacted for o in mine)
        table.add_row(task, str(len(mine)), *map(str, counts), f"{kept(mine):.0%}", str(redacted))
    Console().print(table)


if __name__ == "__main__":
    main()
