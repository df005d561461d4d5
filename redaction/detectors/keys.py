"""Names of fields whose words are told by capitals: ``customerIban`` says IBAN as ``customer_iban`` does. Pure."""

from __future__ import annotations

import re

from redaction.detectors.kinds import KINDS

_OTHERS = (
    "TaxId", "TaxNumber", "Mrn", "Dob", "Passport", "Account", "Acct", "Konto", "Phone", "Iban", "Card", "Compte",
    "Cuenta", "Rachunku", "Passeport", "Pasaporte", "Paszportu", "Carte", "Tarjeta", "Karty", "Póliza", "Polisy",
    "Pacjenta", "Patient",
)  # fmt: skip
_WORDS = sorted(
    {*_OTHERS, *(w.capitalize() for _, _, words in KINDS for w in words if w.isascii() and w.isalpha() and len(w) > 2)},
    key=len,
    reverse=True,
)
_HUMP = re.compile(
    rf"[a-z](?=[A-Z])(?<=[A-Za-z]{{2}})(?=(?:{'|'.join(_WORDS)})(?:No|Nr|Num|Number|Id|Code)?[\"'`]?\s{{0,3}}[:=>,])"
)


def apart(text: str) -> str:
    """``text``, as long as before, with ``_`` for the letter before such a word at the end of a name."""
    return _HUMP.sub("_", text)
