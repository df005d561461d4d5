"""Policy tests: ``*.cases.yaml`` files of facts and expected decisions. An empty run fails; so does a missing reason.

policy: ../default.yaml
cases:
  - name: a clinical note stays out of the cloud
    facts: {sensitivity: regulated, categories: [health], labels: {PERSON: 0.9}}
    expect: {ceiling: enclave, rules: [patient-data], transforms: {enclave: {PERSON: keep}}}
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from policies.decide import decide
from policies.load import CONTENT, LEVELS, TRANSFORMS, ZONES
from policies.schema import Policy
from policies.types import Decision, Facts, LabelFacts
from policies.yaml_strict import Path as At
from policies.yaml_strict import Reader, parse
from redaction.types import CATEGORIES, LABELS

FACTS = {
    "sensitivity", "categories", "labels", "tags", "content", "tools", "uninspected", "app", "tenant", "endpoint",
    "groups", "model", "date",
}  # fmt: skip
EXPECT = {"ceiling", "rules", "transforms", "max_age_s"}
TODAY = "2026-01-01"
"""The date of a case that names none; cases never depend on the clock."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case, and where it stands."""

    name: str
    source: str
    line: int
    facts: Facts
    expect: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case; ``wrong`` is empty when it passed."""

    case: Case
    wrong: tuple[str, ...]


def load_cases(text: str, source: str) -> tuple[str, tuple[Case, ...]]:
    """The policy that a file tests (as written there) and its cases. Raises YamlProblems."""
    r = Reader(parse(text, source))
    r.mapping((), {"policy", "cases"}, ["policy", "cases"])
    items = r.get(("cases",))
    if not isinstance(items, list) or not items:
        r.problem(("cases",), "must be a list of at least one case")
        items = []
    cases = tuple(_case(r, ("cases", i)) for i in range(len(items)))
    r.done()
    return r.text(("policy",)), cases


def _case(r: Reader, at: At) -> Case:
    r.mapping(at, {"name", "facts", "expect"}, ["name", "facts", "expect"])
    expect = r.mapping((*at, "expect"), EXPECT, ["ceiling"])
    r.choice((*at, "expect", "ceiling"), ZONES, "blocked")
    for zone, table in (expect.get("transforms") or {}).items():
        r.choice((*at, "expect", "transforms", zone, next(iter(table), "")), TRANSFORMS, "redact")
    facts = _facts(r, (*at, "facts"))
    return Case(r.text((*at, "name")), r.document.source, r.document.line(at), facts, expect)


def _facts(r: Reader, at: At) -> Facts:
    value = r.mapping(at, FACTS)
    level = r.choice((*at, "sensitivity"), LEVELS, "public")
    labels = r.mapping((*at, "labels"), LABELS) if "labels" in value else {}
    scores = {name: round(r.number((*at, "labels", name), 0.0, 0.0, 1.0) * 1000) for name in labels}
    for name in r.texts((*at, "categories")):
        if name not in CATEGORIES:
            r.problem((*at, "categories"), f"unknown category '{name}'")
    for name in r.texts((*at, "content")):
        if name not in CONTENT:
            r.problem((*at, "content"), f"unknown content '{name}'")
    return Facts(
        app=r.text((*at, "app"), "app"),
        tenant=r.text((*at, "tenant"), "tenant"),
        endpoint=r.text((*at, "endpoint"), "openai.chat"),
        model=r.text((*at, "model"), "gpt-4o"),
        date=dt.date.fromisoformat(r.text((*at, "date"), TODAY)),
        sensitivity=LEVELS[level],
        categories=dict.fromkeys(r.texts((*at, "categories")), 1000),
        labels={name: LabelFacts(1, 1, score) for name, score in scores.items()},
        uninspected=frozenset(r.texts((*at, "uninspected"))),
        content=frozenset(r.texts((*at, "content"))) or frozenset({"text"}),
        tools=frozenset(r.texts((*at, "tools"))),
        tags=frozenset(r.texts((*at, "tags"))),
        groups=frozenset(r.texts((*at, "groups"))),
    )


def run(policy: Policy, cases: tuple[Case, ...]) -> list[Outcome]:
    """Every case decided by the same function that the gate uses. Raises ValueError when there is none."""
    if not cases:
        raise ValueError("a run without cases proves nothing")
    return [Outcome(case, tuple(_wrong(case, decide(policy, case.facts)))) for case in cases]


def _wrong(case: Case, decision: Decision) -> list[str]:
    out = []
    if decision.ceiling.word != case.expect["ceiling"]:
        out.append(f"ceiling is {decision.ceiling.word}, expected {case.expect['ceiling']}")
    reasons = {r.id for r in decision.reasons}
    out += [f"{rule} is not among the reasons" for rule in case.expect.get("rules", []) if rule not in reasons]
    for zone, table in case.expect.get("transforms", {}).items():
        for label, want in table.items():
            got = decision.transform(ZONES[zone], label).value
            if got != want:
                out.append(f"{label} on the way to the {zone} is {got}, expected {want}")
    if "max_age_s" in case.expect:
        ages = [w.max_age_s for w in decision.requirements.values() if w.max_age_s is not None]
        if min(ages, default=None) != case.expect["max_age_s"]:
            out.append(f"max_age_s is {min(ages, default=None)}, expected {case.expect['max_age_s']}")
    return out
