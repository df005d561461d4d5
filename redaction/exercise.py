"""Exercises in arithmetic: the Anna who buys three apples is nobody, as long as nothing else is said of her. Pure.

A model cannot tell her from a customer by her name, so the text decides: short, a question for an amount, several
numbers, and no surname, address, e-mail address, telephone or other identifier in it. Then a first name that stands
alone is no finding, unless another text of the request says the full name. English; elsewhere the finding stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from redaction.spans import VALIDATED
from redaction.types import Finding

LONGEST = 2_000
"""Code points. A longer text is no exercise."""
NUMBERS = 3
"""So many numbers an exercise has at least."""
HARMLESS = frozenset({"AGE", "DATE_TIME", "LOCATION", "NRP", "PROFESSION"})
"""Labels that an exercise may have besides."""
_ASKED = re.compile(
    r"\b(?:how (?:many|much|long|far|old|tall|fast|big|heavy|often)"
    r"|what (?:is|was|will be|are|fraction|percent\w*) (?:(?:the|his|her|their|of) ){0,2}(?:\w+ ){0,3}(?:total|average"
    r"|sum|difference|number|cost|price|ratio|age|score|distance|time|weight|length|amount|profit|area|probability"
    r"|percent\w*)"
    r"|find the|calculate)\b[^.!?]{0,200}\?|\bin total\?",
    re.I,
)
_NUMBER = re.compile(
    r"\d+|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|half|twice|"
    r"double|triple|dozen|third|quarter)\b",
    re.I,
)
_WORD = re.compile(r"([^\W\d_]+)(?:['’]s?)?")


def without_names(text: str, findings: tuple[Finding, ...], given: Callable[[str], bool]) -> tuple[Finding, ...]:
    """``findings`` without the bare first names of an exercise. ``given``: whether a word is a common first name."""
    names = [f for f in findings if f.label == "PERSON" and f.detector not in VALIDATED]
    if not names or len(text) > LONGEST or any(f.label not in HARMLESS for f in findings if f not in names):
        return findings
    words = {text[f.start : f.end] for f in names}
    if not all((m := _WORD.fullmatch(word)) and given(m[1]) for word in words) or not is_exercise(text):
        return findings
    return tuple(f for f in findings if f not in names)


def is_exercise(text: str) -> bool:
    """Whether a short text asks for an amount that follows from numbers in it."""
    return len(_NUMBER.findall(text)) >= NUMBERS and _ASKED.search(text) is not None
