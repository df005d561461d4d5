"""The public leak suites for gateways, unmodified, against a gate that runs as in production; their verdicts count.

``docs/evidence.md`` says what each of them does, which versions run and what they print. Each runs against
:func:`suites.open_policy`, for what the suites demand contradicts the shipped policy in four places, where the policy
gives way and never the suite: credentials must be replaced and come back (ours never leave the house), card numbers
must come back (ours leave as ``[CREDIT_CARD]``), values of system prompts and tool definitions must come back (ours
stay out of answers), and what a model made up must be masked (``answers: respond``). The last test holds the shipped
policy, as it is, to what it promises.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from gate_support import Plan, world
from suites import Served, capturing, free_port, open_policy, run, served, with_key

from policies.types import Zone
from proxy.settings import ModelRoute, UpstreamConfig

pytestmark = pytest.mark.asyncio(loop_scope="module")

SEED = "5ea16a7e00000001"
"""Of the values that pii-leak-benchmark-v2 makes up."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "open.yaml").write_text(open_policy())
    async with served(folder, "./open.yaml") as running:
        yield running


LOCK = """import sqlite3, sys, time
ledger = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
ledger.execute("BEGIN IMMEDIATE")
open("locked", "w").close()
time.sleep(60)
"""
"""Nobody else can write to the ledger while this runs."""


def ledger_locked(gate: Served) -> dict[str, Any]:
    """No record, no egress: with a ledger that cannot be written nothing may be sent."""
    lock = f"exec '{sys.executable}' lock.py '{gate.ledger}'"
    hold = f"({lock}) >/dev/null 2>&1 & echo $! >lock.pid; until [ -e locked ]; do sleep 0.1; done"
    return {"name": "ledger-locked", "before": hold, "after": "kill $(cat lock.pid)", "expect": "refuse"}


def canarywire_config(gate: Served, target: str) -> dict[str, Any]:
    return {
        "seed": 105,
        "capture": {"url": f"http://127.0.0.1:{gate.capture}"},
        "faults": [ledger_locked(gate)],
        "target": {
            "base_url": target,
            "routes": [
                {"protocol": "openai-chat", "path": "/v1/chat/completions"},
                {"protocol": "anthropic-messages", "path": "/v1/messages"},
            ],
        },
    }


