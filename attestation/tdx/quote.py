"""Intel quotes: SGX version 3, TDX versions 4 and 5 (Intel TDX and SGX DCAP Quoting Library API; attestation.md §2.2).

Strict: the lengths inside must add up exactly, the certificates must be the one encoding of themselves, and after the
end there may only be zeros, which carry nothing and are left out of the quote's hash. Parsing proves nothing.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from attestation.cursor import Cursor
from attestation.types import Malformed

MAX_QUOTE_BYTES = 16 * 1024
HEADER_BYTES = 48
INTEL_QE = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
ECDSA_P256 = 2
TEE_SGX, TEE_TDX = 0, 0x81
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+?)\n-----END CERTIFICATE-----\n?")
_TD = {"mrsignerseam": (64, 48), "mrtd": (136, 48), "mrconfigid": (184, 48), "mrowner": (232, 48),
       "mrownerconfig": (280, 48), "rtmr0": (328, 48), "rtmr1": (376, 48), "rtmr2": (424, 48), "rtmr3": (472, 48),
       "mrseam": (16, 48)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enclave:
    """REPORTBODY of an SGX enclave, 384 bytes; the quoting enclave's own report has the same form."""

    miscselect: bytes
    attributes: bytes
    mrenclave: bytes
    mrsigner: bytes
    isvprodid: int
    isvsvn: int
    report_data: bytes = field(repr=False)
    reserved_zero: bool


@dataclass(frozen=True, slots=True)
class TrustDomain:
    """TD report body, 584 bytes (TDX 1.0) or 648 (TDX 1.5)."""

    tcb_svn: bytes
    seam_attributes: bytes
    attributes: int
    xfam: int
    registers: Mapping[str, bytes]
    report_data: bytes = field(repr=False)
    current_tcb_svn: bytes
    """TEE_TCB_SVN_2: of the module that runs now, where TDX 1.5 can exchange it under a running TD; else empty."""
    service_td: bytes
    """MRSERVICETD: a migration TD's measurement; empty in TDX 1.0, zero where there is none."""


@dataclass(frozen=True, slots=True)
class Quote:
    """One quote and its certificates (DER, leaf first)."""

    version: int
    tee_type: int
    header: bytes = field(repr=False)
    body: TrustDomain | Enclave
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    attestation_key: bytes = field(repr=False)
    qe_raw: bytes = field(repr=False)
    qe: Enclave
    qe_signature: bytes = field(repr=False)
    qe_auth: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    canonical: bytes = field(repr=False)
    """The quote without zeros after its end."""


def parse_quote(raw: bytes) -> Quote:
    """Raises Malformed for anything but one whole quote of a known version."""
    if len(raw) > MAX_QUOTE_BYTES:
        raise Malformed(f"a quote has at most {MAX_QUOTE_BYTES} bytes")
    cursor = Cursor(raw, "the quote", "little")
    header = cursor.take(HEADER_BYTES)
    version, key_type, tee_type = (int.from_bytes(header[a:b], "little") for a, b in ((0, 2), (2, 4), (4, 8)))
    if (version, tee_type) not in {(3, TEE_SGX), (4, TEE_TDX), (5, TEE_TDX)}:
        raise Malformed(f"version {version} with TEE type {tee_type:#x} is not SGX 3, TDX 4 or TDX 5")
    if key_type != ECDSA_P256 or header[12:28] != INTEL_QE:
        raise Malformed("the quote is not signed with ECDSA P-256 by Intel's quoting enclave")
    if version >= 4 and any(header[8:12]):
        raise Malformed("reserved bytes of the header are not zero")
    body = _body(cursor, version)
    signed = raw[: cursor.at]
    signature_data = cursor.sized(4)
    canonical = raw[: cursor.at]
    if any(raw[cursor.at :]):
        raise Malformed("bytes after the quote")
    return _signature_data(version, tee_type, header, body, signed, signature_data, canonical)


def _body(cursor: Cursor, version: int) -> TrustDomain | Enclave:
    if version == 3:
        return enclave(cursor.take(384))
    if version == 4:
        return _trust_domain(cursor.take(584))
    kind, size = cursor.number(2), cursor.number(4)
    if (kind, size) not in {(2, 584), (3, 648)}:
        raise Malformed(f"body type {kind} of {size} bytes is not TDX 1.0 or 1.5")
    return _trust_domain(cursor.take(size))


def enclave(raw: bytes) -> Enclave:
    """Fields of a 384-byte report body."""
    return Enclave(
        miscselect=raw[16:20],
        attributes=raw[48:64],
        mrenclave=raw[64:96],
        mrsigner=raw[128:160],
        isvprodid=int.from_bytes(raw[256:258], "little"),
        isvsvn=int.from_bytes(raw[258:260], "little"),
        report_data=raw[320:384],
        reserved_zero=not any(raw[20:32] + raw[96:128] + raw[160:192] + raw[262:304]),
    )


def _trust_domain(raw: bytes) -> TrustDomain:
    return TrustDomain(
        tcb_svn=raw[0:16],
        seam_attributes=raw[112:120],
        attributes=int.from_bytes(raw[120:128], "little"),
        xfam=int.from_bytes(raw[128:136], "little"),
        registers={name: raw[at : at + size] for name, (at, size) in _TD.items()},
        report_data=raw[520:584],
        current_tcb_svn=raw[584:600],
        service_td=raw[600:648],
    )


def _signature_data(
    version: int, tee_type: int, header: bytes, body: TrustDomain | Enclave, signed: bytes, raw: bytes, canonical: bytes
) -> Quote:
    outer = Cursor(raw, "the quote", "little")
    signature, key = outer.take(64), outer.take(64)
    inner = outer
    if version >= 4:
        if outer.number(2) != 6:
            raise Malformed("certification data is not of type 6")
        inner = Cursor(outer.sized(4), "the quote", "little")
        outer.end("the certification data")
    qe_raw, qe_signature, auth = inner.take(384), inner.take(64), inner.sized(2)
    if inner.number(2) != 5:
        raise Malformed("certification data is not a certificate chain (type 5)")
    chain = inner.sized(4)
    inner.end("the certificate chain")
    return Quote(version, tee_type, header, body, signed, signature, key, qe_raw, enclave(qe_raw), qe_signature, auth,
                 pem_chain(chain.removesuffix(b"\0")), canonical)  # fmt: skip


@functools.lru_cache(maxsize=128)  # a machine's chain is in each of its quotes; reading is a pure function of the bytes
def pem_chain(pem: bytes) -> tuple[bytes, ...]:
    """DER of two or three certificates, leaf first, in PEM that has exactly one way to be written. Raises Malformed."""
    found = [_one_pem(match.group(1)) for match in _PEM.finditer(pem)]
    lines = b"".join(_PEM_HEAD + text + _PEM_TAIL for _, text in found)
    if not 2 <= len(found) <= 3 or pem not in (lines, lines.removesuffix(b"\n")):
        raise Malformed("the certificate chain is not two or three certificates in plain PEM")
    return tuple(der for der, _ in found)


_PEM_HEAD, _PEM_TAIL = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"


def _one_pem(text: bytes) -> tuple[bytes, bytes]:
    """(DER, its text in lines of 64). Raises Malformed."""
    try:
        der = base64.b64decode(text.replace(b"\n", b""), validate=True)
    except ValueError:
        raise Malformed("a certificate is not base64") from None
    again = base64.b64encode(der)
    return der, b"\n".join(again[i : i + 64] for i in range(0, len(again), 64))
