"""A file that is not finished: where it ends well, so that it can be gone on with."""

import json
import zlib
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO

from isbitcoinlit.portable.exporter import FileForm, Wanted
from isbitcoinlit.portable.lines import milliseconds

_PIECE = 65_536
_GZIP_WINDOW = 31
"""zlib's word for gzip's own header."""


@dataclass(frozen=True, slots=True)
class Good:
    """The part of a file that can be kept."""

    length: int
    """Bytes."""
    last: int | None
    """Time of its last reading in milliseconds since the epoch; None if there is only a header."""


def part_of(path: Path, wanted: Wanted, asked: str) -> Path:
    """Return where a file is written until it is whole; another question has another one."""
    question = f"{wanted.feed} {wanted.form} {wanted.packed} {asked}".encode()
    return path.with_name(f"{path.name}.{blake2b(question, digest_size=4).hexdigest()}.part")


def look(file: IO[bytes], wanted: Wanted) -> Good:
    """Find where the last whole line (or gzip member) of a file ends, in constant memory."""
    length, line = _last_member(file) if wanted.packed else _last_line(file)
    if length == 0:
        return Good(0, None)
    try:
        return Good(length, _time(line, wanted.form))
    except (ValueError, LookupError):
        return Good(length, None) if line == b"" or line.startswith(b"time,") else Good(0, None)


def _last_line(file: IO[bytes]) -> tuple[int, bytes]:
    end = file.seek(0, 2)
    begin = max(0, end - _PIECE)
    file.seek(begin)
    whole = file.read().rpartition(b"\n")
    if not whole[1]:
        return 0, b""
    return begin + len(whole[0]) + 1, whole[0].rpartition(b"\n")[2]


def _last_member(file: IO[bytes]) -> tuple[int, bytes]:
    file.seek(0)
    length, line, data = 0, b"", b""
    unpack, text, read = zlib.decompressobj(_GZIP_WINDOW), b"", 0
    while data or (data := file.read(_PIECE)):
        before = len(data)
        try:
            text += unpack.decompress(data)
        except zlib.error:
            break
        data = unpack.unused_data
        read += before - len(data)
        if unpack.eof:
            length, line = read, text.rstrip(b"\n").rpartition(b"\n")[2]
            unpack, text = zlib.decompressobj(_GZIP_WINDOW), b""
    return length, line


def _time(line: bytes, form: FileForm) -> int:
    if form is FileForm.CSV:
        return milliseconds(line.partition(b",")[0].decode())
    return milliseconds(json.loads(line)["time"])
