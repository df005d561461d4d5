"""Cards and IBAN whose check is wrong, beside a word that says what they are; dates of birth; names of fields."""

from __future__ import annotations

import pytest

from redaction.detectors.keys import apart
from redaction.detectors.mistyped import mistyped
from redaction.detectors.patterns import PatternDetector
from redaction.spans import resolve

DETECTOR = PatternDetector()


def said(text: str) -> dict[str, dict[str, float]]:
    """Value -> label -> score, of what overlaps."""
    groups = resolve(DETECTOR.detect(text))
    return {text[g.start : g.end]: dict(g.scores) for g in groups}


CARDS = [
    "4111 1111 1111 1112", "4111111111111112", "4012-8888-8888-1882", "3782 822463 10006", "36168002586008",
    "4111\u00a01111\u00a01111\u00a01112", "4111.1111.1111.1112", "411111111111111", "4111 1111 1111 1112 123",
]  # fmt: skip


@pytest.mark.parametrize("value", CARDS)
@pytest.mark.parametrize(
    "frame",
    ["my credit card number is {}", "Karte: {} 12/27",
     '{{"cardNumber": "{}", "x": 1}}', '"homeCard": "{}"', "CARD_NO_2={}",
     "Card number:\n  {}\n", "{} is my credit card", "I entered {} as card number", "<card>{}</card>"],
)  # fmt: skip
def test_a_mistyped_card_is_some_number_and_perhaps_a_card(value: str, frame: str) -> None:
    scores = next(scores for found, scores in said(frame.format(value)).items() if value in found)
    assert scores["REFERENCE_NUMBER"] == 0.65
    assert scores["CREDIT_CARD"] == 0.4


IBANS = [
    "DE89 3704 0044 0532 0130 01", "DE89370400440532013001", "GB28 NWBK 6016 1331 9268 19",
    "FR7630006000011234567890188",
    "DE8937040044053201300", "DE8937040044053201300012", "QX89370400440532013001", "de89 3704 0044 0532 0130 01",
    "DE89-3704-0044-0532-0130-01", "DE89370400440532", "QX8937040044053", "QX89 3704 0044 0532 0130 00",
]  # fmt: skip


@pytest.mark.parametrize("value", IBANS)
@pytest.mark.parametrize(
    "frame",
    ["IBAN: {}", "the IBAN is {} BIC COBADEFFXXX", '"customerIban": "{}",', "iban_2={}", "IBAN\n{}",
     "IBAN no. {}, thanks",
     "{} is my IBAN", "I entered {} as an IBAN"]
)  # fmt: skip
def test_a_mistyped_iban_is_some_number_and_perhaps_an_iban(value: str, frame: str) -> None:
    text = frame.format(value)
    assert said(text)[value] == {"REFERENCE_NUMBER": 0.65, "IBAN_CODE": 0.4}


@pytest.mark.parametrize(
    "text",
    [
        "I paid by card on 2024-05-06 123456", "card paid 123456789012.50", "card e4111111111111112",
        "IBAN DE89370400440",
        "IBAN QX893704004405", "card 1714550400123 was read", "the card costs 12 to 15",
        "card 192.168.100.200", "card, or 10/12/20241111", "0.4111111111111112 card", "card 12345678901",
        "IBAN is missing", "IBAN DE12 is short", "IBAN of GB12 ABCD", "my card! 4111111111111112",
    ],
)  # fmt: skip
def test_what_is_no_number_of_a_card_or_account_is_left_alone(text: str) -> None:
    assert [*mistyped(text, ())] == []


def test_a_card_that_is_no_means_of_payment_is_some_number() -> None:
    for word in ("ID card", "insurance card", "SIM-card", "library card"):
        text = f"{word} 123456789012345"
        assert {f.label for f in mistyped(text, ())} == {"REFERENCE_NUMBER"}, word
    assert {f.label for f in mistyped("gift card 123456789012345", ())} == {"REFERENCE_NUMBER", "CREDIT_CARD"}


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("Aadhaar card 2341 2341 2346", "2341 2341 2346", "NATIONAL_ID"),
        ("card 4111 1111 1111 1111", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("IBAN DE89 3704 0044 0532 0130 00 12 EUR", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
    ],
)
def test_what_is_known_better_is_not_called_mistyped(text: str, value: str, label: str) -> None:
    assert set(said(text)[value]) == {label}
    assert not [f for f in DETECTOR.detect(text) if f.score in {0.65, 0.4}]


