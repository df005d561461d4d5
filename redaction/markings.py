"""Recognises confidentiality markings of documents, such as a header line ``CONFIDENTIAL`` or ``vertraulich``.

A marking is a statement about the document: at the start of a line, in capitals, in brackets, or after a
``Classification:`` key. The same words in a sentence ("confidential computing") are no marking. Deterministic;
this module must not guess from content.
"""

from __future__ import annotations

import re

MARKED = "marked_confidential"

_PHRASES = (
    # English
    r"(?:strictly |highly |company |commercially |attorney[- ]client )?confidential",
    r"(?:strictly |legally )?(?:private|privileged|personal) (?:and|&) confidential",
    r"confidential (?:and|&) (?:proprietary|privileged)",
    r"(?:attorney[- ]client |legally )privileged",
    r"commercial[- ]in[- ]confidence",
    r"(?:for )?(?:internal|official) use only",
    r"not for (?:external )?distribution",
    # German
    r"(?:streng |strikt |persönlich (?:und|&) )?vertraulich",
    r"nur für (?:den )?(?:internen (?:gebrauch|dienstgebrauch)|dienstgebrauch)",
    r"vs[- ](?:nfd|nur für den dienstgebrauch|vertraulich)",
    # French
    r"(?:strictement |très )?confidentiel(?:le)?",
    r"(?:à )?usage (?:strictement )?interne(?: uniquement)?",
    # Spanish, Portuguese
    r"(?:estrictamente |estritamente |altamente )?confidencial",
    r"(?:solo |sólo |apenas )?(?:para |de )?uso (?:exclusivamente )?interno",
    # Italian, Dutch, Polish
    r"(?:strettamente )?(?:confidenziale|riservato)",
    r"(?:strikt |streng )?vertrouwelijk",
    r"(?:ściśle )?poufne",
)
_PHRASE = "(?:" + "|".join(_PHRASES) + ")"
_DECORATION = r"[ \t>*#=_\-–—|/\[\](){}!.:•]*"
_END = r"(?![\w'’])"

_LINE = re.compile(rf"^{_DECORATION}{_PHRASE}{_END}[ \t]*(?:$|[.:;,|/\-–—\])*_=!&])", re.IGNORECASE | re.MULTILINE)
_KEYED = re.compile(
    r"\b(?:classification|sensitivity|confidentiality|security level|marking|klassifizierung|einstufung"
    rf"|vertraulichkeit|clasificación|classificação|classificazione)[\"']?[ \t]*[:=][ \t]*[\"']?{_PHRASE}{_END}",
    re.IGNORECASE,
)
_BRACKETED = re.compile(rf"[\[(*]{_PHRASE}{_END}[ \t]*[\])*]", re.IGNORECASE)
_CAPITALS = re.compile(
    r"(?<![\w-])(?:CONFIDENTIAL|STRICTLY PRIVATE|INTERNAL USE ONLY|COMMERCIAL IN CONFIDENCE"
    r"|ATTORNEY[- ]CLIENT PRIVILEGED|VERTRAULICH|CONFIDENTIEL|CONFIDENCIAL|RISERVATO|VERTROUWELIJK|POUFNE)(?![\w-])"
    r"(?! (?:COMPUTING|INFORMATION|VM|GUEST|CONTAINERS?|CLIENT)\b)"
)


def is_marked(text: str) -> bool:
    """Whether ``text`` carries a confidentiality marking."""
    return any(pattern.search(text) for pattern in (_CAPITALS, _LINE, _KEYED, _BRACKETED))
