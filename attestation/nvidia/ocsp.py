"""Whether NVIDIA has revoked a device: answers of its OCSP responder (RFC 6960) out of the collateral, for each
certificate between the report's key and the root (attestation.md §2.6, step 8).

An answer counts when the certificate's issuer signed it, itself or through a responder that it named, and while it is
current. It carries no nonce of ours: how old it may be is NVIDIA's word. One that says revoked counts after its end
too. An answer that is missing or does not count leaves the question open.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from attestation.paths import signed_by
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
Path = tuple[x509.Certificate, ...]


def read_answer(der: bytes) -> ocsp.OCSPResponse:
    """An answer about one certificate. Raises Malformed."""
    if len(der) > MAX_OCSP_BYTES:
        raise Malformed(f"an OCSP answer has at most {MAX_OCSP_BYTES} bytes")
    try:
        answer = ocsp.load_der_ocsp_response(der)
        good = answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL and len(list(answer.responses)) == 1
        if not good or answer.next_update_utc is None or answer.hash_algorithm.name not in _NAMED:
            raise Malformed("this OCSP answer says nothing, or not about one certificate and with an end")
        _ = (answer.certificates, answer.signature_hash_algorithm, answer.serial_number, answer.responder_name)
        extensions = [*answer.extensions, *answer.single_extensions]
        _ = (answer.revocation_time_utc, answer.revocation_reason)
        for certificate in answer.certificates:
            load_certificate(certificate.public_bytes(Encoding.DER))
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        raise Malformed("an OCSP answer cannot be read") from None
    if (
        any(e.critical and not isinstance(e.value, x509.OCSPNonce) for e in extensions)
        or answer.public_bytes(Encoding.DER) != der
        or not _whole_bits(answer, der)
    ):
        raise Malformed("an OCSP answer has an unknown critical extension, or is not in canonical form")
    return answer


def _whole_bits(answer: ocsp.OCSPResponse, der: bytes) -> bool:
    """Whether no bit of the signature counts as unused: that number is outside the signature (X.690 §8.6.2)."""
    behind = items(der[der.index(answer.tbs_response_bytes) + len(answer.tbs_response_bytes) :])
    return len(behind) >= 2 and behind[1] == (BITS, b"\0" + answer.signature)


def key_of(answer: ocsp.OCSPResponse) -> str:
    """The store's name of an answer: how it names its issuer, and the serial number."""
    return f"{answer.hash_algorithm.name}/{answer.issuer_key_hash.hex()}/{answer.serial_number:x}"


def keys_for(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[str, ...]:
    """The names under which answers about ``certificate`` may be kept."""
    return tuple(f"{n}/{digest}/{certificate.serial_number:x}" for n, digest in key_digests(issuer).items())


def key_digests(issuer: x509.Certificate) -> Mapping[str, str]:
    """Name of a digest -> digest of the issuer's key (hex)."""
    key = issuer.public_key()
    public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) if isinstance(key, _EC) else b""
    return {name: make(public).hexdigest() for name, make in _NAMED.items()}


def asked(path: Path) -> Iterator[tuple[x509.Certificate, x509.Certificate]]:
    """What is asked about: not the report's own key, whose issuer is the device, nor the root."""
    return pairwise(path[1:])


def compare(paths: Iterable[Path], answers: Mapping[str, bytes], now: dt.datetime) -> tuple[Check, dt.datetime | None]:
    """One check for all devices, and until when it holds where it passes."""
    revoked, still_open, ends = [], [], []
    for certificate, issuer in dict.fromkeys(pair for path in paths for pair in asked(path)):
        name = f"serial {certificate.serial_number:x}"
        found = [answers[key] for key in keys_for(certificate, issuer) if key in answers]
        judged = [_judged(raw, certificate, issuer, now) for raw in found]
        if any(j is ocsp.OCSPCertStatus.REVOKED for j in judged):
            revoked.append(f"{name}: NVIDIA revoked it")
        elif until := [j for j in judged if isinstance(j, dt.datetime)]:
            ends.append(max(until))
        else:
            still_open.append(f"{name}: {next((j for j in judged if isinstance(j, str)), 'no answer is here')}")
    if revoked:
        return _check(Status.FAIL, revoked), None
    if still_open or not ends:
        return _check(Status.UNKNOWN, still_open or ["no certificate can be asked about"]), None
    return _check(Status.PASS, [f"{len(ends)} certificates are good until {min(ends):%F %T}"]), min(ends)


def _check(status: Status, said: list[str]) -> Check:
    return Check("revocation", status, Source.VERIFIER, "; ".join(said))


def _judged(
    raw: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: dt.datetime
) -> dt.datetime | ocsp.OCSPCertStatus | str:
    """Good until when, revoked, or why the answer does not count."""
    try:
        answer = read_answer(raw)
    except Malformed as e:
        return str(e)
    if not _about(answer, certificate, issuer):
        return "its answer is about another certificate"
    if not genuine(answer, issuer, now):
        return "its answer is not signed for its issuer"
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return ocsp.OCSPCertStatus.REVOKED
    end = answer.next_update_utc
    if end is None or not answer.this_update_utc - SKEW <= now <= end:
        return "its answer is not current"
    return end if answer.certificate_status is ocsp.OCSPCertStatus.GOOD else "NVIDIA does not know it"


def _about(answer: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    make = _NAMED[answer.hash_algorithm.name]
    named = make(issuer.subject.public_bytes()).digest() == answer.issuer_name_hash
    return named and key_of(answer) in keys_for(certificate, issuer)


def genuine(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: dt.datetime) -> bool:
    """Signed by the issuer, or by a responder that it issued for this and that is valid (RFC 6960 §4.2.2.2)."""
    signers = [issuer, *(c for c in answer.certificates if _responder(c, issuer, now))]
    return any(_signed(answer, one) for one in signers)


def _responder(certificate: x509.Certificate, issuer: x509.Certificate, now: dt.datetime) -> bool:
    try:
        usage = extension_of(certificate, x509.ExtendedKeyUsage)
        basic = extension_of(certificate, x509.BasicConstraints)
    except (ValueError, x509.DuplicateExtension):
        return False
    named = usage is not None and ExtendedKeyUsageOID.OCSP_SIGNING in usage and not (basic is not None and basic.ca)
    valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    return named and valid and signed_by(certificate, issuer)


def _signed(answer: ocsp.OCSPResponse, by: x509.Certificate) -> bool:
    key, digest = by.public_key(), answer.signature_hash_algorithm
    if not isinstance(key, _EC) or not isinstance(digest, _SIGNED):
        return False
    try:
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True
