"""Any endpoint that returns evidence of a kind that can be verified: everything is spelled out, nothing is guessed.

    provider: generic
    evidence: tdx                         # snp, sealgate-snp, tdx, sgx, nitro, maa, ita
    path: /attest
    nonce_param: nonce                    # also nonce_bytes, nonce_encoding, post; or no_nonce: true
    document: {pointer: /quote, encoding: hex}
    parts: {event_log: {pointer: /event_log, encoding: raw}}
    bind: {report_data: sha256(spki) + nonce}

``bind`` maps every signed field to what it must hold (:mod:`attestation.providers.formula`). A body key is claimed with
``body_key``: ``{place: {pointer: /key, encoding: hex}}`` in the answer, or ``{field: report_data, offset: 32}`` in the
evidence itself; ``key`` in a formula is then that key, and bodies are sealed to it (EHBP). Evidence that no nonce is in
needs ``max_evidence_age`` (seconds; of formats that sign a time) or the words ``freshness: none``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attestation.nitro.document import parse_document
from attestation.providers.base import Heard, Piece, Presented
from attestation.providers.formula import Binding, parse_binding
from attestation.providers.parts import Asked, Place, answer, channel, facts_of
from attestation.recognise import ISSUERS, assemble
from attestation.snp.report import parse_report
from attestation.tdx.quote import parse_quote
from attestation.types import Evidence, Malformed

FIELDS: Mapping[str, frozenset[str]] = {
    "snp": frozenset({"report_data"}),
    "sealgate-snp": frozenset({"report_data"}),
    "tdx": frozenset({"report_data"}),
    "sgx": frozenset({"report_data"}),
    "nitro": frozenset({"user_data", "public_key", "nonce"}),
    "maa": frozenset({"report_data", "nonce"}),
    "ita": frozenset({"report_data"}),
}
"""Evidence that describes an enclave by itself -> the fields it signs for whoever asked."""
PARTS: Mapping[str, frozenset[str]] = {
    "snp": frozenset({"vcek", *ISSUERS}),
    "tdx": frozenset({"event_log", "app_compose"}),
}
"""Evidence -> pieces that may lie beside it."""
TOKENS = frozenset({"maa", "ita"})
KEY_BYTES = 32
MAX_AGE_S = 366 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAt:
    """The claimed body key: at a place of the answer, or at ``offset`` of a signed field. Raises ValueError."""

    place: Place | None = None
    field: str = ""
    offset: int = 0

    def __post_init__(self) -> None:
        if (self.place is None) != bool(self.field) or not 0 <= self.offset <= 1023:
            raise ValueError("body_key: has a place, or a field with an offset of 0 to 1023")

    def claimed(self, body: bytes, evidence: Evidence) -> bytes:
        """Proven later, by the binding. Raises Malformed."""
        if self.place is not None:
            key = self.place.find(body)
        else:
            key = unproven(evidence, self.field)[self.offset : self.offset + KEY_BYTES]
        if len(key) != KEY_BYTES:
            raise Malformed(f"the claimed key has no {KEY_BYTES} bytes")
        return key


def unproven(evidence: Evidence, field: str) -> bytes:
    """What ``evidence`` says in ``field``, before anyone verified it. Raises Malformed."""
    if evidence.kind == "nitro":
        return parse_document(evidence.report).optional.get(field, b"")
    if evidence.kind in ("tdx", "sgx"):
        return parse_quote(evidence.report).body.report_data
    return parse_report(evidence.report).report_data


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericProvider(Asked):
    """One such endpoint. Raises ValueError for options that do not fit together."""

    evidence: Literal["snp", "sealgate-snp", "tdx", "sgx", "nitro", "maa", "ita"]
    document: Place
    bind: Mapping[str, str]
    parts: Mapping[str, Place] = field(default_factory=dict)
    body_key: KeyAt | None = None
    max_evidence_age: int | None = None
    freshness: Literal["none"] | None = None

    def __post_init__(self) -> None:
        self.check_question()
        uses = self.binding.uses
        if unknown := set(self.parts) - PARTS.get(self.evidence, frozenset()):
            raise ValueError(f"parts: evidence of kind {self.evidence} comes with no {sorted(unknown)[0]}")
        if self.evidence == "snp" and "vcek" not in self.parts:
            raise ValueError("parts: an SNP report comes with its chip's certificate, vcek")
        if ("key" in uses) != (self.body_key is not None):
            raise ValueError("body_key: is there exactly where a formula of bind names key")
        signed = frozenset({""}) if self.evidence in TOKENS else FIELDS[self.evidence] | {""}
        if self.body_key is not None and self.body_key.field not in signed:
            raise ValueError("body_key: this evidence signs no such field that a key could be in")
        self._check_freshness("nonce" in uses)

    def _check_freshness(self, bound: bool) -> None:
        """The nonce is bound, or there is a greatest age, or it says in so many words that there is neither."""
        if bound == self.no_nonce:
            raise ValueError("no_nonce: is true exactly where no formula of bind names nonce")
        if bound + (self.max_evidence_age is not None) + (self.freshness is not None) == 0:
            raise ValueError("freshness: no formula names nonce: give max_evidence_age, or say none")
        if self.freshness is not None and (bound or self.max_evidence_age is not None):
            raise ValueError("freshness: is none only where there is neither a nonce nor a greatest age")
        if self.max_evidence_age is not None and not 1 <= self.max_evidence_age <= MAX_AGE_S:
            raise ValueError(f"max_evidence_age: is 1 to {MAX_AGE_S} seconds")

    @property
    def kind(self) -> str:
        return "generic"

    @property
    def binding(self) -> Binding:
        return parse_binding(self.bind, FIELDS[self.evidence])

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        body = answer(heard)
        pieces = {name: found.find(body) for name, found in self.parts.items()}
        evidence = assemble(self.evidence, self.document.find(body), pieces)
        key = self.body_key.claimed(body, evidence) if self.body_key is not None else b""
        facts = facts_of(heard, self.sent(nonce), key)
        piece = Piece("cpu", evidence, self.binding.values(facts), max_age_s=self.max_evidence_age)
        return Presented((piece,), channel(self.binding, facts), "nonce" in self.binding.uses)
