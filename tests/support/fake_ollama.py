"""A strict stand-in for Ollama on loopback: validates requests with the official client's own types.

``async with FakeOllama() as house``: ``house.url`` ends in ``/api``; ``house.bodies`` and ``house.headers`` are what
arrived. It answers by repeating the last user text, or calls the first tool with what ``arguments`` makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from ollama import ChatResponse, GenerateResponse
from ollama._types import ChatRequest, EmbedRequest, GenerateRequest, Message
from pydantic import BaseModel, ValidationError

SCHEMAS: dict[str, type[BaseModel]] = {"chat": ChatRequest, "generate": GenerateRequest, "embed": EmbedRequest}
HEAD = {"created_at": "2026-01-01T00:00:00.5Z"}
COUNTS = {"done_reason": "stop", "total_duration": 5, "prompt_eval_count": 7, "eval_count": 9}


@dataclass
class FakeOllama:
    """``piece`` is the number of characters per line; ``status`` other than 200 answers an error; ``breaks``: the
    stream ends in the middle."""

    piece: int = 4
    status: int = 200
    breaks: bool = False
    arguments: Callable[[str], dict[str, Any]] | None = None
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> FakeOllama:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/api/{verb}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _check(self, verb: str, body: dict[str, Any]) -> None:
        schema = SCHEMAS[verb]
        try:
            schema.model_validate(_typed(body))
            for message in body.get("messages") or ():
                Message.model_validate(_typed(message))
        except ValidationError as e:
            self.violations.append(str(e))
            return
        inside = [m.keys() - Message.model_fields.keys() for m in body.get("messages") or ()]
        if unknown := (body.keys() - schema.model_fields.keys()).union(*inside):
            self.violations.append(f"unknown fields: {unknown}")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.bodies.append(raw)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        verb, body = request.match_info["verb"], json.loads(raw)
        before = len(self.violations)
        self._check(verb, body)
        if self.violations[before:]:
            return web.json_response({"error": self.violations[before]}, status=400)
        if self.status != 200:
            return web.json_response({"error": "no"}, status=self.status)
        head = {"model": body["model"], **HEAD}
        if verb == "embed":
            texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
            return web.json_response({**head, "embeddings": [[0.5, 1.0] for _ in texts], "prompt_eval_count": 3})
        lines = self._chat(body) if verb == "chat" else self._generate(body)
        if body.get("stream", True) is False:
            return web.json_response({**head, **self._merged(lines), "done": True, **COUNTS})
        return await self._stream(request, [{**head, **line, "done": False} for line in lines], verb, head)

    def _pieces(self, text: str) -> list[str]:
        return [text[i : i + self.piece] for i in range(0, len(text), self.piece)]

    def _chat(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        text = (body.get("messages") or [{}])[-1].get("content") or ""
        if body.get("tools") and self.arguments is not None:
            function = {"name": body["tools"][0]["function"]["name"], "arguments": self.arguments(text)}
            return [{"message": {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}}]
        said = [
            {"role": "assistant", "content": "", "thinking": p}
            for p in self._pieces("Hm. " if body.get("think") else "")
        ]
        said += [{"role": "assistant", "content": p} for p in self._pieces(f"You said: {text}")]
        return [{"message": m} for m in said]

    def _generate(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"response": p} for p in self._pieces(f"You said: {body.get('prompt') or ''}")]

    def _merged(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        if "response" in lines[0]:
            return {"response": "".join(one["response"] for one in lines), "context": [1, 2, 3]}
        messages = [one["message"] for one in lines]
        merged = {**messages[0], "content": "".join(m["content"] for m in messages)}
        thinking = "".join(m.get("thinking", "") for m in messages)
        return {"message": merged | ({"thinking": thinking} if thinking else {})}

    async def _stream(
        self, request: web.Request, lines: list[dict[str, Any]], verb: str, head: dict[str, Any]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson"})
        await response.prepare(request)
        empty = {"message": {"role": "assistant", "content": ""}} if verb == "chat" else {"response": ""}
        last = {**head, **empty, "done": True, **COUNTS}
        for number, line in enumerate([*lines, last]):
            (ChatResponse if verb == "chat" else GenerateResponse).model_validate(line)
            if self.breaks and number > len(lines) // 2:
                break
            await response.write(json.dumps(line).encode() + b"\n")
        return response


def _typed(holder: dict[str, Any]) -> dict[str, Any]:
    """The client's types hold images as objects and write them as strings."""
    return {**holder, "images": [{"value": image} for image in holder["images"]]} if "images" in holder else holder
