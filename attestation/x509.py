"""Chains of three certificates, leaf -> intermediate -> pinned root, as AMD issues them (AMD 57230, §2.1).

Everything is checked and every failure is reported; nothing is optional. Path building, fetching and web PKI rules are
not here: the chain is exactly what was sent, and the root counts only when it equals a pinned one byte for byte.
Details name dates and numbers, never strings out of a certificate.
"""

from __future__ import annotations

import datetime as dt
import functools
import warnings
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from attestation.types import Check, Malformed, Source, Status

MAX_CERTIFICATE_BYTES = 8192
MAX_CRL_BYTES = 65_536
MIN_RSA_BITS = 2048
"""AMD's keys have 4096; the simulator's have 2048 so that tests start quickly. A pinned root decides which is which."""

_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)  # AMD 57230: RSASSA-PSS, SHA-384, salt of 48 bytes
_KNOWN_CRITICAL = {"2.5.29.15", "2.5.29.19"}  # keyUsage, basicConstraints
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
# the library answers odd names with TypeError (a bit string where text belongs)
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class Chain:
    """Parsed, not yet trusted."""

    leaf: x509.Certificate
    intermediate: x509.Certificate
    root: x509.Certificate

    def named(self) -> tuple[tuple[str, x509.Certificate], ...]:
        return ("leaf", self.leaf), ("intermediate", self.intermediate), ("root", self.root)


def check(id_: str, ok: bool, detail: str, source: Source = Source.VERIFIER) -> Check:
    """A check that passed or failed; there is no third way to write one by accident."""
    return Check(id_, Status.PASS if ok else Status.FAIL, source, detail)


def waived(c: Check, waivers: frozenset[str]) -> Check:
    """``c``, or what becomes of it where it failed and policy lets it."""
    if c.id in waivers and c.status is Status.FAIL:
        return Check(c.id, Status.WAIVED, Source.OPERATOR, f"waived by policy: {c.detail}")
    return c


@functools.lru_cache(maxsize=256)  # issuers repeat; reading is a pure function of the bytes
def load_certificate(der: bytes, most: int = MAX_CERTIFICATE_BYTES) -> x509.Certificate:
    """One DER certificate of at most ``most`` bytes and nothing else. Raises Malformed."""
    if len(der) > most:
        raise Malformed(f"a certificate has {len(der)} bytes, more than {most}")
    try:
        with warnings.catch_warnings():
            # VCEKs have serial number 0 (attestation.md §0.5): the library warns, and our pin excludes the release that
            # will refuse them. Oddities of names that it warns of as well do not matter: names are compared whole.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            canonical = certificate.public_bytes(Encoding.DER) == der
            certificate.public_key()
            _ = (certificate.extensions, certificate.subject, certificate.issuer, certificate.signature_hash_algorithm)
            serial = certificate.serial_number
    except _UNREADABLE:
        raise Malformed("a certificate cannot be read") from None
    if serial < 0:  # RFC 5280 §4.1.2.2; a revocation list cannot name it
        raise Malformed("a certificate has a negative serial number")
    # the bit string's count of unused bits is outside the signature: it must be zero (X.690 §8.6.2)
    if not canonical or not der.endswith(b"\0" + certificate.signature):
        raise Malformed("a certificate is not in canonical form")
    return certificate


def load_chain(certificates: tuple[bytes, ...]) -> Chain:
    """Leaf, intermediate, root in this order. Raises Malformed."""
    if len(certificates) != 3:
        raise Malformed(f"the chain has {len(certificates)} certificates, not 3")
    leaf, intermediate, root = (load_certificate(der) for der in certificates)
    return Chain(leaf, intermediate, root)


def common_name(name: x509.Name) -> str | None:
    """The only CN, or None where there is not exactly one."""
    values = [a.value for a in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return values[0] if len(values) == 1 and isinstance(values[0], str) else None


def is_pinned(root: x509.Certificate, pinned: frozenset[bytes]) -> bool:
    """Whether ``root`` is one of the ``pinned`` DER certificates, byte for byte."""
    return root.public_bytes(Encoding.DER) in pinned


def check_chain(chain: Chain, pinned: frozenset[bytes], now: dt.datetime) -> tuple[Check, ...]:
    """All checks of the chain at ``now`` (aware). ``pinned`` are the acceptable roots as DER."""
    return (
        check("chain.root", is_pinned(chain.root, pinned), "the root must equal a pinned root"),
        *_algorithms(chain),
        *_signatures(chain),
        *_constraints(chain),
        *(_valid(name, certificate, now) for name, certificate in chain.named()),
    )


def _algorithms(chain: Chain) -> list[Check]:
    pss = all(
        c.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
        and isinstance(c.signature_hash_algorithm, hashes.SHA384)
        for _, c in chain.named()
    )
    key = chain.leaf.public_key()
    bits = [k.key_size for c in (chain.intermediate, chain.root) if isinstance(k := c.public_key(), rsa.RSAPublicKey)]
    p384 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP384R1)
    strong = len(bits) == 2 and min(bits) >= MIN_RSA_BITS
    return [
        check("chain.algorithm", pss, "want RSASSA-PSS with SHA-384 on each certificate"),
        check("chain.leaf-key", p384, "want an EC key on P-384"),
        check("chain.issuer-keys", strong, f"want RSA keys of at least {MIN_RSA_BITS} bits, got {bits}"),
    ]


