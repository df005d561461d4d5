"""Which cells of tables and items of lists are read with the words above, before or beside them."""

from __future__ import annotations

import re

import pytest

from redaction import columns
from redaction.types import Finding


def _every(text: str) -> list[Finding]:
    return [Finding(m.start(1), m.end(1), "MEDICAL_RECORD", 0.9, "x") for m in re.finditer(r"(?m)^.*?: (.+)$", text)]


def _read(text: str) -> set[str]:
    """The cells that a detector is given with a head."""
    inside = f"Hi 😀\u0301\r\n{text}"
    found = {inside[f.start : f.end] for f in columns.numbers(inside, _every)}
    assert found == {text[f.start : f.end] for f in columns.numbers(text, _every)}, "wherever it stands"
    return found


A, B, C = "48291734", "48291741", "AB-48 29 C7"


@pytest.mark.parametrize(
    "bullet",
    ["", "- ", "* ", "• ", "· ", "+ ", "-\t", "-  ", "1. ", "12) ", "100. ", "1.\t", "- [ ] ", "- [x] ", "* [X]\t",
     "[] ", '"', "'", "`", "- `", '2. "', "  - ", "\t"],
)  # fmt: skip
@pytest.mark.parametrize(
    "remark",
    [
        "",
        ",",
        ";",
        " (open)",
        " [x]",
        " – Ann",
        " — Ann",
        " # Ann",
        ", Ann",
        " - Ann",
        "\t- Ann",
        "\t(Ann)",
        ",  (Ann)",
    ],
)
@pytest.mark.parametrize("value", [A, C])
def test_the_items_of_a_list(bullet: str, remark: str, value: str) -> None:
    shut = bullet[-1:] if bullet[-1:] in {'"', "'", "`"} else ""
    rows = [f"{bullet}{v}{shut}{remark}" for v in (A, value, B)]
    assert _read("Account numbers:\n" + "\n".join(rows) + "\nThank you\n") == {A, value, B}


@pytest.mark.parametrize(
    "value",
    ["3 May 1984", "13 May 1984", "3. Mai 1984", "3.Mai 1984", "3 September 1984", "3 September, 1984", "May 3, 1984",
     "September 13, 1984", "1984-05-03", "03/05/1984", "3.5.1984", "12 Dec. 1984", "GB 12 3456 78", "ABCD GB 123456",
     "DE89 3704 0044 0532 0130 00", "1234567A B", "x1234", "no-4829", "4" * 37, "a" * 20 + "4829", "1 2 3 4 5 6 7 8 9"],
)  # fmt: skip
def test_what_may_be_an_item(value: str) -> None:
    assert _read(f"Dates of birth\n{value}\n{value}\n") == {value}
    assert _read(f"Dates of birth\n- row: {value}\n- row: {value}\n") >= (
        {value} if sum(map(str.isdigit, value)) > 5 else set()
    )


