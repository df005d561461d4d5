"""A vendor's answer -> a piece of the store. Asks through the door; believes nothing: the store examines what comes,
and takes nothing that is not signed for what it is called."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from attestation.collateral.intel import document_piece, list_piece
from attestation.collateral.loose import key_piece
from attestation.collateral.nvidia import answer_piece, read_piece
from attestation.collateral.pieces import Kind, Name, Piece, shown
from attestation.collateral.store import Snapshot
from attestation.nvidia import asking
from attestation.nvidia.ocsp import Path as Certificates
from attestation.snp.vcek import parse_endorsement
from attestation.trust import SimulatedTrust, TrustStore, amd_chain
from attestation.types import Malformed, Rejected
from attestation.x509 import load_certificate
from proxy.collateral.vendors import Published, question
from proxy.collateral.writer import Taken, take
from proxy.errors import ConfigError, SealgateError, UpstreamError

Chain = Callable[[str], tuple[bytes, ...]]
"""Product -> AMD's own issuers of its VCEKs (DER), which ship with the package."""
Issuers = Mapping[Name, Certificates]
"""Name of an answer about a certificate of NVIDIA's -> that certificate's issuer, up to the root."""
NOBODY: Issuers = {}


class Vendors(Protocol):
    """The door to vendors: :class:`proxy.egress.VendorDoor`."""

    async def ask(self, name: Name, body: bytes = b"") -> Published:
        """Raises UpstreamError, ConfigError."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a piece did not come. ``busy_s``: the vendor named a time to wait."""

    name: Name
    reason: str
    code: str
    busy_s: int | None = None


@dataclass(slots=True)
class Fetched:
    """What a round of questions brought."""

    pieces: list[Piece] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    spared: list[Name] = field(default_factory=list)
    """Not asked for, because their vendor had just asked for patience."""


async def fetch(
    door: Vendors, names: Iterable[Name], now: dt.datetime, chain: Chain = amd_chain, issuers: Issuers = NOBODY
) -> Fetched:
    """Asks for each of ``names``, one after the other: nobody waits for this, and vendors limit rates. ``issuers`` are
    those of certificates that may be asked about. A vendor that asks for patience is not asked again in this round.

    Raises ConfigError for a name that nobody can be asked for.
    """
    out = Fetched()
    busy: set[str] = set()
    for name in names:
        host = question(name).host
        if host in busy:
            out.spared.append(name)
            continue
        try:
            if name[0] is Kind.OCSP:
                out.pieces.append(await _status(door, name, now, issuers))
            else:
                out.pieces.append(to_piece(name, await door.ask(name), now, chain))
        except Malformed as e:
            out.failures.append(Failure(name, f"{shown(name)}: {e}", "vendor_malformed"))
        except (UpstreamError, ConfigError) as e:
            out.failures.append(_failure(name, e))
            busy |= {host} if e.code == "vendor_busy" else set()
    return out


async def _status(door: Vendors, name: Name, now: dt.datetime, issuers: Issuers) -> Piece:
    """The responder's answer to a question of our own. Raises Malformed, UpstreamError, ConfigError."""
    path = issuers.get(name)
    if path is None:
        raise ConfigError("its issuer is not known here: fetch it with --evidence of such a device")
    nonce = secrets.token_bytes(asking.NONCE_BYTES)
    got = await door.ask(name, asking.question(name[1], path[0], nonce))
    if (refused := asking.refusal(got.body)) is not None:
        later, word = refused
        raise UpstreamError(f"the responder says {word}", code="vendor_busy" if later else "vendor_refused")
    if not asking.echoes(got.body, nonce):
        raise Malformed("the answer was not made for this question: its nonce is another one, or none")
    return Piece(*name, answer_piece(got.body, [path]), now)


def _failure(name: Name, error: SealgateError) -> Failure:
    return Failure(name, f"{shown(name)}: {error.message}", error.code, error.retry_after_s)


def to_piece(name: Name, got: Published, now: dt.datetime, chain: Chain = amd_chain) -> Piece:
    """Raises Malformed."""
    kind, key = name
    data = got.body
    if kind in (Kind.INTEL_TCB, Kind.INTEL_QE):
        data = document_piece(data, _pem(got.chain))
    elif kind is Kind.INTEL_PCK_CRL:
        data = list_piece(data, _pem(got.chain))
    elif kind is Kind.AMD_KEY:
        leaf = load_certificate(data)
        data = key_piece(leaf, chain(parse_endorsement(leaf).product), now).data
    return Piece(kind, key, data, now)


def keep(
    folder: Path, pieces: Iterable[Piece], now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None = None
) -> tuple[list[Taken], list[Failure]]:
    """Takes each piece by itself, or as if: one that is refused does not keep the others out. Blocks.

    Raises Damaged, ConfigError: then the store cannot be used at all.
    """
    every = tuple(pieces)
    taken: list[Taken] = []
    failures: list[Failure] = []
    for piece in every:
        if piece.kind is not Kind.OCSP:
            _take(folder, (piece,), now, trust, simulated, taken, failures)
    _take(folder, [p for p in every if p.kind is Kind.OCSP], now, trust, simulated, taken, failures)
    return taken, failures


def _take(
    folder: Path, pieces: Sequence[Piece], now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None,
    taken: list[Taken], failures: list[Failure],
) -> None:  # fmt: skip
    """Together, since every change reads the whole store; where one is refused, by halves until that one is alone."""
    if not pieces:
        return
    try:
        taken.append(take(folder, pieces, now, trust, simulated))
    except Rejected as e:
        if len(pieces) == 1:
            failures.append(_refused(pieces[0], e))
            return
        half = len(pieces) // 2
        for part in (pieces[:half], pieces[half:]):
            _take(folder, part, now, trust, simulated, taken, failures)


def _refused(piece: Piece, error: Rejected) -> Failure:
    older = any(": rollback:" in reason for reason in error.failures)
    return Failure(piece.name, "; ".join(error.failures), "collateral_older" if older else "collateral_refused")


def known_issuers(snapshot: Snapshot, names: Iterable[Name], brought: Issuers = NOBODY) -> Issuers:
    """Of those of ``names`` that need one: out of what came along, or beside the answer that is here."""
    found = {n: brought[n] for n in names if n in brought}
    kept = {n: snapshot.data(n) for n in names if n[0] is Kind.OCSP and n not in found}
    return found | {n: read_piece(data)[1] for n, data in kept.items() if data is not None}


def can_ask(name: Name, issuers: Issuers) -> bool:
    """Whether a question can be made: one about a device needs its issuer."""
    return name[0] is not Kind.OCSP or name in issuers


def in_order(names: Iterable[Name]) -> list[Name]:
    """Levels before identities: while Intel rolls out a new number, a new platform's levels may lag behind."""
    return sorted(set(names), key=lambda name: (name[0] is Kind.INTEL_QE, name))


def _pem(header: str) -> str:
    """Intel sends a chain percent-encoded in a header."""
    return unquote(header, encoding="ascii", errors="replace")
