"""Signed tokens: compact JWS (RFC 7515) with the keys of a named issuer (RFC 7517), and nothing else of JOSE.

The token decides nothing: its ``alg`` must be one that this kind of token has, ``jku``, ``x5u`` and ``jwk`` are never
followed, ``crit`` refuses, and ``kid`` picks exactly one key out of the set that the exact issuer publishes. Base64url
has one form, so that no bit of a token is ignored.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from attestation import strictjson
from attestation.types import Malformed
from attestation.x509 import MIN_RSA_BITS, load_certificate

MAX_TOKEN_BYTES, MAX_JWKS_BYTES = 64 * 1024, 512 * 1024
RS256, PS384, ES384 = "RS256", "PS384", "ES384"
Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Token:
    """Parsed, not yet trusted."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def issuer(self) -> str:
        value = self.claims.get("iss")
        return value if isinstance(value, str) else ""


def parse_token(raw: bytes) -> Token:
    """Raises Malformed for anything but one compact token."""
    if len(raw) > MAX_TOKEN_BYTES:
        raise Malformed(f"a token has at most {MAX_TOKEN_BYTES} bytes")
    parts = raw.split(b".")
    if len(parts) != 3:
        raise Malformed("a token has three parts")
    header, claims = (strictjson.load_object(unbase64url(part), MAX_TOKEN_BYTES, "a token") for part in parts[:2])
    if "crit" in header or header.get("b64") is not None:
        raise Malformed("the token demands an extension")
    return Token(header, claims, raw[: raw.rindex(b".")], unbase64url(parts[2]))


def unbase64url(text: bytes) -> bytes:
    """Raises Malformed for padding, other characters and unused bits that are not zero."""
    try:
        raw = base64.b64decode(text.translate(_URL) + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise Malformed("a token is not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text:
        raise Malformed("a token is not canonical base64url")
    return raw


_URL = bytes.maketrans(b"-_", b"+/")


def find_key(jwks: bytes, kid: object, alg: object) -> tuple[Key, tuple[bytes, ...]] | None:
    """The one key with this ``kid`` for ``alg``, with its x5c chain (DER, leaf first) where it has one. A service may
    list a key once for each of its algorithms, under one ``kid`` (Intel's does). Raises Malformed."""
    keys = strictjson.load_object(jwks, MAX_JWKS_BYTES, "the key set").get("keys")
    if not isinstance(keys, list) or not all(isinstance(k, dict) for k in keys):
        raise Malformed("the key set has no list of keys")
    found = [k for k in keys if isinstance(kid, str) and kid and k.get("kid") == kid and k.get("alg", alg) == alg]
    if len(found) != 1 or found[0].get("use", "sig") != "sig":
        return None
    return _key(found[0])


def _key(jwk: Mapping[str, Any]) -> tuple[Key, tuple[bytes, ...]]:
    chain = tuple(_certificate(c) for c in jwk["x5c"]) if isinstance(jwk.get("x5c"), list) else ()
    named = _named_key(jwk)
    certified = public_key(load_certificate(chain[0])) if chain else None
    if named is not None and certified is not None and named != certified:
        raise Malformed("a key of the set is not the one in its certificate")
    key = named or certified
    if key is None:
        raise Malformed("a key of the set cannot be used")
    return key, chain


def _named_key(jwk: Mapping[str, Any]) -> Key | None:
    try:
        if jwk.get("kty") == "RSA" and "n" in jwk:
            return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
        if jwk.get("kty") == "EC" and jwk.get("crv") == "P-384":
            return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP384R1()).public_key()
    except (KeyError, TypeError, ValueError):
        raise Malformed("a key of the set cannot be read") from None
    return None


def _number(text: object) -> int:
    if not isinstance(text, str):
        raise Malformed("a number of a key is not text")
    return int.from_bytes(unbase64url(text.encode()), "big")


def _certificate(text: object) -> bytes:
    """x5c is plain base64 (RFC 7517 §4.7)."""
    try:
        return base64.b64decode(text if isinstance(text, str) else "!", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a certificate of the key set is not base64") from None


def x5c_of(token: Token) -> tuple[bytes, ...]:
    """The chain in a token's own header (DER, leaf first); proves nothing before its root was compared."""
    value = token.header.get("x5c")
    if not isinstance(value, list):
        raise Malformed("the token has no certificate chain")
    return tuple(_certificate(c) for c in value)


def public_key(certificate: x509.Certificate) -> Key:
    """Raises Malformed for a kind of key that no token is signed with."""
    key = certificate.public_key()
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise Malformed("a certificate's key is of another kind")
    return key


def is_signed(token: Token, key: Key, algorithms: frozenset[str]) -> bool:
    """Whether ``key`` signed ``token`` with an algorithm out of ``algorithms`` that fits the key."""
    alg = token.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            return key.key_size >= MIN_RSA_BITS and _rsa(token, key, alg)
        return alg == ES384 and isinstance(key.curve, ec.SECP384R1) and _ecdsa(token, key)
    except InvalidSignature:
        return False


def _rsa(token: Token, key: rsa.RSAPublicKey, alg: str) -> bool:
    if alg == RS256:
        key.verify(token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256())
    elif alg == PS384:
        key.verify(token.signature, token.signed, padding.PSS(padding.MGF1(hashes.SHA384()), 48), hashes.SHA384())
    else:
        return False
    return True


def _ecdsa(token: Token, key: ec.EllipticCurvePublicKey) -> bool:
    if len(token.signature) != 96:
        return False
    r, s = (int.from_bytes(part, "big") for part in (token.signature[:48], token.signature[48:]))
    key.verify(utils.encode_dss_signature(r, s), token.signed, ec.ECDSA(hashes.SHA384()))
    return True
