"""Sockets, sessions and wires: what the doors (:mod:`proxy.egress`) open, and nobody else.

One session is one TLS context and one pool. No redirect, no proxy of the environment, no cookies, no compression, no
option per request; the address is proven on the socket that connects.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import socket
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from attestation.providers.base import Ask, Reply
from policies.types import Zone
from proxy.errors import UpstreamError
from proxy.outbound import Answer, Outbound, exactly
from proxy.settings import Limits, Network, UpstreamConfig
from proxy.upstreams import remote
from proxy.upstreams.pinning import PinMismatch
from proxy.upstreams.transports import HOLDS, Arrived, Carried, KeyChanged, Opened

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

IN_DOOR: ContextVar[bool] = ContextVar("IN_DOOR", default=False)
"""True while a door connects; the audit hook of the tests refuses every other connection."""
CREDENTIAL = {"anthropic": ("x-api-key", ""), "gemini": ("x-goog-api-key", "")}
"""Where a kind of upstream expects its key, and what stands before it; all others take a bearer token."""
PIECES = 256 * 1024
EVIDENCE_S = 30.0
"""For all questions of one attestation, connecting included: several GPUs take their time."""

STALE = 8
"""Kept connections that one request gives up before it gives up itself."""

FAILURES = (aiohttp.ClientError, OSError)  # TimeoutError and ssl.SSLError are kinds of OSError


class _AddressRefused(OSError):
    """The address is not where this upstream's zone may be."""


