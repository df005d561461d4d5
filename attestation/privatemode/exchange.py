"""Privatemode's secret exchange (attestation.md §5.3): our X-Wing key out, a key encapsulated to it back, signed by a
service of the deployment.

Not in the send path. It proves that whoever holds a certificate of the mesh CA answered this question; which manifest
that CA stands for is the attestation's business, and which workload of it answered, nobody says.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from attestation import strictjson
from attestation.encodings import base64_bytes
from attestation.hpke import Aead, Kem, Receiver, Suite
from attestation.paths import check_path, ends, load_path
from attestation.sealing import Fault, SealingError, Uncopyable, X25519Secret
from attestation.types import Check, Malformed, require
from attestation.x509 import MAX_CERTIFICATE_BYTES, check, extension_of

PATH = "/privatemode/v1/secret"
SUITE = Suite(Kem.X_WING, Aead.EXPORT_ONLY)
MAX_ANSWER_BYTES, MAX_SIGNATURE_BYTES = 64 * 1024, 256
_ML_KEM_PUBLIC, _ML_KEM_CIPHERTEXT, _X25519 = 1184, 1088, 32
PUBLIC_BYTES, ENCAPSULATED_BYTES = _ML_KEM_PUBLIC + _X25519, _ML_KEM_CIPHERTEXT + _X25519
_LABEL = b"\\.//^\\"  # draft-connolly-cfrg-xwing-kem §5.3


class XWing(Uncopyable):
    """A fresh X-Wing key (ML-KEM-768 with X25519; draft-connolly-cfrg-xwing-kem)."""

    __slots__ = ("_ml_kem", "_x25519", "public")

    def __init__(self) -> None:
        self._ml_kem = MLKEM768PrivateKey.generate()
        self._x25519 = X25519Secret()
        self.public: bytes = self._ml_kem.public_key().public_bytes_raw() + self._x25519.public

    def shared(self, enc: bytes) -> bytes:
        """The secret that was encapsulated. Raises SealingError. A wrong ML-KEM ciphertext gives another secret, as
        ML-KEM rejects implicitly: it shows when nothing opens."""
        if len(enc) != ENCAPSULATED_BYTES:
            raise SealingError(Fault.KEY, f"an encapsulated key has {ENCAPSULATED_BYTES} bytes")
        ciphertext, point = enc[:_ML_KEM_CIPHERTEXT], enc[_ML_KEM_CIPHERTEXT:]
        parts = (self._ml_kem.decapsulate(ciphertext), self._x25519.shared(point), point, self._x25519.public, _LABEL)
        return hashlib.sha3_256(b"".join(parts)).digest()


@dataclass(frozen=True, slots=True)
class InferenceSecret:
    """``id`` tells the deployment which key; it is a hash of our public key."""

    id: str
    key: bytes = field(repr=False)
    not_after: dt.datetime


class SecretExchange(Uncopyable):
    """One question and its answer."""

    __slots__ = ("_key",)

    def __init__(self) -> None:
        self._key = XWing()

    @property
    def body(self) -> bytes:
        """What is posted to :data:`PATH`."""
        return json.dumps({"PublicKey": base64.b64encode(self._key.public).decode()}).encode()

    def finish(self, answer: bytes, mesh_ca: bytes, now: dt.datetime) -> InferenceSecret:
        """``mesh_ca`` (DER) is the one that attestation proved. Raises Malformed, Rejected with every failed check, or
        SealingError."""
        body = strictjson.load_object(answer, MAX_ANSWER_BYTES, "the answer")
        if set(body) != {"EncapsulatedKey", "Signature", "MeshCert"}:
            raise Malformed("the answer lacks a member, or has one that is not known")
        enc = base64_bytes(body["EncapsulatedKey"], "the encapsulated key", ENCAPSULATED_BYTES)
        signature = base64_bytes(body["Signature"], "the signature", MAX_SIGNATURE_BYTES)
        path = load_path((base64_bytes(body["MeshCert"], "the certificate", MAX_CERTIFICATE_BYTES), mesh_ca))
        require(
            (
                *check_mesh_path(path, now),
                check("secret.signature", _signed(path[0], signature, self._key.public + enc), "by the mesh key"),
            )
        )
        secret = Receiver(SUITE, self._key.shared(enc), b"", None).export(b"", 32)
        name = base64.b64encode(hashlib.sha256(self._key.public).digest()).decode()
        return InferenceSecret(name, secret, ends(path))


def check_mesh_path(path: tuple[x509.Certificate, ...], now: dt.datetime) -> tuple[Check, ...]:
    """That the mesh CA, which signs itself, issued this service's certificate."""
    usage = extension_of(path[0], x509.ExtendedKeyUsage)
    server = usage is None or ExtendedKeyUsageOID.SERVER_AUTH in usage
    return (
        *check_path("mesh", path, frozenset({path[-1].public_bytes(Encoding.DER)}), now),
        check("mesh.usage", server, "a service's certificate is one of a server"),
    )


def _signed(certificate: x509.Certificate, signature: bytes, data: bytes) -> bool:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
