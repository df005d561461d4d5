"""Audit records as values, and as the JSON a ledger holds. Pure; see docs/audit.md for every field.

Every string is an enum, a configured name or a keyed hash; scores are integers 0 to 1000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from proxy.audit.canonical import plain


@dataclass(frozen=True, slots=True)
class Common:
    """Fields that intents and refusals share. ``facts`` is ``policies``' facts as JSON-ready values."""

    request_id: str
    tenant: str
    app: str
    user_hash: str | None
    dialect: str
    route: str
    model: str
    sensitivity: str
    categories: Mapping[str, int]
    facts: Mapping[str, Any]
    rules: tuple[str, ...]
    policy_revision: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """One attempt that is about to leave. ``body_mac`` is a keyed digest (hex) of the bytes that leave."""

    common: Common
    action: str
    zone: str
    upstream: str
    upstream_model: str
    transforms: Mapping[str, Mapping[str, int]]
    """label -> {transform: count}."""
    lease: Mapping[str, Any] | None
    body_mac: str
    body_bytes: int
    asserted_tee: str | None = None
    """Label of the upstream: who says that a TEE stands behind it. Not proven."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request, or one candidate of it, that was refused. ``reasons`` are enum-like codes and check ids."""

    common: Common
    code: str
    zone: str
    upstream: str | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. ``ref_seq`` is the intent's ``seq``; ``code`` is ok, cancelled, upstream_error, …"""

    ref_seq: int
    request_id: str
    code: str
    status: int | None = None
    bytes: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    first_token_ms: int | None = None
    total_ms: int | None = None
    restored: Mapping[str, int] = field(default_factory=dict)
    receipt: str | None = None
    """What the enclave's own receipt or signature is worth: ``verified``, ``failed``, ``missing``, ``unchecked``; None
    where there is none to ask for."""
    receipt_sha256: str | None = None
    """SHA-256 (hex) of the id under which the enclave keeps it."""


LIFTED = ("ref_seq", "upstream")
"""Details of a control event that can be searched for like the same fields of other records."""


def record_json(record: Intent | Refusal | Outcome) -> dict[str, Any]:
    """A record as its ledger holds it, without ``seq`` and ``at``. Raises Misuse for a value that may not enter."""
    own = {f.name: getattr(record, f.name) for f in fields(record) if f.name != "common"}
    common = {} if isinstance(record, Outcome) else {f.name: getattr(record.common, f.name) for f in fields(Common)}
    out: dict[str, Any] = plain({"kind": type(record).__name__.lower(), **common, **own})
    return out


def control_json(code: str, details: Mapping[str, object]) -> dict[str, Any]:
    """An event that is no request: start, reload, attestation. Raises Misuse for a value that may not enter."""
    lifted = {name: details[name] for name in LIFTED if name in details}
    out: dict[str, Any] = plain({"kind": "control", "code": code, "details": details, **lifted})
    return out
