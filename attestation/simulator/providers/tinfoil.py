"""A simulated machine that writes Tinfoil's documents: CPU, GPUs and switches of the software vendors, one HPKE key.

Honest here; :mod:`attestation.simulator.providers.tinfoil_lies` says what may go wrong. Opens no connection and reads
no clock.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from attestation import ehbp
from attestation.binding import TINFOIL_ALGORITHM
from attestation.providers import tinfoil_collateral as wire
from attestation.providers import tinfoil_v3 as v3
from attestation.simulator import intel, nvidia, snp
from attestation.simulator.sealed import EhbpServer
from attestation.trust import SimulatedTrust
from attestation.types import Collateral, Expectations

NOW = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
TEES = {"snp": "sev-snp", "tdx": "tdx"}
_FORMATS = {tee: name for name, tee in v3.CPUS.items()}
_V2 = {tee: f"https://tinfoil.sh/predicate/{tee_name}-guest/v2" for tee, tee_name in TEES.items()}
_PCS = "https://api.trustedservices.intel.com"
_GPU, _SWITCH = ({k: v for k, v in v3.DEVICES.items() if v == name} for name in ("gpu", "nvswitch"))

Doc = dict[str, Any]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def dump(value: object) -> bytes:
    """JSON as the enclave writes it: no space anywhere, so that a member's bytes are the same inside and outside."""
    return json.dumps(value, separators=(",", ":")).encode()


def sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


@dataclass
class Hardware:
    """How the CPU answers and which collateral comes along; every part may be exchanged."""

    guest: snp.Guest = field(default_factory=snp.Guest)
    domain: intel.Guest = field(default_factory=intel.Guest)
    chip: snp.Chip | None = None
    """The chip that signs; the shared platform's own unless given."""
    shown: snp.Chip | None = None
    """The chip whose certificate is shown."""
    platform: snp.Platform | None = None
    pcs: dict[str, Any] = field(default_factory=dict)
    """Keyword arguments of :meth:`attestation.simulator.intel.Intel.collateral`."""
    crl: bytes | None = None
    spoil: Callable[[bytes], bytes] = bytes
    """What happens to the report after it was signed."""


@dataclass
class Telling:
    """What a document of version 3 or the draft is made of, before the CPU signs it."""

    nonce: bytes
    tls: bytes
    hpke: bytes
    gpus: list[Doc]
    switches: list[Doc]
    material: list[Doc]
    devices: list[Doc]
    label: bytes = TINFOIL_ALGORITHM.encode()
    tail: bytes = bytes(32)
    hardware: Hardware = field(default_factory=Hardware)


