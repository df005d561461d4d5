"""Hybrid Public Key Encryption (RFC 9180), modes base and PSK, with sequence numbers and export.

``cryptography`` 50 has HPKE for single messages only; streams and derived answer keys need the context, so the key
schedule is here and every primitive is theirs. KDF is HKDF-SHA256 throughout. Whoever knows the public key can seal:
HPKE proves nothing about the sender, and about the recipient only what the evidence says that named the key.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from attestation.sealing import CurveSecret, Fault, SealingError, Secret, Uncopyable, X25519Secret

NONCE_BYTES = 12
MAX_SEQUENCE = 2**96 - 1
MAX_EXPORT = 255 * 32
MIN_PSK = 32
_BASE, _PSK = 0, 1


class Kem(IntEnum):
    """RFC 9180 §7.1."""

    P256 = 0x0010
    X25519 = 0x0020
    X_WING = 0x647A
    """Its shared secret enters the key schedule as it is (draft-ietf-hpke-pq §4); keys are the caller's."""


class Aead(IntEnum):
    """RFC 9180 §7.3."""

    AES_128_GCM = 1
    AES_256_GCM = 2
    CHACHA20_POLY1305 = 3
    EXPORT_ONLY = 0xFFFF


_KEY_BYTES = {Aead.AES_128_GCM: 16, Aead.AES_256_GCM: 32, Aead.CHACHA20_POLY1305: 32}


@dataclass(frozen=True, slots=True)
class Suite:
    """Both sides must name the same; there is no negotiation."""

    kem: Kem
    aead: Aead

    @property
    def id(self) -> bytes:
        return b"HPKE" + self.kem.to_bytes(2, "big") + b"\0\1" + self.aead.to_bytes(2, "big")


@dataclass(frozen=True, slots=True)
class Psk:
    """A secret that both sides already share."""

    key: bytes = field(repr=False)
    id: bytes

    def __post_init__(self) -> None:
        if len(self.key) < MIN_PSK or not self.id:  # RFC 9180 §5.1.2, §9.5
            raise SealingError(Fault.INPUT, f"a pre-shared key needs {MIN_PSK} bytes and an id")


class Nonces(Uncopyable):
    """``base XOR sequence``, each once (RFC 9180 §5.2)."""

    __slots__ = ("_base", "_sequence")

    def __init__(self, base: bytes) -> None:
        self._base = int.from_bytes(base, "big")
        self._sequence = 0

    def current(self) -> bytes:
        """Raises SealingError when none is left."""
        if self._sequence >= MAX_SEQUENCE:
            raise SealingError(Fault.SEQUENCE, "every sequence number was used")
        return (self._base ^ self._sequence).to_bytes(NONCE_BYTES, "big")

    def advance(self) -> None:
        self._sequence += 1


class _Context(Uncopyable):
    __slots__ = ("_aead", "_exporter", "_nonces", "_suite")

    def __init__(self, suite: Suite, shared: bytes, info: bytes, psk: Psk | None) -> None:
        """KeySchedule of RFC 9180 §5.1."""
        sid, (key, key_id) = suite.id, (psk.key, psk.id) if psk else (b"", b"")
        context = bytes([_PSK if psk else _BASE])
        context += _extract(sid, b"", b"psk_id_hash", key_id) + _extract(sid, b"", b"info_hash", info)
        secret = _extract(sid, shared, b"secret", key)
        self._suite = suite
        self._exporter = _expand(sid, secret, b"exp", context, 32)
        self._aead: AESGCM | ChaCha20Poly1305 | None = None
        if suite.aead is not Aead.EXPORT_ONLY:
            raw = _expand(sid, secret, b"key", context, _KEY_BYTES[suite.aead])
            self._aead = ChaCha20Poly1305(raw) if suite.aead is Aead.CHACHA20_POLY1305 else AESGCM(raw)
            self._nonces = Nonces(_expand(sid, secret, b"base_nonce", context, NONCE_BYTES))

    def export(self, context: bytes, length: int) -> bytes:
        """A secret of ``length`` bytes that only the two sides know (RFC 9180 §5.3)."""
        if not 0 < length <= MAX_EXPORT:
            raise SealingError(Fault.INPUT, f"exports have 1..{MAX_EXPORT} bytes")
        return _expand(self._suite.id, self._exporter, b"sec", context, length)

    def _cipher(self) -> AESGCM | ChaCha20Poly1305:
        if self._aead is None:
            raise SealingError(Fault.SUITE, "this suite only exports")
        return self._aead


