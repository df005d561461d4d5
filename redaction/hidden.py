"""What detectors find in the other readings of a text, at its place in the text itself. Pure.

Pattern detectors read every reading, though only around what was undone, since the rest they have seen. Models cost a
hundred times as much: they read a disguised passage only where undoing it changed words. A clean text has no other
reading and costs a few searches.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from redaction.coverage import unread, unread_language
from redaction.disguise import Form, forms, own
from redaction.escapes import Undone
from redaction.lookalikes import mixed_scripts
from redaction.types import Finding
from redaction.views import Reading, TooMuch, readings

AROUND = 150
"""Characters on either side of what was undone that detectors read with it; context words stand nearer."""
CONTEXT = 60
"""Characters between a finding and what was undone from which on the disguise has nothing to do with it."""
CERTAIN, ROW = 0.9, 9
"""The least score of what is found in quoted-printable, unless so many characters of it follow one another."""
SNAP = 200
"""A passage begins and ends at white space if there is some within so many characters."""
MODEL_GROWTH, MODEL_SPARE = 2, 4_000
"""Models read this many times the length of a text at most, and this much more."""

_PROSE = re.compile(r"[^\W\d_]{2}[ \n][^\W\d_]")
_LONE = re.compile(r"\s*[A-Za-z\u00c0-\u024f]{4,}(?:['\u2019-][A-Za-z\u00c0-\u024f]+)?\s*")
"""All of an encoded run; fewer letters are made by chance."""
_WORD = re.compile(r"\w*")

Detect = Callable[[str], Iterable[Finding]]
Place = tuple[int, int]


@dataclass(slots=True)
class Hidden:
    """What was found; ``prose`` are the passages whose words were disguised, ``unread`` why no detector can say that
    there is no more."""

    findings: list[Finding]
    prose: list[str] = field(repr=False)
    unread: str | None = None


def look(text: str, found: Sequence[Finding], patterns: Detect, models: Detect | None) -> Hidden:
    """Findings beyond ``found``, which are those of the text as it stands. Raises TooMuch."""
    bases = [Reading("plain", text), *readings(text)]
    seen = {(f.start, f.end, f.label) for f in found}
    out = Hidden([], [], unread(bases))
    left = MODEL_GROWTH * len(text) + MODEL_SPARE
    for base in bases:
        more = list(_by_patterns(base, found, patterns))
        if models is not None and base.way:
            places = _prose(base.way[-1])
            left -= sum(high - low for low, high in places)
            if left < 0:
                raise TooMuch
            out.prose += [base.text[low:high] for low, high in places]
            more += _placed(base, _read(base.text, places, models, apart=base.way[-1].apart))
        for f in more:
            if (f.start, f.end, f.label) not in seen:
                seen.add((f.start, f.end, f.label))
                out.findings.append(f)
    if models is not None and out.unread is None:
        out.unread = unread_language(bases, out.prose)
    return out


def _by_patterns(base: Reading, found: Sequence[Finding], patterns: Detect) -> Iterator[Finding]:
    """What patterns find in one reading and the forms in it, at places of the text itself."""
    here = list(found)
    if base.way:
        here = [f for f in _around(base.way[-1], patterns, CONTEXT) if "quoted" not in base.name or _certain(base, f)]
        yield from _placed(base, here)
    yield from _placed(base, own(base.text))
    for form in forms(base.text):
        more = list(_in_form(form, patterns, here))
        yield from _placed(base.then("form", form.undone), more)
        here += [replace(f, start=p[0], end=p[1]) for f in more if (p := form.undone.place(f.start, f.end))]


def _placed(base: Reading, findings: Iterable[Finding]) -> Iterator[Finding]:
    for f in findings:
        place = base.place(f.start, f.end)
        if place is not None and place[0] < place[1]:
            yield replace(f, start=place[0], end=place[1])


def _certain(base: Reading, f: Finding) -> bool:
    """Whether what is found in quoted-printable is no accident: ``id=40…`` looks like it too."""
    if f.score >= CERTAIN:
        return True
    place: tuple[int, int] | None = (f.start, f.end)
    for undone in reversed(base.way):
        if place is None:
            return False
        low, high = place
        if any(last - first >= ROW for _, _, first, last in undone.between(low, high)):
            return True
        place = undone.place(low, high)
    return False


def _in_form(form: Form, patterns: Detect, found: Sequence[Finding]) -> Iterator[Finding]:
    undone = form.undone
    whole = _Within(found) if form.whole else None
    for f in _around(undone, form.read or patterns, 0):
        if f.score < form.least or (form.labels is not None and f.label not in form.labels):
            continue
        place = undone.place(f.start, f.end)
        if whole is None or place is None or not whole.holds(f.label, *place):
            yield f


class _Within:
    """Whether a place holds a whole finding, however many findings there are."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        by_label: dict[str, list[tuple[int, int]]] = {}
        for f in findings:
            by_label.setdefault(f.label, []).append((f.start, f.end))
        self._spans: dict[str, tuple[list[int], list[int]]] = {}
        for label, spans in by_label.items():
            spans.sort()
            soonest = list(accumulate((end for _, end in reversed(spans)), min))[::-1]
            self._spans[label] = [start for start, _ in spans], soonest

    def holds(self, label: str, start: int, end: int) -> bool:
        starts, soonest = self._spans.get(label, ((), ()))
        at = bisect_left(starts, start)  # of those that begin there or later, where the first one ends
        return at < len(starts) and soonest[at] <= end


