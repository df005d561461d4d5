"""A question to NVIDIA's OCSP responder, and what may count as its answer (RFC 6960 §4.1, §4.2). Pure: the nonce comes
from outside, and nothing is asked here.

A question names one certificate by digests of its issuer's name and key and by its serial number, as the store does,
and carries a nonce. Its answer must be about that certificate, signed for its issuer, current, and made for that nonce.
NVIDIA's responder answers so, with answers that live a day; for a serial number that NVIDIA never issued it says
``good`` too, so that "good" means "not revoked" and the chain has to say the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from attestation.nvidia.ocsp import MAX_OCSP_BYTES, read_answer

NONCE_BYTES = 32
"""RFC 9654 §2.1."""
ASKED_BY = "sha384"
"""The digest in NVIDIA's own questions."""
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(),  # noqa: S303 — names, proves nothing
}  # fmt: skip
_KEY = re.compile(r"(sha1|sha256|sha384)/([0-9a-f]{40,96})/([0-9a-f]{1,40})")
_LATER = frozenset({ocsp.OCSPResponseStatus.TRY_LATER, ocsp.OCSPResponseStatus.INTERNAL_ERROR})


def question(key: str, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """The request (DER) about the certificate that the store calls ``key``. Raises ValueError for another name."""
    found = _KEY.fullmatch(key)
    if found is None or len(nonce) != NONCE_BYTES:
        raise ValueError("this names no certificate, or the nonce is of another length")
    return _request(found, hashlib.new(found[1], issuer.subject.public_bytes()).digest(), nonce)


def _request(named: re.Match[str], name: bytes, nonce: bytes) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        name, bytes.fromhex(named[2]), int(named[3], 16), _HASHES[named[1]]
    )
    return builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def asks(der: bytes) -> str | None:
    """The store's name of the certificate that this request is about; None for anything but such a request, which has
    one form: a requestor's name or a further extension could carry any text."""
    try:
        asked = ocsp.load_der_ocsp_request(der)
        nonces = [e.value.nonce for e in asked.extensions if isinstance(e.value, x509.OCSPNonce)]
        key = f"{asked.hash_algorithm.name}/{asked.issuer_key_hash.hex()}/{asked.serial_number:x}"
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return None
    found = _KEY.fullmatch(key)
    if found is None or [len(n) for n in nonces] != [NONCE_BYTES]:
        return None
    return key if _request(found, asked.issuer_name_hash, nonces[0]) == der else None


def refusal(der: bytes) -> tuple[bool, str] | None:
    """Where the responder answered that it does not answer: whether it may later, and its word. None for anything
    else, answers and junk alike."""
    if len(der) > MAX_OCSP_BYTES:
        return None
    try:
        status = ocsp.load_der_ocsp_response(der).response_status
    except ValueError:
        return None
    if status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        return None
    return status in _LATER, status.name.lower().replace("_", " ")


def echoes(der: bytes, nonce: bytes) -> bool:
    """Whether the answer was made for this question. Raises Malformed."""
    extensions = [e.value for e in read_answer(der).extensions]
    return [e.nonce for e in extensions if isinstance(e, x509.OCSPNonce)] == [nonce]
