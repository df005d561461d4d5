"""Azure's HCL report: hardware evidence of a confidential VM with the runtime data that it vouches for (§2.10).

The blob is a container: it is taken apart here, and its hardware report and runtime data are then evidence of kind
``azure-snp`` or ``azure-tdx``. Strict: every length must agree and the rest must be zero. Nothing is proven here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from attestation.types import Malformed

MAX_BLOB_BYTES = 32 * 1024
REPORT_AT, REPORT_BYTES, RUNTIME_AT = 0x20, 1184, 0x4C0
SNP, TDX = 2, 4
_SHA256, _REQUEST = 1, 2


@dataclass(frozen=True, slots=True)
class Hcl:
    """``kind`` is SNP or TDX; of a TDX machine ``report`` is a TDREPORT, whose quote comes separately."""

    kind: int
    report: bytes = field(repr=False)
    runtime: bytes = field(repr=False)


def split(blob: bytes) -> Hcl:
    """Raises Malformed."""
    if len(blob) > MAX_BLOB_BYTES or len(blob) < RUNTIME_AT + 20 or blob[:4] != b"HCLA":
        raise Malformed("this is not an HCL report")
    version, size, request = (int.from_bytes(blob[i : i + 4], "little") for i in (4, 8, 12))
    outer, inner_version, kind, digest, length = (
        int.from_bytes(blob[RUNTIME_AT + i : RUNTIME_AT + i + 4], "little") for i in range(0, 20, 4)
    )
    end = RUNTIME_AT + 20 + length
    fits = (size, outer, inner_version, digest) == (end, length + 20, 1, _SHA256)
    if version not in (1, 2) or request != _REQUEST or not fits or kind not in (SNP, TDX) or end > len(blob):
        raise Malformed("the HCL report's header is not of a known form")
    if any(blob[16:REPORT_AT]) or any(blob[end:]):
        raise Malformed("reserved bytes of the HCL report are not zero")
    return Hcl(kind, blob[REPORT_AT : REPORT_AT + REPORT_BYTES], blob[RUNTIME_AT + 20 : end])
