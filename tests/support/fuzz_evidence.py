"""Millions of damaged pieces of evidence through every parser: ``make fuzz-evidence``. Only documented errors come out,
none takes long, and memory stays where it was.

A seeded mutator works on honest samples: bits, bytes, cuts, doubled and foreign pieces, lengths of all kinds. It prints
what was run. A failure prints parser, seed and number, so that ``--only`` and ``--seed`` bring it back.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("property", "unit/attestation/providers")]

import test_attestation_kinds as kinds  # noqa: E402
import test_attestation_parsers as parsers  # noqa: E402
import test_fuzz_reports as reports  # noqa: E402
import tinfoil_support as tinfoil  # noqa: E402

from attestation import ehbp, strictjson, x509  # noqa: E402
from attestation.providers.base import Heard, Reply  # noqa: E402
from attestation.sealing import SealingError  # noqa: E402
from attestation.simulator.providers.tinfoil_lies import Form  # noqa: E402
from attestation.simulator.providers.tinfoil_present import present  # noqa: E402
from attestation.snp.report import parse_report  # noqa: E402
from attestation.snp.vcek import parse_endorsement  # noqa: E402
from attestation.types import Malformed, Rejected  # noqa: E402
from attestation.wire import parse_sealgate_snp  # noqa: E402

Parse = Callable[[bytes], object]
SLOW_S = 2.0
"""No single document of these sizes may take longer, on whatever machine."""
GROWTH_MIB = 200
SLICE_S = 0.3
"""Parsers take turns: a quick one reads more in its time."""
_LENGTHS = (b"\0", b"\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff", b"\x80", b"\x00\x01")


def samples() -> dict[str, tuple[Parse, list[bytes]]]:
    """Name -> parser and honest documents for it."""
    found: dict[str, tuple[Parse, list[bytes]]] = {n: (p, [raw]) for n, (p, raw) in kinds.SAMPLES.items()}
    found["snp"] = (parse_report, [parsers.GOOD.report])
    found["certificate"] = (lambda raw: parse_endorsement(x509.load_certificate(raw)), list(parsers.GOOD.certificates))
    found["crl"] = (x509.load_crl, [parsers.CRL])
    found["document"] = (parse_sealgate_snp, [parsers.DOCUMENT])
    found["key-config"] = (lambda raw: ehbp.parse_key_config(raw, ehbp.KEYS_TYPE), [ehbp.encode_key_config(b"\7" * 32)])
    found["json"] = (lambda raw: strictjson.raw_members(raw, 2**20), [parsers.DOCUMENT])
    machine = tinfoil.machine()
    for form, provider in tinfoil.OPTIONS.items():
        found[f"tinfoil-{form}"] = (
            lambda raw, p=provider: p.read(tinfoil.heard(raw, machine), tinfoil.NONCE),
            [present(machine, Form(form), None, tinfoil.pin(), tinfoil.NONCE)],
        )
    for name, (_, provider) in reports.CASES.items():
        _, heard = reports.heard_by(name)
        certificate, raw = heard.certificate, heard.replies["report"].body
        found[f"report-{name}"] = (
            lambda raw, p=provider, c=certificate: p.read(Heard({"report": Reply(raw)}, c), reports.NONCE),
            [raw],
        )
    return found


def damaged(rng: random.Random, whole: bytes, others: list[bytes]) -> bytes:
    """One to four changes."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.choice((1, 2, 4, 16, 200))]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))
        elif kind == 3:
            data[at : at + 4] = rng.choice(_LENGTHS)
        elif kind == 4:
            data[at:at] = data[at : at + rng.choice((1, 8, 64, 512))]
        elif kind == 5:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            data[at : at + 8] = other[start : start + rng.choice((4, 32, 256))]
        elif kind == 6:
            del data[at:]
        else:
            data[at : at + 1] = bytes((rng.randrange(256),))
    return bytes(data)


def run(only: str, executions: int, seed: int, seconds: float) -> int:
    """How many were run until either bound. Raises whatever a parser raised that it may not."""
    every = samples()
    chosen = {n: v for n, v in every.items() if n.startswith(only)}
    others = [raw for _, sources in every.values() for raw in sources]
    done, began, slowest = 0, time.perf_counter(), 0.0
    read = dict.fromkeys(chosen, 0)
    ran = dict.fromkeys(chosen, 0)
    base = _memory()
    while done < executions and time.perf_counter() - began < seconds:
        for name, (parse, sources) in chosen.items():
            rng = random.Random(f"{seed} {name} {ran[name]}")
            number, until = 0, time.perf_counter() + SLICE_S
            while time.perf_counter() < until:
                raw = damaged(rng, rng.choice(sources), others)
                number += 1
                before = time.process_time()  # another process may have the core
                try:
                    parse(raw)
                    read[name] += 1
                except (Malformed, Rejected, SealingError):
                    pass
                except BaseException:
                    print(f"{name}: seed {seed}, {number} after {ran[name]}: {raw.hex()[:400]}", file=sys.stderr)
                    raise
                slowest = max(slowest, time.process_time() - before)
            ran[name] += number
            done += number
            if slowest > SLOW_S or _memory() - base > GROWTH_MIB:
                raise SystemExit(f"{name}: slowest {slowest:.2f} s, memory +{_memory() - base:.0f} MiB")
        print(f"\r{done:,} of {executions:,}", end="", flush=True)
    print(f"\n{done:,} documents in {time.perf_counter() - began:.0f} s, slowest {slowest * 1000:.0f} ms, "
          f"memory +{_memory() - base:.0f} MiB; only documented errors")  # fmt: skip
    for name in chosen:
        print(f"  {name:<22} {ran[name]:>10,} run, {read[name]:>9,} read")
    return done


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--executions", type=int, default=10_000_000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="end then at the latest")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="parsers whose names begin so")
    asked = parser.parse_args()
    run(asked.only, asked.executions, asked.seed, asked.minutes * 60)


if __name__ == "__main__":
    main()
