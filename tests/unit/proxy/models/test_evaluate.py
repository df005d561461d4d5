"""The combined figure and the shares, on a tiny suite."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from proxy.errors import ConfigError
from proxy.models.evaluate import evaluate
from redaction.classifier import payload_level
from redaction.types import Classification, Finding, Sensitivity


def finding(label: str, score: float = 0.9) -> Finding:
    return Finding(0, 1, label, score, "d")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([], Sensitivity.INTERNAL),
        (["CREDIT_CARD"], Sensitivity.REGULATED),
        (["API_KEY"], Sensitivity.REGULATED),
        (["US_SSN"], Sensitivity.REGULATED),
        (["PERSON"], Sensitivity.INTERNAL),
        (["PERSON", "EMAIL_ADDRESS"], Sensitivity.REGULATED),
        (["EMAIL_ADDRESS"], Sensitivity.INTERNAL),
        (["IP_ADDRESS"], Sensitivity.INTERNAL),
    ],
)
def test_findings_raise_the_combined_sensitivity(labels: list[str], expected: Sensitivity) -> None:
    assert payload_level(Classification(Sensitivity.INTERNAL), [finding(label) for label in labels]) is expected


def test_a_name_in_a_letter_or_a_text_about_staff_is_personal_data() -> None:
    for category, expected in (("hr", Sensitivity.REGULATED), ("internal", Sensitivity.INTERNAL)):
        about = Classification(Sensitivity.INTERNAL, {category: 0.6})
        assert payload_level(about, [finding("PERSON")]) is expected
        assert payload_level(about, [finding("LOCATION")]) is Sensitivity.INTERNAL


def test_a_weak_finding_does_not_count() -> None:
    assert payload_level(Classification(Sensitivity.PUBLIC), [finding("CREDIT_CARD", 0.2)]) is Sensitivity.PUBLIC


def test_shares_are_counted_per_kind(tmp_path: Path) -> None:
    rows = [("a", "phi"), ("b", "phi"), ("c", "general"), ("d", "legal"), ("e", "pci")]
    with gzip.open(tmp_path / "sensitivity_dev.jsonl.gz", "wt") as stream:
        for text, kind in rows:
            stream.write(json.dumps({"text": text, "category": kind, "source": "s"}) + "\n")
    answers = {"a": 3, "b": 0, "c": 2, "d": 2, "e": 1}

    def judge(text: str) -> tuple[Classification, tuple[Finding, ...]]:
        return Classification(Sensitivity(answers[text])), (finding("CREDIT_CARD"),) if text == "e" else ()

    figures = evaluate(tmp_path, judge, lambda *_: None)
    assert figures.regulated_recall_content == 0.5
    assert figures.regulated_recall_all_content == 0.333
    assert figures.regulated_recall_all_combined == 0.667
    assert figures.sensitive_as_public == 0.25
    assert figures.public_as_sensitive == 1.0
    whole = figures.summaries["all"]
    assert whole.texts == 5 and whole.macro_f1.value == 0.4889
    assert whole.regulated_recall.value == 0.6667 and whole.public_as_sensitive.value == 1.0
    assert sum(figures.summaries[name].texts for name in ("A", "B") if name in figures.summaries) == 5
    for interval in (whole.macro_f1, whole.regulated_recall, whole.sensitive_as_public):
        assert 0.0 <= interval.low <= interval.value <= interval.high <= 1.0
    assert {row.kind: row.combined for row in figures.rows} == {"phi": 0.5, "general": 0, "legal": 1, "pci": 1}


def test_a_missing_suite_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--suite"):
        evaluate(tmp_path, lambda _: (Classification(Sensitivity.PUBLIC), ()), lambda *_: None)
