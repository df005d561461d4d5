"""Long texts in windows that overlap, and one result of what was found in each. Pure.

A window answers for its core and reads a margin around it, in which lie the words and neighbours that a detector goes
by. Where the windows are follows from the text alone, so a text has one result however its windows are shared out: over
workers, between other texts, or here one after the other. A core ends at white space, and nowhere inside a block of
encoded lines (a key, a file in base64), which is looked at as one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from redaction.types import Finding

LONG = 6_000
"""Characters of the longest text that is looked at in one piece."""
CORE = 3_600
"""Characters of a core, unless there is no place for its end."""
MARGIN = 400
"""Characters to each side of a core; context words stand nearer, and so does what surrounds a disguise."""
TOKENS = 80
"""Tokens that a margin has at least, where the text has them: more than any model of ours looks to one side."""

_TOKEN = re.compile(r"[^\W\d_]+|\d+|\n+|[^\w\s]|_")
_ENDS = ("\n\n", "\n", ". ", " ")
"""Where a core ends, best first."""
_ENCODED_END = re.compile(r"[A-Za-z0-9+/=_\-]{20,}[ \t]*\r?\n?[ \t>]*\Z")
_ENCODED_BEGIN = re.compile(r"\s*[ \t>]*[A-Za-z0-9+/=_\-]{20,}")


@dataclass(frozen=True, slots=True)
class Window:
    """Reads ``[low, high)`` and answers for what lies in ``[first, last)`` or reaches into it."""

    low: int
    first: int
    last: int
    high: int


def windows(text: str) -> list[Window]:
    """One for a text that is not long; cores that together are the text for one that is."""
    if len(text) <= LONG:
        return [Window(0, 0, len(text), len(text))]
    out = []
    at = 0
    while at < len(text):
        end = _end(text, at)
        out.append(Window(_before(text, at), at, end, _after(text, end)))
        at = end
    return out


def _end(text: str, at: int) -> int:
    """The end of the core that begins at ``at``."""
    if len(text) - at <= CORE:
        return len(text)
    low, high = at + CORE // 2, at + CORE
    while low < len(text):
        for mark in _ENDS:
            found = text.rfind(mark, low, min(high, len(text)))
            if found >= 0 and not _encoded(text, found + len(mark)):
                return found + len(mark)
        low, high = max(low, high - len(_ENDS[0])), high + CORE  # no place in sight: the core grows
    return len(text)


def _encoded(text: str, at: int) -> bool:
    """Whether a block of encoded lines goes on over ``at``."""
    return (
        _ENCODED_BEGIN.match(text, at, at + 100) is not None
        and _ENCODED_END.search(text, max(0, at - 100), at) is not None
    )


def _before(text: str, first: int) -> int:
    """Where the margin before ``first`` begins: at white space, if there is some."""
    size = MARGIN
    while size < first and len(_TOKEN.findall(text, first - size, first)) < TOKENS:
        size *= 2
    low = max(0, first - size)
    if low:
        gaps = [found for c in " \n" if (found := text.find(c, low, first)) >= 0 and first - found >= MARGIN // 2]
        low = min(gaps, default=low)
    return low


def _after(text: str, last: int) -> int:
    size = MARGIN
    while last + size < len(text) and len(_TOKEN.findall(text, last, last + size)) < TOKENS:
        size *= 2
    high = min(len(text), last + size)
    if high < len(text):
        high = max(text.rfind(" ", last + MARGIN // 2, high), text.rfind("\n", last + MARGIN // 2, high)) + 1 or high
    return high


def gathered(parts: Sequence[Window], found: Sequence[Sequence[Finding]]) -> tuple[Finding, ...]:
    """What was found in the windows, at places of the text: each finding once, where its label is surest."""
    if len(parts) == 1:
        return tuple(found[0])
    best: dict[tuple[int, int, str, str], Finding] = {}
    for window, findings in zip(parts, found, strict=True):
        for f in findings:
            start, end = f.start + window.low, f.end + window.low
            if start < window.last and end > window.first:
                place = (start, end, f.label, f.detector)
                if place not in best or best[place].score < f.score:
                    best[place] = replace(f, start=start, end=end)
    return tuple(best.values())
