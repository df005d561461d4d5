"""Strict YAML into a :class:`Policy`: every problem at once, each with file and line. Reads no clock.

An unknown key, label, category or zone, a missing default, an empty condition: all are errors, because a policy that is
read differently from how it was meant protects nobody.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from policies.detect import Read, read_detect
from policies.schema import RESTORE, Condition, Defaults, Policy, Rule, Unless, expand
from policies.types import REFUSE, TEXT, Answers, Inspection, Requirements, RestoreTable, Transform, Zone
from policies.yaml_strict import Path as At
from policies.yaml_strict import Reader, parse, suggest
from redaction.types import CATEGORIES, GROUPS, LABELS, Sensitivity

ZONES = {z.word: z for z in Zone}
LEVELS = {s.word: s for s in Sensitivity}
TRANSFORMS = {t.value: t for t in Transform}
TOP = {"version", "name", "owner", "description", "defaults", "detect", "rules"}
DEFAULTS = {
    "sensitivity", "uninspected", "transforms", "transforms_enclave", "scope", "restore", "answers", "attachments",
    "stand_ins", "inspection",
}  # fmt: skip
DOES = {"at_most", "require", "transforms", "transforms_enclave", "restore", "answers", "inspection"}
"""What a rule can do; it does at least one of it."""
RULE = DOES | {"id", "when", "unless", "because", "review_by"}
IDENTITY = {"app", "tenant", "endpoint", "groups"}
PRESENCE = {"labels", "min_score", "categories", "sensitivity", "tags", "content", "tools", "uninspected", "model"}
WHEN = IDENTITY | PRESENCE | {"any", "all"}
UNLESS = IDENTITY | {"at_most", "reason", "until"}
REQUIRE = {"expectations", "max_age", "cloud", "enclave", "onprem"}
NOT_YET = {"latency", "not"}
ATTACHMENTS = {REFUSE, TEXT}
SCOPES = {"request", "conversation", "app"}
STAND_INS = {"plain", "realistic"}
ANSWERS = {a.word: a for a in Answers}
INSPECTIONS = {i.word: i for i in Inspection}
ORIGIN = re.compile(r"system|user|assistant|other|tool:(?:\*|[A-Za-z0-9_-]{1,128})")
PLACE = re.compile(r"text|link|code|tool_args:(?:\*|[A-Za-z0-9_.:@/-]{1,160})")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
TOOL = re.compile(r"[A-Za-z0-9_.:@/+*#,=\-]{1,160}")
"""A tool's name as a record can hold it: a policy that named another could not be recorded when it matches."""
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TABLES = (("transforms", Zone.CLOUD), ("transforms_enclave", Zone.ENCLAVE))
CONTENT = {"text", "image", "audio", "file", "video", "tools", "unknown"}
TAGS = {"marked_confidential"}
"""Tags that inspection sets; any other would be a rule that never matches."""


def load_file(path: Path) -> Policy:
    """Reads a policy file and the lists of terms that it names, by paths relative to it. Raises YamlProblems, OSError
    or UnicodeDecodeError."""
    return load(path.read_text("utf-8"), str(path), lambda name: (path.parent / name).read_text("utf-8"))


def load(text: str, source: str, read: Read | None = None) -> Policy:
    """Reads a policy; ``read`` gives the lists of terms that it names. Raises YamlProblems with all that is wrong."""
    return _Loader(Reader(parse(text, source)), read).policy()


def overdue(policy: Policy, today: dt.date) -> tuple[str, ...]:
    """Rules whose ``review_by`` has passed and exceptions that have ended: warnings, not errors."""
    late = [f"{r.id}: its review was due on {r.review_by}" for r in policy.rules if r.review_by and r.review_by < today]
    ended = [
        f"{r.id}: its exception ended on {r.unless.until}" for r in policy.rules if r.unless and r.unless.until < today
    ]
    return (*late, *ended)


