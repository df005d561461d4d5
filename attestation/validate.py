"""Is this verified enclave the one that policy demands? (attestation.md §1.2, §6.5)

Takes claims, which only verification makes, and compares them with named expectations and with the channel's key. Every
rule is looked at and every failure is reported together. An expectation that is empty, expired or unknown refuses: "not
checked" does not exist here. This module must not look at evidence bytes again.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping

from attestation.types import Check, Claims, Expectations, Rejected, Source, Status
from attestation.x509 import check

REPORT_DATA_BYTES = 64
SKEW_S = 60
"""How far ahead of ours the clock of a sender may be (attestation.md §2.1, C13)."""
CURRENT = frozenset({"committed", "UpToDate", "not-applicable"})
"""Statuses that need no permission. ``provisional`` firmware can still be rolled back by the host; whatever else a
vendor says must be listed in ``tcb_allow``."""
REQUIRED_REGISTERS: Mapping[str, frozenset[str]] = {
    "tdx": frozenset({"mrtd", "rtmr1", "rtmr2"}),
    "ita-tdx": frozenset({"mrtd", "rtmr1", "rtmr2"}),
    "azure-snp": frozenset({"measurement", "pcr4"}),
    "azure-tdx": frozenset({"mrtd", "pcr4"}),
    "sev-snp": frozenset({"measurement"}),
    "maa-sevsnpvm": frozenset({"measurement"}),
    "maa-tdxvm": frozenset({"mrtd", "rtmr1", "rtmr2"}),
    "nitro": frozenset({"pcr0"}),
    "sgx": frozenset({"mrenclave"}),
    "maa-sgx": frozenset({"mrenclave"}),
    "ita-sgx": frozenset({"mrenclave"}),
    "google-cs": frozenset({"image_digest"}),
}
"""TEE -> registers that an approved image names at least. With one register, that measurement alone names the image."""
REQUIRED_FACTS: Mapping[str, frozenset[str]] = {
    "maa-sgx": frozenset({"issuer", "policy-hash"}),
    "maa-sevsnpvm": frozenset({"issuer", "policy-hash"}),
    "maa-tdxvm": frozenset({"issuer", "policy-hash"}),
    "google-cs": frozenset({"audience"}),
    "ita-tdx": frozenset({"issuer"}),
    "ita-sgx": frozenset({"issuer"}),
}
"""TEE -> signed statements that expectations must pin: a service signs for everybody, not for us."""
NEEDS_MINIMUM = frozenset({"sev-snp", "azure-snp", "maa-sevsnpvm"})
"""TEEs whose vendor gives no status, so that versions must be compared."""


def validate(
    claims: Claims,
    want: Expectations,
    now: dt.date | dt.datetime,
    binding: bytes | Mapping[str, bytes],
    pinned: frozenset[str] = frozenset(),
) -> tuple[Check, ...]:
    """Every check, each passed or waived. ``binding`` is the exact ``report_data`` (64 bytes) that proves the channel's
    key and this attestation's nonce, or several signed fields with their exact values; ``now`` is the time in UTC, or
    today's date where no ``max_age`` is asked. ``pinned`` are registers that an approved image must name besides those
    of its TEE: what tells one application of a common operating system from another.

    Raises Rejected with every failure.
    """
    checks = (*appraise(claims, want, now, pinned), *_bound(claims, binding))
    bad = tuple(f"{c.id}: {c.detail}" for c in checks if c.status not in (Status.PASS, Status.WAIVED))
    if bad:
        raise Rejected(bad, checks)
    return checks


def appraise(
    claims: Claims, want: Expectations, now: dt.date | dt.datetime, pinned: frozenset[str] = frozenset()
) -> tuple[Check, ...]:
    """Every check but the channel's, whatever it says: for a look at evidence that has no channel."""
    today = now.date() if isinstance(now, dt.datetime) else now
    return (
        *_expectations(want, today, claims.tee),
        *_identity(claims, want, today, pinned),
        *_state(claims, want),
        *_statements(claims, want),
        *_fresh(claims, want, now),
    )


def _expectations(want: Expectations, now: dt.date, tee: str) -> tuple[Check, ...]:
    parts = {
        "tees": want.tees,
        "measurements": want.measurements or want.registers or want.unpinned,
        "minimum_tcb": want.minimum_tcb or tee not in NEEDS_MINIMUM,
        "vmpl": want.vmpl,
        "approved_by": want.approved_by.strip(),
    }
    empty = [name for name, value in parts.items() if not value]
    return (
        check("expectations.complete", not empty, f"empty: {', '.join(empty) or 'none'}", Source.OPERATOR),
        check(
            "expectations.approved",
            now <= want.approved_until,
            f"approved until {want.approved_until}, today is {now}",
            Source.OPERATOR,
        ),
    )


def _identity(claims: Claims, want: Expectations, today: dt.date, pinned: frozenset[str]) -> tuple[Check, ...]:
    real = not claims.simulated or want.allow_simulated
    return (
        check("simulated", real, f"evidence is {'simulated' if claims.simulated else 'from hardware'}"),
        check("tee", claims.tee in want.tees, f"want one of {sorted(want.tees)}, got {claims.tee}", Source.HARDWARE),
        _measurement(claims, want, today, pinned),
    )


