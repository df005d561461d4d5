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
from redaction.classifier import BLANK, SENSITIVITY, passages, plain, softmax
from redaction.types import Sensitivity

SEED = 20
STRENGTH = 3.0
"""Inverse regularisation of the logistic regression."""
THRESHOLD = 0.3
"""A harmless category is reported from this score on; the best one always is."""
ALARMS = 0.026
"""A sensitive category is reported from the score that this share of public texts exceeds when their templates are
left out, so that a threshold costs the same for every category; ..."""
LEAST, MOST = 0.25, 0.6
"""... within these bounds."""
WIDTH = 256
"""Main directions of the encoder's vectors that are kept."""
SHARE = 4.0
"""Weight of the vectors beside the frequencies, which have length 1."""
_WINDOWS = 4
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
    read = [featured(tokenizer, vectors, sample.text, few=topics.FEW) for sample in samples]
    classes = tuple(name for name in SENSITIVITY if any(sample.category == name for sample in samples))
    held = _held_out(samples, features, read, classes, seed)
    warmth = _temperature(held, [classes.index(sample.category) for sample in samples])
    scores = np.stack([softmax(rows / warmth).max(axis=0) for rows in held])
    right = [classes[of] == sample.category for of, sample in zip(scores.argmax(axis=1), samples, strict=True)]
    model = _fit(samples, features)
    order = [list(model.classes_).index(name) for name in classes]
    weights = (model.coef_[order] / warmth).astype(np.float32)
    return topics.Topics(
        classes=classes,
        share=SHARE * vectors @ weights[:, :WIDTH].T,
        rate=weights[:, WIDTH:].T,
        bias=(model.intercept_[order] / warmth).astype(np.float32),
        thresholds=_thresholds(classes, scores, samples),
        about={
            "trained_on": "self-made texts" + (" and licensed suite sources" if suite_dir else ""),
            "seed": seed,
            "samples": len(samples),
            "data_sha256": data_digest(samples),
            "encoder": store.recipe_encoder(),
            "cross_validated_accuracy": round(float(np.mean(right)), 3),
            "temperature": round(warmth, 3),
            "reliability": _reliability(classes, scores, [sample.category for sample in samples]),
        },
    )


def apart(made: topics.Topics, shipped: topics.Topics, texts: Sequence[str]) -> float:
    """The largest difference of a score between two sets of weights over ``texts``, 0.0 to 1.0; first passages."""
    if made.classes != shipped.classes or dict(made.thresholds) != dict(shipped.thresholds):
        return 1.0
    tokenizer = topics.tokenizer()
    most = 0.0
    for text in texts:
        window = passages([tokenizer.encode(plain(text), add_special_tokens=False).ids])[0]
        scores = [softmax(each.logits(window)) for each in (made, shipped)]
        most = max(most, float(np.abs(scores[0] - scores[1]).max()))
    return most


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


def featured(tokenizer: Any, vectors: Any, text: str, few: float = 0.0) -> Any:
    """One sparse row per passage of ``text``, of the first few: mean vector and frequencies.

    ``few`` as in ``redaction.topics`` when texts are judged. It is not trained with: the weights would make up for it.
    """
    from scipy.sparse import csr_matrix, vstack

    paragraphs = [tokenizer.encode(plain(part), add_special_tokens=False).ids for part in BLANK.split(text)]
    size, rows = len(vectors), []
    for window in passages(paragraphs)[:_WINDOWS]:
        pieces, counts = np.unique(window, return_counts=True)
        damped = 1.0 + np.log(counts)
        words = counts[pieces >= topics.FIRST_WORD].sum()
        mean = counts @ vectors[pieces] / max(words + few, 1) * SHARE
        columns = np.concatenate([np.arange(WIDTH), WIDTH + pieces])
        values = np.concatenate([mean, damped / (np.linalg.norm(damped) + few)])
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


def _held_out(
    samples: Sequence[Sample],
    features: Sequence[Any],
    read: Sequence[Any],
    classes: Sequence[str],
    seed: int,
    folds: int = 3,
) -> list[Any]:
    """Logits of each sample by a model that saw no text of its template; says little about other sources."""
    groups = np.array([sample.group for sample in samples])
    shuffled = np.random.default_rng(seed).permutation(int(groups.max()) + 2)
    fold = shuffled[groups] % folds
    held: list[Any] = [None] * len(samples)
    for number in range(folds):
        kept = [index for index in range(len(samples)) if fold[index] != number]
        model = _fit([samples[index] for index in kept], [features[index] for index in kept])
        order = [list(model.classes_).index(name) for name in classes]
        for index in np.flatnonzero(fold == number).tolist():
            held[index] = model.decision_function(read[index])[:, order]
    return held


def _temperature(held: Sequence[Any], truth: Sequence[int]) -> float:
    """What logits have to be divided by so that scores are probabilities (least log loss; first passages)."""
    logits = np.stack([rows[0] for rows in held])
    steps = np.linspace(0.3, 3.0, 109)
    losses = [-np.log(softmax(logits / step)[np.arange(len(truth)), truth] + 1e-12).mean() for step in steps]
    return float(steps[int(np.argmin(losses))])


def _reliability(classes: Sequence[str], scores: Any, truth: Sequence[str]) -> dict[str, dict[str, float]]:
    """What scores mean, on texts whose templates were left out: of those with a score of about one half the share that
    are of the category, and the mean distance of score and share over ten bins."""
    found = {}
    for of, name in enumerate(classes):
        right = np.array([each == name for each in truth])
        half = (scores[:, of] >= 0.4) & (scores[:, of] < 0.6)
        bins = np.minimum((scores[:, of] * 10).astype(int), 9)
        gaps = [
            abs(right[bins == at].mean() - scores[bins == at, of].mean()) * (bins == at).sum()
            for at in {*bins.tolist()}
        ]
        share = float(right[half].mean()) if half.any() else 0.0
        found[name] = {
            "share_at_half": round(share, 2),
            "texts_at_half": int(half.sum()),
            "error": round(float(sum(gaps)) / len(bins), 3),
        }
    return found


def _thresholds(classes: Sequence[str], scores: Any, samples: Sequence[Sample]) -> dict[str, float]:
    public = np.array([SENSITIVITY[sample.category] is Sensitivity.PUBLIC for sample in samples])
    found = {}
    for of, name in enumerate(classes):
        alarm = float(np.quantile(scores[public, of], 1.0 - ALARMS))
        sensitive = SENSITIVITY[name] >= Sensitivity.CONFIDENTIAL
        found[name] = round(min(max(alarm, LEAST), MOST), 2) if sensitive else THRESHOLD
    return found
