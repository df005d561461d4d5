"""Provider ``sealgate-snp``: an SNP guest that signs its TLS key and our nonce (docs/attestation.md). Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from attestation.binding import sealgate_snp_report_data
from attestation.providers.base import Ask, Channel, Heard, Piece, Presented
from attestation.ratls.certificate import spki_of
from attestation.wire import MAX_DOCUMENT_BYTES, SEALGATE_SNP, parse_sealgate_snp
from attestation.x509 import load_certificate

PATH = "/.well-known/attestation"


@dataclass(frozen=True, slots=True)
class SealgateProvider:
    """One question, one key: that of the connection the answer came over. It has no options."""

    kind: ClassVar[str] = SEALGATE_SNP

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        return (Ask("evidence", f"{PATH}?nonce={nonce.hex()}", max_bytes=MAX_DOCUMENT_BYTES),)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        """Raises Malformed for a document or a certificate that cannot be read."""
        evidence = parse_sealgate_snp(heard.replies["evidence"].body)
        spki = spki_of(load_certificate(heard.certificate))
        piece = Piece("cpu", evidence, {"report_data": sealgate_snp_report_data(spki, nonce)})
        return Presented((piece,), Channel(spki_sha256=hashlib.sha256(spki).digest()), nonce_bound=True)
