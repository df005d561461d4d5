"""Where the channel key sits inside evidence, one function per scheme (attestation.md §2.11).

Computes what ``report_data`` must be; comparing it is :mod:`attestation.validate`'s work. It must not read evidence: a
binding that is taken from the document it proves would prove nothing.
"""

from __future__ import annotations

import hashlib

NONCE_BYTES = 32


def sealgate_snp_report_data(spki_der: bytes, nonce: bytes) -> bytes:
    """The 64 bytes an enclave of format ``sealgate-snp`` must have signed: SHA-256(TLS SPKI DER) || nonce.

    ``spki_der`` is the key seen on the connection, ``nonce`` the 32 fresh bytes that were asked with.
    Raises ValueError for an empty key or a nonce of another length.
    """
    if not spki_der or len(nonce) != NONCE_BYTES:
        raise ValueError(f"the binding needs a key and a nonce of {NONCE_BYTES} bytes")
    return hashlib.sha256(spki_der).digest() + nonce
