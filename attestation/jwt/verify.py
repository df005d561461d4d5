"""Tokens of attestation services: Azure MAA, Google Confidential Space, Intel Trust Authority (§2.8-§2.10).

A token is the service's word: every check of its statements has the source ``provider``. Statements are read at their
exact place with their exact type; a search for a word could be answered by a workload's own environment.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attestation.jwt.issuers import GOOGLE, ITA, MAA, PROVIDER, Service, check_token
from attestation.jwt.jws import parse_token
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import NO_COLLATERAL, Check, Claims, Collateral, Evidence, Malformed, require
from attestation.x509 import check

_MISSING = object()


@dataclass(slots=True)
class Statements:
    """A token's statements while they are read: what was checked, and what claims will hold."""

    claims: Mapping[str, Any]
    tee: str = ""
    checks: list[Check] = field(default_factory=list)
    measurements: dict[str, bytes] = field(default_factory=dict)
    bound: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    tcb: dict[str, int] = field(default_factory=dict)
    status: str = "not-applicable"
    advisories: tuple[str, ...] = ()

    def get(self, *path: str) -> Any:
        """The value at exactly this place, or a marker that equals nothing."""
        value: Any = self.claims
        for key in path:
            value = value.get(key, _MISSING) if isinstance(value, Mapping) else _MISSING
        return value

    def want(self, id_: str, want: object, *path: str) -> None:
        """The value at ``path`` must be exactly ``want``, of its type: 1 is not true."""
        got = self.get(*path)
        ok = type(got) is type(want) and got == want
        is_ = "" if ok else f", it is {_shown(got)}"
        self.checks.append(check(id_, ok, f"{'/'.join(path)} must be {want!r}{is_}", PROVIDER))

    def unless(self, id_: str, want: object, *path: str) -> None:
        """As :meth:`want`, where the statement is there at all."""
        if self.get(*path) is not _MISSING:
            self.want(id_, want, *path)

    def hex(self, name: str, size: int, *path: str) -> bytes:
        """Hex of ``size`` bytes, kept as measurement ``name``; a check fails where it is not there."""
        raw = unhex(self.get(*path), size)
        self.checks.append(
            check(f"statement.{name}", bool(raw), f"{'/'.join(path)} must be {size} bytes of hex", PROVIDER)
        )
        return raw

    def fact(self, name: str, *path: str) -> None:
        """Text kept for policy; a check fails where it is not there."""
        value = self.get(*path)
        ok = isinstance(value, str) and len(value) <= 500 and bool(_bytes(value))
        self.checks.append(check(f"statement.{name}", ok, f"{'/'.join(path)} must be text", PROVIDER))
        if ok:
            self.facts[name] = value

    def number(self, name: str, *path: str) -> None:
        value = self.get(*path)
        ok = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        self.checks.append(check(f"statement.{name}", ok, f"{'/'.join(path)} must be a number", PROVIDER))
        if ok:
            self.tcb[name] = value


_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")


def _shown(value: object) -> str:
    """A statement as a detail may show it: text of a token may be anything."""
    if value is _MISSING:
        return "missing"
    plain = isinstance(value, bool | int) or (isinstance(value, str) and _WORD.fullmatch(value) is not None)
    return repr(value) if plain and len(repr(value)) <= 42 else "something else"


def unhex(value: object, size: int) -> bytes:
    """``size`` bytes in hex of either case, which ``bytes.fromhex`` would read with spaces too; empty for all else."""
    return bytes.fromhex(value) if isinstance(value, str) and re.fullmatch(f"[0-9a-fA-F]{{{2 * size}}}", value) else b""


def _bytes(text: str) -> bytes:
    """Empty where JSON's escapes spelled half of a surrogate pair: that has no bytes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""


def _verify(
    read: Callable[[Statements], None], service: Service, evidence: Evidence, now: dt.datetime, trust: TrustStore,
    simulated: SimulatedTrust | None, collateral: Collateral,
) -> Claims:  # fmt: skip
    token = parse_token(evidence.report)
    trusted = check_token(token, service, now, trust, simulated, collateral)
    said = Statements(token.claims)
    said.facts["issuer"] = token.issuer
    read(said)
    checks = (*trusted.checks, *said.checks)
    require(checks)
    first = next(iter(said.measurements.values()))
    return Claims(
        tee=said.tee, measurement=first, report_data=said.bound.get("report_data", b""), debug=False, tcb=said.tcb,
        tcb_status=said.status, vmpl=0, policy_bits=0, chip_id=b"",
        evidence_sha256=hashlib.sha256(evidence.report).digest(), not_after=trusted.not_after, verified_at=now,
        checks=checks, simulated=trusted.simulated, measurements=said.measurements, signed_at=trusted.signed_at,
        bound=said.bound, facts=said.facts, advisories=said.advisories,
    )  # fmt: skip


def verify_maa(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
               collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Azure Attestation, of an SGX enclave or a confidential VM. Raises Malformed, Rejected."""
    return _verify(_maa, MAA, evidence, now, trust, simulated, collateral)


