"""What atheris runs: `python -m tests.soak.fuzz TARGET CORPUS -max_total_time=60`. One target a process.

A target takes bytes and must answer with a value or an error of ours; anything else ends the process with a report.
"""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import atheris

_READERS = [
    "assay_server.api.dialects",
    "assay_server.ingest",
    "assay_server.query.filters.attributes",
    "assay_server.query.sandbox.sandbox",
    "assay_server.query.sandbox.check",
    "assay_server.query.filters.line",
    "tests.fixtures.sql_writer",
]
"""What is followed by coverage; the rest is only run."""

with atheris.instrument_imports(include=_READERS):
    from assay_server.api.dialects.langsmith.multipart import multipart
    from assay_server.checks.pii import Scrubber
    from assay_server.core.errors import AssayError
    from assay_server.core.records import Span
    from assay_server.ingest import decompress
    from assay_server.ingest.limits import DEFAULT
    from assay_server.ingest.normalise.aliases import aliases
    from assay_server.ingest.normalise.normaliser import Normaliser
    from assay_server.ingest.otlp.decoded import Decoded
    from assay_server.ingest.otlp.from_json import decode_json
    from assay_server.ingest.otlp.from_proto import decode_proto
    from assay_server.ingest.otlp.logs import decode_logs_json, decode_logs_proto, facts_of
    from assay_server.ingest.otlp.metrics import decode_metrics_json, decode_metrics_proto
    from assay_server.ingest.scrub import FactScrubber
    from assay_server.outbound.otlp import encoded
    from assay_server.query import read_condition
    from assay_server.query.filters.line import read_line
    from assay_server.query.sandbox.sandbox import _Parser
    from assay_server.query.shapes import span_json
    from assay_server.store.columns import SPANS
    from tests.fixtures.foreign_world import ForeignWorld
    from tests.fixtures.sql_world import World
    from tests.fixtures.sql_writer import Writer

_NORMALISER = Normaliser(aliases())
_SCRUBBER = FactScrubber(Scrubber(), aliases().identities, b"salt")
_PARSER = _Parser()
_PROJECT = "prj_a"


def traces_protobuf(data: bytes) -> None:
    _understood(decode_proto(_PROJECT, data, DEFAULT))


def traces_json(data: bytes) -> None:
    _understood(decode_json(_PROJECT, data, DEFAULT))


def logs_protobuf(data: bytes) -> None:
    for record in decode_logs_proto(_PROJECT, data, DEFAULT).taken:
        _SCRUBBER.log(record)
        facts_of(record, _NORMALISER, 1)


def logs_json(data: bytes) -> None:
    for record in decode_logs_json(_PROJECT, data, DEFAULT).taken:
        _SCRUBBER.log(record)
        facts_of(record, _NORMALISER, 1)


def metrics(data: bytes) -> None:
    with contextlib.suppress(AssayError):
        decode_metrics_json(_PROJECT, data, DEFAULT)
    decode_metrics_proto(_PROJECT, data, DEFAULT)


def bodies(data: bytes) -> None:
    for encoding in ("gzip", "deflate", "zstd"):
        with contextlib.suppress(AssayError):
            decompress(data, encoding, 1 << 20)


def search(data: bytes) -> None:
    read_line(data.decode("utf-8", "replace"), 1_795_248_000_000_000_000)


def sql(data: bytes) -> None:
    _PARSER._rewrite(data.decode("utf-8", "replace"))


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _world() -> World:
    return _runner().run(World.made(Path(tempfile.mkdtemp(prefix="assay-fuzz-"))))


@cache
def _server() -> ForeignWorld:
    return _runner().run(ForeignWorld.made(Path(tempfile.mkdtemp(prefix="assay-fuzz-"))))


def projects(data: bytes) -> None:
    """Queries that make sense, over two stores which differ in what another project wrote."""
    _runner().run(_world().ask(Writer(_numbers(data)).write()))


def dialects(data: bytes) -> None:
    """What released clients of other systems sent, changed in a few places."""
    _runner().run(_server().send(_numbers(data)))


def conditions(data: bytes) -> None:
    """The first line is the value of the attribute that the second one asks for."""
    value, _, asked = data.decode("utf-8", "replace").partition("\n")
    condition = read_condition(asked)
    condition.sql()
    condition.holds({condition.key: value})


def _numbers(data: bytes) -> Iterator[int]:
    return (first << 8 | second for first, second in zip(data[::2], data[1::2], strict=False))


def parts(data: bytes) -> None:
    """The body says its own boundary, in its first line."""
    boundary = data.partition(b"\r\n")[0].removeprefix(b"--").decode("latin-1")
    multipart(f'multipart/form-data; boundary="{boundary}"', data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        *(traces_protobuf, traces_json, logs_protobuf, logs_json, metrics, bodies, search, sql),
        *(projects, dialects, conditions, parts),
    )
}


def _understood(decoded: "Decoded[Span]") -> None:
    """The whole way to the columns of the store and out again to another collector."""
    _SCRUBBER.spans(decoded.taken)
    _NORMALISER.fill_all(decoded.taken)
    for row in SPANS.batch(decoded.taken, range(len(decoded.taken))).to_pylist():
        document = span_json({**row, "let_go_ns": None, "kept_days": None})
        encoded([{**document, "events": []}], "ab" * 8)


def _guarded(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with contextlib.suppress(AssayError):
            target(data)

    return run


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], _guarded(TARGETS[sys.argv[1]]))
    atheris.Fuzz()
