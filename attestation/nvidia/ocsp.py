"""Whether NVIDIA has revoked a device: answers of its OCSP responder (RFC 6960) out of the collateral, for each
certificate between the report's key and the root (attestation.md §2.6, step 8).

An answer counts when the certificate's issuer signed it, itself or through a responder that it named, and while it is
current. It carries no nonce of ours: how old it may be is NVIDIA's word. One that says revoked counts after its end and
its responder's too. An answer that is missing or does not count leaves the question open, and hides no other one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from attestation.der import items
from attestation.paths import ECDSA, signed_by
from attestation.types import Check, Malformed, Source, Status
from attestation.x509 import extension_of, load_certificate

MAX_OCSP_BYTES = 64 * 1024
BITS = 0x03
SKEW = dt.timedelta(seconds=60)
_NAMED: Mapping[str, Callable[[bytes], Any]] = {
    "sha1": hashlib.sha1, "sha256": hashlib.sha256, "sha384": hashlib.sha384,
}  # fmt: skip
"""How an answer may name the issuer. No proof of anything: the signature must be of the issuer's key."""
_SIGNED = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_EC = ec.EllipticCurvePublicKey
_REVOKED = ocsp.OCSPCertStatus.REVOKED
Path = tuple[x509.Certificate, ...]


def read_answer(der: bytes) -> ocsp.OCSPResponse:
    """An answer about one certificate. Raises Malformed."""
    if len(der) > MAX_OCSP_BYTES:
        raise Malformed(f"an OCSP answer has at most {MAX_OCSP_BYTES} bytes")
    try:
        answer = ocsp.load_der_ocsp_response(der)
        # the library raises for one that is no success, and for one about several certificates
        endless = answer.next_update_utc is None and answer.certificate_status is not _REVOKED
        if endless or answer.hash_algorithm.name not in _NAMED:
            raise Malformed("this OCSP answer has no end, or names its issuer in a way that is not taken")
        _ = (answer.certificates, answer.signature_hash_algorithm, answer.serial_number, answer.responder_name)
        extensions = [*answer.extensions, *answer.single_extensions]
        _ = (answer.revocation_time_utc, answer.revocation_reason)
        for certificate in answer.certificates:
            load_certificate(certificate.public_bytes(Encoding.DER))
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise Malformed("an OCSP answer cannot be read") from None
    critical = (e for e in extensions if e.critical and not isinstance(e.value, x509.OCSPNonce))
    if any(critical) or not _whole_bits(answer, der):
        raise Malformed("an OCSP answer has an unknown critical extension, or unused bits")
    return answer


def _whole_bits(answer: ocsp.OCSPResponse, der: bytes) -> bool:
    """Whether no bit of the signature counts as unused: that number is outside the signature (X.690 §8.6.2)."""
    behind = items(der[der.index(answer.tbs_response_bytes) + len(answer.tbs_response_bytes) :])
    return behind[1] == (BITS, b"\0" + answer.signature)


def key_of(answer: ocsp.OCSPResponse) -> str:
    """The store's name of an answer: how it names its issuer, and the serial number."""
    return f"{answer.hash_algorithm.name}/{answer.issuer_key_hash.hex()}/{answer.serial_number:x}"


