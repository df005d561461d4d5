"""An HTTP API that takes anything and notes the raw bytes: what a socket behind the gate sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from fake_cloud import Received


@dataclass
class AnyUpstream:
    """``async with AnyUpstream() as api``: ``api.url`` is its base; ``answer`` is what it says."""

    answer: tuple[int, str, bytes] = (200, "application/json", b'{"ok": true}')
    requests: list[Received] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> AnyUpstream:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        headers = [(k, v) for k, v in request.headers.items()]
        self.requests.append(Received(request.method, path, query, headers, await request.read()))
        status, kind, body = self.answer
        return web.Response(status=status, body=body, headers={"content-type": kind, "set-cookie": "a=b"})

    def saw(self, value: str) -> bool:
        """Whether a value arrived anywhere, percent-decoded too."""
        return any(value in said or value in unquote_plus(said) for r in self.requests for said in everything(r))


def everything(r: Received) -> list[Any]:
    return [r.method, r.path, r.query, *(x for pair in r.headers for x in pair), r.body.decode("utf-8", "replace")]
