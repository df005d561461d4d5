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


class Answers(IntEnum):
    """What happens to an answer on its way back; a larger value does all that a smaller one does, and more. ``max`` of
    two is their meet: the one that looks at more."""

    RESTORE_ONLY = 0
    """Stand-ins as they were sent, in any case: holds back the least."""
    TOLERANT = 1
    """Also stand-ins that a model has altered; holds back 64 characters at most."""
    RESPOND = 2
    """Also inspects what the model wrote, sentence by sentence, and masks what is not the app's own."""

    @property
    def word(self) -> str:
        """The spelling used in policies."""
        return self.name.lower().replace("_", "-")


class Inspection(IntEnum):
    """How closely a payload is looked at. ``max`` of two is their meet: the one that looks at more."""

    FAST = 0
    """Patterns, secrets and the small token classifier: what needs no bundle."""
    FULL = 1
    """Every detector."""

    @property
    def word(self) -> str:
        """The spelling used in policies and records."""
        return self.name.lower()


ANY_TOOL = "*"
RestoreTable = Mapping[str, frozenset[str]]
"""Origin (``user``, ``tool:NAME``, ``tool:*``) -> the places where its values may come back (``text``, ``link``,
``code``, ``tool_args:NAME``, ``tool_args:*``). An origin that it does not name: nothing, in the defaults."""


def _wild(name: str) -> str:
    """``tool:crm`` -> ``tool:*``; a name without a part stays."""
    kind, colon, _ = name.partition(":")
    return f"{kind}:{ANY_TOOL}" if colon else kind


def may_return(tables: tuple[RestoreTable, ...], origin: str, place: str) -> bool:
    """Whether a value of ``origin`` may come back at ``place``: every table that speaks of the origin allows it.

    An entry for one tool beats the one for all (``tool:*``). The first table is the defaults': what it does not name is
    refused. The others are rules', which say nothing of an origin they do not name.
    """
    for number, table in enumerate(tables):
        places = table.get(origin, table.get(_wild(origin)))
        if places is None:
            if number == 0:
                return False
        elif place not in places and _wild(place) not in places:
            return False
    return bool(tables)


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
    counts as regulated. ``inherited`` is the ceiling of content that the request refers to or repeats. ``inspection``
    says how closely all of it was looked at. ``app``, ``user`` (keyed hash), ``groups`` and ``endpoint`` are
    authenticated by the gate.
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
    inspection: Inspection = Inspection.FULL


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
    ``requirements[zone]`` must all hold for an upstream of that zone. ``restore`` holds a table of the defaults and one
    of each matching rule that has any; all of them must allow (:meth:`may_return`).
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
    restore: tuple[RestoreTable, ...] = ()
    answers: Answers = Answers.TOLERANT
    stand_ins: str = "plain"
    """``plain`` (``PERSON_k3f9…``) or ``realistic``."""
    inspection: Inspection = Inspection.FULL
    """How closely this app's payloads must be looked at, on either way."""

    def may_return(self, origin: str, place: str) -> bool:
        """Whether a value of ``origin`` may come back at ``place``."""
        return may_return(self.restore, origin, place)

    def transform(self, zone: Zone, label: str) -> Transform:
        """The transform for ``label`` on the way to ``zone``; an unknown label takes the ``'*'`` entry."""
        table = self.transforms[zone]
        return table.get(label, table["*"])

    def binding(self) -> tuple[Reason, ...]:
        """The reasons that set the ceiling (those whose ``at_most`` equals it)."""
        return tuple(r for r in self.reasons if r.at_most == self.ceiling)
