"""Texts that name nobody who could be found: arithmetic with bare first names, knowledge, headings, definitions."""

from __future__ import annotations

import re
from random import Random
from typing import Any

from training import fillers, slots, wide

Made = tuple[str, list[tuple[int, int, str]]]
_FILL = re.compile(r"\{(\w+)\}")
_MATHS = {
    "en": (
        "{a} has {n} {t}.|{a} has {n} {t} and {b} has {n} more than {a}.|{a} bought {n} {t} for ${m} each.|{a} and {b} share {n} {t}.|{a} gives {n} of them to {b}.|{a} gave {b} {n} {t}."
        "|{b} eats {n} of the {t}.|Every {w}, {a} saves ${n}.|{a} earns ${n} per hour and works {n} hours a week.|{a} works {n} hours a day, {n} days a week.|{a} is {n} years old.|{a} is {n} years older than {b}."
        "|{a} is twice as old as {b}.|In {n} years {a} will be three times as old as {b}.|{a}'s {r} is {n} years younger than {a}.|{a} runs {n} miles every day.|{a} drives {n} miles to {p} at {n} miles per hour."
        "|{a} needs {n} {t} to make {n} {t}.|{a} bakes {n} {t} on {w} and {n} on {w}.|{a} reads {n} pages a day.|{a}'s {r} gives {a} ${n}.|{a} sold {n} {t} in {mo} and half as many in {mo2}.|{a} is planning a party for {n} friends."
        "|{b} found {n} {t} and {c} found {n} fewer than {b}.|The {t} cost ${m} each.|Each {t} weighs {n} pounds.|Half of the {t} are {w2}.|{n}% of the {t} belong to {a}.|{a}, {b}, and {c} split the bill equally.|{a} paid with a ${n} bill."
        "|There are {n} {t} in each box and {a} has {n} boxes.|{a} wants to buy a {t} that costs ${n}.|If {a} spends ${n} on {t}, the rest goes into savings.|After lunch, {a} had {n} {t} left.|{a}'s house has {n} rooms with {n} {t} in each.|It takes {a} {n} minutes to walk to {p}."
        "|Mr. {a} planted {n} {t} in his garden.|Mrs. {a} has {n} students in her class.|{a} scored {n} points more than {b}.|{a} and her {r} {b} picked {n} {t}.|{a} decided to collect {t}.|His friend {b} has {n} times as many.|Then {b} takes {n} {t} away."
    ).split("|"),
    "de": "{a} hat {n} {t}.|{a} kauft {n} {t} für je {m} Euro.|{a} gibt {b} {n} davon.|{b} ist {n} Jahre älter als {a}.|{a} und {b} teilen sich {n} {t}.|{a} spart jede Woche {n} Euro.|{a} läuft {n} Kilometer pro Tag.|In jeder Kiste liegen {n} {t}.|Die Mutter von {a} backt {n} {t}.".split("|"),
    "fr": "{a} a {n} {t}.|{a} achète {n} {t} à {m} euros pièce.|{a} donne {n} {t} à {b}.|{b} a {n} ans de plus que {a}.|{a} et {b} se partagent {n} {t}.|{a} économise {n} euros par semaine.|{a} parcourt {n} km par jour.|Chaque boîte contient {n} {t}.".split("|"),
    "es": "{a} tiene {n} {t}.|{a} compra {n} {t} a {m} euros cada uno.|{a} le da {n} {t} a {b}.|{b} tiene {n} años más que {a}.|{a} y {b} se reparten {n} {t}.|{a} ahorra {n} pesos por semana.|{a} corre {n} km al día.|En cada caja hay {n} {t}.".split("|"),
    "it": "{a} ha {n} {t}.|{a} compra {n} {t} a {m} euro l'uno.|{a} dà {n} {t} a {b}.|{b} ha {n} anni più di {a}.|{a} e {b} si dividono {n} {t}.|{a} risparmia {n} euro alla settimana.|{a} corre {n} km al giorno.|In ogni scatola ci sono {n} {t}.".split("|"),
    "pt": "{a} tem {n} {t}.|{a} compra {n} {t} por {m} reais cada.|{a} dá {n} {t} a {b}.|{b} tem {n} anos a mais que {a}.|{a} e {b} dividem {n} {t}.|{a} poupa {n} euros por semana.|{a} corre {n} km por dia.|Em cada caixa há {n} {t}.".split("|"),
    "nl": "{a} heeft {n} {t}.|{a} koopt {n} {t} voor {m} euro per stuk.|{a} geeft {n} {t} aan {b}.|{b} is {n} jaar ouder dan {a}.|{a} en {b} verdelen {n} {t}.|{a} spaart {n} euro per week.|{a} loopt {n} kilometer per dag.|In elke doos zitten {n} {t}.".split("|"),
    "pl": "{a} ma {n} {t}.|{a} kupuje {n} {t} po {m} zł.|{a} daje {b} {n} {t}.|{b} jest o {n} lat starszy niż {a}.|{a} i {b} dzielą się {n} {t}.|{a} oszczędza {n} zł tygodniowo.|{a} biega {n} km dziennie.|W każdym pudełku jest {n} {t}.".split("|"),
}  # fmt: skip
_ASK = {
    "en": "How many {t} does {a} have left?|How many {t} do they have together?|How much money does {a} spend in total?|How old is {b}?|What is the sum of their ages?|How many more {t} does {b} have than {a}?|How long does it take {a} in hours?|How much will {a} have after {n} weeks?|What percentage of the {t} are left?|How much change does {a} get?|How many {t} did each of them get?|How much does {c} need to pay?".split("|"),
    "de": "Wie viele {t} hat {a} noch?|Wie alt ist {b}?|Wie viel Geld hat {a} nach {n} Wochen?|Wie viele {t} haben sie zusammen?".split("|"),
    "fr": "Combien de {t} reste-t-il à {a} ?|Quel âge a {b} ?|Combien {a} a-t-elle dépensé ?|Combien ont-ils ensemble ?".split("|"),
    "es": "¿Cuántos {t} le quedan a {a}?|¿Cuántos años tiene {b}?|¿Cuánto gasta {a} en total?|¿Cuántos tienen entre los dos?".split("|"),
    "it": "Quanti {t} restano a {a}?|Quanti anni ha {b}?|Quanto spende {a} in tutto?|Quanti ne hanno insieme?".split("|"),
    "pt": "Com quantos {t} fica {a}?|Quantos anos tem {b}?|Quanto gasta {a} no total?|Quantos têm juntos?".split("|"),
    "nl": "Hoeveel {t} heeft {a} nog?|Hoe oud is {b}?|Hoeveel geeft {a} in totaal uit?|Hoeveel hebben ze samen?".split("|"),
    "pl": "Ile {t} zostało {a}?|Ile lat ma {b}?|Ile pieniędzy wyda {a}?|Ile mają razem?".split("|"),
}  # fmt: skip
_KNOWLEDGE = (
    "Who was {P}?|Who was {P} and why are they famous?|Explain {P}'s theory of {t} in simple terms.|Compare {P} and {P}.|Write a short story about {P} and a {t}.|What did {P} say about {t}?|Summarize the life of {P} in {n} sentences."
    "|What is {t}? How is {t} different from {t}?|What are the {T} and {T} used for?|{T}: {t}, {t} and {t}|{T} {n} {T} {n} {T} {n}|Is {s} hereditary?|What causes {s} and {s}?|{S} is a condition in which {t} and {t} are {w}."
    "|People with {s} may have {s}, {s} or {s}.|# {H}\\n\\n## {H}\\n\\n- {T}\\n- {T}\\n- {H}|{H}\\n{H}\\n{H}|Best {T} Recipes: {F}, {F} and {F}|How do I cook {f} with {f} and {f}?|Ingredients: {n} g {f}, {n} {f}, {f}\\nPreheat the oven and add the {f}."
    "|Which {A} eats {f}? The {A}, the {A} or the {A}?|{A} {V} are found in many parts of the world.|The {A} ({A} family) lives near {O}.|Plant {V} next to {V} in spring.|List {n} kinds of {t}.|You are playing as {P}. {P} draws a {t} and attacks the {A} for {n} damage."
    "|In the novel, {P} meets {P} at the {T}. What does the {t} stand for?|Translate \"{t}\" and \"{t}\" into {N}.|Write a {w} poem about a {A} and a {V} in the style of {P}.|Is {B} better than {B} for {t}?|How do I install {B} on {B}?|{B} vs {B}: which one has better {t}?"
    "|I get an error when {B} loads the {t}.|Suggest {n} names for a {t} shop.|Draft a slogan for a new {f} drink.|What does the word \"{t}\" mean?|Act as a {T} expert and explain {t}.|Topic: {H}\\nAudience: {T} students\\nLength: {n} words|{H}: A {T} Guide to {T}"
    "|Side effects of {X} include {s}, {s} and {s}.|Take {n} mg of {X} with {f}. Do not mix {X} and {X}.|Can {X} cause {s}? My {s} got worse after {X}.|{X} ({X}) {n} mg tablets|In chess, what is the {H} opening?|What year was the {t} invented and by whom?|Does {f} contain {U}?"
    "|What does the {I} do?|The {I} recommends {f} against {s}.|Where can I find {I} data on {s}?|According to the {I}, {n}% of adults have {s}.|Sources: {I}, {I}, {I}|For more information about {s}, see {I}.|How is the {I} funded and who leads it?"
    "|Name {n} traditional {N} dishes.|What is the {N} word for {t}?|Summarize the history of {N} {t}.|Translate this {N} sentence into {N}: {t}.|{N} vs. {N} {f}: what is the difference?|Why is {N} {t} so popular in {C}?|The {N} {A} was bred for {t}."
    "|What is the capital of {C}?|Which {A} live in {C}?|Compare the economy of {C} with that of {C}.|How did {C} become independent in {Y}?|Describe the {t} in {C} between {Y} and {Y}.|What happened in {Y}?|The {t} was invented in {Y}, the {t} in {Y}.|The {H} ended in {Y}."
    "|What does a {J} do all day?|Act as a {J} and explain {t}.|Write a job description for a {J}.|How much does a {J} earn in {C}?|Interview questions for a {J}|Children under {n} years of age may get {s}.|{S} usually begins between ages {n} and {n}.|{s} is rare in people older than {n}."
    "|Symptoms last for {n} days to {n} weeks.|The {U} dose is {n} mg for adults and {n} mg for children aged {n} to {n} years.|Mutations in the {G} gene cause {s}. {G} and {G} encode {t}.|{Z} {S}\\n{Z} {S}\\n{Z} {S}|{S} type {n}, {S} type {n} and {S}|also known as {S}; {S}; {s}"
    "|CREATE TABLE {w} (id INT, {w}_name VARCHAR({n}), address TEXT, email VARCHAR({n}), birth_date DATE);|SELECT name, city, age FROM {w} WHERE city = ? AND age > {n};|The function {w}{T}() takes a {w} and returns the {t}.|class {T}: def __init__(self, name, age, address):"
    "|{t} {n}-{n}, {n}.{n} {t}, {n} x {n}|Play {H} by ear on the {t}.|The planets Mercury, Venus, Mars, Jupiter and Saturn|The game has {n} levels; {H} is the hardest boss.|In {H} (the movie), who plays the {t}?|Rewrite: \"The {A} {w} the {f}.\"|{T} and {T} are two kinds of {t}."
).split("|")  # fmt: skip


