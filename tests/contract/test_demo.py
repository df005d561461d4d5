"""What a newcomer runs first: the demo, in its own process with the local models. It checks itself."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from model_support import models_or_skip
from suites import environment


async def test_the_demo_ends_without_a_surprise(tmp_path: Path) -> None:
    """Every case is compared with what the cloud and the enclave got, the ledger verified; a surprise exits with 2."""
    models = models_or_skip("rampart", "spacy-en", "smollm2")
    command = "from proxy.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-c", command, "demo", "--data", str(tmp_path / "var"), cwd=tmp_path,
        env=environment(SEALGATE_MODELS=str(models)),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(300):
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
