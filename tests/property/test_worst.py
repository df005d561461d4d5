"""The worst texts: linear in their length, within a few times the cost of prose, and what is in them is found.

CPU time of one process against prose in the same process, with slack; the full table is ``make bench-worst``.
"""

from __future__ import annotations

import time

import pytest

from benchmarks.texts import Texts
from benchmarks.worst import UNITS, found, shape
from proxy.inspect_worker import FAST, FORMAL, chosen
from redaction.detectors import purse
from redaction.pipeline import Pipeline

SIZE = 10_000
LIMIT = 3.0
"""Times the cost of prose that patterns, secrets and readings of a shape may take; the model is not among them."""


def cpu(pipeline: Pipeline, text: str) -> float:
    begin = time.process_time()
    pipeline.inspect([text])
    return time.process_time() - begin


@pytest.fixture(scope="module")
def formal() -> Pipeline:
    return Pipeline(chosen(None, FORMAL), None)


@pytest.fixture(scope="module")
def prose() -> float:
    """What prose with personal data costs with all fast detectors."""
    whole = Pipeline(chosen(None, FAST), None)
    cpu(whole, Texts(1).letter(SIZE))
    return min(cpu(whole, Texts(seed).letter(SIZE)) for seed in (2, 3, 4))


@pytest.mark.parametrize("unit", UNITS)
def test_no_shape_costs_more_than_a_few_times_prose(formal: Pipeline, prose: float, unit: str) -> None:
    costs = [cpu(formal, shape(unit, SIZE, seed)) for seed in (1, 2)]
    assert min(costs) <= LIMIT * prose


@pytest.mark.parametrize("unit", UNITS)
def test_what_is_in_a_shape_is_found(formal: Pipeline, unit: str) -> None:
    text = shape(unit, SIZE)
    assert found(text, formal.inspect([text])[0])


def test_over_the_budget_is_uninspected_never_clean(formal: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purse, "PER_CHARACTER", 0)
    monkeypatch.setattr(purse, "SPARE", 100)
    text = shape("vat ######### ", SIZE)
    result = formal.inspect([text])[0]
    assert result.uninspected == "patterns:budget"
    assert found(text, result)
