"""Measures the detectors on labelled texts: what stays readable, what is masked for nothing, and how certain that is.

A sensitive span leaks when one of its letters or digits is covered by no finding (an honorific before a name may stay).
Over-masking is the share of letters and digits outside sensitive spans that are covered by findings of labels the set
knows. Intervals are 95 % bootstrap intervals over texts. Texts are read and counted, never printed.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.errors import ConfigError
from redaction.types import Finding

COARSE: Mapping[str, str] = {
    "ADDRESS": "LOCATION", "DOB": "DATE_TIME", "IBAN": "BANK", "SSN": "NATIONAL_ID", "TAX_ID": "NATIONAL_ID",
    "PASSWORD": "SECRET",
}  # fmt: skip
"""Labels that count as one when a leak is put down to a label."""
HARMLESS = frozenset({"TITLE"})
_HONORIFIC = re.compile(
    r"(?:(?:mr|mrs|ms|miss|dr|prof|sir|sr|sra|dra|don|doña|mme|mlle|herr|frau|pan|pani)\b\.?\s*)+", re.I
)
SAMPLES = 200
Detect = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``count`` with the ends of the 95 % interval, each 0.0 to 1.0."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set: over all texts, and leaks by label, language and group. None where there is nothing to count."""

    name: str
    texts: int
    leak: Share | None
    over_mask: Share
    flagged: Share
    ms_per_kb: float
    by_label: Mapping[str, Share]
    by_language: Mapping[str, Share]
    by_group: Mapping[str, Share]


def labelled_sets(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """Files of ``folder`` whose rows have spans. Raises ConfigError when there is none."""
    found = [f for f in sorted(folder.glob("*.jsonl.gz")) if (not only or _stem(f) in only) and _has_spans(f)]
    if not found:
        raise ConfigError(f"{folder}: no labelled sets (*.jsonl.gz whose rows have spans)")
    return found


def label_map(folder: Path) -> Mapping[str, str]:
    """Our labels in the words of the suite: ``labels.json`` beside the sets, else as they are."""
    file = folder / "labels.json"
    if not file.exists():
        return {}
    found: Mapping[str, str] = json.loads(file.read_text("utf-8"))["map"]
    return found


def measure(
    file: Path, detect: Detect, names: Mapping[str, str], tick: Callable[[int, int], None], limit: int | None = None
) -> SetFigures:
    """Runs ``detect`` over one set. ``limit``: about so many texts, evenly spread."""
    rows = list(_rows(file))
    if limit is not None and limit < len(rows):
        rows = rows[:: -(-len(rows) // limit)]
    known = {_coarse(s["label"]) for row in rows for s in row["spans"]}
    universe = None if "OTHER" in known or not known else known
    counts, spent, size = [], 0.0, 0
    for number, row in enumerate(rows):
        began = time.process_time()
        findings = detect(row["text"])
        spent += time.process_time() - began
        size += len(row["text"])
        counts.append(_count(row, findings, names, universe))
        tick(number + 1, len(rows))
    return _figures(_stem(file), counts, spent * 1e6 / max(1, size))


@dataclass(frozen=True, slots=True)
class _Text:
    leaks: tuple[tuple[str, bool], ...]
    """Label and whether it leaked, of every sensitive span."""
    outside: int
    masked: int
    flagged: bool
    language: str
    group: str


def _count(
    row: Mapping[str, Any], found: Sequence[Finding], names: Mapping[str, str], universe: set[str] | None
) -> _Text:
    text: str = row["text"]
    covered, wrong, gold = bytearray(len(text)), bytearray(len(text)), bytearray(len(text))
    for f in found:
        covered[f.start : f.end] = b"\1" * (f.end - f.start)
        if universe is None or _coarse(names.get(f.label, f.label)) in universe:
            wrong[f.start : f.end] = b"\1" * (f.end - f.start)
    leaks = []
    for span in row["spans"]:
        if span.get("nomask") or span["label"] in HARMLESS:
            continue
        start, end = span["start"], span["end"]
        gold[start:end] = b"\1" * (end - start)
        leaks.append((_coarse(span["label"]), _leaks(text, start, end, span["label"], covered)))
    outside = [i for i, c in enumerate(text) if c.isalnum() and not gold[i]]
    masked = sum(wrong[i] for i in outside)
    return _Text(tuple(leaks), len(outside), masked, bool(found), row.get("lang", ""), row.get("group", ""))


def _leaks(text: str, start: int, end: int, label: str, covered: bytearray) -> bool:
    honorific = _HONORIFIC.match(text, start, end) if label == "PERSON" else None
    if honorific and honorific.end() < end:
        start = honorific.end()
    places = [i for i in range(start, end) if text[i].isalnum()] or range(start, end)
    return any(not covered[i] for i in places)


def _figures(name: str, counts: Sequence[_Text], ms: float) -> SetFigures:
    labels = Counter(label for c in counts for label, _ in c.leaks)
    languages = Counter(c.language for c in counts if c.leaks)
    groups = Counter(c.group for c in counts if c.group)
    return SetFigures(
        name=name,
        texts=len(counts),
        leak=_leak_share(counts),
        over_mask=_share([(c.masked, c.outside) for c in counts]) or Share(0, 0, 0, 0),
        flagged=_share([(int(c.flagged), 1) for c in counts]) or Share(0, 0, 0, 0),
        ms_per_kb=round(ms, 2),
        by_label=_some((label, _leak_share(counts, label)) for label, _ in labels.most_common()),
        by_language=_some((k, _leak_share([c for c in counts if c.language == k])) for k in sorted(languages)),
        by_group=_some((k, _leak_share([c for c in counts if c.group == k])) for k in sorted(groups)),
    )


def _some(pairs: Iterable[tuple[str, Share | None]]) -> dict[str, Share]:
    return {key: share for key, share in pairs if share is not None}


def _leak_share(counts: Sequence[_Text], label: str = "") -> Share | None:
    chosen = [[leaked for kind, leaked in c.leaks if not label or kind == label] for c in counts]
    return _share([(sum(leaks), len(leaks)) for leaks in chosen if leaks])


def _share(pairs: Sequence[tuple[int, int]]) -> Share | None:
    """Sum of the first over sum of the second, with its interval over resampled texts."""
    total = sum(n for _, n in pairs)
    if not total:
        return None
    drawn = random.Random(7)  # noqa: S311  # resampling, no secret
    values = []
    for _ in range(SAMPLES):
        some = drawn.choices(pairs, k=len(pairs))
        values.append(sum(h for h, _ in some) / max(1, sum(n for _, n in some)))
    values.sort()
    hits = sum(h for h, _ in pairs)
    return Share(round(hits / total, 4), round(values[5], 4), round(values[-6], 4), total)


def _coarse(label: str) -> str:
    return COARSE.get(label, label)


def _stem(file: Path) -> str:
    return file.name.removesuffix(".jsonl.gz")


def _has_spans(file: Path) -> bool:
    row = next(_rows(file), None)
    return row is not None and "spans" in row and "text" in row


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            for line in stream:
                if line.strip():
                    yield json.loads(line)
    except (OSError, ValueError) as e:
        raise ConfigError(f"{file.name}: not readable as JSONL in gzip") from e
