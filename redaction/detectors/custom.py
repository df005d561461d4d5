"""Patterns and terms of an organisation's own. RE2 and one walk over the words, so linear in the length of the text.

RE2 reads ``\\d``, ``\\w`` and ``\\s`` as ASCII, and ``\\b`` as if letters with accents were none: a pattern that found
``Nr. 4711 Müller`` where it was tried would find nothing there, silently. So the three mean any digit, letter or blank
here, and in a text that is not ASCII ``\\b`` is judged by what stands around a match. What a pattern finds always
counts: no other detector's finding takes its label away (``redaction.spans``).
"""

from __future__ import annotations

import importlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2
from stdnum.exceptions import ValidationError

from redaction.custom import Allowed, Custom, OwnPattern
from redaction.detectors.linear import MEMORY, compile_pattern
from redaction.detectors.terms import Terms, key
from redaction.spans import OWN
from redaction.types import GROUPS, Detector, DetectorFailed, Finding

NAME = OWN
BEFORE, AFTER = 80, 40
"""Characters around a match in which its context words are looked for."""
MOST = 20_000
"""Findings in one text; a text with more is uninspected rather than half read."""
VALUE = "value"
"""The group that is the finding, where a pattern names one."""
CHECKS = {
    "luhn": "stdnum.luhn",
    "verhoeff": "stdnum.verhoeff",
    "damm": "stdnum.damm",
    "mod97": "stdnum.iso7064.mod_97_10",
    "mod11_2": "stdnum.iso7064.mod_11_2",
    "mod11_10": "stdnum.iso7064.mod_11_10",
    "mod37_2": "stdnum.iso7064.mod_37_2",
    "mod37_36": "stdnum.iso7064.mod_37_36",
    "iban": "stdnum.iban",
    "isin": "stdnum.isin",
    "imei": "stdnum.imei",
    "vatin": "stdnum.eu.vat",
}
"""Validators by name: python-stdnum's modules."""
_IN_CLASS = {"d": r"\p{Nd}", "D": r"\P{Nd}", "w": r"\p{L}\p{M}\p{N}_", "s": r"\s\p{Z}\x0b\x{85}"}
_ALONE = {
    "d": r"\p{Nd}", "D": r"\P{Nd}", "w": rf"[{_IN_CLASS['w']}]", "W": rf"[^{_IN_CLASS['w']}]",
    "s": rf"[{_IN_CLASS['s']}]", "S": rf"[^{_IN_CLASS['s']}]",
}  # fmt: skip
_ANYWHERE = "(?:)"


class BadPattern(ValueError):
    """A pattern that cannot be used; the message says why and shows no text but the pattern's own syntax."""


def translated(regex: str) -> tuple[str, str]:
    """``regex`` for RE2: as it is meant, and without word boundaries. Raises BadPattern."""
    strict, loose = [], []
    at, bracket, negated, first = 0, False, False, 0
    while at < len(regex):
        piece, bracket, negated, first = _piece(regex, at, bracket, negated, first)
        part = piece
        if piece[0] == "\\" and len(piece) == 2:
            if bracket and negated and piece[1] in "WS":
                raise BadPattern(f"[^…{piece}…] is ASCII only in RE2; write \\pL for letters, [ \\t] for blanks")
            part = (_IN_CLASS if bracket else _ALONE).get(piece[1], piece)
        at += len(piece)
        strict.append(part)
        loose.append(_ANYWHERE if piece in (r"\b", r"\B") and not bracket else part)
    return "(?im)" + "".join(strict), "(?im)" + "".join(loose)


def _piece(regex: str, at: int, bracket: bool, negated: bool, first: int) -> tuple[str, bool, bool, int]:
    """What stands at ``at``: a character, an escape, a quotation or a POSIX class; and whether a class is open then,
    a negated one, and where its first character is (a ``]`` there closes nothing)."""
    char = regex[at]
    if char == "\\":
        end = regex.find("\\E", at)
        quoted = regex[at : len(regex) if end < 0 else end + 2]
        return quoted if regex.startswith("\\Q", at) else regex[at : at + 2], bracket, negated, first
    if bracket and regex.startswith("[:", at) and (end := regex.find(":]", at)) > 0:
        return regex[at : end + 2], True, negated, first
    if bracket:
        return char, char != "]" or at == first, negated, first
    if char == "[":
        hat = regex.startswith("[^", at)
        return "[^" if hat else "[", True, hat, at + (2 if hat else 1)
    return char, False, False, 0


def checker(name: str) -> Callable[[str], bool]:
    """A validator by name: one of ``CHECKS`` or python-stdnum's ``COUNTRY.NUMBER``. Raises BadPattern."""
    country, dot, number = name.partition(".")
    module = CHECKS.get(name) or (f"stdnum.{name}" if dot and country.isidentifier() and number.isidentifier() else "")
    try:
        validate = importlib.import_module(module).validate
    except (ImportError, AttributeError, ValueError):
        raise BadPattern(f"there is no validator '{name}'; there are {', '.join(CHECKS)}, and de.idnr …") from None

    def valid(value: str) -> bool:
        try:
            validate(_ascii(value))
        except ValidationError:
            return False
        return True

    return valid


def _ascii(value: str) -> str:
    """Letters and digits only; digits of any script as ASCII."""
    said = unicodedata.normalize("NFKC", value)
    digits = (str(unicodedata.digit(c)) if c.isdigit() else c for c in said)
    return "".join(c for c in digits if c.isalnum())


@dataclass(frozen=True, slots=True)
class _Rule:
    spec: OwnPattern
    strict: Any
    loose: Any | None
    """Without word boundaries, where there are any."""
    ended: Any | None
    """The same where one is at the end: as its first group, before what no word goes on with. A match that is the first
    by the order of its alternatives need not be the one that ends with a word."""
    group: int
    context: Terms | None
    valid: Callable[[str], bool] | None


