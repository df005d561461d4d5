"""``sealgate policy``: check, test and explain policies. The same code decides here and in the gate."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from policies import cases as cases_
from policies.decide import demanded
from policies.detect import counts
from policies.explain import explain, words
from policies.facts import facts_from_json
from policies.load import load_file, overdue
from policies.schema import Policy
from policies.types import Facts, Inspection
from policies.yaml_strict import YamlProblems
from proxy.dialects.base import Segment
from proxy.errors import ConfigError, SealgateError
from proxy.policyfile import locate
from redaction.types import TextResult

_JSON = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
_POLICY = click.option("--policy", "policy_name", default="builtin:default", show_default=True)


@click.group()
def policy() -> None:
    """Policies: what may go where, in what form."""


def _read(name: str) -> Policy:
    """A policy file or built-in. Raises YamlProblems, and ConfigError for what cannot be read."""
    try:
        return load_file(locate(name, Path()))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{name}: cannot read the policy ({type(e).__name__})") from None


def _load(name: str) -> Policy:
    """As ``_read``, for commands that need a valid policy: prints every problem with file and line, exit 1."""
    try:
        return _read(name)
    except YamlProblems as e:
        click.echo(str(e), err=True)
        sys.exit(1)


@policy.command()
@click.argument("file", default="builtin:default")
@_JSON
def check(file: str, as_json: bool) -> None:
    """Is FILE a valid policy? Says what it does in a few lines. Exit 2 when it is not."""
    try:
        loaded = _read(file)
    except YamlProblems as e:
        problems = [{"file": p.source, "line": p.line, "message": p.message} for p in e.problems]
        click.echo(json.dumps({"valid": False, "problems": problems}) if as_json else str(e), err=not as_json)
        sys.exit(2)
    late = overdue(loaded, dt.datetime.now(dt.UTC).date())
    if as_json:
        facts = {"valid": True, "name": loaded.name, "revision": loaded.revision, "rules": [r.id for r in loaded.rules]}
        click.echo(json.dumps({**facts, "overdue": list(late)}))
        return
    click.echo(f"{loaded.name}: valid, revision {loaded.revision}, {len(loaded.rules)} rules, owner {loaded.owner}")
    for level, zone in loaded.defaults.sensitivity.items():
        click.echo(f"  {level.word:<13} at most {zone.word}")
    for rule in loaded.rules:
        click.echo(
            f"  {rule.id}: {f'at most {rule.at_most.word}' if rule.at_most else 'adds conditions'}. {rule.because}"
        )
    for what, number in counts(loaded.detect).items():
        if number:
            click.echo(f"  detects of its own: {number} {what}")
    for line in late:
        click.echo(f"  overdue: {line}", err=True)


@policy.command("test")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@_JSON
def test_(files: tuple[Path, ...], as_json: bool) -> None:
    """Run case FILES (default: those of the built-in policy). Exit 2 when a case fails; no case at all is misuse."""
    paths = files or (locate("builtin:default", Path()).parent / "cases" / "default.cases.yaml",)
    outcomes = [o for path in paths for o in _run(path)]
    failed = [o for o in outcomes if o.wrong]
    if as_json:
        rows = [{"name": o.case.name, "file": o.case.source, "line": o.case.line, "wrong": o.wrong} for o in outcomes]
        click.echo(json.dumps(rows))
    else:
        for o in failed:
            click.echo(f"{o.case.source}:{o.case.line}: {o.case.name}: {'; '.join(o.wrong)}")
        click.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    if failed:
        sys.exit(2)


def _run(path: Path) -> list[cases_.Outcome]:
    try:
        tested: list[Policy] = []

        def known(name: str) -> frozenset[str]:
            tested.append(load_file(locate(name, path.parent)))  # "builtin:default" works here as everywhere
            return tested[0].labels

        _, cases = cases_.load_cases(path.read_text("utf-8"), str(path), known)
        return cases_.run(tested[0], cases)
    except YamlProblems as e:
        click.echo(str(e), err=True)
        sys.exit(1)
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot be read ({type(e).__name__})") from None


@policy.command("explain")
@_POLICY
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("var"), show_default=True, help="Where models are."
)
@click.option("--record", type=int, help="Explain a record of the ledger by its seq, under this policy.")
@click.option("--app", default="explain", help="With FILE: decide as for this app.")
@click.option("--tenant", default="explain", help="With FILE: decide as for this tenant.")
@click.argument("file", required=False, type=click.Path(exists=True, path_type=Path))
@_JSON
def explain_(
    policy_name: str, data: Path, record: int | None, app: str, tenant: str, file: Path | None, as_json: bool
) -> None:
    """Why would FILE (a request body as JSON, or plain text) be decided as it is?"""
    loaded = _load(policy_name)
    if (record is None) == (file is None):
        raise click.UsageError("give a FILE, or --record SEQ")
    evidence: list[Evidence] = []
    if record is not None:
        facts = _recorded(data, record)
    else:
        facts, evidence = _inspected(loaded, data, file or Path(), app, tenant)
    value = explain(loaded, facts)
    if as_json:
        click.echo(json.dumps({**value, "evidence": [asdict(e) for e in evidence]}, indent=2))
        return
    click.echo(words(value))
    for e in evidence:
        told = ", ".join(f"{word} ({start}-{end})" for start, end, word in e.words)
        click.echo(f"  {e.category} {e.score:.2f} at {e.pointer}: {told or 'no single words'}")


def _recorded(data: Path, seq: int) -> Facts:
    """The facts of a record; one line and exit 3 when they cannot be found out."""
    from proxy.audit.query import Filter, query

    try:
        found = query(data / "ledger.sqlite", Filter(seq=seq))
        if found and "facts" in found[0]:
            return facts_from_json(found[0]["facts"], found[0])
        problem = f"record {seq} has no facts; intents and refusals have" if found else f"there is no record {seq}"
    except ConfigError as e:
        problem = e.message
    except (KeyError, ValueError, TypeError, AttributeError):
        problem = f"the facts of record {seq} are of another release"
    click.echo(f"sealgate: {problem}", err=True)
    sys.exit(3)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words that speak most for a category, in the part of the request where its score is highest.

    Payload text: for the screen of whoever holds the file, never for records or logs.
    """

    category: str
    score: float
    pointer: str
    words: tuple[tuple[int, int, str], ...]
    """Start, end and text of each, best first; offsets in code points of the part at ``pointer``."""


