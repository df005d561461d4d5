"""Credentials: provider formats, keys, connection strings, assigned values; and what is none."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redaction.detectors.secrets import SecretsDetector

DETECTOR = SecretsDetector()
EVAL = Path(__file__).parents[5] / "shared" / "reference" / "eval"
RANDOM = "k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n-----END RSA PRIVATE KEY-----"


CREDENTIALS = [
    (f'API_TOKEN = "ghp_{RANDOM}"', f"ghp_{RANDOM}", "API_KEY"),
    ("aws AKIAQX4BIPW3AHOV29GN in eu", "AKIAQX4BIPW3AHOV29GN", "API_KEY"),
    (f"sk-proj-{RANDOM}", f"sk-proj-{RANDOM}", "API_KEY"),
    (f"sk-ant-api03-{RANDOM}", f"sk-ant-api03-{RANDOM}", "API_KEY"),
    (f"glpat-{RANDOM[:20]}", f"glpat-{RANDOM[:20]}", "API_KEY"),
    (f"token {JWT}", JWT, "API_KEY"),
    (f"key:\n{PEM}\nend", PEM, "PRIVATE_KEY"),
    ("db postgres://app:s3cr3tPw@db.example/x", "postgres://app:s3cr3tPw@db.example/x", "CONNECTION_STRING"),
    ("my password is Hunter2!x", "Hunter2!x", "PASSWORD"),
    ("Passwort: geheim-42.", "geheim-42", "PASSWORD"),
    (f'"client_secret": "{RANDOM}"', RANDOM, "SECRET"),
    ("password: S3cr$t!9 ok", "S3cr$t!9", "PASSWORD"),
    ("my password is Password123!", "Password123", "PASSWORD"),
    ('password="corr3ct horse, battery"', "corr3ct horse, battery", "PASSWORD"),
    ("pass=abc(1x)Y end", "abc(1x)Y", "PASSWORD"),
    (f"vercelAccessKey: {RANDOM}", RANDOM, "SECRET"),
    (f"the API key {RANDOM}, please", RANDOM, "SECRET"),
    (f"SECRET {RANDOM}", RANDOM, "SECRET"),
    (f"use sgp_{RANDOM} now", f"sgp_{RANDOM}", "API_KEY"),
    (f"frobnicate = {RANDOM}", RANDOM, "SECRET"),
    ('<add key="DbPassword" value="Prestigitariu$"/>', "Prestigitariu$", "SECRET"),
    ("os.environ.get('APP_SECRET_KEY', 'wwf*2#86t64!fgh6yav$aoe')", "wwf*2#86t64!fgh6yav$aoe", "SECRET"),
    (
        "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
        "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m",
        "SECRET",
    ),
    (f"Authorization: Bearer {RANDOM}", RANDOM, "SECRET"),
    ("🔑 pässword = Tr0ub4dor&3 ✓ password = Tr0ub4dor&3", "Tr0ub4dor&3", "PASSWORD"),
]


@pytest.mark.parametrize(("text", "value", "label"), CREDENTIALS)
def test_a_credential_is_found_with_its_exact_span(text: str, value: str, label: str) -> None:
    assert (value, label) in {(text[f.start : f.end], f.label) for f in DETECTOR.detect(text)}


@pytest.mark.parametrize(("text", "value", "label"), CREDENTIALS)
@pytest.mark.parametrize("other", ["SMTP_USER: anna.roe@mail-relay.example", "redis://cache:p4ssw0rd-9@cache:6379/0"])
def test_lines_around_a_credential_hide_nothing(text: str, value: str, label: str, other: str) -> None:
    text = f"{other}\n{text}\n{other}"
    assert (value, label) in {(text[f.start : f.end], f.label) for f in DETECTOR.detect(text)}


@pytest.mark.parametrize(
    "text",
    [
        'password = "${DB_PASSWORD}"',
        "api_key = os.environ['API_KEY']",
        "postgres://${USER}:${PASSWORD}@host/db",
        "The password is required.",
        "token: string",
        "secret = None",
        "How do I hash a password in Python?",
        "git commit 3f2a9c1d",
        "token = get_token(user_id_1)",
        "password = settings.database.password1",
        "integrity sha256-47DEQpj8HBSa47TImW5JCeuQeRkm5NMpJWZG3hSuFU",
        "The monkey 4 trees further.",
        "note: " + base64.b64encode(b"Nothing but harmless words 1234 in here, Sir").decode(),
    ],
)
def test_placeholders_and_prose_are_no_credentials(text: str) -> None:
    assert DETECTOR.detect(text) == ()


@pytest.mark.parametrize("code", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_of_plain_words_is_no_key_and_base64_of_random_bytes_is(code: Callable[[bytes], bytes]) -> None:
    words, key = b"?? the green garden fence of 1987 ??>>", bytes(range(3, 250, 7))
    assert DETECTOR.detect(f"Please note {code(words).decode()} for later.") == ()
    assert DETECTOR.detect(f"Please note {code(code(words)).decode()} for later.") == ()
    assert [f.label for f in DETECTOR.detect(f"Please note {code(key).decode()} for later.")] == ["API_KEY"]


@pytest.mark.parametrize("noise", ["password=", "api_key: ", "-----BEGIN PRIVATE KEY-----", "http://a:b", "ey"])
def test_noise_does_not_hide_a_key(noise: str) -> None:
    text = noise * (100_000 // len(noise)) + f" ghp_{RANDOM}"
    assert any(f.label == "API_KEY" for f in DETECTOR.detect(text))


@given(st.text(max_size=40), st.text(max_size=40))
def test_offsets_hold_whatever_stands_around(before: str, after: str) -> None:
    key = f"ghp_{RANDOM}"
    text = f"{before} {key} {after}"
    found = DETECTOR.detect(text)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert any(f.start == len(before) + 1 and text[f.start : f.end] == key for f in found)


@pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled sets lie beside the checkout, not in it")
def test_harmless_prompts_are_clean() -> None:
    with gzip.open(EVAL / "benign_dev.jsonl.gz", "rt") as rows:
        texts = [json.loads(row)["text"] for row in rows]
    flagged = [t for t in texts if DETECTOR.detect(t)]
    assert len(flagged) <= len(texts) // 100