def _made(r: Random, pattern: str, calls: dict[str, Any]) -> str:
    text = re.sub(r"\[([^\[\]]*\|[^\[\]]*)\]", lambda m: r.choice(m[1].split("|")), pattern)
    return _FILL.sub(lambda m: str(calls[m[1]]()), text.replace("\\n", "\n"))


def problem(fill: Any) -> Made:
    """A word problem. Its first names are labelled as nothing: they stand for nobody."""
    r: Random = fill.r
    language = fill.language
    names = [slots.problem_name(fill) for _ in range(3)]
    noun = (
        (lambda: r.choice(wide.things(r.choice(("food", "animal", "artifact", "plant")))))
        if language == "en" and r.random() < 0.7
        else fill.word
    )
    things = [noun() for _ in range(3)]
    calls = {
        "a": lambda: names[0], "b": lambda: names[1], "c": lambda: names[2], "n": lambda: str(r.choice((r.randint(2, 20), r.randint(2, 500), f"{r.randint(1, 9)},{r.randint(100, 999)}"))),
        "m": lambda: r.choice((str(r.randint(1, 90)), f"{r.randint(0, 9)}.{r.randint(10, 99)}")), "t": lambda: r.choice(things), "w": fill.weekday, "w2": fill.word, "mo": fill.month, "mo2": fill.month,
        "r": lambda: r.choice("mother father sister brother friend uncle aunt son daughter cousin grandmother neighbor wife husband dog".split()), "p": lambda: r.choice("school|work|the store|the park|the beach|the library|her office|his grandmother's house".split("|")),
    }  # fmt: skip
    count = r.choice((1, 2, 3, 3, 4, 5))
    sentences = [r.choice(_MATHS[language]) for _ in range(count)] + [r.choice(_ASK[language])]
    if r.random() < 0.1:
        sentences.pop()
    text = " ".join(_made(r, s, calls) for s in sentences)
    if r.random() < 0.3:
        text = text.replace(". ", r.choice((" and ", ", ", ". Then ", ". Later, ", "; ")), 1)
    return text, []


