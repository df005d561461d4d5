"""NVIDIA GPUs and switches, verified here: chain, DICE identity, signature, nonce, each device once (§2.6).

This shows genuine devices that answered one nonce. Their firmware is compared with NVIDIA's reference values where the
collateral holds its manifests (:mod:`attestation.nvidia.rim`), and is ``unknown`` otherwise. So is revocation without
answers of its responder (:mod:`attestation.nvidia.ocsp`). Nor does it tie a device to any CPU: the caller must compare
the nonce with one that the CPU's evidence binds, and expect a number of devices. There is no measurement.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation import strictjson
from attestation.encodings import base64_bytes
from attestation.nvidia import ocsp
from attestation.nvidia.report import DRIVER, FWID, Report, parse_report, vbios
from attestation.nvidia.rim import compare
from attestation.paths import check_path, ends, load_path
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    Check,
    Claims,
    Collateral,
    Evidence,
    Malformed,
    Source,
    Status,
    require,
)
from attestation.x509 import check, common_name, is_pinned

TEE = "nvidia-spdm"
MAX_DOCUMENT_BYTES, MAX_DEVICES, CHAIN_LENGTH = 2 * 1024 * 1024, 32, 5
BLOCKS = {"HOPPER": 64, "BLACKWELL": 64, "LS10": 31}
_CHIPS = {"HOPPER": "GH", "BLACKWELL": "GB", "LS10": "LS"}
"""How the name in a device's certificate begins, by architecture: ``GH100 A01 GSP BROM``, ``LS_10 A01 FSP BROM``."""
_KEYS = {"arch", "certificate", "evidence", "nonce"}
_ECHOES = {"driver_version", "vbios_version", "version"}
_DICE = ("2.23.133.5.4.1", "2.23.133.5.4.1.1")
_SHA384_FWID = bytes.fromhex("303d06096086480165030402020430")
"""DER before a firmware digest: SEQUENCE, id-sha384, OCTET STRING of 48 bytes."""
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True, slots=True)
class Device:
    architecture: str
    report: Report
    path: tuple[x509.Certificate, ...] = field(repr=False)
    nonce: bytes = field(repr=False)
    """As the document names it; the signed one is in the report."""
    driver: str


def parse_devices(raw: bytes) -> tuple[Device, ...]:
    """A JSON list of ``{arch, evidence, certificate, nonce}`` as NVIDIA's tools write it. Raises Malformed."""
    body = strictjson.load(raw, MAX_DOCUMENT_BYTES)
    if not isinstance(body, list) or not 1 <= len(body) <= MAX_DEVICES:
        raise Malformed(f"this is not a list of 1 to {MAX_DEVICES} devices")
    return tuple(_device(entry) for entry in body)


def _device(entry: Any) -> Device:
    if not isinstance(entry, dict) or not _KEYS <= set(entry) <= _KEYS | _ECHOES:
        raise Malformed("a device lacks a part, or has one that is not known")
    if not all(isinstance(value, str) for value in entry.values()) or entry["arch"] not in BLOCKS:
        raise Malformed("a device's parts are texts, its architecture a known one")
    report = parse_report(_base64(entry["evidence"]))
    try:
        nonce = bytes.fromhex(entry["nonce"])
    except ValueError:
        raise Malformed("a device's nonce is not hex") from None
    if entry["nonce"] != nonce.hex() or entry.get("version", "1.0") != "1.0":
        raise Malformed("a device's nonce is not lower-case hex, or its version is not known")
    if entry.get("vbios_version", vbios(report)) != vbios(report):
        raise Malformed("a device's VBIOS version is not the one in its report")
    path = load_path(pem_certificates(_base64(entry["certificate"])))
    return Device(entry["arch"], report, path, nonce, entry.get("driver_version", report.text(DRIVER)))


def pem_certificates(pem: bytes) -> tuple[bytes, ...]:
    """DER of certificates in PEM with one way to be written. Raises Malformed."""
    ders = [_base64(part.split(b"-----END")[0].replace(b"\n", b"").decode("ascii", "replace"))
            for part in pem.split(_BEGIN)[1:]]  # fmt: skip
    lines = [base64.b64encode(der) for der in ders]
    again = b"".join(_BEGIN + b"\n".join(t[i : i + 64] for i in range(0, len(t), 64)) + _END for t in lines)
    if pem not in (again, again.removesuffix(b"\n")):
        raise Malformed("a device's certificates are not plain PEM")
    return tuple(ders)


