"""Is this verified enclave the one that policy demands? (attestation.md §1.2, §6.5)

Takes claims, which only verification makes, and compares them with named expectations and with the channel's key. Every
rule is looked at and every failure is reported together. An expectation that is empty, expired or unknown refuses: "not
checked" does not exist here. This module must not look at evidence bytes again.
"""

from __future__ import annotations

import datetime as dt
import hmac

from attestation.types import Check, Claims, Expectations, Rejected, Source, Status
from attestation.x509 import check

REPORT_DATA_BYTES = 64
TCB_STATUSES = frozenset({"committed"})
"""``provisional`` firmware can still be rolled back by the host; a status that is not listed refuses."""


def validate(claims: Claims, want: Expectations, now: dt.date, binding: bytes) -> tuple[Check, ...]:
    """Every check, each passed. ``binding`` is the exact ``report_data`` (64 bytes) that proves the channel's key and
    this attestation's nonce; ``now`` is today's date in UTC.

    Raises Rejected with every failure.
    """
    checks = (*_expectations(want, now), *_identity(claims, want), *_state(claims, want), *_bound(claims, binding))
    if failures := tuple(f"{c.id}: {c.detail}" for c in checks if c.status is not Status.PASS):
        raise Rejected(failures)
    return checks


def _expectations(want: Expectations, now: dt.date) -> tuple[Check, ...]:
    parts = {
        "tees": want.tees,
        "measurements": want.measurements,
        "minimum_tcb": want.minimum_tcb,
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


def _identity(claims: Claims, want: Expectations) -> tuple[Check, ...]:
    real = not claims.simulated or want.allow_simulated
    return (
        check("simulated", real, f"evidence is {'simulated' if claims.simulated else 'from hardware'}"),
        check("tee", claims.tee in want.tees, f"want one of {sorted(want.tees)}, got {claims.tee}", Source.HARDWARE),
        check(
            "measurement",
            claims.measurement in want.measurements,
            f"{claims.measurement.hex()} must be approved",
            Source.HARDWARE,
        ),
    )


def _state(claims: Claims, want: Expectations) -> tuple[Check, ...]:
    low = [
        f"{name} {claims.tcb.get(name, 'missing')} below {floor}"
        for name, floor in want.minimum_tcb.items()
        if claims.tcb.get(name, -1) < floor
    ]
    return (
        check("debug", not claims.debug, f"debug must be off, is {'on' if claims.debug else 'off'}", Source.HARDWARE),
        check("vmpl", claims.vmpl in want.vmpl, f"want one of {sorted(want.vmpl)}, got {claims.vmpl}", Source.HARDWARE),
        check(
            "tcb.status",
            claims.tcb_status in TCB_STATUSES,
            f"want one of {sorted(TCB_STATUSES)}, got {claims.tcb_status}",
            Source.HARDWARE,
        ),
        check("tcb.minimum", not low, ", ".join(low) or "at or above the minimum", Source.HARDWARE),
    )


def _bound(claims: Claims, binding: bytes) -> tuple[Check, ...]:
    ok = len(binding) == REPORT_DATA_BYTES and hmac.compare_digest(claims.report_data, binding)
    return (check("binding", ok, "report_data must hold the channel's key and this nonce", Source.HARDWARE),)
