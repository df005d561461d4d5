"""Entities, types and gaps as the suite's own scorer counts them; several processes give what one gives."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from model_support import ROOT

from proxy.errors import ConfigError
from proxy.models import measure
from proxy.models.labelled import Names, label_map, texts
from proxy.models.leaks import SetFigures, count, figures, labels_of
from proxy.models.shares import gap, share
from redaction.spans import resolve
from redaction.types import Finding

SUITE = Path(__file__).parents[4].parent / "shared" / "reference" / "eval"
needs_suite = pytest.mark.skipif(not SUITE.is_dir(), reason="needs ../shared/reference/eval beside the checkout")
FORMAL = {"formal": ("patterns", "secrets")}


def made(rows: Sequence[Any], found: Sequence[Finding], table: dict[str, str] | None = None) -> SetFigures:
    known = labels_of(rows)
    return figures("made", [count(row, found, Names(table or {}), known) for row in rows])


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SUITE / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some(text: str, row: Any) -> tuple[Finding, ...]:
    """Two of three spans, some of them short of a letter, and something beside them."""
    out = [Finding(0, min(9, len(text)), "LOCATION", 0.5, "d")]
    for number, span in enumerate(row["spans"]):
        label = "PERSON" if number % 5 == 0 else next((k for k, v in MAP.items() if v == span["label"]), "PERSON")
        if number % 3:
            out.append(Finding(span["start"], span["end"] - (number % 7 == 0), label, 0.5, "d"))
    return tuple(out)


MAP = dict(label_map(SUITE)) if SUITE.is_dir() else {}


@needs_suite
@pytest.mark.parametrize("name", ["tab_train", "panorama_dev", "ids_stdnum_dev", "pl_pii_core"])
def test_entities_and_types_are_those_of_the_suites_own_scorer(name: str) -> None:
    score, rows = scorer(), texts(SUITE / f"{name}.jsonl.gz", 60)
    known, names = labels_of(rows), Names(MAP)
    found = [some(row["text"], row) for row in rows]
    pred = [
        {"id": row["id"], "spans": [{"start": g.start, "end": g.end, "label": MAP[g.label]} for g in resolve(f)]}
        for row, f in zip(rows, found, strict=True)
    ]
    ours = figures(name, [count(row, f, names, known) for row, f in zip(rows, found, strict=True)])
    theirs = score.evaluate(rows, pred, tab=True)
    assert ours.typed is not None and ours.typed_f1 is not None and ours.leak is not None
    assert (ours.typed.value, ours.typed_f1.value) == (
        round(theirs["strict"]["r"], 4),
        round(theirs["strict"]["f1"], 4),
    )
    assert ours.leak.value == round(theirs["leak"], 4) and 0 < ours.leak.value < 1
    if ours.quasi is not None:
        tab = theirs["tab"]
        assert (ours.quasi.value, ours.quasi.count) == (round(tab["entity_recall_quasi"], 4), tab["n_quasi"])
    if ours.direct is not None:
        tab = theirs["tab"]
        assert (ours.direct.value, ours.direct.count) == (round(tab["entity_recall_direct"], 4), tab["n_direct"])
    assert name != "tab_train" or (ours.direct is not None and ours.quasi is not None)


def test_an_entity_counts_when_every_mention_is_masked_and_small_words_may_stay() -> None:
    text = "Mr Galip Yalman of the A. Firm met Yalman"
    row = {"text": text, "spans": [
        {"start": 0, "end": 15, "label": "PERSON", "ent": "e1"},
        {"start": 35, "end": 41, "label": "PERSON", "ent": "e1"},
        {"start": 16, "end": 30, "label": "ORG", "ent": "e2", "quasi": True}]}  # fmt: skip
    firm = made([row], [Finding(23, 30, "ORG", 0.5, "d"), Finding(3, 15, "PERSON", 0.5, "d")])
    assert firm.quasi is not None and firm.quasi.value == 1.0, "`of the` may stay"
    assert firm.direct is not None and firm.direct.value == 0.0, "the second mention is left"
    initial = made([row], [Finding(26, 30, "ORG", 0.5, "d")])
    assert initial.quasi is not None and initial.quasi.value == 0.0, "`A.` is an initial"
    whole = made([row], [Finding(3, 15, "PERSON", 0.5, "d"), Finding(35, 41, "PERSON", 0.5, "d")])
    assert whole.direct is not None and whole.direct.value == 1.0


def test_a_number_with_a_wrong_checksum_must_not_be_called_a_kind_of_number() -> None:
    row = {"text": "UTR: 2955839661", "spans": [], "invalid": "2955839661"}
    named = made([row], [Finding(5, 15, "UK_UTR", 0.5, "d")], {"PERSON": "PERSON"})
    plain = made([row], [Finding(5, 15, "REFERENCE_NUMBER", 0.5, "d")], {"REFERENCE_NUMBER": "OTHER_ID"})
    beside = made([row], [Finding(0, 3, "UK_UTR", 0.5, "d")], {"PERSON": "PERSON"})
    assert [f.invalid_typed.value if f.invalid_typed else None for f in (named, plain, beside)] == [1.0, 0.0, 0.0]


def test_labels_that_the_map_leaves_out_follow_the_suites_rule() -> None:
    names = Names({"ORGANIZATION": "ORG", "AGE": "AGE"})
    said = [names.of(n) for n in ("ORGANIZATION", "AGE", "UK_PASSPORT", "X_DRIVER_LICENSE", "UK_NHS", "FLEET_CODE")]
    assert said == ["ORG", "AGE", "PASSPORT", "DRIVER_LICENSE", "NATIONAL_ID", "OTHER_ID"]


def test_texts_without_spans_are_flagged_by_label_and_topic() -> None:
    rows = [{"text": "a b", "spans": [], "category": topic} for topic in ("math", "math", "general")]
    known = labels_of(rows)
    found: list[list[Finding]] = [[Finding(0, 1, "PERSON", 0.5, "d")], [], [Finding(0, 1, "AGE", 0.5, "d")]]
    got = figures("x", [count(r, f, Names({}), known) for r, f in zip(rows, found, strict=True)])
    assert got.leak is None and got.flagged_unless_person is not None
    assert round(got.flagged.value, 2) == 0.67 and round(got.flagged_unless_person.value, 2) == 0.33
    assert {k: v.value for k, v in got.by_group.items()} == {"math": 0.5, "general": 1.0}


def test_intervals_are_exact_where_nothing_is_hit_and_widen_with_few_texts() -> None:
    none, few, many = share([(0, 2)] * 50), share([(1, 4), (0, 4)] * 5), share([(1, 4), (0, 4)] * 200)
    assert none is not None and few is not None and many is not None
    assert (none.value, none.low, none.high) == (0.0, 0.0, round(1 - 0.025 ** (1 / 50), 4))
    assert few.high - few.low > 3 * (many.high - many.low) > 0
    assert share([(0, 0)]) is None
    wide = gap({"a": [(1, 4), (3, 4)], "b": [(0, 4), (0, 4)]})
    assert wide is not None and wide.value == 0.5 and wide.low <= 0.5 <= wide.high and gap({"a": [(1, 2)]}) is None


def test_several_processes_count_what_one_counts(tmp_path: Path) -> None:
    rows = [
        {"id": str(i), "text": f"Write to ann{i}@example.org or {'x ' * 400}", "lang": "en",
         "spans": [{"start": 9, "end": 9 + len(f"ann{i}@example.org"), "label": "EMAIL"}]}
        for i in range(60)
    ]  # fmt: skip
    with gzip.open(tmp_path / "tiny.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)))
    seen: list[int] = []
    one = measure.run(tmp_path, tmp_path, lambda done, _: seen.append(done), modes=FORMAL)
    two = measure.run(tmp_path, tmp_path, lambda *_: None, modes=FORMAL, jobs=2)
    assert len(seen) > 1 and seen == sorted(seen)
    (first,), (second,) = one["formal"], two["formal"]
    assert first.leak is not None and first.leak.value == 0.0 and first.texts == 60
    assert first.ms_per_kb > 0 < second.ms_per_kb
    assert {**_plain(first), "ms_per_kb": 0} == {**_plain(second), "ms_per_kb": 0}


def _plain(row: SetFigures) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SetFigures.__slots__}


@needs_suite
def test_what_the_student_was_trained_on_is_not_measured() -> None:
    from zlib import crc32

    held = texts(SUITE / "tab_train.jsonl.gz")
    assert 10 < len(held) < 30 and all(crc32(row["id"].encode()) % 5 == 0 for row in held)


def test_no_sets_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no labelled sets"):
        measure.run(ROOT / "var" / "models", tmp_path, lambda *_: None, modes=FORMAL)
