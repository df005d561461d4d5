"""Numbers of states, banks and companies: what a word, a form or standing alone makes of them; work is bounded."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from redaction.classifier import payload_level
from redaction.detectors import chance, numbers, purse
from redaction.detectors.chance import CHANCES, Chances, like
from redaction.detectors.kinds import FORMS, KINDS
from redaction.detectors.numbers import BY_ITSELF, Numbers, known_lengths, probed_lengths
from redaction.detectors.patterns import PatternDetector, recognized
from redaction.detectors.probing import passing
from redaction.pipeline import NOTHING
from redaction.spans import resolve
from redaction.types import DetectorFailed, Sensitivity

DETECTOR = PatternDetector()
EVAL = Path(__file__).parents[5] / "shared" / "reference" / "eval"


def found(text: str) -> set[tuple[str, str]]:
    return {(text[f.start : f.end], f.label) for f in DETECTOR.detect(text) if f.score >= BY_ITSELF}


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("numéro de sécurité sociale: 2 95 10 99 126 111 93", "2 95 10 99 126 111 93", "NATIONAL_ID"),
        ('{"KRA PIN": "P051365947M", "status": "active"}', "P051365947M", "TAX_ID"),
        ('{"unique_pupil_number": "B801200005001"}', "B801200005001", "REFERENCE_NUMBER"),
        ("My BSN is 1112.22.333.", "1112.22.333", "NATIONAL_ID"),
        ("the VAT number FR 40 303 265 045 of the firm", "FR 40 303 265 045", "TAX_ID"),
        ("registered as Aachen HRA 11223 since", "Aachen HRA 11223", "REFERENCE_NUMBER"),
        ("CBU 2850590940090418135201 please", "2850590940090418135201", "BANK_ACCOUNT"),
        ("IMEI: 35686800-004141-20", "35686800-004141-20", "DEVICE_ID"),
        ("tax number ٣٣١-١٠٥-٢٦٨ 🎉", "٣٣١-١٠٥-٢٦٨", "TAX_ID"),
        ("her CURP BOXW310820HNERXN09, she said", "BOXW310820HNERXN09", "NATIONAL_ID"),
        ("paid to 390.533.447-05 today", "390.533.447-05", "NATIONAL_ID"),
        ("IBAN ME 2551 0000 0000 0623 4133", "ME 2551 0000 0000 0623 4133", "IBAN_CODE"),
        ("isikukood\r\n36805280109\r\n", "36805280109", "NATIONAL_ID"),
        ("the NIT 7108-0.", "7108-0", "TAX_ID"),
        ("ИНН/КПП 7707083893/770701001", "7707083893", "TAX_ID"),
    ],
)
def test_a_number_is_found_with_its_kind_and_exact_span(text: str, value: str, label: str) -> None:
    assert (value, label) in found(text)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("My BSN is 1112.52.333.", "NATIONAL_ID"),
        ("GSTIN: 27AAPFU0939F1ZO", "TAX_ID"),
        ("CURP: BOXW310820HNERXN08", "NATIONAL_ID"),
        ("AHV-Nummer: 756.9217.0769.84", "NATIONAL_ID"),
        ("CNPJ: 16.727.230/0001-98", "TAX_ID"),
        ("OIB: HR 33392005962", "NATIONAL_ID"),
        ("NIT: 0614-050707-104-0", "TAX_ID"),
        ("the NIT 7108-0-100", "TAX_ID"),
        ("NIT 23.7108-0", "TAX_ID"),
        ("matricule fiscal 1234567/M/A/X/000", "TAX_ID"),
        ("the part 36805280109 of a list of many other parts", "NATIONAL_ID"),
    ],
)
def test_a_wrong_check_sum_or_a_number_without_a_word_is_no_finding(text: str, label: str) -> None:
    assert label not in {name for _, name in found(text)}


def said(text: str, value: str) -> tuple[str, frozenset[str]]:
    """What is reported of ``value``, and all that a policy sees of it."""
    start = text.index(value)
    groups = [g for g in resolve(DETECTOR.detect(text)) if g.start < start + len(value) and start < g.end]
    assert [(g.start, g.end) for g in groups] == [(start, start + len(value))], "masked as a whole"
    return groups[0].label, groups[0].labels


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("CPF 231.002.999-00", "231.002.999-00", "NATIONAL_ID"),
        ("My CPF is 231.002.999-05, thanks", "231.002.999-05", "NATIONAL_ID"),
        ("paid by 231.002.999-05 (CPF)", "231.002.999-05", "NATIONAL_ID"),
        ('{"kennitala": "320174-3399"}', "320174-3399", "NATIONAL_ID"),  # a valid NHS number, which nobody speaks of
        ("SIN: 12345678Z", "12345678Z", "NATIONAL_ID"),  # a valid Spanish DNI
        ("voter ID: WKH1186263", "WKH1186263", "NATIONAL_ID"),  # of the right form
        ("NHS number 943 476 5918", "943 476 5918", "MEDICAL_RECORD"),
        ("SSN: 000-12-3456", "000-12-3456", "US_SSN"),
        ("NINEA: 1234567 0AZ", "1234567 0AZ", "TAX_ID"),  # its beginning alone is valid
    ],
)
def test_a_number_that_is_not_what_its_word_says_is_some_number(text: str, value: str, kind: str) -> None:
    """Masked, as sensitive as any identifier, and what a policy says of the named kind holds as well."""
    label, labels = said(text, value)
    assert label == "REFERENCE_NUMBER"
    assert kind in labels
    assert {f.score for f in DETECTOR.detect(text) if f.label == kind} == {0.4}, "as docs/limitations.md says"
    assert payload_level(NOTHING, DETECTOR.detect(text)) is Sensitivity.REGULATED


def test_each_mistyped_number_of_a_list_is_some_number() -> None:
    text = "CPF 231.002.999-00 CPF 231.002.999-05; CPF 390.533.447-05, CPF: 231.002.999-07"
    groups = [(text[g.start : g.end], g.label) for g in resolve(DETECTOR.detect(text))]
    some, kind = "REFERENCE_NUMBER", "NATIONAL_ID"
    assert groups == [
        ("231.002.999-00", some), ("231.002.999-05", some), ("390.533.447-05", kind), ("231.002.999-07", some),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("SIN and DNI: 12345678Z", "12345678Z", "NATIONAL_ID"),
        ("no SIN; 12345678Z", "12345678Z", "NATIONAL_ID"),  # said of another number
        ("voter ID: WKH1186253", "WKH1186253", "NATIONAL_ID"),
        ("the SIN on file. NHS 943 476 5919", "943 476 5919", "NATIONAL_ID"),
        ("SIN: 4111 1111 1111 1111", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("SIN: DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("account number 12345678901", "12345678901", "BANK_ACCOUNT"),
        ("SSN: 523-12-3456", "523-12-3456", "US_SSN"),
    ],
)
def test_words_that_name_what_it_is_keep_its_kind(text: str, value: str, label: str) -> None:
    assert said(text, value)[0] == label


@pytest.mark.parametrize(
    "text",
    ["VAT 1.250.000", "VAT 12,345,678.90", "NIP 2024-01-15", "CPF 15/01/2024", "CVE-2024-12345, RFC 6901",
     "http://t.co/f8LToVE5Cy"],
)  # fmt: skip
def test_an_amount_a_date_or_a_name_beside_a_word_is_no_number(text: str) -> None:
    assert "REFERENCE_NUMBER" not in {f.label for f in DETECTOR.detect(text)}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("136410133", "NATIONAL_ID"),  # nine in ten numbers of nine digits are valid somewhere
        ("VV3456789", "NATIONAL_ID"),  # of a kind that has no check digit
        ("8503305044089", "NATIONAL_ID"),  # any thirteen digits
        ("123456789B90", "DRIVER_LICENSE"),
    ],
)
def test_a_number_that_anything_would_pass_for_is_some_number(value: str, kind: str) -> None:
    label, labels = said(value, value)
    assert label == "REFERENCE_NUMBER"
    assert kind in labels
    assert payload_level(NOTHING, DETECTOR.detect(value)) is Sensitivity.REGULATED


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("7569217076985", "NATIONAL_ID"),
        ("2850590940090418135201", "BANK_ACCOUNT"),
        ("01-0242-0100194-00", "BANK_ACCOUNT"),
        ("151086 95088", "NATIONAL_ID"),
        ("3023217600053", "TAX_ID"),
        ("004495445B01", "TAX_ID"),
    ],
)
def test_a_number_that_few_would_pass_for_is_called_by_its_kind(value: str, label: str) -> None:
    assert said(value, value)[0] == label


def test_sixteen_digits_are_a_card_or_a_number_by_no_chance_or_nothing() -> None:
    assert said("3171011708450001", "3171011708450001")[0] == "REFERENCE_NUMBER"  # a creditor's, or an Indonesian's
    assert DETECTOR.detect("1700000000000000") == ()  # microseconds


def test_chances_are_those_of_all_kinds_that_are_as_hard_to_pass() -> None:
    chances = Chances()
    assert chances.share("ch.ssn", 13) < 0.01 < chances.share("nl.bsn", 9) < 0.2
    assert chances.any("nl.bsn", "111222333") > 0.2 > chances.any("ch.ssn", "7569217076985")
    assert chances.share("unheard.of", 9) == chances.any("unheard.of", "111222333") == 1.0


def test_kinds_that_do_not_read_over_a_separator_make_no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the same digits without it were asked about before: what is kept is bounded, and of one form only."""
    monkeypatch.setattr(chance, "KEPT", 3)
    chances = Chances()
    forms = ("111222333", "111 222 333", "111.222.333", "111/222/333", "111-222-333")
    first = [chances.any("nl.bsn", form) for form in forms]
    assert [chances.any("nl.bsn", form) for form in forms] == first
    assert [Chances().any("nl.bsn", form) for form in forms] == first
    assert first[0] > first[2] > first[3]
    assert len(chances._known) <= 3


