"""Foreign recognizers: unchanged ones work; one that misbehaves makes its text uninspected, never clean."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from policies.yaml_strict import Reader, YamlProblems, parse
from proxy import recognizers
from proxy.config_recognizers import read_recognizers
from proxy.errors import ConfigError
from proxy.recognizers import Gone, Recognizer, started
from proxy.settings import RecognizerConfig
from redaction.detectors.foreign import Artifacts, Foreign, NoEntities, Unfit
from redaction.pipeline import Pipeline
from redaction.types import DetectorFailed

FOLDER = Path(__file__).parents[2] / "support" / "recognizers"
CLEAN = "a zebra"


def config(cls: str = "Word", **more: Any) -> RecognizerConfig:
    given: dict[str, Any] = {"entities": {"ANIMAL": "SPECIES"}, "path": str(FOLDER), "timeout_s": 20.0} | more
    return RecognizerConfig(name=cls, module=f"badges:{cls}", **given)


@pytest.fixture(scope="module")
def word() -> Iterator[Recognizer]:
    (made,) = started([config()])
    yield made
    made.stop()


def fails(one: Recognizer, text: str) -> str:
    with pytest.raises(DetectorFailed) as e:
        one.detect(text)
    assert text not in str(e.value)
    return e.value.reason


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("raise", "ValueError"), ("objects", "AttributeError"), ("nothing", "TypeError"), ("entities", "NoEntities"),
        ("soft_entities", "NoEntities"), ("warning", "Unfit"), ("fork", "PermissionError"),
    ],
)  # fmt: skip
def test_a_recognizer_that_raises_has_seen_nothing_and_goes_on(word: Recognizer, mode: str, reason: str) -> None:
    assert fails(word, f"DO:{mode} zebra") == reason
    assert [(f.start, f.end, f.label) for f in word.detect(CLEAN)] == [(2, 7, "SPECIES")]


def test_what_a_recognizer_prints_reaches_neither_the_answers_nor_the_log(
    word: Recognizer, capfd: pytest.CaptureFixture[str]
) -> None:
    assert len(word.detect("DO:stdout zebra")) == 1
    assert len(word.detect(CLEAN)) == 1
    seen = capfd.readouterr()
    assert "zebra" not in seen.out + seen.err


@pytest.mark.parametrize("mode", ["quiet_fork", "connect"])
def test_what_a_recognizer_may_not_do_counts_even_if_it_looks_away(word: Recognizer, mode: str) -> None:
    assert fails(word, f"DO:{mode} zebra") == "forbidden"
    assert len(word.detect(CLEAN)) == 1, "a new process"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("exit", "died"), ("leave", "died"), ("memory", "MemoryError"), ("undeclared", "undeclared")],
)
def test_a_recognizer_that_dies_overruns_or_invents_starts_anew(word: Recognizer, mode: str, reason: str) -> None:
    assert fails(word, f"DO:{mode} zebra") == reason
    assert len(word.detect(CLEAN)) == 1


def test_a_recognizer_that_hangs_is_killed_in_time_and_left_alone_when_it_does_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one,) = started([config(timeout_s=1.0)])
    try:
        assert one._process is not None
        pid = one._process.pid
        begun = time.monotonic()
        assert fails(one, "DO:spin") == "timeout"
        assert not psutil.pid_exists(pid)
        while fails(one, "DO:hang") == "starting":
            assert time.monotonic() - begun < 60
        begun = time.monotonic()
        assert {fails(one, CLEAN) for _ in range(20)} == {"resting"}
        assert time.monotonic() - begun < 0.5, "texts behind it lose no time"
        monkeypatch.setattr(one, "_until", 0.0)
        begun = time.monotonic()
        one.start()
        one.load()
        assert len(one.detect(CLEAN)) == 1
    finally:
        one.stop()


@pytest.mark.parametrize(
    "found",
    [
        None, 7, {}, "x", [7], [None], [["ANIMAL", 0, 5]], [["ANIMAL", 0, 5, 0.9, 1]], [["ANIMAL", -1, 5, 0.9]],
        [["ANIMAL", 0, 8, 0.9]], [["ANIMAL", 5, 5, 0.9]], [["ANIMAL", 6, 5, 0.9]], [["ANIMAL", 0, 5, 1.1]],
        [["ANIMAL", 0, 5, -0.1]], [["ANIMAL", 0, 5, None]], [["ANIMAL", 0, 5, "0.9"]], [["ANIMAL", 0.0, 5, 0.9]],
        [["ANIMAL", "0", 5, 0.9]], [["ANIMAL", True, 5, 0.9]], [["ANIMAL", 0, 5, True]], [[7, 0, 5, 0.9]],
        [["PLANT", 0, 5, 0.9]], [["PLANT", 0, 5, 0.1]], [["ANIMAL", 0, 5, 0.9], None],
    ],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_is_none_is_not_taken_for_nothing(found: Any) -> None:
    with pytest.raises(Gone):
        Recognizer(config())._checked(found, 7)


def test_offsets_and_scores_within_bounds_are_taken() -> None:
    one = Recognizer(config(min_score=0.5))
    found = one._checked([["ANIMAL", 0, 7, 1], ["ANIMAL", 1, 2, 0.5], ["ANIMAL", 1, 2, 0.4]], 7)
    assert [(f.start, f.end, f.label, f.score, f.detector) for f in found] == [
        (0, 7, "SPECIES", 1.0, "recognizer.Word"), (1, 2, "SPECIES", 0.5, "recognizer.Word"),
    ]  # fmt: skip


def test_a_text_over_the_token_budget_is_not_read_in_part() -> None:
    assert fails(Recognizer(config(tokens=10)), "x" * 31) == "budget"


def test_a_pipeline_calls_the_text_uninspected_and_keeps_what_others_found(word: Recognizer) -> None:
    (seen,) = Pipeline([word], None).inspect(["DO:raise zebra"])
    assert seen.uninspected == "recognizer.Word:ValueError"


def test_a_recognizer_sees_no_credentials_and_no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    one = Recognizer(config())
    one.start()
    try:
        assert one._process is not None
        seen = psutil.Process(one._process.pid).environ()
        while not seen:  # between fork and the new program there is none
            seen = psutil.Process(one._process.pid).environ()
        assert not {"OPENAI_API_KEY", "HTTPS_PROXY"} & seen.keys()
        assert seen["REGEX_TIMEOUT_SECONDS"] == "86400", "Presidio must not skip a pattern before the process is killed"
    finally:
        one.stop()


def test_other_files_than_those_on_record_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognizers, "PATIENCE", 99)
    source = (FOLDER / "badges.py").read_text()
    (tmp_path / "badges.py").write_text(source)
    (one,) = started([config(path=str(tmp_path))])
    try:
        (tmp_path / "badges.py").write_text(source.replace("zebra", "okapi"))
        assert fails(one, "DO:exit") == "died"
        begun = time.monotonic()
        while (reason := fails(one, CLEAN)) == "starting":
            assert time.monotonic() - begun < 60
        assert reason == "load"
    finally:
        one.stop()


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        ("Unloadable", "no model here"), ("NotOne", "no class of"), ("Missing", "no class of"),
        ("SpacyRecognizer", "NLP engine"),
    ],
)  # fmt: skip
def test_a_recognizer_that_cannot_look_is_refused(cls: str, message: str) -> None:
    module = "presidio_analyzer.predefined_recognizers" if cls.startswith("Spacy") else "badges"
    settings = {"module": f"{module}:{cls}", "path": str(FOLDER), "kwargs": {}, "languages": [], "entities": {"X": "X"}}
    with pytest.raises((Unfit, RuntimeError), match=message):
        Foreign(settings)


def test_the_start_says_which_recognizer_cannot_be_used_and_why() -> None:
    with pytest.raises(ConfigError, match="'Unloadable' cannot be used: RuntimeError: no model here"):
        started([config("Unloadable")])


PREDEFINED = [
    ("UsSsnRecognizer", "US_SSN", "my ssn is 078-05-1126", "078-05-1126"),
    ("CreditCardRecognizer", "CREDIT_CARD", "card 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("IbanRecognizer", "IBAN_CODE", "to DE89370400440532013000", "DE89370400440532013000"),
    ("PhoneRecognizer", "PHONE_NUMBER", "call +41 44 668 18 00 now", "+41 44 668 18 00"),
    ("IpRecognizer", "IP_ADDRESS", "host 192.168.10.7 is up", "192.168.10.7"),
    ("EsNifRecognizer", "ES_NIF", "dni 55555555K", "55555555K"),
]


@pytest.mark.parametrize(("cls", "entity", "text", "value"), PREDEFINED)
def test_presidio_s_own_recognizers_plug_in_unchanged(cls: str, entity: str, text: str, value: str) -> None:
    made = Foreign(
        {"module": f"presidio_analyzer.predefined_recognizers:{cls}", "path": "", "kwargs": {}, "languages": [],
         "entities": {entity: entity}}
    )  # fmt: skip
    assert value in {text[start:end] for _, start, end, score in made.analyze(text) if score >= 0.35}


def test_a_pattern_recognizer_of_somebody_s_own_gets_its_context_words() -> None:
    settings: dict[str, Any] = {
        "module": "badges:BadgeRecognizer", "path": str(FOLDER), "kwargs": {}, "languages": ["en", "de"],
        "entities": {"BADGE": "BADGE"},
    }  # fmt: skip
    made = Foreign(settings)
    assert {r[3] for r in made.analyze("part B-1234")} == {0.2}
    assert all(r[3] >= 0.4 for r in made.analyze("my badge is B-1234"))
    assert Foreign({**settings, "parent": 1}).digest == made.digest
    assert Foreign({**settings, "languages": ["en"]}).digest != made.digest


def test_nobody_takes_the_missing_entities_for_none() -> None:
    artifacts = Artifacts("a b", "en")
    with pytest.raises(NoEntities):
        getattr(artifacts, "entities", [])
    assert artifacts.lemmas == ["a", "b"] and artifacts.keywords == ["a", "b"]


GOOD = "recognizers:\n  - module: acme.rec:Badge\n    entities: [BADGE]\n"


def read(text: str) -> tuple[RecognizerConfig, ...]:
    r = Reader(parse(text, "c.yaml"))
    made = read_recognizers(r, Path("/etc/gate"))
    r.done()
    return made


def test_the_section_is_read() -> None:
    (one,) = read(GOOD + "    path: ./plug\n    timeout: 500ms\n    languages: [en, de]\n    kwargs: {model: x}\n")
    assert (one.name, one.entities, one.path, one.timeout_s) == ("Badge", {"BADGE": "BADGE"}, "/etc/gate/plug", 0.5)
    assert read("a: 1\n") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("recognizers: []\n", "c.yaml:1: recognizers: must be a list"),
        (GOOD.replace("acme.rec:Badge", "acme.rec.Badge"), "c.yaml:2: recognizers.0.module: must be MODULE:CLASS"),
        (GOOD.replace("[BADGE]", "[badge]"), "is no label"),
        (GOOD.replace("[BADGE]", "[]"), "must be text or a list"),
        (GOOD + "    kwargs: {supported_language: en}\n", "'languages'"),
        (GOOD + "    tokens: 0\n", "must be a whole number"),
        (GOOD + "    timeout: 0s\n", "must be a duration"),
        (GOOD + "    label: X\n", "unknown key"),
        (GOOD + GOOD.partition("\n")[2], "two recognizers are named 'Badge'"),
        ("recognizers:\n  - module: a:B\n", "'entities' is missing"),
    ],
)
def test_a_mistake_has_its_line(text: str, message: str) -> None:
    with pytest.raises(YamlProblems) as e:
        read(text)
    assert message in str(e.value)


def test_it_ends_with_the_process_that_started_it() -> None:
    child = os.fork()
    if child == 0:
        one = Recognizer(config())
        one.start()
        assert one._process is not None
        Path(f"/tmp/recognizer-{os.getpid()}").write_text(str(one._process.pid))
        os._exit(0)
    os.waitpid(child, 0)
    noted = Path(f"/tmp/recognizer-{child}")
    pid = int(noted.read_text())
    noted.unlink()
    until = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.1)
