"""The vendors that the job asks, and the clock that it reads."""

import pytest
from attested import NOW
from egress_support import Events, HandClock
from fake_vendors import FakeVendors
from published import TRUST

from attestation.trust import VENDORS
from proxy.collateral.job import CollateralJob
from proxy.egress import VendorDoor


@pytest.fixture
async def vendors():
    async with FakeVendors() as v:
        yield v


@pytest.fixture
def clock():
    return HandClock(NOW)


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def job(vendors, clock, events, tmp_path):
    made = CollateralJob(tmp_path, VendorDoor(vendors.instead), clock, VENDORS, TRUST, on_event=events,
                         chain=vendors.chain, spread=lambda: 0.0)  # fmt: skip
    made.load()
    return made
