"""Architecture §6, row by row, over loopback sockets with the real ledger: what fails, and what the gate does then."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from audit_support import intent
from fake_cloud import FakeCloud
from gate_support import ADDRESS, HARMLESS, KEY, MAIL, NUMBER, RECORD, SECRET, TOKEN, Judge, Plan, World, chat, world
from model_support import models_or_skip

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from policies.types import Zone
from proxy.errors import ConfigError
from proxy.inspect_worker import build
from proxy.settings import Limits, ModelRoute, UpstreamConfig
from redaction.pipeline import Pipeline
from redaction.types import DetectorFailed, Finding

QUICK = Limits(upstream_connect_s=2.0, upstream_idle_s=0.3, shutdown_s=5.0)


@contextlib.contextmanager
def write_locked(path: Path) -> Iterator[None]:
    """Another process holds the ledger's write lock."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def nobody_saw_anything(w: World) -> bool:
    return not w.cloud.requests and not w.house.requests and not w.enclave.received


def the_cloud_never_saw(w: World, *values: str) -> bool:
    return not any(v.encode() in body for v in values for body in w.cloud.bodies)


# -- the audit store --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [HARMLESS, MAIL, RECORD, TOKEN])
async def test_without_an_audit_store_every_request_is_503_and_nothing_is_sent(tmp_path: Path, text: str) -> None:
    async with world(tmp_path) as w:
        await w.gate.store.close()
        answer = await w.ask(text)
        assert (answer.status, answer.code) == (503, "audit_unavailable")
        assert nobody_saw_anything(w)


