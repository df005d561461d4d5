"""Intel's answers about a platform: revocation lists, TCB levels, the quoting enclave's identity (Intel PCS v4; §2.2).

Reads the JSON in which ``dcap-qvl`` stores them. Signatures and dates are checked here, every one of them, so that a
refusal says which piece it was; nothing is believed before that.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding

from attestation import strictjson
from attestation.paths import check_path, ends, load_path, signed_by
from attestation.tdx.quote import pem_chain
from attestation.types import Check, Malformed
from attestation.x509 import check, common_name, is_pinned, load_crl

MAX_COLLATERAL_CHARACTERS = 512 * 1024
_KEYS = {"pck_crl_issuer_chain", "root_ca_crl", "pck_crl", "tcb_info_issuer_chain", "tcb_info", "tcb_info_signature",
         "qe_identity_issuer_chain", "qe_identity", "qe_identity_signature"}  # fmt: skip
TCB_SIGNER = "Intel SGX TCB Signing"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Signed:
    """A JSON document of Intel's with its chain and signature."""

    name: str
    text: str = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    signature: bytes = field(repr=False)
    path: tuple[x509.Certificate, ...] = field(repr=False)
    issued: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class IntelCollateral:
    """Parsed, not yet trusted."""

    pck_crl_path: tuple[x509.Certificate, ...] = field(repr=False)
    root_crl: x509.CertificateRevocationList = field(repr=False)
    pck_crl: x509.CertificateRevocationList = field(repr=False)
    tcb_info: Signed
    qe_identity: Signed

    @property
    def not_after(self) -> dt.datetime:
        lists = [crl.next_update_utc for crl in (self.root_crl, self.pck_crl) if crl.next_update_utc is not None]
        paths = (self.pck_crl_path, self.tcb_info.path, self.qe_identity.path)
        return min(*lists, self.tcb_info.until, self.qe_identity.until, *map(ends, paths))


@functools.lru_cache(maxsize=32)  # one platform's collateral serves every quote of it for days
def parse_collateral(text: str) -> IntelCollateral:
    """Raises Malformed."""
    if len(text) > MAX_COLLATERAL_CHARACTERS:
        raise Malformed("the collateral is too large")
    body = strictjson.load_object(text.encode("utf-8", "replace"), MAX_COLLATERAL_CHARACTERS * 4, "the collateral")
    # a PCK chain may be stored beside the rest; the quote's own is used
    if not _KEYS <= set(body) <= _KEYS | {"pck_certificate_chain"} or not all(isinstance(body[k], str) for k in _KEYS):
        raise Malformed("the collateral lacks a part, or has one that is not known")
    return IntelCollateral(
        pck_crl_path=read_path(body["pck_crl_issuer_chain"]),
        root_crl=load_crl(_hex(body["root_ca_crl"])),
        pck_crl=load_crl(_hex(body["pck_crl"])),
        tcb_info=_signed(body, "tcb_info"),
        qe_identity=_signed(body, "qe_identity"),
    )


def _signed(body: dict[str, Any], name: str) -> Signed:
    return read_signed(name, body[name], body[f"{name}_signature"], body[f"{name}_issuer_chain"])


