"""A simulated ACI service over loopback TLS: a keyset, evidence that signs it, every way to lie. Tests and the demo.

On TDX it is a dstack guest, on SNP a launch measurement. The keys that it lists are its own: ``receipts`` signs,
``sealing`` opens.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from attestation.aci.documents import API_VERSION, KEYSET_DIGEST, keyset_digest
from attestation.aci.fields import Algo, new_secret
from attestation.binding import aci_report_data
from attestation.sealing import Secret
from attestation.simulator.intel import shared_intel
from attestation.simulator.misbehave import Misbehaviour, lie_of
from attestation.simulator.providers.guest import OLD_NONCE, Application, TdLie, expectations, expectations_yaml, papers
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import SimulatedTrust
from attestation.types import Expectations

DOMAIN = "api.sim.example"
END = int(dt.datetime(2030, 1, 1, tzinfo=dt.UTC).timestamp())


class Lie(StrEnum):
    """What the service does wrong besides :class:`TdLie` and, on SNP, :class:`Misbehaviour`."""

    OLD_NONCE = "old_nonce"
    ECHOED_NONCE = "echoed_nonce"
    """report_data is of our nonce, the evidence is old."""
    NO_NONCE = "no_nonce"
    """Evidence for a statement without a nonce: true for ever."""
    WRONG_QUOTED = "wrong_quoted"
    SWAPPED_KEYSET = "swapped_keyset"
    """A genuine report whose keyset was exchanged for the attacker's, digests and all."""
    ADDED_KEY = "added_key"
    """The attacker's TLS key put beside the real one."""
    STALE_DIGEST = "stale_digest"
    OTHER_TLS_KEY = "other_tls_key"
    OTHER_DOMAIN = "other_domain"
    NO_TLS_KEY = "no_tls_key"
    EXPIRED = "expired"
    FOR_EVER = "for_ever"
    FRACTION = "fraction"
    NEW_MEMBER = "new_member"
    ID_TWICE = "id_twice"
    ROLE_TWICE = "role_twice"
    DUPLICATE_KEY = "duplicate_key"
    UPPER_HEX = "upper_hex"
    NO_SEALING_KEY = "no_sealing_key"
    LOW_ORDER = "low_order"
    UNKNOWN_SUITE = "unknown_suite"
    OPENS_NOTHING = "opens_nothing"
    AGGREGATOR = "aggregator"
    OTHER_VERSION = "other_version"
    OTHER_TEE = "other_tee"
    FLAG_ONLY = "flag_only"
    NOT_JSON = "not_json"
    REORDERED_CHAIN = "reordered_chain"
    LOOSE_BASE64 = "loose_base64"


_OURS = ("tls_public_keys", 1)
_SIGNED: Mapping[Lie, tuple[tuple[str | int, ...], Any]] = {
    Lie.OTHER_TLS_KEY: ((*_OURS, "spki_sha256"), "66" * 32),
    Lie.UPPER_HEX: ((*_OURS, "spki_sha256"), "AB" * 32),
    Lie.OTHER_DOMAIN: ((*_OURS, "domain"), f"{DOMAIN}.evil.example"),
    Lie.NO_TLS_KEY: (("tls_public_keys",), []),
    Lie.EXPIRED: (("not_after",), int(dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp())),
    Lie.FOR_EVER: (("not_after",), 2**53 - 1),
    Lie.NEW_MEMBER: (("debug_keys",), []),
    Lie.ID_TWICE: (("e2ee_public_keys", 1, "key_id"), "e2ee-0"),
    Lie.ROLE_TWICE: (
        ("e2ee_public_keys",),
        [{"key_id": k, "algo": Algo.X25519.value, "public_key": "09" * 32} for k in "ab"],
    ),
    Lie.NO_SEALING_KEY: (("e2ee_public_keys",), []),
    Lie.UNKNOWN_SUITE: (("e2ee_public_keys",), [{"key_id": "e", "algo": "rot13", "public_key": "00"}]),
    Lie.LOW_ORDER: (("e2ee_public_keys", 1, "public_key"), "00" * 32),
}
"""Lie -> what it changes in the keyset before that is signed."""


