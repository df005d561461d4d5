"""Foreign recognizers as detectors: each in a process that is killed when it is late, and never believed.

Runs inside an inspection worker. Whatever goes wrong makes the text uninspected: late, dead, over budget, an answer
that is none, an offset outside the text, a label that was not declared. After a failure the process starts anew; one
that fails again and again is left alone for a while, so that it costs the texts behind it no time.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import orjson

from proxy.errors import ConfigError
from proxy.settings import RecognizerConfig
from redaction.types import DetectorFailed, Finding

PREFIX = "recognizer."
"""Before the names of these detectors: none may pass for one of this release."""
CHARS_PER_TOKEN = 3
LOAD_S = 60.0
"""A recognizer must be loaded within this time."""
ANSWER_BYTES = 8 << 20
PATIENCE = 2
"""Failures in a row after which a recognizer is left alone: twice as long each time, up to ``REST_S``."""
REST_S = 60.0
SPOILT = frozenset({"MemoryError", "forbidden"})
"""Failures after which a process is not used again. Other exceptions say that it runs."""
KEPT_ENV = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "HOME")
"""All that a recognizer sees of the environment: no credentials, no proxies."""
OWN_ENV = {
    "REGEX_TIMEOUT_SECONDS": "86400",  # Presidio skips a pattern after this time: being killed before is what is wanted
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1",
}  # fmt: skip


class Gone(Exception):
    """The process cannot be used any more; the message is an enum-like reason."""


class Recognizer:
    """Implements ``Detector``. One text at a time; every call is over within twice ``timeout_s``."""

    def __init__(self, config: RecognizerConfig) -> None:
        self._config = config
        self.name = PREFIX + config.name
        self.digest = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded = False
        self._started = 0.0
        self._waited = False
        self._failures = 0
        self._until = 0.0

    def start(self) -> None:
        """Starts the process; :meth:`load` waits for it."""
        env = {k: v for k, v in os.environ.items() if k in KEPT_ENV} | OWN_ENV
        self._loaded, self._waited, self._started = False, False, time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "proxy.recognizer_host"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True, bufsize=0,
        )  # fmt: skip
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        self._send({**asdict(self._config), "parent": os.getpid()}, time.monotonic() + LOAD_S)

    def load(self) -> None:
        """Waits until it is loaded. Raises ConfigError with what the recognizer says about itself."""
        try:
            self._ready(time.monotonic() + LOAD_S)
        except Gone as e:
            self.stop()
            raise ConfigError(f"recognizers: '{self._config.name}' cannot be used: {e}") from None

    def stop(self) -> None:
        """Kills it and whatever it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Raises DetectorFailed."""
        if len(text) > self._config.tokens * CHARS_PER_TOKEN:
            raise DetectorFailed(self.name, "budget")
        if time.monotonic() < self._until:
            raise DetectorFailed(self.name, "resting")
        try:
            self._awake()
            found = self._checked(self._ask(text), len(text))
        except Gone as e:
            self._fail()
            raise DetectorFailed(self.name, str(e)) from None
        self._failures = 0
        return found

    def _awake(self) -> None:
        """Raises DetectorFailed while it is starting: only the first text waits for it, the others have no time."""
        if self._process is None:
            self.start()
        if not self._loaded:
            wait = 0.0 if self._waited else self._config.timeout_s
            self._waited = True
            try:
                self._ready(time.monotonic() + wait)
            except Gone as e:
                if str(e) == "timeout" and time.monotonic() < self._started + LOAD_S:
                    raise DetectorFailed(self.name, "starting") from None
                raise Gone("load") from None

    def _ready(self, until: float) -> None:
        answer = self._receive(until)
        if "digest" not in answer:
            raise Gone(str(answer.get("unfit", "junk")))
        if self.digest and answer["digest"] != self.digest:
            raise Gone("changed")  # its files are others now: what is on record is no longer what would look
        self.digest, self._loaded = answer["digest"], True

    def _fail(self) -> None:
        self.stop()
        self._failures += 1
        if self._failures >= PATIENCE:
            self._until = time.monotonic() + min(REST_S, 2.0 ** (self._failures - PATIENCE + 1))
            return
        with suppress(Gone):
            self.start()

    def _ask(self, text: str) -> Any:
        until = time.monotonic() + self._config.timeout_s
        ident = secrets.token_hex(8)
        assert self._process is not None and self._process.stdout is not None
        if select.select([self._process.stdout], [], [], 0)[0]:
            raise Gone("junk")  # nobody asked: it is dead, or something else writes there
        self._send({"id": ident, "text": text}, until)
        answer = self._receive(until)
        if answer.get("id") != ident:
            raise Gone("junk")
        if "failed" in answer:
            reason = _reason(answer["failed"])
            if reason in SPOILT:
                self.stop()
            raise DetectorFailed(self.name, reason)
        return answer.get("found")

    def _checked(self, found: Any, size: int) -> tuple[Finding, ...]:
        """Raises Gone for anything but findings in the text, of labels that were declared."""
        out = []
        for item in found if isinstance(found, list) else [None]:
            match item:
                case [str(entity), int(start), int(end), int(score) | float(score)] if (
                    not isinstance(start, bool) and not isinstance(end, bool) and not isinstance(score, bool)
                    and 0 <= start < end <= size and 0.0 <= score <= 1.0
                ):  # fmt: skip
                    label = self._config.entities.get(entity)
                    if label is None:
                        raise Gone("undeclared")
                    if score >= self._config.min_score:
                        out.append(Finding(start, end, label, float(score), self.name))
                case _:
                    raise Gone("junk")
        return tuple(out)

    def _send(self, value: Mapping[str, Any], until: float) -> None:
        data = orjson.dumps(value)
        data = len(data).to_bytes(4, "big") + data
        assert self._process is not None and self._process.stdin is not None
        fd, at = self._process.stdin.fileno(), 0
        while at < len(data):
            _, ready, _ = select.select([], [fd], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise Gone("timeout")
            try:
                at += os.write(fd, data[at : at + 65_536])
            except OSError:
                raise Gone("died") from None

    def _receive(self, until: float) -> dict[str, Any]:
        size = int.from_bytes(self._take(4, until), "big")
        if not 0 < size <= ANSWER_BYTES:
            raise Gone("junk")
        try:
            answer = orjson.loads(self._take(size, until))
        except orjson.JSONDecodeError:
            raise Gone("junk") from None
        if not isinstance(answer, dict):
            raise Gone("junk")
        return answer

    def _take(self, size: int, until: float) -> bytes:
        assert self._process is not None and self._process.stdout is not None
        fd, parts = self._process.stdout.fileno(), bytearray()
        while len(parts) < size:
            ready, _, _ = select.select([fd], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise Gone("timeout")
            try:
                part = os.read(fd, size - len(parts))
            except BlockingIOError:
                continue
            if not part:
                raise Gone("died")
            parts += part
        return bytes(parts)


def _reason(said: Any) -> str:
    """As a record can hold it."""
    return said[:60] if isinstance(said, str) and said.isascii() and said.isidentifier() else "raised"


def started(configs: Sequence[RecognizerConfig]) -> list[Recognizer]:
    """All of them, loaded side by side. Raises ConfigError for the first that cannot be used."""
    made = [Recognizer(config) for config in configs]
    try:
        for one in made:
            one.start()
        for one in made:
            one.load()
    except (ConfigError, Gone) as e:
        for one in made:
            one.stop()
        raise e if isinstance(e, ConfigError) else ConfigError(f"recognizers: one cannot be started ({e})") from None
    return made
