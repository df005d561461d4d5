"""ATTESTATION_REPORT of AMD SEV-SNP, versions 2 to 5 (AMD 56860 table 23; offsets in attestation.md §2.4).

Strict: exact length, every reserved byte and bit zero. So no bit of a report is ignored: a bit is either covered by
the signature or must be zero. (One form of malleability remains and is harmless: ECDSA accepts (r, n-s) for (r, s).
Hardware does not promise the lower s, so it is not demanded; evidence bytes must therefore never be a replay key.)
Parsing proves nothing; :mod:`attestation.snp.verify` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from attestation.types import Malformed

REPORT_BYTES = 0x4A0
SIGNED_BYTES = 0x2A0
ECDSA_P384_SHA384 = 1

POLICY_SMT = 1 << 16
POLICY_RESERVED_ONE = 1 << 17
POLICY_MIGRATE_MA = 1 << 18
POLICY_DEBUG = 1 << 19

_POLICY_ZERO = ~((1 << 26) - 1)  # bits 26..63 are reserved
_PLATFORM_ZERO = ~0xFF  # bits 0..7 have a meaning in versions up to 5
_SIGNER_ZERO = ~0x1F

MILAN_GENOA: Mapping[str, int] = {"bootloader": 0, "tee": 1, "snp": 6, "microcode": 7}
TURIN: Mapping[str, int] = {"fmc": 0, "bootloader": 1, "tee": 2, "snp": 3, "microcode": 7}
TCB_LAYOUTS: Mapping[str, Mapping[str, int]] = {"Milan": MILAN_GENOA, "Genoa": MILAN_GENOA, "Turin": TURIN}
"""Product -> component -> byte of a TCB_VERSION (§2.4). Turin's layout differs: product first, meaning second."""


class Cpuid(NamedTuple):
    family: int
    model: int
    stepping: int


@dataclass(frozen=True, slots=True)
class Report:
    """All fields of a report. TCB versions stay raw until the product, and so their layout, is known."""

    version: int
    guest_svn: int
    policy: int
    family_id: bytes
    image_id: bytes
    vmpl: int
    signature_algorithm: int
    current_tcb: bytes
    platform_info: int
    signer_info: int
    report_data: bytes = field(repr=False)
    measurement: bytes
    host_data: bytes
    id_key_digest: bytes
    author_key_digest: bytes
    report_id: bytes
    report_id_ma: bytes
    reported_tcb: bytes
    cpuid: Cpuid | None
    """None before version 3."""
    chip_id: bytes
    committed_tcb: bytes
    current_version: tuple[int, int, int]
    """Firmware (major, minor, build)."""
    committed_version: tuple[int, int, int]
    launch_tcb: bytes
    launch_mitigations: int
    current_mitigations: int
    r: int
    s: int
    signed: bytes = field(repr=False)

    @property
    def debug(self) -> bool:
        return bool(self.policy & POLICY_DEBUG)

    @property
    def signing_key(self) -> int:
        """SIGNING_KEY: 0 VCEK, 1 VLEK, 7 none."""
        return self.signer_info >> 2 & 7

    @property
    def chip_key_masked(self) -> bool:
        return bool(self.signer_info & 2)


def parse_report(raw: bytes) -> Report:
    """Raises Malformed for anything but one whole report whose reserved parts are zero."""
    if len(raw) != REPORT_BYTES:
        raise Malformed(f"a report has {REPORT_BYTES} bytes, got {len(raw)}")
    version = _number(raw, 0x00, 4)
    if not 2 <= version <= 5:
        raise Malformed(f"report version {version} is not one of 2..5")
    _reserved_bytes(raw, version)
    report = _fields(raw, version)
    _reserved_bits(report)
    return report


def product_of(cpuid: Cpuid) -> str | None:
    """Product of a CPU (AMD 57230 §1.4; §2.4): Bergamo and Siena count as Genoa. None when unknown."""
    family, model = cpuid.family, cpuid.model
    if family == 0x19:
        if model <= 0x0F:
            return "Milan"
        if 0x10 <= model <= 0x1F or 0xA0 <= model <= 0xAF:
            return "Genoa"
    if family == 0x1A and model <= 0x11:
        return "Turin"
    return None


