"""Passwords that no word names, or that are plain words; the messages stand in ``said/`` (see ``test_nearby``)."""

from __future__ import annotations

import pytest
from growth import assert_linear

from redaction.detectors.logins import likely, passwords
from redaction.detectors.spoken import _far


def found(text: str) -> list[str]:
    return list(dict.fromkeys(text[slice(*place)] for place in passwords(text, _far)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # beside a user
        ("login: jo / Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("login: jo\nTr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("login: jo what Tr0ub4dor&3", []),
        ("login: jo / lighthouse", []),
        ("login: jo / OAuth2", []),
        ("login: Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("login: Tr0ub4dor33", []),
        ("anmeldung mit jo und Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("Log in to the portal as jo / Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("admin/hunter22 for it", ["hunter22"]),
        ("admin / parrot2025 for it", ["parrot2025"]),
        ("admin / parrot2 for it", []),
        ("admin / iphone2025 for it", []),
        ("editor / parrot2025 for it", []),
        ("jo@x.example, Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("jo@x.example, Snow4flake_91", ["Snow4flake_91"]),
        ("jo@x.example, Building42B", []),
        ("jo@x.example, PO#48213", []),
        ("u: jo p: Tr0ub4dor&3", ["Tr0ub4dor&3"]),
        ("p: Tr0ub4dor&3 u: jo", ["Tr0ub4dor&3"]),
        ("p: Tr0ub4dor&3 x: jo", []),
        # a network's
        ("wifi: SkyNet / blueparrot77", ["blueparrot77"]),
        ("wifi: SkyNet / parrot7", []),
        ("wifi: SkyNet / bluetooth50", []),
        ("wifi: SkyNet or blueparrot77", []),
        ("wifi key 83625519", ["83625519"]),
        ("wifi key 8362551", []),
        ("wifi key is see-you-soon", ["see-you-soon"]),
        ("wifi key is see-below", []),
        ("wifi key 8362$(x)551", []),
        ("chiave wifi 9F3A2C77", ["9F3A2C77"]),
        ("il wifi 9F3A2C77", []),
        # a plain word
        ("my password is rabbit", ["rabbit"]),
        ("my password is rabbit, ok", ["rabbit"]),
        ("my password is rabbit food", []),
        ("my password is rabbits-ear", []),
        ("the password is rabbit", []),
        ("the password is rabbit, all lower case", ["rabbit"]),
        ("my password rabbit", []),
        ("my password is expired", []),
        ("my password is wrong", []),
        ("mein Passwort ist vergessen", []),
        ("Passwort lautet hase", ["hase"]),
        ("the password for the wifi is rabbit", ["rabbit"]),
        ("wifi SkyNet, password rabbit", ["rabbit"]),
        ("wifi SkyNet with password rabbit", []),
        ("SkyNet, password rabbit", []),
        ("wifi\nSkyNet, password rabbit", []),
        ("my password is abc", []),
        # what somebody asks of it
        ("is Rabbit!1987 a strong password?", ["Rabbit!1987"]),
        ("is Rabbit!1987 among strong passwords?", []),
        ("Rabbit!1987 password", []),
        ("is Rabbit!1987\na strong password?", []),
        ("is python3.12 a strong password?", []),
        # lists
        ("- bank: Rabbit!1987\n- mail: Carrot#22x\nmy logins", ["Rabbit!1987", "Carrot#22x"]),
        ("my logins\n- bank: Rabbit!1987\n- mail: Carrot#22x", ["Rabbit!1987", "Carrot#22x"]),
        ("my logins\n- bank: Rabbit!1987", []),
        ("my savings\n- bank: Rabbit!1987\n- mail: Carrot#22x", []),
        ("my logins\n- bank: savings\n- mail: Carrot#22x", []),
        ("my logins" + "\nthen" * 13 + "\n- bank: Rabbit!1987\n- mail: Carrot#22x", []),
    ],
)
def test_each_form_and_what_it_needs(text: str, values: list[str]) -> None:
    assert found(text) == values


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("Ab1!x", False), ("Ab1!xy", True), ("ab1" * 13 + "c", True), ("ab1" * 13 + "cd", False), ("ab{1}cdef", False),
        ("abcd1234=", False), ("#abcd1234", False), ("-abcd1234", False), ("abc123", False), ("abcd123", True),
        ("iphone15", False), ("report2024.pdf", False), ("v1.2.3rc1", False), ("PO#48213", False), ("1234!!", False),
        ("Terraform1.5", False),
    ],
)  # fmt: skip
def test_what_is_like_a_password(value: str, *, is_one: bool) -> None:
    assert likely(value) is is_one


def test_long_texts_of_its_words_take_linear_time() -> None:
    pieces = (
        "user a / b12345 ",
        "wifi: abc ",
        "my password is ",
        "login: ",
        "- a: b12345\nlogins\n",
        "u: ",
        "wifi key ",
        "a@b.",
        "pw " * 9,
    )
    assert_linear(lambda text: passwords(text, _far), pieces)
