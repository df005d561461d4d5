"""The inspection worker: a process that reads texts on stdin and answers findings on stdout.

Started by ``proxy.inspect`` as ``python -P -m proxy.inspect_worker SPEC``. It opens no connection and writes
nothing but frames; the parent kills it when a deadline passes. A frame is a 4-byte big-endian length and JSON: a job is
``{"texts": [...], "patterns_only": bool}``, its answer one result per text; or a document to read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import orjson

from proxy.attachments import read_document
from redaction.pipeline import Pipeline
from redaction.types import TextResult

FORMAL = ("patterns", "secrets")
"""Detectors that need no model."""
DETECTORS = (*FORMAL, "student", "names", "places")


def build(models: Path | None, *, names: bool) -> Pipeline:
    """The detectors of this release. Without models (``names=False``) patterns and secrets only."""
    if not names or models is None:
        return Pipeline(chosen(None, FORMAL), None)
    from redaction.classifier import MiniLmClassifier

    return Pipeline(chosen(models), MiniLmClassifier(models / "minilm"))


def chosen(models: Path | None, using: Sequence[str] = ()) -> list[Any]:
    """The detectors of this release, or those named in ``using``, in the order of ``DETECTORS``."""
    made: list[Any] = []
    for name in DETECTORS:
        if (using and name not in using) or (models is None and name not in FORMAL):
            continue
        made.append(_made(name, models))
    return made


def _made(name: str, models: Path | None) -> Any:
    """One detector. Heavy libraries are loaded only for what is used."""
    if name == "patterns":
        from redaction.detectors.patterns import PatternDetector

        return PatternDetector()
    if name == "secrets":
        from redaction.detectors.secrets import SecretsDetector

        return SecretsDetector()
    if name == "student":
        from redaction.detectors.student import StudentDetector

        return StudentDetector()
    if models is None:
        raise ValueError("this detector needs its bundle")
    if name == "names":
        from redaction.detectors.names import RampartDetector

        return RampartDetector(models / "rampart")
    from redaction.detectors.places import SpacyDetector

    return SpacyDetector(models / "spacy-en")


def encode(results: Sequence[TextResult]) -> list[Any]:
    """Results as plain JSON values; scores keep full precision."""
    return [
        [
            [[f.start, f.end, f.label, f.score, f.detector] for f in r.findings],
            [int(r.classification.sensitivity), dict(r.classification.categories), sorted(r.classification.tags)],
            r.uninspected,
        ]
        for r in results
    ]


def said(job: Mapping[str, str]) -> dict[str, Any]:
    """What a document says: ``{"document": base64, "media_type", "name"}`` in, pieces of text out."""
    made = read_document(job["document"], job["media_type"], job["name"])
    pieces = [[piece.text, piece.prose] for piece in made.texts]
    return {"pieces": pieces, "kind": made.kind, "complete": made.complete, "reason": made.reason}


def read_frame(stream: IO[bytes]) -> bytes | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    body = stream.read(int.from_bytes(head, "big"))
    return body if body else None


def write_frame(stream: IO[bytes], value: Any) -> None:
    data = orjson.dumps(value)
    stream.write(len(data).to_bytes(4, "big") + data)
    stream.flush()


def main() -> None:
    """Serves frames until stdin closes."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    spec = orjson.loads(sys.argv[1])
    models = Path(spec["models"]) if spec["models"] else None
    pipeline = build(models, names=spec["names"])
    write_frame(out, {"digests": dict(pipeline.digests)})
    stdin = os.fdopen(os.dup(0), "rb")
    while (frame := read_frame(stdin)) is not None:
        job = orjson.loads(frame)
        if "document" in job:
            write_frame(out, said(job))
        else:
            write_frame(out, encode(pipeline.inspect(job["texts"], patterns_only=job["patterns_only"])))


if __name__ == "__main__":
    main()
