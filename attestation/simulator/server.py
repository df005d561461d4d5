"""A simulated enclave that serves: TLS 1.3 with its own key, evidence that binds it, and an OpenAI-compatible API.

For tests and the demo, on loopback only. It remembers what it was sent, counts decrypted bytes per TLS key, and can be
told to misbehave. It answers from what it received and connects to nobody.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import re
import ssl
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from attestation.simulator import pki
from attestation.simulator.misbehave import Misbehaviour, present
from attestation.simulator.snp import ASK_SERIAL, MEASUREMENT, TCB, Platform, shared_platform
from attestation.trust import SimulatedTrust
from attestation.types import Expectations

MODEL = "sealed-llm"
SLOW_S = 60.0
"""How long ``Misbehaviour.SLOW`` keeps an asker waiting."""
QUOTED = 160
"""Characters of the last user message that an answer quotes."""
_NONCE = re.compile(r"[0-9a-f]{64}")


class SimulatedEnclave:
    """``async with SimulatedEnclave() as enclave``: ``url`` is its base URL, ``received`` every raw chat body.

    ``misbehaviour`` may be set at any time and holds for the next answer. ``bytes_by_key`` counts decrypted bytes by
    the SHA-256 of the TLS key (SPKI) they came in under.
    """

    def __init__(self, misbehaviour: Misbehaviour | None = None, platform: Platform | None = None) -> None:
        self.misbehaviour = misbehaviour
        self.platform = platform or shared_platform()
        self.received: list[bytes] = []
        self.bytes_by_key: Counter[bytes] = Counter()
        self.attestations = 0
        self.url = ""
        self.spki = b""
        self.certificate = b""
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._tls.num_tickets = 0  # a resumed session would keep a replaced key alive
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None

    @property
    def measurement(self) -> bytes:
        return MEASUREMENT

    @property
    def trust(self) -> SimulatedTrust:
        return self.platform.trust

    @property
    def pin(self) -> bytes:
        """SHA-256 of the current TLS key's SPKI."""
        return hashlib.sha256(self.spki).digest()

    @property
    def request_bytes(self) -> int:
        """Decrypted bytes received under any key, requests for evidence included."""
        return self.bytes_by_key.total()

    def took(self, pin: bytes, data: bytes) -> None:
        """Decrypted bytes that came in under this key."""
        self.bytes_by_key[pin] += len(data)

    def crl(self) -> bytes:
        """The root's revocation list (DER); it names the intermediate when told to misbehave so."""
        return self.platform.crl((ASK_SERIAL,) if self.misbehaviour is Misbehaviour.REVOKED_ASK else ())

    def expectations(self, name: str, approved_until: dt.date) -> Expectations:
        """What this enclave meets when it is honest."""
        names = {self.measurement: "simulated-release"}
        minimum = {k: v for k, v in TCB.items() if k != "fmc"}
        return Expectations(name, frozenset({"sev-snp"}), names, minimum, "demo", approved_until, allow_simulated=True)

    def expectations_yaml(self, name: str, approved_until: dt.date) -> str:
        """The same as a file that :func:`attestation.expectations.load_expectations` reads."""
        minimum = ", ".join(f"{k}: {v}" for k, v in TCB.items() if k != "fmc")
        return (
            f"name: {name}\ntees: [sev-snp]\nmeasurements:\n  simulated-release: {self.measurement.hex()}\n"
            f"minimum_tcb: {{{minimum}}}\napproved_by: demo\napproved_until: {approved_until}\nallow_simulated: true\n"
        )

    def rotate_key(self) -> None:
        """A new TLS key for connections from now on; open ones keep theirs."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self.certify(key)
        pem = x509.load_der_x509_certificate(self.certificate).public_bytes(Encoding.PEM)
        pem += key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.TemporaryDirectory() as folder:  # the ssl module loads keys from files only
            path = Path(folder) / "tls.pem"
            path.write_bytes(pem)
            self._tls.load_cert_chain(path)
        self.spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def certify(self, key: ec.EllipticCurvePrivateKey) -> bytes:
        """The certificate (DER) for a TLS key, signed by itself."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated enclave")])
        return pki.issue(name, key.public_key(), name, key, digest=hashes.SHA256())

    def add_routes(self, app: web.Application) -> None:
        """Where evidence is asked for."""
        app.router.add_get("/.well-known/attestation", self._attest)

    async def __aenter__(self) -> Self:
        self.rotate_key()
        app = web.Application(client_max_size=2**26)
        self.routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0, ssl=self._tls)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"https://127.0.0.1:{port}/v1"
        return self

    def routes(self, app: web.Application) -> None:
        """All that it serves."""
        self.add_routes(app)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _connection(self) -> asyncio.Protocol:
        assert self._runner is not None and self._runner.server is not None
        return _Counted(self._runner.server(), self)

    async def _attest(self, request: web.Request) -> web.Response:
        self.attestations += 1
        nonce = request.query.get("nonce", "")
        if not _NONCE.fullmatch(nonce):
            return web.json_response({"error": "nonce must be 64 hex digits"}, status=400)
        if self.misbehaviour is Misbehaviour.HTTP_500:
            return web.Response(status=500)
        if self.misbehaviour is Misbehaviour.SLOW:
            await asyncio.sleep(SLOW_S)
        document = present(self.platform, self.misbehaviour, self.spki, bytes.fromhex(nonce))
        if self.misbehaviour is Misbehaviour.KEY_ROTATION:
            self.rotate_key()
        return web.Response(body=document, content_type="application/json")

    async def _models(self, _: web.Request) -> web.Response:
        model = {"id": MODEL, "object": "model", "created": 1767225600, "owned_by": "simulator"}
        return web.json_response({"object": "list", "data": [model]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.received.append(raw)
        try:
            body = json.loads(raw)
            text, stream, model = answer(body), bool(body.get("stream")), str(body.get("model", MODEL))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            error = {"message": "this is not a chat request", "type": "invalid_request_error", "code": None}
            return web.json_response({"error": error}, status=400)
        base = {"id": "chatcmpl-sealed", "created": 1767225600, "model": model}
        if stream:
            return await _stream(request, base, text)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        tokens = {"prompt_tokens": len(raw) // 4, "completion_tokens": len(text) // 4}
        usage = {**tokens, "total_tokens": sum(tokens.values())}
        return web.json_response({**base, "object": "chat.completion", "choices": [choice], "usage": usage})


class _Counted(asyncio.Protocol):
    """A connection that counts what arrives before HTTP sees it."""

    def __init__(self, inner: asyncio.Protocol, enclave: SimulatedEnclave) -> None:
        self._inner = inner
        self._enclave = enclave
        self._pin = enclave.pin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._enclave.took(self._pin, data)
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def answer(body: dict[str, Any]) -> str:
    """A plausible answer that quotes the last user message. Raises what a body of another shape causes."""
    last = next(m for m in reversed([{"role": "user", "content": ""}, *body["messages"]]) if m["role"] == "user")
    content = last["content"]
    if isinstance(content, list):
        content = " ".join(part["text"] for part in content if part.get("type") == "text")
    quote = " ".join(content.split())[:QUOTED]
    return f"Answered inside the enclave. You wrote: {quote} In short: the essential points are noted."


async def _stream(request: web.Request, base: dict[str, Any], text: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for event in events(base, text):
        await response.write(event)
        await asyncio.sleep(0)  # one write per word, not one for all
    await response.write(b"data: [DONE]\n\n")
    return response


def events(base: dict[str, Any], text: str) -> Iterator[bytes]:
    """A streamed answer, one event per word, without its end."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": word}, None) for word in re.findall(r"\S+\s*", text)]
    for delta, finish in [*deltas, ({}, "stop")]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        data = json.dumps({**base, "object": "chat.completion.chunk", "choices": [choice]})
        yield f"data: {data}\n\n".encode()
