"""Texts in which people tell of themselves and others, written for this project without a look at its detectors.

``tests/golden/people``: records separated by ``%%%``, a first line ``# lang=xx kind=…``, values marked
``⟦value|LABEL⟧``. What detectors missed in the files ``a_*`` was read afterwards and some of it mended; so were posts
and business texts of ``b_*``. Nobody has read what they miss in ``b_prompts`` and ``b_benign``.

``python -m people DIR [SUITE]`` writes them as labelled sets for ``sealgate models evaluate --suite DIR``, those of a
suite beside them; what nobody looks for (health) counts neither way there.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from marks import marked

from redaction.types import LABELS

FOLDER = Path(__file__).parents[1] / "golden" / "people"
UNSOUGHT = "HEALTH"
_HEAD = re.compile(r"# lang=([a-z]{2})\b")
_OTHERWISE = {
    "ACCOUNT": "IBAN_CODE CREDIT_CARD BANK_ACCOUNT US_BANK_NUMBER CRYPTO",
    "NATIONAL_ID": "US_SSN TAX_ID PASSPORT US_PASSPORT DRIVER_LICENSE US_DRIVER_LICENSE",
    "REFERENCE_NUMBER": "MEDICAL_RECORD MEDICAL_LICENSE CASE_NUMBER DEVICE_ID",
    "DATE_TIME": "DATE_OF_BIRTH",
    "IP_ADDRESS": "MAC_ADDRESS",
    "SECRET": "API_KEY PASSWORD PRIVATE_KEY CONNECTION_STRING",
}
NAMES = {label: label for label in sorted(LABELS)} | {
    ours: theirs for theirs, some in _OTHERWISE.items() for ours in some.split()
}
"""Our labels in the words of these texts."""
Record = tuple[str, str, list[tuple[int, int, str]]]
"""Language, text, spans."""


def names() -> list[str]:
    """``a_prompts``, ``b_benign``, …"""
    return sorted(file.stem for file in FOLDER.glob("*.txt"))


def records(name: str) -> Iterator[Record]:
    """Raises ValueError for a record without a head."""
    for part in re.split(r"(?m)^%%%$", (FOLDER / f"{name}.txt").read_text("utf-8")):
        head, _, body = part.strip("\n").partition("\n")
        language = _HEAD.match(head)
        if language is None:
            raise ValueError(f"{name}: a record without a head")
        yield language[1], *marked(body)


def main(folder: Path, suite: Path | None = None) -> None:
    """Writes the sets, and what our labels are called in them; with a ``suite`` in its words, beside its sets."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jsonl.gz"):
        old.unlink()
    words = json.loads((suite / "labels.json").read_text("utf-8"))["map"] if suite else NAMES
    for file in suite.glob("*.jsonl.gz") if suite else ():
        (folder / file.name).symlink_to(file.resolve())
    for name in names():
        rows = [
            {"id": f"{name}-{number}", "text": text, "lang": language, "spans": [_span(*span, words) for span in spans]}
            for number, (language, text, spans) in enumerate(records(name))
        ]
        with gzip.open(folder / f"people_{name}.jsonl.gz", "wt", encoding="utf-8") as out:
            out.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    (folder / "labels.json").write_text(json.dumps({"map": words}) + "\n")


def _span(start: int, end: int, label: str, words: Mapping[str, str]) -> dict[str, object]:
    said = words.get("BANK_ACCOUNT" if label == "ACCOUNT" else label, label)
    return {"start": start, "end": end, "label": said, **({"nomask": True} if label == UNSOUGHT else {})}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
