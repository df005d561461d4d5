"""Exercises in arithmetic: the Anna who buys three apples is nobody, as long as nothing else is said of her. Pure.

A model cannot tell her from a customer by her name, so the text decides: short, a question for an amount, two
numbers or more, no surname, address, e-mail address, telephone or other identifier in it, and no word of health, of
trouble at work or with the law. Then a first name that stands
alone is no finding, unless another text of the request says the full name. English; elsewhere the finding stays.

Lists of first names hold most surnames too (Johnson, Garcia), so what is a surname as well counts only if it is one of
the few that are mostly first names; and a title, a second name or a form's word beside it makes somebody of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from redaction.bare import MATTERS
from redaction.spans import VALIDATED, bounded
from redaction.types import Finding, TextResult

LONGEST = 2_000
"""Code points. A longer text is no exercise."""
NUMBERS = 2
"""So many numbers an exercise has at least."""
HARMLESS = frozenset({"AGE", "DATE_TIME", "LOCATION", "NRP", "PROFESSION"})
"""Labels that an exercise may have besides."""
_ASKED = re.compile(
    r"\b(?:how (?:many|much|long|far|old|tall|fast|big|heavy|often)"
    r"|what (?:is|was|will be|are|fraction|percent\w*) (?:(?:the|his|her|their|of) ){0,2}(?:\w+ ){0,3}(?:total|average"
    r"|sum|difference|number|cost|price|ratio|age|score|distance|time|weight|length|amount|profit|area|probability"
    r"|percent\w*)"
    r"|what (?:score|fraction|percent\w*|amount|number of)|find the|calculate)\b[^.!?]{0,200}\?"
    r"|\bcalculate (?:the|how)\b[^.!?]{3,200}|\bin total\?",
    re.I,
)
_ASKING = ("how ", "what ", "find the", "calculate", "in total?")
_NUMBER = re.compile(
    r"\d+|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|half|twice|"
    r"double|triple|dozen|third|quarter)\b",
    re.I,
)
_WORD = re.compile(r"([^\W\d_]+)(?:['’]s?)?")
TITLE = re.compile(
    r"\b(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|lady|lord|judge|nurse|patient|client|customer|debtor|herr|frau)"
    r"\.?\s+$",
    re.I,
)
"""Before a surname."""
_FORM = re.compile(r"\b(?:first|last|given|family|middle|full|sur)?[ _-]?name[\"']?\s*[:=|\t]", re.I)
_SECOND = re.compile(r"(?:\s+|[^\w\s.!?,]{1,3}\s*|_)[^\W\d_]")
_AND = re.compile(r",? (?:and|or) ")


def without_names(text: str, findings: tuple[Finding, ...], given: Callable[[str], bool]) -> tuple[Finding, ...]:
    """``findings`` without the bare first names of an exercise. ``given``: whether a word is a common first name."""
    names = [f for f in findings if f.label == "PERSON" and f.detector not in VALIDATED]
    if not names or len(text) > LONGEST or any(f.label not in HARMLESS for f in findings if f not in names):
        return findings
    words = {text[f.start : f.end] for f in names}
    if not all((m := _WORD.fullmatch(word)) and given(m[1]) for word in words) or not is_exercise(text):
        return findings
    if _FORM.search(text) or MATTERS.search(text) or any(_somebody(text, f) for f in names) or _adjoining(text, names):
        return findings
    return tuple(f for f in findings if f not in names)


def _somebody(text: str, name: Finding) -> bool:
    """Whether a title stands before it, or a capital behind it as a surname's or an initial's would."""
    second = _SECOND.match(text, name.end)
    return TITLE.search(text, max(0, name.start - 12), name.start) is not None or (
        second is not None and second[0][-1].isupper()
    )


def _adjoining(text: str, names: Sequence[Finding]) -> bool:
    """Whether two names stand side by side, as first name and surname do in tables and lists (``James, Henry``). What
    ends in ``and`` is a list of several people."""
    gaps = [text[a[1] : b[0]] for a, b in pairwise(sorted({(f.start, f.end) for f in names})) if a[1] <= b[0]]
    ahead = ""  # of a run of commas: what ends it
    for gap in reversed(gaps):
        if not any(map(str.isalnum, gap)) and not (gap == ", " and _AND.fullmatch(ahead)):
            return True
        ahead = ahead if gap == ", " else gap
    return False


def named_elsewhere(texts: Sequence[str], results: Sequence[TextResult]) -> list[TextResult]:
    """``results`` with parts of a full name, which some text says, found in exercises: their Anna is that one."""
    parts: dict[str, float] = {}
    for text, result in zip(texts, results, strict=True):
        for f in result.findings:
            words = _PART.findall(text[f.start : f.end]) if f.label == "PERSON" else []
            for word in words if len(words) > 1 else ():
                parts[word] = max(f.score, parts.get(word, 0.0))
    if not parts:
        return list(results)
    return [_with(text, result, parts) for text, result in zip(texts, results, strict=True)]


_PART = re.compile(r"[^\W\d_]{2,}")


def _with(text: str, result: TextResult, parts: dict[str, float]) -> TextResult:
    if len(text) > LONGEST or not any(part in text for part in parts) or not is_exercise(text):
        return result
    known = [(f.start, f.end) for f in result.findings if f.label == "PERSON"]
    more = [f for f in _found(text, parts) if not any(start <= f.start and f.end <= end for start, end in known)]
    return replace(result, findings=(*result.findings, *more)) if more else result


def _found(text: str, parts: dict[str, float]) -> Iterator[Finding]:
    for m in _PART.finditer(text):
        if m[0] in parts and m[0][0].isupper() and bounded(text, m.start(), m.end()):
            yield Finding(m.start(), m.end(), "PERSON", parts[m[0]], "request")


def is_exercise(text: str) -> bool:
    """Whether a short text asks for an amount that follows from numbers in it."""
    asks = "?" in text or "alculate" in text  # most texts of a conversation ask nothing, or no amount
    lower = text.lower() if asks else ""
    if not any(asked in lower for asked in _ASKING):
        return False
    return len(_NUMBER.findall(text)) >= NUMBERS and _ASKED.search(text) is not None