def _around(undone: Undone, detect: Detect, context: int) -> Iterator[Finding]:
    """What is found near enough to something undone; ``context`` 0: across it."""
    places = [(0, len(undone.text))] if undone.apart else _passages(undone.text, [p[:2] for p in undone.pieces])
    for f in _read(undone.text, places, detect):
        near = undone.touched(f.start - context, f.end + context) if context else undone.inside(f.start, f.end)
        if undone.apart or near:
            yield f


def _read(text: str, places: Sequence[Place], detect: Detect, *, apart: bool = False) -> Iterator[Finding]:
    """Findings in passages. One at the end of a passage may go on there, unless the passages are texts ``apart``."""
    for low, high in places:
        for f in detect(text[low:high]):
            cut = not apart and ((low and f.start == 0) or (high < len(text) and f.end == high - low))
            if not cut:
                yield replace(f, start=f.start + low, end=f.end + low)


def _passages(text: str, pieces: Sequence[Place]) -> list[Place]:
    """What stands around pieces of a text, cut at white space."""
    out: list[Place] = []
    for start, end in _clusters(pieces):
        low, high = _snapped(text, start - AROUND, end + AROUND)
        if out and low <= out[-1][1]:
            low, before = out.pop()
            high = max(high, before)
        out.append((low, high))
    return out


def _clusters(pieces: Sequence[Place]) -> Iterator[Place]:
    """Pieces whose surroundings touch as one: a text that is nothing but disguises has one for every character."""
    start = end = -1
    for first, last in pieces:
        if start >= 0 and first - AROUND <= end + AROUND:
            end = max(end, last)
            continue
        if start >= 0:
            yield start, end
        start, end = first, last
    if start >= 0:
        yield start, end


def _snapped(text: str, low: int, high: int) -> Place:
    if low > 0:
        cut = max(text.rfind(" ", max(0, low - SNAP), low), text.rfind("\n", max(0, low - SNAP), low))
        low = cut + 1 if cut >= 0 else low
    if high < len(text):
        ends = [at for c in " \n" if (at := text.find(c, high, high + SNAP)) >= 0]
        high = min(ends, default=high)
    return max(0, low), min(len(text), high)


def _prose(undone: Undone) -> list[Place]:
    """Passages whose words were disguised."""
    if undone.apart:
        said = undone.text
        return [p[:2] for p in undone.pieces if _PROSE.search(said, *p[:2]) or _LONE.fullmatch(said, *p[:2])]
    return _passages(undone.text, [p[:2] for p in undone.pieces if _changes_words(undone, *p)])


def _changes_words(undone: Undone, start: int, end: int, first: int, last: int) -> bool:
    """Whether a piece makes a difference to who reads words: not an escaped quote or a dash."""
    was, said = undone.of[first:last], undone.text[start:end]
    if not said:
        return undone.of[max(0, first - 1) : first].isalnum() and undone.of[last : last + 1].isalnum()
    if said.isspace():
        return len(was) >= 3
    if not any(c.isalnum() for c in said):
        return False
    if len(was) > 1 or unicodedata.normalize("NFKC", was).isascii():
        return True
    low = first
    while low and undone.of[low - 1].isalnum() and first - low < SNAP:
        low -= 1
    word = _WORD.match(undone.of, low)
    return word is not None and mixed_scripts(word[0])
