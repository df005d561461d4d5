"""Sends cases through one running gate, many at a time, and keeps what the app got and what crossed the socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from gate_support import KEY, Plan, World, world
from wire.capture import Capture, Sent, found
from wire.tables import BOUNDARY, Request, Surface, to_json
from yarl import URL

from policies.types import Zone
from proxy.settings import ModelRoute, UpstreamConfig

POLICY = """\
version: 1
name: wire-matrix
owner: privacy@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: cloud}
  uninspected: onprem
  transforms: {"*": pseudonym, "@secrets": redact}
  transforms_enclave: {"*": pseudonym}
rules: []
"""
"""Everything may go to the cloud, nothing as it is: so that a refusal hides no leak."""
CLOUDS = {"cloud": "openai", "anthropic": "anthropic", "gemini": "gemini", "ollama": "ollama", "api": "http"}
"""Upstreams and their kinds: all of them are the one socket, and the first part of a path there is the kind."""
BATCH = {
    "custom_id": "one", "method": "POST", "url": "/v1/chat/completions",
    "body": {"model": "case-99999999", "messages": [{"role": "user", "content": "hello"}]},
}  # fmt: skip
"""The line of the one batch that stands ready."""
AT_ONCE = 24


@dataclass(frozen=True)
class Case:
    """One request with values that must not leave (none for a twin)."""

    group: str
    surface: Surface = field(repr=False)
    place: str
    spelling: str
    request: Request
    values: tuple[str, ...] = ()
    whole: bool = True
    """Whether each value is a leak; else all of them together are (a value in pieces)."""
    text: str = ""
    """What a twin says."""
    refusals: frozenset[str] = frozenset()
    """Codes that a harmless request may be refused with."""


@dataclass(frozen=True)
class Result:
    case: Case
    status: int
    code: str
    sent: tuple[Sent, ...]
    body: bytes
    """The request body as the app sent it."""

    @property
    def leaked(self) -> list[str]:
        values = self.case.values
        seen = [v for s in self.sent for v in found(s.raw, values)]
        return seen if self.case.whole or len(set(seen)) == len(values) else []

    @property
    def unchanged(self) -> bool:
        """Whether it crossed once with its own bytes (a form's but for the boundary, which the gate draws), or in a
        frame of the gate's with its own text."""
        if self.case.surface.rewrites:
            said = self.case.text.encode("utf-8", "surrogatepass")
            kept = said, to_json(self.case.text)[1:-1]
            return self.status == 200 and len(self.sent) == 1 and any(k in self.sent[0].body for k in kept)
        return self.status == 200 and [_its_own(s) for s in self.sent] == [self.body]

    def __str__(self) -> str:
        seen = b" | ".join(s.body for s in self.sent)[:600]
        return f"{self.case.surface.name}: {self.case.place} / {self.case.spelling}: {self.status} {self.code} {seen!r}"


def _its_own(sent: Sent) -> bytes:
    drawn = re.search(rb"multipart/form-data; boundary=(sealgate-[0-9a-f]{32})\r\n", sent.head)
    return sent.body.replace(drawn[1], BOUNDARY.encode()) if drawn is not None else sent.body


@dataclass(frozen=True)
class Ran:
    results: Sequence[Result]
    """In the order of the cases."""
    routes: frozenset[tuple[str, str]]
    """Method and route of everything that the gate serves."""


def run(folder: Path, cases: Sequence[Case], answer: Callable[[str, int], Any]) -> Ran:
    """Every case once."""
    return asyncio.run(_run(folder, cases, answer))


async def _run(folder: Path, cases: Sequence[Case], answer: Callable[[str, int], Any]) -> Ran:
    async with Capture(answer) as wire:
        (folder / "matrix.yaml").write_text(POLICY)
        ups = {name: UpstreamConfig(name, Zone.CLOUD, kind, url=f"{wire.url}/{kind}") for name, kind in CLOUDS.items()}
        ups["house"] = UpstreamConfig("house", Zone.ONPREM, "ollama", url=f"{wire.url}/house")
        routes = tuple((name, "*") for name, kind in CLOUDS.items() if kind != "http")
        plan = Plan(judge=None, policy=str(folder / "matrix.yaml"), more=ups, models={"*": ModelRoute(routes)})
        async with world(folder, plan) as w:
            await _batch(w)
            results = await _all(w, wire, cases)
            served = w.gate.server.application().router.routes()
            routes = frozenset((r.method, r.resource.canonical) for r in served if r.resource and r.method != "HEAD")
        assert not wire.lost, wire.lost[:3]
        return Ran(results, routes)


async def _batch(w: World) -> None:
    """Uploads a batch's input, for the cases that name one."""
    form = aiohttp.FormData()
    form.add_field("purpose", "batch")
    form.add_field("file", json.dumps(BATCH), filename="batch.jsonl", content_type="application/jsonl")
    async with w.http.post(f"{w.gate.url}/v1/files", data=form) as answer:
        assert answer.status == 200, await answer.text()


async def _all(w: World, wire: Capture, cases: Iterable[Case]) -> list[Result]:
    results: dict[int, Result] = {}
    todo = iter(enumerate(cases))

    async def work() -> None:
        async with aiohttp.ClientSession(auto_decompress=True) as http:
            for number, case in todo:
                results[number] = await _one(w, wire, http, number, case)

    await asyncio.gather(*itertools.starmap(work, [()] * AT_ONCE))
    return [results[n] for n in sorted(results)]


async def _one(w: World, wire: Capture, http: aiohttp.ClientSession, number: int, case: Case) -> Result:
    request = case.request
    name = f"case-{number}"
    body = request.body.replace(b"case-0", name.encode())
    url = URL(w.gate.url + request.path.replace("case-0", name), encoded=True)
    headers = {"authorization": f"Bearer {KEY}"} | dict(request.headers)
    async with http.request(request.method, url, data=request.coding(body), headers=headers) as answer:
        data = await answer.read()
    code = ""
    if answer.status != 200:
        said = re.findall(r'"code":\s*"([a-z_]+)"', data.decode())  # each vendor's error has it in another place
        code = said[0] if said else data[:80].decode()
    return Result(case, answer.status, code, tuple(wire.seen.get(number, ())), body)