def tcb_components(raw: bytes, product: str) -> dict[str, int]:
    """Named security version numbers of a TCB_VERSION. Raises Malformed when its reserved bytes are not zero."""
    layout = TCB_LAYOUTS[product]
    if any(raw[i] for i in range(8) if i not in layout.values()):
        raise Malformed(f"reserved bytes of a {product} TCB version are not zero")
    return {name: raw[i] for name, i in layout.items()}


def tcb_bytes(tcb: Mapping[str, int], product: str) -> bytes:
    """The TCB_VERSION that :func:`tcb_components` takes apart."""
    raw = bytearray(8)
    for name, i in TCB_LAYOUTS[product].items():
        raw[i] = tcb[name]
    return bytes(raw)


def _number(raw: bytes, offset: int, size: int) -> int:
    return int.from_bytes(raw[offset : offset + size], "little")


def _version(raw: bytes, offset: int) -> tuple[int, int, int]:
    build, minor, major = raw[offset : offset + 3]
    return major, minor, build


def _reserved_bytes(raw: bytes, version: int) -> None:
    areas = [
        (0x4C, 0x50),
        (0x18B if version >= 3 else 0x188, 0x1A0),
        (0x1EB, 0x1EC),
        (0x1EF, 0x1F0),
        (0x208 if version >= 5 else 0x1F8, SIGNED_BYTES),
        (0x2D0, 0x2E8),  # r has 72 bytes for a 48-byte number
        (0x318, 0x330),  # s as well
        (0x330, REPORT_BYTES),
    ]
    for start, end in areas:
        if any(raw[start:end]):
            raise Malformed(f"reserved bytes {start:#x}..{end:#x} are not zero")


def _reserved_bits(report: Report) -> None:
    for name, value, zero in (
        ("POLICY", report.policy, _POLICY_ZERO),
        ("PLATFORM_INFO", report.platform_info, _PLATFORM_ZERO),
        ("SIGNER_INFO", report.signer_info, _SIGNER_ZERO),
    ):
        if value & zero:
            raise Malformed(f"reserved bits of {name} are set")
    if report.vmpl > 3:
        raise Malformed("VMPL is not one of 0..3")


def _fields(raw: bytes, version: int) -> Report:
    return Report(
        version=version,
        guest_svn=_number(raw, 0x04, 4),
        policy=_number(raw, 0x08, 8),
        family_id=raw[0x10:0x20],
        image_id=raw[0x20:0x30],
        vmpl=_number(raw, 0x30, 4),
        signature_algorithm=_number(raw, 0x34, 4),
        current_tcb=raw[0x38:0x40],
        platform_info=_number(raw, 0x40, 8),
        signer_info=_number(raw, 0x48, 4),
        report_data=raw[0x50:0x90],
        measurement=raw[0x90:0xC0],
        host_data=raw[0xC0:0xE0],
        id_key_digest=raw[0xE0:0x110],
        author_key_digest=raw[0x110:0x140],
        report_id=raw[0x140:0x160],
        report_id_ma=raw[0x160:0x180],
        reported_tcb=raw[0x180:0x188],
        cpuid=Cpuid(raw[0x188], raw[0x189], raw[0x18A]) if version >= 3 else None,
        chip_id=raw[0x1A0:0x1E0],
        committed_tcb=raw[0x1E0:0x1E8],
        current_version=_version(raw, 0x1E8),
        committed_version=_version(raw, 0x1EC),
        launch_tcb=raw[0x1F0:0x1F8],
        launch_mitigations=_number(raw, 0x1F8, 8),
        current_mitigations=_number(raw, 0x200, 8),
        r=_number(raw, 0x2A0, 72),
        s=_number(raw, 0x2E8, 72),
        signed=raw[:SIGNED_BYTES],
    )
