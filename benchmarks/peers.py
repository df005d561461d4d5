"""``make bench-peers``: other detectors and ours on the same texts, counted by the same code, in one run.

Every text goes to every engine: stock Presidio, scrubadub, datafog, pii-anon, detect-secrets (in processes of their
own, ``benchmarks/peer_engines.py``) and this project's detectors as the gate runs them. A leak is a sensitive span with
any letter or digit left, over-mask the share of innocent letters and digits that are masked, flagged the share of texts
with any finding; the figures are those of ``sealgate models evaluate`` (``proxy.models.leaks``). An engine that raises
on a text has found nothing there, and how often that happened is printed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from proxy.commands.leaks import detectors
from proxy.inspect_worker import FAST, FULL, WARM
from proxy.models.leaks import Detect, SetFigures, label_map, labelled_sets, measure
from redaction.types import Finding

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OWN = {"sealgate": FULL, "sealgate fast": FAST}
HERE_INSTALLED = ("presidio", "presidio+org")
"""Engines of this project's own environment; the others have one of their own."""
PEERS = (*HERE_INSTALLED, "scrubadub", "datafog", "pii-anon", "detect-secrets")
SETS = (
    "presidio_synth_v2_dev", "presidio_large_dev", "tab_train", "panorama_dev", "wnut17_dev", "btc_dev",
    "namebias_test", "meddocan_dev", "echr_es_dev", "echr_fr_dev", "pl_pii_core", "ids_stdnum_dev",
    "secrets_rules_dev", "secrets_rules_neg", "benign_dev", "people_b_prompts", "people_b_posts", "people_b_business",
    "people_b_benign",
)  # fmt: skip
LANGUAGE = {"meddocan_dev": "es", "echr_es_dev": "es", "echr_fr_dev": "fr", "pl_pii_core": "pl"}


class Peer(AbstractContextManager["Peer"]):
    """An engine in its process. ``detect`` raises OSError when the process is gone."""

    def __init__(self, name: str, python: Path, model: Path) -> None:
        command = [str(python), str(HERE / "peer_engines.py"), name, str(model)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version: str = self._read()["version"]
        self.cpu_s, self.chars, self.errors = 0.0, 0, 0

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise OSError("the engine's process ended; is it installed? see `make bench-peers`")
        return json.loads(line)

    def detect(self, text: str, /) -> Sequence[Finding]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        self.cpu_s += answer["cpu_s"]
        self.chars += len(text)
        self.errors += "error" in answer
        return [Finding(start, end, label, 1.0, "peer") for start, end, label in answer.get("spans", ())]

    def take_ms_per_kb(self) -> float:
        """CPU milliseconds per 1000 characters since the last call."""
        spent = self.cpu_s * 1e6 / max(1, self.chars)
        self.cpu_s, self.chars = 0.0, 0
        return round(spent, 2)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True, help="folder of labelled sets")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers", help="environment of the other engines")
    parser.add_argument("--data", type=Path, default=ROOT / "var")
    parser.add_argument("--limit", type=int, default=300, help="about so many texts of each set, evenly spread")
    parser.add_argument("--set", dest="sets", action="append", choices=SETS)
    parser.add_argument("--engine", dest="engines", action="append", choices=[*OWN, *PEERS])
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    files, names = labelled_sets(args.suite, args.sets or SETS), label_map(args.suite)
    rows: dict[str, list[SetFigures]] = {}
    versions: dict[str, str] = {}
    for engine in args.engines or (*OWN, *PEERS):
        print(f"{engine} …", file=sys.stderr, flush=True)
        if engine in OWN:
            ours = _ours(args.data, engine)
            ours(WARM)  # the others are loaded before their first text, too
            rows[engine] = [measure(f, ours, names, _quiet, args.limit) for f in files]
            continue
        python = Path(sys.executable) if engine in HERE_INSTALLED else args.peers / "bin" / "python"
        with Peer(engine, python, args.data / "models" / "spacy-en") as peer:
            rows[engine] = [_measured(f, peer, names, args.limit) for f in files]
            versions[engine] = peer.version + (f" ({peer.errors} texts raised)" if peer.errors else "")
    print(table(rows, versions))
    if args.json:
        args.json.write_text(json.dumps({e: [asdict(f) for f in found] for e, found in rows.items()}, indent=1))


def _ours(data: Path, engine: str) -> Detect:
    return detectors(data, OWN[engine])


def _measured(file: Path, peer: Peer, names: Any, limit: int) -> SetFigures:
    figures = measure(file, peer.detect, names, _quiet, limit)
    return replace(figures, ms_per_kb=peer.take_ms_per_kb())


def _quiet(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done}/{total} ", end="" if done < total else "\r", file=sys.stderr, flush=True)


def table(rows: dict[str, list[SetFigures]], versions: dict[str, str]) -> str:
    """Markdown, a line per set, a column per engine: ``leak / over-mask``, ``flagged`` where nothing is sensitive."""
    engines = list(rows)
    out = ["| set | texts | " + " | ".join(engines) + " |", "|---|--:|" + "--:|" * len(engines)]
    for number, first in enumerate(rows[engines[0]]):
        cells = [_cell(rows[engine][number]) for engine in engines]
        language = f" ({LANGUAGE[first.name]})" if first.name in LANGUAGE else ""
        out.append(f"| {first.name}{language} | {first.texts} | " + " | ".join(cells) + " |")
    speeds = [_median([f.ms_per_kb for f in rows[engine]]) for engine in engines]
    out.append("| CPU ms per kB, median of the sets | | " + " | ".join(f"{s:.1f}" for s in speeds) + " |")
    said = ", ".join(f"{engine} {v}" for engine, v in versions.items())
    return "\n".join([*out, "", f"Run on {datetime.now(UTC):%Y-%m-%d} with {said}; {sys.version.split()[0]}."])


def _cell(figures: SetFigures) -> str:
    if figures.leak is None:
        return f"flagged {figures.flagged.value:.2f}"
    return f"{figures.leak.value:.3f} / {figures.over_mask.value * 100:.1f} %"


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


if __name__ == "__main__":
    main()
