"""Every reason that a lease can be refused for is explained, collected from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = tuple(
    ROOT / "proxy" / "upstreams" / name for name in ("enclave.py", "standing.py", "proof.py", "transports.py")
)
PAGE = (ROOT / "docs" / "attestation" / "leases.md").read_text("utf-8")


def texts(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def reasons() -> set[str]:
    """Literals of a refusal after its first argument, of ``_note``, and of what ``unfit``, ``open_checks`` return."""
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            if isinstance(node, ast.Call) and name in {"AttestationRefused", "_note"} and len(node.args) > 1:
                found |= {t for arg in node.args[1:] for t in texts(arg)}
            if isinstance(node, ast.FunctionDef) and node.name in {
                "unfit",
                "revoked",
                "_taken_back",
                "_verdict",
                "open_checks",
            }:
                found |= {t for r in ast.walk(node) if isinstance(r, ast.Return) for t in texts(r)}
    return found


def test_every_reason_of_a_refusal_is_explained() -> None:
    found = reasons()
    assert {"lease_expired", "denied", "key_mismatch", "verifier_failed", "unchecked", "unsealed"} <= found
    assert {code for code in found if f"`{code}`" not in PAGE} == set()
