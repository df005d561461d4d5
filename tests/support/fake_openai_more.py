"""A strict stand-in for OpenAI's smaller endpoints on loopback: requests must fit the official SDK's own types.

``async with FakeOpenAIMore() as cloud``: ``cloud.url`` ends in ``/v1``; ``cloud.requests`` is what arrived, raw;
``cloud.violations`` what did not fit. Answers repeat what was sent. Forms are read by aiohttp's own multipart reader,
which knows nothing of the gate's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anthropic.types as claude
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from openai import types
from openai.types import audio
from vendor_types import Check, Wrong, strict

PARAMS: Mapping[str, Any] = {
    "/v1/completions": types.CompletionCreateParams,
    "/v1/embeddings": types.EmbeddingCreateParams,
    "/v1/moderations": types.ModerationCreateParams,
    "/v1/images/generations": types.ImageGenerateParams,
    "/v1/audio/speech": audio.SpeechCreateParams,
    "/v1/messages/count_tokens": claude.MessageCountTokensParams,
}
ADAPTERS: Mapping[str, Check] = {path: strict(params) for path, params in PARAMS.items()}
FORMS: Mapping[str, frozenset[str]] = {
    path: frozenset(name for kind in kinds for name in kind.__annotations__)
    for path, kinds in {
        "/v1/audio/transcriptions": (audio.transcription_create_params.TranscriptionCreateParamsStreaming,),
        "/v1/audio/translations": (audio.TranslationCreateParams,),
        "/v1/images/edits": (types.image_edit_params.ImageEditParamsStreaming,),
        "/v1/images/variations": (types.ImageCreateVariationParams,),
    }.items()
}
AUDIO = bytes(range(256)) * 40
"""What every speech sounds like; no text."""


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, list[tuple[str | None, bytes]]]
    """Field -> (file name, content) of each part of that name."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def text(self, name: str) -> str:
        return self.form[name][0][1].decode()


