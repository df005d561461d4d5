"""Where a place is said by two streets: "the corner of Alma Road and 5th Street" is one address. Pure.

Detectors find the streets, seldom both, and what stands around them tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from redaction.types import Finding

REACH = 40
"""Characters before a street in which a crossing is announced."""
_BEFORE = re.compile(
    r"\b(?:(?:the )?(?:street )?(?:corner|intersection|junction) of|(?:an der |der )?Ecke(?: von)?|"
    r"(?:en )?la esquina de|(?:à )?l['’]angle (?:de|du|des)|all['’]angolo (?:di|tra)|(?:op )?de hoek van|"
    r"(?:na )?esquina da?|(?:na )?rogu) $",
    re.IGNORECASE,
)
_AND = re.compile(r"(?: (?:and|&|und|et|y|con|e|en|i|com a) | ?/ ?)")
_ENDED = re.compile(r"(?<= )(?:and|und|et|y|e|en|i)$")
_WORDS = re.compile(r"(?:[^\W\d_a-z][\w.'’-]{0,40}|\d{1,5}(?:st|nd|rd|th)?)(?: [^\W\d_a-z][\w.'’-]{0,40}){0,2}")
_PARTS = frozenset({"ADDRESS", "LOCATION", "PERSON", "ORGANIZATION"})


def crossings(text: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    """One more finding for each street that a crossing is announced for, from the announcement to the other street."""
    parts: dict[int, int] = {}
    for f in findings:
        if f.label in _PARTS:
            parts[f.start] = max(parts.get(f.start, 0), f.end)
    for f in findings:
        if f.label == "ADDRESS" and (said := _BEFORE.search(text, max(0, f.start - REACH), f.start)):
            yield replace(f, start=said.start(), end=_other(text, f.end, parts))


def _other(text: str, end: int, parts: dict[int, int]) -> int:
    """Where the other street ends; ``end`` if there is none."""
    ended = _ENDED.search(text, max(0, end - 5), end)
    joint = _AND.match(text, ended.start() - 1 if ended else end)
    if joint is None:
        return end
    at = joint.end()
    if at not in parts:
        words = _WORDS.match(text, at)
        return words.end() if words else end
    for _ in range(len(parts)):  # "Leokadia" a person, "Trail" an address
        at = parts[at]
        if text[at : at + 1] != " " or at + 1 not in parts:
            break
        at += 1
    return at