@pytest.mark.parametrize(
    "value",
    ["3 of May 1984 or so", "call 4829", "one 48291734", "none", "482", "A48", "a" * 21 + "4829", "1 2 3 4 5 6 7 8 9 0",
     "48291734 is shut", "4829 May", "May 1984", "3 Ma 1984", "3 Septemberish 1984", "Ann: 48291734 and more"],
)  # fmt: skip
def test_what_is_no_item(value: str) -> None:
    assert _read(f"Dates of birth\n{value}\n{value}\n") == set()


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        # headings: a few words, or a sentence with a colon
        ("Account numbers\n48291734", {A}),
        ("the old account numbers\n48291734", {A}),
        ("these are our account numbers\n48291734", set()),
        ("these are our account numbers:\n48291734", {A}),
        ("**these are our account numbers:**\n48291734", {A}),
        ("Account 12 numbers\n48291734", set()),
        ("12 accounts\n48291734", set()),
        ("_account_\n48291734", {A}),
        ("Numbers below:\n48291734", set()),
        ("account numbers; see below:\n48291734", set()),
        ("account numbers, as said:\n48291734", set()),
        (f"{'so ' * 20}please check these account numbers:\n48291734", set()),
        (f"{'so ' * 12}please check these account numbers:\n48291734", {A}),
        # the end of a list
        ("MRN:\n48291734\nx\n48291741", {A}),
        ("MRN:\n48291734\n\n48291741", {A, B}),
        ("MRN:\n48291734\n \n48291741", {A, B}),
        ("MRN:\n- 48291734\n48291741", {A}),
        ("MRN:\n48291734\nrow 1: 48291741", {A}),
        ("MRN:\nrow 1: 48291734\nrow 2: 48291741", {A, B}),
        ("MRN:\nrow 1: 12345\nrow 2: 123456", set()),
        ("MRN:\nrow 1: 123456\nrow 2: 12345", {"123456"}),
        ("MRN:\nrow 1: AB12CD\nrow 2: CK7VGJ", {"AB12CD"}),
        (f"MRN:\n{'row ' * 12}: 48291734", set()),
        ("MRN:\n1234: 48291734", {"1234: 48291734"}),
        ("MRN:\n123: 48291734", {A}),
        # tables and lists one below the other
        ("MRN\n48291734\naccount\n48291741\n", {A, B}),
        ("id,MRN\n1,48291734\nx\ny\nz\n2,48291741", {A, B}),
        ("id,MRN\n1,48291734\nx\ny\nz\n2,48291741,3", {A}),
        ("id,MRN\n1,48291734\nx\ny\nz\n\n2, 48291741", {A}),
        ("id, MRN\n1, 48291734\nx\ny\nz\n\n2, 48291741", {A, B}),
        ("id,MRN\n\n\n1,48291734\n2,48291741", {A, B}),
        ("id,MRN\n1,48291734\n\n\nid,kg\n2,48291741", {A}),
        ("id,MRN\n1,48291734\nAnn,none\n2,48291741", {A, B}),
        ("|id|MRN|\n|---|---|\n|1|48291734|\n|:-:|--:|\n|2|48291741|", {A, B}),
        ("id MRN,x\n=====\n48291734,2\n+---+\n48291741,3", {A, B}),
    ],
)  # fmt: skip
def test_headings_and_where_a_list_ends(text: str, cells: set[str]) -> None:
    assert _read(text) == cells


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        *((f"id{sign}MRN{sign}x\n1{sign}48291734{sign}2\n2{sign}48291741{sign}3", {A, B}) for sign in "\t|;,&^~"),
        *((f"id{sign}MRN{sign}x\n1{sign}48291734{sign}2\n2{sign}48291741{sign}3", {A, B})
          for sign in ("  ", "\t\t", " \t ", " / ", " | ", ", ", "   ", " &  ", "||")),
        ('name,MRN\n"Roe, Ann",48291734\n"""A"", B",48291741', {A, B}),
        ('"name","MRN"\n"Ann","48291734"\n"Bob","48291741"', {A, B}),
        ('name,"MRN, old"\nAnn,"48291734"', {A}),
        ("name / MRN / seen\nAnn / 48291734 / 3/4/2020\nA/B / 48291741 / x", {A, B}),
        ("name  MRN  x\nAnn Roe  48291734  y\nBob Lee  48291741  z", {A, B}),
        ("Ann MRN x\nBob 48291734 y", set()),
        ("name,MRN\nAnn,(48291734\nBob,48291741);", {A, B}),
        ("name,phone\nAnn,(212) 555-0143\nBob,212 (555) 0144", {"(212) 555-0143", "212 (555) 0144"}),
        ("name,account\nAnn,I called them on 48291734 and they kept me waiting for an hour or more", set()),
        (f"name,account\nAnn,{'x' * 52}48291734\nBob,{'x' * 53}48291734", {"x" * 52 + A}),
        ("name,MRN\nAnn,1234\nBob,123\nLee,A1", {"1234"}),
        ("name,plate\nAnn,ABC12D\nBob,AB12C\nLee,ABCDE1\nRoe,ab-c12", {"ABC12D"}),
        ("name,plate\nAnn,ABCDEFGHIJKLMNOPQR12\nBob,ABCDEFGHIJKLMNOPQRS12", {"ABCDEFGHIJKLMNOPQR12"}),
        ("+---+\n|name|MRN|\n+---+\n|Ann|48291734|\n+---+\n|Bob|none|\n+---+\n|Lee|48291741|\n+---+", {A, B}),
        ("+===+\n|name|MRN|\n+===+\n|Ann|48291734|\n=====\n|Bob|none|\n=====\n|Lee|48291741|\n+===+", {A, B}),
        ("with the columns name,MRN\n```csv\nAnn,none\nBob,48291734\n```", {A}),
        ("```\nname,MRN\nAnn,48291734\n```\nsee,a,48291741", {A}),
        ("MRN\t48291734\t48291741\n48291748\n", {A, B}),
        ("Sozialversicherungsnummern der Versicherungsnehmerinnen\n48291734", {A}),
        ("||id||MRN||\n|1|48291734|\n|2|48291741|", {A, B}),
        ("||id||MRN||\n||1||48291734||\n||2||48291741||", {A, B}),
        ("{|\n! id\n! MRN\n|-\n| 1\n| 48291734\n|-\n| 2\n| 48291741\n|}\n| 3\n| 48291755", {A, B}),
        ("{|\n!scope=col| id\n!scope=col| MRN\n|-\n| 1\n|align=right| 48291734\n|-\n| 2\n| 48291741\n|}", {A, B}),
        ("{|\n|+ numbers\n|-\n! id\n! MRN\n|-\n| 1\n| 48291734\n|}\n{|\n! id\n! kg\n|-\n| 1\n| 48291741\n|}", {A}),
        ("<TABLE><TR><TH>id<TH>MRN<TR><TD>1<TD>48291734</TABLE>", {A}),
        ("<table><tr><th>id</th><th> <b>MRN</b></th></tr>\n<tr><td>1<td>\n <i><a id='x'>48291734</a></i></table>", {A}),
        ("<table><tr><th>id<th>MRN<tr><td>1<td>48291734</table><table><tr><th>id<th>kg<tr><td>1<td>48291741", {A}),
        ("<table><tr><th>id<th>MRN<tr><td>1<td>48291734</table><table><tr><th>id<th>MRN<tr><td>1<td>48291741", {A, B}),
        ("id,MRN\n1234567,48291734", {A}),
        ("MRN,x,y\nname,48291734,48291741", set()),
        ("MRN,x,y\nMRN,48291734", set()),
        ("x,MRN\nname,none\nMRN,20123456,19991234\n", {"20123456", "19991234"}),
        ("{|\n! id\n! MRN\n! x\n|-\n| 1\n| 48291734\n| y\n|-\n|}", {A}),
        ("<table><tr><td>id</td><td>MRN</td></tr></table><table><tr><td>1</td><td>48291734</td></tr></table>", set()),
        ("<tr><td>id</td><td>MRN</td></tr><tr><td>1</td><td>48291734</td></tr>", {A}),
        ("MRN | 48291734 | 48291741", {A, B}),
        ("MRN\t48291734\t48291741", {A, B}),
        ("MRN | 48291734 | none", set()),
        ("MRN | 48291734", set()),
    ],
)  # fmt: skip
def test_rows_in_all_prints(text: str, cells: set[str]) -> None:
    assert _read(text) == cells


