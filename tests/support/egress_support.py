"""Small makers for tests of the doors: a clock that is set by hand, upstreams, receipts, decisions."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass, field
from typing import Any

from policies.types import Decision, Requirements, Transform, Zone
from proxy.audit.store import issue
from proxy.outbound import Outbound, Receipt
from proxy.settings import AttestationConfig, Secret, UpstreamConfig

NOW = dt.datetime(2026, 6, 1, 12, 0, tzinfo=dt.UTC)
_seq = itertools.count(1)


@dataclass
class HandClock:
    """Stands still until ``tick``."""

    start: dt.datetime = NOW
    passed: float = 0.0

    def now(self) -> dt.datetime:
        return self.start + dt.timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def tick(self, seconds: float) -> None:
        self.passed += seconds


@dataclass
class Events:
    """Keeps control records; ``fail`` makes it raise."""

    seen: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    fail: Exception | None = None

    async def __call__(self, code: str, details: Any) -> int:
        if self.fail is not None:
            raise self.fail
        self.seen.append((code, dict(details)))
        return len(self.seen)

    def codes(self) -> list[str]:
        return [code for code, _ in self.seen]


def upstream(
    name: str = "cloud", zone: Zone = Zone.CLOUD, url: str | None = None, kind: str = "openai", **more: Any
) -> UpstreamConfig:
    return UpstreamConfig(name, zone, kind, url, **more)


def enclave(
    url: str, name: str = "sealed", max_age_s: float = 600.0, key: Secret | None = None, **options: Any
) -> UpstreamConfig:
    proof = AttestationConfig("sealgate-snp", "clinic", max_age_s, **options)
    return UpstreamConfig(name, Zone.ENCLAVE, "openai", url, key, attestation=proof)


def chat(name: str = "cloud", body: bytes = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}') -> Outbound:
    return Outbound(name, "POST", "/chat/completions", headers=(("content-type", "application/json"),), body=body)


def receipt_for(out: Outbound, seq: int | None = None) -> Receipt:
    return issue(next(_seq) if seq is None else seq, "req_1", out.upstream, out.digest())


def decision(ceiling: Zone = Zone.CLOUD, requirements: dict[Zone, Requirements] | None = None) -> Decision:
    keep = {"*": Transform.KEEP}
    return Decision(
        ceiling, dict.fromkeys((Zone.ONPREM, Zone.ENCLAVE, Zone.CLOUD), keep), requirements or {}, (), "p", "r"
    )
