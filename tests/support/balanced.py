"""Several enclaves with keys of their own behind one port, as a load balancer that ends no TLS has them."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Self

from egress_support import Events, HandClock, chat, enclave, receipt_for
from fake_tls import Identity, TlsPeer
from lease_support import CLINIC

from attestation.binding import sealgate_snp_report_data
from attestation.simulator.snp import shared_platform
from attestation.trust import VENDORS
from attestation.wire import encode_sealgate_snp
from policies.types import Requirements, Zone
from proxy.egress import ControlDoor, DataDoor
from proxy.ports import Candidate
from proxy.upstreams.enclave import EnclaveLeases

CANDIDATE = Candidate("sealed", "m", Zone.ENCLAVE, False)
ASKED = b"GET /.well-known/attestation?nonce="


class Machine(TlsPeer):
    """Proves the key ``attested``, its own unless a test says otherwise; remembers the requests that it was sent."""

    def __init__(self) -> None:
        super().__init__(Identity())
        self.attested: Identity | None = None
        self.answer = self._said
        self._earlier: dict[int, str] = {}

    @property
    def attestations(self) -> int:
        return self.received.count(ASKED)

    @property
    def requests(self) -> list[int]:
        """Numbers of the requests that came, as :meth:`Site.send` numbers them."""
        return [int(part[:6]) for part in bytes(self.received).split(b'"number": "')[1:]]

    def keys(self) -> dict[int, str]:
        """Number of each request that came -> the key that it came to."""
        return dict.fromkeys(self.requests, self.identity.pin.hex()) | self._earlier

    async def _stop(self) -> None:
        await super()._stop()
        self._earlier = self.keys()

    def _said(self, head: bytes) -> bytes:
        if not head.startswith(ASKED):
            return b'{"ok":1}'
        nonce = bytes.fromhex(head.split(b"nonce=")[1][:64].decode())
        spki = (self.attested or self.identity).spki
        return encode_sealgate_snp(shared_platform().evidence(sealgate_snp_report_data(spki, nonce)))


@dataclass
class Site:
    """``async with Site(3) as site``: each new connection goes to the machine that ``order`` names next."""

    many: int
    options: dict[str, Any] = field(default_factory=dict)
    order: Iterator[int] | None = None
    dialled: Counter[int] = field(default_factory=Counter)
    """Connections by machine."""
    relayed: Counter[int] = field(default_factory=Counter)
    """Bytes towards each machine, encrypted as they are."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    recorded: dict[int, str] = field(default_factory=dict)
    """Number of a request -> the key that its records name."""
    silent: set[int] = field(default_factory=set)
    """Machines whose connections are taken and never answered."""
    waiting: list[asyncio.StreamWriter] = field(default_factory=list)
    slow: asyncio.Event | None = None
    """Until it is set, no new connection gets on."""
    on_recorded: Callable[[], None] | None = None
    """Called between a request's record and its send."""

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        self.machines = [await self._stack.enter_async_context(Machine()) for _ in range(self.many)]
        self.order = self.order or cycle(range(self.many))
        self.server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.config = {"sealed": enclave(f"https://127.0.0.1:{port}/v1", **self.options)}
        self.clock, self.events, self.denied = HandClock(), Events(), set[str]()
        self.control = ControlDoor(self.config)
        self.leases = EnclaveLeases(
            self.config, {"clinic": CLINIC}, self.control, self.clock, trust=VENDORS,
            simulated=shared_platform().trust, on_event=self.events, denied=lambda: frozenset(self.denied),
            jitter=lambda: 0.0,
        )  # fmt: skip
        self.door = DataDoor(self.config, leases=self.leases)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leases.close()
        await self.door.close()
        self.server.close()
        for writer in self.waiting:
            writer.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._stack.aclose()

    async def send(self, number: int, want: Requirements = Requirements()) -> bytes:  # noqa: B008
        """One request, prepared, recorded and sent as the flow does it."""
        lease = await self.door.prepare(CANDIDATE, want)
        assert lease is not None
        out = dataclasses.replace(chat("sealed"), body=json.dumps({"number": f"{number:06}"}).encode())
        receipt = receipt_for(out)
        if self.on_recorded is not None:
            self.on_recorded()
        self.recorded[number] = lease.key_sha256
        try:
            async with self.door.send(receipt, out) as answer:
                return b"".join([c async for c in answer.chunks])
        finally:
            for code, details in self.events.seen:
                if code == "enclave_lease_replaced" and details["ref_seq"] == receipt.seq:
                    self.recorded[number] = str(details["key_sha256"])

    def hold(self) -> asyncio.Event:
        """Answers to requests wait for it, so that each needs a connection of its own."""
        event = asyncio.Event()
        for machine in self.machines:
            machine.hold = event
        return event

    def sent(self) -> int:
        return sum(len(machine.requests) for machine in self.machines)

    def attestations(self) -> list[int]:
        return [machine.attestations for machine in self.machines]

    def named_by_records(self) -> bool:
        """Whether the records of every request name the key of the machine that it came to."""
        return all(self.recorded[n] == key for machine in self.machines for n, key in machine.keys().items())

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self.order is not None
        which = next(self.order)
        self.dialled[which] += 1
        if self.slow is not None:
            await self.slow.wait()
        if which in self.silent:
            self.waiting.append(writer)
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.machines[which].port)
        for pair in ((reader, far_writer, which), (far_reader, writer, None)):
            self.tasks.add(asyncio.ensure_future(self._pump(*pair)))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int | None) -> None:
        try:
            while data := await reader.read(65_536):
                if count is not None:
                    self.relayed[count] += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
