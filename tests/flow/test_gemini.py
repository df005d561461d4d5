"""Gemini's API through the official google-genai SDK, unmodified: the same gate, the same guarantees."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from fake_gemini import FakeGemini
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, MODELS, TOKEN, Plan, World, world
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

# the SDK's own business: it subclasses a session of the HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

CREDENTIAL = "AIza-upstream-credential"
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="send_mail",
            description="Sends a mail.",
            parameters=types.Schema(type=types.Type.OBJECT, properties={"to": types.Schema(type=types.Type.STRING)}),
        )
    ]
)


class Said(BaseModel):
    said: str


def client(w: World, key: str = KEY) -> genai.Client:
    return genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(base_url=w.gate.url))


@asynccontextmanager
async def gemini(tmp_path: Path) -> AsyncIterator[tuple[World, FakeGemini, genai.Client]]:
    async with FakeGemini() as cloud:
        upstream = UpstreamConfig("gemini", Zone.CLOUD, "gemini", url=cloud.url, key=Secret(CREDENTIAL))
        models = {**MODELS, "flash": ModelRoute((("gemini", "gemini-3-flash"),), substitute=True)}
        async with world(tmp_path, Plan(more={"gemini": upstream}, models=models)) as w:
            sdk = client(w)
            yield w, cloud, sdk
            await sdk.aio.aclose()
            sdk.close()
        assert cloud.violations == []


async def test_a_harmless_question_leaves_with_its_own_bytes_and_our_credential(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, sdk):
        answer = await sdk.aio.models.generate_content(model="flash", contents=HARMLESS)
        assert answer.text == f"You said: {HARMLESS}"
        assert cloud.headers[0]["x-goog-api-key"] == CREDENTIAL and KEY not in str(cloud.headers[0])
        assert not {"x-goog-api-client", "authorization"} & cloud.headers[0].keys()
        assert cloud.paths == ["/v1beta/models/gemini-3-flash:generateContent"]
        assert answer.sdk_http_response and answer.sdk_http_response.headers
        assert answer.sdk_http_response.headers["sealgate-action"] == "allowed"
        body = json.dumps({"contents": [{"parts": [{"text": HARMLESS}]}]}, indent=3).encode()
        url = f"{w.gate.url}/v1beta/models/flash:generateContent"
        async with w.http.post(url, data=body, headers={"content-type": "application/json"}) as plain:
            assert plain.status == 200
        assert cloud.bodies[1] == body


async def test_an_address_leaves_as_a_stand_in_and_comes_back_whole_and_streaming(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, sdk):
        config = types.GenerateContentConfig(system_instruction=f"You write for {ADDRESS}.", stop_sequences=[ADDRESS])
        answer = await sdk.aio.models.generate_content(model="flash", contents=MAIL, config=config)
        assert answer.text and ADDRESS in answer.text
        chunks = [c async for c in await sdk.aio.models.generate_content_stream(model="flash", contents=MAIL)]
        assert "".join(c.text or "" for c in chunks) == f"You said: {MAIL}"
        finished = chunks[-1].candidates
        assert len(chunks) > 10 and finished and finished[0].finish_reason == types.FinishReason.STOP
        assert cloud.paths[1] == "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"
        assert all(ADDRESS.encode() not in body for body in cloud.bodies)
        await w.quiet()
        outcomes = w.records(kind="outcome")
        assert [r["restored"]["restored"] for r in outcomes] == [1, 1] and outcomes[1]["code"] == "ok"
        assert [(r["tokens_in"], r["tokens_out"]) for r in outcomes] == [(7, 9), (7, 9)] and w.intact()


@pytest.mark.parametrize("piece", [1, 5, 11])
async def test_any_size_of_chunk_gives_the_same_text(tmp_path: Path, piece: int) -> None:
    async with gemini(tmp_path) as (_, cloud, sdk):
        cloud.piece = piece
        stream = await sdk.aio.models.generate_content_stream(model="flash", contents=MAIL)
        assert "".join([c.text or "" async for c in stream]) == f"You said: {MAIL}"


async def test_the_synchronous_client_works_as_well(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (_, _, sdk):

        def whole() -> str:
            return str(sdk.models.generate_content(model="models/flash", contents=MAIL).text)

        def streamed() -> str:
            return "".join(c.text or "" for c in sdk.models.generate_content_stream(model="flash", contents=MAIL))

        assert await anyio.to_thread.run_sync(whole) == f"You said: {MAIL}"
        assert await anyio.to_thread.run_sync(streamed) == f"You said: {MAIL}"


async def test_function_arguments_are_restored_whole_and_streaming(tmp_path: Path) -> None:
    config = types.GenerateContentConfig(tools=[TOOL])
    async with gemini(tmp_path) as (_, cloud, sdk):
        cloud.arguments = lambda text: {"to": next(w for w in text.split() if w.startswith("EMAIL_")), "n": 1}
        answer = await sdk.aio.models.generate_content(model="flash", contents=MAIL, config=config)
        assert answer.function_calls and answer.function_calls[0].args == {"to": ADDRESS, "n": 1}
        stream = await sdk.aio.models.generate_content_stream(model="flash", contents=MAIL, config=config)
        calls = [call async for chunk in stream for call in chunk.function_calls or ()]
        assert [call.args for call in calls] == [{"to": ADDRESS, "n": 1}]
        assert all(ADDRESS.encode() not in body for body in cloud.bodies)


async def test_the_sdk_calls_a_python_function_with_the_real_value(tmp_path: Path) -> None:
    """Automatic function calling: two turns, the result in the history, stand-ins outside."""
    sent: list[str] = []

    def send_mail(to: str) -> dict[str, str]:
        """Sends a mail."""
        sent.append(to)
        return {"sent_to": to, "copy": json.dumps({"to": to})}

    async with gemini(tmp_path) as (_, cloud, sdk):
        cloud.arguments = lambda text: {"to": next(w for w in text.split() if w.startswith("EMAIL_"))}
        chat = sdk.aio.chats.create(model="flash", config=types.GenerateContentConfig(tools=[send_mail]))
        await chat.send_message(MAIL)
        assert sent == [ADDRESS] and len(cloud.bodies) == 2
        assert all(ADDRESS.encode() not in body for body in cloud.bodies)
        (result,) = json.loads(cloud.bodies[1])["contents"][-1]["parts"]
        said = result["functionResponse"]["response"]["result"]
        stand_in = said["sent_to"]
        assert stand_in.startswith("EMAIL_") and stand_in in cloud.bodies[0].decode()
        assert json.loads(said["copy"]) == {"to": stand_in}


async def test_structured_output_comes_back_parsed(tmp_path: Path) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Said)
    async with gemini(tmp_path) as (_, cloud, sdk):
        answer = await sdk.aio.models.generate_content(model="flash", contents=MAIL, config=config)
        assert answer.parsed == Said(said=MAIL) and ADDRESS.encode() not in cloud.bodies[0]


async def test_tokens_are_counted_and_texts_embedded_without_values(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (_, cloud, sdk):
        counted = await sdk.aio.models.count_tokens(model="flash", contents=MAIL)
        made = await sdk.aio.models.embed_content(model="flash", contents=[MAIL, HARMLESS])
        assert counted.total_tokens == 31 and made.embeddings and len(made.embeddings) == 2
        assert all(ADDRESS.encode() not in body for body in cloud.bodies)
        assert json.loads(cloud.bodies[1])["requests"][1]["model"] == "models/gemini-3-flash"


async def test_a_text_file_in_base64_is_read_inside(tmp_path: Path) -> None:
    part = types.Part.from_bytes(data=f"name,mail\nx,{ADDRESS}\n".encode(), mime_type="text/csv")
    async with gemini(tmp_path) as (_, cloud, sdk):
        await sdk.aio.models.generate_content(model="flash", contents=[part, types.Part.from_text(text="Sum it up.")])
        sent = types.Content.model_validate(json.loads(cloud.bodies[0])["contents"][0])
        assert sent.parts and sent.parts[0].inline_data and sent.parts[0].inline_data.data
        text = sent.parts[0].inline_data.data.decode()
        assert ADDRESS not in text and text.startswith("name,mail\nx,EMAIL_")


async def test_an_image_and_a_provider_tool_stay_in_the_house(tmp_path: Path) -> None:
    image = types.Part.from_bytes(data=bytes(range(100)), mime_type="image/png")
    search = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    async with gemini(tmp_path) as (_, cloud, sdk):
        with pytest.raises(errors.ClientError):
            await sdk.aio.models.generate_content(model="flash", contents=[image])
        with pytest.raises(errors.ClientError, match="google_search"):
            await sdk.aio.models.generate_content(model="flash", contents=HARMLESS, config=search)
        assert cloud.bodies == []


async def test_a_refusal_is_the_sdks_own_exception_once(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, sdk):
        with pytest.raises(errors.ClientError) as e:
            await sdk.aio.models.generate_content(model="flash", contents=TOKEN)
        assert (e.value.code, e.value.status) == (403, "PERMISSION_DENIED")
        assert "Credentials stay in the house" in str(e.value.message)
        (info,) = e.value.details["error"]["details"]
        assert info["metadata"]["code"] == "policy_refused"
        assert cloud.bodies == [] and len(w.records(kind="refusal")) == 1
        with pytest.raises(errors.ClientError):
            async for _ in await sdk.aio.models.generate_content_stream(model="flash", contents=TOKEN):
                pass


async def test_wrong_keys_unknown_models_and_bad_bodies_raise_what_the_sdk_knows(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, sdk):
        with pytest.raises(errors.ClientError) as unknown:
            await sdk.aio.models.generate_content(model="gpt-4o", contents="hi")
        wrong = types.HttpOptions(extra_body={"safetySettings": 5})
        config = types.GenerateContentConfig(http_options=wrong)
        with pytest.raises(errors.ClientError) as bad:
            await sdk.aio.models.generate_content(model="flash", contents="hi", config=config)
        stranger = client(w, "nobody")
        with pytest.raises(errors.ClientError) as key:
            await stranger.aio.models.generate_content(model="flash", contents="hi")
        await stranger.aio.aclose()
        assert [e.value.code for e in (unknown, bad, key)] == [404, 400, 401] and cloud.bodies == []


@pytest.mark.parametrize(
    ("path", "headers", "code"),
    [
        (":streamGenerateContent?alt=sse&alt=json", {"x-goog-api-key": KEY}, "unexpected_query"),
        (":generateContent?key=nobody", {}, "invalid_api_key"),
        (f":generateContent?key={KEY}&key={KEY}", {}, "missing_api_key"),
        (":generateContent?userProject=x", {"x-goog-api-key": KEY}, "unexpected_query"),
    ],
)
async def test_what_the_url_may_not_say(tmp_path: Path, path: str, headers: dict[str, str], code: str) -> None:
    async with gemini(tmp_path) as (w, cloud, _):
        plain = {"contents": [{"parts": [{"text": "hi"}]}]}
        w.http.headers.pop("authorization")
        async with w.http.post(f"{w.gate.url}/v1beta/models/flash{path}", json=plain, headers=headers) as answer:
            body: Any = await answer.json()
        assert body["error"]["details"][0]["metadata"]["code"] == code if headers else answer.status == 401
        assert cloud.bodies == []


async def test_an_upstream_that_fails_is_503_in_the_dialects_shape(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (_, cloud, sdk):
        cloud.status = 503
        with pytest.raises(errors.ServerError) as e:
            await sdk.aio.models.generate_content(model="flash", contents="hi")
        assert (e.value.code, e.value.status) == (503, "UNAVAILABLE")


async def test_a_stream_that_ends_too_early_is_recorded_so(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, sdk):
        cloud.breaks = True
        stream = await sdk.aio.models.generate_content_stream(model="flash", contents=MAIL)
        text = "".join([c.text or "" async for c in stream])
        assert text.startswith("You said: Draft a polite reply to ") and MAIL not in text
        await w.quiet()
        assert w.records(kind="outcome")[0]["code"] == "incomplete"


async def test_a_chat_request_never_reaches_an_upstream_of_this_dialect(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (w, cloud, _):
        answer = await w.ask(HARMLESS, model="flash")
        assert answer.status == 404 and cloud.bodies == []


async def test_what_the_house_answered_stays_there_when_a_chat_brings_it_back_in_pieces(tmp_path: Path) -> None:
    async with FakeGemini() as cloud, FakeGemini() as house:
        more = {
            "far": UpstreamConfig("far", Zone.CLOUD, "gemini", url=cloud.url, key=Secret(CREDENTIAL)),
            "near": UpstreamConfig("near", Zone.ONPREM, "gemini", url=house.url),
        }
        models = {**MODELS, "flash": ModelRoute((("far", "flash"), ("near", "flash")))}
        async with world(tmp_path, Plan(more=more, models=models)) as w:
            sdk = client(w)
            chat = sdk.aio.chats.create(model="flash")
            text = "".join([c.text or "" async for c in await chat.send_message_stream(TOKEN)])
            assert text == f"You said: {TOKEN}" and cloud.bodies == [] and len(house.bodies) == 1
            pieces = [c for c in chat.get_history() if c.role == "model"]
            assert len(pieces) > 10
            asked = [types.UserContent(HARMLESS), *pieces, types.UserContent("Shorter, please.")]
            await sdk.aio.models.generate_content(model="flash", contents=asked)  # type: ignore[arg-type]
            assert cloud.bodies == [] and len(house.bodies) == 2
            assert w.records(kind="intent")[-1]["facts"]["inherited"] == "onprem"
            await sdk.aio.models.generate_content(model="flash", contents=[*asked[:1], *asked[-1:]])  # type: ignore[arg-type]
            assert len(cloud.bodies) == 1
            await sdk.aio.aclose()
            sdk.close()


@pytest.mark.parametrize("piece", [1, 4, 400])
async def test_without_alt_sse_a_stream_is_one_array_of_restored_chunks(tmp_path: Path, piece: int) -> None:
    async with gemini(tmp_path) as (w, cloud, _):
        cloud.piece = piece
        body = {"contents": [{"role": "user", "parts": [{"text": MAIL}]}]}
        pieces = []
        async with w.http.post(f"{w.gate.url}/v1beta/models/flash:streamGenerateContent", json=body) as answer:
            assert answer.status == 200 and answer.content_type == "application/json"
            async for chunk in answer.content.iter_any():
                pieces.append(chunk)
        chunks = json.loads(b"".join(pieces))
        texts = [p["text"] for c in chunks for p in c["candidates"][0]["content"]["parts"] if not p.get("thought")]
        assert "".join(texts) == f"You said: {MAIL}"
        assert cloud.paths == ["/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"]
        assert ADDRESS.encode() not in cloud.bodies[0]
        await w.quiet()
        assert w.records(kind="outcome")[0]["code"] == "ok"


async def test_the_app_key_may_stand_in_the_url_and_goes_no_further(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with gemini(tmp_path) as (w, cloud, _):
        w.http.headers.pop("authorization")
        body = {"contents": [{"role": "user", "parts": [{"text": HARMLESS}]}]}
        for verb in ("generateContent?key=", "streamGenerateContent?alt=sse&key=", "streamGenerateContent?key="):
            async with w.http.post(f"{w.gate.url}/v1beta/models/flash:{verb}{KEY}", json=body) as answer:
                assert answer.status == 200 and await answer.read()
        async with w.http.get(f"{w.gate.url}/v1beta/models?key={KEY}") as answer:
            assert answer.status == 200
        async with w.http.post(f"{w.gate.url}/v1/chat/completions?key={KEY}", json=body) as answer:
            assert answer.status == 401, "other APIs have their keys in headers"
        assert all("key=" not in path for path in cloud.paths)
        assert all(KEY not in value for headers in cloud.headers for value in headers.values())
        assert KEY not in caplog.text and KEY not in json.dumps(w.records())


async def test_the_configured_models_are_listed_as_google_does(tmp_path: Path) -> None:
    async with gemini(tmp_path) as (_, cloud, sdk):
        listed = await anyio.to_thread.run_sync(lambda: list(sdk.models.list(config={"page_size": 5})))
        assert [m.name for m in listed] == ["models/flash"], "gpt-4o speaks another dialect"
        one = await sdk.aio.models.get(model="flash")
        assert one.display_name == "flash" and "generateContent" in (one.supported_actions or [])
        with pytest.raises(errors.ClientError) as e:
            await sdk.aio.models.get(model="gpt-4o")
        assert e.value.code == 404
        with pytest.raises(errors.ClientError) as e:
            await sdk.aio.caches.get(name="cachedContents/1")
        assert e.value.code == 404 and "not served" in str(e.value) and cloud.bodies == []
