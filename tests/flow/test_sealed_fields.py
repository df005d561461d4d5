"""Bodies sealed field by field (ACI's E2EE version 2, NEAR AI's fields) and what their services sign, through a real
gate: whoever ends the TLS keeps every byte and finds the frame only."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from gate_support import NUMBER, RECORD
from sealed_gate import asked, nothing_shows, ready, sealed_world, wanting

from attestation import near
from attestation.aci.fields import Algo
from attestation.simulator.fields_server import INJECTED, AciEnclave, FieldMeddling, NearEnclave
from attestation.simulator.sealed_server import PLAIN

F = FieldMeddling
BOTH = pytest.mark.parametrize("made", [AciEnclave, NearEnclave])
STREAMED = pytest.mark.parametrize("stream", [False, True])
TOOL = {
    "type": "function",
    "function": {
        "name": "find_patient",
        "description": "Looks up a patient of ward seven.",
        "parameters": {"type": "object", "properties": {"medical_record": {"type": "string"}}},
    },
}


@pytest.mark.parametrize(
    "enclave",
    [
        lambda: AciEnclave(Algo.X25519),
        lambda: AciEnclave(Algo.SECP256K1, aggregator=True),
        lambda: NearEnclave(near.Algo.ED25519),
        lambda: NearEnclave(near.Algo.ECDSA, "ed25519"),
    ],
)
@STREAMED
async def test_an_answer_comes_back_verified_and_nobody_on_the_way_read_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, enclave: Any, stream: bool
) -> None:
    service = ready(monkeypatch, enclave())
    async with sealed_world(tmp_path, service) as w:
        assert f"You wrote: {RECORD}" in await asked(w, stream=stream, temperature=0.25)
        await w.quiet()
        assert json.loads(service.opened[0])["messages"][0]["content"] == RECORD
        nothing_shows(service, NUMBER, "chest pain", "Summarise", "Answered", "noted")
        [outcome] = w.records(kind="outcome")
        assert outcome["code"] == "ok" and outcome["receipt"] == "verified" and len(outcome["receipt_sha256"]) == 64
        assert w.intact()


@BOTH
async def test_text_that_reads_like_a_list_stays_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any
) -> None:
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        assert '["a", "b"]' in await asked(w, text='["a", "b"]')
        [content] = [m["content"] for m in json.loads(service.opened[0])["messages"]]
        assert content == [{"type": "text", "text": '["a", "b"]'}]
        await w.quiet()
        assert w.records(kind="outcome")[0]["receipt"] == "verified"


async def test_aci_serves_from_verified_services_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, AciEnclave())
    async with sealed_world(tmp_path, service) as w:
        await asked(w)
        assert json.loads(service.opened[0])["provider"] == {"aci_verified": True}


async def test_tools_travel_sealed_where_the_format_has_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, NearEnclave())
    async with sealed_world(tmp_path, service) as w:
        got = await w.ask(RECORD, model="sealed-only", tools=[TOOL])
        assert got.status == 200
        assert json.loads(service.opened[0])["tools"] == [TOOL]
        nothing_shows(service, "find_patient", "ward seven", "medical_record", NUMBER)


BODIES = [
    ({"tools": [TOOL]}, "body.tools"),
    ({"tool_choice": "auto"}, "body.tool_choice"),
    ({"user": "anna.berg"}, "body.user"),
    ({"anna": 1}, "body.*"),
    ({"stop": ["Anna"]}, "body.stop"),
    ({"logprobs": True}, "body.logprobs"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "anna"}}}, "body.response_format.type"),
    ({"metadata": {"patient": "anna"}}, "body.metadata"),
]


@pytest.mark.parametrize(("more", "place"), BODIES)
async def test_what_the_format_does_not_seal_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: dict[str, Any], place: str
) -> None:
    service = ready(monkeypatch, AciEnclave())
    async with sealed_world(tmp_path, service) as w:
        got = await w.ask(RECORD, model="sealed-only", **more)
        assert got.status == 403 and got.code == "not_sealable" and got.headers["x-should-retry"] == "false"
        assert "anna" not in got.body.decode().lower()
        assert place in got.body.decode() and "leave it out" in got.body.decode()
        assert not service.received and [place] in _reasons(w)


def _reasons(w: Any) -> list[Any]:
    return [r["reasons"] for r in w.records(kind="refusal")]


async def test_other_apis_are_not_sent_field_by_field(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, AciEnclave())
    async with sealed_world(tmp_path, service) as w:
        url = w.gate.url + "/v1/responses"
        async with w.http.post(url, json={"model": "sealed-only", "input": RECORD}) as answer:
            assert answer.status == 403 and "seals chat completions" in await answer.text()
        assert not service.received and ["body.path"] in _reasons(w)


BROKEN = {
    F.PLAIN_ANSWER: "answer_unsealed",
    F.PLAIN_ERROR: "upstream_400",
    F.PLAIN_FIELD: "answer_unsealed",
    F.PLAIN_CALL: "answer_unsealed",
    F.PLAIN_TOKENS: "answer_unsealed",
    F.ERROR_INSIDE: "answer_unsealed",
    F.FIELD_FLIPPED: "answer_not_authentic",
    F.ANSWER_BEFORE: "",
    F.CUT_CONNECTION: "upstream_error",
    F.KEY_MISMATCH: "upstream_400",
}
ONLY_ACI = {
    F.HEAD_UNSAID: "answer_unsealed",
    F.HEAD_OTHER: "answer_unsealed",
    F.FIELDS_SWAPPED: "answer_not_authentic",
    F.OTHER_ID: "answer_not_authentic",
    F.CLOCK_SKEW: "upstream_400",
}
MEDDLED = [(AciEnclave, how) for how in BROKEN | ONLY_ACI] + [(NearEnclave, how) for how in BROKEN]


@pytest.mark.parametrize(("made", "how"), MEDDLED)
@STREAMED
async def test_a_meddled_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, how: FieldMeddling, stream: bool
) -> None:
    wanting(monkeypatch, "recorded")  # so that it is the format itself that notices
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        if how is F.ANSWER_BEFORE:
            await asked(w, stream=stream)
        service.how = how
        with pytest.raises(openai.APIError) as e:
            await asked(w, stream=stream)
        await w.quiet()
        assert not {PLAIN, INJECTED} & set(str(e.value.body).split()) and PLAIN not in str(e.value)
        assert w.records(kind="outcome")[-1]["code"] == ((BROKEN | ONLY_ACI)[how] or "answer_not_authentic")
        nothing_shows(service, NUMBER)


@BOTH
@pytest.mark.parametrize(
    ("how", "code"),
    [(F.CUT, "answer_truncated"), (F.BEHIND_END, "answer_malformed"), (F.NAMED_EVENT, "answer_unsealed")],
)
async def test_a_stream_without_its_own_end_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, how: FieldMeddling, code: str
) -> None:
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        service.how = how
        with pytest.raises(openai.APIError):
            await asked(w, stream=True)
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == [code]


async def test_a_piece_that_comes_twice_is_an_error_with_aci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, AciEnclave())
    service.how = F.FIELD_TWICE
    async with sealed_world(tmp_path, service) as w:
        with pytest.raises(openai.APIError):
            await asked(w, stream=True)


@BOTH
@STREAMED
async def test_what_is_not_known_and_not_sealed_does_not_reach_the_app(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, stream: bool
) -> None:
    service = ready(monkeypatch, made())
    service.how = F.MORE_MEMBERS
    async with sealed_world(tmp_path, service) as w:
        got = await w.ask(RECORD, model="sealed-only", stream=stream)
        assert got.status == 200 and INJECTED.encode() not in got.body


FALSE_RECEIPTS = {
    F.RECEIPT_MISSING: "missing",
    F.RECEIPT_OTHER_REQUEST: "failed",
    F.RECEIPT_OTHER_ANSWER: "failed",
    F.RECEIPT_OTHER_KEY: "failed",
    F.RECEIPT_NO_JSON: "failed",
    F.RECEIPT_HUGE: "missing",
    F.FORGED: "failed",
}
RECEIPTS = [(made, how) for made in (AciEnclave, NearEnclave) for how in FALSE_RECEIPTS]
RECEIPTS += [(AciEnclave, F.RECEIPT_OTHER_CHAT), (lambda: AciEnclave(aggregator=True), F.RECEIPT_UNVERIFIED)]


@pytest.mark.parametrize(("made", "how"), RECEIPTS)
async def test_a_false_receipt_is_on_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, how: FieldMeddling
) -> None:
    wanting(monkeypatch, "recorded")
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        service.how = how
        await asked(w)
        await w.quiet()
        [outcome] = w.records(kind="outcome")
        assert outcome["receipt"] == FALSE_RECEIPTS.get(how, "failed") and outcome["code"] == "ok"


@pytest.mark.parametrize(("made", "how"), RECEIPTS)
@STREAMED
async def test_where_receipts_are_required_a_false_one_makes_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, how: FieldMeddling, stream: bool
) -> None:
    wanting(monkeypatch, "required")
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        assert RECORD in await asked(w, stream=stream)
        service.how = how
        with pytest.raises(openai.APIError) as e:
            await asked(w, stream=stream)
        await w.quiet()
        assert PLAIN not in str(e.value)
        outcome = w.records(kind="outcome")[-1]
        assert outcome["receipt"] == FALSE_RECEIPTS.get(how, "failed")
        assert outcome["code"] == f"receipt_{outcome['receipt']}"


@BOTH
@STREAMED
async def test_an_answer_that_anybody_could_have_sealed_needs_its_receipt_by_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any, stream: bool
) -> None:
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        service.how = F.FORGED
        with pytest.raises(openai.APIError):
            await asked(w, stream=stream)
        await w.quiet()
        assert w.records(kind="outcome")[-1]["code"] == "receipt_failed"


@BOTH
async def test_a_late_receipt_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any) -> None:
    service = ready(monkeypatch, made())
    service.how = F.RECEIPT_LATE
    async with sealed_world(tmp_path, service) as w:
        await asked(w)
        await w.quiet()
        assert w.records(kind="outcome")[0]["receipt"] == "verified" and service.receipts_asked == 2


@BOTH
async def test_receipts_may_be_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Any) -> None:
    wanting(monkeypatch, "off")
    service = ready(monkeypatch, made())
    async with sealed_world(tmp_path, service) as w:
        await asked(w)
        await w.quiet()
        assert w.records(kind="outcome")[0]["receipt"] is None and not service.receipts_asked


async def test_receipts_that_nobody_can_give_are_not_required_in_vain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Unsigned(NearEnclave):
        @property
        def channel(self) -> Any:
            return dataclasses.replace(super().channel, signing_key=None)

    wanting(monkeypatch, "required")
    service = ready(monkeypatch, Unsigned())
    async with sealed_world(tmp_path, service) as w:
        assert (await w.ask(RECORD, model="sealed-only")).code == "attestation_failed"
        assert not service.received and ["receipts.no-key"] in _reasons(w)


async def test_an_app_that_leaves_asks_for_no_receipt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, NearEnclave())
    async with sealed_world(tmp_path, service) as w:
        body = {"model": "sealed-only", "stream": True, "messages": [{"role": "user", "content": RECORD * 400}]}
        async with w.http.post(w.chat_url, json=body) as answer:
            await answer.content.readany()
        await w.quiet()
        assert w.records(kind="outcome")[0]["receipt"] in {"unchecked", "verified"}


async def test_another_keyset_ends_the_lease(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    service = ready(monkeypatch, AciEnclave())
    async with sealed_world(tmp_path, service) as w:
        await asked(w)
        await asked(w)
        assert service.attestations == 1
        service.how = F.KEYSET_CHANGED
        await asked(w)
        service.how = None
        await asked(w)
        await asyncio.sleep(0)
        assert service.attestations == 2
        assert [r["code"] for r in w.records(kind="control")].count("enclave_keyset_changed") == 1


async def test_answers_over_a_pinned_channel_have_receipts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Not sealed: TLS ends inside. The signature is about the bytes on the wire all the same."""
    service = ready(monkeypatch, _Open(), pinned=True, sealed=False)
    async with sealed_world(tmp_path, service) as w:
        assert RECORD in await asked(w)
        assert RECORD in await asked(w, stream=True)
        await w.quiet()
        assert {r["receipt"] for r in w.records(kind="outcome")} == {"verified"}


class _Open(NearEnclave):
    """A dstack proxy behind its own TLS: nothing is sealed, answers are signed."""

    def _restored(self, headers: dict[str, str], raw: bytes) -> Any:
        return json.loads(raw), lambda _, text, __: text, []


@pytest.mark.parametrize("number", [4111111111111111, 10**400])
async def test_a_number_that_says_something_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    service = ready(monkeypatch, AciEnclave())
    async with sealed_world(tmp_path, service) as w:
        got = await w.ask(RECORD, model="sealed-only", seed=number)
        assert got.status in {400, 403} and str(number).encode() not in got.body
        assert not service.received
