"""Gemini streams: whole responses as events whose texts are deltas; restored under any chunking, nothing added."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from google.genai.types import GenerateContentResponse
from plain_restorer import factory

from proxy.dialects import sse
from proxy.dialects.gemini import GeminiGenerate
from proxy.errors import UpstreamError

NAME, MAIL = "PERSON_k3f9xkzzzzzzz", "EMAIL_q7q7q7q7q7q7q"
VALUES = {NAME: 'Zoë "Z" 🦊', MAIL: "zoe@real.example"}
HEAD = {"modelVersion": "gemini-x", "responseId": "r1"}
TEXT = f"Dear {NAME}, we wrote to {MAIL}. PERSON_k3f9 is no one. Yours, {NAME}"
USED = {"promptTokenCount": 7, "candidatesTokenCount": 8, "thoughtsTokenCount": 1}


def candidate(*parts: Any, finish: str | None = None, index: int | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if not parts:
        del made["content"]
    made |= {} if index is None else {"index": index}
    return made | ({} if finish is None else {"finishReason": finish})


def event(*candidates: dict[str, Any], **more: Any) -> bytes:
    return b"data: " + json.dumps({"candidates": list(candidates), **more, **HEAD}).encode() + b"\r\n\r\n"


def restored(chunks: Iterable[bytes], places: list[str] | None = None) -> bytes:
    stream = GeminiGenerate().restore_stream(factory(VALUES, places), lambda: "never")
    return b"".join([stream.feed(c) for c in chunks]) + stream.close()


def responses(out: bytes) -> list[GenerateContentResponse]:
    """Every chunk, read by the official SDK's own types."""
    parser = sse.Parser()
    return [
        GenerateContentResponse.model_validate_json(e.data)
        for e in parser.feed(out) + parser.close()
        if e.data is not None
    ]


def joined(out: bytes) -> dict[tuple[int, str], str]:
    """(candidate, kind) -> text, as an app has it in the end."""
    found: dict[tuple[int, str], str] = {}
    for response in responses(out):
        for one in response.candidates or ():
            for part in (one.content.parts if one.content else None) or ():
                if part.text:
                    key = (one.index or 0, "thought" if part.thought else "text")
                    found[key] = found.get(key, "") + part.text
    return found


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def real(text: str) -> str:
    for stand_in, value in VALUES.items():
        text = text.replace(stand_in, value)
    return text


CALL = {"functionCall": {"name": "mail", "args": {"to": [MAIL], "who": {"name": f"x{NAME}y"}, "n": 1}}}


def everything(size: int) -> bytes:
    """Two candidates interleaved, thoughts, then text, a call, text once more."""
    out = b""
    for one in pieces(TEXT, size):
        out += event(candidate({"text": one, "thought": True}), candidate({"text": one}, index=1))
    for one in pieces(TEXT, size):
        out += event(candidate({"text": one}), usageMetadata=USED)
    out += event(candidate(CALL)) + event(candidate({"text": NAME[:9]}, {"text": NAME[9:]}))
    return out + event(candidate(finish="STOP"), candidate(finish="STOP", index=1), usageMetadata=USED)


@pytest.mark.parametrize("size", [*range(1, 12), 1000])
def test_every_text_of_every_candidate_is_restored(size: int) -> None:
    places: list[str] = []
    out = restored([everything(size)], places)
    text = real(TEXT)
    assert joined(out) == {(0, "thought"): text, (1, "text"): text, (0, "text"): text + VALUES[NAME]}
    assert set(places) == {"text", "text+0", "text+0thought", "text+1", "tool_args:mail"}
    calls = [c for r in responses(out) for c in (r.function_calls or ())]
    assert [c.args for c in calls] == [{"to": [VALUES[MAIL]], "who": {"name": f"x{VALUES[NAME]}y"}, "n": 1}]


@pytest.mark.parametrize("size", [1, 2, 3, 11, 64, 1000])
def test_how_the_network_cuts_the_stream_changes_no_byte(size: int) -> None:
    stream = everything(4)
    assert restored(stream[i : i + size] for i in range(0, len(stream), size)) == restored([stream])


def test_every_split_in_two_gives_the_same_bytes() -> None:
    stream = event(candidate({"text": f"é {NAME[:4]}"})) + event(candidate({"text": NAME[4:]}, finish="STOP"))
    whole = restored([stream])
    assert VALUES[NAME] in joined(whole)[0, "text"]
    assert all(restored([stream[:i], stream[i:]]) == whole for i in range(len(stream) + 1))


def test_a_stream_without_stand_ins_passes_byte_for_byte() -> None:
    stream = (
        b": hello\n\n" + event(candidate({"text": "Hi "})) + event(candidate({"text": "there"}, 5, {"inlineData": {}}))
        + b"data: not json\n\nid: 5\nretry: 9\n\n" + event(candidate(finish="STOP"), usageMetadata=USED)
        + b'data: {"candidates": [7, {"content": 5}, {"content": {"parts": 6}}]}\n\n'
    )  # fmt: skip
    assert restored([stream]) == stream


def test_what_is_held_goes_out_before_what_comes_next() -> None:
    held = NAME + NAME[:5]
    out = responses(restored([event(candidate({"text": held})) + event(candidate(CALL))]))
    parts = [p for r in out for c in r.candidates or () for p in (c.content.parts if c.content else None) or ()]
    assert [p.text for p in parts] == [VALUES[NAME], NAME[:5], None] and parts[2].function_call
    parts = [{"text": held, "thought": True}, {"text": "x"}]
    (first,) = responses(restored([event(candidate(*parts))]))[0].candidates or ()
    assert first.content and [(p.text, p.thought) for p in first.content.parts or ()] == [
        (VALUES[NAME], True), (NAME[:5], True), ("x", None),
    ]  # fmt: skip


