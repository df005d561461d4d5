"""HTML: its text, and everything beside it (comments, scripts, attributes). No script runs, nothing is fetched.

The tokenizer is one pattern whose every alternative ends at its terminator or at the end of the text, as in the HTML
standard, so that its time is linear whatever is left open (the library's parser starts again at every ``<!--``).
"""

from __future__ import annotations

import re
from html import unescape

from redaction.documents.types import Reading

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "button",
        "caption",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "iframe",
        "input",
        "legend",
        "li",
        "main",
        "nav",
        "noscript",
        "ol",
        "optgroup",
        "option",
        "p",
        "pre",
        "section",
        "select",
        "summary",
        "table",
        "tbody",
        "td",
        "template",
        "textarea",
        "tfoot",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
        "video",
    ]
)
"""Elements that end a run of text; any other stands within a word."""
PICTURES = frozenset({"svg", "canvas", "object", "embed", "applet"})
HUMAN = frozenset({"alt", "title", "placeholder", "value", "content", "label", "summary", "aria-label", "srcdoc"})

_QUOTED = r"""[^>"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)"""
_TOKEN = re.compile(
    rf"<!--(?P<comment>.*?)(?:--!?>|\Z)"
    rf"|<(?P<raw>script|style)(?P<rawattrs>(?:[\s/](?:{_QUOTED})*+)?)(?:>|\Z)(?P<code>.*?)(?:</(?P=raw)(?=[\s/>])|\Z)"
    rf"|<(?P<tag>/?[a-z][^\s/>]*+)(?P<attrs>(?:{_QUOTED})*+)(?:>|\Z)"
    rf"|<[!?/](?P<other>[^>]*+)(?:>|\Z)",
    re.I | re.S,
)
_ATTRIBUTE = re.compile(r"""(?<![^\s"'/])([^\s=>"'/]++)\s*+=\s*+("[^"]*+|'[^']*+|[^\s>]++)""")
_EMBEDDED = re.compile(r"data:[\w.+/;=-]*+,[^\s\"'<>)]{64,}+", re.I)


class _Page:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.text: list[str] = []
        self.beside: list[str] = []

    def read(self, source: str) -> None:
        at = 0
        for token in _TOKEN.finditer(source):
            self._reading.node()
            self.text.append(unescape(source[at : token.start()]))
            at = token.end()
            self.beside += [token[k] for k in ("comment", "code", "other") if token[k]]
            if token["tag"]:
                self._tag(token["tag"].lower())
            self._attributes(token["attrs"] or token["rawattrs"] or "")
        self.text.append(unescape(source[at:]))

    def _tag(self, tag: str) -> None:
        name = tag.strip("/")
        if name in PICTURES:
            self._reading.missing("image")
        if name in BLOCKS:
            self.text.append("\t" if tag in {"td", "th"} else "\n")

    def _attributes(self, attrs: str) -> None:
        for match in _ATTRIBUTE.finditer(attrs):
            name = match[1].lower()
            if name in HUMAN or name.startswith("data-"):
                self.beside.append(unescape(match[2].strip("\"'")))


def read_html(source: str, reading: Reading) -> None:
    """Its text with inline elements joined; then what stands beside the text; then the source, where all the rest is.

    A picture inside it is missing; one that it only names is not part of it.
    """
    page = _Page(reading)
    page.read(source)
    kept, embedded = _EMBEDDED.subn("", source)
    if embedded:
        reading.missing("image")
    reading.prose(_tidy("".join(page.text)))
    reading.prose("\n".join(page.beside))
    reading.technical(kept)


def _tidy(text: str) -> str:
    return "\n".join(line for raw in text.splitlines() if (line := raw.strip()))