def keys_for(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[str, ...]:
    """The names under which answers about ``certificate`` may be kept."""
    return tuple(f"{name}/{key.hex()}/{certificate.serial_number:x}" for name, key in key_hashes(issuer).items())


def by_issuer(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` is the one that ``answer`` names, by name and key."""
    name = _NAMED[answer.hash_algorithm.name](issuer.subject.public_bytes()).digest()
    keys = key_hashes(issuer)
    return name == answer.issuer_name_hash and keys[answer.hash_algorithm.name] == answer.issuer_key_hash


def key_hashes(issuer: x509.Certificate) -> Mapping[str, bytes]:
    key = issuer.public_key()
    public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) if isinstance(key, _EC) else b""
    return {name: make(public).digest() for name, make in _NAMED.items()}


def asked(path: Path) -> Iterator[tuple[x509.Certificate, x509.Certificate]]:
    """What is asked about: not the report's own key, whose issuer is the device, nor the root."""
    return pairwise(path[1:])


def compare(paths: Iterable[Path], answers: Sequence[bytes], now: dt.datetime) -> tuple[Check, dt.datetime | None]:
    """One check for all devices, and until when it holds where it passes. Of several answers about one certificate
    each is looked at: one that says revoked is outdone by none."""
    revoked, still_open, ends = [], [], []
    here = [_read(raw) for raw in answers]
    for certificate, issuer in dict.fromkeys(pair for path in paths for pair in asked(path)):
        name = f"serial {certificate.serial_number:x}"
        keys = keys_for(certificate, issuer)
        judged = [_judged(answer, issuer, now) for answer in here if answer is not None and key_of(answer) in keys]
        if any(j is _REVOKED for j in judged):
            revoked.append(f"{name}: NVIDIA revoked it")
        elif good := [j for j in judged if isinstance(j, dt.datetime)]:
            ends.append(max(good))
        else:
            still_open.append(f"{name}: {next((j for j in judged if isinstance(j, str)), 'no answer is here')}")
    if revoked:
        return _check(Status.FAIL, revoked), None
    if still_open or not ends:
        return _check(Status.UNKNOWN, still_open or ["no certificate can be asked about"]), None
    return _check(Status.PASS, [f"{len(ends)} certificates are good until {min(ends):%F %T}"]), min(ends)


def _check(status: Status, said: list[str]) -> Check:
    return Check("revocation", status, Source.VERIFIER, "; ".join(said))


def _read(raw: bytes) -> ocsp.OCSPResponse | None:
    """None for what is no answer: it cannot be about anything."""
    try:
        return read_answer(raw)
    except Malformed:
        return None


def _judged(
    answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: dt.datetime
) -> dt.datetime | ocsp.OCSPCertStatus | str:
    """Good until when, revoked, or why an answer with a certificate's number does not count."""
    if not by_issuer(answer, issuer):
        return "its answer is of another issuer"
    by = signer(answer, issuer)
    if by is None:
        return "its answer is not signed for its issuer"
    if answer.certificate_status is _REVOKED:
        return _REVOKED
    end = lasts(answer, by)
    if not max(answer.this_update_utc - SKEW, by.not_valid_before_utc) <= now <= end:
        return "its answer is not current"
    return end if answer.certificate_status is ocsp.OCSPCertStatus.GOOD else "NVIDIA does not know it"


def signer(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate | None:
    """Who signed it: the issuer, or a responder that it issued for this (RFC 6960 §4.2.2.2), of several certificates
    the one that lasts longest. None: neither. Dates are not looked at."""
    able = [issuer, *(c for c in answer.certificates if _responder(c, issuer))]
    return max((c for c in able if _signed(answer, c)), key=lambda c: c.not_valid_after_utc, default=None)


def lasts(answer: ocsp.OCSPResponse, by: x509.Certificate) -> dt.datetime:
    """The last moment at which an answer counts: no longer than who signed it."""
    end = answer.next_update_utc
    assert end is not None  # only what says revoked has none
    return min(end, by.not_valid_after_utc)


def _responder(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    purpose = extension_of(certificate, x509.ExtendedKeyUsage)
    usage = extension_of(certificate, x509.KeyUsage)
    basic = extension_of(certificate, x509.BasicConstraints)
    named = purpose is not None and ExtendedKeyUsageOID.OCSP_SIGNING in purpose and not (basic is not None and basic.ca)
    signs = usage is None or usage.digital_signature
    strong = certificate.signature_algorithm_oid in ECDSA
    return named and signs and strong and signed_by(certificate, issuer)


def _signed(answer: ocsp.OCSPResponse, by: x509.Certificate) -> bool:
    key, digest = by.public_key(), answer.signature_hash_algorithm
    if not isinstance(key, _EC) or not isinstance(digest, _SIGNED):
        return False
    try:
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True
