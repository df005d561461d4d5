"""Bodies sealed by EHBP through a real gate: whoever ends the TLS keeps every byte and finds nothing, and whatever it
does to an answer is an error, never an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web
from gate_support import NUMBER, RECORD, chat
from sealed_gate import behind, nothing_shows, sealed_world

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.sealed_server import PLAIN, Meddling, SealedEnclave
from policies.types import Zone
from proxy.settings import AttestationConfig, Secret, UpstreamConfig

SECRET_KEY = "sk-upstream-credential-7731"


@pytest.fixture
def enclave(monkeypatch: pytest.MonkeyPatch) -> SealedEnclave:
    made = SealedEnclave()
    behind(monkeypatch, made)
    return made


async def told(w: Any, text: str = RECORD, **more: Any) -> str:
    """What an app's SDK makes of a streamed answer."""
    made = await w.sdk(max_retries=0).chat.completions.create(
        model="sealed-only", messages=[{"role": "user", "content": text}], stream=True, **more
    )
    return "".join([c.choices[0].delta.content or "" async for c in made if c.choices])


async def test_an_answer_comes_back_and_nobody_on_the_way_read_a_word(enclave: SealedEnclave, tmp_path: Path) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        got = await w.sdk().chat.completions.create(
            model="sealed-only", messages=[{"role": "user", "content": RECORD}], temperature=0.25
        )
        await w.quiet()
        assert f"You wrote: {RECORD}" in (got.choices[0].message.content or "")
        assert json.loads(enclave.opened[0])["messages"][0]["content"] == RECORD
        assert b"POST /v1/chat/completions" in enclave.wire_in and b"Ehbp-Response-Nonce" in enclave.wire_out
        nothing_shows(enclave, NUMBER, "chest pain", "Summarise", "messages", "temperature", "Answered", "choices")
        [outcome] = w.records(kind="outcome")
        assert outcome["code"] == "ok" and w.intact()


async def test_a_streamed_answer_comes_piece_by_piece(enclave: SealedEnclave, tmp_path: Path) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        assert RECORD in await told(w)
        nothing_shows(enclave, NUMBER, "chest", "Answered", "delta", "[DONE]")


async def test_a_large_request_is_sealed_in_frames(enclave: SealedEnclave, tmp_path: Path) -> None:
    text = RECORD + " plain words of a long letter" * 20_000
    async with sealed_world(tmp_path, enclave) as w:
        got = await w.ask(text, model="sealed-only")
        assert got.status == 200
        assert json.loads(enclave.opened[0])["messages"][0]["content"] == text
        nothing_shows(enclave, NUMBER, "long letter")


async def test_a_pinned_channel_carries_sealed_bodies_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enclave = SealedEnclave()
    behind(monkeypatch, enclave, pinned=True)
    async with sealed_world(tmp_path, enclave) as w:
        assert (await w.ask(RECORD, model="sealed-only")).status == 200
        assert enclave.opened
        nothing_shows(enclave, NUMBER)


