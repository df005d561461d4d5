"""Is this AMD SEV-SNP evidence genuine? (attestation.md §2.4; AMD 56860, 57230)

Rules. The root equals a pinned one; the chain, its names, uses and dates hold at ``now``; the report is signed by
exactly the key that AMD endorsed for this chip and this firmware level; the guest can be neither debugged nor migrated.
All checks run and all failures are reported together. There is no parameter that turns a check off, and this is the
only place that makes claims of an SNP guest. Whether the guest is the wanted one is :mod:`attestation.validate`'s work.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.snp.report import (
    ECDSA_P384_SHA384,
    POLICY_MIGRATE_MA,
    POLICY_RESERVED_ONE,
    Report,
    parse_report,
    product_of,
    tcb_components,
)
from attestation.snp.vcek import Endorsement, KeyKind, parse_endorsement
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Evidence, Source, Status, require
from attestation.x509 import (
    Chain,
    check,
    check_chain,
    check_revocation,
    common_name,
    is_pinned,
    load_chain,
    load_crl,
)

TEE = "sev-snp"


def verify(
    evidence: Evidence,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
) -> Claims:
    """Claims of a genuine report.

    ``now`` is aware. Without the root's revocation list in ``collateral`` revocation is reported as ``unknown``.
    Raises Malformed when something cannot be read, Rejected with every failed check otherwise, ValueError for a naive
    ``now``.
    """
    if now.tzinfo is None:
        raise ValueError("verification needs an aware time")
    report = parse_report(evidence.report)
    chain = load_chain(evidence.certificates or collateral.amd_keys.get(report.chip_id + report.reported_tcb, ()))
    endorsed = parse_endorsement(chain.leaf)
    revoked = load_crl(collateral.amd_crl) if collateral.amd_crl is not None else None
    pinned = trust.of("amd", simulated)
    checks = (
        *check_chain(chain, pinned, now),
        *_names(chain, endorsed),
        *check_revocation(revoked, chain, now),
        *_signature(report, chain),
        *_platform(report, endorsed),
        *_tcb(report, endorsed),
        *_guest(report),
    )
    require(checks)
    ends = [c.not_valid_after_utc for _, c in chain.named()]
    if revoked is not None and revoked.next_update_utc is not None:
        ends.append(revoked.next_update_utc)
    return _claims(evidence, report, endorsed, checks, now, min(ends), not is_pinned(chain.root, trust.of("amd", None)))


def _names(chain: Chain, endorsed: Endorsement) -> tuple[Check, ...]:
    issuer = "SEV-VLEK-" if endorsed.kind is KeyKind.VLEK else "SEV-"
    return (
        check(
            "chain.intermediate-name",
            common_name(chain.intermediate.subject) == issuer + endorsed.product,
            f"a {endorsed.product} {endorsed.kind.name} is issued by {issuer}{endorsed.product}",
        ),
        check(
            "chain.root-name",
            common_name(chain.root.subject) == f"ARK-{endorsed.product}",
            f"the root of {endorsed.product} is ARK-{endorsed.product}",
        ),
    )


def _signature(report: Report, chain: Chain) -> tuple[Check, ...]:
    got = report.signature_algorithm
    return (
        check("report.algorithm", got == ECDSA_P384_SHA384, f"want 1 (ECDSA P-384 with SHA-384), got {got}"),
        check("report.signature", _signed(report, chain), "signature by the leaf's key", Source.HARDWARE),
    )


def _signed(report: Report, chain: Chain) -> bool:
    key = chain.leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        signature = utils.encode_dss_signature(report.r, report.s)
        key.verify(signature, report.signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True


def _platform(report: Report, endorsed: Endorsement) -> tuple[Check, ...]:
    named = endorsed.product if report.cpuid is None else product_of(report.cpuid)
    return (
        check(
            "product",
            named == endorsed.product,
            f"CPU of the report is {named}, the key is for {endorsed.product}",
            Source.HARDWARE,
        ),
        check(
            "signing-key",
            report.signing_key == endorsed.kind,
            f"report names key kind {report.signing_key}, a {endorsed.kind.name} is {int(endorsed.kind)}",
            Source.HARDWARE,
        ),
        _chip(report, endorsed),
    )


def _chip(report: Report, endorsed: Endorsement) -> Check:
    if endorsed.hwid is None:
        return Check("chip-id", Status.UNKNOWN, Source.HARDWARE, "a VLEK names no chip")
    want = endorsed.hwid.ljust(len(report.chip_id), b"\0")  # Turin: 8 bytes, the rest of CHIP_ID is zero
    ok = report.chip_id == want and any(want) and not report.chip_key_masked
    return check("chip-id", ok, "CHIP_ID must be the endorsed HWID and not masked", Source.HARDWARE)


def _tcb(report: Report, endorsed: Endorsement) -> tuple[Check, ...]:
    product = endorsed.product
    reported, committed, current, _ = (
        tcb_components(raw, product)
        for raw in (report.reported_tcb, report.committed_tcb, report.current_tcb, report.launch_tcb)
    )
    return (
        check(
            "tcb.endorsed",
            reported == endorsed.tcb,
            f"reported {_tcb_text(reported)}, endorsed {_tcb_text(endorsed.tcb)}",
            Source.HARDWARE,
        ),
        check(
            "tcb.order",
            all(reported[n] <= committed[n] <= current[n] for n in reported),
            f"want reported <= committed <= current, got {_tcb_text(reported)}, {_tcb_text(committed)}, "
            f"{_tcb_text(current)}",
            Source.HARDWARE,
        ),
    )


def _tcb_text(tcb: Mapping[str, int]) -> str:
    return "/".join(f"{name} {value}" for name, value in tcb.items())


def _guest(report: Report) -> tuple[Check, ...]:
    migratable = bool(report.policy & POLICY_MIGRATE_MA)
    reserved = bool(report.policy & POLICY_RESERVED_ONE)
    no_agent = report.report_id_ma == b"\xff" * 32
    return (
        check("policy.debug", not report.debug, "DEBUG (bit 19) must be 0", Source.HARDWARE),
        check("policy.migration", not migratable, "MIGRATE_MA (bit 18) must be 0", Source.HARDWARE),
        check("policy.reserved", reserved, "bit 17 must be 1", Source.HARDWARE),
        check("migration-agent", no_agent, "REPORT_ID_MA must name no agent", Source.HARDWARE),
    )


def _claims(
    evidence: Evidence,
    report: Report,
    endorsed: Endorsement,
    checks: tuple[Check, ...],
    now: dt.datetime,
    not_after: dt.datetime,
    simulated: bool,
) -> Claims:
    settled = report.committed_tcb == report.current_tcb and report.committed_version == report.current_version
    return Claims(
        tee=TEE,
        measurement=report.measurement,
        report_data=report.report_data,
        debug=report.debug,
        tcb=tcb_components(report.reported_tcb, endorsed.product),
        tcb_status="committed" if settled else "provisional",
        vmpl=report.vmpl,
        policy_bits=report.policy,
        chip_id=report.chip_id,
        # a report has a fixed length and DER delimits itself, so that the concatenation is unambiguous
        evidence_sha256=hashlib.sha256(b"".join((evidence.report, *evidence.certificates))).digest(),
        not_after=not_after,
        verified_at=now,
        checks=checks,
        simulated=simulated,
        host_data=report.host_data,
        measurements={"measurement": report.measurement, "id-key": report.id_key_digest},
        bound={"report_data": report.report_data},
        facts={"product": endorsed.product, "key": endorsed.kind.name},
    )
