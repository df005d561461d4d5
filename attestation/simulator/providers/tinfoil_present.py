"""The document that a simulated Tinfoil endpoint presents under a lie, or honestly. For tests and the demo only."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from attestation.providers import tinfoil_v3 as v3
from attestation.simulator import intel, nvidia, pki, snp
from attestation.simulator.providers.tinfoil import (
    Doc,
    Hardware,
    Machine,
    Telling,
    b64,
    collection,
    dump,
    material,
    section,
    sha256,
    state,
)
from attestation.simulator.providers.tinfoil_lies import Form, Lie
from attestation.simulator.snp import OLD_TCB, POLICY, VENDOR
from attestation.snp.report import POLICY_DEBUG

OLD_NONCE = bytes(range(32))
OTHER_KEY = bytes.fromhex("0b" * 32)
BAD = bytes.fromhex("bad0") * 24
BOMB_BYTES = 32 * 1024 * 1024


class Asked(NamedTuple):
    """SHA-256 of the TLS key of the connection, and the nonce."""

    tls: bytes
    nonce: bytes


Before = Callable[[Machine, Telling], None]
"""Changes what will be signed."""
After = Callable[[Machine, Doc, Asked], Doc]
"""Changes what was signed."""


def _set(**values: object) -> Before:
    def change(_: Machine, t: Telling) -> None:
        for name, value in values.items():
            setattr(t, name, value)

    return change


def _old_nonce(m: Machine, t: Telling) -> None:
    t.__dict__.update(m.telling(t.tls, OLD_NONCE).__dict__)


def _gpus(change: Callable[[Machine, Telling], list[Doc]]) -> Before:
    """Other GPUs, which the CPU signs all the same."""

    def apply(m: Machine, t: Telling) -> None:
        switches = [d for d in t.devices if d["kind"] == "nvswitch"]
        t.gpus = change(m, t)
        form = m.telling(t.tls, t.nonce).devices[:1]
        t.devices = [{**form[0], "id": f"gpu{i}", "evidence": gpu} for i, gpu in enumerate(t.gpus)] + switches

    return apply


def _flipped(text: str, at: int) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return b64(bytes(raw))


def _tampered(entry: Doc) -> Doc:
    return {**entry, "evidence": _flipped(entry["evidence"], 60)}


def _switches(m: Machine, t: Telling, switches: list[Doc], **result: object) -> None:
    t.switches = switches
    for d in t.devices:
        if d["kind"] == "nvswitch":
            d["evidence"] = {**collection(switches), **result}


def _devices_of(kind: str, **changes: object) -> Before:
    def change(_: Machine, t: Telling) -> None:
        t.devices = [{**d, **changes} if d["kind"] == kind else d for d in t.devices]

    return change


def _material(change: Callable[[list[Doc]], list[Doc]]) -> Before:
    def apply(_: Machine, t: Telling) -> None:
        t.material = change(t.material)

    return apply


def _relay(m: Machine, t: Telling) -> None:
    t.tls = OTHER_KEY
    t.material = m.telling(OTHER_KEY, t.nonce).material


_MORE = {"id": "tls2", "format": v3.TLS_KEY, "data": OTHER_KEY.hex()}
_BEFORE: Mapping[Lie | None, Before] = {
    Lie.OLD_NONCE: _old_nonce,
    Lie.ECHOED_NONCE: _old_nonce,
    Lie.OTHER_TLS_KEY: _relay,
    Lie.SWAPPED_TLS_KEY: _relay,
    Lie.BAD_TAIL: _set(tail=bytes(31) + b"\1"),
    Lie.UNLABELLED: _set(label=b""),
    Lie.GPU_OLD_NONCE: _gpus(lambda m, t: m.evidence(OLD_NONCE)),
    Lie.GPU_ECHOED_NONCE: _gpus(lambda m, t: [{**e, "nonce": t.nonce.hex()} for e in m.evidence(OLD_NONCE)]),
    Lie.GPU_TWICE: _gpus(lambda m, t: [t.gpus[0], t.gpus[0], *t.gpus[2:]]),
    Lie.GPU_FEWER: _gpus(lambda m, t: t.gpus[:-1]),
    Lie.GPU_TAMPERED: _gpus(lambda m, t: [_tampered(t.gpus[0]), *t.gpus[1:]]),
    Lie.GPU_FALSE_ROOT: _gpus(lambda m, t: [(g := nvidia.Vendor().gpu()).entry(g.report(t.nonce)), *t.gpus[1:]]),
    Lie.GPU_IS_SWITCH: _gpus(lambda m, t: [{**t.gpus[0], "arch": v3.SWITCH}, *t.gpus[1:]]),
    Lie.GPU_MISSING: lambda m, t: t.__dict__.update(gpus=[], devices=[]),
    Lie.GPU_UNKNOWN: _devices_of("gpu", format="https://tinfoil.sh/format/nvidia-gpu-evidence/v2"),
    Lie.SWITCH_TAMPERED: lambda m, t: _switches(m, t, [_tampered(s) for s in t.switches]),
    Lie.SWITCH_FAILED: lambda m, t: _switches(m, t, t.switches, result_code=1),
    Lie.SWITCH_ALONE: lambda m, t: t.__dict__.update(gpus=[], devices=t.devices[-1:]),
    Lie.UNKNOWN_MATERIAL: _material(lambda x: [*x, {"id": "sign", "format": "https://tinfoil.sh/key/other/v1",
                                                    "data": "00"}]),
    Lie.TWO_TLS_KEYS: _material(lambda x: [*x, _MORE]),
    Lie.SAME_ID_TWICE: _material(lambda x: [{**_MORE, "id": "tls"}, *x]),
    Lie.NO_TLS_KEY: _material(lambda x: x[1:]),
    Lie.NO_HPKE_KEY: _material(lambda x: x[:1]),
    Lie.LOW_ORDER_KEY: _material(lambda x: [x[0], {**x[1], "data": bytes(32).hex()}]),
}  # fmt: skip


def _in(member: str, **changes: object) -> After:
    """Members of a member exchanged."""
    return lambda m, doc, asked: {**doc, member: {**doc[member], **changes}}


def _endorsed(**changes: object) -> After:
    def change(_: Machine, doc: Doc, asked: Asked) -> Doc:
        cpu = doc["cpu_evidence"]
        return {**doc, "cpu_evidence": {**cpu, "endorsed": {**cpu["endorsed"], **changes}}}

    return change


def _rewritten(change: After) -> After:
    """Sections exchanged after signing, and the document's own statements made to fit."""
    return lambda m, doc, asked: state({**doc, **change(m, doc, asked)}, asked.nonce)


