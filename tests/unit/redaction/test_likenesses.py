"""Realistic surrogates come back in any case and ending; a part of one only where it can mean nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from redaction.restore import Restorer, json_escape

VALUES = {
    "Lena Hofmann": "Maria Keller", "l.hofmann@post.example": "maria@keller.example", "+49 30 555123": "+49 89 901820",
    "Brandt": "Rossi", "DE02 1203 0000 0000 2020 51": "DE89 3704 0044 0532 0130 00", "2024-05-06": "2024-04-29",
    "Anne-Marie O'Neil": "Zoë D'Arc", "PERSON_k3f9xabcdefgh": "Otto", "49201": "48213",
}  # fmt: skip


def run(
    pieces: Sequence[str], values: dict[str, str] = VALUES, *, inputs: Sequence[str] = (), tool: bool = False
) -> str:
    r = Restorer(values, tolerant=True, escape=json_escape if tool else None, inputs=inputs)
    return "".join(map(r.feed, pieces)) + r.close()


def cuts(text: str) -> list[list[str]]:
    sized = [[text[i : i + n] for i in range(0, len(text), n)] for n in range(1, 12)]
    return [*sized, *([text[:i], text[i:]] for i in range(1, len(text)))]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Dear Lena Hofmann,", "Dear Maria Keller,"),
        ("LENA HOFMANN", "MARIA KELLER"),
        ("lena hofmann", "maria keller"),
        ("Lena hofmann", "Maria Keller"),
        ("Lena Hofmann's dog", "Maria Keller's dog"),
        ("Hofmann’s", "Keller’s"),
        ("the Hofmanns", "the Kellers"),
        ("Lena", "Maria"),
        ("Ms Hofmann", "Ms Keller"),
        ("HOFMANN", "KELLER"),
        ("L. Hofmann", "M. Keller"),
        ("**Lena** Hofmann", "**Maria** Keller"),
        ("Lena\n  Hofmann", "Maria Keller"),
        ("Lena\u00a0Hofmann", "Maria Keller"),
        ("Le\u00adna Hofmann", "Maria Keller"),
        ("_Lena_", "_Maria_"),
        ("李Lena Hofmann李", "李Maria Keller李"),
        ("Lena Hofmann and Brandt", "Maria Keller and Rossi"),
        ("mail L.Hofmann@post.example.", "mail maria@keller.example."),
        ("l\\.hofmann@post\\.example", "maria@keller.example"),
        ("+49 30 555123", "+49 89 901820"),
        ("(+49 30 555123)", "(+49 89 901820)"),
        ("on 2024-05-06", "on 2024-04-29"),
        ("DE02 1203 0000 0000 2020 51", "DE89 3704 0044 0532 0130 00"),
        ("Anne-Marie O’Neil", "Zoë D'Arc"),
        ("O'Neil", "D'Arc"),
        ("PERSON k3f9xabcdefgh Lena", "Otto Maria"),
        ("order 49201, please", "order 48213, please"),
        ("Lena Brandt", "Maria Rossi"),
        ("Lena Hofmann Lena", "Maria Keller Maria"),
    ],
)
def test_a_surrogate_is_undone_however_it_is_written_and_cut(said: str, meant: str) -> None:
    for pieces in ([said], *cuts(said)):
        assert run(pieces) == meant


@pytest.mark.parametrize(
    "text",
    ["Lenax Garten", "Helena", "Hofmannsthal", "xBrandt", "Brandts1",
     "149201", "492010", "Lena2", "LH", "L.", "brandtx", "2024-05-060"],
)  # fmt: skip
def test_what_is_another_word_stays(text: str) -> None:

    for pieces in ([text], *cuts(text)):
        assert run(pieces) == text


def test_a_part_that_the_request_says_itself_is_not_taken_for_one_of_ours() -> None:
    assert run(["Lena Hofmann, Lena, Hofmann"], inputs=["Ask lena."]) == "Maria Keller, Lena, Keller"
    assert run(["L. Hofmann and Hofmann"], inputs=["The Hofmann street"]) == "L. Hofmann and Hofmann"


def test_a_part_that_two_share_is_left_alone() -> None:
    values = {"Lena Hofmann": "Maria Keller", "Tom Hofmann": "Max Weber", "Lena Vogt": "Maria Rossi"}
    assert run(["Tom, Lena, Hofmann, Vogt, Tom Hofmann"], values) == "Max, Lena, Hofmann, Rossi, Max Weber"


def test_a_part_that_is_a_common_word_or_too_short_is_left_alone() -> None:
    values = {"May Stone": "Eva Kern", "Jo Li": "Al Bo"}
    assert run(["May Stone may throw a stone. Jo Li, Jo, li"], values) == "Eva Kern may throw a stone. Al Bo, Jo, li"


def test_a_surname_of_its_own_counts_before_a_part() -> None:
    values = {"Lena Hofmann": "Maria Keller", "Hofmann": "Keller"}
    assert run(["HOFMANN, Lena, Hofmann"], values) == "KELLER, Maria, Keller"


def test_a_value_that_holds_a_surrogate_is_not_expanded_twice() -> None:
    assert run(["Lena Roth Brandt"], {"Lena Roth": "Brandt", "Brandt": "Lena Roth"}) == "Brandt Lena Roth"


def test_inside_json_escapes_are_undone_and_done_again() -> None:
    values = {"Émile Duplessis": 'Zoë "Z" Roux', "Nina Voss": "A\nB"}
    for ascii_only in (True, False):
        document = json.dumps({"to": "Émile Duplessis\nNina Voss", "n": "Émile"}, ensure_ascii=ascii_only)
        for pieces in ([document], *cuts(document)):
            assert json.loads(run(pieces, values, tool=True)) == {"to": 'Zoë "Z" Roux\nA\nB', "n": "Zoë"}
    assert run(['"\\nina"'], values, tool=True) == '"\\nina"'


def test_refusals_count_for_surrogates_too() -> None:
    r = Restorer({"Lena Hofmann": "Maria Keller"}, may=lambda key, link, code: key == "Lena Hofmann" and not link)
    assert r.feed("https://x.example/Lena Lena. ") == "https://x.example/Lena Maria. "
    assert (r.restored, r.seen, r.refused) == (1, 2, 1)


PARTS = [
    *VALUES, *(w for v in VALUES for w in v.split()), "LENA", "l.", "L. ", " ", "\n", "  ", "s", "'s", "\\", "\\n",
    "\\u00", "x", "\u00ad", "李", "_", "**", "+49", "-", "2024-05-0", "DE02 1203", "PERSON_k3f9", "k3f9xabcdefgh", ".",
    '"', "4",
]  # fmt: skip


@pytest.mark.parametrize("tool", [False, True])
def test_any_chunking_of_any_text_gives_the_same(tool: bool) -> None:
    rnd = random.Random(5)
    for _ in range(1200):
        text = "".join(rnd.choice(PARTS) for _ in range(rnd.randint(1, 12)))
        whole = run([text], tool=tool)
        assert run(list(text), tool=tool) == whole
        assert run([text[i : i + 5] for i in range(0, len(text), 5)], tool=tool) == whole


@pytest.mark.parametrize("piece", ["Lena ", "L", "Lena\n", "+49 30 ", "\\", "Hofmann", "L. ", "d", "Anne-Marie "])
def test_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    run([text])
    run([text[i : i + 7] for i in range(0, len(text), 7)])
