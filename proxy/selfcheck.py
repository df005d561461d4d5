"""Start-up self-check: are the files of the four packages the ones that were installed?

The plain package names clash with other distributions, which pip overwrites without a word (docs/adr/0001). The wheel's
RECORD is read as text: ``importlib.metadata.files()`` leaves out missing files on some Pythons.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from importlib import metadata
from pathlib import Path

PACKAGES = ("proxy", "policies", "redaction", "attestation")


def foreign_files() -> list[str]:
    """Files of our packages that differ from the installed wheel; empty when all fit or for an editable install."""
    try:
        dist = metadata.distribution("sealgate")
    except metadata.PackageNotFoundError:
        return []
    record = dist.read_text("RECORD") or ""
    wrong = []
    for row in csv.reader(record.splitlines()):
        name, digest = row[0], row[1]
        if name.split("/", 1)[0] not in PACKAGES or not digest.startswith("sha256="):
            continue
        path = Path(str(dist.locate_file(name)))
        want = base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "=")
        if not path.is_file() or hashlib.sha256(path.read_bytes()).digest() != want:
            wrong.append(name)
    return wrong