def evidence_of(segments: Sequence[Segment], results: Sequence[TextResult]) -> list[Evidence]:
    """One per category found in the texts of a request, surest first; attachments are not quoted."""
    from redaction.classifier import TopicClassifier

    classifier = TopicClassifier()
    best: dict[str, tuple[float, Segment, TextResult]] = {}
    for segment, result in zip(segments, results, strict=True):
        for category, score in result.classification.categories.items() if segment.kind == "text" else ():
            if category not in best or score > best[category][0]:
                best[category] = (score, segment, result)
    told = []
    for category, (score, segment, result) in sorted(best.items(), key=lambda item: -item[1][0]):
        spans = classifier.evidence(segment.text, category, result.findings)
        quoted = tuple((start, end, segment.text[start:end]) for start, end in spans)
        told.append(Evidence(category, score, segment.pointer, quoted))
    return told


def _inspected(loaded: Policy, data: Path, file: Path, app: str, tenant: str) -> tuple[Facts, list[Evidence]]:
    """Facts of a file by the detectors that the gate would use, in this process, and what speaks for its categories."""
    from proxy import facts as facts_
    from proxy.dialects.openai_chat import OpenAIChat
    from proxy.inspect_results import inspect_here
    from proxy.inspect_worker import build
    from proxy.models import store

    raw = file.read_bytes()
    try:
        parsed = OpenAIChat().parse(raw if raw.lstrip().startswith(b"{") else _as_request(raw))
    except SealgateError as e:
        raise click.ClickException(e.message) from None
    inspection = demanded(loaded, app, tenant, parsed.dialect)
    full = inspection is Inspection.FULL
    seen = inspect_here(
        build(store.models_dir(data), names=True, full=full, own=loaded.detect), parsed.segments, inspection
    )
    facts = facts_.build(parsed, seen, app, tenant, parsed.model, dt.datetime.now(dt.UTC).date())
    return facts, evidence_of(parsed.segments, seen.results)


def _as_request(raw: bytes) -> bytes:
    content: Any = raw.decode("utf-8", "replace")
    return json.dumps({"model": "any", "messages": [{"role": "user", "content": content}]}).encode()