async def test_a_ledger_that_another_process_holds_is_503_and_it_serves_again_afterwards(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with write_locked(tmp_path / "var" / "ledger.sqlite"):
            answer = await w.ask(HARMLESS)
            assert (answer.status, answer.code) == (503, "audit_unavailable")
            assert nobody_saw_anything(w)
            async with w.http.get(f"{w.gate.admin_url}/readyz") as ready:
                assert ready.status == 503
                assert (await ready.json())["failing"] == ["ledger"]
        assert (await w.ask(HARMLESS)).status == 200
        assert w.intact()


async def test_a_full_disk_is_503_and_every_request_that_was_sent_has_its_record(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        db = w.gate.store._db
        assert db is not None
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
        answer = await w.ask(HARMLESS)
        while answer.status == 200 and len(w.cloud.requests) < 100:
            answer = await w.ask(HARMLESS)
        assert (answer.status, answer.code) == (503, "audit_unavailable")
        sent = len(w.cloud.requests)
        assert (await w.ask(TOKEN)).status == 503
        assert len(w.cloud.requests) == sent == len(w.records(kind="intent"))
        assert not w.house.requests
        db.execute("PRAGMA max_page_count = 1000000")
        assert (await w.ask(HARMLESS)).status == 200
        assert w.intact()


# -- detectors --------------------------------------------------------------------------------------------------------


class Broken:
    """A detector that fails; ``raises`` says how."""

    name = "broken"
    digest = "0" * 16

    def __init__(self, raises: Exception) -> None:
        self._raises = raises

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        raise self._raises


@pytest.mark.parametrize(
    "error", [DetectorFailed("broken", "timeout"), RuntimeError("a bug"), MemoryError()], ids=lambda e: type(e).__name__
)
async def test_a_detector_that_fails_keeps_even_a_harmless_text_from_the_cloud(
    tmp_path: Path, error: Exception
) -> None:
    judge = Judge(Pipeline([*build(None, names=False).detectors, Broken(error)], None))
    async with world(tmp_path, Plan(judge=judge)) as w:
        answer = await w.ask(HARMLESS)
        assert (answer.status, answer.zone) == (200, "onprem")
        refused = await w.ask(HARMLESS, model="cloud-only")
        assert (refused.status, refused.code) == (403, "policy_refused")
        assert not w.cloud.requests and not w.enclave.received
        assert w.records(kind="intent")[0]["sensitivity"] == "regulated"


async def test_a_detector_that_does_not_end_is_killed_and_its_text_stays_in_the_house(tmp_path: Path) -> None:
    plan = Plan(judge=None, limits=Limits(inspect_deadline_s=0.3, shutdown_s=5.0))
    async with world(tmp_path, plan) as w:
        stuck = w.gate.workers.workers[0].pid
        assert stuck is not None
        os.kill(stuck, signal.SIGSTOP)
        answer = await w.ask(HARMLESS)
        assert (answer.status, answer.zone) == (200, "onprem")
        assert not w.cloud.requests and not w.enclave.received
        assert "deadline" in w.records(kind="intent")[0]["facts"]["uninspected"]
        assert w.gate.workers.restarts == 1


async def test_a_worker_that_is_killed_at_work_leaves_its_text_uninspected_and_is_replaced(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(judge=None)) as w:
        worker = w.gate.workers.workers[0]
        assert worker.pid is not None
        old, at_work, ask = worker.pid, asyncio.Event(), worker.ask
        os.kill(old, signal.SIGSTOP)

        async def watched(frame: Any) -> Any:
            at_work.set()
            return await ask(frame)

        worker.ask = watched  # type: ignore[method-assign]  # only to know when it works
        asking = asyncio.create_task(w.ask(HARMLESS))
        await at_work.wait()
        os.kill(old, signal.SIGKILL)
        answer = await asking
        assert (answer.status, answer.zone) == (200, "onprem")
        assert "worker_died" in w.records(kind="intent")[0]["facts"]["uninspected"]
        assert not w.cloud.requests
        assert (await w.ask(HARMLESS)).zone == "cloud"
        assert worker.pid != old


async def test_a_text_over_the_inspection_budget_stays_in_the_house(tmp_path: Path) -> None:
    plan = Plan(judge=None, limits=Limits(inspect_tokens=20, shutdown_s=5.0))
    async with world(tmp_path, plan) as w:
        answer = await w.ask("The weather is fine today. " * 20)
        assert (answer.status, answer.zone) == (200, "onprem")
        assert not w.cloud.requests


async def test_an_image_is_uninspected_and_stays_in_the_house(tmp_path: Path) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    body = chat("", "cloud-only") | {"messages": [{"role": "user", "content": [image]}]}
    async with world(tmp_path) as w:
        assert (await w.ask(body)).status == 403
        assert (await w.ask(body | {"model": "gpt-4o"})).zone == "onprem"
        assert not w.cloud.requests


# -- what the gate does not know --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/v1/files/a/b", "/v1/batches/a", "/v1/threads/t_1/runs", "/v2/chat/completions", "/v1/../x", "/", "/u/x"]
)
async def test_an_unknown_path_is_404_and_never_forwarded(tmp_path: Path, path: str) -> None:
    async with world(tmp_path) as w:
        async with w.http.post(w.gate.url + path, json=chat(MAIL)) as answer:
            assert answer.status == 404
        assert nobody_saw_anything(w)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"--x\r\ncontent-disposition: form-data; name=a\r\n\r\nanna\r\n--x--\r\n", "multipart/form-data; boundary=x"),
        (b"model=gpt-4o&text=anna", "application/x-www-form-urlencoded"),
        (json.dumps(chat(HARMLESS)).encode(), "text/plain"),
        (b"\xff\xfe not json", "application/json"),
        (b'{"model": "gpt-4o", "messages": [', "application/json"),
        (b'{"model": "gpt-4o", "model": "cloud-only", "messages": []}', "application/json"),
        (json.dumps(chat(HARMLESS)).encode("utf-16"), "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
    ],
    ids=["multipart", "form", "text", "bytes", "cut", "twice", "utf-16", "empty", "list"],
)
async def test_a_body_that_is_not_a_json_chat_request_is_400_and_never_forwarded(
    tmp_path: Path, data: bytes, content_type: str
) -> None:
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, data=data, headers={"content-type": content_type}) as answer:
            assert answer.status == 400
            assert answer.headers["x-should-retry"] == "false"
        assert nobody_saw_anything(w)


# -- policy -----------------------------------------------------------------------------------------------------------

STRICT = """version: 1
name: acme
owner: privacy@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: enclave, regulated: onprem}
  uninspected: onprem
  transforms: {"*": redact}
  transforms_enclave: {"*": redact}
rules:
  - id: no-mail
    when: {labels: [EMAIL_ADDRESS]}
    at_most: onprem
    because: Addresses stay in the house
"""


