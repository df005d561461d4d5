"""Labelled sets: JSONL in gzip, one text with its spans per row, and what our labels are called there.

A set of which a part was trained on is read without that part.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from proxy.errors import ConfigError

COARSE: Mapping[str, str] = {
    "ADDRESS": "LOCATION", "DOB": "DATE_TIME", "IBAN": "BANK", "SSN": "NATIONAL_ID", "TAX_ID": "NATIONAL_ID",
    "PASSWORD": "SECRET",
}  # fmt: skip
"""Labels that count as one."""
TRAINED = frozenset({"tab_train", "echr_es_train", "echr_fr_train"})
"""Sets of which the shipped student saw four fifths in training (``training.generate.held_out``)."""
_COUNTRY = re.compile(r"[A-Z]{2}_")


@dataclass(frozen=True, slots=True)
class Names:
    """Our labels in the words of the suite."""

    table: Mapping[str, str]

    def of(self, label: str) -> str:
        """By the table, else by the suite's rule for what the table leaves out; coarse."""
        return coarse(self.table[label] if label in self.table else self._unlisted(label))

    def _unlisted(self, label: str) -> str:
        for kind in ("PASSPORT", "DRIVER_LICENSE"):
            if label.endswith(f"_{kind}"):
                return kind
        if not self.table or label in self.table.values():
            return label
        return "NATIONAL_ID" if _COUNTRY.match(label) else "OTHER_ID"


def coarse(label: str) -> str:
    return COARSE.get(label, label)


def stem(file: Path) -> str:
    return file.name.removesuffix(".jsonl.gz")


def labelled_sets(folder: Path, only: Sequence[str] = ()) -> list[Path]:
    """Files of ``folder`` whose rows have spans. Raises ConfigError when there is none."""
    found = [f for f in sorted(folder.glob("*.jsonl.gz")) if (not only or stem(f) in only) and _has_spans(f)]
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


def texts(file: Path, limit: int | None = None) -> list[dict[str, Any]]:
    """Rows that were not trained on; with ``limit`` about so many, evenly spread."""
    held = stem(file) in TRAINED
    found = [row for row in rows(file) if not held or crc32(row["id"].encode()) % 5 == 0]
    return found[:: -(-len(found) // limit)] if limit is not None and limit < len(found) else found


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """Every row. Raises ConfigError for what is no JSONL in gzip."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            for line in stream:
                if line.strip():
                    yield json.loads(line)
    except (OSError, ValueError) as e:
        raise ConfigError(f"{file.name}: not readable as JSONL in gzip") from e


def _has_spans(file: Path) -> bool:
    row = next(rows(file), None)
    return row is not None and "spans" in row and "text" in row
