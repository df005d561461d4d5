"""The enclave's side of signed answers (dstack, NEAR) and receipts (ACI). For tests and simulated enclaves only."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.aci.documents import API_VERSION, keyset_digest
from attestation.jcs import canonical
from attestation.signatures import N, address_of, ethereum_digest, recover


class Signer:
    """Signs answers with one key. ``attested`` is what evidence binds of it: the Ed25519 key, or an address."""

    def __init__(
        self, algo: str, ed25519: Ed25519PrivateKey | None = None, secp256k1: ec.EllipticCurvePrivateKey | None = None
    ) -> None:
        self.algo = algo
        if algo == "ed25519":
            self._ed25519 = ed25519 or Ed25519PrivateKey.generate()
            self.public = self.attested = self._ed25519.public_key().public_bytes_raw()
        else:
            self._secp = secp256k1 or ec.generate_private_key(ec.SECP256K1())
            point = self._secp.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            self.public = point[1:]
            self.attested = address_of(point)

    def sign(self, text: str) -> dict[str, Any]:
        """As ``GET /v1/signature/{id}`` answers."""
        signature = self._ed25519.sign(text.encode()).hex() if self.algo == "ed25519" else self._ethereum(text)
        named = self.attested.hex() if self.algo == "ed25519" else "0x" + self.attested.hex()
        return {"text": text, "signature": signature, "signing_address": named, "signing_algo": self.algo}

    def _ethereum(self, text: str) -> str:
        digest = ethereum_digest(text.encode())
        r, s = decode_dss_signature(self._secp.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        s = min(s, N - s)
        plain = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        v = next(v for v in (27, 28) if recover(plain + bytes((v,)), digest) == self.public)
        return "0x" + plain.hex() + f"{v:02x}"


class ReceiptKey:
    """Signs ACI receipts under ``key_id``."""

    def __init__(self, key_id: str = "receipt-1") -> None:
        self.key_id = key_id
        self.key = Ed25519PrivateKey.generate()

    @property
    def entry(self) -> dict[str, str]:
        """As a keyset lists it."""
        public = self.key.public_key().public_bytes_raw().hex()
        return {"key_id": self.key_id, "algo": "ed25519", "public_key": public}

    def receipt(self, keyset: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """``fields`` are the document's own beside version, keyset, key and signature."""
        unsigned = {
            "api_version": API_VERSION, "workload_keyset_digest": keyset_digest(keyset), "key_id": self.key_id, **fields
        }  # fmt: skip
        return {**unsigned, "signature": self.key.sign(canonical(unsigned)).hex()}