def _keys(m: Machine, tls: bytes) -> Doc:
    return {"crypto_material": b64(section(v3.CRYPTO_MATERIAL, material(tls, m.keys.secret.public)))}


def _doubled(_: Machine, doc: Doc, asked: Asked) -> Doc:
    """A member of a section is there twice."""
    raw = base64.b64decode(doc["crypto_material"])
    return {"crypto_material": b64(raw.replace(b'"id":"hpke"', b'"id":"hpke","id":"hpke"'))}


def _collateral(change: Callable[[list[Doc]], list[Doc]]) -> After:
    return lambda m, doc, asked: {**doc, "collateral": change(doc["collateral"])}


def _responses(change: Callable[[list[Doc]], list[Doc]]) -> After:
    def inside(entries: list[Doc]) -> list[Doc]:
        return [{**e, "data": {"responses": change(e["data"]["responses"])}} for e in entries]

    return _collateral(inside)


def _spliced(m: Machine, doc: Doc, asked: Asked) -> Doc:
    other = Machine(m.tee, gpus=len(m.gpus), switches=len(m.switches))
    return {"device_evidence": b64(section(v3.DEVICE_EVIDENCE, other.telling(OTHER_KEY, asked.nonce).devices))}


def _unsigned(responses: list[Doc]) -> list[Doc]:
    """The TCB info with a level changed under the old signature."""
    body = base64.b64decode(responses[0]["body_base64"]).replace(b'"pcesvn":11', b'"pcesvn":10')
    return [{**responses[0], "body_base64": b64(body)}, *responses[1:]]


