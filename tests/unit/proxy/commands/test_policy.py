"""``sealgate policy``: what it says, and its exit codes: 0 yes, 1 misuse, 2 the answer is no, 3 could not find out."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from audit_support import DIGEST, intent, now, outcome

from policies.facts import facts_to_json
from policies.types import Facts, LabelFacts
from proxy import keys
from proxy.audit.sqlite import SqliteStore
from proxy.cli import main
from proxy.commands.policy import evidence_of
from proxy.dialects.base import Segment
from redaction.classifier import TopicClassifier
from redaction.types import Finding, Sensitivity, TextResult

ROOT = Path(__file__).parents[4]
DEFAULT = (ROOT / "policies" / "default.yaml").read_text("utf-8")


class Shell:
    """The command as a shell runs it: exit code, stdout, stderr."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.patch = monkeypatch
        self.capture = capsys

    def __call__(self, *args: object) -> tuple[int, str, str]:
        self.patch.setattr(sys, "argv", ["sealgate", "policy", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as e:
            code = int(e.code or 0)
        said = self.capture.readouterr()
        return code, said.out, said.err


@pytest.fixture
def sealgate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    path = tmp_path / "acme.yaml"
    path.write_text(DEFAULT.replace("name: default", "name: acme"))
    return path


def cases(folder: Path, expect: str, policy: str = "acme.yaml") -> Path:
    path = folder / "acme.cases.yaml"
    path.write_text(f"policy: {policy}\ncases:\n  - {{name: one, facts: {{}}, expect: {expect}}}\n")
    return path


def test_a_valid_policy_is_told_in_words_and_json(sealgate: Shell, acme: Path) -> None:
    code, out, err = sealgate("check", acme)
    assert (code, err) == (0, "")
    assert out.startswith("acme: valid, revision ") and "credentials-never-leave: at most onprem." in out
    code, out, _ = sealgate("check", acme, "--json")
    value = json.loads(out)
    assert code == 0 and value["valid"] is True and "patient-data" in value["rules"]


def test_an_invalid_policy_is_no_and_every_problem_has_its_place(sealgate: Shell, acme: Path) -> None:
    acme.write_text(DEFAULT.replace("tags: [marked", "tgas: [marked").replace("at_most: onprem", "at_most: onprm", 1))
    code, out, err = sealgate("check", acme)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 2 and all(line.startswith(f"{acme}:") for line in lines)
    assert "did you mean 'tags'?" in err and "did you mean 'onprem'?" in err
    code, out, _ = sealgate("check", acme, "--json")
    value = json.loads(out)
    assert code == 2 and value["valid"] is False and {p["file"] for p in value["problems"]} == {str(acme)}


def test_an_overdue_review_is_a_reminder_and_no_error(sealgate: Shell, acme: Path) -> None:
    acme.write_text(DEFAULT.replace("  - id: unreadable\n", "  - id: unreadable\n    review_by: 2020-01-01\n"))
    code, _, err = sealgate("check", acme)
    assert code == 0 and "overdue: unreadable: its review was due on 2020-01-01" in err


@pytest.mark.parametrize(
    "args", [("check", "nowhere.yaml"), ("test", "nowhere.yaml"), ("explain",), ("check", "builtin:x")]
)
def test_misuse_is_one_line_and_exit_1(sealgate: Shell, args: tuple[str, ...]) -> None:
    code, out, err = sealgate(*args)
    assert (code, out, len(err.splitlines())) == (1, "", 1)


def test_the_shipped_cases_pass(sealgate: Shell) -> None:
    code, out, _ = sealgate("test")
    assert code == 0 and out.strip().endswith("passed, 0 failed") and int(out.split()[0]) >= 30


@pytest.mark.parametrize("policy", ["acme.yaml", "builtin:default"])
def test_cases_pass_or_fail_with_their_line(sealgate: Shell, acme: Path, policy: str) -> None:
    code, out, _ = sealgate("test", cases(acme.parent, "{ceiling: cloud}", policy))
    assert (code, out) == (0, "1 passed, 0 failed\n")
    path = cases(acme.parent, "{ceiling: cloud, rules: [unreadable]}", policy)
    code, out, _ = sealgate("test", path)
    assert code == 2 and out.startswith(f"{path}:3: one: unreadable is not among the reasons")
    code, out, _ = sealgate("test", path, "--json")
    assert code == 2 and json.loads(out)[0]["wrong"] == ["unreadable is not among the reasons"]


def test_a_case_file_without_cases_is_never_a_success(sealgate: Shell, acme: Path) -> None:
    path = acme.parent / "none.cases.yaml"
    path.write_text("policy: acme.yaml\ncases: []\n")
    code, out, err = sealgate("test", path)
    assert code != 0 and out == "" and f"{path}:2: cases: must be a list of at least one case" in err


FACTS = Facts(
    "crm", "sales", "openai.chat", "gpt-4o", now().date(), Sensitivity.REGULATED, {"health": 900},
    {"PERSON": LabelFacts(2, 1, 900)},
)  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory whose ledger holds an intent and its outcome."""
    folder = tmp_path / "var"
    folder.mkdir()
    key = keys.load_or_create(tmp_path / "var.keys").purpose("audit")
    first = intent("req-a")
    common = replace(
        first.common, app="crm", sensitivity="regulated", categories={"health": 900}, facts=facts_to_json(FACTS)
    )

    async def fill() -> None:
        store = SqliteStore(folder / "ledger.sqlite", key, now)
        await store.open()
        await store.begin(replace(first, common=common), DIGEST)
        await store.finish(outcome(1, "req-a"))
        await store.begin(replace(first, common=replace(common, facts={"schema": 0})), DIGEST)
        await store.close()

    asyncio.run(fill())
    return folder


def test_a_record_is_explained_under_any_policy(sealgate: Shell, data: Path, acme: Path) -> None:
    code, out, _ = sealgate("explain", "--record", 1, "--data", data)
    assert code == 0 and "patient-data: at most enclave" in out and "by sensitivity regulated, category health" in out
    acme.write_text(DEFAULT.replace("regulated: enclave", "regulated: onprem"))
    code, out, _ = sealgate("explain", "--record", 1, "--data", data, "--policy", acme, "--json")
    value = json.loads(out)
    assert (code, value["ceiling"]) == (0, "onprem")
    assert [r["id"] for r in value["reasons"] if r["binds"]] == ["default:sensitivity:regulated"]


@pytest.mark.parametrize(("seq", "word"), [(2, "has no facts"), (3, "of another release"), (9, "there is no record 9")])
def test_a_record_that_cannot_be_explained_is_exit_3(sealgate: Shell, data: Path, seq: int, word: str) -> None:
    code, out, err = sealgate("explain", "--record", seq, "--data", data)
    assert (code, out, len(err.splitlines())) == (3, "", 1) and word in err


def test_a_missing_ledger_is_exit_3(sealgate: Shell, tmp_path: Path) -> None:
    assert sealgate("explain", "--record", 1, "--data", tmp_path)[0] == 3


NOTE = "Pt Ida Berg, 71, presents with chest pain; troponin positive. Plan: heparin, aspirin, coronary angiography."


def test_the_evidence_for_a_category_is_words_of_the_part_where_it_is_surest() -> None:
    hidden = (Finding(3, 11, "PERSON", 0.9, "names"),)
    texts = [("/messages/0/content", "text", "What is a heron?"), ("/messages/1/content", "text", NOTE)]
    segments = [Segment(pointer, "user", text, kind=kind) for pointer, kind, text in [*texts, ("/key", "key", NOTE)]]
    classifier = TopicClassifier()
    results = [
        TextResult(found, classifier.classify(s.text, found), None)
        for s, found in zip(segments, ((), hidden, hidden), strict=True)
    ]
    told = {e.category: e for e in evidence_of(segments, results)}
    health = told["health"]
    assert health.pointer == "/messages/1/content" and 0 < len(health.words) <= 5
    assert all(NOTE[start:end] == word for start, end, word in health.words)
    assert {"troponin", "heparin", "angiography", "aspirin", "coronary", "chest", "pain", "pt", "presents"} & {
        word.lower() for _, _, word in health.words
    }
    assert not {"Ida", "Berg"} & {word for _, _, word in health.words}


class _Reader:
    """Stands in for the pipeline, whose models a checkout may lack: the classifier alone."""

    digests: dict[str, str] = {}  # noqa: RUF012 - read only

    def digests_of(self, **_: bool) -> dict[str, str]:
        return self.digests

    def inspect(self, texts: list[str], **_: bool) -> list[TextResult]:
        return [TextResult((), TopicClassifier().classify(text, ()), None) for text in texts]


def test_explaining_a_file_quotes_the_evidence(
    sealgate: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.models.store.require", lambda *_: tmp_path)
    monkeypatch.setattr("proxy.inspect_worker.build", lambda *_, **__: _Reader())
    path = tmp_path / "note.txt"
    path.write_text(NOTE)
    code, out, _ = sealgate("explain", path)
    line = next(row for row in out.splitlines() if row.startswith("  health "))
    assert code == 0 and " at /messages/0/content: " in line and "chest pain (31-41)" in line
    value = json.loads(sealgate("explain", path, "--json")[1])
    (first,) = [e for e in value["evidence"] if e["category"] == "health"]
    assert first["words"] and all(NOTE[start:end] == word for start, end, word in first["words"])


def test_explaining_a_record_quotes_nothing(sealgate: Shell, data: Path) -> None:
    assert json.loads(sealgate("explain", "--record", 1, "--data", data, "--json")[1])["evidence"] == []
