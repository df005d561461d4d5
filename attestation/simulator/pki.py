"""Certificates and revocation lists shaped like AMD's, with every part open to be made wrong. Tests and the demo only.

Keys made here are trusted by nobody: a root counts only where someone passes it as ``SimulatedTrust``. Reads no clock;
dates are fixed and wide unless given.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)
RSA_BITS = 2048

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def name(common: str, organisation: str) -> x509.Name:
    """A name with all the parts that AMD's have, in AMD's order."""
    pairs = (
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Engineering"),
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.LOCALITY_NAME, "Santa Clara"),
        (NameOID.STATE_OR_PROVINCE_NAME, "CA"),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def serial_of(key: PublicKey) -> int:
    """One for each key, as vendors that answer about serial numbers have it."""
    return int.from_bytes(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[1:9]
    )


def issue(
    subject: x509.Name,
    key: PublicKey,
    issuer: x509.Name,
    signer: SigningKey,
    *,
    serial: int = 1,
    start: dt.datetime = START,
    end: dt.datetime = END,
    ca: bool | None = None,
    cert_sign: bool = True,
    extensions: Mapping[str, bytes] | None = None,
    critical: bool = False,
    digest: hashes.SHA256 | hashes.SHA384 | None = None,
    pss: padding.PSS | None = PSS,
) -> bytes:
    """DER. ``ca`` None leaves basicConstraints and keyUsage out; ``extensions`` maps an OID to its raw value."""
    builder = x509.CertificateBuilder(issuer, subject, key, serial, start, end)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        builder = builder.add_extension(_usage(cert_sign), True)
    for oid, value in (extensions or {}).items():
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(unknown, critical)
    rsa_padding = pss if isinstance(signer, rsa.RSAPrivateKey) else None
    return builder.sign(signer, digest or hashes.SHA384(), rsa_padding=rsa_padding).public_bytes(Encoding.DER)


def revocation_list(
    issuer: x509.Name,
    signer: rsa.RSAPrivateKey,
    revoked: tuple[int, ...] = (),
    *,
    start: dt.datetime = START,
    end: dt.datetime = END,
    partial: bool = False,
    number: int | None = None,
) -> bytes:
    """DER. ``revoked`` are serial numbers; ``partial`` marks the list as one for some certificates only."""
    builder = x509.CertificateRevocationListBuilder(issuer, start, end)
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), False)
    if partial:
        scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
        builder = builder.add_extension(scope, True)
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(START).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(signer, hashes.SHA384(), rsa_padding=PSS).public_bytes(Encoding.DER)


def _usage(cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )
