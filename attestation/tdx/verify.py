"""Is this Intel TDX or SGX quote genuine, of a known platform, and of a guest that cannot be debugged? (§2.2, §2.3)

Two verifiers must agree. The checks here name what is wrong; ``dcap-qvl`` verifies the same bytes independently and its
status and advisories must be equal. Known gaps of that library (§0.3: any status but Revoked passes, PCEID and XFAM are
not compared, bytes after the quote are ignored) are closed here. One check can be waived: a TD without SEPT_VE_DISABLE,
which that library refuses by design; its verdict is then unknown, and these checks stand alone, visibly.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from dataclasses import replace

import dcap_qvl
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.paths import check_path, ends, load_path
from attestation.tdx import tcb
from attestation.tdx.collateral import IntelCollateral, check_collateral, parse_collateral, raw_p256
from attestation.tdx.eventlog import check_events
from attestation.tdx.pck import Platform, parse_platform
from attestation.tdx.quote import Enclave, Quote, TrustDomain, parse_quote
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    Check,
    Claims,
    Collateral,
    Evidence,
    Source,
    Status,
    require,
)
from attestation.x509 import check, common_name, is_pinned, waived

Path = tuple[x509.Certificate, ...]
XFAM_FIXED1, XFAM_ALLOWED = 0x3, 0x6DBE7
TD_DEBUG, TD_SEPT_VE_DISABLE = 1, 1 << 28
TD_ALLOWED = TD_SEPT_VE_DISABLE | 1 << 30 | 1 << 63  # PKS, PERFMON; key locker and all reserved bits refuse
PCK_LEAF = "Intel SGX PCK Certificate"
PCK_ISSUERS = ("Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA")
SGX_INIT, SGX_DEBUG, SGX_MODE64, SGX_PROVISION, SGX_EINIT = 1, 2, 4, 16, 32


def verify(
    evidence: Evidence,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
) -> Claims:
    """Claims of a genuine quote. Raises Malformed, Rejected with every failed check."""
    quote = parse_quote(evidence.report)
    path = load_path(quote.certificates)
    platform = parse_platform(path[0])
    pinned = trust.of("intel", simulated)
    body = quote.body
    guest = _trust_domain(body) if isinstance(body, TrustDomain) else _enclave(body)
    first = (*check_path("pck", path, pinned, now), *_names(path), *_signatures(quote, path), *guest)
    if collateral.intel is None:
        missing = check("collateral", False, "a quote proves nothing without Intel's revocation lists and TCB levels")
        require((*first, missing))
    intel = parse_collateral(collateral.intel or "")
    levels, level = _tcb(quote, intel, platform, collateral.minimum_evaluation)
    events, measured = check_events(evidence.parts, body)
    checks = (*first, *check_collateral(intel, path, pinned, now), *levels, *events)
    checks = tuple(waived(c, collateral.waivers) for c in checks)
    checks += (_second_opinion(quote, collateral.intel or "", path[-1], now, level, checks),)
    require(checks)
    assert level is not None
    claims = _claims(evidence, quote, platform, level, now, not is_pinned(path[-1], trust.of("intel", None)))
    until = min(ends(path), intel.not_after)
    return replace(claims, checks=checks, not_after=until, measurements={**claims.measurements, **measured})


def _names(path: Path) -> tuple[Check, ...]:
    leaf, issuer = (common_name(c.subject) for c in path[:2])
    ok = len(path) == 3 and leaf == PCK_LEAF and issuer in PCK_ISSUERS
    return (check("pck.names", ok, "want a PCK certificate issued by Intel's Platform or Processor CA"),)


def _signatures(quote: Quote, path: Path) -> tuple[Check, ...]:
    digest = hashlib.sha256(quote.attestation_key + quote.qe_auth).digest()
    bound = quote.qe.report_data == digest + bytes(32)
    pck = path[0]
    by_pck = raw_p256(pck, quote.qe_signature, quote.qe_raw)
    return (
        check("qe.signature", by_pck, "the quoting enclave's report is signed by the PCK key", Source.HARDWARE),
        check("qe.key", bound, "the quoting enclave's report must name the attestation key", Source.HARDWARE),
        check("quote.signature", _by_key(quote), "signature by the attestation key", Source.HARDWARE),
    )


def _by_key(quote: Quote) -> bool:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + quote.attestation_key)
    except ValueError:
        return False
    return raw_p256(key, quote.signature, quote.signed)


def _trust_domain(td: TrustDomain) -> tuple[Check, ...]:
    attributes = td.attributes
    xfam = td.xfam & XFAM_FIXED1 == XFAM_FIXED1 and not td.xfam & ~XFAM_ALLOWED
    return (
        check("td.debug", not attributes & TD_DEBUG, "DEBUG (bit 0) must be 0", Source.HARDWARE),
        check("td.sept-ve", bool(attributes & TD_SEPT_VE_DISABLE), "SEPT_VE_DISABLE must be 1", Source.HARDWARE),
        check(
            "td.attributes",
            not attributes & ~(TD_ALLOWED | TD_DEBUG),
            f"no other bit may be set, got {attributes:#018x}",
            Source.HARDWARE,
        ),
        check("td.xfam", xfam, f"{td.xfam:#x} must hold the fixed bits and no reserved one", Source.HARDWARE),
        check("td.service", not any(td.service_td), "no migration TD may be bound", Source.HARDWARE),
    )


def _enclave(enclave: Enclave) -> tuple[Check, ...]:
    flags = int.from_bytes(enclave.attributes[:8], "little")
    extra = flags & ~(SGX_INIT | SGX_DEBUG | SGX_MODE64 | SGX_EINIT | 0x80 | 0x400)  # KSS, AEX notify
    return (
        check("sgx.debug", not flags & SGX_DEBUG, "DEBUG must be 0", Source.HARDWARE),
        check(
            "sgx.attributes",
            bool(flags & SGX_INIT) and not extra,
            f"INIT must be set and no unknown flag, got {flags:#x}",
            Source.HARDWARE,
        ),
        check("sgx.reserved", enclave.reserved_zero, "reserved bytes must be zero", Source.HARDWARE),
    )


def _tcb(
    quote: Quote, intel: IntelCollateral, platform: Platform, floor: int
) -> tuple[tuple[Check, ...], tcb.Level | None]:
    info, identity = intel.tcb_info.body, intel.qe_identity.body
    td = quote.body if isinstance(quote.body, TrustDomain) else None
    want = ("TDX", 3, "TD_QE", 2) if td is not None else ("SGX", 3, "QE", 2)
    got = (info.get("id"), info.get("version"), identity.get("id"), identity.get("version"))
    numbers = [doc.get("tcbEvaluationDataNumber") for doc in (info, identity)]
    same = str(info.get("fmspc")).lower() == platform.fmspc.hex() and info.get("pceId") == platform.pceid.hex()
    fresh = all(isinstance(n, int) and n >= max(1, floor) for n in numbers)
    level = tcb.platform_level(info, platform, td)
    qe = tcb.svn_level(identity, quote.qe.isvsvn)
    module, module_checks = _module(info, td)
    found = [x for x in (qe, module) if x is not None]
    merged = tcb.converge(level, found) if level is not None and qe is not None else None
    status = merged.status if merged is not None else "none"
    return (
        check("tcb.kind", got == want, "the documents must be of this kind of quote and of a known version"),
        check("tcb.platform", same, "the TCB info must be of the PCK certificate's FMSPC and PCEID"),
        check("tcb.evaluation", fresh, f"evaluation data {numbers}, want at least {floor}"),
        check("tcb.level", level is not None, "some TCB level must fit this platform", Source.HARDWARE),
        check("tcb.current", _current(info, platform, td), "some level must fit the running module", Source.HARDWARE),
        check("qe.identity", tcb.qe_matches(identity, quote.qe), "must be Intel's quoting enclave", Source.HARDWARE),
        check("qe.level", qe is not None, "some level must fit the quoting enclave", Source.HARDWARE),
        *module_checks,
        check("tcb.revoked", status != "Revoked", f"must not be revoked, status {status}", Source.HARDWARE),
    ), merged


def _current(info: dict[str, object], platform: Platform, td: TrustDomain | None) -> bool:
    """Whether TDX 1.5's second set of versions, of the module that runs now, is at a level that is not revoked."""
    if td is None or not td.current_tcb_svn:
        return True
    level = tcb.platform_level(info, platform, replace(td, tcb_svn=td.current_tcb_svn))
    return level is not None and level.status != "Revoked"


