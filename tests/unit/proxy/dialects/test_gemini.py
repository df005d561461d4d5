"""Gemini requests: every place that can hold text is covered, in both spellings; the rest is uninspected."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from plain_restorer import factory

from proxy.dialects.gemini import GeminiCountTokens, GeminiEmbed, GeminiGenerate, check_query
from proxy.errors import BadRequest, NotFound, Refused, SealgateError, Unauthorized

DIALECT = GeminiGenerate()
CANARY = "Zoë Canary-7731"
TWIN = "the weather"
STAND_IN = "PERSON_k3f9x0k3f9x0k"


def request(**more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], **more}


def parts(*items: Any, role: str = "user") -> dict[str, Any]:
    return {"contents": [{"role": role, "parts": list(items)}]}


def call(**more: Any) -> dict[str, Any]:
    return parts({"functionCall": {"name": "book", **more}}, role="model")


def result(**more: Any) -> dict[str, Any]:
    return parts({"functionResponse": {"name": "book", **more}}, role="function")


def declared(**more: Any) -> dict[str, Any]:
    return request(tools=[{"functionDeclarations": [{"name": "book", "description": "Books.", **more}]}])


def shaped(**schema: Any) -> dict[str, Any]:
    return declared(parameters={"type": "OBJECT", **schema})


def configured(**more: Any) -> dict[str, Any]:
    return request(generationConfig={"temperature": 0.5, **more})


PLACES = {
    "text": parts({"text": CANARY}),
    "second_part": parts({"text": "x"}, {"text": CANARY}),
    "no_role": {"contents": [{"parts": [{"text": CANARY}]}]},
    "single_content": {"contents": {"parts": {"text": CANARY}}},
    "model_turn": parts({"text": CANARY}, role="model"),
    "thought": parts({"text": CANARY, "thought": True}, role="model"),
    "thought_signature": parts({"text": "x", "thoughtSignature": CANARY}, role="model"),
    "role": parts({"text": "x"}, role=CANARY),
    "content_unknown": {"contents": [{"parts": [{"text": "x"}], "zzz": CANARY}]},
    "system": request(systemInstruction={"parts": [{"text": CANARY}]}),
    "system_snake": request(system_instruction={"parts": {"text": CANARY}}),
    "system_string": request(systemInstruction=CANARY),
    "inline_name": parts({"inlineData": {"mimeType": "image/png", "data": "iVBORw0=", "displayName": CANARY}}),
    "inline_mime": parts({"inlineData": {"mimeType": f"image/{CANARY}", "data": "iVBORw0="}}),
    "inline_not_base64": parts({"inlineData": {"mimeType": "image/png", "data": CANARY}}),
    "file_uri": parts({"fileData": {"mimeType": "image/png", "fileUri": f"https://x.example/{CANARY}"}}),
    "file_uri_snake": parts({"file_data": {"mime_type": "image/png", "file_uri": f"https://x.example/{CANARY}"}}),
    "file_name": parts({"fileData": {"fileUri": "https://x", "displayName": CANARY}}),
    "call_args": call(args={"who": {"name": [CANARY]}}),
    "call_args_key": call(args={CANARY: 1}),
    "call_args_nested_json": call(args={"body": json.dumps({"x": CANARY})}),
    "call_name": parts({"functionCall": {"name": CANARY, "args": {}}}),
    "call_id": call(id=CANARY, args={}),
    "call_snake": parts({"function_call": {"name": "book", "args": {"x": CANARY}}}),
    "call_partial": call(partialArgs=[{"jsonPath": "$.x", "stringValue": CANARY}]),
    "result": result(response={"result": CANARY}),
    "result_json": result(response={"output": json.dumps({"a": [CANARY]})}),
    "result_id": result(id=CANARY, response={}),
    "result_part_name": result(parts=[{"inlineData": {"mimeType": "image/png", "displayName": CANARY}}], response={}),
    "code": parts({"executableCode": {"language": "PYTHON", "code": f"print('{CANARY}')"}}, role="model"),
    "code_output": parts({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": CANARY}}, role="model"),
    "code_language": parts({"executableCode": {"language": CANARY, "code": "x"}}, role="model"),
    "tool_call": parts({"toolCall": {"toolType": "GOOGLE_SEARCH", "args": {"q": CANARY}}}, role="model"),
    "tool_response": parts({"toolResponse": {"toolType": "X", "response": {"r": CANARY}}}, role="model"),
    "part_metadata": parts({"text": "x", "partMetadata": {"k": CANARY}}),
    "video_metadata": parts({"fileData": {"fileUri": "x"}, "videoMetadata": {"startOffset": CANARY}}),
    "unknown_part": parts({"mystery": {"payload": CANARY}}),
    "declaration": declared(description=CANARY),
    "declaration_snake": request(tools=[{"function_declarations": [{"name": "t", "description": CANARY}]}]),
    "tool_name": declared(name=CANARY),
    "schema_description": shaped(properties={"a": {"type": "STRING", "description": CANARY}}),
    "schema_default": shaped(properties={"a": {"type": "STRING", "default": CANARY}}),
    "schema_example": shaped(example={"a": CANARY}),
    "schema_enum": shaped(properties={"a": {"type": "STRING", "enum": ["x", CANARY]}}),
    "schema_property": shaped(properties={CANARY: {"type": "STRING"}}),
    "schema_required": shaped(required=[CANARY]),
    "schema_ordering": shaped(propertyOrdering=[CANARY], property_ordering=["b"]),
    "schema_any_of": shaped(anyOf=[{"type": "STRING", "title": CANARY}]),
    "schema_any_of_snake": shaped(any_of=[{"type": "STRING", "title": CANARY}]),
    "schema_items": shaped(items={"type": "STRING", "pattern": CANARY}),
    "schema_type": shaped(properties={"a": {"type": CANARY}}),
    "schema_number": shaped(minItems=CANARY),
    "schema_defs": shaped(defs={"d": {"type": "STRING", "description": CANARY}}),
    "schema_unknown": shaped(zzz=CANARY),
    "json_schema": declared(parametersJsonSchema={"properties": {"a": {"const": CANARY}}}),
    "response_schema_of_tool": declared(response={"type": "OBJECT", "description": CANARY}),
    "response_json_schema_of_tool": declared(responseJsonSchema={"description": CANARY}),
    "allowed_function": request(toolConfig={"functionCallingConfig": {"allowedFunctionNames": [CANARY]}}),
    "mode": request(toolConfig={"functionCallingConfig": {"mode": CANARY}}),
    "retrieval": request(toolConfig={"retrievalConfig": {"languageCode": CANARY}}),
    "provider_tool": request(tools=[{"googleSearch": {"excludeDomains": [CANARY]}}]),
    "unknown_tool": request(tools=[{"mystery": CANARY}]),
    "safety": request(safetySettings=[{"category": CANARY, "threshold": "BLOCK_NONE"}]),
    "stop": configured(stopSequences=["x", CANARY]),
    "response_schema": configured(responseSchema={"type": "OBJECT", "properties": {"a": {"description": CANARY}}}),
    "response_schema_snake": request(generation_config={"response_schema": {"description": CANARY}}),
    "response_json_schema": configured(responseJsonSchema={"enum": [CANARY]}),
    "internal_json_schema": configured(_responseJsonSchema={"enum": [CANARY]}),
    "mime_type": configured(responseMimeType=CANARY),
    "modality": configured(responseModalities=[CANARY]),
    "number_as_text": configured(maxOutputTokens=CANARY),
    "voice": configured(speechConfig={"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": CANARY}}}),
    "speaker": configured(speechConfig={"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": CANARY}]}}),
    "thinking": configured(thinkingConfig={"thinkingLevel": CANARY}),
    "image_config": configured(imageConfig={"aspectRatio": CANARY}),
    "config_unknown": configured(zzz={"a": [CANARY]}),
    "cached_content": request(cachedContent=f"cachedContents/{CANARY}"),
    "continuation": request(continuation_token=CANARY),
    "label": request(labels={"team": CANARY}),
    "label_key": request(labels={CANARY: "x"}),
    "unknown_field": request(zzz={"a": [CANARY]}),
    "unknown_key": request(**{CANARY: True}),
}  # fmt: skip
COUNTED = {
    "count_contents": parts({"text": CANARY}),
    "count_inner": {"generateContentRequest": {"model": "models/m", **parts({"text": CANARY})}},
    "count_inner_snake": {"generate_content_request": request(system_instruction=CANARY)},
}
EMBEDDED = {
    "embed": {"model": "models/m", "content": {"parts": [{"text": CANARY}]}},
    "embed_title": {"content": {"parts": [{"text": "x"}]}, "title": CANARY, "taskType": "RETRIEVAL_DOCUMENT"},
    "embed_task": {"content": {"parts": [{"text": "x"}]}, "task_type": CANARY},
    "embed_config": {"content": {"parts": [{"text": "x"}]}, "embedContentConfig": {"title": CANARY}},
    "batch": {"requests": [{"model": "models/m", "content": {"parts": [{"text": t}]}} for t in ("x", CANARY)]},
    "batch_unknown": {"requests": [{"content": {"parts": {"text": "x"}}, "zzz": CANARY}]},
}
EVERYTHING = (
    [(DIALECT, name, body) for name, body in PLACES.items()]
    + [(GeminiCountTokens(), name, body) for name, body in COUNTED.items()]
    + [(GeminiEmbed(), name, body) for name, body in EMBEDDED.items()]
)
IDS = [name for _, name, _ in EVERYTHING]


@pytest.mark.parametrize(("dialect", "place", "tree"), EVERYTHING, ids=IDS)
def test_every_place_is_a_segment_and_can_be_replaced(dialect: GeminiGenerate, place: str, tree: Any) -> None:
    body = json.dumps(tree, ensure_ascii=False).encode()
    parsed = dialect.parse(body)
    hit = [s for s in parsed.segments if CANARY in s.text]
    assert hit, f"nobody looks at {place}"
    edits = {(s.pointer, s.kind): s.text.replace(CANARY, STAND_IN) for s in hit}
    out = dialect.render(parsed, edits, "m")
    assert CANARY not in json.dumps(json.loads(out), ensure_ascii=False) and STAND_IN.encode() in out
    assert dialect.render(dialect.parse(out), {}, "m") == out


@pytest.mark.parametrize(("dialect", "place", "tree"), EVERYTHING, ids=IDS)
def test_the_benign_twin_of_each_place_leaves_with_its_own_bytes(dialect: Any, place: str, tree: Any) -> None:
    raw = json.dumps(tree, indent=1, ensure_ascii=False).replace(CANARY, TWIN).encode()
    parsed = dialect.parse(raw)
    assert dialect.render(parsed, {(s.pointer, s.kind): s.text for s in parsed.segments}, "m") == raw
    assert (parsed.model, parsed.stream, parsed.dialect) == ("", False, dialect.name)


def test_known_settings_are_no_text() -> None:
    tree = {
        "contents": [{"role": "user", "parts": [{"text": "hi", "thought": False}]}],
        "generationConfig": {
            "temperature": 0.1, "topK": "40", "maxOutputTokens": 9, "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "minItems": "3", "maxItems": 5},
            "responseModalities": ["TEXT"], "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True},
            "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }  # fmt: skip
    parsed = DIALECT.parse(json.dumps(tree).encode())
    assert [s.text for s in parsed.segments] == ["hi"] and not parsed.uninspected


IMAGE = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(bytes(range(120))).decode()}}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (parts(IMAGE), "content:image"),
        (parts({"inline_data": {"mime_type": "audio/wav", "data": "AAA="}}), "content:audio"),
        (parts({"inlineData": {"mimeType": "video/mp4", "data": "AAA="}}), "content:video"),
        (parts({"inlineData": {"mimeType": "application/pdf", "data": "AAA="}}), "content:file"),
        (parts({"inlineData": {"data": "AAA="}}), "content:file"),
        (parts({"inlineData": {"mimeType": "text/plain", "data": base64.b64encode(b"\xff\xfeh\x00").decode()}}),
         "content:file"),
        (parts({"fileData": {"fileUri": "https://x/files/a"}}), "content:file"),
        (parts({"functionResponse": {"name": "f", "response": {}, "parts": [IMAGE]}}), "content:image"),
        (parts({"mystery": 1}), "content:unknown"),
        (parts({"text": "x", "mystery": 1}), "content:unknown"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_uninspected(body: dict[str, Any], reason: str) -> None:
    assert reason in DIALECT.parse(json.dumps(body).encode()).uninspected


SERVER = {"name": "x", "streamableHttpTransport": {"url": "https://mcp.example/sse"}}


@pytest.mark.parametrize(
    ("body", "reaches"),
    [
        *[(request(tools=[{tool: {}}]), {name}) for tool, name in (
            ("googleSearch", "google_search"), ("google_search", "google_search"), ("codeExecution", "code_execution"),
            ("code_execution", "code_execution"), ("urlContext", "url_context"), ("retrieval", "retrieval"),
            ("computerUse", "computer"), ("fileSearch", "file_search"), ("googleMaps", "google_maps"),
            ("google_search_retrieval", "google_search"), ("exaAiSearch", "unknown"), ("tomorrow", "unknown"))],
        (request(tools=[{"mcpServers": [SERVER]}]), {"mcp:mcp.example"}),
        (request(tools={"mcp_servers": [{"name": "x"}]}), {"mcp:unknown"}),
        (request(tools=[{"functionDeclarations": []}, {"urlContext": {}, "googleSearch": None}]), {"url_context"}),
        (parts({"fileData": {"fileUri": "https://video.example/watch?v=1"}}), {"fetch:video.example"}),
        (parts({"file_data": {"file_uri": "gs://bucket/x.png"}}), {"fetch:unknown"}),
        (parts({"fileData": {"fileUri": "https://x.example/v1beta/files/abc"}}), {"fetch:x.example"}),
        (parts({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}), set()),
    ],
)  # fmt: skip
def test_what_the_provider_would_use_on_its_own_is_named(body: dict[str, Any], reaches: set[str]) -> None:
    assert DIALECT.parse(json.dumps(body).encode()).reaches == reaches


@pytest.mark.parametrize(
    "tool",
    [
        {"mcpServers": [SERVER | {"streamable_http_transport": {"url": "https://evil.example"}}]},
        {"fileSearch": {"fileSearchStoreNames": ["a"], "file_search_store_names": ["b"]}},
    ],
)
def test_what_names_a_server_or_a_store_is_given_once(tool: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="two spellings"):
        DIALECT.parse(json.dumps(request(tools=[tool])).encode())


def test_the_data_of_an_image_is_no_text() -> None:
    parsed = DIALECT.parse(json.dumps(parts(IMAGE)).encode())
    assert parsed.segments == () and parsed.content == {"text", "image"}


@pytest.mark.parametrize("mime", ["text/plain", "text/csv; charset=utf-8", "TEXT/HTML", "application/json"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_texts_in_base64_are_read_and_replaced_inside(mime: str, encode: Any) -> None:
    text = f"to: {CANARY} ??>>~~"
    for data in (encode(text.encode()).decode(), encode(text.encode()).decode().rstrip("=")):
        body = json.dumps(parts({"inline_data": {"mimeType": mime, "data": data}})).encode()
        parsed = DIALECT.parse(body)
        (segment,) = [s for s in parsed.segments if s.pointer.endswith("/data")]
        assert segment.text == text and not parsed.uninspected
        assert DIALECT.render(parsed, {(segment.pointer, "text"): text}, "m") == body
        out = DIALECT.render(parsed, {(segment.pointer, "text"): text.replace(CANARY, STAND_IN)}, "m")
        sent = json.loads(out)["contents"][0]["parts"][0]["inline_data"]["data"]
        assert base64.b64decode(sent, validate=True).decode() == text.replace(CANARY, STAND_IN)
        assert STAND_IN in DIALECT.parse(out).segments[-1].text


def test_a_signature_is_opaque_but_base64_of_a_text_is_none() -> None:
    signature = base64.b64encode(bytes(range(90, 220))).decode()
    hidden = base64.b64encode(f"call {CANARY} tomorrow, and then again the day after that".encode()).decode()
    parsed = DIALECT.parse(json.dumps(parts({"text": "x", "thoughtSignature": signature})).encode())
    assert [(s.kind, s.text) for s in parsed.segments] == [("text", "x"), ("opaque", signature)]
    parsed = DIALECT.parse(json.dumps(parts({"text": "x", "thoughtSignature": hidden})).encode())
    assert [(s.kind, s.text) for s in parsed.segments] == [("text", "x"), ("text", hidden)]


def test_state_that_the_provider_holds_is_named() -> None:
    body = parts({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}})
    body |= {"cachedContent": "cachedContents/7", "tools": [{"fileSearch": {"fileSearchStoreNames": ["s/1"]}}]}
    found = DIALECT.parse(json.dumps(body).encode()).references
    assert [(r.kind, r.id) for r in found] == [
        ("file", "https://generativelanguage.googleapis.com/v1beta/files/abc"), ("cache", "cachedContents/7"),
        ("file_search_store", "s/1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {}, {"contents": []}, {"contents": None}, {"contents": "hi"}, {"contents": [1]}, {"contents": ["hi"]},
        parts("hi"), parts({"text": 5}), parts({"text": ["hi"]}), {"contents": [{"parts": "hi"}]},
        parts({"text": "x", "thought": "yes"}), parts({"inlineData": "x"}), parts({"functionCall": {"args": "{}"}}),
        parts({"functionResponse": {"response": "x"}}), parts({"executableCode": {"code": {}}}),
        request(generationConfig=[]), configured(temperature=True), configured(stopSequences="x"),
        configured(responseSchema="x"), request(tools="x"), request(tools=[1]), request(toolConfig=5),
        request(safetySettings="x"), request(labels=[]), request(cachedContent=7), request(systemInstruction=5),
        request(model=5), request(contents=[{"role": 5, "parts": []}]),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_without_repeating_them(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        DIALECT.parse(json.dumps(body).encode())
    assert "hi" not in re.findall(r"\w+", e.value.message)


@pytest.mark.parametrize(
    "body",
    [
        request(systemInstruction="x", system_instruction="y"),
        parts({"inlineData": {"data": ""}, "inline_data": {"data": ""}}),
        parts({"inlineData": {"mimeType": "text/plain", "mime_type": "image/png", "data": "aGk="}}),
        configured(stopSequences=[], stop_sequences=[]),
        declared(parametersJsonSchema={}, parameters_json_schema={}),
        parts({"functionCall": {"name": "f", "args": {}, "partialArgs": [], "partial_args": []}}),
    ],
)
def test_both_spellings_of_one_field_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        DIALECT.parse(json.dumps(body).encode())
    assert e.value.code == "duplicate_key"


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (GeminiCountTokens(), {}), (GeminiCountTokens(), {"generateContentRequest": {}}),
        (GeminiCountTokens(), {"generateContentRequest": 5}), (GeminiEmbed(), {}), (GeminiEmbed(), {"requests": []}),
        (GeminiEmbed(), {"requests": [{}]}), (GeminiEmbed(), {"requests": "x"}),
        (GeminiEmbed(), {"content": "x"}), (GeminiEmbed(), {"content": {}, "requests": [{"content": {}}]}),
    ],
)  # fmt: skip
def test_counts_and_embeddings_need_a_content(dialect: GeminiGenerate, body: Any) -> None:
    with pytest.raises(BadRequest):
        dialect.parse(json.dumps(body).encode())


def test_origins_follow_roles_and_the_names_of_functions() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "u1"}, {"text": "u2"}]},
            {"role": "model", "parts": [{"text": "m"}, {"functionCall": {"name": "book", "args": {"a": "arg"}}}]},
            {"role": "function", "parts": [{"functionResponse": {"name": "book", "response": {"a": "res"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "b d", "response": {"a": "bad"}}}]},
            {"role": "model", "parts": [{"codeExecutionResult": {"output": "out"}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "book"}, {"name": "b d"}]}],
    }
    parsed = DIALECT.parse(json.dumps(body).encode())
    origins = {s.text: s.origin for s in parsed.segments}
    assert [origins[t] for t in ("s", "u1", "m", "arg", "res", "bad", "out")] == [
        "system", "user", "assistant", "assistant", "tool:book", "tool:unknown", "tool:code_execution",
    ]  # fmt: skip
    assert parsed.first_user == "u1u2" and parsed.tools == {"book", "unknown"}


def test_the_model_in_a_body_follows_the_path_and_never_the_app() -> None:
    batch = {"requests": [{"model": f"models/{CANARY}", "content": {"parts": [{"text": "x"}]}}]}
    out = GeminiEmbed().render(GeminiEmbed().parse(json.dumps(batch).encode()), {}, "embed-2")
    assert json.loads(out)["requests"][0] == {**batch["requests"][0], "model": "models/embed-2"}
    counted = {"generateContentRequest": {"model": CANARY, **request()}}
    out = GeminiCountTokens().render(GeminiCountTokens().parse(json.dumps(counted).encode()), {}, "m")
    assert json.loads(out)["generateContentRequest"]["model"] == "models/m"
    generate = json.dumps(request(model="models/m")).encode()
    assert DIALECT.render(DIALECT.parse(generate), {}, "m") == generate
    assert b'"models/n"' in DIALECT.render(DIALECT.parse(generate), {}, "n")
    assert GeminiEmbed().parse(json.dumps(batch).encode()).scope == "app"


@pytest.mark.parametrize(
    "query", [{"alt": "sse", "q": "x"}, {"alt": "media"}, {"$alt": "proto"}, {"userProject": "x"}, {"Key": "x"}]
)
def test_a_query_has_room_for_a_form_and_a_key_only(query: Any) -> None:
    with pytest.raises(BadRequest) as e:
        check_query(query)
    assert e.value.code == "unexpected_query"


def test_the_usual_queries_pass() -> None:
    for query in ({"alt": "sse"}, {}, {"$alt": "json"}, {"key": "x", "alt": "sse"}):
        check_query(query)


def test_an_answer_that_comes_back_in_pieces_is_put_together() -> None:
    def model(*items: Any) -> dict[str, Any]:
        return {"role": "model", "parts": list(items)}

    body = {
        "contents": [
            model({"text": "Hm", "thought": True}), model({"text": ". ", "thought": True}),
            model({"text": "You "}), model({"text": "said"}, {"text": "."}), model({"text": ""}),
            model({"functionCall": {"name": "f"}}), model({"text": "A"}),
            {"parts": [{"text": "and?"}]}, model({"text": "B"}), {"role": "model"},
            {"role": "model", "parts": {"text": "C"}},
        ]
    }  # fmt: skip
    assert DIALECT.parse(json.dumps(body).encode()).said == ("Hm. ", "You said.", "BC")


def test_what_continues_an_answer_is_state_of_the_provider() -> None:
    seen = factory({})
    answer = {"candidates": [{"finishReason": "CONTINUATION", "continuationToken": "dG9r+/=="}]}
    DIALECT.restore(json.dumps(answer).encode(), seen)
    (named,) = DIALECT.parse(json.dumps(request(continuationToken="dG9r+/==")).encode()).references
    assert seen.made == [(named.kind, named.id)] == [("continuation", named.id)]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("no"), "PERMISSION_DENIED"), (BadRequest("no"), "INVALID_ARGUMENT"),
        (Unauthorized("no"), "UNAUTHENTICATED"), (NotFound("no"), "NOT_FOUND"),
    ],
)  # fmt: skip
def test_errors_have_googles_shape_with_our_code(error: SealgateError, status: str) -> None:
    made = json.loads(DIALECT.error(error, "req_1"))
    (info,) = made["error"]["details"]
    assert list(made) == ["error"]  # Google's client knows an error in a stream by its first bytes
    assert (made["error"]["code"], made["error"]["status"], made["error"]["message"]) == (error.status, status, "no")
    assert info["metadata"] == {"code": error.code, "requestId": "req_1"}


# -- answers ----------------------------------------------------------------------------------------------------------

VALUE = 'Zoë "Z"'


def test_a_complete_answer_is_restored_everywhere_but_in_links() -> None:
    answer = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": f"about {STAND_IN}", "thought": True, "thoughtSignature": "c2ln"},
                        {"text": f"Dear {STAND_IN}"},
                        {"functionCall": {"name": "book", "args": {"who": [STAND_IN], "n": 1.0}}},
                        {"executableCode": {"language": "PYTHON", "code": f"x = {STAND_IN}"}},
                        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": STAND_IN}},
                    ],
                    "role": "model",
                },
                "finishReason": "STOP",
                "finishMessage": STAND_IN,
                "citationMetadata": {"citations": [{"title": STAND_IN, "uri": f"https://x/{STAND_IN}"}]},
                "groundingMetadata": {
                    "webSearchQueries": [STAND_IN, "x"],
                    "groundingChunks": [{"web": {"title": STAND_IN, "uri": f"https://x/{STAND_IN}"}}],
                    "groundingSupports": [{"segment": {"text": STAND_IN, "startIndex": 5}}],
                    "searchEntryPoint": {"renderedContent": f"<a href='{STAND_IN}'>"},
                },
            },
            {"content": {"parts": [{"text": STAND_IN}]}, "index": 1},
        ],
        "promptFeedback": {"blockReasonMessage": STAND_IN},
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "thoughtsTokenCount": 2},
    }
    places: list[str] = []
    out, usage = DIALECT.restore(json.dumps(answer).encode(), factory({STAND_IN: VALUE}, places))
    expected = json.loads(
        json.dumps(answer).replace(STAND_IN, "@").replace("https://x/@", f"https://x/{STAND_IN}")
        .replace("href='@'", f"href='{STAND_IN}'").replace("@", json.dumps(VALUE)[1:-1])
    )  # fmt: skip
    assert json.loads(out) == expected and b'"n":1.0' in out
    assert usage == {"tokens_in": 3, "tokens_out": 6}
    assert places.count("tool_args:book") == 1


def test_an_answer_without_stand_ins_keeps_its_bytes() -> None:
    for answer in (
        {"candidates": [{"content": {"parts": [{"text": "x"}, 5, {"functionCall": {"name": "f", "args": {"a": 1}}}]}}]},
        {"totalTokens": 31}, {"embedding": {"values": [0.1]}}, {"promptFeedback": {"blockReason": "SAFETY"}}, {},
        {"candidates": "odd"}, {"candidates": [{"content": None}, 7], "usageMetadata": []},
    ):  # fmt: skip
        raw = json.dumps(answer, indent=2).encode()
        assert DIALECT.restore(raw, factory({STAND_IN: VALUE}))[0] == raw


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'[{"candidates":[]}]', b'{"error": {"code": 500}}', b"\xff"])
def test_what_is_no_answer_is_said_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        DIALECT.restore(body, factory({}))
