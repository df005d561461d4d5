"""The nine steps over ports in memory: nothing leaves without its record, and every attempt that began has an end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from egress_support import HandClock

from policies.load import load
from policies.schema import Policy
from policies.types import Inspection, Requirements, Zone
from proxy.audit.record import Intent, Outcome, Refusal, record_json
from proxy.audit.store import genuine, issue
from proxy.call import Call
from proxy.dialects.base import Segment
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import (
    AttestationFailed,
    AuditUnavailable,
    Busy,
    Misuse,
    NotFound,
    Refused,
    SealgateError,
    Unavailable,
    UpstreamError,
)
from proxy.flow import Flow
from proxy.health import FAILURES, OPEN_S, Breaker
from proxy.outbound import Answer, Outbound, Receipt
from proxy.ports import Candidate, Inspected, LeaseInfo, Reply
from proxy.routing import ModelRouter
from proxy.settings import ModelRoute, UpstreamConfig
from redaction.types import Classification, Finding, Sensitivity, TextResult

POLICY = """
version: 1
name: test
owner: privacy@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: enclave, regulated: onprem}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
rules: []
"""
MAIL = re.compile(r"[a-z]+@acme\.example")
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}
HELLO = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}}]}).encode()
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"hel"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
UPSTREAMS = {
    "near": UpstreamConfig("near", Zone.ONPREM, "openai", "http://127.0.0.1/v1"),
    "sealed": UpstreamConfig("sealed", Zone.ENCLAVE, "openai", "https://127.0.0.1/v1"),
    "far": UpstreamConfig("far", Zone.CLOUD, "openai", "https://far.example/v1"),
    "said": UpstreamConfig("said", Zone.CLOUD, "openai", "https://s/v1", labels={"asserted_tee": "privatemode"}),
}
MODELS = {
    "m": ModelRoute((("far", "m"),)),
    "word": ModelRoute((("said", "word"),)),
    "two": ModelRoute((("far", "two"), ("near", "two"))),
    "safe": ModelRoute((("sealed", "safe"), ("near", "safe"))),
    "*": ModelRoute((("far", "*"),)),
}


@dataclass
class Store:
    """Keeps records; ``full`` refuses new ones, ``deaf`` refuses outcomes, ``hold`` makes a begin wait."""

    seen: list[Intent | Refusal | Outcome] = field(default_factory=list)
    full: bool = False
    deaf: bool = False
    hold: asyncio.Event | None = None
    seq: Any = field(default_factory=lambda: itertools.count(1))

    async def begin(self, intent: Intent, out_digest: bytes) -> Receipt:
        if self.hold is not None:
            await self.hold.wait()
        if self.full:
            raise AuditUnavailable("full")
        record_json(intent)
        self.seen.append(intent)
        return issue(next(self.seq), intent.common.request_id, intent.upstream, out_digest)

    async def finish(self, outcome: Outcome) -> None:
        await asyncio.sleep(0)
        if self.deaf:
            raise AuditUnavailable("full")
        record_json(outcome)
        self.seen.append(outcome)

    async def refuse(self, refusal: Refusal) -> int:
        if self.full:
            raise AuditUnavailable("full")
        record_json(refusal)
        self.seen.append(refusal)
        return 1

    async def control(self, code: str, details: Mapping[str, object]) -> int:
        return 1

    def codes(self) -> list[str]:
        """How the attempts ended."""
        return [r.code for r in self.seen if isinstance(r, Outcome)]

    def intents(self) -> list[Intent]:
        return [r for r in self.seen if isinstance(r, Intent)]

    def refusals(self) -> list[str]:
        return [r.code for r in self.seen if isinstance(r, Refusal)]


Script = Callable[[], AsyncIterator[bytes]]


@dataclass
class Far(AbstractAsyncContextManager[Answer]):
    """One send of a scripted door; counts what was opened and released."""

    door: ScriptedDoor
    receipt: Receipt
    out: Outbound

    async def __aenter__(self) -> Answer:
        assert genuine(self.receipt)
        assert self.receipt.digest == self.out.digest()
        if self.door.hold is not None:
            await self.door.hold.wait()
        if (error := self.door.errors.get(self.out.upstream)) is not None:
            raise error
        self.door.sent.append(self.out)
        self.door.open += 1
        return Answer(self.door.status, self.door.headers, self.door.chunks())

    async def __aexit__(self, *_: object) -> None:
        if self.door.closing is not None:
            await self.door.closing.wait()
        self.door.released += 1
        if self.door.stuck is not None:
            raise self.door.stuck


async def hello() -> AsyncIterator[bytes]:
    yield HELLO


def stream(*chunks: bytes) -> Script:
    async def made() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk

    return made


@dataclass
class ScriptedDoor:
    chunks: Script = hello
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    errors: dict[str, BaseException] = field(default_factory=dict)
    unready: dict[str, Exception] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    closing: asyncio.Event | None = None
    stuck: Exception | None = None
    lease: LeaseInfo | None = None
    sent: list[Outbound] = field(default_factory=list)
    open: int = 0
    released: int = 0

    async def prepare(self, candidate: Candidate, want: Requirements) -> LeaseInfo | None:
        if (error := self.unready.get(candidate.upstream)) is not None:
            raise error
        return self.lease

    def send(self, receipt: Receipt, out: Outbound) -> AbstractAsyncContextManager[Answer]:
        return Far(self, receipt, out)


@dataclass
class Eyes:
    """Finds e-mail addresses of one domain; calls a text that says so regulated, or cannot judge it at all."""

    hasty: bool = False
    """Whether it looks fast whatever is asked."""
    asked: list[Inspection] = field(default_factory=list)

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        results = tuple(self._one(s.text) for s in segments)
        worst = max((r.classification.sensitivity for r in results), default=Sensitivity.PUBLIC)
        self.asked.append(inspection)
        look = Inspection.FAST if self.hasty else inspection
        return Inspected(results, Classification(worst), {"patterns": "00"}, inspection=look)

    def _one(self, text: str) -> TextResult:
        found = tuple(Finding(m.start(), m.end(), "EMAIL_ADDRESS", 1.0, "patterns") for m in MAIL.finditer(text))
        level = Sensitivity.REGULATED if "secret" in text else Sensitivity.PUBLIC
        level = Sensitivity.CONFIDENTIAL if "internal" in text else level
        return TextResult(found, Classification(level), "timeout" if "dark" in text else None)


@dataclass
class World:
    store: Store = field(default_factory=Store)
    door: ScriptedDoor = field(default_factory=ScriptedDoor)
    clock: HandClock = field(default_factory=HandClock)
    eyes: Eyes = field(default_factory=Eyes)
    looks: str = "full"

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.clock.monotonic)
        text = POLICY.replace("defaults:\n", f"defaults:\n  inspection: {self.looks}\n", 1)
        policy: Policy = load(text, "test.yaml")
        self.flow = Flow(
            policy=lambda: policy,
            inspector=self.eyes,
            router=ModelRouter(MODELS, UPSTREAMS, self.breaker),
            store=self.store,
            door=self.door,
            clock=self.clock,
            purpose=lambda name, tenant: f"{name}/{tenant}".ljust(32).encode()[:32],
        )

    async def ask(self, text: str = "hi", model: str = "m", **more: Any) -> Reply:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}], **more}).encode()
        return await self.flow.run(Call("req_1", "crm", "sales", "/chat/completions", body), OpenAIChat())

    async def read(self, text: str = "hi", model: str = "m", **more: Any) -> bytes:
        reply = await self.ask(text, model, **more)
        return b"".join([c async for c in reply.chunks])

    def settled(self) -> None:
        """Every attempt that began has exactly one end, and everything that was opened was released."""
        ends = [r.ref_seq for r in self.store.seen if isinstance(r, Outcome)]
        assert sorted(ends) == list(range(1, len(self.store.intents()) + 1))
        assert self.door.released >= self.door.open


@pytest.fixture
def w() -> World:
    return World()


async def close(reply: Reply) -> None:
    """What the server does when the app is gone."""
    await reply.chunks.aclose()  # type: ignore[attr-defined]  # the chunks of a reply can be closed (proxy.answers)


async def turn(times: int = 20) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


# --- nothing leaves without its record


async def test_an_answer_has_an_intent_and_one_outcome(w: World) -> None:
    assert await w.read() == HELLO
    assert w.store.codes() == ["ok"]
    w.settled()


async def test_what_an_upstream_asserts_of_a_tee_is_on_record_and_changes_nothing(w: World) -> None:
    for model in ("word", "m"):
        await w.read(model=model)
    assert [(i.zone, i.action, i.asserted_tee) for i in w.store.intents()] == [
        ("cloud", "allowed", "privatemode"),
        ("cloud", "allowed", None),
    ]
    assert record_json(w.store.intents()[0])["asserted_tee"] == "privatemode"


async def test_without_a_ledger_nothing_is_sent(w: World) -> None:
    w.store.full = True
    with pytest.raises(AuditUnavailable):
        await w.read()
    assert w.door.sent == []


async def test_a_caller_that_leaves_while_the_ledger_writes_sends_nothing(w: World) -> None:
    w.store.hold = asyncio.Event()
    asking = asyncio.ensure_future(w.ask())
    await turn()
    asking.cancel()
    await asyncio.wait({asking})
    w.store.hold.set()
    await turn()
    assert asking.cancelled()
    assert w.door.sent == []


async def test_an_enclave_that_was_not_attested_gets_nothing(w: World) -> None:
    with pytest.raises(Misuse):
        await w.read("an internal note", "safe")
    assert w.door.sent == []
    assert w.store.intents() == []


@pytest.mark.parametrize(("looks", "look"), [("full", Inspection.FULL), ("{crm: fast, '*': full}", Inspection.FAST)])
async def test_a_payload_is_looked_at_as_closely_as_policy_says_and_the_record_says_so(
    looks: str, look: Inspection
) -> None:
    w = World(looks=looks)
    await w.read()
    assert w.eyes.asked == [look]
    (intent,) = w.store.intents()
    assert intent.common.facts["inspection"] == look.word


async def test_a_look_faster_than_policy_demands_counts_as_none() -> None:
    w = World(eyes=Eyes(hasty=True))
    with contextlib.suppress(Refused):
        await w.read()
    assert not any(out.upstream == "cloud" for out in w.door.sent)
    (record, *_) = [r for r in w.store.seen if isinstance(r, Intent | Refusal)]
    assert record.zone != "cloud" and "default:uninspected" in record.common.rules


async def test_a_refusal_is_on_record_before_it_is_said(w: World) -> None:
    with pytest.raises(Refused):
        await w.read("a secret")
    assert w.store.refusals() == ["policy_refused"]
    assert w.door.sent == []


async def test_no_failure_moves_a_payload_to_a_less_trusted_zone(w: World) -> None:
    w.door.errors["near"] = UpstreamError("gone")
    with pytest.raises(Unavailable):
        await w.read("a secret", "two")
    assert w.door.sent == []
    assert [i.upstream for i in w.store.intents()] == ["near"]
    w.settled()


# --- every attempt has an end


async def test_an_app_that_leaves_before_the_stream_starts_is_recorded_and_the_upstream_released(w: World) -> None:
    w.door.headers, w.door.chunks = SSE, stream(DELTA, DONE)
    reply = await w.ask(stream=True)
    await close(reply)
    assert w.store.codes() == ["cancelled"]
    w.settled()


async def test_an_app_that_leaves_before_a_whole_answer_is_read_is_recorded(w: World) -> None:
    await close(await w.ask())
    assert w.store.codes() == ["cancelled"]
    w.settled()


async def test_an_app_that_leaves_in_the_middle_of_a_stream_is_recorded(w: World) -> None:
    w.door.headers, w.door.chunks = SSE, stream(DELTA, DELTA, DONE)
    reply = await w.ask(stream=True)
    await anext(reply.chunks)
    await close(reply)
    await close(reply)
    assert w.store.codes() == ["cancelled"]
    w.settled()


async def test_a_stream_that_breaks_ends_with_the_upstreams_code(w: World) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DELTA
        raise UpstreamError("broke", code="upstream_timeout")

    w.door.headers, w.door.chunks = SSE, broken
    reply = await w.ask(stream=True)
    with pytest.raises(UpstreamError):
        [c async for c in reply.chunks]
    assert w.store.codes() == ["upstream_timeout"]
    w.settled()


async def test_a_bug_in_the_middle_of_a_stream_is_not_recorded_as_the_app_leaving(w: World) -> None:
    async def buggy() -> AsyncIterator[bytes]:
        yield DELTA
        raise ZeroDivisionError

    w.door.headers, w.door.chunks = SSE, buggy
    reply = await w.ask(stream=True)
    with pytest.raises(ZeroDivisionError):
        [c async for c in reply.chunks]
    assert w.store.codes() == ["internal_error"]
    w.settled()


async def test_a_stream_without_its_end_is_incomplete(w: World) -> None:
    w.door.headers, w.door.chunks = SSE, stream(DELTA)
    reply = await w.ask(stream=True)
    assert [c async for c in reply.chunks]
    assert w.store.codes() == ["incomplete"]


async def test_an_unreadable_answer_ends_its_attempt_and_the_next_upstream_is_tried(w: World) -> None:
    w.door.chunks = stream(b"<html>")
    with pytest.raises(Unavailable):
        await w.read("hi", "two")
    assert w.store.codes() == ["upstream_unreadable"] * 2
    w.settled()


@pytest.mark.parametrize("error", [UpstreamError("x"), Busy("x"), AttestationFailed("x"), Misuse("x"), ValueError()])
async def test_whatever_a_send_raises_ends_its_attempt(w: World, error: Exception) -> None:
    w.door.errors["far"] = error
    with pytest.raises((SealgateError, Misuse, ValueError)):
        await w.read()
    assert w.store.codes() == [getattr(error, "code", "internal_error")]
    w.settled()


async def test_a_caller_cancelled_at_any_turn_leaves_no_open_attempt() -> None:
    for turns in range(12):
        w = World()
        w.door.headers, w.door.chunks = SSE, stream(DELTA, DONE)

        async def serve(w: World = w) -> None:
            reply = await w.ask(stream=True)
            try:
                async for _ in reply.chunks:
                    await asyncio.sleep(0)
            finally:
                await close(reply)

        serving = asyncio.ensure_future(serve())
        await turn(turns)
        serving.cancel()
        await asyncio.wait({serving})
        await turn()
        w.settled()


async def test_a_caller_cancelled_twice_while_the_upstream_is_released_leaves_no_open_attempt(w: World) -> None:
    w.door.hold, w.door.closing = asyncio.Event(), asyncio.Event()
    asking = asyncio.ensure_future(w.ask())
    await turn()
    asking.cancel()
    await turn()
    asking.cancel()
    await asyncio.wait({asking})
    w.door.closing.set()
    await turn()
    assert w.store.codes() == ["cancelled"]
    w.settled()


async def test_an_upstream_that_cannot_be_released_does_not_swallow_the_outcome(w: World) -> None:
    w.door.stuck = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        await w.read()
    await turn()
    assert w.store.codes() == ["ok"]


async def test_a_ledger_that_fails_at_the_end_does_not_take_the_answer_away(w: World) -> None:
    w.store.deaf = True
    assert await w.read() == HELLO
    assert w.store.codes() == []


async def test_the_status_of_an_answer_that_was_not_passed_on_is_in_its_outcome(w: World) -> None:
    w.door.status = 429
    with pytest.raises(Unavailable):
        await w.read()
    last = w.store.seen[-2]
    assert isinstance(last, Outcome)
    assert (last.code, last.status) == ("upstream_429", 429)


# --- what a record may hold


async def test_a_model_name_of_the_app_is_hashed_in_the_record(w: World) -> None:
    await w.read("hi", "acme-llm/7b")
    assert json.loads(w.door.sent[0].body)["model"] == "acme-llm/7b"
    intent = w.store.intents()[0]
    assert intent.common.model == "*"
    assert re.fullmatch("h-[0-9a-f]{16}", intent.upstream_model)


async def test_a_configured_model_is_named_in_the_record(w: World) -> None:
    await w.read()
    assert w.store.intents()[0].upstream_model == "m"


@pytest.mark.parametrize("model", ["ann@acme.example", "gpt-4o for Ann", "x" * 200, "gpt\n4", "größe"])
async def test_a_model_name_cannot_carry_a_value_past_inspection(w: World, model: str) -> None:
    with pytest.raises(NotFound):
        await w.read("hi", model)
    assert w.door.sent == []


async def test_a_model_name_that_nobody_could_judge_keeps_the_payload_in_the_house(w: World) -> None:
    with pytest.raises(Refused):
        await w.read("hi", "dark-model")
    assert w.door.sent == []


# --- breakers


async def fail(w: World, error: Exception, times: int = FAILURES) -> None:
    w.door.errors["far"] = error
    for _ in range(times):
        with pytest.raises(SealgateError):
            await w.read()


async def test_failures_open_the_breaker(w: World) -> None:
    await fail(w, UpstreamError("x"))
    assert w.breaker.status() == {"far": "open"}


async def test_failures_before_anything_is_sent_open_the_breaker_too(w: World) -> None:
    w.door.unready["far"] = UpstreamError("x")
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await w.read()
    assert w.breaker.status() == {"far": "open"}


async def test_answers_that_break_off_open_the_breaker(w: World) -> None:
    w.door.chunks = stream(b"{")
    for _ in range(FAILURES):
        with pytest.raises(Unavailable):
            await w.read()
    assert w.breaker.status() == {"far": "open"}


@pytest.mark.parametrize("error", [Busy("x"), AttestationFailed("x"), Misuse("x"), asyncio.CancelledError()])
async def test_a_probe_that_says_nothing_about_the_upstream_does_not_close_its_breaker(
    w: World, error: BaseException
) -> None:
    await fail(w, UpstreamError("x"))
    w.clock.tick(OPEN_S)
    w.door.errors["far"] = error
    with pytest.raises((SealgateError, Misuse, asyncio.CancelledError)):
        await w.read()
    assert w.breaker.status() == {"far": "open"}


async def test_a_probe_that_is_answered_closes_the_breaker(w: World) -> None:
    await fail(w, UpstreamError("x"))
    w.clock.tick(OPEN_S)
    w.door.errors.clear()
    await w.read()
    assert w.breaker.status() == {"far": "ok"}
