"""Measurement files: strict, with every problem and its line."""

import datetime as dt

import pytest

from attestation.expectations import BadExpectations, load_expectations
from attestation.types import Expectations

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
        ("[sev-snp]", "[sgx]", 2),
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
