"""Numbers in tables and lists are read with the head of their column."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from redaction import columns, tables
from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import Pipeline
from redaction.spans import resolve
from redaction.types import DetectorFailed, Finding

PATTERNS = PatternDetector()


def _found(text: str) -> set[tuple[str, str]]:
    return {(text[g.start : g.end], g.label) for g in resolve(columns.numbers(text, PATTERNS.detect))}


ROWS = [(str(n), "open", str(48291734 + 7 * n)) for n in range(60)]


def _written(way: str, head: str) -> str:
    table = [("id", "state", head), *ROWS]
    if way == "markdown":
        lines = ["| " + " | ".join(row) + " |" for row in table]
        return "\n".join([lines[0], "|---|:--:|--:|", *lines[1:]])
    if way == "spaces":
        return "\n".join(f"{a:<6}{b:<8}{c}" for a, b, c in table)
    if way == "html":
        rows = [
            "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in row) + "</tr>"
            for row, kind in ((row, "td" if n else "th") for n, row in enumerate(table))
        ]
        return "<table class='x'>\n" + "\n".join(rows) + "\n</table>"
    if way == "quoted":
        return "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in table)
    if way.startswith("told"):
        rows = "\n".join(",".join(row) for row in ROWS)
        fence = way.removeprefix("told")
        return f"An export with columns id, state, {head}:\n{fence}\n{rows}\n{fence.strip('csv')}\nWhat do you think?"
    if way == "sql":
        return (
            "INSERT INTO t ("
            + ", ".join(table[0])
            + ") VALUES "
            + ", ".join(f"({a}, '{b}', '{c}')" for a, b, c in ROWS)
        )
    if way == "sql, in lines":
        return (
            "INSERT INTO t ("
            + ", ".join(table[0])
            + ") VALUES\n"
            + ",\n".join(f"({a},'{b}','{c}')" for a, b, c in ROWS)
        )
    if way == "matrix":
        return json.dumps(table)
    if way == "split":
        return json.dumps({"columns": table[0], "data": ROWS}, indent=1)
    if way == "by column":
        return json.dumps({key: [row[n] for row in ROWS] for n, key in enumerate(table[0])})
    if way == "array":
        return json.dumps({head: [int(row[2]) for row in ROWS]}, indent=2)
    if way == "enumeration":
        return f"Our list of {head}: " + ", ".join(row[2] for row in ROWS) + " and no more."
    if way == "box":
        return "\n".join(["┌" + "─" * 30 + "┐", *("│ " + " │ ".join(row) + " │" for row in table)])
    if way == "frame":
        return "\n".join([f"      state  {head:>14}", *(f"{a:<6}{b:>5}  {c:>14}" for a, b, c in ROWS)])
    if way == "escaped":
        return json.dumps(json.dumps("\n".join("\t".join(row) for row in table)))
    return "\n".join(way.join(row) for row in table)


@pytest.mark.parametrize(
    "way",
    [",", ";", "\t", "|", " | ", "markdown", "spaces", "html", "quoted", "escaped",
     "sql", "sql, in lines", "matrix", "split", "by column", "array", "enumeration", "box", "frame", "told",
     "told```csv"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("head", "label"),
    [("MRN", "MEDICAL_RECORD"), ("accountNumber", "BANK_ACCOUNT"), ("Patient IDs", "MEDICAL_RECORD"),
     ("passport_no", "PASSPORT"), ("Kontonummer", "BANK_ACCOUNT"), ("paszport", "PASSPORT")],
)  # fmt: skip
def test_every_cell_below_a_head_that_names_a_number_is_found(way: str, head: str, label: str) -> None:
    assert _found(_written(way, head)) == {(number, label) for _, _, number in ROWS}


def test_a_list_below_a_heading_is_a_column() -> None:
    numbers = [str(n) for n in range(48291734, 48291764)]
    for head in ("Account numbers:", "## Account numbers", "**Account number**"):
        for sign in ("- ", "* ", "", "1. "):
            text = (
                f"Hello,\n\n{head}\n" + "\n".join(f"{sign}{n}" for n in numbers) + "\nThat is all: 55555555\n66666666"
            )
            assert _found(text) == {(n, "BANK_ACCOUNT") for n in numbers}


def test_a_row_with_more_or_fewer_cells_does_not_hide_a_value() -> None:
    text = "name,note,ssn\na,b,536904399\na,b, c,536904398\nx,536904397\na,b,536904396"
    assert {v for v, label in _found(text) if label == "US_SSN"} == {
        "536904399", "536904398", "536904397", "536904396"
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "id,amount,total\n1,48291734,2\n2,48291735,3",
        "account\nis shut, 48291734", "state,account\nopen,none\nshut,none",
        "MRN 7,x\n48291734,2", "I lost my account, sorry\nIt was in 20191, I think", "a,b\nmrn,c",
    ],
)  # fmt: skip
def test_what_no_head_names_is_left_alone(text: str) -> None:
    assert _found(text) == set()


@pytest.mark.parametrize(
    "text",
    ["id,mrn\n1,48291734\n\nOn day two, 48291735", "id,mrn\n1,48291734" + "\nx" * 4 + "\n2,48291735",
     "id,mrn\n1,48291734\n\nid,kg\n2,48291735", "id,kg,mrn\n1,2,48291734\n\n7,48291735",
     "(id, mrn) VALUES (1, 48291734)" + " and" * 30 + " (2, 48291735)",
     "MRN:\n- 48291734\nand\n- 48291735", "<table><tr><th>mrn<tr><td>48291734</table><tr><td>48291735"],
)  # fmt: skip
def test_a_table_ends(text: str) -> None:
    assert _found(text) == {("48291734", "MEDICAL_RECORD")}


def test_the_words_of_one_column_are_not_near_the_numbers_of_another() -> None:
    text = "phone,mrn\n2125550143,4829173\n2125550144,4829174"
    assert {label for v, label in _found(text) if v.startswith("4829")} == {"MEDICAL_RECORD"}


def test_a_head_stands_windows_away_from_the_end_of_its_table() -> None:
    rows = [f"{n},open,{48291734 + 7 * n}" for n in range(2000)]
    text = "\n".join(["id,state,MRN", *rows])
    (seen,) = Pipeline([PATTERNS], None).inspect([text])
    covered = {text[f.start : f.end] for f in seen.findings if f.label == "MEDICAL_RECORD"}
    assert covered == {row.rpartition(",")[2] for row in rows}


def test_that_cells_could_not_be_read_is_said() -> None:
    class Fails:
        name = "patterns"
        digest = "x"

        def detect(self, text: str, /) -> tuple[Finding, ...]:
            if columns.APART in text:
                raise DetectorFailed("patterns", "budget")
            return ()

    (seen,) = Pipeline([Fails()], None).inspect(["id,mrn\n1,48291734\n"])
    assert seen.uninspected == "patterns:budget"


@pytest.mark.parametrize(
    "piece",
    ["account: \n", "account,ssn\n", "account,ssn\n1\n", "account,ssn;phone|tel\tfax  vat\n\n", '"a"",""b"",',
     '"a,', "-,-\n",
     "account ", "<tr><td", "<table>", "a b \xa0", "account,1\n-----x\n", "account" + " " * 99 + "x\n", "\\n1,123456",
     "[1,2]", "account=[1,2],", "account(", "account: [[[", "account: 1,2,3\n", "account: 1,", "account:1;",
     "(account, ssn) ", "account=", "tel ", "a b c d e [1]",
     ",".join(["account"] * 400) + "\na,12345678\nb,12345678\n", "- 12345678\n",
     "||account!!\n", "CREATE TABLE t (account int, ", "INSERT INTO t VALUES ",
     "CREATE TABLE t (mrn int);INSERT INTO t VALUES ", "COPY t (mrn, b) FROM stdin;\n1\t2\n", '{"account": {"1": 2',
     '"account":{"1":12},', "account & b\n", "accounts are 1 and 2 ", "account and ", "account:\n- row 1: 123\n",
     "account,b\n1,2\n\n", "the account of the:\n1234\n",
     "a,b,mrn\n1,2,3\nx\n"],
)  # fmt: skip
def test_four_times_the_text_is_four_times_the_work(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = 0

    def counted(name: str) -> None:
        real = getattr(tables, name)

        def call(text: str, *rest: Any) -> Any:
            nonlocal done
            done += 1
            return real(text, *rest)

        monkeypatch.setattr(tables, name, call)

    for name in ("value", "_split", "trimmed", "_between"):
        counted(name)

    def work(size: int) -> int:
        nonlocal done
        done = 0
        text = "account,mrn\n1,12345\n" + piece * (size // len(piece))
        assert not [*columns.numbers(text, lambda _: ())]
        return done

    assert work(160_000) <= 4.5 * work(40_000) + 1000


@pytest.mark.parametrize("line", ["1" * 20, "A1" * 10, "AB " * 3 + "1", "-" * 40, "a1" * 20])
def test_lines_that_are_nearly_items_of_a_list_cost_little(line: str) -> None:
    """Where one of them could be read in several ways, six in a row would take minutes."""
    text = "Account number\n" + (" ".join([line] * 6) + " ~\n") * 200
    assert not [*columns.numbers(text, lambda _: ())]


def test_a_list_whose_parts_have_names_of_their_own_is_no_column() -> None:
    text = (
        "Update the account: mail a.birch0487@example.org, phone +12025550164, IBAN DE93759382421948924115, card 4111."
    )
    assert _found(text) == set()
    assert {v for v, _ in _found("account numbers: 48291734, 48291741, 48291755")} >= {"48291734", "48291755"}


NUMBERS = [str(48291734 + 7 * n) for n in range(12)]


def _turned(way: str, head: str) -> str:
    """As :func:`_written`, in forms that are less regular."""
    rows = [(str(n), "open", number, "12.50") for n, number in enumerate(NUMBERS)]
    table = [("id", "state", head, "sum"), *rows]
    lines = [",".join(row) for row in table]
    on_its_side = list(zip(*table, strict=True))
    apart = "\n".join([*lines[:5], "", *lines[5:9], "", "# page 2", *lines[9:]])
    made = {
        "on its side": "\n".join(",".join(row) for row in on_its_side),
        "on its side, in HTML": "<table>"
        + "".join(
            f"<tr><th scope=row>{a}</th>" + "".join(f"<td>{c}</td>" for c in b) + "</tr>" for a, *b in on_its_side
        )
        + "</table>",
        "a head above the head": ",,client details,\n" + "\n".join(lines),
        "a span above the head": "<table><tr><th colspan=2>A</th><th colspan=2>B</th></tr>"
        + "".join(
            "<tr>" + "".join(f"<td><div><p><a href='#'><b>{c}</b></a></p></div></td>" for c in row) + "</tr>"
            for row in table
        )
        + "</table>",
        "empty lines": "\n\n".join(lines),
        "groups and comments": apart,
        "sums": "\n".join(line + ("\nSubtotal 12.50" if n % 5 == 4 else "") for n, line in enumerate(lines)),
        "jira": f"||id||state||{head}||sum||\n" + "\n".join("|" + "|".join(row) + "|" for row in rows),
        "wiki": f'{{| class="x"\n! id !! state !! {head} !! sum\n' + "\n".join("|-\n| " + " || ".join(r) for r in rows),
        "latex": "\n".join(" & ".join(row) + r" \\" for row in table),
        "dump": "CREATE TABLE `t` (\n `id` int,\n `state` decimal(10,2),\n "
        f"`{head.replace(' ', '_')}` varchar(9),\n `sum` int\n);\nINSERT INTO `t` VALUES "
        + ",".join(f"({a},'{b}, {b}','{c}',{d})" for a, b, c, d in rows)
        + ";",
        "copy": f"COPY public.t (id, state, {head}, sum) FROM stdin;\n"
        + "\n".join("\t".join(r) for r in rows)
        + "\n\\.\n",
        "IN": f"SELECT * FROM t WHERE {head} IN ({', '.join(NUMBERS)});",
        "by number": json.dumps({head: {str(n): number for n, number in enumerate(NUMBERS)}}),
        "a short sentence": f"Please check these {head}s for me:\n" + "\n".join(NUMBERS),
        "a sentence": f"Would you please check the following {head} for me in the books:\n" + "\n".join(NUMBERS),
        "labels": f"{head}:\n" + "\n".join(f"- row {n}: {number}" for n, number in enumerate(NUMBERS)),
        "states": f"{head}:\n" + "\n".join(f"- {number} (open, since May)" for number in NUMBERS),
        "boxes": f"{head}:\n" + "\n".join(f"- [x] '{number}'" for number in NUMBERS),
        "are": f"The {head} are {', '.join(NUMBERS[:-1])} and {NUMBERS[-1]}.",
        "slashes": f"{head}: {' / '.join(NUMBERS)}",
        "escaped": "See below.\n" + json.dumps("\n".join(lines)),
    }
    return made[way]


@pytest.mark.parametrize(
    "way",
    ["on its side", "on its side, in HTML", "a head above the head", "a span above the head", "empty lines",
     "groups and comments", "sums", "jira", "wiki", "latex", "dump", "copy", "IN", "by number", "a sentence", "labels",
     "a short sentence",
     "states", "boxes", "are", "slashes", "escaped"],
)  # fmt: skip
@pytest.mark.parametrize(("head", "label"), [("MRN", "MEDICAL_RECORD"), ("account number", "BANK_ACCOUNT")])
def test_a_less_regular_table_is_read_as_well(way: str, head: str, label: str) -> None:
    found = {v for v, said in _found(_turned(way, head)) if said == label}
    assert found >= set(NUMBERS)


@pytest.mark.parametrize("head", ["permis de conduire", "nhs", "Driver&#x27;s License", "Drivers licenses"])
def test_the_singular_of_a_head_is_a_word(head: str) -> None:
    value = "9434765919" if head == "nhs" else "D2532583"
    for end in ("th", "td"):
        text = f"<table><tr><{end}>id</{end}><{end}>{head}</{end}></tr><tr><td>1</td><td>{value}</td></tr></table>"
        assert value in {v for v, _ in _found(text)}


@pytest.mark.parametrize(
    "text",
    [
        "year,customers,claims\n2012,43445,12345\n2013,51000,13345\n2014,52000,12005",
        "customers,2012,2013,2014\n,1,2,3",
        "<table><tr><td>year<td>Kunden</tr><tr><td>2012<td>12.345</tr><tr><td>2013<td>1.234.567</tr></table>",
        "region,north,south\ncustomers,43445,51000\nclaims,12345,13345",
    ],
)
def test_how_many_there_are_says_nothing_of_anybody(text: str) -> None:
    assert _found(text) == set()


COUNTED = "cases claims clients customers employees members patients students kunden patienten clientes"


@pytest.mark.parametrize("head", [*COUNTED.split(), '"Customers"', "**Kunden**", "bank customers", "credit cases"])
def test_figures_below_a_head_that_means_how_many(head: str) -> None:
    for figure in ("482917", "43445", "12.345", "12,345.6", "1 234 567", "1,234,567.89", "1.234,5", "43,5", "2012"):
        assert _found(f"year;{head}\n2012;{figure}\n2013;{figure}\n") == set(), figure
    assert _found(f"{head.lower()}|482917|12.345|7") == set()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("id,patients id\n1,482917\n2,482918\n", {"482917", "482918"}),
        ("id,MRN\n1,482917\n2,482918\n", {"482917", "482918"}),
        ("id,members\n1,48291734\n2,482917\n", {"48291734", "482917"}),
        ("id,customers\n1,4829173\n2,4829174\n", {"4829173", "4829174"}),
        ("MRN,48291734,12.50,48291741\nname,Ann,,Bob\n", {"48291734", "48291741"}),
        ("mrn,48291734,open,48291741,none\nname,a,b,c,d\n", {"48291734", "48291741"}),
        ("mrn,48291734,open,none\nname,a,b,c\n", set()),
        ("member,482917,48291734,none\nname,a,b,c\n", {"482917", "48291734"}),
        ("employee no,1.234,1.5,2024\nname,a,b,c\n", set()),
        ("Kunde,,\nDaten,,\nid,MRN,x\n1,48291734,2\n", {"48291734"}),
        ("patient,,\nMRN,name,\nA,Ann,48291734\nB,Bob,48291741\n", set()),
    ],
)  # fmt: skip
def test_which_cells_are_counts_and_which_are_numbers_of_somebody(text: str, values: set[str]) -> None:
    assert {value for value, _ in _found(text)} == values


@pytest.mark.parametrize("end", [0, 1, 9, 10_000])
def test_what_is_found_beyond_the_cells_is_left_out(end: int) -> None:
    """Whatever a detector says of heads and gaps, or across them, nothing but cells is called a finding."""

    def every(text: str) -> list[Finding]:
        words = [*re.finditer(r"\S+", text)]
        return [Finding(m.start(), min(len(text), m.end() + end), "MEDICAL_RECORD", 0.9, "x") for m in words] + [
            Finding(len(text) - 1, len(text), "MEDICAL_RECORD", 0.9, "x"), Finding(0, 1, "MEDICAL_RECORD", 0.9, "x"),
        ]  # fmt: skip

    text = "id,MRN,phone\n1,48291734,2125550143\nx,48291741,-\nname,123456,654321\n"
    found = {text[f.start : f.end] for f in columns.numbers(text, every)}
    cells = {"48291734", "48291741", "2125550143", "123456", "654321"}
    assert cells <= found
    assert all(part and any(part in cell for cell in cells) for part in found)


def test_cells_are_read_in_parts_of_bounded_size() -> None:
    given: list[str] = []

    def detect(text: str) -> list[Finding]:
        given.append(text)
        return PATTERNS.detect(text)

    rows = [f"{n},{48291734 + n}" for n in range(1000)]
    found = {f.start for f in columns.numbers("\n".join(["id,MRN", *rows]), detect)}
    assert len(found) == 1000
    assert max(map(len, given)) < tables.PART + 200
    assert len(given) <= 1 + sum(map(len, given)) // tables.PART


def test_a_head_that_means_how_many_names_long_numbers() -> None:
    assert _found("id,accounts\n1,48291734\n2,5") == {("48291734", "BANK_ACCOUNT")}


def test_items_of_another_form_do_not_belong_to_a_list() -> None:
    text = "MRN:\n- 48291734\n- 48291741\n48291748\n"
    assert {v for v, _ in _found(text)} == {"48291734", "48291741"}
    assert _found("MRN:\nrow 1: 1234\nrow 2: 1235\n") == set()


@pytest.mark.parametrize(
    "text",
    ["MRNs: 48291734, mail 48291741, 48291748", "MRNs: card 4829 1734, 48291741, 48291748"],
)  # fmt: skip
def test_parts_that_say_what_they_are_are_no_enumeration(text: str) -> None:
    assert _found(text) == set()


def test_a_row_that_is_longer_than_any_is_not_read() -> None:
    long = "1," * 10_000 + "48291735"
    wide = "1," * 5_000 + "48291735"
    assert len(_found(f"id,mrn\n1,48291734\n{wide}\n")) == 2
    assert _found(f"id,mrn\n1,48291734\n{long}\n") == {("48291734", "MEDICAL_RECORD")}
    rows = "COPY t (id, mrn) FROM stdin;\n1\t48291734\n" + long.replace(",", "\t")
    assert _found(rows) == {("48291734", "MEDICAL_RECORD")}


@pytest.mark.parametrize("rest", ["; call f(48291735)", " and" * 30 + " (48291735)"])
def test_a_statement_ends(rest: str) -> None:
    text = "CREATE TABLE t (mrn int); INSERT INTO t VALUES (48291734)" + rest
    assert _found(text) == {("48291734", "MEDICAL_RECORD")}


def test_the_cells_of_a_tuple_stand_below_their_own_heads() -> None:
    text = (
        "CREATE TABLE t (id int, mrn int, kg int); INSERT INTO t VALUES (1, '48291734', 48291735), (2, '48291741', 5);"
    )
    assert _found(text) == {("48291734", "MEDICAL_RECORD"), ("48291741", "MEDICAL_RECORD")}
    far = text.replace("id int", "a int, " * 4_000)
    assert _found(far) == set()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The MRN of the affected people: 48291734, 48291741, 48291748", ["48291734", "48291741", "48291748"]),
        ("Policy numbers: POL-12345678, POL-12345679, POL-12345680", ["POL-12345679", "POL-12345680"]),
        ("IBANs: NL91 ABNA 0417 1643 01, NL91 ABNA 0417 1643 02, NL91 ABNA 0417 1643 03", ["NL91 ABNA 0417 1643 02"]),
        ("Dates of birth: date of birth 3 May 1984", []),
        ("id,passport no\n1,CK7VGJ1P0\n2,C01X00T47\n", ["CK7VGJ1P0", "C01X00T47"]),
    ],
)  # fmt: skip
def test_codes_with_letters_are_values(text: str, values: list[str]) -> None:
    assert {v for v, _ in _found(text)} >= set(values)


def test_a_row_of_which_few_cells_are_numbers_is_not_on_its_side() -> None:
    assert _found("id,mrn,b,c,d\naccount,none,lost,48291734,open\n1,2,3,4,5\n") == set()


@pytest.mark.parametrize(
    "text",
    [
        "name^customer number^x\nAnn^48291734^y\nBob^48291741^z",
        "name~customer number~x\nAnn~48291734~y\nBob~48291741~z",
        "name / customer number / x\nAnn / 48291734 / y\nBob / 48291741 / z",
        "name\tAnn\tBob\ncustomer number\t48291734\t48291741",
        "customer number | 48291734 | 48291741",
        "{|\n! name\n! customer number\n|-\n| Ann\n| 48291734\n|-\n|align=right|Bob\n| 48291741\n|}",
        "name,customer number (private),x\nAnn,48291734,y\nBob,48291741,z",
        "name,number (customer number),x\nAnn,48291734,y\nBob,48291741,z",
        "name,customer number 2,x\nAnn,48291734,y\nBob,48291741,z",
        "name,customer number as given by the holder at the time,x\nAnn,48291734,y\nBob,48291741,z",
        "name,customer\u00a0number,x\nAnn,48291734,y\nBob,48291741,z",
        "name,cust\u200bomer number,x\nAnn,48291734,y\nBob,48291741,z",
        "name,Nu\u0301mero de cliente,x\nAnn,48291734,y\nBob,48291741,z",
        "name;Klantnummer;x\nAnn;48291734;y\nBob;48291741;z",
        "name;Numer klienta;x\nAnn;48291734;y\nBob;48291741;z",
        "name;Contribuinte;x\nAnn;48291734;y\nBob;48291741;z",
    ],
)
def test_other_ways_to_write_a_table(text: str) -> None:
    assert {value for value, _ in _found(text)} == {"48291734", "48291741"}


def test_where_a_disguised_head_speaks_of_places_are_those_of_the_text() -> None:
    text = "\u200b\u200bname,cust\u200bomer number,x\nA\u200bnn,4829\u200b1734,y"
    assert {value for value, _ in _found(text)} == {"4829\u200b1734"}


@pytest.mark.parametrize(
    "text",
    ["customer number | 48291734 | open", "name | 48291734 | 48291741", "{|\n! a customer number\n|}\n| 48291734"],
)
def test_a_row_alone_is_a_head_and_numbers(text: str) -> None:
    assert _found(text) == set()
