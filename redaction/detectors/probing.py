"""Writes ``data/number_chances.json``: ``python -m redaction.detectors.probing`` (five minutes of CPU time)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from redaction.detectors.chance import CHANCES, like
from redaction.detectors.numbers import LONGEST, Numbers
from redaction.detectors.patterns import recognized

DRAWS = 4000
SEPARATORS = " -./"
SIZES = range(6, LONGEST)

Row = tuple[dict[int, float], str]


def passing(accepts: Callable[[str], bool]) -> Row:
    """Share of random numbers accepted, by count of digits where it is any, and the separators read over."""
    shares: dict[int, float] = {}
    separators = set(SEPARATORS)
    for size in SIZES:
        passed = [value for value in like("0" * size, DRAWS) if accepts(value)]
        if passed:
            shares[size] = len(passed) / DRAWS
            separators = {s for s in separators if any(map(accepts, _split(passed[:3], s)))}
    return shares, "".join(sorted(separators)) if shares else ""


def _split(values: list[str], separator: str) -> Iterator[str]:
    """With a separator at each place in turn: some kinds read it at one place only."""
    for value in values:
        for at in range(1, len(value)):
            yield value[:at] + separator + value[at:]


def table() -> dict[str, Row]:
    """By name of the module or the recognizer."""
    kinds = {kind.module: passing(kind.accepts) for kind in Numbers().kinds}
    return kinds | {name: passing(accepts) for name, accepts in recognized().items()}


if __name__ == "__main__":
    CHANCES.write_text(json.dumps(dict(sorted(table().items()))) + "\n", "utf-8")
