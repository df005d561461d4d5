"""A whole gate on loopback for flow tests: real ledger, real doors, stand-in cloud and house, simulated enclave.

``names=False`` inspects with patterns and secrets only, in the test's own process, which is quick; the worker pool has
tests of its own. The classifier is replaced by marks in the text: ``#health`` makes a payload regulated health data.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import openai
from fake_cloud import FakeCloud

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from policies.types import Zone
from proxy.app import Gate
from proxy.audit.query import Filter, query
from proxy.auth import digest, new_key
from proxy.dialects.base import Segment
from proxy.inspect import classify_payload
from proxy.inspect_worker import build
from proxy.keys import Keys
from proxy.ports import Inspected
from proxy.settings import AppConfig, AttestationConfig, Limits, ModelRoute, Settings, UpstreamConfig
from redaction.pipeline import Pipeline, propagate
from redaction.types import Classification, DetectorFailed, Finding, Sensitivity

MARKS = {
    "#health": Classification(Sensitivity.REGULATED, {"health": 0.99}),
    "#legal": Classification(Sensitivity.CONFIDENTIAL, {"legal": 0.99}),
    "#marked": Classification(Sensitivity.CONFIDENTIAL, {"legal": 0.99}, frozenset({"marked_confidential"})),
}
ROUTE = (("cloud", "gpt-4o"), ("sealed", "gpt-4o"), ("house", "gpt-4o"))


class Marks:
    """A classifier that reads the marks; ``#fail`` makes it fail."""

    name = "marks"
    digest = "1"

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        if "#fail" in text:
            raise DetectorFailed(self.name, "timeout")
        return next((c for mark, c in MARKS.items() if mark in text), Classification(Sensitivity.PUBLIC))


class Inline:
    """``ports.Inspector`` without processes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.alive = True
        self.restarts = 0

    async def inspect(self, tenant: str, segments: Sequence[Segment]) -> Inspected:
        texts = [s.text for s in segments]
        results = propagate(texts, self._pipeline.inspect(texts))
        return Inspected(tuple(results), classify_payload(segments, results), self._pipeline.digests)


_LIGHT = Pipeline(build(None, names=False)._detectors, Marks())


class LightGate(Gate):
    """A gate that inspects in its own process."""

    async def _inspection(self, secret: Keys) -> Any:
        return Inline(_LIGHT)


@dataclass
class House:
    """Everything a flow test touches."""

    gate: Gate
    cloud: FakeCloud
    house: FakeCloud
    enclave: SimulatedEnclave
    key: str
    other_key: str
    clients: list[openai.AsyncOpenAI] = field(default_factory=list)

    def client(self, key: str | None = None, retries: int = 0) -> openai.AsyncOpenAI:
        made = openai.AsyncOpenAI(base_url=f"{self.gate.url}/v1", api_key=key or self.key, max_retries=retries)
        self.clients.append(made)
        return made

    def records(self, **want: Any) -> list[dict[str, Any]]:
        return query(self.gate.settings.data / "ledger.sqlite", Filter(**want))

    @property
    def seen_outside(self) -> bytes:
        """Everything the cloud got: lines, headers and bodies."""
        parts = [f"{r.path}?{r.query}{r.headers}".encode() + r.body for r in self.cloud.requests]
        return b"\n".join(parts)


def settings(
    tmp_path: Path, cloud: FakeCloud, house: FakeCloud, enclave: SimulatedEnclave, keys: Sequence[str]
) -> Settings:
    """Two apps of one tenant; the enclave's measurements are approved until tomorrow."""
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    (tmp_path / "clinic.yaml").write_text(enclave.expectations_yaml("clinic", tomorrow))
    proof = AttestationConfig("sealgate-snp", "clinic")
    return Settings(
        data=tmp_path / "var",
        policy="builtin:default",
        apps=tuple(AppConfig(f"app{i}", "acme", digest(key)) for i, key in enumerate(keys)),
        upstreams={
            "cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=cloud.url),
            "sealed": UpstreamConfig("sealed", Zone.ENCLAVE, "openai", url=enclave.url, attestation=proof),
            "house": UpstreamConfig("house", Zone.ONPREM, "openai", url=house.url),
        },
        models={
            "gpt-4o": ModelRoute(ROUTE),
            "cloud-only": ModelRoute((("cloud", "cloud-only"),)),
            "no-house": ModelRoute((("cloud", "no-house"), ("sealed", "no-house"))),
        },
        expectations=tmp_path,
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        onprem_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        environment="development",
        limits=replace(Limits(), read_timeout_s=1.0, shutdown_s=5.0, body_bytes=200_000),
    )


@asynccontextmanager
async def house(
    tmp_path: Path, *, misbehaviour: Misbehaviour | None = None, change: Mapping[str, Any] | None = None
) -> AsyncIterator[House]:
    """A running gate. ``change`` replaces settings."""
    keys = new_key(), new_key()
    async with FakeCloud() as cloud, FakeCloud() as own, SimulatedEnclave(misbehaviour) as enclave:
        s = replace(settings(tmp_path, cloud, own, enclave, keys), **(change or {}))
        async with LightGate(s, simulated=enclave.trust) as gate:
            made = House(gate, cloud, own, enclave, *keys)
            try:
                yield made
            finally:
                for client in made.clients:
                    await client.close()
