"""A raw TLS peer on loopback that keeps every byte it decrypts, and self-signed keys for it."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID


class Identity:
    """A fresh TLS key with a self-signed certificate, ``change``d where a test says so; ``pin`` is the SHA-256 of its
    SPKI."""

    def __init__(self, change: Callable[[bytes], bytes] = lambda der: der) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.pin = hashlib.sha256(self.spki).digest()
        self.certificate = change(certificate.public_bytes(Encoding.DER))
        pem = ssl.DER_cert_to_PEM_cert(self.certificate).encode()
        self._pem = pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def context(self, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = newest
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pair.pem"
            path.write_bytes(self._pem)
            context.load_cert_chain(path)
        return context


class TlsPeer:
    """``async with TlsPeer(identity) as peer``: answers every request with ``answer`` (bytes, or a function of the
    request's head); ``received`` is all that came.

    ``rotate`` closes all connections and serves another key on the same port from then on.
    """

    def __init__(self, identity: Identity, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        self.identity = identity
        self.received = bytearray()
        self.connections = 0
        self.answer: bytes | Callable[[bytes], bytes] = b'{"ok":1}'
        self.port = 0
        self.status = "200 OK"
        self.delay_s = 0.0
        self.close_after = 0
        """Closes a connection after so many answers; 0 keeps it."""
        self.hold: asyncio.Event | None = None
        """Until it is set, of an answer to a POST only the first half is sent."""
        self.hang_up = False
        """Closes a connection after the answer to a POST."""
        self.pause: asyncio.Event | None = None
        """Until it is set, nothing is answered."""
        self._newest = newest
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/v1"

    async def __aenter__(self) -> TlsPeer:
        self._socket = socket.create_server(("127.0.0.1", self.port))  # held while keys rotate, so that none takes it
        self.port = self._socket.getsockname()[1]
        await self._serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()
        self._socket.close()

    async def rotate(self, identity: Identity) -> None:
        await self._stop()
        self.identity = identity
        await self._serve()

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(
            self._talk, sock=self._socket.dup(), ssl=self.identity.context(self._newest)
        )

    async def _stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0.01)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            answered = 0
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.received += head
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.received += await reader.readexactly(length)
                answer = self.answer if isinstance(self.answer, bytes) else self.answer(head)
                size = str(len(answer)).encode()
                await asyncio.sleep(self.delay_s)
                if self.pause is not None:
                    await self.pause.wait()
                writer.write(f"HTTP/1.1 {self.status}\r\ncontent-type: application/json\r\ncontent-length: ".encode())
                writer.write(size + b"\r\n\r\n")
                if self.hold is not None and head.startswith(b"POST"):
                    writer.write(answer[: len(answer) // 2])
                    await self.hold.wait()
                    answer = answer[len(answer) // 2 :]
                writer.write(answer)
                await writer.drain()
                answered += 1
                if answered == self.close_after or (self.hang_up and head.startswith(b"POST")):
                    return
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


async def hung_up(door: Any, upstream: str = "sealed") -> None:
    """Waits until ``door`` has seen that its connections to an enclave are gone, so that a test that ends them races
    with nothing; only a hang misses the deadline."""
    transport = door._transports[upstream]
    end = time.monotonic() + 60
    while any(transport._lines.open_to(epoch) for epoch in transport._wires):
        assert time.monotonic() < end, "a connection stays"
        await asyncio.sleep(0.005)
