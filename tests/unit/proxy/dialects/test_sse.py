"""Events keep their bytes and do not depend on how the stream was cut."""

from __future__ import annotations

import pytest

from proxy.dialects.sse import Event, Parser, TooLong, comment, write


def read(*chunks: bytes) -> list[Event]:
    parser = Parser()
    events = [e for c in chunks for e in parser.feed(c)]
    return events + parser.close()


def test_the_fields_of_an_event_are_read() -> None:
    raw = b": hello\nevent: done\nid: 7\nretry: 1500\ndata: a\ndata:b\ndata\nx: y\n\n"
    assert read(raw) == [Event(raw, "a\nb\n", "done", "7", 1500)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_ending_ends_a_line(end: bytes) -> None:
    first, second = b"data: 1" + end + end, b": c" + end + b"data: 2" + end + end
    assert [(e.raw, e.data) for e in read(first + second)] == [(first, "1"), (second, "2")]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_the_cut_of_a_stream_changes_nothing(end: bytes) -> None:
    lines = ["data: é😀", "", ": ping", "", "event: x", "id: 1", "data: a", "data: b", "", "", "data: tail"]
    stream = b"\xef\xbb\xbf" + end.join(line.encode() for line in lines)
    whole = read(stream)
    assert b"".join(e.raw for e in whole) == stream
    assert [e.data for e in whole] == ["é😀", None, "a\nb", None, "tail"]
    for size in (1, 2, 3, 5, 7):
        assert read(*(stream[i : i + size] for i in range(0, len(stream), size))) == whole


def test_an_event_goes_out_as_soon_as_it_is_complete() -> None:
    parser = Parser()
    assert parser.feed(b"data: 1\n") == []
    assert [e.data for e in parser.feed(b"\n")] == ["1"]
    assert parser.feed(b"data: 2\r\n\r") == []
    assert [e.raw for e in parser.feed(b"\n")] == [b"data: 2\r\n\r\n"]
    assert parser.close() == []


def test_other_data_leaves_every_other_line_alone() -> None:
    raw = b": c\r\nid: 7\r\ndata: a\r\nevent: x\r\ndata: b\r\nretry: 5\r\n\r\n"
    (event,) = read(raw)
    assert event.with_data("{}") == b": c\r\nid: 7\r\ndata: {}\r\nevent: x\r\nretry: 5\r\n\r\n"
    assert read(event.with_data("1\n2"))[0].data == "1\n2"


def test_bad_utf8_harms_only_what_is_read_not_what_passes() -> None:
    raw = b"data: \xff\n\n"
    assert [(e.raw, e.data) for e in read(raw)] == [(raw, "\ufffd")]


@pytest.mark.parametrize("size", [1, 64, 100])
def test_a_line_that_never_ends_is_cut_off(size: int) -> None:
    parser = Parser(max_line=1000)
    for _ in range(1000 // size):
        parser.feed(b"x" * size)
    with pytest.raises(TooLong):
        parser.feed(b"x" * size)


def test_an_event_that_never_ends_is_cut_off() -> None:
    parser = Parser(max_event=1000)
    with pytest.raises(TooLong):
        parser.feed(b": line\n" * 1000)


def test_what_is_written_is_read_back_and_comments_stay_one_line() -> None:
    assert [e.data for e in read(write("a\nb"), comment("x\ndata: evil\r\n"), write("c"))] == ["a\nb", None, "c"]


def test_payload_is_in_no_repr() -> None:
    assert "canary" not in repr(read(b"data: canary\nid: canary\n\n"))
