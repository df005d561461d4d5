"""`inspection`: who is looked at how closely, known before anything is inspected; a look too fast is none."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from policies.decide import HASTY, anyone_full, decide, demanded
from policies.explain import explain, words
from policies.facts import facts_from_json, facts_to_json
from policies.load import load
from policies.schema import Policy
from policies.types import Facts, Inspection, Zone
from policies.yaml_strict import YamlProblems
from proxy.facts import join

FACTS = Facts("crm", "sales", "openai.chat", "gpt-4o", dt.date(2026, 6, 1))


def policy(inspection: str = "full", rules: str = "[]") -> Policy:
    return load(
        f"""version: 1
name: t
owner: o
defaults:
  sensitivity: {{public: cloud, internal: cloud, confidential: enclave, regulated: onprem}}
  uninspected: onprem
  transforms: {{"*": pseudonym}}
  transforms_enclave: {{"*": keep}}
  inspection: {inspection}
rules: {rules}
""",
        "p",
    )


SALES = "[{id: sales, when: {any: [{tenant: sales}, {groups: [doctors]}]}, inspection: full, because: customers}]"


@pytest.mark.parametrize(
    ("made", "app", "tenant", "groups", "look"),
    [
        (policy(), "crm", "t", (), Inspection.FULL),
        (policy("fast"), "crm", "t", (), Inspection.FAST),
        (policy("{autocomplete: fast, '*': full}"), "crm", "t", (), Inspection.FULL),
        (policy("{autocomplete: fast, '*': full}"), "autocomplete", "t", (), Inspection.FAST),
        (policy("fast", SALES), "crm", "sales", (), Inspection.FULL),
        (policy("fast", SALES), "crm", "other", (), Inspection.FAST),
        (policy("fast", SALES), "crm", "other", ("doctors",), Inspection.FULL),
    ],
)
def test_the_closest_look_that_anyone_demands_of_an_app_counts(
    made: Policy, app: str, tenant: str, groups: tuple[str, ...], look: Inspection
) -> None:
    assert demanded(made, app, tenant, "openai.chat", frozenset(groups)) is look
    facts = replace(FACTS, app=app, tenant=tenant, groups=frozenset(groups))
    assert decide(made, facts).inspection is look


def test_without_the_key_every_app_is_inspected_in_full() -> None:
    assert decide(replace(policy("fast"), defaults=policy().defaults), FACTS).inspection is Inspection.FULL


@pytest.mark.parametrize("inspection", ["slow", "{crm: fast}", "{'a b': fast, '*': full}", "{'*': maybe}", "[fast]"])
def test_what_would_be_read_loosely_is_refused(inspection: str) -> None:
    with pytest.raises(YamlProblems):
        policy(inspection)


def test_facts_from_a_faster_look_than_demanded_count_as_uninspected_and_the_explanation_says_so() -> None:
    hasty = replace(FACTS, inspection=Inspection.FAST)
    assert decide(policy("fast"), hasty).ceiling is Zone.CLOUD
    assert decide(policy("full"), hasty).ceiling is Zone.ONPREM
    told = explain(policy("full"), hasty)
    assert told["inspection"] == {"demanded": "full", "done": "fast"}
    assert any(f"uninspected ({HASTY})" in r["matched"] for r in told["reasons"])
    assert "inspection: fast (this app needs full)" in words(told)


def test_the_look_survives_its_record_and_older_records_were_full() -> None:
    common = {"app": "a", "tenant": "t", "model": "m", "sensitivity": "public", "categories": {}}
    written = facts_to_json(replace(FACTS, inspection=Inspection.FAST))
    assert written["inspection"] == "fast" and facts_from_json(written, common).inspection is Inspection.FAST
    del written["inspection"]
    assert facts_from_json(written, common).inspection is Inspection.FULL


def test_what_refers_to_content_from_a_fast_look_was_not_looked_at_more_closely() -> None:
    other = replace(FACTS, inspection=Inspection.FAST)
    assert join(FACTS, other, Zone.CLOUD).inspection is join(other, FACTS, Zone.CLOUD).inspection is Inspection.FAST


def test_only_fast_apps_need_nothing_of_a_full_inspection() -> None:
    assert anyone_full(policy(), ["a"])
    assert not anyone_full(policy("fast"), ["a"])
    assert not anyone_full(policy("{a: fast, '*': full}"), ["a"])
    assert anyone_full(policy("{a: fast, '*': full}"), ["a", "b"])
    assert anyone_full(policy("fast", SALES), ["a"])
