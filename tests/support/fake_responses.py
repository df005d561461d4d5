"""A strict stand-in for OpenAI's Responses API on loopback: validates requests with the official SDK's own types.

``async with FakeResponses() as cloud``: ``cloud.url`` ends in ``/v1``; ``cloud.bodies`` and ``cloud.headers`` are what
arrived. It repeats the last text of the input, or what ``reply`` makes of the request: a text, or whole output items.
Every answer and event that it sends fits the SDK's own types too. How it behaves is set by attributes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from aiohttp import web
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_compact_params import ResponseCompactParams
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import BaseModel
from vendor_types import Check, strict

_CREATE = strict(ResponseCreateParams)
_CHECKS: dict[str, Check] = {
    "/v1/responses/compact": strict(ResponseCompactParams),
    "/v1/responses/input_tokens": strict(InputTokenCountParams),
}
_EVENTS: dict[str, type[BaseModel]] = {
    get_args(c.model_fields["type"].annotation)[0]: c for c in get_args(get_args(ResponseStreamEvent)[0])
}
ECHOED = ("instructions", "metadata", "tools", "tool_choice", "text", "user", "safety_identifier", "prompt_cache_key",
          "previous_response_id", "store", "reasoning")  # fmt: skip
"""What the API repeats of the request."""


def check_event(tree: dict[str, Any]) -> None:
    """Raises ValidationError, or KeyError for an event that the SDK does not know."""
    _EVENTS[tree["type"]].model_validate(tree)


def last_text(body: dict[str, Any]) -> str:
    """The last text of the input, whatever kind of item it is in."""
    given = body.get("input", "")
    if isinstance(given, str):
        return given
    item = given[-1]
    content = item.get("content", item.get("output", item.get("arguments", "")))
    if isinstance(content, str):
        return content
    return "".join(p.get("text", "") for p in content)


def message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A call of a function, as the model would make it."""
    text = json.dumps(arguments, ensure_ascii=False)
    return {
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": text,
        "status": "completed",
    }  # fmt: skip


def custom(name: str, text: str) -> dict[str, Any]:
    """A call of a custom tool."""
    return {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": name, "input": text}


def reasoning(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}]}


