"""Training texts: deterministic, complete, and not taken from where they may not be."""

from __future__ import annotations

import random

from proxy.models.texts import Sample, data_digest, expand, fill, may_train, templates
from redaction.types import CATEGORIES


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
