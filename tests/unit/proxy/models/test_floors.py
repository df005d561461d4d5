"""Floors on data nobody here made: a change that lets more through, or masks more for nothing, fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.inspect_worker import FAST, chosen
from proxy.models.leaks import Detect, label_map, measure
from redaction.pipeline import Pipeline, propagate

SUITE = Path(__file__).parents[4].parent / "shared" / "reference" / "eval"
pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason="needs ../shared/reference/eval beside the checkout")


@pytest.fixture(scope="module")
def detect() -> Detect:
    """Patterns, secrets and the student: what needs no bundle."""
    pipeline = Pipeline(chosen(None, FAST), None)
    return lambda text: propagate([text], pipeline.inspect([text]))[0].findings


@pytest.mark.parametrize(
    ("name", "leak", "over_mask"),
    [
        ("presidio_synth_v2_dev", 0.16, 0.035),
        ("meddocan_dev", 0.13, 0.05),
        ("pl_pii_inflection", 0.12, 0.01),
        ("echr_es_dev", 0.20, 0.03),
        ("namebias_test", 0.10, 0.045),  # a dozen wordings: the word behind a name in one of them counts so much
    ],
)
def test_leak_and_over_masking_stay_within_what_was_measured(
    detect: Detect, name: str, leak: float, over_mask: float
) -> None:
    figures = measure(SUITE / f"{name}.jsonl.gz", detect, label_map(SUITE), lambda _d, _t: None, limit=150)
    assert figures.leak is not None
    assert figures.leak.value <= leak
    assert figures.over_mask.value <= over_mask


def test_harmless_prompts_are_mostly_left_alone(detect: Detect) -> None:
    figures = measure(SUITE / "benign_dev.jsonl.gz", detect, {}, lambda _d, _t: None, limit=250)
    assert figures.flagged.value <= 0.45
