"""The ``detect`` section of a policy: an organisation's own patterns and terms, every problem with file and line.

What cannot be found would be a rule that never matches: a pattern that RE2 cannot read or that matches nothing at all
is an error, and so is an example of a pattern that it does not find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from policies.yaml_strict import Path as At
from policies.yaml_strict import Problem, Reader, suggest
from redaction.custom import NOTHING, Allowed, Custom, OwnPattern, TermList
from redaction.detectors.custom import BadPattern, CustomDetector
from redaction.detectors.terms import LONGEST, key
from redaction.spans import spaceless
from redaction.types import GROUPS, LABELS

Read = Callable[[str], str]
"""Reads a list of terms by its name in the policy. Raises OSError or UnicodeDecodeError."""

AT: At = ("detect",)
KEYS = {"labels", "patterns", "terms", "allow"}
PATTERN = {"name", "label", "regex", "score", "context", "validator", "examples", "counterexamples"}
TERMS = {"name", "label", "terms", "file", "score"}
ALLOW = {"name", "terms", "file", "labels"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LABEL = re.compile(r"[A-Z][A-Z0-9_]{0,37}[A-Z0-9]")
"""As stand-ins and records can hold it."""
PATTERNS, REGEX, TERMS_MOST = 1_000, 2_000, 200_000
"""How many patterns and terms there may be, and characters of one pattern."""


def read_detect(r: Reader, read: Read | None) -> tuple[Custom, dict[str, str]]:
    """The section, and the text of every file that it names."""
    if not r.has(AT):
        return NOTHING, {}
    return _Detect(r, read).section()


class _Detect:
    def __init__(self, r: Reader, read: Read | None) -> None:
        self.r = r
        self._read = read
        self._names: set[str] = set()
        self.files: dict[str, str] = {}

    def section(self) -> tuple[Custom, dict[str, str]]:
        r, before = self.r, len(self.r.problems)
        if not r.mapping(AT, KEYS):
            r.problem(AT, f"names at least one of {', '.join(sorted(KEYS))}")
        labels = frozenset(self._label((*AT, "labels"), name) for name in r.texts((*AT, "labels")))
        patterns = [self._pattern(at) for at in self._items("patterns", PATTERNS)]
        terms = [self._terms(at) for at in self._items("terms", PATTERNS)]
        labels |= {p.label for p in patterns} | {t.label for t in terms}
        allow = [self._allow(at, labels) for at in self._items("allow", PATTERNS)]
        own = Custom(tuple(patterns), tuple(terms), tuple(allow), labels - LABELS)
        if sum(len(t.terms) for t in terms) + sum(len(a.terms) for a in allow) > TERMS_MOST:
            r.problem(AT, f"more than {TERMS_MOST} terms")
        elif len(r.problems) == before:
            self._together(own)
        return own, self.files

    def _together(self, own: Custom) -> None:
        try:
            CustomDetector(own)
        except Exception as e:  # RE2 cannot hold them all at once: whatever it is, the policy is not usable
            self.r.problem((*AT, "patterns"), f"these patterns together are too large ({type(e).__name__})")

    def _items(self, what: str, most: int) -> list[At]:
        value = self.r.get((*AT, what))
        if not self.r.has((*AT, what)):
            return []
        if not isinstance(value, list) or not 0 < len(value) <= most:
            self.r.problem((*AT, what), f"must be a list of 1 to {most} entries")
            return []
        return [(*AT, what, i) for i in range(len(value))]

    def _name(self, at: At) -> str:
        name = self.r.text((*at, "name"))
        if name and not NAME.fullmatch(name):
            self.r.problem((*at, "name"), "a name has 1 to 64 letters, digits, '_', '.' or '-'")
        if name in self._names:
            self.r.problem((*at, "name"), f"there is another entry named '{name}'")
        self._names.add(name)
        return name

    def _label(self, at: At, name: str) -> str:
        if name and not LABEL.fullmatch(name):
            self.r.problem(at, "a label has 2 to 39 capitals, digits or '_', such as EMPLOYEE_ID")
        return name

    def _score(self, at: At, default: float) -> float:
        return self.r.number((*at, "score"), default, 0.05, 1.0)

    def _pattern(self, at: At) -> OwnPattern:
        r = self.r
        r.mapping(at, PATTERN, ("name", "label", "regex"))
        spec = OwnPattern(
            self._name(at),
            self._label((*at, "label"), r.text((*at, "label"))),
            r.text((*at, "regex")),
            self._score(at, 0.8),
            r.texts((*at, "context")),
            r.text((*at, "validator")),
        )
        for word in spec.context:
            if not 0 < len(key(word)) <= LONGEST:
                r.problem((*at, "context"), "a context word has letters or digits")
        if len(spec.regex) > REGEX:
            r.problem((*at, "regex"), f"a pattern has at most {REGEX} characters")
        elif spec.regex:
            self._tried(at, spec)
        return spec

    def _tried(self, at: At, spec: OwnPattern) -> None:
        try:
            detector = CustomDetector(Custom((spec,)))
        except BadPattern as e:
            self.r.problem((*at, "validator" if "validator" in str(e) else "regex"), str(e))
            return
        except ValueError:  # a context word, reported already
            return
        except Exception as e:  # RE2's own errors have no common class
            self.r.problem((*at, "regex"), f"RE2 cannot hold it ({type(e).__name__})")
            return
        for what, wanted in (("examples", True), ("counterexamples", False)):
            for number, example in enumerate(self.r.texts((*at, what))):
                if bool(detector.detect(example)) is not wanted:
                    self.r.problem((*at, what, number), "is not found" if wanted else "is found")

    def _terms(self, at: At) -> TermList:
        self.r.mapping(at, TERMS, ("name", "label"))
        name, label = self._name(at), self._label((*at, "label"), self.r.text((*at, "label")))
        return TermList(name, label, self._list(at), self._score(at, 0.9))

    def _allow(self, at: At, own: frozenset[str]) -> Allowed:
        r = self.r
        r.mapping(at, ALLOW, ("name",))
        labels = r.texts((*at, "labels"))
        for label in labels:
            if label in GROUPS["@secrets"] or label == "@secrets":
                r.problem((*at, "labels"), "secrets are always found")
            elif label not in LABELS | own | GROUPS.keys():
                r.problem((*at, "labels"), f"unknown label '{label}'{suggest(label, LABELS | own)}")
        members = frozenset().union(*(GROUPS.get(x, frozenset({x})) for x in labels))
        return Allowed(self._name(at), self._list(at), tuple(sorted(members)))

    def _list(self, at: At) -> tuple[str, ...]:
        """``terms`` and the lines of ``file``."""
        r = self.r
        terms = r.texts((*at, "terms"))
        for number, term in enumerate(terms):
            if problem := wrong(term):
                r.problem((*at, "terms", number), problem)
        lines = self._lines(at) if r.has((*at, "file")) else ()
        if not terms and not lines and not r.has((*at, "terms")):
            r.problem(at, "needs 'terms' or a 'file' with a term in each line")
        return (*terms, *lines)

    def _lines(self, at: At) -> tuple[str, ...]:
        name = self.r.text((*at, "file"))
        try:
            if self._read is None:
                raise OSError
            text = self._read(name)
        except (OSError, UnicodeDecodeError, ValueError):
            self.r.problem((*at, "file"), "this file cannot be read")
            return ()
        self.files[name] = text
        lines = {n: line.strip() for n, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1)}
        terms = {n: line for n, line in lines.items() if line and not line.startswith("#")}
        if not terms:
            self.r.problem((*at, "file"), "this file names nothing")
        self.r.problems += [Problem(name, n, p) for n, term in terms.items() if (p := wrong(term))]
        return tuple(terms.values())


def wrong(term: str) -> str:
    """Why nothing can be found by this term; empty where it can. A single letter would be found everywhere."""
    said = key(term)
    if not said or len(said) > LONGEST:
        return f"a term has 1 to {LONGEST} words"
    return "" if len("".join(said)) > 1 or spaceless(term.strip()[0]) else "a term of one letter would be everywhere"


def counts(own: Custom) -> Mapping[str, int]:
    """For people: how much there is of what."""
    return {
        "patterns": len(own.patterns),
        "terms": sum(len(t.terms) for t in own.terms),
        "allowed": sum(len(a.terms) for a in own.allow),
    }
