"""Finds what looks like an id of state that a provider holds, in texts of unknown APIs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.dialects.base import Reference, Segment

REFERENCE = re.compile(
    r"(?:file|asst|thread|vs|batch|resp|conv|run|msg|cntr|ftjob|upload|part|skill|prompt|pmpt|item|ig|ws|fs|ci|mcp|rs|fc"
    r"|msgbatch|cachedContents|tunedModels|files)[-_/][A-Za-z0-9]{8,64}"
)
"""Ids as providers make them for what they hold: a text that is nothing else names their state."""


def references(segments: Iterable[Segment]) -> tuple[Reference, ...]:
    """What of a provider's state the texts name."""
    return tuple(Reference("unknown", s.text) for s in segments if REFERENCE.fullmatch(s.text))
