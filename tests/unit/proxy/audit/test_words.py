"""A lease in words: what was proven, what was accepted all the same, and what nobody knows."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from audit_support import LEASE

from proxy.audit.canonical import plain
from proxy.audit.words import lease_words
from proxy.ports import Approval, LeaseInfo

INFO = LeaseInfo(
    "tdx", "ab" * 32, "UpToDate", "clinic", "ef" * 32, "cd" * 48, dt.datetime(2026, 11, 21, 13, tzinfo=dt.UTC),
    provider="tinfoil", nonce_bound=True, image="release-7", expectations_sha256="12" * 32, gpus=8,
)  # fmt: skip
DPO = Approval("dpo@clinic.example", "2026-12-31")


def told(**changes: object) -> str:
    info = dataclasses.replace(INFO, **changes)
    record = info.record()
    assert plain(record) == record, "it fits a record as it is"
    return "\n".join(lease_words(record))


def test_every_field_has_its_words() -> None:
    text = told()
    for part in ("tdx", "tinfoil", "abababab", "signs the question", "release-7", "cdcdcdcd", "'clinic'", "12121212",
                 "UpToDate", "advisories none", "8 verified", "over TLS", "efefefef",
                 "2026-11-21T13:00:00"):  # fmt: skip
        assert part in text
    for absent in ("SIMULATED", "WAIVED", "NOT", "NO ", "not checked"):
        assert absent not in text


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"simulated": True}, "SIMULATED: proves nothing"),
        ({"nonce_bound": False}, "NO question of ours: it may be older"),
        ({"unpinned": DPO, "image": ""}, "NOT PINNED: measurement cdcdcdcdcdcdcdcd… is not compared"),
        ({"unpinned": DPO, "image": ""}, "until 2026-12-31 by dpo@clinic.example"),
        ({"waived": {"td.sept-ve": DPO}}, "WAIVED: td.sept-ve failed; accepted until 2026-12-31 by dpo@clinic.example"),
        ({"unknown": ("crl", "chip-id")}, "not checked: crl, chip-id"),
        ({"advisories": ("INTEL-SA-00615",)}, "advisories INTEL-SA-00615"),
        ({"gpus": 0}, "GPUs: none verified"),
        ({"binding": "ehbp"}, "bodies sealed (EHBP) to the key efefefef"),
        ({"binding": "aci"}, "bodies sealed (ACI)"),
        ({"binding": "near"}, "bodies sealed (NEAR's fields)"),
    ],
)
def test_what_an_auditor_must_see_is_said(changes: dict[str, object], part: str) -> None:
    assert part in told(**changes)


def test_a_record_of_an_earlier_release_still_has_words() -> None:
    text = "\n".join(lease_words(LEASE))
    assert "approved in 'clinic-enclave'" in text and "over TLS" in text and "question" not in text
