"""``sealgate serve`` as its own process: start, health, certificates, reload, stop, and every reason not to start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fake_cloud import FakeCloud
from fake_tls import Identity
from gate_support import HARMLESS, KEY, MAIL, chat
from model_support import ROOT, models_or_skip

COMMAND = (sys.executable, "-P", "-c", "from proxy.cli import main; main()", "serve", "--config")
POLICY = """version: 1
name: acme
owner: privacy@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: cloud}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
rules: []
"""
NO_MAIL = POLICY.replace(
    "rules: []",
    "rules:\n  - {id: no-mail, when: {labels: [EMAIL_ADDRESS]}, at_most: blocked, because: Addresses stay here}",
)


def config(url: str = "http://127.0.0.1:9/v1", **more: str) -> str:
    lines = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "data": "./var",
        "workers": "1",
        "apps": f"[{{name: crm, tenant: sales, key: {KEY}}}]",
        "upstreams": f"{{cloud: {{zone: cloud, kind: openai, url: '{url}'}}}}",
        "models": "{gpt-4o: {use: [cloud/gpt-4o]}}",
        **more,
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def environment(models: Path | None) -> dict[str, str]:
    passed = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH"}}
    return passed | {"PYTHONPATH": str(ROOT), "SEALGATE_MODELS": str(models or "/nonexistent")}


def write_pair(folder: Path, identity: Identity) -> None:
    """Certificate and key in one file, under both names."""
    for name in ("tls.pem", "tls.key"):
        (folder / name).write_bytes(identity._pem)


class Served:
    """A running gate and what it says on stderr."""

    def __init__(self, process: asyncio.subprocess.Process, url: str, admin: str) -> None:
        self.process = process
        self.url = url
        self.admin = admin

    async def hears(self, words: str) -> str:
        """The next line of stderr with these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stderr.readline()).decode():
                if words in line:
                    return line
        raise AssertionError(f"stderr ended without {words!r}")

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(60):
            await self.process.communicate()
        return self.process.returncode or 0


async def launch(file: Path, models: Path | None) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *COMMAND, str(file), stdout=pipe, stderr=pipe, env=environment(models), cwd=file.parent
    )


@contextlib.asynccontextmanager
async def serving(folder: Path, text: str) -> AsyncIterator[Served]:
    """Skips the test where the local models are not installed."""
    models = models_or_skip("rampart", "spacy-en")
    file = folder / "sealgate.yaml"
    file.write_text(text)
    process = await launch(file, models)
    assert process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(120):
            greeting = (await process.stdout.readline()).decode()
        match = re.match(r"sealgate serves (\S+)/v1 +\(health: (\S+)/readyz\)", greeting)
        assert match, greeting + (await process.stderr.read()).decode()
        yield Served(process, match[1], match[2])
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def refuses(folder: Path, text: str, models: Path | None = None) -> str:
    """Starts a gate that must not start: exit 1, nothing on stdout, one line on stderr. Returns the line."""
    file = folder / "sealgate.yaml"
    file.write_text(text)
    process = await launch(file, models)
    async with asyncio.timeout(120):
        out, err = await process.communicate()
    said = err.decode()
    assert process.returncode == 1, said
    assert out == b""
    assert said.startswith("sealgate: ")
    assert said.count("\n") == 1, said
    assert KEY not in said
    return said


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
        yield session


async def get(http: aiohttp.ClientSession, url: str) -> tuple[int, Mapping[str, Any]]:
    async with http.get(url) as answer:
        return answer.status, await answer.json()


