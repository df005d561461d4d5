"""The words of the store: a published piece, what is written down about it, and what the store has seen (§6.6).

Plain values; they prove nothing. :mod:`attestation.collateral.examine` makes an :class:`Entry` out of bytes.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@=,+-]{0,199}")
SKEW = dt.timedelta(seconds=60)
"""How far a vendor's clock may be ahead of ours (§2.1 C13)."""
KEY_SET_DAYS = dt.timedelta(days=7)
"""How long a key set counts after it was fetched: no signed date says when it ends, and keys are withdrawn by leaving
it."""


class Kind(StrEnum):
    """What a piece is; beside it the form of its key."""

    AMD_CRL = "amd-crl"
    """``Milan``, ``Genoa``, ``Turin``."""
    AMD_KEY = "amd-key"
    """``vcek/PRODUCT/HWID/TCB`` or ``vlek/PRODUCT/CSP/TCB``: the certificate of a report-signing key."""
    INTEL_ROOT_CRL = "intel-root-crl"
    """``root``."""
    INTEL_PCK_CRL = "intel-pck-crl"
    """``platform``, ``processor``."""
    INTEL_TCB = "intel-tcb"
    """``tdx/FMSPC``, ``sgx/FMSPC``."""
    INTEL_QE = "intel-qe"
    """``tdx``, ``sgx``."""
    JWKS = "jwks"
    """The exact issuer."""
    RIM = "rim"
    """NVIDIA's id of a reference manifest."""
    OCSP = "nvidia-ocsp"
    """``DIGEST/ISSUER KEY/SERIAL``: how an answer of NVIDIA's responder names its certificate. Its number is 1 where it
    says revoked for good."""


EVALUATED = frozenset({Kind.INTEL_TCB, Kind.INTEL_QE})
"""Kinds whose number is Intel's ``tcbEvaluationDataNumber``, one for all platforms."""
UNSIGNED = frozenset({Kind.JWKS})
"""Kinds that are dated by our own clock: their only date in the store is when they were fetched."""


class Trust(StrEnum):
    """Why a piece is believed."""

    SIGNED = "signed"
    """By a chain that ends in a pinned root."""
    SIMULATED = "simulated"
    """By the simulator's own root: tests and the demo."""
    TLS = "tls"
    """Nobody signed it: the web's certificate authorities said whose server it came from."""


Name = tuple[Kind, str]
"""Kind and key: what the store has at most one piece of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of one kind as the store keeps them. ``fetched_at`` is the fetching machine's word."""

    kind: Kind
    key: str
    data: bytes = field(repr=False)
    fetched_at: dt.datetime

    @property
    def name(self) -> Name:
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class Entry:
    """What examining a piece found. Times are aware, in whole seconds."""

    kind: Kind
    key: str
    sha256: str
    size: int
    fetched_at: dt.datetime
    issued: dt.datetime
    """As signed; ``fetched_at`` where nothing is signed."""
    next_update: dt.datetime | None
    """The last moment at which it counts: its own date or the end of its chain, whichever is first. None: no end."""
    number: int | None
    """Evaluation data number or CRL number."""
    trust: Trust

    @property
    def name(self) -> Name:
        return self.kind, self.key

    def current(self, now: dt.datetime) -> bool:
        """Whether it counts at ``now``; the day after is too late, whatever the reason (grace 0)."""
        return self.issued <= now + SKEW and (self.next_update is None or now <= self.next_update)


@dataclass(frozen=True, slots=True)
class Floor:
    """The newest that was ever seen of one name. Nothing older is accepted, also after the piece itself is gone."""

    number: int
    """0 where there is none."""
    issued: dt.datetime

    def above(self, other: Floor | None) -> bool:
        """Whether ``other`` is older. None is: whoever has no floor takes anything."""
        return other is None or (other.number, other.issued) < (self.number, self.issued)


@dataclass(frozen=True, slots=True)
class Index:
    """What the store holds and has seen."""

    entries: Mapping[Name, Entry] = field(default_factory=dict)
    floors: Mapping[Name, Floor] = field(default_factory=dict)

    @property
    def evaluation(self) -> int:
        """The highest evaluation data number seen of any platform; 0 where none was."""
        return max((f.number for (kind, _), f in self.floors.items() if kind in EVALUATED), default=0)


def shown(name: Name) -> str:
    """For messages: ``intel-tcb tdx/90c06f000000``. Of a digest its beginning; serial numbers are whole, since checks
    name them."""
    kind, key = name
    if kind is Kind.OCSP and key.count("/") == 2:
        digest, issuer, serial = key.split("/")
        key = f"{digest}/{issuer[:12]}../{serial}"
    return f"{kind.value} {key}"
