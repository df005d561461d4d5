"""The array form of a stream says what its events say, and never looks whole when it is not."""

from __future__ import annotations

import json

import pytest
from plain_restorer import factory

from proxy.dialects.gemini_array import GeminiArray

STAND_IN, VALUE = "PERSON_k3f9xkzzzzzzz", 'Zoë "Z"'


def event(text: str, **more: object) -> bytes:
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0, **more}
    return b"data: " + json.dumps({"candidates": [candidate]}).encode() + b"\r\n\r\n"


def run(data: bytes, size: int) -> tuple[bytes, bool]:
    stream = GeminiArray().restore_stream(factory({STAND_IN: VALUE}), str)
    out = b"".join(stream.feed(data[i : i + size]) for i in range(0, len(data), size)) + stream.close()
    return out, stream.complete


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_any_chunking_gives_the_same_array(size: int) -> None:
    out, complete = run(event("Dear PERSON_k3f") + b": a comment\n\n" + event("9xkzzzzzzz!", finishReason="STOP"), size)
    parts = [p["text"] for c in json.loads(out) for p in c["candidates"][0]["content"]["parts"]]
    assert "".join(parts) == f"Dear {VALUE}!" and complete


def test_an_element_comes_as_soon_as_its_event_does() -> None:
    stream = GeminiArray().restore_stream(factory({STAND_IN: VALUE}), str)
    first, second = stream.feed(event("Dear you,")), stream.feed(event(" and you."))
    assert json.loads(first + b"]") and second.startswith(b",")


def test_what_is_held_is_an_element_of_its_own() -> None:
    out, complete = run(event("Dear PERSON_k3f"), 9)
    assert "PERSON_k3f" in json.dumps(json.loads(out)[-1]) and not complete


def test_nothing_is_an_empty_array_and_an_error_an_element() -> None:
    assert json.loads(run(b"", 1)[0]) == []
    assert json.loads(run(event("a") + b'data: {"error": {"code": 500}}\n\n', 5)[0])[1] == {"error": {"code": 500}}


@pytest.mark.parametrize("torn", [b'data: {"candid', b"data: x\n\n"])
def test_a_torn_stream_leaves_the_array_open(torn: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(run(event("a") + torn, 5)[0])
