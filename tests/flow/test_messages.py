"""POST /v1/messages through the official anthropic SDK, unmodified: the same gate, the same guarantees."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from fake_anthropic import FakeAnthropic
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, MODELS, TOKEN, Plan, World, world

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

CREDENTIAL = "sk-ant-upstream-credential"
TOOL = {
    "name": "send_mail",
    "description": "Sends a mail.",
    "input_schema": {"type": "object", "properties": {"to": {"type": "string"}}},
}


@asynccontextmanager
async def claude(tmp_path: Path) -> AsyncIterator[tuple[World, FakeAnthropic, anthropic.AsyncAnthropic]]:
    async with FakeAnthropic() as cloud:
        upstream = UpstreamConfig("claude", Zone.CLOUD, "anthropic", url=cloud.url, key=Secret(CREDENTIAL))
        models = {**MODELS, "claude": ModelRoute((("claude", "claude"),))}
        async with (
            world(tmp_path, Plan(more={"claude": upstream}, models=models)) as w,
            anthropic.AsyncAnthropic(base_url=w.gate.url, api_key=KEY, max_retries=2) as sdk,
        ):
            yield w, cloud, sdk
        assert cloud.violations == []


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


async def test_a_harmless_question_leaves_with_its_own_bytes_and_our_credential(tmp_path: Path) -> None:
    async with claude(tmp_path) as (_, cloud, sdk):
        raw = await sdk.messages.with_raw_response.create(**ask(HARMLESS))
        message = await raw.parse()
        assert message.content[0].type == "text" and HARMLESS in message.content[0].text
        assert json.loads(cloud.bodies[0]) == ask(HARMLESS)
        assert cloud.headers[0]["x-api-key"] == CREDENTIAL and KEY not in str(cloud.headers[0])
        assert cloud.headers[0]["anthropic-version"] == "2023-06-01" and "authorization" not in cloud.headers[0]
        assert raw.headers["sealgate-action"] == "allowed"


async def test_an_address_leaves_as_a_stand_in_and_comes_back_whole_and_streaming(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, sdk):
        message = await sdk.messages.create(**ask(MAIL, system=f"You write for {ADDRESS}."))
        assert message.content[0].type == "text" and ADDRESS in message.content[0].text
        async with sdk.messages.stream(**ask(MAIL)) as stream:
            text = await stream.get_final_text()
        assert ADDRESS in text
        assert all(ADDRESS.encode() not in body for body in cloud.bodies)
        assert [r["restored"]["restored"] for r in w.records(kind="outcome")] == [1, 1]
        assert w.records(kind="outcome")[-1]["tokens_in"] == 7 and w.intact()


async def test_tool_input_is_restored_whole_and_streaming(tmp_path: Path) -> None:
    async with claude(tmp_path) as (_, cloud, sdk):
        cloud.arguments = lambda text: {"to": next(w for w in text.split() if w.startswith("EMAIL_")), "n": 1}
        message = await sdk.messages.create(**ask(MAIL, tools=[TOOL]))
        assert message.content[0].type == "tool_use" and message.content[0].input == {"to": ADDRESS, "n": 1}
        async with sdk.messages.stream(**ask(MAIL, tools=[TOOL])) as stream:
            final = await stream.get_final_message()
        assert final.content[0].type == "tool_use" and final.content[0].input == {"to": ADDRESS, "n": 1}


async def test_a_call_and_its_result_in_the_history_carry_stand_ins(tmp_path: Path) -> None:
    history = [
        {"role": "user", "content": "Write to them."},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t1", "name": "send_mail", "input": {"to": ADDRESS}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": f'{{"sent": "{ADDRESS}"}}'}],
        },
    ]
    async with claude(tmp_path) as (_, cloud, sdk):
        await sdk.messages.create(model="claude", max_tokens=9, messages=history, tools=[TOOL])  # type: ignore[arg-type]
        assert ADDRESS.encode() not in cloud.bodies[0] and cloud.bodies[0].count(b"EMAIL_") == 2


async def test_a_refusal_is_the_sdks_own_exception_once(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, sdk):
        with pytest.raises(anthropic.PermissionDeniedError) as e:
            await sdk.messages.create(**ask(TOKEN))
        assert "Credentials stay in the house" in str(e.value)
        assert cloud.bodies == [] and len(w.records(kind="refusal")) == 1


async def test_wrong_keys_unknown_models_and_bad_bodies_raise_what_the_sdk_knows(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, sdk):
        with pytest.raises(anthropic.NotFoundError):
            await sdk.messages.create(**{**ask("hi"), "model": "gpt-4o"})
        with pytest.raises(anthropic.BadRequestError):
            await sdk.messages.create(**{**ask("hi"), "messages": []})
        async with anthropic.AsyncAnthropic(base_url=w.gate.url, api_key="nobody", max_retries=0) as stranger:
            with pytest.raises(anthropic.AuthenticationError):
                await stranger.messages.create(**ask("hi"))
        assert cloud.bodies == []


async def test_an_upstream_that_fails_is_503_in_the_dialects_shape(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, _):
        cloud.status = 529
        async with w.http.post(f"{w.gate.url}/v1/messages", json=ask("hi")) as answer:
            body = await answer.json()
        assert answer.status == 503 and body["type"] == "error" and body["error"]["type"] == "overloaded_error"


async def test_a_chat_request_never_reaches_an_upstream_of_the_other_dialect(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, _):
        answer = await w.ask(HARMLESS, model="claude")
        assert answer.status == 404 and cloud.bodies == []


async def test_the_configured_models_are_listed_as_each_vendor_does(tmp_path: Path) -> None:
    async with claude(tmp_path) as (w, cloud, sdk):
        assert [m.id async for m in sdk.models.list()] == ["claude"], "gpt-4o speaks another dialect"
        assert (await sdk.models.retrieve("claude")).display_name == "claude"
        with pytest.raises(anthropic.NotFoundError):
            await sdk.models.retrieve("gpt-4o")
        openai = w.sdk()
        assert "gpt-4o" in [m.id async for m in openai.models.list()]
        assert (await openai.models.retrieve("gpt-4o")).owned_by == "sealgate" and cloud.bodies == []
