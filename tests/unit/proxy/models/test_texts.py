"""Training texts: deterministic, complete, and not taken from where they may not be."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from proxy.models.texts import Sample, data_digest, expand, fill, may_train, suite, templates
from redaction.types import CATEGORIES

SUITE = Path(__file__).parents[5] / "shared" / "reference" / "eval"
RUN = 8
"""Words of a run that two texts may not share too often."""
LIKE = 0.25
"""Largest share of a line's runs in one suite text. Contracts share stock phrases, so it is not zero."""


def runs(text: str, size: int = RUN) -> set[tuple[str, ...]]:
    """Runs of words; of a shorter text the whole of it."""
    words = re.findall(r"\w+", re.sub("<<[a-z]+>>", " slot ", text).lower())
    return {tuple(words[at : at + size]) for at in range(max(len(words) - size, 0) + 1)}


def likeness(lines: list[str], texts: list[str]) -> dict[str, float]:
    """Line -> share of its runs that one of ``texts`` holds; of a line of less than eight words, whether one does."""
    mine = {line: runs(line) for line in lines}
    wanted = set().union(*mine.values())
    sizes = sorted({len(run) for run in wanted if len(run) > 3})
    held: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, text in enumerate(texts):
        for run in wanted & set().union(*(runs(text, size) for size in sizes)):
            held[run].add(number)
    shares = {}
    for line, own in mine.items():
        most = Counter(number for run in own for number in held.get(run, ())).most_common(1)
        shares[line] = most[0][1] / len(own) if most else 0.0
    return shares


@pytest.mark.skipif(not SUITE.is_dir(), reason="the evaluation sets do not lie beside the checkout")
def test_no_training_line_is_near_identical_to_a_text_of_the_suite() -> None:
    lines = [text for _, text in templates()]
    shares = likeness(lines, [sample.text for sample in suite(SUITE)])
    assert [line for line, share in shares.items() if share > LIKE] == []


def test_a_copied_or_slightly_changed_line_is_noticed() -> None:
    text = "Please answer: how many stars are there in the sky above a small town in the winter, and who counts them?"
    copied = "How many stars are there in the sky above a small town in the spring?"
    other = "How many birds sit on the roofs of a small town in the winter and wait for the spring?"
    short = "Who counts them all now?"
    found = likeness([copied, other, "and who counts them", short], [text])
    assert found[copied] > LIKE and found["and who counts them"] == 1.0
    assert found[other] == 0.0 and found[short] == 0.0


def test_the_same_seed_gives_the_same_texts() -> None:
    pairs = templates()
    assert data_digest(expand(pairs, 20)) == data_digest(expand(pairs, 20))
    assert data_digest(expand(pairs, 20)) != data_digest(expand(pairs, 21))


def test_the_committed_head_belongs_to_the_committed_texts() -> None:
    from redaction.topics import load

    about = load().about
    assert about["data_sha256"] == data_digest(expand(templates(), about["seed"]))


def test_every_category_has_texts() -> None:
    assert {category for category, _ in templates()} == CATEGORIES


def test_no_slot_stays_unfilled() -> None:
    assert not [sample.text for sample in expand(templates(), 3) if ">>" in sample.text and "<<" in sample.text]


def test_neutral_filling_holds_no_values() -> None:
    text = fill("<<name>> <<iban>> <<key>>", random.Random(1), neutral=True)
    assert text == "Alex a number a value"


def test_sources_without_a_licence_for_weights_are_for_evaluation_only() -> None:
    assert may_train(Sample("t", "health", "abachaa/MTS-Dialog:x.csv", "phi"))
    assert not may_train(Sample("t", "general", "tatsu-lab/alpaca_eval:x.json", "general"))
    assert not may_train(Sample("t", "", "abachaa/MTS-Dialog:x.csv", "pii"))
