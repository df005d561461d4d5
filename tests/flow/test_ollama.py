"""Ollama's API through its official client, unmodified: lines instead of events, the same guarantees."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import ollama
import pytest
from fake_ollama import FakeOllama
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, MODELS, TOKEN, Plan, World, world

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

CREDENTIAL = "ollama-upstream-credential"
TOOL = {
    "type": "function",
    "function": {
        "name": "send_mail",
        "description": "Sends a mail.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
    },
}


@asynccontextmanager
async def llama(tmp_path: Path) -> AsyncIterator[tuple[World, FakeOllama, ollama.AsyncClient]]:
    """The same stand-in as a cloud (``llama3``) and on premise (``house-llama``)."""
    async with FakeOllama() as house:
        more = {
            "far": UpstreamConfig("far", Zone.CLOUD, "ollama", url=house.url, key=Secret(CREDENTIAL)),
            "near": UpstreamConfig("near", Zone.ONPREM, "ollama", url=house.url),
        }
        models = {**MODELS, "llama3": ModelRoute((("far", "llama3"),)), "near3": ModelRoute((("near", "near3"),))}
        async with world(tmp_path, Plan(more=more, models=models)) as w:
            sdk = ollama.AsyncClient(w.gate.url, headers={"authorization": f"Bearer {KEY}"})
            async with sdk:
                yield w, house, sdk
        assert house.violations == []


def turn(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


async def test_a_harmless_question_leaves_with_its_own_bytes_and_our_credential(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        answer = await sdk.chat("llama3", turn(HARMLESS), options={"temperature": 0.5}, keep_alive="5m", think=True)
        assert answer.message.content == f"You said: {HARMLESS}" and answer.message.thinking == "Hm. "
        assert house.headers[0]["authorization"] == f"Bearer {CREDENTIAL}" and KEY not in str(house.headers[0])
        body = json.dumps({"model": "llama3", "messages": turn(HARMLESS), "stream": False}, indent=3).encode()
        kind = {"content-type": "application/json"}
        async with w.http.post(f"{w.gate.url}/api/chat", data=body, headers=kind) as plain:
            assert plain.headers["sealgate-action"] == "allowed"
        assert house.bodies[-1] == body


@pytest.mark.parametrize("piece", [1, 5, 11])
async def test_an_address_comes_back_whole_and_streaming(tmp_path: Path, piece: int) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        house.piece = piece
        answer = await sdk.chat("llama3", turn(MAIL))
        assert answer.message.content == f"You said: {MAIL}"
        chunks = [c async for c in await sdk.chat("llama3", turn(MAIL), stream=True)]
        assert "".join(c.message.content or "" for c in chunks) == f"You said: {MAIL}"
        assert chunks[-1].done and chunks[-1].eval_count == 9 and not any(c.done for c in chunks[:-1])
        text = [c async for c in await sdk.generate("llama3", MAIL, system=f"For {ADDRESS}.", stream=True)]
        assert "".join(c.response or "" for c in text) == f"You said: {MAIL}"
        whole = await sdk.generate("llama3", MAIL)
        assert whole.response == f"You said: {MAIL}" and whole.context == [1, 2, 3]
        assert all(ADDRESS.encode() not in body for body in house.bodies)
        await w.quiet()
        outcomes = w.records(kind="outcome")
        assert [(r["code"], r["tokens_in"], r["tokens_out"]) for r in outcomes] == [("ok", 7, 9)] * 4 and w.intact()


async def test_the_synchronous_client_works_as_well(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, _, _):

        def streamed() -> str:
            with ollama.Client(w.gate.url, headers={"authorization": f"Bearer {KEY}"}) as sdk:
                return "".join(c.message.content or "" for c in sdk.chat("llama3", turn(MAIL), stream=True))

        assert await anyio.to_thread.run_sync(streamed) == f"You said: {MAIL}"


async def test_tool_arguments_are_restored_and_results_carry_stand_ins(tmp_path: Path) -> None:
    async with llama(tmp_path) as (_, house, sdk):
        house.arguments = lambda text: {"to": next(w for w in text.split() if w.startswith("EMAIL_")), "n": 1}
        answer = await sdk.chat("llama3", turn(MAIL), tools=[TOOL])
        assert answer.message.tool_calls and answer.message.tool_calls[0].function.arguments == {"to": ADDRESS, "n": 1}
        stream = await sdk.chat("llama3", turn(MAIL), tools=[TOOL], stream=True)
        calls = [c async for chunk in stream for c in chunk.message.tool_calls or ()]
        assert [c.function.arguments for c in calls] == [{"to": ADDRESS, "n": 1}]
        house.arguments = None
        result = {"role": "tool", "tool_name": "send_mail", "content": json.dumps({"sent": ADDRESS})}
        await sdk.chat("llama3", [*turn(MAIL), answer.message, result], tools=[TOOL])
        assert all(ADDRESS.encode() not in body for body in house.bodies)
        assert house.bodies[2].count(b"EMAIL_") == 3


async def test_texts_are_embedded_without_values(tmp_path: Path) -> None:
    async with llama(tmp_path) as (_, house, sdk):
        made = await sdk.embed("llama3", [MAIL, HARMLESS])
        assert len(made.embeddings) == 2 and ADDRESS.encode() not in house.bodies[0]


async def test_images_and_token_arrays_stay_on_premise(tmp_path: Path) -> None:
    image = [{"role": "user", "content": "What is this?", "images": [bytes(range(100))]}]
    async with llama(tmp_path) as (_, house, sdk):
        with pytest.raises(ollama.ResponseError) as e:
            await sdk.chat("llama3", image)
        with pytest.raises(ollama.ResponseError):
            await sdk.generate("llama3", "and then?", context=[1, 2, 3])
        assert e.value.status_code == 403 and house.bodies == []
        assert (await sdk.chat("near3", image)).message.content == "You said: What is this?"
        assert (await sdk.generate("near3", TOKEN)).response == f"You said: {TOKEN}"


async def test_a_refusal_is_the_clients_own_exception_once(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        with pytest.raises(ollama.ResponseError, match="Credentials stay in the house") as e:
            await sdk.chat("llama3", turn(TOKEN))
        with pytest.raises(ollama.ResponseError, match="Credentials stay in the house"):
            [c async for c in await sdk.chat("llama3", turn(TOKEN), stream=True)]
        assert e.value.status_code == 403
        assert house.bodies == [] and len(w.records(kind="refusal")) == 2


async def test_wrong_keys_unknown_models_and_bad_bodies_raise_what_the_client_knows(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        with pytest.raises(ollama.ResponseError) as unknown:
            await sdk.chat("gpt-4o", turn("hi"))
        with pytest.raises(ollama.ResponseError) as bad:
            await sdk.chat("llama3", turn("hi"), options={"num_ctx": "x"})
        async with ollama.AsyncClient(w.gate.url) as stranger:
            with pytest.raises(ollama.ResponseError) as key:
                await stranger.chat("llama3", turn("hi"))
        assert [e.value.status_code for e in (unknown, bad, key)] == [404, 400, 401] and house.bodies == []


async def test_an_upstream_that_fails_is_503_in_the_dialects_shape(tmp_path: Path) -> None:
    async with llama(tmp_path) as (_, house, sdk):
        house.status = 503
        with pytest.raises(ollama.ResponseError, match="No upstream") as e:
            await sdk.chat("llama3", turn("hi"))
        assert e.value.status_code == 503


async def test_a_stream_that_ends_too_early_is_recorded_so(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        house.breaks = True
        text = "".join([c.message.content or "" async for c in await sdk.chat("llama3", turn(MAIL), stream=True)])
        assert text.startswith("You said: Draft a polite reply to ") and MAIL not in text
        await w.quiet()
        assert w.records(kind="outcome")[0]["code"] == "incomplete"


async def test_an_error_inside_a_stream_is_a_line_that_the_client_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.dialects.ollama_answers.MAX_LINE_BYTES", 200)
    async with llama(tmp_path) as (_, house, sdk):
        house.piece = 300
        with pytest.raises(ollama.ResponseError, match="not readable"):
            [c async for c in await sdk.chat("llama3", turn(HARMLESS * 10), stream=True)]


async def test_the_configured_models_are_listed(tmp_path: Path) -> None:
    async with llama(tmp_path) as (_, _, sdk):
        assert {m.model for m in (await sdk.list()).models} >= {"llama3", "near3", "gpt-4o"}
        shown = await sdk.show("llama3")
        assert shown.capabilities and shown.modelinfo == {}


async def test_models_are_not_managed_through_the_gate(tmp_path: Path) -> None:
    async with llama(tmp_path) as (w, house, sdk):
        for asking in (sdk.pull("llama3"), sdk.delete("llama3"), sdk.create("x", from_="llama3"), sdk.ps(),
                       sdk.copy("llama3", "x"), sdk.push("llama3"), sdk.show("nobody")):  # fmt: skip
            with pytest.raises(ollama.ResponseError) as refused:
                await asking
            assert refused.value.status_code == 404
        async with w.http.get(f"{w.gate.url}/api/version") as answer:
            assert (await answer.json())["version"].count(".") == 2
        async with w.http.get(f"{w.gate.url}/api/version", headers={"authorization": "Bearer nobody"}) as answer:
            assert answer.status == 401
        assert house.bodies == []
