"""Members of newer request types that name held state or carry sound: none crosses as plain text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.dialects.anthropic import AnthropicMessages
from proxy.dialects.base import Reference
from proxy.dialects.gemini import GeminiGenerate

MESSAGE = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hello"}]}
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAA"


@pytest.mark.parametrize("thread", [{"type": "continue", "previous_message_id": "msg_1"}, "msg_1"])
def test_a_thread_that_the_provider_holds_is_a_reference(thread: Any) -> None:
    parsed = AnthropicMessages().parse(json.dumps({**MESSAGE, "thread": thread}).encode())
    assert Reference("message", "msg_1") in parsed.references


def test_a_thread_that_begins_here_needs_nothing() -> None:
    parsed = AnthropicMessages().parse(json.dumps({**MESSAGE, "thread": {"type": "create"}}).encode())
    assert parsed.references == ()


@pytest.mark.parametrize("name", ["voiceSampleAudio", "voice_sample_audio", "consentAudio"])
@pytest.mark.parametrize("several", [False, True])
def test_a_voice_to_speak_with_is_uninspected(name: str, *, several: bool) -> None:
    voice = {"replicatedVoiceConfig": {"mimeType": "audio/wav", name: SOUND}}
    speech = {"voiceConfig": voice}
    if several:
        speech = {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [{"speaker": "A", "voiceConfig": voice}]}}
    body = {"contents": [{"parts": [{"text": "hello"}]}], "generationConfig": {"speechConfig": speech}}
    parsed = GeminiGenerate().parse(json.dumps(body).encode())
    assert "content:audio" in parsed.uninspected
    assert "audio" in parsed.content
