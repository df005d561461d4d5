"""The official SDK against the gate: what leaves, what comes back, and which of its usual exceptions are raised."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fake_cloud import call_tool, echo
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, OTHER_KEY, RECORD, SECRET, TOKEN, Plan, World, chat, world
from model_support import models_or_skip

STAND_IN = re.compile(r"EMAIL_[0-9a-hjkmnp-tv-z]{13}")
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "send_mail", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}},
}


def stand_in(body: bytes) -> str:
    """The only stand-in of an e-mail address in what the cloud received."""
    (found,) = set(STAND_IN.findall(body.decode()))
    return str(found)


async def streamed(stream: Any) -> tuple[str, str]:
    """Text and tool arguments of a streamed answer."""
    text, arguments = [], []
    async for chunk in stream:
        for choice in chunk.choices:
            text.append(choice.delta.content or "")
            arguments += [c.function.arguments or "" for c in choice.delta.tool_calls or () if c.function]
    return "".join(text), "".join(arguments)


# -- what leaves ------------------------------------------------------------------------------------------------------


async def test_a_harmless_request_leaves_byte_for_byte(tmp_path: Path) -> None:
    body = b'{ "model":"gpt-4o",\n "temperature": 0.10, "messages": [{"content":"Caf\\u00e9 1e2?","role":"user"}]}'
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, data=body, headers={"content-type": "application/json"}) as answer:
            assert (answer.status, answer.headers["sealgate-action"]) == (200, "allowed")
            assert answer.headers["sealgate-restored"] == "0/0"
        assert w.cloud.bodies == [body]


async def test_only_the_name_of_the_model_changes_for_a_substitute(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, json=chat(RECORD)) as answer:
            assert answer.headers["sealgate-zone"] == "enclave"
        assert w.enclave.received == [json.dumps(chat(RECORD, "sealed-llm")).encode()]


async def test_nothing_of_the_app_but_the_body_leaves(tmp_path: Path) -> None:
    extra = {"x-app": ADDRESS, "cookie": "a=b", "sealgate-conversation": "c1", "user-agent": ADDRESS}
    async with world(tmp_path) as w:
        await w.sdk(default_headers=extra).chat.completions.create(**chat(MAIL))
        (request,) = w.cloud.requests
        assert {k.lower() for k, _ in request.headers} <= {
            "host", "accept", "accept-encoding", "user-agent", "content-type", "content-length"
        }  # fmt: skip
        assert request.query == ""
        assert not any(KEY in v or ADDRESS in v for _, v in request.headers)


# -- there and back ---------------------------------------------------------------------------------------------------


async def test_an_address_leaves_as_a_stand_in_and_is_itself_again_in_the_answer(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        raw = await w.sdk().chat.completions.with_raw_response.create(**chat(MAIL))
        assert raw.parse().choices[0].message.content == MAIL
        assert raw.headers["sealgate-restored"] == "1/1"
        assert raw.headers["sealgate-action"] == "redacted"
        (body,) = w.cloud.bodies
        assert ADDRESS.encode() not in body
        assert stand_in(body)


@pytest.mark.parametrize("piece", [1, 3, 1000])
async def test_an_address_comes_back_in_a_stream_of_any_pieces(tmp_path: Path, piece: int) -> None:
    async with world(tmp_path) as w:
        w.cloud.piece = piece
        text, _ = await streamed(await w.sdk().chat.completions.create(**chat(MAIL), stream=True))
        assert text == MAIL
        assert ADDRESS.encode() not in w.cloud.bodies[0]


async def test_the_wire_may_cut_an_answer_anywhere(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.wire_piece = 7
        text, _ = await streamed(await w.sdk().chat.completions.create(**chat(MAIL), stream=True))
        assert text == MAIL
        whole = await w.sdk().chat.completions.create(**chat(MAIL))
        assert whole.choices[0].message.content == MAIL


async def test_a_stream_says_before_its_end_how_much_was_restored(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, json=chat(MAIL, stream=True)) as answer:
            text = (await answer.read()).decode()
        assert text.count("sealgate-restored") == 1
        assert text.endswith(": sealgate-restored 1/1\n\ndata: [DONE]\n\n")


async def test_the_synchronous_client_works_the_same(tmp_path: Path) -> None:
    def both(url: str) -> Iterator[str]:
        with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
            whole = client.chat.completions.create(**chat(MAIL))
            yield whole.choices[0].message.content or ""
            with client.chat.completions.create(**chat(MAIL), stream=True) as stream:
                yield "".join(c.delta.content or "" for chunk in stream for c in chunk.choices)

    async with world(tmp_path) as w:
        assert await asyncio.to_thread(lambda: list(both(w.gate.url))) == [MAIL, MAIL]
        assert all(ADDRESS.encode() not in b for b in w.cloud.bodies)


@pytest.mark.parametrize("stream", [False, True])
async def test_arguments_of_tool_calls_are_restored(tmp_path: Path, stream: bool) -> None:
    def calls(body: dict[str, Any]) -> dict[str, Any]:
        return call_tool("send_mail", {"to": stand_in(echo(body).encode()), "note": 'a "quote"'})

    async with world(tmp_path) as w:
        w.cloud.reply = calls
        w.cloud.piece = 2
        made = w.sdk().chat.completions.create(**chat(MAIL, tools=[TOOL], stream=stream))
        if stream:
            _, arguments = await streamed(await made)
        else:
            (call,) = (await made).choices[0].message.tool_calls
            arguments = call.function.arguments
        assert json.loads(arguments) == {"to": ADDRESS, "note": 'a "quote"'}


async def test_what_tools_said_leaves_as_stand_ins_too(tmp_path: Path) -> None:
    history = [
        {"role": "user", "content": f"Write to {ADDRESS}."},
        call_tool("send_mail", {"to": ADDRESS}),
        {"role": "tool", "tool_call_id": "call_1", "content": json.dumps({"sent_to": ADDRESS.upper()})},
    ]
    async with world(tmp_path) as w:
        await w.sdk().chat.completions.create(**chat("", messages=history, tools=[TOOL]))
        assert ADDRESS.encode() not in w.cloud.bodies[0].lower()
        assert not w.cloud.violations


async def test_an_address_has_the_same_stand_in_on_every_turn_of_a_conversation(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        first = chat(MAIL)["messages"]
        answer = await w.sdk().chat.completions.create(model="gpt-4o", messages=first)
        second = [*first, {"role": "assistant", "content": answer.choices[0].message.content},
                  {"role": "user", "content": f"Again, to {ADDRESS}."}]  # fmt: skip
        await w.sdk().chat.completions.create(model="gpt-4o", messages=second)
        one, two = w.cloud.bodies
        assert stand_in(one) == stand_in(two)


async def test_the_conversation_header_ties_requests_together_and_nothing_else_does(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        texts = (f"To {ADDRESS}, please.", f"Also to {ADDRESS}.")
        for conversation in ("a", "a", "b"):
            client = w.sdk(default_headers={"sealgate-conversation": conversation})
            await client.chat.completions.create(**chat(texts[len(w.cloud.bodies) % 2]))
        one, two, other = map(stand_in, w.cloud.bodies)
        assert one == two != other


async def test_another_app_that_types_a_stand_in_gets_it_back_as_it_is(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.sdk().chat.completions.create(**chat(MAIL))
        token = stand_in(w.cloud.bodies[0])
        for key in (OTHER_KEY, KEY):  # nor does its own app, in a request that never held the value
            client = w.sdk(key, default_headers={"sealgate-conversation": "mine"})
            answer = await client.chat.completions.create(**chat(f"Who is {token}?"))
            assert answer.choices[0].message.content == f"Who is {token}?"


async def test_models_of_the_enclave_and_of_the_house_answer_through_the_same_client(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        sealed = await w.sdk().chat.completions.create(**chat(RECORD))
        assert "Answered inside the enclave" in (sealed.choices[0].message.content or "")
        assert sealed.model == "sealed-llm"
        house = await w.sdk().chat.completions.create(**chat(TOKEN))
        assert (house.model, house.choices[0].message.content) == ("small", TOKEN)
        assert not w.cloud.requests


# -- errors and headers -----------------------------------------------------------------------------------------------


async def test_a_refusal_is_a_permission_error_at_once_and_is_not_tried_again(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(openai.PermissionDeniedError) as raised:
            await w.sdk(max_retries=2).chat.completions.create(**chat(TOKEN, "cloud-only"))
        error = raised.value
        assert error.code == "policy_refused"
        assert "Credentials stay in the house" in error.message
        assert SECRET not in str(error)
        assert error.response.headers["x-should-retry"] == "false"
        assert error.response.headers["sealgate-action"] == "blocked"
        (record,) = w.records(kind="refusal")
        assert record["request_id"] == error.response.headers["sealgate-request-id"]
        assert isinstance(error.body, dict) and error.body["request_id"] == record["request_id"]
        assert record["rules"] and not w.cloud.requests


async def test_a_wrong_key_is_an_authentication_error_and_no_key_too(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for key in ("wrong-key-0123456789", "x"):
            with pytest.raises(openai.AuthenticationError) as raised:
                await w.sdk(key, max_retries=2).chat.completions.create(**chat(MAIL))
            assert raised.value.code == "invalid_api_key"
            assert key not in raised.value.message
        with pytest.raises(openai.AuthenticationError):
            await w.sdk("wrong-key-0123456789").models.list()
        assert not w.cloud.requests


async def test_an_unknown_model_is_a_not_found_error(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(openai.NotFoundError) as raised:
            await w.sdk(max_retries=2).chat.completions.create(**chat(HARMLESS, "gpt-9"))
        assert raised.value.code == "model_not_found"
        assert not w.cloud.requests


async def test_a_request_that_is_none_is_a_bad_request_error(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with pytest.raises(openai.BadRequestError):
            await w.sdk(max_retries=2).chat.completions.create(**chat("", messages="hello"))
        assert not w.cloud.requests


async def test_the_models_of_the_configuration_are_listed(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        listed = [m.id async for m in await w.sdk().models.list()]
        assert listed == ["gpt-4o", "cloud-only", "sealed-only", "house-only"]


@pytest.mark.parametrize(
    ("text", "action", "zone", "upstream"),
    [
        (HARMLESS, "allowed", "cloud", "cloud"),
        (MAIL, "redacted", "cloud", "cloud"),
        (RECORD, "enclave", "enclave", "sealed"),
        (TOKEN, "local", "onprem", "house"),
    ],
)
async def test_every_answer_says_what_was_done_and_the_ledger_says_the_same(
    tmp_path: Path, text: str, action: str, zone: str, upstream: str
) -> None:
    async with world(tmp_path) as w:
        raw = await w.sdk().chat.completions.with_raw_response.create(**chat(text))
        intent, outcome = w.records(request_id=raw.headers["sealgate-request-id"])
        assert (intent["action"], intent["zone"], intent["upstream"]) == (action, zone, upstream)
        got = tuple(raw.headers[f"sealgate-{name}"] for name in ("action", "zone", "upstream", "policy"))
        assert got == (action, zone, upstream, intent["policy_revision"])
        assert (outcome["kind"], outcome["ref_seq"], outcome["code"]) == ("outcome", intent["seq"], "ok")
        assert raw.headers["server"] == "sealgate"
        assert w.intact()


async def test_headers_of_the_upstream_do_not_pass_unless_they_are_known(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode = "evil_headers"
        answer = await w.ask(MAIL)
        assert answer.headers["sealgate-action"] == "redacted"
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-ratelimit-limit-requests"] == "9"


async def test_many_requests_at_once_do_not_mix(tmp_path: Path) -> None:
    async def one(w: World, number: int) -> bool:
        text = f"Write to person{number}@example.com about ticket {number}."
        client = clients[number % 2]
        if number % 3:
            answer = await client.chat.completions.create(**chat(text))
            return bool(answer.choices[0].message.content == text)
        return (await streamed(await client.chat.completions.create(**chat(text), stream=True)))[0] == text

    async with world(tmp_path) as w:
        clients = [w.sdk(KEY), w.sdk(OTHER_KEY)]
        assert all(await asyncio.gather(*(one(w, i) for i in range(30))))
        assert len(w.records(kind="intent")) == len(w.records(kind="outcome", code="ok")) == 30
        assert not w.cloud.violations
        assert w.intact()


async def test_with_the_local_models_names_leave_as_stand_ins_and_clinical_notes_stay_in_the_enclave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALGATE_MODELS", str(models_or_skip("rampart", "spacy-en")))
    text = f"Please write a short thank-you note to Maria Keller, {ADDRESS}, for the flowers."
    note = (
        "Progress note, ward 4B. Patient: Harold Jenkins, 67-year-old man, MRN: 48291734. Admitted with chest pain and "
        "dyspnoea; troponin elevated, ECG with ST depression. Known type 2 diabetes mellitus. Assessment: NSTEMI."
    )
    async with world(tmp_path, Plan(full=True)) as w:
        answer = await w.sdk().chat.completions.create(**chat(text))
        assert answer.choices[0].message.content == text
        (body,) = w.cloud.bodies
        assert b"Keller" not in body and ADDRESS.encode() not in body
        raw = await w.sdk().chat.completions.with_raw_response.create(**chat(note))
        assert raw.headers["sealgate-zone"] == "enclave"
        assert len(w.cloud.bodies) == 1
        assert w.records(kind="intent")[1]["sensitivity"] == "regulated"
