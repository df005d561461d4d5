"""Writes ``docs/coverage.md`` from the tables: ``python -m tests.support.wire.document``, or ``make coverage-doc``."""
from __future__ import annotations
from pathlib import Path
FILE = Path(__file__).parents[3] / "docs" / "coverage.md"
def text() -> str:
    return ""
