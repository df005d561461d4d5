"""When one of many passages is believed: by hand-made scores, no model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from redaction.classifier import softmax
from redaction.outliers import MANY, enough

THRESHOLDS = np.array([0.3, 0.5])
"""Of ``general`` and of one sensitive class."""


def judged(evidence: Any) -> bool:
    """``evidence``: per passage how far, in logits, the sensitive class lies above ``general``."""
    logits = np.stack([np.zeros(len(evidence)), np.array(evidence, float)], 1)
    return bool(enough(logits, softmax(logits), THRESHOLDS, 0)[1])


def test_a_single_passage_needs_its_threshold_only() -> None:
    assert judged([0.1]) and not judged([-0.1])


def test_of_a_few_passages_one_has_to_be_the_surer_the_more_there_are() -> None:
    assert judged([1.0, -4.0]) and not judged([1.0] + [-4.0] * (MANY - 2))


def test_a_note_stands_out_of_a_calm_text_however_long_it_is() -> None:
    calm = np.random.default_rng(1).normal(-5.0, 0.8, 800)
    assert not judged(calm)
    assert judged([*calm, 1.5])


def test_the_same_score_in_a_text_that_is_vaguely_like_that_throughout_is_no_note() -> None:
    restless = np.random.default_rng(1).normal(-2.5, 1.4, 800).clip(max=1.4)
    assert not judged([*restless, 1.5])


def test_a_text_with_a_good_part_about_it_is_about_it() -> None:
    assert judged([0.5] * 40 + [-3.0] * 60)
    assert not judged([0.5] * 4 + [-0.5] * 60)


def test_a_passage_without_doubt_is_believed_in_any_background() -> None:
    restless = np.random.default_rng(2).normal(-1.0, 3.0, 200).clip(max=0.5)
    assert judged([*restless, 9.0])


@pytest.mark.parametrize("count", [1, 3, MANY - 1, MANY, 100])
def test_more_evidence_in_every_passage_never_lowers_the_judgement_of_the_whole(count: int) -> None:
    assert [judged([each] * count) for each in (-6.0, 6.0)] == [False, True]
