"""Services that speak Attested Confidential Inference (private-ai-gateway ``spec/aci.md``, aci/1; attestation.md §5.2).

``GET /v1/aci/attestation?nonce=`` answers a keyset (TLS, sealing and receipt keys with their end) and evidence. The
evidence signs the hash of a statement that names the keyset's digest and our nonce; digest and statement are computed
here, so that no key counts that the evidence does not sign. Everything the document repeats must agree with that.

Where the code comes from (``source_provenance``) and what an aggregator says of the services behind it is the
provider's word; the approved measurements are what names the code. Custody of the keys (dstack's KMS chain) is not
verified: it rests on the approved code.

The transport's part: an answer whose ``X-ACI-Keyset-Digest`` is not that of the proven keyset
(:func:`attestation.aci.documents.same_keyset`) ends the lease; nothing more is sent before a new attestation.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from attestation import strictjson
from attestation.aci.documents import API_VERSION, keyset_digest
from attestation.aci.fields import VERSION, Algo, parse_key
from attestation.binding import aci_report_data
from attestation.encodings import base64_bytes
from attestation.providers.base import Ask, BodyKey, Channel, Heard, Piece, Presented, Seal
from attestation.providers.reading import DSTACK_PINNED, dstack_guest, hexed, mapping, spki_sha256, text
from attestation.sealing import SealingError
from attestation.snp.report import REPORT_BYTES
from attestation.types import Check, Evidence, Malformed, Source
from attestation.x509 import MAX_CERTIFICATE_BYTES, check

KIND = "aci"
REPORT = "report"
MAX_REPORT_BYTES = 4 * 1024 * 1024
MAX_KEYS = 64
LATEST = int(dt.datetime(9999, 12, 31, tzinfo=dt.UTC).timestamp())
_KEYSET = {"subject", "not_after", "receipt_signing_keys", "e2ee_public_keys", "tls_public_keys"}
_KEYED = {"key_id", "algo", "public_key"}
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_STATED = {"repo_url": re.compile(r"https://[A-Za-z0-9._~/-]{1,200}"), "repo_commit": re.compile(r"[0-9a-f]{7,64}"),
           "image_digest": re.compile(r"sha256:[0-9a-f]{64}")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Aci:
    """Options of one upstream; ``domain`` is its host as we connect to it. Raises ValueError for impossible ones.

    ``seal``: requests are sealed to a key of the keyset (E2EE v2); without, the keyset must name our connection's TLS
    key. A service that forwards to others is refused unless the expectations waive ``upstreams.evidence``.
    """

    domain: str
    seal: bool = False

    def __post_init__(self) -> None:
        if not _DOMAIN.fullmatch(self.domain):
            raise ValueError("aci: domain must be a lower-case host name")

    @property
    def kind(self) -> str:
        return KIND

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        return (Ask(REPORT, f"/v1/aci/attestation?nonce={nonce.hex()}", max_bytes=MAX_REPORT_BYTES),)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        """Raises Malformed."""
        reply = heard.replies.get(REPORT)
        if reply is None:
            raise Malformed("there is no report")
        body = strictjson.load_object(reply.body, MAX_REPORT_BYTES, "the report")
        if body.get("api_version") != API_VERSION:
            raise Malformed("the report is not of aci/1")
        attested = mapping(body.get("attestation"), "attestation")
        keyset = parse_keyset(attested.get("workload_keyset"))
        raw = mapping(attested.get("workload_keyset"), "workload_keyset")
        digest = keyset_digest(raw)
        bound = aci_report_data(digest, nonce)
        evidence, pinned = _evidence(attested)
        seen = spki_sha256(heard.certificate)
        checks = [
            check("keyset.digest", body.get("workload_keyset_digest") == digest, "the digest must be of this keyset"),
            *_repeated(attested, bound),
            *self._served(mapping(body.get("service_capabilities"), "service_capabilities")),
            *_roles(keyset),
        ]
        listed = keyset.tls_for(self.domain)
        if listed or not self.seal:
            checks.append(check("tls-key", seen in listed, "the keyset must name our connection's key for our host"))
        channel = Channel(seen if listed else None, self._body_key(keyset), raw)
        piece = Piece("cpu", evidence, {"report_data": bound}, pinned=pinned)
        asserted = _provenance(attested, keyset)
        return Presented((piece,), channel, True, tuple(checks), not_after=keyset.not_after, asserted=asserted)

    def _served(self, offered: dict[str, Any]) -> Iterator[Check]:
        if self.seal:
            versions = offered.get("supported_e2ee_versions")
            ok = isinstance(versions, list) and VERSION in versions
            yield check("e2ee.version", ok, f"the service must open version {VERSION}", Source.PROVIDER)
        direct = offered.get("serving") == "direct"  # anything else forwards (aci.md, appendix B)
        yield check("upstreams.evidence", direct, "who serves behind the service is its word", Source.PROVIDER)

    def _body_key(self, keyset: Keyset) -> BodyKey | None:
        """The first sealing key of a suite that we have. Raises Malformed where one is wanted and there is none."""
        if not self.seal:
            return None
        for algo in Algo:
            for key in keyset.e2ee:
                if key.algo == algo:
                    try:
                        return BodyKey(Seal.ACI, parse_key(algo, key.public_key), algo)
                    except SealingError as e:
                        raise Malformed(str(e)) from None
        raise Malformed("the keyset has no sealing key of a known suite")


@dataclass(frozen=True, slots=True)
class KeyedKey:
    key_id: str
    algo: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Keyset:
    """Parsed and not yet trusted. ``tls`` are (domain or None for any, SHA-256 of the key)."""

    subject: str | None
    not_after: dt.datetime
    receipts: tuple[KeyedKey, ...] = field(repr=False)
    e2ee: tuple[KeyedKey, ...] = field(repr=False)
    tls: tuple[tuple[str | None, bytes], ...] = field(repr=False)

    def tls_for(self, domain: str) -> frozenset[bytes]:
        """Keys listed for ``domain``; those without a domain count for every one (aci.md §3.1)."""
        return frozenset(key for name, key in self.tls if name in (None, domain))


def parse_keyset(value: object) -> Keyset:
    """aci.md §3.1, whose shape is fixed (appendix B): a new kind of key needs a new version. Raises Malformed."""
    body = mapping(value, "workload_keyset")
    if set(body) != _KEYSET:
        raise Malformed(f"the keyset must have exactly the keys {', '.join(sorted(_KEYSET))}")
    until, subject = body["not_after"], body["subject"]
    if type(until) is not int or not 0 < until <= LATEST:
        raise Malformed("not_after must be seconds since 1970")
    return Keyset(
        subject=None if subject is None else text(subject, "subject", 512),
        not_after=dt.datetime.fromtimestamp(until, dt.UTC),
        receipts=tuple(_keyed(k) for k in _keys(body["receipt_signing_keys"])),
        e2ee=tuple(_keyed(k) for k in _keys(body["e2ee_public_keys"])),
        tls=tuple(_tls(k) for k in _keys(body["tls_public_keys"])),
    )


def _keys(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MAX_KEYS:
        raise Malformed(f"keys of the keyset must be a list of at most {MAX_KEYS}")
    return [mapping(entry, "a key of the keyset") for entry in value]


def _keyed(entry: dict[str, Any]) -> KeyedKey:
    if set(entry) != _KEYED:
        raise Malformed("a key of the keyset must have exactly key_id, algo and public_key")
    return KeyedKey(*(text(entry[name], f"a key's {name}", 512) for name in ("key_id", "algo", "public_key")))


def _tls(entry: dict[str, Any]) -> tuple[str | None, bytes]:
    if not {"spki_sha256"} <= set(entry) <= {"spki_sha256", "domain"}:
        raise Malformed("a TLS key of the keyset must have spki_sha256, and domain or nothing")
    domain = entry.get("domain")
    if domain is not None and not _DOMAIN.fullmatch(text(domain, "a key's domain", 253)):
        raise Malformed("a key's domain must be a lower-case host name")
    return domain, hexed(entry["spki_sha256"], "spki_sha256", 32)


def _evidence(attested: dict[str, Any]) -> tuple[Evidence, frozenset[str]]:
    """Evidence by ``tee_type`` (aci.md §4.2), and the registers that name its image. Raises Malformed."""
    evidence = mapping(attested.get("evidence"), "evidence")
    match attested.get("tee_type"):
        case "tdx":
            parts = (evidence.get(name) for name in ("quote", "event_log", "app_compose"))
            return dstack_guest(*parts), DSTACK_PINNED
        case "sev_snp":
            chain = evidence.get("cert_chain")
            if not isinstance(chain, list) or len(chain) != 3:
                raise Malformed("cert_chain must be three certificates: VCEK, ASK, ARK")
            report = hexed(evidence.get("quote"), "the report", REPORT_BYTES)
            return Evidence(
                "snp", report, tuple(base64_bytes(entry, "a certificate", MAX_CERTIFICATE_BYTES) for entry in chain)
            ), frozenset()
    raise Malformed("evidence of this tee_type cannot be verified")


def _repeated(attested: dict[str, Any], bound: bytes) -> Iterator[Check]:
    """What the document repeats must be what we computed; the evidence is compared with ours whatever it says."""
    stated = hexed(attested.get("report_data"), "report_data", 32)
    yield check("report-data", hmac.compare_digest(stated, bound[:32]), "report_data must name this keyset and nonce")
    evidence = mapping(attested.get("evidence"), "evidence")
    if evidence.get("quote_report_data") is not None:
        quoted = hexed(evidence["quote_report_data"], "quote_report_data", most=64)
        ok = hmac.compare_digest(quoted.ljust(64, b"\0"), bound)
        yield check("quote-report-data", ok, "quote_report_data must be the signed value")


def _roles(keyset: Keyset) -> tuple[Check, ...]:
    """A key has one role and an id names one key (aci.md §3.1)."""
    ids = all(len({k.key_id for k in keys}) == len(keys) for keys in (keyset.receipts, keyset.e2ee))
    keys = [k.public_key for k in (*keyset.receipts, *keyset.e2ee)]
    return (
        check("keyset.ids", ids, "no key_id twice"),
        check("keyset.roles", len(set(keys)) == len(keys), "no key in two roles"),
    )


def _provenance(attested: dict[str, Any], keyset: Keyset) -> dict[str, str]:
    """What is said about the code, where it has the form of it. Not signed."""
    stated = attested.get("source_provenance")
    found = {k: v for k, v in stated.items() if isinstance(v, str)} if isinstance(stated, dict) else {}
    out = {name: found[name] for name, form in _STATED.items() if form.fullmatch(found.get(name, ""))}
    if keyset.subject is not None and re.fullmatch(r"[A-Za-z0-9._:/@-]{1,200}", keyset.subject):
        out["subject"] = keyset.subject
    return out