@dataclass
class FakeResponses:
    """``mode``: ok, error (``status``), not_json, failed (the response itself), event_error (in the stream), drop
    (cuts a stream in the middle), no_done (deltas, then at once the last event), hang (streams its first half, then
    nothing). ``piece`` is the number of characters per delta, ``wire_piece`` the number of bytes per write (0: one
    write per event). ``odd`` are events that no SDK knows."""

    reply: Callable[[dict[str, Any]], str | list[dict[str, Any]]] = lambda body: f"You said: {last_text(body)}"
    mode: str = "ok"
    status: int = 500
    piece: int = 4
    wire_piece: int = 0
    odd: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Method, path and query of what was asked of stored responses."""
    stored: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)
    """Id -> request and response; ``background`` ones are done when they are asked for a second time."""
    url: str = ""

    def __post_init__(self) -> None:
        self.gone = asyncio.Event()
        """Set when a reader left before the end."""

    async def __aenter__(self) -> FakeResponses:
        app = web.Application(client_max_size=2**26)
        for path in ("", "/compact", "/input_tokens"):
            app.router.add_post(f"/v1/responses{path}", self._create)
        app.router.add_route("*", "/v1/responses/{id}", self._held)
        app.router.add_route("*", "/v1/responses/{id}/{verb}", self._held)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _create(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.bodies.append(raw)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        if (wrong := _CHECKS.get(request.path, _CREATE)(raw)) is not None:
            self.violations.append(str(wrong))
            return web.json_response(wrong.openai(), status=400)
        if self.mode == "error":
            error = {"error": {"message": "stand-in failure", "type": "server_error", "code": None}}
            return web.json_response(error, status=self.status)
        if self.mode == "not_json":
            return web.Response(body=b"<html>", content_type="text/html")
        body = json.loads(raw)
        if request.path.endswith("/input_tokens"):
            return web.json_response({"object": "response.input_tokens", "input_tokens": 7})
        made = self.reply(body)
        output = [message(made)] if isinstance(made, str) else made
        try:
            if body.get("stream"):
                return await self._stream(request, body, output)
            more = {"object": "response.compaction"} if request.path.endswith("/compact") else {}
            whole = self._response(body, output) | more
            self.stored[whole["id"]] = (body, whole)
            if body.get("background"):
                return web.json_response({**whole, "status": "queued", "output": [], "usage": None})
            return web.json_response(whole)
        except (asyncio.CancelledError, ConnectionResetError):
            self.gone.set()
            raise

    async def _held(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        id, verb = request.match_info["id"], request.match_info.get("verb", "")
        if id not in self.stored or await request.read():
            return web.json_response({"error": {"message": "no such response"}}, status=404)
        body, whole = self.stored[id]
        if request.method == "DELETE":
            del self.stored[id]
            return web.json_response({"id": id, "object": "response", "deleted": True})
        if verb == "input_items":
            given = body["input"]
            items = given if isinstance(given, list) else [{"role": "user", "content": given}]
            data = [
                {"id": f"in_{i}", "type": "message", "status": "completed", "role": one["role"],
                 "content": [{"type": "input_text", "text": one["content"]}]}
                for i, one in enumerate(items)
            ]  # fmt: skip
            ends = {"first_id": "in_0", "last_id": data[-1]["id"]}
            return web.json_response({"object": "list", "data": data, "has_more": False, **ends})
        if request.query.get("stream") == "true":
            return await self._stream(request, body, whole["output"])
        return web.json_response({**whole, "status": "cancelled"} if verb == "cancel" else whole)

    def _response(self, body: dict[str, Any], output: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        usage = {
            "input_tokens": 7, "output_tokens": 9, "total_tokens": 16, "output_tokens_details": {"reasoning_tokens": 0},
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        }  # fmt: skip
        made: dict[str, Any] = {
            "id": f"resp_{len(self.bodies)}", "object": "response", "created_at": 1767225600, "status": "completed",
            "error": None, "incomplete_details": None, "instructions": None, "model": body["model"], "output": output,
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage, "metadata": {},
        }  # fmt: skip
        made |= {name: body[name] for name in ECHOED if body.get(name) is not None}
        if self.mode == "failed" and more.get("status") != "in_progress":
            text = f"failed on {last_text(body)}"
            made |= {"status": "failed", "output": [], "error": {"code": "server_error", "message": text}}
        made |= more
        Response.model_validate(made)
        return made

    def _events(self, body: dict[str, Any], output: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        begun = self._response(body, [], status="in_progress", usage=None)
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        yield from self.odd
        for at, item in enumerate(output):
            yield from self._item(at, item)
        if self.mode == "event_error":
            yield {"type": "error", "code": "server_error", "message": f"failed on {last_text(body)}", "param": None}
            return
        end = "response.failed" if self.mode == "failed" else "response.completed"
        yield {"type": end, "response": self._response(body, output)}

    def _item(self, at: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        where = {"output_index": at, "item_id": item["id"]}
        member = {"function_call": "arguments", "custom_tool_call": "input"}.get(item["type"])
        if member:
            yield {"type": "response.output_item.added", "output_index": at, "item": {**item, member: ""}}
            name = "function_call_arguments" if member == "arguments" else "custom_tool_call_input"
            yield from self._text(f"response.{name}", where, member, item[member])
        elif item["type"] == "reasoning":
            yield {"type": "response.output_item.added", "output_index": at, "item": {**item, "summary": []}}
            part = item["summary"][0]
            inner = {**where, "summary_index": 0}
            yield {"type": "response.reasoning_summary_part.added", **inner, "part": {**part, "text": ""}}
            yield from self._text("response.reasoning_summary_text", inner, "text", part["text"])
            yield {"type": "response.reasoning_summary_part.done", **inner, "part": part}
        else:
            yield {"type": "response.output_item.added", "output_index": at, "item": {**item, "content": []}}
            part = item["content"][0]
            inner = {**where, "content_index": 0}
            yield {"type": "response.content_part.added", **inner, "part": {**part, "text": ""}}
            yield from self._text("response.output_text", {**inner, "logprobs": []}, "text", part["text"])
            if self.mode != "no_done":
                yield {"type": "response.content_part.done", **inner, "part": part}
        if self.mode != "no_done":
            yield {"type": "response.output_item.done", "output_index": at, "item": item}

    def _text(self, kind: str, where: dict[str, Any], member: str, text: str) -> Iterator[dict[str, Any]]:
        for i in range(0, len(text), self.piece):
            yield {"type": f"{kind}.delta", **where, "delta": text[i : i + self.piece], "obfuscation": "x" * (i % 7)}
        if self.mode != "no_done":
            yield {"type": f"{kind}.done", **where, member: text}

    async def _stream(
        self, request: web.Request, body: dict[str, Any], output: list[dict[str, Any]]
    ) -> web.StreamResponse:
        parts = []
        for number, event in enumerate(self._events(body, output)):
            event["sequence_number"] = number
            if event not in self.odd:
                check_event(event)
            parts.append(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
        response = web.StreamResponse(headers={"content-type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        whole = b"".join(parts)
        if self.mode in {"drop", "hang"}:
            await response.write(whole[: len(whole) // 2])
            if self.mode == "hang":
                await asyncio.sleep(3600)
            assert request.transport is not None
            request.transport.abort()
            return response
        if self.wire_piece:
            parts = [whole[i : i + self.wire_piece] for i in range(0, len(whole), self.wire_piece)]
        for part in parts:
            await response.write(part)
        return response
