"""Leaks, over-masking and intervals are counted as the suite's own scorer counts them."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import ConfigError
from proxy.models.leaks import label_map, labelled_sets, measure
from redaction.types import Finding

SUITE = Path(__file__).parents[4].parent / "shared" / "reference" / "eval"
ROWS = [
    {"id": "1", "text": "Mr Ode Bull met Ann in Rome", "lang": "en", "group": "g", "spans": [
        {"start": 0, "end": 11, "label": "PERSON"}, {"start": 16, "end": 19, "label": "PERSON"},
        {"start": 23, "end": 27, "label": "LOCATION", "nomask": True}]},
    {"id": "2", "text": "nothing here", "lang": "de", "spans": []},
]  # fmt: skip


def suite(folder: Path, rows: Sequence[Any] = ROWS) -> Path:
    with gzip.open(folder / "tiny.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)))
    return folder


def tick(done: int, total: int) -> None:
    assert 0 < done <= total


def test_an_honorific_may_stay_and_a_letter_left_is_a_leak(tmp_path: Path) -> None:
    found = (Finding(3, 11, "PERSON", 0.9, "d"), Finding(16, 18, "PERSON", 0.9, "d"))
    figures = measure(suite(tmp_path) / "tiny.jsonl.gz", lambda text: found if text[0] == "M" else (), {}, tick)
    assert figures.leak is not None
    assert (figures.leak.value, figures.leak.count) == (0.5, 2)
    assert figures.flagged.value == 0.5
    assert set(figures.by_label) == {"PERSON"} and set(figures.by_group) == {"g"} and set(figures.by_language) == {"en"}


def test_over_masking_counts_only_labels_that_the_set_knows(tmp_path: Path) -> None:
    file = suite(tmp_path) / "tiny.jsonl.gz"
    known = measure(file, lambda _: (Finding(0, 7, "PERSON", 0.9, "d"),), {}, tick)
    other = measure(file, lambda _: (Finding(0, 7, "AGE", 0.9, "d"),), {}, tick)
    mapped = measure(file, lambda _: (Finding(0, 7, "AGE", 0.9, "d"),), {"AGE": "PERSON"}, tick)
    assert known.over_mask.value == mapped.over_mask.value > 0 == other.over_mask.value


def test_a_folder_without_labelled_sets_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no labelled sets"):
        labelled_sets(tmp_path)
    suite(tmp_path, [{"text": "no spans"}])
    with pytest.raises(ConfigError, match="no labelled sets"):
        labelled_sets(tmp_path)


def test_a_broken_set_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(ConfigError, match="not readable"):
        labelled_sets(tmp_path)


@pytest.mark.skipif(not SUITE.is_dir(), reason="needs ../shared/reference/eval beside the checkout")
def test_the_figures_are_those_of_the_suites_own_scorer() -> None:
    spec = importlib.util.spec_from_file_location("score", SUITE / "score.py")
    assert spec and spec.loader
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    file = SUITE / "panorama_dev.jsonl.gz"
    names = label_map(SUITE)

    def detect(text: str) -> tuple[Finding, ...]:
        return tuple(Finding(at, min(len(text), at + 5), "PERSON", 0.5, "d") for at in range(0, len(text), 9))

    gold = score.load(file)
    pred = [
        {"id": g["id"], "spans": [{"start": f.start, "end": f.end, "label": names[f.label]} for f in detect(g["text"])]}
        for g in gold
    ]
    theirs, ours = score.evaluate(gold, pred), measure(file, detect, names, tick)
    assert ours.leak is not None
    assert (ours.leak.value, ours.over_mask.value) == (round(theirs["leak"], 4), round(theirs["over_mask"], 4))
    assert {k: v.value for k, v in ours.by_label.items()} == {
        k: round(v["leak"], 4) for k, v in theirs["labels"].items() if v["n"]
    }
