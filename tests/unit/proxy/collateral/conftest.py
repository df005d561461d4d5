"""The vendors that the job asks, and the clock that it reads."""

import pytest
from attested import NOW
from egress_support import HandClock
from fake_vendors import FakeVendors


@pytest.fixture
async def vendors():
    async with FakeVendors() as v:
        yield v


@pytest.fixture
def clock():
    return HandClock(NOW)