def test_where_it_is_known_what_stands_nothing_is_said() -> None:
    text = "card 4111 1111 1111 1112"
    assert len([*mistyped(text, [(0, 5), (24, 30)])]) == 2
    for known in ((5, 24), (0, 6), (20, 30)):
        assert [*mistyped(text, [known])] == []


def test_two_words_before_a_number_say_it_once() -> None:
    for text in ("Visa Card: 4111 1111 1111 1112", "card no.4111111111111112", "mastercard or visa 4111111111111112"):
        assert len([*mistyped(text, ())]) == 2, text


def test_four_times_the_text_is_read_at_as_many_words() -> None:
    piece = "card 4111 1111 1111 1112 IBAN DE89 3704 0044 0532 0130 01 "
    assert len([*mistyped(piece * 400, ())]) == 4 * len([*mistyped(piece * 100, ())]) == 1600


@pytest.mark.parametrize(
    "frame",
    ["Date of birth: {}", "date_of_birth='{}'", '"dateOfBirth": "{}"', "DOB {}",
     "DOB ..... {}",
     "The date of birth on file is {}.", "<dt>Date of birth</dt><dd>{}</dd>",
     '{{"name": "Date of birth", "value": "{}"}}',
     "[10:07] A: and your date of birth?\n[10:08] B: {}", "Q: Geburtsdatum?\nA: sure, it is {}", "DATE_OF_BIRTH_3={}",
     "Fecha de nacimiento {}", "Date de naissance (jj/mm/aaaa) : {}", "data_urodzenia: {}",
     "Could you check whether {} is a valid date of birth?", "{} ist mein Geburtsdatum"],
)  # fmt: skip
@pytest.mark.parametrize(
    "value",
    ["1984-03-07", "07.03.1984", "3/7/84", "7 March 1984", "March 7, 1984", "March 7th, 1984", "07-Mar-1984",
     "19840307",
     "7. März 1984", "07031984", "7-Mar-84"],
)  # fmt: skip
def test_a_date_of_birth_in_any_print_behind_any_name(frame: str, value: str) -> None:
    assert "DATE_OF_BIRTH" in said(frame.format(value)).get(value, {})


@pytest.mark.parametrize(
    "text", ["DOB: n/a, seen 3 May 2024", "dob VARCHAR(10), made 2024-05-06", "dob unknown. On 3 May 2024"]
)
def test_another_date_is_no_date_of_birth(text: str) -> None:
    assert "DATE_OF_BIRTH" not in {label for labels in said(text).values() for label in labels}


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ('"germanTaxId": "17455089622"', "17455089622", "TAX_ID"), ('"userSsn": 123456788', "123456788", "US_SSN"),
        ("clientPesel = 44051401359", "44051401359", "NATIONAL_ID"), ("<homeAccount>12345678<", "12345678",
        "BANK_ACCOUNT"),
        ("drivers_license: D2532583", "D2532583", "DRIVER_LICENSE"), ("PESEL_1=44051401358", "44051401358",
        "NATIONAL_ID"),
        ("ACCOUNT_NUMBER_0=12345678", "12345678", "BANK_ACCOUNT"), ("Account ........ 12345678", "12345678",
        "BANK_ACCOUNT"),
        ("N° sécurité sociale: 172078145765567", "172078145765567", "NATIONAL_ID"),
        ("<td>MRN</td>\n <td class='x'>4455667</td>", "4455667", "MEDICAL_RECORD"),
        ("Nr pacjenta: 93134316", "93134316", "MEDICAL_RECORD"), ("N° de police: POL-30293245", "POL-30293245",
        "REFERENCE_NUMBER"),
    ],
)  # fmt: skip
def test_names_of_fields_say_what_words_say(text: str, value: str, label: str) -> None:
    assert label in said(text)[value]


def test_the_name_of_a_field_is_as_long_as_before_and_other_words_stay() -> None:
    assert apart("customerIban: 1") == "custome_Iban: 1"
    for text in (
        "accountNumber: 1",
        "fe80::aB:12",
        "McDonald: 1",
        "taxId=2",
        "the customerIban is 1",
        "socialSecurity:",
    ):
        assert apart(text) == text
