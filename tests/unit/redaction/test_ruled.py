"""Tables whose bars, line ends or frames are not plain: drawn by terminals, pasted, in strings, in HTML."""

from __future__ import annotations

import json

import pytest
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st

from redaction import columns, kin, ruled
from redaction.detectors.patterns import PatternDetector
from redaction.pipeline import Pipeline
from redaction.types import Finding

PATTERNS = PatternDetector()
NUMBERS = [f"{48291734 + 7 * n}" for n in range(4)]
LINES = ["id,state,MRN", *(f"{n},open,{number}" for n, number in enumerate(NUMBERS))]
TABLE = "\n".join(LINES)
RICH = "\n".join(
    [
        "┏━━━━┳━━━━━━━┳━━━━━━━━━━┓", "┃ id ┃ state ┃ MRN      ┃", "┡━━━━╇━━━━━━━╇━━━━━━━━━━┩",
        *(f"│ {n}  │ open  │ {number} │" for n, number in enumerate(NUMBERS)), "└────┴───────┴──────────┘",
    ]
)  # fmt: skip
HTML_LIST = "".join(f"<li>{n}</li>\n  " for n in NUMBERS)


def _found(text: str) -> list[str]:
    found = {(f.start, f.end) for f in columns.numbers(text, PATTERNS.detect) if f.label == "MEDICAL_RECORD"}
    return [text[start:end] for start, end in sorted(found)]


@pytest.mark.parametrize(
    "text",
    [
        RICH,
        RICH.replace("│", "║").replace("━", "═"),
        RICH.replace("│", "¦").replace("┃", "¦"),
        *(TABLE.replace("\n", end) for end in ("\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\n \t \n")),
        *(TABLE.replace(",", sign) for sign in ("\x1f", "，", "、", "،", "；", "｜", " ┊ ")),
        TABLE.replace("\n", "<br>"),
        TABLE.replace("\n", "<BR />\r\n"),
        "".join(f"<p>{line}</p>" for line in LINES),
        "\n".join(f"<div class='x'>{line}</div>" for line in LINES),
        f"<h3>MRN</h3>\n<ul>\n  {HTML_LIST}</ul>",
        f"<p>MRNs:</p><ol start=1>{HTML_LIST}</ol>",
        "MRN\n  \n" + "\n\t\n".join(NUMBERS),
        '"MRN"\n' + "\n".join(f'"{n}"' for n in NUMBERS),
        "`MRN`\n" + "\n".join(f"`{n}`" for n in NUMBERS),
        json.dumps({"a": 1, "b": [2, 3, 4, 5, 6], "file": TABLE, "c": {"d": 7, "e": 8}}, indent=2),
        "\n".join(["started", "read", "ok", "ok", json.dumps({"file": TABLE}), "done", "closed", "."]),
        "import io\n\n\n\n\nframe = read(io.StringIO('" + TABLE.replace(",", "\\t").replace("\n", "\\r\\n") + "'))\n\n",
        "MRN list follows\n\n\n\n\n\n" + json.dumps(json.dumps({"f": TABLE})),
        "<table><tr><th>id</th><th>&nbsp;MRN&nbsp;</th></tr>"
        + "".join(f"<tr><td>&#160;{n}</td><td>&nbsp;{v}&nbsp;</td></tr>" for n, v in enumerate(NUMBERS))
        + "</table>",
    ],
)
def test_a_table_in_another_frame(text: str) -> None:
    assert _found(text) == NUMBERS
    inside = f"😀\u0301 so:\r\n\r\n{text}\r\n\r\nbye 👋"
    assert _found(inside) == NUMBERS, "wherever it stands"


@pytest.mark.parametrize(
    "frame",
    ["mrn = [{}]", "mrns = ({})", "mrns = {{{}}}", "mrn := []int{{{}}}", "mrn <- c({})", "mrn = np.array([{}])",
     "df['mrn'] = [{}]", 'df["mrn"] = pd.Series([{}])', "const mrns = new Set([{}]);",
     "List<String> mrns = List.of({});", "mrn IN ({})", "where mrn in\n({})", '{{"mrn": [{}]}}', "'mrn': [{}]"],
)  # fmt: skip
def test_a_list_in_a_program(frame: str) -> None:
    for sign in (", ", ",", ",\n    "):
        for quote in ("", '"', "'"):
            text = frame.format(sign.join(f"{quote}{n}{quote}" for n in NUMBERS))
            assert _found(f"x = [1, 2]\n{text}\n") == NUMBERS


@pytest.mark.parametrize(
    "text",
    ["mrn = f(1)\nsizes = [48291734, 48291741]", "mrn(48291734, 48291741)", "margin = {48291734, 48291741}",
     "def mrn(a, b): return [48291734, 48291741]", "mrn = " + "x" * 90 + "([48291734, 48291741])",
     "mrn: none\n\n[48291734, 48291741]",
     "<p>MRN</p><span>48291734</span>x", "MRN\\x48291734", "┏ MRN ━ 48291734"],
)  # fmt: skip
def test_what_nothing_names(text: str) -> None:
    assert _found(text) == []


def test_columns_without_a_head_are_drawn_as_well() -> None:
    rows = "\n".join(RICH.split("\n")[3:-1])
    for text in (rows, rows.replace("\n", "\u2028"), rows.replace("│", "║")):
        known = [Finding(text.index(n), text.index(n) + 8, "PHONE_NUMBER", 0.9, "x") for n in NUMBERS[:3]]
        assert {text[f.start : f.end] for f in kin.numbers(text, known)} == {NUMBERS[3]}


def test_the_pipeline_reads_them() -> None:
    text = json.dumps({"a": 1, "b": [2, 3, 4, 5, 6], "file": TABLE, "c": {"d": 7, "e": 8}}, indent=2)
    (seen,) = Pipeline([PATTERNS], None).inspect([text])
    assert {text[f.start : f.end] for f in seen.findings} >= set(NUMBERS)


@given(st.text("ab1,|\\nrt<>/brpdivliulh1 \n\r\t\x0b\u2028│┃┏😀é\ud83d、", max_size=60))
def test_each_sign_keeps_its_place(text: str) -> None:
    for said in (ruled.plain(text), *ruled.readings(text)):
        assert len(said) == len(text)
        assert [c for c in said if c.isalnum()] == [c for c in said if c in text and c.isalnum()]


def test_marks_take_linear_time() -> None:
    def find(text: str) -> list[Finding]:
        return [*columns.numbers("mrn,x\n" + text, lambda _: ())]

    assert_linear(
        find, ("\\n", "<br", "<br>", "<p ", "│", "\u2028", " \n", " " * 50, "{1,", "mrn = f(", "[1] ", "&nbsp;")
    )
