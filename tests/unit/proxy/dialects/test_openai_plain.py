"""The smaller JSON endpoints: every field is looked at and can be replaced, what needs no change keeps its bytes, and
what nobody can read is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_restorer import Plain, factory

from proxy.dialects.anthropic_count import AnthropicCountTokens
from proxy.dialects.base import Dialect
from proxy.dialects.openai_completions import OpenAICompletions
from proxy.dialects.openai_embeddings import OpenAIEmbeddings
from proxy.dialects.openai_images import OpenAIImages
from proxy.dialects.openai_moderations import OpenAIModerations
from proxy.dialects.openai_speech import OpenAISpeech
from proxy.errors import BadRequest, Refused

CANARY = "Zoë Canary-7731"
STAND_IN = "PERSON_k3f9x0k3f9x0k"
VALUE = 'Zoë "Z" 李'

COMPLETIONS = OpenAICompletions()
EMBEDDINGS = OpenAIEmbeddings()
MODERATIONS = OpenAIModerations()
IMAGES = OpenAIImages()
SPEECH = OpenAISpeech()
COUNT = AnthropicCountTokens()

BASE: dict[str, tuple[Dialect, dict[str, Any]]] = {
    "completions": (COMPLETIONS, {"model": "m", "prompt": "hi"}),
    "embeddings": (EMBEDDINGS, {"model": "m", "input": "hi"}),
    "moderations": (MODERATIONS, {"model": "m", "input": "hi"}),
    "images": (IMAGES, {"model": "m", "prompt": "hi"}),
    "speech": (SPEECH, {"model": "m", "input": "hi", "voice": "alloy"}),
    "count": (COUNT, {"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
}
EVERYWHERE = {
    "unknown": {"zzz": {"a": [CANARY]}},
    "unknown_key": {CANARY: True},
    "metadata": {"metadata": {"who": CANARY, CANARY: "x"}},
}
URL = f"https://x.example/?q={CANARY}"
FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "completions": {
        "prompt": {"prompt": CANARY},
        "prompts": {"prompt": ["hi", CANARY]},
        "suffix": {"suffix": CANARY},
        "stop": {"stop": CANARY},
        "stops": {"stop": ["x", CANARY]},
        "user": {"user": CANARY},
        "logit_bias": {"logit_bias": {CANARY: -100}},
        "stream_options": {"stream_options": {"include_usage": CANARY}},
        "prompt_embeds": {"prompt_embeds": CANARY},
    },
    "embeddings": {
        "input": {"input": CANARY},
        "inputs": {"input": [CANARY, "x"]},
        "user": {"user": CANARY},
        "encoding_format": {"encoding_format": CANARY},
    },
    "moderations": {
        "input": {"input": CANARY},
        "inputs": {"input": ["x", CANARY]},
        "text_part": {"input": [{"type": "text", "text": CANARY}]},
        "text_part_more": {"input": [{"type": "text", "text": "x", CANARY: 1}]},
        "image_url": {"input": [{"type": "image_url", "image_url": {"url": URL}}]},
        "image_key": {"input": [{"type": "image_url", "image_url": {"url": "https://x", CANARY: [{"a": "b"}]}}]},
        "unknown_part": {"input": [{"type": CANARY, "payload": "x"}]},
    },
    "images": {
        "prompt": {"prompt": CANARY},
        "user": {"user": CANARY},
        "safety_identifier": {"safety_identifier": CANARY},
        "svg_model": {"svg": {"model": CANARY, "reasoning": {"effort": "low"}}},
        "svg_effort": {"svg": {"model": "m", "reasoning": {"effort": CANARY}}},
        **{name: {name: CANARY} for name in ("size", "quality", "style", "background", "moderation", "output_format")},
    },
    "speech": {
        "input": {"input": CANARY},
        "instructions": {"instructions": CANARY},
        "voice": {"voice": CANARY},
        "voice_id": {"voice": {"id": CANARY}},
        "response_format": {"response_format": CANARY},
        "stream_format": {"stream_format": CANARY},
    },
    "count": {
        "message": {"messages": [{"role": "user", "content": CANARY}]},
        "system": {"system": CANARY},
        "tool": {"tools": [{"name": "t", "description": CANARY, "input_schema": {"type": "object"}}]},
        "workspace": {"workspace_id": CANARY},
        "output_config": {"output_config": {"format": {"type": "json_schema", "schema": {"default": CANARY}}}},
    },
}
CASES = [(name, place) for name in BASE for place in (*FIELDS[name], *EVERYWHERE)]
BENIGN: dict[str, dict[str, Any]] = {
    "completions": {
        "prompt": "Say hi", "max_tokens": 16, "temperature": 0.2, "n": 2, "best_of": 2, "logprobs": 5, "echo": True,
        "stream": True, "logit_bias": {"50256": -100}, "stream_options": {"include_usage": True}, "seed": 7,
    },
    "embeddings": {"dimensions": 256, "encoding_format": "base64"},
    "moderations": {},
    "images": {
        "n": 1, "size": "1024x1024", "quality": "high", "background": "auto", "moderation": "low", "stream": True,
        "output_format": "png", "output_compression": 90, "partial_images": 2, "response_format": "b64_json",
        "style": "vivid", "svg": {"reasoning": {"effort": "low"}},
    },
    "speech": {"speed": 1.25, "response_format": "mp3", "stream_format": "sse"},
    "count": {"tool_choice": {"type": "auto"}},
}  # fmt: skip


def body_of(name: str, place: str) -> bytes:
    base = BASE[name][1]
    return json.dumps({**base, **(FIELDS[name] | EVERYWHERE)[place]}, ensure_ascii=False, indent=1).encode()


@pytest.mark.parametrize(("name", "place"), CASES)
def test_every_field_is_a_segment_and_can_be_replaced(name: str, place: str) -> None:
    dialect = BASE[name][0]
    body = body_of(name, place)
    parsed = dialect.parse(body)
    hit = [s for s in parsed.segments if CANARY in s.text]
    assert hit, "nobody looks there"
    edits = {(s.pointer, s.kind): s.text.replace(CANARY, STAND_IN) for s in hit}
    out = dialect.render(parsed, edits, "m")
    assert CANARY not in json.dumps(json.loads(out), ensure_ascii=False) and STAND_IN.encode() in out
    assert not [s for s in dialect.parse(out).segments if CANARY in s.text]
    assert dialect.render(parsed, {}, "m") == body, "without edits the bytes are the app's own"


@pytest.mark.parametrize("name", BASE)
def test_settings_need_no_look_and_only_the_models_name_changes(name: str) -> None:
    dialect, base = BASE[name]
    raw = json.dumps({**base, **BENIGN[name]}, indent=2).encode()
    parsed = dialect.parse(raw)
    assert [s.text for s in parsed.segments] == [BENIGN[name].get("prompt", "hi")] and not parsed.uninspected
    assert dialect.render(parsed, {}, "other") == raw.replace(b'"m"', b'"other"', 1)
    assert (parsed.dialect, parsed.model) == (dialect.name, "m")


@pytest.mark.parametrize("name", ["completions", "embeddings", "images", "speech", "count"])
@pytest.mark.parametrize("model", [None, "", 7, "absent"])
def test_a_model_must_be_named_where_the_vendor_has_no_lasting_default(name: str, model: Any) -> None:
    dialect, base = BASE[name]
    body = {k: v for k, v in base.items() if k != "model"} | ({} if model == "absent" else {"model": model})
    with pytest.raises(BadRequest) as e:
        dialect.parse(json.dumps(body).encode())
    assert e.value.code == "missing_model"


@pytest.mark.parametrize("more", [{}, {"model": None}])
def test_a_moderation_without_a_model_keeps_its_bytes_unless_another_model_answers(more: dict[str, Any]) -> None:
    raw = json.dumps({"input": "hi", **more}, indent=1).encode()
    parsed = MODERATIONS.parse(raw)
    assert parsed.model == "omni-moderation-latest" and MODERATIONS.render(parsed, {}, parsed.model) == raw
    assert json.loads(MODERATIONS.render(parsed, {}, "guard")) == {"input": "hi", "model": "guard"}
    edited = MODERATIONS.render(parsed, {("/input", "text"): "ho"}, "guard")
    assert json.loads(edited) == {"input": "ho", "model": "guard"}


@pytest.mark.parametrize("tokens", [[1, 2, 50256], [[1, 2], [3]]])
@pytest.mark.parametrize(("dialect", "key"), [(COMPLETIONS, "prompt"), (EMBEDDINGS, "input")])
def test_token_ids_are_uninspected(dialect: Dialect, key: str, tokens: Any) -> None:
    parsed = dialect.parse(json.dumps({"model": "m", key: tokens}).encode())
    assert parsed.uninspected == {"content:tokens"} and "unknown" in parsed.content


@pytest.mark.parametrize(
    ("dialect", "body", "reason"),
    [
        (COMPLETIONS, {"model": "m", "prompt": "x", "prompt_embeds": "aGVsbG8="}, "content:tokens"),
        (MODERATIONS, {"input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
         "content:image"),
        (MODERATIONS, {"input": [{"type": "mystery", "x": "y"}]}, "content:unknown"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_uninspected(dialect: Dialect, body: dict[str, Any], reason: str) -> None:
    assert reason in dialect.parse(json.dumps(body).encode()).uninspected


def test_a_picture_that_the_provider_would_fetch_is_said_with_its_host() -> None:
    url = {"type": "image_url", "image_url": {"url": "https://pics.example/a.png"}}
    assert MODERATIONS.parse(json.dumps({"input": [url]}).encode()).reaches == {"fetch:pics.example"}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (COMPLETIONS, {"prompt": {"a": 1}}), (COMPLETIONS, {"prompt": ["a", 1]}), (COMPLETIONS, {"prompt": [1.5]}),
        (COMPLETIONS, {"prompt": [[1], 2]}), (COMPLETIONS, {"prompt": "x", "n": "2"}),
        (COMPLETIONS, {"prompt": "x", "stream": "yes"}), (COMPLETIONS, {"prompt": "x", "stop": {}}),
        (COMPLETIONS, {"prompt": "x", "suffix": 5}), (COMPLETIONS, {"prompt": "x", "logit_bias": []}),
        (EMBEDDINGS, {}), (EMBEDDINGS, {"input": None}), (EMBEDDINGS, {"input": 5}), (EMBEDDINGS, {"input": [None]}),
        (EMBEDDINGS, {"input": "x", "user": 1}), (EMBEDDINGS, {"input": "x", "dimensions": "9"}),
        (MODERATIONS, {}), (MODERATIONS, {"input": 5}), (MODERATIONS, {"input": ["a", {"type": "text"}]}),
        (MODERATIONS, {"input": [{"type": "text"}]}), (MODERATIONS, {"input": [{"text": "x"}]}),
        (IMAGES, {}), (IMAGES, {"prompt": ["x"]}), (IMAGES, {"prompt": "x", "svg": "x"}),
        (SPEECH, {"voice": "alloy"}), (SPEECH, {"input": 5, "voice": "alloy"}), (SPEECH, {"input": "x", "voice": 1}),
        (COUNT, {"messages": []}),
    ],
)  # fmt: skip
def test_wrong_types_are_refused_without_repeating_them(dialect: Dialect, body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as e:
        dialect.parse(json.dumps({"model": "m", "zzz": CANARY, **body}).encode())
    assert CANARY not in e.value.message and e.value.code in {"invalid_request", "missing_input", "missing_messages"}


def test_long_numbers_in_settings_are_looked_at() -> None:
    parsed = COMPLETIONS.parse(b'{"model": "m", "prompt": "x", "seed": 4111111111111111}')
    assert [(s.pointer, s.kind) for s in parsed.segments] == [("/prompt", "text"), ("/seed", "number")]


def test_stand_ins_of_embeddings_are_the_apps_and_equal_requests_share_theirs_elsewhere() -> None:
    assert EMBEDDINGS.parse(b'{"model": "m", "input": "x"}').scope == "app"
    for dialect, key in ((COMPLETIONS, "prompt"), (IMAGES, "prompt"), (SPEECH, "input"), (MODERATIONS, "input")):
        parsed = dialect.parse(json.dumps({"model": "m", key: "hello", "voice": "x"}).encode())
        assert (parsed.first_user, parsed.scope) == ("hello", "")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([CANARY, "", "auto", "text", '{"a": "x"}', 0.5]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "a", "1", "/#~"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", BASE)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_is_read_or_refused_and_can_be_replaced(name: str, data: st.DataObject) -> None:
    dialect, base = BASE[name]
    fields = sorted({*base, *BENIGN[name], *(key for case in FIELDS[name].values() for key in case)} - {"model"})
    body = base | data.draw(st.dictionaries(st.sampled_from(fields), values, max_size=3))
    raw = json.dumps(body).encode()
    try:
        parsed = dialect.parse(raw)
    except BadRequest:
        return
    assert dialect.render(parsed, {}, parsed.model) == raw
    edits = {(s.pointer, s.kind): s.text.replace(CANARY, STAND_IN) for s in parsed.segments if s.kind == "text"}
    out = dialect.render(parsed, edits, parsed.model)
    left = json.dumps(json.loads(out), ensure_ascii=False)
    assert CANARY not in left or any(s.kind == "key" and CANARY in s.text for s in parsed.segments)


# -- answers -----------------------------------------------------------------------------------------------------------


def test_completions_are_restored_and_their_token_strings_left_alone() -> None:
    logprobs = {"tokens": [STAND_IN], "token_logprobs": [-0.5], "text_offset": [0]}
    choices = [{"text": f"Dear {STAND_IN}", "index": 0, "logprobs": logprobs, "finish_reason": "stop"},
               {"text": "none", "index": 1, "logprobs": None, "finish_reason": "length"}]  # fmt: skip
    answer = {"object": "text_completion", "choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    out, usage = COMPLETIONS.restore(json.dumps(answer).encode(), factory({STAND_IN: VALUE}))
    got = json.loads(out)["choices"]
    assert [c["text"] for c in got] == [f"Dear {VALUE}", "none"] and got[0]["logprobs"] == logprobs
    assert usage == {"tokens_in": 3, "tokens_out": 4}


def test_embeddings_pass_byte_for_byte_with_their_usage() -> None:
    numbers = ", ".join(f"{i}.10e-2" for i in range(20_000))
    for raw in (
        b'{"object": "list", "data": [{"embedding": [%s], "index": 0}], "model": "m", "usage": {"prompt_tokens": 8}}\n'
        % numbers.encode(),
        b'{"usage":{"total_tokens":8,"prompt_tokens":8},"data":[{"embedding":"%s"}]}' % (b"AAAA" * 30_000),
    ):
        out, usage = EMBEDDINGS.restore(raw, factory({STAND_IN: VALUE}))
        assert out is raw and usage == {"tokens_in": 8}
    assert EMBEDDINGS.restore(b'{"data": [], "usage": {"prompt_tokens": -1}}', factory({}))[1] == {}


def test_images_restore_the_revised_prompt_and_nothing_else() -> None:
    places = Plain({STAND_IN: VALUE})
    image = {"b64_json": STAND_IN, "url": f"https://x/{STAND_IN}", "revised_prompt": f"A garden of {STAND_IN}"}
    out, usage = IMAGES.restore(
        json.dumps({"created": 1, "data": [image, {"b64_json": "x"}], "usage": {"input_tokens": 5}}).encode(), places
    )
    assert json.loads(out)["data"][0] == {**image, "revised_prompt": f"A garden of {VALUE}"}
    assert usage == {"tokens_in": 5} and places.places == ["text"]


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [
        (MODERATIONS, {"id": "x", "results": [{"flagged": False, "category_scores": {"hate": 1e-5}}]}),
        (IMAGES, {"created": 1, "data": [{"b64_json": "aGk="}]}),
        (COUNT, {"input_tokens": 11}),
        (SPEECH, {"x": STAND_IN}),
    ],
)
def test_answers_without_text_pass_byte_for_byte(dialect: Dialect, answer: dict[str, Any]) -> None:
    raw = json.dumps(answer, indent=3).encode()
    assert dialect.restore(raw, factory({STAND_IN: VALUE})) == (raw, {})


@pytest.mark.parametrize(
    ("dialect", "raw"),
    [
        (COMPLETIONS, b"<html>"), (COMPLETIONS, b"[]"), (COMPLETIONS, b'{"error": {}}'),
        (EMBEDDINGS, b"<html>"), (EMBEDDINGS, b'{"error": {}}'), (EMBEDDINGS, b'{"data": [{"embedding": [1, 2'),
        (MODERATIONS, b'{"error": {}}'), (IMAGES, b'{"error": {}}'), (SPEECH, b"[]"), (COUNT, b'{"error": {}}'),
        (COUNT, b'{"input_tokens": "many"}'),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_the_endpoint_is_said(dialect: Dialect, raw: bytes) -> None:
    with pytest.raises(ValueError, match="answer"):
        dialect.restore(raw, factory({}))


@pytest.mark.parametrize("name", BASE)
def test_errors_have_the_dialects_shape(name: str) -> None:
    error = json.loads(BASE[name][0].error(Refused("no", code="policy_refused"), "req_1"))
    assert error["error"]["code"] == "policy_refused" and "req_1" in json.dumps(error)
