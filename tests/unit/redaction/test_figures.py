"""Public figures in questions about them are no findings; whoever bears such a name here is one."""

import pytest

from redaction.detectors.student import FOLDER, load_view
from redaction.detectors.terms import key
from redaction.detectors.wordview import KINDS
from redaction.figures import FIGURES, figures, unmistakable, without_figures
from redaction.types import Finding


def left(text: str, *values: str, label: str = "PERSON", detector: str = "student") -> list[str]:
    findings = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, detector) for v in values]
    return [text[f.start : f.end] for f in without_figures(text, findings)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Please tell me the history of Walt Disney.", ("Walt Disney",)),
        ("What if Genghis Khan had not turned back?", ("Genghis Khan",)),
        ("Tell me about Julius Caesar and Cleopatra.", ("Julius Caesar", "Cleopatra")),
        ("Write a program for the nth Fibonacci number.", ("nth Fibonacci",)),
        ('Summarise the book "Harry Potter and the Stone".', ("Harry Potter",)),
        ("What did the philosopher Saint Augustine say?", ("Saint Augustine say",)),
        ("Was van Gogh's ear cut off? And Vincent van Gogh's?", ("Vincent van Gogh's",)),
        ("Compare ALBERT EINSTEIN with Sherlock Holmes", ("ALBERT EINSTEIN", "Sherlock Holmes")),
        ("A poem in the style of Robert Frost about what? I would like four lines.", ("Robert Frost",)),
        ("Who was Jane Austen?", ("Jane Austen",)),
        ("What did Thomas Edison make in 1879?", ("Thomas Edison",)),
    ],
)
def test_a_public_figure_in_a_request_is_no_finding(text: str, values: tuple[str, ...]) -> None:
    assert left(text, *values) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Write a letter: my name is Kafka.", "Kafka"),
        ("Who is Jordan Miller?", "Jordan Miller"),
        ("My name is Harry Potter, what can you do?", "Harry Potter"),
        ("Dear Harry Potter, can you help?", "Harry Potter"),
        ("Write to Mr Mozart.", "Mozart"),
        ("Write to our client Mozart.", "Mozart"),
        ("Summarise: Name: Mozart", "Mozart"),
        ("What does Mozart Miller want?", "Mozart"),
        ("What does Mozart M. want?", "Mozart"),
        ("Who is @Mozart?", "Mozart"),
        ("Mozart came home late.", "Mozart"),  # no request
        ("What about Elon Musk?", "Elon Musk"),  # the living
        ("What about Harry?", "Harry"),
        ("Who was Jane Austen with?", "Jane Austen"),
        ("Who is Jane Austen?", "Jane Austen"),
        ("What did Thomas Edison spend in 1200 days?", "Thomas Edison"),
        ("What did Thomas Edison make in 2019?", "Thomas Edison"),
        ("What did the composer Richard Wagner do yesterday?", "Richard Wagner"),
        ("Did my composer Richard Wagner call?", "Richard Wagner"),
        ("I wonder what the composer Richard Wagner did", "Richard Wagner"),
        ("What does the composer, told Richard Wagner, do?", "Richard Wagner"),
        ("How much does the composer Richard Wagner need? Richard Wagner needs help.", "Richard Wagner"),
        ("Is Richard Wagner the composer at home?", "Richard Wagner"),
        ("Is the composer in? " + "x " * 50 + "What about Richard Wagner?", "Richard Wagner"),
        ("What did J. Julius Caesar say?", "Julius Caesar"),
        ("What did Julius Caesar-Miller say?", "Julius Caesar"),
        ("What did Miller-Julius Caesar say?", "Julius Caesar"),
        ("What does Dr. Watson say?", "Dr. Watson"),
        ("Gandalf came home late, and the others were out.", "Gandalf"),
        ("Wo ist Gandalf?", "Gandalf"),
        ("What is the account balance of Genghis Khan?", "Genghis Khan"),
        ("What did Thomas Edison do with 1200?", "Thomas Edison"),
        ("Which theorem did Isaac Newton find in 2019?", "Isaac Newton"),
    ],
)
def test_whoever_bears_the_name_is_one(text: str, value: str) -> None:
    assert left(text, value) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "Summarize the complaint of Harry Potter against the bank.",
        "Draft a rejection letter for applicant Harry Potter.",
        "What is the account balance of Harry Potter?",
        "Translate: Harry Potter was admitted on Monday with pain in the chest.",
        "What diagnosis does Harry Potter have?",
        "How is Harry Potter doing on the new team?",
        "Can you tell us whether Harry Potter came?",
        "Does Harry Potter owe anything?",
        "Wie hoch ist der Kontostand von Harry Potter?",
        "¿Cuándo paga Harry Potter?",
    ],
)
def test_a_namesake_with_affairs_of_today_stays(text: str) -> None:
    assert left(text, "Harry Potter") == ["Harry Potter"]


