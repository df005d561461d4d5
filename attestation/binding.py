"""Where the channel key sits inside evidence, one function per scheme (attestation.md §2.11).

Computes what ``report_data`` must be; comparing it is :mod:`attestation.validate`'s work. It must not read evidence: a
binding that is taken from the document it proves would prove nothing.
"""

from __future__ import annotations

import hashlib
import re

from attestation.jcs import canonical

NONCE_BYTES = 32
TINFOIL_ALGORITHM = "https://tinfoil.sh/report-data/v1"
"""Name of version 3's derivation; it is hashed too, so that no other derivation can give the same bytes."""


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


def tinfoil_report_data(nonce: bytes, crypto_material: bytes, device_evidence: bytes) -> bytes:
    """The 64 bytes of a Tinfoil document of version 3: SHA-256 of name, nonce and both sections' hashes, then zeros.

    The sections are the bytes as they were sent. Raises ValueError for a nonce of another length.
    """
    sections = (hashlib.sha256(section).digest() for section in (crypto_material, device_evidence))
    return _tinfoil(TINFOIL_ALGORITHM.encode(), _nonce(nonce), *sections)


def tinfoil_draft_report_data(
    tls_key_sha256: bytes, hpke_key: bytes, nonce: bytes, gpu: bytes | None, nvswitch: bytes | None
) -> bytes:
    """The 64 bytes of version 3 as it was drafted in June 2026: no name, and evidence of devices only if there is any.

    ``gpu`` and ``nvswitch`` are JSON as it was sent; switches come with GPUs only, or the two could be exchanged.
    Raises ValueError for lengths that do not fit.
    """
    if gpu is None and nvswitch is not None:
        raise ValueError("switches without GPUs cannot be told from GPUs")
    devices = (hashlib.sha256(part).digest() for part in (gpu, nvswitch) if part is not None)
    return _tinfoil(_key(tls_key_sha256), _key(hpke_key), _nonce(nonce), *devices)


def tinfoil_v2_report_data(tls_key_sha256: bytes, hpke_key: bytes) -> bytes:
    """The 64 bytes of a Tinfoil document of version 2: the two keys. Nothing in it is fresh. Raises ValueError."""
    return _key(tls_key_sha256) + _key(hpke_key)


def _tinfoil(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest() + bytes(32)


def _nonce(nonce: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"the binding needs a nonce of {NONCE_BYTES} bytes")
    return nonce


def _key(key: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError("the binding needs keys and digests of 32 bytes")
    return key


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
