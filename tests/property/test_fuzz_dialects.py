"""Every dialect under mutated requests, answers and streams: only documented errors, no hang, no text that is lost.

``SEALGATE_FUZZ`` says how many examples each property gets (``make fuzz``: 20 000, with a new seed each time). A
failure names the seed of its example; ``@example(seed)`` repeats it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from fuzz_corpus import BACK, GENERIC, MAPPING, PLAIN, SEEDS, TOKEN, Seed, sober, wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutate import CANARY, NUMBER, Mutator

from policies.types import Inspection
from proxy import surfaces
from proxy.dialects.base import Parsed, Segment, Untransformable
from proxy.errors import BadRequest, UpstreamError
from proxy.ports import Inspected
from proxy.respond import Listening
from proxy.restorers import Restorers
from redaction.types import Classification, Sensitivity, TextResult

EXAMPLES = int(os.environ.get("SEALGATE_FUZZ", "20"))
ALL: Mapping[str, Seed] = {**SEEDS, **GENERIC}
BOTH: Mapping[str, Seed] = {**ALL, **BACK}
ANSWERING = [name for name, seed in BOTH.items() if seed.answers]
STREAMING = [name for name, seed in BOTH.items() if seed.streams]
REQUESTS = [r for seed in ALL.values() for r in seed.requests]
ANSWERS = [a for seed in BOTH.values() for a in (*seed.answers, *(list(s) for s in seed.streams))]
fuzz = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES < 1000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
seeds = st.integers(0, 2**48)


def test_every_dialect_of_a_served_path_is_fuzzed() -> None:
    assert {s.dialect.name for s in surfaces.table(64) if s.form is None} == SEEDS.keys()


def holds(tree: Any) -> bool:
    """Whether a document says the canary anywhere."""
    text = json.dumps(tree)
    return CANARY in text or str(NUMBER) in text


def told(parsed: Parsed) -> bool:
    """Whether something says that the canary is there."""
    seen = [s.text for s in parsed.segments] + [r.id for r in parsed.references]
    return bool(parsed.uninspected) or any(CANARY in text or str(NUMBER) in text for text in seen)


def without(parsed: Parsed) -> dict[tuple[str, str], str]:
    """Edits that take the canary out of every segment."""
    return {
        (s.pointer, s.kind): s.text.replace(CANARY, "stand-in").replace(str(NUMBER), "111111111111")
        for s in parsed.segments
    }


@pytest.mark.parametrize("name", ALL)
@fuzz
@given(seeds)
def test_a_planted_canary_is_seen_and_can_be_taken_out_or_the_request_is_refused(name: str, seed: int) -> None:
    mutator, known = Mutator(seed, REQUESTS), ALL[name]
    tree = known.requests[seed % len(known.requests)]
    tree = mutator.document(tree if seed % 3 == 0 else sober(tree), plant=True)
    body = json.dumps(tree, ensure_ascii=seed % 2 == 0, indent=seed % 4 or None).encode()
    try:
        parsed = known.dialect.parse(body)
    except BadRequest:
        return
    places = [(s.pointer, s.kind) for s in parsed.segments]
    assert len(set(places)) == len(places)
    same = {(s.pointer, s.kind): s.text for s in parsed.segments}
    assert known.dialect.render(parsed, same, parsed.model) == body
    assert told(parsed) or not holds(json.loads(known.dialect.render(parsed, {}, "m")))
    try:
        made = known.dialect.render(parsed, without(parsed), "m")
    except Untransformable:
        return
    left = json.loads(made)
    assert (
        parsed.uninspected or any(CANARY in r.id or str(NUMBER) in r.id for r in parsed.references) or not holds(left)
    )


@pytest.mark.parametrize("name", ALL)
@fuzz
@given(seeds)
def test_harmed_bytes_are_read_as_every_reader_reads_them_or_refused(name: str, seed: int) -> None:
    mutator, known = Mutator(seed, REQUESTS), ALL[name]
    body = mutator.harm(json.dumps(sober(known.requests[seed % len(known.requests)]), ensure_ascii=False).encode())
    try:
        parsed = known.dialect.parse(body)
    except BadRequest:
        return
    assert not body or told(parsed) or not holds(json.loads(known.dialect.render(parsed, {}, "m")))
    assert known.dialect.render(parsed, {}, parsed.model) == body


@pytest.mark.parametrize("name", PLAIN)
@fuzz
@given(seeds)
def test_harmed_bodies_that_are_no_json_are_read_or_refused(name: str, seed: int) -> None:
    dialect, body = PLAIN[name]
    body = Mutator(seed, REQUESTS).harm(body)
    try:
        parsed = dialect.parse(body)
    except BadRequest:
        return
    assert dialect.render(parsed, {}, parsed.model) == body
    assert told(parsed) or CANARY.encode() not in dialect.render(parsed, {}, "m")


@pytest.mark.parametrize("name", ANSWERING)
@fuzz
@given(seeds)
def test_a_mutated_answer_is_restored_or_said_to_be_unreadable(name: str, seed: int) -> None:
    mutator, known = Mutator(seed, ANSWERS), BOTH[name]
    tree = mutator.document(known.answers[seed % len(known.answers)])
    body = json.dumps(tree, ensure_ascii=seed % 2 == 0).encode()
    body = mutator.harm(body) if seed % 4 == 0 else body
    listening = Listening(Nobody(), "t", LOOK, MAPPING, ())
    try:
        out, usage = known.dialect.restore(body, Restorers(MAPPING))
        known.dialect.restore(body, listening)
        at_once(listening.judge)
        known.dialect.restore(body, Restorers(MAPPING, {}, DECISION, listening=listening))
    except ValueError:
        return
    assert all(isinstance(n, int) for n in usage.values())
    if b"k3f9" not in body.lower() and b"q7q7" not in body.lower():  # spellings of stand-ins count as well
        assert out == body


@pytest.mark.parametrize("name", STREAMING)
@fuzz
@given(seeds)
def test_a_mutated_stream_is_restored_alike_in_any_pieces(name: str, seed: int) -> None:
    raw, cuts = stream(name, seed)
    assert run(name, raw, cuts) == run(name, raw, [raw])


@pytest.mark.parametrize("name", STREAMING)
@fuzz
@given(seeds)
def test_a_mutated_stream_is_heard_and_then_read(name: str, seed: int) -> None:
    """The class ``respond``: two readings of each piece, which must agree on what the channels are (else Misuse). What
    is said is handed out sentence by sentence, so the pieces may differ from those of other classes."""
    raw, cuts = stream(name, seed)
    assert heard(name, raw, cuts)[1:] == run(name, raw, cuts)[1:]


@pytest.mark.parametrize("name", STREAMING)
def test_a_stream_is_restored_alike_at_every_byte_split(name: str) -> None:
    for events in BOTH[name].streams:
        raw = wire(name, events)
        whole = run(name, raw, [raw])
        step = 1 if EXAMPLES >= 1000 else 1 + len(raw) // 400
        for at in range(0, len(raw), step):
            assert run(name, raw, [raw[:at], raw[at:]]) == whole
        assert run(name, raw, [raw[i : i + 1] for i in range(len(raw))]) == whole


ODD_REQUESTS = {
    "openai.chat": {"model": "m", "messages": [{"role": ["user"], "content": [{"type": {}, "text": "x"}]}]},
    "gemini.generate": {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": {"x": CANARY}}}]}]},
    "openai.responses": {"model": "m", "input": [{"role": "user", "call_id": "c", "name": "n", "content": CANARY}]},
    "anthropic.messages": {"model": "m", "max_tokens": 1, "messages": [
        {"role": "user", "content": [{"type": "document", "source": {"type": {"x": 1}}, "title": CANARY}]}]},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_REQUESTS)
def test_types_that_are_no_words_are_read_or_refused(name: str) -> None:
    try:
        assert told(ALL[name].dialect.parse(json.dumps(ODD_REQUESTS[name]).encode()))
    except BadRequest:
        return


_HEAD = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "name": TOKEN, "input": {}}}
_JSON = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}
_CALL = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
ODD_STREAMS: Mapping[str, tuple[Any, ...]] = {
    "openai.images": ({"type": {"x": 1}},),
    "anthropic.messages": (_HEAD, _JSON, {"type": "content_block_stop", "index": 0}),
    "openai.chat": ({"choices": [{"index": 0, "delta": {"tool_calls": "x"}}]},
                    {"choices": [{"index": 0, "delta": {"tool_calls": [_CALL]}}]},
                    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    "openai.responses": ({"type": "response.output_item.added", "item": {"type": "message", "": "x"}},),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_STREAMS)
def test_events_of_odd_types_and_tools_named_by_stand_ins_stop_no_stream(name: str) -> None:
    raw = wire(name, ODD_STREAMS[name])
    assert isinstance(run(name, raw, [raw]), tuple)
    assert isinstance(heard(name, raw, [raw]), tuple)


def stream(name: str, seed: int) -> tuple[bytes, list[bytes]]:
    """A stream of mutated events, one in three with harmed bytes, and pieces of it."""
    mutator, known = Mutator(seed, ANSWERS), BOTH[name]
    events = mutator.document(list(known.streams[seed % len(known.streams)]))
    events = events if isinstance(events, list) else [events]
    if name in {"openai.responses", "anthropic.messages"}:
        events = [
            e if isinstance(e, dict) and isinstance(e.get("type"), str) else {"type": "x", "y": e} for e in events
        ]
    raw = wire(name, tuple(events)).replace(b"\n\n", b"\n\n" if seed % 5 else b"\r\r")
    raw = mutator.harm(raw) if seed % 3 == 0 else raw
    return raw, mutator.pieces(raw)


def run(name: str, raw: bytes, pieces: Sequence[bytes]) -> tuple[bytes, bool] | str:
    """What an app gets, and whether the stream was complete; or the documented error."""
    restorer = BOTH[name].dialect.restore_stream(Restorers(MAPPING), lambda: "t")
    try:
        out = b"".join([restorer.feed(p) for p in pieces]) + restorer.close()
    except UpstreamError as e:
        return e.code
    return out, restorer.complete


DECISION: Any = None
LOOK: Any = SimpleNamespace(inspection=Inspection.FULL)
"""Of a decision, what listening needs."""


class Nobody:
    """An inspector that finds nothing."""

    async def inspect(
        self, tenant: str, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
    ) -> Inspected:
        seen = TextResult((), Classification(Sensitivity.PUBLIC))
        return Inspected(tuple(seen for _ in segments), seen.classification, {})


def at_once(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs what never waits."""
    with pytest.raises(StopIteration):
        work().send(None)


def heard(name: str, raw: bytes, pieces: Sequence[bytes]) -> tuple[bytes, bool] | str:
    """As ``run``, with the answer inspected as it comes."""
    listening = Listening(Nobody(), "t", LOOK, MAPPING, ())
    first = BOTH[name].dialect.restore_stream(listening, str)
    restorer = BOTH[name].dialect.restore_stream(Restorers(MAPPING, listening=listening), lambda: "t")
    out = b""
    try:
        for piece in pieces:
            first.feed(piece)
            at_once(listening.judge)
            out += restorer.feed(piece)
        first.close()
        at_once(listening.judge)
        return out + restorer.close(), restorer.complete
    except UpstreamError as e:
        return e.code
