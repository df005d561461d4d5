"""Runs the demo: starts everything on loopback, sends the cases through the official SDK, prints and checks them.

The checks are real: what the cloud and the enclave received is compared with every sensitive value of the case, the
ledger is queried and verified, and any surprise makes the exit code 2.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
from rich.console import Console

from attestation.simulator.misbehave import Misbehaviour
from attestation.simulator.server import SimulatedEnclave
from policies.types import Zone
from proxy import keys
from proxy.app import Gate
from proxy.audit.query import Filter, query, verify
from proxy.audit.words import table
from proxy.auth import digest, new_key
from proxy.demo import show
from proxy.demo.cases import CASES, Case
from proxy.demo.cloud import Cloud
from proxy.models import store
from proxy.settings import AppConfig, AttestationConfig, ModelRoute, Settings, UpstreamConfig


@dataclass(slots=True)
class Result:
    """What a case brought: the answer's text and arguments, the request id, and the SDK's refusal if any."""

    text: str = ""
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: str | None = None


def _sealed(name: str, enclave: SimulatedEnclave) -> UpstreamConfig:
    proof = AttestationConfig("sealgate-snp", "demo")
    return UpstreamConfig(name, Zone.ENCLAVE, "openai", url=enclave.url, attestation=proof)


def _use(enclave: str) -> tuple[tuple[str, str], ...]:
    return ("cloud", "gpt-4o"), (enclave, "llama-3.3-70b"), ("local", "smollm2-135m")


def settings(
    data: Path, cloud: Cloud, enclave: SimulatedEnclave, tampered: SimulatedEnclave, expectations: Path, key: str
) -> Settings:
    """The demo's configuration: one app, four upstreams, three model names."""
    return Settings(
        data=data,
        policy="builtin:default",
        apps=(AppConfig("crm", "sales", digest(key)),),
        upstreams={
            "cloud": UpstreamConfig("cloud", Zone.CLOUD, "openai", url=cloud.url),
            "sealed": _sealed("sealed", enclave),
            "tampered": _sealed("tampered", tampered),
            "local": UpstreamConfig("local", Zone.ONPREM, "llama", model="smollm2-135m"),
        },
        models={
            "gpt-4o": ModelRoute(_use("sealed"), substitute=True),
            "gpt-4o-tampered": ModelRoute(_use("tampered"), substitute=True),
            "gpt-4o-strict": ModelRoute((("cloud", "gpt-4o-strict"),)),
        },
        expectations=expectations,
        listen=("127.0.0.1", 0),
        admin=("127.0.0.1", 0),
        onprem_networks=(ipaddress.ip_network("127.0.0.0/8"),),
        environment="development",
    )


