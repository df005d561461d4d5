"""NVIDIA attestation reports: an SPDM 1.1 GET_MEASUREMENTS exchange, signed by the device (attestation.md §2.6).

Strict: every length must add up. Everything but the signature is signed. Parsing proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attestation.cursor import Cursor
from attestation.types import Malformed

MAX_REPORT_BYTES = 64 * 1024
REQUEST_BYTES, SIGNATURE_BYTES = 37, 96
SPDM_1_1, GET_MEASUREMENTS, MEASUREMENTS = 0x11, 0xE0, 0x60
DRIVER, VBIOS, NVDEC, CHIP_SKU, PROJECT, PROJECT_SKU, FWID, CHIP = 3, 6, 11, 15, 17, 18, 20, 35


@dataclass(frozen=True, slots=True)
class Report:
    """``opaque`` are the device's statements by number; ``measurements`` by index."""

    nonce: bytes = field(repr=False)
    measurements: Mapping[int, bytes] = field(repr=False)
    opaque: Mapping[int, bytes] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def text(self, number: int) -> str:
        """A statement as text: driver versions are; others as hex, highest byte first."""
        raw = self.opaque.get(number, b"")
        if number == DRIVER:
            return raw.rstrip(b"\0").decode("ascii", "replace")
        return raw[::-1].hex()


def vbios(report: Report) -> str:
    """The VBIOS version as NVIDIA writes it: ``96.00.A5.00.01``."""
    stated = report.opaque.get(VBIOS, b"").rstrip(b"\0")
    if b"." in stated and stated.isascii():  # switches state it as text
        return stated.decode("ascii")
    raw = report.text(VBIOS).upper()
    half = len(raw) // 2
    digits = raw[half:] + raw[half - 2 : half]
    return ".".join(digits[i : i + 2] for i in range(0, len(digits), 2))


def parse_report(raw: bytes) -> Report:
    """Raises Malformed."""
    if len(raw) > MAX_REPORT_BYTES:
        raise Malformed(f"a report has at most {MAX_REPORT_BYTES} bytes")
    cursor = Cursor(raw, "the device's report", "little")
    request = cursor.take(REQUEST_BYTES)
    head = cursor.take(4)
    if request[:2] != bytes((SPDM_1_1, GET_MEASUREMENTS)) or head[:2] != bytes((SPDM_1_1, MEASUREMENTS)):
        raise Malformed("this is not an SPDM 1.1 exchange of measurements")
    blocks = cursor.number(1)
    measurements = _blocks(cursor.sized(3), blocks)
    cursor.take(32)  # the device's own nonce
    opaque = _opaque(cursor.sized(2))
    signed = raw[: cursor.at]
    signature = cursor.take(SIGNATURE_BYTES)
    if cursor.more:
        raise Malformed("bytes after the device's report")
    return Report(request[4:36], measurements, opaque, signed, signature)


def _blocks(raw: bytes, count: int) -> dict[int, bytes]:
    """DMTF measurement blocks: index, specification 1, size, then type, size, value."""
    cursor = Cursor(raw, "the device's report", "little")
    out: dict[int, bytes] = {}
    for _ in range(count):
        index, specification = cursor.take(2)
        inner = Cursor(cursor.sized(2), "the device's report", "little")
        inner.take(1)
        value = inner.take(inner.number(2))
        if specification != 1 or index in out or inner.more:
            raise Malformed("a measurement of the report is not of its documented form")
        out[index] = value
    if cursor.more or not out:
        raise Malformed("the report's measurements do not add up")
    return out


def _opaque(raw: bytes) -> dict[int, bytes]:
    cursor = Cursor(raw, "the device's report", "little")
    out: dict[int, bytes] = {}
    while cursor.more:
        number = cursor.number(2)
        value = cursor.sized(2)
        if number in out:
            raise Malformed("the device states something twice")
        out[number] = value
    return out
