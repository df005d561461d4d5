"""LangChain, LlamaIndex and LiteLLM, unmodified, against the gate and against the bare stand-in.

Each runs in its own process and is asked for the same things through either address. The stand-ins refuse whatever the
vendors' own types do not know, so a request that the gate made invalid would come back as the client's exception.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from client_apps import ClientApp, Failed, client_app
from fake_anthropic import FakeAnthropic
from fake_cloud import FakeCloud, call_tool, echo
from fake_openai_more import FakeOpenAIMore
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, TOKEN, Plan, World, world
from suites import free_port

from policies.types import Zone
from proxy.settings import ModelRoute, Secret, UpstreamConfig

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5"}
GONE = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5"}
"""Models whose upstream does not answer."""
KINDS = ("openai", "anthropic")
FIND = re.compile(r"EMAIL_[0-9a-z]{13}")
PAIRS = [("langchain", "openai"), ("langchain", "anthropic"), ("llamaindex", "openai"), ("litellm", "openai"),
         ("litellm", "anthropic")]  # fmt: skip
"""LlamaIndex's Anthropic model does not run with a current ``anthropic`` at all."""
REFUSALS = {
    ("langchain", "openai"): "langchain_openai.chat_models.base.OpenAIPermissionDeniedError",
    ("langchain", "anthropic"): "langchain_anthropic.chat_models.AnthropicPermissionDeniedError",
    ("llamaindex", "openai"): "openai.PermissionDeniedError",
    ("litellm", "openai"): "litellm.exceptions.APIError",  # its name for every 403 of an OpenAI API
    ("litellm", "anthropic"): "litellm.exceptions.PermissionDeniedError",
}
FAILURES = {
    ("langchain", "openai"): "langchain_openai.chat_models.base.OpenAIAPIError",
    ("langchain", "anthropic"): "langchain_anthropic.chat_models.AnthropicAPIError",
    ("llamaindex", "openai"): "openai.InternalServerError",
    ("litellm", "openai"): "litellm.exceptions.ServiceUnavailableError",
    ("litellm", "anthropic"): "litellm.exceptions.InternalServerError",
}


def answer_of(body: dict[str, Any]) -> str | dict[str, Any]:
    """Calls the first tool, or answers in JSON, where the request asks for it; else repeats the last text."""
    found = FIND.search(json.dumps(body))
    given = {"to": found.group() if found else "nobody", "n": 2}
    if body.get("tools") and body["messages"][-1]["role"] == "user":
        return call_tool(body["tools"][0]["function"]["name"], given)
    return json.dumps(given) if "response_format" in body else echo(body)


@dataclass
class Far:
    """The gate, the bare stand-ins, and the client in between."""

    w: World
    cloud: FakeCloud
    claude: FakeAnthropic
    vectors: FakeOpenAIMore

    def bodies(self, kind: str) -> list[bytes]:
        return self.cloud.bodies if kind == "openai" else self.claude.bodies

    def direct(self, kind: str) -> str:
        return (self.cloud.url if kind == "openai" else self.claude.url).removesuffix("/v1")

    def asks(self, kind: str, text: str, base: str | None = None, **more: Any) -> dict[str, Any]:
        return {"kind": kind, "base": base or self.w.gate.url, "key": KEY, "model": MODEL[kind], "text": text, **more}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Far]:
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    credential = Secret("upstream-credential")
    async with FakeCloud(reply=answer_of) as cloud, FakeAnthropic() as claude, FakeOpenAIMore() as vectors:
        far_ends = {"openai": cloud.url, "anthropic": claude.url}
        more = {
            f"far-{k}": UpstreamConfig(f"far-{k}", Zone.CLOUD, k, url=u, key=credential) for k, u in far_ends.items()
        }
        more |= {f"no-{k}": UpstreamConfig(f"no-{k}", Zone.CLOUD, k, url=nowhere, key=credential) for k in KINDS}
        more["vectors"] = UpstreamConfig("vectors", Zone.CLOUD, "openai", url=vectors.url, key=credential)
        models = {m: ModelRoute(((f"far-{k}", m),)) for k, m in MODEL.items()}
        models |= {m: ModelRoute(((f"no-{k}", m),)) for k, m in GONE.items()}
        models["text-embedding-3-small"] = ModelRoute((("vectors", "text-embedding-3-small"),))
        claude.arguments = lambda text: {"to": (FIND.search(text) or [ADDRESS])[0], "n": 2}
        async with world(tmp_path_factory.mktemp("gate"), Plan(more=more, models=models)) as w:
            yield Far(w, cloud, claude, vectors)
        assert cloud.violations == claude.violations == vectors.violations == []


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=PAIRS, ids="-".join)
async def app(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str, ClientApp]]:
    """The client's name, the kind of API it speaks, and the running program."""
    async with client_app(request.param[0]) as running:
        yield *request.param, running


