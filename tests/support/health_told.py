"""Texts that tell of somebody's health in passing, and texts that speak of health and tell of nobody.

``tests/golden/health.jsonl``: 580 records in eight languages, by a writer who saw neither the rules nor their word
list; ``told`` says which. In ``tests/golden/people`` a text tells of it where a value is marked as health.

``python -m health_told`` prints what share of each the classifier calls ``health``, by what the text is about alone
and with what is told in passing, names found by fast inspections.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import people

from proxy.inspect_worker import FAST
from proxy.models.measure import Judge
from redaction import health
from redaction.classifier import TopicClassifier

FILE = Path(__file__).parents[1] / "golden" / "health.jsonl"


class Text(NamedTuple):
    """``where`` groups texts; ``told``: of somebody."""

    where: str
    told: bool
    text: str


def blind() -> Iterator[Text]:
    """Raises OSError without the file."""
    for line in FILE.read_text("utf-8").splitlines():
        record = json.loads(line)
        yield Text(record["lang"], record["told"], record["text"])


def marked() -> Iterator[Text]:
    """Texts of people; such without a mark for health count as telling nothing."""
    for name in people.names():
        for _, text, spans in people.records(name):
            yield Text(name, any(label == people.UNSOUGHT for _, _, label in spans), text)


def shares(texts: list[Text]) -> dict[tuple[str, bool], tuple[int, int, int]]:
    """``(where, told)`` -> texts, called health by what they are about, and by what is told as well."""
    judge, classifier = Judge(Path(), {"fast": FAST}, {}), TopicClassifier()
    out: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0, 0])
    for text in texts:
        findings = judge.result("fast", text.text).findings
        with mock.patch.object(health, "told", return_value=[]):
            about = "health" in classifier.classify(text.text, findings).categories
        seen = "health" in classifier.classify(text.text, findings).categories
        row = out[text.where, text.told]
        row[0], row[1], row[2] = row[0] + 1, row[1] + about, row[2] + seen
    return {key: (n, about, seen) for key, (n, about, seen) in out.items()}


def main() -> None:
    """Prints the table."""
    for (where, told), (n, about, seen) in sorted(shares([*blind(), *marked()]).items()):
        kind = "told" if told else "not told"
        print(f"{where:12} {kind:9} {n:4}  about {about / n:.2f}  with what is told {seen / n:.2f}")


if __name__ == "__main__":
    main()
