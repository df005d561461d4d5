"""Receipts through a real gate: services whose receipts are elsewhere, endless or nonsense, and gateways that serve
from others."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web
from gate_support import RECORD
from sealed_gate import asked, ready, sealed_world, wanting

from attestation.simulator.fields_server import AciEnclave, FieldMeddling, NearEnclave
from proxy.ports import Approval
from proxy.upstreams.enclave import EnclaveLeases
from proxy.upstreams.proofs import FORWARDS

F = FieldMeddling


class _Elsewhere(NearEnclave):
    """Its receipts are somewhere else, or never come to an end."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.strangers: list[str] = []

    def routes(self, app: web.Application) -> None:
        super().routes(app)
        app.router.add_get("/elsewhere", self._stranger)

    async def _stranger(self, request: web.Request) -> web.Response:
        """A good signature at another place."""
        self.strangers.append(request.path)
        asked, got = self.kept["chatcmpl-sealed"]
        return web.json_response(self._signer.sign(f"{asked}:{got}"))

    async def _signature(self, request: web.Request) -> Any:
        self.asked += 1
        if self.way.isdecimal():
            return web.Response(status=int(self.way), headers={"location": "/elsewhere"})
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        if self.way == "silent":
            await asyncio.sleep(3600)
        while True:  # every piece is small and comes at once, and there is no end
            await response.write(b" " * 100)
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("way", ["301", "302", "307", "308", "silent", "endless"])
@pytest.mark.parametrize("wanted", ["recorded", "required"])
async def test_receipts_elsewhere_or_without_an_end_are_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str, wanted: str
) -> None:
    wanting(monkeypatch, wanted)
    monkeypatch.setattr("proxy.upstreams.proofs.RECEIPT_S", 0.3)
    service = _Elsewhere(way)
    ready(monkeypatch, service)
    async with sealed_world(tmp_path, service) as w:
        if wanted == "required":
            with pytest.raises(openai.APIError):
                await asked(w)
        else:
            assert RECORD in await asked(w)
        await w.quiet()
        [outcome] = w.records(kind="outcome")
        assert outcome["receipt"] == "missing" and not service.strangers


async def test_half_a_letter_in_a_signature_leaves_no_outcome_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An enclave, or whoever answers for it, could keep an outcome out of the ledger with two bytes."""
    wanting(monkeypatch, "recorded")
    service = ready(monkeypatch, NearEnclave())
    assert isinstance(service, NearEnclave)
    monkeypatch.setattr(service._signer, "sign", lambda _: {"text": "\ud800", "signature": "00"})
    async with sealed_world(tmp_path, service) as w:
        assert RECORD in await asked(w)
        await w.quiet()
        [outcome] = w.records(kind="outcome")
        assert outcome["receipt"] == "failed" and outcome["code"] == "ok"


class _OpenGateway(AciEnclave):
    """An attested aggregator behind its own TLS: nothing is sealed, and it serves from attested services if told to."""

    def __init__(self) -> None:
        super().__init__(aggregator=True)

    def _restored(self, headers: dict[str, str], raw: bytes) -> Any:
        body = json.loads(raw)
        told = body.get("provider", {}).get("aci_verified") is True
        self.how = None if told else F.RECEIPT_UNVERIFIED
        return body, lambda _, text, __: text, [("X-Receipt-Id", "rcpt-1")]

    def _request_digest(self, body: dict[str, Any], raw: bytes) -> str:
        return hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize("waived", [True, False])
async def test_a_gateway_over_its_own_tls_is_told_to_serve_from_attested_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, waived: bool
) -> None:
    service = ready(monkeypatch, _OpenGateway(), pinned=True, sealed=False)
    proved = EnclaveLeases._proved

    async def accepted(self: Any, *args: Any) -> Any:
        lease = await proved(self, *args)
        by = {FORWARDS: Approval("ciso", "2027-01-01")} if waived else {}
        return dataclasses.replace(lease, info=dataclasses.replace(lease.info, waived=by))

    monkeypatch.setattr(EnclaveLeases, "_proved", accepted)
    async with sealed_world(tmp_path, service) as w:
        assert RECORD in await asked(w)
        await w.quiet()
        assert json.loads(service.opened[0]).get("provider") == ({"aci_verified": True} if waived else None)
        [outcome] = w.records(kind="outcome")
        assert outcome["receipt"] == ("verified" if waived else "failed")
