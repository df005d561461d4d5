"""``decide(policy, facts) -> Decision``: a pure function. Theory of operation:

The decision is the *meet* of the defaults and of every rule that matches, each part with its own meet:
zones take the lowest, requirements add up, transforms take the stricter one, a value comes back only where every
table allows it, answers are looked at as closely as anyone demands. So the order of rules never matters, and

* **monotone in rules**: adding a rule never raises the ceiling, drops a requirement or weakens a transform;
* **monotone in facts**: adding a finding, category, tag or segment never does either. Conditions test presence only;
  what is *uninspected* matches every label and category and counts as regulated;
* **nothing falls open**: a finding below a rule's ``min_score`` is still transformed by the defaults.

How closely a payload must have been looked at (:func:`demanded`) follows from who asks alone, so that it is known
before anything is inspected. Facts from a faster look than that are no basis: they count as uninspected.

``unless`` tests only identity that the gate authenticated; it replaces the rule's ceiling by its own until its last
day, while the requirements and transforms of the rule stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from policies.schema import Condition, Policy, Rule, Unless
from policies.types import Decision, Facts, Inspection, Reason, Requirements, Transform, Zone, stricter
from redaction.types import Sensitivity

HASTY = "inspection:fast"
"""Why facts from a fast inspection count as uninspected where policy demands a full one."""
INHERITED = "state:inherited"
"""The reason for a ceiling that comes with what a request refers to or repeats; no rule can have such an id."""
ZONES = (Zone.ONPREM, Zone.ENCLAVE, Zone.CLOUD)


def decide(policy: Policy, facts: Facts) -> Decision:
    """The decision for ``facts``. Total: it raises for no loaded policy and no facts."""
    facts = counted(policy, facts)
    reasons = list(_defaults(policy, facts))
    tables = {zone: dict(policy.defaults.transforms[zone]) for zone in ZONES}
    requirements = dict.fromkeys(ZONES, Requirements())
    restore, answers = [policy.defaults.restore], policy.defaults.answers
    for rule in policy.rules:
        if not matches(rule.when, facts):
            continue
        reasons.append(_reason(rule, facts))
        for zone, want in rule.require.items():
            requirements[zone] = add(requirements[zone], want)
        for zone, table in rule.transforms.items():
            tables[zone] = meet_tables(tables[zone], table)
        restore += [rule.restore] if rule.restore else []
        answers = max(answers, rule.answers)
    ceiling = min((r.at_most for r in reasons if r.at_most is not None), default=Zone.BLOCKED)
    return Decision(
        ceiling=ceiling,
        transforms=tables,
        requirements=requirements,
        reasons=tuple(reasons),
        policy=policy.name,
        revision=policy.revision,
        scope=policy.defaults.scope,
        stand_ins=policy.defaults.stand_ins,
        attachments=policy.defaults.attachments,
        restore=tuple(restore),
        answers=answers,
        inspection=demanded(policy, facts.app, facts.tenant, facts.endpoint, facts.groups),
    )


def counted(policy: Policy, facts: Facts) -> Facts:
    """The facts as they count: from a faster look than the policy demands they are uninspected."""
    if facts.inspection < demanded(policy, facts.app, facts.tenant, facts.endpoint, facts.groups):
        return replace(facts, uninspected=facts.uninspected | {HASTY})
    return facts


def demanded(policy: Policy, app: str, tenant: str, endpoint: str, groups: frozenset[str] = frozenset()) -> Inspection:
    """How closely the payloads of this app must be looked at: by the defaults, and by every rule for it."""
    who = Facts(app, tenant, endpoint, "", dt.date.min, groups=groups)
    table = policy.defaults.inspection
    asked = (rule.inspection for rule in policy.rules if rule.inspection is Inspection.FULL and matches(rule.when, who))
    return max(asked, default=table.get(app, table["*"]))


def anyone_full(policy: Policy, apps: Iterable[str]) -> bool:
    """Whether a payload of one of these apps may need a full inspection."""
    table = policy.defaults.inspection
    rules = any(rule.inspection is Inspection.FULL for rule in policy.rules)
    return rules or any(table.get(app, table["*"]) is Inspection.FULL for app in apps)


def meet(a: Decision, b: Decision) -> Decision:
    """Both hold, for a payload that two views of the facts describe (a batch and what its lines are, say)."""
    return replace(
        a,
        ceiling=min(a.ceiling, b.ceiling),
        transforms={zone: meet_tables(a.transforms[zone], b.transforms[zone]) for zone in ZONES},
        requirements={zone: add(a.requirements[zone], b.requirements[zone]) for zone in ZONES},
        reasons=tuple(dict.fromkeys((*a.reasons, *b.reasons))),
        inspection=max(a.inspection, b.inspection),
    )


def _defaults(policy: Policy, facts: Facts) -> Iterable[Reason]:
    level = Sensitivity.REGULATED if facts.uninspected else facts.sensitivity
    zone = policy.defaults.sensitivity[level]
    yield Reason(f"default:sensitivity:{level.word}", f"Content is {level.word}", zone)
    if facts.uninspected:
        because = "Part of the payload could not be inspected"
        yield Reason("default:uninspected", because, policy.defaults.uninspected)
    if facts.inherited < Zone.CLOUD:
        because = "It refers to or repeats content that may go no farther"
        yield Reason(INHERITED, because, facts.inherited)


def _reason(rule: Rule, facts: Facts) -> Reason:
    if rule.unless is None or not excepted(rule.unless, facts):
        return Reason(rule.id, rule.because, rule.at_most)
    return Reason(f"{rule.id}:unless", rule.unless.reason, rule.unless.at_most)


def excepted(unless: Unless, facts: Facts) -> bool:
    """Whether the exception holds for this identity on this day."""
    return facts.date <= unless.until and _identity(unless, facts)


def _identity(part: Condition | Unless, facts: Facts) -> bool:
    return (
        (not part.app or facts.app in part.app)
        and (not part.tenant or facts.tenant in part.tenant)
        and (not part.endpoint or facts.endpoint in part.endpoint)
        and (not part.groups or bool(part.groups & facts.groups))
    )


_TESTS: tuple[Callable[[Condition, Facts], bool], ...] = (
    _identity,
    lambda c, f: not c.model or f.model in c.model,
    lambda c, f: not c.labels or _labels(c, f),
    lambda c, f: not c.categories or bool(f.uninspected) or bool(c.categories & f.categories.keys()),
    lambda c, f: c.sensitivity is None or bool(f.uninspected) or f.sensitivity >= c.sensitivity,
    lambda c, f: not c.tags or bool(f.uninspected) or bool(c.tags & f.tags),
    lambda c, f: not c.content or bool(c.content & f.content),
    lambda c, f: not c.tools or bool(c.tools & f.tools),
    lambda c, f: not c.uninspected or bool(f.uninspected),
    lambda c, f: not c.any or any(matches(part, f) for part in c.any),
    lambda c, f: all(matches(part, f) for part in c.all),
)


def matches(condition: Condition, facts: Facts) -> bool:
    """Whether every given part of the condition holds."""
    return all(test(condition, facts) for test in _TESTS)


def _labels(condition: Condition, facts: Facts) -> bool:
    if facts.uninspected:
        return True
    found = (facts.labels[label] for label in condition.labels if label in facts.labels)
    return any(f.n > 0 and f.max_score >= condition.min_score for f in found)


def add(a: Requirements, b: Requirements) -> Requirements:
    """Both hold: expectations and labels add up, the shorter age counts."""
    ages = [age for age in (a.max_age_s, b.max_age_s) if age is not None]
    keys = a.labels.keys() | b.labels.keys()
    labels = {k: a.labels.get(k, frozenset()) | b.labels.get(k, frozenset()) for k in keys}
    return Requirements(a.expectations | b.expectations, min(ages, default=None), labels)


def meet_tables(a: Mapping[str, Transform], b: Mapping[str, Transform]) -> dict[str, Transform]:
    """Per label the stricter transform; ``b`` need not have ``'*'`` (then it says nothing of other labels)."""
    out = {}
    for label in a.keys() | b.keys():
        own = a.get(label, a["*"])
        other = b.get(label, b.get("*"))
        out[label] = own if other is None else stricter(own, other)
    return out
