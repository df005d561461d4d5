"""Answers come back with real values, whole or in a stream of any chunking, and otherwise as they were sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from plain_restorer import factory

from proxy.dialects import sse
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import UpstreamError

NAME, MAIL = "PERSON_k3f9xkzzzzzzz", "EMAIL_q7q7q7q7q7q7q"
VALUES = {NAME: 'Zoë "Z" 🦊', MAIL: "zoe@real.example"}
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1767225600, "model": "gpt-4o"}
CHAT = OpenAIChat()


def event(*choices: dict[str, Any], **more: Any) -> bytes:
    return b"data: " + json.dumps({**HEAD, "choices": list(choices), **more}).encode() + b"\n\n"


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish}


def arguments(text: str, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": text}, **more}


def opening(index: int = 0, name: str = "mail") -> dict[str, Any]:
    function = {"name": name, "arguments": ""}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function}


DONE = b"data: [DONE]\n\n"


def restored(chunks: Iterable[bytes], places: list[str] | None = None) -> bytes:
    stream = CHAT.restore_stream(factory(VALUES, places), lambda: "sealgate-restored 1/1")
    return b"".join([stream.feed(c) for c in chunks]) + stream.close()


def chunks(out: bytes) -> list[ChatCompletionChunk]:
    """Every chunk, read by the official SDK's own types."""
    parser = sse.Parser()
    events = parser.feed(out) + parser.close()
    data = [e.data for e in events if e.data is not None and e.data != "[DONE]"]
    return [ChatCompletionChunk.model_validate_json(d, strict=True) for d in data]


def joined(out: bytes) -> dict[tuple[int, str], str]:
    """What an app has in the end: (choice, channel) -> text."""
    found: dict[tuple[int, str], str] = {}
    for chunk in chunks(out):
        for choice in chunk.choices:
            given = choice.delta
            pairs = [("content", given.content), ("refusal", given.refusal)]
            pairs.append(("reasoning_content", getattr(given, "reasoning_content", None)))
            if given.function_call is not None:
                pairs.append(("function_call", given.function_call.arguments))
            pairs += [(f"call{c.index}", c.function.arguments) for c in given.tool_calls or () if c.function]
            for channel, text in pairs:
                found[choice.index, channel] = found.get((choice.index, channel), "") + (text or "")
    return {k: v for k, v in found.items() if v}


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


TEXT = f"Dear {NAME}, we wrote to {MAIL}. PERSON_k3f9 is no one. Yours, {NAME}"
ARGS = json.dumps({"to": MAIL, "who": [NAME, f"x{NAME}y"]})


def everything(size: int) -> bytes:
    """Two choices, all channels, calls in parallel and interleaved, comments, ids, usage."""
    out = b": welcome\n\n" + event(delta(role="assistant", content=""), delta(1, role="assistant", content=None))
    out += event(delta(1, tool_calls=[opening(0), opening(1, "find")]))
    for one, args in zip(pieces(TEXT, size), pieces(ARGS, size) + [""] * len(TEXT), strict=False):
        out += event(delta(content=one, reasoning_content=one))
        out += event(delta(1, tool_calls=[arguments(args)]), delta(refusal=one))
        out += b"id: 7\r\nevent: message\r\n" + event(delta(1, tool_calls=[arguments(args, 1)]))
    out += event(delta(1, "tool_calls")) + event(delta(0, "stop"))
    return out + event(usage={"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}) + DONE


def real(text: str, *, escaped: bool = False) -> str:
    for stand_in, value in VALUES.items():
        text = text.replace(stand_in, json.dumps(value, ensure_ascii=False)[1:-1] if escaped else value)
    return text


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 1000])
def test_every_channel_of_every_choice_is_restored(size: int) -> None:
    places: list[str] = []
    out = restored([everything(size)], places)
    text, args = real(TEXT), real(ARGS, escaped=True)
    assert joined(out) == {
        (0, "content"): text, (0, "refusal"): text, (0, "reasoning_content"): text,
        (1, "call0"): args, (1, "call1"): args,
    }  # fmt: skip
    assert json.loads(args)["to"] == VALUES[MAIL]
    assert {"tool_args:mail", "tool_args:find", "text", "thought"} == set(places)
    assert out.endswith(b": sealgate-restored 1/1\n\n" + DONE)
    assert b": welcome\n\n" in out


@pytest.mark.parametrize("size", [1, 2, 3, 11, 64, 1000])
def test_how_the_network_cuts_the_stream_changes_no_byte(size: int) -> None:
    stream = everything(4)
    assert restored(stream[i : i + size] for i in range(0, len(stream), size)) == restored([stream])


