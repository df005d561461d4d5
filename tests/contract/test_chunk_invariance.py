"""``chunk-invariance``, the public rule for streaming filters: however a stream is cut, the same comes out.

Three streams are held to it: the text of one channel, the bytes of an answer of each dialect at every place where a
network may cut them, and the deltas of an answer that passes a running gate which inspects what the model says.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from chunk_invariance import (
    ChunkInvarianceError,
    assert_chunk_invariant,
    assert_chunk_invariant_async,
    per_chunk,
)
from chunk_invariance.strategies import splits_of
from gate_support import Plan, World, world
from hypothesis import given, settings
from suites import open_policy

from policies.types import Zone
from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import TextRestorer
from proxy.dialects.gemini import GeminiGenerate
from proxy.dialects.ollama import OllamaChat
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_completions import OpenAICompletions
from proxy.dialects.responses import OpenAIResponses
from proxy.restorers import Restorers
from proxy.settings import ModelRoute, UpstreamConfig

NAME, MAIL = "PERSON_k3f9xkzzzzzzz", "EMAIL_q7q7q7q7q7q7q"
VALUES = {NAME: 'Zoë "Z" Ök\n🦊', MAIL: "zoe@real.example"}
TEXT = f"Dear {NAME}, <{MAIL}>: PERSON_k3f {NAME[:-1]}. é😀"
BENT = f"**{NAME.lower()}**'s person\\_k3f9xkzzzzzzz EMAIL q7q7q7q7q7q7q"


def shown(text: str) -> str:
    for stand_in, value in VALUES.items():
        text = text.replace(stand_in, value)
    return text


def in_arguments(text: str) -> str:
    for stand_in, value in VALUES.items():
        text = text.replace(stand_in, json.dumps(value, ensure_ascii=False)[1:-1])
    return text


def fed(place: str) -> Callable[[Iterable[Any]], Iterable[Any]]:
    return per_chunk(
        lambda chunk, one: one.feed(chunk), state=lambda: Restorers(VALUES)(place), flush=lambda one: one.close()
    )


@pytest.mark.parametrize(("place", "whole"), [("text", shown), ("tool_args:mail", in_arguments)])
def test_a_text_cut_in_three_anywhere_reads_as_if_it_were_whole(place: str, whole: Callable[[str], str]) -> None:
    assert assert_chunk_invariant(fed(place), whole, TEXT, splits=3) > 1_500


def test_what_a_model_bent_is_found_however_it_is_cut() -> None:
    def whole(text: str) -> str:
        restorer = Restorers(VALUES)("text")
        return restorer.feed(text) + restorer.close()

    assert VALUES[MAIL] in whole(BENT) and "k3f9" not in whole(BENT).lower()
    assert_chunk_invariant(fed("text"), whole, BENT, splits=3)


@settings(max_examples=200, deadline=None, database=None)
@given(splits_of(TEXT * 2))
def test_a_text_in_any_pieces_reads_as_if_it_were_whole(chunks: list[str]) -> None:
    assert_chunk_invariant(fed("text"), shown, TEXT * 2, splits=[chunks])


def test_the_rule_catches_a_restorer_that_holds_nothing_back() -> None:
    def forgets(chunk: str, one: TextRestorer) -> str:
        return one.feed(chunk) + one.close()

    with pytest.raises(ChunkInvarianceError):
        assert_chunk_invariant(per_chunk(forgets, state=lambda: Restorers(VALUES)("text")), shown, TEXT)


# -- the bytes of an answer ------------------------------------------------------------------------------------------


def events(*trees: dict[str, Any], named: bool = False, end: bytes = b"") -> bytes:
    heads = [f"event: {t['type']}\n" if named else "" for t in trees]
    data = [json.dumps(t, ensure_ascii=False) for t in trees]
    return "".join(f"{h}data: {d}\n\n" for h, d in zip(heads, data, strict=True)).encode() + end


def halves(text: str) -> Iterator[str]:
    """Cut inside the stand-in."""
    at = text.index("_") + 4
    yield from (text[:at], text[at:])


def chat() -> bytes:
    deltas: list[dict[str, Any]] = [{"content": t} for t in halves(f"é {NAME}, ")]
    deltas += [
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "mail", "arguments": ""}}]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": t}}]} for t in halves(f'{{"to":"{MAIL}"}}')),
    ]
    choices = [{"index": 0, "delta": d, "finish_reason": None} for d in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    return b": hello\r\n\r\n" + events(*({"id": "c", "choices": [c]} for c in choices), end=b"data: [DONE]\n\n")


def completion() -> bytes:
    texts = ({"choices": [{"index": 0, "text": t, "finish_reason": None}]} for t in halves(f"é {NAME} and {MAIL}"))
    return events(*texts, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]}, end=b"data: [DONE]\n\n")


def message() -> bytes:
    texts = ({"type": "text_delta", "text": t} for t in halves(f"é {NAME} and {MAIL}"))
    return events(
        {"type": "message_start", "message": {"id": "m", "role": "assistant", "content": [], "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": d} for d in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
        named=True,
    )


def response() -> bytes:
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    text = f"é {NAME} and {MAIL}"
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": [part]}
    done = {"id": "r", "object": "response", "status": "completed", "output": [item]}
    trees = [
        {"type": "response.created", "response": {**done, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
        *({"type": "response.output_text.delta", **at, "delta": t} for t in halves(text)),
        {"type": "response.output_text.done", **at, "text": text},
        {"type": "response.content_part.done", **at, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": done},
    ]
    return events(*({**t, "sequence_number": n} for n, t in enumerate(trees)), named=True)


def gemini() -> bytes:
    parts = [{"text": t} for t in halves(f"é {NAME} and {MAIL}")]
    made = [{"candidates": [{"content": {"parts": [p], "role": "model"}, "index": 0}]} for p in parts]
    return events(*made, {"candidates": [{"finishReason": "STOP", "index": 0}]})


def ollama() -> bytes:
    lines = [{"message": {"role": "assistant", "content": t}, "done": False} for t in halves(f"é {NAME} and {MAIL}")]
    end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    return b"".join(json.dumps({"model": "m", **x}, ensure_ascii=False).encode() + b"\n" for x in [*lines, end])


STREAMS = [
    (OpenAIChat(), chat), (OpenAICompletions(), completion), (AnthropicMessages(), message),
    (OpenAIResponses(), response), (GeminiGenerate(), gemini), (OllamaChat(), ollama),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "made"), STREAMS, ids=[made.__name__ for _, made in STREAMS])
def test_a_stream_cut_at_any_byte_gives_the_same_bytes(dialect: Any, made: Callable[[], bytes]) -> None:
    def through(chunks: Iterable[bytes]) -> Iterator[bytes]:
        stream = dialect.restore_stream(Restorers(VALUES), lambda: "2/2")
        for chunk in chunks:
            yield stream.feed(chunk)
        yield stream.close()

    def whole(raw: bytes) -> bytes:
        return b"".join(through([raw]))

    raw = made()
    assert VALUES[MAIL].encode() in whole(raw) and NAME.encode() not in whole(raw)
    assert assert_chunk_invariant(through, whole, raw) == len(raw)


# -- a running gate ------------------------------------------------------------------------------------------


class Script:
    """A cloud whose model says ``said``, one delta each, to whatever is asked; ``asked`` is the last request."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.asked: dict[str, Any] = {}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked = await request.json()
        if not self.asked.get("stream"):
            text = {"role": "assistant", "content": "".join(self.said)}
            choice = {"index": 0, "message": text, "finish_reason": "stop"}
            return web.json_response({"id": "c", "object": "chat.completion", "choices": [choice]})
        out = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await out.prepare(request)
        for text in self.said:
            await out.write(events({"id": "c", "choices": [{"index": 0, "delta": {"content": text}}]}))
        await out.write(events({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        await out.write(b"data: [DONE]\n\n")
        return out


async def content(w: World, *, stream: bool) -> str:
    asked = "Answer jo.meyer@example.com, please."
    answer = await w.ask({"model": "m", "stream": stream, "messages": [{"role": "user", "content": asked}]})
    assert answer.status == 200
    if not stream:
        return answer.text
    lines = [json.loads(x[6:]) for x in answer.body.decode().split("\n") if x.startswith("data: {")]
    return "".join(x["choices"][0]["delta"].get("content", "") for x in lines)


async def test_an_answer_through_the_gate_is_the_same_however_the_model_streams_it(tmp_path: Path) -> None:
    """What was sent comes back and what the model made up is masked, at every cut as in an answer without streaming."""
    script = Script()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", script.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        (tmp_path / "open.yaml").write_text(open_policy())
        models = {"m": ModelRoute((("script", "m"),))}
        more = {"script": UpstreamConfig("script", Zone.CLOUD, "openai", url=base)}
        plan = Plan(policy=str(tmp_path / "open.yaml"), models=models, more=more)
        async with world(tmp_path, plan) as w:

            async def through(chunks: AsyncIterator[str]) -> AsyncIterator[str]:
                script.said = [chunk async for chunk in chunks]
                yield await content(w, stream=True)

            async def whole(text: str) -> str:
                script.said = [text]
                return await content(w, stream=False)

            await whole("")
            stand_in = script.asked["messages"][0]["content"].split()[1].rstrip(",")
            text = f"To {stand_in}, not bo@else.example or 4111 1111 1111 1111. Bye!"
            assert await whole(text) == "To jo.meyer@example.com, not [EMAIL_ADDRESS] or [CREDIT_CARD]. Bye!"
            assert await assert_chunk_invariant_async(through, whole, text) == len(text)
    finally:
        await runner.cleanup()
