"""Attacks on signed tokens (RFC 7515, RFC 8725), for endpoints that hand out a service's token. Tests and demo only."""

from __future__ import annotations

import base64
import functools
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.simulator.tokens import KID, Services, base64url, shared_services
from attestation.trust import SimulatedTrust


class Jose(StrEnum):
    """``KID_COLLISION``: the issuer's set has two keys of that name. The rest is in the token."""

    ALG_NONE = "jose_alg_none"
    HS256 = "jose_hs256"
    OTHER_ALG = "jose_other_alg"
    JKU = "jose_jku"
    OWN_JWK = "jose_own_jwk"
    KID_UNKNOWN = "jose_kid_unknown"
    KID_COLLISION = "jose_kid_collision"
    CRIT = "jose_crit"
    TAMPERED = "jose_tampered"
    NO_SIGNATURE = "jose_no_signature"
    TRAILING_BYTES = "jose_trailing_bytes"
    DUPLICATE_KEYS = "jose_duplicate_keys"
    NOT_CANONICAL = "jose_not_canonical"
    EXPIRED = "jose_expired"
    NOT_YET = "jose_not_yet"
    EXP_MISSING = "jose_exp_missing"
    IAT_MISSING = "jose_iat_missing"
    EXP_FAR = "jose_exp_far"
    OTHER_ISSUER = "jose_other_issuer"
    ISSUER_SUFFIX = "jose_issuer_suffix"


WHY: Mapping[Jose, frozenset[str]] = {
    Jose.ALG_NONE: frozenset({"token.signature"}), Jose.HS256: frozenset({"token.signature"}),
    Jose.OTHER_ALG: frozenset({"token.signature"}), Jose.JKU: frozenset({"token.signature"}),
    Jose.OWN_JWK: frozenset({"token.signature"}), Jose.TAMPERED: frozenset({"token.signature"}),
    Jose.NO_SIGNATURE: frozenset({"token.signature"}), Jose.KID_UNKNOWN: frozenset({"token.key", "token.signature"}),
    Jose.KID_COLLISION: frozenset({"token.key", "token.signature"}), Jose.EXPIRED: frozenset({"token.expiry"}),
    Jose.NOT_YET: frozenset({"token.begin"}), Jose.EXP_MISSING: frozenset({"token.times"}),
    Jose.IAT_MISSING: frozenset({"token.times"}), Jose.EXP_FAR: frozenset({"token.lifetime"}),
    Jose.OTHER_ISSUER: frozenset({"token.issuer", "token.keys", "token.key", "token.signature"}),
    Jose.ISSUER_SUFFIX: frozenset({"token.issuer", "token.keys", "token.key", "token.signature"}),
}  # fmt: skip
"""Attack -> the checks that fail; every other one cannot be read."""


def token(services: Services, claims: dict[str, Any], lie: object, header: Mapping[str, Any] | None = None) -> bytes:
    """A token with ``claims``, honest or attacked; ``header`` goes into every one."""
    head = {"alg": "RS256", "typ": "JWT", "kid": KID, **(header or {})}
    claims = _claims(claims, lie)
    if lie in (Jose.ALG_NONE, Jose.HS256):
        alg = {Jose.ALG_NONE: "none", Jose.HS256: "HS256"}[Jose(str(lie))]
        signed = b".".join(base64url(json.dumps(p).encode()) for p in (head | {"alg": alg}, claims))
        return signed + b"." + (base64url(hmac.digest(_pem(services), signed, "sha256")) if alg == "HS256" else b"")
    heads: Mapping[str, Mapping[str, Any]] = {
        Jose.JKU: {"jku": "https://attacker.example/certs"}, Jose.OWN_JWK: {"jwk": services.jwk(_attacker())},
        Jose.KID_UNKNOWN: {"kid": "other"}, Jose.CRIT: {"crit": ["exp"]}, Jose.OTHER_ALG: {"alg": "PS384"},
    }  # fmt: skip
    head |= heads.get(str(lie), {})
    key = _attacker() if lie in (Jose.JKU, Jose.OWN_JWK) else None
    return _damaged(services.token(claims, head["alg"], header=head, key=key), lie)


def trust(services: Services, lie: object, issuer: str) -> SimulatedTrust:
    """The services' own, with two keys of one name in the set of ``issuer`` where that is the attack."""
    if lie != Jose.KID_COLLISION:
        return services.trust
    twice = json.dumps({"keys": [services.jwk(_attacker()), services.jwk(services.rsa)]}).encode()
    return replace(services.trust, jwks={**services.trust.jwks, issuer: twice})


def _claims(claims: dict[str, Any], lie: object) -> dict[str, Any]:
    hour = 3600
    times = {"exp": claims["iat"] - 1, "iat": claims["iat"] - hour, "nbf": claims["iat"] - hour}
    changes: Mapping[str, Mapping[str, Any]] = {
        Jose.EXPIRED: times, Jose.NOT_YET: {"nbf": claims["iat"] + hour},
        Jose.EXP_FAR: {"exp": claims["iat"] + 48 * hour},
        Jose.OTHER_ISSUER: {"iss": "https://attacker.example"}, Jose.ISSUER_SUFFIX: {"iss": claims["iss"] + ".example"},
    }  # fmt: skip
    missing = {Jose.EXP_MISSING: "exp", Jose.IAT_MISSING: "iat"}
    out = claims | dict(changes.get(str(lie), {}))
    return {k: v for k, v in out.items() if lie not in missing or k != missing[Jose(str(lie))]}


def _damaged(raw: bytes, lie: object) -> bytes:
    """After signing."""
    head, claims, signature = raw.split(b".")
    if lie == Jose.TAMPERED:
        said = json.loads(base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))) | {"more": 1}
        return b".".join((head, base64url(json.dumps(said).encode()), signature))
    if lie == Jose.NO_SIGNATURE:
        return head + b"." + claims + b"."
    if lie == Jose.NOT_CANONICAL:
        return raw + b"="
    if lie == Jose.DUPLICATE_KEYS:
        return b".".join((base64url(b'{"alg":"RS256","alg":"none"}'), claims, signature))
    return raw + b".e30" if lie == Jose.TRAILING_BYTES else raw


def _pem(services: Services) -> bytes:
    return services.rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@functools.cache
def _attacker() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def false_services() -> Services:
    """The same names, other keys."""
    return Services()


__all__ = ["WHY", "Jose", "false_services", "shared_services", "token", "trust"]
