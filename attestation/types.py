"""Evidence in, claims out. No dependency inside this package, so that every module may import this one.

*Verify* (is the evidence genuine?) has no options. *Validate* (is it what policy demands?) has nothing but options.
Only ``verify`` builds :class:`Claims`.  An empty expectation is an error, never "not checked".
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 -- a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Source(StrEnum):
    """Who says so: the hardware's signature, this verifier, the provider, or the operator."""

    HARDWARE = "hardware"
    VERIFIER = "verifier"
    PROVIDER = "provider"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verification report. ``detail`` names field, got and want."""

    id: str
    status: Status
    source: Source
    detail: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an enclave sent, as bytes. ``kind`` names the format, e.g. ``sealgate-snp``."""

    kind: str
    report: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    """DER, leaf first (VCEK, ASK, ARK). The root must equal a pinned root, it is not trusted for being here."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What verification proved. ``simulated`` is true only for the simulator's own root."""

    tee: str
    measurement: bytes
    report_data: bytes
    debug: bool
    tcb: Mapping[str, int]
    tcb_status: str
    vmpl: int
    policy_bits: int
    chip_id: bytes
    evidence_sha256: bytes
    not_after: dt.datetime
    verified_at: dt.datetime
    checks: tuple[Check, ...]
    simulated: bool = False
    host_data: bytes = b""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What policy demands of claims. ``measurements`` maps approved hex digests to names and must not be empty."""

    name: str
    tees: frozenset[str]
    measurements: Mapping[bytes, str]
    minimum_tcb: Mapping[str, int]
    approved_by: str
    approved_until: dt.date
    allow_simulated: bool = False
    vmpl: frozenset[int] = frozenset({0})


class AttestationError(Exception):
    """Base of everything that makes an endpoint unusable."""


class Malformed(AttestationError):
    """The evidence is not in the documented format."""


class Rejected(AttestationError):
    """Verification or validation says no; ``failures`` names every reason at once."""

    def __init__(self, failures: tuple[str, ...]) -> None:
        super().__init__("; ".join(failures))
        self.failures = failures
