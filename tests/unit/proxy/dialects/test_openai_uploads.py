"""Uploads: forms read strictly or not at all; every field and name looked at; bytes kept where they may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_restorer import Plain, factory

from proxy.dialects import multipart
from proxy.dialects.base import Untransformable
from proxy.dialects.openai_uploads import EDITS, TRANSCRIPTIONS, TRANSLATIONS, VARIATIONS, OpenAIUpload
from proxy.errors import BadRequest, Misuse

CANARY = "Zoë Canary-7731"
STAND_IN = "PERSON_k3f9x0k3f9x0k"
VALUE = 'Zoë "Z" 李'
MARK = "0123456789abcdef0123456789abcdef"
TYPE = f"multipart/form-data; boundary={MARK}"
Field = tuple[str, bytes | str]
FILE = ('name="file"; filename="talk.mp3"\r\nContent-Type: audio/mpeg', b"ID3\x00\xff\r\n--")


def form(*fields: Field, mark: str = MARK) -> bytes:
    """Parts from (what follows ``form-data; ``, content)."""
    out = b""
    for head, content in fields:
        raw = content if isinstance(content, bytes) else content.encode()
        out += f"--{mark}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + raw + b"\r\n"
    return out + f"--{mark}--\r\n".encode()


def plain(name: str, text: str) -> Field:
    return f'name="{name}"', text


def upload(*more: Field, kind: Any = TRANSCRIPTIONS) -> tuple[OpenAIUpload, bytes]:
    return OpenAIUpload(kind, TYPE), form(plain("model", "m"), *more, FILE)


PLACES: dict[str, Field] = {
    "prompt": plain("prompt", f"With {CANARY}."),
    "language": plain("language", CANARY),
    "response_format": plain("response_format", CANARY),
    "temperature": plain("temperature", CANARY),
    "user": plain("user", CANARY),
    "stream": plain("stream", CANARY),
    "keyword": plain("keywords[]", CANARY),
    "speaker": plain("known_speaker_names[]", CANARY),
    "speaker_reference": plain("known_speaker_references[]", CANARY),
    "json": plain("chunking_strategy", json.dumps({"type": CANARY})),
    "json_key": plain("chunking_strategy", json.dumps({CANARY: 1})),
    "unknown": plain("zzz", CANARY),
    "name": plain(CANARY, "x"),
    "name_of_many": plain(f"{CANARY}[]", "x"),
    "name_with_marks": plain(f"a/{CANARY}#~", "x"),
    "filename": (f'name="mask"; filename="{CANARY}.png"\r\nContent-Type: image/png', b"\x89PNG"),
    "filename_of_many": (f'name="image[]"; filename="{CANARY}.png"\r\nContent-Type: image/png', b"\x89PNG"),
    "text_file": ('name="notes"; filename="a.txt"\r\nContent-Type: text/plain', f"from {CANARY}"),
    "json_file": ('name="notes"; filename="a.json"\r\nContent-Type: application/json', json.dumps({"a": [CANARY]})),
    "typed_field": ('name="notes"\r\nContent-Type: text/csv; charset=UTF-8', CANARY),
    "content_type": ('name="notes"; filename="a"\r\nContent-Type: audio/Canary-7731', b"\x00"),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_a_form_is_a_segment_and_can_be_replaced(place: str) -> None:
    dialect, body = upload(PLACES[place])
    canary = CANARY if place != "content_type" else "Canary-7731"
    parsed = dialect.parse(body)
    hit = [s for s in parsed.segments if canary in s.text]
    assert hit, "nobody looks there"
    out = dialect.render(parsed, {(s.pointer, s.kind): s.text.replace(canary, STAND_IN) for s in hit}, "m")
    assert b"Canary-7731" not in out and STAND_IN.encode() in out
    assert not [s for s in dialect.parse(out).segments if canary in s.text]
    assert b"ID3\x00\xff\r\n--" in out, "the file travels as it came"
    assert dialect.render(parsed, {}, "m") == body


def test_settings_need_no_look_and_the_model_changes_alone() -> None:
    dialect, body = upload(
        plain("response_format", "verbose_json"), plain("temperature", "0.2"), plain("stream", "true"),
        plain("timestamp_granularities[]", "word"), plain("timestamp_granularities[]", "segment"),
        plain("chunking_strategy[type]", "server_vad"), plain("chunking_strategy[threshold]", "0.5"),
    )  # fmt: skip
    parsed = dialect.parse(body)
    said = [s.text for s in parsed.segments]
    assert said == ["talk.mp3"] and parsed.stream and parsed.model == "m"
    assert dialect.render(parsed, {}, "other") == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nother\r\n")


@pytest.mark.parametrize("text", ["4111111111111111", "Zoe", "1e5x", ""])
def test_a_number_that_is_none_or_long_is_looked_at(text: str) -> None:
    dialect, body = upload(plain("temperature", text))
    assert ("/temperature" in [s.pointer for s in dialect.parse(body).segments]) == bool(text)


def test_the_second_of_many_is_replaced_and_the_first_kept() -> None:
    dialect, body = upload(plain("keywords[]", "fence"), plain("keywords[]", CANARY))
    parsed = dialect.parse(body)
    (hit,) = [s for s in parsed.segments if CANARY in s.text]
    assert hit.pointer == "/keywords[]/1"
    out = dialect.render(parsed, {(hit.pointer, hit.kind): STAND_IN}, "m")
    assert out == body.replace(CANARY.encode(), STAND_IN.encode())


@pytest.mark.parametrize(
    ("kind", "head", "content", "reason"),
    [
        (TRANSCRIPTIONS, 'name="f"; filename="a.mp3"\r\nContent-Type: audio/mpeg', b"x", "content:audio"),
        (TRANSCRIPTIONS, 'name="f"; filename="a.mp4"\r\nContent-Type: video/mp4', b"x", "content:video"),
        (TRANSLATIONS, 'name="f"; filename="a"', b"x", "content:audio"),
        (EDITS, 'name="f"; filename="a"\r\nContent-Type: application/octet-stream', b"x", "content:image"),
        (VARIATIONS, 'name="f"\r\nContent-Type: image/png', b"x", "content:image"),
        (EDITS, 'name="f"; filename="a.txt"\r\nContent-Type: text/plain', b"\xff\xfe", "content:unknown"),
        (EDITS, 'name="f"; filename="a.txt"\r\nContent-Type: text/plain', b"a\x00b", "content:unknown"),
        (EDITS, 'name="f"; filename="a.txt"\r\nContent-Type: text/plain; charset=utf-16', b"ab", "content:unknown"),
        (EDITS, 'name="f"; filename="a.txt"\r\nContent-Type: text/plain;charset="cp037"', b"ab", "content:unknown"),
        (TRANSCRIPTIONS, 'name="known_speaker_references[]"', b"data:audio/wav;base64,AAAA", "content:audio"),
    ],
)
def test_what_nobody_can_read_is_uninspected(kind: Any, head: str, content: bytes, reason: str) -> None:
    dialect = OpenAIUpload(kind, TYPE)
    parsed = dialect.parse(form(plain("model", "m"), (head, content)))
    assert parsed.uninspected == {reason} and reason.removeprefix("content:") in parsed.content


def test_a_form_of_text_alone_is_inspected() -> None:
    body = form(plain("model", "m"), ('name="file"; filename="a.txt"\r\nContent-Type: text/plain', "hello"))
    parsed = OpenAIUpload(EDITS, TYPE).parse(body)
    assert not parsed.uninspected and "hello" in [s.text for s in parsed.segments]


HEAD = f'--{MARK}\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
LIES = {
    "preamble": f"hello\r\n{HEAD}--{MARK}--\r\n",
    "leading line": f"\r\n{HEAD}--{MARK}--\r\n",
    "epilogue": f"{HEAD}--{MARK}--\r\nhello",
    "no end": HEAD,
    "header behind a bare newline": form(('name="model"\nX-Who: me', "m")),
    "header behind a bare return": form(('name="model"\rX-Who: me', "m")),
    "no parts": f"--{MARK}--\r\n",
    "only delimiters": f"--{MARK}\r\n--{MARK}--\r\n",
    "bare newlines": HEAD.replace("\r\n", "\n") + f"--{MARK}--\n",
    "padded delimiter": f"{HEAD}--{MARK} \r\n{HEAD.partition(chr(10))[2]}--{MARK}--\r\n",
    "boundary in the content": form(plain("model", "m"), plain("prompt", f"x --{MARK} y")),
    "boundary after a bare newline": form(plain("model", "m"), plain("prompt", f"x\n--{MARK}\nx")),
    "ended twice": form(plain("model", "m"), plain("prompt", f"x\r\n--{MARK}--")),
    "boundary that goes on": form(plain("model", "m"), plain("prompt", f"x\r\n--{MARK}x\r\n")),
    "no headers": f"--{MARK}\r\n\r\nm\r\n--{MARK}--\r\n",
    "no end of headers": f'--{MARK}\r\nContent-Disposition: form-data; name="model"\r\nm\r\n--{MARK}--\r\n',
    "long headers": form((f'name="{"x" * 9000}"', "m")),
    "folded header": form(('name="model";\r\n filename="x"', "m")),
    "header twice": form(('name="model"\r\nContent-Disposition: form-data; name="x"', "m")),
    "type twice": form(('name="model"\r\nContent-Type: text/plain\r\ncontent-type: audio/wav', "m")),
    "unknown header": form(('name="model"\r\nX-Who: me', "m")),
    "content id": form(('name="model"\r\nContent-ID: <x>', "m")),
    "base64": form(('name="model"\r\nContent-Transfer-Encoding: base64', "bQ==")),
    "quoted-printable": form(('name="model"\r\nContent-Transfer-Encoding: quoted-printable', "m")),
    "wrong length": form(('name="model"\r\nContent-Length: 7', "m")),
    "nested": form(('name="model"\r\nContent-Type: multipart/mixed; boundary=x', "m")),
    "no name": form(('filename="x"', "m")),
    "empty name": form(('name=""', "m")),
    "unquoted name": form(("name=model", "m")),
    "escaped name": form(('name="mo\\del"', "m")),
    "name twice": form(('name="model"; name="x"', "m")),
    "extended filename": form(("name=\"model\"; filename*=utf-8''x", "m")),
    "both filenames": form(('name="model"; filename="x"; filename*=utf-8\'\'y', "m")),
    "not form data": form(plain("model", "m")).replace(b"form-data;", b"attachment;"),
    "no disposition": form(plain("model", "m")).replace(b"Content-Disposition", b"Content-Type"),
    "odd type": form(('name="model"\r\nContent-Type: te\x01xt', "m")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_form_that_readers_may_read_differently_is_refused(lie: str) -> None:
    body = LIES[lie]
    raw = body if isinstance(body, bytes) else body.encode()
    with pytest.raises(BadRequest) as e:
        OpenAIUpload(TRANSCRIPTIONS, TYPE).parse(raw)
    assert e.value.code == "invalid_multipart"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([plain("prompt", "x")], "missing_model"),
        ([plain("model", "")], "missing_model"),
        ([('name="model"\r\nContent-Type: audio/wav', "m")], "missing_model"),
        ([plain("model", "m"), plain("model", "n")], "duplicate_key"),
        ([plain("model", "m"), plain("prompt", "a"), plain("prompt", "b")], "duplicate_key"),
        ([plain("model", "m"), ('name="prompt"', b"\xff")], "invalid_encoding"),
        ([plain("model", "m"), ('name="prompt"', b"a\x00b")], "invalid_encoding"),
        ([plain("model", "m")] + [plain("a[]", "x")] * 1000, "too_complex"),
    ],
)
def test_forms_that_lack_or_repeat_something_are_refused(fields: list[Field], code: str) -> None:
    with pytest.raises(BadRequest) as e:
        OpenAIUpload(TRANSCRIPTIONS, TYPE).parse(form(*fields))
    assert e.value.code == code


def test_names_must_be_utf8() -> None:
    with pytest.raises(BadRequest) as e:
        OpenAIUpload(EDITS, TYPE).parse(form(plain("model", "m"), plain("x", "y")).replace(b'"x"', b'"\xff"'))
    assert e.value.code == "invalid_encoding"


@pytest.mark.parametrize(
    "content_type",
    [
        "", "application/json", "multipart/form-data", "multipart/mixed; boundary=x", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x; charset=utf-8", "multipart/form-data; charset=utf-8; boundary=x",
        "multipart/form-data; boundary=x; boundary=y", 'multipart/form-data; boundary="x y"',
        "multipart/form-data; boundary=x\u00e9", "multipart/form-data; boundary=\u017f",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=a@b", "multipart/form-data, multipart/form-data; boundary=x",
        "multipart/form-data; boundary=\"x", "multipart/form-data; boundary=x ",
    ],
)  # fmt: skip
def test_content_types_that_lie_are_refused(content_type: str) -> None:
    with pytest.raises(BadRequest) as e:
        OpenAIUpload(EDITS).bound(content_type, "x")
    assert e.value.code == "unsupported_content_type"


OURS = "sealgate-" + "0a" * 16


@pytest.mark.parametrize(
    "mark", [MARK, "x", "4111111111111111", "anna.berg-example.com", "a'b+c_d.e-f", "-", "---", "-" * 24 + "d"]
)
@pytest.mark.parametrize("quoted", [False, True])
def test_the_boundary_that_an_app_chose_goes_no_further(mark: str, quoted: bool) -> None:
    shown = f'Multipart/Form-Data;boundary="{mark}"' if quoted else f"multipart/form-data; boundary={mark}"
    dialect, kind, made = OpenAIUpload(EDITS).bound(shown, OURS)
    assert kind == f"multipart/form-data; boundary={OURS}" and dialect.name == "openai.image_edits"
    parts = [plain("model", "m"), plain("prompt", "a - b"), FILE]
    if mark not in {"-", "---"}:
        parts.append(plain("zzz", f"{mark} {mark[1:]}\r\n-{mark}"))
    body = made(form(*parts[:2], *parts[3:], mark=mark))
    assert body == form(*parts[:2], *parts[3:], mark=OURS)
    parsed = dialect.parse(body)
    assert dialect.render(parsed, {}, "m") == body and parsed.model == "m"


@pytest.mark.parametrize("mark", [MARK, "x", "-"])
@pytest.mark.parametrize("text", ["x --{} y", "\r\n--{}x\r\n", "--{}--", "--{0}--{0}"])
def test_a_boundary_inside_the_content_is_refused_under_ours_too(mark: str, text: str) -> None:
    dialect, _, made = OpenAIUpload(EDITS).bound(f"multipart/form-data; boundary={mark}", OURS)
    body = form(plain("model", "m"), plain("prompt", text.format(mark)), mark=mark)
    for reader, raw in ((OpenAIUpload(EDITS, f"multipart/form-data; boundary={mark}"), body), (dialect, made(body))):
        with pytest.raises(BadRequest):
            reader.parse(raw)


def test_what_cannot_be_written_into_a_form_is_said() -> None:
    odd = ('name="notes"; filename="a"\r\nContent-Type: audio/odd', b"\x00")
    dialect, body = upload(plain("prompt", "x"), plain("zzz", "y"), odd)
    parsed = dialect.parse(body)
    for place, text in (
        (("/prompt", "text"), f"a --{MARK} b"),
        (("/zzz", "key"), "a\\b"),
        (("/zzz", "key"), ""),
        (("/file/filename", "key"), f"--{MARK}"),
        (("/notes/content-type", "key"), "audio/\u00e9"),
        (("/notes/content-type", "key"), "audio/x\r\nX: y"),
    ):
        with pytest.raises(Untransformable):
            dialect.render(parsed, {place: text}, "m")
    with pytest.raises(Misuse):
        dialect.render(parsed, {("/nowhere", "text"): "x"}, "m")
    quoted = dialect.render(parsed, {("/zzz", "key"): 'a"b\r\nc', ("/file/filename", "key"): 'x"y.mp3'}, "m")
    assert b'name="a%22b%0D%0Ac"' in quoted and b'filename="x%22y.mp3"' in quoted


def test_lengths_of_changed_parts_are_corrected_and_bodies_without_a_last_newline_are_read() -> None:
    dialect = OpenAIUpload(TRANSCRIPTIONS, TYPE)
    body = form(plain("model", "m"), ('name="prompt"\r\nContent-Length: 1\r\nContent-Transfer-Encoding: 8bit', "x"))
    parsed = dialect.parse(body.removesuffix(b"\r\n"))
    out = dialect.render(parsed, {("/prompt", "text"): STAND_IN}, "m")
    assert f"Content-Length: {len(STAND_IN)}\r\n".encode() in out
    assert dialect.parse(out).first_user == STAND_IN


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.lists(st.sampled_from(
    [f"--{MARK}", "\r\n", "\n", "--", "Content-Disposition: form-data; ", 'name="model"', 'filename="', '"', "m",
     "\r\n\r\n", "Content-Type: text/plain", "\x00", "é", ";"]), max_size=24).map(lambda parts: "".join(parts).encode())
)  # fmt: skip
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    dialect = OpenAIUpload(TRANSCRIPTIONS, TYPE)
    try:
        parsed = dialect.parse(body)
    except BadRequest:
        return
    again = multipart.join(multipart.split(body, MARK), MARK)
    assert again.removesuffix(b"\r\n") == body.removesuffix(b"\r\n") and dialect.render(parsed, {}, "m") == body


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(exclude_characters='"\\\r\n\0', exclude_categories=["Cs"]), min_size=1,
                                  max_size=9), st.binary(max_size=40)), min_size=1, max_size=6))  # fmt: skip
def test_what_is_written_is_read_back(fields: list[tuple[str, bytes]]) -> None:
    parts = multipart.split(form(*((f'name="{name}"', content) for name, content in fields)), MARK)
    assert [(p.name, p.content) for p in parts] == fields
    assert multipart.join(parts, MARK) == form(*((f'name="{name}"', content) for name, content in fields))


# -- answers -----------------------------------------------------------------------------------------------------------


def test_transcripts_are_restored_in_every_format() -> None:
    dialect = OpenAIUpload(TRANSCRIPTIONS)
    answer = {
        "text": f"I am {STAND_IN}", "duration": 1.50,
        "segments": [{"id": 0, "start": 0.0, "text": f" {STAND_IN}", "speaker": STAND_IN}, 7],
        "words": [{"word": STAND_IN, "start": 0.10}],
        "usage": {"type": "tokens", "input_tokens": 5, "output_tokens": 6},
    }  # fmt: skip
    places = Plain({STAND_IN: VALUE})
    out, usage = dialect.restore(json.dumps(answer).encode(), places)
    got = json.loads(out)
    assert (got["text"], got["words"][0]["word"]) == (f"I am {VALUE}", VALUE)
    assert got["segments"][0] == {"id": 0, "start": 0.0, "text": f" {VALUE}", "speaker": VALUE}
    assert usage == {"tokens_in": 5, "tokens_out": 6} and set(places.places) == {"text"} and b"1.5" in out
    srt = f"1\r\n00:00:00,000 --> 00:00:01,000\r\n{STAND_IN} é\r\n"
    assert dialect.restore(srt.encode(), factory({STAND_IN: VALUE})) == (srt.replace(STAND_IN, VALUE).encode(), {})
    assert dialect.restore(b"42\n", factory({STAND_IN: VALUE})) == (b"42\n", {})
    raw = json.dumps({"text": "none"}, indent=1).encode()
    assert dialect.restore(raw, factory({STAND_IN: VALUE})) == (raw, {})
    with pytest.raises(ValueError, match="codec"):
        dialect.restore(b"\xff\xfb", factory({}))


def test_edited_images_are_answered_like_made_ones() -> None:
    raw = json.dumps({"data": [{"b64_json": "x", "revised_prompt": STAND_IN}]}).encode()
    out, _ = OpenAIUpload(EDITS).restore(raw, factory({STAND_IN: VALUE}))
    assert json.loads(out)["data"][0]["revised_prompt"] == VALUE
    with pytest.raises(ValueError, match="images"):
        OpenAIUpload(VARIATIONS).restore(b'{"text": "x"}', factory({}))


def test_without_a_boundary_only_errors_can_be_made() -> None:
    with pytest.raises(Misuse):
        OpenAIUpload(EDITS).parse(b"")
    assert b"req_1" in OpenAIUpload(EDITS).error(BadRequest("x"), "req_1")
