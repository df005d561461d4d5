"""Gemini's and Ollama's dialects under any document and any chunking: read or refused, never a crash or a lost text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.answers import Restorers
from proxy.dialects.gemini import GeminiCountTokens, GeminiEmbed, GeminiGenerate
from proxy.dialects.ollama import OllamaChat, OllamaEmbed, OllamaGenerate
from proxy.errors import BadRequest

DIALECTS = [GeminiGenerate(), GeminiCountTokens(), GeminiEmbed(), OllamaChat(), OllamaGenerate(), OllamaEmbed()]
WORDS = """contents content parts text role inlineData inline_data mimeType data fileData fileUri functionCall args
functionResponse response name tools functionDeclarations parameters properties type generationConfig stopSequences
stop_sequences requests model generateContentRequest systemInstruction candidates index finishReason thought messages
images tool_calls function arguments options stop format prompt context input message thinking done partialArgs jsonPath
stringValue willContinue promptFeedback groundingMetadata title usageMetadata promptTokenCount error"""
NAMES = WORDS.split()
STAND_INS = {"PERSON_k3f9xkzzzzzzz": 'Zoë "Z"\\ \n🦊', "EMAIL_q7q7q7q7q7q7q": "zoe@real.example"}
texts = st.one_of(
    st.sampled_from(
        [*STAND_INS, "PERSON_k3", "", "user", "model", "tool", "text/plain", "aGk=", '{"a": "x"}', "\\", "é"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False), texts
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES) | texts, inner, max_size=4)
    ),
    max_leaves=14,
)
objects = st.dictionaries(st.sampled_from(NAMES), trees, max_size=5)
quick = settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=30)


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    out, at, turn = [], 0, 0
    while at < len(data):
        out.append(data[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return out


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@quick
@given(objects, trees)
def test_any_document_is_read_or_refused_and_leaves_as_it_came(dialect: Any, tree: dict[str, Any], other: Any) -> None:
    """Also below the fields that a request must have, so that most documents get past the first check."""
    tree = {**tree, "model": "m"}
    wrapped = [
        tree, {**tree, "contents": [other]}, {"contents": [{"role": "user", "parts": [tree, other]}]},
        {"model": "m", "messages": [tree, {"role": "tool", **tree, "content": "x"}]}, {"requests": [tree]},
        {"contents": [{"parts": []}], "tools": [tree], "generationConfig": other},
    ]  # fmt: skip
    for one in wrapped:
        body = json.dumps(one, indent=1).encode()
        try:
            parsed = dialect.parse(body)
        except BadRequest:
            continue
        same = {(s.pointer, s.kind): s.text for s in parsed.segments}
        assert len(same) == len(parsed.segments)
        assert dialect.render(parsed, same, "m") == body
        for segment in parsed.segments:
            if segment.kind != "text":
                continue
            edited = dialect.parse(dialect.render(parsed, {(segment.pointer, "text"): "STAND_IN"}, "m"))
            assert any(s.pointer == segment.pointer and "STAND_IN" in s.text for s in edited.segments)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
@quick
@given(objects | trees)
def test_any_answer_is_restored_or_said_to_be_none(dialect: Any, tree: Any) -> None:
    for one in (tree, {"candidates": [{"content": {"parts": [tree]}, "groundingMetadata": tree}]}, {"message": tree}):
        body = json.dumps(one).encode()
        try:
            out, _ = dialect.restore(body, Restorers(STAND_INS))
        except ValueError:
            continue
        if not any(s in body.decode() for s in STAND_INS):
            assert out == body


fragments = st.lists(
    st.sampled_from([*STAND_INS, "PERSON_k3f", "EMAIL_q", " ", "é😀", "x", ". ", "\\", '"']), max_size=6
)
deltas = st.lists(st.tuples(st.integers(0, 1), st.booleans(), fragments.map("".join)), max_size=6)


def real(text: str) -> str:
    restorer = Restorers(STAND_INS)("text")
    return restorer.feed(text) + restorer.close()


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def runs(parts: Sequence[tuple[int, bool, str]]) -> dict[int, list[list[Any]]]:
    """Per candidate, its texts: a run of parts of one kind is one text."""
    found: dict[int, list[list[Any]]] = {}
    for index, thought, text in parts:
        if text:
            mine = found.setdefault(index, [])
            if mine and mine[-1][0] == thought:
                mine[-1][1] += text
            else:
                mine.append([thought, text])
    return found


@quick
@given(deltas, st.integers(1, 11), cuts, st.booleans())
def test_gemini_streams_are_restored_under_any_chunking(
    parts: list[tuple[int, bool, str]], size: int, sizes: list[int], finished: bool
) -> None:
    stream = b""
    for index, thought, text in parts:
        for piece in pieces(text, size):
            part = {"text": piece, **({"thought": True} if thought else {})}
            tree = {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": index}]}
            stream += b"data: " + json.dumps(tree).encode() + b"\r\n\r\n"
    if finished:
        last = [{"finishReason": "STOP", "index": i} for i in (0, 1)]
        stream += b"data: " + json.dumps({"candidates": last}).encode() + b"\r\n\r\n"
    restorer = GeminiGenerate().restore_stream(Restorers(STAND_INS), lambda: "never")
    out = b"".join([restorer.feed(c) for c in cut(stream, sizes)]) + restorer.close()
    whole = GeminiGenerate().restore_stream(Restorers(STAND_INS), lambda: "never")
    assert out == whole.feed(stream) + whole.close()
    got = [
        (c.get("index", 0), p.get("thought") is True, p["text"])
        for line in out.split(b"\n") if line.startswith(b"data: ")
        for c in json.loads(line[6:])["candidates"] for p in c.get("content", {}).get("parts", ())
    ]  # fmt: skip
    expected = {i: [[thought, real(text)] for thought, text in texts] for i, texts in runs(parts).items()}
    assert runs(got) == expected


@quick
@given(deltas, st.integers(1, 11), cuts, st.booleans())
def test_ollama_streams_are_restored_under_any_chunking(
    parts: list[tuple[int, bool, str]], size: int, sizes: list[int], finished: bool
) -> None:
    stream = b""
    for _, thought, text in parts:
        for piece in pieces(text, size):
            said = {"role": "assistant", "content": ""} | {"thinking" if thought else "content": piece}
            stream += json.dumps({"message": said, "done": False}).encode() + b"\n"
    if finished:
        stream += json.dumps({"message": {"role": "assistant", "content": ""}, "done": True}).encode() + b"\n"
    restorer = OllamaChat().restore_stream(Restorers(STAND_INS), lambda: "never")
    out = b"".join([restorer.feed(c) for c in cut(stream, sizes)]) + restorer.close()
    whole = OllamaChat().restore_stream(Restorers(STAND_INS), lambda: "never")
    assert out == whole.feed(stream) + whole.close() and restorer.complete is finished
    got = []
    for line in out.splitlines():
        said = json.loads(line)["message"]
        got += [(0, True, said["thinking"])] if said.get("thinking") else []
        got += [(0, False, said["content"])] if said.get("content") else []
    flat = [(0, thought, text) for _, thought, text in parts]
    expected = {i: [[thought, real(text)] for thought, text in texts] for i, texts in runs(flat).items()}
    assert runs(got) == expected


@quick
@given(st.lists(trees, max_size=5), cuts)
def test_any_stream_of_json_passes_without_a_crash(chunks: list[Any], sizes: list[int]) -> None:
    wrapped = [one for c in chunks for one in (c, {"candidates": [{"content": {"parts": [c]}, "finishReason": c}]})]
    events = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in wrapped)
    lines = b"".join(json.dumps(one).encode() + b"\n" for c in chunks for one in (c, {"message": c}))
    for dialect, stream in ((GeminiGenerate(), events), (OllamaChat(), lines)):
        restorer = dialect.restore_stream(Restorers(STAND_INS), lambda: "never")
        out = b"".join([restorer.feed(c) for c in cut(stream, sizes)]) + restorer.close()
        if not any(s in stream.decode() for s in STAND_INS) and "PERSON" not in stream.decode():
            assert out == stream
