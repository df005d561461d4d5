"""Which segments of a request are read as one: neighbouring text parts and messages of one role, and a name with the
value that it names. Pure.

A row is the texts whose pointers differ in list positions only (``/messages/3/content/0/text`` and ``…/1/text``, and
the next message of the same role), in the order of the document. Keys, numbers and members of different names stand
alone.
"""

from __future__ import annotations

import re
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


_NAMES = re.compile(
    r"mrn|record|patient|hospital|account|acct|konto|pass|reise|pasaporte|licen|führerschein|tax|tin$|vat|steuer|nif"
    r"|ssn|social|national|identity|id.?card|ausweis|dni|personal|ahv|dob|birth|born|geb|n[ée]e|naci|secret|api.?key|pwd"
    r"|kennwort|phone|telefon|mobile|cell|handy|^tel|fax|whatsapp|contact",
    re.IGNORECASE,
)
"""What names of members hold that say what a value is, where its form alone does not."""
_WORDS = re.compile(r"[_\-.]+|(?<=[a-z])(?=[A-Z])")
_NAMED = 200
"""Characters of the longest value that is looked at with its name, and of the name, its last ones."""
_LEAST = 0.7
"""Score of a password that its name makes one."""
_NAMING = {"text": "key", "number": "key", "query": "query_name"}
"""Kind of a value -> kind of the segment that names it, at the same pointer."""


def named(segments: Sequence[Segment]) -> list[Joint]:
    """Values that only their name tells from other numbers and words: ``{"ssn": "…"}``, ``?mrn=…``, ``/mrn/…``."""
    names: dict[tuple[str, str], int] = {}
    leads: dict[str, str] = {}  # one long key may name thousands of values
    out = []
    for i, segment in enumerate(segments):
        names[segment.kind, segment.pointer] = i
        if segment.kind == "path":
            number = i - 1 if i and segments[i - 1].kind == "path" else None
        else:
            kind = _NAMING.get(segment.kind, "")
            number = names.get((kind, segment.pointer), names.get((kind, _LISTED.sub("", segment.pointer))))
        if number is None or len(segment.text) > _NAMED:
            continue
        name = segments[number].text[-_NAMED:]
        if name not in leads:
            leads[name] = _WORDS.sub(" ", name).strip() + ": " if _NAMES.search(name) else ""
        if not (lead := leads[name]):
            continue
        out.append(Joint(lead + segment.text, ((0, number, 0, 0), (len(lead), i, 0, len(segment.text))), _LEAST))
    return out


_LISTED = re.compile(r"(?:/[0-9]++)++\Z")


def _shape(pointer: str) -> str | None:
    """A pointer without list positions and without the name of a text part; None where it has no position."""
    steps = pointer.split("/")
    kept = [s for s in steps if not s.isdecimal()]
    if len(kept) == len(steps):
        return None
    return "/".join(kept[:-1] if kept[-1] in _PARTS else kept)
