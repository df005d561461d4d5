"""Software token services: Azure MAA, Google Confidential Space, Intel Trust Authority, NVIDIA, with their keys.

For tests and the demo. Their key sets count only where someone passes them as ``SimulatedTrust``, and claims made with
them say ``simulated``. Opens no connection and reads no clock.
"""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from attestation.simulator import pki
from attestation.trust import SimulatedTrust
from attestation.types import Evidence

MAA = "https://sealgatesim.weu.attest.azure.net"
GOOGLE = "https://confidentialcomputing.googleapis.com"
ITA = "https://portal.trustauthority.intel.com"
NRAS = "https://nras.attestation.nvidia.com"
KID = "simulated-1"
IMAGE = "1a" * 32


class Services:
    """All four, each with one key; RSA keys take a moment to make: keep it."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, pki.RSA_BITS)
        self.root_key = rsa.generate_private_key(65537, pki.RSA_BITS)
        self.ec = ec.generate_private_key(ec.SECP384R1())
        root, leaf = pki.name("Simulated Token Root", "Sealgate Simulator"), pki.name("leaf", "Sealgate Simulator")
        how: dict[str, Any] = {"digest": hashes.SHA256(), "pss": None}
        self.root = pki.issue(root, self.root_key.public_key(), root, self.root_key, ca=True, **how)
        self.leaf = pki.issue(leaf, self.rsa.public_key(), root, self.root_key, **how)

    @property
    def trust(self) -> SimulatedTrust:
        plain = json.dumps({"keys": [self.jwk(self.rsa)]}).encode()
        chained = json.dumps({"keys": [{"kty": "RSA", "kid": KID, "x5c": self.x5c}]}).encode()
        ec_set = json.dumps({"keys": [self.jwk(self.ec)]}).encode()
        return SimulatedTrust(self.root, jwks={MAA: plain, GOOGLE: plain, ITA: chained, NRAS: ec_set})

    @property
    def x5c(self) -> list[str]:
        return [base64.b64encode(der).decode() for der in (self.leaf, self.root)]

    def jwk(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, kid: str = KID) -> dict[str, str]:
        if isinstance(key, rsa.RSAPrivateKey):
            n = key.public_key().public_numbers()
            return {"kty": "RSA", "kid": kid, "n": _number(n.n), "e": _number(n.e)}
        point = key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-384", "kid": kid, "x": _number(point.x, 48), "y": _number(point.y, 48)}

    def token(
        self, claims: Mapping[str, Any], alg: str = "RS256", *, header: Mapping[str, Any] | None = None,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:  # fmt: skip
        """A signed token; ``header`` adds to or replaces its header."""
        head = {"alg": alg, "typ": "JWT", "kid": KID, **(header or {})}
        signed = b".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
        by = key or (self.ec if alg == "ES384" else self.rsa)
        return signed + b"." + base64url(_sign(by, alg, signed))

    def maa_sgx(self, now: dt.datetime, **changes: Any) -> dict[str, Any]:
        return _times(MAA, now, 8) | {
            "x-ms-attestation-type": "sgx", "x-ms-policy-hash": "policy-1", "x-ms-sgx-is-debuggable": False,
            "x-ms-sgx-mrenclave": "e1" * 32, "x-ms-sgx-mrsigner": "e2" * 32, "x-ms-sgx-product-id": 1,
            "x-ms-sgx-svn": 1, "x-ms-sgx-report-data": "0d" * 64,
        } | changes  # fmt: skip

    def maa_vm(self, now: dt.datetime, tee: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        snp = "x-ms-sevsnpvm-"
        isolation = {
            "x-ms-attestation-type": "sevsnpvm", "x-ms-compliance-status": "azure-compliant-cvm",
            f"{snp}is-debuggable": False, f"{snp}migration-allowed": False, f"{snp}vmpl": 0,
            f"{snp}launchmeasurement": "5e" * 48, f"{snp}reportdata": "0d" * 64, f"{snp}bootloader-svn": 4,
            f"{snp}tee-svn": 0, f"{snp}snpfw-svn": 24, f"{snp}microcode-svn": 219, **(tee or {}),
        }  # fmt: skip
        return _times(MAA, now, 8) | {
            "x-ms-attestation-type": "azurevm", "x-ms-policy-hash": "policy-1", "x-ms-isolation-tee": isolation,
            "secureboot": True, "x-ms-azurevm-debuggersdisabled": True, "x-ms-azurevm-bootdebug-enabled": False,
            "x-ms-azurevm-kerneldebug-enabled": False, "x-ms-azurevm-testsigning-enabled": False,
            "x-ms-runtime": {"client-payload": {"nonce": "bm9uY2U="}},
        } | changes  # fmt: skip

    def td(self, **changes: Any) -> dict[str, Any]:
        """What Azure says of a TD (its EAT profile for TDX)."""
        registers = {f"tdx_{name}": "00" * 48 for name in ("rtmr0", "rtmr1", "rtmr2", "rtmr3", "mrsignerseam")}
        return {
            "x-ms-attestation-type": "tdxvm", "x-ms-compliance-status": "azure-compliant-cvm", "dbgstat": "disabled",
            "attester_tcb_status": "UpToDate", "tdx_mrtd": "7d" * 48, **registers, "tdx_seam_attributes": "00" * 8,
            "tdx_td_attributes": "0000001000000000", "tdx_td_attributes_debug": False, "tdx_report_data": "0d" * 64,
        } | changes  # fmt: skip

    def maa_td(self, now: dt.datetime, **changes: Any) -> dict[str, Any]:
        """Of a TD itself."""
        return _times(MAA, now, 8) | {"x-ms-policy-hash": "policy-1"} | self.td(**changes)

    def google(self, now: dt.datetime, container: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        image = {
            "image_digest": f"sha256:{IMAGE}",
            "image_reference": "registry.example/inference:1",
            **(container or {}),
        }
        support = {"support_attributes": ["LATEST", "STABLE", "USABLE"]}
        return _times(GOOGLE, now, 1) | {
            "aud": "https://gate.example", "eat_nonce": "nonce-of-the-gate", "hwmodel": "GCP_INTEL_TDX",
            "swname": "CONFIDENTIAL_SPACE", "secboot": True, "dbgstat": "disabled-since-boot",
            "submods": {"confidential_space": support, "container": image},
        } | changes  # fmt: skip

    def ita(self, now: dt.datetime, **changes: Any) -> dict[str, Any]:
        registers = {f"tdx_{name}": "7d" * 48 for name in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3")}
        return _times(ITA, now, 1) | {
            "attester_type": "TDX", "attester_tcb_status": "UpToDate", "tdx_is_debuggable": False, **registers,
            "tdx_report_data": "0d" * 64,
        } | changes  # fmt: skip

    def device(
        self, now: dt.datetime, nonce: str, number: int = 0, kind: str = "gpu", **changes: Any
    ) -> dict[str, Any]:
        verdicts = ("attestation-report-nonce-match", "attestation-report-signature-verified", "arch-check",
                    "attestation-report-cert-chain-fwid-match", "driver-rim-signature-verified")  # fmt: skip
        return _times(NRAS, now, 1) | {
            "eat_nonce": nonce, "ueid": str(1000 + number), "measres": "success", "secboot": True,
            "dbgstat": "disabled", "hwmodel": "GH100 A01 GSP BROM", **{f"x-nvidia-{kind}-{v}": True for v in verdicts},
        } | changes  # fmt: skip

    def nras(
        self, now: dt.datetime, devices: Mapping[str, Mapping[str, Any]], nonce: str = "ab" * 32, **changes: Any
    ) -> bytes:
        """The whole answer: a summary over these devices' statements, signed, with one token each."""
        tokens = {name: self.token(claims, "ES384") for name, claims in devices.items()}
        submods = {n: ["DIGEST", ["SHA-256", hashlib.sha256(t).hexdigest()]] for n, t in tokens.items()}
        overall = _times(NRAS, now, 1) | {
            "eat_nonce": nonce, "x-nvidia-overall-att-result": True, "submods": submods,
        } | changes  # fmt: skip
        return json.dumps(
            [["JWT", self.token(overall, "ES384").decode()], {n: t.decode() for n, t in tokens.items()}]
        ).encode()

    def evidence(self, kind: str, claims: Mapping[str, Any], **how: Any) -> Evidence:
        return Evidence(kind, self.token(claims, **how))


def base64url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _times(issuer: str, now: dt.datetime, hours: int) -> dict[str, Any]:
    at = int(now.timestamp())
    return {"iss": issuer, "iat": at, "nbf": at, "exp": at + hours * 3600}


def _number(value: int, size: int = 0) -> str:
    return base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big")).decode()


def _sign(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, alg: str, data: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")
    if alg == "PS384":
        return key.sign(data, padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384())
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@functools.cache
def shared_services() -> Services:
    return Services()
