"""NVIDIA attestation reports: an SPDM 1.1 GET_MEASUREMENTS exchange, signed by the device (attestation.md §2.6).

Strict: every length must add up. Everything but the signature is signed. Parsing proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attestation.types import Malformed

MAX_REPORT_BYTES = 64 * 1024
REQUEST_BYTES, SIGNATURE_BYTES = 37, 96
SPDM_1_1, GET_MEASUREMENTS, MEASUREMENTS = 0x11, 0xE0, 0x60
DRIVER, VBIOS, FWID = 3, 6, 20


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


class _Cursor:
    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, size: int) -> bytes:
        part = self.raw[self.at : self.at + size]
        if len(part) != size:
            raise Malformed("the device's report is cut short")
        self.at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    @property
    def more(self) -> bool:
        return self.at < len(self.raw)


def parse_report(raw: bytes) -> Report:
    """Raises Malformed."""
    if len(raw) > MAX_REPORT_BYTES:
        raise Malformed(f"a report has at most {MAX_REPORT_BYTES} bytes")
    cursor = _Cursor(raw)
    request = cursor.take(REQUEST_BYTES)
    head = cursor.take(4)
    if request[:2] != bytes((SPDM_1_1, GET_MEASUREMENTS)) or head[:2] != bytes((SPDM_1_1, MEASUREMENTS)):
        raise Malformed("this is not an SPDM 1.1 exchange of measurements")
    blocks = cursor.number(1)
    measurements = _blocks(cursor.take(cursor.number(3)), blocks)
    cursor.take(32)  # the device's own nonce
    opaque = _opaque(cursor.take(cursor.number(2)))
    signed = raw[: cursor.at]
    signature = cursor.take(SIGNATURE_BYTES)
    if cursor.more:
        raise Malformed("bytes after the device's report")
    return Report(request[4:36], measurements, opaque, signed, signature)


def _blocks(raw: bytes, count: int) -> dict[int, bytes]:
    """DMTF measurement blocks: index, specification 1, size, then type, size, value."""
    cursor = _Cursor(raw)
    out: dict[int, bytes] = {}
    for _ in range(count):
        index, specification = cursor.take(2)
        inner = _Cursor(cursor.take(cursor.number(2)))
        inner.take(1)
        value = inner.take(inner.number(2))
        if specification != 1 or index in out or inner.more:
            raise Malformed("a measurement of the report is not of its documented form")
        out[index] = value
    if cursor.more or not out:
        raise Malformed("the report's measurements do not add up")
    return out


def _opaque(raw: bytes) -> dict[int, bytes]:
    cursor = _Cursor(raw)
    out: dict[int, bytes] = {}
    while cursor.more:
        number = cursor.number(2)
        value = cursor.take(cursor.number(2))
        if number in out:
            raise Malformed("the device states something twice")
        out[number] = value
    return out
