"""The fields of Gemini requests and what each may hold: generateContent, countTokens, embedContent and its batch.

A field that is not in a table is walked like any unknown JSON; a part with one is uninspected as well. A known field of
the wrong JSON type is refused. Texts in base64 (``inlineData`` of a text type) are segments with their decoded text;
other data, files and tools that the provider runs are uninspected.
"""

from __future__ import annotations

import re
from typing import Any

from proxy.dialects import provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.gemini_fields import (
    Reader,
    camel,
    continuation,
    decoded_text,
    fields,
    flag,
    many,
    member,
)
from proxy.dialects.gemini_settings import Runs, Settings
from proxy.dialects.gemini_words import (
    BEHAVIORS,
    LANGUAGES,
    LEVELS,
    MIME_TYPES,
    ORIGINS,
    OUTCOMES,
    TASKS,
    TEXTUAL,
)
from proxy.dialects.openai_tools import TOOL_NAME, as_object, as_text, bad, ident
from proxy.dialects.walk import Walk

FILE = re.compile(r"(?:https://generativelanguage\.googleapis\.com/v1[a-z0-9]*/)?files/[A-Za-z0-9_-]{1,64}")
"""How the provider names a file that it holds."""


def kind_of(mime: Any) -> str:
    """What kind of content a media type is."""
    kind = mime.partition("/")[0].lower() if isinstance(mime, str) else ""
    return kind if kind in {"image", "audio", "video"} else "file"


def textual(mime: Any) -> bool:
    plain = mime.partition(";")[0].strip().lower() if isinstance(mime, str) else ""
    return plain.startswith("text/") or plain in TEXTUAL


