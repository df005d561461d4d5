"""Vault entries for tests, and a clock that is set by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from policies.types import Facts, LabelFacts, Zone
from proxy.ports import Held, Principal
from redaction.types import Sensitivity

CRM = Principal("sales", "crm")
DESK = Principal("sales", "desk")
OTHER = Principal("legal", "crm")
DAY = dt.timedelta(days=1)
CANARY = "anna.berg@example.com"
TOKEN = "EMAIL_0123456789abc"

FACTS = Facts(
    app="crm",
    tenant="sales",
    endpoint="openai.responses",
    model="gpt-4o",
    date=dt.date(2026, 3, 1),
    sensitivity=Sensitivity.CONFIDENTIAL,
    categories={"health": 900},
    labels={"EMAIL_ADDRESS": LabelFacts(1, 1, 1000)},
    tags=frozenset({"marked_confidential"}),
)


def held(**more: Any) -> Held:
    made = Held("cloud", Zone.CLOUD, Zone.ENCLAVE, FACTS, "first:00", {TOKEN: CANARY}, {"filename": "canary-name.txt"})
    return replace(made, **more)


class Now:
    """Aware UTC that moves only when told."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.at


def purpose(name: str, tenant: str) -> bytes:
    return f"{name}/{tenant}".ljust(32).encode()[:32]
