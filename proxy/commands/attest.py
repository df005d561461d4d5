"""``sealgate attest``: is this evidence genuine, and what was approved? The same code decides in the gate."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from attestation.collateral.pieces import Kind
from attestation.collateral.select import find, with_chain
from attestation.collateral.store import INDEX, Damaged, Snapshot, read_store
from attestation.expectations import BadExpectations, load_expectations
from attestation.nvidia.ocsp import read_answer
from attestation.recognise import der_of, recognise
from attestation.trust import VENDORS
from attestation.types import (
    WAIVABLE,
    Check,
    Claims,
    Collateral,
    Evidence,
    Expectations,
    Malformed,
    Rejected,
    Source,
    Status,
)
from attestation.validate import appraise
from attestation.verify import VERIFIERS, verify
from proxy.commands.attest_collateral import collateral as collateral_group
from proxy.commands.attest_collateral import moment
from proxy.commands.attest_fetch import fetch
from proxy.errors import ConfigError

FOLDER = "The collateral store, or a folder with amd-crl, intel.json, jwks.json, vcek, runtime ...; or both, one each."
PIECES = ("vcek", "td_quote", "event_log", "app_compose", "runtime", "tpm_quote", "tpm_signature", "tpm_pcrs")
RIM_FILES = frozenset({".xml", ".swidtag"})
"""Endings of NVIDIA's manifests among loose files; their names are NVIDIA's ids."""
MAX_BYTES = 4 * 1024 * 1024


@click.group()
def attest() -> None:
    """Evidence of enclaves: look at it, verify it."""


attest.add_command(collateral_group)
attest.add_command(fetch)


@attest.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(sorted(VERIFIERS)), help="The form of FILE; else it is recognised.")
@click.option("--collateral", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help=FOLDER)
@click.option("--at", "when", help="Verify as of this time, such as 2026-11-21T12:00:00Z. Default: now.")
@click.option("--expect", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A measurement file.")
@click.option("--waive", type=click.Choice(sorted(WAIVABLE)), multiple=True, help="A check that may fail, visibly.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def verify_(
    file: Path, kind: str | None, collateral: tuple[Path, ...], when: str | None, expect: Path | None,
    waive: tuple[str, ...], as_json: bool,
) -> None:  # fmt: skip
    """Is the evidence in FILE genuine, and with --expect: is it what was approved? Exit 2 when it is not.

    There is no connection here, so nothing says whose channel key the evidence proves.
    """
    now = moment(when) if when is not None else dt.datetime.now(dt.UTC)
    want = _expectations(expect) if expect is not None else None
    store, loose = _stores(collateral)
    claims: Claims | None = None
    kept: tuple[Check, ...] = ()
    try:
        evidence = recognise(_read(file), kind, _pieces(loose), bare=store is not None)
        published = _collateral(loose, frozenset(waive))
        if store is not None:
            evidence = with_chain(store, evidence)
            published, kept = _kept(store, evidence, now, published)
        claims = verify(evidence, now, VENDORS, None, published)
        checks = (*kept, *claims.checks)
    except Malformed as e:
        checks = (*kept, Check("format", Status.FAIL, Source.VERIFIER, str(e)))
    except Rejected as e:
        checks = (*kept, *e.checks)
    judged = appraise(claims, want, now) if claims is not None and want is not None else ()
    good = claims is not None and all(c.status is not Status.FAIL for c in (*checks, *judged))
    if as_json:
        click.echo(json.dumps(_facts(good, claims, checks, judged), indent=2))
    else:
        _print(good, claims, (*checks, *judged), want)
    if not good:
        sys.exit(2)


def _stores(folders: tuple[Path, ...]) -> tuple[Snapshot | None, Path | None]:
    """The store among ``folders``, and the folder of loose files. Exits 3 for a store that is damaged."""
    stores = [f for f in folders if (f / INDEX).exists()]
    loose = [f for f in folders if f not in stores]
    if len(stores) > 1 or len(loose) > 1:
        raise click.UsageError("--collateral names one store and one folder of loose files at most")
    try:
        return (read_store(stores[0], VENDORS) if stores else None), (loose[0] if loose else None)
    except Damaged as e:
        click.echo(f"sealgate: the store is damaged: {e}", err=True)
        sys.exit(3)


def _kept(store: Snapshot, evidence: Evidence, now: dt.datetime, loose: Collateral
          ) -> tuple[Collateral, tuple[Check, ...]]:  # fmt: skip
    """The store's pieces for ``evidence``, and a check for each; a loose file counts instead of the store's piece."""
    found, checks = find(store, evidence, now)
    given = {Kind.AMD_CRL: loose.amd_crl is not None, Kind.JWKS: bool(loose.jwks)}
    given |= dict.fromkeys((k for k in Kind if k.startswith("intel-")), loose.intel is not None)
    checks = tuple(c for c in checks if not given[Kind(c.id.removeprefix("collateral."))])
    return replace(
        found,
        amd_crl=loose.amd_crl or found.amd_crl,
        intel=loose.intel or found.intel,
        jwks={**found.jwks, **loose.jwks},
        rims={**found.rims, **loose.rims},
        ocsp=(*found.ocsp, *loose.ocsp),
        waivers=loose.waivers,
    ), checks


def _expectations(file: Path) -> Expectations:
    try:
        return load_expectations(file.read_text("utf-8"), source=str(file))
    except BadExpectations as e:
        raise ConfigError(str(e)) from None
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file}: cannot be read ({type(e).__name__})") from None


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as f:
            data = f.read(MAX_BYTES + 1)
    except OSError as e:
        raise ConfigError(f"{file}: cannot be read ({type(e).__name__})") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{file}: larger than {MAX_BYTES} bytes")
    return data


def _pieces(folder: Path | None) -> dict[str, bytes]:
    """Files named like a piece, whatever their ending."""
    if folder is None:
        return {}
    return {f.stem: _read(f) for f in sorted(folder.iterdir()) if f.stem in PIECES and f.is_file()}


def _collateral(folder: Path | None, waivers: frozenset[str]) -> Collateral:
    """Raises Malformed for a file of another form, ConfigError for one that cannot be read."""
    if folder is None:
        return Collateral(waivers=waivers)
    files = {f.stem: f for f in sorted(folder.iterdir()) if f.is_file()}
    crl = der_of(_read(files["amd-crl"])) if "amd-crl" in files else None
    intel = _read(files["intel"]).decode("utf-8", "replace") if "intel" in files else None
    jwks = _jwks(_read(files["jwks"])) if "jwks" in files else {}
    rims = {name: _read(f) for name, f in files.items() if f.suffix in RIM_FILES}
    ocsp = tuple(_read(f) for f in files.values() if f.suffix == ".ocsp")
    for raw in ocsp:
        read_answer(raw)
    return Collateral(amd_crl=crl, intel=intel, jwks=jwks, waivers=waivers, rims=rims, ocsp=ocsp)


def _jwks(raw: bytes) -> dict[str, bytes]:
    """``{"https://issuer": {"keys": [...]}}``: each key set under the exact name of its issuer."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise Malformed("jwks.json is not JSON") from None
    if not isinstance(body, dict):
        raise Malformed("jwks.json must name each issuer's key set")
    return {issuer: json.dumps(keys).encode() for issuer, keys in body.items()}


