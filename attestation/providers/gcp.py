"""Google Cloud: Confidential Space's tokens, and confidential VMs with their virtual TPM (attestation.md §2.9, §2.10).

    provider: gcp
    evidence: token                       # OIDC or PKI token of Confidential Space; or snp, tdx: the CPU's own evidence
    path: /attest
    bind: {nonce: hex(nonce), nonce1: hex(sha256(spki))}    # entries of eat_nonce; the usual ones for a token
    vtpm: {pcrs: {'4': 0a1b…}}            # with snp or tdx: a quote of the VM's TPM beside it, with these registers

A token is Google's word; its audience and image are pinned by the expectations. A quote of the virtual TPM says what
Google's host measured and who holds a certified key: it is never an enclave by itself, so it only comes beside
evidence of the CPU. ``fields`` says where in the answer a piece is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attestation.providers.base import Heard, Piece, Presented
from attestation.providers.formula import Binding, Known, parse_binding
from attestation.providers.parts import Asked, Place, answer, channel, chosen, facts_of
from attestation.recognise import ISSUERS, assemble
from attestation.tpm.quote import PCRS, QUOTE, SIGNATURE, parse_attest
from attestation.trust import certificate
from attestation.types import Check, Evidence, Source
from attestation.x509 import check

TOKEN = "token"  # noqa: S105 -- the name of a piece
FIELDS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"nonce", *(f"nonce{i}" for i in range(1, 6))}),
    "snp": frozenset({"report_data"}),
    "tdx": frozenset({"report_data"}),
}
USUAL: Mapping[str, Mapping[str, str]] = {
    "token": {"nonce": "hex(nonce)", "nonce1": "hex(sha256(spki))"},
    "snp": {"report_data": "sha256(spki) + nonce"},
    "tdx": {"report_data": "sha256(spki) + nonce"},
}
"""Binding where none is given."""
USUAL_VTPM = "sha256(spki + nonce)"
_PLACES: Mapping[str, Mapping[str, Place]] = {
    "token": {TOKEN: Place("raw")},
    "snp": {"report": Place("base64", "/report"), "vcek": Place("base64", "/vcek")},
    "tdx": {"report": Place("base64", "/quote")},
}
_VTPM: Mapping[str, Place] = {
    "ak": Place("base64", "/ak"),
    "ak_issuer": Place("base64", "/ak_issuer"),
    QUOTE: Place("hex", "/tpm_quote/message"),
    SIGNATURE: Place("hex", "/tpm_quote/signature"),
    PCRS: Place("hex", "/tpm_quote/pcrs"),
}
_ROOT = "ak_root"
_INDEX = re.compile(r"0|[1-9]|1\d|2[0-3]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vtpm:
    """``pcrs``: number of a register -> its approved value; ``bind``: what the quote's extraData holds.

    Raises ValueError.
    """

    pcrs: Mapping[str, bytes]
    bind: str = USUAL_VTPM
    issuer: bool = True
    """Whether a certificate stands between the key's and the root."""

    def __post_init__(self) -> None:
        if not self.pcrs or not all(_INDEX.fullmatch(str(i)) and len(v) == 32 for i, v in self.pcrs.items()):
            raise ValueError("pcrs: maps the numbers of registers, 0 to 23, to 32 bytes each")
        if not {"nonce", "spki"} <= self.binding.uses:
            raise ValueError("bind: names our nonce and the TLS key, spki")

    @property
    def binding(self) -> Binding:
        return parse_binding({"nonce": self.bind}, frozenset({"nonce"}))

    def piece(self, found: dict[str, bytes], facts: Known) -> tuple[Piece, Check]:
        """The quote, and whether it has the approved registers: that counts once the quote is verified."""
        attest, values = parse_attest(found[QUOTE]), found[PCRS]
        shown = {str(index): values[32 * i : 32 * i + 32] for i, index in enumerate(attest.pcrs)}
        same = all(shown.get(str(i)) == v for i, v in self.pcrs.items())
        root = found[_ROOT] if _ROOT in found else certificate("google_ek_ak_root")
        chain = tuple(found[name] for name in ("ak", "ak_issuer") if name in found)
        parts = {name: found[name] for name in (SIGNATURE, PCRS)}
        evidence = Evidence("google-vtpm", found[QUOTE], (*chain, root), parts)
        detail = f"registers {', '.join(sorted(map(str, self.pcrs)))} must be approved"
        return Piece("vtpm", evidence, self.binding.values(facts)), check("vtpm.pcrs", same, detail, Source.PROVIDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpProvider(Asked):
    """One such endpoint. Raises ValueError for options that do not fit together."""

    evidence: Literal["token", "snp", "tdx"]
    bind: Mapping[str, str] | None = None
    fields: Mapping[str, Place] = field(default_factory=dict)
    vtpm: Vtpm | None = None

    def __post_init__(self) -> None:
        self.check_question()
        uses = self.binding.uses
        if self.no_nonce or "nonce" not in uses or "key" in uses:
            raise ValueError("bind: names the nonce, and the TLS key by spki or certificate")
        if self.vtpm is not None and self.evidence == TOKEN:
            raise ValueError("vtpm: comes beside evidence of the CPU, snp or tdx")
        _ = self.places

    @property
    def kind(self) -> str:
        return "gcp"

    @property
    def binding(self) -> Binding:
        return parse_binding(USUAL[self.evidence] if self.bind is None else self.bind, FIELDS[self.evidence])

    @property
    def places(self) -> dict[str, Place]:
        also = ISSUERS if self.evidence == "snp" else frozenset[str]()
        if self.vtpm is None:
            return chosen(self.fields, _PLACES[self.evidence], also)
        vtpm = {name: place for name, place in _VTPM.items() if name != "ak_issuer" or self.vtpm.issuer}
        return chosen(self.fields, {**_PLACES[self.evidence], **vtpm}, also | {_ROOT})

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        body = answer(heard)
        found = {name: place.find(body) for name, place in self.places.items()}
        facts = facts_of(heard, self.sent(nonce))
        keys = channel(self.binding, facts)
        bound = self.binding.values(facts)
        if self.evidence == TOKEN:
            piece = Piece("cpu", Evidence("google", found[TOKEN].strip()), bound)
            return Presented((piece,), keys, nonce_bound=True)
        pieces = {name: raw for name, raw in found.items() if name in {"vcek", *ISSUERS}}
        own = Piece("cpu", assemble(self.evidence, found["report"], pieces), bound)
        if self.vtpm is None:
            return Presented((own,), keys, nonce_bound=True)
        beside, registers = self.vtpm.piece(found, facts)
        return Presented((own, beside), keys, nonce_bound=True, checks=(registers,))