def _base64(text: str) -> bytes:
    return base64_bytes(text, "a device's part", MAX_DOCUMENT_BYTES)


def verify(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None,
           collateral: Collateral = NO_COLLATERAL) -> Claims:  # fmt: skip
    """Claims about a set of devices. Raises Malformed, Rejected with every failed check."""
    devices = parse_devices(evidence.report)
    nonce = devices[0].report.nonce
    pinned = trust.of("nvidia", simulated)
    checks = tuple(c for i, d in enumerate(devices) for c in _checks(f"device-{i}", d, nonce, pinned, now))
    keys = {identity(d) for d in devices}
    revocation, until = ocsp.compare([d.path for d in devices], collateral.ocsp, now)
    checks += (
        check("distinct", len(keys) == len(devices), "each device must have an identity key of its own"),
        compare(
            tuple((d.architecture, d.report) for d in devices), collateral.rims, trust.of("nvidia-rim", simulated), now
        ),
        revocation,
    )
    require(checks)
    real = trust.of("nvidia", None)
    return Claims(
        tee=TEE, measurement=b"", report_data=b"", debug=False, tcb={}, tcb_status="not-applicable", vmpl=0,
        policy_bits=0, chip_id=b"", evidence_sha256=hashlib.sha256(evidence.report).digest(),
        not_after=min([*(ends(d.path) for d in devices), *([until] if until is not None else [])]),
        verified_at=now, checks=checks,
        simulated=not all(is_pinned(d.path[-1], real) for d in devices), bound={"nonce": nonce}, facts=_facts(devices),
    )  # fmt: skip


def identity(device: Device) -> bytes:
    """The key (SPKI, DER) that tells a device from every other."""
    return device.path[1].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _checks(name: str, device: Device, nonce: bytes, pinned: frozenset[bytes], now: dt.datetime) -> tuple[Check, ...]:
    report, leaf = device.report, device.path[0]
    same = report.nonce == nonce == device.nonce
    want = BLOCKS[device.architecture]
    chip = (common_name(device.path[1].subject) or "").startswith(_CHIPS[device.architecture])
    return (
        *check_path(f"{name}.chain", device.path, pinned, now),
        check(f"{name}.chain.length", len(device.path) == CHAIN_LENGTH, f"want {CHAIN_LENGTH} certificates"),
        _identity(f"{name}.identity", report, leaf),
        check(f"{name}.signature", _signed(report, leaf), "signature by the leaf's key", Source.HARDWARE),
        check(f"{name}.nonce", same, "all devices must answer the one nonce", Source.HARDWARE),
        check(f"{name}.blocks", len(report.measurements) == want, f"want {want} measurements", Source.HARDWARE),
        # what nobody signed must not choose the manifests that measurements are compared with
        check(f"{name}.architecture", chip, "the device's certificate must be of the architecture named"),
        check(f"{name}.driver", device.driver == report.text(DRIVER), "the driver named must be the signed one"),
    )


def _identity(name: str, report: Report, leaf: x509.Certificate) -> Check:
    """DICE: the firmware digest that the device states must be one that its certificate was issued for.

    Switches and drivers before 2024 state none; the certificate then stands alone, and this check is unknown.
    """
    fwid = report.opaque.get(FWID)
    if fwid is None:
        return Check(name, Status.UNKNOWN, Source.HARDWARE, "the device states no firmware identity")
    found = [e.value.value for e in leaf.extensions if e.oid.dotted_string in _DICE
             and isinstance(e.value, x509.UnrecognizedExtension)]  # fmt: skip
    ok = len(fwid) == 48 and any(fwid) and len(found) == 1 and _SHA384_FWID + fwid in found[0]
    return check(name, ok, "the leaf must be issued for the firmware that the device states", Source.HARDWARE)


def _signed(report: Report, leaf: x509.Certificate) -> bool:
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        return False
    r, s = (int.from_bytes(part, "big") for part in (report.signature[:48], report.signature[48:]))
    try:
        key.verify(utils.encode_dss_signature(r, s), report.signed, ec.ECDSA(hashes.SHA384()))
    except InvalidSignature:
        return False
    return True


def _facts(devices: tuple[Device, ...]) -> dict[str, str]:
    def every(values: list[str]) -> str:
        return ", ".join(sorted(set(values)))

    return {
        "devices": str(len(devices)),
        "architectures": every([d.architecture for d in devices]),
        "drivers": every([d.report.text(DRIVER) for d in devices]),
        "vbios": every([vbios(d.report) for d in devices]),
    }
