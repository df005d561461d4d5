"""The shipped student: floors on hand-written sentences, exact spans, windows that change nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from golden import lines
from marks import marked

from redaction.detectors import student as module
from redaction.detectors.student import LABELS, REACH, TAGS, StudentDetector
from redaction.detectors.things import THINGS
from redaction.detectors.wordview import fold
from redaction.types import DetectorFailed, Finding

GOLDEN = [marked(line) for line in lines("student.txt")]
HARMLESS = lines("harmless.txt")


@pytest.fixture(scope="module")
def student() -> StudentDetector:
    return StudentDetector()


def _covered(student: StudentDetector, text: str, start: int, end: int) -> bool:
    covered = {i for f in student.detect(text) for i in range(f.start, f.end)}
    return all(i in covered for i in range(start, end) if text[i].isalnum())


def test_what_stands_in_sentences_of_eight_languages_is_covered(student: StudentDetector) -> None:
    """The floor: a change of model or features that loses more than this loses recall."""
    missed = [text[a:b] for text, spans in GOLDEN for a, b, _ in spans if not _covered(student, text, a, b)]
    total = sum(len(spans) for _, spans in GOLDEN)
    assert len(missed) / total <= 0.12, missed


def test_most_of_it_has_the_right_label(student: StudentDetector) -> None:
    right = total = 0
    for text, spans in GOLDEN:
        found = student.detect(text)
        for start, end, label in spans:
            total += 1
            right += any(f.label == label and f.start < end and f.end > start for f in found)
    assert right / total >= 0.85


def test_words_around_values_are_left_alone(student: StudentDetector) -> None:
    masked = outside = 0
    for text, spans in GOLDEN:
        gold = {i for a, b, _ in spans for i in range(a, b)}
        found = {i for f in student.detect(text) for i in range(f.start, f.end)}
        plain = [i for i, c in enumerate(text) if c.isalnum() and i not in gold]
        outside += len(plain)
        masked += sum(i in found for i in plain)
    assert masked / outside <= 0.06  # a few texts: the floors of tests/golden guard this on many


def test_harmless_texts_are_left_alone(student: StudentDetector) -> None:
    flagged = [text for text in HARMLESS if student.detect(text)]
    assert len(flagged) / len(HARMLESS) <= 0.10, flagged


def test_windows_give_what_one_pass_gives(student: StudentDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(text for text, _ in GOLDEN) * 3
    whole = student.detect(text)
    monkeypatch.setattr(module, "WINDOW", 97)
    assert student.detect(text) == whole


def test_a_text_far_away_changes_nothing(student: StudentDetector) -> None:
    text = "Priya Raghunathan is a cardiologist in Leeds."
    gap = " the rain fell all day while we waited for a bus" * (REACH // 11 + 1)

    def spans(before: str) -> list[tuple[int, int, str]]:
        shift = len(before + gap) + 1
        found = student.detect(f"{before}{gap} {text}{gap} {before}")
        return [(f.start - shift, f.end - shift, f.label) for f in found if shift <= f.start < shift + len(text)]

    assert len(spans("")) == 3
    assert spans("DROP TABLE x; ") == spans("Hallo Welt 2024 " * 900) == spans("")


def test_over_budget_is_said(student: StudentDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOKEN_BUDGET", 50)
    with pytest.raises(DetectorFailed, match="budget"):
        student.detect("one two three four " * 40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!!!",
        "1 2 3",
        "\u0301",
        "\U0001f600" * 50,
        "a" * 5000,
        "\r\n" * 90,
        "０１２",
        "中文名字",
        "\x00\ud7ff",
        "A" * 300_000,
    ],
)
def test_strange_texts_do_no_harm(student: StudentDetector, text: str) -> None:
    for f in student.detect(text):
        assert 0 <= f.start < f.end <= len(text)
        assert f.label in LABELS


@pytest.mark.parametrize("prefix", ["👩‍💻 ", "e\u0301 ", "\r\n\r\n", "\u200b\u2066", "𝔘𝔫𝔦 "])
def test_offsets_are_code_points_of_the_text(student: StudentDetector, prefix: str) -> None:
    text = prefix + "My name is Margaret O'Connell and I live in Bristol."
    values = {text[f.start : f.end] for f in student.detect(text)}
    assert {"Margaret O'Connell", "Bristol"} <= values


def test_the_reach_is_what_the_network_sees() -> None:
    assert len(TAGS) == 2 * len(LABELS) + 1
    assert sum((1, 2, 4, 8, 16, 32, 1)) == REACH


def test_the_digest_covers_thresholds_and_lists(student: StudentDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THRESHOLDS", {**module.THRESHOLDS, "PERSON": 0.3})
    assert StudentDetector().digest != student.digest


def test_the_name_of_a_field_is_no_user(student: StudentDetector) -> None:
    text = '{"status": "found", "receipt_to": "harbor.juniper1672@example.org", "login": "harbor_juniper"}'
    found = {text[f.start : f.end] for f in student.detect(text)}
    assert "receipt_to" not in found and "harbor_juniper" in found
    for name in ("call_lookup", "receipt_to", "user_name", "my_order_id", "sent_from"):
        assert not [f for f in student.detect(name) if f.label == "USERNAME"], name
    for value in ("john_smith", "maria_kowalska"):  # a name is no word, also where nothing else stands
        assert student.detect(value), value
        assert student.detect(f'{{"{value}": 1}}'), value


@pytest.mark.parametrize("value", ["QWXZRT", "HH-KLM", "BCD.FGHJ", "AB 12"])
def test_a_code_may_have_no_digit(value: str) -> None:
    f = Finding(3, 3 + len(value), "REFERENCE_NUMBER", 0.9, "student")
    assert list(module._trimmed(f"no {value}.", f)) == [f]


@pytest.mark.parametrize("value", ["MEID", "booking", "Case", "HH-klm", "the A"])
def test_a_word_is_no_code(value: str) -> None:
    f = Finding(3, 3 + len(value), "REFERENCE_NUMBER", 0.9, "student")
    assert not list(module._trimmed(f"no {value}.", f))


def test_a_licence_plate_of_letters_is_found(student: StudentDetector) -> None:
    assert _covered(student, "The number plate: BR XKD was seen.", 18, 24)


def test_a_strange_word_in_capitals_counts_from_a_lower_belief(student: StudentDetector) -> None:
    text = "today Brzozdowicz met lunch. Brzozdowicz left, BRZOZDOWICZ lunch brzozdowicz"
    tokens = student.tokens(text)
    scores = np.full((len(tokens), len(TAGS)), 0.03 / (len(TAGS) - 1), np.float32)
    scores[:, 0] = 0.97
    raised = 1 - student._raised(text, tokens, scores)[:, 0]
    by_word = [(text[t.start : t.end], round(float(v), 3)) for t, v in zip(tokens, raised, strict=True)]
    inside, first = round(0.09 / 1.06, 3), round(0.06 / 1.03, 3)
    assert [v for w, v in by_word if w == "Brzozdowicz"] == [inside, first]
    assert {v for w, v in by_word if w != "Brzozdowicz"} == {0.03}
    scores[:, 0], scores[:, 1:] = 1, 0
    assert (student._raised(text, tokens, scores) == scores).all()


@pytest.mark.parametrize("behind", [" MD", ", Ph.D.", " III", " Jr."])
def test_what_stands_behind_a_name_belongs_to_it(student: StudentDetector, behind: str) -> None:
    text = f"I saw Dr. Giovanna Rodrigues{behind} and left"
    scores = np.zeros((len(student.tokens(text)), len(TAGS)), np.float32)
    tokens = student.tokens(text)
    names = [text[t.start : t.end] in ("Giovanna", "Rodrigues") for t in tokens]
    scores[:, 0] = [not n for n in names]
    scores[:, TAGS.index("I-PERSON")] = names
    (found,) = student.judged(text, tokens, scores, module.THRESHOLDS, "student")
    assert text[found.start : found.end] == f"Giovanna Rodrigues{behind}"


def test_of_a_number_alone_a_model_is_not_sure(student: StudentDetector) -> None:
    scores = np.zeros((1, len(TAGS)), np.float32)
    scores[:, TAGS.index("B-PHONE_NUMBER")] = 1
    for text, score in (("723813266", module.SURE), ("723813266 is mine", 1.0)):
        some = np.concatenate([scores, np.eye(1, len(TAGS)).repeat(len(student.tokens(text)) - 1, 0)])
        (found,) = student.judged(text, student.tokens(text), some, module.THRESHOLDS, "student")
        assert found.score == pytest.approx(score)


def test_a_name_behind_an_escaped_line_break_is_found_whole(student: StudentDetector) -> None:
    text = r'{"body": "Dear all,\n\nit is done.\n\nBest regards,\nRobert Brown\nSenior Analyst"}'
    covered = {i for f in student.detect(text) if f.label == "PERSON" for i in range(f.start, f.end)}
    start = text.index("Robert")
    assert set(range(start, start + len("Robert Brown"))) <= covered and start - 1 not in covered


@pytest.mark.parametrize(
    ("name", "kept"), [("Agnieszka.", "Agnieszka"), ("Frost & Co.", "Frost & Co."), ("A. B.", "A. B.")]
)
def test_the_end_of_a_sentence_is_no_part_of_a_name(student: StudentDetector, name: str, kept: str) -> None:
    tokens = student.tokens(name)
    scores = np.zeros((len(tokens), len(TAGS)), np.float32)
    scores[:, TAGS.index("I-PERSON")] = 1
    (found,) = student.judged(name, tokens, scores, module.THRESHOLDS, "student")
    assert name[found.start : found.end] == kept


@pytest.mark.parametrize("before", ["(212) ", "(0) ", "+1 (212) ", "+49(30)", "(030)-"])
def test_the_area_before_a_phone_number_belongs_to_it(before: str) -> None:
    text = f"no {before}555-0143"
    at = text.index("555")
    f = Finding(at, len(text), "PHONE_NUMBER", 0.9, "student")
    (whole,) = module._trimmed(text, f)
    assert (whole.start, whole.end) == (3, len(text))
    assert next(iter(module._trimmed(text, Finding(at, len(text), "REFERENCE_NUMBER", 0.9, "student")))).start == at


def test_a_phone_number_alone_leaves_no_area_behind(student: StudentDetector) -> None:
    for text in ("(258) 293-1524", "(758) 655-8400", "(569) 726-8276"):
        assert [(f.start, f.end) for f in student.detect(text)] == [(0, len(text))]


def test_programs_dishes_and_laws_of_nature_are_not_strange_and_nobody_is_called_so(student: StudentDetector) -> None:
    view = module.load_view(module.FOLDER / "words.npz")
    for word in ("Kubernetes", "Chardonnay", "Ozempic", "Brachiosaurus", "Levenshtein", "Schrödinger"):
        assert not view.strange(word), word
    assert view.strange("Brzozdowicz")
    common = module.KINDS.index("first_name"), module.KINDS.index("surname")
    assert not [word for word in THINGS if any(student.lists(word) >> bit & 1 for bit in common)]
    assert all(word == fold(word) for word in THINGS)


def test_the_word_before_an_address_is_nobody() -> None:
    """``mail birch.delta8365@…`` in small letters: the word in front of an address is no first name."""
    scores = np.zeros((1, len(TAGS)), np.float32)
    scores[0, TAGS.index("B-PERSON")] = 1.0
    student = StudentDetector()
    for word, found in (("mail", 0), ("phone", 0), ("maria", 1), ("Mail", 1)):
        assert len(student.judged(word, student.tokens(word), scores, module.THRESHOLDS, "x")) == found


FIRST_NAMES = [
    "Anna",
    "Marek",
    "Jasmine",
    "Tyrone",
    "Priya",
    "Hyun-woo",
    "Svetlana",
    "Kofi",
    "Dolores",
    "Fatima",
    "Bob",
    "Lucía",
    "Giulia",
    "Wojtek",
    "Jan",
    "Ahmed",
    "Mei",
    "Sean",
    "Olga",
    "Thabo",
]
REAL_LIFE = [
    "{} has 3 convictions", "{} missed 4 shifts this month.", "{} owes me 400 euros", "{} takes 20 mg of sertraline",
    "{} hat 3 Vorstrafen", "{} schuldet mir 400 Euro", "{} ma 3 wyroki", "{} wisi mi 400 zł", "{} me doit 400 euros",
    "{} tiene 3 condenas", "{} ha 3 precedenti", "{} faltou a 4 turnos", "{} heeft 3 veroordelingen",
    "{} scored 21 on the depression scale", "{} failed 5 of 6 exams", "{} weighs 31 kg and eats nothing",
]  # fmt: skip
EXERCISES = [
    "{} has 3 apples and gives 2 to {}. How many apples are left?",
    "{} bought 4 pens for $2 each and {} none. How much did she pay?",
    "{} hat 12 Äpfel und gibt {} 3 davon. Wie viele hat er noch?",
    "{} runs 5 miles every day, {} 3. How many miles in a week?",
]  # fmt: skip


def test_a_name_beside_a_number_is_somebody_in_real_life_and_nobody_in_an_exercise(student: StudentDetector) -> None:
    said = [frame.format(name) for frame in REAL_LIFE for name in FIRST_NAMES]
    found = [any(f.label == "PERSON" and f.start == 0 for f in student.detect(text)) for text in said]
    assert sum(found) / len(found) >= 0.9
    asked = [frame.format(a, b) for frame in EXERCISES for a, b in pairwise(FIRST_NAMES)]
    flagged = [text for text in asked if any(f.label == "PERSON" for f in student.detect(text))]
    assert len(flagged) / len(asked) <= 0.1
