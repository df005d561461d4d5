from __future__ import annotations

from typing import Any

import pytest

from proxy.upstreams.local_request import MAX_TOKENS, Unsupported, options, parse

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}


def test_what_the_model_can_do_is_passed_on() -> None:
    got = options(ASK | {"temperature": 0, "top_p": 1, "stop": "x", "seed": 7, "presence_penalty": -1.5, "user": "u"})
    assert got == {
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0.0,
        "top_p": 1.0,
        "presence_penalty": -1.5,
        "seed": 7,
        "stop": ["x"],
    }


@pytest.mark.parametrize(
    ("asked", "given"),
    [({}, MAX_TOKENS), ({"max_tokens": 5}, 5), ({"max_tokens": 99999}, MAX_TOKENS),
     ({"max_completion_tokens": 7, "max_tokens": 9}, 7), ({"max_tokens": None}, MAX_TOKENS)],
)  # fmt: skip
def test_the_length_of_an_answer_is_capped(asked: dict[str, Any], given: int) -> None:
    assert options(ASK | asked)["max_tokens"] == given


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"tools": [{"type": "function"}]}, "'tools'"),
        ({"functions": [{}]}, "'functions'"),
        ({"logprobs": True}, "'logprobs'"),
        ({"logit_bias": {"1": 2}}, "'logit_bias'"),
        ({"n": 2}, "'n'"),
        ({"response_format": {"type": "json_schema"}}, "'response_format'"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "text only"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "text only"),
        ({"messages": [{"role": "secret-role"}]}, "role"),
        ({"messages": ["secret"]}, "role"),
        ({"messages": [{"role": "user", "content": 5}]}, "'content'"),
        ({"temperature": "hot-secret"}, "'temperature'"),
        ({"temperature": 3}, "'temperature'"),
        ({"temperature": True}, "'temperature'"),
        ({"top_p": float("nan")}, "'top_p'"),
        ({"seed": "secret"}, "'seed'"),
        ({"stop": ["a", ""]}, "'stop'"),
        ({"stop": 5}, "'stop'"),
        ({"max_tokens": 0}, "'max_tokens'"),
        ({"max_tokens": "many"}, "'max_tokens'"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"type": "custom"}]}]}, "tool call"),
        ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "'tool_calls'"),
        ({"messages": [{"role": ["user"]}]}, "role"),
        ({"messages": [{"role": "user", "content": [{"type": ["text"]}]}]}, "text only"),
        ({"stream_options": ["secret"]}, "'stream_options'"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name_and_shows_no_value(more: dict[str, Any], word: str) -> None:
    with pytest.raises(Unsupported) as caught:
        options(ASK | more)
    assert word in str(caught.value)
    assert "secret" not in str(caught.value)


def test_parts_roles_and_tool_history_become_plain_turns() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
    turns = [
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "found"},
    ]
    assert options({"messages": turns})["messages"] == [
        {"role": "system", "content": "a\nb"},
        {"role": "assistant", "content": 'find({"q": 1})'},
        {"role": "user", "content": "found"},
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages": []}', b'{"messages": "x"}', b"[" * 100_000])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Unsupported):
        parse(body)
