"""Which findings of a text name a public person or a character: those whose words are part of a listed name that stands
in the text. By lists made by hand; for measuring alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from redaction.detectors.terms import Terms, key
from redaction.figures import figures, listed
from redaction.types import Finding

NAMES = Path(__file__).parent / "public_names.txt"
LABELS = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
"""What a name is taken for."""


def besides(text: str, found: Sequence[Finding]) -> Iterator[Finding]:
    """Findings that are no such name; a small word beside a name (``As Sheldon``) makes no difference."""
    terms, names = _listed()
    said = [frozenset(names[number]) for _, _, number in terms.find(text)]
    for f in found:
        words = {w for w in text[f.start : f.end].split() if w[:1].isupper()} if f.label in LABELS else set()
        named = {part for word in words for part in key(word)} - _SMALL
        if not (named and any(named <= name for name in said)):
            yield f


_SMALL = frozenset({"as", "s"})


@cache
def _listed() -> tuple[Terms, Sequence[tuple[str, ...]]]:
    names = [*figures().values(), *listed(NAMES)]
    return Terms((name, number) for number, name in enumerate(names)), [key(name) for name in names]
