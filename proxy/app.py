"""Composition root: the only place that names concrete classes. Builds a gate from settings, starts and stops it.

Nothing here decides; it orders the start (keys, policy, ledger, models, workers, listeners) so that a gate that serves
is a gate whose every part is ready, and the stop, which lets running answers finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from attestation.trust import VENDORS, SimulatedTrust
from policies.decide import anyone_full
from proxy import admin, keys, observe, surfaces
from proxy.approvals import Approvals
from proxy.audit.sqlite import SqliteStore
from proxy.audit.store import LEDGER
from proxy.batches import Batches, MessageBatches
from proxy.catalog import Catalog
from proxy.collateral.fetch import Vendors
from proxy.collateral.job import CollateralJob
from proxy.dialects.anthropic import AnthropicMessages
from proxy.egress import ControlDoor, DataDoor, VendorDoor
from proxy.errors import ConfigError, VaultUnavailable
from proxy.files import Files
from proxy.flow import Flow
from proxy.health import Breaker
from proxy.inspect import WorkerPool
from proxy.listener import Runner
from proxy.models import store as models
from proxy.pieces import PieceFlow
from proxy.policyfile import PolicyFile, locate
from proxy.routing import ModelRouter
from proxy.selfcheck import foreign_files
from proxy.server import Server
from proxy.settings import SPEAKS, Settings
from proxy.state import State
from proxy.stored import StoredResponses
from proxy.tasks import spawn
from proxy.upstreams.enclave import EnclaveLeases
from proxy.upstreams.local import LocalEngine
from proxy.vault import VAULT, SqliteVault

log = logging.getLogger("sealgate")
AnyFlow = TypeVar("AnyFlow", bound=Flow)

WATCH_S = 1.0
"""How often policy and certificate files are looked at for changes."""
SWEEP_S = 600.0
"""How often expired state is removed."""
BUNDLES = {"smollm2-135m": ("smollm2", "model.gguf")}
"""Embedded models: public name -> (bundle, file)."""


class SystemClock:
    """Implements ``ports.Clock``."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Gate:
    """A gate built from settings. As a context manager it serves inside; leaving it lets running answers finish.

    ``simulated`` makes the software enclave's root known, ``vendors`` stand-ins of vendors: the demo and tests pass
    them, no configuration can.
    """

    def __init__(
        self, settings: Settings, *, base: Path = Path(), simulated: SimulatedTrust | None = None,
        vendors: Vendors | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._simulated = simulated
        self._vendors = vendors or VendorDoor()
        self._base = base
        self._stack = contextlib.AsyncExitStack()
        self._reloading = asyncio.Lock()
        self.clock = SystemClock()
        self._engines: dict[str, LocalEngine] = {}
        self.url = ""
        self.admin_url = ""

    async def __aenter__(self) -> Gate:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops taking requests, waits for running answers (``limits.shutdown_s``), then stops every part."""
        self.server.gauge.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.limits.shutdown_s):
                await self.server.gauge.empty()
        await self._stack.aclose()

    async def _start(self) -> None:
        """Raises ConfigError with one line that says what to do."""
        if foreign := foreign_files():
            raise ConfigError(f"{foreign[0]} is not the installed file of this release; reinstall Sealgate")
        observe.quiet_libraries()
        s = self.settings
        refuse_plain_http(s)
        secret = keys.load_or_create(s.keys_file or s.data.with_name(s.data.name + ".keys"))
        self.policy = PolicyFile(locate(s.policy, self._base))
        self.store = await self._ledger(secret)
        self.vault = await self._vault(secret)
        self.workers = await self._inspection(secret)
        self.door = await self._doors()
        self.router = ModelRouter(s.models, s.upstreams, Breaker(self.clock.monotonic))
        flow = self._flow(Flow, secret)
        self.server = Server(s, flow, (self._catalog, self._held_paths(secret)))
        await self._listen()
        await self._event("started", {"policy_revision": self.policy.current().revision})
        watcher = spawn(self._watch(), "watch-files")
        self._stack.push_async_callback(_cancelled, watcher)
        self._stack.push_async_callback(_cancelled, spawn(self.leases.run(), "leases"))
        if self.collateral is not None:
            self._stack.push_async_callback(_cancelled, spawn(self.collateral.run(), "collateral"))
        self._stack.callback(setattr, self.server.gauge, "draining", True)

    def _flow(self, make: type[AnyFlow], secret: keys.Keys) -> AnyFlow:
        days = self.settings.limits
        return make(
            policy=self.policy.current,
            inspector=self.workers,
            router=self.router,
            store=self.store,
            door=self.door,
            clock=self.clock,
            purpose=secret.purpose,
            state=State(self.vault, dt.timedelta(days=days.state_days), dt.timedelta(days=days.history_days)),
        )

    def _catalog(self, server: Server, router: web.UrlDispatcher) -> None:
        Catalog(server, self.router.names).add(router)

    def _held_paths(self, secret: keys.Keys) -> Callable[[Server, web.UrlDispatcher], None]:
        """Files, batches and stored responses."""
        flow, limits, folder = self._flow(PieceFlow, secret), self.settings.limits, self.settings.data / "spool"
        depth = limits.json_depth
        lines = {u.route: u.dialect for u in surfaces.table(depth) if u.dialect.name in SPEAKS["openai"]}

        def add(server: Server, router: web.UrlDispatcher) -> None:
            Files(server, flow, self.vault, limits, lines, folder).add(router)
            Batches(server, flow, self.vault, limits).add(router)
            StoredResponses(server, flow, self.vault, limits).add(router)
            MessageBatches(server, flow, self.vault, limits, AnthropicMessages(depth), folder).add(router)

        return add

    async def _ledger(self, secret: keys.Keys) -> SqliteStore:
        private_folder(self.settings.data)
        store = SqliteStore(self.settings.data / LEDGER, secret.purpose("audit"), self.clock.now)
        await store.open()
        self._stack.push_async_callback(store.close)
        return store

    async def _vault(self, secret: keys.Keys) -> SqliteVault:
        vault = SqliteVault(self.settings.data / VAULT, secret.purpose, self.clock.now)
        self._stack.push_async_callback(vault.close)
        await vault.open()
        return vault

    async def _inspection(self, secret: keys.Keys) -> WorkerPool:
        s, full = self.settings, self._anyone_full()
        folder, key = models.models_dir(s.data), secret.purpose("cache")
        pool = WorkerPool(
            folder, names=True, workers=s.workers, limits=s.limits, cache_key=key, full=full, recognizers=s.recognizers
        )
        pool.use(self.policy.current().detect)
        self._stack.push_async_callback(pool.close)
        await pool.start()
        return pool

    def _anyone_full(self) -> bool:
        return anyone_full(self.policy.current(), (a.name for a in self.settings.apps))

    async def _doors(self) -> DataDoor:
        s = self.settings
        control = ControlDoor(s.upstreams, s.onprem_networks)
        self._stack.push_async_callback(control.close)
        names = {u.attestation.expectations for u in s.upstreams.values() if u.attestation is not None}
        self.collateral = self._published()
        self.approvals = Approvals(s.expectations, names, production=s.environment == "production")
        self.leases = leases = EnclaveLeases(
            s.upstreams,
            self.approvals.expectations,
            control,
            self.clock,
            trust=VENDORS,
            simulated=self._simulated,
            published=self.collateral,
            denied=lambda: self.approvals.denied,
            on_event=self._event,
        )
        self._stack.push_async_callback(leases.close)
        engines = self._engines
        for upstream in s.upstreams.values():
            if upstream.kind == "llama":
                engines[upstream.name] = await self._engine(upstream.model or "")
        door = DataDoor(s.upstreams, s.onprem_networks, s.limits, leases=leases, engines=engines)
        self._stack.push_async_callback(door.close)
        return door

    def _published(self) -> CollateralJob | None:
        """The store of what vendors publish; its job runs beside the requests."""
        folder = self.settings.collateral
        if folder is None:
            return None
        job = CollateralJob(folder, self._vendors, self.clock, VENDORS, self._simulated, on_event=self._event)
        job.load()
        return job

    async def _engine(self, model: str) -> LocalEngine:
        if model not in BUNDLES:
            raise ConfigError(f"there is no embedded model named '{model}'; there is: {', '.join(BUNDLES)}")
        bundle, file = BUNDLES[model]
        engine = LocalEngine(models.models_dir(self.settings.data) / bundle / file, model)
        self._stack.push_async_callback(engine.close)
        await engine.start()
        return engine

    async def _listen(self) -> None:
        s = self.settings
        self._tls = tls_context(s)
        self.url = await self._site(self.server.application(), s.listen, self._tls)
        checks = {
            "ledger": self.store.healthy,
            "inspection": lambda: self.workers.alive,
            "accepting": lambda: not self.server.gauge.draining,
        }
        self.admin_url = await self._site(admin.application(checks, self._status), s.admin, None)

    async def _site(self, app: web.Application, at: tuple[str, int], tls: ssl.SSLContext | None) -> str:
        runner = Runner(app, handler_cancellation=True, access_log=None, shutdown_timeout=1.0, auto_decompress=False)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, at[0], at[1], ssl_context=tls).start()
        except OSError as e:
            raise ConfigError(f"cannot listen on {at[0]}:{at[1]} ({e.strerror}); choose another port") from None
        host, port = runner.addresses[0][:2]
        return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def _status(self) -> Mapping[str, object]:
        policy = self.policy.current()
        return {
            "policy": policy.name,
            "policy_revision": policy.revision,
            "policy_file_invalid": self.policy.failing,
            "expectations_invalid": sorted(self.approvals.failing),
            "enclaves": self.leases.status(),
            "collateral": self.collateral.status() if self.collateral is not None else None,
            "local_models": {name: "up" if e.alive else "restarting" for name, e in self._engines.items()},
            "inspection_restarts": self.workers.restarts,
            "outcomes_waiting": self.store.lost_outcomes,
            "vault_entries_damaged": self.vault.damaged,
        }

    async def _event(self, code: str, details: Mapping[str, object]) -> None:
        await self.store.control(code, details)

    async def _watch(self) -> None:
        """Policy and certificates are taken up when their files change."""
        seen = _stamps(self.settings)
        swept = -SWEEP_S
        while True:
            await asyncio.sleep(WATCH_S)
            await self.reload()
            if (now_s := self.clock.monotonic()) - swept >= SWEEP_S:
                swept = now_s
                await self._sweep()
            if (now := _stamps(self.settings)) != seen:
                seen = now
                self._reload_tls()

    async def _sweep(self) -> None:
        try:
            await self.vault.expire()
        except VaultUnavailable as e:
            log.error("expired state was not removed: %s", e.code)

    async def reload(self) -> None:
        """Looks at the policy and at what is approved again (also on SIGHUP), and records what came of it."""
        await self._approve()
        async with self._reloading:
            code = self.policy.take(await asyncio.to_thread(self.policy.look))
            self.workers.use(self.policy.current().detect)
        if code is None:
            return
        await self._event(code, {"policy_revision": self.policy.current().revision})
        if self._anyone_full():
            try:
                await self.workers.deepen()
            except ConfigError as e:
                log.error("full inspections find nothing inspected: %s", e.message)

    async def _approve(self) -> None:
        """Approved images and what is denied, as their files are now: holds at the next send."""
        async with self._reloading:
            found = await asyncio.to_thread(self.approvals.look)
            if found is None:
                return
            self.approvals.take(found)
            self.leases.expect(self.approvals.expectations)
        await self._event("expectations_reloaded", self.approvals.record())

    def _reload_tls(self) -> None:
        tls = self.settings.tls
        if self._tls is None or tls is None:
            return
        try:
            self._tls.load_cert_chain(tls.certificate, tls.key)
            log.warning("the TLS certificate was reloaded")
        except (OSError, ssl.SSLError) as e:
            log.error("the new TLS certificate cannot be used (%s); the old one stays", type(e).__name__)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def private_folder(path: Path) -> None:
    """Makes the data directory, for its owner only."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as e:
        raise ConfigError(f"{path}: cannot make the data directory ({e.strerror})") from None


def refuse_plain_http(settings: Settings) -> None:
    """Off loopback the data plane speaks TLS; the admin listener stays on loopback."""
    if settings.tls is None and not _loopback(settings.listen[0]):
        raise ConfigError(
            f"listen: plain HTTP on {settings.listen[0]} would carry app keys in the clear; set `tls:` or use 127.0.0.1"
        )
    if not _loopback(settings.admin[0]):
        raise ConfigError("admin: the admin listener has no login yet and must stay on loopback")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Inbound TLS 1.2 or newer, or None for plain HTTP on loopback."""
    if settings.tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls.certificate, settings.tls.key)
    except (OSError, ssl.SSLError) as e:
        raise ConfigError(f"tls: cannot use the certificate and key ({type(e).__name__})") from None
    return context


def _stamps(settings: Settings) -> tuple[int, ...]:
    if settings.tls is None:
        return ()
    return tuple(p.stat().st_mtime_ns if p.exists() else 0 for p in (settings.tls.certificate, settings.tls.key))
