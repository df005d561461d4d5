"""What attestation costs: ``python -m benchmarks.attested``, or ``make bench-attested``; ``--quick`` for some seconds.

Two upstreams are the same server with the same key on loopback. One is zone ``cloud``: its certificate is checked as
any other. One is zone ``enclave``: a lease is looked up and checked, and its connection is pinned. Requests alternate
and go the whole way from the decision to the answer (prepare, record, receipt, door, TLS 1.3), without the disk and
without inspection, which are the same for both. Then: what one attestation costs from question to lease, and what
verification of each kind of evidence costs, of new simulated evidence each time and of a real vector if there is one.
CPU is this process's: beside other work the clock shows theirs as well, so CPU is what the aims are compared with.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from rich.console import Console
from rich.table import Column, Table

from attestation.simulator.intel import shared_intel
from attestation.simulator.nitro import shared_hypervisor
from attestation.simulator.server import SimulatedEnclave
from attestation.simulator.snp import shared_platform
from attestation.trust import VENDORS, SimulatedTrust, amd_chain
from attestation.types import NO_COLLATERAL, Collateral, Evidence
from attestation.verify import verify
from policies.types import Requirements, Zone
from proxy.app import SystemClock
from proxy.audit.canonical import canonical
from proxy.audit.record import Common, Intent, record_json
from proxy.audit.store import issue
from proxy.egress import ControlDoor, DataDoor
from proxy.outbound import Outbound
from proxy.ports import Candidate
from proxy.settings import AttestationConfig, UpstreamConfig
from proxy.upstreams.enclave import EnclaveLeases

WARM = 50
"""Requests before it counts: connections and caches are warm from then on."""
AIM_MS = 1.0
"""What an attested request on a warm lease may add."""
AIMS_MS: Mapping[str, float] = {"SNP": 3.0, "TDX": 2.0, "Nitro": 4.0}
"""What a warm verification may take."""
BODY = b'{"model":"m","messages":[{"role":"user","content":"' + b"word " * 60 + b'"}]}'
OWN = "SEALGATE_BENCH_CERTIFICATE"


class Served(SimulatedEnclave):
    """An enclave with one key, whose certificate is also one that the web's rules accept, if its file is trusted."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def rotate_key(self) -> None:
        key = x509.load_pem_x509_certificate((self._folder / "tls.pem").read_bytes()).public_key()
        self.spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._tls.load_cert_chain(self._folder / "tls.pem")


def certificate(folder: Path) -> None:
    """``tls.pem``: a self-signed certificate for 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    own = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(own, False).add_extension(x509.BasicConstraints(True, None), True)
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.pem").write_bytes(pem + private)


async def serve(folder: Path) -> None:
    """Until stdin closes."""
    async with Served(folder) as enclave:
        (folder / "root.der").write_bytes(enclave.trust.root)
        print(enclave.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[str, SimulatedTrust]]:
    args = (sys.executable, "-m", "benchmarks.attested", "--serve", str(folder))
    process = await asyncio.create_subprocess_exec(*args, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdin is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        yield url, SimulatedTrust((folder / "root.der").read_bytes())
    finally:
        process.stdin.close()
        await process.wait()


@dataclass
class Taken:
    """Seconds by the clock and of CPU, of each of a row of events."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def warm(self, first: int) -> Taken:
        """Without the first ones."""
        return Taken(self.wall[first:], self.cpu[first:])


@dataclass
class Ways:
    """Both upstreams behind one door."""

    door: DataDoor
    leases: EnclaveLeases
    seq: int = 0
    taken: dict[str, Taken] = field(default_factory=lambda: {"plain": Taken(), "attested": Taken()})

    async def ask(self, name: str) -> None:
        zone = Zone.ENCLAVE if name == "attested" else Zone.CLOUD
        self.seq += 1
        with self.taken[name].one():
            lease = await self.door.prepare(Candidate(name, "m", zone, False), Requirements(max_age_s=600))
            out = Outbound(
                name, "POST", "/chat/completions", headers=(("content-type", "application/json"),), body=BODY
            )
            digest = out.digest()
            common = Common("r", "t", "a", None, "openai.chat", "/v1", "m", "public", {}, {}, ("x",), "p", {})
            record = lease.record() if lease is not None else None
            canonical(record_json(Intent(common, "allowed", zone.word, name, "m", {}, record, "00", len(BODY))))
            async with self.door.send(issue(self.seq, "r", name, digest), out) as answer:
                size = sum([len(c) async for c in answer.chunks])
        if answer.status != 200 or not size:
            raise SystemExit(f"benchmark: {name} answered {answer.status}")


