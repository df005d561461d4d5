"""Measurement files: strict, with every problem and its line."""

import datetime as dt

import pytest

from attestation.expectations import MEASUREMENT_BYTES, TCB_COMPONENTS, BadExpectations, load_expectations, revision
from attestation.types import Expectations, Unpinned
from attestation.validate import NEEDS_MINIMUM, REQUIRED_FACTS, REQUIRED_REGISTERS

HEX = "ab" * 48
GOOD = f"""\
name: clinic-enclave
tees: [sev-snp]
measurements:
  release-1: {HEX}
  release-2: "{"01" * 48}"
minimum_tcb: {{bootloader: 10, snp: 23, microcode: 84}}
approved_by: privacy@clinic.example
approved_until: 2027-03-31
"""


def problems(text: str) -> list[str]:
    with pytest.raises(BadExpectations) as e:
        load_expectations(text, source="clinic.yaml")
    return list(e.value.problems)


def test_a_good_file_becomes_expectations():
    assert load_expectations(GOOD) == Expectations(
        name="clinic-enclave",
        tees=frozenset({"sev-snp"}),
        measurements={bytes.fromhex(HEX): "release-1", b"\1" * 48: "release-2"},
        minimum_tcb={"bootloader": 10, "snp": 23, "microcode": 84},
        approved_by="privacy@clinic.example",
        approved_until=dt.date(2027, 3, 31),
        allow_simulated=False,
        vmpl=frozenset({0}),
    )


def test_optional_keys_are_read():
    want = load_expectations(GOOD + "allow_simulated: true\nvmpl: [0, 1]\n")
    assert want.allow_simulated
    assert want.vmpl == {0, 1}


@pytest.mark.parametrize("key", ["name", "tees", "measurements", "minimum_tcb", "approved_by", "approved_until"])
def test_each_key_is_required(key):
    lines = [line for line in GOOD.splitlines() if not line.startswith((key, "  ") if key == "measurements" else key)]
    assert problems("\n".join(lines)) == [f"clinic.yaml:1: {key} is missing"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[sev-snp]", "[]", 2),
        ("[sev-snp]", "[sgx1]", 2),
        ("[sev-snp]", "[nvidia-spdm]", 2),
        ("[sev-snp]", "[tdx]", 4),
        ("[sev-snp]", "sev-snp", 2),
        (HEX, HEX[:-2], 4),
        (HEX, HEX.upper(), 4),
        (HEX, "any", 4),
        (HEX, "01" * 48, 5),
        ("release-2", "release-1", 5),
        ("{bootloader: 10, snp: 23, microcode: 84}", "{}", 6),
        ("snp: 23", "snp: 256", 6),
        ("snp: 23", "snp: -1", 6),
        ("snp: 23", "firmware: 23", 6),
        ("privacy@clinic.example", '" "', 7),
        ("privacy@clinic.example", "", 7),
        ("2027-03-31", "2027-02-30", 8),
        ("2027-03-31", "never", 8),
        ("name: clinic-enclave", "name: Clinic Enclave", 1),
        ("name: clinic-enclave", "name: &a clinic", 1),
        ("name: clinic-enclave", "name: !!python/name:os.system clinic", 1),
        ("approved_by: ", "name: twice\napproved_by: ", 7),
        ("approved_by: ", "unpinned: true\napproved_by: ", 7),
        ("2027-03-31", "2027-03-31\nallow_simulated: yes", 9),
        ("2027-03-31", "2027-03-31\nvmpl: [4]", 9),
        ("2027-03-31", "2027-03-31\nvmpl: []", 9),
        ("2027-03-31", "2027-03-31\n---\nname: second", 9),
        ("[sev-snp]", "[sev-snp", 3),
    ],
)
def test_a_bad_value_is_named_with_its_line(old, new, line):
    found = problems(GOOD.replace(old, new, 1))
    assert found
    assert any(p.startswith(f"clinic.yaml:{line}: ") for p in found), found


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "text", "\x00", "[" * 5000, "a: " + "b" * 70_000])
def test_a_file_that_is_no_mapping_is_refused(text):
    assert problems(text)


def test_all_problems_are_reported_at_once():
    bad = GOOD.replace("sev-snp", "sgx").replace("snp: 23", "snp: 999").replace("2027-03-31", "later")
    assert len(problems(bad)) >= 3