def test_a_stream_without_stand_ins_passes_byte_for_byte() -> None:
    stream = (
        b"\xef\xbb\xbf: ping\r\n\r\nretry: 10\n\n"
        b'data:{"choices":[{"index":0,"delta":{"content":"caf\\u00e9 1.0"}}],"x":1.0}\r\n\r\n'
        b"event: odd\ndata: not json\n\n"
        b'data: {"error": {"message": "overloaded"}}\n\n' + event(delta(content="x")) + event(delta(0, "stop"))
    )
    assert restored([stream + DONE]) == stream + b": sealgate-restored 1/1\n\n" + DONE


def test_only_the_data_of_a_changed_event_is_written_anew() -> None:
    raw = b': c\nid: 5\ndata: {"choices":[{"delta":{"content":"' + MAIL.encode() + b'"}}],"n":1.50}\nretry: 3\n\n'
    out = restored([raw])
    assert out.startswith(
        b': c\nid: 5\ndata: {"choices":[{"delta":{"content":"zoe@real.example"}}],"n":1.50}\nretry: 3\n\n'
    )


def test_held_text_goes_out_before_its_choice_finishes() -> None:
    out = restored([event(delta(content="see PERSON_k3f")), event(delta(0, "length")), DONE])
    read = [(c.choices[0].delta.content, c.choices[0].finish_reason) for c in chunks(out)]
    assert read == [("see ", None), ("PERSON_k3f", None), (None, "length")]
    assert {(c.id, c.model, c.created) for c in chunks(out)} == {("chatcmpl-1", "gpt-4o", 1767225600)}


def test_a_finishing_event_that_carries_text_takes_what_was_held_with_it() -> None:
    out = restored([event(delta(content="a PERSON_")), event(delta(0, "stop", content="k3f")), DONE])
    read = [(c.choices[0].delta.content, c.choices[0].finish_reason) for c in chunks(out)]
    assert read == [("a ", None), ("PERSON_k3f", "stop")]


def test_held_arguments_go_out_in_a_delta_of_their_own_call() -> None:
    first = event(delta(tool_calls=[opening(0), opening(1)]))
    out = restored([first, event(delta(tool_calls=[arguments('["EMAIL_', 1)])), event(delta(0, "tool_calls")), DONE])
    late = chunks(out)[-2].choices[0].delta.tool_calls
    assert late is not None
    assert [(c.index, c.function.arguments) for c in late if c.function] == [(1, "EMAIL_")]


def test_legacy_calls_and_restored_names_are_streamed_too() -> None:
    places: list[str] = []
    out = restored(
        [
            event(delta(function_call={"name": f"ask_{NAME}", "arguments": '{"a":"EMAIL_q7q'})),
            event(delta(function_call={"arguments": '7q7q7q7q7q"}'})),
            event(delta(0, "function_call")),
            DONE,
        ],
        places,
    )
    assert joined(out)[0, "function_call"] == '{"a":"zoe@real.example"}'
    assert f"tool_args:ask_{VALUES[NAME]}" in places


@pytest.mark.parametrize("finished", [True, False])
def test_a_stream_that_breaks_off_gives_what_it_holds_and_is_not_complete(finished: bool) -> None:
    stream = CHAT.restore_stream(factory(VALUES), lambda: "t")
    out = stream.feed(event(delta(content="see PERSON_k3f")) + (event(delta(0, "stop")) if finished else b""))
    out += stream.feed(b'data: {"choices": [{"del')
    assert out.count(b"PERSON_k3f") == finished
    out += stream.close()
    assert joined(out.rpartition(b"data: ")[0]) == {(0, "content"): "see PERSON_k3f"}
    assert out.endswith(b'\n\ndata: {"choices": [{"del')
    assert not stream.complete


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r\n"])
def test_an_end_without_its_empty_line_is_still_the_end(end: bytes) -> None:
    stream = CHAT.restore_stream(factory(VALUES), lambda: "t")
    out = stream.feed(event(delta(content="PERSON_")) + end) + stream.close()
    assert stream.complete
    assert joined(out) == {(0, "content"): "PERSON_"}
    assert out.count(b": t\n\n") == 1


def test_usage_is_read_and_the_end_is_seen() -> None:
    stream = CHAT.restore_stream(factory(VALUES), lambda: "t")
    stream.feed(event(usage=None) + event(usage={"prompt_tokens": 7, "completion_tokens": 9}))
    assert stream.usage == {"tokens_in": 7, "tokens_out": 9}
    assert not stream.complete
    stream.feed(DONE)
    assert stream.complete
    assert stream.feed(b": late\n\n") + stream.close() == b": late\n\n"


