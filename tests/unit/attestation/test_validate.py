"""Each rule of validation refuses on its own, and empty expectations refuse always."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import BINDING, NOW, TODAY, claims, wanted

from attestation.simulator.snp import MEASUREMENT
from attestation.types import Expectations, Rejected, Status, Unpinned
from attestation.validate import appraise, validate


def refused(got=None, want=None, now=TODAY, binding=BINDING) -> set[str]:
    try:
        validate(got or claims(), want or wanted(), now, binding)
    except Rejected as e:
        return {f.partition(":")[0] for f in e.failures}
    return set()


def test_the_honest_guest_passes_every_check():
    checks = validate(claims(), wanted(), TODAY, BINDING)
    assert len({c.id for c in checks}) == len(checks) == 13
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
    assert refused(replace(claims(), tee="maa-sevsnpvm")) == {"tee", "facts.pinned"}
    assert refused(replace(claims(), tee="nvidia-spdm")) == {"tee", "measurement"}


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
    got = replace(claims(), debug=True, vmpl=2, tee="maa-sgx", measurement=b"", tcb_status="provisional", tcb={})
    got = replace(got, advisories=("A",))
    want = replace(wanted(), allow_simulated=False, approved_until=dt.date(2020, 1, 1), approved_by="")
    want = replace(want, facts={"issuer": frozenset({"x"})})
    ids = {c.id for c in validate(claims(), wanted(), TODAY, BINDING)}
    assert refused(got, want, binding=bytes(64)) == ids


REGISTERS = {"mrtd": b"\1" * 48, "rtmr1": b"\2" * 48, "rtmr2": b"\3" * 48}


def td(**changes: object) -> set[str]:
    want = replace(wanted(), tees=frozenset({"tdx"}), minimum_tcb={}, registers={"release": REGISTERS})
    got = replace(claims(), tee="tdx", measurement=b"\1" * 48, measurements={**REGISTERS, "rtmr3": bytes(48)})
    demands = set(Expectations.__dataclass_fields__) - {"measurements"}
    more = {name: changes.pop(name) for name in demands & set(changes)}
    return refused(replace(got, tcb_status=changes.pop("tcb_status", "UpToDate"), **changes), replace(want, **more))


def test_every_register_of_an_image_must_match():
    assert td() == set()
    for name in REGISTERS:
        assert td(measurements={**REGISTERS, name: bytes(48)}) == {"measurement"}
        assert td(registers={"release": {k: v for k, v in REGISTERS.items() if k != name}}) == {"measurement"}
    assert td(registers={"release": {}}) == {"measurement"}
    assert td(registers={"old": {**REGISTERS, "rtmr1": bytes(48)}, "release": REGISTERS}) == set()


def test_the_first_register_alone_is_no_image_of_a_td():
    assert "measurement" in refused(
        replace(claims(), tee="tdx", measurement=MEASUREMENT, tcb_status="UpToDate"),
        replace(wanted(), tees=frozenset({"tdx"})),
    )


def test_a_status_or_advisory_must_be_accepted_by_name():
    assert td(tcb_status="SWHardeningNeeded") == {"tcb.status"}
    assert td(tcb_status="SWHardeningNeeded", tcb_allow=frozenset({"SWHardeningNeeded"})) == set()
    assert td(advisories=("INTEL-SA-1", "INTEL-SA-2"), advisories_allow=frozenset({"INTEL-SA-1"})) == {"tcb.advisories"}


def test_statements_must_be_as_demanded():
    want = replace(wanted(), facts={"product": frozenset({"Milan", "Turin"})})
    assert refused(want=want) == {"facts"}
    assert refused(want=replace(want, facts={"product": frozenset({"Genoa"})})) == set()
    assert refused(want=replace(want, facts={"nothing": frozenset({"Genoa"})})) == {"facts"}


def test_a_service_signs_for_everybody_so_its_statements_are_pinned():
    got = replace(claims(), tee="google-cs", facts={"audience": "me"})
    want = replace(wanted(), tees=frozenset({"google-cs"}), minimum_tcb={})
    assert refused(got, want) == {"facts.pinned"}
    assert refused(got, replace(want, facts={"audience": frozenset({"me"})})) == set()
    assert refused(got, replace(want, facts={"audience": frozenset()})) == {"facts.pinned", "facts"}


def test_age_needs_a_signed_time_or_what_was_asked():
    want = replace(wanted(), max_age_s=300)
    assert refused(want=want) == set()
    assert refused(replace(claims(), bound={}), want) == {"max-age"}
    for seconds, bad in ((299, set()), (301, {"max-age"})):
        signed = replace(claims(), signed_at=NOW - dt.timedelta(seconds=seconds))
        assert refused(signed, want, now=NOW) == bad


def test_any_image_is_accepted_only_where_somebody_said_so_and_visibly():
    any_image = Unpinned("pilot", "dpo@acme.example", TODAY)
    want = replace(wanted(), measurements={}, unpinned=any_image)
    found = {c.id: c.status for c in validate(claims(), want, TODAY, BINDING)}
    assert found["measurement"] is Status.WAIVED
    assert refused(want=want, now=TODAY + dt.timedelta(1)) == {"measurement"}
    assert refused(replace(claims(), measurement=b""), want) == {"measurement"}


def test_several_signed_fields_may_bind_a_channel():
    got = replace(claims(), bound={"nonce": b"n", "public_key": b"k"})
    assert validate(got, wanted(), TODAY, {"nonce": b"n", "public_key": b"k"})
    for fields in ({"nonce": b"n", "public_key": b"x"}, {"user_data": b""}, {"user_data": b"k"}, {}, {"nonce": b""}):
        assert refused(got, binding=fields) == {"binding"}


def test_evidence_without_a_channel_can_be_appraised():
    found = {c.id: c.status for c in appraise(claims(), wanted(), TODAY)}
    assert "binding" not in found
    assert set(found.values()) == {Status.PASS}
