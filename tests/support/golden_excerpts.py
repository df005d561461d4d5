"""``python -m golden_excerpts SUITE``: the sentences of licensed sets in ``tests/golden/excerpts.jsonl``.

Those with the smallest SHA-256, so that nobody picks what a detector likes. Tweets of real people are left out.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from golden import FOLDER, SKIP

from proxy.models.labelled import coarse, texts

SETS: Mapping[str, tuple[str, str, int]] = {
    "tab_train": ("court", "en", 30),
    "echr_es_dev": ("court", "es", 20),
    "echr_fr_dev": ("court", "fr", 20),
    "meddocan_dev": ("clinical", "es", 35),
    "panorama_dev": ("posts", "en", 25),
    "presidio_synth_v2_dev": ("templates", "en", 35),
    "pl_pii_core": ("documents", "pl", 25),
    "ids_stdnum_dev": ("identifiers", "mul", 50),
    "ids_stdnum_invalid": ("wrong checksums", "mul", 15),
    "secrets_rules_dev": ("secrets", "mul", 35),
}
"""Set -> kind, language, how many."""
SHORTEST, LONGEST = 30, 220
_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý0-9])|\n+")


def main(suite: Path) -> None:
    """Writes the file."""
    out = []
    for name, (kind, language, wanted) in SETS.items():
        found = [piece for row in texts(suite / f"{name}.jsonl.gz") for piece in _pieces(row)]
        found.sort(key=lambda piece: hashlib.sha256(f"{name} {piece['text']}".encode()).digest())
        out += [{"source": name, "kind": kind, "lang": language, **piece} for piece in found[:wanted]]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in out)
    (FOLDER / "excerpts.jsonl").write_text(text, "utf-8")


def _pieces(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Sentences or lines with all their spans; short texts whole."""
    text, spans = row["text"], row["spans"]
    bounds = [0, *(m.end() for m in _END.finditer(text) if len(text) > LONGEST), len(text)]
    for start, end in pairwise(bounds):
        inside = [s for s in spans if s["start"] < end and s["end"] > start]
        whole = all(start <= s["start"] and s["end"] <= end for s in inside)
        if whole and (inside or row.get("invalid")) and min(SHORTEST, len(text)) <= end - start <= LONGEST:
            body = text[start:end].rstrip()
            marks = [(s["start"] - start, s["end"] - start, _label(s)) for s in inside]
            if row.get("invalid"):
                at = body.find(row["invalid"])
                marks.append((at, at + len(row["invalid"]), SKIP))
            if all(e <= len(body) for _, e, _ in marks):
                yield {"text": body, "spans": marks}


def _label(span: Mapping[str, Any]) -> str:
    return SKIP if span.get("nomask") or span["label"] in {"OTHER", "TITLE"} else coarse(span["label"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
