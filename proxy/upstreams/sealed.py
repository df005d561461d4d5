"""Which wire seals to a lease's key, for one upstream."""

from __future__ import annotations

import time

from attestation.providers.base import Seal
from proxy.settings import UpstreamConfig
from proxy.upstreams.lease import AttestationRefused, Lease
from proxy.upstreams.sealed_ehbp import EhbpWire
from proxy.upstreams.sealed_fields import FieldsWire
from proxy.upstreams.transports import Carrier, Sealer, Wire


def sealer(upstream: UpstreamConfig) -> Sealer:
    """Wraps wires to ``upstream`` so that nothing leaves but sealed to the lease's key. The result raises
    AttestationRefused for a lease without one."""

    def wrap(lease: Lease, carrier: Carrier) -> Wire:
        if lease.body is None:
            raise AttestationRefused(upstream.name, ("body-key.missing",))
        exposed = lease.pin is None and not (upstream.attestation is not None and upstream.attestation.expose_key)
        withheld = upstream.key is not None and exposed
        if lease.body.seal is Seal.EHBP:
            return EhbpWire(upstream.name, carrier, lease.body.key, withheld=withheld)
        return FieldsWire(upstream.name, carrier, lease.body, withheld=withheld, now=time.time)

    return wrap