def test_a_name_shared_with_another_name_of_the_text_stays() -> None:
    assert left("Who is Jordan Mozart? When did Mozart call?", "Jordan Mozart") == ["Jordan Mozart"]
    text = "Who is Jordan Gandhi? And is Gandhi late?"
    at = text.rindex("Gandhi")
    findings = [Finding(7, 20, "PERSON", 0.9, "student"), Finding(at, at + 6, "PERSON", 0.9, "student")]
    assert without_figures(text, findings) == findings


def test_the_last_word_of_a_figure_that_the_text_names_in_full_is_the_figure() -> None:
    play = "Play the superhero Tony Stark. "
    assert left(play + 'Do not say "As Stark".', "Tony Stark", "As Stark") == []
    assert left(play + "Is Joe Stark his uncle?", "Tony Stark", "Joe Stark") == ["Tony Stark", "Joe Stark"]
    assert left("Is Stark here?", "Stark") == ["Stark"]
    for rest, name in (("Call Mr Stark.", "Stark"), ("Signed: dear Stark", "Stark"), ("Is Tony out?", "Tony")):
        found = places(play + rest, "Tony Stark", len(play) + rest.index(name), name)
        assert without_figures(play + rest, found) == found


def places(text: str, first: str, at: int, second: str) -> list[Finding]:
    here = text.index(first)
    one, other = (here, here + len(first)), (at, at + len(second))
    return [Finding(*span, "PERSON", 0.9, "student") for span in (one, other)]


def test_a_name_that_is_borne_at_one_place_is_at_all() -> None:
    text = "Who was Jane Austen? Tell Jane Austen that she is out."
    found = places(text, "Jane Austen", text.rindex("Jane"), "Jane Austen")
    assert without_figures(text, found) == found


def test_whoever_stands_beside_an_unmistakable_figure_is_one() -> None:
    assert left("Compare Cleopatra with Julius Caesar", "Cleopatra", "Julius Caesar") == []
    assert left("Compare Cleopatra with Jane Austen", "Cleopatra", "Jane Austen") == ["Cleopatra", "Jane Austen"]
    text = "What does Jane Austen think about Julius Caesar?"  # in the present
    assert left(text, "Jane Austen", "Julius Caesar") == ["Jane Austen"]


def test_a_title_that_is_taken_for_a_place_is_one_as_well() -> None:
    text = "Play the superhero Tony Stark from Wonder Woman, in Malibu. I would like Odin."
    values = (("Tony Stark", "PERSON"), ("Wonder Woman", "LOCATION"), ("Malibu", "LOCATION"), ("Odin", "LOCATION"))
    found = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, "student") for v, label in values]
    assert [text[f.start : f.end] for f in without_figures(text, found)] == ["Malibu", "Odin"]
    assert left("Which street is named like Genghis Khan?", "Genghis Khan", label="LOCATION") == ["Genghis Khan"]
    found = [Finding(8, 12, "PERSON", 0.9, "student"), Finding(18, 30, "LOCATION", 0.9, "student")]
    assert without_figures("Who met Khan near Genghis Khan?", found)[0] == found[0]
    where = "Who met Jane Austen near Genghis Khan?"  # a place is nobody who would show which Jane Austen
    found = [Finding(8, 19, "PERSON", 0.9, "student"), Finding(25, 37, "LOCATION", 0.9, "student")]
    assert without_figures(where, found)[0] == found[0]