def _module(info: dict[str, object], td: TrustDomain | None) -> tuple[tcb.Level | None, tuple[Check, ...]]:
    if td is None:
        return None, ()
    identity = tcb.module_identity(info, td)
    known = identity is not None and tcb.module_matches(identity, td)
    level = tcb.svn_level(identity, td.tcb_svn[0]) if identity is not None and td.tcb_svn[1] else None
    fits = level is not None or not td.tcb_svn[1]
    return level, (
        check("module.identity", known, "the TDX module must be one that Intel names", Source.HARDWARE),
        check("module.level", fits, "some level must fit the TDX module", Source.HARDWARE),
    )


@functools.lru_cache(maxsize=32)
def _parts(text: str) -> dcap_qvl.QuoteCollateralV3:
    return dcap_qvl.QuoteCollateralV3.from_json(text)


def _second_opinion(
    quote: Quote,
    text: str,
    root: x509.Certificate,
    now: dt.datetime,
    level: tcb.Level | None,
    checks: tuple[Check, ...],
) -> Check:
    """dcap-qvl's verdict on the same bytes, asked only about what passed here: on some altered certificates it panics.

    Its messages are not quoted: they may hold what came from the wire.
    """
    if any(c.status is Status.FAIL for c in checks):
        return Check("dcap-qvl", Status.UNKNOWN, Source.VERIFIER, "not asked: other checks failed")
    if any(c.status is Status.WAIVED for c in checks):
        return Check("dcap-qvl", Status.UNKNOWN, Source.VERIFIER, "not asked: it refuses what is waived here")
    try:
        parts = _parts(text)
        der = root.public_bytes(Encoding.DER)
        report = dcap_qvl.verify_with_root_ca(quote.canonical, parts, der, int(now.timestamp()))
    except ValueError:
        return check("dcap-qvl", False, "the second verifier refuses this quote")
    same = level is not None and (report.status, set(report.advisory_ids)) == (level.status, set(level.advisories))
    return check("dcap-qvl", same, f"the second verifier says {report.status}")


