"""How to ask, and where in an answer the pieces are: both written down in options, nothing tried or guessed. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from attestation import strictjson
from attestation.encodings import base64_bytes
from attestation.providers.base import Ask, BodyKey, Channel, Heard, Seal
from attestation.providers.formula import Binding, Known
from attestation.ratls.certificate import spki_of
from attestation.types import Malformed
from attestation.x509 import load_certificate

MAX_ANSWER_BYTES = 256 * 1024
MIN_NONCE_BYTES, NONCE_BYTES = 16, 32
ASK = "evidence"
Encoding = Literal["raw", "hex", "base64", "base64url"]
_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+(?:\?[A-Za-z0-9._~!$'()*,;:@/=&-]+)?")
_PARAM = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])+){1,8}")
_HEX = re.compile(rb"(?:[0-9a-f]{2})+")


def _hex(text: bytes) -> bytes:
    if not _HEX.fullmatch(text):
        raise Malformed("a value is not lower-case hex")
    return bytes.fromhex(text.decode("ascii"))


def _base64(text: bytes) -> bytes:
    return base64_bytes(text.decode("ascii", "replace"), "a value", MAX_ANSWER_BYTES)


def _base64url(text: bytes) -> bytes:
    """With its padding or without, whole either way."""
    bare = text.rstrip(b"=")
    try:
        raw = base64.b64decode(bare.translate(_URL) + b"=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise Malformed("a value is not base64url") from None
    full = base64.urlsafe_b64encode(raw)
    if text not in (full, full.rstrip(b"=")):
        raise Malformed("a value is not canonical base64url")
    return raw


_URL = bytes.maketrans(b"-_+/", b"+/!!")  # plain base64's own characters are none of base64url
_DECODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "raw": bytes, "hex": _hex, "base64": _base64, "base64url": _base64url,
}  # fmt: skip
_NONCES: Mapping[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda b: base64.b64encode(b).decode(),
    "base64url": lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of an endpoint that answers one question. Raises ValueError.

    ``no_nonce``: the endpoint takes none. ``nonce_bytes`` is how much of our 32 random bytes it takes, at least 16.
    """

    path: str
    nonce_param: str = "nonce"
    nonce_bytes: int = NONCE_BYTES
    nonce_encoding: Literal["hex", "base64", "base64url"] = "hex"
    no_nonce: bool = False
    post: bool = False

    def check_question(self) -> None:
        """Raises ValueError."""
        plain = self.path.partition("?")[0]
        if not _PATH.fullmatch(self.path) or {".", ".."} & set(plain.split("/")):
            raise ValueError("path: is an absolute path, where needed with a query")
        if not _PARAM.fullmatch(self.nonce_param):
            raise ValueError("nonce_param: is the name of a parameter")
        if not MIN_NONCE_BYTES <= self.nonce_bytes <= NONCE_BYTES:
            raise ValueError(f"nonce_bytes: is {MIN_NONCE_BYTES} to {NONCE_BYTES}")

    def sent(self, nonce: bytes) -> bytes:
        """The bytes that the endpoint is asked to have signed; none where it takes none."""
        return b"" if self.no_nonce else nonce[: self.nonce_bytes]

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        """The one question."""
        text = _NONCES[self.nonce_encoding](self.sent(nonce))
        if self.post:
            body = {} if self.no_nonce else {self.nonce_param: text}
            return (Ask(ASK, self.path, json.dumps(body).encode(), max_bytes=MAX_ANSWER_BYTES),)
        mark = "&" if "?" in self.path else "?"
        plain = text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        tail = "" if self.no_nonce else f"{mark}{self.nonce_param}={plain}"
        return (Ask(ASK, self.path + tail, max_bytes=MAX_ANSWER_BYTES),)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece is: the whole answer, or the text (or the texts of a list, joined) at a JSON pointer (RFC 6901).

    Raises ValueError for a pointer of another form.
    """

    encoding: Encoding
    pointer: str = ""

    def __post_init__(self) -> None:
        if self.pointer and not _POINTER.fullmatch(self.pointer):
            raise ValueError("pointer: is a JSON pointer such as /evidence/quote")

    def find(self, body: bytes) -> bytes:
        """Raises Malformed where it is not there, empty, or not in its encoding."""
        decode = _DECODERS[self.encoding]
        if not self.pointer:
            return _some(decode(body if self.encoding == "raw" else body.strip()))
        value: object = strictjson.load_object(body, MAX_ANSWER_BYTES)
        for key in self.pointer[1:].split("/"):
            name = key.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, Mapping) or name not in value:
                raise Malformed(f"the answer has nothing at {self.pointer}")
            value = value[name]
        texts = [t.encode("ascii") for t in _listed(value) if isinstance(t, str) and t.isascii()]
        if not texts or len(texts) != len(_listed(value)):
            raise Malformed(f"what is at {self.pointer} is not text")
        return _some(b"".join(decode(t) for t in texts))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _some(raw: bytes) -> bytes:
    if not raw:
        raise Malformed("a piece of the answer is empty")
    return raw


def chosen(
    named: Mapping[str, Place], usual: Mapping[str, Place], also: frozenset[str] = frozenset()
) -> dict[str, Place]:
    """``usual`` with those changed that the options name; ``also`` may be named. Raises ValueError for another name."""
    if unknown := set(named) - set(usual) - also:
        raise ValueError(f"fields: {sorted(unknown)[0]} is none of {', '.join(sorted({*usual, *also}))}")
    return {**usual, **named}


def answer(heard: Heard) -> bytes:
    """The answer to the one question. Raises Malformed."""
    if set(heard.replies) != {ASK}:
        raise Malformed("this is not the answer to what was asked")
    body = heard.replies[ASK].body
    if len(body) > MAX_ANSWER_BYTES:
        raise Malformed(f"an answer has at most {MAX_ANSWER_BYTES} bytes")
    return body


def facts_of(heard: Heard, nonce: bytes, key: bytes = b"") -> Known:
    """What we know ourselves: the connection's certificate, ``nonce`` as it was sent, and the key that is claimed."""
    return Known(nonce, spki_of(load_certificate(heard.certificate)), heard.certificate, key)


def channel(binding: Binding, facts: Known) -> Channel:
    """The keys that ``binding`` names, and no other."""
    tls = hashlib.sha256(facts.spki).digest() if binding.uses & {"spki", "certificate"} else None
    body = BodyKey(Seal.EHBP, facts.key, "x25519") if "key" in binding.uses else None
    return Channel(tls, body)
