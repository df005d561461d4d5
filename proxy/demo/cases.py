"""The eight cases of the demo: what an app sends, which values must never be seen outside, where each must end up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One scene. ``secret`` values may not reach the cloud (nor the enclave, where ``sealed_too``)."""

    title: str
    model: str
    messages: tuple[Message, ...]
    zone: str
    """Expected: cloud, enclave, onprem or refused."""
    stream: bool
    secret: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    """Values that must be back in what the app gets."""
    unchanged: bool = False
    tools: tuple[dict[str, Any], ...] = ()
    tampered: bool = False
    turns: bool = False
    """Send the user messages one by one, the history growing."""
    rule: str | None = None
    """A rule or default that must be among the reasons."""


def user(text: str) -> Message:
    return {"role": "user", "content": text}


EMAIL = """Please draft a short reply to this customer:

Hello, my name is Maria Keller and I ordered a coffee grinder three weeks ago. It still has not arrived.
You can call me on +49 30 901820 or write to maria.keller@example.org. Please refund me to
IBAN DE89 3704 0044 0532 0130 00; I paid with my card 4111 1111 1111 1111.

Kind regards, Maria Keller"""

CODE = """Why does this function raise a KeyError?

import os, requests

API_TOKEN = "ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT"

def fetch(repo):
    r = requests.get(f"https://api.example.com/repos/{repo}", headers={"Authorization": f"token {API_TOKEN}"})
    return r.json()["stargazers_count"]
"""

NOTE = """Summarise this clinical note for the discharge letter.

Progress note, ward 4B. Patient: Harold Jenkins, 67-year-old man, MRN: 48291734. Admitted with chest pain and dyspnoea;
troponin elevated, ECG with ST depression in V4-V6. Known type 2 diabetes mellitus (metformin 1000 mg twice daily) and
hypertension (lisinopril 20 mg). Assessment: NSTEMI. Plan: dual antiplatelet therapy with aspirin and ticagrelor,
heparin infusion, coronary angiography tomorrow, monitor renal function before contrast."""

CLAUSE = """CONFIDENTIAL

Explain what this clause obliges us to do:

7.2 Indemnification. The Supplier shall indemnify, defend and hold harmless the Customer from and against any and all
losses arising out of a breach of Section 5 (Confidentiality), provided that the Supplier's aggregate liability under
this Agreement shall not exceed the fees paid in the twelve months preceding the claim."""

TURNS = (
    "Hi! I am planning a farewell dinner for my colleague Tobias Lindqvist. Can you help?",
    "It should be on a Friday evening. What should I think of first?",
    "We are about twelve people. How big should the table be?",
    "Two of us are vegetarian. What menu would work for everyone?",
    "Good idea. How long before the dinner should I book?",
    "Should we have a speech?",
    "How long should a good speech be?",
    "Can you suggest a nice opening line?",
    "Now write one sentence of welcome for Tobias Lindqvist.",
    "Make it a little warmer, please.",
    "And which small gift would be suitable?",
    "Thank you! Anything that I forgot?",
)

BOOK = {
    "type": "function",
    "function": {
        "name": "book_appointment",
        "description": "Books an appointment.",
        "parameters": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "email": {"type": "string"}, "topic": {"type": "string"}},
            "required": ["name", "email"],
        },
    },
}

ARGUMENTS = '{"name": "Amelia Okafor", "email": "amelia.okafor@example.net", "topic": "museum tour"}'

TOOLS = (
    user("Book a guided museum tour for Amelia Okafor, amelia.okafor@example.net."),
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "book_appointment", "arguments": ARGUMENTS}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"status": "conflict", "retry": true}'},
)

CASES = (
    Case("Harmless question", "gpt-4o", (user("What is the capital of France?"),), "cloud", False, unchanged=True),
    Case(
        "Customer e-mail: names, phone, IBAN, card", "gpt-4o", (user(EMAIL),), "cloud", True,
        secret=("Maria Keller", "Keller", "+49 30 901820", "maria.keller@example.org", "DE89 3704 0044 0532 0130 00",
                "4111 1111 1111 1111"),
        restored=("Maria Keller", "+49 30 901820", "maria.keller@example.org", "DE89 3704 0044 0532 0130 00"),
    ),
    Case(
        "Chat of 12 turns; the name returns in turn 9", "gpt-4o", tuple(user(t) for t in TURNS), "cloud", False,
        secret=("Tobias Lindqvist", "Lindqvist"), restored=("Tobias Lindqvist",), turns=True,
    ),
    Case(
        "Tool call whose arguments carry personal data", "gpt-4o", TOOLS, "cloud", True,
        secret=("Amelia Okafor", "Okafor", "amelia.okafor@example.net"),
        restored=("Amelia Okafor", "amelia.okafor@example.net"), tools=(BOOK,),
    ),
    Case(
        "Source code with an API key", "gpt-4o", (user(CODE),), "onprem", False,
        secret=("ghp_k2Vq8ZrT5nXwB7mJ4sLd9cYfH3gPaE1uR6oT",), rule="credentials-never-leave",
    ),
    Case(
        "Clinical note, enclave verified", "gpt-4o", (user(NOTE),), "enclave", True,
        secret=("Harold Jenkins", "48291734"), rule="patient-data",
    ),
    Case(
        "The same note, enclave presents tampered evidence", "gpt-4o-tampered", (user(NOTE),), "onprem", True,
        secret=("Harold Jenkins", "48291734"), tampered=True, rule="patient-data",
    ),
    Case(
        "Contract clause marked confidential, no local substitute allowed", "gpt-4o-strict", (user(CLAUSE),), "refused",
        False, secret=("Indemnification",), rule="marked-confidential",
    ),
)  # fmt: skip