class Machine:
    """``tee`` is ``snp`` or ``tdx``. Its platforms are shared; its GPUs, switches and HPKE key are its own."""

    def __init__(self, tee: str = "snp", *, gpus: int = 1, switches: int = 0, now: dt.datetime = NOW) -> None:
        self.tee = tee
        self.now = now
        self.gpus = [nvidia.shared_vendor().gpu() for _ in range(gpus)]
        self.switches = [nvidia.shared_vendor().gpu(chip="LS_10") for _ in range(switches)]
        self.keys = EhbpServer()

    @property
    def trust(self) -> SimulatedTrust:
        """Of all three simulated vendors."""
        others = (intel.shared_intel().trust.root, nvidia.shared_vendor().trust.root)
        return replace(snp.shared_platform().trust, more=frozenset(others))

    def expectations(self, name: str = "tinfoil", until: dt.date = dt.date(2027, 3, 31)) -> Expectations:
        """What the honest machine meets."""
        if self.tee == "snp":
            minimum = {k: v for k, v in snp.TCB.items() if k != "fmc"}
            images = {snp.MEASUREMENT: "simulated-release"}
            return Expectations(name, frozenset({"sev-snp"}), images, minimum, "demo", until, allow_simulated=True)
        registers = {"mrtd": intel.MRTD, "rtmr1": bytes(48), "rtmr2": bytes(48)}
        return Expectations(
            name, frozenset({"tdx"}), {}, {}, "demo", until, allow_simulated=True, registers={"release": registers}
        )

    def key_config(self) -> bytes:
        """``/.well-known/hpke-keys``."""
        return ehbp.encode_key_config(self.keys.secret.public)

    def collateral(self) -> Collateral:
        """What a verifier has of its own about this machine."""
        if self.tee == "tdx":
            return intel.shared_intel().collateral(self.now)
        platform = snp.shared_platform()
        name = platform.chip.chip_id + platform.report(bytes(64))[0x180:0x188]
        chain = (platform.chip.certificate, platform.ask, platform.root)
        return Collateral(amd_crl=platform.crl(), amd_keys={name: chain})

    # --- the three forms

    def telling(self, tls: bytes, nonce: bytes) -> Telling:
        """What an honest document says; ``tls`` is the SHA-256 of the TLS key's SPKI."""
        gpus, switches, hpke = self.evidence(nonce), self.switch_evidence(nonce), self.keys.secret.public
        devices = [device(f"gpu{i}", _GPU, gpu) for i, gpu in enumerate(gpus)]
        devices += [device("nvswitch0", _SWITCH, collection(switches))] if switches else []
        return Telling(nonce, tls, hpke, gpus, switches, material(tls, hpke), devices)

    def version_3(self, t: Telling) -> Doc:
        """The form of August 2026."""
        crypto, devices = section(v3.CRYPTO_MATERIAL, t.material), section(v3.DEVICE_EVIDENCE, t.devices)
        signed = sha256(t.label + t.nonce + sha256(crypto) + sha256(devices)) + t.tail
        report, collateral = self.cpu(signed, t.hardware)
        doc: Doc = {
            "format": v3.V3,
            "challenge": {"nonce": t.nonce.hex(), "report_data": "", "report_data_algorithm": TINFOIL_ALGORITHM},
            "cpu_evidence": {"format": _FORMATS[self.tee], "report_base64": b64(report), "endorsed": {}},
            "crypto_material": b64(crypto),
            "device_evidence": b64(devices),
            "collateral": collateral,
        }
        return state(doc, t.nonce)

    def draft(self, t: Telling) -> Doc:
        """The form of June 2026."""
        parts = {"gpu": collection(t.gpus, result=False)} if t.gpus else {}
        parts |= {"nvswitch": collection(t.switches)} if t.switches else {}
        hashes = {name: sha256(dump(part)) for name, part in parts.items()}
        signed = sha256(t.tls + t.hpke + t.nonce + b"".join(hashes.values())) + t.tail
        report, _ = self.cpu(signed, t.hardware)
        stated = {"tls_key_fp": t.tls.hex(), "hpke_key": t.hpke.hex(), "nonce": t.nonce.hex()}
        stated |= {f"{name}_evidence_hash": value.hex() for name, value in hashes.items()}
        cpu = {"platform": "sev-snp" if self.tee == "snp" else "tdx", "report": b64(report)}
        return {"format": v3.V3, "report_data": stated, "cpu": cpu, **parts, "certificate": "", "signature": ""}

    def version_2(self, tls: bytes, hardware: Hardware | None = None, packed: Callable[[bytes], bytes] | None = None
                  ) -> Doc:  # fmt: skip
        report, _ = self.cpu(tls + self.keys.secret.public, hardware or Hardware())
        return {"format": _V2[self.tee], "body": b64((packed or gzip.compress)(report))}

    # --- devices and collateral

    def evidence(self, nonce: bytes) -> list[Doc]:
        return [dict(gpu.entry(gpu.report(nonce))) for gpu in self.gpus]

    def switch_evidence(self, nonce: bytes) -> list[Doc]:
        return [dict(s.entry(s.report(nonce, blocks=31), arch="LS10", version="1.0")) for s in self.switches]

    def cpu(self, report_data: bytes, how: Hardware) -> tuple[bytes, list[Doc]]:
        """The signed report, and the collateral that comes with it."""
        if self.tee == "tdx":
            quote = intel.shared_intel().tdx_quote(report_data, how.domain)
            return how.spoil(quote), [entry("intel-pcs", self.pcs(how.pcs))]
        platform = how.platform or snp.shared_platform()
        chip, shown = how.chip or platform.chip, how.shown or how.chip or platform.chip
        pem = pem_of((platform.ask, platform.root))
        chain = {"vcek_der_base64": b64(shown.certificate), "cert_chain_pem": pem}
        crl = platform.crl() if how.crl is None else how.crl
        collateral = [entry("amd-vcek", chain), entry("amd-crl", {"crl_der_base64": b64(crl)})]
        return how.spoil(platform.report(report_data, how.guest, chip)), collateral

    def pcs(self, how: dict[str, Any]) -> Doc:
        """Intel's answers as the enclave keeps them."""
        now = how.get("now", self.now)
        made = intel.shared_intel().collateral(now, **{k: v for k, v in how.items() if k != "now"})
        parts = json.loads(made.intel or "")
        fmspc = intel.FMSPC.hex()
        return {
            "responses": [
                signed(f"{_PCS}/tdx/certification/v4/tcb?fmspc={fmspc}", "tcb_info", parts, "TCB-Info-Issuer-Chain"),
                signed(f"{_PCS}/tdx/certification/v4/qe/identity", "qe_identity", parts,
                       "Sgx-Enclave-Identity-Issuer-Chain"),
                response(f"{_PCS}/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
                         bytes.fromhex(parts["pck_crl"]),
                         {"SGX-PCK-CRL-Issuer-Chain": [percent(parts["pck_crl_issuer_chain"])]}),
                response("https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
                         bytes.fromhex(parts["root_ca_crl"]), {}),
            ]
        }  # fmt: skip


