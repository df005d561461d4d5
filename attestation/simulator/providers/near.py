"""A simulated gateway of NEAR AI over loopback TLS, with one inference proxy behind it: documents as its services write
them, requests opened field by field, answers sealed and signed by the key that the proxy's report binds.

Tests and the demo only. The gateway ends TLS and sees frames; it may lie as :class:`Lie` and meddle as
:class:`FieldMeddling` say.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from attestation.near import Algo
from attestation.simulator.fields_server import NearEnclave
from attestation.simulator.nvidia import shared_vendor
from attestation.simulator.providers.dstack import Lie, Proxy, SimulatedDstack
from attestation.simulator.providers.guest import Application
from attestation.simulator.signing import Signer


class SimulatedNear(NearEnclave, SimulatedDstack):
    """``async with SimulatedNear() as cloud``; ``algo`` is that of the reports, of sealing and of signatures."""

    def __init__(self, algo: Algo = Algo.ED25519, gpus: int = 1) -> None:
        super().__init__(algo, algo)
        proxy = Proxy(Application("inference-proxy", lite=True), [shared_vendor().gpu() for _ in range(gpus)])
        self.behind, self.own = (proxy,), Proxy(Application("gateway"))
        self._signer = Signer(algo, proxy.key, proxy.curve_key)
        ed25519 = algo is Algo.ED25519
        self._identity.public, self._identity.secret = (
            (proxy.public, proxy.secret) if ed25519 else (proxy.point, proxy.curve)
        )

    def _signed_text(self, asked: str, got: str) -> str:
        return f"{json.loads(self.received[-1])['model']}:{asked}:{got}"

    def _gateway(self, own: dict[str, Any], nonce: bytes, algo: str) -> dict[str, Any]:
        shaped = super()._gateway(own, nonce, algo)
        front = {k: v for k, v in shaped["gateway_attestation"].items() if k not in _NOT_OF_A_GATEWAY}
        front |= {"info": _info(front["info"], nested=True), "vpc": {"vpc_server_app_id": "ab" * 20}}
        models = [m if self.lie is Lie.MODEL_FLAG else _proxys(m) for m in shaped["model_attestations"]]
        ohttp = {"signing_algo": "ed25519", "key_config": "00", "text": hashlib.sha256(b"\0").hexdigest()}
        return {"gateway_attestation": front, "model_attestations": models, "all_attestations": models,
                "ohttp_attestation": ohttp}  # fmt: skip


_NOT_OF_A_GATEWAY = frozenset({"model_name", "signing_public_key", "nvidia_payload", "verified"})
_NOT_OF_A_PROXY = frozenset({"report_data", "verified"})


def _proxys(report: dict[str, Any]) -> dict[str, Any]:
    """As the proxy writes it: the log as a list, what dstack says of it nested, its deployment's actions beside."""
    out = {k: v for k, v in report.items() if k not in _NOT_OF_A_PROXY}
    return out | {
        "event_log": json.loads(out["event_log"]),
        "info": _info(out["info"], nested=False),
        "compose_manager_attestation": {"actions": [], "intel_quote": "00"},
    }


def _info(info: dict[str, Any], *, nested: bool) -> dict[str, Any]:
    """dstack's answer to ``/Info``, with the registers as JSON text where ``nested``."""
    tcb = {**info["tcb_info"], "os_image_hash": "05" * 32, "device_id": "", "event_log": []}
    whole = {"app_id": "ab" * 20, "instance_id": "07" * 20, "app_cert": "-----BEGIN CERTIFICATE-----\n"}
    return {**whole, "tcb_info": json.dumps(tcb) if nested else tcb, "key_provider_info": "{}", "vm_config": "{}"}
