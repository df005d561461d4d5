import json
import re

import pytest
from attested import vector
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from attestation.aci.documents import (
    check_receipt,
    digest,
    keyset_digest,
    receipt_key,
    same_keyset,
    session_id,
    verify_receipt,
)
from attestation.binding import aci_report_data
from attestation.jcs import canonical
from attestation.types import Malformed, Rejected

NONCE = bytes(range(32))


def published() -> list[str]:
    return re.findall(r"```text\n(.*?)\n```", vector("aci/test-vectors.md").decode(), re.DOTALL)


def documents() -> dict[str, dict]:
    found = [json.loads(b) for b in published() if b.startswith("{") and b.endswith("}")]
    keyset = next(d for d in found if "e2ee_public_keys" in d)
    session = next(d for d in found if "upstream_name" in d)
    receipt = next(d for d in found if "signature" in d)
    return {"keyset": keyset, "session": session, "receipt": receipt}


def bodies() -> list[bytes]:
    return [b.split("\n")[0].encode() for b in published() if "→ body_hash" in b]


def said(name: str) -> str:
    return re.search(rf"{name}\s*=\s*(?:sha256\(statement\) = )?(\S+)", "\n".join(published()))[1]


def test_the_published_canonical_forms():
    for block in published():
        if block.startswith("{") and "\n" not in block:
            assert canonical(json.loads(block)) == block.encode()


def test_the_published_keyset_digest_and_session_id():
    found = documents()
    assert keyset_digest(found["keyset"]) == said("workload_keyset_digest")
    assert session_id(found["session"]) == said("session_id")
    assert digest(b"example-evidence") == said("evidence.digest")


def test_the_published_report_data():
    text = said("workload_keyset_digest")
    blocks = published()
    for nonce, want in ((NONCE, "df2174d28130852b"), (None, "0633919ca3f00e97")):
        data = aci_report_data(text, nonce)
        assert data.hex().startswith(want) and data[32:] == bytes(32)
        assert any(data[:32].hex() in b for b in blocks)
    assert aci_report_data(text, NONCE).hex() in blocks


def test_the_published_receipt():
    found, (request, response) = documents(), bodies()
    verify_receipt(found["receipt"], found["keyset"], request, response)
    covered = canonical({k: v for k, v in found["receipt"].items() if k != "signature"})
    assert digest(covered) == "sha256:" + said(r"sha256\(signing input\)")


def test_the_fixture_report():
    report = json.loads(vector("aci/aci_report_fixture.json"))
    keyset = report["attestation"]["workload_keyset"]
    assert keyset_digest(keyset) == report["workload_keyset_digest"]


def signed() -> tuple[dict, dict, list[bytes]]:
    """A receipt of our own, its keyset, request and answer."""
    key = Ed25519PrivateKey.from_private_bytes(b"\5" * 32)
    public = key.public_key().public_bytes_raw().hex()
    keyset = {"receipt_signing_keys": [{"key_id": "a", "algo": "ed25519", "public_key": public}], "subject": None}
    sent = [b'{"model":"m"}', b'{"id":"1"}']
    events = [
        {"type": "request.received", "body_hash": digest(sent[0])},
        {"type": "response.returned", "body_hash": digest(sent[1])},
    ]
    receipt = {"api_version": "aci/1", "key_id": "a", "model": "m", "event_log": events}
    receipt["workload_keyset_digest"] = keyset_digest(keyset)
    return {**receipt, "signature": key.sign(canonical(receipt)).hex()}, keyset, sent