TDX = f"""\
name: clinic-td
tees: [tdx]
measurements:
  release-1: {{mrtd: {HEX}, rtmr1: {HEX}, rtmr2: {HEX}}}
tcb_allow: [SWHardeningNeeded]
advisories_allow: [INTEL-SA-00615]
facts: {{fmspc: [50806f000000]}}
max_age: 300
approved_by: privacy@clinic.example
approved_until: 2027-03-31
"""


def test_an_image_may_have_several_registers():
    want = load_expectations(TDX)
    assert want.registers == {"release-1": dict.fromkeys(("mrtd", "rtmr1", "rtmr2"), bytes.fromhex(HEX))}
    assert (want.measurements, want.minimum_tcb, want.max_age_s) == ({}, {}, 300)
    assert (want.tcb_allow, want.advisories_allow) == ({"SWHardeningNeeded"}, {"INTEL-SA-00615"})
    assert want.facts == {"fmspc": frozenset({"50806f000000"})}


def test_unpinned_is_spelled_out():
    text = TDX.replace(f"measurements:\n  release-1: {{mrtd: {HEX}, rtmr1: {HEX}, rtmr2: {HEX}}}",
                       "unpinned: {reason: pilot, approved_by: dpo@clinic.example, until: 2026-12-31}")  # fmt: skip
    assert load_expectations(text).unpinned == Unpinned("pilot", "dpo@clinic.example", dt.date(2026, 12, 31))
    assert problems(text.replace("reason: pilot, ", ""))
    assert problems(text.replace("reason: pilot", "reason: ''"))
    assert problems(text + f"measurements: {{release-1: {{mrtd: {HEX}, rtmr1: {HEX}, rtmr2: {HEX}}}}}\n")


@pytest.mark.parametrize(("old", "new"), [
    ("rtmr1: ", "rtmr0: "), ("{mrtd", "{x: zz, mrtd"), ("max_age: 300", "max_age: 0"), ("max_age: 300", "max_age: 5m"),
    ("[SWHardeningNeeded]", "[]"), ("[SWHardeningNeeded]", "all"), ("[50806f000000]", "[]"), ("[50806f000000]", "x"),
    ("approved_by", "status: unapproved\napproved_by"), ("approved_by", "status: approved\napproved_by"),
])  # fmt: skip
def test_an_odd_value_is_a_problem(old, new):
    assert problems(TDX.replace(old, new, 1))


def test_every_tee_with_expectations_has_its_tables():
    assert set(MEASUREMENT_BYTES) == set(TCB_COMPONENTS) == set(REQUIRED_REGISTERS)
    assert set(REQUIRED_FACTS) | NEEDS_MINIMUM <= set(MEASUREMENT_BYTES)


WAIVER = "waive: {td.sept-ve: {reason: first DCe machines, approved_by: dpo@clinic.example, until: 2026-12-31}}\n"


def test_a_waiver_names_its_check_and_who_decided():
    want = load_expectations(TDX + WAIVER)
    assert want.waive == {"td.sept-ve": Unpinned("first DCe machines", "dpo@clinic.example", dt.date(2026, 12, 31))}
    for old, new in (("td.sept-ve", "debug"), ("reason: first DCe machines, ", ""), ("2026-12-31", "never"),
                     (", until: 2026-12-31", ""), ("{td.sept-ve: {", "{td.sept-ve: {x: y, ")):  # fmt: skip
        assert problems(TDX + WAIVER.replace(old, new)), new


def test_every_demand_is_in_the_revision():
    texts = [TDX, TDX + WAIVER, TDX + WAIVER.replace("2026-12-31", "2026-12-30"), TDX.replace("300", "301"),
             TDX.replace(HEX, "01" * 48, 1), TDX.replace("release-1", "release-2"),
             TDX.replace("SWHardeningNeeded", "X"),
             TDX.replace("clinic-td", "clinic-te"), TDX.replace("50806f000000", "50806f000001"),
             TDX.replace("2027-03-31", "2027-03-30"), TDX.replace("privacy@", "dpo@"),
             TDX + "vmpl: [1]\n", TDX + "allow_simulated: true\n", GOOD]  # fmt: skip
    revisions = {revision(load_expectations(text)) for text in texts}
    assert len(revisions) == len(texts)
    assert revision(load_expectations(TDX)) == revision(load_expectations(TDX + "# a remark\n"))
