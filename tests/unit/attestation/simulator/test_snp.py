"""The simulated platform is shaped like the real one and trusted by nobody by default."""

from attested import BINDING, platform, vector

from attestation.simulator.snp import SIMULATOR, VENDOR, shared_platform
from attestation.snp.report import parse_report
from attestation.trust import AMD, SimulatedTrust
from attestation.x509 import load_certificate


def test_the_platform_of_a_process_is_made_once():
    assert shared_platform() is shared_platform()
    assert shared_platform(SIMULATOR) is shared_platform(SIMULATOR)
    assert shared_platform() is not shared_platform(VENDOR)


def test_its_root_is_no_vendor_root():
    assert platform().root not in AMD.roots
    assert platform().trust == SimulatedTrust(platform().root)


def test_names_have_the_shape_of_the_vendors():
    real = load_certificate(vector("snp/milan_virtee/vcek_milan.der"))
    ours = load_certificate(platform().chip.certificate)
    assert [a.oid for a in ours.subject] == [a.oid for a in real.subject]


def test_every_new_chip_is_another_one():
    first, second = platform().make_chip(), platform().make_chip()
    assert first.chip_id != second.chip_id
    assert parse_report(platform().report(BINDING, None, second)).chip_id == second.chip_id
