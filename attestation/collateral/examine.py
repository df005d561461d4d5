"""Bytes that a vendor published -> an :class:`Entry`: whose they are, who vouches for them, from when until when.

Every signature is checked up to a pinned root, as of the moment at which the piece was signed, so that a piece that
has ended is still what it was. Whether it counts *now*, and whether it is older than what was seen, is
:mod:`attestation.collateral.admit`'s question. Verification of evidence checks every piece again.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.x509.ocsp import OCSPCertStatus

from attestation import strictjson
from attestation.collateral.intel import read_document, read_list
from attestation.collateral.nvidia import read_piece
from attestation.collateral.pieces import KEY, KEY_SET_DAYS, Entry, Kind, Piece, Trust
from attestation.jwt.issuers import GOOGLE, ITA, MAA, NRAS
from attestation.jwt.jws import MAX_JWKS_BYTES, find_key
from attestation.nvidia.ocsp import by_issuer, key_of, lasts, read_answer, signer
from attestation.nvidia.rim import read_manifest, unpacked
from attestation.paths import check_issuers, ends, signed_by
from attestation.snp.report import tcb_bytes
from attestation.snp.vcek import KeyKind, parse_endorsement
from attestation.tdx.collateral import check_crl, check_document, read_path, read_signed
from attestation.tdx.quote import pem_chain
from attestation.trust import PRODUCTS, SimulatedTrust, TrustStore
from attestation.types import Check, Malformed, Status, require
from attestation.x509 import (
    Chain,
    check,
    check_chain,
    check_list,
    common_name,
    extension_of,
    is_pinned,
    load_certificate,
    load_chain,
    load_crl,
)

PCK_CAS: Mapping[str, str] = {
    "Intel SGX PCK Platform CA": "platform",
    "Intel SGX PCK Processor CA": "processor",
}
"""Name of a CA of PCK certificates -> key of its list."""
SERVICES = (MAA, GOOGLE, ITA, NRAS)
_KINDS = {("TDX", 3): "tdx", ("SGX", 3): "sgx", ("TD_QE", 2): "tdx", ("QE", 2): "sgx"}


def examine(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None = None) -> Entry:
    """Raises Malformed for what is no such piece, Rejected for one that nobody vouches for or that has another name."""
    if piece.fetched_at.tzinfo is None:
        raise ValueError("a piece needs an aware time")
    piece = replace(piece, fetched_at=piece.fetched_at.replace(microsecond=0))  # as the index writes it
    key, issued, until, number, source = _READERS[piece.kind](piece, trust, simulated)
    right = key == piece.key and KEY.fullmatch(key) is not None
    require((check(f"{piece.kind}.name", right, "it must be the piece that was asked for"),))
    digest = hashlib.sha256(piece.data).hexdigest()
    return Entry(piece.kind, key, digest, len(piece.data), piece.fetched_at, issued, until, number, source)


_Found = tuple[str, dt.datetime, dt.datetime | None, int | None, Trust]
"""Key, issued, next update, number, trust."""


def _source(root: x509.Certificate, vendor: str, trust: TrustStore) -> Trust:
    return Trust.SIGNED if is_pinned(root, trust.of(vendor, None)) else Trust.SIMULATED


def _amd_crl(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    crl = load_crl(piece.data)
    names = {f"ARK-{product}": product for product in PRODUCTS}
    product = names.get(common_name(crl.issuer) or "", "")
    issued = crl.last_update_utc
    root = _root(crl, trust.of("amd", simulated) if product else frozenset(), lambda r: check_list(crl, r, issued))
    return product, issued, _until(crl, root), _crl_number(crl), _source(root, "amd", trust)


def _amd_key(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    certificates = pem_chain(piece.data)
    if b"".join(map(pem, certificates)) != piece.data:
        raise Malformed("a kept chain has one form")
    chain = load_chain(certificates)
    issued = chain.leaf.not_valid_before_utc
    require((*check_chain(chain, trust.of("amd", simulated), issued), _of_one_product(chain)))
    until = min(c.not_valid_after_utc for _, c in chain.named())
    return key_name(chain.leaf), issued, until, None, _source(chain.root, "amd", trust)


def key_name(leaf: x509.Certificate) -> str:
    """The store's key of a VCEK or VLEK. Raises Malformed."""
    endorsed = parse_endorsement(leaf)
    whose = endorsed.csp if endorsed.kind is KeyKind.VLEK else (endorsed.hwid or b"").hex()
    tcb = tcb_bytes(endorsed.tcb, endorsed.product).hex()
    return "/".join((endorsed.kind.name.lower(), endorsed.product, whose, tcb))


