"""What the nine steps need from the world, as protocols. ``app.py`` plugs the concrete classes in."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from policies.types import Decision, Facts, Inspection, Requirements, Zone
from proxy.attachments import Attachment
from proxy.audit.record import Intent, Outcome, Refusal
from proxy.dialects.base import Segment
from proxy.outbound import Answer, Outbound, Receipt
from redaction.propagation import Memo
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
    inspection: Inspection = Inspection.FULL
    memo: Memo | None = field(default=None, repr=False, compare=False)
    """What is remembered of searches in what leaves."""

    def read(self, segments: Sequence[Segment], but: Collection[tuple[str, str]]) -> Iterator[Segment]:
        """What the documents say, without those at ``but``."""
        for place, made in self.attachments.items():
            if (segments[place].pointer, segments[place].kind) not in but:
                yield from made.texts

    def rows(self, segments: Sequence[Segment]) -> Iterator[tuple[Segment, TextResult]]:
        """Every text that was judged: segments, and in place of a document what it says."""
        for place, (segment, result) in enumerate(zip(segments, self.results, strict=True)):
            if place in self.attachments:
                read = self.attachments[place]
                yield from zip(read.texts, read.results, strict=True)
            else:
                yield segment, result


class Inspector(Protocol):
    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        """Findings and categories. Never raises for a failing detector: that text is uninspected."""
        ...


@dataclass(frozen=True, slots=True)
class Approval:
    """Who accepts a check that failed, and until when; both fit a record."""

    approved_by: str
    until: str


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """What an audit record says about a verified enclave: hashes, enums, configured names."""

    tee: str
    evidence_sha256: str
    tcb_status: str
    expectations: str
    key_sha256: str
    measurement: str
    expires: dt.datetime
    simulated: bool = False
    provider: str = ""
    binding: str = "tls_spki"
    """What binds requests to ``key_sha256``: the TLS key (``tls_spki``), or bodies sealed to it (``ehbp``, ``aci``,
    ``near``)."""
    nonce_bound: bool = False
    """Whether the evidence signs the question that we asked."""
    image: str = ""
    """The approved image's name in the expectations; empty where any image is accepted."""
    expectations_sha256: str = ""
    advisories: tuple[str, ...] = ()
    """Of the vendor, for this platform at its firmware level."""
    unpinned: Approval | None = None
    """Whose decision it is that any image is accepted."""
    waived: Mapping[str, Approval] = field(default_factory=dict)
    """Check that failed and is accepted -> whose decision that is."""
    unknown: tuple[str, ...] = ()
    """Checks that could not be made."""
    gpus: int = 0
    """How many were verified beside the CPU."""

    def record(self) -> dict[str, object]:
        """As an audit record holds it."""
        out: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        return out | {
            "expires": self.expires.isoformat(timespec="seconds"),
            "advisories": list(self.advisories),
            "unpinned": asdict(self.unpinned) if self.unpinned is not None else None,
            "waived": {name: asdict(approval) for name, approval in self.waived.items()},
            "unknown": list(self.unknown),
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """An upstream that may be used for this request: configured name, its zone, and its model name."""

    upstream: str
    model: str
    zone: Zone
    substitute: bool
    asserted_tee: str | None = None
    """Whose word it is that a TEE stands behind it; nothing of that is proven here, and no zone follows from it."""


class Router(Protocol):
    def candidates(
        self, model: str, decision: Decision, dialect: str, only: str | None = None, reaches: Collection[str] = ()
    ) -> Sequence[Candidate]:
        """In the dialect, within the ceiling, labels that hold, breaker closed; best first. Raises NotFound.

        ``reaches`` is what the upstream would use on its own: a candidate's zone is the furthest of its and of that.
        """
        ...

    def reachable(self, model: str, dialect: str, only: str | None, reaches: Collection[str]) -> bool:
        """Whether any candidate, whatever its zone, may use all of ``reaches``."""
        ...

    def known(self, model: str, dialect: str, only: str | None = None) -> str | None:
        """The configured mapping key that serves ``model`` in this dialect, or None. ``only`` names an upstream that
        the app asks for by name (``/u/NAME/…``)."""
        ...

    def configured(
        self, model: str, decision: Decision, dialect: str, only: str | None = None, reaches: Collection[str] = ()
    ) -> bool:
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


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose state it is. ``app`` is empty for what all apps of a tenant share."""

    tenant: str
    app: str


@dataclass(frozen=True, slots=True)
class Held:
    """What the gate knows of state that an upstream holds: who holds it, what was decided about the request that made
    it, and what is needed to put values back into what comes of it. ``mapping`` is stand-in -> value, ``origins``
    stand-in -> where its value stood; ``details`` are JSON-ready values of the API it belongs to (names of files,
    snapshots of objects)."""

    upstream: str
    zone: Zone
    ceiling: Zone
    facts: Facts
    scope: str = field(default="", repr=False)
    mapping: Mapping[str, str] = field(default_factory=dict, repr=False)
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    origins: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Vault(Protocol):
    """Server-side state, encrypted and bound to its principal. An id is never stored in clear. What is expired, was
    altered, or belongs to somebody else is not there. Every method raises VaultUnavailable."""

    async def put(self, who: Principal, kind: str, ids: Sequence[str], held: Held, ttl: dt.timedelta) -> None:
        """Durable when it returns; replaces what these ids had."""
        ...

    async def get(self, who: Principal, kind: str, ids: Sequence[str]) -> Mapping[str, Held]:
        """Those of ``ids`` that are there."""
        ...

    async def foreign(self, who: Principal, ids: Sequence[str]) -> bool:
        """Whether this gate saw one of ``ids`` made for another principal, as whatever kind of thing."""
        ...

    async def listed(self, who: Principal, kind: str) -> Sequence[tuple[str, Held]]:
        """Everything of one kind that this principal has, oldest first."""
        ...

    async def forget(self, who: Principal, kind: str, ids: Sequence[str]) -> None: ...


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
    raw: bool = False
    """Bytes of a kind that no error can be written into; with ``stream``."""
