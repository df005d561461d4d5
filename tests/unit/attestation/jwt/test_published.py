"""Tokens and statements as services published them (tests/vectors/tokens): each gets its verdict at its own time."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attested import NOW, ids

from attestation.collateral.examine import examine
from attestation.collateral.pieces import Kind, Piece, Trust
from attestation.collateral.select import needs
from attestation.draft import draft
from attestation.expectations import load_expectations
from attestation.jwt.jws import parse_token
from attestation.simulator.tokens import ITA, MAA, shared_services
from attestation.trust import AMD, VENDORS, SimulatedTrust
from attestation.types import Claims, Collateral, Evidence, Rejected
from attestation.verify import verify

FOLDER = Path(__file__).parents[3] / "vectors" / "tokens"
GOOGLE = (FOLDER / "google_cs_pki_debug.jwt").read_bytes()
ISSUED = dt.datetime(2025, 6, 23, 14, 22, 31, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SIM = shared_services()
DEBUG = {"debug", "image.support"}


def one_character_changed(token: bytes, part: int) -> Iterator[bytes]:
    """The token with another character in its part ``part``, at every 61st place of it."""
    parts = token.split(b".")
    for at in range(0, len(parts[part]), 61):
        changed = bytearray(parts[part])
        changed[at] = ord("A") if changed[at] != ord("A") else ord("B")
        yield b".".join(bytes(changed) if i == part else p for i, p in enumerate(parts))


def google(raw: bytes = GOOGLE, now: dt.datetime = ISSUED) -> set[str]:
    return ids(Evidence("google", raw), None, now)


def test_a_real_token_of_googles_is_genuine_and_of_a_debug_image():
    """All else holds: certificates up to the pinned root, the signature, the times, software, machine, image, nonce."""
    assert google() == DEBUG
    assert needs(Evidence("google", GOOGLE)) == ()  # it needs no key set
    token = parse_token(GOOGLE)
    assert (token.claims["aud"], token.claims["eat_nonce"]) == (
        "https://echo.oak.dev", "a nonce between 10 and 74 characters",
    )  # fmt: skip


def test_it_holds_for_its_hour_only():
    assert google(now=ISSUED + HOUR - dt.timedelta(seconds=1)) == DEBUG
    assert google(now=ISSUED + HOUR) == DEBUG | {"token.expiry"}
    assert google(now=ISSUED - dt.timedelta(seconds=61)) == DEBUG | {"token.begin"}
    assert "token.chain.validity" in google(now=ISSUED + 100 * 24 * HOUR)


def test_its_root_is_googles_and_no_others():
    with pytest.raises(Rejected) as e:
        verify(Evidence("google", GOOGLE), ISSUED, AMD)
    assert {f.partition(":")[0] for f in e.value.failures} == DEBUG | {"token.chain.root"}
    assert ids(Evidence("google", GOOGLE), SIM.trust, ISSUED) == DEBUG


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_character_of_it_is_noticed(part):
    """In each part, at every 61st place: with its neighbours those are all places within the certificates' fields."""
    for raw in one_character_changed(GOOGLE, part):
        assert google(raw) - DEBUG


# -- Intel Trust Authority

INTEL = (FOLDER / "ita_td_2023.jwt").read_bytes()
KEYS = (FOLDER / "ita_certs_2024.json").read_bytes()
THEN = dt.datetime(2023, 12, 5, 0, 9, 10, tzinfo=dt.UTC)
OLD_NAME = "Intel Trust Authority"
"""What tokens of 2023 call their issuer; today it is the service's URL, and only that counts."""


def intel(raw: bytes = INTEL, now: dt.datetime = THEN, keys: bytes = KEYS) -> set[str]:
    return ids(Evidence("ita", raw), None, now, Collateral(jwks={OLD_NAME: keys}))


def test_a_real_token_of_intels_is_genuine_up_to_the_pinned_root_and_has_an_old_name():
    assert intel() == {"token.issuer"}
    assert intel(now=THEN + dt.timedelta(minutes=5)) == {"token.issuer", "token.expiry"}
    assert ids(Evidence("ita", INTEL), None, THEN) == {"token.issuer", "token.keys", "token.key", "token.signature"}
    with pytest.raises(Rejected) as e:
        verify(Evidence("ita", INTEL), THEN, AMD, None, Collateral(jwks={OLD_NAME: KEYS}))
    assert {f.partition(":")[0] for f in e.value.failures} == {"token.issuer", "token.chain.root"}


