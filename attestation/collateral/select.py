"""Which published pieces does this evidence need, and are they here and current? Evidence in, :class:`Collateral` out.

What evidence says of itself decides only which pieces are looked up; verification then compares them with what is
signed. A piece that is needed and missing, or has ended, refuses: with a store, "revocation is not known" is no answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from attestation.collateral import intel
from attestation.collateral.examine import PCK_CAS
from attestation.collateral.index import time_text
from attestation.collateral.nvidia import read_piece
from attestation.collateral.pieces import EVALUATED, Entry, Kind, Name
from attestation.collateral.store import Snapshot
from attestation.jwt.jws import find_key, parse_token
from attestation.jwt.nras import tokens_of
from attestation.nvidia.ocsp import asked, keys_for
from attestation.nvidia.rim import wanted
from attestation.nvidia.verify import parse_devices
from attestation.ratls.certificate import carried
from attestation.snp.report import TCB_LAYOUTS, Report, parse_report, product_of
from attestation.snp.vcek import KeyKind, parse_endorsement
from attestation.tdx.pck import parse_platform
from attestation.tdx.quote import TEE_TDX, parse_quote, pem_chain
from attestation.types import Check, Collateral, Evidence, Malformed, require
from attestation.x509 import check, common_name, load_certificate

_QUOTES = frozenset({"tdx", "sgx", "azure-tdx"})
_REPORTS = frozenset({"snp", "sealgate-snp", "azure-snp"})
_TOKENS = frozenset({"maa", "google", "ita"})


def needs(evidence: Evidence) -> tuple[Name, ...]:
    """What to look up for ``evidence``, whatever its claims are worth. Raises Malformed."""
    if (quote := quote_of(evidence)) is not None:
        return _quote(quote)
    if evidence.kind in _REPORTS:
        return ((Kind.AMD_CRL, _product(evidence)),)
    if evidence.kind in _TOKENS:
        token = parse_token(evidence.report)
        return () if "x5c" in token.header else ((Kind.JWKS, token.issuer),)
    if evidence.kind == "nras":
        issuers = dict.fromkeys(parse_token(raw).issuer for raw in tokens_of(evidence.report))
        return tuple((Kind.JWKS, issuer) for issuer in issuers)
    return ()


def helpful(evidence: Evidence) -> tuple[Name, ...]:
    """What is looked at where it is here, and not missed where it is not: NVIDIA's manifests, and its responder's
    answers by every name that they may have. Raises Malformed."""
    if evidence.kind != "nvidia":
        return ()
    found: dict[Name, None] = {}
    for device in parse_devices(evidence.report):
        found |= dict.fromkeys((Kind.OCSP, key) for pair in asked(device.path) for key in keys_for(*pair))
        try:
            found |= dict.fromkeys((Kind.RIM, one.name) for one in wanted(device.architecture, device.report))
        except Malformed:  # it does not say what it runs
            continue
    return tuple(found)


def quote_of(evidence: Evidence) -> bytes | None:
    """The Intel quote in evidence of a kind that has one. Raises Malformed."""
    if evidence.kind == "ratls":
        return carried(load_certificate(evidence.report)).quote
    return evidence.report if evidence.kind in _QUOTES else None


def _quote(raw: bytes) -> tuple[Name, ...]:
    quote = parse_quote(raw)
    tee = "tdx" if quote.tee_type == TEE_TDX else "sgx"
    leaf = load_certificate(quote.certificates[0])
    ca = PCK_CAS.get(common_name(leaf.issuer) or "")
    if ca is None:
        raise Malformed("the PCK certificate names no CA of Intel's")
    fmspc = parse_platform(leaf).fmspc.hex()
    return ((Kind.INTEL_TCB, f"{tee}/{fmspc}"), (Kind.INTEL_QE, tee), (Kind.INTEL_PCK_CRL, ca),
            (Kind.INTEL_ROOT_CRL, "root"))  # fmt: skip


def _product(evidence: Evidence) -> str:
    if evidence.certificates:
        return parse_endorsement(load_certificate(evidence.certificates[0])).product
    report = parse_report(evidence.report)
    product = product_of(report.cpuid) if report.cpuid is not None else None
    if product is None:
        raise Malformed("the report does not name its CPU, and comes without the certificate of its key")
    return product


def find(snapshot: Snapshot, evidence: Evidence, now: dt.datetime) -> tuple[Collateral, tuple[Check, ...]]:
    """What the store has for ``evidence``, and a check for each piece that it needs. Raises Malformed."""
    names = needs(evidence)
    checks = tuple(_here(snapshot, name, now) for name in names)
    more = {name: data for name in helpful(evidence) if (data := snapshot.data(name)) is not None}
    rims = {key: data for (kind, key), data in more.items() if kind is Kind.RIM}
    answers = tuple(read_piece(data)[0] for (kind, _), data in more.items() if kind is Kind.OCSP)
    return replace(_collateral(snapshot, names, now), rims=rims, ocsp=answers), checks


def select(snapshot: Snapshot, evidence: Evidence, now: dt.datetime) -> Collateral:
    """Raises Malformed, or Rejected for every piece that is missing or has ended."""
    collateral, checks = find(snapshot, evidence, now)
    if checks:
        require(checks)
    return collateral


def _here(snapshot: Snapshot, name: Name, now: dt.datetime) -> Check:
    entry = snapshot.entry(name)
    if entry is None:
        detail = "the store has none"
    elif entry.current(now):
        detail = f"issued {time_text(entry.issued)}, {entry.trust}"
    else:
        end = time_text(entry.next_update) if entry.next_update is not None else "never"
        detail = f"issued {time_text(entry.issued)}, ends {end}, it is {time_text(now)}"
    return check(f"collateral.{name[0]}", entry is not None and entry.current(now), f"{_safe(name)}: {detail}")


def _safe(name: Name) -> str:
    """The key comes out of evidence: an issuer may be any text."""
    return name[1] if name[1].isascii() and name[1].isprintable() and len(name[1]) <= 200 else "a name of no known form"


def unknown_keys(snapshot: Snapshot, evidence: Evidence) -> tuple[Name, ...]:
    """Key sets that are here but lack the key that a token names: its issuer may have a new one. Raises Malformed."""
    if evidence.kind not in _TOKENS and evidence.kind != "nras":
        return ()
    raw = tokens_of(evidence.report) if evidence.kind == "nras" else (evidence.report,)
    found: dict[Name, None] = {}
    for token in map(parse_token, raw):
        name = (Kind.JWKS, token.issuer)
        data = snapshot.data(name)
        if data is not None and find_key(data, token.header.get("kid"), token.header.get("alg")) is None:
            found[name] = None
    return tuple(found)


def _collateral(snapshot: Snapshot, names: tuple[Name, ...], now: dt.datetime) -> Collateral:
    """Pieces that have ended go along, for verification to name; key sets do not, for nothing in them says so."""
    have = {kind: snapshot.data((kind, key)) for kind, key in names}
    collateral = Collateral(amd_crl=have.get(Kind.AMD_CRL))
    parts = [have.get(k) for k in (Kind.INTEL_TCB, Kind.INTEL_QE, Kind.INTEL_PCK_CRL, Kind.INTEL_ROOT_CRL)]
    tcb, qe, pck, root = parts
    if tcb is not None and qe is not None and pck is not None and root is not None:
        floors = [f.number for name, f in snapshot.index.floors.items() if name in names and name[0] in EVALUATED]
        floor = min(floors, default=0)
        collateral = replace(collateral, intel=intel.joined(tcb, qe, pck, root), minimum_evaluation=floor)
    sets = {}
    for kind, key in names:
        entry = snapshot.entry((kind, key))
        if kind is Kind.JWKS and entry is not None and entry.current(now):
            sets[key] = snapshot.contents[entry.sha256]
    return replace(collateral, jwks=sets)


def with_chain(snapshot: Snapshot, evidence: Evidence) -> Evidence:
    """SNP evidence that came without the certificate of its key, with the one of the store; else as it is.

    Raises Malformed.
    """
    if evidence.kind not in _REPORTS or evidence.certificates:
        return evidence
    found = _keys(snapshot, parse_report(evidence.report))
    if len(found) != 1:
        return evidence
    return replace(evidence, certificates=pem_chain(snapshot.contents[found[0].sha256]))


def key_names(report: Report) -> tuple[Name, ...]:
    """What to ask AMD for where ``report`` came without its key's certificate. A report of version 2 does not name its
    product, so that there are several. None for a VLEK, which only its cloud provider hands out."""
    if report.signing_key != KeyKind.VCEK:
        return ()
    return tuple((Kind.AMD_KEY, f"vcek/{product}/{_chip(report, product)}/{report.reported_tcb.hex()}")
                 for product in _products(report))  # fmt: skip


def _keys(snapshot: Snapshot, report: Report) -> tuple[Entry, ...]:
    if report.signing_key == KeyKind.VLEK:
        every = [e for product in _products(report) for e in snapshot.named(Kind.AMD_KEY, f"vlek/{product}/")]
        return tuple(e for e in every if e.key.endswith(f"/{report.reported_tcb.hex()}"))
    return tuple(e for name in key_names(report) if (e := snapshot.entry(name)) is not None)


def _chip(report: Report, product: str) -> str:
    return (report.chip_id[:8] if product == "Turin" else report.chip_id).hex()


def _products(report: Report) -> tuple[str, ...]:
    if report.cpuid is None:
        return tuple(TCB_LAYOUTS)
    named = product_of(report.cpuid)
    return (named,) if named is not None else ()
