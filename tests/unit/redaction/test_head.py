"""The head's file form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from redaction.classifier import SENSITIVITY
from redaction.head import Head, load_head
from redaction.types import CATEGORIES


def test_a_head_survives_its_file_form(tmp_path: Path) -> None:
    head = Head(("general", "health"), np.array([[0.5, -1.25], [2.0, 0.0]]), np.array([0.1, -0.2]),
                {"general": 0.4, "health": 0.3}, {"seed": 1})  # fmt: skip
    path = tmp_path / "head.json"
    path.write_bytes(head.to_json())
    again = load_head(path)
    assert again.classes == head.classes and again.thresholds == head.thresholds and again.about == {"seed": 1}
    assert np.allclose(again.weights, head.weights) and np.allclose(again.bias, head.bias)
    assert again.digest == head.digest


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2, "classes": [{}]}', '{"format": 1, "classes": []}'])
def test_a_broken_head_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "head.json"
    path.write_text(content)
    with pytest.raises((ValueError, KeyError)):
        load_head(path)


def test_the_committed_head_knows_exactly_the_published_categories() -> None:
    head = load_head()
    assert set(head.classes) == CATEGORIES == set(SENSITIVITY)
    assert head.weights.shape == (len(CATEGORIES), 384)
    assert head.about["trained_on"] == "self-made templates"
