"""Which TCB level is this platform at? Intel's algorithm over signed JSON (Intel PCS v4; QVL 4.1.2.4; §2.2 rows 6-8).

The levels come in Intel's order and the first that fits counts. A platform, its quoting enclave and, for TDX, its
module each have a status; the worst of them is the answer. A status that is not known here is no status at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from attestation.tdx.pck import Platform
from attestation.tdx.quote import Enclave, TrustDomain
from attestation.types import Malformed

STATUSES = frozenset({"UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded",
                      "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    status: str
    advisories: frozenset[str] = frozenset()


def platform_level(info: Mapping[str, Any], platform: Platform, td: TrustDomain | None) -> Level | None:
    """The first level whose demands ``platform`` meets, or None. Raises Malformed."""
    for level in _levels(info):
        tcb = level["tcb"]
        enough = [
            *zip(platform.components, _components(tcb, "sgxtcbcomponents"), strict=True),
            (platform.pcesvn, _integer(tcb, "pcesvn")),
        ]
        if td is not None:
            first = 2 if td.tcb_svn[1] else 0  # with a module of its own, the module's level speaks for the first two
            enough += list(zip(td.tcb_svn, _components(tcb, "tdxtcbcomponents"), strict=True))[first:]
        if all(has >= wants for has, wants in enough):
            return _level(level)
    return None


def svn_level(identity: Mapping[str, Any], svn: int) -> Level | None:
    """The first level of a quoting enclave or TDX module that ``svn`` reaches, or None. Raises Malformed."""
    for level in _levels(identity):
        if svn >= _integer(level["tcb"], "isvsvn"):
            return _level(level)
    return None


def module_identity(info: Mapping[str, Any], td: TrustDomain) -> Mapping[str, Any] | None:
    """The signed identity of the TDX module's version, or None where Intel names none. Raises Malformed."""
    if not td.tcb_svn[1]:
        return _object(info.get("tdxModule"))
    found = [i for i in _list(info.get("tdxModuleIdentities")) if i.get("id") == f"TDX_{td.tcb_svn[1]:02X}"]
    return found[0] if len(found) == 1 else None


def module_matches(identity: Mapping[str, Any], td: TrustDomain) -> bool:
    """MRSIGNERSEAM and the masked SEAM attributes."""
    mask = _hex(identity, "attributesMask", 8)
    return td.registers["mrsignerseam"] == _hex(identity, "mrsigner", 48) and _masked(td.seam_attributes, mask) == _hex(
        identity, "attributes", 8
    )


def qe_matches(identity: Mapping[str, Any], qe: Enclave) -> bool:
    """Masked MISCSELECT and ATTRIBUTES, MRSIGNER and product of the quoting enclave."""
    return (
        _masked(qe.miscselect[::-1], _hex(identity, "miscselectMask", 4)) == _hex(identity, "miscselect", 4)
        and _masked(qe.attributes, _hex(identity, "attributesMask", 16)) == _hex(identity, "attributes", 16)
        and qe.mrsigner == _hex(identity, "mrsigner", 32)
        and qe.isvprodid == _integer(identity, "isvprodid")
    )


def converge(platform: Level, others: Iterable[Level]) -> Level:
    """The platform's level made worse by its quoting enclave's and module's."""
    status, advisories = platform.status, platform.advisories
    for other in others:
        advisories |= other.advisories
        if "Revoked" in (status, other.status):
            status = "Revoked"
        elif other.status.startswith("OutOfDate"):
            status = "OutOfDateConfigurationNeeded" if "Configuration" in status + other.status else "OutOfDate"
        elif status == "UpToDate":
            status = other.status
    return Level(status, advisories)


def _masked(value: bytes, mask: bytes) -> bytes:
    return bytes(a & b for a, b in zip(value, mask, strict=True))


def _levels(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    levels = _list(holder.get("tcbLevels"))
    for level in levels:
        _object(level.get("tcb"))
    return levels


def _level(level: Mapping[str, Any]) -> Level:
    status, advisories = level.get("tcbStatus"), level.get("advisoryIDs", [])
    if status not in STATUSES or not isinstance(advisories, list) or not all(isinstance(a, str) for a in advisories):
        raise Malformed("a TCB level has a status that is not known")
    return Level(status, frozenset(advisories))


def _components(tcb: Mapping[str, Any], name: str) -> list[int]:
    found = [_integer(component, "svn") for component in _list(tcb.get(name))]
    if len(found) != 16:
        raise Malformed(f"a TCB level has 16 {name}")
    return found


def _list(value: object) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed("the collateral lacks a list")
    return value


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("the collateral lacks an object")
    return value


def _integer(holder: Mapping[str, Any], name: str) -> int:
    value = holder.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 65535:
        raise Malformed(f"the collateral lacks the number {name}")
    return value


def _hex(holder: Mapping[str, Any], name: str, size: int) -> bytes:
    value = holder.get(name)
    try:
        raw = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != size:
        raise Malformed(f"the collateral lacks {name}, {size} bytes of hex")
    return raw
