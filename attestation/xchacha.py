"""XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha §2.3), which ``cryptography`` lacks, out of the ChaCha20 that it has."""

from __future__ import annotations

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from attestation.sealing import Fault, SealingError

KEY_BYTES, NONCE_BYTES, TAG_BYTES = 32, 24, 16


def seal(key: bytes, nonce: bytes, plaintext: bytes) -> bytes:
    """``nonce`` must be fresh: random ones of this length never meet."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16])).encrypt(bytes(4) + nonce[16:], plaintext, None)


def open_(key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
    """Raises SealingError."""
    try:
        return ChaCha20Poly1305(hchacha20(key, nonce[:16])).decrypt(bytes(4) + nonce[16:], ciphertext, None)
    except InvalidTag:
        raise SealingError(Fault.AUTHENTICITY, "a field does not open") from None


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """A ChaCha20 block is its rounds plus its input, HChaCha20 words 0-3 and 12-15 of the rounds alone (§2.2)."""
    block = struct.unpack("<16I", Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(64)))
    known = struct.unpack("<8I", b"expand 32-byte k" + nonce)
    return struct.pack("<8I", *((b - k) % 2**32 for b, k in zip(block[:4] + block[12:], known, strict=True)))
