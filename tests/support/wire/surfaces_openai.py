"""Tables of OpenAI's chat completions and its smaller JSON endpoints."""

from __future__ import annotations

from openai.types import completion_create_params, embedding_create_params, image_generate_params
from openai.types import moderation_create_params as moderation
from openai.types.audio import speech_create_params as speech
from openai.types.chat import completion_create_params as chat
from wire.shapes import TEXT, Place
from wire.tables import (
    ARGUMENTS,
    FIRST,
    HOUSE,
    IDS,
    MODEL,
    REPLACED,
    REST,
    SCHEMA,
    Row,
    Surface,
    rows,
    text,
    user,
)

CHAT = Surface(
    name="OpenAI chat completions",
    route="/v1/chat/completions",
    sdk="openai `CompletionCreateParams`",
    request=chat.CompletionCreateParamsNonStreaming,
    plain="messages[user].content",
    splits={
        "over parts": {"messages": [{"role": "user", "content": [text(f"Note {FIRST}"), text(f"{REST} please")]}]},
        "over messages": {"messages": [user(f"Note {FIRST}"), user(f"{REST} please")]},
        "over a list": {"messages": [user("x")], "stop": [FIRST, REST]},
    },
    rows=(
        MODEL,
        *rows(HOUSE, "content[image_url].**", "content[input_audio].**", "content[file].**",
              note="images, sound; files that are no readable document"),
        Row("messages[assistant].audio.**", HOUSE, "an earlier sound answer by id"),
        Row("web_search_options.**", HOUSE, "a tool that the provider runs"),
        *rows(REPLACED, "messages[*].content", "content[text].text", "content[refusal].refusal", "messages[*].name",
              "messages[*].refusal"),
        *rows(REPLACED, "function_call.arguments", "function.arguments", "custom.input", note=ARGUMENTS),
        *rows(REPLACED, "messages[assistant].function_call.name", "messages[assistant].tool_calls[*].function.name",
              "messages[assistant].tool_calls[*].custom.name"),
        *rows(REPLACED, "tool_calls[*].id", "messages[tool].tool_call_id", note=IDS),
        *rows(REPLACED, "audio.voice", "audio.voice.id", "moderation.model"),
        *rows(REPLACED, "function_call.name", "tool_choice[*].function.name", "tool_choice[*].custom.name",
              "allowed_tools.tools[].~"),
        *rows(REPLACED, "functions[].name", "functions[].description", "tools[*].function.name",
              "tools[*].function.description", "tools[*].custom.name", "tools[*].custom.description",
              "format[grammar].grammar.definition"),
        *rows(REPLACED, "parameters.~", "json_schema.schema.~", note=SCHEMA),
        *rows(REPLACED, "json_schema.name", "json_schema.description", "logit_bias.(key)", "metadata.~",
              "prediction[content].content", "prompt_cache_key", "safety_identifier", "user", "stop", "stop[]"),
    ),
    upstream={
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
    },
    back=(
        ("`choices[].message.content`, `.refusal`, reasoning and their stream deltas", "restored"),
        ("`choices[].message.tool_calls[].function.arguments` and their deltas", "restored, JSON-escaped"),
        ("`choices[].logprobs`, annotations", "as they came: stand-ins stay"),
        ("`usage`", "as it came"),
    ),
)  # fmt: skip

COMPLETIONS = Surface(
    name="OpenAI completions (legacy)",
    route="/v1/completions",
    sdk="openai `CompletionCreateParams` (legacy)",
    request=completion_create_params.CompletionCreateParamsNonStreaming,
    plain="prompt",
    base={"prompt": "x"},
    splits={"over a list": {"prompt": [f"Note {FIRST}", f"{REST} please"]}},
    extra=(Place("prompt[][] (token ids)", {"prompt": [[1, 2, 3]], "user": TEXT}),),
    rows=(
        MODEL,
        Row("prompt[][] (token ids)", HOUSE, "nobody here knows the vocabulary"),
        *rows(REPLACED, "prompt", "prompt[]", "suffix", "user", "stop", "stop[]", "logit_bias.(key)"),
    ),
    upstream={
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "text": "ok", "finish_reason": "stop", "logprobs": None}],
    },
    back=(
        ("`choices[].text`, whole and streaming", "restored"),
        ("`choices[].logprobs`", "as they came: stand-ins stay"),
        ("`usage`", "as it came"),
    ),
)  # fmt: skip

EMBEDDINGS = Surface(
    name="OpenAI embeddings",
    route="/v1/embeddings",
    sdk="openai `EmbeddingCreateParams`",
    request=embedding_create_params.EmbeddingCreateParams,
    plain="input",
    base={"input": "x"},
    splits={"over a list": {"input": [f"Note {FIRST}", f"{REST} please"]}},
    extra=(Place("input[][] (token ids)", {"input": [[1, 2, 3]], "user": TEXT}),),
    rows=(
        MODEL,
        Row("input[][] (token ids)", HOUSE, "nobody here knows the vocabulary"),
        *rows(REPLACED, "input", "input[]", note="stand-ins are the same in every conversation of the app"),
        Row("user"),
    ),
    upstream={"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
              "usage": {"prompt_tokens": 1, "total_tokens": 1}},
    back=(("`data[].embedding`, `usage`", "byte for byte"),),
)  # fmt: skip

MODERATIONS = Surface(
    name="OpenAI moderations",
    route="/v1/moderations",
    sdk="openai `ModerationCreateParams`",
    request=moderation.ModerationCreateParams,
    plain="input",
    base={"input": "x"},
    splits={
        "over a list": {"input": [f"Note {FIRST}", f"{REST} please"]},
        "over parts": {"input": [text(f"Note {FIRST}"), text(f"{REST} please")]},
    },
    rows=(MODEL, Row("input[image_url].**", HOUSE, "images"), *rows(REPLACED, "input", "input[]", "input[text].text")),
    upstream={"id": "modr-1", "model": "m", "results": [{"flagged": False, "categories": {}, "category_scores": {}}]},
    back=(("`results[]`", "as they came: scores of what was sent"),),
)

IMAGES = Surface(
    name="OpenAI image generations",
    route="/v1/images/generations",
    sdk="openai `ImageGenerateParams`",
    request=image_generate_params.ImageGenerateParamsNonStreaming,
    plain="prompt",
    base={"prompt": "x"},
    rows=(MODEL, *rows(REPLACED, "prompt", "safety_identifier", "size", "svg.model", "user")),
    upstream={"created": 1, "data": [{"url": "https://images.example/1.png", "revised_prompt": "ok"}]},
    back=(
        ("`data[].revised_prompt`", "restored"),
        ("images, their addresses, partial images of a stream", "as they came"),
    ),
)

SPEECH = Surface(
    name="OpenAI speech",
    route="/v1/audio/speech",
    sdk="openai `SpeechCreateParams`",
    request=speech.SpeechCreateParams,
    plain="input",
    base={"input": "x", "voice": "alloy"},
    rows=(MODEL, *rows(REPLACED, "input", "instructions", "voice", "voice.id")),
    upstream={"ok": True},
    back=(("sound", "byte for byte: stand-ins are spoken"),),
)

SURFACES = (CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS, IMAGES, SPEECH)
