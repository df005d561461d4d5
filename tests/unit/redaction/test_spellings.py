"""Everything that models do to a stand-in is undone, in any chunking; what is not certainly ours stays."""

from __future__ import annotations

import json
import random

import pytest

from redaction.restore import Restorer, json_escape
from redaction.spellings import REACH

A, B, C = "PERSON_k3f9xabcdefgh", "US_SSN_7h2m0qrstvwxy", "PERSON_abcdefghjkmnp"
CODE = A[7:]
VALUES = {A: "Maria Keller", B: "123-45-6789", C: "Jo"}
SPELLED = {
    "as sent": A, "lower": A.lower(), "upper": A.upper(), "mixed": "PeRsOn_" + CODE.upper(),
    "space": A.replace("_", " "), "dropped": A.replace("_", ""), "hyphen": A.replace("_", "-"),
    "no-break hyphen": A.replace("_", "\u2011"), "no-break space": A.replace("_", "\u00a0"),
    "markdown": A.replace("_", "\\_"), "markdown twice": A.replace("_", "\\\\_"),
    "html": A.replace("_", "&#95;"), "html hex": A.replace("_", "&#x5F;"), "html name": A.replace("_", "&lowbar;"),
    "url": A.replace("_", "%5F"), "wrap": A.replace("_", "_\n"), "wrap before": A.replace("_", "\n_"),
    "wrap instead": A.replace("_", "\n"), "wrap inside": f"PERSON_{CODE[:5]}\n{CODE[5:]}",
    "wrap with hyphen": f"PERSON_{CODE[:5]}-\n  {CODE[5:]}", "quoted wrap": f"PERSON_{CODE[:5]}\r\n> {CODE[5:]}",
    "zero width": f"PERSON\u200b_{CODE[:3]}\u200b{CODE[3:]}", "soft hyphen": f"PERSON_{CODE[:6]}\u00ad{CODE[6:]}",
    "code alone": CODE, "code alone upper": CODE.upper(), "other label": f"PERSONNE_{CODE}",
    "another script": f"ЛИЦО_{CODE}", "two words": f"NOM_DU_CLIENT_{CODE}", "escaped other": f"PERSONNE\\_{CODE}",
    "two-word label": "", "two-word label, spaces": "",
}  # fmt: skip
SPELLED["two-word label"] = B.replace("_", "-")
SPELLED["two-word label, spaces"] = B.replace("_", " ").lower()
AROUND = [
    "{}", "Dear {},", "**{}**", "*{}*", "`{}`", "{}'s dog", "[{}]", "<{}>", "({})", "{{{{{}}}}}", '"{}"',
    "la personne {}", "李{}李", "a {}.\n\nb", "| {} |", "# {}\n", "_{}_", "{} {}",
]  # fmt: skip


def run(pieces: list[str], *, tool: bool = False, values: dict[str, str] = VALUES) -> tuple[str, int, int]:
    r = Restorer(values, tolerant=True, escape=json_escape if tool else None)
    out = ""
    for piece in pieces:
        out += r.feed(piece)
        assert len(r._held) <= REACH
    return out + r.close(), r.restored, r.seen


def cuts(text: str) -> list[list[str]]:
    """Every size from 1 to 11, and two parts at every place."""
    sized = [[text[i : i + n] for i in range(0, len(text), n)] for n in range(1, 12)]
    return [*sized, *([text[:i], text[i:]] for i in range(1, len(text)))]


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED.keys())
def test_a_spelling_is_undone_wherever_it_stands_and_however_it_is_cut(spelled: str) -> None:
    value = VALUES[B] if "7h2m" in spelled else VALUES[A]
    for around in AROUND:
        text, meant = around.replace("{}", spelled), around.replace("{}", value)
        n = around.count("{}")
        text, meant = text.replace("{{", "{").replace("}}", "}"), meant.replace("{{", "{").replace("}}", "}")
        assert run([text]) == (meant, n, n), around
        for pieces in cuts(text):
            assert run(pieces) == (meant, n, n), around


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        (f"PERSON_**{CODE}**", "**Maria Keller**"),
        (f"**PERSON**_{CODE}", "**Maria Keller**"),
        (f"*PERSON*\\_{CODE} said", "*Maria Keller* said"),
        (f"PERSON_`{CODE}`", "`Maria Keller`"),
        (f"{A}s", "Maria Kellers"),
        (f"{A}’s", "Maria Keller’s"),
        (f"xPERSON-{CODE}", "xMaria Keller"),
        (f"{A}{B}", "Maria Keller123-45-6789"),
        (f"{CODE} {CODE}", "Maria Keller Maria Keller"),
        (f"personne_{CODE}", "personne_Maria Keller"),
        (f"DR_PERSON_{CODE}", "DR_Maria Keller"),
    ],
)
def test_marks_and_endings_stay_where_they_belong(spelled: str, meant: str) -> None:
    for pieces in ([spelled], *cuts(spelled)):
        assert run(pieces)[0] == meant


