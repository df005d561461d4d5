"""What looks like a fact of a person and is nobody's: things called after somebody, ages of all people, roles that a
model is asked to play, decades, times of day, remedies, dishes, sums, and what is left of an exercise without its
people. Pure.

Each rule goes by the words around, none by what a name might be, so that whatever somebody is called stays a finding.
Only what models guessed is left out, and ages, which no check stands behind. English; elsewhere the finding stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from redaction.exercise import HARMLESS, is_exercise
from redaction.figures import without_figures
from redaction.spans import GUESSING, OWN
from redaction.types import Finding

NEAR = 60
"""Code points before a finding in which a rule looks for its words."""
FACTS = frozenset({"AGE", "NRP", "PROFESSION"})
"""Labels of facts that are nothing without somebody they are said of."""
NAMES = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
FEW = 50
"""Findings of the longest exercise."""


class Names(Protocol):
    """Lists of names."""

    def given(self, word: str, /) -> bool:
        """Whether a word is a common first name, and no surname."""
        ...

    def surname(self, word: str, /) -> bool:
        """Whether a word is a surname, common or seldom."""
        ...


_ONE = re.compile(r"[^\W\d_]+(?:[-–][^\W\d_]+)*")
_THING = re.compile(
    r"(?P<kind> (?!post|end|late|early|graft|long|first)[a-z]+(?:-[a-z]+)+)?(?: muscular)? (?:syndrome|disease"
    r"|dystrophy|anomaly|palsy|grid|theorem|lemma|conjecture|equation|algorithm|cipher|paradox)s?\b"
)
"""Nothing else may stand between: ``Kowalczyk has heart disease`` and ``Kowalczyk metastatic carcinoma`` are facts."""
_HAS_IT = re.compile(r"\b(?:by|with|have|of|is|are|develops?|cause[sd]?|causing|in|and|called)(?: the| an?)? $")
_TYPE = re.compile(r" type\b(?! [A-Z0-9])")
_KIND_OF = re.compile(
    r"\b[a-z]*(?:disability|syndrome|disease|dysplasia|dystrophy|atrophy|deficiency|ataxia|neuropathy|myopathy"
    r"|retardation|osis|itis|emia), $"
)
_ALL = re.compile(
    r"\b(?:people|persons|adults|children|kids|teens|men|women|boys|girls|infants|babies|patients|individuals|those|anyone"
    r"|everyone) (?:(?:who|that) are |in |of |at )?(?:the )?"
    r"(?:(?:under|over|above|below|older than|younger than|between)(?: (?:the )?ages?(?: of)?)? ?(?:\d{1,3}\D{1,5})?"
    r"|(?P<aged>aged?|ages)(?: of)? (?P<first>\d{1,3} ?(?:-|–|to) ?)?)$",
    re.I,
)
_AND_MORE = re.compile(
    r"(?: years)?(?: old)?(?:(?: ?[-–] ?| to )\d| (?:and|or) (?:over|older|above|up|under|younger|more)\b)"
)
_SOME = re.compile(
    r"\b(?:my|our|his|her|their|your|its|the|these|this|those|both|two|three|four|five|six|several|\d+)"
    r"(?: [a-z-]+)?(?: of the)? $",
    re.I,
)
"""Before people of whom there are so many."""
_RANGE = re.compile(r"\b\d{1,3} ?(?:to|-|–) ?$|\bbetween(?: the ages of)? \d{1,3} ?and ?$", re.I)
_ONES = re.compile(r"\b(?:is|was|am|looks?|looked|seem(?:s|ed)|he|she|s?he['’]s|i['’]m)\b[^.!?\n]{0,24}$", re.I)
"""Whose age is guessed, he is somebody."""
_ONE_OF = re.compile(
    r"\b(?:man|woman|boy|girl|guy|lady|lad|child|teen|fe?male|person|somebody|someone|suspect|witness|patient|client"
    r"|son|wife|husband|friend|boss|colleague|tenant|[a-z]{3,}(?:er|or|our|ist|ant|ian))\b[^.!?\n]{0,24}$",
    re.I,
)
"""So is who is described: ``the attacker, 25 to 30 years old``. Of many there is more than one."""
_LIVED = re.compile(
    r"\b(?:I|I['’](?:m|d|ve)|my|me|we|our|(?-i:us)|he|she|his|her|him|born|died|diagnosed|married|arrested|jailed|convicted)\b",
    re.I,
)
_HE = re.compile(r"\b(?:he|she|his|her|him)\b", re.I)
_OLD = re.compile(r"(?:\s?years?)?[ -]old|\s?(?:years|yrs)\b")
_ROLE = re.compile(
    r"\b(?:act(?:ing)? (?:as|like)|behave (?:as|like)|(?:imagine|suppose|assume) (?:that )?(?:you are|you['’]re)"
    r"|imagine yourself as|pretend (?:that )?(?:you are|you['’]re|(?:yourself )?to be)|picture yourself as|like i['’]?m"
    r"|as if i were|(?:assume|play|embrace|take|take on) the (?:role|persona|part) of)(?: now)? (?:an?|the) "
    r"(?:[\w-]+ ){0,2}$",
    re.I,
)
_YOU_ARE = re.compile(r"(?:^|[\n\"“])[ \t]*(?:now )?(?:you are|you['’]re) (?:now )?an? (?:[\w-]+ ){0,2}$", re.I)
"""Of a model where a text begins so; somebody to whom a letter is written may be a nurse, too."""
_AS_A = re.compile(r"(?:^|[\n\"“:.!?])\s{0,2}as an? (?:[\w-]+ ){0,2}$", re.I)
_ITS_TASK = re.compile(
    r"(?: [a-z]+){0,2}, (?:please |now )?(?:describe|explain|write|give|tell|create|make|your (?:task|job|goal)"
    r"|you (?:are|will|must|should)|what would you|how would you)\b",
    re.I,
)
"""``As a sports commentator, describe …``, asked of a model; ``As a nurse, I …`` says what somebody is."""
_LETTER = re.compile(r"\b(?:dear|hi|hello|hey|regards|sincerely)\b", re.I)
_ANY = re.compile(r"(?:^|[.!?:,;\n\"]|\b(?:that|if|when|because|where|while))\s?an? $", re.I)
_MAY = re.compile(r" (?:can|could|may|might|should|must)\b(?! (?:i|we|he|she|they|you)\b)", re.I)
_WHETHER = re.compile(r"(?:^|[.!?:\n\"])\s?(?:can|could|may|should|must|does|would) an? $", re.I)
"""Any of a profession: ``a nurse may help``, ``Can a manager work abroad?``"""
_DECADE = re.compile(r"(?:the )?(?:(?:late|early|mid)[ -])?(?:the )?(?:1[5-9]|20)\d0['’]?s")
_SHARE = re.compile(
    r"([1-9])/(\d{1,2}) of (?:the|a|an|all|his|her|its|their|my|our)\b"
    r"(?! (?:[a-z]+ )?(?:year|month|week|quarter|semester|term|decade)\b)"
)
_SUM = re.compile(r"\d{1,4} [-+*×] \d{1,3}")
_OPERATOR = re.compile(r"[\^*/+=×]\s?$")
_EQUALS = re.compile(r"\s?(?:[*+^×]|=\s?[\d?xX])")
_CLOCK = re.compile(
    r"(?:(?:at|around|about|from|until) )?(?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?)?\s?(?:-|–|to|and)\s?)?"
    r"(?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m\.?| ?o['’]clock)|\d{1,2}:\d\d)",
    re.I,
)
_AT = re.compile(r"@ ?$")
_WILD = re.compile(r"(?:the )?(?:Mount|Mt\.?) (?:Everest|Fuji|Kilimanjaro|Olympus|Rushmore|Etna|Vesuvius)", re.I)
"""Where nobody lives."""
_SHORT = re.compile(r"[A-Z]{2,6}")
_LETTERS = re.compile(r"[^\W_]+")
_DISH = re.compile(r"\b(?:an?|some|me|any) (?:[a-z]+ )?recipes? (?:for |called )?(?:[A-Z][a-z]+n )?$")
_DISH_ENDS = re.compile(r"(?: [A-Z][a-z]+)?\s?(?:[?.!\"”\n]|$)")
_OF_THINGS = re.compile(
    r"\s{1,2}(?:dish(?:es)?|foods?|cuisine|recipes?|meals?|cooking|restaurants?|language|grammar|translations?|literature"
    r"|poetry)\b(?! [a-z]*(?:er|or|ist|ant|ent|chef|cook|guy|man|woman|lady|owners?|staff|people)s?\b)"
)
_REMEDY = re.compile(
    r"\b(?i:[a-z]{3,})(?:astine|atadine|enadine|tirizine|azole|cillin|mycin|cycline|floxacin|pril|sartan|statin|tidine|mab|nib|platin|rubicin"
    r"|taxel|zolomide|zolamide|tecan|ulfan|prostone|clotide|gliptin|gliflozin|setron|triptan|oxetine|zepam|zolam|caine"
    r"|dronate|parin|xaban|ciclovir|olol|dipine|terol|solone|onide|profen|coxib|codone"
    r"|citabine|hydramine|pheniramine) \($"
)
"""The end of a generic name (stems of the WHO's list of them), before a trade name in brackets."""
_FIRST_PERSON = re.compile(r"\b(?:I|I['’]m|I['’]ve|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|[Uu]s)\b")
_SOMEBODY = re.compile(
    r"\b(?:patients?|clients?|customers?|employees?|applicant|claimant|defendant|plaintiff|tenant|borrower|debtor|suspect"
    r"|victim|policyholder|insured|mg|mmol|bmi|kg|kilos?|creatinine|hba1c|glucose|insulin|dos(?:e|age)|pills?|tablets?|blood"
    r"|pregnan\w+|fe?male|year[- ]old (?:man|woman|boy|girl)|diagnos\w+|clinic|hospital|ward|surgery|disab\w+"
    r"|retire[sd]?|pension|severance|alimony|child support|compensation|sentenced?|asylum|refugees?|rents|owes)\b",
    re.I,
)
"""Whose age or profession in a calculation may be a real one."""


def without_nobody(text: str, findings: tuple[Finding, ...], names: Names) -> tuple[Finding, ...]:
    """``findings`` without those that are about nobody."""
    left = without_figures(text, [f for f in findings if not _nobodys(text, f, findings, names)])
    left = _without_clocks(text, left)
    if _invented(text, left):
        left = []
    return findings if len(left) == len(findings) else tuple(left)


def _nobodys(text: str, f: Finding, findings: Sequence[Finding], names: Names) -> bool:
    if f.detector == OWN or (f.detector not in GUESSING and f.label != "AGE"):
        return False
    before = text[max(0, f.start - NEAR) : f.start]
    if f.label in FACTS:
        return _fact_of_none(text, f, before, findings)
    if f.label == "DATE_TIME":
        return _decade(text, f) or _share(text, f)
    if f.label == "REFERENCE_NUMBER":
        return _sum(text, f)
    if f.label == "LOCATION" and _WILD.fullmatch(text, f.start, f.end):
        return True
    words = _LETTERS.findall(text, f.start, f.end)
    if f.label not in NAMES or any(map(names.given, words)):
        return False
    return (
        _called_after(text, f, before)
        or _abbreviation(text, f, findings)
        or (not any(map(names.surname, words)) and _product(text, f, before))
    )


def _fact_of_none(text: str, f: Finding, before: str, findings: Sequence[Finding]) -> bool:
    """``act as a nurse``, ``a nurse may help``, ``people over age 45``, ``20 to 30 years old``, ``Somali dishes``."""
    if _ROLE.search(before):
        return True
    if f.label == "PROFESSION":
        may = _ANY.search(before) is not None and _MAY.match(text, f.end) is not None
        return may or _WHETHER.search(before) is not None or _model(text, before, f.end, findings)
    if f.label == "AGE":
        return _of_all(text, f, before)
    return f.label == "NRP" and (_OF_THINGS.match(text, f.end) or _DISH.search(before)) is not None


def _model(text: str, before: str, end: int, findings: Sequence[Finding]) -> bool:
    """Whether a text begins with what the model is to be, and nobody else can be meant."""
    told = _YOU_ARE.search(before) is not None or (_AS_A.search(before) and _ITS_TASK.match(text, end))
    return bool(told) and not _LETTER.search(text) and not any(f.label == "PERSON" for f in findings)


def _of_all(text: str, f: Finding, before: str) -> bool:
    """Whether an age is a bound for many, not the age of some whom the text counts or owns."""
    people = _ALL.search(before)
    if people is not None:
        bound = not people["aged"] or people["first"] or _AND_MORE.match(text, f.end)
        return bool(bound) and not _SOME.search(before[: people.start()])
    years = "old" in text[f.start : f.end] or _OLD.match(text, f.end) is not None
    said = _RANGE.search(before) if years else None
    if said is None:
        return False
    before = before[: said.start()]
    return not (_ONES.search(before) or _ONE_OF.search(before))


def _decade(text: str, f: Finding) -> bool:
    """In which nobody is said to have lived: ``born in the 1960s`` is an age."""
    plural = text[f.end : f.end + 1] == "s"
    if _DECADE.fullmatch(text[f.start : f.end + plural]) is None:
        return False
    return _LIVED.search(text, max(0, f.start - NEAR), f.end + NEAR) is None


def _share(text: str, f: Finding) -> bool:
    """``3/4 of the class``, no day of a month."""
    share = _SHARE.match(text, f.start)
    return share is not None and int(share[1]) < int(share[2])


def _sum(text: str, f: Finding) -> bool:
    """``2^31 - 1``: a number with a hyphen (``file 4711 - 12``) needs another sign of arithmetic beside it."""
    if not _SUM.fullmatch(text, f.start, f.end):
        return False
    if "-" not in text[f.start : f.end]:
        return True
    return _OPERATOR.search(text, max(0, f.start - 2), f.start) is not None or _EQUALS.match(text, f.end) is not None


def _without_clocks(text: str, findings: list[Finding]) -> list[Finding]:
    """A time of day says nothing of anybody where no text says which day's."""
    dates = [f for f in findings if f.label == "DATE_TIME" and f.detector in GUESSING]
    clocks = {
        f
        for f in dates
        if _CLOCK.fullmatch(text, f.start, f.end) and not _AT.search(text, max(0, f.start - 2), f.start)
    }
    if not clocks or any(f.label in {"DATE_TIME", "DATE_OF_BIRTH"} and f not in clocks for f in findings):
        return findings
    return [f for f in findings if f not in clocks]


def _called_after(text: str, f: Finding, before: str) -> bool:
    """``Majeed syndrome``, ``an Amsler grid``, ``…, Siderius type``: a thing, unlike ``Anna's disease``."""
    name = _ONE.match(text, f.start, f.end)
    if f.label != "PERSON" or name is None:
        return False
    if name.end() == f.end and _TYPE.match(text, f.end) and _KIND_OF.search(before):
        return True
    thing = _THING.match(text, name.end())
    if thing is None or f.end > thing.end():
        return False
    return not thing["kind"] or _HAS_IT.search(before) is not None


def _abbreviation(text: str, f: Finding, findings: Sequence[Finding]) -> bool:
    """``OSA`` where the text says ``obstructive sleep apnea (OSA)``: what small letters spell is a thing, or else
    a name."""
    short = text[f.start : f.end]
    at = text.find(f"({short})") if _SHORT.fullmatch(short) else -1
    words = list(_LETTERS.finditer(text, max(0, at - 120), at))[-len(short) :] if at > 0 else []
    if "".join(word[0][0] for word in words) != short.lower():
        return False
    return not any(other.label == "PERSON" and other.start < at and other.end > words[0].start() for other in findings)


def _product(text: str, f: Finding, before: str) -> bool:
    """A dish after ``recipe for``, a remedy in brackets after its generic name."""
    if _DISH.search(before):
        return _DISH_ENDS.match(text, f.end) is not None and not _HE.search(text, f.end, f.end + NEAR)
    return _REMEDY.search(before) is not None and text[f.end : f.end + 1] == ")"


def _invented(text: str, left: Sequence[Finding]) -> bool:
    """Whether all that is left are facts of an exercise, of whose people no name is a finding."""
    return (
        0 < len(left) <= FEW
        and len({f.label for f in left}) == 1  # who is of that age, there, and does that may be the only one
        and all(f.label in HARMLESS and f.detector != OWN for f in left)
        and is_exercise(text)
        and not _FIRST_PERSON.search(text)
        and not _SOMEBODY.search(text)
    )
