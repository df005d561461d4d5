"""Dates as people write them, moved by days and written the same way again. Pure; knows no clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "en3": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}
_LISTS = [names.split() for names in _MONTHS.values()]
_NAME = "|".join(sorted({n for names in _LISTS for n in names}, key=len, reverse=True))

_ISO = re.compile(r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{2})(?P=s)(?P<d>\d{2})(?P<rest>(?:[T ]\d{2}:\d{2}.*)?)", re.DOTALL)
_DOTTED = re.compile(r"(?P<d>\d{1,2})(?P<s>\.\s?)(?P<m>\d{1,2})(?P=s)(?P<y>\d{4})")
_SLASHED = re.compile(r"(?P<a>\d{1,2})(?P<s>[/-])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4})")
_DAY_FIRST = re.compile(
    rf"(?P<d>\d{{1,2}})(?P<s>(?:\.|st|nd|rd|th)?\s+(?:de\s+)?)(?P<n>{_NAME})(?P<t>\.?,?\s+(?:de\s+)?)(?P<y>\d{{4}})",
    re.I,
)
_MONTH_FIRST = re.compile(
    rf"(?P<n>{_NAME})(?P<s>\.?\s+)(?P<d>\d{{1,2}})(?P<t>(?:st|nd|rd|th)?,?\s+)(?P<y>\d{{4}})", re.I
)


def shifted(text: str, days: int) -> str | None:
    """``text`` with its date moved, in the same form; None for what is no complete date in a known form."""
    for pattern, write in _FORMS:
        match = pattern.fullmatch(text)
        if match is not None:
            try:
                return write(match, days)
            except (ValueError, OverflowError):
                return None
    return None


def _iso(m: re.Match[str], days: int) -> str:
    new = dt.date(int(m["y"]), int(m["m"]), int(m["d"])) + dt.timedelta(days)
    return f"{new.year:04d}{m['s']}{new.month:02d}{m['s']}{new.day:02d}{m['rest']}"


def _pad(number: int, like: str) -> str:
    return f"{number:0{len(like)}d}" if like.startswith("0") or len(like) == 2 else str(number)


def _dotted(m: re.Match[str], days: int) -> str:
    new = dt.date(int(m["y"]), int(m["m"]), int(m["d"])) + dt.timedelta(days)
    return f"{_pad(new.day, m['d'])}{m['s']}{_pad(new.month, m['m'])}{m['s']}{new.year:04d}"


def _slashed(m: re.Match[str], days: int) -> str:
    """Day first if that is the only reading, month first otherwise."""
    a, b = int(m["a"]), int(m["b"])
    day_first = a > 12
    new = dt.date(int(m["y"]), b if day_first else a, a if day_first else b) + dt.timedelta(days)
    first, second = (new.day, new.month) if day_first else (new.month, new.day)
    return f"{_pad(first, m['a'])}{m['s']}{_pad(second, m['b'])}{m['s']}{new.year:04d}"


def _named(m: re.Match[str], days: int) -> str:
    names = next(names for names in _LISTS if m["n"].lower() in [n.lower() for n in names])
    month = [n.lower() for n in names].index(m["n"].lower()) + 1
    new = dt.date(int(m["y"]), month, int(m["d"])) + dt.timedelta(days)
    name = names[new.month - 1]
    name = name.upper() if m["n"].isupper() else name.capitalize() if m["n"][0].isupper() else name
    parts = {"d": f"{new.day:02d}" if m["d"].startswith("0") else str(new.day), "n": name, "y": f"{new.year:04d}"}
    order = "dny" if m.start("d") < m.start("n") else "ndy"
    return parts[order[0]] + _suffix(m["s"], new) + parts[order[1]] + _suffix(m["t"], new) + parts["y"]


def _suffix(between: str, new: dt.date) -> str:
    """``12th `` keeps an English ordinal, the right one."""
    head = re.match(r"(?:st|nd|rd|th)", between, re.I)
    if head is None:
        return between
    ordinal = "th" if 10 <= new.day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(new.day % 10, "th")
    return ordinal + between[2:]


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], str]], ...] = (
    (_ISO, _iso),
    (_DOTTED, _dotted),
    (_SLASHED, _slashed),
    (_DAY_FIRST, _named),
    (_MONTH_FIRST, _named),
)
