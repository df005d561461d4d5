"""The file form of the classifier's weights, and that what ships is what the texts give."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from redaction import topics
from redaction.classifier import SENSITIVITY
from redaction.types import CATEGORIES


def small(folder: Path) -> topics.Topics:
    (folder / "vocab.txt").write_text("[UNK]\nfever\nriver\n")
    return topics.Topics(
        ("general", "health"),
        np.array([[0.0, 0.0], [-1.0, 2.0], [0.5, -0.25]], np.float32),
        np.array([[0.0, 0.0], [-0.5, 1.0], [0.25, 0.0]], np.float32),
        np.array([0.1, -0.2], np.float32),
        {"general": 0.4, "health": 0.3},
        {"seed": 1},
    )


def test_weights_survive_their_file_form(tmp_path: Path) -> None:
    made = small(tmp_path)
    topics.save(made, tmp_path)
    again = topics.load(tmp_path)
    assert again.classes == made.classes and again.thresholds == made.thresholds and again.about == {"seed": 1}
    assert np.allclose(again.share, made.share, atol=1e-4) and np.allclose(again.rate, made.rate, atol=1e-4)
    assert np.allclose(again.logits(np.array([1, 1, 2])), made.logits(np.array([1, 1, 2])), atol=1e-3)


@pytest.mark.parametrize("change", [{"format": 1}, {"classes": []}, {"classes": ["general"]}])
def test_weights_that_do_not_belong_together_are_refused(tmp_path: Path, change: dict[str, object]) -> None:
    topics.save(small(tmp_path), tmp_path)
    raw = json.loads((tmp_path / "topics.json").read_bytes())
    (tmp_path / "topics.json").write_text(json.dumps(raw | change))
    with pytest.raises(ValueError, match="topics"):
        topics.load(tmp_path)


def test_a_shorter_vocabulary_is_refused(tmp_path: Path) -> None:
    topics.save(small(tmp_path), tmp_path)
    (tmp_path / "vocab.txt").write_text("[UNK]\nfever\n")
    with pytest.raises(ValueError, match="does not belong"):
        topics.load(tmp_path)


def test_the_digest_covers_every_file(tmp_path: Path) -> None:
    seen = set()
    for name in ("", *topics.FILES):
        folder = tmp_path / (name or "same")
        folder.mkdir()
        for each in topics.FILES:
            shutil.copy(topics.DATA / each, folder / each)
        if name:
            with (folder / name).open("ab") as stream:
                stream.write(b" ")
        seen.add(topics.digest(folder))
    assert len(seen) == 1 + len(topics.FILES)


def test_the_committed_weights_know_exactly_the_published_categories() -> None:
    made = topics.load()
    assert set(made.classes) == CATEGORIES == set(SENSITIVITY)
    assert made.about["trained_on"] == "self-made texts"
    assert topics.vocabulary_size() == 30_522


def test_the_tokenizer_is_berts_uncased_one() -> None:
    encoded = topics.tokenizer().encode("Unaffable Zoë's café!", add_special_tokens=False)
    assert encoded.tokens == ["una", "##ffa", "##ble", "zoe", "'", "s", "cafe", "!"]


def test_a_score_of_one_half_is_about_an_even_chance() -> None:
    reliability = topics.load().about["reliability"]
    assert set(reliability) == CATEGORIES
    for name, facts in reliability.items():
        assert facts["error"] <= 0.06, name
