"""POST /v1/responses through the official SDK, unmodified: the same gate, the same guarantees."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import openai
import pytest
from fake_responses import FakeResponses, call, custom, last_text, reasoning
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, MODELS, OTHER_KEY, TOKEN, Plan, World, world
from pydantic import BaseModel

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

CREDENTIAL = "sk-upstream-credential"
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "send_mail",
    "description": "Sends a mail.",
    "strict": True,
    "parameters": {
        "type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"], "additionalProperties": False,
    },
}  # fmt: skip
SIZES = range(1, 12)


class Mail(BaseModel):
    to: str


@asynccontextmanager
async def gate(
    tmp_path: Path, policy: str = "builtin:default", **more: Any
) -> AsyncIterator[tuple[World, FakeResponses, openai.AsyncOpenAI]]:
    async with FakeResponses() as cloud:
        upstream = UpstreamConfig("answers", Zone.CLOUD, "openai", url=cloud.url, key=Secret(CREDENTIAL), **more)
        other = UpstreamConfig("claude", Zone.CLOUD, "anthropic", url=cloud.url)
        models = {**MODELS, "gpt": ModelRoute((("answers", "gpt"),)), "claude": ModelRoute((("claude", "claude"),))}
        async with world(
            tmp_path, Plan(more={"answers": upstream, "claude": other}, models=models, policy=policy)
        ) as w:
            yield w, cloud, w.sdk()
        assert cloud.violations == []
        assert all(ADDRESS.encode() not in sent for sent in cloud.bodies)


def stand_in(body: dict[str, Any]) -> str:
    return next(w for w in last_text(body).split() if w.startswith("EMAIL_"))


async def test_a_harmless_question_leaves_with_its_own_bytes_and_our_credential(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        raw = await sdk.responses.with_raw_response.create(model="gpt", input=HARMLESS, metadata={"a": "b"})
        assert HARMLESS in raw.parse().output_text
        assert json.loads(cloud.bodies[0]) == {"model": "gpt", "input": HARMLESS, "metadata": {"a": "b"}}
        assert cloud.headers[0]["authorization"] == f"Bearer {CREDENTIAL}"
        assert raw.headers["sealgate-action"] == "allowed"


async def test_an_address_leaves_as_a_stand_in_and_comes_back_wherever_it_is_repeated(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        made = await sdk.responses.create(
            model="gpt", input=[{"role": "user", "content": [{"type": "input_text", "text": MAIL}]}],
            instructions=f"You write for {ADDRESS}.", metadata={"owner": ADDRESS}, user=ADDRESS, tools=[TOOL],
        )  # fmt: skip
        assert made.output_text == f"You said: {MAIL}"
        assert made.instructions == f"You write for {ADDRESS}." and made.metadata == {"owner": ADDRESS}
        assert made.user == ADDRESS and b"EMAIL_" in cloud.bodies[0]
        outcome = w.records(kind="outcome")[-1]
        assert outcome["tokens_in"] == 7 and outcome["tokens_out"] == 9 and w.intact()


async def test_a_stream_of_any_piece_size_is_what_the_whole_answer_is(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.reply = lambda body: [reasoning(f"about {last_text(body)}"), *_message(f"Dear {stand_in(body)}, hello")]
        for cloud.piece in SIZES:
            cloud.wire_piece = 13 * cloud.piece if cloud.piece % 2 else 0
            async with sdk.responses.stream(model="gpt", input=MAIL) as stream:
                events = [e async for e in stream]
                final = await stream.get_final_response()
            assert final.output_text == f"Dear {ADDRESS}, hello"
            deltas = [e for e in events if e.type == "response.output_text.delta"]
            assert "".join(e.delta for e in deltas) == final.output_text and deltas[-1].snapshot == final.output_text
            thought = "".join(e.delta for e in events if e.type == "response.reasoning_summary_text.delta")
            assert thought == f"about {MAIL}"
            numbers = [e.sequence_number for e in events]
            assert numbers == list(range(len(numbers)))
        outcomes = w.records(kind="outcome")
        assert all(o["code"] == "ok" and o["restored"]["restored"] == 2 for o in outcomes) and len(outcomes) == len(
            SIZES
        )


def _message(text: str) -> list[dict[str, Any]]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}]


async def test_tool_calls_are_restored_whole_and_streaming(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        cloud.reply = lambda body: [
            call("send_mail", {"to": stand_in(body), "n": 1}), custom("note", f"Wrote to {stand_in(body)}"),
        ]  # fmt: skip
        asked: dict[str, Any] = {"model": "gpt", "input": MAIL, "tools": [TOOL, {"type": "custom", "name": "note"}]}
        made = await sdk.responses.create(**asked)
        assert made.output[0].type == "function_call" and json.loads(made.output[0].arguments) == {
            "to": ADDRESS,
            "n": 1,
        }
        assert made.output[1].type == "custom_tool_call" and made.output[1].input == f"Wrote to {ADDRESS}"
        for cloud.piece in (1, 3, 11):
            async with sdk.responses.stream(**asked) as stream:
                events = [e async for e in stream]
            grown = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
            (done,) = [e for e in events if e.type == "response.function_call_arguments.done"]
            assert grown == done.arguments and json.loads(grown) == {"to": ADDRESS, "n": 1}
            noted = "".join(e.delta for e in events if e.type == "response.custom_tool_call_input.delta")
            assert noted == f"Wrote to {ADDRESS}"


async def test_the_turn_after_a_tool_call_carries_stand_ins(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        cloud.reply = lambda body: [call("send_mail", {"to": stand_in(body)})]
        history: list[Any] = [{"role": "user", "content": MAIL}]
        made = await sdk.responses.create(model="gpt", input=history, tools=[TOOL], store=False)
        called = made.output[0]
        assert called.type == "function_call"
        history += [o.model_dump(exclude_none=True) for o in made.output]
        result = json.dumps({"sent": True, "to": ADDRESS})
        history.append({"type": "function_call_output", "call_id": called.call_id, "output": result})
        cloud.reply = lambda body: f"Sent: {last_text(body)}"
        final = await sdk.responses.create(model="gpt", input=history, tools=[TOOL], store=False)
        assert json.loads(final.output_text.removeprefix("Sent: ")) == json.loads(result)
        assert cloud.bodies[1].count(b"EMAIL_") == 3
        sent = json.loads(cloud.bodies[1])["input"]
        assert json.loads(sent[1]["arguments"])["to"] == json.loads(sent[2]["output"])["to"]


async def test_structured_answers_are_parsed_whole_and_streaming(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        cloud.reply = lambda body: json.dumps({"to": stand_in(body)})
        parsed = await sdk.responses.parse(model="gpt", input=MAIL, text_format=Mail)
        assert parsed.output_parsed == Mail(to=ADDRESS)
        async with sdk.responses.stream(model="gpt", input=MAIL, text_format=Mail) as stream:
            final = await stream.get_final_response()
        assert final.output_parsed == Mail(to=ADDRESS)


async def test_the_synchronous_client_notices_nothing_either(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, _, _sdk):

        def run() -> tuple[str, str]:
            with openai.OpenAI(base_url=f"{w.gate.url}/v1", api_key=KEY, max_retries=0) as client:
                made = client.responses.create(model="gpt", input=MAIL).output_text
                with client.responses.create(model="gpt", input=MAIL, stream=True) as stream:
                    grown = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
            return made, grown

        assert await asyncio.to_thread(run) == (f"You said: {MAIL}",) * 2


async def test_what_is_held_elsewhere_or_run_by_the_provider_never_reaches_the_cloud(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        asked: list[dict[str, Any]] = [
            {"input": HARMLESS, "previous_response_id": "resp_0123"},
            {"input": HARMLESS, "conversation": "conv_0123"},
            {"prompt": {"id": "pmpt_0123"}},
            {"input": [{"type": "item_reference", "id": "msg_0123"}]},
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-0123"}]}]},
            {"input": HARMLESS, "tools": [{"type": "web_search"}]},
            {"input": HARMLESS, "tools": [{"type": "mcp", "server_label": "s", "server_url": "https://x.example"}]},
            {"input": HARMLESS, "tools": [{"type": "file_search", "vector_store_ids": ["vs_0123"]}]},
            {"input": [{"role": "user", "content": [
                {"type": "input_image", "detail": "auto", "image_url": "https://x.example/i.png"}]}]},
        ]  # fmt: skip
        for more in asked:
            with pytest.raises(openai.PermissionDeniedError):
                await sdk.responses.create(model="gpt", **more)
        assert cloud.bodies == []


async def test_a_response_goes_on_for_the_app_that_made_it_and_for_nobody_else(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        first = await sdk.responses.create(model="gpt", input=MAIL)
        cloud.reply = lambda body: f"Earlier you named {stand_in(json.loads(cloud.bodies[0]))} there"
        for more in (
            {"previous_response_id": first.id},
            {"prompt_cache_options": {"comparison_response_id": first.id}},
        ):
            then = await sdk.responses.create(model="gpt", input="Whom did I name?", extra_body=more)
            assert then.output_text == f"Earlier you named {ADDRESS} there"
        item = {"type": "item_reference", "id": first.output[0].id}
        again = await sdk.responses.create(model="gpt", input=[item, {"role": "user", "content": "Whom?"}])  # type: ignore[list-item]  # the SDK's type wants its own dict
        assert ADDRESS in again.output_text and len(cloud.bodies) == 4
        for more in ({"previous_response_id": first.id}, {"input": [item]}):
            with pytest.raises(openai.PermissionDeniedError):
                await w.sdk(OTHER_KEY, max_retries=0).responses.create(model="gpt", input="Whom?", extra_body=more)
        assert len(cloud.bodies) == 4


async def test_a_streamed_response_goes_on_too(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        async with sdk.responses.stream(model="gpt", input=MAIL) as stream:
            first = await stream.get_final_response()
        then = await sdk.responses.create(model="gpt", input="Go on.", previous_response_id=first.id)
        assert then.output_text == "You said: Go on." and len(cloud.bodies) == 2


async def test_reasoning_by_its_id_resolves_and_what_was_not_stored_does_not(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        for store, calls in ((True, 2), (False, 3)):
            thought = {**reasoning("about it"), "id": f"rs_{calls}"}
            cloud.reply = lambda body, thought=thought: [thought, *_message("Hello")]  # type: ignore[misc]  # bound now
            made = await sdk.responses.create(model="gpt", input=HARMLESS, store=store)
            history: list[Any] = [{"role": "user", "content": HARMLESS}]
            history += [o.model_dump(exclude_none=True) for o in made.output]
            history.append({"role": "user", "content": "And?"})
            cloud.reply = lambda body: "Well"
            asked = sdk.responses.create(model="gpt", input=history)
            if store:
                await asked
            else:
                with pytest.raises(openai.PermissionDeniedError):
                    await asked
            assert len(cloud.bodies) == calls


async def test_a_tool_of_the_provider_is_used_where_it_is_listed(tmp_path: Path) -> None:
    async with gate(tmp_path, tools={"web_search": Zone.CLOUD}) as (_, cloud, sdk):
        made = await sdk.responses.create(model="gpt", input=MAIL, tools=[{"type": "web_search"}])
        assert made.output_text == f"You said: {MAIL}" and len(cloud.bodies) == 1
        with pytest.raises(openai.PermissionDeniedError) as e:
            await sdk.responses.create(model="gpt", input=MAIL, tools=[{"type": "code_interpreter", "container": "c"}])
        assert e.value.code in {"tool_not_allowed", "policy_refused"} and len(cloud.bodies) == 1


async def test_counting_and_compacting_carry_stand_ins_too(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        counted = await sdk.responses.input_tokens.count(model="gpt", input=MAIL, instructions=f"For {ADDRESS}")
        assert counted.input_tokens == 7 and cloud.bodies[0].count(b"EMAIL_") == 2
        sealed = base64.b64encode(bytes(range(128, 228))).decode()
        cloud.reply = lambda body: [
            *_message(f"Kept: {stand_in(body)}"), {"type": "compaction", "id": "cmp_1", "encrypted_content": sealed},
        ]  # fmt: skip
        made = await sdk.responses.compact(model="gpt", input=MAIL)
        kept = made.output[0]
        assert kept.type == "message" and kept.content[0].type == "output_text"
        assert kept.content[0].text == f"Kept: {ADDRESS}"
        history: list[Any] = [o.model_dump(exclude_none=True) for o in made.output]
        cloud.reply = lambda body: "Well"
        assert (await sdk.responses.create(model="gpt", input=[*history, {"role": "user", "content": "And?"}])).output
        assert json.loads(cloud.bodies[2])["input"][1]["encrypted_content"] == sealed
        assert [r["route"] for r in w.records(kind="intent")][-1] == "/responses"


OTHERS = "otto.other@example.net"


@pytest.mark.parametrize("stream", [False, True])
async def test_with_respond_what_belongs_to_others_is_masked_everywhere(tmp_path: Path, stream: bool) -> None:
    policy = (files("policies") / "default.yaml").read_text()
    (tmp_path / "p.yaml").write_text(policy.replace("answers: tolerant", "answers: respond"))
    async with gate(tmp_path, policy=str(tmp_path / "p.yaml")) as (w, cloud, _):
        cloud.piece = 3
        cloud.reply = lambda body: [
            reasoning(f"Both {stand_in(body)} and {OTHERS}."), *_message(f"To {stand_in(body)}. Or {OTHERS}. Bye"),
            call("send_mail", {"to": stand_in(body), "cc": OTHERS}), custom("note", f"Ask {OTHERS}"),
        ]  # fmt: skip
        cloud.odd = [{"type": "response.unheard_of", "note": f"see {OTHERS}"}]
        asked = {"model": "gpt", "input": MAIL, "tools": [TOOL], "stream": stream}
        async with w.http.post(f"{w.gate.url}/v1/responses", json=asked) as answer:
            body = await answer.text()
        assert answer.status == 200 and "otto" not in body
        lines = [line[6:] for line in body.splitlines() if line.startswith("data: {")]
        events = [json.loads(line) for line in lines] if stream else [{"response": json.loads(body)}]
        output = events[-1]["response"]["output"]
        assert output[1]["content"][0]["text"] == f"To {ADDRESS}. Or [EMAIL_ADDRESS]. Bye"
        assert json.loads(output[2]["arguments"]) == {"to": ADDRESS, "cc": "[EMAIL_ADDRESS]"}
        for kind, member in (("output_text", "text"), ("function_call_arguments", "arguments")) if stream else ():
            said = [e for e in events if e["type"].startswith(f"response.{kind}.")]
            assert "".join(e["delta"] for e in said[:-1]) == said[-1][member]


async def test_a_refusal_is_the_sdks_own_exception_once(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        for ask in (sdk.responses.create(model="gpt", input=TOKEN), _streamed(sdk, TOKEN)):
            with pytest.raises(openai.PermissionDeniedError) as e:
                await ask
            assert "Credentials stay in the house" in str(e.value) and e.value.code == "policy_refused"
        assert cloud.bodies == [] and len(w.records(kind="refusal")) == 2


async def _streamed(sdk: openai.AsyncOpenAI, text: str) -> list[str]:
    stream = await sdk.responses.create(model="gpt", input=text, stream=True)
    return [e.type async for e in stream]


async def test_wrong_keys_unknown_models_and_bad_bodies_raise_what_the_sdk_knows(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.create(model="no-such-model", input="hi")
        with pytest.raises(openai.BadRequestError) as e:
            await sdk.responses.create(model="gpt", input=[{"role": "user"}])  # type: ignore[typeddict-item]  # wrong on purpose
        assert "/input/0/content" in str(e.value)
        stranger = w.sdk("nobody", max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            await stranger.responses.create(model="gpt", input="hi")
        assert cloud.bodies == []


async def test_a_response_that_failed_is_shown_as_one(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.mode = "failed"
        made = await sdk.responses.create(model="gpt", input=MAIL)
        assert made.status == "failed" and made.error is not None and made.error.message == f"failed on {MAIL}"
        stream = await sdk.responses.create(model="gpt", input=MAIL, stream=True)
        events = [e async for e in stream]
        assert events[-1].type == "response.failed" and events[-1].response.error is not None
        assert events[-1].response.error.message == f"failed on {MAIL}"
        assert [o["code"] for o in w.records(kind="outcome")] == ["ok", "ok"]


async def test_an_error_in_a_stream_and_a_stream_that_breaks_are_incomplete(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.mode = "event_error"
        stream = await sdk.responses.create(model="gpt", input=MAIL, stream=True)
        events = [e async for e in stream]
        assert events[-1].type == "error" and events[-1].message == f"failed on {MAIL}"
        cloud.mode = "drop"
        with pytest.raises(openai.APIError) as e:
            await _streamed(sdk, MAIL)
        assert e.value.code is not None and e.value.code.startswith("upstream")
        await w.quiet()
        codes = [o["code"] for o in w.records(kind="outcome")]
        assert codes[0] == "incomplete" and codes[1].startswith("upstream") and w.intact()


async def test_a_stream_that_says_nothing_is_done_still_gives_every_delta(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, cloud, sdk):
        cloud.mode = "no_done"
        cloud.reply = lambda body: f"Dear {stand_in(body)[:12]}"
        stream = await sdk.responses.create(model="gpt", input=MAIL, stream=True)
        events = [e async for e in stream]
        grown = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        assert events[-1].type == "response.completed" and grown == events[-1].response.output_text


async def test_an_upstream_that_fails_is_503_in_the_dialects_shape(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, _):
        for cloud.mode in ("error", "not_json"):
            async with w.http.post(f"{w.gate.url}/v1/responses", json={"model": "gpt", "input": "hi"}) as answer:
                body = await answer.json()
            assert answer.status in {502, 503} and body["type"] == "error" and body["error"]["type"] == "server_error"


async def test_an_app_that_leaves_ends_the_upstreams_stream(tmp_path: Path) -> None:
    async with gate(tmp_path) as (w, cloud, sdk):
        cloud.mode = "hang"
        stream = await sdk.responses.create(model="gpt", input=MAIL, stream=True)
        assert (await anext(aiter(stream))).type == "response.created"
        await stream.close()
        await asyncio.wait_for(cloud.gone.wait(), 30)
        await w.quiet()
        assert w.records(kind="outcome")[-1]["code"] == "cancelled"


async def test_an_upstream_of_another_dialect_is_never_asked(tmp_path: Path) -> None:
    async with gate(tmp_path) as (_, _cloud, sdk):
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.create(model="claude", input=HARMLESS)