def test_intels_keys_are_listed_once_for_each_algorithm_and_the_token_s_own_counts():
    keys = json.loads(KEYS)["keys"]
    assert [(k["alg"], k["kid"]) for k in keys] == [("PS384", keys[0]["kid"]), ("RS256", keys[0]["kid"])]
    assert intel(keys=json.dumps({"keys": keys[::-1]}).encode()) == {"token.issuer"}
    assert intel(keys=json.dumps({"keys": keys[:1]}).encode()) == {"token.issuer"}
    other = {"token.issuer", "token.key", "token.signature"}
    assert intel(keys=json.dumps({"keys": keys[1:]}).encode()) == other
    assert intel(keys=json.dumps({"keys": [keys[0], keys[0]]}).encode()) == other


def test_intels_keys_may_be_kept():
    now = THEN + 24 * HOUR
    entry = examine(Piece(Kind.JWKS, ITA, KEYS, now), VENDORS)
    assert (entry.key, entry.trust) == (ITA, Trust.TLS)
    assert "token.chain.validity" in intel(now=dt.datetime(2024, 9, 12, tzinfo=dt.UTC))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_character_of_intels_token_is_noticed(part):
    for raw in one_character_changed(INTEL, part):
        assert intel(raw) - {"token.issuer"}


# -- what services say, without their signatures


def statements(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def judged(kind: str, claims: dict[str, Any], issuer: str, alg: str = "RS256") -> tuple[set[str], Claims | None]:
    """With a signature of our own: what a published sample lacks."""
    now = dt.datetime.fromtimestamp(claims.get("iat", NOW.timestamp()), dt.UTC)
    at = int(now.timestamp())
    whole = {"iat": at, "nbf": at, "exp": at + 300, **claims, "iss": issuer}
    keys = {issuer: SIM.trust.jwks[ITA if kind == "ita" else MAA]}
    trust = SimulatedTrust(SIM.trust.root, SIM.trust.more, keys)
    evidence = Evidence(kind, SIM.token(whole, alg))
    if failed := ids(evidence, trust, now):
        return failed, None
    return set(), verify(evidence, now, VENDORS, trust)


def test_what_azure_says_of_a_vm_on_snp_is_understood():
    claims = statements("maa_vm_snp")
    failed, got = judged("maa", claims, claims["iss"])
    assert failed == set() and got is not None
    assert got.tee == "maa-sevsnpvm"
    assert got.measurement.hex().startswith("ad6de16ac59e")
    assert got.tcb == {"bootloader": 2, "tee": 0, "snp": 6, "microcode": 93}
    assert got.bound["nonce"] == b"MTIzNA=="
    assert got.facts["policy-hash"] == claims["x-ms-policy-hash"]


def test_what_azure_says_of_a_td_is_understood():
    claims = statements("maa_td")
    failed, got = judged("maa", claims, claims["iss"])
    assert failed == set() and got is not None
    assert (got.tee, got.tcb_status, got.advisories) == ("maa-tdxvm", "UpToDate", ())
    assert got.measurement.hex() == claims["tdx_mrtd"]
    assert got.report_data.hex() == claims["tdx_report_data"]
    assert set(got.measurements) == {"mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3"}


def test_what_intels_service_says_of_a_td_is_understood():
    failed, got = judged("ita", statements("ita_td_v2"), ITA, "PS384")
    assert failed == set() and got is not None
    assert (got.tee, got.tcb_status, got.advisories) == ("ita-tdx", "UpToDate", ("INTEL-SA-00001",))
    assert got.measurements["rtmr2"].hex().startswith("f629c8341aae")


def test_what_intels_service_says_of_an_enclave_is_understood():
    failed, got = judged("ita", statements("ita_sgx_v2"), ITA, "PS384")
    assert failed == set() and got is not None
    assert (got.tee, got.tcb_status) == ("ita-sgx", "OutOfDate")  # the expectations' to accept, or not
    assert got.advisories == ("INTEL-SA-00586", "INTEL-SA-00614")
    assert got.measurement.hex().startswith("4ec22b0f50b1")


def test_a_td_s_file_may_be_drafted_with_its_empty_registers():
    claims = statements("maa_td")
    _, got = judged("maa", claims, claims["iss"])
    assert got is not None
    text = draft(got, "azure-td", "https://vm.example/attest", NOW)
    assert f'rtmr1: "{"0" * 96}"' in text and f'mrtd: "{claims["tdx_mrtd"]}"' in text
    approved = text.replace("status: unapproved\n", "").replace('source: ""', 'source: "https://releases.example/1"')
    approved = approved.replace('approved_by: ""', 'approved_by: "dpo@clinic.example"')
    approved = approved.replace('approved_until: ""', 'approved_until: "2027-01-01"')
    want = load_expectations(approved)
    assert want.tees == {"maa-tdxvm"}
