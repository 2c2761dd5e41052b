"""A message of Kafka as a row of the history, and rows as Parquet.

Place in the flow: Kafka -> **rows** -> files. What is JSON stands as text in `value`; what is not stands as it came in
`raw`, and the row is kept all the same. A tombstone has neither.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic_core import from_json

from services.archivist.files import placed

GROUP_ROWS = 20_000
"""Rows of one row group: what a merge or an erasure holds in memory at a time."""
GROUP_BYTES = 32_000_000
COMPRESSION = "zstd"

SCHEMA = pa.schema(
    [
        pa.field("topic", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("timestamp", pa.timestamp("ms", tz="UTC")),
        pa.field("key", pa.string()),
        pa.field("type", pa.string()),
        pa.field("value", pa.string()),
        pa.field("raw_key", pa.binary()),
        pa.field("raw", pa.binary()),
    ]
)
"""The topic's declared name, without prefix; `timestamp` is Kafka's. `raw_key` is a key that is not UTF-8."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the history; `timestamp` in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key: str | None
    type: str | None
    value: str | None
    raw_key: bytes | None = None
    raw: bytes | None = None

    def with_value(self, value: Any) -> "Row":
        """The same row with other JSON text, or with other bytes that are no JSON."""
        if isinstance(value, bytes):
            return replace(self, value=None, raw=value)
        return replace(self, value=value, raw=None)


def row(topic: str, partition: int, offset: int, timestamp: int, key: bytes | None, value: bytes | None) -> Row:
    """The row of one message; Kafka writes a negative timestamp for none."""
    text, raw_key = _text(key)
    found, kind, raw = _json(value)
    return Row(topic, partition, offset, timestamp if timestamp >= 0 else None, text, kind, found, raw_key, raw)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a file at once and for good; whoever reads sees all of it or nothing."""
    write_tables(path, [table(rows)])


def table(rows: Iterable[Row]) -> pa.Table:
    """Rows as Arrow holds them."""
    found = list(rows)
    columns = [pa.array([getattr(one, name) for one in found], SCHEMA.field(name).type) for name in SCHEMA.names]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    """The same for rows in several parts, each small enough for memory; tiny parts are put together."""
    with placed(path) as new, pq.ParquetWriter(new, SCHEMA, compression=COMPRESSION) as writer:
        for part in _grouped(tables):
            writer.write_table(part, row_group_size=GROUP_ROWS)


def tables(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """A file in parts, one row group at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, columns=columns)


def rows(found: pa.Table) -> Iterator[Row]:
    """The rows of a part that was read with all columns."""
    milliseconds = found.set_column(3, "timestamp", found["timestamp"].cast(pa.int64()))
    for one in milliseconds.to_pylist():
        yield Row(**one)


def _grouped(found: Iterable[pa.Table]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for one in found:
        rows_held, bytes_held = sum(map(len, held)), sum(part.nbytes for part in held)
        if held and (rows_held + len(one) > GROUP_ROWS or bytes_held + one.nbytes > GROUP_BYTES):
            yield pa.concat_tables(held)
            held = []
        held.append(one)
    if held:
        yield pa.concat_tables(held)


def _text(key: bytes | None) -> tuple[str | None, bytes | None]:
    if key is None:
        return None, None
    try:
        return key.decode(), None
    except UnicodeDecodeError:
        return None, key


def _json(value: bytes | None) -> tuple[str | None, str | None, bytes | None]:
    """The text, the event's type and the bytes: of these, what the value has."""
    if value is None:
        return None, None, None
    try:
        read, text = from_json(value, allow_inf_nan=False), value.decode()
    except ValueError:  # half a surrogate and bytes that are not UTF-8 are no JSON either
        return None, None, value
    kind = read.get("type") if isinstance(read, dict) else None
    return text, kind if isinstance(kind, str) else None, None
