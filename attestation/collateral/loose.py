"""Published pieces in the forms in which people have them, outside any store: for import at air-gapped sites.

A revocation list or a certificate of AMD's (PEM or DER), Intel's root list, ``dcap-qvl``'s collateral of one platform;
an answer of NVIDIA's OCSP responder, with evidence of a device whose issuers can say whose answer it is.
Recognising trusts nothing: every piece is examined like any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from attestation import strictjson
from attestation.collateral.examine import PCK_CAS, key_name, pem
from attestation.collateral.intel import read_list, taken_apart
from attestation.collateral.nvidia import answer_piece
from attestation.collateral.pieces import Kind, Piece
from attestation.nvidia.ocsp import Path, key_of, read_answer
from attestation.recognise import der_of
from attestation.snp.vcek import KeyKind, parse_endorsement
from attestation.tdx.collateral import read_path
from attestation.trust import PRODUCTS, amd_chain
from attestation.types import Malformed
from attestation.x509 import common_name, load_certificate, load_crl

MAX_LOOSE_BYTES = 2 * 1024 * 1024


def loose(raw: bytes, now: dt.datetime, devices: Iterable[Path] = ()) -> tuple[Piece, ...]:
    """The pieces in one file, as of ``now``; ``devices`` are certificates of NVIDIA's devices. Raises Malformed."""
    if len(raw) > MAX_LOOSE_BYTES:
        raise Malformed(f"a file of published pieces has at most {MAX_LOOSE_BYTES} bytes")
    if raw.lstrip().startswith(b"{"):
        return _platform(raw, now)
    data = der_of(raw)
    try:
        return (_list(data, now),)
    except Malformed:
        pass
    try:
        name = key_of(read_answer(data))
    except Malformed:
        return (_key(data, now),)
    return (Piece(Kind.OCSP, name, answer_piece(data, devices), now),)


def _list(data: bytes, now: dt.datetime) -> Piece:
    issuer = common_name(load_crl(data).issuer)
    for product in PRODUCTS:
        if issuer == f"ARK-{product}":
            return Piece(Kind.AMD_CRL, product, data, now)
    return Piece(Kind.INTEL_ROOT_CRL, "root", data, now)


def _key(data: bytes, now: dt.datetime) -> Piece:
    """A VCEK or VLEK with AMD's own issuers."""
    leaf = load_certificate(data)
    endorsed = parse_endorsement(leaf)
    return key_piece(leaf, amd_chain(endorsed.product, vlek=endorsed.kind is KeyKind.VLEK), now)


def key_piece(leaf: x509.Certificate, issuers: tuple[bytes, ...], now: dt.datetime) -> Piece:
    """The piece of a report-signing key, with its issuers (DER)."""
    chain = b"".join(pem(der) for der in (leaf.public_bytes(Encoding.DER), *issuers))
    return Piece(Kind.AMD_KEY, key_name(leaf), chain, now)


def _platform(raw: bytes, now: dt.datetime) -> tuple[Piece, ...]:
    tcb, qe, pck, root = taken_apart(raw.decode("utf-8", "replace"))
    info = strictjson.load_object(raw, MAX_LOOSE_BYTES)["tcb_info"]
    body = strictjson.load_object(str(info).encode(), MAX_LOOSE_BYTES, "tcb_info")
    tee = "tdx" if body.get("id") == "TDX" else "sgx"
    ca = PCK_CAS.get(common_name(read_path(read_list(pck).chain)[0].subject) or "", "unknown")
    return (
        Piece(Kind.INTEL_TCB, f"{tee}/{str(body.get('fmspc')).lower()}", tcb, now),
        Piece(Kind.INTEL_QE, tee, qe, now),
        Piece(Kind.INTEL_PCK_CRL, ca, pck, now),
        Piece(Kind.INTEL_ROOT_CRL, "root", root, now),
    )
