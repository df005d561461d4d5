"""Gemini's and Ollama's APIs to an enclave whose TLS ends elsewhere (EHBP), through the official clients: streams come
piece by piece, nobody on the way reads a word, and a cut is an error though these streams have no mark of their end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gate_support
import ollama
import pytest
from gate_support import ADDRESS, KEY, MAIL, MODELS, NUMBER, RECORD, Plan, world
from google import genai
from google.genai import errors, types
from sealed_gate import behind, nothing_shows

from attestation.simulator.sealed_other import SealedGemini, SealedOllama
from attestation.simulator.sealed_server import PLAIN, Meddling
from policies.types import Zone
from proxy.settings import ModelRoute

# the SDK's own business: it subclasses a session of the HTTP library
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

ROUTE = {"sealed-other": ModelRoute((("sealed", "sealed-llm"),), substitute=True)}
POLICY = Path(__file__).resolve().parents[2] / "policies" / "default.yaml"


@asynccontextmanager
async def other(patch: pytest.MonkeyPatch, folder: Path, enclave: Any, kind: str) -> AsyncIterator[Any]:
    """The gate with ``enclave`` as an upstream of ``kind``; what is found has a stand-in on the way to it, too."""
    behind(patch, enclave)
    made = gate_support.settings

    def settings(*args: Any) -> Any:
        s = made(*args)
        sealed = dataclasses.replace(s.upstreams["sealed"], kind=kind)
        return dataclasses.replace(s, upstreams={**s.upstreams, "sealed": sealed})

    patch.setattr(gate_support, "settings", settings)
    policy = folder / "p.yaml"
    policy.write_text(POLICY.read_text().replace('enclave:\n    "*": keep', 'enclave:\n    "*": pseudonym'))
    async with world(folder, Plan(policy=str(policy), enclave=enclave, models={**MODELS, **ROUTE})) as w:
        assert w.gate.settings.upstreams["sealed"].zone is Zone.ENCLAVE
        yield w


class Gemini:
    """What an app says through Google's client."""

    kind, enclave, failures = "gemini", SealedGemini, errors.APIError

    def __init__(self, w: Any) -> None:
        self._sdk = genai.Client(
            api_key=KEY, vertexai=False,
            http_options=types.HttpOptions(base_url=w.gate.url, retry_options=types.HttpRetryOptions(attempts=1)),
        )  # fmt: skip
        w.stack.callback(self._sdk.close)
        w.stack.push_async_callback(self._sdk.aio.aclose)

    async def say(self, text: str, *, stream: bool) -> str:
        models = self._sdk.aio.models
        if not stream:
            return str((await models.generate_content(model="sealed-other", contents=text)).text)
        made = await models.generate_content_stream(model="sealed-other", contents=text)
        return "".join([c.text or "" async for c in made])


class Ollama:
    """What an app says through Ollama's client."""

    kind, enclave, failures = "ollama", SealedOllama, ollama.ResponseError

    def __init__(self, w: Any) -> None:
        self._sdk = ollama.AsyncClient(w.gate.url, headers={"authorization": f"Bearer {KEY}"})
        w.stack.push_async_callback(self._sdk.close)

    async def say(self, text: str, *, stream: bool) -> str:
        messages = [{"role": "user", "content": text}]
        if not stream:
            return str((await self._sdk.chat("sealed-other", messages)).message.content)
        made = await self._sdk.chat("sealed-other", messages, stream=True)
        return "".join([c.message.content or "" async for c in made])


BOTH = pytest.mark.parametrize("app", [Gemini, Ollama])
STREAMED = pytest.mark.parametrize("stream", [False, True])


@BOTH
@STREAMED
async def test_an_answer_comes_back_restored_and_nobody_on_the_way_read_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Any, stream: bool
) -> None:
    async with other(monkeypatch, tmp_path, app.enclave(), app.kind) as w:
        for text, value in ((MAIL, ADDRESS), (RECORD, NUMBER)):
            w.enclave.opened.clear()
            assert f"You said: {text}" in await app(w).say(text, stream=stream)
            assert value not in w.enclave.opened[0].decode()  # a stand-in, inside the seal
            nothing_shows(w.enclave, value, "garden fence", "chest pain", "contents", "messages", "You said", "finish")
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == ["ok", "ok"] and w.intact()


