"""The payload classifier: what a text is about, and how sensitive that makes it.

Sensitivity here is about content. Identifiers are the business of detectors and transforms, so the text is read in a
neutral view in which found values are replaced by plain words of their kind: a customer's letter stays correspondence
whether or not it holds a card number. Long texts are read paragraph by paragraph, long paragraphs in overlapping
windows; the highest score per category is kept, and ``redaction.outliers`` says when it counts. Text over the token
budget is refused (``budget``), never skipped. A linear model over word pieces (``redaction.topics``): some tens of
microseconds per window, and it can say which words made it decide. Where somebody's health is told in passing
(``redaction.health``), a text is about health, whatever else it is about.

Loads files of this package; opens no connection and keeps no text.
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from redaction import health, outliers, topics
from redaction.markings import MARKED, is_marked
from redaction.types import GROUPS, Classification, DetectorFailed, Finding, Sensitivity

SENSITIVITY: Mapping[str, Sensitivity] = {
    "general": Sensitivity.PUBLIC,
    "correspondence": Sensitivity.INTERNAL,
    "internal": Sensitivity.INTERNAL,
    "legal": Sensitivity.CONFIDENTIAL,
    "source_code": Sensitivity.CONFIDENTIAL,
    "hr": Sensitivity.CONFIDENTIAL,
    "financial": Sensitivity.REGULATED,
    "health": Sensitivity.REGULATED,
    "credentials": Sensitivity.REGULATED,
}
"""How sensitive each category makes a payload."""

WINDOW = 190
"""Content tokens of a window."""
OVERLAP = 30
PARAGRAPH = 32
"""Content tokens of the shortest paragraph that is read on its own; shorter ones are read with the next one."""
TOKEN_BUDGET = 600_000
"""Most tokens of one text; more raises DetectorFailed."""

SHORT_WORDS = 5
"""Below this many words (a tool's name, a JSON key, a greeting) a text hardly has a topic; ..."""
SHORT_SCORE = 0.85
"""... so a sensitive category needs this score there. Values in such texts are the detectors' business."""

TOLD = 0.6
"""Score of ``health`` where a text tells of somebody's in passing."""
AT_LARGE = 0.9
"""Score of ``general``, alone, above which a text is about nobody."""

_WORD = re.compile(r"\w+")
BLANK = re.compile(r"\n[ \t\r]*\n")
"""Between two paragraphs."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_NOTHING = 100
"""The word piece of what is no word."""
_PIECE = 50_000
"""Code points tokenised at once, so that memory stays flat."""

NEUTRAL: Mapping[str, str] = {
    "PERSON": "Alex",
    "USERNAME": "a user",
    "EMAIL_ADDRESS": "an email address",
    "PHONE_NUMBER": "a phone number",
    "ADDRESS": "an address",
    "URL": "a link",
    "IP_ADDRESS": "a host",
    "MAC_ADDRESS": "a host",
    "CREDIT_CARD": "a number",
    "IBAN_CODE": "a number",
    "BANK_ACCOUNT": "a number",
    "US_BANK_NUMBER": "a number",
    "CRYPTO": "a number",
    "US_SSN": "a number",
    "NATIONAL_ID": "a number",
    "TAX_ID": "a number",
    "PASSPORT": "a number",
    "US_PASSPORT": "a number",
    "DRIVER_LICENSE": "a number",
    "US_DRIVER_LICENSE": "a number",
    "MEDICAL_RECORD": "a number",
    "MEDICAL_LICENSE": "a number",
    "CASE_NUMBER": "a number",
    "REFERENCE_NUMBER": "a number",
    "LICENSE_PLATE": "a number",
    "DEVICE_ID": "a number",
    "API_KEY": "a value",
    "PASSWORD": "a value",
    "PRIVATE_KEY": "a value",
    "CONNECTION_STRING": "a value",
    "SECRET": "a value",
}
"""What a found value is read as. Labels that say what a text is about (dates, places, organisations) stay."""


def neutral_view(text: str, findings: Sequence[Finding]) -> str:
    """``text`` with the values of identifying findings replaced; of overlapping ones the first and longest wins."""
    parts, at = [], 0
    for finding in sorted(findings, key=lambda item: (item.start, -item.end)):
        word = NEUTRAL.get(finding.label)
        if word is None or finding.start < at:
            continue
        parts += [text[at : finding.start], word]
        at = finding.end
    parts.append(text[at:])
    return "".join(parts)


def _hidden(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.label in NEUTRAL]


def plain(text: str) -> str:
    """Ligatures, full-width and styled letters as the letters they stand for, without invisible ones.

    The vocabulary knows none of them: a clause copied from a PDF would fall into pieces that say nothing.
    """
    if text.isascii():
        return text
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def windows(ids: Any) -> list[Any]:
    """Overlapping runs of token ids that together cover all of ``ids``."""
    step = WINDOW - OVERLAP
    last = max(len(ids) - OVERLAP, 1)
    return [ids[start : start + WINDOW] for start in range(0, last, step)]


def passages(paragraphs: Iterable[Sequence[int]]) -> list[Any]:
    """Windows over the token ids of paragraphs: none crosses from one long enough to be judged into the next.

    A note between the chapters of a novel is read as a note: short paragraphs before it go to what stands before them.
    A text of one window at most is read as a whole.
    """
    groups: list[list[int]] = [[]]
    for ids in paragraphs:
        if len(groups[-1]) >= PARAGRAPH:
            groups.append([])
        elif len(groups) > 1 and len(ids) >= PARAGRAPH:
            before = groups.pop()
            groups[-1] += before
            groups.append([])
        groups[-1] += ids
    if len(groups) > 1 and len(groups[-1]) < PARAGRAPH:
        last = groups.pop()
        groups[-1] += last
    if sum(map(len, groups)) <= WINDOW:
        groups = [[piece for ids in groups for piece in ids]]
    return [window for ids in groups for window in windows(np.array(ids or [_NOTHING], np.int64))]


class TopicClassifier:
    """Says what a text is about, from the words in it. Safe for one thread at a time."""

    def __init__(self, folder: Path = topics.DATA) -> None:
        """Loads the weights. Raises OSError, KeyError or ValueError if unusable."""
        self._topics = topics.load(folder)
        unknown = set(self._topics.classes) - set(SENSITIVITY)
        if unknown:
            raise ValueError(f"the weights have unknown classes: {sorted(unknown)}")
        self._tokenizer = topics.tokenizer(folder)
        self._thresholds = np.array([self._topics.thresholds[name] for name in self._topics.classes])
        self._harmless = self._topics.classes.index("general")
        numbers = (WINDOW, OVERLAP, PARAGRAPH, SHORT_WORDS, SHORT_SCORE)
        many = {name: value for name, value in vars(outliers).items() if name.isupper()}
        told = (health.VERSION, health.lexicon().digest, TOLD, AT_LARGE)
        rules = f"topics/4 {numbers} {told} {sorted(many.items())} {sorted(NEUTRAL.items())}"
        self._digest = hashlib.sha256(f"{rules} {topics.digest(folder)}".encode()).hexdigest()

    @property
    def name(self) -> str:
        return "topics"

    @property
    def digest(self) -> str:
        """Identifies weights, vocabulary and the reading rules of this module."""
        return self._digest

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        """What ``text`` is about. Raises DetectorFailed when the text is over the token budget."""
        tags = frozenset({MARKED}) if is_marked(text) else frozenset[str]()
        least = Sensitivity.CONFIDENTIAL if tags else Sensitivity.PUBLIC
        if not any(character.isalnum() for character in text):
            return Classification(least, {}, tags)
        view = neutral_view(text, findings)
        logits = np.stack([self._topics.logits(window) for window in passages(self._paragraphs(view))])
        scores = softmax(logits)
        sure = outliers.enough(logits, scores, self._thresholds, self._harmless)
        words = len(_WORD.findall(view[: SHORT_WORDS * 100]))
        categories = self._categories(scores.max(axis=0), sure, words)
        if health.told(text, _hidden(findings), categories.keys() == {"general"} and categories["general"] > AT_LARGE):
            categories["health"] = max(TOLD, categories.get("health", 0.0))
        sensitivity = max([least, *(SENSITIVITY[name] for name in categories)])
        return Classification(sensitivity, categories, tags)

    def evidence(
        self, text: str, category: str, findings: Sequence[Finding] = (), most: int = 5
    ) -> list[tuple[int, int]]:
        """Spans of the words that speak most for ``category``, best first, for ``policy explain``.

        Where somebody's health is told comes first. Of a word that stands there often, the first place. Values that
        ``findings`` hide from the classifier are none.
        """
        hidden = _hidden(findings)
        places = health.told(text, hidden) if category == "health" else []
        said = {text[start:end].lower(): (start, end) for start, end in reversed(places)}
        told = sorted(said.values())
        of = self._topics.classes.index(category)
        taken = [*((f.start, f.end) for f in hidden), *told]
        first: dict[str, tuple[int, int]] = {}
        often: Counter[str] = Counter()
        for word in _WORD.finditer(text):
            if not any(start < word.end() and word.start() < end for start, end in taken):
                first.setdefault(word[0].lower(), word.span())
                often[word[0].lower()] += 1
        weights = {word: self._weight(word, of) * (1.0 + math.log(count)) for word, count in often.items()}
        best = sorted(weights.keys() - said, key=lambda word: (-weights[word], first[word]))
        return [*told, *(first[word] for word in best if weights[word] > 0)][:most]

    def _weight(self, word: str, of: int) -> float:
        """How much a word speaks for class number ``of``, per word piece; single characters say nothing."""
        ids = self._tokenizer.encode(plain(word), add_special_tokens=False).ids
        said = [self._topics.weight(piece, of) for piece in ids if piece >= topics.FIRST_WORD]
        return sum(said) / len(said) if said else 0.0

    def _paragraphs(self, text: str) -> Iterator[list[int]]:
        """Word pieces of each paragraph, over-long ones cut. Raises DetectorFailed over the budget."""
        count = 0
        for paragraph in BLANK.split(text):
            for start in range(0, len(paragraph), _PIECE):
                ids = self._tokenizer.encode(plain(paragraph[start : start + _PIECE]), add_special_tokens=False).ids
                count += len(ids)
                if count > TOKEN_BUDGET:
                    raise DetectorFailed(self.name, "budget")
                yield ids

    def _categories(self, scores: Any, sure: Any, words: int) -> dict[str, float]:
        """Categories that count by ``sure``; the best one when none does, of short texts the best harmless one."""
        named = {name: round(float(score), 4) for name, score in zip(self._topics.classes, scores, strict=True)}
        harmless = {name for name in named if SENSITIVITY[name] < Sensitivity.CONFIDENTIAL}
        candidates = {name: score for name, score in named.items() if words >= SHORT_WORDS or name in harmless}
        enough = dict(zip(self._topics.classes, sure.tolist(), strict=True))
        found = {name: score for name, score in named.items() if self._counts(name, score, words, enough[name])}
        if not found and candidates:
            best = max(candidates, key=lambda name: candidates[name])
            found = {best: candidates[best]}
        return found

    def _counts(self, name: str, score: float, words: int, sure: bool) -> bool:
        """One word alone (`user_id`) is never sensitive by its topic."""
        if SENSITIVITY[name] < Sensitivity.CONFIDENTIAL:
            return score >= self._topics.thresholds[name]
        if words < SHORT_WORDS:
            return words > 1 and score >= SHORT_SCORE
        return sure


REGULATED_RULE = (
    "as it stands: regulated when the content is regulated, or a finding with score >= 0.5 is a secret, a payment "
    "identifier (@financial) or a personal identifier (@identifiers without IP and MAC addresses), or a person's "
    "name stands in a text about staff or in a letter, or beside an address, e-mail address, phone number, age or "
    "date of birth"
)

_STRONG = GROUPS["@secrets"] | GROUPS["@financial"] | (GROUPS["@identifiers"] - {"IP_ADDRESS", "MAC_ADDRESS"})
_BESIDE = frozenset({"ADDRESS", "EMAIL_ADDRESS", "PHONE_NUMBER", "DATE_OF_BIRTH", "AGE"})
_PERSONAL = frozenset({"hr", "correspondence"})


def payload_level(content: Classification, findings: Iterable[Finding]) -> Sensitivity:
    """How sensitive a text is as it stands, identifiers included: ``REGULATED_RULE`` as code.

    Policies decide about content and about labels apart, since a replaced identifier no longer leaves.
    """
    labels = {finding.label for finding in findings if finding.score >= 0.5}
    personal = "PERSON" in labels and (labels & _BESIDE or _PERSONAL & content.categories.keys())
    return Sensitivity.REGULATED if labels & _STRONG or personal else content.sensitivity


def softmax(logits: Any) -> Any:
    """Scores per row that sum to one."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)
