"""A simulated dstack inference proxy, or a gateway before several, over loopback TLS. Tests and the demo only.

Each is a TD with an application, GPUs and two keys, Ed25519 and secp256k1, that sign answers and that requests can be
sealed to.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from attestation.binding import dstack_report_data
from attestation.sealing import CurveSecret, X25519Secret
from attestation.signatures import address_of
from attestation.simulator.intel import shared_intel
from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.nvidia import Gpu, Vendor, shared_vendor
from attestation.simulator.providers.guest import OLD_NONCE, Application, TdLie, expectations, expectations_yaml, papers
from attestation.simulator.server import MODEL, SimulatedEnclave
from attestation.trust import SimulatedTrust
from attestation.types import Expectations


class Lie(StrEnum):
    """What a proxy, or the gateway before it, does wrong besides :class:`TdLie`."""

    OLD_NONCE = "old_nonce"
    ECHOED_NONCE = "echoed_nonce"
    """Our nonce in the JSON, an old one in the quote."""
    WRONG_ECHO = "wrong_echo"
    """The quote is right, what the JSON repeats is not."""
    WRONG_DATA = "wrong_data"
    OTHER_TLS_KEY = "other_tls_key"
    """A genuine report of another endpoint, for our nonce: what a relay has."""
    HIDDEN_TLS_KEY = "hidden_tls_key"
    """The same, with our fingerprint in the JSON."""
    DOWNGRADED = "downgraded"
    HIDDEN_DOWNGRADE = "hidden_downgrade"
    """A quote of version 1 with a fingerprint in the JSON."""
    OTHER_SIGNER = "other_signer"
    OTHER_PUBLIC_KEY = "other_public_key"
    NO_PUBLIC_KEY = "no_public_key"
    OTHER_ALGORITHM = "other_algorithm"
    OTHER_MODEL = "other_model"
    GPU_OLD = "gpu_old"
    """GPU evidence of another time or machine, honest about its nonce."""
    GPU_ECHOED = "gpu_echoed"
    """The same, with our nonce in the JSON."""
    GPU_TWICE = "gpu_twice"
    GPU_FEWER = "gpu_fewer"
    GPU_NONE = "gpu_none"
    GPU_FORGED = "gpu_forged"
    GPU_RELAYED = "gpu_relayed"
    """GPUs of another machine that answered our nonce: nothing in the formats shows it."""
    FLAG_ONLY = "flag_only"
    """``verifiable: true`` and no evidence."""
    NOT_JSON = "not_json"
    DUPLICATE_KEY = "duplicate_key"
    OTHER_SHAPE = "other_shape"
    """A gateway that answers like a proxy, or a proxy like a gateway."""
    MODEL_OLD = "model_old"
    MODEL_NONE = "model_none"
    MODEL_FLAG = "model_flag"
    MODEL_OTHER_APPLICATION = "model_other_application"
    MODELS_SHARE_GPU = "models_share_gpu"


def secp256k1() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256K1())


@dataclass(slots=True)
class Proxy:
    """One TD."""

    app: Application
    gpus: list[Gpu] = field(default_factory=list, repr=False)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    curve_key: ec.EllipticCurvePrivateKey = field(default_factory=secp256k1, repr=False)

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def curve(self) -> CurveSecret:
        return CurveSecret(ec.SECP256K1(), self.curve_key)

    @property
    def point(self) -> bytes:
        """The key of secp256k1, X || Y."""
        return self.curve.public[1:]

    @property
    def address(self) -> bytes:
        return address_of(self.point)

    @property
    def secret(self) -> X25519Secret:
        """Opens what was sealed to the signing key (RFC 8032 §5.1.5)."""
        scalar = hashlib.sha512(self.key.private_bytes_raw()).digest()[:32]
        return X25519Secret(X25519PrivateKey.from_private_bytes(scalar))

    def report(
        self, nonce: bytes, fingerprint: bytes | None, algo: str, lie: Lie | TdLie | None = None
    ) -> dict[str, Any]:
        """The report for this question; ``fingerprint`` None is version 1."""
        signer = self.public if algo == "ed25519" else self.address
        bound = dstack_report_data(signer, *_bound(lie, fingerprint, nonce))
        td = papers(self.app, bound, lie if isinstance(lie, TdLie) else None)
        shown = OLD_NONCE if lie in (Lie.OLD_NONCE, Lie.WRONG_ECHO) else nonce
        body: dict[str, Any] = {
            "model_name": "another/model" if lie is Lie.OTHER_MODEL else MODEL,
            "signing_address": signer.hex() if algo == "ed25519" else f"0x{signer.hex()}",
            "signing_algo": algo,
            "signing_public_key": (self.public if algo == "ed25519" else self.point).hex(),
            "request_nonce": shown.hex(),
            "report_data": (bound[:32] + OLD_NONCE if lie is Lie.WRONG_DATA else bound).hex(),
            "intel_quote": td.quote,
            "event_log": td.log,
            "info": {"tcb_info": {"app_compose": td.compose, "mrtd": "00" * 48}, "app_name": self.app.name},
            "nvidia_payload": self._devices(nonce, lie),
            "verified": True,
            **_named(lie, fingerprint),
        }
        return {**body, **_changed(lie, algo)}

    def _devices(self, nonce: bytes, lie: object) -> str:
        gpus, signed = list(self.gpus), nonce
        match lie:
            case Lie.GPU_NONE:
                gpus = []
            case Lie.GPU_FEWER:
                gpus = gpus[:-1]
            case Lie.GPU_TWICE:
                gpus = [*gpus[:-1], gpus[0]]
            case Lie.GPU_FORGED:
                gpus = [Vendor().gpu(), *gpus[1:]]
            case Lie.GPU_RELAYED:
                gpus = [shared_vendor().gpu() for _ in gpus]
            case Lie.GPU_OLD | Lie.GPU_ECHOED:
                signed = OLD_NONCE
        if not gpus:
            return ""
        shown = nonce if lie is Lie.GPU_ECHOED else signed
        entries = [gpu.entry(gpu.report(signed), nonce=shown.hex()) for gpu in gpus]
        return json.dumps({"nonce": shown.hex(), "evidence_list": entries, "arch": "HOPPER"})


def _bound(lie: object, fingerprint: bytes | None, nonce: bytes) -> tuple[bytes | None, bytes]:
    """What the quote is made for."""
    if lie in (Lie.OTHER_TLS_KEY, Lie.HIDDEN_TLS_KEY):
        fingerprint = b"\x66" * 32
    if lie in (Lie.DOWNGRADED, Lie.HIDDEN_DOWNGRADE):
        fingerprint = None
    return fingerprint, OLD_NONCE if lie in (Lie.OLD_NONCE, Lie.ECHOED_NONCE) else nonce


def _named(lie: object, fingerprint: bytes | None) -> dict[str, str]:
    if fingerprint is None or lie is Lie.DOWNGRADED:
        return {}
    return {"tls_cert_fingerprint": (b"\x66" * 32 if lie is Lie.OTHER_TLS_KEY else fingerprint).hex()}


def _changed(lie: object, algo: str) -> dict[str, Any]:
    stranger = Proxy(Application("another"))
    other = stranger.public if algo == "ed25519" else stranger.point
    match lie:
        case Lie.OTHER_SIGNER:
            named = other.hex() if algo == "ed25519" else f"0x{stranger.address.hex()}"
            return {"signing_address": named, "signing_public_key": other.hex()}
        case Lie.OTHER_PUBLIC_KEY:
            return {"signing_public_key": other.hex()}
        case Lie.NO_PUBLIC_KEY:
            return {"signing_public_key": None}
        case Lie.OTHER_ALGORITHM:
            return {"signing_algo": "ecdsa" if algo == "ed25519" else "ed25519"}
        case Lie.FLAG_ONLY:
            return {"intel_quote": None, "verifiable": True}
    return {}


class SimulatedDstack(SimulatedEnclave):
    """``async with SimulatedDstack() as proxy``. With ``behind`` it is a gateway before those proxies.

    ``lie`` holds for the next reports; in a gateway a lie about the report is the gateway's own.
    """

    def __init__(self, behind: tuple[Proxy, ...] = (), gpus: int = 2, lie: Lie | TdLie | None = None) -> None:
        super().__init__()
        self.behind = behind
        self.lie = lie
        own = [] if behind else [shared_vendor().gpu() for _ in range(gpus)]
        self.own = Proxy(Application("gateway" if behind else "inference-proxy"), own)
        self.asked: list[Mapping[str, str]] = []

    @property
    def trust(self) -> SimulatedTrust:
        return SimulatedTrust(shared_intel().trust.root, frozenset({shared_vendor().trust.root}))

    def expectations(self, name: str, approved_until: dt.date) -> Expectations:
        return expectations(name, approved_until, *self._apps())

    def expectations_yaml(self, name: str, approved_until: dt.date) -> str:
        return expectations_yaml(name, approved_until, *self._apps())

    def _apps(self) -> set[Application]:
        return {p.app for p in (self.own, *self.behind)}

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/attestation/report", self._report)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)

    async def _report(self, request: web.Request) -> web.Response:
        self.attestations += 1
        self.asked.append(dict(request.query))
        body = self.document(request.query)
        if self.misbehaviour is Misbehaviour.KEY_ROTATION:
            self.rotate_key()
        return web.Response(body=body, content_type="application/json")

    def document(self, query: Mapping[str, str]) -> bytes:
        """What it answers to this query."""
        nonce, algo, lie = bytes.fromhex(query["nonce"]), query.get("signing_algo", "ecdsa"), self.lie
        tls = self.pin if query.get("include_tls_fingerprint") == "true" else None
        if lie is Lie.NOT_JSON:
            return b"<html>It works!</html>"
        own = self.own.report(nonce, tls, algo, lie)
        shaped = own if (not self.behind) != (lie is Lie.OTHER_SHAPE) else self._gateway(own, nonce, algo)
        text = json.dumps(shaped)
        if lie is Lie.DUPLICATE_KEY:
            text = text.replace('"request_nonce"', f'"request_nonce": "{nonce.hex()}", "request_nonce"', 1)
        return text.encode()

    def _gateway(self, own: dict[str, Any], nonce: bytes, algo: str) -> dict[str, Any]:
        inner: Lie | TdLie | None = None
        match self.lie:
            case Lie.MODEL_OLD:
                inner = Lie.OLD_NONCE
            case Lie.MODEL_OTHER_APPLICATION:
                inner = TdLie.OTHER_APPLICATION
        behind = list(self.behind) or [self.own]
        if self.lie is Lie.MODELS_SHARE_GPU:
            behind = [replace(p, gpus=behind[0].gpus) for p in behind]
        models: list[Any] = [p.report(nonce, hashlib.sha256(p.public).digest(), algo, inner) for p in behind]
        if self.lie is Lie.MODEL_NONE:
            models = []
        if self.lie is Lie.MODEL_FLAG:
            models = [{"model_name": MODEL, "verifiable": True}]
        return {"gateway_attestation": own, "model_attestations": models}


def gateway(count: int = 1, gpus: int = 1, *, shared_key: bool = True) -> SimulatedDstack:
    """A gateway before ``count`` proxies of one application."""
    first = Proxy(Application("inference-proxy", lite=True))
    proxies = [
        replace(first if shared_key else Proxy(first.app), gpus=[shared_vendor().gpu() for _ in range(gpus)])
        for _ in range(count)
    ]
    return SimulatedDstack(tuple(proxies))
