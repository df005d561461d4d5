from __future__ import annotations

import dataclasses

import pytest

from proxy.audit.store import genuine, issue
from proxy.outbound import Receipt


def test_a_receipt_of_this_process_is_genuine_and_shows_no_digest() -> None:
    receipt = issue(7, "req", "openai", b"d" * 32)
    assert genuine(receipt)
    assert "dddd" not in repr(receipt)


@pytest.mark.parametrize("change", [{"seq": 8}, {"request_id": "other"}, {"upstream": "x"}, {"digest": b"e" * 32},
                                    {"nonce": b"n" * 16}, {"mac": b"m" * 32}])  # fmt: skip
def test_a_receipt_with_any_part_changed_is_not_genuine(change: dict[str, object]) -> None:
    assert not genuine(dataclasses.replace(issue(7, "req", "openai", b"d" * 32), **change))  # type: ignore[arg-type]  # parametrised


def test_parts_cannot_be_shifted_into_each_other() -> None:
    good = issue(1, "ab", "c", b"d" * 32)
    assert not genuine(Receipt(1, "a", "bc", good.digest, good.nonce, good.mac))


def test_two_receipts_for_the_same_intent_differ() -> None:
    assert issue(1, "a", "b", b"c").mac != issue(1, "a", "b", b"c").mac
