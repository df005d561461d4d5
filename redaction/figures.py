"""Public figures: the dead and the invented whom everybody knows, in questions and instructions about them. Pure.

``Compare Julius Caesar and Cleopatra`` names nobody whose data could leave. The list (``data/public_figures.txt``)
holds full names, and single ones that nobody else has; the living are not on it. Whoever is introduced or addressed by
such a name, shares a word of it with another name in the text, or stands in a text with an address, a number, an
account or an age, or about affairs of somebody alive (``the loan of Harry Potter``), is somebody else.

Where nobody else is named and nobody speaks of himself, years and places are theirs as well (``how Julius Caesar
crossed the Rubicon in 49``). English; elsewhere the finding stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from redaction.detectors.terms import key
from redaction.exercise import HARMLESS, LONGEST
from redaction.spans import GUESSING, OWN
from redaction.types import Finding

FIGURES = Path(__file__).parent / "data" / "public_figures.txt"
BESIDE = HARMLESS - {"AGE"} | {"ORGANIZATION", "PERSON"}
"""Labels that may stand in such a text."""
NAMES = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
"""What the title of a film may be taken for."""
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
_AFFAIRS = re.compile(
    r"\b(?:accounts?|balance|invoices?|bill(?:ed|ing)|loans?|mortgage|overdrawn|payments?|paid|pays?|owe[sd]?"
    r"|overdue|salar(?:y|ies)|payroll|refund\w*|contracts?|lease|rent|tenanc\w+|landlord|policyholder|insur\w+"
    r"|claims?|claimant|complain\w*|appl(?:ied|icants?|ication)|candidates?|interview\w*|hire[ds]?|hiring|fired"
    r"|terminat\w+|resign\w*|employ\w+|colleagues?|coworkers?|team|manager|staff|hr|customers?|clients?"
    r"|subscri\w+|orders?|ordered|deliver\w+|tickets?|appointments?|diagnos\w+|admitted|admission|discharge[ds]?"
    r"|prescri\w+|medication|dosage|treatment|patients?|surgery|chest|lab results?|court|lawsuit|su(?:ed|es|ing)"
    r"|probation|arrest\w*|passwords?|log ?in|e-?mails?|phones?|address(?:es)?|meeting|our|us)\b",
    re.I,
)
"""Affairs of somebody alive: what bears a famous name there is a namesake."""
_ENGLISH = re.compile(
    r"\b(?:the|and|who|whom|whose|what|which|when|where|how|why|did|does|about|of|from|with|this|that|his|not|tell|write|explain"
    r"|compare|like|quote|list)\b",
    re.I,
)
_FIRST_PERSON = re.compile(r"\b(?:I|I['’]\w+|[Mm]y|[Ww]e|[Oo]ur)\b")
_SECOND = re.compile(r"\s+(?:[A-ZÀ-Þ][\w'’-]*|[A-ZÀ-Þ]\.)|_\w|@")

Words = tuple[str, ...]


def listed(file: Path) -> list[str]:
    """The names of a list: a line each, and remarks behind ``#``."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@cache
def figures() -> Mapping[Words, str]:
    """Every name of the list, by the words it is compared by."""
    return {key(name): name for name in listed(FIGURES)}


def without_figures(text: str, findings: Sequence[Finding]) -> list[Finding]:
    """``findings`` without the names of public figures, where the text asks about them."""
    names = [f for f in findings if f.label in NAMES and f.detector in GUESSING]
    persons = any(f.label == "PERSON" for f in names)
    if not persons or len(text) > LONGEST or any(f.label not in BESIDE for f in findings):
        return list(findings)
    if not _REQUEST.search(text) or not _ENGLISH.search(text) or _AFFAIRS.search(text):
        return list(findings)
    known = _known(text, names)
    others = {w for f in names if f.label == "PERSON" and f not in known for w in key(text[f.start : f.end])}
    left = [f for f in findings if f not in known or not _free(text, f, known[f], others)]
    theirs = all(f.label in HARMLESS and f.detector != OWN for f in left) and not _FIRST_PERSON.search(text)
    return [] if theirs and len(left) < len(findings) else left


def _known(text: str, names: Sequence[Finding]) -> dict[Finding, Words]:
    """What names a figure, and what names a part of one that the text names in full (``Stark`` of Tony Stark)."""
    said = {f: _words(text, f) for f in names}
    full = {f: words for f, words in said.items() if words in figures() and _unborne(text, f)}
    full = {f: words for f, words in full.items() if f.label == "PERSON" or len(words) > 1}
    whole = [set(words) for f, words in full.items() if f.label == "PERSON"]
    parts = {f: w for f, w in said.items() if f.label == "PERSON" and f not in full and w and _unborne(text, f)}
    return full | {f: w for f, w in parts.items() if any(set(w) < figure for figure in whole)}


def _free(text: str, f: Finding, said: Words, others: set[str]) -> bool:
    """Whether no other name of the text has a word of it, nor stands beside it if it is a single one."""
    if others & set(said):
        return False
    return not (others and len(said) == 1 and _BESIDE_ANOTHER.search(text, max(0, f.start - _BEFORE), f.start))


def _words(text: str, f: Finding) -> Words:
    """Of a finding, from the first capital to the last one."""
    capitals = list(_CAPITAL.finditer(text, f.start, f.end))
    words = key(_POSSESSIVE.sub("", text[capitals[0].start() : capitals[-1].end()])) if capitals else ()
    return words[1:] if len(words) > 1 and words[0] == "as" else words


def _unborne(text: str, f: Finding) -> bool:
    """Whether nobody is introduced or addressed by it, nor it is a part of a longer name."""
    return not (_BORNE.search(text, max(0, f.start - _BEFORE), f.start) or _SECOND.match(text, f.end))
