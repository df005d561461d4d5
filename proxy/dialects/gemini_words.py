"""The vocabulary of Gemini requests: names of plain settings, and the words of each enum that need no look."""

from __future__ import annotations

from collections.abc import Mapping

ORIGINS: Mapping[str, str] = {
    "user": "user", "model": "assistant", "system": "system", "function": "tool:unknown", "tool": "tool:unknown",
}  # fmt: skip
"""Role -> origin; without a role it is the user's turn."""
NUMBERS = (
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "seed", "presencePenalty", "frequencyPenalty",
    "logprobs",
)  # fmt: skip
FLAGS = ("responseLogprobs", "enableEnhancedCivicAnswers", "audioTimestamp", "enableAffectiveDialog")
LEVELS = frozenset(f"MEDIA_RESOLUTION_{level}" for level in ("LOW", "MEDIUM", "HIGH", "ULTRA_HIGH", "UNSPECIFIED"))
HARMS = frozenset(
    f"HARM_CATEGORY_{name}"
    for name in (
        "HATE_SPEECH",
        "DANGEROUS_CONTENT",
        "HARASSMENT",
        "SEXUALLY_EXPLICIT",
        "CIVIC_INTEGRITY",
        "UNSPECIFIED",
    )
)
THRESHOLDS = frozenset(
    {"BLOCK_NONE", "BLOCK_ONLY_HIGH", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_LOW_AND_ABOVE", "OFF", "SEVERITY", "PROBABILITY",
     "HARM_BLOCK_THRESHOLD_UNSPECIFIED", "HARM_BLOCK_METHOD_UNSPECIFIED"}
)  # fmt: skip
TASKS = frozenset(
    {"RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY", "CLASSIFICATION", "CLUSTERING",
     "QUESTION_ANSWERING", "FACT_VERIFICATION", "CODE_RETRIEVAL_QUERY", "TASK_TYPE_UNSPECIFIED"}
)  # fmt: skip
MIME_TYPES = frozenset(
    {"text/plain", "text/html", "text/css", "text/csv", "text/markdown", "text/xml", "text/rtf", "text/javascript",
     "text/x-python", "text/x.enum", "application/json", "application/xml", "application/pdf",
     "application/x-javascript", "application/x-python", "image/png", "image/jpeg", "image/webp", "image/heic",
     "image/heif", "image/gif", "audio/wav", "audio/mp3", "audio/mpeg", "audio/aiff", "audio/aac", "audio/ogg",
     "audio/flac", "audio/pcm", "video/mp4", "video/mpeg", "video/mov", "video/quicktime", "video/avi", "video/webm",
     "video/x-flv", "video/wmv", "video/3gpp"}
)  # fmt: skip
TEXTUAL = frozenset({"application/json", "application/xml", "application/x-javascript", "application/x-python"})
MODES = frozenset({"AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"})
BEHAVIORS = frozenset({"BLOCKING", "NON_BLOCKING", "UNSPECIFIED", "SILENT", "WHEN_IDLE", "INTERRUPT"})
LANGUAGES = frozenset({"PYTHON", "LANGUAGE_UNSPECIFIED"})
OUTCOMES = frozenset({"OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED", "OUTCOME_UNSPECIFIED"})
MODALITIES = frozenset({"TEXT", "IMAGE", "AUDIO", "MODALITY_UNSPECIFIED"})
THINKING = frozenset({"MINIMAL", "LOW", "MEDIUM", "HIGH", "THINKING_LEVEL_UNSPECIFIED"})
VOICES = frozenset(
    {"Zephyr", "Puck", "Charon", "Kore", "Fenrir", "Leda", "Orus", "Aoede", "Callirrhoe", "Autonoe", "Enceladus",
     "Iapetus", "Umbriel", "Algieba", "Despina", "Erinome", "Algenib", "Rasalgethi", "Laomedeia", "Achernar",
     "Alnilam", "Schedar", "Gacrux", "Pulcherrima", "Achird", "Zubenelgenubi", "Vindemiatrix", "Sadachbia",
     "Sadaltager", "Sulafat"}
)  # fmt: skip
PROVIDER = (
    "googleSearch", "googleSearchRetrieval", "codeExecution", "urlContext", "retrieval", "computerUse", "googleMaps",
    "enterpriseWebSearch", "parallelAiSearch", "exaAiSearch",
)  # fmt: skip
"""Tools that run at the provider: what they send on is not in this request."""
