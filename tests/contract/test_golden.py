"""A change that loses recall or masks more than noise explains fails here; and the guard itself is guarded.

What counts and how wide the noise is: ``tests/support/golden.py``. After a change that is meant, ``make golden-floors``
writes new floors, and its diff shows what became better or worse.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import golden
import pytest
from golden import LEAST, MODES, Case, Counts, cases, counted, failures, floor, floors, found, tally

from proxy.models.measure import Judge
from redaction.detectors import student
from redaction.types import Finding

CASES = cases()


Found = list[Sequence[Finding]]


@pytest.fixture(scope="module")
def seen() -> Found:
    return found(Judge(Path(), MODES, {}), "fast", CASES)


@pytest.fixture(scope="module")
def fast(seen: Found) -> dict[str, Counts]:
    return tally("fast", CASES, seen)


@pytest.fixture(scope="module")
def full() -> dict[str, Counts]:
    return tally("full", CASES, found(Judge(Path(), MODES, {}), "full", CASES))


def noticed(seen: Found, judge: Judge, *kinds: str) -> str:
    """What the guard says of other detectors, on the texts of some kinds."""
    some = [(case, findings) for case, findings in zip(CASES, seen, strict=True) if case.kind in kinds]
    texts = [case for case, _ in some]
    before = counted(texts, [findings for _, findings in some])
    return " ".join(failures(counted(texts, found(judge, "fast", texts)), before))


@pytest.mark.parametrize("name", ["fast", "patterns", "secrets", "student"])
def test_nothing_is_lost_beyond_noise(fast: dict[str, Counts], name: str) -> None:
    assert not failures(fast[name], floors()[name])


@pytest.mark.parametrize("name", ["full", "encoder"])
def test_nothing_is_lost_beyond_noise_by_a_full_look(full: dict[str, Counts], name: str) -> None:
    assert not failures(full[name], floors()[name])


@pytest.mark.parametrize(("gone", "kind"), [("student", "court"), ("secrets", "secrets"), ("patterns", "identifiers")])
def test_a_detector_that_is_gone_is_noticed(seen: Found, gone: str, kind: str) -> None:
    left = Judge(Path(), {"fast": [d for d in MODES["fast"] if d != gone]}, {})
    assert f"found in {kind}" in noticed(seen, left, kind)


@pytest.mark.parametrize(
    ("threshold", "said", "kinds"), [(0.97, "found in", ("clinical",)), (0.02, "left alone in", ("benign", "posts"))]
)
def test_thresholds_that_are_moved_are_noticed(
    monkeypatch: pytest.MonkeyPatch, seen: Found, threshold: float, said: str, kinds: tuple[str, ...]
) -> None:
    monkeypatch.setattr(student, "THRESHOLDS", dict.fromkeys(student.LABELS, threshold))
    monkeypatch.setattr(student, "TORN", max(threshold, student.TORN))
    assert said in noticed(seen, Judge(Path(), MODES, {}), *kinds)


def test_a_golden_set_that_was_changed_needs_new_floors() -> None:
    nothing = counted(CASES[:40], [()] * 40)
    assert "golden set changed" in failures(nothing, floors()["patterns"])[0] and not failures(nothing, nothing)


def test_the_noise_is_that_of_the_binomial_distribution() -> None:
    assert floor(0, 50) == 0
    assert floor(50, 50) in {46, 47, 48} and floor(180, 200) in range(168, 173)
    least = [floor(n, 100) for n in range(101)]
    assert least == sorted(least) and all(least[n] <= n for n in range(101))
    small = {"x": (LEAST - 1, LEAST - 1)}
    assert not failures({"x": (0, LEAST - 1)}, small), "too few values say nothing"
    assert failures({"x": (0, LEAST)}, {"x": (LEAST, LEAST)})


def test_the_set_speaks_of_everything() -> None:
    by_kind = {kind: [c for c in CASES if c.kind == kind] for kind in {c.kind for c in CASES}}
    assert set(by_kind) >= {"court", "clinical", "posts", "identifiers", "secrets", "benign", "people", golden.WRONG}
    assert {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "mul"} <= {c.language for c in CASES}
    assert all(not c.spans for c in by_kind["benign"])
    assert all(0 <= s < e <= len(c.text) for c in CASES for s, e, _ in c.spans)
    assert sum(len(c.text) for c in CASES) < 300_000, "small enough for every run"


def test_every_excerpt_has_its_source_in_the_notice() -> None:
    notice = (golden.FOLDER / "NOTICE").read_text("utf-8")
    excerpts = (golden.FOLDER / "excerpts.jsonl").read_text("utf-8").splitlines()
    sources = {json.loads(line)["source"] for line in excerpts}
    assert sources and all(source in notice for source in sources)


def test_an_honorific_may_stay_and_every_letter_of_a_name_counts() -> None:
    case = Case("court", "en", "Mr Galip", [(0, 8, "PERSON")])
    got = [counted([case], [[Finding(3, end, "PERSON", 0.5, "d")]])["found of PERSON"] for end in (8, 7)]
    assert got == [[1, 1], [0, 1]]
