"""Writes ``docs/detection.md`` from what was measured: every figure of the page comes from the JSON beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.models.labelled import TRAINED
from proxy.models.targets import Facts, Outcome, outcomes

Row = Mapping[str, Any]
ABOUT: Mapping[str, str] = {
    "benign_dev": "prompts and questions that hold nothing private (en)",
    "btc_dev": "tweets (en; CC BY 4.0)",
    "echr_es_dev": "court cases (es; MIT)",
    "echr_es_train": "court cases (es; MIT), held-out fifth",
    "echr_fr_dev": "court cases (fr; MIT)",
    "echr_fr_train": "court cases (fr; MIT), held-out fifth",
    "ids_presidio_tests_neg": "Presidio's own tests, no identifier",
    "ids_presidio_tests_pos": "Presidio's own tests, identifiers",
    "ids_stdnum_dev": "doctest numbers of python-stdnum in carrier sentences",
    "ids_stdnum_invalid": "the same with wrong checksums",
    "meddocan_dev": "clinical notes (es; CC BY 4.0)",
    "namebias_test": "chat lines with names of 15 groups by origin and sex (en; MIT)",
    "panorama_dev": "casual posts (en; CC BY 4.0)",
    "people_a_benign": "harmless prompts, written for this project (8 languages)",
    "people_a_business": "mail, tickets, notes, written for this project (8 languages)",
    "people_a_posts": "posts, written for this project (8 languages)",
    "people_a_prompts": "prompts, written for this project (8 languages)",
    "people_b_benign": "harmless prompts, written for this project, unseen (8 languages)",
    "people_b_business": "mail, tickets, notes, written for this project (8 languages)",
    "people_b_posts": "posts, written for this project (8 languages)",
    "people_b_prompts": "prompts, written for this project, unseen (8 languages)",
    "pl_pii_address": "addresses (pl; CC BY 4.0)",
    "pl_pii_core": "documents (pl; CC BY 4.0)",
    "pl_pii_inflection": "names in case forms (pl; CC BY 4.0)",
    "pl_pii_negative": "look-alikes (pl; CC BY 4.0)",
    "pl_pii_robustness": "documents, misspelt and reflowed (pl; CC BY 4.0)",
    "presidio_large_dev": "templates with invented people (en; MIT)",
    "presidio_synth_v2_dev": "templates with invented people (en; MIT)",
    "secrets_rules_dev": "examples of noseyparker's and kingfisher's rules (Apache-2.0)",
    "secrets_rules_neg": "counter-examples of these rules (Apache-2.0)",
    "tab_train": "court cases (en; MIT), held-out fifth",
    "wnut17_dev": "posts (en; CC BY 4.0)",
}
_DEFINITIONS = """\
- **leak**: share of sensitive spans of which at least one letter or digit is covered by no finding (an honorific before
  a name may stay). *Texts with a leak*: share of texts with a sensitive span that leak any.
- **over-mask**: share of letters and digits outside sensitive spans that findings of labels the set knows cover.
- **flagged**: share of texts with any finding, whatever its score.
- **direct / quasi recall**: an entity counts when every mention that has to be masked is, small words and punctuation
  aside; the definition of the text anonymisation benchmark.
- **right type**: share of sensitive spans found with exactly their ends and type, as `sealgate scan` prints them; F1
  with the findings that are no such span.
- **wrong checksum typed**: share of texts whose number fails its checksum and is yet called a bank, card, national,
  tax, passport, licence or medical number. The strict figure: it counts numbers that are valid as another kind, which
  nothing in the text excludes, too ([what is left](limitations.md)).
- **names of public persons and characters aside**: as *flagged*, without findings whose words are part of a name that
  stands in the text and on a list made by hand ([figures](../redaction/data/public_figures.txt), which detection uses,
  and [others of the benign prompts](../proxy/models/public_names.txt), living persons among them, which it does not).
- **intervals** are 95 %, over resampled texts; exact binomial where everything or nothing is hit. They say how much the
  figure depends on which texts of *this* source were drawn, nothing about other sources.