@pytest.mark.parametrize(
    "text",
    [
        *(f'{{{q}mrn{q}: {{{q}0{q}: {q}48291734{q}, {q}1{q}: {q}48291741{q}}}}}' for q in ("'", '"')),
        '{"mrn": {0: 48291734, 1: 48291741}}',
        '{"mrn" : {\n      "0" : 48291734,\n      "1234567" : 48291741\n}}',
        r'{\"mrn\": [48291734, 48291741]}',
        '{\\\\"mrn\\\\": [48291734, 48291741]}',
        "`mrn` = (48291734, 48291741)",
        "mrn=[48291734,48291741]", "mrn :  [48291734, 48291741]", "MRN In (48291734, 48291741)",
        "(id, mrn) VALUES (1, 48291734), (2, 48291741)",
        "(id, note, mrn) VALUES (1, 'client left', 48291734), (2, 'account shut', 48291741)",
        "[['id', 'mrn', 'note'], [1, 48291734, 'card lost'], [2, 48291741, 'policy']]",
        "t (mrn, id) VALUES (48291734, 1), (48291734, 2), (48291734, 3); t (id, mrn) VALUES (2, 48291741);",
        '["MRN", "48291734", "48291741"]',
        '[["name", "Ann", "Bob"], ["MRN", "48291734", "48291741"], ["kg", "1", "2"]]',
        "CREATE TABLE t (id int, mrn int)" + " " * 99 + ";\nINSERT INTO t VALUES (1, 48291734), (2, 48291741);",
        "[['id', 'mrn'], [1, 48291734], [2, 48291741]]",
        "(id, mrn) VALUES (1, 48291734)" + " and" * 19 + " (2, 48291741)",
        "CREATE TABLE t (id int, mrn int);\nINSERT INTO t VALUES (1, 48291734), (2, 48291741);",
        "create table if not exists `a`.T (`id` int, `mrn` text);insert into a.t values (1,'48291734'),(2,'48291741')",
        'CREATE TABLE "t" ("id" int,"mrn" int);INSERT INTO "t" VALUES (1,48291734);INSERT INTO "t" VALUES (2,48291741)',
        "CREATE TABLE [t] (id int,[mrn] int) INSERT IGNORE INTO [t] VALUES ('a, \\'b', 48291734), ('it''s',48291741,)",
        "CREATE TABLE t (mrn int, id int); UPDATE s SET a = 1; INSERT INTO t VALUES (48291734, 1), (48291741, 2);",
        "COPY t (id, mrn) FROM stdin;\n1\t48291734\n2\t48291741\n\\.\n3\t48291755\n",
        'copy a.t(id, "mrn") from STDIN WITH (FORMAT csv)\n1\t48291734\n2\t48291741\n',
        "COPY t (id, mrn) FROM stdin;\n1\t48291734\n2\t48291741\n\\.\nCOPY s (id, kg) FROM stdin;\n3\t48291755\n\\.\n",
    ],
)  # fmt: skip
def test_data_of_programs(text: str) -> None:
    assert _read(text) == {A, B}


