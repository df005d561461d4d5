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
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n \t\n", "\u2028"])
def test_lines_that_hold_one_each_are_alike(frame: str, end: str) -> None:
    text = end.join(frame.format(n=n, v=v, word="ok " * n) for n, v in enumerate(IDS, 1))
    assert _found(text, IDS[:6]) == {v: {"REFERENCE_NUMBER": 0.65, "PHONE_NUMBER": 0.4} for v in IDS[6:]}


@pytest.mark.parametrize("between", [", ", " / ", " | ", "; ", '", "'])
def test_so_are_items_of_a_line(between: str) -> None:
    assert set(_found(f'["{between.join(IDS)}"]', IDS[:6])) == set(IDS[6:])


def _like(form: str, n: int) -> str:
    """Another number in that print."""
    digits = iter(f"{(n * 7919 + 13) % 10**11:011d}"[::-1] * 2)
    return re.sub(r"\d", lambda _: str(9 - int(next(digits)) % 8), form)


@pytest.mark.parametrize(
    "form",
    ["48291734", "123456", "AB12345678", "AB 12345678", "ABCD-12345678", "+49 30 4829173", "030/4829173", "4829 173",
     "482-917-3411", "4829.173.41", "536-90-4399", "12345-67-8", "48 29 17 34 1", "1234567A", "B1234567",
     "48 29 C7 34", "12-345-67", "12-345-6789", "12-34-567890", "4829-17-341", "4829.173",
      "2 84 05 75 116 001 42", "1234 5678 9012 3456 7890 12"],
)  # fmt: skip
@pytest.mark.parametrize("frame", ["{n}) Ann: {v}", "'{v}' (Ann)", "{v}", "x\t{v}\t12.50", "[{v}]"])
def test_however_such_numbers_are_printed(form: str, frame: str) -> None:
    values = [_like(form, n) for n in range(9)]
    text = "\n".join(frame.format(n=n, v=v) for n, v in enumerate(values))
    assert set(_found(text, [re.escape(v) for v in values[:6]])) == set(values[6:])


@pytest.mark.parametrize(
    ("number", "other"),
    [(number, other) for number, others in {
        "12345": ["123.45", "123,4", "1234.5", "1.234"],
        "123456": ["12.3456789", "1,234.56", "12.345,6", "6/5/2024", "06.05.24", "6-5-2024", "2024-5-6",
                   "2024.5.16"],
        "12345678": ["1 234 567", "1,234,567", "12.345.678", "123,456.78", "1.234.567,89", "1,234,567.5", "2024-05-06",
                     "2024/05/06", "06.05.2024", "6/12/2024", "06-05-2024", "2024.5.06", "2024.05.06"],
     }.items() for other in others],
)  # fmt: skip
def test_amounts_and_dates_among_them_are_none(number: str, other: str) -> None:
    values = [_like(number, n) for n in range(5)]
    for rows in ([*values, other], [f"x\t{v}\ty" for v in [*values, other]]):
        assert other not in _found("\n".join(rows), values[:4])
        assert set(_found("\n".join(rows), values[:4])) == {values[4]}


def test_parts_of_words_and_of_longer_numbers_are_none() -> None:
    for other in ("x48291735", "x.48291735", "x+48291735", "id_48291735", "48291735x", "48291735_1"):
        assert set(_found("\n".join(f"see {v}" for v in [*IDS, other]), IDS[:6])) <= set(IDS[6:]), other


def test_names_between_the_items_of_a_line_do_not_count() -> None:
    text = ", ".join(f"Ann, {v}" for v in IDS)
    assert set(_found(text, IDS[:4])) == set(IDS[4:])


@pytest.mark.parametrize("text", ['["{}"]'.format('","'.join(IDS)), "['{}']".format("','".join(IDS))])
def test_items_in_quotes_need_no_space(text: str) -> None:
    assert set(_found(text, IDS[:4])) == set(IDS[4:])


def test_a_slash_within_a_number_separates_nothing() -> None:
    values = [f"030/{v}" for v in IDS]
    assert set(_found(", ".join(values), values[:4])) == set(values[4:])