_AFTER: Mapping[Lie | None, After] = {
    Lie.ECHOED_NONCE: lambda m, doc, asked: state(doc, asked.nonce),
    Lie.STATED_NONCE: _in("challenge", nonce=OLD_NONCE.hex()),
    Lie.STATED_REPORT_DATA: _in("challenge", report_data=bytes(64).hex()),
    Lie.STATED_KEYS: _endorsed(crypto_material_hash=bytes(32).hex()),
    Lie.STATED_DEVICES: _endorsed(device_evidence_hash=bytes(32).hex()),
    Lie.SWAPPED_TLS_KEY: _rewritten(lambda m, doc, asked: _keys(m, asked.tls)),
    Lie.SWAPPED_HPKE_KEY: _rewritten(lambda m, doc, asked: _keys(Machine(), asked.tls)),
    Lie.DUPLICATE_KEY_INSIDE: _rewritten(_doubled),
    Lie.GPU_SPLICED: _rewritten(_spliced),
    Lie.UNKNOWN_FORMAT: lambda m, doc, asked: {**doc, "format": "https://tinfoil.sh/predicate/attestation/v5"},
    Lie.DUMMY: lambda m, doc, asked: {"format": "https://tinfoil.sh/predicate/dummy/v2", "body": bytes(64).hex()},
    Lie.UNKNOWN_DERIVATION: _in("challenge", report_data_algorithm="https://tinfoil.sh/report-data/v0"),
    Lie.UNKNOWN_CPU: _in("cpu_evidence", format="https://tinfoil.sh/format/sev-es/v1"),
    Lie.UNKNOWN_MEMBER: lambda m, doc, asked: {**doc, "verified": True},
    Lie.MISSING_MEMBER: lambda m, doc, asked: {k: v for k, v in doc.items() if k != "device_evidence"},
    Lie.UPPER_CASE: lambda m, doc, asked: _in("challenge", nonce=asked.nonce.hex().upper())(m, doc, asked),
    Lie.LOOSE_BASE64: lambda m, doc, asked: {**doc, "crypto_material": doc["crypto_material"] + "\n"},
    Lie.NOT_A_NUMBER: _collateral(lambda c: [{**c[0], "data": {"x": float("nan")}}]),
    Lie.SNP_NO_KEY: _collateral(lambda c: c[1:]),
    Lie.SNP_TWO_KEYS: _collateral(lambda c: [*c, {**c[0], "id": "again"}]),
    Lie.PCS_MISSING: _collateral(lambda c: []),
    Lie.PCS_TWICE: _responses(lambda r: [*r, r[0]]),
    Lie.PCS_UNSIGNED: _responses(_unsigned),
}  # fmt: skip


_BYTES: Mapping[Lie | None, Callable[[bytes], bytes]] = {
    Lie.DUPLICATE_KEY: lambda raw: b'{"format":"x",' + raw[1:],
    Lie.TRAILING_JSON: lambda raw: raw + b"{}",
    Lie.BYTE_ORDER_MARK: lambda raw: b"\xef\xbb\xbf" + raw,
    Lie.NOT_JSON: lambda raw: b"<html>It works!</html>",
    Lie.HUGE: lambda raw: raw + b" " * v3.MAX_DOCUMENT_BYTES,
}
_PACKED: Mapping[Lie | None, Callable[[bytes], bytes]] = {
    Lie.V2_BOMB: lambda raw: gzip.compress(raw + bytes(BOMB_BYTES)),
    Lie.V2_TRAILING: lambda raw: gzip.compress(raw) + b"\0",
    Lie.V2_TWO_MEMBERS: lambda raw: gzip.compress(raw[:100]) + gzip.compress(raw[100:]),
    Lie.V2_CUT: lambda raw: gzip.compress(raw)[:-4],
    Lie.V2_ZLIB: zlib.compress,
}


