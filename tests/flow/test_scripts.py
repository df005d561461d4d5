"""Nothing unknown is clean: text in a script without a published recall figure stays in the house."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import regex
from disguises import UNREAD
from gate_support import ADDRESS, Answered, chat, world

from redaction.coverage import foreign

COVERED = ("Latin", "Common", "Inherited")
NAMES = """
Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Beria_Erfe Bhaiksuki
Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian
Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs
Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Gurung_Khema
Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inscriptional_Pahlavi
Inscriptional_Parthian Javanese Jurchen Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer
Khojki Khudawadi Kirat_Rai Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic
Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao
Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong
Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian
Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi
Rejang Runic Samaritan Saurashtra Seal Sharada Shavian Siddham Sidetic SignWriting Sinhala Sogdian Sora_Sompeng
Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Tai_Yo Takri Tamil Tangsa
Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Tolong_Siki Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho
Warang_Citi Yezidi Yi Zanabazar_Square
"""
SCRIPTS = NAMES.split()
EVERY = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def letters_of(script: str) -> str:
    """Six letters of a script, or other characters of one that has none."""
    letters = regex.findall(rf"[\p{{Script={script}}}&&\p{{L}}]", EVERY, flags=regex.V1)
    return "".join((letters or regex.findall(rf"\p{{Script={script}}}", EVERY))[3:9])


def test_every_script_of_unicode_is_listed() -> None:
    listed = "".join(rf"\p{{Script={name}}}" for name in (*COVERED, *SCRIPTS))
    unlisted = regex.search(rf"[\p{{L}}\p{{M}}--[{listed}]]", EVERY, flags=regex.V1)
    assert unlisted is None, f"U+{ord(unlisted[0]):04X}"


def test_every_letter_of_every_script_is_unread() -> None:
    others = regex.findall(r"[\p{L}--[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]]", EVERY, flags=regex.V1)
    assert len(others) > 130_000
    assert not [c for c in others if not foreign(c * 3)]
    covered = regex.findall(r"[\p{L}&&[\p{Script=Latin}\p{Script=Common}]]", EVERY, flags=regex.V1)
    assert not foreign("".join(covered))


@pytest.mark.parametrize("half", [0, 1])
async def test_every_script_stays_in_the_house(tmp_path: Path, half: int) -> None:
    async with world(tmp_path) as w:
        for script in SCRIPTS[half::2]:
            word = letters_of(script)
            got = await w.ask(f"Please tell me more about {word}, will you?")
            assert got.zone == "onprem", script
            assert word.encode() not in b"".join(r.body for r in w.cloud.requests), script
        assert not w.cloud.requests
        record = w.records(kind="intent")[-1]
        assert record["facts"]["uninspected"] == ["script"]


@pytest.mark.parametrize("text", UNREAD)
async def test_innocent_texts_in_other_scripts_stay_in_the_house(tmp_path: Path, text: str) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(text)).zone == "onprem"
        assert (await w.ask(text, "cloud-only")).status == 403
        assert not w.cloud.requests


SECRET_NAME = "Иван Жуков"
PLACES: dict[str, dict[str, Any]] = {
    "system": {"messages": [{"role": "system", "content": SECRET_NAME}, {"role": "user", "content": "hi"}]},
    "key": {"metadata": {SECRET_NAME: "1"}},
    "value": {"metadata": {"for": SECRET_NAME}},
    "user": {"user": SECRET_NAME},
    "part": {"messages": [{"role": "user", "content": [{"type": "text", "text": f"about {SECRET_NAME}"}]}]},
    "name": {"messages": [{"role": "user", "name": SECRET_NAME, "content": "hi"}]},
    "tool": {"tools": [{"type": "function", "function": {"name": "f", "description": SECRET_NAME}}]},
    "stop": {"stop": [SECRET_NAME]},
}


@pytest.mark.parametrize("place", PLACES)
async def test_wherever_it_stands(tmp_path: Path, place: str) -> None:
    async with world(tmp_path) as w:
        await w.ask(chat("hello", "gpt-4o") | PLACES[place])
        assert not w.cloud.requests


def b64(text: str, code: str = "utf-8") -> str:
    return base64.b64encode(text.encode(code)).decode()


WRITTEN = {
    "json": "\\u0418\\u0432\\u0430\\u043d \\u0416\\u0443\\u043a\\u043e\\u0432",
    "percent": "%D0%98%D0%B2%D0%B0%D0%BD%20%D0%96%D1%83%D0%BA%D0%BE%D0%B2",
    "entities": "&#1048;&#1074;&#1072;&#1085; &#1046;&#1091;&#1082;&#1086;&#1074;",
    "base64": b64("пациент Иван Жуков"),
    "base64_twice": b64(b64("пациент Иван Жуков")),
    "base64_utf16": b64("пациент Иван Жуков", "utf-16-le"),
    "base64_utf16_han": b64("王小明的病历写得很清楚了", "utf-16-be"),
    "hex": "пациент Иван Жуков".encode().hex(),
    "quoted_printable": "=D0=98=D0=B2=D0=B0=D0=BD=20=D0=96=D1=83=D0=BA=D0=BE=D0=B2",
    "digits_between": "Ив1ан Жу2ков",
    "latin_glued": "xИванx Жуковx",
    "spaced": "И в а н  Ж у к о в",
    "bracketed": "[И][в][а][н]",
    "dashed": "И—в—а—н",
    "summed": "И+в+а+н",
    "dotted": "И.в.а.н Ж.у.к.о.в",
    "zero_width": "И\u200bв\u200bа\u200bн",
    "marks": "И\u0301в\u0301а\u0301н\u0301",
    "every_second": " ".join(f"a{c}b" for c in "пациентиванжуков"),
    "two_in_a_row": "Ωδ Ив Ко",
    "private_use": "\ue041\ue042\ue043\ue044",
    "unassigned": "\U0003ff00\U0003ff01\U0003ff02",
    "presentation_forms": "\ufe8d\ufedf\ufee4\ufeae\ufbfe\ufe8e",
    "halfwidth": "ﾔﾏﾀﾞﾊﾅｺ",
    "circled": "㊍㊏㊎㊋㊌",
    "squared": "㍿㌔",
}


@pytest.mark.parametrize("way", WRITTEN)
async def test_however_it_is_written(tmp_path: Path, way: str) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(f"Please note: {WRITTEN[way]}, thank you.")).zone == "onprem"
        assert not w.cloud.requests


SYMBOLS = {
    "maths": "Let α = 0.05 and μ ± 3σ; then ∑ xᵢ² ≥ λ, ∀ε>0 ∃δ: |x−y|<δ ⇒ |f(x)−f(y)|<ε, and Γ(½)=√π in ℝⁿ.",
    "units": "10 kΩ, 5 µm, 3 μm, 20 Ω, Δt = 4 ms",
    "cells": "γδ T cells and αβ T cells; ΔΔG of β-lactamase; TNF-α, IL-1β, NF-κB",
    "list": "the parameters (α, β, γ, δ)",
    "emoji": "👩\u200d👩\u200d👧\u200d👦 🇩🇪 ❤\ufe0f 👍🏽 ok 😀😀",
    "emoticons": "¯\\_(ツ)_/¯ (ಠ_ಠ) (づ｡◕‿‿◕｡)づ",
    "wide": "Ｈｅｌｌｏ　ｗｏｒｌｄ，１２３",
    "bold": "𝐇𝐞𝐥𝐥𝐨 𝓌𝑜𝓇𝓁𝒹",
    "ipa": "the word think is /ˈθɪŋk/, and this is /ðɪs/, thought /θɔːt/",
    "code": "def f(x): return x  # ✓ → ← … “quoted” — dash • bullet ─│┌┐ ▁▂▃",
    "accents": "Škoda, Zoë, naïve café, Łódź, Ærø, Þór, ŋ, ǃXóõ, Nguyễn",
    "decomposed": "cafe\u0301 nai\u0308ve Zoe\u0308",
    "lone": "The character 人 means person, я means I, and א is aleph.",
    "look_alike": "Visit раypal and Аpple now",
    "punctuation": "「」、。・ and ー and 〜",
    "prompt": "\ue0b0 main \ue0b1 ok",
    "digest": "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c, commit d0b0d0b1 AKIA-is-a-prefix",
    "utf16": b64("Hello there, my friend", "utf-16-le") + " " + b64("Hello there, my friend", "utf-16-be"),
}


async def test_a_letter_that_is_all_of_a_value_is_a_name(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(" 李 ")).zone == "onprem" and not w.cloud.requests
        assert (await w.ask("μ")).zone == "cloud"


@pytest.mark.parametrize("kind", SYMBOLS)
async def test_symbols_are_no_words(tmp_path: Path, kind: str) -> None:
    async with world(tmp_path) as w:
        assert (await w.ask(SYMBOLS[kind])).zone == "cloud"


async def test_what_patterns_find_in_other_scripts_is_still_replaced(tmp_path: Path) -> None:
    """Where a policy lets what nobody read reach an enclave or the house, the address in it was found."""
    async with world(tmp_path) as w:
        got: Answered = await w.ask(f"请写信给 {ADDRESS} 谢谢")
        assert got.zone == "onprem"
        assert w.records(kind="intent")[-1]["facts"]["labels"]["EMAIL_ADDRESS"]["n"] == 1


async def test_one_unread_text_keeps_the_whole_request(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        turns = [{"role": "user", "content": t} for t in ("hello", "Иван Жуков", "and now in English")]
        await w.ask(chat("", "gpt-4o", messages=turns))
        assert not w.cloud.requests
        got = await w.ask(chat("", "gpt-4o", messages=[turns[0], turns[2]]))
        assert got.zone == "cloud"
