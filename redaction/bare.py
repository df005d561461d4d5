"""Names that models take for those of an exercise, found where the text is none. Pure, linear.

Models learned from exercises that a name of one word beside a number is nobody's (``Anna has 3 apples``), and say so of
``Anna has 3 convictions and 1 pending case`` as well. So beside a number a common name counts that stands alone, unless
the text asks for an amount; there a word of health, of trouble at work or with the law must stand near. In other
languages first names count, those that are a word of some language only within a sentence and with a capital.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from redaction.detectors.wordview import MOSTLY_GIVEN
from redaction.language import table
from redaction.types import Finding

LONGEST = 20_000
"""Code points. In a longer text, models have more to go by."""
NEAR = 100
"""Code points between a name and such a word, to either side."""
SCORE = 0.5
"""As of a token that models just believe in."""
DETECTOR = "student"
"""Whose lists of names they are."""
BESIDE = 60
"""Code points between a name and a number."""

MATTERS = re.compile(
    r"\b(?:cancer|burn ?out|stroke|epilep\w+|diabet(?:es|ic)|autis\w+|depress(?:ed|ive)|adhd|hiv|chemo\w*|biopsy"
    r"|pregnan(?:t|cy)|abortion|miscarr\w+|pills?|tablets|mg|insulin|hba1c|creatinine|medication|prescri\w+|therap(?:y|ist)"
    r"|psych(?:iatr|olog|otic|os)\w+|rehab|detox|drunk|beers?|whisk\w+|vodka|alcohol\w*|heroin|cocaine|weed"
    r"|drinking problem|addict\w*|gambl\w+|overdose\w*|suicid\w+|self[- ]harm|bmi|hospital|clinic|ward|nurse|surgery"
    r"|diagnos(?:ed|is)|discharged|admitted|disab(?:led|ility)|wheelchair|off sick|sick (?:pay|leave|days?|note)|fired"
    r"|sacked|layoffs?|warnings?|absences?|overtime|payroll|resign(?:ed|s)|severance|pension|alimony|custody|divorced?"
    r"|child support|rents|evict\w*|arrears|debts|bankrupt\w*|welfare|asylum|deport\w*|refugee|prison|jail|probation"
    r"|police|arrested|convicted|stole|theft|assault\w*|abused?|raped?|violent|victim|suspect|stabb\w+|crash(?:ed)?"
    r"|injur(?:y|ed)|bullied|suspended|expelled|sessions?"
    r"|sentenced|parole|(?:his|her|the) ex|owes? (?:me|us)|I (?:lent|owe|fired?|pay|paid)|cut from the pay"
    r"|missed \d+ shifts|fire (?=[A-Z])"
    r"|(?:my|our) (?:wife|husband|ex|partner|sons?|daughters?|mother|father|sister|brother|boss|colleague|neighbou?r"
    r"|tenant|employee|client|patient))\b",
    re.I,
)
"""What is said of real people: health, trouble at work or with the law, money between people who know each other."""
_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|far|old|tall|fast|big|heavy|often)\b[^.!?]{0,200}\?|\bwhat (?:is|was|will be|are|score"
    r"|number|fraction|percent\w*|amount)\b[^.!?]{0,80}\b(?:total|average|sum|difference|number|cost|price|ratio|age|score|distance"
    r"|time|weight|length|height|width|volume|speed|amount|profit|area|probability|percent\w*|fraction|need)\b"
    r"|\bcalculate\b|\bfind the\b",
    re.I,
)
"""What an exercise asks for."""
_AMOUNTS = re.compile(
    r"\b(?:wie ?viele?|wie (?:lange|alt|weit|oft)|combien|quel (?:âge|est le)|cu[aá]nt[oa]s?|qu[ae]nt[oiae]s?"
    r"|hoeveel|hoe (?:oud|lang)|ile|berechne|calcul[ea]\w*|oblicz)\b",
    re.I,
)
"""The same in other languages."""
_FIGURE = (
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|half|twice"
    r"|each)\b"
)
_NUMBER = re.compile(_FIGURE, re.I)
_NUMBERS = re.compile(rf"{_FIGURE}|\bhow (?:many|much|long|far|old|tall|often)\b|{_AMOUNTS.pattern}", re.I)
_ENGLISH = re.compile(
    r"\b(?:the|and|has|have|had|how|what|does|did|with|from|for|should|she|his|her|which|our|were|than|lost|took|owes|needs"
    r"|gets|earns|weighs|pays?|gave|said|says|about|only|every|years?|weeks?|months?|days?|hours?)\b",
    re.I,
)
_WORD = re.compile(r"(?<![^\W\d_])[^\W\d_]{3,}")
_CAPITAL = re.compile(r"(?<![^\W\d_])[^\W\d_a-zß-öø-ÿ][^\W\d_]{2,}")
SHORTEST = 4
"""Letters of a name in capitals: shorter ones are abbreviations."""
LONGEST_CHAT = 2_000
CHAT = 50
"""In a text that has no more than one capital in so many letters, beside its first, names have small ones, too."""
_EPONYM = (
    "syndrome|disease|structures?|acids?|theorem|equations?|diagrams?|curves?|constant|distribution|transform|laws?|effect"
    "|algorithm"
)
"""Things called after somebody."""
_AFTER = re.compile(
    rf"[*_]{{0,3}}(?:['’]s\b|['’]?(?:\s+(?!(?:van|von|de|der|del|da|di|{_EPONYM})\b)(?:[a-z]|\d)|\s*[.,;:?!)–—&|\]\"”»]|\s-\s|\s*$))"
)
"""Behind a name that stands alone."""
_NEXT = re.compile(r" ([^\W\d_]{2,})")
_LAST = re.compile(r"([^\W\d_]{2,}) $")
_WITHIN = re.compile(r"(?:[^\W\d_a-zß-öø-ÿ][\w'’.-]*[ -]|[-@/\w]|\w_)$")
"""Before a word that is a part of another name or of an identifier."""
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Herr|Frau|Mme|Sra?|Signora?|Pani?)\.? $")
_BEGINS = re.compile(r"(?:^|[.!?:\n\"]\s{0,3})[^\W\d_]+ $")
"""One word before it in its sentence: a capital means nothing there."""
_FIRST = re.compile(r"(?:^|[.!?:;\n\"“«¿¡•*-])\s{0,3}$")


_NAMES = MOSTLY_GIVEN | frozenset(
    ("elke", "ellen", "greta", "ida", "jim", "joan", "jose", "klara", "marina", "nora", "priya",
     "ron", "shirin", "sian", "sid", "tanya", "thanh", "tim", "trang", "tuan", "udo", "uwe")
)  # fmt: skip
"""Of the words of some language, those that are names."""
_WORDS = frozenset(
    ("mark", "rose", "grace", "frank", "max", "ray", "rob", "jack", "christian", "bob", "daisy", "lily", "art", "will",
     "may", "june", "april", "hope", "faith", "joy", "dawn", "summer", "sky", "chase", "grant", "miles", "dean", "earl",
     "duke", "elif", "org", "sys", "dev", "alt", "ing", "len", "iban", "cuda", "bert", "blas", "belo")
)  # fmt: skip
"""Names that mean something else in small letters or in capitals."""


class Names(Protocol):
    """Lists of names."""

    def named(self, word: str, /, *, first: bool = False) -> bool:
        """Whether a word is a common name (``first``: a first name), written like one, and hardly another word."""
        ...


def with_names(text: str, findings: tuple[Finding, ...], names: Names) -> tuple[Finding, ...]:
    """``findings`` and such names."""
    if len(text) > LONGEST or not _NUMBERS.search(text):
        return findings
    english = _ENGLISH.search(text) is not None
    asked = _NUMBER.search(text) and (_AMOUNT if english else _AMOUNTS).search(text)
    near, reach = (MATTERS, NEAR) if asked else (_NUMBERS, BESIDE)
    covered = {at for f in findings for at in range(f.start, f.end)}
    chat = len(text) <= LONGEST_CHAT and (sum(map(str.isupper, text)) - 1) * CHAT < len(text)

    def known(at: int, word: str) -> bool:
        return at in covered or names.named(_written(word), first=not english)

    more = []
    for m in (_WORD if chat else _CAPITAL).finditer(text):
        at, end = m.span()
        if at in covered or not known(at, m[0]) or not _alone(text, at, end, known):
            continue
        if near.search(text, max(0, at - reach), end + reach) and (english or not _foreign(text, at, m[0])):
            more.append(Finding(at, end, "PERSON", SCORE, DETECTOR))
    return (*findings, *more)


def _written(word: str) -> str:
    """A word in capitals or in small letters, as a name is written."""
    other = (word.isupper() and len(word) >= SHORTEST) or word.islower()
    return word.capitalize() if other and word.lower() not in _WORDS else word


def _alone(text: str, start: int, end: int, known: Callable[[int, str], bool]) -> bool:
    """Whether it is no part of anything but a person's name."""
    following, before = _NEXT.match(text, end), text[max(0, start - 30) : start]
    if not _AFTER.match(text, end) and not (following and known(following.start(1), following[1])):
        return False
    if not _WITHIN.search(before) or _BEGINS.search(before) or _TITLE.search(before):
        return True
    last = _LAST.search(before)
    return last is not None and known(start - len(before) + last.start(1), last[1])


def _foreign(text: str, start: int, word: str) -> bool:
    """Whether it is a word of some language that begins a sentence, or has small letters: ``Una``, ``orden``."""
    if word.lower() not in table().words or word.lower() in _NAMES:
        return False
    return word.islower() or _FIRST.search(text, max(0, start - 4), start) is not None
