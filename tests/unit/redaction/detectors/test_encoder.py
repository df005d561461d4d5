"""The shipped encoder with the student: floors on hand-written sentences, windows, budgets, what it is told."""

from __future__ import annotations

import numpy as np
import pytest
from golden import lines
from marks import marked

from redaction.detectors import encoder as module
from redaction.detectors.encoder import MARKS, Encoder, EncoderDetector, case, marks
from redaction.detectors.student import LABELS, SURE, TAGS, StudentDetector
from redaction.detectors.wordview import KINDS, tokens
from redaction.pipeline import Namer, Pipeline
from redaction.types import DetectorFailed

GOLDEN = [marked(line) for line in lines("student.txt")]
HARMLESS = lines("harmless.txt")


@pytest.fixture(scope="module")
def detector() -> EncoderDetector:
    return EncoderDetector(StudentDetector())


def test_what_stands_in_sentences_of_eight_languages_is_covered(detector: EncoderDetector) -> None:
    missed, total = [], 0
    for text, spans in GOLDEN:
        covered = {i for f in detector.detect(text) for i in range(f.start, f.end)}
        total += len(spans)
        missed += [text[a:b] for a, b, _ in spans if any(text[i].isalnum() and i not in covered for i in range(a, b))]
    assert len(missed) / total <= 0.1, missed


def test_harmless_texts_are_left_alone(detector: EncoderDetector) -> None:
    flagged = [text for text in HARMLESS if detector.detect(text)]
    assert len(flagged) / len(HARMLESS) <= 0.08, flagged


def test_findings_are_named_after_it_and_it_knows_first_names(detector: EncoderDetector) -> None:
    found = detector.detect("Dear Mr Kowalczyk, Priya Raghunathan works for us in Leeds.")
    assert {f.detector for f in found} == {"encoder"} and all(f.label in LABELS and f.score >= SURE for f in found)
    assert isinstance(detector, Namer) and detector.given("Anna") and not detector.given("table")


@pytest.mark.parametrize(
    ("word", "number"),
    [("-", 0), ("house", 1), ("IBAN", 2), ("A", 3), ("Anna", 3), ("McNeil", 4), ("iPhone", 4), ("42", 5)],
)
def test_how_a_word_is_written(word: str, number: int) -> None:
    assert case(word) == number


def test_marks_say_lists_case_and_gap() -> None:
    row = marks([0b101], [2], [3])[0]
    assert row.shape == (MARKS,) and row.dtype == np.float32
    assert np.flatnonzero(row).tolist() == [0, 2, len(KINDS) + 2, len(KINDS) + module.CASES + 3]


def test_a_word_is_the_mean_of_its_pieces_and_starts_where_its_first_does() -> None:
    begin, inside = TAGS.index("B-PERSON"), TAGS.index("I-PERSON")
    pieces = np.zeros((3, len(TAGS)), np.float32)
    pieces[0, begin], pieces[1, inside], pieces[2, 0] = 1.0, 1.0, 1.0
    made = module._by_token(pieces, np.array([0, 0, 2]), 3)
    assert made[0, begin] == 1.0 and made[0, inside] == 0.0, "its second piece only goes on"
    assert made[2, 0] == 1.0 and not made[1].any(), "no piece, no opinion"


def test_windows_that_overlap_give_one_row_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece is judged once, by the window in which it is more central."""
    encoder = Encoder()
    monkeypatch.setattr(module, "WINDOW", 10)
    monkeypatch.setattr(module, "OVERLAP", 4)
    seen: list[int] = []

    def run(pieces: np.ndarray, _described: np.ndarray) -> np.ndarray:
        seen.append(len(pieces))
        out = np.zeros((len(pieces), len(TAGS)), np.float32)
        out[:, 0] = pieces
        return out

    monkeypatch.setattr(encoder, "_run", run)
    for count in (0, 1, 9, 10, 11, 16, 17, 100):
        seen.clear()
        made = encoder._windows(np.arange(count), np.zeros((count, MARKS), np.float32))
        assert made[:, 0].tolist() == list(range(count))
        assert all(size > 0 for size in seen)


def test_passages_give_what_the_whole_gives(detector: EncoderDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every token is judged, wherever a long text is cut."""
    text = "\n".join(text for text, _ in GOLDEN[:40])
    found = detector._student.tokens(text)
    monkeypatch.setattr(module, "PASSAGE", 50)
    scores = detector.scores(text, found)
    assert scores.shape == (len(found), len(TAGS)) and np.allclose(scores.sum(1), 1, atol=1e-3)


