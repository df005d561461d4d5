"""Provider ``tinfoil``: TLS ends in the enclave, bodies are sealed to its HPKE key as well (EHBP; attestation.md §5.1).

Rules. Version 3 is asked for, always with our nonce. Another version comes back only where the options say so: version
2 binds the keys and nothing fresh, the draft of version 3 lacks the name in its hash. The TLS key that the document
names must be the one that was seen. Certificates and collateral in the document get no trust from being there.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from attestation import ehbp, strictjson
from attestation.binding import tinfoil_v2_report_data
from attestation.encodings import base64_bytes, gunzip
from attestation.providers import tinfoil_v3 as v3
from attestation.providers.base import Ask, BodyKey, Channel, Heard, Piece, Presented, Reply, Seal
from attestation.providers.reading import spki_sha256
from attestation.providers.tinfoil_collateral import amd_chain_of, amd_crl_of, intel_of
from attestation.sealing import SealingError
from attestation.types import Check, Collateral, Evidence, Malformed, Source, require
from attestation.x509 import check

PATH = "/.well-known/tinfoil-attestation"
DOCUMENT, KEYS = "document", "keys"
V2 = {
    "https://tinfoil.sh/predicate/sev-snp-guest/v2": "snp",
    "https://tinfoil.sh/predicate/tdx-guest/v2": "tdx",
}
MAX_V2_BYTES, MAX_TLS_CERTIFICATE_BYTES, MAX_GPUS = 64 * 1024, 64 * 1024, 16


@dataclass(frozen=True, slots=True)
class Tinfoil:
    """``gpus`` is the exact number of GPUs, ``require_gpu`` at least one. Raises ValueError for options that
    contradict each other."""

    kind: ClassVar[str] = "tinfoil"
    allow_v2: bool = False
    allow_draft: bool = False
    require_gpu: bool = False
    gpus: int | None = None

    def __post_init__(self) -> None:
        if self.gpus is not None and not 0 <= self.gpus <= MAX_GPUS:
            raise ValueError(f"gpus is a number of 0..{MAX_GPUS}")
        if self.needs_gpu and self.allow_v2:
            raise ValueError("version 2 has no evidence of GPUs: allow_v2 contradicts require_gpu and gpus")
        if self.require_gpu and self.gpus == 0:
            raise ValueError("require_gpu contradicts gpus: 0")

    @property
    def needs_gpu(self) -> bool:
        return self.require_gpu or bool(self.gpus)

    def asks(self, nonce: bytes) -> tuple[Ask, ...]:
        """The document; and the HPKE key, which version 2 does not name beside its report."""
        document = Ask(DOCUMENT, f"{PATH}?nonce={nonce.hex()}", max_bytes=v3.MAX_DOCUMENT_BYTES)
        keys = Ask(KEYS, ehbp.KEYS_PATH, max_bytes=ehbp.MAX_CONFIG_BYTES)
        return (document, keys) if self.allow_v2 else (document,)

    def read(self, heard: Heard, nonce: bytes) -> Presented:
        """Raises Malformed; Rejected for a version that the options do not allow."""
        raw = _reply(heard, DOCUMENT).body
        body = strictjson.load_object(raw, v3.MAX_DOCUMENT_BYTES)
        seen = spki_sha256(heard.certificate, MAX_TLS_CERTIFICATE_BYTES)
        form = body.get("format")
        if isinstance(form, str) and form in V2:
            require((_version("version 2", allowed=self.allow_v2),))
            return _version_2(body, V2[form], seen, _reply(heard, KEYS), raw)
        if form != v3.V3:
            raise Malformed("a document of no known format")
        if "report_data" not in body:
            return self._version_3(v3.parse_v3(body, nonce), seen, nonce)
        require((_version("the draft of version 3", allowed=self.allow_draft),))
        return self._version_3(v3.parse_draft(body, raw, nonce), seen, nonce)

    def _version_3(self, doc: v3.Document, seen: bytes, nonce: bytes) -> Presented:
        sets = (v3.devices_json(devices) for devices in (doc.gpus, doc.switches) if devices)
        own = check("tls-key", hmac.compare_digest(doc.tls_key_sha256, seen), "the key named must be the one seen")
        return Presented(
            pieces=(_cpu(doc), *(Piece("gpu", Evidence("nvidia", one), {"nonce": nonce}) for one in sets)),
            channel=Channel(doc.tls_key_sha256, BodyKey(Seal.EHBP, doc.hpke_key, "x25519")),
            nonce_bound=True,
            checks=(*doc.checks, own, *self._gpus(len(doc.gpus))),
            offered=_offered(doc),
        )

    def _gpus(self, found: int) -> tuple[Check, ...]:
        if self.gpus is not None:
            return (check("gpu.count", found == self.gpus, f"{found} GPUs, want {self.gpus}", Source.OPERATOR),)
        return (check("gpu.required", found > 0 or not self.require_gpu, f"{found} GPUs", Source.OPERATOR),)


def _version(name: str, *, allowed: bool) -> Check:
    return check("document.version", allowed, f"{name} came, version 3 was asked for", Source.OPERATOR)


def _version_2(body: Mapping[str, Any], tee: str, seen: bytes, keys: Reply, raw: bytes) -> Presented:
    """The CPU must have signed the TLS key that was seen and the HPKE key that the server names elsewhere."""
    doc = v3.members(body, "the document", {"format", "body"})
    if len(raw) > MAX_V2_BYTES:
        raise Malformed(f"a document of version 2 has at most {MAX_V2_BYTES} bytes")
    packed = base64_bytes(doc["body"], "body", MAX_V2_BYTES)
    report = v3.cpu_report(tee, gunzip(packed, "body", v3.MAX_REPORT_BYTES))
    try:
        key = ehbp.parse_key_config(keys.body, keys.content_type)
    except SealingError:
        raise Malformed("the server's key configuration cannot be used") from None
    bound = {"report_data": tinfoil_v2_report_data(seen, key)}
    channel = Channel(seen, BodyKey(Seal.EHBP, key, "x25519"))
    return Presented((Piece("cpu", Evidence(tee, report), bound),), channel, nonce_bound=False)


def _cpu(doc: v3.Document) -> Piece:
    chain = amd_chain_of(doc.collateral) if doc.tee == "snp" else ()
    return Piece("cpu", Evidence(doc.tee, doc.report, chain), {"report_data": doc.report_data})


def _offered(doc: v3.Document) -> Collateral:
    if doc.tee == "snp":
        return Collateral(amd_crl=amd_crl_of(doc.collateral))
    return Collateral(intel=intel_of(doc.collateral))


def _reply(heard: Heard, name: str) -> Reply:
    reply = heard.replies.get(name)
    if reply is None:
        raise Malformed(f"no answer to the question for the {name}")
    return reply
