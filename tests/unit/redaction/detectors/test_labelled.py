"""Labelled numbers, ages, addresses, cases, accounts, plates and devices in eight languages; and what is none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from redaction.detectors.labelled import Labelled

LABELLED = Labelled()
EVAL = Path(__file__).parents[5] / "shared" / "reference" / "eval"


def found(text: str) -> set[tuple[str, str]]:
    return {(text[f.start : f.end], f.label) for f in LABELLED.find(text)}


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("she lives at 12 Long Meadow Lane, Apt 4", "12 Long Meadow Lane, Apt 4", "ADDRESS"),
        ("wohnt in der Lindenstraße 14a, 50674 Köln seit", "Lindenstraße 14a, 50674 Köln", "ADDRESS"),
        ("habite 12 bis, rue de la République, 69002 Lyon", "12 bis, rue de la République, 69002 Lyon", "ADDRESS"),
        ("vive en Calle Mayor, nº 12", "Calle Mayor, nº 12", "ADDRESS"),
        ("abita in Via Giuseppe Garibaldi 7", "Via Giuseppe Garibaldi 7", "ADDRESS"),
        ("mora na Rua das Flores, 45", "Rua das Flores, 45", "ADDRESS"),
        ("woont Keizersgracht 221", "Keizersgracht 221", "ADDRESS"),
        ("mieszka przy ul. Długiej 5 m. 3", "ul. Długiej 5 m. 3", "ADDRESS"),
        ("postcode SW1A 1AA please", "SW1A 1AA", "ADDRESS"),
        ("a 46-year-old man", "46", "AGE"),
        ("<account_number>12345678</account_number>", "12345678", "BANK_ACCOUNT"),
        ("<ns:Patient>48291734</ns:Patient>", "48291734", "MEDICAL_RECORD"),
        ("<imei>353333333333333</imei>", "353333333333333", "DEVICE_ID"),
        ("mrn            | 48291734", "48291734", "MEDICAL_RECORD"),
        ("MRN:            48291734", "48291734", "MEDICAL_RECORD"),
        ("Policy no.      :  AB-99812-X", "AB-99812-X", "REFERENCE_NUMBER"),
        ("varón de 46 años con", "46 años", "AGE"),
        ("Alter: 63", "63", "AGE"),
        ("fecha de nacimiento: 29/04/1946", "29/04/1946", "DATE_OF_BIRTH"),
        ("geboren am 3. März 1971", "3. März 1971", "DATE_OF_BIRTH"),
        ("NHC: 4829173", "4829173", "MEDICAL_RECORD"),
        ("application no. 36244/06 was", "36244/06", "CASE_NUMBER"),
        ("Aktenzeichen: 4 O 123/20", "4 O 123/20", "CASE_NUMBER"),
        ("sygn. akt II K 345/19", "II K 345/19", "CASE_NUMBER"),
        ("order number: AB-99812-X", "AB-99812-X", "REFERENCE_NUMBER"),
        ("Kundennummer: 8841234", "8841234", "REFERENCE_NUMBER"),
        ("username: j.roe_84", "j.roe_84", "USERNAME"),
        ("user = 'Aladdin'\npassword = 'open sesame'", "Aladdin", "USERNAME"),
        ("ask @jane_roe84 about it", "@jane_roe84", "USERNAME"),
        ("Kennzeichen: K-AB 1234", "K-AB 1234", "LICENSE_PLATE"),
        ("serial number: C02XK1JHJG5J", "C02XK1JHJG5J", "DEVICE_ID"),
        ("VIN 1HGCM82633A004352", "1HGCM82633A004352", "DEVICE_ID"),
    ],
)
def test_a_labelled_value_is_found_with_its_exact_span(text: str, value: str, label: str) -> None:
    assert (value, label) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "In the last 10 years prices rose by 12 %.",
        "The case is closed and the order was late.",
        "See page 12 of the 2019 report on Wall Street.",
        "@property\ndef name(self): return 3",
        "username: string",
        "He ran 5 km in 25 minutes via the park.",
        "The reference implementation has 3 parts.",
    ],
)
def test_ordinary_text_is_clean(text: str) -> None:
    assert found(text) == set()


@pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled sets lie beside the checkout, not in it")
def test_harmless_prompts_are_almost_all_clean() -> None:
    with gzip.open(EVAL / "benign_dev.jsonl.gz", "rt") as rows:
        texts = [json.loads(row)["text"] for row in rows]
    assert sum(bool(found(t)) for t in texts) <= len(texts) * 3 // 100