@dataclass
class FakeOpenAIMore:
    """``piece``: characters per streamed delta; ``audio`` is what speech answers, ``cut`` breaks it in the middle;
    ``status`` other than 200 answers an error."""

    piece: int = 4
    status: int = 200
    cut: bool = False
    audio: bytes = AUDIO
    requests: list[Received] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> FakeOpenAIMore:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def saw(self, text: str) -> bool:
        """Whether a text left in any form of these bytes or headers."""
        raw = [r.body + repr(r.headers).encode() for r in self.requests]
        return any(text.encode() in r or json.dumps(text)[1:-1].encode() in r for r in raw)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        headers = {k.lower(): v for k, v in request.headers.items()}
        form = await self._form(request, raw) if request.path in FORMS else {}
        received = Received(request.path, headers, raw, form)
        self.requests.append(received)
        if request.query_string or request.path not in {*ADAPTERS, *FORMS}:
            self.violations.append(f"{request.path}: no such path or query")
        if request.path in ADAPTERS and (wrong := self._check(request, received)) is not None:
            refused = wrong.anthropic() if request.path.startswith("/v1/messages") else wrong.openai()
            return web.json_response(refused, status=400)
        if self.status != 200:
            return web.json_response({"error": {"message": "no", "type": "x", "code": None}}, status=self.status)
        name = "_" + request.path.removeprefix("/v1/").replace("/", "_")
        made: web.StreamResponse = await getattr(self, name)(request, received)
        return made

    def _check(self, request: web.Request, received: Received) -> Wrong | None:
        wrong = ADAPTERS[request.path](received.body)
        if wrong is not None:
            self.violations.append(str(wrong))
        if request.content_type != "application/json":
            self.violations.append("content type")
        return wrong

    async def _form(self, request: web.Request, raw: bytes) -> Mapping[str, list[tuple[str | None, bytes]]]:
        stream = aiohttp.StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**26)
        stream.feed_data(raw)
        stream.feed_eof()
        form: dict[str, list[tuple[str | None, bytes]]] = {}
        async for part in aiohttp.MultipartReader(request.headers, stream):
            name = part.name or ""  # type: ignore[union-attr]  # nested readers have none: a violation
            if name.partition("[")[0] not in FORMS[request.path]:
                self.violations.append(f"{request.path}: no field {name}")
            form.setdefault(name, []).append((part.filename, bytes(await part.read())))  # type: ignore[union-attr,call-arg]
        if "model" not in form and request.path != "/v1/images/variations":
            self.violations.append("no model")
        return form

    async def _events(self, request: web.Request, trees: list[Any], *, done: bool = False) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for tree in trees:
            await response.write(b"data: " + json.dumps(tree).encode() + b"\n\n")
        if done:
            await response.write(b"data: [DONE]\n\n")
        return response

    def _pieces(self, text: str) -> list[str]:
        return [text[i : i + self.piece] for i in range(0, len(text), self.piece)]

    # -- JSON ---------------------------------------------------------------------------------------------------------

    async def _completions(self, request: web.Request, got: Received) -> web.StreamResponse:
        body = got.json
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        said = [f"You said: {p}" for p in prompts]
        head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": body["model"]}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}

        def choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
            return {**head, "choices": [{"text": text, "index": index, "logprobs": None, "finish_reason": finish}]}

        if not body.get("stream"):
            choices = [choice(i, text, "stop")["choices"][0] for i, text in enumerate(said)]
            whole = {**head, "choices": choices, "usage": usage}
            types.Completion.model_validate(whole, strict=True)
            return web.json_response(whole)
        trees = [choice(i, piece, None) for i, text in enumerate(said) for piece in self._pieces(text)]
        trees += [choice(i, "", "stop") for i in range(len(said))]
        return await self._events(request, [*trees, {**head, "choices": [], "usage": usage}], done=True)

    async def _embeddings(self, request: web.Request, got: Received) -> web.StreamResponse:
        inputs = got.json["input"]
        count = len(inputs) if isinstance(inputs, list) else 1
        numbers: Any = [0.25, -1e-07, 3.0]
        if got.json.get("encoding_format") == "base64":
            numbers = "AACAPgAAgD8AAEBA"
        data = [{"object": "embedding", "index": i, "embedding": numbers} for i in range(count)]
        usage = {"prompt_tokens": 8, "total_tokens": 8}
        return web.json_response({"object": "list", "data": data, "model": got.json["model"], "usage": usage})

    async def _moderations(self, request: web.Request, got: Received) -> web.StreamResponse:
        inputs = got.json["input"]
        result = {"flagged": False, "categories": {}, "category_scores": {}, "category_applied_input_types": {}}
        results = [result] * (len(inputs) if isinstance(inputs, list) else 1)
        return web.json_response({"id": "modr-1", "model": got.json.get("model", "omni"), "results": results})

    async def _images_generations(self, request: web.Request, got: Received) -> web.StreamResponse:
        prompt = got.json["prompt"]
        if got.json.get("stream"):
            shared = {"b64_json": "aGk=", "created_at": 1, "size": "auto", "quality": "low", "background": "auto",
                      "output_format": "png"}  # fmt: skip
            usage = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11,
                     "input_tokens_details": {"image_tokens": 0, "text_tokens": 5}}  # fmt: skip
            partial = {"type": "image_generation.partial_image", "partial_image_index": 0, **shared}
            return await self._events(
                request, [partial, {"type": "image_generation.completed", "usage": usage, **shared}]
            )
        image = {"b64_json": "aGk=", "revised_prompt": f"A picture of {prompt}"}
        return web.json_response({"created": 1, "data": [image]})

    async def _audio_speech(self, request: web.Request, got: Received) -> web.StreamResponse:
        if got.json.get("stream_format") == "sse":
            usage = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
            delta = {"type": "speech.audio.delta", "audio": "aGk="}
            return await self._events(request, [delta, {"type": "speech.audio.done", "usage": usage}])
        response = web.StreamResponse(headers={"content-type": "audio/mpeg"})
        response.content_length = len(self.audio)
        await response.prepare(request)
        half = len(self.audio) // 2
        await response.write(self.audio[:half])
        if self.cut:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(self.audio[half:])
        return response

    async def _messages_count_tokens(self, request: web.Request, got: Received) -> web.StreamResponse:
        return web.json_response({"input_tokens": len(got.body)})

    # -- forms --------------------------------------------------------------------------------------------------------

    async def _audio_transcriptions(self, request: web.Request, got: Received) -> web.StreamResponse:
        said = f"Heard: {got.text('prompt')}" if "prompt" in got.form else "Heard nothing"
        if "stream" in got.form and got.text("stream") == "true":
            trees: list[Any] = [{"type": "transcript.text.delta", "delta": piece} for piece in self._pieces(said)]
            return await self._events(request, [*trees, {"type": "transcript.text.done", "text": said}])
        if "response_format" in got.form and got.text("response_format") in {"text", "srt", "vtt"}:
            return web.Response(text=said + "\n", content_type="text/plain")
        usage = {"type": "tokens", "input_tokens": 5, "output_tokens": 6, "total_tokens": 11}
        return web.json_response({"text": said, "usage": usage})

    async def _audio_translations(self, request: web.Request, got: Received) -> web.StreamResponse:
        return web.json_response({"text": f"Heard: {got.text('prompt')}"})

    async def _images_edits(self, request: web.Request, got: Received) -> web.StreamResponse:
        image = {"b64_json": "aGk=", "revised_prompt": f"A picture of {got.text('prompt')}"}
        return web.json_response({"created": 1, "data": [image]})

    async def _images_variations(self, request: web.Request, got: Received) -> web.StreamResponse:
        return web.json_response({"created": 1, "data": [{"b64_json": "aGk="}]})
