"""The page about detection says what the figures say, and what is missed stands there plainly."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from model_support import ROOT

from proxy.commands.models import models
from proxy.models.document import render
from proxy.models.labelled import Names
from proxy.models.leaks import count, figures, labels_of
from proxy.models.targets import TARGETS, outcomes
from redaction.types import Finding


def facts(leaks: int, of: int = 400) -> dict[str, Any]:
    """One set with so many leaks, and a benign one."""
    rows = [{"text": "Ann went", "lang": "en", "spans": [{"start": 0, "end": 3, "label": "PERSON"}]}] * of
    found = [[] if i < leaks else [Finding(0, 3, "PERSON", 0.9, "d")] for i in range(of)]
    known = labels_of(rows)
    synth = figures("presidio_synth_v2_dev", [count(r, f, Names({}), known) for r, f in zip(rows, found, strict=True)])
    benign = figures("benign_dev", [count({"text": "What?", "spans": []}, [], Names({}), None)] * of)
    return {
        "date": "2026-01-02", "version": "9", "python": "3", "jobs": 1, "limit": None, "digests": {"full": {"d": "ab"}},
        "full": [asdict(synth), asdict(benign)], "sensitivity": None,
    }  # fmt: skip


@pytest.mark.parametrize(("leaks", "verdict"), [(0, "yes"), (18, "yes, narrowly"), (22, "no, narrowly"), (200, "no")])
def test_a_target_is_judged_with_its_interval(leaks: int, verdict: str) -> None:
    first = outcomes(facts(leaks), "full")[0]
    assert (first.target.set, first.verdict) == ("presidio_synth_v2_dev", verdict)
    page = render(facts(leaks))
    assert ("**Not reached:** leak, invented people in templates." in page) is verdict.startswith("no")


def test_what_was_not_measured_is_no_success() -> None:
    judged = outcomes(facts(0), "full")
    assert sum(o.verdict == "-" for o in judged) == len(judged) - 6
    assert {o.target.task for o in judged if o.verdict != "-"} == {
        "leak, invented people in templates", "… over-masked", "… benign texts with a secret",
        "benign prompts with anything flagged", "… names of persons aside",
        "… names of public persons and characters aside",
    }  # fmt: skip
    assert f"{len(TARGETS) - 6} were not measured" in render(facts(0))


def test_the_page_says_that_it_shows_a_sample() -> None:
    assert "A sample" not in render(facts(0)) and "A sample: about 20 texts" in render(facts(0) | {"limit": 20})


def test_the_page_can_be_made_again_from_its_figures(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(facts(3)))
    page = tmp_path / "page.md"
    arguments = ["evaluate", "--from", str(tmp_path / "f.json"), "--write", str(page)]
    assert CliRunner().invoke(models, arguments).exit_code == 0
    assert page.read_text("utf-8") == render(facts(3)) == render(json.loads((tmp_path / "page.json").read_text()))
    assert CliRunner().invoke(models, arguments[:3]).exit_code == 1


def test_a_page_of_a_part_of_the_sets_is_refused(tmp_path: Path) -> None:
    arguments = ["evaluate", "--suite", str(tmp_path), "--set", "x", "--write", str(tmp_path / "page.md")]
    result = CliRunner().invoke(models, arguments)
    assert result.exit_code == 1 and "everything measured" in result.output


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    figures_file = ROOT / "docs" / "detection.json"
    if not figures_file.exists():
        pytest.skip("not measured yet: `make detection-doc`")
    assert render(json.loads(figures_file.read_text("utf-8"))) == (ROOT / "docs" / "detection.md").read_text("utf-8")
