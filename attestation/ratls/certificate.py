"""TLS certificates that carry evidence of the machine that holds their key (attestation.md §2.11, §5.5).

Three forms: the interoperable one (CBOR, DICE extension), the quote alone (Gramine, Open Enclave) and dstack's. Each
names the key in the quote's report data in its own way. This takes a certificate apart; it proves nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation import cbor, der
from attestation.types import Malformed
from attestation.x509 import load_certificate

INTEROPERABLE = "2.23.133.5.4.9"
GRAMINE, OPEN_ENCLAVE = "1.2.840.113741.1337.6", "1.3.6.1.4.1.311.105.1"
DSTACK_QUOTE, DSTACK_LOG = "1.3.6.1.4.1.62397.1.1", "1.3.6.1.4.1.62397.1.2"
TAG_QUOTE = 60000
MAX_BYTES = 64 * 1024
"""Of a certificate with evidence in it: a quote has 5 KB, dstack's event log many more."""
_OPEN_ENCLAVE_HEAD = bytes.fromhex("0100000002000000")
_HASHES = {1: hashlib.sha256, 7: hashlib.sha384, 8: hashlib.sha512}
"""IANA named information hash algorithms as the interoperable form numbers them."""


@dataclass(frozen=True, slots=True)
class Carried:
    """``expected`` is the report data that names the certificate's key."""

    form: str
    quote: bytes = field(repr=False)
    expected: bytes = field(repr=False)
    names_key: bool
    """Whether the statements beside the quote name this key; true where there are none."""
    nonce: bytes = field(default=b"", repr=False)
    event_log: bytes | None = field(default=None, repr=False)


def load_carrier(der: bytes) -> x509.Certificate:
    """A certificate with room for evidence. Raises Malformed."""
    return load_certificate(der, MAX_BYTES)


def spki_of(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def carried(certificate: x509.Certificate) -> Carried:
    """The one piece of evidence in ``certificate``. Raises Malformed for none, or more than one."""
    values = {e.oid.dotted_string: e.value.value for e in certificate.extensions
              if isinstance(e.value, x509.UnrecognizedExtension)}  # fmt: skip
    found = [oid for oid in (INTEROPERABLE, GRAMINE, OPEN_ENCLAVE, DSTACK_QUOTE) if oid in values]
    if len(found) != 1:
        raise Malformed(f"a certificate carries one piece of evidence, this one {len(found)}")
    spki = spki_of(certificate)
    if found[0] == INTEROPERABLE:
        return _interoperable(values[INTEROPERABLE], spki)
    if found[0] == DSTACK_QUOTE:
        log = values.get(DSTACK_LOG)
        return Carried("dstack", der.one(values[DSTACK_QUOTE], der.OCTETS), dstack_report_data(spki), True,
                       event_log=der.one(log, der.OCTETS) if log is not None else None)  # fmt: skip
    quote = values[found[0]]
    if found[0] == OPEN_ENCLAVE:
        if quote[:8] != _OPEN_ENCLAVE_HEAD or int.from_bytes(quote[8:16], "little") != len(quote) - 16:
            raise Malformed("Open Enclave's header of a quote is not of a known form")
        quote = quote[16:]
    return Carried("legacy", quote, hashlib.sha256(spki).digest() + bytes(32), True)


def dstack_report_data(spki: bytes) -> bytes:
    return hashlib.sha512(b"ratls-cert:" + spki).digest()


def _interoperable(value: bytes, spki: bytes) -> Carried:
    """Tag 60000 around [quote, claims]; the quote's report data is the SHA-256 of the claims."""
    tagged = cbor.load(value, tags=frozenset({TAG_QUOTE}))
    if not isinstance(tagged, cbor.Tagged) or not isinstance(tagged.value, list) or len(tagged.value) != 2:
        raise Malformed("the certificate's evidence is not a quote with its claims")
    quote, claims = tagged.value
    if not isinstance(quote, bytes) or not isinstance(claims, bytes):
        raise Malformed("the certificate's quote and claims are not bytes")
    said = cbor.load(claims)
    if not isinstance(said, dict) or not {"pubkey-hash"} <= set(said) <= {"pubkey-hash", "nonce"}:
        raise Malformed("the certificate's claims are not of a known form")
    nonce = said.get("nonce", b"")
    if not isinstance(nonce, bytes):
        raise Malformed("the certificate's nonce is not bytes")
    expected = hashlib.sha256(claims).digest() + bytes(32)
    return Carried("interoperable", quote, expected, _names(said["pubkey-hash"], spki), nonce)


def _names(value: object, spki: bytes) -> bool:
    match value:
        case [int(algorithm), bytes(digest)] if algorithm in _HASHES:
            return _HASHES[algorithm](spki).digest() == digest
    raise Malformed("the certificate's key hash is not of a known form")
