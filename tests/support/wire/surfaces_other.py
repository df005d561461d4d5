"""Tables of what is reached by id, of batches, and of any other HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openai.types import batch_create_params
from wire.shapes import TEXT, Place
from wire.tables import FREE, HOUSE, JSON, LOCAL, REFUSED, REPLACED, Request, Row, Surface, rows, to_json


def _batch(surface: Surface, part: Mapping[str, Any]) -> Request:
    made = surface.body(part)
    return Request(surface.path, to_json({**made, "metadata": {"case": "case-0", **made.get("metadata", {})}}))


BATCHES = Surface(
    name="OpenAI batches",
    route="/v1/batches",
    sdk="openai `BatchCreateParams`",
    request=batch_create_params.BatchCreateParams,
    plain="metadata.*",
    base={"input_file_id": "file-matrix-99999999", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    named=False,
    json=False,
    make=_batch,
    extra=(Place("x_note", {"x_note": TEXT}),),
    rows=(
        Row("input_file_id", HOUSE, "a file of another app, or one that was made elsewhere"),
        *rows(REPLACED, "metadata.~", "x_note"),
    ),
    upstream={"id": "batch-matrix", "object": "batch", "status": "validating", "created_at": 1},
    back=(("`metadata`", "restored"),),
)

_BY_ID = (
    ("GET", "/v1/files/{id}"), ("DELETE", "/v1/files/{id}"), ("GET", "/v1/files/{id}/content"),
    ("GET", "/v1/batches/{id}"), ("POST", "/v1/batches/{id}/cancel"),
    ("GET", "/v1/responses/{id}"), ("DELETE", "/v1/responses/{id}"), ("POST", "/v1/responses/{id}/cancel"),
    ("GET", "/v1/responses/{id}/input_items"),
    ("GET", "/v1/messages/batches/{id}"), ("DELETE", "/v1/messages/batches/{id}"),
    ("POST", "/v1/messages/batches/{id}/cancel"), ("GET", "/v1/messages/batches/{id}/results"),
)  # fmt: skip
_LISTS = ("/v1/files", "/v1/batches", "/v1/messages/batches")
HELD = Surface(
    name="What is held, by id",
    route="/v1/files/{id}",
    routes=(*_BY_ID, *(("GET", path) for path in _LISTS)),
    request=None,
    plain="GET /v1/files/{id}",
    named=False,
    json=False,
    extra=(
        *(Place(f"{verb} {path}", Request(path.replace("{id}", TEXT), b"", method=verb)) for verb, path in _BY_ID),
        *(Place(f"GET {path}?after=", Request(f"{path}?after={TEXT}", b"", method="GET")) for path in _LISTS),
    ),
    rows=(
        *rows(REFUSED, *(f"{verb} {path}" for verb, path in _BY_ID), note="an id that this app did not get here"),
        *rows(LOCAL, *(f"GET {path}?after=" for path in _LISTS)),
    ),
    upstream={},
    back=(("what the app uploaded, results of its batches", "restored"),),
)


def _api(kind: str, body: str, path: str = "/u/api/things/case-0", method: str = "POST") -> Request:
    return Request(path, body.encode(), {"content-type": kind} if kind else {}, method=method)


ANY = Surface(
    name="Any other HTTP API",
    route="/u/{upstream}/{tail}",
    routes=(("*", "/u/{upstream}/{tail}"),),
    at="/u/api/things/case-0",
    request=None,
    plain="a JSON value",
    named=False,
    json=False,
    extra=(
        Place("a JSON value", _api("application/json", f'{{"note": "{TEXT}"}}')),
        Place("a JSON value of a PUT", _api("application/json", f'{{"a": ["{TEXT}"]}}', method="PUT")),
        Place("a JSON key", _api("application/vnd.api+json", f'{{"a": {{"{TEXT}": 1}}}}')),
        Place("a JSON text alone", _api("application/json", f'"{TEXT}"')),
        Place("plain text", _api("text/plain", TEXT)),
        Place("Markdown", _api("text/markdown; charset=utf-8", f"# {TEXT}")),
        Place("a value of a form", _api("application/x-www-form-urlencoded", f"a=b&note={TEXT}")),
        Place("a name in a form", _api("application/x-www-form-urlencoded", f"a=b&{TEXT}=1")),
        Place("the path", _api("", "", f"/u/api/case-0/{TEXT}/x", "GET"), refusals=frozenset({"bad_address"})),
        Place("a value of the query", _api("", "", f"/u/api/case-0?a=b&note={TEXT}", "GET")),
        Place("a name in the query", _api("", "", f"/u/api/case-0?{TEXT}=1", "DELETE")),
        Place("another charset", _api("text/plain; charset=utf-16", TEXT)),
        Place("bytes", _api("application/octet-stream", TEXT)),
        Place("a form of parts", _api("multipart/form-data; boundary=x", TEXT)),
    ),
    rows=(
        *rows(REPLACED, "a JSON value", "a JSON value of a PUT", "a JSON key", "a JSON text alone", note=FREE),
        *rows(REPLACED, "plain text", "Markdown", "a value of a form", "a name in a form"),
        *rows(REPLACED, "the path", "a value of the query", "a name in the query"),
        *rows(HOUSE, "another charset", "bytes", "a form of parts", note="nobody here reads it"),
    ),
    upstream={"ok": True},
    back=(("everything", "as it came: one way"),),
)
UNKNOWN = Surface(
    name="Any other path below /v1",
    route="/{tail}",
    routes=(("*", "/{tail}"),),
    at="/v1/rerank",
    request=None,
    plain="query",
    extra=(
        Place("query", {"query": TEXT}),
        Place("documents[].text", {"query": "x", "documents": [{"text": TEXT}]}),
        Place("(key)", {"query": "x", TEXT: 1}),
        Place("the query", Request(f"/v1/rerank?note={TEXT}", b'{"model": "case-0"}', JSON)),
    ),
    rows=(*rows(REPLACED, "query", "documents[].text", "(key)", "the query", note=FREE),),
    upstream={"ok": True},
    back=(("everything", "as it came: one way"),),
)
_MODELS = ("/v1/models", "/v1beta/models")
_TAILS = ("/v1beta", "/upload", "/api")
CATALOG = Surface(
    name="Models, as the gate lists them",
    route="/v1/models",
    routes=(
        *(("GET", path) for path in (*_MODELS, *(f"{m}/{{model}}" for m in _MODELS), "/api/tags", "/api/version")),
        ("POST", "/api/show"),
        *(("*", f"{path}/{{tail}}") for path in _TAILS),
    ),
    request=None,
    plain="GET /v1/models?",
    named=False,
    json=False,
    extra=(
        *(Place(f"GET {path}?", Request(f"{path}?x_note={TEXT}", b"", method="GET"))
          for path in (*_MODELS, "/api/tags", "/api/version")),
        *(Place(f"GET {path}/{{model}}", Request(f"{path}/{TEXT}", b"", method="GET")) for path in _MODELS),
        Place("POST /api/show", Request("/api/show", f'{{"model": "{TEXT}"}}'.encode())),
        *(Place(f"POST {path}/{{tail}}", Request(f"{path}/{TEXT}", b"{}")) for path in _TAILS),
    ),
    rows=(
        *rows(LOCAL, *(f"GET {path}?" for path in (*_MODELS, "/api/tags", "/api/version"))),
        *rows(REFUSED, *(f"GET {path}/{{model}}" for path in _MODELS), "POST /api/show", note="not a configured name"),
        *rows(REFUSED, *(f"POST {path}/{{tail}}" for path in _TAILS), note="not served"),
    ),
    upstream={},
    back=(("names", "from the configuration"),),
)  # fmt: skip
SURFACES = (BATCHES, HELD, CATALOG, ANY, UNKNOWN)