def compiled(spec: OwnPattern) -> _Rule:
    """Raises BadPattern for what RE2 cannot express, what matches the empty string, and unknown validators."""
    strict, loose = translated(spec.regex)
    try:
        exact, wide = compile_pattern(strict), compile_pattern(loose)
        ends = strict != loose and spec.regex.endswith(r"\b")
        ended = compile_pattern(rf"({loose})(?:[^{_IN_CLASS['w']}]|\z)") if ends else None
    except re2.error as e:
        said = e.args[0] if e.args else ""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise BadPattern(f"RE2 cannot read it ({reason}); look-around and back-references do not exist") from None
    if exact.search("") is not None or wide.search("") is not None:
        raise BadPattern("it matches the empty text, and so everywhere")
    return _Rule(
        spec,
        exact,
        wide if strict != loose else None,
        ended,
        exact.groupindex.get(VALUE, 0),
        Terms((word, 0) for word in spec.context) if spec.context else None,
        checker(spec.validator) if spec.validator else None,
    )


class CustomDetector:
    """Implements ``Detector``. Raises BadPattern or ValueError for what a policy would have refused."""

    name = NAME

    def __init__(self, own: Custom) -> None:
        self.digest = own.digest
        self._rules = [compiled(p) for p in own.patterns]
        self._lists = own.terms
        self._terms = Terms((term, number) for number, terms in enumerate(own.terms) for term in terms.terms)
        options = re2.Options()
        options.log_errors = False
        options.max_mem = 4 * MEMORY
        self._set = re2.Set.SearchSet(options)
        for rule in self._rules:
            self._set.Add(translated(rule.spec.regex)[1])
        self._set.Add("")  # a set that runs out of memory says "no match": then this one is missing, too
        self._set.Compile()

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed where there is too much to find."""
        found = []
        for f in self._all(text):
            found.append(f)
            if len(found) > MOST:
                raise DetectorFailed(NAME, "budget")
        return tuple(found)

    def _all(self, text: str) -> Iterator[Finding]:
        for number in self._possible(text):
            rule = self._rules[number]
            for start, end in _found(rule, text):
                yield Finding(start, end, rule.spec.label, rule.spec.score, NAME)
        for start, end, number in self._terms.find(text):
            yield Finding(start, end, self._lists[number].label, self._lists[number].score, NAME)

    def _possible(self, text: str) -> Sequence[int]:
        everything = len(self._rules)
        possible = self._set.Match(text) or ()
        return sorted(n for n in possible if n < everything) if everything in possible else range(everything)


def _found(rule: _Rule, text: str) -> Iterator[tuple[int, int]]:
    """Places that context and validator confirm."""
    for start, end in dict.fromkeys(_matches(rule, text)):
        near = f"{text[max(0, start - BEFORE) : start]} \0 {text[end : end + AFTER]}"
        if rule.context is not None and next(rule.context.find(near), None) is None:
            continue
        if rule.valid is None or rule.valid(text[start:end]):
            yield start, end


def _matches(rule: _Rule, text: str) -> Iterator[tuple[int, int]]:
    for m in rule.strict.finditer(text):
        yield from _span(rule, m)
    if rule.loose is not None and not text.isascii():
        regex = rule.spec.regex
        for m in rule.loose.finditer(text):
            left, right = m.span()
            if regex.startswith(r"\b") and not _edge(text, left):
                continue
            if not regex.endswith(r"\b") or _edge(text, right):
                yield from _span(rule, m)
        for m in rule.ended.finditer(text) if rule.ended is not None else ():
            if not regex.startswith(r"\b") or _edge(text, m.start(1)):
                yield from _span(rule, m, 1)


def _span(rule: _Rule, match: Any, within: int = 0) -> Iterator[tuple[int, int]]:
    """The named group, or the whole match (group ``within``) where it took no part."""
    start, end = match.span(rule.group + within if rule.group else within)
    if not 0 <= start < end:
        start, end = match.span(within)
    if start < end:
        yield start, end


def _edge(text: str, at: int) -> bool:
    """Whether a word begins or ends there."""
    return _word(text, at - 1) != _word(text, at)


def _word(text: str, at: int) -> bool:
    return 0 <= at < len(text) and (text[at].isalnum() or text[at] == "_" or unicodedata.combining(text[at]) != 0)


class Allowing:
    """A detector without the findings that are, as a whole, a term of a list. Never of secrets."""

    def __init__(self, inner: Detector, allowed: Sequence[Allowed]) -> None:
        self._inner = inner
        self.name, self.digest = inner.name, inner.digest
        self._keys: dict[tuple[str, ...], set[str]] = {}
        for item in allowed:
            for term in item.terms:
                self._keys.setdefault(key(term), set()).update(item.labels or {""})

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed as the inner one does."""
        return tuple(f for f in self._inner.detect(text) if not self._allows(f, text))

    def _allows(self, f: Finding, text: str) -> bool:
        if f.label in GROUPS["@secrets"] or not 0 <= f.start < f.end <= len(text):
            return False
        labels = self._keys.get(key(text[f.start : f.end]), set())
        return "" in labels or f.label in labels


def with_own(detectors: Sequence[Detector], own: Custom) -> list[Detector]:
    """The detectors of this release and what an organisation adds and spares. Secrets are never spared."""
    if not own.digest:
        return list(detectors)
    spared = [d if d.name == "secrets" or not own.allow else Allowing(d, own.allow) for d in detectors]
    return [*spared, CustomDetector(own)]
