"""Tools and settings of Gemini requests, and the model's texts put together; see ``gemini_request``."""

from __future__ import annotations

from typing import Any

from proxy.dialects import provider_tools
from proxy.dialects.base import Reference
from proxy.dialects.gemini_fields import Reader, camel, fields, flag, many, member, number, schema
from proxy.dialects.gemini_words import (
    BEHAVIORS,
    FLAGS,
    HARMS,
    LEVELS,
    MIME_TYPES,
    MODALITIES,
    MODES,
    NUMBERS,
    PROVIDER,
    THINKING,
    THRESHOLDS,
    VOICES,
)
from proxy.dialects.openai_tools import TOOL_NAME, as_list, as_object, as_text
from proxy.dialects.walk import Walk


class Settings:
    """Reads tools and settings into a walk."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk

    def _number(self, at: str, node: Any) -> None:
        number(self.walk, at, node)

    def _words(self, allowed: frozenset[str], origin: str = "other") -> Reader:
        """A string; the words that need no look."""
        return lambda at, node: self.walk.enum(at, origin, as_text(at, node), allowed)

    # -- tools --------------------------------------------------------------------------------------------------------

    def tools(self, at: str, node: Any) -> None:
        known: dict[str, Reader | None] = {"functionDeclarations": self._declarations, "mcpServers": self._servers}
        for p, tool in many(self.walk, at, node):
            for key, value in as_object(p, tool).items():
                if camel(key) not in known and value is not None:
                    self.walk.reaches.add(provider_tools.tool(camel(key)))
            fields(self.walk, p, "system", tool, known | {"fileSearch": self._stores} | dict.fromkeys(PROVIDER))

    def _servers(self, at: str, node: Any) -> None:
        """Servers that the provider calls itself."""
        for p, server in many(self.walk, at, node):
            transport = member(as_object(p, server), "streamableHttpTransport")
            url = transport.get("url") if isinstance(transport, dict) else None
            self.walk.reaches.add(provider_tools.remote("mcp", url))
            fields(self.walk, p, "system", server, {"streamableHttpTransport": None})  # in one spelling only

    def _stores(self, at: str, node: Any) -> None:
        """What the provider searches holds what was put into it."""
        names = member(as_object(at, node), "fileSearchStoreNames")
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                self.walk.references.append(Reference("file_search_store", name))
        fields(self.walk, at, "system", node, {"fileSearchStoreNames": None})  # in one spelling only

    def _declarations(self, at: str, node: Any) -> None:
        walk = self.walk

        def named(p: str, v: Any) -> None:
            walk.tools.add(v if TOOL_NAME.fullmatch(as_text(p, v)) else "unknown")
            walk.text(p, "system", v)

        known: dict[str, Reader | None] = {
            "name": named,
            "description": self._words(frozenset(), "system"),
            "behavior": self._words(BEHAVIORS, "system"),
            "parameters": lambda p, v: schema(walk, p, "system", as_object(p, v)),
            "response": lambda p, v: schema(walk, p, "system", as_object(p, v)),
            "parametersJsonSchema": lambda p, v: walk.schema(p, "system", v),
            "responseJsonSchema": lambda p, v: walk.schema(p, "system", v),
        }
        for p, declaration in many(walk, at, node):
            fields(walk, p, "system", declaration, known)

    def tool_config(self, at: str, node: Any) -> None:
        calling: dict[str, Reader | None] = {
            "mode": self._words(MODES, "system"),
            "allowedFunctionNames": self._strings,
            "streamFunctionCallArguments": flag,
        }
        known: dict[str, Reader | None] = {
            "functionCallingConfig": lambda p, v: fields(self.walk, p, "system", v, calling),
            "retrievalConfig": None,
            "includeServerSideToolInvocations": flag,
        }
        fields(self.walk, at, "system", node, known)

    # -- settings -----------------------------------------------------------------------------------------------------

    def safety(self, at: str, node: Any) -> None:
        thresholds = self._words(THRESHOLDS)
        known: dict[str, Reader | None] = {
            "category": self._words(HARMS), "threshold": thresholds, "method": thresholds,
        }  # fmt: skip
        for p, setting in many(self.walk, at, node):
            fields(self.walk, p, "other", setting, known)

    def _strings(self, at: str, node: Any) -> None:
        for i, word in enumerate(as_list(at, node)):
            below = self.walk.at(at, str(i))
            self.walk.text(below, "other", as_text(below, word))

    def generation(self, at: str, node: Any) -> None:
        walk = self.walk
        known: dict[str, Reader | None] = dict.fromkeys(NUMBERS, self._number) | dict.fromkeys(FLAGS, flag)
        known |= {
            "stopSequences": self._strings,
            "responseMimeType": self._words(MIME_TYPES),
            "responseSchema": lambda p, v: schema(walk, p, "system", as_object(p, v)),
            "responseJsonSchema": lambda p, v: walk.schema(p, "system", v),
            "_responseJsonSchema": lambda p, v: walk.schema(p, "system", v),
            "responseModalities": self._modalities,
            "mediaResolution": self._words(LEVELS),
            "thinkingConfig": self._thinking,
            "speechConfig": self._speech,
            "imageConfig": None,
            "responseFormat": None,
            "routingConfig": None,
            "modelSelectionConfig": None,
        }
        fields(walk, at, "other", node, known)

    def _modalities(self, at: str, node: Any) -> None:
        for i, word in enumerate(as_list(at, node)):
            below = self.walk.at(at, str(i))
            self.walk.enum(below, "other", as_text(below, word), MODALITIES)
            if word in {"IMAGE", "AUDIO"}:
                self.walk.content.add(word.lower())

    def _speech(self, at: str, node: Any) -> None:
        def voice(p: str, v: Any) -> None:
            known: dict[str, Reader | None] = {"prebuiltVoiceConfig": prebuilt, "replicatedVoiceConfig": replicated}
            fields(self.walk, p, "other", v, known)

        def prebuilt(p: str, v: Any) -> None:
            fields(self.walk, p, "other", v, {"voiceName": self._words(VOICES)})

        def replicated(p: str, v: Any) -> None:
            """Somebody's voice, to speak with."""
            known: dict[str, Reader | None] = {"voiceSampleAudio": self._sound, "consentAudio": self._sound}
            fields(self.walk, p, "other", v, {"mimeType": self._words(MIME_TYPES)} | known)

        def several(p: str, v: Any) -> None:
            known: dict[str, Reader | None] = {"speakerVoiceConfigs": speakers}
            fields(self.walk, p, "other", v, known)

        def speakers(p: str, v: Any) -> None:
            for below, one in many(self.walk, p, v):
                fields(self.walk, below, "other", one, {"speaker": None, "voiceConfig": voice})

        known: dict[str, Reader | None] = {
            "voiceConfig": voice,
            "multiSpeakerVoiceConfig": several,
            "languageCode": None,
        }
        fields(self.walk, at, "other", node, known)

    def _sound(self, at: str, node: Any) -> None:
        self.walk.uninspected.add("content:audio")
        self.walk.content.add("audio")
        self.walk.blob(at, "other", as_text(at, node))

    def _thinking(self, at: str, node: Any) -> None:
        known: dict[str, Reader | None] = {
            "includeThoughts": flag, "thinkingBudget": self._number, "thinkingLevel": self._words(THINKING),
        }  # fmt: skip
        fields(self.walk, at, "other", node, known)


class Runs:
    """The model's texts put together: the official client keeps a streamed answer as one turn, or part, per chunk."""

    def __init__(self) -> None:
        self._runs: list[list[str]] = [[]]
        self._thought = False

    def turn(self, parts: Any) -> None:
        """The parts of a turn of the model; None for a turn of anybody else."""
        if parts is None:
            self._runs.append([])
        for part in parts if isinstance(parts, list) else [parts] * (parts is not None):
            text, thought = part.get("text"), part.get("thought") is True
            if text is None or thought != self._thought:
                self._runs.append([])
            if text:
                self._thought = thought
                self._runs[-1].append(text)

    def whole(self) -> list[str]:
        return ["".join(run) for run in self._runs if len(run) > 1]
