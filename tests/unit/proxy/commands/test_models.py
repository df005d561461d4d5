"""``sealgate models``: exit codes and what is printed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from model_support import models_or_skip

from proxy.commands.models import models
from proxy.models.catalog import BUNDLES


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    return str(tmp_path)


def test_verify_of_missing_models_exits_2_and_says_what_to_do(empty: str) -> None:
    result = CliRunner().invoke(models, ["verify", "--data", empty])
    assert result.exit_code == 2
    assert "rampart: not installed" in result.output and "sealgate models install" in result.output


def test_list_shows_licence_and_attribution_of_every_bundle(empty: str) -> None:
    text = CliRunner().invoke(models, ["list", "--data", empty]).output
    for bundle in BUNDLES:
        assert bundle.name in text and bundle.licence in text and bundle.attribution in text
    rows = json.loads(CliRunner().invoke(models, ["list", "--json", "--data", empty]).output)
    assert [row["state"] for row in rows] == ["not installed"] * len(BUNDLES)


def test_install_from_an_empty_folder_is_one_line_and_exit_1(empty: str) -> None:
    result = CliRunner().invoke(models, ["install", "--data", empty, "--wheel-dir", empty])
    assert result.exit_code == 1
    assert result.output.strip().startswith("sealgate: models:") and "\n" not in result.output.strip()


def test_evaluate_without_a_suite_prints_what_the_classifier_was_trained_on() -> None:
    result = CliRunner().invoke(models, ["evaluate"])
    assert result.exit_code == 0
    assert json.loads(result.output)["classifier"]["trained_on"] == "self-made texts"


def test_regulated_recall_on_other_sources_is_above_the_floor() -> None:
    suite = Path(__file__).resolve().parents[4].parent / "shared" / "reference" / "eval"
    if not suite.is_dir():
        pytest.skip(f"no evaluation sets in {suite}")
    arguments = ["evaluate", "--suite", str(suite), "--content-only", "--json", "--limit", "400"]
    figures = json.loads(CliRunner().invoke(models, arguments).stdout)["figures"]
    assert figures["regulated_recall_content"] >= 0.80


def test_detectors_are_measured_per_set_label_and_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALGATE_MODELS", str(models_or_skip("rampart", "spacy-en")))
    row = {"text": "I am Maria Keller from Leeds.", "lang": "en", "spans": [{"start": 5, "end": 17, "label": "PERSON"}]}
    with gzip.open(tmp_path / "tiny.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n" + json.dumps(row | {"lang": "de", "spans": []}))
    arguments = ["evaluate", "--suite", str(tmp_path), "--part", "detectors", "--using", "student"]
    shown = CliRunner().invoke(models, arguments)
    assert shown.exit_code == 0 and "tiny" in shown.output and "CPU ms/kB" in shown.output
    figures = json.loads(CliRunner().invoke(models, [*arguments, "--json"]).stdout)["detectors"][0]
    assert figures["leak"] == {"value": 0.0, "low": 0.0, "high": 0.975, "count": 1}
    assert set(figures["by_label"]) == {"PERSON"} and set(figures["by_language"]) == {"en"}


def test_a_folder_without_labelled_sets_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(models, ["evaluate", "--suite", str(tmp_path), "--part", "detectors"])
    assert result.exit_code == 1 and "no labelled sets" in result.output
