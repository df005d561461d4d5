"""``sealgate attest fetch``: what does an endpoint present, is it genuine, and which of our keys does it prove?

One question through the control door, the provider's own reader, the same verification as in the gate. Writes the
beginning of a measurement file, which the loader refuses until somebody approves it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import secrets
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Union

import click

from attestation.collateral.select import find, with_chain
from attestation.collateral.store import Damaged, Snapshot, read_store
from attestation.draft import draft
from attestation.providers import registry
from attestation.providers.base import Ask, Heard, Piece, Presented, Provider
from attestation.providers.prove import age_check, channel_check, own_checks, roles_check, supplied
from attestation.trust import VENDORS, SimulatedTrust, TrustStore
from attestation.types import (
    NO_COLLATERAL,
    AttestationError,
    Check,
    Claims,
    Collateral,
    Expectations,
    Malformed,
    Rejected,
    Source,
    Status,
)
from attestation.validate import validate_part
from attestation.verify import verify
from policies.types import Zone
from proxy.collateral.writer import replace_file
from proxy.errors import ConfigError, UpstreamError
from proxy.settings import AttestationConfig, UpstreamConfig

NAME = "fetched"
_NOBODY = Expectations("", frozenset(), {}, {}, "", dt.date.min)


class EvidenceDoor(Protocol):
    async def fetch_evidence(self, upstream: str, asks: tuple[Ask, ...]) -> Heard: ...


@dataclass(slots=True)
class Look:
    """What was found out. ``claims`` by role, of pieces that are genuine and bound to this connection's keys."""

    presented: Presented | None = None
    claims: list[tuple[str, Claims]] = field(default_factory=list)
    checks: list[tuple[str, Check]] = field(default_factory=list)
    """Role (empty: the endpoint as a whole) and check."""

    @property
    def good(self) -> bool:
        own = {Status.PASS, Status.WAIVED}
        settled = all(c.status in (own | {Status.UNKNOWN} if role else own) for role, c in self.checks)
        return self.presented is not None and settled and any(role == "cpu" for role, _ in self.claims)


