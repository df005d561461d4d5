"""A Presidio ``EntityRecognizer`` of somebody else, unchanged: found by name, asked as Presidio's engine would ask it.

Runs in a process of its own (``proxy.recognizer_host``); nothing else may load such code. What Presidio does quietly is
loud here, because a recognizer that found nothing and one that could not look are not the same: whoever wants the
entities of an NLP engine, which there is none of, raises; warnings that are logged count as failures (Presidio logs one
where it skips a pattern that took too long).
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from operator import index
from pathlib import Path
from typing import Any, NoReturn

import regex as re
from presidio_analyzer import EntityRecognizer
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.predefined_recognizers import SpacyRecognizer

VERSION = "1"
FILES = 2_000
"""Source files of one package that its digest covers; of a larger one the module itself only."""
WARM = "Write to jane.doe@example.com or call +1 212 555 0100; IBAN DE89 3704 0044 0532 0130 00, https://example.com/a."
"""What a recognizer is tried with before it counts as loaded."""
_TOKEN = re.compile(r"\w+|[^\w\s]")

Raw = tuple[Any, Any, Any, Any]
"""Entity, start, end and score as the recognizer gave them; whoever asked checks them."""


class Unfit(Exception):
    """A recognizer that cannot be used. The message names no text."""


class NoEntities(Exception):
    """A recognizer wanted what an NLP engine found."""


class _Plain:
    """The part of an NLP engine that context words need."""

    @staticmethod
    def is_stopword(word: str, language: str) -> bool:
        return False

    @staticmethod
    def is_punct(word: str, language: str) -> bool:
        return not any(map(str.isalnum, word))


class Artifacts(NlpArtifacts):
    """Words in place of lemmas, so that context words count; no entities, which nobody may take for none found."""

    def __init__(self, text: str, language: str) -> None:
        found = list(_TOKEN.finditer(text))
        self.tokens = [m[0] for m in found]  # type: ignore[assignment]  # whoever reads them takes their lengths
        self.tokens_indices = [m.start() for m in found]
        self.lemmas = [m[0].lower() for m in found]
        self.nlp_engine = _Plain()
        self.keywords = self.set_keywords(self.nlp_engine, self.lemmas, language)

    def __getattr__(self, name: str) -> NoReturn:
        """``entities``, ``scores``: no AttributeError, which ``getattr(…, "entities", [])`` would take for none."""
        raise AttributeError(name) if name.startswith("__") else NoEntities(name)


class Foreign:
    """One class, an instance for each language. ``settings``: module, path, kwargs, languages, entities."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Raises Unfit, and whatever the recognizer raises."""
        if settings["path"]:
            sys.path.insert(0, settings["path"])
        cls = _class(settings["module"])
        self._entities = list(settings["entities"])
        self._made = [_instance(cls, settings["kwargs"], lang) for lang in settings["languages"] or [None]]
        for one in self._made:
            unknown = set(self._entities) - set(one.supported_entities)
            if unknown:
                raise Unfit(f"it does not know {', '.join(sorted(unknown))}, but {', '.join(one.supported_entities)}")
        self.digest = _digest(cls, self._made[0], settings)
        self._enhancer = LemmaContextAwareEnhancer()
        self._logged = _Logged()
        logging.getLogger().addHandler(self._logged)
        self.analyze(WARM)

    def analyze(self, text: str) -> list[Raw]:
        """Raises whatever the recognizer raises, and Unfit where it logged a warning."""
        self._logged.count = 0
        found = [raw for one in self._made for raw in self._of(one, text)]
        if self._logged.count:
            raise Unfit("it logged a warning")
        return found

    def _of(self, one: Any, text: str) -> Iterator[Raw]:
        artifacts = Artifacts(text, one.supported_language)
        results = one.analyze(text, list(self._entities), artifacts)
        results = list(results) if results is not None else []
        if results:
            results = one.enhance_using_context(text, results, [], artifacts, None)
            results = self._enhancer.enhance_using_context(text, results, artifacts, [one], None)
        for r in results:
            yield r.entity_type, index(r.start), index(r.end), float(r.score)


class _Logged(logging.Handler):
    """Counts warnings; keeps no word of them."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def _class(name: str) -> Any:
    module, _, attribute = name.partition(":")
    cls = getattr(importlib.import_module(module), attribute, None)
    if not (isinstance(cls, type) and issubclass(cls, EntityRecognizer)):
        raise Unfit("it is no class of presidio_analyzer.EntityRecognizer")
    if issubclass(cls, SpacyRecognizer):
        raise Unfit("it only passes on what an NLP engine found, and there is none")
    return cls


def _instance(cls: Any, kwargs: Mapping[str, Any], language: str | None) -> Any:
    return cls(**{**kwargs, "supported_language": language} if language else kwargs)


def _digest(cls: Any, made: Any, settings: Mapping[str, Any]) -> str:
    """Of its code, the files it is given, versions and settings."""
    h = hashlib.sha256(f"{VERSION}\n{version('presidio-analyzer')}\n{made.version}\n".encode())
    h.update(json.dumps({k: v for k, v in settings.items() if k not in {"path", "parent"}}, sort_keys=True).encode())
    top = cls.__module__.partition(".")[0]
    try:
        h.update(version(top.replace("_", "-")).encode())
    except PackageNotFoundError:
        h.update(b"-")
    given = [Path(v) for v in settings["kwargs"].values() if isinstance(v, str) and Path(v).is_file()]
    for file in (*_sources(cls, sys.modules.get(top)), *given):
        h.update(hashlib.sha256(file.read_bytes()).digest())
    return h.hexdigest()[:16]


def _sources(cls: Any, top: Any) -> Sequence[Path]:
    own = Path(inspect.getfile(cls))
    files: list[Path] = []
    for folder in getattr(top, "__path__", ()):
        files += sorted(Path(folder).rglob("*.py"))
    return files if 0 < len(files) <= FILES else [own]
