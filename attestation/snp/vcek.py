"""What AMD wrote into the certificate of a report-signing key (AMD 57230 §3; attestation.md §2.4).

A VCEK belongs to one chip at one firmware level, a VLEK to one cloud provider at one firmware level. The extensions say
which. Reading them proves nothing before the chain is verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from cryptography import x509

from attestation.snp.report import TCB_LAYOUTS
from attestation.types import Malformed
from attestation.x509 import common_name

AMD_OID = "1.3.6.1.4.1.3704.1."
_TCB_OIDS: Mapping[str, str] = {"bootloader": "3.1", "tee": "3.2", "snp": "3.3", "microcode": "3.8", "fmc": "3.9"}
_CSP = re.compile(rb"[A-Za-z0-9.=_-]{1,100}")
_SPARE_OIDS = ("3.4", "3.5", "3.6", "3.7")


class KeyKind(IntEnum):
    """Which key signs a report; the value is SIGNING_KEY of the report."""

    VCEK = 0
    VLEK = 1


@dataclass(frozen=True, slots=True)
class Endorsement:
    """``hwid`` is None on a VLEK, which names no chip; it has 8 bytes on Turin and 64 before. ``csp`` names whose VLEK
    it is, or is empty."""

    kind: KeyKind
    product: str
    tcb: Mapping[str, int]
    hwid: bytes | None
    csp: str = ""


def parse_endorsement(certificate: x509.Certificate) -> Endorsement:
    """Raises Malformed for a missing, unreadable or contradictory extension."""
    values = _amd_extensions(certificate)
    kind = _kind(certificate)
    product = _product(_need(values, "2"))
    tcb = {name: _small(_need(values, _TCB_OIDS[name])) for name in TCB_LAYOUTS[product]}
    spare = [oid for oid in _SPARE_OIDS if oid in values]
    spare += [oid for name, oid in _TCB_OIDS.items() if name not in tcb and oid in values]
    if any(_small(values[oid]) for oid in spare):
        raise Malformed("the key certificate endorses a TCB component that this product does not have")
    hwid = None if kind is KeyKind.VLEK else _hwid(_need(values, "4"), product)
    return Endorsement(kind, product, tcb, hwid, _csp(values.get("5", b"")) if kind is KeyKind.VLEK else "")


def _csp(der: bytes) -> str:
    """An IA5String such as ``CN=cc-us-east-2.amazonaws.com``; empty for anything else."""
    name = der[2:]
    plain = len(der) > 2 and der[0] == 0x16 and der[1] == len(name) and _CSP.fullmatch(name) is not None
    return name.decode("ascii") if plain else ""


def _amd_extensions(certificate: x509.Certificate) -> dict[str, bytes]:
    return {
        e.oid.dotted_string.removeprefix(AMD_OID): e.value.value
        for e in certificate.extensions
        if e.oid.dotted_string.startswith(AMD_OID) and isinstance(e.value, x509.UnrecognizedExtension)
    }


def _need(values: Mapping[str, bytes], oid: str) -> bytes:
    if oid not in values:
        raise Malformed(f"the key certificate lacks extension {AMD_OID}{oid}")
    return values[oid]


def _kind(certificate: x509.Certificate) -> KeyKind:
    name = common_name(certificate.subject)
    for kind in KeyKind:
        if name == f"SEV-{kind.name}":
            return kind
    raise Malformed("the leaf is neither a VCEK nor a VLEK by its name")


def _small(der: bytes) -> int:
    """A DER INTEGER of 0..255, in its shortest form."""
    if len(der) == 3 and der[:2] == b"\x02\x01" and der[2] < 0x80:
        return der[2]
    if len(der) == 4 and der[:3] == b"\x02\x02\x00" and der[3] >= 0x80:
        return der[3]
    raise Malformed("a security version in the key certificate is not an integer of 0..255")


def _product(der: bytes) -> str:
    """An IA5String such as ``Milan-B0`` or ``Genoa``; what follows the dash is the stepping."""
    if len(der) < 3 or der[0] != 0x16 or der[1] != len(der) - 2:
        raise Malformed("the product name in the key certificate cannot be read")
    name = der[2:].split(b"-")[0]
    for product in TCB_LAYOUTS:
        if name == product.encode():
            return product
    raise Malformed("the product named in the key certificate is not known")


def _hwid(value: bytes, product: str) -> bytes:
    """Raw bytes, or the same in a DER OCTET STRING as some certificates have it. The lengths tell them apart."""
    size = 8 if product == "Turin" else 64
    if len(value) == size + 2 and value[:2] == bytes((4, size)):
        return value[2:]
    if len(value) != size:
        raise Malformed(f"the HWID of a {product} chip has {size} bytes, got {len(value)}")
    return value
