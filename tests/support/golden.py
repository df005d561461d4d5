"""The golden set: texts with marked values, what the detectors find in them, and floors under that.

``written.txt``, ``student.txt``, ``harmless.txt``, ``people/`` (``people.py``) were written by hand for this project,
values marked ``⟦value|LABEL⟧``; ``excerpts.jsonl`` are sentences of licensed sets (``NOTICE``), chosen by hash
(``golden_excerpts.py``). ``floors.json`` says how many of the values each detector covered, and in how many lines it
left everything else alone; ``make golden-floors`` writes it.

A floor is not the figure itself: a model trained anew gets some values right and others wrong by chance. Of ``n``
values of which a share ``p`` is found, a model that is as good finds at least the 1 % quantile of the binomial
distribution ``(n, p)`` in 99 of 100 trials; below that, the change lost recall beyond noise. Fewer than ``LEAST``
values have no floor. The values are the same before and after, so the true noise is smaller, if anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import people
from marks import marked

from proxy.inspect_worker import FAST, FULL
from proxy.models.leaks import leaks
from proxy.models.measure import Judge
from redaction.spans import VALIDATED
from redaction.types import Finding

FOLDER = Path(__file__).parents[1] / "golden"
FLOORS = FOLDER / "floors.json"
LEAST = 12
NOISE = 0.01
"""Chance that a change without effect on quality is stopped, per floor."""
MODES: Mapping[str, Sequence[str]] = {"fast": FAST, "full": FULL}
"""Depths of inspection."""
ADDED: Mapping[str, Sequence[str]] = {"fast": FAST, "full": ("encoder",)}
"""Detectors whose own findings are counted in a run of that depth."""
WRONG = "wrong checksums"
"""The kind whose numbers are nobody's."""
SKIP = "-"
"""Marks what is neither a value to find nor innocent."""
_LABELS = {"ORGANIZATION": "ORG", "REFERENCE_NUMBER": "OTHER_ID", "ADDRESS": "LOCATION", "PHONE_NUMBER": "PHONE"}
Spans = Sequence[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One text; ``kind`` is ``court``, ``identifiers``, …"""

    kind: str
    language: str
    text: str
    spans: Spans


def lines(name: str) -> list[str]:
    return (FOLDER / name).read_text("utf-8").replace("\\n", "\n").splitlines()


def cases() -> list[Case]:
    """The whole golden set."""
    return [*_written(), *_excerpts(), *_people()]


def _written() -> Iterator[Case]:
    kind = language = ""
    for line in lines("written.txt"):
        if line.startswith("# "):
            _, kind, language = line.split()
        else:
            yield _case(kind, language, line)
    for line in lines("student.txt"):
        yield _case("people", "mul", line)
    for line in lines("harmless.txt"):
        yield _case("benign", "mul", line)


def _case(kind: str, language: str, line: str) -> Case:
    text, spans = marked(line)
    return Case(kind, language, text, [(s, e, _LABELS.get(label, label)) for s, e, label in spans])


def _excerpts() -> Iterator[Case]:
    for line in (FOLDER / "excerpts.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        yield Case(row["kind"], row["lang"], row["text"], [(s, e, label) for s, e, label in row["spans"]])


def _people() -> Iterator[Case]:
    for name in people.names():
        for language, text, spans in people.records(name):
            labels = [(s, e, SKIP if label == people.UNSOUGHT else _LABELS.get(label, label)) for s, e, label in spans]
            yield Case(f"people {name}", language, text, labels)


Counts = dict[str, list[int]]
"""What is counted -> hits and how many there are."""


def found(judge: Judge, mode: str, texts: Sequence[Case]) -> list[Sequence[Finding]]:
    """Findings of each text."""
    return [judge.result(mode, case.text).findings for case in texts]


def tally(mode: str, texts: Sequence[Case], findings: Sequence[Sequence[Finding]]) -> dict[str, Counts]:
    """By ``mode`` and by each detector that it adds, from one run."""
    out = {mode: counted(texts, findings)}
    for name in ADDED[mode]:
        out[name] = counted(texts, [[f for f in some if f.detector == name] for some in findings])
    return out


def counted(texts: Sequence[Case], found: Sequence[Sequence[Finding]]) -> Counts:
    """Values covered, per kind, language and label; lines in which nothing else is covered, per kind."""
    counts: Counts = {}
    for case, findings in zip(texts, found, strict=True):
        covered, gold = bytearray(len(case.text)), bytearray(len(case.text))
        for f in findings:
            covered[f.start : f.end] = b"\1" * (f.end - f.start)
        for start, end, label in case.spans:
            gold[start:end] = b"\1" * (end - start)
            if label != SKIP:
                hit = not leaks(case.text, start, end, label, covered)
                for key in (f"found in {case.kind}", f"found in {case.language}", f"found of {label}"):
                    _add(counts, key, hit)
        clean = not any(covered[i] and not gold[i] for i, c in enumerate(case.text) if c.isalnum())
        _add(counts, f"left alone in {case.kind}", clean)
        if case.kind == WRONG:
            _add(counts, "not called proven", not any(f.detector in VALIDATED and f.score >= 1.0 for f in findings))
    return counts


def _add(found: Counts, key: str, hit: bool) -> None:
    count = found.setdefault(key, [0, 0])
    count[0] += hit
    count[1] += 1


def floor(hits: int, count: int) -> int:
    """The fewest hits that chance explains (see above)."""
    share = (hits + 0.5) / (count + 1)
    below = 0.0
    for number in range(count + 1):
        ways = math.lgamma(count + 1) - math.lgamma(number + 1) - math.lgamma(count - number + 1)
        below += math.exp(ways + number * math.log(share) + (count - number) * math.log1p(-share))
        if below > NOISE:
            return number
    return count


def failures(now: Mapping[str, Sequence[int]], then: Mapping[str, Sequence[int]]) -> list[str]:
    """What fell below its floor, and floors that belong to other texts. Names no text."""
    if {key: n for key, (_, n) in now.items()} != {key: n for key, (_, n) in then.items()}:
        return ["the golden set changed: `make golden-floors`, and say in the commit what became better or worse"]
    low = {key: floor(hits, n) for key, (hits, n) in then.items() if n >= LEAST}
    return [
        f"{key}: {now[key][0]} of {then[key][1]}, was {then[key][0]}, floor {least}"
        for key, least in low.items()
        if now[key][0] < least
    ]


def floors() -> Any:
    return json.loads(FLOORS.read_text("utf-8"))


def main() -> None:
    """Writes the floors of what is there now."""
    judge, made = Judge(Path(), MODES, {}), {}
    for mode in MODES:
        made |= tally(mode, cases(), found(judge, mode, cases()))
    lines_ = (f"{json.dumps(name)}: {_rows(counts)}" for name, counts in sorted(made.items()))
    FLOORS.write_text("{\n" + ",\n".join(lines_) + "\n}\n", "utf-8")


def _rows(counts: Counts) -> str:
    return "{\n" + ",\n".join(f" {json.dumps(k)}: {v}" for k, v in sorted(counts.items())) + "}"


if __name__ == "__main__":
    main()
