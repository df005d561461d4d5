"""Programs that use other clients than the official SDKs, each in its own process and virtual environment, as apps do.

LiteLLM and LlamaIndex want another major version of ``openai`` than the gate's own demo, and an app never shares the
gate's environment anyway. ``make test`` makes ``.venv-clients``; without it these tests are skipped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from model_support import ROOT

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
PROGRAMS = ROOT / "tests" / "contract" / "clients"
QUIET = {
    "LANGCHAIN_TRACING_V2": "false", "LANGSMITH_TRACING": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False", "ANONYMIZED_TELEMETRY": "False", "DO_NOT_TRACK": "1",
    "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1",
}  # fmt: skip
"""Nothing phones home; what tries all the same reaches a port that nobody listens on."""
WAIT_S = 90
"""For an answer, the first with all imports, in seconds."""


@dataclass(frozen=True)
class Failed:
    """The exception that a client raised: its classes, nearest first, and its message."""

    classes: tuple[str, ...]
    message: str


@dataclass
class ClientApp:
    """One running program. ``do`` gives what its method returned, or :class:`Failed`."""

    process: asyncio.subprocess.Process

    async def do(self, name: str, **order: Any) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": name, **order}).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Any:
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            line = await self.process.stdout.readline()
        assert line, f"the client ended: {await self.process.wait()}"
        tree = json.loads(line)
        return tree["ok"] if "ok" in tree else Failed(tuple(tree["error"]), tree["message"])


@contextlib.asynccontextmanager
async def client_app(name: str) -> AsyncIterator[ClientApp]:
    if not PYTHON.exists():
        pytest.skip("no .venv-clients: `make test` makes it")
    kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH"}}
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-W", "ignore", PROGRAMS / f"{name}_app.py", env=kept | QUIET, limit=2**24,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    app = ClientApp(process)
    try:
        await app.answer()  # it is ready
        yield app
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
