"""Compiling patterns that are linear by construction (RE2), with memory enough to keep its automaton."""

from __future__ import annotations

from typing import Any

import re2

MEMORY = 64 * 1024 * 1024
"""Bytes RE2 may use per pattern; with less, long texts make it fall back to a slower engine and say so on stderr."""


def compile_pattern(pattern: str) -> Any:
    """A compiled pattern. Raises re2.error for what RE2 cannot express (look-around, back-references)."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    return re2.compile(pattern, options)
