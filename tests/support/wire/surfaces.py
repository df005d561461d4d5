"""Every table of the matrix; ``docs/coverage.md`` is written from them: ``make coverage-doc``.

A surface names the vendor SDK's request type; its places are read from that type (``wire.shapes``), so a field that a
new release brings is a place without a row, and fails ``tests/contract/test_wire_matrix.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wire import (
    surfaces_anthropic,
    surfaces_gemini,
    surfaces_ollama,
    surfaces_openai,
    surfaces_other,
    surfaces_responses,
    surfaces_uploads,
)
from wire.tables import Surface

SURFACES: tuple[Surface, ...] = (
    *surfaces_openai.SURFACES,
    *surfaces_responses.SURFACES,
    *surfaces_uploads.SURFACES,
    *surfaces_anthropic.SURFACES,
    *surfaces_gemini.SURFACES,
    *surfaces_ollama.SURFACES,
    *surfaces_other.SURFACES,
)
UNTABLED: Mapping[tuple[str, str], str] = {}
"""Routes without a table, and why."""


def _end(route: str) -> str:
    """What an upstream's path ends in."""
    below = route.removeprefix("/v1beta").removeprefix("/v1").removeprefix("/api")
    return below.partition("}")[2] or below


_ANSWERS = {_end(s.route): s.upstream for s in SURFACES if not s.routes}


def answer(target: str, number: int) -> Any:
    """What the stand-in upstream says, by the end of the path; ids are those of the case."""
    path = target.partition("?")[0]
    at = max((end for end in _ANSWERS if path.endswith(end)), key=len, default="")
    said = _ANSWERS.get(at, {"ok": True})
    return {**said, "id": f"{said['id']}-{number}"} if isinstance(said, dict) and "id" in said else said