class Demo:
    """One run. ``problems`` collects everything that should not have happened."""

    def __init__(
        self,
        console: Console,
        gate: Gate,
        cloud: Cloud,
        enclave: SimulatedEnclave,
        tampered: SimulatedEnclave,
        key: str,
    ) -> None:
        self.console = console
        self.gate = gate
        self.cloud = cloud
        self.enclave = enclave
        self.tampered = tampered
        self.client = openai.AsyncOpenAI(base_url=f"{gate.url}/v1", api_key=key, max_retries=0)
        self.problems: list[str] = []
        self.ledger = gate.settings.data / "ledger.sqlite"
        self.because = {r.id: r.because for r in gate.policy.current().rules}

    async def case(self, number: int, case: Case) -> None:
        """Sends one case, prints all sides, checks them."""
        how = "streaming" if case.stream else "whole answer"
        show.heading(self.console, number, case.title, how)
        enclave = self.tampered if case.tampered else self.enclave
        before = len(self.cloud.received), len(enclave.received)
        if case.turns:
            result = await self._turns(case)
        else:
            show.sent(self.console, case.messages, case.model)
            result = await self._send(case, list(case.messages))
        to_cloud = self.cloud.received[before[0] :]
        to_enclave = enclave.received[before[1] :]
        records = query(self.ledger, Filter(request_id=result.request_id))
        self._print(case, result, to_cloud, to_enclave, records)
        self._check(case, result, to_cloud, to_enclave, records)

    async def _turns(self, case: Case) -> Result:
        """A conversation that grows: every request carries the whole history, as chat apps do."""
        history: list[dict[str, Any]] = []
        result = Result()
        named = ""
        self.console.print(f"[dim]12 requests, each with the whole history; turn 1: {case.messages[0]['content']}[/]")
        for turn, message in enumerate(case.messages, 1):
            history.append(message)
            result = await self._send(case, history)
            history.append({"role": "assistant", "content": result.text})
            if turn in {1, 9}:
                body = show.readable(self.cloud.received[-1])
                line = body.splitlines()[-1]
                self.console.print(f"[dim]turn {turn:>2}: the cloud saw[/]", show.highlight(line))
            if "Lindqvist" in result.text:
                named = result.text
        result.text = named or result.text
        return result

    async def _send(self, case: Case, messages: list[dict[str, Any]]) -> Result:
        body: dict[str, Any] = {"model": case.model, "messages": messages, "max_tokens": 60}
        if case.tools:
            body["tools"] = list(case.tools)
        try:
            if case.stream:
                return await self._streamed(body)
            raw = await self.client.chat.completions.with_raw_response.create(**body)
        except openai.APIStatusError as e:
            text = f"{type(e).__name__} {e.status_code}: {e.body['message'] if isinstance(e.body, dict) else e}"
            return Result(
                refused=text, request_id=e.response.headers["sealgate-request-id"], headers=e.response.headers
            )
        message = raw.parse().choices[0].message
        calls = [f"{c.function.name}({c.function.arguments})" for c in message.tool_calls or ()]
        return Result(
            "\n".join([message.content or "", *calls]).strip(), raw.headers["sealgate-request-id"], raw.headers
        )

    async def _streamed(self, body: dict[str, Any]) -> Result:
        text: list[str] = []
        async with self.client.chat.completions.with_streaming_response.create(**body, stream=True) as raw:
            stream = await raw.parse()
            async for chunk in stream:
                for choice in chunk.choices:
                    text.append(choice.delta.content or "")
                    for call in choice.delta.tool_calls or ():
                        if call.function is not None:
                            text.append(f"{call.function.name}(" if call.function.name else "")
                            text.append(call.function.arguments or "")
            return Result("".join(text), raw.headers["sealgate-request-id"], dict(raw.headers))

    def _print(
        self, case: Case, result: Result, cloud: list[bytes], enclave: list[bytes], records: list[dict[str, Any]]
    ) -> None:
        decided = next((r for r in records if r["kind"] == "intent"), records[0] if records else None)
        if decided is not None:
            show.decided(self.console, decided, self.because)
        if not case.turns:
            show.seen(self.console, "the cloud", cloud[-1] if cloud else None)
        if enclave or case.zone == "enclave" or case.tampered:
            show.seen(self.console, "the enclave", enclave[-1] if enclave else None)
        show.got(self.console, result.refused or result.text)
        show.recorded(self.console, records)

    def _check(
        self, case: Case, result: Result, cloud: list[bytes], enclave: list[bytes], records: list[dict[str, Any]]
    ) -> None:
        wrong = [f"the cloud saw {v!r}" for v in case.secret if any(_has(raw, v) for raw in cloud)]
        if case.zone != "enclave" and enclave:
            wrong.append("the enclave saw a request that was not meant for it")
        zone = "refused" if result.refused else result.headers.get("sealgate-zone", "?")
        if zone != case.zone:
            wrong.append(f"it ended in {zone}, not {case.zone}")
        wrong += [f"{v!r} was not restored" for v in case.restored if v not in result.text]
        rules = {rule for r in records for rule in r.get("rules", ())}
        if case.rule is not None and case.rule not in rules:
            wrong.append(f"rule {case.rule} is not among the recorded reasons")
        if case.turns and len({name for raw in cloud for name in show.PERSON.findall(raw.decode())}) != 1:
            wrong.append("the stand-in was not the same in every turn")
        if case.unchanged and result.headers.get("sealgate-action") != "allowed":
            wrong.append("the request was changed")
        if case.tampered and not any(r["kind"] == "refusal" and r["code"] == "attestation_failed" for r in records):
            wrong.append("the refusal of the enclave is not on record")
        for line in wrong:
            self.console.print(f"[bold red]✗ {line}[/]")
        if not wrong:
            self.console.print("[bold green]✓ as expected[/]")
        self.problems += [f"{case.title}: {w}" for w in wrong]

    def finish(self, audit_key: bytes) -> int:
        """The audit query and the verification; the exit code."""
        self.console.print()
        self.console.rule("[bold]The ledger[/]  [dim]sealgate audit query · sealgate audit verify[/]", align="left")
        records = query(self.ledger, Filter())
        wanted = [r for r in records if r["kind"] in {"intent", "refusal"}]
        table(self.console, wanted[-12:])
        verdict = verify(self.ledger, audit_key)
        if verdict.problem is not None:
            self.problems.append(f"the ledger is broken: {verdict.problem}")
        self.console.print(
            f"\n{verdict.records} records, chain whole: {verdict.problem is None}, head {verdict.head[:16]}…"
        )
        for problem in self.problems:
            self.console.print(f"[bold red]✗ {problem}[/]")
        if not self.problems:
            self.console.print("[bold green]✓ no sensitive value was seen where it should not be[/]")
        return 2 if self.problems else 0


def _has(raw: bytes, value: str) -> bool:
    text = raw.decode("utf-8", "replace")
    return value.lower() in text.lower()


async def run(data: Path) -> int:
    """The whole demo. Returns the exit code."""
    console = Console(width=min(120, Console().width or 120))
    console.print("[bold]Sealgate demo[/]: the gate, a stand-in cloud and a simulated enclave, all on this machine.")
    os.environ.setdefault("SEALGATE_MODELS", str(store.models_dir(data).absolute()))
    key = new_key()
    with tempfile.TemporaryDirectory(prefix="sealgate-demo-") as folder:
        here = Path(folder)
        liar = SimulatedEnclave(Misbehaviour.TAMPERED_REPORT)
        async with Cloud() as cloud, SimulatedEnclave() as enclave, liar as tampered:
            (here / "demo.yaml").write_text(
                enclave.expectations_yaml("demo", dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))
            )
            s = settings(here / "var", cloud, enclave, tampered, here, key)
            started = time.perf_counter()
            async with Gate(s, simulated=enclave.trust) as gate:
                console.print(f"[dim]gate {gate.url} ready in {time.perf_counter() - started:.1f} s[/]")
                demo = Demo(console, gate, cloud, enclave, tampered, key)
                for number, case in enumerate(CASES, 1):
                    await demo.case(number, case)
                await demo.client.close()
        return demo.finish(keys.load(here / "var.keys").purpose("audit"))
