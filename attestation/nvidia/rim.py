"""NVIDIA's reference manifests (RIM: TCG reference integrity manifests as SWID tags) and the measurements of a report
(attestation.md §2.6, step 7).

A manifest counts when NVIDIA's signature on it is good now and it is the one for the version that the device signed.
Then each measurement that it calls active must have one of its values. Which manifests are needed follows from the
signed report alone. A manifest that is missing or does not count leaves the question open; it never answers it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509

from attestation import strictjson
from attestation.encodings import base64_bytes
from attestation.nvidia.canonxml import Element
from attestation.nvidia.report import CHIP, CHIP_SKU, DRIVER, NVDEC, PROJECT, PROJECT_SKU, Report, vbios
from attestation.nvidia.signedxml import read
from attestation.paths import ends
from attestation.types import Check, Malformed, Rejected, Source, Status, require

MAX_RIM_BYTES = 1024 * 1024
SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
HASH = "http://www.w3.org/2001/04/xmlenc#sha384"
MAX_ALTERNATIVES, DIGEST_BYTES = 64, 48
NVDEC_MEASUREMENT, NVDEC_OFF = 35, b"\x55"
"""The measurement of a video decoder is not there where the device says that the decoder is off."""
_SWITCH = ("5612", "0002", "890")
_HEX = re.compile(r"[0-9a-f]{96}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is signed. ``values``: index of an active measurement (from 0) -> what it may be."""

    product: str
    version: str
    values: Mapping[int, frozenset[bytes]] = field(repr=False)
    signers: tuple[x509.Certificate, ...] = field(repr=False)

    def fits(self, name: str) -> bool:
        """Whether NVIDIA's id of a manifest may be that of this one: it ends in the version, a driver's in chip and
        version. Which board firmware is for stands in the id alone."""
        plain = self.version.replace(".", "").upper()
        tail = f"_{self.product}_{self.version}" if "_DRIVER_" in name else f"_{plain}"
        return name.endswith(tail) and name.startswith("NV_SWITCH_") == (self.product == "LS10")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A manifest that a report needs. ``product`` is the chip, where the manifest is about one."""

    name: str
    product: str
    version: str


def wanted(architecture: str, report: Report) -> tuple[Wanted, ...]:
    """The manifests of a device's driver and firmware, by NVIDIA's ids. Raises Malformed for a report that does not
    say what it runs."""
    firmware = vbios(report)
    plain = firmware.replace(".", "").upper()
    parts: tuple[str, ...] = _SWITCH
    drivers: tuple[Wanted, ...] = ()
    if architecture == "LS10":
        start, chip = "NV_SWITCH_BIOS", "LS10"
    else:
        parts, start = tuple(_said(report, n) for n in (PROJECT, PROJECT_SKU, CHIP_SKU)), "NV_GPU_VBIOS"
        hopper = architecture == "HOPPER"
        chip = "GH100" if hopper else (_said(report, CHIP) if CHIP in report.opaque else "GB100")
        driver = _said(report, DRIVER)
        drivers = (Wanted(f"NV_GPU_{'' if hopper else 'CC_'}DRIVER_{chip}_{driver}", chip, driver),)
    name = "_".join((start, *parts, plain))
    if not _WORD.fullmatch(name):
        raise Malformed("the device's report does not say which firmware it runs")
    return (*drivers, Wanted(name, chip, firmware))


def _said(report: Report, number: int) -> str:
    """A statement that is text. Raises Malformed."""
    text = report.opaque.get(number, b"").rstrip(b"\0").decode("ascii", "replace")
    if not _WORD.fullmatch(text):
        raise Malformed("the device's report does not say what it is")
    return text


def unpacked(raw: bytes) -> bytes:
    """The XML, also out of the answer of NVIDIA's service, which has it as ``rim`` in base64. Raises Malformed."""
    if not raw.startswith(b"{"):
        return raw
    answer = strictjson.load_object(raw, 2 * MAX_RIM_BYTES, "the manifest service's answer")
    return base64_bytes(answer.get("rim"), "the manifest", MAX_RIM_BYTES)


def read_manifest(raw: bytes, pinned: frozenset[bytes], now: dt.datetime | None) -> Manifest:
    """``now`` as in :func:`attestation.nvidia.signedxml.read`. Raises Malformed, or Rejected with every check of the
    signature that fails."""
    root, signers, checks = read(raw, MAX_RIM_BYTES, pinned, now)
    require(checks)
    meta, payload = _only(root, "Meta").plain(), _only(root, "Payload")
    values: dict[int, frozenset[bytes]] = {}
    seen: set[int] = set()
    for resource in payload.elements():
        index, found = _resource(resource)
        if index in seen:
            raise Malformed("the manifest names a measurement twice")
        seen.add(index)
        if found:
            values[index] = found
    if (root.uri, root.local) != (SWID, "SoftwareIdentity") or not values:
        raise Malformed("the manifest names no measurement")
    return Manifest(meta.get("product", ""), meta.get("colloquialVersion", ""), values, signers)