def test_the_trailer_cannot_forge_an_event() -> None:
    stream = CHAT.restore_stream(factory(VALUES), lambda: "x\n\ndata: forged\n\n")
    out = stream.feed(DONE)
    assert out.endswith(b"\n\n" + DONE)
    assert b"\ndata: forged" not in out


def test_a_line_without_end_is_an_upstream_error() -> None:
    stream = CHAT.restore_stream(factory(VALUES), lambda: "t")
    assert stream.feed(b"x" * sse.MAX_LINE_BYTES) == b""
    with pytest.raises(UpstreamError):
        stream.feed(b"x")


@pytest.mark.parametrize(
    "data",
    ['{"choices":[5]}', '{"choices":[{"delta":5}]}', '{"choices":[{"index":"x","delta":{"content":5}}]}', "[]", "5",
     '{"choices":[{"delta":{"tool_calls":5,"function_call":5}}]}', '{"choices":[{"delta":{"tool_calls":[5,{}]}}]}',
     '{"choices":{}}', "[" * 5000, '{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{}}}]}}]}'],
)  # fmt: skip
def test_odd_events_pass_as_they_are(data: str) -> None:
    raw = f"data: {data}\n\n".encode()
    assert restored([raw + DONE]) == raw + b": sealgate-restored 1/1\n\n" + DONE


# -- complete answers -------------------------------------------------------------------------------------------------


def answer(**message: Any) -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "finish_reason": "stop",
        "logprobs": None,
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16}
    return json.dumps({**HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def test_a_complete_answer_is_restored_and_valid() -> None:
    places: list[str] = []
    call = {"id": "c", "type": "function", "function": {"name": "mail", "arguments": ARGS}}
    raw = answer(content=TEXT, refusal=TEXT, tool_calls=[call], reasoning_content=TEXT,
                 function_call={"name": "old", "arguments": ARGS})  # fmt: skip
    out, usage = CHAT.restore(raw, factory(VALUES, places))
    message = ChatCompletion.model_validate_json(out, strict=True).choices[0].message
    assert message.content == message.refusal == real(TEXT)
    assert message.tool_calls is not None and message.tool_calls[0].type == "function"
    assert json.loads(message.tool_calls[0].function.arguments)["who"][0] == VALUES[NAME]
    assert message.function_call is not None
    assert json.loads(message.function_call.arguments)["to"] == VALUES[MAIL]
    assert usage == {"tokens_in": 7, "tokens_out": 9}
    assert {"tool_args:mail", "tool_args:old"} <= set(places)


def test_token_strings_and_annotations_keep_their_stand_ins() -> None:
    raw = json.loads(answer(content=NAME, annotations=[{"url_citation": {"title": NAME}}]))
    raw["choices"][0]["logprobs"] = {"content": [{"token": NAME, "logprob": -0.10}]}
    out = json.loads(CHAT.restore(json.dumps(raw).encode(), factory(VALUES))[0])
    assert out["choices"][0]["logprobs"]["content"][0]["token"] == NAME
    assert out["choices"][0]["message"]["annotations"][0]["url_citation"]["title"] == NAME
    assert out["choices"][0]["message"]["content"] == VALUES[NAME]


def test_an_answer_without_stand_ins_keeps_its_bytes() -> None:
    raw = b' {"choices": [{"message": {"content": "caf\\u00e9"}}], "x": 1.0}\n'
    assert CHAT.restore(raw, factory(VALUES)) == (raw, {})


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b"[]", b"5", b"\xff", b'{"error": {"message": "x"}}', b'{"choices": {}}', b"[" * 9999]
)
def test_what_is_no_completion_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match="the answer is"):
        CHAT.restore(raw, factory(VALUES))


def test_what_is_held_comes_before_a_torn_end_and_after_a_whole_event_that_no_empty_line_ended() -> None:
    begun, rest = event(delta(content=NAME[:9])), event(delta(content=NAME[9:] + " says")).rstrip(b"\n")
    out = restored([begun, rest])
    assert joined(out)[0, "content"] == f"{VALUES[NAME]} says"
    assert out.index(b"says") < out.index(b": sealgate-restored")
    torn = restored([begun, b'data: {"choi'])
    assert torn.endswith(b'data: {"choi') and joined(torn.removesuffix(b'data: {"choi'))[0, "content"] == NAME[:9]
