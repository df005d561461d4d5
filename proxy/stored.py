"""``/v1/responses/{id}``: responses that an upstream stores, for the app that had them made and for nobody else.

Each request goes to the upstream that holds the response, on record like any other. Parameters are fixed words, numbers
or ids that this gate has seen, so that no value leaves in a query. Handlers only: the steps are in ``proxy/flow.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from proxy.batches import nothing
from proxy.dialects.responses_request import INCLUDES
from proxy.dialects.stored import InputItems, StoredResponse
from proxy.errors import BadRequest
from proxy.files import HeldPaths, held_call, who
from proxy.server import Admitted

FETCH: Mapping[str, re.Pattern[str]] = {
    "stream": re.compile("true|false"),
    "include_obfuscation": re.compile("true|false"),
    "starting_after": re.compile("[0-9]{1,15}"),
}
LIST: Mapping[str, re.Pattern[str]] = {
    "limit": re.compile("[1-9][0-9]?|100"),
    "order": re.compile("asc|desc"),
}
INCLUDE = frozenset({"include", "include[]"})
PAGES = frozenset({"after", "before"})
"""Parameters that hold the id of an item."""


class StoredResponses(HeldPaths):
    """Fetched, listed, cancelled, deleted."""

    def add(self, router: web.UrlDispatcher) -> None:
        for method, path, work in (
            ("GET", "/v1/responses/{id}", self._fetch),
            ("DELETE", "/v1/responses/{id}", self._delete),
            ("POST", "/v1/responses/{id}/cancel", self._cancel),
            ("GET", "/v1/responses/{id}/input_items", self._items),
        ):
            self._serve(router, method, path, StoredResponse(), work)

    async def _fetch(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "response")
        asked = await self._asked(a, FETCH)
        after = int(next((value for name, value in asked if name == "starting_after"), "-1"))
        if after >= 0 and ("stream", "true") not in asked:
            raise BadRequest("starting_after goes with stream=true.", code="unexpected_query")
        query = urlencode([pair for pair in asked if pair[0] != "starting_after"])
        call = held_call(a, "GET", f"/responses/{id}", "/responses/:id", query=query)
        return await a.respond(await self._flow.run(call, StoredResponse(id, after)), call)

    async def _delete(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "response")
        await self._asked(a, {})
        call = held_call(a, "DELETE", f"/responses/{id}", "/responses/:id")
        reply = await self._flow.run(call, StoredResponse(id))
        if reply.status < 400 or reply.status == 404:
            await self._forget(a, "response", id)
        return await a.respond(reply, call)

    async def _cancel(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "response")
        await self._asked(a, {})
        await nothing(a)
        call = held_call(a, "POST", f"/responses/{id}/cancel", "/responses/:id/cancel")
        return await a.respond(await self._flow.run(call, StoredResponse(id)), call)

    async def _items(self, a: Admitted) -> web.StreamResponse:
        id, _ = await self._held(a, "response")
        asked = await self._asked(a, LIST, PAGES)
        query = urlencode(asked)
        call = held_call(a, "GET", f"/responses/{id}/input_items", "/responses/:id/input_items", query=query)
        return await a.respond(await self._flow.run(call, InputItems(id)), call)

    async def _asked(
        self, a: Admitted, known: Mapping[str, re.Pattern[str]], ids: frozenset[str] = frozenset()
    ) -> list[tuple[str, str]]:
        """The parameters that may leave. Raises BadRequest for any other, and for a known one twice."""
        asked = list(a.request.query.items())
        once = [name for name, _ in asked if name not in INCLUDE]
        for name, value in asked:
            if name in ids:
                fits = value in await self._vault.get(who(a), "item", [value])
            elif name in INCLUDE:
                fits = bool(known) and value in INCLUDES
            else:
                fits = name in known and known[name].fullmatch(value) is not None
            if not fits or len(set(once)) < len(once):
                raise BadRequest("This path does not take these query parameters.", code="unexpected_query")
        return asked