class Request(Settings):
    """Reads one tree into ``walk``. Raises BadRequest with the pointer of the field that is wrong."""

    def __init__(self) -> None:
        super().__init__(Walk())
        self.first_user: str | None = None
        self.said: list[str] = []

    def generate(self, tree: dict[str, Any]) -> None:
        if member(tree, "contents") in (None, []):
            raise bad("/contents", "a list with at least one turn", code="missing_contents")
        fields(self.walk, "", "other", tree, self._generate())

    def count(self, tree: dict[str, Any]) -> None:
        inner = member(tree, "generateContentRequest")
        if member(tree if inner is None else as_object("/generateContentRequest", inner), "contents") in (None, []):
            raise bad("/contents", "a list with at least one turn", code="missing_contents")
        table = self._generate()
        table["generateContentRequest"] = lambda p, v: fields(self.walk, p, "other", v, self._generate())
        fields(self.walk, "", "other", tree, table)

    def embed(self, tree: dict[str, Any]) -> None:
        """One content, or a batch of requests with one each."""
        if (member(tree, "content") is None) == (member(tree, "requests") in (None, [])):
            raise bad("/content", "a content, or requests with one each", code="missing_contents")
        table = self._embed()
        table["requests"] = self._requests
        fields(self.walk, "", "other", tree, table)

    # -- tables -------------------------------------------------------------------------------------------------------

    def _generate(self) -> dict[str, Reader | None]:
        return {
            "model": _name,
            "contents": self._contents,
            "systemInstruction": self._system,
            "tools": self.tools,
            "toolConfig": self.tool_config,
            "safetySettings": self.safety,
            "generationConfig": self.generation,
            "cachedContent": self._cached,
            "continuationToken": self._continued,
            "labels": lambda p, v: self.walk.free(p, "other", as_object(p, v)),
            "serviceTier": self._words(frozenset({"standard", "flex", "priority", "unspecified"})),
            "store": flag,
        }

    def _embed(self) -> dict[str, Reader | None]:
        settings: dict[str, Reader | None] = {
            "taskType": self._words(TASKS),
            "title": self._words(frozenset()),
            "outputDimensionality": self._number,
            "autoTruncate": flag,
            "documentOcr": flag,
            "audioTrackExtraction": flag,
        }
        return settings | {
            "model": _name,
            "content": lambda p, v: self._content(p, "user", v),
            "embedContentConfig": lambda p, v: fields(self.walk, p, "other", v, settings),
        }

    def _requests(self, at: str, node: Any) -> None:
        for p, item in many(self.walk, at, node):
            if member(as_object(p, item), "content") is None:
                raise bad(p, "an object with a content", code="missing_contents")
            fields(self.walk, p, "other", item, self._embed())

    # -- contents -----------------------------------------------------------------------------------------------------

    def _system(self, at: str, node: Any) -> None:
        if isinstance(node, str):
            self.walk.text(at, "system", node)
        else:
            self._content(at, "system", node)

    def _contents(self, at: str, node: Any) -> None:
        runs = Runs()
        for p, content in many(self.walk, at, node):
            role = as_object(p, content).get("role") or "user"
            self._content(p, ORIGINS.get(as_text(f"{p}/role", role), "other"), content)
            runs.turn(content.get("parts") or [] if role == "model" else None)
            if role == "user" and self.first_user is None:
                self.first_user = _plain(content.get("parts"))
        self.said += runs.whole()

    def _content(self, at: str, origin: str, node: Any) -> None:
        def parts(p: str, v: Any) -> None:
            for below, part in many(self.walk, p, v):
                self._part(below, origin, part)

        fields(self.walk, at, origin, node, {"role": self._words(frozenset(ORIGINS)), "parts": parts})

    def _part(self, at: str, origin: str, node: Any) -> None:
        walk = self.walk
        known: dict[str, Reader | None] = {
            "text": lambda p, v: self._text(p, origin, v),
            "thought": flag,
            "thoughtSignature": lambda p, v: self._opaque(p, origin, v),
            "inlineData": lambda p, v: self._data(p, origin, v),
            "fileData": lambda p, v: self._file(p, origin, v),
            "functionCall": lambda p, v: self._call(p, origin, v),
            "functionResponse": self._result,
            "executableCode": lambda p, v: self._code(p, origin, v),
            "codeExecutionResult": lambda p, v: self._code(p, "tool:code_execution", v),
            "toolCall": lambda p, v: self._provider_call(p, origin, v),
            "toolResponse": lambda p, v: self._provider_call(p, "tool:provider", v),
            "videoMetadata": None,
            "mediaResolution": self._resolution,
            "partMetadata": None,
        }
        if any(camel(key) not in known for key in as_object(at, node)):
            walk.uninspected.add("content:unknown")
            walk.content.add("unknown")
        fields(walk, at, origin, node, known)

    def _text(self, at: str, origin: str, node: Any) -> None:
        """Results of tools are often JSON; it is walked inside, so that its escapes hide nothing."""
        if origin.startswith("tool:"):
            self.walk.nested(at, origin, as_text(at, node))
        else:
            self.walk.text(at, origin, as_text(at, node))

    def _opaque(self, at: str, origin: str, node: Any) -> None:
        """What the provider signed over its own text. Base64 of a text is no signature: it is walked."""
        if decoded_text(as_text(at, node)) is None:
            self.walk.signature(at, origin, node)
        else:
            self.walk.text(at, origin, node)

    def _resolution(self, at: str, node: Any) -> None:
        words = self._words(LEVELS)
        if isinstance(node, str):
            words(at, node)
        else:
            fields(self.walk, at, "other", node, {"level": words, "numTokens": self._number})

    def _data(self, at: str, origin: str, node: Any) -> None:
        mime = member(as_object(at, node), "mimeType")

        def data(p: str, v: Any) -> None:
            said = as_text(p, v)
            text = decoded_text(said) if textual(mime) else None
            if text is not None:
                self.walk.text(p, origin, text)
                return
            self._unread(mime)
            self.walk.blob(p, origin, said)

        known: dict[str, Reader | None] = {"mimeType": self._mime(origin), "data": data, "displayName": None}
        fields(self.walk, at, origin, node, known)

    def _unread(self, mime: Any) -> None:
        kind = kind_of(mime)
        self.walk.uninspected.add(f"content:{kind}")
        self.walk.content.add(kind)

    def _mime(self, origin: str) -> Reader:
        return self._words(MIME_TYPES, origin)

    def _file(self, at: str, origin: str, node: Any) -> None:
        """A file that the provider holds for its caller, or one that it fetches itself."""
        self._unread(member(as_object(at, node), "mimeType"))

        def uri(p: str, v: Any) -> None:
            if FILE.fullmatch(as_text(p, v)):
                self.walk.references.append(Reference("file", v))
            else:
                self.walk.reaches.add(provider_tools.remote("fetch", v))
            self.walk.text(p, origin, v)

        known: dict[str, Reader | None] = {"fileUri": uri, "mimeType": self._mime(origin), "displayName": None}
        fields(self.walk, at, origin, node, known)

    def _cached(self, at: str, node: Any) -> None:
        self.walk.references.append(Reference("cache", as_text(at, node)))
        self.walk.text(at, "other", node)

    def _continued(self, at: str, node: Any) -> None:
        """What the provider needs to go on with an answer that it made."""
        self.walk.references.append(Reference("continuation", continuation(as_text(at, node))))
        self._opaque(at, "other", node)

    # -- calls and results --------------------------------------------------------------------------------------------

    def _id(self, origin: str) -> Reader:
        return lambda p, v: ident(self.walk, p, origin, as_text(p, v))

    def _call(self, at: str, origin: str, node: Any) -> None:
        known: dict[str, Reader | None] = {
            "id": self._id(origin),
            "name": self._words(frozenset(), origin),
            "args": lambda p, v: self.walk.free(p, origin, as_object(p, v), inside=1),
            "partialArgs": None,
            "willContinue": flag,
        }
        fields(self.walk, at, origin, node, known)

    def _result(self, at: str, node: Any) -> None:
        name = as_object(at, node).get("name")
        origin = f"tool:{name}" if isinstance(name, str) and TOOL_NAME.fullmatch(name) else "tool:unknown"

        def parts(p: str, v: Any) -> None:
            for below, part in many(self.walk, p, v):
                self._part(below, origin, part)

        known: dict[str, Reader | None] = {
            "id": self._id(origin),
            "name": self._words(frozenset(), origin),
            "response": lambda p, v: self.walk.free(p, origin, as_object(p, v), inside=1),
            "parts": parts,
            "willContinue": flag,
            "scheduling": self._words(BEHAVIORS),
        }
        fields(self.walk, at, origin, node, known)

    def _code(self, at: str, origin: str, node: Any) -> None:
        known: dict[str, Reader | None] = {
            "id": self._id(origin),
            "language": self._words(LANGUAGES),
            "outcome": self._words(OUTCOMES),
            "code": lambda p, v: self.walk.text(p, origin, as_text(p, v)),
            "output": lambda p, v: self._text(p, origin, v),
        }
        fields(self.walk, at, origin, node, known)

    def _provider_call(self, at: str, origin: str, node: Any) -> None:
        def free(p: str, v: Any) -> None:
            self.walk.free(p, origin, v, inside=1)

        known = {"id": self._id(origin), "toolType": None, "args": free, "response": free}
        fields(self.walk, at, origin, node, known)


def _name(at: str, node: Any) -> None:
    as_text(at, node)


def _plain(parts: Any) -> str:
    items = parts if isinstance(parts, list) else [parts]
    return "".join(p["text"] for p in items if isinstance(p, dict) and isinstance(p.get("text"), str))