def dialing(upstream: UpstreamConfig, networks: Sequence[Network], tls: ssl.SSLContext | bool) -> dict[str, Any]:
    """Arguments of a pool whose sockets connect to proven addresses only."""
    onprem = upstream.zone is Zone.ONPREM
    plain = remote.base_url(upstream).startswith("http:")

    def proven(address: str) -> bool:
        ip = ipaddress.ip_address(address)
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if onprem:
            return any(ip in network for network in networks)
        return not plain or ip.is_loopback

    def connecting(info: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, address = info  # the very address that is connected to next
        if not proven(address[0]):
            raise _AddressRefused("this address is outside the upstream's zone")
        return socket.socket(family, kind, proto)

    return {"ssl": tls, "socket_factory": connecting, "limit": 0}


class Pool(aiohttp.TCPConnector):
    """Looks at a connection once more when a request is about to go onto it: dialling and sealing may have taken a
    while, and it may have waited long."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        """Raises what ``HOLDS`` raises, and what connecting does."""
        for _ in range(STALE):
            made = await super().connect(req, traces, timeout)
            try:
                if (holds := HOLDS.get()) is not None:
                    holds()
            except BaseException:
                made.close()
                raise
            if made.protocol is not None and not made.protocol.should_close:
                return made
            made.close()  # something was said on it that nobody asked for: it would pass for the next answer
        raise aiohttp.ClientConnectionError("no connection is clean")


def proven_connector(upstream: UpstreamConfig, networks: Sequence[Network], tls: ssl.SSLContext | bool) -> Pool:
    return Pool(**dialing(upstream, networks, tls))


class _Broken(aiohttp.ClientError):
    """The connection ended before an answer came."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The library would send some methods again, over another connection, where one that was kept had ended."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as e:
        raise _Broken from e


def plain_session(connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        middlewares=(_once,),
        timeout=timeout,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("content-type",),
        headers={"accept-encoding": "identity", "user-agent": "sealgate"},
    )


def failure(upstream: str, error: BaseException) -> Exception:
    """What went wrong, in our words: a client library's message may quote headers or answers."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        if isinstance(error.certificate_error, PinMismatch):
            return KeyChanged()
        return UpstreamError(f"{upstream} has no certificate that is trusted here", code="upstream_untrusted")
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _AddressRefused):
        return UpstreamError(f"{upstream}: its address is outside its zone", code="address_refused")
    if isinstance(error, TimeoutError):
        return UpstreamError(f"{upstream} did not answer in time", code="upstream_timeout")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamError(f"{upstream} cannot be reached", code="upstream_unreachable")
    return UpstreamError(f"{upstream} broke the connection")


def refuse_oddities(upstream: str, response: aiohttp.ClientResponse) -> None:
    """Redirects would carry the payload elsewhere; encodings would let a small answer grow without bound."""
    if not 200 <= response.status < 600 or 300 <= response.status < 400:
        raise UpstreamError(f"{upstream} tried to redirect the request", code="redirect_refused")
    if response.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
        raise UpstreamError(f"{upstream} answered in an encoding nobody asked for", code="encoding_refused")


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """A large body is written in pieces, so that the event loop serves others in between."""
    if not body:
        return None
    return body if len(body) <= PIECES else io.BytesIO(body)


def _abort(response: aiohttp.ClientResponse) -> None:
    """Drops the connection at once, unless the answer is complete (then it is back in the pool already)."""
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


class HttpWire:
    """One pooled session to one upstream, over ``pool``. Implements ``transports.Carrier``."""

    def __init__(self, upstream: UpstreamConfig, limits: Limits, pool: aiohttp.TCPConnector) -> None:
        self._name = upstream.name
        self._base = remote.base_url(upstream)
        self._key = upstream.key
        self._kind = upstream.kind
        self._cap = limits.answer_bytes
        connect = limits.upstream_connect_s
        timeout = aiohttp.ClientTimeout(
            total=None, connect=connect, sock_connect=connect, sock_read=limits.upstream_idle_s
        )
        self._session = plain_session(pool, timeout)
        self.users = 0

    async def open(self, out: Outbound) -> Opened:
        """Sends. Raises UpstreamError, or KeyChanged when nothing was sent because a connection met another key."""
        body = out.body if out.large is None else exactly(out.large)
        arrived = await self.carry(Carried(out.method, out.path, out.query, out.headers, body, out.size))
        answer = Answer(arrived.status, remote.returned(arrived.headers), arrived.chunks)
        return Opened(answer, arrived.close)

    async def carry(self, sent: Carried) -> Arrived:
        """As :meth:`open`, with exactly these headers and bytes, and the answer as it came."""
        self.users += 1
        try:
            response = await self._request(sent)
            try:
                refuse_oddities(self._name, response)
            except UpstreamError:
                _abort(response)
                raise
        except BaseException:
            self.users -= 1
            raise
        return self._arrived(response)

    async def _request(self, sent: Carried) -> aiohttp.ClientResponse:
        headers = dict(sent.headers)
        if self._key is not None:
            name, prefix = CREDENTIAL.get(self._kind, ("authorization", "Bearer "))
            headers[name] = prefix + self._key.reveal()
        url = URL(self._base + sent.path + (f"?{sent.query}" if sent.query else ""), encoded=True)
        data = _payload(sent.body) if isinstance(sent.body, bytes) else sent.body
        if not isinstance(sent.body, bytes) and sent.size is not None:
            headers["content-length"] = str(sent.size)
        inside = IN_DOOR.set(True)
        try:
            return await self._session.request(sent.method, url, data=data, headers=headers, allow_redirects=False)
        except FAILURES as e:
            raise failure(self._name, e) from None
        finally:
            IN_DOOR.reset(inside)

    def _arrived(self, response: aiohttp.ClientResponse) -> Arrived:
        chunks = self._chunks(response)
        running = True

        async def close() -> None:
            nonlocal running
            if running:
                running = False
                self.users -= 1
                _abort(response)
                with contextlib.suppress(RuntimeError):  # another task is reading just now: it sees the abort
                    await chunks.aclose()

        return Arrived(response.status, tuple(response.headers.items()), chunks, close)

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
        size = 0
        try:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > self._cap:
                    raise UpstreamError(f"{self._name} answered more than {self._cap} bytes", code="answer_too_large")
                yield chunk
        except FAILURES as e:
            raise failure(self._name, e) from None

    async def close(self) -> None:
        await self._session.close()


async def asked(session: aiohttp.ClientSession, origin: str, ask: Ask, upstream: str) -> Reply:
    headers = {} if ask.post is None else {"content-type": "application/json"}
    method, url = "GET" if ask.post is None else "POST", URL(origin + ask.path, encoded=True)
    async with session.request(method, url, data=ask.post, headers=headers, allow_redirects=False) as response:
        refuse_oddities(upstream, response)
        if response.status != 200:
            raise UpstreamError(f"{upstream} gave no evidence", code="evidence_unavailable")
        much = UpstreamError(f"{upstream} gave too much evidence", code="evidence_too_large")
        body = await capped(response, ask.max_bytes, much)
        return Reply(body, response.headers.get("content-type", ""))


async def capped(response: aiohttp.ClientResponse, most: int, much: UpstreamError) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            _abort(response)
            raise much
    return bytes(body)
