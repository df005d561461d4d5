"""AWS Nitro enclaves behind HTTP: no standard path, so each thing is an option (attestation.md §2.5, §5.4).

    provider: nitro                       # nitriding
    path: /enclave/attestation
    nonce_bytes: 20
    encoding: base64                      # or base64url, raw, hex; with pointer: /document where the answer is JSON
    bind: [{field: user_data, format: sha256-cert, offset: 2}]

``format``: ``raw`` (the TLS key itself, SPKI in DER), ``sha256-spki``, ``sha256-cert`` (the whole certificate, so that
each renewal needs another document), ``hpke-x25519`` (a key to seal bodies to). Without ``offset`` the field holds
nothing else. ``nonce_field`` says where the nonce is: ``nonce`` unless given, ``none`` (with ``no_nonce``) for an
endpoint without one. Then only the signed time counts, which may be five minutes off at most either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from attestation.nitro.document import Document, parse_document
from attestation.providers.base import Heard, Piece, Presented
from attestation.providers.formula import Binding, parse_binding
from attestation.providers.parts import Asked, Encoding, Place, answer, channel, facts_of
from attestation.types import Evidence, Malformed

FIELDS = frozenset({"user_data", "public_key", "nonce"})
X25519_BYTES = 32
Field = Literal["user_data", "public_key", "nonce"]
_FORMATS: Mapping[str, str] = {
    "raw": "spki",
    "sha256-spki": "sha256(spki)",
    "sha256-cert": "sha256(certificate)",
    "hpke-x25519": "key",
}


@dataclass(frozen=True, slots=True)
class Bind:
    """One place of the signed document, and what is there. Raises ValueError."""

    field: Field
    format: Literal["raw", "sha256-spki", "sha256-cert", "hpke-x25519"]
    offset: int | None = None

    def __post_init__(self) -> None:
        if self.offset is not None and not 0 <= self.offset <= 1023:
            raise ValueError("offset: is 0 to 1023")

    @property
    def name(self) -> str:
        return self.field if self.offset is None else f"{self.field}@{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NitroProvider(Asked):
    """One such endpoint. Raises ValueError for options that do not fit together."""

    bind: tuple[Bind, ...]
    path: str = "/enclave/attestation"
    encoding: Encoding = "base64"
    pointer: str = ""
    nonce_field: Literal["user_data", "public_key", "nonce", "none"] = "nonce"

    def __post_init__(self) -> None:
        self.check_question()
        if (self.nonce_field == "none") != self.no_nonce:
            raise ValueError("nonce_field: is none exactly where no_nonce is true")
        if self.nonce_field in {b.field for b in self.bind}:
            raise ValueError("nonce_field: is a field that holds a key")
        if len({b.name for b in self.bind}) != len(self.bind) or sum(b.format == "hpke-x25519" for b in self.bind) > 1:
            raise ValueError("bind: names a place or a key to seal to twice")
        _ = (self.binding, self.document)

    @property
    def kind(self) -> str:
        return "nitro"

    @property
    def binding(self) -> Binding:
        nonce = {} if self.nonce_field == "none" else {str(self.nonce_field): "nonce"}
        return parse_binding(nonce | {b.name: _FORMATS[b.format] for b in self.bind}, FIELDS)

    @property
    def document(self) -> Place:
        return Place(self.encoding, self.pointer)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        raw = self.document.find(answer(heard))
        parsed = parse_document(raw)
        key = next((_claimed(parsed, b) for b in self.bind if b.format == "hpke-x25519"), b"")
        facts = facts_of(heard, self.sent(nonce), key)
        piece = Piece("cpu", Evidence("nitro", raw), self.binding.values(facts))
        return Presented((piece,), channel(self.binding, facts), "nonce" in self.binding.uses)


def _claimed(document: Document, bind: Bind) -> bytes:
    """The key as the document has it: proven with the document, since it is compared with the signed field."""
    value = document.optional.get(bind.field, b"")
    key = value if bind.offset is None else value[bind.offset : bind.offset + X25519_BYTES]
    if len(key) != X25519_BYTES:
        raise Malformed(f"the document has no key of {X25519_BYTES} bytes in its {bind.field}")
    return key
