"""Certificate chains of any length, leaf first, up to a pinned root: Intel, AWS, NVIDIA, TPM and token issuers.

The chain is exactly what was sent, in order; nothing is searched or fetched, and the root counts only when it equals a
pinned one byte for byte. AMD's chains have rules of their own (:mod:`attestation.x509`). Every check runs and has an id
under the caller's prefix; details name numbers and dates, never text out of a certificate.
"""

from __future__ import annotations

import datetime as dt
import functools
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID as Algorithm

from attestation.types import Check, Malformed
from attestation.x509 import MIN_RSA_BITS, check, extension_of, load_certificate

MAX_CHAIN = 8
ECDSA = frozenset({Algorithm.ECDSA_WITH_SHA256, Algorithm.ECDSA_WITH_SHA384})
RSA = frozenset({Algorithm.RSA_WITH_SHA256, Algorithm.RSA_WITH_SHA384, Algorithm.RSA_WITH_SHA512})
_KNOWN_CRITICAL = {"2.5.29.15", "2.5.29.19", "2.5.29.37"}  # keyUsage, basicConstraints, extendedKeyUsage


def load_path(certificates: tuple[bytes, ...]) -> tuple[x509.Certificate, ...]:
    """Leaf first, at least two. Raises Malformed."""
    if not 2 <= len(certificates) <= MAX_CHAIN:
        raise Malformed(f"a chain has 2..{MAX_CHAIN} certificates, got {len(certificates)}")
    return tuple(load_certificate(der) for der in certificates)


def check_path(
    prefix: str,
    path: tuple[x509.Certificate, ...],
    pinned: frozenset[bytes],
    now: dt.datetime,
    algorithms: frozenset[x509.ObjectIdentifier] = ECDSA,
) -> tuple[Check, ...]:
    """All checks of ``path`` at ``now`` (aware). ``pinned`` are the acceptable roots as DER."""
    return _checked(prefix, path, pinned, now, algorithms, True)


def check_issuers(
    prefix: str,
    path: tuple[x509.Certificate, ...],
    pinned: frozenset[bytes],
    now: dt.datetime,
    algorithms: frozenset[x509.ObjectIdentifier] = ECDSA,
) -> tuple[Check, ...]:
    """The same of a CA and those above it: the first one must be a CA too, and may be the root itself."""
    return _checked(prefix, path, pinned, now, algorithms, False)


def _checked(
    prefix: str, path: tuple[x509.Certificate, ...], pinned: frozenset[bytes], now: dt.datetime,
    algorithms: frozenset[x509.ObjectIdentifier], leaf: bool,
) -> tuple[Check, ...]:  # fmt: skip
    root, latest, earliest, shown, *lasting = _lasting(prefix, path, algorithms, leaf)
    dates = latest <= now <= earliest
    return (
        check(f"{prefix}.root", root in pinned, "the root must equal a pinned root"),
        check(f"{prefix}.validity", dates, f"{now:%F %T} must be in {shown}"),
        *lasting,
    )


@functools.lru_cache(maxsize=256)  # what no clock and no trust changes; the same machines' chains come all day
def _lasting(
    prefix: str, path: tuple[x509.Certificate, ...], algorithms: frozenset[x509.ObjectIdentifier], leaf: bool
) -> tuple[bytes, dt.datetime, dt.datetime, str, Check, Check, Check, Check, Check, Check]:
    """The root's DER, first and last moment of validity, both as shown, and the checks that stay as they are."""
    links = [*pairwise(path), (path[-1], path[-1])]
    critical = all({e.oid.dotted_string for e in c.extensions if e.critical} <= _KNOWN_CRITICAL for c in path)
    latest, earliest = max(c.not_valid_before_utc for c in path), min(c.not_valid_after_utc for c in path)
    return (
        path[-1].public_bytes(Encoding.DER),
        latest,
        earliest,
        f"{latest:%F %T}..{earliest:%F %T}",
        check(
            f"{prefix}.algorithm",
            all(c.signature_algorithm_oid in algorithms and _strong(c) for c in path),
            "signature algorithms and key sizes must be on the list",
        ),
        check(f"{prefix}.distinct", len(set(path)) == len(path), "no certificate may come twice"),
        check(f"{prefix}.issuer", all(a.issuer == b.subject for a, b in links), "issuer must be the parent's subject"),
        check(f"{prefix}.signature", all(signed_by(a, b) for a, b in links), "each signed by the next one's key"),
        check(f"{prefix}.constraints", _constraints(path, leaf), "issuers must be CAs of enough depth, the leaf none"),
        check(f"{prefix}.critical", critical, "no unknown critical extension"),
    )


@functools.lru_cache(maxsize=256)  # the same issuers sign all day; the answer depends on nothing else
def signed_by(child: x509.Certificate, parent: x509.Certificate) -> bool:
    """Whether ``parent`` issued ``child``, by name and signature (RSA as PKCS #1 v1.5, or ECDSA)."""
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


@functools.lru_cache(maxsize=256)
def ends(path: tuple[x509.Certificate, ...]) -> dt.datetime:
    """The first moment after which some certificate of ``path`` is no longer valid."""
    return min(c.not_valid_after_utc for c in path)


def _strong(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= MIN_RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 256


def _constraints(path: tuple[x509.Certificate, ...], leaf: bool) -> bool:
    """``leaf``: the first one is no CA, and its key may sign where it says what it may do. Without, it is one that
    issues leaves, and all others CAs above it."""
    first, may = extension_of(path[0], x509.BasicConstraints), extension_of(path[0], x509.KeyUsage)
    if leaf and ((first is not None and first.ca) or (may is not None and not may.digital_signature)):
        return False
    for below, certificate in enumerate(path[1:] if leaf else path):
        basic = extension_of(certificate, x509.BasicConstraints)
        usage = extension_of(certificate, x509.KeyUsage)
        if basic is None or not basic.ca or (usage is not None and not usage.key_cert_sign):
            return False
        if basic.path_length is not None and basic.path_length < below:
            return False
    return True
