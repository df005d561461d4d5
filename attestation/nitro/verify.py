"""Is this AWS Nitro attestation document genuine, of now, and of an enclave that cannot be debugged? (§2.5)

AWS publishes no revocation list for these chains ("We do not use CRL", attestation_process.md); the leaf lives about
three hours instead. A document's age is therefore always compared, whatever nonce the caller compares in addition.
"""

from __future__ import annotations

import datetime as dt
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.nitro.document import Document, parse_document
from attestation.paths import check_path, ends, load_path
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Evidence, Source, require
from attestation.x509 import check, is_pinned

TEE = "nitro"
MAX_AGE = dt.timedelta(minutes=5)


def verify(
    evidence: Evidence,
    now: dt.datetime,
    trust: TrustStore,
    simulated: SimulatedTrust | None = None,
    collateral: Collateral = NO_COLLATERAL,
) -> Claims:
    """Claims of a genuine document; ``collateral`` is not used. Raises Malformed, Rejected with every failed check."""
    document = parse_document(evidence.report)
    path = load_path((document.certificate, *reversed(document.cabundle)))
    signed_at = dt.datetime.fromtimestamp(document.timestamp / 1000, dt.UTC)
    key = path[0].public_key()
    p384 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP384R1)
    checks = (
        *check_path("chain", path, trust.of("aws", simulated), now),
        check("chain.leaf-key", p384, "want an EC key on P-384"),
        check("document.signature", _signed(document, key), "signature by the leaf's key", Source.HARDWARE),
        _age(signed_at, now),
        _debug(document),
    )
    require(checks)
    pcrs = {f"pcr{i}": value for i, value in sorted(document.pcrs.items())}
    return Claims(
        tee=TEE,
        measurement=document.pcrs[0],
        report_data=document.optional.get("user_data", b""),
        debug=False,
        tcb={},
        tcb_status="not-applicable",  # AWS keeps firmware levels to itself
        vmpl=0,
        policy_bits=0,
        chip_id=b"",
        evidence_sha256=hashlib.sha256(evidence.report).digest(),
        not_after=ends(path),
        verified_at=now,
        checks=checks,
        simulated=not is_pinned(path[-1], trust.of("aws", None)),
        measurements=pcrs,
        signed_at=signed_at,
        bound=document.optional,
        facts={"module_id": document.module_id},
    )


def _signed(document: Document, key: object) -> bool:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    r, s = (int.from_bytes(part, "big") for part in (document.signature[:48], document.signature[48:]))
    try:
        key.verify(utils.encode_dss_signature(r, s), document.signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True


def _age(signed_at: dt.datetime, now: dt.datetime) -> Check:
    seconds = (now - signed_at).total_seconds()
    ok = abs(seconds) <= MAX_AGE.total_seconds()
    return check("document.age", ok, f"{round(seconds)} s old, want at most {MAX_AGE.total_seconds():.0f} either way")


def _debug(document: Document) -> Check:
    """An enclave in debug mode has all-zero PCRs; one whose image is not measured is no better."""
    ok = any(document.pcrs.get(0, b""))
    return check("debug", ok, "PCR0 must be there and not zero, as a debug enclave's is", Source.HARDWARE)