def test_a_refused_number_of_no_kind_of_its_own_is_said_once() -> None:
    found = [f for f in DETECTOR.detect("SIREN: 732829321") if f.score in {0.65, 0.4}]
    assert [(f.label, f.score) for f in found] == [("REFERENCE_NUMBER", 0.65)]


def test_a_refused_number_may_be_tied_to_another() -> None:
    text = "SIN: 123456789-77"
    assert {text[f.start : f.end] for f in DETECTOR.detect(text) if f.score == 0.65} == {"123456789"}


def test_the_table_of_chances_is_what_the_validators_say() -> None:
    """Of a few kinds; all of them take minutes."""
    held = json.loads(CHANCES.read_text("utf-8"))
    assert set(held) == {kind.module for kind in DETECTOR.numbers.kinds} | set(recognized())
    few = {kind.module: kind for kind in DETECTOR.numbers.kinds if kind.module in {"es.dni", "pl.pesel", "us.ssn"}}
    for module, kind in few.items():
        shares, separators = passing(kind.accepts)
        assert held[module] == [{str(size): share for size, share in shares.items()}, separators]


def test_what_is_drawn_has_the_form_and_is_always_the_same() -> None:
    values = list(like("12-aB Z", 20))
    assert values == list(like("98-xQ C", 20))
    assert all(re.fullmatch(r"\d\d-[a-z][A-Z] [A-Z]", value) for value in values)
    assert len(set(values)) > 15


