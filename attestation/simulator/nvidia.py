"""Software GPUs: a root, five-certificate chains, signed SPDM reports, each part open to be made wrong.

For tests and the demo; claims made under its root say ``simulated``. Opens no connection and reads no clock.
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.nvidia.report import CHIP_SKU, DRIVER, FWID, NVDEC, PROJECT, PROJECT_SKU, VBIOS
from attestation.simulator import pki
from attestation.trust import SimulatedTrust
from attestation.types import Evidence

FIRMWARE = b"\x5f" * 48
NONCE = b"\xab" * 32
_TCB_INFO = bytes.fromhex("303f303d06096086480165030402020430")
OPAQUE: Mapping[int, bytes] = {
    DRIVER: b"590.12\0", VBIOS: bytes.fromhex("00a5009601000000"), FWID: FIRMWARE, CHIP_SKU: b"885\0",
    PROJECT: b"G520\0", PROJECT_SKU: b"0200\0", NVDEC: b"\xaa",
}  # fmt: skip


class Vendor:
    """One root with two issuers below it."""

    def __init__(self) -> None:
        self.keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(3)]
        self.names = [pki.name(f"Simulated Device CA {i}", "Sealgate Simulator") for i in range(3)]
        self.issuers = [
            pki.issue(
                self.names[i],
                self.keys[i].public_key(),
                self.names[max(i - 1, 0)],
                self.keys[max(i - 1, 0)],
                ca=True,
                serial=pki.serial_of(self.keys[i].public_key()),
            )
            for i in range(3)
        ]

    @property
    def trust(self) -> SimulatedTrust:
        return SimulatedTrust(self.issuers[0])

    def gpu(self, **how: Any) -> Gpu:
        return Gpu(self, **how)


class Gpu:
    """A device with its identity, and a key for the firmware that it runs."""

    def __init__(
        self, vendor: Vendor, *, firmware: bytes = FIRMWARE, leaf_ca: bool = False, chip: str = "GH100"
    ) -> None:  # fmt: skip
        self.identity = identity = ec.generate_private_key(ec.SECP384R1())
        self.key = ec.generate_private_key(ec.SECP384R1())
        name = pki.name(f"{chip} simulated", "Sealgate Simulator")
        own = identity.public_key()
        device = pki.issue(name, own, vendor.names[2], vendor.keys[2], ca=True, serial=pki.serial_of(own))
        tcb_info = {"2.23.133.5.4.1": _TCB_INFO + firmware}
        leaf_name = pki.name(f"{chip} simulated firmware", "Sealgate Simulator")
        leaf = pki.issue(leaf_name, self.key.public_key(), name, identity, extensions=tcb_info, ca=leaf_ca or None)
        self.chain = (leaf, device, vendor.issuers[2], vendor.issuers[1], vendor.issuers[0])

    def report(
        self, nonce: bytes = NONCE, *, opaque: Mapping[int, bytes] | None = None, blocks: int = 64,
        tail: bytes = b"", key: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:  # fmt: skip
        """An exchange of measurements, signed."""
        record = b"".join(bytes((i, 1, 51, 0, 1, 48, 0)) + bytes([i]) * 48 for i in range(1, blocks + 1))
        stated = OPAQUE if opaque is None else opaque
        statements = b"".join(n.to_bytes(2, "little") + len(v).to_bytes(2, "little") + v for n, v in stated.items())
        raw = bytes((0x11, 0xE0, 1, 0xFF)) + nonce + b"\0" + bytes((0x11, 0x60, 0, 0, blocks))
        raw += len(record).to_bytes(3, "little") + record + bytes(32)
        raw += len(statements).to_bytes(2, "little") + statements
        r, s = utils.decode_dss_signature((key or self.key).sign(raw, ec.ECDSA(hashes.SHA384())))
        return raw + r.to_bytes(48, "big") + s.to_bytes(48, "big") + tail

    def entry(self, report: bytes | None = None, **changes: str) -> dict[str, str]:
        raw = self.report() if report is None else report
        pem = b"".join(x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM) for der in self.chain)
        return {"arch": "HOPPER", "nonce": raw[4:36].hex(), "evidence": base64.b64encode(raw).decode(),
                "certificate": base64.b64encode(pem).decode(), **changes}  # fmt: skip


def evidence(*entries: Mapping[str, str]) -> Evidence:
    return Evidence("nvidia", json.dumps(entries).encode())


@functools.cache
def shared_vendor() -> Vendor:
    return Vendor()
