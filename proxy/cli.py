"""The command line. Exit codes: 0 yes, 1 misuse, 2 the answer is no, 3 could not find out.

Commands import what they need when they run, so that ``sealgate --help`` answers at once.
"""

from __future__ import annotations

import importlib
import sys

import click

from proxy import __version__
from proxy.errors import ConfigError

COMMANDS = {
    "serve": "proxy.commands.serve:serve",
    "demo": "proxy.commands.demo:demo",
    "policy": "proxy.commands.policy:policy",
    "audit": "proxy.commands.audit:audit",
    "models": "proxy.commands.models:models",
    "apps": "proxy.commands.apps:apps",
    "config": "proxy.commands.config:config",
    "scan": "proxy.commands.scan:scan",
    "attest": "proxy.commands.attest:attest",
}
LATER = ("redact", "keys", "doctor")
"""Commands of the architecture that a later release brings; they say so instead of being unknown."""


class Lazy(click.Group):
    """Loads a command's module when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LATER:
            raise click.ClickException(f"'{cmd_name}' is not in this release yet")
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sealgate")
def cli() -> None:
    """The gate between your apps and every LLM."""


def main() -> None:
    """Entry point. Misuse and bad configuration are one line on stderr and exit code 1."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as e:
        sys.exit(e.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as e:
        click.echo(f"sealgate: {e.format_message()}", err=True)
        sys.exit(1)
    except ConfigError as e:
        click.echo(f"sealgate: {e.message}", err=True)
        sys.exit(1)