def _measurement(claims: Claims, want: Expectations, today: dt.date, pinned: frozenset[str]) -> Check:
    """The image must be an approved one: by its single measurement, or by all registers named for it."""
    required = REQUIRED_REGISTERS.get(claims.tee, frozenset())
    needed = required | pinned if required else required
    known = len(needed) == 1 and bool(claims.measurement) and claims.measurement in want.measurements
    for registers in want.registers.values():
        complete = bool(needed) and needed <= set(registers)
        known = known or (complete and all(claims.measurements.get(n) == v for n, v in registers.items()))
    if not known and want.unpinned is not None and today <= want.unpinned.until and claims.measurement:
        detail = f"any image is accepted until {want.unpinned.until}, approved by {want.unpinned.approved_by}"
        return Check("measurement", Status.WAIVED, Source.OPERATOR, detail)
    return check("measurement", known, f"{claims.measurement.hex()} must be approved", Source.HARDWARE)


def _state(claims: Claims, want: Expectations) -> tuple[Check, ...]:
    low = [
        f"{name} {claims.tcb.get(name, 'missing')} below {floor}"
        for name, floor in want.minimum_tcb.items()
        if claims.tcb.get(name, -1) < floor
    ]
    allowed = CURRENT | want.tcb_allow
    open_ = sorted(set(claims.advisories) - want.advisories_allow)
    return (
        check("debug", not claims.debug, f"debug must be off, is {'on' if claims.debug else 'off'}", Source.HARDWARE),
        check("vmpl", claims.vmpl in want.vmpl, f"want one of {sorted(want.vmpl)}, got {claims.vmpl}", Source.HARDWARE),
        check(
            "tcb.status",
            claims.tcb_status in allowed,
            f"want one of {sorted(allowed)}, got {claims.tcb_status}",
            Source.HARDWARE,
        ),
        check("tcb.minimum", not low, ", ".join(low) or "at or above the minimum", Source.HARDWARE),
        check("tcb.advisories", not open_, f"not accepted: {', '.join(open_) or 'none'}", Source.HARDWARE),
    )


def _statements(claims: Claims, want: Expectations) -> tuple[Check, ...]:
    missing = REQUIRED_FACTS.get(claims.tee, frozenset()) - {name for name, values in want.facts.items() if values}
    wrong = [name for name, values in want.facts.items() if claims.facts.get(name) not in values]
    return (
        check("facts.pinned", not missing, f"not pinned: {', '.join(sorted(missing)) or 'none'}", Source.OPERATOR),
        check("facts", not wrong, f"not as demanded: {', '.join(sorted(wrong)) or 'none'}", Source.PROVIDER),
    )


def _fresh(claims: Claims, want: Expectations, now: dt.date | dt.datetime) -> tuple[Check, ...]:
    """``max_age`` compares the signed time. Evidence without one is as old as its nonce, which the binding compares."""
    if want.max_age_s is None:
        return ()
    if claims.signed_at is None or not isinstance(now, dt.datetime):
        ok = "nonce" in claims.bound or "report_data" in claims.bound
        return (check("max-age", ok, "the evidence must sign a time, or what was asked", Source.HARDWARE),)
    seconds = (now - claims.signed_at).total_seconds()
    fresh = -SKEW_S <= seconds <= want.max_age_s
    return (check("max-age", fresh, f"{seconds:.0f} s old, at most {want.max_age_s}, not of the future"),)


def validate_part(claims: Claims, want: Expectations, binding: Mapping[str, bytes]) -> tuple[Check, ...]:
    """For a part that expectations do not describe (a GPU): its binding, and that it is real and not being debugged.

    Raises Rejected with every failure.
    """
    real = not claims.simulated or want.allow_simulated
    checks = (
        *_bound(claims, binding),
        check("debug", not claims.debug, f"debug must be off, is {'on' if claims.debug else 'off'}", Source.HARDWARE),
        check("simulated", real, f"evidence is {'simulated' if claims.simulated else 'from hardware'}"),
    )
    bad = tuple(f"{c.id}: {c.detail}" for c in checks if c.status is not Status.PASS)
    if bad:
        raise Rejected(bad, checks)
    return checks


def _part(got: Mapping[str, bytes], name: str, size: int) -> bytes:
    """The signed field, or of ``field@2`` its ``size`` bytes from byte 2; empty where it is not there."""
    field, at, offset = name.partition("@")
    whole = got.get(field, b"")
    return whole[int(offset) : int(offset) + size] if at else whole


def _bound(claims: Claims, binding: bytes | Mapping[str, bytes]) -> tuple[Check, ...]:
    fields = {"report_data": binding} if isinstance(binding, bytes) else binding
    got = {"report_data": claims.report_data, **claims.bound}
    ok = bool(fields) and all(
        bool(value) and hmac.compare_digest(_part(got, name, len(value)), value) for name, value in fields.items()
    )
    if "report_data" in fields and len(fields["report_data"]) != REPORT_DATA_BYTES:
        ok = False
    return (check("binding", ok, "report_data must hold the channel's key and this nonce", Source.HARDWARE),)
