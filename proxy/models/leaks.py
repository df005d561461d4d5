"""Measures the detectors on labelled texts: what stays readable, what is masked for nothing, and how certain that is.

A sensitive span leaks when one of its letters or digits is covered by no finding (an honorific before a name may stay).
Over-masking is the share of letters and digits outside sensitive spans that are covered by findings of labels the set
knows. ``typed`` spans are found with exactly their ends and type, as ``sealgate scan`` would print them. Intervals are
95 % intervals over texts. Texts are read and counted, never printed.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.models.entities import recalled
from proxy.models.labelled import COARSE, Names, coarse, label_map, labelled_sets, stem, texts
from proxy.models.publicly import besides
from proxy.models.shares import Share, gap, share, shares
from redaction.spans import resolve
from redaction.types import Finding

__all__ = [
    "COARSE",
    "Detect",
    "SetFigures",
    "Share",
    "count",
    "figures",
    "label_map",
    "labelled_sets",
    "leaks",
    "measure",
]

HARMLESS = frozenset({"TITLE"})
NUMBERED = frozenset({"BANK", "CREDIT_CARD", "CRYPTO", "DRIVER_LICENSE", "MEDICAL_RECORD", "NATIONAL_ID", "PASSPORT"})
"""Kinds of number that say by whom and for what they were issued; not "some reference"."""
_HONORIFIC = re.compile(
    r"(?:(?:mr|mrs|ms|miss|dr|prof|sir|sr|sra|dra|don|doña|mme|mlle|herr|frau|pan|pani)\b\.?\s*)+", re.I
)
Detect = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set: over all texts, and by label, language and group. None where there is nothing to count."""

    name: str
    texts: int
    leak: Share | None
    over_mask: Share
    flagged: Share
    ms_per_kb: float
    by_label: Mapping[str, Share]
    by_language: Mapping[str, Share]
    by_group: Mapping[str, Share]
    """Leaks; where the set has no spans, flagged texts."""
    texts_leaking: Share | None = None
    """Of texts with a sensitive span."""
    direct: Share | None = None
    quasi: Share | None = None
    """Entities masked in every mention, of direct and quasi identifiers."""
    typed: Share | None = None
    """Sensitive spans found with exactly their ends and type; ..."""
    typed_f1: Share | None = None
    """... and its harmonic mean with the share of findings (of labels the set knows) that are such."""
    invalid_typed: Share | None = None
    """Texts whose number has a wrong checksum and is yet called a kind of number."""
    gap: Share | None = None
    """Worst group minus best."""
    flagged_by_label: Mapping[str, Share] = field(default_factory=dict)
    flagged_unless_person: Share | None = None
    """Texts with a finding that is no person; these only where the set has no spans."""
    flagged_unless_public: Share | None = None
    """Texts with a finding that is no name of a public person or character (``proxy.models.publicly``)."""
    uninspected: int = 0
    """Texts that could not be judged; the gate treats them as regulated."""


def measure(
    file: Path, detect: Detect, names: Mapping[str, str], tick: Callable[[int, int], None], limit: int | None = None
) -> SetFigures:
    """Runs ``detect`` over one set. ``limit``: about so many texts, evenly spread."""
    held = texts(file, limit)
    counts, known, words = [], labels_of(held), Names(names)
    for number, row in enumerate(held):
        began = time.process_time()
        findings = detect(row["text"])
        counts.append(count(row, findings, words, known, time.process_time() - began))
        tick(number + 1, len(held))
    return figures(stem(file), counts)


