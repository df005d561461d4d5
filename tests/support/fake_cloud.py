"""A strict stand-in for an OpenAI-compatible upstream on loopback, for tests of the door and of whole requests.

``async with FakeCloud() as cloud``: ``cloud.url`` is its base URL (with ``/v1``), ``cloud.requests`` are the raw
requests in order. Requests are checked against the official SDK's own parameter types; what does not fit is listed in
``cloud.violations`` and answered 400. How it behaves is set by attributes that may change between requests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParams
from vendor_types import strict

_CHECK = strict(CompletionCreateParams)


@dataclass(frozen=True, slots=True)
class Received:
    """One raw request as it arrived."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


def echo(body: dict[str, Any]) -> str:
    """The text of the last message, as the model would repeat it."""
    content = body["messages"][-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A message that calls one tool."""
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
    }


@dataclass
class FakeCloud:
    """``mode``: ok, redirect, hang, error (``status``), drop (cuts the connection after half of the answer),
    endless (streams until the reader leaves), gzip, evil_headers, not_json.

    ``reply`` makes the answer from the request: a text, or a whole message. ``piece`` is the number of characters per
    streamed delta; ``wire_piece`` the number of bytes per write (0: one write per event or body). ``ascii``: all
    other characters as escapes.
    """

    reply: Callable[[dict[str, Any]], str | dict[str, Any]] = echo
    mode: str = "ok"
    status: int = 500
    ascii: bool = False
    piece: int = 5
    wire_piece: int = 0
    location: str = "http://127.0.0.1:9/v1/elsewhere"
    requests: list[Received] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""
    strict: bool = True
    """What the official SDK does not know is refused; off for the few tests whose subject it is."""
    hold: asyncio.Event | None = None
    """The second half of an answer waits for it."""
    sent: int = 0
    connections: int = 0

    def __post_init__(self) -> None:
        self.gone = asyncio.Event()
        """Set when a reader left before the end."""
        self.arrived = asyncio.Event()
        """Set when a request was read completely."""
        self._peers: set[Any] = set()

    async def __aenter__(self) -> FakeCloud:
        app = web.Application(client_max_size=2**27)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def stop(self) -> None:
        """Nobody listens any more: further connections are refused."""
        await self._runner.cleanup()

    @property
    def bodies(self) -> list[bytes]:
        return [r.body for r in self.requests]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        if peer not in self._peers:
            self._peers.add(peer)
            self.connections += 1
        body = await request.read()
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.raw_headers]
        self.requests.append(Received(request.method, request.path, request.query_string, headers, body))
        self.arrived.set()
        try:
            return await self._behave(request, body)
        except (asyncio.CancelledError, ConnectionResetError):
            self.gone.set()
            raise

    async def _behave(self, request: web.Request, body: bytes) -> web.StreamResponse:
        if self.mode == "hang":
            await asyncio.sleep(3600)
        if self.mode == "redirect":
            return web.Response(status=307, headers={"location": self.location})
        if self.mode == "error":
            error = {"error": {"message": "stand-in failure", "type": "server_error", "code": None}}
            return web.json_response(error, status=self.status)
        if self.mode == "not_json":
            return web.Response(body=b"<html>", content_type="text/html")
        if request.method == "GET" and request.path == "/v1/models":
            return web.json_response({"object": "list", "data": []})
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        return await self._chat(request, body)

    async def _chat(self, request: web.Request, raw: bytes) -> web.StreamResponse:
        wrong = _CHECK(raw) if self.strict else None
        if wrong is not None or request.content_type != "application/json":
            self.violations.append(str(wrong or "content type"))
            return web.json_response(wrong.openai() if wrong else {"error": {"message": "content type"}}, status=400)
        body = json.loads(raw)
        made = self.reply(body)
        message = {"role": "assistant", "content": made} if isinstance(made, str) else made
        if body.get("stream"):
            return await self._stream(request, body, message)
        return await self._whole(request, body, message)

    async def _whole(self, request: web.Request, body: dict[str, Any], message: dict[str, Any]) -> web.StreamResponse:
        choice = {
            "index": 0, "message": message, "logprobs": None,
            "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
        }  # fmt: skip
        usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
        made = {**_base(body), "object": "chat.completion", "choices": [choice], "usage": usage}
        ChatCompletion.model_validate(made, strict=True)
        headers = {"content-type": "application/json", "x-request-id": "req_cloud"}
        if self.mode == "gzip":
            headers["content-encoding"] = "gzip"
        if self.mode == "evil_headers":
            headers |= {"set-cookie": "a=b; Path=/", "sealgate-action": "allowed", "x-ratelimit-limit-requests": "9"}
        return await self._write(request, headers, [json.dumps(made, ensure_ascii=self.ascii).encode()])

    async def _stream(self, request: web.Request, body: dict[str, Any], message: dict[str, Any]) -> web.StreamResponse:
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        events = [self._event(body, delta, None) for delta in self._deltas(message)]
        events.append(self._event(body, {}, finish))
        if (body.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
            made = {**_base(body), "object": "chat.completion.chunk", "choices": [], "usage": usage}
            events.append(b"data: " + json.dumps(made).encode() + b"\n\n")
        events.append(b"data: [DONE]\n\n")
        return await self._write(request, {"content-type": "text/event-stream; charset=utf-8"}, events)

    def _deltas(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        text = message.get("content") or ""
        deltas += [{"content": text[i : i + self.piece]} for i in range(0, len(text), self.piece)]
        for index, call in enumerate(message.get("tool_calls") or ()):
            function = call["function"]
            head = {"name": function["name"], "arguments": ""}
            deltas.append({"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": head}]})
            args = function["arguments"]
            for i in range(0, len(args), self.piece):
                part = {"index": index, "function": {"arguments": args[i : i + self.piece]}}
                deltas.append({"tool_calls": [part]})
        return deltas

    def _event(self, body: dict[str, Any], delta: dict[str, Any], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        made = {**_base(body), "object": "chat.completion.chunk", "choices": [choice]}
        ChatCompletionChunk.model_validate(made, strict=True)
        return b"data: " + json.dumps(made, ensure_ascii=self.ascii).encode() + b"\n\n"

    async def _write(self, request: web.Request, headers: dict[str, str], parts: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        if self.mode == "drop" and headers["content-type"] == "application/json":
            response.content_length = sum(map(len, parts))
        await response.prepare(request)
        whole = b"".join(parts)
        if self.mode == "drop":
            await response.write(whole[: len(whole) // 2])
            assert request.transport is not None
            request.transport.abort()
            return response
        if self.wire_piece:
            parts = [whole[i : i + self.wire_piece] for i in range(0, len(whole), self.wire_piece)]
        while True:
            for number, part in enumerate(parts):
                if self.hold is not None and number == len(parts) // 2:
                    await self.hold.wait()
                await response.write(part)
                self.sent += len(part)
            if self.mode != "endless":
                await response.write_eof()
                return response
            await asyncio.sleep(0)


def _base(body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "created": 1767225600, "model": body["model"]}
