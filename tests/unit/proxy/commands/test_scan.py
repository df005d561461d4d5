"""``sealgate scan``: the same findings as the gate, in order, and a row for every bad line."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from model_support import models_or_skip

from proxy.commands import scan as module
from proxy.commands.scan import chunks, judge, scan
from proxy.dialects.base import Segment
from proxy.inspect_results import inspect_here
from proxy.inspect_worker import build
from redaction.pipeline import Pipeline

CANARY = "quintella.vorhausen@canary-berry.com"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return build(None, names=False)


def line(text: str, ident: object = "a") -> bytes:
    return json.dumps({"id": ident, "text": text}).encode()


def test_spans_are_those_of_the_gate(pipeline: Pipeline) -> None:
    text = f"Write to {CANARY} or call +49 30 901820 \U0001f600 4111 1111 1111 1111"
    row = judge(pipeline, 1, line(text))
    (result,) = inspect_here(pipeline, (Segment("/text", "user", text),)).results
    assert {(f.start, f.end) for f in result.findings} >= {(s["start"], s["end"]) for s in row["spans"]}
    assert [text[s["start"] : s["end"]] for s in row["spans"] if s["label"] == "EMAIL_ADDRESS"] == [CANARY]
    assert row["sensitivity"] == "regulated" and row["content"] == "public" and row["uninspected"] is None


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"nope", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "no object"),
        (b'{"id": "x"}', "string `text`"),
        (b'{"id": "x", "text": 3}', "string `text`"),
        (b'{"id": [1], "text": "a"}', "`id`"),
        (b'{"id": "x", "text": "\\ud800"}', "surrogate"),
    ],
)
def test_a_bad_line_is_a_row_that_says_so(pipeline: Pipeline, raw: bytes, problem: str) -> None:
    row = judge(pipeline, 7, raw)
    assert row["line"] == 7 and problem in row["error"] and "spans" not in row


def test_what_could_not_be_inspected_is_regulated(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(pipeline.detectors[0], "detect", fail)
    row = judge(pipeline, 1, line("hello"))
    assert row["uninspected"] and row["sensitivity"] == "regulated"


def test_lines_come_in_bounded_groups_and_a_huge_one_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_BYTES", 100)
    source = io.BytesIO(b"x" * 1000 + b"\n" + b"\n" + b"y\n" * 200)
    got = list(chunks(source))
    assert max(len(chunk) for chunk in got) <= module.CHUNK_LINES
    flat = [each for chunk in got for each in chunk]
    assert flat[0] == (1, module._LONG) and flat[1] == (3, b"y\n") and len(flat) == 201


def test_rows_come_out_in_order_with_exit_1_for_a_bad_line(tmp_path: Path) -> None:
    data = models_or_skip("rampart", "spacy-en").parent
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join([line(f"to {CANARY}", i) for i in range(150)] + [b"nope", b""]))
    result = CliRunner().invoke(scan, ["--data", str(data), "--in", str(source), "--out", str(target), "--jobs", "2"])
    rows = [json.loads(each) for each in target.read_text().splitlines()]
    assert result.exit_code == 1
    assert [row["id"] for row in rows] == [*range(150), None] and rows[-1]["line"] == 151
    assert all(row["spans"][0]["label"] == "EMAIL_ADDRESS" for row in rows[:-1])


def test_models_that_were_changed_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanning by other weights than those that were installed would say nothing of the gate."""
    monkeypatch.delenv("SEALGATE_MODELS", raising=False)
    (tmp_path / "models" / "sealgate").mkdir(parents=True)
    (tmp_path / "models" / "sealgate" / "manifest.json").write_text("{}")
    result = CliRunner().invoke(scan, ["--data", str(tmp_path)], input=b"")
    assert result.exit_code == 1 and "models rollback" in result.output
