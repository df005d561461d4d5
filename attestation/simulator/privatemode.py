"""The other side of Privatemode's secret exchange: a mesh CA, a service below it, sealed answers. Tests only."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from attestation.hpke import Sender
from attestation.privatemode.exchange import SUITE
from attestation.sealing import X25519Secret

START, END = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 12, 31, tzinfo=dt.UTC)


class Service:
    """Answers one exchange after another; ``key`` and ``id`` are those of the last."""

    def __init__(self) -> None:
        self.ca_key, self.leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.mesh_ca = self.certificate("mesh CA", self.ca_key, ca=True)
        self.leaf = self.certificate("secret-service", self.leaf_key)
        self.key, self.id = b"", ""

    def certificate(self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False, end: dt.datetime = END,
                    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH) -> bytes:  # fmt: skip
        """DER, issued by the mesh CA."""
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in (name, "mesh CA"))
        builder = x509.CertificateBuilder(issuer, subject, key.public_key(), 1 + ca, START, end)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        if usage is not None and not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        return builder.sign(self.ca_key, hashes.SHA256()).public_bytes(Encoding.DER)

    def answer(self, body: bytes, **changes: Any) -> bytes:
        """``changes`` replace members of the answer."""
        public = base64.b64decode(json.loads(body)["PublicKey"])
        enc, shared = encapsulate(public)
        self.key = Sender(SUITE, shared, b"", None, enc).export(b"", 32)
        self.id = base64.b64encode(hashlib.sha256(public).digest()).decode()
        signature = self.leaf_key.sign(public + enc, ec.ECDSA(hashes.SHA256()))
        raw = {"EncapsulatedKey": enc, "Signature": signature, "MeshCert": self.leaf} | changes
        texts = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in raw.items()}
        return json.dumps(texts).encode()

    def open(self, text: str, number: int) -> bytes:
        name, nonce, iv, sealed = text.split(":")
        assert name == self.id
        aad = bytes.fromhex(nonce) + number.to_bytes(4, "little")
        return AESGCM(self.key).decrypt(bytes.fromhex(iv), bytes.fromhex(sealed), aad)

    def seal(self, request: str, value: bytes, number: int) -> str:
        """A value of the answer to ``request``, one of its sealed values."""
        nonce, iv = request.split(":")[1], os.urandom(12)
        sealed = AESGCM(self.key).encrypt(iv, value, bytes.fromhex(nonce) + number.to_bytes(4, "little"))
        return f"{self.id}:{nonce}:{iv.hex()}:{sealed.hex()}"


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """X-Wing's Encapsulate: (enc, shared secret)."""
    ephemeral = X25519Secret()
    secret, ciphertext = MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
    parts = (secret, ephemeral.shared(public[1184:]), ephemeral.public, public[1184:], b"\\.//^\\")
    return ciphertext + ephemeral.public, hashlib.sha3_256(b"".join(parts)).digest()
