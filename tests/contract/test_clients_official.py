"""The vendors' own SDKs, unmodified: through the gate they give the same objects as from the bare stand-in.

What they do with values, tools and files is in ``tests/flow``; here, that they cannot tell the gate from the vendor,
that the stand-ins are as strict as they claim, and that a refusal or failure is raised once, as the SDK's exception.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import anthropic
import ollama
import openai
import pytest
import pytest_asyncio
from fake_anthropic import FakeAnthropic
from fake_cloud import FakeCloud, echo
from fake_gemini import FakeGemini
from fake_ollama import FakeOllama
from fake_responses import FakeResponses
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, TOKEN, Plan, World, world
from google import genai
from google.genai import errors, types
from pydantic import BaseModel
from suites import free_port

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    # the SDK's own business: it subclasses a session of the HTTP library
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
]


class Said(BaseModel):
    said: str


# -- one way to ask each of them: the text that it gave, and all of its objects, one or the events --------------------


async def chat(base: str, model: str, text: str, stream: bool, **more: Any) -> tuple[str, list[Any]]:
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY, **more) as sdk:
        ask: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
        if not stream:
            whole = await sdk.chat.completions.create(**ask)
            return whole.choices[0].message.content, [whole.model_dump()]
        usage = {"include_usage": True}
        chunks = [c async for c in await sdk.chat.completions.create(**ask, stream=True, stream_options=usage)]
        said = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        return said, [chunk.model_dump() for chunk in chunks]


async def chat_in_threads(base: str, model: str, text: str, stream: bool, **more: Any) -> tuple[str, list[Any]]:
    """The synchronous client, with a structured answer, or the helper that puts a stream together."""

    def ask() -> tuple[str, list[Any]]:
        with openai.OpenAI(base_url=f"{base}/v1", api_key=KEY, **more) as sdk:
            messages: Any = [{"role": "user", "content": text}]
            if stream:
                with sdk.chat.completions.stream(model=model, messages=messages) as events:
                    made = [event.model_dump() for event in events]
                    return events.get_final_completion().choices[0].message.content or "", made
            whole = sdk.chat.completions.parse(model=model, messages=messages, response_format=Said)
            assert whole.choices[0].message.parsed is not None
            return whole.choices[0].message.parsed.said, [whole.model_dump(warnings=False)]

    return await asyncio.to_thread(ask)


async def responses(base: str, model: str, text: str, stream: bool, **more: Any) -> tuple[str, list[Any]]:
    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key=KEY, **more) as sdk:
        if not stream:
            whole = await sdk.responses.create(model=model, input=text)
            return whole.output_text, [whole.model_dump()]
        events = [e async for e in await sdk.responses.create(model=model, input=text, stream=True)]
        said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
        return said, [event.model_dump() for event in events]


async def claude(base: str, model: str, text: str, stream: bool, **more: Any) -> tuple[str, list[Any]]:
    async with anthropic.AsyncAnthropic(base_url=base, api_key=KEY, **more) as sdk:
        ask: dict[str, Any] = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
        if not stream:
            whole = await sdk.messages.create(**ask)
            return whole.content[0].text, [whole.model_dump()]
        async with sdk.messages.stream(**ask) as events:
            made = [event.model_dump() async for event in events]
            return await events.get_final_text(), made


async def claude_in_threads(base: str, model: str, text: str, stream: bool, **more: Any) -> tuple[str, list[Any]]:
    def ask() -> tuple[str, list[Any]]:
        messages: Any = [{"role": "user", "content": text}]
        with anthropic.Anthropic(base_url=base, api_key=KEY, **more) as sdk:
            if not stream:
                whole: Any = sdk.messages.create(model=model, max_tokens=9, messages=messages)
                return whole.content[0].text, [whole.model_dump()]
            with sdk.messages.stream(model=model, max_tokens=9, messages=messages) as events:
                pieces = list(events.text_stream)
                return "".join(pieces), [*pieces, events.get_final_message().model_dump()]

    return await asyncio.to_thread(ask)


async def google(base: str, model: str, text: str, stream: bool, **_: Any) -> tuple[str, list[Any]]:
    sdk = genai.Client(api_key=KEY, vertexai=False, http_options=types.HttpOptions(base_url=base))
    try:
        if stream:
            made = [c async for c in await sdk.aio.models.generate_content_stream(model=model, contents=text)]
        else:
            made = [await sdk.aio.models.generate_content(model=model, contents=text)]
    finally:
        await sdk.aio.aclose()
        sdk.close()
    without = {"sdk_http_response"}  # it holds headers, and ours are among them
    return "".join(one.text or "" for one in made), [one.model_dump(exclude=without) for one in made]


async def llama(base: str, model: str, text: str, stream: bool, **_: Any) -> tuple[str, list[Any]]:
    async with ollama.AsyncClient(base, headers={"authorization": f"Bearer {KEY}"}) as sdk:
        messages = [{"role": "user", "content": text}]
        if stream:
            made = [line async for line in await sdk.chat(model, messages, stream=True)]
        else:
            made = [await sdk.chat(model, messages)]
    return "".join(one.message.content or "" for one in made), [one.model_dump() for one in made]


Ask = Callable[..., Awaitable[tuple[str, list[Any]]]]
SDKS: dict[str, tuple[str, Ask, type[Exception], type[Exception]]] = {
    "openai": ("openai", chat, openai.PermissionDeniedError, openai.InternalServerError),
    "openai-sync": ("openai", chat_in_threads, openai.PermissionDeniedError, openai.InternalServerError),
    "responses": ("responses", responses, openai.PermissionDeniedError, openai.InternalServerError),
    "anthropic": ("anthropic", claude, anthropic.PermissionDeniedError, anthropic.InternalServerError),
    "anthropic-sync": ("anthropic", claude_in_threads, anthropic.PermissionDeniedError, anthropic.InternalServerError),
    "google-genai": ("gemini", google, errors.ClientError, errors.ServerError),
    "ollama": ("ollama", llama, ollama.ResponseError, ollama.ResponseError),
}
"""Which stand-in, how to ask, and what a refusal and a failure are raised as."""
ROOTS = re.compile(r"/(?:v1|v1beta|api)$")


# -- the gate and what is behind it -----------------------------------------------------------------------------------


@dataclass
class Far:
    w: World
    ends: dict[str, Any]
    """The bare stand-ins, by the first column of ``SDKS``."""

    def bodies(self, name: str) -> list[bytes]:
        return list(self.ends[name].bodies)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Far]:
    def reply(body: dict[str, Any]) -> str:
        return Said(said=echo(body)).model_dump_json() if "response_format" in body else echo(body)

    async with (
        FakeCloud(reply=reply) as cloud, FakeResponses() as answers, FakeAnthropic() as messages,
        FakeGemini() as gemini, FakeOllama() as house,
    ):  # fmt: skip
        ends = {"openai": cloud, "responses": answers, "anthropic": messages, "gemini": gemini, "ollama": house}
        more, models = {}, {}
        for name, end in ends.items():
            kind = "openai" if name == "responses" else name
            gone = re.sub(r":\d+", f":{free_port()}", end.url)
            for upstream, url in ((name, end.url), (f"{name}-gone", gone)):
                more[upstream] = UpstreamConfig(upstream, Zone.CLOUD, kind, url=url, key=Secret("far-credential"))
                models[f"{upstream}-1"] = ModelRoute(((upstream, f"{upstream}-1"),))
        async with world(tmp_path_factory.mktemp("gate"), Plan(more=more, models=models)) as w:
            yield Far(w, ends)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_an_sdk_notices_no_gate_nor_does_the_vendor(far: Far, sdk: str, stream: bool) -> None:
    name, ask, *_ = SDKS[sdk]
    said, bare = await ask(ROOTS.sub("", far.ends[name].url), f"{name}-1", HARMLESS, stream)
    said_too, gated = await ask(far.w.gate.url, f"{name}-1", HARMLESS, stream)
    assert HARMLESS in said and said == said_too and len(bare) == len(gated)
    numbered = re.compile(r"resp_\d+")  # the stand-in counts its answers
    assert numbered.sub("", json.dumps(bare, default=str)) == numbered.sub("", json.dumps(gated, default=str))
    one, two = far.bodies(name)[-2:]
    assert one == two


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_value_leaves_as_a_stand_in_and_comes_back(far: Far, sdk: str, stream: bool) -> None:
    name, ask, *_ = SDKS[sdk]
    said, _ = await ask(far.w.gate.url, f"{name}-1", MAIL, stream)
    assert MAIL in said
    assert ADDRESS.encode() not in far.bodies(name)[-1] and b"EMAIL_" in far.bodies(name)[-1]
    assert not far.ends[name].violations


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
async def test_a_refusal_is_raised_once_with_our_message(far: Far, sdk: str, stream: bool) -> None:
    name, ask, refusal, _ = SDKS[sdk]
    before, sent = len(far.w.records()), len(far.bodies(name))
    with pytest.raises(refusal, match="Credentials stay in the house") as raised:
        await ask(far.w.gate.url, f"{name}-1", TOKEN, stream)
    assert type(raised.value) is refusal
    assert [r["kind"] for r in far.w.records()[before:]] == ["refusal"] and len(far.bodies(name)) == sent


@pytest.mark.parametrize("sdk", SDKS)
async def test_an_upstream_that_is_not_there_is_the_sdks_own_exception(far: Far, sdk: str) -> None:
    name, ask, _, failure = SDKS[sdk]
    with pytest.raises(failure, match="No upstream"):
        await ask(far.w.gate.url, f"{name}-gone-1", HARMLESS, False, max_retries=0)


# -- the stand-ins are strict -----------------------------------------------------------------------------------------

BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]}),
    "responses": ("/responses", {"model": "m", "input": [{"role": "user", "content": "x"}]}),
    "anthropic": ("/messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}),
    "gemini": ("/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
    "ollama": ("/chat", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": False}),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_stand_in_refuses_what_the_vendor_does_not_know(name: str) -> None:
    path, good = BODIES[name]
    (member, turns), *_ = [(k, v) for k, v in good.items() if isinstance(v, list)]
    wrong = [
        {**good, "unheard_of": 1},
        {**good, member: [{**turns[0], "unheard_of": 1}]},
        {**good, member: [{**turns[0], "role": 5}]},
        {**good, member: 7},
    ]
    makes = {
        "openai": FakeCloud, "responses": FakeResponses, "anthropic": FakeAnthropic, "gemini": FakeGemini,
        "ollama": FakeOllama,
    }  # fmt: skip
    async with makes[name]() as end, aiohttp.ClientSession() as http:

        async def post(body: dict[str, Any]) -> tuple[int, Any]:
            async with http.post(end.url + path, json=body) as answer:
                return answer.status, await answer.json()

        assert (await post(good))[0] == 200 and not end.violations
        answers = [await post(body) for body in wrong]
        assert [status for status, _ in answers] == [400] * 4 and len(end.violations) == 4
        said = answers[0][1]["error"]
        assert "unheard_of" in (said if name == "ollama" else said["message"])
