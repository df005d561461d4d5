"""Published pieces of simulated vendors, each open to be made wrong, for the tests of the collateral store."""

from __future__ import annotations

import datetime as dt
import functools
import json
from typing import Any

from attested import NOW, platform
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.collateral.admit import admit
from attestation.collateral.intel import document_piece, list_piece
from attestation.collateral.loose import key_piece, loose
from attestation.collateral.pieces import Index, Kind, Piece
from attestation.collateral.store import Snapshot
from attestation.simulator.intel import FMSPC, PLATFORM, ROOT, SIGNER, Intel, pem, shared_intel
from attestation.simulator.nvidia import shared_vendor
from attestation.simulator.ocsp import responders
from attestation.simulator.rim import Signer
from attestation.simulator.tokens import MAA, shared_services
from attestation.trust import VENDORS, SimulatedTrust
from attestation.types import Malformed, Rejected
from attestation.x509 import load_certificate

AMD, INTEL = platform(), shared_intel()
NVIDIA = shared_vendor()
GPU = NVIDIA.gpu()
DEVICE = tuple(load_certificate(der) for der in GPU.chain)
TRUST = SimulatedTrust(AMD.root, frozenset({INTEL.root.public_bytes(Encoding.DER), NVIDIA.issuers[0]}))
DAY = dt.timedelta(days=1)
RIM_ID = "NV_GPU_DRIVER_GH100_550.144.03"
TCB_KEY = f"tdx/{FMSPC.hex()}"


def amd_crl(now: dt.datetime = NOW, number: int | None = 7, days: int = 300, **how: Any) -> Piece:
    data = AMD.crl(start=now - DAY, end=now + days * DAY, number=number, **how)
    return Piece(Kind.AMD_CRL, "Genoa", data, now)


def amd_key(now: dt.datetime = NOW) -> Piece:
    return key_piece(load_certificate(AMD.chip.certificate), (AMD.ask, AMD.root), now)


def signed(body: dict[str, Any], kind: Kind, key: str, now: dt.datetime, intel: Intel = INTEL) -> Piece:
    return Piece(kind, key, document_piece(answer(body, kind, intel), pem(intel.signer, intel.root)), now)


def answer(body: dict[str, Any], kind: Kind, intel: Intel = INTEL) -> bytes:
    """As Intel's service answers."""
    text = json.dumps(body, separators=(",", ":")).encode()
    name = b"tcbInfo" if kind is Kind.INTEL_TCB else b"enclaveIdentity"
    return b'{"%s":%s,"signature":"%s"}' % (name, text, intel.sign(SIGNER, text).hex().encode())


def tcb(now: dt.datetime = NOW, *, sgx: bool = False, intel: Intel = INTEL, key: str | None = None, **changes: Any
        ) -> Piece:  # fmt: skip
    name = key or f"{'sgx' if sgx else 'tdx'}/{FMSPC.hex()}"
    return signed(intel.tcb_info(now, sgx, **changes), Kind.INTEL_TCB, name, now, intel)


def qe(now: dt.datetime = NOW, *, sgx: bool = False, intel: Intel = INTEL, **changes: Any) -> Piece:
    return signed(intel.qe_identity(now, sgx, **changes), Kind.INTEL_QE, "sgx" if sgx else "tdx", now, intel)


def pck_crl(now: dt.datetime = NOW, intel: Intel = INTEL, **how: Any) -> Piece:
    data = list_piece(intel.crl(PLATFORM, now, **how), pem(intel.platform, intel.root))
    return Piece(Kind.INTEL_PCK_CRL, "platform", data, now)


def root_crl(now: dt.datetime = NOW, intel: Intel = INTEL, **how: Any) -> Piece:
    return Piece(Kind.INTEL_ROOT_CRL, "root", intel.crl(ROOT, now, **how), now)


def jwks(now: dt.datetime = NOW, issuer: str = MAA, body: bytes | None = None) -> Piece:
    services = shared_services()
    default = json.dumps({"keys": [services.jwk(services.rsa)]}).encode()
    return Piece(Kind.JWKS, issuer, default if body is None else body, now)


def rim(now: dt.datetime = NOW) -> Piece:
    """Its signer's certificate begins ``now``: that is all that dates it."""
    return Piece(Kind.RIM, RIM_ID, _manifest(now), now)


@functools.cache
def _manifest(start: dt.datetime) -> bytes:
    return Signer(NVIDIA, start=start).rim("550.144.03")


def revocation(now: dt.datetime = NOW, **how: Any) -> Piece:
    """About one GPU of the simulated vendor."""
    return ocsp_piece(responders(NVIDIA)[0].answer(DEVICE[1], now, **{"end": 300 * DAY, **how}), now)


def ocsp_piece(der: bytes, now: dt.datetime = NOW) -> Piece:
    (piece,) = loose(der, now, [DEVICE])
    return piece


def all_pieces(now: dt.datetime = NOW) -> list[Piece]:
    return [
        amd_crl(now),
        amd_key(now),
        tcb(now),
        qe(now),
        pck_crl(now),
        root_crl(now),
        jwks(now),
        rim(now),
        revocation(now),
    ]


def snapshot(*pieces: Piece, now: dt.datetime = NOW) -> Snapshot:
    index = admit(Index(), pieces, now, VENDORS, TRUST)
    digests = {e.name: e.sha256 for e in index.entries.values()}
    return Snapshot(index, {digests[p.name]: p.data for p in pieces})


def refused(*pieces: Piece, index: Index | None = None, now: dt.datetime = NOW, trust: SimulatedTrust | None = TRUST
            ) -> str:  # fmt: skip
    """Why ``pieces`` may not come in; empty when they may."""
    try:
        admit(index or Index(), pieces, now, VENDORS, trust)
    except Rejected as e:
        return "\n".join(e.failures)
    except Malformed as e:
        return str(e)
    return ""
