"""Documents as bytes, a page at a time: JSON Lines, CSV and Parquet. Memory does not grow with what is written."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from assay_server.query.files.flat import COLUMNS, Column, Kind

Format = Literal["jsonl", "csv", "parquet"]

MEDIA_TYPES: dict[Format, str] = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class Writer(Protocol):
    """Gives the bytes of each page, and those that end the file."""

    def page(self, documents: Sequence[dict[str, Any]]) -> bytes: ...

    def end(self) -> bytes: ...


def writer(kind: Kind, form: Format) -> Writer:
    """A writer for one file."""
    if form == "parquet":
        return _Parquet(COLUMNS[kind])
    return _Csv(COLUMNS[kind]) if form == "csv" else _JsonLines()


class _JsonLines:
    """The documents as the API shows them."""

    def page(self, documents: Sequence[dict[str, Any]]) -> bytes:
        return b"".join(msgspec.json.encode(document) + b"\n" for document in documents)

    def end(self) -> bytes:
        return b""


class _Csv:
    """RFC 4180, the names first. Texts are not altered: a spreadsheet should import them as text."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._begun = False

    def page(self, documents: Sequence[dict[str, Any]]) -> bytes:
        text = io.StringIO(newline="")
        out = csv.writer(text)
        if not self._begun:
            out.writerow([column.name for column in self._columns])
            self._begun = True
        out.writerows([column.of(document) for column in self._columns] for document in documents)
        return text.getvalue().encode("utf-8", "replace")

    def end(self) -> bytes:
        return b"" if self._begun else self.page([])


class _Parquet:
    """A row group a page, zstd; times are timestamps with microseconds, UTC."""

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {
            "text": pa.string(),
            "json": pa.string(),
            "integer": pa.int64(),
            "real": pa.float64(),
            "time": pa.timestamp("us", "UTC"),
        }
        self._table = pa.Table
        self._columns = columns
        self._schema = pa.schema([(column.name, kinds[column.type]) for column in columns])
        self._tail = _Tail()
        self._out = pq.ParquetWriter(self._tail, self._schema, compression="zstd")

    def page(self, documents: Sequence[dict[str, Any]]) -> bytes:
        rows = {column.name: [_typed(column, document) for document in documents] for column in self._columns}
        self._out.write_table(self._table.from_pydict(rows, schema=self._schema))
        return self._tail.take()

    def end(self) -> bytes:
        self._out.close()
        return self._tail.take()


class _Tail(io.RawIOBase):
    """A file that forgets what was taken from it."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        view = bytes(data)
        self._kept += view
        self._position += len(view)
        return len(view)

    def take(self) -> bytes:
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


def _typed(column: Column, document: dict[str, Any]) -> Any:
    value = column.of(document)
    return datetime.fromisoformat(value) if column.type == "time" and value is not None else value
