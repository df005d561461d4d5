"""What every kind of provider has in common: questions, answers, and keys that nobody has proven yet. Pure.

A provider parses documents and says which signed fields must hold which values, computed from what *we* know: the
nonce that we chose, the certificate seen on the connection, keys that the document claims. It decides nothing: the
evidence is verified, the fields are compared, and only then does a key in :class:`Channel` count
(:mod:`attestation.providers.prove`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from attestation.types import Check, Collateral, Evidence


@dataclass(frozen=True, slots=True)
class Ask:
    """One question of the control door to the upstream's own origin. Made of configuration and nonce alone."""

    name: str
    path: str
    """Absolute path with query; it does not lie below the upstream's base path."""
    post: bytes | None = None
    """A JSON body; None asks with GET."""
    max_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A 200 answer. ``content_type`` as it was sent."""

    body: bytes = field(repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """The answers by :attr:`Ask.name`, all of one connection, and the certificate (DER) that its TLS showed."""

    replies: Mapping[str, Reply] = field(repr=False)
    certificate: bytes = field(repr=False)


class Seal(StrEnum):
    """How a body is sealed where TLS ends outside the enclave."""

    EHBP = "ehbp"
    ACI = "aci"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class BodyKey:
    """A key to seal requests to. ``algo`` is the format's own word (``x25519``, ``ed25519``, ``secp256k1``)."""

    seal: Seal
    key: bytes = field(repr=False)
    algo: str


@dataclass(frozen=True, slots=True)
class Channel:
    """Keys that the pieces must prove: at least one, or the provider is not an enclave. Where there is a ``body`` key,
    requests are sealed to it, whatever the TLS key."""

    spki_sha256: bytes | None = None
    """SHA-256 of the TLS key (SPKI, DER)."""
    body: BodyKey | None = None
    keyset: Mapping[str, Any] | None = field(default=None, repr=False)
    """ACI's keyset, for receipts; proven with the keys."""
    signing_key: tuple[str, bytes] | None = field(default=None, repr=False)
    """Algorithm and key that sign answers (dstack, NEAR)."""


ENCLAVES = frozenset({"cpu", "gateway", "model"})
"""Roles of what sees requests: the machine itself, and others before or behind it. Each must be an approved image."""
BESIDE = frozenset({"vtpm", "token"})
"""Roles of statements about the machine beside its evidence: a cloud's TPM, a service's token. Expectations do not
describe them; the provider's own checks do, and what they bind."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Evidence of one part, with the values that its signed fields must have, none of them read from the evidence.

    ``role`` is one of ``ENCLAVES`` (exactly one ``cpu``), ``gpu``, or one of ``BESIDE``.
    """

    role: str
    evidence: Evidence
    bound: Mapping[str, bytes] = field(repr=False)
    """Name in ``Claims.bound`` (or ``report_data``) -> its exact value. Never empty. ``user_data@2`` names the part of
    the field that begins at byte 2, where a format leaves the rest to the workload."""
    max_age_s: int | None = None
    """Greatest age of the evidence's signed time in seconds, where no nonce of ours can be in it."""
    pinned: frozenset[str] = frozenset()
    """Registers that an approved image must name besides those of its TEE."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What an endpoint claims. ``checks`` are the provider's own, failed ones among them.

    ``nonce_bound``: the values to compare contain our nonce, so the evidence is as fresh as the question.
    """

    pieces: tuple[Piece, ...]
    channel: Channel
    nonce_bound: bool
    checks: tuple[Check, ...] = ()
    offered: Collateral | None = field(default=None, repr=False)
    """What the document brought along of what vendors publish. Used only where the verifier has none of its own, and
    checked like that: signed by the vendor and current. Nobody can say whether it is the newest."""
    not_after: dt.datetime | None = None
    """When the keys in ``channel`` end by their own statement, which the evidence signs."""
    asserted: Mapping[str, str] = field(default_factory=dict)
    """What the provider says and nothing proves: for an auditor's eyes, never for a decision."""


class Provider(Protocol):
    """One kind of endpoint. Made from its options in ``attestation:`` of the upstream; holds no state."""

    @property
    def kind(self) -> str: ...

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        """``nonce``: 32 fresh random bytes."""
        ...

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        """Raises Malformed for answers of another form. No answer is trusted for being here."""
        ...
