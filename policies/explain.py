"""Why a decision came out as it did, and what would have to be different. Pure: facts and policy in, text out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from policies.decide import decide
from policies.schema import Policy
from policies.types import Decision, Facts, Reason, Zone
from redaction.types import Sensitivity


def explain(policy: Policy, facts: Facts) -> dict[str, Any]:
    """The decision, every reason and which of them bind, the transforms, and what would raise the ceiling."""
    decision = decide(policy, facts)
    binding = {r.id for r in decision.binding()}
    return {
        "ceiling": decision.ceiling.word,
        "policy": decision.policy,
        "revision": decision.revision,
        "reasons": [_reason(r, binding) for r in decision.reasons],
        "transforms": {
            zone.word: {label: decision.transform(zone, label).value for label in sorted(facts.labels)}
            for zone in (Zone.ENCLAVE, Zone.CLOUD)
            if zone <= decision.ceiling
        },
        "requirements": _requirements(decision),
        "otherwise": otherwise(policy, facts, decision),
    }


def _reason(reason: Reason, binding: set[str]) -> dict[str, Any]:
    return {
        "id": reason.id,
        "because": reason.because,
        "at_most": reason.at_most.word if reason.at_most is not None else None,
        "binds": reason.id in binding,
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


def otherwise(policy: Policy, facts: Facts, decision: Decision) -> list[str]:
    """Single facts without which the ceiling would be higher: the smallest changes that decide otherwise."""
    out = []
    for name, changed in _smaller(facts):
        other = decide(policy, changed)
        if other.ceiling > decision.ceiling:
            out.append(f"without {name}: {other.ceiling.word}")
    if not out and decision.ceiling < Zone.CLOUD:
        bare = Facts(facts.app, facts.tenant, facts.endpoint, facts.model, facts.date)
        best = decide(policy, bare).ceiling
        out.append(f"no single fact alone; a payload without any finding could reach: {best.word}")
    return out


def _smaller(facts: Facts) -> list[tuple[str, Facts]]:
    """Each way of taking one fact away."""
    out: list[tuple[str, Facts]] = []
    if facts.uninspected:
        out.append(("uninspected parts", replace(facts, uninspected=frozenset())))
    for label in sorted(facts.labels):
        rest = {k: v for k, v in facts.labels.items() if k != label}
        out.append((f"findings of {label}", replace(facts, labels=rest)))
    for category in sorted(facts.categories):
        less = {k: v for k, v in facts.categories.items() if k != category}
        out.append((f"category {category}", replace(facts, categories=less)))
    for level in range(int(facts.sensitivity)):
        name = f"sensitivity {facts.sensitivity.word} ({Sensitivity(level).word} instead)"
        out.append((name, replace(facts, sensitivity=Sensitivity(level))))
    out += [(f"tag {tag}", replace(facts, tags=facts.tags - {tag})) for tag in sorted(facts.tags)]
    return out


def words(explanation: dict[str, Any]) -> str:
    """For people: the decision first, then why."""
    lines = [f"may travel to: {explanation['ceiling']}   (policy {explanation['policy']} {explanation['revision']})"]
    for r in explanation["reasons"]:
        zone = f"at most {r['at_most']}" if r["at_most"] else "adds conditions"
        lines.append(f"  {'→' if r['binds'] else ' '} {r['id']}: {zone}. {r['because']}")
    for zone, table in explanation["transforms"].items():
        if table:
            lines.append(f"  on the way to the {zone}: " + ", ".join(f"{k} {v}" for k, v in table.items()))
    for zone, want in explanation["requirements"].items():
        lines.append(f"  required of {zone}: {want}")
    lines += [f"  otherwise: {text}" for text in explanation["otherwise"]]
    return "\n".join(lines)
