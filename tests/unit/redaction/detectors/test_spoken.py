"""Passwords and codes in sentences, in eight languages; and what stands behind these words and is none."""

from __future__ import annotations

import unicodedata

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
    "frame",
    [
        "Password -> {}",
        "Password – {}",
        "password\n{}",
        "Password:\n```\n{}\n```",
        "**Password:** {}",
        "**Password**: `{}`",
        "* Password - {}",
        "| password | {} |",
        "<td>password</td><td>{}</td>",
        "password…{}",
        "the password you need is {}",
        "the password for the guest network in the meeting room is {}",
        "the password hasn't changed, still {}",
        "Her password, I think, is {}",
        "My password? {}",
        "What's my password? It's {}",
        "password has been reset to {}",
        "{} is my password",
        "log in with bob and {} as password",
        "login: bob / {} (password)",
        "bob and the pass is {}",
        "(user bob, pass {})",
        "Routerpasswort lautet {}",
        "Passwort wurde auf {} gesetzt",
        "Passwort ist ‚{}‘",
        "{} ist mein Passwort",
        "Zugangsdaten: bob / {}",
        "WLAN-Schlüssel: {}",
        "mon mdp c'est {}",
        "mon mot de passe est « {} »",
        "le mot de passe, c’est {}",
        "{} est mon mot de passe",
        "la nueva contraseña será {}",
        "contrasen\u0303a temporal ({})",
        "{} es mi contraseña",
        "la password e' {}",
        "{} è la mia password",
        "a palavra-passe foi alterada para {}",
        "com {} como senha",
        "ww is {}",
        "met {} als wachtwoord",
        "hasłem jest {}",
        "{} to moje hasło",
        "z hasłem {}",
        "password\u00a0is\u00a0{}",
        "PASSWORD IS\r\n{}",
    ],
)
@pytest.mark.parametrize("value", ["Xk29!!pQ", "geheim123", "Ägypten_22", "Tr0ub4dor&3"])
def test_whatever_stands_between_the_word_and_the_password(frame: str, value: str) -> None:
    text = unicodedata.normalize("NFC", f"Hi, {frame.format(value)} ok.\r\nbye 2024\n")
    assert found(text) == [value]