@pytest.mark.parametrize("text", ["", "version: 1\n", STRICT.replace("at_most: onprem", "at_most: moon"), "{[", "\0"])
async def test_an_invalid_policy_on_reload_leaves_the_old_one_in_force_and_is_on_record(
    tmp_path: Path, text: str
) -> None:
    policy = tmp_path / "acme.yaml"
    policy.write_text(STRICT)
    async with world(tmp_path, Plan(policy="acme.yaml")) as w:
        revision = w.gate.policy.current().revision
        policy.write_text(text)
        await w.gate.reload()
        assert w.gate.policy.current().revision == revision
        answer = await w.ask(MAIL)
        assert (answer.zone, answer.headers["sealgate-policy"]) == ("onprem", revision)
        assert not w.cloud.requests
        assert w.records(kind="control", code="policy_invalid")
        async with w.http.get(f"{w.gate.admin_url}/readyz") as ready:
            assert (await ready.json())["policy_file_invalid"] is True


async def test_a_policy_file_that_disappears_leaves_the_old_one_in_force(tmp_path: Path) -> None:
    policy = tmp_path / "acme.yaml"
    policy.write_text(STRICT)
    async with world(tmp_path, Plan(policy="acme.yaml")) as w:
        policy.unlink()
        await w.gate.reload()
        assert (await w.ask(MAIL)).zone == "onprem"
        assert not w.cloud.requests


async def test_a_valid_policy_on_reload_holds_for_the_next_request(tmp_path: Path) -> None:
    policy = tmp_path / "acme.yaml"
    policy.write_text(STRICT.replace("EMAIL_ADDRESS", "IBAN_CODE"))
    async with world(tmp_path, Plan(policy="acme.yaml")) as w:
        assert (await w.ask(MAIL)).zone == "cloud"
        policy.write_text(STRICT)
        await w.gate.reload()
        assert (await w.ask(MAIL)).zone == "onprem"
        assert w.records(kind="control", code="policy_reloaded")


@pytest.mark.parametrize("text", ["", "version: 1\n", STRICT.replace("at_most: onprem", "at_most: moon")])
async def test_an_invalid_policy_at_start_refuses_to_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "acme.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"acme\.yaml"):
        async with world(tmp_path, Plan(policy="acme.yaml")):
            pass


# -- attestation ------------------------------------------------------------------------------------------------------

LIES = (
    Misbehaviour.TAMPERED_REPORT, Misbehaviour.WRONG_NONCE, Misbehaviour.OTHER_KEY, Misbehaviour.DEBUG_GUEST,
    Misbehaviour.OLD_TCB, Misbehaviour.WRONG_MEASUREMENT, Misbehaviour.FALSE_ROOT, Misbehaviour.EXPIRED_VCEK,
    Misbehaviour.TRUNCATED, Misbehaviour.HUGE_DOCUMENT, Misbehaviour.NOT_JSON, Misbehaviour.HTTP_500,
)  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_an_enclave_that_cannot_prove_itself_gets_nothing_and_the_next_candidate_within_the_ceiling_answers(
    tmp_path: Path, lie: Misbehaviour
) -> None:
    async with world(tmp_path, Plan(enclave=SimulatedEnclave(lie))) as w:
        answer = await w.ask(RECORD)
        assert (answer.status, answer.zone) == (200, "onprem")
        none = await w.ask(RECORD, model="sealed-only")
        assert (none.status, none.code) == (503, "attestation_failed")
        assert "retry-after" in none.headers
        assert not w.enclave.received and not w.cloud.requests
        refused = w.records(kind="refusal", code="attestation_failed")
        assert {r["request_id"] for r in refused} == {h.headers["sealgate-request-id"] for h in (answer, none)}


async def test_an_approval_that_is_taken_away_holds_for_the_next_request(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(RECORD)).zone == "enclave"
        approved = (tmp_path / "clinic.yaml").read_text()
        (tmp_path / "clinic.yaml").unlink()
        await w.gate.reload()
        assert (await w.ask(RECORD)).zone == "onprem"
        assert len(w.enclave.received) == 1 and not w.cloud.requests
        async with w.http.get(f"{w.gate.admin_url}/readyz") as ready:
            said = await ready.json()
        assert said["expectations_invalid"] == ["clinic.yaml"] and set(said["enclaves"]) == {"sealed"}
        (tmp_path / "clinic.yaml").write_text(approved + "# approved again\n")
        (tmp_path / "denied.txt").write_text(w.enclave.measurement.hex())
        await w.gate.reload()
        assert (await w.ask(RECORD)).zone == "onprem"
        (tmp_path / "denied.txt").unlink()
        await w.gate.reload()
        assert (await w.ask(RECORD)).zone == "enclave"
        records = w.records(kind="control", code="expectations_reloaded")
        assert [(r["details"]["invalid"], r["details"]["denied"]) for r in records] == [
            (["clinic.yaml"], 0), ([], 1), ([], 0),
        ]  # fmt: skip


