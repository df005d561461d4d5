"""Large payloads over ports in memory: one decision for all pieces, and memory that does not grow with them."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from egress_support import HandClock
from gate_support import SECRET, Judge

from policies.load import load
from policies.types import Zone
from proxy.audit.record import Intent, record_json
from proxy.audit.store import issue
from proxy.call import Call
from proxy.dialects.held import FILES, HeldState
from proxy.dialects.lines import Enveloped, Text
from proxy.dialects.openai_chat import OpenAIChat
from proxy.errors import Refused
from proxy.health import Breaker
from proxy.outbound import Answer, Outbound
from proxy.pieces import Cargo, PieceFlow
from proxy.routing import ModelRouter
from proxy.settings import ModelRoute, UpstreamConfig

POLICY = """
version: 1
name: test
owner: privacy@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: cloud, regulated: onprem}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
rules:
  - id: secrets
    when: {labels: ["@secrets"]}
    at_most: onprem
    because: secrets stay
  - id: chat-stays
    when: {endpoint: [openai.chat], labels: [IBAN_CODE]}
    at_most: onprem
    because: no accounts in chats
"""
UPSTREAMS = {"far": UpstreamConfig("far", Zone.CLOUD, "openai", "https://far.example/v1")}
IBAN = "DE89 3704 0044 0532 0130 00"


@dataclass
class Ports(AbstractAsyncContextManager[Answer]):
    """Store and door: what leaves is counted, not kept, unless it is small."""

    intents: list[Intent] = field(default_factory=list)
    refusals: int = 0
    size: int = 0
    sent: bytes = b""
    out: Outbound | None = None

    async def begin(self, intent: Intent, digest: bytes) -> Any:
        record_json(intent)
        self.intents.append(intent)
        return issue(len(self.intents), "req_1", intent.upstream, digest)

    async def refuse(self, refusal: Any) -> int:
        self.refusals += 1
        return 1

    async def finish(self, outcome: Any) -> None:
        record_json(outcome)

    async def prepare(self, candidate: Any, want: Any) -> None:
        return None

    def send(self, receipt: Any, out: Outbound) -> Ports:
        self.out = out
        return self

    async def __aenter__(self) -> Answer:
        assert self.out is not None and self.out.large is not None
        async for chunk in self.out.large.chunks():
            self.size += len(chunk)
            self.sent += chunk if self.size < 1_000_000 else b""

        async def body() -> Any:
            yield b'{"id": "file-1"}'

        return Answer(200, {"content-type": "application/json"}, body())

    async def __aexit__(self, *_: object) -> None:
        return None


@pytest.fixture
def ports() -> Ports:
    return Ports()


async def sent(ports: Ports, cargo: Cargo, folder: Path) -> None:
    policy = load(POLICY, "test.yaml")
    clock = HandClock()
    flow = PieceFlow(
        policy=lambda: policy,
        inspector=Judge(),
        router=ModelRouter({"m": ModelRoute((("far", "real"),), substitute=True)}, UPSTREAMS, Breaker(clock.monotonic)),
        store=ports,  # type: ignore[arg-type]  # what this test needs of a store
        door=ports,
        clock=clock,
        purpose=lambda name, tenant: f"{name}/{tenant}".ljust(32).encode()[:32],
    )
    call = Call("req_1", "crm", "sales", "/files", b"", ())
    reply = await flow.send(call, HeldState(FILES, "file"), cargo, folder)
    assert [c async for c in reply.chunks]


def line(text: str) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return json.dumps({"custom_id": "t", "method": "POST", "url": "/v1/chat/completions", "body": body}).encode()


def batch(*lines: bytes) -> Cargo:
    dialect = Enveloped("body", {"/v1/chat/completions": OpenAIChat()}, {"method": "POST"})
    return Cargo(lambda: iter(lines), dialect, "application/jsonl", between=b"\n", named=True)


async def test_every_line_is_replaced_under_one_decision_and_one_record(ports: Ports, tmp_path: Path) -> None:
    lines = [
        line("Write to anna.berg@example.com."),
        b"",
        line("And to otto.kranz@example.com, from anna.berg@example.com."),
    ]
    await sent(ports, batch(*lines), tmp_path)
    made = ports.sent.split(b"\n")
    assert [json.loads(x)["body"]["model"] for x in made if x] == ["real", "real"]
    assert made[1] == b""
    assert b"example.com" not in ports.sent
    token = json.loads(made[0])["body"]["messages"][0]["content"].removeprefix("Write to ").rstrip(".")
    assert token in made[2].decode(), "one value, one stand-in in the whole file"
    (intent,) = ports.intents
    assert intent.transforms == {"EMAIL_ADDRESS": {"pseudonym": 3}}
    assert intent.body_bytes == len(ports.sent)
    assert intent.common.facts["labels"]["EMAIL_ADDRESS"]["n"] == 3


async def test_the_strictest_line_decides_for_all(ports: Ports, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await sent(ports, batch(line("hello"), line(f"token = {SECRET}")), tmp_path)
    assert (ports.intents, ports.refusals, ports.size) == ([], 1, 0)


async def test_a_rule_for_an_api_holds_for_batches_of_it(ports: Ports, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no accounts in chats"):
        await sent(ports, batch(line(f"Pay to {IBAN}.")), tmp_path)
    assert ports.size == 0


async def test_memory_does_not_grow_with_the_file(ports: Ports, tmp_path: Path) -> None:
    block = b"What is the capital of France? " * 500 + b"\n"

    def pieces(count: int) -> Iterator[bytes]:
        return (block for _ in range(count))

    peaks = []
    for count in (40, 1_000):  # 0.6 and 15 MB
        cargo = Cargo(lambda count=count: pieces(count), Text(), "application/octet-stream")  # type: ignore[misc]  # the default binds the loop's number
        ports.sent = b""
        tracemalloc.start()
        await sent(ports, cargo, tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 3_000_000
