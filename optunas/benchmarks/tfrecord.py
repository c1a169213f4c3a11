"""TFRecord files and the one protocol-buffer message of NAS-Bench-101, read without TensorFlow."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from optunas.benchmarks.files import opened
from optunas.errors import OptunasError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""How a field is coded (protobuf.dev/programming-guides/encoding)."""

Value = int | float | bytes


def records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file, one after the other.

    Each is a length (8 bytes, little endian), the length's checksum (4), the record, its checksum
    (4). The checksums (CRC-32C) are passed over. Raises `OptunasError` where the file ends within a
    record.
    """
    with opened(path, "rb") as file:
        number = 0
        while head := file.read(12):
            number += 1
            length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 else 0
            body = file.read(length + 4) if length < 2**31 else b""
            if len(head) < 12 or len(body) < length + 4:
                raise OptunasError(
                    f"{path.name!r} ends within its record {number}: it is no TFRecord file, or "
                    "was not copied to its end"
                )
            yield body[:-4]


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """The fields of a protocol-buffer message: number and value.

    64-bit fields are taken as doubles, what has a length as bytes. Raises `OptunasError` where the
    bytes are no message.
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        value: Value
        if kind == VARINT:
            value, place = _varint(message, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
            value = struct.unpack("<d" if size == 8 else "<f", _cut(message, place, size))[0]
            place += size
        elif kind == LENGTH:
            size, place = _varint(message, place)
            value = _cut(message, place, size)
            place += size
        else:
            raise OptunasError(f"a message has fields of kinds 0, 1, 2 and 5; got {kind}")
        yield tag >> 3, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        byte = _cut(message, place, 1)[0]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise OptunasError("a number in a message has at most ten bytes")


def _cut(message: bytes, place: int, size: int) -> bytes:
    part = message[place : place + size]
    if len(part) < size:
        raise OptunasError("a message ends within a field")
    return part
