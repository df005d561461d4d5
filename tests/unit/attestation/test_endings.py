import json

import pytest

from attestation.endings import EventEnding, JsonEnding, SseEnding

DOCUMENT = json.dumps(
    {"a": ['}]"\\', "\\\\", {"b": "{[\\"}], "ü": "\u2028", "n": [1, [], {}]}, ensure_ascii=False
).encode()
STREAM = b'data: {"content":"data: [DONE]\\n"}\n\ndata: [DONE]\n\n'


def over(ending, *pieces):
    for piece in pieces:
        ending.feed(piece)
    return ending.over


@pytest.mark.parametrize("tail", [b"", b"\n", b" \r\n\t"])
def test_a_whole_document_is_over_and_no_part_of_it_is(tail):
    assert over(JsonEnding(), DOCUMENT + tail)
    assert over(JsonEnding(), *(bytes([b]) for b in b"\n " + DOCUMENT + tail))
    for cut in range(len(DOCUMENT)):
        assert not over(JsonEnding(), DOCUMENT[:cut])
        assert over(JsonEnding(), DOCUMENT[:cut], DOCUMENT[cut:] + tail)


@pytest.mark.parametrize("text", [b"", b"  ", b"1", b'"{}"', b"{}{", b"{}x", b"[]]", b"x{}", b"]", b"null", b'{"a":"}'])
def test_what_is_no_document_is_never_over(text):
    assert not over(JsonEnding(), text)
    assert not over(JsonEnding(), *(bytes([b]) for b in text))


def test_nothing_may_follow_later():
    ending = JsonEnding()
    assert over(ending, b"{}", b" ")
    assert not over(ending, b"x")
    assert not over(ending, b" ")


@pytest.mark.parametrize("stream", [STREAM, STREAM.replace(b"\n\n", b"\r\n\r\n"), STREAM.rstrip(), b"data:[DONE]"])
def test_a_stream_is_over_after_its_mark(stream):
    assert over(SseEnding(), stream)
    assert over(SseEnding(), *(bytes([b]) for b in stream))
    for cut in range(len(stream.rstrip())):
        assert not over(SseEnding(), stream[:cut])
        assert over(SseEnding(), stream[:cut], stream[cut:])


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"data: [DONE]x\n", b"xdata: [DONE]\n", STREAM + b"data: more\n", STREAM + b"d"]
)
def test_a_stream_without_its_mark_is_not_over(text):
    assert not over(SseEnding(), text)


def test_other_marks_and_long_lines():
    assert over(SseEnding((b"event: message_stop",)), b"event: message_stop\n")
    ending = SseEnding()
    ending.feed(b"x" * 10_000)
    assert len(ending._line) < 20
    assert not over(ending, b"data: [DONE]\n")


NAMED = b'event: response.delta\ndata: {"a":"event: message_stop"}\n\n: note\n\nevent: message_stop\ndata: {"x":1}\n\n'


@pytest.mark.parametrize("stream", [NAMED, NAMED.replace(b"\n", b"\r\n"), NAMED.replace(b"event: m", b"event:m")])
def test_a_named_stream_is_over_with_its_last_event_whole(stream):
    names = (b"message_stop", b"response.completed")
    assert over(EventEnding(names), stream)
    assert over(EventEnding(names), *(bytes([b]) for b in stream))
    for cut in range(len(stream)):
        assert not over(EventEnding(names), stream[:cut].removesuffix(b"\n\n").removesuffix(b"\r\n\r\n"))
        assert over(EventEnding(names), stream[:cut], stream[cut:])


@pytest.mark.parametrize(
    "text",
    [b"", b"\n\n", b"event: message_stop\ndata: {}\n", b"event: message_stopped\ndata: {}\n\n",
     NAMED + b"data: more\n\n", NAMED + b"d", b"data: event: message_stop\n\n", b"xevent: message_stop\n\n",
     NAMED + b"event: other\ndata: {}\n\n"],
)  # fmt: skip
def test_a_named_stream_without_its_last_event_is_not_over(text):
    assert not over(EventEnding((b"message_stop",)), text)
    assert not over(EventEnding((b"message_stop",)), *(bytes([b]) for b in text))