class Sender(_Context):
    """Seals messages in order. ``enc`` goes to the recipient first."""

    __slots__ = ("enc",)

    def __init__(self, suite: Suite, shared: bytes, info: bytes, psk: Psk | None, enc: bytes) -> None:
        super().__init__(suite, shared, info, psk)
        self.enc = enc

    def seal(self, plaintext: bytes, aad: bytes = b"") -> bytes:
        """The next message. Raises SealingError when the sequence is over."""
        cipher = self._cipher()
        nonce = self._nonces.current()
        self._nonces.advance()  # before the cipher runs: whatever happens in it, this nonce is spent
        return cipher.encrypt(nonce, plaintext, aad)


class Receiver(_Context):
    """Opens messages in the order in which they were sealed. A failed one does not count (RFC 9180 §5.2)."""

    __slots__ = ()

    def open(self, ciphertext: bytes, aad: bytes = b"") -> bytes:
        """Raises SealingError for anything but the next message, unchanged."""
        plaintext = open_with(self._cipher(), self._nonces, ciphertext, aad)
        self._nonces.advance()
        return plaintext


def setup_sender(suite: Suite, public_key: bytes, info: bytes, psk: Psk | None = None) -> Sender:
    """A fresh ephemeral key, sealing to ``public_key``. Raises SealingError for a bad key."""
    return _sender(suite, public_key, info, psk, new_secret(suite.kem))


def setup_receiver(suite: Suite, enc: bytes, secret: Secret, info: bytes, psk: Psk | None = None) -> Receiver:
    """The recipient's side. Raises SealingError for a bad ``enc``."""
    shared = _kem_secret(suite.kem, secret.shared(enc), enc + secret.public)
    return Receiver(suite, shared, info, psk)


def new_secret(kem: Kem) -> Secret:
    """A fresh key of a Diffie-Hellman KEM. Raises SealingError for one that is none."""
    if kem is Kem.X_WING:
        raise SealingError(Fault.SUITE, "X-Wing is no Diffie-Hellman KEM")
    return X25519Secret() if kem is Kem.X25519 else CurveSecret(ec.SECP256R1())


def open_with(cipher: AESGCM | ChaCha20Poly1305, nonces: Nonces, ciphertext: bytes, aad: bytes) -> bytes:
    """Raises SealingError; the nonce stays the current one."""
    nonce = nonces.current()
    try:
        return cipher.decrypt(nonce, ciphertext, aad)
    except InvalidTag:  # also for what is shorter than a tag
        raise SealingError(Fault.AUTHENTICITY, "a message does not open") from None


def _sender(suite: Suite, public_key: bytes, info: bytes, psk: Psk | None, ephemeral: Secret) -> Sender:
    """An ephemeral key must never serve twice; the published vectors are the only callers that bring their own."""
    shared = _kem_secret(suite.kem, ephemeral.shared(public_key), ephemeral.public + public_key)
    return Sender(suite, shared, info, psk, ephemeral.public)


def _kem_secret(kem: Kem, dh: bytes, kem_context: bytes) -> bytes:
    """ExtractAndExpand of RFC 9180 §4.1."""
    sid = b"KEM" + kem.to_bytes(2, "big")
    return _expand(sid, _extract(sid, b"", b"eae_prk", dh), b"shared_secret", kem_context, 32)


def _extract(suite_id: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite_id + label + ikm, "sha256")


def _expand(suite_id: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite_id + label + info
    return HKDFExpand(hashes.SHA256(), length, labelled).derive(prk)
