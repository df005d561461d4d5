"""Card numbers: issuers' ranges and lengths, words that name a card, what stands before and behind."""

from __future__ import annotations

import random

import pytest
from stdnum import luhn
from stdnum.cn import ric

from redaction import disguise
from redaction.detectors.formats import cards, is_card
from redaction.detectors.patterns import PatternDetector
from redaction.spans import resolve

SCHEMES = {
    "visa": "4 13,16,18,19", "mastercard": "5105 16", "mastercard 2": "2221 16", "mastercard 2, last": "2720 16",
    "amex": "34 15", "amex 37": "37 15", "discover": "6011 16,19", "discover 644": "644 16", "discover 65": "65 16",
    "diners": "36 14,16,19", "diners 300": "300 14", "diners 305": "305 16", "diners 3095": "3095 16",
    "diners 38": "38 16", "jcb": "3528 16,17,18,19", "jcb, last": "3589 16", "jcb 2131": "2131 15",
    "jcb 1800": "1800 15", "unionpay": "62 16,17,18,19", "unionpay 81": "8171 16,19", "maestro 5018": "5018 13,16,19",
    "maestro 5020": "5020 14", "maestro 5612": "5612 16", "maestro 5893": "5893 18", "maestro 6304": "6304 16",
    "maestro 6759": "6759 15", "maestro 6763": "6763 17", "rupay 60": "6069 16", "rupay 508": "5085 16",
    "rupay 81": "8178 16", "rupay 82": "8201 16", "rupay 353": "353 16", "mir": "2200 16,17,18,19", "borica": "2205 16",
    "troy": "9792 16", "elo": "506750 16", "elo 6363": "636368 16", "hipercard": "606282 13,16,19",
    "verve": "506120 16,19",
    "dankort": "5019 16", "interpayment": "6364 16,19", "lankapay": "357111 16", "humo": "9860 16", "uzcard": "8600 16",
    "pridnestrovie": "6054741 16", "napas": "9704 16,19", "belkart": "9112 16", "arca": "9051 16", "meeza": "5078 16",
    "girocard": "6725 19", "korea": "9410 16", "laser": "6771 16", "switch": "564182 16",
}  # fmt: skip
"""First digits and lengths by scheme."""
OTHERS = ("122000 15", "1946 16", "869900 15", "7083 16", "690046 12")
"""UATP, GPN, fleet cards: cards only where a word says so; twelve digits if their first ones are an issuer's."""


def _numbers(said: str) -> list[str]:
    prefix, sizes = said.split()
    some = random.Random(prefix)
    bodies = [prefix + "".join(some.choices("0123456789", k=int(n) - 1 - len(prefix))) for n in sizes.split(",")]
    return [body + luhn.calc_check_digit(body) for body in bodies]


def _groups(digits: str) -> list[str]:
    if len(digits) in {14, 15}:
        return [digits[:4], digits[4:10], digits[10:]]
    if len(digits) == 13:
        return [digits[:4], digits[4:7], digits[7:10], digits[10:]]
    return [digits[n : n + 4] for n in range(0, len(digits), 4)]


def _found(text: str) -> list[str]:
    return [text[f.start : f.end] for f in cards(text)]


@pytest.mark.parametrize("said", SCHEMES.values(), ids=SCHEMES.keys())
@pytest.mark.parametrize("sign", ["", " ", "-", ".", "\u00a0", "\u202f"])
def test_what_an_issuer_gives_is_found_in_any_print_without_a_word(said: str, sign: str) -> None:
    for digits in _numbers(said):
        value = sign.join(_groups(digits))
        for frame in (
            "Please charge {} tomorrow.",
            "12 {}, 14",
            '{{"value": "{}"}}',
            "7;{};ok",
            "id_{}_x",
            "INFO {} code=5",
        ):
            assert _found(frame.format(value)) == [value]


