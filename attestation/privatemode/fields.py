"""Privatemode's encryption of single JSON values (attestation.md §5.3): ``id:nonce:iv:ciphertext``, AES-256-GCM.

Not in the send path. One :class:`FieldExchange` per request. The associated data hold the exchange's nonce and the
value's number, so that values cannot be swapped, repeated or moved to another exchange; **a value that is left out at
the end is not noticed**, and which values are encrypted at all is the caller's choice.
"""

from __future__ import annotations

import base64
import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from attestation.privatemode.exchange import InferenceSecret
from attestation.sealing import Fault, SealingError, Uncopyable, from_hex

NONCE_BYTES, KEY_BYTES = 12, 32
MAX_VALUES = 2**32 - 1
MAX_VALUE_BYTES = 32 * 1024 * 1024
NO_SECRET = "no secret for ID"  # noqa: S105 -- an error's text
"""What an answer says when the deployment has forgotten our secret: a reason to exchange a new one, nothing else."""
OCSP_RULES = ("allow-good", "allow-unknown", "allow-revoked")
_ID = re.compile(r"[A-Za-z0-9+/]{43}=")


class FieldExchange(Uncopyable):
    """Seals the values of one request, then opens those of its answer, both in order from 0."""

    __slots__ = ("_cipher", "_id", "_nonce", "_opened", "_sealed")

    def __init__(self, secret: InferenceSecret) -> None:
        if len(secret.key) != KEY_BYTES or not _is_id(secret.id):
            raise SealingError(Fault.INPUT, "a secret has 32 bytes and the id of a hash")
        self._cipher = AESGCM(secret.key)
        self._id = secret.id
        self._nonce = os.urandom(NONCE_BYTES)
        self._sealed = self._opened = 0

    def seal(self, value: bytes) -> str:
        """The text that takes the place of the raw JSON ``value``. Raises SealingError, also after an answer began."""
        if self._opened or self._sealed >= MAX_VALUES:
            raise SealingError(Fault.SEQUENCE, "requests are sealed before answers are opened, and not for ever")
        if len(value) > MAX_VALUE_BYTES:
            raise SealingError(Fault.INPUT, f"a value of more than {MAX_VALUE_BYTES} bytes")
        iv, number = os.urandom(NONCE_BYTES), self._sealed
        self._sealed += 1
        sealed = self._cipher.encrypt(iv, value, self._bound(number))
        return f"{self._id}:{self._nonce.hex()}:{iv.hex()}:{sealed.hex()}"

    def open(self, text: str) -> bytes:
        """The next raw JSON value of the answer. Raises SealingError."""
        if len(text) > 2 * MAX_VALUE_BYTES:
            raise SealingError(Fault.FRAME, f"a value of more than {MAX_VALUE_BYTES} bytes")
        parts = text.split(":")
        if len(parts) != 4:
            raise SealingError(Fault.UNSEALED, "a value of the answer is not sealed")
        nonce, iv = (from_hex(p, Fault.FRAME, "a nonce", NONCE_BYTES) for p in parts[1:3])
        sealed = from_hex(parts[3], Fault.FRAME, "a value")
        if parts[0] != self._id or nonce != self._nonce:  # neither is secret
            raise SealingError(Fault.AUTHENTICITY, "a value of another exchange")
        try:
            value = self._cipher.decrypt(iv, sealed, self._bound(self._opened))
        except InvalidTag:
            raise SealingError(Fault.AUTHENTICITY, "a value does not open") from None
        self._opened += 1
        return value

    def _bound(self, number: int) -> bytes:
        return self._nonce + number.to_bytes(4, "little")


def _is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text)) and base64.b64encode(base64.b64decode(text)).decode() == text


def ocsp_headers(secret: InferenceSecret, rules: tuple[str, ...], revoked_before: int) -> dict[str, str]:
    """Which states of a GPU's certificate the deployment may accept for us, under a MAC of our secret.

    ``revoked_before`` is in seconds since 1970. Raises SealingError for rules that are empty or not known.
    """
    if not rules or not set(rules) <= set(OCSP_RULES) or revoked_before < 0:
        raise SealingError(Fault.INPUT, "the rules must be some of those that are known")
    policy = f"rules={','.join(rules)}; revocation-time-not-before={revoked_before}"
    mac = hmac.digest(secret.key, policy.encode(), "sha256").hex()
    return {"Privatemode-NVIDIA-OCSP-Policy": policy, "Privatemode-NVIDIA-OCSP-Policy-MAC": mac}
