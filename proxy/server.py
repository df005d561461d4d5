"""The data plane: HTTP in, the nine steps, HTTP out. Step 1 (admit) lives here; no decision does.

Errors leave in the dialect's own shape with a stable code and the request id. Nothing of a body is ever logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from proxy import bodies, surfaces
from proxy.auth import authenticate
from proxy.call import Call
from proxy.dialects import generic_bodies
from proxy.dialects.address import Address
from proxy.dialects.base import Dialect
from proxy.dialects.generic import GenericJson
from proxy.dialects.generic_bodies import GenericBytes
from proxy.errors import BadRequest, Busy, InternalError, NotFound, SealgateError, Unavailable
from proxy.flow import Flow
from proxy.listener import new_id
from proxy.observe import log_fault, log_request
from proxy.ports import Reply
from proxy.settings import AppConfig, Settings
from proxy.surfaces import JSON_TYPE, Surface
from proxy.upstreams.remote import METHODS

JSON_TYPES = frozenset({"application/json", ""})
REALTIME = "/v1/realtime"
LARGE = 4
"""Forms over ``limits.body_bytes`` that are in memory at a time, each with a few copies of itself; others wait."""
HELD = re.compile(
    r"/v1/(?:files|batches|uploads|vector_stores|assistants|threads|fine_tuning|containers|conversations|evals|realtime"
    r"|responses|organization|skills|videos|chatkit|models|messages|environments|chat/completions)(?:/.*)?",
    re.IGNORECASE,
)
"""Paths of what a provider holds for its caller: one key stands for all apps there, so none is served unseen."""
FAMILIES: Mapping[str, str] = {
    "conversations": "conversations: send earlier turns in the input, or previous_response_id",
    "chat": "stored chat completions: what was sent with store goes to the upstream, but nothing is fetched from it",
    "assistants": "assistants and threads", "threads": "assistants and threads",
    "vector_stores": "vector stores", "uploads": "uploads in parts: use /v1/files", "containers": "containers",
    "fine_tuning": "fine-tuning jobs", "responses": "this path: a response is fetched, cancelled or deleted by its id",
}  # fmt: skip
"""What is held below /v1/NAME and not served, in words for the app."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that step 1 let in."""

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
        more: Sequence[Callable[[Server, web.UrlDispatcher], None]] = (),
    ) -> None:
        self._settings = settings
        self._flow = flow
        self._surfaces = surfaces.table(settings.limits.json_depth)
        self._unknown = GenericJson(settings.limits.json_depth, routed=True)
        self._more = more
        self.gauge = Gauge()
        self._large = asyncio.Semaphore(LARGE)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=self._settings.limits.body_bytes)
        for surface in self._surfaces:
            app.router.add_post(surface.route, functools.partial(self.answer, surface))
        for add in self._more:
            add(self, app.router)
        app.router.add_route("*", "/u/{upstream}/{tail:.*}", self.any_api)
        app.router.add_route("*", "/{tail:.*}", self.unknown)
        app.on_response_prepare.append(_anonymous)
        return app

    async def answer(self, surface: Surface, request: web.Request) -> web.StreamResponse:
        """A POST to one of the surfaces."""
        try:
            surface = surface.bound(request.headers.getall("Content-Type", [])).asked(request.query)
        except BadRequest as e:
            return self._error(e, new_id(), time.perf_counter())

        limits = self._settings.limits
        large = surface.form is not None and (request.content_length or 0) > limits.body_bytes
        most = limits.form_bytes if large else limits.body_bytes  # what does not say its length is not large

        async def call(admitted: Admitted) -> Call:
            if surface.form is None:
                body = await self._json(request)
            else:
                body = surface.made(await bodies.read(request, self._settings.limits, most))
            headers = surface.headers
            if surface.betas:
                headers += surfaces.betas(request.headers.get("anthropic-beta"))
            return self._call(
                admitted, request, surface.path, body, headers=headers, stream=surface.stream,
                model=request.match_info.get("model"), query=surfaces.query(surface, list(request.query.items())),
            )  # fmt: skip

        return await self._serve(request, surface.dialect, call, url_key=surface.check is not None, large=large)

    async def any_api(self, request: web.Request) -> web.StreamResponse:
        """``/u/NAME/…``: any method and path of a configured upstream of kind ``http``, one way."""
        limits = self._settings.limits
        try:
            dialect, kind = generic_bodies.for_type(request.headers.get("Content-Type", ""), limits.json_depth)
        except BadRequest as e:
            return self._error(e, new_id(), time.perf_counter())

        async def call(admitted: Admitted) -> Call:
            if request.method not in METHODS:
                raise NotFound("This method is not served.", code="path_not_served")
            body = await bodies.read(request, limits)
            if request.method == "GET" and body:
                raise BadRequest("A GET carries no body.", code="unexpected_body")
            name = request.match_info["upstream"]
            _, _, raw = request.raw_path.partition("?")[0].removeprefix("/u/").partition("/")
            media = kind.partition(";")[0] if body else ""
            address = Address(
                f"/{raw}", request.raw_path.partition("?")[2], "" if media in generic_bodies.USUAL else media
            )
            return self._call(
                admitted, request, "/", body, headers=(("content-type", kind),) if body else (), upstream=name,
                address=address,
            )  # fmt: skip

        return await self._serve(request, dialect if request.can_read_body else GenericBytes(), call)

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        """Any other path: a POST of JSON below ``/v1/`` that names a model is served one way, nothing else is."""

        async def call(admitted: Admitted) -> Call:
            if request.path == REALTIME or request.path.startswith(f"{REALTIME}/"):
                raise NotFound("The gate does not serve realtime sessions.", code="realtime_not_served")
            if request.method != "POST" or not request.path.startswith("/v1/") or HELD.fullmatch(request.path):
                family = FAMILIES.get(request.path.lower().removeprefix("/v1/").partition("/")[0])
                if family is not None:
                    raise NotFound(f"The gate does not serve {family}.", code="path_not_served")
                served = ", POST ".join(s.route for s in self._surfaces)
                raise NotFound(
                    f"The gate serves POST {served}, GET /v1/models and /u/UPSTREAM/…; other paths are not served yet.",
                    code="path_not_served",
                )
            path, _, query = request.raw_path.partition("?")
            address = Address(path.removeprefix("/v1"), query)
            return self._call(admitted, request, "/", await self._json(request), headers=(JSON_TYPE,), address=address)

        return await self._serve(request, self._unknown, call)

    async def _serve(
        self,
        request: web.Request,
        dialect: Dialect,
        make: Callable[[Admitted], Awaitable[Call]],
        *,
        url_key: bool = False,
        large: bool = False,
    ) -> web.StreamResponse:
        """Steps 1 to 9 of one request."""

        async def work(admitted: Admitted) -> web.StreamResponse:
            async with self._large if large else contextlib.nullcontext():
                call = await make(admitted)
                return await admitted.respond(await self._flow.run(call, dialect), call)

        return await self.guarded(request, dialect, work, url_key=url_key)

    async def guarded(
        self,
        request: web.Request,
        dialect: Dialect,
        work: Callable[[Admitted], Awaitable[web.StreamResponse]],
        *,
        url_key: bool = False,
    ) -> web.StreamResponse:
        """Step 1, then ``work``, and every way it may fail, in the shape of ``dialect``. ``url_key``: the app's key may
        stand in the query as ``key``, as Google's API has it; nothing of such a query travels on."""
        request_id = new_id()
        started = time.perf_counter()

        async def respond(reply: Reply, call: Call) -> web.StreamResponse:
            return await self._respond(request, reply, call, started, dialect)

        try:
            app = authenticate(self._settings.apps, request.headers, _url_key(request) if url_key else "")
            with _Slot(self.gauge, self._settings.limits.concurrent_requests):
                return await work(Admitted(request, request_id, app, lambda: self._json(request), respond))
        except SealgateError as e:
            return self._error(e, request_id, started, dialect)
        except ConnectionError:  # the app left: nobody reads this, and it is no error to log
            return web.Response(status=499)
        except Exception as e:  # a bug of ours: the outermost place, nothing goes on after it
            return self._error(_internal(e), request_id, started, dialect)

    def _call(self, admitted: Admitted, request: web.Request, path: str, body: bytes, **more: Any) -> Call:
        conversation = request.headers.get("sealgate-conversation")
        if conversation is not None and not (1 <= len(conversation) <= 256 and conversation.isprintable()):
            raise BadRequest("The sealgate-conversation header must have 1 to 256 printable characters.")
        app = admitted.app
        return Call(
            admitted.request_id, app.name, app.tenant, path, body, conversation=conversation, method=request.method,
            **more,
        )  # fmt: skip

    async def _json(self, request: web.Request) -> bytes:
        if request.content_type not in JSON_TYPES and request.headers.get("Content-Type"):
            raise BadRequest("The content type must be application/json.", code="unsupported_content_type")
        return await bodies.read(request, self._settings.limits)

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
            await self._stream(request, response, reply, call, dialect)
            return response
        finally:
            await reply.chunks.aclose()  # type: ignore[attr-defined]  # always an async generator (proxy.answers)
            log_request(call.request_id, call.app, reply.status, reply.headers, time.perf_counter() - started)

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, reply: Reply, call: Call, dialect: Dialect
    ) -> None:
        """Hands out chunks at the app's pace. An error is too late for a status: the stream says it, without [DONE]."""
        begun = False
        try:
            async for chunk in reply.chunks:
                begun = True
                async with asyncio.timeout(self._settings.limits.app_idle_s):
                    await response.write(chunk)
        except TimeoutError:  # the app does not read: it gets no more, and its slot and upstream are free again
            if reply.raw:
                raise _cut(request) from None
            response.force_close()
            return
        except ConnectionError:
            raise
        except Exception as e:  # a bug of ours, said in the stream: a second response would corrupt the connection
            error = e if isinstance(e, SealgateError) else _internal(e)
            if reply.raw:
                raise _cut(request) from None
            await response.write(_event(reply, dialect, error, call.request_id, begun=begun))
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
        body = (dialect or self._surfaces[0].dialect).error(error, request_id)
        return web.Response(status=error.status, headers=headers, body=body)


def _url_key(request: web.Request) -> str:
    """The key in the query; of two, none."""
    keys = request.query.getall("key", [])
    return keys[0] if len(keys) == 1 else ""


def _cut(request: web.Request) -> ConnectionResetError:
    """Nothing can be said in audio: the app sees a broken connection, never a short file that looks whole."""
    if request.transport is not None:
        request.transport.abort()
    return ConnectionResetError()


def _event(reply: Reply, dialect: Dialect, error: SealgateError, request_id: str, *, begun: bool) -> bytes:
    """An error inside a stream, in the dialect's shape: a line of its own, an element of an array, or an event."""
    kind = reply.headers.get("content-type", "")
    if kind.startswith("application/x-ndjson"):
        return dialect.error(error, request_id) + b"\n"
    if kind.startswith("application/json"):
        return (b",\r\n" if begun else b"[") + dialect.error(error, request_id) + b"\n]\n"
    name = f"event: {dialect.error_event}\n".encode() if dialect.error_event else b""
    return name + b"data: " + dialect.error(error, request_id) + b"\n\n"


def _internal(error: Exception) -> InternalError:
    log_fault(error)
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
