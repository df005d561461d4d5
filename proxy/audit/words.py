"""Records in words, for people at a terminal. Reads plain record values; knows nothing of stores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


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
        return f"{r['action']}, {r['sensitivity']}", f"{r['upstream']} ({r['zone']})", _why(r["rules"])
    if r["kind"] == "outcome":
        restored = r["restored"]
        done = f", restored {restored.get('restored', 0)}/{restored.get('seen', 0)}" if restored else ""
        return f"{r['code']}{done}", f"of record {r['ref_seq']}", ""
    if r["kind"] == "refusal":
        return f"refused, {r['code']}", r.get("upstream") or r["zone"], ", ".join(r["reasons"] or r["rules"])
    return r["code"], str(r["details"].get("upstream", "")), ", ".join(map(str, r["details"].get("failures", ())))


def _why(rules: Sequence[str]) -> str:
    """The rules, or that only defaults applied."""
    own = [rule for rule in rules if not rule.startswith("default:")]
    return ", ".join(own) or "defaults"


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
            f"  {r['action']}: {r['body_bytes']} bytes to {r['upstream']} ({r['zone']}), model {r['upstream_model']}",
            f"  replaced: {changed or 'nothing'}; keyed digest of the bytes {r['body_mac'][:16]}…",
        ]
        lines += lease_words(r["lease"]) if r["lease"] else []
        if r.get("asserted_tee"):
            lines.append(f"  {r['asserted_tee']} says that a TEE answers there: NOT proven to this gate")
    elif r["kind"] == "refusal":
        lines.append(
            f"  refused: {r['code']} {r.get('upstream') or ''} because of {', '.join(r['reasons']) or 'policy'}"
        )
    elif r["kind"] == "outcome":
        restored = f"{r['restored'].get('restored', 0)} of {r['restored'].get('seen', 0)}"
        size = f"status {r['status']}, {r['bytes']} bytes"
        receipt = f", receipt {r['receipt']}" if r.get("receipt") else ""
        lines.append(f"  ended: {r['code']}, {size}, restored {restored}, {r['total_ms']} ms{receipt}")
    else:
        lines.append(f"  {r['code']}: {json.dumps(r['details'], sort_keys=True)}")
    return "\n".join([*lines, f"  hash {r['hash']}"])


SEALED = {"ehbp": "EHBP", "aci": "ACI", "near": "NEAR's fields"}


def lease_words(lease: Mapping[str, Any]) -> list[str]:
    """A lease so that an auditor understands it. Older records know less."""
    lines = [
        f"enclave: {lease['tee']}{_by(lease)}; evidence {lease['evidence_sha256'][:16]}… was verified{_asked(lease)}",
        _image(lease),
        f"firmware: {lease['tcb_status']}; advisories {', '.join(lease.get('advisories', ())) or 'none'}",
    ]
    for name, approval in lease.get("waived", {}).items():
        lines.append(f"WAIVED: {name} failed; accepted until {approval['until']} by {approval['approved_by']}")
    if lease.get("unknown"):
        lines.append(f"not checked: {', '.join(lease['unknown'])}")
    if "gpus" in lease:
        lines.append(f"GPUs: {lease['gpus'] or 'none'} verified")
    lines.append(f"{_key(lease)} that the evidence names; valid until {lease['expires']}")
    if lease["simulated"]:
        lines.append("SIMULATED: proves nothing about hardware")
    return [f"  {line}" for line in lines]


def _by(lease: Mapping[str, Any]) -> str:
    return f", asked as {lease['provider']}" if lease.get("provider") else ""


def _asked(lease: Mapping[str, Any]) -> str:
    if "nonce_bound" not in lease:
        return ""
    return ", signs the question" if lease["nonce_bound"] else ", signs NO question of ours: it may be older"


def _image(lease: Mapping[str, Any]) -> str:
    what = f"measurement {lease['measurement'][:16]}…"
    if unpinned := lease.get("unpinned"):
        until, who = unpinned["until"], unpinned["approved_by"]
        return f"image: NOT PINNED: {what} is not compared; any image is accepted until {until} by {who}"
    name = f"{lease['image']}, " if lease.get("image") else ""
    revision = f" (revision {lease['expectations_sha256'][:16]}…)" if lease.get("expectations_sha256") else ""
    return f"image: {name}{what}, approved in '{lease['expectations']}'{revision}"


def _key(lease: Mapping[str, Any]) -> str:
    key = f"the key {lease['key_sha256'][:16]}…"
    binding = lease.get("binding", "tls_spki")
    if binding == "tls_spki":
        return f"sent over TLS to {key}"
    return f"bodies sealed ({SEALED.get(binding, binding)}) to {key}"