def hardware(m: Machine, lie: Lie | None) -> Hardware:
    """How the CPU answers under this lie."""
    old = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    shared = snp.shared_platform()
    made: dict[Lie | None, Callable[[], Hardware]] = {
        Lie.TAMPERED: lambda: Hardware(spoil=lambda raw: _spoiled(raw, 0x90 if m.tee == "snp" else 200)),
        Lie.REPORT_TRAILING: lambda: Hardware(spoil=lambda raw: raw + b"\1"),
        Lie.REPORT_TRUNCATED: lambda: Hardware(spoil=lambda raw: raw[:-1]),
        Lie.DEBUG: lambda: Hardware(
            snp.Guest(policy=POLICY | POLICY_DEBUG), intel.Guest(attributes=intel.SEPT_VE_DISABLE | 1)
        ),
        Lie.WRONG_MEASUREMENT: lambda: Hardware(snp.Guest(measurement=BAD), intel.Guest(mrtd=BAD)),
        Lie.SNP_VMPL_1: lambda: Hardware(snp.Guest(vmpl=1)),
        Lie.SNP_OLD_TCB: lambda: Hardware(snp.Guest(tcb=OLD_TCB), chip=shared.make_chip(tcb=OLD_TCB)),
        Lie.SNP_FALSE_ROOT: lambda: Hardware(platform=snp.shared_platform(VENDOR)),
        Lie.SNP_EXPIRED_KEY: lambda: Hardware(chip=shared.make_chip(end=old)),
        Lie.SNP_OTHER_CHIP: lambda: Hardware(shown=shared.make_chip()),
        Lie.CRL_REVOKED: lambda: Hardware(crl=shared.crl((snp.ASK_SERIAL,))),
        Lie.CRL_EXPIRED: lambda: Hardware(crl=pki.revocation_list(shared.root_name, shared.root_key, end=old)),
        Lie.CRL_FOREIGN: lambda: Hardware(crl=snp.shared_platform(VENDOR).crl()),
        Lie.TDX_IS_SGX: lambda: Hardware(spoil=lambda raw: intel.shared_intel().sgx_quote(raw[568:632])),
        Lie.PCS_STALE: lambda: Hardware(pcs={"now": m.now - dt.timedelta(60)}),
        Lie.PCS_REVOKED: lambda: Hardware(pcs={"parts": {"pck_crl": _revoking(m)}}),
        Lie.PCS_OUT_OF_DATE: lambda: Hardware(pcs={"info": {"tcbStatus": "OutOfDate"}}),
    }
    return made[lie]() if lie in made else Hardware()


def _spoiled(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ 1,)) + raw[at + 1 :]


def _revoking(m: Machine) -> str:
    made = intel.shared_intel()
    return made.crl(intel.PLATFORM, m.now, revoked=(made.pck,)).hex()


_DRAFT: Mapping[Lie | None, After] = {
    Lie.ECHOED_NONCE: lambda m, doc, asked: _in("report_data", nonce=asked.nonce.hex())(m, doc, asked),
    Lie.STATED_NONCE: _in("report_data", nonce=OLD_NONCE.hex()),
    Lie.STATED_DEVICES: _in("report_data", gpu_evidence_hash=bytes(32).hex()),
    Lie.SWAPPED_TLS_KEY: lambda m, doc, asked: _in("report_data", tls_key_fp=asked.tls.hex())(m, doc, asked),
    Lie.SWAPPED_HPKE_KEY: lambda m, doc, asked: _in("report_data", hpke_key=Machine().keys.secret.public.hex())(
        m, doc, asked
    ),
    Lie.LOW_ORDER_KEY: _in("report_data", hpke_key=bytes(32).hex()),
    Lie.GPU_SPLICED: lambda m, doc, asked: _draft_spliced(m, doc, asked),
    Lie.UNKNOWN_CPU: _in("cpu", platform="sev-es"),
    Lie.UNKNOWN_MEMBER: lambda m, doc, asked: {**doc, "verified": True},
}


