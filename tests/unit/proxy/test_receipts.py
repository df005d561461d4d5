"""Used receipts in bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Misuse
from proxy.receipts import Spent


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(1, 8))
def test_no_receipt_is_ever_taken_twice(seqs: list[int], remembered: int) -> None:
    spent, taken = Spent(remembered), []
    for seq in seqs:
        try:
            spent.spend(seq)
        except Misuse:
            continue
        taken.append(seq)
    assert len(taken) == len(set(taken))


def test_receipts_may_be_used_out_of_order_within_memory() -> None:
    spent = Spent(3)
    for seq in (5, 3, 4):
        spent.spend(seq)
    spent.spend(6)  # forgets 3 by refusing everything up to it
    for old in (1, 2, 3, 4):
        with pytest.raises(Misuse):
            spent.spend(old)
