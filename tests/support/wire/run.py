"""Sends cases through one running gate, many at a time, and keeps what the app got and what crossed the socket."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from gate_support import KEY, Plan, World, world
from wire.capture import Capture, Sent, found
from wire.surfaces import Surface
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
AT_ONCE = 24


JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Request:
    """What an app sends. ``case-0`` in path and body becomes the case's own name; ``coding`` is applied after that."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    coding: Callable[[bytes], bytes] = bytes
    method: str = "POST"


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
        """Whether it crossed once with its own bytes."""
        return self.status == 200 and [s.body for s in self.sent] == [self.body]

    def __str__(self) -> str:
        seen = b" | ".join(s.body for s in self.sent)[:600]
        return f"{self.case.surface.name}: {self.case.place} / {self.case.spelling}: {self.status} {self.code} {seen!r}"


def json_request(path: str, body: Any) -> Request:
    return Request(path, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def run(folder: Path, cases: Sequence[Case], answer: Callable[[str], Any]) -> list[Result]:
    """The results in the order of the cases."""
    return asyncio.run(_run(folder, cases, answer))


async def _run(folder: Path, cases: Sequence[Case], answer: Callable[[str], Any]) -> list[Result]:
    async with Capture(answer) as wire:
        (folder / "matrix.yaml").write_text(POLICY)
        ups = {
            kind: UpstreamConfig(kind, Zone.CLOUD, kind, url=f"{wire.url}/v1")
            for kind in ("openai", "anthropic", "http")
        }
        routes = tuple((kind, "*") for kind in ups if kind != "http")
        plan = Plan(judge=None, policy=str(folder / "matrix.yaml"), more=ups, models={"*": ModelRoute(routes)})
        async with world(folder, plan) as w:
            results = await _all(w, wire, cases)
        assert not wire.lost, wire.lost[:3]
        return results


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
    headers = {"authorization": f"Bearer {KEY}", **request.headers}
    async with http.request(request.method, url, data=request.coding(body), headers=headers) as answer:
        data = await answer.read()
    code = ""
    if answer.status != 200:
        try:
            code = str(json.loads(data)["error"].get("code"))
        except (ValueError, KeyError, TypeError, AttributeError):
            code = data[:80].decode("utf-8", "replace")
    return Result(case, answer.status, code, tuple(wire.seen.get(number, ())), body)