async def test_expectations_whose_approval_has_ended_make_the_enclave_unusable(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(approved_days=-1)) as w:
        assert (await w.ask(RECORD)).zone == "onprem"
        assert (await w.ask(RECORD, model="sealed-only")).code == "attestation_failed"
        assert not w.enclave.received and not w.cloud.requests


@pytest.mark.parametrize("text", ["", "name: clinic\n", "name: clinic\ntees: [sev-snp]\nmeasurements: {}\n"])
async def test_empty_expectations_refuse_to_start(tmp_path: Path, text: str) -> None:
    class Empty(SimulatedEnclave):
        def expectations_yaml(self, name: str, approved_until: Any) -> str:
            return text

    with pytest.raises(ConfigError, match=r"clinic\.yaml"):
        async with world(tmp_path, Plan(enclave=Empty())):
            pass


class RotatesOnce(SimulatedEnclave):
    """Replaces its key right after it was verified, the first time only."""

    def __init__(self) -> None:
        super().__init__(Misbehaviour.KEY_ROTATION)
        self.pins: list[bytes] = []

    def rotate_key(self) -> None:
        super().rotate_key()
        self.pins.append(self.pin)

    async def _attest(self, request: web.Request) -> web.Response:
        answer = await super()._attest(request)
        self.misbehaviour = None
        return answer


async def test_a_key_that_rotates_between_verify_and_send_gets_no_request_byte_until_it_is_attested(
    tmp_path: Path,
) -> None:
    enclave = RotatesOnce()
    async with world(tmp_path, Plan(enclave=enclave)) as w:
        answer = await w.ask(RECORD)
        assert (answer.status, answer.zone) == (200, "enclave")
        old, new = enclave.pins
        evidence = enclave.bytes_by_key[old]  # one request for evidence, nothing else
        assert 0 < evidence < 1000
        assert enclave.bytes_by_key[new] > evidence
        assert enclave.attestations == 2 and len(enclave.received) == 1
        assert w.records(kind="control", code="enclave_key_changed")
        assert w.records(kind="control", code="enclave_lease_replaced")
        assert not w.cloud.requests


async def test_a_key_that_keeps_rotating_gets_request_bytes_only_over_the_connection_that_was_attested(
    tmp_path: Path,
) -> None:
    class Rotates(RotatesOnce):
        async def _attest(self, request: web.Request) -> web.Response:
            return await SimulatedEnclave._attest(self, request)

    enclave = Rotates()
    async with world(tmp_path, Plan(enclave=enclave)) as w:
        assert (await w.ask(RECORD, model="sealed-only")).zone == "enclave"
        first, second, last = enclave.pins
        assert 0 < enclave.bytes_by_key[first] < 1000  # evidence only
        assert enclave.bytes_by_key[second] > enclave.bytes_by_key[first]
        assert enclave.bytes_by_key[last] == 0
        assert enclave.attestations == 2 and len(enclave.received) == 1 and not w.cloud.requests


async def test_a_key_that_rotates_and_then_proves_another_one_never_gets_a_request_byte(tmp_path: Path) -> None:
    class RotatesAndLies(RotatesOnce):
        async def _attest(self, request: web.Request) -> web.Response:
            answer = await SimulatedEnclave._attest(self, request)
            self.misbehaviour = Misbehaviour.OTHER_KEY
            return answer

    enclave = RotatesAndLies()
    async with world(tmp_path, Plan(enclave=enclave)) as w:
        assert (await w.ask(RECORD, model="sealed-only")).code == "attestation_failed"
        first, second = enclave.pins
        assert enclave.bytes_by_key[first] == enclave.bytes_by_key[second]  # evidence only
        assert not enclave.received and not w.cloud.requests


# -- upstreams --------------------------------------------------------------------------------------------------------


