"""``sealgate audit``: query, show and verify the ledger. Works while the gate runs (read-only).

Exit codes: 0 yes, 1 misuse, 2 the answer is no (broken chain, no such record), 3 the ledger cannot be read.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from proxy.audit.query import Filter, query, verify
from proxy.audit.store import LEDGER
from proxy.audit.verify import Verdict
from proxy.audit.words import table, words
from proxy.errors import ConfigError

_ISO = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d(\.\d{1,3})?)?)?)?)?)?")


class Moment(click.ParamType[str]):
    """The beginning of an ISO 8601 moment in UTC, as the ledger writes it."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value).strip().upper().replace(" ", "T").removesuffix("Z")
        if not _ISO.fullmatch(text):
            self.fail("give a UTC date or time such as 2026-11-21 or 2026-11-21T08:30", param, ctx)
        return text


_DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Data directory of the gate.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@contextmanager
def _readable() -> Iterator[None]:
    """What cannot be read is one line and exit code 3."""
    try:
        yield
    except ConfigError as e:
        click.echo(f"sealgate: {e.message}", err=True)
        sys.exit(3)


def _print_json(records: list[dict[str, Any]]) -> None:
    for record in records:
        click.echo(json.dumps(record, sort_keys=True))


@click.group()
def audit() -> None:
    """The ledger of every egress decision."""


@audit.command("query")
@_DATA
@click.option("--since", type=Moment(), help="From this moment on (UTC), for example 2026-11-21T08.")
@click.option("--until", type=Moment(), help="Before this moment (UTC).")
@click.option("--app", help="Name of the app.")
@click.option("--tenant", help="Name of the tenant.")
@click.option("--action", type=click.Choice(["local", "enclave", "redacted", "allowed"]))
@click.option("--zone", type=click.Choice(["blocked", "onprem", "enclave", "cloud"]))
@click.option("--upstream", help="Name of the upstream.")
@click.option("--kind", type=click.Choice(["intent", "outcome", "refusal", "control"]))
@click.option("--code", help="Code of an outcome, a refusal or a control event.")
@click.option("--request-id", help="All records of one request.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@_JSON
def query_(data: Path, as_json: bool, **want: Any) -> None:
    """The newest matching records, oldest first."""
    with _readable():
        records = query(data / LEDGER, Filter(**want))
    if as_json:
        _print_json(records)
    else:
        table(Console(), records)


def about(ledger: Path, which: str) -> list[dict[str, Any]]:
    """All records of the request ``which`` (its id, or the seq of one of its records), and events that name them."""
    if which.isdigit():
        named = query(ledger, Filter(seq=int(which)))
        if not named or named[0].get("request_id") is None:
            return named
        which = named[0]["request_id"]
    records = query(ledger, Filter(request_id=which))
    for seq in [r["seq"] for r in records if r["kind"] == "intent"]:
        records += query(ledger, Filter(kind="control", ref_seq=seq))
    return sorted(records, key=lambda r: int(r["seq"]))


@audit.command()
@_DATA
@click.argument("which", metavar="SEQ|REQUEST_ID")
@_JSON
def show(data: Path, which: str, as_json: bool) -> None:
    """Everything about one request, in words: decision, rules, what was replaced, the enclave, how it ended."""
    with _readable():
        records = about(data / LEDGER, which)
    if not records:
        click.echo("sealgate: there is no such record; `sealgate audit query` lists the newest", err=True)
        sys.exit(2)
    if as_json:
        _print_json(records)
        return
    for record in records:
        click.echo(words(record))


def audit_key(data: Path, keys_file: Path | None) -> bytes | None:
    """The key of the head. Without ``--keys`` a key file that is missing or unreadable is no error: None."""
    from proxy import keys

    path = keys_file or data.with_name(data.name + ".keys")
    try:
        return keys.load(path).purpose("audit")
    except ConfigError:
        if keys_file is not None:
            raise
        return None


@audit.command("verify")
@_DATA
@click.option("--keys", "keys_file", type=click.Path(path_type=Path), help="Master key file.  [default: DATA.keys]")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
def verify_(data: Path, keys_file: Path | None, as_json: bool) -> None:
    """Recompute the whole chain. Exit 0 whole, 2 broken, 3 unreadable."""
    with _readable():
        verdict = verify(data / LEDGER, audit_key(data, keys_file))
    if as_json:
        facts = {"records": verdict.records, "head": verdict.head, "head_checked": verdict.head_checked}
        click.echo(json.dumps({**facts, "problem": verdict.problem, "seq": verdict.seq}))
    else:
        click.echo(sentence(verdict))
    sys.exit(0 if verdict.problem is None else 2)


def sentence(verdict: Verdict) -> str:
    """The verdict for people."""
    if verdict.problem is not None:
        return f"BROKEN at record {verdict.seq}: {verdict.problem}"
    if verdict.records == 0:
        return "whole: the ledger is empty"
    keyed = "signed by this gate's key" if verdict.head_checked else "NOT checked, no key file: give --keys FILE"
    return f"whole: {verdict.records} records, head {verdict.head[:16]}…; the head's MAC is {keyed}"


for _name in ("trace", "export", "report", "forget"):

    @audit.command(_name, hidden=True, context_settings={"ignore_unknown_options": True})
    @click.argument("_arguments", nargs=-1, type=click.UNPROCESSED)
    def _later(_arguments: tuple[str, ...]) -> None:
        """Not yet: a later release brings it."""
        raise click.ClickException("not yet: this release has no such audit command")
