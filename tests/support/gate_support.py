"""A real gate on loopback for flow tests: real doors, real ledger, real enclave leases; the far ends are stand-ins.

Inspection is by patterns and secrets in this process, so that a gate starts in a moment: an e-mail address may go to
the cloud as a stand-in (``MAIL``), a medical record number to a verified enclave at most (``RECORD``), a token never
leaves the house (``TOKEN``). Tests about workers or models ask for them.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
import ipaddress
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import openai
from fake_cloud import FakeCloud

from attestation.simulator.server import SimulatedEnclave
from policies.types import Inspection, Zone
from proxy import keys
from proxy.app import Gate
from proxy.audit.query import Filter, query, verify
from proxy.auth import digest
from proxy.dialects.base import Segment
from proxy.egress import VendorDoor
from proxy.inspect import WorkerPool
from proxy.inspect_results import inspect_here
from proxy.inspect_worker import build
from proxy.ports import Inspected
from proxy.settings import AppConfig, AttestationConfig, Limits, ModelRoute, RecognizerConfig, Settings, UpstreamConfig
from redaction.custom import Custom
from redaction.detectors.custom import with_own
from redaction.pipeline import Pipeline

KEY = "flow-test-app-key-0001"
OTHER_KEY = "flow-test-app-key-0002"
"""Another app of the same tenant."""
HARMLESS = "What is the capital of France?"
ADDRESS = "anna.berg@example.com"
MAIL = f"Draft a polite reply to {ADDRESS} about the garden fence."
NUMBER = "48291734"
RECORD = f"Summarise: patient MRN: {NUMBER}, chest pain since Monday."
SECRET = "ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT"
TOKEN = f"Why does this fail? token = {SECRET}"
MODELS = {
    "gpt-4o": ModelRoute((("cloud", "gpt-4o"), ("sealed", "sealed-llm"), ("house", "small")), substitute=True),
    "cloud-only": ModelRoute((("cloud", "cloud-only"),)),
    "sealed-only": ModelRoute((("sealed", "sealed-llm"),), substitute=True),
    "house-only": ModelRoute((("house", "small"),), substitute=True),
}


@functools.cache
def pipeline() -> Pipeline:
    """Patterns and secrets, built once."""
    return build(None, names=False)


class Judge:
    """Inspection in this process. Implements ``ports.Inspector`` and what the gate shows of its pool."""

    def __init__(self, judging: Pipeline | None = None) -> None:
        self._pipeline = judging or pipeline()
        self._plain = self._pipeline
        self.alive = True
        self.restarts = 0

    def use(self, own: Custom) -> None:
        """As the pool does; only the detectors of the pipeline it was made with stay."""
        self._pipeline = Pipeline(with_own(self._plain.detectors, own), None) if own.digest else self._plain

    async def deepen(self) -> None:
        """Everything is loaded."""

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        return inspect_here(self._pipeline, segments, inspection)


class LightGate(Gate):
    """The gate with a given inspector; with None, a real worker process without models."""

    def __init__(self, settings: Settings, judge: Judge | None, **more: Any) -> None:
        super().__init__(settings, **more)
        self._judge = judge

    async def _inspection(self, secret: keys.Keys) -> WorkerPool:
        if self._judge is not None:
            self._judge.use(self.policy.current().detect)
            return cast("WorkerPool", self._judge)
        s = self.settings
        pool = WorkerPool(
            None, names=False, workers=1, limits=s.limits, cache_key=secret.purpose("cache"), recognizers=s.recognizers
        )
        pool.use(self.policy.current().detect)
        self._stack.push_async_callback(pool.close)
        await pool.start()
        return pool


@dataclass
class World:
    """Everything of one test. ``ask`` sends a chat request and gives status, headers and body."""

    folder: Path
    gate: Gate
    cloud: FakeCloud
    house: FakeCloud
    enclave: SimulatedEnclave
    http: aiohttp.ClientSession
    stack: contextlib.AsyncExitStack

    @property
    def chat_url(self) -> str:
        return f"{self.gate.url}/v1/chat/completions"

    async def ask(self, text: str | dict[str, Any], model: str = "gpt-4o", **more: Any) -> Answered:
        """A text as the only user message, or a whole body."""
        body = chat(text, model, **more) if isinstance(text, str) else text
        async with self.http.post(self.chat_url, json=body) as answer:
            headers = {k.lower(): v for k, v in answer.headers.items()}
            return Answered(answer.status, headers, await answer.read())

    def sdk(self, key: str = KEY, **more: Any) -> openai.AsyncOpenAI:
        """The official client, closed with the world."""
        client = openai.AsyncOpenAI(base_url=f"{self.gate.url}/v1", api_key=key, **more)
        self.stack.push_async_callback(client.close)
        return client

    def records(self, **want: Any) -> list[dict[str, Any]]:
        return query(self.gate.settings.data / "ledger.sqlite", Filter(**want))

    def intact(self) -> bool:
        """Whether the ledger's chain and its keyed head hold."""
        audit = keys.load(self.folder / "var.keys").purpose("audit")
        verdict = verify(self.gate.settings.data / "ledger.sqlite", audit)
        return verdict.problem is None and verdict.head_checked

    async def quiet(self) -> None:
        """Returns when no request runs any more and every attempt has its outcome on record."""
        async with asyncio.timeout(30):
            await self.gate.server.gauge.empty()
            while len(self.records(kind="intent")) > len(self.records(kind="outcome")):
                await asyncio.sleep(0.02)  # an app that leaves twice over does not wait for its outcome