def state(doc: Doc, nonce: bytes) -> Doc:
    """``doc`` with what it says about itself made to fit its sections and ``nonce``; its report stays as it is."""
    crypto, devices = (base64.b64decode(doc[name]) for name in ("crypto_material", "device_evidence"))
    hashes = {"crypto_material_hash": sha256(crypto).hex(), "device_evidence_hash": sha256(devices).hex()}
    report_data = sha256(TINFOIL_ALGORITHM.encode() + nonce + sha256(crypto) + sha256(devices)) + bytes(32)
    challenge = {**doc["challenge"], "nonce": nonce.hex(), "report_data": report_data.hex()}
    return {**doc, "challenge": challenge, "cpu_evidence": {**doc["cpu_evidence"], "endorsed": hashes}}


def section(format_: str, items: list[Doc]) -> bytes:
    return dump({"format": format_, "items": items})


def material(tls: bytes, hpke: bytes) -> list[Doc]:
    return [{"id": "tls", "format": v3.TLS_KEY, "data": tls.hex()},
            {"id": "hpke", "format": v3.HPKE_KEY, "data": hpke.hex()}]  # fmt: skip


def device(id_: str, kind: dict[tuple[str, str, str], str], evidence: Doc) -> Doc:
    ((name, vendor, format_),) = kind
    return {"id": id_, "kind": name, "vendor": vendor, "format": format_, "evidence": evidence}


def collection(entries: list[Doc], *, result: bool = True) -> Doc:
    return {"evidences": entries, **({"result_code": 0, "result_message": "Ok"} if result else {})}


def entry(name: str, data: Doc) -> Doc:
    return {"id": f"cpu-{name}", "role": "endorsement", "format": f"{wire.PREFIX}{name}/v1", "subjects": ["cpu"],
            "data": data}  # fmt: skip


def response(url: str, body: bytes, headers: dict[str, list[str]]) -> Doc:
    return {"url": url, "headers": {**headers, "Content-Type": ["x"]}, "body_base64": b64(body)}


def signed(url: str, name: str, parts: dict[str, str], header: str) -> Doc:
    body = f'{{"{wire.MEMBERS[name]}":{parts[name]},"signature":"{parts[f"{name}_signature"]}"}}'
    return response(url, body.encode(), {header: [percent(parts[f"{name}_issuer_chain"])]})


def percent(text: str) -> str:
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text)


def pem_of(certificates: tuple[bytes, ...]) -> str:
    lines = []
    for der in certificates:
        text = b64(der)
        lines += ["-----BEGIN CERTIFICATE-----", *(text[i : i + 64] for i in range(0, len(text), 64)),
                  "-----END CERTIFICATE-----"]  # fmt: skip
    return "\n".join(lines) + "\n"
