"""Zones, transforms, facts and decisions: plain values that the policy engine and the proxy share.

Facts are value-free: no text, clock, network or randomness. A decision is pure data with its reasons.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from redaction.types import Sensitivity


class Zone(IntEnum):
    """How far a payload may travel; larger is farther (less trusted). ``min`` of two zones is their meet."""

    BLOCKED = 0
    ONPREM = 1
    ENCLAVE = 2
    CLOUD = 3

    @property
    def word(self) -> str:
        """The spelling used in policies, records and headers."""
        return self.name.lower()


class Transform(StrEnum):
    """What happens to a finding before it leaves. keep < generalize, pseudonym, mask < redact."""

    KEEP = "keep"
    GENERALIZE = "generalize"
    PSEUDONYM = "pseudonym"
    MASK = "mask"
    REDACT = "redact"


REFUSE, TEXT = "refuse", "text"
"""What policy says about attachments in which something must change."""


def stricter(a: Transform, b: Transform) -> Transform:
    """The meet of two transforms: the stricter one; two different middle ones meet in ``redact``."""
    if a is b:
        return a
    if a is Transform.KEEP:
        return b
    if b is Transform.KEEP:
        return a
    return Transform.REDACT


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """How often a label was found. Scores are integers 0 to 1000; ``histogram`` counts them in ten buckets."""

    n: int
    distinct: int
    max_score: int
    histogram: tuple[int, ...] = (0,) * 10


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a rule may test about one request. Never text.

    ``uninspected`` holds reasons; when it is not empty every label and category matches and the sensitivity
    counts as regulated. ``inherited`` is the ceiling of content that the request refers to or repeats. ``app``,
    ``user`` (keyed hash), ``groups`` and ``endpoint`` are authenticated by the gate.
    """

    app: str
    tenant: str
    endpoint: str
    model: str
    date: dt.date
    sensitivity: Sensitivity = Sensitivity.PUBLIC
    categories: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, LabelFacts] = field(default_factory=dict)
    uninspected: frozenset[str] = frozenset()
    content: frozenset[str] = frozenset({"text"})
    tools: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    user: str | None = None
    groups: frozenset[str] = frozenset()
    size: int = 0
    stream: bool = False
    inherited: Zone = Zone.CLOUD


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule or default that shaped the decision: its id, why, and the furthest zone it allows (if it says)."""

    id: str
    because: str
    at_most: Zone | None = None


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an upstream must satisfy, all of it. ``labels`` are key/value pairs the upstream's labels must hold."""

    expectations: frozenset[str] = frozenset()
    max_age_s: float | None = None
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The meet of all matching rules and the defaults, with its reasons.

    ``transforms[zone]`` maps labels (and ``'*'``) to transforms; use :meth:`transform`.
    ``requirements[zone]`` must all hold for an upstream of that zone.
    """

    ceiling: Zone
    transforms: Mapping[Zone, Mapping[str, Transform]]
    requirements: Mapping[Zone, Requirements]
    reasons: tuple[Reason, ...]
    policy: str
    revision: str
    scope: str = "conversation"
    attachments: str = REFUSE
    """Whether an attachment in which something must change gives way to its text (``text``) or stays out of the zone
    (``refuse``)."""

    def transform(self, zone: Zone, label: str) -> Transform:
        """The transform for ``label`` on the way to ``zone``; an unknown label takes the ``'*'`` entry."""
        table = self.transforms[zone]
        return table.get(label, table["*"])

    def binding(self) -> tuple[Reason, ...]:
        """The reasons that set the ceiling (those whose ``at_most`` equals it)."""
        return tuple(r for r in self.reasons if r.at_most == self.ceiling)
