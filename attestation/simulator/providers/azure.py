"""A simulated confidential VM of Azure's: hardware evidence, runtime data, TPM quotes and a token, honest or not."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from attestation.simulator.azure import PCRS, VirtualTpm, hcl_blob, runtime, shared_tpm
from attestation.simulator.intel import MRTD, SEPT_VE_DISABLE, shared_intel
from attestation.simulator.intel import Guest as TdxGuest
from attestation.simulator.providers import tokens
from attestation.simulator.providers.loopback import OTHER, Loopback, flipped, sha256, together
from attestation.simulator.snp import MEASUREMENT, OLD_TCB, POLICY, TCB, VENDOR, Guest, shared_platform
from attestation.simulator.tokens import MAA, shared_services
from attestation.snp.report import POLICY_DEBUG
from attestation.trust import SimulatedTrust
from attestation.types import Collateral

OTHER_TENANT = "https://othertenant.weu.attest.azure.net"


class Lie(StrEnum):
    """Of the machine first, then of the token's tenant and statements."""

    OLD_NONCE = "old_nonce"
    NO_NONCE = "no_nonce"
    OTHER_KEY = "other_key"
    OTHER_AK = "other_ak"
    """A quote of a TPM that the runtime data does not name."""
    OTHER_RUNTIME = "other_runtime"
    """Runtime data with the liar's key, which the report does not name."""
    TWO_AKS = "two_aks"
    SHOWN_PCRS = "shown_pcrs"
    OTHER_PCRS = "other_pcrs"
    NO_QUOTE = "no_quote"
    DEBUG = "debug"
    VMPL_1 = "vmpl_1"
    OLD_TCB = "old_tcb"
    OTHER_IMAGE = "other_image"
    FALSE_ROOT = "false_root"
    TAMPERED = "tampered"
    OTHER_KIND = "other_kind"
    NO_CONTAINER = "no_container"
    """The report without the container that the runtime data is in."""
    TRAILING_BYTES = "trailing_bytes"
    HCL_RESERVED = "hcl_reserved"
    RUNTIME_TWICE = "runtime_twice"
    NOT_JSON = "not_json"
    KEY_ROTATION = "key_rotation"
    CROSS_TENANT = "cross_tenant"
    OTHER_POLICY = "other_policy"
    OTHER_MACHINE = "other_machine"
    """The token is genuine, of another machine of the same tenant."""
    ENCLAVE_TOKEN = "enclave_token"  # noqa: S105
    """A genuine token of the tenant, of an SGX enclave that writes what it likes into its report data."""
    TOKEN_DEBUG = "token_debug"  # noqa: S105 -- a lie's name
    TOKEN_MIGRATION = "token_migration"  # noqa: S105
    NOT_COMPLIANT = "not_compliant"
    NO_SECURE_BOOT = "no_secure_boot"
    TEST_SIGNING = "test_signing"


