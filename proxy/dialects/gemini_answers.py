"""Gemini answers that are complete, the parts that streams share with them, and the error object.

Values go back into texts, function arguments and what is quoted of sources; never into links or rendered HTML. Offsets
of citations and log probabilities stay what the upstream wrote: they describe its own text. Nothing changes where
nothing was restored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.dialects import json_text
from proxy.dialects.base import JOINED, THOUGHT, RestorerFactory
from proxy.dialects.gemini_fields import continuation
from proxy.dialects.json_text import InvalidJson, Number
from proxy.dialects.openai_answers import TEXT, put, tool_place, whole
from proxy.errors import SealgateError

STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED", 413: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 502: "UNAVAILABLE",
    503: "UNAVAILABLE",
}  # fmt: skip
CODE = "code"
"""The place of a program that the model wrote."""
METADATA = ("citationMetadata", "groundingMetadata")
QUOTED = frozenset({"title", "text", "name"})
"""Members of metadata that are texts."""
QUERIES = frozenset({"webSearchQueries", "retrievalQueries", "imageSearchQueries"})


def error_body(error: SealgateError, request_id: str) -> bytes:
    """Google's error object (google.rpc.Status); our stable ``code`` and the request id are an ErrorInfo."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.code.upper(),
        "domain": "sealgate",
        "metadata": {"code": error.code, "requestId": request_id},
    }
    status = STATUSES.get(error.status, "INTERNAL")
    made = {"code": error.status, "message": error.message, "status": status, "details": [info]}
    return json_text.serialize({"error": made})


def usage(tree: Mapping[str, Any]) -> dict[str, int]:
    """``tokens_in`` and ``tokens_out`` (thoughts included), where the answer says them."""
    said = tree.get("usageMetadata")
    if not isinstance(said, dict):
        return {}
    sums = {"tokens_in": ("promptTokenCount",), "tokens_out": ("candidatesTokenCount", "thoughtsTokenCount")}
    found = {name: [_count(said[m]) for m in members if m in said] for name, members in sums.items()}
    return {name: sum(counts) for name, counts in found.items() if counts}


def _count(node: Any) -> int:
    return int(node.lexeme) if isinstance(node, Number) and node.lexeme.isdigit() and len(node.lexeme) < 16 else 0


def answer_tree(text: str) -> dict[str, Any]:
    """An answer or a chunk. Raises ValueError for anything else, error objects included."""
    try:
        tree = json_text.loads_answer(text)
    except InvalidJson:
        raise ValueError("the answer is not JSON") from None
    if not isinstance(tree, dict) or "error" in tree:
        raise ValueError("the answer is none of this API")
    return tree


def restore_answer(body: bytes, restorers: RestorerFactory) -> tuple[bytes, Mapping[str, int]]:
    """The answer with values restored and its usage. Raises ValueError for what is no answer."""
    try:
        text = json_text.decode(body)
    except InvalidJson:
        raise ValueError("the answer is not UTF-8") from None
    tree = answer_tree(text)
    changed = feedback(tree, restorers)
    for number, candidate in enumerate(as_dicts(tree.get("candidates"))):
        for part in parts_of(candidate):
            changed |= put(part, "text", restorers, said(number, part)) | restore_part(part, restorers)
        changed |= restore_around(candidate, restorers)
    return json_text.serialize(tree) if changed else body, usage(tree)


def as_dicts(node: Any) -> list[dict[str, Any]]:
    return [item for item in node if isinstance(item, dict)] if isinstance(node, list) else []


def parts_of(candidate: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = candidate.get("content")
    return as_dicts(content.get("parts")) if isinstance(content, dict) else []


def said(candidate: int, part: Mapping[str, Any]) -> str:
    """The place of a part's text."""
    return f"{JOINED}{candidate}{THOUGHT if part.get('thought') is True else ''}"


def feedback(tree: Mapping[str, Any], restorers: RestorerFactory) -> bool:
    """Why a prompt was blocked."""
    said = tree.get("promptFeedback")
    return put(said, "blockReasonMessage", restorers, TEXT) if isinstance(said, dict) else False


def restore_part(part: dict[str, Any], restorers: RestorerFactory) -> bool:
    """Everything of a part but its text; says whether it changed."""
    changed = False
    for member, texts in (("executableCode", "code"), ("codeExecutionResult", "output")):
        if isinstance(part.get(member), dict):
            changed |= put(part[member], texts, restorers, CODE if texts == "code" else TEXT)
    for member in ("functionCall", "toolCall"):
        call = part.get(member)
        if isinstance(call, dict):
            changed |= put(call, "name", restorers, TEXT)
            changed |= structure(call, "args", restorers, tool_place(call.get("name")))
    response = part.get("toolResponse")
    return changed | (isinstance(response, dict) and structure(response, "response", restorers, tool_place(None)))


def structure(holder: dict[str, Any], key: str, restorers: RestorerFactory, place: str) -> bool:
    """Restores every string of a JSON value in place; ``place`` is one whose values are JSON-escaped."""
    if not isinstance(holder.get(key), (dict, list)):
        return False
    text = json_text.serialize_text(holder[key])
    restored = whole(restorers(place), text)
    if restored == text:
        return False
    holder[key] = json_text.loads_answer(restored)
    return True


def restore_around(candidate: dict[str, Any], restorers: RestorerFactory) -> bool:
    """What stands beside the parts of a candidate."""
    changed = put(candidate, "finishMessage", restorers, TEXT)
    if isinstance(candidate.get("continuationToken"), str):
        restorers.created("continuation", continuation(candidate["continuationToken"]))
    for member in METADATA:
        changed |= _quoted(candidate.get(member), restorers)
    return changed


def _quoted(node: Any, restorers: RestorerFactory) -> bool:
    changed = False
    if isinstance(node, list):
        for item in node:
            changed |= _quoted(item, restorers)
        return changed
    if not isinstance(node, dict):
        return False
    for key, value in node.items():
        if key in QUOTED:
            changed |= put(node, key, restorers, TEXT)
        elif key in QUERIES and isinstance(value, list):
            queries = [whole(restorers(TEXT), q) if isinstance(q, str) else q for q in value]
            changed |= queries != value
            node[key] = queries
        else:
            changed |= _quoted(value, restorers)
    return changed