def pem(der: bytes) -> bytes:
    """One certificate, in lines of 64 characters."""
    text = base64.b64encode(der)
    lines = b"\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return b"-----BEGIN CERTIFICATE-----\n" + lines + b"\n-----END CERTIFICATE-----\n"


def _of_one_product(chain: Chain) -> Check:
    endorsed = parse_endorsement(chain.leaf)
    vlek = "VLEK-" if endorsed.kind is KeyKind.VLEK else ""
    names = (common_name(chain.intermediate.subject), common_name(chain.root.subject))
    ok = names == (f"SEV-{vlek}{endorsed.product}", f"ARK-{endorsed.product}")
    return check("amd-key.names", ok, "issuer and root must be of the key's kind and product")


def _root_crl(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    crl = load_crl(piece.data)
    issued, pinned = crl.last_update_utc, trust.of("intel", simulated)
    root = _root(crl, pinned, lambda r: check_crl("intel-root-crl", crl, r, issued))
    return "root", issued, _until(crl, root), _crl_number(crl), _source(root, "intel", trust)


def _root(crl: x509.CertificateRevocationList, pinned: frozenset[bytes],
          checks: Callable[[x509.Certificate], tuple[Check, ...]]) -> x509.Certificate:  # fmt: skip
    """The pinned root that signed ``crl``; the simulator's may have a vendor's very name. Raises Rejected."""
    found: tuple[Check, ...] = ()
    for root in sorted((load_certificate(der) for der in pinned), key=lambda r: r.serial_number):
        if root.subject == crl.issuer:
            found = checks(root)
            if all(c.status is Status.PASS for c in found):
                return root
    require(found or (check("crl.issuer", False, "the issuer must be a pinned root"),))
    raise AssertionError("unreachable")


def _pck_crl(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    kept = read_list(piece.data)
    path, crl = read_path(kept.chain), load_crl(kept.crl)
    issued = crl.last_update_utc
    key = PCK_CAS.get(common_name(path[0].subject) or "", "")
    require((
        check("intel-pck-crl.issuer", bool(key) and len(path) == 2, "a CA of PCK certificates, issued by the root"),
        *_ca(path, trust.of("intel", simulated), issued),
        *check_crl("intel-pck-crl", crl, path[0], issued),
    ))  # fmt: skip
    return key, issued, min(_until(crl, path[0]), ends(path)), _crl_number(crl), _source(path[-1], "intel", trust)


def _ca(path: tuple[x509.Certificate, ...], pinned: frozenset[bytes], at: dt.datetime) -> tuple[Check, ...]:
    """A CA and the root that issued it."""
    own, root = path[0], path[-1]
    basic = extension_of(own, x509.BasicConstraints)
    dates = all(c.not_valid_before_utc <= at <= c.not_valid_after_utc for c in path)
    return (
        check("intel-pck-crl.root", is_pinned(root, pinned), "the root must equal a pinned root"),
        check("intel-pck-crl.ca", signed_by(own, root) and basic is not None and basic.ca, "a CA issued by that root"),
        check("intel-pck-crl.dates", dates, "the CA must have been valid when it signed the list"),
    )


def _document(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    kept = read_document(piece.data)
    name = piece.kind.value.replace("-", "_")
    doc = read_signed(name, kept.text, kept.signature, kept.chain)
    require(check_document(doc, trust.of("intel", simulated), doc.issued))
    key = _KINDS.get((str(doc.body.get("id")), _integer(doc.body, "version")), "")
    if piece.kind is Kind.INTEL_TCB:
        key = f"{key}/{str(doc.body.get('fmspc')).lower()}"
    right = bool(key) and (str(doc.body.get("id")) in ("TDX", "SGX")) == (piece.kind is Kind.INTEL_TCB)
    require((check(f"{piece.kind}.kind", right, "the document must be of this kind and of a known version"),))
    number = _integer(doc.body, "tcbEvaluationDataNumber")
    return key, doc.issued, min(doc.until, ends(doc.path)), number, _source(doc.path[-1], "intel", trust)


def _key_set(piece: Piece, _trust: TrustStore, _simulated: SimulatedTrust | None) -> _Found:
    """No signature to check: every key must at least be one, and the issuer a service that is known."""
    keys = strictjson.load_object(piece.data, MAX_JWKS_BYTES, "the key set").get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= 64 or not all(isinstance(k, dict) for k in keys):
        raise Malformed("the key set has no list of keys")
    usable = [k for k in keys if _usable(piece.data, k.get("kid"), k.get("alg"))]
    known = any(service.issuer.fullmatch(piece.key) for service in SERVICES)
    require((
        check("jwks.issuer", known, "the issuer must be a service that is known, by its exact name"),
        check("jwks.keys", bool(usable), "at least one key must be usable"),
    ))  # fmt: skip
    return piece.key, piece.fetched_at, piece.fetched_at + KEY_SET_DAYS, None, Trust.TLS


def _usable(key_set: bytes, kid: object, alg: object) -> bool:
    try:
        return find_key(key_set, kid, alg) is not None
    except Malformed:
        return False


def _rim(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    """Dated by its signer's certificates: nothing else in it has a date."""
    found = read_manifest(unpacked(piece.data), trust.of("nvidia-rim", simulated), None)
    issued = max(c.not_valid_before_utc for c in found.signers)
    key = piece.key if found.fits(piece.key) else ""
    return key, issued, ends(found.signers), None, _source(found.signers[-1], "nvidia-rim", trust)


REVOKED = 1
"""Number of an answer that says revoked for good: none that says otherwise comes after it, whatever its date."""


def _ocsp(piece: Piece, trust: TrustStore, simulated: SimulatedTrust | None) -> _Found:
    """What says revoked has no end. Only a device that is on hold may be good again later (RFC 5280 §5.3.1)."""
    der, path = read_piece(piece.data)
    answer = read_answer(der)
    issued, pinned = answer.this_update_utc, trust.of("nvidia", simulated)
    by = signer(answer, path[0])
    require((
        *check_issuers("nvidia-ocsp.chain", path, pinned, issued),
        check("nvidia-ocsp.issuer", by_issuer(answer, path[0]), "the issuer beside it must be the one that it names"),
        check("nvidia-ocsp.signature", by is not None, "signed for that issuer"),
    ))  # fmt: skip
    revoked = answer.certificate_status is OCSPCertStatus.REVOKED
    final = revoked and answer.revocation_reason is not x509.ReasonFlags.certificate_hold
    assert by is not None
    end = None if revoked else min(lasts(answer, by), ends(path))
    return key_of(answer), issued, end, REVOKED if final else None, _source(path[-1], "nvidia", trust)


_READERS: Mapping[Kind, Callable[[Piece, TrustStore, SimulatedTrust | None], _Found]] = {
    Kind.AMD_CRL: _amd_crl,
    Kind.AMD_KEY: _amd_key,
    Kind.INTEL_ROOT_CRL: _root_crl,
    Kind.INTEL_PCK_CRL: _pck_crl,
    Kind.INTEL_TCB: _document,
    Kind.INTEL_QE: _document,
    Kind.JWKS: _key_set,
    Kind.RIM: _rim,
    Kind.OCSP: _ocsp,
}


def _until(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> dt.datetime:
    end = crl.next_update_utc
    if end is None:
        raise Malformed("the revocation list has no end")
    return min(end, issuer.not_valid_after_utc)


def _crl_number(crl: x509.CertificateRevocationList) -> int | None:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return None


def _integer(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise Malformed(f"the document lacks the number {name}")
    return value