def _signatures(chain: Chain) -> list[Check]:
    links = (
        ("leaf", chain.leaf, chain.intermediate),
        ("intermediate", chain.intermediate, chain.root),
        ("root", chain.root, chain.root),
    )
    out = []
    for name, child, parent in links:
        out.append(check(f"chain.{name}-issuer", child.issuer == parent.subject, "issuer must be the parent's subject"))
        out.append(check(f"chain.{name}-signature", _signed(child, parent), "signature by the parent's key"))
    return out


def _signed(child: x509.Certificate, parent: x509.Certificate) -> bool:
    key = parent.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(child.signature, child.tbs_certificate_bytes, _PSS, hashes.SHA384())
        # also compares the algorithm named outside the signed part with the one inside
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _constraints(chain: Chain) -> list[Check]:
    out = []
    for name, certificate in chain.named():
        critical = {e.oid.dotted_string for e in certificate.extensions if e.critical}
        out.append(check(f"chain.{name}-critical", critical <= _KNOWN_CRITICAL, "no unknown critical extension"))
    for name, certificate in chain.named()[1:]:
        ok = _may_issue(certificate)
        out.append(check(f"chain.{name}-constraints", ok, "want a CA that may sign certificates"))
    leaf = extension_of(chain.leaf, x509.BasicConstraints)
    out.append(check("chain.leaf-constraints", leaf is None or not leaf.ca, "a leaf must not be a CA"))
    return out


def _may_issue(certificate: x509.Certificate) -> bool:
    basic = extension_of(certificate, x509.BasicConstraints)
    usage = extension_of(certificate, x509.KeyUsage)
    return basic is not None and basic.ca and (usage is None or usage.key_cert_sign)


def extension_of(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """The extension of this type, or None."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _valid(name: str, certificate: x509.Certificate, now: dt.datetime) -> Check:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return check(f"chain.{name}-validity", start <= now <= end, f"{now:%Y-%m-%d} must be in {start:%F}..{end:%F}")


def load_crl(der: bytes) -> x509.CertificateRevocationList:
    """One DER revocation list. Raises Malformed."""
    if len(der) > MAX_CRL_BYTES:
        raise Malformed(f"the revocation list has {len(der)} bytes, more than {MAX_CRL_BYTES}")
    try:
        crl = x509.load_der_x509_crl(der)
        _ = (crl.issuer, crl.extensions, crl.next_update_utc, crl.last_update_utc, crl.signature_hash_algorithm)
        for entry in crl:
            _ = entry.extensions
    except _UNREADABLE:
        raise Malformed("the revocation list cannot be read") from None
    return crl


def check_revocation(crl: x509.CertificateRevocationList | None, chain: Chain, now: dt.datetime) -> tuple[Check, ...]:
    """The root's revocation list at ``now``: genuine, current, and the intermediate is not on it (§2.1 C6).

    Without a list the answer is ``unknown``, never ``pass``.
    """
    if crl is None:
        return (Check("crl", Status.UNKNOWN, Source.VERIFIER, "no revocation list was supplied"),)
    revoked = crl.get_revoked_certificate_by_serial_number(chain.intermediate.serial_number)
    return (
        *check_list(crl, chain.root, now),
        check("crl.intermediate", revoked is None, f"serial {chain.intermediate.serial_number:#x} must not be revoked"),
    )


def check_list(crl: x509.CertificateRevocationList, root: x509.Certificate, now: dt.datetime) -> tuple[Check, ...]:
    """That ``root`` signed this list (RSASSA-PSS, SHA-384), that it is whole, and current at ``now``."""
    key = root.public_key()
    end = crl.next_update_utc
    # a list for some reasons or some certificates only says so in a critical extension (RFC 5280 §5.2)
    whole = not any(e.critical for e in crl.extensions) and not any(e.critical for r in crl for e in r.extensions)
    genuine = (
        isinstance(key, rsa.RSAPublicKey)
        and crl.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS
        and isinstance(crl.signature_hash_algorithm, hashes.SHA384)
        and crl.is_signature_valid(key)
    )
    return (
        check("crl.issuer", crl.issuer == root.subject, "issuer must be the root"),
        check("crl.signature", genuine, "signature by the root's key"),
        check("crl.scope", whole, "no unknown critical extension"),
        check(
            "crl.window",
            end is not None and crl.last_update_utc <= now <= end,
            f"{now:%F} must be in {crl.last_update_utc:%F}..{f'{end:%F}' if end else 'never'}",
        ),
    )