@pytest.mark.parametrize(
    ("change", "failed"),
    {
        "another request": (lambda r, k, b: b.__setitem__(0, b"{}"), {"receipt.request"}),
        "another answer": (lambda r, k, b: b.__setitem__(1, b[1] + b" "), {"receipt.response"}),
        "another keyset": (lambda r, k, b: k.__setitem__("subject", "x"), {"receipt.keyset"}),
        "a changed field": (lambda r, k, b: r.__setitem__("model", "other"), {"receipt.signature"}),
        "a new field": (lambda r, k, b: r.__setitem__("more", 1), {"receipt.signature"}),
        "another version": (
            lambda r, k, b: r.__setitem__("api_version", "aci/2"), {"receipt.version", "receipt.signature"}),
        "no signature": (lambda r, k, b: r.__setitem__("signature", ""), {"receipt.signature"}),
        "upper case": (lambda r, k, b: r.__setitem__("signature", r["signature"].upper()), {"receipt.signature"}),
        "answered twice": (
            lambda r, k, b: r["event_log"].append(r["event_log"][-1]), {"receipt.response", "receipt.signature"}),
        "asked twice": (
            lambda r, k, b: r["event_log"].append(r["event_log"][0]), {"receipt.request-once", "receipt.signature"}),
        "asked second": (
            lambda r, k, b: r["event_log"].insert(0, {"type": "routed"}), {"receipt.request", "receipt.signature"}),
        "another key": (
            lambda r, k, b: k["receipt_signing_keys"][0].__setitem__("public_key", "00" * 32),
            {"receipt.keyset", "receipt.signature"}),
    }.values(),
)  # fmt: skip
def test_a_changed_receipt_is_rejected(change, failed):
    receipt, keyset, sent = signed()
    verify_receipt(receipt, keyset, *sent)
    change(receipt, keyset, sent)
    with pytest.raises(Rejected) as e:
        verify_receipt(receipt, keyset, *sent)
    assert set(e.value.failures) == failed


def test_a_receipt_says_what_it_is_about_where_it_says_so():
    receipt, keyset, sent = signed()
    sums = digest(sent[0]), digest(sent[1])
    check_receipt(receipt, keyset, *sums, {"model": "m", "chat_id": "not said there"})
    with pytest.raises(Rejected) as e:
        check_receipt(receipt, keyset, *sums, {"model": "n"})
    assert e.value.failures == ("receipt.model",)


@pytest.mark.parametrize(
    ("said", "good"),
    [
        ({"result": "verified", "required": True}, True),
        ({"result": "verified", "required": False}, False),
        ({"result": "failed", "required": True}, False),
        ({}, False),
    ],
)
def test_an_aggregator_must_have_verified_whom_it_asked(said, good):
    receipt, keyset, sent = signed()
    receipt["event_log"].insert(1, {"type": "upstream.verified", **said})
    with pytest.raises(Rejected) as e:
        verify_receipt(receipt, keyset, *sent)
    assert ("receipt.upstream" in e.value.failures) is not good


def test_a_changed_keyset_shows_in_the_head_of_an_answer():
    keyset = {"subject": "x"}
    name = "X-ACI-Keyset-Digest"
    assert same_keyset([], keyset) and same_keyset([(name, keyset_digest(keyset))], keyset)
    assert not same_keyset([(name, keyset_digest({}))], keyset)
    assert not same_keyset([(name, keyset_digest(keyset))] * 2, keyset)


KEYSET = {"receipt_signing_keys": [{"key_id": "a", "algo": "ed25519", "public_key": "ab" * 32}]}


@pytest.mark.parametrize(
    "keyset",
    [
        {}, {"receipt_signing_keys": {}}, {"receipt_signing_keys": [5]},
        {"receipt_signing_keys": KEYSET["receipt_signing_keys"] * 2},
        {"receipt_signing_keys": [{"key_id": "a", "algo": "rsa", "public_key": "ab" * 32}]},
        {"receipt_signing_keys": [{"key_id": "a", "algo": "ed25519", "public_key": 5}]},
        {"receipt_signing_keys": [{"key_id": "a", "algo": "ed25519", "public_key": "AB" * 32}]},
    ],
)  # fmt: skip
def test_a_keyset_names_one_key_by_an_id(keyset):
    assert receipt_key(KEYSET, "a") == b"\xab" * 32
    with pytest.raises(Malformed):
        receipt_key(keyset, "a")


@pytest.mark.parametrize(
    "receipt",
    [{}, {"key_id": "a", "signature": "", "event_log": []}, {"key_id": 1, "signature": "", "event_log": [1]},
     {"key_id": "b", "signature": "", "event_log": [1]}, {"key_id": "a", "signature": "", "event_log": [1.5]}],
)  # fmt: skip
def test_what_is_no_receipt_is_malformed(receipt):
    with pytest.raises(Malformed):
        verify_receipt(receipt, KEYSET, b"", b"")


@pytest.mark.parametrize(
    ("text", "nonce"), [("", NONCE), ("sha256:" + "A" * 64, NONCE), ("0" * 71, NONCE), ("sha256:" + "0" * 64, b"short")]
)
def test_a_statement_needs_a_digest_and_a_nonce(text, nonce):
    with pytest.raises(ValueError, match="statement"):
        aci_report_data(text, nonce)
