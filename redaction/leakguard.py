"""The leak guard: is any value that should be gone still in the finished request, in any of its readings?

It proves that replacement was complete for what was found; it proves nothing about what no detector found. It is the
same search that replaced the values (``redaction.known``), on the finished text. A leak carries no text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from redaction.joins import Joint
from redaction.known import Known
from redaction.propagation import Memo, Remembering
from redaction.spans import Exhausted
from redaction.views import TooMuch


@dataclass(frozen=True, slots=True)
class Leak:
    """Where something was found: the part's name and the view (``plain``, ``undone``, ``encoded``, ``digits``, …;
    ``budget`` where there was more to look at than may be)."""

    part: str = field(repr=False)
    view: str


class Guard:
    """Searches for a fixed set of originals."""

    def __init__(self, originals: Collection[str], memo: Memo | None = None) -> None:
        self._known = Known({v: {} for v in originals})
        self._search = Remembering(self._known, memo) if memo is not None else None

    def view_of(self, text: str, joint: Joint | None = None) -> str | None:
        """The first view in which an original is found, or None; in a joint, only where it lies in two texts."""
        try:
            if self._search is not None and not any(True for _ in self._search.hits(text)):
                return None
            for hit in self._known.find(text):
                if joint is None or joint.crosses(hit.start, hit.end):
                    return hit.view
        except (Exhausted, TooMuch):
            return "budget"
        return None


def leaks(
    parts: Mapping[str, str], originals: Collection[str], joints: Sequence[Joint] = (), memo: Memo | None = None
) -> Iterator[Leak]:
    """Every part (named text: a leaf, a key, a path, a header value) in which an original is still found, and every
    joint of parts in which one is put together. With a ``memo`` a text is not searched for the same value twice."""
    guard = Guard(originals, memo)
    for name, text in parts.items():
        view = guard.view_of(text)
        if view is not None:
            yield Leak(name, view)
    for joint in joints:
        view = guard.view_of(joint.text, joint)
        if view is not None:
            yield Leak("joined", "joined" if view != "budget" else view)