@click.command("fetch")
@click.argument("url")
@click.option("--provider", default="sealgate-snp", show_default=True, help="How the endpoint is asked and read.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the provider.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a measurement file to approve.")
@click.option("--name", default="", help="Its name.  [default: the name of the file]")
@click.option(
    "--collateral", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The collateral store."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def fetch(
    url: str, provider: str, options: tuple[str, ...], out: Path | None, name: str, collateral: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show what the endpoint at URL presents. Exit 0: genuine, and it proves the keys of its channel; 2: not; 3: it
    cannot be asked."""
    made = _provider(provider, options)
    target = UpstreamConfig(NAME, Zone.ENCLAVE, "openai", url, attestation=AttestationConfig(provider, NAME))
    try:
        store = read_store(collateral, VENDORS) if collateral is not None else None
        look = asyncio.run(look_at(made, _door(target), dt.datetime.now(dt.UTC), VENDORS, store=store))
    except Damaged as e:
        click.echo(f"sealgate: the store is damaged: {e}", err=True)
        sys.exit(3)
    except UpstreamError as e:
        click.echo(f"sealgate: {e.message}", err=True)
        sys.exit(3)
    if as_json:
        click.echo(json.dumps(_facts(look), indent=2))
    else:
        _print(look)
    if not look.good:
        sys.exit(2)
    if out is not None:
        _write(out, name, url, look)


async def look_at(
    provider: Provider, door: EvidenceDoor, now: dt.datetime, trust: TrustStore,
    simulated: SimulatedTrust | None = None, store: Snapshot | None = None,
) -> Look:  # fmt: skip
    """Asks and judges. Raises UpstreamError."""
    nonce = secrets.token_bytes(32)
    heard = await door.fetch_evidence(NAME, provider.asks(nonce))
    look = Look()
    try:
        look.presented = presented = provider.read(heard, nonce)
    except Malformed as e:
        look.checks.append(("", Check("format", Status.FAIL, Source.VERIFIER, str(e))))
        return look
    own = (*own_checks(presented, now, frozenset()), channel_check(presented.channel), roles_check(presented))
    look.checks += [("", c) for c in own]
    offered, brought = supplied(NO_COLLATERAL, presented.offered if store is None else None)
    look.checks += [("offered", c) for c in brought]
    for piece in presented.pieces:
        _judge(look, piece, now, trust, simulated, store, offered)
    return look


def _judge(
    look: Look, piece: Piece, now: dt.datetime, trust: TrustStore, simulated: SimulatedTrust | None,
    store: Snapshot | None, offered: Collateral,
) -> None:  # fmt: skip
    """One piece: its collateral, whether it is genuine, whether it signs what it must."""
    found: tuple[Check, ...] = ()
    collateral, evidence = offered, piece.evidence
    nobody = dataclasses.replace(_NOBODY, allow_simulated=simulated is not None)
    try:
        if store is not None:
            evidence = with_chain(store, evidence)
            collateral, found = find(store, evidence, now)
        claims = verify(evidence, now, trust, simulated, collateral)
        found += (*claims.checks, age_check(piece, claims, now))
        found += validate_part(claims, nobody, piece.bound)
        look.claims.append((piece.role, claims))
    except Rejected as e:
        found += e.checks
    except Malformed as e:
        found += (Check("format", Status.FAIL, Source.VERIFIER, str(e)),)
    look.checks += [(piece.role, c) for c in found]


def _provider(kind: str, options: tuple[str, ...]) -> Provider:
    given: dict[str, Any] = {}
    try:
        declared = {o.name: o.type for o in registry.options_of(kind)}
        for option in options:
            key, equals, text = option.partition("=")
            if not equals or key in given:
                raise click.UsageError("--option takes KEY=VALUE, each key once")
            given[key] = _value(text, declared.get(key, str))
        return registry.make(kind, given)
    except registry.BadOption as e:
        raise click.UsageError(f"--option {'.'.join(map(str, e.place))}: {e}") from None
    except registry.UnknownKind as e:
        raise click.UsageError(f"--provider: {e}") from None


def _value(text: str, want: Any) -> Any:
    """As the configuration would have it: a list with commas, a mapping and numbers as JSON, else text."""
    origin, inner = typing.get_origin(want), typing.get_args(want)
    if origin in (Union, types.UnionType):
        (want,) = (t for t in inner if t is not type(None))
        return _value(text, want)
    if origin in (tuple, frozenset) and not text.startswith("["):
        return [_value(part, inner[0]) for part in text.split(",")]
    plain = want in (int, float, bool) or dataclasses.is_dataclass(want) or origin in (dict, Mapping, tuple, frozenset)
    if not plain:
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise click.UsageError(f"--option: '{text}' is not of the option's type") from None


def _door(target: UpstreamConfig) -> EvidenceDoor:
    from proxy.egress import ControlDoor
    from proxy.upstreams import remote

    remote.base_url(target)  # misuse, before anything is asked
    return ControlDoor({NAME: target})


def _write(out: Path, name: str, url: str, look: Look) -> None:
    stem = name or out.stem
    try:
        cpu = next(claims for role, claims in look.claims if role == "cpu")
        text = draft(cpu, stem, url, dt.datetime.now(dt.UTC))
        if out.exists():
            raise ConfigError(f"{out}: there is such a file; somebody may have approved it")
        replace_file(out, text.encode())
    except AttestationError as e:
        raise ConfigError(f"{out}: {e}") from None
    except OSError as e:
        raise ConfigError(f"{out}: {e.strerror or type(e).__name__}") from None
    click.echo(f"\n{out}: unapproved, and refused until it names a source, an approver and an end", err=True)


def _facts(look: Look) -> Mapping[str, object]:
    presented = look.presented
    rows = [{"role": role, "id": c.id, "status": c.status, "source": c.source, "reason": c.detail}
            for role, c in look.checks]  # fmt: skip
    return {
        "genuine": look.good,
        "channel": _channel(presented) if presented is not None else None,
        "nonce_bound": presented.nonce_bound if presented is not None else False,
        "pieces": [
            {
                "role": role,
                "tee": c.tee, "tcb_status": c.tcb_status, "advisories": list(c.advisories),
                "measurements": {n: v.hex() for n, v in c.measurements.items()}, "facts": dict(c.facts),
                "not_after": c.not_after.isoformat(), "simulated": c.simulated,
            }
            for role, c in look.claims
        ],
        "checks": rows,
    }  # fmt: skip


def _channel(presented: Presented) -> Mapping[str, object]:
    channel = presented.channel
    return {
        "tls_spki_sha256": channel.spki_sha256.hex() if channel.spki_sha256 is not None else None,
        "body_key": f"{channel.body.seal} {channel.body.algo} {channel.body.key.hex()}" if channel.body else None,
    }


def _print(look: Look) -> None:
    rows = [(f"{role}: {c.id}" if role else c.id, c) for role, c in look.checks]
    width = max(len(name) for name, _ in rows)
    for name, c in rows:
        click.echo(f"{c.status.upper():<8} {name:<{width}}  {c.source:<9} {c.detail}")
    for role, claims in look.claims:
        click.echo(f"\n{role}: {claims.tee}, TCB {claims.tcb_status}, holds until {claims.not_after:%F %T}Z")
        for name, value in claims.measurements.items():
            click.echo(f"  {name:<14} {value.hex()}")
    if look.presented is not None:
        for name, key in _channel(look.presented).items():
            click.echo(f"  {name:<14} {key or 'none'}")
        word = "signs our question" if look.presented.nonce_bound else "signs NO question of ours: it may be older"
        click.echo(f"\n{'genuine' if look.good else 'refused'}; the evidence {word}", err=not look.good)
