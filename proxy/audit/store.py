"""Receipts: how an audit store proves to the door that the intent for exactly these bytes is durable.

Only stores call :func:`issue`, and only after their commit. The key lives in this process and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from proxy.outbound import Receipt

_KEY = secrets.token_bytes(32)


def _mac(seq: int, request_id: str, upstream: str, digest: bytes, nonce: bytes) -> bytes:
    h = hmac.new(_KEY, b"sealgate.receipt.v1", hashlib.sha256)
    for part in (str(seq).encode(), request_id.encode(), upstream.encode(), digest, nonce):
        h.update(len(part).to_bytes(8, "big"))
        h.update(part)
    return h.digest()


def issue(seq: int, request_id: str, upstream: str, digest: bytes) -> Receipt:
    """A receipt for the intent ``seq``, which is durable by now. ``digest`` is :meth:`Outbound.digest`."""
    nonce = secrets.token_bytes(16)
    return Receipt(seq, request_id, upstream, digest, nonce, _mac(seq, request_id, upstream, digest, nonce))


def genuine(receipt: Receipt) -> bool:
    """Whether a store of this process issued exactly this receipt (constant time)."""
    want = _mac(receipt.seq, receipt.request_id, receipt.upstream, receipt.digest, receipt.nonce)
    return hmac.compare_digest(receipt.mac, want)