def _maa(said: Statements) -> None:
    said.fact("policy-hash", "x-ms-policy-hash")
    kind = said.get("x-ms-attestation-type")
    if kind == "sgx":
        _maa_sgx(said)
    elif kind == "azurevm":
        _maa_vm(said)
    elif kind == "tdxvm":
        said.want("compliance", "azure-compliant-cvm", "x-ms-compliance-status")
        _maa_td(said)
    else:
        raise Malformed("the token is not of an SGX enclave, a TD or a confidential VM")


def _maa_sgx(said: Statements) -> None:
    said.tee = "maa-sgx"
    said.want("debug", False, "x-ms-sgx-is-debuggable")
    said.measurements["mrenclave"] = said.hex("mrenclave", 32, "x-ms-sgx-mrenclave")
    said.measurements["mrsigner"] = said.hex("mrsigner", 32, "x-ms-sgx-mrsigner")
    said.bound["report_data"] = said.hex("report-data", 64, "x-ms-sgx-report-data")
    said.number("isvprodid", "x-ms-sgx-product-id")
    said.number("isvsvn", "x-ms-sgx-svn")


_SNP_SVN = (("bootloader", "bootloader"), ("tee", "tee"), ("snp", "snpfw"), ("microcode", "microcode"))


def _maa_vm(said: Statements) -> None:
    """A VM's token has the hardware's statements under ``x-ms-isolation-tee`` and the guest's beside it."""
    tee = "x-ms-isolation-tee"
    said.want("compliance", "azure-compliant-cvm", tee, "x-ms-compliance-status")
    said.want("secure-boot", True, "secureboot")
    for name in ("bootdebug-enabled", "kerneldebug-enabled", "testsigning-enabled"):
        said.want(name, False, f"x-ms-azurevm-{name}")
    said.want("debuggers", True, "x-ms-azurevm-debuggersdisabled")
    if said.get(tee, "x-ms-attestation-type") == "sevsnpvm":
        said.tee = "maa-sevsnpvm"
        snp = "x-ms-sevsnpvm"
        said.want("debug", False, tee, f"{snp}-is-debuggable")
        said.want("migration", False, tee, f"{snp}-migration-allowed")
        said.want("vmpl", 0, tee, f"{snp}-vmpl")
        said.measurements["measurement"] = said.hex("measurement", 48, tee, f"{snp}-launchmeasurement")
        said.bound["report_data"] = said.hex("report-data", 64, tee, f"{snp}-reportdata")
        for name, ours in _SNP_SVN:
            said.number(name, tee, f"{snp}-{ours}-svn")
    elif said.get(tee, "x-ms-attestation-type") == "tdxvm":
        _maa_td(said, tee)
    else:
        raise Malformed("the token is not of an SEV-SNP or a TDX machine")
    nonce = said.get("x-ms-runtime", "client-payload", "nonce")
    if isinstance(nonce, str) and len(nonce) <= 500 and (raw := _bytes(nonce)):
        said.bound["nonce"] = raw


_TD_REGISTERS = ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3")


def _maa_td(said: Statements, *at: str) -> None:
    """Azure's EAT profile for TDX, of a TD itself or, at ``x-ms-isolation-tee``, of the TD that is a VM."""
    said.tee = "maa-tdxvm"
    said.want("debug", False, *at, "tdx_td_attributes_debug")
    said.unless("dbgstat", "disabled", *at, "dbgstat")
    raw = said.hex("attributes", 8, *at, "tdx_td_attributes")
    said.checks.append(check("attributes", raw[:1] == b"\0", "no bit of the debug group may be set", PROVIDER))
    said.want("module.signer", "00" * 48, *at, "tdx_mrsignerseam")  # zero: Intel's own
    said.want("module.attributes", "00" * 8, *at, "tdx_seam_attributes")
    _status(said, *at)
    for name in _TD_REGISTERS:
        said.measurements[name] = said.hex(name, 48, *at, f"tdx_{name}")
    said.bound["report_data"] = said.hex("report-data", 64, *at, "tdx_report_data")


