"""Codes whose lock is said around them, in eight languages; and numbers beside the same words that are none.

The messages of ``said/`` are written for this project; ``⏎`` is the end of a line, ``⟦…⟧`` what must be found.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from growth import assert_linear

from redaction.detectors.nearby import codes
from redaction.detectors.secrets import SecretsDetector
from redaction.vaults import passwords

SECRETS = SecretsDetector()
SAID = Path(__file__).parent / "said"


def found(text: str) -> list[str]:
    return [text[slice(*place)] for place in codes(text)]


def told(name: str) -> list[str]:
    return (SAID / f"{name}.txt").read_text(encoding="utf-8").replace("⏎", "\n\r").replace("\n\r", "\x00").splitlines()


@pytest.mark.parametrize("line", [*told("codes"), *told("passwords")])
def test_nothing_of_what_people_tell_crosses(line: str) -> None:
    marked = line.partition(" ")[2].replace("\x00", "\n")
    text = re.sub("[⟦⟧]", "", marked)
    seen = [*SECRETS.detect(text), *passwords(text)]
    covered = {place for f in seen for place in range(f.start, f.end)}
    for number, m in enumerate(re.finditer("⟦(.*?)⟧", marked)):
        start = m.start() - 2 * number
        value = range(start, start + len(m[1]))
        assert [text[at] for at in value if at not in covered and text[at].isalnum()] == []


@pytest.mark.parametrize("line", told("innocent"))
def test_what_opens_nothing(line: str) -> None:
    text = line.replace("\x00", "\n")
    seen = [*SECRETS.detect(text), *passwords(text)]
    assert [text[f.start : f.end] for f in seen] == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # what is said to be the code
        ("The code is 4821", ["4821"]),
        ("the hex code is 4821", []),
        ("the code is 4821 bolts", []),
        ("the code is 482", []),
        ("the code is 4800", []),
        ("the code is 1984", []),
        ("the door has a code, it is 1984", ["1984"]),
        ("the code == 4821", []),
        ("code: 4821", []),
        ("gate, code 4821", ["4821"]),
        ("gate, fault, code 4821", []),
        ("gate, code 4821 lines", []),
        ("gate, code\n\n\n4821", ["4821"]),
        ("gate, code\n\n\n\n4821", []),
        ("gate, code for red 4821", []),
        ("gate, code 12 is 4821", []),
        ("the code a b c d e f g h is 4821 at the gate", ["4821"]),
        ("the code a b c d e f g h i is 4821 at the gate", []),
        ("my sign-in code is AB12C", ["AB12C"]),
        ("my sign-in code is ABCDE", []),
        ("my sign-in code is AB1", []),
        ("the code is AB12C", []),
        ("the gate code is 4821 bits", []),
        ("gate, code 4821 bolts", []),
        # told in the sentence before
        ("The code changed. It's 4821", ["4821"]),
        ("The code changed. Then 4821", []),
        ("The red changed. It's 4821", []),
        ("The gate access changed. It's 4821", ["4821"]),
        ("The gate changed. It's 4821", []),
        ("The code changed. It's 1984", []),
        ("The code changed. It's 4821 now", ["4821"]),
        # what somebody shall type
        ("enter 4821 at the gate", ["4821"]),
        ("enter 4821", []),
        ("enter 4800 at the gate", []),
        ("I know 4821 at the gate", []),
        ("key 4821 at the gate, key in 4821 at the gate", ["4821"]),
        ("set 4821, turn dials to 4821, put in 4821 at the gate", ["4821", "4821"]),
        ("am Tor 4821 eingeben", ["4821"]),
        ("am Haus 4821 sehen", []),
        # what opens with it
        ("the gate opens with 4821", ["4821"]),
        ("the gate opens with 4800", []),
        ("the play opens with 4821", []),
        ("the gate closes with 4821", []),
        ("the gate opens at 4821", []),
        ("the gate opens with 4821 guests", []),
        ("use 4821 to log in", ["4821"]),
        ("use 4821 to confirm, use 482193 to confirm", ["482193"]),
        ("the shed, 4821 opens it", ["4821"]),
        ("4821 opens a fair", []),
        # whose it is
        ("482193 is your code", ["482193"]),
        ("482193 is the code", []),
        ("482193 is the code that my bank sent", ["482193"]),
        ("482193 has your code", []),
        ("is 4821 a safe PIN?", ["4821"]),
        ("is 4821 a safe code?", []),
        ("is 1984 a safe PIN?", []),
        # a lock and its number
        ("the shed is 4821", ["4821"]),
        ("the shed is 1984", []),
        ("the shed is 4821 high", []),
        ("the alarm is 0745", []),
        ("the alarm is 1984 (press twice)", ["1984"]),
        ("shed 4821", []),
        ("shed 4821#", ["4821#"]),
        ("shed 4821 + star", ["4821"]),
        ("shed: 4821, gate: 7719", ["4821", "7719"]),
        ("shed: 4821, desk: 7719", []),
        ("padlock 4821", ["4821"]),
        ("padlock 1984", []),
        ("padlock: 1984", []),
        ("padlock 4800", []),
        ("padlock 4821, high", []),
        ("the house is 4821", []),
        ("padlock 4821 high", []),
        ("the shed number is 4821", ["4821"]),
        ("the desk number is 4821", []),
        ("keys: 4821 in codes", []),
        ("my code for the shed 4821", ["4821"]),
        # dials
        ("the safe, look, 34-12-27", ["34-12-27"]),
        ("the safe, look, 31-12-27", []),
        ("the code game, 34-12-27", []),
        # what was asked for
        ("the sms code they wanted, I said 482193 then", ["482193"]),
        ("the sms code they wanted, I said 48219 then", []),
        ("the red code they wanted, I said 482193 then", []),
        # in a row
        ("gate, code 4821, then shed 7719", ["4821", "7719"]),
        ("gate, code 4821, then shed, as you have surely heard from him, 7719", ["4821"]),
        ("gate, code 4821, then shed 1984", ["4821", "1984"]),
        ("gate, code 4821" + ", and" * 15 + " shed 1984", ["4821"]),
        ("gate, code 4821 then 7719", ["4821"]),
        # asked and answered
        ("what's the gate code?\n4821", ["4821"]),
        ("what's the gate code?\nBen: 4821", []),
        ("what's the gate code?\n[14:05] Ben: 4821", ["4821"]),
        ("what's the red code of it?\n4821", []),
        ("what's the gate?\n4821", []),
        ("what's the gate code?\nwhy 4821", []),
        # part of something longer
        ("gate, code 4821.5, code 4821-22, code 1.4821, code €4821, code 4821%, code 4821x", []),
    ],
)  # fmt: skip
def test_each_rule_and_what_it_needs(text: str, values: list[str]) -> None:
    assert found(text) == values


def test_long_texts_of_its_words_take_linear_time() -> None:
    assert_linear(
        codes, ("the door 4821 ", "code 4821 gate ", "Gate 4411, ", "enter 4821 ", "gate code?\n4821\n", "1 2 3 4 ")
    )
