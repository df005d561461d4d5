"""What every audit store promises, and receipts: how it proves to the door that an intent is durable.

Durability, stated per state of one attempt:

* before ``begin()`` returns, a crash loses the record **and nothing has left**;
* after it returned, the record survives the crash of the process and of the machine;
* between sending and ``finish()``, a crash leaves an open intent: something may have left. The next start closes it
  with outcome ``unknown``.

A store that cannot do so raises AuditUnavailable: no record, no egress. An attempt that gave up before ``begin()``
returned gets outcome ``not_sent``.

Only stores call :func:`issue`, and only after their commit. The key lives in this process and nowhere else, so a
receipt means nothing to another process or after a restart. That each is used once is the door's to enforce.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from proxy.outbound import Receipt

LEDGER = "ledger.sqlite"
"""The ledger's file name inside the data directory."""

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
