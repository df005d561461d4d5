"""The data plane: HTTP in, the nine steps, HTTP out. Step 1 (admit) lives here; no decision does.

Errors leave in the dialect's own shape with a stable code and the request id. Nothing of a body is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from proxy.auth import authenticate
from proxy.dialects.base import Dialect
from proxy.errors import BadRequest, Busy, InternalError, NotFound, RequestTimeout, SealgateError, TooLarge, Unavailable
from proxy.flow import Call, Flow
from proxy.observe import log_request
from proxy.ports import Reply
from proxy.settings import AppConfig, Settings

log = logging.getLogger("sealgate")

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
JSON = ("content-type", "application/json")
JSON_TYPES = frozenset({"application/json", ""})


@dataclass(frozen=True, slots=True)
class Surface:
    """A served path: its dialect, its path below an upstream's base URL, and the headers that go there."""

    dialect: Dialect
    path: str
    headers: tuple[tuple[str, str], ...] = (JSON,)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request past step 1, for paths that have their own handlers (files, batches)."""

    request: web.Request
    request_id: str
    app: AppConfig
    read: Callable[[], Awaitable[bytes]]
    """The JSON body, within its limits."""
    respond: Callable[[Reply, Call], Awaitable[web.StreamResponse]]
    """Hands out a reply and closes it."""


@dataclass(slots=True)
class Gauge:
    """Requests in flight, and whether the gate is stopping."""

    running: int = 0
    draining: bool = False
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def enter(self) -> None:
        self.running += 1

    def leave(self) -> None:
        self.running -= 1
        self._idle.set()

    async def empty(self) -> None:
        """Returns when no request is running."""
        while self.running:
            self._idle.clear()
            await self._idle.wait()


class Server:
    """aiohttp handlers over one :class:`Flow`."""

    def __init__(
        self,
        settings: Settings,
        flow: Flow,
        chat: Dialect,
        models: Callable[[], list[str]],
        messages: Dialect | None = None,
        more: Sequence[Callable[[Server, web.UrlDispatcher], None]] = (),
    ) -> None:
        self._settings = settings
        self._flow = flow
        self._surfaces = {CHAT: Surface(chat, "/chat/completions")}
        if messages is not None:
            version = ("anthropic-version", "2023-06-01")
            self._surfaces[MESSAGES] = Surface(messages, "/messages", (version, JSON))
        self._models = models
        self._more = more
        self.gauge = Gauge()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=self._settings.limits.body_bytes)
        for path in self._surfaces:
            app.router.add_post(path, self.answer)
        app.router.add_get("/v1/models", self.models)
        for add in self._more:
            add(self, app.router)
        app.router.add_route("*", "/{tail:.*}", self.unknown)
        app.on_response_prepare.append(_anonymous)
        return app

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A POST to one of the surfaces."""
        surface = self._surfaces[request.path]
        request_id = f"req_{secrets.token_hex(12)}"
        started = time.perf_counter()
        try:
            app = authenticate(self._settings.apps, request.headers)
            with _Slot(self.gauge, self._settings.limits.concurrent_requests):
                body = await self._read(request)
                call = self._call(request_id, app, request, body, surface)
                reply = await self._flow.run(call, surface.dialect)
                return await self._respond(request, reply, call, started, surface.dialect)
        except SealgateError as e:
            return self._error(e, request_id, started, surface.dialect)
        except ConnectionError:  # the app left: nobody reads this, and it is no error to log
            return web.Response(status=499)
        except Exception as e:  # a bug of ours: the outermost place, nothing goes on after it
            return self._error(_internal(e), request_id, started, surface.dialect)

    async def guarded(
        self, request: web.Request, dialect: Dialect, work: Callable[[Admitted], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Step 1 for paths with their own handlers; errors leave in the shape of ``dialect``."""
        request_id = f"req_{secrets.token_hex(12)}"
        started = time.perf_counter()

        async def respond(reply: Reply, call: Call) -> web.StreamResponse:
            return await self._respond(request, reply, call, started, dialect)

        try:
            app = authenticate(self._settings.apps, request.headers)
            with _Slot(self.gauge, self._settings.limits.concurrent_requests):
                return await work(Admitted(request, request_id, app, lambda: self._read(request), respond))
        except SealgateError as e:
            return self._error(e, request_id, started, dialect)
        except ConnectionError:  # as in ``answer``
            return web.Response(status=499)
        except Exception as e:  # as in ``answer``: a bug of ours
            return self._error(_internal(e), request_id, started, dialect)

    def _call(self, request_id: str, app: AppConfig, request: web.Request, body: bytes, surface: Surface) -> Call:
        conversation = request.headers.get("sealgate-conversation")
        if conversation is not None and not (1 <= len(conversation) <= 256 and conversation.isprintable()):
            raise BadRequest("The sealgate-conversation header must have 1 to 256 printable characters.")
        return Call(request_id, app.name, app.tenant, surface.path, body, surface.headers, conversation)

    async def _read(self, request: web.Request) -> bytes:
        limit = self._settings.limits.body_bytes
        if request.query_string:
            raise BadRequest("This path takes no query parameters.", code="unexpected_query")
        if request.content_type not in JSON_TYPES and request.headers.get("Content-Type"):
            raise BadRequest("The content type must be application/json.", code="unsupported_content_type")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BadRequest("Compressed request bodies are not read yet.", code="unsupported_encoding")
        if request.content_length is not None and request.content_length > limit:
            raise TooLarge(f"The request is larger than {limit} bytes.")
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._settings.limits.read_timeout_s):
                async for chunk in request.content.iter_any():
                    size += len(chunk)
                    if size > limit:
                        raise TooLarge(f"The request is larger than {limit} bytes.")
                    parts.append(chunk)
        except TimeoutError:
            raise RequestTimeout("The request did not arrive in time.") from None
        return b"".join(parts)

    async def _respond(
        self, request: web.Request, reply: Reply, call: Call, started: float, dialect: Dialect
    ) -> web.StreamResponse:
        try:
            if not reply.stream:
                body = b"".join([c async for c in reply.chunks])
                return web.Response(status=reply.status, headers=reply.headers, body=body)
            reply.headers["cache-control"] = "no-cache"
            response = web.StreamResponse(status=reply.status, headers=reply.headers)
            await response.prepare(request)
            await self._stream(response, reply, call, dialect)
            return response
        finally:
            await reply.chunks.aclose()  # type: ignore[attr-defined]  # always an async generator (proxy.answers)
            log_request(call.request_id, call.app, reply.status, reply.headers, time.perf_counter() - started)

    async def _stream(self, response: web.StreamResponse, reply: Reply, call: Call, dialect: Dialect) -> None:
        """Hands out chunks at the app's pace. An error is too late for a status: the stream says it, without [DONE]."""
        try:
            async for chunk in reply.chunks:
                async with asyncio.timeout(self._settings.limits.app_idle_s):
                    await response.write(chunk)
        except TimeoutError:  # the app does not read: it gets no more, and its slot and upstream are free again
            response.force_close()
            return
        except SealgateError as e:
            await response.write(_event(dialect, e, call.request_id))
        except ConnectionError:
            raise
        except Exception as e:  # a bug of ours, said in the stream: a second response would corrupt the connection
            await response.write(_event(dialect, _internal(e), call.request_id))
        await response.write_eof()

    def _error(
        self, error: SealgateError, request_id: str, started: float, dialect: Dialect | None = None
    ) -> web.Response:
        headers = {"sealgate-request-id": request_id, "content-type": "application/json"}
        if error.status == 403:
            headers["sealgate-action"] = "blocked"
        if not error.retry:
            headers["x-should-retry"] = "false"
        if error.retry_after_s is not None:
            headers["retry-after"] = str(error.retry_after_s)
        log_request(request_id, None, error.status, headers, time.perf_counter() - started, error.code)
        body = (dialect or self._surfaces[CHAT].dialect).error(error, request_id)
        return web.Response(status=error.status, headers=headers, body=body)

    async def models(self, request: web.Request) -> web.Response:
        """GET /v1/models: the configured public names."""
        request_id = f"req_{secrets.token_hex(12)}"
        try:
            authenticate(self._settings.apps, request.headers)
        except SealgateError as e:
            return self._error(e, request_id, time.perf_counter())
        data: list[dict[str, Any]] = [
            {"id": name, "object": "model", "created": 0, "owned_by": "sealgate"} for name in self._models()
        ]
        body = orjson.dumps({"object": "list", "data": data})
        return web.Response(body=body, content_type="application/json", headers={"sealgate-request-id": request_id})

    async def unknown(self, request: web.Request) -> web.Response:
        """Any other path: never forwarded."""
        request_id = f"req_{secrets.token_hex(12)}"
        try:
            authenticate(self._settings.apps, request.headers)
            served = ", POST ".join(self._surfaces)
            raise NotFound(
                f"The gate serves POST {served} and GET /v1/models; other paths are not served yet.",
                code="path_not_served",
            )
        except SealgateError as e:
            return self._error(e, request_id, time.perf_counter())


def _event(dialect: Dialect, error: SealgateError, request_id: str) -> bytes:
    """An error inside a stream, in the dialect's shape."""
    name = f"event: {dialect.error_event}\n".encode() if dialect.error_event else b""
    return name + b"data: " + dialect.error(error, request_id) + b"\n\n"


def _internal(error: Exception) -> InternalError:
    """Logs where a bug of ours shows: type and line. Its message may hold text and goes nowhere."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
    log.error("internal error: %s at %s", type(error).__name__, where)
    return InternalError("The gate failed. Nothing more is said here; the operator finds the request id in the log.")


async def _anonymous(_: web.Request, response: web.StreamResponse) -> None:
    """Versions of libraries are nobody's business."""
    response.headers["server"] = "sealgate"


class _Slot:
    """Counts a request in; refuses when the gate is full or stopping."""

    def __init__(self, gauge: Gauge, limit: int) -> None:
        self._gauge = gauge
        self._limit = limit

    def __enter__(self) -> None:
        if self._gauge.draining:
            raise Unavailable("The gate is stopping.", code="stopping", retry_after_s=1)
        if self._gauge.running >= self._limit:
            raise Busy("The gate serves as many requests as it may.", retry_after_s=1)
        self._gauge.enter()

    def __exit__(self, *_: object) -> None:
        self._gauge.leave()
