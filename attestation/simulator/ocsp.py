"""Answers of a simulated OCSP responder about simulated devices, each part open to be made wrong. Tests only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from attestation.nvidia.ocsp import key_of, read_answer
from attestation.simulator import pki
from attestation.simulator.nvidia import Gpu, Vendor
from attestation.x509 import load_certificate

SIGNING = bytes.fromhex("300a06082b06010505070309")
"""extendedKeyUsage: OCSP signing."""
DAY = dt.timedelta(days=1)


class Responder:
    """Answers for one issuer, with its key or, ``delegated``, with one of its own."""

    def __init__(
        self, issuer: x509.Certificate, key: ec.EllipticCurvePrivateKey, *, delegated: bool = True,
        usage: bytes | None = SIGNING, ca: bool | None = None, end: dt.datetime = pki.END,
        by: ec.EllipticCurvePrivateKey | None = None, start: dt.datetime = pki.START, key_usage: bytes | None = None,
        digest: Any = None, own: Any = None,
    ) -> None:  # fmt: skip
        self.issuer, self.key, self.extra = issuer, key, []
        self.certificate = issuer
        if delegated:
            self.key = own or ec.generate_private_key(ec.SECP384R1())
            more = {oid: raw for oid, raw in (("2.5.29.37", usage), ("2.5.29.15", key_usage)) if raw is not None}
            name = pki.name("Simulated OCSP", "Sealgate Simulator")
            der = pki.issue(name, self.key.public_key(), issuer.subject, by or key, extensions=more, ca=ca,
                            cert_sign=False, start=start, end=end, digest=digest)  # fmt: skip
            self.certificate = x509.load_der_x509_certificate(der)
            self.extra = [self.certificate]

    def answer(
        self, certificate: x509.Certificate, now: dt.datetime, *, issuer: x509.Certificate | None = None,
        status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD, end: dt.timedelta | None = DAY,
        reason: x509.ReasonFlags | None = None, named: hashes.HashAlgorithm | None = None,
        digest: hashes.HashAlgorithm | None = None, critical: bool = False,
    ) -> bytes:  # fmt: skip
        revoked = now - DAY if status is ocsp.OCSPCertStatus.REVOKED else None
        algorithm = named or hashes.SHA384()
        builder = ocsp.OCSPResponseBuilder().add_response(
            certificate, issuer or self.issuer, algorithm, status, now, now + end if end is not None else None,
            revoked, reason,
        ).responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)  # fmt: skip
        if self.extra:
            builder = builder.certificates(self.extra)
        if critical:
            builder = builder.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True)
        return builder.sign(self.key, digest or hashes.SHA384()).public_bytes(Encoding.DER)


def responders(vendor: Vendor) -> Sequence[Responder]:
    """For devices, and for the two CAs above them."""
    issuers = [load_certificate(der) for der in vendor.issuers]
    return [Responder(issuers[i], vendor.keys[i], delegated=i == 2) for i in (2, 1, 0)]


def answers(vendor: Vendor, gpu: Gpu, now: dt.datetime) -> dict[str, bytes]:
    """All that there is to know about one honest device, as the store names it."""
    chain = [load_certificate(der) for der in gpu.chain]
    made = [r.answer(c, now) for r, c in zip(responders(vendor), chain[1:4], strict=True)]
    return {key_of(read_answer(der)): der for der in made}
