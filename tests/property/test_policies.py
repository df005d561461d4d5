"""The lattice: nothing that is added to rules or facts ever loosens a decision."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decide import ZONES, decide, meet
from policies.explain import explain, words
from policies.load import load
from policies.schema import Condition, Defaults, Policy, Rule, Unless
from policies.types import Decision, Facts, Inspection, LabelFacts, Requirements, Transform, Zone, stricter
from policies.yaml_strict import Problem, YamlProblems
from proxy.facts import join
from redaction.types import Sensitivity

quick = settings(deadline=None, database=None)
NOTHING = Facts("app", "tenant", "openai.chat", "m", dt.date(2026, 1, 1))
LABELS = ["PERSON", "API_KEY", "LOCATION", "SECRET"]
CATEGORIES = ["health", "legal", "credentials"]
TAGS = ["marked_confidential", "x"]
CONTENT = ["text", "image"]
TOOLS = ["send_mail", "search"]
APPS = ["crm", "erp"]
DAYS = [dt.date(2026, 1, 1), dt.date(2026, 6, 1), dt.date(2027, 1, 1)]


def some(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.frozensets(st.sampled_from(values), max_size=2)


zones = st.sampled_from(list(Zone))
transforms = st.sampled_from(list(Transform))
tables = st.dictionaries(st.sampled_from(LABELS), transforms, max_size=3)
leaves = st.builds(
    Condition,
    labels=some(LABELS), min_score=st.sampled_from([0, 500, 1000]), categories=some(CATEGORIES),
    sensitivity=st.none() | st.sampled_from(list(Sensitivity)), tags=some(TAGS), uninspected=st.booleans(),
    app=some(APPS), content=some(CONTENT), tools=some(TOOLS),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(
        Condition, any=st.lists(inner, max_size=2).map(tuple), all=st.lists(inner, max_size=2).map(tuple)
    ),
    max_leaves=4,
)
requirements = st.builds(
    Requirements,
    expectations=some(["a", "b"]), max_age_s=st.none() | st.sampled_from([60.0, 600.0]),
    labels=st.dictionaries(st.sampled_from(["region"]), some(["eu", "us"]), max_size=1),
)  # fmt: skip
looked = st.sampled_from(list(Inspection))
unlesses = st.builds(Unless, at_most=zones, reason=st.just("r"), until=st.sampled_from(DAYS), app=some(APPS))
rules = st.builds(
    Rule,
    id=st.sampled_from(["r1", "r2", "r3"]), because=st.just("b"), when=conditions, at_most=st.none() | zones,
    require=st.dictionaries(st.sampled_from(ZONES), requirements, max_size=2),
    transforms=st.dictionaries(st.sampled_from(ZONES), tables, max_size=2), unless=st.none() | unlesses,
    inspection=looked,
)  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    ladder = sorted(draw(st.lists(zones, min_size=4, max_size=4)), reverse=True)
    table = {z: {**draw(tables), "*": draw(transforms)} for z in ZONES}
    uninspected = draw(st.sampled_from([Zone.BLOCKED, Zone.ONPREM, Zone.ENCLAVE]))
    levels = dict(zip(sorted(Sensitivity), ladder, strict=True))
    looks = draw(st.fixed_dictionaries({"*": looked}, optional={"crm": looked}))
    defaults = Defaults(levels, uninspected, table, inspection=looks)
    return Policy("p", "o", "r", defaults, tuple(draw(st.lists(rules, max_size=4))))


label_facts = st.builds(LabelFacts, n=st.just(1), distinct=st.just(1), max_score=st.sampled_from([0, 499, 500, 1000]))
facts = st.builds(
    Facts,
    app=st.sampled_from(APPS), tenant=st.just("t"), endpoint=st.just("openai.chat"), model=st.just("m"),
    date=st.sampled_from(DAYS), sensitivity=st.sampled_from(list(Sensitivity)),
    categories=st.dictionaries(st.sampled_from(CATEGORIES), st.just(900), max_size=2),
    labels=st.dictionaries(st.sampled_from(LABELS), label_facts, max_size=3),
    uninspected=some(["deadline"]), tags=some(TAGS), content=some(CONTENT), tools=some(TOOLS),
    inspection=looked,
)  # fmt: skip


def assert_not_looser(before: Decision, after: Decision) -> None:
    assert after.ceiling <= before.ceiling
    for zone in ZONES:
        for label in [*LABELS, "OTHER"]:
            a, b = before.transform(zone, label), after.transform(zone, label)
            assert stricter(a, b) is b, f"{label} to {zone.word} went from {a} to {b}"
        was, now = before.requirements[zone], after.requirements[zone]
        assert was.expectations <= now.expectations
        assert was.max_age_s is None or (now.max_age_s is not None and now.max_age_s <= was.max_age_s)
        assert all(values <= now.labels.get(key, frozenset()) for key, values in was.labels.items())
    assert after.inspection >= before.inspection


@quick
@given(policies(), facts, rules, st.integers(0, 4))
def test_adding_a_rule_never_loosens(policy: Policy, f: Facts, rule: Rule, at: int) -> None:
    more = replace(policy, rules=(*policy.rules[:at], rule, *policy.rules[at:]))
    assert_not_looser(decide(policy, f), decide(more, f))


@quick
@given(policies(), facts, st.sampled_from(LABELS), label_facts)
def test_adding_a_finding_never_loosens(policy: Policy, f: Facts, label: str, finding: LabelFacts) -> None:
    old = f.labels.get(label)
    best = max(finding.max_score, old.max_score if old else 0)
    more = replace(f, labels={**f.labels, label: replace(finding, n=2, max_score=best)})
    assert_not_looser(decide(policy, f), decide(policy, more))


@quick
@given(policies(), facts, st.sampled_from(CATEGORIES), st.sampled_from(TAGS), st.sampled_from(list(Sensitivity)))
def test_more_categories_tags_or_sensitivity_never_loosen(
    policy: Policy, f: Facts, category: str, tag: str, level: Sensitivity
) -> None:
    before = decide(policy, f)
    assert_not_looser(before, decide(policy, replace(f, categories={**f.categories, category: 1})))
    assert_not_looser(before, decide(policy, replace(f, tags=f.tags | {tag})))
    assert_not_looser(before, decide(policy, replace(f, sensitivity=max(f.sensitivity, level))))


@quick
@given(policies(), facts, st.sampled_from([Zone.BLOCKED, *ZONES]))
def test_an_inherited_ceiling_only_lowers(policy: Policy, f: Facts, zone: Zone) -> None:
    after = decide(policy, replace(f, inherited=zone))
    assert_not_looser(decide(policy, f), after)
    assert after.ceiling <= zone


@quick
@given(policies(), facts, facts, st.sampled_from([Zone.BLOCKED, *ZONES]))
def test_what_is_referred_to_counts_like_what_is_said(policy: Policy, f: Facts, g: Facts, zone: Zone) -> None:
    joined = decide(policy, join(f, replace(g, app=f.app, date=f.date), zone))
    assert_not_looser(decide(policy, f), joined)
    assert_not_looser(decide(policy, replace(g, app=f.app, date=f.date)), joined)


@quick
@given(policies(), facts, facts)
def test_the_meet_of_two_decisions_is_looser_than_neither(policy: Policy, f: Facts, g: Facts) -> None:
    a, b = decide(policy, f), decide(policy, g)
    for one in (a, b):
        assert_not_looser(one, meet(a, b))


@quick
@given(policies(), facts, st.sampled_from(CONTENT), st.sampled_from(TOOLS))
def test_more_content_or_tools_never_loosen(policy: Policy, f: Facts, content: str, tool: str) -> None:
    before = decide(policy, f)
    assert_not_looser(before, decide(policy, replace(f, content=f.content | {content})))
    assert_not_looser(before, decide(policy, replace(f, tools=f.tools | {tool})))


@quick
@given(policies(), facts)
def test_an_explanation_agrees_with_the_decision(policy: Policy, f: Facts) -> None:
    decision, told = decide(policy, f), explain(policy, f)
    assert told["ceiling"] == decision.ceiling.word
    assert [r["id"] for r in told["reasons"]] == [r.id for r in decision.reasons]
    assert bool(told["otherwise"]) is (decision.ceiling is not Zone.CLOUD)
    assert words(told)


FRAGMENTS = [
    "version: 1", "name: x", "rules:", "  - id: a", "defaults: {", "}", "[", "]", "&a", "*", "<<: ", "!!set ", "---",
    "...", "%YAML 1.1", "? ", ": ", "- ", "|", ">-", "'", '"', '"\\x00"', '"\\UFFFFFFFF"', "#", "\t", "\r", "\x00",
    "\ufeff", "\u2028", "9" * 4400, "-0", ".inf", ".nan", "~", "2027-02-30", "at_most: cloud", "when: {any: [",
    "labels: ['@secrets']",
]  # fmt: skip
LINES = (Path(__file__).parents[2] / "policies" / "default.yaml").read_text("utf-8").splitlines()


@quick
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=4), max_size=12).map("\n".join))
def test_any_text_is_a_policy_or_problems_with_lines(text: str) -> None:
    readable(text)


@quick
@given(st.integers(0, len(LINES) - 1), st.sampled_from(FRAGMENTS), st.booleans())
def test_a_damaged_policy_is_a_policy_or_problems_with_lines(at: int, fragment: str, replaced: bool) -> None:
    readable("\n".join([*LINES[:at], fragment, *LINES[at + replaced :]]))


def readable(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        decide(load(text, "p"), NOTHING)
    except YamlProblems as e:
        problems = e.problems
        assert problems, "an error says what is wrong"
    assert all(1 <= p.line <= len(text.splitlines()) + 2 for p in problems)


@quick
@given(policies(), facts)
def test_failing_to_inspect_never_loosens(policy: Policy, f: Facts) -> None:
    assert_not_looser(decide(policy, f), decide(policy, replace(f, uninspected=f.uninspected | {"names:budget"})))


@quick
@given(policies(), facts, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(policy: Policy, f: Facts, random: Any) -> None:
    shuffled = list(policy.rules)
    random.shuffle(shuffled)
    a, b = decide(policy, f), decide(replace(policy, rules=tuple(shuffled)), f)
    assert (a.ceiling, a.transforms, a.requirements) == (b.ceiling, b.transforms, b.requirements)
