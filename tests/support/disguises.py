"""Ways to write a value so that a reader, or a model, still knows what it is; and values of every provable label."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote

VALUES = {
    "EMAIL_ADDRESS": "quintella.vorhausen@canary-berry.com",
    "CREDIT_CARD": "5425 2334 3010 9903",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "US_SSN": "536-22-8674",
    "IP_ADDRESS": "203.0.113.77",
    "PHONE_NUMBER": "+49 30 901820 471",
    "API_KEY": "ghp_Zq7Canary4vK2mXw9TbRj5LpYs8NcHd3GfAe",
}
LEAD = {"US_SSN": "SSN: "}
"""Words without which a value proves nothing."""

CYRILLIC = str.maketrans(
    "aceopxyiAECOPTHKM",
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0410\u0415\u0421\u041e\u0420\u0422\u041d\u041a\u041c",
)


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def bold(text: str) -> str:
    """Mathematical letters and digits."""
    out = []
    for c in text:
        if c.isascii() and c.isalpha():
            out.append(chr((0x1D400 if c.isupper() else 0x1D41A) + ord(c.lower()) - 97))
        elif c.isdigit():
            out.append(chr(0x1D7CE + int(c)))
        else:
            out.append(c)
    return "".join(out)


def words(text: str) -> list[str]:
    """UTF-16 code units in hexadecimal digits."""
    data = text.encode("utf-16-be").hex()
    return [data[i : i + 4] for i in range(0, len(data), 4)]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    run = b64(f"note: {text} and so on, for a while yet")
    return "\n".join(run[i : i + 24] for i in range(0, len(run), 24))


def between(char: str) -> Callable[[str], str]:
    return lambda text: text[:2] + char.join(text[2:])


CHARACTERS: dict[str, Callable[[str], str]] = {
    "zero_width": between("\u200b"),
    "joiner": between("\u2060"),
    "bidi": lambda t: f"{t[:4]}\u202d{t[4:]}\u202c"[:-1],
    "soft_hyphen": between("\u00ad"),
    "variation": between("\ufe0f"),
    "tag_inside": between("\U000e0041"),
    "nul": between("\0"),
    "strike": lambda t: "".join(c + "\u0336" if c.isalnum() else c for c in t),
    "wide": wide,
    "bold": bold,
    "arabic_digits": lambda t: "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in t),
    "cyrillic": lambda t: t.translate(CYRILLIC),
    "url": lambda t: quote(t, safe=""),
    "url_all": lambda t: "".join(f"%{b:02X}" for b in t.encode()),
    "html_all": lambda t: "".join(f"&#{ord(c)};" for c in t),
    "html_hex": lambda t: "".join(f"&#x{ord(c):x};" for c in t),
    "html_named": lambda t: t.replace("@", "&commat;").replace(".", "&period;").replace(" ", "&nbsp;"),
    "json_all": lambda t: "".join(f"\\u{w}" for w in words(t)),
    "json_twice": lambda t: "".join(f"\\\\u{w}" for w in words(t)),
    "hex_escape": lambda t: "".join(f"\\x{b:02x}" for b in t.encode()),
    "markdown": lambda t: re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", t),
    "quoted_printable": lambda t: "".join(f"={b:02X}" for b in t.encode()),
    "tags_around": lambda t: f"{t[:5]}<b>{t[5:9]}</b>{t[9:]}",
}
RUNS: dict[str, Callable[[str], str]] = {
    "base64": lambda t: b64(f"my value: {t} ok"),
    "base64_bare": b64,
    "base64_unpadded": lambda t: b64(t).rstrip("="),
    "base64_url": lambda t: base64.urlsafe_b64encode(f"?? {t} ??>>".encode()).decode(),
    "base64_wrapped": wrapped,
    "base64_utf16": lambda t: base64.b64encode(t.encode("utf-16-le")).decode(),
    "hex": lambda t: t.encode().hex(),
    "hex_upper_0x": lambda t: "0x" + t.encode().hex().upper(),
    "hex_spaced": lambda t: t.encode().hex(" "),
    "hex_colons": lambda t: t.encode().hex(":"),
    "tag_characters": lambda t: "".join(chr(0xE0000 + ord(c)) if c.isascii() else c for c in t),
    "json_string": lambda t: b64(json.dumps({"a": t, "b": html.escape(t)})),
}
SPELLED: dict[str, dict[str, str]] = {
    "EMAIL_ADDRESS": {
        "at_dot": "quintella.vorhausen at canary-berry dot com",
        "at_dot_upper": "quintella dot vorhausen AT canary-berry DOT com",
        "brackets": "quintella.vorhausen [at] canary-berry [dot] com",
        "round": "quintella.vorhausen(at)canary-berry.com",
        "braces": "quintella.vorhausen{at}canary-berry{dot}com",
        "underscores": "quintella_vorhausen_at_canaryberry_dot_com",
        "at_in_space": "quintella.vorhausen @ canary-berry.com",
        "dot_in_space": "quintella.vorhausen@canary-berry . com",
        "spaced": " ".join("quintella.vorhausen@canary-berry.com"),
        "dashes": "|".join("quintella.vorhausen@canary-berry.com"),
        "at_sign": "quintella.vorhausen at-sign canary-berry dot com",
        "over_lines": "quintella.vorhausen at\ncanary-berry dot com",
        "small_at": "quintella.vorhausen\ufe6bcanary-berry\uff0ecom",
        "round_at": "quintella.vorhausen(\u24d0\u24e3)canary-berry.com",
        "full_stop": "quintella.vorhausen\uff20canary-berry\u3002com",
        "small_capitals": "quintella.vorhausen@canary-berry.\u1d04\u1d0f\u1d0d",
        "circled": "\u24e0\u24e4intella.vorhausen@canary-berry.\u24d2\u24de\u24dc",
        "before_at": "quintella.vorhausen @canary-berry.com",
        "octal": "quintella.vorhausen\\100canary-berry.com",
        "entity_zeros": "quintella.vorhausen&#0000000064;canary-berry.com",
        "code_point": "quintella.vorhausen\\u{00000040}canary-berry.com",
        "percent_twice": "quintella.vorhausen%25%34%30canary-berry.com",
        "in_a_link": "<a href='mailto:quintella.vorhausen&#64;canary-berry.com'>mail</a>",
        "comment": "quintella.vorhausen<!-- x -->@canary-<wbr>berry.com",
        "concatenated": 'x = "quintella.vorhausen@" + "canary-berry.com"',
        "encoded_word": "=?utf-8?Q?quintella.vorhausen=40canary-berry.com?=",
        "glued_base64": f"prefix{b64('quintella.vorhausen@canary-berry.com')}",
        "short_lines": "\n".join(re.findall(".{1,10}", b64("quintella.vorhausen@canary-berry.com"))),
        "indented": "mail: quintella.vorhausen@\n      canary-berry.com",
        "wrapped": "quintella.vorhausen@canary-\nberry.com",
        "wrapped_quote": "> quintella.vorhausen@\n> canary-berry.com",
        "wrapped_crlf": "quintella.vorhausen\r\n@canary-berry.com",
    },
    "CREDIT_CARD": {
        "spaced": " ".join("5425233430109903"),
        "spaced_dots": ".".join("5425233430109903"),
        "spaced_twice": "  ".join("5425233430109903"),
        "underscores": "5425_2334_3010_9903",
        "slashes": "5425/2334/3010/9903",
        "dashes_in_space": "5425 - 2334 - 3010 - 9903",
        "two_lines": "5425 2334\n3010 9903",
        "two_lines_whole": "54252334\n30109903 is the number",
        "column": "\n".join("5425233430109903"),
        "four_lines": "5425\n2334\n3010\n9903",
        "dash_and_line": "5425-2334-3010-\n9903",
        "round": "(5425) (2334) (3010) (9903)",
        "apostrophes": "5425'2334'3010'9903",
        "keycaps": "".join(f"{c}\ufe0f\u20e3" for c in "5425233430109903"),
        "devanagari": "".join(chr(0x966 + int(c)) for c in "5425233430109903"),
        "thin_spaces": "5425\u20092334\u200a3010\u202f9903",
        "list": "[5,4,2,5,2,3,3,4,3,0,1,0,9,9,0,3]",
        "form": "number=5425+2334+3010+9903",
        "with_expiry": "5 4 2 5  2 3 3 4  3 0 1 0  9 9 0 3 12/27",
        "commas": "card 5425, 2334, 3010, 9903",
        "tabs": "card\t5425\t2334\t3010\t9903",
    },
    "IBAN_CODE": {
        "spaced": " ".join("DE89370400440532013000"),
        "dots": "DE89.3704.0044.0532.0130.00",
        "two_lines": "DE89 3704 0044\n0532 0130 00",
        "slashes": "DE89/3704/0044/0532/0130/00",
    },
    "US_SSN": {"spaced": "SSN " + " ".join("536228674"), "two_lines": "SSN: 536-22-\n8674"},
    "PHONE_NUMBER": {"spaced": "call me: " + " ".join("030901820471")},
    "API_KEY": {"wrapped": "ghp_Zq7Canary4vK2m\nXw9TbRj5LpYs8NcHd3GfAe", "spaced": " ".join(VALUES["API_KEY"])},
}
BENIGN = (
    "Let us meet at noon, dot the i's and go home at six.",
    "Visit us at example dot com or look at example.com for more.",
    "Find it at docs.python.org. The price @ 12.50 is fine; thanks @user.name!",
    "Regards\njane\n\nsee section 1.2.3.\n4. Next item",
    "Totals:\n1200 1400 1600\n2200 2400 2600\n4000 4100 4200",
    "2019\n2020\n2021\n2022\n2023\n4111\n4222",
    "a b c d e f g h i j k l m n o p",
    "1 0 1 1 0 0 1 0 1 1 1 0 0 1 0 1",
    "👩\u200d💻 and ❤\ufe0f and 🇩🇪 flags",
    "AT&amp;T &lt;b&gt; 100% &copy; C:\\new\\table\\x41.txt a=b c+d \\alpha \\_x",
    "SGVsbG8gd29ybGQsIHRoaXMgaXMgbm90aGluZw== is base64; deadbeefcafebabe is hex; 550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "internationalization documentation getElementById setTimeoutHandler",
    "def look_at_point(dot): return dot.com_port if x@y else z",
    "The matrix @ operator: a @ b . c; [at] the start, (dot) product; m² and ½ and ﬁnance",
    "| 4000 | 4100 | 4200 | 4300 |\n| 2200 | 2300 | 2400 | 2500 |",
    "hi there @example.com, see notes.md and look at README.md",
    "x = 'a' + 'b' + \"c\"; print('total: ' + '12.50')",
    "<a href='https://docs.python.org/3/library?x=1&amp;y=2'>docs</a> <!-- todo --> <b>bold</b>",
    "Ids:\n11111111\n41111111\n11111111\nend",
    "ver =312.2.3.44",
    "1.2.3.4.5.6.7 is a version; 10 20 30 40 50 60 70 80 are tens",
)
"""Innocent texts that look a little like a disguise."""
UNREAD = (
    "Привет, мир! Москва стоит на реке, COVID-19 отступил в 2021 году.",
    "Η Αθήνα είναι η πρωτεύουσα της Ελλάδας από το 1834.",
    "你好，世界。今天是２０２４年。",
    "می\u200cخواهم به خانه بروم",
)
"""Innocent too, but in scripts that no detector reads."""
