"""RA-TLS: the evidence is in the certificate that TLS showed, so nothing is asked (attestation.md §5.5).

    provider: ratls
    max_certificate_age: 86400            # seconds since the certificate's first day; required
    issuer: |                             # only where the enclave's certificate is not signed by its own key
      -----BEGIN CERTIFICATE-----

A certificate answers no question, so nothing in it can be a nonce of ours: a nonce in its claims is somebody else's.
How old it may be is therefore an option without a default.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from attestation.providers.base import Ask, Channel, Heard, Piece, Presented
from attestation.ratls.certificate import load_carrier, spki_of
from attestation.recognise import der_of
from attestation.types import Evidence, Malformed
from attestation.x509 import load_certificate

MAX_AGE_S = 366 * 86400
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RaTlsProvider:
    """``max_certificate_age`` in seconds; ``issuer``: PEM, proves nothing by itself. Raises ValueError."""

    max_certificate_age: int
    issuer: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.max_certificate_age <= MAX_AGE_S:
            raise ValueError(f"max_certificate_age: is 1 to {MAX_AGE_S} seconds")
        try:
            _ = [load_certificate(der) for der in self._chain]
        except Malformed:
            raise ValueError("issuer: is not one certificate as PEM") from None

    @property
    def kind(self) -> str:
        return "ratls"

    @property
    def _chain(self) -> tuple[bytes, ...]:
        if self.issuer and not _PEM.fullmatch(self.issuer):
            raise Malformed("the issuer is not one certificate")
        return (der_of(self.issuer.strip().encode()),) if self.issuer else ()

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        return ()

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        if heard.replies:
            raise Malformed("nothing was asked, so there is nothing to answer")
        pin = hashlib.sha256(spki_of(load_carrier(heard.certificate))).digest()
        evidence = Evidence("ratls", heard.certificate, self._chain)
        piece = Piece("cpu", evidence, {"spki": pin}, max_age_s=self.max_certificate_age)
        return Presented((piece,), Channel(spki_sha256=pin), nonce_bound=False)