- **CPU ms/kB**: process CPU time per 1 000 characters, each text judged alone, with no cache; short texts cost more.
- Labels are compared as coarse kinds (an address is a place, a date of birth a date, a tax number a national number);
  `full` is patterns, secrets and the encoder with the student, `fast` patterns, secrets and the student alone."""
_LIMITS = """\
- These are development sets: thresholds, rules and templates were chosen with them in view
  ([which, and how](student.md#figures)). Expect more leaks on other sources.
- No permissively licensed set of real users' prompts is among them, and none of others' with full labels in German,
  Italian, Portuguese or Dutch. The sets `people_*` were written for this project by somebody who had not seen what it
  detects, as people write (`tests/golden/people`, `make people`); what is missed in the unseen ones was never read.
  Their harmless prompts ask about people, places and years of the world, which are flagged far more often than the aim
  allows.
- One annotator labelled most court cases and posts; some labels are missing, which counts as over-masking.
- Student and encoder were trained on four fifths of three court sets; only the fifth that neither saw is counted here.
- Other limits: [student](student.md#limits), [encoder](encoder.md#limits), [classifier and models](models.md#limits),
  [the gate](limitations.md)."""


def render(facts: Facts) -> str:
    """The page as Markdown."""
    return "\n\n".join(block for block in _blocks(facts) if block) + "\n"


def _blocks(facts: Facts) -> Iterator[str]:
    yield "# Detection: what is found, what is missed"
    yield _opening(facts)
    yield "## What is counted\n\n" + _DEFINITIONS
    yield "## Targets\n\n" + _targets(facts)
    for mode in ("full", "fast"):
        if facts.get(mode):
            yield f"## Sets: `{mode}`\n\n" + _sets(facts[mode])
    rows = facts.get("full") or facts.get("fast") or ()
    yield from _parts(rows)
    yield _identifiers(facts)
    yield _harmless(facts)
    yield _sensitivity(facts.get("sensitivity"))
    yield _misses(rows)
    yield "## Limits\n\n" + _LIMITS
    yield _digests(facts)


def _opening(facts: Facts) -> str:
    limit = facts.get("limit")
    sample = f"**A sample: about {limit} texts of each set.** " if limit else ""
    processes = f"{facts['jobs']} process{'es' if facts['jobs'] > 1 else ''}"
    return (
        f"Measured on {facts['date']} with Sealgate {facts['version']}, Python {facts['python']}, in {processes}, by\n"
        f"`sealgate models evaluate --suite DIR --write docs/detection.md` (`make detection-doc`). {sample}The page\n"
        "is made from [detection.json](detection.json), not edited by hand. Cards: [the student](student.md),\n"
        "[the encoder](encoder.md), [payload classifier and other models](models.md)."
    )


def _targets(facts: Facts) -> str:
    fast = {o.target.task: o for o in outcomes(facts, "fast")}
    out = ["| task | set | aim | full | reached | fast | reached |", "|---|---|--:|--:|---|--:|---|"]
    judged = outcomes(facts, "full")
    for o in judged:
        sign = "≥" if o.target.at_least else "≤"
        other = fast.get(o.target.task)
        cells = (_said(o.share), o.verdict, _said(other.share if other else None), other.verdict if other else "-")
        out.append(
            f"| {o.target.task} | {o.target.set or 'sensitivity_dev'} | {sign} {o.bound:g} | {' | '.join(cells)} |"
        )
    return "\n".join([*out, "", _verdict(judged)])


def _verdict(judged: Sequence[Outcome]) -> str:
    missed = [o.target.task.removeprefix("… ") for o in judged if o.verdict.startswith("no")]
    open_ = sum(o.verdict == "-" for o in judged)
    text = f"With all detectors {sum(o.verdict.startswith('yes') for o in judged)} of {len(judged)} aims are reached"
    text += f", {open_} were not measured" if open_ else ""
    text += f". **Not reached:** {'; '.join(missed)}." if missed else "."
    return text + (
        ' "Narrowly" means that the aim lies within the interval. Real users\' prompts (aim: leak ≤ 0.1) are not\n'
        "measured here; prompts written like them are. The benign prompts name public figures, invented people and\n"
        "products: of the rows on them the first counts every name as flagged, the second all but those of public\n"
        "persons and characters, the third none that is taken for a person's."
    )


def _sets(rows: Sequence[Row]) -> str:
    out = [
        "| set | what | texts | leak | texts with a leak | over-mask | flagged | CPU ms/kB |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        shares = (_said(row[name]) for name in ("leak", "texts_leaking", "over_mask", "flagged"))
        lost = f" ({row['uninspected']} uninspected)" if row["uninspected"] else ""
        name = row["name"] + (" ¹" if row["name"] in TRAINED else "")
        out.append(
            f"| {name} | {ABOUT.get(row['name'], '')} | {row['texts']}{lost} | {' | '.join(shares)} "
            f"| {row['ms_per_kb']:.1f} |"
        )
    return "\n".join([*out, "", "¹ only the fifth of the texts that was never trained on."])


def _parts(rows: Sequence[Row]) -> Iterator[str]:
    for title, part in (("label", "by_label"), ("language", "by_language"), ("group", "by_group")):
        lines = [
            f"| {row['name']} | {key} | {found['count']} | {_said(found)} |"
            for row in rows
            if len(row[part]) > 1 or part == "by_label"
            for key, found in row[part].items()
        ]
        if part == "by_language":
            lines = list(_languages(rows))
        if lines:
            counted = "texts or spans | leak, or flagged" if part == "by_group" else "spans | leak"
            head = f"| set | {title} | {counted} |\n|---|---|--:|--:|\n"
            yield f"## By {title}\n\n" + _about_part(part, rows) + head + "\n".join(lines)


def _languages(rows: Sequence[Row]) -> Iterator[str]:
    found = sorted((key, row["name"], share) for row in rows for key, share in row["by_language"].items())
    for language, name, share in found:
        yield f"| {name} | {language} | {share['count']} | {_said(share)} |"


def _about_part(part: str, rows: Sequence[Row]) -> str:
    if part != "by_group":
        return "With all detectors.\n\n"
    gaps = [f"{row['name']} {_said(row['gap'])}" for row in rows if row["gap"]]
    text = "Names by origin and sex: leak; benign texts by topic: share of texts flagged. "
    return text + (f"Worst group minus best: {'; '.join(gaps)} (the interval leans upwards).\n\n" if gaps else "\n\n")


def _identifiers(facts: Facts) -> str:
    out = [
        "| set | detectors | direct recall | quasi recall | right type | its F1 | wrong checksum typed |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    names = ("direct", "quasi", "typed", "typed_f1", "invalid_typed")
    for mode in ("full", "fast"):
        for row in facts.get(mode) or ():
            if any(row[name] for name in names):
                out.append(f"| {row['name']} | {mode} | {' | '.join(_said(row[name]) for name in names)} |")
    return "## Entities and types\n\n" + "\n".join(out)


def _harmless(facts: Facts) -> str:
    out = [
        "| set | detectors | flagged | flagged, public names aside | flagged, persons aside | by label |",
        "|---|---|--:|--:|--:|---|",
    ]
    parts = ("flagged", "flagged_unless_public", "flagged_unless_person")
    for mode in ("full", "fast"):
        for row in facts.get(mode) or ():
            if row["leak"] is None:
                labels = ", ".join(f"{k} {v['value']:.3f}" for k, v in row["flagged_by_label"].items())
                shares = " | ".join(_said(row.get(part)) for part in parts)
                out.append(f"| {row['name']} | {mode} | {shares} | {labels or '-'} |")
    return "## Texts in which nothing is sensitive\n\n" + "\n".join(out)


def _sensitivity(figures: Row | None) -> str:
    if not figures:
        return ""
    out = ["| kind of text | should be | texts | at that level | got |", "|---|---|--:|--:|---|"]
    for row in figures["rows"]:
        got = ", ".join(f"{level} {n}" for level, n in sorted(row["got"].items()))
        out.append(f"| {row['kind']} | {row['expected']} | {row['count']} | {_said(row['interval'])} | {got} |")
    sums = ", ".join(f"{name.replace('_', ' ')} {_said(x)}" for name, x in figures["with_intervals"].items())
    rule = "Of the text as it stands, findings included ([rule](models.md#as-it-stands)); no text of it was trained on."
    return "## Sensitivity\n\n" + f"{rule} In all: {sums}.\n\n" + "\n".join(out)


def _misses(rows: Sequence[Row]) -> str:
    out = ["| set | labels with most leaked spans |", "|---|---|"]
    for row in rows:
        leaked = {k: round(v["value"] * v["count"]) for k, v in row["by_label"].items()}
        worst = sorted((-n, k) for k, n in leaked.items() if n)[:3]
        if worst:
            said = ", ".join(f"{k} {-n} of {row['by_label'][k]['count']}" for n, k in worst)
            out.append(f"| {row['name']} | {said} |")
    said = (
        "In words, by reading the misses of the student: [its card](student.md#figures). Counted, with all detectors:"
    )
    return f"## Kinds of miss\n\n{said}\n\n" + "\n".join(out)


def _digests(facts: Facts) -> str:
    lines = [
        f"| {name} | `{digest}` | {mode} |"
        for mode, found in facts["digests"].items()
        for name, digest in sorted(found.items())
    ]
    return "## Detectors measured\n\n| detector | digest | in |\n|---|---|---|\n" + "\n".join(lines)


def _said(share: Mapping[str, float] | None) -> str:
    return "-" if share is None else f"{share['value']:.3f} [{share['low']:.3f}, {share['high']:.3f}]"
