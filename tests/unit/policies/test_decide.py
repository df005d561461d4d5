"""Deciding: tables for what the properties in tests/property/test_policies.py do not name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from policies import cases
from policies.decide import decide
from policies.explain import explain, words
from policies.facts import facts_from_json, facts_to_json
from policies.load import load, load_file
from policies.types import Facts, LabelFacts, Transform, Zone, stricter
from redaction.types import Sensitivity

ROOT = Path(__file__).parents[3]
FACTS = Facts("crm", "sales", "openai.chat", "gpt-4o", dt.date(2026, 6, 1))

POLICY = """version: 1
name: t
owner: o
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: enclave, regulated: onprem}
  uninspected: onprem
  transforms: {"*": pseudonym, LOCATION: keep}
  transforms_enclave: {"*": keep}
rules:
  - id: people
    when: {labels: [PERSON], min_score: 0.5}
    at_most: enclave
    require: {expectations: clinic, max_age: 10m, cloud: {region: eu}}
    unless: {app: [research], at_most: cloud, reason: DPIA 7, until: 2026-06-30}
    because: people stay close
  - id: strict-places
    when: {all: [{labels: [LOCATION]}, {any: [{tags: [x]}, {content: [image]}]}]}
    transforms: {LOCATION: mask}
    because: places of images
  - id: eu
    when: {labels: [EMAIL_ADDRESS]}
    require: {max_age: 5m, cloud: {region: us}}
    because: mail
"""


def found(**scores: int) -> dict[str, LabelFacts]:
    return {label: LabelFacts(1, 1, score) for label, score in scores.items()}


def test_the_lowest_zone_wins_and_all_reasons_are_told() -> None:
    d = decide(load(POLICY, "p"), replace(FACTS, labels=found(PERSON=900), sensitivity=Sensitivity.REGULATED))
    assert d.ceiling is Zone.ONPREM
    assert [r.id for r in d.reasons] == ["default:sensitivity:regulated", "people"]
    assert [r.id for r in d.binding()] == ["default:sensitivity:regulated"]


def test_min_score_is_a_threshold_of_the_best_finding() -> None:
    policy = load(POLICY, "p")
    assert decide(policy, replace(FACTS, labels=found(PERSON=499))).ceiling is Zone.CLOUD
    assert decide(policy, replace(FACTS, labels=found(PERSON=500))).ceiling is Zone.ENCLAVE


@pytest.mark.parametrize(
    ("app", "date", "zone"),
    [
        ("research", dt.date(2026, 6, 30), Zone.CLOUD),
        ("research", dt.date(2026, 7, 1), Zone.ENCLAVE),
        ("crm", dt.date(2026, 6, 1), Zone.ENCLAVE),
    ],
)
def test_an_exception_holds_for_its_app_until_its_last_day(app: str, date: dt.date, zone: Zone) -> None:
    d = decide(load(POLICY, "p"), replace(FACTS, app=app, date=date, labels=found(PERSON=900)))
    assert d.ceiling is zone
    assert d.requirements[Zone.CLOUD].labels == {"region": {"eu"}}, "the rule's requirements stay"


def test_requirements_add_up_and_the_shorter_age_counts() -> None:
    d = decide(load(POLICY, "p"), replace(FACTS, labels=found(PERSON=900, EMAIL_ADDRESS=900)))
    assert d.requirements[Zone.ENCLAVE].max_age_s == 300.0
    assert d.requirements[Zone.ENCLAVE].expectations == {"clinic"}
    assert d.requirements[Zone.CLOUD].labels == {"region": {"eu", "us"}}


def test_nesting_holds_and_a_rule_can_only_tighten_a_transform() -> None:
    policy = load(POLICY, "p")
    plain = decide(policy, replace(FACTS, labels=found(LOCATION=900)))
    marked = decide(policy, replace(FACTS, labels=found(LOCATION=900), tags=frozenset({"x"})))
    assert plain.transform(Zone.CLOUD, "LOCATION") is Transform.KEEP
    assert marked.transform(Zone.CLOUD, "LOCATION") is Transform.MASK
    assert marked.transform(Zone.CLOUD, "PERSON") is Transform.PSEUDONYM


def test_uninspected_matches_every_rule_about_content() -> None:
    d = decide(load(POLICY, "p"), replace(FACTS, uninspected=frozenset({"deadline"})))
    assert d.ceiling is Zone.ONPREM
    assert {"people", "eu", "default:uninspected"} <= {r.id for r in d.reasons}


def test_transforms_meet_in_redact() -> None:
    middle = [Transform.GENERALIZE, Transform.PSEUDONYM, Transform.MASK]
    for a in middle:
        assert (
            stricter(Transform.KEEP, a) is a
            and stricter(a, a) is a
            and stricter(a, Transform.REDACT) is Transform.REDACT
        )
        assert all(stricter(a, b) is Transform.REDACT for b in middle if b is not a)


def test_facts_survive_their_record() -> None:
    facts = replace(
        FACTS, labels={"PERSON": LabelFacts(2, 1, 900, (0,) * 9 + (2,))}, categories={"health": 800},
        tags=frozenset({"x"}), tools=frozenset({"t"}), uninspected=frozenset({"u"}), size=5, stream=True,
    )  # fmt: skip
    common = {
        "app": "crm",
        "tenant": "sales",
        "model": "gpt-4o",
        "sensitivity": "public",
        "categories": {"health": 800},
    }
    assert facts_from_json(facts_to_json(facts), common) == facts


def test_an_explanation_names_the_fact_that_decides() -> None:
    value = explain(load(POLICY, "p"), replace(FACTS, labels=found(PERSON=900)))
    assert value["otherwise"] == ["without findings of PERSON: cloud"]
    assert [r["binds"] for r in value["reasons"]] == [False, True]
    assert "may travel to: enclave" in words(value) and "people stay close" in words(value)


def test_every_case_of_the_default_policy_holds() -> None:
    path = ROOT / "policies" / "cases" / "default.cases.yaml"
    name, some = cases.load_cases(path.read_text(), str(path))
    assert len(some) >= 30
    outcomes = cases.run(load_file(path.parent / name), some)
    assert [o for o in outcomes if o.wrong] == []


@pytest.mark.parametrize(
    "expect",
    ["{ceiling: onprem}", "{ceiling: cloud, rules: [people]}", "{ceiling: cloud, transforms: {cloud: {URL: keep}}}"],
)
def test_a_wrong_expectation_fails_its_case(expect: str) -> None:
    text = f"policy: p\ncases:\n  - {{name: n, facts: {{}}, expect: {expect}}}\n"
    (outcome,) = cases.run(load(POLICY, "p"), cases.load_cases(text, "c")[1])
    assert outcome.wrong


def test_a_run_without_cases_is_no_success() -> None:
    with pytest.raises(ValueError, match="proves nothing"):
        cases.run(load(POLICY, "p"), ())
