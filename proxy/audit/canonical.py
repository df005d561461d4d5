"""Canonical bytes of records (RFC 8785, for the JSON that records may hold) and the hash chain. Pure.

Nothing free-form can enter: a string is an enum, a configured name or a hash, without white space; numbers are
integers. Fields whose form is known are held to it. What does not fit is our own bug; no message shows the value.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from proxy.errors import Misuse

GENESIS = "0" * 64
"""``prev_hash`` of the first record."""

_NAME = re.compile(r"[A-Za-z0-9_.:@/+*#,=\-]{0,160}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:\-]{0,79}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_FORMS = {
    **dict.fromkeys(("kind", "action", "zone", "code", "sensitivity", "dialect"), _CODE),
    **dict.fromkeys(("body_mac", "user_hash", "evidence_sha256", "key_sha256", "measurement", "receipt_sha256"), _HEX),
    "binding": _CODE,
}
"""Fields with a narrower form than a name, wherever they occur."""
_SAFE_INT = 2**53 - 1
"""RFC 8785 section 3.2.2.3 and RFC 7493: larger integers do not survive other readers."""
_DEPTH = 8


def plain(value: Any, form: re.Pattern[str] = _NAME, depth: int = _DEPTH) -> Any:
    """A copy made of str, int, bool, None, list and dict only. Raises Misuse for what a record may not hold."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _SAFE_INT:
            raise Misuse("a record holds integers up to 2^53 only")
        return int(value)
    if isinstance(value, str):
        return _text(value, form)
    if depth == 0:
        raise Misuse("a record is not nested that deeply")
    if isinstance(value, (dict, Mapping)):  # an abstract class alone is slow to ask
        return {_text(k, _NAME): plain(v, _FORMS.get(k, _NAME), depth - 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, form, depth - 1) for v in value]
    raise Misuse(f"a record cannot hold a {type(value).__name__}")


def _text(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Misuse("a record holds enums, configured names and hashes only")
    return str(value)


def encode(value: Any) -> bytes:
    """RFC 8785 bytes of what :func:`plain` returned: keys sorted (they are ASCII), no white space, plain integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes. Raises Misuse for what a record may not hold."""
    return encode(plain(value))


def chain_hash(prev_hash: str, record_bytes: bytes) -> str:
    """The hash of a record: SHA-256 over its predecessor's hash and its own canonical bytes."""
    return hashlib.sha256(b"sealgate.record.v1\0" + bytes.fromhex(prev_hash) + record_bytes).hexdigest()


def head_mac(key: bytes, seq: int, record_hash: str) -> str:
    """A keyed MAC over the head: without the key, a ledger that was shortened or rewritten cannot get a fitting one."""
    return hmac.digest(key, f"sealgate.head.v1\0{seq}\0{record_hash}".encode(), "sha256").hex()
