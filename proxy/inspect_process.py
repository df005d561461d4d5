"""One inspection process as its parent sees it: started, asked, replaced and killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from proxy.errors import ConfigError
from proxy.settings import RecognizerConfig
from proxy.tasks import aside
from redaction.custom import Custom

Digests = Mapping[str, Mapping[str, str]]
"""Depth of a look (``formal``, ``fast``, ``full``) -> detector -> digest."""


LARGE = 200_000
"""Bytes of an answer from which on it is read in a thread."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What a worker loads. ``names``: models at all; ``full``: also the encoder."""

    models: str | None
    names: bool
    full: bool
    recognizers: tuple[RecognizerConfig, ...] = field(default=(), repr=False)


class Worker:
    """One child process. ``ask`` is called by one task at a time."""

    def __init__(self, spec: Spec, threads: int) -> None:
        self.spec = spec
        self._threads = threads
        self._process: Process | None = None
        self._own = ""
        self.digests: Digests = {}
        self.busy = asyncio.Lock()
        """Held while it is asked or restarted."""

    async def start(self) -> None:
        """Starts the process and waits until its detectors are loaded and warm. Raises ConfigError."""
        await self.stop()  # what is left of one that died
        self._process, self.digests = await self._spawned(self.spec)
        self._own = ""

    async def renew(self, spec: Spec, recorded: Digests) -> None:
        """Another process takes over between two texts, once it is ready. Raises ConfigError: the old one stays, also
        where the detectors of the new one are not those that are on record."""
        process, digests = await self._spawned(spec)
        if differ(recorded, digests):
            await _kill(process)
            raise ConfigError("the files of a detector changed; restart the gate")
        async with self.busy:
            old, self._process = self._process, process
            self.spec, self.digests, self._own = spec, digests, ""
        if old is not None:
            await _kill(old)

    async def _spawned(self, spec: Spec) -> tuple[Process, Digests]:
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env |= {"OMP_NUM_THREADS": str(self._threads), "TOKENIZERS_PARALLELISM": "false", "MALLOC_ARENA_MAX": "1"}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "proxy.inspect_worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=env, limit=2**26,
            )  # fmt: skip
        except OSError:  # no memory, processes or descriptors left, which may pass
            raise ConfigError("an inspection worker could not be started by the system") from None
        try:
            await _write(process, asdict(spec))  # not as an argument: others can read those
            answer = await _read(process)
            if "error" in answer:
                await _kill(process)
                raise ConfigError(answer["error"])
            return process, answer["digests"]
        except (asyncio.IncompleteReadError, OSError, orjson.JSONDecodeError):
            await _kill(process)
            raise ConfigError("an inspection worker could not start; `sealgate models verify` may say why") from None
        except asyncio.CancelledError:
            await _kill(process)
            raise

    async def ask(self, frame: Any) -> Any:
        """The answer to one frame. Raises IncompleteReadError or OSError when the process is gone."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            raise ConnectionResetError
        await _write(process, frame)
        return await _read(process)

    async def equip(self, own: Custom) -> None:
        """Makes it look for ``own`` from the next text on. Raises as :meth:`ask`."""
        if self._own != own.digest:
            await self.ask({"own": own.to_json()})
            self._own = own.digest

    async def stop(self) -> None:
        """Kills the process at once."""
        if self._process is not None:
            await _kill(self._process)
            self._process = None

    @property
    def pid(self) -> int | None:
        """None when no process is running."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process is not None else None


def differ(one: Digests, other: Digests) -> bool:
    """Whether looks of the same depth are by different detectors."""
    return any(one[depth] != other[depth] for depth in one.keys() & other.keys())


async def _write(process: Process, frame: Any) -> None:
    assert process.stdin is not None
    data = await aside("document" in frame, orjson.dumps, frame)
    process.stdin.write(len(data).to_bytes(4, "big") + data)
    await process.stdin.drain()


async def _read(process: Process) -> Any:
    assert process.stdout is not None
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    data = await process.stdout.readexactly(size)
    return await aside(size >= LARGE, orjson.loads, data)


async def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()
