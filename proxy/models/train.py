"""Trains the classifier's head: logistic regression over the installed encoder's embeddings, from a fixed seed.

The shipped head is trained on the committed templates alone, so anybody can make it again. scikit-learn is
imported here only and belongs to the ``train`` extra. Nothing here runs in ``serve``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proxy.errors import ConfigError
from proxy.models import store
from proxy.models.texts import Sample, data_digest, expand, may_train, suite, templates
from redaction.classifier import SENSITIVITY, MiniLmClassifier
from redaction.head import Head

SEED = 20
STRENGTH = 10.0
"""Inverse regularisation of the logistic regression."""
THRESHOLD = 0.4
"""A category is reported from this score on; the best one always is."""
_WINDOWS = 3
"""Windows of one text that are trained on, so that long texts do not outweigh the rest."""

Tick = Callable[[int, int], None]


def train(model_dir: Path, *, suite_dir: Path | None, tick: Tick, seed: int = SEED) -> Head:
    """A new head. Raises ConfigError when scikit-learn or the suite is missing."""
    samples = expand(templates(), seed)
    if suite_dir is not None:
        samples += [sample for sample in suite(suite_dir) if may_train(sample)]
    features = embed(MiniLmClassifier(model_dir), [sample.text for sample in samples], tick)
    about = {
        "trained_on": "self-made templates" + (" and licensed suite sources" if suite_dir else ""),
        "seed": seed,
        "samples": len(samples),
        "data_sha256": data_digest(samples),
        "encoder": store.recipe_encoder(),
        "cross_validated_accuracy": round(_cross_validate(samples, features, seed), 3),
    }
    classes = tuple(name for name in SENSITIVITY if any(sample.category == name for sample in samples))
    model = _fit(samples, features)
    order = [list(model.classes_).index(name) for name in classes]
    return Head(
        classes=classes,
        weights=model.coef_[order].astype(np.float32),
        bias=model.intercept_[order].astype(np.float32),
        thresholds=dict.fromkeys(classes, THRESHOLD),
        about=about,
    )


def embed(classifier: MiniLmClassifier, texts: Sequence[str], tick: Tick) -> list[Any]:
    """Embeddings of the first windows of each text."""
    found = []
    for index, text in enumerate(texts):
        found.append(classifier.encode(text)[1][:_WINDOWS])
        tick(index + 1, len(texts))
    return found


def _fit(samples: Sequence[Sample], features: Sequence[Any]) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ConfigError("models: training needs scikit-learn; install the extra `sealgate[train]`") from None
    labels = [sample.category for sample, rows in zip(samples, features, strict=True) for _ in rows]
    model = LogisticRegression(C=STRENGTH, max_iter=3000, class_weight="balanced")
    return model.fit(np.concatenate(features), labels)


def _cross_validate(samples: Sequence[Sample], features: Sequence[Any], seed: int, folds: int = 5) -> float:
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
