"""Whatever a body holds: either every text in it leaves sealed, or the body does not leave. And whatever an answer
holds: nothing that came in the clear reaches the app but words."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attestation import bodies
from attestation.bodies import Uncovered, seal
from attestation.opened import Answer, Events
from attestation.sealing import SealingError

FEW = settings(max_examples=int(os.environ.get("SEALGATE_FUZZ", "300")), deadline=None)
TABLES = [(table, path) for table in (bodies.ACI, bodies.NEAR) for path in table]
EVERYWHERE = pytest.mark.parametrize(("table", "path"), TABLES)
WORDS = frozenset(
    """system developer user assistant tool function auto none required default flex priority low medium high minimal
    xhigh text json_object float base64 m""".split()  # noqa: SIM905
)
KEYS = frozenset(
    """model messages role content name refusal reasoning reasoning_content audio data tool_calls tool_call_id
    function_call function arguments id type index tools tool_choice description parameters strict prompt input
    dimensions encoding_format temperature top_p top_k min_p n max_tokens max_completion_tokens min_tokens seed
    presence_penalty frequency_penalty repetition_penalty stream ignore_eos best_of parallel_tool_calls
    skip_special_tokens stream_options include_usage include_obfuscation logprobs top_logprobs store echo stop
    service_tier reasoning_effort verbosity modalities response_format chat_template_kwargs enable_thinking
    thinking""".split()  # noqa: SIM905
)
"""Every word that may stand in the clear, written down by hand: not taken from the code that is tested."""
SEALED = re.compile(r"<[0-9a-f]*>")
CALL = re.compile(r"call_\d{24}")

PRIVATE = st.text(st.characters(codec="utf-8", exclude_characters="<>"), max_size=12)
LEAF = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | PRIVATE | st.sampled_from(sorted(WORDS))
NAMES = st.sampled_from(sorted(KEYS)) | PRIVATE
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=10
)
FUNCTION = st.fixed_dictionaries({"name": PRIVATE}, optional={"arguments": PRIVATE, "description": PRIVATE,
                                  "parameters": VALUE, "strict": st.booleans()})  # fmt: skip
CALLS = st.lists(
    st.fixed_dictionaries({"id": PRIVATE, "type": st.just("function"),
                           "function": st.fixed_dictionaries({"name": PRIVATE, "arguments": PRIVATE})}), max_size=2
)  # fmt: skip
CONTENT = st.none() | PRIVATE | st.lists(VALUE, max_size=2)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "tool"]), "content": CONTENT},
    optional={"tool_calls": CALLS, "tool_call_id": PRIVATE, "name": PRIVATE, "reasoning": PRIVATE, "audio": VALUE},
)  # fmt: skip
LIKELY = st.fixed_dictionaries(
    {"model": st.just("m")},
    optional={
        "messages": st.lists(MESSAGE, max_size=3),
        "prompt": PRIVATE | st.lists(PRIVATE, max_size=2),
        "input": PRIVATE | st.lists(PRIVATE | st.integers(), max_size=2),
        "tools": st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": FUNCTION}), max_size=2),
        "tool_choice": st.sampled_from(["auto", "none"]) | VALUE,
        "temperature": LEAF,
        "stop": st.none() | PRIVATE,
        "response_format": st.just({"type": "json_object"}) | VALUE,
    },
)
BODY = LIKELY | st.builds(
    lambda likely, more: {**likely, **more}, LIKELY, st.dictionaries(NAMES, VALUE, max_size=2)
)  # fmt: skip


def mark(_: str, plaintext: bytes) -> str:
    """A sealed field that nothing else can look like."""
    return f"<{plaintext.hex()}>"


def leaves(value: Any) -> list[str]:
    """Every text and every name of a member."""
    if isinstance(value, dict):
        return [*(("key:" + k) for k in value), *(x for v in value.values() for x in leaves(v))]
    if isinstance(value, list):
        return [x for v in value for x in leaves(v)]
    return [value] if isinstance(value, str) else []


def in_the_clear(value: Any) -> list[str]:
    return [
        leaf
        for leaf in leaves(value)
        if not (SEALED.fullmatch(leaf) or CALL.fullmatch(leaf) or leaf in WORDS or leaf.removeprefix("key:") in KEYS)
    ]


@EVERYWHERE
@FEW
@given(data=st.data())
def test_no_text_leaves_in_the_clear(table: Any, path: str, data: st.DataObject) -> None:
    body = data.draw(BODY)
    try:
        sealed = seal(table, path, body, mark)
    except Uncovered as e:
        place = e.place
    else:
        place = ""
        assert not in_the_clear(sealed)
    assert set(re.split(r"[.*]+", place)) <= KEYS | {"", "body", "path"}, "an error says the protocol's names only"


def _values(value: Any) -> list[str]:
    return [x for x in leaves(value) if not x.startswith("key:")]


@FEW
@given(st.lists(MESSAGE, min_size=1, max_size=3), st.lists(FUNCTION, max_size=2))
def test_what_is_sealed_with_near_comes_out_as_it_went_in(messages: list[Any], functions: list[Any]) -> None:
    body: dict[str, Any] = {"model": "m", "messages": messages}
    if functions:
        body["tools"] = [{"type": "function", "function": f} for f in functions if "arguments" not in f]
    try:
        sealed = seal(bodies.NEAR, "/chat/completions", body, mark)
    except Uncovered:
        return
    for was, now in zip(messages, sealed["messages"], strict=True):
        content = now["content"]
        if was["content"] is None:
            assert content is None
            continue
        opened = bytes.fromhex(content[1:-1]).decode()
        if isinstance(was["content"], list):
            assert json.loads(opened) == was["content"]
        elif opened != was["content"]:
            assert json.loads(opened) == [{"type": "text", "text": was["content"]}]
        else:
            with contextlib.suppress(ValueError):
                assert not isinstance(json.loads(opened), list)


@FEW
@given(st.lists(PRIVATE, min_size=1, max_size=5))
def test_ids_of_calls_stay_apart_and_together(ids: list[str]) -> None:
    messages = [{"role": "tool", "tool_call_id": i, "content": "x"} for i in ids]
    sealed = seal(bodies.NEAR, "/chat/completions", {"model": "m", "messages": messages}, mark)
    made = [m["tool_call_id"] for m in sealed["messages"]]
    assert [ids[a] == ids[b] for a in range(len(ids)) for b in range(len(ids))] == [
        made[a] == made[b] for a in range(len(ids)) for b in range(len(ids))
    ]


@EVERYWHERE
@pytest.mark.parametrize("body", [{}, [], None, {"model": 1}, {"model": "a b"}, {"model": "m", "seed": float("inf")},
                                  {"model": "m", "messages": [{"role": "user", "content": "\ud800"}]}])  # fmt: skip
def test_what_is_no_body_is_refused(table: Any, path: str, body: Any) -> None:
    with pytest.raises(Uncovered):
        seal(table, path, body, mark)


SHOWN = st.text("abcdef0123456789<>xyz \u00fc", max_size=10)
INNER = st.sampled_from(
    ["content", "role", "tool_calls", "function", "name", "arguments", "reasoning", "audio", "data", "refusal", "id",
     "note", "text", "logprobs"]
)  # fmt: skip
PARTS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | SHOWN,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(INNER, inner, max_size=4),
    max_leaves=8,
)
CHOICE = st.fixed_dictionaries(
    {"message": PARTS | st.dictionaries(st.sampled_from(["content", "role"]), SHOWN)},
    optional={"index": st.integers(-1, 3), "finish_reason": PARTS, "text": PARTS},
)
GOT = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)},
    optional={"id": SHOWN, "model": PARTS, "usage": PARTS, "note": PARTS, "created": PARTS, "object": PARTS},
)
WORD = re.compile(r"[A-Za-z0-9_.:/@+-]{0,128}")


@FEW
@example({"choices": [{"message": {"content": "in the clear"}}]})
@given(GOT)
@pytest.mark.parametrize("tools", [False, True])
@pytest.mark.parametrize("path", ["/chat/completions", "/completions"])
def test_of_an_answer_only_what_opened_and_words_reach_the_app(path: str, tools: bool, got: Any) -> None:
    def open_(_: str, value: str, __: str) -> bytes:
        return f"<{value}>".encode()

    try:
        made = json.loads(Answer(path, open_, tools=tools).whole(json.dumps(got).encode()))
    except SealingError:
        return
    for choice in made["choices"]:
        message = choice.get("message", choice)
        for place in ("content", "reasoning", "refusal", "text"):
            assert message.get(place) in (None, "") or message[place].startswith("<")
        for call in message.get("tool_calls", ()):
            assert tools and all(v is None or v == "" or v.startswith("<") for v in call["function"].values())
    assert all(x.startswith("<") or WORD.fullmatch(x) for x in _values(made))
    assert "note" not in {*made, *(k for c in made["choices"] for k in (*c, *c.get("message", {})))}


STREAM = b"".join(
    b'data: {"id":"c-1","choices":[{"index":0,"delta":{"content":"%s"}}]}\r\n\r\n' % part
    for part in (b"61", b"6262", b"63")
)


@FEW
@given(st.lists(st.integers(0, len(STREAM) + 20), max_size=8))
def test_events_open_in_any_pieces(cuts: list[int]) -> None:
    whole = b": hello\n\n" + STREAM + b"data: [DONE]\n\n"
    at = [0, *sorted(min(c, len(whole)) for c in cuts), len(whole)]
    events = Events(Answer("/chat/completions", lambda _, v, __: bytes.fromhex(v), tools=False))
    out = b"".join(events.feed(whole[a:b]) for a, b in itertools.pairwise(at))
    texts = [json.loads(e.removeprefix(b"data: "))["choices"][0]["delta"]["content"] for e in out.split(b"\n\n") if e]
    assert texts == ["a", "bb", "c"]
    assert events.close() == b"data: [DONE]\n\n"


@FEW
@given(st.binary(max_size=200))
def test_any_bytes_raise_the_one_error_or_none(raw: bytes) -> None:
    answer = Answer("/chat/completions", lambda _, v, __: bytes.fromhex(v), tools=True)
    for call in (answer.whole, answer.event, Events(answer).feed):
        with contextlib.suppress(SealingError):
            call(raw)
