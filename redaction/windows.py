"""Long texts in windows that overlap, and one result of what was found in each. Pure.

A window answers for its core and reads a margin around it, in which lie the words and neighbours that a detector goes
by. Where the windows are follows from the text alone, so a text has one result however its windows are shared out: over
workers, between other texts, or here one after the other. A core ends at white space, and nowhere inside what is read
as one: a private key, lines of base64, a row of hexadecimal digits. Half of such a run may say nothing at all, because
its groups begin elsewhere or a character is cut.
"""

from __future__ import annotations

import re
from bisect import bisect_right
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
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/=_\-]{20,}|[A-Za-z0-9+/_\-]{8,}[ \t]*\r?\n[ \t>]*[A-Za-z0-9+/_\-]{8,})\Z")
"""How a run of encoded lines ends before a gap between two of them: a long one, or two as short as they may be."""
_LINE = re.compile(r"[A-Za-z0-9+/=_\-]")
_GAP = " \t\r\n>"
_HEX_END = re.compile(r"(?:[0-9A-Fa-f]{2}(?:, ?| )(?:0[xX])?){3}[0-9A-Fa-f]{2},? \Z")
_HEX_BEGIN = re.compile(r"(?:(?:0[xX])?[0-9A-Fa-f]{2}(?:, ?| )){3}")
_SEEN = 100
"""Characters on either side of a place that tell whether a run goes on over it."""
_KEY = re.compile(
    r"(?P<begin>BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File)|END [A-Z0-9 ]{0,40}PRIVATE KEY|Private-MAC"
)
KEY = 8_000
"""Characters of the longest private key; one in a program or a mail has signs before and after every line."""

Span = tuple[int, int]


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
    keys = _keys(text)
    while at < len(text):
        end = _end(text, at, keys)
        out.append(Window(_before(text, at), at, end, _after(text, end)))
        at = end
    return out


def _end(text: str, at: int, keys: Sequence[Span]) -> int:
    """The end of the core that begins at ``at``."""
    if len(text) - at <= CORE:
        return len(text)
    low, high = at + CORE // 2, at + CORE
    while low < len(text):
        for mark in _ENDS:
            found = text.rfind(mark, low, min(high, len(text)))
            if found >= 0 and not _within(text, found + len(mark), keys):
                return found + len(mark)
        low, high = max(low, high - len(_ENDS[0])), high + CORE  # no place in sight: the core grows
    return len(text)


def _keys(text: str) -> list[Span]:
    """Where private keys stand; one without an end is as long as any."""
    out: list[Span] = []
    for m in _KEY.finditer(text) if "PRIVATE KEY" in text or "PuTTY" in text else ():
        open_ = bool(out) and m.start() < out[-1][1]
        start = out.pop()[0] if open_ else m.start()
        if m["begin"]:
            out.append((start, m.start() + KEY))
        elif open_:
            out.append((start, m.end()))
    return out


def _within(text: str, at: int, keys: Sequence[Span]) -> bool:
    """Whether ``at`` is inside something that is read as one."""
    number = bisect_right(keys, at, key=lambda key: key[0]) - 1
    if number >= 0 and at < keys[number][1]:
        return True
    before, after = text[max(0, at - _SEEN) : at], text[at : at + _SEEN]
    if _HEX_END.search(before) is not None and _HEX_BEGIN.match(after) is not None:
        return True
    line = before.rstrip(_GAP)
    following = after.lstrip(_GAP)
    gap = before[len(line) :] + after[: len(after) - len(following)]
    return gap.count("\n") < 2 and _LINE.match(following) is not None and _BASE64.search(line) is not None


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
