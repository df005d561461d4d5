"""The admin listener: is the gate alive, may it get traffic. Bound to loopback by default; no payloads here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson
from aiohttp import web

Checks = Mapping[str, Callable[[], bool]]


def application(checks: Checks, status: Callable[[], Mapping[str, object]]) -> web.Application:
    """``/healthz``: the process serves. ``/readyz``: every check holds, else 503 naming those that do not."""

    async def healthz(_: web.Request) -> web.Response:
        return _json({"status": "ok"}, 200)

    async def readyz(_: web.Request) -> web.Response:
        failing = [name for name, check in checks.items() if not check()]
        body = {"ready": not failing, "failing": failing, **status()}
        return _json(body, 503 if failing else 200)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


def _json(value: Mapping[str, object], status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
