"""A file of evidence as somebody stored it -> :class:`Evidence`, by its form. For tools; a gate knows what it asked.

Recognising a form trusts nothing: whatever comes out is verified like evidence of any other origin, and a wrong guess
can only be refused. Text encodings that people store (base64, hex, PEM) are undone here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping

from attestation.jwt.issuers import GOOGLE, ITA, MAA
from attestation.jwt.jws import parse_token
from attestation.snp.report import REPORT_BYTES
from attestation.snp.vcek import KeyKind, parse_endorsement
from attestation.tpm.hcl import SNP, split
from attestation.trust import amd_chain
from attestation.types import Evidence, Malformed
from attestation.wire import parse_sealgate_snp
from attestation.x509 import load_certificate

MAX_FILE_BYTES = 2 * 1024 * 1024
VCEK = "vcek"
"""Name of the piece beside an SNP report: the chip's certificate, DER or PEM."""
ISSUERS = frozenset({"ask", "ark"})
"""The issuers of that certificate, where they come along."""
_SERVICES = (("maa", MAA), ("google", GOOGLE), ("ita", ITA))


def recognise(
    raw: bytes, kind: str | None = None, pieces: Mapping[str, bytes] | None = None, *, bare: bool = False
) -> Evidence:
    """``pieces`` lie beside the file: ``vcek``, ``td_quote`` and the parts that formats name. ``bare``: an SNP
    report may come without its certificate, which is then looked for elsewhere. Raises Malformed."""
    if len(raw) > MAX_FILE_BYTES:
        raise Malformed(f"a file of evidence has at most {MAX_FILE_BYTES} bytes")
    data = raw if kind in ("nvidia", "nras", "sealgate-snp") else _decoded(raw)
    return assemble(kind or _kind(data), data, pieces or {}, bare=bare)


def assemble(kind: str, data: bytes, pieces: Mapping[str, bytes], *, bare: bool = False) -> Evidence:
    """``data`` of a kind that is known, with its pieces; nothing is guessed or decoded but PEM. ``bare`` as above.

    Raises Malformed."""
    rest = dict(pieces)
    if kind in ("snp", "azure-snp", "azure-tdx"):
        return _hardware(kind, data, rest, bare)
    if kind == "sealgate-snp":
        return parse_sealgate_snp(data)
    chain = (der_of(rest.pop(VCEK)),) if VCEK in rest else ()
    if kind in ("tdx", "google-vtpm"):
        return Evidence(kind, data, chain, rest)
    return Evidence(kind, data.strip() if kind in ("maa", "google", "ita") else data)


def _hardware(kind: str, data: bytes, rest: dict[str, bytes], bare: bool) -> Evidence:
    if kind == "snp":
        return Evidence(kind, data, _amd(rest, bare))
    if data[:4] == b"HCLA":
        blob = split(data)
        rest["runtime"] = blob.runtime
        if blob.kind == SNP:
            return Evidence("azure-snp", blob.report, _amd(rest, bare), rest)
        if "td_quote" not in rest:
            raise Malformed("the container of a TDX machine comes with its quote, td_quote")
        return Evidence("azure-tdx", rest.pop("td_quote"), (), rest)
    return Evidence(kind, data, _amd(rest, bare) if kind == "azure-snp" else (), rest)


def _amd(rest: dict[str, bytes], bare: bool) -> tuple[bytes, ...]:
    """The chip's certificate with its issuers as sent, or AMD's own: neither gets trust from being here."""
    if VCEK not in rest and bare:
        return ()
    if VCEK not in rest:
        raise Malformed("an SNP report comes with the certificate of its chip, vcek")
    leaf = der_of(rest.pop(VCEK))
    if ISSUERS & set(rest):
        if not set(rest) >= ISSUERS:
            raise Malformed("a chip's certificate comes with both of its issuers or with none")
        return leaf, der_of(rest.pop("ask")), der_of(rest.pop("ark"))
    endorsed = parse_endorsement(load_certificate(leaf))
    return (leaf, *amd_chain(endorsed.product, vlek=endorsed.kind is KeyKind.VLEK))


def der_of(data: bytes) -> bytes:
    """A certificate or revocation list as DER, whichever way it was stored. Raises Malformed."""
    if not data.lstrip().startswith(b"-----"):
        return data
    try:
        return base64.b64decode(b"".join(data.split(b"-----")[2].split()), validate=True)
    except (IndexError, binascii.Error):
        raise Malformed("this is not PEM") from None


def _decoded(raw: bytes) -> bytes:
    text = raw.strip()
    if text.startswith(b"-----BEGIN"):
        return der_of(text)
    if not text.isascii() or text.count(b".") == 2 or text[:1] in (b"{", b"["):
        return raw
    packed = b"".join(text.split())
    try:
        return bytes.fromhex(packed.decode("ascii"))
    except ValueError:
        pass
    try:
        return base64.b64decode(packed, validate=True)
    except binascii.Error:
        return raw


def _kind(data: bytes) -> str:
    if data[:4] == b"HCLA":
        return "azure-snp"
    if data[:2] == b"\x84\x44" or data[:3] == b"\xd2\x84\x44":
        return "nitro"
    if data[:6] == bytes.fromhex("ff5443478018"):
        return "google-vtpm"
    if data[:4] in (b"\4\0\2\0", b"\5\0\2\0", b"\3\0\2\0"):
        return "tdx"
    if len(data) == REPORT_BYTES:
        return "snp"
    if data[:1] == b"\x30":
        return "ratls"
    if data.strip().count(b".") == 2 and data[:2] == b"ey":
        return _service(data)
    return _document(data)


def _service(data: bytes) -> str:
    issuer = parse_token(data.strip()).issuer
    for kind, service in _SERVICES:
        if service.issuer.fullmatch(issuer):
            return kind
    raise Malformed("the token is of no service that is known")


def _document(data: bytes) -> str:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("evidence of no known form") from None
    if isinstance(body, dict) and "vcek" in body:
        return "sealgate-snp"
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return "nvidia"
    if isinstance(body, list) and body and isinstance(body[0], list):
        return "nras"
    raise Malformed("evidence of no known form")
