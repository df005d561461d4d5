"""Responses on their way back: restored whole and as a stream, under any chunking, and nothing else changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from fake_responses import check_event
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openai.types.responses import Response
from plain_restorer import Plain, factory

from proxy.answers import Restorers
from proxy.dialects import sse
from proxy.dialects.responses import OpenAIResponses
from proxy.dialects.responses_answers import REMEMBERED, Repeats
from proxy.errors import UpstreamError

DIALECT = OpenAIResponses()
S = "PERSON_k3f9xkzzzzzzz"
MAIL = "EMAIL_q7q7q7q7q7q7q"
VALUE = 'Zoë "Z"\n🦊'
MAPPING = {S: VALUE, MAIL: "zoe@real.example"}
JSON_VALUE = json.dumps(VALUE, ensure_ascii=False)[1:-1]


def answer(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1", "object": "response", "created_at": 1.5, "status": "completed", "model": "m",
        "output": list(output),
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "instructions": None,
        "metadata": {},
        "usage": {"input_tokens": 7, "output_tokens": 9, "total_tokens": 16,
                  "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                  "output_tokens_details": {"reasoning_tokens": 0}},
        **more,
    }  # fmt: skip


def message(text: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def call(arguments: str, name: str = "mail", **more: Any) -> dict[str, Any]:
    return {
        "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": name, "arguments": arguments,
        "status": "completed", **more,
    }  # fmt: skip


def restored(tree: dict[str, Any], places: list[str] | None = None) -> Any:
    out, _ = DIALECT.restore(json.dumps(tree).encode(), factory(MAPPING, places))
    return json.loads(out)


def item(**more: Any) -> Any:
    return restored(answer(more))["output"][0]


def test_text_refusals_reasoning_and_citations_are_restored() -> None:
    cited = {"type": "url_citation", "url": f"https://x.example/{S}", "title": f"About {S}", "start_index": 0,
             "end_index": 4}  # fmt: skip
    filed = {"type": "file_citation", "file_id": "f", "filename": f"{S}.txt", "index": 0}
    refusal = {"type": "refusal", "refusal": f"No, {S}"}
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": f"on {S}"}],
                 "content": [{"type": "reasoning_text", "text": S}], "encrypted_content": S}  # fmt: skip
    tree = answer(message(f"Dear {S}", cited, filed), reasoning)
    tree["output"][0]["content"].append(refusal)
    output = restored(tree)["output"]
    text, no = output[0]["content"]
    assert text["text"] == f"Dear {VALUE}" and no["refusal"] == f"No, {VALUE}"
    assert text["annotations"][0] == {**cited, "title": f"About {VALUE}"}
    assert text["annotations"][1]["filename"] == f"{VALUE}.txt"
    assert output[1]["summary"][0]["text"] == f"on {VALUE}" and output[1]["content"][0]["text"] == VALUE
    assert output[1]["encrypted_content"] == S


def test_arguments_are_json_and_the_input_of_a_custom_tool_is_not() -> None:
    places: list[str] = []
    custom = {"type": "custom_tool_call", "id": "c", "call_id": "c", "name": "run", "input": f'say "{S}"'}
    tree = answer(call(json.dumps({"to": S, "n": 1.50})), custom)
    output = restored(tree, places)["output"]
    assert json.loads(output[0]["arguments"]) == {"to": VALUE, "n": 1.5}
    assert output[1]["input"] == f'say "{VALUE}"'
    assert {"tool_args:mail", "tool_input:run"} <= set(places)


def test_calls_of_every_kind_are_restored_in_their_own_place() -> None:
    places: list[str] = []
    tree = answer(
        {"type": "local_shell_call", "action": {"type": "exec", "command": ["echo", S], "env": {"A": S, S: "x"}}},
        {"type": "computer_call", "action": {"type": "type", "text": S}},
        {"type": "apply_patch_call", "operation": {"type": "update_file", "path": f"/{S}", "diff": f"+{S}"}},
        {"type": "shell_call", "action": {"commands": [S]}},
    )
    shell, computer, patch, other = restored(tree, places)["output"]
    assert shell["action"] == {"type": "exec", "command": ["echo", VALUE], "env": {"A": VALUE, VALUE: "x"}}
    assert computer["action"] == {"type": "type", "text": VALUE}
    assert patch["operation"] == {"type": "update_file", "path": f"/{VALUE}", "diff": f"+{VALUE}"}
    assert other["action"]["commands"] == [VALUE]
    assert {f"tool_input:{n}" for n in ("local_shell", "computer", "apply_patch", "shell")} <= set(places)


def test_tools_of_the_provider_show_real_values() -> None:
    ran = item(type="code_interpreter_call", code=f"x = 1  # {S}", outputs=[{"type": "logs", "logs": S}])
    assert ran["code"] == f"x = 1  # {VALUE}" and ran["outputs"][0]["logs"] == VALUE
    found = item(type="mcp_call", name="find", arguments=json.dumps({"q": S}), output=f"hit {S}", error={"message": S})
    assert json.loads(found["arguments"]) == {"q": VALUE} and found["output"] == f"hit {VALUE}"
    assert found["error"]["message"] == VALUE
    searched = item(type="web_search_call", action={"type": "search", "query": S, "queries": [S]})
    assert searched["action"] == {"type": "search", "query": VALUE, "queries": [VALUE]}
    files = item(type="file_search_call", queries=[S], results=[{"text": S, "filename": S, "attributes": {S: S}}])
    assert files["results"] == [{"text": VALUE, "filename": VALUE, "attributes": {VALUE: VALUE}}]
    search = item(type="tool_search_call", arguments={"query": S, "n": 1})
    assert search["arguments"] == {"query": VALUE, "n": 1}
    image = item(type="image_generation_call", result=S, revised_prompt=S)
    assert image == {"type": "image_generation_call", "result": S, "revised_prompt": VALUE}


def test_what_the_provider_repeats_of_the_request_is_restored() -> None:
    tree = answer(
        instructions=f"You write for {S}.", metadata={"a": S, S: "x"}, user=S, safety_identifier=S,
        prompt_cache_key=S, prompt={"id": "p", "variables": {"who": S, "doc": {"type": "input_text", "text": S}}},
        tools=[{"type": "function", "name": "mail", "description": S, "strict": True,
                "parameters": {"properties": {S: {"default": S, "url": S}}}}],
        text={"format": {"type": "json_schema", "name": "x", "schema": {"description": S}}},
        tool_choice={"type": "function", "name": S},
    )  # fmt: skip
    out = restored(tree)
    assert S not in json.dumps(out) and out["metadata"] == {"a": VALUE, VALUE: "x"}
    assert out["tools"][0]["parameters"]["properties"] == {VALUE: {"default": VALUE, "url": VALUE}}
    items = [{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": S}]},
             call(json.dumps({"a": S}))]  # fmt: skip
    said = restored(answer(instructions=items))["instructions"]
    assert said[0]["content"][0]["text"] == VALUE and json.loads(said[1]["arguments"]) == {"a": VALUE}


def test_two_names_never_become_one() -> None:
    out = restored(answer(metadata={S: "1", VALUE: "2"}))
    assert out["metadata"] == {S: "1", VALUE: "2"}


def test_addresses_ids_and_token_strings_stay() -> None:
    part = {"type": "output_text", "text": "x", "annotations": [], "logprobs": [{"token": S, "top_logprobs": []}]}
    tree = answer({"type": "message", "id": S, "content": [part]}, id=S, previous_response_id=S, model=S)
    body = json.dumps(tree, indent=1).encode()
    assert DIALECT.restore(body, factory(MAPPING))[0] == body


def test_without_stand_ins_the_bytes_are_the_upstreams_and_usage_is_read() -> None:
    body = json.dumps(answer(message("nothing"), call("{}")), indent=1).encode()
    out, usage = DIALECT.restore(body, factory(MAPPING))
    assert out == body and usage == {"tokens_in": 7, "tokens_out": 9}


def test_a_failed_response_is_one_too() -> None:
    out = restored(answer(status="failed", error={"code": "server_error", "message": f"no {S}"}))
    assert out["error"]["message"] == f"no {VALUE}"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"error": {}}', b'{"output": {}}', b"\xff"])
def test_what_is_no_response_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        DIALECT.restore(body, factory(MAPPING))


MADE = [
    ("response", "resp_1"),
    ("conversation", "conv_1"),
    ("item", "msg_1"),
    ("item", "ci_1"),
    ("container", "cntr_1"),
]


def stateful() -> dict[str, Any]:
    ran = {
        "type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1", "code": "", "outputs": [],
        "status": "completed",
    }  # fmt: skip
    return answer(message("x"), ran, conversation={"id": "conv_1"}, previous_response_id="resp_0")


def test_what_the_upstream_holds_now_is_told_once() -> None:
    told = Plain({})
    DIALECT.restore(json.dumps(stateful()).encode(), told)
    assert told.made == MADE
    streamed = Plain({})
    made = DIALECT.restore_stream(streamed, lambda: "t")
    raw = b"".join(event(n, k, response=stateful()) for n, k in enumerate(("response.created", "response.completed")))
    made.feed(raw)
    assert streamed.made == MADE


def test_what_is_not_stored_is_nowhere_held() -> None:
    told = Plain({})
    DIALECT.restore(json.dumps({**stateful(), "store": False}).encode(), told)
    made = DIALECT.restore_stream(told, lambda: "t")
    ran = stateful()["output"][1]
    made.feed(
        event(0, "response.created", response=answer(store=False))
        + event(1, "response.output_item.done", output_index=0, item=ran)
    )
    assert told.made == []
    made = DIALECT.restore_stream(told, lambda: "t")
    made.feed(event(0, "response.output_item.done", output_index=0, item=ran))
    assert told.made == [("item", "ci_1"), ("container", "cntr_1")]


def test_a_text_that_comes_again_is_counted_once() -> None:
    restorers = Restorers(MAPPING)
    DIALECT.restore(json.dumps(answer(message(S), message(S), user=S)).encode(), restorers)
    assert restorers.text() == "2/2"
    repeats = Repeats(factory({S: "x" * REMEMBERED}))
    assert repeats("text", S) == repeats("text", S) == "x" * REMEMBERED


# -- streams -----------------------------------------------------------------------------------------------------------


def event(number: int | None, kind: str, **more: Any) -> bytes:
    tree = {"type": kind, **more, **({} if number is None else {"sequence_number": number})}
    return f"event: {kind}\ndata: {json.dumps(tree, ensure_ascii=False)}\n\n".encode()


def cut(text: str, sizes: list[int]) -> Iterator[str]:
    at = turn = 0
    while at < len(text):
        yield text[at : at + sizes[turn % len(sizes)]]
        at, turn = at + sizes[turn % len(sizes)], turn + 1


GROWS: Mapping[str, tuple[str, str]] = {
    "response.output_text": ("text", "content_index"),
    "response.refusal": ("refusal", "content_index"),
    "response.reasoning_text": ("text", "content_index"),
    "response.reasoning_summary_text": ("text", "summary_index"),
    "response.function_call_arguments": ("arguments", ""),
    "response.mcp_call_arguments": ("arguments", ""),
    "response.custom_tool_call_input": ("input", ""),
    "response.code_interpreter_call_code": ("code", ""),
    "response.shell_call_command": ("command", "command_index"),
    "response.apply_patch_call_operation_diff": ("diff", ""),
}
ESCAPED = frozenset({"response.function_call_arguments", "response.mcp_call_arguments"})
OUTSIDE = frozenset({"response.apply_patch_call_operation_diff"})
"""Events of the API that this version of the SDK has no type for."""


def growing(kind: str, text: str, sizes: list[int], at: int = 0) -> Iterator[dict[str, Any]]:
    """The deltas of one text and the event that ends it."""
    member, index = GROWS[kind]
    where: dict[str, Any] = {"item_id": f"i{at}", "output_index": at} | ({index: 0} if index else {})
    if kind == "response.output_text":
        where["logprobs"] = []
    for piece in cut(text, sizes):
        yield {"type": f"{kind}.delta", **where, "delta": piece, "obfuscation": "abc"}
    yield {"type": f"{kind}.done", **where, member: text}


def whole_stream(kind: str, text: str, sizes: list[int]) -> bytes:
    events = [{"type": "response.created", "response": answer()}, *growing(kind, text, sizes)]
    events.append({"type": "response.completed", "response": answer(message(text) if "text" in kind else call(text))})
    return b"".join(event(n, e.pop("type"), **e) for n, e in enumerate(events))


def real(text: str, *, escape: bool) -> str:
    """With the values in place."""
    for stand_in, value in MAPPING.items():
        text = text.replace(stand_in, json.dumps(value, ensure_ascii=False)[1:-1] if escape else value)
    return text


def read(out: bytes) -> list[dict[str, Any]]:
    parser = sse.Parser()
    return [json.loads(e.data) for e in parser.feed(out) + parser.close() if e.data is not None]


def run(raw: bytes, sizes: list[int] | None = None, mapping: Mapping[str, str] = MAPPING) -> tuple[bytes, Any]:
    made = DIALECT.restore_stream(Restorers(mapping), lambda: "sealgate-restored 1/1")
    at, out = 0, b""
    for size in (sizes or [len(raw)]) * (len(raw) if sizes else 1):
        out += made.feed(raw[at : at + size])
        at += size
    return out + made.feed(raw[at:]) + made.close(), made


fragments = st.lists(
    st.sampled_from([S, MAIL, "PERSON_", "PERSON_k3f", "EMAIL_q", " ", "é😀", "_", "x", ". ", "\\\\"]), max_size=8
).map("".join)
quick = settings(max_examples=40, deadline=None, database=None)


@pytest.mark.parametrize("kind", GROWS)
@quick
@given(fragments, st.lists(st.integers(1, 11), min_size=1, max_size=9), st.lists(st.integers(1, 50), max_size=5))
@example(f"{S}", [1], [1])
@example(f"x {S[:9]}", [4], [7])
def test_deltas_add_up_to_what_the_end_says_and_numbers_only_grow(
    kind: str, text: str, sizes: list[int], network: list[int]
) -> None:
    raw = whole_stream(kind, text, sizes)
    out, made = run(raw)
    assert run(raw, network or None)[0] == out and made.complete
    events = read(out)
    expected = real(text, escape=kind in ESCAPED)
    deltas = "".join(e["delta"] for e in events if e["type"] == f"{kind}.delta")
    (done,) = [e for e in events if e["type"] == f"{kind}.done"]
    assert deltas == done[GROWS[kind][0]] == expected
    assert events.index(done) == len(events) - 2
    numbers = [e["sequence_number"] for e in events]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    if kind not in OUTSIDE:
        for e in events:
            check_event(e)


@quick
@given(fragments, fragments, st.lists(st.integers(1, 11), min_size=1, max_size=9))
def test_texts_that_grow_at_the_same_time_do_not_mix(one: str, two: str, sizes: list[int]) -> None:
    first = list(growing("response.output_text", one, sizes, at=0))
    second = list(growing("response.function_call_arguments", two, sizes, at=1))
    mixed = [e for i in range(max(len(first), len(second))) for e in (first[i : i + 1] + second[i : i + 1])]
    out, _ = run(
        b"".join(event(n, e["type"], **{k: v for k, v in e.items() if k != "type"}) for n, e in enumerate(mixed))
    )
    for at, text, escape in ((0, one, False), (1, two, True)):
        assert "".join(e.get("delta", "") for e in read(out) if e["output_index"] == at) == real(text, escape=escape)


def text_stream(text: str, sizes: list[int], **more: Any) -> list[bytes]:
    """A message the way the provider streams it, from its first event to its last."""
    done = message(text)
    part, at = done["content"][0], {"item_id": "msg_1", "output_index": 0}
    empty = {**part, "text": ""}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": answer(status="in_progress", **more)},
        {"type": "response.in_progress", "response": answer(status="in_progress", **more)},
        {"type": "response.output_item.added", "output_index": 0, "item": {**done, "content": []}},
        {"type": "response.content_part.added", **at, "content_index": 0, "part": empty},
        *growing("response.output_text", text, sizes),
        {"type": "response.content_part.done", **at, "content_index": 0, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": answer(done, **more)},
    ]
    return [event(n, e.pop("type"), **e) for n, e in enumerate(events)]


def test_every_event_of_a_message_says_the_same_and_counts_once() -> None:
    restorers = Restorers(MAPPING)
    made = DIALECT.restore_stream(restorers, restorers.text)
    out = made.feed(b"".join(text_stream(f"Dear {S}, {S}", [3], instructions=f"For {MAIL}"))) + made.close()
    events = {e["type"]: e for e in read(out)}
    text = f"Dear {VALUE}, {VALUE}"
    assert events["response.output_text.done"]["text"] == text
    assert events["response.content_part.done"]["part"]["text"] == text
    assert events["response.output_item.done"]["item"]["content"][0]["text"] == text
    assert events["response.completed"]["response"]["output"][0]["content"][0]["text"] == text
    assert events["response.created"]["response"]["instructions"] == "For zoe@real.example"
    assert restorers.text() == "3/3" and made.usage == {"tokens_in": 7, "tokens_out": 9}
    assert out.index(b": 3/3\n\n") == out.index(b"event: response.completed") - len(b": 3/3\n\n")


def test_an_untouched_stream_passes_byte_for_byte_but_for_the_trailer() -> None:
    raw = b": hello\n\n" + b"".join(text_stream("Nothing, as it is.", [3]))
    raw += event(99, "response.unheard_of", note=S) + b"data: [DONE]\n\n"
    raw = raw.replace(b'"obfuscation": "abc"', b'"obfuscation" : "abc"')  # its own spelling shows if it was rewritten
    out, made = run(raw)
    assert out.replace(b": sealgate-restored 1/1\n\n", b"") == raw and made.complete


def test_unknown_events_and_lines_pass_and_are_only_numbered_on() -> None:
    raw = text_stream(S[:9], [4])
    raw.insert(-1, event(7, "response.unheard_of", note=S))
    raw.insert(-1, b": a comment\n\n")
    raw.insert(-1, b"data: no json\n\n")
    out, _ = run(b"".join(raw))
    assert b": a comment\n\n" in out and b"data: no json\n\n" in out
    (odd,) = [e for e in map(json.loads, _datas(out)) if e["type"] == "response.unheard_of"]
    assert odd["note"] == S and odd["sequence_number"] == 8


def _datas(out: bytes) -> list[str]:
    parser = sse.Parser()
    return [e.data for e in parser.feed(out) + parser.close() if e.data is not None and e.data != "no json"]


def test_what_an_event_starts_with_belongs_to_the_text_that_grows() -> None:
    part = {"type": "output_text", "text": S[:5], "annotations": []}
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    out, _ = run(
        event(0, "response.content_part.added", **at, part=part)
        + event(1, "response.output_text.delta", **at, delta=S[5:])
        + event(2, "response.output_text.done", **at, text=S)
    )
    events = read(out)
    assert events[0]["part"]["text"] + "".join(e.get("delta", "") for e in events) == VALUE
    begun = call('{"a": "' + S[:5])
    at = {"item_id": "i", "output_index": 0}
    out, _ = run(
        event(0, "response.output_item.added", output_index=0, item=begun)
        + event(1, "response.function_call_arguments.delta", **at, delta=S[5:] + '"}')
        + event(2, "response.function_call_arguments.done", **at, arguments=json.dumps({"a": S}))
    )
    events = read(out)
    grown = events[0]["item"]["arguments"] + "".join(e.get("delta", "") for e in events)
    assert json.loads(grown) == json.loads(events[-1]["arguments"]) == {"a": VALUE}


def test_channels_know_the_tool_they_belong_to() -> None:
    told = Plain(MAPPING)
    made = DIALECT.restore_stream(told, lambda: "t")
    custom = {"type": "custom_tool_call", "id": "c", "call_id": "c", "name": "run", "input": ""}
    shell = {"type": "shell_call", "call_id": "c", "action": {"commands": []}}
    made.feed(
        event(0, "response.output_item.added", output_index=0, item=call(""))
        + event(1, "response.function_call_arguments.delta", output_index=0, item_id="x", delta="a")
        + event(2, "response.output_item.added", output_index=1, item=custom)
        + event(3, "response.custom_tool_call_input.delta", output_index=1, item_id="x", delta="a")
        + event(4, "response.output_item.added", output_index=2, item=shell)
        + event(5, "response.shell_call_command.delta", output_index=2, command_index=0, delta="a")
        + event(6, "response.function_call_arguments.delta", output_index=7, item_id="x", delta="a")
    )
    asked = {p for p in told.places if p.startswith("tool")}
    assert asked == {"tool_args:mail", "tool_input:run", "tool_input:shell", "tool_args:unknown"}


def test_the_output_of_a_shell_grows_in_two_texts() -> None:
    at = {"item_id": "x", "output_index": 0, "command_index": 0}
    kind = "response.shell_call_output_content"
    done = [{"stdout": S, "stderr": MAIL, "outcome": {"type": "exit", "exit_code": 0}}]
    raw = b"".join(
        event(n, f"{kind}.delta", **at, delta={"stdout": a, "stderr": b})
        for n, (a, b) in enumerate(zip(cut(S, [7]), cut(MAIL + "   ", [7]), strict=False))
    )
    out, _ = run(raw + event(3, f"{kind}.done", **at, output=done))
    events = read(out)
    for member, value in (("stdout", VALUE), ("stderr", MAPPING[MAIL])):
        assert "".join(e["delta"].get(member, "") for e in events if "delta" in e).strip() == value
        assert events[-1]["output"][0][member] == value


def test_what_is_held_comes_before_an_error_and_before_a_torn_end() -> None:
    begun = event(
        0, "response.output_text.delta", item_id="i", output_index=0, content_index=0, logprobs=[], delta=S[:9]
    )
    out, made = run(begun + event(1, "error", code="server_error", message=f"failed on {S}", param=None))
    events = read(out)
    assert events[-1] == {"type": "error", "code": "server_error", "message": f"failed on {VALUE}", "param": None,
                          "sequence_number": 2}  # fmt: skip
    assert "".join(e.get("delta", "") for e in events) == S[:9] and not made.complete
    for torn in (b"", b"data: {"):
        out, made = run(begun + torn)
        parser = sse.Parser()
        events = [json.loads(e.data) for e in parser.feed(out) if e.data is not None]
        assert "".join(e.get("delta", "") for e in events) == S[:9]
        assert events[-1]["sequence_number"] == 1 and not made.complete and out.endswith(torn)


def test_a_last_event_without_an_empty_line_still_counts() -> None:
    raw = b"".join(text_stream(S, [3]))[:-1]
    out, made = run(raw)
    assert made.complete and read(out)[-1]["response"]["output"][0]["content"][0]["text"] == VALUE


@pytest.mark.parametrize("kind", ["response.completed", "response.failed", "response.incomplete"])
def test_each_end_of_a_response_ends_the_stream(kind: str) -> None:
    out, made = run(event(0, kind, response=answer(message(S), status="failed")))
    assert made.complete and S.encode() not in out and out.startswith(b": sealgate-restored")


def test_what_is_held_to_the_end_counts_once_and_is_padded_by_nobody() -> None:
    restorers = Restorers(MAPPING)
    made = DIALECT.restore_stream(restorers, restorers.text)
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    text = f"{S} and {S[:9]}"
    out = made.feed(
        event(0, "response.output_text.delta", **at, delta=text, obfuscation="abc")
        + event(1, "response.completed", response=answer(message(text)))
    )
    first, added, last = read(out)
    assert restorers.counts()["restored"] == 1 and first["obfuscation"] == "abc"
    assert added == {**added, "delta": S[:9], "sequence_number": 1} and "obfuscation" not in added
    assert last["sequence_number"] == 2


def test_numbers_are_left_alone_where_there_are_none() -> None:
    at = {"item_id": "i", "output_index": 0, "content_index": 0}
    out, _ = run(
        event(None, "response.output_text.delta", **at, delta=S[:9])
        + event(None, "response.output_text.done", **at, text=S[:9])
    )
    assert all("sequence_number" not in e for e in read(out)) and len(read(out)) == 3


def test_an_event_too_long_to_be_buffered_is_an_upstream_error() -> None:
    made = DIALECT.restore_stream(factory({}), lambda: "t")
    with pytest.raises(UpstreamError):
        made.feed(b"data: " + b"x" * (sse.MAX_LINE_BYTES + 1))


def test_the_answers_here_are_answers_as_the_sdk_knows_them() -> None:
    Response.model_validate(answer(message("x"), call("{}")))
    Response.model_validate(stateful())
    for raw in text_stream("x", [1], instructions="y"):
        check_event(read(raw)[0])
