"""What an endpoint presented, as the beginning of a measurement file that somebody may approve. Pure.

The loader refuses it as it is (:mod:`attestation.expectations`): it names no approver, no end, and no source of the
measurements other than the endpoint that is to be judged by them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from attestation.expectations import MEASUREMENT_BYTES, TCB_COMPONENTS
from attestation.types import Claims, Malformed
from attestation.validate import CURRENT, NEEDS_MINIMUM, REQUIRED_FACTS, REQUIRED_REGISTERS

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_PLAIN = re.compile(r"[A-Za-z0-9 ._:/@+,=-]{1,200}")
_ALSO: Mapping[str, frozenset[str]] = {
    "tdx": frozenset({"rtmr0"}),
    "nitro": frozenset({"pcr1", "pcr2"}),
    "azure-snp": frozenset({"pcr7"}),
    "azure-tdx": frozenset({"pcr7"}),
}
"""Registers that an image of this TEE is named by besides those that it must be named by."""
_EMPTY = frozenset({("maa-tdxvm", "rtmr1"), ("maa-tdxvm", "rtmr2")})
"""Registers that may be empty: nothing below Azure's VMs extends them, so that zeros are what is expected."""


def draft(claims: Claims, name: str, url: str, now: dt.datetime) -> str:
    """YAML. Raises Malformed for claims that no measurement file can describe."""
    if claims.tee not in MEASUREMENT_BYTES or not _NAME.fullmatch(name):
        raise Malformed("no measurement file can describe this")
    lines = [
        f"# Shown by the endpoint itself on {now:%F}, and genuine: what runs there, not that it is what you want.",
        "# Before it is used: compare the measurements with a build or a signed release, say which in `source`, name",
        "# an approver and an end, and remove the line `status`.",
        f"name: {name}",
        "status: unapproved",
        f"fetched_from: {_quoted(url)}",
        'source: ""',
        f"tees: [{claims.tee}]",
        "measurements:",
        *_image(claims, f"shown-{now:%Y-%m-%d}"),
        *_minimum(claims),
        *_status(claims),
        *_facts(claims),
        'approved_by: ""',
        'approved_until: ""',
    ]
    return "\n".join(lines) + "\n"


def _image(claims: Claims, name: str) -> list[str]:
    needed = REQUIRED_REGISTERS[claims.tee]
    if len(needed) == 1 and claims.tee not in _ALSO:
        return [f'  {name}: "{claims.measurement.hex()}"']
    every = sorted(needed | _ALSO.get(claims.tee, frozenset()))
    named = [n for n in every if any(claims.measurements.get(n, b"")) or (claims.tee, n) in _EMPTY]
    if not needed <= set(named):
        raise Malformed("a register that names the image is empty")
    return [f"  {name}:", *(f'    {n}: "{claims.measurements[n].hex()}"' for n in named)]


def _minimum(claims: Claims) -> list[str]:
    if claims.tee not in NEEDS_MINIMUM:
        return []
    known = {n: v for n, v in claims.tcb.items() if n in TCB_COMPONENTS[claims.tee]}
    levels = ", ".join(f"{n}: {v}" for n, v in known.items())
    return [f"minimum_tcb: {{{levels}}}  # of that machine; AMD says what is current"]


def _status(claims: Claims) -> list[str]:
    """What policy would have to accept is shown, not accepted."""
    lines = []
    if claims.tcb_status not in CURRENT:
        lines.append(f"# tcb_allow: [{_word(claims.tcb_status)}]  # the vendor's word about that machine's firmware")
    if claims.advisories:
        lines.append(f"# advisories_allow: [{', '.join(map(_word, claims.advisories))}]")
    return lines


def _facts(claims: Claims) -> list[str]:
    needed = sorted(REQUIRED_FACTS.get(claims.tee, frozenset()))
    if not needed:
        return []
    return ["facts:", *(f"  {n}: [{_quoted(claims.facts.get(n, ''))}]" for n in needed)]


def _quoted(text: str) -> str:
    """Raises Malformed for text that has no place in a file: it comes from the wire."""
    if not _PLAIN.fullmatch(text):
        raise Malformed("a statement of the evidence is not plain text")
    return f'"{text}"'


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", text)[:60]
