"""Properties of reading, writing and restoring that hold for any document and any chunking."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.answers import Restorers
from proxy.dialects import json_text, sse
from proxy.dialects.base import Untransformable
from proxy.dialects.generic import GenericJson
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.pointers import edit, escape, get, unescape
from proxy.errors import BadRequest

CHAT = OpenAIChat()
MARKS = ["", "a#", "#", "~", "/", "~2", "model", '"', "\\", "{", '{"a": "x"}', '["~2#"]', "é😀", "\u2028", "0", "call_"]
FIELDS = [
    "content",
    "name",
    "metadata",
    "tools",
    "stop",
    "user",
    "prediction",
    "tool_choice",
    "response_format",
    "type",
]
texts = st.one_of(st.sampled_from(MARKS), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(texts, inner, max_size=4),
        inner.map(lambda v: json.dumps(v)),
    ),
    max_leaves=12,
)
cuts = st.lists(st.integers(1, 40), min_size=1, max_size=30)
quick = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """``data`` in pieces of these sizes, over and over."""
    out, at, turn = [], 0, 0
    while at < len(data):
        out.append(data[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    return out


@quick
@given(trees)
def test_what_is_read_is_written_with_the_same_meaning_and_spelling(tree: Any) -> None:
    compact = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    assert json_text.serialize(json_text.parse(compact, any_top=True)) == compact


@quick
@given(st.binary(max_size=60) | st.text('[]{}",:\\u1eE-+.truefalsnNaI d8', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_as_bad_requests(data: bytes) -> None:
    for parse in (json_text.parse, CHAT.parse, GenericJson().parse):
        try:
            parse(data)
        except BadRequest:
            continue


@quick
@given(texts)
def test_escaped_tokens_come_back(token: str) -> None:
    assert unescape(escape(token)) == token
    assert get({token: "x"}, f"/{escape(token)}") == "x"


@quick
@given(st.dictionaries(st.sampled_from(FIELDS) | texts, trees, max_size=5), trees)
@example({"a#": {"b": "x"}, "a": '{"b": "y"}'}, None)
def test_without_edits_a_request_is_its_own_bytes(fields: dict[str, Any], arguments: Any) -> None:
    call = {"id": "x", "type": "function", "function": {"name": "f", "arguments": json.dumps(arguments)}}
    tree = {"messages": [{"role": "assistant", "tool_calls": [call]}], **fields, "model": "m"}
    body = json.dumps(tree, indent=1).encode()
    try:
        parsed = CHAT.parse(body)
    except BadRequest:
        return
    same = {(s.pointer, s.kind): s.text for s in parsed.segments}
    assert len(same) == len(parsed.segments)
    assert CHAT.render(parsed, same, "m") == body
    assert json.loads(CHAT.render(parsed, {}, "other")) == {**tree, "model": "other"}


@quick
@given(trees, st.data())
def test_an_edit_changes_its_place_and_nothing_else(tree: Any, data: st.DataObject) -> None:
    body = json.dumps({"messages": [{"role": "tool", "content": json.dumps(tree)}], "model": "m"}).encode()
    parsed = CHAT.parse(body)
    leaves = [s for s in parsed.segments if s.kind == "text"]
    if not leaves:
        return
    chosen = data.draw(st.sampled_from(leaves))
    edited = CHAT.parse(CHAT.render(parsed, {(chosen.pointer, "text"): "STAND_IN"}, "m"))
    assert get(edited.tree, chosen.pointer) == "STAND_IN"
    assert [s for s in edited.segments if s.pointer != chosen.pointer] == [
        s for s in parsed.segments if (s.pointer, s.kind) != (chosen.pointer, "text") and s.pointer != chosen.pointer
    ]


@quick
@given(st.dictionaries(texts, st.just("v"), min_size=1, max_size=5), st.data())
def test_keys_are_renamed_in_place_or_not_at_all(tree: dict[str, str], data: st.DataObject) -> None:
    keys = list(tree)
    old, new = data.draw(st.sampled_from(keys)), data.draw(texts)
    try:
        edited = edit(tree, {(f"/{escape(old)}", "key"): new})
    except Untransformable:
        assert new in tree and new != old
    else:
        assert list(edited) == [new if k == old else k for k in keys]


lines = st.sampled_from([b"", b"data: a", b"data", b": c", b"id: 1", b"retry: 5", b"data:\xc3\xa9\xff", b"event: e"])


@quick
@given(st.lists(st.tuples(lines, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=20), cuts)
def test_events_do_not_depend_on_how_the_stream_was_cut(parts: list[tuple[bytes, bytes]], sizes: list[int]) -> None:
    stream = b"".join(line + end for line, end in parts)
    whole, pieces = sse.Parser(), sse.Parser()
    events = whole.feed(stream) + whole.close()
    assert [e for c in cut(stream, sizes) for e in pieces.feed(c)] + pieces.close() == events
    assert b"".join(e.raw for e in events) == stream


STAND_INS = {"PERSON_k3f9xkzzzzzzz": 'Zoë "Z"\n🦊', "EMAIL_q7q7q7q7q7q7q": "zoe@real.example"}
fragments = st.lists(
    st.sampled_from([*STAND_INS, "PERSON_", "PERSON_k3f", "EMAIL_q", " ", "é😀", "_", "x", ". ", "\\"]), max_size=8
).map("".join)
channels = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["content", "refusal", "0", "1"]), fragments), max_size=6
)


def _stream(deltas: list[tuple[int, str, str]]) -> bytes:
    events = []
    for index, channel, text in deltas:
        call = {"index": int(channel), "function": {"arguments": text}} if channel.isdigit() else None
        delta: dict[str, Any] = {"tool_calls": [call]} if call else {channel: text}
        events.append({"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
    events += [{"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (0, 1)]
    made = "".join(f"data: {json.dumps(e, ensure_ascii=False)}\n\n" for e in events)
    return made.encode() + b"data: [DONE]\n\n"


def _joined(out: bytes) -> dict[tuple[int, str], str]:
    found: dict[tuple[int, str], str] = {}
    parser = sse.Parser()
    for event in parser.feed(out) + parser.close():
        if event.data in {None, "[DONE]"}:
            continue
        for choice in json.loads(event.data or "")["choices"]:
            given = choice["delta"]
            pairs = [(k, v) for k, v in given.items() if k != "tool_calls"]
            pairs += [(str(c["index"]), c["function"]["arguments"]) for c in given.get("tool_calls", ())]
            for channel, text in pairs:
                found[choice["index"], channel] = found.get((choice["index"], channel), "") + text
    return {k: v for k, v in found.items() if v}


@quick
@given(channels, st.lists(st.integers(1, 9), min_size=1, max_size=9), cuts)
@example([(0, "content", "PERSON_k3f9xkzzzzzzz")], [1], [1])
def test_each_channel_reads_as_if_it_had_come_in_one_piece(
    deltas: list[tuple[int, str, str]], sizes: list[int], network: list[int]
) -> None:
    fine = [(i, c, t) for i, c, text in deltas for t in _text_pieces(text, sizes)]
    whole: dict[tuple[int, str], str] = {}
    for i, c, text in fine:
        whole[i, c] = whole.get((i, c), "") + text
    expected = {}
    for (i, c), text in whole.items():
        restorer = Restorers(STAND_INS)("tool_args:f" if c.isdigit() else "text")
        expected[i, c] = restorer.feed(text) + restorer.close()
    stream = CHAT.restore_stream(Restorers(STAND_INS), lambda: "t")
    raw = _stream(fine)
    out = b"".join([stream.feed(c) for c in cut(raw, network)]) + stream.close()
    assert _joined(out) == {k: v for k, v in expected.items() if v}
    again = CHAT.restore_stream(Restorers(STAND_INS), lambda: "t")
    assert out == again.feed(raw) + again.close()
    assert stream.complete


def _text_pieces(text: str, sizes: list[int]) -> list[str]:
    out, at, turn = [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        out.append(text[at : at + size])
        at, turn = at + size, turn + 1
    return out
