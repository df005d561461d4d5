"""Seeds of the fuzz tests: for each dialect valid requests, answers and streams that use as much of it as one can.

Answers hold the stand-in :data:`TOKEN`, in streams in pieces. Nothing here is a test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy import surfaces
from proxy.dialects.base import Dialect
from proxy.dialects.generic import GenericJson
from proxy.dialects.generic_bodies import GenericBytes, GenericForm, GenericText
from proxy.dialects.held import BATCHES, FILES, Download, HeldState
from proxy.dialects.lines import Enveloped, Lines, Plain, Whole, any_json, batch_line
from proxy.dialects.lines import Text as TextBlock
from proxy.dialects.openai_uploads import EDITS, TRANSCRIPTIONS, OpenAIUpload

TOKEN, VALUE = "PERSON_k3f9xkzzzzzzz", 'Zoë "Z"\\ \n🦊'
MAPPING = {TOKEN: VALUE, "EMAIL_q7q7q7q7q7q7q": "zoe@real.example"}
PIECES = ("Dear ", "PERS", "ON_k3f9", "xkzzzz", "zzz, [a](https://x.example/?", "q=1) `co", "de` é😀")
SCHEMA = {"type": "object", "properties": {"to": {"type": "string", "default": "a", "enum": ["a", "b"]}}}
URI = "data:image/png;base64,iVBORw0KGgo="
ARGS = '{"to": "PERSON_k3f9xkzzzzzzz", "n": [1, 2.50]}'
WORDS = "The garden fence"


@dataclass(frozen=True, slots=True)
class Seed:
    dialect: Dialect
    requests: tuple[Any, ...]
    answers: tuple[Any, ...] = ()
    streams: tuple[tuple[Any, ...], ...] = ()
    """Events of streams."""


def _chat() -> Seed:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": ARGS}}
    parts = [
        {"type": "text", "text": WORDS},
        {"type": "image_url", "image_url": {"url": URI, "detail": "low"}},
        {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}},
    ]
    tool = {"type": "function", "function": {"name": "f", "description": WORDS, "parameters": SCHEMA, "strict": True}}
    request = {
        "model": "m",
        "messages": [
            {"role": "system", "content": WORDS, "name": "boss"},
            {"role": "user", "content": parts},
            {"role": "assistant", "content": None, "refusal": WORDS, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"a": {"b": ["x", 3]}}'},
        ],
        "tools": [tool], "tool_choice": "auto", "stream": True, "stream_options": {"include_usage": True},
        "temperature": 0.50, "stop": ["x"], "metadata": {"k": "v"}, "user": "u", "seed": 7, "logit_bias": {"50": -1},
        "prediction": {"type": "content", "content": WORDS}, "response_format": {
            "type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
        "safety_identifier": "s", "web_search_options": {"user_location": {"type": "approximate"}},
    }  # fmt: skip
    base = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    said = {"role": "assistant", "content": f"Dear {TOKEN}", "refusal": None, "tool_calls": [call],
            "annotations": [{"type": "url_citation", "url_citation": {"title": TOKEN, "url": "https://x.example"}}],
            }  # fmt: skip
    logprobs = {"content": [{"token": "Dear", "logprob": -0.1, "bytes": [1], "top_logprobs": []}]}
    choice = {"index": 0, "message": said, "logprobs": logprobs, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 11, "total_tokens": 18}
    answer = {**base, "choices": [choice], "usage": usage, "service_tier": "default"}

    def delta(**given: Any) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": given, "finish_reason": None}]}

    head = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    args = [ARGS[i : i + 9] for i in range(0, len(ARGS), 9)]
    events = [delta(role="assistant", content="")] + [delta(content=p) for p in PIECES] + [delta(tool_calls=[head])]
    events += [delta(tool_calls=[{"index": 0, "function": {"arguments": p}}]) for p in args]
    end = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return Seed(_of("openai.chat"), (request,), (answer,), ((*events, end, {**base, "choices": [], "usage": usage}),))


def _responses() -> tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]:
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": f"Dear {TOKEN}", "annotations": [
                   {"type": "url_citation", "title": TOKEN, "url": "https://x.example", "start_index": 0,
                    "end_index": 3}], "logprobs": []}]}  # fmt: skip
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": ARGS}
    thinking = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": WORDS}]}
    request = {
        "model": "m", "instructions": WORDS, "previous_response_id": "resp_1", "stream": True, "store": False,
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": WORDS}, {"type": "input_image", "image_url": URI, "detail": "auto"},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGVsbG8="}]},
            message, call, {"type": "function_call_output", "call_id": "call_1", "output": '{"a": ["x"]}'}, thinking,
            {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": WORDS},
        ],
        "tools": [{"type": "function", "name": "f", "description": WORDS, "parameters": SCHEMA, "strict": True},
                  {"type": "custom", "name": "g", "description": WORDS}],
        "tool_choice": {"type": "function", "name": "f"}, "metadata": {"k": "v"}, "user": "u", "temperature": 1,
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"}, "prompt_cache_key": "k", "truncation": "auto", "max_output_tokens": 9,
    }  # fmt: skip
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed",
                "output": [thinking, message, call], "instructions": WORDS, "metadata": {"k": TOKEN}, "tools": [],
                "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}  # fmt: skip
    at = {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    text = "".join(PIECES)
    events = [
        {"type": "response.created", "response": {**response, "output": [], "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}},
        {"type": "response.content_part.added", **at, "part": part},
        *({"type": "response.output_text.delta", **at, "delta": p} for p in PIECES),
        {"type": "response.output_text.done", **at, "text": text},
        {"type": "response.content_part.done", **at, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": message},
        {"type": "response.output_item.added", "output_index": 1, "item": {**call, "arguments": ""}},
        *({"type": "response.function_call_arguments.delta", "output_index": 1, "item_id": "fc_1",
           "delta": ARGS[i : i + 9]} for i in range(0, len(ARGS), 9)),
        {"type": "response.function_call_arguments.done", "output_index": 1, "item_id": "fc_1", "arguments": ARGS},
        {"type": "response.completed", "response": response},
    ]  # fmt: skip
    return request, response, tuple({**e, "sequence_number": n} for n, e in enumerate(events))


def _messages() -> tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]:
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"to": TOKEN, "n": 1.50}}
    request = {
        "model": "m", "max_tokens": 9, "stream": True, "system": [{"type": "text", "text": WORDS, "cache_control": {
            "type": "ephemeral"}}], "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "temperature": 0.5,
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": WORDS},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "document", "title": WORDS, "context": WORDS, "citations": {"enabled": True},
                 "source": {"type": "text", "media_type": "text/plain", "data": WORDS}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": WORDS, "signature": "c2ln"}, use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": False,
                                          "content": [{"type": "text", "text": '{"a": ["x"]}'}]}]},
        ],
        "tools": [{"name": "f", "description": WORDS, "input_schema": SCHEMA}], "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }  # fmt: skip
    text = {"type": "text", "text": f"Dear {TOKEN}", "citations": [
        {"type": "char_location", "cited_text": TOKEN, "document_index": 0, "document_title": WORDS,
         "start_char_index": 0, "end_char_index": 3}]}  # fmt: skip
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    usage = {"input_tokens": 7, "output_tokens": 9}
    answer = {**head, "content": [{"type": "thinking", "thinking": TOKEN, "signature": "c2ln"}, text, use],
              "stop_reason": "end_turn", "usage": usage}  # fmt: skip

    def block(index: int, empty: Any, kind: str, member: str, pieces: Any) -> list[Any]:
        start = {"type": "content_block_start", "index": index, "content_block": empty}
        grown = [{"type": "content_block_delta", "index": index, "delta": {"type": kind, member: p}} for p in pieces]
        return [start, *grown, {"type": "content_block_stop", "index": index}]

    events = [
        {"type": "message_start", "message": {**head, "content": [], "stop_reason": None, "usage": usage}},
        {"type": "ping"},
        *block(0, {"type": "thinking", "thinking": "", "signature": ""}, "thinking_delta", "thinking", PIECES[:3]),
        *block(1, {"type": "text", "text": ""}, "text_delta", "text", PIECES),
        *block(2, {**use, "input": {}}, "input_json_delta", "partial_json",
               [ARGS[i : i + 9] for i in range(0, len(ARGS), 9)]),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]  # fmt: skip
    return request, answer, tuple(events)


def _gemini() -> tuple[dict[str, Any], dict[str, Any], tuple[Any, ...]]:
    call = {"functionCall": {"name": "f", "args": {"to": TOKEN, "n": 1.50}}}
    request = {
        "systemInstruction": {"parts": [{"text": WORDS}]},
        "contents": [
            {"role": "user", "parts": [{"text": WORDS}, {"inlineData": {"mimeType": "image/png",
                                                                       "data": "iVBORw0KGgo="}}]},
            {"role": "model", "parts": [{"text": WORDS, "thought": True, "thoughtSignature": "c2ln"}, call]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": ["x", 3]}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "f", "description": WORDS, "parameters": {
            "type": "OBJECT", "properties": {"to": {"type": "STRING", "enum": ["a"]}}}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"temperature": 0.5, "stopSequences": ["x"], "responseMimeType": "application/json",
                             "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
        "labels": {"k": "v"},
    }  # fmt: skip
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 8, "totalTokenCount": 15}
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://x.example", "title": TOKEN}}],
        "webSearchQueries": [TOKEN],
    }
    candidate = {"content": {"role": "model", "parts": [{"text": f"Dear {TOKEN}"}, call]}, "index": 0,
                 "finishReason": "STOP", "groundingMetadata": grounding}  # fmt: skip
    answer = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}

    def chunk(*parts: Any, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}]}

    thoughts = [chunk({"text": p, "thought": True}) for p in PIECES[:4]]
    events = (*thoughts, *(chunk({"text": p}) for p in PIECES), chunk(call), chunk({"text": ""}, finishReason="STOP"),
              {"usageMetadata": usage, "modelVersion": "m"})  # fmt: skip
    return request, answer, events


def _ollama() -> Seed:
    tool = {"type": "function", "function": {"name": "f", "description": WORDS, "parameters": SCHEMA}}
    call = {"function": {"name": "f", "arguments": {"to": TOKEN, "n": 1.50}}}
    request = {
        "model": "m", "stream": True, "think": True, "format": SCHEMA, "options": {"temperature": 0.5, "stop": ["x"]},
        "keep_alive": "5m", "tools": [tool],
        "messages": [{"role": "system", "content": WORDS},
                     {"role": "user", "content": WORDS, "images": ["iVBORw0KGgo="]},
                     {"role": "assistant", "content": "", "thinking": WORDS, "tool_calls": [call]},
                     {"role": "tool", "content": '{"a": ["x"]}', "tool_name": "f"}],
    }  # fmt: skip
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    said = {"role": "assistant", "content": f"Dear {TOKEN}", "thinking": TOKEN, "tool_calls": [call]}
    answer = {**head, "message": said, "done": True, "prompt_eval_count": 1, "eval_count": 2}

    def line(done: bool = False, **said: Any) -> dict[str, Any]:
        return {**head, "message": {"role": "assistant", "content": "", **said}, "done": done}

    events = [line(thinking=p) for p in PIECES[:4]] + [line(content=p) for p in PIECES]
    return Seed(_of("ollama.chat"), (request,), (answer,), ((*events, line(tool_calls=[call]), line(done=True)),))


def _of(name: str) -> Any:
    return next(s.dialect for s in surfaces.table(64) if s.dialect.name == name)


def _small() -> dict[str, Seed]:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    base = {"id": "c", "object": "text_completion", "created": 1, "model": "m"}

    def choice(text: str) -> dict[str, Any]:
        return {**base, "choices": [{"text": text, "index": 0, "logprobs": None, "finish_reason": None}]}

    generate = {"model": "m", "prompt": WORDS, "suffix": WORDS, "system": WORDS, "template": WORDS, "raw": False,
                "images": ["iVBORw0KGgo="], "context": [1, 2], "stream": True, "format": "json"}  # fmt: skip
    head = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
    embedding = {"object": "list", "model": "m", "usage": usage,
                 "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1e-07]}]}  # fmt: skip
    image = {"created": 1, "data": [{"b64_json": "aGk=", "revised_prompt": TOKEN}]}
    partial = {"type": "image_generation.partial_image", "b64_json": "aGk=", "partial_image_index": 0}
    completed = {"type": "image_generation.completed", "b64_json": "aGk=", "usage": usage}
    responses, answer, events = _responses()
    messages, message, blocks = _messages()
    contents, candidates, chunks = _gemini()
    embed = {"content": {"parts": [{"text": WORDS}]}, "taskType": "RETRIEVAL_QUERY", "title": WORDS}
    requests = {"requests": [{"model": "models/m", **embed}]}
    counted = {k: v for k, v in messages.items() if k in {"model", "messages", "system", "tools", "tool_choice"}}
    tokens = {k: v for k, v in responses.items() if k in {"model", "input", "instructions", "tools", "text"}}
    found = [
        _chat(), _ollama(),
        Seed(_of("openai.responses"), (responses, {"model": "m", "input": WORDS}), (answer,), (events,)),
        Seed(_of("openai.input_tokens"), (tokens,), ({"object": "response.input_tokens", "input_tokens": 3},)),
        Seed(_of("anthropic.messages"), (messages,), (message,), (blocks,)),
        Seed(_of("anthropic.count_tokens"), (counted,), ({"input_tokens": 3},)),
        Seed(_of("gemini.generate"), (contents,), (candidates,), (chunks,)),
        Seed(_of("gemini.count_tokens"), ({"contents": contents["contents"]}, {"generateContentRequest": {
            "model": "models/m", **contents}}), ({"totalTokens": 3},)),
        Seed(_of("gemini.embed"), (embed, requests), ({"embedding": {"values": [0.5]}},)),
        Seed(_of("ollama.generate"), (generate,), ({**head, "response": TOKEN, "thinking": TOKEN, "done": True},),
             ((*({**head, "response": p, "done": False} for p in PIECES), {**head, "response": "", "done": True}),)),
        Seed(_of("ollama.embed"), ({"model": "m", "input": [WORDS], "truncate": True},),
             ({**head, "embeddings": [[0.5]]},)),
        Seed(_of("openai.completions"), ({"model": "m", "prompt": [WORDS], "suffix": WORDS, "user": "u", "stream": True,
                                          "stop": "x", "logit_bias": {"50": 1}},),
             ({**choice(TOKEN), "usage": usage},), ((*map(choice, PIECES), {**base, "choices": [], "usage": usage}),)),
        Seed(_of("openai.embeddings"), ({"model": "m", "input": [WORDS], "encoding_format": "float", "user": "u"},),
             (embedding,)),
        Seed(_of("openai.moderations"), ({"model": "m", "input": [{"type": "text", "text": WORDS}, {
            "type": "image_url", "image_url": {"url": URI}}]},), ({"id": "modr-1", "model": "m", "results": []},)),
        Seed(_of("openai.images"), ({"model": "m", "prompt": WORDS, "size": "auto", "user": "u", "n": 1},), (image,),
             ((partial, completed),)),
        Seed(_of("openai.speech"), ({"model": "m", "input": WORDS, "voice": "alloy", "instructions": WORDS},), (),
             (({"type": "speech.audio.delta", "audio": "aGk="}, {"type": "speech.audio.done", "usage": usage}),)),
    ]  # fmt: skip
    return {seed.dialect.name: seed for seed in found}


SEEDS: Mapping[str, Seed] = _small()
"""One per JSON dialect of the served paths."""
_LINE = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": SEEDS["openai.chat"].requests[0]}
GENERIC: Mapping[str, Seed] = {
    "generic": Seed(GenericJson(), ({"a": [{"b": WORDS}], "model": "m", "n": 1.50}, [WORDS, {"k": None}])),
    "generic routed": Seed(GenericJson(routed=True), ({"a": [{"b": WORDS}], "model": "m", "n": 1.50},)),
    "line of a batch": Seed(
        Enveloped("body", {"/v1/chat/completions": SEEDS["openai.chat"].dialect}, {"method": "POST"}), (_LINE,)
    ),
    "batch": Seed(HeldState(BATCHES, "batch"), (
        {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h",
         "metadata": {"k": "v"}},),
        ({"id": "batch_1", "object": "batch", "output_file_id": "file-2", "metadata": {"k": TOKEN}},)),
}  # fmt: skip
"""Dialects of what is no single path."""
_ANSWER = SEEDS["openai.chat"].answers[0]
_RESULTS = (
    {"custom_id": "a", "response": {"status_code": 200, "body": _ANSWER}, "error": None},
    {"custom_id": TOKEN, "response": {"body": {"error": {"message": TOKEN}}}}, {"notes": [TOKEN, {TOKEN: 1}]},
)  # fmt: skip
_BATCH = batch_line({"/v1/chat/completions": SEEDS["openai.chat"].dialect}, "/v1/chat/completions")
_SPOKEN = [{"type": "transcript.text.delta", "delta": p, "segment_id": "s"} for p in PIECES]
BACK: Mapping[str, Seed] = {
    "transcript": Seed(
        OpenAIUpload(TRANSCRIPTIONS), (), ({"text": TOKEN, "segments": [{"text": TOKEN, "tokens": [1]}]},),
        ((*_SPOKEN, *({"type": f"transcript.text.{kind}", "text": TOKEN} for kind in ("segment", "done"))),),
    ),
    "download of results": Seed(
        Download(FILES, "file", "f", lambda r: Lines(r, _BATCH)), (), (), (_RESULTS,)
    ),
    "download of JSON": Seed(
        Download(FILES, "file", "f", lambda r: Whole(r, any_json)), (), (), (_RESULTS,)
    ),
    "download of text": Seed(Download(FILES, "file", "f", Plain), (), (), (_RESULTS,)),
}  # fmt: skip
"""Answers and downloads of what is no JSON request."""
_FORM = (
    b'--soak\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    b'--soak\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{"a": "canary7Qz9w"}\r\n'
    b'--soak\r\nContent-Disposition: form-data; name="image[]"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"Gr\xc3\xbc\xc3\x9fe\r\n--soak--\r\n"
)
PLAIN: Mapping[str, tuple[Dialect, bytes]] = {
    "form": (GenericForm(), b"who=canary7Qz9w&x=1+2&y=%C3%A9"),
    "text": (GenericText(), "Grüße, canary7Qz9w".encode()),
    "images": (OpenAIUpload(EDITS, "multipart/form-data; boundary=soak"), _FORM),
    "sound": (OpenAIUpload(TRANSCRIPTIONS, "multipart/form-data; boundary=soak"), _FORM),
    "bytes": (GenericBytes(), b"\x00\xff canary7Qz9w"),
    "block": (TextBlock(), "Grüße, canary7Qz9w".encode()),
}
"""Bodies that are no JSON."""


def sober(tree: Any) -> Any:
    """A request without anything that nobody can read."""
    if isinstance(tree, dict):
        return {k: sober(v) for k, v in tree.items() if k not in {"images", "context"}}
    if isinstance(tree, list):
        media = [any(mark in json.dumps(v) for mark in ("iVBOR", "file_data")) and "type" in v for v in tree]
        return [sober(v) for v, without in zip(tree, media, strict=True) if not without]
    return tree


def wire(name: str, events: tuple[Any, ...]) -> bytes:
    """Events as the upstream writes them."""
    lines = [json.dumps(e, ensure_ascii=n % 2 == 0) for n, e in enumerate(events)]
    if name.startswith(("ollama", "download")):
        return "".join(f"{line}\n" for line in lines).encode()
    if name in {"openai.responses", "anthropic.messages"}:
        return "".join(f"event: {e['type']}\ndata: {x}\n\n" for e, x in zip(events, lines, strict=True)).encode()
    end = "" if name.startswith("gemini") else "data: [DONE]\n\n"
    comment = ": keep-alive\n\nid: 7\nretry: 5\n"
    return (comment + "".join(f"data: {line}\r\n\r\n" for line in lines) + end).encode()
