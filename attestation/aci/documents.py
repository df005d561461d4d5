"""What an ACI service binds and signs (private-ai-gateway ``spec/aci.md`` §3, §7, §8): keyset, receipts, sessions.

All of it is hashed in canonical form, so how it was spelled on the wire does not matter. Which keyset counts is for the
evidence to say: see :func:`attestation.binding.aci_report_data`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from attestation.jcs import canonical
from attestation.sealing import Fault, SealingError, from_hex
from attestation.types import Malformed, Rejected

API_VERSION = "aci/1"
KEYSET_DIGEST = "x-aci-keyset-digest"


def digest(data: bytes) -> str:
    """As ACI writes digests of bodies, keysets and evidence."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def keyset_digest(keyset: Mapping[str, Any]) -> str:
    """Raises Malformed."""
    return digest(canonical(dict(keyset)))


def session_id(session: Mapping[str, Any]) -> str:
    """The content address of a session's record. Raises Malformed."""
    return hashlib.sha256(canonical(dict(session))).hexdigest()


def receipt_key(keyset: Mapping[str, Any], key_id: str) -> bytes:
    """The Ed25519 key of ``key_id`` in an attested keyset. Raises Malformed, also when the id is there twice."""
    listed = keyset.get("receipt_signing_keys")
    keys = [k for k in listed if isinstance(k, dict) and k.get("key_id") == key_id] if isinstance(listed, list) else []
    if len(keys) != 1 or keys[0].get("algo") != "ed25519" or not isinstance(keys[0].get("public_key"), str):
        raise Malformed("the keyset has no such Ed25519 receipt key, or more than one")
    try:
        return from_hex(keys[0]["public_key"], Fault.KEY, "a receipt key", 32)
    except SealingError as e:
        raise Malformed(str(e)) from None


def verify_receipt(receipt: Mapping[str, Any], keyset: Mapping[str, Any], request: bytes, response: bytes) -> None:
    """``request`` is the body that the service processed (what was sealed, unsealed), ``response`` the bytes as they
    came.

    Raises Rejected with every failure at once, Malformed for what is no receipt.
    """
    check_receipt(receipt, keyset, digest(request), digest(response))


def check_receipt(
    receipt: Mapping[str, Any], keyset: Mapping[str, Any], request: str, response: str,
    said: Mapping[str, str] | None = None, *, forwards: bool = False,
) -> None:  # fmt: skip
    """As :func:`verify_receipt`, with digests. ``said`` are members that the receipt must have where it has them:
    ``receipt_id``, ``chat_id``, ``model``, ``endpoint``, ``method``. What an aggregator says of the service behind it
    must be that it was verified, and one that is known as such (``forwards``) must say so (``aci.md`` §7.5)."""
    key_id, signature = receipt.get("key_id"), receipt.get("signature")
    events = receipt.get("event_log")
    if not isinstance(key_id, str) or not isinstance(signature, str) or not isinstance(events, list) or not events:
        raise Malformed("a receipt needs key_id, signature and event_log")
    signed = canonical({k: v for k, v in receipt.items() if k != "signature"})
    behind = [e for e in events if isinstance(e, dict) and e.get("type") == "upstream.verified"]
    failures = [
        name
        for name, good in (
            ("receipt.version", receipt.get("api_version") == API_VERSION),
            ("receipt.keyset", _equal(receipt.get("workload_keyset_digest"), keyset_digest(keyset))),
            ("receipt.signature", _signed(receipt_key(keyset, key_id), signature, signed)),
            ("receipt.request", _hashes(events[:1], "request.received") == [request]),
            ("receipt.request-once", len(_hashes(events, "request.received")) == 1),
            ("receipt.response", _hashes(events, "response.returned") == [response]),
            ("receipt.upstream-missing", bool(behind) or not forwards),
            ("receipt.upstream", all(e.get("result") == "verified" and e.get("required") is True for e in behind)),
            *((f"receipt.{k}", receipt.get(k) in (None, v)) for k, v in (said or {}).items()),
        )
        if not good
    ]
    if failures:
        raise Rejected(tuple(failures))


def _hashes(events: list[Any], kind: str) -> list[object]:
    return [e.get("body_hash") for e in events if isinstance(e, dict) and e.get("type") == kind]


def _equal(got: object, want: str) -> bool:
    return isinstance(got, str) and hmac.compare_digest(got.encode("utf-8", "replace"), want.encode())


def _signed(key: bytes, signature: str, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(from_hex(signature, Fault.FRAME, "a signature", 64), data)
    except (InvalidSignature, SealingError, ValueError):
        return False
    return True


def same_keyset(headers: Iterable[tuple[str, str]], keyset: Mapping[str, Any]) -> bool:
    """Whether an answer's ``X-ACI-Keyset-Digest`` is that of the proven keyset; absent is no change.

    The header is only a hint that nothing signs: a wrong one costs a new attestation, it never extends a lease.
    """
    named = [value for name, value in headers if name.lower() == KEYSET_DIGEST]
    return not named or (len(named) == 1 and _equal(named[0], keyset_digest(keyset)))
