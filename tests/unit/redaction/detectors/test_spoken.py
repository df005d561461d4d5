"""Passwords and codes in sentences, in eight languages; and what stands behind these words and is none."""

from __future__ import annotations

import pytest
from growth import assert_linear

from redaction.detectors.secrets import SecretsDetector
from redaction.detectors.spoken import Spoken

SPOKEN = Spoken()


def found(text: str) -> list[str]:
    return list(dict.fromkeys(text[f.start : f.end] for f in SPOKEN.find(text)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("he changed the password yesterday to Poro2024poro btw", "Poro2024poro"),
        ("last slide (password zud2010goats)", "zud2010goats"),
        ("login demo.quynh pw K00kaburra-tin-shed here", "K00kaburra-tin-shed"),
        ("his pw is now Frosch99", "Frosch99"),
        ("set the password back to Tulpe_1987", "Tulpe_1987"),
        ("password for user anna on prod is Pa55-word", "Pa55-word"),
        ("use password Xk29!!pQ to log in", "Xk29!!pQ"),
        ("Passwort für das Portal lautet Sommer2023!", "Sommer2023"),
        ("le mot de passe est Lune2023", "Lune2023"),
        ("la contraseña es Perro1999", "Perro1999"),
        ("a senha é Gato-1988", "Gato-1988"),
        ("het wachtwoord is Fiets_77", "Fiets_77"),
        ("hasło to Kotek2020", "Kotek2020"),
        ("Alarm code 5502", "5502"),
        ("the gate code is 4411#", "4411#"),
        ("code for the lockbox 0042", "0042"),
        ("safe combination 12-34-56", "12-34-56"),
        ("Tresorcode vom Schlüsselkasten 8-8-0-4", "8-8-0-4"),
        ("code für die Alarmanlage ist 4711", "4711"),
        ("digicode : 2580", "2580"),
        ("code de la porte 45A12", "45A12"),
        ("código del portal 1984", "1984"),
        ("codice del cancello 7719", "7719"),
        ("kod do bramy: 9921", "9921"),
        ("de deurcode is 1234#", "1234#"),
        ("my PIN is 4821", "4821"),
        ("your verification code is 482 913", "482 913"),
        ("visa, cvv 417 if u need", "417"),
    ],
)
def test_what_people_write_of_passwords_and_codes(text: str, value: str) -> None:
    assert found(text) == [value]
    inside = f"😀\u0301 {text}\r\nand more"
    findings = [inside[f.start : f.end] for f in SecretsDetector().detect(inside)]
    assert value in findings, "and the detector of secrets says so, at the right place"


@pytest.mark.parametrize(
    "text",
    [
        "password policy requires 12 characters",
        "the password is required, and the password must be hashed",
        "password sha256 hashing, password base64, password digest2",
        "The password is ISO27001 compliant",
        "password: see https://example.com/a1b2",
        "pw reset, pwd = $env1, password={x1y2}",
        "error code 5002, zip code 10115, area code 4155, country code 049, QR code 2024, status code 4040",
        "promo code SAVE20, dress code 1920s, building code 2021 edition, access code of conduct 2020",
        "pin code 560001, PIN is not 4 digits, pin 12",
    ],
)
def test_what_is_none(text: str) -> None:
    assert found(text) == []


def test_long_texts_of_its_words_take_linear_time() -> None:
    assert_linear(SPOKEN.find, ("password ", "password for a ", "door code ", "pw is now ", "pin is "))
