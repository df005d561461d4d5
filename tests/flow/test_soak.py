"""Mixed requests, cut off by their apps at random: everything is given back, everything is on record, once.

``SEALGATE_SOAK`` says how many (``make soak``: 20 000); a run of more than 5 000 is also held to a bound on memory.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from soak import Report, soak

from proxy import egress, inspect

COUNT = int(os.environ.get("SEALGATE_SOAK", "400"))
SEED = int(os.environ.get("SEALGATE_SOAK_SEED", "20260401"))
ROUNDS = 4 if COUNT <= 5_000 else 20
BYTES_PER_REQUEST = 512
"""Bound on the growth of memory, allocator included."""
KEPT = 500
"""Ids of spent receipts and spans of inspected texts are kept on purpose, 65 536 and 50 000 of them. Here so few that
they are full before the first measurement: what still grows is a leak."""
WORKER_BYTES_PER_REQUEST = 2048
"""The same for inspection workers, whose memory the system takes away and gives back at its own will."""


def show(report: Report) -> None:
    """The figures, for a run that somebody looks at (``pytest -s``)."""
    for p in report.prints:
        print(
            f"{p.done:6}: {sum(p.tasks.values())} tasks, {p.sockets} sockets, {p.spools + p.other_files} other"
            f" files, {p.objects} objects, {p.memory / 2**20:.1f} MiB, workers {p.children / 2**20:.1f} MiB"
        )
    growth = {name: round(report.growth(name), 2) for name in ("objects", "memory", "children")}
    print(growth, report.sent, report.endings, report.statuses, report.outcomes, report.restarts, sep="\n")


async def test_a_soak_of_mixed_requests_leaves_nothing_behind_and_everything_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "RECEIPTS_REMEMBERED", KEPT)
    monkeypatch.setattr(inspect, "CACHE_ENTRIES", KEPT)
    report = await soak(tmp_path, COUNT, ROUNDS, SEED)
    show(report)
    assert not report.problems, report.problems[:20]
    warm, *rest = report.prints[1:]
    for now in rest:
        assert now.tasks == warm.tasks
        assert (now.sockets, now.spools, now.other_files) == (warm.sockets, 0, warm.other_files)
        assert now.on_disk == warm.on_disk and now.threads == warm.threads
    assert {"whole", "early", "body", "stream"} == report.endings.keys()
    assert report.outcomes["ok"] > COUNT / 5 and report.outcomes["cancelled"] > COUNT / 20
    assert report.growth("objects") < (8 if COUNT <= 5_000 else 1)
    if COUNT > 5_000:
        assert report.growth("memory") < BYTES_PER_REQUEST
        assert report.growth("children") < WORKER_BYTES_PER_REQUEST
