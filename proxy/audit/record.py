"""Audit records as values, and their canonical bytes. Written by the audit package; see docs/audit.md.

Every string is an enum, a configured name or a keyed hash; scores are integers 0 to 1000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