def knowledge(fill: Any) -> Made:
    """Questions and headings about things, foods, diseases, products and people of history. English."""
    r: Random = fill.r

    def title(kind: str = "") -> str:
        return " ".join(w.capitalize() for w in r.choice(wide.things(kind)).split())

    def open_(value: str) -> str:
        return f"\ue000{value}\ue001"

    calls = {
        "t": lambda: r.choice(wide.things()), "T": title, "H": lambda: " ".join(title() for _ in range(r.choice((1, 2, 3)))), "s": lambda: r.choice(wide.things("state")) if r.random() < 0.7 else fill.disease(),
        "S": lambda: title("state"), "f": lambda: r.choice(wide.things("food")), "F": lambda: title("food"), "A": lambda: r.choice(wide.things("animal")), "V": lambda: r.choice(wide.things("plant")),
        "O": lambda: r.choice(wide.things("object")), "U": lambda: r.choice(wide.things("substance")), "X": lambda: _drug(fill), "B": lambda: slots.brand(fill), "P": lambda: r.choice(slots.PUBLIC) if r.random() < 0.5 else open_(r.choice(wide.famous())),
        "n": lambda: str(r.randint(1, 60)), "w": fill.word, "I": lambda: r.choice(_INSTITUTIONS), "N": lambda: open_(fill.nation()), "C": lambda: open_(slots.known_place(fill)), "Y": lambda: str(r.randint(1400, 2026)),
        "J": lambda: r.choice(fillers.jobs("en")), "G": lambda: fill.acronym(), "Z": lambda: f"{r.choice(('HP', 'GO', 'OMIM', 'MONDO'))}:{r.randint(1, 999999):07d}",
    }  # fmt: skip
    return _opened(" ".join(_made(r, r.choice(_KNOWLEDGE), calls) for _ in range(r.choice((1, 1, 2, 3)))))


