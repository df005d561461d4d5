"""The ``detect`` section of a policy: read strictly, with labels that rules and cases may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies import cases
from policies.decide import decide
from policies.load import load, load_file
from policies.types import Transform, Zone
from policies.yaml_strict import YamlProblems
from proxy.errors import ConfigError
from proxy.policyfile import PolicyFile

HEAD = """version: 1
name: acme
owner: o@acme.example
defaults:
  sensitivity: {public: cloud, internal: cloud, confidential: enclave, regulated: onprem}
  uninspected: onprem
  transforms: {"*": pseudonym, EMPLOYEE_ID: redact}
  transforms_enclave: {"*": keep}
rules:
  - {id: r, when: {labels: [EMPLOYEE_ID]}, at_most: onprem, because: b}
"""
GOOD = r"""detect:
  labels: [ANIMAL]
  patterns:
    - name: staff
      label: EMPLOYEE_ID
      regex: '\bEMP-\d{6}\b'
      examples: [EMP-123456]
      counterexamples: ["EMP-1234567"]
  terms:
    - {name: projects, label: PROJECT, terms: [Blue Heron], file: projects.txt}
  allow:
    - {name: own, terms: [Acme GmbH], labels: [ORGANIZATION, "@contact"]}
"""


def policy(detect: str, **files: str) -> object:
    return load(HEAD + detect, "p.yaml", lambda name: files[name.removesuffix(".txt")])


def problems(detect: str, **files: str) -> list[str]:
    with pytest.raises(YamlProblems) as e:
        policy(detect, **files)
    return [str(p) for p in e.value.problems]


def test_patterns_and_terms_are_read_and_their_labels_known_to_rules_and_cases() -> None:
    made = load(HEAD + GOOD, "p.yaml", lambda name: "# ours\n\nGrey Owl\n")
    assert [p.label for p in made.detect.patterns] == ["EMPLOYEE_ID"]
    assert made.detect.terms[0].terms == ("Blue Heron", "Grey Owl")
    assert {"PROJECT", "EMPLOYEE_ID", "ANIMAL", "PERSON"} <= made.labels
    text = """policy: p
cases:
  - name: n
    facts: {labels: {EMPLOYEE_ID: 0.9}}
    expect: {ceiling: onprem, rules: [r], transforms: {cloud: {PROJECT: pseudonym, EMPLOYEE_ID: redact}}}
"""
    (outcome,) = cases.run(made, cases.load_cases(text, "c", lambda _: made.labels)[1])
    assert not outcome.wrong
    with pytest.raises(YamlProblems, match="unknown key"):
        cases.load_cases(text, "c")
    assert decide(made, outcome.case.facts).transform(Zone.CLOUD, "EMPLOYEE_ID") is Transform.REDACT


P = "detect:\n  patterns:\n    - name: x\n      label: X_ID\n"


@pytest.mark.parametrize(
    ("detect", "line", "message"),
    [
        (P + "      regex: '(?<=a)b'\n", 15, "RE2 cannot read it"),
        (P + "      regex: 'a*'\n", 15, "matches the empty text"),
        (P + "      regex: 'a'\n      validator: luhm\n", 16, "there is no validator 'luhm'"),
        (P + "      regex: 'ab'\n      examples: [ab, cd]\n", 16, "is not found"),
        (P + "      regex: 'ab'\n      counterexamples: [ab]\n", 16, "is found"),
        (P + "      regex: 'ab'\n      score: 0\n", 16, "must be a number"),
        (P + "      regex: 'ab'\n      context: ['--']\n", 16, "a context word has letters"),
        (P + "      regex: 'ab'\n      flags: i\n", 16, "unknown key"),
        (P + f"      regex: '{'a' * 2001}'\n", 15, "at most 2000"),
        (P, 13, "'regex' is missing"),
        ("detect:\n  patterns: []\n", 12, "must be a list of 1 to"),
        ("detect: {}\n", 11, "names at least one of"),
        (P.replace("X_ID", "x-id") + "      regex: ab\n", 14, "a label has"),
        ("detect:\n  terms:\n    - {name: t, label: T_X}\n", 13, "needs 'terms' or a 'file'"),
        ("detect:\n  terms:\n    - {name: t, label: T_X, terms: ['--']}\n", 13, "1 to 64 words"),
        ("detect:\n  terms:\n    - {name: t, label: T_X, terms: [a]}\n", 13, "one letter"),
        ("detect:\n  terms:\n    - {name: t, label: T_X, file: gone.txt}\n", 13, "cannot be read"),
        ("detect:\n  terms:\n    - {name: t, label: T_X, file: empty.txt}\n", 13, "names nothing"),
        ("detect:\n  allow:\n    - {name: t, terms: [ab], labels: [API_KEY]}\n", 13, "secrets are always found"),
        ("detect:\n  allow:\n    - {name: t, terms: [ab], labels: ['@secrets']}\n", 13, "secrets are always found"),
        ("detect:\n  allow:\n    - {name: t, terms: [ab], labels: [PERSN]}\n", 13, "unknown label"),
        ("detect:\n  allow:\n    - {name: t, terms: [ab]}\n    - {name: t, terms: [cd]}\n", 14, "another entry"),
    ],
)
def test_what_could_not_be_found_is_an_error_with_its_line(detect: str, line: int, message: str) -> None:
    def read(name: str) -> str:
        if name == "empty.txt":
            return "# nothing\n"
        raise FileNotFoundError

    with pytest.raises(YamlProblems) as e:
        load(HEAD.replace("EMPLOYEE_ID", "US_SSN") + detect, "p.yaml", read)
    assert any(p.line == line and message in p.message for p in e.value.problems), e.value


def test_a_bad_line_of_a_list_is_told_with_its_file_and_line() -> None:
    assert "projects.txt:3: a term has 1 to 64 words" in problems(GOOD, projects="Grey Owl\n\n---\n")


def test_a_label_that_nothing_gives_is_unknown() -> None:
    with pytest.raises(YamlProblems, match="unknown label 'EMPLOYEE_ID'"):
        load(HEAD, "p.yaml")


def test_a_list_belongs_to_the_revision_and_a_change_of_it_is_a_change_of_the_policy(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(HEAD + GOOD)
    (tmp_path / "projects.txt").write_text("Grey Owl\n")
    held = PolicyFile(tmp_path / "p.yaml")
    first = held.current()
    assert first.revision == load_file(tmp_path / "p.yaml").revision
    assert held.reload() is None
    (tmp_path / "projects.txt").write_text("Grey Owl\nRed Kite\n")
    assert held.reload() == "policy_reloaded"
    assert held.current().revision != first.revision
    assert held.current().detect.digest != first.detect.digest
    (tmp_path / "projects.txt").unlink()
    assert held.reload() == "policy_invalid"
    assert "Red Kite" in held.current().detect.terms[0].terms, "the old one stays"
    with pytest.raises(ConfigError, match=r"projects|cannot be read"):
        PolicyFile(tmp_path / "p.yaml")
