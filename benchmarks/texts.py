"""Self-made texts for the benchmark: every call gives a new one, so that no cache has seen it."""

from __future__ import annotations

import random

SUBJECTS = ("The garden fence", "Our release plan", "The meeting room", "A new bicycle", "The coffee machine",
            "The train timetable", "The paint for the hall", "The library card", "Our summer picnic")  # fmt: skip
VERBS = ("needs", "received", "still lacks", "was promised", "will get", "deserves", "could use")
OBJECTS = ("a careful look", "a second opinion", "some attention before winter", "a shorter description",
           "two more volunteers", "a better place", "a fresh start next week", "a simple checklist")  # fmt: skip
FIRST = ("Anna", "Jonas", "Maria", "Peter", "Sofia", "Henrik", "Laura", "Martin", "Clara", "David")
LAST = ("Lindqvist", "Moreau", "Hansen", "Novak", "Keller", "Rossi", "Bergmann", "Larsen", "Dubois", "Weber")
CITIES = ("Hamburg", "Lyon", "Oslo", "Vienna", "Antwerp")


class Texts:
    """A seeded source of texts."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def sentence(self) -> str:
        d = self._dice
        return f"{d.choice(SUBJECTS)} {d.choice(VERBS)} {d.choice(OBJECTS)}, item {d.randint(1000, 9999)}. "

    def personal(self) -> str:
        d = self._dice
        first, last, number = d.choice(FIRST), d.choice(LAST), d.randint(100, 999)
        mail = f"{first.lower()}.{last.lower()}{number}@example.com"
        return (
            f"{first} {last} from {d.choice(CITIES)} can be reached at {mail} "
            f"or +49 40 5550 {number}, and pays from DE89 3704 0044 0532 0130 00. "
        )

    def prose(self, size: int) -> str:
        """Harmless prose of exactly ``size`` characters."""
        parts: list[str] = []
        while sum(map(len, parts)) < size:
            parts.append(self.sentence())
        return "".join(parts)[:size]

    def letter(self, size: int) -> str:
        """Prose with personal data in every third sentence."""
        parts: list[str] = []
        while sum(map(len, parts)) < size:
            parts += [self.personal(), self.sentence(), self.sentence()]
        return "".join(parts)[:size]

    def history(self, turns: int) -> list[dict[str, str]]:
        """``turns`` messages, user and assistant in turn, some with personal data; the last one is the user's."""
        out = []
        for i in range(turns):
            text = self.letter(400) if i % 4 == 0 else self.prose(400)
            out.append({"role": "user" if (turns - i) % 2 else "assistant", "content": text})
        return out
