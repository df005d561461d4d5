"""A software Nitro hypervisor: its own root, a short-lived leaf, signed documents whose parts can be made wrong.

For tests and the demo; claims made under its root say ``simulated``. Opens no connection and reads no clock.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.nitro.document import PROTECTED
from attestation.simulator import pki
from attestation.simulator.cborwriter import dump
from attestation.trust import SimulatedTrust
from attestation.types import Evidence

PCRS: Mapping[int, bytes] = {i: (bytes((0x51, i)) * 24 if i < 5 else bytes(48)) for i in range(16)}


class Hypervisor:
    """One simulated vendor: root, zone and the leaf that signs."""

    def __init__(self) -> None:
        self.root_key, self.zone_key, self.key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(3))
        self.root_name = pki.name("simulated.nitro-enclaves", "Sealgate Simulator")
        self.zone_name = pki.name("zone.simulated", "Sealgate Simulator")
        self.root = pki.issue(self.root_name, self.root_key.public_key(), self.root_name, self.root_key, ca=True)
        self.zone = pki.issue(self.zone_name, self.zone_key.public_key(), self.root_name, self.root_key, ca=True)
        self.leaf = self.make_leaf()

    def make_leaf(self, end: dt.datetime = pki.END, key: pki.PublicKey | None = None, *, ca: bool = False) -> bytes:
        name = pki.name("i-simulated", "Sealgate Simulator")
        return pki.issue(
            name, key or self.key.public_key(), self.zone_name, self.zone_key, end=end, ca=ca, cert_sign=ca
        )

    @property
    def trust(self) -> SimulatedTrust:
        return SimulatedTrust(self.root)

    def fields(self, now: dt.datetime, **changes: object) -> dict[str, object]:
        """The payload of an honest document; a change of None-able fields or of any other replaces it."""
        return {
            "module_id": "i-simulated-enc0",
            "digest": "SHA384",
            "timestamp": int(now.timestamp() * 1000),
            "pcrs": PCRS,
            "certificate": self.leaf,
            "cabundle": [self.root, self.zone],
            "public_key": None,
            "user_data": None,
            "nonce": None,
        } | changes

    def sign(self, payload: bytes, *, protected: bytes = PROTECTED, unprotected: object = None) -> bytes:
        """A COSE_Sign1 around ``payload``, whatever that is."""
        signed = dump(["Signature1", protected, b"", payload])
        r, s = utils.decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA384())))
        return dump([protected, unprotected or {}, payload, r.to_bytes(48, "big") + s.to_bytes(48, "big")])

    def document(self, now: dt.datetime, **changes: object) -> bytes:
        return self.sign(dump(self.fields(now, **changes)))

    def evidence(self, now: dt.datetime, **changes: object) -> Evidence:
        return Evidence("nitro", self.document(now, **changes))


@functools.cache
def shared_hypervisor() -> Hypervisor:
    """One per process, since making keys takes a moment."""
    return Hypervisor()
