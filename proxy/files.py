"""``/v1/files``: uploads that are judged whole before a byte leaves, and what was uploaded by its principal only.

An upload waits in an encrypted spool; ``proxy/uploads.py`` says how it is read. Its name never leaves (it may name a
person); the vault keeps it. Handlers only: the steps are in ``proxy/pieces.py`` and ``proxy/flow.py``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from proxy.call import Call
from proxy.dialects.base import Dialect, RestorerFactory, StreamRestorer
from proxy.dialects.held import FILES, Download, HeldState
from proxy.dialects.lines import Lines, Plain, Whole, any_json, batch_line
from proxy.errors import BadRequest, NotFound
from proxy.pieces import PieceFlow
from proxy.ports import Held, Principal, Reply, Vault
from proxy.server import Admitted, Server
from proxy.settings import Limits
from proxy.spool import Spool
from proxy.state import SHOWN
from proxy.uploads import Form, cargo_of, document_of, read_form
from redaction.documents import Limits as DocumentLimits

ID = re.compile(r"[A-Za-z0-9_.:-]{1,256}")
READ_AT_ONCE = 4
"""Documents that may be in memory at a time, each of ``DocumentLimits.bytes`` at most."""

Work = Callable[[Admitted], Awaitable[web.StreamResponse]]
Own = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class HeldPaths:
    """What paths about held state share: entries of the vault by id, listing, objects as this principal knows them."""

    def __init__(self, server: Server, flow: PieceFlow, vault: Vault, limits: Limits) -> None:
        self._server = server
        self._flow = flow
        self._vault = vault
        self._limits = limits

    def _serve(self, router: web.UrlDispatcher, method: str, path: str, shape: Dialect, work: Work) -> None:
        """Errors of this path leave in the shape of ``shape``."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._server.guarded(request, shape, work)

        router.add_route(method, path, handle)

    async def _held(self, a: Admitted, kind: str) -> tuple[str, Held]:
        """The id in the path and its entry. Raises NotFound, whatever the reason."""
        id = a.request.match_info["id"]
        found = await self._vault.get(who(a), kind, [id]) if ID.fullmatch(id) else {}
        if id not in found:
            raise NotFound(f"There is no such {kind.replace('_', ' ')} here.", code="reference_not_found")
        return id, found[id]

    async def _object(self, a: Admitted, reply: Reply, kind: str, own: Own) -> Reply:
        """A JSON answer with the members that ``own`` makes of it put in; what it shows is kept for lists."""
        try:
            body = b"".join([c async for c in reply.chunks])
        finally:
            await reply.chunks.aclose()  # type: ignore[attr-defined]  # always closable (proxy.answers)
        if reply.status < 400:
            shown = orjson.loads(body)
            shown |= own(shown)
            body = orjson.dumps(shown)
            await self._note(a, kind, shown["id"], {SHOWN: shown})
        return replace(reply, chunks=_one(body))

    async def _note(self, a: Admitted, kind: str, id: str, details: Mapping[str, Any]) -> None:
        found = await self._vault.get(who(a), kind, [id])
        for known, held in found.items():
            made = replace(held, details={**held.details, **details})
            await self._vault.put(who(a), kind, [known], made, _ttl(self._limits))

    async def _forget(self, a: Admitted, kind: str, id: str) -> None:
        await self._vault.forget(who(a), kind, [id])

    async def _listed(self, a: Admitted, kind: str, most: int) -> tuple[list[dict[str, Any]], bool]:
        """Objects of this principal, newest first unless asked otherwise, and whether there are more."""
        query = a.request.query
        if set(query) - {"limit", "after", "after_id", "order", "purpose"}:
            raise BadRequest("This list takes limit, after, order and purpose.", code="unexpected_query")
        held = [h.details[SHOWN] for _, h in await self._vault.listed(who(a), kind) if SHOWN in h.details]
        held.sort(key=lambda o: str(o.get("created_at", "")), reverse=query.get("order") != "asc")
        if "purpose" in query:
            held = [o for o in held if o.get("purpose") == query["purpose"]]
        after = query.get("after", query.get("after_id"))
        if after is not None:
            at = next((i for i, o in enumerate(held) if o["id"] == after), len(held))
            held = held[at + 1 :]
        limit = query.get("limit", str(most))
        if not re.fullmatch(r"[1-9][0-9]{0,4}", limit):
            raise BadRequest("limit must be a number from 1 on.")
        return held[: int(limit)], len(held) > int(limit)


