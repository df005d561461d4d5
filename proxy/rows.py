"""Which segments of a request are read as one: neighbouring text parts and messages of one role. Pure.

A row is the texts whose pointers differ in list positions only (``/messages/3/content/0/text`` and ``…/1/text``, and
the next message of the same role), in the order of the document. Keys, numbers and members of different names stand
alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from proxy.dialects.base import Segment
from redaction.joins import Joint, joints

_PARTS = frozenset({"text", "input_text", "output_text"})


def joined(segments: Sequence[Segment]) -> list[Joint]:
    """What neighbouring segments say together; numbers in a joint are places in ``segments``."""
    last: dict[str, tuple[str, int]] = {}
    rows: list[tuple[str, int] | None] = []
    for segment in segments:
        shape = _shape(segment.pointer)
        if segment.kind != "text" or shape is None:
            rows.append(None)
            continue
        origin, count = last.get(shape, ("", 0))
        if origin != segment.origin:  # another role spoke between
            count += 1
        last[shape] = segment.origin, count
        rows.append((shape, count))
    return joints(rows, [s.text for s in segments])


def _shape(pointer: str) -> str | None:
    """A pointer without list positions and without the name of a text part; None where it has no position."""
    steps = pointer.split("/")
    kept = [s for s in steps if not s.isdecimal()]
    if len(kept) == len(steps):
        return None
    return "/".join(kept[:-1] if kept[-1] in _PARTS else kept)
