"""The smaller endpoints through the official SDKs, unmodified: nothing leaves unseen, everything comes back right."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from fake_openai_more import AUDIO, FakeOpenAIMore
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, MODELS, OTHER_KEY, TOKEN, Plan, World, world

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

CREDENTIAL = "sk-upstream-credential"
NOTE = ("notes.txt", f"Minutes with {ADDRESS}".encode(), "text/plain")
SOUND = ("talk.mp3", b"ID3\x04\x00\xff\xfb" + b"\r\n--" * 9, "audio/mpeg")
PICTURE = ("garden.png", b"\x89PNG\r\n\x1a\n\x00", "image/png")


@asynccontextmanager
async def small(tmp_path: Path) -> AsyncIterator[tuple[World, FakeOpenAIMore, openai.AsyncOpenAI]]:
    async with FakeOpenAIMore() as cloud:
        more = {
            "far": UpstreamConfig("far", Zone.CLOUD, "openai", url=cloud.url, key=Secret(CREDENTIAL)),
            "near": UpstreamConfig("near", Zone.ONPREM, "openai", url=cloud.url),
            "claude": UpstreamConfig("claude", Zone.CLOUD, "anthropic", url=cloud.url, key=Secret(CREDENTIAL)),
        }
        models = {
            **MODELS,
            "m": ModelRoute((("far", "m"),)),
            "omni-moderation-latest": ModelRoute((("far", "omni-moderation-latest"),)),
            "ear": ModelRoute((("far", "ear"), ("near", "ear"))),
            "claude": ModelRoute((("claude", "claude"),)),
        }
        async with world(tmp_path, Plan(more=more, models=models)) as w:
            yield w, cloud, w.sdk()
        assert cloud.violations == []


def spoken(cloud: FakeOpenAIMore, key: str) -> Any:
    """What the last request said, after a look that no value left."""
    assert not cloud.saw(ADDRESS)
    return cloud.requests[-1].json[key]


async def test_a_completion_is_restored_whole_and_streaming(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        whole = await sdk.completions.create(model="m", prompt=[MAIL, HARMLESS], suffix=f"for {ADDRESS}", user=ADDRESS)
        assert [c.text for c in whole.choices] == [f"You said: {MAIL}", f"You said: {HARMLESS}"]
        assert spoken(cloud, "prompt")[1] == HARMLESS and "EMAIL_" in spoken(cloud, "suffix")
        said = ["", ""]
        async for chunk in await sdk.completions.create(model="m", prompt=[MAIL, MAIL], stream=True):
            for choice in chunk.choices:
                said[choice.index] += choice.text
        assert said == [f"You said: {MAIL}"] * 2 and not cloud.saw(ADDRESS)
        assert [r["restored"]["restored"] for r in w.records(kind="outcome")] == [1, 2]
        assert {r["tokens_out"] for r in w.records(kind="outcome")} == {4} and w.intact()


async def test_equal_texts_of_an_app_have_equal_embeddings_and_other_apps_have_others(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        first = await sdk.embeddings.create(model="m", input=MAIL)
        assert first.data[0].embedding == [0.25, 1.0, 3.0] and first.usage.prompt_tokens == 8
        other_talk = {"sealgate-conversation": "another"}
        many = await sdk.embeddings.create(
            model="m", input=["x", MAIL], encoding_format="float", dimensions=3, extra_headers=other_talk
        )
        assert many.data[1].embedding == [0.25, -1e-07, 3.0]
        await w.sdk(OTHER_KEY).embeddings.create(model="m", input=MAIL)
        one, two, three = (r.json["input"] for r in cloud.requests)
        assert two[1] == one != three and not cloud.saw(ADDRESS)
        assert w.records(kind="outcome")[0]["tokens_in"] == 8


async def test_token_ids_stay_in_the_house(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.embeddings.create(model="m", input=[[1, 2, 3]])
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.completions.create(model="m", prompt=[1, 2, 3])
        assert cloud.requests == [] and len(w.records(kind="refusal")) == 2
        await sdk.embeddings.create(model="ear", input=[1, 2, 3])
        assert w.records(kind="intent")[-1]["zone"] == "onprem"


async def test_moderations_need_no_model_and_images_in_them_stay_here(tmp_path: Path) -> None:
    async with small(tmp_path) as (_, cloud, sdk):
        made = await sdk.moderations.create(input=[MAIL, HARMLESS])
        assert [r.flagged for r in made.results] == [False, False]
        assert spoken(cloud, "input")[1] == HARMLESS and "model" not in cloud.requests[0].json
        await sdk.moderations.create(model="m", input=[{"type": "text", "text": MAIL}])
        assert "EMAIL_" in spoken(cloud, "input")[0]["text"]
        picture: Any = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.moderations.create(model="m", input=[picture])
        assert len(cloud.requests) == 2


async def test_an_image_is_made_from_a_stand_in_and_its_revised_prompt_restored(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        made = await sdk.images.generate(model="m", prompt=MAIL, user=ADDRESS, size="1024x1024")
        assert made.data is not None and made.data[0].revised_prompt == f"A picture of {MAIL}"
        assert made.data[0].b64_json == "aGk=" and "EMAIL_" in spoken(cloud, "user")
        kinds = [e.type async for e in await sdk.images.generate(model="m", prompt=MAIL, stream=True)]
        assert kinds == ["image_generation.partial_image", "image_generation.completed"] and not cloud.saw(ADDRESS)
        assert w.records(kind="outcome")[-1]["tokens_in"] == 5 and w.records(kind="outcome")[-1]["code"] == "ok"


async def test_speech_comes_back_byte_for_byte_as_it_is_made(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        raw = await sdk.audio.speech.with_raw_response.create(model="m", voice="alloy", input=MAIL, instructions=MAIL)
        assert raw.content == AUDIO and raw.headers["content-type"] == "audio/mpeg"
        assert "EMAIL_" in spoken(cloud, "input") and "EMAIL_" in spoken(cloud, "instructions")
        assert raw.headers["sealgate-action"] == "redacted"
        async with sdk.audio.speech.with_streaming_response.create(model="m", voice="alloy", input="hi") as stream:
            assert b"".join([c async for c in stream.iter_bytes()]) == AUDIO
        sse = await sdk.audio.speech.with_raw_response.create(
            model="m", voice="alloy", input="hi", stream_format="sse", response_format="pcm"
        )
        assert b"speech.audio.delta" in sse.content and b"speech.audio.done" in sse.content
        await w.quiet()
        assert [r["bytes"] for r in w.records(kind="outcome")][:2] == [len(AUDIO)] * 2
        assert {r["code"] for r in w.records(kind="outcome")} == {"ok"} and w.intact()


async def test_sound_that_breaks_off_is_never_a_short_file(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, _):
        cloud.cut, cloud.audio = True, AUDIO * 20
        body = {"model": "m", "voice": "alloy", "input": "hi"}
        async with w.http.post(f"{w.gate.url}/v1/audio/speech", json=body) as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientError):
                await answer.read()
        await w.quiet()
        (outcome,) = w.records(kind="outcome")
        assert outcome["code"] == "upstream_error"


async def test_an_app_that_leaves_in_the_middle_of_sound_is_recorded(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, _):
        cloud.audio = AUDIO * 2000
        body = {"model": "m", "voice": "alloy", "input": "hi"}
        async with w.http.post(f"{w.gate.url}/v1/audio/speech", json=body) as answer:
            await answer.content.readany()
            answer.close()
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == ["cancelled"]


async def test_a_failing_upstream_of_speech_is_503_in_json(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, _):
        cloud.status = 500
        once = w.sdk(max_retries=0)
        with pytest.raises(openai.InternalServerError) as e:
            await once.audio.speech.create(model="m", voice="alloy", input="hi")
        assert e.value.code == "unavailable"
        cloud.status = 422
        with pytest.raises(openai.UnprocessableEntityError):
            await once.audio.speech.create(model="m", voice="alloy", input="hi")


async def test_sound_stays_in_the_house_whatever_is_asked_about_it(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.audio.transcriptions.create(model="m", file=SOUND)
        assert cloud.requests == []
        heard = await sdk.audio.transcriptions.create(
            model="ear", file=SOUND, prompt=MAIL, timestamp_granularities=["word", "segment"], temperature=0.2
        )
        assert heard.text == f"Heard: {MAIL}"
        assert cloud.requests[0].form["file"] == [(SOUND[0], SOUND[1])] and cloud.requests[0].text("prompt") == MAIL
        assert [t for _, t in cloud.requests[0].form["timestamp_granularities[]"]] == [b"word", b"segment"]
        assert w.records(kind="intent")[-1]["zone"] == "onprem"
        assert w.records(kind="outcome")[-1]["tokens_out"] == 6


async def test_a_form_that_all_can_read_leaves_with_stand_ins_and_is_restored(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        named = (f"{ADDRESS}.txt", NOTE[1], "text/plain")
        heard = await sdk.audio.transcriptions.create(model="m", file=named, prompt=MAIL, language="en")
        assert heard.text == f"Heard: {MAIL}" and not cloud.saw(ADDRESS)
        ((filename, content),) = cloud.requests[0].form["file"]
        assert filename is not None and filename.startswith("EMAIL_") and b"EMAIL_" in content
        plain = await sdk.audio.transcriptions.create(model="m", file=NOTE, prompt=MAIL, response_format="text")
        assert MAIL in str(plain)
        events = [
            e async for e in await sdk.audio.transcriptions.create(model="m", file=NOTE, prompt=MAIL, stream=True)
        ]
        assert "".join(e.delta for e in events if e.type == "transcript.text.delta") == f"Heard: {MAIL}"
        assert [e.text for e in events if e.type == "transcript.text.done"] == [f"Heard: {MAIL}"]
        with pytest.deprecated_call():
            translated = await sdk.audio.translations.create(model="m", file=NOTE, prompt=MAIL)
        assert translated.text == f"Heard: {MAIL}"
        assert not cloud.saw(ADDRESS) and {r["restored"]["restored"] for r in w.records(kind="outcome")} == {1, 2}
        assert cloud.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"


async def test_a_harmless_form_leaves_with_its_own_bytes_but_for_the_boundary(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, _):
        mark = "0123456789abcdef0123456789abcdef"
        head = f"--{mark}\r\nContent-Disposition: form-data; name="
        raw = (
            f'{head}"model"\r\n\r\nm\r\n{head}"file"; filename="a.txt"\r\ncontent-type:text/plain\r\n\r\n{HARMLESS}\r\n'
            f"--{mark}--"
        ).encode()
        headers = {"content-type": f'multipart/form-data;boundary="{mark}"'}
        async with w.http.post(f"{w.gate.url}/v1/audio/transcriptions", data=raw, headers=headers) as answer:
            assert answer.status == 200 and answer.headers["sealgate-action"] == "allowed"
        kind, _, ours = cloud.requests[0].headers["content-type"].partition("; boundary=")
        assert kind == "multipart/form-data" and re.fullmatch("sealgate-[0-9a-f]{32}", ours)
        assert cloud.requests[0].body == raw.replace(mark.encode(), ours.encode())


async def test_a_value_in_the_boundary_does_not_leave(tmp_path: Path) -> None:
    mark = "4111111111111111"
    head = f"--{mark}\r\nContent-Disposition: form-data; name="
    raw = f'{head}"model"\r\n\r\nm\r\n{head}"file"; filename="a.txt"\r\n'.encode()
    raw += f"content-type: text/plain\r\n\r\n{HARMLESS}\r\n--{mark}--\r\n".encode()
    async with small(tmp_path) as (w, cloud, _):
        headers = {"content-type": f"multipart/form-data; boundary={mark}"}
        async with w.http.post(f"{w.gate.url}/v1/audio/transcriptions", data=raw, headers=headers) as answer:
            assert answer.status == 200
        [request] = cloud.requests
        assert mark not in str(dict(request.headers)) and mark.encode() not in request.body


async def test_pictures_are_edited_on_premise(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        with pytest.raises(openai.PermissionDeniedError):
            await sdk.images.edit(model="m", image=PICTURE, prompt=MAIL)
        made = await sdk.images.edit(model="ear", image=[PICTURE, PICTURE], mask=PICTURE, prompt=MAIL, n=1)
        assert made.data is not None and made.data[0].revised_prompt == f"A picture of {MAIL}"
        assert [c for _, c in cloud.requests[0].form["image[]"]] == [PICTURE[1]] * 2
        with pytest.deprecated_call():
            await sdk.images.create_variation(model="ear", image=PICTURE, size="256x256")
        assert {r["zone"] for r in w.records(kind="intent")} == {"onprem"}


async def test_forms_that_lie_are_refused_before_anything_leaves(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, _):
        url = f"{w.gate.url}/v1/audio/transcriptions"
        good = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\near\r\n--x--\r\n'
        form = "multipart/form-data; boundary=x"
        for data, kind, code in (
            (good + b"more", form, "invalid_multipart"),
            (good, f"{form}; charset=utf-16", "unsupported_content_type"),
            (good, "application/json", "unsupported_content_type"),
        ):
            async with w.http.post(url, data=data, headers={"content-type": kind}) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (400, code)
        async with w.http.post(f"{w.gate.url}/v1/embeddings", data=good, headers={"content-type": form}) as answer:
            assert (await answer.json())["error"]["code"] == "unsupported_content_type"
        assert cloud.requests == [] and w.records() == w.records(kind="control")


async def test_tokens_are_counted_over_stand_ins(tmp_path: Path) -> None:
    async with (
        small(tmp_path) as (w, cloud, _),
        anthropic.AsyncAnthropic(base_url=w.gate.url, api_key=KEY) as sdk,
    ):
        counted = await sdk.messages.count_tokens(model="claude", messages=[{"role": "user", "content": MAIL}])
        assert counted.input_tokens == len(cloud.requests[0].body) and "EMAIL_" in cloud.requests[0].body.decode()
        assert not cloud.saw(ADDRESS) and cloud.requests[0].headers["x-api-key"] == CREDENTIAL
        with pytest.raises(anthropic.PermissionDeniedError):
            await sdk.messages.count_tokens(model="claude", messages=[{"role": "user", "content": TOKEN}])
        assert len(cloud.requests) == 1


@pytest.mark.parametrize("path", ["/v1/realtime", "/v1/realtime/sessions", "/v1/realtime/calls/rtc_1/hangup"])
async def test_realtime_is_refused_by_name(tmp_path: Path, path: str) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        for method in ("GET", "POST"):
            async with w.http.request(method, w.gate.url + path) as answer:
                error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == (404, "realtime_not_served")
        with pytest.raises(aiohttp.WSServerHandshakeError) as e:
            await w.http.ws_connect(w.gate.url + path)
        assert e.value.status == 404
        async with aiohttp.ClientSession() as stranger, stranger.get(w.gate.url + path) as answer:
            assert answer.status == 401
        if path.endswith("sessions"):
            with pytest.raises(openai.NotFoundError) as refused:
                await sdk.post(path.removeprefix("/v1"), body={"model": "m"}, cast_to=object)
            assert refused.value.code == "realtime_not_served"
        assert cloud.requests == []


async def test_the_embedded_model_and_other_dialects_are_never_asked(tmp_path: Path) -> None:
    async with small(tmp_path) as (_, cloud, sdk):
        with pytest.raises(openai.NotFoundError) as e:
            await sdk.embeddings.create(model="claude", input="hi")
        assert e.value.code == "model_not_found" and cloud.requests == []


async def test_many_at_once_keep_their_own_values(tmp_path: Path) -> None:
    async with small(tmp_path) as (_, cloud, sdk):
        texts = [f"Write to person{i}@example.com" for i in range(8)]
        made = await asyncio.gather(*(sdk.completions.create(model="m", prompt=t) for t in texts))
        assert [m.choices[0].text for m in made] == [f"You said: {t}" for t in texts]
        assert not cloud.saw("@example.com")


async def test_base64_of_embeddings_passes_untouched(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, _, _sdk):
        body = {"model": "m", "input": MAIL, "encoding_format": "base64"}
        async with w.http.post(f"{w.gate.url}/v1/embeddings", json=body) as answer:
            data = json.loads(await answer.read())["data"]
        assert base64.b64decode(data[0]["embedding"])


async def test_sound_may_be_larger_than_other_requests(tmp_path: Path) -> None:
    async with small(tmp_path) as (w, cloud, sdk):
        sound = b"ID3\x04\x00" + bytes(range(256)) * 97_000  # 24.8 MB, of the 25 that the API takes
        heard = await asyncio.gather(
            *(sdk.audio.transcriptions.create(model="ear", file=("a.mp3", sound, "audio/mpeg")) for _ in range(5))
        )
        assert len(heard) == 5 and all(r.path == "/v1/audio/transcriptions" for r in cloud.requests)
        with pytest.raises(openai.APIStatusError) as large:
            await sdk.audio.transcriptions.create(model="ear", file=("a.mp3", sound + sound[: 2**22], "audio/mpeg"))
        assert large.value.status_code == 413

        async def unsaid() -> AsyncIterator[bytes]:
            yield bytes(9 * 2**20)

        headers = {"content-type": "multipart/form-data; boundary=0123456789abcdef0123456789abcdef"}
        async with w.http.post(f"{w.gate.url}/v1/audio/transcriptions", data=unsaid(), headers=headers) as answer:
            assert answer.status == 413, "a length that is not said is not large"
        text = io.BytesIO(json.dumps({"model": "m", "x": "y" * 9 * 2**20}).encode())
        async with w.http.post(w.chat_url, data=text, headers={"content-type": "application/json"}) as answer:
            assert answer.status == 413, "nor is anything but sound and images"
