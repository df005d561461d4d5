"""NVIDIA Remote Attestation Service: a signed summary and one signed token per device (attestation.md §2.7).

The service says that the devices' evidence is good. It does not say that those devices are attached to any enclave:
the caller must compare the nonce with one that the CPU's evidence binds, and expect a number of devices.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from attestation import strictjson
from attestation.jwt.issuers import NRAS, PROVIDER, check_token
from attestation.jwt.jws import Token, parse_token
from attestation.jwt.verify import unhex
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Evidence, Malformed, require
from attestation.x509 import check

TEE = "nvidia-nras"
MAX_DOCUMENT_BYTES, MAX_DEVICES = 1024 * 1024, 32
_VERDICTS = ("-match", "-verified", "-parsed", "-fetched", "-no-conflict", "-schema-validated", "-arch-check")
_GOOD = ("valid", "good")
_REQUIRED = ("attestation-report-nonce-match", "attestation-report-signature-verified", "arch-check",
             "attestation-report-cert-chain-fwid-match")  # fmt: skip


def verify(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
           collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Claims about a set of GPUs or switches; they have no measurement and so are no enclave by themselves.

    Raises Malformed, Rejected.
    """
    overall, devices = _parse(evidence.report)
    parsed = {name: parse_token(raw) for name, raw in devices.items()}
    trusted = check_token(overall, NRAS, now, trust, simulated, collateral)
    parts = [check_token(t, NRAS, now, trust, simulated, collateral, name.lower()) for name, t in parsed.items()]
    nonce = overall.claims.get("eat_nonce")
    checks = (
        *trusted.checks,
        check(
            "overall",
            overall.claims.get("x-nvidia-overall-att-result") is True,
            "the overall result must be true",
            PROVIDER,
        ),
        check("nonce", bool(unhex(nonce, 32)), "eat_nonce must be 32 bytes of hex", PROVIDER),
        _digests(overall, devices),
        *(c for part in parts for c in part.checks),
        *(c for name, token in parsed.items() for c in _device(name.lower(), token.claims, nonce)),
        _distinct(parsed),
    )
    require(checks)
    return Claims(
        tee=TEE, measurement=b"", report_data=b"", debug=False, tcb={}, tcb_status="not-applicable", vmpl=0,
        policy_bits=0, chip_id=b"", evidence_sha256=hashlib.sha256(evidence.report).digest(),
        not_after=min([trusted.not_after, *(p.not_after for p in parts)]), verified_at=now, checks=checks,
        simulated=trusted.simulated, signed_at=trusted.signed_at,
        bound={"nonce": unhex(nonce, 32)}, facts=_facts(parsed),
    )  # fmt: skip


def tokens_of(raw: bytes) -> tuple[bytes, ...]:
    """The tokens of an answer, the summary first; nothing about them is checked. Raises Malformed."""
    overall, devices = _split(raw)
    return overall, *devices.values()


def _parse(raw: bytes) -> tuple[Token, dict[str, bytes]]:
    overall, devices = _split(raw)
    return parse_token(overall), devices


def _split(raw: bytes) -> tuple[bytes, dict[str, bytes]]:
    """``[["JWT", overall], {"GPU-0": token, ...}]``."""
    body = strictjson.load(raw, MAX_DOCUMENT_BYTES)
    match body:
        case [["JWT", str(overall)], dict(devices)] if 1 <= len(devices) <= MAX_DEVICES:
            if not all(isinstance(t, str) and t.isascii() for t in (overall, *devices.values())):
                raise Malformed("a token is not text")
            return overall.encode(), {name: token.encode() for name, token in devices.items()}
    raise Malformed("this is not a summary with its devices")


def _digests(overall: Token, devices: Mapping[str, bytes]) -> Check:
    """The summary must name each device's token by its digest, and no other."""
    submods = overall.claims.get("submods")
    want = {name: ["DIGEST", ["SHA-256", hashlib.sha256(raw).hexdigest()]] for name, raw in devices.items()}
    return check("devices", submods == want, "the summary must name exactly these tokens", PROVIDER)


def _device(name: str, claims: Mapping[str, Any], nonce: object) -> list[Check]:
    """Every verdict about a device must be true, and those that matter most must be there."""
    kind = "switch" if name.startswith("switch") else "gpu"
    verdicts = {k: v for k, v in claims.items() if k.endswith(_VERDICTS)}
    missing = [r for r in _REQUIRED if f"x-nvidia-{kind}-{r}" not in verdicts]
    good = not missing and all(v is True for v in verdicts.values())
    own, want = unhex(claims.get("eat_nonce"), 32), unhex(nonce, 32)
    return [
        check(f"{name}.nonce", bool(want) and hmac.compare_digest(own, want), "must be the summary's", PROVIDER),
        check(f"{name}.measurements", claims.get("measres") == "success", "measres must be success", PROVIDER),
        check(f"{name}.secure-boot", claims.get("secboot") is True, "secboot must be true", PROVIDER),
        check(f"{name}.debug", claims.get("dbgstat") == "disabled", "dbgstat must be disabled", PROVIDER),
        check(f"{name}.verdicts", good, "none may be missing or not true", PROVIDER),
        check(f"{name}.certificates", _certified(claims), "every chain must be valid and not revoked", PROVIDER),
    ]  # fmt: skip


def _certified(claims: Mapping[str, Any]) -> bool:
    """What the service found out about chains of certificates, wherever it says so: whether a device on hold still
    counts is its own policy, and its summary's."""
    chains = [v for k, v in claims.items() if k.endswith("-cert-chain")]
    return all(
        isinstance(c, Mapping) and (c.get("x-nvidia-cert-status"), c.get("x-nvidia-cert-ocsp-status")) == _GOOD
        for c in chains
    )


def _distinct(parsed: Mapping[str, Token]) -> Check:
    ids = [t.claims.get("ueid") for t in parsed.values()]
    ok = all(isinstance(i, str) and i for i in ids) and len({str(i) for i in ids}) == len(ids)
    return check("distinct", ok, "each device must have an identity of its own", PROVIDER)


def _facts(parsed: Mapping[str, Token]) -> dict[str, str]:
    models = sorted({str(t.claims.get("hwmodel")) for t in parsed.values()})
    return {"devices": str(len(parsed)), "models": ", ".join(models)}
