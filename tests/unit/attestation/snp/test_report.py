"""Reports: exact length, reserved parts zero, fields at their offsets."""

import pytest
from attested import BINDING, platform, vector

from attestation.simulator.snp import Guest
from attestation.snp.report import Cpuid, parse_report, product_of, tcb_components
from attestation.types import Malformed

RAW = platform().report(BINDING)
REPORTS = {version: platform().report(BINDING, Guest(version=version)) for version in range(2, 6)}


def changed(raw: bytes, offset: int, value: bytes) -> bytes:
    return raw[:offset] + value + raw[offset + len(value) :]


def test_fields_are_where_the_specification_puts_them():
    raw = bytearray(RAW)
    for offset, size in ((0x04, 4), (0x10, 16), (0x20, 16), (0xC0, 32), (0xE0, 48), (0x110, 48), (0x140, 32)):
        raw[offset : offset + size] = bytes((offset + i) % 251 for i in range(size))
    got = parse_report(bytes(raw))
    assert got.guest_svn == int.from_bytes(raw[4:8], "little")
    assert got.family_id == raw[0x10:0x20] and got.image_id == raw[0x20:0x30]
    assert got.report_data == BINDING and got.measurement == raw[0x90:0xC0]
    assert got.host_data == raw[0xC0:0xE0] and got.id_key_digest == raw[0xE0:0x110]
    assert got.author_key_digest == raw[0x110:0x140] and got.report_id == raw[0x140:0x160]
    assert got.chip_id == platform().chip.chip_id and got.signed == raw[:0x2A0]
    assert got.current_version == got.committed_version == (1, 55, 40)
    assert got.cpuid == Cpuid(0x19, 0x11, 1)


@pytest.mark.parametrize("version", REPORTS)
def test_each_version_is_read(version):
    got = parse_report(REPORTS[version])
    assert got.version == version
    assert (got.cpuid is None) == (version == 2)


@pytest.mark.parametrize("version", [0, 1, 6, 0x01000003])
def test_other_versions_are_malformed(version):
    with pytest.raises(Malformed, match="version"):
        parse_report(changed(RAW, 0, version.to_bytes(4, "little")))


@pytest.mark.parametrize("size", [0, 1, 0x2A0, 0x49F, 0x4A1, 4096])
def test_another_length_is_malformed(size):
    with pytest.raises(Malformed, match="bytes, got"):
        parse_report((RAW * 4)[:size])


@pytest.mark.parametrize(
    ("version", "start", "end"),
    [
        (3, 0x4C, 0x50),
        (2, 0x188, 0x1A0),
        (3, 0x18B, 0x1A0),
        (3, 0x1EB, 0x1EC),
        (3, 0x1EF, 0x1F0),
        (2, 0x1F8, 0x2A0),
        (4, 0x1F8, 0x2A0),
        (5, 0x208, 0x2A0),
        (3, 0x2D0, 0x2E8),
        (3, 0x318, 0x330),
        (3, 0x330, 0x4A0),
    ],
)
def test_every_reserved_byte_must_be_zero(version, start, end):
    for offset in range(start, end):
        with pytest.raises(Malformed, match="reserved"):
            parse_report(changed(REPORTS[version], offset, b"\x80"))


def test_version_5_has_mitigation_vectors():
    raw = changed(changed(REPORTS[5], 0x1F8, b"\x3f"), 0x200, b"\x1f")
    assert (parse_report(raw).launch_mitigations, parse_report(raw).current_mitigations) == (0x3F, 0x1F)


@pytest.mark.parametrize(("offset", "size", "first"), [(0x08, 8, 26), (0x40, 8, 8), (0x48, 4, 5)])
def test_every_reserved_bit_must_be_zero(offset, size, first):
    before = int.from_bytes(RAW[offset : offset + size], "little")
    for bit in range(first, size * 8):
        with pytest.raises(Malformed, match="reserved bits"):
            parse_report(changed(RAW, offset, (before | 1 << bit).to_bytes(size, "little")))


@pytest.mark.parametrize("vmpl", [4, 0xFFFFFFFF])
def test_a_vmpl_that_does_not_exist_is_malformed(vmpl):
    with pytest.raises(Malformed, match="VMPL"):
        parse_report(changed(RAW, 0x30, vmpl.to_bytes(4, "little")))


def test_signer_info_is_taken_apart():
    got = parse_report(changed(RAW, 0x48, b"\x06"))
    assert got.signing_key == 1
    assert got.chip_key_masked


@pytest.mark.parametrize(
    ("cpuid", "product"),
    [
        ((0x19, 0x01, 1), "Milan"),
        ((0x19, 0x11, 1), "Genoa"),
        ((0x19, 0xA0, 2), "Genoa"),
        ((0x1A, 0x02, 1), "Turin"),
        ((0x1A, 0x11, 0), "Turin"),
        ((0x17, 0x31, 0), None),
        ((0x19, 0x50, 0), None),
        ((0x1A, 0x50, 0), None),
        ((0, 0, 0), None),
    ],
)
def test_the_cpu_selects_the_product(cpuid, product):
    assert product_of(Cpuid(*cpuid)) == product


def test_turin_has_its_own_tcb_layout():
    raw = bytes((1, 3, 2, 5, 0, 0, 0, 97))
    assert tcb_components(raw, "Turin") == {"fmc": 1, "bootloader": 3, "tee": 2, "snp": 5, "microcode": 97}
    with pytest.raises(Malformed, match="reserved bytes of a Genoa TCB"):
        tcb_components(raw, "Genoa")


def test_real_reports_of_versions_2_to_5_are_read():
    assert parse_report(vector("snp/milan_virtee/report.bin")).version == 2
    assert parse_report(vector("openpcc/extracted/azure_sevsnp_report.bin")[0x20:0x4C0]).version == 3
    assert parse_report(vector("openpcc/extracted/gce_sevsnp_report.bin")).version == 4
    turin = parse_report(vector("snp/turin_v5_inf17/report.bin"))
    assert (turin.version, turin.launch_mitigations, turin.current_version) == (5, 0x3F, (1, 58, 3))
