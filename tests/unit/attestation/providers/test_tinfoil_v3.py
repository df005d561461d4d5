"""Documents of version 3 that say something else than the format allows, member by member."""

import base64
import copy
import json

import pytest
from tinfoil_support import NONCE, machine, pin

from attestation.binding import tinfoil_report_data
from attestation.providers.tinfoil_v3 import MAX_ITEMS, parse_draft, parse_v3
from attestation.simulator.providers.tinfoil import b64, dump
from attestation.simulator.providers.tinfoil_lies import Form
from attestation.simulator.providers.tinfoil_present import present
from attestation.types import Malformed

GOOD = json.loads(present(machine(), Form.V3, None, pin(), NONCE))
DRAFT = json.loads(present(machine(), Form.DRAFT, None, pin(), NONCE))


def section(name: str) -> dict:
    return json.loads(base64.b64decode(GOOD[name]))


def with_section(name: str, change) -> dict:
    body = section(name)
    found = change(body)
    return {**GOOD, name: b64(dump(found if found is not None else body))}


def test_what_was_read_is_what_was_sent():
    doc = parse_v3(GOOD, NONCE)
    sections = (base64.b64decode(GOOD[name]) for name in ("crypto_material", "device_evidence"))
    assert doc.report_data == tinfoil_report_data(NONCE, *sections)
    assert doc.tls_key_sha256 == pin() and doc.hpke_key == machine().keys.secret.public
    assert (doc.tee, len(doc.gpus), len(doc.switches), len(doc.collateral)) == ("snp", 2, 1, 2)
    assert all(c.status == "pass" for c in doc.checks)


def test_report_data_is_never_read_from_the_document():
    """Whatever it states, the value to compare is computed from our nonce and from what was sent."""
    want = parse_v3(GOOD, NONCE).report_data
    other = {**GOOD, "challenge": {**GOOD["challenge"], "report_data": "00" * 64}}
    assert parse_v3(other, NONCE).report_data == want != parse_v3(GOOD, bytes(32)).report_data


PATHS = (
    "challenge", "challenge.nonce", "challenge.report_data", "challenge.report_data_algorithm", "cpu_evidence",
    "cpu_evidence.format", "cpu_evidence.report_base64", "cpu_evidence.endorsed",
    "cpu_evidence.endorsed.crypto_material_hash", "cpu_evidence.endorsed.device_evidence_hash", "crypto_material",
    "device_evidence", "collateral",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_member_that_is_missing_or_of_another_kind_is_malformed(path):
    *above, last = path.split(".")
    for value in (None, 1, "", "x", [], {}, True, 1.5, "ÿ", "\ud800", KeyError):
        doc = copy.deepcopy(GOOD)
        holder = doc
        for key in above:
            holder = holder[key]
        if value is KeyError:
            del holder[last]
        else:
            holder[last] = value
        if path == "collateral" and value in (None, [], KeyError):
            assert parse_v3(doc, NONCE).collateral == ()
            continue
        with pytest.raises(Malformed):
            parse_v3(doc, NONCE)


@pytest.mark.parametrize("name", ["crypto_material", "device_evidence"])
@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(format=s["format"].replace("/v1", "/v2")),
        lambda s: s.pop("format"),
        lambda s: s.pop("items"),
        lambda s: s.update(items=None),
        lambda s: s.update(items={}),
        lambda s: s.update(items=[1]),
        lambda s: s.update(more=1),
        lambda s: s["items"][0].pop("id"),
        lambda s: s["items"][0].update(id=1),
        lambda s: s["items"][0].update(format=None),
        lambda s: s["items"][0].update(more="x"),
        lambda s: s["items"].append(s["items"][0]),
        lambda s: [s],
    ],
)
def test_a_section_of_another_form_is_malformed(name, change):
    def only(body):
        found = change(body)
        return found if isinstance(found, list) else None

    with pytest.raises(Malformed):
        parse_v3(with_section(name, only), NONCE)


def test_a_section_has_a_bounded_number_of_items():
    def devices(n):
        return lambda s: {**s, "items": [{**s["items"][0], "id": f"gpu{i}"} for i in range(n)]}

    assert len(parse_v3(with_section("device_evidence", devices(MAX_ITEMS)), NONCE).gpus) == MAX_ITEMS
    with pytest.raises(Malformed, match="more than 32 items"):
        parse_v3(with_section("device_evidence", devices(MAX_ITEMS + 1)), NONCE)


@pytest.mark.parametrize(
    "changes", [{"kind": "cpu"}, {"vendor": "amd"}, {"format": ""}, {"evidence": []}, {"evidence": {"arch": 1}},
                {"evidence": None}, {"kind": "nvswitch"}],
)  # fmt: skip
def test_a_device_of_another_form_is_malformed(changes):
    with pytest.raises(Malformed):
        parse_v3(with_section("device_evidence", lambda s: s["items"][0].update(changes)), NONCE)


@pytest.mark.parametrize(
    "evidence", [[], {"evidences": []}, {"evidences": [1]}, {"evidences": [{"arch": "HOPPER"}]}, {"evidences": {}},
                 {"evidences": [{"arch": "LS10"}], "result_code": True}, {"evidences": [{"arch": "LS10"}], "x": 1},
                 {"evidences": [{"arch": "LS10"}], "result_code": "0"}, {"evidences": [{"arch": "LS10"}] * 33}],
)  # fmt: skip
def test_switches_of_another_form_are_malformed(evidence):
    with pytest.raises(Malformed):
        parse_v3(with_section("device_evidence", lambda s: s["items"][2].update(evidence=evidence)), NONCE)


def test_the_draft_is_read_member_by_member_too():
    raw = dump(DRAFT)
    assert parse_draft(DRAFT, raw, NONCE).tee == "snp"
    for name in DRAFT:
        for value in (None, 1, [], {}):
            doc = {**DRAFT, name: value}
            if name != "format":
                with pytest.raises(Malformed):
                    parse_draft(doc, dump(doc), NONCE)
    for name in DRAFT["report_data"]:
        doc = {**DRAFT, "report_data": {k: v for k, v in DRAFT["report_data"].items() if k != name}}
        with pytest.raises(Malformed):
            parse_draft(doc, dump(doc), NONCE)
    for extra in ({"gpu_evidence_hash": "00" * 32}, {"nvswitch_evidence_hash": "00" * 32}):
        doc = {k: v for k, v in DRAFT.items() if k not in {"gpu", "nvswitch"}}
        bare = {k: v for k, v in DRAFT["report_data"].items() if not k.endswith("_evidence_hash")}
        doc["report_data"] = {**bare, **extra}
        with pytest.raises(Malformed):
            parse_draft(doc, dump(doc), NONCE)


def test_the_drafts_devices_are_hashed_as_they_were_sent():
    """Space inside the evidence changes the hash: nothing is written anew before it is hashed."""
    raw = dump(DRAFT)
    spaced = raw.replace(b'"gpu":{"evidences":', b'"gpu":{ "evidences":')
    assert spaced != raw
    checks = {c.id: c.status for c in parse_draft(json.loads(spaced), spaced, NONCE).checks}
    assert checks == {"document.nonce": "pass", "document.gpu": "fail", "document.nvswitch": "pass"}
