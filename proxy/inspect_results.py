"""From the texts of a request to what is inspected of it, and from results back to its segments. Pure.

What workers are asked and what is made of their answers is the same in the pool and in a process of its own, so that
`sealgate scan`, `policy explain` and the tests say what the gate says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.types import Inspection
from proxy.attachments import DOCUMENT, gathered, read_document, sober, spread
from proxy.dialects.base import Segment
from proxy.ports import Inspected
from proxy.rows import joined, named
from redaction.documents import Document
from redaction.joins import Joint, merge
from redaction.pipeline import Pipeline, propagate
from redaction.propagation import Memo
from redaction.spans import OWN
from redaction.types import Classification, Sensitivity, TextResult


def borders_of(rows: Sequence[Joint]) -> list[Joint]:
    """Where values may run from one segment of a row into the next."""
    return [near for row in rows for near in row.borders()]


_NARROW = frozenset({"header", "opaque"})
"""Kinds of segments that models do not look at."""
OPAQUE = frozenset({"CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "US_SSN"})
"""Labels of formats that do not occur in random letters."""


def _certain(result: TextResult) -> TextResult:
    """What counts in an id or a signature: strict formats, secrets of known issuers and what an organisation looks for
    itself; everything else is chance."""
    kept = [
        f for f in result.findings
        if f.detector == OWN or (f.detector == "patterns" and f.label in OPAQUE)
        or (f.detector == "secrets" and f.score >= 0.9)
    ]  # fmt: skip
    return replace(result, findings=tuple(kept))


@dataclass(frozen=True, slots=True)
class Asked:
    """What everything looks at (``full``), and what only patterns do (``narrow``: joints, then ids and signatures)."""

    rows: Sequence[Joint]
    near: Sequence[Joint]
    full: list[str] = field(repr=False)
    narrow: list[str] = field(repr=False)


def asked_of(segments: Sequence[Segment]) -> Asked:
    """What there is to look at in the texts of a request."""
    rows = joined(segments)
    near = [*borders_of(rows), *named(segments)]
    full = [s.text for s in segments if s.kind not in _NARROW]
    return Asked(rows, near, full, [*(joint.text for joint in near), *(s.text for s in segments if s.kind in _NARROW)])


def combined(
    segments: Sequence[Segment],
    seen: Sequence[TextResult],
    rows: Sequence[Joint],
    near: Sequence[Joint],
    narrowly: Sequence[TextResult],
    memo: Memo | None = None,
) -> list[TextResult]:
    """What each segment says by itself, with its neighbours, and given the rest of the request. ``seen`` and
    ``narrowly`` are the results of :func:`asked_of`."""
    full, opaque = iter(seen), iter(narrowly[len(near) :])
    results = [sober(s, _certain(next(opaque)) if s.kind in _NARROW else next(full)) for s in segments]
    for joint, result in zip(near, narrowly, strict=False):
        merge(joint, result, results)
    return propagate([s.text for s in segments], results, rows, memo)


def together(
    segments: Sequence[Segment],
    documents: Mapping[int, Document],
    texts: Sequence[Segment],
    places: Sequence[int],
    found: Sequence[TextResult],
    digests: Mapping[str, str],
    inspection: Inspection,
) -> Inspected:
    """What was found in all texts, as results of the segments."""
    results, attachments = gathered(segments, documents, texts, places, found)
    return Inspected(results, classify_payload(texts, found), digests, attachments, inspection)


def inspect_here(
    pipeline: Pipeline, segments: Sequence[Segment], inspection: Inspection = Inspection.FULL
) -> Inspected:
    """As :meth:`WorkerPool.inspect`, in this process and without limits: for commands and tests."""
    documents = {
        place: read_document(s.text, s.media_type, s.name) for place, s in enumerate(segments) if s.kind == DOCUMENT
    }
    texts, places = spread(segments, documents)
    asked = asked_of(texts)
    narrowly = pipeline.inspect(asked.narrow, patterns_only=True)
    fast = inspection is Inspection.FAST
    found = combined(texts, pipeline.inspect(asked.full, fast=fast), asked.rows, asked.near, narrowly)
    return together(segments, documents, texts, places, found, pipeline.digests_of(fast=fast), inspection)


def classify_payload(segments: Sequence[Segment], results: Sequence[TextResult]) -> Classification:
    """The maximum over the segments that are prose or code; keys and numbers say nothing about a topic."""
    level = Sensitivity.PUBLIC
    categories: dict[str, float] = {}
    tags: set[str] = set()
    for segment, result in zip(segments, results, strict=True):
        if segment.kind != "text" or result.uninspected is not None:
            continue
        seen = result.classification
        level = max(level, seen.sensitivity)
        tags |= seen.tags
        for name, score in seen.categories.items():
            categories[name] = max(score, categories.get(name, 0.0))
    return Classification(level, categories, frozenset(tags))
