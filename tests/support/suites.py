"""What the public leak suites are run with: a served gate between them and their own capture, and their commands.

The gate is the product as it is: ``sealgate serve`` in its own process with worker processes and the local models. The
suites are the published packages, unmodified, run by their own commands; only addresses, keys and the policy are ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from aiohttp import ClientSession, web
from gate_support import KEY
from model_support import ROOT, models_or_skip

GATE = ("-P", "-c", "from proxy.cli import main; main()", "serve", "--config")
WAIT_S = 120
"""For a gate to start, and for a suite to end, in seconds."""


def open_policy() -> str:
    """The shipped policy with every ceiling, refusal and one-way transform taken out, as YAML.

    The suites judge what arrives at the cloud and whether it comes back. So everything may travel, everything found is
    replaced by a stand-in that can be restored, values of system prompts and tool definitions may come back too, and
    answers are inspected for values that the model made up.
    """
    policy = yaml.safe_load((ROOT / "policies" / "default.yaml").read_text())
    defaults = policy["defaults"]
    defaults["sensitivity"] = dict.fromkeys(defaults["sensitivity"], "cloud")
    defaults["transforms"] |= {"CREDIT_CARD": "pseudonym", "@secrets": "pseudonym"}
    defaults["restore"]["system"] = [*defaults["restore"]["user"]]
    defaults["answers"] = "respond"
    return yaml.safe_dump(policy | {"rules": []}, sort_keys=False)


def free_port() -> int:
    """A port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """Of this process, what a child needs: no proxies, no settings of other tools."""
    passed = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH"}}
    return passed | {"PYTHONPATH": str(ROOT)} | more


@dataclass(frozen=True)
class Served:
    """A gate whose every upstream is whatever listens on ``capture`` (a port of loopback)."""

    url: str
    capture: int
    ledger: Path
    process: asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def served(folder: Path, policy: str) -> AsyncIterator[Served]:
    """Skips the test where the local models are not installed; ``policy`` is a name or a file."""
    models = models_or_skip("rampart", "spacy-en")
    capture = free_port()
    base = f"http://127.0.0.1:{capture}/v1"
    config = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "data": "./var",
        "policy": policy,
        "workers": 2,
        "apps": [{"name": "suites", "tenant": "suites", "key": KEY}],
        "upstreams": {k: {"zone": "cloud", "kind": k, "url": base} for k in ("openai", "anthropic")},
        "models": {"*": {"use": ["openai/*", "anthropic/*"]}},
    }
    file = folder / "sealgate.yaml"
    file.write_text(yaml.safe_dump(config))
    log = folder / "gate.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *GATE, str(file), stdout=asyncio.subprocess.PIPE, stderr=out, cwd=folder,
            env=environment(SEALGATE_MODELS=str(models)),
        )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WAIT_S):
            greeting = (await process.stdout.readline()).decode()
        match = re.match(r"sealgate serves (\S+)/v1 ", greeting)
        assert match, greeting + log.read_text()
        yield Served(match[1], capture, folder / "var" / "ledger.sqlite", process)
    finally:
        await stop(process)


async def stop(process: asyncio.subprocess.Process) -> None:
    """Ends a child of ours, politely first."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()


@dataclass(frozen=True)
class Ran:
    """How a command of a suite ended and what it printed."""

    code: int
    said: str


async def run(folder: Path, module: str, *arguments: str) -> Ran:
    """``python -m module arguments`` in ``folder``. The app key is where pii-leak-benchmark looks for it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, cwd=folder, env=environment(CONFORMANCE_TARGET_API_KEY=KEY),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(WAIT_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            await stop(process)
    return Ran(process.returncode or 0, said.decode())


@contextlib.asynccontextmanager
async def capturing(folder: Path, port: int) -> AsyncIterator[None]:
    """canarywire's capture on ``port``: the cloud that records what it gets and answers as the runner says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "canarywire", "serve", "--listen", f"127.0.0.1:{port}", cwd=folder, env=environment()
    )
    try:
        async with asyncio.timeout(WAIT_S):
            while not _listens(port):
                assert process.returncode is None, "the capture ended"
                await asyncio.sleep(0.05)
        yield
    finally:
        await stop(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


HOP = frozenset({"host", "content-length", "transfer-encoding", "connection"})


@contextlib.asynccontextmanager
async def with_key(url: str) -> AsyncIterator[str]:
    """An address in front of the gate that adds the app key and changes nothing else: canarywire sends none."""
    async with ClientSession(auto_decompress=False) as session:

        async def relay(request: web.Request) -> web.StreamResponse:
            headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP}
            headers["authorization"] = f"Bearer {KEY}"
            body = await request.read()
            async with session.request(request.method, url + request.path_qs, data=body, headers=headers) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
                out = web.StreamResponse(status=answer.status, headers=kept)
                await out.prepare(request)
                async for chunk in answer.content.iter_any():
                    await out.write(chunk)
                await out.write_eof()
                return out

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", relay)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
