"""NEAR AI's encryption of single fields (attestation.md §5.2), also spoken by dstack's inference proxies.

Sealed to the signing key that the report binds: to an Ed25519 key by version 2, to a secp256k1 key by the format before
it, which has no number: a request that names one is opened as version 2 and fails. Keys of secp256k1 travel as X || Y.
**No associated data**: a field that opens was sealed to this request's key, but whoever relays may swap, repeat, drop
or reorder fields, and the model's name is not bound at all. It keeps content from a relay and proves nothing about
where it stands; it must not be the only binding of a provider.
"""

from __future__ import annotations

import hashlib
import os
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from attestation import xchacha
from attestation.sealing import (
    P25519,
    CurveSecret,
    Fault,
    SealingError,
    Secret,
    Uncopyable,
    X25519Secret,
    check_x25519,
    from_hex,
    load_point,
)

MAX_FIELD = 32 * 1024 * 1024
_D = -121665 * pow(121666, -1, P25519) % P25519


class Algo(StrEnum):
    ED25519 = "ed25519"
    ECDSA = "ecdsa"


class Identity(Uncopyable):
    """A signing key whose owner can open what is sealed to it. The signature key itself never signs."""

    __slots__ = ("algo", "public", "secret")

    def __init__(self, algo: Algo) -> None:
        self.algo = algo
        self.secret: Secret
        if algo is Algo.ED25519:
            key = Ed25519PrivateKey.generate()
            self.public = key.public_key().public_bytes_raw()
            scalar = hashlib.sha512(key.private_bytes_raw()).digest()[:32]  # RFC 8032 §5.1.5; X25519 clamps it itself
            self.secret = X25519Secret(X25519PrivateKey.from_private_bytes(scalar))
        else:
            self.secret = CurveSecret(ec.SECP256K1())
            self.public = self.secret.public[1:]


class FieldExchange(Uncopyable):
    """One request and its answer. ``model_key`` (lower-case hex) must be the one that the evidence binds."""

    __slots__ = ("_client", "_model_key", "_to")

    def __init__(self, algo: str, model_key: str) -> None:
        try:
            chosen = Algo(algo)
        except ValueError:
            raise SealingError(Fault.SUITE, "a signing algorithm that cannot be sealed to") from None
        self._model_key = from_hex(model_key.removeprefix("0x"), Fault.KEY, "a signing key")
        self._to = sealing_key(chosen, self._model_key)
        self._client = Identity(chosen)

    @property
    def headers(self) -> dict[str, str]:
        said = {
            "x-signing-algo": self._client.algo.value,
            "x-client-pub-key": self._client.public.hex(),
            "x-model-pub-key": self._model_key.hex(),
            "x-encrypt-all-fields": "true",
            "x-no-aliasing": "true",
        }
        return said if self._client.algo is Algo.ECDSA else {**said, "x-encryption-version": "2"}

    def seal(self, plaintext: bytes) -> str:
        return seal_field(self._client.algo, self._to, plaintext)

    def open(self, value: str) -> bytes:
        """Raises SealingError. An empty field comes as empty text, so that anybody on the way can empty a field."""
        return open_field(self._client.algo, self._client.secret, value) if value else b""


def sealing_key(algo: Algo, signing_key: bytes) -> bytes:
    """The key-agreement key of a signing key: Ed25519, or secp256k1 with its first byte (65) or without (64). Raises
    SealingError."""
    if algo is Algo.ED25519:
        return montgomery(signing_key)
    raw = b"\4" + signing_key if len(signing_key) == 64 else signing_key
    load_point(ec.SECP256K1(), raw)
    return raw


def montgomery(ed25519: bytes) -> bytes:
    """An Ed25519 key as X25519 key, ``u = (1 + y) / (1 - y)`` (RFC 7748 §4.1). Public values only."""
    y = int.from_bytes(ed25519, "little") & (2**255 - 1)
    if len(ed25519) != 32 or y >= P25519 or y == 1:
        raise SealingError(Fault.KEY, "no Ed25519 key")
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P25519) % P25519  # x squared (RFC 8032 §5.1.3)
    if pow(square, (P25519 - 1) // 2, P25519) != 1:
        raise SealingError(Fault.KEY, "an Ed25519 key that is not on its curve")
    u = (1 + y) * pow(1 - y, -1, P25519) % P25519
    return check_x25519(u.to_bytes(32, "little"))


def seal_field(algo: Algo, to: bytes, plaintext: bytes) -> str:
    """Seals to the key-agreement key ``to``, with a fresh key and nonce."""
    if len(plaintext) > MAX_FIELD:
        raise SealingError(Fault.INPUT, f"a field of more than {MAX_FIELD} bytes")
    if algo is Algo.ED25519:
        ephemeral: Secret = X25519Secret()
        nonce = os.urandom(xchacha.NONCE_BYTES)
        sealed = xchacha.seal(_key(algo, ephemeral.shared(to)), nonce, plaintext)
    else:
        ephemeral, nonce = CurveSecret(ec.SECP256K1()), os.urandom(12)
        sealed = AESGCM(_key(algo, ephemeral.shared(to))).encrypt(nonce, plaintext, None)
    return (ephemeral.public + nonce + sealed).hex()


def open_field(algo: Algo, secret: Secret, value: str) -> bytes:
    """Raises SealingError."""
    if len(value) > 2 * (MAX_FIELD + 93):
        raise SealingError(Fault.FRAME, f"a field of more than {MAX_FIELD} bytes")
    raw = from_hex(value, Fault.FRAME, "a sealed field")
    point, nonce = (32, 24) if algo is Algo.ED25519 else (65, 12)
    if len(raw) < point + nonce + 16:
        raise SealingError(Fault.FRAME, "a sealed field is too short")
    key, head = _key(algo, secret.shared(raw[:point])), raw[point : point + nonce]
    if algo is Algo.ED25519:
        return xchacha.open_(key, head, raw[point + nonce :])
    try:
        return AESGCM(key).decrypt(head, raw[point + nonce :], None)
    except InvalidTag:
        raise SealingError(Fault.AUTHENTICITY, "a field does not open") from None


def _key(algo: Algo, shared: bytes) -> bytes:
    info = b"ed25519_encryption" if algo is Algo.ED25519 else b"ecdsa_encryption"
    return HKDF(hashes.SHA256(), 32, None, info).derive(shared)