def test_cells_in_quotes_may_hold_the_sign_between_the_columns() -> None:
    rows = [('"Roe, A"', v) if n % 2 else (f"Ann,{n}", v) for n, v in enumerate(IDS)]
    text = "\n".join(",".join(row) for row in rows)
    assert set(_found(text, IDS[:6])) == set(IDS[6:])
    last = "\n".join(f'{v},"a,b"' if n % 2 else f"{v},a,b" for n, v in enumerate(IDS))
    assert set(_found(last, IDS[:6])) == set(IDS[6:])


def test_what_most_of_them_are_the_others_are() -> None:
    kinds = ["US_SSN", "PHONE_NUMBER", "PHONE_NUMBER", "PHONE_NUMBER"]
    for text in (_text("list"), _text("csv"), "\n".join(f"{n}) {v}" for n, v in enumerate(IDS))):
        known = [Finding(text.index(v), text.index(v) + 8, kind, 0.9, "x") for v, kind in zip(IDS, kinds, strict=False)]
        assert {f.label for f in kin.numbers(text, known)} == {"REFERENCE_NUMBER", "PHONE_NUMBER"}


def test_one_digit_more_or_less_is_alike() -> None:
    others = ["482917", "4829173", "48291739", "582917341", "5829173412"]
    for frame in ("{}", "no. {} ok"):
        text = "\n".join(frame.format(v) for v in [*IDS[:6], *others])
        assert set(_found(text, IDS[:6])) == {"4829173", "48291739", "582917341"}
        text = "\n".join(frame.format(v) for v in [*IDS[:5], "582917344", *others])
        assert set(_found(text, [*IDS[:5], "582917344"])) == {"4829173", "48291739", "582917341", "5829173412"}


def test_three_are_enough_and_one_that_spans_three_is_not() -> None:
    for frame in ("{}", "no. {} ok"):
        text = "\n".join(frame.format(v) for v in IDS[:8])
        assert set(_found(text, IDS[:3])) == set(IDS[3:8])
        across = Finding(0, text.index(IDS[3]) - 1, "PHONE_NUMBER", 0.9, "encoder")
        assert not [*kin.numbers(text, [across])]
        assert not [*kin.numbers(text, [across, Finding(text.index(IDS[7]), len(text), "PHONE_NUMBER", 0.9, "x")])]


def test_where_one_line_holds_two_that_are_alike_the_others_say_nothing() -> None:
    text = "\n".join(["a 48291734", "b 48291741", "c 48291748", "d 48291755 or 48291762", "e 48291769"])
    assert _found(text, ["48291734", "48291741", "48291748"]) == {
        "48291769": {"REFERENCE_NUMBER": 0.65, "PHONE_NUMBER": 0.4}
    }


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


@pytest.mark.parametrize("label", ["LOCATION", "DATE_TIME", "PERSON", "IP_ADDRESS", "MAC_ADDRESS", "CRYPTO", "AGE"])
def test_findings_that_are_no_numbers_of_somebody_say_nothing(label: str) -> None:
    assert _found(_text("csv"), IDS[:6], label) == {}


def test_amounts_dates_and_numbers_of_another_size_are_none() -> None:
    text = "\n".join([*IDS[:6], "2024-05-06", "1.234.567", "12345", "48291734001122", "482917341"])
    assert set(_found(text, IDS[:6])) == {"482917341"}


def test_columns_do_not_speak_for_one_another() -> None:
    text = "\n".join(f"{a},{b}" for a, b in zip(IDS, reversed(IDS), strict=True))
    first = [Finding(m.start(), m.end(), "PHONE_NUMBER", 0.9, "encoder") for m in re.finditer(r"^\d+", text, re.M)]
    assert [*kin.numbers(text, first)] == []


@pytest.mark.parametrize(
    "frame", ["{}\t{}", "{}|{}", "{};{}", "{},{}", "| {} | {} |", "('x, y', {}, '{}')", "[{}, {}]"]
)
def test_where_two_stand_in_a_row_their_columns_say_which(frame: str) -> None:
    pairs = [(v, str(int(v) + 10_000_003)) for v in IDS]
    text = "\n".join(frame.format(*pair) for pair in pairs)
    assert set(_found(text, IDS[:6])) == set(IDS[6:])
    others = [other for _, other in pairs]
    assert set(_found(text, others[:4])) == set(others[4:])


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
