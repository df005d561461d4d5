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
    WAIVED = "waived"
    """Failed, and a named waiver accepts that: visible wherever claims are shown."""
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
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    """DER, leaf first (VCEK, ASK, ARK). The root must equal a pinned root, it is not trusted for being here."""
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What a format sends beside the report, by the name its module gives it (an event log, a TPM's signature)."""


@dataclass(frozen=True, slots=True)
class Collateral:
    """What others than the enclave publish: revocation lists, TCB levels, keys of token issuers. All of it is checked
    like evidence; a piece that a format needs and that is not here makes verification fail.
    """

    amd_crl: bytes | None = field(default=None, repr=False)
    """The ARK's revocation list, DER."""
    intel: str | None = field(default=None, repr=False)
    """One platform's Intel PCS answers as the JSON that ``dcap-qvl`` stores: CRLs, TCB info, QE identity."""
    minimum_evaluation: int = 0
    """Lowest ``tcbEvaluationDataNumber`` that still counts: the highest one seen so far."""
    jwks: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Token issuer -> its published JWKS document."""
    waivers: frozenset[str] = frozenset()
    """Ids of checks that policy lets fail, out of ``WAIVABLE``. A waived check is reported, never left out."""
    amd_keys: Mapping[bytes, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    """CHIP_ID and REPORTED_TCB as a report has them (72 bytes) -> certificates of that key, DER, leaf first: for
    reports that come without. They are checked like any others."""
    rims: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """NVIDIA's id of a reference manifest -> its signed XML. None is needed; without, measurements are unknown."""
    ocsp: tuple[bytes, ...] = field(default=(), repr=False)
    """Answers of NVIDIA's responder, DER, in any order. As with manifests none is needed."""

    def __post_init__(self) -> None:
        if unknown := self.waivers - WAIVABLE:
            raise ValueError(f"these checks cannot be waived: {', '.join(sorted(unknown))}")


WAIVABLE = frozenset({"td.sept-ve", "models.evidence", "upstreams.evidence"})
"""Azure's first TDX machines run without SEPT_VE_DISABLE (attestation.md §2.2, row 9); a gateway that is proven may be
trusted with what it says of the services behind it. Nothing else has a reason."""


NO_COLLATERAL = Collateral()


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
    measurements: Mapping[str, bytes] = field(default_factory=dict)
    """Every measured register by name (``mrtd``, ``rtmr0``, ``pcr0``, ``mrenclave`` ...), as the evidence signs it."""
    advisories: tuple[str, ...] = ()
    """Vendor advisories that apply to this platform at its firmware level."""
    signed_at: dt.datetime | None = None
    """When the evidence says it was made; None where the format has no time. Signed, but by the sender's clock."""
    bound: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Values of the asker that the evidence signs, by field: ``nonce``, ``public_key``, ``user_data`` ..."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Further signed statements, for policy and for an auditor's eyes."""


@dataclass(frozen=True, slots=True)
class Unpinned:
    """Somebody's decision to accept any image, or a check that failed, for a while; on record wherever it is used."""

    reason: str
    approved_by: str
    until: dt.date


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
    registers: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    """Name of an approved image -> its registers, all of which must match; an alternative to ``measurements``."""
    tcb_allow: frozenset[str] = frozenset()
    """Vendor statuses accepted besides up to date, such as ``SWHardeningNeeded``."""
    advisories_allow: frozenset[str] = frozenset()
    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Signed statement -> its acceptable values."""
    max_age_s: int | None = None
    """Greatest age of evidence in seconds; needs a signed time or nonce."""
    unpinned: Unpinned | None = None
    source: str = ""
    """Where somebody says the measurements come from; needed where an endpoint showed them first."""
    fetched_from: str = ""
    waive: Mapping[str, Unpinned] = field(default_factory=dict)
    """Check out of ``WAIVABLE`` that may fail -> whose decision that is, and until when."""


class AttestationError(Exception):
    """Base of everything that makes an endpoint unusable."""


class Malformed(AttestationError):
    """The evidence is not in the documented format."""


class Rejected(AttestationError):
    """Verification or validation says no; ``failures`` names every reason at once, ``checks`` are all that ran."""

    def __init__(self, failures: tuple[str, ...], checks: tuple[Check, ...] = ()) -> None:
        super().__init__("; ".join(failures))
        self.failures = failures
        self.checks = checks


def require(checks: tuple[Check, ...]) -> None:
    """Raises Rejected with every failed check, or when there is no check at all."""
    failures = tuple(f"{c.id}: {c.detail}" for c in checks if c.status is Status.FAIL)
    if failures or not checks:
        raise Rejected(failures or ("unchecked: nothing was checked",), checks)
