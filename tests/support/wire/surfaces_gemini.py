"""Tables of Gemini's generateContent, countTokens and embedContent, in both versions of the API.

The client writes a request out of more than one type; ``Generate`` puts the official SDK's types together as they stand
on the wire.
"""

from __future__ import annotations

from typing import Required

from google.genai import types
from typing_extensions import TypedDict
from wire.shapes import TEXT, Place
from wire.tables import ELSEWHERE, FIRST, HOUSE, IDS, REPLACED, REST, SCHEMA, Row, Surface, rows


class Generate(TypedDict, total=False):
    contents: Required[list[types.Content]]
    systemInstruction: types.Content
    tools: list[types.Tool]
    toolConfig: types.ToolConfig
    safetySettings: list[types.SafetySetting]
    generationConfig: types.GenerationConfig
    cachedContent: str
    labels: dict[str, str]
    continuationToken: str
    serviceTier: str


class Embed(TypedDict, total=False):
    content: Required[types.Content]
    title: str
    taskType: str


class EmbedBatch(TypedDict, total=False):
    requests: Required[list[Embed]]


class Count(TypedDict, total=False):
    contents: list[types.Content]
    generateContentRequest: Generate


SCHEMAS = ("additionalProperties.~", "defs.(key)", "ref", "default.~", "description", "enum[]", "example.~", "format",
           "pattern", "properties.(key)", "propertyOrdering[]", "required[]", "title")  # fmt: skip


def parts(*said: str) -> list[dict[str, object]]:
    return [{"role": "user", "parts": [{"text": s} for s in said]}]


SAID = parts("x")
SPLITS = {
    "over parts": {"contents": parts(f"Note {FIRST}", f"{REST} please")},
    "over messages": {"contents": parts(f"Note {FIRST}") + parts(f"{REST} please")},
    "over a list": {"contents": SAID, "generationConfig": {"stopSequences": [FIRST, REST]}},
}
PROVIDED = ("retrieval", "computerUse", "fileSearch", "googleSearch", "googleMaps", "enterpriseWebSearch",
            "parallelAiSearch", "exaAiSearch", "mcpServers")  # fmt: skip
ROWS = (
    *rows(HOUSE, "fileData.**", note="files that the provider holds or fetches"),
    *rows(HOUSE, "inlineData.data (bytes)", "voiceSampleAudio (bytes)", "consentAudio (bytes)",
          note="data that is no text"),
    *rows(HOUSE, "spreadsheetMetadata.**", "audioMetadata.**", "audioTranscription.**", "speechMetadata.**",
          note="members of a part that no table knows yet"),
    *rows(HOUSE, "cachedContent", "continuationToken", note=ELSEWHERE),
    *rows(HOUSE, *(f"tools[].{kind}.**" for kind in PROVIDED), note="tools that the provider runs"),
    *rows(REPLACED, "parts[].text", "inlineData.data (text)", note="text in base64 is decoded and encoded again"),
    *rows(REPLACED, "role", "inlineData.displayName", "inlineData.mimeType", "videoMetadata.startOffset",
          "videoMetadata.endOffset", "partMetadata.~"),
    Row("thoughtSignature (bytes)", REPLACED, "a signature of the provider is kept"),
    *rows(REPLACED, "functionCall.name", "functionCall.args.~", "partialArgs[].jsonPath", "partialArgs[].stringValue",
          "functionResponse.name", "functionResponse.response.~", "toolCall.args.~", "toolResponse.response.~",
          "executableCode.code", "codeExecutionResult.output"),
    *rows(REPLACED, "functionCall.id", "functionResponse.id", "toolCall.id", "toolResponse.id", "executableCode.id",
          "codeExecutionResult.id", note=IDS),
    *rows(REPLACED, "functionDeclarations[].name", "functionDeclarations[].description", "allowedFunctionNames[]"),
    *rows(REPLACED, *(f"{at}.{name}" for at in ("parameters", "response", "responseSchema") for name in SCHEMAS),
          "parametersJsonSchema.~", "responseJsonSchema.~", "text.schema.~", note=SCHEMA),
    *rows(REPLACED, "retrievalConfig.languageCode", "stopSequences[]", "responseMimeType", "manualMode.modelName",
          "labels.~", "serviceTier", "title", "taskType"),
    *rows(REPLACED, "replicatedVoiceConfig.mimeType", "voiceConsentSignature.signature", "voiceName",
          "voiceConfig.voice", "speechConfig.languageCode", "speaker", note="voices"),
    *rows(REPLACED, "audio.mimeType", "image.mimeType", "text.mimeType", "video.duration", "video.gcsUri",
          "video.resolution", "targetLanguageCode", "languageCodes[]", "customVocabulary[]", "adaptationPhrases[]",
          "sourceText", note="forms of answers"),
)  # fmt: skip
BACK = (
    ("`candidates[].content.parts[]`: text, code, arguments of calls", "restored"),
    ("quotes and queries of citations and grounding; links and rendered entries", "restored; as they came"),
    ("log-probabilities, offsets, `thoughtSignature`, `usageMetadata`", "as they came"),
)
NUMBERS = (("counts and vectors", "as they came: of what was sent"),)
EXTRA = (
    Place("inlineData.data (text)",
          {"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": TEXT}}]}]},
          base64=True),
)  # fmt: skip
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}]}
STREAM = (
    b'data: {"candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}]}\n\n'
)


