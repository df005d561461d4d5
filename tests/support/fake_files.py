"""A strict stand-in for the files and batches of OpenAI and Anthropic on loopback.

What arrives is held to the official SDKs' own parameter types, line by line; what does not fit is listed in
``violations`` and answered 400. It knows no principals: whoever names an id gets it, as behind one shared API key. A
batch is in progress on the first look and done on the second; its answers repeat the last text of each request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from anthropic.types.messages import MessageBatch
from fake_anthropic import last_text
from fake_cloud import Received, echo
from openai.types import Batch, FileObject
from openai.types.batch_create_params import BatchCreateParams
from openai.types.chat.completion_create_params import CompletionCreateParams
from openai.types.file_purpose import FilePurpose
from pydantic import TypeAdapter, ValidationError

PART = re.compile(
    rb'content-disposition: form-data; name="([^"\r\n]+)"(?:; filename="([^"\r\n]+)")?(?:\r\n[a-z-]+: [^\r\n]+)*',
    re.IGNORECASE,
)
PURPOSE: TypeAdapter[Any] = TypeAdapter(FilePurpose)
CHAT: TypeAdapter[Any] = TypeAdapter(CompletionCreateParams)
BATCH: TypeAdapter[Any] = TypeAdapter(BatchCreateParams)
MESSAGE: TypeAdapter[Any] = TypeAdapter(MessageCreateParamsNonStreaming)
WHEN = 1767225600
STAMP = "2026-01-01T00:00:00Z"
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def parts(content_type: str, raw: bytes) -> dict[str, tuple[str, bytes]]:
    """The parts of a form (RFC 7578) by name: file name and content. AssertionError for what is not exactly one."""
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data" and 0 < len(boundary) <= 70
    first, *pieces, last = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode())
    assert (first, last) == (b"", b"--\r\n")
    found: dict[str, tuple[str, bytes]] = {}
    for piece in pieces:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        match = PART.fullmatch(head)
        assert match is not None and match[1].decode() not in found
        found[match[1].decode()] = ((match[2] or b"").decode(), content)
    return found


@dataclass
class FakeFiles:
    """``async with FakeFiles() as far``: ``far.url`` ends in ``/v1``; ``far.files`` are the stored bytes by id."""

    requests: list[Received] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, bytes] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Tool arguments that answers carry instead of a text, one per line; empty for the echo."""
    cut: bool = False
    """Whether downloads break off in the middle."""
    url: str = ""

    async def __aenter__(self) -> FakeFiles:
        app = web.Application(client_max_size=2**30)
        for method, path, handler in (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files/{id}", self._file),
            ("DELETE", "/v1/files/{id}", self._drop),
            ("GET", "/v1/files/{id}/content", self._content),
            ("POST", "/v1/batches", self._batch),
            ("GET", "/v1/batches/{id}", self._look),
            ("POST", "/v1/batches/{id}/cancel", self._cancel),
            ("POST", "/v1/messages/batches", self._messages),
            ("GET", "/v1/messages/batches/{id}", self._look),
            ("DELETE", "/v1/messages/batches/{id}", self._drop_messages),
            ("POST", "/v1/messages/batches/{id}/cancel", self._cancel),
            ("GET", "/v1/messages/batches/{id}/results", self._results),
        ):
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def wire(self) -> bytes:
        """Everything that ever arrived."""
        return b"".join(r.path.encode() + r.body + repr(r.headers).encode() for r in self.requests)

    async def _received(self, request: web.Request) -> bytes:
        body = await request.read()
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.raw_headers]
        self.requests.append(Received(request.method, request.path, request.query_string, headers, body))
        return body

    def _refuse(self, why: str) -> web.Response:
        self.violations.append(why)
        return web.json_response({"error": {"message": "invalid request", "type": "invalid_request_error"}}, status=400)

    # -- files

    async def _upload(self, request: web.Request) -> web.Response:
        raw = await self._received(request)
        if request.headers.get("transfer-encoding") or request.content_length is None:
            return self._refuse("an upload without its length")
        try:
            form = parts(request.headers["content-type"], raw)
            name, data = form.pop("file")
            purpose = form["purpose"][1].decode()
            PURPOSE.validate_python(purpose)
        except (AssertionError, KeyError, ValueError):
            return self._refuse("form")
        if set(form) - {"purpose", "expires_after[anchor]", "expires_after[seconds]"}:
            return self._refuse("form fields")
        if purpose == "batch" and not self._valid(data):
            return self._refuse("batch lines")
        return web.json_response(self._store(data, purpose, name))

    def _store(self, data: bytes, purpose: str, name: str) -> dict[str, Any]:
        id = f"file-{len(self.files):04d}"
        made = {"id": id, "object": "file", "bytes": len(data), "created_at": WHEN + len(self.files),
                "filename": name, "purpose": purpose, "status": "processed"}  # fmt: skip
        FileObject.model_validate(made, strict=True)
        self.files[id], self.objects[id] = data, made
        return made

    def _valid(self, data: bytes) -> bool:
        lines = [json.loads(line) for line in data.splitlines() if line.strip()]
        try:
            for line in lines:
                CHAT.validate_python(line["body"])
                assert line["method"] == "POST" and line["url"] == "/v1/chat/completions" and line["custom_id"]
        except (ValidationError, KeyError, AssertionError):
            return False
        return len({line["body"]["model"] for line in lines}) == 1

    def _known(self, request: web.Request, where: dict[str, Any]) -> Any:
        found = where.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound(text='{"error": {"message": "no such thing"}}', content_type="application/json")
        return found

    async def _file(self, request: web.Request) -> web.Response:
        await self._received(request)
        return web.json_response(self._known(request, self.objects))

    async def _drop(self, request: web.Request) -> web.Response:
        await self._received(request)
        self._known(request, self.objects)
        id = request.match_info["id"]
        del self.objects[id], self.files[id]
        return web.json_response({"id": id, "object": "file", "deleted": True})

    async def _content(self, request: web.Request) -> web.StreamResponse:
        await self._received(request)
        return await self._pieces(request, self._known(request, self.files))

    async def _pieces(self, request: web.Request, data: bytes) -> web.StreamResponse:
        """In pieces that end anywhere."""
        response = web.StreamResponse(headers={"content-type": "application/octet-stream"})
        await response.prepare(request)
        if self.cut:
            await response.write(data[: len(data) // 2])
            assert request.transport is not None
            request.transport.abort()
            return response
        for i in range(0, len(data), 37):
            await response.write(data[i : i + 37])
        return response

    # -- batches

    async def _batch(self, request: web.Request) -> web.Response:
        body = json.loads(await self._received(request))
        try:
            BATCH.validate_python(body)
        except ValidationError:
            return self._refuse("batch")
        if body["input_file_id"] not in self.files:
            return self._refuse("no such file")
        id = f"batch_{len(self.batches):04d}"
        made = {"id": id, "object": "batch", "completion_window": "24h", "created_at": WHEN, "status": "in_progress",
                "endpoint": body["endpoint"], "input_file_id": body["input_file_id"],
                "metadata": body.get("metadata")}  # fmt: skip
        Batch.model_validate(made, strict=True)
        self.batches[id] = made
        return web.json_response(made)

    async def _look(self, request: web.Request) -> web.Response:
        await self._received(request)
        batch: dict[str, Any] = self._known(request, self.batches)
        if batch.pop("looked", False):
            self._finish(batch)
        else:
            batch["looked"] = True
        return web.json_response({k: v for k, v in batch.items() if k != "looked"})

    def _finish(self, batch: dict[str, Any]) -> None:
        if "processing_status" in batch:
            batch |= {"processing_status": "ended", "ended_at": STAMP}
            batch["results_url"] = f"https://api.anthropic.example/v1/messages/batches/{batch['id']}/results"
        elif batch["status"] == "in_progress":
            lines = self.files[batch["input_file_id"]].splitlines()
            answers = [self._answered(i, json.loads(line)) for i, line in enumerate(lines) if line.strip()]
            data = b"".join(json.dumps(a, ensure_ascii=False).encode() + b"\n" for a in answers)
            made = self._store(data, "batch_output", "batch_output.jsonl")
            batch |= {"status": "completed", "output_file_id": made["id"]}

    def _answered(self, number: int, line: dict[str, Any]) -> dict[str, Any]:
        body = line["body"]
        message: dict[str, Any] = {"role": "assistant", "content": echo(body)}
        if self.calls:
            arguments = json.dumps({"to": echo(body), **self.calls[number % len(self.calls)]}, ensure_ascii=False)
            call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        made = {"id": "chatcmpl-1", "object": "chat.completion", "created": WHEN, "model": body["model"],
                "choices": [choice]}  # fmt: skip
        response = {"status_code": 200, "request_id": "req_1", "body": made}
        return {"id": f"batch_req_{number}", "custom_id": line["custom_id"], "response": response, "error": None}

    async def _cancel(self, request: web.Request) -> web.Response:
        if await self._received(request):
            return self._refuse("a body")
        batch: dict[str, Any] = self._known(request, self.batches)
        batch["processing_status" if "processing_status" in batch else "status"] = (
            "canceling" if "processing_status" in batch else "cancelling"
        )
        return web.json_response({k: v for k, v in batch.items() if k != "looked"})

    # -- Anthropic's

    async def _messages(self, request: web.Request) -> web.Response:
        body = json.loads(await self._received(request))
        try:
            for one in body["requests"]:
                MESSAGE.validate_python(one["params"])
                assert CUSTOM_ID.fullmatch(one["custom_id"]) and set(one) == {"custom_id", "params"}
        except (ValidationError, KeyError, AssertionError):
            return self._refuse("requests")
        id = f"msgbatch_{len(self.batches):04d}"
        counts = {"canceled": 0, "errored": 0, "expired": 0, "processing": 0, "succeeded": len(body["requests"])}
        made = {"id": id, "type": "message_batch", "processing_status": "in_progress", "created_at": STAMP,
                "expires_at": STAMP, "request_counts": counts, "results_url": None, "ended_at": None,
                "cancel_initiated_at": None, "archived_at": None}  # fmt: skip
        MessageBatch.model_validate(made)
        self.batches[id] = made
        lines = [self._message(one) for one in body["requests"]]
        self.results[id] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        return web.json_response(made)

    def _message(self, one: dict[str, Any]) -> dict[str, Any]:
        text = last_text(one["params"])
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": one["params"]["model"],
                   "stop_sequence": None, "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
                   "content": [{"type": "text", "text": f"You said: {text}", "citations": None}]}  # fmt: skip
        return {"custom_id": one["custom_id"], "result": {"type": "succeeded", "message": message}}

    async def _results(self, request: web.Request) -> web.StreamResponse:
        await self._received(request)
        return await self._pieces(request, self._known(request, self.results))

    async def _drop_messages(self, request: web.Request) -> web.Response:
        await self._received(request)
        self._known(request, self.batches)
        del self.batches[request.match_info["id"]]
        return web.json_response({"id": request.match_info["id"], "type": "message_batch_deleted"})
