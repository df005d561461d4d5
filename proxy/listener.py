"""The HTTP server under the handlers, where it speaks for itself: bytes that are no HTTP, expectations nobody meets.

The library's own pages and log lines quote what it could not read. Ours say what is wrong and give a request id, in the
shape of OpenAI's errors, since no API is known yet. Nothing is read or decided here.
"""

from __future__ import annotations

import secrets
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from proxy.dialects.openai_answers import error_body
from proxy.errors import BadRequest, InternalError, NotFound, SealgateError
from proxy.observe import log_fault, log_request


def new_id() -> str:
    """A request id."""
    return f"req_{secrets.token_hex(12)}"


def refusal(status: int) -> web.Response:
    """Our words for a status that the library gives."""
    error: SealgateError
    if status >= 500:
        error = InternalError(
            "The gate failed. Nothing more is said here; the operator finds the request id in the log."
        )
    elif status in {404, 405}:
        error = NotFound("The gate serves no such path.", code="path_not_served")
    else:
        error = BadRequest("The request is not HTTP as the gate reads it.", code="invalid_http")
        error.status = status
    request_id = new_id()
    headers = {"sealgate-request-id": request_id, "content-type": "application/json", "server": "sealgate",
               "x-should-retry": "false"}  # fmt: skip
    log_request(request_id, None, error.status, headers, 0.0, error.code)
    return web.Response(status=error.status, headers=headers, body=error_body(error, request_id))


class _Handler(RequestHandler):
    """One connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """See ``RequestHandler.handle_error``; ``message`` quotes the request and goes nowhere."""
        if status >= 500 and exc is not None:
            log_fault(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        response = refusal(status)
        response.force_close()
        return response


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """As ``AppRunner``, with our words for every error of the library."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        inner = made.request_handler

        async def handle(request: Any) -> web.StreamResponse:
            try:
                return await inner(request)
            except web.HTTPException as e:  # its page quotes headers (Expect)
                return refusal(e.status)

        return _Server(handle, request_factory=made.request_factory, **self._kwargs)
