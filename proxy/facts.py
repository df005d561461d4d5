"""From what was parsed and inspected to value-free facts, and from facts to what an audit record holds.

Pure. Values are looked at to count distinct ones; none is kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from policies.types import Facts, LabelFacts, Zone
from proxy.dialects.base import Parsed, Segment
from proxy.ports import Inspected
from redaction.spans import resolve
from redaction.types import Sensitivity, TextResult


def thousandths(score: float) -> int:
    """A score 0.0 to 1.0 as an integer 0 to 1000, as records and rules use it."""
    return max(0, min(1000, round(score * 1000)))


def count_labels(rows: Iterable[tuple[Segment, TextResult]]) -> dict[str, LabelFacts]:
    """Places per label: how many, how many distinct values, the best score and a histogram in ten buckets.

    Overlapping findings are one place, which counts for each of its labels.
    """
    scores: dict[str, list[int]] = {}
    values: dict[str, set[str]] = {}
    for segment, result in rows:
        for group in resolve(result.findings):
            for label, best in group.scores:
                scores.setdefault(label, []).append(thousandths(best))
                values.setdefault(label, set()).add(segment.text[group.start : group.end])
    return {label: LabelFacts(len(s), len(values[label]), max(s), _histogram(s)) for label, s in sorted(scores.items())}


def _histogram(scores: Sequence[int]) -> tuple[int, ...]:
    buckets = [0] * 10
    for score in scores:
        buckets[min(9, score // 100)] += 1
    return tuple(buckets)


def build(parsed: Parsed, inspected: Inspected, app: str, tenant: str, route: str, date: dt.date) -> Facts:
    """The facts of one request. ``route`` is the configured model name that serves it."""
    reasons = {r.uninspected for r in inspected.results if r.uninspected is not None}
    uninspected = parsed.uninspected | reasons
    seen = inspected.classification
    return Facts(
        app=app,
        tenant=tenant,
        endpoint=parsed.dialect,
        model=route,
        date=date,
        sensitivity=Sensitivity.REGULATED if uninspected else seen.sensitivity,
        categories={name: thousandths(score) for name, score in sorted(seen.categories.items())},
        labels=count_labels(inspected.rows(parsed.segments)),
        uninspected=frozenset(uninspected),
        content=parsed.content,
        tools=parsed.tools,
        tags=seen.tags,
        size=len(parsed.body),
        stream=parsed.stream,
        inspection=inspected.inspection,
    )


def join(facts: Facts, other: Facts, at_most: Zone) -> Facts:
    """``facts`` of a request that also refers to or repeats content of ``other``, which may reach ``at_most``.

    Everything a rule can match grows, and nothing shrinks; who asks stays who asks.
    """
    categories = {k: max(facts.categories.get(k, 0), other.categories.get(k, 0))
                  for k in sorted({*facts.categories, *other.categories})}  # fmt: skip
    labels = {k: _both(facts.labels.get(k), other.labels.get(k)) for k in sorted({*facts.labels, *other.labels})}
    return replace(
        facts,
        sensitivity=max(facts.sensitivity, other.sensitivity),
        categories=categories,
        labels=labels,
        uninspected=facts.uninspected | other.uninspected,
        content=facts.content | other.content,
        tools=facts.tools | other.tools,
        languages=facts.languages | other.languages,
        tags=facts.tags | other.tags,
        inherited=min(facts.inherited, other.inherited, at_most),
        inspection=min(facts.inspection, other.inspection),
    )


def _both(a: LabelFacts | None, b: LabelFacts | None) -> LabelFacts:
    if a is None or b is None:
        return a or b or LabelFacts(0, 0, 0)
    histogram = tuple(x + y for x, y in zip(a.histogram, b.histogram, strict=True))
    return LabelFacts(a.n + b.n, max(a.distinct, b.distinct), max(a.max_score, b.max_score), histogram)


def summary(mapping: Mapping[str, LabelFacts]) -> str:
    """``EMAIL_ADDRESS×2, PERSON×3`` for people."""
    return ", ".join(f"{label}×{f.n}" for label, f in mapping.items()) or "nothing"
