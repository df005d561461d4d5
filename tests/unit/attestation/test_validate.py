"""Each rule of validation refuses on its own, and empty expectations refuse always."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import BINDING, TODAY, claims, wanted

from attestation.types import Rejected, Status
from attestation.validate import validate


def refused(got=None, want=None, now=TODAY, binding=BINDING) -> set[str]:
    with pytest.raises(Rejected) as e:
        validate(got or claims(), want or wanted(), now, binding)
    return {f.partition(":")[0] for f in e.value.failures}


def test_the_honest_guest_passes_every_check():
    checks = validate(claims(), wanted(), TODAY, BINDING)
    assert len({c.id for c in checks}) == len(checks) == 10
    assert {c.status for c in checks} == {Status.PASS}


@pytest.mark.parametrize(
    ("field", "empty"),
    [("tees", frozenset()), ("measurements", {}), ("minimum_tcb", {}), ("vmpl", frozenset()), ("approved_by", " ")],
)
def test_an_empty_expectation_is_refused(field, empty):
    assert "expectations.complete" in refused(want=replace(wanted(), **{field: empty}))


def test_an_approval_holds_to_its_last_day_and_no_longer():
    last = dt.date(2027, 3, 31)
    assert validate(claims(), wanted(), last, BINDING)
    assert refused(now=last + dt.timedelta(days=1)) == {"expectations.approved"}


def test_simulated_claims_need_permission():
    assert refused(want=replace(wanted(), allow_simulated=False)) == {"simulated"}


def test_permission_for_simulated_claims_does_not_hurt_real_ones():
    assert validate(replace(claims(), simulated=False), wanted(), TODAY, BINDING)


def test_another_tee_is_refused():
    assert refused(replace(claims(), tee="tdx")) == {"tee"}


def test_an_unapproved_measurement_is_refused():
    assert refused(replace(claims(), measurement=bytes(48))) == {"measurement"}


def test_a_debuggable_guest_is_refused():
    assert refused(replace(claims(), debug=True)) == {"debug"}


def test_another_vmpl_is_refused():
    assert refused(replace(claims(), vmpl=1)) == {"vmpl"}


@pytest.mark.parametrize("status", ["provisional", "", "unknown", "COMMITTED"])
def test_any_tcb_status_but_committed_is_refused(status):
    assert refused(replace(claims(), tcb_status=status)) == {"tcb.status"}


@pytest.mark.parametrize("component", ["bootloader", "snp", "microcode"])
def test_each_tcb_component_has_its_minimum(component):
    tcb = dict(claims().tcb)
    tcb[component] -= 1
    assert refused(replace(claims(), tcb=tcb)) == {"tcb.minimum"}


def test_a_component_that_the_platform_does_not_report_is_refused():
    assert refused(want=replace(wanted(), minimum_tcb={"fmc": 0})) == {"tcb.minimum"}


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_report_data_must_match_in_every_byte(at):
    other = bytearray(BINDING)
    other[at] ^= 1
    assert refused(binding=bytes(other)) == {"binding"}


@pytest.mark.parametrize("binding", [b"", BINDING[:32], BINDING + b"\0"])
def test_a_binding_of_another_length_is_refused(binding):
    assert refused(binding=binding) == {"binding"}
    assert refused(replace(claims(), report_data=binding), binding=binding) == {"binding"}


def test_all_failures_are_reported_at_once():
    got = replace(claims(), debug=True, vmpl=2, tee="sgx", measurement=b"", tcb_status="provisional", tcb={})
    want = replace(wanted(), allow_simulated=False, approved_until=dt.date(2020, 1, 1), approved_by="")
    ids = {c.id for c in validate(claims(), wanted(), TODAY, BINDING)}
    assert refused(got, want, binding=bytes(64)) == ids
