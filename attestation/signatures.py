"""Signatures of answers as dstack proxies and NEAR AI give them (attestation.md §5.2): ``GET /v1/signature/{chat_id}``
says ``sha256(request):sha256(response)``, signed by the key that the evidence binds. Both are the bytes on the wire.

Ed25519 signs the text itself, secp256k1 the Ethereum message around it (EIP-191). Evidence may name an address only;
then the key comes out of the signature, and its address must be the attested one. Nothing here is secret.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from attestation.keccak import keccak256
from attestation.types import Malformed, Rejected

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
"""secp256k1 (SEC 2 §2.4.1)."""
MAX_TEXT = 512

_HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})+)")
_SUM = re.compile(r"[0-9a-f]{64}")

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]


def verify(signed: Mapping[str, Any], algo: str, key: bytes, model: str, request: str, response: str) -> None:
    """``signed`` is the service's answer; ``algo`` and ``key`` are attested: ``ed25519`` and 32 bytes, or ``ecdsa`` and
    an address (20 bytes) or a public key (64 or 65). ``request`` and ``response`` are SHA-256 of the bytes on the wire,
    in hex. Raises Rejected with every failure, Malformed for what is no signature.
    """
    text, signature, address = signed.get("text"), signed.get("signature"), signed.get("signing_address")
    if not isinstance(text, str) or not isinstance(signature, str) or not 0 < len(text) <= MAX_TEXT:
        raise Malformed("a signature needs text and signature")
    if not isinstance(address, (str, type(None))):
        raise Malformed("an address is text")
    if not text.isascii():  # half a surrogate pair has no bytes at all
        raise Malformed("a signature is about hashes and a name")
    raw = _bytes(signature)
    if algo == "ed25519":
        owner, good = key, _ed25519(key, raw, text.encode())
    elif algo == "ecdsa":
        owner = address_of(key) if len(key) in (64, 65) else key
        good = _ethereum(owner, raw, text.encode())
    else:
        raise Malformed("an algorithm that signs no answers here")
    failures = [
        name
        for name, ok in (
            ("signature.text", _says(text, model, request, response)),
            ("signature.key", address is None or hmac.compare_digest(_bytes(address), owner)),
            ("signature.algo", signed.get("signing_algo", algo) == algo),
            ("signature.valid", good),
        )
        if not ok
    ]
    if failures:
        raise Rejected(tuple(failures))


def address_of(public: bytes) -> bytes:
    """The Ethereum address of an uncompressed key, with or without its first byte."""
    return keccak256(public[-64:])[12:]


def ethereum_digest(text: bytes) -> bytes:
    """EIP-191 ``personal_sign``."""
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text)


def recover(signature: bytes, digest: bytes) -> bytes | None:
    """The uncompressed key (64 bytes) under which ``signature`` (r, s, v) is one of ``digest``, or None (SEC 1
    §4.1.6). Of s and N - s only the lower one counts, as Ethereum's signers write it (EIP-2): a signature has no second
    form that somebody else could make of it."""
    if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
        return None
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not (0 < r < N and 0 < s <= N // 2):
        return None
    y = pow(r**3 + 7, (P + 1) // 4, P)
    if y * y % P != (r**3 + 7) % P:
        return None
    if y % 2 != signature[64] % 27 % 2:
        y = P - y
    inverse, z = pow(r, -1, N), int.from_bytes(digest, "big")
    q = _affine(_sum(_times((r, y), s * inverse % N), _times(G, -z * inverse % N)))
    return None if q is None else q[0].to_bytes(32, "big") + q[1].to_bytes(32, "big")


def _says(text: str, model: str, request: str, response: str) -> bool:
    """Whose hashes: ours, with or without the model's name before them, and nothing else."""
    return text in {f"{request}:{response}", f"{model}:{request}:{response}"}


def _ed25519(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _ethereum(address: bytes, signature: bytes, text: bytes) -> bool:
    digest = ethereum_digest(text)
    public = recover(signature, digest)
    if public is None or not hmac.compare_digest(address_of(public), address):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    try:  # our own arithmetic is not believed: the library says whether the key that came out signed this
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), b"\4" + public)
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (InvalidSignature, ValueError):
        return False
    return True


def _bytes(text: str) -> bytes:
    found = _HEX.fullmatch(text) if len(text) <= 1024 else None
    if found is None:
        raise Malformed("a signature or an address is hex")
    return bytes.fromhex(found[1])


def _times(point: Point, by: int) -> _Jacobian:
    out: _Jacobian = (0, 1, 0)
    for bit in bin(by)[2:]:
        out = _twice(out)
        if bit == "1":
            out = _sum(out, (*point, 1))
    return out


def _twice(a: _Jacobian) -> _Jacobian:
    """Of nothing (z = 0) nothing; a point with y = 0 is not on the curve, whose order is odd."""
    x, y, z = a
    yy = y * y % P
    s, m = 4 * x * yy % P, 3 * x * x % P
    nx = (m * m - 2 * s) % P
    return nx, (m * (s - nx) - 8 * yy * yy) % P, 2 * y * z % P


def _sum(a: _Jacobian, b: _Jacobian) -> _Jacobian:
    if not a[2] or not b[2]:
        return b if not a[2] else a
    (x1, y1, z1), (x2, y2, z2) = a, b
    u1, u2 = x1 * z2 * z2 % P, x2 * z1 * z1 % P
    s1, s2 = y1 * z2**3 % P, y2 * z1**3 % P
    if u1 == u2:
        return _twice(a) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    hh = h * h % P
    x = (r * r - h * hh - 2 * u1 * hh) % P
    return x, (r * (u1 * hh - x) - s1 * h * hh) % P, h * z1 * z2 % P


def _affine(a: _Jacobian) -> Point | None:
    if not a[2]:
        return None
    inverse = pow(a[2], -1, P)
    return a[0] * inverse**2 % P, a[1] * inverse**3 % P
