"""Attestation helpers: a shared simulated platform, verdicts by check id, real vectors where they are present."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.simulator.snp import MEASUREMENT, Platform, shared_platform
from attestation.trust import AMD, VENDORS, SimulatedTrust, amd_chain
from attestation.types import Claims, Collateral, Evidence, Expectations, Malformed, Rejected
from attestation.verify import verify

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
TODAY = NOW.date()
BINDING = bytes(range(64))
VECTORS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "vectors"


def platform() -> Platform:
    return shared_platform()


def failures(evidence: Evidence, *, now: dt.datetime = NOW, crl: bytes | None = None) -> set[str]:
    """Ids of the checks that fail under the simulated root; empty when the evidence is accepted."""
    return verdict(evidence, now=now, crl=crl, simulated=True)


def verdict(
    evidence: Evidence, *, now: dt.datetime = NOW, crl: bytes | None = None, simulated: bool = False
) -> set[str]:
    try:
        verify(evidence, now, AMD, platform().trust if simulated else None, Collateral(amd_crl=crl))
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed:
        return {"malformed"}
    return set()


def claims(report_data: bytes = BINDING) -> Claims:
    return verify(platform().evidence(report_data), NOW, AMD, platform().trust)


def wanted() -> Expectations:
    """What the honest simulated guest meets."""
    return Expectations(
        name="test",
        tees=frozenset({"sev-snp"}),
        measurements={MEASUREMENT: "release"},
        minimum_tcb={"bootloader": 10, "snp": 23, "microcode": 184},
        approved_by="privacy@acme.example",
        approved_until=dt.date(2027, 3, 31),
        allow_simulated=True,
    )


def vector(path: str) -> bytes:
    """Bytes of a real vector; skips the test where the folder is absent."""
    file = VECTORS / path
    if not file.exists():
        pytest.skip(f"real evidence is not here: {path}")
    return file.read_bytes()


def der(data: bytes) -> bytes:
    """A certificate as DER, whichever way it was stored."""
    if not data.startswith(b"-----"):
        return data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # VCEKs have serial number 0
        return x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER)


def real_evidence(report: bytes, leaf: bytes, product: str, *, vlek: bool = False) -> Evidence:
    return Evidence("sealgate-snp", report, (der(leaf), *amd_chain(product, vlek=vlek)))


def ids(evidence: Evidence, trust: SimulatedTrust | None, now: dt.datetime = NOW, collateral: Collateral | None = None):
    """Ids of the failing checks of evidence of any kind; empty when it is accepted, {"malformed"} when unreadable."""
    try:
        verify(evidence, now, VENDORS, trust, collateral or Collateral())
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    except Malformed:
        return {"malformed"}
    return set()


def flips(raw: bytes) -> Iterator[bytes]:
    """``raw`` with one bit changed, once for each byte; which bit depends on the place, so that all eight occur."""
    for i in range(len(raw)):
        yield raw[:i] + bytes((raw[i] ^ 1 << (i * 5 + i // 8) % 8,)) + raw[i + 1 :]
