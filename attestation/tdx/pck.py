"""What Intel wrote into a PCK certificate: platform, security versions, family (Intel SGX PCK profile §1.3.5).

Reading proves nothing before the chain is verified.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from cryptography import x509

from attestation import der
from attestation.types import Malformed

SGX_EXTENSION = "1.2.840.113741.1.13.1"


@dataclass(frozen=True, slots=True)
class Platform:
    """``components`` are the 16 SVNs of the SGX TCB."""

    ppid: bytes
    components: tuple[int, ...]
    pcesvn: int
    pceid: bytes
    fmspc: bytes


@functools.lru_cache(maxsize=256)  # the same machines ask all day; reading is a pure function of the certificate
def parse_platform(certificate: x509.Certificate) -> Platform:
    """Raises Malformed for a missing, repeated or unreadable field."""
    try:
        value = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(SGX_EXTENSION)).value
    except x509.ExtensionNotFound:
        raise Malformed("the PCK certificate lacks Intel's extension") from None
    if not isinstance(value, x509.UnrecognizedExtension):
        raise Malformed("Intel's extension cannot be read")
    fields = _fields(der.one(value.value, der.SEQUENCE))
    tcb = _fields(_content(fields, "2", der.SEQUENCE))
    components = tuple(der.integer(_content(tcb, f"2.{i}", der.INTEGER)) for i in range(1, 17))
    return Platform(
        ppid=_octets(fields, "1", 16),
        components=components,
        pcesvn=der.integer(_content(tcb, "2.17", der.INTEGER)),
        pceid=_octets(fields, "3", 2),
        fmspc=_octets(fields, "4", 6),
    )


def _fields(content: bytes) -> dict[bytes, tuple[int, bytes]]:
    """Content of a sequence of (OID, value) pairs, by OID."""
    out: dict[bytes, tuple[int, bytes]] = {}
    for tag, pair in der.items(content):
        parts = der.items(pair)
        if tag != der.SEQUENCE or len(parts) != 2 or parts[0][0] != der.OID or parts[0][1] in out:
            raise Malformed("Intel's extension is not a list of distinct fields")
        out[parts[0][1]] = parts[1]
    return out


def _content(fields: dict[bytes, tuple[int, bytes]], oid: str, tag: int) -> bytes:
    found = fields.get(der.oid(f"{SGX_EXTENSION}.{oid}"))
    if found is None or found[0] != tag:
        raise Malformed(f"Intel's extension lacks field {oid}")
    return found[1]


def _octets(fields: dict[bytes, tuple[int, bytes]], oid: str, size: int) -> bytes:
    value = _content(fields, oid, der.OCTETS)
    if len(value) != size:
        raise Malformed(f"field {oid} of Intel's extension has {len(value)} bytes, not {size}")
    return value
