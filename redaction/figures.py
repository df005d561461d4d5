"""Public figures: the dead and the invented whom everybody knows, in questions and instructions about them. Pure.

``Compare Julius Caesar and Cleopatra`` names nobody whose data could leave. The list (``data/public_figures.txt``)
holds full names, and single ones that nobody else has; the living are not on it. Whoever is introduced or addressed by
such a name, shares a word of it with another name in the text, or stands in a text with an address, a number, an
account or an age, or about affairs of somebody alive (``the loan of Harry Potter``), is somebody else.

Most of them have namesakes, and what is asked about those has no end (``Tell Robert Frost that the test was
positive``). So a name that somebody alive may bear counts only beside a word of what the figure is known for (``a poem
in the style of Robert Frost``, ``the theory of``), in a text that says nothing of today or of whoever asks.

Where nobody else is named and nobody speaks of himself, years long past are theirs as well (``how Julius Caesar crossed
a river in 49``). English; elsewhere the finding stays.
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
    r"|name[\"']?\s*[:=]\s*[\"']?|@|\b(?-i:[A-Z])\.\s?|\w[-‐‑_])$",
    re.I,
)
"""Before a name that somebody bears here and now."""
_KNOWN_FOR = re.compile(
    r"\b(?:poets?|sonnets?|novelists?|playwrights?|composers?|symphon(?:y|ies)|concertos?|sonatas?|philosophers?"
    r"|philosophy of|stoicism|existentialis[mt]s?|theory of|theorems?|relativity|inventions? by"
    r"|discovered (?:the )?(?:americas?|laws?|elements?|planets?|penicillin|radioactivity|gravity)|emperors?|pharaohs?"
    r"|monarchs?|reign|throne|(?:french|russian|american|industrial|scientific|cuban) revolution|nazi germany"
    r"|third reich|civil rights (?:movement|leaders?|era)|president of the united|declaration of independence"
    r"|centur(?:y|ies)|bce?|ancient (?:greece|greeks?|rome|egypt)|medieval|victorian era|mytholog(?:y|ical)"
    r"|(?:greek|roman|norse) (?:gods?|goddess|myths?|traged\w+)|hogwarts|fictional|superhero(?:es)?|jedi|star wars"
    r"|marvel (?:comics|universe|movies?)|fan ?fiction|historical (?:figures?|events?|context)|nobel prize"
    r"|fibonacci (?:numbers?|sequence|series)|(?:poem|play|novel|book|essay|film|movie|quote|painting)s? by"
    r"|(?:style|works|writings|legacy) of|(?:thoughts?|ideas|thinkers|art|science|society) of (?:his|her|their) time"
    r"|in (?:1[0-8]\d\d|19[01]\d)(?! ?[a-z%€$£]))\b"
    r"|\b(?:book|novel|film|movie|play|series|comic) (?:called |titled )?[\"'“‘](?=[A-Z])",
    re.I,
)
"""What a figure is known for, near its name."""
_WHO = re.compile(r"\bwho (?:was|were) $", re.I)
_ALIVE = re.compile(
    r"\b(?:my|(?<!\b(?:tell|give|show|help) )me|mine|myself|we|our|us"
    r"|to(?:day|morrow|night)|yesterday|(?:last|next|this) (?:night|week|month|year"
    r"|morning|afternoon|evening|shift|weekend|spring|summer|autumn|winter)|(?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:hours?|days?|weeks?|months?) ago|since|still|lately|recently|currently|just|19[7-9]\d|20\d\d"
    r"|I(?! (?:want|need|would like)\b|['’]d like))\b",
    re.I,
)
"""Today, and who asks."""
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
_SECOND = re.compile(r"\s+(?:[A-ZÀ-Þ][\w'’-]*|[A-ZÀ-Þ]\.)|[-‐‑–_]\w|@")

_PAST = re.compile(r"(?:in )?(?:1[0-8]\d\d|19[0-5]\d|\d{1,3}(?: ?(?:AD|BCE?|CE))?)|.*\bcentur(?:y|ies)")
_SURE = "!"
"""Behind a name that nobody alive bears."""
_NEAR = 80
"""Code points to each side."""
_PRESENT = re.compile(
    r"(?:\b(?:is|are|am|has|have|does|do|can|could|should|shall|will|would|may|might|must|tell|told|ask|asked|help|let|for|to"
    r"|with|about whether|witness|suspect|nurse|teacher|student|resident)(?:n['’]t)?\s+)$",
    re.I,
)
_PRESENTLY = re.compile(
    r"(?:['’]s)?[,;:]?\s+(?:is|has|does|can|cannot|can['’]t|will|won['’]t|should|must|needs?|wants?)\b"
)

Words = tuple[str, ...]


def listed(file: Path) -> list[str]:
    """The names of a list: a line each, and remarks behind ``#``."""
    lines = (line.strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


@cache
def figures() -> Mapping[Words, str]:
    """Every name of the list, by the words it is compared by."""
    return {key(name): name for name in (line.removesuffix(_SURE).strip() for line in listed(FIGURES))}


@cache
def unmistakable() -> frozenset[Words]:
    """Names that nobody alive bears."""
    return frozenset(key(line.removesuffix(_SURE)) for line in listed(FIGURES) if line.endswith(_SURE))


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
    return [] if len(left) < len(findings) and all(_theirs(text, f) for f in left) else left


def _known(text: str, names: Sequence[Finding]) -> dict[Finding, Words]:
    """What names a figure, and what names one by its last word where the text names it in full (``Stark`` of Tony
    Stark): a first name has many bearers."""
    said = {f: _words(text, f) for f in names}
    full = {f: words for f, words in said.items() if words in figures() and _unborne(text, f)}
    full = {f: words for f, words in full.items() if f.label == "PERSON" or len(words) > 1}
    full = {f: words for f, words in full.items() if words in unmistakable() or _meant(text, full, words)}
    last = {words[-1:] for f, words in full.items() if f.label == "PERSON"}
    return full | {f: w for f, w in said.items() if w in last and _unborne(text, f)}


def _meant(text: str, full: Mapping[Finding, Words], words: Words) -> bool:
    """Whether what the text says of a name is what the figure is known for, and nobody alive bears it there."""
    if _ALIVE.search(text):
        return False
    named = [f for f in full if full[f] == words]
    if any(_PRESENT.search(text, max(0, f.start - _BEFORE), f.start) or _PRESENTLY.match(text, f.end) for f in named):
        return False
    near = any(_KNOWN_FOR.search(text, max(0, f.start - _NEAR), f.end + _NEAR) or _asked_of(text, f) for f in named)
    return near or any(other in unmistakable() for f, other in full.items() if f.label == "PERSON")


def _asked_of(text: str, f: Finding) -> bool:
    """``Who was Jane Austen?``"""
    return text[f.end : f.end + 1] == "?" and _WHO.search(text, max(0, f.start - 9), f.start) is not None


def _theirs(text: str, f: Finding) -> bool:
    """Whether it is a year of somebody who is long dead."""
    if f.label != "DATE_TIME" or f.detector == OWN or _FIRST_PERSON.search(text):
        return False
    return _PAST.fullmatch(text, f.start, f.end) is not None


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
