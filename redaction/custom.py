"""What an organisation detects by rules of its own: patterns, lists of terms, and terms that are nothing. Plain values.

``policies.detect`` reads them from a policy, ``redaction.detectors.custom`` looks for them. Terms may be names of
customers or projects: they are in no repr, and messages name a list, never what stands in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

VERSION = "2"
"""Of the code that looks for them."""


@dataclass(frozen=True, slots=True)
class OwnPattern:
    """A regular expression. With ``context`` it counts only near one of these words; ``validator`` names a check."""

    name: str
    label: str
    regex: str
    score: float = 0.8
    context: tuple[str, ...] = ()
    validator: str = ""


@dataclass(frozen=True, slots=True)
class TermList:
    """Words and phrases that are always findings."""

    name: str
    label: str
    terms: tuple[str, ...] = field(repr=False)
    score: float = 0.9


@dataclass(frozen=True, slots=True)
class Allowed:
    """Words and phrases that are no finding by themselves; ``labels``: only of these, empty for any but secrets."""

    name: str
    terms: tuple[str, ...] = field(repr=False)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Custom:
    """All of it. ``labels`` are those that a policy may name beyond the ones of this release."""

    patterns: tuple[OwnPattern, ...] = ()
    terms: tuple[TermList, ...] = ()
    allow: tuple[Allowed, ...] = ()
    labels: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> str:
        """Of everything that changes what is found; empty where there is nothing."""
        if not (self.patterns or self.terms or self.allow):
            return ""
        return hashlib.sha256(f"{VERSION}\n{json.dumps(self.to_json(), sort_keys=True)}".encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """For the processes that inspect. Labels that nothing here gives are left out."""
        whole = asdict(self)
        return {name: whole[name] for name in ("patterns", "terms", "allow")}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Custom:
        """The inverse of :meth:`to_json`."""
        return Custom(
            tuple(OwnPattern(**{**p, "context": tuple(p["context"])}) for p in value["patterns"]),
            tuple(TermList(**{**t, "terms": tuple(t["terms"])}) for t in value["terms"]),
            tuple(Allowed(a["name"], tuple(a["terms"]), tuple(a["labels"])) for a in value["allow"]),
        )


NOTHING = Custom()
