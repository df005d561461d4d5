"""Ways for an enclave to be wrong (attestation.md §7), and the evidence it then presents. Tests and the demo only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from attestation.binding import sealgate_snp_report_data
from attestation.simulator.snp import OLD_TCB, POLICY, VENDOR, Guest, Platform, shared_platform
from attestation.snp.report import POLICY_DEBUG
from attestation.types import Evidence
from attestation.wire import MAX_DOCUMENT_BYTES, encode_sealgate_snp


class Misbehaviour(StrEnum):
    """The last four are the server's doing: their documents are honest."""

    TAMPERED_REPORT = "tampered_report"
    WRONG_NONCE = "wrong_nonce"
    OTHER_KEY = "other_key"
    DEBUG_GUEST = "debug_guest"
    VMPL_1 = "vmpl_1"
    OLD_TCB = "old_tcb"
    WRONG_MEASUREMENT = "wrong_measurement"
    FALSE_ROOT = "false_root"
    EXPIRED_VCEK = "expired_vcek"
    SWAPPED_VCEK = "swapped_vcek"
    TRAILING_BYTES = "trailing_bytes"
    TRUNCATED = "truncated"
    HUGE_DOCUMENT = "huge_document"
    NOT_JSON = "not_json"
    REVOKED_ASK = "revoked_ask"
    """The evidence is perfect; only the root's revocation list knows."""
    HTTP_500 = "http_500"
    SLOW = "slow"
    KEY_ROTATION = "key_rotation"
    """The TLS key is replaced right after the evidence was given."""


_LIES: Mapping[Misbehaviour, Callable[[Platform, bytes], Evidence]] = {
    Misbehaviour.TAMPERED_REPORT: lambda p, d: _flipped(p.evidence(d)),
    Misbehaviour.WRONG_NONCE: lambda p, d: p.evidence(d[:32] + bytes(b ^ 0xFF for b in d[32:])),
    Misbehaviour.OTHER_KEY: lambda p, d: p.evidence(bytes(b ^ 0xFF for b in d[:32]) + d[32:]),
    Misbehaviour.DEBUG_GUEST: lambda p, d: p.evidence(d, Guest(policy=POLICY | POLICY_DEBUG)),
    Misbehaviour.VMPL_1: lambda p, d: p.evidence(d, Guest(vmpl=1)),
    Misbehaviour.OLD_TCB: lambda p, d: p.evidence(
        d, Guest(tcb=OLD_TCB), p.make_chip(tcb=OLD_TCB, chip_id=p.chip.chip_id)
    ),
    Misbehaviour.WRONG_MEASUREMENT: lambda p, d: p.evidence(d, Guest(measurement=bytes.fromhex("bad0") * 24)),
    Misbehaviour.FALSE_ROOT: lambda _, d: shared_platform(VENDOR).evidence(d),
    Misbehaviour.EXPIRED_VCEK: lambda p, d: p.evidence(
        d, None, p.make_chip(chip_id=p.chip.chip_id, end=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    ),
    Misbehaviour.SWAPPED_VCEK: lambda p, d: replace(
        p.evidence(d), certificates=(p.make_chip().certificate, p.ask, p.root)
    ),
    Misbehaviour.TRAILING_BYTES: lambda p, d: replace(p.evidence(d), report=p.report(d) + b"\0"),
    Misbehaviour.TRUNCATED: lambda p, d: replace(p.evidence(d), report=p.report(d)[:-1]),
}


def present(platform: Platform, misbehaviour: Misbehaviour | None, spki_der: bytes, nonce: bytes) -> bytes:
    """The document for this TLS key and nonce, honest unless told otherwise. Raises ValueError for a bad nonce."""
    binding = sealgate_snp_report_data(spki_der, nonce)
    if misbehaviour is Misbehaviour.NOT_JSON:
        return b"<html>It works!</html>"
    if misbehaviour is Misbehaviour.HUGE_DOCUMENT:
        return encode_sealgate_snp(platform.evidence(binding)) + b" " * MAX_DOCUMENT_BYTES
    return encode_sealgate_snp(lie_of(platform, binding, misbehaviour))


def lie_of(platform: Platform, report_data: bytes, misbehaviour: Misbehaviour | None) -> Evidence:
    """The evidence for these 64 bytes, honest unless told otherwise."""
    lie = _LIES.get(misbehaviour) if misbehaviour is not None else None
    return lie(platform, report_data) if lie else platform.evidence(report_data)


def _flipped(evidence: Evidence) -> Evidence:
    """One bit of the measurement changed after signing."""
    raw = bytearray(evidence.report)
    raw[0x90] ^= 1
    return replace(evidence, report=bytes(raw))
