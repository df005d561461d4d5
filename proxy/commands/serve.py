"""``sealgate serve``: runs the gate until it is told to stop (SIGTERM, SIGINT); SIGHUP reloads the policy."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from proxy import observe
from proxy.app import Gate
from proxy.auth import new_key
from proxy.config import embedded, load_settings
from proxy.pace import steady
from proxy.settings import Settings
from proxy.tasks import spawn


@click.command()
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="sealgate.yaml; default: ./sealgate.yaml."
)
@click.option("--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Without a file.")
def serve(config_file: Path | None, data: Path) -> None:
    """Run the gate. Without a configuration: the embedded model only, and one app key, printed once."""
    found = config_file or (Path("sealgate.yaml") if Path("sealgate.yaml").is_file() else None)
    if found is not None:
        settings, base, key = load_settings(found), found.parent, None
    else:
        key = new_key()
        settings, base = embedded(data, key), Path()
    observe.setup()
    asyncio.run(_run(settings, base, key))


async def _run(settings: Settings, base: Path, key: str | None) -> None:
    stop = asyncio.Event()
    gate = Gate(settings, base=base)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with gate:
        loop.add_signal_handler(signal.SIGHUP, lambda: spawn(gate.reload(), "reload"))
        _greet(gate, key)
        steady()
        await stop.wait()
        click.echo("stopping: no new requests, running answers finish", err=True)


def _greet(gate: Gate, key: str | None) -> None:
    click.echo(f"sealgate serves {gate.url}/v1   (health: {gate.admin_url}/readyz)")
    if key is None:
        return
    click.echo("no sealgate.yaml: embedded model only; requests never leave this machine")
    click.echo(f"app key (shown once): {key}\n")
    click.echo("point an app at the gate:")
    click.echo(f"  export OPENAI_BASE_URL={gate.url}/v1 OPENAI_API_KEY={key}")
