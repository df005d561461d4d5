"""Stored responses through the official SDK: restored as the first time, for the app that made them and nobody else."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest
from fake_responses import FakeResponses, call, last_text
from gate_support import ADDRESS, HARMLESS, MAIL, MODELS, OTHER_KEY, TOKEN, Plan, World, world

from policies.types import Zone
from proxy.ports import Principal
from proxy.settings import ModelRoute, UpstreamConfig

SYSTEM = "otto.kranz@example.org"
QUOTED = json.dumps({"to": ADDRESS})


@asynccontextmanager
async def gate(tmp_path: Path) -> AsyncIterator[tuple[World, FakeResponses, openai.AsyncOpenAI]]:
    async with FakeResponses() as cloud:
        upstream = UpstreamConfig("answers", Zone.CLOUD, "openai", url=cloud.url)
        models = {**MODELS, "gpt": ModelRoute((("answers", "gpt"),))}
        async with world(tmp_path, Plan(more={"answers": upstream}, models=models)) as w:
            yield w, cloud, w.sdk(max_retries=0)
        assert cloud.violations == []
        assert all(ADDRESS.encode() not in sent for sent in cloud.bodies)
        assert all("@" not in asked for asked in cloud.asked)


async def test_a_background_answer_is_fetched_with_its_values_and_its_tool_calls(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.reply = lambda body: [call("mail", {"to": next(x for x in last_text(body).split() if "EMAIL_" in x)})]
        queued = await sdk.responses.create(model="gpt", input=MAIL, background=True)
        assert queued.status == "queued" and queued.output == []
        done = await sdk.responses.retrieve(queued.id, include=["reasoning.encrypted_content"])
        assert json.loads(done.output[0].arguments) == {"to": ADDRESS}  # type: ignore[union-attr]  # a function call
        assert cloud.asked == [f"GET /v1/responses/{queued.id}?include%5B%5D=reasoning.encrypted_content"]
        await w.quiet()
        intent = w.records(kind="intent")[-1]
        assert (intent["route"], intent["dialect"]) == ("/responses/:id", "openai.responses") and w.intact()


async def test_a_stream_is_taken_up_again_from_any_event(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        cloud.piece = 3
        stream = await sdk.responses.create(model="gpt", input=MAIL, stream=True)
        first = [e.model_dump() async for e in stream]
        id = first[0]["response"]["id"]
        cloud.stored[id] = ({"model": "gpt", "input": json.loads(cloud.bodies[0])["input"]}, first[-1]["response"])
        sent = last_text(json.loads(cloud.bodies[0]))
        cloud.stored[id][1]["output"][0]["content"][0]["text"] = f"You said: {sent}"
        for after in (None, 0, 5, 12, len(first) - 2, len(first)):
            more: dict[str, Any] = {} if after is None else {"starting_after": after}
            again = [e.model_dump() async for e in await sdk.responses.retrieve(id, stream=True, **more)]
            want = [e for e in first if after is None or e["sequence_number"] > after]
            assert [e["sequence_number"] for e in again] == [e["sequence_number"] for e in want]
            said = ["".join(e.get("delta", "") for e in events) for events in (again, want)]
            assert said[0] == said[1]
        assert all("starting_after" not in asked for asked in cloud.asked)


async def test_json_that_was_asked_for_is_json_when_it_is_fetched(tmp_path: Path) -> None:
    value = 'x", "admin": "yes'
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.reply = lambda body: json.dumps({"to": next(x for x in last_text(body).split() if "EMAIL_" in x)})
        made = []
        for format in ("json_object", "text"):
            made.append(await sdk.responses.create(model="gpt", input=MAIL, text={"format": {"type": format}}))  # type: ignore[arg-type, misc]  # either word
        made.append(await sdk.responses.create(model="gpt", input=MAIL, previous_response_id=made[0].id))
        who, vault = Principal("sales", "crm"), w.gate.vault
        for one, structured in zip(made, (True, False, False), strict=True):
            held = (await vault.get(who, "response", [one.id]))[one.id]
            held = replace(held, mapping=dict.fromkeys(held.mapping, value))
            await vault.put(who, "response", [one.id], held, dt.timedelta(days=1))
            text = (await sdk.responses.retrieve(one.id)).output_text
            assert json.loads(text) == ({"to": value} if structured else {"to": "x", "admin": "yes"})


async def test_what_was_asked_comes_back_item_by_item(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        asked: Any = [{"role": "system", "content": f"Work for {SYSTEM}."}, {"role": "user", "content": MAIL}]
        made = await sdk.responses.create(model="gpt", input=asked)
        page = await sdk.responses.input_items.list(made.id, limit=2, order="asc")
        texts = [item.content[0].text for item in page.data]  # type: ignore[union-attr]  # messages
        assert texts[1] == MAIL and "EMAIL_" in texts[0], "a value of the system prompt has no way back"
        await sdk.responses.input_items.list(made.id, after=page.data[-1].id)
        assert cloud.asked[-1].endswith("?after=in_1")
        for after in ("in_7", ADDRESS):
            with pytest.raises(openai.BadRequestError) as refused:
                await sdk.responses.input_items.list(made.id, after=after)
            assert refused.value.code == "unexpected_query"


async def test_a_response_is_cancelled_and_deleted(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        made = await sdk.responses.create(model="gpt", input=MAIL, background=True)
        assert (await sdk.responses.cancel(made.id)).status == "cancelled"
        await sdk.responses.delete(made.id)
        assert cloud.stored == {}
        with pytest.raises(openai.NotFoundError) as gone:
            await sdk.responses.retrieve(made.id)
        assert gone.value.code == "reference_not_found" and len(cloud.asked) == 2


async def test_a_response_is_there_for_nobody_else(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        made = await sdk.responses.create(model="gpt", input=MAIL)
        other = w.sdk(OTHER_KEY, max_retries=0)
        for asking in (
            other.responses.retrieve(made.id), other.responses.delete(made.id), other.responses.cancel(made.id),
            other.responses.input_items.list(made.id), sdk.responses.retrieve("resp_elsewhere"),
            sdk.responses.retrieve("compact"), sdk.responses.retrieve(made.output[0].id),
        ):  # fmt: skip
            with pytest.raises(openai.NotFoundError) as refused:
                await asking
            assert refused.value.code == "reference_not_found"
        assert cloud.asked == []


async def test_what_the_house_answered_is_fetched_from_the_house(tmp_path: Path) -> None:
    async with FakeResponses() as far, FakeResponses() as near:
        more = {
            "far": UpstreamConfig("far", Zone.CLOUD, "openai", url=far.url),
            "near": UpstreamConfig("near", Zone.ONPREM, "openai", url=near.url),
        }
        models = {**MODELS, "gpt": ModelRoute((("far", "gpt"), ("near", "gpt")))}
        async with world(tmp_path, Plan(more=more, models=models)) as w:
            sdk = w.sdk(max_retries=0)
            made = await sdk.responses.create(model="gpt", input=TOKEN)
            assert (await sdk.responses.retrieve(made.id)).output_text == f"You said: {TOKEN}"
            assert far.asked == [] and len(near.asked) == 1


@pytest.mark.parametrize("query", [f"name={ADDRESS}", "stream=yes", "include=secrets", "starting_after=3",
                                   "stream=true&stream=true", "stream=true&starting_after=x"])  # fmt: skip
async def test_a_query_has_no_room_for_a_value(tmp_path: Path, query: str) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        made = await sdk.responses.create(model="gpt", input=HARMLESS)
        async with w.http.get(f"{w.gate.url}/v1/responses/{made.id}?{query}") as answer:
            assert answer.status == 400 and (await answer.json())["error"]["code"] == "unexpected_query"
        assert cloud.asked == []


@pytest.mark.parametrize(
    ("method", "path", "word"),
    [
        ("GET", "/v1/chat/completions/chatcmpl-1", "stored chat completions"),
        ("GET", "/v1/chat/completions", "stored chat completions"),
        ("POST", "/v1/chat/completions/chatcmpl-1", "stored chat completions"),
        ("POST", "/v1/conversations", "conversations"), ("GET", "/v1/conversations/conv_1/items", "conversations"),
        ("POST", "/v1/vector_stores", "vector stores"),
    ],
)  # fmt: skip
async def test_what_is_held_and_not_served_is_refused_by_name(
    tmp_path: Path, method: str, path: str, word: str
) -> None:
    async with world(tmp_path) as w:
        async with w.http.request(method, f"{w.gate.url}{path}", json={"model": "gpt-4o", "a": 1}) as answer:
            error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (404, "path_not_served") and word in error["message"]
        assert w.cloud.requests == [] and w.house.requests == []
