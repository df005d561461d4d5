"""Everything a user can name is explained: commands, keys, fields and codes are collected from the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
import yaml

from policies.load import DEFAULTS, REQUIRE, RULE, TOP, UNLESS, WHEN
from proxy import config
from proxy.audit.query import Filter
from proxy.audit.record import Common, Intent, Outcome, Refusal
from proxy.cli import COMMANDS, cli
from proxy.dialects.json_text import REASONS
from proxy.settings import Limits

ROOT = Path(__file__).resolve().parents[2]
NOT_YET = re.compile(r"^not yet\b|not in this release yet", re.IGNORECASE)
PAGES = {p.name: p.read_text("utf-8") for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
RECORD_FIELDS = {
    *(f.name for kind in (Common, Intent, Refusal, Outcome) for f in fields(kind) if f.name != "common"),
    "seq", "at", "kind", "prev_hash", "hash", "details",
}  # fmt: skip


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Full names of every command that does something; those that only say "not yet" are hidden or listed as such."""
    if not isinstance(group, click.Group):
        yield " ".join(path)
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if not found.hidden and not NOT_YET.search(found.help or ""):
            yield from commands(found, (*path, name))


def codes() -> set[str]:
    """Stable codes: ``code = "…"`` of error classes and ``code="…"`` of calls, from the source."""
    found = {code for code, _ in REASONS.values()}
    for path in (ROOT / "proxy").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                value: ast.expr | None = node.value
            elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "code" for t in node.targets):
                value = node.value
            else:
                continue
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found.add(value.value)
    return found


def keys_of_configuration() -> set[str]:
    """Top level, limits, and every literal key list that ``config.py`` gives to ``mapping``."""
    found = set(config.TOP) | set(config.LATER) | {f.name for f in fields(Limits)}
    for node in ast.walk(ast.parse(Path(config.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Set) and all(isinstance(e, ast.Constant) for e in node.elts):
            found |= {e.value for e in node.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)}
    return found


def explained(name: str, page: str | None = None) -> bool:
    """In code marks, alone or as a part of a path such as ``rules[].because`` or ``{file: PATH}``."""
    pattern = re.compile(r"`[^`\n]*(?<![\w-])" + re.escape(name) + r"(?![\w-])[^`\n]*`")
    return any(pattern.search(text) for at, text in PAGES.items() if page in {None, at})


@pytest.mark.parametrize("command", sorted(commands(cli)))
def test_every_command_is_in_the_documents(command: str) -> None:
    assert any(f"sealgate {command}" in text for text in PAGES.values()), f"no page mentions `sealgate {command}`"


@pytest.mark.parametrize("key", sorted(TOP | DEFAULTS | RULE | WHEN | UNLESS | REQUIRE))
def test_every_policy_key_is_in_the_policy_page(key: str) -> None:
    assert explained(key, "policy.md")


@pytest.mark.parametrize("key", sorted(keys_of_configuration()))
def test_every_configuration_key_is_in_the_configuration_page(key: str) -> None:
    assert explained(key, "configuration.md")


@pytest.mark.parametrize("name", sorted(RECORD_FIELDS))
def test_every_field_of_a_record_is_in_the_audit_page(name: str) -> None:
    assert explained(name, "audit.md")


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_error_code_is_in_the_documents(code: str) -> None:
    assert explained(code)


def test_the_collectors_find_what_is_known_to_be_there() -> None:
    assert {"serve", "audit verify", "policy check"} <= set(commands(cli))
    assert {"policy_refused", "model_not_found", "duplicate_key", "address_refused"} <= codes()
    assert {"key_sha256", "substitute", "certificate", "max_age", "body_bytes"} <= keys_of_configuration()
    assert len(COMMANDS) >= 7
    assert {f.name for f in fields(Filter)} - RECORD_FIELDS <= {"since", "until", "limit"}
    assert not explained("surely_nobody_wrote_this")


def test_the_example_of_the_configuration_page_is_read_without_a_problem(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGES["configuration.md"], re.DOTALL)
    example = example.replace("3f6c…64 hex digits…", "3f" * 32)
    (tmp_path / "openai.key").write_text("sk-none")
    (tmp_path / "sealgate.yaml").write_text(example)
    read = config.load_settings(tmp_path / "sealgate.yaml", {"HELPDESK_KEY": "k" * 20})
    assert set(yaml.safe_load(example)) == config.TOP, "the example shows every key"
    assert read.limits.body_bytes == 4 * 1024 * 1024


def test_the_defaults_of_the_limits_are_those_of_the_source() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d.]+) \|$", PAGES["configuration.md"], re.MULTILINE))
    assert {k: float(v) for k, v in rows.items()} == {f.name: float(getattr(Limits(), f.name)) for f in fields(Limits)}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    base = ROOT if page == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[page]):
        assert (base / target).exists(), f"{page} links to {target}"
