"""Patterns with look-around, said in a way that RE2 can match: a candidate, and checks of its borders.

RE2 has neither look-around nor back-references, and an engine that has them needs a time-out, which fails open or
throws a text away. What Presidio's recognizers use comes down to six shapes, each of them a check of fixed size:

* ``(?<!C)`` at the beginning: the candidate begins after another character, which is matched with it.
* ``(?<=P)`` at the beginning: P is matched with it.
* ``(?!C)`` at the end: the character after the candidate is looked at.
* ``(?!L)`` within: what comes before it and L must not match at the candidate's beginning.
* ``(?=P)`` near the beginning: P must match at the candidate's beginning. It sees nothing behind the candidate.
* ``([- ])…\\1``: one alternative per character.

Anything else raises ValueError: a new release of the library with such a pattern is noticed, not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import re2

from redaction.detectors.linear import Pattern, compile_pattern

_LOOK = re.compile(r"\(\?<?[=!]")
_BACK = re.compile(r"(?<!\\)\\[1-9]")
_CHOICE = re.compile(r"\(\[([^\]\\]+)\]\)")
_ONE = re.compile(r"\\[wdsb]|\[(?:\\.|[^\]\\])+\]")
_WIDE = {"\\w": r"\pL\pN_", "\\d": r"\p{Nd}"}
_FLAGS = "(?is)"
LONGEST = 64
"""Characters of the longest number that a pattern describes."""


@dataclass(frozen=True, slots=True)
class Linear:
    """``pattern`` for RE2; group ``group`` is the candidate. :meth:`fits` says whether it is one."""

    pattern: str
    group: int = 0
    after: Pattern | None = None
    never: tuple[Pattern, ...] = ()
    always: tuple[Pattern, ...] = ()

    def fits(self, text: str, start: int, end: int) -> bool:
        """Whether what looks around says yes of the candidate ``[start, end)``."""
        if self.after is not None and self.after.search(text[end : end + 1]) is not None:
            return False
        value = text[start:end] if self.never or self.always else ""
        return all(p.search(value) is None for p in self.never) and all(p.search(value) for p in self.always)

    def within(self, pattern: Pattern, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Candidates that begin within ``[start, end)``, which does not fit and which nothing else is sought in: in
        ``1234 1234567890 12`` the digits before a number make one that no number follows. ``pattern`` is this one's."""
        base, at = max(0, start - 1), start + 1
        part = text[base : end + LONGEST]
        while at < end:
            found = next(pattern.spans(part, at - base - (self.group > 0)), None)
            if found is None or found[self.group][0] + base >= end:
                return
            low, high = (place + base for place in found[self.group])
            if low >= at:
                yield low, high
            at = max(at, low) + 1

    @property
    def plain(self) -> bool:
        """Whether there is nothing to check."""
        return self.after is None and not self.never and not self.always


def linear(pattern: str) -> Linear:
    """``pattern``, case-insensitive, for RE2. Raises ValueError where that is not possible."""
    try:
        return _linear(_without_back(pattern))
    except re2.error:
        raise ValueError("not a pattern of RE2 with look-around of the shapes above") from None


def _linear(pattern: str) -> Linear:
    before, rest = _before(pattern)
    after = None
    never: list[Pattern] = []
    always: list[Pattern] = []
    while look := _LOOK.search(rest):
        start, end = look.start(), close(rest, look.end())
        said, kind = rest[look.end() : end - 1], look.group()
        if kind == "(?!" and end == len(rest):
            after = compile_pattern(f"{_FLAGS}^[{_inner(said)}]")
        elif kind in {"(?!", "(?="}:
            lead = _closed(rest[:start].removeprefix(r"\b"))
            found = compile_pattern(f"{_FLAGS}^{lead}{said}")
            (never if kind == "(?!" else always).append(found)
        else:
            raise ValueError("look-behind within a pattern")
        rest = rest[:start] + rest[end:]
    group = 1 if before else 0
    compile_pattern(rest)
    return Linear(f"{_FLAGS}{before}({rest})" if group else _FLAGS + rest, group, after, tuple(never), tuple(always))


def _before(pattern: str) -> tuple[str, str]:
    """What is matched before the candidate, and the candidate's own pattern."""
    if not pattern.startswith(("(?<!", "(?<=")):
        return "", pattern
    end = close(pattern, 4)
    said, rest = pattern[4 : end - 1], pattern[end:]
    return (f"(?:{said})" if pattern[3] == "=" else f"(?:^|[^{_inner(said)}])"), rest


def _closed(lead: str) -> str:
    """Without the groups at the beginning that close later."""
    while lead.startswith("(") and lead.count("(") > lead.count(")"):
        lead = lead[1:]
    return lead


def _inner(said: str) -> str:
    """The inside of a class of one character; as the library means it, a letter is one of any script."""
    if not _ONE.fullmatch(said):
        raise ValueError("look-around at more than one character")
    inner = said[1:-1] if said.startswith("[") else said
    for short, wide in _WIDE.items():
        inner = inner.replace(short, wide)
    return inner


def _without_back(pattern: str) -> str:
    if not _BACK.search(pattern):
        return pattern
    choice = _CHOICE.search(pattern)
    if (
        choice is None
        or "-" in choice[1][1:-1]
        or set(_BACK.findall(pattern)) != {"\\1"}
        or choice.start() != pattern.index("(")
    ):
        raise ValueError("back-reference to more than one character")
    return "|".join(f"(?:{_chosen(pattern, choice[0], re.escape(char))})" for char in choice[1])


def _chosen(pattern: str, choice: str, way: str) -> str:
    return way.join(_BACK.split(pattern.replace(choice, way)))


def close(pattern: str, at: int) -> int:
    """Behind the end of the group that is open at ``at``."""
    depth, bracket = 1, False
    while depth:
        char = pattern[at]
        if char == "\\":
            at += 1
        elif char in "[]":
            bracket = char == "["
        elif not bracket:
            depth += {"(": 1, ")": -1}.get(char, 0)
        at += 1
    return at
