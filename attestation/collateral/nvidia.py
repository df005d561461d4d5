"""NVIDIA's pieces: issuers out of evidence, what to ask about a device, and the proof of an answer before it is kept.

An answer of the OCSP responder names its issuer by a digest, and a reference manifest brings its signer along; what the
store keeps of both is looked into again whenever it is used. Before a vendor's answer may take the place of what is
here it is proven by :func:`proven`, so that junk displaces nothing. The issuers are pieces of their own, signed up to
the pinned root: with them answers can be asked for and proven when no evidence is at hand. Pure.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from attestation.collateral.examine import pem
from attestation.collateral.pieces import Kind, Name, Piece
from attestation.collateral.store import Snapshot
from attestation.nvidia import asking
from attestation.nvidia.ocsp import asked, keys_for, read_answer
from attestation.nvidia.rim import read_manifest, signed_until, unpacked, wanted
from attestation.nvidia.verify import CHAIN_LENGTH, parse_devices
from attestation.paths import check_path
from attestation.tdx.quote import pem_chain
from attestation.trust import SimulatedTrust, TrustStore
from attestation.types import Evidence, Malformed, Rejected, Status, require
from attestation.x509 import check, load_certificate

PROVEN = frozenset({Kind.OCSP, Kind.RIM})
"""Kinds that the store itself keeps unread."""
Issuers = tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class About:
    """What NVIDIA publishes about the devices of some evidence, and the issuers that came with it."""

    names: tuple[Name, ...] = ()
    issuers: tuple[Piece, ...] = ()


def about(evidence: Evidence, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None) -> About:
    """Nothing for evidence of another kind, and nothing about a device whose chain does not end in NVIDIA's root now:
    anybody may present evidence, and nobody is asked about what anybody made up. Raises Malformed."""
    names: dict[Name, None] = {}
    issuers: dict[Name, Piece] = {}
    for device in parse_devices(evidence.report) if evidence.kind == "nvidia" else ():
        path = device.path
        checks = check_path("device", path, trust.of("nvidia", simulated), now)
        if len(path) != CHAIN_LENGTH or any(c.status is not Status.PASS for c in checks):
            continue
        chosen = (key for pair in asked(path) for key in keys_for(*pair) if key.startswith(f"{asking.ASKED_BY}/"))
        names |= {(Kind.OCSP, key): None for key in chosen}
        issuers |= {p.name: p for i in range(2, len(path) - 1) for p in (_issuer_piece(path[i:], now),)}
        try:
            names |= {(Kind.RIM, one.name): None for one in wanted(device.architecture, device.report)}
        except Malformed:  # it does not say what it runs
            continue
    return About(tuple(names), tuple(issuers.values()))


def _issuer_piece(path: Sequence[x509.Certificate], now: dt.datetime) -> Piece:
    ders = [c.public_bytes(Encoding.DER) for c in path]
    return Piece(Kind.NVIDIA_CA, hashlib.sha256(ders[0]).hexdigest(), b"".join(map(pem, ders)), now)


def issuers_of(
    snapshot: Snapshot, brought: Iterable[Piece], trust: TrustStore, simulated: SimulatedTrust | None = None
) -> Issuers:
    """Every issuer that is known: pinned roots, what the store has, what came along and was examined by the caller or
    will be."""
    roots = [load_certificate(der) for der in sorted(trust.of("nvidia", simulated))]
    kept = [snapshot.contents[e.sha256] for e in snapshot.named(Kind.NVIDIA_CA)]
    own = [_first(data) for data in (*kept, *(p.data for p in brought if p.kind is Kind.NVIDIA_CA))]
    return tuple(dict.fromkeys((*roots, *own)))


def can_ask(name: Name, issuers: Issuers) -> bool:
    """Whether a question about ``name`` can be made: one about a device needs its issuer, which comes with evidence."""
    return name[0] is not Kind.OCSP or asking.issuer_of(name[1], issuers) is not None


@functools.lru_cache(maxsize=256)
def _first(data: bytes) -> x509.Certificate:
    return load_certificate(pem_chain(data)[0])


def proven(
    piece: Piece, issuers: Issuers, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None
) -> None:
    """Before a vendor's answer is kept. Other kinds are proven by ``examine`` itself. Raises Malformed, or Rejected
    for an answer that nobody who may signed, that is not what its name says, or that does not count at ``now``."""
    if piece.kind is Kind.OCSP:
        issuer = asking.issuer_of(piece.key, issuers)
        if issuer is None:
            raise Rejected(("ocsp.issuer: the certificate's issuer is not known here",))
        asking.proven(piece.data, piece.key, issuer, now)
    elif piece.kind is Kind.RIM:
        found = read_manifest(unpacked(piece.data), trust.of("nvidia-rim", simulated), now)
        named = piece.key.rpartition("_")[2].upper()
        right = named in {found.version.upper(), found.version.replace(".", "").upper()}
        require((check("rim.name", right, "the manifest must be of the version that was asked for"),))


def said(data: bytes) -> str:
    """What a kept answer says; of its signature this says nothing."""
    word = read_answer(data).certificate_status.name.lower()
    return {"revoked": "REVOKED: its devices are refused", "unknown": "not known to NVIDIA"}.get(word, word)


@functools.lru_cache(maxsize=64)
def manifest_end(data: bytes) -> dt.datetime | None:
    """Until when the certificates of a kept manifest are valid; None where it cannot be read."""
    try:
        return signed_until(unpacked(data))
    except Malformed:
        return None
