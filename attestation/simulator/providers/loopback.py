"""What simulated endpoints of every kind have in common: TLS, an API that answers, one path that hands out evidence.

For tests and the demo, on loopback only. Reads no clock: whoever starts one says what time it is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from aiohttp import web

from attestation.simulator.server import SimulatedEnclave
from attestation.trust import SimulatedTrust


class Loopback(SimulatedEnclave):
    """Answers ``GET`` and ``POST`` of ``path`` with what :meth:`document` makes. ``lie`` may be set at any time."""

    path = "/attest"

    def __init__(self, now: Callable[[], dt.datetime], lie: StrEnum | None = None) -> None:
        super().__init__()
        self.now = now
        self.lie = lie
        self.former = b""
        """The certificate before the present one."""

    def document(self, nonce: bytes) -> bytes:
        """The answer for ``nonce``, as bytes of its body."""
        raise NotImplementedError

    def nonce_of(self, text: str) -> bytes:
        return bytes.fromhex(text)

    @property
    def trust(self) -> SimulatedTrust:
        raise NotImplementedError

    def rotate_key(self) -> None:
        if not self.certificate:
            super().rotate_key()
        self.former = self.certificate
        super().rotate_key()

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(self.path, self._evidence)
        app.router.add_post(self.path, self._evidence)

    async def _evidence(self, request: web.Request) -> web.Response:
        self.attestations += 1
        given = dict(request.query) if request.method == "GET" else await request.json()
        try:
            nonce = self.nonce_of(str(given.get("nonce", "")))
        except ValueError:
            return web.json_response({"error": "the nonce cannot be read"}, status=400)
        body = self.document(nonce)
        if self.lie == "key_rotation":
            self.rotate_key()
        return web.Response(body=body, content_type="application/json" if body[:1] == b"{" else "text/plain")


def together(*trusts: SimulatedTrust) -> SimulatedTrust:
    """One trust for several simulated vendors."""
    first, *rest = trusts
    more = first.more.union(*(t.roots for t in rest))
    jwks = dict(first.jwks)
    for other in rest:
        jwks.update(other.jwks)
    return replace(first, more=more, jwks=jwks)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def flipped(data: bytes, at: int = -1) -> bytes:
    """One bit changed."""
    raw = bytearray(data)
    raw[at] ^= 1
    return bytes(raw)


OTHER = bytes(range(100, 132))
"""A nonce, or a key's hash, that is not the one in question."""
