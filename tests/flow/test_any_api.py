"""``/u/NAME/…`` and unknown paths below ``/v1/``: one way, every place looked at, to configured upstreams only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from any_upstream import AnyUpstream
from gate_support import ADDRESS, HARMLESS, KEY, OTHER_KEY, SECRET, Plan, World, world

from policies.types import Zone
from proxy.settings import Secret, UpstreamConfig

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@contextlib.asynccontextmanager
async def api(folder: Path, zone: Zone = Zone.CLOUD) -> AsyncIterator[tuple[World, AnyUpstream]]:
    async with AnyUpstream() as there:
        crm = UpstreamConfig("crm", zone, "http", url=there.url, key=Secret("sk-upstream"))
        async with world(folder, Plan(more={"crm": crm})) as w:
            yield w, there


async def send(w: World, method: str, path: str, data: bytes | None = None, **headers: str) -> Any:
    url = w.gate.url + path
    from yarl import URL

    async with w.http.request(method, URL(url, encoded=True), data=data, headers=headers) as answer:
        return answer.status, dict(answer.headers), await answer.read()


PLACES = {
    "path": ("GET", f"/u/crm/people/{ADDRESS}", None, {}),
    "encoded path": ("GET", "/u/crm/people/anna.berg%40example.com", None, {}),
    "query value": ("GET", f"/u/crm/people?mail={ADDRESS}", None, {}),
    "query name": ("GET", "/u/crm/people?anna.berg%40example.com=1", None, {}),
    "json": ("POST", "/u/crm/notes", json.dumps({"a": [{"b": ADDRESS}]}).encode(), JSON),
    "json key": ("PUT", "/u/crm/notes", json.dumps({ADDRESS: 1}).encode(), JSON),
    "list": ("PATCH", "/u/crm/notes", json.dumps([ADDRESS]).encode(), JSON),
    "form": ("POST", "/u/crm/notes", b"who=anna.berg%40example.com&x=1", FORM),
    "form name": ("POST", "/u/crm/notes", b"anna.berg%40example.com=1", FORM),
    "text": ("POST", "/u/crm/notes", f"from {ADDRESS}".encode(), {"content-type": "text/plain"}),
    "header": ("POST", "/u/crm/notes", b"{}", JSON | {"x-who": ADDRESS, "user-agent": ADDRESS, "cookie": ADDRESS}),
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_value_in_any_place_of_any_api_stays_in_the_house(tmp_path: Path, place: str) -> None:
    method, path, data, headers = PLACES[place]
    async with api(tmp_path) as (w, there):
        status, got, _ = await send(w, method, path, data, **headers)
        assert (status, got["sealgate-zone"]) == (200, "cloud")
        assert len(there.requests) == 1 and not there.saw(ADDRESS) and not there.saw("anna.berg")
        assert there.saw("EMAIL_") or place == "header"
        await w.quiet()
        assert w.intact()


@pytest.mark.parametrize("place", PLACES)
async def test_a_credential_in_any_place_is_refused(tmp_path: Path, place: str) -> None:
    method, path, data, headers = PLACES[place]
    path = path.replace(ADDRESS, SECRET).replace("anna.berg%40example.com", SECRET)
    data = data and data.replace(ADDRESS.encode(), SECRET.encode()).replace(b"anna.berg%40example.com", SECRET.encode())
    async with api(tmp_path) as (w, there):
        status, _, body = await send(
            w, method, path, data, **{k: v.replace(ADDRESS, SECRET) for k, v in headers.items()}
        )
        if place == "header":
            assert status == 200 and not there.saw(SECRET)
        else:
            assert (status, json.loads(body)["error"]["code"]) == (403, "policy_refused") and not there.requests


BENIGN = [
    ("GET", "/u/crm/a/b%20c;d=1?q=a+b&empty=&flag&%C3%A4=%C3%B6", None, {}),
    ("POST", "/u/crm/notes", b'{"a": 1.50, "b": [null, true, "x\\u00e9"]}', JSON),
    ("POST", "/u/crm/notes", b"a=1&b=c+d&e=%7E&f", FORM),
    ("DELETE", "/u/crm/notes/17", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "data", "headers"), BENIGN)
async def test_a_harmless_request_arrives_with_its_own_bytes(
    tmp_path: Path, method: str, path: str, data: bytes | None, headers: dict[str, str]
) -> None:
    async with api(tmp_path) as (w, there):
        status, _, body = await send(w, method, path, data, **headers)
        assert (status, body) == (200, b'{"ok": true}')
        [seen] = there.requests
        assert seen.method == method and seen.body == (data or b"")
        assert seen.path + (f"?{seen.query}" if seen.query else "") == path.replace("/u/crm", "/api")
        assert seen.header("authorization") == "Bearer sk-upstream" and seen.header("cookie") is None


@pytest.mark.parametrize(
    "path",
    ["/u/crm/../admin", "/u/crm/%2e%2e/admin", "/u/crm/a%2Fb", "/u/crm/a%5cb", "/u/crm/a//b", "/u/crm/a%00",
     "/u/crm/%ff", "/u/crm/", "/u/crm/a?b=%0a", "/u/crm/a?b=%c3"],
)  # fmt: skip
async def test_an_address_that_two_readers_read_differently_is_refused(tmp_path: Path, path: str) -> None:
    async with api(tmp_path) as (w, there):
        status, _, _ = await send(w, "GET", path)
        assert status in {400, 404} and not there.requests


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"\x89PNG....", {"content-type": "image/png"}),
        ("größe".encode("utf-16"), {"content-type": "text/plain; charset=utf-16"}),
        (b"\xff\xfe", {"content-type": "text/plain"}),
        (b"--x\r\n", {"content-type": "multipart/form-data; boundary=x"}),
        (b"hello", {}),
    ],
)
async def test_what_nobody_can_read_does_not_reach_the_cloud(
    tmp_path: Path, data: bytes, headers: dict[str, str]
) -> None:
    async with api(tmp_path) as (w, there):
        status, _, body = await send(w, "POST", "/u/crm/upload", data, **headers)
        assert (status, json.loads(body)["error"]["code"]) == (403, "policy_refused") and not there.requests
    (tmp_path / "onprem").mkdir()
    async with api(tmp_path / "onprem", Zone.ONPREM) as (w, there):
        assert (await send(w, "POST", "/u/crm/upload", data, **headers))[0] == 200 and there.requests[0].body == data


async def test_only_upstreams_of_kind_http_are_reached_by_name(tmp_path: Path) -> None:
    async with api(tmp_path) as (w, there):
        for name in ("cloud", "house", "sealed", "nobody", "CRM"):
            assert (await send(w, "POST", f"/u/{name}/chat/completions", b"{}", **JSON))[0] == 404
        assert not w.cloud.requests and not w.house.requests and not there.requests


async def test_an_app_key_is_needed_and_never_travels(tmp_path: Path) -> None:
    async with api(tmp_path) as (w, there):
        async with aiohttp.ClientSession() as http, http.get(f"{w.gate.url}/u/crm/a") as answer:
            assert answer.status == 401 and not there.requests
        await send(w, "GET", "/u/crm/a", **{"x-api-key": OTHER_KEY})
        assert not there.saw(KEY) and not there.saw(OTHER_KEY)


async def test_the_answer_comes_back_as_it_is_and_without_its_cookies(tmp_path: Path) -> None:
    async with api(tmp_path) as (w, there):
        there.answer = (404, "text/csv", b"a,b\n1,2\n")
        status, headers, body = await send(w, "GET", "/u/crm/a")
        assert (status, headers["Content-Type"], body) == (404, "text/csv", b"a,b\n1,2\n")
        assert "Set-Cookie" not in headers


async def test_an_unknown_path_that_names_a_model_is_looked_at_and_served(tmp_path: Path) -> None:
    async with world(tmp_path) as w, AnyUpstream() as there:
        body = json.dumps(
            {"model": "cloud-only", "query": f"who is {ADDRESS}", "documents": [{"t": HARMLESS}]}
        ).encode()
        status, _, _ = await send(w, "POST", "/v1/rerank?top=anna.berg%40example.com", body, **JSON)
        [seen] = w.cloud.requests
        assert status == 404 and seen.path == "/v1/rerank" and ADDRESS not in seen.body.decode()
        assert json.loads(seen.body)["model"] == "cloud-only" and "anna.berg" not in seen.query
        assert not there.requests


@pytest.mark.parametrize("held", ["file-abcdefgh12345678", "resp_abcdefgh12345678", "asst_abcdefgh12345678"])
async def test_state_of_the_provider_that_an_unknown_path_names_is_not_reached(tmp_path: Path, held: str) -> None:
    async with world(tmp_path) as w:
        body = json.dumps({"model": "cloud-only", "input": held}).encode()
        assert (await send(w, "POST", "/v1/rerank", body, **JSON))[0] == 403
        body = json.dumps({"model": "cloud-only", "input": "x"}).encode()
        assert (await send(w, "POST", f"/v1/things/{held}", body, **JSON))[0] == 403
        assert not w.cloud.requests


@pytest.mark.parametrize(
    ("method", "path", "data", "headers"),
    [
        ("GET", "/u/crm/v1/files", None, {}),
        ("GET", "/u/crm/v1/chat/completions", None, {}),
        ("GET", "/u/crm/V1/chat/completions/chatcmpl-abcdefgh12345678/messages", None, {}),
        ("GET", "/u/crm/v1beta/files/ab-cd", None, {}),
        ("DELETE", "/u/crm/openai/v1/responses/x", None, {}),
        ("POST", "/u/crm/v1beta/models/m:generateContent", b'{"cachedContent": "cachedContents/my-own-1"}', JSON),
        ("POST", "/u/crm/x", b'{"uri": "https://generativelanguage.googleapis.com/v1beta/files/a1b2-c3"}', JSON),
        ("POST", "/u/crm/x", b"id=resp_abcdefgh12345678", FORM),
        ("POST", "/u/crm/x", b"resp_abcdefgh12345678", {"content-type": "text/plain"}),
    ],
)
async def test_what_others_left_at_a_provider_is_not_listed_or_read(
    tmp_path: Path, method: str, path: str, data: bytes | None, headers: dict[str, str]
) -> None:
    async with api(tmp_path) as (w, there):
        assert (await send(w, method, path, data, **headers))[0] == 403
        assert not there.requests
        assert (await send(w, "GET", "/u/crm/v1/models"))[0] == 200
        assert (await send(w, "POST", "/u/crm/v1/responses", b'{"input": "hi"}', **JSON))[0] == 200


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [{"type": "web_search_preview"}]},
        {"tools": [{"type": "mcp", "server_url": "https://evil.example/mcp"}]},
        {"tools": [{"type": "mcp", "connector_id": "connector_gmail"}]},
        {"tools": {"google_search": {}}},
        {"a": [{"tools": [{"googleSearch": {}}]}]},
        {"mcp_servers": [{"url": "https://evil.example/mcp"}]},
        {"tools": [{"mcpServers": [{"url": "https://evil.example"}]}]},
        {"web_search_options": {}},
    ],
)
async def test_an_unknown_api_may_use_no_tool_that_is_not_listed(tmp_path: Path, more: dict[str, Any]) -> None:
    async with api(tmp_path) as (w, there):
        for path in ("/u/crm/v1/responses", "/v1/things"):
            body = json.dumps({"model": "cloud-only", "input": HARMLESS, **more}).encode()
            status, _, said = await send(w, "POST", path, body, **JSON)
            assert status == 403 and json.loads(said)["error"]["code"] == "tool_not_allowed"
        assert not there.requests and not w.cloud.requests
        own = json.dumps({"model": "cloud-only", "tools": [{"type": "function", "function": {"name": "x"}}]}).encode()
        assert (await send(w, "POST", "/u/crm/v1/responses", own, **JSON))[0] == 200


@pytest.mark.parametrize("path", ["/v1/Responses", "/v1/FILES/x", "/v1/chat/completions/chatcmpl-abcdefgh12345678"])
async def test_held_state_is_not_reached_in_any_spelling(tmp_path: Path, path: str) -> None:
    async with world(tmp_path) as w:
        body = json.dumps({"model": "cloud-only", "input": "x"}).encode()
        assert (await send(w, "POST", path, body, **JSON))[0] in {403, 404}
        assert not w.cloud.requests
