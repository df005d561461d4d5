"""Tinfoil's documents of version 3, in the form of August 2026 and in the draft of June (attestation.md §2.11, §5.1).

Both carry one format name; the draft is told by its member ``report_data``. In both the CPU signs a hash over our
nonce, the TLS and the HPKE key and the evidence of devices, as the bytes that were sent. That hash is computed here
from those bytes; what a document states about its own hashes must agree but is used for nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attestation import strictjson
from attestation.binding import TINFOIL_ALGORITHM, tinfoil_draft_report_data, tinfoil_report_data
from attestation.encodings import base64_bytes, hex_bytes
from attestation.providers.tinfoil_collateral import Entry, parse_entries
from attestation.sealing import SealingError, check_x25519
from attestation.types import Check, Malformed, Source
from attestation.x509 import check

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
MAX_SECTION_BYTES = 2 * 1024 * 1024
MAX_REPORT_BYTES = 16 * 1024
MAX_ITEMS = 32
V3 = "https://tinfoil.sh/predicate/attestation/v3"
CRYPTO_MATERIAL, DEVICE_EVIDENCE = "https://tinfoil.sh/crypto-material/v1", "https://tinfoil.sh/device-evidence/v1"
CPUS = {"https://tinfoil.sh/format/sev-snp-report/v1": "snp", "https://tinfoil.sh/format/tdx-quote/v1": "tdx"}
DRAFT_CPUS = {"sev-snp": "snp", "tdx": "tdx"}
TLS_KEY, HPKE_KEY = "https://tinfoil.sh/key/spki-fp-sha256/v1", "https://tinfoil.sh/key/x25519-hpke/v1"
KEYS = {"tls": TLS_KEY, "hpke": HPKE_KEY}
"""Id of an item of the crypto material -> its only format."""
DEVICES = {
    ("gpu", "nvidia", "https://tinfoil.sh/format/nvidia-gpu-evidence/v1"): "gpu",
    ("nvswitch", "nvidia", "https://tinfoil.sh/format/nvidia-nvswitch-evidence/v1"): "nvswitch",
}
SWITCH = "LS10"
_TDX_HEAD = b"\x81\0\0\0"


@dataclass(frozen=True, slots=True)
class Document:
    """What was read; none of it is proven. ``report_data`` is what the CPU must have signed, by our own computation.

    ``gpus`` and ``switches`` are entries as :mod:`attestation.nvidia.verify` reads them.
    """

    tee: str
    report: bytes = field(repr=False)
    tls_key_sha256: bytes
    hpke_key: bytes = field(repr=False)
    report_data: bytes = field(repr=False)
    gpus: tuple[Mapping[str, Any], ...] = field(repr=False)
    switches: tuple[Mapping[str, Any], ...] = field(repr=False)
    collateral: tuple[Entry, ...] = field(repr=False)
    checks: tuple[Check, ...]


def members(value: object, name: str, need: set[str], may: set[str] | None = None) -> dict[str, Any]:
    """An object with exactly these members. Raises Malformed, naming ``name``."""
    if not isinstance(value, dict) or not need <= set(value) <= need | (may or set()):
        raise Malformed(f"{name} lacks a member, or has one that is not known")
    return value


def parse_v3(body: Mapping[str, Any], nonce: bytes) -> Document:
    """The form of August 2026. Raises Malformed."""
    need = {"format", "challenge", "cpu_evidence", "crypto_material", "device_evidence"}
    doc = members(body, "the document", need, {"collateral"})
    challenge = members(doc["challenge"], "challenge", {"nonce", "report_data", "report_data_algorithm"})
    if challenge["report_data_algorithm"] != TINFOIL_ALGORITHM:
        raise Malformed("this derivation of report_data is not known")
    cpu = members(doc["cpu_evidence"], "cpu_evidence", {"format", "report_base64", "endorsed"})
    endorsed = members(cpu["endorsed"], "endorsed", {"crypto_material_hash", "device_evidence_hash"})
    material = base64_bytes(doc["crypto_material"], "crypto_material", MAX_SECTION_BYTES)
    devices = base64_bytes(doc["device_evidence"], "device_evidence", MAX_SECTION_BYTES)
    tls_key, hpke_key = _keys(material)
    gpus, switches = _devices(devices)
    report_data = tinfoil_report_data(nonce, material, devices)
    return Document(
        *_cpu(cpu["format"], cpu["report_base64"], CPUS), tls_key, hpke_key, report_data, gpus, switches,
        parse_entries(doc.get("collateral")),
        (
            _stated("document.nonce", challenge["nonce"], nonce),
            _stated("document.report-data", challenge["report_data"], report_data),
            _stated("document.crypto-material", endorsed["crypto_material_hash"], _sha256(material)),
            _stated("document.device-evidence", endorsed["device_evidence_hash"], _sha256(devices)),
        ),
    )  # fmt: skip


def parse_draft(body: Mapping[str, Any], raw: bytes, nonce: bytes) -> Document:
    """The draft of June 2026. ``raw`` is the document as it was sent. Raises Malformed.

    Its ``certificate`` and ``signature`` prove no more than the handshake did, and are not used.
    """
    doc = members(
        body, "the document", {"format", "report_data", "cpu", "certificate", "signature"}, {"gpu", "nvswitch"}
    )
    hashes = {f"{name}_evidence_hash" for name in ("gpu", "nvswitch") if name in doc}
    stated = members(doc["report_data"], "report_data", {"tls_key_fp", "hpke_key", "nonce"} | hashes)
    cpu = members(doc["cpu"], "cpu", {"platform", "report"})
    if not isinstance(doc["certificate"], str) or not isinstance(doc["signature"], str):
        raise Malformed("certificate and signature are texts")
    if "nvswitch" in doc and "gpu" not in doc:
        raise Malformed("switches come with GPUs only")
    sent = strictjson.raw_members(raw, MAX_DOCUMENT_BYTES)
    tls_key, hpke_key = hex_bytes(stated["tls_key_fp"], "tls_key_fp", 32), _hpke(stated["hpke_key"])
    own = [_stated(f"document.{name}", stated[f"{name}_evidence_hash"], _sha256(sent[name]))
           for name in ("gpu", "nvswitch") if name in doc]  # fmt: skip
    return Document(
        *_cpu(cpu["platform"], cpu["report"], DRAFT_CPUS), tls_key, hpke_key,
        tinfoil_draft_report_data(tls_key, hpke_key, nonce, sent.get("gpu"), sent.get("nvswitch")),
        _collection(doc["gpu"], "gpu") if "gpu" in doc else (),
        _collection(doc["nvswitch"], "nvswitch") if "nvswitch" in doc else (), (),
        (_stated("document.nonce", stated["nonce"], nonce), *own),
    )  # fmt: skip


def _cpu(format_: object, report: object, known: Mapping[str, str]) -> tuple[str, bytes]:
    tee = known.get(format_) if isinstance(format_, str) else None
    if tee is None:
        raise Malformed("this kind of CPU evidence is not known")
    return tee, cpu_report(tee, base64_bytes(report, "the CPU's evidence", MAX_REPORT_BYTES))


def cpu_report(tee: str, raw: bytes) -> bytes:
    """``raw`` when it is of the kind that the document names. Raises Malformed."""
    if tee == "tdx" and raw[4:8] != _TDX_HEAD:
        raise Malformed("the quote is not one of a trust domain")
    return raw


def _stated(id_: str, stated: object, own: bytes) -> Check:
    """What the document says of itself must be what we computed; raises Malformed where it is not even hex."""
    same = hmac.compare_digest(hex_bytes(stated, id_, len(own)), own)
    return check(id_, same, "the document must state what was asked and sent", Source.PROVIDER)


def _sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def _section(raw: bytes, name: str, format_: str, need: set[str]) -> list[dict[str, Any]]:
    body = strictjson.load_object(raw, MAX_SECTION_BYTES, name)
    section = members(body, name, {"format", "items"})
    items = section["items"]
    if section["format"] != format_ or not isinstance(items, list) or len(items) > MAX_ITEMS:
        raise Malformed(f"{name} is not of a known format, or has more than {MAX_ITEMS} items")
    for item in items:
        if not all(isinstance(v, str) for k, v in members(item, name, need).items() if k != "evidence"):
            raise Malformed(f"an item of {name} is not of its documented form")
    if len({item["id"] for item in items}) != len(items):
        raise Malformed(f"an id of {name} is there twice")
    return items


def _keys(material: bytes) -> tuple[bytes, bytes]:
    """SHA-256 of the TLS key, and the HPKE key. Key material that nobody here understands is refused."""
    items = _section(material, "crypto_material", CRYPTO_MATERIAL, {"id", "format", "data"})
    if {item["id"]: item["format"] for item in items} != KEYS:
        raise Malformed("crypto_material must be one TLS key and one HPKE key of known formats, and nothing else")
    data = {item["id"]: item["data"] for item in items}
    return hex_bytes(data["tls"], "the TLS key", 32), _hpke(data["hpke"])


def _hpke(text: object) -> bytes:
    try:
        return check_x25519(hex_bytes(text, "the HPKE key", 32))
    except SealingError:
        raise Malformed("the HPKE key is not a good X25519 key") from None


def _devices(section: bytes) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...]]:
    need = {"id", "kind", "vendor", "format", "evidence"}
    items = _section(section, "device_evidence", DEVICE_EVIDENCE, need)
    kinds = [DEVICES.get((item["kind"], item["vendor"], item["format"])) for item in items]
    if None in kinds:
        raise Malformed("a device is of a kind, vendor or format that is not known")
    gpus = [_entry(item["evidence"], "gpu") for item, kind in zip(items, kinds, strict=True) if kind == "gpu"]
    switches = [s for item, kind in zip(items, kinds, strict=True) if kind == "nvswitch"
                for s in _collection(item["evidence"], "nvswitch")]  # fmt: skip
    return tuple(gpus), tuple(switches)


def _collection(value: object, name: str) -> tuple[Mapping[str, Any], ...]:
    """``{"evidences": [...]}`` as NVIDIA's tool writes it; with a result, which must be success."""
    body = members(value, name, {"evidences"}, {"result_code", "result_message"})
    found = body["evidences"]
    code = body.get("result_code", 0)
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_ITEMS or isinstance(code, bool) or code != 0:
        raise Malformed(f"the evidence of {name} is not a list of 1 to {MAX_ITEMS} devices that was collected well")
    return tuple(_entry(entry, name) for entry in found)


def _entry(value: object, name: str) -> Mapping[str, Any]:
    """One device. Its architecture says how many measurements it signs, so that a switch cannot pass for a GPU."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise Malformed(f"the evidence of {name} is not an object of texts")
    if (value.get("arch") == SWITCH) != (name == "nvswitch"):
        raise Malformed(f"the evidence of {name} is of another kind of device")
    return value


def devices_json(entries: tuple[Mapping[str, Any], ...]) -> bytes:
    """The list that :mod:`attestation.nvidia.verify` reads. It is verified; the bytes that were hashed are others."""
    return json.dumps([dict(entry) for entry in entries]).encode()
