"""What may come into the store: current, never older than anything seen, all or nothing."""

import datetime as dt
from dataclasses import replace

import pytest
from attested import NOW, vector
from published import (
    DAY,
    TCB_KEY,
    TRUST,
    all_pieces,
    amd_crl,
    amd_key,
    jwks,
    pck_crl,
    qe,
    refused,
    revocation,
    rim,
    root_crl,
    tcb,
)

from attestation.collateral.admit import MAX_KEYS, admit
from attestation.collateral.index import MAX_ENTRIES, decode, encode
from attestation.collateral.loose import loose
from attestation.collateral.pieces import Floor, Index, Kind, Piece
from attestation.simulator.intel import FMSPC, LEAF
from attestation.trust import VENDORS

SECOND = dt.timedelta(seconds=1)


def index(*pieces: Piece, now: dt.datetime = NOW, before: Index | None = None) -> Index:
    return admit(before or Index(), pieces, now, VENDORS, TRUST)


def test_everything_current_comes_in_and_leaves_a_floor():
    got = index(*all_pieces())
    assert {n[0] for n in got.entries} == set(Kind)
    assert got.floors[Kind.INTEL_TCB, TCB_KEY] == Floor(17, NOW - DAY)
    assert got.evaluation == 17
    assert {n[0] for n in got.floors} == set(Kind) - {Kind.AMD_KEY}


MAKERS = {"amd-crl": amd_crl, "intel-tcb": tcb, "intel-qe": qe, "intel-pck-crl": pck_crl, "intel-root-crl": root_crl,
          "jwks": jwks, "rim": rim, "nvidia-ocsp": revocation}  # fmt: skip


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_older_than_seen_never_comes_in(kind):
    make = MAKERS[kind]
    seen = index(make(NOW))
    old = make(NOW - 2 * DAY)
    assert refused(old) == ""  # by itself it still counts
    assert "rollback" in refused(old, index=seen)
    assert refused(make(NOW), index=seen) == ""  # the same again is no step back
    assert refused(make(NOW + DAY), index=seen, now=NOW + DAY) == ""


@pytest.mark.parametrize("kind", MAKERS)
def test_floors_outlive_their_pieces(kind):
    make = MAKERS[kind]
    seen = Index({}, index(make(NOW)).floors)
    assert "rollback" in refused(make(NOW - 2 * DAY), index=seen)


def test_a_lower_number_is_older_whatever_its_date():
    seen = index(tcb(tcbEvaluationDataNumber=18), amd_crl(number=8))
    later = NOW + DAY
    assert "rollback" in refused(tcb(later), index=seen, now=later)
    assert "rollback" in refused(amd_crl(later), index=seen, now=later)
    assert "rollback" in refused(amd_crl(later, number=None), index=seen, now=later)  # a list that lost its number
    assert refused(tcb(later, tcbEvaluationDataNumber=18), index=seen, now=later) == ""


def test_the_floor_never_sinks():
    seen = index(tcb(tcbEvaluationDataNumber=20))
    again = index(tcb(tcbEvaluationDataNumber=21), before=seen)
    assert again.floors[Kind.INTEL_TCB, TCB_KEY].number == 21
    assert again.evaluation == 21


def test_a_platform_never_seen_cannot_bring_old_levels():
    """Else an attacker on the way to Intel could hand out last month's levels for every new kind of machine."""
    seen = index(qe(tcbEvaluationDataNumber=18))
    assert "rollback" in refused(tcb(), index=seen)
    assert refused(tcb(tcbEvaluationDataNumber=18), index=seen) == ""
    known = index(tcb(), qe())
    rolling = index(qe(NOW, tcbEvaluationDataNumber=18), before=known)
    assert refused(tcb(NOW + DAY), index=rolling, now=NOW + DAY) == ""  # a known one may lag while Intel rolls out
    assert "rollback" in refused(tcb(key=f"tdx/{'ab' * 6}", fmspc="AB" * 6), index=rolling)


def test_real_lists_of_intel_are_told_apart_by_date():
    """All have CRL number 1."""
    old = loose(vector("tdx/dcap-qvl/tdx_quote_collateral.json"), NOW)[2]
    new = loose(vector("tdx/dcap-qvl/tdx_quote_outdated_collateral.json"), NOW)[2]
    at = dt.datetime(2026, 2, 19, tzinfo=dt.UTC)
    seen = admit(Index(), [replace(new, fetched_at=at)], at, VENDORS)
    assert "rollback" in refused(replace(old, fetched_at=at), index=seen, now=at)