class AzureServer(Loopback):
    """``evidence`` is ``snp``, ``tdx`` or ``maa``: what is handed out. With the first two a token comes along."""

    def __init__(self, now: Callable[[], dt.datetime], lie: StrEnum | None = None, evidence: str = "snp") -> None:
        super().__init__(now, lie)
        self.evidence = evidence
        self.tpm = shared_tpm()

    @property
    def trust(self) -> SimulatedTrust:
        services = tokens.trust(shared_services(), self.lie, MAA)
        tenants = replace(services, jwks={**services.jwks, OTHER_TENANT: services.jwks[MAA]})  # one key for the region
        return together(shared_platform().trust, shared_intel().trust, tenants)

    @property
    def measurement(self) -> bytes:
        return MRTD if self.evidence == "tdx" else MEASUREMENT

    def collateral(self) -> Collateral:
        return shared_intel().collateral(self.now())

    def document(self, nonce: bytes) -> bytes:
        if self.lie == Lie.NOT_JSON:
            return b"<html>It works!</html>"
        if self.evidence == "maa":
            return self.token(nonce, bytes(64))
        data, quote = self._runtime(), self._quote(nonce)
        tdx = (self.evidence == "tdx") != (self.lie == Lie.OTHER_KIND)
        named = runtime(shared_tpm()) if self.lie == Lie.OTHER_RUNTIME else data
        body: dict[str, Any] = {"version": 1, "nonce": nonce.hex(), "tpm_quote": quote}
        machine = self._tdx(named, data) if tdx else self._snp(named, data)
        body |= (self._snp(named, data) | self._tdx(named, data) | machine) if self.lie == Lie.OTHER_KIND else machine
        body["maa_token"] = self.token(nonce, sha256(named) + bytes(32)).decode()
        if self.lie == Lie.NO_QUOTE:
            del body["tpm_quote"]
        return json.dumps(body).encode()

    def _runtime(self) -> bytes:
        """With the key of the TPM that the machine has, or that the liar would like it to have."""
        if self.lie == Lie.OTHER_RUNTIME:
            return runtime(_other_tpm())
        if self.lie == Lie.TWO_AKS:
            return runtime(self.tpm, keys=[self.tpm.jwk(), _other_tpm().jwk()])
        data = runtime(self.tpm)
        return data[:-1] + b', "keys": []}' if self.lie == Lie.RUNTIME_TWICE else data

    def _quote(self, nonce: bytes) -> dict[str, Any]:
        tpm = _other_tpm() if self.lie in (Lie.OTHER_AK, Lie.OTHER_RUNTIME) else self.tpm
        other = {**PCRS, 4: b"\xba" * 32}
        quoted = other if self.lie == Lie.OTHER_PCRS else PCRS
        parts = tpm.parts(self.bound(nonce), quoted, other if self.lie == Lie.SHOWN_PCRS else None)
        rows = [parts["tpm_pcrs"][i : i + 32].hex() for i in range(0, len(parts["tpm_pcrs"]), 32)]
        return {"message": parts["tpm_quote"].hex(), "signature": parts["tpm_signature"].hex(), "pcrs": rows}

    def bound(self, nonce: bytes) -> bytes:
        """What the guest has signed: its TLS key and the nonce, hashed together."""
        if self.lie == Lie.NO_NONCE:
            return sha256(self.spki)
        spki = b"another key" if self.lie == Lie.OTHER_KEY else self.spki
        return sha256(spki + (OTHER if self.lie == Lie.OLD_NONCE else nonce))

    def _snp(self, named: bytes, data: bytes) -> dict[str, Any]:
        platform = shared_platform(VENDOR) if self.lie == Lie.FALSE_ROOT else shared_platform()
        old = self.lie == Lie.OLD_TCB
        chip = platform.make_chip(tcb=OLD_TCB, chip_id=platform.chip.chip_id) if old else platform.chip
        guest = Guest(
            measurement=b"\xba\xd0" * 24 if self.lie == Lie.OTHER_IMAGE else MEASUREMENT,
            policy=POLICY | (POLICY_DEBUG if self.lie == Lie.DEBUG else 0), vmpl=int(self.lie == Lie.VMPL_1),
            tcb=OLD_TCB if old else TCB,
        )  # fmt: skip
        report = platform.report(sha256(named), guest, chip)
        report = flipped(report, 0x90) if self.lie == Lie.TAMPERED else report
        names = {"vcek": chip.certificate, "ask": platform.ask, "ark": platform.root}
        return {"hcl_report": self._blob(report, data, 2)} | {k: _text(v) for k, v in names.items()}

    def _tdx(self, named: bytes, data: bytes) -> dict[str, Any]:
        guest = TdxGuest(
            mrtd=b"\xba\xd0" * 24 if self.lie == Lie.OTHER_IMAGE else MRTD,
            attributes=SEPT_VE_DISABLE | (self.lie == Lie.DEBUG),
        )
        quote = shared_intel().tdx_quote(sha256(named), guest)
        return {"hcl_report": self._blob(bytes(1184), data, 4), "td_quote": _text(quote)}

    def _blob(self, report: bytes, data: bytes, kind: int) -> str:
        blob = report if self.lie == Lie.NO_CONTAINER else hcl_blob(report, data, kind)
        if self.lie == Lie.TRAILING_BYTES:
            blob += b"\1"
        return _text(flipped(blob, 16) if self.lie == Lie.HCL_RESERVED else blob)

    def token(self, nonce: bytes, data: bytes) -> bytes:
        """Azure Attestation's word about this machine. ``data`` is its report data."""
        services, snp = shared_services(), "x-ms-sevsnpvm-"
        data = OTHER * 2 if self.lie == Lie.OTHER_MACHINE else data
        about: dict[str, Any] = {
            f"{snp}launchmeasurement": MEASUREMENT.hex(), f"{snp}reportdata": data.hex(),
            f"{snp}is-debuggable": self.lie == Lie.TOKEN_DEBUG,
            f"{snp}migration-allowed": self.lie == Lie.TOKEN_MIGRATION, f"{snp}vmpl": int(self.lie == Lie.VMPL_1),
        }  # fmt: skip
        lies: Mapping[str, Mapping[str, Any]] = {
            Lie.OTHER_IMAGE: {f"{snp}launchmeasurement": "bad0" * 24}, Lie.OLD_TCB: {f"{snp}snpfw-svn": 1},
            Lie.NOT_COMPLIANT: {"x-ms-compliance-status": "none"},
        }  # fmt: skip
        text = base64.b64encode(self.bound(nonce)).decode()
        beside: Mapping[str, Mapping[str, Any]] = {
            Lie.CROSS_TENANT: {"iss": OTHER_TENANT}, Lie.OTHER_POLICY: {"x-ms-policy-hash": "policy-2"},
            Lie.NO_SECURE_BOOT: {"secureboot": False}, Lie.TEST_SIGNING: {"x-ms-azurevm-testsigning-enabled": True},
        }  # fmt: skip
        if self.lie == Lie.ENCLAVE_TOKEN:
            return services.token(services.maa_sgx(self.now(), **{"x-ms-sgx-report-data": data.hex()}))
        if self.evidence == "tdx":
            debug = self.lie == Lie.TOKEN_DEBUG
            td = services.td(tdx_mrtd=MRTD.hex(), tdx_report_data=data.hex(), tdx_td_attributes_debug=debug)
            beside = {**beside, str(self.lie): {**beside.get(str(self.lie), {}), "x-ms-isolation-tee": {
                **td, **dict(lies.get(str(self.lie), {}))}}}  # fmt: skip
        claims = services.maa_vm(
            self.now(), about | dict(lies.get(str(self.lie), {})),
            **{"x-ms-runtime": {"client-payload": {"nonce": text}}}, **beside.get(str(self.lie), {}),
        )  # fmt: skip
        signer = tokens.false_services() if self.lie == Lie.FALSE_ROOT and self.evidence == "maa" else services
        return tokens.token(signer, claims, self.lie)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


@functools.cache
def _other_tpm() -> VirtualTpm:
    return VirtualTpm()
