"""How the demo prints a case, for people in a terminal. Only the demo prints payloads: its own, invented ones."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STAND_IN = re.compile(r"(\b[A-Z][A-Z_]*_[0-9a-z]{13}\b|\[[A-Z_]{3,}\])")
PERSON = re.compile(r"\bPERSON_[0-9a-z]{13}\b")
ZONE_STYLE = {"cloud": "cyan", "enclave": "magenta", "onprem": "green", "refused": "red", "blocked": "red"}


def shorten(text: str, limit: int = 900) -> str:
    """The text, or its beginning with a note of how much is left out."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit} more characters)"


def highlight(text: str) -> Text:
    """Stand-ins and redactions in colour."""
    out = Text(shorten(text))
    out.highlight_regex(STAND_IN, "bold yellow")
    return out


def readable(raw: bytes) -> str:
    """A received request body as an auditor would like to read it: role and content per message."""
    body = json.loads(raw)
    lines = [f"model: {body['model']}"]
    for message in body["messages"]:
        content = message.get("content")
        if content:
            lines.append(f"{message['role']}: {content}")
        lines += [
            f"{message['role']} calls {c['function']['name']}({c['function']['arguments']})"
            for c in message.get("tool_calls") or ()
        ]
    return "\n".join(lines)


def heading(console: Console, number: int, title: str, how: str) -> None:
    console.print()
    console.rule(f"[bold]{number}. {escape(title)}[/]  [dim]{how}[/]", align="left")


def sent(console: Console, messages: Sequence[Mapping[str, Any]], model: str) -> None:
    raw = json.dumps({"model": model, "messages": list(messages)}).encode()
    console.print(Panel(Text(shorten(readable(raw))), title="the app sent", title_align="left", border_style="dim"))


def seen(console: Console, where: str, raw: bytes | None) -> None:
    body = highlight(readable(raw)) if raw is not None else Text("nothing", style="bold green")
    console.print(Panel(body, title=f"{where} saw", title_align="left", border_style="yellow"))


def got(console: Console, text: str) -> None:
    console.print(Panel(highlight(text), title="the app got back", title_align="left", border_style="blue"))


def decided(console: Console, record: Mapping[str, Any], because: Mapping[str, str]) -> None:
    """Classification, decision and reasons, from the ledger's record of the request."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    categories = ", ".join(f"{c} {s / 1000:.2f}" for c, s in record["categories"].items()) or "none above threshold"
    labels = record["facts"]["labels"]
    findings = ", ".join(f"{label} ×{f['n']}" for label, f in labels.items()) or "none"
    table.add_row("classified", f"{record['sensitivity']} ({categories})")
    table.add_row("findings", findings)
    zone = record["zone"]
    verdict = f"refused ({record['code']})" if record["kind"] == "refusal" else record["action"]
    table.add_row("decision", Text(f"{verdict} → {zone}", style=f"bold {ZONE_STYLE.get(zone, 'white')}"))
    for rule in record["rules"]:
        why = because.get(rule) or f"default for {rule.rpartition(':')[2]} content"
        table.add_row("because", f"{why} [{rule}]" if rule in because else why)
    changed = ", ".join(
        f"{label} {name} ×{n}" for label, by in record.get("transforms", {}).items() for name, n in by.items()
    )
    if changed:
        table.add_row("transformed", changed)
    if record.get("lease"):
        lease = record["lease"]
        table.add_row(
            "enclave",
            f"{lease['tee']} verified, measurement {lease['measurement'][:16]}…, key {lease['key_sha256'][:16]}…, "
            f"expectations '{lease['expectations']}'{', SIMULATED' if lease['simulated'] else ''}",
        )
    console.print(table)


def recorded(console: Console, records: Sequence[Mapping[str, Any]]) -> None:
    """The ledger's lines for the request."""
    for r in records:
        what = {
            "intent": lambda r: (
                f"{r['action']} → {r['upstream']} ({r['zone']}), {r['body_bytes']} bytes, mac {r['body_mac'][:12]}…"
            ),
            "outcome": lambda r: (
                f"{r['code']}, status {r['status']}, restored {r['restored'].get('restored', 0)}"
                f"/{r['restored'].get('seen', 0)}"
            ),
            "refusal": lambda r: f"{r['code']} {r.get('upstream') or ''} {', '.join(r['reasons'])}",
            "control": lambda r: f"{r['code']}",
        }[r["kind"]](r)
        console.print(f"[dim]record {r['seq']:>3} {r['kind']:<8}[/] {escape(what)} [dim]hash {r['hash'][:12]}…[/]")