@pytest.mark.parametrize("call", ["plain", "stream", "aplain", "astream"])
async def test_a_client_notices_no_gate_nor_does_the_far_end(
    far: Far, app: tuple[str, str, ClientApp], call: str
) -> None:
    _, kind, client = app
    made = [await client.do(call, **far.asks(kind, HARMLESS, base)) for base in (far.direct(kind), None)]
    assert HARMLESS in text_of(made[0]), made[0]
    assert made[0] == made[1]
    bare, gated = far.bodies(kind)[-2:]
    assert bare == gated


@pytest.mark.parametrize("call", ["plain", "stream", "aplain", "astream"])
async def test_an_address_leaves_as_a_stand_in_and_comes_back(
    far: Far, app: tuple[str, str, ClientApp], call: str
) -> None:
    _, kind, client = app
    made = await client.do(call, **far.asks(kind, MAIL))
    assert MAIL in text_of(made), made
    assert ADDRESS.encode() not in far.bodies(kind)[-1] and FIND.search(far.bodies(kind)[-1].decode())


@pytest.mark.parametrize("call", ["tools", "stream_tools"])
async def test_arguments_of_tools_are_restored(far: Far, app: tuple[str, str, ClientApp], call: str) -> None:
    _, kind, client = app
    (made,) = await client.do(call, **far.asks(kind, MAIL))
    assert (json.loads(made) if isinstance(made, str) else made) == {"to": ADDRESS, "n": 2}
    assert ADDRESS.encode() not in far.bodies(kind)[-1]


async def test_structured_output_is_what_the_app_declared(far: Far, app: tuple[str, str, ClientApp]) -> None:
    _, kind, client = app
    assert await client.do("structured", **far.asks(kind, MAIL)) == {"to": ADDRESS, "n": 2}
    assert ADDRESS.encode() not in far.bodies(kind)[-1]


@pytest.mark.parametrize("app", [("langchain", "openai"), ("langchain", "anthropic")], indirect=True, ids="-".join)
async def test_the_turn_after_a_call_carries_stand_ins(far: Far, app: tuple[str, str, ClientApp]) -> None:
    _, kind, client = app
    said = text_of({"content": await client.do("turns", **far.asks(kind, MAIL))})
    assert said.endswith(f"sent to {ADDRESS}") and ADDRESS.encode() not in far.bodies(kind)[-1]


@pytest.mark.parametrize("app", [("langchain", "openai"), ("litellm", "openai")], indirect=True, ids="-".join)
async def test_texts_are_embedded_as_stand_ins(far: Far, app: tuple[str, str, ClientApp]) -> None:
    _, kind, client = app
    rows = await client.do("embed", **far.asks(kind, MAIL) | {"model": "text-embedding-3-small"})
    assert [len(row) for row in rows] == [3, 3]
    sent = far.vectors.requests[-1].json["input"]
    assert FIND.search(sent[0]) and sent[1] == "another" and not far.vectors.saw(ADDRESS)


@pytest.mark.parametrize("call", ["plain", "stream", "aplain", "astream"])
async def test_a_refusal_is_the_clients_own_exception_with_our_message_once(
    far: Far, app: tuple[str, str, ClientApp], call: str
) -> None:
    name, kind, client = app
    before, sent = len(far.w.records()), len(far.bodies(kind))
    failed = await client.do(call, **far.asks(kind, TOKEN))
    assert isinstance(failed, Failed), failed
    assert failed.classes[0] == REFUSALS[name, kind]
    assert failed.message.count("Credentials stay in the house") == 1
    (record,) = far.w.records()[before:]
    assert record["kind"] == "refusal" and len(far.bodies(kind)) == sent


async def test_an_upstream_that_is_not_there_is_the_clients_own_exception(
    far: Far, app: tuple[str, str, ClientApp]
) -> None:
    name, kind, client = app
    failed = await client.do("plain", **(far.asks(kind, HARMLESS, max_retries=0) | {"model": GONE[kind]}))
    assert isinstance(failed, Failed), failed
    assert failed.classes[0] == FAILURES[name, kind]
    assert {"openai.APIStatusError", "anthropic.APIStatusError"} & {*failed.classes}
    assert failed.message.count("No upstream") == 1


def text_of(made: Any) -> str:
    """All pieces of text of an answer or of a list of chunks, in order."""
    if isinstance(made, Failed):
        return repr(made)
    if isinstance(made, list):
        return "".join(map(text_of, made))
    if "choices" in made:  # LiteLLM
        parts = [c.get("message") or c["delta"] for c in made["choices"]]
        return "".join(p.get("content") or "" for p in parts)
    if "message" in made:  # LlamaIndex: a chunk brings what is new, and all so far
        return str(made["delta"] if made["delta"] is not None else made["message"]["blocks"][0]["text"])
    content = made["content"]
    return content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
