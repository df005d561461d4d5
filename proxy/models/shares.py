"""Shares with 95 % intervals. What is drawn again is the text, since values of one text are missed together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SAMPLES = 400
"""Resamplings of an interval."""
_SEED = 7


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``count`` with the ends of the 95 % interval, each 0.0 to 1.0."""

    value: float
    low: float
    high: float
    count: int


def share(pairs: Sequence[tuple[int, int]]) -> Share | None:
    """Sum of the first over sum of the second; None where the latter is nothing. One pair per text.

    Where everything or nothing is hit, drawing texts again says nothing: the interval is the exact binomial one, of as
    many trials as there are texts.
    """
    counts = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    counts = counts[counts[:, 1] > 0]
    hits, total = counts.sum(axis=0)
    if not total:
        return None
    if hits in {0, total}:
        edge = 0.025 ** (1 / len(counts))
        low, high = (edge, 1.0) if hits else (0.0, 1 - edge)
    else:
        drawn = _drawn(counts)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return Share(round(hits / total, 4), round(float(low), 4), round(float(high), 4), int(total))


def shares(parts: Iterable[tuple[str, Sequence[tuple[int, int]]]]) -> dict[str, Share]:
    """``share`` of each part that has something to count."""
    return {name: found for name, pairs in parts if (found := share(pairs)) is not None}


def gap(groups: Mapping[str, Sequence[tuple[int, int]]]) -> Share | None:
    """Largest share of a group minus the smallest; None for fewer than two groups. ``count`` is that of groups.

    The largest of several noisy shares is too large and the smallest too small, so the interval leans upwards.
    """
    held = [np.array(pairs, dtype=np.float64) for pairs in groups.values() if sum(n for _, n in pairs)]
    if len(held) < 2:
        return None
    sums = [counts.sum(axis=0) for counts in held]
    values = [hits / total for hits, total in sums]
    drawn = np.stack([part[:, 0] / np.maximum(part[:, 1], 1) for part in map(_drawn, held)])
    low, high = np.quantile(drawn.max(axis=0) - drawn.min(axis=0), (0.025, 0.975))
    return Share(round(max(values) - min(values), 4), round(float(low), 4), round(float(high), 4), len(held))


def _drawn(counts: Any) -> Any:
    """Sums of resampled texts ``[SAMPLES, columns]``."""
    rng = np.random.default_rng(_SEED)
    times = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=SAMPLES)
    return times @ counts
