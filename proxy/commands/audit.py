"""``sealgate audit``: query, show and verify the ledger. Works while the gate runs (read-only)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from proxy import keys
from proxy.audit.query import Filter, query, verify
from proxy.errors import ConfigError

_DATA = click.option("--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True)
_KEYS = click.option("--keys", "keys_file", type=click.Path(path_type=Path), help="Master key file; default: DATA.keys")


def ledger(data: Path) -> Path:
    return data / "ledger.sqlite"


@click.group()
def audit() -> None:
    """The ledger of every egress decision."""


@audit.command("query")
@_DATA
@click.option("--since", help="ISO 8601 beginning, for example 2026-11-21T08 (UTC).")
@click.option("--until", help="ISO 8601 end, exclusive.")
@click.option("--app")
@click.option("--tenant")
@click.option("--action", type=click.Choice(["blocked", "local", "enclave", "redacted", "allowed"]))
@click.option("--zone", type=click.Choice(["blocked", "onprem", "enclave", "cloud"]))
@click.option("--kind", type=click.Choice(["intent", "outcome", "refusal", "control"]))
@click.option("--code")
@click.option("--limit", type=int, default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One record per line.")
def query_(data: Path, as_json: bool, **want: Any) -> None:
    """The newest matching records, oldest first."""
    records = query(ledger(data), Filter(**want))
    if as_json:
        for record in records:
            click.echo(json.dumps(record, sort_keys=True))
        return
    table(Console(), records)


def table(console: Console, records: Sequence[Mapping[str, Any]]) -> None:
    """Records for a terminal."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("seq", "at (UTC)", "kind", "app", "what", "where", "why"):
        out.add_column(name, overflow="fold", no_wrap=name in {"seq", "at (UTC)", "kind"})
    for r in records:
        out.add_row(str(r["seq"]), r["at"][:19].replace("T", " "), r["kind"], r.get("app") or "", *line(r))
    console.print(out)


def line(r: Mapping[str, Any]) -> tuple[str, str, str]:
    """What, where and why of a record, in a few words."""
    if r["kind"] == "intent":
        return f"{r['action']}, {r['sensitivity']}", f"{r['upstream']} ({r['zone']})", ", ".join(r["rules"])
    if r["kind"] == "outcome":
        restored = r["restored"]
        done = f", restored {restored.get('restored', 0)}/{restored.get('seen', 0)}" if restored else ""
        return f"{r['code']}{done}", f"of record {r['ref_seq']}", ""
    if r["kind"] == "refusal":
        return f"refused: {r['code']}", r.get("upstream") or r["zone"], ", ".join(r["reasons"] or r["rules"])
    return r["code"], str(r["details"].get("upstream", "")), ", ".join(map(str, r["details"].get("failures", ())))


@audit.command()
@_DATA
@click.argument("which")
@click.option("--json", "as_json", is_flag=True)
def show(data: Path, which: str, as_json: bool) -> None:
    """Everything about one request (its id) or one record (its seq)."""
    records = query(ledger(data), Filter())
    if which.isdigit():
        named = [r for r in records if r["seq"] == int(which)]
        which = str(named[0].get("request_id") or "") if named else ""
        records = [r for r in records if r.get("request_id") == which] if which else named
    else:
        records = [r for r in records if r.get("request_id") == which]
    if not records:
        click.echo("sealgate: no such record", err=True)
        sys.exit(2)
    for record in records:
        click.echo(json.dumps(record, sort_keys=True) if as_json else words(record))


def words(r: Mapping[str, Any]) -> str:
    """A record in sentences."""
    lines = [f"record {r['seq']} · {r['kind']} · {r['at']}"]
    if "facts" in r:
        labels = ", ".join(f"{k} ×{v['n']}" for k, v in r["facts"]["labels"].items()) or "nothing sensitive"
        lines += [
            f"  request {r['request_id']} of app {r['app']} (tenant {r['tenant']}) for model {r['model']}",
            f"  content: {r['sensitivity']}; categories {', '.join(r['categories']) or 'none'}; found {labels}",
            f"  rules: {', '.join(r['rules'])} (policy {r['policy_revision']})",
        ]
    if r["kind"] == "intent":
        changed = ", ".join(f"{k} {t} ×{n}" for k, by in r["transforms"].items() for t, n in by.items())
        lines += [
            f"  {r['action']}: {r['body_bytes']} bytes to {r['upstream']} (zone {r['zone']}, model {r['upstream_model']})",
            f"  replaced: {changed or 'nothing'}; keyed digest of the bytes {r['body_mac'][:16]}…",
        ]
        lines += lease_words(r["lease"]) if r["lease"] else []
    elif r["kind"] == "refusal":
        lines.append(
            f"  refused: {r['code']} {r.get('upstream') or ''} because of {', '.join(r['reasons']) or 'policy'}"
        )
    elif r["kind"] == "outcome":
        lines.append(
            f"  ended: {r['code']}, status {r['status']}, {r['bytes']} bytes, restored {r['restored'].get('restored', 0)} "
            f"of {r['restored'].get('seen', 0)}, {r['total_ms']} ms"
        )
    else:
        lines.append(f"  {r['code']}: {json.dumps(r['details'], sort_keys=True)}")
    return "\n".join([*lines, f"  hash {r['hash']}"])


def lease_words(lease: Mapping[str, Any]) -> list[str]:
    """A lease so that an auditor understands it."""
    simulated = " SIMULATED: proves nothing about hardware." if lease["simulated"] else ""
    return [
        f"  enclave: {lease['tee']} evidence {lease['evidence_sha256'][:16]}… was verified, its measurement "
        f"{lease['measurement'][:16]}… is approved in '{lease['expectations']}', firmware {lease['tcb_status']};",
        f"  bytes went to the TLS key {lease['key_sha256'][:16]}… named in that evidence, until {lease['expires']}.{simulated}",
    ]


@audit.command("verify")
@_DATA
@_KEYS
@click.option("--json", "as_json", is_flag=True)
def verify_(data: Path, keys_file: Path | None, as_json: bool) -> None:
    """Recompute the whole chain. Exit 0 whole, 2 broken, 3 unreadable."""
    path = keys_file or data.with_name(data.name + ".keys")
    try:
        key = keys.load(path).purpose("audit") if path.exists() else None
        verdict = verify(ledger(data), key)
    except ConfigError as e:
        click.echo(f"sealgate: {e.message}", err=True)
        sys.exit(3)
    if as_json:
        facts = {"records": verdict.records, "head": verdict.head, "head_checked": verdict.head_checked}
        click.echo(json.dumps({**facts, "problem": verdict.problem, "seq": verdict.seq}))
    elif verdict.problem is not None:
        click.echo(f"BROKEN at record {verdict.seq}: {verdict.problem}")
    else:
        keyed = "head signed by this gate's key" if verdict.head_checked else "head NOT checked: no key file"
        click.echo(f"whole: {verdict.records} records, head {verdict.head[:16]}…, {keyed}")
    if verdict.problem is not None:
        sys.exit(2)


for _name in ("trace", "export", "report", "forget"):

    @audit.command(_name, hidden=True)
    def _later() -> None:
        """Not in this release."""
        raise click.ClickException("not in this release yet")
