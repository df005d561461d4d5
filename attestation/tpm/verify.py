"""Confidential VMs with a virtual TPM: Azure's, whose key the CPU's report names, and Google's, whose key is certified.

Azure's runtime data is proven by the report's first 32 bytes of report data; the TPM key in it then proves a quote.
Google's attestation-key certificate says "a shielded VM of ours": it does not say that memory is encrypted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from attestation import strictjson
from attestation.jwt.jws import unbase64url
from attestation.paths import RSA, check_path, ends, load_path
from attestation.snp.verify import verify as verify_snp
from attestation.tdx.verify import verify as verify_tdx
from attestation.tpm.quote import PCRS, QUOTE, SIGNATURE, check_quote
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    Check,
    Claims,
    Collateral,
    Evidence,
    Malformed,
    Rejected,
    Source,
    Status,
    require,
)
from attestation.x509 import check, is_pinned

RUNTIME = "runtime"
MAX_RUNTIME_BYTES = 16 * 1024
AK = "HCLAkPub"
_TPM = {QUOTE, SIGNATURE, PCRS}


def verify_azure(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
                 collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Claims of the hardware evidence in ``report``, with part ``runtime`` and, where given, a TPM quote.

    Raises Malformed, Rejected.
    """
    runtime = evidence.parts.get(RUNTIME, b"")
    body = strictjson.load_object(runtime, MAX_RUNTIME_BYTES, "the runtime data")
    if unknown := set(evidence.parts) - _TPM - {RUNTIME}:
        raise Malformed(f"Azure evidence comes with no {', '.join(sorted(unknown))}")
    inner = verify_snp if evidence.kind == "azure-snp" else verify_tdx
    hardware, claims = _run(inner, replace(evidence, parts={}), now, trust, simulated, collateral)
    bound = claims is None or claims.report_data == hashlib.sha256(runtime).digest() + bytes(32)
    checks: tuple[Check, ...] = (*hardware, check("runtime", bound, "report data must be its digest", Source.HARDWARE))
    registers: dict[str, bytes] = {}
    extra: dict[str, bytes] = {}
    key = _attestation_key(body)
    checks += (check("runtime.key", key is not None, f"one RSA key named {AK}", Source.HARDWARE),)
    if _TPM & set(evidence.parts):
        found, registers, nonce = check_quote(evidence.parts, key)
        checks, extra = checks + found, {"nonce": nonce}
    require(checks)
    assert claims is not None
    return replace(
        claims,
        tee=evidence.kind,  # the launch measurement is of Azure's firmware; the system is in the PCRs
        checks=checks,
        measurements={**claims.measurements, **registers},
        bound={**claims.bound, **extra, **_user_data(body)},
        facts={**claims.facts, **_configuration(body)},
        evidence_sha256=_digest(evidence),
    )


def _run(verify: Any, *args: Any) -> tuple[tuple[Check, ...], Claims | None]:
    """Checks and claims of the hardware; claims are None where it was refused, so that other checks still run."""
    try:
        claims: Claims = verify(*args)
    except Rejected as e:
        return e.checks, None
    return claims.checks, claims


def _digest(evidence: Evidence) -> bytes:
    """Over everything with its length, since parts have no end of their own."""
    pieces = [evidence.report, *evidence.certificates, *(evidence.parts[k] for k in sorted(evidence.parts))]
    return hashlib.sha256(b"".join(len(p).to_bytes(8, "big") + p for p in pieces)).digest()


def _attestation_key(body: Mapping[str, Any]) -> rsa.RSAPublicKey | None:
    keys = body.get("keys")
    found = [k for k in keys if isinstance(k, dict) and k.get("kid") == AK] if isinstance(keys, list) else []
    if len(found) != 1 or found[0].get("kty") != "RSA":
        return None
    try:
        n, e = (int.from_bytes(unbase64url(found[0][name].encode("ascii")), "big") for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    except (KeyError, AttributeError, ValueError):
        raise Malformed("the attestation key of the runtime data cannot be read") from None


def _user_data(body: Mapping[str, Any]) -> dict[str, bytes]:
    try:
        return {"user_data": bytes.fromhex(body["user-data"])} if "user-data" in body else {}
    except (TypeError, ValueError):
        raise Malformed("the user data of the runtime data is not hex") from None


def _configuration(body: Mapping[str, Any]) -> dict[str, str]:
    """What Azure's paravisor says of the VM, for policy: secure boot, console, persistent TPM."""
    found = body.get("vm-configuration")
    settings = found if isinstance(found, dict) else {}
    return {f"vm.{k}": json.dumps(v) for k, v in settings.items() if isinstance(v, bool)}


def verify_google(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
                  collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Claims of a quote under a certified attestation key; ``certificates`` lead to Google's root.

    Raises Malformed, Rejected.
    """
    if unknown := set(evidence.parts) - {SIGNATURE, PCRS}:
        raise Malformed(f"a TPM quote comes with no {', '.join(sorted(unknown))}")
    path = load_path(evidence.certificates)
    key = path[0].public_key()
    parts = {**evidence.parts, QUOTE: evidence.report}
    found, registers, nonce = check_quote(parts, key if isinstance(key, rsa.RSAPublicKey) else None)
    revoked = Check("chain.revocation", Status.UNKNOWN, Source.VERIFIER, "no revocation list is consulted yet")
    checks = (*check_path("chain", path, trust.of("google", simulated), now, RSA), revoked, *found)
    require(checks)
    return Claims(
        tee="google-vtpm", measurement=hashlib.sha256(parts[PCRS]).digest(), report_data=b"", debug=False, tcb={},
        tcb_status="not-applicable", vmpl=0, policy_bits=0, chip_id=b"",
        evidence_sha256=_digest(evidence), not_after=ends(path), verified_at=now, checks=checks,
        simulated=not is_pinned(path[-1], trust.of("google", None)), measurements=registers, bound={"nonce": nonce},
    )  # fmt: skip
