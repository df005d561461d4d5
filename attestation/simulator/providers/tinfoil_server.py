"""A simulated Tinfoil enclave that serves over loopback, and lies when it is told to. For tests and the demo only."""

from __future__ import annotations

import re

from aiohttp import web

from attestation import ehbp
from attestation.providers.tinfoil import PATH
from attestation.simulator.providers.tinfoil import Machine
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.providers.tinfoil_present import present
from attestation.simulator.server import SimulatedEnclave
from attestation.trust import SimulatedTrust

_NONCE = re.compile(r"[0-9a-f]{64}")


class TinfoilServer(SimulatedEnclave):
    """``async with TinfoilServer(Machine("tdx"), Form.V3) as server``. ``form`` and ``lie`` may be set at any time and
    hold for the next answer. A server of version 2 takes no notice of nonces, as the real ones."""

    def __init__(self, machine: Machine | None = None, form: Form = Form.V3, lie: Lie | None = None) -> None:
        super().__init__()
        self.machine = machine or Machine()
        self.form = form
        self.lie = lie

    @property
    def trust(self) -> SimulatedTrust:
        return self.machine.trust

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(PATH, self._document)
        app.router.add_get(ehbp.KEYS_PATH, self._keys)

    async def _document(self, request: web.Request) -> web.Response:
        self.attestations += 1
        nonce = request.query.get("nonce", "")
        if self.lie is Lie.HTTP_500:
            return web.Response(status=500)
        if not _NONCE.fullmatch(nonce):
            return web.json_response({"error": "nonce must be 64 hex digits"}, status=400)
        document = present(self.machine, self.form, self.lie, self.pin, bytes.fromhex(nonce))
        if self.lie is Lie.KEY_ROTATION:
            self.rotate_key()
        return web.Response(body=document, content_type="application/json")

    async def _keys(self, _: web.Request) -> web.Response:
        return web.Response(body=self.machine.key_config(), content_type=ehbp.KEYS_TYPE)
