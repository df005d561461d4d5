"""Where most numbers of a column were found, the others are numbers of somebody as well."""

from __future__ import annotations

import re

import pytest
from growth import assert_linear

from redaction import kin, tables
from redaction.pipeline import Pipeline
from redaction.types import Finding

IDS = [f"{48291734 + 7 * n}" for n in range(9)]


def _text(way: str) -> str:
    rows = [(f"r{n}", number, f"{12 + n}.50") for n, number in enumerate(IDS)]
    return {
        "csv": "\n".join(",".join(row) for row in rows),
        "tabs": "Hello,\n" + "\n".join("\t".join(row) for row in rows) + "\nbye",
        "pipes": "\n".join(" | ".join(row) for row in rows),
        "quoted": "\n".join(";".join(f'"{cell}"' for cell in row) for row in rows),
        "sql": "INSERT INTO t VALUES "
        + ", ".join(f"('{a}', '{b}, {b}x', {c})" for a, b, c in rows).replace(", 4", "; 4"),
        "list": "\n".join(IDS),
        "bullets": "these:\n" + "\n".join(f"- {number}," for number in IDS) + "\nthanks",
    }[way]


def _found(text: str, values: list[str], label: str = "PHONE_NUMBER") -> dict[str, dict[str, float]]:
    findings = [Finding(m.start(), m.end(), label, 0.9, "encoder") for v in values for m in re.finditer(v, text)]
    out: dict[str, dict[str, float]] = {}
    for f in kin.numbers(text, findings):
        out.setdefault(text[f.start : f.end], {})[f.label] = f.score
    return out


@pytest.mark.parametrize("way", ["csv", "tabs", "pipes", "quoted", "list", "bullets"])
def test_what_stands_among_found_numbers_is_one(way: str) -> None:
    assert _found(_text(way), IDS[:6]) == {v: {"REFERENCE_NUMBER": 0.65, "PHONE_NUMBER": 0.4} for v in IDS[6:]}


def test_tuples_are_rows() -> None:
    text = "VALUES " + ", ".join(f"({n}, 'a, b', '{v}')" for n, v in enumerate(IDS))
    assert set(_found(text, IDS[:6])) == set(IDS[6:])


@pytest.mark.parametrize(
    "frame",
    [
        "{n}. {v}",
        "Ann Roe: {v}",
        "- Ann - {v}",
        "> {v}",
        "- [ ] {v} (Ann)",
        '{{"a": "{v}"}}',
        "{n}) Ann   {v}   ok",
        "{v} {word}",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_lines_that_hold_one_each_are_alike(frame: str, end: str) -> None:
    text = end.join(frame.format(n=n, v=v, word="ok " * n) for n, v in enumerate(IDS, 1))
    assert _found(text, IDS[:6]) == {v: {"REFERENCE_NUMBER": 0.65, "PHONE_NUMBER": 0.4} for v in IDS[6:]}


@pytest.mark.parametrize("between", [", ", " / ", " | ", "; ", '", "'])
def test_so_are_items_of_a_line(between: str) -> None:
    assert set(_found(f'["{between.join(IDS)}"]', IDS[:6])) == set(IDS[6:])


def test_lines_with_two_such_numbers_say_nothing_of_which() -> None:
    lines = [f"{v} for {int(v) + 11}" for v in IDS]
    assert _found("\n".join(lines), IDS[:6]) == {}
    assert _found("\n".join([*IDS[:6], lines[7]]), IDS[:6]) == {}
    assert _found("\n".join([*(f"row {v}" for v in IDS[:2]), "none here", f"row {IDS[3]}"]), IDS[:2]) == {}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_findings_say_nothing_of_a_column(count: int) -> None:
    assert _found(_text("csv"), IDS[:count]) == {}
    assert _found("\n".join(IDS[:4]) + "\n\ncall 5550100 or 5550101 now", [*IDS[:count], "5550100", "5550101"]) == {}


def test_less_than_a_third_says_nothing_of_a_column() -> None:
    numbers = [str(48291734 + n) for n in range(12)]
    assert _found("\n".join(numbers), numbers[:4]) == {}
    assert len(_found("\n".join(numbers), numbers[:5])) == 7


@pytest.mark.parametrize("label", ["LOCATION", "DATE_TIME", "PERSON", "IP_ADDRESS", "AGE"])
def test_findings_that_are_no_numbers_of_somebody_say_nothing(label: str) -> None:
    assert _found(_text("csv"), IDS[:6], label) == {}


def test_amounts_dates_and_numbers_of_another_size_are_none() -> None:
    text = "\n".join([*IDS[:6], "2024-05-06", "1.234.567", "12345", "48291734001122", "482917341"])
    assert set(_found(text, IDS[:6])) == {"482917341"}


def test_columns_do_not_speak_for_one_another() -> None:
    text = "\n".join(f"{a},{b}" for a, b in zip(IDS, reversed(IDS), strict=True))
    first = [Finding(m.start(), m.end(), "PHONE_NUMBER", 0.9, "encoder") for m in re.finditer(r"^\d+", text, re.M)]
    assert [*kin.numbers(text, first)] == []


def test_it_is_a_part_of_what_is_said_of_a_whole_text() -> None:
    class Some:
        name = digest = "encoder"

        def detect(self, text: str, /) -> tuple[Finding, ...]:
            return tuple(
                Finding(m.start(), m.end(), "PHONE_NUMBER", 0.9, "encoder")
                for m in re.finditer(r"4829\d*[1-6]\b", text)
            )

    (seen,) = Pipeline([Some()], None).inspect([_text("csv")])
    assert {_text("csv")[f.start : f.end] for f in seen.findings} == set(IDS)


@pytest.mark.parametrize(
    "piece", ["12345678\n", "1,2\n", "(1,2)", "a|b|c\n", "1,2,3\n1,2\n", "- 1\n", "\t", ",;|\t\n", "(" * 9]
)
def test_four_times_the_text_is_four_times_the_work(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = 0
    real = tables.value

    def counted(text: str, cell: tuple[int, int]) -> tuple[int, int] | None:
        nonlocal done
        done += 1
        return real(text, cell)

    monkeypatch.setattr(kin, "value", counted)
    monkeypatch.setattr(tables, "value", counted)

    def work(size: int) -> int:
        nonlocal done
        done = 0
        text = "\n".join(IDS) + "\n" + piece * (size // len(piece))
        _found(text, IDS[:6])
        return done

    assert work(80_000) <= 4.5 * work(20_000) + 1000


def test_many_found_numbers_take_linear_time() -> None:
    """Their label is asked for once, not for each of their neighbours."""

    def find(text: str) -> list[Finding]:
        known = [Finding(m.start(), m.end(), "PHONE_NUMBER", 0.9, "encoder") for m in re.finditer("4829173[0-4]", text)]
        return [*kin.numbers(text, known)]

    assert_linear(find, ("48291731\n48291736\n", "48291731, 48291736, ", "48291731 48291736\n"))