def test_the_finishing_chunk_carries_the_rest_in_its_text_or_a_part_of_its_own() -> None:
    start = event(candidate({"text": f"a {NAME[:7]}"}))
    for last in (candidate({"text": ""}, finish="MAX_TOKENS"), candidate(finish="MAX_TOKENS")):
        out = responses(restored([start + event(last)]))
        (end,) = out[-1].candidates or ()
        assert end.content and end.content.parts and [p.text for p in end.content.parts] == [NAME[:7]]
        assert end.finish_reason == "MAX_TOKENS" and end.content.role == "model"


def test_a_stream_that_breaks_off_gives_what_it_had() -> None:
    stream = GeminiGenerate().restore_stream(factory(VALUES), lambda: "never")
    out = stream.feed(event(candidate({"text": f"a {NAME[:7]}"}, index=2)) + b'data: {"cand')
    out += stream.close()
    assert not stream.complete and out.endswith(b'data: {"cand')
    assert joined(out.removesuffix(b'data: {"cand')) == {(2, "text"): f"a {NAME[:7]}"}


def test_a_last_event_without_its_empty_line_is_read() -> None:
    stream = GeminiGenerate().restore_stream(factory(VALUES), lambda: "never")
    out = stream.feed(event(candidate({"text": NAME}, finish="STOP")).rstrip(b"\r\n")) + stream.close()
    assert joined(out) == {(0, "text"): VALUES[NAME]} and stream.complete


@pytest.mark.parametrize(
    ("events", "complete"),
    [
        ([event(candidate({"text": "x"}))], False),
        ([event(candidate({"text": "x"}, finish="STOP"))], True),
        ([event(candidate(finish="STOP"), candidate({"text": "x"}, index=1))], False),
        ([event(promptFeedback={"blockReason": "SAFETY"})], True),
        ([b'data: {"error": {"code": 500}}\n\n'], False),
        ([], False),
    ],
)
def test_a_stream_is_complete_when_every_candidate_has_a_reason_to_finish(events: list[bytes], complete: bool) -> None:
    stream = GeminiGenerate().restore_stream(factory(VALUES), lambda: "never")
    for one in events:
        stream.feed(one)
    stream.close()
    assert stream.complete is complete


def test_usage_is_the_last_one_said() -> None:
    stream = GeminiGenerate().restore_stream(factory(VALUES), lambda: "never")
    stream.feed(event(candidate({"text": "x"}), usageMetadata={"promptTokenCount": 7}))
    assert stream.usage == {"tokens_in": 7}
    stream.feed(event(candidate(finish="STOP"), usageMetadata=USED))
    assert stream.usage == {"tokens_in": 7, "tokens_out": 9}


def argument(text: str, path: str = "$.to", *, more: bool = True) -> dict[str, Any]:
    part = {"jsonPath": path, "stringValue": text} | ({"willContinue": True} if more else {})
    return candidate({"functionCall": {"partialArgs": [part], "willContinue": True}})


@pytest.mark.parametrize("size", range(1, 12))
def test_arguments_that_grow_are_restored_path_by_path(size: int) -> None:
    places: list[str] = []
    text = f'to "{NAME}" \\ {MAIL}\n'
    stream = event(candidate({"functionCall": {"name": "mail", "willContinue": True}}))
    for one in pieces(text, size):
        stream += event(argument(one)) + event(argument(one, "$.cc"))
    stream += event(argument("", more=False)) + event(candidate(finish="STOP"))
    found: dict[str, str] = {}
    for response in responses(restored([stream], places)):
        for call in response.function_calls or ():
            for part in call.partial_args or ():
                found[str(part.json_path)] = found.get(str(part.json_path), "") + (part.string_value or "")
    assert found == {"$.to": real(text), "$.cc": real(text)}
    assert places == ["text", "tool_args:mail", "tool_args:mail"]  # the name, then one channel per path


class Late:
    """A restorer that always keeps its last characters for the next time."""

    def __init__(self, keep: int) -> None:
        self._keep, self._text = keep, ""

    def __call__(self, place: str) -> Late:
        return Late(self._keep)

    def created(self, kind: str, id: str) -> None: ...

    def feed(self, chunk: str) -> str:
        text = self._text + chunk
        cut = max(0, len(text) - self._keep)
        self._text = text[cut:]
        return text[:cut]

    def close(self) -> str:
        return self._text


@pytest.mark.parametrize("keep", range(7))
@pytest.mark.parametrize("size", [1, 2, 5])
def test_an_escape_that_the_restorer_cuts_in_two_stays_whole(keep: int, size: int) -> None:
    text = 'a\\"\n\x01\\\\\\u12 \x1f\\'
    stream = GeminiGenerate().restore_stream(Late(keep), lambda: "never")
    out = b"".join([stream.feed(event(argument(one))) for one in pieces(text, size)])
    out += stream.feed(event(argument("", more=False)))
    calls = [c for r in responses(out) for c in r.function_calls or ()]
    assert "".join(p.string_value or "" for c in calls for p in c.partial_args or ()) == text


def test_nothing_but_data_is_added() -> None:
    """Google's client takes every other line for JSON, comments included."""
    out = restored([everything(3)])
    assert all(line == b"" or line.startswith(b"data: ") for line in out.replace(b"\r", b"").split(b"\n"))


def test_a_line_without_end_is_an_upstream_error() -> None:
    stream = GeminiGenerate().restore_stream(factory(VALUES), lambda: "never")
    with pytest.raises(UpstreamError):
        stream.feed(b"x" * 9 * 2**20)
