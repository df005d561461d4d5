import json

import pytest

from attestation import endings
from attestation.endings import CandidateEnding, DoneEnding, EventEnding, JsonEnding, SseEnding

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


def line(text: str, **more: object) -> bytes:
    return json.dumps({"message": {"content": text}, "done": False, **more}, ensure_ascii=False).encode() + b"\n"


LINES = line("grüße") + line('"done": true') + line("", done=True)


@pytest.mark.parametrize(
    "stream", [LINES, LINES.rstrip(), LINES.replace(b"\n", b"\r\n"), LINES + b"\n", line("", done=True)]
)
def test_lines_are_over_after_the_one_that_says_done(stream):
    assert over(DoneEnding(), stream)
    assert over(DoneEnding(), *(bytes([b]) for b in stream))
    for cut in range(len(stream.rstrip())):
        assert not over(DoneEnding(), stream[:cut])  # also where the first lines are whole documents
        assert over(DoneEnding(), stream[:cut], stream[cut:])


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", line("more"), LINES + line("behind"), LINES + b"{", line("", done=1), line("", done="true"),
     b'"done"\n',
     b"[true]\n", line("done") + b'{"done":true', b'{"message":{"done":true}}\n', b'{"error":{}}\n', b"\xff done\n",
     b'{"done":' + b"[" * 100_000],
)  # fmt: skip
def test_lines_without_their_end_are_not_over(text):
    assert not over(DoneEnding(), text)


def test_an_error_of_the_service_is_an_end():
    assert over(DoneEnding(), line("half"), b'{"error":"out of memory"}\n')
    assert over(CandidateEnding(), chunk("half"), b'data: {"error": {"code": 503}}\n\n')


def chunk(text: str, finish: str | None = None, **more: object) -> bytes:
    candidate = {
        "content": {"parts": [{"text": text}]},
        "index": 0,
        **({"finishReason": finish} if finish else {}),
        **more,
    }
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\r\n\r\n"


USAGE = b'data: {"usageMetadata": {"totalTokenCount": 5}}\r\n\r\n'
CHUNKS = chunk("a") + chunk('"finishReason": "STOP"') + chunk("", "STOP")


@pytest.mark.parametrize("stream", [CHUNKS, CHUNKS.replace(b"\r", b""), chunk("all", "MAX_TOKENS"), USAGE + CHUNKS])
def test_candidates_are_over_after_their_reason_to_finish(stream):
    assert over(CandidateEnding(), stream) and over(CandidateEnding(), stream, USAGE, b": kept alive\n\n")
    assert over(CandidateEnding(), *(bytes([b]) for b in stream))
    for cut in range(len(stream.rstrip()) + 1):
        assert not over(CandidateEnding(), stream[:cut])
        assert over(CandidateEnding(), stream[:cut], stream[cut:])


def test_a_blocked_prompt_is_an_end():
    assert over(CandidateEnding(), b'data: {"promptFeedback": {"blockReason": "SAFETY"}}\n\n')


@pytest.mark.parametrize(
    "text",
    [b"", USAGE, chunk("a"), CHUNKS + chunk("more"), CHUNKS + b"data: {", CHUNKS + b"x",
     CHUNKS + b"data: {}\n", chunk("", "STOP", index=1),
     b'data: {"candidates": [{"finishReason": "STOP"}, {"finishReason": "STOP", "index": 1}]}\n\n',
     b'data: {"candidates": {"finishReason": "STOP"}}\n\n', b'data: {"candidates": ["STOP"]}\n\n', b"data: [1]\n\n",
     b'data: {"candidates": [{"finishReason": null}]}\n\n', b'data: {"promptFeedback": {}}\n\n',
     b'data: {"error": 1}\n\n',
     b'event: x\n{"candidates": [{"finishReason": "STOP"}]}\n\n', b"data: " + b"[" * 100_000 + b"\n\n"],
)  # fmt: skip
def test_candidates_without_their_end_are_not_over(text):
    assert not over(CandidateEnding(), text)


TWO = chunk("a") + chunk("b", index=1) + chunk("", "STOP") + chunk("", "MAX_TOKENS", index=1)
BOTH = b'data: {"candidates": [{"finishReason": "STOP"}, {"finishReason": "STOP", "index": 1}]}\n\n'


@pytest.mark.parametrize("stream", [TWO, BOTH, chunk("", "STOP", index=1) + chunk("", "STOP"), TWO + USAGE])
def test_several_candidates_are_over_when_each_is(stream):
    assert over(CandidateEnding(2), stream)
    assert over(CandidateEnding(2), *(bytes([b]) for b in stream))
    assert not over(CandidateEnding(3), stream)
    assert not over(CandidateEnding(1), stream)


@pytest.mark.parametrize(
    "stream",
    [CHUNKS, TWO + chunk("more"), TWO + chunk("", "STOP", index=2), TWO + chunk("", "STOP", index=-1),
     TWO + chunk("", "STOP", index=True), CHUNKS + chunk("", "STOP"), TWO + chunk("more", index=1) + chunk("", "STOP"),
     chunk("", "STOP") + chunk("", "STOP", index="1")],
)  # fmt: skip
def test_several_candidates_of_which_one_goes_on_or_is_missing_are_not_over(stream):
    assert not over(CandidateEnding(2), stream)


def test_a_second_candidate_is_no_end_later_either():
    assert not over(CandidateEnding(), chunk("", "STOP", index=1), CHUNKS)


@pytest.mark.parametrize("make", [DoneEnding, CandidateEnding])
def test_what_is_too_long_to_be_read_has_no_end(make, monkeypatch):
    monkeypatch.setattr(endings, "MAX_LINE", 150)
    good = line("", done=True) if make is DoneEnding else chunk("", "STOP")
    assert over(make(), good)
    assert not over(make(), b"data: " + b"x" * 200, b"\n\n", good)
