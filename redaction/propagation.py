"""A value found once is found at every word-bounded occurrence in all texts of a request. Pure.

A conversation resends its texts with every turn. Where a needle stands in a text depends on these two alone, so it is
searched once: a :class:`Memo` notes, under marks from which neither can be read, which needles a text was searched for
and where they stand. Only what is new is searched, with the same result (``tests/property/test_propagation.py``).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from redaction.exercise import named_elsewhere
from redaction.joins import SPLIT, Joint, add
from redaction.known import Known, Labels, Searches, better
from redaction.spans import Exhausted, credible, worth
from redaction.types import Finding, TextResult
from redaction.views import TooMuch, readings


@dataclass(frozen=True, slots=True)
class Seen:
    """The needles that a text was searched for, as marks, and where they stand: start, end, needle, form."""

    needles: frozenset[Hashable]
    places: tuple[tuple[int, int, Hashable, Hashable], ...]
    plain: bool = False
    """Whether the text has no other readings."""
    bare: bool = False
    """Whether none of them is of an encoded run, for which it need not be looked again."""


class Memo(Protocol):
    """What is remembered of earlier searches, for one tenant."""

    def mark(self, said: str, /) -> Hashable:
        """Stands for a needle or a form, and does not show it."""
        ...

    def seen(self, text: str, /) -> Seen | None: ...

    def note(self, text: str, seen: Seen, /) -> None: ...


def propagate(
    texts: Sequence[str], results: Sequence[TextResult], joints: Sequence[Joint] = (), memo: Memo | None = None
) -> list[TextResult]:
    """A value found once is found at every word-bounded occurrence in all texts of the request, in every reading of
    them and across the borders of ``joints``, with every label that it has anywhere.

    A model's guess at a piece of what a checksum proves does not count, nor does a piece of a split value: they would
    be found in innocent places. Added findings carry the label's best score, and detector ``request``. Where the search
    would cost more than a request may, every text is uninspected.
    """
    best: dict[str, Labels] = {}
    for text, result in zip(texts, results, strict=True):
        for f in credible(result.findings):
            if f.detector != SPLIT and worth(value := text[f.start : f.end]):
                better(best.setdefault(value, {}), [(f.label, f.score)])
    if not best:
        return list(results)
    results = named_elsewhere(texts, results)
    try:
        known = Known(best)
        search = _Plain(known) if memo is None else Remembering(known, memo)
        out = [_spread(search, text, result) for text, result in zip(texts, results, strict=True)]
        for joint in joints:
            _spread_over(search, joint, out)
    except (Exhausted, TooMuch):
        return [replace(result, uninspected=result.uninspected or "request:budget") for result in results]
    return out


Hits = Iterator[tuple[int, int, Mapping[str, float]]]


class _Plain:
    def __init__(self, known: Known) -> None:
        self._known = known

    def hits(self, text: str) -> Hits:
        for hit in self._known.find(text):
            yield hit.start, hit.end, hit.labels


class Remembering:
    """Where known values stand, of which what a memo knows is not searched again."""

    def __init__(self, known: Known, memo: Memo) -> None:
        self._known, self._memo = known, memo
        self._needles = {n: memo.mark(n) for n in known.needles}
        self._forms = {form: memo.mark(form) for form in known.labels}
        self._marks = {mark: n for n, mark in self._needles.items()}
        self._all = frozenset(self._marks)
        self._labels = {mark: known.labels[form] for form, mark in self._forms.items()}
        self._missing: dict[int, tuple[frozenset[Hashable], Searches]] = {}

    def hits(self, text: str) -> Hits:
        """Start, end and labels of each. Raises Exhausted or TooMuch."""
        seen = self._memo.seen(text)
        if seen is not None and seen.needles == self._all:
            self._all = seen.needles  # one object for all texts of a conversation
        if seen is None or seen.needles is not self._all:
            seen = self._searched(text, seen)
            self._memo.note(text, seen)
        for start, end, _, form in seen.places:
            yield start, end, self._labels[form]

    def _searched(self, text: str, seen: Seen | None) -> Seen:
        """With everything that is looked for now, and nothing else."""
        old = seen if seen is not None else Seen(frozenset(), ())
        kept = [p for p in old.places if p[2] in self._all]
        others = () if old.plain else readings(text, flat=True, bare=old.bare)
        for place in self._since(old.needles).places(text, others):
            kept.append((place.start, place.end, self._needles[place.needle], self._forms[place.form]))
        bare = not any(reading.encoded for reading in others)
        return Seen(self._all, tuple(dict.fromkeys(kept)), plain=not others, bare=bare)

    def _since(self, searched: frozenset[Hashable]) -> Searches:
        """For what is new. Texts of one conversation were searched for the same, mostly."""
        known = self._missing.get(id(searched))
        if known is None:
            known = searched, self._known.search([self._marks[m] for m in self._all - searched])
            self._missing[id(searched)] = known
        return known[1]


def _spread(search: _Plain | Remembering, text: str, result: TextResult) -> TextResult:
    covered = {(f.start, f.end, f.label) for f in result.findings}
    added: dict[tuple[int, int, str], float] = {}
    for start, end, labels in search.hits(text):
        for label, score in labels.items():
            place = (start, end, label)
            if place not in covered:
                added[place] = max(score, added.get(place, 0.0))
    if not added:
        return result
    more = (Finding(start, end, label, added[start, end, label], "request") for start, end, label in sorted(added))
    return replace(result, findings=(*result.findings, *more))


def _spread_over(search: _Plain | Remembering, joint: Joint, results: list[TextResult]) -> None:
    found = ((s, e, label, score) for s, e, labels in search.hits(joint.text) for label, score in labels.items())
    for start, end, label, score in sorted(set(found)):
        if joint.crosses(start, end):
            for number, first, last in joint.parts(start, end):
                add(results, number, Finding(first, last, label, score, SPLIT))
