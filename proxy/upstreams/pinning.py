"""TLS with exactly the peer that attestation named: its key is looked at inside the handshake, before a byte is sent.

Contexts only; nothing here connects.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class PinMismatch(ssl.SSLCertVerificationError):
    """The peer's key is not the attested one. Raised inside the handshake."""


def seen_tls(check: Callable[[bytes], None]) -> ssl.SSLContext:
    """TLS 1.3 that hands the peer's certificate (DER) to ``check`` inside the handshake.

    No certificate authority is asked: the key is proven by attestation, not by a name.
    """

    class Keyed(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()  # raises SSLWantReadError until it is complete
            check(self.getpeercert(True) or b"")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslobject_class = Keyed
    return context


def pinned_tls(pin: bytes) -> ssl.SSLContext:
    """TLS 1.3 with exactly the peer whose SPKI has this SHA-256 (attestation.md §6.4)."""

    def check(certificate: bytes) -> None:
        if not hmac.compare_digest(spki_sha256(certificate), pin):
            raise PinMismatch("this is not the attested key")

    return seen_tls(check)


def spki_sha256(certificate: bytes) -> bytes:
    """What a pin is compared with. Raises PinMismatch for a certificate that cannot be read."""
    return hashlib.sha256(_spki(certificate)).digest()


def public_tls() -> ssl.SSLContext:
    """TLS with whoever a public authority vouches for: transport only, for bodies that are sealed."""
    return ssl.create_default_context()


def _spki(certificate: bytes) -> bytes:
    """SubjectPublicKeyInfo, DER. Raises PinMismatch."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise PinMismatch("the peer's key cannot be read") from None
