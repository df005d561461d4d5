"""What the gate answers about its models by itself, in the shape of the API that asks; and what it has no answer to.

Nothing is sent anywhere: names come from the configuration, everything else that an API would say is left out or empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from proxy.dialects import json_text
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Dialect
from proxy.dialects.gemini import GeminiGenerate
from proxy.dialects.ollama import OllamaChat, shown, tags
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import NotFound
from proxy.server import Admitted, Server

OLLAMA = "0.12.0"
"""The version of Ollama's API that the gate speaks, for clients that ask before they say more."""
GEMINI_METHODS = {
    "gemini.generate": ("generateContent", "streamGenerateContent"),
    "gemini.count_tokens": ("countTokens",),
    "gemini.embed": ("embedContent", "batchEmbedContents"),
}
NO_MANAGEMENT = (
    "The gate does not manage models: pull, create, copy, push and delete them on the server itself. "
    "It serves /api/chat, /api/generate, /api/embed, /api/show, /api/tags and /api/version."
)
NO_GEMINI = (
    "The gate serves models and their generateContent, streamGenerateContent, countTokens, embedContent and "
    "batchEmbedContents; Gemini's caches, files, batches, tuning and live sessions are not served."
)

Work = Callable[[Admitted], Awaitable[web.StreamResponse]]


class Catalog:
    """The handlers. ``names(dialect)`` are the configured public names that are served in a dialect, all for ``""``."""

    def __init__(self, server: Server, names: Callable[[str], list[str]]) -> None:
        self._server = server
        self._names = names

    def add(self, router: web.UrlDispatcher) -> None:
        gemini, ollama = GeminiGenerate(), OllamaChat()
        self._shared(router, "/v1/models", (self._models, self._gemini_models, self._claude_models))
        self._shared(router, "/v1/models/{model:.+}", (self._model, self._gemini_model, self._claude_model))
        for method, path, shape, work in (
            ("GET", "/v1beta/models", gemini, self._gemini_models),
            ("GET", "/v1beta/models/{model:.+}", gemini, self._gemini_model),
            ("*", "/v1beta/{tail:.*}", gemini, _refused(NO_GEMINI)),
            ("*", "/upload/{tail:.*}", gemini, _refused(NO_GEMINI)),
            ("GET", "/api/tags", ollama, self._tags),
            ("GET", "/api/version", ollama, self._version),
            ("POST", "/api/show", ollama, self._show),
            ("*", "/api/{tail:.*}", ollama, _refused(NO_MANAGEMENT)),
        ):
            self._serve(router, method, path, shape, work)

    def _serve(self, router: web.UrlDispatcher, method: str, path: str, shape: Dialect, work: Work) -> None:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._server.guarded(request, shape, work, url_key=shape.name == GeminiGenerate.name)

        router.add_route(method, path, handle)

    def _shared(self, router: web.UrlDispatcher, path: str, works: tuple[Work, Work, Work]) -> None:
        """A path of three APIs: which of them asks is seen by its way to send a key, or by its version."""
        shapes: tuple[Dialect, Dialect, Dialect] = (OpenAIChat(), GeminiGenerate(), AnthropicMessages())

        async def handle(request: web.Request) -> web.StreamResponse:
            google = "x-goog-api-key" in request.headers or "key" in request.query
            which = 1 if google else 2 if "anthropic-version" in request.headers else 0
            return await self._server.guarded(request, shapes[which], works[which], url_key=google)

        router.add_get(path, handle)

    async def _models(self, a: Admitted) -> web.StreamResponse:
        return _json(a, {"object": "list", "data": [_openai(name) for name in self._names("")]})

    async def _model(self, a: Admitted) -> web.StreamResponse:
        return _json(a, _openai(_known(a.request.match_info["model"], self._names(""))))

    async def _claude_models(self, a: Admitted) -> web.StreamResponse:
        data = [_claude(name) for name in self._names(AnthropicMessages.name)]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
        return _json(a, {"data": data, "has_more": False, **ends})

    async def _claude_model(self, a: Admitted) -> web.StreamResponse:
        return _json(a, _claude(_known(a.request.match_info["model"], self._names(AnthropicMessages.name))))

    async def _gemini_models(self, a: Admitted) -> web.StreamResponse:
        """All on one page, whatever page was asked for."""
        return _json(a, {"models": [self._gemini(name) for name in self._gemini_names()]})

    async def _gemini_model(self, a: Admitted) -> web.StreamResponse:
        return _json(a, self._gemini(_known(a.request.match_info["model"], self._gemini_names())))

    def _gemini_names(self) -> Sequence[str]:
        return list(dict.fromkeys(name for dialect in GEMINI_METHODS for name in self._names(dialect)))

    def _gemini(self, name: str) -> dict[str, Any]:
        methods = [m for dialect, some in GEMINI_METHODS.items() if name in self._names(dialect) for m in some]
        return {"name": f"models/{name}", "version": "", "displayName": name, "description": "",
                "supportedGenerationMethods": methods}  # fmt: skip

    async def _tags(self, a: Admitted) -> web.StreamResponse:
        return _answer(a, tags(self._names("")))

    async def _version(self, a: Admitted) -> web.StreamResponse:
        return _json(a, {"version": OLLAMA})

    async def _show(self, a: Admitted) -> web.StreamResponse:
        tree = json_text.parse(await a.read(), max_depth=8)
        name = tree.get("model", tree.get("name"))
        _known(name.removesuffix(":latest") if isinstance(name, str) else "", self._names(""))
        return _answer(a, shown())


def _refused(message: str) -> Work:
    async def refuse(_: Admitted) -> web.StreamResponse:
        raise NotFound(message, code="path_not_served")

    return refuse


def _known(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise NotFound("No such model here; the list of models has the configured ones.", code="model_not_found")
    return name


def _openai(name: str) -> Mapping[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "sealgate"}


def _claude(name: str) -> Mapping[str, Any]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}


def _json(a: Admitted, tree: Mapping[str, Any]) -> web.Response:
    return _answer(a, orjson.dumps(tree))


def _answer(a: Admitted, body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", headers={"sealgate-request-id": a.request_id})
