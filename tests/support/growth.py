"""How the time of a search grows with its text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable


def assert_linear(find: Callable[[str], Iterable[object]], pieces: Iterable[str]) -> None:
    """Texts that repeat one of the pieces take about as much longer as they are."""
    for piece in pieces:
        seconds = []
        for size in (20_000, 80_000):
            text = (piece * size)[:size]
            began = time.process_time()
            list(find(text))
            seconds.append(time.process_time() - began)
        assert seconds[1] < max(16 * seconds[0], 1.0), "four times the text, far from sixteen times the time"