async def test_canarywire_finds_no_leak_and_every_value_comes_back(gate: Served, tmp_path: Path) -> None:
    """Both protocols; plain messages, tool calls and turns of history; streams cut at every offset; a fault."""
    async with capturing(tmp_path, gate.capture), with_key(gate.url) as target:
        (tmp_path / "lock.py").write_text(LOCK)
        (tmp_path / "canarywire.yaml").write_text(json.dumps(canarywire_config(gate, target)))
        ran = await run(tmp_path, "canarywire", "run", "--config", "canarywire.yaml", "--out", "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    ended = Counter((a["name"].split("/")[0], a["status"]) for a in report["attacks"])
    print(ran.said, dict(ended), "values verified:", report["verified"])
    assert ran.code == 0 and report["outcome"] == "pass", (ran.said, report["problems"])
    assert not any(report[k] for k in ("leaks", "unrestored", "inconsistent", "mangled", "problems"))
    assert report["negative_control"]["caught"]
    fault = {("fault", "restored"): 2, ("fault", "refused"): 2}
    assert ended == {("baseline", "restored"): 6, ("fragmentation", "restored"): 64} | fault


async def measured(folder: Path, *arguments: str) -> Any:
    """A run of the benchmark that knew its own requests again. It marks them with random words (``ladder-crate-…``)
    and finds nothing to measure where a gateway takes most of them for a place; that says nothing about leaks."""
    for _ in range(6):
        ran = await run(folder, "pii_leak_benchmark.cli", *arguments)
        if "NOT MEASURED" not in ran.said.upper():
            break
    return ran


async def test_pii_leak_benchmark_selfcheck_says_clean(gate: Served, tmp_path: Path) -> None:
    """Personal data and credentials; the values are new in each run."""
    arguments = ("--target-base-url", f"{gate.url}/v1", "--capture-port", str(gate.capture))
    ran = await measured(tmp_path, "selfcheck", *arguments, "--json-out", "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    print(ran.said)
    assert ran.code == 0 and "\n  CLEAN\n" in ran.said, ran.said
    assert all(check["passed"] for check in report["checks"].values())
    assert len(report["fixture"]["formats"]) == 6
    assert report["checks"]["configured_upstream_boundary"]["correlated_requests"] == 3


async def test_pii_leak_benchmark_ci_says_clean_after_its_negative_control(gate: Served, tmp_path: Path) -> None:
    arguments = ("--target-base-url", f"{gate.url}/v1", "--capture-port", str(gate.capture))
    ran = await measured(tmp_path, "ci", *arguments, "--out", "out")
    current = json.loads((tmp_path / "out" / "current.json").read_text())
    print(ran.said)
    assert ran.code == 0 and current["verdict"] == "CLEAN", ran.said
    assert len(current["required_checks"]) == 5 and all(current["required_checks"].values())
    assert current["contract"]["profile"] == "pii-secrets-v1" and current["contract"]["duty"] == "restore"


async def test_pii_leak_benchmark_v2_gives_fidelity_1_and_leak_0(gate: Served, tmp_path: Path) -> None:
    """Every case of the covering array counts: what was sent comes back, what the model made up does not."""
    ran = await run(
        tmp_path, "pii_leak_benchmark.v2_cli", "--only", "sealgate", "--out", "out", "--seed", SEED, "--validate",
        "--gateway-url", f"{gate.url}/v1/chat/completions", "--upstream-port", str(gate.capture),
        "--json-out", "summary.json", "--exhaustive-splits", "--partial-emission",
    )  # fmt: skip
    print(ran.said)
    assert ran.code == 0, ran.said
    [row] = json.loads((tmp_path / "summary.json").read_text())["rows"]
    assert row["outcome"] == "pass" and row["schema_valid"], row
    assert row["fidelity_rate"] == 1.0
    assert row["leak_single_chunk"] == row["leak_adversarial"] == row["delta_frag"] == 0.0
    assert row["cases_applicable"] == row["echo_observable"] == row["cases_attempted"] == 32
    assert not row["inconclusive"] and not row["request_path_leak"]
    partial = json.loads((tmp_path / "out" / "sealgate.partial-emission.json").read_text())
    assert partial["metrics"]["partial_emission_rate"]["overall"] == 0.0
    assert partial["metrics"]["cases_applicable"] == 32


async def test_with_the_shipped_policy_credentials_stay_and_personal_data_crosses_in_stand_ins(tmp_path: Path) -> None:
    """``NOT MEASURED`` here is the point: a request with credentials reaches no capture. Card numbers are redacted for
    good, so without credentials the duty is ``anonymize``."""
    port = free_port()
    upstream = UpstreamConfig("capture", Zone.CLOUD, "openai", url=f"http://127.0.0.1:{port}/v1")
    plan = Plan(models={"*": ModelRoute((("capture", "*"),))}, more={"capture": upstream})
    async with world(tmp_path, plan) as w:
        command = ("selfcheck", "--target-base-url", f"{w.gate.url}/v1", "--capture-port", str(port))
        all_of_it = await run(tmp_path, "pii_leak_benchmark.cli", *command)
        personal = await measured(tmp_path, *command, "--no-credentials", "--duty", "anonymize")
        refusals = w.records(kind="refusal")
    assert all_of_it.code == 2 and "answered HTTP 403 and forwarded" in all_of_it.said, all_of_it.said
    assert "Requests to capture: 0 " in all_of_it.said
    assert len(refusals) == 3 and all("credentials-never-leave" in r["rules"] for r in refusals)
    assert personal.code == 0 and "\n  CLEAN\n" in personal.said, personal.said
