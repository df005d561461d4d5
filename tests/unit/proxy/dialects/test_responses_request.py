"""Every place a Responses request can hold text is a segment, and a request leaves as it came but for its edits."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParams
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from pydantic import TypeAdapter

from proxy.dialects.base import Parsed, Reference, Untransformable
from proxy.dialects.responses import OpenAIResponses
from proxy.errors import BadRequest, Misuse, Refused

C = "canary@leak.example"
DIALECT = OpenAIResponses()
HEX = "a1b2c3d4e5f60718a9bacbdcedfe0f1a2b3c4d5e6f708192"
BLOB = base64.b64encode(bytes(range(128, 228))).decode()


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": "hi", **fields}).encode()


def items(*more: Any) -> bytes:
    return body(input=[*more, {"role": "user", "content": "hi"}])


def part(**more: Any) -> bytes:
    return items({"role": "user", "content": [more]})


def function(**more: Any) -> bytes:
    return body(tools=[{"type": "function", "name": "mail", "parameters": {}, "strict": True, **more}])


def tool(kind: str, **more: Any) -> bytes:
    return body(tools=[{"type": kind, **more}])


def schema(**more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"to": {"type": "string", **more}}}


def call(**more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": f"call_{HEX[:24]}", "name": "mail", "arguments": "{}", **more}


def output(kind: str = "function_call_output", **more: Any) -> dict[str, Any]:
    return {"type": kind, "call_id": f"call_{HEX[:24]}", "output": "x", **more}


def message(*parts: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "message", "id": f"msg_{HEX}", "role": "assistant", "status": "completed", "content": list(parts),
        **more,
    }  # fmt: skip


def said(**more: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": "x", "annotations": [], **more}


def searched(**more: Any) -> dict[str, Any]:
    return {"type": "web_search_call", "id": f"ws_{HEX}", "status": "completed", "action": more}


def computed(**action: Any) -> dict[str, Any]:
    return {
        "type": "computer_call", "id": f"cu_{HEX}", "call_id": f"call_{HEX[:24]}", "status": "completed",
        "pending_safety_checks": [], "action": action,
    }  # fmt: skip


def interpreted(**more: Any) -> dict[str, Any]:
    return {
        "type": "code_interpreter_call", "id": f"ci_{HEX}", "container_id": f"cntr_{HEX}", "status": "completed",
        "code": "1", "outputs": [], **more,
    }  # fmt: skip


def mcp(**more: Any) -> dict[str, Any]:
    return {"type": "mcp_call", "id": f"mcp_{HEX}", "name": "find", "server_label": "s", "arguments": "{}", **more}


def shell(**more: Any) -> dict[str, Any]:
    action = {"type": "exec", "command": ["ls"], "env": {}, **more}
    return {
        "type": "local_shell_call", "id": f"lsh_{HEX}", "call_id": "c", "status": "completed", "action": action,
    }  # fmt: skip


ITEMS = {
    "message, string": {"role": "user", "content": C},
    "message, system": {"role": "system", "content": C},
    "message, developer": {"type": "message", "role": "developer", "content": C},
    "message, assistant": {"role": "assistant", "content": C},
    "message, input_text": {"role": "user", "content": [{"type": "input_text", "text": C}]},
    "message, output_text": message(said(text=C)),
    "message, refusal": message({"type": "refusal", "refusal": C}),
    "citation title": message(said(annotations=[{"type": "url_citation", "url": "https://x.example", "title": C,
                                                 "start_index": 0, "end_index": 1}])),
    "citation url": message(said(annotations=[{"type": "url_citation", "url": f"https://x.example/{C}", "title": "t",
                                               "start_index": 0, "end_index": 1}])),
    "citation file name": message(said(annotations=[{"type": "file_citation", "file_id": "f", "filename": C,
                                                     "index": 0}])),
    "citation file id": message(said(annotations=[{"type": "file_path", "file_id": C, "index": 0}])),
    "logprobs token": message(said(logprobs=[{"token": C, "logprob": -1, "bytes": [], "top_logprobs": []}])),
    "message id": message(said(), id=C),
    "function_call arguments": call(arguments=json.dumps({"to": {"x": [C]}})),
    "function_call arguments, key": call(arguments=json.dumps({C: 1})),
    "function_call arguments, no JSON": call(arguments='{"to": "' + C),
    "function_call arguments, escaped": call(arguments='{"to": "canary\\u0040leak.example"}'),
    "function_call arguments, JSON in JSON": call(arguments=json.dumps({"x": json.dumps({"y": C})})),
    "function_call name": call(name=C),
    "function_call namespace": call(namespace=C),
    "function_call call_id": call(call_id=C),
    "function_call id": call(id=C),
    "function_call_output": output(output=C),
    "function_call_output, JSON": output(output=json.dumps({"a": [C]})),
    "function_call_output, parts": output(output=[{"type": "input_text", "text": json.dumps({"a": C})}]),
    "function_call_output call_id": output(call_id=C),
    "function_call_output name": output(name=C),
    "custom_tool_call": {"type": "custom_tool_call", "call_id": "c", "name": "x", "input": C},
    "custom_tool_call, JSON": {"type": "custom_tool_call", "call_id": "c", "name": "x", "input": json.dumps([C])},
    "custom_tool_call_output": output("custom_tool_call_output", output=C),
    "custom_tool_call_output, parts": output("custom_tool_call_output", output=[{"type": "input_text", "text": C}]),
    "reasoning summary": {"type": "reasoning", "id": f"rs_{HEX}", "summary": [{"type": "summary_text", "text": C}]},
    "reasoning content": {"type": "reasoning", "id": f"rs_{HEX}", "summary": [],
                          "content": [{"type": "reasoning_text", "text": C}]},
    "reasoning encrypted, text": {"type": "reasoning", "id": f"rs_{HEX}", "summary": [], "encrypted_content": C},
    "reasoning id": {"type": "reasoning", "id": C, "summary": []},
    "compaction": {"type": "compaction", "encrypted_content": C},
    "computer_call text": computed(type="type", text=C),
    "computer_call keys": computed(type="keypress", keys=[C]),
    "computer_call safety check": {**computed(type="wait"), "pending_safety_checks": [{"id": "1", "message": C}]},
    "computer_call_output url": output("computer_call_output",
                                       output={"type": "computer_screenshot", "image_url": f"https://x/{C}"}),
    "computer_call_output check": output("computer_call_output", output={"type": "computer_screenshot", "file_id": "f"},
                                         acknowledged_safety_checks=[{"id": "1", "message": C}]),
    "file_search query": {"type": "file_search_call", "id": "f", "status": "completed", "queries": [C]},
    "file_search result": {"type": "file_search_call", "id": "f", "status": "completed", "queries": [],
                           "results": [{"text": C, "file_id": "x", "filename": "y", "score": 0.5}]},
    "file_search attributes": {"type": "file_search_call", "id": "f", "status": "completed", "queries": [],
                               "results": [{"attributes": {C: "x"}}]},
    "web_search query": searched(type="search", query=C, queries=[]),
    "web_search source": searched(type="search", query="x", sources=[{"type": "url", "url": f"https://x/{C}"}]),
    "web_search find": searched(type="find_in_page", pattern=C, url="https://x.example"),
    "web_search page": searched(type="open_page", url=f"https://x.example/?q={C}"),
    "code_interpreter code": interpreted(code=f"print('{C}')"),
    "code_interpreter logs": interpreted(outputs=[{"type": "logs", "logs": json.dumps({"a": C})}]),
    "code_interpreter image": interpreted(outputs=[{"type": "image", "url": f"https://x.example/{C}"}]),
    "code_interpreter container": interpreted(container_id=C),
    "image_generation prompt": {"type": "image_generation_call", "id": "i", "status": "completed", "result": None,
                                "revised_prompt": C},
    "image_generation result": {"type": "image_generation_call", "id": "i", "status": "completed", "result": C},
    "local_shell command": shell(command=["echo", C]),
    "local_shell env": shell(env={"WHO": C}),
    "local_shell env key": shell(env={C: "x"}),
    "local_shell directory": shell(working_directory=f"/home/{C}"),
    "local_shell user": shell(user=C),
    "local_shell_call_output": {"type": "local_shell_call_output", "id": "x", "output": json.dumps({"stdout": C})},
    "shell_call": {"type": "shell_call", "call_id": "c", "action": {"commands": [f"echo {C}"]}},
    "shell_call_output": {"type": "shell_call_output", "call_id": "c", "output": [
        {"stdout": C, "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]},
    "shell_call_output, errors": {"type": "shell_call_output", "call_id": "c", "output": [
        {"stdout": "", "stderr": C, "outcome": {"type": "timeout"}}]},
    "apply_patch diff": {"type": "apply_patch_call", "call_id": "c", "status": "completed",
                         "operation": {"type": "create_file", "path": "a", "diff": f"+{C}"}},
    "apply_patch path": {"type": "apply_patch_call", "call_id": "c", "status": "completed",
                         "operation": {"type": "delete_file", "path": f"/{C}"}},
    "apply_patch_call_output": {"type": "apply_patch_call_output", "call_id": "c", "status": "failed", "output": C},
    "mcp_list_tools description": {"type": "mcp_list_tools", "id": "m", "server_label": "s",
                                   "tools": [{"name": "x", "description": C, "input_schema": {}}]},
    "mcp_list_tools schema": {"type": "mcp_list_tools", "id": "m", "server_label": "s",
                              "tools": [{"name": "x", "input_schema": schema(default=C)}]},
    "mcp_list_tools annotations": {"type": "mcp_list_tools", "id": "m", "server_label": "s",
                                   "tools": [{"name": "x", "input_schema": {}, "annotations": {"title": C}}]},
    "mcp_list_tools error": {"type": "mcp_list_tools", "id": "m", "server_label": "s", "tools": [], "error": C},
    "mcp server label": mcp(server_label=C),
    "mcp_call arguments": mcp(arguments=json.dumps({"q": C})),
    "mcp_call output": mcp(output=json.dumps({"hits": [C]})),
    "mcp_call error": mcp(error={"type": "mcp_protocol_error", "code": 1, "message": C}),
    "mcp_call error content": mcp(error={"type": "mcp_tool_execution_error", "content": [{"deep": C}]}),
    "mcp_approval_request": {"type": "mcp_approval_request", "id": "m", "name": "x", "server_label": "s",
                             "arguments": json.dumps({"a": C})},
    "mcp_approval_response": {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True,
                              "reason": C},
    "tool_search_call": {"type": "tool_search_call", "arguments": {"query": C}},
    "tool_search_call, key": {"type": "tool_search_call", "arguments": {C: 1}},
    "tool_search_output": {"type": "tool_search_output", "tools": [
        {"type": "function", "name": "x", "description": C, "parameters": {}, "strict": True}]},
    "additional_tools": {"type": "additional_tools", "role": "developer", "tools": [
        {"type": "custom", "name": "x", "description": C}]},
    "program": {"type": "program", "id": "p", "call_id": "c", "code": C, "fingerprint": "x"},
    "program_output": {"type": "program_output", "id": "p", "call_id": "c", "result": C, "status": "completed"},
    "item_reference": {"type": "item_reference", "id": C},
}  # fmt: skip
"""Items of every kind the SDK knows, each with the canary in one place."""
ODD_ITEMS = {
    "unknown role": {"role": C, "content": "x"},
    "content of an unknown role": {"role": "critic", "content": C},
    "unknown member of a message": {"role": "user", "content": "x", "note": {"deep": [C]}},
    "unknown key of a message": {"role": "user", "content": "x", C: 1},
    "status": message(said(), status=C),
    "phase": message(said(), phase=C),
    "unknown item": {"type": "hologram", "caption": C},
    "unknown item's type": {"type": C},
    "unknown item's key": {"type": "hologram", "deep": [{C: 1}]},
    "reference without a type": {"id": C},
    "arguments that are no string": call(arguments={"a": C}),
    "encrypted content that is none": {
        "type": "compaction", "encrypted_content": base64.b64encode(f"{C} and so on, all in words".encode()).decode(),
    },
    "unknown action": computed(type="teleport", where=C),
    "action type": computed(type=C),
    "unknown output part": output(output=[{"type": "hologram", "x": C}]),
    "output object": output(output={"a": C}),
}  # fmt: skip
FIELDS = {
    "input": body(input=C),
    "instructions": body(instructions=C),
    "instructions, items": body(instructions=[{"role": "developer", "content": C}]),
    "user": body(user=C),
    "safety_identifier": body(safety_identifier=C),
    "prompt_cache_key": body(prompt_cache_key=C),
    "metadata": body(metadata={"a": C}),
    "metadata key": body(metadata={C: "a"}),
    "prompt id": body(prompt={"id": C}),
    "prompt version": body(prompt={"id": "p", "version": C}),
    "prompt variable": body(prompt={"id": "p", "variables": {"who": C}}),
    "prompt variable's name": body(prompt={"id": "p", "variables": {C: "x"}}),
    "prompt variable, part": body(prompt={"id": "p", "variables": {"who": {"type": "input_text", "text": C}}}),
    "include": body(include=[C]),
    "reasoning": body(reasoning={"effort": C}),
    "reasoning summary": body(reasoning={"summary": C}),
    "reasoning, unknown": body(reasoning={"x": C}),
    "truncation": body(truncation=C),
    "service_tier": body(service_tier=C),
    "conversation": body(conversation=C),
    "conversation object": body(conversation={"id": C}),
    "previous_response_id": body(previous_response_id=C),
    "prompt_cache_retention": body(prompt_cache_retention=C),
    "prompt_cache_options": body(prompt_cache_options={"mode": C}),
    "prompt_cache_options id": body(prompt_cache_options={"comparison_response_id": C}),
    "stream_options": body(stream_options={"x": C}),
    "context_management": body(context_management=[{"type": C}]),
    "moderation": body(moderation={"model": C}),
    "access_programs": body(access_programs={"cyber": C}),
    "image": body(image={"context_compression": C}),
    "text format schema": body(
        text={"format": {"type": "json_schema", "name": "x", "schema": schema(description=C)}}
    ),
    "text format default": body(text={"format": {"type": "json_schema", "name": "x", "schema": schema(default=[C])}}),
    "text format description": body(
        text={"format": {"type": "json_schema", "name": "x", "description": C, "schema": {}}}
    ),
    "text format name": body(text={"format": {"type": "json_schema", "name": C, "schema": {}}}),
    "text format type": body(text={"format": {"type": C}}),
    "text verbosity": body(text={"verbosity": C}),
    "tool name": function(name=C),
    "tool description": function(description=C),
    "tool parameter": function(parameters=schema(description=C)),
    "tool parameter default": function(parameters=schema(default=C)),
    "tool parameter enum": function(parameters=schema(enum=["x", C])),
    "tool parameter name": function(parameters={"properties": {C: {"type": "string"}}}),
    "tool parameters, no schema": function(parameters=C),
    "tool output_schema": function(output_schema=schema(examples=[C])),
    "tool, unknown member": function(note=C),
    "custom tool description": tool("custom", name="x", description=C),
    "custom tool grammar": tool("custom", name="x", format={"type": "grammar", "syntax": "lark", "definition": C}),
    "namespace": tool("namespace", name="n", description=C, tools=[]),
    "namespace tool": tool(
        "namespace", name="n", description="", tools=[{"type": "function", "name": "f", "description": C}]
    ),
    "web_search location": tool("web_search", user_location={"type": "approximate", "city": C}),
    "web_search domain": tool("web_search", filters={"allowed_domains": [C]}),
    "file_search store": tool("file_search", vector_store_ids=[C]),
    "file_search filter": tool(
        "file_search", vector_store_ids=[], filters={"type": "eq", "key": "owner", "value": C}
    ),
    "code_interpreter container": tool("code_interpreter", container=C),
    "code_interpreter files": tool("code_interpreter", container={"type": "auto", "file_ids": [C]}),
    "mcp url": tool("mcp", server_label="s", server_url=f"https://x.example/{C}"),
    "mcp label": tool("mcp", server_label=C),
    "mcp description": tool("mcp", server_label="s", server_description=C),
    "mcp header": tool("mcp", server_label="s", headers={"x-user": C}),
    "mcp header's name": tool("mcp", server_label="s", headers={C: "x"}),
    "mcp authorization": tool("mcp", server_label="s", authorization=C),
    "mcp allowed tools": tool("mcp", server_label="s", allowed_tools=[C]),
    "mcp approval": tool("mcp", server_label="s", require_approval={"never": {"tool_names": [C]}}),
    "image mask": tool("image_generation", input_image_mask={"image_url": f"https://x.example/{C}"}),
    "shell skill": tool(
        "shell", environment={"type": "local", "skills": [{"name": "s", "description": C, "path": "p"}]}
    ),
    "tool_search description": tool("tool_search", description=C),
    "unknown tool": tool("hologram", x={"y": C}),
    "unknown tool's type": tool(C),
    "tool_choice": body(tool_choice=C),
    "tool_choice name": body(tool_choice={"type": "function", "name": C}),
    "tool_choice server": body(tool_choice={"type": "mcp", "server_label": C}),
    "tool_choice allowed": body(
        tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": C}]}
    ),
    "unknown field": body(extra={"a": [{"b": C}]}),
    "unknown field's name": body(**{C: 1}),
    "text part, extra member": part(type="input_text", text="x", prompt_cache_breakpoint={"mode": C}),
    "image url": part(type="input_image", detail="auto", image_url=f"https://x.example/?{C}"),
    "image url, plain data": part(type="input_image", detail="auto", image_url=f"data:text/plain,{C}"),
    "image detail": part(type="input_image", detail=C, image_url="https://x.example"),
    "image file id": part(type="input_image", detail="auto", file_id=C),
    "file name": part(type="input_file", filename=C, file_data="QUJD"),
    "file data that is none": part(type="input_file", filename="x", file_data=C),
    "file url": part(type="input_file", file_url=f"https://x.example/{C}"),
    "audio data that is none": part(type="input_audio", input_audio={"data": C, "format": "wav"}),
    "audio format": part(type="input_audio", input_audio={"data": "QUJD", "format": C}),
    "unknown part": part(type="hologram", x={"y": C}),
    "unknown part's key": part(type="hologram", **{C: 1}),
    "unknown part's type": part(type=C),
    **{name: items(item) for name, item in {**ITEMS, **ODD_ITEMS}.items()},
}  # fmt: skip


def texts(parsed: Parsed) -> list[str]:
    return [s.text for s in parsed.segments]


def holds(text: str) -> bool:
    return C in text or base64.b64encode(C.encode())[:20].decode() in text


@pytest.mark.parametrize("request_body", FIELDS.values(), ids=FIELDS.keys())
def test_no_field_can_carry_text_past_the_segments(request_body: bytes) -> None:
    parsed = DIALECT.parse(request_body)
    holding = [s for s in parsed.segments if holds(s.text)]
    assert holding
    edited = DIALECT.render(parsed, {(s.pointer, s.kind): "PERSON_x" for s in holding}, "m")
    assert b"leak.example" not in edited and not holds(edited.decode())
    assert not any(holds(t) for t in texts(DIALECT.parse(edited)))
    assert edited.count(b"PERSON_x") == len(holding)


@pytest.mark.parametrize("request_body", FIELDS.values(), ids=FIELDS.keys())
def test_without_edits_the_bytes_are_the_apps_own(request_body: bytes) -> None:
    raw = json.dumps(json.loads(request_body), indent=1).encode()
    parsed = DIALECT.parse(raw)
    assert DIALECT.render(parsed, {(s.pointer, s.kind): s.text for s in parsed.segments}, "m") == raw
    assert len({(s.pointer, s.kind) for s in parsed.segments}) == len(parsed.segments)


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
def test_the_table_holds_items_as_the_sdk_knows_them(item: dict[str, Any]) -> None:
    TypeAdapter(ResponseInputItemParam).validate_python(item)


def test_every_kind_of_item_the_sdk_knows_is_in_the_table() -> None:
    described = TypeAdapter(ResponseInputItemParam).json_schema()
    variants = [described["$defs"][v["$ref"].rpartition("/")[2]] for v in described["anyOf"]]
    kinds = {v["properties"]["type"].get("const", "item_reference") for v in variants}
    assert "mcp_call" in kinds
    walked = {item.get("type", "message") for item in ITEMS.values()}
    assert kinds - walked == {"compaction_trigger", "configuration_update"}  # they hold no text
    for kind in kinds:
        assert "content:unknown" not in DIALECT.parse(items({"type": kind, "role": "user", "content": ""})).uninspected


CARD = 4111111111111111
NUMBERS = {
    "temperature": body(temperature=CARD),
    "max_output_tokens": body(max_output_tokens=CARD),
    "metadata": body(metadata={"a": CARD}),
    "arguments": items(call(arguments=f'{{"card": {CARD}}}')),
    "output": items(output(output=f'{{"card": [{CARD}]}}')),
    "schema default": function(parameters=schema(default=CARD)),
    "coordinates": items(computed(type="click", x=CARD, y=1, button="left")),
    "prompt variable": body(prompt={"id": "p", "variables": {"n": CARD}}),
    "provider tool": tool("file_search", vector_store_ids=[], max_num_results=CARD),
    "unknown": body(extra=[[CARD]]),
    "unknown item": items({"type": "hologram", "x": CARD}),
    "mcp error": items(mcp(error={"code": CARD})),
    "citation": items(message(said(annotations=[{"type": "file_path", "file_id": "x", "index": CARD}]))),
}


@pytest.mark.parametrize("request_body", NUMBERS.values(), ids=NUMBERS.keys())
def test_a_number_that_could_be_an_account_is_a_segment_and_stays_a_number(request_body: bytes) -> None:
    parsed = DIALECT.parse(request_body)
    (segment,) = [s for s in parsed.segments if str(CARD) in s.text]
    assert segment.kind == "number"
    with pytest.raises(Untransformable):
        DIALECT.render(parsed, {(segment.pointer, "number"): "CREDIT_CARD_x"}, "m")


def test_what_the_protocol_itself_says_is_no_segment() -> None:
    parsed = DIALECT.parse(
        body(
            input=[
                message(id=f"msg_{HEX}", phase="final_answer"),
                {"type": "reasoning", "id": f"rs_{HEX}", "summary": [], "encrypted_content": BLOB},
                call(id=f"fc_{HEX}", status="completed", arguments="{}"),
                {"type": "item_reference", "id": f"msg_{HEX}"},
                {"type": "shell_call_output", "call_id": f"call_{HEX[:24]}", "output": []},
                interpreted(code=None, outputs=None),
            ],
            stream=True, store=False, background=False, temperature=0.5, truncation="auto", tool_choice="auto",
            reasoning={"effort": "low", "summary": "auto"}, text={"format": {"type": "text"}, "verbosity": "low"},
            include=["reasoning.encrypted_content"], service_tier="flex", previous_response_id=f"resp_{HEX}",
            prompt_cache_options={"mode": "explicit", "ttl": "30m"}, stream_options={"include_obfuscation": True},
            context_management=[{"type": "compaction", "compact_threshold": 9000}], max_output_tokens=100, metadata={},
        )
    )  # fmt: skip
    assert texts(parsed) == ["mail"]
    assert parsed.stream and parsed.uninspected == frozenset()


def test_an_id_that_could_be_an_account_is_looked_at() -> None:
    for ident in (f"item_{CARD}abcdefghijklmnopqrst", f"msg_{CARD}{'ab' * 12}", f"call_{CARD}abcdefghijk"):
        parsed = DIALECT.parse(items({"type": "item_reference", "id": ident}))
        assert any(str(CARD) in t for t in texts(parsed))


@pytest.mark.parametrize(
    ("request_body", "reason", "content"),
    [
        (part(type="input_image", detail="auto", image_url=f"data:image/png;base64,{BLOB}"), "content:input_image",
         "image"),
        (part(type="input_image", detail="auto", image_url="https://x.example/i.png"), "content:input_image", "image"),
        (part(type="input_file", filename="a.pdf", file_data=f"data:application/pdf;base64,{BLOB}"),
         "content:input_file", "file"),
        (part(type="input_file", file_url="https://x.example/a.pdf"), "content:input_file", "file"),
        (part(type="input_audio", input_audio={"data": BLOB, "format": "wav"}), "content:input_audio", "audio"),
        (part(type="input_image", detail="auto", odd="x"), "content:input_image", "image"),
        (part(type="input_image", detail="auto", file_id="f", image_url="https://x/"), "content:input_image", "image"),
        (part(type="hologram"), "content:unknown", "unknown"),
        (items({"type": "hologram"}), "content:unknown", "unknown"),
        (items(output(output=[{"type": "hologram"}])), "content:unknown", "unknown"),
        (items({"type": "image_generation_call", "id": "i", "status": "completed", "result": BLOB}), "content:data",
         "unknown"),
        (items(output("computer_call_output", output={"type": "computer_screenshot", "image_url": "https://x/"})),
         "content:computer_screenshot", "image"),
        (body(prompt={"id": "p", "variables": {"i": {"type": "input_image", "image_url": "https://x/"}}}),
         "content:input_image", "image"),
        (items({"role": "tool", "content": [{"type": "input_file", "file_url": "https://x/"}]}), "content:input_file",
         "file"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_uninspected(request_body: bytes, reason: str, content: str) -> None:
    parsed = DIALECT.parse(request_body)
    assert reason in parsed.uninspected and content in parsed.content


@pytest.mark.parametrize(
    ("kind", "reach"),
    [("web_search", "web_search"), ("web_search_2025_08_26", "web_search"), ("web_search_preview", "web_search"),
     ("file_search", "file_search"), ("code_interpreter", "code_interpreter"), ("image_generation", "image_generation"),
     ("mcp", "mcp:unknown"), ("computer_use_preview", "computer"), ("computer", "computer"), ("shell", "shell"),
     ("tool_search", "tool_search"), ("programmatic_tool_calling", "unknown"), ("hologram", "unknown")],
)  # fmt: skip
def test_what_the_provider_would_use_on_its_own_is_named(kind: str, reach: str) -> None:
    parsed = DIALECT.parse(tool(kind))
    assert parsed.reaches == {reach}
    assert parsed.tools == {kind if kind != "hologram" else "unknown"}
    held = DIALECT.parse(items({"type": "additional_tools", "role": "developer", "tools": [{"type": kind}]}))
    assert held.reaches == {reach}
    assert DIALECT.parse(tool("namespace", name="n", tools=[{"type": kind}])).reaches == {reach}


@pytest.mark.parametrize(
    ("request_body", "reach"),
    [
        (tool("mcp", server_label="s", server_url="https://docs.example.com/mcp"), "mcp:docs.example.com"),
        (tool("mcp", server_label="s", connector_id="connector_gmail"), "mcp:unknown"),
        (part(type="input_image", detail="auto", image_url="https://a.example/x.png"), "fetch:a.example"),
        (part(type="input_image", detail="auto", image_url="https://u@a.example/x.png"), "fetch:unknown"),
        (part(type="input_file", file_url="https://a.example/x.pdf"), "fetch:a.example"),
        (items(output("computer_call_output", output={"type": "computer_screenshot", "image_url": "https://a.example/"})),
         "fetch:a.example"),
        (tool("shell", environment={"type": "container_auto"}), "shell"),
    ],
)  # fmt: skip
def test_what_the_provider_would_fetch_is_named_by_its_host(request_body: bytes, reach: str) -> None:
    assert DIALECT.parse(request_body).reaches == {reach}


def test_the_mask_of_an_image_is_fetched_too() -> None:
    mask = tool("image_generation", input_image_mask={"image_url": "https://a.example/m.png"})
    assert DIALECT.parse(mask).reaches == {"image_generation", "fetch:a.example"}


@pytest.mark.parametrize(
    "request_body",
    [function(), tool("custom", name="x"), tool("local_shell"), tool("apply_patch"),
     tool("shell", environment={"type": "local"}), tool("tool_search", execution="client"),
     tool("namespace", name="n", description="d", tools=[{"type": "function", "name": "f"}]),
     part(type="input_image", detail="auto", image_url=f"data:image/png;base64,{BLOB}"),
     items(searched(type="open_page", url="https://x.example"))],
)  # fmt: skip
def test_what_the_app_runs_or_only_tells_of_reaches_nothing(request_body: bytes) -> None:
    assert DIALECT.parse(request_body).reaches == frozenset()


REFERENCES = {
    "previous response": (body(previous_response_id=f"resp_{HEX}"), Reference("response", f"resp_{HEX}")),
    "conversation": (body(conversation=f"conv_{HEX}"), Reference("conversation", f"conv_{HEX}")),
    "conversation object": (body(conversation={"id": f"conv_{HEX}"}), Reference("conversation", f"conv_{HEX}")),
    "prompt": (body(prompt={"id": "pmpt_1"}), Reference("prompt", "pmpt_1")),
    "compared response": (body(prompt_cache_options={"comparison_response_id": "r"}), Reference("response", "r")),
    "item": (items({"type": "item_reference", "id": "msg_1"}), Reference("item", "msg_1")),
    "item without a type": (items({"id": "msg_1"}), Reference("item", "msg_1")),
    "reasoning by id": (items({"type": "reasoning", "id": "rs_1", "summary": []}), Reference("item", "rs_1")),
    "image": (part(type="input_image", detail="auto", file_id="file-1"), Reference("file", "file-1")),
    "file": (part(type="input_file", file_id="file-1"), Reference("file", "file-1")),
    "screenshot": (items(output("computer_call_output", output={"type": "computer_screenshot", "file_id": "file-1"})),
                   Reference("file", "file-1")),
    "vector store": (tool("file_search", vector_store_ids=["vs_1"]), Reference("vector_store", "vs_1")),
    "container": (tool("code_interpreter", container="cntr_1"), Reference("container", "cntr_1")),
    "container file": (tool("code_interpreter", container={"type": "auto", "file_ids": ["file-1"]}),
                       Reference("file", "file-1")),
    "shell container": (tool("shell", environment={"type": "container_reference", "container_id": "cntr_1"}),
                        Reference("container", "cntr_1")),
    "skill": (tool("shell", environment={"type": "container_auto", "skills": [{"skill_id": "skill_1"}]}),
              Reference("skill", "skill_1")),
    "mask": (tool("image_generation", input_image_mask={"file_id": "file-1"}), Reference("file", "file-1")),
    "container of a call": (items(interpreted(container_id="cntr_1")), Reference("container", "cntr_1")),
    "container of a shell": (items({"type": "shell_call", "call_id": "c", "action": {"commands": []},
                                    "environment": {"type": "container_reference", "container_id": "cntr_1"}}),
                             Reference("container", "cntr_1")),
}  # fmt: skip


@pytest.mark.parametrize(("request_body", "reference"), REFERENCES.values(), ids=REFERENCES.keys())
def test_state_that_an_upstream_holds_is_named(request_body: bytes, reference: Reference) -> None:
    parsed = DIALECT.parse(request_body)
    assert parsed.references == (reference,) and parsed.uninspected == frozenset()


@pytest.mark.parametrize(
    "request_body",
    [
        items({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": BLOB}),
        items(message(said(annotations=[{"type": "file_citation", "file_id": "file-1", "filename": "a", "index": 1}]))),
        items({"type": "file_search_call", "id": "f", "status": "completed", "queries": [],
               "results": [{"file_id": "file-1"}]}),
        body(previous_response_id=None, conversation=None, prompt=None),
    ],
)  # fmt: skip
def test_what_comes_whole_or_is_only_cited_is_no_reference(request_body: bytes) -> None:
    assert DIALECT.parse(request_body).references == ()


def test_origins_follow_roles_items_and_the_tools_that_were_called() -> None:
    parsed = DIALECT.parse(
        body(
            instructions="i",
            tools=[{"type": "function", "name": "mail", "parameters": {}, "strict": True, "description": "d"}],
            input=[
                {"role": "developer", "content": "sys"}, {"role": "user", "content": "u"},
                {"role": "assistant", "content": "a"},
                call(arguments='{"to": "arg"}'), output(output='{"x": "res"}'), output(call_id="other", output="unk"),
                output(call_id="none", name="given", output="named"), mcp(output="hit", arguments='{"q": "ask"}'),
                {"type": "local_shell_call_output", "id": "x", "output": "sh"},
                interpreted(outputs=[{"type": "logs", "logs": "log"}], code="cod"),
                {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True, "reason": "why"},
            ],
        )
    )  # fmt: skip
    origins = {s.text: s.origin for s in parsed.segments}
    wanted = {
        "i": "system", "sys": "system", "u": "user", "a": "assistant", "arg": "assistant", "res": "tool:mail",
        "unk": "tool:unknown", "named": "tool:given", "hit": "tool:find", "ask": "assistant", "sh": "tool:local_shell",
        "log": "tool:code_interpreter", "cod": "assistant", "why": "user", "d": "system",
    }  # fmt: skip
    assert {k: origins[k] for k in wanted} == wanted
    assert parsed.first_user == "u" and parsed.tools == {"mail"}


def test_the_first_user_message_is_found_in_every_spelling() -> None:
    assert DIALECT.parse(body(input="hello")).first_user == "hello"
    assert DIALECT.parse(part(type="input_text", text="hello")).first_user == "hello"
    assert DIALECT.parse(body(input=[], previous_response_id="r")).first_user == ""


@pytest.mark.parametrize(
    "request_body",
    [
        b"{}", b'{"model": "m"}', b'{"model": "", "input": "x"}', b'{"model": "m", "input": null}', body(input=5),
        body(input={}), body(input=[5]), body(input=[{}]), body(input=[{"role": "user"}]), body(instructions=5),
        body(input=[{"type": 5}]), body(input=[{"role": 5, "content": "x"}]), items({"role": "user", "content": [{}]}),
        part(type="input_text"), part(type="input_text", text=5), items(output(output=[{"type": []}])),
        body(stream="yes"), body(store=1), body(temperature="1"), body(tools={}), body(tools=[5]), body(tools=[{}]),
        function(name=5), body(reasoning="low"), body(metadata=[]), body(prompt="p"), body(prompt={"id": 5}),
        body(conversation=5), body(previous_response_id=5), body(include="x"), body(tool_choice=5), body(user=5),
        items({"type": "reasoning", "id": 5, "summary": []}), items({"type": "compaction", "encrypted_content": 5}),
        items({"type": "mcp_list_tools", "tools": 5}), part(type="input_image", image_url=5),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_without_repeating_them(request_body: bytes) -> None:
    with pytest.raises(BadRequest) as e:
        DIALECT.parse(request_body)
    assert "yes" not in e.value.message


def test_nulls_are_as_good_as_nothing() -> None:
    names = ["instructions", "tools", "tool_choice", "metadata", "reasoning", "text", "stream", "user", "prompt",
             "conversation", "previous_response_id", "include", "temperature", "truncation"]  # fmt: skip
    parsed = DIALECT.parse(body(**dict.fromkeys(names)))
    assert texts(parsed) == ["hi"] and not parsed.stream


def test_only_segments_can_be_edited_and_another_model_changes_its_name_only() -> None:
    raw = body(input="hi")
    parsed = DIALECT.parse(raw)
    with pytest.raises(Misuse):
        DIALECT.render(parsed, {("/model", "text"): "x"}, "m")
    assert DIALECT.render(parsed, {}, "gpt") == raw.replace(b'"m"', b'"gpt"')


def test_an_error_has_openais_shape_our_code_and_is_an_event() -> None:
    error = json.loads(DIALECT.error(Refused("because"), "req_1"))
    assert error["type"] == "error" and error["error"]["code"] == "policy_refused"
    assert error["error"]["message"] == "because" and error["error"]["request_id"] == "req_1"
    assert DIALECT.error_event == "error"


def test_no_parameter_of_the_sdk_is_taken_for_an_unknown_field() -> None:
    defs = TypeAdapter(ResponseCreateParams).json_schema()["$defs"]
    names = set(defs["ResponseCreateParamsStreaming"]["properties"])
    parsed = DIALECT.parse(body(**dict.fromkeys(names - {"model", "input"})))
    assert "previous_response_id" in names and [s for s in parsed.segments if s.kind == "key"] == []