def test_the_columns_of_one_statement_are_not_those_of_another() -> None:
    text = "CREATE TABLE t (id int, kg int); CREATE TABLE u (mrn int, x int);{}INSERT INTO t VALUES (48291755, 5);"
    text = text.format(" " * 99)
    assert _read(text) == set()


@pytest.mark.parametrize(
    "frame",
    ["MRN: {} and {}", "MRN = {}, {}, 48291755", "Die MRN sind {} und {}", "The MRN are {} or {}",
     "MRN: {}; {}; 48291755", "Les MRN sont {} et {}", "Los MRN son {} y {}", "MRN: {} o {}", "I MRN sono {} e {}",
     "MRN: {} ou {}", "As MRN são {} e {}", "MRN: {} oder {}", "MRN: {} en {}", "MRN: {} of {}", "MRN to: {} i {}",
     "MRN są {} i {}", "MRN: {} / {} / 48291755", "MRN: {}| {}| 48291755", "MRN were {} and {}",
     "MRN waren {} und {}", "MRN lauten {} und {}", "MRN\t:\t{} and {}"],
)  # fmt: skip
def test_enumerations(frame: str) -> None:
    assert _read(frame.format(A, B)) >= {A, B}
    assert _read(f"x; {frame.format(A, B)}\nkg: 48291760, 48291761, 48291762") >= {A, B}
    assert not _read(f"x; {frame.format(A, B)}\nkg: 48291760, 48291761, 48291762") & {
        "48291760",
        "48291761",
        "48291762",
    }


@pytest.mark.parametrize(
    "text",
    ["MRN: 48291734", "MRN: a 48291734 then 48291741", "MRN is 48291734 and 48291741",
     "MRN: phone 48291734, mail 48291741, 48291748", "MRN: kg 48291734 and 48291741"[:7],
     f"MRN: {'x' * 61}48291734 and 48291741"],
)  # fmt: skip
def test_what_is_no_enumeration(text: str) -> None:
    assert not _read(text) & {A, B}


@pytest.mark.parametrize(
    "value",
    ["7 May 1984", "12 May 1984", "May 7, 1984", "7-May-1984", "NL91 ABNA 0417 1643 01", "no 48291734", "AB 48291734"],
)
def test_months_and_banks_are_no_names_of_what_stands_there(value: str) -> None:
    assert _read(f"Passport details: {value}; {value}; 48291741") >= {B}