BROKEN = {
    Meddling.NONCE_MISSING: "answer_unsealed",
    Meddling.NONCE_OF_ANOTHER: "answer_not_authentic",
    Meddling.CUT_BETWEEN_FRAMES: "answer_truncated",
    Meddling.CUT_IN_FRAME: "answer_truncated",
    Meddling.CUT_CONNECTION: "upstream_error",
    Meddling.FRAME_TWICE: "answer_not_authentic",
    Meddling.FRAME_DROPPED: "answer_not_authentic",
    Meddling.FRAME_FLIPPED: "answer_not_authentic",
    Meddling.PLAIN_ANSWER: "answer_unsealed",
    Meddling.PLAIN_ERROR: "upstream_400",
    Meddling.NO_END: "answer_without_end",
}


@BOTH
@STREAMED
@pytest.mark.parametrize("how", BROKEN)
async def test_a_meddled_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Any, stream: bool, how: Meddling
) -> None:
    async with other(monkeypatch, tmp_path, app.enclave(), app.kind) as w:
        w.enclave.meddling = how
        with pytest.raises((app.failures, json.JSONDecodeError, errors.UnknownApiResponseError)) as e:
            await app(w).say(RECORD, stream=stream)
        await w.quiet()
        assert PLAIN not in str(e.value)
        assert [r["code"] for r in w.records(kind="outcome")] == [BROKEN[how]]
        nothing_shows(w.enclave, NUMBER)


@BOTH
async def test_what_the_enclave_itself_refuses_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Any
) -> None:
    async with other(monkeypatch, tmp_path, app.enclave(), app.kind) as w:
        w.enclave.meddling = Meddling.SEALED_ERROR
        with pytest.raises(app.failures) as e:
            await app(w).say(RECORD, stream=False)
        assert "the enclave refuses this" in str(e.value)
        nothing_shows(w.enclave, "the enclave refuses")


async def test_the_other_paths_of_both_apis_are_sealed_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with other(monkeypatch, tmp_path / "a", SealedGemini(), "gemini") as w:
        sdk = Gemini(w)._sdk.aio.models
        assert (await sdk.count_tokens(model="sealed-other", contents=RECORD)).total_tokens == 31
        assert b"POST /v1/models/sealed-llm:countTokens" in w.enclave.wire_in
        nothing_shows(w.enclave, NUMBER)
    monkeypatch.undo()
    async with other(monkeypatch, tmp_path / "b", SealedOllama(), "ollama") as w:
        sdk = Ollama(w)._sdk
        assert len((await sdk.embed("sealed-other", RECORD)).embeddings) == 1
        said = [c.response or "" async for c in await sdk.generate("sealed-other", RECORD, stream=True)]
        assert f"You said: {RECORD}" in "".join(said)
        nothing_shows(w.enclave, NUMBER)


async def test_a_stream_of_several_candidates_ends_when_each_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with other(monkeypatch, tmp_path, SealedGemini(), "gemini") as w:
        config = types.GenerateContentConfig(candidate_count=3)
        sdk = Gemini(w)._sdk.aio.models
        texts = {0: "", 1: "", 2: ""}
        async for chunk in await sdk.generate_content_stream(model="sealed-other", contents=RECORD, config=config):
            for candidate in chunk.candidates or []:
                parts = (candidate.content.parts if candidate.content else None) or []
                texts[candidate.index or 0] += "".join(part.text or "" for part in parts)
        assert set(texts.values()) == {f"You said: {RECORD} "}
        nothing_shows(w.enclave, NUMBER)
        w.enclave.meddling = Meddling.CUT_BETWEEN_FRAMES
        with pytest.raises((errors.APIError, json.JSONDecodeError, errors.UnknownApiResponseError)):
            async for _ in await sdk.generate_content_stream(model="sealed-other", contents=RECORD, config=config):
                pass


async def test_a_stream_of_too_many_candidates_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with other(monkeypatch, tmp_path, SealedGemini(), "gemini") as w:
        body = {"contents": [{"parts": [{"text": RECORD}]}], "generationConfig": {"candidateCount": 9}}
        url = f"{w.gate.url}/v1beta/models/sealed-other:streamGenerateContent?alt=sse"
        async with w.http.post(url, json=body) as answer:
            assert answer.status == 403 and b"not_sealable" in await answer.read()
        assert not w.enclave.received
        assert ["body.candidates"] in [r["reasons"] for r in w.records(kind="refusal")]
