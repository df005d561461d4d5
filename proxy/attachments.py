"""Attachments of a request: bytes out of base64, texts to inspect out of a document, and one result back. Pure.

A document is a segment of kind ``document`` whose text is base64 or a ``data:`` address. Its findings cannot have
places in there, so the segment's result says for the whole of it which labels were found; what was read stays beside
it in an :class:`Attachment`, for counting, for finding values again and for replacing it by its text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from redaction.types import Classification, Finding, Sensitivity, TextResult

DOCUMENT = "document"
"""The kind of such a segment."""
GUESSING = frozenset({"names", "places"})
"""Detectors that take names of styles and fonts for people and towns."""
CHUNK = 6_000
"""Characters from which on a piece is divided at the next end of a line, so that workers share a long document."""

_HEAD = re.compile(r"data:([^,]{0,512}),")
_STANDARD = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None, " ": None, "\t": None})


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about a document: bytes, media type and name."""

    data: bytes = field(repr=False)
    media_type: str
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a document's text. ``prose`` is False for markup and names of styles."""

    text: str = field(repr=False)
    prose: bool


@dataclass(frozen=True, slots=True)
class Attachment:
    """What was read of one document, with a result for each text; ``reason`` says what could not be read."""

    texts: tuple[Text, ...]
    results: tuple[TextResult, ...]
    reason: str | None

    def rows(self) -> Iterator[tuple[str, TextResult]]:
        """Text and result of each piece."""
        return ((t.text, r) for t, r in zip(self.texts, self.results, strict=True))


def claim(text: str, media_type: str, name: str) -> Claim | None:
    """The document in a segment; None where its text is no base64."""
    head = _HEAD.match(text)
    if head is not None:
        said, _, encoding = head[1].rpartition(";")
        if encoding.strip().lower() != "base64":
            return Claim(unquote_to_bytes(text[head.end() :]), media_type or head[1], name)
        media_type, text = media_type or said, text[head.end() :]
    text = text.translate(_STANDARD)
    try:
        return Claim(base64.b64decode(text + "=" * (-len(text) % 4), validate=True), media_type, name)
    except (binascii.Error, ValueError):
        return None


def chunks(pieces: Sequence[tuple[str, bool]]) -> tuple[Text, ...]:
    """Pieces as they are inspected."""
    return tuple(Text(part, prose) for text, prose in pieces for part in _divided(text))


def _divided(text: str) -> Iterator[str]:
    at = 0
    while len(text) - at > CHUNK:
        end = text.find("\n\n", at + CHUNK // 2, at + CHUNK)
        end = end if end >= 0 else text.find("\n", at + CHUNK)
        if end < 0:
            break
        yield text[at:end]
        at = end + 1
    yield text[at:]


def judged(text: Text, result: TextResult) -> TextResult:
    """A result without the guesses of detectors that technical text misleads."""
    if text.prose:
        return result
    sure = tuple(f for f in result.findings if f.detector not in GUESSING)
    return TextResult(sure, Classification(Sensitivity.PUBLIC), result.uninspected)


def folded(size: int, attachment: Attachment) -> TextResult:
    """One result for the segment: each label over its whole length with the best score, the highest sensitivity."""
    best: dict[str, Finding] = {}
    level, tags = Sensitivity.PUBLIC, set[str]()
    categories: dict[str, float] = {}
    reason = f"document:{attachment.reason}" if attachment.reason else None
    for result in attachment.results:
        reason = reason or result.uninspected
        for f in result.findings:
            if f.label not in best or f.score > best[f.label].score:
                best[f.label] = Finding(0, size, f.label, f.score, f.detector)
        level = max(level, result.classification.sensitivity)
        tags |= result.classification.tags
        for name, score in result.classification.categories.items():
            categories[name] = max(score, categories.get(name, 0.0))
    return TextResult(tuple(best.values()), Classification(level, categories, frozenset(tags)), reason)


def shown(name: str, texts: Sequence[str]) -> str:
    """What stands for a document that is replaced by its text."""
    return "\n".join([f"[file {name}]" if name else "[file]", *texts])


NONE: Mapping[int, Attachment] = {}
"""No attachments."""