@pytest.mark.parametrize("piece", all_pieces(), ids=lambda p: p.kind.value)
def test_what_has_ended_does_not_come_in(piece):
    end = index(piece).entries[piece.name].next_update
    assert end is not None
    assert refused(piece, now=end) == ""
    assert "expired" in refused(piece, now=end + SECOND)  # grace 0


@pytest.mark.parametrize("make", [amd_crl, tcb, qe, pck_crl, root_crl, rim, revocation])
def test_what_is_issued_in_the_future_does_not_come_in(make):
    ahead = replace(make(NOW + 3 * DAY), fetched_at=NOW)
    assert "issued" in refused(ahead)


def test_what_was_fetched_in_the_future_does_not_come_in():
    ahead = NOW + dt.timedelta(seconds=61)
    assert "fetched" in refused(jwks(ahead))
    assert "fetched" in refused(rim(ahead))
    assert refused(jwks(NOW + dt.timedelta(seconds=59))) == ""  # clocks differ a little


def test_one_bad_piece_keeps_the_others_out_and_every_reason_is_named():
    got = refused(amd_crl(), tcb(NOW - 40 * DAY), pck_crl(signer=LEAF), jwks(issuer="https://attacker.example"))
    assert "intel-tcb" in got
    assert "intel-pck-crl" in got
    assert "attacker" in got
    assert "amd-crl" not in got


def test_a_certificate_may_come_back_as_it_was():
    """AMD issues them anew with rolling dates."""
    assert refused(amd_key(NOW), index=index(amd_key(NOW))) == ""


def test_the_same_platform_of_sgx_and_tdx_are_two_pieces():
    got = index(tcb(), tcb(sgx=True))
    assert {n[1] for n in got.entries} == {f"tdx/{FMSPC.hex()}", f"sgx/{FMSPC.hex()}"}


def test_pieces_of_other_roots_never_raise_a_floor():
    from attestation.simulator.intel import Intel

    assert refused(tcb(intel=Intel(), tcbEvaluationDataNumber=10**6))


def filled(kind: Kind, count: int, text: str = "") -> Index:
    """An index with ``count`` pieces of one kind, the first one fetched longest ago."""
    made = jwks() if kind is Kind.JWKS else amd_key()
    entry = index(made).entries[made.name]
    keys = [f"{made.key}{text}/{i}" for i in range(count)]
    rows = {(kind, k): replace(entry, key=k, fetched_at=NOW - DAY + i * SECOND) for i, k in enumerate(keys)}
    floors = {name: Floor(0, NOW - DAY) for name in rows} if kind is Kind.JWKS else {}
    return Index(rows, floors)


def test_a_store_that_is_full_takes_no_more_and_can_still_be_read():
    """Names come out of evidence that nobody has judged: more than fits was written, and never read again."""
    full = filled(Kind.JWKS, MAX_ENTRIES)
    assert "full" in refused(jwks(issuer="https://more.weu.attest.azure.net"), index=full)
    most = index(jwks(issuer="https://more.weu.attest.azure.net"), before=filled(Kind.JWKS, MAX_ENTRIES - 1))
    assert decode(encode(most)) == most
    known = Index({}, full.floors)  # pieces may go, what was seen stays
    assert "full" in refused(jwks(issuer="https://more.weu.attest.azure.net"), index=known)


def test_an_index_has_a_length_too(monkeypatch):
    before = filled(Kind.JWKS, 3)
    size = len(encode(index(amd_crl(), before=before)))
    for most, why in ((size, ""), (size - 1, "full")):
        monkeypatch.setattr("attestation.collateral.admit.MAX_INDEX_BYTES", most)
        assert why in refused(amd_crl(), index=before)
        assert bool(refused(amd_crl(), index=before)) == bool(why)


def test_keys_of_reports_do_not_pile_up():
    before = filled(Kind.AMD_KEY, MAX_KEYS)
    got = index(amd_key(), before=before)
    assert len(got.entries) == MAX_KEYS and amd_key().name in got.entries
    assert set(before.entries) - set(got.entries) == {min(before.entries.values(), key=lambda e: e.fetched_at).name}
    assert len(index(jwks(), before=before).entries) == MAX_KEYS + 1
