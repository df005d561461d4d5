"""ACI's end-to-end encryption, version 2 (private-ai-gateway ``spec/e2ee-v2.md``): single fields of a JSON body.

Every field has a fresh key and is bound to its place, the model, the request's nonce and time, and the answer's id.
Which fields are sealed is the caller's choice; the others leave as they are. **The order and the completeness of a
stream are not protected here**: pieces of one field in one answer share their associated data; only the signed receipt
covers them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from attestation.jcs import canonical
from attestation.sealing import (
    CurveSecret,
    Fault,
    SealingError,
    Secret,
    Uncopyable,
    X25519Secret,
    check_x25519,
    from_hex,
    load_point,
    one_header,
)
from attestation.types import Malformed

VERSION = "2"
MAX_FIELD = 32 * 1024 * 1024
MAX_FIELDS = 200_000
"""Fields opened per answer: what remembering them against replay may cost."""


class Algo(StrEnum):
    X25519 = "x25519-aes-256-gcm-hkdf-sha256"
    SECP256K1 = "secp256k1-aes-256-gcm-hkdf-sha256"


_INFO = {Algo.X25519: b"aci.e2ee.v2.x25519", Algo.SECP256K1: b"aci.e2ee.v2.secp256k1"}
_POINT_BYTES = {Algo.X25519: 32, Algo.SECP256K1: 65}


class FieldExchange(Uncopyable):
    """One request and its answer. ``service_key`` (lower-case hex) and ``algo`` must come out of an attested keyset,
    ``timestamp`` is Unix seconds now; the service refuses five minutes' difference.
    """

    __slots__ = ("_algo", "_client", "_model", "_nonce", "_opened", "_service", "_timestamp")

    def __init__(self, algo: str, service_key: str, model: str, timestamp: int) -> None:
        try:
            self._algo = Algo(algo)
        except ValueError:
            raise SealingError(Fault.SUITE, "an algorithm that E2EE v2 does not have") from None
        self._service = parse_key(self._algo, service_key)
        self._client = new_secret(self._algo)
        self._model, self._timestamp = model, timestamp
        self._nonce = os.urandom(32).hex()
        self._opened: set[bytes] = set()

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-E2EE-Version": VERSION,
            "X-Client-Pub-Key": self._client.public.hex(),
            "X-Model-Pub-Key": self._service.hex(),
            "X-E2EE-Nonce": self._nonce,
            "X-E2EE-Timestamp": str(self._timestamp),
        }

    def seal(self, field: str, plaintext: bytes) -> str:
        """The value to put at ``field`` (``messages.0.content``) of the request."""
        aad = request_aad(self._algo, self._model, field, self._nonce, self._timestamp)
        return seal_field(self._algo, self._service, plaintext, aad)

    def require_sealed(self, headers: Iterable[tuple[str, str]]) -> None:
        """Raises SealingError unless the answer says that it is sealed so. Only a hint: fields that do not open fail
        anyway, and a reader must open every field that holds content.
        """
        head = list(headers)
        wanted = (("x-e2ee-applied", "true"), ("x-e2ee-version", VERSION), ("x-e2ee-algo", self._algo.value))
        if any(one_header(head, name) != value for name, value in wanted):
            raise SealingError(Fault.UNSEALED, "the answer does not say that it is sealed with our suite")

    def open(self, field: str, value: str, response_id: str = "") -> bytes:
        """What stands at ``field`` of the answer with ``response_id``. Raises SealingError, also for a repeat."""
        aad = response_aad(self._algo, self._model, field, self._nonce, self._timestamp, response_id)
        if len(self._opened) >= MAX_FIELDS:
            raise SealingError(Fault.SEQUENCE, f"an answer of more than {MAX_FIELDS} fields")
        plaintext = open_field(self._algo, self._client, value, aad)
        # Not the point before it: others share its secret (the negative one of secp256k1, seven more of X25519), and
        # anybody can put one of them in its place. The rest cannot be changed, and no two fields have it alike.
        rest = hashlib.sha256(value[2 * _POINT_BYTES[self._algo] :].encode()).digest()
        if rest in self._opened:
            raise SealingError(Fault.AUTHENTICITY, "a field came twice")
        self._opened.add(rest)
        return plaintext


def parse_key(algo: Algo, text: str) -> bytes:
    """A public key as keysets write it. Raises SealingError."""
    raw = from_hex(text.removeprefix("0x"), Fault.KEY, "a service key")
    if algo is Algo.X25519:
        return check_x25519(raw)
    raw = b"\4" + raw if len(raw) == 64 else raw
    load_point(ec.SECP256K1(), raw)
    return raw


def new_secret(algo: Algo) -> Secret:
    return X25519Secret() if algo is Algo.X25519 else CurveSecret(ec.SECP256K1())


def request_aad(algo: Algo, model: str, field: str, nonce: str, timestamp: int) -> bytes:
    return _aad("aci.e2ee.request.v2", algo, model, field, nonce, timestamp, {})


def response_aad(algo: Algo, model: str, field: str, nonce: str, timestamp: int, response_id: str) -> bytes:
    return _aad("aci.e2ee.response.v2", algo, model, field, nonce, timestamp, {"id": response_id})


def seal_field(algo: Algo, to: bytes, plaintext: bytes, aad: bytes) -> str:
    """Seals to ``to`` with a fresh key and nonce. Raises SealingError."""
    if len(plaintext) > MAX_FIELD:
        raise SealingError(Fault.INPUT, f"a field of more than {MAX_FIELD} bytes")
    ephemeral, nonce = new_secret(algo), os.urandom(12)
    key = _key(algo, ephemeral.shared(to))
    return (ephemeral.public + nonce + AESGCM(key).encrypt(nonce, plaintext, aad)).hex()


def open_field(algo: Algo, secret: Secret, value: str, aad: bytes) -> bytes:
    """Raises SealingError."""
    if len(value) > 2 * (MAX_FIELD + 93):
        raise SealingError(Fault.FRAME, f"a field of more than {MAX_FIELD} bytes")
    raw, size = from_hex(value, Fault.FRAME, "a sealed field"), _POINT_BYTES[algo]
    if len(raw) < size + 12 + 16:
        raise SealingError(Fault.FRAME, "a sealed field is too short")
    key = _key(algo, secret.shared(raw[:size]))
    try:
        return AESGCM(key).decrypt(raw[size : size + 12], raw[size + 12 :], aad)
    except InvalidTag:
        raise SealingError(Fault.AUTHENTICITY, "a field does not open") from None


def _key(algo: Algo, shared: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, _INFO[algo]).derive(shared)


def _aad(purpose: str, algo: Algo, model: str, field: str, nonce: str, ts: int, more: dict[str, str]) -> bytes:
    context = {"purpose": purpose, "algo": algo.value, "model": model, "field": field, "nonce": nonce, "ts": ts, **more}
    try:
        return canonical(context)
    except Malformed:
        raise SealingError(Fault.INPUT, "a model, field or id that is no text") from None
