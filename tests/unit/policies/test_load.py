"""Loading policies: every mistake has its line, nothing is read loosely."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from policies import editor
from policies.load import TAGS, TOOL, load, load_file, overdue
from policies.types import Transform, Zone
from policies.yaml_strict import YamlProblems
from proxy.audit.canonical import plain
from proxy.errors import Misuse
from redaction.markings import MARKED
from redaction.types import GROUPS

ROOT = Path(__file__).parents[3]
DEFAULT = ROOT / "policies" / "default.yaml"

BASE = """version: 1
name: t
owner: o@example.org
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: enclave, regulated: onprem}
  uninspected: onprem
  transforms: {"*": pseudonym}
  transforms_enclave: {"*": keep}
"""


def with_rule(rule: str) -> str:
    return f"{BASE}rules:\n  - {rule}\n"


def problems(text: str) -> str:
    with pytest.raises(YamlProblems) as e:
        load(text, "p.yaml")
    return str(e.value)


def test_the_default_policy_loads_and_the_editor_schema_is_current() -> None:
    assert load_file(DEFAULT).name == "default"
    assert (ROOT / "policies" / "schema.json").read_text() == editor.text()
    json.loads(editor.text())


@pytest.mark.parametrize("missing", ["version", "name", "owner", "sensitivity", "uninspected", "transforms_enclave"])
def test_nothing_may_be_missing(missing: str) -> None:
    lines = [line for line in BASE.splitlines() if not line.strip().startswith(f"{missing}:")]
    assert missing in problems("\n".join(lines))


@pytest.mark.parametrize("level", ["public", "internal", "confidential", "regulated"])
def test_every_sensitivity_needs_a_zone(level: str) -> None:
    text = BASE.replace(f"{level}: cloud, ", "").replace(f"{level}: enclave, ", "").replace(f", {level}: onprem", "")
    assert f"'{level}' is missing" in problems(text)


def test_a_table_without_a_star_is_refused() -> None:
    assert "'*' is missing" in problems(BASE.replace('transforms: {"*": pseudonym}', "transforms: {PERSON: pseudonym}"))


def test_uninspected_may_not_go_to_the_cloud() -> None:
    assert "p.yaml:6" in problems(BASE.replace("uninspected: onprem", "uninspected: cloud"))


def test_a_more_sensitive_level_may_not_travel_farther() -> None:
    assert "may not travel farther" in problems(BASE.replace("regulated: onprem", "regulated: cloud"))


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("{id: a, when: {labels: [PERSN]}, at_most: onprem, because: x}", "did you mean 'PERSON'"),
        ("{id: a, when: {categories: [helth]}, at_most: onprem, because: x}", "unknown category"),
        ("{id: a, when: {labels: [PERSON]}, at_most: moon, because: x}", "must be one of"),
        ("{id: a, when: {labels: [PERSON]}, at_most: onprem}", "'because' is missing"),
        ("{id: a, when: {}, at_most: onprem, because: x}", "at least one key"),
        ("{id: a, when: {min_score: 0.5}, at_most: onprem, because: x}", "belongs to 'labels'"),
        ("{id: a, when: {labels: [PERSON]}, because: x}", "needs at least one of"),
        ("{id: a, when: {not: {app: [b]}}, at_most: onprem, because: x}", "not yet"),
        ("{id: a, when: {labels: [PERSON]}, restore: {}, because: x}", "must name an origin"),
        ("{id: a, when: {labels: [PERSON]}, restore: {tool: [text]}, because: x}", "an origin is"),
        ("{id: a, when: {labels: [PERSON]}, restore: {user: [url]}, because: x}", "a place is"),
        ("{id: a, when: {labels: [PERSON]}, restore: {user: {}}, because: x}", "a list of texts"),
        ("{id: a, when: {labels: [PERSON]}, restore: text, because: x}", "a mapping"),
        ("{id: a, when: {labels: [PERSON]}, answers: strict, because: x}", "must be one of: respond"),
        ("{id: a, when: {uninspected: false}, at_most: onprem, because: x}", "can only be true"),
        ("{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x, unless: {app: [b]}}", "'until' is missing"),
        (
            (
                "{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x, "
                "unless: {at_most: cloud, reason: r, until: 2027-01-01}}"
            ),
            "names who it is for",
        ),
        (
            (
                "{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x, "
                "unless: {labels: [URL], app: [b], at_most: cloud, reason: r, until: 2027-01-01}}"
            ),
            "unknown key",
        ),
        ("{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x, review_by: soon}", "must be a date"),
        ("{id: a, when: {labels: [PERSON]}, require: {}, because: x}", "must name a requirement"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong_and_where(rule: str, word: str) -> None:
    text = problems(with_rule(rule))
    assert word in text and "p.yaml:10" in text


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("{id: a b, when: {app: x}, at_most: onprem, because: x}", "an id has letters"),
        ("{id: 'default:x', when: {app: x}, at_most: onprem, because: x}", "an id has letters"),
        ("{id: a, when: {app: x}, at_most: onprem, because: ' '}", "must be text"),
        ("{id: a, when: {tags: [marked_confidental]}, at_most: onprem, because: x}", "'marked_confidential'"),
        ("{id: a, when: {content: [picture]}, at_most: onprem, because: x}", "unknown content"),
        ("{id: a, when: {tools: [send mail]}, at_most: onprem, because: x}", "a record cannot hold"),
        ("{id: a, when: {app: []}, at_most: onprem, because: x}", "must be text or a list"),
        ("{id: a, when: {any: []}, at_most: onprem, because: x}", "list of conditions"),
        ("{id: a, when: {any: [{}]}, at_most: onprem, because: x}", "at least one key"),
        ("{id: a, when: {labels: [URL], min_score: 50}, at_most: onprem, because: x}", "from 0 to 1"),
        ("{id: a, when: {sensitivity: secret}, at_most: onprem, because: x}", "must be one of"),
        ("{id: a, when: {app: x}, transforms: {}, because: x}", "must name a label"),
        ("{id: a, when: {app: x}, transforms: {PERSN: mask}, because: x}", "did you mean 'PERSON'"),
        ("{id: a, when: {app: x}, transforms: {'@people': mask}, because: x}", "unknown label '@people'"),
        ("{id: a, when: {app: x}, transforms: {PERSON: blur}, because: x}", "must be one of"),
        ("{id: a, when: {app: x}, require: {cloud: {}}, because: x}", "must name a label"),
        ("{id: a, when: {app: x}, require: {max_age: 10}, because: x}", "duration"),
        ("{id: a, when: {app: x}, at_most: onprem, because: x, review_by: 2027-W13-3}", "must be a date"),
        ("{id: a, when: {app: x}, at_most: onprem, because: x, review_by: 2027-02-30}", "must be a date"),
        ("{id: a, when: {app: x}, at_most: onprem, because: x, latency: 3}", "not yet"),
        ("{id: a, when: {app: x}, at_most: onprem, because: x, inspection: fast}", "must be one of: full"),
        ("{id: a, when: {app: x}, because: x, inspection: {}}", "inspection"),
        ("{id: a, when: {labels: [PERSON]}, inspection: full, because: x}", "'when' may test only app, endpoint"),
        ("{id: a, when: {any: [{app: x}, {all: [{tools: [y]}]}]}, inspection: full, because: x}", "may test only"),
        ("{id: a, when: {app: x}, require: {max_age: 1m}, because: x, unless: {app: b}}", "needs a rule with"),
        ("just text", "must be a mapping"),
    ],
)  # fmt: skip
def test_what_would_be_read_loosely_or_never_match_is_refused(rule: str, word: str) -> None:
    text = problems(with_rule(rule))
    assert word in text and "p.yaml:10" in text


@pytest.mark.parametrize("version", ["2", "true", "1.0", "'1'", "~", "1" * 5000])
def test_only_version_1_is_known(version: str) -> None:
    assert "p.yaml:1: version: must be 1" in problems(BASE.replace("version: 1", f"version: {version}"))


@pytest.mark.parametrize("rules", ["{a: b}", "3", "text"])
def test_rules_are_a_list(rules: str) -> None:
    assert "p.yaml:9: rules: must be a list of rules" in problems(f"{BASE}rules: {rules}\n")


def test_two_groups_may_not_disagree_on_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.load.GROUPS", {**GROUPS, "@keys": frozenset({"API_KEY"})})
    table = '{"*": keep, "@secrets": redact, "@keys": %s}'
    assert load(BASE.replace('{"*": pseudonym}', table % "redact"), "p")
    assert "'API_KEY' is in another group" in problems(BASE.replace('{"*": pseudonym}', table % "mask"))


def test_a_score_is_read_in_thousandths_and_groups_are_expanded() -> None:
    (rule,) = load(
        with_rule("{id: a, when: {labels: ['@secrets'], min_score: 0.5}, at_most: onprem, because: x}"), "p"
    ).rules
    assert rule.when.min_score == 500
    assert rule.when.labels == GROUPS["@secrets"]


def test_the_tags_that_a_policy_may_name_are_those_that_inspection_sets() -> None:
    assert {MARKED} == TAGS


@pytest.mark.parametrize("name", ["send mail", "a\nb", "“x”", "ä", "x" * 161, "send_mail", "fs/read:all", "a.b-c"])
def test_a_tool_that_a_policy_may_name_can_be_recorded(name: str) -> None:
    try:
        plain({"tools": [name]})
    except Misuse:
        assert TOOL.fullmatch(name) is None
    else:
        assert TOOL.fullmatch(name)


def test_two_rules_with_one_id_are_refused() -> None:
    rule = "{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x}"
    assert "another rule with id 'a'" in problems(with_rule(rule) + f"  - {rule}\n")


def test_all_problems_come_at_once() -> None:
    text = problems(
        with_rule("{id: a, when: {labels: [X], categories: [Y]}, at_most: z}").replace("owner: o", "onwer: o")
    )
    assert len(text.splitlines()) >= 5


def test_a_label_beats_its_group_which_beats_the_star() -> None:
    text = BASE.replace('{"*": pseudonym}', '{"*": keep, "@secrets": redact, PASSWORD: mask}')
    table = load(text, "p").defaults.transforms[Zone.CLOUD]
    assert (table["PASSWORD"], table["API_KEY"], table["*"]) == (Transform.MASK, Transform.REDACT, Transform.KEEP)


def test_the_revision_follows_the_content_only() -> None:
    assert load(BASE, "a").revision == load("# comment\n" + BASE, "b").revision
    assert load(BASE, "a").revision != load(BASE.replace("name: t", "name: u"), "a").revision


def test_overdue_reviews_and_ended_exceptions_are_told() -> None:
    rule = (
        "{id: a, when: {labels: [PERSON]}, at_most: onprem, because: x, review_by: 2026-01-01, "
        "unless: {app: [b], at_most: cloud, reason: r, until: 2026-02-01}}"
    )
    policy = load(with_rule(rule), "p")
    assert overdue(policy, dt.date(2026, 1, 1)) == ()
    assert len(overdue(policy, dt.date(2026, 3, 1))) == 2
