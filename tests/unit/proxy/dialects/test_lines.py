"""Lines of files: each is judged by the dialect of what is in it, and comes back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plain_restorer import Plain as Factory

from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Reference
from proxy.dialects.held import BATCHES, FILES, HeldState
from proxy.dialects.lines import Enveloped, Lines, Plain, Text, Whole, any_json, batch_line
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import BadRequest, UpstreamError

URL = "/v1/chat/completions"
CHAT = {URL: OpenAIChat()}
ENVELOPE = Enveloped("body", CHAT, {"method": "POST"})
TOKEN, VALUE = "EMAIL_0123456789abc", 'a"b\\c\n@x'


def line(**more: Any) -> bytes:
    body = {"model": "m", "temperature": 1.50, "messages": [{"role": "user", "content": "hi Anna"}]}
    return json.dumps({"custom_id": "t1", "method": "POST", "url": URL, "body": body, **more}).encode()


def test_every_text_of_a_line_is_a_segment_and_the_envelope_hides_nothing() -> None:
    parsed = ENVELOPE.parse(line(note="Bert", method="Carl"))
    texts = {(s.pointer, s.text, s.kind) for s in parsed.segments}
    assert ("/body/messages/0/content", "hi Anna", "text") in texts
    assert ("/custom_id", "t1", "text") in texts
    assert ("/note", "Bert", "text") in texts
    assert ("/note", "note", "key") in texts
    assert ("/method", "Carl", "text") in texts
    assert (parsed.model, parsed.dialect, parsed.scope) == ("m", "openai.chat", "app")


def test_edits_reach_inside_and_outside_and_nothing_else_changes() -> None:
    parsed = ENVELOPE.parse(line())
    edits = {("/body/messages/0/content", "text"): "hi X", ("/custom_id", "text"): "t2"}
    made = ENVELOPE.render(parsed, edits, "other")
    want = json.loads(line())
    want["custom_id"], want["body"]["model"], want["body"]["messages"][0]["content"] = "t2", "other", "hi X"
    assert json.loads(made) == want
    assert b"1.50" not in line() or b"1.50" in made
    assert b"\n" not in made
    assert ENVELOPE.render(parsed, {}, "m") == line()
    assert ENVELOPE.render(parsed, {("/custom_id", "text"): "t1"}, "m") == line()


@pytest.mark.parametrize("more", [{"url": "/v1/elsewhere"}, {"url": 1}, {"body": "x"}, {"body": None}, {"url": [URL]}])
def test_a_line_without_a_request_that_is_served_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        ENVELOPE.parse(line(**more))


def test_text_is_one_segment() -> None:
    parsed = Text().parse("grüße Anna".encode())
    assert [(s.pointer, s.text) for s in parsed.segments] == [("", "grüße Anna")]
    assert Text().render(parsed, {("", "text"): "x"}, "") == b"x"
    with pytest.raises(BadRequest):
        Text().parse(b"\xff")


def result(**more: Any) -> bytes:
    call = {"id": "c", "type": "function", "function": {"name": "send", "arguments": json.dumps({"to": TOKEN})}}
    message = {"role": "assistant", "content": f"to {TOKEN}", "tool_calls": [call]}
    body = {"id": "x", "choices": [{"index": 0, "message": message}]}
    made = {"id": "r", "custom_id": TOKEN, "response": {"status_code": 200, "body": body}, "error": None, **more}
    return json.dumps(made).encode()


@pytest.mark.parametrize("size", [1, 3, 64, 10_000])
def test_results_are_restored_line_by_line_whatever_the_chunks(size: int) -> None:
    data = result() + b"\n\n" + result(response={"status_code": 400, "body": {"error": f"no {TOKEN}"}}) + b"\nrest"
    stream = Lines(Factory({TOKEN: VALUE}), batch_line(CHAT, URL))
    out = b"".join(stream.feed(data[i : i + size]) for i in range(0, len(data), size)) + stream.close()
    first, empty, second, rest = out.split(b"\n")
    assert (empty, rest, stream.complete) == (b"", b"rest", True)
    made = json.loads(first)
    message = made["response"]["body"]["choices"][0]["message"]
    assert (made["custom_id"], message["content"]) == (VALUE, f"to {VALUE}")
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"to": VALUE}
    assert json.loads(second)["response"]["body"] == {"error": f"no {VALUE}"}


def test_results_of_messages_are_restored() -> None:
    message = {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "text", "text": TOKEN}]}
    data = json.dumps({"custom_id": "t", "result": {"type": "succeeded", "message": message}}).encode()
    made = json.loads(batch_line({"": AnthropicMessages()}, "")(data, Factory({TOKEN: VALUE})))
    assert made["result"]["message"]["content"][0]["text"] == VALUE


def test_a_line_that_holds_nothing_of_ours_keeps_its_bytes() -> None:
    data = b'{"response" : {"body": {"choices": [ ]}},  "n": 1.50}'
    assert batch_line(CHAT, URL)(data, Factory({TOKEN: VALUE})) == data
    assert any_json(b"{broken", Factory({TOKEN: VALUE})) == b"{broken"


def test_json_is_restored_in_keys_strings_and_documents_in_strings() -> None:
    data = json.dumps({TOKEN: [TOKEN, json.dumps({"a": TOKEN})], "n": 1})
    stream = Whole(Factory({TOKEN: VALUE}), any_json)
    made = json.loads(stream.feed(data[:9].encode()) + stream.feed(data[9:].encode()) + stream.close())
    assert made[VALUE][0] == VALUE
    assert json.loads(made[VALUE][1]) == {"a": VALUE}


@pytest.mark.parametrize("size", [1, 2, 50])
def test_text_is_restored_across_characters_and_keeps_bytes_that_are_no_text(size: int) -> None:
    data = f"grüße {TOKEN} ü".encode() + b"\xff\xfe" + TOKEN.encode() + b"\xc3"
    stream = Plain(Factory({TOKEN: "Zoë"}))
    out = b"".join(stream.feed(data[i : i + size]) for i in range(0, len(data), size)) + stream.close()
    assert out == "grüße Zoë ü".encode() + b"\xff\xfe" + "Zoë".encode() + b"\xc3"


def test_a_line_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.dialects.lines.LINE_BYTES", 100)
    for stream in (Lines(Factory({}), any_json), Whole(Factory({}), any_json)):
        with pytest.raises(UpstreamError):
            stream.feed(b"x" * 101)


def test_a_request_about_state_names_it_and_hides_no_text() -> None:
    asked = HeldState(FILES, "file", "file-1").parse(b"")
    assert asked.references == (Reference("file", "file-1", used=False),)
    body = {"input_file_id": "file-1", "completion_window": "24h", "endpoint": URL, "metadata": {"Anna": "Bert"}}
    made = HeldState(BATCHES, "batch").parse(json.dumps({**body, "completion_window": "Carl"}).encode())
    assert made.references == (Reference("file", "file-1"),)
    assert {"Anna", "Bert", "Carl"} <= {s.text for s in made.segments}
    with pytest.raises(BadRequest):
        HeldState(BATCHES, "batch").parse(b'{"input_file_id": ["file-1"]}')


def test_an_answer_says_what_is_held_since() -> None:
    factory = Factory({TOKEN: VALUE})
    body = json.dumps({"id": "b1", "output_file_id": "f2", "error_file_id": None, "metadata": {"a": TOKEN}}).encode()
    out, _ = HeldState(BATCHES, "batch", "b1").restore(body, factory)
    assert factory.made == [("batch", "b1"), ("file", "f2")]
    assert json.loads(out)["metadata"] == {"a": VALUE}
    gone = Factory({})
    HeldState(FILES, "file", "f2").restore(b'{"id": "f2", "deleted": true}', gone)
    assert gone.made == []
    for bad in (b"[]", b"{}", b'{"id": 1}', b"<html>"):
        with pytest.raises(ValueError):  # noqa: PT011 -- the contract says no more
            HeldState(FILES, "file").restore(bad, gone)
