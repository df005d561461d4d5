"""Rows of the failure table, each over loopback sockets with the real ledger. No failure moves a payload outwards."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from house import LightGate, house, settings

from attestation.simulator.misbehave import Misbehaviour
from proxy.audit.query import Filter, query
from proxy.auth import new_key
from proxy.errors import ConfigError
from proxy.settings import ModelRoute

SECRET = "ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT"


def ask(text: str, model: str = "gpt-4o", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def post(url: str, key: str, data: Any, **kwargs: Any) -> tuple[int, dict[str, Any], Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **kwargs.pop("headers", {})}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/chat/completions", data=data, headers=headers, **kwargs) as response,
    ):
        return response.status, json.loads(await response.read() or b"{}"), response.headers


async def test_a_ledger_that_cannot_be_written_sends_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        blocker = sqlite3.connect(h.gate.settings.data / "ledger.sqlite", isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(openai.InternalServerError) as e:
                await h.client().chat.completions.create(**ask("hello"))
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        assert e.value.status_code == 503 and e.value.code == "audit_unavailable"
        assert h.cloud.requests == [] and h.house.requests == []


async def test_a_detector_that_fails_is_never_clean(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        raw = await h.client().chat.completions.with_raw_response.create(**ask("hello #fail"))
        assert raw.headers["sealgate-zone"] == "onprem" and h.cloud.requests == []
        (intent,) = h.records(kind="intent")
        assert intent["facts"]["uninspected"] == ["marks:timeout"] and intent["sensitivity"] == "regulated"


async def test_an_image_stays_in_the_house(tmp_path: Path) -> None:
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}},
    ]
    async with house(tmp_path) as h:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": parts}]}
        raw = await h.client().chat.completions.with_raw_response.create(**body)  # type: ignore[call-overload]
        assert raw.headers["sealgate-zone"] == "onprem" and h.cloud.requests == []


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (b"{bad", {}, 400, "invalid_json"),
        (b'{"model":"gpt-4o","model":"x","messages":[]}', {}, 400, "duplicate_key"),
        (b'{"model":"gpt-4o","messages":[{"role":"user","content":NaN}]}', {}, 400, "invalid_json"),
        (b"\xff\xfe{}", {}, 400, "invalid_encoding"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, {}, 400, "too_deep"),
        (b"{}", {"Content-Type": "text/plain"}, 400, "unsupported_content_type"),
        (b"{}", {"Content-Encoding": "gzip"}, 400, "unsupported_encoding"),
        (b'{"a":"' + b"x" * 300_000 + b'"}', {}, 413, "request_too_large"),
        (json.dumps(ask("hi", model="nobody")).encode(), {}, 404, "model_not_found"),
    ],
)
async def test_bad_input_is_refused_before_anything_leaves(
    tmp_path: Path, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    async with house(tmp_path) as h:
        got, body, answered = await post(h.gate.url, h.key, data, headers=headers)
        assert (got, body["error"]["code"]) == (status, code)
        assert answered["x-should-retry"] == "false"
        assert h.cloud.requests == [] and h.house.requests == []


async def test_a_body_without_a_length_is_bounded_too(tmp_path: Path) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    async with house(tmp_path) as h:
        status, body, _ = await post(h.gate.url, h.key, endless())
        assert (status, body["error"]["code"]) == (413, "request_too_large")


async def test_a_slow_app_is_cut_off(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        host, port = h.gate.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {h.key}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        line = await asyncio.wait_for(reader.readline(), 10)
        assert b"408" in line
        writer.close()


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/chat/completions/x", "/", "/v1/responses", "//v1/models"])
async def test_other_paths_are_not_forwarded(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as h, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {h.key}"}
        async with session.post(h.gate.url + path, json={"input": "secret"}, headers=headers) as response:
            assert response.status == 404
        assert h.cloud.requests == []


async def test_an_invalid_policy_does_not_replace_a_valid_one(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    good = (Path(__file__).parents[2] / "policies" / "default.yaml").read_text()
    policy.write_text(good)
    async with house(tmp_path, change={"policy": str(policy)}) as h:
        before = h.gate.policy.current().revision
        policy.write_text("version: 1\nname: broken\n")
        await h.gate.reload()
        assert h.gate.policy.current().revision == before and h.gate.policy.failing
        policy.write_text(good.replace("name: default", "name: newer"))
        await h.gate.reload()
        assert h.gate.policy.current().name == "newer" and not h.gate.policy.failing
        assert [r["code"] for r in h.records(kind="control")][-2:] == ["policy_invalid", "policy_reloaded"]


async def test_an_invalid_policy_at_start_refuses_to_start(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 2\n")
    with pytest.raises(ConfigError, match=r"policy\.yaml:1"):
        async with house(tmp_path, change={"policy": str(policy)}):
            raise AssertionError("the gate started")


@pytest.mark.parametrize(
    "lie",
    [
        Misbehaviour.TAMPERED_REPORT, Misbehaviour.WRONG_NONCE, Misbehaviour.OTHER_KEY, Misbehaviour.DEBUG_GUEST,
        Misbehaviour.WRONG_MEASUREMENT, Misbehaviour.FALSE_ROOT, Misbehaviour.NOT_JSON, Misbehaviour.HTTP_500,
    ],
)  # fmt: skip
async def test_an_enclave_that_cannot_prove_itself_gets_nothing(tmp_path: Path, lie: Misbehaviour) -> None:
    async with house(tmp_path, misbehaviour=lie) as h:
        raw = await h.client().chat.completions.with_raw_response.create(**ask("note #health"))
        assert raw.headers["sealgate-zone"] == "onprem"
        assert h.enclave.received == [] and h.cloud.requests == []
        assert [r["upstream"] for r in h.records(kind="refusal")] == ["sealed"]
        with pytest.raises(openai.InternalServerError) as e:
            await h.client().chat.completions.create(**ask("note #health", model="no-house"))
        assert e.value.status_code == 503 and e.value.code == "attestation_failed"
        assert h.enclave.received == [] and h.cloud.requests == []


async def test_a_verified_enclave_gets_the_note(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        raw = await h.client().chat.completions.with_raw_response.create(**ask("note of a@b.org #health"))
        assert raw.headers["sealgate-zone"] == raw.headers["sealgate-action"] == "enclave"
        assert b"a@b.org" in h.enclave.received[0] and h.cloud.requests == []
        (intent,) = h.records(kind="intent")
        assert intent["lease"]["simulated"] is True and intent["lease"]["expectations"] == "clinic"


async def test_without_the_simulators_root_its_evidence_is_worth_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        s = replace(h.gate.settings, data=tmp_path / "other")
        async with LightGate(s) as honest:
            async with openai.AsyncOpenAI(base_url=f"{honest.url}/v1", api_key=h.key, max_retries=0) as client:
                raw = await client.chat.completions.with_raw_response.create(**ask("note #health"))
        assert raw.headers["sealgate-zone"] == "onprem" and h.enclave.received == []


async def test_a_key_that_rotates_after_verification_sees_no_byte(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.enclave.misbehaviour = Misbehaviour.KEY_ROTATION
        raw = await h.client().chat.completions.with_raw_response.create(**ask("note #health"))
        assert raw.headers["sealgate-zone"] == "onprem"
        assert h.enclave.received == []


async def test_a_dead_upstream_is_replaced_within_the_ceiling(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.cloud.stop()
        raw = await h.client().chat.completions.with_raw_response.create(**ask("hello"))
        assert raw.headers["sealgate-upstream"] in {"sealed", "house"}
        with pytest.raises(openai.InternalServerError) as e:
            await h.client().chat.completions.create(**ask("hello", model="cloud-only"))
        assert e.value.status_code == 503 and e.value.response.headers["retry-after"]


@pytest.mark.parametrize("text", [f"key {SECRET}", "note #health", "clause #marked", "hello #fail"])
async def test_no_failure_ever_moves_a_payload_outwards(tmp_path: Path, text: str) -> None:
    async with house(tmp_path, misbehaviour=Misbehaviour.TAMPERED_REPORT) as h:
        await h.house.stop()
        for stream in (False, True):
            with pytest.raises(openai.APIStatusError) as e:
                await h.client().chat.completions.create(**ask(text, stream=stream))  # type: ignore[call-overload]
            assert e.value.status_code == 503
        assert h.cloud.requests == [] and h.enclave.received == []


async def test_a_redirect_is_refused_and_proxies_of_the_environment_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    async with house(tmp_path) as h, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {h.key}"}
        url = f"{h.gate.url}/v1/chat/completions"
        async with session.post(url, json=ask("hello", model="cloud-only"), headers=headers) as response:
            assert response.status == 200
        h.cloud.mode = "redirect"
        async with session.post(url, json=ask("hello", model="cloud-only"), headers=headers) as response:
            assert response.status == 503
        assert h.records(kind="outcome")[-1]["code"] == "redirect_refused"


async def test_an_app_that_leaves_mid_stream_is_recorded_and_the_upstream_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.cloud.mode = "endless"
        stream = await h.client().chat.completions.create(**ask("hello", stream=True))  # type: ignore[call-overload]
        async for _ in stream:
            break
        await stream.close()
        await asyncio.wait_for(h.cloud.gone.wait(), 10)
        for _ in range(100):
            if outcomes := h.records(kind="outcome"):
                break
            await asyncio.sleep(0.05)
        assert [o["code"] for o in outcomes] == ["cancelled"]


async def test_an_upstream_that_breaks_mid_stream_is_said_in_the_stream(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.cloud.mode = "drop"
        stream = await h.client().chat.completions.create(**ask("hello world " * 9, stream=True))  # type: ignore[call-overload]
        with pytest.raises(openai.APIError):
            async for _ in stream:
                pass
        assert h.records(kind="outcome")[-1]["code"] not in {"ok", "cancelled"}


async def test_open_intents_of_a_crash_get_an_outcome_at_the_next_start(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        await h.client().chat.completions.create(**ask("hello"))
        s = h.gate.settings
    db = sqlite3.connect(s.data / "ledger.sqlite", isolation_level=None)
    db.execute("DROP TRIGGER IF EXISTS records_no_delete")
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in names:
        db.execute(f"DROP TRIGGER {name}")
    intent = db.execute("SELECT seq, hash FROM records WHERE kind = 'intent'").fetchone()
    db.execute("DELETE FROM records WHERE seq > ?", (intent[0],))
    from proxy import keys
    from proxy.audit.canonical import head_mac

    key = keys.load(s.data.with_name("var.keys")).purpose("audit")
    db.execute("UPDATE head SET seq = ?, hash = ?, mac = ?", (*intent, head_mac(key, *intent)))
    db.close()
    async with house(tmp_path):
        outcomes = query(s.data / "ledger.sqlite", Filter(kind="outcome"))
    assert [o["code"] for o in outcomes] == ["unknown"]


async def test_two_gates_never_share_a_ledger(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        with pytest.raises(ConfigError, match="another gate"):
            async with LightGate(h.gate.settings):
                raise AssertionError("the second gate started")


async def test_plain_http_off_loopback_and_a_busy_port_are_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        s = settings(tmp_path, h.cloud, h.house, h.enclave, [new_key()])
        port = int(h.gate.url.rpartition(":")[2])
        for change, word in (
            ({"listen": ("0.0.0.0", 0)}, "plain HTTP"),
            ({"admin": ("0.0.0.0", 0)}, "loopback"),
            ({"listen": ("127.0.0.1", port), "data": tmp_path / "v2"}, "choose another port"),
        ):
            with pytest.raises(ConfigError, match=word):
                async with LightGate(replace(s, **change)):
                    raise AssertionError("the gate started")


async def test_a_stop_lets_a_running_stream_finish(tmp_path: Path) -> None:
    async with house(tmp_path) as h:
        h.cloud.mode = "ok"
        h.cloud.reply = lambda _: "word " * 400
        stream = await h.client().chat.completions.create(**ask("hello", stream=True))  # type: ignore[call-overload]
        first = await anext(aiter(stream))
        stopping = asyncio.ensure_future(h.gate.__aexit__())
        await asyncio.sleep(0.05)
        text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
        await stopping
        assert first.choices and text.count("word") >= 399
        assert query(h.gate.settings.data / "ledger.sqlite", Filter(kind="outcome"))[-1]["code"] == "ok"


async def test_a_model_that_may_not_be_substituted_is_refused_with_the_rules_reason(tmp_path: Path) -> None:
    route = {"strict": ModelRoute((("cloud", "strict"),))}
    async with house(tmp_path, change={"models": route}) as h:
        with pytest.raises(openai.PermissionDeniedError) as e:
            await h.client(retries=3).chat.completions.create(**ask("clause #marked", model="strict"))
        assert "Documents marked confidential" in str(e.value) and e.value.code == "policy_refused"
        assert len(h.records(kind="refusal")) == 1, "the SDK did not try again"
        assert h.cloud.requests == []
