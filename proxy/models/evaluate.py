"""Measures the payload classifier on a labelled suite whose sources it was not trained on.

Prints what was measured and on what; it decides nothing. Two figures per category: ``content`` is the
classifier alone, ``combined`` also counts what detectors found, by ``redaction.classifier.REGULATED_RULE``.
Intervals of 95 % come from drawing the texts anew, which says how much chance is in a figure of this suite and nothing
about how far other sources lie from it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proxy.models.shares import SAMPLES, Share, share
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

DRAWS = 500
_SEED = 20

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
    interval: Share | None = None
    """Of ``combined``."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the 95 % interval of ``DRAWS`` bootstrap samples of the texts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The four figures of the levels as they stand, findings included, of all texts or of one half."""

    texts: int
    macro_f1: Interval
    """Mean over the levels of the F1 of each."""
    regulated_recall: Interval
    sensitive_as_public: Interval
    public_as_sensitive: Interval


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares 0.0 to 1.0 over the suite."""

    rows: tuple[Row, ...]
    summaries: Mapping[str, Summary]
    """``all``, and ``A`` and ``B``: training texts may be written with A in view, never with B (``half``)."""
    regulated_recall_content: float
    """Of texts that are about health or credentials."""
    regulated_recall_all_content: float
    regulated_recall_all_combined: float
    sensitive_as_public: float
    """Confidential or regulated texts whose combined sensitivity is public."""
    public_as_sensitive: float
    """Public texts whose combined sensitivity is confidential or more."""
    with_intervals: Mapping[str, Share]
    """``macro_f1`` over the four levels, ``regulated_recall``, ``sensitive_as_public`` and ``public_as_sensitive``, all
    combined."""


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
        summaries=_summaries(judged),
        regulated_recall_content=_share(item[1] is Sensitivity.REGULATED for item in about),
        regulated_recall_all_content=_share(item[1] is Sensitivity.REGULATED for item in regulated),
        regulated_recall_all_combined=_share(item[2] is Sensitivity.REGULATED for item in regulated),
        sensitive_as_public=_share(item[2] is Sensitivity.PUBLIC for item in sensitive),
        public_as_sensitive=_share(item[2] >= Sensitivity.CONFIDENTIAL for item in public),
        with_intervals={
            name: found
            for name, found in (
                ("macro_f1", macro_f1([(_LEVELS[item[0].kind], item[2]) for item in judged])),
                ("regulated_recall", share([(int(item[2] is Sensitivity.REGULATED), 1) for item in regulated])),
                ("sensitive_as_public", share([(int(item[2] is Sensitivity.PUBLIC), 1) for item in sensitive])),
                ("public_as_sensitive", share([(int(item[2] >= Sensitivity.CONFIDENTIAL), 1) for item in public])),
            )
            if found is not None
        },
    )


def macro_f1(pairs: Sequence[tuple[Sensitivity, Sensitivity]]) -> Share | None:
    """Mean over the levels that occur of the F1 of each; ``pairs`` are what a text is and what it was called."""
    if not pairs:
        return None
    table = np.zeros((len(Sensitivity), len(Sensitivity)))
    np.add.at(table, tuple(np.array(pairs, dtype=int).T), 1)
    cells = table.ravel() / len(pairs)
    drawn = np.random.default_rng(7).multinomial(len(pairs), cells, size=SAMPLES)
    low, high = np.quantile([_mean_f1(one.reshape(table.shape)) for one in drawn], (0.025, 0.975))
    return Share(round(_mean_f1(table), 4), round(float(low), 4), round(float(high), 4), len(pairs))


def _mean_f1(table: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """``table``: rows are what texts are, columns what they were called."""
    right, sizes = np.diag(table), table.sum(axis=0) + table.sum(axis=1)
    return float(np.mean(2 * right[sizes > 0] / sizes[sizes > 0]))


def _row(kind: str, items: Judged) -> Row:
    expected = _LEVELS[kind]
    return Row(
        kind=kind,
        expected=expected,
        count=len(items),
        content=_share(item[1] is expected for item in items),
        combined=_share(item[2] is expected for item in items),
        got=dict(Counter(item[2].word for item in items)),
        interval=share([(int(item[2] is expected), 1) for item in items]),
    )


def _share(hits: Iterable[bool]) -> float:
    values = list(hits)
    return round(sum(values) / len(values), 3) if values else 0.0


def half(sample: Sample) -> str:
    """``A`` or ``B``, by family of sources where a kind has several, else by text, so that B has other families."""
    several = sample.kind in ("credentials", "legal", "medical_knowledge")
    decides = sample.source.split(":")[-1] if several else sample.text
    return "AB"[hashlib.sha256(decides.encode()).digest()[0] & 1]


def _summaries(judged: Judged) -> dict[str, Summary]:
    levels = np.array([(_LEVELS[sample.kind], got) for sample, _, got in judged], np.int64).reshape(-1, 2)
    halves = np.array([half(sample) for sample, _, _ in judged])
    parts = {"all": levels, "A": levels[halves == "A"], "B": levels[halves == "B"]}
    return {name: _summary(part) for name, part in parts.items() if len(part)}


def _summary(levels: Any) -> Summary:
    """``levels``: one row per text, the level it should have and the one it got."""
    rng = np.random.default_rng(_SEED)
    drawn = np.stack([_four(levels[rng.integers(0, len(levels), len(levels))]) for _ in range(DRAWS)])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    figures = [Interval(*(round(float(v), 4) for v in each)) for each in zip(_four(levels), low, high, strict=True)]
    return Summary(len(levels), *figures)


def _four(levels: Any) -> Any:
    truth, got = levels[:, 0], levels[:, 1]
    scores = [
        2 * ((truth == level) & (got == level)).sum() / ((truth == level).sum() + (got == level).sum())
        for level in {*truth.tolist()}
    ]
    return np.array(
        [
            np.mean(scores),
            _mean(got[truth == Sensitivity.REGULATED] == Sensitivity.REGULATED),
            _mean(got[truth >= Sensitivity.CONFIDENTIAL] == Sensitivity.PUBLIC),
            _mean(got[truth == Sensitivity.PUBLIC] >= Sensitivity.CONFIDENTIAL),
        ]
    )


def _mean(hits: Any) -> float:
    return float(hits.mean()) if len(hits) else 0.0
