"""A strict stand-in for Google's Gemini API on loopback: validates requests with the official SDK's own types.

``async with FakeGemini() as cloud``: ``cloud.url`` ends in ``/v1beta``; ``bodies``, ``headers`` and ``paths`` are what
arrived. It answers by repeating the last user text, as JSON where JSON was asked for, or calls the first declared
function with what ``arguments`` makes of the text. A request that Google would refuse is a violation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from google.genai import types
from pydantic import AliasGenerator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from vendor_types import Wrong, wrong


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", alias_generator=AliasGenerator(to_camel), validate_by_name=True, validate_by_alias=True
    )


class GenerateRequest(_Strict):
    """The body of generateContent, from the parts that the SDK knows."""

    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    generation_config: types.GenerationConfig | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None


class CountRequest(_Strict):
    contents: list[types.Content] | None = None
    generate_content_request: dict[str, Any] | None = None


class EmbedRequest(_Strict):
    model: str
    content: types.Content
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None


class BatchRequest(_Strict):
    requests: list[EmbedRequest]


SCHEMAS: dict[str, type[BaseModel]] = {
    "generateContent": GenerateRequest,
    "streamGenerateContent": GenerateRequest,
    "countTokens": CountRequest,
    "embedContent": EmbedRequest,
    "batchEmbedContents": BatchRequest,
}
USAGE = {"promptTokenCount": 7, "candidatesTokenCount": 8, "thoughtsTokenCount": 1, "totalTokenCount": 16}


def last_text(body: dict[str, Any]) -> str:
    return "".join(p.get("text", "") for p in body["contents"][-1]["parts"])


@dataclass
class FakeGemini:
    """``piece`` is the number of characters per chunk; ``status`` other than 200 answers an error; ``breaks``: the
    stream ends in the middle."""

    piece: int = 4
    status: int = 200
    breaks: bool = False
    arguments: Callable[[str], dict[str, Any]] | None = None
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> FakeGemini:
        app = web.Application(client_max_size=2**26)
        for version in ("v1", "v1beta"):  # the SDK asks for the first of itself, the gate for what is configured
            app.router.add_post(f"/{version}/models/{{model}}:{{verb}}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1beta"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def _check(self, request: web.Request, body: Any) -> None:
        verb, model = request.match_info["verb"], request.match_info["model"]
        try:
            SCHEMAS[verb].model_validate(body)
        except ValidationError as e:
            self.violations.append(str(wrong(e)))
        except KeyError:
            self.violations.append("no such verb")
        if (request.query_string == "alt=sse") != (verb == "streamGenerateContent"):
            self.violations.append("the query does not fit the verb")
        if "authorization" in request.headers or "key" in request.query:
            self.violations.append("a credential in the wrong place")
        said = [r["model"] for r in body.get("requests", [body]) if "model" in r]
        if any(name != f"models/{model}" for name in said):
            self.violations.append("the model of the body is not that of the path")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        self.bodies.append(raw)
        self.paths.append(request.path_qs)
        self.headers.append({k.lower(): v for k, v in request.headers.items()})
        body = json.loads(raw)
        before = len(self.violations)
        self._check(request, body)
        if self.violations[before:]:
            return web.json_response(Wrong(("",), self.violations[before], unknown=False).google(), status=400)
        if self.status != 200:
            error = {"code": self.status, "message": "no", "status": "UNAVAILABLE"}
            return web.json_response({"error": error}, status=self.status)
        match request.match_info["verb"]:
            case "countTokens":
                return web.json_response({"totalTokens": 31})
            case "embedContent":
                return web.json_response({"embedding": {"values": [0.5, 1.0]}})
            case "batchEmbedContents":
                return web.json_response({"embeddings": [{"values": [0.5, 1.0]} for _ in body["requests"]]})
            case "streamGenerateContent":
                return await self._stream(request, body)
        candidate = {"content": {"parts": self._parts(body), "role": "model"}, "finishReason": "STOP"}
        text = json.dumps({"candidates": [candidate], **self._head(request), "usageMetadata": USAGE}, indent=2)
        return web.Response(text=text, content_type="application/json")

    def _head(self, request: web.Request) -> dict[str, Any]:
        return {"modelVersion": request.match_info["model"], "responseId": "r1"}

    def _parts(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        text = last_text(body)
        declared = [d for t in body.get("tools", []) for d in t.get("functionDeclarations", [])]
        if declared and self.arguments is not None and text:
            return [{"functionCall": {"name": declared[0]["name"], "args": self.arguments(text)}}]
        if body.get("generationConfig", {}).get("responseMimeType") == "application/json":
            return [{"text": json.dumps({"said": text}, ensure_ascii=False)}]
        return [{"text": "They said it.", "thought": True}, {"text": f"You said: {text}"}]

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        head = self._head(request)
        pieces = [
            {**part, "text": part["text"][i : i + self.piece]} if "text" in part else part
            for part in self._parts(body)
            for i in range(0, len(part.get("text", "x")), self.piece)
        ]
        for number, part in enumerate(pieces):
            if self.breaks and number > len(pieces) // 2:
                return response
            candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
            await self._event(response, {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 7}, **head})
        last = {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}
        await self._event(response, {"candidates": [last], "usageMetadata": USAGE, **head})
        return response

    async def _event(self, response: web.StreamResponse, tree: dict[str, Any]) -> None:
        await response.write(b"data: " + json.dumps(tree).encode() + b"\r\n\r\n")
