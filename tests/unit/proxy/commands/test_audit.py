from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from audit_support import DIGEST, LEASE, damage, intent, now, outcome, refusal
from click.testing import CliRunner, Result

from proxy import keys
from proxy.audit.sqlite import SqliteStore
from proxy.commands.audit import audit


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a ledger, and the key file beside it."""
    folder = tmp_path / "var"
    folder.mkdir()
    key = keys.load_or_create(tmp_path / "var.keys").purpose("audit")

    async def fill() -> None:
        store = SqliteStore(folder / "ledger.sqlite", key, now)
        await store.open()
        await store.begin(intent("req-a", zone="enclave", action="enclave", upstream="sealed", lease=LEASE), DIGEST)
        await store.control("enclave_lease_replaced", {"ref_seq": 1, "upstream": "sealed"})
        await store.finish(outcome(1, "req-a"))
        await store.refuse(refusal("req-b"))
        await store.close()

    asyncio.run(fill())
    return folder


def run(*args: object) -> Result:
    return CliRunner().invoke(audit, [str(a) for a in args], env={"COLUMNS": "200"})


def test_query_prints_a_table_for_people_and_json_for_programs(data: Path) -> None:
    shown = run("query", "--data", data)
    assert shown.exit_code == 0 and "sealed" in shown.output and "attestation_failed" in shown.output
    lines = run("query", "--data", data, "--json").output.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (("--kind", "refusal"), [4]),
        (("--request-id", "req-a"), [1, 3]),
        (("--upstream", "sealed", "--limit", "1"), [4]),
        (("--since", "2026-11-21 11:59Z", "--until", "2026-11-22"), [1, 2, 3, 4]),
        (("--since", "2026-11-22"), []),
    ],
)
def test_query_filters(data: Path, options: tuple[str, ...], seqs: list[int]) -> None:
    lines = run("query", "--data", data, "--json", *options).output.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == seqs


def test_a_moment_that_is_none_is_misuse_with_an_example(data: Path) -> None:
    ended = run("query", "--data", data, "--since", "yesterday")
    assert ended.exit_code != 0 and "2026-11-21T08:30" in ended.output


@pytest.mark.parametrize("which", ["req-a", "1", "3"])
def test_show_tells_everything_about_a_request_in_words(data: Path, which: str) -> None:
    told = run("show", which, "--data", data)
    assert told.exit_code == 0
    for part in ("confidential", "patient-data", "PERSON", "pseudonym", "sev-snp", "clinic-enclave", "SIMULATED",
                 "enclave_lease_replaced", "ok", "crm", "sales"):  # fmt: skip
        assert part in told.output
    assert "req-b" not in told.output


def test_show_of_an_event_shows_the_event(data: Path) -> None:
    assert [json.loads(x)["seq"] for x in run("show", "2", "--data", data, "--json").output.splitlines()] == [2]


def test_show_of_what_is_not_there_exits_2(data: Path) -> None:
    assert run("show", "99", "--data", data).exit_code == 2
    assert run("show", "nobody", "--data", data).exit_code == 2


def test_verify_checks_chain_and_head(data: Path) -> None:
    ended = run("verify", "--data", data)
    assert ended.exit_code == 0 and "4 records" in ended.output and "signed by this gate's key" in ended.output
    facts = json.loads(run("verify", "--data", data, "--json").output)
    assert facts["head_checked"] is True and facts["problem"] is None


def test_verify_without_the_key_checks_the_chain_and_says_so(data: Path) -> None:
    (data.parent / "var.keys").unlink()
    ended = run("verify", "--data", data)
    assert ended.exit_code == 0 and "NOT checked" in ended.output


def test_verify_with_a_key_file_that_cannot_be_used_gives_no_verdict(data: Path, tmp_path: Path) -> None:
    assert run("verify", "--data", data, "--keys", tmp_path / "none").exit_code == 3


def test_verify_of_a_broken_ledger_exits_2_and_names_the_record(data: Path) -> None:
    damage(data / "ledger.sqlite", "DELETE FROM records WHERE seq = 2")
    ended = run("verify", "--data", data)
    assert ended.exit_code == 2 and "BROKEN at record 2" in ended.output
    assert json.loads(run("verify", "--data", data, "--json").output)["seq"] == 2


@pytest.mark.parametrize("command", [("query",), ("show", "1"), ("verify",)])
def test_a_ledger_that_is_not_there_exits_3_with_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    ended = run(*command, "--data", tmp_path)
    assert ended.exit_code == 3
    assert ended.output.count("\n") == 1 and "--data" in ended.output


@pytest.mark.parametrize("name", ["trace", "export", "report", "forget"])
def test_commands_of_later_releases_say_not_yet(name: str) -> None:
    ended = run(name, "anything", "--person", "x")
    assert ended.exit_code == 1 and "not yet" in ended.output
