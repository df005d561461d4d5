"""Typed policies: what the YAML means once it was read. Frozen values; ``load`` makes them, ``decide`` reads them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.types import REFUSE, Answers, Inspection, Requirements, RestoreTable, Transform, Zone
from redaction.custom import NOTHING, Custom
from redaction.types import GROUPS, LABELS, Sensitivity


@dataclass(frozen=True, slots=True)
class Condition:
    """All given parts must hold; a set means any of it. Empty parts are not tested; a condition is never empty.

    ``labels`` are expanded (no groups). ``min_score`` is 0 to 1000 and belongs to ``labels``.
    """

    labels: frozenset[str] = frozenset()
    min_score: int = 0
    categories: frozenset[str] = frozenset()
    sensitivity: Sensitivity | None = None
    tags: frozenset[str] = frozenset()
    content: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    uninspected: bool = False
    app: frozenset[str] = frozenset()
    tenant: frozenset[str] = frozenset()
    endpoint: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    model: frozenset[str] = frozenset()
    any: tuple[Condition, ...] = ()
    all: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Unless:
    """An exception for an identity that the gate authenticated: its own ceiling, reason and last day."""

    at_most: Zone
    reason: str
    until: dt.date
    app: frozenset[str] = frozenset()
    tenant: frozenset[str] = frozenset()
    endpoint: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """If ``when`` holds: no farther than ``at_most``, these requirements per zone, these transforms at least."""

    id: str
    because: str
    when: Condition
    at_most: Zone | None = None
    require: Mapping[Zone, Requirements] = field(default_factory=dict)
    transforms: Mapping[Zone, Mapping[str, Transform]] = field(default_factory=dict)
    unless: Unless | None = None
    review_by: dt.date | None = None
    restore: RestoreTable = field(default_factory=dict)
    answers: Answers = Answers.RESTORE_ONLY
    inspection: Inspection = Inspection.FAST
    """``FULL`` in a rule whose ``when`` tests nothing but who asks: it must be known before anything is inspected."""


_BACK = frozenset({"text", "code"})
RESTORE: RestoreTable = {"user": _BACK, "assistant": _BACK, "tool:*": _BACK, "other": _BACK, "system": frozenset()}
"""What holds where a policy says nothing: into text and code; never into links, and into the arguments of no tool;
values of system prompts and tool definitions stay out of answers."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds without any rule: a zone for every sensitivity, a transform for every label (``'*'``)."""

    sensitivity: Mapping[Sensitivity, Zone]
    uninspected: Zone
    transforms: Mapping[Zone, Mapping[str, Transform]]
    scope: str = "conversation"
    restore: RestoreTable = field(default_factory=lambda: RESTORE)
    answers: Answers = Answers.TOLERANT
    attachments: str = REFUSE
    stand_ins: str = "plain"
    inspection: Mapping[str, Inspection] = field(default_factory=lambda: {"*": Inspection.FULL})
    """App -> how closely its payloads are looked at; ``*`` for all others."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy. ``revision`` is the first 16 hex digits of the SHA-256 of its canonical content."""

    name: str
    owner: str
    revision: str
    defaults: Defaults
    rules: tuple[Rule, ...] = ()
    version: int = 1
    detect: Custom = NOTHING
    """Patterns and terms that inspection must have looked for."""
    files: tuple[str, ...] = ()
    """Lists of terms, as the policy names them."""

    @property
    def labels(self) -> frozenset[str]:
        """Every label that this policy may name."""
        return LABELS | self.detect.labels


def expand(names: tuple[str, ...]) -> frozenset[str]:
    """Labels with groups replaced by their members."""
    return frozenset().union(*(GROUPS.get(n, frozenset({n})) for n in names))


def tool_names(policy: Policy) -> frozenset[str]:
    """Every tool name that the policy mentions: configured names, which records may hold as they are."""
    names: set[str] = set()
    waiting = [rule.when for rule in policy.rules]
    while waiting:
        condition = waiting.pop()
        names |= condition.tools
        waiting += [*condition.any, *condition.all]
    return frozenset(names)
