"""What looks like a fact of a person and is nobody's: things called after somebody, ages of all people, roles that a
model is asked to play, decades, times of day, remedies, dishes, sums, and what is left of an exercise without its
people. Pure.

Each rule goes by the words around, none by what a name might be, so that whatever somebody is called stays a finding.
Only what models guessed is left out, and ages, which no check stands behind. English; elsewhere the finding stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

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

_ONE = re.compile(r"[^\W\d_]+(?:[-–][^\W\d_]+)*")
_THING = re.compile(
    r"(?:[ -][a-z][a-z-]{1,20}){0,2} (?:syndrome|disease|dystrophy|anomaly|palsy|ataxia|lymphoma|sarcoma|carcinoma|grid"
    r"|theorem|lemma|conjecture|equation|algorithm|cipher|paradox)s?\b"
)
_TYPE = re.compile(r" type\b")
_KIND_OF = re.compile(r"[a-z]{5,}, $")
_ALL = re.compile(
    r"\b(?:people|persons|adults|children|kids|teens|men|women|boys|girls|infants|babies|patients|individuals|those|anyone"
    r"|everyone)\b[^.!?;]{0,20}\b(?:under|over|above|below|older than|younger than|between|aged?|from)\b[^.!?;]{0,16}$",
    re.I,
)
_RANGE = re.compile(r"\b\d{1,3} ?(?:to|-|–|and) ?$")
_OLD = re.compile(r"(?:\s?years?)?[ -]old|\s?(?:years|yrs)\b")
_ROLE = re.compile(
    r"\b(?:you are|you['’]re|act(?:ing)? (?:as|like)|behave (?:as|like)|imagine (?:that )?(?:you are|you['’]re)"
    r"|imagine yourself as|pretend (?:that )?(?:you are|you['’]re|(?:yourself )?to be)|picture yourself as|like i['’]?m"
    r"|as if i were|(?:assume|play|embrace|take|take on) the (?:role|persona|part) of)(?: now)? (?:an?|the) "
    r"(?:[\w-]+ ){0,2}$",
    re.I,
)
_A = re.compile(r"\ban? $", re.I)
_MAY = re.compile(r" (?:can|could|may|might|should|must)\b")
_WHETHER = re.compile(r"(?:^|[.!?:\n\"])\s?(?:can|could|may|should|must|does|would) an? $", re.I)
"""Any of a profession: ``a nurse may help``, ``Can a manager work abroad?``"""
_DECADE = re.compile(r"(?:the )?(?:(?:late|early|mid)[ -])?(?:the )?(?:1[5-9]|20)\d0['’]?s")
_SHARE = re.compile(r"\d{1,2}/\d{1,2} of (?:the|a|an|all|his|her|its|their|my|our)\b")
_SUM = re.compile(r"\d{1,4} [-+*×] \d{1,3}")
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
_DISH = re.compile(r"\brecipes? (?:for|of|called)?\s?(?:[A-Za-z]+n )?$", re.I)
_OF_THINGS = re.compile(
    r"\s{1,2}(?:dish(?:es)?|foods?|cuisine|recipes?|meals?|cooking|restaurants?|language|grammar|translat\w+|literature|poetry)\b"
)
_REMEDY = re.compile(
    r"(?:astine|atadine|enadine|tirizine|azole|cillin|mycin|cycline|floxacin|pril|sartan|statin|tidine|mab|nib|platin|rubicin"
    r"|taxel|zolomide|zolamide|tecan|ulfan|prostone|clotide|gliptin|gliflozin|setron|triptan|oxetine|zepam|zolam|caine"
    r"|dronate|parin|xaban|ciclovir|olol|dipine|terol|solone|onide|profen|coxib|codone) \($"
)
"""The end of a generic name (stems of the WHO's list of them), before a trade name in brackets."""
_FIRST_PERSON = re.compile(r"\b(?:I|I['’]m|I['’]ve|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|[Uu]s)\b")
_SOMEBODY = re.compile(
    r"\b(?:patients?|clients?|customers?|employees?|applicant|claimant|defendant|plaintiff|tenant|borrower|debtor|suspect"
    r"|victim|policyholder|insured|mg|mmol|bmi|kg)\b",
    re.I,
)
"""Whose age or profession in a calculation may be a real one."""


def without_nobody(text: str, findings: tuple[Finding, ...], given: Callable[[str], bool]) -> tuple[Finding, ...]:
    """``findings`` without those that are about nobody. ``given``: whether a word is a common first name."""
    left = without_figures(text, [f for f in findings if not _nobodys(text, f, given)])
    left = _without_clocks(text, left)
    if _invented(text, left):
        left = []
    return findings if len(left) == len(findings) else tuple(left)


def _nobodys(text: str, f: Finding, given: Callable[[str], bool]) -> bool:
    if f.detector == OWN or (f.detector not in GUESSING and f.label != "AGE"):
        return False
    before = text[max(0, f.start - NEAR) : f.start]
    if f.label in FACTS:
        return _fact_of_none(text, f, before)
    if f.label == "DATE_TIME":
        return _decade(text, f) or _SHARE.match(text, f.start) is not None
    if f.label == "REFERENCE_NUMBER":
        return _SUM.fullmatch(text, f.start, f.end) is not None
    if f.label == "LOCATION" and _WILD.fullmatch(text, f.start, f.end):
        return True
    if f.label not in NAMES or any(map(given, _LETTERS.findall(text, f.start, f.end))):
        return False
    return _called_after(text, f, before) or _abbreviation(text, f) or _product(text, f, before)


def _fact_of_none(text: str, f: Finding, before: str) -> bool:
    """``act as a nurse``, ``a nurse may help``, ``people over age 45``, ``20 to 30 years old``, ``Somali dishes``."""
    if _ROLE.search(before):
        return True
    if f.label == "PROFESSION":
        may = _A.search(before) is not None and _MAY.match(text, f.end) is not None
        return may or _WHETHER.search(before) is not None
    if f.label == "AGE":
        years = "old" in text[f.start : f.end] or _OLD.match(text, f.end) is not None
        return _ALL.search(before) is not None or (years and _RANGE.search(before) is not None)
    return f.label == "NRP" and (_OF_THINGS.match(text, f.end) or _DISH.search(before)) is not None


def _decade(text: str, f: Finding) -> bool:
    plural = text[f.end : f.end + 1] == "s"
    return _DECADE.fullmatch(text[f.start : f.end + plural]) is not None


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
    return thing is not None and f.end <= thing.end()


def _abbreviation(text: str, f: Finding) -> bool:
    """``OSA`` where the text says ``obstructive sleep apnea (OSA)``: what small letters spell is a thing."""
    short = text[f.start : f.end]
    at = text.find(f"({short})") if _SHORT.fullmatch(short) else -1
    words = _LETTERS.findall(text[max(0, at - 120) : at]) if at > 0 else []
    return "".join(word[0] for word in words[-len(short) :]) == short.lower()


def _product(text: str, f: Finding, before: str) -> bool:
    """A dish after ``recipe for``, a remedy in brackets after its generic name."""
    if _DISH.search(before):
        return text[f.end : f.end + 1] not in {"'", "’"}
    return _REMEDY.search(before) is not None and text[f.end : f.end + 1] == ")"


def _invented(text: str, left: Sequence[Finding]) -> bool:
    """Whether all that is left are facts of an exercise, of whose people no name is a finding."""
    return (
        0 < len(left) <= FEW
        and all(f.label in HARMLESS and f.detector != OWN for f in left)
        and is_exercise(text)
        and not _FIRST_PERSON.search(text)
        and not _SOMEBODY.search(text)
    )
