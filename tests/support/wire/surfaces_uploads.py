"""Tables of the forms: sound to text, images from images, files."""

from __future__ import annotations

import dataclasses
from typing import Any

from openai.types import file_create_params, image_create_variation_params, image_edit_params
from openai.types.audio import transcription_create_params, translation_create_params
from wire.shapes import TEXT, Place
from wire.tables import DROPPED, HOUSE, MODEL, REFUSED, REPLACED, Row, Surface, form, rows

STRICT = frozenset({"invalid_multipart"})
NOTE = {"filename": "note.txt", "media": "text/plain", "content": "hello"}


def _file(name: str, **said: str) -> dict[str, Any]:
    return {name: {**NOTE, **said}}


def _extra(name: str) -> tuple[Place, ...]:
    return (
        Place(f"{name} (text)", _file(name, content=TEXT)),
        Place(f"{name} (name)", _file(name, filename=TEXT), refusals=STRICT),
        Place(f"{name} (media type)", _file(name, media=f"text/plain; note={TEXT}"), refusals=STRICT),
        Place(f"{name} (sound)", _file(name, media="audio/wav", filename="x.wav", content=TEXT)),
        Place("x_note", {"x_note": TEXT}),
        Place("(name of a field)", {TEXT: "x"}, refusals=STRICT),
    )


ROWS = (
    MODEL,
    *rows(HOUSE, "file (bytes)", "image (bytes)", "image[] (bytes)", "mask (bytes)", "markup (bytes)", "file (sound)",
          "image (sound)", note="sound, images, and whatever else is no text"),
    *rows(REPLACED, "file (text)", "image (text)", note="of a `text/…` type in UTF-8"),
    *rows(REPLACED, "file (name)", "image (name)", "file (media type)", "image (media type)", "x_note",
          "(name of a field)"),
    *rows(REPLACED, "prompt", "language", "languages[]", "keywords[]", "known_speaker_names[]", "user", "size",
          "safety_identifier", "svg.model"),
    Row("known_speaker_references[]", HOUSE, "voices"),
)  # fmt: skip
SAID = (
    ("text, segments, words, speakers, in every format and in streams", "restored"),
    ("times, `usage`", "as they came"),
)
DRAWN = (("`data[].revised_prompt`", "restored"), ("images", "as they came"))
IMAGES = {"created": 1, "data": [{"url": "https://images.example/1.png"}]}

TRANSCRIPTIONS = Surface(
    name="OpenAI transcriptions",
    route="/v1/audio/transcriptions",
    sdk="openai `TranscriptionCreateParams`",
    request=transcription_create_params.TranscriptionCreateParamsNonStreaming,
    plain="prompt",
    base={"file": NOTE},
    extra=_extra("file"),
    json=False,
    make=form,
    rows=ROWS,
    upstream={"text": "ok"},
    back=SAID,
)
TRANSLATIONS = dataclasses.replace(
    TRANSCRIPTIONS,
    name="OpenAI translations",
    route="/v1/audio/translations",
    sdk="openai `TranslationCreateParams`",
    request=translation_create_params.TranslationCreateParams,
)
EDITS = dataclasses.replace(
    TRANSCRIPTIONS,
    name="OpenAI image edits",
    route="/v1/images/edits",
    sdk="openai `ImageEditParams`",
    request=image_edit_params.ImageEditParamsNonStreaming,
    base={"image": NOTE, "prompt": "x"},
    extra=_extra("image"),
    upstream=IMAGES,
    back=DRAWN,
)
VARIATIONS = dataclasses.replace(
    EDITS,
    name="OpenAI image variations",
    route="/v1/images/variations",
    sdk="openai `ImageCreateVariationParams`",
    request=image_create_variation_params.ImageCreateVariationParams,
    base={"image": NOTE},
    plain="user",
)


def _lines(said: Any) -> list[Any]:
    body = {"model": "case-0", "messages": [{"role": "user", "content": said}]}
    return [{"custom_id": "one", "method": "POST", "url": "/v1/chat/completions", "body": body}]


def _held(filename: str, content: Any, **more: str) -> dict[str, Any]:
    return {"file": {"filename": filename, "media": "application/octet-stream", "content": content}, **more}


UPLOADED = Surface(
    name="OpenAI files",
    route="/v1/files",
    sdk="openai `FileCreateParams`",
    request=file_create_params.FileCreateParams,
    plain="file (text)",
    base={"purpose": "user_data"},
    named=False,
    json=False,
    rewrites=True,
    make=form,
    extra=(
        Place("file (text)", _held("a.txt", f"case-0\n{TEXT}")),
        Place("file (comma-separated)", _held("a.csv", f"case-0;note\n1;{TEXT}")),
        Place("file (JSON Lines)", _held("a.jsonl", [{"case": "case-0", "note": [TEXT]}])),
        Place("file (JSON Lines, key)", _held("a.jsonl", [{"case": "case-0", TEXT: 1}])),
        Place("file (JSON)", _held("a.json", [{"case": "case-0", "note": {"a": TEXT}}])),
        Place("file (lines of a batch)", _held("a.jsonl", _lines(TEXT), purpose="batch")),
        Place("file (name)", _held(f"{TEXT}.txt", "case-0")),
        Place("purpose", _held("a.txt", "case-0", purpose=TEXT)),
        Place("x_note", _held("a.txt", "case-0", x_note=TEXT)),
    ),
    rows=(
        Row("file (bytes)", HOUSE, "PDF, images and other files that are no text"),
        *rows(REPLACED, "file (text)", "file (comma-separated)", note="block by block, in constant memory"),
        *rows(REPLACED, "file (JSON Lines)", "file (JSON Lines, key)", "file (JSON)",
              note="every value, key and number"),
        Row("file (lines of a batch)", REPLACED, "each line as a request to its own path"),
        Row("file (name)", DROPPED, "the upstream gets `upload` and the ending"),
        *rows(REFUSED, "purpose", "x_note", note="words of the API, and no other field"),
    ),
    upstream={
        "id": "file-matrix", "object": "file", "bytes": 1, "created_at": 1, "filename": "f", "purpose": "batch",
        "status": "processed",
    },
    back=(
        ("content of an upload, and results of a batch, line by line", "restored"),
        ("`filename`, `bytes`", "as the app sent them"),
    ),
)  # fmt: skip
SURFACES = (TRANSCRIPTIONS, TRANSLATIONS, EDITS, VARIATIONS, UPLOADED)
