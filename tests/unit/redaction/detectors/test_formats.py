"""E-mail addresses, links, cards, IBAN, network addresses, wallets: where each begins and ends, and what is none."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from redaction.detectors.formats import OWN, addresses, cards, emails, ibans, is_card, urls, wallets


def _framed(text: str) -> str:
    return f"😀 e\u0301\r\n{text}\r\n🇩🇪"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("<jane@roe.com>, (bob@roe.org); ann@roe.co.uk.", ["jane@roe.com", "bob@roe.org", "ann@roe.co.uk"]),
        ("mailto:jane.roe+x@roe.com?subject=a", ["jane.roe+x@roe.com"]),
        ("o'neill@roe.ie {x}@roe.com", ["o'neill@roe.ie", "x}@roe.com"]),
        ("'jane@roe.com' \"bob@roe.com\" `ann@roe.com`", ["jane@roe.com", "bob@roe.com", "ann@roe.com"]),
        ("...jane@roe.com, **bob@roe.com**, ~ann@roe.com~", ["jane@roe.com", "bob@roe.com", "ann@roe.com"]),
        ("https://roe.com/u/jane@roe.com", ["jane@roe.com"]),
        ("/jane@roe.com a/b/bob@roe.com /@roe.com", ["jane@roe.com", "bob@roe.com", "/@roe.com"]),
        ("?email=jane@roe.com&cc=bob@roe.com&x=1", ["jane@roe.com", "bob@roe.com"]),
        ("to==jane@roe.com a=b=bob@roe.com", ["jane@roe.com", "b=bob@roe.com"]),
        ("bounce+jane=roe.com@list.org", ["bounce+jane=roe.com@list.org"]),
        ("x" * 20 + "=jane@roe.com " + "x" * 21 + "=bob@roe.com", ["jane@roe.com", "x" * 21 + "=bob@roe.com"]),
        ("_jane_@roe.com jane_@roe.com -jane@roe.com", ["_jane_@roe.com", "jane_@roe.com", "-jane@roe.com"]),
        ("jane@roe.com.Thanks, bob@roe.com...", ["jane@roe.com", "bob@roe.com"]),
        ("jane@roe.com-", ["jane@roe.com"]),
        ("jane@mail.corp bob@host.local ann@x.LAN", ["jane@mail.corp", "bob@host.local", "ann@x.LAN"]),
        ("jane@intranet bob@nowhere.zzq a@b", []),
        ("jane@bob@roe.com", ["jane@bob@roe.com"[5:]]),
        ("josé@müller.de, 田中@例え.jp", ["josé@müller.de", "田中@例え.jp"]),
        ("j@roe.com =@roe.com", ["j@roe.com", "=@roe.com"]),
        ("jane@" + "a." * 120 + "com", ["jane@" + "a." * 120 + "com"]),
        ("@app.route, user@, a.b@c", []),
    ],
)
def test_addresses_of_mail(text: str, values: list[str]) -> None:
    for said in (text, _framed(text)):
        assert [said[f.start : f.end] for f in emails(said)] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        *((f"see {scheme}://roe.com/x now", [f"{scheme}://roe.com/x"])
          for scheme in ("http", "https", "HTTP", "hxxp", "hxxps", "ftp", "ftps", "sftp", "ws", "wss", "ssh", "smb",
          "ldap", "ldaps")),
        ("www.roe.com/a, xhttps://roe.com, http:// and https://", ["www.roe.com/a"]),
        ("<https://roe.com/a>\"https://roe.com/b\"`https://roe.com/c`", ["https://roe.com/a", "https://roe.com/b",
         "https://roe.com/c"]),
        *((f"x {o}https://roe.com/a{s} y", ["https://roe.com/a"]) for o, s in ("()", "[]", "{}", "“”", "„“", "«»",
         "‘’", "''", "**")),
        *((f"https://roe.com/a{sign} x", ["https://roe.com/a"]) for sign in (".", ",", ";", ":", "!", "?", "...",
         ").", "'s,"[:0] + "],")),
        ("https://roe.com/a(b)c(d e", ["https://roe.com/a(b)c(d"]),
        ("https://roe.com/a(b]c", ["https://roe.com/a(b"]),
        ("(https://roe.com/a(b)) x", ["https://roe.com/a(b)"]),
        ("it's https://roe.com/o'neill' x", ["https://roe.com/o'neill"]),
        ("'https://roe.com/o'neill'", ["https://roe.com/o"]),
        # nobody's
        *((f"{scheme}{host}{rest}", []) for scheme in ("http://", "https://") for host in
          ("localhost", "localhost:3000", "127.0.0.1", "127.12.1.255:80", "0.0.0.0:8000", "[::1]:8080", "[::]",
           "example.com",
           "www.example.org", "api2.dev.example.net", "example.test", "test.invalid", "my-app.localhost",
           "foo.bar.example")
          for rest in ("", "/", "/api/v2/items/12?page=2&limit=50", "/login", "/{id}")),
        # somebody's
        *((text, [text]) for text in
          ("https://roe.example.com", "http://localhost/roe", "http://127.0.0.1/u/48291734",
           "https://example.com/items/4829",
           "https://example.com?q=roe", "https://www.api.app.dev.example.com", "https://example.com.roe.org",
           "http://localhost.roe.com",
           "https://example.org/users/jane", "http://0.0.0.0.roe.net", "https://example.com/?q=foo&name=jane")),
    ],
)  # fmt: skip
def test_links(text: str, values: list[str]) -> None:
    for said in (text, _framed(text)):
        assert [said[f.start : f.end] for f in urls(said)] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        *((f"x {o}linkedin.com/in/jane{s} y", ["linkedin.com/in/jane"]) for o, s in
          ("()", "[]", "{}", "<>", '""', "''", "**", "``", "“”", "„“", "‘’", "«»", ",,", ";;", "→ ", ": ", "! ",
           "= ")),
        ("linkedin.com/in/jane", ["linkedin.com/in/jane"]),
        ("a: roe.de/jane; b:roe.de/jane", ["roe.de/jane", "roe.de/jane"]),
        *((f"see {site}/jane", [f"{site}/jane"]) for site in
          ("m.facebook.com", "fb.me", "t.me", "wa.me", "x.com", "youtu.be", "de.linkedin.com", "linktr.ee",
           "github.io", "gitlab.com",
           "vk.com", "twitch.tv", "twitter.com", "instagram.com", "www.tiktok.com", "snapchat.com", "xing.com",
           "medium.com",
           "facebook.net", "strava.app", "vk.ru", "flickr.in")),
        ("roe.com/a, roe.com/, roe.com/ab", ["roe.com/ab"]),
        ("main.py/jane, lib.rs/a/b/c, lib.rs/@jane, lib.rs/a-b, lib.rs/ab, roe.PL/a/b", ["lib.rs/a/b/c",
         "lib.rs/@jane", "lib.rs/a-b"]),
        ("and/or, 1.5/2, a.b/cd, km.h/s", []),
        ("one.two.three.roe.com/jane, zero.one.two.three.four.roe.com/jane", ["one.two.three.roe.com/jane"]),
        ("xroe.com/jane@home", ["xroe.com/jane@home"]),
    ],
)  # fmt: skip
def test_pages_without_a_scheme(text: str, values: list[str]) -> None:
    for said in (text, _framed(text)):
        places = sorted({(f.start, f.end) for f in urls(said)})
        assert [said[start:end] for start, end in places] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("10.0.0.1, 10.0.0.1. (192.168.1.255)", ["10.0.0.1", "10.0.0.1", "192.168.1.255"]),
        ("10.0.0.1:80 10.0.0.0/24 10.0.0.0/24x 10.0.0.0/240 fe80::1%eth0 fe80::/10", ["10.0.0.1", "10.0.0.0/24",
         "10.0.0.0", "10.0.0.0/240", "fe80::1%eth0", "fe80::/10"]),
        ("1.10.0.0.1 10.0.0.1.5 v10.0.0.1 10.0.0.1a 10.0.0.256", []),
        ("..10.0.0.1 10.0.0.1.. x.10.0.0.1 10.0.0.1.x", ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"]),
        ("127.0.0.1 0.0.0.0 255.255.255.255 127.0.1.1 127.0.0.2", ["127.0.0.2"]),
        ("2001:db8::1, ip:2001:db8::2. [2001:db8::3]:80 ::1 fe80::", ["2001:db8::1", "2001:db8::2", "2001:db8::3",
         "::1", "fe80::"]),
        ("x2001:db8::1 2001:db8::1x std::a ::: 10:30:00 a::b ::", []),
        ("::ffff:10.0.0.1 2001:db8:0:0:0:0:0:1: ", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:0:0:0:0:0:1"]),
        ("00:1a:2b:3c:4d:5e 00-1A-2B-3C-4D-5E 001a.2b3c.4d5e x00:1a:2b:3c:4d:5e 00:1a:2b:3c:4d", ["00:1a:2b:3c:4d:5e",
         "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"]),
    ],
)  # fmt: skip
def test_network_addresses(text: str, values: list[str]) -> None:
    for said in (text, _framed(text)):
        assert sorted(said[f.start : f.end] for f in addresses(said)) == sorted(values)


def test_a_colon_behind_an_address_is_none_of_it() -> None:
    for text in ("2001:db8::1: up", "at 2001:db8::1:", "fe80::: x"):
        assert [text[f.start : f.end] for f in addresses(text)] == ([] if "x" in text else ["2001:db8::1"])


DE, NO, MT = "DE89370400440532013000", "NO9386011117947", "MT84MALT011000012345MTLCAST001S"


@pytest.mark.parametrize(
    "value",
    [DE, NO, MT, DE.lower(), "DE89 3704 0044 0532 0130 00", "DE 89 3704 0044 0532 0130 00",
     "DE89-3704-0044-0532-0130-00",
     "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "NO93 8601 1117 947", "GB82 WEST 1234 5698 7654 32"],
)  # fmt: skip
@pytest.mark.parametrize(
    "frame", ["{}", "IBAN:{}.", "({})", "ref AB12 {} 12 EUR", "x-{}-", "{} {}", "{}, BIC COBADEFF", "{}\n12"]
)
def test_accounts(value: str, frame: str) -> None:
    text = frame.format(value, value)
    for said in (text, _framed(text)):
        assert [said[f.start : f.end] for f in ibans(said)] == [value] * frame.count("{}")


@pytest.mark.parametrize(
    "text",
    [f"x{DE}", f"1{DE}", f"{DE}x", f"{DE}0", DE[:-1], DE[:-1] + "1", "QX" + DE[2:], "DE89 3704 0044 0532 0130",
     "DE89  " + DE[4:],
     "DE89_" + DE[4:]],
)  # fmt: skip
def test_what_is_no_account(text: str) -> None:
    assert [*ibans(text)] == []


CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("4111 1111 1111 1111 4012 8888 8888 1881", ["4111 1111 1111 1111", "4012 8888 8888 1881"]),
        ("12 4111 1111 1111 1111 12/27", ["4111 1111 1111 1111"]),
        ("1, 4111111111111111 123 4111111111111111", [CARD, CARD]),
        ("3782 822463 10005, 3782-822463-10005", ["3782 822463 10005", "3782-822463-10005"]),
        ("4111 1111 1111 1112, 0000 0000 0000 0000, 0111 1111 1111 1111", []),
        ("x4111111111111111 4111111111111111x a4111111111111111b 4111111111111111_", [CARD]),
        ("0.4111111111111111 .4111111111111111 4111111111111111.5 4111111111111111.00 4111111111111111.",
         [CARD, CARD]),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", ["4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"]),
        ("4111\u00a01111\u20111111\u202f1111", ["4111\u00a01111\u20111111\u202f1111"]),
        ("4111.1111.1111.1111 4111  1111 1111 1111", ["4111.1111.1111.1111"]),
        ("5018 0000 0009", []), ("card 5018 0000 0009", ["5018 0000 0009"]),
    ],
)  # fmt: skip
def test_cards_beside_other_numbers(text: str, values: list[str]) -> None:
    for said in (text, _framed(text)):
        assert [said[f.start : f.end] for f in cards(said)] == values


@pytest.mark.parametrize(
    ("text", "score"),
    [(f"card {CARD}", 1.0), (CARD, 1.0), ("card 7992739871300008", 0.9), ("card 501800000009", 0.9)],
)
def test_how_sure_it_is(text: str, score: float) -> None:
    assert [f.score for f in cards(text)] == [score]


@pytest.mark.parametrize(
    ("first", "shape"),
    [("4", (4, 4, 4, 4)), ("6304", (4, 4, 4, 4, 1)), ("6304", (4, 4, 4, 4, 2)), ("4", (4, 4, 4, 4, 3)),
     ("34", (4, 6, 5)), ("36", (4, 6, 4)), ("4", (4, 4, 5)), ("4", (4, 3, 3, 3)),
     ("34", (4, 4, 4, 3)), ("630412", (6, 13))],
)  # fmt: skip
@pytest.mark.parametrize("sign", [" ", "-", ".", "\u00a0"])
def test_every_print_of_a_card_amid_other_numbers(first: str, shape: tuple[int, ...], sign: str) -> None:
    body = (first + "829173465" * 3)[: sum(shape) - 1]
    digits = body + luhn.calc_check_digit(body)
    ends = list(accumulate(shape))
    value = sign.join(digits[end - size : end] for size, end in zip(shape, ends, strict=True))
    for frame in ("{}", "12, {}, 7", "12 {} 7", "12/27 {} 417 5", "7 12 {}"):
        text = frame.format(value)
        assert [text[f.start : f.end] for f in cards(text)] == [value], frame


@pytest.mark.parametrize(
    "digits", ["4111111111111112", "41111111111114", "0000000000000000", "411111111111", "1946000000000003", "4" * 20]
)
def test_numbers_that_no_issuer_gives(digits: str) -> None:
    """They may be telephone numbers, which a card is not."""
    assert not is_card(digits)


def test_wallets() -> None:
    value = "0x52908400098527886E0F7030069857D2E4169EE7"
    for text, values in (
        (value, [value]),
        (f"({value.lower()})", [value.lower()]),
        (f"{value}0", []),
        (f"x{value}", []),
    ):
        for said in (text, _framed(text)):
            assert [said[f.start : f.end] for f in wallets(said)] == values


MADE = st.lists(
    st.sampled_from(
        ["jane@roe.com", CARD, "4111 1111 1111 1111", DE, "10.0.0.1", "2001:db8::1", "https://roe.com/a(b)",
         "roe.de/jane",
         "00:1a:2b:3c:4d:5e", " ", "\r\n", ".", ",", ":", "/", "'", '"', "(", ")", "@", "=", "é", "e\u0301", "😀",
         "\ud83d",
         "\u00a0", "İ", "x", "7", "-", "%", "_"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(MADE, st.sampled_from(["", "so ", "😀\r\n", "é\u0301 ", "\ud83d "]), st.sampled_from(["", " ok", "\r\n😀"]))
def test_the_same_is_found_wherever_a_text_stands(text: str, before: str, after: str) -> None:
    """Between line ends, which end whatever stands there."""
    for find in OWN:
        alone = sorted((f.start, f.end, f.label) for f in find(f"\n{text}\n"))
        assert all(0 <= start < end <= len(text) + 2 for start, end, _ in alone)
        longer = f"{before}\n{text}\n{after}"
        assert sorted((f.start, f.end, f.label) for f in find(longer)) == [
            (start + len(before), end + len(before), label) for start, end, label in alone
        ]
