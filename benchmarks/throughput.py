"""CPU of inspection per kB at each depth, beside stock Presidio in the same run: ``python -m benchmarks.throughput``.

One process. Presidio has the same spaCy model and is used as its documentation shows first
(``benchmarks.peer_engines``). Engines take turns, every text is new to its engine, and CPU time counts, so that what
else the machine does matters little. Ratios are what to read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import tldextract
from rich.console import Console
from rich.table import Table

from benchmarks.peer_engines import presidio
from benchmarks.texts import Texts
from proxy.inspect_worker import WARM, build

ROOT = Path(__file__).resolve().parents[1]
SIZES = ((1_000, 20), (20_000, 3), (200_000, 1))
"""Characters of a text, and how many of them."""
Engine = Callable[[str], object]


def engines(models: Path) -> dict[str, Engine]:
    """Name -> what inspects one text; the yardstick first."""
    stock = presidio(str(models / "spacy-en"))  # first: our detectors load Presidio without spaCy
    full = build(models, names=True)
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # Presidio's would fetch a list
    return {
        "Presidio": stock,
        "full": lambda text: full.inspect([text]),
        "fast": lambda text: full.inspect([text], fast=True),
    }


def measure(engine: Engine, texts: list[str]) -> float:
    """CPU milliseconds per kB."""
    started = time.process_time()
    for text in texts:
        engine(text)
    return (time.process_time() - started) * 1e6 / sum(map(len, texts))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models", help="installed models")
    parser.add_argument("--most", type=int, default=SIZES[-1][0], help="characters of the longest text")
    asked = parser.parse_args()
    made = engines(asked.models)
    for engine in made.values():
        engine(WARM)
    table = Table(title="CPU ms per kB, and how many times as fast as Presidio", title_justify="left")
    for name in ("characters", "texts", *made):
        table.add_column(name, justify="right")
    for size, count in SIZES:
        if size > asked.most:
            continue
        used = dict.fromkeys(made, 0.0)
        for number in range(count):
            for at, (name, engine) in enumerate(made.items()):
                used[name] += measure(engine, [Texts(100 * size + 10 * number + at).letter(size)]) / count
        cells = [f"{ms:.1f} ({used['Presidio'] / ms:.1f}×)" for ms in used.values()]
        table.add_row(str(size), str(count), *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