BROKEN = {
    Meddling.HEADER_STRIPPED: "upstream_400",
    Meddling.NONCE_MISSING: "answer_unsealed",
    Meddling.NONCE_TWICE: "answer_unsealed",
    Meddling.NONCE_SHORT: "answer_unsealed",
    Meddling.NONCE_UPPER_CASE: "answer_unsealed",
    Meddling.NONCE_OF_ANOTHER: "answer_not_authentic",
    Meddling.CUT_BETWEEN_FRAMES: "answer_truncated",
    Meddling.CUT_IN_FRAME: "answer_truncated",
    Meddling.CUT_CONNECTION: "upstream_error",
    Meddling.REORDERED: "answer_not_authentic",
    Meddling.FRAME_TWICE: "answer_not_authentic",
    Meddling.FRAME_DROPPED: "answer_not_authentic",
    Meddling.FRAME_FLIPPED: "answer_not_authentic",
    Meddling.FRAME_HUGE: "answer_malformed",
    Meddling.PLAIN_ANSWER: "answer_unsealed",
    Meddling.PLAIN_ERROR: "upstream_400",
    Meddling.PLAIN_BEHIND: "answer_malformed",
    Meddling.OTHER_TYPE: "answer_truncated",
    Meddling.NO_END: "answer_without_end",
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_meddled_answer_is_an_error(enclave: SealedEnclave, tmp_path: Path, how: Meddling) -> None:
    enclave.meddling = how
    async with sealed_world(tmp_path, enclave) as w:
        got = await w.ask(RECORD, model="sealed-only")
        await w.quiet()
        if how is Meddling.OTHER_TYPE:  # read as a stream; its words are authentic, its end is not
            assert b"event: error" in got.body or b'"error"' in got.body
        else:
            assert got.status == 503 and got.code == "unavailable"
        assert PLAIN.encode() not in got.body
        assert [r["code"] for r in w.records(kind="outcome")] == [BROKEN[how]]
        nothing_shows(enclave, NUMBER)


@pytest.mark.parametrize("how", BROKEN)
async def test_a_meddled_stream_is_an_error(enclave: SealedEnclave, tmp_path: Path, how: Meddling) -> None:
    enclave.meddling = how
    async with sealed_world(tmp_path, enclave) as w:
        with pytest.raises(openai.APIError) as e:
            await told(w)
        await w.quiet()
        assert PLAIN not in str(e.value) and PLAIN not in str(e.value.body)
        assert [r["code"] for r in w.records(kind="outcome")] == [BROKEN[how]]
        nothing_shows(enclave, NUMBER)


async def test_the_answer_to_another_request_is_no_answer(enclave: SealedEnclave, tmp_path: Path) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        assert (await w.ask(RECORD, model="sealed-only")).status == 200
        enclave.meddling = Meddling.ANSWER_BEFORE
        assert (await w.ask(RECORD, model="sealed-only")).status == 503
        assert [r["code"] for r in w.records(kind="outcome")] == ["ok", "answer_not_authentic"]


async def test_an_error_that_the_enclave_sealed_is_shown(enclave: SealedEnclave, tmp_path: Path) -> None:
    enclave.meddling = Meddling.SEALED_ERROR
    async with sealed_world(tmp_path, enclave) as w:
        got = await w.ask(RECORD, model="sealed-only")
        assert got.status == 400 and got.json["error"]["message"] == "the enclave refuses this"
        nothing_shows(enclave, NUMBER, "the enclave refuses")


async def test_a_changed_key_is_attested_again_once(enclave: SealedEnclave, tmp_path: Path) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        assert (await w.ask(RECORD, model="sealed-only")).status == 200
        enclave.meddling = Meddling.KEY_CHANGED
        assert (await w.ask(RECORD, model="sealed-only")).status == 200
        assert enclave.attestations == 2 and len(enclave.opened) == 2 and len(enclave.received) == 3
        codes = [r["code"] for r in w.records(kind="control")]
        assert codes.count("enclave_key_changed") == codes.count("enclave_lease_replaced") == 1
        nothing_shows(enclave, NUMBER)


async def test_a_key_that_is_always_wrong_ends_there(enclave: SealedEnclave, tmp_path: Path) -> None:
    enclave.meddling = Meddling.KEY_MISMATCH
    async with sealed_world(tmp_path, enclave) as w:
        got = await w.ask(RECORD, model="sealed-only")
        assert got.status == 503 and got.code == "attestation_failed"
        assert PLAIN.encode() not in got.body
        assert len(enclave.received) == 2 and enclave.attestations == 2
        assert next(r["reasons"] for r in w.records(kind="refusal")) == ["key_mismatch"]


@pytest.mark.parametrize(("exposed", "pinned"), [(False, False), (True, False), (False, True)])
async def test_a_credential_goes_along_in_the_clear_only_where_the_configuration_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exposed: bool, pinned: bool
) -> None:
    enclave = SealedEnclave()
    behind(monkeypatch, enclave, pinned=pinned)
    async with sealed_world(tmp_path, enclave) as w:
        proof = AttestationConfig("sealgate-snp", "clinic", expose_key=exposed)
        keyed = UpstreamConfig("sealed", Zone.ENCLAVE, "openai", enclave.url, Secret(SECRET_KEY), attestation=proof)
        w.gate.door._transports = {**w.gate.door._transports, **_transports(w, keyed)}
        got = await w.ask(RECORD, model="sealed-only")
        if exposed or pinned:
            assert got.status == 200 and SECRET_KEY.encode() in enclave.wire_in
        else:
            assert got.status == 503 and not enclave.received and SECRET_KEY.encode() not in enclave.wire_in
            assert ["credential.in-clear"] in [r["reasons"] for r in w.records(kind="refusal")]


def _transports(w: Any, keyed: UpstreamConfig) -> dict[str, Any]:
    from proxy.egress import _transport

    old = w.gate.door._transports["sealed"]
    return {"sealed": _transport(keyed, (), w.gate.settings.limits, old._leases, {})}


async def test_a_pinned_channel_to_another_key_carries_nothing_sealed_either(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class RotatesAndLies(SealedEnclave):
        async def _attest(self, request: web.Request) -> web.Response:
            answer = await super()._attest(request)
            self.misbehaviour = Misbehaviour.OTHER_KEY
            return answer

    enclave = RotatesAndLies()
    enclave.misbehaviour = Misbehaviour.KEY_ROTATION
    behind(monkeypatch, enclave, pinned=True)
    async with sealed_world(tmp_path, enclave) as w:
        assert (await w.ask(RECORD, model="sealed-only")).code == "attestation_failed"
        assert not enclave.received


async def test_an_answer_without_an_end_is_not_even_asked_for(enclave: SealedEnclave, tmp_path: Path) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        speech = {"model": "sealed-only", "voice": "alloy", "input": RECORD}
        async with w.http.post(w.gate.url + "/v1/audio/speech", json=speech) as answer:
            assert answer.status == 403 and answer.headers["x-should-retry"] == "false"
            assert (await answer.json())["error"]["code"] == "not_sealable"
        assert not enclave.received
        assert ["request.path"] in [r["reasons"] for r in w.records(kind="refusal")]


async def test_what_says_more_than_the_protocol_outside_its_body_is_not_sent(
    enclave: SealedEnclave, tmp_path: Path
) -> None:
    async with sealed_world(tmp_path, enclave) as w:
        url = w.gate.url + "/u/sealed/patients/48291734?name=anna"
        for method, body in (("POST", chat(RECORD, "m")), ("GET", None)):
            async with w.http.request(method, url, json=body) as answer:
                assert answer.status in {400, 403, 404}
        assert not enclave.received
        nothing_shows(enclave, NUMBER, "patients", "anna")
