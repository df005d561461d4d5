"""Uploads: /v1/audio/transcriptions, /v1/audio/translations, /v1/images/edits, /v1/images/variations.

Every text field, field name and file name of the form is a segment. A file is uninspected unless it is text. One
dialect reads one request, because the boundary stands in the content type. That of the app goes no further: a header
is in the clear where a body is sealed. Nothing here decides, sends or logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy.dialects import json_text, multipart, pointers
from proxy.dialects.base import Parsed, RestorerFactory, StreamRestorer
from proxy.dialects.events import TypedStream
from proxy.dialects.fields import usage
from proxy.dialects.json_text import NUMBER, InvalidJson
from proxy.dialects.multipart import Part
from proxy.dialects.openai_answers import TEXT, error_body, put, whole
from proxy.dialects.openai_images import ENDS, NUMBERS, WORDS, restore_images
from proxy.dialects.openai_tools import bad
from proxy.dialects.walk import SHORT_NUMBER, Walk
from proxy.errors import BadRequest, Misuse, SealgateError

SETTINGS: Mapping[str, frozenset[str]] = {
    **{name: words for name, words in WORDS.items() if words},
    "response_format": frozenset(
        {"json", "text", "srt", "verbose_json", "vtt", "diarized_json", "url", "b64_json"}
    ),
    "stream": frozenset({"true", "false"}),
    "timestamp_granularities[]": frozenset({"word", "segment"}),
    "include[]": frozenset({"logprobs"}),
    "chunking_strategy": frozenset({"auto"}),
    "chunking_strategy[type]": frozenset({"server_vad"}),
}  # fmt: skip
"""Fields and the words in them that need no look."""
NUMERIC = frozenset(NUMBERS) | {
    "temperature", "chunking_strategy[prefix_padding_ms]", "chunking_strategy[silence_duration_ms]",
    "chunking_strategy[threshold]",
}  # fmt: skip
NAMES = frozenset(SETTINGS) | NUMERIC | {
    "model", "file", "prompt", "language", "languages[]", "keywords[]", "known_speaker_names[]",
    "known_speaker_references[]", "image", "image[]", "mask", "markup", "user", "safety_identifier",
}  # fmt: skip
"""Names that need no look."""
TYPES = frozenset(
    {"audio/mpeg", "audio/mp3", "audio/mp4", "audio/mp4a-latm", "audio/x-m4a", "audio/m4a", "audio/wav", "audio/x-wav",
     "audio/vnd.wave", "audio/webm", "audio/ogg", "audio/flac", "audio/x-flac", "audio/aac", "video/mp4", "video/webm",
     "video/mpeg", "image/png", "image/jpeg", "image/webp", "image/gif", "application/octet-stream", "application/json",
     "text/plain", "text/plain; charset=utf-8", "text/plain;charset=utf-8"}
)  # fmt: skip
"""Content types that need no look."""
CONTENT = frozenset({"audio", "image", "video"})

_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\";]*)", re.I)

Restore = Callable[[bytes, RestorerFactory], tuple[bytes, Mapping[str, int]]]


def restore_transcript(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """A transcript in any of its formats; what is no JSON object is text. Raises ValueError for what is neither."""
    try:
        tree = json_text.loads_answer(json_text.decode(body))
    except InvalidJson:
        tree = None
    if not isinstance(tree, dict):
        return whole(restorers(TEXT), body.decode("utf-8")).encode("utf-8"), {}
    changed = put(tree, "text", restorers, TEXT)
    for member, keys in (("segments", ("text", "speaker")), ("words", ("word",))):
        found = tree.get(member)
        for item in found if isinstance(found, list) else ():
            for key in keys:
                changed |= isinstance(item, dict) and put(item, key, restorers, TEXT)
    return json_text.serialize(tree) if changed else body, usage(tree)


@dataclass(frozen=True, slots=True)
class Kind:
    """What tells one upload endpoint from another: its dialect, what its files are, how its answers are read."""

    name: str
    content: str
    restore: Restore
    ends: frozenset[str]


TRANSCRIPTIONS = Kind("openai.transcriptions", "audio", restore_transcript, frozenset({"transcript.text.done"}))
TRANSLATIONS = Kind("openai.translations", "audio", restore_transcript, frozenset())
EDITS = Kind("openai.image_edits", "image", restore_images, ENDS)
VARIATIONS = Kind("openai.image_variations", "image", restore_images, ENDS)


@dataclass(frozen=True, slots=True)
class _Form:
    """The parts with the pointer of each; those whose content is text with that text."""

    parts: tuple[Part, ...] = field(repr=False)
    places: tuple[str, ...] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)


class OpenAIUpload:
    """The dialect of one upload. ``content_type`` is the request's; without one only errors can be made."""

    error_event = ""
    opaque = False

    def __init__(self, kind: Kind, content_type: str | None = None) -> None:
        self.name = kind.name
        self._kind = kind
        self._mark = multipart.boundary(content_type) if content_type is not None else ""

    def bound(self, content_type: str, mark: str) -> tuple[OpenAIUpload, str, Callable[[bytes], bytes]]:
        """The dialect of a request with this content type as it goes on with ``mark`` for its boundary, its new content
        type, and what makes its body so. Raises BadRequest."""
        old, header = multipart.boundary(content_type), multipart.header(mark)
        return OpenAIUpload(self._kind, header), header, lambda body: multipart.marked(body, old, mark)

    def parse(self, body: bytes) -> Parsed:
        """Raises BadRequest."""
        if not self._mark:
            raise Misuse("a form is read with the content type of its request")
        reading = _Reading(self._kind.content)
        form = reading.form(multipart.split(body, self._mark))
        model = form.texts.get("/model", "")
        if not model:
            raise bad("/model", "a model name", code="missing_model")
        walk = reading.walk
        return Parsed(
            dialect=self.name,
            model=model,
            stream=form.texts.get("/stream", "").lower() in {"true", "1"},
            body=body,
            tree=form,
            segments=tuple(walk.segments),
            uninspected=frozenset(walk.uninspected),
            content=frozenset(walk.content),
            first_user=form.texts.get("/prompt", ""),
        )

    def render(self, parsed: Parsed, edits: Mapping[tuple[str, str], str], model: str) -> bytes:
        """Parts that do not change keep their bytes. Raises Untransformable, and Misuse for an edit of no segment."""
        known = {(s.pointer, s.kind): s.text for s in parsed.segments}
        if not edits.keys() <= known.keys():
            raise Misuse("an edit of what is no segment")
        wanted = {place: text for place, text in edits.items() if known[place] != text}
        if model != parsed.model:
            wanted["/model", "text"] = model
        if not wanted:
            return parsed.body
        return _edited(parsed.tree, wanted, self._mark)

    def restore(self, body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
        """Raises ValueError for what is no answer of this endpoint."""
        return self._kind.restore(body, restorers)

    def restore_stream(self, restorers: RestorerFactory, trailer: Callable[[], str]) -> StreamRestorer:
        return TypedStream(restorers, trailer, self._kind.ends)

    def error(self, error: SealgateError, request_id: str) -> bytes:
        """OpenAI's error object, with ``request_id`` beside its usual members."""
        return error_body(error, request_id)


class _Reading:
    """Reads the parts of a form into a walk."""

    def __init__(self, content: str) -> None:
        self.walk = Walk()
        self._content = content
        self._seen: dict[str, int] = {}
        self._texts: dict[str, str] = {}

    def form(self, parts: tuple[Part, ...]) -> _Form:
        places = tuple([self._part(part) for part in parts])
        return _Form(parts, places, self._texts)

    def _place(self, name: str) -> str:
        """A name that ends in ``[]`` may come again; any other twice is a form that servers read differently."""
        nth = self._seen[name] = self._seen.get(name, -1) + 1
        if name.endswith("[]"):
            return self.walk.at(self.walk.at("", pointers.escape(name)), str(nth))
        if nth:
            raise BadRequest("The form has a field twice.", code="duplicate_key")
        return self.walk.at("", pointers.escape(name))

    def _part(self, part: Part) -> str:
        at = self._place(part.name)
        if part.name not in NAMES:
            self.walk.key(at, "other", part.name)
        if part.media.lower() not in TYPES:
            self.walk.key(f"{at}/content-type", "other", part.media)
        if part.filename is not None:
            self.walk.key(f"{at}/filename", "other", part.filename)
        text = _readable(part)
        if text is None:
            self._unread(part.kind.partition("/")[0])
        else:
            self._texts[at] = text
            self._field(at, part.name, text)
        return at

    def _unread(self, family: str) -> None:
        kind = family if family in CONTENT else "unknown" if family == "text" else self._content
        self.walk.uninspected.add(f"content:{kind}")
        self.walk.content.add(kind)

    def _field(self, at: str, name: str, text: str) -> None:
        if name == "model" or text in SETTINGS.get(name, ()):
            return
        if name in NUMERIC and len(text) <= SHORT_NUMBER and NUMBER.fullmatch(text):
            return
        if name == "known_speaker_references[]":
            self._unread("audio")
            self.walk.blob(at, "user", text)
        else:
            self.walk.nested(at, "user" if name == "prompt" else "other", text)


def _readable(part: Part) -> str | None:
    """The text of a part, or None where nobody can read it. Raises BadRequest for a plain field that is no text."""
    plain = part.filename is None and not part.media
    if not plain and not (part.kind.startswith("text/") or part.kind == "application/json"):
        return None
    charset = _CHARSET.search(part.media)
    if charset is not None and charset[1].strip().lower() not in {"utf-8", "utf8", "us-ascii"}:
        return None
    try:
        text = part.content.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return text
    if plain:
        raise BadRequest("The fields of a form must be UTF-8.", code="invalid_encoding")
    return None


def _edited(form: _Form, edits: Mapping[tuple[str, str], str], mark: str) -> bytes:
    """The form with ``edits`` applied. Raises Untransformable."""
    heads: dict[str, str] = {}
    inside: dict[str, dict[tuple[str, str], str]] = {}
    for (place, kind), text in edits.items():
        at, nested, rest = place.partition("#")
        if kind == "key" and not nested:
            heads[place] = text
        else:
            inside.setdefault(at, {})[f"/x{nested}{rest}", kind] = text
    made = []
    for part, at in zip(form.parts, form.places, strict=True):
        content = part.content
        if at in inside:
            content = pointers.edit({"x": form.texts[at]}, inside.pop(at))["x"].encode("utf-8")
        filename = heads.get(f"{at}/filename", part.filename) if part.filename is not None else None
        media = heads.get(f"{at}/content-type", part.media)
        name = heads.get(at, part.name)
        made.append(part.changed(name=name, filename=filename, media=media, content=content))
    return multipart.join(made, mark)
