"""Spans as parts: what can be told of a request of which only the beginning is known."""

import pytest

from assay_server.ingest import first_trace_of
from tests.fakes.otlp_requests import TRACE_ID, a_span, protobuf

SENT = protobuf(a_span(), a_span(trace_id="f" * 32), scope="mlflow@3", resource={"service.name": "s" * 300})


def test_the_first_trace_is_told_by_the_beginning() -> None:
    began = SENT[: SENT.index(bytes.fromhex(TRACE_ID)) + 16]
    assert first_trace_of(SENT) == first_trace_of(began) == TRACE_ID
    assert first_trace_of(began[:-1]) is None


@pytest.mark.parametrize("began", [b"", b"\xff" * 40, b"{}" * 40, b"\x0a\x00" * 40])
def test_what_is_no_request_of_spans_tells_none(began: bytes) -> None:
    assert first_trace_of(began) is None
