"""``sealgate config show``: what the gate will do, secrets left out, and every destination its doors may reach."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from attestation.providers.privatemode import ASSERTED
from proxy.approvals import Approvals
from proxy.collateral.vendors import BASES
from proxy.config import load_settings
from proxy.settings import Settings, UpstreamConfig


@click.group()
def config() -> None:
    """The configuration."""


@config.command()
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("sealgate.yaml"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
def show(config_file: Path, as_json: bool) -> None:
    """Check sealgate.yaml and the files of approved enclaves, and print what they mean."""
    settings = load_settings(config_file)
    facts = describe(settings) | {"enclaves": _enclaves(settings)}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        click.echo(f"{key}:")
        for line in json.dumps(value, indent=2).splitlines():
            click.echo(f"  {line}")


def describe(s: Settings) -> dict[str, object]:
    """Settings without secrets."""
    return {
        "listen": f"{s.listen[0]}:{s.listen[1]}" + (" (TLS)" if s.tls else ""),
        "admin": f"{s.admin[0]}:{s.admin[1]}",
        "data": str(s.data),
        "policy": s.policy,
        "environment": s.environment,
        "apps": [{"name": a.name, "tenant": a.tenant} for a in s.apps],
        "doors": [_door(u) for u in s.upstreams.values()],
        "models": {k: {"use": ["/".join(p) for p in m.use], "substitute": m.substitute} for k, m in s.models.items()},
        "collateral": {"store": str(s.collateral), "control_door": list(BASES)} if s.collateral else None,
        "onprem_networks": [str(n) for n in s.onprem_networks],
        "limits": asdict(s.limits),
        "recognizers": [{"name": r.name, "module": r.module, "entities": dict(r.entities)} for r in s.recognizers],
    }


def _tee(u: UpstreamConfig) -> str | None:
    """Whether a TEE is proven, or only somebody's word."""
    if u.attestation is not None:
        return f"to be proven ({u.attestation.provider})"
    return f"asserted by {u.labels[ASSERTED]}, not proven to this gate" if ASSERTED in u.labels else None


def _enclaves(s: Settings) -> dict[str, object]:
    """How each proves itself, and who approved what. Raises ConfigError for files that cannot be used."""
    proofs = {u.name: u.attestation for u in s.upstreams.values() if u.attestation is not None}
    names = {p.expectations for p in proofs.values()}
    approved = Approvals(s.expectations, names, production=s.environment == "production").expectations
    return {
        name: {
            "provider": p.provider,
            "options": dict(p.options),
            "max_age_s": p.max_age_s,
            "keys": p.keys,
            "prewarm": p.prewarm,
            "expectations": p.expectations,
            "approved_by": approved[p.expectations].approved_by,
            "approved_until": approved[p.expectations].approved_until.isoformat(),
            "any_image": approved[p.expectations].unpinned is not None,
        }
        for name, p in proofs.items()
    }


def _door(u: UpstreamConfig) -> dict[str, object]:
    return {
        "upstream": u.name,
        "zone": u.zone.word,
        "data_door": u.url or f"embedded model {u.model}",
        "control_door": "attestation evidence" if u.attestation else None,
        "key": "set" if u.key else "none",
        "labels": dict(u.labels),
        "tee": _tee(u),
    }
