"""Facts as JSON-ready values, for audit records, cases and replay. Integers and names only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from policies.types import Facts, Inspection, LabelFacts, Zone
from redaction.types import Sensitivity

SCHEMA = 1
_SETS = ("uninspected", "content", "tools", "languages", "tags", "groups")


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Sorted, value-free, ``schema: 1``. ``inherited`` is there only where it limits."""
    out: dict[str, Any] = {name: sorted(getattr(facts, name)) for name in _SETS}
    out |= {
        "schema": SCHEMA,
        "date": facts.date.isoformat(),
        "endpoint": facts.endpoint,
        "size": facts.size,
        "stream": facts.stream,
        "inspection": facts.inspection.word,
        "labels": {
            label: {"n": f.n, "distinct": f.distinct, "max": f.max_score, "histogram": list(f.histogram)}
            for label, f in sorted(facts.labels.items())
        },
    }
    if facts.inherited < Zone.CLOUD:
        out["inherited"] = facts.inherited.word
    return out


def facts_from_json(value: Mapping[str, Any], common: Mapping[str, Any]) -> Facts:
    """The inverse, with the fields that a record holds beside its facts. Raises KeyError, ValueError or TypeError."""
    if value["schema"] != SCHEMA:
        raise ValueError("unknown facts schema")
    labels = {
        label: LabelFacts(f["n"], f["distinct"], f["max"], tuple(f["histogram"]))
        for label, f in value["labels"].items()
    }
    return Facts(
        app=common["app"],
        tenant=common["tenant"],
        endpoint=value["endpoint"],
        model=common["model"],
        date=dt.date.fromisoformat(value["date"]),
        sensitivity=Sensitivity[common["sensitivity"].upper()],
        categories=dict(common["categories"]),
        labels=labels,
        size=value["size"],
        stream=value["stream"],
        uninspected=frozenset(value["uninspected"]),
        content=frozenset(value["content"]),
        tools=frozenset(value["tools"]),
        languages=frozenset(value["languages"]),
        tags=frozenset(value["tags"]),
        groups=frozenset(value["groups"]),
        inherited=Zone[value.get("inherited", Zone.CLOUD.word).upper()],
        inspection=Inspection[value.get("inspection", Inspection.FULL.word).upper()],
    )
