"""Software confidential VMs of Azure's form: runtime data named by a simulated report, a TPM key, signed quotes.

For tests and the demo. Opens no connection and reads no clock.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from attestation.simulator.snp import Platform
from attestation.simulator.tokens import base64url
from attestation.types import Evidence

NONCE = b"nonce-of-the-gate"
PCRS: Mapping[int, bytes] = {i: bytes([0x70 + i]) * 32 for i in range(8)}


class VirtualTpm:
    """An attestation key. RSA keys take a moment to make: keep it."""

    def __init__(self, bits: int = 2048) -> None:
        self.key = rsa.generate_private_key(65537, bits)

    def jwk(self, kid: str = "HCLAkPub") -> dict[str, Any]:
        n = self.key.public_key().public_numbers()
        size = (n.n.bit_length() + 7) // 8
        return {"kid": kid, "kty": "RSA", "e": "AQAB", "n": base64url(n.n.to_bytes(size, "big")).decode()}

    def parts(
        self, nonce: bytes = NONCE, pcrs: Mapping[int, bytes] = PCRS, shown: Mapping[int, bytes] | None = None,
        **changes: bytes,
    ) -> dict[str, bytes]:  # fmt: skip
        """A quote, its signature and the registers; ``shown`` are other registers than the quoted ones."""
        digest = hashlib.sha256(b"".join(pcrs[i] for i in sorted(pcrs))).digest()
        selected = sum(1 << i for i in pcrs).to_bytes(3, "little")
        message = bytes.fromhex("ff5443478018") + _sized(b"\0\x0b" + bytes(32)) + _sized(nonce) + bytes(25)
        message += bytes.fromhex("00000001000b03") + selected + _sized(digest)
        message = changes.get("message", message)
        signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        values = pcrs if shown is None else shown
        registers = b"".join(values[i] for i in sorted(values))
        return {"tpm_quote": message, "tpm_signature": signature, "tpm_pcrs": registers}


def runtime(tpm: VirtualTpm, **changes: Any) -> bytes:
    body = {"keys": [tpm.jwk(), tpm.jwk("HCLEkPub")], "vm-configuration": {"secure-boot": True, "tpm-enabled": True},
            "user-data": "00" * 64}  # fmt: skip
    return json.dumps(body | changes).encode()


def snp_machine(platform: Platform, data: bytes, parts: Mapping[str, bytes] | None = None) -> Evidence:
    """A confidential VM on SEV-SNP whose report names ``data``."""
    found = platform.evidence(hashlib.sha256(data).digest() + bytes(32))
    return Evidence("azure-snp", found.report, found.certificates, {"runtime": data, **(parts or {})})


def hcl_blob(report: bytes, data: bytes, kind: int = 2) -> bytes:
    """The container that the machine's firmware makes."""
    end = 0x4C0 + 20 + len(data)
    head = b"HCLA" + b"".join(n.to_bytes(4, "little") for n in (2, end, 2)) + bytes(16)
    inner = b"".join(n.to_bytes(4, "little") for n in (len(data) + 20, 1, kind, 1, len(data)))
    return (head + report + inner + data).ljust(2600, b"\0")


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


@functools.cache
def shared_tpm() -> VirtualTpm:
    return VirtualTpm()