@pytest.mark.parametrize(
    "text",
    ["2024-01-15", "3.14159265358979", "10:30:00", "20240115", "1700000000", "1700000000000", "3025977080327149"],
)
def test_dates_times_and_decimals_alone_are_no_numbers(text: str) -> None:
    assert found(text) == set()


def test_a_number_that_is_all_of_a_text_is_found_whatever_its_country() -> None:
    for value in ("36805280109", "2850590940090418135201", "756.9217.0769.85"):
        assert value in {v for v, _ in found(f" {value}\n")}


def test_every_kind_and_form_names_a_validator() -> None:
    modules = {module for module, _, _ in KINDS}
    assert len(modules) > 190
    assert {line.partition(": ")[0] for line in FORMS.splitlines()} <= modules
    assert all(kind.lengths for kind in Numbers().kinds)


def test_work_is_counted_not_hoped_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def count(self: numbers.Kind, text: str) -> bool:
        nonlocal calls
        calls += 1
        return False

    monkeypatch.setattr(numbers.Kind, "accepts", count)
    monkeypatch.setattr(purse, "PER_CHARACTER", 1)
    searched = Numbers()
    for size in (15_000, 60_000):
        text = "".join(f"vat {10_000_000 + i} 1 " for i in range(size // 15))
        calls = 0
        with pytest.raises(DetectorFailed, match="budget"):
            list(searched.find(text))
        assert calls <= (purse.SPARE + len(text)) / numbers.CHECK


def test_a_long_table_of_tax_numbers_is_read_to_its_end() -> None:
    text = "".join(f"Acme {i} GmbH, VAT DE136695976, order {i}, 120.50\n" for i in range(300))
    assert sum(f.label == "TAX_ID" and f.score == 1.0 for f in Numbers().find(text)) == 300


@pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled sets lie beside the checkout, not in it")
def test_the_known_numbers_of_all_kinds_stay_found() -> None:
    leaks = total = 0
    with gzip.open(EVAL / "ids_stdnum_dev.jsonl.gz", "rt") as rows:
        for row in map(json.loads, rows):
            spans = [(f.start, f.end) for f in DETECTOR.detect(row["text"])]
            for gold in row["spans"]:
                total += 1
                leaks += not any(a <= gold["start"] and gold["end"] <= b for a, b in spans)
    assert leaks <= total * 0.02


def test_the_table_of_lengths_is_what_the_validators_say() -> None:
    assert known_lengths() == probed_lengths()


def test_another_version_of_the_validators_is_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redaction.detectors.numbers.version", lambda name: "0")
    assert known_lengths() == {}


@pytest.mark.parametrize("behind", ["-2024", "-v2.pdf", "-ok5", ".v2", ""])
@pytest.mark.parametrize("before", ["", "2024-", "12 ", "7/", "2019."])
def test_a_year_or_a_word_tied_to_a_number_does_not_change_its_kind(before: str, behind: str) -> None:
    assert ("7707083893", "TAX_ID") in found(f"INN {before}7707083893{behind} is")


@pytest.mark.parametrize(
    "said",
    [*(f"7707083893{tie}" for tie in ("-1", ".1", "-17", "/A", "-123-4", ".01.02.2024")),
     *(f"{tie}7707083893" for tie in ("2-", "3.", "17-", "12024-"))],
)  # fmt: skip
def test_a_number_that_may_be_a_part_of_another_is_some_reference(said: str) -> None:
    """The longer one may have a wrong check sum, so it is of no kind; yet the value does not cross."""
    seen = found(f"INN {said}")
    assert ("7707083893", "REFERENCE_NUMBER") in seen
    assert "TAX_ID" not in {label for _, label in seen}


@pytest.mark.parametrize("value", ["356868000041418", "86-030503-765432-6", "35 209900 176148 1"])
def test_the_number_of_a_device_needs_no_word(value: str) -> None:
    assert (value, "DEVICE_ID") in found(f"Please look up {value} for me")
    assert (value, "DEVICE_ID") in found(f"4;{value};open")
    assert (value[:-1] + "9", "DEVICE_ID") not in found(f"Please look up {value[:-1]}9 for me")