@dataclass(frozen=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def text(self) -> str:
        return str(self.json["choices"][0]["message"]["content"])

    @property
    def zone(self) -> str | None:
        return self.headers.get("sealgate-zone")


@dataclass
class Plan:
    """What a world is made of; the defaults serve everything."""

    judge: Judge | None = field(default_factory=Judge)
    limits: Limits = field(default_factory=lambda: Limits(shutdown_s=5.0))
    policy: str = "builtin:default"
    models: Mapping[str, ModelRoute] = field(default_factory=lambda: MODELS)
    enclave: SimulatedEnclave | None = None
    approved_days: int = 1
    more: Mapping[str, UpstreamConfig] = field(default_factory=dict)
    """Further upstreams."""
    recognizers: tuple[RecognizerConfig, ...] = ()
    vendors: Mapping[str, str] | None = None
    """Stand-ins of vendors by origin: then there is a store of what they publish, ``collateral`` below the folder."""
    prewarm: bool = False
    """Whether the enclave is attested before anybody asks; off so that tests count what requests cause."""
    full: bool = False
    """The gate as it is, with the local models (SEALGATE_MODELS)."""


def chat(text: str, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    """A request with one user message, unless ``more`` brings others."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def settings(folder: Path, plan: Plan, cloud: str, house: str, enclave: str) -> Settings:
    proof = dataclasses.replace(AttestationConfig("sealgate-snp", "clinic"), prewarm=plan.prewarm)
    return Settings(
        data=folder / "var",
        policy=plan.policy,
        apps=(AppConfig("crm", "sales", digest(KEY)), AppConfig("desk", "sales", digest(OTHER_KEY))),
        upstreams={
            "cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=cloud),
            "sealed": UpstreamConfig("sealed", Zone.ENCLAVE, "openai", url=enclave, attestation=proof),
            "house": UpstreamConfig("house", Zone.ONPREM, "openai", url=house),
            **plan.more,
        },
        models=plan.models,
        expectations=folder,
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        onprem_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        environment="development",
        workers=1,
        limits=plan.limits,
        recognizers=plan.recognizers,
        collateral=folder / "collateral" if plan.vendors is not None else None,
    )


@contextlib.asynccontextmanager
async def world(folder: Path, plan: Plan | None = None) -> AsyncIterator[World]:
    """Starts the far ends, then the gate; ``folder`` keeps its data, so a second world in it is a restart."""
    plan = plan or Plan()
    async with contextlib.AsyncExitStack() as stack:
        cloud = await stack.enter_async_context(FakeCloud())
        house = await stack.enter_async_context(FakeCloud())
        enclave = await stack.enter_async_context(plan.enclave or SimulatedEnclave())
        until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=plan.approved_days)
        (folder / "clinic.yaml").write_text(enclave.expectations_yaml("clinic", until))
        s = settings(folder, plan, cloud.url, house.url, enclave.url)
        how: dict[str, Any] = {"base": folder, "simulated": enclave.trust}
        how["vendors"] = VendorDoor(plan.vendors) if plan.vendors is not None else None
        made = Gate(s, **how) if plan.full else LightGate(s, plan.judge, **how)
        gate = await stack.enter_async_context(made)
        http = aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"})
        await stack.enter_async_context(http)
        yield World(folder, gate, cloud, house, enclave, http, stack)
