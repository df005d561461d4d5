"""One detector of another project as a process: texts as JSON lines on stdin, spans and CPU time on stdout.

``python peer_engines.py ENGINE [MODEL]`` runs in the environment where ENGINE is installed, so it imports nothing of
Sealgate. Every engine is used as its own documentation shows first; what was switched on beyond that is in its name.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

Spans = list[tuple[int, int, str]]
Detect = Callable[[str], Spans]


def presidio(model: str) -> Detect:
    """AnalyzerEngine with its default recognizers and a spaCy pipeline; scores of 0.35 and more, as its docs advise."""
    engine = _presidio_engine(model, org=False)
    return lambda text: [(r.start, r.end, r.entity_type) for r in engine.analyze(text, "en", score_threshold=0.35)]


def presidio_org(model: str) -> Detect:
    """The same with organisations, which Presidio leaves out, and every score."""
    engine = _presidio_engine(model, org=True)
    return lambda text: [(r.start, r.end, r.entity_type) for r in engine.analyze(text, "en")]


def _presidio_engine(model: str, *, org: bool) -> Any:
    """With the settings that Presidio ships; only the path of the spaCy pipeline is another."""
    import presidio_analyzer
    import yaml
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    shipped = Path(presidio_analyzer.__file__).parent / "conf" / "default.yaml"
    settings = yaml.safe_load(shipped.read_text("utf-8"))
    settings["models"] = [{"lang_code": "en", "model_name": model}]
    if org:
        ner = settings["ner_model_configuration"]
        ner["labels_to_ignore"] = [label for label in ner["labels_to_ignore"] if not label.startswith("ORG")]
        ner["low_score_entity_names"] = []
    return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=settings).create_engine())


_SCRUBADUB = {
    "name": "PERSON", "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "credit_card": "CREDIT_CARD", "url": "URL",
    "twitter": "USERNAME", "social_security_number": "US_SSN", "credential": "PASSWORD",
}  # fmt: skip


def scrubadub(_: str) -> Detect:
    import scrubadub as package  # type: ignore[import-not-found]  # installed in the peers' environment only

    scrubber = package.Scrubber()
    return lambda text: [(f.beg, f.end, _SCRUBADUB.get(f.type, f.type.upper())) for f in scrubber.iter_filth(text)]


_DATAFOG = {"EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "SSN": "US_SSN", "DATE": "DATE_TIME", "ZIP": "ADDRESS"}


def datafog(_: str) -> Detect:
    import datafog as package  # type: ignore[import-not-found]  # installed in the peers' environment only

    return lambda text: [
        (e.start, e.end, _DATAFOG.get(e.type, e.type)) for e in package.scan(text, engine="regex").entities
    ]


_PII_ANON = {
    "PERSON_NAME": "PERSON", "IPV4": "IP_ADDRESS", "DATE_ISO": "DATE_TIME", "IBAN": "IBAN_CODE", "ADDRESS": "ADDRESS",
    "JWT_TOKEN": "SECRET", "API_KEY": "API_KEY", "BANK_ACCOUNT": "BANK_ACCOUNT", "LOCATION": "LOCATION",
}  # fmt: skip


def pii_anon(_: str) -> Detect:
    from pii_anon.engines import RegexEngineAdapter  # type: ignore[import-not-found]  # the peers' environment only

    engine = RegexEngineAdapter()

    def detect(text: str) -> Spans:
        found = engine.detect({"text": text}, {"language": "en"})
        return [(f.span_start, f.span_end, _PII_ANON.get(f.entity_type, f.entity_type)) for f in found]

    return detect


def detect_secrets(_: str) -> Detect:
    """A scan of the text as a file, with the default plug-ins and filters; values are looked up in the text."""
    from detect_secrets.core.scan import scan_file  # type: ignore[import-not-found]  # the peers' environment only
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found]  # as above

    folder = Path(tempfile.mkdtemp())
    file = folder / "text.txt"

    def detect(text: str) -> Spans:
        file.write_text(text, "utf-8")
        with default_settings():
            values = {s.secret_value for s in scan_file(str(file)) if s.secret_value}
        return [(m.start(), m.end(), "SECRET") for v in values for m in re.finditer(re.escape(v), text)]

    return detect


ENGINES: dict[str, tuple[str, Callable[[str], Detect]]] = {
    "presidio": ("presidio-analyzer", presidio),
    "presidio+org": ("presidio-analyzer", presidio_org),
    "scrubadub": ("scrubadub", scrubadub),
    "datafog": ("datafog", datafog),
    "pii-anon": ("pii-anon", pii_anon),
    "detect-secrets": ("detect-secrets", detect_secrets),
}
"""Name -> (distribution, maker)."""


def answers(detect: Detect, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        text = json.loads(line)
        began = time.process_time()
        try:
            spans = detect(text)
        except Exception as error:  # an engine that raises on a text has found nothing in it: counted, not hidden
            yield json.dumps({"error": type(error).__name__, "cpu_s": time.process_time() - began})
            continue
        yield json.dumps({"spans": spans, "cpu_s": time.process_time() - began})


def main() -> None:
    import logging

    logging.disable(logging.CRITICAL)
    distribution, make = ENGINES[sys.argv[1]]
    detect = make(sys.argv[2] if len(sys.argv) > 2 else "")
    detect("Warm up: Anna Smith, anna@example.org.")
    print(json.dumps({"version": version(distribution)}), flush=True)
    for answer in answers(detect, iter(sys.stdin)):
        print(answer, flush=True)


if __name__ == "__main__":
    main()