@pytest.mark.parametrize("said", OTHERS)
@pytest.mark.parametrize(
    "frame",
    [
        "my card is {}", "credit card: {}", "{} (debit)", "PAN {}", '{{"pan": "{}"}}', "<pan>{}</pan>", "?pan={}&x=1",
        "CC {}",
        '{{"cardNumber":"{}"}}', '{{"customerCard": "{}"}}', "defaultCcNumber={}",
        '{{"paymentCardNumber":"{}"}}', '{{"card_number": "{}"}}', "ccNumber={}", "cc_num={}",
        "CARDNO {}", "<CardNumber>{}</CardNumber>", "id,card\n1,{}\n", "| card no | ok |\n|---|---|\n| {} | yes |",
        "AMEX {}", "UnionPay {}", "primary account number: {}", "Meine Kartennummer lautet {}.", "Kreditkarte {}",
        "EC-Karte: {}", "numéro de carte bancaire {}", "CB : {}", "número de tarjeta {}", "carta di credito {}",
        "o número do meu cartão é {}", "cartao {}", "kaartnummer {}", "creditcardnummer: {}", "bankpas {}",
        "numer mojej karty to {}", "karta nr {}", "zapłaciłem kartą {}", "za kartę {}", "card{}",
    ],
)  # fmt: skip
def test_a_word_for_a_card_in_any_of_the_languages_tells_the_rest(said: str, frame: str) -> None:
    for digits in _numbers(said):
        assert _found(f"the number is {digits}") == []
        assert _found(frame.format(digits)) == [digits]


@pytest.mark.parametrize(
    "frame", ["Pan {} przyszedł", "discard {}", "accuracy {}", "scorecards{} x", "cardiology ward {}", "a placard, {}"]
)
def test_what_only_holds_such_a_word_says_nothing(frame: str) -> None:
    (digits,) = _numbers("1946 16")
    assert _found(frame.format(digits)) == []


def test_the_longest_reading_counts_so_that_no_digits_are_left() -> None:
    """The first sixteen of nineteen digits have a right check sum of their own in one number of ten."""
    some = random.Random(1)
    for _ in range(20):
        first = _numbers("4 16")[0][:6] + "".join(some.choices("0123456789", k=9))
        first += luhn.calc_check_digit(first)
        digits = first + "".join(some.choices("0123456789", k=2))
        digits += luhn.calc_check_digit(digits)
        value = " ".join(_groups(digits))
        assert _found(f"charge {value} now") == [value]


@pytest.mark.parametrize(
    "frame",
    [
        "{}EUR was charged", "nr{} was", "PAN{}", "Visa{}", "karta{}", "%B{}^DOE/JANE^25121010000000?",
        ";{}=25121010000012345?", "{}D25121010000012345F", "TXN{}", "{}und",
    ],
)  # fmt: skip
def test_a_word_that_sticks_to_it_and_the_stripe_of_a_card_do_not_hide_it(frame: str) -> None:
    for digits in _numbers("4 16") + _numbers("6759 16") + _numbers("37 15"):
        assert _found(frame.format(digits)) == [digits]


@pytest.mark.parametrize("frame", ["a{}b", "{}c", "f3a{}e9", "x9d{}", "0.{}", "{}.5", "be{}f00d"])
def test_digits_of_a_digest_or_a_decimal_are_none(frame: str) -> None:
    assert _found(frame.format("4111111111111111")) == []


@pytest.mark.parametrize("sign", ["/", "_", " - ", ":", "*"])
@pytest.mark.parametrize(
    "said", ["4 16", "2221 16", "37 15", "36 14", "6759 16", "62 19", "2202 16", "8600 16", "353 16"]
)
def test_odd_signs_between_the_groups_do_not_hide_it(sign: str, said: str) -> None:
    (digits,) = _numbers(said)
    value = sign.join(_groups(digits))
    for frame in ("charge {} now", "my card {}", "1. {}", "{} 12/27 123", "3, {} and 5", "2. {} 12/27"):
        text = frame.format(value)
        assert [text[f.start : f.end] for f in disguise.cards(text)] == [value]


def test_rows_of_single_digits_are_a_card_only_if_a_large_issuer_gives_it_or_a_word_says_so() -> None:
    assert [*disguise.cards(" ".join("4111111111111111"))]
    (digits,) = _numbers("6759 16")
    assert is_card(digits)
    assert not [*disguise.cards(" ".join(digits))]
    assert [*disguise.cards("card " + " ".join(digits))]


def test_a_number_of_another_kind_on_an_identity_card_keeps_that_kind() -> None:
    """Both say so: the check sums of Luhn and of the kind are right, and ``card`` stands there."""
    some = random.Random(3)
    number = next(
        said
        for said in iter(lambda: "11010119900307" + "".join(some.choices("0123456789", k=4)), "")
        if luhn.is_valid(said) and ric.is_valid(said)
    )
    (group,) = resolve(PatternDetector().detect(f"identity card number {number} was shown"))
    assert (group.label, group.score) == ("NATIONAL_ID", 1.0)
