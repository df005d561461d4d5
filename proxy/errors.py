"""The error tree. Each class says whose fault it is, with an HTTP status and a stable code.

SealgateError
├── BadRequest 400       the app's payload cannot be read
│   └── TooLarge 413 · RequestTimeout 408
├── Unauthorized 401     no or wrong app key
├── NotFound 404         unknown path or model
├── Refused 403          policy says no
├── Busy 429             a bound of this gate was reached
├── UpstreamError 502    the other side failed
├── Unavailable 503      nothing within the ceiling can answer, or the store cannot record
│   ├── AuditUnavailable · VaultUnavailable
│   └── AttestationFailed
│       └── NotSealable 403  a part of the request could not be sealed to the enclave
├── InternalError 500    a fault of the gate; the answer says nothing of it
└── ConfigError          start-up: bad file, port, key (never sent over HTTP)

Misuse is our own bug and is never caught.  Messages never contain payload text.
"""

from __future__ import annotations


class SealgateError(Exception):
    """Base; never raised itself. ``message`` is safe to show to the app."""

    status = 500
    code = "internal_error"
    retry = False
    """Whether the same request may succeed later; False adds ``x-should-retry: false``."""

    def __init__(self, message: str, *, code: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        self.retry_after_s = retry_after_s


class BadRequest(SealgateError):
    status = 400
    code = "invalid_request"


class TooLarge(BadRequest):
    status = 413
    code = "request_too_large"


class RequestTimeout(BadRequest):
    status = 408
    code = "request_timeout"


class Unauthorized(SealgateError):
    status = 401
    code = "invalid_api_key"


class NotFound(SealgateError):
    status = 404
    code = "not_found"


class Refused(SealgateError):
    """Policy refuses; ``message`` is the rule's ``because``."""

    status = 403
    code = "policy_refused"


class Busy(SealgateError):
    status = 429
    code = "too_many_requests"
    retry = True


class UpstreamError(SealgateError):
    status = 502
    code = "upstream_error"
    retry = True


class Unavailable(SealgateError):
    status = 503
    code = "unavailable"
    retry = True


class AuditUnavailable(Unavailable):
    code = "audit_unavailable"


class VaultUnavailable(Unavailable):
    code = "vault_unavailable"


class AttestationFailed(Unavailable):
    code = "attestation_failed"


class NotSealable(AttestationFailed):
    """An enclave's sealing does not cover a part of this request, which would leave in the clear. ``failures`` name
    places of the protocol, never text of the request."""

    status = 403
    code = "not_sealable"
    retry = False

    def __init__(self, upstream: str, failures: tuple[str, ...], hint: str = "") -> None:
        hint = f" ({hint})" if hint else ""
        super().__init__(f"{upstream} cannot be sent this sealed: {', '.join(failures)}{hint}")
        self.failures = failures


class InternalError(SealgateError):
    """What an app sees of a bug of ours: the request id, nothing else."""


class ConfigError(SealgateError):
    """Start-up problem; the command line prints ``message`` as one line and exits 1."""

    code = "config_error"


class Misuse(AssertionError):
    """A caller inside this program broke a rule of the gate. Never caught."""