async def nothing(code: str, details: Mapping[str, object]) -> None:
    """Records are the same disk for both."""


async def requests(rounds: int) -> tuple[Ways, Taken]:
    """Both ways in turns, and what attestations took from question to lease."""
    with tempfile.TemporaryDirectory(prefix="sealgate-bench-") as name:
        folder = Path(name)
        folder.joinpath("tls.pem").write_bytes(Path(os.environ[OWN]).read_bytes())
        async with served(folder) as (url, trust):
            proof = AttestationConfig("sealgate-snp", "bench")
            config = {
                "plain": UpstreamConfig("plain", Zone.CLOUD, "openai", url),
                "attested": UpstreamConfig("attested", Zone.ENCLAVE, "openai", url, attestation=proof),
            }
            want = SimulatedEnclave().expectations("bench", dt.date.max)
            leases = EnclaveLeases(
                config, {"bench": want}, ControlDoor(config), SystemClock(), trust=VENDORS, simulated=trust,
                on_event=nothing,
            )  # fmt: skip
            ways = Ways(DataDoor(config, leases=leases), leases)
            for i in range(rounds + WARM):
                for way in ("plain", "attested") if i % 2 else ("attested", "plain"):
                    await ways.ask(way)
            cold = Taken()
            for _ in range(max(20, rounds // 50)):
                changed = dataclasses.replace(want, approved_by=f"bench-{time.monotonic_ns()}")
                leases.expect({"bench": changed})  # other expectations void the lease
                with cold.one():
                    await leases.current("attested", Requirements())
            await ways.door.close()
            return ways, cold


# --- verification


Case = tuple[Evidence, dt.datetime, SimulatedTrust | None, Collateral]


def simulated(kind: str, n: int) -> Case:
    """New evidence, signed now, by the same machine."""
    data = n.to_bytes(32, "big") + bytes(32)
    now = dt.datetime.now(dt.UTC)
    if kind == "SNP":
        return shared_platform().evidence(data), now, shared_platform().trust, NO_COLLATERAL
    if kind == "TDX":
        intel = shared_intel()
        return Evidence("tdx", intel.tdx_quote(data)), now, intel.trust, _intel_collateral()
    return shared_hypervisor().evidence(now, nonce=data), now, shared_hypervisor().trust, NO_COLLATERAL


_INTEL: list[Collateral] = []


def _intel_collateral() -> Collateral:
    if not _INTEL:
        _INTEL.append(shared_intel().collateral(dt.datetime.now(dt.UTC)))
    return _INTEL[0]


def real(kind: str, folder: Path) -> Case | None:
    """A vector with its pinned time, where the folder is there."""
    if not (folder / "MANIFEST.md").exists():
        return None
    if kind == "SNP":
        report = (folder / "snp/milan_virtee/report.bin").read_bytes()
        leaf = (folder / "snp/milan_virtee/vcek_milan.der").read_bytes()
        return (
            Evidence("snp", report, (leaf, *amd_chain("Milan"))),
            dt.datetime(2026, 9, 18, tzinfo=dt.UTC),
            None,
            NO_COLLATERAL,
        )
    if kind == "TDX":
        text = (folder / "tdx/dcap-qvl/tdx_quote_collateral.json").read_text()
        quote = (folder / "tdx/dcap-qvl/tdx_quote").read_bytes()
        return Evidence("tdx", quote), dt.datetime(2025, 6, 19, 11, tzinfo=dt.UTC), None, Collateral(intel=text)
    document = (folder / "dstack/nitro_attestation.cose").read_bytes()
    return Evidence("nitro", document), dt.datetime(2025, 12, 25, 16, 4, 19, tzinfo=dt.UTC), None, NO_COLLATERAL


def verifying(cases: Sequence[Case]) -> Taken:
    taken = Taken()
    for evidence, now, trust, collateral in cases:
        with taken.one():
            verify(evidence, now, VENDORS, trust, collateral)
    return taken.warm(5)


def verifications(rounds: int, vectors: Path) -> list[tuple[str, str, Taken]]:
    out = []
    for kind in AIMS_MS:
        out.append((kind, "simulated, new each time", verifying([simulated(kind, i) for i in range(rounds)])))
        if (case := real(kind, vectors)) is not None:
            out.append((kind, "real vector, repeated", verifying([case] * rounds)))
    return out


# --- figures


def ms(seconds: Sequence[float], share: float = 0.5) -> float:
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000


def met(value: float, aim: float) -> str:
    return f"{aim:g} ms: {'met' if value < aim else 'MISSED'}"


def show(console: Console, ways: Ways, cold: Taken, verified: Sequence[tuple[str, str, Taken]]) -> None:
    plain, attested = (ways.taken[name].warm(WARM) for name in ("plain", "attested"))
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    console.print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}, load {load}")
    console.print("\nOne request, warm lease, milliseconds")
    table = Table("way", *(Column(name, justify="right") for name in ("n", "p50", "p90", "p99", "CPU p50")))
    for name, taken in (("plain", plain), ("attested", attested), ("attestation, cold", cold)):
        shown = (f"{ms(taken.wall, share):.2f}" for share in (0.5, 0.9, 0.99))
        table.add_row(name, str(len(taken.wall)), *shown, f"{ms(taken.cpu):.2f}")
    console.print(table)
    added = ms(attested.wall) - ms(plain.wall)
    console.print(f"attested / plain: {ms(attested.wall) / ms(plain.wall):.2f}× by the clock, "
                  f"{ms(attested.cpu) / ms(plain.cpu):.2f}× of CPU")  # fmt: skip
    cpu = ms(attested.cpu) - ms(plain.cpu)
    console.print(f"added at p50: {added:+.2f} ms by the clock, {cpu:+.2f} ms of CPU (aim {met(cpu, AIM_MS)})")
    console.print("\nVerification, the machine's certificates seen before, milliseconds")
    right = (Column(name, justify="right") for name in ("n", "p50", "CPU p50"))
    table = Table("kind", "evidence", *right, "aim (CPU)")
    for kind, what, taken in verified:
        row = (f"{ms(taken.wall):.2f}", f"{ms(taken.cpu):.2f}", met(ms(taken.cpu), AIMS_MS[kind]))
        table.add_row(kind, what, str(len(taken.wall)), *row)
    console.print(table)


def trusted(run: Callable[[], None]) -> None:
    """Runs itself again with a certificate that the client library trusts: it reads the file when it is imported."""
    if OWN in os.environ:
        run()
        return
    with tempfile.TemporaryDirectory(prefix="sealgate-bench-") as name:
        certificate(Path(name))
        file = str(Path(name) / "tls.pem")
        again = [sys.executable, "-m", "benchmarks.attested", *sys.argv[1:]]
        ended = subprocess.run(again, env={**os.environ, OWN: file, "SSL_CERT_FILE": file}, check=False)
    sys.exit(ended.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the requests")
    parser.add_argument("--vectors", type=Path, default=Path("../shared/reference/vectors"), help="real evidence")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        asyncio.run(serve(options.serve))
        return
    rounds = 300 if options.quick else 3000

    warnings.filterwarnings("ignore", "Parsed a serial number")  # AMD's have number 0

    def run() -> None:
        ways, cold = asyncio.run(requests(rounds))
        show(Console(width=110), ways, cold, verifications(max(60, rounds // 6), options.vectors))

    trusted(run)


if __name__ == "__main__":
    main()
