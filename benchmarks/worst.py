"""`make bench-worst`: what the worst texts cost to inspect, against ordinary prose of the same length.

Each text repeats a short unit and holds one valid address, which must still be found. CPU time of this process, so that
other work on the machine matters little; ratios to prose in the same run, so that the machine matters little too.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.texts import Texts
from proxy.inspect_worker import FAST, chosen
from redaction.pipeline import Pipeline
from redaction.types import Finding, TextResult

MAIL = "jane.roe@example.com"
SIZE = 100_000
LIMIT = 4.0
"""Times the cost of prose."""

UNITS = (
    "1", "# ", "## ", "### ", "#### ", "##########", "########## ", "########### ", "###-##-#### ", "###-###-####, ",
    "1-", "4-1-", "4 1 1 1 ", "1,", "1.5e9 ", "4.######e15,", "4111 1111 1111 111# ", "#### #### #### #### ",
    "+1 ### 555 #### ", "+49 ### ####### ", "0## ####### ", "(0", "(###) ", "####-##-## ", "##.##.#### ", "##:##:## ",
    "###.###.#.# ", "1.1.1.1 ", "::# ", "1:", "aa:bb:cc:dd:ee:## ", "DE##", "DE## #### #### #### #### ## ",
    "DE#################### ", "A#B#C# ", "A#B#C#D#-", "AB# CD# ", "AA######A ", "########A ", "ATU######## ",
    "1/2/3/", "####\n", "vat ", "vat 1 2 3 4 5 6 7 8 9 ", "vat ####### ", "vat ######### ", "VAT 1-2-3-",
    "ssn ###-##-####, ", '{"ssn":"#########"},', "tel ### ###### ", "phone ###-###-####, ", "id number ########, ",
    "nif ########, ", "passport ######### ", "born 1.1.19## ", "age ## ", "no. ####/## ", "account ####### ",
    "case no. ", "nip ##########, dic ######## tin ######### ", "card #### #### #### #### ", "key=", "password: ",
    "password: a#b#c# ", "token aB3dE5gH7jK9mN1pQ3sT5v ", "eyJhbGci.", "user=abc password=", "curl -u ", "Server=a;",
    "api_key = '", "secret", "-----BEGIN PRIVATE KEY-----", "PuTTY-User-Key-File-2: ", 'key "a#b#c#d#", ',
    "postgres://a:b@", "AAAAAAA#", "@", "a@", "a@b.", "a@b.co ", "a.", "a.b-c_d+", "!", "/", "@anna ", "https://a ",
    "Main Street ## ", "Calle Mayor ##, ", "married to ", "mother of ", "our # ", "she is ", "car A ", "pw is now ",
    "password for a ", "door code ", "customerIban",
    "a@b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.", "=41", "%41", "%2541",
    "&#65;", "&amp;", "\\u0041", "\\x41", "\\", "\\n", "=\n", "a\u200b", "\uff41\uff42\uff11", "\u0430a ", "e\u0301",
    "a\u0301\u0301", "\U000e0041", "aGVsbG8gd29ybGQh ", "aGVsbG8gd29ybGQh", "aGVsbG8=", "68656c6c6f20776f726c6421 ",
    "68 65 6c 6c 6f ", "jane at example dot com ", " at ", " dot ", "a b c ", "4_1_1_1_", '"a@" + "b.com" ',
    "a@\nb.com ", "a+b+c ", "a=b;", "<b>a</b>", "<a<a", "<!--", '\'"', '"a",', "[](){}", "a:a:", "a\n", "\n", " ",
    "\t", "\x00", "\U0001f600", "\u4e2d\u6587", "\u0e2a\u0e27\u0e31", "\u0434\u0430 ", "\xe9",
)  # fmt: skip
"""Repeated; ``#`` is any digit."""


def shape(unit: str, size: int, seed: int = 1) -> str:
    """A text of ``size`` characters that repeats ``unit``, with one address in its middle."""
    dice = random.Random(seed)
    mail = f" write to {MAIL} today "
    body = unit * ((size - len(mail)) // len(unit) + 1)
    if "#" in unit:
        body = "".join(dice.choice("0123456789") if c == "#" else c for c in body)
    body = body[: size - len(mail)]
    return body[: size // 2] + mail + body[size // 2 :]


def found(text: str, result: TextResult) -> bool:
    """Whether the address in a shape was found."""
    at = text.index(f" {MAIL} ") + 1
    return any(f.label == "EMAIL_ADDRESS" and f.start <= at and at + len(MAIL) <= f.end for f in result.findings)


@dataclass(slots=True)
class Timed:
    """A detector whose CPU time is added up."""

    name: str
    digest: str
    inner: Callable[[str], tuple[Finding, ...]]
    spent: float = 0.0

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        begin = time.process_time()
        try:
            return self.inner(text)
        finally:
            self.spent += time.process_time() - begin


class Bench:
    """Measures texts with all fast detectors."""

    def __init__(self) -> None:
        self._timed = [Timed(d.name, d.digest, d.detect) for d in chosen(None, FAST)]
        self._pipeline = Pipeline(self._timed, None)

    def measure(self, text: str) -> tuple[Mapping[str, float], TextResult]:
        """Seconds by detector, ``rest`` and ``all``."""
        for d in self._timed:
            d.spent = 0.0
        begin = time.process_time()
        result = self._pipeline.inspect([text])[0]
        total = time.process_time() - begin
        spent = {d.name: d.spent for d in self._timed}
        return {**spent, "rest": total - sum(spent.values()), "all": total}, result


def main() -> int:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else SIZE
    bench = Bench()
    prose = Texts(1).letter(size)
    bench.measure(prose)
    base, _ = bench.measure(prose)
    rows = []
    print(f"prose of {size} characters: {base['all']:.2f} s\n")
    print(f"{'ratio':>6} {'s':>6} {'patterns':>8} {'secrets':>8} {'student':>8} {'rest':>6}  unit")
    for unit in UNITS:
        text = shape(unit, size)
        cost, result = bench.measure(text)
        note = (result.uninspected or "") + ("" if found(text, result) else " ADDRESS NOT FOUND")
        rows.append((cost["all"] / base["all"], cost, unit, note))
    for ratio, cost, unit, note in sorted(rows, key=lambda row: -row[0]):
        parts = " ".join(f"{cost[name]:>8.2f}" for name in ("patterns", "secrets", "student"))
        print(f"{ratio:>6.1f} {cost['all']:>6.2f} {parts} {cost['rest']:>6.2f}  {unit[:40]!r} {note}")
    over = sum(row[0] > LIMIT for row in rows)
    print(f"\n{len(rows)} shapes, {over} over {LIMIT} times the cost of prose")
    return 2 if over else 0


if __name__ == "__main__":
    sys.exit(main())
