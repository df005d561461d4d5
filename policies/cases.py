"""Policy tests: ``*.cases.yaml`` files of facts and expected decisions. An empty run fails; so does a missing reason.

policy: ../default.yaml
cases:
  - name: a clinical note stays out of the cloud
    facts: {sensitivity: regulated, categories: [health], labels: {PERSON: 0.9}}
    expect:
      ceiling: enclave
      rules: [patient-data]
      transforms: {enclave: {PERSON: keep}}
      requirements: {enclave: {max_age: 10m}}
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from policies.decide import decide
from policies.load import ANSWERS, CONTENT, INSPECTIONS, LEVELS, TAGS, TRANSFORMS, ZONES, iso_date, read_restore
from policies.schema import Policy
from policies.types import Decision, Facts, Inspection, LabelFacts, Requirements, Zone
from policies.yaml_strict import Path as At
from policies.yaml_strict import Reader, parse, suggest
from redaction.types import CATEGORIES, LABELS

FACTS = {
    "sensitivity", "categories", "labels", "tags", "content", "tools", "uninspected", "app", "tenant", "endpoint",
    "groups", "model", "date", "inspection",
}  # fmt: skip
EXPECT = {"ceiling", "rules", "transforms", "requirements", "max_age_s", "restore", "answers", "inspection"}
ALWAYS = ("text", "code", "link")
"""Places that a case about restoring speaks of even where it does not name them: they must be refused then."""
PLACES = {z.word: z for z in Zone if z is not Zone.BLOCKED}
TODAY = "2026-01-01"
"""The date of a case that names none; cases never depend on the clock."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What a decision must be; what a case does not say is not looked at."""

    ceiling: Zone
    rules: tuple[str, ...]
    transforms: tuple[tuple[Zone, str, str], ...]
    requirements: Mapping[Zone, Requirements]
    max_age_s: float | None
    restore: Mapping[str, frozenset[str]]
    answers: str
    inspection: str


