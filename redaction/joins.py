"""Values split over neighbouring texts: what two or more of them say together, and the way back to each. Pure.

Content parts of one message, messages of one role: a model reads them as one text. A joint holds the texts of one row
end to end, long ones without their middle. What lies in one text alone is that text's own affair; what crosses a border
becomes one finding per piece, which is replaced where it stands and looked for nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from redaction.coverage import passing
from redaction.escapes import letters
from redaction.types import Finding, TextResult

TAIL = 300
"""Characters of a long text that count on either side of a border: no value that crosses one is longer."""
NEAR = 100
"""Characters on either side of a border that patterns look at, where no long token runs through it."""
GAP = "\n\n\n\n\n"
LEAST = 5
"""Characters of the shortest value that is put together."""
SPLIT = "split"
"""Detector of a piece of a value."""
STRICT = 0.8
"""The least score of what is found in a joint only: formats with a checksum, and what a label names."""

NAMED = 40
"""Characters between the beginning of a text and a value that the text before names."""

_TELLING = re.compile(r"[0-9@%&\\=]|[A-Za-z0-9+/_-]{24}")
_TOKEN = 64


@dataclass(frozen=True, slots=True)
class Joint:
    """``pieces``: start in ``text``, number of the text, start there, length."""

    text: str = field(repr=False)
    pieces: tuple[tuple[int, int, int, int], ...]
    least: float = STRICT
    """The least score that counts."""

    def parts(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """``(number of the text, start, end)`` of each piece of ``[start, end)``."""
        return [(number, offset, offset + length) for _, number, offset, length in self._within(start, end)]

    def _within(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """``pieces`` between two places. Takes no longer for a long row than for a short one."""
        at = max(0, bisect_right(self.pieces, start, key=lambda p: p[0]) - 1)
        for i in range(at, len(self.pieces)):
            first, number, offset, length = self.pieces[i]
            if first >= end:
                break
            low, high = max(start, first), min(end, first + length)
            if low < high:
                yield low, number, offset + low - first, high - low

    def crosses(self, start: int, end: int) -> bool:
        """Whether ``[start, end)`` is long enough for a value and lies in more than one text."""
        return end - start >= LEAST and len({n for n, _, _ in self.parts(start, end)}) > 1

    def borders(self) -> list[Joint]:
        """Only what stands around the borders that may run through something a pattern finds: every second border by
        itself, then the others, then all of them as one text. Few values are cut twice, and a text that ends with its
        value is no part of the next word."""
        starts = [first for first, _, offset, _ in self.pieces if offset == 0]
        every = [(at, 0, len(self.text)) for at in starts[1:]]
        alone = [
            (at, before, after)
            for before, at, after in zip(starts, starts[1:], [*starts[2:], len(self.text)], strict=False)
        ]
        some = (alone[::2], alone[1::2], every) if len(every) > 1 else (every,)
        return [joint for each in some if (joint := self._around(each)) is not None]

    def _around(self, borders: Sequence[tuple[int, int, int]]) -> Joint | None:
        near: list[tuple[int, int]] = []
        for at, least, most in borders:
            width = self._width(at)
            if width:
                low, high = max(least, at - width), min(most, at + width)
                if near and low < near[-1][1]:
                    low = near.pop()[0]
                near.append((low, high))
        out = [self.text[low:high] for low, high in near]
        pieces: list[tuple[int, int, int, int]] = []
        made = 0
        for low, high in near:
            for first, number, start, length in self._within(low, high):
                pieces.append((made + first - low, number, start, length))
            made += high - low + len(GAP)
        return Joint(GAP.join(out), tuple(pieces)) if near else None

    def _width(self, at: int) -> int:
        before, after = self.text[max(0, at - _TOKEN) : at], self.text[at : at + _TOKEN]
        token = (before.split() or [""])[-1] + (after.split() or [""])[0]
        plain = letters(token)
        if not _TELLING.search(plain.text if plain else token):
            return 0
        return TAIL if len(token) >= _TOKEN else NEAR


def joints(rows: Sequence[Hashable | None], texts: Sequence[str]) -> list[Joint]:
    """One joint for each row that has two texts or more; texts in no row (None) stand alone."""
    found: dict[Hashable, list[int]] = {}
    for i, row in enumerate(rows):
        if row is not None and texts[i]:
            found.setdefault(row, []).append(i)
    return [_joint(numbers, texts) for numbers in found.values() if len(numbers) > 1]


def _joint(numbers: Sequence[int], texts: Sequence[str]) -> Joint:
    out: list[str] = []
    pieces: list[tuple[int, int, int, int]] = []
    made = 0

    def add(number: int, start: int, end: int) -> None:
        nonlocal made
        out.append(texts[number][start:end])
        pieces.append((made, number, start, end - start))
        made += end - start

    for number in numbers:
        size = len(texts[number])
        if size <= 2 * TAIL:
            add(number, 0, size)
        else:
            add(number, 0, TAIL)
            out.append(GAP)
            made += len(GAP)
            add(number, size - TAIL, size)
    return Joint("".join(out), tuple(pieces))


def merge(joint: Joint, seen: TextResult, results: list[TextResult]) -> None:
    """Puts what was found in a joint where it belongs in ``results``: pieces of what crosses a border, and what a label
    in one text names in the next. A text with a joint that could not be judged is not judged either."""
    for number in {n for _, n, _, _ in joint.pieces}:
        reason = passing(seen.uninspected, results[number].uninspected)
        if reason != results[number].uninspected:
            results[number] = replace(results[number], uninspected=reason)
    for f in seen.findings:
        parts = joint.parts(f.start, f.end)
        if f.score < joint.least or not parts or any(_has(results[n], s, e, f.label) for n, s, e in parts):
            continue
        crossing = joint.crosses(f.start, f.end)
        if not crossing and (len(parts) > 1 or not _named_before(joint, *parts[0])):
            continue
        for number, start, end in parts:
            add(results, number, Finding(start, end, f.label, f.score, SPLIT if crossing else f.detector))


def _named_before(joint: Joint, number: int, start: int, end: int) -> bool:
    """Whether a place is so near the beginning of a text that what the text before says may be about it."""
    return number != joint.pieces[0][1] and start <= NAMED


def add(results: list[TextResult], number: int, finding: Finding) -> None:
    """One more finding of text ``number``."""
    old = results[number]
    if finding not in old.findings:
        results[number] = replace(old, findings=(*old.findings, finding))


def _has(result: TextResult, start: int, end: int, label: str) -> bool:
    """Whether a text holds, inside the piece, a value of this kind already."""
    return any(f.label == label and start <= f.start and f.end <= end for f in result.findings)