def _facts(good: bool, claims: Claims | None, checks: tuple[Check, ...], judged: tuple[Check, ...]
           ) -> Mapping[str, object]:  # fmt: skip
    rows = [{"id": c.id, "status": c.status, "source": c.source, "reason": c.detail} for c in (*checks, *judged)]
    if claims is None:
        return {"accepted": False, "genuine": False, "checks": rows}
    return {
        "accepted": good,
        "genuine": True,
        "compared": bool(judged),
        "tee": claims.tee,
        "tcb_status": claims.tcb_status,
        "tcb": dict(claims.tcb),
        "advisories": list(claims.advisories),
        "measurements": {name: value.hex() for name, value in claims.measurements.items()},
        "bound": {name: value.hex() for name, value in claims.bound.items()},
        "facts": dict(claims.facts),
        "evidence_sha256": claims.evidence_sha256.hex(),
        "signed_at": claims.signed_at.isoformat() if claims.signed_at else None,
        "not_after": claims.not_after.isoformat(),
        "simulated": claims.simulated,
        "checks": rows,
    }


def _print(good: bool, claims: Claims | None, checks: tuple[Check, ...], want: Expectations | None) -> None:
    width = max(len(c.id) for c in checks)
    for c in checks:
        click.echo(f"{c.status.upper():<8} {c.id:<{width}}  {c.source:<9} {c.detail}")
    if claims is not None:
        click.echo(f"\n{claims.tee}, TCB {claims.tcb_status}, holds until {claims.not_after:%F %T}Z")
        for name, value in claims.measurements.items():
            click.echo(f"  {name:<14} {value.hex()}")
    failed = sum(c.status is Status.FAIL for c in checks)
    if not good:
        click.echo(f"\nrefused: {failed} of {len(checks)} checks failed", err=True)
    elif want is None:
        click.echo("\ngenuine; whether it is what you approved was not asked (--expect)")
    else:
        click.echo(f"\naccepted under {want.name}, approved by {want.approved_by} until {want.approved_until}")
