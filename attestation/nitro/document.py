"""AWS Nitro attestation documents: COSE_Sign1 around a CBOR map (AWS nsm-api ``attestation_process.md``; §2.5).

Strict: the outer structure has its one encoding, no unprotected header, one algorithm, every field of the documented
type and size, no field that is not documented. Parsing proves nothing; :mod:`attestation.nitro.verify` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attestation import cbor
from attestation.types import Malformed

MAX_DOCUMENT_BYTES = 16 * 1024
PROTECTED = bytes.fromhex("a1013822")  # {1: -35}: ECDSA with SHA-384
MAX_CERTIFICATE_BYTES = 1024
SIGNATURE_BYTES = 96
_HEAD, _TAG = b"\x84\x44" + PROTECTED + b"\xa0", b"\xd2"
_REQUIRED = {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}
_OPTIONAL: Mapping[str, int] = {"public_key": 1024, "user_data": 512, "nonce": 512}
_MAX_MS = 253_402_300_799_000  # the year 9999


@dataclass(frozen=True, slots=True)
class Document:
    """All fields. ``timestamp`` is in milliseconds since 1970; an optional field that is absent or empty is None."""

    module_id: str
    timestamp: int
    pcrs: Mapping[int, bytes]
    certificate: bytes = field(repr=False)
    cabundle: tuple[bytes, ...] = field(repr=False)
    """Root first."""
    optional: Mapping[str, bytes] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse_document(raw: bytes) -> Document:
    """Raises Malformed for anything but one whole document."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise Malformed(f"a document has at most {MAX_DOCUMENT_BYTES} bytes")
    raw = raw.removeprefix(_TAG)  # tag 18 is optional and says nothing
    if not raw.startswith(_HEAD):
        raise Malformed("the document is not COSE_Sign1 with ECDSA and SHA-384 and an empty unprotected header")
    parts = cbor.load(raw)
    if not isinstance(parts, list) or len(parts) != 4:
        raise Malformed("COSE_Sign1 has four parts")
    _, _, payload, signature = parts
    if not isinstance(payload, bytes) or not isinstance(signature, bytes) or len(signature) != SIGNATURE_BYTES:
        raise Malformed("payload or signature is not of its documented form")
    fields = cbor.load(payload, indefinite=True)  # the enclave's own encoder; these bytes are signed
    if not isinstance(fields, dict) or not _REQUIRED <= set(fields) <= _REQUIRED | set(_OPTIONAL):
        raise Malformed("the payload must have the documented fields")
    return Document(
        module_id=_module(fields["module_id"]),
        timestamp=_timestamp(fields["timestamp"], fields["digest"]),
        pcrs=_pcrs(fields["pcrs"]),
        certificate=_bytes(fields["certificate"], "certificate", MAX_CERTIFICATE_BYTES),
        cabundle=_bundle(fields["cabundle"]),
        optional=_optional(fields),
        signed=_to_be_signed(payload),
        signature=signature,
    )


def _to_be_signed(payload: bytes) -> bytes:
    """Sig_structure of RFC 9052 §4.4: ["Signature1", protected, external data (none), payload]."""
    head = b"\x84\x6aSignature1\x44" + PROTECTED + b"\x40"
    size = len(payload)
    if size < 24:
        return head + bytes((0x40 + size,)) + payload
    if size < 256:
        return head + bytes((0x58, size)) + payload
    return head + b"\x59" + size.to_bytes(2, "big") + payload


def _module(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed("module_id must be text")
    return value


def _timestamp(value: object, digest: object) -> int:
    if digest != "SHA384":
        raise Malformed("digest must be SHA384")
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_MS:
        raise Malformed("timestamp must be a time in milliseconds")
    return value


def _pcrs(value: object) -> dict[int, bytes]:
    if not isinstance(value, dict) or not 1 <= len(value) <= 32:
        raise Malformed("pcrs must have 1 to 32 entries")
    out: dict[int, bytes] = {}
    for index, digest in value.items():
        if not isinstance(index, int) or not 0 <= index < 32:
            raise Malformed("a PCR's number must be one of 0..31")
        if not isinstance(digest, bytes) or len(digest) != 48:  # SHA-384, as the field digest says
            raise Malformed("a PCR must have 48 bytes")
        out[index] = digest
    return out


def _bytes(value: object, name: str, most: int) -> bytes:
    if not isinstance(value, bytes) or not 1 <= len(value) <= most:
        raise Malformed(f"{name} must have 1 to {most} bytes")
    return value


def _bundle(value: object) -> tuple[bytes, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 7:
        raise Malformed("cabundle must be a list of 1 to 7 certificates")
    return tuple(_bytes(c, "a certificate of cabundle", MAX_CERTIFICATE_BYTES) for c in value)


def _optional(fields: Mapping[object, object]) -> dict[str, bytes]:
    """Absent, null and empty all mean: the asker gave nothing."""
    given = {name: fields[name] for name in _OPTIONAL if fields.get(name) not in (None, b"")}
    return {name: _bytes(value, name, _OPTIONAL[name]) for name, value in given.items()}
