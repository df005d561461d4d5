"""``/v1/files``: uploads that are judged whole before a byte leaves, and what was uploaded by its principal only.

An upload waits in an encrypted spool. What it holds is read by its name and its bytes together: lines of a batch
through the dialect of their path, other JSON Lines and JSON value by value, text block by block; anything else is
``uninspected``. Its name never leaves (it may name a person); the vault keeps it. Handlers only: the steps are in
``proxy/pieces.py`` and ``proxy/flow.py``.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from aiohttp import BodyPartReader, MultipartReader, web

from proxy.dialects.base import Dialect, RestorerFactory, StreamRestorer
from proxy.dialects.generic import GenericJson
from proxy.dialects.held import FILES, Download, HeldState
from proxy.dialects.lines import Enveloped, Lines, Opaque, Plain, Text, Whole, any_json, batch_line
from proxy.errors import BadRequest, NotFound, RequestTimeout, TooLarge
from proxy.flow import Call
from proxy.pieces import Cargo, PieceFlow
from proxy.ports import Held, Principal, Reply, Vault
from proxy.server import Admitted, Server
from proxy.settings import Limits
from proxy.spool import Spool
from proxy.state import SHOWN

ID = re.compile(r"[A-Za-z0-9_.:-]{1,256}")
PURPOSES = frozenset({"assistants", "batch", "fine-tune", "vision", "user_data", "evals"})
FORM = {
    "purpose": re.compile(r"[a-z0-9_-]{1,32}"),
    "expires_after[anchor]": re.compile("created_at"),
    "expires_after[seconds]": re.compile("[0-9]{1,7}"),
}
"""Fields of an upload, which leave as they came: none has room for a value."""
FIELD_BYTES = 256
BLOCK_BYTES = 16_384
"""Bytes of a block of text, up to its last line end."""
LINES = frozenset({".jsonl", ".ndjson"})
TEXTS = frozenset({".txt", ".md", ".csv", ".tsv", ".log", ".markdown", ".rst"})
KEPT = LINES | TEXTS | {".json", ".pdf", ".docx", ".xlsx", ".pptx", ".html", ".png", ".jpg", ".jpeg", ".gif", ".webp"}
"""Endings that go along, since upstreams tell kinds of files by them."""


@dataclass(slots=True)
class Form:
    """What an app uploaded. ``fields`` are checked words."""

    body: Spool
    fields: dict[str, str] = field(default_factory=dict)
    name: str = field(default="", repr=False)
    present: bool = False

    @property
    def ending(self) -> str:
        return Path(self.name).suffix.lower()


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
            reply = await self._flow.send(call, HeldState(FILES, "file"), cargo, self._folder)
            own = {"filename": form.name, "bytes": body.size}
            return await a.respond(await self._object(a, reply, "file", lambda _: own), call)

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


# --- an upload, read


async def read_form(request: web.Request, body: Spool, limits: Limits) -> Form:
    """The multipart form, its file in ``body``. Raises BadRequest, TooLarge or RequestTimeout."""
    if request.content_type != "multipart/form-data":
        raise BadRequest("A file is uploaded as multipart/form-data.", code="unsupported_content_type")
    if request.query_string:
        raise BadRequest("This path takes no query parameters.", code="unexpected_query")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest("Compressed uploads are not read.", code="unsupported_encoding")
    form = Form(body)
    try:
        async with asyncio.timeout(limits.upload_timeout_s):
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                await _part(part, form, limits.file_bytes)
    except TimeoutError:
        raise RequestTimeout("The file did not arrive in time.") from None
    except ValueError:  # what aiohttp raises for a broken form
        raise BadRequest("The multipart form cannot be read.", code="invalid_form") from None
    body.seal()
    if not form.present or form.fields.get("purpose") not in PURPOSES:
        raise BadRequest("An upload needs a file and a known purpose.", code="invalid_form")
    return form


async def _part(part: MultipartReader | BodyPartReader, form: Form, limit: int) -> None:
    if isinstance(part, MultipartReader) or {"Content-Encoding", "Content-Transfer-Encoding"} & set(part.headers):
        raise BadRequest("A part of the form is nested or encoded.", code="invalid_form")
    if part.name == "file" and not form.present:
        form.present, form.name = True, part.filename or "upload"
        while chunk := await part.read_chunk(65_536):
            form.body.write(chunk)
            if form.body.size > limit:
                raise TooLarge(f"The file is larger than {limit} bytes.")
        return
    value = (await part.read_chunk(FIELD_BYTES)).decode("ascii", "replace")
    said = FORM.get(part.name or "")
    if said is None or part.name is None or part.name in form.fields or not said.fullmatch(value):
        raise BadRequest("The form has a field that is not known, or of the wrong form.", code="invalid_form")
    form.fields[part.name] = value


def cargo_of(form: Form, dialects: Mapping[str, Dialect], limits: Limits) -> Cargo:
    """How a file is read, and what stands around it on the wire. Raises BadRequest."""
    body, purpose = form.body, form.fields["purpose"]
    boundary = f"sealgate-{secrets.token_hex(16)}"
    head = "".join(
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in form.fields.items()
    )
    name = f"upload{form.ending if form.ending in KEPT else ''}"
    head += (
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        "content-type: application/octet-stream\r\n\r\n"
    )
    reader, pieces, dialect, between = _reader(form, limits, dialects)
    return Cargo(
        pieces, dialect, f"multipart/form-data; boundary={boundary}", head.encode(),
        f"\r\n--{boundary}--\r\n".encode(), between, purpose == "batch", "file:unread" if reader == "opaque" else "",
        {"reader": reader, "endpoint": _endpoint(body, limits) if reader == "batch" else ""}, reader == "text",
    )  # fmt: skip


Reading = tuple[str, Callable[[], Iterator[bytes]], Dialect, bytes]


def _reader(form: Form, limits: Limits, dialects: Mapping[str, Dialect]) -> Reading:
    """(reader, pieces, their dialect, what stands between them) by purpose, ending and bytes."""
    body = form.body

    def lines() -> Iterator[bytes]:
        try:
            yield from body.lines(limits.body_bytes)
        except ValueError:
            raise TooLarge(f"A line of the file is longer than {limits.body_bytes} bytes.") from None

    if form.fields["purpose"] == "batch":
        return "batch", lines, Enveloped("body", dialects, {"method": "POST"}), b"\n"
    if form.ending in LINES:
        return "lines", lines, GenericJson(limits.json_depth), b"\n"
    if form.ending == ".json" and body.size <= limits.body_bytes:
        return "json", lambda: iter([b"".join(body.read())]), GenericJson(limits.json_depth), b""
    if form.ending in TEXTS and _is_text(body):
        return "text", lambda: blocks(body), Text(), b""
    return "opaque", body.read, Opaque(), b""


def _is_text(body: Spool) -> bool:
    """UTF-8 without a byte order mark and without control characters that only binary formats have."""
    try:
        for number, block in enumerate(blocks(body)):
            text = block.decode("utf-8")
            if "\0" in text or (number == 0 and text.startswith(("\ufeff", "%PDF"))):
                return False
    except UnicodeDecodeError:
        return False
    return True


def blocks(body: Spool) -> Iterator[bytes]:
    """A text in pieces that end where a line ends, or a character where a line is too long."""
    held = b""
    for chunk in body.read():
        held += chunk
        while len(held) > BLOCK_BYTES:
            at = held.rfind(b"\n", 0, BLOCK_BYTES) + 1 or held.rfind(b" ", 0, BLOCK_BYTES) + 1 or BLOCK_BYTES
            while at < len(held) and held[at] & 0xC0 == 0x80:  # not inside a character
                at += 1
            yield held[:at]
            held = held[at:]
    if held:
        yield held


def _endpoint(body: Spool, limits: Limits) -> str:
    """The path of a batch's first line; the lines themselves are held to it when they are judged."""
    try:
        first = next((line for line in body.lines(limits.body_bytes) if line.strip()), b"{}")
        url = orjson.loads(first).get("url", "")
    except (ValueError, AttributeError):
        return ""
    return url if isinstance(url, str) else ""


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
