"""A mistyped number is called by no kind, and what the policy says of its kind holds all the same."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from policies.decide import decide
from policies.load import load, load_file
from policies.types import Facts, Zone
from proxy.facts import count_labels
from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import NOTHING
from redaction.types import TextResult

FACTS = Facts("app", "tenant", "openai.chat", "m", dt.date(2026, 1, 1))
DETECTOR = PatternDetector()
DEFAULT = Path(__file__).parents[3] / "policies" / "default.yaml"


def labels(text: str) -> Any:
    segment: Any = SimpleNamespace(text=text)
    return count_labels([(segment, TextResult(DETECTOR.detect(text), NOTHING))])


@pytest.mark.parametrize("digit", ["9", "8"], ids=["valid", "mistyped"])
def test_a_patients_number_stays_within_the_enclave(digit: str) -> None:
    facts = replace(FACTS, labels=labels(f"NHS number 943 476 591{digit}"))
    assert decide(load_file(DEFAULT), facts).ceiling is Zone.ENCLAVE


@pytest.mark.parametrize("value", ["231.002.999-01", "231.002.999-00"])
def test_a_rule_on_a_kind_holds_for_a_mistyped_number(value: str) -> None:
    rule = "rules: [{id: ids, when: {labels: [NATIONAL_ID]}, at_most: onprem, because: x}]"
    head, _, _ = DEFAULT.read_text("utf-8").partition("\nrules:")
    facts = replace(FACTS, labels=labels(f"CPF {value}"))
    assert decide(load(f"{head}\n{rule}\n", "t.yaml"), facts).ceiling is Zone.ONPREM
