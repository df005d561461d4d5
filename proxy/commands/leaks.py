"""The detectors' table of ``sealgate models evaluate``: runs them over the labelled sets and prints shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click

from proxy.models import store
from proxy.models.leaks import Detect, SetFigures, Share, label_map, labelled_sets, measure
from redaction.pipeline import Pipeline, propagate

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def run(
    data: Path, folder: Path, bar: Bar, sets: Sequence[str], using: Sequence[str], limit: int | None
) -> list[SetFigures]:
    """Every labelled set of ``folder``. ``using``: only these detectors. Raises ConfigError."""
    files, names = labelled_sets(folder, sets), label_map(folder)
    detect = detectors(data, using)
    figures = []
    for file in files:
        with bar(file.name) as tick:
            figures.append(measure(file, detect, names, tick, limit))
    return figures


def detectors(data: Path, using: Sequence[str]) -> Detect:
    """What the gate does with one text: every reading of it, then what was found once everywhere. No classifier."""
    from proxy.inspect_worker import DETECTORS, chosen

    pipeline = Pipeline(chosen(store.models_dir(data), using or DETECTORS), None)
    return lambda text: propagate([text], pipeline.inspect([text]))[0].findings


def show(figures: Sequence[SetFigures]) -> None:
    click.echo(f"{'set':<24}{'texts':>6}  {'leak':<22}{'over-mask':<22}{'texts flagged':<22}{'CPU ms/kB':>9}")
    for row in figures:
        leak = _said(row.leak) if row.leak else "-"
        shares = "".join(f"{said:<22}" for said in (leak, _said(row.over_mask), _said(row.flagged)))
        click.echo(f"{row.name:<24}{row.texts:>6}  {shares}{row.ms_per_kb:>9.1f}")
    for title, part in (("label", "by_label"), ("language", "by_language"), ("group", "by_group")):
        lines = [(row.name, getattr(row, part)) for row in figures]
        if any(len(shares) > 1 for _, shares in lines):
            click.echo(f"\nleak by {title}: share, 95 % interval, spans")
            _show_parts(lines)


def _show_parts(lines: Sequence[tuple[str, Mapping[str, Share]]]) -> None:
    for name, shares in lines:
        if shares:
            parts = ", ".join(f"{key} {_said(share)} n {share.count}" for key, share in shares.items())
            click.echo(f"{name:<24}{parts}")


def _said(share: Share) -> str:
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
