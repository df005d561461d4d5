from __future__ import annotations

from pathlib import Path

import pytest
from audit_support import LEASE, intent, outcome, refusal

from proxy.audit.record import control_json, record_json
from proxy.audit.words import words
from proxy.errors import Misuse

COMMON = {
    "request_id", "tenant", "app", "user_hash", "dialect", "route", "model", "sensitivity", "categories", "facts",
    "rules", "policy_revision", "digests",
}  # fmt: skip


def test_records_hold_the_documented_fields_and_nothing_else() -> None:
    made = record_json(intent(lease=LEASE))
    own = {"kind", "action", "zone", "upstream", "upstream_model", "transforms", "lease", "body_mac", "body_bytes"}
    own.add("asserted_tee")
    assert set(made) == COMMON | own
    assert set(record_json(refusal())) == COMMON | {"kind", "code", "zone", "upstream", "reasons"}
    assert made["lease"] == LEASE and made["rules"] == ["default:sensitivity:confidential", "patient-data"]
    assert record_json(outcome(1))["kind"] == "outcome" and "app" not in record_json(outcome(1))


def test_an_asserted_tee_reads_as_somebodys_word() -> None:
    read = {**record_json(intent(asserted_tee="privatemode")), "seq": 1, "at": "2026-11-21T12:00:00Z", "hash": "ab"}
    assert "privatemode says that a TEE answers there: NOT proven to this gate" in words(read)
    assert "TEE" not in words({**read, "asserted_tee": None})
    assert "TEE" not in words({k: v for k, v in read.items() if k != "asserted_tee"})  # a record of an older release


def test_a_control_event_about_an_intent_can_be_found_by_it() -> None:
    made = control_json("enclave_key_changed", {"ref_seq": 4, "upstream": "sealed", "failures": ["key_mismatch"]})
    assert (made["ref_seq"], made["upstream"]) == (4, "sealed")
    assert "ref_seq" not in control_json("started", {})


def test_a_value_in_a_record_is_our_own_bug() -> None:
    with pytest.raises(Misuse):
        record_json(intent(upstream_model="the patient has a fever"))


def test_every_field_of_a_record_is_explained_in_the_documentation() -> None:
    text = (Path(__file__).parents[4] / "docs" / "audit.md").read_text("utf-8")
    records = (record_json(intent(lease=LEASE)), record_json(refusal()), record_json(outcome(1)), control_json("x", {}))
    names = {*LEASE, "seq", "at", "prev_hash", "hash"}.union(*records)
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []
