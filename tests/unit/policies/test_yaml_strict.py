"""Strict YAML: what is refused, and that every problem has its line."""

from __future__ import annotations

import pytest

from policies.yaml_strict import Reader, YamlProblems, parse


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "empty"),
        ("# only a comment\n", 1, "empty"),
        ("a: 1\nb: 2\na: 3\n", 3, "twice"),
        ("a: &x 1\n", 1, "anchors"),
        ("a: 1\nb: *a\n", 2, "anchors"),
        ("a: {<<: {b: 1}}\n", 1, "merge"),
        ("a: !!python/object:os.system x\n", 1, "tags"),
        ("a: 1\n---\nb: 2\n", 3, "one document"),
        ("a: [1, 2\n", 2, "not readable"),
        ("? [a, b]\n: 1\n", 1, "plain text"),
        ("[" * 100 + "]" * 100, 1, "deep"),
        ("[" * 1500, 1, "not readable"),
        ("a: 1\nb: \x01\n", 2, "control character"),
        ('a: 1\nb: "\\uD800"\n', 2, "surrogate"),
        ('a: 1\n"\\uDFFF": 2\n', 2, "surrogate"),
        ('a: "\\UFFFFFFFF"\n', 1, "not readable"),
        (f"%YAML {'1' * 5000}.1\n---\na: 1\n", 1, "not readable"),
        ("a:\n  b: {*: keep}\n", 2, "quote a '*'"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(YamlProblems) as e:
        parse(text, "p.yaml")
    assert word in str(e.value)
    assert e.value.problems[0].line == line
    assert str(e.value).startswith(f"p.yaml:{line}: ")


def test_only_true_and_false_are_booleans_and_dates_stay_text() -> None:
    value = parse("{a: no, b: on, c: true, d: 2026-01-01, e: 010, f: 1.5, g: '1', h: ~, i: 0x10}", "p").value
    assert value == {
        "a": "no", "b": "on", "c": True, "d": "2026-01-01", "e": "010", "f": 1.5, "g": "1", "h": None, "i": "0x10",
    }  # fmt: skip


def test_lines_point_at_values_and_at_the_nearest_parent() -> None:
    document = parse("a:\n  b:\n    - x\n    - y\n", "p")
    assert document.line(("a", "b", 1)) == 4
    assert document.line(("a", "nothing")) == 1


def test_the_reader_collects_every_problem_and_suggests() -> None:
    r = Reader(parse("colour: red\nsize: big\nage: 10x\n", "p"))
    r.mapping((), {"color", "size", "age"}, ["name"])
    r.integer(("size",), 1, 0, 9)
    r.seconds(("age",), 1.0)
    with pytest.raises(YamlProblems) as e:
        r.done()
    text = str(e.value)
    assert len(e.value.problems) == 4
    assert "did you mean 'color'?" in text and "'name' is missing" in text and "p:3: age" in text


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("30s", 30.0), ("10m", 600.0), ("2h", 7200.0)])
def test_durations_have_units(text: str, seconds: float) -> None:
    r = Reader(parse(f"a: {text}", "p"))
    assert r.seconds(("a",), 0.0) == seconds
    r.done()


@pytest.mark.parametrize("text", ["true", "1.0", "'1'", "10", "-1", "~", "9" * 5000])
def test_a_whole_number_is_a_whole_number_within_its_bounds(text: str) -> None:
    r = Reader(parse(f"a: {text}", "p"))
    assert r.integer(("a",), 3, 0, 9) == 3
    with pytest.raises(YamlProblems, match="whole number from 0 to 9"):
        r.done()


@pytest.mark.parametrize("text", ["[]", "[1]", "[a, '']", "~", "{a: b}", "' '"])
def test_a_list_of_texts_is_never_empty_or_of_something_else(text: str) -> None:
    r = Reader(parse(f"a: {text}", "p"))
    assert r.texts(("a",)) == ()
    with pytest.raises(YamlProblems, match="list of texts"):
        r.done()


@pytest.mark.parametrize("text", [f"{'9' * 5000}s", "10", "1.5m", "m", "-1s", "0s", "10 m"])
def test_a_bare_or_zero_duration_is_refused(text: str) -> None:
    r = Reader(parse(f"a: {text}", "p"))
    r.seconds(("a",), 1.0)
    with pytest.raises(YamlProblems):
        r.done()
