"""POST /v1/audio/speech: text in, audio out. Nothing here decides, sends or logs.

A stand-in in the text is read aloud as it stands: nobody can put a value back into sound. Where that must not happen,
policy keeps the value, or keeps the endpoint ``openai.speech`` on premise.
"""

from __future__ import annotations

from typing import Any

from proxy.dialects.fields import Fields
from proxy.dialects.openai_plain import OpenAIPlain
from proxy.dialects.openai_tools import as_text, bad

WORDS = {
    "response_format": frozenset({"mp3", "opus", "aac", "flac", "wav", "pcm"}),
    "stream_format": frozenset({"sse", "audio"}),
}
VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar", "fable", "onyx", "nova"}
)


class OpenAISpeech(OpenAIPlain):
    """The dialect of /v1/audio/speech."""

    name = "openai.speech"
    opaque = True
    ends = frozenset({"speech.audio.done"})

    def _streams(self, tree: dict[str, Any]) -> bool:
        return tree.get("stream_format") == "sse"

    def _read(self, fields: Fields, tree: dict[str, Any]) -> str:
        spoken = tree.get("input")
        if spoken is None:
            raise bad("/input", "a string", code="missing_input")
        table = fields.table(("speed",), (), WORDS)
        table |= {
            "input": fields.text("user"),
            "instructions": fields.text("user"),
            "voice": lambda at, node: _voice(fields, at, node),
        }
        fields.walk.fields("", "other", tree, table)
        return as_text("/input", spoken)


def _voice(fields: Fields, at: str, node: Any) -> None:
    if isinstance(node, str):
        fields.walk.enum(at, "other", node, VOICES)
    elif isinstance(node, dict):
        fields.walk.fields(at, "other", node, {"id": None})
    else:
        raise bad(at, "the name of a voice or an object with its id")
