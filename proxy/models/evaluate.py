"""Measures the payload classifier on a labelled suite whose sources it was not trained on.

Prints what was measured and on what; it decides nothing. Two figures per category: ``content`` is the
classifier alone, ``combined`` also counts what detectors found, by ``redaction.classifier.REGULATED_RULE``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proxy.models.texts import Sample, suite
from redaction.classifier import payload_level
from redaction.types import Classification, Finding, Sensitivity

_LEVELS: Mapping[str, Sensitivity] = {
    "general": Sensitivity.PUBLIC, "math": Sensitivity.PUBLIC, "medical_knowledge": Sensitivity.PUBLIC,
    "support": Sensitivity.PUBLIC, "meeting": Sensitivity.INTERNAL, "legal": Sensitivity.CONFIDENTIAL,
    "source_code": Sensitivity.CONFIDENTIAL, "phi": Sensitivity.REGULATED, "pii": Sensitivity.REGULATED,
    "pci": Sensitivity.REGULATED, "credentials": Sensitivity.REGULATED,
}  # fmt: skip
_ABOUT_CONTENT = ("phi", "credentials")
"""Regulated kinds that are regulated for what they are about; ``pii`` and ``pci`` are for what they contain."""

Judge = Callable[[str], tuple[Classification, tuple[Finding, ...]]]
"""Text -> what it is about, and findings."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of the suite: texts, and shares 0.0 to 1.0 of them at the level they should have."""

    kind: str
    expected: Sensitivity
    count: int
    content: float
    combined: float
    got: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares 0.0 to 1.0 over the suite."""

    rows: tuple[Row, ...]
    regulated_recall_content: float
    """Of texts that are about health or credentials."""
    regulated_recall_all_content: float
    regulated_recall_all_combined: float
    sensitive_as_public: float
    """Confidential or regulated texts whose combined sensitivity is public."""
    public_as_sensitive: float
    """Public texts whose combined sensitivity is confidential or more."""


def evaluate(folder: Path, judge: Judge, tick: Callable[[int, int], None], limit: int | None = None) -> Figures:
    """Judges every ``limit``-th-part text of the suite in ``folder``. Raises ConfigError when it is missing."""
    samples = suite(folder)
    if limit is not None and limit < len(samples):
        samples = samples[:: -(-len(samples) // limit)]
    judged = []
    for index, sample in enumerate(samples):
        content, findings = judge(sample.text)
        judged.append((sample, content.sensitivity, payload_level(content, findings)))
        tick(index + 1, len(samples))
    return _figures(judged)


Judged = Sequence[tuple[Sample, Sensitivity, Sensitivity]]


def _figures(judged: Judged) -> Figures:
    kinds: dict[str, list[tuple[Sample, Sensitivity, Sensitivity]]] = defaultdict(list)
    for item in judged:
        kinds[item[0].kind].append(item)
    rows = tuple(_row(kind, kinds[kind]) for kind in _LEVELS if kind in kinds)
    regulated = [item for item in judged if _LEVELS[item[0].kind] is Sensitivity.REGULATED]
    about = [item for item in regulated if item[0].kind in _ABOUT_CONTENT]
    sensitive = [item for item in judged if _LEVELS[item[0].kind] >= Sensitivity.CONFIDENTIAL]
    public = [item for item in judged if _LEVELS[item[0].kind] is Sensitivity.PUBLIC]
    return Figures(
        rows=rows,
        regulated_recall_content=_share(item[1] is Sensitivity.REGULATED for item in about),
        regulated_recall_all_content=_share(item[1] is Sensitivity.REGULATED for item in regulated),
        regulated_recall_all_combined=_share(item[2] is Sensitivity.REGULATED for item in regulated),
        sensitive_as_public=_share(item[2] is Sensitivity.PUBLIC for item in sensitive),
        public_as_sensitive=_share(item[2] >= Sensitivity.CONFIDENTIAL for item in public),
    )


def _row(kind: str, items: Judged) -> Row:
    expected = _LEVELS[kind]
    return Row(
        kind=kind,
        expected=expected,
        count=len(items),
        content=_share(item[1] is expected for item in items),
        combined=_share(item[2] is expected for item in items),
        got=dict(Counter(item[2].word for item in items)),
    )


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return round(sum(values) / len(values), 3) if values else 0.0