def test_a_single_name_beside_somebody_elses_stays() -> None:
    assert left("Invite whom? Jordan Miller and Genghis Khan", "Jordan Miller", "Genghis Khan") == ["Jordan Miller"]
    both = ["Jordan Miller", "Gandalf"]
    assert left("Invite whom? Jordan Miller and Gandalf", *both) == both
    assert left("Does Jordan Miller like Gandalf?", *both) == ["Jordan Miller"]


@pytest.mark.parametrize("label", ["EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "AGE", "US_SSN", "URL", "USERNAME"])
def test_what_says_where_somebody_is_keeps_the_name(label: str) -> None:
    text = "Where does Walt Disney live? HERE"
    at = text.index("HERE")
    findings = [Finding(11, 22, "PERSON", 0.9, "student"), Finding(at, at + 4, label, 0.9, "patterns")]
    assert without_figures(text, findings) == findings


def test_years_and_places_in_a_question_about_a_figure_are_the_figures() -> None:
    def rest(text: str, *more: tuple[str, str]) -> list[str]:
        values = (("Walt Disney", "PERSON"), ("1923", "DATE_TIME"), *more)
        found = [Finding(text.index(v), text.index(v) + len(v), label, 0.9, "student") for v, label in values]
        return [text[f.start : f.end] for f in without_figures(text, found)]

    assert rest("What did Walt Disney found in 1923?") == []
    assert rest("What did Walt Disney found in 1923 in Burbank?", ("Burbank", "LOCATION")) == ["1923", "Burbank"]
    assert rest("What did Walt Disney found in 1923, when my father came?") == ["1923"]
    assert rest("What did Walt Disney and Jordan Miller found in 1923?", ("Jordan Miller", "PERSON")) == [
        "1923",
        "Jordan Miller",
    ]
    for label in ("PROFESSION", "NRP"):
        assert rest("What did Walt Disney say of an actor in 1923?", ("actor", label)) == ["1923", "actor"]
    both = "Compare Gandalf with Genghis Khan"
    found = [Finding(8, 15, "PERSON", 0.9, "student"), Finding(21, 33, "NRP", 0.9, "student")]
    assert without_figures(both, found) == found[1:]
    place = [Finding(9, 20, "PERSON", 0.9, "student"), Finding(30, 34, "LOCATION", 0.9, "student")]
    assert without_figures("What did Walt Disney found in 1923?", place) == place[1:]
    own = [Finding(9, 20, "PERSON", 0.9, "student"), Finding(30, 34, "DATE_TIME", 1.0, "custom")]
    assert without_figures("What did Walt Disney found in 1923?", own) == own[1:]
    for day in ("3 May 1923", "1999", "May 2024"):
        assert rest(f"What did Walt Disney do in 1923, or on {day}?", (day, "DATE_TIME")) == ["1923", day]


def test_an_own_rule_and_a_long_text_keep_the_name() -> None:
    assert left("Who was Walt Disney?", "Walt Disney", detector="custom") == ["Walt Disney"]
    assert left("Who was Walt Disney?" + " x" * 1_000, "Walt Disney") == ["Walt Disney"]


def test_the_list_is_sorted_and_holds_no_name_twice() -> None:
    lines = [line.strip() for line in FIGURES.read_text("utf-8").splitlines() if line.strip()]
    names = [line for line in lines if not line.startswith("#")]
    assert len(names) == len(set(names)) and len(figures()) > 300
    assert lines[0].startswith("#")


def test_only_names_with_a_mark_are_unmistakable() -> None:
    marked = {name for name in figures().values() if name in ("Genghis Khan", "Julius Caesar", "Voldemort")}
    assert {key(name) for name in marked} <= unmistakable() <= figures().keys()
    assert len(marked) == 3 and not any("!" in name for name in figures().values())
    borne = ("Jane Austen", "Robert Frost", "Harry Potter", "Cleopatra", "Mozart", "Napoleon", "Martin Luther King")
    assert unmistakable().isdisjoint(map(key, borne))


def test_no_list_of_names_has_an_unmistakable_single_name() -> None:
    names = load_view(FOLDER / "words.npz")
    lists = sum(1 << number for number, kind in enumerate(KINDS) if kind.startswith(("first_", "surname")))
    bare = [w for said in unmistakable() for w in said if len(said) == 1 and names.lists(w) & lists]
    assert bare == []
