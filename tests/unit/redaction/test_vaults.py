"""Passwords in columns of tables that a head names."""

import pytest
from growth import assert_linear

from redaction.pipeline import Pipeline
from redaction.types import Finding
from redaction.vaults import passwords


def found(text: str) -> list[str]:
    return [text[f.start : f.end] for f in passwords(text)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("user,pass\nbob,schatz\nann,Xk29!!pQ", ["schatz", "Xk29!!pQ"]),
        ("Logins:\n\n| user | **password** |\n|---|:--:|\n| bob | `schatz` |\n| ann | - |\n", ["schatz"]),
        ('Benutzer;Passwort;Mail\r\nbob;lamm;x\r\nann;"a;b c";y\r\n', ["lamm", "a;b c"]),
        ("login\tPIN\tpassword_2\nbob\t4821\thase\n", ["4821", "hase"]),
        ("> site | mot de passe\n> a | le lapin\n", ["le lapin"]),
        ('name,hasło\nbob,"dwa kroliki"', ["dwa kroliki"]),
        ("x;secrets\nuser;password\nbob;schatz", ["schatz"]),
        ("a;b;password;c\nbob;x\na;b;schatz\n", []),
        ("Unit\tLockbox\tNotes\n12B\t4821\tdog\n14A\t7719\t", ["4821", "7719"]),
        ("Home,Wifi,Gate code\nSea,hello,4821\nOak,none,7719", ["4821", "7719"]),
        ("Objekt;Schlüsselsafe;x\nRing;4821;Hund\n", ["4821"]),
        ("Service / login / pw\nCRM / ops / Rabbit!1\nNAS / root / carrot", ["Rabbit!1", "carrot"]),
        ("name;contraseña\nbob;x\nann;" + "a" * 101 + "\neve;abc\nrow", ["abc"]),
    ],
)
def test_whatever_stands_below_the_word_is_a_password(text: str, values: list[str]) -> None:
    assert found(text) == values


@pytest.mark.parametrize(
    "text",
    [
        "test,pass,fail\nfirst,120,3",
        "chip,pin\nA1,4821",
        "Service/login/pw\nCRM/ops/carrot",
        "Code\tGate\tSafe\n4821\t1200\t20",
        "name, password, email\nThen we wait, and see, too",
        "Use login, password and OTP\nThen, go there",
        "user,the password that was given to the user of this machine,x\nbob,schatz,y",
        "user,password\n\nThat is all.\nGo, then",
        "user,password\nbob\n",
        "user;password\nbob;***\nann;null\neve;varchar(20)\nuser;password\n",
        "password\nschatz\n",
        "name,password,email,x\nbob is here,one,two",
        "check(user, password, x)\nrun(bob, abc, y)",
        "user,password",
    ],
)
def test_what_is_none(text: str) -> None:
    assert found(text) == []


def test_the_pipeline_finds_them() -> None:
    class Nothing:
        name, digest = "patterns", "x"

        def detect(self, text: str, /) -> tuple[Finding, ...]:
            return ()

    (seen,) = Pipeline([Nothing()], None).inspect(["user;password\nbob;schatz"])
    assert {(f.label, f.start) for f in seen.findings} == {("PASSWORD", 18)}


def test_many_heads_and_rows_take_linear_time() -> None:
    assert_linear(passwords, ("password,user\n", "password|a\nb|c\n", "password,", "|\n", 'password;"a\n', "a\tpw"))