class SimulatedAci(SimulatedEnclave):
    """``async with SimulatedAci() as service``. ``lie`` holds for the next reports."""

    def __init__(self, tee: Literal["tdx", "sev_snp"] = "tdx", lie: Lie | TdLie | Misbehaviour | None = None) -> None:
        super().__init__()
        self.tee = tee
        self.lie = lie
        self.app = Application("aci-gateway")
        self.receipts = Ed25519PrivateKey.generate()
        self.sealing: dict[Algo, Secret] = {algo: new_secret(algo) for algo in reversed(Algo)}

    @property
    def trust(self) -> SimulatedTrust:
        return SimulatedTrust(shared_intel().trust.root, frozenset({self.platform.trust.root}))

    def expectations(self, name: str, approved_until: dt.date) -> Expectations:
        if self.tee == "sev_snp":
            return super().expectations(name, approved_until)
        return expectations(name, approved_until, self.app)

    def expectations_yaml(self, name: str, approved_until: dt.date) -> str:
        if self.tee == "sev_snp":
            return super().expectations_yaml(name, approved_until)
        return expectations_yaml(name, approved_until, self.app)

    def rotate_receipts(self) -> None:
        """Another receipt key, and so another keyset and digest."""
        self.receipts = Ed25519PrivateKey.generate()

    def keyset(self) -> dict[str, Any]:
        """The honest one for the current TLS key."""
        receipt = {
            "key_id": "receipt-1",
            "algo": "ed25519",
            "public_key": self.receipts.public_key().public_bytes_raw().hex(),
        }
        sealing = [{"key_id": f"e2ee-{i}", "algo": algo.value, "public_key": secret.public.hex()}
                   for i, (algo, secret) in enumerate(self.sealing.items())]  # fmt: skip
        tls = [
            {"domain": "other.sim.example", "spki_sha256": "0e" * 32},
            {"domain": DOMAIN, "spki_sha256": self.pin.hex()},
        ]
        return {"subject": "dstack-app://sim", "not_after": END, "receipt_signing_keys": [receipt],
                "e2ee_public_keys": sealing, "tls_public_keys": tls}  # fmt: skip

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/aci/attestation", self._report)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.on_response_prepare.append(self._headers)

    async def _headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers["X-ACI-Version"] = API_VERSION
        response.headers[KEYSET_DIGEST] = keyset_digest(self.keyset())

    async def _report(self, request: web.Request) -> web.Response:
        self.attestations += 1
        body = self.document(request.query)
        if self.misbehaviour is Misbehaviour.KEY_ROTATION:
            self.rotate_key()
        return web.Response(body=body, content_type="application/json")

    def document(self, query: Mapping[str, str]) -> bytes:
        """What it answers to this query."""
        nonce, lie = bytes.fromhex(query["nonce"]), self.lie
        if lie is Lie.NOT_JSON:
            return b"<html>It works!</html>"
        signed = self._keyset(lie)
        shown = _exchanged(signed, lie)
        quoted = {Lie.OLD_NONCE: OLD_NONCE, Lie.ECHOED_NONCE: OLD_NONCE, Lie.NO_NONCE: None}
        bound = aci_report_data(keyset_digest(signed), quoted.get(lie, nonce) if isinstance(lie, Lie) else nonce)
        stated = (
            aci_report_data(keyset_digest(shown), nonce) if lie in (Lie.ECHOED_NONCE, Lie.SWAPPED_KEYSET) else bound
        )
        body = {
            "api_version": "aci/2" if lie is Lie.OTHER_VERSION else API_VERSION,
            "workload_keyset_digest": keyset_digest({} if lie is Lie.STALE_DIGEST else shown),
            "attestation": {
                "tee_type": "sgx" if lie is Lie.OTHER_TEE else self.tee,
                "workload_keyset": shown,
                "report_data": stated[:32].hex(),
                "source_provenance": {"repo_url": "https://code.sim.example/gateway", "repo_commit": "c0ffee1",
                                      "image_digest": None, "image_provenance": {"trust": "me"}},
                "evidence": self._evidence(bound),
            },
            "service_capabilities": {"supported_e2ee_versions": [] if lie is Lie.OPENS_NOTHING else ["2"],
                                     "serving": "aggregator" if lie is Lie.AGGREGATOR else "direct"},
            "verified": True,
        }  # fmt: skip
        return _spelt(json.dumps(body), lie)

    def _keyset(self, lie: object) -> dict[str, Any]:
        """What the evidence signs."""
        keyset = self.keyset()
        path, value = _SIGNED.get(lie, ((), None)) if isinstance(lie, Lie) else ((), None)
        if path:
            inner: Any = keyset
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
        return keyset

    def _evidence(self, bound: bytes) -> dict[str, Any]:
        quoted = bound[:32] + bytes(31) + b"\1" if self.lie is Lie.WRONG_QUOTED else bound
        if self.lie is Lie.FLAG_ONLY:
            return {"quote_report_data": quoted.hex(), "verifiable": True}
        if self.tee == "tdx":
            td = papers(self.app, bound, self.lie if isinstance(self.lie, TdLie) else None)
            shown = {"quote": td.quote, "event_log": td.log, "app_compose": td.compose}
            return {**shown, "quote_report_data": quoted.hex(), "vm_config": {"cpu_count": 4}, "key_custody": None}
        found = lie_of(self.platform, bound, self.lie if isinstance(self.lie, Misbehaviour) else None)
        chain = found.certificates
        if self.lie is Lie.REORDERED_CHAIN:
            chain = (chain[0], chain[2], chain[1])
        encoded = [base64.b64encode(der).decode() for der in chain]
        if self.lie is Lie.LOOSE_BASE64:
            encoded[0] += "\n"
        return {"quote": found.report.hex(), "quote_report_data": quoted.hex(), "cert_chain": encoded}


def _exchanged(signed: dict[str, Any], lie: object) -> dict[str, Any]:
    """What the document shows instead of what was signed."""
    tls = signed["tls_public_keys"]
    if lie is Lie.SWAPPED_KEYSET:
        own = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        return {**signed, "receipt_signing_keys": [{"key_id": "receipt-1", "algo": "ed25519", "public_key": own}]}
    if lie is Lie.ADDED_KEY:
        return {**signed, "tls_public_keys": [*tls, {"domain": DOMAIN, "spki_sha256": "66" * 32}]}
    return signed


def _spelt(text: str, lie: object) -> bytes:
    if lie is Lie.DUPLICATE_KEY:
        text = text.replace('"not_after"', '"not_after": 1, "not_after"', 1)
    if lie is Lie.FRACTION:
        text = text.replace(f'"not_after": {END}', f'"not_after": {END}.0', 1)
    return text.encode()
