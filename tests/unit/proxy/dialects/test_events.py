"""Streams of the smaller endpoints: any chunking gives the same bytes, values come back, what is not text passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_restorer import factory

from proxy.dialects import sse
from proxy.dialects.base import Dialect, StreamRestorer
from proxy.dialects.openai_completions import OpenAICompletions
from proxy.dialects.openai_images import OpenAIImages
from proxy.dialects.openai_speech import OpenAISpeech
from proxy.dialects.openai_uploads import TRANSCRIPTIONS, OpenAIUpload
from proxy.errors import UpstreamError

STAND_IN = "PERSON_k3f9x0k3f9x0k"
VALUE = 'Zoë "Z" 李'
COMPLETIONS = OpenAICompletions()
TRANSCRIPTS = OpenAIUpload(TRANSCRIPTIONS)
IMAGES = OpenAIImages()
SPEECH = OpenAISpeech()


def events(*trees: dict[str, Any], named: bool = False) -> bytes:
    made = [(f"event: {t['type']}\n" if named else "") + f"data: {json.dumps(t)}\n\n" for t in trees]
    return b": hello\n\n" + "".join(made).encode()


def choice(text: str | None, index: int = 0, finish: str | None = None) -> dict[str, Any]:
    made = {"index": index, "finish_reason": finish, "logprobs": None} | ({} if text is None else {"text": text})
    return {"id": "cmpl-1", "object": "text_completion", "choices": [made]}


def completion(first: str, second: str, *, empty_end: bool) -> bytes:
    longer = max(len(first), len(second))
    both = [choice(text[i], n) for i in range(longer) for n, text in enumerate((first, second)) if i < len(text)]
    ends = [choice(None if empty_end else "", n, "stop") for n in (0, 1)]
    usage = {"id": "cmpl-1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    return events(*both, *ends, usage) + b"data: [DONE]\n\n"


def transcript(text: str, *, named: bool = False) -> bytes:
    deltas = [{"type": "transcript.text.delta", "delta": c, "segment_id": "seg_1"} for c in text]
    done = {"type": "transcript.text.done", "text": text, "usage": {"input_tokens": 5, "output_tokens": 6}}
    segment = {"type": "transcript.text.segment", "id": "seg_1", "speaker": STAND_IN, "text": text, "start": 0.0}
    return events(*deltas, segment, done, named=named)


def run(dialect: Dialect, pieces: list[bytes], mapping: Mapping[str, str]) -> tuple[bytes, StreamRestorer]:
    made = dialect.restore_stream(factory(mapping), lambda: "sealgate-restored 3/3")
    out = b"".join([made.feed(p) for p in pieces]) + made.close()
    return out, made


def data(raw: bytes) -> list[dict[str, Any]]:
    found = [e.data for e in sse.Parser().feed(raw) if e.data not in {None, "[DONE]"}]
    return [json.loads(d) for d in found if d is not None]


def texts(raw: bytes) -> dict[int, str]:
    out: dict[int, str] = {}
    for tree in data(raw):
        for c in tree["choices"]:
            out[c["index"]] = out.get(c["index"], "") + c.get("text", "")
    return out


STREAMS = {
    "completions": (COMPLETIONS, completion(f"Dear {STAND_IN} é", f"{STAND_IN}\n{STAND_IN}", empty_end=False)),
    "completions_bare_end": (COMPLETIONS, completion(f"for {STAND_IN}", STAND_IN, empty_end=True)),
    "transcript": (TRANSCRIPTS, transcript(f"I am {STAND_IN}")),
    "transcript_named": (TRANSCRIPTS, transcript(f"I am {STAND_IN}", named=True)),
    "image": (
        IMAGES,
        events(
            {"type": "image_generation.partial_image", "b64_json": "QUJD" * 40, "partial_image_index": 0},
            {"type": "image_generation.completed", "b64_json": "QUJD" * 50, "usage": {"input_tokens": 7}},
            named=True,
        ),
    ),
    "speech": (
        SPEECH,
        events(
            {"type": "speech.audio.delta", "audio": "QUJD"},
            {"type": "speech.audio.done", "usage": {"input_tokens": 1, "output_tokens": 2}},
        ),
    ),
}


@pytest.mark.parametrize("name", STREAMS)
@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=1, max_size=30))
def test_any_chunking_gives_the_same_bytes(name: str, sizes: list[int]) -> None:
    dialect, raw = STREAMS[name]
    pieces, at, turn = [], 0, 0
    while at < len(raw):
        size = sizes[turn % len(sizes)]
        pieces.append(raw[at : at + size])
        at, turn = at + size, turn + 1
    whole, made = run(dialect, [raw], {STAND_IN: VALUE})
    cut, same = run(dialect, pieces, {STAND_IN: VALUE})
    assert cut == whole and made.complete and same.complete and same.usage == made.usage != {}
    assert whole.count(b": sealgate-restored 3/3") == 1


@pytest.mark.parametrize("name", STREAMS)
def test_without_stand_ins_every_event_keeps_its_bytes(name: str) -> None:
    dialect, raw = STREAMS[name]
    out, _ = run(dialect, [raw], {})
    assert out.replace(b": sealgate-restored 3/3\n\n", b"") == raw


@pytest.mark.parametrize("empty_end", [True, False])
def test_each_choice_of_a_completion_has_its_own_channel(empty_end: bool) -> None:
    raw = completion(f"Dear {STAND_IN} é", f"{STAND_IN}\n{STAND_IN}", empty_end=empty_end)
    out, made = run(COMPLETIONS, [raw], {STAND_IN: VALUE})
    assert texts(out) == {0: f"Dear {VALUE} é", 1: f"{VALUE}\n{VALUE}"}
    assert made.usage == {"tokens_in": 3, "tokens_out": 4}
    held, _ = run(COMPLETIONS, [completion(f"a {STAND_IN[:9]}", STAND_IN[:4], empty_end=empty_end)], {STAND_IN: VALUE})
    assert texts(held) == {0: f"a {STAND_IN[:9]}", 1: STAND_IN[:4]}, "what is no stand-in after all comes out"
    finished = [c["index"] for t in data(held) for c in t["choices"] if c["finish_reason"]]
    assert finished == [0, 1] and held.index(b"sealgate-restored") < held.index(b"[DONE]")


@pytest.mark.parametrize("named", [True, False])
def test_a_transcript_is_restored_in_deltas_segments_and_the_end(named: bool) -> None:
    raw = transcript(f"I am {STAND_IN}", named=named)
    out, _ = run(TRANSCRIPTS, [raw], {STAND_IN: VALUE})
    trees = data(out)
    assert "".join(t["delta"] for t in trees if "delta" in t) == f"I am {VALUE}"
    assert [t["text"] for t in trees if "text" in t] == [f"I am {VALUE}"] * 2
    assert [t["speaker"] for t in trees if "speaker" in t] == [VALUE]
    held, _ = run(TRANSCRIPTS, [transcript(f"I am {STAND_IN[:8]}", named=named)], {STAND_IN: VALUE})
    kinds = [t["type"].rpartition(".")[2] for t in data(held)]
    assert "".join(t.get("delta", "") for t in data(held)) == f"I am {STAND_IN[:8]}"
    assert kinds[-3:] == ["delta", "segment", "done"], "what is held goes out before the segment ends"
    assert held.count(b"event: ") == (len(kinds) if named else 0)


def test_a_stream_that_stops_early_gives_out_what_it_holds_and_is_not_complete() -> None:
    raw = events(choice("Hello "), choice(STAND_IN[:8]))
    out, made = run(COMPLETIONS, [raw], {STAND_IN: VALUE})
    assert texts(out) == {0: f"Hello {STAND_IN[:8]}"} and not made.complete
    torn, made = run(COMPLETIONS, [raw + b'data: {"choices": [{"te'], {STAND_IN: VALUE})
    assert torn.endswith(b'{"choices": [{"te') and not made.complete
    whole, made = run(COMPLETIONS, [raw + b"data: " + json.dumps(choice(STAND_IN[8:])).encode()], {STAND_IN: VALUE})
    assert texts(whole) == {0: f"Hello {VALUE}"} and not made.complete
    held, _ = run(COMPLETIONS, [b"data: " + json.dumps(choice(f"a {STAND_IN[:8]}")).encode()], {STAND_IN: VALUE})
    assert texts(held) == {0: f"a {STAND_IN[:8]}"}, "what was held follows what came before it"


def test_errors_and_unknown_events_pass_and_an_endless_line_is_the_upstreams_fault() -> None:
    raw = b'event: error\ndata: {"error": {"message": "x"}}\n\nid: 7\nretry: 5\ndata: ping\n\ndata: [1]\n\n'
    for dialect in (COMPLETIONS, TRANSCRIPTS, IMAGES, SPEECH):
        out, made = run(dialect, [raw], {STAND_IN: VALUE})
        assert out.startswith(raw) and not made.complete
        with pytest.raises(UpstreamError):
            run(dialect, [b"data: " + b"x" * (sse.MAX_LINE_BYTES + 1)], {})
