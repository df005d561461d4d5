"""Deciding: tables for what the properties in tests/property/test_policies.py do not name."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policies import cases
from policies.decide import decide
from policies.explain import explain, words
from policies.facts import facts_from_json, facts_to_json
from policies.load import _Loader, load, load_file
from policies.schema import Policy
from policies.types import Facts, LabelFacts, Transform, Zone, stricter
from policies.yaml_strict import Reader, YamlProblems, parse
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
    when: {all: [{labels: [LOCATION]}, {any: [{tags: [marked_confidential]}, {content: [image]}]}]}
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
    marked = decide(policy, replace(FACTS, labels=found(LOCATION=900), tags=frozenset({"marked_confidential"})))
    assert plain.transform(Zone.CLOUD, "LOCATION") is Transform.KEEP
    assert marked.transform(Zone.CLOUD, "LOCATION") is Transform.MASK
    assert marked.transform(Zone.CLOUD, "PERSON") is Transform.PSEUDONYM


def test_uninspected_matches_every_rule_about_content() -> None:
    d = decide(load(POLICY, "p"), replace(FACTS, uninspected=frozenset({"deadline"})))
    assert d.ceiling is Zone.ONPREM
    assert {"people", "eu", "default:uninspected"} <= {r.id for r in d.reasons}


def one_rule(rule: str) -> Policy:
    """A policy that lets everything out but for one rule."""
    head = POLICY.split("rules:", maxsplit=1)[0].replace(
        "confidential: enclave, regulated: onprem", "confidential: cloud, regulated: cloud"
    )
    return load(f"{head}rules:\n  - {{id: r, because: b, at_most: blocked, {rule}}}\n", "p")


@pytest.mark.parametrize("level", list(Sensitivity))
def test_uninspected_takes_the_zone_of_regulated_whatever_else_was_seen(level: Sensitivity) -> None:
    policy = load(POLICY.replace("uninspected: onprem", "uninspected: enclave").split("rules:")[0], "p")
    d = decide(policy, replace(FACTS, sensitivity=level, uninspected=frozenset({"deadline"})))
    assert d.ceiling is Zone.ONPREM, "regulated: onprem binds although uninspected would allow an enclave"
    assert [r.id for r in d.reasons] == ["default:sensitivity:regulated", "default:uninspected"]


@pytest.mark.parametrize(
    "when",
    [
        "labels: [PASSPORT], min_score: 1.0",
        "categories: [legal]",
        "sensitivity: regulated",
        "tags: [marked_confidential]",
        "uninspected: true",
    ],
)
def test_uninspected_satisfies_every_test_of_content(when: str) -> None:
    policy = one_rule(f"when: {{{when}}}")
    assert decide(policy, FACTS).ceiling is Zone.CLOUD
    assert decide(policy, replace(FACTS, uninspected=frozenset({"deadline"}))).ceiling is Zone.BLOCKED


@pytest.mark.parametrize(
    ("when", "yes", "no"),
    [
        ("tenant: sales", {"tenant": "sales"}, {"tenant": "legal"}),
        ("endpoint: [openai.chat]", {"endpoint": "openai.chat"}, {"endpoint": "openai.embeddings"}),
        ("app: [crm, erp]", {"app": "erp"}, {"app": "hr"}),
        ("model: gpt-4o", {"model": "gpt-4o"}, {"model": "llama"}),
        ("tools: [send_mail]", {"tools": frozenset({"send_mail", "x"})}, {"tools": frozenset({"x"})}),
        ("content: [image]", {"content": frozenset({"text", "image"})}, {"content": frozenset({"text"})}),
        ("sensitivity: internal", {"sensitivity": Sensitivity.REGULATED}, {"sensitivity": Sensitivity.PUBLIC}),
        ("categories: [hr, legal]", {"categories": {"legal": 1}}, {"categories": {"health": 1}}),
        ("labels: ['@secrets']", {"labels": found(API_KEY=1)}, {"labels": found(PERSON=1000)}),
        ("labels: [URL]", {"labels": found(URL=0)}, {"labels": {"URL": LabelFacts(0, 0, 0)}}),
        ("labels: [URL], app: crm", {"labels": found(URL=1)}, {"labels": found(URL=1), "app": "erp"}),
    ],
)
def test_every_key_of_a_condition_is_tested(when: str, yes: dict[str, Any], no: dict[str, Any]) -> None:
    policy = one_rule(f"when: {{{when}}}")
    assert decide(policy, replace(FACTS, **yes)).ceiling is Zone.BLOCKED
    assert decide(policy, replace(FACTS, **no)).ceiling is Zone.CLOUD


@pytest.mark.parametrize(("key", "who"), [("tenant", "sales"), ("endpoint", "openai.chat"), ("app", "crm")])
def test_an_exception_holds_only_for_whom_it_names(key: str, who: str) -> None:
    rule = "when: {{labels: [URL]}}, unless: {{{}: {}, at_most: enclave, reason: r, until: 2027-01-01}}"
    seen = replace(FACTS, labels=found(URL=900))
    d = decide(one_rule(rule.format(key, who)), seen)
    assert d.ceiling is Zone.ENCLAVE and d.reasons[-1].id == "r:unless" and d.reasons[-1].because == "r"
    assert decide(one_rule(rule.format(key, "someone")), seen).ceiling is Zone.BLOCKED


def test_a_star_in_a_rule_tightens_every_label_and_only_tightens() -> None:
    d = decide(one_rule('when: {app: crm}, transforms: {"*": mask, LOCATION: keep}'), FACTS)
    assert d.transform(Zone.CLOUD, "LOCATION") is Transform.KEEP, "the rule says keep, the default says keep"
    assert d.transform(Zone.CLOUD, "PERSON") is Transform.REDACT, "pseudonym and mask meet in redact"
    d = decide(one_rule('when: {app: crm}, transforms: {"*": mask}'), FACTS)
    assert d.transform(Zone.CLOUD, "LOCATION") is Transform.MASK


def test_on_premise_everything_is_kept() -> None:
    d = decide(one_rule('when: {app: crm}, transforms: {"*": redact}, transforms_enclave: {"*": redact}'), FACTS)
    assert d.transform(Zone.ONPREM, "PASSWORD") is Transform.KEEP
    assert d.transform(Zone.ENCLAVE, "PASSWORD") is Transform.REDACT


def test_a_zone_that_the_loader_could_not_read_is_blocked_in_what_it_builds() -> None:
    """The placeholder of a value that is refused anyway is the strictest one."""
    loader = _Loader(Reader(parse("at_most: moon", "p")))
    assert loader._zone(("at_most",)) is Zone.BLOCKED


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
    assert [r["matched"] for r in value["reasons"]] == [["sensitivity public"], ["PERSON 0.90"]]
    assert "may travel to: enclave" in words(value) and "people stay close" in words(value)


@pytest.mark.parametrize(
    ("facts", "reason", "matched"),
    [
        ({"tags": frozenset({"marked_confidential"}), "labels": found(LOCATION=1)}, "strict-places",
         ["LOCATION 0.00", "tag marked_confidential"]),
        ({"content": frozenset({"image"}), "labels": found(LOCATION=990)}, "strict-places",
         ["LOCATION 0.99", "content image"]),
        ({"uninspected": frozenset({"deadline"})}, "people", ["uninspected (deadline)"]),
        ({"uninspected": frozenset({"deadline"})}, "default:uninspected", ["uninspected (deadline)"]),
        ({"app": "research", "labels": found(PERSON=900)}, "people:unless",
         ["PERSON 0.90", "app research", "exception until 2026-06-30"]),
    ],
)  # fmt: skip
def test_an_explanation_says_why_each_reason_holds(facts: dict[str, Any], reason: str, matched: list[str]) -> None:
    value = explain(load(POLICY, "p"), replace(FACTS, **facts))
    assert {r["id"]: r["matched"] for r in value["reasons"]}[reason] == matched


def test_the_smallest_change_may_be_two_facts_and_the_nearest_level() -> None:
    policy = load_file(ROOT / "policies" / "default.yaml")
    some = replace(FACTS, sensitivity=Sensitivity.CONFIDENTIAL, categories={"hr": 900}, labels=found(PERSON=900))
    text = "without sensitivity confidential (internal instead) and category hr: cloud"
    assert explain(policy, some)["otherwise"] == [text]


def test_tools_and_content_are_changes_too() -> None:
    policy = one_rule("when: {tools: [send_mail], content: [image]}")
    some = replace(FACTS, tools=frozenset({"send_mail", "other"}), content=frozenset({"text", "image"}))
    assert explain(policy, some)["otherwise"] == ["without content image: cloud", "without tool send_mail: cloud"]


def test_where_no_small_change_helps_the_explanation_says_so_and_keeps_who_asks() -> None:
    text = explain(one_rule("when: {app: crm}"), FACTS)["otherwise"]
    assert text == ["no change of up to 3 facts; this app with nothing found in the payload could reach: blocked"]
    assert explain(one_rule("when: {app: erp}"), FACTS)["otherwise"] == []


def test_every_case_of_the_default_policy_holds() -> None:
    path = ROOT / "policies" / "cases" / "default.cases.yaml"
    name, some = cases.load_cases(path.read_text(), str(path))
    assert len(some) >= 30
    outcomes = cases.run(load_file(path.parent / name), some)
    assert [o for o in outcomes if o.wrong] == []


@pytest.mark.parametrize(
    "expect",
    [
        "{ceiling: onprem}",
        "{ceiling: cloud, rules: [people]}",
        "{ceiling: cloud, transforms: {cloud: {URL: keep}}}",
        "{ceiling: cloud, max_age_s: 5}",
        "{ceiling: cloud, requirements: {enclave: {max_age: 10m}}}",
        "{ceiling: cloud, requirements: {enclave: {expectations: clinic}}}",
        "{ceiling: cloud, requirements: {cloud: {region: eu}}}",
    ],
)
def test_a_wrong_expectation_fails_its_case(expect: str) -> None:
    text = f"policy: p\ncases:\n  - {{name: n, facts: {{}}, expect: {expect}}}\n"
    (outcome,) = cases.run(load(POLICY, "p"), cases.load_cases(text, "c")[1])
    assert outcome.wrong


def test_a_case_holds_the_requirements_of_a_zone() -> None:
    text = """policy: p