def _status(said: Statements, *at: str) -> None:
    """Intel's word for the firmware, and what is open about it; both are the expectations' to accept."""
    status, listed = said.get(*at, "attester_tcb_status"), said.get(*at, "attester_advisory_ids")
    ok = isinstance(status, str) and bool(status)
    said.checks.append(check("statement.tcb-status", ok, "attester_tcb_status must be text", PROVIDER))
    said.status = status if ok else ""
    known = [] if listed is _MISSING or listed is None else listed
    plain = (
        isinstance(known, list) and len(known) <= 256 and all(isinstance(a, str) and _WORD.fullmatch(a) for a in known)
    )
    said.checks.append(check("statement.advisories", plain, "attester_advisory_ids must be a list of names", PROVIDER))
    said.advisories = tuple(sorted(set(known))) if plain else ()


def verify_google(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
                  collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Google Confidential Space, OIDC and PKI tokens. Raises Malformed, Rejected."""
    return _verify(_google, GOOGLE, evidence, now, trust, simulated, collateral)


def _google(said: Statements) -> None:
    said.tee = "google-cs"
    said.want("software", "CONFIDENTIAL_SPACE", "swname")
    said.want("secure-boot", True, "secboot")
    said.want("debug", "disabled-since-boot", "dbgstat")
    for name in ("hwmodel",):
        said.fact(name, name)
    hardware = said.facts.get("hwmodel") in {"GCP_AMD_SEV_SNP", "GCP_AMD_SEV", "GCP_AMD_SEV_ES", "GCP_INTEL_TDX"}
    said.checks.append(check("hardware", hardware, "hwmodel must be a confidential machine's", PROVIDER))
    said.fact("audience", "aud")
    support = said.get("submods", "confidential_space", "support_attributes")
    stable = isinstance(support, list) and "STABLE" in support
    said.checks.append(check("image.support", stable, "support_attributes must hold STABLE", PROVIDER))
    said.fact("image_reference", "submods", "container", "image_reference")
    digest = said.get("submods", "container", "image_digest")
    raw = unhex(digest.removeprefix("sha256:"), 32) if isinstance(digest, str) and digest.startswith("sha256:") else b""
    said.checks.append(check("statement.image_digest", bool(raw), "image_digest must be a SHA-256", PROVIDER))
    said.measurements["image_digest"] = raw
    for name in ("env_override", "cmd_override"):
        value = said.get("submods", "container", name)
        said.checks.append(
            check(f"image.{name}", value is _MISSING or value in ([], {}, None), f"{name} must be empty", PROVIDER)
        )
    _nonces(said)


def _nonces(said: Statements) -> None:
    """``eat_nonce``: a text, or up to six of them."""
    value = said.get("eat_nonce")
    if value is _MISSING:
        return
    values = value if isinstance(value, list) else [value]
    found = [_bytes(v) for v in values if isinstance(v, str) and 8 <= len(v) <= 88]
    if not 1 <= len(values) <= 6 or len(found) != len(values) or not all(found):
        raise Malformed("eat_nonce is not of its documented form")
    for i, nonce in enumerate(found):
        said.bound["nonce" if i == 0 else f"nonce{i}"] = nonce


def verify_ita(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
               collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Intel Trust Authority, of a TD or an SGX enclave. Raises Malformed, Rejected."""
    return _verify(_ita, ITA, evidence, now, trust, simulated, collateral)


def _ita(said: Statements) -> None:
    kind = said.get("attester_type")
    nested = [name for name in ("TDX", "SGX") if isinstance(said.get(name.lower()), Mapping)]
    if kind is _MISSING and len(nested) == 1:  # tokens of version 2 have all that is said of the enclave in one place
        (kind,) = nested
    if kind not in ("TDX", "SGX") or nested not in ([], [kind]):
        raise Malformed("the token is not of a TD or an SGX enclave")
    prefix = kind.lower()
    if nested:
        inner = said.get(prefix)
        if any(said.claims.get(name, value) != value for name, value in inner.items()):
            raise Malformed("the token says something twice, and not the same")
        said.claims = {**said.claims, **inner}
        said.unless("attester", kind, "attester_type")
    said.tee = f"ita-{prefix}"
    said.want("debug", False, f"{prefix}_is_debuggable")
    said.unless("dbgstat", "disabled", "dbgstat")
    said.unless("migration", False, f"{prefix}_is_migratable")
    _status(said)
    unmatched = said.get("policy_ids_unmatched")
    said.checks.append(check("policies", unmatched in (_MISSING, [], None), "no policy may be unmatched", PROVIDER))
    registers = _TD_REGISTERS if kind == "TDX" else ("mrenclave", "mrsigner")
    for name in registers:
        said.measurements[name] = said.hex(name, 48 if kind == "TDX" else 32, f"{prefix}_{name}")
    said.bound["report_data"] = said.hex("report-data", 64, f"{prefix}_report_data")
    if kind == "SGX":
        said.number("isvsvn", "sgx_isvsvn")
