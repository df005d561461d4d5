"""``sealgate attest collateral``: what vendors publish, in one folder: fetch it, carry it, see how long it counts.

Exit codes: 0 yes; 1 misuse; 2 no (something was refused, or has ended); 3 could not find out (a vendor cannot be
reached, the store cannot be read).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from attestation.collateral.index import time_text
from attestation.collateral.loose import loose
from attestation.collateral.nvidia import about
from attestation.collateral.pieces import Entry, Kind, Name, Piece, shown
from attestation.collateral.select import helpful, key_names, needs
from attestation.collateral.store import Damaged, Snapshot, read_store
from attestation.nvidia.ocsp import Path as Certificates
from attestation.nvidia.verify import Device, parse_devices
from attestation.recognise import recognise
from attestation.snp.report import parse_report
from attestation.trust import PRODUCTS, VENDORS
from attestation.types import Malformed, Rejected
from proxy.collateral.archive import MAX_ARCHIVE_BYTES, pack, unpack
from proxy.collateral.fetch import Failure, Issuers, Vendors, fetch, in_order, keep, known_issuers
from proxy.collateral.vendors import question
from proxy.collateral.watch import State, states
from proxy.collateral.writer import replace_file, take
from proxy.config import load_settings
from proxy.errors import ConfigError

_TAR = slice(257, 262)  # "ustar"
_PARTS = ("vcek", "td_quote", "runtime")


@click.group()
def collateral() -> None:
    """What vendors publish, kept for offline use: revocation lists, TCB levels, keys of services."""


_FOLDER = click.option(
    "--collateral", "folder", type=click.Path(file_okay=False, path_type=Path),
    help="The store's folder.  [default: `collateral` in the configuration]",
)  # fmt: skip
_CONFIG = click.option(
    "--config", "config_file", type=click.Path(path_type=Path), default=Path("sealgate.yaml"), show_default=True
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")


@collateral.command("fetch")
@click.option("--amd", multiple=True, type=click.Choice(PRODUCTS), help="AMD's revocation list of a product.")
@click.option("--tdx", multiple=True, metavar="FMSPC", help="Intel's pieces for TDX on a platform (12 hex digits).")
@click.option("--sgx", multiple=True, metavar="FMSPC", help="The same for SGX.")
@click.option("--issuer", multiple=True, metavar="URL", help="The keys of a token service, by its exact issuer.")
@click.option("--rim", multiple=True, metavar="ID", help="A reference manifest of NVIDIA's.")
@click.option(
    "--evidence", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What this evidence needs.",
)  # fmt: skip
@_FOLDER
@_CONFIG
@_JSON
def fetch_(
    amd: tuple[str, ...], tdx: tuple[str, ...], sgx: tuple[str, ...], issuer: tuple[str, ...], rim: tuple[str, ...],
    evidence: tuple[Path, ...], folder: Path | None, config_file: Path, as_json: bool,
) -> None:  # fmt: skip
    """Ask vendors. Without anything named: again for everything in the store."""
    at = _folder(folder, config_file)
    with _answers():
        before = read_store(at, VENDORS)
        wanted: list[Name] = [(Kind.AMD_CRL, product) for product in amd]
        wanted += [name for tee, ids in (("tdx", tdx), ("sgx", sgx)) for i in ids for name in _platform(tee, i.lower())]
        wanted += [(Kind.JWKS, url) for url in issuer] + [(Kind.RIM, i) for i in rim]
        seen = [_needed(file) for file in evidence]
        wanted += [name for names, _ in seen for name in names]
        names = in_order(wanted or [n for n in before.index.entries if _askable(n)])
        issuers = known_issuers(before, names, {n: path for _, found in seen for n, path in found.items()})
        if not names:
            raise click.UsageError(
                "nothing here can be asked for again: name what to fetch, such as --amd Genoa or --evidence FILE"
            )
        for name in names:
            question(name)  # misuse, before anything is asked
        snapshot, failures = asyncio.run(_fetch(at, names, _door(), before, issuers))
    _report(snapshot, names, failures, as_json)


async def _fetch(
    folder: Path, names: list[Name], door: Vendors, before: Snapshot, issuers: Issuers
) -> tuple[Snapshot, list[Failure]]:
    got = await fetch(door, names, _now(), issuers=issuers)
    taken, refused = keep(folder, got.pieces, _now(), VENDORS)  # answers may be younger than the question
    spared = [
        Failure(n, f"{shown(n)}: not asked for, {question(n).host} wants patience", "vendor_busy") for n in got.spared
    ]
    return taken[-1].snapshot if taken else before, [*got.failures, *spared, *refused]


def _report(snapshot: Snapshot, names: list[Name], failures: list[Failure], as_json: bool) -> None:
    failed = {f.name for f in failures}
    came = [snapshot.index.entries[n] for n in names if n not in failed and n in snapshot.index.entries]
    if as_json:
        lost = [{"kind": f.name[0], "key": f.name[1], "code": f.code, "reason": f.reason} for f in failures]
        click.echo(json.dumps({"fetched": [_facts(e) for e in came], "failures": lost}, indent=2))
    else:
        for entry in came:
            click.echo(f"FETCHED  {shown(entry.name)}: {_words(entry)}")
        for failure in failures:
            click.echo(f"FAILED   {failure.reason}", err=True)
    if any(f.code.startswith("collateral_") or f.code == "vendor_malformed" for f in failures):
        sys.exit(2)
    if failures:
        sys.exit(3)


@collateral.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--unsigned",
    is_flag=True,
    help="Take new key sets of token services too. Nobody signed them: whoever made the archive chose the keys.",
)
@click.option(
    "--evidence", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Devices that answers of NVIDIA's OCSP responder are about: who may answer stands in their certificates.",
)  # fmt: skip
@_FOLDER
@_CONFIG
@_JSON
def import_(
    files: tuple[Path, ...], unsigned: bool, evidence: tuple[Path, ...], folder: Path | None, config_file: Path,
    as_json: bool,
) -> None:  # fmt: skip
    """Take in archives of `export`, or single files: a revocation list or VCEK of AMD's, Intel's root list, dcap-qvl's
    JSON of a platform, an answer of NVIDIA's OCSP responder (with --evidence). Everything is verified before anything
    is replaced; one bad piece refuses all."""
    at = _folder(folder, config_file)
    now = _now()
    with _answers():
        devices = tuple(d.path for file in evidence for d in _devices(file))
        pieces = [piece for file in files for piece in _pieces(file, now, devices)]
        if not unsigned:
            _signed(pieces, read_store(at, VENDORS))
        taken = take(at, pieces, now, VENDORS)
    names = sorted({p.name for p in pieces} & set(taken.snapshot.index.entries))  # of too many keys some do not stay
    entries = [taken.snapshot.index.entries[name] for name in names]
    if as_json:
        changed = [{"kind": kind, "key": key} for kind, key in taken.changed]
        click.echo(json.dumps({"imported": [_facts(e) for e in entries], "changed": changed}, indent=2))
        return
    for entry in entries:
        word = "NEW" if (entry.kind.value, entry.key) in taken.changed else "SAME"
        click.echo(f"{word:<5} {shown(entry.name)}: {_words(entry)}")


def _signed(pieces: list[Piece], before: Snapshot) -> None:
    """Raises Rejected for keys that are new here and that nobody signed: with them, anybody's tokens would be good."""
    new = dict.fromkeys(p.name for p in pieces if p.kind is Kind.JWKS and before.data(p.name) != p.data)
    if new:
        why = "nobody signed it: whoever made the archive chose its keys; --unsigned takes it all the same"
        raise Rejected(tuple(f"{shown(name)}: {why}" for name in new))


