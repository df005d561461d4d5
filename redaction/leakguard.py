"""The leak guard: is any value that should be gone still in the finished request, in any of its spellings?

It proves that replacement was complete for what was found; it proves nothing about what no detector found. Matches are
word-bounded (``Ann`` is not found in ``Annual``) and follow the same rules of case as the search that replaced them
(``redaction.spans.Occurrences``), so that ``May`` does not refuse every ``may``. A leak carries no text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from redaction.spans import Occurrences
from redaction.views import normal, views

DIGITS = 9
"""Numbers of this many digits or more are also compared without separators; a date in figures has eight."""

_NUMBER = re.compile(r"[A-Za-z]{0,2}[^A-Za-z]*")
"""A number may begin with the two letters of a country, as an IBAN does."""
_GROUPED = re.compile(r"\d(?:[ \u00a0.\-/()]{0,3}\d)*")
_GROUP = re.compile(r"\d+")
_NOT_DIGIT = re.compile(r"\D+")


@dataclass(frozen=True, slots=True)
class Leak:
    """Where something was found: the part's name and the view (``plain``, ``url``, ``base64``, ``digits``, …)."""

    part: str = field(repr=False)
    view: str


class Guard:
    """Searches for a fixed set of originals."""

    def __init__(self, originals: Collection[str]) -> None:
        self._values = Occurrences({form for v in originals for form in (v, normal(v))})
        bare = {_NOT_DIGIT.sub("", v) for v in originals if _NUMBER.fullmatch(v)}
        self._digits = frozenset(d for d in bare if len(d) >= DIGITS)
        self._sizes = sorted({len(d) for d in self._digits})

    def hit(self, text: str) -> bool:
        """Whether an original occurs in this spelling of a text."""
        return bool(self._values.find(text))

    def number(self, text: str) -> bool:
        """Whether an original number occurs with other separators, as whole groups of digits."""
        return bool(self._digits) and any(self._in_groups(m[0]) for m in _GROUPED.finditer(text))

    def _in_groups(self, run: str) -> bool:
        if len(run) < self._sizes[0]:
            return False
        starts, joined = [], 0
        for group in _GROUP.finditer(run):
            starts.append(joined)
            joined += len(group[0])
        digits, edges = _NOT_DIGIT.sub("", run), {*starts, joined}
        return any(
            start + size in edges and digits[start : start + size] in self._digits
            for start in starts
            for size in self._sizes
        )

    def view_of(self, text: str) -> str | None:
        """The first view in which an original is found, or None."""
        if self.hit(text):
            return "plain"
        if self.number(text):
            return "digits"
        for name, seen in views(text):
            if self.hit(seen) or self.number(seen):
                return name
        return None


def leaks(parts: Mapping[str, str], originals: Collection[str]) -> Iterator[Leak]:
    """Every part (named text: a leaf, a key, a path, a header value) in which an original is still found."""
    guard = Guard(originals)
    for name, text in parts.items():
        view = guard.view_of(text)
        if view is not None:
            yield Leak(name, view)
