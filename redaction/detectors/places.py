"""Organisations, places and a second opinion on persons: spaCy's English entity recogniser (the one spaCy user).

The parser, tagger and lemmatizer find nothing, so they are not loaded. In technical or foreign prose the small model
invents persons; so it reads texts with English function words only, and its persons need two capitalised words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import spacy

from redaction.types import DetectorFailed, Finding

VERSION = "2"
UNUSED = ("tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", "senter")
TOKEN_BUDGET = 60_000
"""Most tokens of one text: the cost follows tokens, not characters."""
LABELS = {"PERSON": "PERSON", "ORG": "ORGANIZATION", "GPE": "LOCATION", "LOC": "LOCATION", "NORP": "NRP"}
SCORE = 0.5
FUNCTION_WORDS = frozenset(
    (
        "the", "of", "and", "to", "in", "is", "a", "for", "my", "you", "i", "it", "that", "this", "with", "on", "was",
        "are", "be", "have", "has", "from", "at", "by", "not", "we", "they", "he", "she", "what", "please", "can",
        "your", "his", "her", "their", "our", "as", "an", "or", "but", "if", "will", "would",
    )
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z']+")
_UNBROKEN = re.compile(r"\S{200,}")
"""What holds no space for so long is no prose, and spaCy takes quadratic time on it; the other detectors read it."""


def english(text: str) -> bool:
    """Whether enough of the first words are English function words."""
    words = [m[0].lower() for m in _WORD.finditer(text[:4000])]
    return bool(words) and sum(w in FUNCTION_WORDS for w in words) >= max(2, len(words) // 12)


class SpacyDetector:
    """Implements ``Detector``."""

    name = "places"

    def __init__(self, model_dir: Path) -> None:
        self._nlp = spacy.load(model_dir, exclude=list(UNUSED))
        self._nlp.max_length = 10_000_000
        self._ner: Any = self._nlp.get_pipe("ner")
        meta = (model_dir / "meta.json").read_bytes()
        self.digest = hashlib.sha256(VERSION.encode() + meta).hexdigest()[:16]

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        if not english(text):
            return ()
        with self._nlp.memory_zone():  # the string store would otherwise grow with every new word
            doc = self._nlp.make_doc(_UNBROKEN.sub(_blank, text))
            if len(doc) > TOKEN_BUDGET:
                raise DetectorFailed(self.name, "budget")
            return tuple(self._findings(self._ner(doc)))

    def _findings(self, doc: Any) -> Iterator[Finding]:
        for entity in doc.ents:
            label = LABELS.get(entity.label_)
            if label is not None and _plausible(entity.text, label):
                yield Finding(entity.start_char, entity.end_char, label, SCORE, self.name)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _plausible(text: str, label: str) -> bool:
    words = text.split()
    if "\n" in text or any(c in text for c in '{}[]()<>=_/\\@#$%^*|;:`"'):
        return False
    if label == "PERSON":
        return len(words) >= 2 and all(w[0].isupper() and w[1:].islower() for w in words if w.isalpha())
    if label == "ORGANIZATION":
        return not (len(words) == 1 and (text.isupper() or text.islower()))
    return any(c.isalpha() for c in text)