cases:
  - name: n
    facts: {labels: {PERSON: 0.9, EMAIL_ADDRESS: 0.9}}
    expect:
      ceiling: enclave
      requirements: {enclave: {max_age: 5m, expectations: clinic}, cloud: {region: [eu, us]}}
"""
    (outcome,) = cases.run(load(POLICY, "p"), cases.load_cases(text, "c")[1])
    assert outcome.wrong == ()


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ("{name: n, facts: {date: soon}, expect: {ceiling: cloud}}", "must be a date"),
        ("{name: n, facts: {labels: {PERSN: 1.0}}, expect: {ceiling: cloud}}", "did you mean 'PERSON'"),
        ("{name: n, facts: {categories: [helth]}, expect: {ceiling: cloud}}", "did you mean 'health'"),
        ("{name: n, facts: {content: [picture]}, expect: {ceiling: cloud}}", "unknown 'picture'"),
        ("{name: n, facts: {tags: [secret]}, expect: {ceiling: cloud}}", "unknown 'secret'"),
        ("{name: n, facts: {colour: red}, expect: {ceiling: cloud}}", "unknown key"),
        ("{name: n, facts: {}, expect: {ceiling: moon}}", "must be one of"),
        ("{name: n, facts: {}, expect: {}}", "'ceiling' is missing"),
        ("{name: n, facts: {}}", "'expect' is missing"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, rules: }}", "must be text"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, transforms: [a]}}", "must be a mapping"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, transforms: {moon: {}}}}", "unknown key"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, transforms: {blocked: {}}}}", "unknown key"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, transforms: {cloud: {PERSN: keep}}}}", "did you mean"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, transforms: {cloud: {URL: keep, AGE: kep}}}}", "did you mean"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, requirements: {enclave: {max_age: 5}}}}", "duration"),
        ("{name: n, facts: {}, expect: {ceiling: cloud, max_age_s: long}}", "must be a number"),
    ],
)
def test_a_case_that_says_nothing_clear_is_refused_with_its_line(case: str, word: str) -> None:
    with pytest.raises(YamlProblems, match=r"^c:3: ") as e:
        cases.load_cases(f"policy: p\ncases:\n  - {case}\n", "c")
    assert word in str(e.value)


@pytest.mark.parametrize("text", ["policy: p\ncases: []", "policy: p\ncases:", "policy: [p]\ncases: [{}]", "cases: 1"])
def test_a_file_without_cases_or_policy_is_refused(text: str) -> None:
    with pytest.raises(YamlProblems):
        cases.load_cases(text, "c")


def test_a_run_without_cases_is_no_success() -> None:
    with pytest.raises(ValueError, match="proves nothing"):
        cases.run(load(POLICY, "p"), ())


def test_an_inherited_ceiling_is_a_reason_that_is_explained_and_survives_its_record() -> None:
    facts = replace(FACTS, inherited=Zone.ENCLAVE)
    policy = load(POLICY, "p")
    assert decide(policy, facts).ceiling is Zone.ENCLAVE
    told = {r["id"]: r for r in explain(policy, facts)["reasons"]}
    assert (told["state:inherited"]["binds"], told["state:inherited"]["matched"]) == (True, ["inherited enclave"])
    common = {"app": "crm", "tenant": "sales", "model": "gpt-4o", "sensitivity": "public", "categories": {}}
    assert facts_from_json(facts_to_json(facts), common) == facts
    assert "inherited" not in facts_to_json(FACTS)
