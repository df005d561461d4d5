"""A software SEV-SNP platform: its own root, intermediate, chip keys, signed reports and revocation lists.

For tests and the demo. The formats are AMD's, the trust is not: the root has a type of its own
(:class:`attestation.trust.SimulatedTrust`) and claims made under it say ``simulated``. It opens no connection and reads
no clock.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils

from attestation.simulator import pki
from attestation.snp.report import (
    ECDSA_P384_SHA384,
    POLICY_RESERVED_ONE,
    POLICY_SMT,
    REPORT_BYTES,
    SIGNED_BYTES,
    TCB_LAYOUTS,
)
from attestation.snp.vcek import AMD_OID
from attestation.trust import SimulatedTrust
from attestation.types import Evidence
from attestation.wire import SEALGATE_SNP

SIMULATOR = "Sealgate Simulator"
VENDOR = "Advanced Micro Devices"
CPUID: Mapping[str, bytes] = {"Milan": b"\x19\x01\x01", "Genoa": b"\x19\x11\x01", "Turin": b"\x1a\x02\x01"}
TCB: Mapping[str, int] = {"fmc": 1, "bootloader": 10, "tee": 1, "snp": 23, "microcode": 184}
OLD_TCB: Mapping[str, int] = {"fmc": 0, "bootloader": 2, "tee": 0, "snp": 5, "microcode": 68}
MEASUREMENT = bytes.fromhex("5ea1") * 24
POLICY = POLICY_SMT | POLICY_RESERVED_ONE
ASK_SERIAL = 0x20002

_TCB_OIDS: Mapping[str, str] = {"bootloader": "3.1", "tee": "3.2", "snp": "3.3", "microcode": "3.8", "fmc": "3.9"}


@dataclass(frozen=True, slots=True)
class Guest:
    """What a report says about the guest and its host; a product takes its own components out of ``tcb``."""

    measurement: bytes = MEASUREMENT
    policy: int = POLICY
    vmpl: int = 0
    tcb: Mapping[str, int] = field(default_factory=lambda: TCB)
    version: int = 3


@dataclass(frozen=True, slots=True)
class Chip:
    """A chip's signing key and its certificate (DER), endorsed for one TCB."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: bytes = field(repr=False)
    chip_id: bytes


