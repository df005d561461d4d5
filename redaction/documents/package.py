"""The members of an Office package (ZIP), each byte of which belongs to one: nothing before, between or after. Pure.

The library reads the directory; members are unpacked here, so that a member is exactly what both of its headers say,
stops at the budget, and hides nothing behind its end.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from redaction.documents.text import printable
from redaction.documents.types import Reading, Unreadable

_LOCAL = struct.Struct("<4s5H3I2H")
_DESCRIPTORS = frozenset({0, 12, 16, 20, 24})
"""Bytes that may follow a member whose sizes come after it (APPNOTE 4.3.9)."""
_ENCRYPTED = 0x2041
"""Flags: encrypted, strongly encrypted, masked headers (APPNOTE 4.4.4)."""


def members(data: bytes, reading: Reading) -> Iterator[tuple[str, bytes]]:
    """Name and content of every member. Raises Unreadable."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, UnicodeDecodeError):
        raise Unreadable("package") from None
    infos = sorted(archive.infolist(), key=lambda i: i.header_offset)
    names = [i.filename for i in infos]
    if len({n.casefold() for n in names}) != len(names):
        raise Unreadable("ambiguous")
    reading.part(len(infos))
    reading.technical("\n".join(n for n in names if "@" in n or sum(map(str.isdigit, n)) > 6))
    notes = archive.comment + b"".join(i.comment + b"\n" + i.extra for i in infos)
    reading.technical(printable(notes))
    end = 0
    for info in infos:
        extra, raw, start, end_ = _local(data, info)
        reading.technical(printable(extra))
        if start != end and start - end not in _DESCRIPTORS:
            raise Unreadable("package")
        end = end_
        yield info.filename, _unpacked(raw, info, reading)
    if archive.start_dir - end not in _DESCRIPTORS:
        raise Unreadable("package")
    _tail(data, archive)


def _local(data: bytes, info: zipfile.ZipInfo) -> tuple[bytes, bytes, int, int]:
    start = info.header_offset
    try:
        magic, _, flags, method, _, _, _, _, _, name_size, extra_size = _LOCAL.unpack_from(data, start)
    except struct.error:
        raise Unreadable("package") from None
    if (info.flag_bits | flags) & _ENCRYPTED:
        raise Unreadable("encrypted")
    at = start + _LOCAL.size
    name = data[at : at + name_size]
    content = at + name_size + extra_size
    end = content + info.compress_size
    same = name in {info.orig_filename.encode("utf-8", "replace"), info.orig_filename.encode("cp437", "replace")}
    if magic != b"PK\x03\x04" or not same or method != info.compress_type or end > len(data) or extra_size > 1024:
        raise Unreadable("package")
    return data[content - extra_size : content], data[content:end], start, end


def _unpacked(raw: bytes, info: zipfile.ZipInfo, reading: Reading) -> bytes:
    if info.compress_type == zipfile.ZIP_STORED:
        out = raw
    elif info.compress_type == zipfile.ZIP_DEFLATED:
        engine = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            out = engine.decompress(raw, reading.inflatable + 1)
        except zlib.error:
            raise Unreadable("package") from None
        reading.inflate(len(out))
        if not engine.eof or engine.unused_data or engine.unconsumed_tail:
            raise Unreadable("package")
    else:
        raise Unreadable("compression")
    if len(out) != info.file_size or zlib.crc32(out) != info.CRC:
        raise Unreadable("package")
    return out


def _tail(data: bytes, archive: zipfile.ZipFile) -> None:
    """The directory is followed by its end record and comment, and by nothing else (ZIP64 records need not be here)."""
    at = data.rfind(b"PK\x05\x06")
    size, offset, comment = struct.unpack_from("<IIH", data, at + 12)
    if offset != archive.start_dir or offset + size != at or at + 22 + comment != len(data):
        raise Unreadable("package")
