"""Recognizers of somebody else, as tests plug them in: two honest ones, and one for each way to misbehave."""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any

from presidio_analyzer import EntityRecognizer, Pattern, PatternRecognizer, RecognizerResult


class BadgeRecognizer(PatternRecognizer):
    """As in Presidio's tutorial: a weak pattern that a context word makes strong."""

    def __init__(self, supported_language: str = "en") -> None:
        super().__init__(
            supported_entity="BADGE",
            patterns=[Pattern("badge", r"\bB-\d{4}\b", 0.2)],
            context=["badge"],
            supported_language=supported_language,
        )


class Word(EntityRecognizer):  # type: ignore[misc]
    """Finds ``zebra``, and does to a text with ``DO:mode`` what the mode says."""

    def __init__(self, supported_language: str = "en", model: str = "") -> None:
        super().__init__(["ANIMAL"], supported_language=supported_language)

    def load(self) -> None:
        pass

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> Any:
        _, asked, rest = text.partition("DO:")
        return getattr(self, f"_{rest.split()[0]}")(text, nlp_artifacts) if asked else self._found(text)

    @staticmethod
    def _found(text: str, **other: Any) -> list[RecognizerResult]:
        at = text.find("zebra")
        given = {"entity_type": "ANIMAL", "start": at, "end": at + 5, "score": 0.9} | other
        return [RecognizerResult(**given)] if at >= 0 else []

    def _hang(self, text: str, _: Any) -> Any:
        while True:
            time.sleep(1)

    def _spin(self, text: str, _: Any) -> Any:
        while True:
            pass

    def _exit(self, text: str, _: Any) -> Any:
        os._exit(0)

    def _leave(self, text: str, _: Any) -> Any:
        sys.exit(0)

    def _raise(self, text: str, _: Any) -> Any:
        raise ValueError(text)

    def _stdout(self, text: str, _: Any) -> Any:
        print(text)
        print(text, file=sys.stderr)
        os.write(1, text.encode())
        os.write(2, text.encode())
        return self._found(text)

    def _fork(self, text: str, _: Any) -> Any:
        os.fork()
        return self._found(text)

    def _quiet_fork(self, text: str, _: Any) -> Any:
        try:
            os.fork()
        except OSError:
            return []
        return []

    def _connect(self, text: str, _: Any) -> Any:
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=0.1)
        except OSError:
            return []
        return []

    def _memory(self, text: str, _: Any) -> Any:
        held = bytearray(2 << 30)
        return self._found(text[: len(held)])

    def _objects(self, text: str, _: Any) -> Any:
        return [object()]

    def _nothing(self, text: str, _: Any) -> Any:
        return 7

    def _entities(self, text: str, artifacts: Any) -> Any:
        return [r for r in artifacts.entities if r]

    def _soft_entities(self, text: str, artifacts: Any) -> Any:
        return list(getattr(artifacts, "entities", []))

    def _warning(self, text: str, _: Any) -> Any:
        import logging

        logging.getLogger("acme").warning("skipped")
        return []

    def _many(self, text: str, _: Any) -> Any:
        return [RecognizerResult("ANIMAL", 0, 1, 0.9)] * 1_000_000

    def _undeclared(self, text: str, _: Any) -> Any:
        return [RecognizerResult("PLANT", 0, 1, 0.9)]


class Unloadable(Word):
    def load(self) -> None:
        raise RuntimeError("no model here")


class NotOne:
    pass
