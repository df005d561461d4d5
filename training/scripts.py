"""Makes ``redaction/data/scripts.json``: the code points that no detector can read, from Unicode's script property.

    python -m training.scripts

What is not known to be of a covered script, or common to scripts, is foreign: unassigned and private code points too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import regex

DATA = Path(__file__).resolve().parents[1] / "redaction" / "data"
EVERY = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
"""Every character; surrogates are none."""


def ranges(pattern: str) -> Iterator[list[int]]:
    """First and last code points of what a class of characters holds."""
    for match in regex.finditer(rf"{pattern}+", EVERY):
        first, last = ord(match[0][0]), ord(match[0][-1])
        if first < 0xD800 and last >= 0xE000:
            yield from ([first, 0xD7FF], [0xE000, last])
        else:
            yield [first, last]


def made() -> dict[str, Any]:
    """The table for the scripts of ``coverage.json``."""
    covered = json.loads((DATA / "coverage.json").read_text(encoding="utf-8"))["scripts"]
    known = "".join(rf"\p{{Script={name}}}" for name in (*covered, "Common", "Inherited"))
    return {
        "covered": covered,
        "source": f"Script property of regex {regex.__version__}",
        "symbols": list(ranges(r"\p{Script=Greek}")) if "Greek" not in covered else [],
        "foreign": list(ranges(rf"[^{known}\p{{Script=Greek}}]")),
        "marks": list(ranges(r"\p{Script=Inherited}")),
    }


if __name__ == "__main__":
    rows = (f" {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in made().items())
    (DATA / "scripts.json").write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