def labels_of(held: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    """The labels a set knows; None for all of them."""
    known = frozenset(coarse(s["label"]) for row in held for s in row["spans"])
    return None if "OTHER" in known or not known else known


@dataclass(frozen=True, slots=True)
class TextCounts:
    """What is counted in one text; offsets and labels, never text."""

    leaks: tuple[tuple[str, bool], ...]
    """Label and whether it leaked, of every sensitive span."""
    outside: int
    masked: int
    flagged: frozenset[str]
    """Labels of all findings."""
    flagged_unless_public: bool
    strict: tuple[int, int, int]
    """Spans found exactly, not found so, and findings that are no span."""
    entities: tuple[tuple[bool, bool], ...]
    invalid_typed: bool | None
    language: str
    group: str
    chars: int
    cpu_s: float
    uninspected: bool


def count(
    row: Mapping[str, Any],
    found: Sequence[Finding],
    names: Names,
    known: frozenset[str] | None,
    cpu_s: float = 0.0,
    uninspected: bool = False,
) -> TextCounts:
    """Compares the findings of one text with its labels."""
    text: str = row["text"]
    covered, wrong, gold = bytearray(len(text)), bytearray(len(text)), bytearray(len(text))
    for f in found:
        covered[f.start : f.end] = b"\1" * (f.end - f.start)
        if known is None or names.of(f.label) in known:
            wrong[f.start : f.end] = b"\1" * (f.end - f.start)
    leaked = []
    sensitive = [s for s in row["spans"] if not s.get("nomask") and s["label"] not in HARMLESS]
    for span in sensitive:
        start, end = span["start"], span["end"]
        gold[start:end] = b"\1" * (end - start)
        leaked.append((coarse(span["label"]), leaks(text, start, end, span["label"], covered)))
    outside = [i for i, c in enumerate(text) if c.isalnum() and not gold[i]]
    with_entities = any("ent" in s for s in row["spans"])
    return TextCounts(
        leaks=tuple(leaked),
        outside=len(outside),
        masked=sum(wrong[i] for i in outside),
        flagged=frozenset(names.of(f.label) for f in found),
        flagged_unless_public=any(besides(text, found)),
        strict=_strict(sensitive, found, names, known),
        entities=tuple(recalled(text, row["spans"], covered)) if with_entities else (),
        invalid_typed=_typed(text, row["invalid"], found, names) if row.get("invalid") else None,
        language=row.get("lang", ""),
        group=row.get("group") or row.get("category", ""),
        chars=len(text),
        cpu_s=cpu_s,
        uninspected=uninspected,
    )


def leaks(text: str, start: int, end: int, label: str, covered: bytearray) -> bool:
    """Whether a letter or digit of a span is not covered; an honorific before a name may stay."""
    honorific = _HONORIFIC.match(text, start, end) if label == "PERSON" else None
    if honorific and honorific.end() < end:
        start = honorific.end()
    places = [i for i in range(start, end) if text[i].isalnum()] or range(start, end)
    return any(not covered[i] for i in places)


def _strict(
    sensitive: Sequence[Mapping[str, Any]], found: Sequence[Finding], names: Names, known: frozenset[str] | None
) -> tuple[int, int, int]:
    gold = {(s["start"], s["end"], coarse(s["label"])) for s in sensitive}
    said = {(g.start, g.end, names.of(g.label)) for g in resolve(found)}
    said = {s for s in said if known is None or s[2] in known}
    return len(gold & said), len(gold - said), len(said - gold)


def _typed(text: str, invalid: str, found: Sequence[Finding], names: Names) -> bool:
    start = text.find(invalid)
    end = start + len(invalid)
    return any(g.start < end and g.end > start and names.of(g.label) in NUMBERED for g in resolve(found))


def figures(name: str, counts: Sequence[TextCounts]) -> SetFigures:
    """One line of the table."""
    spans = any(c.leaks for c in counts)
    parts = {k: [c for c in counts if c.group == k] for k in sorted({c.group for c in counts if c.group})}
    groups = {k: _leak_pairs(some) if spans else _flagged_pairs(some) for k, some in parts.items()}
    spent = sum(c.cpu_s for c in counts) * 1e6 / max(1, sum(c.chars for c in counts))
    return SetFigures(
        name=name,
        texts=len(counts),
        over_mask=share([(c.masked, c.outside) for c in counts]) or Share(0, 0, 0, 0),
        flagged=share(_flagged_pairs(counts)) or Share(0, 0, 0, 0),
        ms_per_kb=round(spent, 2),
        by_group=shares(groups.items()),
        direct=share([_recalled(c, True) for c in counts]),
        quasi=share([_recalled(c, False) for c in counts]),
        invalid_typed=share([(int(c.invalid_typed), 1) for c in counts if c.invalid_typed is not None]),
        gap=gap(groups) if spans else None,
        uninspected=sum(c.uninspected for c in counts),
        **(_of_spans(counts) if spans else _of_harmless(counts)),
    )


def _of_spans(counts: Sequence[TextCounts]) -> dict[str, Any]:
    """Figures of a set with sensitive spans."""
    labels = Counter(label for c in counts for label, _ in c.leaks)
    languages = sorted({c.language for c in counts if c.leaks})
    exact = [c.strict for c in counts]
    return {
        "leak": share(_leak_pairs(counts)),
        "texts_leaking": share([(int(any(leaked for _, leaked in c.leaks)), 1) for c in counts if c.leaks]),
        "by_label": shares((label, _leak_pairs(counts, label)) for label, _ in labels.most_common()),
        "by_language": shares((k, _leak_pairs([c for c in counts if c.language == k])) for k in languages),
        "typed": share([(tp, tp + fn) for tp, fn, _ in exact]),
        "typed_f1": share([(2 * tp, 2 * tp + fn + fp) for tp, fn, fp in exact]),
    }


def _of_harmless(counts: Sequence[TextCounts]) -> dict[str, Any]:
    """Figures of a set in which nothing is sensitive."""
    labels = Counter(label for c in counts for label in c.flagged)
    return {
        "leak": None,
        "by_label": {},
        "by_language": {},
        "flagged_by_label": shares(
            (label, [(int(label in c.flagged), 1) for c in counts]) for label, _ in labels.most_common()
        ),
        "flagged_unless_public": share([(int(c.flagged_unless_public), 1) for c in counts]),
        "flagged_unless_person": share([(int(bool(c.flagged - {"PERSON"})), 1) for c in counts]),
    }


def _leak_pairs(counts: Sequence[TextCounts], label: str = "") -> list[tuple[int, int]]:
    """Leaked spans and spans of each text that has some."""
    return list(_leaked(counts, label))


def _leaked(counts: Sequence[TextCounts], label: str) -> Iterator[tuple[int, int]]:
    for c in counts:
        chosen = [leaked for kind, leaked in c.leaks if not label or kind == label]
        if chosen:
            yield sum(chosen), len(chosen)


def _flagged_pairs(counts: Sequence[TextCounts]) -> list[tuple[int, int]]:
    return [(int(bool(c.flagged)), 1) for c in counts]


def _recalled(text: TextCounts, direct: bool) -> tuple[int, int]:
    masked = [ok for kind, ok in text.entities if kind is direct]
    return sum(masked), len(masked)
