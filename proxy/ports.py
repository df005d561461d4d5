"""What the nine steps need from the world, as protocols. ``app.py`` plugs the concrete classes in."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from policies.types import Decision, Requirements, Zone
from proxy.attachments import Attachment
from proxy.audit.record import Intent, Outcome, Refusal
from proxy.dialects.base import Segment
from proxy.outbound import Answer, Outbound, Receipt
from redaction.types import Classification, TextResult


@dataclass(frozen=True, slots=True)
class Inspected:
    """Results in the order of the segments, the payload's classification (the maximum over segments) and the
    digests of the detectors and models that judged it."""

    results: tuple[TextResult, ...]
    classification: Classification
    digests: Mapping[str, str]
    attachments: Mapping[int, Attachment] = field(default_factory=dict, repr=False)
    """What was read of the segments that are documents, by their place among the segments."""

    def rows(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, TextResult]]:
        """Every text that was judged: segments, and in place of a document its pieces."""
        for i, (segment, result) in enumerate(zip(segments, self.results, strict=True)):
            if i not in self.attachments:
                yield segment, result
                continue
            for text, judged in self.attachments[i].rows():
                yield replace(segment, text=text), judged


class Inspector(Protocol):
    async def inspect(self, tenant: str, segments: Sequence[Segment]) -> Inspected:
        """Findings and categories. Never raises for a failing detector: that text is uninspected."""
        ...


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """What an audit record says about a verified enclave. Hashes only."""

    tee: str
    evidence_sha256: str
    tcb_status: str
    expectations: str
    key_sha256: str
    measurement: str
    expires: dt.datetime
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An upstream that may be used for this request: configured name, its zone, and its model name."""

    upstream: str
    model: str
    zone: Zone
    substitute: bool


class Router(Protocol):
    def candidates(self, model: str, decision: Decision, dialect: str) -> Sequence[Candidate]:
        """In the dialect, within the ceiling, labels that hold, breaker closed; best first. Raises NotFound."""
        ...

    def known(self, model: str, dialect: str) -> str | None:
        """The configured mapping key that serves ``model`` in this dialect, or None."""
        ...

    def configured(self, model: str, decision: Decision, dialect: str) -> bool:
        """Whether any candidate would do if everything were healthy: if not, policy refuses rather than health."""
        ...

    def report(self, upstream: str, ok: bool) -> None:
        """Feeds the breaker."""
        ...


class Door(Protocol):
    async def prepare(self, candidate: Candidate, want: Requirements) -> LeaseInfo | None:
        """Makes the channel ready (attests an enclave). Raises AttestationFailed (its ``failures`` are for the
        record) or UpstreamError; None where there is nothing to attest."""
        ...

    def send(self, receipt: Receipt, out: Outbound) -> AbstractAsyncContextManager[Answer]:
        """Sends exactly these bytes, once. Raises UpstreamError; Misuse for a receipt that does not fit."""
        ...


class AuditStore(Protocol):
    async def begin(self, intent: Intent, out_digest: bytes) -> Receipt:
        """Durable when it returns. Raises AuditUnavailable."""
        ...

    async def finish(self, outcome: Outcome) -> None: ...

    async def refuse(self, refusal: Refusal) -> int: ...

    async def control(self, code: str, details: Mapping[str, object]) -> int: ...


class Clock(Protocol):
    def now(self) -> dt.datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float: ...


@dataclass(slots=True)
class Reply:
    """What goes back to the app. ``chunks`` must be iterated or closed; closing it records the outcome."""

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)
    stream: bool = False
