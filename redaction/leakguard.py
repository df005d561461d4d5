"""The leak guard: is any value that should be gone still in the finished request, in any of its readings?

It proves that replacement was complete for what was found; it proves nothing about what no detector found. It is the
same search that replaced the values (``redaction.known``), on the finished text. A leak carries no text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from redaction.joins import Joint
from redaction.known import Known
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

    def __init__(self, originals: Collection[str]) -> None:
        self._known = Known({v: {} for v in originals})

    def view_of(self, text: str, joint: Joint | None = None) -> str | None:
        """The first view in which an original is found, or None; in a joint, only where it lies in two texts."""
        try:
            for hit in self._known.find(text):
                if joint is None or joint.crosses(hit.start, hit.end):
                    return hit.view
        except (Exhausted, TooMuch):
            return "budget"
        return None


def leaks(parts: Mapping[str, str], originals: Collection[str], joints: Sequence[Joint] = ()) -> Iterator[Leak]:
    """Every part (named text: a leaf, a key, a path, a header value) in which an original is still found, and every
    joint of parts in which one is put together."""
    guard = Guard(originals)
    for name, text in parts.items():
        view = guard.view_of(text)
        if view is not None:
            yield Leak(name, view)
    for joint in joints:
        view = guard.view_of(joint.text, joint)
        if view is not None:
            yield Leak("joined", "joined" if view != "budget" else view)
