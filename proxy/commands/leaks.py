"""The detectors' table of ``sealgate models evaluate``: runs them over the labelled sets and prints shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click

from proxy.models import measure, store
from proxy.models.leaks import Detect, SetFigures, Share

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def run(
    data: Path,
    folder: Path,
    bar: Bar,
    *,
    sets: Sequence[str] = (),
    modes: Mapping[str, Sequence[str]],
    limit: int | None = None,
    jobs: int = 1,
) -> dict[str, list[SetFigures]]:
    """Every labelled set of ``folder`` by the detectors of each of ``modes``. Raises ConfigError."""
    with bar(f"{' and '.join(modes)}: characters") as tick:
        return measure.run(store.models_dir(data), folder, tick, sets=sets, modes=modes, limit=limit, jobs=jobs)


def modes(inspection: str, using: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Detectors by name of the row of tables they make: a depth of inspection, or just those of ``using``."""
    if using:
        return {"+".join(using): using}
    return {name: found for name, found in measure.MODES.items() if inspection in {name, "both"}}


def detectors(data: Path, using: Sequence[str]) -> Detect:
    """What the gate does with one text: every reading of it, then what was found once everywhere. No classifier."""
    judge = measure.Judge(store.models_dir(data), {"": using or measure.MODES["full"]}, {})
    return lambda text: judge.result("", text).findings


def show(figures: Sequence[SetFigures], title: str) -> None:
    """The whole table of one depth of inspection."""
    click.echo(f"{title}: share [95 % interval]")
    click.echo(f"{'set':<24}{'texts':>6}  {'leak':<22}{'over-mask':<22}{'texts flagged':<22}{'CPU ms/kB':>9}")
    for row in figures:
        leak = said(row.leak) if row.leak else "-"
        shares = "".join(f"{part:<22}" for part in (leak, said(row.over_mask), said(row.flagged)))
        lost = f"   {row.uninspected} texts uninspected" if row.uninspected else ""
        click.echo(f"{row.name:<24}{row.texts:>6}  {shares}{row.ms_per_kb:>9.1f}{lost}")
    for heading, parts in _sections(figures):
        lines = [f"{name:<24}{text}" for name, text in parts if text]
        if lines:
            click.echo("\n".join(["", heading, *lines]))


def _sections(figures: Sequence[SetFigures]) -> list[tuple[str, list[tuple[str, str]]]]:
    out = []
    for title, part in (("label", "by_label"), ("language", "by_language"), ("group", "by_group")):
        lines = [(row.name, getattr(row, part)) for row in figures]
        if any(len(shares) > 1 for _, shares in lines):
            what = "leak (flagged texts where nothing is sensitive)" if part == "by_group" else "leak"
            out.append((f"{what} by {title}", [(name, _parts(shares)) for name, shares in lines]))
    single = (
        ("texts_leaking", "texts with a leak, of those with a sensitive span"),
        ("gap", "leak of the worst group minus that of the best"),
        ("direct", "direct identifiers masked in every mention"),
        ("quasi", "quasi identifiers masked in every mention"),
        ("typed", "spans found with exactly their ends and type"),
        ("typed_f1", "F1 of that"),
        ("invalid_typed", "numbers with a wrong checksum called a kind of number"),
        ("flagged_unless_public", "texts flagged for anything but names of public persons and characters"),
        ("flagged_unless_person", "texts flagged for anything but persons"),
    )
    for part, heading in single:
        found = [(row.name, getattr(row, part)) for row in figures]
        out.append((heading, [(name, f"{said(x)} n {x.count}" if x else "") for name, x in found]))
    out.append(("texts flagged by label", [(row.name, _parts(row.flagged_by_label)) for row in figures]))
    return out


def _parts(shares: Mapping[str, Share]) -> str:
    return ", ".join(f"{key} {said(share)} n {share.count}" for key, share in shares.items())


def said(share: Share) -> str:
    return f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
