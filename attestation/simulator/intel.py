"""A software Intel: root, PCK and TCB-signing keys, quotes and the collateral about them, each open to be made wrong.

For tests and the demo; claims made under its root say ``simulated``. ``dcap-qvl`` verifies what is made here like any
other quote. Opens no connection and reads no clock: dates are given as ``now``.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from attestation.der import INTEGER, OCTETS, OID, SEQUENCE, oid
from attestation.tdx.pck import SGX_EXTENSION
from attestation.tdx.quote import INTEL_QE
from attestation.trust import SimulatedTrust
from attestation.types import Collateral

FMSPC, PCEID, PPID = bytes.fromhex("50806f000000"), bytes(2), bytes.fromhex("51") * 16
CPU_SVN, PCE_SVN = 3, 11
MRTD = bytes.fromhex("7d") * 48
SEPT_VE_DISABLE = 1 << 28
START, END = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 12, 31, tzinfo=dt.UTC)
ROOT, PLATFORM, LEAF, SIGNER = (
    "Intel SGX Root CA", "Intel SGX PCK Platform CA", "Intel SGX PCK Certificate", "Intel SGX TCB Signing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guest:
    """What a quote says of a TD; ``version`` 4 or 5, where 5 has a TDX 1.5 body."""

    mrtd: bytes = MRTD
    attributes: int = SEPT_VE_DISABLE
    xfam: int = 0x602E7
    tcb_svn: bytes = bytes([CPU_SVN]) + bytes(15)
    rtmrs: Sequence[bytes] = field(default_factory=lambda: (bytes(48),) * 4)
    mrconfigid: bytes = bytes(48)
    service_td: bytes = bytes(48)
    version: int = 4


class Intel:
    """One simulated vendor with one platform."""

    def __init__(self) -> None:
        self.keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in (ROOT, PLATFORM, LEAF, SIGNER)}
        self.root = self.certificate(ROOT, ROOT, ca=True)
        self.platform = self.certificate(PLATFORM, ROOT, ca=True)
        self.signer = self.certificate(SIGNER, ROOT)
        self.pck = self.certificate(LEAF, PLATFORM, extension=pck_extension())

    @property
    def trust(self) -> SimulatedTrust:
        return SimulatedTrust(self.root.public_bytes(Encoding.DER))

    def certificate(
        self, name: str, issuer: str, *, ca: bool = False, extension: bytes | None = None, end: dt.datetime = END,
        title: str | None = None,
    ) -> x509.Certificate:  # fmt: skip
        key, by = self.keys[name].public_key(), self.keys[issuer]
        serial = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1
        builder = x509.CertificateBuilder(_name(issuer), _name(title or name), key, serial, START, end)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        builder = builder.add_extension(usage, True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key())
        builder = builder.add_extension(authority, False)
        # dcap-qvl wants to know where the list would be
        where = [x509.DistributionPoint([x509.UniformResourceIdentifier("https://sim.invalid/crl")], None, None, None)]
        builder = builder.add_extension(x509.CRLDistributionPoints(where), False)
        if extension is not None:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(SGX_EXTENSION), extension)
            builder = builder.add_extension(unknown, False)
        return builder.sign(by, hashes.SHA256())

    def crl(
        self, issuer: str, now: dt.datetime, revoked: Sequence[x509.Certificate] = (), days: int = 30,
        signer: str | None = None, partial: bool = False, number: int = 1,
    ) -> bytes:  # fmt: skip
        hour = dt.timedelta(hours=1)
        builder = x509.CertificateRevocationListBuilder(_name(issuer), now - hour, now + dt.timedelta(days))
        builder = builder.add_extension(x509.CRLNumber(number), False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.keys[issuer].public_key())
        builder = builder.add_extension(authority, False)
        if partial:  # a list for some certificates only
            scope = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
            builder = builder.add_extension(scope, True)
        for certificate in revoked:
            entry = x509.RevokedCertificateBuilder(certificate.serial_number, now - 2 * hour).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.keys[signer or issuer], hashes.SHA256()).public_bytes(Encoding.DER)

    def sign(self, name: str, data: bytes) -> bytes:
        return _raw(self.keys[name], data)

    def tcb_info(self, now: dt.datetime, sgx: bool = False, **changes: Any) -> dict[str, Any]:
        zeros = [{"svn": 0}] * 15
        tcb = {"sgxtcbcomponents": [{"svn": CPU_SVN}] * 16, "pcesvn": PCE_SVN}
        tdx = {"tdxtcbcomponents": [{"svn": CPU_SVN}, *zeros]}
        module = {"tdxModule": {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8},
                  "tdxModuleIdentities": [_module(1, 3)]}  # fmt: skip
        level = {"tcb": tcb if sgx else tcb | tdx, "tcbDate": _time(now), "tcbStatus": "UpToDate", "advisoryIDs": []}
        body = {"id": "SGX" if sgx else "TDX", "version": 3, **_dates(now), "fmspc": FMSPC.hex().upper(),
                "pceId": PCEID.hex(), "tcbType": 0, "tcbEvaluationDataNumber": 17}  # fmt: skip
        level |= {k: changes.pop(k) for k in ("tcbStatus", "advisoryIDs") if k in changes}
        return {**body, **({} if sgx else module), "tcbLevels": [level], **changes}

    def qe_identity(self, now: dt.datetime, sgx: bool = False, status: str = "UpToDate", **changes: Any
                    ) -> dict[str, Any]:  # fmt: skip
        level = {"tcb": {"isvsvn": 4}, "tcbDate": _time(now), "tcbStatus": status}
        return {"id": "QE" if sgx else "TD_QE", "version": 2, **_dates(now), "tcbEvaluationDataNumber": 17,
                "miscselect": "00000000", "miscselectMask": "FFFFFFFF", "attributes": "11" + "00" * 15,
                "attributesMask": "FB" + "FF" * 7 + "00" * 8, "mrsigner": "DC" * 32, "isvprodid": 1 if sgx else 2,
                "tcbLevels": [level], **changes}  # fmt: skip

    def collateral(
        self, now: dt.datetime, *, sgx: bool = False, info: Mapping[str, Any] | None = None,
        identity: Mapping[str, Any] | None = None, parts: Mapping[str, str] | None = None, **more: Any
    ) -> Collateral:  # fmt: skip
        """``info``, ``identity`` change the signed documents, ``parts`` replaces whole parts, ``more`` goes along."""
        tcb_info = json.dumps(self.tcb_info(now, sgx, **(info or {})), separators=(",", ":"))
        qe = json.dumps(self.qe_identity(now, sgx, **(identity or {})), separators=(",", ":"))
        chain = pem(self.signer, self.root)
        body = {
            "pck_crl_issuer_chain": pem(self.platform, self.root),
            "root_ca_crl": self.crl(ROOT, now).hex(),
            "pck_crl": self.crl(PLATFORM, now).hex(),
            "tcb_info_issuer_chain": chain,
            "tcb_info": tcb_info,
            "tcb_info_signature": self.sign(SIGNER, tcb_info.encode()).hex(),
            "qe_identity_issuer_chain": chain,
            "qe_identity": qe,
            "qe_identity_signature": self.sign(SIGNER, qe.encode()).hex(),
        }
        return Collateral(intel=json.dumps({**body, **(parts or {})}), **more)

    def tdx_quote(self, report_data: bytes, guest: Guest | None = None, **how: Any) -> bytes:
        guest = guest or Guest()
        body = guest.tcb_svn + bytes(48) + bytes(48) + bytes(8)
        body += struct.pack("<QQ", guest.attributes, guest.xfam) + guest.mrtd + guest.mrconfigid + bytes(96)
        body += b"".join(guest.rtmrs) + report_data[:64].ljust(64, b"\0")
        if guest.version == 5:
            body = struct.pack("<HI", 3, 648) + body + guest.tcb_svn + guest.service_td
        return self._quote(struct.pack("<HHII", guest.version, 2, 0x81, 0), body, 2, **how)

    def sgx_quote(self, report_data: bytes, *, flags: int = 0x5, reserved: bytes = bytes(12), **how: Any) -> bytes:
        body = _report(report_data, b"\xe1" * 32, b"\xe2" * 32, flags, 7, 3, reserved)
        return self._quote(struct.pack("<HHIHH", 3, 2, 0, 10, 15), body, 1, **how)

    def _quote(
        self, head: bytes, body: bytes, prodid: int, *, auth: bytes = b"\7" * 32, isvsvn: int = 4,
        chain: bytes | None = None, qe_data: bytes | None = None, signer: str = LEAF, tail: bytes = b"",
        signed: bytes | None = None, qe_mrsigner: bytes = b"\xdc" * 32,
    ) -> bytes:  # fmt: skip
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        ak = point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        header = head + INTEL_QE + bytes(20)
        data = hashlib.sha256(ak + auth).digest() if qe_data is None else qe_data
        qe = _report(data, bytes(32), qe_mrsigner, 0x11, prodid, isvsvn)
        certificates = pem(self.pck, self.platform, self.root).encode() if chain is None else chain
        inner = qe + self.sign(signer, qe) + struct.pack("<H", len(auth)) + auth
        inner += struct.pack("<HI", 5, len(certificates)) + certificates
        if head[0] >= 4:
            inner = struct.pack("<HI", 6, len(inner)) + inner
        data = _raw(key, header + body if signed is None else signed) + ak + inner
        return header + body + struct.pack("<I", len(data)) + data + tail


def pem(*certificates: x509.Certificate) -> str:
    return b"".join(c.public_bytes(Encoding.PEM) for c in certificates).decode()


def pck_extension(fmspc: bytes = FMSPC, svn: int = CPU_SVN, pcesvn: int = PCE_SVN, pceid: bytes = PCEID) -> bytes:
    """The SGX extension of a PCK certificate, DER."""

    def entry(number: str, *value: bytes) -> bytes:
        return tlv(SEQUENCE, tlv(OID, oid(f"{SGX_EXTENSION}.{number}")), *value)

    svns = [entry(f"2.{i}", tlv(INTEGER, bytes([svn]))) for i in range(1, 17)]
    tcb = tlv(
        SEQUENCE, *svns, entry("2.17", tlv(INTEGER, bytes([pcesvn]))), entry("2.18", tlv(OCTETS, bytes([svn] * 16)))
    )
    return tlv(SEQUENCE, entry("1", tlv(OCTETS, PPID)), entry("2", tcb), entry("3", tlv(OCTETS, pceid)),
               entry("4", tlv(OCTETS, fmspc)), entry("5", tlv(10, b"\0")))  # fmt: skip


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    length = (
        bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    )
    return bytes([tag]) + length + content


def _report(data: bytes, mrenclave: bytes, mrsigner: bytes, flags: int, prodid: int, svn: int,
            reserved: bytes = bytes(12)) -> bytes:  # fmt: skip
    head = bytes(20) + reserved + bytes(16) + struct.pack("<QQ", flags, 0) + mrenclave + bytes(32) + mrsigner
    return head + bytes(96) + struct.pack("<HH", prodid, svn) + bytes(60) + data[:64].ljust(64, b"\0")


def _raw(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _module(version: int, svn: int) -> dict[str, Any]:
    level = {"tcb": {"isvsvn": svn}, "tcbDate": "2026-01-01T00:00:00Z", "tcbStatus": "UpToDate"}
    return {"id": f"TDX_{version:02X}", "mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8,
            "tcbLevels": [level]}  # fmt: skip


def _name(common: str) -> x509.Name:
    pairs = ((NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, "Sealgate Simulator"))
    return x509.Name([x509.NameAttribute(oid_, value) for oid_, value in pairs])


def _time(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def _dates(now: dt.datetime) -> dict[str, str]:
    return {"issueDate": _time(now - dt.timedelta(1)), "nextUpdate": _time(now + dt.timedelta(30))}


@functools.cache
def shared_intel() -> Intel:
    return Intel()