def _opened(text: str) -> Made:
    """Takes the marks out; what stood between them is labelled as unknown: elsewhere it would be found."""
    out, spans = "", []
    for part in re.split("(\ue000[^\ue001]*\ue001)", text):
        value = part.strip("\ue000\ue001")
        if part.startswith("\ue000"):
            spans.append((len(out), len(out) + len(value), "?"))
        out += value
    return out, spans


_INSTITUTIONS = (
    "WHO|CDC|NIH|FDA|EPA|NASA|ESA|UNESCO|UNICEF|IMF|World Bank|United Nations|UN Security Council|European Union|European Commission|European Central Bank|Federal Reserve|US Congress|Supreme Court|House of Commons|Bundestag|"
    "National Institutes of Health|National Cancer Institute|National Library of Medicine|World Health Organization|Centers for Disease Control and Prevention|Food and Drug Administration|Department of Energy|Department of Education|"
    "American Heart Association|American Cancer Society|Mayo Clinic|Red Cross|Amnesty International|Greenpeace|NATO|OPEC|ASEAN|African Union|MedlinePlus|PubMed|Orphanet|Wikipedia|ClinicalTrials.gov|Genetics Home Reference|"
    "National Institute of Standards and Technology|IEEE|ISO|W3C|NHS|NICE|IRS|SEC|FBI|CIA|NSA|FIFA|International Olympic Committee|World Trade Organization|National Park Service|Library of Congress|British Museum|Louvre"
).split("|")  # fmt: skip
_ENDS = "in ol ine ide ate pril sartan statin azole cillin mycin oxacin mab nib vir pine zepam olol triptan gliptin parin dronate profen setron tidine prazole".split()


def _drug(fill: Any) -> str:
    r: Random = fill.r
    if r.random() < 0.5:
        text = r.choice(wide.things("substance"))
    else:
        text = "".join(
            r.choice("bcdfglmnprstvxz") + r.choice("aeiouy") for _ in range(r.choice((1, 2, 2, 3)))
        ) + r.choice(_ENDS)
    return text.capitalize() if r.random() < 0.5 else text


_NAMED = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-Þ][\w'-]*|\b\d{3,}\b")


def gloss(fill: Any) -> Made:
    """Definitions; what stands in capitals within them may be a name, so it is labelled as unknown."""
    r: Random = fill.r
    out, spans = "", []
    for _ in range(r.choice((1, 2, 3, 4))):
        text = r.choice(wide.glosses())
        named = [(m.start() + len(out), m.end() + len(out), "?") for m in _NAMED.finditer(" " + text)]
        spans += [(a - 1, b - 1, label) for a, b, label in named]
        if text[0].isupper():
            word = re.match(r"\w+", text)
            spans.append((len(out), len(out) + (word.end() if word else 1), "?"))
        elif r.random() < 0.6:
            text = text[0].upper() + text[1:]
        out += text + r.choice((". ", ". ", "; ", "\n", "? "))
    return out.rstrip(), sorted(spans)
