"""Shorter and other forms of a person's name, by which the rest of a request may mean the same person. Pure, bounded.

``Anna Kowalska`` is also ``Kowalska``, ``Anna``, ``KOWALSKA's`` and, where a text is Polish, ``Kowalską``; ``Jürgen
Müller`` is ``Jurgen Muller`` and ``Juergen Mueller`` too. A part that is a common word of a covered language
(``redaction.language``), or that the request itself writes in small letters, is no name by itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from redaction.known import Labels
from redaction.language import common

NAMES = 500
"""Full names of one request whose parts are looked for."""
SURE = 0.6
"""The least score of a name whose parts are looked for."""
LEAST = 3
"""Letters of a part."""

_NAME = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_SMALL = re.compile(r"(?<!\w)[a-zà-öø-ÿāăąćčďđēęěğīįķļłńņňőœřśşšţťūůűųźżž]+(?!\w)")
_POLISH, _GERMAN = re.compile("[ąćęłńśźżĄĆĘŁŃŚŹŻ]"), re.compile("[äöüßÄÖÜ]")
_TITLES = """
    abbé avv betreff bin captain dame das del della den der doctor doctora doktor don dona dos dott dottore doña dr
    dra fr frau fräulein frère herr ibn ing inż judge lady lic lord madame mademoiselle major maître me meneer
    mevrouw mgr miss mlle mme monsieur mr mrs ms mx pan pani pater pfarrer prof professeur professor rabbi rev saint
    san santa senhor senhora señor señora señorita sig signor signora signore sir sister sr sra srta st van von
"""
_TITLE = frozenset(_TITLES.split())
_SPELLED = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "å": "aa"}
)


def aliases(values: Mapping[str, Mapping[str, float]], texts: Sequence[str]) -> dict[str, Labels]:
    """Other forms of the persons among ``values``, which are values of ``texts``; without those that are values."""
    names = [v for v, labels in values.items() if labels.get("PERSON", 0.0) >= SURE and len(_NAME.findall(v)) > 1]
    if not names:
        return {}
    small = {word for text in texts for word in _SMALL.findall(text)}
    endings = [forms for sign, forms in ((_POLISH, _polish), (_GERMAN, _genitive)) if any(map(sign.search, texts))]
    out: dict[str, Labels] = {}
    for name in names[:NAMES]:
        score = {"PERSON": values[name]["PERSON"]}
        parts = [p for p in _NAME.findall(name) if _telling(p, small)]
        inflected = [form for part in parts for make in endings for form in make(part)]
        for form in (*parts, *inflected, *_plain([name, *parts])):
            if form not in values:
                out.setdefault(form, dict(score))
    return out


def _telling(part: str, small: set[str]) -> bool:
    """Whether a part of a name says who is meant, wherever it stands with a capital."""
    word = part.lower()
    return len(part) >= LEAST and part[0].isupper() and word not in _TITLE and word not in small and not common(word)


def _plain(names: Iterable[str]) -> Iterator[str]:
    """Without accents, and with them spelled out."""
    for name in names:
        if not name.isascii():
            bare = unicodedata.normalize("NFD", name.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
            yield "".join(c for c in bare if not unicodedata.combining(c))
            yield name.translate(_SPELLED)


def _polish(part: str) -> Iterator[str]:
    stem, last = part[:-1], part[-1]
    if part.endswith(("ski", "cki", "dzki")):
        yield from (f"{part}{end}" for end in ("ego", "emu", "m", "ch", "mi"))
        yield f"{stem}ich"
    elif part.endswith(("ska", "cka", "dzka")):
        yield from (f"{stem}{end}" for end in ("iej", "ą"))
    elif last == "a":
        yield from (f"{stem}{end}" for end in ("y", "i", "ie", "ę", "ą", "o"))
    elif last not in "eiouyąęó":
        yield from (f"{part}{end}" for end in ("a", "owi", "em", "iem", "ie", "owie", "ów"))
        if part.endswith("ek") and len(part) > LEAST:
            yield from (f"{part[:-2]}k{end}" for end in ("a", "owi", "iem"))


def _genitive(part: str) -> Iterator[str]:
    if part[-1] not in "sßxz":
        yield f"{part}s"