def _claims(
    evidence: Evidence, quote: Quote, platform: Platform, level: tcb.Level, now: dt.datetime, simulated: bool
) -> Claims:
    body = quote.body
    if isinstance(body, TrustDomain):
        tee, registers = "tdx", dict(body.registers)
        measurement, bits = body.registers["mrtd"], body.attributes
        facts = {"tcb-svn": body.tcb_svn.hex(), "xfam": f"{body.xfam:#x}"}
    else:
        tee, registers = "sgx", {"mrenclave": body.mrenclave, "mrsigner": body.mrsigner}
        measurement, bits = body.mrenclave, int.from_bytes(body.attributes[:8], "little")
        facts = {"isvprodid": str(body.isvprodid)}
    svn = {"isvsvn": body.isvsvn} if isinstance(body, Enclave) else {}
    return Claims(
        tee=tee,
        measurement=measurement,
        report_data=body.report_data,
        debug=False,
        tcb={"pcesvn": platform.pcesvn, **svn},
        tcb_status=level.status,
        vmpl=0,
        policy_bits=bits,
        chip_id=platform.ppid,
        evidence_sha256=hashlib.sha256(quote.canonical).digest(),
        not_after=now,
        verified_at=now,
        checks=(),
        simulated=simulated,
        measurements=registers,
        advisories=tuple(sorted(level.advisories)),
        bound={"report_data": body.report_data},
        facts={**facts, "fmspc": platform.fmspc.hex(), "version": str(quote.version)},
    )