def _generate(version: str, verb: str, like: str = "") -> Surface:
    stream = verb.startswith("stream")
    return Surface(
        name=f"Gemini {verb}" + ("" if version == "v1beta" else f" ({version})"),
        route=f"/{version}/models/{{model}}:{verb}",
        query="?alt=sse" if stream else "",
        sdk="google-genai `GenerateContentConfig`, `Content`",
        request=Generate,
        like=like,
        plain="contents[].parts[].text",
        base={"contents": SAID},
        named=False,
        extra=EXTRA,
        splits=SPLITS,
        rows=ROWS,
        upstream=STREAM if stream else ANSWER,
        back=BACK,
    )


def _count(version: str, like: str = "") -> Surface:
    return Surface(
        name="Gemini countTokens" + ("" if version == "v1beta" else f" ({version})"),
        route=f"/{version}/models/{{model}}:countTokens",
        sdk="google-genai `Content`, and a whole request",
        request=Count,
        like="Gemini generateContent",
        plain="contents[].parts[].text",
        base={"contents": SAID},
        named=False,
        splits={k: v for k, v in SPLITS.items() if k != "over a list"},
        rows=ROWS,
        upstream={"totalTokens": 3},
        back=NUMBERS,
    )


def _embed(version: str, verb: str, like: str = "") -> Surface:
    batch = verb.startswith("batch")
    return Surface(
        name=f"Gemini {verb}" + ("" if version == "v1beta" else f" ({version})"),
        route=f"/{version}/models/{{model}}:{verb}",
        sdk="google-genai `EmbedContentConfig`, `Content`",
        request=EmbedBatch if batch else Embed,
        like="Gemini generateContent",
        plain="requests[].content.parts[].text" if batch else "content.parts[].text",
        base={"requests": [{"content": SAID[0]}]} if batch else {"content": SAID[0]},
        named=False,
        rows=ROWS,
        upstream={"embeddings": [{"values": [0.1]}]} if batch else {"embedding": {"values": [0.1]}},
        back=NUMBERS,
    )


GENERATE = _generate("v1beta", "generateContent")
SURFACES = (
    GENERATE,
    _generate("v1beta", "streamGenerateContent", GENERATE.name),
    _count("v1beta"),
    _embed("v1beta", "embedContent"),
    _embed("v1beta", "batchEmbedContents"),
    _generate("v1", "generateContent", GENERATE.name),
    _generate("v1", "streamGenerateContent", GENERATE.name),
    _count("v1"),
    _embed("v1", "embedContent"),
    _embed("v1", "batchEmbedContents"),
)