@pytest.mark.parametrize(
    "spelled",
    [
        f"{CODE[:-1]}u",
        f"x{CODE}",
        f"PERSON_{CODE[:6]} {CODE[6:]}",
        f"PERSON_{CODE[:6]}_{CODE[6:]}",
        "PERSON_0000000000000",
        f"PERSON_{CODE[:6]}\n\n{CODE[6:]}",
        CODE.replace("k", "\u212a"),
        f"PERSON: {CODE[:12]}",
        "Maria",
        "person abcdefgh",
        f"PERSON_{' ' * 70}{CODE[:4]}",
    ],
)
def test_what_is_not_certainly_ours_is_never_guessed(spelled: str) -> None:
    for pieces in ([spelled], *cuts(spelled)):
        assert run(pieces)[:2] == (spelled, 0)


def test_what_was_altered_too_much_is_counted_as_seen() -> None:
    text = f"{A} and PERSON_{CODE[:6]} and us_ssn_7h2mzzzzz and PERSON_zz"
    for pieces in ([text], *cuts(text)):
        assert run(pieces)[1:] == (1, 3)


@pytest.mark.parametrize(
    "spelled", [A, A.replace("_", " "), f"PERSON_**{CODE}**", CODE, A.replace("_", "\n"), A.replace("_", "\\_")]
)
def test_inside_json_the_spellings_are_escaped_and_the_document_stays_one(spelled: str) -> None:
    values = {A: 'Maria "M"\nKeller'}
    for ascii_only in (False, True):
        document = json.dumps({"to": f"{spelled}\n{spelled}", "\u00e9": [spelled]}, ensure_ascii=ascii_only)
        first = run([document], tool=True, values=values)
        assert json.loads(first[0])["to"].replace("*", "") == f"{values[A]}\n{values[A]}" and first[1] == 3
        for pieces in cuts(document):
            assert run(pieces, tool=True, values=values) == first


@pytest.mark.parametrize("key", ["\\nRP_", "\\u000e", "\\\\n"])
def test_an_escape_is_no_part_of_a_spelling(key: str) -> None:
    values = {f"NRP_{CODE}": "x", f"ERA_{CODE[::-1]}": "y"}
    for text in (f'"{key}{CODE}"', f'"{key}RA{CODE[::-1]}"'):
        for pieces in ([text], *cuts(text)):
            assert run(pieces, tool=True, values=values) == run([text], tool=True, values=values)


def test_two_stand_ins_with_one_code_are_told_apart_by_their_label_or_not_at_all() -> None:
    values = {f"PERSON_{CODE}": "p", f"EMAIL_{CODE}": "e"}
    assert run([f"person {CODE}, email-{CODE}, {CODE}"], values=values)[0] == f"p, e, {CODE}"


def test_codes_of_few_characters_are_read_exactly_only() -> None:
    values = {"PERSON_abc": "x", A: "Maria"}
    assert run([f"abc PERSON abc person\\_abc PERSON {CODE}"], values=values)[0] == "abc PERSON abc x Maria"


PARTS = [
    *SPELLED.values(), *VALUES, CODE[:5], CODE[5:], "PERSON", "PERSON_", "person ", "US", "_", "-", " ", "\n", "\\",
    "\\_", "&", "&#95;", "&#9", "%5F", "%", "*", "**", "`", "x", "X", "ABC_", "u", "k", "K3", "\u200b", "\u00ad", "李",
    ">", "\r\n", "\\n", "\\u005f", "\\u00", '"', "0", "A"*30, "7h",
]  # fmt: skip


@pytest.mark.parametrize("tool", [False, True])
def test_any_chunking_of_any_text_gives_the_same_bytes_and_counts(tool: bool) -> None:
    rnd = random.Random(11)
    for _ in range(1500):
        text = "".join(rnd.choice(PARTS) for _ in range(rnd.randint(1, 14)))
        whole = run([text], tool=tool)
        assert run(list(text), tool=tool) == whole
        pieces, at = [], 0
        while at < len(text):
            size = rnd.randint(1, 11)
            pieces.append(text[at : at + size])
            at += size
        assert run(pieces, tool=tool) == whole


@pytest.mark.parametrize(
    "piece",
    [
        "PERSON_",
        "_",
        "PERSON ",
        "A",
        "A_",
        "k3f9x",
        "a\n",
        "\\",
        "person-\n",
        "PERSON_k3f9",
        "*",
        "&#95;",
        "\u200b",
        CODE[:12],
        "&",
        "7",
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    """Not a benchmark: a quadratic reader would not come back from here."""
    text = (piece * 100_000)[:100_000]
    assert run([text])[0] == text
    assert run([text[i : i + 7] for i in range(0, len(text), 7)])[0] == text
