"""The embedded model in its own process, with the real model file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import Busy, ConfigError, UpstreamError
from proxy.outbound import Answer
from proxy.upstreams import local
from proxy.upstreams.local import LocalEngine

MODELS = Path(os.environ.get("SEALGATE_MODELS") or Path(__file__).parents[4] / "var" / "models")
MODEL = MODELS / "smollm2" / "model.gguf"
pytestmark = [
    pytest.mark.skipif(not MODEL.is_file(), reason="the local model is not installed (sealgate models install)"),
]
CANARY = "Zyxwv-Canary-4711"


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalEngine]:
    monkeypatch.setattr(local, "CANCEL_S", 60.0)  # a busy machine may need longer to end a batch
    made = LocalEngine(MODEL, "smollm2-135m", queue=3)
    await made.start()
    yield made
    await made.close()


def ask(text: str = "Say hello.", **more: Any) -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": "any", "messages": messages, "max_tokens": 8, "temperature": 0} | more).encode()


async def read(answer: Answer) -> bytes:
    return b"".join([c async for c in answer.chunks])


async def leave(answer: Answer) -> None:
    """What the door does when the app is gone."""
    assert isinstance(answer.chunks, AsyncGenerator)
    await answer.chunks.aclose()


def events(raw: bytes) -> list[Any]:
    parts = raw.decode().split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    return [json.loads(p.removeprefix("data: ")) for p in parts[:-2]]


def endless(**more: Any) -> bytes:
    return ask("Write a very long story about the sea.", **({"max_tokens": 256, "stream": True} | more))


@pytest.fixture
def endings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """How each generation ended, as the process says it."""
    seen: list[object] = []
    real = local._Process.read

    async def spy(self: local._Process, within_s: float) -> local.Frame:
        frame = await real(self, within_s)
        if "done" in frame or "error" in frame:
            seen.append(frame.get("done", frame.get("error")))
        return frame

    monkeypatch.setattr(local._Process, "read", spy)
    return seen


async def until_idle(engine: LocalEngine) -> None:
    async with asyncio.timeout(20):
        while engine._waiting:
            await asyncio.sleep(0.01)


async def test_a_whole_answer_has_the_shape_of_openai_and_the_real_models_name(engine: LocalEngine) -> None:
    answer = await engine.chat(ask())
    body = json.loads(await read(answer))
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert body["object"] == "chat.completion" and body["model"] == "smollm2-135m"
    choice = body["choices"][0]
    assert choice["message"]["role"] == "assistant" and choice["message"]["content"]
    assert choice["finish_reason"] in {"stop", "length"}
    usage = body["usage"]
    assert 1 <= usage["completion_tokens"] <= 9 and usage["prompt_tokens"] > 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_a_stream_says_the_same_piece_by_piece(engine: LocalEngine) -> None:
    whole = json.loads(await read(await engine.chat(ask())))
    answer = await engine.chat(ask(stream=True, stream_options={"include_usage": True}))
    assert answer.headers["content-type"] == "text/event-stream"
    got = events(await read(answer))
    assert got[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(e["choices"][0]["delta"].get("content", "") for e in got if e["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert got[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert got[-1]["usage"] == whole["usage"]
    assert {e["model"] for e in got} == {"smollm2-135m"}


async def test_an_answer_ends_at_the_asked_length(engine: LocalEngine) -> None:
    body = json.loads(await read(await engine.chat(endless(max_tokens=4, stream=False))))
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] == 4


async def test_a_reader_that_goes_away_stops_the_model_without_killing_it(
    engine: LocalEngine, endings: list[object]
) -> None:
    pid = engine.pid
    answer = await engine.chat(endless())
    await anext(aiter(answer.chunks))
    await leave(answer)
    await until_idle(engine)
    assert endings == ["cancelled"]
    assert (await engine.chat(ask())).status == 200
    assert engine.pid == pid and engine.restarts == 0


async def test_a_reader_that_goes_away_while_a_long_prompt_is_read_stops_it_too(
    engine: LocalEngine, endings: list[object]
) -> None:
    pid = engine.pid
    waiting = asyncio.ensure_future(engine.chat(ask("word " * 1800)))
    async with asyncio.timeout(10):
        while not engine._waiting:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until_idle(engine)
    assert endings == ["cancelled"]
    assert (await engine.chat(ask())).status == 200
    assert engine.pid == pid


async def test_an_answer_that_is_never_read_frees_the_model(engine: LocalEngine) -> None:
    await leave(await engine.chat(endless()))
    await until_idle(engine)
    assert (await engine.chat(ask())).status == 200


async def test_a_slow_reader_holds_nobody_up(engine: LocalEngine) -> None:
    slow = await engine.chat(endless(max_tokens=16))
    assert (await engine.chat(ask())).status == 200
    assert len(events(await read(slow))) > 5


async def test_a_generation_that_does_not_stop_is_killed_and_replaced(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "CANCEL_S", 0.0)
    answer = await engine.chat(endless())
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)  # it hears nothing any more
    await leave(answer)
    await until_idle(engine)
    assert (await engine.chat(ask())).status == 200
    assert engine.restarts == 1


async def test_a_process_that_falls_silent_fails_its_request(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    monkeypatch.setattr(local, "SILENCE_S", 0.05)
    with pytest.raises(UpstreamError):
        await engine.chat(ask())


async def test_a_crash_fails_the_request_in_flight_and_the_next_one_is_answered(engine: LocalEngine) -> None:
    answer = await engine.chat(endless())
    chunks = aiter(answer.chunks)
    await anext(chunks)
    first = engine.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(UpstreamError) as caught:
        async for _ in chunks:
            pass
    assert caught.value.code == "local_model_crashed"
    assert (await engine.chat(ask())).status == 200
    assert engine.restarts == 1 and engine.pid != first


async def test_a_crash_before_the_first_token_is_an_upstream_error(engine: LocalEngine) -> None:
    waiting = asyncio.ensure_future(engine.chat(ask(f"{CANARY} " * 100)))
    async with asyncio.timeout(10):
        while not engine._turn.locked():
            await asyncio.sleep(0)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(UpstreamError) as caught:
        await waiting
    assert CANARY not in repr(caught.value) and caught.value.__context__ is None


async def test_a_process_that_dies_while_idle_comes_back_by_itself(engine: LocalEngine) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while engine.restarts == 0 or not engine.alive:
            await asyncio.sleep(0.01)
    assert (await engine.chat(ask())).status == 200


async def test_the_queue_is_bounded_and_frees_itself(engine: LocalEngine) -> None:
    running = await engine.chat(endless())
    queued = [asyncio.ensure_future(engine.chat(ask())) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(Busy) as caught:
        await engine.chat(ask())
    assert caught.value.status == 429 and caught.value.retry_after_s
    queued[0].cancel()  # an app that waits no longer gives its place up at once
    await asyncio.wait({queued[0]})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert engine._waiting == 2
    await leave(running)
    assert (await queued[1]).status == 200


async def test_a_request_that_does_not_fit_is_a_clear_400(engine: LocalEngine) -> None:
    answer = await engine.chat(ask(f"{CANARY} " * 2000))
    raw = await read(answer)
    error = json.loads(raw)["error"]
    assert answer.status == 400 and error["code"] == "context_length_exceeded"
    assert "context" in error["message"] and CANARY.encode() not in raw


async def test_a_request_that_cannot_be_handed_to_the_process_fails_and_waits_for_nobody(engine: LocalEngine) -> None:
    async with asyncio.timeout(20):
        with pytest.raises(UpstreamError) as caught:
            await engine.chat(ask("\ud800"))
        assert caught.value.code == "local_model_failed"
        await until_idle(engine)
        assert (await engine.chat(ask())).status == 200


async def test_what_the_model_cannot_do_is_a_clear_400(engine: LocalEngine) -> None:
    answer = await engine.chat(ask(tools=[{"type": "function", "function": {"name": "f"}}]))
    error = json.loads(await read(answer))["error"]
    assert answer.status == 400 and error["code"] == "unsupported" and "'tools'" in error["message"]


async def test_the_process_gets_no_secret_and_leaves_a_core_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    engine = LocalEngine(MODEL, "m")
    await engine.start()
    try:
        env = Path(f"/proc/{engine.pid}/environ").read_bytes()
        assert b"sk-secret" not in env
        assert f"OMP_NUM_THREADS={max(1, (os.cpu_count() or 2) - 1)}".encode() in env
        assert b"GOMP_SPINCOUNT=1000" in env
        assert not any("socket" in os.readlink(f) for f in Path(f"/proc/{engine.pid}/fd").iterdir() if f.name in "012")
    finally:
        await engine.close()
    assert not engine.alive


async def test_after_close_requests_fail_and_nothing_is_restarted(engine: LocalEngine) -> None:
    await engine.close()
    with pytest.raises(UpstreamError) as caught:
        await engine.chat(ask())
    assert caught.value.code == "local_model_unavailable"
    assert not engine.alive


async def test_a_missing_or_broken_model_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sealgate models install"):
        await LocalEngine(tmp_path / "none.gguf", "m").start()
    (tmp_path / "broken.gguf").write_bytes(b"no model")
    with pytest.raises(ConfigError, match="sealgate models verify"):
        await LocalEngine(tmp_path / "broken.gguf", "m").start()