@dataclass(frozen=True, slots=True)
class Case:
    """One case, and where it stands."""

    name: str
    source: str
    line: int
    facts: Facts
    expect: Expect


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case; ``wrong`` is empty when it passed."""

    case: Case
    wrong: tuple[str, ...]


def load_cases(
    text: str, source: str, known: Callable[[str], Collection[str]] = lambda _: LABELS
) -> tuple[str, tuple[Case, ...]]:
    """The policy that a file tests (as written there) and its cases. ``known``: the labels that this policy may name.
    Raises YamlProblems, and whatever ``known`` does."""
    r = Reader(parse(text, source))
    r.mapping((), {"policy", "cases"}, ["policy", "cases"])
    items = r.get(("cases",))
    if not isinstance(items, list) or not items:
        r.problem(("cases",), "must be a list of at least one case")
        items = []
    policy = r.text(("policy",))
    labels = known(policy) if policy else LABELS
    cases = tuple(_case(r, ("cases", i), labels) for i in range(len(items)))
    r.done()
    return policy, cases


def _case(r: Reader, at: At, labels: Collection[str]) -> Case:
    r.mapping(at, {"name", "facts", "expect"}, ["name", "facts", "expect"])
    facts, expect = _facts(r, (*at, "facts"), labels), _expect(r, (*at, "expect"), labels)
    return Case(r.text((*at, "name")), r.document.source, r.document.line(at), facts, expect)


def _expect(r: Reader, at: At, labels: Collection[str]) -> Expect:
    r.mapping(at, EXPECT, ["ceiling"])
    want = {zone: _required(r, (*at, "requirements", word)) for word, zone in _zones(r, (*at, "requirements"))}
    return Expect(
        ceiling=ZONES[r.choice((*at, "ceiling"), ZONES, "blocked")],
        rules=r.texts((*at, "rules")),
        transforms=tuple(
            (zone, label, r.choice((*at, "transforms", word, label), TRANSFORMS, "redact"))
            for word, zone in _zones(r, (*at, "transforms"))
            for label in r.mapping((*at, "transforms", word), labels)
        ),
        requirements=want,
        max_age_s=r.number((*at, "max_age_s"), 0.0, 0.001, 1e9) if r.has((*at, "max_age_s")) else None,
        restore=read_restore(r, (*at, "restore")) if r.has((*at, "restore")) else {},
        answers=r.choice((*at, "answers"), ANSWERS, ""),
        inspection=r.choice((*at, "inspection"), INSPECTIONS, ""),
    )


def _zones(r: Reader, at: At) -> list[tuple[str, Zone]]:
    """The zones that a mapping names, where there is one."""
    given = r.mapping(at, PLACES) if r.has(at) else {}
    return [(word, zone) for word, zone in PLACES.items() if word in given]


def _required(r: Reader, at: At) -> Requirements:
    labels = {k: frozenset(r.texts((*at, k))) for k in r.mapping(at, None) if k not in {"max_age", "expectations"}}
    age = r.seconds((*at, "max_age"), 0.0) if r.has((*at, "max_age")) else None
    return Requirements(frozenset(r.texts((*at, "expectations"))), age, labels)


def _facts(r: Reader, at: At, known: Collection[str]) -> Facts:
    value = r.mapping(at, FACTS)
    level = r.choice((*at, "sensitivity"), LEVELS, "public")
    labels = r.mapping((*at, "labels"), known) if "labels" in value else {}
    scores = {name: round(r.number((*at, "labels", name), 0.0, 0.0, 1.0) * 1000) for name in labels}
    date = iso_date(r.text((*at, "date"), TODAY))
    if date is None:
        r.problem((*at, "date"), "must be a date such as 2027-03-31")
    return Facts(
        app=r.text((*at, "app"), "app"),
        tenant=r.text((*at, "tenant"), "tenant"),
        endpoint=r.text((*at, "endpoint"), "openai.chat"),
        model=r.text((*at, "model"), "gpt-4o"),
        date=date or dt.date.min,
        sensitivity=LEVELS[level],
        categories=dict.fromkeys(_known(r, (*at, "categories"), CATEGORIES), 1000),
        labels={name: LabelFacts(1, 1, score) for name, score in scores.items()},
        uninspected=frozenset(r.texts((*at, "uninspected"))),
        content=frozenset(_known(r, (*at, "content"), CONTENT)) or frozenset({"text"}),
        tools=frozenset(r.texts((*at, "tools"))),
        tags=frozenset(_known(r, (*at, "tags"), TAGS)),
        groups=frozenset(r.texts((*at, "groups"))),
        inspection=INSPECTIONS[r.choice((*at, "inspection"), INSPECTIONS, Inspection.FULL.word)],
    )


def _known(r: Reader, at: At, known: Collection[str]) -> tuple[str, ...]:
    names = r.texts(at)
    for name in names:
        if name not in known:
            r.problem(at, f"unknown '{name}'{suggest(name, known)}")
    return names


def run(policy: Policy, cases: tuple[Case, ...]) -> list[Outcome]:
    """Every case decided by the same function that the gate uses. Raises ValueError when there is none."""
    if not cases:
        raise ValueError("a run without cases proves nothing")
    return [Outcome(case, tuple(_wrong(case, decide(policy, case.facts)))) for case in cases]


def _wrong(case: Case, decision: Decision) -> list[str]:
    out = []
    want = case.expect
    if decision.ceiling is not want.ceiling:
        out.append(f"ceiling is {decision.ceiling.word}, expected {want.ceiling.word}")
    reasons = {r.id for r in decision.reasons}
    out += [f"{rule} is not among the reasons" for rule in want.rules if rule not in reasons]
    for zone, label, transform in want.transforms:
        if (got := decision.transform(zone, label).value) != transform:
            out.append(f"{label} on the way to the {zone.word} is {got}, expected {transform}")
    for zone, required in want.requirements.items():
        out += [f"{zone.word}: {text}" for text in _unmet(decision.requirements[zone], required)]
    ages = [w.max_age_s for w in decision.requirements.values() if w.max_age_s is not None]
    if want.max_age_s is not None and min(ages, default=None) != want.max_age_s:
        out.append(f"max_age_s is {min(ages, default=None)}, expected {want.max_age_s:g}")
    for origin, places in want.restore.items():
        allowed = {p for p in (*ALWAYS, *places) if decision.may_return(origin, p)}
        if allowed != places:
            out.append(f"{origin} values come back into {sorted(allowed)}, expected {sorted(places)}")
    if want.answers and decision.answers.word != want.answers:
        out.append(f"answers are {decision.answers.word}, expected {want.answers}")
    if want.inspection and decision.inspection.word != want.inspection:
        out.append(f"inspection is {decision.inspection.word}, expected {want.inspection}")
    return out


def _unmet(have: Requirements, want: Requirements) -> list[str]:
    """What a case expects to be required and is not. A shorter age than expected is another decision, too."""
    out = [f"expectations {name} are not required" for name in sorted(want.expectations - have.expectations)]
    if want.max_age_s is not None and have.max_age_s != want.max_age_s:
        out.append(f"max_age is {have.max_age_s} s, expected {want.max_age_s:g} s")
    for key, values in want.labels.items():
        missing = sorted(values - have.labels.get(key, frozenset()))
        out += [f"{key}: {value} is not required" for value in missing]
    return out
