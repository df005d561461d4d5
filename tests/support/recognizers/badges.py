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
    """Finds ``zebra``. ``mode`` says what else it does to a text with ``TRIGGER``."""

    def __init__(self, mode: str = "", supported_language: str = "en") -> None:
        super().__init__(["ANIMAL"], supported_language=supported_language)
        self.mode = mode

    def load(self) -> None:
        pass

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> Any:
        if "TRIGGER" in text and self.mode:
            return getattr(self, f"_{self.mode}")(text, nlp_artifacts)
        return self._found(text)

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
        held = [bytearray(2 << 30)]
        return held[1:]

    def _outside(self, text: str, _: Any) -> Any:
        return self._found(text, end=len(text) + 1)

    def _before(self, text: str, _: Any) -> Any:
        return self._found(text, start=-3)

    def _empty(self, text: str, _: Any) -> Any:
        return self._found(text, start=4, end=4)

    def _score(self, text: str, _: Any) -> Any:
        return self._found(text, score=1.5)

    def _nan(self, text: str, _: Any) -> Any:
        return self._found(text, score=float("nan"))

    def _undeclared(self, text: str, _: Any) -> Any:
        return self._found(text, entity_type="PLANT")

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
        return self._found(text) * 500_000


class Unloadable(Word):
    def load(self) -> None:
        raise RuntimeError("no model here")


class Slow(Word):
    def load(self) -> None:
        time.sleep(3)


class NotOne:
    pass
