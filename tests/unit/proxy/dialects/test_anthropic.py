"""Anthropic messages: every place that can hold text is covered; answers come back right under any chunking."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_restorer import factory

from proxy.dialects.anthropic import AnthropicMessages
from proxy.errors import BadRequest, Refused

DIALECT = AnthropicMessages()
CANARY = "Zoë Canary-7731"
STAND_IN = "PERSON_k3f9x0k3f9x0k"


def request(**more: Any) -> dict[str, Any]:
    return {"model": "claude", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}], **more}


def turns(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    return request(messages=[{"role": role, "content": list(blocks)}])


CALL = {"type": "tool_use", "id": "toolu_1", "name": "book", "input": {"who": {"name": CANARY}}}
PLACES = {
    "user": request(messages=[{"role": "user", "content": CANARY}]),
    "system": request(system=CANARY),
    "system_blocks": request(system=[{"type": "text", "text": CANARY, "cache_control": {"type": "ephemeral"}}]),
    "text_block": turns({"type": "text", "text": CANARY}),
    "assistant": turns({"type": "text", "text": CANARY}, role="assistant"),
    "tool_use_input": turns(CALL, role="assistant"),
    "tool_use_key": turns({**CALL, "input": {CANARY: 1}}, role="assistant"),
    "tool_use_nested_json": turns({**CALL, "input": {"body": json.dumps({"x": CANARY})}}, role="assistant"),
    "tool_use_name": turns({**CALL, "name": CANARY, "input": {}}, role="assistant"),
    "tool_use_id": turns({**CALL, "id": CANARY, "input": {}}, role="assistant"),
    "tool_result": turns({"type": "tool_result", "tool_use_id": "toolu_1", "content": CANARY}),
    "tool_result_json": turns({"type": "tool_result", "tool_use_id": "t", "content": json.dumps({"a": [CANARY]})}),
    "tool_result_blocks": turns(
        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": CANARY}]}
    ),
    "thinking": turns({"type": "thinking", "thinking": CANARY, "signature": "c2ln"}, role="assistant"),
    "document_text": turns(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": CANARY}}
    ),
    "document_title": turns({"type": "document", "title": CANARY, "source": {"type": "url", "url": "https://x"}}),
    "document_context": turns({"type": "document", "context": CANARY, "source": {"type": "text", "data": "x"}}),
    "image_url": turns({"type": "image", "source": {"type": "url", "url": f"https://x.example/?q={CANARY}"}}),
    "search_result": turns(
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": CANARY}]}
    ),
    "citations": turns({"type": "text", "text": "x", "citations": [{"cited_text": CANARY}]}),
    "metadata_user": request(metadata={"user_id": CANARY}),
    "stop_sequences": request(stop_sequences=[CANARY]),
    "tool_description": request(tools=[{"name": "t", "description": CANARY, "input_schema": {"type": "object"}}]),
    "tool_default": request(
        tools=[{"name": "t", "input_schema": {"type": "object", "properties": {"a": {"default": CANARY}}}}]
    ),
    "tool_property": request(tools=[{"name": "t", "input_schema": {"properties": {CANARY: {"type": "string"}}}}]),
    "tool_choice": request(tool_choice={"type": "tool", "name": CANARY}),
    "mcp_server": request(mcp_servers=[{"type": "url", "url": f"https://{CANARY}", "name": "x"}]),
    "unknown_field": request(zzz={"a": [CANARY]}),
    "unknown_key": request(**{CANARY: True}),
    "unknown_block": turns({"type": "mystery", "payload": CANARY}),
    "service_tier": request(service_tier=CANARY),
    "role": request(messages=[{"role": CANARY, "content": "x"}]),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_is_a_segment_and_can_be_replaced(place: str) -> None:
    body = json.dumps(PLACES[place], ensure_ascii=False).encode()
    parsed = DIALECT.parse(body)
    hit = [s for s in parsed.segments if CANARY in s.text]
    assert hit, "nobody looks there"
    edits = {(s.pointer, s.kind): s.text.replace(CANARY, STAND_IN) for s in hit}
    out = DIALECT.render(parsed, edits, "claude")
    assert CANARY not in json.dumps(json.loads(out), ensure_ascii=False) and STAND_IN.encode() in out


def test_without_edits_the_bytes_are_the_apps_own() -> None:
    for body in PLACES.values():
        raw = json.dumps(body, indent=1).encode()
        assert DIALECT.render(DIALECT.parse(raw), {}, "claude") == raw


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            turns({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}),
            "content:image",
        ),
        (turns({"type": "document", "source": {"type": "base64", "data": "JVBERi0="}}), "content:document"),
        (turns({"type": "redacted_thinking", "data": "x"}, role="assistant"), "content:unknown"),
    ],
)
def test_what_nobody_can_read_is_uninspected(body: dict[str, Any], reason: str) -> None:
    assert reason in DIALECT.parse(json.dumps(body).encode()).uninspected


@pytest.mark.parametrize(
    "body",
    [
        {}, {"model": "m"}, {"model": "m", "messages": []}, request(messages="x"), request(messages=[1]),
        request(messages=[{"role": "user", "content": 5}]), request(stream="yes"), request(max_tokens="9"),
        request(tools={}), request(messages=[{"content": "x"}]), request(messages=[{"role": "user", "content": [{}]}]),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_without_repeating_them(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        DIALECT.parse(json.dumps(body).encode())
    assert CANARY not in e.value.message


def test_origins_follow_roles_and_the_tools_that_were_called() -> None:
    body = request(
        system="s",
        messages=[
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": [CALL]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "r"}]},
        ],
    )
    parsed = DIALECT.parse(json.dumps(body).encode())
    origins = {s.text: s.origin for s in parsed.segments}
    assert (origins["s"], origins["u"], origins[CANARY], origins["r"]) == ("system", "user", "assistant", "tool:book")
    assert parsed.first_user == "u"


def test_a_complete_answer_is_restored_in_text_thinking_and_tool_input() -> None:
    value = 'Zoë "Z"'
    answer = {
        "type": "message",
        "content": [
            {"type": "thinking", "thinking": f"about {STAND_IN}", "signature": "s"},
            {"type": "text", "text": f"Dear {STAND_IN}"},
            {"type": "tool_use", "id": "t", "name": "book", "input": {"who": STAND_IN, "n": 1.0}},
        ],
        "usage": {"input_tokens": 3, "output_tokens": 4},
    }
    out, usage = DIALECT.restore(json.dumps(answer).encode(), factory({STAND_IN: value}))
    content = json.loads(out)["content"]
    assert [content[0]["thinking"], content[1]["text"], content[2]["input"]] == [
        f"about {value}", f"Dear {value}", {"who": value, "n": 1.0},
    ]  # fmt: skip
    assert usage == {"tokens_in": 3, "tokens_out": 4}


def test_what_is_no_message_is_said() -> None:
    for raw in (b"x", b"[]", b'{"type":"error"}'):
        with pytest.raises(ValueError, match="answer"):
            DIALECT.restore(raw, factory({}))


def stream(text: str, arguments: str) -> bytes:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": c}} for c in text),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "book", "input": {}}},
        *(
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": c}}
            for c in arguments
        ),
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 8}},
        {"type": "message_stop"},
    ]
    return b": hello\n\n" + b"".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in events)


def read(raw: bytes) -> tuple[str, str]:
    """The text and the arguments a client puts together."""
    out = {0: "", 1: ""}
    for block in raw.decode().split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data:"):
                event = json.loads(line[5:])
                delta = event.get("delta", {})
                if event["type"] == "content_block_delta":
                    out[event["index"]] += delta.get("text", "") + delta.get("partial_json", "")
    return out[0], out[1]


@given(st.lists(st.integers(1, 60), max_size=40))
def test_any_chunking_of_a_stream_gives_the_same_bytes(sizes: list[int]) -> None:
    value = 'Zoë "Z" 李'
    raw = stream(f"Dear {STAND_IN} é", json.dumps({"who": STAND_IN, "note": "x\n" + STAND_IN}))

    def run(pieces: list[bytes]) -> tuple[bytes, bool, dict[str, int]]:
        made = DIALECT.restore_stream(factory({STAND_IN: value}), lambda: "sealgate-restored 3/3")
        out = b"".join([made.feed(p) for p in pieces]) + made.close()
        return out, made.complete, dict(made.usage)

    whole = run([raw])
    pieces, at = [], 0
    for size in sizes:
        pieces.append(raw[at : at + size])
        at += size
    assert run([*pieces, raw[at:]]) == whole
    text, arguments = read(whole[0])
    assert text == f"Dear {value} é"
    assert json.loads(arguments) == {"who": value, "note": "x\n" + value}
    assert whole[1:] == (True, {"tokens_in": 5, "tokens_out": 8})
    assert whole[0].startswith(b": hello\n\n") and whole[0].index(b"sealgate-restored") < whole[0].index(
        b"message_stop"
    )


def test_a_stream_that_breaks_off_gives_what_it_held_and_is_not_complete() -> None:
    raw = stream(f"Dear {STAND_IN}"[:12], "")
    cut = raw[: raw.index(b"event: content_block_stop")]
    made = DIALECT.restore_stream(factory({STAND_IN: "Zoë"}), lambda: "x")
    out = made.feed(cut) + made.close()
    assert read(out)[0] == f"Dear {STAND_IN}"[:12] and not made.complete


def test_an_untouched_stream_passes_byte_for_byte_but_for_the_trailer() -> None:
    raw = stream("nothing here", "{}")
    made = DIALECT.restore_stream(factory({STAND_IN: "Zoë"}), lambda: "t")
    assert (made.feed(raw) + made.close()).replace(b": t\n\n", b"") == raw


def test_an_error_has_anthropics_shape_and_our_code() -> None:
    error = json.loads(DIALECT.error(Refused("because"), "req_1"))
    assert error["type"] == "error" and error["request_id"] == "req_1"
    assert error["error"] == {"type": "permission_error", "message": "because", "code": "policy_refused"}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (request(tools=[{"type": "web_search_20250305", "name": "web_search"}]), {"web_search"}),
        (request(tools=[{"type": "code_execution_20250825", "name": "x"}]), {"code_execution"}),
        (request(tools=[{"type": "anna", "name": "x"}]), {"unknown"}),
        (request(tools=[{"type": "bash_20250124", "name": "bash"}, {"name": "f", "input_schema": {}}]), set()),
        (
            request(mcp_servers=[{"type": "url", "url": "https://mcp.example.com/sse", "name": "y"}]),
            {"mcp:mcp.example.com"},
        ),
        (request(mcp_servers=[{"type": "url", "name": "y"}]), {"mcp:unknown"}),
        (request(container="container_1"), {"code_execution"}),
        (turns({"type": "image", "source": {"type": "url", "url": "https://a.example/x"}}), {"fetch:a.example"}),
        (turns({"type": "document", "source": {"type": "url", "url": "http://a.example:80/x"}}), {"fetch:a.example"}),
    ],
)
def test_what_the_provider_would_use_on_its_own_is_named(body: dict[str, Any], names: set[str]) -> None:
    assert DIALECT.parse(json.dumps(body).encode()).reaches == names


def test_files_and_containers_of_the_provider_are_references() -> None:
    body = turns({"type": "document", "source": {"type": "file", "file_id": "file_1"}}) | {"container": {"id": "c_1"}}
    assert {(r.kind, r.id) for r in DIALECT.parse(json.dumps(body).encode()).references} == {
        ("file", "file_1"), ("container", "c_1")
    }  # fmt: skip


def test_what_is_held_comes_before_a_torn_end_and_after_a_whole_event_that_no_empty_line_ended() -> None:
    def event(text: str) -> bytes:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        return b"event: content_block_delta\ndata: " + json.dumps(delta).encode() + b"\n\n"

    def run(data: bytes) -> bytes:
        stream = DIALECT.restore_stream(factory({STAND_IN: CANARY}), lambda: "sealgate-restored 1/1")
        return stream.feed(data) + stream.close()

    whole = run(event(STAND_IN[:9]) + event(f"{STAND_IN[9:]} says").rstrip(b"\n"))
    assert json.dumps(CANARY + " says", ensure_ascii=False)[1:-1].encode() in whole.replace(b"\\u00eb", "ë".encode())
    assert whole.index(b"says") < whole.index(b": sealgate-restored")
    torn = run(event(STAND_IN[:9]) + b'event: content_block_delta\ndata: {"type')
    assert torn.endswith(b'data: {"type') and STAND_IN[:9].encode() in torn
