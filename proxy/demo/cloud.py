"""A stand-in cloud for the demo: OpenAI-compatible, on loopback, remembers what it was sent and shows it.

It answers from what it received, in small streamed pieces, so that a stand-in is cut at awkward places; it knows
nothing that did not cross the gate.
"""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

STAND_IN = re.compile(r"\b[A-Z][A-Z_]*_[0-9a-z]{13}\b")
PIECE = 5
"""Characters per streamed delta: shorter than any stand-in."""


class Cloud:
    """``async with Cloud() as cloud``: ``cloud.url`` is its base URL, ``cloud.received`` every raw body."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Cloud:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.received.append(raw)
        body = json.loads(raw)
        message = answer(body)
        base = {"id": "chatcmpl-demo", "created": 1767225600, "model": body["model"]}
        usage = {"prompt_tokens": len(raw) // 4, "completion_tokens": 32, "total_tokens": len(raw) // 4 + 32}
        finish = "tool_calls" if "tool_calls" in message else "stop"
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return web.json_response({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for delta in deltas(message):
            await _event(response, base, delta, None)
        await _event(response, base, {}, finish)
        await response.write(b"data: [DONE]\n\n")
        return response


async def _event(response: web.StreamResponse, base: dict[str, Any], delta: dict[str, Any], finish: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = json.dumps({**base, "object": "chat.completion.chunk", "choices": [choice]})
    await response.write(f"data: {data}\n\n".encode())


def deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The message as a model would stream it."""
    if "tool_calls" in message:
        call = message["tool_calls"][0]
        function = call["function"]
        first = {
            "index": 0,
            "id": call["id"],
            "type": "function",
            "function": {"name": function["name"], "arguments": ""},
        }
        out: list[dict[str, Any]] = [{"role": "assistant", "content": None, "tool_calls": [first]}]
        args = function["arguments"]
        pieces = (args[i : i + PIECE] for i in range(0, len(args), PIECE))
        return out + [{"tool_calls": [{"index": 0, "function": {"arguments": p}}]} for p in pieces]
    text = message["content"]
    head: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    return head + [{"content": text[i : i + PIECE]} for i in range(0, len(text), PIECE)]


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """What a helpful model might say, made only of what arrived."""
    last = body["messages"][-1]
    content = last.get("content") or ""
    tokens = list(dict.fromkeys(STAND_IN.findall(json.dumps(body["messages"]))))
    if body.get("tools") and last["role"] in {"user", "tool"}:
        function = body["tools"][0]["function"]
        wanted = list(function["parameters"]["properties"])
        by_label = {t.rsplit("_", 1)[0]: t for t in tokens}
        picked = {
            "name": by_label.get("PERSON", ""),
            "email": by_label.get("EMAIL", ""),
            "phone": by_label.get("PHONE", ""),
        }
        args = json.dumps({k: picked.get(k, "as discussed") for k in wanted})
        call = {"id": "call_demo_2", "type": "function", "function": {"name": function["name"], "arguments": args}}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if tokens:
        named = [t for t in tokens if t.startswith("PERSON_")]
        rest = [t for t in tokens if not t.startswith("PERSON_")]
        text = f"Dear {named[0] if named else 'customer'}, thank you for writing to us."
        if rest:
            text += f" We have noted {', '.join(rest)} and will come back to you today."
        return {"role": "assistant", "content": text}
    return {
        "role": "assistant",
        "content": f"You asked: {content[:80]} Here is a short answer: Paris is the capital of France.",
    }
