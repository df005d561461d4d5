"""Public figures: the dead and the invented whom everybody knows, in questions and instructions about them. Pure.

``Compare Julius Caesar and Cleopatra`` names nobody whose data could leave. The list (``data/public_figures.txt``)
holds full names, and single ones that nobody else has; the living are not on it. Whoever is introduced or addressed by
such a name, shares a word of it with another name in the text, or stands in a text with an address, a number, an
account or an age, is somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from redaction.detectors.terms import key
from redaction.exercise import HARMLESS, LONGEST
from redaction.spans import GUESSING
from redaction.types import Finding

FIGURES = Path(__file__).parent / "data" / "public_figures.txt"
BESIDE = HARMLESS - {"AGE"} | {"ORGANIZATION", "PERSON"}
"""Labels that may stand in such a text."""
_BEFORE = 40
_CAPITAL = re.compile(r"\b[^\W\d_a-zß-öø-ÿ][\w.’'-]*")
_POSSESSIVE = re.compile(r"['’]s?$")
_REQUEST = re.compile(
    r"\?|(?:^|[.:!\n\"])\s{0,3}(?:please,? |can you |could you |i want you to |(?:i['’]d|i would) like you to ){0,2}(?:"
    r"write|tell|explain|summari[sz]e|describe|compare|list|give|create|compose|make|act|pretend|imagine|translate|rewrite"
    r"|discuss|analy[sz]e|generate|draft|provide|identify|find|classify|complete|answer|speak|embody|assume|take|play)\b",
    re.I,
)
"""What only mentions a figure may mean a neighbour of that nickname."""
_BORNE = re.compile(
    r"(?:\b(?:my name(?: is|['’]s)|i am|i['’]m|this is|it['’]s|call me|called|named|contact|dear|hi|hello|hey|regards"
    r"|sincerely|thanks|cheers|signed|patient|client|customer|tenant|employee|user|colleague|friend|boss|neighbou?r|wife"
    r"|husband|son|daughter|brother|sister|mother|father|mr|mrs|ms|miss|dr|prof|professor)\b[.,:]?\s*"
    r"|name[\"']?\s*[:=]\s*[\"']?|@)$",
    re.I,
)
"""Before a name that somebody bears here and now."""
_BESIDE_ANOTHER = re.compile(r"\b(?:and|or|from|by|with)\s+$|[,/&]\s*$", re.I)
_SECOND = re.compile(r"\s+(?:[A-ZÀ-Þ][\w'’-]*|[A-ZÀ-Þ]\.)|_\w|@")

Words = tuple[str, ...]


@cache
def figures() -> Mapping[Words, str]:
    """Every name of the list, by the words it is compared by."""
    lines = (line.strip() for line in FIGURES.read_text("utf-8").splitlines())
    return {key(line): line for line in lines if line and not line.startswith("#")}


def without_figures(text: str, findings: Sequence[Finding]) -> list[Finding]:
    """``findings`` without the names of public figures, where the text asks about them."""
    names = [f for f in findings if f.label == "PERSON" and f.detector in GUESSING]
    if not names or len(text) > LONGEST or any(f.label not in BESIDE for f in findings) or not _REQUEST.search(text):
        return list(findings)
    known = {f: _figure(text, f) for f in names}
    others = {word for f, said in known.items() if not said for word in key(text[f.start : f.end])}
    return [f for f in findings if not (said := known.get(f)) or not _free(text, f, said, others)]


def _free(text: str, f: Finding, said: Words, others: set[str]) -> bool:
    """Whether no other name of the text has a word of it, nor stands beside it if it is a single one."""
    if others & set(said):
        return False
    return not (others and len(said) == 1 and _BESIDE_ANOTHER.search(text, max(0, f.start - _BEFORE), f.start))


def _figure(text: str, f: Finding) -> Words:
    """The words of the figure that is named, or none."""
    capitals = list(_CAPITAL.finditer(text, f.start, f.end))
    if not capitals:
        return ()
    said = key(_POSSESSIVE.sub("", text[capitals[0].start() : capitals[-1].end()]))
    borne = _BORNE.search(text, max(0, f.start - _BEFORE), f.start)
    return () if said not in figures() or borne or _SECOND.match(text, f.end) else said
