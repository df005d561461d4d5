"""Why a decision came out as it did, and what would have to be different. Pure: facts and policy in, text out.

The smallest change is found by deciding again: facts that rules can test are taken away one by one, then in twos and
threes, with the same ``decide``. So an explanation cannot disagree with the decision it explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

from policies.decide import INHERITED, counted, decide, excepted, matches
from policies.schema import Condition, Policy, Rule
from policies.types import Decision, Facts, Reason, Zone
from redaction.types import Sensitivity

CHANGES = 3
"""How many facts at once are taken away when looking for the smallest change."""


def explain(policy: Policy, facts: Facts) -> dict[str, Any]:
    """The decision, its reasons with why they hold and whether they bind, and what would decide otherwise."""
    decision = decide(policy, facts)
    facts = counted(policy, facts)
    binding = {r.id for r in decision.binding()}
    return {
        "ceiling": decision.ceiling.word,
        "policy": decision.policy,
        "revision": decision.revision,
        "reasons": [_reason(r, binding, _matched(policy, r.id, facts)) for r in decision.reasons],
        "transforms": {
            zone.word: {label: decision.transform(zone, label).value for label in sorted(facts.labels)}
            for zone in (Zone.ENCLAVE, Zone.CLOUD)
            if zone <= decision.ceiling
        },
        "requirements": _requirements(decision),
        "restore": _restore(decision, facts),
        "answers": decision.answers.word,
        "inspection": {"demanded": decision.inspection.word, "done": facts.inspection.word},
        "otherwise": otherwise(policy, facts, decision),
    }


def _reason(reason: Reason, binding: set[str], matched: list[str]) -> dict[str, Any]:
    return {
        "id": reason.id,
        "because": reason.because,
        "at_most": reason.at_most.word if reason.at_most is not None else None,
        "binds": reason.id in binding,
        "matched": matched,
    }


def _matched(policy: Policy, reason: str, facts: Facts) -> list[str]:
    """The facts that made a reason hold. A default holds by sensitivity, or by what was not inspected."""
    for rule in policy.rules:
        if reason in {rule.id, f"{rule.id}:unless"}:
            return list(dict.fromkeys([*why(rule.when, facts), *_exception(rule, facts)]))
    if reason == INHERITED:
        return [f"inherited {facts.inherited.word}"]
    if facts.uninspected:
        return [_uninspected(facts)]
    return [f"sensitivity {facts.sensitivity.word}"]


def _uninspected(facts: Facts) -> str:
    return f"uninspected ({', '.join(sorted(facts.uninspected))})"


def _exception(rule: Rule, facts: Facts) -> Iterator[str]:
    if rule.unless is not None and excepted(rule.unless, facts):
        for key in ("app", "tenant", "endpoint"):
            if getattr(rule.unless, key):
                yield f"{key} {getattr(facts, key)}"
        yield from (f"group {g}" for g in sorted(rule.unless.groups & facts.groups))
        yield f"exception until {rule.unless.until}"


def why(condition: Condition, facts: Facts) -> Iterator[str]:
    """The facts by which a condition holds, in words. Nothing for one that does not hold."""
    if not matches(condition, facts):
        return
    about = condition.labels or condition.categories or condition.tags or condition.sensitivity is not None
    if facts.uninspected and (about or condition.uninspected):
        yield _uninspected(facts)
    elif condition.sensitivity is not None:
        yield f"sensitivity {facts.sensitivity.word}"
    for label in sorted(condition.labels & facts.labels.keys()):
        if facts.labels[label].max_score >= condition.min_score:
            yield f"{label} {facts.labels[label].max_score / 1000:.2f}"
    for key, name in (("categories", "category"), ("tags", "tag"), ("content", "content"), ("tools", "tool")):
        yield from (f"{name} {value}" for value in sorted(getattr(condition, key) & set(getattr(facts, key))))
    for key in ("app", "tenant", "endpoint", "model"):
        if getattr(condition, key):
            yield f"{key} {getattr(facts, key)}"
    yield from (f"group {g}" for g in sorted(condition.groups & facts.groups))
    for part in (*condition.any, *condition.all):
        yield from why(part, facts)


def _restore(decision: Decision, facts: Facts) -> dict[str, list[str]]:
    """Where values of each origin may come back; of tools those that the policy or the request names."""
    named = {name for table in decision.restore for name in table}
    places = {p for table in decision.restore for some in table.values() for p in some}
    tools = {"tool:*", *(f"tool:{t}" for t in facts.tools)}
    args = {"tool_args:*", *(f"tool_args:{t}" for t in facts.tools), *(p for p in places if p.startswith("tool_args:"))}
    return {
        origin: [p for p in ("text", "code", "link", *sorted(args)) if decision.may_return(origin, p)]
        for origin in ("user", "assistant", "system", "other", *sorted(tools | {n for n in named if n[:5] == "tool:"}))
    }


def _requirements(decision: Decision) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for zone, want in decision.requirements.items():
        if zone > decision.ceiling or not (want.expectations or want.max_age_s or want.labels):
            continue
        out[zone.word] = {
            "expectations": sorted(want.expectations),
            "max_age_s": want.max_age_s,
            "labels": {k: sorted(v) for k, v in want.labels.items()},
        }
    return out


@dataclass(frozen=True, slots=True)
class _Change:
    """One fact less. Changes of one ``kind`` exclude each other (a payload has one sensitivity)."""

    kind: str
    name: str
    apply: Callable[[Facts], Facts]


def otherwise(policy: Policy, facts: Facts, decision: Decision) -> list[str]:
    """The smallest sets of facts without which the ceiling would be higher."""
    if decision.ceiling is Zone.CLOUD:
        return []
    changes = _changes(facts, _named(policy))
    for size in range(1, CHANGES + 1):
        found: dict[tuple[str, ...], str] = {}
        for some in combinations(changes, size):
            kinds = tuple(c.kind for c in some)
            if kinds in found or len(set(kinds)) < size:
                continue  # a smaller change of the same kinds is known already
            changed = facts
            for change in some:
                changed = change.apply(changed)
            if (zone := decide(policy, changed).ceiling) > decision.ceiling:
                found[kinds] = f"without {' and '.join(c.name for c in some)}: {zone.word}"
        if found:
            return list(found.values())
    best = decide(policy, _bare(facts)).ceiling
    return [f"no change of up to {CHANGES} facts; this app with nothing found in the payload could reach: {best.word}"]


def _bare(facts: Facts) -> Facts:
    """Nothing known but who asks, and when."""
    f = Facts(facts.app, facts.tenant, facts.endpoint, facts.model, facts.date)
    return replace(f, user=facts.user, groups=facts.groups)


def _named(policy: Policy) -> set[str]:
    """Labels, categories and tags that any rule tests: taking others away changes no ceiling."""
    names: set[str] = set()
    waiting = [rule.when for rule in policy.rules]
    while waiting:
        c = waiting.pop()
        names |= c.labels | c.categories | c.tags | c.content | c.tools
        waiting += [*c.any, *c.all]
    return names


def _changes(facts: Facts, named: set[str]) -> list[_Change]:
    out: list[_Change] = []
    if facts.uninspected:
        out.append(_Change("uninspected", "uninspected parts", lambda f: replace(f, uninspected=frozenset())))
    for level in sorted(Sensitivity, reverse=True):
        if level < facts.sensitivity:  # the nearest one first: it is the smaller change
            name = f"sensitivity {facts.sensitivity.word} ({level.word} instead)"
            out.append(_Change("sensitivity", name, partial(_lower, level)))
    for field, word in (("labels", "findings of"), ("categories", "category")):
        for key in sorted(getattr(facts, field).keys() & named):
            out.append(_Change(f"{field}:{key}", f"{word} {key}", _dropper(field, key)))
    for field, word in (("tags", "tag"), ("content", "content"), ("tools", "tool")):
        for key in sorted(getattr(facts, field) & named):
            out.append(_Change(f"{field}:{key}", f"{word} {key}", _dropper(field, key)))
    return out


def _lower(level: Sensitivity, f: Facts) -> Facts:
    return replace(f, sensitivity=level)


def _dropper(field: str, key: str) -> Callable[[Facts], Facts]:
    def drop(f: Facts) -> Facts:
        value = getattr(f, field)
        less: Any = value - {key} if isinstance(value, frozenset) else {k: v for k, v in value.items() if k != key}
        return replace(f, **{field: less})

    return drop


def words(explanation: dict[str, Any]) -> str:
    """For people: the decision first, then why."""
    lines = [f"may travel to: {explanation['ceiling']}   (policy {explanation['policy']} {explanation['revision']})"]
    for r in explanation["reasons"]:
        zone = f"at most {r['at_most']}" if r["at_most"] else "adds conditions"
        lines.append(f"  {'→' if r['binds'] else ' '} {r['id']}: {zone}. {r['because']}")
        lines.append(f"      by {', '.join(r['matched'])}")
    for zone, table in explanation["transforms"].items():
        if table:
            lines.append(f"  on the way to the {zone}: " + ", ".join(f"{k} {v}" for k, v in table.items()))
    for zone, want in explanation["requirements"].items():
        lines.append(f"  required of {zone}: {want}")
    lines.append(
        "  values come back: " + "; ".join(f"{o} into {_places(p)}" for o, p in explanation["restore"].items())
    )
    lines.append(f"  answers: {explanation['answers']}")
    looked = explanation["inspection"]
    lines.append(f"  inspection: {looked['done']} (this app needs {looked['demanded']})")
    lines += [f"  otherwise: {text}" for text in explanation["otherwise"]]
    return "\n".join(lines)


def _places(places: list[str]) -> str:
    return ", ".join(places) or "nothing"
