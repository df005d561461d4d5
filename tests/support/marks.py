"""Marked values in texts of tests: ``⟦value|LABEL⟧``."""

from __future__ import annotations

import re

_MARK = re.compile(r"⟦([^|⟧]+)\|([A-Z_]+)⟧")


def marked(line: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without marks, and its spans."""
    text, spans, at = "", [], 0
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        spans.append((len(text), len(text) + len(match[1]), match[2]))
        text += match[1]
        at = match.end()
    return text + line[at:], spans
