"""Gates whose enclave lets no TLS in: leases name a key for bodies, and no TLS key unless a test says so."""

from __future__ import annotations

import base64
import dataclasses
import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gate_support import RECORD, Plan, world

from attestation.simulator.fields_server import AciEnclave, FieldsEnclave
from attestation.simulator.sealed_server import SealedEnclave
from proxy.settings import AttestationConfig
from proxy.upstreams.enclave import EnclaveLeases


def unchecked_tls() -> ssl.SSLContext:
    """As a public authority that vouches for everybody: who ends the TLS must not matter."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def behind(patch: pytest.MonkeyPatch, enclave: SealedEnclave, *, pinned: bool = False, sealed: bool = True) -> None:
    """Leases of this test hold ``enclave``'s body key; its evidence binds the TLS key only."""
    proved = EnclaveLeases._proved

    async def with_body(self: Any, *args: Any) -> Any:
        lease = await proved(self, *args)
        pin = lease.pin if pinned else None
        body = enclave.body_key if sealed else None
        return dataclasses.replace(lease, pin=pin, body=body, channel=enclave.channel)

    patch.setattr(EnclaveLeases, "_proved", with_body)
    patch.setattr("proxy.egress.public_tls", unchecked_tls)


def sealed_world(folder: Path, enclave: SealedEnclave, **more: Any) -> Any:
    return world(folder, Plan(enclave=enclave, **more))


def views(text: str) -> Iterator[bytes]:
    """``text`` as it could still be read by whoever looks."""
    raw = text.encode()
    yield from (raw, raw.hex().encode(), base64.b64encode(raw)[:-4], json.dumps(text)[1:-1].encode())


def nothing_shows(enclave: SealedEnclave, *texts: str) -> None:
    """None of ``texts`` was to be seen for whoever ends the TLS."""
    for text in texts:
        for view in views(text):
            assert not view or (view not in enclave.wire_in and view not in enclave.wire_out)


def ready(patch: pytest.MonkeyPatch, enclave: FieldsEnclave, **more: Any) -> FieldsEnclave:
    if isinstance(enclave, AciEnclave):
        enclave.clock = time.time
    behind(patch, enclave, **more)
    return enclave


def wanting(patch: pytest.MonkeyPatch, receipts: str) -> None:
    """Every enclave of this test is configured so."""
    patch.setattr("gate_support.AttestationConfig", lambda p, e: AttestationConfig(p, e, receipts=receipts))


async def asked(w: Any, *, stream: bool = False, text: str = RECORD, **more: Any) -> str:
    """The official SDK's answer."""
    send = w.sdk(max_retries=0).chat.completions.create
    messages = [{"role": "user", "content": text}]
    made = await send(model="sealed-only", messages=messages, stream=stream, **more)
    if not stream:
        return str(made.choices[0].message.content)
    return "".join([c.choices[0].delta.content or "" async for c in made if c.choices])
