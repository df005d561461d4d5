"""Numbers of states, banks and companies: what a word, a form or standing alone makes of them; work is bounded."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from redaction.detectors import numbers, purse
from redaction.detectors.kinds import FORMS, KINDS
from redaction.detectors.numbers import BY_ITSELF, Numbers, known_lengths, probed_lengths
from redaction.detectors.patterns import PatternDetector
from redaction.types import DetectorFailed

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
    assert all(kind.lengths for kind in Numbers()._kinds)


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
