"""The records of one batch of the log (record format 2), without what the sink has no use for.

A general reader makes an object of every record and of each of its headers. The facts' headers are for
routing: here they are stepped over, and a record is made once.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.analytics.domain.batch import Record


class MalformedBatchError(ValueError):
    """The bytes are not so many records."""


def records_of(
    data: bytes, count: int, partition: int, offset: int, first: int, appended: int | None
) -> Iterator[Record]:
    """The `count` records that `data` holds, uncompressed. Raises MalformedBatchError.

    `offset` and `first` are the batch's own offset and time stamp (ms), which its records count from;
    `appended` is the time stamp of them all where the broker gave it.
    """
    at = 0
    try:
        for _ in range(count):
            size, at = _varint(data, at)
            end = at + size
            since, at = _varint(data, at + 1)  # one byte of attributes, unused by the format
            place, at = _varint(data, at)
            size, at = _varint(data, at)
            key = None if size < 0 else data[at : at + size]
            size, at = _varint(data, at + max(size, 0))
            value = None if size < 0 else data[at : at + size]
            if at + size > end:
                raise MalformedBatchError("a record larger than it says")
            at = end
            yield Record(
                partition, offset + place, key, value, first + since if appended is None else appended
            )
    except IndexError as error:
        raise MalformedBatchError("a batch that ends within a record") from error
    if at != len(data):
        raise MalformedBatchError(f"{len(data) - at} bytes beyond the last record")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A signed number of variable length (zigzag), and where it ends."""
    number = data[at]
    at += 1
    if number > 0x7F:
        number &= 0x7F
        shift = 7
        while (byte := data[at]) > 0x7F:
            number |= (byte & 0x7F) << shift
            at += 1
            shift += 7
        number |= byte << shift
        at += 1
    return number >> 1 ^ -(number & 1), at