class Platform:
    """One simulated vendor with one product. Its RSA keys take a moment to make: keep it.

    ``organisation`` is written into every name, so that a false vendor can carry the real one's.
    """

    def __init__(self, product: str = "Genoa", organisation: str = SIMULATOR) -> None:
        self.product = product
        self._organisation = organisation
        self.root_key = rsa.generate_private_key(65537, pki.RSA_BITS)
        self.ask_key = rsa.generate_private_key(65537, pki.RSA_BITS)
        self.root_name = pki.name(f"ARK-{product}", organisation)
        self.ask_name = pki.name(f"SEV-{product}", organisation)
        root_key, ask_key = self.root_key.public_key(), self.ask_key.public_key()
        self.root = pki.issue(self.root_name, root_key, self.root_name, self.root_key, serial=0x20000, ca=True)
        self.ask = pki.issue(self.ask_name, ask_key, self.root_name, self.root_key, serial=ASK_SERIAL, ca=True)
        self.chip = self.make_chip()

    @property
    def trust(self) -> SimulatedTrust:
        """What verification needs to accept this platform, as simulated."""
        return SimulatedTrust(self.root)

    def make_chip(
        self, *, tcb: Mapping[str, int] = TCB, chip_id: bytes | None = None, end: dt.datetime = pki.END
    ) -> Chip:
        """A VCEK for ``tcb`` on a new chip, or on the one with ``chip_id``."""
        size = 8 if self.product == "Turin" else 64
        hwid = b"\1" + secrets.token_bytes(size - 1) if chip_id is None else chip_id[:size]
        key = ec.generate_private_key(ec.SECP384R1())
        certificate = pki.issue(
            pki.name("SEV-VCEK", self._organisation),
            key.public_key(),
            self.ask_name,
            self.ask_key,
            end=end,
            extensions=vcek_extensions(self.product, tcb, hwid),
        )
        return Chip(key, certificate, hwid.ljust(64, b"\0"))

    def report(self, report_data: bytes, guest: Guest | None = None, chip: Chip | None = None) -> bytes:
        """A signed report on ``chip`` of ``guest``, which asked for these 64 bytes of report data."""
        guest, chip = guest or Guest(), chip or self.chip
        raw = bytearray(REPORT_BYTES)
        tcb = bytearray(8)
        for name, offset in TCB_LAYOUTS[self.product].items():
            tcb[offset] = guest.tcb[name]
        _put(raw, 0x00, guest.version, 4)
        _put(raw, 0x08, guest.policy, 8)
        _put(raw, 0x30, guest.vmpl, 4)
        _put(raw, 0x34, ECDSA_P384_SHA384, 4)
        _put(raw, 0x40, 0x21, 8)  # SMT on, memory aliasing checked
        for offset in (0x38, 0x180, 0x1E0, 0x1F0):
            raw[offset : offset + 8] = tcb
        raw[0x50:0x90] = report_data[:64].ljust(64, b"\0")
        raw[0x90:0xC0] = guest.measurement
        raw[0x140:0x160] = hashlib.sha256(guest.measurement + chip.chip_id).digest()
        raw[0x160:0x180] = b"\xff" * 32
        if guest.version >= 3:
            raw[0x188:0x18B] = CPUID[self.product]
        raw[0x1A0:0x1E0] = chip.chip_id
        raw[0x1E8:0x1EB] = raw[0x1EC:0x1EF] = bytes((40, 55, 1))
        return sign(bytes(raw), chip)

    def evidence(self, report_data: bytes, guest: Guest | None = None, chip: Chip | None = None) -> Evidence:
        """A report with its chain, as an honest enclave sends it."""
        chip = chip or self.chip
        chain = (chip.certificate, self.ask, self.root)
        return Evidence(SEALGATE_SNP, self.report(report_data, guest, chip), chain)

    def crl(self, revoked: tuple[int, ...] = (), **how: Any) -> bytes:
        """The root's revocation list (DER) with these serial numbers; ``ASK_SERIAL`` is the intermediate's."""
        return pki.revocation_list(self.root_name, self.root_key, revoked, **how)


def vcek_extensions(product: str, tcb: Mapping[str, int], hwid: bytes) -> dict[str, bytes]:
    """The extensions of a VCEK by OID, as AMD encodes them."""
    label = product.encode()
    values = {"1": b"\x02\x01\x00", "2": bytes((0x16, len(label))) + label}
    values |= {_TCB_OIDS[component]: _integer(tcb[component]) for component in TCB_LAYOUTS[product]}
    return {AMD_OID + oid: value for oid, value in {**values, "4": hwid}.items()}


def sign(raw: bytes, chip: Chip) -> bytes:
    """``raw`` with its signed part signed by ``chip``, so that a changed report can be made genuine again."""
    signature = chip.key.sign(raw[:SIGNED_BYTES], ec.ECDSA(hashes.SHA384()))
    r, s = utils.decode_dss_signature(signature)
    tail = bytes(REPORT_BYTES - SIGNED_BYTES - 144)
    return raw[:SIGNED_BYTES] + r.to_bytes(72, "little") + s.to_bytes(72, "little") + tail


@functools.cache
def shared_platform(organisation: str = SIMULATOR) -> Platform:
    """One platform per process and organisation, since making keys is slow."""
    return Platform(organisation=organisation)


def _put(raw: bytearray, offset: int, value: int, size: int) -> None:
    raw[offset : offset + size] = value.to_bytes(size, "little")


def _integer(value: int) -> bytes:
    return bytes((2, 1, value)) if value < 0x80 else bytes((2, 2, 0, value))
