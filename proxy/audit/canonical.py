"""Canonical bytes of records (RFC 8785, for the JSON that records may hold) and the hash chain. Pure.

Nothing free-form can enter: every string fits a narrow pattern, numbers are integers. What does not fit is our own bug.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

from proxy.errors import Misuse

GENESIS = "0" * 64
"""``prev_hash`` of the first record."""

_STRING = re.compile(r"[A-Za-z0-9_.:@/+*#,=\- ]{0,160}")
_SAFE_INT = 2**53 - 1


def check(value: Any) -> None:
    """Raises Misuse for anything that a record may not hold. Says what kind, never which value."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > _SAFE_INT:
            raise Misuse("a record holds integers up to 2^53 only")
        return
    if isinstance(value, str):
        if not _STRING.fullmatch(value):
            raise Misuse("a record holds enums, configured names and hashes only")
        return
    if isinstance(value, dict):
        for key, item in value.items():
            check(key)
            check(item)
        return
    if isinstance(value, (list, tuple)):
        for item in value:
            check(item)
        return
    raise Misuse(f"a record cannot hold a {type(value).__name__}")


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes: keys sorted (they are ASCII here), no white space, integers plain."""
    check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def chain(prev_hash: str, body: bytes) -> str:
    """The hash of a record: SHA-256 over its predecessor's hash and its own canonical bytes."""
    return hashlib.sha256(b"sealgate.record.v1\0" + bytes.fromhex(prev_hash) + body).hexdigest()


def head_mac(key: bytes, seq: int, record_hash: str) -> str:
    """A keyed MAC over the head, which a truncated or rewritten ledger cannot forge."""
    return hmac.digest(key, f"sealgate.head.v1\0{seq}\0{record_hash}".encode(), "sha256").hex()