def iso_date(text: str) -> dt.date | None:
    """``2027-03-31``; None for anything else, also for ISO's week dates."""
    try:
        return dt.date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def read_restore(r: Reader, at: At) -> RestoreTable:
    """Origin -> places. The defaults' table is complete: an origin that it does not name gets nothing back."""
    entries = r.mapping(at, None)
    if entries == {} == r.get(at):
        r.problem(at, "must name an origin")
    table: dict[str, frozenset[str]] = {}
    for origin, places in entries.items():
        here = (*at, origin)
        if not ORIGIN.fullmatch(origin):
            r.problem(here, "an origin is system, user, assistant, other, tool:NAME or tool:*")
        names = () if places == [] else r.texts(here)
        if not all(map(PLACE.fullmatch, names)):
            r.problem(here, "a place is text, link, code, tool_args:NAME or tool_args:*")
        table[origin] = frozenset(names)
    return table


def _keys(condition: object) -> Iterator[str]:
    """Every key that a condition names, at any depth."""
    if isinstance(condition, dict):
        yield from condition
        for part in (condition.get("any"), condition.get("all")):
            for inner in part if isinstance(part, list) else ():
                yield from _keys(inner)


class _Loader:
    def __init__(self, reader: Reader, read: Read | None = None) -> None:
        self.r = reader
        self._own, self._files = read_detect(reader, read)
        self._labels = LABELS | self._own.labels | GROUPS.keys()

    def policy(self) -> Policy:
        r = self.r
        self._mapping((), TOP, {"version", "name", "owner", "defaults"})
        version = r.get(("version",))
        if r.has(("version",)) and (type(version) is not int or version != 1):
            r.problem(("version",), "must be 1")
        defaults = self._defaults()
        raw = r.get(("rules",))
        if raw is not None and not isinstance(raw, list):
            r.problem(("rules",), "must be a list of rules")
        rules = tuple(self._rule(("rules", i)) for i in range(len(raw) if isinstance(raw, list) else 0))
        self._unique(rules)
        content = [r.document.value, self._files] if self._files else r.document.value
        revision = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
        r.text(("description",))
        names = r.text(("name",)), r.text(("owner",))
        policy = Policy(*names, revision, defaults, rules, detect=self._own, files=tuple(self._files))
        r.done()
        return policy

    def _mapping(self, at: At, allowed: set[str], required: set[str]) -> dict[str, Any]:
        """As Reader.mapping, with a clear word for keys that a later release fills."""
        value = self.r.get(at)
        for key in sorted(NOT_YET & set(value if isinstance(value, dict) else ())):
            self.r.problem((*at, key), "not yet: this release has no such key")
        return self.r.mapping(at, allowed | NOT_YET, sorted(required))

    def _unique(self, rules: tuple[Rule, ...]) -> None:
        ids = [rule.id for rule in rules]
        for i, name in enumerate(ids):
            if name and name in ids[:i]:
                self.r.problem(("rules", i, "id"), f"there is another rule with id '{name}'")

    def _defaults(self) -> Defaults:
        at: At = ("defaults",)
        self._mapping(at, DEFAULTS, {"sensitivity", "uninspected", "transforms", "transforms_enclave"})
        self.r.mapping((*at, "sensitivity"), LEVELS, list(LEVELS))
        levels = {level: self._zone((*at, "sensitivity", word)) for word, level in LEVELS.items()}
        ordered = [levels[s] for s in sorted(LEVELS.values())]
        if ordered != sorted(ordered, reverse=True):
            self.r.problem(
                (*at, "sensitivity"), "a more sensitive level may not travel farther than a less sensitive one"
            )
        uninspected = self._zone((*at, "uninspected"))
        if uninspected is Zone.CLOUD:
            self.r.problem((*at, "uninspected"), "what nobody could inspect may not go to the cloud")
        tables = {zone: self._table((*at, key), whole=True) for key, zone in TABLES}
        tables[Zone.ONPREM] = {"*": Transform.KEEP}
        scope = self.r.choice((*at, "scope"), SCOPES, "conversation")
        restore = read_restore(self.r, (*at, "restore")) if self.r.has((*at, "restore")) else RESTORE
        forms = self.r.choice((*at, "stand_ins"), STAND_INS, "plain")
        answers = self._answers(at, Answers.TOLERANT)
        attachments = self.r.choice((*at, "attachments"), ATTACHMENTS, REFUSE)
        inspection = self._inspections((*at, "inspection"))
        return Defaults(levels, uninspected, tables, scope, restore, answers, attachments, forms, inspection)

    def _inspections(self, at: At) -> dict[str, Inspection]:
        """One word for every app, or a table of apps with ``'*'`` for all others."""
        r = self.r
        if not isinstance(r.get(at), dict):
            return {"*": INSPECTIONS[r.choice(at, INSPECTIONS, Inspection.FULL.word)]}
        entries = r.mapping(at, None, ["*"])
        for app in entries:
            if app != "*" and not NAME.fullmatch(app):
                r.problem((*at, app), "an app's name has letters, digits, '_', '.' or '-'")
        return {"*": Inspection.FULL} | {
            app: INSPECTIONS[r.choice((*at, app), INSPECTIONS, Inspection.FULL.word)] for app in entries
        }

    def _zone(self, at: At) -> Zone:
        return ZONES[self.r.choice(at, ZONES, "blocked")]

    def _table(self, at: At, *, whole: bool) -> dict[str, Transform]:
        """Label -> transform. A label beats its group, which beats ``'*'``; two groups may not disagree on a label."""
        table: dict[str, Transform] = {"*": Transform.REDACT} if whole else {}
        if not self.r.has(at):
            return table
        entries = self.r.mapping(at, None, ["*"] if whole else [])
        if entries == {} == self.r.get(at):
            self.r.problem(at, "must name a label")
        own = {k: TRANSFORMS[self.r.choice((*at, k), TRANSFORMS, "redact")] for k in entries}
        by_group: dict[str, Transform] = {}
        for key, transform in own.items():
            if key.startswith("@") and key in GROUPS:
                for label in GROUPS[key]:
                    if by_group.setdefault(label, transform) is not transform:
                        self.r.problem((*at, key), f"'{label}' is in another group with another transform")
            elif key != "*":
                self._known((*at, key), (key,), self._labels, "label")
        return table | by_group | {k: t for k, t in own.items() if not k.startswith("@")}

    def _known(self, at: At, names: tuple[str, ...], known: frozenset[str] | set[str], what: str) -> frozenset[str]:
        for name in names:
            if name not in known:
                self.r.problem(at, f"unknown {what} '{name}'{suggest(name, known)}")
        return frozenset(names)

    def _rule(self, at: At) -> Rule:
        r = self.r
        entry = self._mapping(at, RULE, {"id", "when", "because"})
        name = r.text((*at, "id"))
        if name and not NAME.fullmatch(name):
            r.problem((*at, "id"), "an id has letters, digits, '_', '.' or '-'")
        if not DOES & set(entry):
            r.problem(at, f"a rule needs at least one of {', '.join(sorted(DOES))}")
        return Rule(
            id=name,
            because=r.text((*at, "because")),
            when=self._condition((*at, "when")),
            at_most=self._zone((*at, "at_most")) if "at_most" in entry else None,
            require=self._require((*at, "require")) if "require" in entry else {},
            transforms={zone: t for key, zone in TABLES if (t := self._table((*at, key), whole=False))},
            unless=self._unless((*at, "unless"), entry) if "unless" in entry else None,
            review_by=self._date((*at, "review_by")) if "review_by" in entry else None,
            restore=read_restore(self.r, (*at, "restore")) if "restore" in entry else {},
            answers=self._answers(at, Answers.RESTORE_ONLY),
            inspection=self._inspection(at) if "inspection" in entry else Inspection.FAST,
        )

    def _inspection(self, at: At) -> Inspection:
        """A rule may only look more closely, and only at what is known before anything is inspected: who asks."""
        self.r.choice((*at, "inspection"), {Inspection.FULL.word}, Inspection.FULL.word)
        if PRESENCE & set(_keys(self.r.get((*at, "when")))):
            self.r.problem((*at, "inspection"), f"'when' may test only {', '.join(sorted(IDENTITY))} here")
        return Inspection.FULL

    def _answers(self, at: At, default: Answers) -> Answers:
        return ANSWERS[self.r.choice((*at, "answers"), ANSWERS, default.word)]

    def _date(self, at: At) -> dt.date:
        value = self.r.get(at)
        day = iso_date(value) if isinstance(value, str) else None
        if day is None and self.r.has(at):
            self.r.problem(at, "must be a date such as 2027-03-31")
        return day or dt.date.min

    def _condition(self, at: At) -> Condition:
        r = self.r
        entry = self._mapping(at, WHEN, set())
        if not entry:
            r.problem(at, "a condition names at least one key")
        if "min_score" in entry and "labels" not in entry:
            r.problem((*at, "min_score"), "belongs to 'labels'")
        if "uninspected" in entry and r.get((*at, "uninspected")) is not True:
            r.problem((*at, "uninspected"), "can only be true: absence may not be tested")
        labels = self._known((*at, "labels"), r.texts((*at, "labels")), self._labels, "label")
        level = r.choice((*at, "sensitivity"), LEVELS, "public") if "sensitivity" in entry else None
        return Condition(
            labels=expand(tuple(labels)),
            min_score=round(r.number((*at, "min_score"), 0.0, 0.0, 1.0) * 1000),
            categories=self._known((*at, "categories"), r.texts((*at, "categories")), CATEGORIES, "category"),
            sensitivity=LEVELS[level] if level else None,
            tags=self._known((*at, "tags"), r.texts((*at, "tags")), TAGS, "tag"),
            content=self._known((*at, "content"), r.texts((*at, "content")), CONTENT, "content"),
            tools=self._tools((*at, "tools")),
            uninspected="uninspected" in entry,
            model=frozenset(r.texts((*at, "model"))),
            any=self._parts((*at, "any")) if "any" in entry else (),
            all=self._parts((*at, "all")) if "all" in entry else (),
            **self._who(at),
        )

    def _tools(self, at: At) -> frozenset[str]:
        names = frozenset(self.r.texts(at))
        if not all(map(TOOL.fullmatch, names)):
            self.r.problem(at, "a tool's name has no spaces, quotes or other signs that a record cannot hold")
        return names

    def _who(self, at: At) -> dict[str, Any]:
        return {key: frozenset(self.r.texts((*at, key))) for key in sorted(IDENTITY)}

    def _parts(self, at: At) -> tuple[Condition, ...]:
        value = self.r.get(at)
        if not isinstance(value, list) or not value:
            self.r.problem(at, "must be a list of conditions")
            return ()
        return tuple(self._condition((*at, i)) for i in range(len(value)))

    def _unless(self, at: At, rule: Mapping[str, Any]) -> Unless:
        entry = self._mapping(at, UNLESS, {"at_most", "reason", "until"})
        if not IDENTITY & set(entry):
            self.r.problem(at, f"an exception names who it is for: {', '.join(sorted(IDENTITY))}")
        if "at_most" not in rule:
            self.r.problem(at, "an exception needs a rule with 'at_most'")
        who = self._who(at)
        return Unless(self._zone((*at, "at_most")), self.r.text((*at, "reason")), self._date((*at, "until")), **who)

    def _require(self, at: At) -> dict[Zone, Requirements]:
        entry = self._mapping(at, REQUIRE, set())
        out: dict[Zone, Requirements] = {}
        if not entry:
            self.r.problem(at, "must name a requirement")
        if {"expectations", "max_age"} & set(entry):
            age = self.r.seconds((*at, "max_age"), 600.0) if "max_age" in entry else None
            out[Zone.ENCLAVE] = Requirements(frozenset(self.r.texts((*at, "expectations"))), age)
        for word in ("cloud", "enclave", "onprem"):
            if word in entry:
                pairs = self.r.mapping((*at, word), None)
                if not pairs:
                    self.r.problem((*at, word), "must name a label of the upstream")
                labels = {k: frozenset(self.r.texts((*at, word, k))) for k in pairs}
                old = out.get(ZONES[word], Requirements())
                out[ZONES[word]] = Requirements(old.expectations, old.max_age_s, labels)
        return out
