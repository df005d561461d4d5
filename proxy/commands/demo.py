"""``sealgate demo``: the whole gate on loopback, a stand-in cloud and a simulated enclave, eight cases, no account."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Where models are."
)
def demo(data: Path) -> None:
    """Show what each side sees, what is recorded, and that nothing sensitive crossed. Exits 2 if anything did."""
    from proxy.demo.run import run

    sys.exit(asyncio.run(run(data)))
