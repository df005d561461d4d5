"""What an endpoint showed becomes a file that nobody can use before somebody has approved it."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import BINDING, NOW, claims, wanted
from published import INTEL, TRUST

from attestation.draft import draft
from attestation.expectations import BadExpectations, load_expectations
from attestation.simulator.tokens import shared_services
from attestation.trust import VENDORS
from attestation.types import Evidence, Malformed
from attestation.validate import validate
from attestation.verify import verify

URL = "https://inference.example/v1"


def problems(text: str) -> list[str]:
    with pytest.raises(BadExpectations) as e:
        load_expectations(text, source="d.yaml")
    return list(e.value.problems)


def approved(text: str, source: str = "reproducible build of v1.4, compared by the platform team") -> str:
    text = "\n".join(line for line in text.splitlines() if not line.startswith("status"))
    text = text.replace('source: ""', f'source: "{source}"').replace(
        'approved_by: ""', "approved_by: dpo@clinic.example"
    )
    return text.replace('approved_until: ""', "approved_until: 2027-03-31")


def some(kind: str):
    sim = shared_services()
    if kind == "snp":
        return claims()
    if kind == "tdx":
        return verify(Evidence("tdx", INTEL.tdx_quote(BINDING)), NOW, VENDORS, TRUST, INTEL.collateral(NOW))
    if kind == "sgx":
        quote = Evidence("sgx", INTEL.sgx_quote(BINDING))
        return verify(quote, NOW, VENDORS, TRUST, INTEL.collateral(NOW, sgx=True))
    made = {"maa": sim.maa_sgx, "google": sim.google}[kind](NOW)
    return verify(sim.evidence(kind, made), NOW, VENDORS, sim.trust)


@pytest.mark.parametrize("kind", ["snp", "sgx", "maa", "google"])
def test_a_draft_is_refused_with_every_reason_and_its_line(kind):
    text = draft(some(kind), "clinic", URL, NOW)
    lines = text.splitlines()
    got = problems(text)
    for start in ("status:", "source:", "approved_by:", "approved_until:"):
        line = next(i for i, found in enumerate(lines, 1) if found.startswith(start))
        assert any(p.startswith(f"d.yaml:{line}: ") for p in got), (start, got)
    assert len(got) == 4


@pytest.mark.parametrize("kind", ["snp", "sgx", "maa", "google"])
def test_an_approved_draft_describes_exactly_what_was_shown(kind):
    found = some(kind)
    want = load_expectations(approved(draft(found, "clinic", URL, NOW)))
    assert want.fetched_from == URL
    assert want.source.startswith("reproducible build")
    binding = {next(iter(found.bound)): next(iter(found.bound.values()))}
    validate(found, replace(want, allow_simulated=True), NOW, binding)


def test_registers_that_are_empty_name_no_image():
    with pytest.raises(Malformed):
        draft(some("tdx"), "clinic", URL, NOW)  # the simulator's quote has empty RTMRs


def test_several_registers_are_named():
    found = some("tdx")
    full = replace(found, measurements={**found.measurements, **{f"rtmr{i}": bytes([i + 1]) * 48 for i in range(4)}})
    want = load_expectations(approved(draft(full, "clinic", URL, NOW)))
    assert set(want.registers["shown-2026-11-21"]) == {"mrtd", "rtmr0", "rtmr1", "rtmr2"}
    nitro = replace(found, tee="nitro", measurements={f"pcr{i}": bytes([i + 1]) * 48 for i in range(3)})
    want = load_expectations(approved(draft(nitro, "clinic", URL, NOW)))
    assert set(want.registers["shown-2026-11-21"]) == {"pcr0", "pcr1", "pcr2"}


def test_what_would_have_to_be_accepted_is_shown_and_not_accepted():
    found = replace(claims(), tcb_status="OutOfDate", advisories=("INTEL-SA-1",))
    text = draft(found, "clinic", URL, NOW)
    assert "# tcb_allow: [OutOfDate]" in text
    want = load_expectations(approved(text))
    assert (want.tcb_allow, want.advisories_allow) == (frozenset(), frozenset())


@pytest.mark.parametrize("source", ["", "  ", "shown by inference.example", "https://INFERENCE.example/.well-known/x"])
def test_the_endpoint_is_no_source_of_what_it_should_be(source):
    got = problems(approved(draft(claims(), "clinic", URL, NOW), source))
    assert len(got) == 1
    assert "source" in got[0] or "where the measurements come from" in got[0]


def test_a_fetched_file_without_a_source_names_the_line():
    text = "\n".join(
        x for x in approved(draft(claims(), "clinic", URL, NOW)).splitlines() if not x.startswith("source")
    )
    line = next(i for i, found in enumerate(text.splitlines(), 1) if found.startswith("fetched_from"))
    assert problems(text) == [
        f"d.yaml:{line}: fetched measurements need a source: a build or a release that somebody checked"
    ]


@pytest.mark.parametrize("url", ["http://inference.example", "inference.example", "https://", "https://a b"])
def test_where_it_was_fetched_from_is_a_url(url):
    text = approved(draft(claims(), "clinic", URL, NOW)).replace(URL, url)
    assert any("fetched_from" in p for p in problems(text))


def test_older_files_need_neither():
    want = wanted()
    assert (want.source, want.fetched_from) == ("", "")


@pytest.mark.parametrize("name", ["", "Clinic", "a\nstatus: x", "../x"])
def test_a_name_is_one(name):
    with pytest.raises(Malformed):
        draft(claims(), name, URL, NOW)


def test_text_of_evidence_cannot_write_into_the_file():
    sim = shared_services()
    found = verify(sim.evidence("maa", sim.maa_sgx(NOW)), NOW, VENDORS, sim.trust)
    evil = replace(found, facts={**found.facts, "policy-hash": 'x"]\napproved_by: eve@example.org\n#'})
    with pytest.raises(Malformed):
        draft(evil, "clinic", URL, NOW)
    assert draft(found, "clinic", URL, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))


def test_a_gpu_alone_is_described_by_no_file():
    with pytest.raises(Malformed):
        draft(replace(claims(), tee="nvidia-spdm"), "clinic", URL, NOW)