def signed_until(raw: bytes) -> dt.datetime:
    """When the first certificate of its signer ends; of its signature it says nothing. Raises Malformed."""
    _, path, _ = read(raw, MAX_RIM_BYTES, frozenset(), dt.datetime.min.replace(tzinfo=dt.UTC))
    return ends(path)


def _only(root: Element, name: str) -> Element:
    found = [e for e in root.elements() if (e.uri, e.local) == (SWID, name)]
    if len(found) != 1:
        raise Malformed(f"the manifest must have one {name}")
    return found[0]


def _resource(element: Element) -> tuple[int, frozenset[bytes]]:
    """Index and values of one measurement; no values where it is not active. Raises Malformed."""
    said = element.plain()
    hashes = {local: value for uri, local, _, value in element.attributes if uri == HASH}
    count = said.get("alternatives", "")
    right = (
        (element.uri, element.local) == (SWID, "Resource") and not element.children
        and said.get("type") == "Measurement" and said.get("size") == str(DIGEST_BYTES)
        and said.get("active") in ("True", "False") and bool(_NUMBER.fullmatch(said.get("index", "")))
        and bool(_NUMBER.fullmatch(count)) and 1 <= int(count) <= MAX_ALTERNATIVES
        and set(hashes) == {f"Hash{i}" for i in range(int(count))}
        and all(_HEX.fullmatch(value) for value in hashes.values())
    )  # fmt: skip
    if not right:
        raise Malformed("a measurement of the manifest is not of the form that is taken")
    active = said["active"] == "True"
    return int(said["index"]), frozenset(map(bytes.fromhex, hashes.values())) if active else frozenset()


def compare(
    devices: tuple[tuple[str, Report], ...], rims: Mapping[str, bytes], pinned: frozenset[bytes], now: dt.datetime
) -> Check:
    """One check for all devices (architecture and report): fail names each device's measurements that differ, unknown
    what is missing, pass is only where every device has every manifest and differs nowhere."""
    known: dict[str, Manifest | str] = {}
    wrong, still_open = [], []
    for i, (architecture, report) in enumerate(devices):
        try:
            need = wanted(architecture, report)
        except Malformed as e:
            still_open.append(f"device-{i}: {e}")
            continue
        for one in need:
            if one.name not in known:
                known[one.name] = _judged(one, rims.get(one.name), pinned, now)
        here = [m for one in need if isinstance(m := known[one.name], Manifest)]
        still_open += [f"{one.name}: {m}" for one in need if isinstance(m := known[one.name], str)]
        wrong += [f"device-{i}: {text}" for text in _differences(report, here)]
    if wrong:
        return _check(Status.FAIL, wrong)
    if still_open:
        return _check(Status.UNKNOWN, still_open)
    return _check(Status.PASS, [f"measurements are those of {', '.join(sorted(known))}"])


def _check(status: Status, said: list[str]) -> Check:
    return Check("reference-values", status, Source.VERIFIER, "; ".join(dict.fromkeys(said)))


def _judged(one: Wanted, raw: bytes | None, pinned: frozenset[bytes], now: dt.datetime) -> Manifest | str:
    """The manifest, or why it does not count."""
    if raw is None:
        return "NVIDIA's manifest is not here"
    try:
        found = read_manifest(unpacked(raw), pinned, now)
    except Malformed as e:
        return str(e)
    except Rejected as e:
        return f"its signature cannot be verified ({', '.join(f.partition(':')[0] for f in e.failures)})"
    if (found.product, found.version.upper()) != (one.product, one.version.upper()):
        return "what is kept under this name is another's"
    return found


def _differences(report: Report, manifests: list[Manifest]) -> list[str]:
    out = []
    indexes = [i for m in manifests for i in m.values]
    if len(set(indexes)) != len(indexes):
        out.append("two manifests are about one measurement")
    skipped = NVDEC_MEASUREMENT if report.opaque.get(NVDEC) == NVDEC_OFF else None
    differ = sorted(i for m in manifests for i, values in m.values.items()
                    if i != skipped and report.measurements.get(i + 1) not in values)  # fmt: skip
    if differ:
        out.append(f"measurements {', '.join(map(str, differ))} differ from NVIDIA's values")
    return out