class Files(HeldPaths):
    """The handlers. ``dialects`` are those of a batch's paths, ``folder`` is where uploads wait."""

    def __init__(
        self,
        server: Server,
        flow: PieceFlow,
        vault: Vault,
        limits: Limits,
        dialects: Mapping[str, Dialect],
        folder: Path,
    ) -> None:
        super().__init__(server, flow, vault, limits)
        self._dialects = dialects
        self._folder = folder
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    def add(self, router: web.UrlDispatcher) -> None:
        asked = HeldState(FILES, "file")
        for method, path, work in (
            ("POST", "/v1/files", self._upload),
            ("GET", "/v1/files", self._list),
            ("GET", "/v1/files/{id}", self._show),
            ("DELETE", "/v1/files/{id}", self._delete),
            ("GET", "/v1/files/{id}/content", self._content),
        ):
            self._serve(router, method, path, asked, work)

    async def _upload(self, a: Admitted) -> web.StreamResponse:
        with Spool(self._folder) as body:
            form = await read_form(a.request, body, self._limits)
            cargo = cargo_of(form, self._dialects, self._limits)
            call = Call(a.request_id, a.app.name, a.app.tenant, "/files", b"", ())
            if cargo.unread and body.size <= DocumentLimits().bytes:
                reply = await self._document(call, form)
            else:
                reply = await self._flow.send(call, HeldState(FILES, "file"), cargo, self._folder)
            own = {"filename": form.name, "bytes": body.size}
            return await a.respond(await self._object(a, reply, "file", lambda _: own), call)

    async def _document(self, call: Call, form: Form) -> Reply:
        """What is neither text nor JSON goes through the reader of documents, as a whole."""
        async with self._reading:
            body, dialect = document_of(form)
            headers = (("content-type", dialect.content_type),)
            return await self._flow.run(replace(call, body=body, headers=headers), dialect)

    async def _list(self, a: Admitted) -> web.StreamResponse:
        shown, more = await self._listed(a, "file", 10_000)
        ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {}
        made = {"object": "list", "data": shown, "has_more": more, **ends}
        return web.json_response(body=orjson.dumps(made), headers={"sealgate-request-id": a.request_id})

    async def _show(self, a: Admitted) -> web.StreamResponse:
        id, held = await self._held(a, "file")
        call = held_call(a, "GET", f"/files/{id}", "/files/:id")
        reply = await self._flow.run(call, HeldState(FILES, "file", id))
        known = held.details.get(SHOWN, {})
        own = {name: known[name] for name in ("filename", "bytes") if name in known and "reader" in held.details}
        return await a.respond(await self._object(a, reply, "file", lambda _: own), call)

    async def _delete(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "file")
        call = held_call(a, "DELETE", f"/files/{id}", "/files/:id")
        reply = await self._flow.run(call, HeldState(FILES, "file", id))
        if reply.status < 400 or reply.status == 404:
            await self._forget(a, "file", id)
        return await a.respond(reply, call)

    async def _content(self, a: Admitted) -> web.StreamResponse:
        id, held = await self._held(a, "file")
        back = way_back(held.details, self._dialects)
        call = held_call(a, "GET", f"/files/{id}/content", "/files/:id/content")
        return await a.respond(await self._flow.run(call, Download(FILES, "file", id, back)), call)


# --- the way back, and small things


def way_back(
    details: Mapping[str, Any], dialects: Mapping[str, Dialect]
) -> Callable[[RestorerFactory], StreamRestorer]:
    """What restores a download, by how its upload was read."""
    reader = details.get("reader", "")
    if reader in {"batch", "lines"}:
        line = batch_line(dialects, str(details.get("endpoint", "")))
        return lambda restorers: Lines(restorers, line)
    if reader == "json":
        return lambda restorers: Whole(restorers, any_json)
    return Plain


def held_call(
    a: Admitted, method: str, path: str, route: str, headers: tuple[tuple[str, str], ...] = (), query: str = ""
) -> Call:
    """A request without a body about one thing that is held. Records show ``route``, which names nothing."""
    return Call(a.request_id, a.app.name, a.app.tenant, path, b"", headers, None, method, route, query)


def who(a: Admitted) -> Principal:
    return Principal(a.app.tenant, a.app.name)


def _ttl(limits: Limits) -> dt.timedelta:
    return dt.timedelta(days=limits.state_days)


async def _one(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
