"""Trains the payload classifier from the committed texts, from a fixed seed.

A multinomial logistic regression over (a) the mean of static word-piece vectors, each being what the MiniLM encoder
says of that piece alone, in its 256 main directions, and (b) damped frequencies of word pieces. Both parts are linear
in the pieces, so they are multiplied out into one table (``redaction.topics``): no encoder is needed to judge a text.
scikit-learn is imported here only and belongs to the ``train`` extra. Nothing here runs in ``serve``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proxy.errors import ConfigError
from proxy.models import store
from proxy.models.texts import Sample, data_digest, expand, may_train, suite, templates
from redaction import topics
from redaction.classifier import SENSITIVITY, windows

SEED = 20
STRENGTH = 10.0
"""Inverse regularisation of the logistic regression."""
THRESHOLD = 0.3
"""A category is reported from this score on; the best one always is."""
WIDTH = 256
"""Main directions of the encoder's vectors that are kept."""
SHARE = 2.0
"""Weight of the vectors beside the frequencies, which have length 1."""
_WINDOWS = 3
"""Windows of one text that are trained on, so that long texts do not outweigh the rest."""
_BATCH = 256

Tick = Callable[[int, int], None]


def train(model_dir: Path, *, suite_dir: Path | None, tick: Tick, seed: int = SEED) -> topics.Topics:
    """New weights. Raises ConfigError when scikit-learn or the suite is missing."""
    samples = expand(templates(), seed)
    if suite_dir is not None:
        samples += [sample for sample in suite(suite_dir) if may_train(sample)]
    vectors = piece_vectors(model_dir, tick)
    tokenizer = topics.tokenizer()
    features = [featured(tokenizer, vectors, sample.text) for sample in samples]
    model = _fit(samples, features)
    classes = tuple(name for name in SENSITIVITY if any(sample.category == name for sample in samples))
    order = [list(model.classes_).index(name) for name in classes]
    weights = model.coef_[order].astype(np.float32)
    return topics.Topics(
        classes=classes,
        share=SHARE * vectors @ weights[:, :WIDTH].T,
        rate=weights[:, WIDTH:].T,
        bias=model.intercept_[order].astype(np.float32),
        thresholds=dict.fromkeys(classes, THRESHOLD),
        about={
            "trained_on": "self-made texts" + (" and licensed suite sources" if suite_dir else ""),
            "seed": seed,
            "samples": len(samples),
            "data_sha256": data_digest(samples),
            "encoder": store.recipe_encoder(),
            "cross_validated_accuracy": round(_cross_validate(samples, features, seed), 3),
        },
    )


def piece_vectors(model_dir: Path, tick: Tick) -> Any:
    """One row of ``WIDTH`` per word piece: what the encoder says of it alone, rarer pieces being longer."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model_dir / "model.onnx"), options, providers=["CPUExecutionProvider"])
    names = [item.name for item in session.get_inputs()]
    size = topics.vocabulary_size()
    rows = []
    for start in range(0, size, _BATCH):
        pieces = np.arange(start, min(size, start + _BATCH))
        ids = np.stack([np.full(len(pieces), 101), pieces, np.full(len(pieces), 102)], 1).astype(np.int64)
        full = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        rows.append(session.run(["doc_embedding"], {name: full[name] for name in names})[0])
        tick(min(size, start + _BATCH), size)
    said = np.concatenate(rows)
    said -= said.mean(axis=0)
    _, _, directions = np.linalg.svd(said, full_matrices=False)
    vectors = (
        said @ directions[:WIDTH].T * np.log(1 + np.arange(1, size + 1))[:, None]
    )  # the vocabulary goes by frequency
    vectors /= np.linalg.norm(vectors, axis=1).mean()
    vectors[: topics.FIRST_WORD] = 0
    return vectors.astype(np.float32)


def featured(tokenizer: Any, vectors: Any, text: str) -> Any:
    """One sparse row per window of ``text``, of the first few: mean vector and frequencies."""
    from scipy.sparse import csr_matrix, vstack

    size, rows = len(vectors), []
    for window in windows(np.array(tokenizer.encode(text, add_special_tokens=False).ids, np.int64))[:_WINDOWS]:
        pieces, counts = np.unique(window, return_counts=True)
        damped = 1.0 + np.log(counts)
        words = counts[pieces >= topics.FIRST_WORD].sum()
        mean = counts @ vectors[pieces] / max(words, 1) * SHARE
        columns = np.concatenate([np.arange(WIDTH), WIDTH + pieces])
        values = np.concatenate([mean, damped / np.linalg.norm(damped)])
        rows.append(csr_matrix((values, (np.zeros(len(columns), int), columns)), shape=(1, WIDTH + size)))
    return vstack(rows)


def _fit(samples: Sequence[Sample], features: Sequence[Any]) -> Any:
    try:
        from scipy.sparse import vstack
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ConfigError("models: training needs scikit-learn; install the extra `sealgate[train]`") from None
    labels = [sample.category for sample, rows in zip(samples, features, strict=True) for _ in range(rows.shape[0])]
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    return model.fit(vstack(features), labels)


def _cross_validate(samples: Sequence[Sample], features: Sequence[Any], seed: int, folds: int = 3) -> float:
    """Accuracy on templates not trained on; says little about other sources, see ``models evaluate``."""
    groups = np.array([sample.group for sample in samples])
    shuffled = np.random.default_rng(seed).permutation(int(groups.max()) + 2)
    fold = shuffled[groups] % folds
    right = 0
    for number in range(folds):
        kept = [index for index in range(len(samples)) if fold[index] != number]
        model = _fit([samples[index] for index in kept], [features[index] for index in kept])
        for index in np.flatnonzero(fold == number).tolist():
            scores = model.predict_proba(features[index]).max(axis=0)
            right += int(model.classes_[scores.argmax()] == samples[index].category)
    return right / len(samples)
