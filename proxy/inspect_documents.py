"""Reading attachments off the event loop: one job of a worker for each document, and what becomes of one that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.attachments import DOCUMENT
from proxy.dialects.base import Segment
from proxy.inspect_jobs import Asked
from redaction.documents import Document, Piece


@dataclass(slots=True, eq=False)
class ReadJob:
    """One document of a request and the future of what it says."""

    segment: Segment = field(repr=False)
    done: asyncio.Future[Document]
    left: bool = False
    long: bool = True
    prompt: bool = False

    async def run(self, worker: Asked) -> Document:
        """Raises IncompleteReadError or OSError when the process is gone."""
        s = self.segment
        made = await worker.ask({"document": s.text, "media_type": s.media_type, "name": s.name})
        pieces = tuple(Piece(text, prose) for text, prose in made["pieces"])
        return Document(pieces, made["kind"], made["complete"], made["reason"])

    def settle(self, reason: str) -> None:
        """Nothing is known of the document."""
        if not self.done.done():
            self.done.set_result(Document((), "unread", complete=False, reason=reason))


def jobs_of(segments: Sequence[Segment]) -> dict[int, ReadJob]:
    """A job for each document, by its place; the same document is read once."""
    loop = asyncio.get_running_loop()
    made: dict[tuple[str, str, str], ReadJob] = {}
    jobs = {}
    for place, s in enumerate(segments):
        if s.kind == DOCUMENT:
            jobs[place] = made.setdefault((s.text, s.media_type, s.name), ReadJob(s, loop.create_future()))
    return jobs