def _devices(file: Path) -> tuple[Device, ...]:
    with _readable(file):
        found = recognise(_read(file))
    if found.kind != "nvidia":
        raise Malformed(f"{file}: this is not evidence of NVIDIA's devices")
    return parse_devices(found.report)


def _pieces(file: Path, now: dt.datetime, devices: Iterable[Certificates]) -> tuple[Piece, ...]:
    with _readable(file):
        with file.open("rb") as f:
            head = f.read(512)
        if head[_TAR] == b"ustar":
            return unpack(file, VENDORS)
        return loose(_read(file), now, devices)


@collateral.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_FOLDER
@_CONFIG
@_JSON
def export(file: Path, folder: Path | None, config_file: Path, as_json: bool) -> None:
    """Write what counts now into one tar. The same content gives the same bytes."""
    at = _folder(folder, config_file)
    with _answers():
        snapshot = read_store(at, VENDORS)
    raw, left = pack(snapshot, _now())
    count = len(snapshot.index.entries) - len(left)
    if len(raw) > MAX_ARCHIVE_BYTES:
        raise ConfigError(f"the archive would have more than {MAX_ARCHIVE_BYTES >> 20} MiB")
    if not count:
        click.echo("sealgate: nothing in the store counts now", err=True)
        sys.exit(2)
    with _readable(file):
        replace_file(file, raw)
    if as_json:
        gone = [{"kind": kind, "key": key} for kind, key in left]
        click.echo(json.dumps({"file": str(file), "pieces": count, "left_out": gone}, indent=2))
        return
    click.echo(f"{count} pieces in {file}")
    for name in left:
        click.echo(f"left out, for it has ended: {shown(name)}", err=True)


