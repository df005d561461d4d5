"""What sealing a body to an attested key has in common: its one error, Diffie-Hellman that refuses bad points, hex.

Keys stay in objects that print nothing and cannot be copied: a copied sender would use a nonce twice.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NoReturn, Protocol

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attestation.types import AttestationError

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
P25519 = 2**255 - 19
_LOW_ORDER = frozenset({  # u of every point of order 1, 2, 4 and 8 on the curve and its twist (RFC 7748 §6.1, §7)
    0, 1, P25519 - 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
})  # fmt: skip


class Fault(StrEnum):
    """Why sealing or opening failed. For the caller in this process only, never for the wire."""

    KEY = "key"
    """A key is no point, a bad point, or not the attested one."""
    SUITE = "suite"
    """Another algorithm than the one that is agreed."""
    CONFIG = "config"
    """A key configuration is not in the documented format."""
    UNSEALED = "unsealed"
    """The answer does not say, or says wrongly, that it is sealed: none of it counts."""
    FRAME = "frame"
    """A length or an encoding cannot be."""
    TRUNCATED = "truncated"
    """The body ended before its end."""
    AUTHENTICITY = "authenticity"
    """Wrong key, changed, replayed, moved or reordered: the cipher cannot say which."""
    SEQUENCE = "sequence"
    """No nonce is left, or an object was used after its end."""
    INPUT = "input"
    """The caller passed something that cannot be sealed."""


class SealingError(AttestationError):
    """The only error of sealing and opening. ``fault`` says which kind; texts never quote a key or a byte of a body."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault


class Uncopyable:
    """Mixin for holders of keys and counters."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a key and must not be copied or stored")


class Secret(Protocol):
    """One side's private key of a Diffie-Hellman group."""

    @property
    def public(self) -> bytes: ...

    def shared(self, peer: bytes) -> bytes:
        """Raises SealingError for a key that is not a good point."""
        ...


class X25519Secret(Uncopyable):
    """X25519 (RFC 7748), fresh unless a key is given."""

    __slots__ = ("_key", "public")

    def __init__(self, key: X25519PrivateKey | None = None) -> None:
        self._key = key or X25519PrivateKey.generate()
        self.public: bytes = self._key.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> bytes:
        check_x25519(peer)
        try:
            secret = self._key.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            raise SealingError(Fault.KEY, "X25519 gave no shared secret") from None
        if constant_time.bytes_eq(secret, bytes(32)):  # RFC 9180 §7.1.4, whatever the library does
            raise SealingError(Fault.KEY, "X25519 gave the all-zero secret")
        return secret


def check_x25519(public: bytes) -> bytes:
    """``public`` itself. Refuses low order, and a second spelling of a point: attested keys are compared as bytes."""
    u = int.from_bytes(public, "little")
    if len(public) != 32 or u >= P25519:
        raise SealingError(Fault.KEY, "an X25519 key has 32 bytes and is below the prime")
    if u in _LOW_ORDER:
        raise SealingError(Fault.KEY, "an X25519 key of low order")
    return public


class CurveSecret(Uncopyable):
    """ECDH on P-256 or secp256k1; public keys are uncompressed points, the shared secret is the x-coordinate."""

    __slots__ = ("_curve", "_key", "public")

    def __init__(self, curve: ec.EllipticCurve, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self._curve = curve
        self._key = key or ec.generate_private_key(curve)
        self.public: bytes = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def shared(self, peer: bytes) -> bytes:
        return self._key.exchange(ec.ECDH(), load_point(self._curve, peer))


def load_point(curve: ec.EllipticCurve, raw: bytes) -> ec.EllipticCurvePublicKey:
    """An uncompressed point on ``curve``. Raises SealingError."""
    if len(raw) != 65:  # the library takes no hybrid points; compressed ones have 33
        raise SealingError(Fault.KEY, "a point has 65 bytes and starts with 4")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
    except ValueError:
        raise SealingError(Fault.KEY, "a point that is not on its curve") from None


def from_hex(text: str, fault: Fault, name: str, size: int | None = None) -> bytes:
    """Lower-case hex without prefix or spaces, of ``size`` bytes. Raises SealingError, naming ``name``."""
    if not _HEX.fullmatch(text) or (size is not None and len(text) != 2 * size):
        raise SealingError(fault, f"{name} must be lower-case hex{'' if size is None else f' of {size} bytes'}")
    return bytes.fromhex(text)


def one_header(headers: list[tuple[str, str]], name: str) -> str | None:
    """The value of ``name``, in any case. Raises SealingError where it is there twice."""
    values = [value for key, value in headers if key.lower() == name]
    if len(values) > 1:
        raise SealingError(Fault.UNSEALED, f"{name} is there {len(values)} times")
    return values[0] if values else None
