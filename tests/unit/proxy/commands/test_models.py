"""``sealgate models``: exit codes and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

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


@pytest.mark.parametrize("name", ["publish", "update", "rollback"])
def test_later_commands_say_not_yet(name: str) -> None:
    result = CliRunner().invoke(models, [name])
    assert result.exit_code == 1 and "not yet" in result.output


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
