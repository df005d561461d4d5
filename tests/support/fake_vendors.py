"""Stand-ins on loopback for Intel's PCS, AMD's KDS, NVIDIA's services and issuers of tokens, under simulated roots.

They answer like the real ones, percent-encoded chains in headers included, and can be told to misbehave in every way.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from attested import NOW
from cryptography.hazmat.primitives.serialization import Encoding
from published import AMD, INTEL, NVIDIA, answer

from attestation.collateral.pieces import Kind
from attestation.simulator.intel import FMSPC, PLATFORM, ROOT, pem
from attestation.simulator.responder import NvidiaService
from attestation.simulator.tokens import MAA, NRAS, shared_services
from attestation.x509 import load_certificate
from proxy.collateral import vendors

GOOGLE_KEYS = "/service_accounts/v1/metadata/jwk/signer@confidentialspace-sign.iam.gserviceaccount.com"
Body = Callable[[], web.StreamResponse]
BAD = {
    "redirect": lambda: web.Response(status=302, headers={"location": "https://attacker.example/"}),
    "busy": lambda: web.Response(status=429, headers={"retry-after": "7200"}),
    "busy-silent": lambda: web.Response(status=429),
    "down": lambda: web.Response(status=503, headers={"retry-after": "120"}),
    "broken": lambda: web.Response(status=500),
    "absent": lambda: web.Response(status=404),
    "garbage": lambda: web.Response(body=b"<html>Sign in to the hotel's network</html>"),
    "empty": lambda: web.Response(body=b""),
    "huge": lambda: web.Response(body=b"0" * (3 * 1024 * 1024)),
    "packed": lambda: web.Response(body=b"\x1f\x8b", headers={"content-encoding": "gzip"}),
}
"""Ways to misbehave that every vendor has; also ``slow`` and ``cut``."""


class FakeVendors:
    """``async with FakeVendors() as v``: ``v.instead`` is what the door needs. ``v.bad`` maps a beginning of a path to
    a way to misbehave; ``v.now`` is the vendors' clock; ``v.changes`` goes into every TCB info and identity."""

    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now
        self.bad: dict[str, str] = {}
        self.asked: list[str] = []
        self.changes: dict[str, Any] = {}
        self.revoked: tuple[int, ...] = ()
        self.url = ""
        self.nvidia = NvidiaService(NVIDIA, now)

    @property
    def instead(self) -> dict[str, str]:
        return dict.fromkeys(
            (
                vendors.INTEL,
                vendors.INTEL_ROOT,
                vendors.AMD,
                vendors.NVIDIA_OCSP,
                vendors.NVIDIA_RIM,
                vendors.GOOGLE_KEYS,
                MAA,
                NRAS,
            ),
            self.url,
        )

    def chain(self, _product: str) -> tuple[bytes, ...]:
        return AMD.ask, AMD.root

    async def __aenter__(self) -> FakeVendors:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _any(self, request: web.Request) -> web.StreamResponse:
        path, body = request.path_qs, await request.read()
        assert bool(body) == (request.method == "POST") == (path == "/")  # only OCSP's question has a body
        self.asked.append(path)
        way = next((way for start, way in self.bad.items() if path.startswith(start)), None)
        if way == "slow":
            await asyncio.sleep(60)
        if way == "cut":
            response = web.StreamResponse(headers={"content-length": "100000"})
            await response.prepare(request)
            await response.write(b"0" * 10)
            assert request.transport is not None
            request.transport.abort()
            return response
        if way is not None:
            return BAD[way]()
        if body:
            assert request.content_type == "application/ocsp-request"
            self.nvidia.now = self.now
            return web.Response(body=self.nvidia.status(body), content_type="application/ocsp-response")
        return self._honest(path)

    def _honest(self, path: str) -> web.Response:
        services, now = shared_services(), self.now
        signer, ca = quote(pem(INTEL.signer, INTEL.root)), quote(pem(INTEL.platform, INTEL.root))
        fmspc = FMSPC.hex()
        if path in (f"/tdx/certification/v4/tcb?fmspc={fmspc}", f"/sgx/certification/v4/tcb?fmspc={fmspc}"):
            body = answer(INTEL.tcb_info(now, path.startswith("/sgx"), **self.changes), Kind.INTEL_TCB)
            return web.Response(body=body, headers={"TCB-Info-Issuer-Chain": signer})
        if path in ("/tdx/certification/v4/qe/identity", "/sgx/certification/v4/qe/identity"):
            number = {k: v for k, v in self.changes.items() if k == "tcbEvaluationDataNumber"}
            body = answer(INTEL.qe_identity(now, path.startswith("/sgx"), **number), Kind.INTEL_QE)
            return web.Response(body=body, headers={"SGX-Enclave-Identity-Issuer-Chain": signer})
        if path == "/sgx/certification/v4/pckcrl?ca=platform&encoding=der":
            return web.Response(body=INTEL.crl(PLATFORM, now), headers={"SGX-PCK-CRL-Issuer-Chain": ca})
        if path == "/IntelSGXRootCA.der":
            return web.Response(body=INTEL.crl(ROOT, now))
        if path == "/vcek/v1/Genoa/crl":
            start, end = now - dt.timedelta(days=1), now + dt.timedelta(days=300)
            return web.Response(body=AMD.crl(self.revoked, start=start, end=end, number=int(now.timestamp())))
        chip = load_certificate(AMD.chip.certificate)
        if path == f"/vcek/v1/Genoa/{AMD.chip.chip_id.hex()}?blSPL=10&teeSPL=01&snpSPL=23&ucodeSPL=184":
            return web.Response(body=chip.public_bytes(Encoding.DER))
        if path.startswith("/v1/rim/") and (raw := self.nvidia.rim(path.removeprefix("/v1/rim/"))) is not None:
            return web.Response(body=raw, content_type="application/json")
        keys = {"/certs": services.rsa, "/.well-known/jwks.json": services.ec, GOOGLE_KEYS: services.rsa}
        if path in keys:
            return web.Response(body=json.dumps({"keys": [services.jwk(keys[path])]}).encode())
        return web.Response(status=404)