@collateral.command("status")
@click.option("--at", "when", help="As of this time, such as 2026-11-21T12:00:00Z. Default: now.")
@_FOLDER
@_CONFIG
@_JSON
def status(when: str | None, folder: Path | None, config_file: Path, as_json: bool) -> None:
    """What is there, who vouches for it, how long it counts. Exit 2 when something has ended."""
    at = _folder(folder, config_file)
    now = moment(when) if when is not None else _now()
    with _answers():
        snapshot = read_store(at, VENDORS)
    found = states(snapshot, now)
    if as_json:
        rows = [{**_facts(s.entry), "state": s.word, "note": s.note} for s in found]
        floors = [{"kind": k, "key": key, "number": f.number, "issued": time_text(f.issued)}
                  for (k, key), f in sorted(snapshot.index.floors.items())]  # fmt: skip
        click.echo(json.dumps({"at": time_text(now), "pieces": rows, "floors": floors}, indent=2))
    else:
        _table(found)
    if any(s.word == "expired" for s in found):
        sys.exit(2)


def _table(found: tuple[State, ...]) -> None:
    if not found:
        click.echo("the store is empty")
    width = max((len(shown(s.entry.name)) for s in found), default=0)
    for s in found:
        number = f"number {s.entry.number}, " if s.entry.number is not None else ""
        click.echo(f"{s.word.upper():<9} {shown(s.entry.name):<{width}}  {s.entry.trust:<7} {number}{s.note}")


def moment(text: str) -> dt.datetime:
    """A time with its zone. Raises UsageError."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError("--at must be a time such as 2026-11-21T12:00:00Z") from None
    if found.tzinfo is None:
        raise click.UsageError("--at needs a time zone, such as a Z at its end")
    return found.astimezone(dt.UTC)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _door() -> Vendors:
    from proxy.egress import VendorDoor

    return VendorDoor()


def _folder(folder: Path | None, config_file: Path) -> Path:
    if folder is not None:
        return folder
    found = load_settings(config_file).collateral if config_file.is_file() else None
    if found is None:
        raise click.UsageError("give --collateral DIR, or set `collateral:` in the configuration")
    return found


@contextmanager
def _answers() -> Iterator[None]:
    """No: 2; could not find out: 3; each reason on a line."""
    try:
        yield
    except Damaged as e:
        click.echo(f"sealgate: the store is damaged and stays as it is: {e}", err=True)
        sys.exit(3)
    except Rejected as e:
        for reason in e.failures:
            click.echo(f"REFUSED  {reason}", err=True)
        sys.exit(2)
    except Malformed as e:
        click.echo(f"REFUSED  {e}", err=True)
        sys.exit(2)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise ConfigError(f"{file}: {e.strerror or type(e).__name__}") from None


def _read(file: Path) -> bytes:
    with file.open("rb") as f:
        return f.read(4 * 1024 * 1024)


def _platform(tee: str, fmspc: str) -> Iterable[Name]:
    """Which CA issued its PCK certificates is not known yet: both lists."""
    return ((Kind.INTEL_TCB, f"{tee}/{fmspc}"), (Kind.INTEL_QE, tee), (Kind.INTEL_PCK_CRL, "platform"),
            (Kind.INTEL_PCK_CRL, "processor"), (Kind.INTEL_ROOT_CRL, "root"))  # fmt: skip


def _needed(file: Path) -> tuple[tuple[Name, ...], Issuers]:
    """What to ask for, and issuers that the evidence brings along."""
    with _readable(file):
        found = recognise(_read(file), bare=True)
    devices = about(found, _now(), VENDORS)
    names = (*needs(found), *(name for name in helpful(found) if name[0] is Kind.RIM), *devices.names)
    if found.kind in {"snp", "azure-snp", "sealgate-snp"} and not found.certificates:
        names += key_names(parse_report(found.report))
    return names, devices.issuers


def _askable(name: Name) -> bool:
    try:
        question(name)
    except ConfigError:
        return False
    return True


def _facts(e: Entry) -> Mapping[str, object]:
    return {
        "kind": e.kind, "key": e.key, "sha256": e.sha256, "trust": e.trust, "number": e.number,
        "fetched_at": time_text(e.fetched_at), "issued": time_text(e.issued),
        "next_update": time_text(e.next_update) if e.next_update is not None else None,
    }  # fmt: skip


def _words(e: Entry) -> str:
    number = f"number {e.number}, " if e.number is not None else ""
    end = f"counts until {time_text(e.next_update)}" if e.next_update is not None else "has no end"
    return f"{number}issued {time_text(e.issued)}, {end}, {_VOUCHED[e.trust.value]}"


_VOUCHED = {
    "signed": "signed under a pinned root",
    "simulated": "simulated",
    "tls": "vouched for by TLS only",
}
