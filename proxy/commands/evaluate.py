"""``sealgate models evaluate``: the whole table on labelled sets, and the page that shows it."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from proxy import __version__
from proxy.errors import ConfigError
from proxy.models import store
from redaction.types import Classification

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def classifier_figures(data: Path, folder: Path, bar: Bar, limit: int | None, content_only: bool) -> Any:
    """Of the payload classifier. Raises ConfigError without the suite's texts."""
    from proxy.models.evaluate import evaluate

    with bar("classifier: texts") as tick:
        return evaluate(folder, _judge(data, content_only), tick, limit)


def show_classifier(figures: Any, about: Mapping[str, Any], content_only: bool) -> None:
    from redaction.classifier import REGULATED_RULE

    click.echo(f"\nclassifier: {about['trained_on']}, {about['samples']} texts, seed {about['seed']}")
    click.echo(f"{'kind':<18}{'should be':<14}{'texts':>6}{'content':>9}{'combined':>10}   got")
    for row in figures.rows:
        got = ", ".join(f"{level} {count}" for level, count in sorted(row.got.items()))
        click.echo(
            f"{row.kind:<18}{row.expected.word:<14}{row.count:>6}{row.content:>9.3f}{row.combined:>10.3f}   {got}"
        )
    click.echo(f"regulated recall, health and credentials, content only   {figures.regulated_recall_content:.3f}")
    click.echo(f"regulated recall, all four kinds, content only           {figures.regulated_recall_all_content:.3f}")
    click.echo(f"regulated recall, all four kinds, combined               {figures.regulated_recall_all_combined:.3f}")
    click.echo(f"confidential or regulated sent as public, combined       {figures.sensitive_as_public:.3f}")
    click.echo(f"public judged confidential or more, combined             {figures.public_as_sensitive:.3f}")
    click.echo(f"{'combined, 95 %':<16}{'texts':>6}" + "".join(f"{title:>24}" for title in _FOUR.values()))
    for name, part in figures.summaries.items():
        shown = (getattr(part, field) for field in _FOUR)
        cells = (f"{each.value:.3f} ({each.low:.3f}-{each.high:.3f})" for each in shown)
        click.echo(f"{name:<16}{part.texts:>6}" + "".join(f"{cell:>24}" for cell in cells))
    click.echo(REGULATED_RULE + ("; this run used no detectors" if content_only else ""))


_FOUR = {
    "macro_f1": "macro-F1",
    "regulated_recall": "regulated recall",
    "sensitive_as_public": "sensitive as public",
    "public_as_sensitive": "public over-classified",
}


def facts(
    detected: Mapping[str, Sequence[Any]],
    digests: Mapping[str, Mapping[str, str]],
    sensitivity: Any,
    *,
    limit: int | None,
    jobs: int,
) -> dict[str, Any]:
    """Everything measured, as plain JSON values."""
    found = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "version": __version__,
        "python": platform.python_version(),
        "jobs": jobs,
        "limit": limit,
        "digests": digests,
        **{mode: [asdict(row) for row in rows] for mode, rows in detected.items()},
        "sensitivity": None if sensitivity is None else asdict(sensitivity),
    }
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str))
    for row in (plain["sensitivity"] or {}).get("rows", ()):
        row["expected"] = next(r.expected.word for r in sensitivity.rows if r.kind == row["kind"])
    return plain


def write(page: Path, measured: Mapping[str, Any]) -> None:
    """The page and, beside it, the figures it is made of. Raises ConfigError when they cannot be written."""
    from proxy.models.document import render

    try:
        text = json.dumps(measured, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        page.with_suffix(".json").write_text(text, "utf-8")
        page.write_text(render(json.loads(text)), "utf-8")  # as it is made again from the file
    except OSError as e:
        raise ConfigError(f"{page} cannot be written ({e.strerror})") from None


def _judge(data: Path, content_only: bool) -> Callable[[str], tuple[Classification, Any]]:
    if content_only:
        from redaction.classifier import TopicClassifier

        classifier = TopicClassifier()
        return lambda text: (classifier.classify(text, ()), ())
    from proxy.inspect_worker import build

    pipeline = build(store.models_dir(data), names=True)

    def judge(text: str) -> tuple[Classification, Any]:
        result = pipeline.inspect([text])[0]
        return result.classification, result.findings

    return judge