async def test_it_serves_reloads_its_policy_and_lets_a_running_stream_finish(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    (tmp_path / "acme.yaml").write_text(POLICY)
    async with FakeCloud() as cloud, serving(tmp_path, config(cloud.url, policy="acme.yaml")) as gate:
        assert await get(http, f"{gate.admin}/healthz") == (200, {"status": "ok"})
        status, ready = await get(http, f"{gate.admin}/readyz")
        assert (status, ready["ready"], ready["policy"]) == (200, True, "acme")
        chat_url = f"{gate.url}/v1/chat/completions"
        async with http.post(chat_url, json=chat(MAIL)) as answer:
            assert (await answer.json())["choices"][0]["message"]["content"] == MAIL
            assert answer.headers["sealgate-policy"] == ready["policy_revision"]

        (tmp_path / "acme.yaml").write_text(NO_MAIL)
        assert "is in force" in await gate.hears("policy acme revision")
        async with http.post(chat_url, json=chat(MAIL)) as answer:
            assert answer.status == 403

        (tmp_path / "acme.yaml").write_text(NO_MAIL.replace("at_most: blocked", "at_most: moon"))
        assert "stays in force" in await gate.hears("the new policy is invalid")
        assert re.search(r"acme\.yaml:\d+: ", await gate.hears("at_most"))
        async with http.post(chat_url, json=chat(MAIL)) as answer:
            assert answer.status == 403
        status, now = await get(http, f"{gate.admin}/readyz")
        assert now["policy_file_invalid"] is True

        (tmp_path / "acme.yaml").write_text(POLICY)
        gate.process.send_signal(signal.SIGHUP)
        assert ready["policy_revision"] in await gate.hears("is in force")

        await stopping(gate, http, cloud, chat_url)
    assert not cloud.violations


async def stopping(gate: Served, http: aiohttp.ClientSession, cloud: FakeCloud, chat_url: str) -> None:
    """SIGTERM in the middle of a stream: it comes to its end, later requests are refused, the exit code is 0."""
    cloud.mode = "endless"
    async with http.post(chat_url, json=chat(MAIL, stream=True)) as answer:
        await answer.content.readany()
        gate.process.terminate()
        await gate.hears("stopping: no new requests")
        async with aiohttp.ClientSession(headers=http.headers) as other, asyncio.timeout(30):
            with contextlib.suppress(aiohttp.ClientConnectionError):
                while (status := await asked(other, chat_url)) != 503:  # the word comes before the deed
                    assert status == 200
        cloud.mode = "ok"
        assert b"data: [DONE]" in await answer.read()
    assert await gate.stop() == 0


async def asked(http: aiohttp.ClientSession, url: str) -> int:
    async with http.post(url, json=chat(HARMLESS)) as answer:
        return answer.status


def certificate(url: str) -> str:
    host, port = url.removeprefix("https://").split(":")
    return ssl.get_server_certificate((host, int(port)))


async def test_it_serves_tls_and_takes_up_a_new_certificate(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    first, second = Identity(), Identity()
    write_pair(tmp_path, first)
    text = config(listen="0.0.0.0:0", tls="{certificate: tls.pem, key: tls.key}")
    async with serving(tmp_path, text) as gate:
        url = gate.url.replace("0.0.0.0", "127.0.0.1")
        assert url.startswith("https://")
        async with http.get(f"{url}/v1/models", ssl=False) as answer:
            assert [m["id"] for m in (await answer.json())["data"]] == ["gpt-4o"]
        before = await asyncio.to_thread(certificate, url)
        assert before.encode() in first._pem
        with pytest.raises(aiohttp.ClientError):
            await get(http, url.replace("https:", "http:") + "/v1/models")

        (tmp_path / "tls.key").write_bytes(b"not a key")
        assert "the old one stays" in await gate.hears("cannot be used")
        assert await asyncio.to_thread(certificate, url) == before

        write_pair(tmp_path, second)
        await gate.hears("the TLS certificate was reloaded")
        assert (await asyncio.to_thread(certificate, url)).encode() in second._pem
        assert await gate.stop() == 0


async def test_it_starts_again_on_its_own_data_and_a_second_gate_on_it_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, config()) as gate:
        said = await refuses(tmp_path, config(), models_or_skip("rampart"))
        assert "another gate uses this ledger" in said
        assert await gate.stop() == 0
    assert (tmp_path / "var.keys").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


# -- reasons not to start ---------------------------------------------------------------------------------------------


async def test_plain_http_off_loopback_is_refused(tmp_path: Path) -> None:
    said = await refuses(tmp_path, config(listen="0.0.0.0:0"))
    assert "plain HTTP on 0.0.0.0" in said and "tls:" in said


async def test_an_admin_listener_off_loopback_is_refused(tmp_path: Path) -> None:
    assert "must stay on loopback" in await refuses(tmp_path, config(admin="0.0.0.0:0"))


async def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    models = models_or_skip("rampart", "spacy-en")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = await refuses(tmp_path, config(listen=f"127.0.0.1:{port}"), models)
    assert f"cannot listen on 127.0.0.1:{port}" in said


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (config() + "listen: 127.0.0.1:1\n", "sealgate.yaml:8"),
        (config() + "lisen: 127.0.0.1:1\n", "sealgate.yaml:8"),
        (config().replace("zone: cloud", "zone: moon"), "sealgate.yaml:6"),
        (config() + "x: [\n", "sealgate.yaml:9"),
        (config(policy="missing.yaml"), "missing.yaml"),
        (config(policy="builtin:nothing"), "nothing"),
        (config(models="{gpt-4o: {use: [nowhere/gpt-4o]}}"), "sealgate.yaml:7"),
        (config(apps="[{name: crm, tenant: sales, key: '${NO_SUCH_VARIABLE}'}]"), "NO_SUCH_VARIABLE"),
        (config(tls="{certificate: no.pem, key: no.key}"), "tls"),
    ],
    ids=["twice", "unknown", "zone", "syntax", "policy", "builtin", "upstream", "secret", "tls"],
)
async def test_a_mistake_in_the_configuration_is_said_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    models = models_or_skip("rampart", "spacy-en") if where == "tls" else None
    assert where in await refuses(tmp_path, text, models)


async def test_a_missing_configuration_is_one_line(tmp_path: Path) -> None:
    process = await launch(tmp_path / "none.yaml", None)
    _, err = await process.communicate()
    assert (process.returncode, err.count(b"\n")) == (1, 1)
    assert b"none.yaml" in err


async def test_an_invalid_policy_at_start_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(NO_MAIL.replace("at_most: blocked", "at_most: moon"))
    assert re.search(r"acme\.yaml:\d+", await refuses(tmp_path, config(policy="acme.yaml")))


async def test_a_missing_local_model_is_said_with_what_to_do(tmp_path: Path) -> None:
    local = config(
        upstreams="{local: {zone: onprem, kind: llama, model: smollm2-135m}}", models="{m: {use: [local/m]}}"
    )
    assert "sealgate models install" in await refuses(tmp_path, local)


async def test_models_of_ours_that_were_changed_are_said_with_what_to_do(tmp_path: Path) -> None:
    changed = tmp_path / "models" / "sealgate"
    changed.mkdir(parents=True)
    (changed / "manifest.json").write_text("{}")
    assert "sealgate models rollback" in await refuses(tmp_path, config(), tmp_path / "models")


async def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys = tmp_path / "gate.keys"
    keys.write_text("ab" * 32)
    keys.chmod(0o644)
    said = await refuses(tmp_path, config(keys="{file: gate.keys}"))
    assert "readable by others" in said and "chmod 600" in said and "abab" not in said


async def test_a_key_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    keys = tmp_path / "gate.keys"
    keys.write_text("short")
    keys.chmod(0o600)
    assert "gate.keys" in await refuses(tmp_path, config(keys="{file: gate.keys}"))
