"""Records for tests of the ledger, and a way to damage a ledger file behind the store's back."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from proxy.audit.record import Common, Intent, Outcome, Refusal

KEY = b"k" * 32
DIGEST = b"d" * 32
LEASE = {
    "tee": "sev-snp",
    "evidence_sha256": "ab" * 32,
    "tcb_status": "committed",
    "expectations": "clinic-enclave",
    "measurement": "cd" * 48,
    "key_sha256": "ef" * 32,
    "expires": "2026-11-21T13:00:00+00:00",
    "simulated": True,
}


def now() -> dt.datetime:
    return dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def common(request_id: str = "req-1", app: str = "crm", **more: Any) -> Common:
    facts = {"schema": 1, "labels": {"PERSON": {"n": 2, "distinct": 1, "max": 990, "histogram": [0] * 9 + [2]}}}
    values: dict[str, Any] = {
        "request_id": request_id,
        "tenant": "sales",
        "app": app,
        "user_hash": None,
        "dialect": "openai-chat",
        "route": "/chat/completions",
        "model": "gpt-4o",
        "sensitivity": "confidential",
        "categories": {"correspondence": 940},
        "facts": facts,
        "rules": ("default:sensitivity:confidential", "patient-data"),
        "policy_revision": "a1b2c3d4",
        "digests": {"patterns": "0011223344556677"},
    }
    return Common(**(values | more))


def intent(request_id: str = "req-1", *, app: str = "crm", **more: Any) -> Intent:
    values: dict[str, Any] = {
        "common": common(request_id, app),
        "action": "redacted",
        "zone": "cloud",
        "upstream": "openai",
        "upstream_model": "gpt-4o",
        "transforms": {"PERSON": {"pseudonym": 2}},
        "lease": None,
        "body_mac": "aa" * 32,
        "body_bytes": 321,
    }
    return Intent(**(values | more))


def outcome(ref_seq: int, request_id: str = "req-1", code: str = "ok") -> Outcome:
    return Outcome(ref_seq, request_id, code, 200, 77, 5, 9, 12, 40, {"restored": 2, "seen": 2})


def refusal(request_id: str = "req-2", code: str = "attestation_failed") -> Refusal:
    return Refusal(common(request_id), code, "enclave", "sealed", ("measurement_unknown",))


def damage(path: Path, *statements: str) -> None:
    """Changes a ledger as someone with the file could: triggers do not stop them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for trigger in ("records_stay", "records_keep"):
            db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            db.execute(statement)
