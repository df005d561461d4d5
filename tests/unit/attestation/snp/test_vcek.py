"""What a key certificate says, and what it must not say."""

import pytest
from attested import platform, vector

from attestation.simulator import pki
from attestation.simulator.snp import TCB, vcek_extensions
from attestation.snp.vcek import AMD_OID, KeyKind, parse_endorsement
from attestation.types import Malformed
from attestation.x509 import load_certificate

SIM = platform()
HWID = bytes(range(1, 65))


def endorsement(product: str = "Genoa", hwid: bytes = HWID, name: str = "SEV-VCEK", **changes: bytes | None):
    values = vcek_extensions(product, TCB, hwid)
    for oid, value in changes.items():
        values[AMD_OID + oid.removeprefix("x").replace("_", ".")] = value
    values = {oid: value for oid, value in values.items() if value is not None}
    subject = pki.name(name, "test")
    der = pki.issue(subject, SIM.chip.key.public_key(), SIM.ask_name, SIM.ask_key, extensions=values)
    return parse_endorsement(load_certificate(der))


def test_a_vcek_names_product_chip_and_firmware():
    got = endorsement()
    assert (got.kind, got.product, got.hwid) == (KeyKind.VCEK, "Genoa", HWID)
    assert got.tcb == {"bootloader": 10, "tee": 1, "snp": 23, "microcode": 184}


def test_turin_has_a_short_hwid_and_an_fmc_version():
    got = endorsement("Turin", HWID[:8])
    assert (got.product, got.hwid, got.tcb["fmc"]) == ("Turin", HWID[:8], 1)


def test_a_vlek_names_no_chip():
    got = endorsement(name="SEV-VLEK", x4=None)
    assert (got.kind, got.hwid) == (KeyKind.VLEK, None)


def test_an_hwid_may_come_as_an_octet_string():
    assert endorsement(x4=b"\x04\x40" + HWID).hwid == HWID


def test_a_product_name_may_carry_a_stepping():
    assert endorsement("Milan", x2=b"\x16\x08Milan-B0").product == "Milan"


@pytest.mark.parametrize("name", ["SEV-VCEK2", "SEV-ASK", "", "sev-vcek"])
def test_another_name_is_malformed(name):
    with pytest.raises(Malformed):
        endorsement(name=name or "-")


@pytest.mark.parametrize("oid", ["x2", "x3_1", "x3_2", "x3_3", "x3_8", "x4"])
def test_each_extension_is_required(oid):
    with pytest.raises(Malformed, match="lacks"):
        endorsement(**{oid: None})


@pytest.mark.parametrize(
    "changes",
    [
        {"x2": b"\x16\x06Naples"},
        {"x2": b"\x16\x05Gen"},
        {"x2": b"\x0c\x05Genoa"},
        {"x2": b""},
        {"x3_1": b"\x02\x01\x80"},
        {"x3_1": b"\x02\x02\x00\x10"},
        {"x3_1": b"\x02\x02\x01\x00"},
        {"x3_1": b"\x04\x01\x01"},
        {"x3_1": b"\x02\x01\x01\x00"},
        {"x3_1": b""},
        {"x4": HWID[:63]},
        {"x4": HWID[:8]},
        {"x4": b""},
        {"x3_9": b"\x02\x01\x01"},
        {"x3_4": b"\x02\x01\x01"},
    ],
)
def test_an_unreadable_or_contradictory_extension_is_malformed(changes):
    with pytest.raises(Malformed):
        endorsement(**changes)


def test_a_spare_component_of_zero_is_accepted():
    assert endorsement(x3_4=b"\x02\x01\x00").product == "Genoa"


def test_real_certificates_are_read():
    milan = parse_endorsement(load_certificate(vector("snp/milan_virtee/vcek_milan.der")))
    assert (milan.product, len(milan.hwid or b""), milan.tcb["microcode"]) == ("Milan", 64, 115)
    turin = parse_endorsement(load_certificate(vector("snp/milan_virtee/vcek_turin.der")))
    assert (turin.product, len(turin.hwid or b""), turin.tcb["microcode"]) == ("Turin", 8, 9)
    vlek = parse_endorsement(load_certificate(vector("snp/trustee_milan/test-vlek.der")))
    assert (vlek.kind, vlek.hwid, vlek.tcb["microcode"]) == (KeyKind.VLEK, None, 217)
    wrapped = parse_endorsement(load_certificate(vector("snp/trustee_milan/test-vcek-invalid-new.der")))
    assert wrapped.hwid == bytes(range(64))
