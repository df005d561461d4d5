"""Tables of Ollama's chat, generate and embed."""

from __future__ import annotations

from typing import Any

from ollama import _types as ollama
from wire.shapes import TEXT, Place, places
from wire.tables import FIRST, HOUSE, MODEL, REPLACED, REST, SCHEMA, Row, Surface, rows, user

OPTIONS = ("options.~", "options.stop[]", "format.~", "keep_alive", "think")
BACK = (
    ("text, thinking and arguments of calls, whole and line by line", "restored"),
    ("log-probabilities, counts, durations", "as they came"),
)


def _places(request: Any, images: str) -> tuple[Place, ...]:
    """As the type says; an image is a string on the wire, and a message that may be anything is no message."""
    made = [p for p in places(request) if not p.path.startswith(("messages[].*", "messages[].(key)"))]
    said = [p for p in made if "images[].value" not in p.path]
    image = {"images": [TEXT]}
    body = {"messages": [{"role": "user", "content": "x", **image}]} if "messages" in images else image
    return (*said, Place(f"{images} (bytes)", body, binary=True))


CHAT = Surface(
    name="Ollama chat",
    route="/api/chat",
    sdk="ollama `ChatRequest`",
    request=lambda: _places(ollama.ChatRequest, "messages[].images[]"),
    plain="messages[].content",
    base={"stream": False},
    splits={
        "over messages": {"messages": [user(f"Note {FIRST}"), user(f"{REST} please")]},
        "over a list": {"messages": [user("x")], "options": {"stop": [FIRST, REST]}},
    },
    rows=(
        MODEL,
        Row("images[] (bytes)", HOUSE, "images"),
        *rows(REPLACED, "messages[].role", "messages[].content", "messages[].thinking", "messages[].tool_name",
              "tool_calls[].function.name", "tool_calls[].function.arguments.~"),
        *rows(REPLACED, "tools[].type", "tools[].function.name", "tools[].function.description"),
        *rows(REPLACED, "$defs.~", "parameters.items.~", "required[]", "properties.*.type", "properties.*.type[]",
              "properties.*.items.~", "properties.*.description", "properties.*.enum[].~", "properties.(key)",
              note=SCHEMA),
        *rows(REPLACED, *OPTIONS),
    ),
    upstream={"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": True,
              "message": {"role": "assistant", "content": "ok"}},
    back=BACK,
)  # fmt: skip
GENERATE = Surface(
    name="Ollama generate",
    route="/api/generate",
    sdk="ollama `GenerateRequest`",
    request=lambda: _places(ollama.GenerateRequest, "images[]"),
    plain="prompt",
    base={"stream": False},
    splits={"over a list": {"prompt": "x", "options": {"stop": [FIRST, REST]}}},
    rows=(
        MODEL,
        Row("images[] (bytes)", HOUSE, "images"),
        Row("context (token ids)", HOUSE, "an earlier conversation as tokens"),
        *rows(REPLACED, "prompt", "suffix", "system", "template", *OPTIONS),
    ),
    extra=(Place("context (token ids)", {"prompt": TEXT, "context": [1, 2, 3]}),),
    upstream={"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": True, "response": "ok"},
    back=BACK,
)
EMBED = Surface(
    name="Ollama embed",
    route="/api/embed",
    sdk="ollama `EmbedRequest`",
    request=ollama.EmbedRequest,
    plain="input",
    base={"input": "x"},
    splits={"over a list": {"input": [f"Note {FIRST}", f"{REST} please"]}},
    rows=(MODEL, *rows(REPLACED, "input", "input[]", "options.~", "options.stop[]", "keep_alive")),
    upstream={"model": "m", "embeddings": [[0.1]]},
    back=(("`embeddings`", "byte for byte"),),
)
SURFACES = (CHAT, GENERATE, EMBED)