async def test_when_the_cloud_is_down_the_next_candidate_within_the_ceiling_answers(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.cloud.stop()
        answer = await w.ask(MAIL)
        assert (answer.status, answer.zone) == (200, "enclave")
        codes = [r["code"] for r in w.records(kind="outcome", request_id=answer.headers["sealgate-request-id"])]
        assert codes == ["upstream_unreachable", "ok"]


async def test_when_nobody_within_the_ceiling_answers_it_is_503_with_retry_after_on_record(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.cloud.stop()
        answer = await w.ask(HARMLESS, model="cloud-only")
        assert (answer.status, answer.code) == (503, "unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert "x-should-retry" not in answer.headers
        assert w.records(kind="refusal", code="unavailable")


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 504])
async def test_an_upstream_that_answers_with_its_own_failure_is_passed_over(tmp_path: Path, status: int) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode, w.cloud.status = "error", status
        answer = await w.ask(HARMLESS)
        assert (answer.status, answer.zone) == (200, "enclave")
        assert len(w.cloud.requests) == 1


async def test_a_redirect_is_refused_and_its_target_sees_nothing(tmp_path: Path) -> None:
    async with FakeCloud() as elsewhere, world(tmp_path) as w:
        w.cloud.mode, w.cloud.location = "redirect", elsewhere.url + "/chat/completions"
        answer = await w.ask(MAIL, model="cloud-only")
        assert answer.status == 503
        assert not elsewhere.requests
        assert [r["code"] for r in w.records(kind="outcome")] == ["redirect_refused"]


async def test_proxy_variables_of_the_environment_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeCloud() as trap:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, trap.url.removesuffix("/v1"))
            monkeypatch.setenv(name.lower(), trap.url.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with world(tmp_path) as w:
            for text, zone in ((MAIL, "cloud"), (RECORD, "enclave"), (TOKEN, "onprem")):
                assert (await w.ask(text)).zone == zone
        assert not trap.requests


async def test_an_app_that_leaves_mid_stream_closes_the_upstream_and_is_recorded_as_cancelled(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode = "endless"
        async with w.http.post(w.chat_url, json=chat(MAIL, stream=True)) as answer:
            await answer.content.readany()
            answer.close()
        async with asyncio.timeout(30):
            await w.cloud.gone.wait()
        await w.quiet()
        (outcome,) = w.records(kind="outcome")
        assert outcome["code"] == "cancelled"
        assert w.intact()


async def test_an_app_that_leaves_before_the_answer_begins_closes_the_upstream_too(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.cloud.mode = "hang"
        asking = asyncio.create_task(w.ask(HARMLESS))
        await w.cloud.arrived.wait()
        asking.cancel()
        await asyncio.wait({asking})
        async with asyncio.timeout(30):
            await w.cloud.gone.wait()
        await w.quiet()
        assert [r["code"] for r in w.records(kind="outcome")] == ["cancelled"]
        assert len(w.records(kind="intent")) == 1


async def test_open_intents_get_the_outcome_unknown_at_the_next_start(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        receipt = await w.gate.store.begin(intent("req_cut_short"), b"d" * 32)
    async with world(tmp_path) as w:
        assert w.gate.store.recovered == 1
        (outcome,) = w.records(kind="outcome")
        assert (outcome["code"], outcome["ref_seq"], outcome["request_id"]) == ("unknown", receipt.seq, "req_cut_short")
        assert w.intact()


# -- bounds -----------------------------------------------------------------------------------------------------------

SMALL = Limits(body_bytes=1000, read_timeout_s=0.3, shutdown_s=5.0)


async def test_a_body_over_the_limit_is_413(tmp_path: Path) -> None:
    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100

    async with world(tmp_path, Plan(limits=SMALL)) as w:
        assert (await w.ask("long " * 400)).status == 413
        async with w.http.post(w.chat_url, data=chunks(), headers={"content-type": "application/json"}) as answer:
            assert answer.status == 413
        assert nobody_saw_anything(w)


@pytest.mark.parametrize("depth", [200, 100_000])
async def test_a_body_that_nests_too_deep_is_400(tmp_path: Path, depth: int) -> None:
    data = json.dumps(chat(HARMLESS))[:-1].encode() + b', "x": ' + b"[" * depth + b"]" * depth + b"}"
    async with world(tmp_path) as w:
        async with w.http.post(w.chat_url, data=data, headers={"content-type": "application/json"}) as answer:
            assert answer.status == 400
        assert nobody_saw_anything(w)


async def test_an_app_that_sends_too_slowly_is_408(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(limits=SMALL)) as w:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(w.gate.url).port)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {KEY}\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: 500\r\n\r\n{{".encode())
        await writer.drain()
        status = await reader.readline()
        assert b" 408 " in status
        writer.close()
        await writer.wait_closed()
        assert nobody_saw_anything(w)


async def test_requests_over_the_concurrent_limit_are_429(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(limits=Limits(concurrent_requests=1, shutdown_s=5.0))) as w:
        w.cloud.mode = "hang"
        asking = asyncio.create_task(w.ask(HARMLESS))
        await w.cloud.arrived.wait()
        second = await w.ask(HARMLESS)
        assert (second.status, second.code) == (429, "too_many_requests")
        asking.cancel()
        await asyncio.wait({asking})
        await w.quiet()


# -- the local model --------------------------------------------------------------------------------------------------


async def test_a_local_model_that_crashes_fails_over_within_the_ceiling_and_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALGATE_MODELS", str(models_or_skip("smollm2")))
    local = UpstreamConfig("local", Zone.ONPREM, "llama", model="smollm2-135m")
    route = ModelRoute((("cloud", "gpt-4o"), ("local", "smollm2-135m"), ("house", "small")), substitute=True)
    async with world(tmp_path, Plan(more={"local": local}, models={"gpt-4o": route})) as w:
        engine = w.gate._engines["local"]
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        asking = asyncio.create_task(w.ask(TOKEN))
        while not w.records(kind="intent"):  # it is being sent
            await asyncio.sleep(0.02)
        os.kill(engine.pid, signal.SIGKILL)
        answer = await asking
        assert (answer.status, answer.headers["sealgate-upstream"]) == (200, "house")
        assert not w.cloud.requests and not w.enclave.received
        async with asyncio.timeout(60):
            while (await w.ask(chat(TOKEN, max_tokens=4))).headers["sealgate-upstream"] != "local":
                await asyncio.sleep(0.1)
        assert engine.restarts >= 1
        assert not w.cloud.requests


# -- the invariant: no failure of anything moves a payload to a less trusted zone -------------------------------------

FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": base64.b64encode(b"%PDF").decode()}}
KEPT: dict[str, dict[str, Any]] = {
    "credential": chat(TOKEN),
    "credential in a stream": chat(TOKEN, stream=True),
    "uninspected": chat("") | {"messages": [{"role": "user", "content": [FILE]}]},
    "credential far back": chat("") | {
        "messages": [{"role": "tool", "tool_call_id": "c", "content": json.dumps({"k": SECRET})},
                     {"role": "user", "content": HARMLESS}],
    },
}  # fmt: skip
FAILURES = ("stopped", "error 500", "error 401", "error 429", "hang", "redirect", "drop", "gzip", "not_json")


async def fail(place: FakeCloud, how: str) -> None:
    mode, _, status = how.partition(" ")
    if mode == "stopped":
        await place.stop()
        return
    place.mode, place.status = mode, int(status or 500)


@pytest.mark.parametrize("how", FAILURES)
@pytest.mark.parametrize("payload", KEPT)
async def test_a_payload_for_the_house_goes_nowhere_else_when_the_house_fails(
    tmp_path: Path, payload: str, how: str
) -> None:
    async with world(tmp_path, Plan(limits=QUICK)) as w:
        await fail(w.house, how)
        statuses = []
        for _ in range(4):  # also when the breaker has opened
            with contextlib.suppress(aiohttp.ClientPayloadError):
                answer = await w.ask(KEPT[payload])
                assert answer.status >= 500 or answer.zone == "onprem"
                statuses.append(answer.status)
        assert not w.cloud.requests and not w.enclave.received
        assert {r["upstream"] for r in w.records(kind="intent")} == {"house"}
        if how in {"stopped", "error 500"}:
            assert statuses == [503] * 4


@pytest.mark.parametrize("lie", [Misbehaviour.TAMPERED_REPORT, Misbehaviour.HTTP_500, Misbehaviour.OTHER_KEY])
async def test_a_payload_for_the_enclave_never_reaches_the_cloud_when_enclave_and_house_fail(
    tmp_path: Path, lie: Misbehaviour
) -> None:
    async with world(tmp_path, Plan(enclave=SimulatedEnclave(lie))) as w:
        await w.house.stop()
        for _ in range(4):
            assert (await w.ask(RECORD)).status == 503
        assert not w.cloud.requests and not w.enclave.received


async def test_whatever_fails_the_cloud_sees_no_value_that_must_be_replaced(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for mode in ("ok", "drop", "error", "redirect", "gzip", "not_json"):
            w.cloud.mode = mode
            for text in (MAIL, RECORD, TOKEN):
                with contextlib.suppress(aiohttp.ClientPayloadError):
                    await w.ask(text)
        assert w.cloud.requests
        assert the_cloud_never_saw(w, ADDRESS, NUMBER, SECRET)