def read_signed(name: str, text: str, signature: str, chain: str) -> Signed:
    """``signature`` is hex, ``chain`` PEM. Raises Malformed."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair: nobody can have signed it
        raise Malformed(f"{name} is no text") from None
    value = strictjson.load_object(raw, MAX_COLLATERAL_CHARACTERS, name)
    try:
        issued, until = (
            dt.datetime.strptime(value[k], _TIME).replace(tzinfo=dt.UTC) for k in ("issueDate", "nextUpdate")
        )
    except (KeyError, TypeError, ValueError):
        raise Malformed(f"{name} lacks its dates") from None
    return Signed(name, text, value, _hex(signature), read_path(chain), issued, until)


def read_path(pem: str) -> tuple[x509.Certificate, ...]:
    return load_path(pem_chain(pem.encode("ascii", "replace")))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Malformed("a part of the collateral is not hex") from None


def check_collateral(got: IntelCollateral, pck: tuple[x509.Certificate, ...], pinned: frozenset[bytes],
                     now: dt.datetime) -> tuple[Check, ...]:  # fmt: skip
    """Everything Intel signed about ``pck`` (the quote's own chain): genuine, current, and nothing revoked."""
    issuer, root = got.pck_crl_path[0], got.pck_crl_path[-1]
    return (
        *check_crl("crl.root", got.root_crl, got.tcb_info.path[-1], now),
        *check_crl("crl.pck", got.pck_crl, issuer, now),
        check("crl.pck-issuer", issuer == pck[1], "the list must be of the CA that issued the PCK certificate"),
        check(
            "crl.pck-root",
            is_pinned(root, pinned) and signed_by(issuer, root),
            "its CA must be issued by the pinned root",
        ),
        check("crl.pck-revoked", _absent(got.pck_crl, pck[0]), "the PCK certificate must not be revoked"),
        check("crl.ca-revoked", _absent(got.root_crl, pck[1]), "the PCK's CA must not be revoked"),
        *_document(got.tcb_info, got.root_crl, pinned, now),
        *_document(got.qe_identity, got.root_crl, pinned, now),
    )


def _document(doc: Signed, root_crl: x509.CertificateRevocationList, pinned: frozenset[bytes],
              now: dt.datetime) -> tuple[Check, ...]:  # fmt: skip
    name, unrevoked = doc.name.replace("_", "-"), _absent(root_crl, doc.path[0])
    revoked = check(f"{name}.signer-revoked", unrevoked, "its signer must not be revoked")
    return (*check_document(doc, pinned, now), revoked)


def check_document(doc: Signed, pinned: frozenset[bytes], now: dt.datetime) -> tuple[Check, ...]:
    """That Intel signed it, and that it is current at ``now``."""
    name = doc.name.replace("_", "-")
    return (
        *check_path(f"{name}.chain", doc.path, pinned, now),
        *_document_lasting(name, doc.path[0], doc.signature, doc.text),
        check(f"{name}.window", doc.issued <= now <= doc.until, f"{now:%F} must be in {doc.issued:%F}..{doc.until:%F}"),
    )


def check_crl(
    prefix: str, crl: x509.CertificateRevocationList, issuer: x509.Certificate, now: dt.datetime
) -> tuple[Check, ...]:
    """That ``issuer`` signed this list of its own, that it is whole, and current at ``now``."""
    start, end, shown, *lasting = _list_lasting(prefix, crl.public_bytes(Encoding.DER), issuer)
    window = end is not None and start <= now <= end
    return (*lasting, check(f"{prefix}-window", window, f"{now:%F} must be in {shown}"))


@functools.lru_cache(maxsize=64)  # what no clock changes
def _list_lasting(
    prefix: str, der: bytes, issuer: x509.Certificate
) -> tuple[dt.datetime, dt.datetime | None, str, Check, Check]:
    crl, key = load_crl(der), issuer.public_key()
    signed = isinstance(key, ec.EllipticCurvePublicKey) and crl.is_signature_valid(key) and crl.issuer == issuer.subject
    whole = not any(e.critical for e in crl.extensions) and not any(e.critical for r in crl for e in r.extensions)
    start, end = crl.last_update_utc, crl.next_update_utc
    return (
        start, end, f"{start:%F}..{f'{end:%F}' if end else 'never'}",
        check(f"{prefix}-signature", signed, "signature by the CA that it speaks for"),
        check(f"{prefix}-scope", whole, "no unknown critical extension"),
    )  # fmt: skip


@functools.lru_cache(maxsize=64)  # nor this
def _document_lasting(name: str, signer: x509.Certificate, signature: bytes, text: str) -> tuple[Check, Check]:
    named = common_name(signer.subject) == TCB_SIGNER
    return (
        check(f"{name}.signer", named, f"signed by a certificate named {TCB_SIGNER}"),
        check(f"{name}.signature", raw_p256(signer, signature, text.encode()), "signature by Intel's signer"),
    )


def _absent(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    return crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is None


def raw_p256(signer: x509.Certificate | ec.EllipticCurvePublicKey, signature: bytes, signed: bytes) -> bool:
    """Whether ``signature`` (r || s, 64 bytes) over ``signed`` is by this P-256 key, with SHA-256."""
    key = signer.public_key() if isinstance(signer, x509.Certificate) else signer
    if (
        not isinstance(key, ec.EllipticCurvePublicKey)
        or not isinstance(key.curve, ec.SECP256R1)
        or len(signature) != 64
    ):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
