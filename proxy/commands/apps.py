"""``sealgate apps``: makes app keys. The key is shown once; the configuration holds its SHA-256."""

from __future__ import annotations

from pathlib import Path

import click

from proxy.auth import digest, new_key
from proxy.config import NAME, load_settings


@click.group()
def apps() -> None:
    """App keys."""


@apps.command()
@click.argument("name")
@click.option("--tenant", default="default", show_default=True, help="Boundary of keys, caches and stand-ins.")
def add(name: str, tenant: str) -> None:
    """Make a key for app NAME; prints the key once and the line for sealgate.yaml."""
    for value in (name, tenant):
        if not NAME.fullmatch(value):
            raise click.ClickException("a name has 1 to 64 letters, digits, '_', '.' or '-'")
    key = new_key()
    click.echo(f"key (shown once): {key}", err=True)
    click.echo(f"  - {{name: {name}, tenant: {tenant}, key_sha256: {digest(key).hex()}}}")


@apps.command("list")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("sealgate.yaml"), show_default=True
)
def list_(config_file: Path) -> None:
    """The apps of a configuration."""
    for app in load_settings(config_file).apps:
        click.echo(f"{app.name}\ttenant {app.tenant}\tkey_sha256 {app.key_sha256.hex()[:12]}…")
