"""What the detection is meant to reach, and whether measured figures reach it. Facts are plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]
"""What ``sealgate models evaluate`` measured: ``docs/detection.json``."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for one figure. ``at_least``: a recall; else a share that should be small."""

    task: str
    set: str
    figure: str
    bound: float
    at_least: bool = False
    twice: str = ""
    """The bound is twice the leak of this set instead."""
    key: str = ""
    """Of a figure by label."""


TARGETS: Sequence[Target] = (
    Target("leak, invented people in templates", "presidio_synth_v2_dev", "leak", 0.05),
    Target("… over-masked", "presidio_synth_v2_dev", "over_mask", 0.03),
    Target("leak, prompts written for this project, unseen", "people_b_prompts", "leak", 0.10),
    Target("direct identifiers, court cases", "tab_train", "direct", 0.95, at_least=True),
    Target("quasi identifiers, court cases", "tab_train", "quasi", 0.90, at_least=True),
    Target("leak, casual posts", "panorama_dev", "leak", 0.20),
    Target("leak, clinical notes (es)", "meddocan_dev", "leak", 0.10),
    Target("leak, court cases (es) ≤ 2 × English", "echr_es_dev", "leak", 0, twice="tab_train"),
    Target("leak, court cases (fr) ≤ 2 × English", "echr_fr_dev", "leak", 0, twice="tab_train"),
    Target("leak, documents (pl) ≤ 2 × English", "pl_pii_core", "leak", 0, twice="presidio_synth_v2_dev"),
    Target("leak, secrets", "secrets_rules_dev", "leak", 0.10),
    Target("… benign texts with a secret", "benign_dev", "flagged_by_label", 0.01, key="SECRET"),
    Target("leak, national and financial numbers", "ids_stdnum_dev", "leak", 0.02),
    Target("… of the right type, with exact ends", "ids_stdnum_dev", "typed", 0.95, at_least=True),
    Target("… wrong checksum, called a kind of number", "ids_stdnum_invalid", "invalid_typed", 0.0),
    Target("benign prompts with anything flagged", "benign_dev", "flagged", 0.10),
    Target("… names of public persons and characters aside", "benign_dev", "flagged_unless_public", 0.10),
    Target("… names of persons aside", "benign_dev", "flagged_unless_person", 0.10),
    Target("names of 15 groups: worst minus best", "namebias_test", "gap", 0.03),
    Target("sensitivity: macro-F1", "", "macro_f1", 0.90, at_least=True),
    Target("… regulated recall", "", "regulated_recall", 0.95, at_least=True),
    Target("… sensitive called public", "", "sensitive_as_public", 0.03),
    Target("… public over-classified", "", "public_as_sensitive", 0.08),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A target and what was measured: ``verdict`` is ``yes``, ``no``, ``yes, narrowly``, ``no, narrowly`` or ``-``."""

    target: Target
    bound: float
    share: Mapping[str, float] | None
    verdict: str


def outcomes(facts: Facts, mode: str) -> list[Outcome]:
    """Every target, in order. ``mode`` is ``full`` or ``fast``; sensitivity is measured with ``full`` alone."""
    rows = {row["name"]: row for row in facts.get(mode, ())}
    return [_outcome(target, rows, facts) for target in TARGETS if target.set or mode == "full"]


def _outcome(target: Target, rows: Mapping[str, Any], facts: Facts) -> Outcome:
    share, bound = _share(target, rows, facts), target.bound
    if target.twice:
        other = (rows.get(target.twice) or {}).get("leak")
        if other is None:
            return Outcome(target, bound, share, "-")
        bound = round(2 * other["value"], 4)
    if share is None:
        return Outcome(target, bound, None, "-")
    value, low, high = share["value"], share["low"], share["high"]
    met = value >= bound if target.at_least else value <= bound
    sure = (low >= bound or high < bound) if target.at_least else (high <= bound or low > bound)
    return Outcome(target, bound, share, ("yes" if met else "no") + ("" if sure else ", narrowly"))


def _share(target: Target, rows: Mapping[str, Any], facts: Facts) -> Mapping[str, float] | None:
    if not target.set:
        found = (facts.get("sensitivity") or {}).get("with_intervals", {}).get(target.figure)
    else:
        row = rows.get(target.set)
        if row is None:
            return None
        found = row.get(target.figure)
        if target.key:
            none = {"value": 0.0, "low": 0.0, "high": 1 - 0.025 ** (1 / max(1, row["texts"])), "count": row["texts"]}
            found = (found or {}).get(target.key, none)
    return found  # type: ignore[no-any-return]  # plain JSON
