"""Finds what names state that a provider holds, in texts and addresses of unknown APIs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from proxy.dialects.base import Reference, Segment

REFERENCE = re.compile(
    r"(?:file|asst|thread|vs|batch|resp|conv|run|msg|cntr|ftjob|upload|part|skill|prompt|pmpt|item|ig|ws|fs|ci|mcp|rs|fc"
    r"|msgbatch|chatcmpl|container|audio|video|eval|evalrun|step)[-_][A-Za-z0-9]{8,128}"
    r"|(?:https://[A-Za-z0-9.-]+/)?(?:[A-Za-z0-9._-]+/){0,6}"
    r"(?:files|cachedContents|tunedModels|fileSearchStores|corpora)/[A-Za-z0-9_-]{4,128}"
)
"""Ids as providers make them for what they hold: a text that is nothing else names their state."""
COLLECTION = re.compile(
    r"(?:.*/)?v[0-9][a-z0-9]{0,9}/(?:files|batches|uploads|vector_stores|assistants|threads|fine_tuning|containers"
    r"|conversations|evals|responses|organization|skills|videos|chat/completions|messages|cachedcontents|tunedmodels"
    r"|corpora|filesearchstores|interactions)(?:/.*)?",
    re.IGNORECASE | re.DOTALL,
)
"""Paths of what a provider holds. One key stands for all apps there, so a list of it shows what others left."""


def references(segments: Iterable[Segment]) -> tuple[Reference, ...]:
    """What of a provider's state the texts name."""
    return tuple(Reference("unknown", s.text) for s in segments if REFERENCE.fullmatch(s.text))


def of_address(method: str, segments: Sequence[Segment]) -> tuple[Reference, ...]:
    """What of a provider's state a path and query name. A POST makes something, or says by its id what it is about."""
    path = "/".join(s.text for s in segments if s.kind == "path")
    held = (Reference("unknown", path),) if method != "POST" and COLLECTION.fullmatch(path) else ()
    return (*held, *references(segments))