def test_over_budget_is_said(detector: EncoderDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE_BUDGET", 20)
    with pytest.raises(DetectorFailed) as failed:
        detector.detect("Anna Keller of Hamburg " * 20)
    assert failed.value.reason == "budget"


def test_nothing_to_read_is_no_finding(detector: EncoderDetector) -> None:
    assert detector.detect("") == detector.detect(" \u200b ") == ()
    assert Encoder().scores("", [], np.zeros((0, MARKS), np.float32)).shape == (0, len(TAGS))


def test_the_digest_covers_the_student_the_weights_and_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    student = StudentDetector()
    first = EncoderDetector(student).digest
    monkeypatch.setattr(module, "WEIGHT", 0.4)
    second = EncoderDetector(student).digest
    student.digest = "other"
    assert len({first, second, EncoderDetector(student).digest}) == 3


def test_tokens_and_pieces_agree_in_every_script(detector: EncoderDetector) -> None:
    """A tokenizer that folds letters must not move what it says to another word."""
    text = "Ǆ ﬁ e\u0301 İstanbul ß 中文 👩‍💻 \u200d Ωmega"
    found = list(tokens(text))
    assert detector.scores(text, found).shape == (len(found), len(TAGS))


@pytest.mark.parametrize("sign", ["\U0001f600", "\u279c", "\u235f", "\U0001f1e9\U0001f1ea", "\u2705"])
@pytest.mark.parametrize("name", ["Bettina Zwierlein", "Kofi Okafor"])
def test_a_sign_that_touches_a_name_does_not_hide_it(detector: EncoderDetector, sign: str, name: str) -> None:
    """Emoji are in no vocabulary, and the word that one touches was one unknown piece with it: the emoji's."""
    for text in (f"My neighbour {sign}{name} called.", f"Our {sign}{name.replace(' ', sign)} was warned twice."):
        covered = {i for f in detector.detect(text) for i in range(f.start, f.end)}
        missed = [i for i, c in enumerate(text) if c.isalpha() and text.index(name[:3]) <= i < text.index(name[-3:])]
        assert covered.issuperset(missed), text


def test_what_one_unknown_word_covers_is_read_token_by_token(detector: EncoderDetector) -> None:
    encoder = detector._encoder
    text = "x \U0001f600Anna2" + "k" * 120
    pieces, owners = encoder._pieces(text, list(tokens(text)))
    assert sorted(set(owners.tolist())) == [0, 1, 2, 3, 4] and (np.diff(owners) >= 0).all()
    alone, _ = encoder._pieces("Anna", list(tokens("Anna")))
    assert pieces[owners == 2].tolist() == alone.tolist()


def test_names_of_marks_in_a_text_are_text(detector: EncoderDetector) -> None:
    """A text that says ``[SEP]`` does not end a sentence for the model."""
    encoder = detector._encoder
    for word in ("[CLS]", "[SEP]", "[PAD]", "[MASK]", "[UNK]"):
        pieces, _ = encoder._pieces(word, list(tokens(word)))
        assert len(pieces) >= 3 and not {encoder._cls, encoder._sep, encoder._unknown} & set(pieces.tolist())


def test_of_what_the_encoder_cannot_read_the_student_decides(
    detector: EncoderDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "My neighbour Bettina Zwierlein called."
    found = list(tokens(text))
    nothing = np.zeros((len(found), len(TAGS)), np.float32)
    monkeypatch.setattr(detector._encoder, "scores", lambda *_: nothing)
    assert np.allclose(detector.scores(text, found), detector._student.scores(text, found), atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_no_numbers_are_no_clean_text(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN is below every threshold: a model that says it finds nothing."""

    class Broken:
        def run(self, _names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
            rows = feed["gaps"].shape if "gaps" in feed else feed["ids"].shape
            return [np.full((*rows, len(TAGS)), value, np.float32)]

    detector = EncoderDetector(StudentDetector())
    with monkeypatch.context() as patch:
        patch.setattr(detector._encoder, "_session", Broken())
        assert _failure(detector) == "numbers"
    monkeypatch.setattr(detector._student, "_session", Broken())
    assert _failure(detector) == _failure(detector._student) == "numbers"
    seen = Pipeline([detector._student], None).inspect(["Anna Keller"])
    assert seen[0].uninspected == "student:numbers"


def _failure(detector: EncoderDetector | StudentDetector) -> str:
    with pytest.raises(DetectorFailed) as failed:
        detector.detect("Anna Keller of Hamburg")
    return failed.value.reason


def test_a_name_behind_an_escaped_line_break_is_found_whole(detector: EncoderDetector) -> None:
    text = r'{"body": "Dear all,\n\nit is done.\n\nBest regards,\nRobert Brown\nSenior Analyst"}'
    covered = {i for f in detector.detect(text) if f.label == "PERSON" for i in range(f.start, f.end)}
    start = text.index("Robert")
    assert set(range(start, start + len("Robert Brown"))) <= covered and start - 1 not in covered
