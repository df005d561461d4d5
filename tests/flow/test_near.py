"""A gateway of NEAR AI as an upstream, from its documents to the answer: evidence in the form its services write is
asked, proven and bound, the request is sealed to the model's attested key, and the answer opened, restored, verified.

No lease is made by hand: the upstream is configured as its page says, and Intel's part comes from a stand-in."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from fake_vendors import FakeVendors
from gate_support import ADDRESS, MAIL, NUMBER, RECORD, Plan, World, world
from sealed_gate import nothing_shows

from attestation.near import Algo
from attestation.simulator.fields_server import FieldMeddling
from attestation.simulator.providers.dstack import Lie
from attestation.simulator.providers.guest import TdLie
from attestation.simulator.providers.near import SimulatedNear
from proxy.collateral import job
from proxy.settings import AttestationConfig
from proxy.upstreams import enclave

F = FieldMeddling
BOTH = pytest.mark.parametrize("algo", list(Algo))
STREAMED = pytest.mark.parametrize("stream", [False, True])
DEFAULT = Path(__file__).resolve().parents[2] / "policies" / "default.yaml"


@pytest.fixture
async def vendors(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(enclave, "REFUSED_S", 0.05)
    monkeypatch.setattr(job, "LOOK_S", 0.05)
    async with FakeVendors(dt.datetime.now(dt.UTC)) as made:
        yield made


def plan(
    patch: pytest.MonkeyPatch, folder: Path, vendors: FakeVendors, cloud: SimulatedNear, algo: Algo, **options: Any
) -> Plan:
    """The upstream as its page says; on the way to enclaves everything that is found has a stand-in."""
    given = {"gpu_count": 1, "gateway": True, "seal": True, "signing_algo": algo.value, "model": "sealed-llm"} | options
    proof = AttestationConfig("dstack", "clinic", 600.0, given, receipts="required")
    patch.setattr("gate_support.AttestationConfig", lambda *_: proof)
    policy = folder / "p.yaml"
    text = DEFAULT.read_text().replace('transforms_enclave:\n    "*": keep', 'transforms_enclave:\n    "*": pseudonym')
    assert text != DEFAULT.read_text()
    policy.write_text(text)
    return Plan(policy=str(policy), vendors=vendors.instead, enclave=cloud)


async def leased(w: World) -> None:
    """Intel's part is fetched beside the requests: until it is there nothing is sent."""
    for _ in range(500):
        if (await w.ask(RECORD, model="sealed-only")).status == 200:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no lease was had")


async def asked(w: World, text: str, *, stream: bool) -> str:
    send = w.sdk(max_retries=0).chat.completions.create
    made: Any = await send(model="sealed-only", messages=[{"role": "user", "content": text}], stream=stream)
    if not stream:
        return str(made.choices[0].message.content)
    return "".join([c.choices[0].delta.content or "" async for c in made if c.choices])


@BOTH
async def test_from_the_documents_to_restored_and_signed_answers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendors: FakeVendors, algo: Algo
) -> None:
    async with world(tmp_path, plan(monkeypatch, tmp_path, vendors, SimulatedNear(algo), algo)) as w:
        cloud: Any = w.enclave
        await leased(w)
        for stream in (False, True):
            cloud.opened.clear()
            assert f"You wrote: {MAIL}" in await asked(w, MAIL, stream=stream)
            [content] = [m["content"] for m in json.loads(cloud.opened[0])["messages"]]
            assert ADDRESS not in content and "about the garden fence" in content  # a stand-in, inside the seal
        nothing_shows(cloud, NUMBER, ADDRESS, "garden fence", "Answered", "noted")
        await w.quiet()
        outcomes = [r for r in w.records(kind="outcome") if r["code"] == "ok"]
        assert len(outcomes) == 3 and {r["receipt"] for r in outcomes} == {"verified"}
        lease = w.records(kind="intent")[-1]["lease"]
        assert (lease["provider"], lease["binding"], lease["nonce_bound"]) == ("dstack", "near", True)
        assert (lease["image"], lease["gpus"], lease["simulated"]) == ("inference-proxy", 1, True)
        assert cloud.asked[-1]["signing_algo"] == algo and cloud.asked[-1]["model"] == "sealed-llm"
        assert w.intact()


LIES = {
    Lie.OLD_NONCE: "binding", Lie.HIDDEN_TLS_KEY: "binding", Lie.DOWNGRADED: "gateway.tls-key",
    Lie.MODEL_OLD: "model-0.nonce", Lie.MODEL_FLAG: "malformed", Lie.MODEL_NONE: "malformed",
    Lie.MODEL_OTHER_APPLICATION: "measurement", TdLie.DEBUG_TD: "td.debug",
}  # fmt: skip


@pytest.mark.parametrize(("lie", "why"), LIES.items())
async def test_documents_that_lie_make_no_lease_and_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendors: FakeVendors, lie: Any, why: str
) -> None:
    async with world(tmp_path, plan(monkeypatch, tmp_path, vendors, SimulatedNear(), Algo.ED25519)) as w:
        cloud: Any = w.enclave
        cloud.lie, refused = lie, []
        for _ in range(500):  # Intel's part is fetched meanwhile: some lies show only then
            assert (await w.ask(RECORD, model="sealed-only")).status == 503
            refused = [r["details"]["failures"] for r in w.records(code="enclave_refused")]
            if any(why in failures for failures in refused):
                break
            await asyncio.sleep(0.02)
        assert any(why in failures for failures in refused) and not cloud.received


@BOTH
@STREAMED
@pytest.mark.parametrize(
    ("how", "code"),
    {
        F.FORGED: "receipt_failed",
        F.RECEIPT_OTHER_ANSWER: "receipt_failed",
        F.RECEIPT_OTHER_REQUEST: "receipt_failed",
        F.RECEIPT_OTHER_KEY: "receipt_failed",
        F.PLAIN_FIELD: "answer_unsealed",
        F.FIELD_FLIPPED: "answer_not_authentic",
    }.items(),
)
async def test_what_the_gateway_makes_of_an_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendors: FakeVendors, algo: Algo, how: FieldMeddling, code: str,
    stream: bool,
) -> None:  # fmt: skip
    async with world(tmp_path, plan(monkeypatch, tmp_path, vendors, SimulatedNear(algo), algo)) as w:
        cloud: Any = w.enclave
        await leased(w)
        cloud.how = how
        with pytest.raises(openai.APIError):
            await asked(w, MAIL, stream=stream)
        await w.quiet()
        assert w.records(kind="outcome")[-1]["code"] == code
