"""Encrypted HTTP Body Protocol, the client's side (attestation.md §5.1; tinfoilsh/encrypted-http-body-protocol
SPEC.md).

One :class:`Exchange` per request: ``feed`` and ``close`` seal the request to the attested key, ``opener`` opens the
answer to exactly this request. Frames are a length and a ciphertext; their order is in the nonce. **The protocol has no
last frame**, so an answer that was cut between two frames opens well: an :class:`~attestation.endings.Ending` says from
the plaintext whether it was whole. Methods, paths and headers, ``Authorization`` among them, are not sealed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from attestation import strictjson
from attestation.endings import Ending
from attestation.hpke import NONCE_BYTES, Aead, Kem, Nonces, Suite, open_with, setup_sender
from attestation.sealing import Fault, SealingError, Uncopyable, check_x25519, from_hex, one_header
from attestation.types import Malformed

SUITE = Suite(Kem.X25519, Aead.AES_256_GCM)
KEYS_PATH = "/.well-known/hpke-keys"
KEYS_TYPE = "application/ohttp-keys"
ENCAPSULATED_KEY = "Ehbp-Encapsulated-Key"
RESPONSE_NONCE = "Ehbp-Response-Nonce"
KEY_MISMATCH = "urn:ietf:params:ehbp:error:key-config"
REQUEST_INFO, RESPONSE_LABEL = b"ehbp request", b"ehbp response"

MAX_CONFIG_BYTES = 64 * 1024
MAX_PROBLEM_BYTES = 16 * 1024
MAX_TOKEN_BYTES = 1024
MAX_REQUEST_CHUNK = 64 * 1024
"""Plaintext bytes of a frame that we write."""
MAX_FRAME = 16 * 1024 * 1024
"""Ciphertext bytes of a frame that we read; a server may write a whole answer at once."""


def parse_key_config(document: bytes, content_type: str) -> bytes:
    """The key that a server's configuration names, of the one suite we speak. Raises SealingError.

    The first configuration counts, as the protocol wants. The document proves nothing: see :func:`require_attested`.
    """
    if content_type.split(";", 1)[0].strip().lower() != KEYS_TYPE:
        raise SealingError(Fault.CONFIG, f"a key configuration has the type {KEYS_TYPE}")
    if len(document) > MAX_CONFIG_BYTES or len(document) < 3:
        raise SealingError(Fault.CONFIG, f"a key configuration has 3..{MAX_CONFIG_BYTES} bytes")
    if document[0] != 0:
        raise SealingError(Fault.CONFIG, "the key id must be 0")
    if int.from_bytes(document[1:3], "big") != SUITE.kem:
        raise SealingError(Fault.SUITE, "the KEM must be X25519")
    suites = int.from_bytes(document[35:37], "big")
    if len(document) < 37 + suites or suites == 0 or suites % 4:
        raise SealingError(Fault.CONFIG, "the key configuration is cut, or has no or half a suite")
    wanted = b"\0\1" + SUITE.aead.to_bytes(2, "big")
    if document[37 : 37 + suites] != wanted * (suites // 4):
        raise SealingError(Fault.SUITE, "the suite must be HKDF-SHA256 with AES-256-GCM")
    return check_x25519(document[3:35])


def encode_key_config(public_key: bytes) -> bytes:
    """What :func:`parse_key_config` reads back."""
    return b"\0" + SUITE.kem.to_bytes(2, "big") + public_key + b"\0\4\0\1" + SUITE.aead.to_bytes(2, "big")


def require_attested(configured: bytes, attested: Iterable[bytes]) -> bytes:
    """``configured`` when the evidence names it. Raises SealingError."""
    if not any(hmac.compare_digest(configured, key) for key in attested):
        raise SealingError(Fault.KEY, "the configured key is not an attested one")
    return configured


@dataclass(frozen=True, slots=True)
class Recovery:
    """All that opening one answer needs (SPEC.md §6). As secret as the answer."""

    exported_secret: bytes = field(repr=False)
    request_enc: bytes

    def __post_init__(self) -> None:
        if len(self.exported_secret) != 32 or len(self.request_enc) != 32:
            raise SealingError(Fault.INPUT, "a recovery token has two fields of 32 bytes")

    def answer_key(self, nonce: bytes) -> tuple[bytes, bytes]:
        """Key and first nonce of the answer with ``nonce`` (SPEC.md §4.4, as RFC 9458 §4.4)."""
        if len(nonce) != 32:
            raise SealingError(Fault.UNSEALED, f"{RESPONSE_NONCE} must have 32 bytes")
        prk = hmac.digest(self.request_enc + nonce, self.exported_secret, "sha256")
        return _expand(prk, b"key", 32), _expand(prk, b"nonce", NONCE_BYTES)

    def opener(self, status: int, headers: Iterable[tuple[str, str]], ending: Ending) -> Opener:
        """For the answer with this head. Raises SealingError unless it is sealed, whatever its status: the body of an
        unsealed error comes from anybody on the way and must not be read as an answer.
        """
        nonce = one_header(list(headers), RESPONSE_NONCE.lower())
        if nonce is None:
            raise SealingError(Fault.UNSEALED, f"an answer with status {status} and without {RESPONSE_NONCE}")
        return Opener(*self.answer_key(from_hex(nonce, Fault.UNSEALED, RESPONSE_NONCE)), ending)

    def to_json(self) -> bytes:
        fields = {"exportedSecret": self.exported_secret.hex(), "requestEnc": self.request_enc.hex()}
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, token: bytes) -> Recovery:
        """Raises SealingError."""
        try:
            body = strictjson.load_object(token, MAX_TOKEN_BYTES, "the token")
        except Malformed:
            raise SealingError(Fault.INPUT, "a recovery token is a JSON object") from None
        secret, enc = body.get("exportedSecret"), body.get("requestEnc")
        if len(body) != 2 or not isinstance(secret, str) or not isinstance(enc, str):
            raise SealingError(Fault.INPUT, "a recovery token has exportedSecret and requestEnc")
        return cls(*(from_hex(v, Fault.INPUT, "a field of a recovery token", 32) for v in (secret, enc)))


class Exchange(Uncopyable):
    """One request and its answer. ``attested_key`` must come out of verified evidence."""

    __slots__ = ("_closed", "_opened", "_recovery", "_sealed", "_sender")

    def __init__(self, attested_key: bytes) -> None:
        self._sender = setup_sender(SUITE, attested_key, REQUEST_INFO)
        self._recovery = Recovery(self._sender.export(RESPONSE_LABEL, 32), self._sender.enc)
        self._sealed = self._closed = self._opened = False

    @property
    def headers(self) -> dict[str, str]:
        """To send along; ``Content-Length`` must be left out."""
        return {ENCAPSULATED_KEY: self._sender.enc.hex()}

    def feed(self, plaintext: bytes) -> bytes:
        """The frames for the next piece of the request body."""
        if self._closed:
            raise SealingError(Fault.SEQUENCE, "the request is closed")
        frames = bytearray()
        for start in range(0, len(plaintext), MAX_REQUEST_CHUNK):
            sealed = self._sender.seal(plaintext[start : start + MAX_REQUEST_CHUNK])
            frames += len(sealed).to_bytes(4, "big") + sealed
            self._sealed = True
        return bytes(frames)

    def close(self) -> None:
        """Raises SealingError for an empty body: nothing would tie the encapsulated key to it (SPEC.md §7.4)."""
        if not self._sealed:
            raise SealingError(Fault.INPUT, "a request without a body cannot be sealed")
        self._closed = True

    def opener(self, status: int, headers: Iterable[tuple[str, str]], ending: Ending) -> Opener:
        """As :meth:`Recovery.opener`, once: one request has one answer."""
        if self._opened:
            raise SealingError(Fault.SEQUENCE, "this request's answer was opened before")
        self._opened = True
        return self._recovery.opener(status, headers, ending)


class Opener(Uncopyable):
    """``feed`` gives plaintext of whole, authentic frames; ``close`` says whether the answer was whole. After an error
    nothing more comes out.
    """

    __slots__ = ("_buffer", "_cipher", "_ending", "_nonces", "_over")

    def __init__(self, key: bytes, nonce: bytes, ending: Ending) -> None:
        self._cipher = AESGCM(key)
        self._nonces = Nonces(nonce)
        self._ending = ending
        self._buffer = bytearray()
        self._over = False

    @property
    def ended(self) -> bool:
        """Whether what was opened so far may be the whole answer; only ``close`` says that it is."""
        return self._ending.over

    def feed(self, data: bytes) -> bytes:
        """Raises SealingError."""
        if self._over:
            raise SealingError(Fault.SEQUENCE, "the answer is over")
        self._buffer += data
        try:
            plaintext = self._frames()
        except SealingError:
            self._over = True
            self._buffer.clear()
            raise
        self._ending.feed(plaintext)
        return plaintext

    def close(self) -> None:
        """The HTTP body is at its end. Raises SealingError when the answer is not."""
        if self._over:
            raise SealingError(Fault.SEQUENCE, "the answer is over")
        self._over = True
        if self._buffer:
            raise SealingError(Fault.TRUNCATED, "the answer ends inside a frame")
        if not self._ending.over:
            raise SealingError(Fault.TRUNCATED, "the answer ends between two frames, before its own end")

    def _frames(self) -> bytes:
        out, at, held = [], 0, self._buffer
        while len(held) - at >= 4:
            length = int.from_bytes(held[at : at + 4], "big")
            if length > MAX_FRAME:
                raise SealingError(Fault.FRAME, f"a frame of more than {MAX_FRAME} bytes")
            if len(held) - at - 4 < length:
                break
            if length:  # empty writes have no ciphertext and no sequence number (SPEC.md §4.3)
                out.append(open_with(self._cipher, self._nonces, bytes(held[at + 4 : at + 4 + length]), b""))
                self._nonces.advance()
            at += 4 + length
        del held[:at]
        return b"".join(out)


def is_key_mismatch(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bool:
    """Whether an unsealed answer says that the server has another key now. Anybody on the way can say so: a reason to
    attest again, once, and never to send without sealing.
    """
    types = [value for key, value in headers if key.lower() == "content-type"]
    if status != 422 or len(types) != 1 or types[0].split(";", 1)[0].strip().lower() != "application/problem+json":
        return False
    try:
        return strictjson.load_object(body, MAX_PROBLEM_BYTES).get("type") == KEY_MISMATCH
    except Malformed:
        return False


def _expand(prk: bytes, label: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, label).derive(prk)
