"""Every place a chat request can hold text is a segment, and a request leaves as it came but for its edits."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from proxy.dialects.base import Parsed, Untransformable
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import BadRequest, Busy, Misuse, Refused, Unavailable

C = "canary@leak.example"
CHAT = OpenAIChat()
USER = {"role": "user", "content": "hi"}


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [USER], **fields}).encode()


def messages(*more: Any) -> bytes:
    return body(messages=[*more, USER])


def called(name: str = "mail", arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    call = {
        "id": "call_AbCdEfGh1jKlMnOpQrStUvWx",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
        **more,
    }
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def tool(**function: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "mail", **function}}


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"to": {"type": "string", **more}}}


def in_strings(value: Any, levels: int) -> str:
    text = json.dumps(value)
    for _ in range(levels - 1):
        text = json.dumps([text])
    return text


def part(**more: Any) -> bytes:
    return messages({"role": "user", "content": [more]})


FIELDS = {
    "system": messages({"role": "system", "content": C}),
    "developer": messages({"role": "developer", "content": C}),
    "user string": messages({"role": "user", "content": C}),
    "user parts": part(type="text", text=C),
    "extra member of a text part": part(type="text", text="x", cache_control={"type": C}),
    "assistant": messages({"role": "assistant", "content": C}),
    "assistant parts": messages({"role": "assistant", "content": [{"type": "refusal", "refusal": C}]}),
    "refusal": messages({"role": "assistant", "refusal": C}),
    "reasoning": messages({"role": "assistant", "content": "x", "reasoning_content": C}),
    "annotations": messages({"role": "assistant", "content": "x", "annotations": [{"url_citation": {"url": C}}]}),
    "tool result": messages(called(), {"role": "tool", "tool_call_id": "call_AbCdEfGh1jKlMnOpQrStUvWx", "content": C}),
    "tool result, JSON": messages(called(), {"role": "tool", "tool_call_id": "x", "content": json.dumps({"a": [C]})}),
    "tool result, parts": messages({"role": "tool", "content": [{"type": "text", "text": f'{{"a":"{C}"}}'}]}),
    "tool result, JSON string": messages({"role": "tool", "content": json.dumps(C)}),
    "function result": messages({"role": "function", "name": "f", "content": C}),
    "unknown role": messages({"role": C, "content": "x"}),
    "content of an unknown role": messages({"role": "critic", "content": C}),
    "message name": messages({"role": "user", "content": "x", "name": C}),
    "unknown member of a message": messages({"role": "user", "content": "x", "note": {"deep": [C]}}),
    "unknown key of a message": messages({"role": "user", "content": "x", C: 1}),
    "arguments": messages(called(arguments=json.dumps({"to": {"x": [C]}}))),
    "arguments, key": messages(called(arguments=json.dumps({C: 1}))),
    "arguments, no JSON": messages(called(arguments='{"to": "' + C)),
    "arguments, escaped": messages(called(arguments='{"to": "canary\\u0040leak.example"}')),
    "arguments, JSON in JSON": messages(called(arguments=json.dumps({"x": json.dumps({"y": C})}))),
    "tool call name": messages(called(name=C)),
    "tool call id": messages(called(id=C)),
    "tool call type": messages(called(type=C)),
    "tool_call_id": messages({"role": "tool", "tool_call_id": C, "content": "x"}),
    "custom call": messages(
        {"role": "assistant", "tool_calls": [{"type": "custom", "custom": {"name": "x", "input": C}}]}
    ),
    "function_call": messages({"role": "assistant", "function_call": {"name": "x", "arguments": json.dumps({"a": C})}}),
    "tool name": body(tools=[tool(name=C)]),
    "tool description": body(tools=[tool(description=C)]),
    "parameter description": body(tools=[tool(parameters=schema(description=C))]),
    "parameter default": body(tools=[tool(parameters=schema(default=C))]),
    "parameter default, deep": body(tools=[tool(parameters=schema(default={"type": {"properties": C}}))]),
    "parameter enum": body(tools=[tool(parameters=schema(enum=["x", C]))]),
    "parameter examples": body(tools=[tool(parameters=schema(examples=[{"a": C}]))]),
    "parameter const": body(tools=[tool(parameters=schema(const=C))]),
    "parameter type": body(tools=[tool(parameters=schema(type=["string", C]))]),
    "parameter name": body(tools=[tool(parameters={"properties": {C: {"type": "string"}}})]),
    "required": body(tools=[tool(parameters={"required": [C]})]),
    "key in an example": body(tools=[tool(parameters=schema(examples=[{C: 1}]))]),
    "vendor keyword": body(tools=[tool(parameters=schema(**{"x-note": {"a": C}}))]),
    "nested schemas": body(tools=[tool(parameters={"anyOf": [{"items": {"$defs": {"x": {"not": {"title": C}}}}}]})]),
    "schema that is a string": body(tools=[tool(parameters=C)]),
    "unknown member of a tool": body(tools=[tool() | {"note": C}]),
    "custom tool": body(tools=[{"type": "custom", "custom": {"name": "x", "description": C}}]),
    "grammar": body(
        tools=[{"type": "custom", "custom": {"name": "x", "format": {"type": "grammar", "grammar": {"definition": C}}}}]
    ),
    "provider tool": body(tools=[{"type": "web_search", "user_location": {"city": C}}]),
    "legacy functions": body(functions=[{"name": "x", "description": C}]),
    "tool_choice string": body(tool_choice=C),
    "tool_choice name": body(tool_choice={"type": "function", "function": {"name": C}}),
    "allowed tools": body(
        tool_choice={
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": C}}]},
        }
    ),
    "function_call choice": body(function_call={"name": C}),
    "response_format description": body(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "description": C, "schema": {}}}
    ),
    "response_format schema": body(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema(description=C)}}
    ),
    "response_format type": body(response_format={"type": C}),
    "stop": body(stop=C),
    "stop list": body(stop=["x", C]),
    "user id": body(user=C),
    "safety_identifier": body(safety_identifier=C),
    "prompt_cache_key": body(prompt_cache_key=C),
    "metadata value": body(metadata={"a": C}),
    "metadata key": body(metadata={C: "a"}),
    "prediction": body(prediction={"type": "content", "content": C}),
    "prediction parts": body(prediction={"type": "content", "content": [{"type": "text", "text": C}]}),
    "service_tier": body(service_tier=C),
    "reasoning_effort": body(reasoning_effort=C),
    "modalities": body(modalities=["text", C]),
    "audio voice": body(audio={"voice": C, "format": "wav"}),
    "logit_bias": body(logit_bias={C: 1}),
    "stream_options": body(stream_options={"x": C}),
    "web_search_options": body(web_search_options={"user_location": {"approximate": {"city": C}}}),
    "unknown field": body(extra={"a": [{"b": C}]}),
    "unknown field's name": body(**{C: 1}),
    "image URL": part(type="image_url", image_url={"url": f"https://x.example/i.png?who={C}"}),
    "image URL, plain data URI": part(type="image_url", image_url={"url": f"data:text/plain,{C}"}),
    "file name": part(type="file", file={"filename": C, "file_data": "QUJD"}),
    "file data that is no base64": part(type="file", file={"file_data": C}),
    "audio data that is no base64": part(type="input_audio", input_audio={"data": C, "format": "wav"}),
    "unknown part": part(type="hologram", hologram={"caption": C}),
    "unknown part's type": part(type=C),
    "unknown part's key": part(type="hologram", **{C: 1}),
}


def texts(parsed: Parsed) -> list[str]:
    return [s.text for s in parsed.segments]


@pytest.mark.parametrize("request_body", FIELDS.values(), ids=FIELDS.keys())
def test_no_field_can_carry_text_past_the_segments(request_body: bytes) -> None:
    parsed = CHAT.parse(request_body)
    holding = [s for s in parsed.segments if C in s.text]
    assert holding
    edited = CHAT.render(parsed, {(s.pointer, s.kind): s.text.replace(C, "PERSON_x") for s in holding}, "m")
    assert b"leak.example" not in edited
    assert C not in json.dumps(texts(CHAT.parse(edited)))
    assert edited.count(b"PERSON_x") == len(holding)


CARD = 4111111111111111
NUMBERS = {
    "seed": body(seed=CARD),
    "temperature": body(temperature=CARD),
    "metadata": body(metadata={"a": CARD}),
    "arguments": messages(called(arguments=f'{{"card": {CARD}}}')),
    "tool result": messages({"role": "tool", "content": f'{{"card": [{CARD}]}}'}),
    "schema default": body(tools=[tool(parameters=schema(default=CARD))]),
    "schema minimum": body(tools=[tool(parameters=schema(minimum=CARD))]),
    "logit_bias": body(logit_bias={"1": CARD}),
    "index of a call": messages(called(index=CARD)),
    "unknown": body(extra=[[CARD]]),
    "part": part(type="hologram", x=CARD),
}


@pytest.mark.parametrize("request_body", NUMBERS.values(), ids=NUMBERS.keys())
def test_a_number_that_could_be_an_account_is_a_segment_and_stays_a_number(request_body: bytes) -> None:
    parsed = CHAT.parse(request_body)
    (segment,) = [s for s in parsed.segments if str(CARD) in s.text]
    assert segment.kind == "number"
    with pytest.raises(Untransformable):
        CHAT.render(parsed, {(segment.pointer, "number"): "CREDIT_CARD_x"}, "m")
    assert str(CARD).encode() not in CHAT.render(parsed, {(segment.pointer, "number"): "0"}, "m")


def test_what_the_protocol_itself_says_is_no_segment() -> None:
    parsed = CHAT.parse(
        body(
            messages=[USER | {"name": None}, called() | {"function_call": None, "audio": None}],
            temperature=0.7, top_p=1, n=1, max_tokens=100, max_completion_tokens=None, seed=42, stream=True,
            presence_penalty=-1.5, frequency_penalty=0, logprobs=True, top_logprobs=2, parallel_tool_calls=False,
            stream_options={"include_usage": True}, tool_choice="auto", response_format={"type": "json_object"},
            service_tier="auto", reasoning_effort="low", modalities=["text"], logit_bias={"50256": -100}, stop=None,
            tools=[tool(strict=True, parameters={"type": "object", "properties": {}, "additionalProperties": False})],
        )
    )  # fmt: skip
    said = [(s.kind, s.text) for s in parsed.segments if s.kind != "opaque"]
    assert said == [("text", "hi"), ("text", "mail"), ("text", "mail")]
    assert parsed.stream
    assert not parsed.uninspected
    assert parsed.content == {"text"}


@pytest.mark.parametrize(
    "ident",
    [
        "call_0123456789012345",
        "call_abcdef4111111111111111",
        "call_johnsmith",
        "call_john.doe@x.example",
        "john_doe",
    ],
)
def test_only_an_id_as_providers_make_it_is_left_to_the_patterns(ident: str) -> None:
    made = "call_AbCdEfGh1jKlMnOpQrStUvWx"
    assert [s.kind for s in CHAT.parse(messages(called())).segments if s.text == made] == ["opaque"]
    assert [s.kind for s in CHAT.parse(messages(called(id=ident))).segments if s.text == ident] == ["text"]


def test_segments_know_where_they_come_from() -> None:
    parsed = CHAT.parse(
        body(
            messages=[
                {"role": "system", "content": "s"},
                {"role": "developer", "content": "d"},
                {"role": "user", "content": "u", "name": "n"},
                called(name="look_up", arguments='{"k": "v", "n": 1.0}'),
                {"role": "tool", "tool_call_id": "call_AbCdEfGh1jKlMnOpQrStUvWx", "content": '{"r": "t"}'},
                {"role": "tool", "tool_call_id": "call_unknown1", "content": "o"},
                {"role": "function", "name": "old", "content": "f"},
            ],
            tools=[tool(description="td")],
            metadata={"mk": "mv"},
        )
    )
    args = "/messages/3/tool_calls/0/function/arguments#"
    assert [(s.pointer, s.origin, s.kind, s.text) for s in parsed.segments] == [
        ("/messages/0/content", "system", "text", "s"),
        ("/messages/1/content", "system", "text", "d"),
        ("/messages/2/content", "user", "text", "u"),
        ("/messages/2/name", "user", "text", "n"),
        ("/messages/3/tool_calls/0/id", "assistant", "opaque", "call_AbCdEfGh1jKlMnOpQrStUvWx"),
        ("/messages/3/tool_calls/0/function/name", "assistant", "text", "look_up"),
        (f"{args}/k", "assistant", "key", "k"),
        (f"{args}/k", "assistant", "text", "v"),
        (f"{args}/n", "assistant", "key", "n"),
        (f"{args}/n", "assistant", "number", "1.0"),
        ("/messages/4/tool_call_id", "tool:look_up", "opaque", "call_AbCdEfGh1jKlMnOpQrStUvWx"),
        ("/messages/4/content#/r", "tool:look_up", "key", "r"),
        ("/messages/4/content#/r", "tool:look_up", "text", "t"),
        ("/messages/5/tool_call_id", "tool:unknown", "text", "call_unknown1"),
        ("/messages/5/content", "tool:unknown", "text", "o"),
        ("/messages/6/name", "tool:old", "text", "old"),
        ("/messages/6/content", "tool:old", "text", "f"),
        ("/tools/0/function/name", "system", "text", "mail"),
        ("/tools/0/function/description", "system", "text", "td"),
        ("/metadata/mk", "other", "key", "mk"),
        ("/metadata/mk", "other", "text", "mv"),
    ]
    assert parsed.tools == {"mail"}


@pytest.mark.parametrize(
    ("request_body", "reason", "content"),
    [
        (part(type="image_url", image_url={"url": "data:image/png;base64,iVBORw0KGgo="}), "content:image_url", "image"),
        (part(type="image_url", image_url={"url": "https://x.example/y"}), "content:image_url", "image"),
        (part(type="input_audio", input_audio={"data": "QUJD" * 40, "format": "mp3"}), "content:input_audio", "audio"),
        (part(type="file", file={"file_id": "file-1"}), "content:file", "file"),
        (part(type="file", file={"file_data": "QUJD", "file_id": "file-1"}), "content:file", "file"),
        (part(type="video_url", video_url={"url": "https://x.example/y"}), "content:video_url", "video"),
        (part(type="hologram"), "content:unknown", "unknown"),
        (messages({"role": "assistant", "audio": {"id": "audio_1"}}), "content:input_audio", "audio"),
        (messages(called(arguments='{"a": 1, "a": 2}')), "nested:ambiguous", "text"),
        (messages(called(arguments='{"a": NaN}')), "nested:ambiguous", "text"),
        (messages(called(arguments="[" * 40 + "]" * 40)), "nested:ambiguous", "text"),
        (messages(called(arguments=in_strings(["x"], 4))), "nested:depth", "text"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_uninspected(request_body: bytes, reason: str, content: str) -> None:
    parsed = CHAT.parse(request_body)
    assert parsed.uninspected == {reason}
    assert content in parsed.content


def test_base64_is_not_taken_for_text() -> None:
    data = base64.b64encode(bytes(range(256))).decode()
    for request_body in (
        part(type="image_url", image_url={"url": f"data:image/png;base64,{data}", "detail": "low"}),
        part(type="input_audio", input_audio={"data": data, "format": "wav"}),
    ):
        assert texts(CHAT.parse(request_body)) == ["hi"]


@pytest.mark.parametrize(
    ("request_body", "pointer"),
    [
        (b'{"messages": [{"role": "user", "content": "canary"}]}', "/model"),
        (b'{"model": 5, "messages": [{"role": "user", "content": "canary"}]}', "/model"),
        (b'{"model": "", "messages": [{"role": "user", "content": "canary"}]}', "/model"),
        (b'{"model": "canary"}', "/messages"),
        (body(messages="canary"), "/messages"),
        (body(messages=[]), "/messages"),
        (body(messages=None), "/messages"),
        (body(messages={"canary": 1}), "/messages"),
        (body(messages=["canary"]), "/messages/0"),
        (body(messages=[{"content": "canary"}]), "/messages/0/role"),
        (body(messages=[{"role": 5}]), "/messages/0/role"),
        (body(messages=[{"role": "user", "content": 5}]), "/messages/0/content"),
        (body(messages=[{"role": "user", "content": {"canary": 1}}]), "/messages/0/content"),
        (body(messages=[{"role": "user", "content": ["canary"]}]), "/messages/0/content/0"),
        (body(messages=[{"role": "user", "content": [{"text": "canary"}]}]), "/messages/0/content/0/type"),
        (body(messages=[{"role": "user", "content": [{"type": "text", "text": 5}]}]), "/messages/0/content/0/text"),
        (body(messages=[{"role": "user", "name": ["canary"]}]), "/messages/0/name"),
        (body(messages=[{"role": "assistant", "tool_calls": "canary"}]), "/messages/0/tool_calls"),
        (body(messages=[called(arguments={"canary": 1})]), "/messages/0/tool_calls/0/function/arguments"),
        (body(messages=[{"role": "assistant", "function_call": "canary"}]), "/messages/0/function_call"),
        (body(tools={"canary": 1}), "/tools"),
        (body(tools=["canary"]), "/tools/0"),
        (body(tools=[{"type": "function", "function": "canary"}]), "/tools/0/function"),
        (body(tools=[{"type": "function"}]), "/tools/0/function"),
        (body(stream="canary"), "/stream"),
        (body(temperature="canary"), "/temperature"),
        (body(stop=5), "/stop"),
        (body(stop=["a", 5]), "/stop"),
        (body(user=5), "/user"),
        (body(metadata="canary"), "/metadata"),
        (body(response_format="canary"), "/response_format"),
        (body(prediction="canary"), "/prediction"),
        (body(logit_bias=["canary"]), "/logit_bias"),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_its_pointer(request_body: bytes, pointer: str) -> None:
    with pytest.raises(BadRequest) as e:
        CHAT.parse(request_body)
    assert e.value.message.startswith(f"{pointer}: ")
    assert "canary" not in e.value.message


def test_the_first_user_message_ties_a_conversation_together() -> None:
    assert (
        CHAT.parse(messages({"role": "system", "content": "s"}, {"role": "user", "content": "one"})).first_user == "one"
    )
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "b"},
    ]
    assert CHAT.parse(messages({"role": "user", "content": parts})).first_user == "ab"
    assert CHAT.parse(body(messages=[{"role": "system", "content": "s"}])).first_user == ""


ODD = b' {\n "messages" : [ {"role":"user","content":"caf\\u00e9 model"} ],"temperature":1.0,'
ODD += b' "model" : "m", "seed":1e1 }\n'


def test_without_a_change_the_bytes_are_the_same() -> None:
    parsed = CHAT.parse(ODD)
    assert CHAT.render(parsed, {}, "m") == ODD
    assert CHAT.render(parsed, {("/messages/0/content", "text"): "café model"}, "m") == ODD


def test_another_model_changes_the_bytes_of_its_name_only() -> None:
    assert CHAT.render(CHAT.parse(ODD), {}, "other") == ODD.replace(b'"m"', b'"other"')


def test_an_edit_keeps_lexemes_order_and_everything_else() -> None:
    edited = CHAT.render(CHAT.parse(ODD), {("/messages/0/content", "text"): "x"}, "other")
    assert edited == b'{"messages":[{"role":"user","content":"x"}],"temperature":1.0,"model":"other","seed":1e1}'


def test_a_nested_document_is_written_anew_only_when_something_in_it_changes() -> None:
    arguments = '{ "n": 1.0, "to": "a" }'
    parsed = CHAT.parse(messages(called(arguments=arguments), called(arguments=arguments)))
    pointer = "/messages/1/tool_calls/0/function/arguments#/to"
    tree = json.loads(CHAT.render(parsed, {(pointer, "text"): 'b"'}, "m"))
    assert tree["messages"][0]["tool_calls"][0]["function"]["arguments"] == arguments
    assert tree["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"n":1.0,"to":"b\\""}'


def test_two_keys_that_would_become_one_are_untransformable() -> None:
    parsed = CHAT.parse(body(metadata={"a": "1", "b": "2"}))
    with pytest.raises(Untransformable):
        CHAT.render(parsed, {("/metadata/a", "key"): "x", ("/metadata/b", "key"): "x"}, "m")


def test_an_edit_of_what_is_no_segment_is_our_own_bug() -> None:
    with pytest.raises(Misuse):
        CHAT.render(CHAT.parse(ODD), {("/messages/0/role", "text"): "x"}, "m")


def test_errors_have_the_shape_the_sdk_expects() -> None:
    shape = json.loads(CHAT.error(Refused('because "so"', code="policy_refused"), "req_1"))
    assert shape == {
        "error": {
            "message": 'because "so"', "type": "permission_error", "param": None, "code": "policy_refused",
            "request_id": "req_1",
        }
    }  # fmt: skip
    kinds = [json.loads(CHAT.error(e, "r"))["error"]["type"] for e in (BadRequest(""), Busy(""), Unavailable(""))]
    assert kinds == ["invalid_request_error", "rate_limit_error", "server_error"]


def test_payload_is_in_no_repr() -> None:
    assert C not in repr(CHAT.parse(FIELDS["arguments"]))


def image(url: str) -> bytes:
    return part(type="image_url", image_url={"url": url})


@pytest.mark.parametrize(
    ("request_body", "names"),
    [
        (body(tools=[{"type": "web_search"}]), {"web_search"}),
        (body(tools=[{"type": "anna@example.com"}]), {"unknown"}),
        (body(web_search_options={}), {"web_search"}),
        (image("https://Images.Example.com/a.png?who=anna"), {"fetch:images.example.com"}),
        (image("https://user:pw@a.example/x"), {"fetch:unknown"}),
        (image("gs://bucket/x"), {"fetch:unknown"}),
        (image("data:image/png;base64,iVBORw0KGgo="), set()),
        (body(tools=[{"type": "function", "function": {"name": "f"}}]), set()),
    ],
)
def test_what_the_provider_would_use_on_its_own_is_named(request_body: bytes, names: set[str]) -> None:
    assert CHAT.parse(request_body).reaches == names
