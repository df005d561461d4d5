"""The inspection worker: a process that reads texts on stdin and answers findings on stdout.

Started by ``proxy.inspect`` as ``python -P -m proxy.inspect_worker``. It opens no connection and writes nothing but
frames; the parent kills it when a deadline passes. Long jobs run in a thread that gives way to others on the machine:
the event loop and short prompts before documents. A frame is a 4-byte big-endian length and JSON. The first says what
to load; a job is ``{"texts": [...], "depth": "formal" | "fast" | "full", "own": digest, "part": bool, "long": bool}``,
its answer one result per text, or per window of long texts (``part``); or ``{"about": text, "findings": [...],
"own": digest}``; or a document to read; or ``{"own": …}``, patterns and terms that texts then name by their digest.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import orjson

from proxy.attachments import read_document
from proxy.errors import ConfigError
from proxy.models.own import weights
from proxy.pace import steady
from proxy.recognizers import started
from proxy.settings import RecognizerConfig
from redaction.custom import NOTHING, Custom
from redaction.pipeline import NOTHING as PUBLIC
from redaction.pipeline import Pipeline
from redaction.types import Finding, TextResult

FORMAL = ("patterns", "secrets")
"""Detectors that need no model."""
FAST = (*FORMAL, "student")
"""Detectors that need no bundle: about a third of the cost of all, with the recall of docs/detection.md."""
FULL = (*FORMAL, "encoder")
"""Detectors of a full look; what the student says is part of what the encoder says."""
DETECTORS = (*FAST, "encoder")
"""What a worker holds."""
WARM = (
    "Anna Keller of Contoso Ltd. lives in Hamburg; call +49 40 555 01234, write to anna@example.org or see "
    "https://example.org, MRN 48291734, card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, caf%C3%A9."
)
"""Read before a worker says that it is ready: libraries load tables and plan their work on the first text."""
NICE = 10
"""Of a document beside a prompt: a ninth of the time, where both want all of a core."""
DOUBT = 0.1
"""What the student must give a finding of ``places`` for it to count: see docs/student.md."""


DEPTHS: Mapping[str, Mapping[str, bool]] = {"formal": {"patterns_only": True}, "fast": {"fast": True}, "full": {}}
"""How closely a job is looked at, as the pipeline takes it."""


class Bench:
    """The detectors of this release, loaded once, and a pipeline of them with what an organisation looks for.
    Without models (``names=False``) patterns and secrets only; ``full=False`` without the encoder, for fast
    inspections only."""

    def __init__(
        self, models: Path | None, *, names: bool, full: bool = True, recognizers: Sequence[RecognizerConfig] = ()
    ) -> None:
        """Raises ConfigError for a recognizer that cannot be used."""
        self._classifier: Any = None
        if not names or models is None:
            self._detectors = chosen(None, FORMAL)
        else:
            from redaction.classifier import TopicClassifier

            self._detectors = chosen(models, DETECTORS if full else FAST)
            self._classifier = TopicClassifier(weights(models))
        more = started(recognizers)
        self._detectors += more
        self._light = (*FAST, *(one.name for one in more))
        self._full = tuple(one.name for one in self._detectors if one.name != "student" or not full)
        self._own, self._pipeline = "", self.equip(NOTHING)

    def equip(self, own: Custom) -> Pipeline:
        """Raises ValueError for what no policy would have let through."""
        from redaction.detectors.custom import with_own

        pipeline = Pipeline(with_own(self._detectors, own), self._classifier, self._light, self._full)
        self._own, self._pipeline = own.digest, pipeline
        return pipeline

    def pipeline(self, digest: str) -> Pipeline:
        """Raises LookupError for what it was not equipped with: never another one in its place."""
        if digest != self._own:
            raise LookupError
        return self._pipeline


def build(
    models: Path | None,
    *,
    names: bool,
    full: bool = True,
    own: Custom = NOTHING,
    recognizers: Sequence[RecognizerConfig] = (),
) -> Pipeline:
    """As :class:`Bench`, one pipeline."""
    return Bench(models, names=names, full=full, recognizers=recognizers).equip(own)


def chosen(models: Path | None, using: Sequence[str] = DETECTORS) -> list[Any]:
    """The detectors named in ``using``, in the order of ``DETECTORS``. Heavy libraries load for what is used only.

    Raises ConfigError for an installed bundle of our own models that was changed. ``names`` and ``places``, which no
    release uses by itself, need bundles of ``models``; the findings of ``places`` count where the student doubts.
    """
    made: list[Any] = []
    if "patterns" in using:
        from redaction.detectors.patterns import PatternDetector

        made.append(PatternDetector())
    if "secrets" in using:
        from redaction.detectors.secrets import SecretsDetector

        made.append(SecretsDetector())
    if not {"student", "encoder", "places"}.isdisjoint(using):
        made += _readers(models, using)
    if models is not None and "names" in using:
        from redaction.detectors.names import RampartDetector

        made.append(RampartDetector(models / "rampart"))
    return made


def _readers(models: Path | None, using: Sequence[str]) -> list[Any]:
    """The student, and those that ask it."""
    from redaction.detectors.student import StudentDetector

    own = weights(models)
    student = StudentDetector(own / "student")
    made: list[Any] = [student] if "student" in using else []
    if "encoder" in using:
        from redaction.detectors.encoder import EncoderDetector

        made.append(EncoderDetector(student, own / "encoder"))
    if models is not None and "places" in using:
        from redaction.detectors.doubted import Doubted
        from redaction.detectors.places import SpacyDetector

        made.append(Doubted(SpacyDetector(models / "spacy-en"), student, DOUBT))
    return made


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


def give_way() -> None:
    """This thread from now on only gets what time others leave. Elsewhere than on Linux priorities are of processes."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # where a sandbox forbids it, documents are only a nuisance
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def main() -> None:
    """Serves frames until stdin closes."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not break the frames
    stdin = os.fdopen(os.dup(0), "rb")
    spec = orjson.loads(read_frame(stdin) or b"null")
    if spec is None:  # the parent is gone already
        return
    models = Path(spec["models"]) if spec["models"] else None
    more = [RecognizerConfig(**{**r, "languages": tuple(r["languages"])}) for r in spec["recognizers"]]
    try:
        bench = Bench(models, names=spec["names"], full=spec["full"], recognizers=more)
    except ConfigError as e:
        write_frame(out, {"error": e.message})
        return
    looks = {depth: look for depth, look in DEPTHS.items() if spec["full"] or depth != "full"}
    for look in looks.values():
        bench.pipeline("").inspect([WARM], **look)
    write_frame(out, {"digests": {depth: dict(bench.pipeline("").digests_of(**look)) for depth, look in looks.items()}})
    steady()
    aside = ThreadPoolExecutor(1, initializer=give_way)
    while (frame := read_frame(stdin)) is not None:
        job = orjson.loads(frame)
        whole = "document" in job or "about" in job or job.get("long")
        write_frame(out, aside.submit(answered, job, bench, looks).result() if whole else answered(job, bench, looks))


def answered(job: Mapping[str, Any], bench: Bench, looks: Mapping[str, Mapping[str, bool]]) -> Any:
    """The answer to one job."""
    if "document" in job:
        return said(job)
    if "about" in job:
        return about(bench.pipeline(job["own"]), job["about"], tuple(Finding(*f) for f in job["findings"]))
    if "texts" not in job:
        bench.equip(Custom.from_json(job["own"]))
        return {}
    pipeline, look = bench.pipeline(job["own"]), looks[job["depth"]]
    if job["part"]:
        return encode([pipeline.part(text, **look) for text in job["texts"]])
    return encode(pipeline.inspect(job["texts"], **look))


def about(pipeline: Pipeline, text: str, known: tuple[Finding, ...]) -> dict[str, Any]:
    """What a long text is about, what it says beside what its windows do, and which findings of theirs are none."""
    result = pipeline.about(text, TextResult(known, PUBLIC))
    said, before = frozenset(result.findings), frozenset(known)
    new = tuple(f for f in result.findings if f not in before)
    return {"said": encode([replace(result, findings=new)]), "gone": [n for n, f in enumerate(known) if f not in said]}


if __name__ == "__main__":
    main()
