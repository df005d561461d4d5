"""A strict stand-in for Anthropic's messages API on loopback: validates requests with the official SDK's own types.

``async with FakeAnthropic() as cloud``: ``cloud.url`` ends in ``/v1``; ``cloud.bodies`` and ``cloud.headers`` are what
arrived. It answers by repeating the last user text, or calls the first tool with what ``arguments`` makes of the text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from anthropic.types.beta.message_create_params import MessageCreateParams as BetaParams
from anthropic.types.message_create_params import MessageCreateParams
from vendor_types import Wrong, strict

_CHECK = strict(MessageCreateParams)
_BETA = strict(BetaParams)


OLD_OUTPUT = "structured-outputs-2025-11-13"
"""The beta in which ``output_config.format`` was ``output_format``; the SDK forgot it, other clients did not."""


def _check(raw: bytes, betas: str) -> Wrong | None:
    if OLD_OUTPUT in betas and "output_format" in (body := json.loads(raw)):
        raw = json.dumps({"output_config": {"format": body.pop("output_format")}, **body}).encode()
    return (_BETA if betas else _CHECK)(raw)


def last_text(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    texts = (b.get("text", "") if b["type"] == "text" else _result(b) for b in content)
    return "".join(texts)


def _result(block: dict[str, Any]) -> str:
    content = block.get("content", "") if block["type"] == "tool_result" else ""
    return content if isinstance(content, str) else "".join(b.get("text", "") for b in content)


@dataclass
class FakeAnthropic:
    """``piece`` is the number of characters per streamed delta; ``status`` other than 200 answers an error."""

    piece: int = 4
    status: int = 200
    arguments: Callable[[str], dict[str, Any]] | None = None
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> FakeAnthropic:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/messages", self._messages)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.bodies.append(raw)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        body = json.loads(raw)
        if (wrong := _check(raw, request.headers.get("anthropic-beta", ""))) is not None:
            self.violations.append(str(wrong))
            return web.json_response(wrong.anthropic(), status=400)
        if self.status != 200:
            error = {"type": "error", "error": {"type": "api_error", "message": "no"}}
            return web.json_response(error, status=self.status)
        block = self._block(body)
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
        usage = {"input_tokens": 7, "output_tokens": 9}
        reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
        if not body.get("stream"):
            return web.json_response({**head, "content": [block], "stop_reason": reason, "usage": usage})
        return await self._stream(request, head, block, reason)

    def _block(self, body: dict[str, Any]) -> dict[str, Any]:
        text = last_text(body)
        content = body["messages"][-1]["content"]
        result = isinstance(content, list) and any(b["type"] == "tool_result" for b in content)
        if body.get("tools") and self.arguments is not None and not result:
            name = body["tools"][0]["name"]
            return {"type": "tool_use", "id": "toolu_1", "name": name, "input": self.arguments(text)}
        if self.arguments is not None and (body.get("output_format") or body.get("output_config")):
            return {"type": "text", "text": json.dumps(self.arguments(text)), "citations": None}
        return {"type": "text", "text": f"You said: {text}", "citations": None}

    async def _stream(
        self, request: web.Request, head: dict[str, Any], block: dict[str, Any], reason: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        if block["type"] == "tool_use":
            text, kind, member = json.dumps(block["input"]), "input_json_delta", "partial_json"
            empty = {**block, "input": {}}
        else:
            text, kind, member = block["text"], "text_delta", "text"
            empty = {**block, "text": ""}
        start = {**head, "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "ping"},
        ]
        pieces = [text[i : i + self.piece] for i in range(0, len(text), self.piece)]
        events += [{"type": "content_block_delta", "index": 0, "delta": {"type": kind, member: p}} for p in pieces]
        events += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": 9},
            },
            {"type": "message_stop"},
        ]
        for event in events:
            await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        return response
