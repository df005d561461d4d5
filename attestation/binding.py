"""Where the channel key sits inside evidence, one function per scheme (attestation.md §2.11).

Computes what ``report_data`` must be; comparing it is :mod:`attestation.validate`'s work. It must not read evidence: a
binding that is taken from the document it proves would prove nothing.
"""

from __future__ import annotations

import hashlib
import re

from attestation.jcs import canonical

NONCE_BYTES = 32


def sealgate_snp_report_data(spki_der: bytes, nonce: bytes) -> bytes:
    """The 64 bytes an enclave of format ``sealgate-snp`` must have signed: SHA-256(TLS SPKI DER) || nonce.

    ``spki_der`` is the key seen on the connection, ``nonce`` the 32 fresh bytes that were asked with.
    Raises ValueError for an empty key or a nonce of another length.
    """
    if not spki_der or len(nonce) != NONCE_BYTES:
        raise ValueError(f"the binding needs a key and a nonce of {NONCE_BYTES} bytes")
    return hashlib.sha256(spki_der).digest() + nonce


def aci_report_data(keyset_digest: str, nonce: bytes | None) -> bytes:
    """The 64 bytes of an ACI service (aci/1): SHA-256 of the statement that names its keyset and our nonce, then zeros.

    ``keyset_digest`` is the one we computed ourselves. Without a nonce the statement proves no freshness.
    Raises ValueError for a digest or nonce of another form.
    """
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", keyset_digest) or (nonce is not None and len(nonce) != NONCE_BYTES):
        raise ValueError(f"the statement needs a sha256 digest and a nonce of {NONCE_BYTES} bytes or none")
    text = None if nonce is None else nonce.hex()
    statement = canonical({"keyset_digest": keyset_digest, "nonce": text, "purpose": "aci.report_data.v1"})
    return hashlib.sha256(statement).digest() + bytes(32)


def dstack_report_data(signer: bytes, fingerprint: bytes | None, nonce: bytes) -> bytes:
    """The 64 bytes of a dstack inference proxy: version 2 SHA-256(signer || fingerprint) || nonce, or without a
    fingerprint version 1, signer padded with zeros || nonce, which names no channel.

    ``signer`` is an Ethereum address (20 bytes) or an Ed25519 key (32), ``fingerprint`` the SHA-256 of the TLS key.
    Raises ValueError for other lengths.
    """
    wrong = len(signer) not in (20, 32) or (fingerprint is not None and len(fingerprint) != 32)
    if wrong or len(nonce) != NONCE_BYTES:
        raise ValueError("the binding needs a signer of 20 or 32 bytes, a fingerprint and a nonce of 32")
    named = signer.ljust(32, b"\0") if fingerprint is None else hashlib.sha256(signer + fingerprint).digest()
    return named + nonce
