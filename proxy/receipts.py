"""Which receipts were used, in bounded memory, so that the door opens once for each. It judges nothing else."""

from __future__ import annotations

import heapq

from proxy.errors import Misuse


class Spent:
    """Sequence numbers of used receipts. Where memory ends, the lowest is forgotten by refusing all up to it."""

    def __init__(self, remembered: int) -> None:
        self._remembered = remembered
        self._floor = -1
        self._heap: list[int] = []
        self._seen: set[int] = set()

    def spend(self, seq: int) -> None:
        """Raises Misuse when ``seq`` was spent before, or is so old that this cannot be told."""
        if seq <= self._floor or seq in self._seen:
            raise Misuse("this receipt was used before")
        self._seen.add(seq)
        heapq.heappush(self._heap, seq)
        if len(self._heap) > self._remembered:
            self._floor = heapq.heappop(self._heap)
            self._seen.discard(self._floor)
