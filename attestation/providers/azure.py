"""Azure's confidential VMs (attestation.md §2.8, §2.10): a machine's own evidence, Azure Attestation's token, or both.

    provider: azure
    evidence: snp                         # or tdx; maa: a token and nothing else
    path: /attest
    bind: {nonce: sha256(spki + nonce)}   # what the TPM quote signs (extraData); the usual one, so it may be left out
    maa: {issuer: https://NAME.REGION.attest.azure.net, policy_hash: ...}   # a token beside the evidence

The answer is JSON as the attesters of Confidential Containers write it: ``hcl_report``, ``vcek`` or ``td_quote`` and
``tpm_quote``; ``fields`` says where else a piece is. The report names the runtime data, that names the TPM's key, and
the key signs PCRs and what ``bind`` says. ``user_data`` of the runtime data can be bound as well.

A token of Azure Attestation is signed by a key that its region shares with every tenant: its exact issuer and policy
hash are pinned, by the expectations' ``facts`` where it stands alone, by ``maa`` where it stands beside evidence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from attestation.jwt.issuers import MAA
from attestation.jwt.jws import parse_token
from attestation.providers.base import Heard, Piece, Presented
from attestation.providers.formula import Binding, parse_binding
from attestation.providers.parts import Asked, Place, answer, channel, chosen, facts_of
from attestation.recognise import ISSUERS, assemble
from attestation.tpm.hcl import split
from attestation.tpm.quote import PCRS, QUOTE, SIGNATURE
from attestation.types import Check, Evidence, Source
from attestation.x509 import check

HCL, TOKEN = "hcl_report", "token"
FIELDS: Mapping[str, frozenset[str]] = {
    "snp": frozenset({"nonce", "user_data"}),
    "tdx": frozenset({"nonce", "user_data"}),
    "maa": frozenset({"nonce"}),
}
USUAL: Mapping[str, Mapping[str, str]] = {
    "snp": {"nonce": "sha256(spki + nonce)"},
    "tdx": {"nonce": "sha256(spki + nonce)"},
    "maa": {"nonce": "base64(sha256(spki + nonce))"},
}
"""Binding where none is given: the TLS key and the nonce, hashed together, where the machine lets its guest speak."""
_TPM = {
    QUOTE: Place("hex", "/tpm_quote/message"),
    SIGNATURE: Place("hex", "/tpm_quote/signature"),
    PCRS: Place("hex", "/tpm_quote/pcrs"),
}
_PLACES: Mapping[str, Mapping[str, Place]] = {
    "snp": {HCL: Place("base64url", "/hcl_report"), "vcek": Place("base64url", "/vcek"), **_TPM},
    "tdx": {HCL: Place("base64url", "/hcl_report"), "td_quote": Place("base64url", "/td_quote"), **_TPM},
    "maa": {TOKEN: Place("raw")},
}
_HASH = re.compile(r"[A-Za-z0-9_=-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Maa:
    """The one tenant and the one policy whose token counts beside the evidence. Raises ValueError."""

    issuer: str
    policy_hash: str

    def __post_init__(self) -> None:
        if not MAA.issuer.fullmatch(self.issuer):
            raise ValueError(
                "issuer: is the exact name of an attestation provider, https://NAME.REGION.attest.azure.net"
            )
        if not _HASH.fullmatch(self.policy_hash):
            raise ValueError("policy_hash: is the hash of its policy, as tokens have it")

    def checks(self, token: bytes) -> tuple[Check, ...]:
        """Of statements that count once the token is verified. Raises Malformed."""
        parsed = parse_token(token)
        policy = parsed.claims.get("x-ms-policy-hash")
        return (
            check("token.tenant", parsed.issuer == self.issuer, "the issuer must be the pinned one", Source.PROVIDER),
            check("token.policy", policy == self.policy_hash, "the policy must be the pinned one", Source.PROVIDER),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureProvider(Asked):
    """One such endpoint. Raises ValueError for options that do not fit together."""

    evidence: Literal["snp", "tdx", "maa"]
    bind: Mapping[str, str] | None = None
    fields: Mapping[str, Place] = field(default_factory=dict)
    maa: Maa | None = None

    def __post_init__(self) -> None:
        self.check_question()
        uses = self.binding.uses
        if self.no_nonce or "nonce" not in uses or "key" in uses:
            raise ValueError("bind: names the nonce, and the TLS key by spki or certificate")
        if not any("nonce" in f.uses for name, f in self.binding.fields.items() if name.startswith("nonce")):
            raise ValueError("bind: what is signed anew for each question is nonce, so our nonce is in it")
        if self.maa is not None and self.evidence == "maa":
            raise ValueError("maa: a token that stands alone is pinned by the expectations' facts")
        _ = self.places

    @property
    def kind(self) -> str:
        return "azure"

    @property
    def binding(self) -> Binding:
        return parse_binding(USUAL[self.evidence] if self.bind is None else self.bind, FIELDS[self.evidence])

    @property
    def places(self) -> dict[str, Place]:
        token = {TOKEN: Place("raw", "/maa_token")} if self.maa is not None else {}
        also = ISSUERS if self.evidence == "snp" else frozenset[str]()
        return chosen(self.fields, {**_PLACES[self.evidence], **token}, also)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        body = answer(heard)
        found = {name: place.find(body) for name, place in self.places.items()}
        facts = facts_of(heard, self.sent(nonce))
        token = found.pop(TOKEN, b"")
        keys = channel(self.binding, facts)
        if self.evidence == "maa":
            piece = Piece("cpu", Evidence("maa", token.strip()), self.binding.values(facts))
            return Presented((piece,), keys, nonce_bound=True)
        hcl = found.pop(HCL)
        evidence = assemble(f"azure-{self.evidence}", hcl, found)  # which refuses a container of the other kind
        pieces = [Piece("cpu", evidence, self.binding.values(facts))]
        checks: tuple[Check, ...] = ()
        if self.maa is not None:  # the token must be of this very machine: it names the same runtime data
            same = hashlib.sha256(split(hcl).runtime).digest() + bytes(32)
            pieces.append(Piece("token", Evidence("maa", token.strip()), {"report_data": same}))
            checks = self.maa.checks(token.strip())
        return Presented(tuple(pieces), keys, nonce_bound=True, checks=checks)
