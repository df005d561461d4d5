"""Ollama's API: every place that can hold text is covered; answers and streams of lines come back restored."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from ollama import ChatResponse, GenerateResponse, ListResponse
from plain_restorer import factory

from proxy.dialects.ollama import OllamaChat, OllamaEmbed, OllamaGenerate, tags
from proxy.errors import BadRequest, Refused, UpstreamError

CHAT, GENERATE, EMBED = OllamaChat(), OllamaGenerate(), OllamaEmbed()
CANARY = "Zoë Canary-7731"
TWIN = "the weather"
STAND_IN = "PERSON_k3f9x0k3f9x0k"
VALUE = 'Zoë "Z" 🦊'


def chat(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}


def message(**more: Any) -> dict[str, Any]:
    return chat(messages=[{"role": "user", "content": "x", **more}])


def call(**function: Any) -> dict[str, Any]:
    return message(role="assistant", tool_calls=[{"function": {"name": "book", "arguments": {}, **function}}])


def tool(**function: Any) -> dict[str, Any]:
    return chat(tools=[{"type": "function", "function": {"name": "book", **function}}])


def generate(**more: Any) -> dict[str, Any]:
    return {"model": "m", "prompt": "hi", **more}


CHATS = {
    "content": message(content=CANARY),
    "system": message(role="system", content=CANARY),
    "thinking": message(role="assistant", thinking=CANARY),
    "role": message(role=CANARY),
    "tool_result": message(role="tool", content=CANARY, tool_name="book"),
    "tool_result_json": message(role="tool", content=json.dumps({"a": [CANARY]})),
    "tool_name": message(role="tool", tool_name=CANARY),
    "tool_call_id": message(role="tool", tool_call_id=CANARY),
    "image_not_base64": message(images=[CANARY]),
    "arguments": call(arguments={"who": {"name": [CANARY]}}),
    "arguments_key": call(arguments={CANARY: 1}),
    "arguments_nested": call(arguments={"x": json.dumps({"y": CANARY})}),
    "call_name": call(name=CANARY),
    "call_id": message(role="assistant", tool_calls=[{"id": CANARY, "function": {"name": "f", "arguments": {}}}]),
    "call_unknown": call(zzz=CANARY),
    "message_unknown": message(zzz=CANARY),
    "tool_description": tool(description=CANARY),
    "defined_name": tool(name=CANARY),
    "parameter": tool(parameters={"type": "object", "properties": {CANARY: {"type": "string"}}}),
    "parameter_default": tool(parameters={"properties": {"a": {"default": CANARY}}}),
    "tool_items": chat(tools=[{"type": "function", "items": CANARY, "function": {"name": "f"}}]),
    "tool_type": chat(tools=[{"type": CANARY, "function": {"name": "f"}}]),
    "format": chat(format=CANARY),
    "format_schema": chat(format={"type": "object", "properties": {"a": {"enum": [CANARY]}}}),
    "stop": chat(options={"stop": ["x", CANARY]}),
    "option_unknown": chat(options={"zzz": CANARY}),
    "keep_alive": chat(keep_alive=CANARY),
    "think": chat(think=CANARY),
    "unknown": chat(zzz={"a": [CANARY]}),
    "unknown_key": chat(**{CANARY: 1}),
}
GENERATES = {
    "prompt": generate(prompt=CANARY), "suffix": generate(suffix=CANARY), "gen_system": generate(system=CANARY),
    "template": generate(template=f"{{{{ .Prompt }}}} {CANARY}"), "gen_format": generate(format={"const": CANARY}),
    "gen_image": generate(images=[CANARY]), "gen_unknown": generate(zzz=CANARY),
    "gen_stop": generate(options={"stop": CANARY}),
}  # fmt: skip
EMBEDS = {
    "input": {"model": "m", "input": CANARY}, "inputs": {"model": "m", "input": ["x", CANARY]},
    "embed_unknown": {"model": "m", "input": "x", "zzz": CANARY},
}  # fmt: skip
EVERYTHING = [
    (dialect, name, body)
    for dialect, places in ((CHAT, CHATS), (GENERATE, GENERATES), (EMBED, EMBEDS))
    for name, body in places.items()
]
IDS = [name for _, name, _ in EVERYTHING]


@pytest.mark.parametrize(("dialect", "place", "tree"), EVERYTHING, ids=IDS)
def test_every_place_is_a_segment_and_can_be_replaced(dialect: OllamaChat, place: str, tree: Any) -> None:
    parsed = dialect.parse(json.dumps(tree, ensure_ascii=False).encode())
    hit = [s for s in parsed.segments if CANARY in s.text]
    assert hit, f"nobody looks at {place}"
    edits = {(s.pointer, s.kind): s.text.replace(CANARY, STAND_IN) for s in hit}
    out = dialect.render(parsed, edits, "m")
    assert CANARY not in json.dumps(json.loads(out), ensure_ascii=False) and STAND_IN.encode() in out


@pytest.mark.parametrize(("dialect", "place", "tree"), EVERYTHING, ids=IDS)
def test_the_benign_twin_of_each_place_leaves_with_its_own_bytes(dialect: Any, place: str, tree: Any) -> None:
    raw = json.dumps(tree, indent=1, ensure_ascii=False).replace(CANARY, TWIN).encode()
    parsed = dialect.parse(raw)
    assert dialect.render(parsed, {(s.pointer, s.kind): s.text for s in parsed.segments}, "m") == raw
    assert dialect.render(parsed, {}, "n") == raw.replace(b'"model": "m"', b'"model": "n"')


def test_known_settings_are_no_text() -> None:
    tree = chat(
        format="json", keep_alive="5m", think="high", stream=True, logprobs=True, top_logprobs=3, truncate=True,
        options={"temperature": 0.5, "num_ctx": 4096, "use_mmap": True, "seed": 42, "stop": []},
    )  # fmt: skip
    parsed = CHAT.parse(json.dumps(tree).encode())
    assert [s.text for s in parsed.segments] == ["hi"] and not parsed.uninspected and parsed.first_user == "hi"


def test_streams_are_the_default_and_embeddings_have_none() -> None:
    assert [CHAT.parse(json.dumps(chat(**m)).encode()).stream for m in ({}, {"stream": None}, {"stream": False})] == [
        True, True, False,
    ]  # fmt: skip
    parsed = EMBED.parse(b'{"model": "m", "input": "x"}')
    assert (parsed.stream, parsed.scope) == (False, "app")
    assert GENERATE.parse(json.dumps(generate(prompt="p")).encode()).first_user == "p"


IMAGE = base64.b64encode(bytes(range(120))).decode()


@pytest.mark.parametrize(
    ("dialect", "body", "reason"),
    [
        (CHAT, message(images=[IMAGE]), "content:image"), (GENERATE, generate(images=[IMAGE]), "content:image"),
        (GENERATE, generate(context=[1, 2, 3]), "content:tokens"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_uninspected(dialect: OllamaChat, body: dict[str, Any], reason: str) -> None:
    parsed = dialect.parse(json.dumps(body).encode())
    assert parsed.uninspected == {reason} and {s.text for s in parsed.segments} <= {"x", "hi"}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (CHAT, {}), (CHAT, {"model": ""}), (CHAT, chat(messages="x")), (CHAT, chat(messages=[1])),
        (CHAT, message(content=["hi"])), (CHAT, message(role=None)), (CHAT, message(images=IMAGE)),
        (CHAT, message(images=[5])), (CHAT, call(arguments="{}")), (CHAT, chat(tools={})), (CHAT, chat(format=5)),
        (CHAT, chat(options=[])), (CHAT, chat(options={"seed": "42"})), (CHAT, chat(options={"stop": [1]})),
        (CHAT, chat(stream="yes")), (CHAT, chat(think=5)), (CHAT, chat(keep_alive=[])),
        (GENERATE, generate(prompt=5)), (GENERATE, generate(context="1,2")), (GENERATE, generate(context=["hi"])),
        (GENERATE, generate(raw="yes")), (EMBED, {"model": "m", "input": 5}), (EMBED, {"model": "m", "input": [5]}),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_without_repeating_them(dialect: OllamaChat, body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        dialect.parse(json.dumps(body).encode())
    assert "hi" not in e.value.message.split()


@pytest.mark.parametrize(
    "body",
    [
        message(Images=[IMAGE]), chat(messages=[{"role": "user", "image\u017f": [IMAGE]}]), chat(Messages=[]),
        chat(Stream=False), chat(MODEL="x"), call(Arguments={"a": 1}), chat(options={"Stop": ["x"]}),
    ],
)  # fmt: skip
def test_a_field_that_only_ollama_would_know_by_its_letters_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        CHAT.parse(json.dumps(body, ensure_ascii=False).encode())
    assert e.value.code == "misspelled_field"


def test_loading_a_model_is_a_request_without_messages() -> None:
    assert CHAT.parse(b'{"model": "m", "messages": [], "keep_alive": 0}').segments == ()
    assert GENERATE.parse(b'{"model": "m"}').segments == ()


def test_origins_follow_roles_and_the_names_of_tools() -> None:
    messages = [
        {"role": "system", "content": "s"}, {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a", "tool_calls": [{"function": {"name": "f", "arguments": {"x": "arg"}}}]},
        {"role": "tool", "content": "r", "tool_name": "f"}, {"role": "tool", "content": "q"},
    ]  # fmt: skip
    parsed = CHAT.parse(json.dumps({**tool(description="d"), "messages": messages}).encode())
    origins = {s.text: s.origin for s in parsed.segments}
    assert [origins[t] for t in ("s", "u", "a", "arg", "r", "q", "d")] == [
        "system", "user", "assistant", "assistant", "tool:f", "tool:unknown", "system",
    ]  # fmt: skip
    assert parsed.tools == {"book"}


def test_errors_have_ollamas_shape_with_our_code() -> None:
    assert json.loads(CHAT.error(Refused("no"), "req_1")) == {
        "error": "no", "code": "policy_refused", "request_id": "req_1",
    }  # fmt: skip


def test_the_models_are_listed_as_ollama_lists_them() -> None:
    listed = ListResponse.model_validate_json(tags(["llama3.2:3b", "x"]))
    assert [m.model for m in listed.models] == ["llama3.2:3b", "x"]
    assert ListResponse.model_validate_json(tags([])).models == []


# -- answers ----------------------------------------------------------------------------------------------------------

COUNTS = {"prompt_eval_count": 7, "eval_count": 9}


def test_complete_answers_are_restored_in_texts_and_arguments() -> None:
    places: list[str] = []
    said = {
        "role": "assistant", "content": f"Dear {STAND_IN}", "thinking": f"about {STAND_IN}",
        "tool_calls": [{"function": {"name": "book", "arguments": {"who": [STAND_IN], "n": 1.0}}}],
    }  # fmt: skip
    answer = {"model": "m", "created_at": "t", "message": said, "done": True, **COUNTS}
    out, usage = CHAT.restore(json.dumps(answer).encode(), factory({STAND_IN: VALUE}, places))
    read = ChatResponse.model_validate_json(out)
    assert (read.message.content, read.message.thinking) == (f"Dear {VALUE}", f"about {VALUE}")
    assert read.message.tool_calls and read.message.tool_calls[0].function.arguments == {"who": [VALUE], "n": 1.0}
    assert usage == {"tokens_in": 7, "tokens_out": 9} and places.count("tool_args:book") == 1
    raw = json.dumps({"model": "m", "response": STAND_IN, "thinking": STAND_IN, "context": [1], "done": True}).encode()
    made = GenerateResponse.model_validate_json(GENERATE.restore(raw, factory({STAND_IN: VALUE}))[0])
    assert (made.response, made.thinking, made.context) == (VALUE, VALUE, [1])


def test_an_answer_without_stand_ins_keeps_its_bytes() -> None:
    for answer in ({"message": {"content": "x", "tool_calls": [5, {"function": 6}]}}, {"embeddings": [[0.1]]}, {}):
        raw = json.dumps(answer, indent=1).encode()
        assert CHAT.restore(raw, factory({STAND_IN: VALUE}))[0] == raw


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"error": "no"}', b"\xff"])
def test_what_is_no_answer_is_said_so(body: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        CHAT.restore(body, factory({}))


# -- streams ----------------------------------------------------------------------------------------------------------

HEAD = {"model": "m", "created_at": "2026-01-01T00:00:00Z"}
CALLS = [{"function": {"name": "mail", "arguments": {"to": STAND_IN, "n": 1}}}]


def line(done: bool = False, **fields: Any) -> bytes:
    said = {"role": "assistant", "content": "", **fields}
    return json.dumps({**HEAD, "message": said, "done": done, **(COUNTS if done else {})}).encode() + b"\n"


def spoken(done: bool = False, **fields: Any) -> bytes:
    """A line of /api/generate."""
    return json.dumps({**HEAD, "response": "", **fields, "done": done, **(COUNTS if done else {})}).encode() + b"\n"


def pieces(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def restored(chunks: Iterable[bytes], places: list[str] | None = None) -> bytes:
    stream = CHAT.restore_stream(factory({STAND_IN: VALUE}, places), lambda: "never")
    return b"".join([stream.feed(c) for c in chunks]) + stream.close()


def read(out: bytes) -> list[ChatResponse]:
    return [ChatResponse.model_validate_json(one) for one in out.split(b"\n") if one]


def joined(out: bytes) -> tuple[str, str]:
    """(thinking, content), as an app has it in the end."""
    found = read(out)
    return "".join(r.message.thinking or "" for r in found), "".join(r.message.content or "" for r in found)


TEXT = f"Dear {STAND_IN}, é PERSON_k3f is no one. Yours, {STAND_IN}"
REAL = TEXT.replace(STAND_IN, VALUE)


def everything(size: int) -> bytes:
    out = b"".join([line(thinking=one) for one in pieces(TEXT, size)])
    out += b"".join([line(content=one) for one in pieces(TEXT, size)])
    return out + line(tool_calls=CALLS) + line(content=STAND_IN[:7]) + line(done=True)


@pytest.mark.parametrize("size", [*range(1, 12), 1000])
def test_every_text_of_a_stream_is_restored(size: int) -> None:
    places: list[str] = []
    out = restored([everything(size)], places)
    assert joined(out) == (REAL, REAL + STAND_IN[:7])
    (made,) = [c for r in read(out) for c in r.message.tool_calls or ()]
    assert made.function.arguments == {"to": VALUE, "n": 1}
    assert set(places) == {"text", "text+text", "text+thought", "tool_args:mail"}
    assert read(out)[-1].done and read(out)[-1].eval_count == 9 and sum(bool(r.done) for r in read(out)) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 11, 64, 1000])
def test_how_the_network_cuts_the_stream_changes_no_byte(size: int) -> None:
    stream = everything(4)
    assert restored(stream[i : i + size] for i in range(0, len(stream), size)) == restored([stream])


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_generate_streams_are_restored_as_well(size: int) -> None:
    parts = [spoken(thinking=one) for one in pieces(TEXT, size)] + [spoken(response=one) for one in pieces(TEXT, size)]
    stream = GENERATE.restore_stream(factory({STAND_IN: VALUE}), lambda: "never")
    out = stream.feed(b"".join(parts) + spoken(response=STAND_IN[:7], done=True, context=[1, 2])) + stream.close()
    found = [GenerateResponse.model_validate_json(one) for one in out.split(b"\n") if one]
    assert "".join(r.thinking or "" for r in found) == REAL
    assert "".join(r.response or "" for r in found) == REAL + STAND_IN[:7]
    assert found[-1].context == [1, 2] and stream.complete and stream.usage == {"tokens_in": 7, "tokens_out": 9}


def test_what_is_held_goes_out_in_its_line_or_before_what_comes_next() -> None:
    held = STAND_IN[:5]
    both = read(restored([line(thinking=held, content="x")]))
    assert [(r.message.thinking, r.message.content) for r in both] == [(held, "x")]
    called = read(restored([line(content=held) + line(tool_calls=CALLS)]))
    assert [(r.message.content, bool(r.message.tool_calls)) for r in called] == [("", False), (held, False), ("", True)]
    once = read(restored([line(content=held, tool_calls=CALLS)]))
    assert [(r.message.content, bool(r.message.tool_calls)) for r in once] == [(held, True)]
    ended = read(restored([line(content=held) + line(done=True)]))
    assert [(r.message.content, r.done) for r in ended] == [("", False), (held, False), ("", True)]
    final = read(restored([line(content=held, done=True)]))
    assert [(r.message.content, r.done) for r in final] == [(held, True)]


def test_a_stream_without_stand_ins_passes_byte_for_byte() -> None:
    stream = (
        line(content="Hi ").replace(b"\n", b"\r\n") + line(thinking="there", content="x") + b"\nnot json\n[1]\n"
        + b'{"message": 5}\n{"message": {"content": 6, "tool_calls": 7}}\n{"error": "no"}\n' + line(done=True)
    )  # fmt: skip
    assert restored([stream]) == stream


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_stream_that_breaks_off_gives_what_it_had(end: bytes) -> None:
    stream = CHAT.restore_stream(factory({STAND_IN: VALUE}), lambda: "never")
    out = stream.feed(line(content=f"a {STAND_IN[:7]}").rstrip(b"\n") + end) + stream.close()
    assert not stream.complete and joined(out)[1] == f"a {STAND_IN[:7]}"
    torn = restored([line(content=STAND_IN[:7]) + b'{"mess'])
    assert torn.endswith(b'{"mess') and joined(torn.removesuffix(b'{"mess'))[1] == STAND_IN[:7]


def test_a_line_without_end_is_an_upstream_error() -> None:
    stream = CHAT.restore_stream(factory({}), lambda: "never")
    with pytest.raises(UpstreamError):
        stream.feed(b"x" * 9 * 2**20)