def _draft_spliced(m: Machine, doc: Doc, asked: Asked) -> Doc:
    other = collection(Machine(m.tee, gpus=len(m.gpus)).evidence(asked.nonce), result=False)
    return {**doc, "gpu": other, "report_data": {**doc["report_data"], "gpu_evidence_hash": sha256(dump(other)).hex()}}


_SERVER = frozenset({Lie.HTTP_500, Lie.KEY_ROTATION})
_HARDWARE = frozenset({Lie.TAMPERED, Lie.REPORT_TRAILING, Lie.REPORT_TRUNCATED, Lie.DEBUG, Lie.WRONG_MEASUREMENT})
_GUESTS = frozenset({Lie.SNP_VMPL_1, Lie.SNP_OLD_TCB, Lie.SNP_FALSE_ROOT, Lie.SNP_EXPIRED_KEY, Lie.TDX_IS_SGX})
_DEVICES = frozenset({
    Lie.OLD_NONCE, Lie.OTHER_TLS_KEY, Lie.BAD_TAIL, Lie.GPU_OLD_NONCE, Lie.GPU_ECHOED_NONCE, Lie.GPU_TWICE,
    Lie.GPU_MISSING, Lie.GPU_FEWER, Lie.GPU_TAMPERED, Lie.GPU_FALSE_ROOT, Lie.GPU_IS_SWITCH, Lie.SWITCH_TAMPERED,
    Lie.SWITCH_ALONE,
})  # fmt: skip
_TEE_OF = {"snp_": "snp", "crl_": "snp", "tdx_": "tdx", "pcs_": "tdx"}


def applies(tee: str, form: Form, lie: Lie) -> bool:
    """Whether this lie can be told by such a machine in this form; :func:`present` is asked for no other."""
    if _TEE_OF.get(lie.value[:4], tee) != tee:
        return False
    if lie in _SERVER or lie in _HARDWARE | _GUESTS or lie in _BYTES:
        return True
    if form is Form.V2:
        return lie in _PACKED or lie is Lie.OTHER_TLS_KEY
    return lie in _DEVICES or lie in _DRAFT if form is Form.DRAFT else lie not in _PACKED


def _honest(_: Machine, t: Telling) -> None:
    pass


def _unchanged(_: Machine, doc: Doc, asked: Asked) -> Doc:
    return doc


def present(m: Machine, form: Form, lie: Lie | None, tls: bytes, nonce: bytes) -> bytes:
    """The document for this TLS key (SHA-256 of its SPKI) and nonce, honest unless told otherwise.

    Raises ValueError for a lie that this machine cannot tell: a test with it would show nothing.
    """
    if lie is not None and not applies(m.tee, form, lie):
        raise ValueError(f"{lie.value} does not apply here")
    if lie is Lie.V2_FOR_V3 or form is Form.V2:
        shown = OTHER_KEY if lie is Lie.OTHER_TLS_KEY else tls
        doc = m.version_2(shown, hardware(m, lie), _PACKED.get(lie))
    else:
        t = m.telling(tls, nonce)
        t.hardware = hardware(m, lie)
        _BEFORE.get(lie, _honest)(m, t)
        draft = lie is Lie.DRAFT_FOR_V3 or form is Form.DRAFT
        after = (_DRAFT if draft else _AFTER).get(lie, _unchanged)
        doc = after(m, m.draft(t) if draft else m.version_3(t), Asked(tls, nonce))
    return _BYTES.get(lie, bytes)(dump(doc))
