"""Documents that carry evidence over HTTP, as bytes in and :class:`Evidence` out.

Format ``sealgate-snp``: ``{"report": base64, "vcek": base64, "chain": [base64, base64]}``, certificates as DER, the
chain ASK first, then ARK. Strict (attestation.md §2.1 C2, C3): capped, these keys once each and no other, canonical
base64. Reading proves nothing, and nothing a document says about itself is used.
"""

from __future__ import annotations

import base64
import binascii
import json

from attestation import strictjson
from attestation.types import Evidence, Malformed

MAX_DOCUMENT_BYTES = 64 * 1024
MAX_REPORT_BYTES = 16 * 1024
MAX_DER_BYTES = 8 * 1024

SEALGATE_SNP = "sealgate-snp"


def parse_sealgate_snp(document: bytes) -> Evidence:
    """Raises Malformed."""
    body = strictjson.load_object(document, MAX_DOCUMENT_BYTES)
    if set(body) != {"report", "vcek", "chain"}:
        raise Malformed("the document needs exactly the keys report, vcek, chain")
    chain = body["chain"]
    if not isinstance(chain, list) or len(chain) != 2:
        raise Malformed("chain must be a list of two certificates, ASK and ARK")
    report = _bytes(body["report"], "report", MAX_REPORT_BYTES)
    return Evidence(
        SEALGATE_SNP,
        report,
        (_bytes(body["vcek"], "vcek", MAX_DER_BYTES), *(_bytes(c, "chain", MAX_DER_BYTES) for c in chain)),
    )


def encode_sealgate_snp(evidence: Evidence) -> bytes:
    """The document that :func:`parse_sealgate_snp` reads back. For enclaves, simulated ones included."""
    vcek, *chain = (base64.b64encode(c).decode() for c in evidence.certificates)
    return json.dumps({"report": base64.b64encode(evidence.report).decode(), "vcek": vcek, "chain": chain}).encode()


def _bytes(value: object, name: str, limit: int) -> bytes:
    if not isinstance(value, str) or len(value) > limit * 4 // 3 + 4:
        raise Malformed(f"{name} must be base64 text of at most {limit} bytes")
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{name} is not base64") from None
    if base64.b64encode(raw).decode() != value:
        raise Malformed(f"{name} is not canonical base64")
    return raw
