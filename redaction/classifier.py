"""The payload classifier: what a text is about, and how sensitive that makes it.

Sensitivity here is about content. Identifiers are the business of detectors and transforms, so the text is read
in a neutral view in which found values are replaced by plain words of their kind: a customer's letter stays
correspondence whether or not it holds a card number. Long texts are read in overlapping windows; every window
counts and the highest score per category is kept. Text over the token budget is refused (``budget``), never
skipped. The encoder knows English; other languages are the pipeline's business.

Loads files of the folder it is given; opens no connection and keeps no text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from redaction.head import load_head
from redaction.markings import MARKED, is_marked
from redaction.types import Classification, DetectorFailed, Finding, Sensitivity

SENSITIVITY: Mapping[str, Sensitivity] = {
    "general": Sensitivity.PUBLIC,
    "correspondence": Sensitivity.INTERNAL,
    "internal": Sensitivity.INTERNAL,
    "legal": Sensitivity.CONFIDENTIAL,
    "source_code": Sensitivity.CONFIDENTIAL,
    "hr": Sensitivity.CONFIDENTIAL,
    "financial": Sensitivity.REGULATED,
    "health": Sensitivity.REGULATED,
    "credentials": Sensitivity.REGULATED,
}
"""How sensitive each category makes a payload."""

WINDOW = 190
"""Content tokens of a window."""
OVERLAP = 30
TOKEN_BUDGET = 60_000
"""Most tokens of one text; more raises DetectorFailed."""

SHORT_WORDS = 5
"""Below this many words (a tool's name, a JSON key, a greeting) a text hardly has a topic; ..."""
SHORT_SCORE = 0.85
"""... so a sensitive category needs this score there. Values in such texts are the detectors' business."""

_WORD = re.compile(r"\w+")
_PIECE = 50_000
"""Code points tokenised at once, so that memory stays flat."""

NEUTRAL: Mapping[str, str] = {
    "PERSON": "Alex",
    "USERNAME": "a user",
    "EMAIL_ADDRESS": "an email address",
    "PHONE_NUMBER": "a phone number",
    "ADDRESS": "an address",
    "URL": "a link",
    "IP_ADDRESS": "a host",
    "MAC_ADDRESS": "a host",
    "CREDIT_CARD": "a number",
    "IBAN_CODE": "a number",
    "BANK_ACCOUNT": "a number",
    "US_BANK_NUMBER": "a number",
    "CRYPTO": "a number",
    "US_SSN": "a number",
    "NATIONAL_ID": "a number",
    "TAX_ID": "a number",
    "PASSPORT": "a number",
    "US_PASSPORT": "a number",
    "DRIVER_LICENSE": "a number",
    "US_DRIVER_LICENSE": "a number",
    "MEDICAL_RECORD": "a number",
    "MEDICAL_LICENSE": "a number",
    "CASE_NUMBER": "a number",
    "REFERENCE_NUMBER": "a number",
    "LICENSE_PLATE": "a number",
    "DEVICE_ID": "a number",
    "API_KEY": "a value",
    "PASSWORD": "a value",
    "PRIVATE_KEY": "a value",
    "CONNECTION_STRING": "a value",
    "SECRET": "a value",
}
"""What a found value is read as. Labels that say what a text is about (dates, places, organisations) stay."""


def neutral_view(text: str, findings: Sequence[Finding]) -> str:
    """``text`` with the values of identifying findings replaced; of overlapping ones the first and longest wins."""
    parts, at = [], 0
    for finding in sorted(findings, key=lambda item: (item.start, -item.end)):
        word = NEUTRAL.get(finding.label)
        if word is None or finding.start < at:
            continue
        parts += [text[at : finding.start], word]
        at = finding.end
    parts.append(text[at:])
    return "".join(parts)


def windows(ids: Sequence[int]) -> list[Sequence[int]]:
    """Overlapping runs of token ids that together cover all of ``ids``."""
    step = WINDOW - OVERLAP
    last = max(len(ids) - OVERLAP, 1)
    return [ids[start : start + WINDOW] for start in range(0, last, step)]


class MiniLmClassifier:
    """MiniLM with Sealgate's head, one ONNX graph. Not safe for use by several threads at once."""

    def __init__(self, model_dir: Path, threads: int = 1) -> None:
        """Loads ``model.onnx``, ``tokenizer.json`` and ``head.json``. Raises OSError or ValueError if unusable."""
        import onnxruntime
        from tokenizers import Tokenizer

        self._head = load_head(model_dir / "head.json")
        unknown = set(self._head.classes) - set(SENSITIVITY)
        if unknown:
            raise ValueError(f"the head has unknown classes: {sorted(unknown)}")
        self._tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._first, self._last = (self._tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(model_dir / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._digest = _digest(model_dir)

    @property
    def name(self) -> str:
        return "minilm"

    @property
    def digest(self) -> str:
        """Identifies graph, tokenizer, head and the reading rules of this module."""
        return self._digest

    def classify(self, text: str, findings: Sequence[Finding]) -> Classification:
        """What ``text`` is about. Raises DetectorFailed when the text is over the token budget."""
        tags = frozenset({MARKED}) if is_marked(text) else frozenset[str]()
        least = Sensitivity.CONFIDENTIAL if tags else Sensitivity.PUBLIC
        if not any(character.isalnum() for character in text):
            return Classification(least, {}, tags)
        view = neutral_view(text, findings)
        logits, _ = self.encode(view)
        short = len(_WORD.findall(view[: SHORT_WORDS * 100])) < SHORT_WORDS
        categories = self._categories(softmax(logits).max(axis=0), short=short)
        sensitivity = max([least, *(SENSITIVITY[name] for name in categories)])
        return Classification(sensitivity, categories, tags)

    def encode(self, text: str) -> tuple[Any, Any]:
        """Logits and embeddings per window of ``text`` as it stands; for classifying and for training the head."""
        outputs = [self._run(window) for window in windows(self._ids(text))]
        return np.concatenate([item[0] for item in outputs]), np.concatenate([item[1] for item in outputs])

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = []
        for start in range(0, len(text), _PIECE):
            ids += self._tokenizer.encode(text[start : start + _PIECE], add_special_tokens=False).ids
            if len(ids) > TOKEN_BUDGET:
                raise DetectorFailed(self.name, "budget")
        return ids

    def _run(self, window: Sequence[int]) -> tuple[Any, Any]:
        row = np.array([[self._first, *window, self._last]], np.int64)
        full = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        logits, embedding = self._session.run(
            ["doc_logits", "doc_embedding"], {name: full[name] for name in self._inputs}
        )
        return logits, embedding

    def _categories(self, scores: Any, *, short: bool) -> dict[str, float]:
        """Categories above their threshold; the best one when none is, of short texts the best harmless one."""
        named = {name: round(float(score), 4) for name, score in zip(self._head.classes, scores, strict=True)}
        least = {name: self._head.thresholds[name] for name in named}
        candidates = named
        if short:
            candidates = {name: score for name, score in named.items() if SENSITIVITY[name] < Sensitivity.CONFIDENTIAL}
            least = {name: value if name in candidates else SHORT_SCORE for name, value in least.items()}
        found = {name: score for name, score in named.items() if score >= least[name]}
        if not found and candidates:
            best = max(candidates, key=lambda name: candidates[name])
            found = {best: candidates[best]}
        return found


def softmax(logits: Any) -> Any:
    """Scores per row that sum to one."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _digest(model_dir: Path) -> str:
    whole = hashlib.sha256(
        f"minilm/1 {WINDOW} {OVERLAP} {SHORT_WORDS} {SHORT_SCORE} {sorted(NEUTRAL.items())}".encode()
    )
    for name in ("model.onnx", "tokenizer.json", "head.json"):
        with (model_dir / name).open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
