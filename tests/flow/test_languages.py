"""Nothing unknown is clean: text in a language without a published recall figure stays in the house."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
from gate_support import chat, world

from redaction import language
from redaction.coverage import DATA

UNREAD = {
    "af": "My buurman het gister vir my vertel dat hy al drie weke siek is en nie meer by die werk wil wees nie.",
    "ca": "La meva veïna em va dir ahir que està malalta des de fa tres setmanes i que no vol tornar a la feina.",
    "cs": "Soused mi včera řekl, že je už tři týdny nemocný a že se nechce vrátit do práce, protože má strach.",
    "da": "Min nabo fortalte mig i går, at hun har været syg i tre uger og ikke vil tilbage på arbejde.",
    "et": "Naaber rääkis mulle eile, et ta on juba kolm nädalat haige olnud ja ei taha enam tööle tagasi minna.",
    "fi": "Naapurini kertoi minulle eilen, että hän on ollut sairaana jo kolme viikkoa eikä halua palata töihin.",
    "hr": "Susjeda mi je jučer rekla da je već tri tjedna bolesna i da se ne želi vratiti na posao jer se boji.",
    "hu": "A szomszédom tegnap azt mondta, hogy már három hete beteg, és nem akar visszamenni dolgozni, mert fél.",
    "id": "Tetangga saya kemarin mengatakan bahwa dia sudah sakit selama tiga minggu dan tidak mau kembali bekerja.",
    "lt": "Kaimynė man vakar pasakė, kad ji jau tris savaites serga ir kad nenori grįžti į darbą, nes bijo.",
    "nb": "Naboen min fortalte meg i går at hun har vært syk i tre uker og ikke vil tilbake på jobb igjen.",
    "ro": "Vecina mea mi-a spus ieri că este bolnavă de trei săptămâni și că nu vrea să se întoarcă la muncă.",
    "sk": "Suseda mi včera povedala, že je už tri týždne chorá a že sa nechce vrátiť do práce, lebo má strach.",
    "sl": "Soseda mi je včeraj povedala, da je že tri tedne bolna in da se ne želi vrniti na delo, ker jo je strah.",
    "sq": "Fqinja ime më tha dje se është e sëmurë prej tre javësh dhe se nuk dëshiron të kthehet në punë.",
    "sv": "Min granne berättade för mig i går att hon har varit sjuk i tre veckor och inte vill tillbaka till jobbet.",
    "sw": "Jirani yangu aliniambia jana kwamba amekuwa mgonjwa kwa wiki tatu na hataki kurudi kazini tena.",
    "tr": "Komşum dün bana üç haftadır hasta olduğunu ve işe geri dönmek istemediğini söyledi, çünkü çok korkuyor.",
    "vi": "Hôm qua người hàng xóm nói với tôi rằng cô ấy đã bị bệnh ba tuần và không muốn quay lại làm việc.",
}
READ = {
    "de": "Meine Nachbarin hat mir gestern erzählt, dass der Garten schon drei Wochen lang nicht gegossen wurde.",
    "en": "My neighbour told me yesterday that the garden has not been watered for three weeks and looks dry.",
    "es": "Mi vecina me contó ayer que el jardín lleva tres semanas sin agua y que las flores se secan mucho.",
    "fr": "Ma voisine m'a dit hier que le jardin n'a pas été arrosé depuis trois semaines et qu'il est sec.",
    "it": "La mia vicina mi ha detto ieri che il giardino non viene annaffiato da tre settimane ed è secco.",
    "nl": "Mijn buurvrouw vertelde mij gisteren dat de tuin al drie weken geen water heeft gehad en droog is.",
    "pl": "Sąsiadka powiedziała mi wczoraj, że ogród nie był podlewany od trzech tygodni i jest bardzo suchy.",
    "pt": "A minha vizinha disse-me ontem que o jardim não é regado há três semanas e que está muito seco.",
    "pl, no accents": "Sasiadka powiedziala mi wczoraj, ze ogrod nie byl podlewany od trzech tygodni i jest suchy.",
    "de, spelled out": "Die Gaerten muessen fuer die Gaeste schoen sein, und die Strasse ist noch nicht fertig.",
    "casual": "lol idk tbh gonna grab smth 2 eat l8r, u wanna come w me n ur sis or nah? thx xoxo",
    "code": "for (var i = 0; i < items.length; i++) { if (on) { to = items[i]; } else { from = old; } } // done",
    "python": "def hent(self, args):\n    import os, re, sys\n    return [os.path.join(a, b) for a, b in args if a]",
    "sql": "SELECT u.id, u.name FROM users AS u LEFT JOIN orders AS o ON o.user_id = u.id WHERE o.total > 10",
    "log": "2026-11-21T10:00:00Z INFO srv1 http: GET /api/v1/items 200 12ms ua=curl/8.0 id=5f2b\n" * 5,
    "csv": "id,sku,qty,price\n1,AB-12,3,4.50\n2,AC-99,1,2.20\n" * 10,
    "latin": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore.",
    "list": "chicken, garlic, lemon, thyme, butter, flour, salt, pepper, onion, rice, basil, oregano",
    "one word": "What does the Swedish word lagom mean?",
    "host": "My website is https://OlderSong.se/",
    "mail": "My mail is anna@svt.se or https://mycompany.us.auth0.com/",
    "places": "flights Oslo Malmö Göteborg Århus Tampere Tallinn Brno Zagreb Ljubljana prices",
}


@pytest.fixture(scope="module")
def covered() -> dict[str, str]:
    found: dict[str, str] = json.loads((DATA / "coverage.json").read_text(encoding="utf-8"))["languages"]
    return found


@pytest.mark.parametrize("name", UNREAD)
def test_a_page_beside_it_does_not_make_a_language_known(name: str) -> None:
    assert language.unknown(f"www.example.com {UNREAD[name]} https://example.org/ sale@example.com")


def test_the_card_and_the_table_name_the_same_languages(covered: dict[str, str]) -> None:
    card = (Path(__file__).parents[2] / "docs" / "student.md").read_text(encoding="utf-8")
    said = re.search(r"\*\*Languages\.\*\* (.*?);", card)
    assert said is not None
    assert set(said[1].split(", ")) == set(covered.values())
    assert language.covered() == set(covered)
    with np.load(DATA / "languages.npz") as held:
        known = set(held["names"].tobytes().decode().split("\n"))
    assert set(covered) < known and set(UNREAD) < known
    assert {name.partition(",")[0] for name in READ if len(name) == 2} == set(covered)


async def test_text_in_an_uncovered_language_stays_in_the_house(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, text in UNREAD.items():
            got = await w.ask(text)
            assert got.zone == "onprem", name
            assert (await w.ask(text, "cloud-only")).status == 403, name
        assert not w.cloud.requests
        assert w.records(kind="intent")[-1]["facts"]["uninspected"] == ["language"]


async def test_covered_languages_code_and_lists_cross(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        for name, text in READ.items():
            assert (await w.ask(text)).zone == "cloud", name


SWEDISH, ENGLISH = UNREAD["sv"], READ["en"]
MIXED = {
    "after": f"{ENGLISH} {ENGLISH}\n\n{SWEDISH}",
    "before": f"{SWEDISH}\n\n{ENGLISH} {ENGLISH}",
    "in the middle of a long text": f"{ENGLISH} " * 40 + SWEDISH + f" {ENGLISH}" * 40,
    "quoted": f'Translate this: "{SWEDISH}"',
    "capitals": SWEDISH.upper(),
    "no accents": "Min granne berattade for mig i gar att hon har varit sjuk i tre veckor och inte vill till jobbet.",
    "base64": f"Decode {base64.b64encode(SWEDISH.encode()).decode()} please",
    "json escapes": json.dumps(SWEDISH),
    "wide": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in SWEDISH),
    "zero width": SWEDISH.replace("a", "a\u200b"),
    "look-alikes": SWEDISH.replace("a", "\u0430").replace("o", "\u043e"),
    "combining": SWEDISH.replace("ä", "a\u0308").replace("å", "a\u030a"),
    "line by line": SWEDISH.replace(" ", "\n"),
    "in code": f'x = 1\n# {SWEDISH}\nprint(x)\n"""{ENGLISH}"""',
    "percent": "".join(f"%{b:02X}" for b in SWEDISH.encode()),
    "table": SWEDISH.replace(" ", " | "),
    "commas": SWEDISH.replace(" ", ","),
}


@pytest.mark.parametrize("way", MIXED)
async def test_wherever_it_stands_and_however_it_is_written(tmp_path: Path, way: str) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(MIXED[way])).zone == "onprem"


async def test_one_turn_keeps_the_conversation(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        turns = [{"role": "user", "content": t} for t in (ENGLISH, SWEDISH, ENGLISH)]
        await w.ask(chat("", "gpt-4o", messages=turns))
        assert not w.cloud.requests
