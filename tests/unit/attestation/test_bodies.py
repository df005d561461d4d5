"""Every place of every body that is sealed field by field: a private word there is sealed, or nothing leaves."""

import copy
import json

import pytest

from attestation import bodies
from attestation.bodies import Uncovered, seal
from attestation.opened import Answer, Events
from attestation.sealing import Fault, SealingError

PRIVATE = "Anna Berg"
COMMON = {
    "model": "org/model-1:x", "temperature": 0.5, "top_p": 1, "n": 1, "max_tokens": 5, "stream": True, "seed": 3,
    "stream_options": {"include_usage": True}, "logprobs": False, "store": False, "stop": None, "service_tier": "auto",
}  # fmt: skip
CHAT = {
    **COMMON, "reasoning_effort": "low", "verbosity": "low", "modalities": ["text"],
    "response_format": {"type": "json_object"}, "chat_template_kwargs": {"enable_thinking": False},
    "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": [{"type": "text", "text": "b"}]}],
}  # fmt: skip
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f", "description": "d", "parameters": {"a": 1}, "strict": True}
NEAR_CHAT = {
    **CHAT,
    "messages": [
        *CHAT["messages"],
        {"role": "assistant", "content": None, "name": "x", "refusal": "r", "reasoning": "t", "reasoning_content": "u",
         "audio": {"data": "d"}, "tool_calls": [CALL], "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "tool", "tool_call_id": "call_1", "content": "c"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "function_call": {"name": "f"},
}  # fmt: skip
PROMPT = {**COMMON, "prompt": ["a", "b"], "echo": False}
INPUT = {"model": "m", "input": "a", "dimensions": 3, "encoding_format": "float"}
FULL = [
    (bodies.ACI, "/chat/completions", CHAT), (bodies.ACI, "/completions", PROMPT), (bodies.ACI, "/embeddings", INPUT),
    (bodies.NEAR, "/chat/completions", NEAR_CHAT), (bodies.NEAR, "/completions", PROMPT),
    (bodies.NEAR, "/embeddings", INPUT),
]  # fmt: skip
EVERY = pytest.mark.parametrize(("table", "path", "body"), FULL)


def mark(field, plaintext):
    return f"<{plaintext.hex()}>"


def places(value, at=()):
    """The path of everything below ``value``."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield (*at, key)
        yield from places(inner, (*at, key))


def changed(body, at, make):
    body = copy.deepcopy(body)
    holder = body
    for key in at[:-1]:
        holder = holder[key]
    make(holder, at[-1])
    return body


def shown(table, path, body):
    """What leaves, or what the refusal says."""
    try:
        return json.dumps(seal(table, path, body, mark))
    except Uncovered as e:
        return str(e)


@EVERY
def test_a_full_body_is_sealed(table, path, body):
    assert PRIVATE not in json.dumps(seal(table, path, body, mark))


@EVERY
@pytest.mark.parametrize("value", [PRIVATE, [PRIVATE], {PRIVATE: 1}, {"type": PRIVATE}, [{"name": PRIVATE}]])
def test_a_private_word_at_any_place_is_sealed_or_nothing_leaves(table, path, body, value):
    tried = 0
    for at in places(body):
        tried += 1
        spoilt = changed(body, at, lambda holder, key: holder.__setitem__(key, value))
        assert PRIVATE not in shown(table, path, spoilt), at
    assert tried >= 4


@EVERY
def test_a_new_member_at_any_place_is_refused_or_sealed(table, path, body):
    for at in [(), *places(body)]:
        holder = body
        for key in at:
            holder = holder[key]
        if isinstance(holder, dict):
            spoilt = changed({"": body}, ("", *at), lambda h, k: h.__setitem__(k, {**h[k], PRIVATE: 1}))[""]
            assert PRIVATE not in shown(table, path, spoilt), at


@pytest.mark.parametrize("path", ["/responses", "/messages", "/moderations", ""])
@pytest.mark.parametrize("table", [bodies.ACI, bodies.NEAR])
def test_other_paths_are_not_covered(table, path):
    with pytest.raises(Uncovered) as e:
        seal(table, path, CHAT, mark)
    assert e.value.place == "path"


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2]], [], ["a", 1]])
def test_token_ids_are_text_too(tokens):
    for table in (bodies.ACI, bodies.NEAR):
        for path, name in (("/completions", "prompt"), ("/embeddings", "input")):
            with pytest.raises(Uncovered) as e:
                seal(table, path, {"model": "m", name: tokens}, mark)
            assert e.value.place == name


@pytest.mark.parametrize("text", ["[]", "[1,2]", '["a"]', ' \n["a"] ', "[NaN]", '[{"a":1,"a":2}]', "[" * 90_000 + "]"])
def test_text_that_reads_like_a_list_goes_as_a_part(text):
    for table in (bodies.ACI, bodies.NEAR):
        sealed = seal(table, "/chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]}, mark)
        opened = bytes.fromhex(sealed["messages"][0]["content"][1:-1]).decode()
        assert json.loads(opened) == [{"type": "text", "text": text}]


@pytest.mark.parametrize("text", ["", "a", "{}", '"[1]"', "[a b", "1"])
def test_other_text_goes_as_it_is(text):
    sealed = seal(
        bodies.ACI, "/chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]}, mark
    )
    assert bytes.fromhex(sealed["messages"][0]["content"][1:-1]).decode() == text


def test_fields_are_named_as_the_format_names_them():
    named = []
    seal(bodies.ACI, "/chat/completions", CHAT, lambda field, _: named.append(field) or "")
    seal(bodies.ACI, "/completions", PROMPT, lambda field, _: named.append(field) or "")
    seal(bodies.ACI, "/embeddings", INPUT, lambda field, _: named.append(field) or "")
    assert named == ["messages.0.content", "messages.1.content", "prompt.0", "prompt.1", "input"]


def opening(path="/chat/completions", *, tools=False):
    return Answer(path, lambda field, value, ident: bytes.fromhex(value), tools=tools)


def answer(message, **more):
    return json.dumps({"id": "c-1", "choices": [{"index": 0, "message": message}], **more}).encode()


def fault(call, *args):
    with pytest.raises(SealingError) as e:
        call(*args)
    return e.value.fault


def test_calls_of_tools_open_only_where_the_format_seals_them():
    call = {"id": "call_1", "type": "function", "index": 0, "function": {"name": "66", "arguments": "7b7d"}}
    raw = answer({"role": "assistant", "content": None, "tool_calls": [call]})
    assert fault(opening().whole, raw) is Fault.UNSEALED
    made = json.loads(opening(tools=True).whole(raw))["choices"][0]["message"]["tool_calls"]
    assert made == [{**call, "function": {"name": "f", "arguments": "{}"}}]
    plain = answer({"tool_calls": [{**call, "function": {"name": "find anna", "arguments": "7b7d"}}]})
    assert fault(opening(tools=True).whole, plain) is Fault.UNSEALED


@pytest.mark.parametrize(
    "raw",
    [
        answer({"content": "in the clear"}), answer({"content": ["61"]}), answer({"content": {"text": "61"}}),
        answer({"reasoning": "in the clear"}), answer({"function_call": {"name": "66"}}),
        answer({"content": "61", "annotations": [{"title": "x"}]}), answer({"content": "61"}, error={"message": "x"}),
        b'{"id":"c-1"}', b'{"id":"c-1","choices":{}}', answer({"content": "61", "role": "an assistant"}),
    ],
)  # fmt: skip
def test_what_came_in_the_clear_is_no_answer(raw):
    assert fault(opening().whole, raw) is Fault.UNSEALED


def test_an_embedding_opens_or_is_none():
    raw = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": b"[1,2]".hex()}]}
    made = json.loads(opening("/embeddings").whole(json.dumps(raw).encode()))
    assert made["data"][0]["embedding"] == [1, 2]
    raw["data"][0]["embedding"] = [1, 2]
    assert fault(opening("/embeddings").whole, json.dumps(raw).encode()) is Fault.UNSEALED


def test_a_stream_is_one_answer():
    events = Events(opening())
    events.feed(b'data: {"id":"c-1","choices":[]}\n\n')
    assert fault(events.feed, b'data: {"id":"c-2","choices":[]}\n\n') is Fault.AUTHENTICITY


def test_an_event_has_a_length(monkeypatch):
    monkeypatch.setattr("attestation.opened.MAX_EVENT", 100)
    events = Events(opening())
    assert fault(events.feed, b"data: " + b"x" * 101) is Fault.FRAME


CARD = 4111111111111111
SAYING = [
    CARD,
    -CARD,
    int.from_bytes(b"Anna Berg has a diagnosis"),
    10**400,
    float(CARD),
    1e300,
    float("inf"),
    float("nan"),
]


@EVERY
@pytest.mark.parametrize("number", SAYING)
def test_no_number_is_long_enough_to_say_anything(table, path, body, number):
    tried = 0
    for at in places(body):
        spoilt = changed(body, at, lambda holder, key: holder.__setitem__(key, number))
        try:
            sealed = seal(table, path, spoilt, mark)
        except Uncovered:
            tried += 1
            continue
        assert not any(v == number for v in numbers(sealed)), at
    assert tried >= 4


def numbers(value):
    """Every number below ``value``."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [n for v in inside for n in ([v] if isinstance(v, (int, float)) else numbers(v))]


@pytest.mark.parametrize("table", [bodies.ACI, bodies.NEAR])
def test_a_fraction_has_few_places(table):
    sealed = seal(table, "/completions", {"model": "m", "prompt": "a", "temperature": 0.4111111111111111}, mark)
    assert sealed["temperature"] == 0.411111


USUAL = {"temperature": 2, "top_p": 1.0, "top_k": -1, "min_p": 0.05, "n": 3, "max_tokens": 131_072, "seed": 2**32 - 1,
         "presence_penalty": -2, "repetition_penalty": 1.1, "stream": False, "ignore_eos": True}  # fmt: skip


@pytest.mark.parametrize("table", [bodies.ACI, bodies.NEAR])
def test_usual_numbers_go_as_they_are(table):
    body = {"model": "m", "prompt": "a", **USUAL}
    assert {k: v for k, v in seal(table, "/completions", body, mark).items() if k in USUAL} == USUAL


@pytest.mark.parametrize("value", [2, -1, 0.5, CARD, "true", [True], {}])
def test_a_flag_is_yes_or_no(value):
    for more in ({"stream": value}, {"stream_options": {"include_usage": value}}):
        with pytest.raises(Uncovered):
            seal(bodies.ACI, "/completions", {"model": "m", "prompt": "a", **more}, mark)


def deep(levels):
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    "more",
    [
        '"usage":{"total_tokens":1e999}', '"created":1e999', '"created":-1e999', f'"created":{"9" * 4000}',
        f'"usage":{deep(900)}', '"usage":{"a":[1]}', '"usage":[]', '"created":"soon"', '"usage":{"a b":1}',
    ],
)  # fmt: skip
def test_numbers_that_are_none_are_left_out(more):
    """Anybody on the way may write them, and some of them no JSON can say again."""
    raw = f'{{"id":"c-1","choices":[],{more}}}'.encode()
    made = json.loads(opening().whole(raw))
    assert not numbers(made) and set(made) <= {"id", "choices", "usage", "created"}


VECTORS = [
    "[NaN]",
    "[1e999]",
    "[true, null]",
    '["a"]',
    "[[1]]",
    '{"a":1}',
    '"a b"',
    '"\\ud800"',
    "1",
    "",
    "[1",
    "[" * 90_000,
]


@pytest.mark.parametrize("vector", VECTORS)
def test_what_is_sealed_as_an_embedding_must_be_one(vector):
    raw = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": vector.encode().hex()}],
    }
    with pytest.raises(SealingError):
        opening("/embeddings").whole(json.dumps(raw).encode())


def test_an_embedding_may_be_packed():
    raw = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": b'"AACA/w=="'.hex()}],
    }
    assert json.loads(opening("/embeddings").whole(json.dumps(raw).encode()))["data"][0]["embedding"] == "AACA/w=="


@pytest.mark.parametrize("behind", [b"data: {", b"data: [DONE]", b": a word", b"\n\n\nx"])
def test_what_begins_behind_the_end_of_a_stream_makes_it_no_end(behind):
    events = Events(opening())
    events.feed(b"data: [DONE]\n\n" + behind)
    assert fault(events.close) is Fault.TRUNCATED
    whole = Events(opening())
    whole.feed(b"data: [DONE]\r\n\r\n\r\n")
    assert whole.close() == b"data: [DONE]\n\n"
