"""``/v1/batches`` and ``/v1/messages/batches``: made, watched and cancelled by the principal that made them only.

A batch of OpenAI's API names a file that was judged when it was uploaded; one of Anthropic's carries its requests,
which are judged one by one and decided as a whole. Results come back restored line by line. Handlers only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from proxy.call import Call
from proxy.dialects import json_text
from proxy.dialects.base import Dialect
from proxy.dialects.held import BATCHES, MESSAGE_BATCHES, Download, HeldState
from proxy.dialects.lines import Enveloped, Lines, batch_line
from proxy.errors import BadRequest
from proxy.files import HeldPaths, held_call, who
from proxy.pieces import Cargo, PieceFlow
from proxy.ports import Reply, Vault
from proxy.server import Admitted, Server
from proxy.settings import Limits

VERSION = (("anthropic-version", "2023-06-01"),)
JSON = (("content-type", "application/json"),)


class Batches(HeldPaths):
    """OpenAI's batches; their input and results are files."""

    def add(self, router: web.UrlDispatcher) -> None:
        asked = HeldState(BATCHES, "batch")
        for method, path, work in (
            ("POST", "/v1/batches", self._create),
            ("GET", "/v1/batches", self._list),
            ("GET", "/v1/batches/{id}", self._show),
            ("POST", "/v1/batches/{id}/cancel", self._cancel),
        ):
            self._serve(router, method, path, asked, work)

    async def _create(self, a: Admitted) -> web.StreamResponse:
        call = Call(a.request_id, a.app.name, a.app.tenant, "/batches", await a.read(), JSON)
        await self._judged(a, call.body)
        reply = await self._flow.run(call, HeldState(BATCHES, "batch"))
        return await a.respond(await self._object(a, reply, "batch", lambda _: {}), call)

    async def _judged(self, a: Admitted, body: bytes) -> None:
        """Raises BadRequest for an input that was not read as a batch when it was uploaded: nobody looked at which
        models and tools its lines ask for."""
        id = json_text.parse(body, max_depth=self._limits.json_depth).get("input_file_id")
        found = await self._vault.get(who(a), "file", [id]) if isinstance(id, str) else {}
        if any(held.details.get("reader") != "batch" for held in found.values()):
            raise BadRequest("The input of a batch is a file with the purpose batch.", code="invalid_batch")

    async def _list(self, a: Admitted) -> web.StreamResponse:
        shown, more = await self._listed(a, "batch", 20)
        ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {}
        made = {"object": "list", "data": shown, "has_more": more, **ends}
        return web.json_response(body=orjson.dumps(made), headers={"sealgate-request-id": a.request_id})

    async def _show(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "batch")
        call = held_call(a, "GET", f"/batches/{id}", "/batches/:id")
        reply = await self._flow.run(call, HeldState(BATCHES, "batch", id))
        return await a.respond(await self._object(a, reply, "batch", lambda _: {}), call)

    async def _cancel(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "batch")
        await nothing(a)
        call = held_call(a, "POST", f"/batches/{id}/cancel", "/batches/:id/cancel")
        reply = await self._flow.run(call, HeldState(BATCHES, "batch", id))
        return await a.respond(await self._object(a, reply, "batch", lambda _: {}), call)


class MessageBatches(HeldPaths):
    """Anthropic's batches. ``messages`` is the dialect of each request; ``folder`` is where they wait."""

    def __init__(
        self, server: Server, flow: PieceFlow, vault: Vault, limits: Limits, messages: Dialect, folder: Path
    ) -> None:
        super().__init__(server, flow, vault, limits)
        self._dialects = {"": messages}
        self._folder = folder

    def add(self, router: web.UrlDispatcher) -> None:
        asked = HeldState(MESSAGE_BATCHES, "message_batch")
        for method, path, work in (
            ("POST", "/v1/messages/batches", self._create),
            ("GET", "/v1/messages/batches", self._list),
            ("GET", "/v1/messages/batches/{id}", self._show),
            ("DELETE", "/v1/messages/batches/{id}", self._delete),
            ("POST", "/v1/messages/batches/{id}/cancel", self._cancel),
            ("GET", "/v1/messages/batches/{id}/results", self._results),
        ):
            self._serve(router, method, path, asked, work)

    async def _create(self, a: Admitted) -> web.StreamResponse:
        requests = _requests(await a.read(), self._limits)
        cargo = Cargo(
            lambda: iter(requests), Enveloped("params", self._dialects), "application/json", b'{"requests":[', b"]}",
            b",", named=True, details={"reader": "batch"},
        )  # fmt: skip
        call = Call(a.request_id, a.app.name, a.app.tenant, "/messages/batches", b"", VERSION)
        reply = await self._flow.send(call, HeldState(MESSAGE_BATCHES, "message_batch"), cargo, self._folder)
        return await self._answer(a, call, reply)

    async def _answer(self, a: Admitted, call: Call, reply: Reply) -> web.StreamResponse:
        """Results are fetched here: the upstream's own address would lead an app around the gate, its key in hand."""
        return await a.respond(await self._object(a, reply, "message_batch", lambda shown: self._own(a, shown)), call)

    def _own(self, a: Admitted, shown: Mapping[str, Any]) -> dict[str, Any]:
        if not shown.get("results_url"):
            return {}
        return {"results_url": f"{a.request.url.origin()}/v1/messages/batches/{shown['id']}/results"}

    async def _list(self, a: Admitted) -> web.StreamResponse:
        shown, more = await self._listed(a, "message_batch", 20)
        ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
        made = {"data": shown, "has_more": more, **ends}
        return web.json_response(body=orjson.dumps(made), headers={"sealgate-request-id": a.request_id})

    async def _show(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "message_batch")
        call = held_call(a, "GET", f"/messages/batches/{id}", "/messages/batches/:id", VERSION)
        return await self._answer(a, call, await self._flow.run(call, HeldState(MESSAGE_BATCHES, "message_batch", id)))

    async def _cancel(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "message_batch")
        await nothing(a)
        call = held_call(a, "POST", f"/messages/batches/{id}/cancel", "/messages/batches/:id/cancel", VERSION)
        return await self._answer(a, call, await self._flow.run(call, HeldState(MESSAGE_BATCHES, "message_batch", id)))

    async def _delete(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "message_batch")
        call = held_call(a, "DELETE", f"/messages/batches/{id}", "/messages/batches/:id", VERSION)
        reply = await self._flow.run(call, HeldState(MESSAGE_BATCHES, "message_batch", id))
        if reply.status < 400 or reply.status == 404:
            await self._forget(a, "message_batch", id)
        return await a.respond(reply, call)

    async def _results(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "message_batch")
        line = batch_line(self._dialects, "")
        call = held_call(a, "GET", f"/messages/batches/{id}/results", "/messages/batches/:id/results", VERSION)
        download = Download(MESSAGE_BATCHES, "message_batch", id, lambda restorers: Lines(restorers, line))
        return await a.respond(await self._flow.run(call, download), call)


async def nothing(a: Admitted) -> None:
    """Raises BadRequest where a body came that this path does not take."""
    if await a.read() not in {b"", b"{}"}:
        raise BadRequest("This path takes no body.")


def _requests(body: bytes, limits: Limits) -> list[bytes]:
    """The requests of a batch, each with its own bytes. Raises BadRequest."""
    tree = json_text.parse(body, max_depth=limits.json_depth + 4)
    requests = tree.get("requests")
    if set(tree) != {"requests"} or not isinstance(requests, list) or not requests:
        raise BadRequest("A batch is an object with a list of requests.", code="invalid_batch")
    return [json_text.serialize(r) for r in requests]