def test_several_passwords_and_those_with_spaces() -> None:
    assert found("change password from Blau_77x to Rot_88y!") == ["Blau_77x", "Rot_88y"]
    assert found("the password isn't Blau_77x but Rot_88y") == ["Blau_77x", "Rot_88y"]
    assert found('the password is "p@ss w0rd 77", ok') == ["p@ss w0rd 77"]
    assert found("the password for the safe in the attic is 82736455") == ["82736455"]
    assert found("passphrase: correct horse battery staple\n") == ["correct horse battery staple"]
    seed = "abandon ability able about above absent absorb abstract absurd abuse access accident"
    assert found(f"my seed phrase is {seed}.") == [seed]
    assert found("password=Abc123;user=bob&x=1") == ["Abc123"]


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        ("the PIN for my card is {}", "4821"), ("my debit card pin's {}", "4821"), ("**PIN:** {}", "4821"),
        ("PIN #: {}", "0042"), ("PIN der EC-Karte: {}", "482913"), ("Geheimzahl {}", "4821"), ("p.i.n. {}", "4821"),
        ("The door's code is {}", "4821"), ("gate code, {}", "7731#"), ("the alarm code at the office is {}", "4821"),
        ("code at the gate: {}", "4821"), ("keypad: {}", "4821"), ("the lockbox on the left opens with {}", "4821"),
        ("alarm code has changed, now {}", "4821"), ("door code “{}”", "4821"), ("| door code | {} |", "4821"),
        ("{} is the gate code", "4821"), ("punch in {} on the keypad", "4821"), ("code {} opens the gate", "4821"),
        ("security code on the back: {}", "417"), ("SIM PUK {}", "48291377"), ("CVV (back of card): {}", "417"),
        ("Code der Alarmanlage: {}", "4821"), ("Kartenprüfnummer {}", "417"), ("le digicode c'est {}", "4821"),
        ("code de la boîte à clés {}", "4821"), ("cryptogramme visuel : {}", "417"), ("código del garaje: {}", "4821"),
        ("clave de la alarma: {}", "4821"), ("il pin del bancomat è {}", "4821"), ("codice cassaforte {}", "12-34-56"),
        ("o pin do cartão é {}", "4821"), ("código da garagem {}", "4821"), ("de code van de kluis is {}", "4821"),
        ("ontgrendelcode {}", "4821"), ("kod domofonu {}", "4821"), ("pin do karty to {}", "4821"),
        ("door code\r\n{}", "1984"),
        ("the  gate\ncode   is {}", "4821"), ("my PIN is _{}_", "4821"), ("Alarmcode ist 👉 {}", "4821"),
        ("my PIN is ... {}", "4821"), ("kod do bramy: ... {}", "4821"), ("code d'entrée\n> {}", "4821"),
        ("door code is 12-34-56 and the alarm code {}", "0042"),
    ],
)  # fmt: skip
def test_whatever_stands_between_the_name_of_a_code_and_the_code(frame: str, value: str) -> None:
    assert value in found(f"Hi, {frame.format(value)} thanks.\nbye\n")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        # said to be one: letters and a digit, or a sign that no word has, or a number
        ("the password is hunter2", ["hunter2"]),
        ("the password is p@ss!word", ["p@ss!word"]),
        ("the password is ab12c, not ab12", ["ab12c"]),
        ("the password is aab12, was aab11", ["aab12"]),
        ("the password is 123456", ["123456"]),
        ("the password is 12345", []),
        ("the password is 123456789012", ["123456789012"]),
        ("the password is 1234567890123", []),
        ("the password is !!??##, is ##!?ab", ["##!?ab"]),
        ("the password is $ENV_12, is {x1y2z3}, is <a1b2c3>", []),
        ("the password is at http://a1.b2/c3", []),
        ("the password is word/word2b or x[1]2b", ["word/word2b"]),
        ("the password is ab12", []),
        ("the password is user--name", []),
        ("the password is #!?$%&", []),
        ("the password is ftp://a1.b2c3", []),
        # next to the word: two digits, or such a sign
        ("password hunter2", []),
        ("password ab12c", ["ab12c"]),
        ("password dig$est", ["dig$est"]),
        # farther away: longer, and more of them
        ("password for bob ab12c", []),
        ("password for bob abcd12", []),
        ("password for bob Abcd12", ["Abcd12"]),
        ("password for bob abcd123", ["abcd123"]),
        ("password for bob abcd1$", ["abcd1$"]),
        ("password for bob ab$cd1", ["ab$cd1"]),
        ("password for bob f(x)123, a/b/c123, x1_y2_key, aes-v2", []),
        ("password for bob 12345678", []),
        ("password for bob Ab12c, ab$cdef, Abcdef1, v100_x1_key", []),
        ("password for bob: hunter2", ["hunter2"]),
        ("password for bob hunter2", []),
        ("password is required by bob hunter2", []),
        ("the password is still hunter2", ["hunter2"]),
        ("the password is required still hunter2", []),
        # not in the next sentence, nor lines away
        ("the password of bob. Xk29!!pQ", []),
        ("the password. It's Xk29!!pQ", ["Xk29!!pQ"]),
        ("the password! Then Xk29!!pQ", []),
        ("the password is Xk29!!pQ. Then Ab34cde", ["Xk29!!pQ"]),
        ("password\n\n\nXk29!!pQ", ["Xk29!!pQ"]),
        ("password\n\n\n\nXk29!!pQ", []),
        ("password for bob\nXk29!!pQ", []),
        ("password for bob is\nXk29!!pQ", ["Xk29!!pQ"]),
        ("password = []\nfoo2bar34", []),
        ("password " + "a " * 14 + "Xk29!!pQ", []),
        # the word, and no part of another
        ("password_hash Xk29!!pQ, passwordless Xk29!!pQ, xpw Xk29!!pQ", []),
        ("wifipassword Xk29!!pQ, root_pw Xk29!!pQ, password2 Xk29!!pQ", ["Xk29!!pQ"]),
        ("the password of my pw is hunter2", ["hunter2"]),
        ("the password of no. Xk29!!pQ", ["Xk29!!pQ"]),
        # quoted
        ('a password field with "p@ss w0rd 77"', []),
        ('password "see the 3rd page of it all", "ab cd12"', []),
        ("password 'p@ss w0rd 77'", ["p@ss w0rd 77"]),
        ('password is "p@ss w0rd 77 a b c"', []),
        # before the word
        ("Xk29!!pQ and Ab34cde or Cd56efg as password", ["Xk29!!pQ", "Ab34cde", "Cd56efg"]),
        ("Xk29!!pQ is rejected as password", ["Xk29!!pQ"]),
        ("hunter2 is my password", []),
        ("Xk29!!pQ\nis my password", []),
        ("Xk29!!pQ: 12 is my password", []),
        ("Xk29!!pQ is a b c d e f g my password", []),
    ],
)
def test_the_less_is_said_the_more_it_must_look_like_one(text: str, values: list[str]) -> None:
    assert sorted(found(text)) == sorted(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('my password is "rabbit", ok', ["rabbit"]),
        ("{'password': 'rabbit'}", ["rabbit"]),
        ("Passwort lautet „schatz“", ["schatz"]),
        ("le mot de passe est « lapin »", ["lapin"]),
        ("- **Password**: rabbit\r\n- next", ["rabbit"]),
        ("db.password = RABBIT\npassword: str\nPassword: required\npassword: SecretStr", ["RABBIT"]),
        ('"password": "password", passwd="passphrase", password=\'none\'', []),
        ("the password is rabbit, the password: a rabbit\n", []),
    ],
)
def test_words_that_are_assigned(text: str, values: list[str]) -> None:
    assert found(text) == values


def test_a_second_code() -> None:
    assert found("Alarm codes: 4821 and 7788") == ["4821", "7788"]


@pytest.mark.parametrize(
    "text",
    [
        "def f(user: str, password: Optional[bytes], x: int) -> Dict[str, int]: return g2(x[1])",
        "pwd = self._encode_password(user_password, strict=strict)\nrc4_enc = rc4_encrypt(rc4_key, a)",
        "password.encode('utf-8'), password = settings.database.password1, password: #{ENV2} ${PW_1} %PW1%",
        "if (!password) #define X1\n/etc/passwd: /usr/bin2/x, https://u:password@host.com:80/p",
        "a password of 12-character length, 2026's rules, CVE-2011-2192, see §7.6.4 and RFC-2898",
        "password.\nThe invoice of Tr0ub4dor&3",
        "the door code has 4821 characters, PIN codes of 4821 digits, alarm code costs 4821 €",
        "the door code\n\n\n\n4821, the access code was changed since 2019, gate code 4821.77",
        "vectors pin the RFC and 30-day passphrase for the client private key\n",
        "alarm code 123456789",
    ],
)
def test_programs_and_prose_about_passwords(text: str) -> None:
    assert found(text) == []


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
