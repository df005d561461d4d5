"""Attachments of a request: bytes out of base64, segments to inspect out of a document, and one result back. Pure.

A document is a segment of kind ``document`` whose text is base64 or a ``data:`` address. Its findings cannot have
places in there, so while it is judged it is spread into the texts that it says, as segments of their own: values of the
request are found in it, and its values in the request. Then its result says for the whole of it which labels were
found; what was read stays beside it in an :class:`Attachment`, for counting and for replacing it by its text.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_to_bytes

from proxy.dialects.base import Segment, Untransformable
from redaction.detectors.numbers import BY_ITSELF, DOUBTED
from redaction.documents import Document, Limits, Piece, read
from redaction.spans import GUESSING
from redaction.types import Classification, Finding, Sensitivity, TextResult

DOCUMENT = "document"
"""The kind of such a segment."""
MARKUP = "markup"
"""The kind of a text in it that is no prose."""
CHUNK = 6_000
"""Characters from which on a text is divided at the next end of a line, so that workers share a long document."""

_HEAD = re.compile(r"data:([^,]{0,512}),")
_STANDARD = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None, " ": None, "\t": None})
_NOTHING = Classification(Sensitivity.PUBLIC)


@dataclass(frozen=True, slots=True)
class Attachment:
    """The texts of one document, as segments, and a result for each."""

    texts: tuple[Segment, ...] = field(repr=False)
    results: tuple[TextResult, ...]


def claim(text: str, media_type: str) -> tuple[bytes, str] | None:
    """Bytes and media type of a document; None where its text is no base64."""
    head = _HEAD.match(text)
    if head is not None:
        said, _, encoding = head[1].rpartition(";")
        text = text[head.end() :]
        if encoding.strip().lower() != "base64":
            return unquote_to_bytes(text), media_type or head[1]
        media_type = media_type or said
    text = text.translate(_STANDARD)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True), media_type
    except (binascii.Error, ValueError):
        return None


def read_document(text: str, media_type: str, name: str) -> Document:
    """What the document in a segment says. This takes its time: it is for worker processes and commands."""
    claimed = claim(text, media_type)
    if claimed is None:
        return Document((Piece(text),), "text", complete=False, reason="base64")
    return read(*claimed, name, Limits())


def spread(segments: Sequence[Segment], documents: Mapping[int, Document]) -> tuple[list[Segment], list[int]]:
    """Every segment that is judged, and the place among ``segments`` that each belongs to."""
    out, places = [], []
    for place, segment in enumerate(segments):
        made = list(_texts(segment, documents[place])) if place in documents else [segment]
        out += made
        places += [place] * len(made)
    return out, places


def _texts(segment: Segment, document: Document) -> Iterator[Segment]:
    number = 0
    for piece in document.texts:
        for text in _divided(piece.text):
            kind = "text" if piece.prose else MARKUP
            yield replace(segment, pointer=f"{segment.pointer}/{number}", text=text, kind=kind)
            number += 1


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


def sober(segment: Segment, result: TextResult) -> TextResult:
    """A result without the guesses of detectors that markup misleads or that any long number would satisfy."""
    if segment.kind == "number":
        chance = {(f.start, f.end) for f in result.findings if f.score == BY_ITSELF}
        kept = (f for f in result.findings if f.score not in {BY_ITSELF, DOUBTED} or (f.start, f.end) not in chance)
        return replace(result, findings=tuple(kept))
    if segment.kind != MARKUP:
        return result
    sure = tuple(f for f in result.findings if f.detector not in GUESSING)
    return TextResult(sure, _NOTHING, result.uninspected)


def gathered(
    segments: Sequence[Segment],
    documents: Mapping[int, Document],
    texts: Sequence[Segment],
    places: Sequence[int],
    results: Sequence[TextResult],
) -> tuple[tuple[TextResult, ...], dict[int, Attachment]]:
    """The inverse of :func:`spread`: one result for each segment, and what was read of the documents."""
    rows: dict[int, list[tuple[Segment, TextResult]]] = {place: [] for place in range(len(segments))}
    for text, place, result in zip(texts, places, results, strict=True):
        rows[place].append((text, result))
    out, attachments = [], {}
    for place, segment in enumerate(segments):
        if place not in documents:
            out.append(rows[place][0][1])
            continue
        made = Attachment(tuple(t for t, _ in rows[place]), tuple(r for _, r in rows[place]))
        attachments[place] = made
        out.append(_folded(len(segment.text), documents[place], made.results))
    return tuple(out), attachments


def _folded(size: int, document: Document, results: Sequence[TextResult]) -> TextResult:
    """Each label over the whole length with its best score."""
    best: dict[str, Finding] = {}
    reason = None if document.complete else f"document:{document.reason}"
    for result in results:
        reason = reason or result.uninspected
        for f in result.findings:
            if f.label not in best or f.score > best[f.label].score:
                best[f.label] = Finding(0, size, f.label, f.score, f.detector)
    return TextResult(tuple(best.values()), _NOTHING, reason)


def put_back(
    segments: Sequence[Segment],
    attachments: Mapping[int, Attachment],
    edits: Mapping[tuple[str, str], str],
    *,
    allowed: bool,
) -> dict[tuple[str, str], str]:
    """Edits of what documents say, as one edit of each such document: all its prose. Raises Untransformable where
    a document would have to change and may not be replaced."""
    out = dict(edits)
    for place, made in attachments.items():
        own = [(s.pointer, s.kind) for s in made.texts]
        if not any(at in edits for at in own):
            continue
        if not allowed:
            raise Untransformable
        prose = [out.get((s.pointer, s.kind), s.text) for s in made.texts if s.kind != MARKUP]
        for at in own:
            out.pop(at, None)
        out[segments[place].pointer, DOCUMENT] = "\n".join(prose)
    return out
