"""The served paths as one table: route, dialect, path below an upstream's base URL, headers and query that may leave.

Nothing is decided here. A path that is not in the table is served one way (``/u/NAME/…`` and unknown ``/v1/…``) or not
at all.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.anthropic_count import AnthropicCountTokens
from proxy.dialects.base import Dialect
from proxy.dialects.gemini import GeminiCountTokens, GeminiEmbed, GeminiGenerate, check_query, events_asked
from proxy.dialects.gemini_array import GeminiArray
from proxy.dialects.ollama import OllamaChat, OllamaEmbed, OllamaGenerate
from proxy.dialects.openai_chat import OpenAIChat
from proxy.dialects.openai_completions import OpenAICompletions
from proxy.dialects.openai_embeddings import OpenAIEmbeddings
from proxy.dialects.openai_images import OpenAIImages
from proxy.dialects.openai_moderations import OpenAIModerations
from proxy.dialects.openai_speech import OpenAISpeech
from proxy.dialects.openai_uploads import EDITS, TRANSCRIPTIONS, TRANSLATIONS, VARIATIONS, Kind, OpenAIUpload
from proxy.dialects.responses import OpenAIResponses
from proxy.dialects.responses_count import OpenAIInputTokens
from proxy.errors import BadRequest
from proxy.upstreams.remote import BETA

CHAT = "/v1/chat/completions"
JSON_TYPE = ("content-type", "application/json")
ANTHROPIC = ("anthropic-version", "2023-06-01")


@dataclass(frozen=True, slots=True)
class Surface:
    """A served path. ``route`` is aiohttp's pattern and ``path`` the upstream's; both may hold ``{model}``.

    ``stream`` says whether the answer streams where the path does; ``query`` holds what an app may send (name ->
    pattern), ``sent`` what goes to the upstream in any case; ``check`` refuses a query in its own words, and nothing of
    it travels on; ``betas``: whether ``anthropic-beta`` travels on.
    """

    route: str
    dialect: Dialect
    path: str
    headers: tuple[tuple[str, str], ...] = (JSON_TYPE,)
    stream: bool | None = None
    query: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    sent: str = ""
    check: Callable[[Mapping[str, str]], None] | None = None
    betas: bool = False
    form: Callable[[str, str], tuple[Dialect, str, Callable[[bytes], bytes]]] | None = None
    """For uploads: the dialect that goes with a request's content type and our boundary, the content type that names
    it, and what puts it in place of the app's."""
    made: Callable[[bytes], bytes] = bytes
    """What becomes of a body before anything reads it."""
    array: Dialect | None = None
    """The dialect of a stream that is not asked for as server-sent events."""

    def bound(self, content_types: Sequence[str]) -> Surface:
        """This path as one request takes it. Raises BadRequest for a content type that no form has."""
        if self.form is None:
            return self
        if len(content_types) != 1:
            raise BadRequest("A form has one Content-Type.", code="unsupported_content_type")
        dialect, kind, made = self.form(content_types[0], f"sealgate-{secrets.token_hex(16)}")
        return replace(self, dialect=dialect, headers=(("content-type", kind),), made=made)

    def asked(self, query: Mapping[str, str]) -> Surface:
        """This path as a query asks for it."""
        return self if self.array is None or events_asked(query) else replace(self, dialect=self.array)


def _upload(path: str, kind: Kind) -> Surface:
    dialect = OpenAIUpload(kind)
    return Surface(f"/v1{path}", dialect, path, form=dialect.bound)


def table(max_depth: int) -> Sequence[Surface]:
    """Every served path. ``max_depth``: levels of nesting a JSON request may have."""
    beta = {"beta": re.compile("true")}
    return (
        Surface(CHAT, OpenAIChat(max_depth), "/chat/completions"),
        Surface("/v1/responses", OpenAIResponses(max_depth), "/responses"),
        Surface("/v1/responses/compact", OpenAIResponses(max_depth), "/responses/compact"),
        Surface("/v1/responses/input_tokens", OpenAIInputTokens(max_depth), "/responses/input_tokens"),
        Surface(
            "/v1/messages", AnthropicMessages(max_depth), "/messages", (ANTHROPIC, JSON_TYPE), query=beta, betas=True
        ),
        Surface(
            "/v1/messages/count_tokens", AnthropicCountTokens(max_depth), "/messages/count_tokens",
            (ANTHROPIC, JSON_TYPE), query=beta, betas=True,
        ),
        Surface("/v1/completions", OpenAICompletions(max_depth), "/completions"),
        Surface("/v1/embeddings", OpenAIEmbeddings(max_depth), "/embeddings"),
        Surface("/v1/moderations", OpenAIModerations(max_depth), "/moderations"),
        Surface("/v1/images/generations", OpenAIImages(max_depth), "/images/generations"),
        Surface("/v1/audio/speech", OpenAISpeech(max_depth), "/audio/speech"),
        _upload("/audio/transcriptions", TRANSCRIPTIONS),
        _upload("/audio/translations", TRANSLATIONS),
        _upload("/images/edits", EDITS),
        _upload("/images/variations", VARIATIONS),
        *_gemini(max_depth),
        Surface("/api/chat", OllamaChat(max_depth), "/chat"),
        Surface("/api/generate", OllamaGenerate(max_depth), "/generate"),
        Surface("/api/embed", OllamaEmbed(max_depth), "/embed"),
    )  # fmt: skip


def _gemini(max_depth: int) -> Sequence[Surface]:
    """Google's paths: both versions of the API, the model and the kind of answer in the path."""
    generate, count, embed = GeminiGenerate(max_depth), GeminiCountTokens(max_depth), GeminiEmbed(max_depth)
    verbs: Sequence[tuple[str, Dialect, bool]] = (
        ("generateContent", generate, False),
        ("streamGenerateContent", generate, True),
        ("countTokens", count, False),
        ("embedContent", embed, False),
        ("batchEmbedContents", embed, False),
    )
    return [
        Surface(
            f"/{version}/models/{{model}}:{verb}", dialect, f"/models/{{model}}:{verb}", stream=stream,
            sent="alt=sse" if stream else "", check=check_query,
            array=GeminiArray(max_depth) if stream else None,
        )
        for version in ("v1beta", "v1")
        for verb, dialect, stream in verbs
    ]  # fmt: skip


def query(surface: Surface, given: Sequence[tuple[str, str]]) -> str:
    """What of an app's query goes on. Raises BadRequest for what the path does not take."""
    if surface.check is not None:
        if len(dict(given)) < len(given):
            raise BadRequest("A query parameter stands here twice.", code="unexpected_query")
        surface.check(dict(given))
        return surface.sent
    said = []
    for name, value in given:
        pattern = surface.query.get(name)
        if pattern is None or not pattern.fullmatch(value):
            raise BadRequest("This path does not take these query parameters.", code="unexpected_query")
        said.append(f"{name}={value}")
    return "&".join([surface.sent, *said] if surface.sent else said)


def betas(header: str | None) -> tuple[tuple[str, str], ...]:
    """``anthropic-beta`` as it may leave. Raises BadRequest for what is no list of features."""
    if header is None:
        return ()
    features = [f.strip() for f in header.split(",")]
    if len(features) > 32 or not all(BETA.fullmatch(f) for f in features):
        raise BadRequest("The anthropic-beta header must be a list of feature names.", code="unexpected_header")
    return (("anthropic-beta", ",".join(features)),)
